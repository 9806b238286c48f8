//! No message, however built, makes decryption panic, and none is decrypted that was not encrypted to us.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{PLAIN, opened, ours, sealed};
use proptest::prelude::*;
use vouchsafe_crypto::ContentCipher;
use vouchsafe_encryption::{EncryptOptions, KeyLayout, cipher_of, decrypt_document};
use vouchsafe_testkit::keys;
use vouchsafe_xml::{Document, Limits};

const PIECES: &[&str] = &[
    "<x:EncryptedData>",
    "</x:EncryptedData>",
    "<x:EncryptedKey>",
    "</x:EncryptedKey>",
    "<d:KeyInfo>",
    "</d:KeyInfo>",
    "<d:RetrievalMethod URI='#a'/>",
    "<x:EncryptionMethod Algorithm='http://www.w3.org/2009/xmlenc11#aes128-gcm'/>",
    "<x:EncryptionMethod Algorithm='http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p'/>",
    "<x:CipherData><x:CipherValue>AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA</x:CipherValue></x:CipherData>",
    "<x:CipherData><x:CipherValue/></x:CipherData>",
    "<x:CipherData><x:CipherReference/></x:CipherData>",
    "<d:X509Data><d:X509Certificate>AAAA</d:X509Certificate></d:X509Data>",
    "AAAA",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_structure(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..24)) {
        let xml = format!(
            "<e xmlns:x='http://www.w3.org/2001/04/xmlenc#' xmlns:d='http://www.w3.org/2000/09/xmldsig#'>{}</e>",
            balanced(&pieces)
        );
        let document = Document::parse(xml.as_bytes(), &Limits::default()).unwrap();
        let _ = cipher_of(document.root());
        let _ = decrypt_document(&xml, &ours(), keys::provider(), &Limits::default());
        prop_assert!(opened(&xml, &ours()).is_err());
    }

    #[test]
    fn any_change_of_a_good_message(at in any::<prop::sample::Index>(), byte in any::<u8>(), layout in 0..3_usize) {
        let layout = [KeyLayout::InKeyInfo, KeyLayout::Sibling, KeyLayout::SiblingUnreferenced].get(layout).copied();
        let options = EncryptOptions::default().cipher(ContentCipher::Aes128Gcm).layout(layout.unwrap());
        let mut bytes = sealed(&options).into_bytes();
        let index = at.index(bytes.len());
        if let Some(place) = bytes.get_mut(index) {
            *place = byte;
        }
        let text = String::from_utf8_lossy(&bytes);
        if let Ok(opened) = opened(&text, &ours()) {
            prop_assert_eq!(opened.bytes(), PLAIN.as_bytes());
        }
    }
}

/// Drops end tags that nothing started, and ends what is open.
fn balanced(pieces: &[&str]) -> String {
    let mut text = String::new();
    let mut open: Vec<&str> = Vec::new();
    for piece in pieces {
        if let Some(name) = piece.strip_prefix("</") {
            if open.last().is_some_and(|started| *started == name) {
                open.pop();
                text.push_str(piece);
            }
        } else {
            if !piece.ends_with("/>") && !piece.contains("</") {
                open.extend(piece.strip_prefix('<'));
            }
            text.push_str(piece);
        }
    }
    while let Some(name) = open.pop() {
        text.push_str("</");
        text.push_str(name);
    }
    text
}
