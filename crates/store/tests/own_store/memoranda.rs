//! Its replay records and pending requests.

use chrono::{DateTime, Utc};
use vouchsafe::{PendingRequest, ReplayKey, StoredPendingRequest};
use vouchsafe_store::{Answer, Claim, ClaimStore, PendingStore, ReplayStore, StoreError, forgotten_until};

use super::{Own, sweep};

impl ReplayStore for Own {
    fn insert_once<'a>(&'a self, hash: &'a str, expires_at: DateTime<Utc>) -> Answer<'a, bool> {
        self.with(move |state| {
            let is_new = !state.replays.contains_key(hash);
            state.replays.entry(hash.to_owned()).or_insert(expires_at);
            Ok(is_new)
        })
    }

    fn is_recorded<'a>(&'a self, hash: &'a str) -> Answer<'a, bool> {
        self.with(move |state| Ok(state.replays.contains_key(hash)))
    }

    fn sweep_replays(&self, now: DateTime<Utc>) -> Answer<'_, u64> {
        let margin = ReplayKey::MARGIN;
        self.with(move |state| {
            let latest = state.replays.values().copied().max();
            let Some(limit) = forgotten_until(now, latest, margin) else { return Ok(0) };
            Ok(sweep(&mut state.replays, |expires_at| *expires_at <= limit))
        })
    }
}

impl ClaimStore for Own {
    fn claim<'a>(&'a self, hash: &'a str, holder: &'a str, expires_at: DateTime<Utc>) -> Answer<'a, Claim> {
        self.with(move |state| {
            let held = format!("{hash} held by {holder}");
            if state.replays.contains_key(hash) {
                return Ok(if state.replays.contains_key(&held) { Claim::Again } else { Claim::OfAnother });
            }
            state.replays.extend([(hash.to_owned(), expires_at), (held, expires_at)]);
            Ok(Claim::First)
        })
    }
}

impl PendingStore for Own {
    fn put<'a>(&'a self, request: &'a PendingRequest) -> Answer<'a, ()> {
        self.with(move |state| {
            state.pending.insert(request.handle().to_owned(), request.to_stored());
            Ok(())
        })
    }

    fn find_pending<'a>(&'a self, handle: &'a str, now: DateTime<Utc>) -> Answer<'a, Option<PendingRequest>> {
        self.with(move |state| opened(state.pending.get(handle).cloned(), now))
    }

    fn remove_pending<'a>(&'a self, handle: &'a str) -> Answer<'a, bool> {
        self.with(move |state| Ok(state.pending.remove(handle).is_some()))
    }

    fn sweep_pending(&self, now: DateTime<Utc>) -> Answer<'_, u64> {
        self.with(move |state| Ok(sweep(&mut state.pending, |request| request.expires_at <= now.timestamp())))
    }
}

fn opened(
    stored: Option<StoredPendingRequest>,
    now: DateTime<Utc>,
) -> Result<Option<PendingRequest>, StoreError> {
    let request = stored.map(PendingRequest::from_stored).transpose();
    let request = request.map_err(|error| StoreError::damaged("pending request", error))?;
    Ok(request.filter(|request| !request.is_expired(now)))
}
