//! The errors that a backend gives. The variants of [`CryptoError`] can grow and are made here only.

use crate::{CryptoError, KeyKind, SignatureAlgorithm};

/// [`CryptoError::AlgorithmUnsupported`]: the backend of this name does not do this algorithm.
#[must_use]
pub const fn unsupported(backend: &'static str, algorithm: &'static str) -> CryptoError {
    CryptoError::AlgorithmUnsupported { backend, algorithm }
}

/// [`CryptoError::KeyMalformed`]: a key in this form cannot be used.
#[must_use]
pub const fn key_malformed(form: &'static str, detail: &'static str) -> CryptoError {
    CryptoError::KeyMalformed { form, detail }
}

/// [`CryptoError::KeyGeneration`]: a key of this kind cannot be made.
#[must_use]
pub const fn key_generation(kind: KeyKind) -> CryptoError {
    CryptoError::KeyGeneration { kind }
}

/// [`CryptoError::SignatureInvalid`].
#[must_use]
pub const fn signature_invalid() -> CryptoError {
    CryptoError::SignatureInvalid {}
}

/// [`CryptoError::SigningFailed`].
#[must_use]
pub const fn signing_failed(algorithm: SignatureAlgorithm) -> CryptoError {
    CryptoError::SigningFailed { uri: algorithm.uri() }
}

/// [`CryptoError::EncryptionFailed`].
#[must_use]
pub const fn encryption_failed(uri: &'static str, detail: &'static str) -> CryptoError {
    CryptoError::EncryptionFailed { uri, detail }
}

/// [`CryptoError::DecryptionFailed`], for every reason that depends on the key or the bytes.
#[must_use]
pub const fn decryption_failed() -> CryptoError {
    CryptoError::DecryptionFailed {}
}

/// [`CryptoError::Random`].
#[must_use]
pub const fn random() -> CryptoError {
    CryptoError::Random {}
}
