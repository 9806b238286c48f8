//! The canonical form of a document that is read as an outline: its pieces are parsed one by one, and dropped.

use core::fmt;
use core::ops::Range;

use memchr::memmem;

use crate::arena::{EMPTY, NONE, Span};
use crate::canonical::Sink;
use crate::canonicalizer::Canonicalizer;
use crate::in_place::InPlace;
use crate::sweep::Sweep;
use crate::{Document, Element, Limits, NamespaceScope, XmlError};

/// The pieces that have not been written yet.
pub(crate) struct Pieces<'d, 's> {
    pub(crate) input: &'s InPlace,
    /// Their nodes in the frame, and their ranges in the input.
    pub(crate) nodes: core::slice::Iter<'d, u32>,
    pub(crate) ranges: core::slice::Iter<'d, Span>,
    pub(crate) limits: &'s Limits,
    pub(crate) inclusive_prefixes: &'s [&'s str],
    /// Called with the pieces that may contain `sought`.
    pub(crate) see: &'s mut dyn FnMut(&Document),
    pub(crate) sought: Option<&'s str>,
    /// The surroundings of the pieces in one element: those of the last such element.
    pub(crate) surroundings: Option<(u32, Surroundings)>,
    pub(crate) sweep: Sweep,
    /// The ranges of the written pieces in the output.
    pub(crate) written: Vec<Span>,
    /// The number of bytes that could be written at the beginning.
    pub(crate) allowed: usize,
}

/// The namespaces around the pieces in one element.
pub(crate) struct Surroundings {
    scope: NamespaceScope,
    /// For each binding of the scope, the namespace of its prefix in the output.
    rendered: Vec<RenderedName>,
    /// The default namespace of the output, if the scope has none.
    default: Option<String>,
}

/// The namespace of a prefix in the output.
enum RenderedName {
    /// The same as in the document.
    Same,
    Other(String),
    Nothing,
}

impl Pieces<'_, '_> {
    /// Returns the canonical form of a piece that needs no tree: it has a plain spelling and need not be shown.
    fn swept(&mut self, range: &Range<usize>) -> Option<&[u8]> {
        let Pieces { input, limits, sought, sweep, .. } = self;
        input.read(range, |piece| {
            // In a plain spelling, an identifier has no escapes.
            let is_sought = sought.is_some_and(|sought| memmem::find(piece, sought.as_bytes()).is_some());
            if is_sought { None } else { sweep.write(piece, limits) }
        })
    }

    /// Returns the stub of the next piece, or [`NONE`] after the last.
    fn next_node(&self) -> u32 {
        self.nodes.as_slice().first().copied().unwrap_or(NONE)
    }
}

impl fmt::Debug for Pieces<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pieces").field("rest", &self.nodes.len()).finish_non_exhaustive()
    }
}

impl<'d, 's, S: Sink> Canonicalizer<'d, 's, S> {
    /// Returns the canonicalizer, which then writes these elements from the input instead of from the document.
    pub(crate) fn with_pieces(mut self, pieces: Pieces<'d, 's>) -> Self {
        self.next_piece = pieces.next_node();
        self.pieces = Some(pieces);
        self
    }

    /// Returns the ranges of the pieces in the output.
    pub(crate) fn ranges_written(self) -> Vec<Span> {
        self.pieces.map(|pieces| pieces.written).unwrap_or_default()
    }

    /// Writes the next piece, whose stub is this node.
    pub(crate) fn piece(&mut self, node: u32) -> Result<(), XmlError> {
        let Some(mut pieces) = self.pieces.take() else { return Ok(()) };
        let (Some(_), Some(range)) = (pieces.nodes.next(), pieces.ranges.next()) else { return Ok(()) };
        let range = &(range.start as usize..range.end as usize);
        let parent = self.document.parent_of(node);
        let surroundings = match pieces.surroundings.take() {
            Some((known, surroundings)) if known == parent => surroundings,
            _ => {
                let surroundings = self.surroundings(parent);
                pieces.sweep.surround(surroundings.scope.bindings(), surroundings.rendered());
                surroundings
            }
        };
        let start = pieces.allowed.saturating_sub(self.output.left());
        match pieces.swept(range) {
            Some(bytes) => self.output.apart(bytes),
            None => {
                let piece = pieces.input.parse(range, &surroundings.scope, pieces.limits)?;
                (pieces.see)(&piece);
                self.write_piece(&piece, &surroundings, pieces.inclusive_prefixes)?;
            }
        }
        let end = pieces.allowed.saturating_sub(self.output.left());
        pieces.written.push(Span::new(start, end));
        self.next_piece = pieces.next_node();
        pieces.surroundings = Some((parent, surroundings));
        self.pieces = Some(pieces);
        Ok(())
    }

    fn write_piece(
        &mut self,
        piece: &Document,
        surroundings: &Surroundings,
        inclusive_prefixes: &[&str],
    ) -> Result<(), XmlError> {
        let output = self.output.lend(&piece.text);
        let mut inner = Canonicalizer::to(output, piece.root(), self.method, inclusive_prefixes);
        surroundings.bind(piece, |prefix, namespace| inner.rendered.bind(prefix, namespace));
        inner.nodes_of(piece.root(), false)?;
        let left = inner.output.end();
        self.output.resume(left);
        Ok(())
    }

    fn surroundings(&self, parent: u32) -> Surroundings {
        if parent == NONE {
            return Surroundings { scope: NamespaceScope::empty(), rendered: Vec::new(), default: None };
        }
        let document = self.document;
        let element = Element { document, node: parent };
        let name = |namespace| document.namespace_name(namespace).to_owned();
        let mut has_default = false;
        let rendered = element.bindings_in_scope().map(|(prefix, namespace)| {
            has_default |= prefix == EMPTY;
            match self.rendered.of(prefix) {
                EMPTY => RenderedName::Nothing,
                same if same == namespace => RenderedName::Same,
                other => RenderedName::Other(name(other)),
            }
        });
        let rendered = rendered.collect();
        let default = Some(self.rendered.of(EMPTY)).filter(|&default| !has_default && default != EMPTY);
        Surroundings { scope: element.scope(), rendered, default: default.map(name) }
    }
}

impl Surroundings {
    /// Returns the prefixes of the output and their namespaces.
    fn rendered(&self) -> impl Iterator<Item = (&str, &str)> {
        let scope = self.scope.bindings().zip(&self.rendered);
        let of_scope = scope.filter_map(|((prefix, name), rendered)| match rendered {
            RenderedName::Same => Some((prefix, name)),
            RenderedName::Other(other) => Some((prefix, other.as_str())),
            RenderedName::Nothing => None,
        });
        of_scope.chain(self.default.iter().map(|name| ("", name.as_str())))
    }

    /// Calls `bind` for each prefix of the output that the piece has, with the piece's own ids.
    fn bind(&self, piece: &Document, mut bind: impl FnMut(u32, u32)) {
        // The first declarations of the piece are the bindings of the scope.
        for (declaration, rendered) in piece.declarations_of(NONE).iter().zip(&self.rendered) {
            match rendered {
                RenderedName::Same => bind(declaration.prefix, declaration.namespace),
                RenderedName::Other(name) => bind(declaration.prefix, id_of(name, piece)),
                RenderedName::Nothing => {}
            }
        }
        if let Some(name) = &self.default {
            bind(EMPTY, id_of(name, piece));
        }
    }
}

/// Returns the id that the piece has for a namespace name. A name that the piece does not have gets an id that
/// differs from all of its ids.
fn id_of(name: &str, piece: &Document) -> u32 {
    let ids = (2..).zip(&piece.namespaces);
    let mut found = ids.filter(|(_, span)| span.of(&piece.text) == name);
    found.next().map_or(NONE, |(id, _)| id)
}
