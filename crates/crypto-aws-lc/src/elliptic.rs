//! ECDSA on the three curves, and Ed25519, with AWS-LC.

use crate::{no_signature, no_transport};
use aws_lc_rs::agreement;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, EcdsaVerificationAlgorithm, Ed25519KeyPair, KeyPair as _,
    ParsedPublicKey,
};
use std::sync::{Arc, OnceLock};
use vouchsafe_crypto::backend::{PrivateKeyOperations, PublicKeyOperations, ecdsa, failure, signature_form};
use vouchsafe_crypto::{CryptoError, KeyKind, KeyTransport, SecretBytes, SignatureAlgorithm};

pub(crate) fn public_key(
    kind: KeyKind,
    spki_der: &[u8],
) -> Result<Arc<dyn PublicKeyOperations>, CryptoError> {
    if kind == KeyKind::Ed25519 {
        let key = ParsedPublicKey::new(&signature::ED25519, spki_der).map_err(no_point)?;
        return Ok(Arc::new(Ed25519Public(key)));
    }
    let key = EcdsaPublic { kind, spki_der: spki_der.to_vec(), parsed: [const { OnceLock::new() }; 3] };
    // One form is parsed now, so that a point off the curve is refused when trust is configured.
    key.parsed(SignatureAlgorithm::EcdsaSha256)?;
    Ok(Arc::new(key))
}

pub(crate) fn private_key(
    kind: KeyKind,
    pkcs8_der: &[u8],
) -> Result<Arc<dyn PrivateKeyOperations>, CryptoError> {
    let malformed = |_| failure::key_malformed("PKCS#8", "not a scalar of the curve");
    if kind == KeyKind::Ed25519 {
        let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8_der).map_err(malformed)?;
        return Ok(Arc::new(Ed25519Private(key)));
    }
    let mut keys = Vec::new();
    for (algorithm, signing) in signing_algorithms(kind) {
        keys.push((*algorithm, EcdsaKeyPair::from_pkcs8(signing, pkcs8_der).map_err(malformed)?));
    }
    Ok(Arc::new(EcdsaPrivate { keys }))
}

pub(crate) fn public_half(kind: KeyKind, secret: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let malformed = || failure::key_malformed("PKCS#8", "not a scalar of the curve");
    let algorithm = match kind {
        KeyKind::P256 => &agreement::ECDH_P256,
        KeyKind::P384 => &agreement::ECDH_P384,
        KeyKind::P521 => &agreement::ECDH_P521,
        _ => {
            let key = Ed25519KeyPair::from_seed_unchecked(secret).map_err(|_| malformed())?;
            return Ok(key.public_key().as_ref().to_vec());
        }
    };
    let key = agreement::PrivateKey::from_private_key(algorithm, secret).map_err(|_| malformed())?;
    Ok(key.compute_public_key().map_err(|_| malformed())?.as_ref().to_vec())
}

pub(crate) fn generate(kind: KeyKind) -> Result<SecretBytes, CryptoError> {
    let failed = |_| failure::key_generation(kind);
    let random = SystemRandom::new();
    let pkcs8 = match (kind, signing_algorithms(kind).first()) {
        (KeyKind::Ed25519, _) => Ed25519KeyPair::generate_pkcs8v1(&random).map_err(failed)?,
        (_, Some((_, signing))) => EcdsaKeyPair::generate_pkcs8(signing, &random).map_err(failed)?,
        (_, None) => return Err(failure::key_generation(kind)),
    };
    Ok(SecretBytes::new(pkcs8.as_ref().to_vec()))
}

fn no_point<E>(_: E) -> CryptoError {
    failure::key_malformed("SubjectPublicKeyInfo", "not a point on the curve")
}

type Signing = (SignatureAlgorithm, &'static EcdsaSigningAlgorithm);

/// Returns the algorithms that AWS-LC signs with: on P-256 and P-384 only with the curve's own digest.
fn signing_algorithms(kind: KeyKind) -> &'static [Signing] {
    match kind {
        KeyKind::P256 => &[(SignatureAlgorithm::EcdsaSha256, &signature::ECDSA_P256_SHA256_FIXED_SIGNING)],
        KeyKind::P384 => &[(SignatureAlgorithm::EcdsaSha384, &signature::ECDSA_P384_SHA384_FIXED_SIGNING)],
        KeyKind::P521 => &[
            (SignatureAlgorithm::EcdsaSha256, &signature::ECDSA_P521_SHA256_FIXED_SIGNING),
            (SignatureAlgorithm::EcdsaSha384, &signature::ECDSA_P521_SHA384_FIXED_SIGNING),
            (SignatureAlgorithm::EcdsaSha512, &signature::ECDSA_P521_SHA512_FIXED_SIGNING),
        ],
        _ => &[],
    }
}

/// A public key. AWS-LC binds a parsed key to one digest, so each form is parsed when it is first used, and stored.
struct EcdsaPublic {
    kind: KeyKind,
    spki_der: Vec<u8>,
    parsed: [OnceLock<ParsedPublicKey>; 3],
}

impl EcdsaPublic {
    fn parsed(&self, algorithm: SignatureAlgorithm) -> Result<&ParsedPublicKey, CryptoError> {
        let (place, verification) = self.verification(algorithm).ok_or_else(|| no_signature(algorithm))?;
        let place = self.parsed.get(place).ok_or_else(|| no_signature(algorithm))?;
        if let Some(key) = place.get() {
            return Ok(key);
        }
        let key = ParsedPublicKey::new(verification, &self.spki_der).map_err(no_point)?;
        Ok(place.get_or_init(|| key))
    }

    /// Returns the algorithm for verification. It uses ASN.1, the only form in which AWS-LC supports every curve with
    /// every digest.
    fn verification(
        &self,
        algorithm: SignatureAlgorithm,
    ) -> Option<(usize, &'static EcdsaVerificationAlgorithm)> {
        Some(match (self.kind, algorithm) {
            (KeyKind::P256, SignatureAlgorithm::EcdsaSha256) => (0, &signature::ECDSA_P256_SHA256_ASN1),
            (KeyKind::P256, SignatureAlgorithm::EcdsaSha384) => (1, &signature::ECDSA_P256_SHA384_ASN1),
            (KeyKind::P256, SignatureAlgorithm::EcdsaSha512) => (2, &signature::ECDSA_P256_SHA512_ASN1),
            (KeyKind::P384, SignatureAlgorithm::EcdsaSha256) => (0, &signature::ECDSA_P384_SHA256_ASN1),
            (KeyKind::P384, SignatureAlgorithm::EcdsaSha384) => (1, &signature::ECDSA_P384_SHA384_ASN1),
            (KeyKind::P384, SignatureAlgorithm::EcdsaSha512) => (2, &signature::ECDSA_P384_SHA512_ASN1),
            (KeyKind::P521, SignatureAlgorithm::EcdsaSha256) => (0, &signature::ECDSA_P521_SHA256_ASN1),
            (KeyKind::P521, SignatureAlgorithm::EcdsaSha384) => (1, &signature::ECDSA_P521_SHA384_ASN1),
            (KeyKind::P521, SignatureAlgorithm::EcdsaSha512) => (2, &signature::ECDSA_P521_SHA512_ASN1),
            _ => return None,
        })
    }
}

impl PublicKeyOperations for EcdsaPublic {
    fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        let key = self.parsed(algorithm)?;
        signature_form::check(self.kind, signature)?;
        let asn1 = ecdsa::to_asn1(signature).ok_or_else(failure::signature_invalid)?;
        key.verify_sig(message, &asn1).map_err(|_| failure::signature_invalid())
    }

    fn encrypt_key(&self, transport: KeyTransport, _: &[u8], _: &[u8]) -> Result<Vec<u8>, CryptoError> {
        Err(no_transport(transport))
    }
}

struct EcdsaPrivate {
    keys: Vec<(SignatureAlgorithm, EcdsaKeyPair)>,
}

impl PrivateKeyOperations for EcdsaPrivate {
    fn sign(&self, algorithm: SignatureAlgorithm, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let key = self.keys.iter().find(|(its, _)| *its == algorithm);
        let (_, key) = key.ok_or_else(|| no_signature(algorithm))?;
        let signature =
            key.sign(&SystemRandom::new(), message).map_err(|_| failure::signing_failed(algorithm))?;
        Ok(signature.as_ref().to_vec())
    }

    fn decrypt_key(&self, transport: KeyTransport, _: &[u8], _: &[u8]) -> Result<SecretBytes, CryptoError> {
        Err(no_transport(transport))
    }
}

struct Ed25519Public(ParsedPublicKey);

impl PublicKeyOperations for Ed25519Public {
    fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        if algorithm != SignatureAlgorithm::Ed25519 {
            return Err(no_signature(algorithm));
        }
        signature_form::check(KeyKind::Ed25519, signature)?;
        self.0.verify_sig(message, signature).map_err(|_| failure::signature_invalid())
    }

    fn encrypt_key(&self, transport: KeyTransport, _: &[u8], _: &[u8]) -> Result<Vec<u8>, CryptoError> {
        Err(no_transport(transport))
    }
}

struct Ed25519Private(Ed25519KeyPair);

impl PrivateKeyOperations for Ed25519Private {
    fn sign(&self, algorithm: SignatureAlgorithm, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        if algorithm != SignatureAlgorithm::Ed25519 {
            return Err(no_signature(algorithm));
        }
        let signature = self.0.try_sign(message).map_err(|_| failure::signing_failed(algorithm))?;
        Ok(signature.as_ref().to_vec())
    }

    fn decrypt_key(&self, transport: KeyTransport, _: &[u8], _: &[u8]) -> Result<SecretBytes, CryptoError> {
        Err(no_transport(transport))
    }
}
