//! This module finds the place where a signature is inserted, so that nothing else in the document changes.

use vouchsafe_xml::{Element, namespace};

use crate::SignatureError;

/// The place of the signature among the children of the element.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Place {
    /// After a `saml2:Issuer` that is the first child, or before everything else if there is none. Right for
    /// messages, assertions and metadata.
    #[default]
    AfterIssuer,
    /// Before all other children.
    First,
}

/// The place where text is inserted.
pub(crate) struct Point<'x> {
    before: &'x str,
    after: &'x str,
    /// The element's name if its tag was empty. In this case `before` ends without the `/>`, and the element must be
    /// closed.
    opened: Option<&'x str>,
}

impl Point<'_> {
    /// Returns the document with `inserted` in this place.
    pub(crate) fn with(&self, inserted: &str) -> String {
        match self.opened {
            None => [self.before, inserted, self.after].concat(),
            Some(name) => [self.before, ">", inserted, "</", name, ">", self.after].concat(),
        }
    }
}

/// Finds where the signature of `element` goes. `xml` is the text that the element's document was parsed from.
pub(crate) fn point<'x>(
    xml: &'x str,
    element: Element<'x>,
    place: Place,
) -> Result<Point<'x>, SignatureError> {
    let issuer = element.elements().next().filter(|first| first.is(namespace::SAML_ASSERTION, "Issuer"));
    match issuer {
        Some(issuer) if place == Place::AfterIssuer => xml
            .split_at_checked(issuer.source_range().end)
            .map(|(before, after)| Point { before, after, opened: None }),
        _ => at_the_beginning(xml, element),
    }
    .ok_or_else(|| SignatureError::ElementNotFound { id: element.local_name().to_owned() })
}

fn at_the_beginning<'x>(xml: &'x str, element: Element<'x>) -> Option<Point<'x>> {
    let start = element.source_range().start;
    let (tag, after) = xml.split_at_checked(start.checked_add(tag_length(xml.get(start..)?)?)?)?;
    Some(match tag.strip_suffix("/>") {
        None => Point { before: tag, after, opened: None },
        Some(before) => Point { before, after, opened: Some(element.qualified_name()) },
    })
}

/// Returns the length in bytes of the tag at the beginning of a well-formed text: up to the first `>` outside quotes.
fn tag_length(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'>') => return at.checked_add(1),
            (Some(open), _) if open == byte => quote = None,
            _ => {}
        }
    }
    None
}
