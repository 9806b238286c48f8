//! The state of each connection's metadata, for health checks and for people who maintain a connection.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use vouchsafe::metadata::Refresh;
use vouchsafe::{ConnectionId, Explain as _};

use crate::RefreshOutcome;

/// The state of the metadata of a refresher's connections. Clones share it, and reading it never waits for the
/// network.
///
/// ```
/// use chrono::Utc;
/// use vouchsafe_client::RefreshStatus;
///
/// /// What a health check answers: no connection has gone without an answer of its source for a day.
/// fn is_fresh(status: &RefreshStatus) -> bool {
///     let day = std::time::Duration::from_secs(86_400);
///     status.search_error().is_none()
///         && status.all().iter().all(|one| one.age(Utc::now()).is_some_and(|age| age < day))
/// }
/// # assert!(is_fresh(&RefreshStatus::default()));
/// ```
#[derive(Clone, Debug, Default)]
pub struct RefreshStatus {
    sources: Arc<Mutex<BTreeMap<ConnectionId, SourceStatus>>>,
    search_error: Arc<Mutex<Option<SourceError>>>,
}

/// The state of the metadata of one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SourceStatus {
    /// The connection.
    pub connection: ConnectionId,
    /// The time when the source last confirmed the current metadata; `None` if there is no metadata, or if the source
    /// was not requested yet.
    pub confirmed_at: Option<DateTime<Utc>>,
    /// The number of failed requests since then.
    pub failures: u32,
    /// The reason why the last attempt failed, if it did.
    pub last_error: Option<SourceError>,
    /// Whether newer metadata waits for approval.
    pub waits_for_approval: bool,
    /// The time when somebody refused the document that the source gives; `None` if nobody did.
    pub refused_at: Option<DateTime<Utc>>,
    /// Whether the current metadata could not be written to its copy, so that a restart does not know it.
    pub copy_is_behind: bool,
    /// The time of the next request.
    pub next_attempt: DateTime<Utc>,
}

/// The reason why an attempt failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SourceError {
    /// The stable code.
    pub code: &'static str,
    /// The message.
    pub message: String,
    /// The hint what to change.
    pub hint: &'static str,
    /// The time of the attempt.
    pub at: DateTime<Utc>,
}

impl SourceStatus {
    /// Returns the time since the source last confirmed the current metadata.
    #[must_use]
    pub fn age(&self, now: DateTime<Utc>) -> Option<Duration> {
        self.confirmed_at.map(|at| now.signed_duration_since(at).to_std().unwrap_or_default())
    }
}

impl RefreshStatus {
    /// Returns the state of one connection; `None` if the refresher does not have it, or has not requested its source
    /// yet.
    #[must_use]
    pub fn of(&self, connection: &ConnectionId) -> Option<SourceStatus> {
        self.with(|sources| sources.get(connection).cloned())
    }

    /// Returns the state of all connections whose sources were requested, ordered by name.
    #[must_use]
    pub fn all(&self) -> Vec<SourceStatus> {
        self.with(|sources| sources.values().cloned().collect())
    }

    /// Returns the number of sources whose last request failed or gave an unusable answer.
    #[must_use]
    pub fn failing(&self) -> usize {
        self.with(|sources| sources.values().filter(|one| one.last_error.is_some()).count())
    }

    /// Returns why the last search for connections failed, if it did. Then connections may be missing in the others, all of
    /// them if no search has succeeded yet. Only `StoredRefresher` searches for connections.
    #[must_use]
    pub fn search_error(&self) -> Option<SourceError> {
        self.search_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Records whether the search for connections failed.
    #[cfg(feature = "store")]
    pub(crate) fn note_search(&self, error: Option<&dyn vouchsafe::Explain>) {
        let error = error.map(|error| SourceError {
            code: error.code(),
            message: error.to_string(),
            hint: error.hint(),
            at: Utc::now(),
        });
        *self.search_error.lock().unwrap_or_else(PoisonError::into_inner) = error;
    }

    /// Records the outcome of a request. `stored` is what the store says about the metadata, if it was asked.
    pub(crate) fn note(
        &self,
        connection: &ConnectionId,
        refresh: &Refresh,
        stored: Option<StoredState>,
        outcome: &RefreshOutcome,
    ) {
        let now = Utc::now();
        let error = |code, message, hint| Some(SourceError { code, message, hint, at: now });
        let last_error = match outcome {
            RefreshOutcome::Kept { reason, .. } => error(reason.code(), reason.to_string(), reason.hint()),
            RefreshOutcome::StoreFailed { reason } => error(reason.code(), reason.to_string(), reason.hint()),
            _ => None,
        };
        // A request that brought nothing says nothing about what waits.
        let brought_nothing = matches!(
            outcome,
            RefreshOutcome::Kept { .. }
                | RefreshOutcome::StoreFailed { .. }
                | RefreshOutcome::CopyFailed { .. }
        );
        let waited =
            || self.with(|sources| sources.get(connection).is_some_and(|one| one.waits_for_approval));
        let waits =
            |stored: Option<StoredState>| stored.map_or_else(waited, |stored| stored.waits_for_approval);
        let status = SourceStatus {
            connection: connection.clone(),
            confirmed_at: refresh.confirmed_at().or(stored.map(|stored| stored.fetched_at)),
            failures: refresh.failures(),
            last_error,
            waits_for_approval: matches!(outcome, RefreshOutcome::Staged { .. })
                || (brought_nothing && waits(stored)),
            refused_at: refused_at(outcome),
            copy_is_behind: false,
            next_attempt: refresh.due(),
        };
        self.with(|sources| drop(sources.insert(connection.clone(), status)));
    }

    /// Records whether the copy of the current metadata could be written.
    pub(crate) fn note_copy(&self, connection: &ConnectionId, is_behind: bool) {
        self.with(|sources| {
            if let Some(status) = sources.get_mut(connection) {
                status.copy_is_behind = is_behind;
            }
        });
    }

    /// Removes connections that are not refreshed any more.
    #[cfg(feature = "store")]
    pub(crate) fn keep_only(&self, is_known: impl Fn(&ConnectionId) -> bool) {
        self.with(|sources| sources.retain(|id, _| is_known(id)));
    }

    fn with<T>(&self, act: impl FnOnce(&mut BTreeMap<ConnectionId, SourceStatus>) -> T) -> T {
        act(&mut self.sources.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What a store says about the metadata of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoredState {
    /// The time when the current metadata was fetched.
    pub(crate) fetched_at: DateTime<Utc>,
    /// Whether newer metadata waits for approval. Somebody may have approved it since the last request.
    pub(crate) waits_for_approval: bool,
}

fn refused_at(outcome: &RefreshOutcome) -> Option<DateTime<Utc>> {
    match outcome {
        #[cfg(feature = "store")]
        RefreshOutcome::RefusedBefore { refusal } => Some(refusal.at),
        _ => None,
    }
}
