//! Messages of other SAML projects, at the clock of their manifest: the results must be the same. Every difference is
//! listed in `vectors_differences.json` with its reason, and a listed difference that no longer exists fails too.

use std::collections::BTreeSet;
use std::path::Path;

use crate::common::{Receiver, at};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use vouchsafe_assertion::{
    Correlation, Expectations, Login, MessageId, OutstandingRequest, SignaturePolicy, Trust,
};
use vouchsafe_crypto::{Certificate, PrivateKey, Provider, base64_decode};
use vouchsafe_metadata::{EntityId, EntityKey, IdentityProvider};
use vouchsafe_xml::{Document, Element, Limits, namespace};

#[test]
fn other_projects_agree_or_the_difference_is_named() {
    let Some(shared) = vouchsafe_testkit::shared::folder() else { return };
    let folder = shared.join("vectors/saml");
    let manifest = manifest(&folder);
    let mut differences: Vec<Value> = serde_json::from_str(include_str!("vectors_differences.json")).unwrap();
    let (mut accepted, mut refused, mut without_verdict) = (0, 0, 0);
    let mut wrong = Vec::new();
    for case in manifest["cases"].as_array().unwrap().iter().filter(|case| case["kind"] == "Response") {
        let file = case["file"].as_str().unwrap();
        let outcome = receiver(&folder, case, false).receive(&bytes(&folder, case));
        let (here, told) = match &outcome {
            Ok(_) => ("accepted", String::new()),
            Err(refusal) => (refusal.code(), refusal.to_string()),
        };
        let upstream = case["upstream_expects"].as_str();
        let agreed = match upstream {
            Some("accept") => outcome.is_ok(),
            Some(_) => outcome.is_err(),
            // If their tests have no verdict, an accepted message must also have been verified by the makers of the
            // manifest.
            None => outcome.is_err() || is_verified(case),
        };
        let named = differences.iter().position(|difference| difference["file"] == file);
        match (agreed, named.map(|place| differences.remove(place))) {
            (true, None) => match upstream {
                Some("accept") => accepted += 1,
                Some(_) => refused += 1,
                None => without_verdict += 1,
            },
            (false, Some(difference)) if difference["here"] == here => {
                assert_eq!(difference["upstream"], case["upstream_expects"], "{file}");
                assert!(!difference["reason"].as_str().unwrap().is_empty(), "{file}");
            }
            (true, Some(_)) => wrong.push(format!("{file}: no difference any more")),
            (false, _) => wrong.push(format!("{file}: {upstream:?}, and here {here}: {told}")),
        }
        if let Ok(login) = &outcome {
            wrong.extend(other_subject(case, login).map(|difference| format!("{file}: {difference}")));
        }
    }
    println!("{accepted} accepted and {refused} refused alike, {without_verdict} without a verdict");
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(differences.is_empty(), "not in the manifest: {differences:#?}");
    assert!(accepted >= 29 && refused >= 120 && without_verdict >= 96);
}

/// Content that is not a SAML 2.0 response (entity bombs, external entities, requests, metadata, pages) is refused
/// with a reason.
#[test]
fn what_is_no_response_is_refused() {
    let Some(shared) = vouchsafe_testkit::shared::folder() else { return };
    let folder = shared.join("vectors/saml");
    let receiver = crate::common::okta("2026-01-01T00:01:00Z");
    let (mut refused, mut attacks) = (0, 0);
    for case in
        manifest(&folder)["cases"].as_array().unwrap().iter().filter(|case| case["kind"] != "Response")
    {
        let Ok(bytes) = std::fs::read(folder.join(case["file"].as_str().unwrap())) else { continue };
        let refusal = receiver.receive(&bytes).unwrap_err();
        refused += 1;
        if case["kind"] == "XML attack document" {
            attacks += 1;
            assert_eq!(refusal.code(), "xml.doctype", "{}", case["file"]);
        }
    }
    println!("{refused} refused, {attacks} attacks among them");
    assert!(refused > 250 && attacks == 5, "{refused} {attacks}");
}

/// The only message of another project with a NotBefore in its bearer confirmation is genuine, and is accepted if
/// this is tolerated.
#[test]
fn a_real_message_with_a_start_of_its_confirmation() {
    const FILE: &str = "crewjam/testdata/TestSPRealWorldAssertionSignedNotResponse_response";
    let Some(shared) = vouchsafe_testkit::shared::folder() else { return };
    let folder = shared.join("vectors/saml");
    let manifest = manifest(&folder);
    let case = manifest["cases"].as_array().unwrap().iter().find(|case| case["file"] == FILE).unwrap();
    let bytes = bytes(&folder, case);
    let refusal = receiver(&folder, case, false).receive(&bytes).unwrap_err();
    assert_eq!(refusal.code(), "assertion.confirmation_not_before");
    assert!(refusal.hint().contains("tolerate_confirmation_not_before"));
    let login = receiver(&folder, case, true).receive(&bytes).unwrap();
    let check = login.ledger().check("subject.not_before").unwrap();
    assert!(check.actual_text().contains("does not conform"), "{check:?}");
}

fn manifest(folder: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(folder.join("manifest.json")).unwrap()).unwrap()
}

fn is_verified(case: &Value) -> bool {
    let signatures = case["signatures"].as_array().map(Vec::as_slice).unwrap_or_default();
    signatures.iter().any(|signature| signature["valid"] == true) || case["decrypted_signature"].is_object()
}

fn other_subject(case: &Value, login: &Login) -> Option<String> {
    let expected = assertion(case)["name_id"].as_str();
    let actual = login.name_id().map(|name| name.value());
    // The manifest has no value for an EncryptedID.
    (expected.is_some() && actual != expected).then(|| format!("{actual:?} instead of {expected:?}"))
}

fn assertion(case: &Value) -> &Value {
    if case["assertions"][0].is_object() { &case["assertions"][0] } else { &case["decrypted_assertion"] }
}

/// Returns the content of the form field: decoded from base64 once.
fn bytes(folder: &Path, case: &Value) -> Vec<u8> {
    let bytes = std::fs::read(folder.join(case["file"].as_str().unwrap())).unwrap();
    if case["encoding"] == "xml" { bytes } else { base64_decode(&bytes).unwrap_or_default() }
}

/// Returns the receiver of the message, as the manifest or the message itself states.
fn receiver(folder: &Path, case: &Value, tolerant: bool) -> Receiver {
    let provider = [
        "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
        "http://www.w3.org/2000/09/xmldsig#sha1",
        "rsa-1024",
        "http://www.w3.org/2001/04/xmlenc#rsa-1_5",
    ]
    .iter()
    .fold(Provider::rustcrypto(), |provider, uri| provider.danger_allow(uri).unwrap());
    let message = Message::read(folder, case);
    let assertion = assertion(case);
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let issuer = text(&case["issuer"])
        .or(text(&assertion["issuer"]))
        .or_else(|| message.text("Issuer"))
        .unwrap_or_else(|| "none".to_owned());
    let consumer = text(&case["sp"]["acs"])
        .or(text(&assertion["subject_confirmations"][0]["recipient"]))
        .or_else(|| message.attribute("SubjectConfirmationData", "Recipient"))
        .or(text(&case["destination"]))
        .unwrap_or_default();
    let audience = text(&case["sp"]["entity_id"])
        .or(text(&assertion["audience"][0]))
        .or_else(|| message.text("Audience"))
        .unwrap_or_else(|| "none".to_owned());
    let correlation = match text(&case["in_response_to"]).map(MessageId::new) {
        Some(Ok(id)) => Correlation::Reply(OutstandingRequest::issued_at_unknown_time(id)),
        _ => Correlation::Unsolicited,
    };
    Receiver {
        trust: trust(&issuer, message.certificates(folder, case), &provider, tolerant),
        keys: decryption_keys(folder, case, &provider),
        limits: Limits::default(),
        policy: SignaturePolicy::default(),
        expectations: Expectations::new(
            EntityId::new(&audience).unwrap_or_else(|_| EntityId::new("none").unwrap()),
            consumer,
            correlation,
        ),
        now: case["accept_at"].as_str().map(at).or_else(|| message.issued()).unwrap_or_default(),
        provider,
    }
}

/// Weak keys are skipped; if none remains, a key is used that signed nothing.
fn trust(issuer: &str, certificates: Vec<Certificate>, provider: &Provider, tolerant: bool) -> Trust {
    let entity = EntityId::new(issuer.trim()).unwrap_or_else(|_| EntityId::new("none").unwrap());
    let stranger = vouchsafe_testkit::keys::attacker().certificate().clone();
    let with = |certificates: Vec<Certificate>| {
        let mut certificates = certificates.into_iter();
        let first = certificates.next().unwrap_or_else(|| stranger.clone());
        let identity_provider = IdentityProvider::new(entity.clone()).with_signing_certificate(first);
        certificates.fold(identity_provider, IdentityProvider::with_signing_certificate)
    };
    let trust = Trust::new(crate::common::connection(), &with(certificates), provider)
        .unwrap_or_else(|_| Trust::new(crate::common::connection(), &with(Vec::new()), provider).unwrap())
        .danger_accept_unauthenticated_cbc();
    if tolerant { trust.tolerate_confirmation_not_before() } else { trust }
}

fn decryption_keys(folder: &Path, case: &Value, provider: &Provider) -> Vec<PrivateKey> {
    let read = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap();
    case["decrypts_with"]
        .as_str()
        .map(|file| provider.private_key(&read(file)).unwrap())
        .into_iter()
        .collect()
}

/// The content of the message itself, decrypted first, if the manifest has no value.
struct Message(Vec<Document>);

impl Message {
    fn read(folder: &Path, case: &Value) -> Message {
        let limits = Limits::default();
        let Ok(message) = Document::parse(&bytes(folder, case), &limits) else { return Message(Vec::new()) };
        let encrypted = message.elements().find(|element| element.local_name() == "EncryptedAssertion");
        let plain = case["plaintext_file"].as_str().and_then(|file| std::fs::read(folder.join(file)).ok());
        let inner = encrypted.zip(plain).and_then(|(encrypted, plain)| {
            Document::parse_in_scope(&plain, &encrypted.scope(), &limits).ok()
        });
        Message(inner.into_iter().chain([message]).collect())
    }

    fn elements<'m>(&'m self, name: &'m str) -> impl Iterator<Item = Element<'m>> {
        let elements = self.0.iter().flat_map(|document| document.elements());
        elements.filter(move |element| element.local_name() == name)
    }

    fn text(&self, name: &str) -> Option<String> {
        self.elements(name).next().map(|element| element.text().trim().to_owned())
    }

    fn attribute(&self, element: &str, name: &str) -> Option<String> {
        self.elements(element).find_map(|element| element.attribute(name)).map(str::to_owned)
    }

    /// Returns the second after the assertion was issued, or otherwise the response.
    fn issued(&self) -> Option<DateTime<Utc>> {
        let instant = self
            .attribute("Assertion", "IssueInstant")
            .or_else(|| self.attribute("Response", "IssueInstant"))?;
        instant.parse::<DateTime<Utc>>().ok()?.checked_add_signed(TimeDelta::seconds(1))
    }

    /// Returns the certificates of the manifest. If it names none, those of the message itself are trusted, so that
    /// an attack cannot fail because of its signature alone.
    fn certificates(&self, folder: &Path, case: &Value) -> Vec<Certificate> {
        let named = named_certificates(folder, case);
        if !named.is_empty() {
            return named;
        }
        self.elements("X509Certificate")
            .filter(|element| element.namespace() == namespace::DSIG)
            .filter_map(|element| Certificate::from_base64(&element.text()).ok())
            .collect()
    }
}

fn named_certificates(folder: &Path, case: &Value) -> Vec<Certificate> {
    let mut files: BTreeSet<String> = case["signatures"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|signature| signature["certificate_file"].as_str())
        .chain(case["sp"]["idp_cert"].as_str())
        .map(str::to_owned)
        .collect();
    if let (Some(key), Some((project, _))) = (
        case["decrypted_signature"]["key"].as_str(),
        case["file"].as_str().and_then(|file| file.split_once('/')),
    ) {
        let name = key.rsplit('/').next().unwrap();
        files.extend([format!("{project}/{name}"), format!("{project}/{key}")]);
    }
    files
        .iter()
        .filter_map(|file| std::fs::read(folder.join(file)).ok())
        .flat_map(|bytes| {
            if let Ok(identity_provider) = IdentityProvider::from_metadata(&bytes) {
                let certificates = identity_provider.signing_keys().iter().filter_map(EntityKey::certificate);
                return certificates.cloned().collect::<Vec<_>>();
            }
            String::from_utf8(bytes).iter().filter_map(|pem| Certificate::from_pem(pem).ok()).collect()
        })
        .collect()
}
