//! The bytes that are digested are bounded by the size of the message, whoever sent it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail in any way")]

mod common;

use common::{Completion, KEY, LIMITS, PROVIDER, TEMPLATE, complete, parse, trusted};
use vouchsafe_crypto::{KeyKind, PrivateKey, Provider};
use vouchsafe_signature::{SignatureError, Signer, TrustedKey, sign, verify, verify_any};
use vouchsafe_xml::{Canonicalization, Document, Limits, XmlError};

/// Makes a message with `count` elements whose long name has characters that must be escaped and is declared on the root.
fn amplified(signed: &str, count: usize) -> String {
    let declared = signed.replacen("<a", &format!("<a xmlns:p='{}'", "\"".repeat(1000)), 1);
    declared.replacen("<b>", &format!("<b>{}", "<p:c/>".repeat(count)), 1)
}

struct Scene {
    provider: Provider,
    key: PrivateKey,
    trusted: [TrustedKey; 1],
}

fn scene() -> Scene {
    let provider = Provider::rustcrypto();
    let key = provider.generate_key(KeyKind::P256).unwrap();
    let trusted = [TrustedKey::new(key.public_key().clone(), "a key")];
    Scene { provider, key, trusted }
}

impl Scene {
    fn signed(&self, xml: &str, method: Canonicalization, limits: &Limits) -> Result<String, SignatureError> {
        sign(xml, "i", &Signer::new(&self.key).canonicalization(method), &self.provider, limits)
    }
}

fn is_the_limit(error: &SignatureError) -> bool {
    matches!(error, SignatureError::Xml(XmlError::Limit { limit: "canonical_bytes_factor", allowed: 4, .. }))
}

#[test]
fn an_old_signature_makes_nobody_write_more_than_is_allowed() {
    let scene = scene();
    let limits = Limits::default();
    let signed = scene.signed("<a ID='i'><b></b></a>", Canonicalization::EXCLUSIVE, &limits).unwrap();
    for (count, refused) in [(1, false), (1000, true)] {
        let altered = amplified(&signed, count);
        let document = Document::parse(altered.as_bytes(), &limits).unwrap();
        let both = [
            verify(document.root(), &scene.trusted, &scene.provider, &limits).unwrap_err(),
            verify_any(&document, None, &scene.trusted, &scene.provider, &limits).unwrap_err(),
        ];
        for error in both {
            assert_eq!(is_the_limit(&error), refused, "{count}: {error}");
            assert_eq!(error.code(), if refused { "xml.limit" } else { "signature.digest_mismatch" });
        }
    }
}

#[test]
fn neither_does_a_trusted_signer() {
    let scene = scene();
    let wide = Limits::default().with_canonical_bytes_factor(1000);
    let xml = amplified("<a ID='i'><b></b></a>", 1000);
    let signed = scene.signed(&xml, Canonicalization::EXCLUSIVE, &wide).unwrap();
    let verified = |limits: &Limits| {
        let document = Document::parse(signed.as_bytes(), limits).unwrap();
        verify(document.root(), &scene.trusted, &scene.provider, limits)
            .map(|verified| verified.bytes().len())
    };
    assert!(is_the_limit(&verified(&Limits::default()).unwrap_err()));
    assert!(verified(&wide).unwrap() > 6_000_000);
    // Signing has the same limit.
    let refused = scene.signed(&xml, Canonicalization::EXCLUSIVE, &Limits::default()).unwrap_err();
    assert!(is_the_limit(&refused), "{refused}");
}

#[test]
fn signed_info_counts_what_it_inherits() {
    let scene = scene();
    let limits = Limits::default();
    let signed = scene.signed("<a ID='i'><b></b></a>", Canonicalization::INCLUSIVE, &limits).unwrap();
    // Inclusive canonicalization writes all declarations around SignedInfo into it: 190 names of 6,000 bytes each.
    let mut declarations = String::new();
    for number in 0..190 {
        declarations.push_str(&format!(" xmlns:p{number}='{number}{}'", "\"".repeat(1000)));
    }
    let altered = signed.replacen("<a", &format!("<a{declarations}"), 1);
    let document = Document::parse(altered.as_bytes(), &limits).unwrap();
    let error = verify(document.root(), &scene.trusted, &scene.provider, &limits).unwrap_err();
    assert!(is_the_limit(&error), "{error}");
    // The offset is that of SignedInfo: nothing else was canonicalized before its signature was found to be wrong.
    let at = altered.find("<ds:SignedInfo").unwrap();
    assert!(matches!(error, SignatureError::Xml(XmlError::Limit { offset, .. }) if offset == at), "{error}");
}

#[test]
fn a_whole_document_is_bounded_like_an_element() {
    let keys = [trusted(&KEY)];
    let signed = complete(&TEMPLATE.replace(r##"URI="#_r""##, r#"URI="""#), &Completion::default());
    let quotes = "\"".repeat(1000);
    let declared = signed.replacen("<p:Response", &format!("<p:Response xmlns:q='{quotes}'"), 1);
    for (count, code) in [(0, None), (1, Some("signature.digest_mismatch")), (1000, Some("xml.limit"))] {
        let used = format!("<p:Extensions>{}</p:Extensions>", "<q:b/>".repeat(count));
        let document = parse(&declared.replacen("<p:Extensions/>", &used, 1));
        let outcome = verify_any(&document, None, &keys, &PROVIDER, &LIMITS);
        assert_eq!(outcome.err().map(|error| error.code()), code, "{count}");
    }
}
