//! Keys: the accepted formats, and the keys that are refused.

use super::fixtures::{ED25519, KEYS, P256, RSA_2048, legacy, rsa_spki, spki, tlv};
use proptest::prelude::*;
use vouchsafe_crypto::{
    DigestAlgorithm, KeyKind, KeyTransport, SignatureAlgorithm, base64_decode, base64_encode,
};

/// Content of the algorithm identifiers.
const EC_P256: [u8; 19] =
    [6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const ED: [u8; 5] = [6, 3, 0x2b, 0x65, 0x70];

fn body(pem: &str) -> Vec<u8> {
    base64_decode(pem.lines().filter(|line| !line.starts_with("-----")).collect::<String>()).unwrap()
}

fn armour(label: &str, bytes: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", base64_encode(bytes))
}

/// PKCS#1: the bytes that PKCS#8 wraps, after version and algorithm identifier.
fn pkcs1() -> Vec<u8> {
    let pkcs8 = body(RSA_2048.pem());
    assert_eq!(pkcs8[22..24], [4, 0x82]);
    pkcs8[26..].to_vec()
}

/// SEC1 with the name of the curve, as `openssl ecparam -genkey` writes it. The scalar is the first OCTET STRING of 32.
fn sec1() -> Vec<u8> {
    let pkcs8 = body(P256.pem());
    let place = pkcs8.windows(2).position(|window| window == [4, 0x20]).unwrap();
    let version_and_scalar = [&[2, 1, 1][..], &pkcs8[place..place + 34]].concat();
    tlv(0x30, &[version_and_scalar, tlv(0xa0, &EC_P256[9..])].concat())
}

#[test]
fn all_forms_give_the_same_key() {
    let ec_parameters = armour("EC PARAMETERS", &EC_P256[9..]);
    for (form, text, expected) in [
        ("PKCS#8", RSA_2048.pem().to_owned(), &RSA_2048),
        ("PKCS#1", armour("RSA PRIVATE KEY", &pkcs1()), &RSA_2048),
        ("PKCS#8 EC", P256.pem().to_owned(), &P256),
        ("SEC1", armour("EC PRIVATE KEY", &sec1()), &P256),
        ("SEC1 after parameters", ec_parameters + &armour("EC PRIVATE KEY", &sec1()), &P256),
        ("text before", format!("Bag Attributes\n  friendlyName: sp\n{}", RSA_2048.pem()), &RSA_2048),
        ("CRLF", RSA_2048.pem().replace('\n', "\r\n"), &RSA_2048),
        ("indented", P256.pem().replace('\n', "\n    "), &P256),
        ("Ed25519", ED25519.pem().to_owned(), &ED25519),
    ] {
        let found = crate::provider().private_key(&text).unwrap_or_else(|error| panic!("{form}: {error}"));
        let expected = expected.theirs();
        assert_eq!(found.public_key().spki_der(), expected.public_key().spki_der(), "{form}");
        assert_eq!(found.kind(), expected.kind(), "{form}");
        let again = crate::provider().private_key(found.to_pkcs8_pem().as_str()).unwrap();
        assert_eq!(again.public_key().fingerprint(), expected.public_key().fingerprint(), "{form}");
    }
}

#[test]
fn private_keys_that_are_refused() {
    let encrypted = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----";
    let without_curve = tlv(0x30, &[&[2, 1, 1, 4, 32][..], &[7; 32]].concat());
    let explicit = tlv(0x30, &[&[2, 1, 1, 4, 1, 7][..], &tlv(0xa0, &tlv(0x30, &[2, 1, 1]))].concat());
    let mut torn = body(RSA_2048.pem());
    torn[200] ^= 1;
    for (text, code) in [
        (String::new(), "crypto.pem"),
        ("not a key".to_owned(), "crypto.pem"),
        (armour("CERTIFICATE", b"x"), "crypto.pem"),
        (armour("PUBLIC KEY", P256.ours().public_key().spki_der()), "crypto.pem"),
        (RSA_2048.pem().replace("-----END PRIVATE KEY-----", ""), "crypto.pem"),
        (armour("ENCRYPTED PRIVATE KEY", b"x"), "crypto.key_encrypted"),
        (encrypted.to_owned(), "crypto.key_encrypted"),
        (armour("PRIVATE KEY", b"x"), "crypto.key_malformed"),
        (armour("PRIVATE KEY", &torn), "crypto.key_malformed"),
        (armour("RSA PRIVATE KEY", b"x"), "crypto.key_malformed"),
        (armour("EC PRIVATE KEY", b"x"), "crypto.key_malformed"),
        (armour("EC PRIVATE KEY", &without_curve), "crypto.key_malformed"),
        (armour("EC PRIVATE KEY", &explicit), "crypto.key_unsupported"),
        (armour("PRIVATE KEY", b"x").replace('=', "!"), "crypto.base64"),
    ] {
        let error = crate::provider().private_key(&text).unwrap_err();
        assert_eq!(error.code(), code, "{error}: {text}");
        assert!(!error.hint().is_empty());
    }
}

#[test]
fn lengths_of_rsa_keys() {
    let modulus = |bits: usize| {
        let mut bytes = vec![0xa5; bits / 8];
        *bytes.last_mut().unwrap() |= 1;
        bytes
    };
    let danger = crate::provider().danger_allow("rsa-1024").unwrap();
    for (bits, by_default, with_danger) in [
        (512, "crypto.key_too_small", "crypto.key_too_small"),
        (1016, "crypto.key_too_small", "crypto.key_too_small"),
        (1024, "crypto.key_too_small", ""),
        (2040, "crypto.key_too_small", ""),
        (2048, "", ""),
        (8192, "", ""),
        (8200, "crypto.key_too_large", "crypto.key_too_large"),
        (65536, "crypto.key_too_large", "crypto.key_too_large"),
    ] {
        let spki = rsa_spki(&modulus(bits), &[1, 0, 1]);
        for (provider, expected) in [(&crate::provider(), by_default), (&danger, with_danger)] {
            let code = provider.public_key(&spki).map_or_else(|error| error.code(), |_| "");
            assert_eq!(code, expected, "{bits} bits");
        }
    }
    // The length is that of the number: a leading bit of zero makes 2047.
    let mut odd = modulus(2048);
    odd[0] = 0x7f;
    let error = crate::provider().public_key(&rsa_spki(&odd, &[1, 0, 1])).unwrap_err();
    assert!(error.to_string().contains("2047"), "{error}");
}

#[test]
fn public_keys_that_are_refused() {
    let good = P256.ours().public_key().spki_der().to_vec();
    let point = &good[26..];
    let mut off_curve = point.to_vec();
    off_curve[64] ^= 1;
    let mut modulus = vec![0xa5; 256];
    let odd = modulus.clone();
    modulus[255] = 0xa4;
    let secp256k1 = [&EC_P256[..9], &[6, 5, 0x2b, 0x81, 4, 0, 10]].concat();
    let explicit = [&EC_P256[..9], &tlv(0x30, &[2, 1, 1])].concat();
    let dsa = [6, 7, 0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1];
    let mut small_order = [0; 32];
    small_order[0] = 1;
    for (what, bytes, code) in [
        ("nothing", vec![], "crypto.key_malformed"),
        ("no DER", b"key".to_vec(), "crypto.key_malformed"),
        ("something behind", [&good[..], &[0]].concat(), "crypto.key_malformed"),
        ("cut", good[..good.len() - 1].to_vec(), "crypto.key_malformed"),
        ("a point off the curve", spki(&EC_P256, &off_curve), "crypto.key_malformed"),
        ("the point at infinity", spki(&EC_P256, &[0]), "crypto.key_malformed"),
        ("half a point", spki(&EC_P256, &point[..33]), "crypto.key_malformed"),
        ("another curve", spki(&secp256k1, point), "crypto.key_unsupported"),
        ("explicit parameters", spki(&explicit, point), "crypto.key_unsupported"),
        ("no parameters", spki(&EC_P256[..9], point), "crypto.key_unsupported"),
        ("DSA", spki(&dsa, &[2, 1, 1]), "crypto.key_unsupported"),
        ("an even modulus", rsa_spki(&modulus, &[1, 0, 1]), "crypto.key_malformed"),
        ("the exponent 1", rsa_spki(&odd, &[1]), "crypto.key_malformed"),
        ("an even exponent", rsa_spki(&odd, &[4]), "crypto.key_malformed"),
        ("a long exponent", rsa_spki(&odd, &[1, 0, 0, 0, 0, 1]), "crypto.key_malformed"),
        ("a point of small order", spki(&ED, &small_order), "crypto.key_malformed"),
        ("a short Ed25519 key", spki(&ED, &[7; 31]), "crypto.key_malformed"),
    ] {
        let error = crate::provider().public_key(&bytes).unwrap_err();
        assert_eq!(error.code(), code, "{what}: {error}");
    }
}

/// The key of the fixture with another algorithm identifier: id-RSASSA-PSS and these parameters.
fn restricted(parameters: &[u8]) -> Vec<u8> {
    let identifier = [&[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10], parameters].concat();
    // SEQUENCE { SEQUENCE of 15 bytes, BIT STRING { 0, key } }
    spki(&identifier, &RSA_2048.ours().public_key().spki_der()[24..])
}

/// RSASSA-PSS-params of a digest (the last number of its object identifier), the digest of MGF1, and a salt.
fn pss_parameters(digest: u8, mgf: u8, salt: u8) -> Vec<u8> {
    let digest_of = |last| tlv(0x30, &[6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, last, 5, 0]);
    let mask = [&[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 8][..], &digest_of(mgf)].concat();
    let parts = [tlv(0xa0, &digest_of(digest)), tlv(0xa1, &tlv(0x30, &mask)), tlv(0xa2, &[2, 1, salt])];
    tlv(0x30, &parts.concat())
}

#[test]
fn a_key_for_pss_alone_verifies_pss_alone() {
    use SignatureAlgorithm as A;
    let provider = legacy(crate::provider());
    let all = [A::RsaPssSha256, A::RsaPssSha384, A::RsaPssSha512];
    for (what, parameters, allowed) in [
        ("no parameters", vec![], &all[..]),
        ("SHA-256", pss_parameters(1, 1, 32), &[A::RsaPssSha256]),
        ("SHA-384", pss_parameters(2, 2, 48), &[A::RsaPssSha384]),
        ("SHA-512 with any salt", pss_parameters(3, 3, 0), &[A::RsaPssSha512]),
    ] {
        let bytes = restricted(&parameters);
        let key = provider.public_key(&bytes).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!((key.kind(), key.spki_der()), (KeyKind::Rsa { bits: 2048 }, &bytes[..]), "{what}");
        assert_ne!(key.fingerprint(), RSA_2048.ours().public_key().fingerprint());
        for algorithm in A::ALL.into_iter().filter(|algorithm| algorithm.fits(key.kind())) {
            let signature =
                super::fixtures::reference().sign(algorithm, RSA_2048.theirs(), b"message").unwrap();
            let verdict = provider.verify(algorithm, &key, b"message", &signature);
            let verdict = verdict.map_or_else(|error| error.code(), |()| "verified");
            let expected = if allowed.contains(&algorithm) { "verified" } else { "crypto.key_restricted" };
            assert_eq!(verdict, expected, "{what}: {algorithm:?}");
        }
        for transport in [
            KeyTransport::Rsa15,
            KeyTransport::RsaOaep { digest: DigestAlgorithm::Sha256, mgf: DigestAlgorithm::Sha256 },
        ] {
            let answer = provider.encrypt_key(transport, &key, &[7; 16]).unwrap_err();
            assert_eq!(answer.code(), "crypto.key_restricted");
            assert!(!answer.hint().is_empty() && answer.to_string().contains("RSASSA-PSS"));
        }
    }
    for (what, parameters) in [
        ("SHA-1, by default", tlv(0x30, &[])),
        ("another digest in MGF1", pss_parameters(1, 3, 32)),
        ("a salt longer than the digest", pss_parameters(1, 1, 33)),
        ("SHA-224", pss_parameters(4, 4, 28)),
        ("no SEQUENCE", vec![5, 0]),
        ("something else inside", tlv(0x30, &[2, 1, 1])),
    ] {
        let error = provider.public_key(&restricted(&parameters)).unwrap_err();
        assert_eq!(error.code(), "crypto.key_unsupported", "{what}: {error}");
    }
    let no_key = spki(&[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10], &[1, 2, 3]);
    assert_eq!(provider.public_key(&no_key).unwrap_err().code(), "crypto.key_malformed");
}

/// The private key of the fixture, restricted likewise: the form that `openssl genpkey -algorithm RSA-PSS` writes.
fn restricted_private(parameters: &[u8]) -> String {
    let identifier = [&[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10], parameters].concat();
    let key = [vec![2, 1, 0], tlv(0x30, &identifier), tlv(0x04, &pkcs1())].concat();
    armour("PRIVATE KEY", &tlv(0x30, &key))
}

#[test]
fn a_private_key_for_pss_alone_signs_pss_alone() {
    use SignatureAlgorithm as A;
    let (provider, plain) = (legacy(crate::provider()), RSA_2048.theirs().public_key());
    let all = [A::RsaPssSha256, A::RsaPssSha384, A::RsaPssSha512];
    for (what, parameters, allowed) in [
        ("no parameters", vec![], &all[..]),
        ("SHA-256", pss_parameters(1, 1, 32), &[A::RsaPssSha256]),
        ("SHA-384 with any salt", pss_parameters(2, 2, 0), &[A::RsaPssSha384]),
        ("SHA-512", pss_parameters(3, 3, 64), &[A::RsaPssSha512]),
    ] {
        let pem = restricted_private(&parameters);
        let key = provider.private_key(&pem).unwrap_or_else(|error| panic!("{what}: {error}"));
        // The public half is the one in a certificate over this key, including the restriction.
        let public = provider.public_key(&restricted(&parameters)).unwrap();
        assert_eq!(key.public_key().spki_der(), public.spki_der(), "{what}");
        assert_eq!((key.kind(), key.signature_algorithm()), (public.kind(), allowed[0]), "{what}");
        assert_eq!(body(key.to_pkcs8_pem().as_str()), body(&pem), "{what}");
        for algorithm in A::ALL.into_iter().filter(|algorithm| algorithm.fits(key.kind())) {
            let signature = provider.sign(algorithm, &key, b"message");
            if allowed.contains(&algorithm) {
                let verifier = super::fixtures::reference();
                verifier.verify(algorithm, plain, b"message", &signature.unwrap()).unwrap();
            } else {
                assert_eq!(signature.unwrap_err().code(), "crypto.key_restricted", "{what}: {algorithm:?}");
            }
        }
        for transport in [
            KeyTransport::Rsa15,
            KeyTransport::RsaOaep { digest: DigestAlgorithm::Sha256, mgf: DigestAlgorithm::Sha256 },
            KeyTransport::RsaOaep { digest: DigestAlgorithm::Sha256, mgf: DigestAlgorithm::Sha1 },
        ] {
            let closed = super::fixtures::reference().encrypt_key(transport, plain, &[7; 16]).unwrap();
            let answer = provider.decrypt_key(transport, &key, &closed).unwrap_err();
            assert_eq!(answer.code(), "crypto.key_restricted", "{what}");
        }
    }
    for (what, parameters) in [
        ("SHA-1, by default", tlv(0x30, &[])),
        ("another digest in MGF1", pss_parameters(1, 3, 32)),
        ("a salt longer than the digest", pss_parameters(1, 1, 33)),
        ("no SEQUENCE", vec![5, 0]),
    ] {
        let error = provider.private_key(&restricted_private(&parameters)).unwrap_err();
        assert_eq!(error.code(), "crypto.key_unsupported", "{what}: {error}");
    }
}

#[test]
fn public_keys_in_pem() {
    for fixture in KEYS {
        let key = fixture.theirs().public_key();
        let again = crate::provider().public_key_pem(&format!("text\n{}text", key.to_pem())).unwrap();
        assert_eq!((again.spki_der(), again.fingerprint()), (key.spki_der(), key.fingerprint()));
    }
    for text in ["", RSA_2048.pem()] {
        assert_eq!(crate::provider().public_key_pem(text).unwrap_err().code(), "crypto.pem");
    }
}

#[test]
fn debug_shows_no_secret() {
    for pem in KEYS {
        let shown = format!("{:?}", pem.ours());
        assert!(shown.contains("PublicKey") && shown.contains(".."), "{shown}");
        let scalar = body(pem.pem());
        let tail = format!("{:?}", &scalar[scalar.len() - 8..]);
        assert!(!shown.contains(tail.trim_matches(['[', ']'])) && shown.len() < 300, "{shown}");
    }
}

#[test]
fn keys_are_made() {
    for kind in [KeyKind::P256, KeyKind::P384, KeyKind::P521, KeyKind::Ed25519, KeyKind::Rsa { bits: 2048 }] {
        let key = crate::provider().generate_key(kind).unwrap();
        assert_eq!(key.kind(), kind);
        let other =
            crate::provider().generate_key(if let KeyKind::Rsa { .. } = kind { KeyKind::P256 } else { kind });
        assert_ne!(key.public_key().fingerprint(), other.unwrap().public_key().fingerprint());
    }
    let allowing = crate::provider().danger_allow("rsa-1024").unwrap();
    for bits in [1024, 1536] {
        assert_eq!(allowing.generate_key(KeyKind::Rsa { bits }).unwrap().kind(), KeyKind::Rsa { bits });
    }
    for bits in [0, 512, 1024, 2047, 8193, u32::MAX] {
        assert!(crate::provider().generate_key(KeyKind::Rsa { bits }).is_err(), "{bits}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_a_key_or_an_error(bytes: Vec<u8>, place: prop::sample::Index, byte: u8) {
        let _ = crate::provider().public_key(&bytes);
        let mut altered = P256.ours().public_key().spki_der().to_vec();
        let place = place.index(altered.len());
        altered[place] = byte;
        let _ = crate::provider().public_key(&altered);
        let _ = crate::provider().private_key(&armour("PRIVATE KEY", &bytes));
        let _ = crate::provider().private_key(&armour("EC PRIVATE KEY", &bytes));
    }
}
