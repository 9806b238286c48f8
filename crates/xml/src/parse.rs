//! The parser: it converts bytes to the tree in one pass, and looks at each byte once.
//!
//! Nearly all of a message is tags and text, which are read here and in [`tag`](crate::tag). quick-xml reads the
//! markup that begins with `<!` or `<?`, in [`markup`](crate::markup).

use std::sync::OnceLock;

use crate::arena::{
    AttributeRecord, Declaration, ElementRecord, InstructionRecord, Interner, NONE, NodeKind, NodeRecord,
    Range, Span, index,
};
use crate::document::CanonicalLimit;
use crate::tag::UNCLOSED;
use crate::{Document, Limits, NamespaceScope, XmlError, names, namespace, reference};

/// The longest accepted input in bytes, so that an offset in the source or in the side text fits a `u32`.
const LONGEST: usize = 1 << 30;

const BYTE_ORDER_MARK: &str = "\u{FEFF}";

/// Parses a document, or with a scope one element whose prefixes may be declared outside.
pub(crate) fn parse(
    input: &[u8],
    scope: Option<&NamespaceScope>,
    limits: &Limits,
) -> Result<Document, XmlError> {
    let Markup { bytes, mark } = markup_of(input, limits)?;
    let source = core::str::from_utf8(bytes)
        .map_err(|error| XmlError::Utf8 { offset: error.valid_up_to().saturating_add(mark) })?;
    let read = Parser::new(source, scope, limits, 0).and_then(Parser::run);
    let (mut document, side) = read.map_err(|error| error.shifted(mark))?;
    let mut text = String::with_capacity(source.len().saturating_add(side.len()));
    text.push_str(source);
    text.push_str(&side);
    (document.text, document.mark) = (text, mark);
    Ok(document)
}

/// Parses a document without a byte order mark, which becomes the text of the tree without a copy. The tree has no memory
/// for more than it contains, and hardly grows while it is made: `stubs` is the number of empty elements that the source is
/// known to have.
pub(crate) fn parse_owned(source: Vec<u8>, stubs: usize, limits: &Limits) -> Result<Document, XmlError> {
    markup_of(&source, limits)?;
    let mut source = String::from_utf8(source)
        .map_err(|error| XmlError::Utf8 { offset: error.utf8_error().valid_up_to() })?;
    let (mut document, side) = Parser::new(&source, None, limits, stubs)?.run()?;
    source.reserve_exact(side.len());
    source.push_str(&side);
    source.shrink_to_fit();
    document.text = source;
    document.nodes.shrink_to_fit();
    document.elements.shrink_to_fit();
    document.attributes.shrink_to_fit();
    document.declarations.shrink_to_fit();
    document.instructions.shrink_to_fit();
    Ok(document)
}

/// An input of an allowed length, without its byte order mark.
pub(crate) struct Markup<'i> {
    pub(crate) bytes: &'i [u8],
    /// The length in bytes of the byte order mark before them.
    pub(crate) mark: usize,
}

/// Returns the bytes after a byte order mark.
pub(crate) fn markup_of<'i>(input: &'i [u8], limits: &Limits) -> Result<Markup<'i>, XmlError> {
    let allowed = limits.input_bytes.min(LONGEST);
    if input.len() > allowed {
        return Err(XmlError::Limit { limit: "input_bytes", allowed, offset: allowed });
    }
    if let [0xFE, 0xFF, ..] | [0xFF, 0xFE, ..] = input {
        return Err(XmlError::Encoding { declared: "UTF-16".into() });
    }
    Ok(match input.strip_prefix(BYTE_ORDER_MARK.as_bytes()) {
        Some(bytes) => Markup { bytes, mark: BYTE_ORDER_MARK.len() },
        None => Markup { bytes: input, mark: 0 },
    })
}

/// The parser, with the tree that was read so far.
pub(crate) struct Parser<'i> {
    pub(crate) source: &'i str,
    pub(crate) limits: &'i Limits,
    /// The text that differs from the source. A span in it counts from the end of the source.
    pub(crate) side: String,
    /// Whether the source has line ends that must be normalised (XML 1.0, 2.11).
    carriage_returns: bool,
    pub(crate) fragment: bool,
    nodes: Vec<NodeRecord>,
    pub(crate) elements: Vec<ElementRecord>,
    pub(crate) attributes: Vec<AttributeRecord>,
    pub(crate) declarations: Vec<Declaration>,
    pub(crate) instructions: Vec<InstructionRecord>,
    outside: Range,
    pub(crate) prefixes: Interner,
    pub(crate) namespaces: Interner,
    /// For each prefix, the index plus one of the current declaration; 0 if there is none.
    pub(crate) in_force: Vec<u32>,
    /// The number of declarations in scope, including hidden ones.
    pub(crate) in_scope: usize,
    /// The innermost open element.
    pub(crate) current: u32,
    root: u32,
    depth: usize,
    run: Run,
    canonical: CanonicalLimit,
}

/// Text that no element, comment or instruction has ended yet.
#[derive(Clone, Copy)]
enum Run {
    Empty,
    /// The text is this span of the source.
    Source(Span),
    /// The text is the end of the side text, from this offset on.
    Side(usize),
}

impl<'i> Parser<'i> {
    /// `stubs` is the number of empty elements that the source is known to have.
    fn new(
        source: &'i str,
        scope: Option<&NamespaceScope>,
        limits: &'i Limits,
        stubs: usize,
    ) -> Result<Self, XmlError> {
        if let Some(offset) = names::first_illegal(source) {
            let illegal = source.get(offset..).and_then(|rest| rest.chars().next()).unwrap_or_default();
            return Err(XmlError::Character { code_point: illegal.into(), offset });
        }
        // An empty element without attributes, and the text before it.
        let stubs = stubs.min(limits.nodes / 2);
        let size = source.len();
        let mut parser = Self {
            source,
            limits,
            side: String::new(),
            carriage_returns: memchr::memchr(b'\r', source.as_bytes()).is_some(),
            fragment: scope.is_some(),
            nodes: Vec::with_capacity((size / 64).saturating_add(stubs.saturating_mul(2)).saturating_add(8)),
            elements: Vec::with_capacity((size / 128).saturating_add(stubs).saturating_add(8)),
            attributes: Vec::with_capacity((size / 96).saturating_add(8)),
            declarations: Vec::with_capacity((size / 256).saturating_add(8)),
            instructions: Vec::new(),
            outside: Range::default(),
            prefixes: Interner::new("xml", 8),
            namespaces: Interner::new(namespace::XML, 8),
            in_force: Vec::with_capacity(16),
            in_scope: 0,
            current: NONE,
            root: NONE,
            depth: 0,
            run: Run::Empty,
            canonical: CanonicalLimit { bytes: 0, factor: limits.canonical_bytes_factor },
        };
        for (prefix, name) in scope.into_iter().flat_map(NamespaceScope::bindings) {
            let prefix = parser.write_beside(prefix);
            let name = parser.write_beside(name);
            parser.declare(prefix, name, 0)?;
        }
        parser.outside.end = index(parser.declarations.len());
        // Declarations made outside are part of the canonical form, so their length counts too.
        parser.canonical.bytes = limits.canonical_bytes(size.saturating_add(parser.side.len()));
        Ok(parser)
    }

    fn run(mut self) -> Result<(Document, String), XmlError> {
        let bytes = self.source.as_bytes();
        let mut at = 0;
        while let Some(&first) = bytes.get(at) {
            at = match (first, bytes.get(at.saturating_add(1))) {
                (b'<', Some(b'/')) => self.end_tag(at)?,
                (b'<', Some(b'!' | b'?')) => self.markup(at)?,
                (b'<', _) => self.start_tag(at)?,
                (b'&', _) => self.reference(at)?,
                _ => self.text(at)?,
            };
        }
        self.finish()
    }

    fn finish(self) -> Result<(Document, String), XmlError> {
        if self.current != NONE {
            let name = self.open_name().into();
            return Err(XmlError::Unclosed { name });
        }
        if self.root == NONE {
            return Err(XmlError::NoRoot);
        }
        let document = Document {
            text: String::new(),
            mark: 0,
            nodes: self.nodes,
            elements: self.elements,
            attributes: self.attributes,
            declarations: self.declarations,
            instructions: self.instructions,
            outside: self.outside,
            prefixes: self.prefixes.spans,
            namespaces: self.namespaces.spans,
            root: self.root,
            ranks: OnceLock::new(),
            canonical: self.canonical,
        };
        Ok((document, self.side))
    }

    /// Reads `<name …>` or `<name …/>` at `start`. Like the functions below, it returns where the next token begins.
    fn start_tag(&mut self, start: usize) -> Result<usize, XmlError> {
        if self.current == NONE && self.root != NONE {
            return Err(XmlError::OutsideRoot { what: "a second root element", offset: start });
        }
        self.flush()?;
        self.depth = self.depth.saturating_add(1);
        self.within("depth", self.depth, self.limits.depth, start)?;
        let tag = self.tag(start)?;
        let kind = NodeKind::Element(index(self.elements.len()));
        self.elements.push(tag.record);
        let node = self.push(kind, start)?;
        if self.root == NONE {
            self.root = node;
        }
        self.current = node;
        if tag.is_empty {
            self.end(tag.end)?;
        }
        Ok(tag.end)
    }

    /// Reads `</name>`, whose name must be that of the innermost open element.
    fn end_tag(&mut self, start: usize) -> Result<usize, XmlError> {
        let (bytes, expected) = (self.source.as_bytes(), self.open_name());
        let from = start.saturating_add(2);
        let rest = self.source.get(from..).unwrap_or_default();
        if self.current != NONE && rest.starts_with(expected) {
            let closing = names::skip_white_space(bytes, from.saturating_add(expected.len()));
            if bytes.get(closing) == Some(&b'>') {
                let end = closing.saturating_add(1);
                self.end(end)?;
                return Ok(end);
            }
        }
        let Some((actual, _)) = rest.split_once('>') else {
            return Err(XmlError::Syntax { problem: UNCLOSED, offset: start });
        };
        Err(XmlError::EndTag { expected: expected.into(), actual: actual.into(), offset: start })
    }

    /// Ends the innermost open element. `source_end` is the offset after its last byte.
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

    /// Reads character data up to the next tag or reference.
    fn text(&mut self, start: usize) -> Result<usize, XmlError> {
        let bytes = self.source.as_bytes();
        let mut end = start;
        while let Some(found) = bytes.get(end..).and_then(|rest| memchr::memchr3(b'<', b'&', b'>', rest)) {
            end = end.saturating_add(found);
            if bytes.get(end) != Some(&b'>') {
                self.characters(start, end, false)?;
                return Ok(end);
            }
            end = end.saturating_add(1);
            if self.current != NONE && self.between(start, end).ends_with("]]>") {
                let offset = end.saturating_sub(3);
                return Err(XmlError::Syntax { problem: "“]]>” is in text", offset });
            }
        }
        self.characters(start, bytes.len(), false)?;
        Ok(bytes.len())
    }

    /// Reads character data or the content of a CDATA section.
    pub(crate) fn characters(&mut self, start: usize, end: usize, section: bool) -> Result<(), XmlError> {
        let text = self.between(start, end);
        if self.current == NONE {
            let foreign = text.bytes().position(|byte| !names::is_white_space(byte));
            return match foreign {
                None if !section => Ok(()),
                _ => Err(XmlError::OutsideRoot {
                    what: "text",
                    offset: start.saturating_add(foreign.unwrap_or(0)),
                }),
            };
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

    /// Reads `&name;` in text.
    fn reference(&mut self, start: usize) -> Result<usize, XmlError> {
        if self.current == NONE {
            return Err(XmlError::OutsideRoot { what: "a reference", offset: start });
        }
        let from = start.saturating_add(1);
        let rest = self.source.get(from..).unwrap_or_default();
        let Some((name, b';')) = reference::name(rest) else {
            return Err(XmlError::Syntax {
                problem: "a reference is not closed (\"&\" by itself is written \"&amp;\")",
                offset: start,
            });
        };
        let character = reference::resolve(name, start)?;
        self.run_beside();
        self.side.push(character);
        Ok(from.saturating_add(name.len()).saturating_add(1))
    }

    /// Makes a text node of the run of text, if there is one.
    pub(crate) fn flush(&mut self) -> Result<(), XmlError> {
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

    /// Moves the run of text to the side text, so that more can be appended.
    fn run_beside(&mut self) {
        let start = self.side.len();
        match self.run {
            Run::Side(_) => return,
            Run::Source(span) => self.side.push_str(span.of(self.source)),
            Run::Empty => {}
        }
        self.run = Run::Side(start);
    }

    /// Returns the text with normalised line ends.
    pub(crate) fn normalised(&mut self, start: usize, end: usize) -> Span {
        let text = self.between(start, end);
        if !self.carriage_returns || !text.contains('\r') {
            return Span::new(start, end);
        }
        let beside = self.side.len();
        normalise_line_ends(text, &mut self.side);
        self.beside_from(beside)
    }

    pub(crate) fn push(&mut self, kind: NodeKind, offset: usize) -> Result<u32, XmlError> {
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

    /// Returns the text of a span, while the source and the side text are still separate.
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

    /// Returns the name of the innermost open element; empty if there is none.
    fn open_name(&self) -> &'i str {
        let element = match self.nodes.get(self.current as usize).map(|node| node.kind) {
            Some(NodeKind::Element(element)) => self.elements.get(element as usize),
            _ => None,
        };
        element.map_or("", |record| record.name.of(self.source))
    }
}

pub(crate) fn text_of<'t>(source: &'t str, side: &'t str, span: Span) -> &'t str {
    let (start, end) = (span.start as usize, span.end as usize);
    match (start.checked_sub(source.len()), end.checked_sub(source.len())) {
        (Some(start), Some(end)) => side.get(start..end).unwrap_or_default(),
        _ => source.get(start..end).unwrap_or_default(),
    }
}

/// Appends the text with CR LF and a lone CR replaced by LF (XML 1.0, 2.11).
fn normalise_line_ends(text: &str, target: &mut String) {
    let mut rest = text;
    while let Some((line, following)) = rest.split_once('\r') {
        target.push_str(line);
        target.push('\n');
        rest = following.strip_prefix('\n').unwrap_or(following);
    }
    target.push_str(rest);
}
