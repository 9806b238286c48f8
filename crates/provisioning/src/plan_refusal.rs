//! Why a login or a conversion is refused.

use chrono::{DateTime, Utc};
use vouchsafe_assertion::ConnectionId;
use vouchsafe_crypto::CryptoError;

use crate::{AccountId, AddressError, Domain, text::Shown};

/// Why a login may not have what it asks for, or an organization may not be converted.
///
/// Text from a message or from a customer is shown escaped and cut; no variant has a token or an e-mail address
/// in it.
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
    /// The organization is no SAML organization.
    #[error("the organization {} is not converted to SAML", Shown(organization))]
    #[non_exhaustive]
    NotConverted {
        /// The organization's name.
        organization: String,
    },
    /// The token is of an organization whose identity provider is another one than the one that signed.
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
    /// The login came over a connection that is not the organization's.
    #[error("nobody signs in to the organization {} over the connection {connection}", Shown(organization))]
    #[non_exhaustive]
    OtherConnection {
        /// The organization's name.
        organization: String,
        /// The connection.
        connection: ConnectionId,
    },
    /// The connection is not in a state in which this can be done with it.
    #[error("the connection {connection} is {state} and cannot be {wanted}")]
    #[non_exhaustive]
    ConnectionState {
        /// The connection.
        connection: ConnectionId,
        /// Its state.
        state: &'static str,
        /// What was to be done.
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
    /// The token is not one of the organization's.
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
    /// The token was rotated out and the overlap is over.
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
    /// The NameID is good for one session only, so no account can be found by it.
    #[error("the NameID is transient: it names the person for one session only")]
    #[non_exhaustive]
    SubjectTransient {},
    /// There is nothing that names the person.
    #[error("the assertion names nobody: no single value in {}", Shown(source_name))]
    #[non_exhaustive]
    SubjectMissing {
        /// The NameID, or the attribute that the policy chose.
        source_name: String,
    },
    /// What names the person is longer than any identity provider's names are.
    #[error("what names the person has a part of more than {longest} characters: {}", Shown(source_name))]
    #[non_exhaustive]
    SubjectTooLong {
        /// The NameID, or the attribute that the policy chose.
        source_name: String,
        /// The most that a part may have.
        longest: usize,
    },
    /// The account is suspended.
    #[error("the account {account} is suspended")]
    #[non_exhaustive]
    AccountSuspended {
        /// The account's id.
        account: String,
    },
    /// New accounts are not made at sign-in.
    #[error("there is no account for this person, and the policy makes none at sign-in")]
    #[non_exhaustive]
    CreationOff {},
    /// The e-mail address is of a domain that the organization does not admit.
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
    /// The e-mail address is of a domain that another organization has verified.
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
        /// Seats of its plan.
        limit: u32,
    },
    /// An attribute that is needed did not come.
    #[error("the assertion has no attribute {} with the person's {field}", Shown(attribute))]
    #[non_exhaustive]
    AttributeMissing {
        /// What the attribute is for.
        field: &'static str,
        /// Its name.
        attribute: String,
    },
    /// An attribute that stands for one thing came with several values.
    #[error("the attribute {} with the person's {field} has more than one value", Shown(attribute))]
    #[non_exhaustive]
    AttributeAmbiguous {
        /// What the attribute is for.
        field: &'static str,
        /// Its name.
        attribute: String,
    },
    /// What came as e-mail address is none.
    #[error(transparent)]
    #[non_exhaustive]
    EmailInvalid {
        /// Why it is none.
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
        /// Why it may not be linked.
        reason: &'static str,
    },
    /// The person signs in to another account than the one that is to be linked.
    #[error("this person signs in to the account {account} already")]
    #[non_exhaustive]
    IdentityTaken {
        /// Id of that account.
        account: String,
    },
    /// The session in which the person asked for the link is over.
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
    /// The organization would be left without an active owner.
    #[error("the account is the last active owner of the organization {}", Shown(organization))]
    #[non_exhaustive]
    LastOwner {
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
    /// The provider of cryptography failed.
    #[error("the token could not be made or hashed")]
    #[non_exhaustive]
    Cryptography {
        /// What it answered.
        source: CryptoError,
    },
}

impl PlanRefusal {
    /// The connection is in a state in which this cannot be done with it.
    #[must_use]
    pub fn connection_state(connection: ConnectionId, state: &'static str, wanted: &'static str) -> Self {
        Self::ConnectionState { connection, state, wanted }
    }

    /// The session in which the link of an account was asked for is over.
    #[must_use]
    pub fn link_session_ended(account: &AccountId) -> Self {
        Self::LinkSessionEnded { account: account.to_string() }
    }

    /// A word that stays the same over versions, for logs, metrics and tests.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotEntitled { .. } => "provisioning.not_entitled",
            Self::AlreadyConverted { .. } => "provisioning.already_converted",
            Self::NotConverted { .. } => "provisioning.not_converted",
            Self::OrganizationMismatch { .. } => "provisioning.organization_mismatch",
            Self::OtherConnection { .. } => "provisioning.other_connection",
            Self::ConnectionState { .. } => "provisioning.connection_state",
            Self::LastConnection { .. } => "provisioning.last_connection",
            Self::TokenMissing { .. } => "provisioning.token_missing",
            Self::TokenAmbiguous { .. } => "provisioning.token_ambiguous",
            Self::TokenUnknown { .. } => "provisioning.token_unknown",
            Self::TokenRevoked { .. } => "provisioning.token_revoked",
            Self::TokenExpired { .. } => "provisioning.token_expired",
            Self::SubjectTransient { .. } => "provisioning.subject_transient",
            Self::SubjectMissing { .. } => "provisioning.subject_missing",
            Self::SubjectTooLong { .. } => "provisioning.subject_too_long",
            Self::AccountSuspended { .. } => "provisioning.account_suspended",
            Self::CreationOff { .. } => "provisioning.creation_off",
            Self::DomainNotAllowed { .. } => "provisioning.domain_not_allowed",
            Self::DomainOfAnother { .. } => "provisioning.domain_of_another",
            Self::SeatLimit { .. } => "provisioning.seat_limit",
            Self::AttributeMissing { .. } => "provisioning.attribute_missing",
            Self::AttributeAmbiguous { .. } => "provisioning.attribute_ambiguous",
            Self::EmailInvalid { source } => source.code(),
            Self::EmailTaken { .. } => "provisioning.email_taken",
            Self::IdentityTaken { .. } => "provisioning.identity_taken",
            Self::LinkSessionEnded { .. } => "provisioning.link_session_ended",
            Self::AccountUnknown { .. } => "provisioning.account_unknown",
            Self::TeamUnknown { .. } => "provisioning.team_unknown",
            Self::LastOwner { .. } => "provisioning.last_owner",
            Self::DefaultTeamMissing { .. } => "provisioning.default_team_missing",
            Self::DefaultProjectMissing { .. } => "provisioning.default_project_missing",
            Self::Cryptography { source } => source.code(),
        }
    }

    /// What an operator or the customer's admin changes, in the words of their consoles.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotEntitled { .. } => {
                "Add SAML SSO to the organization's plan (Enterprise, or the add-on)."
            }
            Self::AlreadyConverted { .. } => "Rotate the token instead of converting again.",
            Self::NotConverted { .. } => {
                "Convert the organization to SAML first: its admin gives the identity provider's metadata URL and \
                 gets a token."
            }
            Self::OrganizationMismatch { .. } => {
                "Each organization has an app of its own at its identity provider. Okta: set this app's attribute \
                 statement token to this organization's own token, in double quotes."
            }
            Self::OtherConnection { .. } => {
                "Add the connection to the organization's connections if it is its own. If it is another customer's, somebody there uses \
                 this organization's entity ID and token: rotate the token."
            }
            Self::ConnectionState { .. } => {
                "A draft is tested and activated, an active connection is retired, and a retired one stays retired: add another one."
            }
            Self::LastConnection { .. } => {
                "Activate another connection first, or replace this one by it. To end SAML SSO, disconnect the organization."
            }
            Self::TokenMissing { .. } => {
                "Okta: set the app's attribute statement token to the organization's token, in double quotes. Entra ID: add \
                 a claim of that name with the token as its constant value."
            }
            Self::TokenAmbiguous { .. } => {
                "Send the token once. Okta: look for a second Attribute Statement of that name."
            }
            Self::TokenUnknown { .. } => {
                "Compare the attribute statement token with the token that the service showed; when it is lost, \
                 rotate it and paste the new one."
            }
            Self::TokenRevoked { .. } | Self::TokenExpired { .. } => {
                "Okta: set the app's attribute statement token to the organization's current token, in double quotes."
            }
            Self::SubjectTransient { .. } => {
                "Okta: set Name ID format to EmailAddress or Persistent. Or choose an attribute that stays the same \
                 as identity.subject_attribute in the policy."
            }
            Self::SubjectMissing { .. } => {
                "Okta: set Application username to a field that every assigned person has."
            }
            Self::SubjectTooLong { .. } => {
                "Okta: set Application username to a field that is short and stays the same, such as user.login. Look whether the field has a \
                 list or a whole document in it."
            }
            Self::AccountSuspended { .. } => {
                "Reactivate the account in the organization's members, or unassign the person from the app at the \
                 identity provider."
            }
            Self::CreationOff { .. } => {
                "Create the account first, or set admission.create = true in the policy."
            }
            Self::DomainNotAllowed { .. } => {
                "Add the domain to admission.domains in the policy, or unassign the person from the app."
            }
            Self::DomainOfAnother { .. } => {
                "A person signs in to the organization that has verified the domain of their address. If the domain is \
                 this organization's, have it verified for this one."
            }
            Self::SeatLimit { .. } => "Add seats to the plan, or suspend accounts that are not used.",
            Self::AttributeMissing { .. } => {
                "Okta: add it under Attribute Statements of the app (user.email, user.username, user.first_name, \
                 user.last_name). Or set its name under [attributes] in the policy."
            }
            Self::AttributeAmbiguous { .. } => {
                "Send one value. Okta: look for a second Attribute Statement of that name."
            }
            Self::EmailInvalid { source } => source.hint(),
            Self::EmailTaken { .. } => {
                "Let the person sign in with the password and link the account, or set identity.link_by_email in the \
                 policy for accounts without password, role or other link. If this began for everybody at once, the \
                 Name ID format in the identity provider's console was changed: change it back."
            }
            Self::IdentityTaken { .. } => "Unlink the person from that account first.",
            Self::LinkSessionEnded { .. } => {
                "The person signs in with the password again and links the account from there. If they did not sign out, look in the audit \
                 whether the account was suspended meanwhile."
            }
            Self::AccountUnknown { .. } => {
                "Link an account of the organization whose token the assertion has."
            }
            Self::TeamUnknown { .. } => "Choose a team of the organization; it may have been deleted.",
            Self::LastOwner { .. } => "Make another member owner first.",
            Self::DefaultTeamMissing { .. } => {
                "Create the team, or take it out of defaults.teams in the policy."
            }
            Self::DefaultProjectMissing { .. } => {
                "Create the project, or take it out of defaults.projects in the policy."
            }
            Self::Cryptography { source } => source.hint(),
        }
    }

    /// What the person at the browser may see: one constant sentence.
    #[must_use]
    pub fn public_message(&self) -> &'static str {
        "You could not be signed in. Please ask your administrator."
    }

    pub(crate) fn cryptography(source: CryptoError) -> Self {
        Self::Cryptography { source }
    }
}

fn listed(domains: &[Domain]) -> String {
    domains.iter().map(Domain::as_str).collect::<Vec<_>>().join(", ")
}
