//! Every structural rule of the signature profile, each broken in a signature whose digest and value are good.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod common;

use common::{Completion, INCLUSIVE, KEY, LIMITS, OTHER_KEY, PROVIDER, TEMPLATE, complete, parse, trusted};
use vouchsafe_signature::{SignatureError, Verified, has_signature, signature_child, verify, verify_any};
use vouchsafe_xml::Canonicalization;

const TRANSFORM: &str = r#"<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>"#;
const ENVELOPED: &str =
    r#"<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>"#;
const DIGEST_METHOD: &str = r#"<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>"#;
const C14N_METHOD: &str =
    r#"<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>"#;
const METHOD: &str =
    r#"<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"/>"#;
const VALUE: &str = "<ds:SignatureValue>{value}</ds:SignatureValue>";
const REFERENCE_2: &str = concat!(
    r##"</ds:Reference><ds:Reference URI="#_r"><ds:Transforms>"##,
    r#"<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>"#,
    r#"<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms>"#,
    r#"<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>"#,
    r#"<ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>"#
);

/// What is refused: name, text of the template, what stands there instead, the code.
const REFUSED: &[(&str, &str, &str, &str)] = &[
    // The signature and its place.
    ("no signature", "<ds:Signature ", "<ds:Signed ", "signature.missing"),
    (
        "signature in another namespace",
        r#"xmlns:ds="http://www.w3.org/2000/09/xmldsig#""#,
        r#"xmlns:ds="urn:d""#,
        "signature.missing",
    ),
    (
        "two signatures",
        "<p:Status ",
        r#"<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/><p:Status "#,
        "signature.count",
    ),
    ("attribute on Signature", "<ds:Signature ", r#"<ds:Signature ID="s" "#, "signature.attribute"),
    ("foreign attribute on Signature", "<ds:Signature ", r#"<ds:Signature x:Id="s" "#, "signature.attribute"),
    ("text in Signature", VALUE, "<ds:SignatureValue>{value}</ds:SignatureValue>!", "signature.structure"),
    (
        "processing instruction in Signature",
        "<ds:SignatureValue>",
        "<?x y?><ds:SignatureValue>",
        "signature.structure",
    ),
    // Children of Signature.
    ("two SignedInfo", "<ds:SignatureValue>", "<ds:SignedInfo/><ds:SignatureValue>", "signature.structure"),
    (
        "an empty SignedInfo first",
        "<ds:SignedInfo><ds:C",
        "<ds:SignedInfo/><ds:SignedInfo><ds:C",
        "signature.reference_count",
    ),
    ("Object", VALUE, "<ds:SignatureValue>{value}</ds:SignatureValue><ds:Object/>", "signature.structure"),
    (
        "Object after KeyInfo",
        VALUE,
        "<ds:SignatureValue>{value}</ds:SignatureValue><ds:KeyInfo/><ds:Object/>",
        "signature.structure",
    ),
    (
        "two KeyInfo",
        VALUE,
        "<ds:SignatureValue>{value}</ds:SignatureValue><ds:KeyInfo/><ds:KeyInfo/>",
        "signature.structure",
    ),
    (
        "KeyInfo before SignatureValue",
        VALUE,
        "<ds:KeyInfo/><ds:SignatureValue>{value}</ds:SignatureValue>",
        "signature.structure",
    ),
    ("foreign element", VALUE, "<ds:SignatureValue>{value}</ds:SignatureValue><x:y/>", "signature.structure"),
    ("foreign SignatureValue", VALUE, "<x:SignatureValue>{value}</x:SignatureValue>", "signature.structure"),
    ("no SignatureValue", VALUE, "", "signature.structure"),
    (
        "two SignatureValue",
        VALUE,
        "<ds:SignatureValue>{value}</ds:SignatureValue><ds:SignatureValue/>",
        "signature.structure",
    ),
    ("element in SignatureValue", "{value}", "{value}<x:y/>", "signature.structure"),
    ("comment in SignatureValue", "{value}", "<!-- -->{value}", "signature.structure"),
    (
        "attribute on SignatureValue",
        "<ds:SignatureValue>",
        r#"<ds:SignatureValue Encoding="b">"#,
        "signature.attribute",
    ),
    ("SignatureValue is not base64", "{value}", "{value}*", "signature.base64"),
    // Children of SignedInfo.
    ("no Reference", "ds:Reference", "ds:Referenz", "signature.reference_count"),
    ("two References", "</ds:Reference></ds:SignedInfo>", REFERENCE_2, "signature.reference_count"),
    ("no CanonicalizationMethod", C14N_METHOD, "", "signature.structure"),
    ("no SignatureMethod", METHOD, "", "signature.structure"),
    (
        "SignatureMethod twice",
        METHOD,
        concat!(
            r#"<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"/>"#,
            r#"<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"/>"#
        ),
        "signature.structure",
    ),
    ("something after Reference", "</ds:SignedInfo>", "<x:y/></ds:SignedInfo>", "signature.structure"),
    ("text in SignedInfo", "</ds:SignedInfo>", "y</ds:SignedInfo>", "signature.structure"),
    ("attribute on SignedInfo", "<ds:SignedInfo>", r#"<ds:SignedInfo y="">"#, "signature.attribute"),
    // The reference.
    ("no URI", r##" URI="#_r""##, "", "signature.attribute_missing"),
    ("URI in a namespace", r##" URI="#_r""##, r##" x:URI="#_r""##, "signature.attribute"),
    ("empty URI", r##"URI="#_r""##, r#"URI="""#, "signature.reference_uri"),
    ("another element", r##"URI="#_r""##, r##"URI="#_s""##, "signature.reference_uri"),
    ("no fragment", r##"URI="#_r""##, r#"URI="_r""#, "signature.reference_uri"),
    ("only a number sign", r##"URI="#_r""##, r##"URI="#""##, "signature.reference_uri"),
    ("XPointer", r##"URI="#_r""##, r##"URI="#xpointer(id('_r'))""##, "signature.reference_uri"),
    ("percent-encoding", r##"URI="#_r""##, r##"URI="#%5fr""##, "signature.reference_uri"),
    ("white space", r##"URI="#_r""##, r##"URI=" #_r""##, "signature.reference_uri"),
    ("external", r##"URI="#_r""##, r#"URI="https://example.com/#_r""#, "signature.reference_uri"),
    ("another spelling of ID", r#" ID="_r""#, r#" Id="_r""#, "signature.id_missing"),
    ("identifier in a namespace", r#" ID="_r""#, r#" x:ID="_r""#, "signature.id_missing"),
    ("identifier twice", "<p:Extensions/>", r#"<p:Extensions ID="_r"/>"#, "signature.id_repeated"),
    ("identifier twice, Id", "<p:Extensions/>", r#"<p:Extensions Id="_r"/>"#, "signature.id_repeated"),
    (
        "identifier twice, xml:id",
        "<p:Extensions/>",
        r#"<p:Extensions xml:id="_r"/>"#,
        "signature.id_repeated",
    ),
    (
        "identifier twice, in KeyInfo",
        VALUE,
        r#"<ds:SignatureValue>{value}</ds:SignatureValue><ds:KeyInfo><x:y ID="_r"/></ds:KeyInfo>"#,
        "signature.id_repeated",
    ),
    ("attribute on Reference", "<ds:Reference ", r#"<ds:Reference ID="q" "#, "signature.attribute"),
    ("no Transforms", "ds:Transforms", "x:Transforms", "signature.structure"),
    ("no DigestMethod", DIGEST_METHOD, "", "signature.structure"),
    (
        "DigestMethod after DigestValue",
        "</ds:Reference>",
        r#"<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/></ds:Reference>"#,
        "signature.structure",
    ),
    ("two DigestValue", "</ds:Reference>", "<ds:DigestValue/></ds:Reference>", "signature.structure"),
    ("comment in DigestValue", "{digest}", "<!-- -->{digest}", "signature.structure"),
    ("element in DigestValue", "{digest}", "<x:y/>{digest}", "signature.structure"),
    ("attribute on DigestValue", "<ds:DigestValue>", r#"<ds:DigestValue Id="d">"#, "signature.attribute"),
    ("DigestValue is not base64", "{digest}", "{digest}!", "signature.base64"),
    ("digest is cut", "{digest}", "AAAA", "signature.digest_mismatch"),
    ("digest is empty", "{digest}", "", "signature.digest_mismatch"),
    // Transforms.
    ("no enveloped-signature", ENVELOPED, "", "signature.transform"),
    (
        "Transforms are empty",
        concat!(
            r#"<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>"#,
            r#"<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>"#
        ),
        "",
        "signature.structure",
    ),
    (
        "canonicalization before enveloped-signature",
        ENVELOPED,
        concat!(
            r#"<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>"#,
            r#"<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>"#
        ),
        "signature.transform",
    ),
    (
        "enveloped-signature twice",
        TRANSFORM,
        r#"<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>"#,
        "signature.transform",
    ),
    (
        "three transforms",
        TRANSFORM,
        concat!(
            r#"<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>"#,
            r#"<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>"#
        ),
        "signature.transform",
    ),
    (
        "XPath",
        TRANSFORM,
        r#"<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"><ds:XPath>true()</ds:XPath></ds:Transform>"#,
        "signature.transform",
    ),
    (
        "XPath filter",
        TRANSFORM,
        r#"<ds:Transform Algorithm="http://www.w3.org/2002/06/xmldsig-filter2"/>"#,
        "signature.transform",
    ),
    (
        "XSLT",
        TRANSFORM,
        r#"<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"/>"#,
        "signature.transform",
    ),
    (
        "base64",
        TRANSFORM,
        r#"<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#base64"/>"#,
        "signature.transform",
    ),
    ("transform without Algorithm", TRANSFORM, "<ds:Transform/>", "signature.attribute_missing"),
    (
        "content in enveloped-signature",
        r#"enveloped-signature"/>"#,
        r#"enveloped-signature"><x:y/></ds:Transform>"#,
        "signature.structure",
    ),
    (
        "content in canonicalization",
        TRANSFORM,
        r#"<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"><x:y/></ds:Transform>"#,
        "signature.structure",
    ),
    ("foreign element after transforms", "</ds:Transforms>", "<x:y/></ds:Transforms>", "signature.structure"),
    (
        "PrefixList outside exclusive",
        TRANSFORM,
        r#"<ds:Transform Algorithm="http://www.w3.org/2006/12/xml-c14n11"><e:InclusiveNamespaces xmlns:e="http://www.w3.org/2001/10/xml-exc-c14n#" PrefixList="x"/></ds:Transform>"#,
        "signature.structure",
    ),
    (
        "InclusiveNamespaces without PrefixList",
        TRANSFORM,
        r#"<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"><e:InclusiveNamespaces xmlns:e="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transform>"#,
        "signature.attribute_missing",
    ),
    // Algorithms.
    (
        "canonicalization unknown",
        C14N_METHOD,
        r#"<ds:CanonicalizationMethod Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"/>"#,
        "signature.algorithm",
    ),
    ("HMAC", "xmldsig-more#ecdsa-sha256", "xmldsig-more#hmac-sha256", "signature.algorithm"),
    (
        "HMAC with HMACOutputLength",
        METHOD,
        r#"<ds:SignatureMethod Algorithm="http://www.w3.org/2000/09/xmldsig#hmac-sha1"><ds:HMACOutputLength>1</ds:HMACOutputLength></ds:SignatureMethod>"#,
        "signature.algorithm",
    ),
    (
        "HMACOutputLength with another algorithm",
        METHOD,
        r#"<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"><ds:HMACOutputLength>1</ds:HMACOutputLength></ds:SignatureMethod>"#,
        "signature.structure",
    ),
    (
        "DSA",
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
        "http://www.w3.org/2000/09/xmldsig#dsa-sha1",
        "signature.algorithm",
    ),
    ("MD5", "xmldsig-more#ecdsa-sha256", "xmldsig-more#rsa-md5", "signature.algorithm"),
    ("ECDSA with SHA-1", "xmldsig-more#ecdsa-sha256", "xmldsig-more#ecdsa-sha1", "signature.algorithm"),
    ("no algorithm", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", "", "signature.algorithm"),
    (
        "SHA-1 by default",
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
        "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
        "signature.algorithm",
    ),
    (
        "digest SHA-1 by default",
        "http://www.w3.org/2001/04/xmlenc#sha256",
        "http://www.w3.org/2000/09/xmldsig#sha1",
        "signature.algorithm",
    ),
    (
        "digest MD5",
        "http://www.w3.org/2001/04/xmlenc#sha256",
        "http://www.w3.org/2001/04/xmldsig-more#md5",
        "signature.algorithm",
    ),
    (
        "parameter of the digest",
        DIGEST_METHOD,
        r#"<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"><x:y/></ds:DigestMethod>"#,
        "signature.structure",
    ),
    (
        "algorithm of another kind of key",
        "xmldsig-more#ecdsa-sha256",
        "xmldsig-more#rsa-sha256",
        "signature.no_fitting_key",
    ),
    (
        "algorithm of the same kind",
        "xmldsig-more#ecdsa-sha256",
        "xmldsig-more#ecdsa-sha384",
        "signature.not_verified",
    ),
    (
        "PSS for a key on a curve",
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
        "http://www.w3.org/2007/05/xmldsig-more#rsa-pss",
        "signature.no_fitting_key",
    ),
];

/// What is accepted all the same: name, text, what stands there instead, canonicalization of element and SignedInfo.
const ACCEPTED: &[(&str, &str, &str, Canonicalization, Canonicalization)] = {
    use Canonicalization as C;
    &[
        ("as it is", "_r", "_r", C::EXCLUSIVE, C::EXCLUSIVE),
        (
            "identifiers in the signature",
            "<ds:SignedInfo>",
            r#"<ds:SignedInfo Id="i">"#,
            C::EXCLUSIVE,
            C::EXCLUSIVE,
        ),
        ("white space", "<ds:SignatureValue>", "\n\t <ds:SignatureValue>\n ", C::EXCLUSIVE, C::EXCLUSIVE),
        ("white space in the digest", "{digest}", " {digest}\n", C::EXCLUSIVE, C::EXCLUSIVE),
        ("comments", "<ds:SignatureMethod", "<!-- c --><ds:SignatureMethod", C::EXCLUSIVE, C::EXCLUSIVE),
        (
            "KeyInfo, whatever it holds",
            VALUE,
            r#"<ds:SignatureValue>{value}</ds:SignatureValue><ds:KeyInfo><x:y/><ds:Signature/></ds:KeyInfo>"#,
            C::EXCLUSIVE,
            C::EXCLUSIVE,
        ),
        ("Type is advice", "<ds:Reference ", r#"<ds:Reference Type="urn:t" "#, C::EXCLUSIVE, C::EXCLUSIVE),
        ("no canonicalization", TRANSFORM, "", C::INCLUSIVE, C::EXCLUSIVE),
        ("inclusive", "http://www.w3.org/2001/10/xml-exc-c14n#", INCLUSIVE, C::INCLUSIVE, C::INCLUSIVE),
        (
            "inclusive 1.1",
            "http://www.w3.org/2001/10/xml-exc-c14n#",
            "http://www.w3.org/2006/12/xml-c14n11",
            C::INCLUSIVE_11,
            C::INCLUSIVE_11,
        ),
        (
            "with comments",
            "http://www.w3.org/2001/10/xml-exc-c14n#",
            "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
            C::EXCLUSIVE,
            C::EXCLUSIVE_WITH_COMMENTS,
        ),
        (
            "inclusive with comments",
            "http://www.w3.org/2001/10/xml-exc-c14n#",
            "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments",
            C::INCLUSIVE,
            C::INCLUSIVE_WITH_COMMENTS,
        ),
        (
            "inclusive 1.1 with comments",
            "http://www.w3.org/2001/10/xml-exc-c14n#",
            "http://www.w3.org/2006/12/xml-c14n11#WithComments",
            C::INCLUSIVE_11,
            C::INCLUSIVE_11_WITH_COMMENTS,
        ),
        (
            "another signature further down",
            "<p:Extensions/>",
            r#"<p:Extensions><ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/></p:Extensions>"#,
            C::EXCLUSIVE,
            C::EXCLUSIVE,
        ),
    ]
};

#[test]
fn each_broken_rule_is_refused() {
    for (name, from, to, code) in REFUSED {
        assert!(TEMPLATE.contains(from), "{name}: the template has no {from}");
        let template = TEMPLATE.replace(from, to);
        let xml =
            if *code == "signature.missing" { template } else { complete(&template, &Completion::default()) };
        let error = verify_root(&xml).expect_err(name);
        assert_eq!(error.code(), *code, "{name}: {error}");
        assert!(!error.hint().is_empty(), "{name}");
    }
}

#[test]
fn what_the_profile_allows_is_accepted() {
    for (name, from, to, method, signed_info_method) in ACCEPTED {
        assert!(TEMPLATE.contains(from), "{name}: the template has no {from}");
        let how =
            Completion { method: *method, signed_info_method: *signed_info_method, ..Completion::default() };
        let xml = complete(&TEMPLATE.replace(from, to), &how);
        let verified = verify_root(&xml).unwrap_or_else(|error| panic!("{name}: {error}\n{xml}"));
        let text = String::from_utf8(verified.into_octets()).unwrap();
        assert!(!text.contains("left out"), "{name}: comments are not signed: {text}");
        assert!(!text.contains("SignatureValue"), "{name}: the signature is not in what it signs: {text}");
    }
}

#[test]
fn prefix_lists_are_followed() {
    let inclusive = |name: &str| {
        let list = r#"<e:InclusiveNamespaces xmlns:e="http://www.w3.org/2001/10/xml-exc-c14n#" PrefixList="x #default"/>"#;
        format!("<ds:{name} Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\">{list}</ds:{name}>")
    };
    let template = TEMPLATE
        .replace(TRANSFORM, &inclusive("Transform"))
        .replace(C14N_METHOD, &inclusive("CanonicalizationMethod"));
    let prefixes = &["x", "#default"];
    let how = Completion { prefixes, signed_info_prefixes: prefixes, ..Completion::default() };
    let verified = verify_root(&complete(&template, &how)).unwrap();
    assert!(String::from_utf8_lossy(verified.octets()).contains(r#"xmlns:x="urn:x""#));
}

#[test]
fn a_prefix_list_has_a_limit() {
    let list = "p ".repeat(LIMITS.namespaces_in_scope + 1);
    let method = format!(
        "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"><e:InclusiveNamespaces \
         xmlns:e=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"{list}\"/></ds:Transform>"
    );
    let xml = complete(&TEMPLATE.replace(TRANSFORM, &method), &Completion::default());
    assert_eq!(verify_root(&xml).unwrap_err().code(), "signature.parameter");
}

#[test]
fn without_a_fitting_key_nothing_is_accepted() {
    let xml = complete(TEMPLATE, &Completion::default());
    let document = parse(&xml);
    let refused = |keys: &[_]| verify(document.root(), keys, &PROVIDER, &LIMITS).unwrap_err();
    assert_eq!(refused(&[]).code(), "signature.no_keys");
    let error = refused(&[trusted(&OTHER_KEY)]);
    assert_eq!(error.code(), "signature.not_verified");
    assert!(error.to_string().contains("the key of the test"), "{error}");
    assert!(error.hint().contains("metadata"), "{}", error.hint());
    verify(document.root(), &[trusted(&OTHER_KEY), trusted(&KEY)], &PROVIDER, &LIMITS).unwrap();
}

#[test]
fn a_changed_element_is_told_from_a_wrong_key() {
    let xml = complete(TEMPLATE, &Completion::default());
    for (from, to) in [("done", "undone"), (r#"Code="ok""#, r#"Code="no""#), ("<p:Extensions/>", "")] {
        let error = verify_root(&xml.replace(from, to)).unwrap_err();
        assert_eq!(error.code(), "signature.digest_mismatch", "{error}");
        assert!(
            matches!(error, SignatureError::DigestMismatch { ref expected, ref actual, .. } if expected != actual)
        );
    }
    // The wrong key is found before the digest is looked at.
    let document = parse(&xml.replace("done", "undone"));
    let error = verify(document.root(), &[trusted(&OTHER_KEY)], &PROVIDER, &LIMITS).unwrap_err();
    assert_eq!(error.code(), "signature.not_verified");
}

#[test]
fn a_denied_algorithm_is_refused() {
    let xml = complete(TEMPLATE, &Completion::default());
    let document = parse(&xml);
    for uri in
        ["http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", "http://www.w3.org/2001/04/xmlenc#sha256"]
    {
        let provider = PROVIDER.clone().deny(uri);
        let error = verify(document.root(), &[trusted(&KEY)], &provider, &LIMITS).unwrap_err();
        assert_eq!(error.code(), "signature.algorithm", "{uri}: {error}");
    }
}

#[test]
fn evidence_says_who_signed_what() {
    let verified = verify_root(&complete(TEMPLATE, &Completion::default())).unwrap();
    let evidence = verified.evidence();
    assert_eq!(evidence.element(), "Response");
    assert_eq!(evidence.reference_id(), Some("_r"));
    assert_eq!(evidence.key_label(), "the key of the test");
    assert_eq!(evidence.key_fingerprint(), KEY.public_key().fingerprint());
    assert_eq!(evidence.algorithm().uri(), "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256");
    assert!(!format!("{verified:?}").contains("done"), "no content in logs");
}

#[test]
fn the_wider_profile_knows_other_identifiers_and_the_whole_document() {
    let keys = [trusted(&KEY)];
    let wide = |template: &str| {
        let document = parse(&complete(template, &Completion::default()));
        verify_any(&document, None, &keys, &PROVIDER, &LIMITS).map(|verified| verified.into_octets())
    };
    for identifier in ["ID", "Id", "xml:id"] {
        wide(&TEMPLATE.replace(" ID=", &format!(" {identifier}="))).unwrap();
    }
    assert_eq!(wide(&TEMPLATE.replace(" ID=", " id=")).unwrap_err().code(), "signature.id_missing");
    let whole = TEMPLATE.replace(r##"URI="#_r""##, r#"URI="""#);
    let octets = wide(&whole).unwrap();
    assert!(octets.starts_with(b"<p:Response"));

    // An empty URI means the whole document and nothing less.
    let inner = format!("<outer>{whole}</outer>");
    let document = parse(&complete(&inner, &Completion::default()));
    let at = document.root().elements().next();
    let error = verify_any(&document, at, &keys, &PROVIDER, &LIMITS).unwrap_err();
    assert_eq!(error.code(), "signature.reference_uri");
}

#[test]
fn the_whole_document_includes_what_stands_round_the_root() {
    let keys = [trusted(&KEY)];
    let xml = complete(&TEMPLATE.replace(r##"URI="#_r""##, r#"URI="""#), &Completion::default());
    let document = parse(&format!("<?added later?>{xml}"));
    let error = verify_any(&document, None, &keys, &PROVIDER, &LIMITS).unwrap_err();
    assert_eq!(error.code(), "signature.digest_mismatch");
    let document = parse(&format!("<!-- comments do not count -->{xml}"));
    verify_any(&document, None, &keys, &PROVIDER, &LIMITS).unwrap();
}

#[test]
fn signatures_are_looked_for_among_immediate_children_only() {
    let document = parse(&complete(TEMPLATE, &Completion::default()));
    assert!(has_signature(document.root()));
    assert!(signature_child(document.root()).unwrap().is_some());
    let wrapped = parse(&format!("<w>{TEMPLATE}</w>"));
    assert!(!has_signature(wrapped.root()));
    assert!(signature_child(wrapped.root()).unwrap().is_none());
    let twice = TEMPLATE.replace(
        "</ds:Signature>",
        r#"</ds:Signature><ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/>"#,
    );
    let twice = parse(&twice);
    assert!(has_signature(twice.root()));
    assert_eq!(signature_child(twice.root()).unwrap_err().code(), "signature.count");
}

fn verify_root(xml: &str) -> Result<Verified, SignatureError> {
    verify(parse(xml).root(), &[trusted(&KEY)], &PROVIDER, &LIMITS)
}
