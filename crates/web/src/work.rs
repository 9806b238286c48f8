//! Runs work of a handler: on a thread that may be blocked, to its end, or again.

use std::time::Duration;

use tracing::Instrument as _;
use vouchsafe::ConnectionId;

use crate::error::HttpError;

/// Runs a computation on a thread that may be blocked.
pub(crate) async fn elsewhere<T: Send + 'static>(
    compute: impl FnOnce() -> Result<T, HttpError> + Send + 'static,
) -> Result<T, HttpError> {
    let done = tokio::task::spawn_blocking(compute).await;
    done.unwrap_or_else(|stopped| Err(HttpError::Worker { source: stopped.into() }))
}

/// Runs work to its end, also after the client is gone: a server drops the future of a handler when its connection is
/// closed.
pub(crate) async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, HttpError>> + Send + 'static,
) -> Result<T, HttpError> {
    let done = tokio::spawn(work.in_current_span()).await;
    done.unwrap_or_else(|stopped| Err(HttpError::Worker { source: stopped.into() }))
}

/// The waiting times before a failed store is tried again.
const AGAIN_AFTER: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(250)];

/// Tries again what fails for a moment, where an identity provider does not send its message again.
pub(crate) async fn again_if_down<T, F: Future<Output = Result<T, HttpError>>>(
    connection: &ConnectionId,
    attempt: impl Fn() -> F,
) -> Result<T, HttpError> {
    for wait in AGAIN_AFTER {
        match attempt().await {
            Err(error) if error.is_outage() && !error.is_busy_store() => {
                tracing::warn!(%connection, code = error.code(), "a message of an identity provider could not be carried out, and is tried again");
                tokio::time::sleep(wait).await;
            }
            outcome => return outcome,
        }
    }
    attempt().await
}
