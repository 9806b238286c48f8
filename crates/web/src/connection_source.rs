//! The look-up of connections.

use std::fmt;

use vouchsafe::assertion::MOST_CANDIDATES;
use vouchsafe::{Artifact, ClaimedResponse, Connection, ConnectionId, Connections, EntityId};
use vouchsafe_store::Answer;

/// A look-up of connections, which may query a database. [`Connections`] is one in memory.
pub trait ConnectionSource: Send + Sync + fmt::Debug {
    /// Returns the connection with this name.
    fn find<'a>(&'a self, id: &'a ConnectionId) -> Answer<'a, Option<Connection>>;

    /// Returns the connection with this name, which is part of an address that was requested: that of the metadata or
    /// of an assertion consumer service of one connection. Anybody can request such an address with any name, so this
    /// must not ask another server. The default implementation does the same as [`find`](Self::find).
    fn find_by_address<'a>(&'a self, id: &'a ConnectionId) -> Answer<'a, Option<Connection>> {
        self.find(id)
    }

    /// Returns the connections over which a response may have come that answers no request of ours: those whose own
    /// assertion consumer it was posted to, or otherwise those of the claimed issuer. At most one more than
    /// [`MOST_CANDIDATES`](vouchsafe::assertion::MOST_CANDIDATES) are returned.
    fn candidates<'a>(&'a self, claimed: &'a ClaimedResponse) -> Answer<'a, Vec<Connection>>;

    /// Returns the active connections to this identity provider that have no addresses of their own, page by page,
    /// sorted by name: those over which a message may have come to the service's own addresses, or a response that
    /// answers no request, if there are many [`candidates`](Self::candidates). `after` is [`CandidatePage::next`] of
    /// the page before. If none is active, some of the others are returned, so that the refusal can tell the reason.
    ///
    /// All of them must be returned in the end, also those whose metadata has ended, and those that cannot be used must
    /// be [counted](CandidatePage::unusable). Anybody with an organization can configure connections to the identity
    /// provider of another one: they must not hide its connection, nor count as the only ones that have its key.
    fn candidates_by_issuer<'a>(
        &'a self,
        issuer: &'a EntityId,
        after: Option<&'a ConnectionId>,
    ) -> Answer<'a, CandidatePage>;

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

/// A page of the connections over which a message or a response may have come.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct CandidatePage {
    /// The connections.
    pub connections: Vec<Connection>,
    /// The name after which the next page begins. `None` if this is the last page.
    pub next: Option<ConnectionId>,
    /// The number of active connections of the page that cannot be used now, so that it is not known which keys they
    /// have.
    pub unusable: usize,
}

impl CandidatePage {
    /// The number of connections on a page, if there are more.
    pub const PAGE: usize = MOST_CANDIDATES;

    /// Makes the only page, or the last one.
    #[must_use]
    pub fn all(connections: impl IntoIterator<Item = Connection>) -> CandidatePage {
        CandidatePage { connections: connections.into_iter().collect(), ..CandidatePage::default() }
    }

    /// Makes a page that others follow: those after this name.
    #[must_use]
    pub fn followed_after(self, next: Option<ConnectionId>) -> CandidatePage {
        CandidatePage { next, ..self }
    }

    /// Makes a page of which this number of connections cannot be used.
    #[must_use]
    pub fn with_unusable(self, unusable: usize) -> CandidatePage {
        CandidatePage { unusable, ..self }
    }

    /// Cuts what was found, which is one more than a page if there are more, and returns the name after which the next
    /// page begins.
    pub(crate) fn cut<T>(found: &mut Vec<T>, id: impl Fn(&T) -> &ConnectionId) -> Option<ConnectionId> {
        let has_more = found.len() > Self::PAGE;
        found.truncate(Self::PAGE);
        found.last().filter(|_| has_more).map(|last| id(last).clone())
    }
}

impl ConnectionSource for Connections {
    fn find<'a>(&'a self, id: &'a ConnectionId) -> Answer<'a, Option<Connection>> {
        Box::pin(std::future::ready(Ok(self.get(id.as_str()))))
    }

    fn candidates<'a>(&'a self, claimed: &'a ClaimedResponse) -> Answer<'a, Vec<Connection>> {
        Box::pin(std::future::ready(Ok(Connections::candidates(self, claimed, None))))
    }

    fn candidates_by_issuer<'a>(
        &'a self,
        issuer: &'a EntityId,
        after: Option<&'a ConnectionId>,
    ) -> Answer<'a, CandidatePage> {
        let most = CandidatePage::PAGE.saturating_add(1);
        let mut found = Connections::candidates_by_issuer(self, issuer, after, most);
        let next = CandidatePage::cut(&mut found, Connection::id);
        Box::pin(std::future::ready(Ok(CandidatePage::all(found).followed_after(next))))
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
