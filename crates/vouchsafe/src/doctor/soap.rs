//! Finds messages inside others: in the Body of a SOAP envelope, and the Response in an ArtifactResponse.

use vouchsafe_xml::{Canonicalization, Element, Limits, canonicalize, namespace};

use super::exhibit::Kind;
use super::found::{Found, Message, Read, kind, parsed};

/// Replaces an envelope by its message, followed by the Response if the message is an ArtifactResponse that contains
/// one.
pub(super) fn with_contents(found: Found, limits: &Limits) -> Vec<Found> {
    let found = unwrapped(found, limits);
    let inner = match &found {
        Found::Message(read) => response_inside(read, limits),
        _ => None,
    };
    std::iter::once(found).chain(inner).collect()
}

fn unwrapped(found: Found, limits: &Limits) -> Found {
    let Found::Message(read) = found else { return found };
    let inner = read.parsed.as_ref().ok().and_then(|document| bytes_of(in_body(document.root())?));
    let Some(bytes) = inner else { return Found::Message(read) };
    let Read { message, .. } = *read;
    let envelope = Some(message.bytes.clone());
    parsed(Message { bytes, envelope, wrapping: "SOAP", whole: false, ..message }, limits)
}

/// Returns the SAML message in the Body of an envelope.
fn in_body(root: Element<'_>) -> Option<Element<'_>> {
    let mut bodies = root.elements().filter(|child| {
        root.is(namespace::SOAP_ENVELOPE, "Envelope") && child.is(namespace::SOAP_ENVELOPE, "Body")
    });
    let message = bodies.next()?.elements().next()?;
    (message.namespace() == namespace::SAML_PROTOCOL).then_some(message)
}

fn response_inside(read: &Read, limits: &Limits) -> Option<Found> {
    let document = read.parsed.as_ref().ok().filter(|document| kind(document) == Kind::ArtifactResponse)?;
    let mut children = document.root().elements();
    let response = children.find(|child| child.is(namespace::SAML_PROTOCOL, "Response"))?;
    let message = Message {
        source: format!("{}, the Response in it", read.message.source),
        bytes: bytes_of(response)?,
        wrapping: "HTTP-Artifact",
        time: read.message.time,
        ..Message::default()
    };
    Some(parsed(message, limits))
}

/// Writes an element as a document of its own, with the namespaces that are in scope.
fn bytes_of(element: Element<'_>) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    canonicalize(element, Canonicalization::INCLUSIVE_WITH_COMMENTS, &[], None, &mut bytes).ok()?;
    Some(bytes)
}
