//! From the teams that a person should be in, with their sources, to steps.

use super::{
    Context,
    draft::Draft,
    wanted::{Wanted, WantedTeam},
};
use crate::{
    Account, Action, Grant, Membership, ProjectRef, RuleId, Source, SyncMode, TeamRef, membership,
    names::first_of_each,
    text::{Shown, folded},
};

/// Adds the wanted grants, and ends others if there is a reason: `ends` answers the reason why a grant of a source ends
/// if it is not wanted.
pub(super) fn settle(
    context: Context<'_>,
    account: Option<&Account>,
    wanted: &Wanted,
    ends: &dyn Fn(&Source) -> Option<String>,
    draft: &mut Draft,
) {
    let memberships = account.into_iter().flat_map(|account| &account.memberships);
    let known = first_of_each(memberships.map(|membership| (&membership.team, membership)));
    for team in wanted.teams.values() {
        let known = team.team.id.as_ref().and_then(|id| known.get(id).copied());
        give(context, known, team, draft);
    }
    for membership in account.into_iter().flat_map(|account| &account.memberships) {
        end(context, membership, wanted, ends, draft);
    }
}

/// The reason why a grant ends that the fact is not about, where groups may take away at all: its connection no longer
/// belongs to the organization, or only groups put people into teams.
pub(super) fn reason_to_end_what_others_gave(context: Context<'_>, source: &Source) -> Option<String> {
    match source.connection() {
        Some(connection) if context.snapshot.organization.signs_in_over(connection) => None,
        Some(connection) => {
            let group = match source {
                Source::Group { group, .. } => format!("the group {}", Shown(group)),
                _ => "a SCIM group".to_owned(),
            };
            Some(format!(
                "{group} gave it over the connection {connection}, which the organization has no more"
            ))
        }
        None if context.policy.groups.sync == SyncMode::Exclusive => {
            Some("only groups put people into teams".to_owned())
        }
        None => None,
    }
}

/// The widest permission first, so that the following steps only add a source.
fn give(context: Context<'_>, known: Option<&Membership>, wanted: &WantedTeam, draft: &mut Draft) {
    if wanted.team.id.is_none() && draft.creates_team(&wanted.team.name) {
        let because = wanted.grants.first().map_or("", |grant| grant.because.as_str());
        create_team(context, &wanted.team, because, draft);
    }
    let is_additive = context.policy.groups.sync == SyncMode::Additive;
    let mut grants: Vec<Grant> = known.map(|membership| membership.grants.clone()).unwrap_or_default();
    let mut widest_first: Vec<_> = wanted.grants.iter().collect();
    widest_first.sort_by_key(|grant| std::cmp::Reverse(grant.role));
    for wanted_grant in widest_first {
        let (source, role) = (wanted_grant.source.clone(), wanted_grant.role);
        let given = grants.iter().find(|grant| grant.source == source).map(|grant| grant.role);
        if given.is_some_and(|given| given == role || (given > role && is_additive)) {
            continue;
        }
        let before = membership::highest(&grants);
        membership::set(&mut grants, source.clone(), role);
        let team = wanted.team.clone();
        let action = match before.zip(membership::highest(&grants)) {
            None => Action::JoinTeam { team, role, source },
            Some((before, after)) => Action::SetGrant { team, source, role, before, after },
        };
        draft.step(wanted_grant.rule.clone(), action, wanted_grant.because.clone());
    }
}

/// Ends the grants that are not wanted and have a reason to end.
fn end(
    context: Context<'_>,
    known: &Membership,
    wanted: &Wanted,
    ends: &dyn Fn(&Source) -> Option<String>,
    draft: &mut Draft,
) {
    let Some(team) = context.names.team(&known.team) else { return };
    let mut grants = known.grants.clone();
    let wanted = wanted.teams.get(&folded(&team.name)).map(|team| team.grants.as_slice()).unwrap_or_default();
    for grant in wanted {
        membership::set(&mut grants, grant.source.clone(), grant.role);
    }
    for Grant { source, .. } in &known.grants {
        let is_wanted = wanted.iter().any(|grant| grant.source == *source);
        let Some(because) = ends(source).filter(|_| !is_wanted) else { continue };
        let Some(before) = membership::highest(&grants) else { continue };
        grants.retain(|grant| grant.source != *source);
        let team = TeamRef::of(team);
        let action = match membership::highest(&grants) {
            Some(after) => Action::EndGrant { team, source: source.clone(), before, after },
            None => Action::LeaveTeam { team, role: before },
        };
        draft.step(RuleId::from("groups.sync"), action, because);
    }
}

/// Creates a team and a project of the same name for it. An existing project of that name is not given to the new team:
/// the name of a group must not open something that a person made.
fn create_team(context: Context<'_>, team: &TeamRef, because: &str, draft: &mut Draft) {
    let rule = || RuleId::from("groups.create_teams");
    let name = team.name.clone();
    draft.step(rule(), Action::CreateTeam { name: name.clone() }, because);
    if context.names.project_named(&name).is_some() {
        let text = format!(
            "The new team {} does not get the project of that name: it was there before the team",
            Shown(&name)
        );
        return draft.note(rule(), text);
    }
    draft.step(rule(), Action::CreateProject { name: name.clone() }, "the team was created with it");
    let link = Action::LinkProject {
        team: team.clone(),
        project: ProjectRef { id: None, name },
        permission: context.policy.groups.project_permission,
    };
    draft.step(rule(), link, "the team was created with it");
}
