//! The documents that are read, counted in tests: they are read before a transaction, and not while others wait for it.

use std::cell::Cell;

thread_local! {
    /// The documents that this thread has read.
    static DOCUMENTS: Cell<usize> = const { Cell::new(0) };
    /// The documents that this thread has read while it had locked the state of a store in memory.
    static UNDER_LOCK: Cell<usize> = const { Cell::new(0) };
    static IS_LOCKED: Cell<bool> = const { Cell::new(false) };
}

pub(crate) fn count_document() {
    DOCUMENTS.set(documents().saturating_add(1));
    if IS_LOCKED.get() {
        UNDER_LOCK.set(UNDER_LOCK.get().saturating_add(1));
    }
}

/// The state of a store in memory is locked until this is dropped.
pub(crate) struct UnderLock;

impl UnderLock {
    pub(crate) fn begin() -> UnderLock {
        IS_LOCKED.set(true);
        UnderLock
    }
}

impl Drop for UnderLock {
    fn drop(&mut self) {
        IS_LOCKED.set(false);
    }
}

pub(crate) fn documents() -> usize {
    DOCUMENTS.get()
}

#[cfg(feature = "sqlite")]
mod tests {
    use std::fmt;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use chrono::{DateTime, TimeDelta, Utc};
    use vouchsafe::provisioning::{Actor, Organization};
    use vouchsafe::{ConnectionId, ConnectionState, EntityId};
    use vouchsafe_testkit::{IdentityProvider as Kit, keys};

    use super::*;
    use crate::connection_write::ATTEMPTS;
    use crate::sql::{Action, Answered, Batch, Doing, Engine, Fails, Reading, Wanted};
    use crate::{
        Author, ConnectionDecision, ConnectionMetadata, ConnectionStore as _, Directory as _, Memory,
        MetadataSource, Sqlite, StoreError, StoredConnection,
    };

    /// A store that counts its transactions and the documents that are read in them, and that another process writes to
    /// just before a transaction.
    #[derive(Clone)]
    struct Watched {
        inner: Sqlite,
        transactions: Arc<AtomicUsize>,
        documents: Arc<AtomicUsize>,
        /// How often somebody else renews the connection.
        others: Arc<AtomicUsize>,
    }

    impl fmt::Debug for Watched {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("Watched")
        }
    }

    impl Watched {
        async fn new() -> Watched {
            let zero = Arc::<AtomicUsize>::default;
            Watched {
                inner: Sqlite::in_memory().await.unwrap(),
                transactions: zero(),
                documents: zero(),
                others: zero(),
            }
        }

        /// Renews the connection with a document that was fetched a minute later than the stored one.
        async fn renew_as_another_process(&self) {
            let mut stored = self.inner.connection(&id()).await.unwrap().unwrap();
            let at = stored.metadata.fetched_at.checked_add_signed(TimeDelta::minutes(1)).unwrap();
            stored.metadata = fetched(&Kit::okta(), &format!("ID='_{}'", at.timestamp()), at);
            self.inner.renew_connection(&stored).await.unwrap();
        }

        fn seen(&self) -> (usize, usize) {
            (self.transactions.swap(0, Ordering::Relaxed), self.documents.swap(0, Ordering::Relaxed))
        }
    }

    impl Engine for Watched {
        fn write<'a, T: Send + 'static, E: Fails>(&'a self, action: Action<T, E>) -> Doing<'a, T, E> {
            Box::pin(async move {
                let less = |others: usize| others.checked_sub(1);
                if self.others.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok() {
                    self.renew_as_another_process().await;
                }
                // Everything runs on this thread, and nothing else does.
                let before = documents();
                let answer = self.inner.write(action).await;
                self.documents.fetch_add(documents().saturating_sub(before), Ordering::Relaxed);
                self.transactions.fetch_add(1, Ordering::Relaxed);
                answer
            })
        }

        fn execute(&self, batch: Batch) -> Doing<'_, Vec<Answered>, StoreError> {
            self.inner.execute(batch)
        }

        fn apply(&self, batch: Batch) -> Doing<'_, (), StoreError> {
            self.inner.apply(batch)
        }

        fn read<'a, T: Send + 'static>(&'a self, action: Reading<T>) -> Doing<'a, T, StoreError> {
            self.inner.read(action)
        }

        fn ask(&self, batch: Batch) -> Doing<'_, Answered, StoreError> {
            self.inner.ask(batch)
        }

        fn look_up(&self, wanted: Wanted) -> Doing<'_, Option<String>, StoreError> {
            self.inner.look_up(wanted)
        }

        fn replay_margin(&self) -> TimeDelta {
            self.inner.replay_margin()
        }
    }

    fn id() -> ConnectionId {
        ConnectionId::new("acme-okta").unwrap()
    }

    fn author() -> Author {
        Author::new(Actor::Operator, DateTime::UNIX_EPOCH)
    }

    fn fetched(kit: &Kit, attributes: &str, at: DateTime<Utc>) -> ConnectionMetadata {
        let xml = kit.metadata().unwrap().replacen("entityID=", &format!("{attributes} entityID="), 1);
        ConnectionMetadata::new(xml, MetadataSource::Url("https://okta.example/".to_owned()), at)
    }

    fn connection() -> StoredConnection {
        let okta = EntityId::new(Kit::okta().entity_id()).unwrap();
        let metadata = fetched(&Kit::okta(), "", DateTime::UNIX_EPOCH);
        let mut connection = StoredConnection::new(id(), "acme".into(), okta, metadata);
        connection.state = ConnectionState::Active;
        connection
    }

    async fn with_acme(store: &impl crate::Directory) {
        let mut acme = Organization::new("acme".into(), "acme", "Acme");
        acme.entitled = true;
        store.add_organization(&acme, &author()).await.unwrap();
    }

    #[tokio::test]
    async fn no_document_is_read_in_a_transaction() {
        let store = Watched::new().await;
        with_acme(&store).await;
        store.seen();
        let read = documents();
        store.add_connection(&connection(), &author()).await.unwrap();
        assert_eq!(store.seen(), (1, 0));
        let mut changed = store.connection(&id()).await.unwrap().unwrap();
        changed.metadata = fetched(&Kit::okta().with_key(keys::attacker()), "", DateTime::UNIX_EPOCH);
        changed.revision = store.update_connection(&changed, &author()).await.unwrap();
        assert_eq!(store.seen(), (1, 0));
        changed.metadata = fetched(&Kit::okta().with_key(keys::attacker()), "ID='_2'", DateTime::UNIX_EPOCH);
        store.renew_connection(&changed).await.unwrap();
        assert_eq!(store.seen(), (1, 0));
        let settings =
            ConnectionDecision::new("acme".into(), Actor::Operator, DateTime::UNIX_EPOCH, |it, _| {
                it.connection_mut(&id())?.metadata = fetched(&Kit::okta(), "", DateTime::UNIX_EPOCH);
                Ok(())
            });
        store.decide_connections(settings).await.unwrap();
        assert_eq!(store.seen(), (1, 0));
        assert!(documents() > read + 10, "they are read before");
        // What would be read in one is counted.
        let reads = store.write::<(), StoreError>(Box::new(|_| {
            Box::pin(async {
                drop(connection().to_connection());
                Ok(())
            })
        }));
        reads.await.unwrap();
        assert_eq!(store.seen(), (1, 1));
    }

    #[tokio::test]
    async fn a_write_begins_again_when_another_process_has_renewed_the_record() {
        let store = Watched::new().await;
        with_acme(&store).await;
        store.add_connection(&connection(), &author()).await.unwrap();
        let read = store.connection(&id()).await.unwrap().unwrap();
        store.seen();
        store.others.store(2, Ordering::Relaxed);
        let mut changed = read.clone();
        changed.settings.token_required = false;
        store.update_connection(&changed, &author()).await.unwrap();
        assert_eq!(store.seen(), (3, 0));
        let stored = store.connection(&id()).await.unwrap().unwrap();
        assert!(!stored.settings.token_required);
        assert_eq!(
            stored.metadata.fetched_at,
            DateTime::UNIX_EPOCH + TimeDelta::minutes(2),
            "the renewals stay"
        );

        // An older copy does not take the place of one that was fetched meanwhile.
        store.others.store(1, Ordering::Relaxed);
        let at = DateTime::UNIX_EPOCH + TimeDelta::seconds(150);
        let renewed = StoredConnection { metadata: fetched(&Kit::okta(), "ID='_1'", at), ..stored };
        store.renew_connection(&renewed).await.unwrap();
        assert_eq!(store.seen(), (2, 0));
        let stored = store.connection(&id()).await.unwrap().unwrap();
        assert_eq!(stored.metadata.fetched_at, DateTime::UNIX_EPOCH + TimeDelta::minutes(3));

        let decision = || {
            ConnectionDecision::new("acme".into(), Actor::Operator, DateTime::UNIX_EPOCH, |it, _| {
                let settings = &mut it.connection_mut(&id())?.settings;
                settings.token_required = !settings.token_required;
                Ok(())
            })
        };
        store.others.store(1, Ordering::Relaxed);
        store.decide_connections(decision()).await.unwrap();
        assert_eq!(store.seen(), (2, 0));
        let stored = store.connection(&id()).await.unwrap().unwrap();
        assert!(stored.settings.token_required);
        assert_eq!(stored.metadata.fetched_at, DateTime::UNIX_EPOCH + TimeDelta::minutes(4));

        // Whoever is always late is told so.
        for is_renewal in [false, true] {
            store.others.store(usize::MAX, Ordering::Relaxed);
            let current = store.connection(&id()).await.unwrap().unwrap();
            let refused = match is_renewal {
                true => store.renew_connection(&current).await.unwrap_err(),
                false => store.update_connection(&current, &author()).await.unwrap_err(),
            };
            assert_eq!((refused.code(), store.seen()), ("store.busy", (ATTEMPTS, 0)));
        }
        // A decision is made in the end: in its transaction, since others are always faster.
        store.decide_connections(decision()).await.unwrap();
        let (transactions, documents) = store.seen();
        assert!(transactions == 5 && documents > 0, "{transactions} {documents}");
    }

    #[tokio::test]
    async fn no_document_is_read_while_the_state_in_memory_is_locked() {
        let store = Memory::new();
        with_acme(&store).await;
        let read = documents();
        store.add_connection(&connection(), &author()).await.unwrap();
        let mut changed = store.connection(&id()).await.unwrap().unwrap();
        changed.metadata = fetched(&Kit::okta().with_key(keys::attacker()), "", DateTime::UNIX_EPOCH);
        changed.revision = store.update_connection(&changed, &author()).await.unwrap();
        changed.metadata = fetched(&Kit::okta().with_key(keys::attacker()), "ID='_2'", DateTime::UNIX_EPOCH);
        store.renew_connection(&changed).await.unwrap();
        let decision =
            ConnectionDecision::new("acme".into(), Actor::Operator, DateTime::UNIX_EPOCH, |it, _| {
                it.connection_mut(&id())?.metadata = fetched(&Kit::okta(), "", DateTime::UNIX_EPOCH);
                Ok(())
            });
        store.decide_connections(decision).await.unwrap();
        assert!(documents() > read);
        assert_eq!(UNDER_LOCK.get(), 0);
        // What would be read meanwhile is counted.
        let locked = UnderLock::begin();
        drop(connection().to_connection());
        drop(locked);
        assert_eq!(UNDER_LOCK.get(), 1);
    }
}
