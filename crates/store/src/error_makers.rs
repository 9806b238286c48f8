//! The errors that stores report, one function for each. Stores of your own use them too.

use std::error::Error;

use vouchsafe::{
    ConnectionId, Explain,
    crypto::CryptoError,
    provisioning::{AccountId, AddressError, OrganizationId, PlanRefusal, PolicyError},
};

use crate::error::StoreError;

impl StoreError {
    /// For stores of your own: the driver, the database or the service under the store answered with this error.
    ///
    /// ```
    /// use vouchsafe_store::StoreError;
    ///
    /// let failure = StoreError::backend(std::io::Error::other("the disk is full"));
    /// assert_eq!(failure.code(), "store.backend");
    /// assert!(failure.is_outage());
    /// ```
    pub fn backend(source: impl Error + Send + Sync + 'static) -> Self {
        Self::Backend { source: Box::new(source) }
    }

    /// For stores of your own: the store cannot be reached, or does not answer in time.
    pub fn unavailable(source: impl Error + Send + Sync + 'static) -> Self {
        Self::Unavailable { source: Box::new(source) }
    }

    /// For stores of your own: another change holds what this one needs, and did not end in time.
    ///
    /// ```
    /// use vouchsafe_store::StoreError;
    ///
    /// let failure = StoreError::busy(std::io::Error::from(std::io::ErrorKind::TimedOut));
    /// assert_eq!(failure.code(), "store.busy");
    /// assert!(failure.is_outage(), "503: the same again succeeds later");
    /// ```
    pub fn busy(source: impl Error + Send + Sync + 'static) -> Self {
        Self::Busy { source: Box::new(source) }
    }

    /// For stores of your own: the organization is not at the version that was expected.
    #[must_use]
    pub fn conflict(organization: OrganizationId, expected: u64, actual: u64) -> Self {
        Self::Conflict { organization, expected, actual }
    }

    /// For stores of your own: the connection is not at the revision that was expected.
    #[must_use]
    pub fn connection_conflict(connection: ConnectionId, expected: u64, actual: u64) -> Self {
        Self::ConnectionConflict { connection, expected, actual }
    }

    /// For stores of your own: a set-up link is not at the revision that it was read at.
    #[must_use]
    pub fn set_up_link_conflict() -> Self {
        Self::SetUpLinkConflict {}
    }

    /// For stores of your own: there is no set-up link of this name.
    #[must_use]
    pub fn set_up_link_unknown() -> Self {
        Self::SetUpLinkUnknown {}
    }

    /// For stores of your own: the token of a SCIM request is no longer valid when the request is decided.
    #[must_use]
    pub fn scim_token_invalid() -> Self {
        Self::ScimTokenInvalid {}
    }

    /// For stores of your own: a SCIM resource is not at the revision that it was read at.
    #[must_use]
    pub fn scim_conflict() -> Self {
        Self::ScimConflict {}
    }

    /// For stores of your own: there is no such connection.
    #[must_use]
    pub fn connection_unknown(connection: &ConnectionId) -> Self {
        Self::ConnectionUnknown { connection: connection.clone() }
    }

    /// For stores of your own: the connection is retired, and gets nothing new.
    #[must_use]
    pub fn connection_retired(connection: &ConnectionId) -> Self {
        Self::ConnectionRetired { connection: connection.clone() }
    }

    /// The metadata that was to be approved does not wait for approval.
    #[must_use]
    pub fn not_staged(connection: ConnectionId) -> Self {
        Self::NotStaged { connection }
    }

    /// The metadata whose refusal should end is not refused.
    #[must_use]
    pub fn not_refused(connection: ConnectionId) -> Self {
        Self::NotRefused { connection }
    }

    /// The policy is not the one that was read.
    #[must_use]
    pub fn policy_conflict(organization: OrganizationId) -> Self {
        Self::PolicyConflict { organization }
    }

    /// An owner or the operator refused the metadata whose refusal should end.
    #[must_use]
    pub fn refused_by_owner(connection: ConnectionId) -> Self {
        Self::RefusedByOwner { connection }
    }

    /// For stores of your own: what was to be changed of a connection never changes.
    #[must_use]
    pub fn connection_fixed(connection: ConnectionId, what: &'static str) -> Self {
        Self::ConnectionFixed { connection, what }
    }

    /// The stored connection cannot be used, and why.
    pub fn connection_unusable(connection: ConnectionId, reason: &dyn Explain) -> Self {
        Self::ConnectionUnusable {
            connection,
            code: reason.code(),
            reason: reason.to_string(),
            hint: reason.hint(),
        }
    }

    /// For stores of your own: a name that must be unique is taken. `what` names the kind of thing, never whose it is.
    #[must_use]
    pub fn taken(what: &'static str) -> Self {
        Self::Taken { what }
    }

    /// For stores of your own: no organization has the login's token or its connection.
    #[must_use]
    pub fn no_organization_for(connection: &ConnectionId) -> Self {
        Self::NoOrganizationFor { connection: connection.clone() }
    }

    /// For stores of your own: a session is wanted for an account that is suspended.
    #[must_use]
    pub fn account_suspended(account: AccountId) -> Self {
        Self::AccountSuspended { account }
    }

    /// For stores of your own: a verified domain of an organization is no domain.
    #[must_use]
    pub fn domain_invalid(organization: OrganizationId, source: AddressError) -> Self {
        Self::DomainInvalid { organization, source }
    }

    /// For stores of your own: the stored policy cannot be read.
    #[must_use]
    pub fn policy(organization: OrganizationId, source: PolicyError) -> Self {
        Self::Policy { organization, source }
    }

    /// The organization may not have this policy: what [`Policy::may_be_set`](vouchsafe::provisioning::Policy::may_be_set) says.
    #[must_use]
    pub fn policy_refused(organization: OrganizationId, source: PlanRefusal) -> Self {
        Self::PolicyRefused { organization, source }
    }

    /// For stores of your own: there is no such organization.
    #[must_use]
    pub fn organization_unknown(organization: &OrganizationId) -> Self {
        Self::OrganizationUnknown { organization: organization.clone() }
    }

    /// For stores of your own: what is stored cannot be read. The reason must not repeat what is stored: it may be personal.
    pub fn damaged(what: &'static str, reason: impl ToString) -> Self {
        Self::Damaged { what, reason: reason.to_string() }
    }

    pub(crate) fn address(reason: &'static str) -> Self {
        Self::Address { reason }
    }

    pub(crate) fn cryptography(source: CryptoError) -> Self {
        Self::Cryptography { source }
    }
}
