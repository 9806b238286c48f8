//! Connections in memory, for a service that can hold all of them.

use std::collections::{BTreeSet, HashMap};
use std::sync::{PoisonError, RwLock};

use vouchsafe_assertion::{ConnectionId, MOST_CANDIDATES};
use vouchsafe_metadata::EntityId;

use crate::claimed_response::ClaimedResponse;
use crate::connection::Connection;
use crate::pending::PendingRequest;

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

#[derive(Debug, Default)]
struct Registry {
    by_id: HashMap<ConnectionId, Connection>,
    by_sender: HashMap<Sender, BTreeSet<ConnectionId>>,
}

/// The issuer of unsolicited responses, and the connection's own assertion consumer that they are posted to, if it has one.
type Sender = (EntityId, Option<String>);

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

    /// Removes a connection, which is answered. Pending requests over it can no longer be answered.
    pub fn remove(&self, id: &str) -> Option<Connection> {
        self.registry.write().unwrap_or_else(PoisonError::into_inner).remove(id)
    }

    /// The connection of this name.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Connection> {
        self.read(|registry| registry.by_id.get(id).cloned())
    }

    /// The names of all connections, in no order.
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
    /// whose own assertion consumer it was posted to, then those that have none of their own. One more than [`MOST_CANDIDATES`] at most,
    /// so that too many are noticed.
    ///
    /// [`ServiceProvider::receive`](crate::ServiceProvider::receive) decides among them.
    #[must_use]
    pub fn candidates(&self, claimed: &ClaimedResponse, pending: Option<&PendingRequest>) -> Vec<Connection> {
        self.read(|registry| {
            if let Some(pending) = pending {
                return registry.by_id.get(pending.connection()).cloned().into_iter().collect();
            }
            let at = |consumer: Option<&str>| {
                let issuer = claimed.issuer().cloned()?;
                registry.by_sender.get(&(issuer, consumer.map(str::to_owned)))
            };
            let ids = [at(Some(claimed.received_at())), at(None)].into_iter().flatten().flatten();
            let could_be = ids.filter_map(|id| registry.by_id.get(id));
            could_be.take(MOST_CANDIDATES.saturating_add(1)).cloned().collect()
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
        let id = connection.id().clone();
        self.by_sender.entry(sender(&connection)).or_default().insert(id.clone());
        self.by_id.insert(id, connection);
    }

    fn remove(&mut self, id: &str) -> Option<Connection> {
        let connection = self.by_id.remove(id)?;
        let sender = sender(&connection);
        if let Some(ids) = self.by_sender.get_mut(&sender) {
            ids.remove(id);
            if ids.is_empty() {
                self.by_sender.remove(&sender);
            }
        }
        Some(connection)
    }
}

fn sender(connection: &Connection) -> Sender {
    (connection.identity_provider().entity_id().clone(), connection.settings().assertion_consumer.clone())
}
