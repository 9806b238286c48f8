//! Keys that the default backend makes once for each run.

use std::sync::OnceLock;
use vouchsafe_crypto::{KeyKind, PrivateKey, Provider, SecretString};

/// A key, parsed by the backend under test and by the default one.
pub(crate) struct Fixture {
    kind: KeyKind,
    pem: OnceLock<SecretString>,
    ours: OnceLock<PrivateKey>,
    theirs: OnceLock<PrivateKey>,
}

impl Fixture {
    const fn new(kind: KeyKind) -> Self {
        Self { kind, pem: OnceLock::new(), ours: OnceLock::new(), theirs: OnceLock::new() }
    }

    pub(crate) fn pem(&self) -> &str {
        self.pem.get_or_init(|| reference().generate_key(self.kind).unwrap().to_pkcs8_pem()).as_str()
    }

    pub(crate) fn ours(&self) -> &PrivateKey {
        self.ours.get_or_init(|| legacy(crate::provider()).private_key(self.pem()).unwrap())
    }

    pub(crate) fn theirs(&self) -> &PrivateKey {
        self.theirs.get_or_init(|| reference().private_key(self.pem()).unwrap())
    }
}

pub(crate) static RSA_2048: Fixture = Fixture::new(KeyKind::Rsa { bits: 2048 });
pub(crate) static OTHER_RSA_2048: Fixture = Fixture::new(KeyKind::Rsa { bits: 2048 });
pub(crate) static RSA_1024: Fixture = Fixture::new(KeyKind::Rsa { bits: 1024 });
pub(crate) static P256: Fixture = Fixture::new(KeyKind::P256);
pub(crate) static P384: Fixture = Fixture::new(KeyKind::P384);
pub(crate) static P521: Fixture = Fixture::new(KeyKind::P521);
pub(crate) static ED25519: Fixture = Fixture::new(KeyKind::Ed25519);

/// Every kind of key that is accepted by default.
pub(crate) static KEYS: [&Fixture; 5] = [&RSA_2048, &P256, &P384, &P521, &ED25519];

/// Allows everything that can be allowed.
pub(crate) fn legacy(provider: Provider) -> Provider {
    DANGERS.into_iter().fold(provider, |provider, uri| provider.danger_allow(uri).unwrap())
}

pub(crate) fn reference() -> Provider {
    legacy(Provider::rustcrypto())
}

pub(crate) const RSA_15: &str = "http://www.w3.org/2001/04/xmlenc#rsa-1_5";

/// The words that are not accepted by default and can be allowed.
pub(crate) const DANGERS: [&str; 5] = [
    "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
    "http://www.w3.org/2000/09/xmldsig#sha1",
    RSA_15,
    "http://www.w3.org/2001/04/xmlenc#tripledes-cbc",
    "rsa-1024",
];

/// One element of DER.
pub(crate) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut out = vec![tag];
    match length {
        0..=0x7f => out.push(length as u8),
        0x80..=0xff => out.extend([0x81, length as u8]),
        _ => out.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    out.extend_from_slice(content);
    out
}

/// SubjectPublicKeyInfo from the content of the algorithm identifier and the key's bytes.
pub(crate) fn spki(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    let bits = [&[0], key].concat();
    tlv(0x30, &[tlv(0x30, algorithm), tlv(0x03, &bits)].concat())
}

/// SubjectPublicKeyInfo of an RSA key.
pub(crate) fn rsa_spki(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let unsigned = |number: &[u8]| tlv(0x02, &[&[0][..usize::from(number[0] >= 0x80)], number].concat());
    let algorithm = [&[0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1][..], &[5, 0]].concat();
    spki(&algorithm, &tlv(0x30, &[unsigned(modulus), unsigned(exponent)].concat()))
}

pub(crate) fn hexadecimal(text: &str) -> Vec<u8> {
    let digit = |byte: u8| u8::try_from(char::from(byte).to_digit(16).unwrap()).unwrap();
    text.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}
