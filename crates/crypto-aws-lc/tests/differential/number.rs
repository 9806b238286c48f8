//! Numbers of any length. The code is slow and simple, and can make keys and signatures that no library makes.

use core::cmp::Ordering;

/// Limbs of 32 bits, the lowest first, without leading zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Number(Vec<u32>);

impl Number {
    pub(crate) fn small(value: u32) -> Self {
        Self(vec![value]).trimmed()
    }

    /// Returns 2^bits - less.
    pub(crate) fn below_power(bits: usize, less: u32) -> Self {
        Self::power(bits).minus(&Self::small(less))
    }

    pub(crate) fn power(bits: usize) -> Self {
        let mut limbs = vec![0; bits / 32 + 1];
        limbs[bits / 32] = 1 << (bits % 32);
        Self(limbs)
    }

    pub(crate) fn from_be(bytes: &[u8]) -> Self {
        let limbs =
            bytes.rchunks(4).map(|chunk| chunk.iter().fold(0, |limb, &byte| limb << 8 | u32::from(byte)));
        Self(limbs.collect()).trimmed()
    }

    pub(crate) fn from_le(bytes: &[u8]) -> Self {
        Self::from_be(&bytes.iter().rev().copied().collect::<Vec<u8>>())
    }

    /// Returns big-endian bytes without leading zeros.
    pub(crate) fn to_be(&self) -> Vec<u8> {
        let bytes = self.0.iter().rev().flat_map(|limb| limb.to_be_bytes());
        bytes.skip_while(|&byte| byte == 0).collect()
    }

    pub(crate) fn to_be_of(&self, width: usize) -> Vec<u8> {
        let bytes = self.to_be();
        [vec![0; width - bytes.len()], bytes].concat()
    }

    pub(crate) fn to_le_of(&self, width: usize) -> Vec<u8> {
        self.to_be_of(width).into_iter().rev().collect()
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn is_odd(&self) -> bool {
        self.0.first().is_some_and(|limb| limb & 1 == 1)
    }

    pub(crate) fn bits(&self) -> usize {
        self.0.last().map_or(0, |top| self.0.len() * 32 - top.leading_zeros() as usize)
    }

    fn bit(&self, place: usize) -> bool {
        self.0.get(place / 32).is_some_and(|limb| limb >> (place % 32) & 1 == 1)
    }

    pub(crate) fn plus(&self, other: &Self) -> Self {
        let mut carry = 0;
        let length = self.0.len().max(other.0.len()) + 1;
        let limbs = (0..length).map(|place| {
            let sum = u64::from(self.limb(place)) + u64::from(other.limb(place)) + carry;
            carry = sum >> 32;
            sum as u32
        });
        Self(limbs.collect()).trimmed()
    }

    /// Returns the difference. The other number must not be larger.
    pub(crate) fn minus(&self, other: &Self) -> Self {
        let mut borrow = 0;
        let limbs = (0..self.0.len()).map(|place| {
            let difference = i64::from(self.limb(place)) - i64::from(other.limb(place)) - borrow;
            borrow = i64::from(difference < 0);
            difference as u32
        });
        let limbs = limbs.collect();
        assert_eq!(borrow, 0, "a negative number");
        Self(limbs).trimmed()
    }

    pub(crate) fn times(&self, other: &Self) -> Self {
        let mut limbs = vec![0_u32; self.0.len() + other.0.len() + 1];
        for (low, &one) in self.0.iter().enumerate() {
            let mut carry = 0;
            for high in 0..=other.0.len() {
                let sum = u64::from(one) * u64::from(other.limb(high)) + u64::from(limbs[low + high]) + carry;
                limbs[low + high] = sum as u32;
                carry = sum >> 32;
            }
        }
        Self(limbs).trimmed()
    }

    /// Returns quotient and remainder.
    pub(crate) fn divided(&self, divisor: &Self) -> (Self, Self) {
        let shift = (self.bits() + 1).saturating_sub(divisor.bits());
        let mut shifted = divisor.times(&Self::power(shift));
        let (mut quotient, mut rest) = (Self(Vec::new()), self.clone());
        for place in (0..=shift).rev() {
            if rest >= shifted {
                rest = rest.minus(&shifted);
                quotient = quotient.plus(&Self::power(place));
            }
            shifted = shifted.halved();
        }
        (quotient, rest)
    }

    pub(crate) fn modulo(&self, modulus: &Self) -> Self {
        self.divided(modulus).1
    }

    pub(crate) fn to_the(&self, exponent: &Self, modulus: &Self) -> Self {
        let mut result = Self::small(1);
        for place in (0..exponent.bits()).rev() {
            result = result.times(&result).modulo(modulus);
            if exponent.bit(place) {
                result = result.times(self).modulo(modulus);
            }
        }
        result
    }

    /// Returns the inverse by the algorithm of Euclid. The two numbers must have no common divisor.
    pub(crate) fn inverse(&self, modulus: &Self) -> Self {
        let (mut before, mut rest) = (modulus.clone(), self.modulo(modulus));
        let (mut factor_before, mut factor) = (Self(Vec::new()), Self::small(1));
        while !rest.is_zero() {
            let (quotient, next) = before.divided(&rest);
            let subtracted = quotient.times(&factor).modulo(modulus);
            let next_factor = factor_before.plus(modulus).minus(&subtracted).modulo(modulus);
            (before, rest) = (rest, next);
            (factor_before, factor) = (factor, next_factor);
        }
        assert_eq!(before, Self::small(1), "a common divisor");
        factor_before
    }

    fn halved(&self) -> Self {
        let limbs = (0..self.0.len()).map(|place| self.limb(place) >> 1 | self.limb(place + 1) << 31);
        Self(limbs.collect()).trimmed()
    }

    fn limb(&self, place: usize) -> u32 {
        self.0.get(place).copied().unwrap_or_default()
    }

    fn trimmed(mut self) -> Self {
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
        self
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
    }
}

#[test]
fn numbers_calculate() {
    let (a, b) = (Number::below_power(100, 3), Number::below_power(70, 9));
    let (quotient, rest) = a.times(&b).plus(&Number::small(17)).divided(&b);
    assert_eq!((quotient, rest), (a.clone(), Number::small(17)));
    let prime = Number::below_power(255, 19);
    assert_eq!(a.times(&a.inverse(&prime)).modulo(&prime), Number::small(1));
    assert_eq!(a.to_the(&prime.minus(&Number::small(2)), &prime), a.inverse(&prime));
    assert_eq!(Number::from_be(&b.to_be_of(20)), b);
    assert_eq!(Number::from_le(&b.to_le_of(20)), b);
}
