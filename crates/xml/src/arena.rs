//! The parts of a [`Document`](crate::Document): flat vectors in document order, and spans into one string.

use std::collections::HashMap;

/// The index that means "no node": for the parent of the root, or if no element is omitted.
pub(crate) const NONE: u32 = u32::MAX;

/// The id of the empty prefix, and of "no namespace".
pub(crate) const EMPTY: u32 = 0;
/// The id of the prefix `xml`, and of its namespace.
pub(crate) const XML: u32 = 1;

/// A piece of the document's string.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Span {
    pub(crate) fn new(start: usize, end: usize) -> Self {
        Self { start: index(start), end: index(end) }
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.start >= self.end
    }

    pub(crate) const fn len(self) -> usize {
        self.end.saturating_sub(self.start) as usize
    }

    pub(crate) fn of(self, text: &str) -> &str {
        text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    pub(crate) fn bytes_of(self, text: &[u8]) -> &[u8] {
        text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// A node. Its descendants follow it in the arena, up to the index `end`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NodeRecord {
    pub(crate) parent: u32,
    pub(crate) end: u32,
    pub(crate) kind: NodeKind,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum NodeKind {
    /// The index of the element's record.
    Element(u32),
    Text(Span),
    Comment(Span),
    /// The index of the instruction's record. Instructions are rare, and so are kept out of the nodes, which are many.
    ProcessingInstruction(u32),
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct InstructionRecord {
    pub(crate) target: Span,
    pub(crate) data: Span,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ElementRecord {
    /// The qualified name.
    pub(crate) name: Span,
    /// The length of the prefix in bytes; 0 if there is none.
    pub(crate) prefix_length: u32,
    /// The id of the prefix.
    pub(crate) prefix: u32,
    /// The id of the namespace name.
    pub(crate) namespace: u32,
    pub(crate) attributes: Range,
    pub(crate) declarations: Range,
    /// The offset where the element ends in the source. It begins one byte before its name.
    pub(crate) source_end: u32,
}

/// A range of one of the arena's vectors.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Range {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Range {
    pub(crate) fn of<T>(self, items: &[T]) -> &[T] {
        items.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    pub(crate) const fn len(self) -> usize {
        self.end.saturating_sub(self.start) as usize
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct AttributeRecord {
    pub(crate) name: Span,
    pub(crate) prefix_length: u32,
    pub(crate) prefix: u32,
    pub(crate) namespace: u32,
    /// The value. It is a span of the source only if the text between the quotes has no escapes and no white space to
    /// normalise.
    pub(crate) value: Span,
}

/// A namespace declaration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Declaration {
    /// The id of the prefix.
    pub(crate) prefix: u32,
    /// The id of the namespace name.
    pub(crate) namespace: u32,
    /// The declaration of the same prefix that this one hides, as its index plus one; 0 if there is none.
    pub(crate) hidden: u32,
}

/// Gives each distinct string a number, so that all later steps compare numbers.
///
/// A few strings are compared one by one; many are hashed, so that a look-up takes constant time.
#[derive(Debug)]
pub(crate) struct Interner {
    /// The strings with the ids 2 and up.
    pub(crate) spans: Vec<Span>,
    /// The digests of the first few strings.
    digests: [Digest; FEW],
    /// The string with the id 1.
    first: &'static str,
    many: HashMap<Box<str>, u32>,
}

/// The number of strings that are compared one by one.
const FEW: usize = 16;

impl Interner {
    pub(crate) fn new(first: &'static str, capacity: usize) -> Self {
        Self {
            spans: Vec::with_capacity(capacity),
            digests: [Digest::default(); FEW],
            first,
            many: HashMap::new(),
        }
    }

    pub(crate) fn find<'t>(&self, string: &str, text_of: impl Fn(Span) -> &'t str) -> Option<u32> {
        if string.is_empty() {
            return Some(EMPTY);
        }
        if string == self.first {
            return Some(XML);
        }
        let digest = Digest::of(string);
        let mut few = self.spans.iter().zip(&self.digests);
        if let Some(position) = few.position(|(&span, known)| {
            *known == digest && (string.len() <= Digest::WHOLE || text_of(span) == string)
        }) {
            return Some(index(position).saturating_add(2));
        }
        if self.many.is_empty() { None } else { self.many.get(string).copied() }
    }

    /// Adds a string that was not found, and returns its id.
    pub(crate) fn add(&mut self, string: &str, span: Span) -> u32 {
        let id = index(self.spans.len()).saturating_add(2);
        match self.digests.get_mut(self.spans.len()) {
            Some(slot) => *slot = Digest::of(string),
            None => drop(self.many.insert(string.into(), id)),
        }
        self.spans.push(span);
        id
    }

    /// Returns the largest id plus one.
    pub(crate) fn count(&self) -> usize {
        self.spans.len().saturating_add(2)
    }
}

/// The last eight bytes and the length of a string. Digests of equal strings are equal, and those of other strings
/// rarely are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Digest {
    tail: u64,
    length: usize,
}

impl Digest {
    /// The length in bytes up to which a digest contains the whole string.
    const WHOLE: usize = 8;

    fn of(string: &str) -> Self {
        let bytes = string.as_bytes();
        let tail = match (bytes.last_chunk(), bytes.first_chunk(), bytes.last_chunk()) {
            (Some(tail), _, _) => u64::from_le_bytes(*tail),
            // Strings of four to seven bytes: some bytes are used twice.
            (_, Some(first), Some(last)) => {
                (u64::from(u32::from_le_bytes(*first)) << 32) | u64::from(u32::from_le_bytes(*last))
            }
            _ => bytes.iter().fold(0, |tail, &byte| (tail << 8) | u64::from(byte)),
        };
        Self { tail, length: bytes.len() }
    }
}

/// Converts an index to its stored form. Inputs are far too short to reach the maximum.
pub(crate) fn index(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}
