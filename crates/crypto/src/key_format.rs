//! The files that contain keys: PEM with one of the usual labels.

use crate::normal_form::{EC_PUBLIC_KEY, PLAIN_RSA, wrap};
use crate::{CryptoError, SecretBytes, pem, tlv};
use x509_cert::der::{Decode as _, asn1::AnyRef};
use x509_cert::spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

pub(crate) const PUBLIC_LABEL: &str = "PUBLIC KEY";
pub(crate) const PKCS8_LABEL: &str = "PRIVATE KEY";
const PKCS8_ENCRYPTED_LABEL: &str = "ENCRYPTED PRIVATE KEY";
const PKCS1_LABEL: &str = "RSA PRIVATE KEY";
const SEC1_LABEL: &str = "EC PRIVATE KEY";

/// Returns SubjectPublicKeyInfo from PEM.
pub(crate) fn public_from_pem(text: &str) -> Result<Vec<u8>, CryptoError> {
    let block = pem::blocks(text).find(|block| block.label == PUBLIC_LABEL);
    let missing = || CryptoError::Pem { expected: "a public key", detail: "no block PUBLIC KEY".to_owned() };
    block.ok_or_else(missing)?.decode()
}

/// Returns a private key from PEM in any of the three usual formats, as PKCS#8 that is not parsed yet.
pub(crate) fn private_from_pem(text: &str) -> Result<SecretBytes, CryptoError> {
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
            // `openssl ecparam -genkey` writes EC PARAMETERS first; bundles contain certificates as well.
            label => {
                labels.push(label.chars().take(40).collect::<String>().escape_debug().to_string());
                continue;
            }
        };
        return Ok(pkcs8_der);
    }
    let detail =
        if labels.is_empty() { "no block at all".to_owned() } else { format!("only {}", labels.join(", ")) };
    Err(CryptoError::Pem { expected: "a private key", detail })
}

fn pkcs8_from_pkcs1(pkcs1_der: &[u8]) -> Result<SecretBytes, CryptoError> {
    wrap(PLAIN_RSA, pkcs1_der)
}

/// Converts SEC1 (RFC 5915): SEQUENCE { version, privateKey, [0] parameters, [1] publicKey }.
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
