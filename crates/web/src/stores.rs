//! Every call to the stores of requests and replays.

use chrono::{DateTime, Utc};
use vouchsafe::{BoundRequest, Login, PendingRequest, Provider, ValidAssertion};
use vouchsafe_store::{PendingStore, ReplayStore, StoreError};

use crate::error::HttpError;

/// Keeps a started sign-in.
pub(crate) async fn keep(store: &dyn PendingStore, pending: &PendingRequest) -> Result<(), StoreError> {
    store.put(pending).await
}

/// The started sign-in of that handle, held against what the browser presents. It goes on waiting until somebody is signed in by its answer.
pub(crate) async fn find(
    store: &dyn PendingStore,
    handle: &str,
    presented: &str,
    provider: &Provider,
    now: DateTime<Utc>,
) -> Result<Option<BoundRequest>, HttpError> {
    match store.find_pending(handle, now).await? {
        Some(pending) => Ok(Some(pending.bind(Some(presented), provider)?)),
        None => Ok(None),
    }
}

/// Records an assertion, confirms that it came for the first time, and ends the wait of the request that it answers.
pub(crate) async fn confirm(
    replays: &dyn ReplayStore,
    requests: &dyn PendingStore,
    valid: ValidAssertion,
    answered: Option<&PendingRequest>,
) -> Result<Login, HttpError> {
    let recorded = replays.record(valid.replay_key()).await?;
    let login = valid.confirm(recorded)?;
    // The person is signed in from here on, and the response cannot come again. A request that cannot be removed waits until it is too old.
    if let Some(answered) = answered
        && let Err(error) = requests.remove_pending(answered.handle()).await
    {
        tracing::warn!(code = error.code(), reason = %error, "a request that was answered goes on waiting");
    }
    Ok(login)
}
