//! The post-mortem of a response: the key, the roll-over or the accidental change. It never changes the decision.

#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

use vouchsafe::assertion::Trust;
use vouchsafe::crypto::{
    Certificate, ContentCipher, DigestAlgorithm, KeyKind, SignatureAlgorithm, base64_encode,
};
use vouchsafe::metadata::MetadataDescription;
use vouchsafe::signature::AutopsyBudget;
use vouchsafe::xml::Document;
use vouchsafe::{
    Connection, ConnectionId, ConnectionSettings, EntityId, Expect, IdentityProvider, Limits, PostMortem,
    PostedResponse, ServiceProvider, SignatureInquiry, Unsolicited,
};
use vouchsafe_testkit::{self as testkit, Encryption, KeyPair, Signed, keys};

fn metadata(identity_provider: &testkit::IdentityProvider) -> IdentityProvider {
    IdentityProvider::from_metadata(identity_provider.metadata().unwrap().as_bytes()).unwrap()
}

/// A service and its connections.
struct Service(ServiceProvider, Vec<Connection>);

fn service_provider(okta: &testkit::IdentityProvider) -> Service {
    let connection = |name, one| {
        Connection::new(ConnectionId::new(name).unwrap(), metadata(one))
            .with_settings(ConnectionSettings::default().unsolicited(Unsolicited::Accept))
            .unwrap()
    };
    let saml = ServiceProvider::builder(EntityId::new(testkit::SERVICE_PROVIDER).unwrap())
        .assertion_consumer(testkit::ASSERTION_CONSUMER)
        .unwrap()
        .decryption_key(
            keys::service_provider().private_key().clone(),
            keys::service_provider().certificate().clone(),
        )
        .build()
        .unwrap();
    Service(saml, vec![connection("okta", okta), connection("other", &testkit::IdentityProvider::other())])
}

fn posted(xml: &str) -> PostedResponse {
    PostedResponse::from_base64(&base64_encode(xml.as_bytes()), &Limits::default()).unwrap()
}

/// Runs the post-mortem after the response was judged, and checks that it does not change the decision.
fn examine(Service(saml, connections): &Service, xml: &str) -> Vec<PostMortem> {
    let (posted, now) = (posted(xml), testkit::ISSUE_INSTANT);
    let verdict = || {
        saml.open(posted.clone())
            .and_then(|claimed| saml.receive(claimed, connections, Expect::Unsolicited, now))
            .map(|_| ())
            .map_err(|refusal| refusal.code())
    };
    let before = verdict();
    let found = saml.autopsy(&posted, connections).unwrap();
    assert_eq!(before, verdict());
    assert_eq!(before.is_ok(), found.iter().all(|one| one.findings.is_empty()), "{before:?} {found:#?}");
    found
}

fn codes(found: &[PostMortem]) -> Vec<(&str, Vec<&'static str>)> {
    found
        .iter()
        .map(|one| (one.element.as_str(), one.findings.iter().map(|finding| finding.code()).collect()))
        .collect()
}

#[test]
fn a_good_response_has_nothing_to_say() {
    let okta = testkit::IdentityProvider::okta();
    let found = examine(&service_provider(&okta), okta.response().issue().unwrap().xml());
    assert_eq!(codes(&found), [("Response", vec![]), ("Assertion", vec![])]);
}

#[test]
fn another_tenants_key_is_named() {
    let okta = testkit::IdentityProvider::okta();
    let other = testkit::IdentityProvider::other();
    let issued = okta.response().sign(Signed::Assertion).key(other.key()).issue().unwrap();
    let found = examine(&service_provider(&okta), issued.xml());
    assert_eq!(codes(&found), [("Assertion", vec!["autopsy.other_identity_provider"])]);
    let text = found[0].findings[0].to_string();
    assert!(text.contains(other.entity_id()), "{text}");
    let certificate = keys::other_identity_provider().certificate();
    assert!(text.contains(&format!("(certificate SHA-256 {})", certificate.fingerprint_sha256())), "{text}");

    // No other party is named: the claimed issuer is not trusted at all.
    let found = examine(
        &service_provider(&okta),
        okta.response().issuer("https://nobody.example").issue().unwrap().xml(),
    );
    assert_eq!(found[0].findings[0].code(), "autopsy.other_identity_provider");
}

#[test]
fn a_roll_over_is_told_by_the_dates() {
    let certificate = |year: i64| {
        let key = keys::provider().generate_key(KeyKind::P256).unwrap();
        let begin = (year - 1970) * 31_556_952;
        let own =
            Certificate::self_signed(keys::provider(), &key, "okta", begin, begin + 315_360_000).unwrap();
        KeyPair::new(key, own)
    };
    let okta = testkit::IdentityProvider::okta(); // its certificate begins with 2020
    for (year, code) in [(2025, "autopsy.newer_certificate"), (2010, "autopsy.older_certificate")] {
        let pair = certificate(year);
        let issued = okta.response().key(&pair).issue().unwrap();
        let found = examine(&service_provider(&okta), issued.xml());
        assert_eq!(codes(&found), [("Response", vec![code]), ("Assertion", vec![code])]);
        let text = found[0].findings[0].to_string();
        for certificate in [pair.certificate(), okta.key().certificate()] {
            assert!(text.contains(&certificate.fingerprint_sha256()), "{text}");
        }
        assert!(text.contains(&format!("{year}-")) || text.contains(&format!("{}-", year - 1)), "{text}");
    }
    let same_age = okta.response().key(keys::attacker()).issue().unwrap();
    let found = examine(&service_provider(&okta), same_age.xml());
    assert_eq!(found[0].findings[0].code(), "autopsy.unknown_certificate");
}

#[test]
fn accidents_come_through_with_their_hints() {
    let okta = testkit::IdentityProvider::okta();
    let xml = okta.response().name_id("ada@example.com").issue().unwrap().into_xml();
    let cases = [
        (xml.replace("<saml2:Conditions", "\n<saml2:Conditions"), "autopsy.indented"),
        (xml.replace("ada@example.com", "\n  ada@example.com\n"), "autopsy.padded"),
        (xml.replace("ada@example.com", "eve@example.com"), "autopsy.content_changed"),
    ];
    for (xml, code) in cases {
        let found = examine(&service_provider(&okta), &xml);
        assert_eq!(codes(&found), [("Response", vec![code]), ("Assertion", vec![code])]);
        assert!(!found[0].findings[0].hint().is_empty());
        let json = serde_json::to_value(&found).unwrap();
        assert_eq!(json[0]["findings"][0]["code"], code);
        assert!(json[0]["findings"][0]["message"].as_str().is_some_and(|text| !text.contains("eve@")));
    }
    let found =
        examine(&service_provider(&okta), &xml.replace("<ds:SignedInfo>", "<ds:SignedInfo><ds:Object/>"));
    assert_eq!(found[0].findings[0].code(), "signature.structure");
    let found = examine(&service_provider(&okta), &xml.replace("ada@", "\u{FFFD}\u{FFFD}da@"));
    let lost = vec!["autopsy.content_changed", "autopsy.lost_characters"];
    assert_eq!(codes(&found), [("Response", lost.clone()), ("Assertion", lost)]);
}

#[test]
fn signed_before_it_was_encrypted() {
    let okta = testkit::IdentityProvider::okta();
    let clear = okta.response().issue().unwrap().into_xml();
    let start = clear.find("<saml2:Assertion").unwrap();
    let end = clear.find("</saml2:Assertion>").unwrap() + "</saml2:Assertion>".len();
    for (cipher, codes) in [
        (ContentCipher::Aes256Gcm, vec!["autopsy.signed_before_encryption"]),
        // The ciphertext has no authentication, so it is not decrypted.
        (ContentCipher::Aes256Cbc, vec!["autopsy.content_changed", "autopsy.assertion_closed"]),
    ] {
        let recipient = Encryption::to(keys::service_provider().certificate()).cipher(cipher);
        let sealed = okta.response().sign(Signed::Neither).encrypt(recipient).issue().unwrap().into_xml();
        // The kit encrypts and signs in the right order: take its EncryptedAssertion apart, and seal the signed Assertion.
        assert!(sealed.contains("EncryptedAssertion"));
        let key = keys::provider().public_key(keys::service_provider().certificate().spki_der()).unwrap();
        let options = vouchsafe::encryption::EncryptOptions::default().cipher(cipher);
        let assertion = clear.get(start..end).unwrap();
        let data = vouchsafe::encryption::encrypt(assertion, &key, &options, keys::provider()).unwrap();
        let xml = format!(
            "{}<saml2:EncryptedAssertion xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\">{data}</saml2:EncryptedAssertion>{}",
            clear.get(..start).unwrap(),
            clear.get(end..).unwrap()
        );
        let found = examine(&service_provider(&okta), &xml);
        assert_eq!(found[0].element, "Response");
        assert_eq!(found[0].findings.iter().map(|one| one.code()).collect::<Vec<_>>(), codes);
    }
}

/// The log of a refusal contains its message, which ends with the cause, and the hint of the cause.
#[test]
fn a_refusal_about_a_signature_names_its_cause() {
    let (okta, other) = (testkit::IdentityProvider::okta(), testkit::IdentityProvider::other());
    let Service(saml, connections) = service_provider(&okta);
    let refusal = |saml: &ServiceProvider, xml: &str| {
        let claimed = saml.open(posted(xml)).unwrap();
        saml.receive(claimed, &connections, Expect::Unsolicited, testkit::ISSUE_INSTANT).unwrap_err()
    };
    let good = okta.response().name_id("ada@example.com").issue().unwrap().into_xml();
    let of_old_key = okta.response().key(keys::attacker()).issue().unwrap().into_xml();
    let short = keys::attacker().certificate().fingerprint_sha256();
    let weak = okta.response().signature_algorithm(SignatureAlgorithm::RsaSha1).digest(DigestAlgorithm::Sha1);
    let cut = |text: &str| text.replace("xmlenc#sha256", "xmldsig-more#sha384");
    for (what, xml, code, cause, hint) in [
        (
            "unknown key",
            of_old_key,
            "signature.not_verified",
            format!("that certificate is not known here: “CN=vouchsafe-testkit” (SHA-256 {short})"),
            "Compare the fingerprint with the identity provider's console first",
        ),
        (
            "indented",
            good.replace("<saml2:Conditions", "\n<saml2:Conditions"),
            "signature.digest_mismatch",
            "the content: white space was added between elements after signing (pretty-printing)".to_owned(),
            "Find what reformats the message",
        ),
        (
            "algorithm",
            weak.issue().unwrap().into_xml(),
            "signature.algorithm",
            "only the algorithm http://www.w3.org/2000/09/xmldsig#rsa-sha1 is refused: a trusted key made it, and the content is what was signed"
                .to_owned(),
            "nothing else has to change",
        ),
        (
            "SignedInfo edited",
            cut(&good),
            "signature.not_verified",
            "made it, over another ds:SignedInfo than the one that came".to_owned(),
            "The key is the right one",
        ),
    ] {
        let refusal = refusal(&saml, &xml);
        assert_eq!(refusal.code(), code, "{what}: {refusal}");
        assert!(refusal.cause().is_some_and(|found| found.contains(&cause)), "{what}: {refusal}");
        assert!(refusal.to_string().ends_with(refusal.cause().unwrap()), "{what}: {refusal}");
        assert!(refusal.explain().lines().next().unwrap().contains(&cause), "{what}");
        assert!(refusal.hint().contains(hint), "{what}: {}", refusal.hint());
    }
    // No cause is named if none was found, and without a budget none is searched.
    let edited = refusal(&saml, &good.replace("ada@", "eve@"));
    assert_eq!((edited.code(), edited.cause()), ("signature.digest_mismatch", None));
    let frugal = ServiceProvider::builder(EntityId::new(testkit::SERVICE_PROVIDER).unwrap())
        .assertion_consumer(testkit::ASSERTION_CONSUMER)
        .unwrap()
        .autopsy_budget(AutopsyBudget::new(0, 0))
        .build()
        .unwrap();
    let foreign = okta.response().key(other.key()).issue().unwrap().into_xml();
    assert_eq!(refusal(&frugal, &foreign).cause(), None);
    assert!(refusal(&saml, &foreign).cause().is_some());
}

/// Decrypted content is not examined where responses are received.
#[test]
fn a_refusal_tells_no_cause_of_what_was_decrypted() {
    let (okta, other) = (testkit::IdentityProvider::okta(), testkit::IdentityProvider::other());
    let Service(saml, connections) = service_provider(&okta);
    let encryption = Encryption::to(keys::service_provider().certificate()).cipher(ContentCipher::Aes256Gcm);
    let issued =
        okta.response().sign(Signed::Assertion).key(other.key()).encrypt(encryption).issue().unwrap();
    let claimed = saml.open(posted(issued.xml())).unwrap();
    let refusal =
        saml.receive(claimed, &connections, Expect::Unsolicited, testkit::ISSUE_INSTANT).unwrap_err();
    assert_eq!((refusal.code(), refusal.cause()), ("signature.not_verified", None), "{refusal}");
}

/// An identity provider that signs with the key that its metadata has for something else.
#[test]
fn a_key_for_another_purpose_is_named() {
    let okta = testkit::IdentityProvider::okta();
    let extra = |role: &str, use_: &str| {
        let key = format!(
            "<md:KeyDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" use=\"{use_}\"><ds:KeyInfo \
             xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>",
            keys::attacker().certificate().to_base64()
        );
        let metadata = okta.metadata().unwrap();
        if role == "IDPSSODescriptor" {
            let at = metadata.find("</md:KeyDescriptor>").unwrap() + "</md:KeyDescriptor>".len();
            format!("{}{key}{}", metadata.get(..at).unwrap(), metadata.get(at..).unwrap())
        } else {
            let role = format!(
                "<md:SPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">{key}<md:AssertionConsumerService index=\"0\" \
                 Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"https://idp.example/acs\"/></md:SPSSODescriptor></md:EntityDescriptor>"
            );
            metadata.replace("</md:EntityDescriptor>", &role)
        }
    };
    for (role, use_) in [("IDPSSODescriptor", "encryption"), ("SPSSODescriptor", "signing")] {
        let metadata = extra(role, use_);
        let identity_provider = IdentityProvider::from_metadata(metadata.as_bytes()).unwrap();
        let described = MetadataDescription::read(metadata.as_bytes()).unwrap();
        let provider = keys::provider();
        let limits = Limits::default();
        let trust = Trust::new(ConnectionId::new("okta").unwrap(), &identity_provider, provider).unwrap();
        let xml = okta.response().key(keys::attacker()).issue().unwrap().into_xml();
        let document = Document::parse(xml.as_bytes(), &limits).unwrap();
        let inquiry = SignatureInquiry::new(provider, &limits)
            .of(&identity_provider, &trust)
            .with_other_uses(&described.entities()[0]);
        let found = inquiry.post_mortem(&document, &xml);
        assert_eq!(found[0].findings[0].code(), "autopsy.other_use");
        let text = found[0].findings[0].to_string();
        assert!(text.contains(&format!("another purpose made it: “{use_} key of {role}”")), "{text}");
    }
}

/// samlify's default order of signing and encrypting, as it was recorded.
#[test]
fn samlify_signs_before_it_encrypts() {
    let Some(folder) = testkit::shared::folder() else { return };
    let samples = folder.join("idps/samples");
    let read = |name: &str| std::fs::read_to_string(samples.join(name)).unwrap();
    let identity_provider = IdentityProvider::from_metadata(read("samlify/metadata.xml").as_bytes()).unwrap();
    let service_provider =
        ServiceProvider::builder(EntityId::new("https://sp.example.com/saml/metadata").unwrap())
            .assertion_consumer("https://sp.example.com/saml/acs")
            .unwrap()
            .decryption_key(
                keys::provider().private_key(&read("sp/key.pem")).unwrap(),
                Certificate::from_pem(&read("sp/cert.pem")).unwrap(),
            )
            .build()
            .unwrap();
    let settings = ConnectionSettings::default().danger_accept_unauthenticated_cbc();
    let samlify = Connection::new(ConnectionId::new("samlify").unwrap(), identity_provider);
    let connections = [samlify.with_settings(settings).unwrap()];
    let autopsy = |name| service_provider.autopsy(&posted(&read(name)), &connections).unwrap();
    let found = autopsy("samlify/encrypted.response.xml");
    assert_eq!(
        codes(&found),
        [("Response", vec!["autopsy.signed_before_encryption"]), ("Assertion", vec![])]
    );
    let found = autopsy("samlify/encrypted-then-signed.response.xml");
    assert!(found.iter().all(|one| one.findings.is_empty()), "{found:#?}");
}

/// A genuine response whose Subject somebody replaced by this text.
fn stuffed(stuffing: &str) -> String {
    let xml = testkit::IdentityProvider::okta().response().issue().unwrap().into_xml();
    let start = xml.find("<saml2:Subject>").unwrap();
    format!("{}{stuffing}{}", xml.get(..start).unwrap(), xml.get(start..).unwrap())
}

#[test]
fn a_forged_message_costs_no_more_than_the_budget() {
    let okta = testkit::IdentityProvider::okta();
    let service_provider = service_provider(&okta);
    let elements = "<x:b/>".repeat(20_000);
    let amplifying = format!("<a xmlns:x=\"urn:{}\">{elements}</a>", "&amp;".repeat(200));
    let deep = format!("{}{}", "<a>".repeat(80), "</a>".repeat(80)).repeat(500);
    for (stuffing, stopped) in [(amplifying, true), (deep, true), ("<a/>".repeat(100), false)] {
        let found = service_provider.0.autopsy(&posted(&stuffed(&stuffing)), &service_provider.1).unwrap();
        assert_eq!(found.len(), 2);
        for one in &found {
            let codes: Vec<&str> = one.findings.iter().map(|finding| finding.code()).collect();
            assert_eq!(codes.contains(&"autopsy.stopped"), stopped, "{found:#?}");
            assert!(!codes.contains(&"autopsy.nobodys_key"), "the key is the right one: {found:#?}");
            assert_eq!(
                codes.contains(&"autopsy.content_changed"),
                !codes.contains(&"autopsy.stopped") || codes.len() == 2
            );
        }
    }
}

#[test]
fn of_what_was_decrypted_no_digest_is_told() {
    let okta = testkit::IdentityProvider::okta();
    let clear =
        okta.response().sign(Signed::Assertion).name_id("ada@example.com").issue().unwrap().into_xml();
    let start = clear.find("<saml2:Assertion").unwrap();
    let end = clear.find("</saml2:Assertion>").unwrap() + "</saml2:Assertion>".len();
    let altered = clear.get(start..end).unwrap().replace("ada@example.com", "eve@example.com");
    let key = keys::provider().public_key(keys::service_provider().certificate().spki_der()).unwrap();
    let options = vouchsafe::encryption::EncryptOptions::default().cipher(ContentCipher::Aes256Gcm);
    let data = vouchsafe::encryption::encrypt(&altered, &key, &options, keys::provider()).unwrap();
    let xml = format!(
        "{}<saml2:EncryptedAssertion xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\">{data}</saml2:EncryptedAssertion>{}",
        clear.get(..start).unwrap(),
        clear.get(end..).unwrap()
    );
    let found = examine(&service_provider(&okta), &xml);
    assert_eq!(codes(&found), [("Assertion", vec!["autopsy.content_changed"])]);
    assert_eq!(found[0].findings[0].to_string(), "the decrypted content is not what was signed");
    let plain = clear.replace("ada@example.com", "eve@example.com");
    let found = examine(&service_provider(&okta), &plain);
    assert!(found[0].findings[0].to_string().contains("digest expected "), "{found:#?}");
}

/// Content that another customer's identity provider signed and encrypted is not described to the customer that sends
/// it again.
#[test]
fn captured_ciphertext_is_not_described() {
    let (okta, other) = (testkit::IdentityProvider::okta(), testkit::IdentityProvider::other());
    let encryption = Encryption::to(keys::service_provider().certificate()).cipher(ContentCipher::Aes256Gcm);
    let victim = other.response().sign(Signed::Assertion).encrypt(encryption.clone()).issue().unwrap();
    let start = victim.xml().find("<saml2:EncryptedAssertion").unwrap();
    let end = victim.xml().find("</saml2p:Response>").unwrap();
    let captured = victim.xml().get(start..end).unwrap();
    let ours = okta.response().sign(Signed::Response).omit(testkit::Part::Assertion);
    let xml = ours.insert(testkit::Place::AfterAssertion, captured).issue().unwrap().into_xml();
    let found = examine(&service_provider(&okta), &xml);
    assert_eq!(codes(&found), [("Response", vec![]), ("Assertion", vec!["autopsy.decrypted_not_shown"])]);
    let text = format!("{found:?} {}", serde_json::to_string(&found).unwrap());
    let key = keys::other_identity_provider();
    for secret in [other.entity_id(), key.certificate().subject(), &key.certificate().fingerprint_sha256()] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    // For a valid response of its own, there are no findings.
    let own = okta.response().sign(Signed::Assertion).encrypt(encryption).issue().unwrap();
    assert_eq!(codes(&examine(&service_provider(&okta), own.xml())), [("Assertion", vec![])]);
}

/// An identity provider with decryption keys of its own, and one that nobody trusts: the service's keys decrypt
/// nothing of theirs.
#[test]
fn a_post_mortem_opens_with_the_keys_of_the_identity_provider_only() {
    let (okta, other) = (testkit::IdentityProvider::okta(), testkit::IdentityProvider::other());
    let (service, own) = (keys::service_provider(), keys::old_service_provider());
    let Service(saml, mut connections) = service_provider(&okta);
    let separate = connections.remove(0);
    connections.insert(
        0,
        separate.with_decryption_key(own.private_key().clone(), own.certificate().clone()).unwrap(),
    );
    let sealed = |recipient: &KeyPair, issuer: &str| {
        let encryption = Encryption::to(recipient.certificate()).cipher(ContentCipher::Aes256Gcm);
        let response = okta.response().sign(Signed::Assertion).key(other.key()).issuer(issuer);
        response.encrypt(encryption).issue().unwrap().into_xml()
    };
    let entries = |xml: &str| saml.autopsy(&posted(xml), &connections).unwrap().len();
    assert_eq!(entries(&sealed(own, okta.entity_id())), 1);
    assert_eq!(entries(&sealed(service, okta.entity_id())), 0);
    assert_eq!(entries(&sealed(service, "https://nobody.example")), 0);
}
