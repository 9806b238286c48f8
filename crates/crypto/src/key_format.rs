//! The forms in which keys come: which kind they are, and one form for private keys.

use crate::{CryptoError, KeyKind, SecretBytes, SignatureAlgorithm, pem, pss_key, tlv};
use rsa::{pkcs1, pkcs8};
use std::borrow::Cow;
use x509_cert::der::{Decode as _, Encode as _, asn1::AnyRef, asn1::ObjectIdentifier, asn1::OctetStringRef};
use x509_cert::spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};
use zeroize::Zeroizing;

pub(crate) const PUBLIC_LABEL: &str = "PUBLIC KEY";
pub(crate) const PKCS8_LABEL: &str = "PRIVATE KEY";
const PKCS8_ENCRYPTED_LABEL: &str = "ENCRYPTED PRIVATE KEY";
const PKCS1_LABEL: &str = "RSA PRIVATE KEY";
const SEC1_LABEL: &str = "EC PRIVATE KEY";

pub(crate) const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
pub(crate) const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
pub(crate) const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");

/// What a SubjectPublicKeyInfo holds.
pub(crate) struct Public<'a> {
    pub(crate) kind: KeyKind,
    /// The only algorithms that it allows, if it says so.
    pub(crate) purpose: Option<&'static [SignatureAlgorithm]>,
    /// The same key without that restriction: backends know nothing of it.
    pub(crate) spki_der: Cow<'a, [u8]>,
}

/// Reads a SubjectPublicKeyInfo in DER.
pub(crate) fn public(spki_der: &[u8]) -> Result<Public<'_>, CryptoError> {
    let malformed = |detail| CryptoError::KeyMalformed { form: "SubjectPublicKeyInfo", detail };
    let mut spki = SubjectPublicKeyInfoRef::from_der(spki_der).map_err(|_| malformed("not in DER"))?;
    let (mut purpose, mut plain) = (None, Cow::Borrowed(spki_der));
    if spki.algorithm.oid == pss_key::RSASSA_PSS {
        purpose = Some(pss_key::purpose(spki.algorithm.parameters)?);
        spki.algorithm = AlgorithmIdentifierRef { oid: RSA_ENCRYPTION, parameters: Some(AnyRef::NULL) };
        plain = Cow::Owned(spki.to_der().map_err(|_| malformed("too long"))?);
    }
    Ok(Public { kind: kind_of_public(&spki)?, purpose, spki_der: plain })
}

fn kind_of_public(spki: &SubjectPublicKeyInfoRef<'_>) -> Result<KeyKind, CryptoError> {
    let malformed = |detail| CryptoError::KeyMalformed { form: "SubjectPublicKeyInfo", detail };
    if spki.algorithm.oid == ED25519 {
        // Under a point of small order one signature fits many messages, and backends differ in refusing it.
        let octets = spki.subject_public_key.as_bytes().and_then(|octets| octets.try_into().ok());
        let point = octets.and_then(|octets| ed25519_dalek::VerifyingKey::from_bytes(octets).ok());
        if point.is_none_or(|point| point.is_weak()) {
            return Err(malformed("not a point on the curve, or one of small order"));
        }
    }
    kind_of(&spki.algorithm, || {
        let octets = spki.subject_public_key.as_bytes().ok_or(malformed("unused bits in the key"))?;
        let key =
            pkcs1::RsaPublicKeyRef::from_der(octets).map_err(|_| malformed("no modulus and exponent"))?;
        bit_length(key.modulus.as_bytes()).ok_or(malformed("the modulus is too long"))
    })
}

/// Takes SubjectPublicKeyInfo from PEM.
pub(crate) fn public_from_pem(text: &str) -> Result<Vec<u8>, CryptoError> {
    let block = pem::blocks(text).find(|block| block.label == PUBLIC_LABEL);
    let missing = || CryptoError::Pem { expected: "a public key", detail: "no block PUBLIC KEY".to_owned() };
    block.ok_or_else(missing)?.decode()
}

/// Takes a private key from PEM, in any of the three usual forms.
pub(crate) fn private_from_pem(text: &str) -> Result<Private, CryptoError> {
    let mut labels = Vec::new();
    for block in pem::blocks(text) {
        let pkcs8_der = match block.label {
            PKCS8_ENCRYPTED_LABEL => return Err(CryptoError::KeyEncrypted {}),
            PKCS8_LABEL | PKCS1_LABEL | SEC1_LABEL if block.is_encrypted() => {
                return Err(CryptoError::KeyEncrypted {});
            }
            PKCS8_LABEL => SecretBytes::new(block.decode()?),
            PKCS1_LABEL => pkcs8_from_pkcs1(&Zeroizing::new(block.decode()?))?,
            SEC1_LABEL => pkcs8_from_sec1(&Zeroizing::new(block.decode()?))?,
            // `openssl ecparam -genkey` writes EC PARAMETERS first; bundles hold certificates as well.
            label => {
                labels.push(label.chars().take(40).collect::<String>().escape_debug().to_string());
                continue;
            }
        };
        return private(pkcs8_der);
    }
    let detail =
        if labels.is_empty() { "no block at all".to_owned() } else { format!("only {}", labels.join(", ")) };
    Err(CryptoError::Pem { expected: "a private key", detail })
}

/// What PKCS#8 holds.
pub(crate) struct Private {
    pub(crate) kind: KeyKind,
    /// As it came.
    pub(crate) pkcs8_der: SecretBytes,
    /// The same key without its restriction to RSASSA-PSS, if it has one: backends know nothing of it.
    plain: Option<SecretBytes>,
}

/// Reads PKCS#8 in DER.
pub(crate) fn private(pkcs8_der: SecretBytes) -> Result<Private, CryptoError> {
    let mut info = private_info(&pkcs8_der)?;
    let mut plain = None;
    if info.algorithm.oid == pss_key::RSASSA_PSS {
        pss_key::purpose(info.algorithm.parameters)?;
        info.algorithm = AlgorithmIdentifierRef { oid: RSA_ENCRYPTION, parameters: Some(AnyRef::NULL) };
        plain = Some(wrap(info.algorithm, info.private_key.as_bytes())?);
    }
    Ok(Private { kind: kind_of_private(&info)?, plain, pkcs8_der })
}

impl Private {
    /// PKCS#8 as a backend reads it.
    pub(crate) fn for_backend(&self) -> &[u8] {
        self.plain.as_ref().unwrap_or(&self.pkcs8_der).as_slice()
    }

    /// The public key that a backend gave, with the restriction of the private one: as certificates over this key have it.
    pub(crate) fn restrict(&self, spki_der: Vec<u8>) -> Result<Vec<u8>, CryptoError> {
        if self.plain.is_none() {
            return Ok(spki_der);
        }
        let malformed = |_| CryptoError::KeyMalformed { form: "PKCS#8", detail: "no public key" };
        let mut spki = SubjectPublicKeyInfoRef::from_der(&spki_der).map_err(malformed)?;
        spki.algorithm = private_info(&self.pkcs8_der)?.algorithm;
        spki.to_der().map_err(malformed)
    }
}

fn private_info(pkcs8_der: &SecretBytes) -> Result<pkcs8::PrivateKeyInfoRef<'_>, CryptoError> {
    pkcs8::PrivateKeyInfoRef::from_der(pkcs8_der.as_slice())
        .map_err(|_| CryptoError::KeyMalformed { form: "PKCS#8", detail: "not in DER" })
}

fn kind_of_private(info: &pkcs8::PrivateKeyInfoRef<'_>) -> Result<KeyKind, CryptoError> {
    let malformed = |detail| CryptoError::KeyMalformed { form: "PKCS#8", detail };
    kind_of(&info.algorithm, || {
        let key = pkcs1::RsaPrivateKeyRef::from_der(info.private_key.as_bytes())
            .map_err(|_| malformed("no RSA key of two primes"))?;
        bit_length(key.modulus.as_bytes()).ok_or(malformed("the modulus is too long"))
    })
}

fn kind_of(
    algorithm: &AlgorithmIdentifierRef<'_>,
    modulus_bits: impl FnOnce() -> Result<u32, CryptoError>,
) -> Result<KeyKind, CryptoError> {
    match algorithm.oid {
        RSA_ENCRYPTION => Ok(KeyKind::Rsa { bits: modulus_bits()? }),
        ED25519 => Ok(KeyKind::Ed25519),
        EC_PUBLIC_KEY => match algorithm.parameters_oid() {
            Ok(P256) => Ok(KeyKind::P256),
            Ok(P384) => Ok(KeyKind::P384),
            Ok(P521) => Ok(KeyKind::P521),
            Ok(curve) => {
                Err(CryptoError::KeyUnsupported { algorithm: format!("ECDSA on the curve {curve}") })
            }
            // Parameters of the sender's choice allow other people's keys to verify (CVE-2020-0601).
            Err(_) => Err(CryptoError::KeyUnsupported {
                algorithm: "ECDSA with explicit curve parameters".to_owned(),
            }),
        },
        other => Err(CryptoError::KeyUnsupported { algorithm: other.to_string() }),
    }
}

fn pkcs8_from_pkcs1(pkcs1_der: &[u8]) -> Result<SecretBytes, CryptoError> {
    let null = AlgorithmIdentifierRef { oid: RSA_ENCRYPTION, parameters: Some(AnyRef::NULL) };
    wrap(null, pkcs1_der)
}

/// SEC1 (RFC 5915): SEQUENCE { version, privateKey, [0] parameters, [1] publicKey }.
fn pkcs8_from_sec1(sec1_der: &[u8]) -> Result<SecretBytes, CryptoError> {
    let malformed = |detail| CryptoError::KeyMalformed { form: "SEC1", detail };
    let outer = tlv::Elements::new(sec1_der).next_if(tlv::SEQUENCE).ok_or(malformed("not in DER"))?;
    let mut parts = tlv::Elements::new(outer.content);
    parts.next_if(tlv::INTEGER).ok_or(malformed("no version"))?;
    parts.next_if(tlv::OCTET_STRING).ok_or(malformed("no private key"))?;
    let parameters = parts.next_if(tlv::CONTEXT_0).ok_or(malformed("no curve"))?;
    let curve = tlv::Elements::new(parameters.content).next_if(tlv::OBJECT_IDENTIFIER);
    let Some(curve) = curve.and_then(|curve| AnyRef::from_der(curve.whole).ok()) else {
        return Err(CryptoError::KeyUnsupported {
            algorithm: "ECDSA with explicit curve parameters".to_owned(),
        });
    };
    wrap(AlgorithmIdentifierRef { oid: EC_PUBLIC_KEY, parameters: Some(curve) }, sec1_der)
}

fn wrap(algorithm: AlgorithmIdentifierRef<'_>, key: &[u8]) -> Result<SecretBytes, CryptoError> {
    let malformed = |_| CryptoError::KeyMalformed { form: "PKCS#8", detail: "too long" };
    let key = OctetStringRef::new(key).map_err(malformed)?;
    pkcs8::PrivateKeyInfoRef::new(algorithm, key).to_der().map(SecretBytes::new).map_err(malformed)
}

/// Significant bits of a number in big-endian octets.
fn bit_length(number: &[u8]) -> Option<u32> {
    let significant = number.iter().skip_while(|&&octet| octet == 0);
    let octets = u32::try_from(significant.clone().count()).ok()?;
    let leading = significant.clone().next().map_or(0, |octet| octet.leading_zeros());
    octets.checked_mul(8)?.checked_sub(leading)
}

#[cfg(test)]
mod tests {
    use super::bit_length;

    #[test]
    fn bits_of_a_modulus() {
        for (number, bits) in [(&[][..], 0), (&[0, 0], 0), (&[0, 1], 1), (&[0x80, 0], 16), (&[0x7f, 0], 15)] {
            assert_eq!(bit_length(number), Some(bits), "{number:?}");
        }
    }
}
