//! Arithmetic modulo the prime of a curve, on public numbers: points of public keys and of signatures. The time
//! depends on the numbers, so nothing secret may be passed here. The backend computes with private keys.

use core::cmp::Ordering;

/// The integers modulo an odd prime, in limbs of 64 bits, the lowest limb first.
pub(super) struct Field<const N: usize> {
    prime: [u64; N],
    /// The negative of the inverse of the prime modulo 2^64 (Montgomery, 1985).
    factor: u64,
    /// The number 2^(128 N) modulo the prime, which converts a number to Montgomery's form.
    square_of_radix: [u64; N],
}

/// A number below the prime in Montgomery's form: multiplied by 2^(64 N).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Residue<const N: usize>([u64; N]);

impl<const N: usize> Residue<N> {
    pub(super) const ZERO: Self = Self([0; N]);
}

impl<const N: usize> Field<N> {
    /// Makes the field of this prime, which is in big-endian bytes.
    pub(super) fn new(prime: &[u8]) -> Self {
        let prime = limbs::<N>(prime).unwrap_or([0; N]);
        let lowest = prime.first().copied().unwrap_or_default();
        // Newton's iteration doubles the number of correct bits: 3, 6, .. 96.
        let inverse = (0..5).fold(lowest.wrapping_mul(3) ^ 2, |inverse: u64, _| {
            inverse.wrapping_mul(2_u64.wrapping_sub(lowest.wrapping_mul(inverse)))
        });
        let mut field = Self { prime, factor: inverse.wrapping_neg(), square_of_radix: [0; N] };
        let mut power = [0; N];
        if let Some(limb) = power.first_mut() {
            *limb = 1;
        }
        for _ in 0..N.saturating_mul(128) {
            power = field.sum(&power, &power);
        }
        field.square_of_radix = power;
        field
    }

    /// Converts a number in big-endian bytes. Returns `None` if it is not below the prime.
    pub(super) fn read(&self, bytes: &[u8]) -> Option<Residue<N>> {
        let number = limbs(bytes)?;
        let is_below = compare(&number, &self.prime) == Ordering::Less;
        is_below.then(|| Residue(self.product(&number, &self.square_of_radix)))
    }

    /// Returns the number in `width` big-endian bytes.
    pub(super) fn write(&self, number: Residue<N>, width: usize) -> Vec<u8> {
        let mut one = [0; N];
        if let Some(limb) = one.first_mut() {
            *limb = 1;
        }
        let plain = self.product(&number.0, &one);
        let mut bytes: Vec<u8> = plain.iter().flat_map(|limb| limb.to_le_bytes()).take(width).collect();
        bytes.reverse();
        bytes
    }

    pub(super) fn add(&self, a: Residue<N>, b: Residue<N>) -> Residue<N> {
        Residue(self.sum(&a.0, &b.0))
    }

    pub(super) fn subtract(&self, a: Residue<N>, b: Residue<N>) -> Residue<N> {
        let (difference, borrow) = difference(&a.0, &b.0);
        Residue(if borrow { plus(&difference, &self.prime).0 } else { difference })
    }

    pub(super) fn multiply(&self, a: Residue<N>, b: Residue<N>) -> Residue<N> {
        Residue(self.product(&a.0, &b.0))
    }

    /// Returns `base` to the power of `exponent`, which is in big-endian bytes.
    pub(super) fn power(&self, base: Residue<N>, exponent: &[u8]) -> Option<Residue<N>> {
        let bits = exponent.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1));
        bits.skip_while(|bit| !bit).fold(None, |power: Option<Residue<N>>, bit| match power {
            None => Some(base),
            Some(power) => {
                let square = self.multiply(power, power);
                Some(if bit { self.multiply(square, base) } else { square })
            }
        })
    }

    fn sum(&self, a: &[u64; N], b: &[u64; N]) -> [u64; N] {
        let (sum, carry) = plus(a, b);
        self.reduced(sum, carry)
    }

    /// Returns the product of two numbers below the prime, divided by 2^(64 N).
    fn product(&self, a: &[u64; N], b: &[u64; N]) -> [u64; N] {
        let mut low = [0; N];
        let mut high = 0_u128;
        for limb in a {
            add_product(&mut low, &mut high, *limb, b);
            // Adding a multiple of the prime makes the lowest limb zero, so it can be dropped.
            let multiple = low.first().copied().unwrap_or_default().wrapping_mul(self.factor);
            add_product(&mut low, &mut high, multiple, &self.prime);
            low.rotate_left(1);
            if let Some(top) = low.last_mut() {
                (*top, _) = halves(high);
            }
            high >>= 64;
        }
        self.reduced(low, high != 0)
    }

    /// Returns the number modulo the prime. The number must be below twice the prime.
    fn reduced(&self, number: [u64; N], carry: bool) -> [u64; N] {
        if carry || compare(&number, &self.prime) != Ordering::Less {
            difference(&number, &self.prime).0
        } else {
            number
        }
    }
}

/// Adds `factor` times `number`.
fn add_product<const N: usize>(low: &mut [u64; N], high: &mut u128, factor: u64, number: &[u64; N]) {
    let mut carry = 0;
    for (place, limb) in low.iter_mut().zip(number) {
        // The sum is at most (2^64 - 1)^2 + 2 (2^64 - 1) = 2^128 - 1.
        let product = u128::from(factor).wrapping_mul(u128::from(*limb));
        let sum = product.wrapping_add(u128::from(*place)).wrapping_add(u128::from(carry));
        (*place, carry) = halves(sum);
    }
    *high = high.wrapping_add(u128::from(carry));
}

/// Returns the lower and the upper limb.
fn halves(number: u128) -> (u64, u64) {
    #[expect(clippy::cast_possible_truncation, reason = "the halves are what is wanted")]
    (number as u64, (number >> 64) as u64)
}

fn plus<const N: usize>(a: &[u64; N], b: &[u64; N]) -> ([u64; N], bool) {
    let (mut sum, mut carry) = (*a, false);
    for (place, limb) in sum.iter_mut().zip(b) {
        let (with_limb, over) = place.overflowing_add(*limb);
        let (with_carry, over_again) = with_limb.overflowing_add(u64::from(carry));
        (*place, carry) = (with_carry, over || over_again);
    }
    (sum, carry)
}

fn difference<const N: usize>(a: &[u64; N], b: &[u64; N]) -> ([u64; N], bool) {
    let (mut difference, mut borrow) = (*a, false);
    for (place, limb) in difference.iter_mut().zip(b) {
        let (without_limb, under) = place.overflowing_sub(*limb);
        let (without_borrow, under_again) = without_limb.overflowing_sub(u64::from(borrow));
        (*place, borrow) = (without_borrow, under || under_again);
    }
    (difference, borrow)
}

fn compare<const N: usize>(a: &[u64; N], b: &[u64; N]) -> Ordering {
    a.iter().rev().cmp(b.iter().rev())
}

/// Converts a number in big-endian bytes to limbs. Returns `None` if it is too long.
fn limbs<const N: usize>(bytes: &[u8]) -> Option<[u64; N]> {
    let mut limbs = [0; N];
    let mut chunks = bytes.rchunks(8);
    for (place, chunk) in limbs.iter_mut().zip(chunks.by_ref()) {
        *place = chunk.iter().fold(0, |limb: u64, byte| limb << 8 | u64::from(*byte));
    }
    chunks.flatten().all(|byte| *byte == 0).then_some(limbs)
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small numbers, in a test")]
mod tests {
    use super::Field;
    use proptest::prelude::*;

    /// The prime 2^61 - 1, which is small enough to check the results with numbers of the processor.
    const PRIME: u64 = (1 << 61) - 1;

    proptest! {
        #[test]
        fn the_laws_of_a_field(a in 0..PRIME, b in 0..PRIME, exponent in any::<u16>()) {
            let wide = |number: u64| u128::from(number);
            let modulo = |number: u128| (number % wide(PRIME)).to_be_bytes()[8..].to_vec();
            // One limb is too few for a prime that the other number of limbs has in common, so both are tried.
            let one = Field::<1>::new(&PRIME.to_be_bytes());
            let two = Field::<2>::new(&PRIME.to_be_bytes());
            let (x, y) = (one.read(&a.to_be_bytes()).unwrap(), one.read(&b.to_be_bytes()).unwrap());
            let (v, w) = (two.read(&a.to_be_bytes()).unwrap(), two.read(&b.to_be_bytes()).unwrap());
            for (narrow, broad, expected) in [
                (one.add(x, y), two.add(v, w), modulo(wide(a) + wide(b))),
                (one.subtract(x, y), two.subtract(v, w), modulo(wide(a) + wide(PRIME) - wide(b))),
                (one.multiply(x, y), two.multiply(v, w), modulo(wide(a) * wide(b))),
            ] {
                prop_assert_eq!(one.write(narrow, 8), expected.clone());
                prop_assert_eq!(two.write(broad, 8), expected);
            }
            let power = (0..exponent).fold(1_u128, |power, _| power * wide(a) % wide(PRIME));
            let computed = one.power(x, &exponent.to_be_bytes()).map(|power| one.write(power, 8));
            prop_assert_eq!(computed, (exponent > 0).then(|| modulo(power)));
        }
    }

    #[test]
    fn what_is_not_below_the_prime_is_no_residue() {
        let field = Field::<1>::new(&PRIME.to_be_bytes());
        assert!(field.read(&(PRIME - 1).to_be_bytes()).is_some());
        assert!(field.read(&[&[0; 4][..], &(PRIME - 1).to_be_bytes()].concat()).is_some(), "zeros in front");
        for number in [PRIME, PRIME + 1, u64::MAX] {
            assert!(field.read(&number.to_be_bytes()).is_none(), "{number}");
        }
        assert!(field.read(&[1, 0, 0, 0, 0, 0, 0, 0, 0]).is_none(), "too long");
    }
}
