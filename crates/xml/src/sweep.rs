//! This module writes the canonical form of a piece in the same pass that reads it, without a tree.
//!
//! Nearly all pieces of a large document have a plain spelling: names in ASCII, values in double quotes, no other
//! references than `&amp;`, `&lt;` and `&gt;` in text, and no comments, sections or instructions. These are checked
//! and written here. A piece with another spelling, over a limit, or not well-formed is left to the parser and the
//! canonicalizer, which report the error.

mod bindings;
mod place;

use core::cmp::Ordering;

use memchr::memchr;

use self::bindings::{Bindings, MOST, Strings, bound, set};
use self::place::{Item, NotPlain, Place};
use crate::arena::{EMPTY, XML};
use crate::canonical::{Canonicalization, Rules};
use crate::{Limits, names, namespace, scope};

/// Reads pieces of one document and writes their canonical form by one method.
#[derive(Debug)]
pub(crate) struct Sweep {
    rules: Rules,
    /// The `PrefixList` of an exclusive method. The empty string is the default namespace.
    listed: Vec<String>,
    prefixes: Strings,
    namespaces: Strings,
    /// The bindings around the pieces; `None` if there are too many.
    outside: Option<Bindings>,
    /// The bindings at the current place.
    here: Bindings,
    /// The number of declarations in scope, including hidden ones.
    in_scope: usize,
    open: Vec<Open>,
    /// The bindings of prefixes that open elements have replaced.
    hidden: Vec<(u32, u32)>,
    /// The same for the output.
    overwritten: Vec<(u32, u32)>,
    attributes: Vec<Item>,
    output: Vec<u8>,
}

#[derive(Debug)]
struct Open {
    name_start: usize,
    name_end: usize,
    hidden: usize,
    overwritten: usize,
    in_scope: usize,
}

impl Sweep {
    pub(crate) fn new(method: Canonicalization, inclusive_prefixes: &[&str]) -> Sweep {
        let list = if method.is_exclusive() { inclusive_prefixes } else { &[] };
        let written =
            |prefix: &&str| if *prefix == "#default" { String::new() } else { (*prefix).to_owned() };
        Sweep {
            rules: method.rules,
            listed: list.iter().map(written).collect(),
            prefixes: Strings::new("xml"),
            namespaces: Strings::new(namespace::XML),
            outside: None,
            here: Bindings::default(),
            in_scope: 0,
            open: Vec::new(),
            hidden: Vec::new(),
            overwritten: Vec::new(),
            attributes: Vec::new(),
            output: Vec::new(),
        }
    }

    /// Sets the bindings around the pieces that follow, in the document and in the output.
    pub(crate) fn surround<'t>(
        &mut self,
        source: impl Iterator<Item = (&'t str, &'t str)>,
        output: impl Iterator<Item = (&'t str, &'t str)>,
    ) {
        (self.prefixes, self.namespaces) = (Strings::new("xml"), Strings::new(namespace::XML));
        self.outside = self.bindings(source, output);
    }

    fn bindings<'t>(
        &mut self,
        source: impl Iterator<Item = (&'t str, &'t str)>,
        output: impl Iterator<Item = (&'t str, &'t str)>,
    ) -> Option<Bindings> {
        let places = MOST.saturating_add(2);
        let mut bindings = Bindings { source: vec![EMPTY; places], output: vec![EMPTY; places], count: 0 };
        for (prefix, name) in source {
            *bindings.source.get_mut(self.prefixes.id(prefix)? as usize)? = self.plain_namespace(name)?;
            bindings.count = bindings.count.saturating_add(1);
        }
        for (prefix, name) in output {
            *bindings.output.get_mut(self.prefixes.id(prefix)? as usize)? = self.plain_namespace(name)?;
        }
        Some(bindings)
    }

    /// Returns the id of a namespace name that needs no escape.
    fn plain_namespace(&mut self, name: &str) -> Option<u32> {
        let is_plain = name.bytes().all(|byte| byte >= b' ' && !matches!(byte, b'&' | b'<' | b'"'));
        if is_plain { self.namespaces.id(name) } else { None }
    }

    /// Returns the canonical form of the piece, if it has a plain spelling and is within the limits.
    pub(crate) fn write(&mut self, piece: &[u8], limits: &Limits) -> Option<&[u8]> {
        let text = core::str::from_utf8(piece).ok()?;
        let may_be_plain = piece.len() <= limits.input_bytes
            && piece.first() == Some(&b'<')
            && memchr(b'\r', piece).is_none()
            && names::first_illegal(text).is_none();
        if !may_be_plain {
            return None;
        }
        self.here.clone_from(self.outside.as_ref()?);
        self.in_scope = self.here.count;
        self.open.clear();
        self.hidden.clear();
        self.overwritten.clear();
        self.output.clear();
        let mut place = Place { text, bytes: piece, limits, at: 0, pending: 0, nodes: 0 };
        match self.elements(&mut place) {
            Ok(()) => Some(&self.output),
            Err(NotPlain) => None,
        }
    }

    fn elements(&mut self, place: &mut Place<'_, '_>) -> Result<(), NotPlain> {
        loop {
            match place.byte(place.at.saturating_add(1)) {
                Some(b'/') => self.end_tag(place)?,
                _ => self.start_tag(place)?,
            }
            if self.open.is_empty() {
                self.flush(place, place.at);
                return if place.at == place.bytes.len() { Ok(()) } else { Err(NotPlain) };
            }
            place.text()?;
        }
    }

    fn end_tag(&mut self, place: &mut Place<'_, '_>) -> Result<(), NotPlain> {
        let open = self.open.pop().ok_or(NotPlain)?;
        let name = place.between(open.name_start, open.name_end);
        let from = place.at.saturating_add(2);
        let behind = from.saturating_add(name.len());
        if place.between(from, behind) != name {
            return Err(NotPlain);
        }
        let closing = names::skip_white_space(place.bytes, behind);
        if place.byte(closing) != Some(b'>') {
            return Err(NotPlain);
        }
        if closing != behind {
            self.flush(place, behind);
            place.pending = closing;
        }
        place.at = closing.saturating_add(1);
        self.close(&open);
        Ok(())
    }

    /// Removes the declarations of the element.
    fn close(&mut self, open: &Open) {
        for (prefix, namespace) in self.hidden.drain(open.hidden.min(self.hidden.len())..).rev() {
            set(&mut self.here.source, prefix, namespace);
        }
        for (prefix, namespace) in
            self.overwritten.drain(open.overwritten.min(self.overwritten.len())..).rev()
        {
            set(&mut self.here.output, prefix, namespace);
        }
        self.in_scope = open.in_scope;
    }

    fn start_tag(&mut self, place: &mut Place<'_, '_>) -> Result<(), NotPlain> {
        let limits = place.limits;
        let name_start = place.at.saturating_add(1);
        let (name_end, prefix_length) = place.name(name_start)?;
        let open = Open {
            name_start,
            name_end,
            hidden: self.hidden.len(),
            overwritten: self.overwritten.len(),
            in_scope: self.in_scope,
        };
        let (end, is_empty, is_spelled) = self.attributes(place, &open)?;
        place.nodes = place.nodes.saturating_add(1);
        let depth = self.open.len().saturating_add(1);
        if depth > limits.depth || place.nodes > limits.nodes {
            return Err(NotPlain);
        }

        let prefix = self.used_prefix(place.prefix(name_start, prefix_length))?;
        let is_sorted = self.resolve_attributes(place)?;
        self.collect(place, prefix, &open)?;
        if !is_spelled || !is_sorted || self.overwritten.len() > open.overwritten {
            self.flush(place, name_end);
            self.write_declarations(open.overwritten);
            for item in &self.attributes {
                self.output.push(b' ');
                self.output.extend_from_slice(place.between(item.start, item.end));
            }
            if is_empty {
                self.write_end(place, &open);
                place.pending = end;
            } else {
                place.pending = end.saturating_sub(1);
            }
        } else if is_empty {
            self.flush(place, end.saturating_sub(2));
            self.write_end(place, &open);
            place.pending = end;
        }
        place.at = end;
        if is_empty {
            self.close(&open);
        } else {
            self.open.push(open);
        }
        Ok(())
    }

    /// Writes the end of the start tag of an empty element, and its end tag.
    fn write_end(&mut self, place: &Place<'_, '_>, open: &Open) {
        self.output.extend_from_slice(b"></");
        self.output.extend_from_slice(place.between(open.name_start, open.name_end));
        self.output.push(b'>');
    }

    /// Reads the attributes and declarations of the tag. Returns where it ends, whether it ends with `/>`, and
    /// whether it has no declarations and only single spaces.
    fn attributes(&mut self, place: &Place<'_, '_>, open: &Open) -> Result<(usize, bool, bool), NotPlain> {
        self.attributes.clear();
        let mut at = open.name_end;
        let mut is_spelled = true;
        loop {
            match (place.byte(at), place.byte(at.saturating_add(1))) {
                (Some(b'>'), _) => return Ok((at.saturating_add(1), false, is_spelled)),
                (Some(b'/'), Some(b'>')) => return Ok((at.saturating_add(2), true, is_spelled)),
                _ => {}
            }
            let next = names::skip_white_space(place.bytes, at);
            if next == at {
                return Err(NotPlain);
            }
            is_spelled &= next == at.saturating_add(1) && place.byte(at) == Some(b' ');
            if matches!(place.byte(next), Some(b'>' | b'/')) {
                is_spelled = false;
                at = next;
                continue;
            }
            let declared = self.hidden.len().saturating_sub(open.hidden);
            if self.attributes.len().saturating_add(declared) >= place.limits.attributes_per_element {
                return Err(NotPlain);
            }
            let item = place.attribute(next)?;
            at = item.end;
            match place.declared(&item) {
                Some(prefix) => {
                    let name = place.words(item.name_end.saturating_add(2), item.end.saturating_sub(1));
                    self.declare(prefix, name, place.limits, open)?;
                    is_spelled = false;
                }
                None => self.attributes.push(item),
            }
        }
    }

    fn declare(&mut self, prefix: &str, name: &str, limits: &Limits, open: &Open) -> Result<(), NotPlain> {
        self.in_scope = self.in_scope.saturating_add(1);
        let is_allowed = name.len() <= limits.name_bytes
            && self.in_scope <= limits.namespaces_in_scope
            && scope::misbound(prefix, name).is_none();
        let ids = (self.prefixes.id(prefix), self.namespaces.id(name));
        let (true, (Some(prefix), Some(namespace))) = (is_allowed, ids) else { return Err(NotPlain) };
        let own = self.hidden.get(open.hidden..).unwrap_or_default();
        if own.iter().any(|(declared, _)| *declared == prefix) {
            return Err(NotPlain);
        }
        let before = set(&mut self.here.source, prefix, namespace);
        self.hidden.push((prefix, before));
        Ok(())
    }

    fn used_prefix(&self, prefix: &str) -> Result<u32, NotPlain> {
        match self.prefixes.known(prefix) {
            Some(id) if id <= XML || bound(&self.here.source, id) != EMPTY => Ok(id),
            _ => Err(NotPlain),
        }
    }

    fn namespace_of(&self, prefix: u32) -> u32 {
        if prefix == XML { XML } else { bound(&self.here.source, prefix) }
    }

    /// Gives the attributes their namespaces and sorts them. Returns whether they were sorted already.
    fn resolve_attributes(&mut self, place: &Place<'_, '_>) -> Result<bool, NotPlain> {
        let mut attributes = core::mem::take(&mut self.attributes);
        for item in attributes.iter_mut().filter(|item| item.prefix_length > 0) {
            let prefix = self.used_prefix(place.prefix(item.start, item.prefix_length))?;
            item.namespace = self.namespace_of(prefix);
        }
        let order = |left: &Item, right: &Item| {
            let by_namespace = match left.namespace == right.namespace {
                true => Ordering::Equal,
                false => self.namespaces.of(left.namespace).cmp(self.namespaces.of(right.namespace)),
            };
            by_namespace.then_with(|| left.compare_names(right, place.bytes))
        };
        let are_ordered =
            |items: &[Item]| items.is_sorted_by(|left, right| order(left, right) == Ordering::Less);
        let is_sorted = are_ordered(&attributes);
        if !is_sorted {
            attributes.sort_unstable_by(order);
            if !are_ordered(&attributes) {
                return Err(NotPlain); // one stands twice
            }
        }
        self.attributes = attributes;
        Ok(is_sorted)
    }

    /// Collects the prefixes that the output must declare on the element (Exclusive XML Canonicalization 1.0, section
    /// 3; Canonical XML 1.0, 2.3).
    fn collect(&mut self, place: &Place<'_, '_>, prefix: u32, open: &Open) -> Result<(), NotPlain> {
        if self.rules != Rules::Exclusive {
            for number in open.hidden..self.hidden.len() {
                self.render(self.hidden.get(number).map_or(XML, |(declared, _)| *declared));
            }
            return Ok(());
        }
        self.render(prefix);
        for number in 0..self.attributes.len() {
            let Some(item) = self.attributes.get(number).filter(|item| item.prefix_length > 0) else {
                continue;
            };
            self.render(self.used_prefix(place.prefix(item.start, item.prefix_length))?);
        }
        if !self.listed.is_empty() {
            for number in open.hidden..self.hidden.len() {
                let declared = self.hidden.get(number).map_or(XML, |(declared, _)| *declared);
                if self.listed.iter().any(|listed| listed == self.prefixes.of(declared)) {
                    self.render(declared);
                }
            }
        }
        Ok(())
    }

    /// Declares the prefix in the output, unless it has the same binding already.
    #[inline]
    fn render(&mut self, prefix: u32) {
        let namespace = bound(&self.here.source, prefix);
        if prefix != XML && bound(&self.here.output, prefix) != namespace {
            let before = set(&mut self.here.output, prefix, namespace);
            self.overwritten.push((prefix, before));
        }
    }

    /// Writes the declarations of the current element, which begin at `first`, ordered by prefix.
    fn write_declarations(&mut self, first: usize) {
        let declared = self.overwritten.get_mut(first..).unwrap_or_default();
        declared.sort_unstable_by_key(|(prefix, _)| self.prefixes.of(*prefix));
        for (prefix, _) in &*declared {
            self.output.extend_from_slice(if *prefix == EMPTY { b" xmlns" } else { b" xmlns:" });
            self.output.extend_from_slice(self.prefixes.of(*prefix).as_bytes());
            self.output.extend_from_slice(b"=\"");
            let namespace = bound(&self.here.output, *prefix);
            self.output.extend_from_slice(self.namespaces.of(namespace).as_bytes());
            self.output.push(b'"');
        }
    }

    /// Copies the pending part of the source, up to this offset.
    fn flush(&mut self, place: &mut Place<'_, '_>, to: usize) {
        self.output.extend_from_slice(place.between(place.pending, to));
        place.pending = to;
    }
}
