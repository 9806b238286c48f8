//! The backend that uses AWS-LC, and RustCrypto for everything that AWS-LC does not implement.
//!
//! AWS-LC is called first. If it returns [`CryptoError::AlgorithmUnsupported`], RustCrypto is called instead. That
//! answer depends only on the algorithm and on the kind of the key, and never on a secret or on the bytes of a
//! message. So the choice between the two reveals nothing that the message does not already show. The policy has been
//! applied before.

use crate::{AwsLc, NAME};
use std::sync::Arc;
use vouchsafe_crypto::backend::{PrivateKeyOperations, PublicKeyOperations, rustcrypto};
use vouchsafe_crypto::{
    Backend, ContentCipher, CryptoError, DigestAlgorithm, DigestContext, DigestValue, KeyKind, KeyTransport,
    SecretBytes, SignatureAlgorithm,
};

/// Both libraries as one backend.
#[derive(Debug)]
pub(crate) struct Completed {
    first: AwsLc,
    rest: Arc<dyn Backend>,
}

impl Completed {
    pub(crate) fn new() -> Self {
        Self { first: AwsLc(()), rest: rustcrypto() }
    }
}

/// Returns the answer of AWS-LC, or the answer of RustCrypto if AWS-LC does not implement the operation.
fn or_rest<T>(
    answer: Result<T, CryptoError>,
    rest: impl FnOnce() -> Result<T, CryptoError>,
) -> Result<T, CryptoError> {
    match answer {
        Err(CryptoError::AlgorithmUnsupported { .. }) => rest(),
        answer => answer,
    }
}

impl Backend for Completed {
    fn name(&self) -> &'static str {
        NAME
    }

    fn digest(&self, algorithm: DigestAlgorithm, message: &[u8]) -> Result<DigestValue, CryptoError> {
        self.first.digest(algorithm, message)
    }

    fn digest_context(&self, algorithm: DigestAlgorithm) -> Result<Box<dyn DigestContext>, CryptoError> {
        self.first.digest_context(algorithm)
    }

    fn public_key(
        &self,
        kind: KeyKind,
        spki_der: &[u8],
    ) -> Result<Arc<dyn PublicKeyOperations>, CryptoError> {
        let first = self.first.public_key(kind, spki_der)?;
        Ok(Arc::new(Public { first, rest: self.rest.public_key(kind, spki_der)? }))
    }

    fn private_key(
        &self,
        kind: KeyKind,
        pkcs8_der: &[u8],
    ) -> Result<Arc<dyn PrivateKeyOperations>, CryptoError> {
        let both = self.first.private_key(kind, pkcs8_der).and_then(|first| {
            let rest = self.rest.private_key(kind, pkcs8_der)?;
            Ok(Arc::new(Private { first, rest }) as Arc<dyn PrivateKeyOperations>)
        });
        or_rest(both, || self.rest.private_key(kind, pkcs8_der))
    }

    fn public_half(&self, kind: KeyKind, secret: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.first.public_half(kind, secret)
    }

    fn check_rsa_private_key(&self, bits: u32, pkcs1_der: &[u8]) -> Result<(), CryptoError> {
        or_rest(self.first.check_rsa_private_key(bits, pkcs1_der), || {
            self.rest.check_rsa_private_key(bits, pkcs1_der)
        })
    }

    fn generate_key(&self, kind: KeyKind) -> Result<SecretBytes, CryptoError> {
        or_rest(self.first.generate_key(kind), || self.rest.generate_key(kind))
    }

    /// RustCrypto does all Triple DES: AWS-LC refuses keys with equal parts, which two-key Triple DES has, and an
    /// answer that depends on the key must not make the choice.
    fn decrypt_content(
        &self,
        cipher: ContentCipher,
        key: &[u8],
        bytes: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        match cipher {
            ContentCipher::TripleDesCbc => self.rest.decrypt_content(cipher, key, bytes),
            _ => self.first.decrypt_content(cipher, key, bytes),
        }
    }

    fn encrypt_content(
        &self,
        cipher: ContentCipher,
        key: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        match cipher {
            ContentCipher::TripleDesCbc => self.rest.encrypt_content(cipher, key, plain),
            _ => self.first.encrypt_content(cipher, key, plain),
        }
    }

    fn random(&self, buffer: &mut [u8]) -> Result<(), CryptoError> {
        self.first.random(buffer)
    }
}

/// One public key, as both libraries parsed it.
struct Public {
    first: Arc<dyn PublicKeyOperations>,
    rest: Arc<dyn PublicKeyOperations>,
}

impl PublicKeyOperations for Public {
    fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        or_rest(self.first.verify(algorithm, message, signature), || {
            self.rest.verify(algorithm, message, signature)
        })
    }

    fn encrypt_key(
        &self,
        transport: KeyTransport,
        label: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        or_rest(self.first.encrypt_key(transport, label, plain), || {
            self.rest.encrypt_key(transport, label, plain)
        })
    }
}

/// One private key, as both libraries parsed it.
struct Private {
    first: Arc<dyn PrivateKeyOperations>,
    rest: Arc<dyn PrivateKeyOperations>,
}

impl PrivateKeyOperations for Private {
    fn sign(&self, algorithm: SignatureAlgorithm, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        or_rest(self.first.sign(algorithm, message), || self.rest.sign(algorithm, message))
    }

    fn decrypt_key(
        &self,
        transport: KeyTransport,
        label: &[u8],
        bytes: &[u8],
    ) -> Result<SecretBytes, CryptoError> {
        or_rest(self.first.decrypt_key(transport, label, bytes), || {
            self.rest.decrypt_key(transport, label, bytes)
        })
    }
}
