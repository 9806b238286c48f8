//! Examines requests and logout messages: their content, and anything unusual in them.

use vouchsafe_signature::has_signature;
use vouchsafe_xml::{Document, Element, namespace};

use super::address::is_open;
use super::complaint::Own;
use super::found::Message;
use super::judge_signature::is_signed;
use super::request_rules::{self, Case};
use super::stated::issuer;
use super::surroundings::Surroundings;
use super::{Doctor, Exhibit, Kind};

/// The maximum length of a RelayState in bytes (SAML Bindings 3.4.3).
const RELAY_STATE: usize = 80;

pub(crate) fn judge(
    doctor: &Doctor,
    document: &Document,
    message: &Message,
    surroundings: &Surroundings,
    exhibit: &mut Exhibit,
) {
    let root = document.root();
    if matches!(exhibit.kind, Kind::AuthnRequest | Kind::ArtifactResolve) {
        let case = Case { root, kind: exhibit.kind, message, surroundings, doctor };
        request_rules::judge(&case, exhibit);
        if surroundings.our_entity_id(doctor).is_none() && exhibit.kind == Kind::AuthnRequest {
            exhibit.not_judged.push("who we are");
        }
        if surroundings.identity_providers().next().is_none() && exhibit.kind == Kind::AuthnRequest {
            exhibit.not_judged.push("whom it is for");
        }
    }
    facts(root, message, exhibit);
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

fn facts(root: Element<'_>, message: &Message, exhibit: &mut Exhibit) {
    for (name, attribute) in [
        ("ID", "ID"),
        ("issued", "IssueInstant"),
        ("destination", "Destination"),
        ("in response to", "InResponseTo"),
        ("assertion consumer", "AssertionConsumerServiceURL"),
        ("binding of the answer", "ProtocolBinding"),
        ("ForceAuthn", "ForceAuthn"),
        ("IsPassive", "IsPassive"),
        ("counts until", "NotOnOrAfter"),
        ("reason", "Reason"),
    ] {
        if let Some(value) = root.attribute(attribute) {
            exhibit.fact(name, value);
        }
    }
    if let Some(issuer) = issuer(root) {
        exhibit.fact("issuer", issuer);
    }
    let children = |name: &'static str| {
        let wanted = [namespace::SAML_ASSERTION, namespace::SAML_PROTOCOL];
        root.elements().filter(move |child| child.local_name() == name && wanted.contains(&child.namespace()))
    };
    if let Some(name_id) = children("NameID").next() {
        exhibit.fact("NameID format", name_id.attribute("Format").unwrap_or("none"));
    }
    let indexes = children("SessionIndex").count();
    if indexes > 0 {
        exhibit.fact("session indexes", indexes.to_string());
    }
    let signed_in_query = message.query.as_deref().is_some_and(is_signed);
    let signed = match (signed_in_query, has_signature(root), &message.signed_form) {
        (true, ..) => "in the query",
        (_, true, _) => "in the message",
        (.., Some(_)) => "in the form",
        _ => "no",
    };
    exhibit.fact("signed", signed);
}

/// Complains about the RelayState of a message if it is too long.
pub(crate) fn relay_state(message: &Message, exhibit: &mut Exhibit) {
    if let Some(state) = message.relay_state.as_ref().filter(|state| state.len() > RELAY_STATE) {
        exhibit.complaints.push(Own::LongRelayState.about(&state.len().to_string()));
    }
}
