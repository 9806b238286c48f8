//! Changes by hand and by the sweep: facts that are planned like a login.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    Account, AccountId, Action, Cause, Permission, Plan, Refused, Role, RuleId, Snapshot, Step, TeamId,
    TeamRef,
};

/// What somebody wants to change about an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Change {
    /// The account may not be used any more; its sessions end; its data is kept.
    Suspend,
    /// The account may be used again.
    Reactivate,
    /// The account has this role from now on.
    SetRole(Role),
    /// The account is in this team by hand, with this permission: it joins, or its permission changes.
    JoinTeam(TeamId, Permission),
    /// The account is in this team no more, whoever put it there.
    LeaveTeam(TeamId),
}

/// Who wants a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Actor {
    /// The person of this account, such as an owner.
    Account(AccountId),
    /// The operator of the service.
    Operator,
    /// The service itself, for a rule such as `offboarding.unused`.
    Rule(RuleId),
}

impl Actor {
    /// The rule that stands in the plan's steps.
    fn rule(&self) -> RuleId {
        match self {
            Self::Account(_) => RuleId::from("by_hand"),
            Self::Operator => RuleId::from("operator"),
            Self::Rule(rule) => rule.clone(),
        }
    }
}

impl Snapshot {
    /// The plan that makes a change about one account. It is empty when everything is so already.
    ///
    /// The snapshot must have the account, the actor's account, the team, and every active owner; a store that gives a part of an
    /// organization gives these. Whether the actor may ask for it is the application's decision, except that nobody takes away the last
    /// active owner: neither by suspension nor by another role, whoever asks.
    ///
    /// # Errors
    /// [`Refused::AccountUnknown`], [`Refused::TeamUnknown`], [`Refused::LastOwner`].
    pub fn change(
        &self,
        account: &AccountId,
        change: &Change,
        actor: &Actor,
        because: impl Into<String>,
        at: DateTime<Utc>,
    ) -> Result<Plan, Refused> {
        let known = self.account(account).ok_or_else(|| self.unknown(account))?;
        let action = self.action(known, change)?;
        self.keeps_an_owner(known, action.as_ref())?;
        let because = because.into();
        let steps =
            action.into_iter().map(|action| Step { rule: actor.rule(), action, because: because.clone() });
        Ok(Plan {
            organization: self.organization.id.clone(),
            account: Some(account.clone()),
            cause: Cause::Change { actor: actor.clone() },
            at,
            steps: steps.collect(),
            notes: Vec::new(),
        })
    }

    fn action(&self, account: &Account, change: &Change) -> Result<Option<Action>, Refused> {
        let action = match change {
            Change::Suspend => account.is_active().then_some(Action::Suspend),
            Change::Reactivate => (!account.is_active()).then_some(Action::Reactivate),
            Change::SetRole(role) => {
                (account.role != *role).then_some(Action::SetRole { before: account.role, after: *role })
            }
            Change::JoinTeam(team, role) => {
                let team = self.team_ref(team)?;
                match team.id.as_ref().and_then(|id| account.membership(id)) {
                    Some(known) if known.role == *role && known.origin.is_hand() => None,
                    Some(known) => Some(Action::ChangeTeamRole { team, before: known.role, after: *role }),
                    None => Some(Action::JoinTeam { team, role: *role }),
                }
            }
            Change::LeaveTeam(team) => account
                .membership(team)
                .map(|known| Ok(Action::LeaveTeam { team: self.team_ref(team)?, role: known.role }))
                .transpose()?,
        };
        Ok(action)
    }

    /// An active owner remains after every plan. An organization that has none loses none.
    fn keeps_an_owner(&self, account: &Account, action: Option<&Action>) -> Result<(), Refused> {
        let loses = match action {
            Some(Action::Suspend) => true,
            Some(Action::SetRole { after, .. }) => *after != Role::Owner,
            _ => false,
        };
        let is_owner = |account: &Account| account.is_active() && account.role == Role::Owner;
        let has_another = || self.accounts().any(|other| other.id != account.id && is_owner(other));
        if loses && is_owner(account) && !has_another() {
            return Err(Refused::LastOwner { organization: self.organization.name.clone() });
        }
        Ok(())
    }

    fn team_ref(&self, id: &TeamId) -> Result<TeamRef, Refused> {
        let mut own = self.teams.iter().filter(|team| team.organization == self.organization.id);
        let team = own.find(|team| team.id == *id).ok_or_else(|| Refused::TeamUnknown {
            organization: self.organization.name.clone(),
            team: id.to_string(),
        })?;
        Ok(TeamRef { id: Some(team.id.clone()), name: team.name.clone() })
    }

    fn unknown(&self, account: &AccountId) -> Refused {
        Refused::AccountUnknown { organization: self.organization.name.clone(), account: account.to_string() }
    }
}
