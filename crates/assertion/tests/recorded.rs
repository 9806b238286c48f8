//! Responses recorded from identity providers of other makers, each at the time of its recording.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "test"
)]

mod common;

use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use common::{Receiver, at};
use serde_json::Value;
use vouchsafe_assertion::{Correlation, Expectations, MessageId, SignaturePolicy, Trust};
use vouchsafe_crypto::Provider;
use vouchsafe_metadata::{EntityId, IdentityProvider};
use vouchsafe_xml::Limits;

/// Recorded as sent and refused here, with the code and the reason.
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
    let (mut accepted, mut refused) = (0, 0);
    let mut wrong = Vec::new();
    for name in ["lasso", "pysaml2", "saml-idp", "samlify", "simplesamlphp"] {
        let recorded = folder.join(name);
        let manifest: Value =
            serde_json::from_str(&std::fs::read_to_string(recorded.join("samples.json")).unwrap()).unwrap();
        for sample in manifest["samples"].as_array().unwrap() {
            let file = format!("{name}/{}", sample["file"].as_str().unwrap());
            if sample["kind"] != "response" || !file.ends_with(".response.xml") {
                continue;
            }
            let outcome =
                receiver(&recorded, &manifest, sample).receive(&std::fs::read(folder.join(&file)).unwrap());
            let success = sample["status"][0] == "Success";
            match outcome {
                Ok(login) => {
                    accepted += 1;
                    let expected = sample["nameid"].as_str();
                    let actual = login.name_id().map(|name_id| name_id.value());
                    if !success || (expected.is_some() && actual != expected) {
                        wrong.push(format!("{file}: accepted with {actual:?}"));
                    }
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
    println!("{accepted} accepted, {refused} refused");
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(accepted > 40, "{accepted}");
}

fn receiver(folder: &Path, manifest: &Value, sample: &Value) -> Receiver {
    let provider = ["http://www.w3.org/2000/09/xmldsig#rsa-sha1", "http://www.w3.org/2000/09/xmldsig#sha1"]
        .iter()
        .fold(Provider::rustcrypto(), |provider, uri| provider.danger_allow(uri).unwrap());
    let metadata = std::fs::read(folder.join(manifest["idp_metadata"].as_str().unwrap())).unwrap();
    let identity_provider =
        IdentityProvider::from_metadata(&metadata).unwrap().danger_accept_unauthenticated_cbc();
    let key = std::fs::read_to_string(folder.join(manifest["sp"]["key"].as_str().unwrap())).unwrap();
    let correlation = match sample["in_response_to"].as_str() {
        Some(id) => Correlation::Reply(MessageId::new(id).unwrap()),
        None => Correlation::Unsolicited,
    };
    let issued: DateTime<Utc> = at(sample["response_issue_instant"].as_str().unwrap());
    Receiver {
        trust: Trust::new(&identity_provider, &provider).unwrap(),
        keys: vec![provider.private_key(&key).unwrap()],
        provider,
        limits: Limits::default(),
        policy: SignaturePolicy::default(),
        expectations: Expectations::new(
            EntityId::new(manifest["sp"]["entity_id"].as_str().unwrap()).unwrap(),
            manifest["sp"]["acs"].as_str().unwrap(),
            correlation,
        ),
        now: issued + TimeDelta::seconds(1),
    }
}
