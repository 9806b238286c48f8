//! From quick-xml's tokens to the tree, in one pass.
//!
//! quick-xml finds where each token ends and pairs start with end tags. Everything else that makes a document
//! well-formed is checked here and in [`tag`], [`reference`](crate::reference) and [`declaration`].

use std::sync::OnceLock;

use quick_xml::Reader;
use quick_xml::errors::{Error as TokenError, IllFormedError, SyntaxError};
use quick_xml::events::Event;

use crate::arena::{
    AttributeRecord, Declaration, ElementRecord, Interner, NONE, NodeKind, NodeRecord, Range, Span, index,
};
use crate::{Document, Limits, NamespaceScope, XmlError, declaration, names, namespace, reference};

/// No input may be longer, so that a span fits two `u32`: the source and what is written beside it.
const LONGEST: usize = 1 << 30;

const BYTE_ORDER_MARK: &str = "\u{FEFF}";

/// Reads a document, or with a scope one element whose prefixes may be bound outside.
pub(crate) fn parse(
    input: &[u8],
    scope: Option<&NamespaceScope>,
    limits: &Limits,
) -> Result<Document, XmlError> {
    let allowed = limits.input_bytes.min(LONGEST);
    if input.len() > allowed {
        return Err(XmlError::Limit { limit: "input_bytes", allowed, offset: allowed });
    }
    if let [0xFE, 0xFF, ..] | [0xFF, 0xFE, ..] = input {
        return Err(XmlError::Encoding { declared: "UTF-16".into() });
    }
    let text = core::str::from_utf8(input).map_err(|error| XmlError::Utf8 { offset: error.valid_up_to() })?;
    let (source, mark) = match text.strip_prefix(BYTE_ORDER_MARK) {
        Some(rest) => (rest, BYTE_ORDER_MARK.len()),
        None => (text, 0),
    };
    let parser = Parser::new(source, scope, limits).map_err(|error| error.shifted(mark))?;
    let mut document = parser.run().map_err(|error| error.shifted(mark))?;
    document.mark = mark;
    Ok(document)
}

/// The tree so far.
pub(crate) struct Parser<'i> {
    pub(crate) source: &'i str,
    pub(crate) limits: &'i Limits,
    /// Text that differs from what the source says. A span in it counts from the end of the source.
    pub(crate) side: String,
    /// Whether line ends have to be normalised anywhere (XML 1.0, 2.11).
    carriage_returns: bool,
    fragment: bool,
    nodes: Vec<NodeRecord>,
    pub(crate) elements: Vec<ElementRecord>,
    pub(crate) attributes: Vec<AttributeRecord>,
    pub(crate) declarations: Vec<Declaration>,
    outside: Range,
    pub(crate) prefixes: Interner,
    pub(crate) namespaces: Interner,
    /// For each prefix the index plus one of the declaration in force, or 0.
    pub(crate) in_force: Vec<u32>,
    /// Declarations in scope, those hidden included.
    pub(crate) in_scope: usize,
    /// The innermost open element.
    current: u32,
    root: u32,
    depth: usize,
    run: Run,
}

/// Text that no element, comment or instruction has ended yet.
#[derive(Clone, Copy)]
enum Run {
    Empty,
    /// It stands so in the source.
    Source(Span),
    /// It stands at the end of the side text, from there on.
    Side(usize),
}

impl<'i> Parser<'i> {
    fn new(source: &'i str, scope: Option<&NamespaceScope>, limits: &'i Limits) -> Result<Self, XmlError> {
        if let Some(offset) = names::first_illegal(source) {
            let illegal = source.get(offset..).and_then(|rest| rest.chars().next()).unwrap_or_default();
            return Err(XmlError::Character { code_point: illegal.into(), offset });
        }
        let size = source.len();
        let mut parser = Self {
            source,
            limits,
            side: String::new(),
            carriage_returns: memchr::memchr(b'\r', source.as_bytes()).is_some(),
            fragment: scope.is_some(),
            nodes: Vec::with_capacity((size / 64).saturating_add(8)),
            elements: Vec::with_capacity((size / 128).saturating_add(8)),
            attributes: Vec::with_capacity((size / 96).saturating_add(8)),
            declarations: Vec::with_capacity(16),
            outside: Range::default(),
            prefixes: Interner::new("xml", 8),
            namespaces: Interner::new(namespace::XML, 8),
            in_force: Vec::with_capacity(16),
            in_scope: 0,
            current: NONE,
            root: NONE,
            depth: 0,
            run: Run::Empty,
        };
        for (prefix, name) in scope.into_iter().flat_map(NamespaceScope::bindings) {
            let prefix = parser.write_beside(prefix);
            let name = parser.write_beside(name);
            parser.declare(prefix, name, 0)?;
        }
        parser.outside.end = index(parser.declarations.len());
        Ok(parser)
    }

    fn run(mut self) -> Result<Document, XmlError> {
        // quick-xml would take a second byte order mark for the first.
        if self.source.starts_with(BYTE_ORDER_MARK) {
            return Err(XmlError::OutsideRoot { what: "text", offset: 0 });
        }
        let mut reader = Reader::from_str(self.source);
        loop {
            let start = position(reader.buffer_position());
            let event = reader
                .read_event()
                .map_err(|error| self.refused(error, position(reader.error_position()), start))?;
            let end = position(reader.buffer_position());
            match event {
                Event::Text(_) => self.characters(start, end, false)?,
                Event::GeneralRef(_) => self.reference(start, end)?,
                Event::CData(_) => self.characters(start.saturating_add(9), end.saturating_sub(3), true)?,
                Event::Start(_) => self.start(start.saturating_add(1), end.saturating_sub(1))?,
                Event::Empty(_) => {
                    self.start(start.saturating_add(1), end.saturating_sub(2))?;
                    self.end(end)?;
                }
                Event::End(_) => self.end(end)?,
                Event::Comment(_) => self.comment(start, end)?,
                Event::PI(_) => self.instruction(start, end)?,
                Event::Decl(_) => self.declaration(start, end)?,
                Event::DocType(_) => return Err(XmlError::Doctype { offset: start }),
                Event::Eof => break,
            }
        }
        self.finish()
    }

    fn finish(self) -> Result<Document, XmlError> {
        if self.current != NONE {
            let name = self.open_name();
            return Err(XmlError::Unclosed { name });
        }
        if self.root == NONE {
            return Err(XmlError::NoRoot);
        }
        let mut text = String::with_capacity(self.source.len().saturating_add(self.side.len()));
        text.push_str(self.source);
        text.push_str(&self.side);
        Ok(Document {
            text,
            mark: 0,
            nodes: self.nodes,
            elements: self.elements,
            attributes: self.attributes,
            declarations: self.declarations,
            outside: self.outside,
            prefixes: self.prefixes.spans,
            namespaces: self.namespaces.spans,
            root: self.root,
            ranks: OnceLock::new(),
        })
    }

    fn start(&mut self, start: usize, end: usize) -> Result<(), XmlError> {
        let offset = start.saturating_sub(1);
        if self.current == NONE && self.root != NONE {
            return Err(XmlError::OutsideRoot { what: "a second root element", offset });
        }
        self.flush()?;
        self.depth = self.depth.saturating_add(1);
        self.within("depth", self.depth, self.limits.depth, offset)?;
        let record = self.tag(start, end)?;
        let kind = NodeKind::Element(index(self.elements.len()));
        self.elements.push(record);
        let node = self.push(kind, offset)?;
        if self.root == NONE {
            self.root = node;
        }
        self.current = node;
        Ok(())
    }

    /// Ends the innermost open element, whose last octet is before `source_end`.
    fn end(&mut self, source_end: usize) -> Result<(), XmlError> {
        self.flush()?;
        let end = index(self.nodes.len());
        let Some(node) = self.nodes.get_mut(self.current as usize) else { return Ok(()) };
        node.end = end;
        self.current = node.parent;
        self.depth = self.depth.saturating_sub(1);
        if let NodeKind::Element(element) = node.kind {
            let Some(record) = self.elements.get_mut(element as usize) else { return Ok(()) };
            record.source_end = index(source_end);
            let declarations = record.declarations;
            self.withdraw(declarations);
        }
        Ok(())
    }

    /// Character data or the content of a CDATA section.
    fn characters(&mut self, start: usize, end: usize, section: bool) -> Result<(), XmlError> {
        let text = self.between(start, end);
        if self.current == NONE {
            let foreign = text.bytes().position(|octet| !names::is_white_space(octet));
            return match foreign {
                None if !section => Ok(()),
                _ => Err(XmlError::OutsideRoot {
                    what: "text",
                    offset: start.saturating_add(foreign.unwrap_or(0)),
                }),
            };
        }
        if !section && let Some(found) = section_end(text) {
            let offset = start.saturating_add(found);
            return Err(XmlError::Syntax { problem: "“]]>” stands in text", offset });
        }
        if self.carriage_returns && text.contains('\r') {
            self.run_beside();
            normalise_line_ends(text, &mut self.side);
            return Ok(());
        }
        match self.run {
            Run::Empty if !text.is_empty() => self.run = Run::Source(Span::new(start, end)),
            Run::Empty => {}
            Run::Source(_) | Run::Side(_) => {
                self.run_beside();
                self.side.push_str(text);
            }
        }
        Ok(())
    }

    /// `&name;` in text.
    fn reference(&mut self, start: usize, end: usize) -> Result<(), XmlError> {
        if self.current == NONE {
            return Err(XmlError::OutsideRoot { what: "a reference", offset: start });
        }
        let name = self.between(start.saturating_add(1), end.saturating_sub(1));
        let character = reference::resolve(name, start)?;
        self.run_beside();
        self.side.push(character);
        Ok(())
    }

    fn comment(&mut self, start: usize, end: usize) -> Result<(), XmlError> {
        self.refuse_outside_fragment("a comment", start)?;
        let (from, to) = (start.saturating_add(4), end.saturating_sub(3));
        let text = self.between(from, to);
        if text.ends_with('-') || memchr::memmem::find(text.as_bytes(), b"--").is_some() {
            return Err(XmlError::Syntax { problem: "“--” stands in a comment", offset: start });
        }
        self.flush()?;
        let span = self.normalised(from, to);
        self.within("value_bytes", span.len(), self.limits.value_bytes, start)?;
        self.push(NodeKind::Comment(span), start)?;
        Ok(())
    }

    fn instruction(&mut self, start: usize, end: usize) -> Result<(), XmlError> {
        self.refuse_outside_fragment("a processing instruction", start)?;
        let (from, to) = (start.saturating_add(2), end.saturating_sub(2));
        let content = self.between(from, to);
        let length = content.bytes().position(names::is_white_space).unwrap_or(content.len());
        let target = content.get(..length).unwrap_or_default();
        if target.eq_ignore_ascii_case("xml") {
            return Err(XmlError::Declaration { problem: "it stands only at the very start", offset: start });
        }
        if !names::is_ncname(target) {
            return Err(XmlError::Name { name: target.into(), offset: from });
        }
        self.within("name_bytes", length, self.limits.name_bytes, from)?;
        let space = content.bytes().skip(length).take_while(|&octet| names::is_white_space(octet)).count();
        self.flush()?;
        let data = self.normalised(from.saturating_add(length).saturating_add(space), to);
        self.within("value_bytes", data.len(), self.limits.value_bytes, start)?;
        let target = Span::new(from, from.saturating_add(length));
        self.push(NodeKind::ProcessingInstruction { target, data }, start)?;
        Ok(())
    }

    fn declaration(&mut self, start: usize, end: usize) -> Result<(), XmlError> {
        if start != 0 {
            return Err(XmlError::Declaration { problem: "it stands only at the very start", offset: start });
        }
        self.refuse_outside_fragment("an XML declaration", start)?;
        declaration::check(self.between(start.saturating_add(5), end.saturating_sub(2)))
    }

    fn refuse_outside_fragment(&self, what: &'static str, offset: usize) -> Result<(), XmlError> {
        if self.fragment && self.current == NONE {
            return Err(XmlError::OutsideRoot { what, offset });
        }
        Ok(())
    }

    /// Makes a text node of the run of text, if there is one.
    fn flush(&mut self) -> Result<(), XmlError> {
        let span = match core::mem::replace(&mut self.run, Run::Empty) {
            Run::Empty => return Ok(()),
            Run::Source(span) => span,
            Run::Side(start) => self.beside_from(start),
        };
        if span.is_empty() {
            return Ok(());
        }
        let offset = (span.start as usize).min(self.source.len());
        self.within("value_bytes", span.len(), self.limits.value_bytes, offset)?;
        self.push(NodeKind::Text(span), offset)?;
        Ok(())
    }

    /// Moves the run of text to the side, so that something can be added to it.
    fn run_beside(&mut self) {
        let start = self.side.len();
        match self.run {
            Run::Side(_) => return,
            Run::Source(span) => self.side.push_str(span.of(self.source)),
            Run::Empty => {}
        }
        self.run = Run::Side(start);
    }

    /// The text with line ends normalised.
    fn normalised(&mut self, start: usize, end: usize) -> Span {
        let text = self.between(start, end);
        if !self.carriage_returns || !text.contains('\r') {
            return Span::new(start, end);
        }
        let beside = self.side.len();
        normalise_line_ends(text, &mut self.side);
        self.beside_from(beside)
    }

    fn push(&mut self, kind: NodeKind, offset: usize) -> Result<u32, XmlError> {
        self.within("nodes", self.nodes.len().saturating_add(1), self.limits.nodes, offset)?;
        let node = index(self.nodes.len());
        self.nodes.push(NodeRecord { parent: self.current, end: node.saturating_add(1), kind });
        Ok(node)
    }

    pub(crate) fn within(
        &self,
        limit: &'static str,
        actual: usize,
        allowed: usize,
        offset: usize,
    ) -> Result<(), XmlError> {
        if actual > allowed { Err(XmlError::Limit { limit, allowed, offset }) } else { Ok(()) }
    }

    pub(crate) fn between(&self, start: usize, end: usize) -> &'i str {
        self.source.get(start..end).unwrap_or_default()
    }

    /// What a span stands for while the source and the side text are still apart.
    pub(crate) fn text_of(&self, span: Span) -> &str {
        text_of(self.source, &self.side, span)
    }

    pub(crate) fn beside_from(&self, start: usize) -> Span {
        let base = self.source.len();
        Span::new(base.saturating_add(start), base.saturating_add(self.side.len()))
    }

    fn write_beside(&mut self, text: &str) -> Span {
        let start = self.side.len();
        self.side.push_str(text);
        self.beside_from(start)
    }

    fn open_name(&self) -> String {
        let element = match self.nodes.get(self.current as usize).map(|node| node.kind) {
            Some(NodeKind::Element(element)) => self.elements.get(element as usize),
            _ => None,
        };
        element.map_or_else(String::new, |record| record.name.of(self.source).into())
    }

    /// What quick-xml refused, in our words. `offset` is its own, `start` that of the token.
    fn refused(&self, error: TokenError, offset: usize, start: usize) -> XmlError {
        let problem = match error {
            TokenError::IllFormed(IllFormedError::MismatchedEndTag { expected, found }) => {
                return XmlError::EndTag { expected, actual: found, offset };
            }
            TokenError::IllFormed(IllFormedError::UnmatchedEndTag(actual)) => {
                return XmlError::EndTag { expected: String::new(), actual, offset };
            }
            TokenError::IllFormed(IllFormedError::MissingDoctypeName)
            | TokenError::Syntax(SyntaxError::UnclosedDoctype) => {
                return XmlError::Doctype { offset: start };
            }
            TokenError::IllFormed(IllFormedError::UnclosedReference) => "a reference is not closed",
            TokenError::Syntax(SyntaxError::InvalidBangMarkup) => "“<!” begins nothing that is known",
            TokenError::Syntax(SyntaxError::UnclosedPI) => "a processing instruction is not closed",
            TokenError::Syntax(SyntaxError::UnclosedXmlDecl) => "the XML declaration is not closed",
            TokenError::Syntax(SyntaxError::UnclosedComment) => "a comment is not closed",
            TokenError::Syntax(SyntaxError::UnclosedCData) => "a CDATA section is not closed",
            TokenError::Syntax(SyntaxError::UnclosedTag) => "a tag is not closed",
            TokenError::Syntax(
                SyntaxError::UnclosedSingleQuotedAttributeValue
                | SyntaxError::UnclosedDoubleQuotedAttributeValue,
            ) => "an attribute value is not closed",
            _ => "the markup cannot be read",
        };
        XmlError::Syntax { problem, offset: offset.max(start) }
    }
}

pub(crate) fn text_of<'t>(source: &'t str, side: &'t str, span: Span) -> &'t str {
    let (start, end) = (span.start as usize, span.end as usize);
    match (start.checked_sub(source.len()), end.checked_sub(source.len())) {
        (Some(start), Some(end)) => side.get(start..end).unwrap_or_default(),
        _ => source.get(start..end).unwrap_or_default(),
    }
}

/// XML 1.0, 2.11: CR LF and a lone CR become LF.
fn normalise_line_ends(text: &str, target: &mut String) {
    let mut rest = text;
    while let Some((line, following)) = rest.split_once('\r') {
        target.push_str(line);
        target.push('\n');
        rest = following.strip_prefix('\n').unwrap_or(following);
    }
    target.push_str(rest);
}

/// Where `]]>` stands in the text.
fn section_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    memchr::memchr(b'>', bytes)?;
    memchr::memmem::find(bytes, b"]]>")
}

fn position(octets: u64) -> usize {
    usize::try_from(octets).unwrap_or(usize::MAX)
}
