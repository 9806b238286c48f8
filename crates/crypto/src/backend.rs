//! What a backend implements: the mathematics, without any choice of what is acceptable.
//!
//! Policy, the forms of keys and the limits on their lengths stand in front of it, in [`Provider`](crate::Provider), and
//! are the same for all backends. The form of a signature is checked by [`signature_form::check`], which a backend calls. Services use
//! `Provider` only; this module is for those who write a backend.

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

/// The backend of [`Provider::rustcrypto`](crate::Provider::rustcrypto), for another backend that does not implement everything and uses this one for the rest.
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
    /// Its name, for error messages and logs.
    fn name(&self) -> &'static str;

    /// The digest of a message.
    ///
    /// # Errors
    ///
    /// [`CryptoError::AlgorithmUnsupported`].
    fn digest(&self, algorithm: DigestAlgorithm, message: &[u8]) -> Result<DigestValue, CryptoError>;

    /// A digest that is fed piece by piece.
    ///
    /// # Errors
    ///
    /// [`CryptoError::AlgorithmUnsupported`].
    fn digest_context(&self, algorithm: DigestAlgorithm) -> Result<Box<dyn DigestContext>, CryptoError>;

    /// Prepares a public key, once, from its SubjectPublicKeyInfo in DER, which has the
    /// [normal form](crate#forms-of-keys-and-signatures).
    ///
    /// # Errors
    ///
    /// [`CryptoError::KeyMalformed`] if there is no such point or modulus.
    fn public_key(&self, kind: KeyKind, spki_der: &[u8])
    -> Result<Arc<dyn PublicKeyOperations>, CryptoError>;

    /// Prepares a private key, once, from PKCS#8 in DER, which has the [normal form](crate#forms-of-keys-and-signatures).
    ///
    /// # Errors
    ///
    /// [`CryptoError::KeyMalformed`] if its parts do not belong together.
    fn private_key(
        &self,
        kind: KeyKind,
        pkcs8_der: &[u8],
    ) -> Result<Arc<dyn PrivateKeyOperations>, CryptoError>;

    /// The public half of a key on a curve, for the [normal form](crate#forms-of-keys-and-signatures) of the private one: the
    /// uncompressed point of a scalar, which is from 1 to the order less 1 and as wide as it; or the key of a seed of Ed25519, of 32 bytes.
    ///
    /// # Errors
    ///
    /// [`CryptoError::KeyMalformed`] if there is no such key, [`CryptoError::KeyUnsupported`] for RSA.
    fn public_half(&self, kind: KeyKind, secret: &[u8]) -> Result<Vec<u8>, CryptoError>;

    /// Whether all numbers of an RSA private key (RFC 8017, A.1.2) belong together: the modulus is the product of the primes, the
    /// exponents are inverse to each other, and the three CRT values follow. Asked once, when a key is loaded; the form of the numbers and
    /// their lengths have been checked.
    ///
    /// # Errors
    ///
    /// [`CryptoError::KeyMalformed`] if they do not; [`CryptoError::AlgorithmUnsupported`] if the backend has no keys of this length.
    fn check_rsa_private_key(&self, bits: u32, pkcs1_der: &[u8]) -> Result<(), CryptoError>;

    /// Makes a new private key, as PKCS#8 in DER.
    ///
    /// # Errors
    ///
    /// [`CryptoError::KeyGeneration`] if it cannot make that kind.
    fn generate_key(&self, kind: KeyKind) -> Result<SecretBytes, CryptoError>;

    /// Decrypts initialisation vector || ciphertext (|| tag). In CBC mode the padding of XML Encryption 1.1, 5.2 stays on:
    /// [`Provider`](crate::Provider) judges it, in one place and in the same way for every backend.
    ///
    /// # Errors
    ///
    /// [`CryptoError::DecryptionFailed`] for a wrong tag and for wrong lengths.
    fn decrypt_content(
        &self,
        cipher: ContentCipher,
        key: &[u8],
        bytes: &[u8],
    ) -> Result<Vec<u8>, CryptoError>;

    /// Encrypts with a fresh random initialisation vector, which stands before the ciphertext.
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

/// What a backend does with a public key.
pub trait PublicKeyOperations: Send + Sync {
    /// Verifies a signature over a message. The algorithm fits the kind of key. Before anything else the signature goes
    /// through [`signature_form::check`].
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

    /// Encrypts a content key. The key is RSA.
    ///
    /// # Errors
    ///
    /// [`CryptoError::EncryptionFailed`] if the message is too long for the modulus.
    fn encrypt_key(&self, transport: KeyTransport, plain: &[u8]) -> Result<Vec<u8>, CryptoError>;

    /// The same with a label of RSA-OAEP, which is refused by name unless it is empty or the backend says otherwise.
    ///
    /// # Errors
    ///
    /// As [`encrypt_key`](Self::encrypt_key), and [`CryptoError::AlgorithmUnsupported`].
    fn encrypt_key_with_label(
        &self,
        transport: KeyTransport,
        label: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        if label.is_empty() { self.encrypt_key(transport, plain) } else { Err(no_label()) }
    }
}

/// What a backend does with a private key.
pub trait PrivateKeyOperations: Send + Sync {
    /// Signs a message. The algorithm fits the kind of key.
    ///
    /// # Errors
    ///
    /// [`CryptoError::SigningFailed`].
    fn sign(&self, algorithm: SignatureAlgorithm, message: &[u8]) -> Result<Vec<u8>, CryptoError>;

    /// Decrypts a content key. The key is RSA. RSA PKCS#1 v1.5 must answer wrong padding with a random-looking message
    /// (implicit rejection), or not be implemented.
    ///
    /// # Errors
    ///
    /// [`CryptoError::DecryptionFailed`], [`CryptoError::AlgorithmUnsupported`].
    fn decrypt_key(&self, transport: KeyTransport, bytes: &[u8]) -> Result<SecretBytes, CryptoError>;

    /// The same with a label of RSA-OAEP, which is refused by name unless it is empty or the backend says otherwise.
    ///
    /// # Errors
    ///
    /// As [`decrypt_key`](Self::decrypt_key).
    fn decrypt_key_with_label(
        &self,
        transport: KeyTransport,
        label: &[u8],
        bytes: &[u8],
    ) -> Result<SecretBytes, CryptoError> {
        if label.is_empty() { self.decrypt_key(transport, bytes) } else { Err(no_label()) }
    }
}

const fn no_label() -> CryptoError {
    failure::unsupported("of this key", "labels in RSA-OAEP")
}

/// A digest in the making.
pub trait DigestContext: Send {
    /// Feeds bytes.
    fn update(&mut self, bytes: &[u8]);

    /// The digest of everything fed.
    fn finish(self: Box<Self>) -> DigestValue;
}

/// A digest, on the stack. `==` takes constant time.
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
    /// Longest digest in bytes.
    pub const MAXIMUM: usize = 64;

    /// Takes the bytes of a digest; none if there are more than [`DigestValue::MAXIMUM`].
    #[must_use]
    pub fn new(digest: &[u8]) -> Option<Self> {
        let mut bytes = [0; Self::MAXIMUM];
        bytes.get_mut(..digest.len())?.copy_from_slice(digest);
        Some(Self { bytes, length: digest.len() })
    }

    /// Takes the bytes of a digest whose length is known when compiling.
    #[must_use]
    pub fn from_array<const N: usize>(digest: [u8; N]) -> Self {
        const { assert!(N <= Self::MAXIMUM, "longer than any digest") };
        let mut bytes = [0; Self::MAXIMUM];
        if let Some(place) = bytes.first_chunk_mut() {
            *place = digest;
        }
        Self { bytes, length: N }
    }

    /// Whether it equals an expected digest, in constant time.
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
