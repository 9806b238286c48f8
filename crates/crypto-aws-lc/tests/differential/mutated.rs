//! Keys and signatures with random changes, from one seed.

use crate::der::pem;
use crate::{Backends, Expected, fixed};
use vouchsafe_crypto::{KeyKind, SignatureAlgorithm as A, base64_decode};

/// The generator splitmix64, with the same numbers in each run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn byte(&mut self) -> u8 {
        self.next() as u8
    }

    /// Makes one to three changes.
    fn mutate(&mut self, original: &[u8]) -> Vec<u8> {
        let mut bytes = original.to_vec();
        for _ in 0..=self.below(3) {
            if bytes.is_empty() {
                break;
            }
            let place = self.below(bytes.len());
            match self.below(10) {
                0..=3 => bytes[place] ^= 1 << self.below(8),
                4 | 5 => bytes[place] = self.byte(),
                6 => bytes[place] = [0, 1, 2, 3, 4, 5, 6, 0x7f, 0x80, 0xff][self.below(10)],
                7 => {
                    bytes.remove(place);
                }
                8 => bytes.insert(place, self.byte()),
                _ => {
                    let other = self.below(bytes.len());
                    bytes.swap(place, other);
                }
            }
        }
        bytes
    }
}

const P256: KeyKind = KeyKind::P256;
const RSA: KeyKind = KeyKind::Rsa { bits: 2048 };

/// The number of mutations of each public key; cheap keys have more.
const PUBLIC: [(KeyKind, usize); 5] =
    [(P256, 6_000), (KeyKind::Ed25519, 5_000), (KeyKind::P384, 1_500), (KeyKind::P521, 1_500), (RSA, 2_000)];
const PRIVATE: [(KeyKind, usize); 3] = [(P256, 2_500), (KeyKind::Ed25519, 1_000), (RSA, 500)];

pub(crate) fn keys() -> usize {
    let (mut random, mut count) = (Random(9), 0);
    let mut backends = Backends::new();
    for (kind, mutations) in PUBLIC {
        let keys = fixed(kind, 0x35);
        let algorithm = keys[0].signature_algorithm();
        let spki = keys[0].public_key().spki_der().to_vec();
        let signature = backends.providers[0].sign(algorithm, &keys[0], b"message").unwrap();
        for _ in 0..mutations {
            count += 1;
            // In one case of four the algorithm identifier stays, so that more of the results are keys.
            let mutated = if random.below(4) == 0 {
                let kept = spki.len().saturating_sub(100).max(12);
                [&spki[..kept], &random.mutate(&spki[kept..])].concat()
            } else {
                random.mutate(&spki)
            };
            let name = format!("{kind} {mutated:02x?}");
            if let Some(found) = backends.public(&name, &mutated, &Expected::Same) {
                let own = found[0].spki_der() == spki;
                let expected = (found[0].kind() == kind).then_some(own);
                backends.verdict(&name, algorithm, &found, b"message", &signature, expected);
            }
        }
    }
    for (kind, mutations) in PRIVATE {
        let stored = fixed(kind, 0x35)[0].to_pkcs8_pem();
        let text: String = stored.as_str().lines().filter(|line| !line.starts_with('-')).collect();
        let pkcs8 = base64_decode(text).unwrap();
        for _ in 0..mutations {
            count += 1;
            let mutated = random.mutate(&pkcs8);
            let name = format!("{kind} private {mutated:02x?}");
            if let Some(found) = backends.private(&name, &pem("PRIVATE KEY", &mutated), &Expected::Same) {
                backends.crossed(&name, &found);
            }
        }
    }
    backends.finish("mutated keys");
    count
}

pub(crate) fn signatures() -> usize {
    let mut random = Random(16);
    let mut backends = Backends::new();
    for (kind, algorithm, mutations) in [
        (P256, A::EcdsaSha256, 800),
        (P256, A::EcdsaSha512, 200),
        (KeyKind::P384, A::EcdsaSha384, 200),
        (KeyKind::P521, A::EcdsaSha512, 200),
        (KeyKind::Ed25519, A::Ed25519, 1_000),
        (RSA, A::RsaSha256, 300),
        (RSA, A::RsaPssSha256, 300),
    ] {
        let keys = fixed(kind, 0x35);
        let public = keys.each_ref().map(|key| key.public_key().clone());
        let signature = backends.providers[0].sign(algorithm, &keys[0], b"message").unwrap();
        for _ in 0..mutations {
            let mutated = random.mutate(&signature);
            let holds = mutated == signature;
            let name = format!("{algorithm:?} {mutated:02x?}");
            backends.verdict(&name, algorithm, &public, b"message", &mutated, Some(holds));
        }
    }
    backends.finish("mutated signatures")
}
