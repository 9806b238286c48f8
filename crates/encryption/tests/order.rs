//! The references and certificates in a document decide which keys are tried first, and so which keys are tried at
//! all if the limit is reached. The tests use two encrypted keys, the first of them for somebody else, two private
//! keys, and two attempts.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use common::{PLAIN, around, opened, public};
use vouchsafe_crypto::{Certificate, PrivateKey};
use vouchsafe_encryption::{EncryptOptions, KeyLayout, Recipient, encrypt_for};
use vouchsafe_testkit::keys;
use vouchsafe_xml::Limits;

/// Makes a message with the two encrypted keys, each with the given certificate.
fn sealed(layout: KeyLayout, others: Option<&Certificate>, mine: Option<&Certificate>) -> String {
    let (other_key, own_key) = (public(keys::attacker()), public(keys::service_provider()));
    let recipient = |key, certificate: Option<_>| {
        let recipient = Recipient::new(key);
        certificate.map_or(recipient.clone(), |certificate| recipient.with_certificate(certificate))
    };
    let recipients = [recipient(&other_key, others), recipient(&own_key, mine)];
    let options = EncryptOptions::default().layout(layout);
    around(&encrypt_for(PLAIN, &recipients, &options, keys::provider()).unwrap())
}

/// Returns whether the right key is reached within two attempts. Within four attempts it is always reached.
fn is_first(xml: &str) -> bool {
    let own: [PrivateKey; 2] =
        [keys::old_service_provider(), keys::service_provider()].map(|pair| pair.private_key().clone());
    assert_eq!(opened(xml, &own).unwrap().bytes(), PLAIN.as_bytes(), "{xml}");
    let limits = Limits::default().with_private_key_operations(2);
    match common::opened_by(xml, &own, keys::provider(), &limits) {
        Ok(opened) => opened.bytes() == PLAIN.as_bytes(),
        Err(error) => {
            assert_eq!(error.code(), "encryption.failed");
            false
        }
    }
}

#[test]
fn certificates() {
    let mine = keys::service_provider().certificate();
    let other = keys::attacker().certificate();
    for (others, own, first) in [
        (None, None, false),
        (None, Some(mine), true),
        (Some(other), None, true),
        (Some(other), Some(mine), true),
        (Some(other), Some(other), false),
        (Some(mine), None, false),
        (None, Some(other), false),
    ] {
        let xml = sealed(KeyLayout::InKeyInfo, others, own);
        assert_eq!(is_first(&xml), first, "{} {}", others.is_some(), own.is_some());
    }
}

/// Each row has a name, the content of the data's KeyInfo, the end of our key, and whether our key is then tried
/// first. `{key}` and `{data}` are their identifiers.
const REFERENCES: &[(&str, &str, &str, bool)] = &[
    ("nothing", "", "", false),
    (
        "a retrieval method",
        r##"<ds:RetrievalMethod Type="http://www.w3.org/2001/04/xmlenc#EncryptedKey" URI="#{key}"/>"##,
        "",
        true,
    ),
    ("without a type", r##"<ds:RetrievalMethod URI="#{key}"/>"##, "", true),
    ("of another type", r##"<ds:RetrievalMethod Type="urn:x" URI="#{key}"/>"##, "", false),
    (
        "with transforms",
        r##"<ds:RetrievalMethod URI="#{key}"><ds:Transforms/></ds:RetrievalMethod>"##,
        "",
        false,
    ),
    ("an address", r#"<ds:RetrievalMethod URI="{key}"/>"#, "", false),
    ("another element", r##"<ds:KeyName URI="#{key}"/>"##, "", false),
    (
        "a reference back",
        "",
        r##"<xenc:ReferenceList><xenc:DataReference URI="#{data}"/></xenc:ReferenceList>"##,
        true,
    ),
    (
        "both",
        r##"<ds:RetrievalMethod URI="#{key}"/>"##,
        r##"<xenc:ReferenceList><xenc:DataReference URI="#{data}"/></xenc:ReferenceList>"##,
        true,
    ),
    (
        "a reference back that is the second",
        "",
        r##"<xenc:ReferenceList><xenc:DataReference URI="#x"/><xenc:DataReference URI="#{data}"/></xenc:ReferenceList>"##,
        true,
    ),
    (
        "a reference to other data",
        "",
        r##"<xenc:ReferenceList><xenc:DataReference URI="#x"/></xenc:ReferenceList>"##,
        false,
    ),
    (
        "a reference to a key",
        "",
        r##"<xenc:ReferenceList><xenc:KeyReference URI="#{data}"/></xenc:ReferenceList>"##,
        false,
    ),
    (
        "a reference in another list",
        "",
        r##"<xenc:CarriedKeyName><xenc:DataReference URI="#{data}"/></xenc:CarriedKeyName>"##,
        false,
    ),
];

#[test]
fn references() {
    for (name, key_info, list, first) in REFERENCES {
        let xml = sealed(KeyLayout::SiblingUnreferenced, None, None);
        let identifiers: Vec<_> =
            xml.split(" Id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let [data, _, key] = identifiers.as_slice() else { panic!("{xml}") };
        let filled = |text: &str| text.replace("{key}", key).replace("{data}", data);
        let key_info = format!(
            "<ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">{}</ds:KeyInfo><xenc:CipherData>",
            filled(key_info)
        );
        let (before, after) = xml.rsplit_once("</xenc:EncryptedKey>").unwrap();
        let xml = format!("{before}{}</xenc:EncryptedKey>{after}", filled(list));
        assert_eq!(is_first(&xml.replacen("<xenc:CipherData>", &key_info, 1)), *first, "{name}");
    }
}

/// A reference without an address does not refer to data without an identifier.
#[test]
fn two_absent_identifiers_are_not_the_same() {
    let xml = sealed(KeyLayout::SiblingUnreferenced, None, None);
    let (_, rest) = xml.split_once(" Id=\"").unwrap();
    let (id, _) = rest.split_once('"').unwrap();
    let xml = xml.replacen(&format!(" Id=\"{id}\""), "", 1);
    let (before, after) = xml.rsplit_once("</xenc:EncryptedKey>").unwrap();
    let list = "<xenc:ReferenceList><xenc:DataReference/></xenc:ReferenceList>";
    assert!(!is_first(&format!("{before}{list}</xenc:EncryptedKey>{after}")));
}
