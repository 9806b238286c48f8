//! Helpers of the tests: an element around ciphertext, and keys that are made once.
#![allow(dead_code, clippy::unwrap_used, reason = "tests; not every test uses everything")]

use vouchsafe_crypto::{PrivateKey, Provider, PublicKey};
use vouchsafe_encryption::{DecryptionContext, EncryptOptions, EncryptionError, Opened, decrypt, encrypt};
use vouchsafe_testkit::{KeyPair, keys};
use vouchsafe_xml::{Document, Limits};

pub(crate) const PLAIN: &str = "<a xmlns=\"urn:a\">Grüße &amp; mehr</a>";

pub(crate) fn public(pair: &KeyPair) -> PublicKey {
    pair.private_key().public_key().clone()
}

pub(crate) fn ours() -> Vec<PrivateKey> {
    vec![keys::service_provider().private_key().clone()]
}

/// `PLAIN` encrypted to the service provider, in an element of its own.
pub(crate) fn sealed(options: &EncryptOptions) -> String {
    let key = public(keys::service_provider());
    around(&encrypt(PLAIN, &key, options, keys::provider()).unwrap())
}

pub(crate) fn around(inside: &str) -> String {
    format!(
        "<EncryptedAssertion xmlns=\"urn:oasis:names:tc:SAML:2.0:assertion\">{inside}</EncryptedAssertion>"
    )
}

pub(crate) fn opened(xml: &str, keys: &[PrivateKey]) -> Result<Opened, EncryptionError> {
    opened_by(xml, keys, &Provider::rustcrypto(), &Limits::default())
}

pub(crate) fn opened_by(
    xml: &str,
    keys: &[PrivateKey],
    provider: &Provider,
    limits: &Limits,
) -> Result<Opened, EncryptionError> {
    let document = Document::parse(xml.as_bytes(), limits)?;
    decrypt(document.root(), &mut DecryptionContext::new(keys, provider, limits))
}
