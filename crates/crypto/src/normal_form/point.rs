//! Points of the curves, and the scalars behind them.

use crate::KeyKind;
use p256::elliptic_curve::sec1::ToSec1Point as _;
use p256::pkcs8::EncodePrivateKey as _;
use zeroize::Zeroizing;

/// SEC 1, 2.3.3: the first bytes of the compressed and of the uncompressed form. RFC 5480, 2.2 forbids the hybrid forms (6, 7);
/// the point at infinity (0) is no key, and nothing else is defined for these curves.
const FORMS: core::ops::RangeInclusive<u8> = 2..=4;

macro_rules! on_curve {
    ($kind:expr, $curve:ident => $body:expr) => {
        match $kind {
            KeyKind::P256 => {
                use p256 as $curve;
                $body
            }
            KeyKind::P384 => {
                use p384 as $curve;
                $body
            }
            KeyKind::P521 => {
                use p521 as $curve;
                $body
            }
            KeyKind::Rsa { .. } | KeyKind::Ed25519 => None,
        }
    };
}

/// The uncompressed form of a point; none if it is not on the curve or comes in another form than these two.
pub(super) fn uncompressed(kind: KeyKind, point: &[u8]) -> Option<Vec<u8>> {
    if !FORMS.contains(point.first()?) {
        return None;
    }
    on_curve!(kind, curve => {
        let key = curve::PublicKey::from_sec1_bytes(point).ok()?;
        Some(key.to_sec1_point(false).as_bytes().to_vec())
    })
}

/// PKCS#8 of a scalar, and its point, uncompressed; none if the scalar is zero, or not below the order of the curve.
///
/// RFC 5915, 3 wants as many bytes as the order has. Old encoders leave out leading zeros or add one.
pub(super) fn of_scalar(kind: KeyKind, scalar: &[u8]) -> Option<(Zeroizing<Vec<u8>>, Vec<u8>)> {
    let scalar = padded(scalar, width(kind)?)?;
    on_curve!(kind, curve => {
        let key = curve::SecretKey::from_slice(&scalar).ok()?;
        let pkcs8 = Zeroizing::new(key.to_pkcs8_der().ok()?.as_bytes().to_vec());
        Some((pkcs8, key.public_key().to_sec1_point(false).as_bytes().to_vec()))
    })
}

/// Bytes of a scalar.
fn width(kind: KeyKind) -> Option<usize> {
    match kind {
        KeyKind::P256 => Some(32),
        KeyKind::P384 => Some(48),
        KeyKind::P521 => Some(66),
        KeyKind::Rsa { .. } | KeyKind::Ed25519 => None,
    }
}

/// The same number in exactly so many bytes.
fn padded(number: &[u8], width: usize) -> Option<Zeroizing<Vec<u8>>> {
    let zeros = number.iter().take_while(|&&byte| byte == 0).count();
    let (_, significant) = number.split_at_checked(zeros)?;
    let missing = width.checked_sub(significant.len())?;
    let mut padded = Zeroizing::new(vec![0; width]);
    padded.get_mut(missing..)?.copy_from_slice(significant);
    Some(padded)
}

#[cfg(test)]
mod tests {
    use super::{of_scalar, padded, uncompressed};
    use crate::KeyKind;

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
    fn both_halves_of_a_scalar_belong_together() {
        for kind in [KeyKind::P256, KeyKind::P384, KeyKind::P521] {
            let (pkcs8, point) = of_scalar(kind, &[7]).unwrap_or_default();
            assert!(!pkcs8.is_empty());
            assert_eq!(uncompressed(kind, &point), Some(point.clone()), "{kind}");
            assert_eq!(of_scalar(kind, &[0; 80]), None);
        }
        assert_eq!(of_scalar(KeyKind::Ed25519, &[7]), None);
        assert_eq!(uncompressed(KeyKind::Rsa { bits: 2048 }, &[4; 65]), None);
    }
}
