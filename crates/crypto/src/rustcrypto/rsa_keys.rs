//! RSA signatures and key transport with the crate `rsa`.

use crate::backend::{PrivateKeyOperations, PublicKeyOperations, signature_form};
use crate::{
    CryptoError, DigestAlgorithm, KeyKind, KeyTransport, SecretBytes, SignatureAlgorithm, constant_time_eq,
};
use getrandom::SysRng;
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use rsa::pkcs8::{DecodePrivateKey as _, DecodePublicKey as _, EncodePrivateKey as _};
use rsa::traits::PublicKeyParts as _;
use rsa::{Oaep, Pkcs1v15Encrypt};
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};
use std::sync::Arc;
use x509_cert::der::Decode as _;

pub(super) fn public_key(
    kind: KeyKind,
    spki_der: &[u8],
) -> Result<Arc<dyn PublicKeyOperations>, CryptoError> {
    let key = rsa::PublicKey::from_public_key_der(spki_der).map_err(|_| CryptoError::KeyMalformed {
        form: "SubjectPublicKeyInfo",
        detail: "the modulus must be odd and the exponent odd and below 2^33",
    })?;
    Ok(Arc::new(Public { kind, key }))
}

/// Returns whether applying this public key to a value gives a padded digest (RFC 8017, 9.2): 00 01, at least eight
/// FF, 00, and the SEQUENCE of a DigestInfo. All these values are public.
pub(crate) fn opens_to_a_digest(spki_der: &[u8], signature: &[u8]) -> Option<bool> {
    let key = rsa::PublicKey::from_public_key_der(spki_der).ok()?;
    if signature.len() != key.size() {
        return Some(false);
    }
    let precision = key.n_bits_precision();
    let value = rsa::BoxedUint::from_be_slice(signature, precision).ok()?;
    let Ok(opened) = rsa::hazmat::rsa_encrypt(&key, &value) else { return Some(false) };
    let bytes = opened.to_be_bytes();
    let encoded = bytes.get(bytes.len().checked_sub(key.size())?..)?;
    let padded = encoded.strip_prefix(&[0, 1]);
    Some(padded.is_some_and(|rest| {
        let filling = rest.iter().take_while(|byte| **byte == 0xFF).count();
        filling >= 8 && rest.get(filling..).is_some_and(|rest| rest.starts_with(&[0, 0x30]))
    }))
}

pub(super) fn private_key(pkcs8_der: &[u8]) -> Result<Arc<dyn PrivateKeyOperations>, CryptoError> {
    let key = rsa::PrivateKey::from_pkcs8_der(pkcs8_der).map_err(|_| CryptoError::KeyMalformed {
        form: "PKCS#8",
        detail: "the parts of the RSA key do not belong together",
    })?;
    Ok(Arc::new(Private(key)))
}

/// Computes the numbers that follow from modulus, exponents and primes, and compares them with those in the file.
pub(super) fn check_private(pkcs1_der: &[u8]) -> Result<(), CryptoError> {
    let read = rsa::pkcs1::RsaPrivateKeyRef::from_der(pkcs1_der).ok();
    let computed = read.and_then(|key| rsa::PrivateKey::try_from(key).ok()?.to_pkcs1_der().ok());
    if computed.is_some_and(|computed| constant_time_eq(computed.as_bytes(), pkcs1_der)) {
        return Ok(());
    }
    Err(CryptoError::KeyMalformed {
        form: "PKCS#8",
        detail: "the parts of the RSA key do not belong together",
    })
}

pub(super) fn generate(bits: u32) -> Result<SecretBytes, CryptoError> {
    let failed = || CryptoError::KeyGeneration { kind: KeyKind::Rsa { bits } };
    let length = usize::try_from(bits).map_err(|_| failed())?;
    let key = rsa::PrivateKey::new(&mut SysRng, length).map_err(|_| failed())?;
    let document = key.to_pkcs8_der().map_err(|_| failed())?;
    Ok(SecretBytes::new(document.as_bytes().to_vec()))
}

struct Public {
    kind: KeyKind,
    key: rsa::PublicKey,
}

impl PublicKeyOperations for Public {
    fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        signature_form::check(self.kind, signature)?;
        let key = &self.key;
        match algorithm {
            SignatureAlgorithm::RsaSha1 => key.pkcs1v15_verify::<Sha1>(message, signature),
            SignatureAlgorithm::RsaSha256 => key.pkcs1v15_verify::<Sha256>(message, signature),
            SignatureAlgorithm::RsaSha384 => key.pkcs1v15_verify::<Sha384>(message, signature),
            SignatureAlgorithm::RsaSha512 => key.pkcs1v15_verify::<Sha512>(message, signature),
            SignatureAlgorithm::RsaPssSha256 => key.pss_verify::<Sha256>(message, signature),
            SignatureAlgorithm::RsaPssSha384 => key.pss_verify::<Sha384>(message, signature),
            SignatureAlgorithm::RsaPssSha512 => key.pss_verify::<Sha512>(message, signature),
            _ => return Err(super::mismatch(algorithm)),
        }
        .map_err(|_| CryptoError::SignatureInvalid {})
    }

    fn encrypt_key(
        &self,
        transport: KeyTransport,
        label: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        let key = &self.key;
        match transport {
            KeyTransport::Rsa15 => key.encrypt(&mut SysRng, Pkcs1v15Encrypt, plain),
            KeyTransport::RsaOaep { digest, mgf } => {
                with_oaep!(digest, mgf, label, |padding| key.encrypt(&mut SysRng, padding, plain))
            }
        }
        .map_err(|error| match error {
            rsa::Error::Rng => CryptoError::Random {},
            _ => CryptoError::EncryptionFailed { uri: transport.uri(), detail: "too long for the RSA key" },
        })
    }
}

/// A private key. Signing and decryption are blinded: the crate uses new random factors from the operating system for
/// each operation.
struct Private(rsa::PrivateKey);

impl PrivateKeyOperations for Private {
    fn sign(&self, algorithm: SignatureAlgorithm, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let key = &self.0;
        match algorithm {
            SignatureAlgorithm::RsaSha1 => key.pkcs1v15_sign::<Sha1>(message),
            SignatureAlgorithm::RsaSha256 => key.pkcs1v15_sign::<Sha256>(message),
            SignatureAlgorithm::RsaSha384 => key.pkcs1v15_sign::<Sha384>(message),
            SignatureAlgorithm::RsaSha512 => key.pkcs1v15_sign::<Sha512>(message),
            SignatureAlgorithm::RsaPssSha256 => key.pss_sign::<Sha256>(message),
            SignatureAlgorithm::RsaPssSha384 => key.pss_sign::<Sha384>(message),
            SignatureAlgorithm::RsaPssSha512 => key.pss_sign::<Sha512>(message),
            _ => return Err(super::mismatch(algorithm)),
        }
        .map_err(|_| CryptoError::SigningFailed { uri: algorithm.uri() })
    }

    /// For wrong padding, PKCS#1 v1.5 returns a message derived from the key and the bytes
    /// (draft-irtf-cfrg-rsa-guidance, 7). The only remaining error is a wrong length of the bytes.
    fn decrypt_key(
        &self,
        transport: KeyTransport,
        label: &[u8],
        bytes: &[u8],
    ) -> Result<SecretBytes, CryptoError> {
        let key = &self.0;
        match transport {
            KeyTransport::Rsa15 => key.decrypt_blinded(&mut SysRng, Pkcs1v15Encrypt, bytes),
            KeyTransport::RsaOaep { digest, mgf } => {
                with_oaep!(digest, mgf, label, |padding| key.decrypt_blinded(&mut SysRng, padding, bytes))
            }
        }
        .map(SecretBytes::new)
        .map_err(|_| CryptoError::DecryptionFailed {})
    }
}

/// Converts two digests that are known at run time into types.
macro_rules! with_oaep {
    ($digest:expr, $mgf:expr, $label:expr, |$padding:ident| $body:expr) => {
        match $digest {
            DigestAlgorithm::Sha1 => with_oaep!(@mgf Sha1, $mgf, $label, |$padding| $body),
            DigestAlgorithm::Sha256 => with_oaep!(@mgf Sha256, $mgf, $label, |$padding| $body),
            DigestAlgorithm::Sha384 => with_oaep!(@mgf Sha384, $mgf, $label, |$padding| $body),
            DigestAlgorithm::Sha512 => with_oaep!(@mgf Sha512, $mgf, $label, |$padding| $body),
        }
    };
    (@mgf $digest:ty, $mgf:expr, $label:expr, |$padding:ident| $body:expr) => {
        match $mgf {
            DigestAlgorithm::Sha1 => with_oaep!(@use $digest, Sha1, $label, |$padding| $body),
            DigestAlgorithm::Sha256 => with_oaep!(@use $digest, Sha256, $label, |$padding| $body),
            DigestAlgorithm::Sha384 => with_oaep!(@use $digest, Sha384, $label, |$padding| $body),
            DigestAlgorithm::Sha512 => with_oaep!(@use $digest, Sha512, $label, |$padding| $body),
        }
    };
    (@use $digest:ty, $mgf:ty, $label:expr, |$padding:ident| $body:expr) => {{
        let $padding = Oaep::<$digest, $mgf>::new_with_mgf_hash_and_label($label);
        $body
    }};
}
use with_oaep;
