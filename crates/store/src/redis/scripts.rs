//! Steps that use several keys, each as a script, which Redis runs atomically.
//!
//! A session is a hash with its record. The sessions of an account, those of a name at an identity provider, and those
//! with a session index are in a sorted set each, by their expiry, so that expired ones are removed when another begins.

use std::sync::LazyLock;

use redis::{FromRedisValue, Script, ScriptInvocation, ToRedisArgs, aio::ConnectionLike};

use super::failed;
use crate::StoreError;

/// Keeps a replay record until a time of the server's clock, and for at least so many milliseconds from now. Answers
/// whether it was new.
pub(super) fn insert_once() -> Call {
    static SCRIPT: LazyLock<Script> = LazyLock::new(|| {
        Script::new(
            r"local time = redis.call('TIME')
            local now = time[1] * 1000 + math.floor(time[2] / 1000)
            local lasting = math.max(tonumber(ARGV[1]) - now, tonumber(ARGV[2]))
            local lasting = math.min(lasting, 9000000000000)
            if redis.call('SET', KEYS[1], '1', 'NX', 'PX', string.format('%.0f', lasting)) then return 1 end
            return 0",
        )
    });
    Call::of(&SCRIPT)
}

/// Keeps a replay record for a holder (third argument) for as long as [`insert_once`] does, and returns 0. If the record
/// exists, returns 1 if this holder has it and 2 if another has it.
pub(super) fn claim() -> Call {
    static SCRIPT: LazyLock<Script> = LazyLock::new(|| {
        Script::new(
            r"local held = redis.call('GET', KEYS[1])
            if held == ARGV[3] then return 1 end
            if held then return 2 end
            local time = redis.call('TIME')
            local now = time[1] * 1000 + math.floor(time[2] / 1000)
            local lasting = math.max(tonumber(ARGV[1]) - now, tonumber(ARGV[2]))
            local lasting = math.min(lasting, 9000000000000)
            redis.call('SET', KEYS[1], ARGV[3], 'PX', string.format('%.0f', lasting))
            return 0",
        )
    });
    Call::of(&SCRIPT)
}

/// Keeps a session. Keys: the session, its account's sessions, and those of its name and of its session indexes if it
/// has a name. Arguments: its record, its longest duration, when it was last used, and its duration without use.
pub(super) fn create() -> Call {
    static SCRIPT: LazyLock<Script> = LazyLock::new(|| {
        Script::new(
            r"if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
            local time = redis.call('TIME')
            local now = time[1] * 1000 + math.floor(time[2] / 1000)
            redis.call('HSET', KEYS[1], 'record', ARGV[1], 'used', ARGV[3])
            redis.call('PEXPIRE', KEYS[1], ARGV[4])
            for place = 2, #KEYS do
                local set = KEYS[place]
                redis.call('ZREMRANGEBYSCORE', set, '-inf', string.format('%.0f', now))
                redis.call('ZADD', set, string.format('%.0f', now + ARGV[2]), KEYS[1])
                if redis.call('PTTL', set) < tonumber(ARGV[2]) then redis.call('PEXPIRE', set, ARGV[2]) end
            end
            return 1",
        )
    });
    Call::of(&SCRIPT)
}

/// Writes that a session is used at a time (first argument) if it exists and its last written use was at or before
/// another time (second). It is then extended by a duration (third).
pub(super) fn note_use() -> Call {
    static SCRIPT: LazyLock<Script> = LazyLock::new(|| {
        Script::new(
            r"local used = redis.call('HGET', KEYS[1], 'used')
            if not used or tonumber(used) > tonumber(ARGV[2]) then return 0 end
            redis.call('HSET', KEYS[1], 'used', ARGV[1])
            redis.call('PEXPIRE', KEYS[1], ARGV[3])
            return 1",
        )
    });
    Call::of(&SCRIPT)
}

/// Ends a session, and publishes (first argument) which one ended (second).
pub(super) fn revoke() -> Call {
    static SCRIPT: LazyLock<Script> = LazyLock::new(|| {
        Script::new(
            r"local ended = redis.call('DEL', KEYS[1])
            if ended > 0 then redis.call('PUBLISH', ARGV[1], ARGV[2]) end
            return ended",
        )
    });
    Call::of(&SCRIPT)
}

/// Ends the sessions of an account, a set. Publishes on a channel (first argument) that they ended (second), and
/// increases the epoch under the third.
pub(super) fn revoke_all() -> Call {
    static SCRIPT: LazyLock<Script> = LazyLock::new(|| {
        Script::new(
            r"local ended = 0
            for _, key in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
                ended = ended + redis.call('DEL', key)
                redis.call('ZREM', KEYS[1], key)
            end
            redis.call('INCR', ARGV[3])
            redis.call('PUBLISH', ARGV[1], ARGV[2])
            return ended",
        )
    });
    Call::of(&SCRIPT)
}

/// Returns the sessions that are in any of several sets, each with its record.
pub(super) fn members() -> Call {
    static SCRIPT: LazyLock<Script> = LazyLock::new(|| {
        Script::new(
            r"local found = {}
            for _, set in ipairs(KEYS) do
                for _, key in ipairs(redis.call('ZRANGE', set, 0, -1)) do
                    local record = redis.call('HGET', key, 'record')
                    if record then
                        table.insert(found, {key, record})
                    else
                        redis.call('ZREM', set, key)
                    end
                end
            end
            return found",
        )
    });
    Call::of(&SCRIPT)
}

/// Ends these sessions, and publishes on a channel (first argument) which of them ended (the others, in their order).
pub(super) fn revoke_these() -> Call {
    static SCRIPT: LazyLock<Script> = LazyLock::new(|| {
        Script::new(
            r"local ended = 0
            for place, key in ipairs(KEYS) do
                if redis.call('DEL', key) == 1 then
                    ended = ended + 1
                    redis.call('PUBLISH', ARGV[1], ARGV[place + 1])
                end
            end
            return ended",
        )
    });
    Call::of(&SCRIPT)
}

/// A script with its keys and arguments.
pub(super) struct Call(ScriptInvocation<'static>);

impl Call {
    pub(super) fn of(script: &'static Script) -> Self {
        Self(script.prepare_invoke())
    }

    pub(super) fn key(mut self, key: impl ToRedisArgs) -> Self {
        self.0.key(key);
        self
    }

    pub(super) fn arg(mut self, argument: impl ToRedisArgs) -> Self {
        self.0.arg(argument);
        self
    }

    pub(super) async fn invoke<T: FromRedisValue>(
        &self,
        connection: &(impl ConnectionLike + Clone),
    ) -> Result<T, StoreError> {
        self.0.invoke_async(&mut connection.clone()).await.map_err(failed)
    }
}
