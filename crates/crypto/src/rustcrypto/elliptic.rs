//! ECDSA on the three curves, and Ed25519, with the RustCrypto crates.

use crate::backend::{PrivateKeyOperations, PublicKeyOperations, signature_form};
use crate::{CryptoError, KeyKind, KeyTransport, SecretBytes, SignatureAlgorithm};
use ed25519_dalek::Signer as _;
use getrandom::SysRng;
use p256::ecdsa::signature::hazmat::{PrehashSigner as _, PrehashVerifier as _};
use p256::elliptic_curve::Generate as _;
use p256::elliptic_curve::sec1::ToSec1Point as _;
use p256::pkcs8::{DecodePrivateKey as _, DecodePublicKey as _, EncodePrivateKey as _};
use std::sync::Arc;
use zeroize::Zeroizing;

pub(super) fn public_key(
    kind: KeyKind,
    spki_der: &[u8],
) -> Result<Arc<dyn PublicKeyOperations>, CryptoError> {
    let malformed =
        |_| CryptoError::KeyMalformed { form: "SubjectPublicKeyInfo", detail: "not a point on the curve" };
    Ok(match kind {
        KeyKind::P256 => {
            Arc::new(Ecdsa(p256::ecdsa::VerifyingKey::from_public_key_der(spki_der).map_err(malformed)?))
        }
        KeyKind::P384 => {
            Arc::new(Ecdsa(p384::ecdsa::VerifyingKey::from_public_key_der(spki_der).map_err(malformed)?))
        }
        KeyKind::P521 => {
            Arc::new(Ecdsa(p521::ecdsa::VerifyingKey::from_public_key_der(spki_der).map_err(malformed)?))
        }
        KeyKind::Ed25519 => Arc::new(Ed25519Public(
            ed25519_dalek::VerifyingKey::from_public_key_der(spki_der).map_err(malformed)?,
        )),
        KeyKind::Rsa { .. } => return Err(super::not_elliptic(kind)),
    })
}

pub(super) fn private_key(
    kind: KeyKind,
    pkcs8_der: &[u8],
) -> Result<Arc<dyn PrivateKeyOperations>, CryptoError> {
    let malformed = |_| CryptoError::KeyMalformed { form: "PKCS#8", detail: "not a scalar of the curve" };
    Ok(match kind {
        KeyKind::P256 => {
            Arc::new(Ecdsa(p256::ecdsa::SigningKey::from_pkcs8_der(pkcs8_der).map_err(malformed)?))
        }
        KeyKind::P384 => {
            Arc::new(Ecdsa(p384::ecdsa::SigningKey::from_pkcs8_der(pkcs8_der).map_err(malformed)?))
        }
        KeyKind::P521 => {
            Arc::new(Ecdsa(p521::ecdsa::SigningKey::from_pkcs8_der(pkcs8_der).map_err(malformed)?))
        }
        KeyKind::Ed25519 => {
            Arc::new(Ed25519Private(ed25519_dalek::SigningKey::from_pkcs8_der(pkcs8_der).map_err(malformed)?))
        }
        KeyKind::Rsa { .. } => return Err(super::not_elliptic(kind)),
    })
}

pub(super) fn public_half(kind: KeyKind, secret: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let malformed = || CryptoError::KeyMalformed { form: "PKCS#8", detail: "not a scalar of the curve" };
    macro_rules! point {
        ($curve:ident) => {{
            let key = $curve::SecretKey::from_slice(secret).map_err(|_| malformed())?;
            key.public_key().to_sec1_point(false).as_bytes().to_vec()
        }};
    }
    Ok(match kind {
        KeyKind::P256 => point!(p256),
        KeyKind::P384 => point!(p384),
        KeyKind::P521 => point!(p521),
        KeyKind::Ed25519 => {
            let seed = secret.try_into().map_err(|_| malformed())?;
            ed25519_dalek::SigningKey::from_bytes(seed).verifying_key().to_bytes().to_vec()
        }
        KeyKind::Rsa { .. } => return Err(super::not_elliptic(kind)),
    })
}

pub(super) fn generate(kind: KeyKind) -> Result<SecretBytes, CryptoError> {
    let failed = CryptoError::KeyGeneration { kind };
    let random = |_| CryptoError::Random {};
    let document = match kind {
        KeyKind::P256 => p256::SecretKey::try_generate_from_rng(&mut SysRng).map_err(random)?.to_pkcs8_der(),
        KeyKind::P384 => p384::SecretKey::try_generate_from_rng(&mut SysRng).map_err(random)?.to_pkcs8_der(),
        KeyKind::P521 => p521::SecretKey::try_generate_from_rng(&mut SysRng).map_err(random)?.to_pkcs8_der(),
        KeyKind::Ed25519 => {
            let mut seed = Zeroizing::new([0; 32]);
            getrandom::fill(seed.as_mut()).map_err(random)?;
            ed25519_dalek::SigningKey::from_bytes(&seed).to_pkcs8_der()
        }
        KeyKind::Rsa { .. } => return Err(failed),
    };
    Ok(SecretBytes::new(document.map_err(|_| failed)?.as_bytes().to_vec()))
}

/// A key on one of the curves.
struct Ecdsa<K>(K);

/// Returns the digest of the message. ECDSA uses it as a number, which is cut to the length of the curve's order if
/// it is longer.
fn prehash(algorithm: SignatureAlgorithm, message: &[u8]) -> Result<crate::DigestValue, CryptoError> {
    match (algorithm, algorithm.digest()) {
        (
            SignatureAlgorithm::EcdsaSha256
            | SignatureAlgorithm::EcdsaSha384
            | SignatureAlgorithm::EcdsaSha512,
            Some(digest),
        ) => Ok(super::digest::digest(digest, message)),
        _ => Err(super::mismatch(algorithm)),
    }
}

macro_rules! curve {
    ($curve:ident, $kind:expr) => {
        impl PublicKeyOperations for Ecdsa<$curve::ecdsa::VerifyingKey> {
            fn verify(
                &self,
                algorithm: SignatureAlgorithm,
                message: &[u8],
                signature: &[u8],
            ) -> Result<(), CryptoError> {
                let digest = prehash(algorithm, message)?;
                signature_form::check($kind, signature)?;
                let invalid = |_| CryptoError::SignatureInvalid {};
                let signature = $curve::ecdsa::Signature::from_slice(signature).map_err(invalid)?;
                self.0.verify_prehash(digest.as_ref(), &signature).map_err(invalid)
            }

            fn encrypt_key(
                &self,
                transport: KeyTransport,
                _: &[u8],
                _: &[u8],
            ) -> Result<Vec<u8>, CryptoError> {
                Err(super::no_transport(transport))
            }
        }

        impl PrivateKeyOperations for Ecdsa<$curve::ecdsa::SigningKey> {
            fn sign(&self, algorithm: SignatureAlgorithm, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
                let digest = prehash(algorithm, message)?;
                let signature: $curve::ecdsa::Signature = self
                    .0
                    .sign_prehash(digest.as_ref())
                    .map_err(|_| CryptoError::SigningFailed { uri: algorithm.uri() })?;
                Ok(signature.to_bytes().to_vec())
            }

            fn decrypt_key(
                &self,
                transport: KeyTransport,
                _: &[u8],
                _: &[u8],
            ) -> Result<SecretBytes, CryptoError> {
                Err(super::no_transport(transport))
            }
        }
    };
}

curve!(p256, KeyKind::P256);
curve!(p384, KeyKind::P384);
curve!(p521, KeyKind::P521);

struct Ed25519Public(ed25519_dalek::VerifyingKey);

impl PublicKeyOperations for Ed25519Public {
    fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        if algorithm != SignatureAlgorithm::Ed25519 {
            return Err(super::mismatch(algorithm));
        }
        signature_form::check(KeyKind::Ed25519, signature)?;
        let invalid = |_| CryptoError::SignatureInvalid {};
        let signature = ed25519_dalek::Signature::from_slice(signature).map_err(invalid)?;
        self.0.verify_strict(message, &signature).map_err(invalid)
    }

    fn encrypt_key(&self, transport: KeyTransport, _: &[u8], _: &[u8]) -> Result<Vec<u8>, CryptoError> {
        Err(super::no_transport(transport))
    }
}

struct Ed25519Private(ed25519_dalek::SigningKey);

impl PrivateKeyOperations for Ed25519Private {
    fn sign(&self, algorithm: SignatureAlgorithm, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        if algorithm != SignatureAlgorithm::Ed25519 {
            return Err(super::mismatch(algorithm));
        }
        let signature =
            self.0.try_sign(message).map_err(|_| CryptoError::SigningFailed { uri: algorithm.uri() })?;
        Ok(signature.to_bytes().to_vec())
    }

    fn decrypt_key(&self, transport: KeyTransport, _: &[u8], _: &[u8]) -> Result<SecretBytes, CryptoError> {
        Err(super::no_transport(transport))
    }
}
