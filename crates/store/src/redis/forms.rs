//! Forms in Redis.
//!
//! A form is a hash that expires by itself. A sorted set lists all forms by expiry, each with its size, its network
//! and its handle, so that expired forms are removed when another form is kept, and the totals of each network are known.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use redis::{Script, cmd};

use super::{Redis, milliseconds, scripts::Call};
use crate::{Answer, FormLimits, FormStore, SealedForm};

/// The beginning of every script that removes forms. The first key is that of the set. The first two arguments are the
/// prefix of the keys of forms, and now. The set has a form as `size:length:network and handle`, where `length` is that
/// of the network. A known network begins with `-`; an unknown one is empty.
const FORGETTING: &str = r"
    local function parts(member)
        local size, length, rest = string.match(member, '^(%d+):(%d+):(.*)$')
        length = tonumber(length)
        return tonumber(size), string.sub(rest, 1, length), string.sub(rest, length + 1)
    end
    local function forget(member)
        local _, _, handle = parts(member)
        redis.call('DEL', ARGV[1] .. handle)
        redis.call('ZREM', KEYS[1], member)
    end
    local over = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[2])
    for _, member in ipairs(over) do forget(member) end
";

/// Stores a form, whose key is the second. The further arguments: its handle, the hash, the sealed form, its expiry and
/// its lifetime, the most forms and bytes, its network, and the most forms and bytes of that network.
///
/// As in the other stores, the new form is counted first, and then those whose networks have the least.
fn keep() -> Call {
    static SCRIPT: LazyLock<Script> = LazyLock::new(|| {
        Script::new(&format!(
            "{FORGETTING}{}",
            r"local before = redis.call('HGET', KEYS[2], 'member')
            if before then forget(before) end
            local size = string.len(ARGV[5])
            local newcomer = size .. ':' .. string.len(ARGV[10]) .. ':' .. ARGV[10] .. ARGV[3]
            redis.call('HSET', KEYS[2], 'binding', ARGV[4], 'sealed', ARGV[5], 'end', ARGV[6], 'member', newcomer)
            redis.call('PEXPIRE', KEYS[2], ARGV[7])
            local newest_first = redis.call('ZREVRANGE', KEYS[1], 0, -1)
            table.insert(newest_first, 1, newcomer)
            redis.call('ZADD', KEYS[1], ARGV[6], newcomer)
            if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[7]) then redis.call('PEXPIRE', KEYS[1], ARGV[7]) end

            local networks, kept = {}, {}
            for _, member in ipairs(newest_first) do
                local bytes, network = parts(member)
                local of_network = networks[network] or {forms = 0, bytes = 0}
                networks[network] = of_network
                of_network.forms = of_network.forms + 1
                of_network.bytes = of_network.bytes + bytes
                local is_own = network ~= '' and network == ARGV[10]
                if is_own and (of_network.forms > tonumber(ARGV[11]) or of_network.bytes > tonumber(ARGV[12])) then
                    forget(member)
                else
                    table.insert(kept, {member = member, place = #kept, one = 1, bytes = bytes,
                        forms_of_network = of_network.forms, bytes_of_network = of_network.bytes})
                end
            end
            local function forget_beyond(limit, of_network, weight)
                local function first(a, b)
                    if (a.place == 0) ~= (b.place == 0) then return a.place == 0 end
                    if a[of_network] ~= b[of_network] then return a[of_network] < b[of_network] end
                    return a.place < b.place
                end
                table.sort(kept, first)
                local together = 0
                for _, form in ipairs(kept) do
                    together = together + form[weight]
                    if together > limit then forget(form.member) end
                end
            end
            forget_beyond(tonumber(ARGV[8]), 'forms_of_network', 'one')
            forget_beyond(tonumber(ARGV[9]), 'bytes_of_network', 'bytes')
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

/// Takes a form out. The keys are those of [`keep`]; the arguments are the hash and now.
fn take() -> Call {
    static SCRIPT: LazyLock<Script> = LazyLock::new(|| {
        Script::new(
            r"local form = redis.call('HMGET', KEYS[2], 'binding', 'sealed', 'end', 'member')
            if not form[1] or form[1] ~= ARGV[1] then return nil end
            redis.call('DEL', KEYS[2])
            redis.call('ZREM', KEYS[1], form[4])
            if tonumber(form[3]) <= tonumber(ARGV[2]) then return nil end
            return form[2]",
        )
    });
    Call::of(&SCRIPT)
}

impl Redis {
    fn set_of_forms(&self) -> String {
        self.key("forms", "by_network_and_end")
    }
}

impl FormStore for Redis {
    fn keep_form<'a>(
        &'a self,
        form: &'a SealedForm,
        limits: FormLimits,
        now: DateTime<Utc>,
    ) -> Answer<'a, ()> {
        if !limits.allow(form) {
            return Box::pin(std::future::ready(Ok(())));
        }
        let network = form.network.as_ref().map_or_else(String::new, |network| format!("-{network}"));
        Box::pin(async move {
            let call = keep()
                .key(self.set_of_forms())
                .key(self.key("form", &form.handle))
                .arg(self.key("form", ""))
                .arg(now.timestamp_millis())
                .arg(&form.handle)
                .arg(&form.binding_hash)
                .arg(form.sealed.as_slice())
                .arg(form.expires_at.timestamp_millis())
                .arg(milliseconds(form.expires_at.signed_duration_since(now)))
                .arg(limits.forms)
                .arg(limits.bytes)
                .arg(network)
                .arg(limits.forms_of_network)
                .arg(limits.bytes_of_network);
            call.invoke::<i64>(&self.connection).await.map(drop)
        })
    }

    fn find_form<'a>(
        &'a self,
        handle: &'a str,
        binding_hash: &'a str,
        now: DateTime<Utc>,
    ) -> Answer<'a, Option<Vec<u8>>> {
        type Fields = (Option<String>, Option<Vec<u8>>, Option<i64>);
        Box::pin(async move {
            let fields =
                cmd("HMGET").arg(self.key("form", handle)).arg("binding").arg("sealed").arg("end").take();
            let (binding, sealed, end): Fields = self.ask(&fields).await?;
            let is_live = end.is_some_and(|end| now.timestamp_millis() < end);
            Ok(sealed.filter(|_| is_live && binding.as_deref() == Some(binding_hash)))
        })
    }

    fn take_form<'a>(
        &'a self,
        handle: &'a str,
        binding_hash: &'a str,
        now: DateTime<Utc>,
    ) -> Answer<'a, Option<Vec<u8>>> {
        Box::pin(async move {
            let call = take()
                .key(self.set_of_forms())
                .key(self.key("form", handle))
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
            let call = sweep().key(self.set_of_forms()).arg(self.key("form", "")).arg(now.timestamp_millis());
            call.invoke(&self.connection).await
        })
    }
}
