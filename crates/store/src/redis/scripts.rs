//! Steps that use several keys, each as a script, which Redis runs atomically.
//!
//! A session is a hash with its record. The sessions of an account, and those of a name at an identity provider, are in
//! a sorted set each, by their expiry, so that expired ones are removed when another begins.

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

/// Keeps a session. Keys: the session, its account's sessions, and those of its name if it has one. Arguments: its
/// record, its longest duration, when it was last used, and its duration without use.
pub(super) fn create() -> Call {
    static SCRIPT: LazyLock<Script> = LazyLock::new(|| {
        Script::new(
            r"if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
            local time = redis.call('TIME')
            local now = time[1] * 1000 + math.floor(time[2] / 1000)
            redis.call('HSET', KEYS[1], 'record', ARGV[1], 'used', ARGV[3])
            redis.call('PEXPIRE', KEYS[1], ARGV[4])
            for _, set in ipairs({KEYS[2], KEYS[3]}) do
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

/// Ends the sessions of a set and publishes on a channel (first argument). With an account it publishes the second
/// argument, and the epoch under the third is increased. Without one both are empty, and it ends the sessions that have
/// the session index (fifth) among theirs or have none, or all of them, and publishes for each the part of its key after
/// the fourth argument.
pub(super) fn revoke_all() -> Call {
    static SCRIPT: LazyLock<Script> = LazyLock::new(|| {
        Script::new(
            r"local ended = 0
            for _, key in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
                local matches = true
                if ARGV[5] then
                    local record = redis.call('HGET', key, 'record')
                    local session = record and cjson.decode(record) or {}
                    local indexes = session['session_indexes'] or {session['session_index']} -- one, of an earlier version
                    if indexes[1] == cjson.null then indexes = {} end
                    matches = record and #indexes == 0
                    for _, index in ipairs(indexes) do matches = matches or index == ARGV[5] end
                end
                if matches then
                    local was_there = redis.call('DEL', key)
                    redis.call('ZREM', KEYS[1], key)
                    ended = ended + was_there
                    if was_there == 1 and ARGV[2] == '' then
                        redis.call('PUBLISH', ARGV[1], 'session ' .. string.sub(key, string.len(ARGV[4]) + 1))
                    end
                end
            end
            if ARGV[3] ~= '' then redis.call('INCR', ARGV[3]) end
            if ARGV[2] ~= '' then redis.call('PUBLISH', ARGV[1], ARGV[2]) end
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
