//! Public keys: SubjectPublicKeyInfo (RFC 5280, 4.1).

use super::{Algorithm, RSA_ENCRYPTION, point, rsa_kind};
use crate::{CryptoError, KeyKind, SignatureAlgorithm};

use x509_cert::der::asn1::{AnyRef, BitStringRef};
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};

/// The algorithm identifier of every RSA key for a backend. Backends do not know restrictions to RSASSA-PSS.
pub(crate) const PLAIN_RSA: AlgorithmIdentifierRef<'static> =
    AlgorithmIdentifierRef { oid: RSA_ENCRYPTION, parameters: Some(AnyRef::NULL) };

/// The content of a SubjectPublicKeyInfo.
pub(crate) struct Public {
    pub(crate) kind: KeyKind,
    /// The only algorithms that the key allows, if it is restricted.
    pub(crate) purpose: Option<&'static [SignatureAlgorithm]>,
    /// The key in its normal form.
    pub(crate) spki_der: Vec<u8>,
    /// The key without its restriction to RSASSA-PSS, if it has one.
    plain: Option<Vec<u8>>,
}

impl Public {
    /// Returns SubjectPublicKeyInfo in the form for a backend.
    pub(crate) fn for_backend(&self) -> &[u8] {
        self.plain.as_ref().unwrap_or(&self.spki_der)
    }
}

/// Parses a SubjectPublicKeyInfo in DER and converts it to its normal form.
pub(crate) fn public(spki_der: &[u8]) -> Result<Public, CryptoError> {
    let spki = SubjectPublicKeyInfoRef::from_der(spki_der).map_err(|_| malformed("not in DER"))?;
    let key = spki.subject_public_key.as_bytes().ok_or(malformed("unused bits in the key"))?;
    match Algorithm::read(&spki.algorithm, FORM)? {
        Algorithm::Rsa { purpose } => {
            let numbers = pkcs1::RsaPublicKeyRef::from_der(key)
                .map_err(|_| malformed("no positive modulus and exponent in DER"))?;
            let kind = rsa_kind(numbers.modulus.as_bytes(), numbers.public_exponent.as_bytes())
                .map_err(malformed)?;
            let restricted = purpose.map(|_| spki.algorithm);
            rsa(kind, purpose, restricted, key)
        }
        Algorithm::Curve(kind) => {
            let point = point::uncompressed(kind, key)
                .ok_or(malformed("not a point on the curve, compressed or uncompressed"))?;
            Ok(Public { kind, purpose: None, spki_der: encoded(spki.algorithm, &point)?, plain: None })
        }
        Algorithm::Ed25519 => {
            check_ed25519(key)?;
            let spki_der = encoded(spki.algorithm, key)?;
            Ok(Public { kind: KeyKind::Ed25519, purpose: None, spki_der, plain: None })
        }
    }
}

/// Returns the normal form of an RSA key whose numbers are checked, with the algorithm identifier that restricts it.
pub(super) fn rsa(
    kind: KeyKind,
    purpose: Option<&'static [SignatureAlgorithm]>,
    restricted: Option<AlgorithmIdentifierRef<'_>>,
    key: &[u8],
) -> Result<Public, CryptoError> {
    let plain = encoded(PLAIN_RSA, key)?;
    Ok(match restricted {
        None => Public { kind, purpose, spki_der: plain, plain: None },
        Some(identifier) => Public { kind, purpose, spki_der: encoded(identifier, key)?, plain: Some(plain) },
    })
}

/// Returns the normal form of a point on one of the curves. The point is uncompressed already.
pub(super) fn elliptic(
    kind: KeyKind,
    algorithm: AlgorithmIdentifierRef<'_>,
    key: &[u8],
) -> Result<Public, CryptoError> {
    Ok(Public { kind, purpose: None, spki_der: encoded(algorithm, key)?, plain: None })
}

/// Checks an Ed25519 key (RFC 8032, 5.1.3). Points of small order are refused, because under such a key one signature
/// is valid for many messages.
fn check_ed25519(key: &[u8]) -> Result<(), CryptoError> {
    if point::is_strict_ed25519_point(key) {
        Ok(())
    } else {
        Err(malformed("not the one encoding of a point on the curve, or a point of small order"))
    }
}

fn encoded(algorithm: AlgorithmIdentifierRef<'_>, key: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let too_long = |_| malformed("too long");
    let subject_public_key = BitStringRef::from_bytes(key).map_err(too_long)?;
    SubjectPublicKeyInfoRef { algorithm, subject_public_key }.to_der().map_err(too_long)
}

const FORM: &str = "SubjectPublicKeyInfo";

fn malformed(detail: &'static str) -> CryptoError {
    CryptoError::KeyMalformed { form: FORM, detail }
}
