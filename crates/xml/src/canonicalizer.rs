//! The walk that writes canonical octets. No recursion, and no step looks back further than a constant.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::arena::{AttributeRecord, EMPTY, ElementRecord, NONE, Span, XML};
use crate::canonical::{Canonicalization, Rules, Sink};
use crate::element::local_part;
use crate::{Document, Element, Node, base};

/// The state of one canonicalization.
pub(crate) struct Canonicalizer<'d, 's, S> {
    document: &'d Document,
    method: Canonicalization,
    omitted: u32,
    sink: &'s mut S,
    /// For each prefix the namespace that the output has it bound to at this place.
    rendered: Vec<u32>,
    /// For each prefix whether the `PrefixList` has it; empty if there is no list.
    listed: Vec<bool>,
    /// What elements still open have overwritten in `rendered`: prefix and earlier namespace. The last ones are what the
    /// element at hand declares.
    overwritten: Vec<(u32, u32)>,
    open: Vec<Open>,
    /// The attributes of the element at hand. Kept for its allocation.
    attributes: Vec<Item<'d>>,
}

/// An element whose end tag is still to be written.
#[derive(Clone, Copy)]
struct Open {
    name: Span,
    end: u32,
    /// The length of `overwritten` before it.
    overwritten: usize,
}

struct Item<'d> {
    namespace: u32,
    name: &'d str,
    local_name: &'d str,
    value: Cow<'d, str>,
}

impl<'d, 's, S: Sink> Canonicalizer<'d, 's, S> {
    pub(crate) fn new(
        document: &'d Document,
        method: Canonicalization,
        inclusive_prefixes: &[&str],
        sink: &'s mut S,
    ) -> Self {
        let count = document.prefix_count();
        let listed = match inclusive_prefixes {
            list if list.is_empty() || !method.is_exclusive() => Vec::new(),
            list => listed(document, list),
        };
        Self {
            document,
            method,
            omitted: NONE,
            sink,
            rendered: vec![EMPTY; count],
            listed,
            // As much as most messages need.
            overwritten: Vec::with_capacity(16),
            open: Vec::with_capacity(16),
            attributes: Vec::with_capacity(8),
        }
    }

    /// Leaves the element out, if it is one of this document.
    pub(crate) fn omit(&mut self, element: Option<Element<'_>>) {
        let element = element.filter(|element| core::ptr::eq(element.document, self.document));
        self.omitted = element.map_or(NONE, |element| element.node);
    }

    /// Writes the nodes beside the root element too, each on its line (Canonical XML 1.0, 2.3).
    pub(crate) fn document(&mut self) {
        let document = self.document;
        let mut node = 0;
        let mut before_root = true;
        while let Some(found) = Node::at(document, node) {
            match found {
                Node::Element(root) => {
                    self.subtree(root);
                    before_root = false;
                }
                Node::Comment(_) if !self.method.comments => {}
                other => {
                    if !before_root {
                        self.sink.write(b"\n");
                    }
                    self.leaf(other);
                    if before_root {
                        self.sink.write(b"\n");
                    }
                }
            }
            node = document.end_of(node);
        }
    }

    /// Writes the element and everything in it.
    pub(crate) fn subtree(&mut self, apex: Element<'d>) {
        let document = self.document;
        let end = document.end_of(apex.node);
        let mut node = apex.node;
        while node < end {
            self.close_before(node);
            if node == self.omitted {
                node = document.end_of(node);
                continue;
            }
            match Node::at(document, node) {
                Some(Node::Element(element)) => self.start_tag(element, node == apex.node),
                Some(other) => self.leaf(other),
                None => {}
            }
            node = node.saturating_add(1);
        }
        self.close_before(end);
    }

    /// Writes the end tags of all open elements that end before the node.
    fn close_before(&mut self, node: u32) {
        while let Some(&open) = self.open.last()
            && open.end <= node
        {
            self.open.pop();
            self.sink.write(b"</");
            self.sink.write(open.name.of(&self.document.text).as_bytes());
            self.sink.write(b">");
            while self.overwritten.len() > open.overwritten {
                let Some((prefix, namespace)) = self.overwritten.pop() else { break };
                if let Some(slot) = self.rendered.get_mut(prefix as usize) {
                    *slot = namespace;
                }
            }
        }
    }

    fn start_tag(&mut self, element: Element<'d>, is_apex: bool) {
        let document = self.document;
        let record = document.element_record(element.node);
        let before = self.overwritten.len();
        self.open.push(Open { name: record.name, end: document.end_of(element.node), overwritten: before });
        match self.method.rules {
            Rules::Exclusive => self.collect_used(element, record, is_apex),
            Rules::Inclusive | Rules::Inclusive11 => self.collect_all(element, is_apex),
        }
        let declared = self.overwritten.get_mut(before..).unwrap_or_default();
        declared.sort_unstable_by_key(|&(prefix, _)| document.prefix_name(prefix));

        self.sink.write(b"<");
        self.sink.write(record.name.of(&document.text).as_bytes());
        for &(prefix, _) in &*declared {
            let namespace = self.rendered.get(prefix as usize).copied().unwrap_or_default();
            self.sink.write(if prefix == EMPTY { b" xmlns" } else { b" xmlns:" });
            self.sink.write(document.prefix_name(prefix).as_bytes());
            self.sink.write(b"=\"");
            write_attribute_value(document.namespace_name(namespace), self.sink);
            self.sink.write(b"\"");
        }
        self.write_attributes(element, record.attributes.of(&document.attributes), is_apex);
        self.sink.write(b">");
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
        let Some(rendered) = self.rendered.get_mut(prefix as usize) else { return };
        if prefix != XML && *rendered != namespace {
            self.overwritten.push((prefix, *rendered));
            *rendered = namespace;
        }
    }

    /// Attributes ordered by namespace name and local name.
    fn write_attributes(&mut self, element: Element<'d>, records: &[AttributeRecord], is_apex: bool) {
        let document = self.document;
        let inherits = is_apex && self.method.rules != Rules::Exclusive;
        if let ([] | [_], false) = (records, inherits) {
            return records.iter().for_each(|record| self.write_attribute(&Item::of(document, record)));
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
            self.write_attribute(item);
        }
        self.attributes = items;
    }

    fn write_attribute(&mut self, item: &Item<'_>) {
        self.sink.write(b" ");
        self.sink.write(item.name.as_bytes());
        self.sink.write(b"=\"");
        write_attribute_value(&item.value, self.sink);
        self.sink.write(b"\"");
    }

    fn leaf(&mut self, node: Node<'_>) {
        match node {
            Node::Text(text) => write_text(text, self.sink),
            Node::Comment(text) if self.method.comments => {
                self.sink.write(b"<!--");
                write_plain(text, self.sink);
                self.sink.write(b"-->");
            }
            Node::ProcessingInstruction { target, data } => {
                self.sink.write(b"<?");
                self.sink.write(target.as_bytes());
                if !data.is_empty() {
                    self.sink.write(b" ");
                    write_plain(data, self.sink);
                }
                self.sink.write(b"?>");
            }
            Node::Comment(_) | Node::Element(_) => {}
        }
    }
}

impl<'d> Item<'d> {
    fn of(document: &'d Document, record: &AttributeRecord) -> Self {
        let name = record.name.of(&document.text);
        let local_name = local_part(name, record.prefix_length);
        let value = Cow::Borrowed(record.value.of(&document.text));
        Self { namespace: record.namespace, name, local_name, value }
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
    let own: Vec<&str> =
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
    items.extend(inherited.into_values().filter(|item| !own.contains(&item.local_name)));
    if let Some(nearest) = bases.first() {
        let name = nearest.name;
        let own = items.iter().position(|item| item.namespace == XML && item.local_name == "base");
        let own = own.map(|position| items.swap_remove(position));
        let inner_to_outer = own.iter().chain(&bases).map(|item| item.value.as_ref());
        if let Some(value) = base::join_all(inner_to_outer).filter(|value| !value.is_empty()) {
            let value = Cow::Owned(value);
            items.push(Item { namespace: XML, name, local_name: "base", value });
        }
    }
}

/// Text (Canonical XML 1.0, 2.3): `&`, `<`, `>` and CR are escaped.
fn write_text<S: Sink>(text: &str, sink: &mut S) {
    let bytes = text.as_bytes();
    // Certificates, ciphertexts and most other text.
    if memchr::memchr3(b'&', b'<', b'>', bytes).or_else(|| memchr::memchr(b'\r', bytes)).is_none() {
        return sink.write(bytes);
    }
    write_escaped(text, sink, |octet| match octet {
        b'&' => Some(b"&amp;"),
        b'<' => Some(b"&lt;"),
        b'>' => Some(b"&gt;"),
        b'\r' => Some(b"&#xD;"),
        _ => None,
    });
}

/// Attribute values (Canonical XML 1.0, 2.3): `&`, `<`, `"`, tab, LF and CR are escaped.
fn write_attribute_value<S: Sink>(value: &str, sink: &mut S) {
    // Without an early exit, so that it becomes vector instructions.
    let plain = value.bytes().fold(true, |plain, octet| {
        plain & (octet >= b' ') & (octet != b'&') & (octet != b'<') & (octet != b'"')
    });
    if plain {
        return sink.write(value.as_bytes());
    }
    write_escaped(value, sink, |octet| match octet {
        b'&' => Some(b"&amp;"),
        b'<' => Some(b"&lt;"),
        b'"' => Some(b"&quot;"),
        b'\t' => Some(b"&#x9;"),
        b'\n' => Some(b"&#xA;"),
        b'\r' => Some(b"&#xD;"),
        _ => None,
    });
}

/// Comments and instructions: no character of theirs is escaped.
fn write_plain<S: Sink>(text: &str, sink: &mut S) {
    sink.write(text.as_bytes());
}

fn write_escaped<S: Sink>(text: &str, sink: &mut S, escape: impl Fn(u8) -> Option<&'static [u8]>) {
    let bytes = text.as_bytes();
    let mut written = 0;
    for (position, &octet) in bytes.iter().enumerate() {
        if let Some(escaped) = escape(octet) {
            sink.write(bytes.get(written..position).unwrap_or_default());
            sink.write(escaped);
            written = position.saturating_add(1);
        }
    }
    sink.write(bytes.get(written..).unwrap_or_default());
}
