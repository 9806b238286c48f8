//! Assertions are accepted once.

use chrono::{DateTime, Utc};
use vouchsafe::{Recorded, ReplayKey};

use crate::Answer;

/// Remembers which assertions were accepted, until they would be refused for their age anyway.
///
/// ```
/// use vouchsafe_store::{Memory, ReplayStore};
///
/// # async fn example(store: Memory, valid: vouchsafe::ValidAssertion) -> Result<(), Box<dyn std::error::Error>> {
/// let recorded = store.record(valid.replay_key()).await?;
/// let login = valid.confirm(recorded)?;
/// # Ok(())
/// # }
/// ```
pub trait ReplayStore: Send + Sync + std::fmt::Debug {
    /// Records a hash if it is not there: in one atomic step, `true` for exactly one of many at the same time.
    /// A record whose time is over still counts until it is swept.
    fn insert_once<'a>(&'a self, hash: &'a str, expires_at: DateTime<Utc>) -> Answer<'a, bool>;

    /// Forgets the records whose time is over; how many.
    fn sweep_replays(&self, now: DateTime<Utc>) -> Answer<'_, u64>;

    /// Records an assertion, and answers whether it was the first time.
    fn record(&self, key: ReplayKey) -> Answer<'_, Recorded> {
        Box::pin(async move {
            let inserted = self.insert_once(key.hash(), key.expires_at()).await?;
            Ok(key.recorded(inserted))
        })
    }
}
