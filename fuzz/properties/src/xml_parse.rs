//! Anything is read or refused; what is read says the same to quick-xml, and when it is read again from its canonical form.

use vouchsafe::xml::{
    Canonicalization, Document, Element, Limits, Node, canonicalize, canonicalize_document,
};

use crate::{ample, quick, written};

/// The property of the target of that name.
pub fn check(data: &[u8]) {
    let document = match Document::parse(data, &Limits::default()) {
        Ok(document) => document,
        Err(error) => {
            assert!(error.code().starts_with("xml."), "{error:?}");
            assert!(!error.to_string().is_empty() && !error.hint().is_empty());
            assert!(error.offset().is_none_or(|offset| offset <= data.len()), "{error:?}");
            return;
        }
    };
    quick::agrees(std::str::from_utf8(data).expect("text"), &document);
    reads_the_same_again(&document);
    for element in document.elements().take(64) {
        stands_where_it_says(data, element);
    }
}

fn reads_the_same_again(document: &Document) {
    let Some(first) = canonical(document) else { return };
    let again = Document::parse(&first, &ample()).expect("a canonical form is well-formed");
    assert_eq!(Some(first), canonical(&again), "two canonical forms");
    assert!(said(document.root()).eq(said(again.root())), "another tree");
}

fn stands_where_it_says(data: &[u8], element: Element<'_>) {
    let document = element.document();
    assert_eq!(document.at(&element.position()), Some(element));
    let source = data.get(element.source_range()).expect("a range in the input");
    let scope = element.parent().map(|parent| parent.scope()).unwrap_or_default();
    let alone = Document::parse_in_scope(source, &scope, &ample()).expect("an element by itself");
    let (mut here, mut there) = (Vec::new(), Vec::new());
    if !written(canonicalize(element, Canonicalization::EXCLUSIVE_WITH_COMMENTS, &[], None, &mut here)) {
        return;
    }
    assert!(written(canonicalize(
        alone.root(),
        Canonicalization::EXCLUSIVE_WITH_COMMENTS,
        &[],
        None,
        &mut there
    )));
    assert_eq!(here, there, "the source range of {element:?} holds another element");
}

fn canonical(document: &Document) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    written(canonicalize_document(document, Canonicalization::INCLUSIVE_WITH_COMMENTS, &[], &mut bytes))
        .then_some(bytes)
}

/// What a tree says, without how it is written.
fn said<'d>(root: Element<'d>) -> impl Iterator<Item = Said<'d>> {
    root.descendants().map(|element| {
        let mut attributes: Vec<_> =
            element.attributes().map(|one| (one.namespace, one.local_name, one.value)).collect();
        attributes.sort_unstable();
        let leaves = element.children().filter(|node| !matches!(node, Node::Element(_)));
        let leaves = leaves.map(|node| format!("{node:?}")).collect();
        (element.namespace(), element.qualified_name(), attributes, leaves)
    })
}

type Said<'d> = (&'d str, &'d str, Vec<(&'d str, &'d str, &'d str)>, Vec<String>);
