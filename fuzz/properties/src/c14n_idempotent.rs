//! To canonicalize canonical octets changes nothing, in all six methods, for documents and for elements of them. There are never more of
//! them than the limits allow.

use vouchsafe::xml::{Canonicalization, Document, Element, Limits, canonicalize, canonicalize_document};

use crate::{METHODS, PREFIX_LISTS, ample, written};

/// The property of the target of that name.
pub fn check(data: &[u8]) {
    let Ok(document) = Document::parse(data, &Limits::default()) else { return };
    for method in METHODS {
        for prefixes in prefix_lists(method) {
            let mut octets = Vec::new();
            let is_whole = written(canonicalize_document(&document, method, prefixes, &mut octets));
            is_bounded_or_canonical(is_whole, data, &octets, method, prefixes);
            for element in document.elements().take(16) {
                let mut octets = Vec::new();
                let is_whole =
                    written(canonicalize(element, method, prefixes, omitted(element), &mut octets));
                is_bounded_or_canonical(is_whole, data, &octets, method, prefixes);
            }
        }
    }
}

fn is_bounded_or_canonical(
    is_whole: bool,
    data: &[u8],
    octets: &[u8],
    method: Canonicalization,
    prefixes: &[&str],
) {
    let limits = Limits::default();
    let most = data.len().saturating_mul(limits.canonical_bytes_factor);
    let most = most.saturating_add(limits.canonical_bytes_extra);
    assert!(octets.len() <= most, "{} canonical bytes of {}", octets.len(), data.len());
    if is_whole {
        is_canonical(octets, method, prefixes);
    }
}

fn is_canonical(octets: &[u8], method: Canonicalization, prefixes: &[&str]) {
    let document = Document::parse(octets, &ample()).expect("canonical octets are well-formed");
    let mut again = Vec::new();
    assert!(written(canonicalize_document(&document, method, prefixes, &mut again)));
    assert_eq!(
        String::from_utf8_lossy(octets),
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
