//! The SOAP 1.1 envelope around a message (saml-bindings-2.0-os 3.2).

use vouchsafe_xml::{Element, namespace::SOAP_ENVELOPE};

use crate::message::MessageError;
use crate::reading::{elements_named, only_child};

/// Returns the only element in the Body of an envelope. Header blocks that must be understood are refused.
pub(super) fn content(root: Element<'_>) -> Result<Element<'_>, MessageError> {
    envelope(root, |_| false).map(|(_, message)| message)
}

/// Returns the Header, and the only element in the Body. `is_understood` states which header blocks are known.
pub(super) fn envelope<'d>(
    root: Element<'d>,
    is_understood: impl Fn(Element<'d>) -> bool,
) -> Result<(Option<Element<'d>>, Element<'d>), MessageError> {
    let refuse = |reason| MessageError::Soap { reason };
    if !root.is(SOAP_ENVELOPE, "Envelope") {
        return Err(refuse("the document element is not a SOAP 1.1 Envelope"));
    }
    let has_other =
        root.elements().any(|child| !child.is(SOAP_ENVELOPE, "Header") && !child.is(SOAP_ENVELOPE, "Body"));
    if has_other || elements_named(root, SOAP_ENVELOPE, "Header").count() > 1 {
        return Err(refuse("an Envelope holds at most one Header and one Body, and nothing else"));
    }
    let header = only_child(root, SOAP_ENVELOPE, "Header");
    let is_strange = |block: Element<'d>| must_be_understood(block) && !is_understood(block);
    if header.is_some_and(|header| header.elements().any(is_strange)) {
        return Err(refuse("a header block must be understood, and is not known here"));
    }
    let body = only_child(root, SOAP_ENVELOPE, "Body").ok_or(refuse("an Envelope holds exactly one Body"))?;
    let mut children = body.elements();
    match (children.next(), children.next()) {
        (Some(fault), None) if fault.is(SOAP_ENVELOPE, "Fault") => Err(read_fault(fault)),
        (Some(message), None) => Ok((header, message)),
        _ => Err(refuse("the Body holds exactly one message")),
    }
}

/// Returns whether the receiver must understand a block or refuse the envelope (SOAP 1.1, 4.2.3).
fn must_be_understood(block: Element<'_>) -> bool {
    matches!(block.attribute_in(SOAP_ENVELOPE, "mustUnderstand"), Some("1" | "true"))
}

/// Reads a Fault, whose children are in no namespace (SOAP 1.1, 4.4).
fn read_fault(fault: Element<'_>) -> MessageError {
    let text =
        |name| only_child(fault, "", name).map(|child| child.text().trim().to_owned()).unwrap_or_default();
    MessageError::Fault { code: text("faultcode"), text: text("faultstring") }
}
