//! Encrypted content is decrypted: with every cipher, key transport and layout, for one recipient and several.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use common::{PLAIN, around, opened, ours, public, sealed};
use vouchsafe_crypto::{ContentCipher, DigestAlgorithm, KeyKind, KeyTransport, PrivateKey, Provider};
use vouchsafe_encryption::{
    EncryptOptions, KeyLayout, Recipient, cipher_of, decrypt_document, encrypt, encrypt_for,
};
use vouchsafe_testkit::keys;
use vouchsafe_xml::{Document, Limits};

const LAYOUTS: [KeyLayout; 3] = [KeyLayout::InKeyInfo, KeyLayout::Sibling, KeyLayout::SiblingUnreferenced];

fn ciphers() -> impl Iterator<Item = ContentCipher> {
    ContentCipher::ALL.into_iter().filter(|cipher| *cipher != ContentCipher::TripleDesCbc)
}

#[test]
fn every_cipher_in_every_layout() {
    for cipher in ciphers() {
        for layout in LAYOUTS {
            let xml = sealed(&EncryptOptions::default().cipher(cipher).layout(layout));
            let document = Document::parse(xml.as_bytes(), &Limits::default()).unwrap();
            assert_eq!(cipher_of(document.root()).unwrap(), cipher);
            let opened = opened(&xml, &ours()).unwrap();
            assert_eq!(opened.bytes(), PLAIN.as_bytes(), "{cipher:?} {layout:?}");
            assert_eq!((opened.cipher(), opened.is_authenticated()), (cipher, cipher.is_authenticated()));
            let shown = format!("{opened:?}");
            assert!(shown.contains(&format!("{cipher:?}")) && !shown.contains("mehr"), "{shown}");
        }
    }
}

#[test]
fn every_digest_in_oaep() {
    for digest in DigestAlgorithm::ALL {
        for mgf in DigestAlgorithm::ALL {
            let xml = sealed(&EncryptOptions::default().key_transport(KeyTransport::RsaOaep { digest, mgf }));
            let old = mgf == DigestAlgorithm::Sha1;
            assert_eq!(xml.contains(KeyTransport::RSA_OAEP_MGF1P_URI), old);
            assert_eq!(xml.contains(KeyTransport::RSA_OAEP_URI), !old);
            assert_eq!(opened(&xml, &ours()).unwrap().bytes(), PLAIN.as_bytes(), "{digest:?} {mgf:?}");
        }
    }
}

/// XML encryption 1.1, section 5.8.3, has an identifier of its own for SHA-384.
#[test]
fn sha_384_has_two_names() {
    let (digest, mgf) = (DigestAlgorithm::Sha384, DigestAlgorithm::Sha1);
    let xml = sealed(&EncryptOptions::default().key_transport(KeyTransport::RsaOaep { digest, mgf }));
    let (known, other) = (digest.uri(), "http://www.w3.org/2001/04/xmlenc#sha384");
    assert!(xml.contains(known) && !xml.contains(other));
    assert_eq!(opened(&xml.replace(known, other), &ours()).unwrap().bytes(), PLAIN.as_bytes());
}

#[test]
fn okta_has_a_retrieval_method_and_a_reference_back() {
    let options = EncryptOptions::default()
        .layout(KeyLayout::Sibling)
        .certificate(keys::service_provider().certificate().clone());
    let xml = sealed(&options);
    for expected in ["<ds:RetrievalMethod Type=", "<xenc:DataReference URI=\"#_", "<ds:X509Certificate>"] {
        assert!(xml.contains(expected), "{expected} in {xml}");
    }
}

#[test]
fn each_of_several_recipients_with_any_of_its_keys() {
    let other = keys::other_identity_provider();
    let mine = keys::service_provider();
    let (first, second, third) = (public(other), public(mine), public(keys::attacker()));
    let recipients = [
        Recipient::new(&first).with_name("https://other.example.com").with_certificate(other.certificate()),
        Recipient::new(&second).with_name("https://app.example.com").with_certificate(mine.certificate()),
        Recipient::new(&third),
    ];
    let old = keys::old_service_provider().private_key().clone();
    let own = mine.private_key().clone();
    for layout in LAYOUTS {
        let options = EncryptOptions::default().layout(layout);
        let xml = around(&encrypt_for(PLAIN, &recipients, &options, keys::provider()).unwrap());
        for pair in [other, mine, keys::attacker()] {
            assert!(opened(&xml, &[pair.private_key().clone()]).is_ok(), "{layout:?}");
        }
        for own_keys in [vec![own.clone(), old.clone()], vec![old.clone(), own.clone()]] {
            assert!(opened(&xml, &own_keys).is_ok(), "{layout:?}");
        }
        assert_eq!(opened(&xml, std::slice::from_ref(&old)).unwrap_err().code(), "encryption.failed");
    }
}

/// The attempts are limited, and the pair whose certificate fits comes first, so one attempt is enough.
#[test]
fn certificates_order_the_attempts() {
    let mine = keys::service_provider();
    let second = public(mine);
    let others: Vec<_> = [keys::other_identity_provider(), keys::attacker(), keys::identity_provider()]
        .map(public)
        .into_iter()
        .collect();
    let own = [keys::old_service_provider().private_key().clone(), mine.private_key().clone()];
    let limits = Limits::default().with_private_key_operations(4);
    let sealed = |recipient| {
        let mut recipients: Vec<_> = others.iter().map(Recipient::new).collect();
        recipients.push(recipient);
        around(&encrypt_for(PLAIN, &recipients, &EncryptOptions::default(), keys::provider()).unwrap())
    };
    let named = sealed(Recipient::new(&second).with_certificate(mine.certificate()));
    let unnamed = sealed(Recipient::new(&second));
    let provider = Provider::rustcrypto();
    // Two private keys and four encrypted ones make eight attempts, of which four are made.
    assert!(common::opened_by(&named, &own, &provider, &limits).is_ok());
    assert_eq!(
        common::opened_by(&unnamed, &own, &provider, &limits).unwrap_err().code(),
        "encryption.failed"
    );
    assert!(common::opened_by(&unnamed, &own, &provider, &Limits::default()).is_ok());
}

#[test]
fn a_wrong_certificate_is_a_hint_only() {
    let options = EncryptOptions::default().certificate(keys::attacker().certificate().clone());
    assert!(opened(&sealed(&options), &ours()).is_ok());
}

#[test]
fn keys_of_other_kinds_and_lengths_are_passed_over() {
    let provider = keys::provider();
    let mut own: Vec<PrivateKey> = [KeyKind::P256, KeyKind::Ed25519, KeyKind::Rsa { bits: 3072 }]
        .map(|kind| provider.generate_key(kind).unwrap())
        .into_iter()
        .collect();
    let xml = sealed(&EncryptOptions::default());
    assert_eq!(opened(&xml, &own).unwrap_err().code(), "encryption.failed");
    own.extend(ours());
    assert!(
        common::opened_by(&xml, &own, provider, &Limits::default().with_private_key_operations(1)).is_ok()
    );
}

/// With RSA 1.5 a wrong key yields a random content key, and with CBC one in sixteen of those has valid padding.
#[test]
fn a_wrong_key_never_wins_over_the_right_one() {
    let options =
        EncryptOptions::default().cipher(ContentCipher::Aes128Cbc).key_transport(KeyTransport::Rsa15);
    let xml = sealed(&options);
    let own = [keys::old_service_provider().private_key().clone(), ours().remove(0)];
    for _ in 0..40 {
        let opened = common::opened_by(&xml, &own, keys::provider(), &Limits::default()).unwrap();
        assert_eq!(opened.bytes(), PLAIN.as_bytes());
    }
}

#[test]
fn triple_des_by_a_danger_only() {
    let options = EncryptOptions::default().cipher(ContentCipher::TripleDesCbc);
    let key = public(keys::service_provider());
    let danger = Provider::rustcrypto().danger_allow(ContentCipher::TripleDesCbc.uri()).unwrap();
    let xml = around(&encrypt(PLAIN, &key, &options, &danger).unwrap());
    assert_eq!(opened(&xml, &ours()).unwrap_err().code(), "encryption.refused_algorithm");
    let opened = common::opened_by(&xml, &ours(), &danger, &Limits::default()).unwrap();
    assert_eq!((opened.bytes(), opened.is_authenticated()), (PLAIN.as_bytes(), false));
}

#[test]
fn an_empty_label_is_none() {
    let xml = sealed(&EncryptOptions::default());
    for label in ["<xenc:OAEPparams/>", "<xenc:OAEPparams> \n</xenc:OAEPparams>"] {
        let xml = xml.replacen("<ds:DigestMethod", &format!("{label}<ds:DigestMethod"), 1);
        assert!(opened(&xml, &ours()).is_ok(), "{label}");
    }
}

fn encrypted(plain: &str) -> String {
    encrypt(plain, &public(keys::service_provider()), &EncryptOptions::default(), keys::provider()).unwrap()
}

fn readable(xml: &str) -> String {
    decrypt_document(xml, &ours(), &Provider::rustcrypto(), &Limits::default())
        .unwrap_or_else(|error| panic!("{error}: {xml}"))
}

#[test]
fn a_document_with_everything_decrypted() {
    let inner = encrypted("<b:c xmlns:b='urn:b'>1 &lt; 2</b:c>");
    let outer = encrypted(&format!("<p:d at='&quot;'>x{inner}y</p:d>"));
    let text = encrypted("no element");
    let xml = format!("<e xmlns:p=\"urn:p\">{outer}<f xmlns=\"urn:f\"><g xmlns=\"\">{text}</g></f></e>");
    assert_eq!(
        readable(&xml),
        "<e xmlns:p=\"urn:p\"><p:d at='&quot;'>x<b:c xmlns:b='urn:b'>1 &lt; 2</b:c>y</p:d>\
         <f xmlns=\"urn:f\"><g xmlns=\"\">no element</g></f></e>"
    );
    let few = Limits::default().with_private_key_operations(2);
    let refused = decrypt_document(&xml, &ours(), &Provider::rustcrypto(), &few).unwrap_err();
    assert_eq!(refused.code(), "encryption.too_many_operations");
}

#[test]
fn a_decrypted_document_stays_as_it_is_elsewhere() {
    for (before, plain, after) in [
        (
            "<?xml version='1.0'?>\r\n<!-- a --><?p i?><e a = 'b'><!-- Grüße -->",
            "<c/>",
            "<?p  i?><![CDATA[<]]>\t</e >\n<!-- z -->",
        ),
        ("\u{feff}<e>", "<c><!-- inside --><?p i?>&#65;<![CDATA[&]]></c>", "</e>"),
        ("<e>", "<a/>text<b/>", "</e>"),
        ("<e>", "", "</e>"),
    ] {
        assert_eq!(readable(&[before, &encrypted(plain), after].concat()), [before, plain, after].concat());
    }
    let (one, two) = (encrypted("<a/>"), encrypted("<b/>"));
    assert_eq!(readable(&format!("<e>{one}<!-- between -->{two}</e>")), "<e><a/><!-- between --><b/></e>");
    assert_eq!(readable(&format!("<e>{one}{two}</e>")), "<e><a/><b/></e>");
    // An encrypted part inside another one is replaced with it.
    let nested = one.replacen("</ds:KeyInfo>", "<xenc:EncryptedData/></ds:KeyInfo>", 1);
    assert_eq!(readable(&format!("<e>{nested}</e>")), "<e><a/></e>");
    let declared = encrypted("\u{feff}<?xml version='1.0' encoding='UTF-8'?>\n<a/>");
    assert_eq!(readable(&format!("<e>{declared}</e>")), "<e>\n<a/></e>");
}

#[test]
fn what_is_no_xml_is_escaped_or_stands_alone() {
    for (plain, expected) in [
        ("a & b", "a &amp; b"),
        ("</e><f>", "&lt;/e&gt;&lt;f&gt;"),
        ("</content><content>", "&lt;/content&gt;&lt;content&gt;"),
        ("<unbound:a/>", "&lt;unbound:a/&gt;"),
        ("a\u{1}\r&", "a\u{fffd}&#xD;&amp;"),
    ] {
        let opened = readable(&format!("<e>{}</e>", encrypted(plain)));
        assert_eq!(opened, format!("<e>{expected}</e>"));
        assert!(Document::parse(opened.as_bytes(), &Limits::default()).is_ok());
        assert_eq!(readable(&encrypted(plain)), plain);
    }
    let prolog = "<?xml version='1.0'?><!-- c -->\n";
    assert_eq!(
        readable(&format!("{prolog}{}\n<?p i?>", encrypted("<a/>"))),
        format!("{prolog}<a/>\n<?p i?>")
    );
    assert_eq!(readable(&format!("{prolog}{}", encrypted("text"))), "text");
}
