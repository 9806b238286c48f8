//! Connections in memory, for a service that can hold all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use vouchsafe_assertion::{Artifact, ConnectionId, MOST_CANDIDATES, SourceId};
use vouchsafe_metadata::{EntityId, IdentityProvider};

use crate::claimed_response::ClaimedResponse;
use crate::connection::{Connection, ConnectionState};
use crate::error::BindingError;
use crate::incoming::IncomingMessage;
use crate::pending::PendingRequest;

/// Connections before and behind an unknown name that are looked at.
const BESIDE: usize = 8;

/// The connections of a service, in memory.
///
/// Adding, replacing and removing one touches that one, while others are looked up. A service with many customers loads connections on
/// demand from a store of its own instead; this type is the reference for what its look-up answers.
///
/// ```
/// # let metadata = vouchsafe_testkit::IdentityProvider::okta().metadata()?;
/// use vouchsafe::{Connection, ConnectionId, Connections, IdentityProvider};
///
/// let connections = Connections::new();
/// let okta = IdentityProvider::from_metadata(metadata.as_bytes())?;
/// connections.put(Connection::new(ConnectionId::new("acme")?, okta));
/// assert!(connections.get("acme").is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct Connections {
    registry: RwLock<Registry>,
}

/// Trees and no hash tables: one that grows stops everybody while it moves a hundred thousand connections.
#[derive(Debug, Default)]
struct Registry {
    by_id: BTreeMap<ConnectionId, Connection>,
    /// Where the responses of each connection come from and where they are posted.
    routes: BTreeSet<Route>,
    /// The entity IDs by the names that artifacts have for them.
    sources: BTreeMap<SourceId, EntityId>,
}

/// Whose responses come over a connection, and where they are posted. The order of the fields is that of the look-up: the connections of
/// one identity provider and one address stand side by side.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Route {
    issuer: EntityId,
    /// The connection's own assertion consumer, if it has one.
    assertion_consumer: Option<Arc<str>>,
    /// The active ones come first: anybody can make drafts to any identity provider.
    is_inactive: bool,
    /// None in a look-up: it comes before all connections.
    id: Option<ConnectionId>,
}

impl Connections {
    /// None yet.
    #[must_use]
    pub fn new() -> Connections {
        Connections::default()
    }

    /// Adds a connection, or replaces the one of the same name, which is answered.
    pub fn put(&self, connection: Connection) -> Option<Connection> {
        let mut registry = self.registry.write().unwrap_or_else(PoisonError::into_inner);
        let before = registry.remove(connection.id().as_str());
        registry.insert(connection);
        before
    }

    /// Gives the connection of this name newer metadata of its identity provider, and answers it; none if there is no such connection.
    ///
    /// # Errors
    /// As [`Connection::with_identity_provider`]; the connection stays as it is then.
    pub fn refresh(&self, id: &str, newer: IdentityProvider) -> Result<Option<Connection>, BindingError> {
        let mut registry = self.registry.write().unwrap_or_else(PoisonError::into_inner);
        let Some(before) = registry.by_id.get(id).cloned() else { return Ok(None) };
        let connection = before.with_identity_provider(newer)?;
        registry.remove(id);
        registry.insert(connection.clone());
        Ok(Some(connection))
    }

    /// Removes a connection, which is answered. Pending requests over it can no longer be answered.
    pub fn remove(&self, id: &str) -> Option<Connection> {
        self.registry.write().unwrap_or_else(PoisonError::into_inner).remove(id)
    }

    /// The connection of this name.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Connection> {
        self.read(|registry| registry.by_id.get(id).cloned())
    }

    /// The names of all connections, in their order.
    #[must_use]
    pub fn ids(&self) -> Vec<ConnectionId> {
        self.read(|registry| registry.by_id.keys().cloned().collect())
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.read(|registry| registry.by_id.len())
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The connections that a response may have come over: the one whose request it answers; else those of the claimed issuer, first those
    /// whose own assertion consumer it was posted to, then those that have none of their own; the active ones before all others. One more than [`MOST_CANDIDATES`] at most,
    /// so that too many are noticed. The time does not grow with the number of connections that share an issuer or an address.
    ///
    /// [`ServiceProvider::receive`](crate::ServiceProvider::receive) decides among them.
    #[must_use]
    pub fn candidates(&self, claimed: &ClaimedResponse, pending: Option<&PendingRequest>) -> Vec<Connection> {
        self.read(|registry| {
            if let Some(pending) = pending {
                return registry.by_id.get(pending.connection()).cloned().into_iter().collect();
            }
            let Some(issuer) = claimed.issuer() else { return Vec::new() };
            registry.meant(issuer, claimed.shared_received_at())
        })
    }

    /// Entity IDs of connections that are close to the claimed issuer, which no connection has: to be named in the operator's log
    /// ([`Refusal::unknown_issuer`](crate::Refusal::unknown_issuer)), since they may be other customers'. The time does not grow with the number
    /// of connections.
    #[must_use]
    pub fn closest_issuers(&self, claimed: &ClaimedResponse) -> Vec<EntityId> {
        let Some(issuer) = claimed.issuer() else { return Vec::new() };
        let spellings = claimed.issuer_in_other_spellings();
        self.read(|registry| {
            let names = std::iter::once(issuer).chain(&spellings);
            let mut closest: Vec<EntityId> = names.flat_map(|name| registry.beside(name)).cloned().collect();
            closest.sort();
            closest.dedup();
            closest
        })
    }

    /// The connections that a message other than a Response may have come over, at the service's own logout address: those of the claimed
    /// issuer that have no addresses of their own, the active ones first, one more than [`MOST_CANDIDATES`] at most. What comes to the
    /// address of one connection is that connection's: [`get`](Self::get) it.
    #[must_use]
    pub fn candidates_for_message(&self, incoming: &IncomingMessage) -> Vec<Connection> {
        let Some(issuer) = incoming.issuer() else { return Vec::new() };
        self.read(|registry| registry.routed(issuer, None))
    }

    /// The connections over which an artifact may have come that answers no request of ours: those of the identity provider that it names, first those
    /// whose own assertion consumer it was brought to, then those that have none of their own; the active ones before all others. The time does not
    /// grow with the number of connections.
    ///
    /// [`ServiceProvider::check_artifact`](crate::ServiceProvider::check_artifact) decides among them.
    #[must_use]
    pub fn candidates_for_artifact(&self, artifact: &Artifact, received_at: &str) -> Vec<Connection> {
        self.read(|registry| match registry.sources.get(&artifact.source_id()) {
            Some(issuer) => registry.meant(issuer, received_at.into()),
            None => Vec::new(),
        })
    }

    fn read<T>(&self, look: impl FnOnce(&Registry) -> T) -> T {
        look(&self.registry.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl FromIterator<Connection> for Connections {
    fn from_iter<I: IntoIterator<Item = Connection>>(all: I) -> Connections {
        let connections = Connections::new();
        for connection in all {
            connections.put(connection);
        }
        connections
    }
}

impl Registry {
    fn insert(&mut self, connection: Connection) {
        let issuer = connection.identity_provider().entity_id();
        self.sources.entry(SourceId::of(issuer)).or_insert_with(|| issuer.clone());
        self.routes.insert(Route::of(&connection));
        self.by_id.insert(connection.id().clone(), connection);
    }

    fn remove(&mut self, id: &str) -> Option<Connection> {
        let connection = self.by_id.remove(id)?;
        self.routes.remove(&Route::of(&connection));
        let issuer = connection.identity_provider().entity_id();
        let start = Route { issuer: issuer.clone(), assertion_consumer: None, is_inactive: false, id: None };
        if self.routes.range(&start..).next().is_none_or(|next| next.issuer != *issuer) {
            self.sources.remove(&SourceId::of(issuer));
        }
        Some(connection)
    }

    /// The issuers whose names stand before and behind a name in their order: those with the longest beginning in common are among them.
    fn beside<'r>(&'r self, name: &EntityId) -> impl Iterator<Item = &'r EntityId> {
        let start = Route { issuer: name.clone(), assertion_consumer: None, is_inactive: false, id: None };
        let before = self.routes.range(..&start).rev().take(BESIDE);
        let behind = self.routes.range(&start..).take(BESIDE);
        before.chain(behind).map(|route| &route.issuer)
    }

    /// The connections of an issuer that may be meant by what came to this address.
    fn meant(&self, issuer: &EntityId, received_at: Arc<str>) -> Vec<Connection> {
        let mut candidates = self.routed(issuer, Some(received_at));
        candidates.extend(self.routed(issuer, None));
        candidates.sort_by_key(is_inactive);
        candidates.truncate(MOST_CANDIDATES.saturating_add(1));
        candidates
    }

    /// The connections of an issuer with this assertion consumer of their own, or with none.
    fn routed(&self, issuer: &EntityId, assertion_consumer: Option<Arc<str>>) -> Vec<Connection> {
        let start = Route { issuer: issuer.clone(), assertion_consumer, is_inactive: false, id: None };
        let is_there = |route: &&Route| {
            route.issuer == start.issuer && route.assertion_consumer == start.assertion_consumer
        };
        let found = self.routes.range(&start..).take_while(is_there).filter_map(|route| route.id.as_ref());
        let found = found.filter_map(|id| self.by_id.get(id));
        found.take(MOST_CANDIDATES.saturating_add(1)).cloned().collect()
    }
}

impl Route {
    fn of(connection: &Connection) -> Route {
        Route {
            issuer: connection.identity_provider().entity_id().clone(),
            assertion_consumer: connection.settings().assertion_consumer.as_deref().map(Arc::from),
            is_inactive: is_inactive(connection),
            id: Some(connection.id().clone()),
        }
    }
}

fn is_inactive(connection: &Connection) -> bool {
    connection.state() != ConnectionState::Active
}
