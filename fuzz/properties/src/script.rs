//! Scripts: how a few bytes rearrange a document whose signature is good.
//!
//! A fuzzer that flips bytes of a signed document breaks it long before it has wrapped anything. So an input may also be
//! `FF`, the number of a document, and then steps of four bytes: what to do, with which element, where, and with which
//! text. No text in UTF-8 begins with `FF`, so every input is one of both.

use std::borrow::Cow;

use vouchsafe::xml::{Document, Element, Limits};

/// What scripts begin with.
pub const MARK: u8 = 0xff;

/// The document that an input stands for: itself, or one of the originals after the steps of a script. A step that would
/// leave nothing well-formed is not taken.
pub fn document<'a>(data: &'a [u8], originals: &'a [String]) -> Cow<'a, [u8]> {
    let [MARK, number, steps @ ..] = data else { return Cow::Borrowed(data) };
    let place = usize::from(*number).checked_rem(originals.len()).unwrap_or_default();
    let Some(original) = originals.get(place) else { return Cow::Borrowed(data) };
    let limits = Limits::default();
    let mut text = original.clone();
    let Ok(mut document) = Document::parse(text.as_bytes(), &limits) else { return Cow::Borrowed(data) };
    for step in steps.chunks_exact(4).take(8) {
        if let [what, which, to, how] = *step
            && let Some(next) = taken(&text, &document, what, which, to, how)
            && let Ok(read) = Document::parse(next.as_bytes(), &limits)
        {
            (text, document) = (next, read);
        }
    }
    Cow::Owned(text.into_bytes())
}

const WRAPPERS: &[(&str, &str)] = &[
    ("<ds:Object xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">", "</ds:Object>"),
    ("<saml2p:Extensions xmlns:saml2p=\"urn:oasis:names:tc:SAML:2.0:protocol\">", "</saml2p:Extensions>"),
    ("<saml2:Advice xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\">", "</saml2:Advice>"),
    (
        "<saml2:Assertion xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"evil\" Version=\"2.0\">",
        "</saml2:Assertion>",
    ),
    (
        "<saml2p:Response xmlns:saml2p=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"evil\" Version=\"2.0\">",
        "</saml2p:Response>",
    ),
    ("<ds:Transform xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">", "</ds:Transform>"),
    ("<x xmlns:unused=\"urn:unused\" xml:lang=\"en\">", "</x>"),
    (
        "<saml2:AttributeValue xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\">",
        "</saml2:AttributeValue>",
    ),
];
const PIECES: &[&str] = &["<!---->", "<?p?>", " ", "text", "&#13;", "<x/>", "<![CDATA[x]]>", "\n"];
const ATTRIBUTES: &[&str] = &[
    " ID=\"evil\"",
    " Id=\"evil\"",
    " xml:id=\"evil\"",
    " xmlns:xs=\"urn:evil\"",
    " xmlns:unused=\"urn:unused\"",
    " NotBefore=\"2026-01-01T00:00:00Z\"",
    " xml:base=\"urn:evil\"",
    " xmlns=\"urn:evil\"",
    " xmlns:x=\"urn:evil\"",
    " xmlns:x=\"http://www.w3.org/2001/XMLSchema-instance\"",
    " xmlns:ds=\"urn:evil\"",
    " x:nil=\"true\"",
];

fn taken(text: &str, document: &Document, what: u8, which: u8, to: u8, how: u8) -> Option<String> {
    let elements: Vec<Element<'_>> = document.elements().collect();
    let element = *chosen(&elements, which)?;
    let target = *chosen(&elements, to)?;
    let (range, other) = (element.source_range(), target.source_range());
    let source = text.get(range.clone())?;
    match what.checked_rem(10)? {
        // A copy before, behind or first in another element.
        0 => insert(text, other.start, source),
        1 => insert(text, other.end, source),
        2 => insert(text, content_of(text, target)?.0, source),
        // Moved to another element: taken away behind it or before it.
        3 if other.start >= range.end => Some(
            [text.get(..range.start)?, text.get(range.end..other.end)?, source, text.get(other.end..)?]
                .concat(),
        ),
        3 if other.end <= range.start => Some(
            [text.get(..other.start)?, source, text.get(other.start..range.start)?, text.get(range.end..)?]
                .concat(),
        ),
        3 | 4 => Some([text.get(..range.start)?, text.get(range.end..)?].concat()),
        5 => {
            let (before, after) = *chosen(WRAPPERS, how)?;
            Some([text.get(..range.start)?, before, source, after, text.get(range.end..)?].concat())
        }
        6 => insert(text, content_of(text, element)?.0, chosen(PIECES, how)?),
        7 => insert(text, content_of(text, element)?.1, chosen(PIECES, how)?),
        8 => {
            let name = range.start.checked_add(1)?.checked_add(element.qualified_name().len())?;
            insert(text, name, chosen(ATTRIBUTES, how)?)
        }
        // The text of one attribute becomes that of another.
        _ => {
            let values: Vec<&str> = elements.iter().flat_map(|e| e.attributes()).map(|a| a.value).collect();
            let (from, to) = (*chosen(&values, which)?, *chosen(&values, to)?);
            let from = format!("\"{from}\"");
            Some(if how.is_multiple_of(2) {
                text.replacen(&from, &format!("\"{to}\""), 1)
            } else {
                text.replace(&from, &format!("\"{to}\""))
            })
        }
    }
}

fn chosen<T>(several: &[T], by: u8) -> Option<&T> {
    several.get(usize::from(by).checked_rem(several.len())?)
}

fn insert(text: &str, at: usize, piece: &str) -> Option<String> {
    let (before, after) = text.split_at_checked(at)?;
    Some([before, piece, after].concat())
}

/// Where the content of an element with two tags begins and ends.
fn content_of(text: &str, element: Element<'_>) -> Option<(usize, usize)> {
    let range = element.source_range();
    let source = text.get(range.clone())?;
    let mut quote = None;
    let open = source.bytes().position(|byte| match (quote, byte) {
        (None, b'"' | b'\'') => {
            quote = Some(byte);
            false
        }
        (None, b'>') => true,
        (Some(mark), _) if mark == byte => {
            quote = None;
            false
        }
        _ => false,
    })?;
    let close = source.rfind("</")?;
    Some((range.start.checked_add(open)?.checked_add(1)?, range.start.checked_add(close)?))
}
