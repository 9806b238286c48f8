//! Replay records and pending requests in SQL.

use chrono::{DateTime, Utc};
use vouchsafe::{PendingRequest, StoredPendingRequest};

use super::{Batch, Engine, Wanted, rows, run_one};
use crate::{
    Answer, Claim, ClaimStore, PendingStore, ReplayStore, StoreError, claim::held_by, forgotten_until,
    text::milliseconds_rounded_up,
};

/// Records a hash if it is not recorded yet; one row is then changed.
pub(super) fn insert_once(hash: &str, expires_at: DateTime<Utc>) -> Batch {
    Batch::of("INSERT INTO vouchsafe_replays (hash, expires_at) VALUES (?, ?) ON CONFLICT DO NOTHING")
        .bind(hash)
        .bind(milliseconds_rounded_up(expires_at))
}

/// A row, if a hash is recorded.
fn recorded(hash: &str) -> Batch {
    Batch::of("SELECT 1 FROM vouchsafe_replays WHERE hash = ?").bind(hash)
}

/// How many rows the first statement changed.
pub(super) async fn changed(engine: &impl Engine, batch: Batch) -> Result<u64, StoreError> {
    Ok(engine.execute(batch).await?.first().map_or(0, |answered| answered.changed))
}

impl<E: Engine> ReplayStore for E {
    fn insert_once<'a>(&'a self, hash: &'a str, expires_at: DateTime<Utc>) -> Answer<'a, bool> {
        Box::pin(async move { Ok(changed(self, insert_once(hash, expires_at)).await? == 1) })
    }

    fn is_recorded<'a>(&'a self, hash: &'a str) -> Answer<'a, bool> {
        Box::pin(async move { Ok(!self.ask(recorded(hash)).await?.rows.is_empty()) })
    }

    fn sweep_replays(&self, now: DateTime<Utc>) -> Answer<'_, u64> {
        let margin = self.replay_margin();
        self.write::<u64, StoreError>(Box::new(move |turn| {
            Box::pin(async move {
                let asked = Batch::of("SELECT max(expires_at) FROM vouchsafe_replays");
                let latest = run_one(turn, asked).await?.optional_number()?;
                // A time beyond the calendar is later than any other, and must not prevent the deletion of others.
                let last = DateTime::<Utc>::MAX_UTC;
                let latest = latest.map(|end| DateTime::from_timestamp_millis(end).unwrap_or(last));
                let Some(limit) = forgotten_until(now, latest, margin) else { return Ok(0) };
                let sweep = Batch::of("DELETE FROM vouchsafe_replays WHERE expires_at <= ?");
                Ok(run_one(turn, sweep.bind(limit.timestamp_millis())).await?.changed)
            })
        }))
    }
}

impl<E: Engine> ClaimStore for E {
    fn claim<'a>(&'a self, hash: &'a str, holder: &'a str, expires_at: DateTime<Utc>) -> Answer<'a, Claim> {
        let held = held_by(hash, holder);
        let insert = insert_once(hash, expires_at);
        self.write::<Claim, StoreError>(Box::new(move |turn| {
            Box::pin(async move {
                // Of two at the same time the second waits here for the first to be written.
                if run_one(turn, insert).await?.changed == 1 {
                    turn.write(insert_once(&held, expires_at));
                    return Ok(Claim::First);
                }
                let is_held = !run_one(turn, recorded(&held)).await?.rows.is_empty();
                Ok(if is_held { Claim::Again } else { Claim::OfAnother })
            })
        }))
    }
}

impl<E: Engine> PendingStore for E {
    fn put<'a>(&'a self, request: &'a PendingRequest) -> Answer<'a, ()> {
        const PUT: &str = "
            INSERT INTO vouchsafe_pending (handle, record, expires_at) VALUES (?, ?, ?)
            ON CONFLICT (handle) DO UPDATE SET record = excluded.record, expires_at = excluded.expires_at";
        Box::pin(async move {
            let record = rows::to_json("pending request", &request.to_stored())?;
            let end = milliseconds_rounded_up(request.expires_at());
            let put = Batch::of(PUT).bind(request.handle()).bind(record).bind(end);
            self.apply(put).await
        })
    }

    fn find_pending<'a>(&'a self, handle: &'a str, now: DateTime<Utc>) -> Answer<'a, Option<PendingRequest>> {
        Box::pin(async move {
            let record = self.look_up(Wanted::Pending(handle.to_owned())).await?;
            let stored =
                record.map(|record| rows::from_json::<StoredPendingRequest>("pending request", &record));
            crate::pending::opened(stored.transpose()?, now)
        })
    }

    fn remove_pending<'a>(&'a self, handle: &'a str) -> Answer<'a, bool> {
        let remove = Batch::of("DELETE FROM vouchsafe_pending WHERE handle = ?").bind(handle);
        Box::pin(async move { Ok(changed(self, remove).await? == 1) })
    }

    fn sweep_pending(&self, now: DateTime<Utc>) -> Answer<'_, u64> {
        let sweep = Batch::of("DELETE FROM vouchsafe_pending WHERE expires_at <= ?");
        Box::pin(changed(self, sweep.bind(now.timestamp_millis())))
    }
}
