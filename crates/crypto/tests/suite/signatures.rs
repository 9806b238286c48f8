//! Signatures: made and verified, across backends, and all kinds that must fail.

use super::fixtures::{ED25519, Fixture, KEYS, OTHER_RSA_2048, P256, P384, P521, RSA_1024, RSA_2048};
use super::fixtures::{hexadecimal, legacy, reference};
use proptest::prelude::*;
use vouchsafe_crypto::{KeyKind, SignatureAlgorithm};

const MESSAGE: &[u8] = b"<saml2:Assertion/>";

/// Every algorithm with every kind of key that fits, and a name for the two.
fn cases() -> impl Iterator<Item = (SignatureAlgorithm, &'static Fixture, String)> {
    SignatureAlgorithm::ALL.into_iter().flat_map(|algorithm| {
        let fitting = KEYS.into_iter().filter(move |pem| algorithm.fits(pem.theirs().kind()));
        fitting.map(move |pem| (algorithm, pem, format!("sign {algorithm:?} {}", pem.theirs().kind())))
    })
}

#[test]
fn each_backend_verifies_what_the_other_signs() {
    let provider = legacy(crate::provider());
    for (algorithm, pem, name) in cases() {
        let (ours, theirs) = (pem.ours(), pem.theirs());
        let signature = reference().sign(algorithm, theirs, MESSAGE).unwrap();
        provider
            .verify(algorithm, ours.public_key(), MESSAGE, &signature)
            .unwrap_or_else(|e| panic!("{name}: {e}"));
        let signature =
            provider.sign(algorithm, ours, MESSAGE).unwrap_or_else(|error| panic!("{name}: {error}"));
        let verdict = reference().verify(algorithm, theirs.public_key(), MESSAGE, &signature);
        verdict.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn every_altered_region_fails() {
    let provider = legacy(crate::provider());
    for (algorithm, pem, name) in cases() {
        let ours = pem.ours();
        let signature = reference().sign(algorithm, pem.theirs(), MESSAGE).unwrap();
        let length = signature.len();
        for place in [0, 1, length / 4, length / 2 - 1, length / 2, length / 2 + 1, length - 2, length - 1] {
            let mut altered = signature.clone();
            altered[place] ^= 1;
            let error = provider.verify(algorithm, ours.public_key(), MESSAGE, &altered).unwrap_err();
            assert_eq!(error.code(), "crypto.signature_invalid", "{name}, byte {place}");
        }
        for other in [&b""[..], b"<saml2:Assertion/> ", b"<saml2:assertion/>"] {
            assert!(provider.verify(algorithm, ours.public_key(), other, &signature).is_err(), "{name}");
        }
    }
}

#[test]
fn every_other_length_fails() {
    let provider = legacy(crate::provider());
    for (algorithm, pem, name) in cases() {
        let ours = pem.ours();
        let signature = reference().sign(algorithm, pem.theirs(), MESSAGE).unwrap();
        let longer = [&signature[..], &[0]].concat();
        let padded = [&[0], &signature[..]].concat();
        for other in
            [&[], &signature[1..], &signature[..signature.len() - 1], &longer, &padded, &signature[..1]]
        {
            let error = provider.verify(algorithm, ours.public_key(), MESSAGE, other).unwrap_err();
            assert_eq!(error.code(), "crypto.signature_length", "{name}, {} bytes", other.len());
        }
    }
}

#[test]
fn another_key_or_another_algorithm_fails() {
    let provider = legacy(crate::provider());
    for (algorithm, pem, name) in cases() {
        let signature = reference().sign(algorithm, pem.theirs(), MESSAGE).unwrap();
        let stranger = match pem.theirs().kind() {
            KeyKind::Rsa { .. } => OTHER_RSA_2048.ours().clone(),
            kind => provider.generate_key(kind).unwrap(),
        };
        assert!(provider.verify(algorithm, stranger.public_key(), MESSAGE, &signature).is_err(), "{name}");
        for other in SignatureAlgorithm::ALL.into_iter().filter(|other| *other != algorithm) {
            let error = provider.verify(other, pem.ours().public_key(), MESSAGE, &signature).unwrap_err();
            let expected = if other.fits(pem.ours().kind()) {
                "crypto.signature_invalid"
            } else {
                "crypto.key_mismatch"
            };
            assert_eq!(error.code(), expected, "{name} as {other:?}");
        }
    }
}

#[test]
fn numbers_outside_the_group_fail() {
    // The orders of the curves (SEC 2, 2.4.2, 2.5.1, 2.6.1).
    let orders = [
        (&P256, "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551".to_owned()),
        (&P384, format!("{}C7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973", "F".repeat(48))),
        (
            &P521,
            format!("01{}FA51868783BF2F966B7FCC0148F709A5D03BB5C9B8899C47AEBB6FB71E91386409", "F".repeat(64)),
        ),
    ];
    let provider = crate::provider();
    for (pem, order) in orders {
        let order = hexadecimal(&order);
        let width = order.len();
        let good = reference().sign(SignatureAlgorithm::EcdsaSha256, pem.theirs(), MESSAGE).unwrap();
        assert_eq!(good.len(), 2 * width);
        let (r, s) = good.split_at(width);
        let (zero, full, mut one) = (vec![0; width], vec![0xff; width], vec![0; width]);
        one[width - 1] = 1;
        for (r, s) in [
            (&zero[..], s),
            (r, &zero),
            (&zero, &zero),
            (&order, s),
            (r, &order),
            (&full, s),
            (r, &full),
            (&one, &one),
            (s, r),
        ] {
            let error = provider
                .verify(SignatureAlgorithm::EcdsaSha256, pem.ours().public_key(), MESSAGE, &[r, s].concat())
                .unwrap_err();
            assert_eq!(error.code(), "crypto.signature_invalid");
        }
    }
    for byte in [0, 1, 0xff] {
        for (pem, algorithm, length) in [
            (&RSA_2048, SignatureAlgorithm::RsaSha256, 256),
            (&RSA_2048, SignatureAlgorithm::RsaPssSha256, 256),
            (&ED25519, SignatureAlgorithm::Ed25519, 64),
        ] {
            let error = provider
                .verify(algorithm, pem.ours().public_key(), MESSAGE, &vec![byte; length])
                .unwrap_err();
            assert_eq!(error.code(), "crypto.signature_invalid", "{algorithm:?}");
        }
    }
}

#[test]
fn short_keys_verify_only_where_allowed() {
    let (ours, theirs) = (RSA_1024.ours(), RSA_1024.theirs());
    let spki = theirs.public_key().spki_der();
    let all = legacy(crate::provider());
    for algorithm in SignatureAlgorithm::ALL.into_iter().filter(|algorithm| algorithm.fits(ours.kind())) {
        // RSASSA-PSS with SHA-512 and its salt is too long for 128 bytes.
        let Ok(signature) = reference().sign(algorithm, theirs, MESSAGE) else {
            assert_eq!(all.sign(algorithm, ours, MESSAGE).unwrap_err().code(), "crypto.signing_failed");
            continue;
        };
        all.verify(algorithm, ours.public_key(), MESSAGE, &signature).unwrap();
        let signature = all.sign(algorithm, ours, MESSAGE).unwrap();
        reference().verify(algorithm, theirs.public_key(), MESSAGE, &signature).unwrap();
        assert!(all.verify(algorithm, ours.public_key(), b"another", &signature).is_err());
    }
    let signature = reference().sign(SignatureAlgorithm::RsaSha256, theirs, MESSAGE).unwrap();
    let allowing = crate::provider().danger_allow("rsa-1024").unwrap();
    let public = allowing.public_key(spki).unwrap();
    assert_eq!(public.kind(), KeyKind::Rsa { bits: 1024 });
    allowing.verify(SignatureAlgorithm::RsaSha256, &public, MESSAGE, &signature).unwrap();
    // The key is parsed where short keys are allowed, and used where they are not.
    let strict = crate::provider();
    let error = strict.verify(SignatureAlgorithm::RsaSha256, &public, MESSAGE, &signature).unwrap_err();
    assert_eq!(error.code(), "crypto.key_too_small");
    assert_eq!(strict.public_key(spki).unwrap_err().code(), "crypto.key_too_small");
    assert_eq!(strict.private_key(RSA_1024.pem()).unwrap_err().code(), "crypto.key_too_small");
}

#[test]
fn rfc_8032_test_2() {
    let public = hexadecimal("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    let signature = hexadecimal(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
         085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    );
    let spki = super::fixtures::spki(&[6, 3, 0x2b, 0x65, 0x70], &public);
    let key = crate::provider().public_key(&spki).unwrap();
    crate::provider().verify(SignatureAlgorithm::Ed25519, &key, &[0x72], &signature).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn random_bytes_are_no_signature(bytes in prop::collection::vec(any::<u8>(), 256)) {
        let provider = crate::provider();
        for (pem, algorithm, length) in [
            (&RSA_2048, SignatureAlgorithm::RsaSha256, 256),
            (&RSA_2048, SignatureAlgorithm::RsaPssSha512, 256),
            (&P256, SignatureAlgorithm::EcdsaSha256, 64),
            (&ED25519, SignatureAlgorithm::Ed25519, 64),
        ] {
            let key = pem.ours();
            prop_assert!(provider.verify(algorithm, key.public_key(), MESSAGE, &bytes[..length]).is_err());
        }
    }

    #[test]
    fn any_message_is_signed(message: Vec<u8>) {
        let provider = crate::provider();
        for (pem, algorithm) in [(&P256, SignatureAlgorithm::EcdsaSha256), (&ED25519, SignatureAlgorithm::Ed25519)] {
            let key = pem.ours();
            let signature = provider.sign(algorithm, key, &message).unwrap();
            prop_assert!(provider.verify(algorithm, key.public_key(), &message, &signature).is_ok());
        }
    }
}
