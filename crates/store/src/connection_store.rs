//! Connections in a store, for all processes of a service.

use vouchsafe::{ConnectionId, ConnectionState, EntityId, assertion::SourceId, provisioning::OrganizationId};

use crate::{Answer, Author, StoredConnection, StoredSettings};

/// Stores connections, each of which names a customer's identity provider.
///
/// Every write gives a connection its next revision. A process that caches a connection compares this number to know
/// whether its copy is current; `vouchsafe_web::StoredConnections` does so. Several processes over one store see a
/// write at the next sign-in. A [renewal](Self::renew_connection) keeps the revision, so a cached connection whose metadata
/// has ended is to be read again.
///
/// Every write except a renewal adds [records](crate::AuditRecord) to the audit of the connection's organization in the
/// same transaction, if the store keeps an audit (see [`Directory`](crate::Directory)).
///
/// Connections are never deleted. Accounts, sessions and refusals name the connection that they came over, and a reused
/// id would be mistaken for the old connection. A connection that is no longer used is
/// [retired](vouchsafe::ConnectionState::Retired) for good.
pub trait ConnectionStore: Send + Sync + std::fmt::Debug {
    /// The connection with this id.
    fn connection<'a>(&'a self, id: &'a ConnectionId) -> Answer<'a, Option<StoredConnection>>;

    /// The connection with this id without its metadata, which may have several MiB. It is read for requests of anybody.
    ///
    /// The default implementation reads the whole connection.
    fn connection_outline<'a>(&'a self, id: &'a ConnectionId) -> Answer<'a, Option<ConnectionOutline>> {
        Box::pin(async move { Ok(self.connection(id).await?.map(ConnectionOutline::from)) })
    }

    /// The current revision of the connection with this id.
    fn connection_revision<'a>(&'a self, id: &'a ConnectionId) -> Answer<'a, Option<u64>>;

    /// The connections to this identity provider that have this assertion consumer service of their own or, with
    /// `None`, that have none of their own. The active ones come first, then the others, each sorted by id, at most
    /// `most`. The time does not grow with the number of connections.
    ///
    /// The active ones come first so that drafts, which anybody with an organization can create in any number, cannot
    /// hide another organization's connection.
    fn connections_to<'a>(
        &'a self,
        identity_provider: &'a EntityId,
        assertion_consumer: Option<&'a str>,
        most: usize,
    ) -> Answer<'a, Vec<ConnectionRevision>>;

    /// The active ones of [`connections_to`](Self::connections_to) whose ids come after this one, or from the first one,
    /// sorted by id, at most `most`. Use it to go through all of them page by page, since anybody with an organization
    /// can activate connections to the identity provider of another one. The time does not grow with the number of
    /// connections.
    ///
    /// The default implementation asks `connections_to` for all of them, and then for the
    /// [outline](Self::connection_outline) of one after the other.
    fn active_connections_to<'a>(
        &'a self,
        identity_provider: &'a EntityId,
        assertion_consumer: Option<&'a str>,
        after: Option<&'a ConnectionId>,
        most: usize,
    ) -> Answer<'a, Vec<ConnectionRevision>> {
        Box::pin(async move {
            let mut active = Vec::new();
            for found in self.connections_to(identity_provider, assertion_consumer, usize::MAX).await? {
                if active.len() >= most {
                    break;
                }
                if after.is_some_and(|after| found.id <= *after) {
                    continue;
                }
                let outline = self.connection_outline(&found.id).await?;
                if outline.is_some_and(|outline| outline.state == ConnectionState::Active) {
                    active.push(found);
                }
            }
            Ok(active)
        })
    }

    /// The identity provider that an artifact names, if there has ever been a connection to it. The time does not grow
    /// with the number of connections.
    ///
    /// The default implementation finds none; unsolicited artifacts are then accepted only at the addresses of
    /// connections.
    fn identity_provider_of_source(&self, source: SourceId) -> Answer<'_, Option<EntityId>> {
        let _ = source;
        Box::pin(std::future::ready(Ok(None)))
    }

    /// The active connections whose ids come after this one, or from the first one, sorted by id, at most `most`. Use
    /// it to go through all connections page by page, for example to look for newer metadata. A connection that is
    /// added or retired meanwhile may be missing; every other one is answered exactly once.
    fn active_connections<'a>(
        &'a self,
        after: Option<&'a ConnectionId>,
        most: usize,
    ) -> Answer<'a, Vec<ConnectionRevision>>;

    /// The connections of an organization in any state, sorted by id.
    fn connections_of<'a>(&'a self, organization: &'a OrganizationId) -> Answer<'a, Vec<StoredConnection>>;

    /// Stores a new connection at its [first](StoredConnection::first) revision and answers that revision. The error is
    /// [`StoreError::Taken`](crate::StoreError::Taken) if the id was used before, and
    /// [`StoreError::ConnectionLimit`](crate::StoreError::ConnectionLimit) if the organization has too many
    /// ([`ConnectionTotals`](crate::ConnectionTotals)).
    fn add_connection<'a>(&'a self, connection: &'a StoredConnection, author: &'a Author) -> Answer<'a, u64>;

    /// Replaces a connection if it is still at the revision that was read, as [`StoredConnection::in_place_of`] says,
    /// and answers the next revision. If the connection [is retired by it](StoredConnection::is_retired_since), the
    /// sessions that began over it end, and so do its SCIM tokens where the store keeps them. Metadata that is too
    /// large is [`StoreError::ConnectionLimit`](crate::StoreError::ConnectionLimit).
    ///
    /// Use it for new metadata and settings. Where there is a directory, use a
    /// [`ConnectionDecision`](crate::ConnectionDecision) to change which connections an organization signs in over.
    fn update_connection<'a>(
        &'a self,
        connection: &'a StoredConnection,
        author: &'a Author,
    ) -> Answer<'a, u64>;

    /// Writes what a refresh found if nobody has to be told, as [`StoredConnection::renewed_in_place_of`] says: newer
    /// copies of the metadata and of the staged metadata that state the same, and since when the address has given only
    /// older documents. The revision stays, and nothing is written to the audit. Metadata that is too large is
    /// [`StoreError::ConnectionLimit`](crate::StoreError::ConnectionLimit).
    fn renew_connection<'a>(&'a self, connection: &'a StoredConnection) -> Answer<'a, ()>;
}

/// A connection without its metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionOutline {
    /// Its id.
    pub id: ConnectionId,
    /// The organization that it belongs to.
    pub organization: OrganizationId,
    /// Its state.
    pub state: ConnectionState,
    /// The settings in which it differs from the service.
    pub settings: StoredSettings,
}

impl ConnectionOutline {
    /// The outline of a connection.
    #[must_use]
    pub fn new(
        id: ConnectionId,
        organization: OrganizationId,
        state: ConnectionState,
        settings: StoredSettings,
    ) -> Self {
        Self { id, organization, state, settings }
    }
}

impl From<StoredConnection> for ConnectionOutline {
    fn from(stored: StoredConnection) -> Self {
        Self::new(stored.id, stored.organization, stored.state, stored.settings)
    }
}

/// The id of a connection and its current revision.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct ConnectionRevision {
    /// Its id.
    pub id: ConnectionId,
    /// Its revision.
    pub revision: u64,
}

impl ConnectionRevision {
    /// A connection at a revision.
    #[must_use]
    pub fn new(id: ConnectionId, revision: u64) -> Self {
        Self { id, revision }
    }
}
