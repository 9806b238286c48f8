//! How fresh the metadata of each connection is: for health checks and for the person who looks after a connection.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use vouchsafe::metadata::Refresh;
use vouchsafe::{ConnectionId, Explain as _};

use crate::RefreshOutcome;

/// How fresh the metadata of the connections is that a refresher looks after. Clones share it, and asking never waits for the network.
///
/// ```
/// use chrono::Utc;
/// use vouchsafe_client::RefreshStatus;
///
/// /// What a health check answers: no connection has gone without an answer of its source for a day.
/// fn is_fresh(status: &RefreshStatus) -> bool {
///     let day = std::time::Duration::from_secs(86_400);
///     status.all().iter().all(|one| one.age(Utc::now()).is_some_and(|age| age < day))
/// }
/// # assert!(is_fresh(&RefreshStatus::default()));
/// ```
#[derive(Clone, Debug, Default)]
pub struct RefreshStatus {
    sources: Arc<Mutex<BTreeMap<ConnectionId, SourceStatus>>>,
}

/// How fresh the metadata of one connection is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SourceStatus {
    /// The connection.
    pub connection: ConnectionId,
    /// When what is at hand was last known to be what the source gives; `None`: nothing is at hand, or it was not asked yet.
    pub confirmed_at: Option<DateTime<Utc>>,
    /// How often the source was asked in vain since.
    pub failures: u32,
    /// Why the last attempt failed, if it did.
    pub last_error: Option<SourceError>,
    /// Whether newer metadata waits until somebody approves it.
    pub waits_for_approval: bool,
    /// When the source is asked next.
    pub next_attempt: DateTime<Utc>,
}

/// Why an attempt failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SourceError {
    /// The stable code.
    pub code: &'static str,
    /// In words.
    pub message: String,
    /// What to change.
    pub hint: &'static str,
    /// When.
    pub at: DateTime<Utc>,
}

impl SourceStatus {
    /// For how long nobody has known whether what is at hand is what the source gives.
    #[must_use]
    pub fn age(&self, now: DateTime<Utc>) -> Option<Duration> {
        self.confirmed_at.map(|at| now.signed_duration_since(at).to_std().unwrap_or_default())
    }
}

impl RefreshStatus {
    /// Of one connection; `None`: the refresher does not look after it, or has not asked its source yet.
    #[must_use]
    pub fn of(&self, connection: &ConnectionId) -> Option<SourceStatus> {
        self.with(|sources| sources.get(connection).cloned())
    }

    /// Of all connections whose sources were asked, by name.
    #[must_use]
    pub fn all(&self) -> Vec<SourceStatus> {
        self.with(|sources| sources.values().cloned().collect())
    }

    /// How many sources did not answer the last time they were asked, or not with what can be used.
    #[must_use]
    pub fn failing(&self) -> usize {
        self.with(|sources| sources.values().filter(|one| one.last_error.is_some()).count())
    }

    /// Notes what came of asking. `fetched_at` is when what is at hand was fetched, where that was none of this refresh's doing.
    pub(crate) fn note(
        &self,
        connection: &ConnectionId,
        refresh: &Refresh,
        fetched_at: Option<DateTime<Utc>>,
        outcome: &RefreshOutcome,
    ) {
        let now = Utc::now();
        let error = |code, message, hint| Some(SourceError { code, message, hint, at: now });
        let last_error = match outcome {
            RefreshOutcome::Kept { reason, .. } => error(reason.code(), reason.to_string(), reason.hint()),
            RefreshOutcome::StoreFailed { reason } => error(reason.code(), reason.to_string(), reason.hint()),
            _ => None,
        };
        let status = SourceStatus {
            connection: connection.clone(),
            confirmed_at: refresh.confirmed_at().or(fetched_at),
            failures: refresh.failures(),
            last_error,
            waits_for_approval: matches!(outcome, RefreshOutcome::Staged { .. }),
            next_attempt: refresh.due(),
        };
        self.with(|sources| drop(sources.insert(connection.clone(), status)));
    }

    /// Forgets connections that are looked after no more.
    #[cfg(feature = "store")]
    pub(crate) fn keep_only(&self, is_known: impl Fn(&ConnectionId) -> bool) {
        self.with(|sources| sources.retain(|id, _| is_known(id)));
    }

    fn with<T>(&self, act: impl FnOnce(&mut BTreeMap<ConnectionId, SourceStatus>) -> T) -> T {
        act(&mut self.sources.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
