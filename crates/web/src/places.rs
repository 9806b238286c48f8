//! Places that are taken, released and waited for, with a limit for each key.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

/// A limited number of places for each key. A key is remembered as long as a place of it is taken or waited for.
pub(crate) struct Places<K> {
    limit: usize,
    /// One key may use this part of the queue, so that a flood of one key leaves room for the others.
    part: usize,
    by_key: Mutex<HashMap<K, Arc<Line>>>,
}

/// The places of one key, and the callers that wait for one.
struct Line {
    free: Semaphore,
    waiting: Waiting,
}

impl<K: Eq + Hash + Clone> Places<K> {
    pub(crate) fn new(limit: usize) -> Arc<Places<K>> {
        Places::with(limit, 2)
    }

    fn with(limit: usize, part: usize) -> Arc<Places<K>> {
        let limit = limit.clamp(1, Semaphore::MAX_PERMITS);
        Arc::new(Places { limit, part, by_key: Mutex::default() })
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Takes a place, if one is free.
    pub(crate) fn take_now(self: &Arc<Self>, key: &K) -> Option<Place<K>> {
        let mut place = self.beside(key);
        place.take_now().then_some(place)
    }

    /// Takes a place as soon as one is free, in the order of the calls, and not later than the queue allows.
    pub(crate) async fn take(self: &Arc<Self>, key: &K, queue: &Queue, wait: Wait) -> Option<Place<K>> {
        let mut place = self.beside(key);
        (place.take_now() || place.wait(queue, wait).await).then_some(place)
    }

    /// The number of remembered keys.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.by_key().len()
    }

    /// Returns a place that is not taken yet, in the line of its key.
    fn beside(self: &Arc<Self>, key: &K) -> Place<K> {
        let mut by_key = self.by_key();
        let line = by_key.entry(key.clone()).or_insert_with(|| {
            Arc::new(Line { free: Semaphore::new(self.limit), waiting: Waiting::default() })
        });
        let line = Some(Arc::clone(line));
        Place { places: Arc::clone(self), key: key.clone(), line, is_taken: false }
    }

    fn by_key(&self) -> MutexGuard<'_, HashMap<K, Arc<Line>>> {
        self.by_key.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places<()> {
    /// Makes places that everybody shares, with the whole queue.
    pub(crate) fn of_all(limit: usize) -> Arc<Places<()>> {
        Places::with(limit, 1)
    }
}

/// A place that is held until it is dropped.
pub(crate) struct Place<K: Eq + Hash> {
    places: Arc<Places<K>>,
    key: K,
    line: Option<Arc<Line>>,
    is_taken: bool,
}

impl<K: Eq + Hash> Place<K> {
    fn take_now(&mut self) -> bool {
        let permit = self.line.as_ref().and_then(|line| line.free.try_acquire().ok());
        self.is_taken = permit.map(SemaphorePermit::forget).is_some();
        self.is_taken
    }

    async fn wait(&mut self, queue: &Queue, wait: Wait) -> bool {
        let Some(line) = &self.line else { return false };
        let part = |whole: usize| whole.div_ceil(self.places.part.max(1));
        let own = line.waiting.begin(wait.bytes, part(queue.most), part(queue.most_bytes));
        let among_all = queue.waiting.begin(wait.bytes, queue.most, queue.most_bytes);
        let (Some(_own), Some(_among_all)) = (own, among_all) else { return false };
        let permit = timeout_at(wait.until, line.free.acquire()).await;
        self.is_taken = permit.ok().and_then(Result::ok).map(SemaphorePermit::forget).is_some();
        self.is_taken
    }
}

impl<K: Eq + Hash> Drop for Place<K> {
    fn drop(&mut self) {
        let mut by_key = self.places.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = self.line.take().filter(|_| self.is_taken) {
            line.free.add_permits(1);
        }
        if by_key.get(&self.key).is_some_and(|line| Arc::strong_count(line) == 1) {
            by_key.remove(&self.key);
        }
    }
}

impl<K> fmt::Debug for Places<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Places").field("limit", &self.limit).finish_non_exhaustive()
    }
}

impl<K: Eq + Hash> fmt::Debug for Place<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").field("is_taken", &self.is_taken).finish_non_exhaustive()
    }
}

/// The limits of waiting: the number of callers and their bytes altogether, and the time for each.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) most: usize,
    pub(crate) most_bytes: usize,
    pub(crate) at_most: Duration,
    waiting: Waiting,
}

impl Queue {
    pub(crate) fn new(most: usize, most_bytes: usize, at_most: Duration) -> Queue {
        Queue { most, most_bytes, at_most, waiting: Waiting::default() }
    }

    /// Returns a queue with the same limits, in which nobody waits.
    pub(crate) fn alike(&self) -> Queue {
        Queue::new(self.most, self.most_bytes, self.at_most)
    }

    /// Returns the limits for a caller that waits from now on with this number of bytes.
    pub(crate) fn wait(&self, bytes: usize) -> Wait {
        let now = Instant::now();
        Wait { until: now.checked_add(self.at_most).unwrap_or(now), bytes }
    }
}

/// The time until which a caller waits, and the number of bytes that it holds meanwhile.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    until: Instant,
    bytes: usize,
}

impl Wait {
    pub(crate) fn bytes(self) -> usize {
        self.bytes
    }
}

/// The number of waiting callers, and the bytes that they hold.
#[derive(Debug, Default)]
struct Waiting {
    count: AtomicUsize,
    bytes: AtomicUsize,
}

impl Waiting {
    /// Adds a waiting caller, unless the maximum number or the maximum of bytes is reached.
    fn begin(&self, bytes: usize, most: usize, most_bytes: usize) -> Option<(Counted<'_>, Counted<'_>)> {
        Some((Counted::begin(&self.count, 1, most)?, Counted::begin(&self.bytes, bytes, most_bytes)?))
    }

    #[cfg(test)]
    fn now(&self) -> (usize, usize) {
        (self.count.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed))
    }
}

/// An amount that is counted until this is dropped.
struct Counted<'c> {
    total: &'c AtomicUsize,
    amount: usize,
}

impl<'c> Counted<'c> {
    fn begin(total: &'c AtomicUsize, amount: usize, most: usize) -> Option<Counted<'c>> {
        let more = |total: usize| total.checked_add(amount).filter(|total| *total <= most);
        total.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok().map(|_| Counted { total, amount })
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.total.fetch_sub(self.amount, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_waits_comes_in_turn_and_not_for_ever() {
        let places = Places::new(1);
        let queue = Queue::new(2, 100, Duration::from_millis(200));
        let held = places.take_now(&1).unwrap();
        assert!(places.take_now(&1).is_none());
        assert!(places.take_now(&2).is_some(), "another key has places of its own");
        assert!(places.take(&1, &queue, queue.wait(1)).await.is_none(), "nobody gives it back");

        let [first, second] = [Arc::clone(&places), Arc::clone(&places)];
        let queue = Arc::new(Queue::new(2, 100, Duration::from_secs(60)));
        let waits = Arc::clone(&queue);
        let waiting = tokio::spawn(async move { first.take(&1, &waits, waits.wait(1)).await.is_some() });
        while queue.waiting.now().0 == 0 {
            tokio::task::yield_now().await;
        }
        // One of two is half of the queue.
        assert!(second.take(&1, &queue, queue.wait(1)).await.is_none());
        drop(held);
        assert!(waiting.await.unwrap());
        assert_eq!((places.len(), queue.waiting.now()), (0, (0, 0)));
    }

    /// A waiting browser disconnects.
    #[tokio::test]
    async fn what_is_given_up_is_given_back() {
        let places = Places::new(1);
        let queue = Arc::new(Queue::new(8, 100, Duration::from_secs(60)));
        let held = places.take_now(&1).unwrap();
        let (shared, waits) = (Arc::clone(&places), Arc::clone(&queue));
        let waiting = tokio::spawn(async move { shared.take(&1, &waits, waits.wait(1)).await });
        while queue.waiting.now().0 == 0 {
            tokio::task::yield_now().await;
        }
        waiting.abort();
        assert!(waiting.await.unwrap_err().is_cancelled());
        assert_eq!(queue.waiting.now(), (0, 0));
        drop(held);
        assert!(places.take_now(&1).is_some());
        assert_eq!(places.len(), 0);
    }

    /// A waiting message is held in memory, so its size counts too: altogether, and half of the limit for one key.
    #[tokio::test]
    async fn large_messages_wait_in_smaller_number() {
        let places = Places::new(1);
        let queue = Arc::new(Queue::new(1_000, 100, Duration::from_secs(60)));
        let held: Vec<_> = [1, 2, 3].iter().map(|key| places.take_now(key).unwrap()).collect();
        let mut waiting = Vec::new();
        for (key, bytes) in [(1, 30), (2, 40)] {
            let (places, waits) = (Arc::clone(&places), Arc::clone(&queue));
            let before = queue.waiting.now().0;
            waiting.push(tokio::spawn(async move { places.take(&key, &waits, waits.wait(bytes)).await }));
            while queue.waiting.now().0 == before {
                tokio::task::yield_now().await;
            }
        }
        assert_eq!(queue.waiting.now(), (2, 70));
        for (key, bytes) in [(1, 21), (3, 31), (3, usize::MAX)] {
            assert!(places.take(&key, &queue, queue.wait(bytes)).await.is_none(), "{key} {bytes}");
            assert_eq!(queue.waiting.now(), (2, 70), "who is refused is not counted");
        }
        drop(held);
        for one in waiting {
            assert!(one.await.unwrap().is_some());
        }
        assert_eq!((places.len(), queue.waiting.now()), (0, (0, 0)));
        assert!(
            places.take(&1, &queue, queue.wait(usize::MAX)).await.is_some(),
            "who does not wait needs no room"
        );
    }
}
