//! Records of sessions that ended, in Redis. They expire by themselves.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use redis::{Script, cmd};

use super::{Redis, milliseconds, scripts::Call};
use crate::{Answer, EndedSessionStore, ended_session::removed_until};

/// Sets the first key for a number of milliseconds (the first argument), unless it lasts longer already.
fn note() -> Call {
    static SCRIPT: LazyLock<Script> = LazyLock::new(|| {
        Script::new(
            r"if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], '1', 'PX', ARGV[1]) end",
        )
    });
    Call::of(&SCRIPT)
}

impl EndedSessionStore for Redis {
    fn note_ended<'a>(&'a self, hash: &'a str, until: DateTime<Utc>, now: DateTime<Utc>) -> Answer<'a, ()> {
        Box::pin(async move {
            // A machine whose clock is ahead must not shorten it.
            let lasting = milliseconds(until.signed_duration_since(removed_until(now)));
            note().key(self.key("ended_session", hash)).arg(lasting).invoke(&self.connection).await
        })
    }

    fn has_ended<'a>(&'a self, hash: &'a str) -> Answer<'a, bool> {
        Box::pin(async move { self.ask(cmd("EXISTS").arg(self.key("ended_session", hash))).await })
    }
}
