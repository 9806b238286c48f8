//! This module passes the answer of a source to its refresh.

use chrono::{DateTime, Utc};
use vouchsafe::Provider;
use vouchsafe::metadata::{
    EndedMetadata, FetchedMetadata, Refresh, RefreshError, Refreshed, Restored, TrustedMetadata,
};

use crate::copies::Copy;
use crate::{ClientError, RefreshFailure};

/// The document that newer ones of a source are compared with.
pub(crate) enum Earlier<'a> {
    /// The current document, or none.
    Current(Option<&'a TrustedMetadata>),
    /// A copy that is not used, because it had ended when it was read.
    Ended(&'a EndedMetadata),
}

impl<'a> Earlier<'a> {
    pub(crate) fn of(current: Option<&'a TrustedMetadata>, ended: Option<&'a EndedMetadata>) -> Earlier<'a> {
        match (current, ended) {
            (None, Some(ended)) => Earlier::Ended(ended),
            (current, _) => Earlier::Current(current),
        }
    }
}

/// Passes a copy to the refresh of its source.
pub(crate) fn restored(
    refresh: &mut Refresh,
    copy: Copy,
    provider: &Provider,
    now: DateTime<Utc>,
) -> Result<Restored, RefreshError> {
    refresh.restore(copy.document, copy.fetched_at, provider, now, random(provider))
}

/// Passes the answer of a source, or its failure, to the refresh of the source.
pub(crate) fn taken(
    refresh: &mut Refresh,
    fetched: Result<FetchedMetadata, ClientError>,
    known: Earlier<'_>,
    provider: &Provider,
    now: DateTime<Utc>,
) -> Result<Refreshed, RefreshFailure> {
    match fetched {
        Ok(fetched) => {
            let random = random(provider);
            Ok(match known {
                Earlier::Current(at_hand) => refresh.answered(fetched, at_hand, provider, now, random),
                Earlier::Ended(ended) => refresh.answered_after_end(fetched, ended, provider, now, random),
            }?)
        }
        Err(error) => {
            refresh.failed(error.retry_after(), now, random(provider));
            Err(error.into())
        }
    }
}

/// Returns a random number that spreads requests over time. It protects nothing, so a failure of the random source
/// does no harm.
pub(crate) fn random(provider: &Provider) -> u64 {
    let mut bytes = [0_u8; 8];
    match provider.random(&mut bytes) {
        Ok(()) => u64::from_le_bytes(bytes),
        Err(_) => 0,
    }
}
