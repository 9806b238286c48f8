//! Private keys: PKCS#8 (RFC 5958), which contains PKCS#1 (RFC 8017, A.1.2), RFC 5915 or RFC 8410.

use super::public::{self, PLAIN_RSA, Public};
use super::{Algorithm, bit_length, point, rsa_kind};
use crate::{Backend, CryptoError, KeyKind, SecretBytes};
use core::cmp::Ordering;
use pkcs8::PrivateKeyInfoRef;
use x509_cert::der::asn1::{AnyRef, BitStringRef, ContextSpecific, ObjectIdentifier, OctetStringRef};
use x509_cert::der::{Decode as _, Encode as _, Reader as _, Tag, TagMode, TagNumber};
use x509_cert::spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

/// The content of PKCS#8.
pub(crate) struct Private {
    pub(crate) kind: KeyKind,
    /// The key in its normal form: version 1, no attributes, and no public key except the one inside ECPrivateKey.
    pub(crate) pkcs8_der: SecretBytes,
    /// The key without its restriction to RSASSA-PSS, if it has one.
    plain: Option<SecretBytes>,
    /// The public half, with the restriction of the private key, as in certificates over this key.
    pub(crate) public: Public,
}

impl Private {
    /// Returns PKCS#8 in the form for a backend.
    pub(crate) fn for_backend(&self) -> &[u8] {
        self.plain.as_ref().unwrap_or(&self.pkcs8_der).as_slice()
    }
}

/// Parses PKCS#8 in DER and converts it to its normal form. `accept` is called with the kind of key before anything
/// expensive is done. The backend does all computations with a secret: the public half of a key on a curve, and the
/// check that the numbers of an RSA key belong together.
///
/// The time depends on the leading zeros of a scalar, once, when the key is loaded.
pub(crate) fn private(
    pkcs8_der: &SecretBytes,
    backend: &dyn Backend,
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
            let (kind, key) = rsa(info.private_key.as_bytes(), stated, backend, accept)?;
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
            let (pkcs8_der, point) = elliptic(kind, &info, stated, backend)?;
            let public = public::elliptic(kind, info.algorithm, &point)?;
            Ok(Private { kind, pkcs8_der, plain: None, public })
        }
        Algorithm::Ed25519 => {
            accept(KeyKind::Ed25519)?;
            let (seed, key) = ed25519(info.private_key.as_bytes(), stated, backend)?;
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

/// Checks an RSA key. Returns its kind, and RSAPublicKey in DER.
///
/// All numbers that follow from modulus, exponents and primes must have the values in the file. The simple checks are
/// done here, and the backend computes the rest. With a wrong CRT value, one signature would reveal the primes
/// (Boneh, DeMillo and Lipton, 1997), and a file that has one is damaged.
fn rsa(
    pkcs1_der: &[u8],
    stated: Option<&[u8]>,
    backend: &dyn Backend,
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
    let KeyKind::Rsa { bits } = kind else { return Err(apart) };
    let primes = [key.prime1.as_bytes(), key.prime2.as_bytes()];
    let are_short =
        primes.iter().all(|prime| bit_length(prime).is_some_and(|length| length <= bits.div_ceil(2)));
    let is_below_modulus = compare(key.private_exponent.as_bytes(), key.modulus.as_bytes()) == Ordering::Less;
    if !are_short || key.prime1 == key.prime2 || !is_below_modulus {
        return Err(apart);
    }
    backend.check_rsa_private_key(bits, pkcs1_der)?;
    if stated.is_some_and(|stated| stated != public) {
        return Err(malformed(OTHER_PUBLIC_KEY));
    }
    Ok((kind, public))
}

/// Compares numbers in big-endian bytes without leading zeros.
fn compare(a: &[u8], b: &[u8]) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// Checks a key on one of the curves. Returns its PKCS#8 and its point.
fn elliptic(
    kind: KeyKind,
    info: &PrivateKeyInfoRef<'_>,
    stated: Option<&[u8]>,
    backend: &dyn Backend,
) -> Result<(SecretBytes, Vec<u8>), CryptoError> {
    let key = EcPrivateKey::read(info.private_key.as_bytes()).ok_or(malformed("no ECPrivateKey in DER"))?;
    let inside = key.parameters.map(|parameters| parameters.decode_as::<ObjectIdentifier>().ok());
    if inside.is_some_and(|curve| curve != info.algorithm.parameters_oid().ok()) {
        return Err(malformed("two curves"));
    }
    let not_a_scalar = malformed("not a scalar of the curve");
    let scalar = point::width(kind).and_then(|width| padded(key.scalar, width));
    let Some(scalar) = scalar.filter(|scalar| point::is_scalar(kind, scalar)) else {
        return Err(not_a_scalar);
    };
    let point = backend.public_half(kind, &scalar)?;
    for stated in [stated, key.public].into_iter().flatten() {
        if point::uncompressed(kind, stated).as_ref() != Some(&point) {
            return Err(malformed(OTHER_PUBLIC_KEY));
        }
    }
    Ok((wrap(info.algorithm, &ec_private_key(&scalar, &point).map_err(too_long)?)?, point))
}

/// Encodes ECPrivateKey with its point. The curve is only in the identifier around it (RFC 5915, 3).
fn ec_private_key(scalar: &[u8], point: &[u8]) -> x509_cert::der::Result<Zeroizing<Vec<u8>>> {
    let public = ContextSpecific {
        tag_number: TagNumber(1),
        tag_mode: TagMode::Explicit,
        value: BitStringRef::from_bytes(point)?,
    };
    let scalar = Zeroizing::new(OctetStringRef::new(scalar)?.to_der()?);
    let parts = Zeroizing::new([&1_u8.to_der()?[..], &scalar, &public.to_der()?].concat());
    Ok(Zeroizing::new(AnyRef::new(Tag::Sequence, &parts)?.to_der()?))
}

/// Returns the same number in `width` bytes. RFC 5915, 3 requires the length of the order; old encoders omit leading
/// zeros or add one.
fn padded(number: &[u8], width: usize) -> Option<Zeroizing<Vec<u8>>> {
    let zeros = number.iter().take_while(|&&byte| byte == 0).count();
    let (_, significant) = number.split_at_checked(zeros)?;
    let missing = width.checked_sub(significant.len())?;
    let mut padded = Zeroizing::new(vec![0; width]);
    padded.get_mut(missing..)?.copy_from_slice(significant);
    Some(padded)
}

/// The structure ECPrivateKey (RFC 5915, 3).
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

/// Checks an Ed25519 key (RFC 8410, 7). Returns its seed and its public half.
fn ed25519<'a>(
    key: &'a [u8],
    stated: Option<&[u8]>,
    backend: &dyn Backend,
) -> Result<(&'a [u8], Vec<u8>), CryptoError> {
    let seed = <&OctetStringRef>::from_der(key).ok().map(OctetStringRef::as_bytes);
    let seed = seed.filter(|seed| seed.len() == 32).ok_or(malformed("no OCTET STRING of 32 bytes"))?;
    let public = backend.public_half(KeyKind::Ed25519, seed)?;
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

#[cfg(test)]
mod tests {
    use super::{compare, padded};
    use core::cmp::Ordering;

    #[test]
    fn numbers_get_the_width_of_the_order() {
        for (number, expected) in [
            (&[][..], Some(&[0, 0][..])),
            (&[5], Some(&[0, 5])),
            (&[5, 6], Some(&[5, 6])),
            (&[0, 0, 0, 5, 6], Some(&[5, 6])),
            (&[1, 5, 6], None),
        ] {
            assert_eq!(padded(number, 2).as_ref().map(|it| it.as_slice()), expected, "{number:?}");
        }
    }

    #[test]
    fn longer_numbers_are_greater() {
        for (a, b, expected) in [
            (&[1, 0][..], &[255][..], Ordering::Greater),
            (&[2], &[3], Ordering::Less),
            (&[3, 1], &[3, 1], Ordering::Equal),
        ] {
            assert_eq!(compare(a, b), expected);
        }
    }
}
