//! What a source answered, handed to whoever knows what was there before.

use chrono::{DateTime, Utc};
use vouchsafe::Provider;
use vouchsafe::metadata::{FetchedMetadata, Refresh, Refreshed, TrustedMetadata};

use crate::{ClientError, RefreshFailure};

/// Hands an answer, or that there was none, to the refresh of the source, of which this document is at hand.
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

/// It spreads questions over time and protects nothing, so a source of random numbers that fails does no harm.
pub(crate) fn random(provider: &Provider) -> u64 {
    let mut bytes = [0_u8; 8];
    match provider.random(&mut bytes) {
        Ok(()) => u64::from_le_bytes(bytes),
        Err(_) => 0,
    }
}
