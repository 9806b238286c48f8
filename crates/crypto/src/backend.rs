//! The interface of a backend, which does the mathematics and does not decide what is acceptable.
//!
//! The policy, the forms of keys and the limits on their lengths are checked in [`Provider`](crate::Provider), and
//! are the same for all backends. A backend calls [`signature_form::check`], which checks the form of a signature.
//! Services use only `Provider`; this module is for authors of a backend.

pub mod ecdsa;
pub mod failure;
pub mod padding;
pub mod signature_form;

use crate::hexadecimal::hexadecimal;
use crate::{
    ContentCipher, CryptoError, DigestAlgorithm, KeyKind, KeyTransport, SecretBytes, SignatureAlgorithm,
};
use core::fmt;
use std::sync::Arc;

/// Returns the backend of [`Provider::rustcrypto`](crate::Provider::rustcrypto). A backend that does not implement
/// everything can use it for the rest.
///
/// ```
/// use vouchsafe_crypto::{DigestAlgorithm, backend};
///
/// let digest = backend::rustcrypto().digest(DigestAlgorithm::Sha256, b"bytes")?;
/// assert_eq!(digest.as_ref().len(), 32);
/// # Ok::<(), vouchsafe_crypto::CryptoError>(())
/// ```
#[cfg(feature = "rustcrypto")]
#[must_use]
pub fn rustcrypto() -> Arc<dyn Backend> {
    Arc::new(crate::rustcrypto::RustCrypto::new())
}

/// An implementation of the algorithms, such as RustCrypto or AWS-LC.
pub trait Backend: Send + Sync + fmt::Debug {
    /// Returns its name, for error messages and logs.
    fn name(&self) -> &'static str;

    /// Computes the digest of a message.
    ///
    /// # Errors
    ///
    /// [`CryptoError::AlgorithmUnsupported`] if the backend does not implement the digest.
    fn digest(&self, algorithm: DigestAlgorithm, message: &[u8]) -> Result<DigestValue, CryptoError>;

    /// Returns a context that computes a digest of data in pieces.
    ///
    /// # Errors
    ///
    /// [`CryptoError::AlgorithmUnsupported`] if the backend does not implement the digest.
    fn digest_context(&self, algorithm: DigestAlgorithm) -> Result<Box<dyn DigestContext>, CryptoError>;

    /// Prepares a public key, once, from its SubjectPublicKeyInfo in DER, which has the
    /// [normal form](crate#forms-of-keys-and-signatures).
    ///
    /// # Errors
    ///
    /// [`CryptoError::KeyMalformed`] if the point or the modulus is not valid.
    fn public_key(&self, kind: KeyKind, spki_der: &[u8])
    -> Result<Arc<dyn PublicKeyOperations>, CryptoError>;

    /// Prepares a private key, once, from PKCS#8 in DER, which has the [normal form](crate#forms-of-keys-and-signatures).
    ///
    /// # Errors
    ///
    /// [`CryptoError::KeyMalformed`] if the parts of the key do not belong together.
    fn private_key(
        &self,
        kind: KeyKind,
        pkcs8_der: &[u8],
    ) -> Result<Arc<dyn PrivateKeyOperations>, CryptoError>;

    /// Computes the public half of a key on a curve, for the [normal form](crate#forms-of-keys-and-signatures) of the
    /// private key. For a scalar, which is from 1 to the order less 1 and as long as the order, it is the
    /// uncompressed point. For an Ed25519 seed of 32 bytes, it is the public key.
    ///
    /// # Errors
    ///
    /// [`CryptoError::KeyMalformed`] if there is no such key, [`CryptoError::KeyUnsupported`] for RSA.
    fn public_half(&self, kind: KeyKind, secret: &[u8]) -> Result<Vec<u8>, CryptoError>;

    /// Checks that all numbers of an RSA private key (RFC 8017, A.1.2) belong together: the modulus is the product of
    /// the primes, the exponents are inverse to each other, and the three CRT values follow from them. It is called
    /// once, when a key is loaded. The form of the numbers and their lengths have been checked before.
    ///
    /// # Errors
    ///
    /// [`CryptoError::KeyMalformed`] if they do not; [`CryptoError::AlgorithmUnsupported`] if the backend has no keys of this length.
    fn check_rsa_private_key(&self, bits: u32, pkcs1_der: &[u8]) -> Result<(), CryptoError>;

    /// Makes a new private key, as PKCS#8 in DER.
    ///
    /// # Errors
    ///
    /// [`CryptoError::KeyGeneration`] if the backend cannot make a key of this kind.
    fn generate_key(&self, kind: KeyKind) -> Result<SecretBytes, CryptoError>;

    /// Decrypts initialisation vector || ciphertext (|| tag). In CBC mode the result keeps the padding of XML
    /// Encryption 1.1, 5.2: [`Provider`](crate::Provider) checks it, in one place and in the same way for every
    /// backend.
    ///
    /// # Errors
    ///
    /// [`CryptoError::DecryptionFailed`] for a wrong tag or a wrong length.
    fn decrypt_content(
        &self,
        cipher: ContentCipher,
        key: &[u8],
        bytes: &[u8],
    ) -> Result<Vec<u8>, CryptoError>;

    /// Encrypts with a new random initialisation vector, which is written before the ciphertext.
    ///
    /// # Errors
    ///
    /// [`CryptoError::KeyLength`], [`CryptoError::Random`].
    fn encrypt_content(
        &self,
        cipher: ContentCipher,
        key: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, CryptoError>;

    /// Fills a buffer with random bytes from the operating system.
    ///
    /// # Errors
    ///
    /// [`CryptoError::Random`].
    fn random(&self, buffer: &mut [u8]) -> Result<(), CryptoError>;
}

/// The operations of a backend with a public key.
pub trait PublicKeyOperations: Send + Sync {
    /// Verifies a signature over a message. The algorithm fits the kind of the key. The backend must first call
    /// [`signature_form::check`].
    ///
    /// # Errors
    ///
    /// [`CryptoError::SignatureInvalid`] or [`CryptoError::SignatureLength`].
    fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError>;

    /// Encrypts a content key. The key is an RSA key. The label is that of RSA-OAEP, and empty if there is none. A backend
    /// without labels refuses others with [`failure::label_unsupported`].
    ///
    /// # Errors
    ///
    /// [`CryptoError::EncryptionFailed`] if the message is too long for the modulus, and
    /// [`CryptoError::AlgorithmUnsupported`].
    fn encrypt_key(
        &self,
        transport: KeyTransport,
        label: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, CryptoError>;
}

/// The operations of a backend with a private key.
pub trait PrivateKeyOperations: Send + Sync {
    /// Signs a message. The algorithm fits the kind of the key.
    ///
    /// # Errors
    ///
    /// [`CryptoError::SigningFailed`].
    fn sign(&self, algorithm: SignatureAlgorithm, message: &[u8]) -> Result<Vec<u8>, CryptoError>;

    /// Decrypts a content key. The key is an RSA key. For wrong padding, RSA PKCS#1 v1.5 must return a random-looking
    /// message (implicit rejection), or must not be implemented. The label is that of RSA-OAEP, and empty if there is
    /// none. A backend without labels refuses others with [`failure::label_unsupported`].
    ///
    /// # Errors
    ///
    /// [`CryptoError::DecryptionFailed`], [`CryptoError::AlgorithmUnsupported`].
    fn decrypt_key(
        &self,
        transport: KeyTransport,
        label: &[u8],
        bytes: &[u8],
    ) -> Result<SecretBytes, CryptoError>;
}

/// A digest that is being computed.
pub trait DigestContext: Send {
    /// Adds bytes to the digested data.
    fn update(&mut self, bytes: &[u8]);

    /// Returns the digest of all bytes that were added.
    fn finish(self: Box<Self>) -> DigestValue;
}

/// A digest, stored without an allocation. `==` takes constant time.
///
/// ```
/// use vouchsafe_crypto::{DigestAlgorithm, Provider};
///
/// let digest = Provider::rustcrypto().digest(DigestAlgorithm::Sha256, b"")?;
/// assert_eq!(digest.as_ref().len(), 32);
/// assert!(format!("{digest:?}").starts_with("DigestValue(e3b0c442"));
/// # Ok::<(), vouchsafe_crypto::CryptoError>(())
/// ```
#[derive(Clone, Copy)]
pub struct DigestValue {
    bytes: [u8; Self::MAXIMUM],
    length: usize,
}

impl DigestValue {
    /// The length of the longest digest in bytes.
    pub const MAXIMUM: usize = 64;

    /// Makes a digest from its bytes. Returns `None` if there are more than [`DigestValue::MAXIMUM`].
    #[must_use]
    pub fn new(digest: &[u8]) -> Option<Self> {
        let mut bytes = [0; Self::MAXIMUM];
        bytes.get_mut(..digest.len())?.copy_from_slice(digest);
        Some(Self { bytes, length: digest.len() })
    }

    /// Makes a digest from an array, whose length is checked at compile time.
    #[must_use]
    pub fn from_array<const N: usize>(digest: [u8; N]) -> Self {
        const { assert!(N <= Self::MAXIMUM, "longer than any digest") };
        let mut bytes = [0; Self::MAXIMUM];
        if let Some(place) = bytes.first_chunk_mut() {
            *place = digest;
        }
        Self { bytes, length: N }
    }

    /// Returns whether it equals an expected digest, in constant time.
    #[must_use]
    pub fn ct_eq(&self, expected: &[u8]) -> bool {
        crate::constant_time_eq(self.as_ref(), expected)
    }
}

impl AsRef<[u8]> for DigestValue {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl PartialEq for DigestValue {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other.as_ref())
    }
}

impl Eq for DigestValue {}

impl fmt::Debug for DigestValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DigestValue({})", hexadecimal(self.as_ref()))
    }
}
