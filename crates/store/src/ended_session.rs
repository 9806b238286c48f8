//! Records of sessions that ended, for session stores of other crates.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};

use crate::Answer;

/// Records which sessions ended, for session stores of other crates that cannot write a session only if it still
/// exists.
///
/// In such a store, a session is read and then written: a request in progress can restore a session that another
/// request or a logout deleted in between. So whoever ends a session first records that here, and then deletes it.
/// Whoever has written a session asks here afterwards, and deletes the session if it ended. In any order, the session
/// is gone when both are done.
///
/// ```
/// use chrono::{DateTime, TimeDelta, Utc};
/// use vouchsafe_store::{EndedSessionStore, Memory};
///
/// # async fn example(now: DateTime<Utc>) -> Result<(), vouchsafe_store::StoreError> {
/// let store = Memory::new();
/// store.note_ended("the hash of its identifier", now + TimeDelta::days(1), now).await?;
/// assert!(store.has_ended("the hash of its identifier").await?);
/// # Ok(())
/// # }
/// ```
pub trait EndedSessionStore: Send + Sync + fmt::Debug {
    /// Records that a session ended. `hash` is the hash of its identifier. The record lasts until `until`, or longer if
    /// an earlier record does; choose a time after which no copy of the session is used, in a cache or in a request in
    /// progress. Records that were over a week before `now` are removed, and not earlier: otherwise one machine whose clock
    /// is ahead would restore the ended sessions of all.
    fn note_ended<'a>(&'a self, hash: &'a str, until: DateTime<Utc>, now: DateTime<Utc>) -> Answer<'a, ()>;

    /// Returns whether a session ended. Once [`note_ended`](Self::note_ended) has returned, the answer is `true` on
    /// every machine.
    fn has_ended<'a>(&'a self, hash: &'a str) -> Answer<'a, bool>;
}

/// How much longer a record is kept than necessary, for a clock that is ahead.
const MARGIN: TimeDelta = TimeDelta::days(7);

/// Records that were over by then are removed.
pub(crate) fn removed_until(now: DateTime<Utc>) -> DateTime<Utc> {
    now.checked_sub_signed(MARGIN).unwrap_or(DateTime::<Utc>::MIN_UTC)
}
