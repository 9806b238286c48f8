//! Keys that are the same in each process, made of constant bytes: what is signed with them in a corpus stays signed.
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

/// The service provider's own key, which signs its answers.
pub fn ours() -> &'static PrivateKey {
    static KEY: LazyLock<PrivateKey> = LazyLock::new(|| ed25519([0x33; 32]));
    &KEY
}

/// A certificate of the service provider's own key.
pub fn our_certificate() -> &'static Certificate {
    static CERTIFICATE: LazyLock<Certificate> = LazyLock::new(|| {
        Certificate::self_signed(provider(), ours(), "fuzz, ours", 1_577_836_800, 4_733_510_400)
            .expect("a certificate can be made")
    });
    &CERTIFICATE
}

/// A certificate of the trusted key.
pub fn certificate() -> &'static Certificate {
    static CERTIFICATE: LazyLock<Certificate> = LazyLock::new(|| {
        Certificate::self_signed(provider(), trusted(), "fuzz", 1_577_836_800, 4_733_510_400)
            .expect("a certificate can be made")
    });
    &CERTIFICATE
}

/// An RSA key, for [`backend::credulous`], under which content keys travel in clear.
pub fn clear() -> &'static PrivateKey {
    static KEY: LazyLock<PrivateKey> = LazyLock::new(|| {
        let label = "RSA PRIVATE KEY";
        let pem = format!("-----BEGIN {label}-----\n{CLEAR}\n-----END {label}-----\n");
        backend::credulous().private_key(&pem).expect("a key whose parts belong together")
    });
    &KEY
}

/// The public half of [`clear`].
pub fn clear_public() -> &'static PublicKey {
    clear().public_key()
}

fn ed25519(seed: [u8; 32]) -> PrivateKey {
    let algorithm = der(0x30, &[0x06, 0x03, 0x2b, 0x65, 0x70]);
    let pkcs8 = der(0x30, &[der(0x02, &[0]), algorithm, der(0x04, &der(0x04, &seed))].concat());
    provider().private_key(&pem(&pkcs8)).expect("any 32 bytes are a key")
}

fn pem(pkcs8: &[u8]) -> String {
    let label = "PRIVATE KEY";
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", base64_encode(pkcs8))
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let [.., high, low] = content.len().to_be_bytes();
    let head: &[u8] = if content.len() < 128 { &[tag, low] } else { &[tag, 0x82, high, low] };
    [head, content].concat()
}

/// RSAPrivateKey of the two largest primes below 2^1024, with the exponent 65537.
const CLEAR: &str = "\
    MIIEogIBAAKCAQEA////////////////////////////////////////////////////////////////////////////////////////////////\
    /////////////////////////////////////////////////////////////////////////uQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
    AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
    AAAAAAAAAAAAAAAAAABJawIDAQABAoIBAFMpLNbTKSzW0yks1tMpLNbTKSzW0yks1tMpLNbTKSzW0yks1tMpLNbTKSzW0yks1tMpLNbTKSzW0yks\
    1tMpLNbTKSzW0yks1tMpLNbTKSzW0yks1tMpLNbTKSzW0yks1tMpLNbTKSzW0yks1tMpLNbTKSzW0yks1tMpLNbTKSx56ykU1uspFNbrKRTW6ykU\
    1uspFNbrKRTW6ykU1uspFNbrKRTW6ykU1uspFNbrKRTW6ykU1uspFNbrKRTW6ykU1uspFNbrKRTW6ykU1uspFNbrKRTW6ykU1uspFNbrKRTW6ykU\
    1uspFNbrKRTW6ykU1uspFNbrKRTW6ykU1uspLQ0CgYEA////////////////////////////////////////////////////////////////////\
    /////////////////////////////////////////////////////////////////////////////////////////////////////5cCgYEA////\
    ////////////////////////////////////////////////////////////////////////////////////////////////////////////////\
    /////////////////////////////////////////////////////00CgYBaNaXKWjWlylo1pcpaNaXKWjWlylo1pcpaNaXKWjWlylo1pcpaNaXK\
    WjWlylo1pcpaNaXKWjWlylo1pcpaNaXKWjWlylo1pcpaNaXKWjWlylo1pcpaNaXKWjWlylo1pcpaNaXKWjWlylo1pcpaNaXKWjWlylo1pcpaNaXK\
    WjWlpQKBgGQcm+NkHJvjZByb42Qcm+NkHJvjZByb42Qcm+NkHJvjZByb42Qcm+NkHJvjZByb42Qcm+NkHJvjZByb42Qcm+NkHJvjZByb42Qcm+Nk\
    HJvjZByb42Qcm+NkHJvjZByb42Qcm+NkHJvjZByb42Qcm+NkHJvjZByb42Qcm+NkHJudAoGAEUwbrPkUwbrPkUwbrPkUwbrPkUwbrPkUwbrPkUwb\
    rPkUwbrPkUwbrPkUwbrPkUwbrPkUwbrPkUwbrPkUwbrPkUwbrPkUwbrPkUwbrPkUwbrPkUwbrPkUwbrPkUwbrPkUwbrPkUwbrPkUwbrPkUwbrPkU\
    wbrPkUwbrPkUwbrPkUU=";
