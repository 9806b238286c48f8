//! Canonical XML compared with bytes from other sources: the examples of the specifications, the interoperability
//! rounds, and the bytes that the digests and signatures of real SAML messages cover.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    reason = "a test may fail in any way"
)]

mod support;

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use serde::Deserialize;
use vouchsafe_xml::{
    Canonicalization, Document, Element, Limits, canonicalize, canonicalize_document, namespace,
};

#[derive(Deserialize)]
struct Manifest {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    input: String,
    input_encoding: Option<String>,
    expected: String,
    algorithm: Option<String>,
    subset: String,
    element_position: Option<String>,
    #[serde(default)]
    inclusive_prefixes: Option<Vec<String>>,
    has_doctype: Option<bool>,
    reference_index: Option<usize>,
    transforms: Option<Vec<String>>,
}

/// The result of a case.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Clone, Copy)]
enum Outcome {
    Document,
    ElementSubtree,
    SamlReference,
    SignedInfo,
    Reference,
    DoctypeRefused,
    /// The case needs an XPath node-set, which this crate does not make.
    NodeSet,
}

#[test]
fn canonical_bytes_are_those_of_others() {
    let Some(shared) = support::folder() else { return };
    let folder = shared.join("vectors/c14n");
    let manifest = std::fs::read(folder.join("manifest.json")).unwrap();
    let manifest: Manifest = serde_json::from_slice(&manifest).unwrap();
    let mut passed: BTreeMap<Outcome, usize> = BTreeMap::new();
    let mut failed = Vec::new();
    for case in &manifest.cases {
        match check(case, &folder) {
            Ok(outcome) => *passed.entry(outcome).or_default() += 1,
            Err(problem) => failed.push(format!("{}: {problem}", case.id)),
        }
    }
    println!("{passed:?}");
    assert!(failed.is_empty(), "{} failed:\n{}", failed.len(), failed.join("\n"));
    assert!(passed.values().sum::<usize>() == manifest.cases.len());
}

fn check(case: &Case, folder: &Path) -> Result<Outcome, String> {
    let mut input = read(case, folder);
    if String::from_utf8_lossy(&input).contains("encoding=\"ISO-8859-1\"") {
        let refusal = Document::parse(&input, &Limits::default()).map(|_| ()).map_err(|error| error.code());
        if refusal != Err("xml.encoding") && refusal != Err("xml.utf8") {
            return Err(format!("ISO-8859-1 was not refused: {refusal:?}"));
        }
        // Latin-1 is the first 256 characters.
        let text: String = input.iter().map(|&byte| char::from(byte)).collect();
        input = text.replace("ISO-8859-1", "UTF-8").into_bytes();
    }
    let expected = std::fs::read(folder.join(&case.expected)).unwrap();
    let parsed = Document::parse(&input, &Limits::default());
    if let Err(error) = &parsed
        && error.code() == "xml.doctype"
        && case.has_doctype != Some(false)
    {
        return Ok(Outcome::DoctypeRefused);
    }
    if case.has_doctype == Some(true) {
        return Err("a DOCTYPE was not refused".into());
    }
    let document = parsed.map_err(|error| error.to_string())?;
    let given: Vec<&str> = case.inclusive_prefixes.iter().flatten().map(String::as_str).collect();
    let method = case.algorithm.as_deref().map(|uri| Canonicalization::from_uri(uri).expect(uri));
    let mut actual = Vec::new();
    let outcome = match case.subset.as_str() {
        "document" => {
            canonicalize_document(&document, method.unwrap(), &given, &mut actual).unwrap();
            Outcome::Document
        }
        "element-subtree" => {
            let element = document.at(case.element_position.as_deref().unwrap()).ok_or("no such element")?;
            canonicalize(element, method.unwrap(), &given, None, &mut actual).unwrap();
            Outcome::ElementSubtree
        }
        "node-set" => return Ok(Outcome::NodeSet),
        "canonical SignedInfo" => {
            signed_info(&document, 0, &mut actual);
            Outcome::SignedInfo
        }
        subset if subset.starts_with("ds:SignedInfo of Signature number ") => {
            signed_info(&document, number_at_end(subset.trim_end_matches(" (document order)")), &mut actual);
            Outcome::SignedInfo
        }
        subset if subset.starts_with("reference of a Signature") => {
            if case.transforms.iter().flatten().any(|uri| uri.contains("xpath")) {
                return Ok(Outcome::NodeSet);
            }
            reference(&document, case.reference_index.unwrap(), &mut actual);
            Outcome::Reference
        }
        subset => {
            let (name, rest) =
                subset.strip_prefix("element ").unwrap().split_once(" referenced by '").unwrap();
            let (uri, rest) = rest.split_once('\'').unwrap();
            let signature = signatures(&document).nth(number_at_end(rest)).ok_or("no such signature")?;
            let list = prefix_list(signature);
            let list: Vec<&str> = list.split_ascii_whitespace().collect();
            // Some messages contain an ID twice, which is the attack: either of them may be the signed element.
            let found = candidates(&document, name, uri).any(|element| {
                actual.clear();
                canonicalize(
                    element,
                    method.unwrap().without_comments(),
                    &list,
                    Some(signature),
                    &mut actual,
                )
                .unwrap();
                actual == expected
            });
            return if found { Ok(Outcome::SamlReference) } else { Err(difference(&actual, &expected)) };
        }
    };
    if actual == expected { Ok(outcome) } else { Err(difference(&actual, &expected)) }
}

/// Canonicalizes SignedInfo by its own CanonicalizationMethod.
fn signed_info(document: &Document, number: usize, bytes: &mut Vec<u8>) {
    let signature = signatures(document).nth(number).unwrap();
    let signed_info = child(signature, "SignedInfo");
    let method = child(signed_info, "CanonicalizationMethod");
    let list = prefix_list(method);
    let list: Vec<&str> = list.split_ascii_whitespace().collect();
    let method = Canonicalization::from_uri(method.attribute("Algorithm").unwrap()).unwrap();
    canonicalize(signed_info, method, &list, None, bytes).unwrap();
}

/// Canonicalizes what one reference of the only signature points to.
fn reference(document: &Document, number: usize, bytes: &mut Vec<u8>) {
    let signature = signatures(document).next().unwrap();
    let references = child(signature, "SignedInfo").elements().filter(|e| e.is(namespace::DSIG, "Reference"));
    let reference = references.into_iter().nth(number).unwrap();
    let id = reference.attribute("URI").unwrap();
    let is_pointer = id.starts_with("#xpointer(");
    let id = id.trim_start_matches("#xpointer(id('").trim_end_matches("'))").trim_start_matches('#');
    let target = document.elements().find(|element| element.attribute("Id") == Some(id)).unwrap();
    let transform = reference.descendants().find(|e| e.is(namespace::DSIG, "Transform")).unwrap();
    let method = Canonicalization::from_uri(transform.attribute("Algorithm").unwrap()).unwrap();
    let method = if is_pointer { method } else { method.without_comments() };
    let list = prefix_list(transform);
    canonicalize(target, method, &list.split_ascii_whitespace().collect::<Vec<_>>(), None, bytes).unwrap();
}

fn signatures(document: &Document) -> impl Iterator<Item = Element<'_>> {
    document.elements().filter(|element| element.is(namespace::DSIG, "Signature"))
}

fn candidates<'d>(document: &'d Document, name: &str, uri: &str) -> impl Iterator<Item = Element<'d>> {
    let id = uri.strip_prefix('#');
    document.elements().filter(move |&element| {
        element.local_name() == name
            && match id {
                Some(id) => {
                    element
                        .attributes()
                        .any(|attribute| attribute.local_name.ends_with("ID") && attribute.value == id)
                        || element.attribute("Id") == Some(id)
                }
                None => element.parent().is_none(),
            }
    })
}

fn child<'d>(element: Element<'d>, name: &str) -> Element<'d> {
    element.elements().find(|child| child.is(namespace::DSIG, name)).unwrap()
}

/// Returns the PrefixList of the first InclusiveNamespaces below the element. For a whole signature, the one of
/// CanonicalizationMethod is skipped.
fn prefix_list(element: Element<'_>) -> String {
    let own = element.local_name();
    let found = element.descendants().find(|found| {
        let of = found.parent().map_or("", |parent| parent.local_name());
        found.is(namespace::EXC_C14N, "InclusiveNamespaces") && (of == "Transform" || of == own)
    });
    found.and_then(|found| found.attribute("PrefixList")).unwrap_or_default().to_owned()
}

fn number_at_end(text: &str) -> usize {
    text.rsplit(' ').next().unwrap().parse().unwrap()
}

fn difference(actual: &[u8], expected: &[u8]) -> String {
    let at = actual.iter().zip(expected).take_while(|(left, right)| left == right).count();
    let show = |bytes: &[u8]| {
        let from = at.saturating_sub(30).min(bytes.len());
        String::from_utf8_lossy(bytes.get(from..bytes.len().min(at + 60)).unwrap()).into_owned()
    };
    format!("differs at byte {at}\n  actual   {:?}\n  expected {:?}", show(actual), show(expected))
}

fn read(case: &Case, folder: &Path) -> Vec<u8> {
    let input = std::fs::read(folder.join(&case.input)).unwrap();
    match case.input_encoding.as_deref() {
        Some("base64") => base64(&input),
        Some("deflate+base64") => {
            let mut inflated = Vec::new();
            flate2::read::DeflateDecoder::new(&*base64(&input)).read_to_end(&mut inflated).unwrap();
            inflated
        }
        None | Some("xml") => input,
        Some(other) => panic!("unknown encoding {other}"),
    }
}

fn base64(text: &[u8]) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for digit in text.iter().filter_map(|digit| ALPHABET.iter().position(|known| known == digit)) {
        bits = (bits << 6) | u32::try_from(digit).unwrap();
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from((bits >> count) & 0xFF).unwrap());
        }
    }
    bytes
}
