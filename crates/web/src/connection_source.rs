//! The look-up of connections.

use std::fmt;

use vouchsafe::{
    Artifact, ClaimedResponse, Connection, ConnectionId, Connections, EntityId, IncomingMessage,
};
use vouchsafe_store::Answer;

/// A look-up of connections, which may query a database. [`Connections`] is one in memory.
pub trait ConnectionSource: Send + Sync + fmt::Debug {
    /// Returns the connection with this name.
    fn find<'a>(&'a self, id: &'a ConnectionId) -> Answer<'a, Option<Connection>>;

    /// Returns the connection with this name, which is part of an address that was requested: that of the metadata or of
    /// an assertion consumer service of one connection. Anybody can request such an address with any name, so this must
    /// not ask another server. The default implementation does the same as [`find`](Self::find).
    fn find_by_address<'a>(&'a self, id: &'a ConnectionId) -> Answer<'a, Option<Connection>> {
        self.find(id)
    }

    /// Returns the connections over which a response may have come that answers no request of ours: those whose own
    /// assertion consumer it was posted to, or otherwise those of the claimed issuer. At most one more than
    /// [`MOST_CANDIDATES`](vouchsafe::assertion::MOST_CANDIDATES) are returned.
    fn candidates<'a>(&'a self, claimed: &'a ClaimedResponse) -> Answer<'a, Vec<Connection>>;

    /// Returns the connections over which a message other than a Response may have come to the service's own logout
    /// address: those of the claimed issuer that have no addresses of their own, active ones first, at most one more
    /// than [`MOST_CANDIDATES`](vouchsafe::assertion::MOST_CANDIDATES).
    fn candidates_for_message<'a>(&'a self, incoming: &'a IncomingMessage) -> Answer<'a, Vec<Connection>>;

    /// Returns the connections over which an artifact may have come to this address, which is the service's own, if
    /// it answers no request of ours: those of the identity provider that it names. The default implementation
    /// returns none; such artifacts are then accepted only at the addresses of connections.
    fn candidates_for_artifact<'a>(
        &'a self,
        artifact: &'a Artifact,
        received_at: &'a str,
    ) -> Answer<'a, Vec<Connection>> {
        let _ = (artifact, received_at);
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    /// Returns entity IDs of connections that are similar to the claimed issuer, if no connection has that issuer.
    /// They may belong to other customers, so they are shown only in the operator's log and in a refusal that belongs
    /// to no connection. The default implementation returns none.
    fn closest_issuers<'a>(&'a self, claimed: &'a ClaimedResponse) -> Answer<'a, Vec<EntityId>> {
        let _ = claimed;
        Box::pin(std::future::ready(Ok(Vec::new())))
    }
}

impl ConnectionSource for Connections {
    fn find<'a>(&'a self, id: &'a ConnectionId) -> Answer<'a, Option<Connection>> {
        Box::pin(std::future::ready(Ok(self.get(id.as_str()))))
    }

    fn candidates<'a>(&'a self, claimed: &'a ClaimedResponse) -> Answer<'a, Vec<Connection>> {
        Box::pin(std::future::ready(Ok(Connections::candidates(self, claimed, None))))
    }

    fn candidates_for_message<'a>(&'a self, incoming: &'a IncomingMessage) -> Answer<'a, Vec<Connection>> {
        Box::pin(std::future::ready(Ok(Connections::candidates_for_message(self, incoming))))
    }

    fn candidates_for_artifact<'a>(
        &'a self,
        artifact: &'a Artifact,
        received_at: &'a str,
    ) -> Answer<'a, Vec<Connection>> {
        let found = Connections::candidates_for_artifact(self, artifact, received_at);
        Box::pin(std::future::ready(Ok(found)))
    }

    fn closest_issuers<'a>(&'a self, claimed: &'a ClaimedResponse) -> Answer<'a, Vec<EntityId>> {
        Box::pin(std::future::ready(Ok(Connections::closest_issuers(self, claimed))))
    }
}

/// Finds the connection of a person's organization by what they typed: a name or an e-mail address.
///
/// It must not depend on which accounts exist. Any identity provider can assert any address, so accounts would let
/// one customer attract another's people, and the answer would tell who has an account.
pub trait Discovery: Send + Sync + fmt::Debug {
    /// Returns the connection, or `None` for any reason.
    fn discover<'a>(&'a self, asked: &'a str) -> Answer<'a, Option<Connection>>;
}
