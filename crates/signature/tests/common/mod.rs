//! Helpers of the tests: keys made at first use, and signatures of any form, completed with valid values.

#![allow(dead_code, clippy::print_stdout, reason = "each test program uses its own part; a skip is said")]

use std::path::PathBuf;
use std::sync::LazyLock;

use vouchsafe_crypto::{DigestAlgorithm, KeyKind, PrivateKey, Provider, SignatureAlgorithm, base64_encode};
use vouchsafe_signature::TrustedKey;
use vouchsafe_xml::{Canonicalization, Document, Element, Limits, canonicalize, namespace};

pub(crate) static PROVIDER: LazyLock<Provider> = LazyLock::new(Provider::rustcrypto);
pub(crate) static LIMITS: LazyLock<Limits> = LazyLock::new(Limits::default);
pub(crate) static KEY: LazyLock<PrivateKey> = LazyLock::new(|| PROVIDER.generate_key(KeyKind::P256).unwrap());
pub(crate) static OTHER_KEY: LazyLock<PrivateKey> =
    LazyLock::new(|| PROVIDER.generate_key(KeyKind::P256).unwrap());
pub(crate) static RSA_KEY: LazyLock<PrivateKey> =
    LazyLock::new(|| PROVIDER.generate_key(KeyKind::Rsa { bits: 2048 }).unwrap());

pub(crate) const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
pub(crate) const INCLUSIVE: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";

pub(crate) fn trusted(key: &PrivateKey) -> TrustedKey {
    TrustedKey::new(key.public_key().clone(), "the key of the test")
}

/// Calls a test with every algorithm that is accepted by default, and a key for it.
pub(crate) fn with_every_algorithm(test: impl Fn(SignatureAlgorithm, &PrivateKey)) {
    use SignatureAlgorithm as A;
    for algorithm in
        [A::RsaSha256, A::RsaSha384, A::RsaSha512, A::RsaPssSha256, A::RsaPssSha384, A::RsaPssSha512]
    {
        test(algorithm, &RSA_KEY);
    }
    for (kind, algorithm) in [
        (KeyKind::P256, A::EcdsaSha256),
        (KeyKind::P384, A::EcdsaSha384),
        (KeyKind::P521, A::EcdsaSha512),
        (KeyKind::Ed25519, A::Ed25519),
    ] {
        test(algorithm, &PROVIDER.generate_key(kind).unwrap());
    }
}

pub(crate) fn parse(xml: &str) -> Document {
    Document::parse(xml.as_bytes(), &LIMITS).unwrap_or_else(|error| panic!("{error}\n{xml}"))
}

/// A message with a signature that follows the profile. `{digest}` and `{value}` are filled in later.
pub(crate) const TEMPLATE: &str = concat!(
    r#"<p:Response xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:x="urn:x" ID="_r">"#,
    r#"<a:Issuer xmlns:a="urn:oasis:names:tc:SAML:2.0:assertion">https://idp.example.com</a:Issuer>"#,
    r#"<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>"#,
    r#"<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>"#,
    r#"<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"/>"#,
    r##"<ds:Reference URI="#_r"><ds:Transforms>"##,
    r#"<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>"#,
    r#"<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms>"#,
    r#"<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>"#,
    r#"<ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>"#,
    r#"<ds:SignatureValue>{value}</ds:SignatureValue></ds:Signature>"#,
    r#"<p:Status Code="ok"><!-- left out -->done</p:Status><p:Extensions/></p:Response>"#,
);

/// The key that completes a template, and how.
pub(crate) struct Completion<'a> {
    pub(crate) key: &'a PrivateKey,
    pub(crate) algorithm: SignatureAlgorithm,
    pub(crate) digest: DigestAlgorithm,
    /// The canonicalization of the element.
    pub(crate) method: Canonicalization,
    pub(crate) prefixes: &'a [&'a str],
    /// The canonicalization of SignedInfo.
    pub(crate) signed_info_method: Canonicalization,
    pub(crate) signed_info_prefixes: &'a [&'a str],
}

impl Default for Completion<'_> {
    fn default() -> Self {
        Completion {
            key: &KEY,
            algorithm: SignatureAlgorithm::EcdsaSha256,
            digest: DigestAlgorithm::Sha256,
            method: Canonicalization::EXCLUSIVE,
            prefixes: &[],
            signed_info_method: Canonicalization::EXCLUSIVE,
            signed_info_prefixes: &[],
        }
    }
}

/// Fills `{digest}` and `{value}` of the first Signature in `template`, whatever its form, as a signer with the key
/// would do. So a refusal is caused only by the form.
pub(crate) fn complete(template: &str, how: &Completion<'_>) -> String {
    let digest = {
        let document = parse(template);
        let signature = first_signature(&document);
        let mut bytes = Vec::new();
        let element = signature.parent().unwrap();
        canonicalize(element, how.method.without_comments(), how.prefixes, Some(signature), &mut bytes)
            .unwrap();
        base64_encode(PROVIDER.digest(how.digest, &bytes).unwrap().as_ref())
    };
    let draft = template.replace("{digest}", &digest);
    let value = {
        let document = parse(&draft);
        let signature = first_signature(&document);
        let signed_info = signature.descendants().find(|e| e.is(namespace::DSIG, "SignedInfo"));
        let mut bytes = Vec::new();
        if let Some(signed_info) = signed_info {
            let method = how.signed_info_method;
            canonicalize(signed_info, method, how.signed_info_prefixes, None, &mut bytes).unwrap();
        }
        base64_encode(&PROVIDER.sign(how.algorithm, how.key, &bytes).unwrap())
    };
    draft.replace("{value}", &value)
}

pub(crate) fn first_signature(document: &Document) -> Element<'_> {
    document.elements().find(|element| element.is(namespace::DSIG, "Signature")).unwrap()
}

/// Returns the folder of test vectors from other projects, if it is present. In CI it must be.
pub(crate) fn shared() -> Option<PathBuf> {
    let folder = std::env::var_os("VOUCHSAFE_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    if folder.join("vectors").is_dir() {
        return Some(folder);
    }
    assert!(std::env::var_os("CI").is_none(), "no shared material at {}", folder.display());
    println!("skipped: no shared material");
    None
}
