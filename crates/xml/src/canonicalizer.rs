//! The walk that writes canonical bytes. No recursion, and no step looks back further than a constant.

use std::collections::{BTreeMap, BTreeSet};

use crate::arena::{AttributeRecord, EMPTY, ElementRecord, NONE, NodeKind, Span, XML};
use crate::canonical::{Canonicalization, Rules, Sink};
use crate::canonical_outline::Pieces;
use crate::element::local_part;
use crate::output::Output;
use crate::rendered::Rendered;
use crate::{Document, Element, XmlError, base};

/// The state of one canonicalization.
pub(crate) struct Canonicalizer<'d, 's, S> {
    pub(crate) document: &'d Document,
    pub(crate) method: Canonicalization,
    omitted: u32,
    /// The next element that is written by other means.
    pub(crate) next_piece: u32,
    /// The elements after that one, if any element is.
    pub(crate) pieces: Option<Pieces<'d, 's>>,
    pub(crate) output: Output<'d, 's, S>,
    /// What the output has prefixes bound to at this place.
    pub(crate) rendered: Rendered,
    /// For each prefix whether the `PrefixList` has it; empty if there is no list.
    listed: Vec<bool>,
    /// What elements still open have overwritten in `rendered`. The last ones are what the element at hand declares.
    overwritten: Vec<Overwritten>,
    /// The innermost element whose end tag is still to be written, or none.
    open: u32,
    /// The attributes of the element at hand. Kept for its allocation.
    attributes: Vec<Item<'d>>,
}

#[derive(Clone, Copy)]
struct Overwritten {
    /// The element that declares the prefix anew.
    by: u32,
    prefix: u32,
    /// What the output had it bound to before.
    namespace: u32,
}

struct Item<'d> {
    namespace: u32,
    name: Span,
    local_name: &'d str,
    value: Value,
}

enum Value {
    Written(Span),
    /// What `xml:base` is with those of the ancestors that are left out.
    Joined(String),
}

impl<'d, 's, S: Sink> Canonicalizer<'d, 's, S> {
    pub(crate) fn new(
        apex: Element<'d>,
        method: Canonicalization,
        inclusive_prefixes: &[&str],
        sink: &'s mut S,
    ) -> Self {
        let document = apex.document;
        let output = Output::new(&document.text, sink, document.canonical.bytes);
        Self::to(output, apex, method, inclusive_prefixes)
    }

    pub(crate) fn to(
        output: Output<'d, 's, S>,
        apex: Element<'d>,
        method: Canonicalization,
        inclusive_prefixes: &[&str],
    ) -> Self {
        let document = apex.document;
        let nodes = document.end_of(apex.node).saturating_sub(apex.node);
        let listed = match inclusive_prefixes {
            list if list.is_empty() || !method.is_exclusive() => Vec::new(),
            list => listed(document, list),
        };
        Self {
            document,
            method,
            omitted: NONE,
            next_piece: NONE,
            pieces: None,
            output,
            rendered: Rendered::new(document.prefix_count(), nodes as usize),
            listed,
            // As much as most messages need.
            overwritten: Vec::with_capacity(16),
            open: NONE,
            attributes: Vec::new(),
        }
    }

    /// All text of the document.
    fn text(&self) -> &'d [u8] {
        self.document.text.as_bytes()
    }

    /// Leaves the element out, if it is one of this document.
    pub(crate) fn omit(&mut self, element: Option<Element<'_>>) {
        let element = element.filter(|element| core::ptr::eq(element.document, self.document));
        self.omitted = element.map_or(NONE, |element| element.node);
    }

    /// Writes the nodes beside the root element too, each on its line (Canonical XML 1.0, 2.3).
    pub(crate) fn document(&mut self) -> Result<(), XmlError> {
        let document = self.document;
        let mut node = 0;
        let mut before_root = true;
        while let Some(kind) = document.kind_of(node) {
            match kind {
                NodeKind::Element(_) => {
                    self.nodes_of(Element { document, node }, true)?;
                    before_root = false;
                }
                NodeKind::Comment(_) if !self.method.comments => {}
                leaf => {
                    if !before_root {
                        self.output.bytes(b"\n");
                    }
                    self.leaf(leaf);
                    if before_root {
                        self.output.bytes(b"\n");
                    }
                }
            }
            node = document.end_of(node);
        }
        self.finish(0)
    }

    /// Writes the element and everything in it.
    pub(crate) fn subtree(&mut self, apex: Element<'d>) -> Result<(), XmlError> {
        self.nodes_of(apex, true)?;
        self.finish(apex.source_range().start)
    }

    /// Writes what is left, and says whether everything could be written of what begins at `offset`.
    pub(crate) fn finish(&mut self, offset: usize) -> Result<(), XmlError> {
        self.output.flush();
        if self.output.is_over() { Err(self.document.canonical.refusal(offset)) } else { Ok(()) }
    }

    /// Writes the nodes of the element. It is an apex if its ancestors are left out.
    pub(crate) fn nodes_of(&mut self, top: Element<'d>, is_apex: bool) -> Result<(), XmlError> {
        let document = self.document;
        let end = document.end_of(top.node);
        let mut node = top.node;
        while node < end {
            if self.output.is_over() {
                return Ok(());
            }
            self.close_before(node, top.node);
            if node == self.omitted {
                node = document.end_of(node);
                continue;
            }
            if node == self.next_piece {
                self.piece(node)?;
                node = document.end_of(node);
                continue;
            }
            match document.kind_of(node) {
                Some(NodeKind::Element(_)) => {
                    self.start_tag(Element { document, node }, is_apex && node == top.node);
                }
                Some(leaf) => self.leaf(leaf),
                None => {}
            }
            node = node.saturating_add(1);
        }
        self.close_before(end, top.node);
        Ok(())
    }

    /// Writes the end tags of all open elements that end before the node; the outermost is the apex.
    fn close_before(&mut self, node: u32, apex: u32) {
        let document = self.document;
        while self.open != NONE && document.end_of(self.open) <= node {
            self.close();
            self.open = if self.open == apex { NONE } else { document.parent_of(self.open) };
        }
    }

    /// Writes the end tag of the innermost open element, and undoes what it declared.
    fn close(&mut self) {
        self.end_tag(self.document.element_record(self.open));
        while let Some(&Overwritten { by, prefix, namespace }) = self.overwritten.last()
            && by == self.open
        {
            self.overwritten.pop();
            self.rendered.bind(prefix, namespace);
        }
    }

    fn end_tag(&mut self, record: &ElementRecord) {
        let length = record.name.end.saturating_sub(record.name.start).saturating_add(3);
        let written = Span { start: record.source_end.saturating_sub(length), end: record.source_end };
        // So many bytes before the end begin so only if there is nothing but the name in the tag.
        if written.bytes_of(self.text()).starts_with(b"</") {
            return self.output.span(written);
        }
        self.output.bytes(b"</");
        self.output.bytes(record.name.bytes_of(self.text()));
        self.output.bytes(b">");
    }

    fn start_tag(&mut self, element: Element<'d>, is_apex: bool) {
        let document = self.document;
        let record = document.element_record(element.node);
        let before = self.overwritten.len();
        self.open = element.node;
        match self.method.rules {
            Rules::Exclusive => self.collect_used(element, record, is_apex),
            Rules::Inclusive | Rules::Inclusive11 => self.collect_all(element, is_apex),
        }
        // In the source too `<` stands before the name.
        self.output.span(Span { start: record.name.start.saturating_sub(1), end: record.name.end });
        if self.overwritten.len() > before {
            self.write_declarations(before);
        }
        self.write_attributes(element, record.attributes.of(&document.attributes), is_apex);
        self.output.bytes(b">");
    }

    /// The declarations of the element at hand, which begin at `first`, ordered by prefix.
    fn write_declarations(&mut self, first: usize) {
        let document = self.document;
        let declared = self.overwritten.get_mut(first..).unwrap_or_default();
        declared.sort_unstable_by_key(|declared| document.prefix_name(declared.prefix));
        for &Overwritten { prefix, .. } in &*declared {
            let namespace = self.rendered.of(prefix);
            self.output.bytes(if prefix == EMPTY { b" xmlns" } else { b" xmlns:" });
            self.output.bytes(document.prefix_name(prefix).as_bytes());
            self.output.bytes(b"=\"");
            self.output.attribute_value(document.namespace_name(namespace).as_bytes());
            self.output.bytes(b"\"");
        }
    }

    /// Exclusive XML Canonicalization 1.0, section 3: the namespaces that names of this element use, and those in the
    /// list by the rule of Canonical XML.
    fn collect_used(&mut self, element: Element<'d>, record: &ElementRecord, is_apex: bool) {
        self.collect(record.prefix, record.namespace);
        for attribute in record.attributes.of(&self.document.attributes) {
            if attribute.prefix_length > 0 {
                self.collect(attribute.prefix, attribute.namespace);
            }
        }
        if self.listed.is_empty() {
            return;
        }
        if is_apex {
            for (prefix, namespace) in element.bindings_in_scope() {
                self.collect_listed(prefix, namespace);
            }
        } else {
            for declaration in record.declarations.of(&self.document.declarations) {
                self.collect_listed(declaration.prefix, declaration.namespace);
            }
        }
    }

    /// Canonical XML 1.0 and 1.1, 2.3: every namespace in scope that the output does not have yet.
    fn collect_all(&mut self, element: Element<'d>, is_apex: bool) {
        if is_apex {
            for (prefix, namespace) in element.bindings_in_scope() {
                self.collect(prefix, namespace);
            }
        } else {
            for declaration in self.document.declarations_of(element.node) {
                self.collect(declaration.prefix, declaration.namespace);
            }
        }
    }

    fn collect_listed(&mut self, prefix: u32, namespace: u32) {
        if self.listed.get(prefix as usize) == Some(&true) {
            self.collect(prefix, namespace);
        }
    }

    /// Declares the prefix, unless the output has it bound so already.
    fn collect(&mut self, prefix: u32, namespace: u32) {
        let rendered = self.rendered.of(prefix);
        if prefix != XML && rendered != namespace {
            self.overwritten.push(Overwritten { by: self.open, prefix, namespace: rendered });
            self.rendered.bind(prefix, namespace);
        }
    }

    /// Attributes ordered by namespace name and local name.
    fn write_attributes(&mut self, element: Element<'d>, records: &[AttributeRecord], is_apex: bool) {
        let document = self.document;
        let inherits = is_apex && self.method.rules != Rules::Exclusive;
        if let ([] | [_], false) = (records, inherits) {
            return records.iter().for_each(|record| self.write_attribute(record.name, record.value));
        }
        let mut items = core::mem::take(&mut self.attributes);
        items.clear();
        items.extend(records.iter().map(|record| Item::of(document, record)));
        if inherits {
            inherit(element, self.method.rules, &mut items);
        }
        items.sort_unstable_by(|left, right| {
            let by_namespace = document.compare_namespaces(left.namespace, right.namespace);
            by_namespace.then_with(|| left.local_name.cmp(right.local_name))
        });
        for item in &items {
            match &item.value {
                Value::Written(value) => self.write_attribute(item.name, *value),
                Value::Joined(value) => self.write_pair(item.name, value.as_bytes()),
            }
        }
        self.attributes = items;
    }

    fn write_attribute(&mut self, name: Span, value: Span) {
        // With the space before and the quote behind. A value that stands in the source as it is between these quotes has nothing in
        // it that is escaped.
        let written = Span { start: name.start.saturating_sub(1), end: value.end.saturating_add(1) };
        let is_canonical = value.start == name.end.saturating_add(2)
            && self.text().get(written.start as usize) == Some(&b' ')
            && self.text().get(value.end as usize) == Some(&b'"');
        if is_canonical {
            return self.output.span(written);
        }
        self.write_pair(name, value.bytes_of(self.text()));
    }

    fn write_pair(&mut self, name: Span, value: &[u8]) {
        self.output.bytes(b" ");
        self.output.span(name);
        self.output.bytes(b"=\"");
        self.output.attribute_value(value);
        self.output.bytes(b"\"");
    }

    /// A node that holds no others. No character of comments and instructions is escaped.
    fn leaf(&mut self, kind: NodeKind) {
        match kind {
            NodeKind::Text(text) => self.output.character_data(text),
            NodeKind::Comment(text) if self.method.comments => {
                self.output.bytes(b"<!--");
                self.output.span(text);
                self.output.bytes(b"-->");
            }
            NodeKind::ProcessingInstruction { target, data } => {
                self.output.bytes(b"<?");
                self.output.span(target);
                if !data.is_empty() {
                    self.output.bytes(b" ");
                    self.output.span(data);
                }
                self.output.bytes(b"?>");
            }
            NodeKind::Comment(_) | NodeKind::Element(_) => {}
        }
    }
}

impl<'d> Item<'d> {
    fn of(document: &'d Document, record: &AttributeRecord) -> Self {
        let local_name = local_part(record.name.of(&document.text), record.prefix_length);
        Self {
            namespace: record.namespace,
            name: record.name,
            local_name,
            value: Value::Written(record.value),
        }
    }

    fn value(&self, document: &'d Document) -> &str {
        match &self.value {
            Value::Written(span) => span.of(&document.text),
            Value::Joined(value) => value,
        }
    }
}

/// For each prefix of the document whether the list has it. Long lists are sorted, so that nothing is list times prefixes.
fn listed(document: &Document, list: &[&str]) -> Vec<bool> {
    const FEW: usize = 8;
    fn written<'p>(prefix: &&'p str) -> &'p str {
        if *prefix == "#default" { "" } else { prefix }
    }
    let names = (0..).take(document.prefix_count()).map(|prefix| document.prefix_name(prefix));
    if list.len() <= FEW {
        return names.map(|name| list.iter().map(written).any(|listed| listed == name)).collect();
    }
    let sorted: BTreeSet<&str> = list.iter().map(written).collect();
    names.map(|name| sorted.contains(name)).collect()
}

/// Adds what an element whose parent is left out takes over from its ancestors.
///
/// Canonical XML 1.0, 2.4: every `xml:` attribute. 1.1, 2.4: `xml:lang` and `xml:space`; the values of `xml:base` are
/// joined; `xml:id` stays where it is.
fn inherit<'d>(element: Element<'d>, rules: Rules, items: &mut Vec<Item<'d>>) {
    let document = element.document;
    let own: BTreeSet<&str> =
        items.iter().filter(|item| item.namespace == XML).map(|item| item.local_name).collect();
    let mut inherited: BTreeMap<&str, Item<'d>> = BTreeMap::new();
    let mut bases = Vec::new();
    for ancestor in core::iter::successors(element.parent(), |element| element.parent()) {
        for record in ancestor.attribute_records().iter().filter(|record| record.namespace == XML) {
            let item = Item::of(document, record);
            match (rules, item.local_name) {
                (Rules::Inclusive, _) | (_, "lang" | "space") => {
                    inherited.entry(item.local_name).or_insert(item);
                }
                (_, "base") => bases.push(item),
                _ => {}
            }
        }
    }
    items.extend(inherited.into_values().filter(|item| !own.contains(item.local_name)));
    if let Some(nearest) = bases.first() {
        let name = nearest.name;
        let own = items.iter().position(|item| item.namespace == XML && item.local_name == "base");
        let own = own.map(|position| items.swap_remove(position));
        let inner_to_outer = own.iter().chain(&bases).map(|item| item.value(document));
        if let Some(value) = base::join_all(inner_to_outer).filter(|value| !value.is_empty()) {
            items.push(Item { namespace: XML, name, local_name: "base", value: Value::Joined(value) });
        }
    }
}
