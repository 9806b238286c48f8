//! RSA keys of known primes: the largest primes below powers of two.

use crate::der::{NULL, RSA, integer, pkcs8, sequence, spki};
use crate::number::Number;

/// The numbers of a key, in the order of PKCS#1: n, e, d, p, q, d mod p - 1, d mod q - 1, q^-1 mod p.
#[derive(Clone)]
pub(crate) struct Rsa(pub(crate) [Number; 8]);

pub(crate) const NAMES: [&str; 8] = ["n", "e", "d", "p", "q", "dp", "dq", "qinv"];

impl Rsa {
    /// Returns a key of 2048 bits.
    pub(crate) fn balanced() -> Self {
        Self::of(Number::below_power(1024, 105), Number::below_power(1024, 179), 65_537)
    }

    /// Returns a key of 2049 bits: one prime has one bit more than the other.
    pub(crate) fn of_2049_bits() -> Self {
        Self::of(Number::below_power(1025, 2673), Number::below_power(1024, 105), 65_537)
    }

    /// Returns a key of 2055 bits.
    pub(crate) fn of_2055_bits() -> Self {
        Self::of(Number::below_power(1028, 497), Number::below_power(1027, 4959), 65_537)
    }

    /// Returns a key of 2048 bits with one prime much longer than the other.
    pub(crate) fn unbalanced() -> Self {
        Self::of(Number::below_power(1048, 449), Number::below_power(1000, 1245), 65_537)
    }

    pub(crate) fn of(p: Number, q: Number, exponent: u32) -> Self {
        let e = Number::small(exponent);
        let d = e.inverse(&totient(&p, &q));
        Self::with(p, q, e, d)
    }

    /// Computes the other numbers from these.
    pub(crate) fn with(p: Number, q: Number, e: Number, d: Number) -> Self {
        let one = Number::small(1);
        let (dp, dq) = (d.modulo(&p.minus(&one)), d.modulo(&q.minus(&one)));
        let qinv = q.inverse(&p);
        Self([p.times(&q), e, d, p, q, dp, dq, qinv])
    }

    pub(crate) fn pkcs1(&self) -> Vec<u8> {
        let numbers: Vec<u8> = self.0.iter().flat_map(|number| integer(&number.to_be())).collect();
        sequence(&[&[2, 1, 0], &numbers])
    }

    pub(crate) fn pkcs8(&self) -> Vec<u8> {
        pkcs8(&[&RSA[..], &NULL].concat(), &self.pkcs1())
    }

    /// Returns RSAPublicKey in DER.
    pub(crate) fn public(&self) -> Vec<u8> {
        sequence(&[&integer(&self.0[0].to_be()), &integer(&self.0[1].to_be())])
    }

    pub(crate) fn spki(&self) -> Vec<u8> {
        spki(&[&RSA[..], &NULL].concat(), &self.public())
    }
}

/// Returns (p - 1)(q - 1).
pub(crate) fn totient(p: &Number, q: &Number) -> Number {
    let one = Number::small(1);
    p.minus(&one).times(&q.minus(&one))
}
