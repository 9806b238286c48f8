//! Signed and encrypted documents, from one backend to the other.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use vouchsafe_crypto::{
    ContentCipher, DigestAlgorithm, KeyKind, KeyTransport, PrivateKey, Provider, SignatureAlgorithm,
};
use vouchsafe_encryption::{DecryptionContext, EncryptOptions, KeyLayout, decrypt, encrypt};
use vouchsafe_signature::{
    MessageParameter, Signer, TrustedKey, UnsignedForm, sign, sign_form, sign_query, verify, verify_form,
    verify_query,
};
use vouchsafe_xml::{Document, Limits};

/// The default backend and AWS-LC, in both directions. Triple DES and RSA 1.5 are allowed.
fn directions() -> [[Provider; 2]; 2] {
    let legacy = |provider: Provider| {
        let provider = provider.danger_allow(KeyTransport::RSA_15_URI).unwrap();
        provider.danger_allow(ContentCipher::TripleDesCbc.uri()).unwrap()
    };
    let (default, aws_lc) = (legacy(Provider::rustcrypto()), legacy(vouchsafe_crypto_aws_lc::provider()));
    [[default.clone(), aws_lc.clone()], [aws_lc, default]]
}

/// Makes a new key, and parses it with both providers.
fn key(kind: KeyKind, providers: &[Provider; 2]) -> [PrivateKey; 2] {
    let pem = providers[0].generate_key(kind).unwrap().to_pkcs8_pem();
    [&providers[0], &providers[1]].map(|provider| provider.private_key(pem.as_str()).unwrap())
}

#[test]
fn what_one_signs_the_other_verifies() {
    use SignatureAlgorithm as A;
    let limits = Limits::default();
    for providers in directions() {
        let [here, there] = &providers;
        for (kind, algorithms) in [
            (
                KeyKind::Rsa { bits: 2048 },
                &[
                    A::RsaSha256,
                    A::RsaSha384,
                    A::RsaSha512,
                    A::RsaPssSha256,
                    A::RsaPssSha384,
                    A::RsaPssSha512,
                ][..],
            ),
            (KeyKind::P256, &[A::EcdsaSha256, A::EcdsaSha384, A::EcdsaSha512]),
            (KeyKind::P384, &[A::EcdsaSha256, A::EcdsaSha384, A::EcdsaSha512]),
            (KeyKind::P521, &[A::EcdsaSha256, A::EcdsaSha384, A::EcdsaSha512]),
            (KeyKind::Ed25519, &[A::Ed25519]),
        ] {
            let [mine, theirs] = key(kind, &providers);
            let trusted = [TrustedKey::new(theirs.public_key().clone(), "the peer")];
            for &algorithm in algorithms {
                let signer = Signer::new(&mine).algorithm(algorithm);
                let xml = sign("<a ID='i'>Grüße</a>", "i", &signer, here, &limits).unwrap();
                let document = Document::parse(xml.as_bytes(), &limits).unwrap();
                let verified = verify(document.root(), &trusted, there, &limits).unwrap();
                assert_eq!(verified.evidence().algorithm(), algorithm);

                let query = sign_query("SAMLRequest=aa&RelayState=bb", algorithm, &mine, here).unwrap();
                assert!(verify_query(&query, &trusted, there).is_ok());
                let form = UnsignedForm {
                    parameter: MessageParameter::Response,
                    message: "<a/>",
                    relay_state: Some("b"),
                };
                let form = sign_form(&form, algorithm, &mine, here).unwrap();
                assert!(verify_form(form.fields(), &trusted, there).is_ok());
            }
        }
    }
}

#[test]
fn what_one_closes_the_other_opens() {
    let (limits, plain) = (Limits::default(), "<a>Grüße</a>");
    let transports: Vec<_> = DigestAlgorithm::ALL
        .into_iter()
        .flat_map(|digest| DigestAlgorithm::ALL.map(|mgf| KeyTransport::RsaOaep { digest, mgf }))
        .chain([KeyTransport::Rsa15])
        .collect();
    for providers in directions() {
        let [here, there] = &providers;
        let [mine, theirs] = key(KeyKind::Rsa { bits: 2048 }, &providers);
        for cipher in ContentCipher::ALL {
            for &transport in &transports {
                let options = EncryptOptions::default()
                    .cipher(cipher)
                    .key_transport(transport)
                    .layout(KeyLayout::Sibling);
                let sealed = encrypt(plain, mine.public_key(), &options, here).unwrap();
                let document = Document::parse(format!("<e>{sealed}</e>").as_bytes(), &limits).unwrap();
                let own = std::slice::from_ref(&theirs);
                let mut context = DecryptionContext::new(own, there, &limits);
                let opened = decrypt(document.root(), &mut context).unwrap();
                assert_eq!(opened.bytes(), plain.as_bytes(), "{cipher:?} {transport:?}");
            }
        }
    }
}

/// The error is not a failed decryption: the operator must learn that the backend is the reason.
#[test]
fn what_aws_lc_alone_does_not_do_is_named() {
    let limits = Limits::default();
    let (here, there) = (Provider::rustcrypto(), vouchsafe_crypto_aws_lc::provider_of_aws_lc_alone());
    let [mine, theirs] = key(KeyKind::Rsa { bits: 2048 }, &[here.clone(), there.clone()]);
    let transport = KeyTransport::RsaOaep { digest: DigestAlgorithm::Sha256, mgf: DigestAlgorithm::Sha1 };
    let sealed =
        encrypt("<a/>", mine.public_key(), &EncryptOptions::default().key_transport(transport), &here)
            .unwrap();
    let document = Document::parse(format!("<e>{sealed}</e>").as_bytes(), &limits).unwrap();
    let own = [theirs];
    let refused = decrypt(document.root(), &mut DecryptionContext::new(&own, &there, &limits)).unwrap_err();
    assert_eq!(refused.code(), "crypto.algorithm_unsupported");
    assert!(refused.to_string().contains("two different digests") && refused.to_string().contains("AWS-LC"));
    assert!(refused.hint().contains("default provider"));
}
