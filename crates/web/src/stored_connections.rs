//! Connections that are loaded from a store when they are needed.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use vouchsafe::assertion::MOST_CANDIDATES;
use vouchsafe::{Artifact, BindingError, ClaimedResponse, Connection, ConnectionId, EntityId};
use vouchsafe_store::{Answer, ConnectionRevision, ConnectionStore, StoreError, StoredConnection};

use crate::connection_cache::{ConnectionCache, Loaded, Place};
use crate::connection_source::{CandidatePage, ConnectionSource};

/// The connections of a [`ConnectionStore`], loaded when somebody signs in over them.
///
/// Each look-up asks the store for the connection's revision, so a write of another process takes effect at the next
/// sign-in. A loaded connection is kept, with its keys parsed, until it is written or its metadata ends, or until
/// [`at_most`](Self::at_most) others, or others with [this much metadata](Self::at_most_bytes), were used since. So
/// memory does not grow with the number of customers or with what they upload, and nothing is loaded at the start.
///
/// If a connection cannot be used, for example because of its metadata, a sign-in over it fails with
/// [`StoreError::ConnectionUnusable`], and other connections are not affected.
///
/// ```
/// use std::sync::Arc;
/// use vouchsafe::{EntityId, ServiceProvider};
/// use vouchsafe_store::Memory;
/// use vouchsafe_web::{SingleSignOn, StoredConnections};
///
/// let saml = ServiceProvider::builder(EntityId::new("https://app.example.com/saml/metadata")?)
///     .assertion_consumer("https://app.example.com/saml/acs")?
///     .build()?;
/// let store = Arc::new(Memory::new());
/// let connections = Arc::new(StoredConnections::new(Arc::clone(&store)));
/// let sso = SingleSignOn::new(saml, connections, store);
/// # let _ = sso;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct StoredConnections {
    store: Arc<dyn ConnectionStore>,
    cache: Mutex<ConnectionCache>,
    prepare: Option<Prepare>,
    clock: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
}

type Prepare = Arc<dyn Fn(&StoredConnection, Connection) -> Result<Connection, BindingError> + Send + Sync>;

/// As many candidates are returned: one more than are told apart, so that the caller notices too many.
const MOST: usize = MOST_CANDIDATES.saturating_add(1);

/// Connections that were loaded.
#[derive(Default)]
struct LoadedEach {
    usable: Vec<Connection>,
    /// The reasons why others cannot be used.
    unusable: Vec<StoreError>,
}

impl LoadedEach {
    /// Returns the usable ones. If the only connection there is cannot be used, this is an error; if there are several,
    /// it is not known which one is meant.
    fn or_unusable(self, is_only_one: bool) -> Result<Vec<Connection>, StoreError> {
        match self.unusable.into_iter().next().filter(|_| is_only_one) {
            Some(reason) => Err(reason),
            None => Ok(self.usable),
        }
    }
}

impl StoredConnections {
    /// The default maximum number of connections that are kept: a few tens of megabytes with usual metadata.
    pub const KEPT: usize = 1024;
    /// The default maximum size of the metadata of all kept connections together, in bytes.
    pub const KEPT_BYTES: usize = 64 * 1024 * 1024;

    /// Makes connections over this store.
    pub fn new<S: ConnectionStore + 'static>(store: Arc<S>) -> StoredConnections {
        let cache = Mutex::new(ConnectionCache::new(Self::KEPT, Self::KEPT_BYTES));
        StoredConnections { store, cache, prepare: None, clock: Arc::new(Utc::now) }
    }

    /// Sets the maximum number of connections that are kept.
    #[must_use]
    pub fn at_most(self, connections: usize) -> StoredConnections {
        let bytes = self.cache().most_bytes;
        StoredConnections { cache: Mutex::new(ConnectionCache::new(connections, bytes)), ..self }
    }

    /// Sets the maximum size of the metadata of all kept connections together, in bytes. A connection with more than
    /// that is loaded each time.
    #[must_use]
    pub fn at_most_bytes(self, bytes: usize) -> StoredConnections {
        let connections = self.cache().most;
        StoredConnections { cache: Mutex::new(ConnectionCache::new(connections, bytes)), ..self }
    }

    /// Sets a function that adds to each connection what the store does not contain, such as a [decryption
    /// key](Connection::with_decryption_key) of its own. After an error it is called again at the next sign-in.
    ///
    /// A customer who sets the connection up in the portal copies the certificate of such a key before there is a
    /// connection: give it to `SetUp::encryption_certificates` as well.
    ///
    /// In the portal, metadata that renews an active connection is tried as a draft with an id of its own. Give that draft
    /// the key of the active connection, found by its `organization` and `identity_provider`.
    #[must_use]
    pub fn prepared_by(
        self,
        prepare: impl Fn(&StoredConnection, Connection) -> Result<Connection, BindingError>
        + Send
        + Sync
        + 'static,
    ) -> StoredConnections {
        StoredConnections { prepare: Some(Arc::new(prepare)), ..self }
    }

    /// Sets the clock, by default the system's. It tells when the metadata of a kept connection has ended, so that it is
    /// read again. Use the one of [`SingleSignOn::clock`](crate::SingleSignOn::clock).
    #[must_use]
    pub fn clock(self, clock: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> StoredConnections {
        StoredConnections { clock: Arc::new(clock), ..self }
    }

    /// The number of connections that are kept at present.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.cache().len()
    }

    /// Returns the connection at this revision, or as it was written since.
    async fn load(&self, wanted: &ConnectionRevision) -> Result<Option<Connection>, StoreError> {
        let mut place: Place = self.cache().place(wanted);
        let kept = place.get().and_then(Option::as_ref);
        if kept.is_some_and(|kept| kept.is_outdated((self.clock)())) {
            self.cache().forget(&wanted.id, &place);
            place = self.cache().place(wanted);
        }
        let loaded = place.get_or_try_init(|| self.read(&wanted.id)).await;
        let read = loaded.as_ref().ok().and_then(|loaded| loaded.as_ref());
        match read.filter(|read| read.revision == wanted.revision && read.lasts) {
            Some(read) => self.cache().weigh(&wanted.id, &place, read.bytes),
            None => self.cache().forget(&wanted.id, &place),
        }
        match loaded?.as_ref().map(|loaded| &loaded.connection) {
            None => Ok(None),
            Some(Ok(connection)) => Ok(Some(connection.clone())),
            Some(Err(reason)) => Err(StoreError::connection_unusable(wanted.id.clone(), reason)),
        }
    }

    async fn read(&self, id: &ConnectionId) -> Result<Option<Loaded>, StoreError> {
        let stored = match self.store.connection(id).await {
            Ok(Some(stored)) if !stored.is_discarded() => stored,
            Ok(_) => return Ok(None),
            // A row that cannot be read makes one connection unusable, and is not an outage.
            Err(damaged @ StoreError::Damaged { .. }) => {
                return Err(StoreError::connection_unusable(id.clone(), &damaged));
            }
            Err(failure) => return Err(failure),
        };
        let (revision, bytes, read_at) = (stored.revision, stored.metadata.document.len(), (self.clock)());
        let prepare = self.prepare.clone();
        // Metadata may be large, so it is parsed where other requests do not wait for it.
        let making = tokio::task::spawn_blocking(move || match (stored.to_connection(), prepare) {
            (Ok(connection), Some(prepare)) => {
                let prepared = prepare(&stored, connection).map(|made| made.with_revision(stored.revision));
                (prepared.is_ok(), prepared)
            }
            (connection, _) => (true, connection),
        });
        let (lasts, connection) = making.await.map_err(StoreError::unavailable)?;
        if let Err(reason) = &connection {
            let code = reason.code();
            tracing::warn!(connection = %id, revision, code, %reason, "the stored connection cannot be used");
        }
        Ok(Some(Loaded { revision, bytes, lasts, read_at, connection }))
    }

    /// Loads connections. One that cannot be used is no failure of the others.
    async fn load_each(&self, wanted: &[ConnectionRevision]) -> Result<LoadedEach, StoreError> {
        let mut loaded = LoadedEach::default();
        for one in wanted {
            match self.load(one).await {
                Ok(connection) => loaded.usable.extend(connection),
                Err(reason @ StoreError::ConnectionUnusable { .. }) => loaded.unusable.push(reason),
                Err(failure) => return Err(failure),
            }
        }
        Ok(loaded)
    }

    /// Returns the connections to an identity provider over which a message that answers no request of ours may have
    /// come to this address: the first active ones that can be used, or if none is active, some of the others.
    async fn meant(
        &self,
        identity_provider: &EntityId,
        received_at: &str,
    ) -> Result<Vec<Connection>, StoreError> {
        let (mut found, mut number) = (LoadedEach::default(), 0_usize);
        for address in [Some(received_at), None] {
            number = number.saturating_add(self.active(identity_provider, address, &mut found).await?);
        }
        if number == 0 {
            let mut others = self.store.connections_to(identity_provider, Some(received_at), MOST).await?;
            others.extend(self.store.connections_to(identity_provider, None, MOST).await?);
            (number, found) = (others.len(), self.load_each(&others).await?);
            found.usable.truncate(MOST);
        }
        found.or_unusable(number == 1)
    }

    /// Adds the active connections with this assertion consumer, page by page, until there are as many as are needed. So
    /// those that cannot be used hide no others. Returns how many were looked at.
    async fn active(
        &self,
        identity_provider: &EntityId,
        assertion_consumer: Option<&str>,
        found: &mut LoadedEach,
    ) -> Result<usize, StoreError> {
        let (mut number, mut after) = (0_usize, None);
        loop {
            let after_last = after.as_ref();
            let asked =
                self.store.active_connections_to(identity_provider, assertion_consumer, after_last, MOST);
            let page = asked.await?;
            for one in &page {
                if found.usable.len() >= MOST {
                    return Ok(number);
                }
                let loaded = self.load_each(std::slice::from_ref(one)).await?;
                found.usable.extend(loaded.usable);
                // The first one tells the reason, if there is no other connection.
                if found.unusable.is_empty() {
                    found.unusable = loaded.unusable;
                }
                number = number.saturating_add(1);
            }
            match page.last().filter(|_| page.len() >= MOST) {
                Some(last) => after = Some(last.id.clone()),
                None => return Ok(number),
            }
        }
    }

    fn cache(&self) -> MutexGuard<'_, ConnectionCache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ConnectionSource for StoredConnections {
    fn find<'a>(&'a self, id: &'a ConnectionId) -> Answer<'a, Option<Connection>> {
        Box::pin(async move {
            match self.store.connection_revision(id).await? {
                Some(revision) => self.load(&ConnectionRevision::new(id.clone(), revision)).await,
                None => Ok(None),
            }
        })
    }

    fn candidates_by_issuer<'a>(
        &'a self,
        issuer: &'a EntityId,
        after: Option<&'a ConnectionId>,
    ) -> Answer<'a, CandidatePage> {
        Box::pin(async move {
            let most = CandidatePage::PAGE.saturating_add(1);
            let mut found = self.store.active_connections_to(issuer, None, after, most).await?;
            if found.is_empty() && after.is_none() {
                found = self.store.connections_to(issuer, None, CandidatePage::PAGE).await?;
            }
            let next = CandidatePage::cut(&mut found, |one| &one.id);
            let loaded = self.load_each(&found).await?;
            let unusable = loaded.unusable.len();
            let usable = loaded.or_unusable(found.len() == 1 && after.is_none())?;
            Ok(CandidatePage::all(usable).followed_after(next).with_unusable(unusable))
        })
    }

    fn candidates_for_artifact<'a>(
        &'a self,
        artifact: &'a Artifact,
        received_at: &'a str,
    ) -> Answer<'a, Vec<Connection>> {
        Box::pin(async move {
            match self.store.identity_provider_of_source(artifact.source_id()).await? {
                Some(identity_provider) => self.meant(&identity_provider, received_at).await,
                None => Ok(Vec::new()),
            }
        })
    }

    fn candidates<'a>(&'a self, claimed: &'a ClaimedResponse) -> Answer<'a, Vec<Connection>> {
        Box::pin(async move {
            match claimed.issuer() {
                Some(issuer) => self.meant(issuer, claimed.received_at()).await,
                None => Ok(Vec::new()),
            }
        })
    }

    /// Returns the issuer's other spellings for which connections exist: a store looks names up, and does not compare
    /// them.
    fn closest_issuers<'a>(&'a self, claimed: &'a ClaimedResponse) -> Answer<'a, Vec<EntityId>> {
        Box::pin(async move {
            let mut closest = Vec::new();
            for name in claimed.issuer_in_other_spellings() {
                let shared = self.store.connections_to(&name, None, 1).await?;
                let own = self.store.connections_to(&name, Some(claimed.received_at()), 1).await?;
                if !(shared.is_empty() && own.is_empty()) {
                    closest.push(name);
                }
            }
            Ok(closest)
        })
    }
}

impl fmt::Debug for StoredConnections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredConnections")
            .field("store", &self.store)
            .field("kept", &self.kept())
            .finish_non_exhaustive()
    }
}
