//! Sign-ins that were started and not yet answered.

use chrono::{DateTime, Utc};
use vouchsafe::{PendingRequest, StoredPendingRequest};

use crate::{Answer, StoreError};

/// Keeps what was asked until somebody is signed in by the answer.
///
/// A request is found when the answer comes, and removed when the sign-in is committed
/// ([`Directory::sign_in`](crate::Directory::sign_in) does both in one transaction): a process that dies in between leaves the answer good
/// for a reload. What accepts an assertion once is the [replay record](crate::ReplayStore).
///
/// Handles are random: an existing one is overwritten.
pub trait PendingStore: Send + Sync + std::fmt::Debug {
    /// Keeps a request under its [handle](PendingRequest::handle).
    fn put<'a>(&'a self, request: &'a PendingRequest) -> Answer<'a, ()>;

    /// The request under a handle, which stays. One whose time is over is not there.
    fn find_pending<'a>(&'a self, handle: &'a str, now: DateTime<Utc>) -> Answer<'a, Option<PendingRequest>>;

    /// Removes a request; whether there was one.
    fn remove_pending<'a>(&'a self, handle: &'a str) -> Answer<'a, bool>;

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
