//! The tree: one owned, read-only value.

use core::cmp::Ordering;
use core::fmt;
use std::sync::OnceLock;

use crate::arena::{
    AttributeRecord, Declaration, EMPTY, ElementRecord, InstructionRecord, NONE, NodeKind, NodeRecord, Range,
    Span, XML, index,
};
use crate::{Attribute, Element, Limits, NamespaceScope, XmlError, namespace, parse};

/// A namespace-well-formed document without a DOCTYPE, as a tree. Its signatures are not verified.
///
/// It owns its text and has no lifetime; [`Element`] is a cheap handle into it. It can be shared between threads and
/// cannot be changed.
///
/// ```
/// use vouchsafe_xml::{Document, Limits};
/// let document = Document::parse(br#"<p:a xmlns:p="urn:p" id="1"><p:b>text</p:b></p:a>"#, &Limits::default())?;
/// let root = document.root();
/// assert!(root.is("urn:p", "a"));
/// assert_eq!(root.attribute("id"), Some("1"));
/// assert_eq!(root.elements().next().map(|b| b.text().into_owned()).as_deref(), Some("text"));
/// # Ok::<(), vouchsafe_xml::XmlError>(())
/// ```
pub struct Document {
    /// The source, followed by all text that differs from the source.
    pub(crate) text: String,
    /// The length in bytes of the byte order mark before the source.
    pub(crate) mark: usize,
    /// The nodes in document order.
    pub(crate) nodes: Vec<NodeRecord>,
    pub(crate) elements: Vec<ElementRecord>,
    pub(crate) attributes: Vec<AttributeRecord>,
    pub(crate) declarations: Vec<Declaration>,
    pub(crate) instructions: Vec<InstructionRecord>,
    /// The range of the declarations made outside, which are the first ones.
    pub(crate) outside: Range,
    /// The prefixes with the ids 2 and up.
    pub(crate) prefixes: Vec<Span>,
    /// The namespace names with the ids 2 and up.
    pub(crate) namespaces: Vec<Span>,
    pub(crate) root: u32,
    /// The rank of each namespace name in alphabetical order, computed at the first use.
    pub(crate) ranks: OnceLock<Box<[u32]>>,
    /// The limit for its canonical forms.
    pub(crate) canonical: CanonicalLimit,
}

/// The number of bytes that each canonical form of one document may have.
#[derive(Clone, Copy)]
pub(crate) struct CanonicalLimit {
    pub(crate) bytes: usize,
    /// The factor from which the number was computed.
    pub(crate) factor: usize,
}

impl CanonicalLimit {
    /// Returns the error for a canonical form that is too long. `offset` is where its element, or the document,
    /// begins.
    pub(crate) const fn refusal(self, offset: usize) -> XmlError {
        XmlError::Limit { limit: "canonical_bytes_factor", allowed: self.factor, offset }
    }
}

impl Document {
    /// Parses a document.
    ///
    /// # Errors
    /// An error is returned if the input is not namespace-well-formed XML 1.0 (Fifth Edition) in UTF-8 without a
    /// DOCTYPE, or exceeds a limit.
    pub fn parse(input: &[u8], limits: &Limits) -> Result<Self, XmlError> {
        parse::parse(input, None, limits)
    }

    /// Parses one element, which may have only white space around it. Its prefixes may be declared outside, in
    /// `scope`. It is for decrypted content, with the scope of the place where it was encrypted.
    ///
    /// Inclusive canonicalization treats those bindings as declared by an ancestor.
    ///
    /// # Errors
    /// As for [`parse`](Self::parse), and for a declaration, comments or instructions outside the element.
    pub fn parse_in_scope(input: &[u8], scope: &NamespaceScope, limits: &Limits) -> Result<Self, XmlError> {
        parse::parse(input, Some(scope), limits)
    }

    /// Returns the root element.
    pub const fn root(&self) -> Element<'_> {
        Element { document: self, node: self.root }
    }

    /// Returns the element at a position such as `/*/*[1]/*[2]`: each step counts child elements from 1, and a step
    /// without a number selects the first.
    pub fn at(&self, position: &str) -> Option<Element<'_>> {
        let mut steps = position.strip_prefix('/')?.split('/').map(step);
        let mut element = match steps.next()?? {
            1 => self.root(),
            _ => return None,
        };
        for step in steps {
            element = element.elements().nth(step?.checked_sub(1)?)?;
        }
        Some(element)
    }

    /// Checks that a total of canonical bytes is not larger than one canonical form of this document may be. It is
    /// for callers that canonicalize many of its elements and keep the results.
    ///
    /// ```
    /// use vouchsafe_xml::{Document, Limits};
    /// let document = Document::parse(b"<a/>", &Limits::default().with_canonical_bytes_extra(10))?;
    /// assert!(document.allows_canonical_bytes(26).is_ok());
    /// assert_eq!(document.allows_canonical_bytes(27).unwrap_err().code(), "xml.limit");
    /// # Ok::<(), vouchsafe_xml::XmlError>(())
    /// ```
    ///
    /// # Errors
    /// [`XmlError::Limit`] with [`Limits::canonical_bytes_factor`].
    pub const fn allows_canonical_bytes(&self, total: usize) -> Result<(), XmlError> {
        if total > self.canonical.bytes { Err(self.canonical.refusal(0)) } else { Ok(()) }
    }

    /// Returns all elements in document order.
    pub fn elements(&self) -> impl Iterator<Item = Element<'_>> {
        self.root().descendants()
    }

    /// Returns the attributes of all elements in document order, without namespace declarations.
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'_>> {
        self.attributes.iter().map(|record| Attribute::of(self, record))
    }

    /// Returns all [`attributes`](Self::attributes) that have this value.
    pub fn attributes_with_value(&self, value: &str) -> impl Iterator<Item = Attribute<'_>> {
        let is_it = move |record: &&AttributeRecord| {
            record.value.len() == value.len() && record.value.of(&self.text) == value
        };
        self.attributes.iter().filter(is_it).map(|record| Attribute::of(self, record))
    }

    pub(crate) fn element_record(&self, node: u32) -> &ElementRecord {
        /// The record for an index that is not an element: it is empty.
        static NOTHING: ElementRecord = ElementRecord {
            name: Span { start: 0, end: 0 },
            prefix_length: 0,
            prefix: 0,
            namespace: 0,
            attributes: Range { start: 0, end: 0 },
            declarations: Range { start: 0, end: 0 },
            source_end: 0,
        };
        match self.kind_of(node) {
            Some(NodeKind::Element(element)) => self.elements.get(element as usize).unwrap_or(&NOTHING),
            _ => &NOTHING,
        }
    }

    /// Returns a processing instruction. That of an index that is not in use is empty.
    pub(crate) fn instruction(&self, index: u32) -> InstructionRecord {
        self.instructions.get(index as usize).copied().unwrap_or_default()
    }

    pub(crate) fn kind_of(&self, node: u32) -> Option<NodeKind> {
        self.nodes.get(node as usize).map(|record| record.kind)
    }

    /// Returns the index after the node's last descendant.
    pub(crate) fn end_of(&self, node: u32) -> u32 {
        self.nodes.get(node as usize).map_or(NONE, |record| record.end)
    }

    pub(crate) fn parent_of(&self, node: u32) -> u32 {
        self.nodes.get(node as usize).map_or(NONE, |record| record.parent)
    }

    /// Returns the declarations on the node, or those made outside if there is no node.
    pub(crate) fn declarations_of(&self, node: u32) -> &[Declaration] {
        let range = if node == NONE { self.outside } else { self.element_record(node).declarations };
        range.of(&self.declarations)
    }

    pub(crate) fn prefix_name(&self, prefix: u32) -> &str {
        match prefix.checked_sub(2) {
            Some(rest) => self.prefixes.get(rest as usize).map_or("", |span| span.of(&self.text)),
            None if prefix == XML => "xml",
            None => "",
        }
    }

    pub(crate) fn namespace_name(&self, id: u32) -> &str {
        match id.checked_sub(2) {
            Some(rest) => self.namespaces.get(rest as usize).map_or("", |span| span.of(&self.text)),
            None if id == XML => namespace::XML,
            None => "",
        }
    }

    /// Returns whether the namespace with this id has that name.
    #[inline]
    pub(crate) fn is_namespace(&self, id: u32, name: &str) -> bool {
        if name.is_empty() || id == EMPTY {
            return name.is_empty() && id == EMPTY;
        }
        self.namespace_name(id) == name
    }

    /// Returns the largest id of a prefix plus one.
    pub(crate) fn prefix_count(&self) -> usize {
        self.prefixes.len().saturating_add(2)
    }

    /// Compares two namespace names by their characters, in constant time after the first call.
    pub(crate) fn compare_namespaces(&self, left: u32, right: u32) -> Ordering {
        if left == right {
            return Ordering::Equal;
        }
        let ranks = self.ranks.get_or_init(|| self.rank_namespaces());
        ranks.get(left as usize).cmp(&ranks.get(right as usize))
    }

    fn rank_namespaces(&self) -> Box<[u32]> {
        let count = index(self.namespaces.len().saturating_add(2));
        let mut order: Vec<u32> = (0..count).collect();
        order.sort_unstable_by_key(|&id| self.namespace_name(id));
        let mut ranks = vec![0; order.len()].into_boxed_slice();
        for (rank, id) in (0..).zip(order) {
            if let Some(slot) = ranks.get_mut(id as usize) {
                *slot = rank;
            }
        }
        ranks
    }
}

impl fmt::Debug for Document {
    /// Shows no content: messages contain personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document")
            .field("root", &self.root().qualified_name())
            .field("nodes", &self.nodes.len())
            .finish_non_exhaustive()
    }
}

/// Returns the number in `*[2]`, or 1 for `*`.
fn step(text: &str) -> Option<usize> {
    let number = text.strip_prefix('*')?;
    if number.is_empty() {
        return Some(1);
    }
    number.strip_prefix('[')?.strip_suffix(']')?.parse().ok()
}
