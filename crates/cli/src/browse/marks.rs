//! Shows the message as it came, and marks the elements that a complaint is about.

use std::ops::Range;

use vouchsafe::xml::{Document, Element, Limits, namespace};

use crate::serve::html;

/// The maximum number of bytes of a message that are shown.
const SHOWN: usize = 256 * 1024;
/// The length from which a value of base64 is cut, and the numbers of characters that remain at its ends.
const LONG: usize = 200;
const VALUE: usize = 40;
const END: usize = 8;
/// The maximum number of marks in a message.
const MARKS: usize = 32;

/// The part of the document that a complaint points to.
enum Part {
    /// Whole elements with these names.
    Elements(&'static [&'static str]),
    /// Their start tags, which contain the attributes.
    Tags(&'static [&'static str]),
    /// The start tag of the document element.
    Root,
}

/// Returns the HTML of the message. Each element is on its own line, and long values of base64 are cut. `name` is the
/// name of the first mark, for a link.
pub(super) fn message(text: &str, codes: &[&str], name: &str) -> String {
    let mut end = text.len().min(SHOWN);
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    let mut html = String::new();
    let mut at = 0;
    for range in ranges(text, codes).into_iter().filter(|range| range.end <= end) {
        html.push_str(&lines(text.get(at..range.start).unwrap_or_default()));
        let is_first = !html.contains("<mark");
        let open = format!("<mark id=\"{}\">", html::text(name));
        html.push_str(if is_first { &open } else { "<mark>" });
        html.push_str(&lines(text.get(range.clone()).unwrap_or_default()));
        html.push_str("</mark>");
        at = range.end;
    }
    html.push_str(&lines(text.get(at..end).unwrap_or_default()));
    let broken = html
        .replace("&gt;&lt;", "&gt;\n&lt;")
        .replace("&gt;<mark", "&gt;\n<mark")
        .replace("&gt;</mark>&lt;", "&gt;</mark>\n&lt;");
    if end < text.len() { broken + "…" } else { broken }
}

/// Escapes a text and keeps its lines and tabs.
fn lines(text: &str) -> String {
    text.split('\n').map(|line| html::text(&cut(line))).collect::<Vec<_>>().join("\n")
}

/// Cuts the middle of long base64 values out of a line.
fn cut(line: &str) -> String {
    let pieces = line.split_inclusive(|letter: char| "<>\"' \t".contains(letter));
    let is_base64 = |letter: char| letter.is_ascii_alphanumeric() || "+/=<".contains(letter);
    let cut = pieces.map(|piece| match (piece.get(..VALUE), piece.get(piece.len().saturating_sub(END)..)) {
        (Some(beginning), Some(end)) if piece.len() > LONG && piece.chars().all(is_base64) => {
            format!("{beginning}…{end}")
        }
        _ => piece.to_owned(),
    });
    cut.collect()
}

/// Returns the ranges to mark, in their order and without overlap.
fn ranges(text: &str, codes: &[&str]) -> Vec<Range<usize>> {
    let Ok(document) = Document::parse(text.as_bytes(), &Limits::metadata()) else { return Vec::new() };
    let mut all: Vec<Range<usize>> =
        codes.iter().filter_map(|code| part(code)).flat_map(|part| places(text, &document, &part)).collect();
    all.sort_by_key(|range| (range.start, range.end));
    let mut apart: Vec<Range<usize>> = Vec::new();
    for range in all {
        if apart.last().is_none_or(|last| last.end <= range.start) {
            apart.push(range);
        }
    }
    apart.truncate(MARKS);
    apart
}

fn places(text: &str, document: &Document, part: &Part) -> Vec<Range<usize>> {
    let named = |names: &'static [&'static str]| {
        document.elements().filter(move |element| {
            names.contains(&element.local_name()) && element.namespace() != namespace::XML
        })
    };
    match part {
        Part::Elements(names) => named(names).map(Element::source_range).collect(),
        Part::Tags(names) => named(names).map(|element| tag(text, element)).collect(),
        Part::Root => vec![tag(text, document.root())],
    }
}

/// Returns the range of an element's start tag.
fn tag(text: &str, element: Element<'_>) -> Range<usize> {
    let range = element.source_range();
    let mut quote = None;
    let found = text.get(range.clone()).unwrap_or_default().char_indices().find(|(_, letter)| {
        match (quote, letter) {
            (None, '"' | '\'') => quote = Some(*letter),
            (Some(open), letter) if open == *letter => quote = None,
            (None, '>') => return true,
            _ => {}
        }
        false
    });
    let length = found.map_or(0, |(place, _)| place.saturating_add(1));
    range.start..range.start.saturating_add(length)
}

/// Returns the part of the document that a code is about.
fn part(code: &str) -> Option<Part> {
    Some(match code {
        "assertion.audience" => Part::Elements(&["AudienceRestriction"]),
        "assertion.status" | "doctor.answered_no" | "doctor.partial_logout" => Part::Elements(&["Status"]),
        "assertion.issuer"
        | "assertion.issuer_format"
        | "assertion.unknown_issuer"
        | "assertion.unexpected_issuer"
        | "message.issuer"
        | "message.issuer_format"
        | "doctor.request_issuer" => Part::Elements(&["Issuer"]),
        "assertion.name_id" | "assertion.other_subject" | "assertion.name_id_policy" | "message.name_id" => {
            Part::Elements(&["NameID"])
        }
        "doctor.no_name_id" => Part::Elements(&["Subject"]),
        "doctor.request_name_id_format" => Part::Elements(&["NameIDPolicy"]),
        "message.session_indexes" => Part::Elements(&["SessionIndex"]),
        "doctor.white_space" => Part::Elements(&["NameID", "AttributeValue"]),
        "assertion.authn_context" => Part::Elements(&["AuthnContext"]),
        "assertion.authn_instant" | "assertion.session_expired" => Part::Tags(&["AuthnStatement"]),
        "assertion.recipient" | "assertion.bearer" => {
            Part::Tags(&["SubjectConfirmation", "SubjectConfirmationData"])
        }
        "assertion.confirmation_expired" | "assertion.confirmation_not_before" => {
            Part::Tags(&["SubjectConfirmationData"])
        }
        "assertion.expired" | "assertion.not_yet_valid" | "assertion.inverted_window" => {
            Part::Tags(&["Conditions"])
        }
        "assertion.unknown_condition" | "assertion.repeated_condition" => Part::Elements(&["Conditions"]),
        "assertion.in_response_to" => Part::Tags(&["Response", "SubjectConfirmationData"]),
        "doctor.cannot_open" => Part::Tags(&["EncryptedAssertion"]),
        _ if code.starts_with("encryption.") => Part::Elements(&["EncryptionMethod"]),
        _ if ["signature.", "autopsy.", "crypto."].iter().any(|one| code.starts_with(one)) => {
            Part::Elements(&["SignedInfo"])
        }
        "metadata.no_signing_key" | "metadata.key_ignored" | "metadata.certificate_expired" => {
            Part::Elements(&["KeyDescriptor"])
        }
        "doctor.unencrypted_address" => {
            Part::Tags(&["AssertionConsumerService", "SingleSignOnService", "SingleLogoutService"])
        }
        _ if code.starts_with("quirk.") => return None,
        _ => Part::Root,
    })
}

#[cfg(test)]
mod tests {
    use super::message;

    #[test]
    fn guilty_elements_are_marked_and_nothing_is_markup() {
        let xml = "<r a='>'><AudienceRestriction><b>&lt;script&gt;</b></AudienceRestriction><c/></r>";
        let marked = message(xml, &["assertion.audience"], "m\"1");
        assert_eq!(
            marked,
            "&lt;r a=&#39;&gt;&#39;&gt;\n<mark id=\"m&quot;1\">&lt;AudienceRestriction&gt;\n&lt;b&gt;&amp;lt;script&amp;gt;&lt;/b&gt;\n\
             &lt;/AudienceRestriction&gt;</mark>\n&lt;c/&gt;\n&lt;/r&gt;"
        );
        let root = message(xml, &["assertion.destination"], "m");
        assert!(root.starts_with("<mark id=\"m\">&lt;r a=&#39;&gt;&#39;&gt;</mark>"), "{root}");
        assert_eq!(message("no <script> xml", &["assertion.audience"], "m"), "no &lt;script&gt; xml");
        assert_eq!(message(xml, &["quirk.okta.x"], "m").matches("<mark").count(), 0);
        let long = format!("<r>{}</r>", "é".repeat(200_000));
        assert!(message(&long, &["assertion.destination"], "m").ends_with('…'));
        let value = format!("<v>{}</v>", "QUJD".repeat(100));
        assert!(message(&value, &[], "m").len() < 100);
    }
}
