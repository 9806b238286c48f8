//! Tokens that are good for the one whom they came with first.

use chrono::{DateTime, Utc};

use crate::{Answer, ReplayStore};

/// Who claimed a record first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Claim {
    /// This holder, just now.
    First,
    /// This holder, before.
    Again,
    /// Another holder, before: the record is not this one's.
    OfAnother,
}

/// Replay records that name who holds them: for a token that does not say whom it is about, and is good for the one subject with which it came
/// first.
///
/// ```
/// use vouchsafe_store::{Claim, ClaimStore, Memory};
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let store = Memory::new();
/// let end = "2026-01-15T09:00:00Z".parse()?;
/// assert_eq!(store.claim("token 1", "ada", end).await?, Claim::First);
/// assert_eq!(store.claim("token 1", "ada", end).await?, Claim::Again);
/// assert_eq!(store.claim("token 1", "bob", end).await?, Claim::OfAnother);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait ClaimStore: ReplayStore {
    /// Records a hash for a holder, unless it is recorded, and answers who holds it: in one atomic step, so that of many holders at the same time one
    /// gets it. It is a record as those of [`insert_once`](ReplayStore::insert_once) are, and is swept with them; a hash that was inserted without
    /// a holder is of another one. Holders are compared byte by byte; they are hashes too, and not empty.
    fn claim<'a>(&'a self, hash: &'a str, holder: &'a str, expires_at: DateTime<Utc>) -> Answer<'a, Claim>;
}

/// For stores that keep hashes alone: under which a record names its holder.
pub(crate) fn held_by(hash: &str, holder: &str) -> String {
    format!("{hash} of {holder}")
}
