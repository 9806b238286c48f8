//! Parsed public and private keys.

use crate::backend::{PrivateKeyOperations, PublicKeyOperations};
use crate::own_sha256;
use crate::{KeyKind, SecretBytes, SecretString, SignatureAlgorithm, encoding::colon_hex, key_format, pem};
use core::fmt;
use std::sync::Arc;

/// A public key, parsed and checked by [`Provider::public_key`](crate::Provider::public_key).
///
/// Cloning is cheap. The key works with the backend of the provider that made it.
///
/// ```
/// use vouchsafe_crypto::{KeyKind, Provider};
///
/// let provider = Provider::rustcrypto();
/// let key = provider.generate_key(KeyKind::P256)?.public_key().clone();
/// let again = provider.public_key(key.spki_der())?;
/// assert_eq!(again.kind(), KeyKind::P256);
/// assert_eq!(again.fingerprint(), key.fingerprint());
/// # Ok::<(), vouchsafe_crypto::CryptoError>(())
/// ```
#[derive(Clone)]
pub struct PublicKey {
    inner: Arc<Inner>,
}

struct Inner {
    kind: KeyKind,
    spki_der: Vec<u8>,
    fingerprint: String,
    /// The only algorithms that the key itself allows; `None` if it allows all that fit its kind.
    purpose: Option<&'static [SignatureAlgorithm]>,
    operations: Arc<dyn PublicKeyOperations>,
}

impl PublicKey {
    pub(crate) fn new(
        kind: KeyKind,
        spki_der: Vec<u8>,
        purpose: Option<&'static [SignatureAlgorithm]>,
        operations: Arc<dyn PublicKeyOperations>,
    ) -> Self {
        let fingerprint = colon_hex(&own_sha256(&spki_der));
        Self { inner: Arc::new(Inner { kind, spki_der, fingerprint, purpose, operations }) }
    }

    /// Returns the kind and the length.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        self.inner.kind
    }

    /// Returns SubjectPublicKeyInfo in DER (RFC 5280, 4.1), in the [normal form](crate#forms-of-keys-and-signatures):
    /// the bytes are the same for the same key, whatever form it was parsed from.
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        &self.inner.spki_der
    }

    /// Returns SHA-256 over [`spki_der`](Self::spki_der) as "AB:CD:..". It stays the same when a certificate is
    /// renewed with the same key. Consoles show another fingerprint, that of the certificate:
    /// [`Certificate::fingerprint_sha256`](crate::Certificate::fingerprint_sha256).
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.inner.fingerprint
    }

    /// Returns whether this key made a signature value with RSA PKCS#1 v1.5, over any text: applying the key to the
    /// value gives a padded digest (RFC 8017, 9.2). Use it to find out why a signature does not verify: it
    /// distinguishes another key from an altered text, but it verifies nothing. Returns `None` if this cannot be
    /// found out: with other algorithms and kinds of keys, and without the feature `rustcrypto`.
    ///
    /// ```
    /// use vouchsafe_crypto::{KeyKind, Provider, SignatureAlgorithm};
    ///
    /// let provider = Provider::rustcrypto();
    /// let algorithm = SignatureAlgorithm::RsaSha256;
    /// let [key, other] = [provider.generate_key(KeyKind::Rsa { bits: 2048 })?, provider.generate_key(KeyKind::Rsa { bits: 2048 })?];
    /// let signature = provider.sign(algorithm, &key, b"bytes")?;
    /// assert!(provider.verify(algorithm, key.public_key(), b"others", &signature).is_err());
    /// assert_eq!(key.public_key().made_value(algorithm, &signature), Some(true));
    /// assert_eq!(other.public_key().made_value(algorithm, &signature), Some(false));
    /// # Ok::<(), vouchsafe_crypto::CryptoError>(())
    /// ```
    #[must_use]
    pub fn made_value(&self, algorithm: SignatureAlgorithm, signature: &[u8]) -> Option<bool> {
        let is_pkcs1 = matches!(
            algorithm,
            SignatureAlgorithm::RsaSha1
                | SignatureAlgorithm::RsaSha256
                | SignatureAlgorithm::RsaSha384
                | SignatureAlgorithm::RsaSha512
        );
        if !is_pkcs1 || !matches!(self.kind(), KeyKind::Rsa { .. }) {
            return None;
        }
        self.opens_to_a_digest(signature)
    }

    #[cfg(feature = "rustcrypto")]
    fn opens_to_a_digest(&self, signature: &[u8]) -> Option<bool> {
        crate::rustcrypto::opens_to_a_digest(self.spki_der(), signature)
    }

    #[cfg(not(feature = "rustcrypto"))]
    fn opens_to_a_digest(&self, _signature: &[u8]) -> Option<bool> {
        None
    }

    /// Returns the key in PEM ("PUBLIC KEY").
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem::encode(key_format::PUBLIC_LABEL, self.spki_der())
    }

    pub(crate) fn purpose(&self) -> Option<&'static [SignatureAlgorithm]> {
        self.inner.purpose
    }

    pub(crate) fn operations(&self) -> &dyn PublicKeyOperations {
        &*self.inner.operations
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey")
            .field("kind", &self.kind())
            .field("fingerprint", &self.fingerprint())
            .finish()
    }
}

/// A private key, parsed by [`Provider::private_key`](crate::Provider::private_key) or made by
/// [`Provider::generate_key`](crate::Provider::generate_key).
///
/// Cloning is cheap. `Debug` shows only the public half.
#[derive(Clone)]
pub struct PrivateKey {
    public: PublicKey,
    pkcs8_der: SecretBytes,
    operations: Arc<dyn PrivateKeyOperations>,
}

impl PrivateKey {
    pub(crate) fn new(
        public: PublicKey,
        pkcs8_der: SecretBytes,
        operations: Arc<dyn PrivateKeyOperations>,
    ) -> Self {
        Self { public, pkcs8_der, operations }
    }

    /// Returns the kind and the length.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        self.public.kind()
    }

    /// Returns the public half.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// Returns the algorithm to sign with, which is [`SignatureAlgorithm::for_key`]. If the key is restricted to
    /// RSASSA-PSS, it is an algorithm that the key allows, SHA-256 before longer digests.
    ///
    /// ```
    /// use vouchsafe_crypto::{KeyKind, Provider, SignatureAlgorithm};
    ///
    /// let key = Provider::rustcrypto().generate_key(KeyKind::P256)?;
    /// assert_eq!(key.signature_algorithm(), SignatureAlgorithm::EcdsaSha256);
    /// # Ok::<(), vouchsafe_crypto::CryptoError>(())
    /// ```
    #[must_use]
    pub fn signature_algorithm(&self) -> SignatureAlgorithm {
        let restricted = self.public.purpose().and_then(|allowed| allowed.first().copied());
        restricted.unwrap_or(SignatureAlgorithm::for_key(self.kind()))
    }

    /// Returns whether the key can make signatures with this algorithm: it has the right kind, and is not restricted
    /// to others.
    #[must_use]
    pub fn can_sign_by(&self, algorithm: SignatureAlgorithm) -> bool {
        algorithm.fits(self.kind())
            && self.public.purpose().is_none_or(|allowed| allowed.contains(&algorithm))
    }

    /// Returns PKCS#8 in PEM, which can be stored in a secret store and parsed by
    /// [`Provider::private_key`](crate::Provider::private_key).
    #[must_use]
    pub fn to_pkcs8_pem(&self) -> SecretString {
        SecretString::new(pem::encode(key_format::PKCS8_LABEL, self.pkcs8_der.as_slice()))
    }

    pub(crate) fn operations(&self) -> &dyn PrivateKeyOperations {
        &*self.operations
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey").field("public", &self.public).finish_non_exhaustive()
    }
}
