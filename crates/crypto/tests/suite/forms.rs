//! The normal form of each key, and the check of each signature. `vouchsafe-crypto-aws-lc` compares the backends in
//! all edge cases.

use super::fixtures::{ED25519, P256, P384, P521, RSA_2048, spki, tlv};
use vouchsafe_crypto::{KeyKind, SignatureAlgorithm, base64_decode, base64_encode};

/// Contents of the algorithm identifiers.
const RSA: [u8; 11] = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
const ED: [u8; 5] = [6, 3, 0x2b, 0x65, 0x70];

fn pem(pkcs8: &[u8]) -> String {
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", base64_encode(pkcs8))
}

fn pkcs8(pem: &str) -> Vec<u8> {
    base64_decode(pem.lines().filter(|line| !line.starts_with("-----")).collect::<String>()).unwrap()
}

fn refused(pem: &str) -> String {
    let error = crate::provider().private_key(pem).unwrap_err();
    assert_eq!(error.code(), "crypto.key_malformed");
    error.to_string()
}

#[test]
fn points_become_uncompressed() {
    for (fixture, width) in [(&P256, 32), (&P384, 48), (&P521, 66)] {
        let key = fixture.theirs().public_key();
        let normal = key.spki_der();
        let point = &normal[normal.len() - 1 - 2 * width..];
        // SEQUENCE { SEQUENCE, BIT STRING }, with the point at the end.
        let algorithm = &normal[2 + usize::from(normal[1] == 0x81)..][2..]
            [..usize::from(normal[3 + usize::from(normal[1] == 0x81)])];
        let parity = point[2 * width] & 1;
        let compressed = spki(algorithm, &[&[2 | parity], &point[1..=width]].concat());
        let found = crate::provider().public_key(&compressed).unwrap();
        assert_eq!((found.spki_der(), found.fingerprint()), (normal, key.fingerprint()));
        let other = spki(algorithm, &[&[3 ^ parity], &point[1..=width]].concat());
        assert_ne!(crate::provider().public_key(&other).unwrap().spki_der(), normal);
        for first in [5, 6, 7, 6 | parity] {
            for form in [&[&[first], &point[1..]].concat(), &[&[first], &point[1..=width]].concat()] {
                let error = crate::provider().public_key(&spki(algorithm, form)).unwrap_err();
                assert_eq!(error.code(), "crypto.key_malformed", "first byte {first}");
            }
        }
    }
}

#[test]
fn rsa_keys_get_null() {
    let key = RSA_2048.theirs().public_key();
    let numbers = &key.spki_der()[24..];
    let without = crate::provider().public_key(&spki(&RSA, numbers)).unwrap();
    assert_eq!((without.spki_der(), without.fingerprint()), (key.spki_der(), key.fingerprint()));
    let other = [&RSA[..], &[0x30, 0]].concat();
    assert!(crate::provider().public_key(&spki(&other, numbers)).is_err());
}

#[test]
fn private_keys_lose_what_is_no_part_of_them() {
    for fixture in [&P256, &RSA_2048, &ED25519] {
        let key = fixture.ours();
        let normal = key.to_pkcs8_pem();
        let body = pkcs8(normal.as_str());
        let header = if body[1] == 0x82 { 4 } else { 2 + usize::from(body[1] == 0x81) };
        let attributes =
            tlv(0xa0, &tlv(0x30, &[&[6, 3, 0x55, 4, 3][..], &tlv(0x31, &tlv(12, b"name"))].concat()));
        let with = tlv(0x30, &[&body[header..], &attributes].concat());
        let found = crate::provider().private_key(&pem(&with)).unwrap();
        assert_eq!(found.to_pkcs8_pem().as_str(), normal.as_str());
        // Version 1 has no public key, version 2 has one.
        let stated = tlv(0x81, &[0, 1, 2, 3]);
        refused(&pem(&tlv(0x30, &[&body[header..], &stated].concat())));
        let mut second = body[header..].to_vec();
        assert_eq!(second[..3], [2, 1, 0]);
        second[2] = 1;
        refused(&pem(&tlv(0x30, &second)));
        let message = refused(&pem(&tlv(0x30, &[&second[..], &stated].concat())));
        assert!(message.contains("belongs to another private key"), "{message}");
    }
}

/// A file with a wrong CRT value is damaged; one signature with it would reveal the primes.
#[test]
fn rsa_keys_are_not_repaired() {
    let body = pkcs8(RSA_2048.pem());
    // The last number is the CRT coefficient, the two before it the CRT exponents, of some 128 bytes each.
    for from_the_end in [1, 100, 150, 250, 280, 380] {
        let mut damaged = body.clone();
        let place = damaged.len() - from_the_end;
        damaged[place] ^= 1;
        let message = refused(&pem(&damaged));
        assert!(message.contains("do not belong together"), "{message}");
    }
}

#[test]
fn ed25519_points_have_one_encoding() {
    // y = p + 3 and y = 3 are both on the curve: the second is the only encoding of the point.
    let mut raised = [0xff; 32];
    (raised[0], raised[31]) = (0xed + 3, 0x7f);
    let mut reduced = [0; 32];
    reduced[0] = 3;
    assert_eq!(crate::provider().public_key(&spki(&ED, &reduced)).unwrap().kind(), KeyKind::Ed25519);
    let error = crate::provider().public_key(&spki(&ED, &raised)).unwrap_err();
    assert_eq!(error.code(), "crypto.key_malformed");
}

/// Libraries disagree on ECDSA signatures in ASN.1, which are refused, and on s in the upper half, which is accepted.
#[test]
fn ecdsa_signatures_have_one_width_and_two_halves() {
    let provider = crate::provider();
    let (key, algorithm) = (P256.ours(), SignatureAlgorithm::EcdsaSha256);
    let signature = provider.sign(algorithm, key, b"message").unwrap();
    let asn1 = vouchsafe_crypto::backend::ecdsa::to_asn1(&signature).unwrap();
    let error = provider.verify(algorithm, key.public_key(), b"message", &asn1).unwrap_err();
    assert_eq!(error.code(), "crypto.signature_length");
    assert!(provider.verify(algorithm, key.public_key(), b"message", &signature).is_ok());
}
