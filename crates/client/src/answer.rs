//! This module passes the answer of a source to its refresh.

use chrono::{DateTime, Utc};
use vouchsafe::Provider;
use vouchsafe::metadata::{FetchedMetadata, Refresh, Refreshed, TrustedMetadata};

use crate::{ClientError, RefreshFailure};

/// Passes the answer of a source, or its failure, to the refresh of the source. `at_hand` is the current document.
pub(crate) fn taken(
    refresh: &mut Refresh,
    fetched: Result<FetchedMetadata, ClientError>,
    at_hand: Option<&TrustedMetadata>,
    provider: &Provider,
    now: DateTime<Utc>,
) -> Result<Refreshed, RefreshFailure> {
    match fetched {
        Ok(fetched) => Ok(refresh.answered(fetched, at_hand, provider, now, random(provider))?),
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
