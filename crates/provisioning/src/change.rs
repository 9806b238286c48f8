//! Changes by hand: facts that are planned in the same way as a login.

use serde::{Deserialize, Serialize};
use vouchsafe_assertion::ConnectionId;

use crate::{AccountId, Identity, Permission, Role, RuleId, Source, TeamId};

/// A change of an account that a person asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Change {
    /// Suspends the account: its sessions end; its data is kept.
    Suspend,
    /// Reactivates the account. A suspension by SCIM over a connection that the organization still has can be ended
    /// only by SCIM.
    Reactivate,
    /// Approves an account that waits for approval.
    Approve,
    /// Ends all sessions and API tokens of the account, which may still be used.
    EndSessions,
    /// Sets the account's own role. A group may still give a higher one.
    SetRole(Role),
    /// Adds the account to this team by hand, with this permission. Other sources are kept, and may give more.
    JoinTeam(TeamId, Permission),
    /// Removes the account from this team, whatever the source. A group that still gives the team does so again at the
    /// next sign-in.
    LeaveTeam(TeamId),
    /// Removes one source of this team. The account leaves the team if no other source remains.
    EndGrant(TeamId, Source),
    /// Replaces the name by which the identity provider knows the person. Nothing changes if the account does not have
    /// the old name.
    RenameIdentity(Identity, Identity),
    /// Removes a name by which the person signs in. The account and its data are kept; all sessions of the account end.
    UnlinkIdentity(Identity),
}

/// Who asks for a change.
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
    /// The holder of the set-up link with this id, which the service gave to an administrator of the customer.
    SetUpLink(String),
    /// The identity provider of this connection, by a message that it signed.
    IdentityProvider(
        #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Connection"))] ConnectionId,
    ),
}

impl Actor {
    /// The rule that the plan's steps name.
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
