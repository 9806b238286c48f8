//! The list of accepted algorithms is the policy.

use super::fixtures::{DANGERS, RSA_15, RSA_2048, legacy};
use vouchsafe_crypto::{ContentCipher, DigestAlgorithm, KeyTransport, Provider, SignatureAlgorithm};

const MD5_AND_FRIENDS: [&str; 8] = [
    "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
    "http://www.w3.org/2001/04/xmldsig-more#md5",
    "http://www.w3.org/2000/09/xmldsig#dsa-sha1",
    "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
    "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1",
    "rsa-512",
    "",
];

#[test]
fn accepted_by_default() {
    let provider = crate::provider();
    for algorithm in SignatureAlgorithm::ALL {
        assert_eq!(
            provider.accepts_signature(algorithm),
            algorithm != SignatureAlgorithm::RsaSha1,
            "{algorithm:?}"
        );
    }
    for algorithm in DigestAlgorithm::ALL {
        assert_eq!(provider.accepts_digest(algorithm), algorithm != DigestAlgorithm::Sha1, "{algorithm:?}");
    }
    for cipher in ContentCipher::ALL {
        assert_eq!(provider.accepts_cipher(cipher), cipher != ContentCipher::TripleDesCbc, "{cipher:?}");
    }
    for digest in DigestAlgorithm::ALL {
        for mgf in DigestAlgorithm::ALL {
            assert!(provider.accepts_key_transport(KeyTransport::RsaOaep { digest, mgf }));
        }
    }
    assert!(!provider.accepts_key_transport(KeyTransport::Rsa15));
}

#[test]
fn identifiers_lead_back() {
    for algorithm in SignatureAlgorithm::ALL {
        assert_eq!(SignatureAlgorithm::from_uri(algorithm.uri()), Some(algorithm));
    }
    for algorithm in DigestAlgorithm::ALL {
        assert_eq!(DigestAlgorithm::from_uri(algorithm.uri()), Some(algorithm));
        assert_eq!(DigestAlgorithm::from_mgf_uri(algorithm.mgf_uri()), Some(algorithm));
    }
    for cipher in ContentCipher::ALL {
        assert_eq!(ContentCipher::from_uri(cipher.uri()), Some(cipher));
    }
    for uri in MD5_AND_FRIENDS {
        assert_eq!(SignatureAlgorithm::from_uri(uri), None);
        assert_eq!(DigestAlgorithm::from_uri(uri), None);
        assert_eq!(ContentCipher::from_uri(uri), None);
    }
}

#[test]
fn what_is_denied_is_refused() {
    let key = RSA_2048.ours();
    let code = |answer: Result<Vec<u8>, vouchsafe_crypto::CryptoError>| answer.unwrap_err().code();
    for algorithm in SignatureAlgorithm::ALL {
        let provider = legacy(crate::provider()).deny(algorithm.uri()).unwrap();
        assert!(!provider.accepts_signature(algorithm));
        assert_eq!(code(provider.sign(algorithm, key, b"")), "crypto.algorithm_refused");
        let verdict = provider.verify(algorithm, key.public_key(), b"", &[]);
        assert_eq!(verdict.unwrap_err().code(), "crypto.algorithm_refused");
    }
    for algorithm in DigestAlgorithm::ALL {
        let provider = legacy(crate::provider()).deny(algorithm.uri()).unwrap();
        assert_eq!(provider.digest(algorithm, b"").unwrap_err().code(), "crypto.digest_refused");
        assert!(provider.digest_context(algorithm).is_err());
    }
    for cipher in ContentCipher::ALL {
        let provider = legacy(crate::provider()).deny(cipher.uri()).unwrap();
        let secret = vec![7; cipher.key_length()];
        assert_eq!(code(provider.encrypt_content(cipher, &secret, b"")), "crypto.algorithm_refused");
        assert_eq!(code(provider.decrypt_content(cipher, &secret, b"")), "crypto.algorithm_refused");
    }
    for (uri, mgf) in [
        (KeyTransport::RSA_OAEP_MGF1P_URI, DigestAlgorithm::Sha1),
        (KeyTransport::RSA_OAEP_URI, DigestAlgorithm::Sha256),
    ] {
        let transport = KeyTransport::RsaOaep { digest: DigestAlgorithm::Sha256, mgf };
        let provider = crate::provider().deny(uri).unwrap();
        assert_eq!(code(provider.encrypt_key(transport, key.public_key(), b"")), "crypto.algorithm_refused");
        assert_eq!(provider.decrypt_key(transport, key, &[]).unwrap_err().code(), "crypto.algorithm_refused");
    }
    let provider = legacy(crate::provider()).deny(RSA_15).unwrap();
    assert!(!provider.accepts_key_transport(KeyTransport::Rsa15));
}

/// Otherwise a spelling mistake in `deny` would leave the algorithm accepted.
#[test]
fn an_unknown_name_cannot_be_denied() {
    let real = SignatureAlgorithm::RsaSha256.uri();
    for name in [
        "",
        "rsa-sha256",
        "SHA-1",
        &real.to_uppercase(),
        &format!("{real} "),
        &format!(" {real}"),
        real.trim_start_matches("h"),
    ] {
        let error = crate::provider().deny(name).unwrap_err();
        assert_eq!(error.code(), "crypto.algorithm_unknown", "{name}");
    }
    for known in ["rsa-1024", RSA_15, DigestAlgorithm::Sha1.uri()] {
        assert!(crate::provider().deny(known).unwrap().deny(known).is_ok(), "{known}: denied twice");
    }
}

/// Hashes of our own do not depend on the algorithms that are accepted from others.
#[test]
fn our_own_sha256_is_no_matter_of_policy() {
    let mut denying = crate::provider();
    for digest in DigestAlgorithm::ALL {
        denying = denying.deny(digest.uri()).unwrap();
    }
    assert_eq!(denying.digest(DigestAlgorithm::Sha256, b"x").unwrap_err().code(), "crypto.digest_refused");
    let expected = crate::provider().digest(DigestAlgorithm::Sha256, b"x").unwrap();
    assert_eq!(denying.sha256(b"x").unwrap(), expected.as_ref());
}

#[test]
fn dangers_are_allowed_one_by_one() {
    let sha1 = crate::provider().danger_allow(SignatureAlgorithm::RsaSha1.uri()).unwrap();
    assert!(sha1.accepts_signature(SignatureAlgorithm::RsaSha1));
    assert!(!sha1.accepts_digest(DigestAlgorithm::Sha1));
    let digest = crate::provider().danger_allow(DigestAlgorithm::Sha1.uri()).unwrap();
    assert!(digest.accepts_digest(DigestAlgorithm::Sha1));
    assert!(!digest.accepts_signature(SignatureAlgorithm::RsaSha1));
    let transport = crate::provider().danger_allow(RSA_15).unwrap();
    assert!(transport.accepts_key_transport(KeyTransport::Rsa15));
    assert!(!transport.accepts_cipher(ContentCipher::TripleDesCbc));
    let cipher = crate::provider().danger_allow(ContentCipher::TripleDesCbc.uri()).unwrap();
    assert!(cipher.accepts_cipher(ContentCipher::TripleDesCbc));
    assert!(!cipher.accepts_key_transport(KeyTransport::Rsa15));
    for uri in MD5_AND_FRIENDS {
        assert_eq!(
            crate::provider().danger_allow(uri).unwrap_err().code(),
            "crypto.algorithm_unknown",
            "{uri}"
        );
    }
    let long = crate::provider().danger_allow(&"\u{1b}[31m".repeat(1000)).unwrap_err().to_string();
    assert!(long.len() < 2000 && !long.contains('\u{1b}'));
}

/// The table in the documentation is complete.
#[test]
fn a_danger_is_checked_without_a_provider() {
    assert!(Provider::check_danger(SignatureAlgorithm::RsaSha1.uri()).is_ok());
    for uri in ["", "urn:x", "http://www.w3.org/2001/04/xmldsig-more#rsa-md5"] {
        let code = crate::provider().danger_allow(uri).unwrap_err().code();
        assert_eq!(Provider::check_danger(uri).unwrap_err().code(), code, "{uri}");
    }
}

#[test]
fn dangers_are_documented() {
    let table = include_str!("../../src/lib.rs").lines();
    let words: Vec<&str> = table.filter_map(|line| line.strip_prefix("//! | `")?.split('`').next()).collect();
    assert_eq!(words, DANGERS);
}

#[test]
fn one_provider_does_not_change_another() {
    let first: Provider = crate::provider();
    let second = first.clone().deny(SignatureAlgorithm::RsaSha256.uri()).unwrap();
    assert!(first.accepts_signature(SignatureAlgorithm::RsaSha256));
    assert!(!second.accepts_signature(SignatureAlgorithm::RsaSha256));
    assert_eq!(first.name(), second.name());
}
