//! A page of a list, and its limits.

use serde_json::{Map, Value};

use crate::{Limits, query::Query};

/// The resources on a page, and how many more it may contain.
pub(super) struct Page {
    pub(super) documents: Vec<Map<String, Value>>,
    /// The number of the last resource.
    pub(super) last: Option<u64>,
    /// How many members, or groups, all resources have together, if that is counted.
    pub(super) members: Option<usize>,
    /// How many bytes all resources have together.
    bytes: usize,
    most: usize,
    most_bytes: usize,
    /// Whether the page ends early because it would be too large.
    pub(super) is_cut: bool,
}

impl Page {
    pub(super) fn of(query: &Query, limits: &Limits) -> Page {
        Page {
            documents: Vec::new(),
            last: None,
            members: None,
            bytes: 0,
            most: query.page(limits),
            most_bytes: limits.page_bytes,
            is_cut: false,
        }
    }

    /// How many more resources the page may contain.
    pub(super) fn room(&self) -> usize {
        if self.is_cut { 0 } else { self.most.saturating_sub(self.documents.len()) }
    }

    /// Adds a resource, unless the page would become too large. The first resource is always added.
    pub(super) fn add(&mut self, number: u64, document: Map<String, Value>) {
        let bytes = self.bytes.saturating_add(written_bytes(&document));
        let has_room = self.documents.is_empty() || bytes <= self.most_bytes;
        if self.is_cut || !has_room {
            self.is_cut = true;
            return;
        }
        self.bytes = bytes;
        self.last = Some(number);
        self.documents.push(document);
    }
}

/// How many bytes a document has when it is written.
fn written_bytes(document: &Map<String, Value>) -> usize {
    struct Counted(usize);
    impl std::io::Write for Counted {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 = self.0.saturating_add(bytes.len());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut counted = Counted(0);
    match serde_json::to_writer(&mut counted, document) {
        Ok(()) => counted.0,
        Err(_) => usize::MAX,
    }
}
