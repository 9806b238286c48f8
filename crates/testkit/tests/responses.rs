//! The libraries accept the messages that the kit issues in Okta's form, and every changed field is visible.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use vouchsafe_crypto::{ContentCipher, Provider, SignatureAlgorithm};
use vouchsafe_encryption::{DecryptionContext, KeyLayout, decrypt};
use vouchsafe_signature::{TrustedKey, has_signature, verify};
use vouchsafe_testkit::{
    Attribute, AuthnRequest, Encryption, IdentityProvider, KeyPair, Part, Place, ResponseBuilder, Signed,
    keys,
};
use vouchsafe_xml::{Canonicalization, Document, Element, Limits, namespace};

fn parsed(response: &ResponseBuilder) -> Document {
    Document::parse(response.issue().unwrap().xml().as_bytes(), &Limits::default()).unwrap()
}

fn assertion(document: &Document) -> Element<'_> {
    document.elements().find(|element| element.is(namespace::SAML_ASSERTION, "Assertion")).unwrap()
}

fn verifies(element: Element<'_>, key: &KeyPair) -> bool {
    let trusted = [TrustedKey::new(key.private_key().public_key().clone(), "test")];
    verify(element, &trusted, &Provider::rustcrypto(), &Limits::default()).is_ok()
}

fn okta() -> ResponseBuilder {
    IdentityProvider::okta().response().attribute(Attribute::new("groups", ["Everyone", "perf-team"]))
}

#[test]
fn signs_what_was_asked_for() {
    for (signed, response_signed, assertion_signed) in [
        (Signed::Both, true, true),
        (Signed::Response, true, false),
        (Signed::Assertion, false, true),
        (Signed::Neither, false, false),
    ] {
        let document = parsed(&okta().sign(signed));
        let key = keys::identity_provider();
        assert_eq!(has_signature(document.root()), response_signed, "{signed:?}");
        assert_eq!(has_signature(assertion(&document)), assertion_signed, "{signed:?}");
        assert_eq!(verifies(document.root(), key), response_signed, "{signed:?}");
        assert_eq!(verifies(assertion(&document), key), assertion_signed, "{signed:?}");
        assert!(!verifies(document.root(), keys::attacker()), "{signed:?}");
    }
}

#[test]
fn signs_with_other_keys_algorithms_and_canonicalizations() {
    let document = parsed(&okta().key(keys::identity_provider_p256()));
    assert!(verifies(document.root(), keys::identity_provider_p256()));
    let document = parsed(&okta().assertion_key(keys::attacker()));
    assert!(verifies(document.root(), keys::identity_provider()));
    assert!(verifies(assertion(&document), keys::attacker()));
    for algorithm in [SignatureAlgorithm::RsaSha512, SignatureAlgorithm::RsaPssSha256] {
        assert!(verifies(parsed(&okta().signature_algorithm(algorithm)).root(), keys::identity_provider()));
    }
    let document = parsed(&okta().canonicalization(Canonicalization::INCLUSIVE));
    assert!(verifies(document.root(), keys::identity_provider()));
    assert!(verifies(assertion(&document), keys::identity_provider()));
    // The message can be made, but every policy refuses it.
    let document = parsed(&okta().signature_algorithm(SignatureAlgorithm::RsaSha1));
    assert!(!verifies(document.root(), keys::identity_provider()));
}

#[test]
fn has_the_shape_of_okta() {
    let issued = okta().in_response_to("_request").issue().unwrap();
    let xml = issued.xml();
    for expected in [
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><saml2p:Response ",
        "xmlns:xs=\"http://www.w3.org/2001/XMLSchema\"",
        " InResponseTo=\"_request\" IssueInstant=\"2026-01-01T00:00:00.000Z\" Version=\"2.0\"",
        "Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:entity\"",
        "PrefixList=\"xs\"",
        "NotBefore=\"2025-12-31T23:55:00.000Z\" NotOnOrAfter=\"2026-01-01T00:05:00.000Z\"",
        "SessionIndex=\"_request\"",
        "NameFormat=\"urn:oasis:names:tc:SAML:2.0:attrname-format:basic\"",
        "xsi:type=\"xs:string\">perf-team<",
    ] {
        assert!(xml.contains(expected), "{expected} in {xml}");
    }
    let document = Document::parse(xml.as_bytes(), &Limits::default()).unwrap();
    let children: Vec<_> = document.root().elements().map(|child| child.local_name()).collect();
    assert_eq!(children, ["Issuer", "Signature", "Status", "Assertion"]);
    for certificate in document.elements().filter(|element| element.local_name() == "X509Certificate") {
        assert!(certificate.text().lines().all(|line| line.len() <= 76));
        assert!(certificate.text().lines().count() > 5);
    }
}

#[test]
fn encrypts_and_then_signs_the_response() {
    for layout in [KeyLayout::Sibling, KeyLayout::InKeyInfo, KeyLayout::SiblingUnreferenced] {
        let key = keys::service_provider();
        let encryption = Encryption::to(key.certificate()).layout(layout).cipher(ContentCipher::Aes128Gcm);
        let document = parsed(&okta().encrypt(encryption));
        assert!(verifies(document.root(), keys::identity_provider()));
        let encrypted = document.root().elements().last().unwrap();
        assert!(encrypted.is(namespace::SAML_ASSERTION, "EncryptedAssertion"));
        let own = [key.private_key().clone()];
        let (provider, limits) = (Provider::rustcrypto(), Limits::default());
        let mut context = DecryptionContext::new(&own, &provider, &limits);
        let opened = decrypt(encrypted, &mut context).unwrap();
        let inside =
            Document::parse_in_scope(opened.bytes(), &encrypted.scope(), &Limits::default()).unwrap();
        assert!(verifies(inside.root(), keys::identity_provider()), "{layout:?}");
    }
}

#[test]
fn every_part_can_be_left_out() {
    let whole = okta().in_response_to("_request").sign(Signed::Neither);
    let all = whole.issue().unwrap();
    for part in [
        Part::ResponseId,
        Part::ResponseVersion,
        Part::ResponseIssueInstant,
        Part::ResponseIssuer,
        Part::Destination,
        Part::ResponseInResponseTo,
        Part::Status,
        Part::Assertion,
        Part::AssertionId,
        Part::AssertionVersion,
        Part::AssertionIssueInstant,
        Part::AssertionIssuer,
        Part::Subject,
        Part::NameId,
        Part::NameIdFormat,
        Part::SubjectConfirmation,
        Part::SubjectConfirmationData,
        Part::SubjectInResponseTo,
        Part::Recipient,
        Part::SubjectNotOnOrAfter,
        Part::Conditions,
        Part::ConditionsNotBefore,
        Part::ConditionsNotOnOrAfter,
        Part::AudienceRestriction,
        Part::AuthnStatement,
        Part::AuthnInstant,
        Part::SessionIndex,
        Part::AuthnContext,
        Part::AttributeStatement,
        Part::ValueType,
    ] {
        let without = whole.clone().omit(part).issue().unwrap();
        assert!(without.xml().len() < all.xml().len(), "{part:?}");
    }
    let with_key = okta().issue().unwrap();
    let without_key = okta().omit(Part::KeyInfo).issue().unwrap();
    assert!(with_key.xml().contains("KeyInfo") && !without_key.xml().contains("KeyInfo"));
}

#[test]
fn xml_of_ones_own_goes_everywhere() {
    for place in [
        Place::ResponseStart,
        Place::BeforeStatus,
        Place::Status,
        Place::BeforeAssertion,
        Place::AfterAssertion,
        Place::AssertionStart,
        Place::Subject,
        Place::SubjectConfirmationData,
        Place::Conditions,
        Place::AfterConditions,
        Place::AttributeStatement,
        Place::AssertionEnd,
    ] {
        let document = parsed(&okta().insert(place, "<mine xmlns=\"urn:mine\">1</mine>"));
        assert_eq!(
            document.elements().filter(|element| element.is("urn:mine", "mine")).count(),
            1,
            "{place:?}"
        );
        assert!(verifies(document.root(), keys::identity_provider()), "{place:?}");
    }
}

#[test]
fn metadata_has_the_shape_of_okta() {
    let metadata = IdentityProvider::okta()
        .with_next_certificate(keys::identity_provider_p256().certificate())
        .metadata()
        .unwrap();
    let document = Document::parse(metadata.as_bytes(), &Limits::metadata()).unwrap();
    let role = document.root().elements().next().unwrap();
    assert!(role.is(namespace::SAML_METADATA, "IDPSSODescriptor"));
    assert_eq!(role.attribute("WantAuthnRequestsSigned"), Some("false"));
    let parts: Vec<_> = role.elements().map(|element| element.local_name()).collect();
    let expected = ["KeyDescriptor", "KeyDescriptor", "NameIDFormat", "NameIDFormat"];
    assert_eq!(parts[..4], expected);
    assert_eq!(parts[4..], ["SingleSignOnService"; 2]);
}

#[test]
fn reads_requests() {
    let xml = r#"<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_1" Version="2.0" ForceAuthn="true"
        AssertionConsumerServiceURL="https://app.example.com/saml/acs" IssueInstant="2026-01-01T00:00:00Z">
        <saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">https://app.example.com/saml/metadata</saml:Issuer>
        <samlp:NameIDPolicy AllowCreate="1"/></samlp:AuthnRequest>"#;
    let mut request = AuthnRequest::from_xml(xml.as_bytes()).unwrap();
    request.relay_state = Some("/reports?a=1&b=ü".to_owned());
    let again =
        AuthnRequest::from_redirect(&format!("https://idp.example.com/?{}", request.to_redirect_query()))
            .unwrap();
    assert_eq!(again, request);
    assert!(again.force_authn && !again.is_passive && again.allow_create == Some(true));
    assert_eq!(again.issuer, "https://app.example.com/saml/metadata");
    assert!(AuthnRequest::from_redirect("SAMLRequest=AAAA").is_err());
    assert!(AuthnRequest::from_redirect("RelayState=x").is_err());
    assert!(AuthnRequest::from_xml(b"<Response/>").is_err());
}
