//! Messages recorded from identity providers of other makers, each at the time of its recording, compared with their
//! table.

use std::path::Path;

use crate::common::{Receiver, at};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::Value;
use vouchsafe_assertion::{
    Correlation, Expectations, Login, MessageId, OutstandingRequest, SignaturePolicy, Trust,
};
use vouchsafe_crypto::Provider;
use vouchsafe_metadata::{EntityId, IdentityProvider};
use vouchsafe_xml::{Document, Limits, namespace};

/// The recorded messages that are refused here, with the code and the reason.
const REFUSED: &[(&str, &str, &str)] = &[
    (
        "samlify/encrypted.response.xml",
        "signature.digest_mismatch",
        "signed before it was encrypted: the Response's signature does not hold as received",
    ),
    ("lasso/encrypted-3des.response.xml", "encryption.refused_algorithm", "3DES is refused by default"),
    ("pysaml2/encrypted.response.xml", "encryption.refused_algorithm", "3DES is refused by default"),
];

#[test]
fn every_recorded_response() {
    let Some(shared) = vouchsafe_testkit::shared::folder() else { return };
    let folder = shared.join("idps/samples");
    let (mut accepted, mut refused, mut others) = (0, 0, 0);
    let mut wrong = Vec::new();
    for name in ["lasso", "pysaml2", "saml-idp", "samlify", "simplesamlphp"] {
        let recorded = folder.join(name);
        let manifest: Value =
            serde_json::from_str(&std::fs::read_to_string(recorded.join("samples.json")).unwrap()).unwrap();
        for sample in manifest["samples"].as_array().unwrap() {
            let file = format!("{name}/{}", sample["file"].as_str().unwrap());
            let bytes = std::fs::read(folder.join(&file)).unwrap();
            let Some(message) = response_in(&bytes) else {
                // Logout and name messages must not come to the assertion consumer.
                let refusal = crate::common::okta("2026-11-24T03:01:27Z").receive(&bytes).unwrap_err();
                assert_eq!(refusal.code(), "assertion.not_a_response", "{file}");
                assert_ne!(sample["kind"], "response", "{file}");
                others += 1;
                continue;
            };
            let outcome = receiver(&recorded, &manifest, sample).path(message);
            let success = sample["status"][0] == "Success";
            match outcome {
                Ok(login) => {
                    accepted += 1;
                    let expected = sample["nameid"].as_str();
                    let actual = login.name_id().map(|name_id| name_id.value());
                    if !success || (expected.is_some() && actual != expected) {
                        wrong.push(format!("{file}: accepted with {actual:?}"));
                    }
                    wrong.extend(
                        other_than(sample, &login).into_iter().map(|field| format!("{file}: {field}")),
                    );
                    for (attribute, values) in sample["attributes"].as_object().into_iter().flatten() {
                        if serde_json::to_value(login.attributes().get(attribute)).unwrap() != *values {
                            wrong
                                .push(format!("{file}: {attribute} {:?}", login.attributes().get(attribute)));
                        }
                    }
                }
                Err(refusal) => {
                    refused += 1;
                    let named =
                        REFUSED.iter().any(|(name, code, _)| *name == file && *code == refusal.code());
                    let no = !success && refusal.code() == "assertion.status";
                    if !named && !no {
                        wrong.push(format!("{file}: {} {refusal}", refusal.code()));
                    }
                }
            }
        }
    }
    println!("{accepted} accepted, {refused} refused, {others} for another address");
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!((accepted, refused, others), (79, 7, 26));
}

/// Returns the posted Response, or the one in a SOAP envelope (from an artifact, or for an enhanced client).
fn response_in(bytes: &[u8]) -> Option<Document> {
    let limits = Limits::default();
    let document = Document::parse(bytes, &limits).unwrap();
    if document.root().is(namespace::SAML_PROTOCOL, "Response") {
        return Some(document);
    }
    let response = document.elements().find(|element| element.is(namespace::SAML_PROTOCOL, "Response"))?;
    Some(Document::parse_in_scope(&bytes[response.source_range()], &response.scope(), &limits).unwrap())
}

/// Returns where the table and the login differ.
fn other_than(sample: &Value, login: &Login) -> Vec<String> {
    let time = |time: Option<DateTime<Utc>>| time.map(|time| time.to_rfc3339_opts(SecondsFormat::Secs, true));
    let text = |text: Option<&str>| text.map(str::to_owned);
    let instant = |field: &str| sample[field].as_str().map(|text| time(Some(at(text))).unwrap());
    let fields = [
        ("issuer", text(sample["issuer"].as_str()), text(Some(login.issuer().as_str()))),
        (
            "nameid_format",
            text(sample["nameid_format"].as_str()),
            text(login.name_id().and_then(|n| n.format())),
        ),
        (
            "session_index",
            text(sample["session_index"].as_str()),
            text(login.session_indexes().first().map(String::as_str)),
        ),
        ("authn_context", text(sample["authn_context"].as_str()), text(login.authn_context())),
        ("in_response_to", text(sample["in_response_to"].as_str()), text(login.in_response_to())),
        ("authn_instant", instant("authn_instant"), time(login.authn_instant())),
        (
            "session_not_on_or_after",
            instant("session_not_on_or_after"),
            time(login.session_not_on_or_after()),
        ),
    ];
    fields
        .into_iter()
        // For encrypted messages the table has few values.
        .filter(|(field, expected, _)| {
            expected.is_some() || (sample.get(*field).is_some() && sample["encrypted"].is_null())
        })
        .filter(|(_, expected, actual)| expected != actual)
        .map(|(field, expected, actual)| format!("{field}: {actual:?} instead of {expected:?}"))
        .collect()
}

/// The identity provider of a folder.
pub(crate) fn metadata_of(folder: &Path) -> IdentityProvider {
    let manifest: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.join("samples.json")).unwrap()).unwrap();
    let metadata = std::fs::read(folder.join(manifest["idp_metadata"].as_str().unwrap())).unwrap();
    IdentityProvider::from_metadata(&metadata).unwrap()
}

/// Returns the receiver of a sample at the time of its recording.
pub(crate) fn receiver(folder: &Path, manifest: &Value, sample: &Value) -> Receiver {
    let provider = ["http://www.w3.org/2000/09/xmldsig#rsa-sha1", "http://www.w3.org/2000/09/xmldsig#sha1"]
        .iter()
        .fold(Provider::rustcrypto(), |provider, uri| provider.danger_allow(uri).unwrap());
    let metadata = std::fs::read(folder.join(manifest["idp_metadata"].as_str().unwrap())).unwrap();
    let identity_provider = IdentityProvider::from_metadata(&metadata).unwrap();
    let key = std::fs::read_to_string(folder.join(manifest["sp"]["key"].as_str().unwrap())).unwrap();
    let correlation = match sample["in_response_to"].as_str() {
        Some(id) => {
            Correlation::Reply(OutstandingRequest::issued_at_unknown_time(MessageId::new(id).unwrap()))
        }
        None => Correlation::Unsolicited,
    };
    let issued: DateTime<Utc> = at(sample["response_issue_instant"].as_str().unwrap());
    Receiver {
        trust: Trust::new(crate::common::connection(), &identity_provider, &provider)
            .unwrap()
            .danger_accept_unauthenticated_cbc(),
        keys: vec![provider.private_key(&key).unwrap()],
        provider,
        limits: Limits::default(),
        policy: SignaturePolicy::default(),
        expectations: Expectations::new(
            EntityId::new(manifest["sp"]["entity_id"].as_str().unwrap()).unwrap(),
            sample["destination"].as_str().unwrap_or(manifest["sp"]["acs"].as_str().unwrap()),
            correlation,
        ),
        now: issued + TimeDelta::seconds(1),
    }
}
