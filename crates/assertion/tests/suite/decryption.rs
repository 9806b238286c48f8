//! The cost of decryption, the namespaces of decrypted text, and that no content of one customer is shown to another.

use crate::common::{Change, REQUEST, Receiver, good, okta};
use vouchsafe_assertion::{Refusal, Trust};
use vouchsafe_crypto::{ContentCipher, PrivateKey, base64_decode, base64_encode};
use vouchsafe_encryption::{EncryptOptions, encrypt};
use vouchsafe_metadata::{EntityId, IdentityProvider};
use vouchsafe_signature::{Signer, sign};
use vouchsafe_testkit::counting::Counted;
use vouchsafe_testkit::{
    Attribute, Encryption, IdentityProvider as Okta, KeyPair, OKTA_ENTITY_ID, Part, Place, RESPONSE_ID,
    Signed, keys,
};
use vouchsafe_xml::{Document, Limits, namespace};

const NOW: &str = "2026-01-01T00:01:00Z";
const SAML: &str = namespace::SAML_ASSERTION;
const CBC: ContentCipher = ContentCipher::Aes256Cbc;
const GCM: ContentCipher = ContentCipher::Aes256Gcm;

// Namespaces.

/// The prefix `x` is declared on the Response, where exclusive canonicalization omits it. A party that carries the
/// message can change it, and so change whether a value is nil.
#[test]
fn a_declaration_that_nobody_signed_means_nothing_in_decrypted_text() {
    let receiver = okta(NOW);
    let plain = unsigned_assertion(|response| response);
    let nil = plain.replace("<saml2:AttributeValue", "<saml2:AttributeValue x:nil=\"true\"");
    assert_ne!(plain, nil);
    for bound in [namespace::XSI, "urn:something-else"] {
        let declared = |xml: String| {
            xml.replacen("<saml2p:Response ", &format!("<saml2p:Response xmlns:x=\"{bound}\" "), 1)
        };
        assert_eq!(code(&receiver, &declared(around(&seal(&plain)))), "", "the signature still holds");
        assert_eq!(code(&receiver, &declared(around(&seal(&nil)))), "encryption.failed", "{bound}");
        // The encrypted parts of a decrypted Assertion, and of a plain one.
        let attribute = sealed_attribute(
            "<saml2:Attribute Name=\"n\"><saml2:AttributeValue x:nil=\"true\"/></saml2:Attribute>",
        );
        let inside = with_attribute(&plain, &attribute);
        assert_eq!(code(&receiver, &declared(around(&seal(&inside)))), "encryption.failed", "{bound}");
        let clear = good(|response| response).insert(Place::AttributeStatement, attribute).issue().unwrap();
        assert_eq!(code(&receiver, &declared(clear.into_xml())), "encryption.failed", "{bound}");
    }
}

#[test]
fn what_is_declared_in_signed_or_decrypted_text_is_understood() {
    let receiver = okta(NOW);
    let plain = unsigned_assertion(|response| response);
    // The declaration is on the decrypted Assertion, for itself and for an encrypted part of it.
    let declared =
        plain.replacen("<saml2:Assertion ", &format!("<saml2:Assertion xmlns:x=\"{}\" ", namespace::XSI), 1);
    let nil = declared.replace("<saml2:AttributeValue", "<saml2:AttributeValue x:nil=\"true\"");
    let login = receiver.receive(around(&seal(&nil)).as_bytes()).unwrap();
    assert_eq!(login.attributes().get("user.email"), Some(&[][..]));
    let attribute = sealed_attribute(
        "<saml2:Attribute Name=\"n\"><saml2:AttributeValue x:nil=\"true\"/></saml2:Attribute>",
    );
    let login = receiver.receive(around(&seal(&with_attribute(&declared, &attribute))).as_bytes()).unwrap();
    assert_eq!(login.attributes().get("n"), Some(&[][..]));
    // The signed Response declares this prefix.
    let used = plain.replace("ada@example.com</saml2:AttributeValue", "ada<saml2p:x/></saml2:AttributeValue");
    assert_ne!(plain, used);
    let login = receiver.receive(around(&seal(&used)).as_bytes()).unwrap();
    let markup = login.attributes().attribute("user.email").unwrap().markup(0).unwrap().to_owned();
    assert!(markup.contains(namespace::SAML_PROTOCOL), "{markup}");
}

/// Decrypted text with a signature of its own is verified at its place in the tree, since inclusive canonicalization
/// needs the declarations there.
#[test]
fn a_signature_inside_may_need_what_is_declared_around_it() {
    let receiver = okta(NOW);
    let plain = unsigned_assertion(|response| response);
    let whole = format!(
        "<saml2p:Response xmlns:saml2p=\"{}\" xmlns:x=\"urn:x\">{plain}</saml2p:Response>",
        namespace::SAML_PROTOCOL
    );
    let signer = Signer::new(keys::identity_provider().private_key())
        .canonicalization(vouchsafe_xml::Canonicalization::INCLUSIVE);
    let signed =
        sign(&whole, vouchsafe_testkit::ASSERTION_ID, &signer, keys::provider(), &Limits::default()).unwrap();
    let sealed = around(&seal(&element_of(&signed, "Assertion")));
    let declared = sealed.replacen("<saml2p:Response ", "<saml2p:Response xmlns:x=\"urn:x\" ", 1);
    assert_eq!(code(&receiver, &declared), "");
    assert_eq!(code(&receiver, &sealed), "signature.not_verified");
}

/// An unsigned declaration hides the signature of decrypted text: in the tree, its prefix has another meaning.
#[test]
fn a_hidden_signature_is_no_missing_one() {
    let receiver = okta(NOW);
    let issued = good(|response| response.sign(Signed::Assertion).assertion_key(keys::attacker()));
    let plain = element_of(issued.issue().unwrap().xml(), "Assertion");
    let bare = plain.replace(&format!(" xmlns:ds=\"{}\"", namespace::DSIG), "");
    assert!(plain.contains("<ds:Signature") && bare != plain);
    let wrapper = format!(
        "<saml2:EncryptedAssertion xmlns:saml2=\"{SAML}\">{}</saml2:EncryptedAssertion>",
        seal(&bare)
    );
    let response =
        Okta::okta().response().in_response_to(REQUEST).sign(Signed::Neither).omit(Part::Assertion);
    let response = response.insert(Place::AfterAssertion, wrapper).issue().unwrap().into_xml();
    // The Response uses the prefix visibly, so its declaration is signed.
    let marked = response.replacen(
        "<saml2p:Response ",
        &format!("<saml2p:Response xmlns:ds=\"{}\" ds:a=\"\" ", namespace::DSIG),
        1,
    );
    let signer = Signer::new(keys::identity_provider().private_key());
    let signed = sign(&marked, RESPONSE_ID, &signer, keys::provider(), &Limits::default()).unwrap();
    let hidden =
        signed.replacen("<saml2:EncryptedAssertion ", "<saml2:EncryptedAssertion xmlns:ds=\"urn:other\" ", 1);
    assert_ne!(signed, hidden);
    assert_eq!(code(&receiver, &signed), "signature.not_verified");
    assert_eq!(code(&receiver, &hidden), "encryption.failed");
}

/// The identity provider signs other elements too. Its signature on another element does not make that an assertion.
#[test]
fn what_is_no_assertion_is_not_opened_whoever_signed_it() {
    let issued = good(|response| response.sign(Signed::Response)).issue().unwrap();
    let (_, signed) = issued.xml().split_once("?>").unwrap();
    let sealed = seal(signed);
    let wrapper =
        format!("<saml2:EncryptedAssertion xmlns:saml2=\"{SAML}\">{sealed}</saml2:EncryptedAssertion>");
    let response = good(|response| response).sign(Signed::Neither).omit(Part::Assertion);
    let message = response.insert(Place::AfterAssertion, wrapper).issue().unwrap().into_xml();
    let message = message.replacen(RESPONSE_ID, "_outer", 1);
    let refusal = okta(NOW).receive(message.as_bytes()).unwrap_err();
    assert_eq!(
        (refusal.code(), refusal.check().unwrap().rule()),
        ("encryption.failed", "assertion.decryption")
    );
}

// Budgets.

/// Without a shared budget, 64 encrypted parts and 8 keys would cost 512 RSA operations.
#[test]
fn one_budget_of_private_key_operations_for_all_parts() {
    let (counted, receiver) = counted();
    let wrong = [
        keys::old_service_provider(),
        keys::attacker(),
        keys::identity_provider(),
        keys::other_identity_provider(),
    ];
    let mut own: Vec<PrivateKey> =
        wrong.iter().cycle().take(7).map(|pair| counted_key(&counted, pair)).collect();
    own.push(counted_key(&counted, keys::service_provider()));
    let receiver = Receiver { keys: own, ..receiver };
    let attribute = format!("<saml2:Attribute xmlns:saml2=\"{SAML}\" Name=\"n\"/>");
    let parts = |count: usize| {
        let response = (0..count).fold(good(|response| response), |response, _| {
            response.insert(Place::AttributeStatement, sealed_attribute(&attribute))
        });
        response.issue().unwrap().into_xml()
    };
    // The first part tries all keys; afterwards the key that succeeded is tried first.
    for (count, operations, expected) in [
        (1, 8, ""),
        (25, 32, ""),
        (26, 32, "encryption.too_many_operations"),
        (64, 32, "encryption.too_many_operations"),
    ] {
        let xml = parts(count);
        let _ = counted.take();
        assert_eq!(code(&receiver, &xml), expected, "{count}");
        let (private, _, contents) = counted.take();
        assert_eq!((private, contents), (operations, count.min(25)), "{count}");
    }
}

#[test]
fn the_encrypted_assertion_and_its_parts_share_the_budget() {
    let receiver = okta(NOW);
    let name = format!("<saml2:NameID xmlns:saml2=\"{SAML}\">ada</saml2:NameID>");
    let name = format!("<saml2:EncryptedID xmlns:saml2=\"{SAML}\">{}</saml2:EncryptedID>", seal(&name));
    for signed in [Signed::Both, Signed::Response, Signed::Assertion] {
        let encryption = Encryption::to(keys::service_provider().certificate()).cipher(GCM);
        let response = Okta::okta().response().in_response_to(REQUEST).sign(signed).encrypt(encryption);
        let xml = response.omit(Part::NameId).insert(Place::Subject, &*name).issue().unwrap().into_xml();
        for (budget, expected) in
            [(2, ""), (1, "encryption.too_many_operations"), (0, "encryption.too_many_operations")]
        {
            let limits = Limits::default().with_private_key_operations(budget);
            assert_eq!(code(&Receiver { limits, ..receiver.clone() }, &xml), expected, "{signed:?} {budget}");
        }
    }
}

#[test]
fn one_budget_of_public_key_operations_for_both_signatures() {
    let (counted, receiver) = counted();
    let xml = good(|response| response).issue().unwrap().into_xml();
    let trusting = |wrong: usize| {
        let mut identity_provider = IdentityProvider::new(EntityId::new(OKTA_ENTITY_ID).unwrap())
            .with_signing_certificate(keys::attacker().certificate().clone());
        for _ in 1..wrong {
            identity_provider =
                identity_provider.with_signing_certificate(keys::attacker().certificate().clone());
        }
        let identity_provider =
            identity_provider.with_signing_certificate(keys::identity_provider().certificate().clone());
        Trust::new(crate::common::connection(), &identity_provider, &receiver.provider).unwrap()
    };
    for (wrong, operations, expected) in
        [(15, 32, ""), (16, 32, "signature.too_many_keys"), (40, 32, "signature.too_many_keys")]
    {
        let receiver = Receiver { trust: trusting(wrong), ..receiver.clone() };
        let _ = counted.take();
        assert_eq!(code(&receiver, &xml), expected, "{wrong}");
        assert_eq!(counted.take().1, operations, "{wrong}");
    }
}

// Failures that must look alike.

/// The second of three keys decrypts it. Every later fault costs the same and has the same message.
#[test]
fn what_fails_after_the_key_is_final_and_told_alike() {
    let (counted, receiver) = counted();
    let all = [keys::old_service_provider(), keys::service_provider(), keys::attacker()];
    let receiver = Receiver { keys: all.map(|pair| counted_key(&counted, pair)).to_vec(), ..receiver };
    let plain = unsigned_assertion(|response| response);
    let sealed = seal_with(&plain, CBC);
    let signed = |change: Change| element_of(good(change).issue().unwrap().xml(), "Assertion");
    let cases = [
        ("padding", change_content(&sealed, |bytes| bytes.len() - 17, 0)),
        ("UTF-8", change_content(&sealed, |_| 0, 0x80)),
        ("no XML", change_content(&sealed, |_| 0, 0x01)),
        ("the end of the text", seal_with(&plain[..plain.len() - 1], CBC)),
        ("an unbound prefix", seal_with(&plain.replacen("<saml2:Subject", "<y:z/><saml2:Subject", 1), CBC)),
        ("no Assertion", seal_with(&format!("<saml2:Advice xmlns:saml2=\"{SAML}\"/>"), CBC)),
        (
            "another issuer",
            seal_with(&unsigned_assertion(|response| response.issuer("https://other.example")), CBC),
        ),
        (
            "another key's signature",
            seal_with(&signed(|response| response.assertion_key(keys::attacker())), CBC),
        ),
        (
            "a signature that is none",
            seal_with(
                &plain.replacen(
                    "<saml2:Subject",
                    "<Signature xmlns=\"http://www.w3.org/2000/09/xmldsig#\"/><saml2:Subject",
                    1,
                ),
                CBC,
            ),
        ),
    ];
    let mut seen: Vec<(String, String)> = Vec::new();
    for (name, sealed) in cases {
        let xml = around(&sealed);
        let _ = counted.take();
        let refusal = receiver.receive(xml.as_bytes()).unwrap_err();
        let (private, _, contents) = counted.take();
        assert_eq!((private, contents), (2, 1), "{name}");
        assert_eq!(refusal.code(), "encryption.failed", "{name}");
        seen.push((told(&refusal), name.to_owned()));
    }
    for (text, name) in &seen {
        assert_eq!(*text, seen[0].0, "{name}");
    }
    assert_eq!(code(&receiver, &around(&sealed)), "", "nothing but the changes made them fail");
}

/// No private key is used before all publicly visible checks have passed.
#[test]
fn no_private_key_operation_before_what_everybody_can_see() {
    let (counted, receiver) = counted();
    let sealed = seal_with(&unsigned_assertion(|response| response), CBC);
    let good = around(&sealed);
    let unsigned = Receiver { policy: receiver.policy.require_signed_assertion(), ..receiver.clone() };
    let keyless = Receiver { keys: Vec::new(), ..receiver.clone() };
    let cases: [(&Receiver, String, &str); 7] = [
        (&receiver, good.replacen("SignatureValue>", "SignatureValue>AAAA", 1), "signature.not_verified"),
        (&receiver, without_signature(&good), "encryption.unauthenticated_cbc"),
        (&receiver, good.replacen(RESPONSE_ID, "_another", 1), "signature."),
        (
            &receiver,
            around(&sealed.replacen("xmlenc#aes256-cbc", "xmlenc#aes512-cbc", 1)),
            "encryption.unknown_algorithm",
        ),
        (&receiver, around(&sealed.replacen("rsa-oaep-mgf1p", "rsa-1_5", 1)), "encryption.refused_algorithm"),
        (
            &receiver,
            around(&sealed.replace("xenc:EncryptedKey", "xenc:Encryptedkey")),
            "encryption.no_encrypted_key",
        ),
        (&keyless, good.clone(), "encryption.no_decryption_key"),
    ];
    for (receiver, xml, expected) in cases {
        let _ = counted.take();
        let found = code(receiver, &xml);
        assert!(found.starts_with(expected), "{found} for {expected}");
        let (private, _, contents) = counted.take();
        assert_eq!((private, contents), (0, 0), "{expected}");
    }
    // A fault that only decryption can show comes after one operation, and is not shown if the cipher detects no
    // changes.
    let _ = counted.take();
    assert_eq!(code(&unsigned, &good), "encryption.failed");
    assert_eq!(counted.take().0, 1);
}

// Two customers.

/// A trusted identity provider signs a Response around ciphertext that another one made for its own people.
#[test]
fn captured_ciphertext_tells_nothing_of_the_other_customer() {
    let receiver = okta(NOW);
    for (cipher, signed, expected) in [
        (CBC, Signed::Neither, "encryption.failed"),
        (CBC, Signed::Assertion, "encryption.failed"),
        (GCM, Signed::Neither, "assertion.issuer"),
        (GCM, Signed::Assertion, "signature.not_verified"),
    ] {
        let captured = captured(cipher, signed, keys::service_provider());
        let refusal = receiver.receive(in_our_response(&captured).as_bytes()).unwrap_err();
        assert_eq!(refusal.code(), expected, "{cipher:?} {signed:?}");
        tells_nothing(&refusal);
        // The same ciphertext is put into an encrypted attribute and into an encrypted name of a signed assertion.
        let inside = inner(&captured);
        for (place, name, part) in [
            (Place::AttributeStatement, "EncryptedAttribute", None),
            (Place::Subject, "EncryptedID", Some(Part::NameId)),
        ] {
            let wrapped = format!("<saml2:{name} xmlns:saml2=\"{SAML}\">{inside}</saml2:{name}>");
            let response =
                part.into_iter().fold(good(|response| response), |response, part| response.omit(part));
            let xml = response.insert(place, wrapped).issue().unwrap().into_xml();
            let refusal = receiver.receive(xml.as_bytes()).unwrap_err();
            assert_eq!(refusal.code(), "encryption.failed", "{name}");
            tells_nothing(&refusal);
        }
    }
}

/// A malformed attribute of the other customer, or one with a used identifier: the schema error would quote it.
#[test]
fn captured_parts_are_not_quoted() {
    let receiver = okta(NOW);
    for plain in [
        format!("<saml2:Attribute xmlns:saml2=\"{SAML}\" b-secret-attribute=\"victim@b.example\"/>"),
        format!(
            "<saml2:Attribute xmlns:saml2=\"{SAML}\" Name=\"n\" ID=\"{}\"/>",
            vouchsafe_testkit::ASSERTION_ID
        ),
        format!("<saml2:b-secret-attribute xmlns:saml2=\"{SAML}\"/>"),
        "victim@b.example".to_owned(),
        "<b-secret-attribute:x/>".to_owned(),
    ] {
        let xml = good(|response| response)
            .insert(Place::AttributeStatement, sealed_attribute(&plain))
            .issue()
            .unwrap();
        let refusal = receiver.receive(xml.xml().as_bytes()).unwrap_err();
        assert_eq!(refusal.code(), "encryption.failed", "{plain}");
        tells_nothing(&refusal);
    }
}

/// Returns everything that the texts of a refusal contain.
fn told(refusal: &Refusal) -> String {
    let ledger = serde_json::to_string(&refusal.ledger().with_personal_values()).unwrap();
    format!("{refusal} {refusal:?} {} {} {ledger}", refusal.explain(), refusal.hint())
}

fn tells_nothing(refusal: &Refusal) {
    let told = told(refusal);
    for secret in ["victim", "b-secret", "b_secret", Okta::other().entity_id(), "urn:b:context"] {
        assert!(!told.contains(secret), "{secret} in {told}");
    }
}

/// The EncryptedAssertion of another customer's response.
fn captured(cipher: ContentCipher, signed: Signed, recipient: &KeyPair) -> String {
    let response = Okta::other().response().in_response_to(REQUEST).name_id("victim@b.example");
    let response = response.attribute(Attribute::new("b-secret-attribute", ["b-secret-value"]));
    let response = response.assertion_id("_b_secret_id").authn_context("urn:b:context").sign(signed);
    let encryption = Encryption::to(recipient.certificate()).cipher(cipher);
    element_of(response.encrypt(encryption).issue().unwrap().xml(), "EncryptedAssertion")
}

fn in_our_response(encrypted_assertion: &str) -> String {
    let response = Okta::okta().response().in_response_to(REQUEST).sign(Signed::Response);
    response
        .omit(Part::Assertion)
        .insert(Place::AfterAssertion, encrypted_assertion)
        .issue()
        .unwrap()
        .into_xml()
}

/// A response that is signed as a whole around this ciphertext.
fn around(sealed: &str) -> String {
    in_our_response(&format!(
        "<saml2:EncryptedAssertion xmlns:saml2=\"{SAML}\">{sealed}</saml2:EncryptedAssertion>"
    ))
}

/// The Assertion of a good response, without a signature.
fn unsigned_assertion(change: Change) -> String {
    element_of(good(change).sign(Signed::Neither).issue().unwrap().xml(), "Assertion")
}

/// The source of the first SAML element of that name.
fn element_of(xml: &str, name: &str) -> String {
    let document = Document::parse(xml.as_bytes(), &Limits::default()).unwrap();
    let element = document.elements().find(|element| element.is(SAML, name)).unwrap();
    xml[element.source_range()].to_owned()
}

/// Returns the content of an encrypted element.
fn inner(encrypted: &str) -> String {
    let document = Document::parse(encrypted.as_bytes(), &Limits::default()).unwrap();
    document.root().elements().map(|element| encrypted[element.source_range()].to_owned()).collect()
}

fn without_signature(xml: &str) -> String {
    let document = Document::parse(xml.as_bytes(), &Limits::default()).unwrap();
    let signature =
        document.root().elements().find(|element| element.is(namespace::DSIG, "Signature")).unwrap();
    let range = signature.source_range();
    [&xml[..range.start], &xml[range.end..]].concat()
}

fn seal(xml: &str) -> String {
    seal_with(xml, GCM)
}

fn seal_with(xml: &str, cipher: ContentCipher) -> String {
    let key = keys::service_provider().private_key().public_key();
    encrypt(xml, key, &EncryptOptions::default().cipher(cipher), keys::provider()).unwrap()
}

fn sealed_attribute(attribute: &str) -> String {
    format!("<saml2:EncryptedAttribute xmlns:saml2=\"{SAML}\">{}</saml2:EncryptedAttribute>", seal(attribute))
}

fn with_attribute(assertion: &str, attribute: &str) -> String {
    let end = "</saml2:AttributeStatement>";
    assertion.replacen(end, &[attribute, end].concat(), 1)
}

/// Changes the byte of the ciphertext at a position: by these bits, or so that the byte after the padding is zero.
fn change_content(sealed: &str, place: fn(&[u8]) -> usize, bits: u8) -> String {
    let (open, close) = ("<xenc:CipherValue>", "</xenc:CipherValue>");
    let (before, rest) = sealed.rsplit_once(open).unwrap();
    let (value, after) = rest.split_once(close).unwrap();
    let mut bytes = base64_decode(value.as_bytes()).unwrap();
    let at = place(&bytes);
    // The last byte of the text is the length of the padding, at most 16: with any high bit set it is not a valid
    // length.
    bytes[at] ^= if bits == 0 { 0x40 } else { bits };
    format!("{before}{open}{}{close}{after}", base64_encode(&bytes))
}

fn counted() -> (Counted, Receiver) {
    let counted = Counted::new();
    let receiver = okta(NOW);
    let metadata = Okta::okta().metadata().unwrap();
    let identity_provider = IdentityProvider::from_metadata(metadata.as_bytes()).unwrap();
    let provider = counted.provider();
    let trust = Trust::new(crate::common::connection(), &identity_provider, &provider).unwrap();
    let own = vec![counted_key(&counted, keys::service_provider())];
    (counted, Receiver { trust, provider, keys: own, ..receiver })
}

fn counted_key(counted: &Counted, pair: &KeyPair) -> PrivateKey {
    counted.private_key(pair.private_key()).unwrap()
}

fn code(receiver: &Receiver, xml: &str) -> &'static str {
    receiver.receive(xml.as_bytes()).map_or_else(|refusal| refusal.code(), |_| "")
}
