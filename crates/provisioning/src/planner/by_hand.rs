//! Changes by hand: exactly what was asked for.

use chrono::{DateTime, Utc};

use super::{Context, draft::Draft};
use crate::{
    Account, AccountId, Action, Actor, Cause, Change, Grant, Hold, Identity, Membership, Permission, Plan,
    PlanRefusal, Role, Source, Status, SyncMode, TeamId, TeamRef, hold::status_under, membership,
};

/// The actor, the reason and the time.
pub(super) struct Asked<'a> {
    pub(super) actor: &'a Actor,
    pub(super) because: &'a str,
    pub(super) at: DateTime<Utc>,
}

/// The plan is empty if nothing would change. The application decides whether the actor may ask for the change, with
/// one exception: nobody can take away the last active owner, by suspension or by another role.
pub(super) fn plan(
    context: Context<'_>,
    account: &AccountId,
    change: &Change,
    asked: &Asked<'_>,
) -> Result<Plan, PlanRefusal> {
    let account = context.snapshot.known_account(account)?;
    let mut draft = Draft::new(context, Cause::Change { actor: asked.actor.clone() }, asked.at);
    draft.is_about(account);
    for action in actions(context, account, change, asked.at)? {
        draft.step(asked.actor.rule(), action, asked.because);
    }
    for text in notes(context, account, change) {
        draft.note(asked.actor.rule(), text);
    }
    Ok(draft.finish())
}

fn actions(
    context: Context<'_>,
    account: &Account,
    change: &Change,
    at: DateTime<Utc>,
) -> Result<Vec<Action>, PlanRefusal> {
    let action = match change {
        Change::Suspend => {
            let is_held = account.holds().contains(&Hold::Hand);
            (!is_held).then_some(Action::Suspend { by: Hold::Hand, before: account.status })
        }
        Change::Reactivate => return Ok(release(context, account, |hold| *hold != Hold::Approval)),
        Change::Approve => return Ok(release(context, account, |hold| *hold == Hold::Approval)),
        // Also if they were ended at a later time by the clock of another machine: what has begun since must end too.
        Change::EndSessions => (account.ended_at != Some(at)).then_some(Action::EndSessions),
        Change::SetRole(role) => set_role(account, *role),
        Change::JoinTeam(team, role) => {
            grant_by_hand(team_ref(context, team)?, account.membership(team), *role)
        }
        Change::LeaveTeam(team) => account
            .membership(team)
            .map(|known| Ok(Action::LeaveTeam { team: team_ref(context, team)?, role: known.role() }))
            .transpose()?,
        Change::EndGrant(team, source) => {
            let known = account.membership(team).filter(|known| known.granted_by(source).is_some());
            known.map(|known| Ok(end_grant(team_ref(context, team)?, known, source))).transpose()?
        }
        Change::RenameIdentity(before, after) => {
            let is_known = account.identities.contains(before) && before != after;
            let renamed = || Action::RenameIdentity { before: before.clone(), after: after.clone() };
            is_known.then(|| free(context, account, after).map(|()| renamed())).transpose()?
        }
        Change::UnlinkIdentity(identity) => account
            .identities
            .contains(identity)
            .then(|| Action::UnlinkIdentity { identity: identity.clone() }),
    };
    Ok(action.into_iter().collect())
}

/// Checks that a new name is not too long and that no other account has it.
fn free(context: Context<'_>, account: &Account, name: &Identity) -> Result<(), PlanRefusal> {
    let source_name = || "NewID".to_owned();
    if name.subject.trim().is_empty() {
        return Err(PlanRefusal::SubjectMissing { source_name: source_name() });
    }
    if name.is_too_long() {
        let longest = Identity::LONGEST_PART;
        return Err(PlanRefusal::SubjectTooLong { source_name: source_name(), longest });
    }
    match context.snapshot.account_of(name) {
        Some(other) if other.id != account.id => {
            Err(PlanRefusal::IdentityTaken { account: other.id.to_string() })
        }
        _ => Ok(()),
    }
}

/// Removes the holds that can be ended by hand, one after the other.
fn release(context: Context<'_>, account: &Account, is_meant: impl Fn(&Hold) -> bool) -> Vec<Action> {
    let mut holds = account.holds();
    let mut actions = Vec::new();
    for hold in account.holds() {
        if is_meant(&hold) && hold.ends_by_hand(&context.snapshot.organization) {
            holds.remove(&hold);
            actions.push(Action::Reactivate { by: hold, after: status_under(&holds) });
        }
    }
    actions
}

fn set_role(account: &Account, role: Role) -> Option<Action> {
    let after = membership::highest_role(role, &account.role_grants);
    let is_other = account.role_of_its_own() != role;
    is_other.then_some(Action::SetRole { role, before: account.role, after })
}

fn team_ref(context: Context<'_>, id: &TeamId) -> Result<TeamRef, PlanRefusal> {
    let team = context.snapshot.team(id).ok_or_else(|| PlanRefusal::TeamUnknown {
        organization: context.snapshot.organization.name.clone(),
        team: id.to_string(),
    })?;
    Ok(TeamRef::of(team))
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

/// Notes about other rules or sources that also decide, which the actor may not expect.
fn notes(context: Context<'_>, account: &Account, change: &Change) -> Vec<String> {
    let grants = |team| account.membership(team).into_iter().flat_map(|membership| &membership.grants);
    match change {
        Change::LeaveTeam(team) => grants(team)
            .filter_map(|grant| match &grant.source {
                Source::Group { .. } => {
                    Some(format!("The next sign-in that has {} gives the team again", grant.source))
                }
                Source::ScimGroup { .. } => {
                    Some(format!("The next change of {} gives the team again", grant.source))
                }
                Source::Hand | Source::Defaults => None,
            })
            .collect(),
        Change::JoinTeam(team, role) => {
            let more = grants(team).filter(|grant| grant.source != Source::Hand && grant.role > *role);
            let stays = more.map(|grant| format!("It stays {} by {}", grant.role.name(), grant.source));
            let is_exclusive = context.policy.groups.sync == SyncMode::Exclusive;
            let ends = is_exclusive.then(|| {
                "Only groups put people into teams (groups.sync is exclusive): the next list of groups ends it".to_owned()
            });
            stays.chain(ends).collect()
        }
        Change::SetRole(role) => account
            .role_grants
            .iter()
            .filter(|grant| grant.role > *role)
            .map(|grant| format!("It stays {} by {}", grant.role.name(), grant.source))
            .collect(),
        Change::Reactivate => account
            .holds()
            .into_iter()
            .filter(|hold| *hold == Hold::Approval || !hold.ends_by_hand(&context.snapshot.organization))
            .map(|hold| format!("It stays held {hold}"))
            .collect(),
        Change::Approve if account.status == Status::Suspended => {
            vec!["It stays suspended until it is reactivated".to_owned()]
        }
        _ => Vec::new(),
    }
}
