//! The algorithms that AWS-LC alone does not implement, by name, and those that it implements. `aws_lc.rs` runs the
//! whole suite with the provider that uses RustCrypto for the rest.
#![allow(clippy::unwrap_used, reason = "tests")]

use vouchsafe_crypto::{
    ContentCipher, CryptoError, DigestAlgorithm, KeyKind, KeyTransport, Provider, SignatureAlgorithm as A,
};
use vouchsafe_crypto_aws_lc::{provider, provider_of_aws_lc_alone};

const RSA_15: &str = "http://www.w3.org/2001/04/xmlenc#rsa-1_5";

fn legacy(provider: Provider) -> Provider {
    let words = [A::RsaSha1.uri(), RSA_15, ContentCipher::TripleDesCbc.uri(), "rsa-1024"];
    words.iter().fold(provider, |provider, word| provider.danger_allow(word).unwrap())
}

fn code<T>(answer: Result<T, CryptoError>) -> &'static str {
    answer.map_or_else(|error| error.code(), |_| "done")
}

const REFUSED: &str = "crypto.algorithm_unsupported";

#[test]
fn every_algorithm_with_every_key() {
    let (alone, default) = (legacy(provider_of_aws_lc_alone()), Provider::rustcrypto());
    for kind in [KeyKind::Rsa { bits: 2048 }, KeyKind::P256, KeyKind::P384, KeyKind::P521, KeyKind::Ed25519] {
        let pem = default.generate_key(kind).unwrap().to_pkcs8_pem();
        let key = alone.private_key(pem.as_str()).unwrap();
        for algorithm in A::ALL.into_iter().filter(|algorithm| algorithm.fits(kind)) {
            let left_out = match kind {
                KeyKind::Rsa { .. } => algorithm == A::RsaSha1,
                KeyKind::P256 => algorithm != A::EcdsaSha256,
                KeyKind::P384 => algorithm != A::EcdsaSha384,
                _ => false,
            };
            let expected = if left_out { REFUSED } else { "done" };
            assert_eq!(code(alone.sign(algorithm, &key, b"")), expected, "{algorithm:?} {kind}");
        }
    }
}

#[test]
fn every_pair_of_digests() {
    let alone = provider_of_aws_lc_alone();
    let key = alone.generate_key(KeyKind::Rsa { bits: 2048 }).unwrap();
    for digest in DigestAlgorithm::ALL {
        for mgf in DigestAlgorithm::ALL {
            let transport = KeyTransport::RsaOaep { digest, mgf };
            let expected = if digest == mgf { ["done", "crypto.decryption_failed"] } else { [REFUSED; 2] };
            let closed = alone.encrypt_key(transport, key.public_key(), &[7; 16]);
            let opened = alone.decrypt_key(transport, &key, &[0; 256]);
            assert_eq!([code(closed), code(opened)], expected, "{transport:?}");
        }
    }
}

#[test]
fn short_and_odd_keys() {
    let (alone, default) = (legacy(provider_of_aws_lc_alone()), legacy(Provider::rustcrypto()));
    let short = default.generate_key(KeyKind::Rsa { bits: 1024 }).unwrap();
    assert_eq!(code(alone.private_key(short.to_pkcs8_pem().as_str())), REFUSED);
    assert_eq!(code(alone.generate_key(KeyKind::Rsa { bits: 1024 })), REFUSED);
    assert_eq!(code(alone.generate_key(KeyKind::Rsa { bits: 2560 })), REFUSED);
    let public = alone.public_key(short.public_key().spki_der()).unwrap();
    for algorithm in A::ALL.into_iter().filter(|algorithm| algorithm.fits(public.kind())) {
        let Ok(signature) = default.sign(algorithm, &short, b"") else { continue };
        let done = matches!(algorithm, A::RsaSha1 | A::RsaSha256 | A::RsaSha512);
        let expected = if done { "done" } else { REFUSED };
        assert_eq!(code(alone.verify(algorithm, &public, b"", &signature)), expected, "{algorithm:?}");
    }
    assert_eq!(code(alone.encrypt_key(KeyTransport::Rsa15, &public, &[7; 16])), REFUSED);
}

/// A key that AWS-LC refuses fails like a wrong key.
#[test]
fn triple_des_with_equal_parts() {
    let (alone, both) = (legacy(provider_of_aws_lc_alone()), legacy(provider()));
    let cipher = ContentCipher::TripleDesCbc;
    let bytes = both.encrypt_content(cipher, &[7; 24], b"plain").unwrap();
    assert_eq!(both.decrypt_content(cipher, &[7; 24], &bytes).unwrap(), b"plain");
    assert_eq!(code(alone.decrypt_content(cipher, &[7; 24], &bytes)), "crypto.decryption_failed");
}

/// The list of accepted algorithms applies to both providers.
#[test]
fn the_same_list_of_algorithms() {
    for provider in [provider(), provider_of_aws_lc_alone()] {
        assert_eq!(provider.name(), "AWS-LC");
        assert!(!provider.accepts_signature(A::RsaSha1));
        assert!(!provider.accepts_key_transport(KeyTransport::Rsa15));
        assert!(!provider.accepts_cipher(ContentCipher::TripleDesCbc));
        assert_eq!(code(provider.generate_key(KeyKind::Rsa { bits: 1024 })), "crypto.key_too_small");
        let key = provider.generate_key(KeyKind::Rsa { bits: 2048 }).unwrap();
        let transport = KeyTransport::RsaOaep { digest: DigestAlgorithm::Sha256, mgf: DigestAlgorithm::Sha1 };
        let denying = provider.deny(transport.uri()).unwrap();
        assert_eq!(code(denying.decrypt_key(transport, &key, &[0; 256])), "crypto.algorithm_refused");
    }
}
