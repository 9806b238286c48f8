//! What can go wrong in a store.

use std::error::Error;

use vouchsafe::{
    ConnectionId, Explain,
    crypto::CryptoError,
    provisioning::{AccountId, AddressError, OrganizationId, PlanRefusal, PolicyError},
};

/// An error of a store. No variant contains a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The organization's own record or its policy was changed by somebody else since it was read. Sign-ins do not
    /// cause this.
    #[error(
        "the organization {organization} was changed meanwhile: version {expected} was read, it is now {actual}"
    )]
    #[non_exhaustive]
    Conflict {
        /// The organization.
        organization: OrganizationId,
        /// The version that was read.
        expected: u64,
        /// The version in the store.
        actual: u64,
    },
    /// The policy was changed by somebody else since it was read.
    #[error("the policy of the organization {organization} was changed meanwhile")]
    #[non_exhaustive]
    PolicyConflict {
        /// The organization.
        organization: OrganizationId,
    },
    /// The connection was changed by somebody else since it was read.
    #[error(
        "the connection {connection} was changed meanwhile: revision {expected} was read, it is now {actual}"
    )]
    #[non_exhaustive]
    ConnectionConflict {
        /// The connection.
        connection: ConnectionId,
        /// The revision that was read.
        expected: u64,
        /// The revision in the store.
        actual: u64,
    },
    /// There is no such connection.
    #[error("there is no connection {connection}")]
    #[non_exhaustive]
    ConnectionUnknown {
        /// Its id.
        connection: ConnectionId,
    },
    /// A change would alter something that is fixed for a connection.
    #[error("the {what} of the connection {connection} cannot be changed")]
    #[non_exhaustive]
    ConnectionFixed {
        /// The connection.
        connection: ConnectionId,
        /// What was to be changed.
        what: &'static str,
    },
    /// The metadata to approve does not wait for approval, or no longer does.
    #[error("the connection {connection} has no such metadata that waits for approval")]
    #[non_exhaustive]
    NotStaged {
        /// The connection.
        connection: ConnectionId,
    },
    /// The metadata whose refusal should end is not refused.
    #[error("no such metadata of the connection {connection} is refused")]
    #[non_exhaustive]
    NotRefused {
        /// The connection.
        connection: ConnectionId,
    },
    /// An owner or the operator refused the metadata, and a set-up link does not end that.
    #[error(
        "an owner or the operator refused this metadata of the connection {connection}, and a set-up link does not end the refusal"
    )]
    #[non_exhaustive]
    RefusedByOwner {
        /// The connection.
        connection: ConnectionId,
    },
    /// An organization would have more connections or more metadata than a store keeps for one organization.
    #[error("the organization {organization} would have {wanted} {what}; at most {most} are kept")]
    #[non_exhaustive]
    ConnectionLimit {
        /// The organization.
        organization: OrganizationId,
        /// What is too much.
        what: &'static str,
        /// The amount that was asked for.
        wanted: usize,
        /// The most that is kept.
        most: usize,
    },
    /// A stored connection cannot be used, for example because of its metadata. Other connections still work.
    #[error("the connection {connection} cannot be used: {reason}")]
    #[non_exhaustive]
    ConnectionUnusable {
        /// The connection.
        connection: ConnectionId,
        /// The code of the reason.
        code: &'static str,
        /// What is wrong with it.
        reason: String,
        /// What to change.
        hint: &'static str,
    },
    /// No organization has the login's token or its connection.
    #[error("no organization signs in over the connection {connection}, and none has the token that came")]
    #[non_exhaustive]
    NoOrganizationFor {
        /// The connection.
        connection: ConnectionId,
    },
    /// There is no such organization.
    #[error("there is no organization {organization}")]
    #[non_exhaustive]
    OrganizationUnknown {
        /// Its id.
        organization: OrganizationId,
    },
    /// A name that must be unique is already used.
    #[error("{what} is taken already")]
    #[non_exhaustive]
    Taken {
        /// What is unique.
        what: &'static str,
    },
    /// A verified domain of an organization is not a valid domain.
    #[error("a verified domain of the organization {organization} cannot be used: {source}")]
    #[non_exhaustive]
    DomainInvalid {
        /// The organization.
        organization: OrganizationId,
        /// Why not.
        source: AddressError,
    },
    /// A session was asked for, and the account is suspended.
    #[error("the account {account} is suspended")]
    #[non_exhaustive]
    AccountSuspended {
        /// Its id.
        account: AccountId,
    },
    /// A SCIM token was asked for, and the connection is retired.
    #[error("the connection {connection} is retired")]
    #[non_exhaustive]
    ConnectionRetired {
        /// Its id.
        connection: ConnectionId,
    },
    /// The token of a SCIM request was revoked, has expired or is unknown when the request is decided.
    #[error("the token of the SCIM request is no longer valid")]
    #[non_exhaustive]
    ScimTokenInvalid {},
    /// A SCIM resource was changed, created or deleted since it was read.
    #[error("the SCIM resource was changed meanwhile")]
    #[non_exhaustive]
    ScimConflict {},
    /// A set-up link was changed since it was read.
    #[error("the set-up link was changed meanwhile")]
    #[non_exhaustive]
    SetUpLinkConflict {},
    /// There is no such set-up link.
    #[error("there is no such set-up link")]
    #[non_exhaustive]
    SetUpLinkUnknown {},
    /// The stored policy cannot be parsed any more.
    #[error("the policy of the organization {organization} cannot be read: {source}")]
    #[non_exhaustive]
    Policy {
        /// The organization.
        organization: OrganizationId,
        /// What is wrong, and where.
        source: PolicyError,
    },
    /// The organization may not have this policy.
    #[error("the organization {organization} cannot have this policy: {source}")]
    #[non_exhaustive]
    PolicyRefused {
        /// The organization.
        organization: OrganizationId,
        /// Why not.
        source: PlanRefusal,
    },
    /// A stored value cannot be parsed any more.
    #[error("the stored {what} cannot be read: {reason}")]
    #[non_exhaustive]
    Damaged {
        /// What was being read.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The cryptography provider failed.
    #[error("an identifier could not be made or hashed")]
    #[non_exhaustive]
    Cryptography {
        /// What it answered.
        source: CryptoError,
    },
    /// The database, file or service under the store answered with an error.
    #[error("the store failed: {source}")]
    #[non_exhaustive]
    Backend {
        /// What it answered.
        source: Source,
    },
    /// Another change held a lock that this one needs for too long. Nothing was changed.
    #[error("another change took too long, and this one waited for it: {source}")]
    #[non_exhaustive]
    Busy {
        /// The error of the database.
        source: Source,
    },
    /// The store cannot be reached, or did not answer in time.
    #[error("the store cannot be reached: {source}")]
    #[non_exhaustive]
    Unavailable {
        /// What was tried.
        source: Source,
    },
    /// The address of a store is not valid. The address is not repeated here, since it may contain a password.
    #[error("the store's address cannot be used: {reason}")]
    #[non_exhaustive]
    Address {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The store's tables could not be created or migrated.
    #[error("the store's tables could not be made or brought up to date: {source}")]
    #[non_exhaustive]
    Migration {
        /// What went wrong.
        source: Source,
    },
}

/// The cause of a failure: the error of a driver, whose type is not part of this crate's interface.
type Source = Box<dyn Error + Send + Sync + 'static>;

impl StoreError {
    /// A stable word for logs, metrics and tests.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Conflict { .. } => "store.conflict",
            Self::PolicyConflict { .. } => "store.policy_conflict",
            Self::ConnectionConflict { .. } => "store.connection_conflict",
            Self::ConnectionUnknown { .. } => "store.connection_unknown",
            Self::ConnectionFixed { .. } => "store.connection_fixed",
            Self::NotStaged { .. } => "store.not_staged",
            Self::NotRefused { .. } => "store.not_refused",
            Self::RefusedByOwner { .. } => "store.refused_by_owner",
            Self::ConnectionLimit { .. } => "store.connection_limit",
            Self::ConnectionUnusable { code, .. } => code,
            Self::NoOrganizationFor { .. } => "store.no_organization",
            Self::OrganizationUnknown { .. } => "store.organization_unknown",
            Self::Taken { .. } => "store.taken",
            Self::DomainInvalid { source, .. } => source.code(),
            Self::AccountSuspended { .. } => "store.account_suspended",
            Self::ConnectionRetired { .. } => "store.connection_retired",
            Self::ScimTokenInvalid { .. } => "store.scim_token_invalid",
            Self::ScimConflict { .. } => "store.scim_conflict",
            Self::SetUpLinkConflict { .. } => "store.set_up_link_conflict",
            Self::SetUpLinkUnknown { .. } => "store.set_up_link_unknown",
            Self::Policy { .. } => "store.policy",
            Self::PolicyRefused { source, .. } => source.code(),
            Self::Damaged { .. } => "store.damaged",
            Self::Cryptography { source } => source.code(),
            Self::Backend { .. } => "store.backend",
            Self::Busy { .. } => "store.busy",
            Self::Unavailable { .. } => "store.unavailable",
            Self::Address { .. } => "store.address",
            Self::Migration { .. } => "store.migration",
        }
    }

    /// What the operator should change.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Conflict { .. } => {
                "Somebody else saved a change first: read the organization again and repeat yours."
            }
            Self::PolicyConflict { .. } => {
                "Somebody else saved a policy first: read it again and repeat your change."
            }
            Self::ConnectionConflict { .. } => {
                "Somebody else saved a change first: read the connection again and repeat yours."
            }
            Self::ConnectionUnknown { .. } => "Add the connection first.",
            Self::ConnectionFixed { .. } => {
                "Make another connection, try it out, and replace this one by it. A retired connection stays retired."
            }
            Self::NotStaged { .. } => {
                "Look at the connection again: the identity provider gives other metadata now, or somebody has approved or refused it already."
            }
            Self::NotRefused { .. } => {
                "Look at the connection again: somebody has ended the refusal already."
            }
            Self::RefusedByOwner { .. } => {
                "Ask an owner of the organization, or the operator of the service, to end the refusal."
            }
            Self::ConnectionLimit { .. } => {
                "Retire drafts that are not needed, or give the metadata of the one identity provider instead of a federation's. \
                 Retired connections count too: if a set-up link has reached its limit, let an owner or the operator add the \
                 connection."
            }
            Self::ConnectionUnusable { hint, .. } => hint,
            Self::NoOrganizationFor { .. } => {
                "Convert the organization to SAML, with this connection among its connections, and paste its token into the app's \
                 attribute statement token."
            }
            Self::OrganizationUnknown { .. } => "Add the organization first.",
            Self::Taken { .. } => "Choose another, or change the one that has it.",
            Self::DomainInvalid { source, .. } => source.hint(),
            Self::AccountSuspended { .. } => "Reactivate the account in the organization's members.",
            Self::ConnectionRetired { .. } => "Issue the token for the connection that took its place.",
            Self::ScimTokenInvalid { .. } => {
                "Issue a SCIM token on the SCIM page and paste it into the provisioning settings of the identity provider."
            }
            Self::ScimConflict { .. } => "Read the resource again and repeat the change.",
            Self::SetUpLinkConflict { .. } => "Open the link again and repeat the step.",
            Self::SetUpLinkUnknown { .. } => "Issue another link.",
            Self::Policy { .. } => "Correct the stored policy at that place.",
            Self::PolicyRefused { source, .. } => source.hint(),
            Self::Damaged { .. } => {
                "Something else wrote to the database, or an older version of this software reads it."
            }
            Self::Cryptography { source } => source.hint(),
            Self::Backend { .. } => "Look at the source of the error: disk space, permissions.",
            Self::Busy { .. } => {
                "Nothing was changed, and the same again succeeds when the other change has ended. If it goes on, look for a process that hangs in \
                 the middle of a transaction, or for one change that is very large."
            }
            Self::Unavailable { .. } => {
                "Check that the database is running and can be reached. Nothing was changed; the person tries again."
            }
            Self::Address { .. } => {
                "Give one such as postgres://user:password@host/database, sqlite:///path/to/file or memory."
            }
            Self::Migration { .. } => {
                "Check that this is a database of Vouchsafe whose tables a release made, and that the account may create tables."
            }
        }
    }

    /// A constant sentence that the person at the browser may see.
    #[must_use]
    pub fn public_message(&self) -> &'static str {
        "You could not be signed in. Please ask your administrator."
    }

    /// Whether the operation can succeed if it is repeated with the organization or connection as it is now.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(
            self,
            Self::Conflict { .. }
                | Self::ConnectionConflict { .. }
                | Self::ScimConflict { .. }
                | Self::SetUpLinkConflict { .. }
        )
    }

    /// Whether the store is not working, so that it is unknown whether somebody is signed in. A web service answers
    /// 503. Every other error is about the request itself.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        matches!(
            self,
            Self::Backend { .. }
                | Self::Busy { .. }
                | Self::Unavailable { .. }
                | Self::Migration { .. }
                | Self::Damaged { .. }
                | Self::Cryptography { .. }
        )
    }
}

impl Explain for StoreError {
    fn code(&self) -> &'static str {
        self.code()
    }

    fn hint(&self) -> &'static str {
        self.hint()
    }

    fn public_message(&self) -> &'static str {
        self.public_message()
    }
}
