//! The bearer tokens with which identity providers call the SCIM service.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use vouchsafe::{
    ConnectionId, ConnectionState,
    provisioning::{Organization, OrganizationId, TokenHash, TokenRecord},
};

use crate::StoreError;

/// The stored record of a bearer token. The token itself is an
/// [`OrganizationToken`](vouchsafe::provisioning::OrganizationToken): 256 random bits that are shown once.
///
/// ```
/// use vouchsafe::{ConnectionId, Provider, provisioning::OrganizationToken};
/// use vouchsafe_store::ScimToken;
///
/// let (provider, now) = (Provider::rustcrypto(), "2026-01-15T09:00:00Z".parse()?);
/// let token = OrganizationToken::issue(&provider)?;
/// let stored = ScimToken::new(token.hash(&provider)?, "acme".into(), ConnectionId::new("acme-okta")?, now);
/// assert!(stored.record.works_at(now));
/// println!("Paste this into Okta: {}", token.reveal());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ScimToken {
    /// The organization that it belongs to.
    pub organization: OrganizationId,
    /// The connection whose people and groups it may push.
    pub connection: ConnectionId,
    /// The hash, and the times from and until which it is valid.
    pub record: TokenRecord,
    /// When it was last used; written at most once a minute.
    #[serde(default)]
    pub last_used_at: Option<DateTime<Utc>>,
}

impl ScimToken {
    /// The record of a token that was just issued.
    #[must_use]
    pub fn new(
        hash: TokenHash,
        organization: OrganizationId,
        connection: ConnectionId,
        issued_at: DateTime<Utc>,
    ) -> Self {
        Self { organization, connection, record: TokenRecord::new(hash, issued_at), last_used_at: None }
    }

    /// The same token with an expiry time.
    #[must_use]
    pub fn expiring_at(mut self, end: DateTime<Utc>) -> Self {
        self.record.expires_at = Some(end);
        self
    }

    /// Its name for people and logs: the first digits of the hash.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.record.id
    }

    /// For stores: whether the token may be stored: its connection is one of its organization's, and not retired.
    /// `stored` is the owner and the state of the stored connection; `None` if no connection of that id is stored, and
    /// then the organization must sign in over it.
    ///
    /// # Errors
    /// [`StoreError::ConnectionUnknown`] if the connection is not one of the organization's, and
    /// [`StoreError::ConnectionRetired`].
    pub fn may_be_added(
        &self,
        organization: &Organization,
        stored: Option<(&OrganizationId, ConnectionState)>,
    ) -> Result<(), StoreError> {
        let is_theirs = match stored {
            Some((owner, _)) => *owner == organization.id,
            None => organization.signs_in_over(&self.connection),
        };
        match stored {
            _ if !is_theirs => Err(StoreError::connection_unknown(&self.connection)),
            Some((_, ConnectionState::Retired)) => Err(StoreError::connection_retired(&self.connection)),
            _ => Ok(()),
        }
    }

    /// The order in which stores answer tokens: oldest first.
    pub(crate) fn sort(tokens: &mut [ScimToken]) {
        tokens.sort_by(|one, other| {
            (one.record.issued_at, one.id()).cmp(&(other.record.issued_at, other.id()))
        });
    }

    /// For stores: revokes the token now, and answers whether it was not revoked before.
    pub fn revoke(&mut self, at: DateTime<Utc>) -> bool {
        let is_first = self.record.revoked_at.is_none();
        self.record.revoked_at.get_or_insert(at);
        is_first
    }

    /// For stores: the token expires at that time at the latest.
    pub fn end_by(&mut self, end: DateTime<Utc>) {
        self.record.expires_at = Some(self.record.expires_at.map_or(end, |known| known.min(end)));
    }
}
