//! Every structural rule of the signature profile, each broken in a signature whose digest and value are valid.
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

use common::{Completion, INCLUSIVE, KEY, LIMITS, OTHER_KEY, PROVIDER, TEMPLATE, complete, parse, trusted};
use serde::Deserialize;
use vouchsafe_crypto::DigestAlgorithm;
use vouchsafe_signature::{
    SignatureError, TrustedKey, Verified, has_signature, signature_child, verify, verify_any,
};
use vouchsafe_xml::Canonicalization;

const TRANSFORM: &str = r#"<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>"#;
const C14N_METHOD: &str =
    r#"<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>"#;
const VALUE: &str = "<ds:SignatureValue>{value}</ds:SignatureValue>";

/// Each row has a part of the template, the text that replaces it, and the code of the refusal:
/// `tests/data/refused.json`.
#[derive(Deserialize)]
struct Refused {
    name: String,
    code: String,
    replace: String,
    with: String,
}

/// Accepted variants: each has a name, a part of the template, the text that replaces it, and the canonicalization of
/// element and SignedInfo.
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
    let cases: Vec<Refused> = serde_json::from_str(include_str!("data/refused.json")).unwrap();
    for Refused { name, code, replace, with } in cases {
        assert!(TEMPLATE.contains(&replace), "{name}: the template has no {replace}");
        let template = TEMPLATE.replace(&replace, &with);
        let unsigned = code == "signature.missing";
        let xml = if unsigned { template } else { complete(&template, &Completion::default()) };
        let error = verify_root(&xml).expect_err(&name);
        assert_eq!(error.code(), code, "{name}: {error}");
        assert!(!error.hint().is_empty(), "{name}");
    }
}

#[test]
fn what_has_no_place_is_described() {
    for (from, to, found) in [
        ("{value}", "{value}<x:y/>", "{urn:x}y"),
        ("{value}", "<!-- -->{value}", "a comment"),
        ("{value}", "<?p?>{value}", "a processing instruction"),
        ("</ds:SignedInfo>", "!</ds:SignedInfo>", "the text !"),
    ] {
        let xml = complete(&TEMPLATE.replace(from, to), &Completion::default());
        let error = verify_root(&xml).unwrap_err();
        assert_eq!(error.code(), "signature.structure");
        assert!(error.to_string().contains(found), "{error}");
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
        let text = String::from_utf8(verified.into_bytes()).unwrap();
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
    assert!(String::from_utf8_lossy(verified.bytes()).contains(r#"xmlns:x="urn:x""#));
}

#[test]
fn a_prefix_list_has_a_limit() {
    let code = |count: usize| {
        let list = "p ".repeat(count);
        let method = format!(
            "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"><e:InclusiveNamespaces \
             xmlns:e=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"{list}\"/></ds:Transform>"
        );
        let xml = complete(&TEMPLATE.replace(TRANSFORM, &method), &Completion::default());
        verify_root(&xml).map_or_else(|error| error.code(), |_| "")
    };
    assert_eq!(code(LIMITS.namespaces_in_scope), "");
    assert_eq!(code(LIMITS.namespaces_in_scope + 1), "signature.parameter");
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
    let _ = verify(document.root(), &[trusted(&OTHER_KEY), trusted(&KEY)], &PROVIDER, &LIMITS).unwrap();
    let two = ["one", "two"].map(|label| TrustedKey::new(OTHER_KEY.public_key().clone(), label));
    let (fingerprint, error) = (two[0].fingerprint().to_string(), refused(&two).to_string());
    assert!(error.contains(&format!("one ({fingerprint}); two (")), "{error}");
}

#[test]
fn a_key_tells_what_it_is() {
    let key = trusted(&KEY);
    assert_eq!(key.fingerprint().as_str(), KEY.public_key().fingerprint());
    assert_eq!(key.public_key().spki_der(), KEY.public_key().spki_der());
    let shown = format!("{key:?}");
    assert!(shown.contains("the key of the test") && shown.contains(key.fingerprint().as_str()), "{shown}");
}

#[test]
fn the_number_of_tries_is_bounded() {
    let document = parse(&complete(TEMPLATE, &Completion::default()));
    let mut keys = vec![trusted(&OTHER_KEY); 31];
    keys.push(trusted(&KEY));
    assert_eq!(verify(document.root(), &keys, &PROVIDER, &LIMITS).unwrap().operations(), 32);
    assert_eq!(verify(document.root(), &keys[31..], &PROVIDER, &LIMITS).unwrap().operations(), 1);
    for (limit, code) in [(31, "signature.too_many_keys"), (0, "signature.too_many_keys")] {
        let limits = LIMITS.clone().with_public_key_operations(limit);
        assert_eq!(verify(document.root(), &keys, &PROVIDER, &limits).unwrap_err().code(), code);
    }
    keys.insert(0, trusted(&OTHER_KEY));
    let error = verify(document.root(), &keys, &PROVIDER, &LIMITS).unwrap_err();
    assert!(matches!(error, SignatureError::TooManyKeys { fitting: 33, limit: 32, .. }), "{error}");
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
    // The wrong key is found before the digest is checked.
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
        let provider = PROVIDER.clone().deny(uri).unwrap();
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
    assert_eq!(evidence.key_fingerprint().as_str(), KEY.public_key().fingerprint());
    assert_eq!(evidence.algorithm().uri(), "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256");
    assert_eq!(evidence.digest(), Some(DigestAlgorithm::Sha256));
    assert_eq!(evidence.canonicalization(), Some(Canonicalization::EXCLUSIVE));
    let shown = format!("{verified:?}");
    assert!(shown.contains("Response") && !shown.contains("done"), "no content in logs: {shown}");
}

#[test]
fn the_wider_profile_knows_other_identifiers_and_the_whole_document() {
    let keys = [trusted(&KEY)];
    let wide = |template: &str| {
        let document = parse(&complete(template, &Completion::default()));
        verify_any(&document, None, &keys, &PROVIDER, &LIMITS).map(|verified| verified.into_bytes())
    };
    let other = TEMPLATE.replace("urn:oasis:names:tc:SAML:2.0:protocol", "urn:other");
    for identifier in ["ID", "Id", "xml:id"] {
        let identifier = format!(" {identifier}=");
        wide(&other.replace(" ID=", &identifier)).unwrap();
        // In SAML elements only `ID` is accepted.
        let saml = wide(&TEMPLATE.replace(" ID=", &identifier)).map_err(|error| error.code());
        assert_eq!(saml.err(), (identifier != " ID=").then_some("signature.id_missing"), "{identifier}");
    }
    assert_eq!(wide(&other.replace(" ID=", " id=")).unwrap_err().code(), "signature.id_missing");
    let whole = TEMPLATE.replace(r##"URI="#_r""##, r#"URI="""#);
    let bytes = wide(&whole).unwrap();
    assert!(bytes.starts_with(b"<p:Response"));

    // An empty URI selects the whole document.
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
    let _ = verify_any(&document, None, &keys, &PROVIDER, &LIMITS).unwrap();
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
