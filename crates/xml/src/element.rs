//! Handles into a document: elements, attributes and nodes.

use core::fmt;
use core::ops::Range;
use std::borrow::Cow;
use std::collections::HashSet;

use crate::arena::{AttributeRecord, InstructionRecord, NONE, NodeKind, Span};
use crate::{Document, NamespaceScope};

/// An element of a [`Document`]. It has the size of two words and is `Copy`. Two handles are equal if they refer to
/// the same element of the same document.
#[derive(Clone, Copy)]
pub struct Element<'d> {
    pub(crate) document: &'d Document,
    pub(crate) node: u32,
}

/// An attribute that is not a namespace declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attribute<'d> {
    /// The namespace name; empty if it has none.
    pub namespace: &'d str,
    /// The prefix as written; empty if there is none.
    pub prefix: &'d str,
    /// The name without the prefix.
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
    /// The characters up to the next element, comment or instruction, with references and CDATA sections resolved.
    Text(&'d str),
    /// The text of a comment.
    Comment(&'d str),
    /// A processing instruction.
    #[non_exhaustive]
    ProcessingInstruction {
        /// The target of the instruction.
        target: &'d str,
        /// The data of the instruction; empty if there is none.
        data: &'d str,
    },
}

impl<'d> Element<'d> {
    /// Returns the document that contains the element.
    pub const fn document(self) -> &'d Document {
        self.document
    }

    /// Returns the namespace name; empty if it has none.
    pub fn namespace(self) -> &'d str {
        self.document.namespace_name(self.document.element_record(self.node).namespace)
    }

    /// Returns the name without the prefix.
    pub fn local_name(self) -> &'d str {
        let record = self.document.element_record(self.node);
        local_part(record.name.of(&self.document.text), record.prefix_length)
    }

    /// Returns the prefix as written; empty if there is none.
    pub fn prefix(self) -> &'d str {
        prefix_part(self.qualified_name(), self.document.element_record(self.node).prefix_length)
    }

    /// Returns the name as written, `prefix:local`.
    pub fn qualified_name(self) -> &'d str {
        self.document.element_record(self.node).name.of(&self.document.text)
    }

    /// Returns whether the element has this namespace and local name.
    #[inline]
    pub fn is(self, namespace: &str, local_name: &str) -> bool {
        let record = self.document.element_record(self.node);
        has_local_name(&self.document.text, record.name, record.prefix_length, local_name)
            && self.document.is_namespace(record.namespace, namespace)
    }

    /// Returns the parent element.
    pub fn parent(self) -> Option<Self> {
        let node = self.document.parent_of(self.node);
        (node != NONE).then_some(Self { document: self.document, node })
    }

    /// Returns its children in document order.
    pub fn children(self) -> impl Iterator<Item = Node<'d>> + use<'d> {
        let document = self.document;
        self.child_nodes().filter_map(move |node| Node::at(document, node))
    }

    /// Returns its child elements in document order.
    pub fn elements(self) -> impl Iterator<Item = Self> + use<'d> {
        let document = self.document;
        self.child_nodes()
            .filter(move |&node| is_element(document, node))
            .map(move |node| Self { document, node })
    }

    /// Returns the element itself and all elements in it, in document order.
    pub fn descendants(self) -> impl Iterator<Item = Self> + use<'d> {
        let document = self.document;
        (self.node..document.end_of(self.node))
            .filter(move |&node| is_element(document, node))
            .map(move |node| Self { document, node })
    }

    /// Returns its attributes in the order written, without namespace declarations.
    pub fn attributes(self) -> impl Iterator<Item = Attribute<'d>> + use<'d> {
        let document = self.document;
        self.attribute_records().iter().map(move |record| Attribute::of(document, record))
    }

    /// Returns the value of the attribute with this name and no namespace.
    #[inline]
    pub fn attribute(self, local_name: &str) -> Option<&'d str> {
        self.attribute_in("", local_name)
    }

    /// Returns the value of the attribute with this namespace and local name.
    #[inline]
    pub fn attribute_in(self, namespace: &str, local_name: &str) -> Option<&'d str> {
        let record = self.attribute_record(namespace, local_name)?;
        Some(record.value.of(&self.document.text))
    }

    #[inline]
    fn attribute_record(self, namespace: &str, local_name: &str) -> Option<&'d AttributeRecord> {
        let document = self.document;
        self.attribute_records().iter().find(|record| {
            has_local_name(&document.text, record.name, record.prefix_length, local_name)
                && document.is_namespace(record.namespace, namespace)
        })
    }

    /// Returns the range in the source of the value of the attribute with this name and no namespace. `None` if there is
    /// no such attribute, or if its value is written with references, or with other white space.
    ///
    /// ```
    /// use vouchsafe_xml::{Document, Limits};
    /// let text = "<a x='one' y='1 &amp; 2'/>";
    /// let document = Document::parse(text.as_bytes(), &Limits::default())?;
    /// assert_eq!(document.root().attribute_range("x").map(|range| &text[range]), Some("one"));
    /// assert_eq!(document.root().attribute_range("y"), None);
    /// # Ok::<(), vouchsafe_xml::XmlError>(())
    /// ```
    pub fn attribute_range(self, local_name: &str) -> Option<Range<usize>> {
        let value = self.attribute_record("", local_name)?.value;
        let source = self.source_range();
        let mark = self.document.mark;
        let range = (value.start as usize).saturating_add(mark)..(value.end as usize).saturating_add(mark);
        // Text that differs from the source stands behind the whole source.
        (source.start <= range.start && range.end <= source.end).then_some(range)
    }

    /// Returns all text directly in the element. Comments and instructions never split it, and text of child elements
    /// is left out.
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

    /// Returns the namespace that the prefix is bound to here; the empty prefix is the default namespace. Returns
    /// `None` if the default namespace is absent or undeclared. The time grows with the declarations around the
    /// element.
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

    /// Returns the namespace declarations on the element, in the order written, as prefix and namespace name. The
    /// prefix is empty for the default namespace, and the name is empty where the default namespace is undeclared.
    pub fn declarations(self) -> impl Iterator<Item = (&'d str, &'d str)> + use<'d> {
        let document = self.document;
        document.declarations_of(self.node).iter().map(move |declaration| {
            (document.prefix_name(declaration.prefix), document.namespace_name(declaration.namespace))
        })
    }

    /// Returns all bindings in scope, for parsing a text in the place of this element.
    pub fn scope(self) -> NamespaceScope {
        let document = self.document;
        let bindings = self.bindings_in_scope().map(|(prefix, namespace)| {
            (document.prefix_name(prefix).to_owned(), document.namespace_name(namespace).to_owned())
        });
        NamespaceScope::from_declared(bindings.collect())
    }

    /// Returns the position of the element, such as `/*/*[2]`, as [`Document::at`] accepts it.
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

    /// Returns the number of elements around it: 0 for the root.
    pub fn depth(self) -> usize {
        core::iter::successors(self.parent(), |element| element.parent()).count()
    }

    /// Returns the range of its bytes in the input that the document was parsed from: from its `<` to after its last
    /// `>`.
    pub fn source_range(self) -> Range<usize> {
        let record = self.document.element_record(self.node);
        let mark = self.document.mark;
        let start = (record.name.start as usize).saturating_sub(1).saturating_add(mark);
        start..(record.source_end as usize).saturating_add(mark)
    }

    /// Returns whether `other` is this element or inside it.
    pub fn contains(self, other: Element<'_>) -> bool {
        core::ptr::eq(self.document, other.document)
            && (self.node..self.document.end_of(self.node)).contains(&other.node)
    }

    /// Returns the ids of prefixes and namespaces in scope, without `xml` and without an undeclared default
    /// namespace.
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

    /// Returns the element, its ancestors, and [`NONE`] for the declarations made outside.
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

/// A set of prefixes. Its cost depends on the prefixes in scope, and not on those of the document.
#[derive(Default)]
struct Seen {
    /// One bit for each of the first 64 prefixes. Most documents have fewer.
    first: u64,
    others: HashSet<u32>,
}

impl Seen {
    /// Adds a prefix, and returns whether it was new.
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
            NodeKind::ProcessingInstruction(index) => {
                let InstructionRecord { target, data } = document.instruction(index);
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

/// Returns the length in bytes of the prefix and the colon.
const fn before_local_part(prefix_length: u32) -> usize {
    if prefix_length == 0 { 0 } else { prefix_length.saturating_add(1) as usize }
}

/// Returns whether the local part of a name is this one. In most cases the length decides.
#[inline]
fn has_local_name(text: &str, name: Span, prefix_length: u32, local_name: &str) -> bool {
    let start = (name.start as usize).saturating_add(before_local_part(prefix_length));
    name.len() == local_name.len().saturating_add(before_local_part(prefix_length))
        && text.as_bytes().get(start..name.end as usize) == Some(local_name.as_bytes())
}
