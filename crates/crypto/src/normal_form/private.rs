//! Private keys: PKCS#8 (RFC 5958), and in it PKCS#1 (RFC 8017, A.1.2), RFC 5915 or RFC 8410.

use super::public::{self, PLAIN_RSA, Public};
use super::{Algorithm, point, rsa_kind};
use crate::{CryptoError, KeyKind, SecretBytes, constant_time_eq};
use rsa::pkcs1::{self, EncodeRsaPrivateKey as _};
use rsa::pkcs8::PrivateKeyInfoRef;
use x509_cert::der::asn1::{AnyRef, BitStringRef, ContextSpecific, ObjectIdentifier, OctetStringRef};
use x509_cert::der::{Decode as _, Encode as _, Reader as _, TagMode, TagNumber};
use x509_cert::spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

/// What PKCS#8 holds.
pub(crate) struct Private {
    pub(crate) kind: KeyKind,
    /// The key in its normal form: version 1, no attributes, no public key outside that of a curve.
    pub(crate) pkcs8_der: SecretBytes,
    /// The same without its restriction to RSASSA-PSS, if it has one.
    plain: Option<SecretBytes>,
    /// Its public half, with the restriction of the private one: as certificates over this key have it.
    pub(crate) public: Public,
}

impl Private {
    /// PKCS#8 as a backend reads it.
    pub(crate) fn for_backend(&self) -> &[u8] {
        self.plain.as_ref().unwrap_or(&self.pkcs8_der).as_slice()
    }
}

/// Reads PKCS#8 in DER and gives it its normal form. `accept` is asked for the kind before anything costs time.
///
/// The time that this takes depends on leading zeros of a scalar, once, when the key is loaded.
pub(crate) fn private(
    pkcs8_der: &SecretBytes,
    accept: impl FnOnce(KeyKind) -> Result<(), CryptoError>,
) -> Result<Private, CryptoError> {
    let info = PrivateKeyInfoRef::from_der(pkcs8_der.as_slice()).map_err(|_| malformed("not in DER"))?;
    let stated = match info.public_key {
        None => None,
        Some(bits) => Some(bits.as_bytes().ok_or(malformed("unused bits in the public key"))?),
    };
    match Algorithm::read(&info.algorithm, FORM)? {
        Algorithm::Rsa { purpose } => {
            let restricted = purpose.map(|_| info.algorithm);
            let (kind, key) = rsa(info.private_key.as_bytes(), stated, accept)?;
            let public = public::rsa(kind, purpose, restricted, &key)?;
            let plain = wrap(PLAIN_RSA, info.private_key.as_bytes())?;
            Ok(match restricted {
                None => Private { kind, pkcs8_der: plain, plain: None, public },
                Some(identifier) => {
                    let pkcs8_der = wrap(identifier, info.private_key.as_bytes())?;
                    Private { kind, pkcs8_der, plain: Some(plain), public }
                }
            })
        }
        Algorithm::Curve(kind) => {
            accept(kind)?;
            let (pkcs8_der, point) = elliptic(kind, &info, stated)?;
            let public = public::elliptic(kind, info.algorithm, &point)?;
            Ok(Private { kind, pkcs8_der, plain: None, public })
        }
        Algorithm::Ed25519 => {
            accept(KeyKind::Ed25519)?;
            let (seed, key) = ed25519(info.private_key.as_bytes(), stated)?;
            let public = public::elliptic(KeyKind::Ed25519, info.algorithm, &key)?;
            let seed = OctetStringRef::new(seed).and_then(|seed| seed.to_der()).map_err(too_long)?;
            let pkcs8_der = wrap(info.algorithm, &Zeroizing::new(seed))?;
            Ok(Private { kind: KeyKind::Ed25519, pkcs8_der, plain: None, public })
        }
    }
}

/// Wraps a key in PKCS#8, version 1.
pub(crate) fn wrap(algorithm: AlgorithmIdentifierRef<'_>, key: &[u8]) -> Result<SecretBytes, CryptoError> {
    let key = OctetStringRef::new(key).map_err(too_long)?;
    PrivateKeyInfoRef::new(algorithm, key).to_der().map(SecretBytes::new).map_err(too_long)
}

/// Checks an RSA key; its kind, and RSAPublicKey in DER.
///
/// All that follows from modulus, exponents and primes is computed anew and must be what the file says. A wrong CRT value would
/// give away the primes with one signature (Boneh, DeMillo and Lipton, 1997), and a file that has one is damaged.
fn rsa(
    pkcs1_der: &[u8],
    stated: Option<&[u8]>,
    accept: impl FnOnce(KeyKind) -> Result<(), CryptoError>,
) -> Result<(KeyKind, Vec<u8>), CryptoError> {
    let apart = malformed("the parts of the RSA key do not belong together");
    let key = pkcs1::RsaPrivateKeyRef::from_der(pkcs1_der).map_err(|_| malformed("no RSA key in DER"))?;
    if key.other_prime_infos.is_some() {
        return Err(malformed("an RSA key of more than two primes"));
    }
    let kind = rsa_kind(key.modulus.as_bytes(), key.public_exponent.as_bytes()).map_err(malformed)?;
    accept(kind)?;
    let public = pkcs1::RsaPublicKeyRef { modulus: key.modulus, public_exponent: key.public_exponent };
    let public = public.to_der().map_err(too_long)?;
    let computed = rsa::PrivateKey::try_from(key).ok().and_then(|key| key.to_pkcs1_der().ok());
    if computed.is_none_or(|computed| !constant_time_eq(computed.as_bytes(), pkcs1_der)) {
        return Err(apart);
    }
    if stated.is_some_and(|stated| stated != public) {
        return Err(malformed(OTHER_PUBLIC_KEY));
    }
    Ok((kind, public))
}

/// Checks a key on one of the curves; PKCS#8 of it, and its point.
fn elliptic(
    kind: KeyKind,
    info: &PrivateKeyInfoRef<'_>,
    stated: Option<&[u8]>,
) -> Result<(SecretBytes, Vec<u8>), CryptoError> {
    let key = EcPrivateKey::read(info.private_key.as_bytes()).ok_or(malformed("no ECPrivateKey in DER"))?;
    let inside = key.parameters.map(|parameters| parameters.decode_as::<ObjectIdentifier>().ok());
    if inside.is_some_and(|curve| curve != info.algorithm.parameters_oid().ok()) {
        return Err(malformed("two curves"));
    }
    let (pkcs8, point) = point::of_scalar(kind, key.scalar).ok_or(malformed("not a scalar of the curve"))?;
    for stated in [stated, key.public].into_iter().flatten() {
        if point::uncompressed(kind, stated).as_ref() != Some(&point) {
            return Err(malformed(OTHER_PUBLIC_KEY));
        }
    }
    Ok((SecretBytes::new(pkcs8.to_vec()), point))
}

/// ECPrivateKey (RFC 5915, 3).
struct EcPrivateKey<'a> {
    scalar: &'a [u8],
    parameters: Option<AnyRef<'a>>,
    public: Option<&'a [u8]>,
}

impl<'a> EcPrivateKey<'a> {
    fn read(der: &'a [u8]) -> Option<Self> {
        let (version, scalar, parameters, public) = AnyRef::from_der(der)
            .and_then(|key| {
                key.sequence(|reader| {
                    Ok::<_, x509_cert::der::Error>((
                        u8::decode(reader)?,
                        <&OctetStringRef>::decode(reader)?.as_bytes(),
                        ContextSpecific::<AnyRef<'_>>::decode_explicit(reader, TagNumber(0))?,
                        reader.context_specific::<BitStringRef<'_>>(TagNumber(1), TagMode::Explicit)?,
                    ))
                })
            })
            .ok()?;
        let public = match public {
            None => None,
            Some(bits) => Some(bits.as_bytes()?),
        };
        let parameters = parameters.map(|field| field.value);
        (version == 1).then_some(Self { scalar, parameters, public })
    }
}

/// Checks an Ed25519 key (RFC 8410, 7); its seed, and its public half.
fn ed25519<'a>(key: &'a [u8], stated: Option<&[u8]>) -> Result<(&'a [u8], [u8; 32]), CryptoError> {
    let seed = <&OctetStringRef>::from_der(key).ok().map(OctetStringRef::as_bytes);
    let fitting = seed.and_then(|seed| Some((seed, <&[u8; 32]>::try_from(seed).ok()?)));
    let (seed, secret) = fitting.ok_or(malformed("no OCTET STRING of 32 bytes"))?;
    let public = ed25519_dalek::SigningKey::from_bytes(secret).verifying_key().to_bytes();
    if stated.is_some_and(|stated| stated != public) {
        return Err(malformed(OTHER_PUBLIC_KEY));
    }
    Ok((seed, public))
}

const FORM: &str = "PKCS#8";
const OTHER_PUBLIC_KEY: &str = "the public key in it belongs to another private key";

fn malformed(detail: &'static str) -> CryptoError {
    CryptoError::KeyMalformed { form: FORM, detail }
}

fn too_long<E>(_: E) -> CryptoError {
    malformed("too long")
}
