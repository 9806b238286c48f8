//! The forty-two responses of the shared corpus, checked according to its manifest.

use std::collections::BTreeMap;
use std::path::Path;

use crate::common::{Receiver, at};
use serde_json::Value;
use vouchsafe_assertion::{Correlation, Expectations, MessageId, OutstandingRequest, SignaturePolicy, Trust};
use vouchsafe_crypto::Provider;
use vouchsafe_metadata::{EntityId, IdentityProvider};
use vouchsafe_xml::Limits;

/// The manifest accepts this response. Here it needs the method with that name: AES-CBC in an unsigned Response.
const NEEDS_DANGER_UNAUTHENTICATED_CBC: &str = "035-encrypted-cbc.xml";

/// The code of each refusal. A change here is a change of behaviour.
const CODES: &[(&str, &str)] = &[
    ("001-xsw1.xml", "signature.structure"),
    ("002-xsw2.xml", "signature.reference_uri"),
    ("003-xsw3.xml", "assertion.assertion_count"),
    ("004-xsw4.xml", "assertion.unsigned"),
    ("005-xsw5.xml", "assertion.assertion_count"),
    ("006-xsw6.xml", "signature.structure"),
    ("008-xsw8.xml", "signature.structure"),
    ("009-xsw-duplicate-id.xml", "assertion.assertion_count"),
    ("010-unsigned.xml", "assertion.unsigned"),
    ("011-tampered-nameid.xml", "signature.digest_mismatch"),
    ("012-tampered-attribute.xml", "signature.digest_mismatch"),
    ("013-attacker-key.xml", "signature.not_verified"),
    ("014-reference-uri-of-other-element.xml", "signature.reference_uri"),
    ("015-rsa-sha1.xml", "signature.algorithm"),
    ("016-hmac-with-certificate.xml", "signature.algorithm"),
    ("017-doctype.xml", "xml.doctype"),
    ("018-external-entity.xml", "xml.doctype"),
    ("019-billion-laughs.xml", "xml.doctype"),
    ("020-truncated.xml", "xml.unclosed"),
    ("022-conditions-expired.xml", "assertion.expired"),
    ("023-conditions-not-yet-valid.xml", "assertion.not_yet_valid"),
    ("024-confirmation-expired.xml", "assertion.confirmation_expired"),
    ("025-audience-wrong.xml", "assertion.audience"),
    ("026-recipient-wrong.xml", "assertion.recipient"),
    ("027-destination-wrong.xml", "assertion.destination"),
    ("028-inresponseto-wrong.xml", "assertion.in_response_to"),
    ("029-unsolicited-not-allowed.xml", "assertion.in_response_to"),
    ("030-issuer-wrong.xml", "assertion.issuer"),
    ("031-status-failure.xml", "assertion.status"),
    ("032-encrypted-unsigned.xml", "assertion.unsigned"),
    ("033-encrypted-rsa15.xml", "encryption.refused_algorithm"),
];

#[test]
fn every_case() {
    let Some(shared) = vouchsafe_testkit::shared::folder() else { return };
    let folder = shared.join("corpus");
    let manifest: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.join("manifest.json")).unwrap()).unwrap();
    let mut wrong = Vec::new();
    let mut right = 0;
    for case in manifest["cases"].as_array().unwrap() {
        match judge(&folder, &manifest["defaults"], case) {
            Ok(()) => right += 1,
            Err(problem) => wrong.push(format!("{}: {problem}", case["file"])),
        }
    }
    println!("{right} right, {} wrong", wrong.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(right, 42);
}

/// Without the flag the response is refused, so the flag makes the difference.
#[test]
fn unauthenticated_cbc_needs_the_flag() {
    let Some(shared) = vouchsafe_testkit::shared::folder() else { return };
    let folder = shared.join("corpus");
    let manifest: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.join("manifest.json")).unwrap()).unwrap();
    let receiver = receiver(&folder, &manifest["defaults"], &Value::Null, false);
    let bytes = std::fs::read(folder.join(NEEDS_DANGER_UNAUTHENTICATED_CBC)).unwrap();
    assert_eq!(receiver.receive(&bytes).unwrap_err().code(), "encryption.unauthenticated_cbc");
}

fn judge(folder: &Path, defaults: &Value, case: &Value) -> Result<(), String> {
    let file = case["file"].as_str().unwrap();
    let receiver = receiver(folder, defaults, &case["settings"], file == NEEDS_DANGER_UNAUTHENTICATED_CBC);
    let outcome = receiver.receive(&std::fs::read(folder.join(file)).unwrap());
    let expected = case["expect"] == "accept";
    let tolerated = case["tolerate"] == true;
    match outcome {
        Ok(login) => {
            if !expected && !tolerated {
                return Err("accepted".to_owned());
            }
            let name = login.name_id().map(|name| name.value());
            if name != case["subject"].as_str() {
                return Err(format!("accepted with {name:?}"));
            }
            if let Some(attributes) = case.get("attributes") {
                let actual: BTreeMap<&str, &[String]> = login
                    .attributes()
                    .iter()
                    .map(|attribute| (attribute.name(), attribute.values()))
                    .collect();
                if serde_json::to_value(actual).unwrap() != *attributes {
                    return Err(format!("other attributes: {:?}", login.attributes()));
                }
            }
            Ok(())
        }
        Err(refusal) => {
            if expected && !tolerated {
                return Err(format!("refused: {refusal} [{}]", refusal.code()));
            }
            if refusal.hint().is_empty() {
                return Err("no hint".to_owned());
            }
            match CODES.iter().find(|(name, _)| *name == file) {
                Some((_, code)) if *code != refusal.code() => {
                    Err(format!("{} instead of {code}", refusal.code()))
                }
                _ => Ok(()),
            }
        }
    }
}

fn receiver(folder: &Path, defaults: &Value, settings: &Value, cbc: bool) -> Receiver {
    let setting = |name: &str| settings.get(name).unwrap_or(&defaults[name]);
    let text = |name: &str| setting(name).as_str().unwrap();
    let provider = Provider::rustcrypto();
    let metadata = std::fs::read(folder.join(text("idp_metadata"))).unwrap();
    let identity_provider = IdentityProvider::from_metadata(&metadata).unwrap();
    let trust = Trust::new(crate::common::connection(), &identity_provider, &provider).unwrap();
    let correlation = match setting("expected_in_response_to").as_str() {
        Some(id) => {
            Correlation::Reply(OutstandingRequest::issued_at_unknown_time(MessageId::new(id).unwrap()))
        }
        None => Correlation::Unsolicited,
    };
    let skew = std::time::Duration::from_secs(setting("clock_skew_seconds").as_u64().unwrap());
    Receiver {
        trust: if cbc { trust.danger_accept_unauthenticated_cbc() } else { trust },
        keys: setting("sp_decryption_keys")
            .as_array()
            .unwrap()
            .iter()
            .map(|key| {
                let pem = std::fs::read_to_string(folder.join(key.as_str().unwrap())).unwrap();
                provider.private_key(&pem).unwrap()
            })
            .collect(),
        provider,
        limits: Limits::default(),
        policy: SignaturePolicy::default(),
        expectations: Expectations::new(
            EntityId::new(text("sp_entity_id")).unwrap(),
            text("acs_url"),
            correlation,
        )
        .with_clock_skew(skew)
        .unwrap(),
        now: at(text("now")),
    }
}
