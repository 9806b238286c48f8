//! Requests and logout messages: what they say, and what is peculiar about them.

use vouchsafe_signature::has_signature;
use vouchsafe_xml::{Document, Element, namespace};

use super::complaint::Own;
use super::judge_signature::is_signed;
use super::recognise::Message;
use super::request_rules::{self, Case};
use super::surroundings::{Request, Surroundings};
use super::{Doctor, Exhibit, Kind};

/// SAML Bindings 3.4.3.
const RELAY_STATE: usize = 80;

/// What its answer is compared with.
pub(crate) fn request(document: &Document) -> Option<Request> {
    let root = document.root();
    Some(Request {
        id: root.attribute("ID")?.to_owned(),
        issuer: issuer(root),
        consumer: root.attribute("AssertionConsumerServiceURL").map(str::to_owned),
    })
}

pub(crate) fn judge(
    doctor: &Doctor,
    document: &Document,
    message: &Message,
    surroundings: &Surroundings,
    exhibit: &mut Exhibit,
) {
    let root = document.root();
    if matches!(exhibit.kind, Kind::AuthnRequest | Kind::LogoutRequest | Kind::LogoutResponse) {
        let ours = surroundings.our_entity_id(doctor);
        let is_ours = ours.is_some_and(|ours| issuer(root).as_deref() == Some(ours.as_str()));
        let asked = root.attribute("AssertionConsumerServiceURL");
        let assertion_consumer = surroundings.our_assertion_consumer(doctor, asked).filter(|_| is_ours);
        request_rules::judge(&Case { root, kind: exhibit.kind, message, assertion_consumer }, exhibit);
    }
    for (name, attribute) in [
        ("ID", "ID"),
        ("issued", "IssueInstant"),
        ("destination", "Destination"),
        ("in response to", "InResponseTo"),
        ("assertion consumer", "AssertionConsumerServiceURL"),
        ("binding of the answer", "ProtocolBinding"),
        ("ForceAuthn", "ForceAuthn"),
        ("IsPassive", "IsPassive"),
    ] {
        if let Some(value) = root.attribute(attribute) {
            exhibit.fact(name, value);
        }
    }
    if let Some(issuer) = issuer(root) {
        exhibit.fact("issuer", issuer);
    }
    let signed_in_query = message.query.as_deref().is_some_and(is_signed);
    let signed = signed_in_query || has_signature(root);
    exhibit.fact(
        "signed",
        if signed_in_query {
            "in the query"
        } else if signed {
            "in the message"
        } else {
            "no"
        },
    );
    let consumer = root.attribute("AssertionConsumerServiceURL");
    for address in [root.attribute("Destination"), consumer].into_iter().flatten().filter(|url| is_open(url))
    {
        exhibit.complaints.push(Own::Unencrypted.about(address));
    }
    if exhibit.kind == Kind::Assertion {
        exhibit.complaints.push(Own::AssertionAlone.about(""));
    }
    relay_state(message, exhibit);
}

/// The RelayState beside a message.
pub(crate) fn relay_state(message: &Message, exhibit: &mut Exhibit) {
    if let Some(state) = message.relay_state.as_ref().filter(|state| state.len() > RELAY_STATE) {
        exhibit.complaints.push(Own::LongRelayState.about(&state.len().to_string()));
    }
}

/// Whether an address is http, and not of this machine.
pub(crate) fn is_open(url: &str) -> bool {
    url.strip_prefix("http://").is_some_and(|rest| {
        let host = rest.split(['/', ':', '?']).next().unwrap_or_default();
        !matches!(host, "localhost" | "127.0.0.1" | "[")
    })
}

pub(crate) fn issuer(root: Element<'_>) -> Option<String> {
    let issuer = root.elements().find(|child| child.is(namespace::SAML_ASSERTION, "Issuer"))?;
    Some(issuer.text().trim().to_owned())
}
