//! Ed25519 arithmetic, to make signatures that break the rules (RFC 8032, 5.1).

use crate::number::Number;
use vouchsafe_crypto::{DigestAlgorithm, Provider};

/// The points of small order: the neutral point, one of order 2, two of order 4, and four of order 8.
pub(crate) const TORSION: [&str; 8] = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
];

/// Returns the prime of the field.
pub(crate) fn prime() -> Number {
    Number::below_power(255, 19)
}

/// Returns the order of the group.
pub(crate) fn order() -> Number {
    let rest = Number::from_be(&crate::der::hexadecimal("14def9dea2f79cd65812631a5cf5d3ed"));
    Number::power(252).plus(&rest)
}

fn sha512(parts: &[&[u8]]) -> Vec<u8> {
    let digest = Provider::rustcrypto().digest(DigestAlgorithm::Sha512, &parts.concat()).unwrap();
    digest.as_ref().to_vec()
}

/// Returns the secret scalar of a seed.
pub(crate) fn secret(seed: &[u8]) -> Number {
    let mut scalar = sha512(&[seed])[..32].to_vec();
    scalar[0] &= 0xf8;
    scalar[31] = scalar[31] & 0x7f | 0x40;
    Number::from_le(&scalar)
}

/// Returns k, the hash of R, the key and the message.
pub(crate) fn challenge(r: &[u8], key: &[u8], message: &[u8]) -> Number {
    Number::from_le(&sha512(&[r, key, message])).modulo(&order())
}

/// Returns S = r + k a.
pub(crate) fn response(r: &Number, k: &Number, secret: &Number) -> Vec<u8> {
    k.times(secret).plus(r).modulo(&order()).to_le_of(32)
}

/// Returns the nonce r of a signature made with this secret.
pub(crate) fn nonce(signature: &[u8], key: &[u8], message: &[u8], secret: &Number) -> Number {
    let order = order();
    let product = challenge(&signature[..32], key, message).times(secret).modulo(&order);
    Number::from_le(&signature[32..]).plus(&order).minus(&product).modulo(&order)
}

/// Returns the sum of two points, encoded.
pub(crate) fn sum(one: &[u8], other: &[u8]) -> Vec<u8> {
    let p = prime();
    let ((x1, y1), (x2, y2)) = (decoded(one), decoded(other));
    let product = |a: &Number, b: &Number| a.times(b).modulo(&p);
    let t = product(&constant(), &product(&product(&x1, &x2), &product(&y1, &y2)));
    let one = Number::small(1);
    let x = product(&product(&x1, &y2).plus(&product(&y1, &x2)), &one.plus(&t).modulo(&p).inverse(&p));
    let y =
        product(&product(&y1, &y2).plus(&product(&x1, &x2)), &one.plus(&p).minus(&t).modulo(&p).inverse(&p));
    let mut bytes = y.to_le_of(32);
    bytes[31] |= u8::from(x.is_odd()) << 7;
    bytes
}

/// Returns d = -121665 / 121666.
fn constant() -> Number {
    let p = prime();
    p.minus(&Number::small(121_665)).times(&Number::small(121_666).inverse(&p)).modulo(&p)
}

/// Decodes a point (RFC 8032, 5.1.3).
fn decoded(point: &[u8]) -> (Number, Number) {
    let (p, one) = (prime(), Number::small(1));
    let mut bytes = point.to_vec();
    let sign = bytes[31] >> 7 == 1;
    bytes[31] &= 0x7f;
    let y = Number::from_le(&bytes);
    let square = y.times(&y).modulo(&p);
    let denominator = constant().times(&square).plus(&one).modulo(&p);
    let quotient = square.plus(&p).minus(&one).times(&denominator.inverse(&p)).modulo(&p);
    let mut x = quotient.to_the(&p.plus(&Number::small(3)).divided(&Number::small(8)).0, &p);
    if x.times(&x).modulo(&p) != quotient {
        let root = Number::small(2).to_the(&p.minus(&one).divided(&Number::small(4)).0, &p);
        x = x.times(&root).modulo(&p);
    }
    assert_eq!(x.times(&x).modulo(&p), quotient, "no point");
    if x.is_odd() != sign && !x.is_zero() {
        x = p.minus(&x);
    }
    (x, y)
}
