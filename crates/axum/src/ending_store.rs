//! A session store in which no session outlasts its sign-in.

use async_trait::async_trait;
use tower_sessions::SessionStore;
use tower_sessions::cookie::time::OffsetDateTime;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::Result;

/// The key under which a session has its end, in seconds of Unix time.
pub(crate) const ENDS: &str = "vouchsafe.ends";

/// A store in which a session ends when its sign-in ends, even if data are added later: `tower-sessions` alone
/// extends a session with each change. A session that was deleted meanwhile is not saved again, so a request in
/// progress does not restore a session that an identity provider or the person ended.
/// [`session_layer`](crate::tower_session::session_layer) uses this store; a layer of your own needs its store
/// wrapped in one.
///
/// ```
/// use tower_sessions::{MemoryStore, SessionManagerLayer};
/// use vouchsafe_axum::tower_session::EndingStore;
///
/// let layer = SessionManagerLayer::new(EndingStore::new(MemoryStore::default()));
/// # let _ = layer;
/// ```
#[derive(Clone, Debug)]
pub struct EndingStore<S>(S);

impl<S> EndingStore<S> {
    /// Wraps a store.
    pub fn new(store: S) -> EndingStore<S> {
        EndingStore(store)
    }
}

#[async_trait]
impl<S: SessionStore> SessionStore for EndingStore<S> {
    async fn create(&self, record: &mut Record) -> Result<()> {
        record.expiry_date = end_of(record);
        self.0.create(record).await
    }

    async fn save(&self, record: &Record) -> Result<()> {
        if self.0.load(&record.id).await?.is_none() {
            return Ok(());
        }
        let ending = Record { expiry_date: end_of(record), ..record.clone() };
        self.0.save(&ending).await
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let found = self.0.load(id).await?;
        Ok(found.filter(|record| end_of(record) > OffsetDateTime::now_utc()))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        self.0.delete(id).await
    }
}

/// Returns the earlier of the end of the sign-in and that of the record.
fn end_of(record: &Record) -> OffsetDateTime {
    let end = record.data.get(ENDS).and_then(serde_json::Value::as_i64);
    let end = end.and_then(|end| OffsetDateTime::from_unix_timestamp(end).ok());
    end.map_or(record.expiry_date, |end| end.min(record.expiry_date))
}
