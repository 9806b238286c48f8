//! The namespace of each prefix, both as numbers.

use crate::arena::{EMPTY, Interner, Span, XML};

/// The largest number of different prefixes, and of different namespace names, that are stored.
pub(super) const MOST: usize = 64;

/// The namespace of each prefix.
#[derive(Clone, Debug, Default)]
pub(super) struct Bindings {
    /// The binding in the document.
    pub(super) source: Vec<u32>,
    /// The binding in the output.
    pub(super) output: Vec<u32>,
    /// The number of prefixes that the document has declared.
    pub(super) count: usize,
}

#[inline]
pub(super) fn bound(bindings: &[u32], prefix: u32) -> u32 {
    bindings.get(prefix as usize).copied().unwrap_or(EMPTY)
}

/// Binds the prefix, and returns its binding before.
#[inline]
pub(super) fn set(bindings: &mut [u32], prefix: u32, namespace: u32) -> u32 {
    bindings.get_mut(prefix as usize).map_or(EMPTY, |place| core::mem::replace(place, namespace))
}

/// A small set of strings with numbers.
#[derive(Debug)]
pub(super) struct Strings {
    ids: Interner,
    text: String,
    first: &'static str,
}

impl Strings {
    pub(super) fn new(first: &'static str) -> Strings {
        Strings { ids: Interner::new(first, 8), text: String::new(), first }
    }

    #[inline]
    pub(super) fn known(&self, string: &str) -> Option<u32> {
        self.ids.find(string, |span| span.of(&self.text))
    }

    /// Returns the number of the string, which may be new; `None` if there are too many strings.
    #[inline]
    pub(super) fn id(&mut self, string: &str) -> Option<u32> {
        if let Some(id) = self.ids.find(string, |span| span.of(&self.text)) {
            return Some(id);
        }
        if self.ids.spans.len() >= MOST {
            return None;
        }
        let start = self.text.len();
        self.text.push_str(string);
        Some(self.ids.add(string, Span::new(start, self.text.len())))
    }

    #[inline]
    pub(super) fn of(&self, id: u32) -> &str {
        match id {
            EMPTY => "",
            XML => self.first,
            id => self.ids.spans.get(id.saturating_sub(2) as usize).map_or("", |span| span.of(&self.text)),
        }
    }
}
