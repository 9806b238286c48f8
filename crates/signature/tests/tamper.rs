//! However a signed document is changed, only the bytes that were signed verify.
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

use std::collections::HashSet;
use std::sync::LazyLock;

use common::{KEY, LIMITS, OTHER_KEY, PROVIDER, parse, trusted};
use proptest::prelude::*;
use proptest::sample::Index;
use vouchsafe_signature::{Signer, TrustedKey, sign, verify, verify_any};
use vouchsafe_xml::{Canonicalization, Document};

const MESSAGE: &str = concat!(
    r#"<p:Response xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:xs="http://www.w3.org/2001/XMLSchema" ID="r" Destination="https://sp">"#,
    r#"<a:Issuer xmlns:a="urn:oasis:names:tc:SAML:2.0:assertion">idp</a:Issuer><!-- note --><p:Status>ok</p:Status>"#,
    r#"<a:Assertion xmlns:a="urn:oasis:names:tc:SAML:2.0:assertion" ID="a"><a:Issuer>idp</a:Issuer>"#,
    r#"<a:NameID Format="email">alice@example.com<!-- -->.evil.example</a:NameID>"#,
    r#"<a:AttributeValue xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="xs:string">one &lt; two</a:AttributeValue>"#,
    "</a:Assertion></p:Response>",
);

/// The signed documents, and every byte string that the key signed.
struct Signed {
    documents: Vec<String>,
    bytes: HashSet<Vec<u8>>,
    keys: Vec<TrustedKey>,
}

static SIGNED: LazyLock<Signed> = LazyLock::new(|| {
    let mut signed = Signed { documents: Vec::new(), bytes: HashSet::new(), keys: vec![trusted(&KEY)] };
    for method in [Canonicalization::EXCLUSIVE, Canonicalization::INCLUSIVE] {
        let signer = Signer::new(&KEY).canonicalization(method);
        let inner = sign(MESSAGE, "a", &signer, &PROVIDER, &LIMITS).unwrap();
        let both = sign(&inner, "r", &signer, &PROVIDER, &LIMITS).unwrap();
        for xml in [inner, both] {
            signed.bytes.extend(verified_bytes(&parse(&xml), &signed.keys));
            signed.documents.push(xml);
        }
    }
    assert_eq!(signed.bytes.len(), 4);
    signed
});

/// Returns the bytes that each element of a document verifies as, under either profile.
fn verified_bytes(document: &Document, keys: &[TrustedKey]) -> Vec<Vec<u8>> {
    let mut bytes = Vec::new();
    for element in document.elements() {
        bytes.extend(verify(element, keys, &PROVIDER, &LIMITS).map(|verified| verified.into_bytes()));
        bytes.extend(
            verify_any(document, Some(element), keys, &PROVIDER, &LIMITS)
                .map(|verified| verified.into_bytes()),
        );
    }
    bytes
}

fn assert_nothing_new_verifies(xml: &str) -> Result<(), TestCaseError> {
    let Ok(document) = Document::parse(xml.as_bytes(), &LIMITS) else { return Ok(()) };
    for bytes in verified_bytes(&document, &SIGNED.keys) {
        prop_assert!(
            SIGNED.bytes.contains(&bytes),
            "verified, but was never signed:\n{}\nfrom\n{xml}",
            String::from_utf8_lossy(&bytes)
        );
    }
    Ok(())
}

/// Splits a document into the pieces by which it is changed: tags, attributes, texts. Joined, they are the document.
fn pieces(xml: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = xml;
    while !rest.is_empty() {
        let end = match rest.strip_prefix('<') {
            Some(_) => {
                // A start tag is split into its name, its attributes and its end.
                let tag = rest.find('>').unwrap() + 1;
                rest[..tag].find(' ').filter(|_| !rest.starts_with("<!")).unwrap_or(tag)
            }
            None if rest.starts_with(' ') && rest.contains("=\"") => {
                let value = rest.find("=\"").unwrap() + 2;
                value + rest[value..].find('"').unwrap() + 1
            }
            None if rest.starts_with('>') || rest.starts_with("/>") => rest.find('>').unwrap() + 1,
            None => rest.find('<').unwrap_or(rest.len()),
        };
        pieces.push(&rest[..end]);
        rest = &rest[end..];
    }
    assert_eq!(pieces.concat(), xml);
    pieces
}

/// Returns the positions of whole elements, from `<name` to the end tag.
fn elements(xml: &str) -> Vec<std::ops::Range<usize>> {
    let (mut open, mut found, mut at) = (Vec::new(), Vec::new(), 0);
    while let Some(start) = xml[at..].find('<').map(|offset| at + offset) {
        let end = start + xml[start..].find('>').unwrap() + 1;
        match &xml[start..end] {
            tag if tag.starts_with("<!") => {}
            tag if tag.starts_with("</") => found.push(open.pop().unwrap()..end),
            tag if tag.ends_with("/>") => found.push(start..end),
            _ => open.push(start),
        }
        at = end;
    }
    found
}

#[test]
fn every_element_removed_doubled_or_put_elsewhere() {
    for xml in &SIGNED.documents {
        for element in elements(xml) {
            let (before, it, after) = (&xml[..element.start], &xml[element.clone()], &xml[element.end..]);
            assert_nothing_new_verifies(&[before, after].concat()).unwrap();
            assert_nothing_new_verifies(&[before, it, it, after].concat()).unwrap();
            assert_nothing_new_verifies(&[before, "<evil>", it, "</evil>", after].concat()).unwrap();
            for other in elements(xml) {
                if !element.contains(&other.start) && !other.contains(&element.start) {
                    // Each copy is put in place of another element, and next to it.
                    let mut moved = xml.clone();
                    moved.replace_range(other.clone(), it);
                    assert_nothing_new_verifies(&moved).unwrap();
                    moved = xml.clone();
                    moved.insert_str(other.start, it);
                    assert_nothing_new_verifies(&moved).unwrap();
                }
            }
        }
    }
}

#[test]
fn every_attribute_and_text_removed_or_doubled() {
    for xml in &SIGNED.documents {
        let all = pieces(xml);
        for at in 0..all.len() {
            for instead in
                ["".to_owned(), all[at].repeat(2), all[at].to_uppercase(), format!("{}<!-- -->", all[at])]
            {
                let changed = [&all[..at].concat(), instead.as_str(), &all[at + 1..].concat()].concat();
                assert_nothing_new_verifies(&changed).unwrap();
            }
        }
    }
}

#[test]
fn the_known_wrappings() {
    let both = SIGNED.documents.iter().find(|xml| xml.matches("<ds:Signature ").count() == 1).unwrap();
    let range =
        elements(both).into_iter().find(|range| both[range.clone()].starts_with("<a:Assertion")).unwrap();
    let good = &both[range.clone()];
    let evil = good.replace("alice@", "admin@");
    let signature = {
        let start = good.find("<ds:Signature ").unwrap();
        let end = good.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
        &good[start..end]
    };
    let evil_bare = evil.replace(signature, "");
    let in_signature =
        |inside: &str| signature.replace("</ds:Signature>", &format!("{inside}</ds:Signature>"));
    for (name, instead) in [
        ("evil beside good", format!("{evil_bare}{good}")),
        ("evil with another ID beside good", format!("{}{good}", evil_bare.replace("ID=\"a\"", "ID=\"b\""))),
        ("good inside evil", evil_bare.replace("</a:Assertion>", &format!("{good}</a:Assertion>"))),
        (
            "good inside evil, which has the signature",
            evil.replace("</a:Assertion>", &format!("{}</a:Assertion>", good.replace(signature, ""))),
        ),
        (
            "good in an Object of the signature of evil",
            evil.replace(
                signature,
                &in_signature(&format!("<ds:Object>{}</ds:Object>", good.replace(signature, ""))),
            ),
        ),
        (
            "good in KeyInfo of the signature of evil",
            evil.replace(
                signature,
                &in_signature(&format!("<ds:KeyInfo>{}</ds:KeyInfo>", good.replace(signature, ""))),
            ),
        ),
        (
            "evil in KeyInfo of good",
            good.replace(signature, &in_signature(&format!("<ds:KeyInfo>{evil_bare}</ds:KeyInfo>"))),
        ),
    ] {
        let mut wrapped = both.clone();
        wrapped.replace_range(range.clone(), &instead);
        assert_nothing_new_verifies(&wrapped).unwrap_or_else(|error| panic!("{name}: {error}"));
        let document = parse(&wrapped);
        for bytes in verified_bytes(&document, &SIGNED.keys) {
            assert!(!String::from_utf8_lossy(&bytes).contains("admin@"), "{name}");
        }
    }
    let by_another = sign(MESSAGE, "a", &Signer::new(&OTHER_KEY), &PROVIDER, &LIMITS).unwrap();
    assert!(verified_bytes(&parse(&by_another), &SIGNED.keys).is_empty(), "another key");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn flipped_bytes(document: Index, at: Index, byte: u8) {
        let mut bytes = document.get(&SIGNED.documents).clone().into_bytes();
        *at.get_mut(&mut bytes) = byte;
        if let Ok(xml) = String::from_utf8(bytes) {
            assert_nothing_new_verifies(&xml)?;
        }
    }

    #[test]
    fn shuffled_pieces(document: Index, from: Index, to: Index, doubled: bool) {
        let xml = document.get(&SIGNED.documents);
        let mut pieces = pieces(xml);
        let from = from.index(pieces.len());
        let piece = if doubled { pieces[from] } else { pieces.remove(from) };
        let to = to.index(pieces.len());
        pieces.insert(to, piece);
        assert_nothing_new_verifies(&pieces.concat())?;
    }

    #[test]
    fn pieces_of_another_document(one: Index, other: Index, at: Index, from: Index) {
        let (one, other) = (one.get(&SIGNED.documents), other.get(&SIGNED.documents));
        let (elements_of_one, elements_of_other) = (elements(one), elements(other));
        let mut xml = one.clone();
        xml.replace_range(at.get(&elements_of_one).clone(), &other[from.get(&elements_of_other).clone()]);
        assert_nothing_new_verifies(&xml)?;
    }
}
