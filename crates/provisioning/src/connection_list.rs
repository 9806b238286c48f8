//! The connections of an organization, the oldest first.

use serde::{Deserialize, Serialize};
use vouchsafe_assertion::ConnectionId;

/// Names of connections, each once, in the order in which they were added. The first one is the oldest.
///
/// ```
/// use vouchsafe_assertion::ConnectionId;
/// use vouchsafe_provisioning::ConnectionList;
///
/// let (okta, entra) = (ConnectionId::new("okta")?, ConnectionId::new("entra")?);
/// let mut connections = ConnectionList::from([okta.clone()]);
/// assert!(connections.insert(entra.clone()));
/// assert!(!connections.insert(okta.clone()), "it keeps its place");
/// assert_eq!(connections.first(), Some(&okta));
/// # let names: Vec<&ConnectionId> = connections.iter().collect();
/// # assert_eq!(names, [&okta, &entra]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<ConnectionId>")]
pub struct ConnectionList(Vec<ConnectionId>);

impl ConnectionList {
    /// An empty list.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The oldest connection.
    #[must_use]
    pub fn first(&self) -> Option<&ConnectionId> {
        self.0.first()
    }

    /// The connections, the oldest first.
    pub fn iter(&self) -> std::slice::Iter<'_, ConnectionId> {
        self.0.iter()
    }

    /// Whether the connection is in the list.
    #[must_use]
    pub fn contains(&self, connection: &ConnectionId) -> bool {
        self.0.contains(connection)
    }

    /// Whether no connection is in both lists.
    #[must_use]
    pub fn is_disjoint(&self, other: &ConnectionList) -> bool {
        !self.iter().any(|connection| other.contains(connection))
    }

    /// Whether the list is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The number of connections.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds a connection as the youngest, and returns whether it is new. One that is in the list keeps its place.
    pub fn insert(&mut self, connection: ConnectionId) -> bool {
        let is_new = !self.contains(&connection);
        if is_new {
            self.0.push(connection);
        }
        is_new
    }

    /// Moves a connection to the place right before another one. If one of them is not in the list, nothing changes.
    ///
    /// A connection that replaces another one has its place in this way.
    pub fn move_before(&mut self, moved: &ConnectionId, other: &ConnectionId) {
        if moved == other || !self.contains(moved) || !self.contains(other) {
            return;
        }
        self.remove(moved);
        let place = self.iter().position(|connection| connection == other).unwrap_or(self.len());
        self.0.insert(place, moved.clone());
    }

    /// Removes a connection, and returns whether it was in the list.
    pub fn remove(&mut self, connection: &ConnectionId) -> bool {
        let before = self.len();
        self.0.retain(|known| known != connection);
        self.len() < before
    }

    /// Removes all connections.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

impl Extend<ConnectionId> for ConnectionList {
    fn extend<I: IntoIterator<Item = ConnectionId>>(&mut self, connections: I) {
        for connection in connections {
            self.insert(connection);
        }
    }
}

impl FromIterator<ConnectionId> for ConnectionList {
    fn from_iter<I: IntoIterator<Item = ConnectionId>>(connections: I) -> Self {
        let mut list = Self::new();
        list.extend(connections);
        list
    }
}

impl From<Vec<ConnectionId>> for ConnectionList {
    fn from(connections: Vec<ConnectionId>) -> Self {
        connections.into_iter().collect()
    }
}

impl<const N: usize> From<[ConnectionId; N]> for ConnectionList {
    fn from(connections: [ConnectionId; N]) -> Self {
        connections.into_iter().collect()
    }
}

impl IntoIterator for ConnectionList {
    type Item = ConnectionId;
    type IntoIter = std::vec::IntoIter<ConnectionId>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'list> IntoIterator for &'list ConnectionList {
    type Item = &'list ConnectionId;
    type IntoIter = std::slice::Iter<'list, ConnectionId>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
