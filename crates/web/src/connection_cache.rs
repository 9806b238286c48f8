//! The cache of the connections that were used last, each at one revision.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::OnceCell;
use vouchsafe::{BindingError, Connection, ConnectionId};
use vouchsafe_store::ConnectionRevision;

/// The time after which metadata that has ended is read again.
const READ_AGAIN_AFTER: TimeDelta = TimeDelta::minutes(1);

/// A connection as it was read from the store.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// The revision at which it was read.
    pub(crate) revision: u64,
    /// The size of its metadata in bytes.
    pub(crate) bytes: usize,
    /// Whether it would be the same if it was read again. If the application could not prepare it, preparation may
    /// succeed a moment later.
    pub(crate) lasts: bool,
    /// The time at which it was read.
    pub(crate) read_at: DateTime<Utc>,
    /// The connection, or the reason why it cannot be used.
    pub(crate) connection: Result<Connection, BindingError>,
}

impl Loaded {
    /// Returns whether it must be read again, because its metadata has ended and may have been renewed since: a renewal
    /// does not change the revision. If the metadata has really ended, it is read once a minute, and not for each request.
    pub(crate) fn is_outdated(&self, now: DateTime<Utc>) -> bool {
        let ends =
            self.connection.as_ref().ok().and_then(|connection| connection.identity_provider().valid_until());
        let age = now.signed_duration_since(self.read_at);
        ends.is_some_and(|end| end <= now) && !(TimeDelta::zero()..READ_AGAIN_AFTER).contains(&age)
    }
}

/// The place for a connection at one revision; `None` in it if the connection was not there. Other callers wait until
/// it is read, so each revision is read once.
pub(crate) type Place = Arc<OnceCell<Option<Loaded>>>;

/// A cache with a maximum number of connections and of bytes of metadata. It keeps those that were used last.
#[derive(Debug)]
pub(crate) struct ConnectionCache {
    pub(crate) most: usize,
    pub(crate) most_bytes: usize,
    bytes: usize,
    places: HashMap<ConnectionId, Used>,
    /// The connections by their last use, the least recent first.
    by_use: BTreeMap<u64, ConnectionId>,
    uses: u64,
}

#[derive(Debug)]
struct Used {
    revision: u64,
    last_use: u64,
    /// The size of the metadata in bytes, once it was read.
    bytes: usize,
    place: Place,
}

impl ConnectionCache {
    pub(crate) fn new(most: usize, most_bytes: usize) -> ConnectionCache {
        ConnectionCache {
            most: most.max(1),
            most_bytes,
            bytes: 0,
            places: HashMap::new(),
            by_use: BTreeMap::new(),
            uses: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// Returns the place of a connection at this revision. A place of another revision is removed.
    pub(crate) fn place(&mut self, wanted: &ConnectionRevision) -> Place {
        let known = self.remove(&wanted.id).filter(|used| used.revision == wanted.revision);
        let (place, bytes) = known.map(|used| (used.place, used.bytes)).unwrap_or_default();
        while self.places.len() >= self.most && self.forget_one() {}
        self.uses = self.uses.saturating_add(1);
        self.by_use.insert(self.uses, wanted.id.clone());
        let used = Used { revision: wanted.revision, last_use: self.uses, bytes, place: Arc::clone(&place) };
        self.bytes = self.bytes.saturating_add(bytes);
        self.places.insert(wanted.id.clone(), used);
        place
    }

    /// Sets the size of the metadata at a place, and removes the least recently used connections until all fit.
    pub(crate) fn weigh(&mut self, id: &ConnectionId, place: &Place, bytes: usize) {
        let used = self.places.get_mut(id).filter(|used| Arc::ptr_eq(&used.place, place));
        let Some(used) = used.filter(|used| used.bytes != bytes) else { return };
        self.bytes = self.bytes.saturating_sub(used.bytes).saturating_add(bytes);
        used.bytes = bytes;
        while self.bytes > self.most_bytes && self.forget_one() {}
    }

    /// Removes the least recently used connection, if there is one.
    fn forget_one(&mut self) -> bool {
        let longest_ago = self.by_use.first_key_value().map(|(_, id)| id.clone());
        longest_ago.and_then(|id| self.remove(&id)).is_some()
    }

    /// Removes a place, unless it was already replaced.
    pub(crate) fn forget(&mut self, id: &ConnectionId, place: &Place) {
        if self.places.get(id).is_some_and(|used| Arc::ptr_eq(&used.place, place)) {
            self.remove(id);
        }
    }

    fn remove(&mut self, id: &ConnectionId) -> Option<Used> {
        let used = self.places.remove(id)?;
        self.by_use.remove(&used.last_use);
        self.bytes = self.bytes.saturating_sub(used.bytes);
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
        let mut cache = ConnectionCache::new(2, 0);
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
    fn what_is_large_takes_the_room_of_several() {
        let mut cache = ConnectionCache::new(9, 100);
        let places = ["a", "b", "c"].map(|name| {
            let place = cache.place(&at(name, 1));
            cache.weigh(&ConnectionId::new(name).unwrap(), &place, 40);
            place
        });
        assert_eq!((names(&cache), cache.bytes), (vec!["b", "c"], 80));
        let (b, c) = (ConnectionId::new("b").unwrap(), ConnectionId::new("c").unwrap());
        // A repeated use counts once. A connection that was removed, or written meanwhile, does not count any more.
        cache.place(&at("b", 1));
        cache.weigh(&b, &places[1], 40);
        assert_eq!((names(&cache), cache.bytes), (vec!["c", "b"], 80));
        cache.place(&at("c", 2));
        cache.weigh(&c, &places[2], 90);
        assert_eq!((names(&cache), cache.bytes), (vec!["b", "c"], 40));
        cache.forget(&b, &places[1]);
        assert_eq!((names(&cache), cache.bytes), (vec!["c"], 0));
        let huge = cache.place(&at("d", 1));
        cache.weigh(&ConnectionId::new("d").unwrap(), &huge, 101);
        assert_eq!((names(&cache).len(), cache.bytes), (0, 0), "what has no room at all is not kept");
    }

    #[test]
    fn only_the_place_that_is_meant_is_forgotten() {
        let mut cache = ConnectionCache::new(0, 0);
        let id = ConnectionId::new("a").unwrap();
        let old = cache.place(&at("a", 1));
        let new = cache.place(&at("a", 2));
        cache.forget(&id, &old);
        assert_eq!(names(&cache), ["a"]);
        cache.forget(&id, &new);
        assert_eq!((names(&cache).len(), cache.len()), (0, 0));
    }
}
