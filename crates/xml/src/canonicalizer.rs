//! The loop that writes canonical bytes. It does not recurse, and each step takes constant time to look back.

use std::collections::{BTreeMap, BTreeSet};

use crate::arena::{AttributeRecord, EMPTY, ElementRecord, InstructionRecord, NONE, NodeKind, Span, XML};
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
    /// The next element that is written from a piece of the input.
    pub(crate) next_piece: u32,
    /// The elements after that one, if there are any.
    pub(crate) pieces: Option<Pieces<'d, 's>>,
    pub(crate) output: Output<'d, 's, S>,
    /// The namespaces of the prefixes in the output, at the current place.
    pub(crate) rendered: Rendered,
    /// For each prefix, whether the `PrefixList` contains it; empty if there is no list.
    listed: Vec<bool>,
    /// The bindings in `rendered` that open elements have replaced. The last ones are those of the current element.
    overwritten: Vec<Overwritten>,
    /// The innermost element whose end tag has not been written, or [`NONE`].
    open: u32,
    /// The attributes of the current element. The vector is kept to reuse its allocation.
    attributes: Vec<Item<'d>>,
}

#[derive(Clone, Copy)]
struct Overwritten {
    /// The element that declares the prefix again.
    by: u32,
    prefix: u32,
    /// The namespace of the prefix in the output before.
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
    /// The value of `xml:base`, joined with those of the omitted ancestors.
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
            // This is enough for most messages.
            overwritten: Vec::with_capacity(16),
            open: NONE,
            attributes: Vec::new(),
        }
    }

    /// Returns all text of the document.
    fn text(&self) -> &'d [u8] {
        self.document.text.as_bytes()
    }

    /// Omits the element, if it belongs to this document.
    pub(crate) fn omit(&mut self, element: Option<Element<'_>>) {
        let element = element.filter(|element| core::ptr::eq(element.document, self.document));
        self.omitted = element.map_or(NONE, |element| element.node);
    }

    /// Writes the root element and the nodes outside it, each on its own line (Canonical XML 1.0, 2.3).
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

    /// Writes the element with all its content.
    pub(crate) fn subtree(&mut self, apex: Element<'d>) -> Result<(), XmlError> {
        self.nodes_of(apex, true)?;
        self.finish(apex.source_range().start)
    }

    /// Writes all remaining bytes. Returns an error with `offset` if they were more than allowed.
    pub(crate) fn finish(&mut self, offset: usize) -> Result<(), XmlError> {
        self.output.flush();
        if self.output.is_over() { Err(self.document.canonical.refusal(offset)) } else { Ok(()) }
    }

    /// Writes the nodes of the element. It is an apex if its ancestors are omitted.
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

    /// Writes the end tags of all open elements that end before the node. The outermost is the apex.
    fn close_before(&mut self, node: u32, apex: u32) {
        let document = self.document;
        while self.open != NONE && document.end_of(self.open) <= node {
            self.close();
            self.open = if self.open == apex { NONE } else { document.parent_of(self.open) };
        }
    }

    /// Writes the end tag of the innermost open element, and removes its declarations.
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
        // The source has these bytes here only if the tag contains nothing but the name.
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
        // In the source, `<` stands before the name too.
        self.output.span(Span { start: record.name.start.saturating_sub(1), end: record.name.end });
        if self.overwritten.len() > before {
            self.write_declarations(before);
        }
        self.write_attributes(element, record.attributes.of(&document.attributes), is_apex);
        self.output.bytes(b">");
    }

    /// Writes the declarations of the current element, which begin at `first`, ordered by prefix.
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

    /// Collects the namespaces that names of this element use, and those in the list by the rule of Canonical XML
    /// (Exclusive XML Canonicalization 1.0, section 3).
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

    /// Collects every namespace in scope that the output does not have yet (Canonical XML 1.0 and 1.1, 2.3).
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

    /// Declares the prefix, unless the output has the same binding already.
    fn collect(&mut self, prefix: u32, namespace: u32) {
        let rendered = self.rendered.of(prefix);
        if prefix != XML && rendered != namespace {
            self.overwritten.push(Overwritten { by: self.open, prefix, namespace: rendered });
            self.rendered.bind(prefix, namespace);
        }
    }

    /// Writes the attributes ordered by namespace name and local name.
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
        // The run includes the space before the name and the closing quote. If the source has the value unchanged
        // between these quotes, the value contains nothing that must be escaped.
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

    /// Writes a node without children. Comments and instructions are not escaped.
    fn leaf(&mut self, kind: NodeKind) {
        match kind {
            NodeKind::Text(text) => self.output.character_data(text),
            NodeKind::Comment(text) if self.method.comments => {
                self.output.bytes(b"<!--");
                self.output.span(text);
                self.output.bytes(b"-->");
            }
            NodeKind::ProcessingInstruction(index) => {
                let InstructionRecord { target, data } = self.document.instruction(index);
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

/// Returns for each prefix of the document whether the list contains it. Long lists are sorted, so that the cost is
/// not the product of list and prefixes.
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

/// Adds the attributes that an element inherits from its omitted ancestors.
///
/// Canonical XML 1.0, 2.4: all `xml:` attributes. Canonical XML 1.1, 2.4: `xml:lang` and `xml:space`; the values of
/// `xml:base` are joined; `xml:id` is not inherited.
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
