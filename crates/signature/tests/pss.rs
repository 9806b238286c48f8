//! RSASSA-PSS with parameters in the message (RFC 9231, 2.3.9): only those that the fixed URIs have too are accepted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test: a panic is its failure")]

mod common;

use common::{Completion, LIMITS, PROVIDER, RSA_KEY, TEMPLATE, complete, parse, trusted};
use vouchsafe_crypto::SignatureAlgorithm;
use vouchsafe_signature::verify;

const METHOD: &str =
    r#"<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"/>"#;
const SHA256: &str = r#"<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>"#;
const SHA384: &str = r#"<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#sha384"/>"#;
const SHA512: &str = r#"<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha512"/>"#;
const SHA1: &str = r#"<ds:DigestMethod Algorithm="http://www.w3.org/2000/09/xmldsig#sha1"/>"#;

#[test]
fn parameters() {
    use SignatureAlgorithm as A;
    let mgf = |digest: &str| {
        let uri = "http://www.w3.org/2007/05/xmldsig-more#MGF1";
        format!("<m:MaskGenerationFunction Algorithm=\"{uri}\">{digest}</m:MaskGenerationFunction>")
    };
    let salt = |length: &str| format!("<m:SaltLength>{length}</m:SaltLength>");
    for (name, algorithm, parameters, expected) in [
        ("no parameter", A::RsaPssSha256, String::new(), "verified"),
        (
            "all defaults said",
            A::RsaPssSha256,
            [SHA256, &mgf(SHA256), &salt("32"), "<m:TrailerField>1</m:TrailerField>"].concat(),
            "verified",
        ),
        ("mask function without digest", A::RsaPssSha256, mgf(""), "verified"),
        (
            "mask function without algorithm",
            A::RsaPssSha256,
            format!("<m:MaskGenerationFunction>{SHA256}</m:MaskGenerationFunction>"),
            "verified",
        ),
        ("SHA-384", A::RsaPssSha384, [SHA384, &mgf(SHA384), &salt("48")].concat(), "verified"),
        ("SHA-512, salt by default", A::RsaPssSha512, [SHA512, &mgf(SHA512)].concat(), "verified"),
        (
            "another digest than was used",
            A::RsaPssSha512,
            [SHA384, &mgf(SHA384)].concat(),
            "signature.not_verified",
        ),
        (
            "SHA-512 with MGF1 over SHA-256 by default",
            A::RsaPssSha512,
            SHA512.to_owned(),
            "signature.parameter",
        ),
        ("mixed digests", A::RsaPssSha512, [SHA512, &mgf(SHA256)].concat(), "signature.parameter"),
        ("SHA-1", A::RsaPssSha256, [SHA1, &mgf(SHA1)].concat(), "signature.parameter"),
        ("no salt", A::RsaPssSha256, salt("0"), "signature.parameter"),
        ("another salt", A::RsaPssSha256, salt("20"), "signature.parameter"),
        ("salt is no number", A::RsaPssSha256, salt("32<!-- -->"), "signature.structure"),
        ("trailer", A::RsaPssSha256, "<m:TrailerField>2</m:TrailerField>".to_owned(), "signature.parameter"),
        ("order", A::RsaPssSha256, [&salt("32"), SHA256].concat(), "signature.structure"),
        (
            "another function",
            A::RsaPssSha256,
            "<m:MaskGenerationFunction Algorithm=\"urn:x\"/>".to_owned(),
            "signature.parameter",
        ),
        ("unknown parameter", A::RsaPssSha256, "<m:Other/>".to_owned(), "signature.structure"),
    ] {
        let method = format!(
            "<ds:SignatureMethod Algorithm=\"http://www.w3.org/2007/05/xmldsig-more#rsa-pss\"><m:RSAPSSParams \
             xmlns:m=\"http://www.w3.org/2007/05/xmldsig-more#\">{parameters}</m:RSAPSSParams></ds:SignatureMethod>"
        );
        assert_eq!(verdict(&method, algorithm), expected, "{name}");
    }
    let bare = r#"<ds:SignatureMethod Algorithm="http://www.w3.org/2007/05/xmldsig-more#rsa-pss"/>"#;
    assert_eq!(verdict(bare, A::RsaPssSha256), "verified", "no RSAPSSParams at all");
    for algorithm in [A::RsaPssSha256, A::RsaPssSha384, A::RsaPssSha512] {
        let fixed = format!("<ds:SignatureMethod Algorithm=\"{}\"/>", algorithm.uri());
        assert_eq!(verdict(&fixed, algorithm), "verified", "{fixed}");
    }
}

fn verdict(method: &str, algorithm: SignatureAlgorithm) -> String {
    let how = Completion { key: &RSA_KEY, algorithm, ..Completion::default() };
    let document = parse(&complete(&TEMPLATE.replace(METHOD, method), &how));
    match verify(document.root(), &[trusted(&RSA_KEY)], &PROVIDER, &LIMITS) {
        Ok(_) => "verified".to_owned(),
        Err(error) => error.code().to_owned(),
    }
}
