//! To canonicalize canonical bytes changes nothing, in all six methods, for documents and for elements of them. There are never more of
//! them than the limits allow.

use vouchsafe::xml::{Canonicalization, Document, Element, Limits, canonicalize, canonicalize_document};

use crate::{METHODS, PREFIX_LISTS, ample, written};

/// The property of the target of that name.
pub fn check(data: &[u8]) {
    let Ok(document) = Document::parse(data, &Limits::default()) else { return };
    for method in METHODS {
        for prefixes in prefix_lists(method) {
            let mut bytes = Vec::new();
            let is_whole = written(canonicalize_document(&document, method, prefixes, &mut bytes));
            is_bounded_or_canonical(is_whole, data, &bytes, method, prefixes);
            for element in document.elements().take(16) {
                let mut bytes = Vec::new();
                let is_whole = written(canonicalize(element, method, prefixes, omitted(element), &mut bytes));
                is_bounded_or_canonical(is_whole, data, &bytes, method, prefixes);
            }
        }
    }
}

fn is_bounded_or_canonical(
    is_whole: bool,
    data: &[u8],
    bytes: &[u8],
    method: Canonicalization,
    prefixes: &[&str],
) {
    let limits = Limits::default();
    let most = data.len().saturating_mul(limits.canonical_bytes_factor);
    let most = most.saturating_add(limits.canonical_bytes_extra);
    assert!(bytes.len() <= most, "{} canonical bytes of {}", bytes.len(), data.len());
    if is_whole {
        is_canonical(bytes, method, prefixes);
    }
}

fn is_canonical(bytes: &[u8], method: Canonicalization, prefixes: &[&str]) {
    let document = Document::parse(bytes, &ample()).expect("canonical bytes are well-formed");
    let mut again = Vec::new();
    assert!(written(canonicalize_document(&document, method, prefixes, &mut again)));
    assert_eq!(
        String::from_utf8_lossy(bytes),
        String::from_utf8_lossy(&again),
        "{} with {prefixes:?}",
        method.uri()
    );
}

fn prefix_lists(method: Canonicalization) -> &'static [&'static [&'static str]] {
    PREFIX_LISTS.get(..if method.is_exclusive() { PREFIX_LISTS.len() } else { 1 }).unwrap_or_default()
}

/// Like a signature: the second child element, if there is one.
fn omitted(element: Element<'_>) -> Option<Element<'_>> {
    element.elements().nth(1)
}
