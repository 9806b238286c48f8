//! Public keys as numbers, without a certificate.

use crate::encoding::colon_hex;
use crate::normal_form::{self, EC_PUBLIC_KEY, Public};
use crate::{CryptoError, KeyKind, own_sha256};
use core::fmt;
use std::sync::Arc;
use x509_cert::der::asn1::{Any, AnyRef, BitStringRef, ObjectIdentifier, UintRef};
use x509_cert::der::{Encode as _, Tag};
use x509_cert::spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};

/// A public key in the form that metadata has without a certificate (`ds:KeyValue`): its numbers are parsed and
/// checked, and are in the [normal form](crate#forms-of-keys-and-signatures).
/// [`Provider::public_key`](crate::Provider::public_key) decides whether the key is strong enough, as for the key of
/// a certificate.
///
/// Cloning is cheap.
///
/// ```
/// use vouchsafe_crypto::{KeyKind, KeyValue, Provider};
///
/// let provider = Provider::rustcrypto();
/// let key = provider.generate_key(KeyKind::P256)?.public_key().clone();
/// // X9.62: the point is the last 65 bytes.
/// let point = &key.spki_der()[key.spki_der().len() - 65..];
/// let value = KeyValue::on_named_curve("1.2.840.10045.3.1.7", point)?;
/// assert_eq!(value.fingerprint(), key.fingerprint());
/// assert_eq!(provider.public_key(value.spki_der())?.kind(), KeyKind::P256);
/// # Ok::<(), vouchsafe_crypto::CryptoError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct KeyValue {
    kind: KeyKind,
    spki_der: Arc<[u8]>,
}

impl KeyValue {
    /// Makes an RSA key from modulus and public exponent in big-endian bytes.
    ///
    /// # Errors
    ///
    /// [`CryptoError::KeyMalformed`] if the numbers are not an RSA key.
    pub fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<Self, CryptoError> {
        let number = |bytes| UintRef::new(bytes).map_err(|_| malformed("a number is too long"));
        let numbers =
            pkcs1::RsaPublicKeyRef { modulus: number(modulus)?, public_exponent: number(exponent)? };
        let key = numbers.to_der().map_err(|_| malformed("a number is too long"))?;
        Self::of(normal_form::PLAIN_RSA, &key)
    }

    /// Makes a key from a point, compressed or uncompressed, on the curve with this object identifier in dotted form.
    ///
    /// # Errors
    ///
    /// [`CryptoError::KeyUnsupported`] for another curve than P-256, P-384 and P-521; [`CryptoError::KeyMalformed`]
    /// if the bytes are not a point on the curve.
    pub fn on_named_curve(curve: &str, point: &[u8]) -> Result<Self, CryptoError> {
        let unknown = || CryptoError::KeyUnsupported { algorithm: format!("ECDSA on the curve {curve:?}") };
        let curve = ObjectIdentifier::new(curve).map_err(|_| unknown())?;
        let curve = Any::new(Tag::ObjectIdentifier, curve.as_bytes()).map_err(|_| unknown())?;
        let parameters = Some(AnyRef::from(&curve));
        Self::of(AlgorithmIdentifierRef { oid: EC_PUBLIC_KEY, parameters }, point)
    }

    /// Makes a key from SubjectPublicKeyInfo in DER.
    ///
    /// # Errors
    ///
    /// [`CryptoError::KeyMalformed`], [`CryptoError::KeyUnsupported`].
    pub fn from_spki_der(spki_der: &[u8]) -> Result<Self, CryptoError> {
        let Public { kind, spki_der, .. } = normal_form::public(spki_der)?;
        Ok(Self { kind, spki_der: spki_der.into() })
    }

    fn of(algorithm: AlgorithmIdentifierRef<'_>, key: &[u8]) -> Result<Self, CryptoError> {
        let too_long = |_| malformed("a number is too long");
        let subject_public_key = BitStringRef::from_bytes(key).map_err(too_long)?;
        let spki = SubjectPublicKeyInfoRef { algorithm, subject_public_key };
        Self::from_spki_der(&spki.to_der().map_err(too_long)?)
    }

    /// Returns the kind and the length.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// Returns SubjectPublicKeyInfo in DER, in its normal form.
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        &self.spki_der
    }

    /// Returns SHA-256 over [`spki_der`](Self::spki_der) as "AB:CD:..", as
    /// [`PublicKey::fingerprint`](crate::PublicKey::fingerprint) does.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        colon_hex(&own_sha256(&self.spki_der))
    }
}

impl fmt::Debug for KeyValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyValue")
            .field("kind", &self.kind)
            .field("fingerprint", &self.fingerprint())
            .finish_non_exhaustive()
    }
}

fn malformed(detail: &'static str) -> CryptoError {
    CryptoError::KeyMalformed { form: "numbers", detail }
}
