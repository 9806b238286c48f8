//! RSA keys that are restricted to RSASSA-PSS (RFC 4055, 1.2 and 3.1), as some certificate authorities issue them.

use crate::{CryptoError, SignatureAlgorithm};
use pkcs1::RsaPssParamsOwned;
use x509_cert::der::{asn1::AnyRef, asn1::ObjectIdentifier};

pub(crate) const RSASSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
const MGF1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.8");
const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");

/// Returns the algorithms that the parameters of such a key allow.
///
/// Without parameters, any digest is allowed. With parameters, the digest is fixed, the mask generation must use the
/// same digest, and the salt length is the smallest allowed length. So a key that requires a salt longer than the
/// digest allows none of the known algorithms.
pub(crate) fn purpose(parameters: Option<AnyRef<'_>>) -> Result<&'static [SignatureAlgorithm], CryptoError> {
    let unsupported = |what: &str| CryptoError::KeyUnsupported { algorithm: format!("RSASSA-PSS {what}") };
    let Some(parameters) = parameters else {
        return Ok(&[
            SignatureAlgorithm::RsaPssSha256,
            SignatureAlgorithm::RsaPssSha384,
            SignatureAlgorithm::RsaPssSha512,
        ]);
    };
    let parameters: RsaPssParamsOwned =
        parameters.decode_as().map_err(|_| unsupported("with parameters that cannot be read"))?;
    let (salt, allowed): (u8, &[SignatureAlgorithm]) = match parameters.hash.oid {
        SHA256 => (32, &[SignatureAlgorithm::RsaPssSha256]),
        SHA384 => (48, &[SignatureAlgorithm::RsaPssSha384]),
        SHA512 => (64, &[SignatureAlgorithm::RsaPssSha512]),
        _ => return Err(unsupported("with another digest than SHA-256, SHA-384 and SHA-512")),
    };
    let mask = parameters.mask_gen;
    if mask.oid != MGF1 || mask.parameters.is_none_or(|digest| digest.oid != parameters.hash.oid) {
        return Err(unsupported("with another mask generation than MGF1 with the digest of the signature"));
    }
    if parameters.salt_len > salt {
        return Err(unsupported("with a salt longer than the digest"));
    }
    Ok(allowed)
}
