//! The calls to the stores of requests and replays.

use vouchsafe::{Login, PendingRequest, ValidAssertion};
use vouchsafe_store::{PendingStore, ReplayStore, StoreError};

use crate::error::HttpError;

/// Stores a started sign-in.
pub(crate) async fn keep(store: &dyn PendingStore, pending: &PendingRequest) -> Result<(), StoreError> {
    store.put(pending).await
}

/// Records an assertion, confirms that it came for the first time, and removes the request that it answers.
pub(crate) async fn confirm(
    replays: &dyn ReplayStore,
    requests: &dyn PendingStore,
    valid: ValidAssertion,
    answered: Option<&PendingRequest>,
) -> Result<Login, HttpError> {
    let recorded = replays.record(valid.replay_key()).await?;
    let login = valid.confirm(recorded)?;
    // From here on the person is signed in, and the response cannot be used again. If the request cannot be removed,
    // it stays until it expires.
    if let Some(answered) = answered
        && let Err(error) = requests.remove_pending(answered.handle()).await
    {
        tracing::warn!(code = error.code(), reason = %error, "a request that was answered goes on waiting");
    }
    Ok(login)
}
