//! The suite with the default backend, and tests that forge signatures with its primitives.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]
#![allow(clippy::arithmetic_side_effects, reason = "lengths in tests are small")]

mod suite;

use rsa::pkcs8::DecodePrivateKey as _;
use sha2::{Digest as _, Sha256};
use suite::fixtures;
use vouchsafe_crypto::{Provider, SignatureAlgorithm};

fn provider() -> Provider {
    Provider::rustcrypto()
}

#[test]
fn pss_has_a_salt_as_long_as_the_digest() {
    let pem = fixtures::RSA_2048.pem();
    let raw = rsa::PrivateKey::from_pkcs8_pem(pem).unwrap();
    let key = provider().private_key(pem).unwrap();
    for (salt, good) in [(32, true), (0, false), (20, false), (31, false), (33, false), (64, false)] {
        let padding = rsa::Pss::<Sha256>::new_with_salt(salt);
        let signature =
            raw.sign_with_rng(&mut getrandom::SysRng, padding, &Sha256::digest(b"message")).unwrap();
        let verdict =
            provider().verify(SignatureAlgorithm::RsaPssSha256, key.public_key(), b"message", &signature);
        assert_eq!(verdict.is_ok(), good, "salt of {salt} bytes");
    }
}

#[test]
fn pkcs1_needs_the_name_of_the_digest() {
    let pem = fixtures::RSA_2048.pem();
    let raw = rsa::PrivateKey::from_pkcs8_pem(pem).unwrap();
    let key = provider().private_key(pem).unwrap();
    let digest = Sha256::digest(b"message");
    let unnamed = raw.sign(rsa::Pkcs1v15Sign::new_unprefixed(), &digest).unwrap();
    // A DigestInfo without the NULL parameter occurs in practice, but makes forgeries with small exponents possible.
    let mut info =
        vec![0x30, 0x2f, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
    info.extend([0x04, 0x20]);
    info.extend(digest);
    let without_null = raw.sign(rsa::Pkcs1v15Sign::new_unprefixed(), &info).unwrap();
    let mut named = info.clone();
    named.splice(0..4, [0x30, 0x31, 0x30, 0x0d]);
    named.splice(15..15, [0x05, 0x00]);
    let good = raw.sign(rsa::Pkcs1v15Sign::new_unprefixed(), &named).unwrap();
    for (signature, accepted) in [(good, true), (unnamed, false), (without_null, false)] {
        let verdict =
            provider().verify(SignatureAlgorithm::RsaSha256, key.public_key(), b"message", &signature);
        assert_eq!(verdict.is_ok(), accepted);
    }
}
