//! Connections in a store, for all processes of a service.

use vouchsafe::{ConnectionId, EntityId, assertion::SourceId, provisioning::OrganizationId};

use crate::{Answer, Author, StoredConnection};

/// Keeps connections: who the identity providers of the customers are.
///
/// Every write gives a connection its next revision, so that whoever keeps one in memory asks for a number to know whether it is still
/// what is stored; `vouchsafe_web::StoredConnections` does. Several processes over one store see a write at the next sign-in.
///
/// Every write leaves [records](crate::AuditRecord::of_connection) in the audit of the connection's organization, in the same transaction, where
/// the store keeps one: it is the [`Directory`](crate::Directory)'s.
///
/// There is no removal. Accounts, sessions and refusals name the connection that they came over, and an identifier that came again would
/// be taken for the old one: a connection that is over is [retired](vouchsafe::ConnectionState::Retired) and stays so.
pub trait ConnectionStore: Send + Sync + std::fmt::Debug {
    /// The connection of this name.
    fn connection<'a>(&'a self, id: &'a ConnectionId) -> Answer<'a, Option<StoredConnection>>;

    /// The revision at which the connection of this name is.
    fn connection_revision<'a>(&'a self, id: &'a ConnectionId) -> Answer<'a, Option<u64>>;

    /// The connections to this identity provider that have this assertion consumer of their own, or, with `None`, that have none of their
    /// own: first the active ones, then the others, each by name, and `most` at most. The time does not grow with how many there are.
    ///
    /// The active ones come first so that no number of drafts, which anybody can make who has an organization, hides another's connection.
    fn connections_to<'a>(
        &'a self,
        identity_provider: &'a EntityId,
        assertion_consumer: Option<&'a str>,
        most: usize,
    ) -> Answer<'a, Vec<ConnectionRevision>>;

    /// The identity provider that an artifact names, if there was ever a connection to it. The time does not grow with how many there are.
    ///
    /// Without an implementation there is none, and artifacts that nobody asked for are taken at the addresses of connections alone.
    fn identity_provider_of_source(&self, source: SourceId) -> Answer<'_, Option<EntityId>> {
        let _ = source;
        Box::pin(std::future::ready(Ok(None)))
    }

    /// The active connections whose names come after this one, or all of them, by name, and `most` at most: for whoever goes through them page by
    /// page, such as to look for newer metadata. One that is added or retired meanwhile may be there or not, and every other one is there
    /// once.
    fn active_connections<'a>(
        &'a self,
        after: Option<&'a ConnectionId>,
        most: usize,
    ) -> Answer<'a, Vec<ConnectionRevision>>;

    /// The connections of an organization, by name, in whatever state.
    fn connections_of<'a>(&'a self, organization: &'a OrganizationId) -> Answer<'a, Vec<StoredConnection>>;

    /// Keeps a new connection at its [first](StoredConnection::first) revision, which is answered. A name that was used before is
    /// [`StoreError::Taken`](crate::StoreError::Taken), and one too many for its organization [`StoreError::ConnectionLimit`](crate::StoreError::ConnectionLimit),
    /// as [`ConnectionTotals`](crate::ConnectionTotals) says.
    fn add_connection<'a>(&'a self, connection: &'a StoredConnection, author: &'a Author) -> Answer<'a, u64>;

    /// Replaces a connection that is still at the revision it was read at, as [`StoredConnection::in_place_of`] says. Answers the next
    /// revision. With one that [is retired by it](StoredConnection::is_retired_since) the sessions end that began over it, and its SCIM tokens, where
    /// the store keeps them. Metadata that is too large is [`StoreError::ConnectionLimit`](crate::StoreError::ConnectionLimit).
    ///
    /// It is for new metadata and settings. Which connections an organization signs in over is a
    /// [`ConnectionDecision`](crate::ConnectionDecision), where there is a directory.
    fn update_connection<'a>(
        &'a self,
        connection: &'a StoredConnection,
        author: &'a Author,
    ) -> Answer<'a, u64>;
}

/// A connection's name, and the revision at which it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct ConnectionRevision {
    /// Its name.
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
