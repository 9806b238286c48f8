//! Where connections are looked up.

use std::fmt;

use vouchsafe::{
    Artifact, ClaimedResponse, Connection, ConnectionId, Connections, EntityId, IncomingMessage,
};
use vouchsafe_store::Answer;

/// A look-up of connections, which may wait for a database. [`Connections`] is one, in memory.
pub trait ConnectionSource: Send + Sync + fmt::Debug {
    /// The connection of this name.
    fn find<'a>(&'a self, id: &'a ConnectionId) -> Answer<'a, Option<Connection>>;

    /// The connections over which a response may have come that answers no request of ours: those whose own assertion consumer it was posted
    /// to, else those of the claimed issuer. One more than [`MOST_CANDIDATES`](vouchsafe::assertion::MOST_CANDIDATES) at most.
    fn candidates<'a>(&'a self, claimed: &'a ClaimedResponse) -> Answer<'a, Vec<Connection>>;

    /// The connections over which a message other than a Response may have come to the service's own logout address: those of the claimed issuer
    /// that have no addresses of their own, the active ones first, one more than [`MOST_CANDIDATES`](vouchsafe::assertion::MOST_CANDIDATES) at
    /// most.
    fn candidates_for_message<'a>(&'a self, incoming: &'a IncomingMessage) -> Answer<'a, Vec<Connection>>;

    /// The connections over which an artifact may have come to this address, which is the service's own, that answers no request of ours: those of the
    /// identity provider that it names. Without an implementation there is none, and such artifacts are taken at the addresses of connections
    /// alone.
    fn candidates_for_artifact<'a>(
        &'a self,
        artifact: &'a Artifact,
        received_at: &'a str,
    ) -> Answer<'a, Vec<Connection>> {
        let _ = (artifact, received_at);
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    /// Entity IDs of connections that are close to the claimed issuer, where no connection has it. They may be other customers', so they are
    /// told in the operator's log and in a refusal that belongs to no connection, and nowhere else. Without an implementation, none is told.
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

/// Finds the connection of the organization a person means, by what they typed: a name or an e-mail address.
///
/// It must not ask which accounts exist: any identity provider can assert any address, so accounts would let one customer attract another's
/// people, and the answer would tell who has an account.
pub trait Discovery: Send + Sync + fmt::Debug {
    /// The connection, or `None` whatever the reason.
    fn discover<'a>(&'a self, asked: &'a str) -> Answer<'a, Option<Connection>>;
}
