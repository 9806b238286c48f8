//! Connections out of a store, as they are needed.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use vouchsafe::assertion::MOST_CANDIDATES;
use vouchsafe::{
    Artifact, BindingError, ClaimedResponse, Connection, ConnectionId, ConnectionState, EntityId,
    IncomingMessage,
};
use vouchsafe_store::{Answer, ConnectionRevision, ConnectionStore, StoreError, StoredConnection};

use crate::connection_cache::{ConnectionCache, Loaded, Place};
use crate::connection_source::ConnectionSource;

/// The connections of a [`ConnectionStore`], read when somebody signs in over them.
///
/// Each look-up asks the store for the connection's revision, so that a write of another process counts from the next sign-in on. What was
/// read at a revision is kept, with its keys parsed, until the connection is written or until [`at_most`](Self::at_most) others, or others
/// with [so much metadata](Self::at_most_bytes), were used since: memory does not grow with the number of customers nor with what they
/// upload, and nothing is read at the start.
///
/// A connection that cannot be used, such as for its metadata, is [`StoreError::ConnectionUnusable`] for whoever signs in over it, and stops
/// nobody else.
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
}

type Prepare = Arc<dyn Fn(&StoredConnection, Connection) -> Result<Connection, BindingError> + Send + Sync>;

impl StoredConnections {
    /// How many connections are kept by default: a few tens of megabytes, if their metadata is of usual size.
    pub const KEPT: usize = 1024;
    /// How much metadata the connections that are kept have together by default, in bytes.
    pub const KEPT_BYTES: usize = 64 * 1024 * 1024;

    /// Over this store.
    pub fn new<S: ConnectionStore + 'static>(store: Arc<S>) -> StoredConnections {
        let cache = Mutex::new(ConnectionCache::new(Self::KEPT, Self::KEPT_BYTES));
        StoredConnections { store, cache, prepare: None }
    }

    /// Keeps so many connections at most.
    #[must_use]
    pub fn at_most(self, connections: usize) -> StoredConnections {
        let bytes = self.cache().most_bytes;
        StoredConnections { cache: Mutex::new(ConnectionCache::new(connections, bytes)), ..self }
    }

    /// Keeps connections with so many bytes of metadata together at most. One with more than that is read each time.
    #[must_use]
    pub fn at_most_bytes(self, bytes: usize) -> StoredConnections {
        let connections = self.cache().most;
        StoredConnections { cache: Mutex::new(ConnectionCache::new(connections, bytes)), ..self }
    }

    /// Adds to each connection what no store has, such as a [decryption key](Connection::with_decryption_key) of its own. After an error
    /// it is asked again at the next sign-in.
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

    /// How many connections are kept at present.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.cache().len()
    }

    /// The connection, as it is at this revision or was written since.
    async fn load(&self, wanted: &ConnectionRevision) -> Result<Option<Connection>, StoreError> {
        let place: Place = self.cache().place(wanted);
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
            // One row that cannot be read is one connection that cannot be used, and no outage.
            Err(damaged @ StoreError::Damaged { .. }) => {
                return Err(StoreError::connection_unusable(id.clone(), &damaged));
            }
            Err(failure) => return Err(failure),
        };
        let (revision, bytes) = (stored.revision, stored.metadata.document.len());
        let prepare = self.prepare.clone();
        // Metadata may be large, and other requests do not wait for it.
        let making = tokio::task::spawn_blocking(move || match (stored.to_connection(), prepare) {
            (Ok(connection), Some(prepare)) => {
                let prepared = prepare(&stored, connection);
                (prepared.is_ok(), prepared)
            }
            (connection, _) => (true, connection),
        });
        let (lasts, connection) = making.await.map_err(StoreError::unavailable)?;
        if let Err(reason) = &connection {
            let code = reason.code();
            tracing::warn!(connection = %id, revision, code, %reason, "the stored connection cannot be used");
        }
        Ok(Some(Loaded { revision, bytes, lasts, connection }))
    }

    /// Those of the connections that can be used. That the only one cannot be used is an error: if there are several, nothing says which is
    /// meant.
    async fn usable(&self, wanted: &[ConnectionRevision]) -> Result<Vec<Connection>, StoreError> {
        let mut usable = Vec::new();
        for one in wanted {
            match self.load(one).await {
                Ok(connection) => usable.extend(connection),
                Err(StoreError::ConnectionUnusable { .. }) if wanted.len() > 1 => {}
                Err(failure) => return Err(failure),
            }
        }
        Ok(usable)
    }

    /// The connections to an identity provider over which something may have come to this address that answers no request of ours.
    async fn meant(
        &self,
        identity_provider: &EntityId,
        received_at: &str,
    ) -> Result<Vec<Connection>, StoreError> {
        let most = MOST_CANDIDATES.saturating_add(1);
        let mut found = self.store.connections_to(identity_provider, Some(received_at), most).await?;
        found.extend(self.store.connections_to(identity_provider, None, most).await?);
        let mut usable = self.usable(&found).await?;
        // Drafts that name this address as their own do not take the places of what people sign in over.
        usable.sort_by_key(|connection| connection.state() != ConnectionState::Active);
        usable.truncate(most);
        Ok(usable)
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

    fn candidates_for_message<'a>(&'a self, incoming: &'a IncomingMessage) -> Answer<'a, Vec<Connection>> {
        Box::pin(async move {
            let Some(issuer) = incoming.issuer() else { return Ok(Vec::new()) };
            let most = MOST_CANDIDATES.saturating_add(1);
            self.usable(&self.store.connections_to(issuer, None, most).await?).await
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

    /// Those whose name is the issuer's in another spelling: a store looks names up, and does not compare them.
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
