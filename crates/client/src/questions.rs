//! The limits of the requests to a server of the metadata query protocol.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;
use vouchsafe::{RequestLimiter, RequestRate};

/// The limits of a [`MetadataQuery`](crate::MetadataQuery). The sender of a response, or of an artifact, chooses the name
/// that is requested, so names that are not known have places of their own and a rate. Entities that are known do not wait
/// for them: those that were found before, in memory or in a [copy](crate::MetadataQuery::keeping_copies_in), and those
/// that the application [expects](crate::MetadataQuery::set_expected). The limits are those of one `MetadataQuery`, so
/// those of several processes add up. 0 counts as 1.
///
/// ```
/// use vouchsafe::RequestRate;
/// use vouchsafe_client::QueryLimits;
///
/// // A service of a whole country: 20 new names in a second, and 200 at once after a quiet time.
/// let mut limits = QueryLimits::default();
/// limits.new_names = RequestRate { per_second: 20, burst: 200 };
/// # let _ = limits;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueryLimits {
    /// How many names that are not known are requested. The default is 60 at once after a quiet time, for a lecture hall
    /// whose people come from as many universities, and then 5 in a second: 18,000 names an hour, which is more than the
    /// largest federation has (eduGAIN: about 10,000), and a load that each server can bear.
    pub new_names: RequestRate,
    /// The largest number of requests at a time about entities that are not known. The default is 8, as many as refreshers
    /// send.
    pub requests_of_new: usize,
    /// The largest number of callers that wait for an answer about an entity that is not known. The default is 128, 16 for
    /// each request; each holds a connection of a browser.
    pub waiting_for_new: usize,
    /// The largest number of requests at a time about entities that are known. The default is 8.
    pub requests_of_known: usize,
    /// The largest number of callers that wait for an answer about a known entity. The default is 512.
    pub waiting_for_known: usize,
    /// The time that a caller waits for its turn. The default is 5 seconds; people reload a page that takes longer.
    pub patience: Duration,
    /// The largest number of entities that are kept in memory, and of copies in the folder. The default is 10,000, the size of eduGAIN; each has about 10 KB. If
    /// there are more, those that were not used for longest are removed.
    pub entities: usize,
    /// The time for which the answer that an entity is unknown is used. The default is 10 minutes, as in OpenSAML
    /// (`negativeLookupCacheDuration`).
    pub unknown_for: Duration,
}

impl Default for QueryLimits {
    fn default() -> QueryLimits {
        QueryLimits {
            new_names: RequestRate { per_second: 5, burst: 60 },
            requests_of_new: 8,
            waiting_for_new: 128,
            requests_of_known: 8,
            waiting_for_known: 512,
            patience: Duration::from_secs(5),
            entities: 10_000,
            unknown_for: Duration::from_secs(600),
        }
    }
}

/// The requests under way, and those that wait.
#[derive(Debug)]
pub(crate) struct Questions {
    limits: QueryLimits,
    of_known: Places,
    of_new: Places,
    new_names: RequestLimiter<()>,
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

impl Questions {
    /// Each kind has at least one place, so that no limit stops everything.
    pub(crate) fn new(limits: QueryLimits) -> Questions {
        Questions {
            of_known: Places::new(limits.requests_of_known.max(1), limits.waiting_for_known.max(1)),
            of_new: Places::new(limits.requests_of_new.max(1), limits.waiting_for_new.max(1)),
            new_names: RequestLimiter::new(limits.new_names),
            limits,
        }
    }

    pub(crate) fn limits(&self) -> &QueryLimits {
        &self.limits
    }

    /// Begins to wait, unless too many wait already.
    pub(crate) fn wait(&self, is_known: bool) -> Option<Waiting<'_>> {
        let places = if is_known { &self.of_known } else { &self.of_new };
        let now = Instant::now();
        let until = now.checked_add(self.limits.patience).unwrap_or(now);
        Some(Waiting { places, _counted: places.waiting.try_acquire().ok()?, until })
    }

    /// Counts a name that is not known, unless too many were requested a short time ago.
    pub(crate) fn count_new_name(&self, now: DateTime<Utc>) -> bool {
        self.new_names.take(&(), now).is_ok()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(questions: &Questions, second: i64) -> usize {
        let now = DateTime::from_timestamp(second, 0).unwrap();
        (0..1_000).filter(|_| questions.count_new_name(now)).count()
    }

    #[test]
    fn sixty_names_at_once_and_then_five_in_a_second() {
        let questions = Questions::new(QueryLimits::default());
        assert_eq!(counted(&questions, 0), 60);
        assert_eq!(counted(&questions, 2), 10);
        assert_eq!(counted(&questions, 3_602), 60, "an hour of quiet is not saved up");
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_goes_after_five_seconds_and_leaves_its_place_in_the_line() {
        let questions = Questions::new(QueryLimits::default());
        let mut asking = Vec::new();
        for _ in 0..8 {
            asking.push(questions.wait(false).unwrap().place().await.unwrap());
        }
        let before = Instant::now();
        assert!(questions.wait(false).unwrap().place().await.is_none());
        assert_eq!(before.elapsed().as_secs(), 5);
        let waiting: Vec<_> = (0..129).filter_map(|_| questions.wait(false)).collect();
        assert_eq!(waiting.len(), 128);
        assert!(
            questions.wait(true).unwrap().place().await.is_some(),
            "known entities have their own places"
        );
        drop((waiting, asking));
        assert!(questions.wait(false).unwrap().place().await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn the_limits_are_settings() {
        let limits = QueryLimits {
            new_names: RequestRate { per_second: 1, burst: 3 },
            requests_of_new: 1,
            waiting_for_new: 2,
            requests_of_known: 0,
            patience: Duration::from_secs(1),
            ..QueryLimits::default()
        };
        let questions = Questions::new(limits);
        assert_eq!([counted(&questions, 0), counted(&questions, 2)], [3, 2]);
        let place = questions.wait(false).unwrap().place().await.unwrap();
        let waiting: Vec<_> = (0..9).filter_map(|_| questions.wait(false)).collect();
        assert_eq!(waiting.len(), 2);
        drop(waiting);
        let before = Instant::now();
        assert!(questions.wait(false).unwrap().place().await.is_none());
        assert_eq!(before.elapsed().as_secs(), 1);
        drop(place);
        assert!(questions.wait(true).unwrap().place().await.is_some(), "one place is left in any case");
    }
}
