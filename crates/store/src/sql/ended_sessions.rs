//! Records of sessions that ended, in SQL.

use chrono::{DateTime, Utc};

use super::{Batch, Engine};
use crate::{Answer, EndedSessionStore, ended_session::removed_until, text::milliseconds_rounded_up};

impl<E: Engine> EndedSessionStore for E {
    fn note_ended<'a>(&'a self, hash: &'a str, until: DateTime<Utc>, now: DateTime<Utc>) -> Answer<'a, ()> {
        const NOTE: &str = "
            INSERT INTO vouchsafe_ended_sessions (hash, expires_at) VALUES (?, ?)
            ON CONFLICT (hash) DO UPDATE SET expires_at = excluded.expires_at
            WHERE excluded.expires_at > vouchsafe_ended_sessions.expires_at";
        let note = Batch::of("DELETE FROM vouchsafe_ended_sessions WHERE expires_at <= ?")
            .bind(removed_until(now).timestamp_millis())
            .then(NOTE)
            .bind(hash)
            .bind(milliseconds_rounded_up(until));
        self.apply(note)
    }

    fn has_ended<'a>(&'a self, hash: &'a str) -> Answer<'a, bool> {
        let asked = Batch::of("SELECT 1 FROM vouchsafe_ended_sessions WHERE hash = ?").bind(hash);
        Box::pin(async move { Ok(!self.ask(asked).await?.rows.is_empty()) })
    }
}
