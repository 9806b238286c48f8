//! Sign-ins that were started and are not answered yet.

use chrono::{DateTime, Utc};
use vouchsafe::{PendingRequest, StoredPendingRequest};

use crate::{Answer, StoreError};

/// Keeps the requests of sign-ins until the answer has signed a person in.
///
/// A request is looked up when the answer arrives, and removed when the sign-in is committed
/// ([`Directory::sign_in`](crate::Directory::sign_in) removes it in the same transaction). If the process stops in
/// between, the browser can post the answer again. The [replay record](crate::ReplayStore) ensures that an assertion is
/// accepted once.
///
/// Handles are random: an existing one is overwritten.
pub trait PendingStore: Send + Sync + std::fmt::Debug {
    /// Keeps a request under its [handle](PendingRequest::handle).
    fn put<'a>(&'a self, request: &'a PendingRequest) -> Answer<'a, ()>;

    /// The request with this handle; it stays stored. An expired request is not found.
    fn find_pending<'a>(&'a self, handle: &'a str, now: DateTime<Utc>) -> Answer<'a, Option<PendingRequest>>;

    /// Removes a request and answers whether there was one.
    fn remove_pending<'a>(&'a self, handle: &'a str) -> Answer<'a, bool>;

    /// Deletes the expired requests and answers how many there were.
    fn sweep_pending(&self, now: DateTime<Utc>) -> Answer<'_, u64>;
}

/// Parses a stored request, unless it has expired.
pub(crate) fn opened(
    stored: Option<StoredPendingRequest>,
    now: DateTime<Utc>,
) -> Result<Option<PendingRequest>, StoreError> {
    let request = stored.map(PendingRequest::from_stored).transpose();
    let request = request.map_err(|error| StoreError::damaged("pending request", error))?;
    Ok(request.filter(|request| !request.is_expired(now)))
}
