//! Encrypted assertions and identifiers: what is decrypted, in which order, and the result.

use crate::common::{REQUEST, Receiver, okta};
use vouchsafe_assertion::{Outcome, Trust};
use vouchsafe_crypto::ContentCipher;
use vouchsafe_encryption::{EncryptOptions, KeyLayout, encrypt};
use vouchsafe_metadata::IdentityProvider;
use vouchsafe_testkit::{
    Attribute, Encryption, IdentityProvider as Okta, Part, Place, ResponseBuilder, Signed, keys,
};
use vouchsafe_xml::Limits;

const NOW: &str = "2026-01-01T00:01:00Z";
const CBC: ContentCipher = ContentCipher::Aes256Cbc;
const GCM: ContentCipher = ContentCipher::Aes256Gcm;

#[test]
fn ciphertext_that_nothing_authenticates() {
    let receiver = okta(NOW);
    let metadata = Okta::okta().metadata().unwrap();
    let identity_provider = IdentityProvider::from_metadata(metadata.as_bytes()).unwrap();
    let trust = Trust::new(crate::common::connection(), &identity_provider, &receiver.provider).unwrap();
    let trusting = Receiver { trust: trust.danger_accept_unauthenticated_cbc(), ..receiver.clone() };
    let cases = [
        (CBC, Signed::Both, "", ""),
        (CBC, Signed::Response, "", ""),
        (CBC, Signed::Assertion, "encryption.unauthenticated_cbc", ""),
        (CBC, Signed::Neither, "encryption.unauthenticated_cbc", "encryption.failed"),
        (GCM, Signed::Both, "", ""),
        (GCM, Signed::Response, "", ""),
        (GCM, Signed::Assertion, "", ""),
        (GCM, Signed::Neither, "assertion.unsigned", "assertion.unsigned"),
    ];
    for (cipher, signed, by_default, with_flag) in cases {
        let issued = response(cipher).sign(signed).issue().unwrap();
        assert_eq!(code(&receiver, issued.xml()), by_default, "{cipher:?} {signed:?}");
        assert_eq!(code(&trusting, issued.xml()), with_flag, "{cipher:?} {signed:?}");
    }
}

/// Nothing is decrypted before the signature around it has been verified.
#[test]
fn outermost_signature_first() {
    let issued = response(CBC).response_key(keys::attacker()).issue().unwrap();
    let refusal = okta(NOW).receive(issued.xml().as_bytes()).unwrap_err();
    assert_eq!(refusal.code(), "signature.not_verified");
    assert!(refusal.ledger().check("assertion.decryption").is_none());

    let refused = response(CBC).sign(Signed::Assertion).issue().unwrap();
    let refusal = okta(NOW).receive(refused.xml().as_bytes()).unwrap_err();
    assert!(refusal.ledger().check("assertion.decryption").is_none());
    assert_eq!(refusal.ledger().check("assertion.cipher").unwrap().outcome(), Outcome::Failed);
}

#[test]
fn the_inner_signature_must_verify_under_a_signed_response() {
    // If the cipher detects changes, the code names the fault. Otherwise it does not.
    for (cipher, expected) in [(GCM, "signature.not_verified"), (CBC, "encryption.failed")] {
        let issued = response(cipher).assertion_key(keys::attacker()).issue().unwrap();
        assert_eq!(code(&okta(NOW), issued.xml()), expected);
    }
}

#[test]
fn each_key_in_turn() {
    let receiver = okta(NOW);
    let both = Receiver {
        keys: vec![keys::old_service_provider().private_key().clone(), receiver.keys[0].clone()],
        ..receiver.clone()
    };
    let none = Receiver { keys: Vec::new(), ..receiver.clone() };
    let wrong = Receiver { keys: vec![keys::old_service_provider().private_key().clone()], ..receiver };
    let issued = response(GCM).issue().unwrap();
    assert_eq!(code(&both, issued.xml()), "");
    assert!(code(&none, issued.xml()).starts_with("encryption."));
    assert!(code(&wrong, issued.xml()).starts_with("encryption."));
}

#[test]
fn every_rule_applies_to_what_was_decrypted() {
    let receiver = okta(NOW);
    for signed in [Signed::Both, Signed::Response, Signed::Assertion] {
        let issued = response(GCM).sign(signed).audience("https://other.example").issue().unwrap();
        assert_eq!(code(&receiver, issued.xml()), "assertion.audience");
        let issued = response(GCM).sign(signed).omit(Part::ResponseIssuer).issue().unwrap();
        assert_eq!(code(&receiver, issued.xml()), "assertion.issuer");
        let issued = response(GCM).sign(signed).destination("https://other.example").issue().unwrap();
        assert_eq!(code(&receiver, issued.xml()), "assertion.destination");
    }
}

#[test]
fn what_was_encrypted_is_an_assertion_with_identifiers_of_its_own() {
    let receiver = okta(NOW);
    let wrapped = |inner: &str| {
        let sealed = seal(inner, KeyLayout::InKeyInfo);
        let wrapper =
            format!("<saml2:EncryptedAssertion xmlns:saml2=\"{SAML}\">{sealed}</saml2:EncryptedAssertion>");
        let response = Okta::okta().response().in_response_to(REQUEST).sign(Signed::Response);
        response.omit(Part::Assertion).insert(Place::AfterAssertion, wrapper).issue().unwrap().into_xml()
    };
    let refusal = receiver.receive(wrapped("<Assertion xmlns=\"urn:example\"/>").as_bytes()).unwrap_err();
    assert_eq!(refusal.code(), "encryption.failed");
    assert_eq!(refusal.check().unwrap().rule(), "assertion.decryption");
    let issuer = format!("<saml2:Issuer>{}</saml2:Issuer>", vouchsafe_testkit::OKTA_ENTITY_ID);
    let same = format!(
        "<saml2:Assertion xmlns:saml2=\"{SAML}\" ID=\"{}\">{issuer}</saml2:Assertion>",
        vouchsafe_testkit::RESPONSE_ID
    );
    assert_eq!(code(&receiver, &wrapped(&same)), "assertion.duplicate_id");
    // A prefix is bound around the ciphertext and not inside it. The element has neither a version nor statements.
    let outer = format!("<saml2:Assertion ID=\"_inner\">{issuer}</saml2:Assertion>");
    assert_eq!(code(&receiver, &wrapped(&outer)), "assertion.schema");
    let two = format!("<a:Assertion xmlns:a=\"{SAML}\"/><a:Assertion xmlns:a=\"{SAML}\"/>");
    assert_eq!(code(&receiver, &wrapped(&two)), "encryption.failed");
}

#[test]
fn an_encrypted_name_is_read() {
    let receiver = okta(NOW);
    let with = |inner: &str| {
        let encrypted = format!(
            "<saml2:EncryptedID xmlns:saml2=\"{SAML}\">{}</saml2:EncryptedID>",
            seal(inner, KeyLayout::InKeyInfo)
        );
        let response = Okta::okta().response().in_response_to(REQUEST);
        response.omit(Part::NameId).insert(Place::Subject, encrypted).issue().unwrap().into_xml()
    };
    let login = receiver
        .receive(with("<saml2:NameID>grace<!-- . -->@example.com</saml2:NameID>").as_bytes())
        .unwrap();
    assert_eq!(login.name_id().unwrap().value(), "grace@example.com");
    // Identifiers are also unique across parts that are decrypted later, and decrypted parts must follow the schema.
    let foreign = |id: &str| format!("<saml2:NameID ID=\"{id}\">grace</saml2:NameID>");
    assert_eq!(code(&receiver, &with(&foreign("_of_its_own"))), "encryption.failed");
    assert_eq!(code(&receiver, &with("<saml2:NameID>gr<x/>ace</saml2:NameID>")), "encryption.failed");
    for taken in [vouchsafe_testkit::RESPONSE_ID, vouchsafe_testkit::ASSERTION_ID] {
        assert_eq!(code(&receiver, &with(&foreign(taken))), "encryption.failed");
    }
    assert_eq!(code(&receiver, &with("<saml2:Audience>grace</saml2:Audience>")), "encryption.failed");
    let keyless = Receiver { keys: Vec::new(), ..receiver };
    assert!(code(&keyless, &with("<saml2:NameID>grace</saml2:NameID>")).starts_with("encryption."));
}

#[test]
fn encrypted_attributes_are_read_and_merged_and_bounded() {
    let receiver = okta(NOW);
    let sealed = |inner: &str| {
        let sealed = seal(inner, KeyLayout::InKeyInfo);
        format!("<saml2:EncryptedAttribute xmlns:saml2=\"{SAML}\">{sealed}</saml2:EncryptedAttribute>")
    };
    let attribute = |value: &str| {
        format!(
            "<saml2:Attribute xmlns:saml2=\"{SAML}\" Name=\"roles\"><saml2:AttributeValue>{value}\
             </saml2:AttributeValue></saml2:Attribute>"
        )
    };
    let with = |parts: &[String]| {
        let response =
            Okta::okta().response().in_response_to(REQUEST).attribute(Attribute::new("roles", ["plain"]));
        let response =
            parts.iter().fold(response, |response, part| response.insert(Place::AttributeStatement, part));
        response.issue().unwrap().into_xml()
    };
    let both = with(&[sealed(&attribute("a")), attribute("b"), sealed(&attribute("c"))]);
    let login = receiver.receive(both.as_bytes()).unwrap();
    assert_eq!(login.attributes().get("roles").unwrap(), ["plain", "a", "b", "c"]);
    assert_eq!(code(&receiver, &with(&[sealed("<saml2:NameID>x</saml2:NameID>")])), "encryption.failed");

    // Each part costs an operation with the private key.
    let few = Receiver { limits: Limits::default().with_private_key_operations(8), ..receiver };
    let number = |count: usize| with(&(0..count).map(|_| sealed(&attribute("x"))).collect::<Vec<_>>());
    assert_eq!(code(&few, &number(8)), "");
    assert_eq!(code(&few, &number(9)), "encryption.too_many_operations");
}

/// An attribute value may contain any markup, and therefore identifiers.
#[test]
fn no_identifier_is_used_again_in_what_was_decrypted() {
    let receiver = okta(NOW);
    let with = |ids: &[&str]| {
        let response =
            Okta::okta().response().in_response_to(REQUEST).attribute(Attribute::new("roles", ["plain"]));
        let response = ids.iter().fold(response, |response, id| {
            let attribute = format!(
                "<saml2:Attribute xmlns:saml2=\"{SAML}\" Name=\"n\"><saml2:AttributeValue><x ID=\"{id}\"/>\
                 </saml2:AttributeValue></saml2:Attribute>"
            );
            let sealed = seal(&attribute, KeyLayout::InKeyInfo);
            let encrypted = format!(
                "<saml2:EncryptedAttribute xmlns:saml2=\"{SAML}\">{sealed}</saml2:EncryptedAttribute>"
            );
            response.insert(Place::AttributeStatement, encrypted)
        });
        response.issue().unwrap().into_xml()
    };
    let login = receiver.receive(with(&["_one", "_two"]).as_bytes()).unwrap();
    assert_eq!(login.attributes().get("n").unwrap().len(), 2);
    for taken in
        [&["_one", "_one"][..], &[vouchsafe_testkit::RESPONSE_ID], &[vouchsafe_testkit::ASSERTION_ID]]
    {
        assert_eq!(code(&receiver, &with(taken)), "encryption.failed", "{taken:?}");
    }
}

const SAML: &str = "urn:oasis:names:tc:SAML:2.0:assertion";

fn response(cipher: ContentCipher) -> ResponseBuilder {
    let encryption = Encryption::to(keys::service_provider().certificate()).cipher(cipher);
    Okta::okta().response().in_response_to(REQUEST).encrypt(encryption)
}

fn seal(xml: &str, layout: KeyLayout) -> String {
    let key = keys::service_provider().private_key().public_key();
    encrypt(xml, key, &EncryptOptions::default().layout(layout), keys::provider()).unwrap()
}

fn code(receiver: &Receiver, xml: &str) -> &'static str {
    receiver.receive(xml.as_bytes()).map_or_else(|refusal| refusal.code(), |_| "")
}
