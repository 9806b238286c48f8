//! A backend that counts its operations. It is for tests of how many operations a message may cause, and of which
//! failures cost the same. A clock would not give the same result twice.
//!
//! ```
//! use vouchsafe_crypto::{KeyKind, SignatureAlgorithm};
//! use vouchsafe_testkit::counting::Counted;
//!
//! # fn main() -> Result<(), vouchsafe_crypto::CryptoError> {
//! let counted = Counted::new();
//! let provider = counted.provider();
//! let key = provider.generate_key(KeyKind::P256)?;
//! let signature = provider.sign(SignatureAlgorithm::EcdsaSha256, &key, b"message")?;
//! provider.verify(SignatureAlgorithm::EcdsaSha256, key.public_key(), b"message", &signature)?;
//! assert_eq!((counted.private_key_operations(), counted.public_key_operations()), (1, 1));
//! # Ok(())
//! # }
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use vouchsafe_crypto::backend::{self, PrivateKeyOperations, PublicKeyOperations};
use vouchsafe_crypto::{
    Backend, ContentCipher, CryptoError, DigestAlgorithm, DigestContext, DigestValue, KeyKind, KeyTransport,
    PrivateKey, Provider, SecretBytes, SignatureAlgorithm,
};

/// A provider that uses RustCrypto, and the counts of the operations with the keys that it made or parsed.
#[derive(Clone, Debug, Default)]
pub struct Counted {
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    private: AtomicUsize,
    public: AtomicUsize,
    contents: AtomicUsize,
    digests: AtomicUsize,
}

impl Counted {
    /// Makes a provider whose counts are zero.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the provider, with the default policy. Only operations with keys that it parsed are counted.
    #[must_use]
    pub fn provider(&self) -> Provider {
        let counts = Arc::clone(&self.counts);
        Provider::with_backend(Arc::new(Counting { inner: backend::rustcrypto(), counts }))
    }

    /// Returns a key of the kit, parsed by this provider, so that its operations are counted.
    ///
    /// # Errors
    ///
    /// The errors of [`Provider::private_key`].
    pub fn private_key(&self, key: &PrivateKey) -> Result<PrivateKey, CryptoError> {
        self.provider().private_key(key.to_pkcs8_pem().as_str())
    }

    /// Returns the number of signatures made and content keys decrypted, successful or not.
    #[must_use]
    pub fn private_key_operations(&self) -> usize {
        self.counts.private.load(Ordering::Relaxed)
    }

    /// Returns the number of signatures verified and content keys encrypted, successful or not.
    #[must_use]
    pub fn public_key_operations(&self) -> usize {
        self.counts.public.load(Ordering::Relaxed)
    }

    /// Returns the number of contents decrypted, successfully or not.
    #[must_use]
    pub fn decrypted_contents(&self) -> usize {
        self.counts.contents.load(Ordering::Relaxed)
    }

    /// Returns the number of digests of whole messages, including the hashes of tokens and identifiers.
    #[must_use]
    pub fn digests(&self) -> usize {
        self.counts.digests.load(Ordering::Relaxed)
    }

    /// Returns the numbers of private-key operations, public-key operations and decrypted contents, and resets them
    /// to zero.
    #[must_use]
    pub fn take(&self) -> (usize, usize, usize) {
        let Counts { private, public, contents, .. } = self.counts.as_ref();
        (
            private.swap(0, Ordering::Relaxed),
            public.swap(0, Ordering::Relaxed),
            contents.swap(0, Ordering::Relaxed),
        )
    }
}

#[derive(Debug)]
struct Counting {
    inner: Arc<dyn Backend>,
    counts: Arc<Counts>,
}

impl Backend for Counting {
    fn name(&self) -> &'static str {
        "counting"
    }

    fn digest(&self, algorithm: DigestAlgorithm, message: &[u8]) -> Result<DigestValue, CryptoError> {
        self.counts.digests.fetch_add(1, Ordering::Relaxed);
        self.inner.digest(algorithm, message)
    }

    fn digest_context(&self, algorithm: DigestAlgorithm) -> Result<Box<dyn DigestContext>, CryptoError> {
        self.inner.digest_context(algorithm)
    }

    fn public_key(
        &self,
        kind: KeyKind,
        spki_der: &[u8],
    ) -> Result<Arc<dyn PublicKeyOperations>, CryptoError> {
        let inner = self.inner.public_key(kind, spki_der)?;
        Ok(Arc::new(Public { inner, counts: Arc::clone(&self.counts) }))
    }

    fn private_key(
        &self,
        kind: KeyKind,
        pkcs8_der: &[u8],
    ) -> Result<Arc<dyn PrivateKeyOperations>, CryptoError> {
        let inner = self.inner.private_key(kind, pkcs8_der)?;
        Ok(Arc::new(Private { inner, counts: Arc::clone(&self.counts) }))
    }

    fn public_half(&self, kind: KeyKind, secret: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.inner.public_half(kind, secret)
    }

    fn check_rsa_private_key(&self, bits: u32, pkcs1_der: &[u8]) -> Result<(), CryptoError> {
        self.inner.check_rsa_private_key(bits, pkcs1_der)
    }

    fn generate_key(&self, kind: KeyKind) -> Result<SecretBytes, CryptoError> {
        self.inner.generate_key(kind)
    }

    fn decrypt_content(
        &self,
        cipher: ContentCipher,
        key: &[u8],
        bytes: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        self.counts.contents.fetch_add(1, Ordering::Relaxed);
        self.inner.decrypt_content(cipher, key, bytes)
    }

    fn encrypt_content(
        &self,
        cipher: ContentCipher,
        key: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        self.inner.encrypt_content(cipher, key, plain)
    }

    fn random(&self, buffer: &mut [u8]) -> Result<(), CryptoError> {
        self.inner.random(buffer)
    }
}

struct Public {
    inner: Arc<dyn PublicKeyOperations>,
    counts: Arc<Counts>,
}

impl PublicKeyOperations for Public {
    fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        self.counts.public.fetch_add(1, Ordering::Relaxed);
        self.inner.verify(algorithm, message, signature)
    }

    fn encrypt_key(
        &self,
        transport: KeyTransport,
        label: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        self.counts.public.fetch_add(1, Ordering::Relaxed);
        self.inner.encrypt_key(transport, label, plain)
    }
}

struct Private {
    inner: Arc<dyn PrivateKeyOperations>,
    counts: Arc<Counts>,
}

impl PrivateKeyOperations for Private {
    fn sign(&self, algorithm: SignatureAlgorithm, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.counts.private.fetch_add(1, Ordering::Relaxed);
        self.inner.sign(algorithm, message)
    }

    fn decrypt_key(
        &self,
        transport: KeyTransport,
        label: &[u8],
        bytes: &[u8],
    ) -> Result<SecretBytes, CryptoError> {
        self.counts.private.fetch_add(1, Ordering::Relaxed);
        self.inner.decrypt_key(transport, label, bytes)
    }
}
