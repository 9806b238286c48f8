//! Changes by hand: facts that are planned like a login.

use serde::{Deserialize, Serialize};
use vouchsafe_assertion::ConnectionId;

use crate::{AccountId, Identity, Permission, Role, RuleId, Source, TeamId};

/// What somebody wants to change about an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Change {
    /// The account may not be used any more; its sessions end; its data is kept.
    Suspend,
    /// The account may be used again, unless SCIM holds it over a connection that the organization has: that ends by SCIM.
    Reactivate,
    /// The account, which waits for approval, may be used.
    Approve,
    /// All sessions and API tokens of the account end; it may be used as before.
    EndSessions,
    /// The account has this role by itself from now on. What groups give stays, so that it may have more.
    SetRole(Role),
    /// The account is in this team by hand, with this permission. What other sources give stays, so that it may do more.
    JoinTeam(TeamId, Permission),
    /// The account is in this team no more, whatever gave it. A group that still gives it does so again at the next sign-in.
    LeaveTeam(TeamId),
    /// This source gives this team no more; the account leaves it if no other does.
    EndGrant(TeamId, Source),
    /// The identity provider of the person calls them otherwise from now on. Nothing changes if the account does not have that name.
    RenameIdentity(Identity, Identity),
    /// The person does not sign in by this name any more; the account and its data stay. All sessions of the account end.
    UnlinkIdentity(Identity),
}

/// Who wants a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Actor {
    /// The person of this account, such as an owner.
    Account(AccountId),
    /// The operator of the service.
    Operator,
    /// The service itself, for a rule such as `offboarding.suspend_after`.
    Rule(RuleId),
    /// The identity provider of this connection, by SCIM.
    Scim(#[cfg_attr(feature = "schema", schemars(with = "crate::schema::Connection"))] ConnectionId),
    /// Whoever holds the set-up link of this name, which the service gave to an administrator of the customer.
    SetUpLink(String),
    /// The identity provider of this connection, by a message that it signed.
    IdentityProvider(
        #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Connection"))] ConnectionId,
    ),
}

impl Actor {
    /// The rule that stands in the plan's steps.
    pub(crate) fn rule(&self) -> RuleId {
        match self {
            Self::Account(_) => RuleId::from("by_hand"),
            Self::Operator => RuleId::from("operator"),
            Self::Rule(rule) => rule.clone(),
            Self::Scim(_) => RuleId::from("scim"),
            Self::SetUpLink(_) => RuleId::from("set_up_link"),
            Self::IdentityProvider(_) => RuleId::from("identity_provider"),
        }
    }
}
