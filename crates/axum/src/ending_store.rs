//! A session store in which no session outlasts its sign-in.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use tower_sessions::SessionStore;
use tower_sessions::cookie::time::OffsetDateTime;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};
use vouchsafe::Provider;
use vouchsafe_store::{EndedSessionStore, SessionId, StoreError};
use vouchsafe_web::SingleSignOn;

/// The key under which a session has its end, in seconds of Unix time.
pub(crate) const ENDS: &str = "vouchsafe.ends";
/// The key under which a session that is saved for the first time has the hash of the session that it replaces.
pub(crate) const REPLACES: &str = "vouchsafe.replaces";

/// A store in which a session ends when its sign-in ends, even if data are added later: `tower-sessions` alone
/// extends a session with each change. A deleted session is over at once, on every machine: a request in progress
/// does not restore a session that an identity provider or the person ended, and neither does a cache inside of it
/// (`EndingStore` outside, `CachingSessionStore` inside) on another machine. A cache around an `EndingStore` answers
/// without asking it, and keeps ended sessions.
///
/// `tower-sessions` has no operation that writes a session only if it still exists. So this store records each deleted
/// session, by a hash of its identifier, in an [`EndedSessionStore`]: until its sign-in would have ended, and for a day at
/// least; or for 30 days, if that is not known. All machines that share the sessions must share that store too. Delete
/// sessions through this store or a clone of it.
///
/// The browser's previous session ends when the session of a new sign-in is stored. Only its hash is known then, so it
/// is recorded as deleted until it would have ended.
///
/// [`session_layer`](crate::tower_session::session_layer) uses this store; a layer of your own needs its store
/// wrapped in one.
///
/// ```
/// use std::sync::Arc;
///
/// use tower_sessions::{MemoryStore, SessionManagerLayer};
/// use vouchsafe_axum::tower_session::EndingStore;
/// use vouchsafe_store::Memory;
///
/// # fn example(sso: vouchsafe_axum::SingleSignOn) {
/// // With several machines, both must be stores that they share.
/// let layer = SessionManagerLayer::new(EndingStore::new(&sso, MemoryStore::default(), Arc::new(Memory::new())));
/// # let _ = layer;
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct EndingStore<S> {
    store: S,
    ended: Arc<dyn EndedSessionStore>,
    provider: Provider,
}

#[cfg(feature = "axum-login")]
tokio::task_local! {
    static NEVER_STORED: ();
}

/// Runs a future in which no session is deleted but one that was never stored, so that its deletion is not recorded:
/// `axum-login` renews the identifier of a session that is new.
#[cfg(feature = "axum-login")]
pub(crate) async fn deleting_what_was_never_stored<F: Future>(future: F) -> F::Output {
    NEVER_STORED.scope((), future).await
}

fn was_never_stored() -> bool {
    #[cfg(feature = "axum-login")]
    return NEVER_STORED.try_with(|()| ()).is_ok();
    #[cfg(not(feature = "axum-login"))]
    false
}

/// How long a deletion is recorded at least: longer than any request takes that has read the session.
const REMEMBERED: TimeDelta = TimeDelta::days(1);
/// How long a session is recorded at least whose end is not known. The sessions of `tower-sessions` last two weeks by
/// default.
const LONGEST: TimeDelta = TimeDelta::days(30);

impl<S> EndingStore<S> {
    /// Wraps a store. `ended` records the deleted sessions.
    pub fn new(sso: &SingleSignOn, store: S, ended: Arc<dyn EndedSessionStore>) -> EndingStore<S> {
        EndingStore { store, ended, provider: sso.service_provider().provider().clone() }
    }

    async fn has_ended(&self, id: &Id) -> Result<bool> {
        self.ended.has_ended(&self.hash(id)?).await.map_err(failed)
    }

    /// Ends the session that another one replaces, once that one is stored.
    async fn end_replaced(&self, replaced: Option<Value>, by: &Record) -> Result<()> {
        let Some(Value::String(hash)) = replaced else { return Ok(()) };
        let now = DateTime::<Utc>::from(std::time::SystemTime::now());
        // It was made by the same layer at an earlier time, so it ends before a new one would. If the application has
        // shortened its sessions since, it lasts longer.
        let until = until_at_least(now, LONGEST, Some(by.expiry_date));
        self.ended.note_ended(&hash, until, now).await.map_err(failed)
    }

    fn hash(&self, id: &Id) -> Result<String> {
        let id = SessionId::received(id.to_string(), &self.provider);
        id.map(|id| id.hash().to_owned()).map_err(|error| Error::Backend(error.to_string()))
    }
}

fn failed(error: StoreError) -> Error {
    Error::Backend(error.to_string())
}

#[async_trait]
impl<S: SessionStore> SessionStore for EndingStore<S> {
    async fn create(&self, record: &mut Record) -> Result<()> {
        record.expiry_date = end_of(record);
        let replaced = record.data.remove(REPLACES);
        self.store.create(record).await?;
        self.end_replaced(replaced, record).await
    }

    async fn save(&self, record: &Record) -> Result<()> {
        if self.store.load(&record.id).await?.is_none() {
            return Ok(());
        }
        let mut ending = Record { expiry_date: end_of(record), ..record.clone() };
        let replaced = ending.data.remove(REPLACES);
        self.store.save(&ending).await?;
        self.end_replaced(replaced, &ending).await?;
        // If it was deleted since it was loaded, that was recorded before.
        if self.has_ended(&record.id).await? {
            self.store.delete(&record.id).await?;
        }
        Ok(())
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let found = self.store.load(id).await?.filter(|record| end_of(record) > OffsetDateTime::now_utc());
        match found {
            // A machine that stopped while it wrote the session may have left it.
            Some(_) if self.has_ended(id).await? => {
                // Whether that succeeds or not, it is over.
                if let Err(reason) = self.store.delete(id).await {
                    tracing::warn!(%reason, "a session that ended remains in its store");
                }
                Ok(None)
            }
            found => Ok(found),
        }
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        let now = DateTime::<Utc>::from(std::time::SystemTime::now());
        // Another machine may have it in a cache, also if it is not found here.
        let found = self.store.load(id).await;
        if matches!(found, Ok(None)) && was_never_stored() {
            return self.store.delete(id).await;
        }
        let until =
            match found.ok().flatten().as_ref().map(|record| (end_of_sign_in(record), record.expiry_date)) {
                Some((Some(ends), _)) => until_at_least(now, REMEMBERED, Some(ends)),
                Some((None, expires)) => until_at_least(now, LONGEST, Some(expires)),
                None => until_at_least(now, LONGEST, None),
            };
        self.ended.note_ended(&self.hash(id)?, until, now).await.map_err(failed)?;
        self.store.delete(id).await
    }
}

/// Returns the earlier of the end of the sign-in and that of the record.
fn end_of(record: &Record) -> OffsetDateTime {
    end_of_sign_in(record).map_or(record.expiry_date, |end| end.min(record.expiry_date))
}

/// Returns the end of the sign-in, which no change of the session moves.
fn end_of_sign_in(record: &Record) -> Option<OffsetDateTime> {
    let end = record.data.get(ENDS).and_then(Value::as_i64)?;
    OffsetDateTime::from_unix_timestamp(end).ok()
}

/// Returns the later of this time from now and the end of a session.
fn until_at_least(now: DateTime<Utc>, time: TimeDelta, ends: Option<OffsetDateTime>) -> DateTime<Utc> {
    let ends = ends.and_then(|ends| DateTime::from_timestamp(ends.unix_timestamp().saturating_add(1), 0));
    let at_least = now.checked_add_signed(time).unwrap_or(now);
    ends.map_or(at_least, |ends| ends.max(at_least))
}
