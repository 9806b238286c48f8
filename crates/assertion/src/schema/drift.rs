//! Compares the table with the published schemas, and with every message of the shared test material.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use vouchsafe_crypto::base64_decode;
use vouchsafe_testkit::{Xsd, shared};
use vouchsafe_xml::{Document, Element, ElementType, Limits, check, namespace};

use super::{assertion_types::ASSERTION, message_types, protocol_types::RESPONSE};
use crate::message::MessageKind;

const FILES: [&str; 2] = ["saml-schema-assertion-2.0.xsd", "saml-schema-protocol-2.0.xsd"];

#[test]
fn the_table_says_what_the_schemas_say() {
    let Some(folder) = shared::folder() else { return };
    let schemas = Xsd::read(&folder.join("vectors/xsd"), &FILES).unwrap();
    let mut messages: Vec<(&str, &'static ElementType)> = vec![("Response", &RESPONSE)];
    messages.extend(MessageKind::ALL.map(|kind| (kind.name(), super::message_type(kind))));
    messages.push(("NewID", &message_types::NEW_ID));
    for (name, element_type) in messages {
        let differences = schemas.differences(namespace::SAML_PROTOCOL, name, element_type);
        assert!(differences.is_empty(), "{name}: {differences:#?}");
    }
}

/// Checks that the comparison notices a difference, since one that finds nothing would always pass.
#[test]
fn a_difference_is_noticed() {
    static STATUS_CODE: ElementType = ElementType::elements("samlp:StatusCodeType", &[]);
    let Some(folder) = shared::folder() else { return };
    let schemas = Xsd::read(&folder.join("vectors/xsd"), &FILES).unwrap();
    let of = |name, element_type| schemas.differences(namespace::SAML_PROTOCOL, name, element_type);
    assert_eq!(of("StatusCode", &STATUS_CODE).len(), 2, "{:?}", of("StatusCode", &STATUS_CODE));
    assert!(!of("Response", &ASSERTION).is_empty());
    assert!(!of("Nothing", &ASSERTION).is_empty());
}

/// A message of another project that does not follow the schema: the difference, and why it is right to report it.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Departure {
    file: String,
    departure: String,
    reason: String,
}

#[test]
fn every_message_of_others_is_as_the_schema_says_or_named() {
    let Some(folder) = shared::folder() else { return };
    let listed: Vec<Departure> = serde_json::from_str(include_str!("departures.json")).unwrap();
    assert!(listed.iter().all(|departure| !departure.reason.is_empty()));
    let mut departures: BTreeMap<&str, &str> =
        listed.iter().map(|departure| (departure.file.as_str(), departure.departure.as_str())).collect();
    let (mut sound, mut wrong) = (0, Vec::new());
    for file in files(&folder) {
        let name = file.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned();
        let Some(document) = document(&std::fs::read(&file).unwrap()) else { continue };
        let problems: Vec<String> = messages(&document)
            .filter_map(|(element, element_type)| check(element, element_type).err())
            .map(|violation| violation.to_string())
            .collect();
        let seen = messages(&document).count();
        match (problems.first(), departures.remove(name.as_str())) {
            (None, None) => sound += seen,
            (Some(problem), Some(listed)) if problem.contains(listed) => {}
            (found, listed) => {
                wrong.push(format!("(\"{name}\", \"{}\"), // {listed:?}", found.map_or("", String::as_str)))
            }
        }
    }
    println!("{sound} as the schema says, {} departures", listed.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(departures.is_empty(), "{departures:?}");
    assert!(sound >= 300, "{sound}");
}

/// Returns the responses and other messages in a document, and the assertions outside of responses.
fn messages(document: &Document) -> impl Iterator<Item = (Element<'_>, &'static ElementType)> {
    document.elements().filter_map(|element| {
        let is_in = |parent: Element<'_>| parent.namespace() == namespace::SAML_PROTOCOL;
        if element.is(namespace::SAML_PROTOCOL, "Response") {
            Some((element, &RESPONSE))
        } else if let Some(kind) = MessageKind::of(element) {
            Some((element, super::message_type(kind)))
        } else if element.is(namespace::SAML_ASSERTION, "Assertion") && !element.parent().is_some_and(is_in) {
            Some((element, &ASSERTION))
        } else {
            None
        }
    })
}

/// Parses XML, or the base64 of a form field.
fn document(bytes: &[u8]) -> Option<Document> {
    let limits = Limits::default();
    let decoded = || Document::parse(&base64_decode(bytes).ok()?, &limits).ok();
    Document::parse(bytes, &limits).ok().or_else(decoded)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut waiting: Vec<PathBuf> =
        ["vectors/saml", "idps/samples", "corpus"].iter().map(|part| folder.join(part)).collect();
    while let Some(next) = waiting.pop() {
        for path in std::fs::read_dir(next).into_iter().flatten().flatten().map(|entry| entry.path()) {
            if path.is_dir() { waiting.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}
