//! Handles into a document.

use core::fmt;
use core::ops::Range;
use std::borrow::Cow;
use std::collections::HashSet;

use crate::arena::{AttributeRecord, NONE, NodeKind, Span};
use crate::{Document, NamespaceScope};

/// An element of a [`Document`]: two words, copied freely. Equal if it is the same element of the same document.
#[derive(Clone, Copy)]
pub struct Element<'d> {
    pub(crate) document: &'d Document,
    pub(crate) node: u32,
}

/// An attribute that is not a namespace declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attribute<'d> {
    /// The namespace name, empty for none.
    pub namespace: &'d str,
    /// The prefix as written, empty for none.
    pub prefix: &'d str,
    /// The name without prefix.
    pub local_name: &'d str,
    /// The normalised value (XML 1.0, 3.3.3).
    pub value: &'d str,
}

/// A child of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Node<'d> {
    /// An element.
    Element(Element<'d>),
    /// Characters up to the next element, comment or instruction, references and CDATA sections resolved.
    Text(&'d str),
    /// What a comment holds.
    Comment(&'d str),
    /// A processing instruction.
    #[non_exhaustive]
    ProcessingInstruction {
        /// Whom it is for.
        target: &'d str,
        /// What it says, empty if nothing.
        data: &'d str,
    },
}

impl<'d> Element<'d> {
    /// The document it belongs to.
    pub const fn document(self) -> &'d Document {
        self.document
    }

    /// The namespace name, empty for none.
    pub fn namespace(self) -> &'d str {
        self.document.namespace_name(self.document.element_record(self.node).namespace)
    }

    /// The name without prefix.
    pub fn local_name(self) -> &'d str {
        let record = self.document.element_record(self.node);
        local_part(record.name.of(&self.document.text), record.prefix_length)
    }

    /// The prefix as written, empty for none.
    pub fn prefix(self) -> &'d str {
        prefix_part(self.qualified_name(), self.document.element_record(self.node).prefix_length)
    }

    /// The name as written, `prefix:local`.
    pub fn qualified_name(self) -> &'d str {
        self.document.element_record(self.node).name.of(&self.document.text)
    }

    /// Whether it has this expanded name.
    #[inline]
    pub fn is(self, namespace: &str, local_name: &str) -> bool {
        let record = self.document.element_record(self.node);
        has_local_name(&self.document.text, record.name, record.prefix_length, local_name)
            && self.document.is_namespace(record.namespace, namespace)
    }

    /// The element it is in.
    pub fn parent(self) -> Option<Self> {
        let node = self.document.parent_of(self.node);
        (node != NONE).then_some(Self { document: self.document, node })
    }

    /// Its children in order.
    pub fn children(self) -> impl Iterator<Item = Node<'d>> + use<'d> {
        let document = self.document;
        self.child_nodes().filter_map(move |node| Node::at(document, node))
    }

    /// Its children that are elements, in order.
    pub fn elements(self) -> impl Iterator<Item = Self> + use<'d> {
        let document = self.document;
        self.child_nodes()
            .filter(move |&node| is_element(document, node))
            .map(move |node| Self { document, node })
    }

    /// Itself and all elements in it, in document order.
    pub fn descendants(self) -> impl Iterator<Item = Self> + use<'d> {
        let document = self.document;
        (self.node..document.end_of(self.node))
            .filter(move |&node| is_element(document, node))
            .map(move |node| Self { document, node })
    }

    /// Its attributes in the order written, without namespace declarations.
    pub fn attributes(self) -> impl Iterator<Item = Attribute<'d>> + use<'d> {
        let document = self.document;
        self.attribute_records().iter().map(move |record| Attribute::of(document, record))
    }

    /// The value of the attribute with this name and no namespace.
    #[inline]
    pub fn attribute(self, local_name: &str) -> Option<&'d str> {
        self.attribute_in("", local_name)
    }

    /// The value of the attribute with this expanded name.
    #[inline]
    pub fn attribute_in(self, namespace: &str, local_name: &str) -> Option<&'d str> {
        let document = self.document;
        let record = self.attribute_records().iter().find(|record| {
            has_local_name(&document.text, record.name, record.prefix_length, local_name)
                && document.is_namespace(record.namespace, namespace)
        })?;
        Some(record.value.of(&document.text))
    }

    /// All text directly in it. Comments and instructions never split it, and text of elements in it is left out.
    pub fn text(self) -> Cow<'d, str> {
        let mut all = Cow::Borrowed("");
        for child in self.children() {
            if let Node::Text(text) = child {
                if all.is_empty() {
                    all = Cow::Borrowed(text);
                } else {
                    all.to_mut().push_str(text);
                }
            }
        }
        all
    }

    /// What the prefix, empty for the default namespace, is bound to here. A default namespace that is absent or
    /// undeclared is `None`. Walks over the declarations around the element.
    pub fn namespace_of(self, prefix: &str) -> Option<&'d str> {
        if prefix == "xml" {
            return Some(crate::namespace::XML);
        }
        let document = self.document;
        let declaration = self.declaring_nodes().find_map(|node| {
            let declarations = document.declarations_of(node);
            declarations.iter().find(|declaration| document.prefix_name(declaration.prefix) == prefix)
        })?;
        Some(document.namespace_name(declaration.namespace)).filter(|name| !name.is_empty())
    }

    /// The namespace declarations on it, in the order written: prefix, empty for the default namespace, and namespace name, empty where
    /// the default namespace is undeclared.
    pub fn declarations(self) -> impl Iterator<Item = (&'d str, &'d str)> + use<'d> {
        let document = self.document;
        document.declarations_of(self.node).iter().map(move |declaration| {
            (document.prefix_name(declaration.prefix), document.namespace_name(declaration.namespace))
        })
    }

    /// All bindings in scope, to take with what is read in its place.
    pub fn scope(self) -> NamespaceScope {
        let document = self.document;
        let bindings = self.bindings_in_scope().map(|(prefix, namespace)| {
            (document.prefix_name(prefix).to_owned(), document.namespace_name(namespace).to_owned())
        });
        NamespaceScope::from_declared(bindings.collect())
    }

    /// The path that [`Document::at`] takes, such as `/*/*[2]`.
    pub fn position(self) -> String {
        let mut steps = Vec::new();
        let mut element = self;
        while let Some(parent) = element.parent() {
            let before = parent.elements().take_while(|&sibling| sibling != element).count();
            steps.push(before.saturating_add(1));
            element = parent;
        }
        let mut path = String::from("/*");
        for step in steps.iter().rev() {
            path.push_str("/*[");
            path.push_str(&step.to_string());
            path.push(']');
        }
        path
    }

    /// How many elements it is in: 0 for the root.
    pub fn depth(self) -> usize {
        core::iter::successors(self.parent(), |element| element.parent()).count()
    }

    /// Where it stands in the input that the document was parsed from: the bytes from its `<` to behind its last `>`.
    pub fn source_range(self) -> Range<usize> {
        let record = self.document.element_record(self.node);
        let mark = self.document.mark;
        let start = (record.name.start as usize).saturating_sub(1).saturating_add(mark);
        start..(record.source_end as usize).saturating_add(mark)
    }

    /// Whether `other` is this element or inside it.
    pub fn contains(self, other: Element<'_>) -> bool {
        core::ptr::eq(self.document, other.document)
            && (self.node..self.document.end_of(self.node)).contains(&other.node)
    }

    /// The ids of prefixes and namespaces in scope, without `xml` and without an undeclared default namespace.
    pub(crate) fn bindings_in_scope(self) -> impl Iterator<Item = (u32, u32)> + use<'d> {
        let document = self.document;
        let mut seen = Seen::default();
        self.declaring_nodes()
            .flat_map(|node| document.declarations_of(node))
            .filter(move |declaration| seen.is_new(declaration.prefix))
            .map(|declaration| (declaration.prefix, declaration.namespace))
            .filter(|&(prefix, namespace)| prefix != crate::arena::XML && namespace != crate::arena::EMPTY)
    }

    pub(crate) fn attribute_records(self) -> &'d [AttributeRecord] {
        self.document.element_record(self.node).attributes.of(&self.document.attributes)
    }

    /// The element, its ancestors, and the outside, which is no node.
    fn declaring_nodes(self) -> impl Iterator<Item = u32> + use<'d> {
        let document = self.document;
        core::iter::successors(Some(self.node), move |&node| (node != NONE).then(|| document.parent_of(node)))
    }

    fn child_nodes(self) -> impl Iterator<Item = u32> + use<'d> {
        let document = self.document;
        let end = document.end_of(self.node);
        let mut next = self.node.saturating_add(1);
        core::iter::from_fn(move || {
            let node = next;
            (node < end).then(|| {
                next = document.end_of(node);
                node
            })
        })
    }
}

/// The prefixes that were met: a set that takes what there is in scope, however many the document has.
#[derive(Default)]
struct Seen {
    /// A bit for each of the first 64, which most documents do not reach.
    first: u64,
    others: HashSet<u32>,
}

impl Seen {
    /// Whether it is met for the first time.
    fn is_new(&mut self, prefix: u32) -> bool {
        match 1_u64.checked_shl(prefix) {
            Some(bit) => {
                let before = self.first;
                self.first |= bit;
                before & bit == 0
            }
            None => self.others.insert(prefix),
        }
    }
}

impl<'d> Node<'d> {
    pub(crate) fn at(document: &'d Document, node: u32) -> Option<Self> {
        let text = &document.text;
        Some(match document.kind_of(node)? {
            NodeKind::Element(_) => Self::Element(Element { document, node }),
            NodeKind::Text(span) => Self::Text(span.of(text)),
            NodeKind::Comment(span) => Self::Comment(span.of(text)),
            NodeKind::ProcessingInstruction { target, data } => {
                Self::ProcessingInstruction { target: target.of(text), data: data.of(text) }
            }
        })
    }
}

impl<'d> Attribute<'d> {
    #[inline]
    pub(crate) fn of(document: &'d Document, record: &AttributeRecord) -> Self {
        let name = record.name.of(&document.text);
        Self {
            namespace: document.namespace_name(record.namespace),
            prefix: prefix_part(name, record.prefix_length),
            local_name: local_part(name, record.prefix_length),
            value: record.value.of(&document.text),
        }
    }
}

impl PartialEq for Element<'_> {
    fn eq(&self, other: &Self) -> bool {
        core::ptr::eq(self.document, other.document) && self.node == other.node
    }
}

impl Eq for Element<'_> {}

impl fmt::Debug for Element<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Element")
            .field("namespace", &self.namespace())
            .field("local_name", &self.local_name())
            .field("node", &self.node)
            .finish()
    }
}

fn is_element(document: &Document, node: u32) -> bool {
    matches!(document.kind_of(node), Some(NodeKind::Element(_)))
}

pub(crate) fn prefix_part(name: &str, prefix_length: u32) -> &str {
    name.get(..prefix_length as usize).unwrap_or_default()
}

pub(crate) fn local_part(name: &str, prefix_length: u32) -> &str {
    name.get(before_local_part(prefix_length)..).unwrap_or_default()
}

/// Bytes of the prefix and the colon.
const fn before_local_part(prefix_length: u32) -> usize {
    if prefix_length == 0 { 0 } else { prefix_length.saturating_add(1) as usize }
}

/// Whether the local part of a name is this one. The length decides most of the time.
#[inline]
fn has_local_name(text: &str, name: Span, prefix_length: u32, local_name: &str) -> bool {
    let start = (name.start as usize).saturating_add(before_local_part(prefix_length));
    name.len() == local_name.len().saturating_add(before_local_part(prefix_length))
        && text.as_bytes().get(start..name.end as usize) == Some(local_name.as_bytes())
}
