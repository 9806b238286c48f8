//! Finding the octet at which a signature is inserted, so that nothing else of the document changes.
//!
//! The text has been parsed: it is well-formed and has no DTD. So a tag ends at the first `>` outside quotes, and only
//! comments, CDATA sections and processing instructions hold a `<` that begins no tag.

use vouchsafe_xml::{Element, namespace};

use crate::SignatureError;
use crate::sign::Place;

/// Where text is inserted.
pub(crate) struct Point<'x> {
    before: &'x str,
    after: &'x str,
    /// The element's name when its tag was empty: `before` ends without the `/>`, and the element must be closed.
    opened: Option<&'x str>,
}

impl Point<'_> {
    /// The document with `inserted` in its place.
    pub(crate) fn with(&self, inserted: &str) -> String {
        match self.opened {
            None => [self.before, inserted, self.after].concat(),
            Some(name) => [self.before, ">", inserted, "</", name, ">", self.after].concat(),
        }
    }
}

/// Where in `xml` the signature of `element` goes; `xml` is the text that the element's document was read from.
pub(crate) fn point<'x>(
    xml: &'x str,
    element: Element<'_>,
    place: Place,
) -> Result<Point<'x>, SignatureError> {
    let number = element.document().elements().position(|other| other == element);
    let issuer = place == Place::AfterIssuer
        && element.elements().next().is_some_and(|first| first.is(namespace::SAML_ASSERTION, "Issuer"));
    number
        .and_then(
            |number| if issuer { after_first_child(xml, number) } else { at_the_beginning(xml, number) },
        )
        .ok_or_else(|| SignatureError::ElementNotFound { id: element.local_name().to_owned() })
}

fn at_the_beginning(xml: &str, number: usize) -> Option<Point<'_>> {
    let tag = Tags::of(xml).filter(|tag| tag.kind != Kind::End).nth(number)?;
    if tag.kind == Kind::Start {
        return split(xml, tag.end);
    }
    let (open, after) = xml.split_at_checked(tag.end)?;
    let before = open.strip_suffix("/>")?;
    let name = before.get(tag.start..)?.strip_prefix('<')?.split([' ', '\t', '\r', '\n']).next()?;
    Some(Point { before, after, opened: Some(name) })
}

fn after_first_child(xml: &str, number: usize) -> Option<Point<'_>> {
    let mut starts_before = 0_usize;
    let mut depth = 0_usize;
    for tag in Tags::of(xml) {
        if starts_before <= number {
            starts_before = starts_before.saturating_add(usize::from(tag.kind != Kind::End));
            continue;
        }
        match tag.kind {
            Kind::Start => depth = depth.saturating_add(1),
            Kind::End => depth = depth.saturating_sub(1),
            Kind::Empty => {}
        }
        if depth == 0 {
            return split(xml, tag.end);
        }
    }
    None
}

fn split(xml: &str, at: usize) -> Option<Point<'_>> {
    xml.split_at_checked(at).map(|(before, after)| Point { before, after, opened: None })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Start,
    Empty,
    End,
}

struct Tag {
    start: usize,
    /// After the `>`.
    end: usize,
    kind: Kind,
}

/// The tags of a well-formed document, in order.
struct Tags<'x> {
    rest: &'x str,
    offset: usize,
}

impl<'x> Tags<'x> {
    fn of(xml: &'x str) -> Tags<'x> {
        Tags { rest: xml, offset: 0 }
    }

    fn advance(&mut self, octets: usize) -> Option<()> {
        self.rest = self.rest.get(octets..)?;
        self.offset = self.offset.saturating_add(octets);
        Some(())
    }

    fn advance_past(&mut self, end: &str) -> Option<()> {
        let at = self.rest.find(end)?;
        self.advance(at.saturating_add(end.len()))
    }
}

impl Iterator for Tags<'_> {
    type Item = Tag;

    fn next(&mut self) -> Option<Tag> {
        loop {
            self.advance(self.rest.find('<')?)?;
            if self.rest.starts_with("<!--") {
                self.advance(4)?;
                self.advance_past("-->")?;
            } else if self.rest.starts_with("<![CDATA[") {
                self.advance_past("]]>")?;
            } else if self.rest.starts_with("<?") {
                self.advance_past("?>")?;
            } else {
                let start = self.offset;
                let tag = self.rest.get(..tag_length(self.rest)?)?;
                self.advance(tag.len())?;
                let kind = match tag {
                    _ if tag.starts_with("</") => Kind::End,
                    _ if tag.ends_with("/>") => Kind::Empty,
                    _ => Kind::Start,
                };
                return Some(Tag { start, end: self.offset, kind });
            }
        }
    }
}

fn tag_length(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, octet) in text.bytes().enumerate() {
        match (quote, octet) {
            (None, b'"' | b'\'') => quote = Some(octet),
            (None, b'>') => return Some(at.saturating_add(1)),
            (Some(open), _) if open == octet => quote = None,
            _ => {}
        }
    }
    None
}
