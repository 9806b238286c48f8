//! What the holder of a link changed, for the application.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use vouchsafe::provisioning::OrganizationId;
use vouchsafe::{ConnectionId, ConnectionState};
use vouchsafe_store::{ConnectionMetadata, OrganizationConnections, StoredConnection};

/// A change that the holder of a set-up link made, for [`SetUp::on_change`](crate::SetUp::on_change).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SetUpEvent {
    /// The organization.
    pub organization: OrganizationId,
    /// The id of the link ([`SetUpLink::id`](vouchsafe_store::SetUpLink::id)).
    pub link: String,
    /// The time of the change.
    pub at: DateTime<Utc>,
    /// What changed.
    pub change: SetUpChange,
}

/// What the holder of a set-up link changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SetUpChange {
    /// A draft was added, or a draft got other metadata. Nobody can sign in over it yet.
    #[non_exhaustive]
    Drafted {
        /// The draft.
        connection: ConnectionId,
    },
    /// A draft was activated. The other connections of the organization stay as they are.
    #[non_exhaustive]
    Activated {
        /// The connection over which people sign in now.
        connection: ConnectionId,
    },
    /// A draft was activated, and the connection that it replaces was retired.
    #[non_exhaustive]
    Replaced {
        /// The connection over which nobody can sign in any more.
        old: ConnectionId,
        /// The connection over which people sign in now.
        new: ConnectionId,
    },
    /// An active connection got newer metadata that the holder gave.
    #[non_exhaustive]
    MetadataRenewed {
        /// The connection.
        connection: ConnectionId,
    },
    /// The holder approved the newer metadata of an active connection.
    #[non_exhaustive]
    MetadataApproved {
        /// The connection.
        connection: ConnectionId,
    },
    /// The holder refused the newer metadata of an active connection.
    #[non_exhaustive]
    MetadataRefused {
        /// The connection.
        connection: ConnectionId,
    },
    /// A domain was verified.
    #[non_exhaustive]
    DomainVerified {
        /// The domain, which belongs to the organization now.
        domain: String,
    },
}

/// How the application is told.
pub(super) type TellChange = Arc<dyn Fn(&SetUpEvent) + Send + Sync>;

/// Returns what a decision of a link changed.
pub(super) fn changes(before: &OrganizationConnections, after: &OrganizationConnections) -> Vec<SetUpChange> {
    let was = |id: &ConnectionId| before.connection(id);
    let retired = after.connections.iter().find(|is| {
        is.state == ConnectionState::Retired
            && was(&is.id).is_some_and(|was| was.state == ConnectionState::Active)
    });
    let old = retired.map(|retired| &retired.id);
    let of_connections = after.connections.iter().filter_map(|is| change_of(was(&is.id), is, old));
    let known = &before.organization.verified_domains;
    let verified = after.organization.verified_domains.iter().filter(|domain| !known.contains(domain));
    let of_domains = verified.map(|domain| SetUpChange::DomainVerified { domain: domain.clone() });
    of_connections.chain(of_domains).collect()
}

/// Returns what changed of one connection. `old` is the connection that was retired with the same decision.
fn change_of(
    was: Option<&StoredConnection>,
    is: &StoredConnection,
    old: Option<&ConnectionId>,
) -> Option<SetUpChange> {
    let connection = is.id.clone();
    let has_other_metadata = was.is_none_or(|was| differ(&was.metadata, &is.metadata));
    let Some(was) = was.filter(|was| was.state == is.state) else {
        return match (is.state, old) {
            (ConnectionState::Active, Some(old)) => {
                Some(SetUpChange::Replaced { old: old.clone(), new: connection })
            }
            (ConnectionState::Active, None) => Some(SetUpChange::Activated { connection }),
            (ConnectionState::Draft, _) if has_other_metadata => Some(SetUpChange::Drafted { connection }),
            _ => None,
        };
    };
    let staged = was.staged.as_ref();
    match is.state {
        ConnectionState::Draft if has_other_metadata => Some(SetUpChange::Drafted { connection }),
        ConnectionState::Active if staged == Some(&is.metadata) => {
            Some(SetUpChange::MetadataApproved { connection })
        }
        ConnectionState::Active if has_other_metadata => Some(SetUpChange::MetadataRenewed { connection }),
        ConnectionState::Active if staged.is_some() && is.staged.is_none() && is.refused != was.refused => {
            Some(SetUpChange::MetadataRefused { connection })
        }
        _ => None,
    }
}

/// Returns whether metadata is another document or comes from another place.
fn differ(one: &ConnectionMetadata, other: &ConnectionMetadata) -> bool {
    one.document != other.document || one.source != other.source
}
