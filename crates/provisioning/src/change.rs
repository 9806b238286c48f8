//! Changes by hand and by the sweep: facts that are planned like a login.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    Account, AccountId, Action, Cause, Grant, Membership, Note, Permission, Plan, PlanRefusal, Role, RuleId,
    Snapshot, Source, Step, TeamId, TeamRef, membership,
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
    /// The account is in this team by hand, with this permission. What other sources give stays, so that it may do more.
    JoinTeam(TeamId, Permission),
    /// The account is in this team no more, whatever gave it. A group that still gives it does so again at the next sign-in.
    LeaveTeam(TeamId),
    /// This source gives this team no more; the account leaves it if no other does.
    EndGrant(TeamId, Source),
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
    /// The snapshot must have the account, the actor's account, the team, and every active owner, and know how many seats are taken where that
    /// is limited; a store that gives a part of an organization gives these. Whether the actor may ask for it is the application's decision, except that nobody takes away the last
    /// active owner: neither by suspension nor by another role, whoever asks.
    /// The team of a change is one of the organization's.
    ///
    /// # Errors
    /// [`PlanRefusal::AccountUnknown`], [`PlanRefusal::TeamUnknown`], [`PlanRefusal::LastOwner`], [`PlanRefusal::SeatLimit`].
    pub fn change(
        &self,
        account: &AccountId,
        change: &Change,
        actor: &Actor,
        because: impl Into<String>,
        at: DateTime<Utc>,
    ) -> Result<Plan, PlanRefusal> {
        let known = self.account(account).ok_or_else(|| self.unknown(account))?;
        let action = self.action(known, change)?;
        let because = because.into();
        let steps =
            action.into_iter().map(|action| Step { rule: actor.rule(), action, because: because.clone() });
        self.guarded(Plan {
            organization: self.organization.id.clone(),
            account: Some(account.clone()),
            cause: Cause::Change { actor: actor.clone() },
            at,
            steps: steps.collect(),
            notes: notes(known, change, actor),
        })
    }

    fn action(&self, account: &Account, change: &Change) -> Result<Option<Action>, PlanRefusal> {
        let action = match change {
            Change::Suspend => account.is_active().then_some(Action::Suspend),
            Change::Reactivate => (!account.is_active()).then_some(Action::Reactivate),
            Change::SetRole(role) => {
                (account.role != *role).then_some(Action::SetRole { before: account.role, after: *role })
            }
            Change::JoinTeam(team, role) => {
                grant_by_hand(self.team_ref(team)?, account.membership(team), *role)
            }
            Change::LeaveTeam(team) => account
                .membership(team)
                .map(|known| Ok(Action::LeaveTeam { team: self.team_ref(team)?, role: known.role() }))
                .transpose()?,
            Change::EndGrant(team, source) => {
                let known = account.membership(team).filter(|known| known.granted_by(source).is_some());
                known.map(|known| Ok(end_grant(self.team_ref(team)?, known, source))).transpose()?
            }
        };
        Ok(action)
    }

    fn team_ref(&self, id: &TeamId) -> Result<TeamRef, PlanRefusal> {
        let team = self.team(id).ok_or_else(|| PlanRefusal::TeamUnknown {
            organization: self.organization.name.clone(),
            team: id.to_string(),
        })?;
        Ok(TeamRef { id: Some(team.id.clone()), name: team.name.clone() })
    }

    fn unknown(&self, account: &AccountId) -> PlanRefusal {
        PlanRefusal::AccountUnknown {
            organization: self.organization.name.clone(),
            account: account.to_string(),
        }
    }
}

fn grant_by_hand(team: TeamRef, known: Option<&Membership>, role: Permission) -> Option<Action> {
    let source = Source::Hand;
    let Some(known) = known else { return Some(Action::JoinTeam { team, role, source }) };
    if known.granted_by(&source) == Some(role) {
        return None;
    }
    let after = known.clone().also_by(source.clone(), role).role();
    Some(Action::SetGrant { team, source, role, before: known.role(), after })
}

fn end_grant(team: TeamRef, known: &Membership, source: &Source) -> Action {
    let others: Vec<Grant> = known.grants.iter().filter(|grant| grant.source != *source).cloned().collect();
    match membership::highest(&others) {
        Some(after) => Action::EndGrant { team, source: source.clone(), before: known.role(), after },
        None => Action::LeaveTeam { team, role: known.role() },
    }
}

/// What the person who asks may not expect: that a group gives a team again, or that a source gives more than what was asked for.
fn notes(account: &Account, change: &Change, actor: &Actor) -> Vec<Note> {
    let note = |text| Note { rule: actor.rule(), text };
    let membership = |team| account.membership(team).into_iter().flat_map(|membership| &membership.grants);
    match change {
        Change::LeaveTeam(team) => membership(team)
            .filter(|grant| matches!(grant.source, Source::Group { .. }))
            .map(|grant| note(format!("The next sign-in that has {} gives the team again", grant.source)))
            .collect(),
        Change::JoinTeam(team, role) => membership(team)
            .filter(|grant| grant.source != Source::Hand && grant.role > *role)
            .map(|grant| note(format!("It stays {} by {}", grant.role.name(), grant.source)))
            .collect(),
        _ => Vec::new(),
    }
}
