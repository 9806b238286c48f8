//! Keys that are the same in each process, made of constant octets: what is signed with them in a corpus stays signed.
//!
//! Everybody has them, so nothing but a test may ever trust them.

use std::sync::LazyLock;

use vouchsafe::crypto::{Certificate, PrivateKey, Provider, PublicKey, base64_encode};
use vouchsafe::signature::TrustedKey;

use crate::backend;

/// The provider of the targets that check real signatures.
pub fn provider() -> &'static Provider {
    static PROVIDER: LazyLock<Provider> = LazyLock::new(Provider::rustcrypto);
    &PROVIDER
}

/// The key that is trusted.
pub fn trusted() -> &'static PrivateKey {
    static KEY: LazyLock<PrivateKey> = LazyLock::new(|| ed25519([0x2a; 32]));
    &KEY
}

/// The keys that are trusted, as the verifier takes them.
pub fn trusted_keys() -> &'static [TrustedKey] {
    static KEYS: LazyLock<Vec<TrustedKey>> =
        LazyLock::new(|| vec![TrustedKey::new(trusted().public_key().clone(), "trusted")]);
    &KEYS
}

/// Keys that made none of the signatures.
pub fn untrusted_keys() -> &'static [TrustedKey] {
    static KEYS: LazyLock<Vec<TrustedKey>> =
        LazyLock::new(|| vec![TrustedKey::new(ed25519([0x17; 32]).public_key().clone(), "untrusted")]);
    &KEYS
}

/// A certificate of the trusted key.
pub fn certificate() -> &'static Certificate {
    static CERTIFICATE: LazyLock<Certificate> = LazyLock::new(|| {
        Certificate::self_signed(provider(), trusted(), "fuzz", 1_577_836_800, 4_733_510_400)
            .expect("a certificate can be made")
    });
    &CERTIFICATE
}

/// What looks like an RSA key, for [`backend::credulous`], under which content keys travel in clear.
pub fn clear() -> &'static PrivateKey {
    static KEY: LazyLock<PrivateKey> = LazyLock::new(|| {
        let version_and_modulus = [der(0x02, &[0]), der(0x02, &modulus())].concat();
        let others: Vec<u8> = [65537_u32, 3, 5, 7, 9, 11, 13].into_iter().flat_map(number).collect();
        let key = der(0x30, &[version_and_modulus, others].concat());
        let pkcs8 = der(0x30, &[der(0x02, &[0]), rsa_encryption(), der(0x04, &key)].concat());
        backend::credulous().private_key(&pem(&pkcs8)).expect("a key by its form")
    });
    &KEY
}

/// The public half of [`clear`].
pub fn clear_public() -> &'static PublicKey {
    clear().public_key()
}

/// SubjectPublicKeyInfo of [`clear`].
pub(crate) fn clear_spki() -> Vec<u8> {
    let key = der(0x30, &[der(0x02, &modulus()), number(65537)].concat());
    let bits: Vec<u8> = std::iter::once(0).chain(key).collect();
    der(0x30, &[rsa_encryption(), der(0x03, &bits)].concat())
}

fn ed25519(seed: [u8; 32]) -> PrivateKey {
    let algorithm = der(0x30, &[0x06, 0x03, 0x2b, 0x65, 0x70]);
    let pkcs8 = der(0x30, &[der(0x02, &[0]), algorithm, der(0x04, &der(0x04, &seed))].concat());
    provider().private_key(&pem(&pkcs8)).expect("any 32 octets are a key")
}

fn pem(pkcs8: &[u8]) -> String {
    let label = "PRIVATE KEY";
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", base64_encode(pkcs8))
}

/// 2048 bits that are no product of two primes that anybody knows.
fn modulus() -> Vec<u8> {
    [&[0, 0x80][..], &[0x55; 255]].concat()
}

fn rsa_encryption() -> Vec<u8> {
    der(0x30, &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00])
}

fn number(value: u32) -> Vec<u8> {
    let octets: Vec<u8> = value.to_be_bytes().into_iter().skip_while(|&octet| octet == 0).collect();
    der(0x02, &octets)
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let [.., high, low] = content.len().to_be_bytes();
    let head: &[u8] = if content.len() < 128 { &[tag, low] } else { &[tag, 0x82, high, low] };
    [head, content].concat()
}
