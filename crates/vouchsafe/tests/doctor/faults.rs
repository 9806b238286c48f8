//! Single faults of a response of Okta: which code, and which field of the console.

use vouchsafe::crypto::{ContentCipher, DigestAlgorithm, SignatureAlgorithm};
use vouchsafe::doctor::{Doctor, Exhibit};
use vouchsafe_testkit::{self as testkit, Encryption, Part, ResponseBuilder, Signed, keys};

use crate::{codes, errors, now};

fn response() -> ResponseBuilder {
    testkit::IdentityProvider::okta().response()
}

fn doctor() -> Doctor {
    Doctor::new(now())
        .with_entity_id(testkit::SERVICE_PROVIDER)
        .with_assertion_consumer(testkit::ASSERTION_CONSUMER)
        .with_decryption_keys(vec![keys::service_provider().private_key().clone()])
}

/// Examines the response together with the metadata of Okta and of another tenant.
fn with_metadata(xml: &str) -> Exhibit {
    let metadata = testkit::IdentityProvider::okta().metadata().unwrap();
    let other = testkit::IdentityProvider::other().metadata().unwrap();
    let files = [("okta", metadata.as_bytes()), ("other", other.as_bytes()), ("response", xml.as_bytes())];
    let mut exhibits = doctor().examine(&files).exhibits;
    exhibits.remove(2)
}

#[test]
fn the_first_complaint_names_the_field() {
    let sealed = |cipher| Encryption::to(keys::service_provider().certificate()).cipher(cipher);
    let cases: Vec<(ResponseBuilder, &str, Option<&str>)> = vec![
        (
            response().audience("https://app.example.com"),
            "assertion.audience",
            Some("Audience URI (SP Entity ID)"),
        ),
        (
            response().recipient("https://app.example.com/acs"),
            "assertion.recipient",
            Some("Single sign-on URL"),
        ),
        (
            response().destination("http://app.example.com/saml/acs"),
            "assertion.destination",
            Some("Single sign-on URL"),
        ),
        (
            response().sign(Signed::Neither),
            "assertion.unsigned",
            Some("Show Advanced Settings > Response: Signed"),
        ),
        (
            response().sign(Signed::Assertion).encrypt(sealed(ContentCipher::Aes256Cbc)),
            "encryption.unauthenticated_cbc",
            Some("Show Advanced Settings > Response: Signed"),
        ),
        (
            response().encrypt(Encryption::to(keys::old_service_provider().certificate())),
            "encryption.failed",
            Some("Show Advanced Settings > Encryption Certificate"),
        ),
        (
            response().signature_algorithm(SignatureAlgorithm::RsaSha1).digest(DigestAlgorithm::Sha1),
            "signature.algorithm",
            Some("Show Advanced Settings > Signature Algorithm: RSA-SHA256, Digest Algorithm: SHA256"),
        ),
        (
            response().key(keys::attacker()),
            "signature.not_verified",
            Some("Sign On > SAML Signing Certificates"),
        ),
        (
            response().status(["urn:oasis:names:tc:SAML:2.0:status:Responder"]).omit(Part::Assertion),
            "assertion.status",
            Some("Reports > System Log"),
        ),
        (
            response().assertion_issuer("http://www.okta.com/exkother"),
            "assertion.issuer",
            Some("Show Advanced Settings > SAML Issuer ID"),
        ),
        (
            response().issuer("http://www.okta.com/exkother"),
            "assertion.unknown_issuer",
            Some("Show Advanced Settings > SAML Issuer ID"),
        ),
    ];
    for (case, code, field) in cases {
        let exhibit = with_metadata(case.issue().unwrap().xml());
        let first = &exhibit.complaints[0];
        assert_eq!(first.code, code, "{exhibit:#?}");
        assert_eq!(first.setting.as_ref().map(|setting| setting.name.as_str()), field, "{exhibit:#?}");
        assert!(!first.message.is_empty() && !first.remedy.is_empty());
    }
    assert_eq!(errors(&with_metadata(response().issue().unwrap().xml())), Vec::<&str>::new());
    let gcm = response().encrypt(sealed(ContentCipher::Aes256Gcm)).issue().unwrap();
    assert_eq!(errors(&with_metadata(gcm.xml())), Vec::<&str>::new());
}

#[test]
fn a_signature_that_fails_is_looked_into() {
    let other = response().key(keys::other_identity_provider()).issue().unwrap();
    let exhibit = with_metadata(other.xml());
    let looked: Vec<&str> = errors(&exhibit);
    assert_eq!(
        looked,
        ["signature.not_verified", "autopsy.other_identity_provider", "autopsy.other_identity_provider"]
    );
    assert!(exhibit.complaints[1].message.contains(testkit::IdentityProvider::other().entity_id()));
    let indented = response().issue().unwrap().into_xml().replace("><saml2", ">\n<saml2");
    let exhibit = with_metadata(&indented);
    assert_eq!(
        errors(&exhibit),
        ["signature.digest_mismatch", "autopsy.indented", "autopsy.indented"],
        "{exhibit:#?}"
    );
}

#[test]
fn without_metadata_a_message_is_judged_by_its_own_certificate() {
    let exhibit = crate::only(&doctor(), response().audience("https://wrong.example").issue().unwrap().xml());
    assert_eq!(errors(&exhibit), ["assertion.audience"]);
    assert!(codes(&exhibit).contains(&"doctor.unverified_sender"));
    let exhibit = crate::only(&doctor(), response().omit(Part::KeyInfo).issue().unwrap().xml());
    assert_eq!(errors(&exhibit), ["doctor.nothing_to_verify_with"]);
    let late = doctor().judged_at(now());
    let exhibit = crate::only(&late, response().issue().unwrap().xml());
    assert_eq!(errors(&exhibit)[0], "assertion.confirmation_expired", "{exhibit:#?}");
}

#[test]
fn an_encrypted_assertion_stays_closed_without_a_key() {
    let sealed = response().encrypt(Encryption::to(keys::service_provider().certificate())).issue().unwrap();
    let exhibit = crate::only(&Doctor::new(now()), sealed.xml());
    assert_eq!(errors(&exhibit), Vec::<&str>::new(), "{exhibit:#?}");
    assert!(codes(&exhibit).contains(&"doctor.cannot_open"));

    // The assertion is decrypted, and its audience can be compared only with itself.
    let key = keys::service_provider().private_key().clone();
    let exhibit = crate::only(&Doctor::new(now()).with_decryption_keys(vec![key]), sealed.xml());
    assert_eq!(errors(&exhibit), Vec::<&str>::new(), "{exhibit:#?}");
}

#[test]
fn unauthenticated_cbc_is_opened_only_when_told_so() {
    let recipient = Encryption::to(keys::service_provider().certificate()).cipher(ContentCipher::Aes256Cbc);
    let issued = response().sign(Signed::Assertion).encrypt(recipient).issue().unwrap();
    let metadata = testkit::IdentityProvider::okta().metadata().unwrap();
    let files = [("okta", metadata.as_bytes()), ("response", issued.xml().as_bytes())];
    let exhibit = |doctor: Doctor| doctor.examine(&files).exhibits.remove(1);
    assert_eq!(errors(&exhibit(doctor())), ["encryption.unauthenticated_cbc"]);
    assert_eq!(errors(&exhibit(doctor().danger_unauthenticated_cbc())), Vec::<&str>::new());
}

#[test]
fn no_value_of_a_person_is_shown() {
    let attribute = testkit::Attribute::new("secret.name", ["Lovelace-value"]);
    let issued = response()
        .name_id("ada-value@example.com")
        .attribute(attribute)
        .audience("https://x.example")
        .issue()
        .unwrap();
    for exhibit in [with_metadata(issued.xml()), crate::examine(issued.xml())] {
        let json = serde_json::to_string(&exhibit).unwrap();
        assert!(!json.contains("ada-value") && !json.contains("Lovelace-value"), "{json}");
        assert!(json.contains("secret.name (1 value)"), "{json}");
    }
}

/// A given certificate is recognised if the metadata does not contain it.
#[test]
fn a_new_certificate_beside_old_metadata_is_recognised() {
    let metadata = testkit::IdentityProvider::okta().metadata().unwrap();
    let pair = keys::other_identity_provider();
    let certificate = pair.certificate();
    for issued in [response().key(pair).issue(), response().key(pair).omit(Part::KeyInfo).issue()] {
        let xml = issued.unwrap().into_xml();
        for file in [
            certificate.to_pem().into_bytes(),
            certificate.der().to_vec(),
            certificate.to_base64().into_bytes(),
        ] {
            let files =
                [("okta", metadata.as_bytes()), ("response", xml.as_bytes()), ("new.crt", file.as_slice())];
            let exhibit = doctor().examine(&files).exhibits.remove(1);
            let first = &exhibit.complaints[0];
            assert_eq!(first.code, "signature.not_verified", "{exhibit:#?}");
            let cause = "; the key of the certificate in “new.crt” made it, and the metadata of the identity provider does not have it";
            assert!(first.message.ends_with(cause), "{}", first.message);
            assert!(
                first.remedy.starts_with("Compare the fingerprint of that certificate"),
                "{}",
                first.remedy
            );
            assert!(!codes(&exhibit).contains(&"autopsy.other_identity_provider"), "{exhibit:#?}");
        }
    }
}

/// Values in the wrong field are recognised, and each has its own remedy.
#[test]
fn causes_name_what_was_mixed_up() {
    let us = testkit::SERVICE_PROVIDER;
    let consumer = testkit::ASSERTION_CONSUMER;
    let cases: Vec<(ResponseBuilder, &str, &str, &str)> = vec![
        (
            response().audience(consumer),
            "assertion.audience",
            "this is the address of the assertion consumer, not the entity ID",
            "not the address",
        ),
        (
            response().recipient(us),
            "assertion.recipient",
            "this is the entity ID, not the address of the assertion consumer",
            "leave the entity ID",
        ),
        (
            response().destination(us),
            "assertion.destination",
            "this is the entity ID, not the address of the assertion consumer",
            "leave the entity ID",
        ),
        (
            response().issuer(us).assertion_issuer(us),
            "assertion.unknown_issuer",
            "this is the entity ID of this service itself",
            "own name",
        ),
        (
            response().assertion_issuer(us),
            "assertion.issuer",
            "this is the entity ID of this service itself",
            "own name",
        ),
        (
            response().not_before("2026-01-01T03:00:00Z").not_on_or_after("2026-01-01T02:00:00Z"),
            "assertion.inverted_window",
            "Conditions: the end, 2026-01-01T02:00:00Z, is not later than the start, 2026-01-01T03:00:00Z",
            "No clock can be inside this window",
        ),
        (
            response().not_before("2026-01-01T01:00:00Z").not_on_or_after("2026-01-01T01:10:00Z"),
            "assertion.not_yet_valid",
            "about 1 h, which looks like a time zone that is set wrongly",
            "One side is off by hours, and no clock_skew is meant for that",
        ),
    ];
    for (case, code, message, remedy) in cases {
        let exhibit = with_metadata(case.issue().unwrap().xml());
        let first = &exhibit.complaints[0];
        assert_eq!(first.code, code, "{exhibit:#?}");
        assert!(first.message.ends_with(message), "{}", first.message);
        assert!(first.remedy.contains(remedy), "{}", first.remedy);
    }
    // For another tenant it is not known which of the two issuers is right.
    let exhibit = with_metadata(response().issuer("http://www.okta.com/exkother").issue().unwrap().xml());
    let first = &exhibit.complaints[0];
    assert_eq!(first.code, "assertion.unknown_issuer");
    assert_eq!(first.setting.as_ref().and_then(|setting| setting.value.as_deref()), None);
}
