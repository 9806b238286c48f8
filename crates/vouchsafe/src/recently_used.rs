//! Remembers what was used most recently.

use std::collections::HashSet;
use std::hash::Hash;
use std::mem;

/// Remembers keys. The most recently used ones are kept longest; at least [`LEAST`](Self::LEAST) and at most twice as many
/// are kept.
///
/// ```
/// use vouchsafe::RecentlyUsed;
///
/// let mut used = RecentlyUsed::default();
/// used.add("ada");
/// assert!(used.knows(&"ada") && !used.knows(&"bob"));
/// used.forget(&"ada");
/// assert!(!used.knows(&"ada"));
/// ```
#[derive(Clone, Debug)]
pub struct RecentlyUsed<K> {
    recent: HashSet<K>,
    older: HashSet<K>,
}

impl<K> Default for RecentlyUsed<K> {
    fn default() -> Self {
        Self { recent: HashSet::new(), older: HashSet::new() }
    }
}

impl<K: Eq + Hash> RecentlyUsed<K> {
    /// The least number of keys that are remembered.
    pub const LEAST: usize = 20_000;

    /// Whether the key is remembered. It is then the most recently used one.
    pub fn knows(&mut self, key: &K) -> bool {
        if self.recent.contains(key) {
            return true;
        }
        let Some(key) = self.older.take(key) else { return false };
        self.add(key);
        true
    }

    /// Remembers a key.
    pub fn add(&mut self, key: K) {
        if self.recent.len() >= Self::LEAST {
            self.older = mem::take(&mut self.recent);
        }
        self.recent.insert(key);
    }

    /// Forgets a key.
    pub fn forget(&mut self, key: &K) {
        self.recent.remove(key);
        self.older.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::RecentlyUsed;

    #[test]
    fn a_key_in_use_is_remembered_whatever_number_there_is() {
        const LEAST: usize = RecentlyUsed::<String>::LEAST;
        let mut used = RecentlyUsed::default();
        let in_use = "in use".to_owned();
        used.add(in_use.clone());
        for number in 0..5 * LEAST {
            used.add(number.to_string());
            assert!(number % 1_000 > 0 || used.knows(&in_use), "after {number} others");
        }
        assert!(used.knows(&(5 * LEAST - 1).to_string()) && !used.knows(&"0".to_owned()));
        assert!(used.recent.len() + used.older.len() <= 2 * LEAST);
        used.forget(&in_use);
        assert!(!used.knows(&in_use));
    }
}
