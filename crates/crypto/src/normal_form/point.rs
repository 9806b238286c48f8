//! Points of the curves and ranges of their numbers. They are public values, and are checked in the same way for all
//! backends.

use super::field::{Field, Residue};
use crate::KeyKind;
use std::sync::LazyLock;

/// The first byte of the uncompressed and of the compressed form (SEC 1, 2.3.3). RFC 5480, 2.2 forbids the hybrid
/// forms (6, 7). The point at infinity (0) is not a key, and no other form is defined for these curves.
const UNCOMPRESSED: u8 = 4;
const COMPRESSED: [u8; 2] = [2, 3];

/// Returns the uncompressed form of a point. Returns `None` if it is not on the curve or has neither of these two
/// forms.
pub(crate) fn uncompressed(kind: KeyKind, point: &[u8]) -> Option<Vec<u8>> {
    match kind {
        KeyKind::P256 => P256.uncompressed(point),
        KeyKind::P384 => P384.uncompressed(point),
        KeyKind::P521 => P521.uncompressed(point),
        KeyKind::Rsa { .. } | KeyKind::Ed25519 => None,
    }
}

/// Returns whether a number is from 1 to the order of the curve less 1. It must have as many big-endian bytes as the
/// order.
pub(crate) fn is_scalar(kind: KeyKind, number: &[u8]) -> bool {
    order(kind).is_some_and(|order| {
        number.len() == order.len() && number < order && number.iter().any(|byte| *byte != 0)
    })
}

/// Returns the length of a scalar in bytes.
pub(super) fn width(kind: KeyKind) -> Option<usize> {
    order(kind).map(<[u8]>::len)
}

/// Returns the order of the curve (SEC 2, 2.4.2, 2.5.1, 2.6.1), big-endian.
fn order(kind: KeyKind) -> Option<&'static [u8]> {
    match kind {
        KeyKind::P256 => Some(&P256.order),
        KeyKind::P384 => Some(&P384.order),
        KeyKind::P521 => Some(&P521.order),
        KeyKind::Rsa { .. } | KeyKind::Ed25519 => None,
    }
}

/// Returns whether these bytes are a point of Ed25519 in its only encoding (y below 2^255 - 19) and not of small
/// order. Decoders also differ in the encoding of x = 0 with a sign; such a point has y = 1 or y = -1, which are of
/// small order.
pub(crate) fn is_strict_ed25519_point(point: &[u8]) -> bool {
    EDWARDS.has(point)
}

static P256: LazyLock<Curve<4>> = LazyLock::new(|| {
    Curve::new(
        "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
        "5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b",
        "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
    )
});
static P384: LazyLock<Curve<6>> = LazyLock::new(|| {
    Curve::new(
        "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffff",
        "b3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aef",
        "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
    )
});
static P521: LazyLock<Curve<9>> = LazyLock::new(|| {
    Curve::new(
        "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\
         ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "0051953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109\
         e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00",
        "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\
         fa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409",
    )
});
static EDWARDS: LazyLock<Edwards> = LazyLock::new(Edwards::new);

/// The curve y² = x³ - 3x + b over a prime that is 3 modulo 4 (FIPS 186-4, D.1.2).
struct Curve<const N: usize> {
    field: Field<N>,
    three: Residue<N>,
    b: Residue<N>,
    /// The number (p + 1) / 4. A square to this power is one of its square roots.
    root: Vec<u8>,
    order: Vec<u8>,
}

impl<const N: usize> Curve<N> {
    fn new(prime: &str, b: &str, order: &str) -> Self {
        let (prime, order) = (bytes(prime), bytes(order));
        let field = Field::new(&prime);
        let zero = field.subtract(residue(&field, &[1]), residue(&field, &[1]));
        let b = field.read(&bytes(b)).unwrap_or(zero);
        // The primes end in ..ff, so (p + 1) / 4 is p without its two lowest bits, plus one.
        let mut root = shifted(&prime, 2);
        increment(&mut root);
        Self { three: residue(&field, &[3]), field, b, root, order }
    }

    fn uncompressed(&self, point: &[u8]) -> Option<Vec<u8>> {
        let (form, coordinates) = point.split_first()?;
        let width = self.order.len();
        if *form == UNCOMPRESSED && coordinates.len() == width.checked_mul(2)? {
            let (x, y) = coordinates.split_at_checked(width)?;
            let (x, y) = (self.field.read(x)?, self.field.read(y)?);
            return (self.field.multiply(y, y) == self.right_side(x)).then(|| point.to_vec());
        }
        if !COMPRESSED.contains(form) || coordinates.len() != width {
            return None;
        }
        let square = self.right_side(self.field.read(coordinates)?);
        let y = self.field.power(square, &self.root)?;
        if self.field.multiply(y, y) != square {
            return None;
        }
        let is_odd = |number: &[u8]| number.last().is_some_and(|byte| byte & 1 == 1);
        let mut written = self.field.write(y, width);
        if is_odd(&written) != (form & 1 == 1) {
            let zero = self.field.subtract(y, y);
            written = self.field.write(self.field.subtract(zero, y), width);
        }
        Some([&[UNCOMPRESSED], coordinates, &written].concat())
    }

    fn right_side(&self, x: Residue<N>) -> Residue<N> {
        let square = self.field.multiply(x, x);
        let product = self.field.multiply(x, self.field.subtract(square, self.three));
        self.field.add(product, self.b)
    }
}

/// The curve -x² + y² = 1 + d x² y² modulo 2^255 - 19 (RFC 8032, 5.1).
struct Edwards {
    field: Field<4>,
    one: Residue<4>,
    d: Residue<4>,
    /// The number (p - 1) / 2. A non-zero number to this power is 1 if it is a square.
    half: Vec<u8>,
    /// The y coordinates of the points of order 1, 2, 4 and 8.
    of_small_order: Vec<Residue<4>>,
}

impl Edwards {
    fn new() -> Self {
        let prime = bytes("7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed");
        let field = Field::new(&prime);
        let one = residue(&field, &[1]);
        let zero = field.subtract(one, one);
        let d = bytes("52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3");
        let of_order_8 = bytes("7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7");
        let of_order_8 = field.read(&of_order_8).unwrap_or(zero);
        let of_small_order =
            vec![zero, one, field.subtract(zero, one), of_order_8, field.subtract(zero, of_order_8)];
        Self { d: field.read(&d).unwrap_or(zero), one, half: shifted(&prime, 1), of_small_order, field }
    }

    fn has(&self, point: &[u8]) -> bool {
        let Ok(mut y) = <[u8; 32]>::try_from(point) else { return false };
        y.reverse();
        if let Some(sign) = y.first_mut() {
            *sign &= 0x7f;
        }
        let Some(y) = self.field.read(&y) else { return false };
        if self.of_small_order.contains(&y) {
            return false;
        }
        // x² = (y² - 1) / (d y² + 1): a quotient is a square if the product is one. The divisor is never zero, and
        // the dividend is zero only for points of small order.
        let square = self.field.multiply(y, y);
        let dividend = self.field.subtract(square, self.one);
        let divisor = self.field.add(self.field.multiply(self.d, square), self.one);
        self.field.power(self.field.multiply(dividend, divisor), &self.half) == Some(self.one)
    }
}

fn residue<const N: usize>(field: &Field<N>, number: &[u8]) -> Residue<N> {
    field.read(number).unwrap_or(Residue::ZERO)
}

/// Returns the number without its lowest bits.
fn shifted(number: &[u8], bits: u32) -> Vec<u8> {
    let mut carry = 0_u16;
    let shift = |byte: &u8| {
        let wide = carry << 8 | u16::from(*byte);
        carry = u16::from(*byte);
        (wide >> bits).to_be_bytes()[1]
    };
    number.iter().map(shift).collect()
}

fn increment(number: &mut [u8]) {
    for byte in number.iter_mut().rev() {
        *byte = byte.wrapping_add(1);
        if *byte != 0 {
            break;
        }
    }
}

/// Returns the bytes of a constant in hexadecimal.
fn bytes(hexadecimal: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        hexadecimal.chars().filter_map(|digit| u8::try_from(digit.to_digit(16)?).ok()).collect();
    digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect()
}

#[cfg(all(test, feature = "rustcrypto"))]
#[expect(clippy::arithmetic_side_effects, reason = "small numbers, in a test")]
mod tests {
    use super::{EDWARDS, is_scalar, is_strict_ed25519_point, order, uncompressed, width};
    use crate::KeyKind;
    use p256::elliptic_curve::sec1::ToSec1Point as _;
    use proptest::prelude::*;

    /// Returns the result of RustCrypto for the same bytes.
    fn theirs(kind: KeyKind, point: &[u8]) -> Option<Vec<u8>> {
        if !(2..=4).contains(point.first()?) {
            return None;
        }
        match kind {
            KeyKind::P256 => p256::PublicKey::from_sec1_bytes(point)
                .ok()
                .map(|key| key.to_sec1_point(false).as_bytes().to_vec()),
            KeyKind::P384 => p384::PublicKey::from_sec1_bytes(point)
                .ok()
                .map(|key| key.to_sec1_point(false).as_bytes().to_vec()),
            KeyKind::P521 => p521::PublicKey::from_sec1_bytes(point)
                .ok()
                .map(|key| key.to_sec1_point(false).as_bytes().to_vec()),
            KeyKind::Rsa { .. } | KeyKind::Ed25519 => None,
        }
    }

    fn strict(point: &[u8; 32]) -> bool {
        let [lowest, middle @ .., highest] = point;
        let is_reduced = highest & 0x7f != 0x7f || middle.iter().any(|&byte| byte != 0xff) || *lowest < 0xed;
        is_reduced && ed25519_dalek::VerifyingKey::from_bytes(point).is_ok_and(|point| !point.is_weak())
    }

    const CURVES: [KeyKind; 3] = [KeyKind::P256, KeyKind::P384, KeyKind::P521];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        /// Half of all numbers below the prime are the x coordinate of a point.
        #[test]
        fn compressed_points_are_what_rustcrypto_makes_of_them(
            kind in prop::sample::select(&CURVES[..]),
            form in 0..6_u8,
            x in prop::collection::vec(any::<u8>(), 66),
            top in 0..4_u8,
        ) {
            let mut x = x[..width(kind).unwrap()].to_vec();
            if kind == KeyKind::P521 {
                x[0] = top;
            }
            let point = [&[form][..], &x].concat();
            let whole = uncompressed(kind, &point);
            prop_assert_eq!(&whole, &theirs(kind, &point));
            if let Some(mut whole) = whole {
                prop_assert_eq!(uncompressed(kind, &whole), Some(whole.clone()));
                let last = whole.len() - 1;
                whole[last] ^= 1 << top;
                prop_assert_eq!(uncompressed(kind, &whole), theirs(kind, &whole));
                prop_assert_eq!(uncompressed(kind, &whole[..last]), None);
            }
        }

        #[test]
        fn points_of_ed25519_are_what_dalek_makes_of_them(point: [u8; 32]) {
            prop_assert_eq!(is_strict_ed25519_point(&point), strict(&point));
        }

        #[test]
        fn scalars_are_below_the_order(kind in prop::sample::select(&CURVES[..]), low: [u8; 8], above: bool) {
            let mut number = order(kind).unwrap().to_vec();
            let end = number.len() - 8;
            number[end..].copy_from_slice(&low);
            if above {
                number[0] = number[0].wrapping_add(1);
            }
            let signature = [&number[..], &number].concat();
            let theirs = match kind {
                KeyKind::P256 => p256::ecdsa::Signature::from_slice(&signature).is_ok(),
                KeyKind::P384 => p384::ecdsa::Signature::from_slice(&signature).is_ok(),
                _ => p521::ecdsa::Signature::from_slice(&signature).is_ok(),
            };
            prop_assert_eq!(is_scalar(kind, &number), theirs);
        }
    }

    #[test]
    fn points_of_ed25519_at_the_edges() {
        let mut edges = vec![[0; 32], [0xff; 32], [1; 32]];
        for y in &EDWARDS.of_small_order {
            let mut y: [u8; 32] = EDWARDS.field.write(*y, 32).try_into().unwrap();
            y.reverse();
            edges.push(y);
        }
        for low in 0xe0..=0xff_u8 {
            let mut high = [0xff; 32];
            (high[0], high[31]) = (low, 0x7f);
            edges.push(high);
        }
        for low in 0..=40 {
            let mut small = [0; 32];
            small[0] = low;
            edges.push(small);
        }
        let mut accepted = 0;
        for mut point in edges {
            for sign in [0, 0x80] {
                point[31] ^= sign;
                assert_eq!(is_strict_ed25519_point(&point), strict(&point), "{point:02x?}");
                accepted += usize::from(strict(&point));
            }
        }
        assert!(accepted > 10, "{accepted}");
        assert!(!is_strict_ed25519_point(&[0; 31]) && !is_strict_ed25519_point(&[5; 33]));
    }

    #[test]
    fn scalars_at_the_edges() {
        for kind in CURVES {
            let order = order(kind).unwrap();
            let mut one = vec![0; order.len()];
            assert!(!is_scalar(kind, &one), "zero");
            *one.last_mut().unwrap() = 1;
            assert!(is_scalar(kind, &one) && !is_scalar(kind, &one[1..]) && !is_scalar(kind, order));
            let mut below = order.to_vec();
            *below.last_mut().unwrap() -= 1;
            assert!(is_scalar(kind, &below), "{kind}");
        }
        for kind in [KeyKind::Ed25519, KeyKind::Rsa { bits: 2048 }] {
            assert!(!is_scalar(kind, &[1; 32]) && uncompressed(kind, &[4; 65]).is_none());
        }
    }
}
