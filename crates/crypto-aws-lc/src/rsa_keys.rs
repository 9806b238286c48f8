//! RSA signatures and key transport with AWS-LC.

use crate::rejection::Rejection;
use crate::{NAME, no_signature, no_transport, unsupported};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{
    KeyPair, KeySize, OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OAEP_SHA384_MGF1SHA384,
    OAEP_SHA512_MGF1SHA512, OaepAlgorithm, OaepPrivateDecryptingKey, OaepPublicEncryptingKey,
    Pkcs1PrivateDecryptingKey, Pkcs1PublicEncryptingKey, PrivateDecryptingKey, PublicEncryptingKey,
};
use aws_lc_rs::signature::{self, ParsedPublicKey, RsaParameters, RsaSignatureEncoding};
use std::sync::{Arc, OnceLock};
use vouchsafe_crypto::backend::{PrivateKeyOperations, PublicKeyOperations, failure, signature_form};
use vouchsafe_crypto::{
    CryptoError, DigestAlgorithm, KeyKind, KeyTransport, SecretBytes, SignatureAlgorithm,
};

/// The shortest key that AWS-LC supports, except to verify old signatures.
const MINIMUM_BITS: u32 = 2048;
const SHORT_KEY: &str = "RSA keys below 2048 bits";
const ODD_LENGTH: &str = "making RSA keys of other lengths than 2048, 3072, 4096 and 8192 bits";

pub(crate) fn public_key(bits: u32, spki_der: &[u8]) -> Result<Arc<dyn PublicKeyOperations>, CryptoError> {
    let key = Public {
        short: bits < MINIMUM_BITS,
        kind: KeyKind::Rsa { bits },
        spki_der: spki_der.to_vec(),
        parsed: [const { OnceLock::new() }; 7],
        encrypting: OnceLock::new(),
    };
    // One form is parsed now, so that a key that AWS-LC refuses is refused when trust is configured.
    key.parsed(SignatureAlgorithm::RsaSha256).map_err(|_| {
        failure::key_malformed("SubjectPublicKeyInfo", "the modulus or the exponent is not one of an RSA key")
    })?;
    Ok(Arc::new(key))
}

pub(crate) fn private_key(bits: u32, pkcs8_der: &[u8]) -> Result<Arc<dyn PrivateKeyOperations>, CryptoError> {
    if bits < MINIMUM_BITS {
        return Err(unsupported(SHORT_KEY));
    }
    let malformed = || failure::key_malformed("PKCS#8", "the parts of the RSA key do not belong together");
    let signing = KeyPair::from_pkcs8(pkcs8_der).map_err(|_| malformed())?;
    let decrypting = PrivateDecryptingKey::from_pkcs8(pkcs8_der).map_err(|_| malformed())?;
    let oaep = OaepPrivateDecryptingKey::new(decrypting.clone()).map_err(|_| malformed())?;
    let pkcs1 = Pkcs1PrivateDecryptingKey::new(decrypting).map_err(|_| malformed())?;
    let rejection = Rejection::of_key(pkcs8_der, pkcs1.key_size_bytes());
    Ok(Arc::new(Private { signing, oaep, pkcs1, rejection }))
}

/// Checks an RSA private key. AWS-LC checks all numbers when it parses them (`RSA_check_key`).
pub(crate) fn check_private(bits: u32, pkcs1_der: &[u8]) -> Result<(), CryptoError> {
    if bits < MINIMUM_BITS {
        return Err(unsupported(SHORT_KEY));
    }
    let malformed = || failure::key_malformed("PKCS#8", "the parts of the RSA key do not belong together");
    KeyPair::from_der(pkcs1_der).map(drop).map_err(|_| malformed())
}

pub(crate) fn generate(bits: u32) -> Result<SecretBytes, CryptoError> {
    let failed = || failure::key_generation(KeyKind::Rsa { bits });
    let size = match bits {
        2048 => KeySize::Rsa2048,
        3072 => KeySize::Rsa3072,
        4096 => KeySize::Rsa4096,
        8192 => KeySize::Rsa8192,
        _ => return Err(unsupported(ODD_LENGTH)),
    };
    let key = KeyPair::generate(size).map_err(|_| failed())?;
    let pkcs8: Pkcs8V1Der<'_> = key.as_der().map_err(|_| failed())?;
    Ok(SecretBytes::new(pkcs8.as_ref().to_vec()))
}

/// A public key. AWS-LC binds a parsed key to one algorithm, so each form is parsed when it is first used, and
/// stored.
struct Public {
    short: bool,
    kind: KeyKind,
    spki_der: Vec<u8>,
    parsed: [OnceLock<ParsedPublicKey>; 7],
    encrypting: OnceLock<PublicEncryptingKey>,
}

impl Public {
    fn parsed(&self, algorithm: SignatureAlgorithm) -> Result<&ParsedPublicKey, CryptoError> {
        let (place, parameters) = self.parameters(algorithm).ok_or_else(|| no_signature(algorithm))?;
        let place = self.parsed.get(place).ok_or_else(|| no_signature(algorithm))?;
        if let Some(key) = place.get() {
            return Ok(key);
        }
        let key = ParsedPublicKey::new(parameters, &self.spki_der)
            .map_err(|_| failure::key_malformed("SubjectPublicKeyInfo", "not an RSA key"))?;
        Ok(place.get_or_init(|| key))
    }

    /// Returns the index of the parsed form, and the algorithm that it is for.
    fn parameters(&self, algorithm: SignatureAlgorithm) -> Option<(usize, &'static RsaParameters)> {
        Some(match (algorithm, self.short) {
            (SignatureAlgorithm::RsaSha1, _) => (0, &signature::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY),
            (SignatureAlgorithm::RsaSha256, false) => (1, &signature::RSA_PKCS1_2048_8192_SHA256),
            (SignatureAlgorithm::RsaSha256, true) => {
                (1, &signature::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY)
            }
            (SignatureAlgorithm::RsaSha384, false) => (2, &signature::RSA_PKCS1_2048_8192_SHA384),
            (SignatureAlgorithm::RsaSha512, false) => (3, &signature::RSA_PKCS1_2048_8192_SHA512),
            (SignatureAlgorithm::RsaSha512, true) => {
                (3, &signature::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY)
            }
            (SignatureAlgorithm::RsaPssSha256, false) => (4, &signature::RSA_PSS_2048_8192_SHA256),
            (SignatureAlgorithm::RsaPssSha384, false) => (5, &signature::RSA_PSS_2048_8192_SHA384),
            (SignatureAlgorithm::RsaPssSha512, false) => (6, &signature::RSA_PSS_2048_8192_SHA512),
            _ => return None,
        })
    }

    fn encrypting(&self) -> Result<PublicEncryptingKey, CryptoError> {
        if let Some(key) = self.encrypting.get() {
            return Ok(key.clone());
        }
        let key = PublicEncryptingKey::from_der(&self.spki_der).map_err(|_| unsupported(SHORT_KEY))?;
        Ok(self.encrypting.get_or_init(|| key).clone())
    }
}

impl PublicKeyOperations for Public {
    fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        let key = self.parsed(algorithm)?;
        signature_form::check(self.kind, signature)?;
        key.verify_sig(message, signature).map_err(|_| failure::signature_invalid())
    }

    fn encrypt_key(
        &self,
        transport: KeyTransport,
        label: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        let failed = |_| failure::encryption_failed(transport.uri(), "too long for the RSA key");
        let padding = padding(transport)?;
        let key = self.encrypting()?;
        let mut bytes = vec![0; key.key_size_bytes()];
        let length = match padding {
            Padding::Pkcs1 => {
                let key = Pkcs1PublicEncryptingKey::new(key).map_err(failed)?;
                key.encrypt(plain, &mut bytes).map_err(failed)?.len()
            }
            Padding::Oaep(algorithm) => {
                let key = OaepPublicEncryptingKey::new(key).map_err(failed)?;
                key.encrypt(algorithm, plain, &mut bytes, Some(label)).map_err(failed)?.len()
            }
        };
        bytes.truncate(length);
        Ok(bytes)
    }
}

struct Private {
    signing: KeyPair,
    oaep: OaepPrivateDecryptingKey,
    pkcs1: Pkcs1PrivateDecryptingKey,
    rejection: Rejection,
}

impl PrivateKeyOperations for Private {
    fn sign(&self, algorithm: SignatureAlgorithm, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let encoding: &'static RsaSignatureEncoding = match algorithm {
            SignatureAlgorithm::RsaSha256 => &signature::RSA_PKCS1_SHA256,
            SignatureAlgorithm::RsaSha384 => &signature::RSA_PKCS1_SHA384,
            SignatureAlgorithm::RsaSha512 => &signature::RSA_PKCS1_SHA512,
            SignatureAlgorithm::RsaPssSha256 => &signature::RSA_PSS_SHA256,
            SignatureAlgorithm::RsaPssSha384 => &signature::RSA_PSS_SHA384,
            SignatureAlgorithm::RsaPssSha512 => &signature::RSA_PSS_SHA512,
            _ => return Err(no_signature(algorithm)),
        };
        let mut bytes = vec![0; self.signing.public_modulus_len()];
        self.signing
            .sign(encoding, &SystemRandom::new(), message, &mut bytes)
            .map_err(|_| failure::signing_failed(algorithm))?;
        Ok(bytes)
    }

    /// The result of AWS-LC for PKCS#1 v1.5 padding is not returned: wrong padding gives the message that
    /// [`Rejection`] has made, so the only remaining error is a wrong length of the bytes.
    fn decrypt_key(
        &self,
        transport: KeyTransport,
        label: &[u8],
        bytes: &[u8],
    ) -> Result<SecretBytes, CryptoError> {
        let padding = padding(transport)?;
        let mut plain = vec![0; self.oaep.min_output_size()];
        if bytes.len() != plain.len() {
            return Err(failure::decryption_failed());
        }
        let found = match padding {
            Padding::Pkcs1 => {
                let substitute = self.rejection.message(bytes);
                let found = self.pkcs1.decrypt(bytes, &mut plain);
                found.map_or(substitute, |found| SecretBytes::new(found.to_vec()))
            }
            Padding::Oaep(algorithm) => {
                let found = self.oaep.decrypt(algorithm, bytes, &mut plain, Some(label));
                SecretBytes::new(found.map_err(|_| failure::decryption_failed())?.to_vec())
            }
        };
        // The buffer contained the key as well; it is wiped when its owner is dropped.
        drop(SecretBytes::new(plain));
        Ok(found)
    }
}

enum Padding {
    Pkcs1,
    Oaep(&'static OaepAlgorithm),
}

fn padding(transport: KeyTransport) -> Result<Padding, CryptoError> {
    match transport {
        KeyTransport::Rsa15 => Ok(Padding::Pkcs1),
        KeyTransport::RsaOaep { digest: DigestAlgorithm::Sha1, mgf: DigestAlgorithm::Sha1 } => {
            Ok(Padding::Oaep(&OAEP_SHA1_MGF1SHA1))
        }
        KeyTransport::RsaOaep { digest: DigestAlgorithm::Sha256, mgf: DigestAlgorithm::Sha256 } => {
            Ok(Padding::Oaep(&OAEP_SHA256_MGF1SHA256))
        }
        KeyTransport::RsaOaep { digest: DigestAlgorithm::Sha384, mgf: DigestAlgorithm::Sha384 } => {
            Ok(Padding::Oaep(&OAEP_SHA384_MGF1SHA384))
        }
        KeyTransport::RsaOaep { digest: DigestAlgorithm::Sha512, mgf: DigestAlgorithm::Sha512 } => {
            Ok(Padding::Oaep(&OAEP_SHA512_MGF1SHA512))
        }
        KeyTransport::RsaOaep { .. } => {
            Err(failure::unsupported(NAME, "RSA-OAEP with two different digests"))
        }
        _ => Err(no_transport(transport)),
    }
}
