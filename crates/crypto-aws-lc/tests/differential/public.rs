//! Public keys in edge cases.

use crate::der::{EC, ED25519, NULL, PSS, RSA, bits, curves, integer, sequence, spki, tlv};
use crate::edwards::{self, TORSION};
use crate::number::Number;
use crate::rsa_numbers::Rsa;
use crate::{Backends, Expected, fixed, key_of};
use vouchsafe_crypto::KeyKind;

/// Tests every first byte of a point with every length, coordinates in edge cases, and algorithm identifiers.
pub(crate) fn points() -> usize {
    let mut backends = Backends::new();
    for (curve, kind) in curves().iter().zip([KeyKind::P256, KeyKind::P384, KeyKind::P521]) {
        let algorithm = curve.algorithm();
        let key = fixed(kind, 0x35);
        let good = key[0].public_key().spki_der().to_vec();
        let point = key_of(&good, 1 + 2 * curve.width);
        let (x, y) = (&point[1..=curve.width], &point[1 + curve.width..]);
        let prime = Number::from_be(&curve.prime);
        let negative = prime.minus(&Number::from_be(y)).to_be_of(curve.width);
        let parity = y[curve.width - 1] & 1;
        for first in 0..=255_u8 {
            for (body, name) in [(&point[1..], "x and y"), (x, "x"), (&[], "nothing")] {
                let expected = match (first, name) {
                    (4, "x and y") => Expected::Key(good.clone()),
                    (2 | 3, "x") => {
                        let y = if first & 1 == parity { y } else { &negative };
                        Expected::Key(spki(&algorithm, &[&[4], x, y].concat()))
                    }
                    _ => Expected::Refused,
                };
                let name = format!("{}, first byte {first}, {name}", curve.name);
                let found = backends.public(&name, &spki(&algorithm, &[&[first], body].concat()), &expected);
                if let Some(found) = found {
                    let ours = parity == first & 1 || first == 4;
                    for (provider, key) in backends.providers.clone().iter().zip(&key) {
                        let algorithm = key.signature_algorithm();
                        let signature = provider.sign(algorithm, key, b"message").unwrap();
                        backends.verdict(&name, algorithm, &found, b"message", &signature, Some(ours));
                    }
                }
            }
        }
        coordinates(&mut backends, curve, x, y);
        for length in [0, 1, 2, curve.width, 2 * curve.width, 2 * curve.width + 2, 3 * curve.width] {
            let body: Vec<u8> = point.iter().copied().chain([0; 100]).take(length).collect();
            let name = format!("{}, {length} bytes", curve.name);
            backends.public(&name, &spki(&algorithm, &body), &Expected::Refused);
        }
        let mut identifiers = vec![
            EC.to_vec(),
            [&EC[..], &NULL].concat(),
            [&EC[..], &tlv(0x30, &[2, 1, 1])].concat(),
            [&algorithm[..], &NULL].concat(),
            [&[6, 5, 0x2b, 0x81, 4, 1, 12], curve.identifier].concat(),
            [&EC[..], &[6, 5, 0x2b, 0x81, 4, 0, 10]].concat(),
            [&EC[..], &[6, 0]].concat(),
            curve.identifier.to_vec(),
            Vec::new(),
        ];
        let others = curves();
        identifiers
            .extend(others.iter().filter(|other| other.name != curve.name).map(|other| other.algorithm()));
        for identifier in identifiers {
            backends.public(curve.name, &spki(&identifier, &point), &Expected::Refused);
        }
        envelopes(&mut backends, &algorithm, &point);
    }
    backends.finish("points")
}

/// Tests numbers that are not coordinates, and numbers that may be.
fn coordinates(backends: &mut Backends, curve: &crate::der::Curve, x: &[u8], y: &[u8]) {
    let (prime, width) = (Number::from_be(&curve.prime), curve.width);
    let one = Number::small(1);
    let mut numbers = vec![
        vec![0; width],
        one.to_be_of(width),
        Number::small(5).to_be_of(width),
        prime.minus(&one).to_be_of(width),
        prime.to_be_of(width),
        prime.plus(&one).to_be_of(width),
        prime.plus(&Number::small(5)).to_be_of(width),
        Number::from_be(&curve.order).to_be_of(width),
        vec![0xff; width],
        x.to_vec(),
        y.to_vec(),
    ];
    numbers.dedup();
    for a in &numbers {
        let below = Number::from_be(a) < prime;
        let expected = if below { Expected::Same } else { Expected::Refused };
        for first in [2, 3] {
            let name = format!("{}, compressed {a:02x?}", curve.name);
            backends.public(&name, &spki(&curve.algorithm(), &[&[first], &a[..]].concat()), &expected);
        }
        for b in &numbers {
            let same = (a, b) == (&x.to_vec(), &y.to_vec());
            let expected = if same { Expected::Same } else { Expected::Refused };
            let name = format!("{}, x {a:02x?} y {b:02x?}", curve.name);
            backends.public(&name, &spki(&curve.algorithm(), &[&[4], &a[..], b].concat()), &expected);
        }
    }
}

/// Tests the same key in invalid DER.
fn envelopes(backends: &mut Backends, algorithm: &[u8], key: &[u8]) {
    let identifier = tlv(0x30, algorithm);
    let long = |element: &[u8]| {
        let header = if element[1] & 0x80 == 0 { 2 } else { 2 + usize::from(element[1] & 0x7f) };
        let length = (element.len() - header) as u32;
        [&[element[0], 0x84][..], &length.to_be_bytes(), &element[header..]].concat()
    };
    let good = spki(algorithm, key);
    let mut forms = vec![
        [&good[..], &[0]].concat(),
        [&good[..], &NULL].concat(),
        good[..good.len() - 1].to_vec(),
        long(&good),
        sequence(&[&long(&identifier), &bits(0, key)]),
        sequence(&[&identifier, &long(&bits(0, key))]),
        sequence(&[&identifier, &bits(0, key), &NULL]),
        sequence(&[&identifier, &tlv(4, key)]),
        sequence(&[&identifier, &tlv(3, &[])]),
        sequence(&[&bits(0, key), &identifier]),
        [&[0x30, 0x80][..], &identifier, &bits(0, key), &[0, 0]].concat(),
        tlv(0x31, &[identifier.clone(), bits(0, key)].concat()),
        tlv(0x23, &bits(0, key)),
    ];
    forms.extend((1..=8).map(|unused| sequence(&[&identifier, &bits(unused, key)])));
    for form in forms {
        backends.public("an envelope", &form, &Expected::Refused);
    }
}

/// Tests points of small order, every y that is not reduced, lengths and parameters.
pub(crate) fn ed25519() -> usize {
    let mut backends = Backends::new();
    let key = fixed(KeyKind::Ed25519, 0x35);
    let good = key[0].public_key().spki_der().to_vec();
    let point = key_of(&good, 32);
    backends.public("good", &good, &Expected::Key(spki(&ED25519, &point)));
    for torsion in TORSION {
        let mut bytes = crate::der::hexadecimal(torsion);
        for _ in 0..2 {
            backends.public(torsion, &spki(&ED25519, &bytes), &Expected::Refused);
            bytes[31] ^= 0x80;
        }
        let mixed = edwards::sum(&point, &crate::der::hexadecimal(torsion));
        let expected = Expected::Key(spki(&ED25519, &mixed));
        backends.public("a point of mixed order", &spki(&ED25519, &mixed), &expected);
    }
    let prime = edwards::prime();
    for small in 0..19 {
        for sign in [0, 0x80] {
            for (y, expected) in [
                (Number::small(small), Expected::Same),
                (prime.plus(&Number::small(small)), Expected::Refused),
                (prime.minus(&Number::small(small + 1)), Expected::Same),
            ] {
                let mut bytes = y.to_le_of(32);
                bytes[31] |= sign;
                backends.public(&format!("y {bytes:02x?}"), &spki(&ED25519, &bytes), &expected);
            }
        }
    }
    for length in (0..=70).filter(|&length| length != 32) {
        let bytes: Vec<u8> = point.iter().copied().cycle().take(length).collect();
        backends.public(&format!("{length} bytes"), &spki(&ED25519, &bytes), &Expected::Refused);
    }
    for parameters in [&NULL[..], &ED25519, &[0x30, 0], &[4, 0], &[5, 1, 0]] {
        let algorithm = [&ED25519[..], parameters].concat();
        backends.public("parameters", &spki(&algorithm, &point), &Expected::Refused);
    }
    for last in [110, 111, 113] {
        let algorithm = [6, 3, 0x2b, 0x65, last];
        backends.public("X25519, X448, Ed448", &spki(&algorithm, &point), &Expected::Refused);
    }
    envelopes(&mut backends, &ED25519, &point);
    backends.finish("Ed25519 keys")
}

/// Tests moduli, exponents and parameters.
pub(crate) fn rsa() -> usize {
    let mut backends = Backends::new();
    let plain = [&RSA[..], &NULL].concat();
    let exponents: [(u64, bool); 17] = [
        (0, false),
        (1, false),
        (2, false),
        (3, true),
        (4, false),
        (5, true),
        (17, true),
        (35, true),
        (65_536, false),
        (65_537, true),
        ((1 << 32) - 1, true),
        (1 << 32, false),
        ((1 << 32) + 1, true),
        ((1 << 33) - 1, true),
        (1 << 33, false),
        ((1 << 33) + 1, false),
        ((1 << 63) + 1, false),
    ];
    let moduli: Vec<(Number, bool)> = (2046..=2060)
        .chain([3071, 4095, 4097, 8191, 8192, 8193, 8200])
        .map(|length| (Number::below_power(length, 15), (2048..=8192).contains(&length)))
        .chain([(Number::below_power(2048, 16), false), (Number::small(0), false), (Number::small(1), false)])
        .collect();
    let signature = |modulus: &Number| modulus.minus(&Number::small(2)).to_be_of(modulus.bits().div_ceil(8));
    for (modulus, fitting) in &moduli {
        for (exponent, fits) in exponents {
            let key = sequence(&[&integer(&modulus.to_be()), &integer(&exponent.to_be_bytes())]);
            let normal = spki(&plain, &key);
            let accepted = *fitting && fits;
            for (parameters, allowed) in [
                (&NULL[..], true),
                (&[], true),
                (&[5, 1, 0], false),
                (&[0x30, 0], false),
                (&[4, 0], false),
                (&RSA, false),
            ] {
                let expected =
                    if accepted && allowed { Expected::Key(normal.clone()) } else { Expected::Refused };
                let name = format!("{} bits, e {exponent}, {parameters:02x?}", modulus.bits());
                let found = backends.public(&name, &spki(&[&RSA[..], parameters].concat(), &key), &expected);
                // (n - 2)^e is not a padded digest.
                if let Some(found) = found.filter(|_| exponent == 65_537 || exponent == 3) {
                    use vouchsafe_crypto::SignatureAlgorithm as A;
                    for algorithm in [A::RsaSha256, A::RsaPssSha512] {
                        let bytes = signature(modulus);
                        backends.verdict(&name, algorithm, &found, b"message", &bytes, Some(false));
                    }
                }
            }
        }
    }
    let good = Rsa::balanced();
    let (modulus, e) = (good.0[0].to_be(), integer(&[1, 0, 1]));
    for (what, key) in [
        ("a modulus without its sign byte", sequence(&[&tlv(2, &modulus), &e])),
        ("a modulus with two zeros", sequence(&[&tlv(2, &[&[0, 0], &modulus[..]].concat()), &e])),
        ("an exponent with a zero", sequence(&[&integer(&modulus), &[2, 4, 0, 1, 0, 1]])),
        ("a negative exponent", sequence(&[&integer(&modulus), &[2, 1, 0xfd]])),
        ("an empty exponent", sequence(&[&integer(&modulus), &[2, 0]])),
        ("an empty modulus", sequence(&[&[2, 0], &e])),
        ("a third number", sequence(&[&integer(&modulus), &e, &e])),
        ("one number", sequence(&[&integer(&modulus)])),
        ("something behind", [good.public(), vec![0]].concat()),
        ("nothing", Vec::new()),
    ] {
        backends.public(what, &spki(&plain, &key), &Expected::Refused);
    }
    envelopes(&mut backends, &plain, &good.public());
    backends.finish("RSA keys")
}

/// Tests RSASSA-PSS: every digest with every mask and salt.
pub(crate) fn pss() -> usize {
    let mut backends = Backends::new();
    let key = Rsa::balanced().public();
    let digest = |last: u8, null: &[u8]| sequence(&[&[6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, last], null]);
    let mgf1 = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 8];
    // The digests are SHA-256, SHA-384, SHA-512, SHA-224 and SHA3-256.
    for (hash, length) in [(1, 32), (2, 48), (3, 64), (4, 0), (8, 0)] {
        for mask in [1, 2, 3, 4, 8] {
            for salt in [0, 20, 32, 33, 48, 49, 64, 65, 127] {
                for null in [&NULL[..], &[]] {
                    let parameters = sequence(&[
                        &tlv(0xa0, &digest(hash, null)),
                        &tlv(0xa1, &sequence(&[&mgf1, &digest(mask, null)])),
                        &tlv(0xa2, &[2, 1, salt]),
                    ]);
                    let form = spki(&[&PSS[..], &parameters].concat(), &key);
                    let fits = hash == mask && salt <= length && length > 0;
                    let expected = if fits { Expected::Key(form.clone()) } else { Expected::Refused };
                    let name = format!("PSS {hash} {mask} {salt} {null:?}");
                    backends.public(&name, &form, &expected);
                }
            }
        }
    }
    let without = spki(&PSS, &key);
    backends.public("PSS without parameters", &without, &Expected::Key(without.clone()));
    for parameters in [&NULL[..], &[0x30, 0], &[0x30, 2, 0xa0, 0], &[4, 0]] {
        let form = spki(&[&PSS[..], parameters].concat(), &key);
        backends.public("PSS parameters", &form, &Expected::Refused);
    }
    backends.finish("RSASSA-PSS keys")
}
