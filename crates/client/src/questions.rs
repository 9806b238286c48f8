//! The limits of the requests to a server of the metadata query protocol.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// The largest number of requests at a time about entities that are known.
const OF_KNOWN: usize = 8;
/// The largest number of callers that wait for an answer about a known entity.
const WAITING_OF_KNOWN: usize = 512;
/// The largest number of requests at a time about entities that are not known.
const OF_NEW: usize = 8;
/// The largest number of callers that wait for an answer about an entity that is not known.
const WAITING_OF_NEW: usize = 128;
/// The time that a caller waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);
/// One more name that is not known is requested in this time.
const EVERY: Duration = Duration::from_millis(200);
/// The number of names that are not known, and are requested at once after a quiet time.
const AT_ONCE: u32 = 60;

/// The limits of the requests. The sender of a response, or of an artifact, chooses the name that is requested, so
/// names that are not known have places of their own and a rate. Entities that are known do not wait for them.
#[derive(Debug)]
pub(crate) struct Questions {
    of_known: Places,
    of_new: Places,
    new_names: Mutex<Rate>,
}

/// The places of one kind of requests.
#[derive(Debug)]
pub(crate) struct Places {
    asking: Semaphore,
    waiting: Semaphore,
}

/// A caller that waits for its turn until some time.
pub(crate) struct Waiting<'q> {
    places: &'q Places,
    _counted: SemaphorePermit<'q>,
    until: Instant,
}

impl Default for Questions {
    fn default() -> Questions {
        Questions {
            of_known: Places::new(OF_KNOWN, WAITING_OF_KNOWN),
            of_new: Places::new(OF_NEW, WAITING_OF_NEW),
            new_names: Mutex::new(Rate { spent: Duration::ZERO, at: Instant::now() }),
        }
    }
}

impl Questions {
    /// Begins to wait, unless too many wait already.
    pub(crate) fn wait(&self, is_known: bool) -> Option<Waiting<'_>> {
        let places = if is_known { &self.of_known } else { &self.of_new };
        let now = Instant::now();
        let until = now.checked_add(PATIENCE).unwrap_or(now);
        Some(Waiting { places, _counted: places.waiting.try_acquire().ok()?, until })
    }

    /// Counts a name that is not known, unless too many were requested a short time ago.
    pub(crate) fn count_new_name(&self) -> bool {
        self.new_names.lock().unwrap_or_else(PoisonError::into_inner).count(Instant::now())
    }
}

impl Places {
    fn new(asking: usize, waiting: usize) -> Places {
        Places { asking: Semaphore::new(asking), waiting: Semaphore::new(waiting) }
    }
}

impl<'q> Waiting<'q> {
    /// Waits for something else, such as another request about the same entity.
    pub(crate) async fn for_turn<T>(&self, turn: impl Future<Output = T>) -> Option<T> {
        tokio::time::timeout_at(self.until, turn).await.ok()
    }

    /// Waits for a place, which is held until it is dropped.
    pub(crate) async fn place(self) -> Option<SemaphorePermit<'q>> {
        // The semaphore is never closed.
        self.for_turn(self.places.asking.acquire()).await?.ok()
    }
}

/// A rate with a reserve: what was spent becomes less as time passes.
#[derive(Debug)]
struct Rate {
    spent: Duration,
    at: Instant,
}

impl Rate {
    fn count(&mut self, now: Instant) -> bool {
        self.spent = self.spent.saturating_sub(now.saturating_duration_since(self.at));
        self.at = self.at.max(now);
        let spent = self.spent.saturating_add(EVERY);
        let is_within = spent <= EVERY.saturating_mul(AT_ONCE);
        if is_within {
            self.spent = spent;
        }
        is_within
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn sixty_names_at_once_and_then_five_in_a_second() {
        let questions = Questions::default();
        let counted = || (0..1_000).filter(|_| questions.count_new_name()).count();
        assert_eq!(counted(), 60);
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(counted(), 10);
        tokio::time::advance(Duration::from_secs(3_600)).await;
        assert_eq!(counted(), 60, "an hour of quiet is not saved up");
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_goes_after_five_seconds_and_leaves_its_place_in_the_line() {
        let questions = Questions::default();
        let mut asking = Vec::new();
        for _ in 0..OF_NEW {
            asking.push(questions.wait(false).unwrap().place().await.unwrap());
        }
        let before = Instant::now();
        assert!(questions.wait(false).unwrap().place().await.is_none());
        assert_eq!(before.elapsed().as_secs(), PATIENCE.as_secs());
        let waiting: Vec<_> = (0..WAITING_OF_NEW + 1).filter_map(|_| questions.wait(false)).collect();
        assert_eq!(waiting.len(), WAITING_OF_NEW);
        assert!(
            questions.wait(true).unwrap().place().await.is_some(),
            "known entities have their own places"
        );
        drop((waiting, asking));
        assert!(questions.wait(false).unwrap().place().await.is_some());
    }
}
