//! Every call to the stores of requests and replays.

use chrono::{DateTime, Utc};
use vouchsafe::{BoundRequest, Login, PendingRequest, Provider, ValidAssertion};
use vouchsafe_store::{PendingStore, ReplayStore, StoreError};

use crate::error::HttpError;

/// Keeps a started sign-in.
pub(crate) async fn keep(store: &dyn PendingStore, pending: &PendingRequest) -> Result<(), StoreError> {
    store.put(pending).await
}

/// The started sign-in of that handle, held against what the browser presents.
pub(crate) async fn find(
    store: &dyn PendingStore,
    handle: &str,
    presented: &str,
    provider: &Provider,
    now: DateTime<Utc>,
) -> Result<Option<BoundRequest>, HttpError> {
    match store.take(handle, now).await? {
        Some(pending) => Ok(Some(pending.bind(Some(presented), provider)?)),
        None => Ok(None),
    }
}

/// Lets a request go on waiting, so that the person can try again.
pub(crate) async fn wait_on(
    store: &dyn PendingStore,
    pending: Option<&PendingRequest>,
    busy: HttpError,
) -> HttpError {
    let Some(pending) = pending else { return busy };
    match store.put(pending).await {
        Ok(()) => busy,
        Err(failure) => failure.into(),
    }
}

/// Records an assertion and confirms that it came for the first time.
pub(crate) async fn confirm(store: &dyn ReplayStore, valid: ValidAssertion) -> Result<Login, HttpError> {
    let recorded = store.record(valid.replay_key()).await?;
    Ok(valid.confirm(recorded)?)
}
