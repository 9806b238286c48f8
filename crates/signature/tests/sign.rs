//! Every signature that `sign` makes verifies, and only the signature is added.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    reason = "a test: a panic is its failure, and it prints what it counted"
)]

mod common;

use common::{KEY, LIMITS, OTHER_KEY, PROVIDER, RSA_KEY, parse, trusted};
use vouchsafe_crypto::{Certificate, DigestAlgorithm, KeyKind, PrivateKey, SignatureAlgorithm};
use vouchsafe_signature::{Place, SignatureError, Signer, sign, verify};
use vouchsafe_xml::{Canonicalization, namespace};

const RESPONSE: &str = concat!(
    "<?xml version=\"1.0\"?>\n<!-- > in a comment <no tag> -->",
    r#"<saml2p:Response xmlns:saml2p="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:xs="http://www.w3.org/2001/XMLSchema" xml:lang="en" ID="r1" Note="a > b">"#,
    r#"<saml2:Issuer xmlns:saml2="urn:oasis:names:tc:SAML:2.0:assertion"><![CDATA[<idp>]]></saml2:Issuer>"#,
    "<?pi <x> ?>",
    r#"<saml2:Assertion xmlns:saml2="urn:oasis:names:tc:SAML:2.0:assertion" ID='a1'><saml2:Issuer>idp</saml2:Issuer>"#,
    r#"<saml2:AttributeValue xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="xs:string">é &amp; &lt;</saml2:AttributeValue>"#,
    "</saml2:Assertion></saml2p:Response>\n",
);

const METHODS: [Canonicalization; 6] = [
    Canonicalization::EXCLUSIVE,
    Canonicalization::EXCLUSIVE_WITH_COMMENTS,
    Canonicalization::INCLUSIVE,
    Canonicalization::INCLUSIVE_WITH_COMMENTS,
    Canonicalization::INCLUSIVE_11,
    Canonicalization::INCLUSIVE_11_WITH_COMMENTS,
];

#[test]
fn every_canonicalization_and_digest() {
    for method in METHODS {
        for digest in [DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha512] {
            assert_signs(&KEY, &Signer::new(&KEY).canonicalization(method).digest(digest));
        }
    }
    assert_signs(&KEY, &Signer::new(&KEY).inclusive_prefixes(&["xs", "#default", "unbound"]));
}

#[test]
fn every_algorithm() {
    use SignatureAlgorithm as A;
    let rsa = [A::RsaSha256, A::RsaSha384, A::RsaSha512, A::RsaPssSha256, A::RsaPssSha384, A::RsaPssSha512];
    for algorithm in rsa {
        assert_signs(&RSA_KEY, &Signer::new(&RSA_KEY).algorithm(algorithm));
    }
    for kind in [KeyKind::P256, KeyKind::P384, KeyKind::P521, KeyKind::Ed25519] {
        let key = PROVIDER.generate_key(kind).unwrap();
        assert_signs(&key, &Signer::new(&key));
    }
}

#[test]
fn the_shape_is_that_of_okta() {
    let certificate = Certificate::self_signed(&PROVIDER, &RSA_KEY, "idp", 0, 2_000_000_000).unwrap();
    let signer = Signer::new(&RSA_KEY).certificate(&certificate).inclusive_prefixes(&["xs"]);
    let xml = sign(RESPONSE, "a1", &signer, &PROVIDER, &LIMITS).unwrap();
    let document = parse(&xml);
    let assertion = document.elements().find(|e| e.attribute("ID") == Some("a1")).unwrap();
    let names = |element: vouchsafe_xml::Element<'_>| {
        element.elements().map(|e| e.qualified_name().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(assertion), ["saml2:Issuer", "ds:Signature", "saml2:AttributeValue"]);
    let signature = assertion.elements().nth(1).unwrap();
    assert_eq!(names(signature), ["ds:SignedInfo", "ds:SignatureValue", "ds:KeyInfo"]);
    assert!(xml.contains(
        r#"<ec:InclusiveNamespaces xmlns:ec="http://www.w3.org/2001/10/xml-exc-c14n#" PrefixList="xs"/>"#
    ));
    let sent = signature.descendants().find(|e| e.is(namespace::DSIG, "X509Certificate")).unwrap().text();
    assert_eq!(Certificate::from_base64(&sent).unwrap().der(), certificate.der());
}

#[test]
fn assertion_and_response_both_signed() {
    let xml = sign(RESPONSE, "a1", &Signer::new(&KEY), &PROVIDER, &LIMITS).unwrap();
    let xml = sign(&xml, "r1", &Signer::new(&OTHER_KEY), &PROVIDER, &LIMITS).unwrap();
    let document = parse(&xml);
    let assertion = document.elements().find(|e| e.attribute("ID") == Some("a1")).unwrap();
    let _ = verify(assertion, &[trusted(&KEY)], &PROVIDER, &LIMITS).unwrap();
    let verified = verify(document.root(), &[trusted(&OTHER_KEY)], &PROVIDER, &LIMITS).unwrap();
    assert!(
        String::from_utf8_lossy(verified.bytes()).contains("SignatureValue"),
        "the inner signature is signed"
    );
    // After the outer one was added, signing the inner element again is refused.
    let error = sign(&xml, "a1", &Signer::new(&KEY), &PROVIDER, &LIMITS).unwrap_err();
    assert_eq!(error.code(), "signature.already_signed");
}

#[test]
fn the_signature_goes_where_it_is_told() {
    for (xml, place, before, after) in [
        ("<m ID='m'/>", Place::AfterIssuer, "<m ID='m'>", "</m>"),
        ("\u{FEFF}<?xml version='1.0'?>\r\n<m ID='m'>é</m>", Place::First, "\r\n<m ID='m'>", "é</m>"),
        ("<m ID='m' />", Place::First, "<m ID='m' >", "</m>"),
        (
            "<a><!-- <m> --><m/><q:m xmlns:q='u'\n ID='m'/></a>",
            Place::First,
            "<q:m xmlns:q='u'\n ID='m'>",
            "</q:m></a>",
        ),
        ("<m ID='m'><n/></m>", Place::AfterIssuer, "<m ID='m'>", "<n/></m>"),
        (
            "<m xmlns:s='urn:oasis:names:tc:SAML:2.0:assertion' ID='m'>\n<s:Issuer/>\n</m>",
            Place::AfterIssuer,
            "\n<s:Issuer/>",
            "\n</m>",
        ),
        (
            "<m xmlns:s='urn:oasis:names:tc:SAML:2.0:assertion' ID='m'><s:Issuer><x><y/></x></s:Issuer>!</m>",
            Place::AfterIssuer,
            "</x></s:Issuer>",
            "!</m>",
        ),
        (
            "<m xmlns:s='urn:oasis:names:tc:SAML:2.0:assertion' ID='m'><s:Issuer/></m>",
            Place::First,
            "ID='m'>",
            "<s:Issuer/></m>",
        ),
        (
            "<m xmlns:s='urn:oasis:names:tc:SAML:2.0:assertion' ID='m'><n/><s:Issuer/></m>",
            Place::AfterIssuer,
            "ID='m'>",
            "<n/><s:Issuer/></m>",
        ),
    ] {
        let signed = sign(xml, "m", &Signer::new(&KEY).place(place), &PROVIDER, &LIMITS).unwrap();
        let (start, end) = (signed.find("<ds:Signature ").unwrap(), signed.find("</ds:Signature>").unwrap());
        assert!(signed[..start].ends_with(before), "{xml}: {signed}");
        assert_eq!(&signed[end + "</ds:Signature>".len()..], after, "{xml}");
        let document = parse(&signed);
        let element = document.elements().find(|e| e.attribute("ID") == Some("m")).unwrap();
        let _ = verify(element, &[trusted(&KEY)], &PROVIDER, &LIMITS)
            .unwrap_or_else(|error| panic!("{xml}: {error}"));
    }
}

#[test]
fn what_cannot_be_signed() {
    let refused = |xml: &str, id: &str, signer: &Signer<'_>| {
        sign(xml, id, signer, &PROVIDER, &LIMITS).expect_err(xml).code()
    };
    let signer = Signer::new(&KEY);
    assert_eq!(refused("<m ID='a'/>", "b", &signer), "signature.element_not_found");
    assert_eq!(refused("<m Id='a'/>", "a", &signer), "signature.element_not_found");
    assert_eq!(refused("<m ID='a'><n ID='a'/></m>", "a", &signer), "signature.id_repeated");
    assert_eq!(refused("<m ID='a b'/>", "a b", &signer), "signature.id_missing");
    assert_eq!(refused("<m ID='xpointer(/)'/>", "xpointer(/)", &signer), "signature.id_missing");
    assert_eq!(refused("<m ID='a'>", "a", &signer), "xml.unclosed");
    let inclusive =
        Signer::new(&KEY).canonicalization(Canonicalization::INCLUSIVE).inclusive_prefixes(&["xs"]);
    assert_eq!(refused("<m ID='a'/>", "a", &inclusive), "signature.parameter");
    let sha1 = Signer::new(&RSA_KEY).algorithm(SignatureAlgorithm::RsaSha1);
    assert_eq!(refused("<m ID='a'/>", "a", &sha1), "signature.algorithm");
    let certificate = Certificate::self_signed(&PROVIDER, &OTHER_KEY, "other", 0, 2_000_000_000).unwrap();
    assert_eq!(
        refused("<m ID='a'/>", "a", &Signer::new(&KEY).certificate(&certificate)),
        "signature.certificate_mismatch"
    );
    let wrong_kind = Signer::new(&KEY).algorithm(SignatureAlgorithm::RsaSha256);
    assert!(matches!(
        sign("<m ID='a'/>", "a", &wrong_kind, &PROVIDER, &LIMITS),
        Err(SignatureError::Crypto(_))
    ));
}

/// Signs both elements of `RESPONSE`; each verifies, and without the signature the text is the same as before.
fn assert_signs(key: &PrivateKey, signer: &Signer<'_>) {
    for id in ["a1", "r1"] {
        let xml = sign(RESPONSE, id, signer, &PROVIDER, &LIMITS).unwrap();
        let document = parse(&xml);
        let element = document.elements().find(|e| e.attribute("ID") == Some(id)).unwrap();
        let verified = verify(element, &[trusted(key)], &PROVIDER, &LIMITS)
            .unwrap_or_else(|error| panic!("{signer:?}: {error}\n{xml}"));
        assert_eq!(verified.evidence().reference_id(), Some(id));
        let (start, end) = (xml.find("<ds:Signature ").unwrap(), xml.find("</ds:Signature>").unwrap());
        assert_eq!([&xml[..start], &xml[end + "</ds:Signature>".len()..]].concat(), RESPONSE);
    }
}
