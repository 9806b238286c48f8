//! The errors that a backend returns. Only this module makes them, because the variants of [`CryptoError`] can grow.

use crate::{CryptoError, KeyKind, SignatureAlgorithm};

/// Returns [`CryptoError::AlgorithmUnsupported`]: the backend of this name does not implement this algorithm.
#[must_use]
pub const fn unsupported(backend: &'static str, algorithm: &'static str) -> CryptoError {
    CryptoError::AlgorithmUnsupported { backend, algorithm }
}

/// Returns [`CryptoError::AlgorithmUnsupported`] for a label of RSA-OAEP.
#[must_use]
pub const fn label_unsupported() -> CryptoError {
    unsupported("of this key", "labels in RSA-OAEP")
}

/// Returns [`CryptoError::KeyMalformed`]: a key in this format cannot be used.
#[must_use]
pub const fn key_malformed(form: &'static str, detail: &'static str) -> CryptoError {
    CryptoError::KeyMalformed { form, detail }
}

/// Returns [`CryptoError::KeyGeneration`]: a key of this kind cannot be made.
#[must_use]
pub const fn key_generation(kind: KeyKind) -> CryptoError {
    CryptoError::KeyGeneration { kind }
}

/// Returns [`CryptoError::SignatureInvalid`].
#[must_use]
pub const fn signature_invalid() -> CryptoError {
    CryptoError::SignatureInvalid {}
}

/// Returns [`CryptoError::SigningFailed`].
#[must_use]
pub const fn signing_failed(algorithm: SignatureAlgorithm) -> CryptoError {
    CryptoError::SigningFailed { uri: algorithm.uri() }
}

/// Returns [`CryptoError::EncryptionFailed`].
#[must_use]
pub const fn encryption_failed(uri: &'static str, detail: &'static str) -> CryptoError {
    CryptoError::EncryptionFailed { uri, detail }
}

/// Returns [`CryptoError::DecryptionFailed`], for every reason that depends on the key or the bytes.
#[must_use]
pub const fn decryption_failed() -> CryptoError {
    CryptoError::DecryptionFailed {}
}

/// Returns [`CryptoError::Random`].
#[must_use]
pub const fn random() -> CryptoError {
    CryptoError::Random {}
}
