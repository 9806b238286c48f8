//! The reasons why a login or a conversion is refused.

use chrono::{DateTime, Utc};
use vouchsafe_assertion::ConnectionId;
use vouchsafe_crypto::CryptoError;

use crate::{AddressError, Domain, plan_refusal_words::listed, text::Shown};

/// The reason why a login is refused or an organization cannot be converted.
///
/// Text from a message or from a customer is escaped and shortened. No variant contains a token or an e-mail address.
///
/// ```
/// # use vouchsafe_provisioning::{LoginFacts, Organization, OrganizationId, Policy, Snapshot};
/// # use vouchsafe_assertion::ConnectionId;
/// # use vouchsafe_metadata::EntityId;
/// # let now = "2026-01-15T09:00:00Z".parse()?;
/// let snapshot = Snapshot::new(Organization::new(OrganizationId::new("1"), "acme", "Acme"));
/// let (connection, issuer) = (ConnectionId::new("acme")?, EntityId::new("http://www.okta.com/exk1")?);
/// let login = LoginFacts::new(connection, issuer, "ada@example.com", now);
/// let refused = Policy::default().plan(login, &snapshot).unwrap_err();
/// assert_eq!(refused.code(), "provisioning.not_converted");
/// println!("{refused}\n{}", refused.hint());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanRefusal {
    /// The organization's plan does not include SAML SSO.
    #[error("the plan of the organization {} does not include SAML SSO", Shown(organization))]
    #[non_exhaustive]
    NotEntitled {
        /// The organization's name.
        organization: String,
    },
    /// The organization is a SAML organization already.
    #[error("the organization {} is converted to SAML already", Shown(organization))]
    #[non_exhaustive]
    AlreadyConverted {
        /// The organization's name.
        organization: String,
    },
    /// The organization is not a SAML organization.
    #[error("the organization {} is not converted to SAML", Shown(organization))]
    #[non_exhaustive]
    NotConverted {
        /// The organization's name.
        organization: String,
    },
    /// The token belongs to an organization with another identity provider than the one that signed.
    #[error(
        "the organization {} signs in through {}, but the assertion was signed by {}",
        Shown(organization),
        Shown(expected),
        Shown(actual)
    )]
    #[non_exhaustive]
    OrganizationMismatch {
        /// The organization's name.
        organization: String,
        /// entityID of its identity provider.
        expected: String,
        /// entityID of the identity provider that signed.
        actual: String,
    },
    /// The login came over a connection that does not belong to the organization.
    #[error("nobody signs in to the organization {} over the connection {connection}", Shown(organization))]
    #[non_exhaustive]
    OtherConnection {
        /// The organization's name.
        organization: String,
        /// The connection.
        connection: ConnectionId,
    },
    /// The state of the connection does not allow the operation.
    #[error("the connection {connection} is {state} and cannot be {wanted}")]
    #[non_exhaustive]
    ConnectionState {
        /// The connection.
        connection: ConnectionId,
        /// Its state.
        state: &'static str,
        /// The operation.
        wanted: &'static str,
    },
    /// The connection is the only one over which people sign in.
    #[error(
        "people sign in to the organization {} over no other connection than {connection}",
        Shown(organization)
    )]
    #[non_exhaustive]
    LastConnection {
        /// The organization's name.
        organization: String,
        /// The connection.
        connection: ConnectionId,
    },
    /// The assertion has no token.
    #[error("the assertion has no attribute {} with the organization's token", Shown(attribute))]
    #[non_exhaustive]
    TokenMissing {
        /// Name of the attribute.
        attribute: String,
    },
    /// The assertion has more than one token.
    #[error("the attribute {} has more than one value: which organization is meant?", Shown(attribute))]
    #[non_exhaustive]
    TokenAmbiguous {
        /// Name of the attribute.
        attribute: String,
    },
    /// The token does not belong to the organization.
    #[error("the token in the assertion is not one of the organization {}", Shown(organization))]
    #[non_exhaustive]
    TokenUnknown {
        /// The organization's name.
        organization: String,
    },
    /// The token was revoked.
    #[error("the token {token} of the organization {} was revoked", Shown(organization))]
    #[non_exhaustive]
    TokenRevoked {
        /// The organization's name.
        organization: String,
        /// The record's id, which is not the token.
        token: String,
    },
    /// The token was rotated, and the overlap has ended.
    #[error(
        "the token {token} of the organization {} was replaced and stopped working at {expired_at}",
        Shown(organization)
    )]
    #[non_exhaustive]
    TokenExpired {
        /// The organization's name.
        organization: String,
        /// The record's id, which is not the token.
        token: String,
        /// When it stopped working.
        expired_at: DateTime<Utc>,
    },
    /// The NameID is valid for one session only, so it cannot identify an account.
    #[error("the NameID is transient: it names the person for one session only")]
    #[non_exhaustive]
    SubjectTransient {},
    /// The login does not identify the person.
    #[error("the assertion names nobody: no single value in {}", Shown(source_name))]
    #[non_exhaustive]
    SubjectMissing {
        /// The NameID, or the attribute that the policy chose.
        source_name: String,
    },
    /// The value that identifies the person is longer than the limit.
    #[error("what names the person has a part of more than {longest} characters: {}", Shown(source_name))]
    #[non_exhaustive]
    SubjectTooLong {
        /// The NameID, or the attribute that the policy chose.
        source_name: String,
        /// The most characters of a part.
        longest: usize,
    },
    /// The account is suspended.
    #[error("the account {account} is suspended")]
    #[non_exhaustive]
    AccountSuspended {
        /// The account's id.
        account: String,
    },
    /// Sign-ins do not create accounts.
    #[error("there is no account for this person, and the policy creates none at sign-in")]
    #[non_exhaustive]
    CreationOff {},
    /// The e-mail address has a domain that the organization does not admit.
    #[error(
        "the domain {domain} of the e-mail address is not one of those that the organization admits: {}",
        listed(allowed)
    )]
    #[non_exhaustive]
    DomainNotAllowed {
        /// The domain of the e-mail address that came.
        domain: Domain,
        /// The domains that are admitted.
        allowed: Vec<Domain>,
    },
    /// The e-mail address has a domain that another organization has verified.
    #[error("the domain {domain} of the e-mail address was verified by another organization")]
    #[non_exhaustive]
    DomainOfAnother {
        /// The domain of the e-mail address that came.
        domain: Domain,
    },
    /// All seats of the organization's plan are taken.
    #[error("all {limit} seats of the organization {} are taken", Shown(organization))]
    #[non_exhaustive]
    SeatLimit {
        /// The organization's name.
        organization: String,
        /// The seats of its plan.
        limit: u32,
    },
    /// A required attribute is missing.
    #[error("the assertion has no attribute {} with the person's {field}", Shown(attribute))]
    #[non_exhaustive]
    AttributeMissing {
        /// What the attribute is for.
        field: &'static str,
        /// Its name.
        attribute: String,
    },
    /// An attribute that must have one value has several.
    #[error("the attribute {} with the person's {field} has more than one value", Shown(attribute))]
    #[non_exhaustive]
    AttributeAmbiguous {
        /// What the attribute is for.
        field: &'static str,
        /// Its name.
        attribute: String,
    },
    /// The value for the e-mail address is not an e-mail address.
    #[error(transparent)]
    #[non_exhaustive]
    EmailInvalid {
        /// The reason.
        source: AddressError,
    },
    /// Another account has the e-mail address and may not be linked to this person.
    #[error(
        "the account {account} has the person's e-mail address already, and may not be linked to them: {reason}"
    )]
    #[non_exhaustive]
    EmailTaken {
        /// The account's id.
        account: String,
        /// The reason.
        reason: &'static str,
    },
    /// The person already signs in to another account than the one that is to be linked.
    #[error("this person signs in to the account {account} already")]
    #[non_exhaustive]
    IdentityTaken {
        /// Id of that account.
        account: String,
    },
    /// No account has this name over the connection.
    #[error("no account signs in by this name over the connection {connection}")]
    #[non_exhaustive]
    IdentityUnknown {
        /// The connection.
        connection: String,
    },
    /// The session in which the person asked for the link has ended.
    #[error("the session in which the link of the account {} was asked for is over", Shown(account))]
    #[non_exhaustive]
    LinkSessionEnded {
        /// Id of the account that was to be linked.
        account: String,
    },
    /// The account to be linked is not in the organization.
    #[error("the organization {} has no account {}", Shown(organization), Shown(account))]
    #[non_exhaustive]
    AccountUnknown {
        /// The organization's name.
        organization: String,
        /// The account's id that was given.
        account: String,
    },
    /// The team is not in the organization.
    #[error("the organization {} has no team {}", Shown(organization), Shown(team))]
    #[non_exhaustive]
    TeamUnknown {
        /// The organization's name.
        organization: String,
        /// The team's id that was given.
        team: String,
    },
    /// The organization would have no active owner.
    #[error("the account is the last active owner of the organization {}", Shown(organization))]
    #[non_exhaustive]
    LastOwner {
        /// The organization's name.
        organization: String,
    },
    /// By SCIM alone, the organization would have no break-glass account that can be used.
    #[error(
        "the account is the last break-glass account of the organization {} that can be used",
        Shown(organization)
    )]
    #[non_exhaustive]
    LastBreakGlass {
        /// The organization's name.
        organization: String,
    },
    /// A default team does not exist.
    #[error("the default team {} does not exist", Shown(team))]
    #[non_exhaustive]
    DefaultTeamMissing {
        /// Its name in the policy.
        team: String,
    },
    /// A default project does not exist.
    #[error("the default project {} does not exist", Shown(project))]
    #[non_exhaustive]
    DefaultProjectMissing {
        /// Its name in the policy.
        project: String,
    },
    /// The account waits for approval.
    #[error("the account {account} waits for approval")]
    #[non_exhaustive]
    ApprovalPending {
        /// The account's id.
        account: String,
    },
    /// Only SCIM creates accounts.
    #[error("there is no account for this person, and the policy lets only SCIM create one")]
    #[non_exhaustive]
    ScimOnly {},
    /// The person is in a blocked group.
    #[error("the group {} is one of those whose people are not admitted", Shown(group))]
    #[non_exhaustive]
    GroupBlocked {
        /// The group.
        group: String,
    },
    /// The person is in none of the required groups.
    #[error(
        "the person is in none of the groups whose people are admitted: {}",
        required.iter().map(|group| Shown(group).to_string()).collect::<Vec<_>>().join(", ")
    )]
    #[non_exhaustive]
    GroupRequired {
        /// The groups.
        required: Vec<String>,
    },
    /// The plan would end more memberships and roles than the policy allows at once.
    #[error(
        "{removals} memberships and roles would end or be lowered at once, and the policy allows {limit}"
    )]
    #[non_exhaustive]
    TooManyRemovals {
        /// How many would end or be lowered.
        removals: usize,
        /// How many may end or be lowered.
        limit: usize,
    },
    /// The e-mail address has a domain that the organization has not verified.
    #[error(
        "the domain {domain} of the e-mail address is not one that the organization has verified: {}",
        listed(verified)
    )]
    #[non_exhaustive]
    DomainNotVerified {
        /// The domain of the e-mail address that came.
        domain: Domain,
        /// The domains that are verified.
        verified: Vec<Domain>,
    },
    /// The identity provider already has a person of this name or id.
    #[error("the account {account} is known by SCIM under that userName or externalId already")]
    #[non_exhaustive]
    ScimUserExists {
        /// Id of that account.
        account: String,
    },
    /// SCIM gave the account to this person, and a sign-in may not link it.
    #[error("SCIM gave the account {account} to this person, who may not be linked to it: {reason}")]
    #[non_exhaustive]
    ScimAccountTaken {
        /// Id of the account.
        account: String,
        /// The reason.
        reason: &'static str,
    },
    /// A person signs in for the first time, the identity provider says that there are more groups than it sends, and some
    /// groups are blocked.
    #[error("the identity provider did not send the person's groups, which may be one of those that are blocked: {}", blocked.join(", "))]
    #[non_exhaustive]
    GroupsNotSent {
        /// The blocked groups.
        blocked: Vec<String>,
    },
    /// A connection takes over the people of another, and SCIM alone may not give it this account.
    #[error(
        "the account {account} belongs to a person of the connection that is taken over, and SCIM does not give it away without \
         a sign-in: {reason}"
    )]
    #[non_exhaustive]
    ScimTakeoverRefused {
        /// The account's id.
        account: String,
        /// The reason.
        reason: &'static str,
    },
    /// The identity provider of the connection may not change the account.
    #[error("the account {account} is not managed over the connection {connection}: {reason}")]
    #[non_exhaustive]
    ScimNotManaged {
        /// The account's id.
        account: String,
        /// The connection.
        connection: ConnectionId,
        /// The reason.
        reason: &'static str,
    },
    /// The organization has no such SCIM group over the connection.
    #[error("the connection {connection} has no SCIM group {}", Shown(group))]
    #[non_exhaustive]
    GroupUnknown {
        /// The connection.
        connection: ConnectionId,
        /// The group's id that was given.
        group: String,
    },
    /// The name of a SCIM group is not valid, or another group of the connection has it.
    #[error("a SCIM group of the connection {connection} cannot be called {}: {reason}", Shown(name))]
    #[non_exhaustive]
    GroupName {
        /// The connection.
        connection: ConnectionId,
        /// The name.
        name: String,
        /// The reason.
        reason: &'static str,
    },
    /// The policy does not allow a password for the account.
    #[error("the account {account} may not be entered with a password: {reason}")]
    #[non_exhaustive]
    PasswordRefused {
        /// The account's id.
        account: String,
        /// The reason.
        reason: &'static str,
    },
    /// People of a SAML organization come from its identity provider.
    #[error(
        "nobody is invited to the organization {}: its people come from its identity provider",
        Shown(organization)
    )]
    #[non_exhaustive]
    InvitationRefused {
        /// The organization's name.
        organization: String,
    },
    /// Passwords would be refused while nobody can sign in without one.
    #[error(
        "passwords cannot be refused in the organization {}: no owner has signed in over its connection yet, and no break-glass account is named",
        Shown(organization)
    )]
    #[non_exhaustive]
    EnforcementUntested {
        /// The organization's name.
        organization: String,
    },
    /// No account has the address of a break-glass account of the policy.
    #[error(
        "enforcement.break_glass[{place}] of the policy is not an account of the organization {}",
        Shown(organization)
    )]
    #[non_exhaustive]
    BreakGlassUnknown {
        /// The organization's name.
        organization: String,
        /// Which address of the list, from 0.
        place: usize,
    },
    /// The domain is verified, so the request for it cannot be taken back.
    #[error("the domain {domain} is verified, and a request for it is not taken back any more")]
    #[non_exhaustive]
    DomainVerified {
        /// The domain.
        domain: Domain,
    },
    /// The organization has too many valid tokens.
    #[error("the organization {organization} has {most} valid tokens already, and no more are issued")]
    #[non_exhaustive]
    TokenLimit {
        /// The organization's name.
        organization: String,
        /// The most valid tokens.
        most: usize,
    },
    /// No value was issued for the domain, or its DNS records do not have the value.
    #[error("the domain {domain} is not verified: {reason}")]
    #[non_exhaustive]
    DomainChallenge {
        /// The domain.
        domain: Domain,
        /// The reason.
        reason: &'static str,
    },
    /// The provider of cryptography failed.
    #[error("the token could not be made or hashed")]
    #[non_exhaustive]
    Cryptography {
        /// What it answered.
        source: CryptoError,
    },
}
