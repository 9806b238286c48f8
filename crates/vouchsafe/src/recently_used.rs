//! Remembers what was used most recently.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::mem;

/// Values by their keys, of which the most recently used ones are kept longest. At least the given number is kept, and
/// at most twice as many, so that nobody who invents keys makes it grow, or has everything read again at once.
///
/// ```
/// use vouchsafe::RecentlyUsed;
///
/// let mut sizes = RecentlyUsed::at_least(100);
/// sizes.insert("ada", 36);
/// assert_eq!(sizes.get(&"ada"), Some(&36));
/// assert_eq!(sizes.get(&"bob"), None);
/// assert_eq!(sizes.remove(&"ada"), Some(36));
/// assert!(sizes.is_empty());
/// ```
#[derive(Clone, Debug)]
pub struct RecentlyUsed<K, V = ()> {
    least: usize,
    recent: HashMap<K, V>,
    older: HashMap<K, V>,
}

impl<K: Eq + Hash, V> RecentlyUsed<K, V> {
    /// Keeps at least this number of keys, and at most twice as many. 0 counts as 1.
    #[must_use]
    pub fn at_least(least: usize) -> Self {
        Self { least: least.max(1), recent: HashMap::new(), older: HashMap::new() }
    }

    /// The value of a key, which is then the most recently used one.
    pub fn get<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        if let Some((key, value)) = self.older.remove_entry(key) {
            self.insert(key, value);
        }
        self.recent.get(key)
    }

    /// Keeps a value under a key, in place of the one that was there.
    pub fn insert(&mut self, key: K, value: V) {
        // The older value of the key must not come back.
        self.older.remove(&key);
        if self.recent.len() >= self.least && !self.recent.contains_key(&key) {
            self.older = mem::take(&mut self.recent);
        }
        self.recent.insert(key, value);
    }

    /// Removes a key, and returns its value.
    pub fn remove<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.recent.remove(key).or_else(|| self.older.remove(key))
    }

    /// The number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.recent.len().saturating_add(self.older.len())
    }

    /// Whether there are no keys.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::RecentlyUsed;

    #[test]
    fn a_key_in_use_is_kept_whatever_number_there_is() {
        let mut used = RecentlyUsed::at_least(100);
        used.insert("in use".to_owned(), 7);
        for number in 0..500 {
            used.insert(number.to_string(), number);
            assert!(number % 50 > 0 || used.get("in use") == Some(&7), "after {number} others");
            assert!(used.len() <= 200);
        }
        assert_eq!(["499", "400", "0"].map(|key| used.get(key).copied()), [Some(499), Some(400), None]);
        assert_eq!((used.remove("in use"), used.get("in use")), (Some(7), None));
    }

    #[test]
    fn a_key_has_one_value() {
        let mut used = RecentlyUsed::at_least(1);
        used.insert("a", 1);
        used.insert("b", 2);
        used.insert("a", 3);
        assert_eq!((used.get(&"a").copied(), used.len()), (Some(3), 2));
        used.insert("a", 4);
        assert_eq!((used.get(&"b").copied(), used.len()), (Some(2), 2), "a new value of a key needs no room");
        assert_eq!((used.remove(&"a"), used.get(&"a")), (Some(4), None));
    }

    #[test]
    fn one_is_kept_at_the_least() {
        let mut used = RecentlyUsed::at_least(0);
        used.insert(1, ());
        assert!(used.get(&1).is_some() && !used.is_empty());
    }
}
