//! The events of a connection's metadata.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use vouchsafe::metadata::{MetadataChange, Refresh, RefreshError, TrustedMetadata};
use vouchsafe::xml::Quoted;
use vouchsafe::{BindingError, ConnectionId, Explain, IdentityProvider};

use crate::ClientError;

/// An event of the metadata of one connection.
#[derive(Debug)]
#[non_exhaustive]
pub struct RefreshEvent {
    pub(crate) connection: Option<ConnectionId>,
    /// The outcome.
    pub outcome: RefreshOutcome,
}

/// The outcome of refreshing the metadata of one connection.
#[derive(Debug)]
#[non_exhaustive]
pub enum RefreshOutcome {
    /// There was no metadata before, and there is now.
    #[non_exhaustive]
    Loaded {
        /// The identity provider in the metadata.
        identity_provider: IdentityProvider,
        /// The time when it was fetched, which is earlier if it is from a copy.
        fetched_at: DateTime<Utc>,
    },
    /// The metadata has not changed.
    Unchanged,
    /// A newer document that states the same, with other dates, has replaced the old one.
    #[non_exhaustive]
    Renewed {
        /// The identity provider in the newer document.
        identity_provider: IdentityProvider,
    },
    /// A newer document has replaced the old one.
    #[non_exhaustive]
    Changed {
        /// The identity provider in the newer document.
        identity_provider: IdentityProvider,
        /// The changes: keys, endpoints, scopes, dates and other statements.
        changes: Vec<MetadataChange>,
    },
    /// The first document of many entities was loaded.
    #[non_exhaustive]
    DocumentLoaded {
        /// The document.
        metadata: Arc<TrustedMetadata>,
        /// The time when it was loaded. For a stored copy this is earlier.
        fetched_at: DateTime<Utc>,
    },
    /// A newer document of many entities has replaced the current one.
    #[non_exhaustive]
    DocumentChanged {
        /// The document.
        metadata: Arc<TrustedMetadata>,
        /// The changes of entities for which the source may speak. After 2,000 of them, further entities that are added,
        /// removed or written anew are only counted, by the last change.
        changes: Vec<MetadataChange>,
    },
    /// A newer document waits for approval, because it changes more than the connection allows its source to change.
    /// The current metadata is used further.
    #[non_exhaustive]
    Staged {
        /// The reason why it waits.
        reason: &'static str,
        /// The changes that it would make.
        changes: Vec<MetadataChange>,
    },
    /// The source gives a document that somebody refused. It is neither used nor staged. The current metadata is used
    /// further.
    #[cfg(feature = "store")]
    #[non_exhaustive]
    RefusedBefore {
        /// The refusal: the document, who refused it, and when.
        refusal: vouchsafe_store::RefusedMetadata,
    },
    /// The current metadata is kept, because no usable answer came.
    #[non_exhaustive]
    Kept {
        /// The reason.
        reason: RefreshFailure,
        /// The time when the source last confirmed the current metadata; `None` if there is no metadata.
        confirmed_at: Option<DateTime<Utc>>,
        /// The number of failed requests since then.
        failures: u32,
        /// The time of the next request.
        next: DateTime<Utc>,
    },
    /// The metadata was loaded, and the service does not have the connection, so nobody can sign in over it. Add it, or let
    /// the refresher [add](crate::RefreshedConnection::adding) it. If it was removed, remove its source, too.
    #[non_exhaustive]
    NotConfigured {
        /// The reason why the refresher could not add it, if it was to do so, or why the connection with this name cannot
        /// have this metadata: it is to another entity.
        reason: Option<BindingError>,
    },
    /// The store of the connections failed, or another process changed the connection at the same time. The refresh
    /// is tried again.
    #[non_exhaustive]
    StoreFailed {
        /// The error of the store.
        reason: Box<dyn Explain + Send + Sync>,
    },
    /// The last good document could not be written to its file, or read from it. Nothing else changes.
    #[non_exhaustive]
    CopyFailed {
        /// The error of the file system.
        reason: std::io::Error,
    },
}

/// The reason why the current metadata was kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RefreshFailure {
    /// No document was received.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The received document was refused.
    #[error(transparent)]
    Refused(#[from] RefreshError),
    /// The check of the document did not come to an end, because the runtime shuts down or because of a defect.
    #[error("the check of the document did not come to an end")]
    #[non_exhaustive]
    Interrupted {},
}

impl Explain for RefreshFailure {
    fn code(&self) -> &'static str {
        match self {
            RefreshFailure::Client(error) => error.code(),
            RefreshFailure::Refused(error) => error.code(),
            RefreshFailure::Interrupted {} => "client.interrupted",
        }
    }

    fn hint(&self) -> &'static str {
        match self {
            RefreshFailure::Client(error) => error.hint(),
            RefreshFailure::Refused(error) => error.hint(),
            RefreshFailure::Interrupted {} => {
                "Look in the log for a panic. If there is one, please report it with the document."
            }
        }
    }
}

impl RefreshOutcome {
    /// Returns the outcome for an accepted document, with its changes if there was a document before.
    #[cfg(feature = "store")]
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

    /// Returns the outcome if no usable answer came. `fetched_at` is the time when the current metadata was fetched,
    /// if this refresh did not fetch it.
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
    /// Returns the connection; `None` if the event is not about a single one.
    #[must_use]
    pub fn connection(&self) -> Option<&ConnectionId> {
        self.connection.as_ref()
    }

    /// Returns the identity provider that the connection's metadata describes from now on; `None` if it has not
    /// changed.
    #[must_use]
    pub fn identity_provider(&self) -> Option<&IdentityProvider> {
        match &self.outcome {
            RefreshOutcome::Loaded { identity_provider, .. }
            | RefreshOutcome::Renewed { identity_provider }
            | RefreshOutcome::Changed { identity_provider, .. } => Some(identity_provider),
            _ => None,
        }
    }
}

impl RefreshEvent {
    /// Returns the document of many entities that is current from now on. Returns nothing if nothing has changed, and for
    /// an event about a connection.
    #[must_use]
    pub fn metadata(&self) -> Option<&Arc<TrustedMetadata>> {
        match &self.outcome {
            RefreshOutcome::DocumentLoaded { metadata, .. }
            | RefreshOutcome::DocumentChanged { metadata, .. } => Some(metadata),
            _ => None,
        }
    }
}

/// The largest number of changes in one line.
const CHANGES_TOLD: usize = 10;

fn write_changes(f: &mut fmt::Formatter<'_>, changes: &[MetadataChange]) -> fmt::Result {
    changes.iter().take(CHANGES_TOLD).try_for_each(|change| write!(f, "; {change}"))?;
    write_more(f, changes)
}

fn write_more(f: &mut fmt::Formatter<'_>, changes: &[MetadataChange]) -> fmt::Result {
    match changes.len().saturating_sub(CHANGES_TOLD) {
        0 => Ok(()),
        more => write!(f, "; {more} more changes"),
    }
}

impl fmt::Display for RefreshEvent {
    /// Shows the event in one line, for logs.
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
            RefreshOutcome::Renewed { .. } => {
                f.write_str("a newer document states the same, with other dates")
            }
            RefreshOutcome::Changed { changes, .. } => {
                f.write_str("a newer document")?;
                write_changes(f, changes)
            }
            RefreshOutcome::DocumentLoaded { metadata, fetched_at } => {
                let entities = metadata.entities().count();
                write!(
                    f,
                    "a document of {entities} entities is loaded, as fetched at {}",
                    instant(fetched_at)
                )
            }
            RefreshOutcome::DocumentChanged { metadata, changes } => {
                write!(f, "a newer document of {} entities", metadata.entities().count())?;
                for change in changes.iter().take(CHANGES_TOLD) {
                    match change.entity_id() {
                        Some(entity_id) => write!(f, "; {}: {change}", Quoted::new(entity_id))?,
                        None => write!(f, "; the document: {change}")?,
                    }
                }
                write_more(f, changes)
            }
            RefreshOutcome::Staged { reason, changes } => {
                write!(f, "newer metadata waits for approval, because {reason}")?;
                write_changes(f, changes)
            }
            #[cfg(feature = "store")]
            RefreshOutcome::RefusedBefore { refusal } => {
                write!(f, "the source gives metadata that was refused at {}", instant(&refusal.at))?;
                write!(f, " ({}); the current metadata is kept", refusal.digest)
            }
            RefreshOutcome::Kept { reason, confirmed_at, next, .. } => {
                let kept = confirmed_at.as_ref().map_or_else(
                    || "there is none".to_owned(),
                    |time| format!("that of {} is kept", instant(time)),
                );
                let (code, next) = (reason.code(), instant(next));
                write!(f, "{kept}, because {reason} ({code}); the source is asked again at {next}")
            }
            RefreshOutcome::NotConfigured { reason: None } => {
                f.write_str("it is loaded, but the service does not have this connection")
            }
            RefreshOutcome::NotConfigured { reason: Some(reason) } => {
                write!(f, "it is loaded, but the connection cannot have it: {reason} ({})", reason.code())
            }
            RefreshOutcome::StoreFailed { reason } => write!(f, "{reason} ({})", reason.code()),
            RefreshOutcome::CopyFailed { reason } => write!(f, "its copy cannot be kept or read: {reason}"),
        }
    }
}
