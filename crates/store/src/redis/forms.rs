//! Forms in Redis.
//!
//! A form is a hash that expires by itself. A sorted set contains all forms by their expiry, each as its size and its
//! handle, so that expired forms are removed from it when another form is kept. The bytes of all forms together are
//! counted next to it.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use redis::{Script, cmd};

use super::{Redis, milliseconds, scripts::Call};
use crate::{Answer, FormLimits, FormStore, SealedForm};

/// The beginning of every script that deletes forms. The first two keys are the set and the count; the first two
/// arguments are the prefix of the forms' keys, and now.
const FORGETTING: &str = r"
    local function forget(member)
        local size, handle = string.match(member, '^(%d+):(.*)$')
        redis.call('DEL', ARGV[1] .. handle)
        redis.call('ZREM', KEYS[1], member)
        redis.call('DECRBY', KEYS[2], size)
    end
    local over = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[2])
    for _, member in ipairs(over) do forget(member) end
";

/// Keeps a form whose key is the third. Further arguments: its handle, the hash, the sealed form, its expiry and the
/// time until then, the most forms and the most bytes.
fn keep() -> Call {
    static SCRIPT: LazyLock<Script> = LazyLock::new(|| {
        Script::new(&format!(
            "{FORGETTING}{}",
            r"local size = string.len(ARGV[5])
            local most = tonumber(ARGV[9])
            if size > most or tonumber(ARGV[8]) < 1 then return 0 end
            local before = redis.call('HGET', KEYS[3], 'bytes')
            if before then forget(before .. ':' .. ARGV[3]) end
            while redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[8])
                or tonumber(redis.call('GET', KEYS[2]) or '0') + size > most do
                local oldest = redis.call('ZRANGE', KEYS[1], 0, 0)[1]
                if not oldest then break end
                forget(oldest)
            end
            if redis.call('ZCARD', KEYS[1]) == 0 then redis.call('SET', KEYS[2], '0') end
            redis.call('HSET', KEYS[3], 'binding', ARGV[4], 'sealed', ARGV[5], 'bytes', size, 'end', ARGV[6])
            redis.call('PEXPIRE', KEYS[3], ARGV[7])
            redis.call('ZADD', KEYS[1], ARGV[6], size .. ':' .. ARGV[3])
            redis.call('INCRBY', KEYS[2], size)
            for _, key in ipairs({KEYS[1], KEYS[2]}) do
                if redis.call('PTTL', key) < tonumber(ARGV[7]) then redis.call('PEXPIRE', key, ARGV[7]) end
            end
            return 1",
        ))
    });
    Call::of(&SCRIPT)
}

/// Deletes the expired forms and answers how many there were.
fn sweep() -> Call {
    static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(&format!("{FORGETTING}return #over")));
    Call::of(&SCRIPT)
}

/// Removes and answers a form. The keys are those of [`keep`]; the arguments are its handle, the hash, and now.
fn take() -> Call {
    static SCRIPT: LazyLock<Script> = LazyLock::new(|| {
        Script::new(
            r"local form = redis.call('HMGET', KEYS[3], 'binding', 'sealed', 'bytes', 'end')
            if not form[1] or form[1] ~= ARGV[2] then return nil end
            redis.call('DEL', KEYS[3])
            if redis.call('ZREM', KEYS[1], form[3] .. ':' .. ARGV[1]) == 1 then
                redis.call('DECRBY', KEYS[2], form[3])
            end
            if tonumber(form[4]) <= tonumber(ARGV[3]) then return nil end
            return form[2]",
        )
    });
    Call::of(&SCRIPT)
}

impl Redis {
    /// A script with the keys of all forms and its other parameters.
    fn on_forms(&self, script: Call) -> Call {
        script.key(self.set_of_forms()).key(self.key("forms", "bytes"))
    }

    fn set_of_forms(&self) -> String {
        self.key("forms", "by_end")
    }
}

impl FormStore for Redis {
    fn keep_form<'a>(
        &'a self,
        form: &'a SealedForm,
        limits: FormLimits,
        now: DateTime<Utc>,
    ) -> Answer<'a, ()> {
        Box::pin(async move {
            let call = self
                .on_forms(keep())
                .key(self.key("form", &form.handle))
                .arg(self.key("form", ""))
                .arg(now.timestamp_millis())
                .arg(&form.handle)
                .arg(&form.binding_hash)
                .arg(form.sealed.as_slice())
                .arg(form.expires_at.timestamp_millis())
                .arg(milliseconds(form.expires_at.signed_duration_since(now)))
                .arg(limits.forms)
                .arg(limits.bytes);
            call.invoke::<i64>(&self.connection).await.map(drop)
        })
    }

    fn take_form<'a>(
        &'a self,
        handle: &'a str,
        binding_hash: &'a str,
        now: DateTime<Utc>,
    ) -> Answer<'a, Option<Vec<u8>>> {
        Box::pin(async move {
            let call = self
                .on_forms(take())
                .key(self.key("form", handle))
                .arg(handle)
                .arg(binding_hash)
                .arg(now.timestamp_millis());
            call.invoke(&self.connection).await
        })
    }

    fn count_forms(&self, now: DateTime<Utc>) -> Answer<'_, u64> {
        Box::pin(async move {
            let after = format!("({}", now.timestamp_millis());
            self.ask(cmd("ZCOUNT").arg(self.set_of_forms()).arg(after).arg("+inf")).await
        })
    }

    /// Forms expire by themselves; their entries in the set are removed here or when the next form is kept.
    fn sweep_forms(&self, now: DateTime<Utc>) -> Answer<'_, u64> {
        Box::pin(async move {
            let call = self.on_forms(sweep()).arg(self.key("form", "")).arg(now.timestamp_millis());
            call.invoke(&self.connection).await
        })
    }
}
