//! Limits of the number of an organization's connections and of the size of their metadata.

use vouchsafe::{
    ConnectionState,
    provisioning::{Actor, OrganizationId},
};

use crate::{StoreError, StoredConnection};

/// The number and the size of an organization's connections. Every decision about an organization's connections reads all of
/// them; a store therefore limits how many one organization may have.
///
/// A [`ConnectionDecision`](crate::ConnectionDecision) enforces the limits itself. Stores enforce them in
/// [`add_connection`](crate::ConnectionStore::add_connection) and
/// [`update_connection`](crate::ConnectionStore::update_connection) with [`require_room`](Self::require_room).
///
/// ```
/// use vouchsafe_store::{ConnectionMetadata, ConnectionTotals, MetadataSource, StoredConnection};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let at = "2026-01-15T09:00:00Z".parse()?;
/// let metadata = ConnectionMetadata::new("<md:EntityDescriptor/>", MetadataSource::Uploaded, at);
/// let okta = vouchsafe::EntityId::new("http://www.okta.com/exk1")?;
/// let draft = StoredConnection::new(vouchsafe::ConnectionId::new("acme-9")?, "acme".into(), okta, metadata);
///
/// let mut others = ConnectionTotals::default();
/// others.require_room(None, &draft)?;
/// for _ in 0..ConnectionTotals::MOST_DRAFTS {
///     others.count(draft.state, draft.bytes());
/// }
/// assert_eq!(others.require_room(None, &draft).unwrap_err().code(), "store.connection_limit");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectionTotals {
    drafts: usize,
    draft_bytes: usize,
    open: usize,
    all: usize,
    bytes: usize,
}

impl ConnectionTotals {
    /// The most drafts, tested or not.
    pub const MOST_DRAFTS: usize = 8;
    /// The most bytes of metadata of all drafts of an organization together.
    pub const MOST_DRAFT_BYTES: usize = 1024 * 1024;
    /// The most connections that are not retired.
    pub const MOST_OPEN: usize = 32;
    /// The most connections including the retired ones, whose ids are kept for good.
    pub const MOST: usize = 256;
    /// From how many connections on, including the retired ones, a set-up link adds no more. The others are left to the
    /// owners and the operator, whatever the holder of a link does.
    pub const MOST_BY_LINKS: usize = Self::MOST / 2;
    /// The most bytes of metadata of all connections of an organization together.
    pub const MOST_BYTES: usize = 8 * 1024 * 1024;

    /// The totals of these connections.
    pub fn of<'a>(connections: impl IntoIterator<Item = &'a StoredConnection>) -> ConnectionTotals {
        let mut totals = ConnectionTotals::default();
        for connection in connections {
            totals.count(connection.state, connection.bytes());
        }
        totals
    }

    /// Counts a connection in this state with this many bytes of metadata.
    pub fn count(&mut self, state: ConnectionState, bytes: usize) {
        let add = |total: &mut usize, more: usize| *total = total.saturating_add(more);
        add(&mut self.all, 1);
        add(&mut self.bytes, bytes);
        if state != ConnectionState::Retired {
            add(&mut self.open, 1);
        }
        if matches!(state, ConnectionState::Draft | ConnectionState::Tested) {
            add(&mut self.drafts, 1);
            add(&mut self.draft_bytes, bytes);
        }
    }

    /// Checks whether `next` can be written in place of `before` next to these, the organization's other connections.
    ///
    /// # Errors
    /// [`StoreError::ConnectionLimit`].
    pub fn require_room(
        self,
        before: Option<&StoredConnection>,
        next: &StoredConnection,
    ) -> Result<(), StoreError> {
        let with = |one: &StoredConnection| {
            let mut totals = self;
            totals.count(one.state, one.bytes());
            totals
        };
        with(next).require_room_since(before.map_or(self, with), &next.organization, None)
    }

    /// Checks that nothing exceeds its limit, unless it already did before and has not grown. A change that makes
    /// something smaller is never refused.
    ///
    /// `actor`: who makes the change, if that is known.
    pub(crate) fn require_room_since(
        self,
        before: ConnectionTotals,
        organization: &OrganizationId,
        actor: Option<&Actor>,
    ) -> Result<(), StoreError> {
        let most = match actor {
            Some(Actor::SetUpLink(_)) => Self::MOST_BY_LINKS,
            _ => Self::MOST,
        };
        let limits = [
            (before.drafts, self.drafts, Self::MOST_DRAFTS, "drafts"),
            (before.draft_bytes, self.draft_bytes, Self::MOST_DRAFT_BYTES, "bytes of metadata of drafts"),
            (before.open, self.open, Self::MOST_OPEN, "connections that are not retired"),
            (before.all, self.all, most, "connections with the retired ones"),
            (before.bytes, self.bytes, Self::MOST_BYTES, "bytes of metadata"),
        ];
        let exceeded = limits.into_iter().find(|(was, is, most, _)| is > most && is > was);
        match exceeded {
            Some((_, wanted, most, what)) => {
                Err(StoreError::ConnectionLimit { organization: organization.clone(), what, wanted, most })
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leaves_room_for_the_owners_and_the_operator() {
        let retired = |connections: usize| {
            let mut totals = ConnectionTotals::default();
            (0..connections).for_each(|_| totals.count(ConnectionState::Retired, 0));
            totals
        };
        let (acme, link) = (OrganizationId::new("acme"), Actor::SetUpLink("0123".to_owned()));
        let code = |connections: usize, actor: &Actor| {
            let one_more =
                retired(connections + 1).require_room_since(retired(connections), &acme, Some(actor));
            one_more.err().map(|error| error.code())
        };
        let most = ConnectionTotals::MOST_BY_LINKS;
        assert_eq!(code(most - 1, &link), None);
        assert_eq!(code(most, &link), Some("store.connection_limit"));
        assert_eq!(code(most, &Actor::Operator), None);
        assert_eq!(code(ConnectionTotals::MOST, &Actor::Operator), Some("store.connection_limit"));
    }
}
