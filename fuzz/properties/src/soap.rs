//! An envelope is read as a second reader, written here, reads it: one message in one Body, and no header that must be understood.

use vouchsafe::assertion::{Carriage, ClaimedMessage, MessageKind};
use vouchsafe::xml::{Document, Element, Limits, namespace};
use vouchsafe_testkit::logout;

use crate::message_seeds::envelopes;
use crate::script;

const SOAP: &str = namespace::SOAP_ENVELOPE;

/// The property of the target of that name.
pub fn check(data: &[u8]) {
    let _ = read(data);
}

/// Whether the input is read as an envelope with a message.
#[must_use]
pub fn read(data: &[u8]) -> bool {
    let limits = Limits::default();
    let text = script::document(data, envelopes());
    let expected =
        Document::parse(&text, &limits).ok().and_then(|document| simply(document.root()).map(str::to_owned));
    let claimed = ClaimedMessage::in_soap(&text, &limits);
    match (&claimed, expected) {
        (Ok(claimed), Some(name)) => {
            assert_eq!(claimed.kind().name(), name, "two readers differ");
            assert_eq!(claimed.carriage(), Carriage::Soap);
        }
        (Err(refusal), None) => {
            assert!(
                refusal.code().contains('.') && !refusal.to_string().is_empty() && !refusal.hint().is_empty()
            );
        }
        (Ok(claimed), None) => panic!("a {} that the second reader does not find", claimed.kind()),
        (Err(refusal), Some(name)) => panic!("{} for a {name}", refusal.code()),
    }
    again(&text, claimed.is_ok());
    claimed.is_ok()
}

/// The message in an envelope of its own is the same message.
fn again(text: &[u8], was_read: bool) {
    let Some(document) = Document::parse(text, &Limits::default()).ok().filter(|_| was_read) else { return };
    let message = document
        .root()
        .elements()
        .find(|one| one.is(SOAP, "Body"))
        .and_then(|body| body.elements().next())
        .expect("it was read before");
    let Some(bytes) = text.get(message.source_range()) else { return };
    // What was bound around it is not bound in the new one: only what stands alone is compared.
    let Ok(alone) = Document::parse(bytes, &Limits::default()) else { return };
    let kind = MessageKind::ALL.into_iter().find(|kind| kind.name() == message.local_name());
    let soap = logout::soap(&String::from_utf8_lossy(bytes));
    let read = ClaimedMessage::in_soap(soap.as_bytes(), &crate::ample());
    if alone.root().namespace() == namespace::SAML_PROTOCOL {
        assert_eq!(read.ok().map(|read| read.kind()), kind, "it reads differently again");
    }
}

/// The name of the message, if the envelope is one.
fn simply(root: Element<'_>) -> Option<&str> {
    if !root.is(SOAP, "Envelope") {
        return None;
    }
    let (mut bodies, mut headers) = (Vec::new(), Vec::new());
    for child in root.elements() {
        match (child.namespace(), child.local_name()) {
            (SOAP, "Body") => bodies.push(child),
            (SOAP, "Header") => headers.push(child),
            _ => return None,
        }
    }
    let must = |block: Element<'_>| {
        block.attributes().any(|attribute| {
            (attribute.namespace, attribute.local_name) == (SOAP, "mustUnderstand")
                && matches!(attribute.value, "1" | "true")
        })
    };
    if headers.len() > 1 || headers.iter().any(|header| header.elements().any(must)) {
        return None;
    }
    let [body] = bodies.as_slice() else { return None };
    let mut messages = body.elements();
    let message = messages.next().filter(|_| messages.next().is_none())?;
    let is_message = message.namespace() == namespace::SAML_PROTOCOL
        && MessageKind::ALL.iter().any(|kind| kind.name() == message.local_name());
    is_message.then(|| message.local_name())
}
