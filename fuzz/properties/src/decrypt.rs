//! Decryption answers everything without a panic, and gives back what was encrypted.

use vouchsafe::crypto::{ContentCipher, DigestAlgorithm, KeyTransport};
use vouchsafe::encryption::{
    DecryptionContext, EncryptOptions, KeyLayout, cipher_of, decrypt, decrypt_document, decrypt_element,
    encrypt,
};
use vouchsafe::xml::{Document, Limits};

use crate::generator::{self, Choices};
use crate::{backend, keys};

/// The property of the target of that name.
pub fn check(data: &[u8]) {
    anything(data);
    round_trip(data);
}

/// With the key in clear, so that whoever makes the input can make ciphertexts that open.
fn anything(data: &[u8]) {
    let limits = Limits::default();
    let Ok(document) = Document::parse(data, &limits) else { return };
    let own = std::slice::from_ref(keys::clear());
    let provider = backend::credulous();
    for element in document.elements().take(32) {
        let cipher = cipher_of(element);
        let mut context = DecryptionContext::new(own, provider, &limits);
        match decrypt(element, &mut context) {
            Ok(opened) => {
                assert_eq!(cipher.ok(), Some(opened.cipher()), "the cipher that was announced is another");
                assert!(provider.accepts_cipher(opened.cipher()));
                assert!(str::from_utf8(opened.bytes()).is_ok());
                let mut again = DecryptionContext::new(own, provider, &limits);
                let element_in_it = decrypt_element(element, &element.scope(), &mut again);
                let read = Document::parse_in_scope(opened.bytes(), &element.scope(), &limits);
                assert_eq!(
                    element_in_it.is_ok(),
                    read.is_ok(),
                    "what was decrypted is an element, or is not"
                );
                assert_eq!(
                    context.operations_left(),
                    again.operations_left(),
                    "one costs more than the other"
                );
                let mut keyless = DecryptionContext::new(&[], provider, &limits);
                assert!(decrypt(element, &mut keyless).is_err(), "opened without a key");
            }
            Err(error) => {
                // A label of RSA-OAEP is nothing for the key in clear.
                let known =
                    |code: &str| code.starts_with("encryption.") || code == "crypto.algorithm_unsupported";
                assert!(!error.to_string().is_empty() && known(error.code()), "{}", error.code());
            }
        }
    }
    if let Ok(text) = str::from_utf8(data) {
        let _ = decrypt_document(text, own, provider, &limits);
    }
}

fn round_trip(data: &[u8]) {
    let mut choices = Choices::new(data);
    let options = options(&mut choices);
    let plain = match str::from_utf8(choices.rest()) {
        Ok(own) => own.to_owned(),
        Err(_) => generator::document(&mut choices),
    };
    let provider = backend::credulous();
    let sealed =
        encrypt(&plain, keys::clear_public(), &options, provider).expect("anything can be encrypted");
    let around = format!("<Encrypted>{sealed}</Encrypted>");
    let document = Document::parse(around.as_bytes(), &Limits::default());
    let Ok(document) = document else {
        return assert!(plain.len() > 500_000, "the result is not well-formed");
    };
    let own = std::slice::from_ref(keys::clear());
    let limits = Limits::default();
    let opened = decrypt(document.root(), &mut DecryptionContext::new(own, provider, &limits))
        .expect("our own ciphertext opens");
    assert_eq!(opened.bytes(), plain.as_bytes());
}

fn options(choices: &mut Choices<'_>) -> EncryptOptions {
    let digests =
        [DigestAlgorithm::Sha1, DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha512];
    let (digest, mgf) = (choices.one_of(&digests), choices.one_of(&digests));
    EncryptOptions::default()
        .cipher(choices.one_of(&[
            ContentCipher::Aes128Gcm,
            ContentCipher::Aes192Gcm,
            ContentCipher::Aes256Gcm,
            ContentCipher::Aes128Cbc,
            ContentCipher::Aes192Cbc,
            ContentCipher::Aes256Cbc,
        ]))
        .key_transport(KeyTransport::RsaOaep { digest, mgf })
        .layout(choices.one_of(&[KeyLayout::InKeyInfo, KeyLayout::Sibling, KeyLayout::SiblingUnreferenced]))
}
