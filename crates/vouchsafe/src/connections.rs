//! Connections in memory, for a service that can hold all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock};

use vouchsafe_assertion::{Artifact, ConnectionId, MOST_CANDIDATES, SourceId};
use vouchsafe_metadata::{EntityId, IdentityProvider};

use crate::claimed_response::ClaimedResponse;
use crate::connection::{Connection, ConnectionState};
use crate::error::BindingError;
use crate::incoming::IncomingMessage;
use crate::pending::PendingRequest;

/// The number of names before and after an unknown name that are compared with it.
const BESIDE: usize = 8;

/// The connections of a service, in memory.
///
/// Adding, replacing and removing a connection changes that connection only, and other connections can be looked up
/// at the same time. A service with many customers loads connections on demand from a store instead; such a store
/// must return the same candidates as this type.
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

/// The maps are trees, not hash tables: a hash table that grows blocks all readers while it moves a hundred thousand
/// connections.
#[derive(Debug, Default)]
struct Registry {
    by_id: BTreeMap<ConnectionId, Connection>,
    /// The issuer and the assertion consumer of each connection.
    routes: BTreeSet<Route>,
    /// The entity IDs by their source IDs, which artifacts contain.
    sources: BTreeMap<SourceId, EntityId>,
}

/// The issuer of a connection's responses, and the address to which they are posted. The order of the fields is that
/// of the look-up: connections with the same identity provider and address are adjacent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Route {
    issuer: EntityId,
    /// The connection's own assertion consumer, if it has one.
    assertion_consumer: Option<Arc<str>>,
    /// Active connections come first, because anybody can make drafts to any identity provider.
    is_inactive: bool,
    /// `None` in a look-up: it sorts before all connections.
    id: Option<ConnectionId>,
}

impl Connections {
    /// Makes an empty collection.
    #[must_use]
    pub fn new() -> Connections {
        Connections::default()
    }

    /// Adds a connection, or replaces the one with the same name and returns the old one.
    pub fn put(&self, connection: Connection) -> Option<Connection> {
        let mut registry = self.registry.write().unwrap_or_else(PoisonError::into_inner);
        let before = registry.remove(connection.id().as_str());
        registry.insert(connection);
        before
    }

    /// Replaces the metadata of the connection with this name by newer metadata, and returns the changed connection;
    /// `None` if there is no such connection.
    ///
    /// # Errors
    /// The same as for [`Connection::with_identity_provider`]; the connection is then unchanged.
    pub fn refresh(&self, id: &str, newer: IdentityProvider) -> Result<Option<Connection>, BindingError> {
        let mut registry = self.registry.write().unwrap_or_else(PoisonError::into_inner);
        let Some(before) = registry.by_id.get(id).cloned() else { return Ok(None) };
        let connection = before.with_identity_provider(newer)?;
        registry.remove(id);
        registry.insert(connection.clone());
        Ok(Some(connection))
    }

    /// Removes a connection and returns it. Pending requests over it can no longer be answered.
    pub fn remove(&self, id: &str) -> Option<Connection> {
        self.registry.write().unwrap_or_else(PoisonError::into_inner).remove(id)
    }

    /// Returns the connection with this name.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Connection> {
        self.read(|registry| registry.by_id.get(id).cloned())
    }

    /// Returns the names of all connections, in sorted order.
    #[must_use]
    pub fn ids(&self) -> Vec<ConnectionId> {
        self.read(|registry| registry.by_id.keys().cloned().collect())
    }

    /// The number of connections.
    #[must_use]
    pub fn len(&self) -> usize {
        self.read(|registry| registry.by_id.len())
    }

    /// Returns whether there is no connection.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the connections over which a response may have come. If it answers a pending request, this is the
    /// connection of the request. Otherwise it is those of the claimed issuer: first those whose own assertion
    /// consumer it was posted to, then those without one; active connections come before all others. At most one more
    /// than [`MOST_CANDIDATES`] are returned, so that the caller notices too many. The time does not grow
    /// with the number of connections that share an issuer or an address.
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

    /// Returns entity IDs of connections that are similar to the claimed issuer, if no connection has that issuer.
    /// Name them only in the operator's log ([`Refusal::unknown_issuer`](crate::Refusal::unknown_issuer)), since they
    /// may belong to other customers. The time does not grow with the number of connections.
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

    /// Returns the connections over which a message other than a Response may have come, at the service's own logout
    /// address: all active ones of the claimed issuer that have no addresses of their own. If none is active, some of
    /// the others are returned, so that the refusal can tell the reason. A message that comes to the address of one
    /// connection belongs to that connection: [`get`](Self::get) it.
    #[must_use]
    pub fn candidates_for_message(&self, incoming: &IncomingMessage) -> Vec<Connection> {
        incoming.issuer().map_or_else(Vec::new, |issuer| self.candidates_by_issuer(issuer, None, usize::MAX))
    }

    /// Returns connections to this identity provider that have no addresses of their own, at most this number: the first
    /// active ones, or those whose names come after this one. The names are in sorted order. If none is active, some of
    /// the others are returned.
    #[must_use]
    pub fn candidates_by_issuer(
        &self,
        issuer: &EntityId,
        after: Option<&ConnectionId>,
        most: usize,
    ) -> Vec<Connection> {
        self.read(|registry| match registry.active(issuer, after, most) {
            none if none.is_empty() && after.is_none() => registry.routed(issuer, None),
            found => found,
        })
    }

    /// Returns the connections over which an artifact may have come that answers no request of ours. These are the
    /// connections of the identity provider that the artifact names: first those whose own assertion consumer
    /// received it, then those without one; active connections come before all others. The time does not grow with
    /// the number of connections.
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

    /// Returns the issuers that sort next to a name, before and after it. Those with the longest common prefix are
    /// among them.
    fn beside<'r>(&'r self, name: &EntityId) -> impl Iterator<Item = &'r EntityId> {
        let start = Route { issuer: name.clone(), assertion_consumer: None, is_inactive: false, id: None };
        let before = self.routes.range(..&start).rev().take(BESIDE);
        let behind = self.routes.range(&start..).take(BESIDE);
        before.chain(behind).map(|route| &route.issuer)
    }

    /// Returns the connections of an issuer that a message at this address may belong to.
    fn meant(&self, issuer: &EntityId, received_at: Arc<str>) -> Vec<Connection> {
        let mut candidates = self.routed(issuer, Some(received_at));
        candidates.extend(self.routed(issuer, None));
        candidates.sort_by_key(is_inactive);
        candidates.truncate(MOST_CANDIDATES.saturating_add(1));
        candidates
    }

    /// Returns the active connections of an issuer that have no assertion consumer of their own and whose names come
    /// after this one, at most this number.
    fn active(&self, issuer: &EntityId, after: Option<&ConnectionId>, most: usize) -> Vec<Connection> {
        let start = Route {
            issuer: issuer.clone(),
            assertion_consumer: None,
            is_inactive: false,
            id: after.cloned(),
        };
        let routes = self.routes.range((Bound::Excluded(&start), Bound::Unbounded)).take_while(|route| {
            route.issuer == start.issuer && route.assertion_consumer.is_none() && !route.is_inactive
        });
        let found = routes.filter_map(|route| self.by_id.get(route.id.as_ref()?));
        found.take(most).cloned().collect()
    }

    /// Returns the connections of an issuer that have this assertion consumer of their own, or none.
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
