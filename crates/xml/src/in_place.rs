//! A buffer whose beginning is overwritten while the rest is read. It is never written further than it was read.
//!
//! A canonical form is often a little longer than what it was made of, so that some written bytes have to wait. They wait in a ring behind
//! the document, in the same buffer: when the document is read to its end, they stand where they belong but for a rotation of the ring, and
//! the memory is that of the document and of the longest form that had to wait.

use core::cell::{Cell, RefCell};
use core::fmt;
use core::ops::Range;

use crate::canonical::Sink;
use crate::{Document, Limits, NamespaceScope, XmlError};

/// The smallest length in bytes of the ring.
const RING: usize = 64 * 1024;
/// Waiting bytes are moved into the buffer when there is room for this number of bytes.
const ENOUGH: usize = 4 * 1024;

/// A document whose bytes may be overwritten after they were read.
pub(crate) struct InPlace {
    /// The document, and behind it the ring.
    buffer: RefCell<Vec<u8>>,
    /// The length of the document.
    length: usize,
    /// The offset up to which the bytes of the document are not needed any more.
    free: Cell<usize>,
}

/// A writer to the beginning of the buffer. It keeps the bytes for which there is no room yet.
pub(crate) struct Overwriter<'b> {
    place: &'b InPlace,
    /// Called with all bytes that are written.
    see: &'b mut dyn FnMut(&[u8]),
    written: usize,
    /// The place of the first waiting byte in the ring.
    first: usize,
    /// The number of waiting bytes.
    waiting: usize,
}

impl InPlace {
    pub(crate) fn new(document: Vec<u8>) -> InPlace {
        InPlace { length: document.len(), buffer: RefCell::new(document), free: Cell::new(0) }
    }

    pub(crate) fn overwriter<'b>(&'b self, see: &'b mut dyn FnMut(&[u8])) -> Overwriter<'b> {
        Overwriter { place: self, see, written: 0, first: 0, waiting: 0 }
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
        self.free.set(range.end.min(self.length));
        Ok(piece)
    }

    /// Reads a piece with a function. Everything before it was read already. The piece is needed again if the function
    /// returns `None`.
    pub(crate) fn read<T>(&self, range: &Range<usize>, read: impl FnOnce(&[u8]) -> Option<T>) -> Option<T> {
        let buffer = self.buffer.borrow();
        let made = read(buffer.get(range.clone()).unwrap_or_default())?;
        self.free.set(range.end.min(self.length));
        Some(made)
    }
}

impl fmt::Debug for InPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InPlace").field("free", &self.free).finish_non_exhaustive()
    }
}

impl Overwriter<'_> {
    /// Returns what was written, in the buffer of the document.
    pub(crate) fn end(mut self) -> Vec<u8> {
        self.place.free.set(self.place.length);
        self.settle();
        let mut buffer = self.place.buffer.take();
        if self.waiting > 0 {
            // Everything before the ring is written.
            if let Some(ring) = buffer.get_mut(self.place.length..) {
                ring.rotate_left(self.first.min(ring.len()));
            }
        }
        let has_ring = buffer.len() > self.place.length;
        buffer.truncate(self.written.saturating_add(self.waiting));
        if has_ring {
            buffer.shrink_to_fit();
        }
        buffer
    }

    /// Moves waiting bytes to where the document is not needed any more.
    fn settle(&mut self) {
        let mut buffer = self.place.buffer.borrow_mut();
        let ring = buffer.len().saturating_sub(self.place.length);
        // At most up to the end of the ring, and then from its beginning.
        for _ in 0..2 {
            let together = self.waiting.min(ring.saturating_sub(self.first));
            let count = together.min(self.room());
            let from = self.place.length.saturating_add(self.first);
            let end = from.saturating_add(count);
            if count == 0 || end > buffer.len() {
                return;
            }
            buffer.copy_within(from..end, self.written);
            self.written = self.written.saturating_add(count);
            self.waiting = self.waiting.saturating_sub(count);
            self.first = self.first.saturating_add(count);
            if self.first >= ring {
                self.first = 0;
            }
        }
    }

    fn room(&self) -> usize {
        self.place.free.get().saturating_sub(self.written)
    }

    /// Keeps bytes for which there is no room yet.
    fn keep(&mut self, bytes: &[u8]) {
        let mut buffer = self.place.buffer.borrow_mut();
        let all = self.waiting.saturating_add(bytes.len());
        if all > buffer.len().saturating_sub(self.place.length) {
            self.lengthen(&mut buffer, all);
        }
        let Some(ring) = buffer.get_mut(self.place.length..) else { return };
        let behind = self.first.saturating_add(self.waiting);
        let start = if behind < ring.len() { behind } else { behind.saturating_sub(ring.len()) };
        let (to_the_end, rest) = bytes.split_at(bytes.len().min(ring.len().saturating_sub(start)));
        put(ring, start, to_the_end);
        put(ring, 0, rest);
        self.waiting = all;
    }

    /// Makes the ring long enough for this number of bytes, and a little longer.
    fn lengthen(&mut self, buffer: &mut Vec<u8>, needed: usize) {
        let ring = buffer.len().saturating_sub(self.place.length);
        let longer = needed.saturating_add(self.more(needed)).max(RING);
        let length = self.place.length.saturating_add(longer);
        if length > buffer.capacity() {
            // Some allocators copy the document for it, so it is done seldom. Memory that is not used is not resident.
            let more = longer.max(self.place.length / 16);
            buffer.reserve_exact(self.place.length.saturating_add(more).saturating_sub(buffer.len()));
        }
        buffer.resize(length, 0);
        // What stood from the first waiting byte to the end of the ring stands at its end again.
        let wraps = self.first.saturating_add(self.waiting) > ring;
        if wraps && self.first > 0 {
            let from = self.place.length.saturating_add(self.first);
            let end = self.place.length.saturating_add(ring);
            let moved = longer.saturating_sub(ring);
            buffer.copy_within(from..end, from.saturating_add(moved));
            self.first = self.first.saturating_add(moved);
        }
    }

    /// Returns by how much the ring is lengthened beyond the number of bytes that wait: an eighth, but not more than will wait
    /// if the rest of the document makes the form longer as the first part did, and not less than a 64th.
    fn more(&self, waiting: usize) -> usize {
        let read = self.place.free.get();
        let rest = self.place.length.saturating_sub(read);
        let expected = waiting.saturating_mul(rest).checked_div(read).unwrap_or(usize::MAX);
        expected.clamp(waiting / 64, waiting / 8)
    }

    /// Writes as many of these bytes as there is room for. Returns their number.
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

/// Copies bytes to a place where they have room.
fn put(ring: &mut [u8], start: usize, bytes: &[u8]) {
    if let Some(place) = ring.get_mut(start..start.saturating_add(bytes.len())) {
        place.copy_from_slice(bytes);
    }
}

impl Sink for Overwriter<'_> {
    fn write(&mut self, bytes: &[u8]) {
        (self.see)(bytes);
        if self.waiting > 0 && self.room() >= ENOUGH {
            self.settle();
        }
        let mut rest = bytes;
        if self.waiting == 0 {
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

    fn document(place: &InPlace) -> Vec<u8> {
        place.buffer.borrow().get(..place.length).unwrap_or_default().to_vec()
    }

    #[test]
    fn nothing_is_written_over_that_was_not_read() {
        let place = InPlace::new(b"<a/><b/><c/>".to_vec());
        let mut see = |_: &[u8]| {};
        let mut writer = place.overwriter(&mut see);
        writer.write(b"12345678");
        assert_eq!(document(&place), b"<a/><b/><c/>");
        freed(&place, 4);
        writer.write(b"9");
        assert_eq!(document(&place), b"<a/><b/><c/>", "what waits comes first");
        writer.settle();
        assert_eq!(document(&place), b"1234<b/><c/>");
        let (scope, limits) = (NamespaceScope::empty(), Limits::default());
        assert!(place.parse(&(4..8), &scope, &limits).is_ok());
        writer.settle();
        assert_eq!(document(&place), b"12345678<c/>");
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
    /// Pieces of any length, read at any pace: the form is whole, and the memory is that of the document and of what had to wait.
    #[test]
    fn whatever_waits_comes_out_in_its_order() {
        let long: Vec<u8> = (0..=250_u8).cycle().take(3_000_000).collect();
        let mut state = 20_261_129_u64;
        let mut next = |most: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap() % most
        };
        for round in 0..60 {
            let length = next(2_500_000);
            let place = InPlace::new(vec![0; length]);
            let mut see = |_: &[u8]| {};
            let mut writer = place.overwriter(&mut see);
            let (mut written, mut read, mut most_waited) = (0, 0, 0);
            while written < long.len() {
                let end = (written + 1 + next(40_000)).min(long.len());
                writer.write(&long[written..end]);
                written = end;
                most_waited = most_waited.max(writer.waiting);
                // Now slowly, now fast, now not at all.
                read = (read + next(60_000) * next(3)).min(length);
                freed(&place, read);
            }
            let buffer = place.buffer.borrow().len();
            assert!(buffer <= length + RING + most_waited + most_waited / 8 + 40_000, "{round}");
            let form = writer.end();
            assert!(form == long, "{round}");
            assert!(form.capacity() <= length.max(long.len()), "{round}");
        }
    }
}
