//! The backend that uses the RustCrypto crates.

mod cipher;
mod digest;
mod elliptic;
mod rsa_keys;

use crate::backend::{Backend, DigestContext, DigestValue, PrivateKeyOperations, PublicKeyOperations};
use crate::{ContentCipher, CryptoError, DigestAlgorithm, KeyKind, SecretBytes};
use std::sync::Arc;

pub(crate) use rsa_keys::opens_to_a_digest;

/// The backend that uses the RustCrypto crates.
#[derive(Debug)]
pub(crate) struct RustCrypto(());

impl RustCrypto {
    pub(crate) fn new() -> Self {
        Self(())
    }
}

impl Backend for RustCrypto {
    fn name(&self) -> &'static str {
        "RustCrypto"
    }

    fn digest(&self, algorithm: DigestAlgorithm, message: &[u8]) -> Result<DigestValue, CryptoError> {
        Ok(digest::digest(algorithm, message))
    }

    fn digest_context(&self, algorithm: DigestAlgorithm) -> Result<Box<dyn DigestContext>, CryptoError> {
        Ok(digest::context(algorithm))
    }

    fn public_key(
        &self,
        kind: KeyKind,
        spki_der: &[u8],
    ) -> Result<Arc<dyn PublicKeyOperations>, CryptoError> {
        match kind {
            KeyKind::Rsa { .. } => rsa_keys::public_key(kind, spki_der),
            KeyKind::P256 | KeyKind::P384 | KeyKind::P521 | KeyKind::Ed25519 => {
                elliptic::public_key(kind, spki_der)
            }
        }
    }

    fn private_key(
        &self,
        kind: KeyKind,
        pkcs8_der: &[u8],
    ) -> Result<Arc<dyn PrivateKeyOperations>, CryptoError> {
        match kind {
            KeyKind::Rsa { .. } => rsa_keys::private_key(pkcs8_der),
            KeyKind::P256 | KeyKind::P384 | KeyKind::P521 | KeyKind::Ed25519 => {
                elliptic::private_key(kind, pkcs8_der)
            }
        }
    }

    fn public_half(&self, kind: KeyKind, secret: &[u8]) -> Result<Vec<u8>, CryptoError> {
        elliptic::public_half(kind, secret)
    }

    fn check_rsa_private_key(&self, _bits: u32, pkcs1_der: &[u8]) -> Result<(), CryptoError> {
        rsa_keys::check_private(pkcs1_der)
    }

    fn generate_key(&self, kind: KeyKind) -> Result<SecretBytes, CryptoError> {
        match kind {
            KeyKind::Rsa { bits } => rsa_keys::generate(bits),
            KeyKind::P256 | KeyKind::P384 | KeyKind::P521 | KeyKind::Ed25519 => elliptic::generate(kind),
        }
    }

    fn decrypt_content(
        &self,
        cipher: ContentCipher,
        key: &[u8],
        bytes: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        cipher::decrypt(cipher, key, bytes)
    }

    fn encrypt_content(
        &self,
        cipher: ContentCipher,
        key: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        cipher::encrypt(cipher, key, plain)
    }

    fn random(&self, buffer: &mut [u8]) -> Result<(), CryptoError> {
        getrandom::fill(buffer).map_err(|_| CryptoError::Random {})
    }
}

/// The provider checks the kinds first, so the four errors below are for other callers of the backend.
fn mismatch(algorithm: crate::SignatureAlgorithm) -> CryptoError {
    CryptoError::AlgorithmUnsupported { backend: "RustCrypto", algorithm: algorithm.uri() }
}

fn no_transport(transport: crate::KeyTransport) -> CryptoError {
    CryptoError::AlgorithmUnsupported { backend: "RustCrypto", algorithm: transport.uri() }
}

fn not_elliptic(kind: KeyKind) -> CryptoError {
    CryptoError::KeyUnsupported { algorithm: kind.to_string() }
}
