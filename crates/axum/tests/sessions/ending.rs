//! Sessions that one machine ends while another one writes them.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{TimeDelta, Utc};
use tokio::sync::Barrier;
use tower_sessions::cookie::time::{Duration, OffsetDateTime};
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::Result as StoreResult;
use tower_sessions::{MemoryStore, Session, SessionStore};
use vouchsafe::{Connections, EntityId, ServiceProvider};
use vouchsafe_axum::SingleSignOn;
use vouchsafe_axum::tower_session::EndingStore;
use vouchsafe_store::{EndedSessionStore as _, Memory};

/// A store in one of ours, as a machine has it that shares both with others.
fn ending<S: SessionStore>(inner: S, ended: &Memory) -> EndingStore<S> {
    let saml = ServiceProvider::builder(EntityId::new("https://app.example.com/saml/metadata").unwrap())
        .assertion_consumer("https://app.example.com/saml/acs")
        .unwrap()
        .build()
        .unwrap();
    let sso = SingleSignOn::new(saml, Arc::new(Connections::default()), Arc::new(Memory::new()));
    EndingStore::new(&sso, inner, Arc::new(ended.clone()))
}

/// A session that is stored.
async fn stored(store: &impl SessionStore) -> Record {
    let expiry_date = OffsetDateTime::now_utc().saturating_add(Duration::hours(1));
    let mut record =
        Record { id: Id::default(), data: [("user".to_owned(), "ada".into())].into(), expiry_date };
    store.create(&mut record).await.unwrap();
    record
}

/// A request in progress does not restore a session that was deleted meanwhile, for example by an identity provider.
#[tokio::test]
async fn a_deleted_session_is_not_saved_again() {
    let inner = MemoryStore::default();
    let store = ending(inner.clone(), &Memory::new());
    let session = Session::new(None, Arc::new(store.clone()), None);
    session.insert("user", "ada").await.unwrap();
    session.save().await.unwrap();
    let mut record = store.load(&session.id().unwrap()).await.unwrap().unwrap();
    record.data.insert("cart".to_owned(), 1.into());
    store.save(&record).await.unwrap();
    assert_eq!(store.load(&record.id).await.unwrap().unwrap().data.len(), 2, "one that is there is saved");
    store.delete(&record.id).await.unwrap();
    store.save(&record).await.unwrap();
    assert!(inner.load(&record.id).await.unwrap().is_none());
}

/// A store that is slow to write: it waits before it writes, and again when it has written.
#[derive(Clone, Debug)]
struct Slow(MemoryStore, Arc<Pauses>);

#[derive(Debug)]
struct Pauses {
    before: Barrier,
    after: Barrier,
}

#[async_trait]
impl SessionStore for Slow {
    async fn create(&self, record: &mut Record) -> StoreResult<()> {
        self.0.create(record).await
    }

    async fn save(&self, record: &Record) -> StoreResult<()> {
        self.1.before.wait().await;
        self.0.save(record).await?;
        self.1.after.wait().await;
        Ok(())
    }

    async fn load(&self, id: &Id) -> StoreResult<Option<Record>> {
        self.0.load(id).await
    }

    async fn delete(&self, id: &Id) -> StoreResult<()> {
        self.0.delete(id).await
    }
}

/// One machine has read a session and is about to write it; another one deletes it. `is_killed`: the first machine dies when it has written it.
async fn written_back(is_killed: bool) {
    let (inner, ended) = (MemoryStore::default(), Memory::new());
    let pauses = Arc::new(Pauses { before: Barrier::new(2), after: Barrier::new(2) });
    let [one, other] = [(); 2].map(|()| ending(Slow(inner.clone(), pauses.clone()), &ended));
    let record = stored(&one).await;
    let saving = tokio::spawn({
        let record = record.clone();
        async move { one.save(&record).await }
    });
    // It has been read when it waits to be written.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    other.delete(&record.id).await.unwrap();
    pauses.before.wait().await;
    pauses.after.wait().await;
    match is_killed {
        true => saving.abort(),
        false => saving.await.unwrap().unwrap(),
    }
    assert!(other.load(&record.id).await.unwrap().is_none());
    assert!(is_killed || inner.load(&record.id).await.unwrap().is_none(), "it is not kept either");
}

#[tokio::test]
async fn a_session_that_is_deleted_while_it_is_written_is_over() {
    written_back(false).await;
    written_back(true).await;
}

/// In whatever order two machines write and delete a session, it is gone afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_machines_the_one_that_deletes_a_session_wins() {
    let (inner, ended) = (MemoryStore::default(), Memory::new());
    let [one, other] = [(); 2].map(|()| ending(inner.clone(), &ended));
    for _ in 0..500 {
        let record = stored(&one).await;
        let (saving, deleting) = ((one.clone(), record.clone()), (other.clone(), record.id));
        let saving = tokio::spawn(async move { saving.0.save(&saving.1).await });
        let deleting = tokio::spawn(async move { deleting.0.delete(&deleting.1).await });
        saving.await.unwrap().unwrap();
        deleting.await.unwrap().unwrap();
        assert!(inner.load(&record.id).await.unwrap().is_none());
    }
}

/// A session of two weeks, which is deleted on one machine. A day later, its record of the deletion is still kept: neither
/// a cache of another machine opens it, nor a third machine after that one has saved it.
#[tokio::test]
async fn a_deleted_session_stays_over_for_as_long_as_it_would_have_lasted() {
    let (inner, ended) = (MemoryStore::default(), Memory::new());
    let machine = || {
        let cached = tower_sessions::CachingSessionStore::new(MemoryStore::default(), inner.clone());
        ending(cached, &ended)
    };
    let (one, other) = (machine(), machine());
    for days in [14, 60] {
        let mut record = lasting(Duration::days(days));
        one.create(&mut record).await.unwrap();
        assert!(other.load(&record.id).await.unwrap().is_some(), "used on the other machine");
        one.delete(&record.id).await.unwrap();
        let later = Utc::now() + TimeDelta::days(days - 1);
        ended.note_ended("of somebody else", later + TimeDelta::days(1), later).await.unwrap();
        assert!(other.load(&record.id).await.unwrap().is_none(), "{days} days");
        other.save(&record).await.unwrap();
        assert!(machine().load(&record.id).await.unwrap().is_none(), "{days} days");
    }
}

/// The machine that deletes a session need not find it: another one may have it in its cache alone.
#[tokio::test]
async fn a_session_that_is_not_found_is_over_too() {
    let ended = Memory::new();
    let (one, other) = (ending(MemoryStore::default(), &ended), ending(MemoryStore::default(), &ended));
    let mut record = lasting(Duration::days(14));
    other.create(&mut record).await.unwrap();
    one.delete(&record.id).await.unwrap();
    let later = Utc::now() + TimeDelta::days(25);
    ended.note_ended("of somebody else", later + TimeDelta::days(1), later).await.unwrap();
    assert!(other.load(&record.id).await.unwrap().is_none());
}

/// What a machine left that stopped while it wrote a session is removed when somebody asks for it.
#[tokio::test]
async fn a_session_that_was_written_back_is_removed() {
    let (inner, ended) = (MemoryStore::default(), Memory::new());
    let store = ending(inner.clone(), &ended);
    let mut record = lasting(Duration::days(14));
    store.create(&mut record).await.unwrap();
    store.delete(&record.id).await.unwrap();
    inner.save(&record).await.unwrap();
    assert!(store.load(&record.id).await.unwrap().is_none());
    assert!(inner.load(&record.id).await.unwrap().is_none());
}

fn lasting(time: Duration) -> Record {
    let expiry_date = OffsetDateTime::now_utc().saturating_add(time);
    Record { id: Id::default(), data: [("user".to_owned(), "ada".into())].into(), expiry_date }
}
