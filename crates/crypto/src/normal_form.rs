//! The normal form of every key, which is made before a backend gets the key.
//!
//! Backends differ in the keys that they accept: one reads hybrid points, another compact ones; one recomputes the
//! numbers of an RSA key, another compares them. So each key is parsed, checked and encoded again here. The backend
//! gets only the normal form, and the answer is the same for all backends. The
//! [table](crate#forms-of-keys-and-signatures) of the crate has every rule.

mod field;
mod point;
mod private;
mod public;

pub(crate) use point::{is_scalar, is_strict_ed25519_point};
pub(crate) use private::{private, wrap};
pub(crate) use public::{PLAIN_RSA, Public, public};

use crate::{CryptoError, KeyKind, SignatureAlgorithm, pss_key};
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::spki::AlgorithmIdentifierRef;

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
pub(crate) const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");

/// The length in bits of the longest accepted public exponent. A longer exponent makes each verification slower, and
/// is not used in practice.
const EXPONENT_MAXIMUM_BITS: u32 = 33;

/// The kind of key that an algorithm identifier states.
enum Algorithm {
    /// An RSA key, with the only algorithms that it allows if it is restricted to RSASSA-PSS.
    Rsa {
        purpose: Option<&'static [SignatureAlgorithm]>,
    },
    /// A key on one of the three curves.
    Curve(KeyKind),
    Ed25519,
}

impl Algorithm {
    fn read(identifier: &AlgorithmIdentifierRef<'_>, form: &'static str) -> Result<Self, CryptoError> {
        let malformed = |detail| Err(CryptoError::KeyMalformed { form, detail });
        match (identifier.oid, identifier.parameters) {
            (RSA_ENCRYPTION, None) => Ok(Self::Rsa { purpose: None }),
            (RSA_ENCRYPTION, Some(parameters)) if parameters.is_null() => Ok(Self::Rsa { purpose: None }),
            (RSA_ENCRYPTION, Some(_)) => malformed("an RSA key must have no parameters other than NULL"),
            (pss_key::RSASSA_PSS, parameters) => {
                Ok(Self::Rsa { purpose: Some(pss_key::purpose(parameters)?) })
            }
            (ED25519, None) => Ok(Self::Ed25519),
            (ED25519, Some(_)) => malformed("an Ed25519 key must have no parameters"),
            (EC_PUBLIC_KEY, _) => Ok(Self::Curve(curve(identifier)?)),
            (other, _) => Err(CryptoError::KeyUnsupported { algorithm: other.to_string() }),
        }
    }
}

/// Returns the curve of its name. Curve parameters chosen by the sender would make forged signatures valid
/// (CVE-2020-0601).
fn curve(identifier: &AlgorithmIdentifierRef<'_>) -> Result<KeyKind, CryptoError> {
    match identifier.parameters_oid() {
        Ok(P256) => Ok(KeyKind::P256),
        Ok(P384) => Ok(KeyKind::P384),
        Ok(P521) => Ok(KeyKind::P521),
        Ok(curve) => Err(CryptoError::KeyUnsupported { algorithm: format!("ECDSA on the curve {curve}") }),
        Err(_) => {
            Err(CryptoError::KeyUnsupported { algorithm: "ECDSA with explicit curve parameters".to_owned() })
        }
    }
}

/// Returns the kind of an RSA key with these numbers, or what is wrong with them.
fn rsa_kind(modulus: &[u8], exponent: &[u8]) -> Result<KeyKind, &'static str> {
    let is_odd = |number: &[u8]| number.last().is_some_and(|byte| byte & 1 == 1);
    let bits = bit_length(modulus).ok_or("the modulus is too long")?;
    if !is_odd(modulus) {
        return Err("the modulus is even");
    }
    // With the exponent 1, every message is its own signature.
    let of_fitting_length =
        bit_length(exponent).is_some_and(|bits| (2..=EXPONENT_MAXIMUM_BITS).contains(&bits));
    if !is_odd(exponent) || !of_fitting_length {
        return Err("the exponent must be odd, 3 at least and below 2^33");
    }
    Ok(KeyKind::Rsa { bits })
}

/// Returns the number of significant bits of a number in big-endian bytes.
fn bit_length(number: &[u8]) -> Option<u32> {
    let significant = number.iter().skip_while(|&&byte| byte == 0);
    let bytes = u32::try_from(significant.clone().count()).ok()?;
    let leading = significant.clone().next().map_or(0, |byte| byte.leading_zeros());
    bytes.checked_mul(8)?.checked_sub(leading)
}

#[cfg(test)]
mod tests {
    use super::{bit_length, rsa_kind};
    use crate::KeyKind;

    #[test]
    fn bits_of_a_modulus() {
        for (number, bits) in [(&[][..], 0), (&[0, 0], 0), (&[0, 1], 1), (&[0x80, 0], 16), (&[0x7f, 0], 15)] {
            assert_eq!(bit_length(number), Some(bits), "{number:?}");
        }
    }

    #[test]
    fn exponents_at_the_limits() {
        for (exponent, accepted) in [
            (&[][..], false),
            (&[0], false),
            (&[1], false),
            (&[2], false),
            (&[3], true),
            (&[1, 0, 1], true),
            (&[1, 0, 0], false),
            (&[0xff; 4], true),
            (&[1, 0xff, 0xff, 0xff, 0xff], true),
            (&[2, 0, 0, 0, 1], false),
        ] {
            assert_eq!(rsa_kind(&[0x81], exponent).is_ok(), accepted, "{exponent:?}");
        }
        assert_eq!(rsa_kind(&[1, 0x81], &[3]), Ok(KeyKind::Rsa { bits: 9 }));
        assert!(rsa_kind(&[0x80], &[3]).is_err() && rsa_kind(&[], &[3]).is_err());
    }
}
