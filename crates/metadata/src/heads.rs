//! The start tags of entities, which are read before the entities themselves.
//!
//! Those that stand in one EntitiesDescriptor are read together, some hundred at a time, so that no tree of all of them is needed.

use std::ops::Range;

use vouchsafe_xml::{Document, Element, Limits, Piece, XmlError};

use crate::scopes::Scopes;

/// The number of start tags that are read together, and the number of bytes after which no more are added.
const MOST: usize = 256;
const MOST_BYTES: usize = 32 * 1024;

/// Start tags that wait to be read together.
#[derive(Default)]
pub(crate) struct Heads {
    /// They as empty elements, in an element.
    text: Vec<u8>,
    /// The places of the entities in the document, and where their start tags begin in the text.
    entities: Vec<(Range<usize>, usize)>,
    /// The EntitiesDescriptor around them.
    group: usize,
}

impl Heads {
    /// Returns whether a start tag in this group can be read with those that wait.
    pub(crate) fn has_room_in(&self, group: usize) -> bool {
        let is_full = self.entities.len() >= MOST || self.text.len() >= MOST_BYTES;
        self.entities.is_empty() || (self.group == group && !is_full)
    }

    /// Adds the start tag of an entity.
    pub(crate) fn add(&mut self, piece: &Piece<'_>, group: usize, metadata: &[u8]) {
        if self.entities.is_empty() {
            self.group = group;
            self.text.extend_from_slice(b"<heads>");
        }
        self.entities.push((piece.range(), self.text.len()));
        piece.write_head(metadata, &mut self.text);
    }

    /// Reads those that wait, and calls `see` with the place of each entity, its start tag as an element, and the group.
    pub(crate) fn read(
        &mut self,
        scopes: &Scopes,
        mut see: impl FnMut(Range<usize>, Element<'_>, usize),
    ) -> Result<(), XmlError> {
        if self.entities.is_empty() {
            return Ok(());
        }
        self.text.extend_from_slice(b"</heads>");
        let scope = scopes.of(self.group, &self.text)?;
        let read = Document::parse_in_scope(&self.text, &scope, &Limits::metadata());
        let document = read.map_err(|error| self.in_the_document(error))?;
        for ((range, _), head) in self.entities.drain(..).zip(document.root().elements()) {
            see(range, head, self.group);
        }
        self.text.clear();
        Ok(())
    }

    /// Returns the error with its offset in the document.
    fn in_the_document(&self, error: XmlError) -> XmlError {
        let offset = error.offset().unwrap_or_default();
        let after = self.entities.partition_point(|(_, start)| *start <= offset);
        let found = after.checked_sub(1).and_then(|last| self.entities.get(last));
        // In the document, more stands before it than in the text: at least the start tag of its group.
        let by = found.map_or(0, |(range, start)| range.start.saturating_sub(*start));
        error.shifted(by)
    }
}
