//! Sign-ins that were started and not yet answered.

use chrono::{DateTime, Utc};
use vouchsafe::{PendingRequest, StoredPendingRequest};

use crate::{Answer, StoreError};

/// Keeps what was asked until the answer comes, which may be once.
///
/// Handles are random: an existing one is overwritten.
pub trait PendingStore: Send + Sync + std::fmt::Debug {
    /// Keeps a request under its [handle](PendingRequest::handle).
    fn put<'a>(&'a self, request: &'a PendingRequest) -> Answer<'a, ()>;

    /// Takes a request out: there for exactly one of many at the same time. One whose time is over is not there.
    fn take<'a>(&'a self, handle: &'a str, now: DateTime<Utc>) -> Answer<'a, Option<PendingRequest>>;

    /// Forgets the requests whose time is over; how many.
    fn sweep_pending(&self, now: DateTime<Utc>) -> Answer<'_, u64>;
}

/// What was kept, as a request, unless its time is over.
pub(crate) fn opened(
    stored: Option<StoredPendingRequest>,
    now: DateTime<Utc>,
) -> Result<Option<PendingRequest>, StoreError> {
    let request = stored.map(PendingRequest::from_stored).transpose();
    let request = request.map_err(|error| StoreError::damaged("pending request", error))?;
    Ok(request.filter(|request| !request.is_expired(now)))
}
