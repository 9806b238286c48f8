//! The connections that were used last, each as it was at one revision.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tokio::sync::OnceCell;
use vouchsafe::{BindingError, Connection, ConnectionId};
use vouchsafe_store::ConnectionRevision;

/// A connection as it was read from the store.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// At which revision it was.
    pub(crate) revision: u64,
    /// The connection, or why it cannot be used.
    pub(crate) connection: Result<Connection, BindingError>,
}

/// Where a connection at one revision is put once it was read; `None` if it was not there. Whoever asks meanwhile waits for it, so that
/// each revision is read once.
pub(crate) type Place = Arc<OnceCell<Option<Loaded>>>;

/// So many connections at most; of those the ones that were used last.
#[derive(Debug)]
pub(crate) struct ConnectionCache {
    most: usize,
    places: HashMap<ConnectionId, Used>,
    /// The connections by their last use, the longest ago first.
    by_use: BTreeMap<u64, ConnectionId>,
    uses: u64,
}

#[derive(Debug)]
struct Used {
    revision: u64,
    last_use: u64,
    place: Place,
}

impl ConnectionCache {
    pub(crate) fn new(most: usize) -> ConnectionCache {
        ConnectionCache { most: most.max(1), places: HashMap::new(), by_use: BTreeMap::new(), uses: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// The place of a connection at this revision. What was there at another revision is forgotten.
    pub(crate) fn place(&mut self, wanted: &ConnectionRevision) -> Place {
        let known = self.remove(&wanted.id).filter(|used| used.revision == wanted.revision);
        let place = known.map(|used| used.place).unwrap_or_default();
        while self.places.len() >= self.most {
            let Some((_, longest_ago)) = self.by_use.pop_first() else { break };
            self.places.remove(&longest_ago);
        }
        self.uses = self.uses.saturating_add(1);
        self.by_use.insert(self.uses, wanted.id.clone());
        let used = Used { revision: wanted.revision, last_use: self.uses, place: Arc::clone(&place) };
        self.places.insert(wanted.id.clone(), used);
        place
    }

    /// Forgets a place, unless another is there by now.
    pub(crate) fn forget(&mut self, id: &ConnectionId, place: &Place) {
        if self.places.get(id).is_some_and(|used| Arc::ptr_eq(&used.place, place)) {
            self.remove(id);
        }
    }

    fn remove(&mut self, id: &ConnectionId) -> Option<Used> {
        let used = self.places.remove(id)?;
        self.by_use.remove(&used.last_use);
        Some(used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(name: &str, revision: u64) -> ConnectionRevision {
        ConnectionRevision::new(ConnectionId::new(name).unwrap(), revision)
    }

    fn names(cache: &ConnectionCache) -> Vec<&str> {
        assert_eq!(cache.places.len(), cache.by_use.len());
        cache.by_use.values().map(ConnectionId::as_str).collect()
    }

    #[test]
    fn what_was_used_last_stays() {
        let mut cache = ConnectionCache::new(2);
        let first = cache.place(&at("a", 1));
        cache.place(&at("b", 1));
        assert!(Arc::ptr_eq(&first, &cache.place(&at("a", 1))));
        cache.place(&at("c", 1));
        assert_eq!(names(&cache), ["a", "c"]);
        assert!(Arc::ptr_eq(&first, &cache.place(&at("a", 1))));
        assert!(!Arc::ptr_eq(&first, &cache.place(&at("a", 2))), "another revision is another place");
        assert!(!Arc::ptr_eq(&first, &cache.place(&at("a", 1))), "also back to an earlier one");
        assert_eq!(names(&cache), ["c", "a"]);
    }

    #[test]
    fn only_the_place_that_is_meant_is_forgotten() {
        let mut cache = ConnectionCache::new(0);
        let id = ConnectionId::new("a").unwrap();
        let old = cache.place(&at("a", 1));
        let new = cache.place(&at("a", 2));
        cache.forget(&id, &old);
        assert_eq!(names(&cache), ["a"]);
        cache.forget(&id, &new);
        assert_eq!((names(&cache).len(), cache.len()), (0, 0));
    }
}
