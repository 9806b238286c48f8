//! Records of sessions that ended, for session stores of other crates.

use std::fmt;

use chrono::{DateTime, Utc};

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
    /// an earlier record does; choose a time after which no request is in progress that has read the session. Records
    /// that are over at `now` are removed.
    fn note_ended<'a>(&'a self, hash: &'a str, until: DateTime<Utc>, now: DateTime<Utc>) -> Answer<'a, ()>;

    /// Returns whether a session ended. Once [`note_ended`](Self::note_ended) has returned, the answer is `true` on
    /// every machine.
    fn has_ended<'a>(&'a self, hash: &'a str) -> Answer<'a, bool>;
}
