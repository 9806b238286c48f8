//! Private keys in edge cases.

use crate::der::{ED25519, NULL, RSA, bits, curves, integer, pem, pkcs8, sequence, spki, tlv};
use crate::number::Number;
use crate::rsa_numbers::{NAMES, Rsa, totient};
use crate::{Backends, Expected, fixed, key_of};
use vouchsafe_crypto::KeyKind;

const LABEL: &str = "PRIVATE KEY";

/// Returns ECPrivateKey in PKCS#8.
pub(crate) fn ec_pkcs8(
    algorithm: &[u8],
    scalar: &[u8],
    parameters: Option<&[u8]>,
    public: Option<&[u8]>,
) -> Vec<u8> {
    pkcs8(algorithm, &ec_private_key(scalar, parameters, public))
}

fn ec_private_key(scalar: &[u8], parameters: Option<&[u8]>, public: Option<&[u8]>) -> Vec<u8> {
    let parameters = parameters.map(|it| tlv(0xa0, it)).unwrap_or_default();
    let public = public.map(|it| tlv(0xa1, &bits(0, it))).unwrap_or_default();
    sequence(&[&[2, 1, 1], &tlv(4, scalar), &parameters, &public])
}

pub(crate) fn ed25519_pkcs8(seed: &[u8]) -> Vec<u8> {
    pkcs8(&ED25519, &tlv(4, seed))
}

/// Tests scalars in edge cases in every width, with every kind of public key and curve inside.
pub(crate) fn scalars() -> usize {
    let mut backends = Backends::new();
    for (curve, kind) in curves().iter().zip([KeyKind::P256, KeyKind::P384, KeyKind::P521]) {
        let (width, algorithm) = (curve.width, curve.algorithm());
        let order = Number::from_be(&curve.order);
        let one = Number::small(1);
        let own = fixed(kind, 0x35);
        let scalar = [&[0, 0][..], &vec![0x35; width - 2]].concat();
        let normal = own[0].public_key().spki_der().to_vec();
        let point = key_of(&normal, 1 + 2 * width);
        let other = key_of(fixed(kind, 0x36)[0].public_key().spki_der(), 1 + 2 * width);
        for (number, fits) in [
            (Number::small(0), false),
            (one.clone(), true),
            (Number::small(2), true),
            (Number::from_be(&scalar), true),
            (order.minus(&one), true),
            (order.clone(), false),
            (order.plus(&one), false),
            (Number::power(8 * width).minus(&one), false),
            (Number::power(8 * width), false),
        ] {
            let shortest = number.to_be().len();
            let widths = [0, 1, 23, 24, width - 2, width - 1, width, width + 1, width + 9, 200];
            for bytes in widths.into_iter().filter(|&bytes| bytes >= shortest) {
                let pem = pem(LABEL, &ec_pkcs8(&algorithm, &number.to_be_of(bytes), None, None));
                let expected = if fits { Expected::Same } else { Expected::Refused };
                let name = format!("{}, scalar of {shortest} in {bytes} bytes", curve.name);
                let found = backends.private(&name, &pem, &expected);
                if fits && found.is_none() {
                    backends.wrong.push(format!("{name}: refused"));
                }
                if let Some(found) = found.filter(|_| bytes == shortest || bytes == width) {
                    backends.crossed(&name, &found);
                }
            }
        }
        let mut compressed = point[..=width].to_vec();
        compressed[0] = 2 | point[2 * width] & 1;
        let hybrid = [&[6 | point[2 * width] & 1], &point[1..]].concat();
        let mut negated = compressed.clone();
        negated[0] ^= 1;
        let publics = [
            (None, true),
            (Some(&point[..]), true),
            (Some(&compressed), true),
            (Some(&negated), false),
            (Some(&hybrid), false),
            (Some(&other), false),
            (Some(&[0]), false),
            (Some(&[]), false),
        ];
        let others = curves();
        let foreign = others.iter().find(|other| other.name != curve.name).unwrap();
        for (inside, goes) in publics {
            for (parameters, fits) in [
                (None, true),
                (Some(curve.identifier), true),
                (Some(foreign.identifier), false),
                (Some(&NULL[..]), false),
                (Some(&[0x30, 3, 2, 1, 1][..]), false),
            ] {
                let der = ec_private_key(&scalar, parameters, inside);
                let expected = if goes && fits { Expected::Key(normal.clone()) } else { Expected::Refused };
                let name = format!("{}, inside {parameters:02x?} {inside:02x?}", curve.name);
                backends.private(&name, &pem(LABEL, &pkcs8(&algorithm, &der)), &expected);
                // SEC1 contains the curve itself: the number may be a scalar of another curve.
                let expected = match parameters {
                    Some(parameters) if parameters == foreign.identifier => Expected::Same,
                    Some(_) => expected,
                    None => Expected::Refused,
                };
                backends.private(&name, &pem("EC PRIVATE KEY", &der), &expected);
            }
        }
        for key in [
            Vec::new(),
            tlv(4, &scalar),
            sequence(&[&[2, 1, 0], &tlv(4, &scalar)]),
            sequence(&[&[2, 1, 2], &tlv(4, &scalar)]),
            sequence(&[&[2, 1, 1]]),
            sequence(&[&[2, 1, 1], &tlv(2, &scalar)]),
            sequence(&[&[2, 1, 1], &tlv(4, &scalar), &tlv(0xa1, &bits(1, &point))]),
            sequence(&[
                &[2, 1, 1],
                &tlv(4, &scalar),
                &tlv(0xa1, &bits(0, &point)),
                &tlv(0xa0, curve.identifier),
            ]),
            [&ec_private_key(&scalar, None, None)[..], &[0]].concat(),
        ] {
            backends.private(curve.name, &pem(LABEL, &pkcs8(&algorithm, &key)), &Expected::Refused);
        }
    }
    backends.finish("scalars")
}

/// Tests PKCS#8 of each version, with and without attributes and public key.
pub(crate) fn envelopes() -> usize {
    let mut backends = Backends::new();
    let rsa = Rsa::balanced();
    let [p256, ..] = curves();
    let scalar = [&[0, 0][..], &[0x35; 30]].concat();
    let p256_spki = fixed(KeyKind::P256, 0x35)[0].public_key().spki_der().to_vec();
    let ed_spki = fixed(KeyKind::Ed25519, 0x35)[0].public_key().spki_der().to_vec();
    let keys = [
        ("P-256", p256.algorithm(), ec_private_key(&scalar, None, None), key_of(&p256_spki, 65), p256_spki),
        ("Ed25519", ED25519.to_vec(), tlv(4, &[0x35; 32]), key_of(&ed_spki, 32), ed_spki),
        ("RSA", [&RSA[..], &NULL].concat(), rsa.pkcs1(), rsa.public(), rsa.spki()),
    ];
    for (name, algorithm, key, public, normal) in &keys {
        let attribute = sequence(&[&[6, 3, 0x55, 4, 3], &tlv(0x31, &tlv(12, b"name"))]);
        let mut wrong = public.clone();
        wrong[public.len() / 2] ^= 1;
        for version in 0..=3 {
            for attributes in [Vec::new(), tlv(0xa0, &[]), tlv(0xa0, &attribute)] {
                for (stated, fits) in [
                    (Vec::new(), version == 0),
                    (tlv(0x81, &[&[0], &public[..]].concat()), version == 1),
                    (tlv(0x81, &[&[0], &wrong[..]].concat()), false),
                    (tlv(0x81, &[0]), false),
                    (tlv(0x81, &[&[1], &public[..]].concat()), false),
                    (tlv(0xa1, &bits(0, public)), false),
                ] {
                    let der = sequence(&[
                        &[2, 1, version],
                        &tlv(0x30, algorithm),
                        &tlv(4, key),
                        &attributes,
                        &stated,
                    ]);
                    let expected = if fits { Expected::Key(normal.clone()) } else { Expected::Refused };
                    let name = format!("{name}, version {version}, {attributes:02x?}, {stated:02x?}");
                    if let Some(found) = backends.private(&name, &pem(LABEL, &der), &expected) {
                        backends.crossed(&name, &found);
                    }
                }
            }
        }
        let good = pkcs8(algorithm, key);
        for der in [
            [&good[..], &[0]].concat(),
            good[..good.len() - 1].to_vec(),
            sequence(&[&tlv(0x30, algorithm), &tlv(4, key)]),
            sequence(&[&[2, 2, 0, 0], &tlv(0x30, algorithm), &tlv(4, key)]),
            sequence(&[&[2, 1, 0], &tlv(0x30, algorithm), &tlv(3, key)]),
        ] {
            backends.private(name, &pem(LABEL, &der), &Expected::Refused);
        }
        for (other, ..) in &keys {
            let (_, algorithm, ..) = keys.iter().find(|key| key.0 == *other).unwrap();
            if other != name {
                backends.private(name, &pem(LABEL, &pkcs8(algorithm, key)), &Expected::Refused);
            }
        }
    }
    backends.finish("envelopes of private keys")
}

/// Tests seeds of every length, and wrong wrappings.
pub(crate) fn ed25519() -> usize {
    let mut backends = Backends::new();
    let normal = fixed(KeyKind::Ed25519, 0x35)[0].public_key().spki_der().to_vec();
    for length in 0..=70 {
        let expected = if length == 32 { Expected::Key(normal.clone()) } else { Expected::Refused };
        let der = ed25519_pkcs8(&vec![0x35; length]);
        backends.private(&format!("a seed of {length} bytes"), &pem(LABEL, &der), &expected);
    }
    for byte in [0, 1, 0x7f, 0x80, 0xff] {
        let name = format!("a seed of bytes {byte}");
        match backends.private(&name, &pem(LABEL, &ed25519_pkcs8(&[byte; 32])), &Expected::Same) {
            Some(found) => backends.crossed(&name, &found),
            None => backends.wrong.push(name),
        }
    }
    let seed = [0x35; 32];
    for key in [seed.to_vec(), tlv(3, &seed), tlv(4, &tlv(4, &seed)), [&tlv(4, &seed)[..], &[0]].concat()] {
        backends.private("wrapped wrongly", &pem(LABEL, &pkcs8(&ED25519, &key)), &Expected::Refused);
    }
    let algorithm = [&ED25519[..], &NULL].concat();
    backends.private("NULL", &pem(LABEL, &pkcs8(&algorithm, &tlv(4, &seed))), &Expected::Refused);
    backends.finish("seeds")
}

/// Tests RSA keys whose numbers do not belong together, and keys whose numbers belong together in an unusual way.
pub(crate) fn rsa() -> usize {
    let mut backends = Backends::new();
    let good = Rsa::balanced();
    let [n, e, d, p, q, ..] = good.0.clone();
    let one = Number::small(1);
    let mut check = |name: &str, rsa: &Rsa, fits: bool| {
        let expected = if fits { Expected::Key(rsa.spki()) } else { Expected::Refused };
        let found = backends.private(name, &pem(LABEL, &rsa.pkcs8()), &expected);
        backends.private(name, &pem("RSA PRIVATE KEY", &rsa.pkcs1()), &expected);
        if let Some(found) = found {
            backends.crossed(name, &found);
        }
    };
    check("good", &good, true);
    check("2049 bits", &Rsa::of_2049_bits(), true);
    check("2055 bits", &Rsa::of_2055_bits(), true);
    check("one prime much longer", &Rsa::unbalanced(), false);
    check("the smaller prime first", &Rsa::of(q.clone(), p.clone(), 65_537), true);
    let totient = totient(&p, &q);
    // p - 1 and q - 1 have at least the common divisor 2: the least common multiple is smaller than the product.
    let half = totient.divided(&Number::small(2)).0;
    let shorter = e.inverse(&half);
    check("d below half of the totient", &Rsa::with(p.clone(), q.clone(), e.clone(), shorter.clone()), true);
    check("d above it", &Rsa::with(p.clone(), q.clone(), e.clone(), shorter.plus(&half)), true);
    check("d above n", &Rsa::with(p.clone(), q.clone(), e.clone(), d.plus(&totient)), false);
    check(
        "one prime twice",
        &Rsa([
            p.times(&p),
            e.clone(),
            d.clone(),
            p.clone(),
            p.clone(),
            one.clone(),
            one.clone(),
            one.clone(),
        ]),
        false,
    );
    let trivial =
        [n.clone(), e.clone(), d.clone(), n.clone(), one.clone(), d.clone(), Number::small(0), one.clone()];
    check("the modulus as a prime", &Rsa(trivial.clone()), false);
    let mut swapped = trivial;
    swapped.swap(3, 4);
    check("one as a prime", &Rsa(swapped), false);
    for place in 0..8 {
        let number = &good.0[place];
        let mut changed = vec![
            Number::small(0),
            one.clone(),
            Number::small(2),
            Number::small(3),
            number.plus(&one),
            number.plus(&Number::small(2)),
            number.minus(&one),
            number.minus(&Number::small(2)),
            number.plus(&p),
            number.plus(&p.minus(&one)),
            number.plus(&q.minus(&one)),
            number.plus(&n),
            number.times(&number.clone()),
            number.plus(&Number::power(64)),
            number.plus(&Number::power(9000)),
        ];
        changed.retain(|value| value != number);
        changed.extend((0..8).filter(|&other| other != place).map(|other| good.0[other].clone()));
        for value in changed {
            let mut numbers = good.0.clone();
            numbers[place] = value;
            check(
                &format!("{} changed to {} bits", NAMES[place], numbers[place].bits()),
                &Rsa(numbers),
                false,
            );
        }
    }
    outlines(&mut backends, &good);
    backends.finish("RSA private keys")
}

/// Tests PKCS#1 of other versions and in other encodings.
fn outlines(backends: &mut Backends, good: &Rsa) {
    let numbers: Vec<Vec<u8>> = good.0.iter().map(|number| integer(&number.to_be())).collect();
    let all = numbers.concat();
    let other = tlv(0x30, &sequence(&[&[2, 1, 3], &[2, 1, 1], &[2, 1, 1]]));
    let mut forms = vec![
        sequence(&[&[2, 1, 1], &all]),
        sequence(&[&[2, 1, 1], &all, &other]),
        sequence(&[&[2, 1, 0], &all, &other]),
        sequence(&[&[2, 1, 2], &all]),
        sequence(&[&[2, 1, 0], &all, &NULL]),
        sequence(&[&all]),
        sequence(&[&[2, 1, 0], &numbers[..7].concat()]),
        [&good.pkcs1()[..], &[0]].concat(),
        Vec::new(),
    ];
    for place in 0..8 {
        let longer = tlv(2, &[&[0, 0], &good.0[place].to_be()[..]].concat());
        let negative = tlv(2, &[&[0xff], &good.0[place].to_be()[..]].concat());
        for replaced in [longer, negative, vec![2, 0], NULL.to_vec()] {
            let mut numbers = numbers.clone();
            numbers[place] = replaced;
            forms.push(sequence(&[&[2, 1, 0], &numbers.concat()]));
        }
    }
    let plain = [&RSA[..], &NULL].concat();
    for form in forms {
        backends.private("PKCS#1", &pem(LABEL, &pkcs8(&plain, &form)), &Expected::Refused);
        backends.private("PKCS#1", &pem("RSA PRIVATE KEY", &form), &Expected::Refused);
    }
    let accepted = Expected::Key(spki(&plain, &good.public()));
    backends.private("no parameters", &pem(LABEL, &pkcs8(&RSA, &good.pkcs1())), &accepted);
    for parameters in [&[5, 1, 0][..], &[0x30, 0], &[4, 0]] {
        let der = pkcs8(&[&RSA[..], parameters].concat(), &good.pkcs1());
        backends.private("parameters", &pem(LABEL, &der), &Expected::Refused);
    }
}
