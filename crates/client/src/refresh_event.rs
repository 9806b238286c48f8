//! What happened to the metadata of a connection.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use vouchsafe::metadata::{MetadataChange, Refresh, RefreshError};
use vouchsafe::{ConnectionId, Explain, IdentityProvider};

use crate::ClientError;

/// What happened to the metadata of one connection.
#[derive(Debug)]
#[non_exhaustive]
pub struct RefreshEvent {
    pub(crate) connection: Option<ConnectionId>,
    /// What happened.
    pub outcome: RefreshOutcome,
}

/// What happened to the metadata of one connection.
#[derive(Debug)]
#[non_exhaustive]
pub enum RefreshOutcome {
    /// There was none at hand, and there is now.
    #[non_exhaustive]
    Loaded {
        /// What it describes.
        identity_provider: IdentityProvider,
        /// When it was fetched, which is earlier where it is a copy.
        fetched_at: DateTime<Utc>,
    },
    /// Nothing has changed.
    Unchanged,
    /// A newer document has taken its place.
    #[non_exhaustive]
    Changed {
        /// What it describes.
        identity_provider: IdentityProvider,
        /// What changes: keys, endpoints, dates. Nothing, where the documents differ in other things.
        changes: Vec<MetadataChange>,
    },
    /// A newer document waits until somebody approves it, because it changes more than the connection lets its source change. What is known goes on
    /// serving.
    #[non_exhaustive]
    Staged {
        /// Why it waits.
        reason: &'static str,
        /// What it would change.
        changes: Vec<MetadataChange>,
    },
    /// It is kept as it is, because nothing came that can be used.
    #[non_exhaustive]
    Kept {
        /// Why.
        reason: RefreshFailure,
        /// When what is at hand was last known to be what the source gives; `None`: nothing is at hand.
        confirmed_at: Option<DateTime<Utc>>,
        /// How often the source was asked in vain since.
        failures: u32,
        /// When it is asked again.
        next: DateTime<Utc>,
    },
    /// The store that the connections are in failed, or somebody else changed the connection meanwhile. It is tried again.
    #[non_exhaustive]
    StoreFailed {
        /// What the store says.
        reason: Box<dyn Explain + Send + Sync>,
    },
    /// The last good document could not be kept in its file, or read from it. Nothing else changes.
    #[non_exhaustive]
    CopyFailed {
        /// What the file system says.
        reason: std::io::Error,
    },
}

/// Why what is at hand was kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RefreshFailure {
    /// Nothing came.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// What came is not taken.
    #[error(transparent)]
    Refused(#[from] RefreshError),
}

impl Explain for RefreshFailure {
    fn code(&self) -> &'static str {
        match self {
            RefreshFailure::Client(error) => error.code(),
            RefreshFailure::Refused(error) => error.code(),
        }
    }

    fn hint(&self) -> &'static str {
        match self {
            RefreshFailure::Client(error) => error.hint(),
            RefreshFailure::Refused(error) => error.hint(),
        }
    }
}

impl RefreshOutcome {
    /// A document that was taken, and what it changes where there was one before.
    pub(crate) fn taken(
        identity_provider: &IdentityProvider,
        changes: Option<Vec<MetadataChange>>,
        fetched_at: DateTime<Utc>,
    ) -> RefreshOutcome {
        let identity_provider = identity_provider.clone();
        match changes {
            None => RefreshOutcome::Loaded { identity_provider, fetched_at },
            Some(changes) => RefreshOutcome::Changed { identity_provider, changes },
        }
    }

    /// Nothing that can be used came. What is at hand was fetched then, if it is no more of this refresh's doing.
    pub(crate) fn kept(
        refresh: &Refresh,
        fetched_at: Option<DateTime<Utc>>,
        reason: RefreshFailure,
    ) -> RefreshOutcome {
        RefreshOutcome::Kept {
            reason,
            confirmed_at: refresh.confirmed_at().or(fetched_at),
            failures: refresh.failures(),
            next: refresh.due(),
        }
    }
}

impl RefreshEvent {
    /// The connection; none where it is about no single one.
    #[must_use]
    pub fn connection(&self) -> Option<&ConnectionId> {
        self.connection.as_ref()
    }

    /// What the connection's metadata describes from now on; none where nothing has changed.
    #[must_use]
    pub fn identity_provider(&self) -> Option<&IdentityProvider> {
        match &self.outcome {
            RefreshOutcome::Loaded { identity_provider, .. }
            | RefreshOutcome::Changed { identity_provider, .. } => Some(identity_provider),
            _ => None,
        }
    }
}

impl fmt::Display for RefreshEvent {
    /// In one line, for logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instant = |time: &DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
        match &self.connection {
            Some(connection) => write!(f, "metadata of {connection}: ")?,
            None => f.write_str("metadata of the connections: ")?,
        }
        match &self.outcome {
            RefreshOutcome::Loaded { fetched_at, .. } => {
                write!(f, "loaded, as fetched at {}", instant(fetched_at))
            }
            RefreshOutcome::Unchanged => f.write_str("nothing has changed"),
            RefreshOutcome::Changed { changes, .. } if changes.is_empty() => {
                f.write_str("a newer document says the same")
            }
            RefreshOutcome::Changed { changes, .. } => {
                let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
                f.write_str(&changes.join("; "))
            }
            RefreshOutcome::Staged { reason, changes } => {
                write!(f, "newer metadata waits for approval, because {reason}")?;
                changes.iter().try_for_each(|change| write!(f, "; {change}"))
            }
            RefreshOutcome::Kept { reason, confirmed_at, next, .. } => {
                let kept = confirmed_at.as_ref().map_or_else(
                    || "there is none".to_owned(),
                    |time| format!("that of {} is kept", instant(time)),
                );
                let (code, next) = (reason.code(), instant(next));
                write!(f, "{kept}, because {reason} ({code}); the source is asked again at {next}")
            }
            RefreshOutcome::StoreFailed { reason } => write!(f, "{reason} ({})", reason.code()),
            RefreshOutcome::CopyFailed { reason } => write!(f, "its copy cannot be kept or read: {reason}"),
        }
    }
}
