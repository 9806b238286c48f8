//! The check of a signature's form, which every backend does before it verifies, because libraries differ in the
//! forms that they accept.
//!
//! The [table](crate#forms-of-keys-and-signatures) of the crate has the reason of each rule.

use crate::normal_form::{is_scalar, is_strict_ed25519_point};
use crate::{CryptoError, KeyKind};

/// The order of the group of Ed25519 (RFC 8032, 5.1), big-endian.
const ED25519_ORDER: [u8; 32] = [
    0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x14, 0xde, 0xf9, 0xde, 0xa2, 0xf7, 0x9c, 0xd6, 0x58,
    0x12, 0x63, 0x1a, 0x5c, 0xf5, 0xd3, 0xed,
];

/// Checks everything that does not depend on the message: the length; for ECDSA, that r and s are from 1 to the order
/// less 1; for Ed25519, that S is below the order, and that R is a point in its only encoding and not of small order.
///
/// ```
/// use vouchsafe_crypto::{KeyKind, backend::signature_form};
///
/// let zeros = signature_form::check(KeyKind::P256, &[0; 64]).unwrap_err();
/// assert_eq!(zeros.code(), "crypto.signature_invalid");
/// let short = signature_form::check(KeyKind::Rsa { bits: 2048 }, &[1; 255]).unwrap_err();
/// assert_eq!(short.code(), "crypto.signature_length");
/// ```
///
/// # Errors
///
/// [`CryptoError::SignatureLength`], [`CryptoError::SignatureInvalid`].
pub fn check(kind: KeyKind, signature: &[u8]) -> Result<(), CryptoError> {
    let (expected, actual) = (length(kind), signature.len());
    if expected != actual {
        return Err(CryptoError::SignatureLength { expected, actual });
    }
    let in_range = match kind {
        // Every backend refuses a number that is not below the modulus (RFC 8017, 5.2.2).
        KeyKind::Rsa { .. } => true,
        KeyKind::P256 | KeyKind::P384 | KeyKind::P521 => {
            let (r, s) = signature.split_at(expected.div_euclid(2));
            is_scalar(kind, r) && is_scalar(kind, s)
        }
        KeyKind::Ed25519 => is_strict_ed25519_signature(signature),
    };
    if in_range { Ok(()) } else { Err(CryptoError::SignatureInvalid {}) }
}

/// Returns the length of a signature in bytes.
fn length(kind: KeyKind) -> usize {
    match kind {
        KeyKind::Rsa { bits } => usize::try_from(bits.div_ceil(8)).unwrap_or(usize::MAX),
        KeyKind::P256 | KeyKind::Ed25519 => 64,
        KeyKind::P384 => 96,
        KeyKind::P521 => 132,
    }
}

fn is_strict_ed25519_signature(signature: &[u8]) -> bool {
    let Some((point, scalar)) = signature.split_at_checked(32) else { return false };
    scalar.iter().rev().lt(ED25519_ORDER.iter()) && is_strict_ed25519_point(point)
}

#[cfg(test)]
mod tests {
    use super::{ED25519_ORDER, check, is_strict_ed25519_signature};
    use crate::KeyKind;

    #[test]
    fn both_halves_are_in_range() {
        for (kind, width) in [(KeyKind::P256, 32), (KeyKind::P384, 48), (KeyKind::P521, 66)] {
            let one = [vec![0; width - 1], vec![1]].concat();
            let is_accepted = |r: &[u8], s: &[u8]| check(kind, &[r, s].concat()).is_ok();
            assert!(is_accepted(&one, &one));
            for bad in [vec![0; width], vec![0xff; width]] {
                assert!(!is_accepted(&one, &bad) && !is_accepted(&bad, &one), "{kind:?}");
            }
        }
    }

    #[test]
    fn the_scalar_is_below_the_order() {
        // This is the base point, which has the order of the group.
        let point = [&[0x58][..], &[0x66; 31]].concat();
        let mut order = ED25519_ORDER;
        order.reverse();
        let mut below = order;
        below[0] -= 1;
        let mut above = order;
        above[31] += 1;
        for (scalar, accepted) in
            [(below, true), ([0; 32], true), (order, false), (above, false), ([0xff; 32], false)]
        {
            assert_eq!(is_strict_ed25519_signature(&[&point[..], &scalar].concat()), accepted, "{scalar:?}");
        }
        assert!(!is_strict_ed25519_signature(&[&[1][..], &[0; 63]].concat()), "the neutral point");
        assert!(!is_strict_ed25519_signature(&[0; 31]));
    }
}
