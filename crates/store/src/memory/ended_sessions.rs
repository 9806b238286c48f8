//! Records of sessions that ended, in memory.

use chrono::{DateTime, Utc};

use super::{Memory, sweep};
use crate::{Answer, EndedSessionStore, ended_session::removed_until};

impl EndedSessionStore for Memory {
    fn note_ended<'a>(&'a self, hash: &'a str, until: DateTime<Utc>, now: DateTime<Utc>) -> Answer<'a, ()> {
        self.with(move |state| {
            let over = removed_until(now);
            sweep(&mut state.ended_sessions, |until| *until <= over);
            let kept = state.ended_sessions.entry(hash.to_owned()).or_insert(until);
            *kept = until.max(*kept);
            Ok(())
        })
    }

    fn has_ended<'a>(&'a self, hash: &'a str) -> Answer<'a, bool> {
        self.with(move |state| Ok(state.ended_sessions.contains_key(hash)))
    }
}
