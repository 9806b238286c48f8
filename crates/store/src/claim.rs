//! Records that belong to the first holder that claims them.

use chrono::{DateTime, Utc};

use crate::{Answer, ReplayStore};

/// The result of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Claim {
    /// The record is new, and belongs to this holder now.
    First,
    /// The record belongs to this holder from before.
    Again,
    /// The record belongs to another holder.
    OfAnother,
}

/// Stores replay records that name their holder. They are for a token that does not say whom it is about, and that is
/// accepted only for the subject that came with it first.
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
    /// Records a hash for a holder if the hash is not recorded, and returns who holds it. This is one atomic step: if several
    /// holders claim a hash at the same time, one of them gets it. The record is like those of
    /// [`insert_once`](ReplayStore::insert_once) and is swept with them; a hash that was inserted without a holder belongs to
    /// another holder. Holders are compared byte by byte. They are hashes too, and not empty.
    fn claim<'a>(&'a self, hash: &'a str, holder: &'a str, expires_at: DateTime<Utc>) -> Answer<'a, Claim>;
}

/// The hash under which a store that keeps only hashes records the holder.
pub(crate) fn held_by(hash: &str, holder: &str) -> String {
    format!("{hash} of {holder}")
}
