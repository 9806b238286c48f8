//! The current place in a piece, and the names, attributes and texts that are read there if they have a plain spelling.

use core::cmp::Ordering;

use memchr::memchr3;

use crate::arena::EMPTY;
use crate::{Limits, names};

/// The current place, and the part of the source that must still be copied.
pub(super) struct Place<'p, 'l> {
    pub(super) text: &'p str,
    pub(super) bytes: &'p [u8],
    pub(super) limits: &'l Limits,
    pub(super) at: usize,
    /// The offset from which nothing was written yet.
    pub(super) pending: usize,
    pub(super) nodes: usize,
}

impl<'p> Place<'p, '_> {
    #[inline]
    pub(super) fn byte(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    #[inline]
    pub(super) fn between(&self, start: usize, end: usize) -> &'p [u8] {
        self.bytes.get(start..end).unwrap_or_default()
    }

    #[inline]
    pub(super) fn words(&self, start: usize, end: usize) -> &'p str {
        self.text.get(start..end).unwrap_or_default()
    }

    /// Returns the prefix of a name.
    #[inline]
    pub(super) fn prefix(&self, name: usize, length: usize) -> &'p str {
        self.words(name, name.saturating_add(length))
    }

    /// Returns the prefix that the attribute declares, if it is a declaration.
    #[inline]
    pub(super) fn declared(&self, item: &Item) -> Option<&'p str> {
        match self.words(item.start, item.name_end).strip_prefix("xmlns")? {
            "" => Some(""),
            named => named.strip_prefix(':'),
        }
    }

    /// Returns where the name at this offset ends, and the length of its prefix.
    #[inline]
    pub(super) fn name(&self, at: usize) -> Result<(usize, usize), NotPlain> {
        match names::leading_name(self.bytes.get(at..).unwrap_or_default()) {
            Some((length, prefix_length)) if length <= self.limits.name_bytes => {
                Ok((at.saturating_add(length), prefix_length))
            }
            _ => Err(NotPlain),
        }
    }

    /// Reads the attribute at this offset. Its value must be in double quotes and without references.
    #[inline]
    pub(super) fn attribute(&self, at: usize) -> Result<Item, NotPlain> {
        let (name_end, prefix_length) = self.name(at)?;
        let from = name_end.saturating_add(2);
        if self.between(name_end, from) != b"=\"" {
            return Err(NotPlain);
        }
        let rest = self.bytes.get(from..).unwrap_or_default();
        let length = memchr3(b'"', b'<', b'&', rest).ok_or(NotPlain)?;
        let value = rest.get(..length).unwrap_or_default();
        // There is no early exit, so that the compiler can use vector instructions.
        let is_plain = value.iter().fold(true, |plain, &byte| plain & (byte >= b' '));
        if !is_plain || rest.get(length) != Some(&b'"') || length > self.limits.value_bytes {
            return Err(NotPlain);
        }
        let end = from.saturating_add(length).saturating_add(1);
        let mut item = Item { start: at, prefix_length, name_end, end, namespace: EMPTY, beginning: 0 };
        item.beginning = item.beginning(self.bytes);
        Ok(item)
    }

    /// Reads the text up to the next tag.
    #[inline]
    pub(super) fn text(&mut self) -> Result<(), NotPlain> {
        let start = self.at;
        let mut at = start;
        loop {
            let rest = self.bytes.get(at..).unwrap_or_default();
            let found = memchr3(b'<', b'&', b'>', rest).ok_or(NotPlain)?;
            at = at.saturating_add(found);
            let rest = rest.get(found..).unwrap_or_default();
            if rest.starts_with(b"<") {
                break;
            }
            let reference: [&[u8]; 3] = [b"&amp;", b"&lt;", b"&gt;"];
            let reference = reference.iter().find(|reference| rest.starts_with(reference)).ok_or(NotPlain)?;
            at = at.saturating_add(reference.len());
        }
        if at > start {
            self.nodes = self.nodes.saturating_add(1);
        }
        if at.saturating_sub(start) > self.limits.value_bytes || self.nodes > self.limits.nodes {
            return Err(NotPlain);
        }
        self.at = at;
        Ok(())
    }
}

/// The places of an attribute of a start tag.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    pub(super) start: usize,
    pub(super) prefix_length: usize,
    pub(super) name_end: usize,
    /// The offset after the closing quote.
    pub(super) end: usize,
    pub(super) namespace: u32,
    /// The first eight bytes of the local name, which are nearly always enough to compare it.
    beginning: u64,
}

impl Item {
    /// Returns the first eight bytes. No byte of a name is zero, so a shorter name sorts before a longer one with the
    /// same beginning.
    #[inline]
    fn beginning(&self, bytes: &[u8]) -> u64 {
        let name = self.local_name(bytes);
        match name.first_chunk() {
            Some(first) => u64::from_be_bytes(*first),
            None => {
                (0..8).fold(0, |all, place| (all << 8) | u64::from(name.get(place).copied().unwrap_or(0)))
            }
        }
    }

    #[inline]
    pub(super) fn compare_names(&self, other: &Item, bytes: &[u8]) -> Ordering {
        let rest = || self.local_name(bytes).cmp(other.local_name(bytes));
        self.beginning.cmp(&other.beginning).then_with(rest)
    }

    #[inline]
    fn local_name<'p>(&self, bytes: &'p [u8]) -> &'p [u8] {
        let colon = usize::from(self.prefix_length > 0);
        let start = self.start.saturating_add(self.prefix_length).saturating_add(colon);
        bytes.get(start..self.name_end).unwrap_or_default()
    }
}

/// The piece has another spelling. The part of it that was written must be discarded.
pub(super) struct NotPlain;
