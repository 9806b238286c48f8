//! Start tags: the name, declarations and attributes, read from `<` to `>` in one pass.

use crate::arena::{AttributeRecord, Declaration, EMPTY, ElementRecord, Range, Span, XML, index};
use crate::parse::{Parser, text_of};
use crate::{XmlError, names, reference, scope};

/// The number of attributes up to which each is compared with each other.
const FEW: usize = 12;

/// The error for a tag without `>`.
pub(crate) const UNCLOSED: &str = "a tag is not closed";

/// A start tag that has been read.
pub(crate) struct Tag {
    pub(crate) record: ElementRecord,
    /// The offset after its `>`.
    pub(crate) end: usize,
    /// Whether it ends with `/>`, so that the element ends too.
    pub(crate) is_empty: bool,
}

impl Parser<'_> {
    /// Reads the start tag at `start`, and applies its declarations.
    pub(crate) fn tag(&mut self, start: usize) -> Result<Tag, XmlError> {
        let bytes = self.source.as_bytes();
        let (name, prefix_length) = self.name(start.saturating_add(1), start)?;
        let first_attribute = self.attributes.len();
        let first_declaration = self.declarations.len();

        let mut at = name.end as usize;
        let (end, is_empty) = loop {
            let next = names::skip_white_space(bytes, at);
            match (bytes.get(next), bytes.get(next.saturating_add(1))) {
                (Some(b'>'), _) => break (next.saturating_add(1), false),
                (Some(b'/'), Some(b'>')) => break (next.saturating_add(2), true),
                (None, _) | (Some(b'/'), None) => {
                    return Err(XmlError::Syntax { problem: UNCLOSED, offset: start });
                }
                (Some(b'/'), _) => {
                    return Err(XmlError::Syntax { problem: "“/” is in a tag", offset: next });
                }
                (Some(_), _) if next == at => {
                    let problem = "white space is missing before an attribute";
                    return Err(XmlError::Syntax { problem, offset: next });
                }
                (Some(_), _) => {}
            }
            let found = self.attributes.len().saturating_add(self.declarations.len());
            let found =
                found.saturating_sub(first_attribute).saturating_sub(first_declaration).saturating_add(1);
            self.within("attributes_per_element", found, self.limits.attributes_per_element, start)?;
            at = self.attribute(next, start, first_declaration)?;
        };

        let prefix = self.used_prefix(name, prefix_length, start)?;
        let namespace = self.bound_to(prefix);
        let attributes = Range { start: index(first_attribute), end: index(self.attributes.len()) };
        self.resolve_attributes(attributes, start)?;
        let declarations = Range { start: index(first_declaration), end: index(self.declarations.len()) };
        let (prefix_length, source_end) = (index(prefix_length), index(end));
        let record =
            ElementRecord { name, prefix_length, prefix, namespace, attributes, declarations, source_end };
        Ok(Tag { record, end, is_empty })
    }

    /// Reads `name = "value"` at `at` in the tag at `tag`, whose declarations begin at `first_declaration`, and returns where it ends.
    fn attribute(&mut self, at: usize, tag: usize, first_declaration: usize) -> Result<usize, XmlError> {
        let bytes = self.source.as_bytes();
        let (name, prefix_length) = self.name(at, tag)?;
        let (open, quote) = self.opening_quote(name.end as usize)?;
        let from = open.saturating_add(1);
        let rest = bytes.get(from..).unwrap_or_default();
        // Most values contain no references.
        let first = memchr::memchr3(quote, b'<', b'&', rest);
        let plain = first.and_then(|first| rest.get(first)) == Some(&quote);
        let Some(length) = (if plain { first } else { memchr::memchr(quote, rest) }) else {
            return Err(XmlError::Syntax { problem: "an attribute value is not closed", offset: open });
        };
        let to = from.saturating_add(length);
        let value = self.value(from, to, plain)?;

        let written = name.of(self.source);
        let declared = if written == "xmlns" {
            Some(Span::default())
        } else if prefix_length == 5 && written.starts_with("xmlns:") {
            Some(Span { start: name.start.saturating_add(6), end: name.end })
        } else {
            None
        };
        if let Some(prefix) = declared {
            self.declare(prefix, value, at)?;
            self.refuse_redeclared(first_declaration, tag)?;
        } else {
            let prefix_length = index(prefix_length);
            self.attributes.push(AttributeRecord {
                name,
                prefix_length,
                prefix: EMPTY,
                namespace: EMPTY,
                value,
            });
        }
        Ok(to.saturating_add(1))
    }

    /// Returns the offset of the opening quote of a value, after the `=` that follows a name, and the quote itself.
    fn opening_quote(&self, at: usize) -> Result<(usize, u8), XmlError> {
        let bytes = self.source.as_bytes();
        // This is the usual case.
        if let Some([b'=', b'"', ..]) = bytes.get(at..) {
            return Ok((at.saturating_add(1), b'"'));
        }
        let equals = names::skip_white_space(bytes, at);
        if bytes.get(equals) != Some(&b'=') {
            return Err(XmlError::Syntax { problem: "an attribute has no “=”", offset: equals });
        }
        let open = names::skip_white_space(bytes, equals.saturating_add(1));
        match bytes.get(open) {
            Some(&quote @ (b'"' | b'\'')) => Ok((open, quote)),
            _ => Err(XmlError::Syntax { problem: "an attribute value is not quoted", offset: open }),
        }
    }

    /// Refuses a declaration that hides another one of the same element. Those of the element begin at `first`.
    fn refuse_redeclared(&self, first: usize, offset: usize) -> Result<(), XmlError> {
        match self.declarations.get(first..).and_then(<[_]>::last) {
            Some(last) if last.hidden as usize > first => {
                let prefix = match last.prefix.checked_sub(2) {
                    Some(rest) => {
                        self.prefixes.spans.get(rest as usize).map_or("", |&span| self.text_of(span))
                    }
                    None if last.prefix == XML => "xml",
                    None => "",
                };
                let name = if prefix.is_empty() { "xmlns".into() } else { format!("xmlns:{prefix}") };
                Err(XmlError::DuplicateAttribute { name, offset })
            }
            _ => Ok(()),
        }
    }

    /// Reads the name at `at` in the tag at `tag`. Returns its span and the length of its prefix.
    #[inline]
    fn name(&self, at: usize, tag: usize) -> Result<(Span, usize), XmlError> {
        let rest = self.source.as_bytes().get(at..).unwrap_or_default();
        match names::leading_name(rest) {
            Some((length, prefix_length)) if length <= self.limits.name_bytes => {
                Ok((Span::new(at, at.saturating_add(length)), prefix_length))
            }
            _ => self.other_name(at, tag),
        }
    }

    /// Reads a name that is not in ASCII, or refuses one that is too long or not valid.
    #[cold]
    fn other_name(&self, at: usize, tag: usize) -> Result<(Span, usize), XmlError> {
        let rest = self.source.as_bytes().get(at..).unwrap_or_default();
        if rest.is_empty() {
            return Err(XmlError::Syntax { problem: UNCLOSED, offset: tag });
        }
        let length = rest.iter().position(|&byte| names::ends_name(byte)).unwrap_or(rest.len());
        self.within("name_bytes", length, self.limits.name_bytes, at)?;
        let span = Span::new(at, at.saturating_add(length));
        let name = span.of(self.source);
        match names::prefix_length(name) {
            Ok(prefix_length) => Ok((span, prefix_length)),
            Err(names::NotAName) => Err(XmlError::Name { name: name.into(), offset: at }),
        }
    }

    /// Returns the attribute value with references resolved and white space normalised (XML 1.0, 3.3.3). A plain
    /// value has neither `<` nor references.
    fn value(&mut self, start: usize, end: usize, plain: bool) -> Result<Span, XmlError> {
        self.within("value_bytes", end.saturating_sub(start), self.limits.value_bytes, start)?;
        let raw = self.between(start, end);
        // There is no early exit, so that the compiler can use vector instructions. Controls other than white space
        // are refused before.
        if plain && raw.bytes().fold(true, |plain, byte| plain & (byte >= b' ')) {
            return Ok(Span::new(start, end));
        }
        let beside = self.side.len();
        reference::attribute_value(raw, start, &mut self.side)?;
        Ok(self.beside_from(beside))
    }

    /// Applies a declaration.
    pub(crate) fn declare(&mut self, prefix: Span, name: Span, offset: usize) -> Result<(), XmlError> {
        let (source, side) = (self.source, self.side.as_str());
        let text = |span| text_of(source, side, span);
        let (written, bound) = (text(prefix), text(name));
        self.within("name_bytes", bound.len(), self.limits.name_bytes, offset)?;
        if let Some(problem) = scope::misbound(written, bound) {
            return Err(XmlError::Namespace {
                prefix: written.into(),
                namespace: bound.into(),
                problem,
                offset,
            });
        }
        self.in_scope = self.in_scope.saturating_add(1);
        self.within("namespaces_in_scope", self.in_scope, self.limits.namespaces_in_scope, offset)?;

        let prefix = match self.prefixes.find(written, text) {
            Some(id) => id,
            None => self.prefixes.add(written, prefix),
        };
        let namespace = match self.namespaces.find(bound, text) {
            Some(id) => id,
            None => self.namespaces.add(bound, name),
        };
        if self.in_force.len() < self.prefixes.count() {
            self.in_force.resize(self.prefixes.count(), 0);
        }
        self.declarations.push(Declaration { prefix, namespace, hidden: 0 });
        let number = index(self.declarations.len());
        if let Some(slot) = self.in_force.get_mut(prefix as usize) {
            let hidden = core::mem::replace(slot, number);
            if let Some(declaration) = self.declarations.last_mut() {
                declaration.hidden = hidden;
            }
        }
        Ok(())
    }

    /// Removes the declarations of an element that has ended.
    pub(crate) fn withdraw(&mut self, declarations: Range) {
        self.in_scope = self.in_scope.saturating_sub(declarations.len());
        for declaration in declarations.of(&self.declarations).iter().rev() {
            if let Some(slot) = self.in_force.get_mut(declaration.prefix as usize) {
                *slot = declaration.hidden;
            }
        }
    }

    /// Returns the id of the prefix of a name, which must be declared.
    fn used_prefix(&self, name: Span, prefix_length: usize, offset: usize) -> Result<u32, XmlError> {
        let prefix = name.of(self.source).get(..prefix_length).unwrap_or_default();
        match self.prefixes.find(prefix, |span| self.text_of(span)) {
            Some(id) if id <= XML || self.bound_to(id) != EMPTY => Ok(id),
            _ => Err(XmlError::Prefix { prefix: prefix.into(), offset }),
        }
    }

    /// Returns the id of the namespace that the prefix is bound to here.
    fn bound_to(&self, prefix: u32) -> u32 {
        if prefix == XML {
            return XML;
        }
        let number = self.in_force.get(prefix as usize).copied().unwrap_or_default();
        let declaration = number.checked_sub(1).and_then(|position| self.declarations.get(position as usize));
        declaration.map_or(EMPTY, |declaration| declaration.namespace)
    }

    /// Gives the attributes their namespaces, and refuses two attributes with the same namespace and local name
    /// (Namespaces in XML, 6.3).
    fn resolve_attributes(&mut self, range: Range, offset: usize) -> Result<(), XmlError> {
        for position in range.start..range.end {
            let Some(record) = self.attributes.get(position as usize).copied() else { continue };
            if record.prefix_length > 0 {
                let prefix = self.used_prefix(record.name, record.prefix_length as usize, offset)?;
                let namespace = self.bound_to(prefix);
                if let Some(record) = self.attributes.get_mut(position as usize) {
                    (record.prefix, record.namespace) = (prefix, namespace);
                }
            }
        }
        if range.len() < 2 {
            return Ok(());
        }
        match self.duplicate(range.of(&self.attributes)) {
            Some(twice) => {
                Err(XmlError::DuplicateAttribute { name: twice.name.of(self.source).into(), offset })
            }
            None => Ok(()),
        }
    }

    fn duplicate(&self, attributes: &[AttributeRecord]) -> Option<AttributeRecord> {
        let expanded = |record: &AttributeRecord| {
            (record.namespace, crate::element::local_part(record.name.of(self.source), record.prefix_length))
        };
        if attributes.len() <= FEW {
            let same = |left: &AttributeRecord, right: &AttributeRecord| {
                left.namespace == right.namespace && expanded(left) == expanded(right)
            };
            return attributes.iter().enumerate().find_map(|(position, record)| {
                attributes.iter().take(position).any(|before| same(before, record)).then_some(*record)
            });
        }
        let mut sorted: Vec<&AttributeRecord> = attributes.iter().collect();
        sorted.sort_unstable_by(|left, right| expanded(left).cmp(&expanded(right)));
        sorted.windows(2).find_map(|pair| match pair {
            [left, right] if expanded(left) == expanded(right) => {
                Some(if left.name.start > right.name.start { **left } else { **right })
            }
            _ => None,
        })
    }
}
