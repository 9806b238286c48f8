//! A buffer whose beginning is overwritten while the rest is read. It is never written further than it was read.

use core::cell::{Cell, RefCell};
use core::fmt;
use core::ops::Range;
use std::collections::VecDeque;

use crate::canonical::Sink;
use crate::{Document, Limits, NamespaceScope, XmlError};

/// The length in bytes of a chunk of waiting bytes.
const CHUNK: usize = 64 * 1024;
/// Waiting bytes are moved into the buffer when there is room for this number of bytes.
const ENOUGH: usize = 4 * 1024;

/// A document whose bytes may be overwritten after they were read.
pub(crate) struct InPlace {
    buffer: RefCell<Vec<u8>>,
    /// The offset up to which the bytes of the document are not needed any more.
    free: Cell<usize>,
}

/// A writer to the beginning of the buffer. It keeps the bytes for which there is no room yet.
pub(crate) struct Overwriter<'b> {
    place: &'b InPlace,
    /// Called with all bytes that are written.
    see: &'b mut dyn FnMut(&[u8]),
    written: usize,
    /// The waiting bytes, in chunks, so that each byte is moved only once, and the memory of a chunk is freed after
    /// it was moved.
    waiting: VecDeque<Vec<u8>>,
    /// The number of bytes of the first chunk that are moved already.
    settled: usize,
}

impl InPlace {
    pub(crate) fn new(document: Vec<u8>) -> InPlace {
        InPlace { buffer: RefCell::new(document), free: Cell::new(0) }
    }

    pub(crate) fn overwriter<'b>(&'b self, see: &'b mut dyn FnMut(&[u8])) -> Overwriter<'b> {
        Overwriter { place: self, see, written: 0, waiting: VecDeque::new(), settled: 0 }
    }

    /// Parses a piece. Everything before it was read already. The piece is not needed again.
    pub(crate) fn parse(
        &self,
        range: &Range<usize>,
        scope: &NamespaceScope,
        limits: &Limits,
    ) -> Result<Document, XmlError> {
        let buffer = self.buffer.borrow();
        let piece = Document::parse_in_scope(buffer.get(range.clone()).unwrap_or_default(), scope, limits)
            .map_err(|error| error.shifted(range.start))?;
        self.free.set(range.end.min(buffer.len()));
        Ok(piece)
    }
}

impl InPlace {
    /// Calls a function with a piece. Everything before it was read already. The piece is needed again if the
    /// function returns `None`.
    pub(crate) fn read<T>(&self, range: &Range<usize>, read: impl FnOnce(&[u8]) -> Option<T>) -> Option<T> {
        let buffer = self.buffer.borrow();
        let made = read(buffer.get(range.clone()).unwrap_or_default())?;
        self.free.set(range.end.min(buffer.len()));
        Some(made)
    }
}

impl fmt::Debug for InPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InPlace").field("free", &self.free).finish_non_exhaustive()
    }
}

impl Overwriter<'_> {
    /// Returns the written bytes, in the buffer of the document.
    pub(crate) fn end(mut self) -> Vec<u8> {
        self.place.free.set(self.place.buffer.borrow().len());
        self.settle();
        let mut buffer = self.place.buffer.take();
        buffer.truncate(self.written);
        let left = self.waiting.iter().map(Vec::len).sum::<usize>();
        buffer.reserve_exact(left.saturating_sub(self.settled));
        while let Some(chunk) = self.waiting.pop_front() {
            buffer.extend_from_slice(chunk.get(self.settled..).unwrap_or_default());
            self.settled = 0;
        }
        buffer
    }

    /// Moves waiting bytes to where the document is not needed any more.
    fn settle(&mut self) {
        while let Some(chunk) = self.waiting.front() {
            let bytes = chunk.get(self.settled..).unwrap_or_default();
            let (count, all) = (self.overwrite(bytes), bytes.len());
            self.written = self.written.saturating_add(count);
            if count < all {
                self.settled = self.settled.saturating_add(count);
                return;
            }
            self.waiting.pop_front();
            self.settled = 0;
        }
    }

    fn room(&self) -> usize {
        self.place.free.get().saturating_sub(self.written)
    }

    /// Keeps bytes for which there is no room yet.
    fn keep(&mut self, bytes: &[u8]) {
        match self.waiting.back_mut() {
            Some(last) if last.len().saturating_add(bytes.len()) <= last.capacity() => {
                last.extend_from_slice(bytes);
            }
            _ => {
                let mut chunk = Vec::with_capacity(CHUNK.max(bytes.len()));
                chunk.extend_from_slice(bytes);
                self.waiting.push_back(chunk);
            }
        }
    }

    /// Writes as many of these bytes as there is room for, and returns their number.
    fn overwrite(&self, bytes: &[u8]) -> usize {
        let count = bytes.len().min(self.room());
        let mut buffer = self.place.buffer.borrow_mut();
        match (buffer.get_mut(self.written..self.written.saturating_add(count)), bytes.get(..count)) {
            (Some(place), Some(bytes)) => place.copy_from_slice(bytes),
            _ => return 0,
        }
        count
    }
}

impl Sink for Overwriter<'_> {
    fn write(&mut self, bytes: &[u8]) {
        (self.see)(bytes);
        if !self.waiting.is_empty() && self.room() >= ENOUGH {
            self.settle();
        }
        let mut rest = bytes;
        if self.waiting.is_empty() {
            let count = self.overwrite(bytes);
            self.written = self.written.saturating_add(count);
            rest = bytes.get(count..).unwrap_or_default();
        }
        if !rest.is_empty() {
            self.keep(rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn freed(place: &InPlace, up_to: usize) {
        place.free.set(up_to);
    }

    #[test]
    fn nothing_is_written_over_that_was_not_read() {
        let place = InPlace::new(b"<a/><b/><c/>".to_vec());
        let mut see = |_: &[u8]| {};
        let mut writer = place.overwriter(&mut see);
        writer.write(b"12345678");
        assert_eq!(&**place.buffer.borrow(), b"<a/><b/><c/>");
        freed(&place, 4);
        writer.write(b"9");
        assert_eq!(&**place.buffer.borrow(), b"<a/><b/><c/>", "what waits comes first");
        writer.settle();
        assert_eq!(&**place.buffer.borrow(), b"1234<b/><c/>");
        let (scope, limits) = (NamespaceScope::empty(), Limits::default());
        assert!(place.parse(&(4..8), &scope, &limits).is_ok());
        writer.settle();
        assert_eq!(&**place.buffer.borrow(), b"12345678<c/>");
        assert_eq!(writer.end(), b"123456789");
    }

    #[test]
    fn a_form_that_is_longer_than_the_document_is_whole() {
        let long: Vec<u8> = (0..=255_u8).cycle().take(1_000_000).collect();
        for (length, step) in [(0, 1), (1000, 7), (500_000, 999), (2_000_000, 100_000)] {
            let place = InPlace::new(vec![0; length]);
            let mut seen = Vec::new();
            let mut see = |bytes: &[u8]| seen.extend_from_slice(bytes);
            let mut writer = place.overwriter(&mut see);
            for (count, bytes) in long.chunks(step).enumerate() {
                freed(&place, (count * step / 2).min(length));
                writer.write(bytes);
            }
            assert_eq!(writer.end(), long, "{length} {step}");
            assert_eq!(seen, long);
        }
    }
}
