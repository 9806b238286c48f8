//! Redis: replays, pending requests, sessions and forms, without a directory.

mod announcements;
mod ended_sessions;
mod forms;
mod replicated;
mod scripts;

use std::{collections::BTreeSet, fmt, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use redis::{Client, FromRedisValue, RedisError, aio::ConnectionManager, aio::ConnectionManagerConfig, cmd};
use replicated::Replicated;
use vouchsafe::{
    ConnectionId, PendingRequest, ReplayKey, StoredPendingRequest,
    provisioning::{AccountId, LoggedOut},
};

use crate::{
    Answer, Claim, ClaimStore, PendingStore, ReplayStore, Revocation, Session, SessionId, SessionStore,
    StoreError,
    json::{from_json, to_json},
    logout::index_key,
};

/// How long an answer may take. A slower server counts as an outage.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);

/// The prefix of every key. The braces make a cluster keep all keys on one node, where a script can use several of
/// them.
const PREFIX: &str = "{vouchsafe}:";

/// Replay records, pending requests, sessions and [forms](crate::FormStore) in Redis 7 or later, or Valkey, for any
/// number of processes. Clones share one connection, which is re-established when it is lost.
///
/// Every method is one atomic step: a command, or a script if it uses several keys. All entries expire by themselves,
/// so the sweeping methods answer 0. Replay records are kept for a [margin](Self::with_replay_margin) after the
/// assertions have become too old.
///
/// **What may be lost.** Redis answers before its replicas have a write, and before it is on the disk (`appendfsync
/// everysec`). After a failover the last writes may be lost: a person whose session was lost signs in again, and an
/// assertion that was accepted in the last moment could be accepted a second time by somebody who has it, within the
/// minutes of its validity. [`requiring_replicas`](Self::requiring_replicas) refuses a sign-in that no replica has
/// seen. Use `maxmemory-policy noeviction`, since an evicted replay record is lost.
///
/// It has no directory and no connections. Use it in an application with its own table of users, or next to `Postgres`,
/// which then keeps replay records and sessions in its own transactions.
///
/// ```no_run
/// use vouchsafe_store::{PendingStore, Redis};
///
/// # async fn example(request: &vouchsafe::PendingRequest) -> Result<(), vouchsafe_store::StoreError> {
/// let store = Redis::connect("rediss://:secret@cache.example.com").await?;
/// store.put(request).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Redis {
    client: Client,
    connection: ConnectionManager,
    prefix: String,
    replay_margin: TimeDelta,
    replicas: Option<Replicated>,
}

impl Redis {
    /// Opens the store at this address: `redis://host:port/database`, or `rediss://` for TLS, with `user:password@`
    /// before the host.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] or [`StoreError::Backend`]. Neither contains the password.
    pub async fn connect(address: &str) -> Result<Self, StoreError> {
        let client = Client::open(address).map_err(failed)?;
        let config = ConnectionManagerConfig::new()
            .set_response_timeout(Some(RESPONSE_TIMEOUT))
            .set_connection_timeout(Some(RESPONSE_TIMEOUT))
            .set_max_delay(Duration::from_secs(1))
            .set_number_of_retries(2);
        let connection = ConnectionManager::new_with_config(client.clone(), config).await.map_err(failed)?;
        let prefix = PREFIX.to_owned();
        Ok(Self { client, connection, prefix, replay_margin: ReplayKey::MARGIN, replicas: None })
    }

    /// The same store with another prefix for its keys, for several services on one Redis. In a cluster the prefix must
    /// contain a part in braces.
    #[must_use]
    pub fn with_prefix(self, prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), ..self }
    }

    /// Keeps replay records for `margin` after the assertions have become too old. The default and the minimum is
    /// [`ReplayKey::MARGIN`].
    #[must_use]
    pub fn with_replay_margin(self, margin: Duration) -> Self {
        Self { replay_margin: crate::replay::at_least_the_margin(margin), ..self }
    }

    /// Accepts an assertion only if this many replicas have its record within `at_most`. Otherwise the sign-in is
    /// refused as an outage, and the same response is refused afterwards, since the record exists. Each sign-in waits
    /// for it, on connections of their own, so that nothing else waits.
    #[must_use]
    pub fn requiring_replicas(self, replicas: u32, at_most: Duration) -> Self {
        let replicated = Replicated::new(self.client.clone(), replicas, at_most);
        Self { replicas: Some(replicated), ..self }
    }

    fn key(&self, kind: &str, name: &str) -> String {
        format!("{}{kind}:{name}", self.prefix)
    }

    fn channel(&self) -> String {
        format!("{}ended", self.prefix)
    }

    /// A script that makes a replay record, with its key and its duration. The record outlasts the margin both by the server's
    /// clock and by the elapsed time.
    fn recording(&self, script: scripts::Call, hash: &str, expires_at: DateTime<Utc>) -> scripts::Call {
        let keep_until =
            expires_at.checked_add_signed(self.replay_margin).unwrap_or(DateTime::<Utc>::MAX_UTC);
        script
            .key(self.key("replay", hash))
            .arg(keep_until.timestamp_millis().saturating_add(1))
            .arg(milliseconds(self.replay_margin))
    }

    async fn record_by<T: FromRedisValue>(&self, record: scripts::Call) -> Result<T, StoreError> {
        match &self.replicas {
            Some(replicated) => replicated.invoke(&record).await,
            None => record.invoke(&self.connection).await,
        }
    }

    /// The sessions over a connection with a session index.
    fn of_index(&self, connection: &ConnectionId, index: &str) -> String {
        self.key("index", &format!("{connection} {index}"))
    }

    async fn ask<T: FromRedisValue>(&self, command: &redis::Cmd) -> Result<T, StoreError> {
        command.query_async(&mut self.connection.clone()).await.map_err(failed)
    }
}

/// `Debug` does not show the address, which contains the password.
impl fmt::Debug for Redis {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Redis")
            .field("prefix", &self.prefix)
            .field("replay_margin", &self.replay_margin)
            .field("replicas", &self.replicas)
            .finish_non_exhaustive()
    }
}

/// An error of the driver, whose type is not part of this crate's interface.
fn failed(error: RedisError) -> StoreError {
    /// Answers of a server that will work in a moment, or that another server will give a result for.
    const FOR_A_MOMENT: [&str; 8] =
        ["LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "NOREPLICAS", "BUSY", "OOM"];
    let is_for_a_moment = error.is_io_error()
        || error.is_timeout()
        || error.is_connection_dropped()
        || error.is_connection_refusal()
        || error.is_unrecoverable_error()
        || error.code().is_some_and(|code| FOR_A_MOMENT.contains(&code));
    match is_for_a_moment {
        true => StoreError::unavailable(error),
        false => StoreError::backend(error),
    }
}

/// The time until expiry and one second more, so that Redis never removes an entry too early. The expiry time is
/// checked again when the entry is read.
fn milliseconds(lifetime: TimeDelta) -> i64 {
    lifetime.num_milliseconds().max(0).saturating_add(1_000).min(i64::MAX / 1_000_000)
}

impl ReplayStore for Redis {
    fn insert_once<'a>(&'a self, hash: &'a str, expires_at: DateTime<Utc>) -> Answer<'a, bool> {
        Box::pin(
            async move { self.record_by(self.recording(scripts::insert_once(), hash, expires_at)).await },
        )
    }

    fn is_recorded<'a>(&'a self, hash: &'a str) -> Answer<'a, bool> {
        Box::pin(async move { self.ask(cmd("EXISTS").arg(self.key("replay", hash))).await })
    }

    fn sweep_replays(&self, _: DateTime<Utc>) -> Answer<'_, u64> {
        Box::pin(async { Ok(0) })
    }
}

impl ClaimStore for Redis {
    fn claim<'a>(&'a self, hash: &'a str, holder: &'a str, expires_at: DateTime<Utc>) -> Answer<'a, Claim> {
        Box::pin(async move {
            // With a mark, so that no holder is what a record without one has.
            let claim = self.recording(scripts::claim(), hash, expires_at).arg(format!("of {holder}"));
            match self.record_by::<u8>(claim).await? {
                0 => Ok(Claim::First),
                1 => Ok(Claim::Again),
                _ => Ok(Claim::OfAnother),
            }
        })
    }
}

impl PendingStore for Redis {
    fn put<'a>(&'a self, request: &'a PendingRequest) -> Answer<'a, ()> {
        Box::pin(async move {
            let stored = request.to_stored();
            let lifetime = TimeDelta::try_seconds(stored.expires_at.saturating_sub(stored.issued_at));
            let record = to_json("pending request", &stored)?;
            let mut set = cmd("SET");
            set.arg(self.key("pending", request.handle())).arg(record);
            set.arg("PX").arg(milliseconds(lifetime.unwrap_or(TimeDelta::MAX)));
            self.ask(&set).await
        })
    }

    fn find_pending<'a>(&'a self, handle: &'a str, now: DateTime<Utc>) -> Answer<'a, Option<PendingRequest>> {
        Box::pin(async move {
            let record: Option<String> = self.ask(cmd("GET").arg(self.key("pending", handle))).await?;
            let stored = record.map(|record| from_json::<StoredPendingRequest>("pending request", &record));
            crate::pending::opened(stored.transpose()?, now)
        })
    }

    fn remove_pending<'a>(&'a self, handle: &'a str) -> Answer<'a, bool> {
        Box::pin(async move { self.ask(cmd("DEL").arg(self.key("pending", handle))).await })
    }

    fn sweep_pending(&self, _: DateTime<Utc>) -> Answer<'_, u64> {
        Box::pin(async { Ok(0) })
    }
}

impl SessionStore for Redis {
    fn create<'a>(&'a self, id: &'a SessionId, session: &'a Session) -> Answer<'a, ()> {
        Box::pin(async move {
            let record = to_json("session", session)?;
            let lifetime = session.expires_at.signed_duration_since(session.created_at);
            let until_noted = session.ends_at().signed_duration_since(session.created_at);
            let mut call = scripts::create()
                .key(self.key("session", id.hash()))
                .key(self.key("account", session.account.as_str()));
            if let Some(identity) = &session.identity {
                call = call.key(self.key("name", &identity.key()));
                let indexes: BTreeSet<String> =
                    session.session_indexes.iter().map(|index| index_key(index)).collect();
                for index in indexes {
                    call = call.key(self.of_index(&identity.connection, &index));
                }
            }
            let created: bool = call
                .arg(record)
                .arg(milliseconds(lifetime))
                .arg(session.last_used_at.timestamp_millis())
                .arg(milliseconds(until_noted))
                .invoke(&self.connection)
                .await?;
            if created { Ok(()) } else { Err(StoreError::taken("the session's identifier")) }
        })
    }

    fn find<'a>(&'a self, id: &'a SessionId, now: DateTime<Utc>) -> Answer<'a, Option<Session>> {
        Box::pin(async move {
            let key = self.key("session", id.hash());
            let fields = cmd("HMGET").arg(&key).arg("record").arg("used").take();
            let (record, used): (Option<String>, Option<i64>) = self.ask(&fields).await?;
            let Some(record) = record else { return Ok(None) };
            let mut session: Session = from_json("session", &record)?;
            let used = used.and_then(DateTime::from_timestamp_millis);
            session.last_used_at = used.filter(|_| session.idle.is_some()).unwrap_or(session.last_used_at);
            if session.is_over(now) {
                return Ok(None);
            }
            if let Some(since) = session.notes_use_since(now) {
                session.last_used_at = now;
                let until_noted = session.ends_at().signed_duration_since(now);
                let note = scripts::note_use()
                    .key(key)
                    .arg(now.timestamp_millis())
                    .arg(since.timestamp_millis())
                    .arg(milliseconds(until_noted));
                note.invoke::<bool>(&self.connection).await?;
            }
            Ok(Some(session))
        })
    }

    fn revoke<'a>(&'a self, id: &'a SessionId) -> Answer<'a, bool> {
        Box::pin(async move {
            scripts::revoke()
                .key(self.key("session", id.hash()))
                .arg(self.channel())
                .arg(Revocation::Session(id.hash().to_owned()).to_text())
                .invoke(&self.connection)
                .await
        })
    }

    fn revoke_logged_out<'a>(&'a self, logout: &'a LoggedOut) -> Answer<'a, u64> {
        Box::pin(async move {
            let mut call = scripts::members().key(self.key("name", &logout.person().key()));
            // A logout by its whole name finds the sessions of the name alone.
            let is_by_name = logout.keys().len() == 1;
            for index in logout.session_indexes().iter().filter(|_| !is_by_name) {
                call = call.key(self.of_index(logout.connection(), &index_key(index)));
            }
            let found: Vec<(String, String)> = call.invoke(&self.connection).await?;
            let prefix = self.key("session", "");
            let mut meant = BTreeSet::new();
            for (key, record) in found {
                let session: Session = from_json("session", &record)?;
                if session.is_meant_by(logout) {
                    meant.insert(key);
                }
            }
            if meant.is_empty() {
                return Ok(0);
            }
            let mut call = scripts::revoke_these().arg(self.channel());
            for key in &meant {
                let hash = key.strip_prefix(&prefix).unwrap_or(key);
                call = call.key(key).arg(Revocation::Session(hash.to_owned()).to_text());
            }
            call.invoke(&self.connection).await
        })
    }

    fn revoke_account<'a>(&'a self, account: &'a AccountId) -> Answer<'a, u64> {
        Box::pin(async move {
            scripts::revoke_all()
                .key(self.key("account", account.as_str()))
                .arg(self.channel())
                .arg(Revocation::Account(account.clone()).to_text())
                .arg(self.key("epoch", account.as_str()))
                .invoke(&self.connection)
                .await
        })
    }

    fn epoch<'a>(&'a self, account: &'a AccountId) -> Answer<'a, u64> {
        Box::pin(async move {
            let epoch: Option<u64> = self.ask(cmd("GET").arg(self.key("epoch", account.as_str()))).await?;
            Ok(epoch.unwrap_or_default())
        })
    }

    fn sweep_sessions(&self, _: DateTime<Utc>) -> Answer<'_, u64> {
        Box::pin(async { Ok(0) })
    }
}
