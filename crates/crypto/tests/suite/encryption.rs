//! Content ciphers and key transport: there and back, across backends, and everything that must fail.

use super::fixtures::{OTHER_RSA_2048, P256, RSA_15, RSA_1024, RSA_2048, hexadecimal, legacy, reference};
use proptest::prelude::*;
use vouchsafe_crypto::{ContentCipher, DigestAlgorithm, KeyTransport, WrappedKey};

const CIPHERS: [ContentCipher; 7] = ContentCipher::ALL;

/// Returns a key of the cipher's length whose parts differ: with equal parts, Triple DES would be single DES.
fn key_of(cipher: ContentCipher) -> Vec<u8> {
    (1..).take(cipher.key_length()).collect()
}

const OAEP_SHA1: KeyTransport =
    KeyTransport::RsaOaep { digest: DigestAlgorithm::Sha1, mgf: DigestAlgorithm::Sha1 };

#[test]
fn each_backend_opens_what_the_other_closes() {
    for cipher in CIPHERS {
        let secret = key_of(cipher);
        for length in (0..50).chain([1000]) {
            let plain = vec![b'x'; length];
            let ours = legacy(crate::provider());
            for (closing, opening) in [(&ours, &reference()), (&reference(), &ours)] {
                let bytes = closing.encrypt_content(cipher, &secret, &plain).unwrap();
                let overhead = match cipher {
                    ContentCipher::TripleDesCbc => 16 - length % 8,
                    cipher if cipher.is_authenticated() => 28,
                    _ => 32 - length % 16,
                };
                assert_eq!(bytes.len(), length + overhead, "{cipher:?}");
                assert_eq!(opening.decrypt_content(cipher, &secret, &bytes).unwrap(), plain);
            }
        }
    }
}

/// The bytes are returned whether the padding is right or not, so that a caller can do the same with both. Both
/// backends return the same bytes.
#[test]
fn padding_is_judged_after_the_bytes_are_there() {
    let ours = legacy(crate::provider());
    for cipher in CIPHERS.into_iter().filter(|cipher| !cipher.is_authenticated()) {
        let block = if cipher == ContentCipher::TripleDesCbc { 8 } else { 16 };
        let (secret, plain) = (key_of(cipher), vec![b'x'; 40]);
        let good = ours.encrypt_content(cipher, &secret, &plain).unwrap();
        for bits in 0..=u8::MAX {
            // The byte one block before the last is combined with the last byte of the text.
            let mut bytes = good.clone();
            let at = bytes.len() - block - 1;
            bytes[at] ^= bits;
            let content = ours.decrypt_padded_content(cipher, &secret, &bytes).unwrap();
            let last = (block - 40 % block) as u8 ^ bits;
            let is_right = (1..=block).contains(&usize::from(last));
            assert_eq!(content.padding_is_right(), is_right, "{cipher:?} {last}");
            let whole = bytes.len() - block;
            let length = if is_right { whole - usize::from(last) } else { whole };
            assert_eq!(content.bytes().len(), length, "{cipher:?} {last}");
            assert_eq!(format!("{content:?}"), "PaddedContent { .. }");
            let other = reference().decrypt_padded_content(cipher, &secret, &bytes).unwrap();
            assert_eq!((other.bytes(), other.padding_is_right()), (content.bytes(), is_right));
            let answer = content.clone().into_bytes();
            assert_eq!(answer.is_ok(), is_right);
            assert_eq!(ours.decrypt_content(cipher, &secret, &bytes).ok(), answer.ok());
        }
    }
    let strict = crate::provider().deny(ContentCipher::Aes128Cbc.uri()).unwrap();
    let refused = strict.decrypt_padded_content(ContentCipher::Aes128Cbc, &[7; 16], &[0; 32]).unwrap_err();
    assert_eq!(refused.code(), "crypto.algorithm_refused");
}

#[test]
fn galois_counter_mode_as_its_authors_wrote_it() {
    // McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B, cases 1, 2, 7, 8, 13, 14: all zero.
    for (cipher, plain, expected) in [
        (ContentCipher::Aes128Gcm, 0, "58e2fccefa7e3061367f1d57a4e7455a"),
        (ContentCipher::Aes128Gcm, 16, "0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf"),
        (ContentCipher::Aes192Gcm, 0, "cd33b28ac773f74ba00ed1f312572435"),
        (ContentCipher::Aes192Gcm, 16, "98e7247c07f0fe411c267e4384b0f6002ff58d80033927ab8ef4d4587514f0fb"),
        (ContentCipher::Aes256Gcm, 0, "530f8afbc74536b9a963b4f1c4cb738b"),
        (ContentCipher::Aes256Gcm, 16, "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"),
    ] {
        let tail = hexadecimal(expected);
        let bytes: Vec<u8> = [0; 12].into_iter().chain(tail).collect();
        let secret = vec![0; cipher.key_length()];
        assert_eq!(crate::provider().decrypt_content(cipher, &secret, &bytes).unwrap(), vec![0; plain]);
    }
}

#[test]
fn initialisation_vectors_are_fresh() {
    let provider = legacy(crate::provider());
    for cipher in CIPHERS {
        let secret = key_of(cipher);
        let close = || provider.encrypt_content(cipher, &secret, b"same").unwrap();
        assert_ne!(close()[..8], close()[..8], "{cipher:?}");
    }
}

#[test]
fn altered_content_fails_and_says_nothing() {
    let provider = legacy(crate::provider());
    for cipher in CIPHERS {
        let secret = key_of(cipher);
        let bytes = provider.encrypt_content(cipher, &secret, &[b'x'; 40]).unwrap();
        let refuse = |bytes: &[u8], secret: &[u8], what: &str| {
            let error = provider.decrypt_content(cipher, secret, bytes).unwrap_err();
            assert_eq!(error.code(), "crypto.decryption_failed", "{cipher:?}: {what}");
        };
        for length in [0, 1, 7, 8, 9, 11, 12, 15, 17, 27, 31, bytes.len() - 1] {
            refuse(&bytes[..length], &secret, "cut");
        }
        if cipher != ContentCipher::TripleDesCbc {
            refuse(&bytes[..16], &secret, "nothing but the vector");
        }
        refuse(&bytes, &secret[1..], "key too short");
        refuse(&bytes, &[&secret[..], &[0]].concat(), "key too long");
        if cipher.is_authenticated() {
            for place in 0..bytes.len() {
                let mut altered = bytes.clone();
                altered[place] ^= 0x10;
                refuse(&altered, &secret, "altered");
            }
            refuse(&bytes, &vec![8; secret.len()], "another key");
        }
    }
}

#[test]
fn padding_is_looked_at() {
    // Without authentication an altered byte before the last block alters the padding's length at will.
    let provider = crate::provider();
    let (cipher, secret) = (ContentCipher::Aes128Cbc, [7; 16]);
    let bytes = provider.encrypt_content(cipher, &secret, &[b'x'; 15]).unwrap();
    assert_eq!(bytes.len(), 32);
    for count in 0..=255u8 {
        let mut altered = bytes.clone();
        altered[15] ^= 1 ^ count;
        let answer = provider.decrypt_content(cipher, &secret, &altered);
        match count {
            1..=16 => assert_eq!(answer.unwrap(), vec![b'x'; 16 - usize::from(count)]),
            _ => assert_eq!(answer.unwrap_err().code(), "crypto.decryption_failed"),
        }
    }
}

#[test]
fn keys_of_another_length_do_not_encrypt() {
    for cipher in CIPHERS {
        for length in [0, 15, 17, 33] {
            let provider = legacy(crate::provider());
            let error = provider.encrypt_content(cipher, &vec![7; length], b"plain").unwrap_err();
            assert_eq!(error.code(), "crypto.key_length");
        }
    }
}

#[test]
fn triple_des_is_refused_by_name_until_it_is_allowed() {
    let cipher = ContentCipher::TripleDesCbc;
    let error = crate::provider().decrypt_content(cipher, &[7; 24], &[0; 24]).unwrap_err();
    assert_eq!(error.code(), "crypto.algorithm_refused");
    assert!(error.to_string().contains("tripledes-cbc"));
    assert!(!cipher.is_authenticated());

    // NIST SP 800-67, B.1: "The qufck brown fox jump" in ECB; with a vector of zero its first block is that of CBC.
    let provider = crate::provider().danger_allow(cipher.uri()).unwrap();
    let secret = hexadecimal("0123456789abcdef23456789abcdef01456789abcdef0123");
    let bytes = hexadecimal("0000000000000000a826fd8ce53b855f");
    // The block decrypts to "The qufc", whose last byte is not a padding length.
    let error = provider.decrypt_content(cipher, &secret, &bytes).unwrap_err();
    assert_eq!(error.code(), "crypto.decryption_failed");
    // With the vector altered so that it ends in 1, the rest is the text.
    let bytes = hexadecimal("0000000000000062a826fd8ce53b855f");
    assert_eq!(provider.decrypt_content(cipher, &secret, &bytes).unwrap(), b"The quf");
    // Padding is at most a block of 8.
    let bytes = hexadecimal("000000000000006aa826fd8ce53b855f");
    assert_eq!(
        provider.decrypt_content(cipher, &secret, &bytes).unwrap_err().code(),
        "crypto.decryption_failed"
    );
}

#[test]
fn triple_des_takes_any_key_of_its_length() {
    // Two-key Triple DES, three equal parts, and a weak one.
    let cipher = ContentCipher::TripleDesCbc;
    let two_keys = [[1; 8], [2; 8], [1; 8]].concat();
    let weak = [[1; 8], [0xfe; 8], [7; 8]].concat();
    for secret in [two_keys, vec![7; 24], weak] {
        let ours = legacy(crate::provider());
        for (closing, opening) in [(&ours, &reference()), (&reference(), &ours)] {
            let bytes = closing.encrypt_content(cipher, &secret, b"plain").unwrap();
            assert_eq!(opening.decrypt_content(cipher, &secret, &bytes).unwrap(), b"plain");
        }
    }
}

#[test]
fn short_keys_open_only_where_allowed() {
    let (provider, ours, theirs) = (legacy(crate::provider()), RSA_1024.ours(), RSA_1024.theirs());
    let oaep = DigestAlgorithm::ALL.into_iter().flat_map(|digest| {
        DigestAlgorithm::ALL.into_iter().map(move |mgf| KeyTransport::RsaOaep { digest, mgf })
    });
    for transport in oaep.chain([KeyTransport::Rsa15]) {
        // Two digests of 64 bytes and two more leave no room in 128.
        let Ok(closed) = reference().encrypt_key(transport, theirs.public_key(), &[7; 16]) else {
            let error = provider.encrypt_key(transport, ours.public_key(), &[7; 16]).unwrap_err();
            assert_eq!(error.code(), "crypto.encryption_failed", "{transport:?}");
            continue;
        };
        let opened = provider.decrypt_key(transport, ours, &closed).unwrap();
        assert_eq!(opened.as_slice(), [7; 16], "{transport:?}");
        let closed = provider.encrypt_key(transport, ours.public_key(), &[7; 16]).unwrap();
        let opened = reference().decrypt_key(transport, theirs, &closed).unwrap();
        assert_eq!(opened.as_slice(), [7; 16], "{transport:?}");
        // The key is parsed where short keys are allowed, and used where they are not.
        let strict = crate::provider().danger_allow(RSA_15).unwrap();
        let error = strict.decrypt_key(transport, ours, &closed).unwrap_err();
        assert_eq!(error.code(), "crypto.key_too_small");
        // Every failure gives the same error, or with RSA PKCS#1 v1.5 none.
        let cipher = ContentCipher::Aes128Cbc;
        for bytes in [&closed[1..], &[], &[0; 128], &[0xff; 128]] {
            let answer =
                provider.decrypt_content_key(ours, &WrappedKey { transport, label: &[], bytes, cipher });
            let code = answer.map_or_else(|error| error.code(), |_| "a random key");
            let expected =
                if transport == KeyTransport::Rsa15 { "a random key" } else { "crypto.decryption_failed" };
            assert_eq!(code, expected, "{transport:?}, {} bytes", bytes.len());
        }
    }
}

#[test]
fn oaep_with_a_label() {
    let (provider, ours, theirs) = (crate::provider(), RSA_2048.ours(), RSA_2048.theirs());
    let cipher = ContentCipher::Aes256Gcm;
    let pairs =
        DigestAlgorithm::ALL.into_iter().flat_map(|digest| DigestAlgorithm::ALL.map(|mgf| (digest, mgf)));
    for (digest, mgf) in pairs {
        let transport = KeyTransport::RsaOaep { digest, mgf };
        let open = |bytes: &[u8], label: &[u8]| {
            let key = provider.decrypt_content_key(ours, &WrappedKey { transport, label, bytes, cipher });
            key.map(|key| key.as_slice().to_vec()).map_err(|error| error.code())
        };
        let closed =
            reference().encrypt_key_with_label(transport, b"label", theirs.public_key(), &[7; 32]).unwrap();
        assert_eq!(open(&closed, b"label"), Ok(vec![7; 32]));
        for other in [&b""[..], b"labe", b"label\0"] {
            assert_eq!(open(&closed, other), Err("crypto.decryption_failed"));
        }
        let closed =
            provider.encrypt_key_with_label(transport, b"label", ours.public_key(), &[7; 32]).unwrap();
        let wrapped = WrappedKey { transport, label: b"label", bytes: &closed, cipher };
        let opened = reference().decrypt_content_key(theirs, &wrapped);
        assert_eq!(opened.unwrap().as_slice(), [7; 32]);
        let unlabelled = provider.encrypt_key(transport, ours.public_key(), &[7; 32]).unwrap();
        assert_eq!(open(&unlabelled, b""), Ok(vec![7; 32]));
    }
    // RSA PKCS#1 v1.5 has no label.
    let provider = legacy(provider);
    let answer = provider.encrypt_key_with_label(KeyTransport::Rsa15, b"label", ours.public_key(), &[7; 32]);
    assert_eq!(answer.unwrap_err().code(), "crypto.algorithm_unsupported");
    let wrapped = WrappedKey { transport: KeyTransport::Rsa15, label: b"label", bytes: &[0; 256], cipher };
    let answer = provider.decrypt_content_key(ours, &wrapped);
    assert_eq!(answer.unwrap_err().code(), "crypto.algorithm_unsupported");
}

#[test]
fn oaep_with_every_pair_of_digests() {
    let (provider, ours, theirs) = (crate::provider(), RSA_2048.ours(), RSA_2048.theirs());
    for digest in DigestAlgorithm::ALL {
        for mgf in DigestAlgorithm::ALL {
            let transport = KeyTransport::RsaOaep { digest, mgf };
            let closed = reference().encrypt_key(transport, theirs.public_key(), &[7; 32]).unwrap();
            assert_eq!(provider.decrypt_key(transport, ours, &closed).unwrap().as_slice(), [7; 32]);
            let closed = provider.encrypt_key(transport, ours.public_key(), &[7; 32]).unwrap();
            assert_eq!(reference().decrypt_key(transport, theirs, &closed).unwrap().as_slice(), [7; 32]);
            let longest = 256 - 2 * digest.length() - 2;
            assert!(provider.encrypt_key(transport, ours.public_key(), &vec![7; longest]).is_ok());
            let error =
                provider.encrypt_key(transport, ours.public_key(), &vec![7; longest + 1]).unwrap_err();
            assert_eq!(error.code(), "crypto.encryption_failed");
            for place in [0, 1, 100, 255] {
                let mut altered = closed.clone();
                altered[place] ^= 1;
                let error = provider.decrypt_key(transport, ours, &altered).unwrap_err();
                assert_eq!(error.code(), "crypto.decryption_failed");
            }
        }
    }
}

#[test]
fn oaep_refuses_other_digests_lengths_and_keys() {
    let (provider, ours) = (crate::provider(), RSA_2048.ours());
    let both = |digest| KeyTransport::RsaOaep { digest, mgf: digest };
    let closed = provider.encrypt_key(OAEP_SHA1, ours.public_key(), &[7; 32]).unwrap();
    let stranger = OTHER_RSA_2048.ours();
    for (transport, key, bytes) in [
        (both(DigestAlgorithm::Sha256), ours, &closed[..]),
        (OAEP_SHA1, stranger, &closed),
        (OAEP_SHA1, ours, &closed[1..]),
        (OAEP_SHA1, ours, &[]),
        (OAEP_SHA1, ours, &[0; 256]),
        (OAEP_SHA1, ours, &[0xff; 256]),
        (OAEP_SHA1, ours, &[&closed[..], &[0]].concat()),
    ] {
        assert_eq!(
            provider.decrypt_key(transport, key, bytes).unwrap_err().code(),
            "crypto.decryption_failed"
        );
    }
    let open = |cipher| {
        let wrapped = WrappedKey { transport: OAEP_SHA1, label: &[], bytes: &closed, cipher };
        provider.decrypt_content_key(ours, &wrapped)
    };
    assert_eq!(open(ContentCipher::Aes256Gcm).unwrap().as_slice(), [7; 32]);
    assert_eq!(open(ContentCipher::Aes128Gcm).unwrap_err().code(), "crypto.decryption_failed");
    let error = provider.decrypt_key(OAEP_SHA1, P256.ours(), &closed).unwrap_err();
    assert_eq!(error.code(), "crypto.key_mismatch");
}

fn by_rsa_15(bytes: &[u8], cipher: ContentCipher) -> WrappedKey<'_> {
    WrappedKey { transport: KeyTransport::Rsa15, label: &[], bytes, cipher }
}

#[test]
fn rsa_15_never_says_what_was_wrong() {
    let strict = crate::provider();
    let ours = RSA_2048.ours();
    let error = strict.decrypt_content_key(ours, &by_rsa_15(&[0; 256], ContentCipher::Aes256Cbc));
    assert_eq!(error.unwrap_err().code(), "crypto.algorithm_refused");

    let provider = strict.danger_allow(RSA_15).unwrap();
    let closed =
        reference().encrypt_key(KeyTransport::Rsa15, RSA_2048.theirs().public_key(), &[7; 32]).unwrap();
    let open = |bytes: &[u8], cipher| provider.decrypt_content_key(ours, &by_rsa_15(bytes, cipher));
    assert_eq!(open(&closed, ContentCipher::Aes256Cbc).unwrap().as_slice(), [7; 32]);
    assert_eq!(provider.decrypt_key(KeyTransport::Rsa15, ours, &closed).unwrap().as_slice(), [7; 32]);

    // The result is a random key of the right length, another one each time.
    let mut altered = closed.clone();
    altered[255] ^= 1;
    for bytes in [&altered[..], &closed[1..], &[], &[0; 256], &[0xff; 256]] {
        let (one, two) =
            (open(bytes, ContentCipher::Aes256Cbc).unwrap(), open(bytes, ContentCipher::Aes256Cbc).unwrap());
        assert_eq!((one.as_slice().len(), two.as_slice().len()), (32, 32));
        assert_ne!(one.as_slice(), two.as_slice());
    }
    let other_length = open(&closed, ContentCipher::Aes128Cbc).unwrap();
    assert_eq!(other_length.as_slice().len(), 16);
    assert_ne!(other_length.as_slice(), [7; 16]);
    // Without a known length, the result is the same message each time, as if it had been encrypted.
    let reject = || provider.decrypt_key(KeyTransport::Rsa15, ours, &altered).unwrap();
    assert_eq!(reject().as_slice(), reject().as_slice());
}

proptest! {
    #[test]
    fn any_bytes_open_or_fail(bytes: Vec<u8>, secret: [u8; 32]) {
        let provider = legacy(crate::provider());
        for cipher in CIPHERS {
            let answer = provider.decrypt_content(cipher, &secret[..cipher.key_length()], &bytes);
            if let Err(error) = answer {
                prop_assert_eq!(error.code(), "crypto.decryption_failed");
            } else {
                prop_assert!(!cipher.is_authenticated());
            }
        }
    }
}
