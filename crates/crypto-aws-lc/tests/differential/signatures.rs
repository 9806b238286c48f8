//! Signatures in edge cases.

use crate::der::{curves, hexadecimal, integer, sequence, spki};
use crate::edwards::{self, TORSION};
use crate::number::Number;
use crate::rsa_numbers::Rsa;
use crate::{Backends, Expected, fixed, key_of};
use vouchsafe_crypto::backend::ecdsa::to_asn1;
use vouchsafe_crypto::{KeyKind, PrivateKey, PublicKey, SignatureAlgorithm as A};

const MESSAGE: &[u8] = b"message";

fn public(keys: &[PrivateKey; 3]) -> [PublicKey; 3] {
    keys.each_ref().map(|key| key.public_key().clone())
}

/// Tests r and s in edge cases of the group, s in the upper half, other lengths, and ASN.1.
pub(crate) fn ecdsa() -> usize {
    let mut backends = Backends::new();
    for (curve, kind) in curves().iter().zip([KeyKind::P256, KeyKind::P384, KeyKind::P521]) {
        let keys = fixed(kind, 0x35);
        let public = public(&keys);
        let (width, order) = (curve.width, Number::from_be(&curve.order));
        for algorithm in [A::EcdsaSha256, A::EcdsaSha384, A::EcdsaSha512] {
            let good = backends.providers[0].sign(algorithm, &keys[0], MESSAGE).unwrap();
            let (r, s) = (Number::from_be(&good[..width]), Number::from_be(&good[width..]));
            let one = Number::small(1);
            let edges = [
                Number::small(0),
                one.clone(),
                order.minus(&one),
                order.clone(),
                order.plus(&one),
                Number::from_be(&curve.prime),
                Number::power(8 * width).minus(&one),
            ];
            let numbers =
                |own: &Number| [&edges[..], &[own.clone(), order.minus(own), own.plus(&order)]].concat();
            for first in numbers(&r) {
                for second in numbers(&s) {
                    if first.bits() > 8 * width || second.bits() > 8 * width {
                        continue; // r + n has no room
                    }
                    let holds = first == r && (second == s || second == order.minus(&s));
                    let signature = [first.to_be_of(width), second.to_be_of(width)].concat();
                    let name = format!("{}, r {:02x?} s {:02x?}", curve.name, first.to_be(), second.to_be());
                    backends.verdict(&name, algorithm, &public, MESSAGE, &signature, Some(holds));
                }
            }
            let longer = [r.to_be_of(width + 1), s.to_be_of(width + 1)].concat();
            let asn1 = sequence(&[&integer(&r.to_be()), &integer(&s.to_be())]);
            assert_eq!(to_asn1(&good).unwrap(), asn1);
            for other in
                [&asn1, &longer, &[&good[..], &[0]].concat(), &[&[0], &good[..]].concat(), &Vec::new()]
            {
                backends.verdict(curve.name, algorithm, &public, MESSAGE, other, Some(false));
            }
            for length in 0..good.len() {
                backends.verdict(curve.name, algorithm, &public, MESSAGE, &good[..length], Some(false));
            }
            for others in [A::Ed25519, A::RsaSha256] {
                backends.verdict(curve.name, others, &public, MESSAGE, &good, Some(false));
            }
        }
    }
    backends.finish("ECDSA signatures")
}

/// Tests the cases in which libraries disagree: R of small order, S that is not reduced, keys of mixed order, the
/// cofactor.
pub(crate) fn ed25519() -> usize {
    let mut backends = Backends::new();
    let seed = [0x35; 32];
    let keys = fixed(KeyKind::Ed25519, 0x35);
    let plain = public(&keys);
    let point = key_of(plain[0].spki_der(), 32);
    let secret = edwards::secret(&seed);
    let order = edwards::order();
    let honest = backends.providers[0].sign(A::Ed25519, &keys[0], MESSAGE).unwrap();
    let nonce = edwards::nonce(&honest, &point, MESSAGE, &secret);
    let rebuilt = edwards::response(&nonce, &edwards::challenge(&honest[..32], &point, MESSAGE), &secret);
    assert_eq!(rebuilt, honest[32..], "the arithmetic here is right");

    backends.verdict("honest", A::Ed25519, &plain, MESSAGE, &honest, Some(true));
    let s = Number::from_le(&honest[32..]);
    for times in 1..=15_u32 {
        let raised = s.plus(&order.times(&Number::small(times)));
        if raised.bits() <= 256 {
            let signature = [honest[..32].to_vec(), raised.to_le_of(32)].concat();
            backends.verdict("S + L", A::Ed25519, &plain, MESSAGE, &signature, Some(false));
        }
    }
    for length in 0..130 {
        let signature: Vec<u8> = honest.iter().copied().cycle().take(length).collect();
        backends.verdict("lengths", A::Ed25519, &plain, MESSAGE, &signature, Some(length == 64));
    }

    // With the secret, anybody can make R the neutral point: S = k a. AWS-LC accepts it, and RFC 8032 does not forbid
    // it.
    let zero = Number::small(0);
    for torsion in TORSION {
        for r in encodings(torsion) {
            let s = edwards::response(&zero, &edwards::challenge(&r, &point, MESSAGE), &secret);
            let name = format!("R of small order {torsion}");
            backends.verdict(&name, A::Ed25519, &plain, MESSAGE, &[r, s].concat(), Some(false));
        }
    }
    for torsion in TORSION.into_iter().skip(1).map(hexadecimal) {
        mixed(&mut backends, &edwards::sum(&point, &torsion), &torsion, &honest[..32], &nonce, &secret);
    }
    backends.finish("Ed25519 signatures")
}

/// Returns the canonical encoding, and the one with y not reduced if there is one.
fn encodings(torsion: &str) -> Vec<Vec<u8>> {
    let bytes = hexadecimal(torsion);
    let mut all = vec![bytes.clone()];
    let mut flipped = bytes.clone();
    flipped[31] ^= 0x80;
    all.push(flipped);
    if bytes[0] <= 1 && bytes[1..31].iter().all(|&byte| byte == 0) {
        for sign in [0x7f, 0xff] {
            let mut raised = [0xff; 32];
            raised[0] = 0xed + bytes[0];
            raised[31] = sign;
            all.push(raised.to_vec());
        }
    }
    all
}

/// Tests a key of mixed order A + T, with the secret of A.
fn mixed(backends: &mut Backends, key: &[u8], torsion: &[u8], r: &[u8], nonce: &Number, secret: &Number) {
    let form = spki(&crate::der::ED25519, key);
    let Some(public) = backends.public("mixed", &form, &Expected::Key(form.clone())) else { return };
    let multiples: Vec<Vec<u8>> =
        core::iter::successors(Some(hexadecimal(TORSION[0])), |sum| Some(edwards::sum(sum, torsion)))
            .take(8)
            .collect();
    for attempt in 0..40_u32 {
        let message = attempt.to_be_bytes();
        // S B - k (A + T) = R - k T: without the cofactor this holds only if k T is the neutral point.
        let k = edwards::challenge(r, key, &message);
        let residue = usize::from(k.to_le_of(32)[0] & 7);
        let holds = multiples[residue] == multiples[0];
        let signature = [r, &edwards::response(nonce, &k, secret)].concat();
        backends.verdict("mixed order", A::Ed25519, &public, &message, &signature, Some(holds));
        // R = -k T with S = k a holds if it fits by chance; R is of small order.
        for small in &multiples {
            let k = edwards::challenge(small, key, &message);
            let signature = [&small[..], &edwards::response(&Number::small(0), &k, secret)].concat();
            backends.verdict("R of small order", A::Ed25519, &public, &message, &signature, Some(false));
        }
    }
}

/// Tests numbers in edge cases of the modulus, and other lengths.
pub(crate) fn rsa() -> usize {
    let mut backends = Backends::new();
    for rsa in [Rsa::balanced(), Rsa::of_2049_bits(), Rsa::of_2055_bits()] {
        let pem = crate::der::pem("PRIVATE KEY", &rsa.pkcs8());
        let keys = backends.providers.each_ref().map(|provider| provider.private_key(&pem).unwrap());
        let public = public(&keys);
        let (modulus, width) = (&rsa.0[0], rsa.0[0].bits().div_ceil(8));
        for algorithm in
            [A::RsaSha256, A::RsaSha384, A::RsaSha512, A::RsaPssSha256, A::RsaPssSha384, A::RsaPssSha512]
        {
            let good = backends.providers[0].sign(algorithm, &keys[0], MESSAGE).unwrap();
            backends.verdict("good", algorithm, &public, MESSAGE, &good, Some(true));
            let value = Number::from_be(&good);
            let one = Number::small(1);
            for number in [
                Number::small(0),
                one.clone(),
                modulus.minus(&one),
                modulus.clone(),
                modulus.plus(&one),
                modulus.minus(&value),
                value.plus(modulus),
                value.plus(modulus).plus(modulus),
                Number::power(8 * width).minus(&one),
            ] {
                if number.bits() <= 8 * width {
                    let name = format!("{} bits, {} of {}", modulus.bits(), number.bits(), width);
                    let signature = number.to_be_of(width);
                    backends.verdict(&name, algorithm, &public, MESSAGE, &signature, Some(false));
                }
            }
            for other in [
                value.to_be_of(width + 1),
                [&good[..], &[0]].concat(),
                good[..width - 1].to_vec(),
                good[1..].to_vec(),
                Vec::new(),
            ] {
                backends.verdict("lengths", algorithm, &public, MESSAGE, &other, Some(false));
            }
        }
    }
    backends.finish("RSA signatures")
}
