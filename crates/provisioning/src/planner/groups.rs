//! `[groups]`: from a person's groups to teams.

use std::collections::BTreeMap;

use super::{Case, draft::Draft};
use crate::{
    Account, Action, Permission, ProjectRef, RuleId, TeamRef, Unmapped,
    facts::GroupClaim,
    text::{Shown, folded, is_usable_name},
};

/// The teams that a person is to be in, by folded name; the widest role wins.
#[derive(Default)]
pub(super) struct Wanted {
    teams: BTreeMap<String, WantedTeam>,
}

struct WantedTeam {
    team: TeamRef,
    role: Permission,
    rule: RuleId,
    because: String,
}

impl Wanted {
    pub(super) fn add(&mut self, team: TeamRef, role: Permission, rule: RuleId, because: String) {
        let name = folded(&team.name);
        let wider = self.teams.get(&name).is_none_or(|known| role > known.role);
        if wider {
            self.teams.insert(name, WantedTeam { team, role, rule, because });
        }
    }
}

/// Adds what the login's groups ask for, and says what they do not.
pub(super) fn map(case: Case<'_>, wanted: &mut Wanted, draft: &mut Draft) {
    let Some(attribute) = &case.policy.attributes.groups else { return };
    let overage = case.policy.attributes.groups_overage.as_deref();
    match case.login.groups(attribute, overage) {
        GroupClaim::Absent => draft.note(
            RuleId::from("attributes.groups"),
            format!("No attribute {} came: the teams stay as they are", Shown(attribute)),
        ),
        GroupClaim::Overage => draft.note(
            RuleId::from("attributes.groups_overage"),
            "The person has more groups than the identity provider sends: the teams stay as they are"
                .to_owned(),
        ),
        GroupClaim::Listed(groups) => {
            for group in groups {
                map_one(case, group, wanted, draft);
            }
        }
    }
}

/// Creates the teams that are missing, and puts the account into those that it is not in.
pub(super) fn join(case: Case<'_>, account: Option<&Account>, wanted: Wanted, draft: &mut Draft) {
    for wanted in wanted.teams.into_values() {
        let WantedTeam { team, role, rule, because } = wanted;
        if team.id.is_none() {
            create_team(case, &team, &because, draft);
        }
        let membership = team.id.as_ref().zip(account).and_then(|(id, account)| account.membership(id));
        match membership {
            None => draft.step(rule, Action::JoinTeam { team, role }, because),
            Some(known) if role > known.role && !known.origin.is_hand() => {
                let change = Action::ChangeTeamRole { team, before: known.role, after: role };
                draft.step(rule, change, because);
            }
            Some(_) => {}
        }
    }
}

fn map_one(case: Case<'_>, group: &str, wanted: &mut Wanted, draft: &mut Draft) {
    let rules = &case.policy.groups;
    if rules.ignore.iter().any(|ignored| folded(ignored) == folded(group)) {
        let text = format!("The group {} is ignored", Shown(group));
        return draft.note(RuleId::from("groups.ignore"), text);
    }
    let mut is_named = false;
    for (place, rule) in rules.rules.iter().enumerate().filter(|(_, rule)| rule.matches.is_met_by(group)) {
        is_named = true;
        let because = format!("the group {} is mapped to it by {}", Shown(group), rule.matches.kind());
        want(case, &rule.team, rule.role, rules.rule_id(rule, place), because, wanted, draft);
    }
    if is_named {
        return;
    }
    match rules.unmapped {
        Unmapped::SameName => {
            let because = format!("the group {} has the same name", Shown(group));
            want(case, group, rules.role, RuleId::from("groups.unmapped"), because, wanted, draft);
        }
        Unmapped::Ignore => {
            let text = format!("The group {} is ignored: no rule names it", Shown(group));
            draft.note(RuleId::from("groups.unmapped"), text);
        }
    }
}

/// The team of that name, or a new one, or a note that there is none.
fn want(
    case: Case<'_>,
    name: &str,
    role: Permission,
    rule: RuleId,
    because: String,
    wanted: &mut Wanted,
    draft: &mut Draft,
) {
    let name = name.trim();
    if let Some(team) = case.snapshot.team_named(name) {
        let team = TeamRef { id: Some(team.id.clone()), name: team.name.clone() };
        return wanted.add(team, role, rule, because);
    }
    let obstacle = if !case.policy.groups.create_teams {
        "there is no such team, and groups.create_teams is off"
    } else if !is_usable_name(name) {
        "a team cannot have such a name"
    } else {
        return wanted.add(TeamRef { id: None, name: name.to_owned() }, role, rule, because);
    };
    draft.note(rule, format!("Does not join the team {}, though {because}: {obstacle}", Shown(name)));
}

/// A team, and a project of the same name for it. A project of that name that exists already is not given to
/// the new team: a group's name must not open what somebody made by hand.
fn create_team(case: Case<'_>, team: &TeamRef, because: &str, draft: &mut Draft) {
    let rule = || RuleId::from("groups.create_teams");
    let name = team.name.clone();
    draft.step(rule(), Action::CreateTeam { name: name.clone() }, because);
    if case.snapshot.project_named(&name).is_some() {
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
        permission: case.policy.groups.project_permission,
    };
    draft.step(rule(), link, "the team was created with it");
}
