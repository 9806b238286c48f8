//! The provider: a backend, and the list of algorithms that are accepted.

use crate::backend::{Backend, DigestContext, DigestValue};
use crate::{
    ContentCipher, CryptoError, DigestAlgorithm, KeyKind, KeyTransport, PrivateKey, PublicKey, SecretBytes,
    SignatureAlgorithm, key_format, normal_form, policy::Policy,
};
use core::fmt;
use std::sync::Arc;

/// A backend and the list of algorithms that are accepted: **the list is the policy**.
///
/// Accepted by default: RSA PKCS#1 v1.5 and RSA-PSS with SHA-256, SHA-384 and SHA-512 and keys from 2048 to 8192 bits;
/// ECDSA on P-256, P-384 and P-521; Ed25519; digests SHA-256, SHA-384 and SHA-512; AES-GCM and AES-CBC; RSA-OAEP.
/// Everything else needs [`danger_allow`](Self::danger_allow). A provider is cheap to clone and does not change.
///
/// ```
/// use vouchsafe_crypto::{KeyKind, Provider, SignatureAlgorithm};
///
/// let provider = Provider::rustcrypto();
/// let key = provider.generate_key(KeyKind::P256)?;
/// let signature = provider.sign(SignatureAlgorithm::EcdsaSha256, &key, b"bytes")?;
/// provider.verify(SignatureAlgorithm::EcdsaSha256, key.public_key(), b"bytes", &signature)?;
/// assert!(provider.verify(SignatureAlgorithm::EcdsaSha256, key.public_key(), b"others", &signature).is_err());
/// # Ok::<(), vouchsafe_crypto::CryptoError>(())
/// ```
#[derive(Clone)]
pub struct Provider {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) policy: Arc<Policy>,
}

#[cfg(feature = "rustcrypto")]
impl Default for Provider {
    /// Returns [`Provider::rustcrypto`].
    fn default() -> Self {
        Self::rustcrypto()
    }
}

impl Provider {
    /// Makes the default provider, which is pure Rust and needs no installation. It requires the feature
    /// `rustcrypto`, which is on by default.
    #[cfg(feature = "rustcrypto")]
    #[must_use]
    pub fn rustcrypto() -> Self {
        Self::with_backend(crate::backend::rustcrypto())
    }

    /// Makes a provider with the default policy and another backend.
    #[must_use]
    pub fn with_backend(backend: Arc<dyn Backend>) -> Self {
        Self { backend, policy: Arc::new(Policy::new()) }
    }

    /// Returns the name of the backend.
    #[must_use]
    pub fn name(&self) -> &str {
        self.backend.name()
    }

    /// Removes an algorithm from the list, by its identifier or by the word `rsa-1024`. If it is not on the list,
    /// nothing changes.
    ///
    /// The identifier of a digest concerns digests in signatures only. RSA-OAEP has its own two identifiers, see
    /// [`KeyTransport::uri`].
    ///
    /// ```
    /// use vouchsafe_crypto::{ContentCipher, Provider};
    ///
    /// let provider = Provider::rustcrypto().deny(ContentCipher::Aes128Cbc.uri())?;
    /// assert!(!provider.accepts_cipher(ContentCipher::Aes128Cbc));
    /// assert!(provider.accepts_cipher(ContentCipher::Aes128Gcm));
    /// // A name with a typing error denies nothing, so it is an error.
    /// assert!(provider.deny("http://www.w3.org/2001/04/xmlenc#aes256-cdc").is_err());
    /// # Ok::<(), vouchsafe_crypto::CryptoError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`CryptoError::AlgorithmUnknown`] if this crate knows no algorithm of this name.
    pub fn deny(mut self, uri: &str) -> Result<Self, CryptoError> {
        Arc::make_mut(&mut self.policy).deny(uri)?;
        Ok(self)
    }

    /// Adds an algorithm to the list that is not there by default: the identifier of `rsa-sha1`, `sha1`, `rsa-1_5` or
    /// `tripledes-cbc`, or the word `rsa-1024` for RSA keys of 1024 bits or more. The
    /// [table](crate#what-danger_allow-accepts) has the complete identifiers. If the algorithm is on the list,
    /// nothing changes.
    ///
    /// SHA-1 signatures need both `rsa-sha1` and, for the references, `sha1`.
    ///
    /// # Errors
    ///
    /// [`CryptoError::AlgorithmUnknown`] for everything else, such as MD5 and DSA.
    ///
    /// ```
    /// use vouchsafe_crypto::{Provider, SignatureAlgorithm};
    ///
    /// let legacy = Provider::rustcrypto().danger_allow("http://www.w3.org/2000/09/xmldsig#rsa-sha1")?;
    /// assert!(legacy.accepts_signature(SignatureAlgorithm::RsaSha1));
    /// assert!(legacy.danger_allow("http://www.w3.org/2001/04/xmldsig-more#rsa-md5").is_err());
    /// # Ok::<(), vouchsafe_crypto::CryptoError>(())
    /// ```
    pub fn danger_allow(mut self, uri: &str) -> Result<Self, CryptoError> {
        Arc::make_mut(&mut self.policy).allow(uri)?;
        Ok(self)
    }

    /// Checks whether [`danger_allow`](Self::danger_allow) accepts this word. Use it for settings that are written
    /// before there is a provider.
    ///
    /// ```
    /// use vouchsafe_crypto::{Provider, SignatureAlgorithm};
    ///
    /// Provider::check_danger(SignatureAlgorithm::RsaSha1.uri())?;
    /// assert!(Provider::check_danger("http://www.w3.org/2001/04/xmldsig-more#rsa-md5").is_err());
    /// # Ok::<(), vouchsafe_crypto::CryptoError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`CryptoError::AlgorithmUnknown`] if it does not accept the word.
    pub fn check_danger(uri: &str) -> Result<(), CryptoError> {
        Policy::new().allow(uri)
    }

    /// Returns whether a signature algorithm is on the list.
    #[must_use]
    pub fn accepts_signature(&self, algorithm: SignatureAlgorithm) -> bool {
        self.policy.signatures.contains(&algorithm)
    }

    /// Returns whether a digest is on the list.
    #[must_use]
    pub fn accepts_digest(&self, algorithm: DigestAlgorithm) -> bool {
        self.policy.digests.contains(&algorithm)
    }

    /// Returns whether a key transport is on the list. RSA-OAEP may have any digest.
    #[must_use]
    pub fn accepts_key_transport(&self, transport: KeyTransport) -> bool {
        self.policy.transports.contains(&transport.uri())
    }

    /// Returns whether a cipher is on the list.
    #[must_use]
    pub fn accepts_cipher(&self, cipher: ContentCipher) -> bool {
        self.policy.ciphers.contains(&cipher)
    }

    /// Computes SHA-256 for purposes of our own: fingerprints, and the hashes under which tokens, sessions and
    /// assertions are stored. It does not depend on the policy, which lists what is accepted from others. So a policy
    /// without SHA-256 does not stop a service from storing a session, and no policy can replace this hash by a
    /// weaker one.
    ///
    /// # Errors
    ///
    /// [`CryptoError::AlgorithmUnsupported`] if the backend has no SHA-256.
    ///
    /// ```
    /// use vouchsafe_crypto::{DigestAlgorithm, Provider};
    ///
    /// let provider = Provider::rustcrypto().deny(DigestAlgorithm::Sha256.uri())?;
    /// assert!(provider.digest(DigestAlgorithm::Sha256, b"message").is_err());
    /// assert_eq!(provider.sha256(b"")?[..4], [0xe3, 0xb0, 0xc4, 0x42]);
    /// # Ok::<(), vouchsafe_crypto::CryptoError>(())
    /// ```
    pub fn sha256(&self, message: &[u8]) -> Result<[u8; 32], CryptoError> {
        let value = self.backend.digest(DigestAlgorithm::Sha256, message)?;
        value.as_ref().try_into().map_err(|_| CryptoError::AlgorithmUnsupported {
            backend: self.backend.name(),
            algorithm: "SHA-256 of 32 bytes",
        })
    }

    /// Computes the digest of a message.
    ///
    /// # Errors
    ///
    /// [`CryptoError::DigestRefused`] if the digest is not on the list.
    pub fn digest(&self, algorithm: DigestAlgorithm, message: &[u8]) -> Result<DigestValue, CryptoError> {
        self.policy.check_digest(algorithm)?;
        self.backend.digest(algorithm, message)
    }

    /// Returns a context that computes a digest of data in pieces.
    ///
    /// # Errors
    ///
    /// [`CryptoError::DigestRefused`] if the digest is not on the list.
    ///
    /// ```
    /// use vouchsafe_crypto::{DigestAlgorithm, Provider};
    ///
    /// let provider = Provider::rustcrypto();
    /// let mut context = provider.digest_context(DigestAlgorithm::Sha256)?;
    /// context.update(b"by");
    /// context.update(b"tes");
    /// assert_eq!(context.finish(), provider.digest(DigestAlgorithm::Sha256, b"bytes")?);
    /// # Ok::<(), vouchsafe_crypto::CryptoError>(())
    /// ```
    pub fn digest_context(&self, algorithm: DigestAlgorithm) -> Result<Box<dyn DigestContext>, CryptoError> {
        self.policy.check_digest(algorithm)?;
        self.backend.digest_context(algorithm)
    }

    /// Parses a public key, once, from SubjectPublicKeyInfo in DER, and converts it to its [normal
    /// form](crate#forms-of-keys-and-signatures). An RSA key that is restricted to RSASSA-PSS (RFC 4055, 3.1)
    /// verifies only such signatures.
    ///
    /// # Errors
    ///
    /// [`CryptoError::KeyMalformed`], [`CryptoError::KeyUnsupported`] (also for explicit curve parameters),
    /// [`CryptoError::KeyTooSmall`], [`CryptoError::KeyTooLarge`].
    pub fn public_key(&self, spki_der: &[u8]) -> Result<PublicKey, CryptoError> {
        self.adopt_public(normal_form::public(spki_der)?)
    }

    /// Parses a public key from PEM: the block "PUBLIC KEY", which contains SubjectPublicKeyInfo.
    ///
    /// # Errors
    ///
    /// [`CryptoError::Pem`], [`CryptoError::Base64`], and those of [`public_key`](Self::public_key).
    ///
    /// ```
    /// use vouchsafe_crypto::{KeyKind, Provider};
    ///
    /// let provider = Provider::rustcrypto();
    /// let key = provider.generate_key(KeyKind::P256)?.public_key().clone();
    /// assert_eq!(provider.public_key_pem(&key.to_pem())?.fingerprint(), key.fingerprint());
    /// # Ok::<(), vouchsafe_crypto::CryptoError>(())
    /// ```
    pub fn public_key_pem(&self, pem: &str) -> Result<PublicKey, CryptoError> {
        self.public_key(&key_format::public_from_pem(pem)?)
    }

    /// Parses a private key, once, from PEM: PKCS#8, PKCS#1 or SEC1, without a password. Converts it to its [normal
    /// form](crate#forms-of-keys-and-signatures). An RSA key that is restricted to RSASSA-PSS (RFC 4055, 1.2) makes
    /// only such signatures.
    ///
    /// # Errors
    ///
    /// [`CryptoError::Pem`], [`CryptoError::Base64`], [`CryptoError::KeyEncrypted`], and those of
    /// [`public_key`](Self::public_key).
    ///
    /// ```
    /// use vouchsafe_crypto::{KeyKind, Provider};
    ///
    /// let provider = Provider::rustcrypto();
    /// let key = provider.generate_key(KeyKind::Ed25519)?;
    /// let again = provider.private_key(key.to_pkcs8_pem().as_str())?;
    /// assert_eq!(again.public_key().fingerprint(), key.public_key().fingerprint());
    /// # Ok::<(), vouchsafe_crypto::CryptoError>(())
    /// ```
    pub fn private_key(&self, pem: &str) -> Result<PrivateKey, CryptoError> {
        self.adopt(&key_format::private_from_pem(pem)?)
    }

    /// Makes a new private key.
    ///
    /// # Errors
    ///
    /// [`CryptoError::KeyTooSmall`], [`CryptoError::KeyTooLarge`], [`CryptoError::KeyGeneration`].
    pub fn generate_key(&self, kind: KeyKind) -> Result<PrivateKey, CryptoError> {
        self.policy.check_length(kind)?;
        let pkcs8_der = self.backend.generate_key(kind)?;
        self.adopt(&pkcs8_der)
    }

    /// Verifies a signature over a message.
    ///
    /// # Errors
    ///
    /// [`CryptoError::SignatureInvalid`] or [`CryptoError::SignatureLength`] if this key did not make the signature
    /// over this message; [`CryptoError::AlgorithmRefused`], [`CryptoError::KeyMismatch`],
    /// [`CryptoError::KeyRestricted`] or [`CryptoError::KeyTooSmall`] before anything is computed.
    pub fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        key: &PublicKey,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        self.policy.check_signature(algorithm, key)?;
        key.operations().verify(algorithm, message, signature)
    }

    /// Signs a message.
    ///
    /// # Errors
    ///
    /// [`CryptoError::SigningFailed`], and the errors that [`verify`](Self::verify) returns before anything is
    /// computed.
    pub fn sign(
        &self,
        algorithm: SignatureAlgorithm,
        key: &PrivateKey,
        message: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        self.policy.check_signature(algorithm, key.public_key())?;
        key.operations().sign(algorithm, message)
    }

    /// Fills a buffer with random bytes from the operating system.
    ///
    /// # Errors
    ///
    /// [`CryptoError::Random`].
    pub fn random(&self, buffer: &mut [u8]) -> Result<(), CryptoError> {
        self.backend.random(buffer)
    }

    fn adopt(&self, pkcs8_der: &SecretBytes) -> Result<PrivateKey, CryptoError> {
        let read = normal_form::private(pkcs8_der, &*self.backend, |kind| self.policy.check_length(kind))?;
        let operations = self.backend.private_key(read.kind, read.for_backend())?;
        let public = self.adopt_public(read.public)?;
        Ok(PrivateKey::new(public, read.pkcs8_der, operations))
    }

    fn adopt_public(&self, read: normal_form::Public) -> Result<PublicKey, CryptoError> {
        self.policy.check_length(read.kind)?;
        let operations = self.backend.public_key(read.kind, read.for_backend())?;
        Ok(PublicKey::new(read.kind, read.spki_der, read.purpose, operations))
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider").field("backend", &self.backend).field("policy", &self.policy).finish()
    }
}
