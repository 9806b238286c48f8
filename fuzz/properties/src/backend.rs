//! A backend that believes everything, so that fuzzing gets past the signature.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use vouchsafe::crypto::backend::{PrivateKeyOperations, PublicKeyOperations, failure};
use vouchsafe::crypto::{
    Backend, ContentCipher, CryptoError, DigestAlgorithm, DigestContext, DigestValue, KeyKind, KeyTransport,
    Provider, SecretBytes, SignatureAlgorithm,
};

use crate::keys;

/// The provider whose backend believes everything: every signature value verifies, every digest is zeros, and content
/// keys travel in clear. Ciphers and policy are real.
pub fn credulous() -> &'static Provider {
    static PROVIDER: LazyLock<Provider> = LazyLock::new(|| Provider::with_backend(Arc::new(Credulous)));
    &PROVIDER
}

#[derive(Debug)]
struct Credulous;

impl Backend for Credulous {
    fn name(&self) -> &'static str {
        "credulous"
    }

    fn digest(&self, algorithm: DigestAlgorithm, _: &[u8]) -> Result<DigestValue, CryptoError> {
        Ok(zeros(algorithm))
    }

    fn digest_context(&self, algorithm: DigestAlgorithm) -> Result<Box<dyn DigestContext>, CryptoError> {
        Ok(Box::new(Zeros(algorithm)))
    }

    fn public_key(&self, _: KeyKind, _: &[u8]) -> Result<Arc<dyn PublicKeyOperations>, CryptoError> {
        Ok(Arc::new(Clear))
    }

    fn private_key(&self, _: KeyKind, _: &[u8]) -> Result<Arc<dyn PrivateKeyOperations>, CryptoError> {
        Ok(Arc::new(Clear))
    }

    fn public_half(&self, kind: KeyKind, secret: &[u8]) -> Result<Vec<u8>, CryptoError> {
        vouchsafe::crypto::backend::rustcrypto().public_half(kind, secret)
    }

    fn check_rsa_private_key(&self, bits: u32, pkcs1_der: &[u8]) -> Result<(), CryptoError> {
        vouchsafe::crypto::backend::rustcrypto().check_rsa_private_key(bits, pkcs1_der)
    }

    fn generate_key(&self, kind: KeyKind) -> Result<SecretBytes, CryptoError> {
        Err(failure::key_generation(kind))
    }

    fn decrypt_content(
        &self,
        cipher: ContentCipher,
        key: &[u8],
        bytes: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        vouchsafe::crypto::backend::rustcrypto().decrypt_content(cipher, key, bytes)
    }

    fn encrypt_content(
        &self,
        cipher: ContentCipher,
        key: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        keys::provider().encrypt_content(cipher, key, plain)
    }

    /// Not random, only different: identifiers must not repeat.
    fn random(&self, buffer: &mut [u8]) -> Result<(), CryptoError> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed).to_le_bytes();
        for (byte, value) in buffer.iter_mut().zip(count.into_iter().cycle()) {
            *byte = value;
        }
        Ok(())
    }
}

/// A key that travels in clear: its length in one byte, itself, and zeros up to the length of a modulus.
struct Clear;

/// Bytes of what is encrypted with an RSA key of 2048 bits.
const MODULUS: usize = 256;

impl PublicKeyOperations for Clear {
    fn verify(&self, _: SignatureAlgorithm, _: &[u8], _: &[u8]) -> Result<(), CryptoError> {
        Ok(())
    }

    fn encrypt_key(&self, _: KeyTransport, label: &[u8], plain: &[u8]) -> Result<Vec<u8>, CryptoError> {
        unlabelled(label)?;
        let length = u8::try_from(plain.len()).unwrap_or(u8::MAX);
        Ok([&[length], plain].concat().into_iter().chain(core::iter::repeat(0)).take(MODULUS).collect())
    }
}

impl PrivateKeyOperations for Clear {
    fn sign(&self, _: SignatureAlgorithm, _: &[u8]) -> Result<Vec<u8>, CryptoError> {
        Ok(vec![0; 64])
    }

    fn decrypt_key(&self, _: KeyTransport, label: &[u8], bytes: &[u8]) -> Result<SecretBytes, CryptoError> {
        unlabelled(label)?;
        let (length, bytes) = bytes.split_first().ok_or_else(failure::decryption_failed)?;
        let key = bytes.get(..usize::from(*length)).ok_or_else(failure::decryption_failed)?;
        Ok(SecretBytes::new(key.to_vec()))
    }
}

fn unlabelled(label: &[u8]) -> Result<(), CryptoError> {
    if label.is_empty() { Ok(()) } else { Err(failure::label_unsupported()) }
}

struct Zeros(DigestAlgorithm);

impl DigestContext for Zeros {
    fn update(&mut self, _: &[u8]) {}

    fn finish(self: Box<Self>) -> DigestValue {
        zeros(self.0)
    }
}

fn zeros(algorithm: DigestAlgorithm) -> DigestValue {
    DigestValue::new(&vec![0; algorithm.length()]).unwrap_or(DigestValue::from_array([0]))
}
