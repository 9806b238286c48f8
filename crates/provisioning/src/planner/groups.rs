//! `[groups]`: from a person's groups to teams.

use std::collections::HashSet;

use vouchsafe_assertion::ConnectionId;

use super::{
    Context,
    draft::Draft,
    rules::Rules,
    wanted::{OwnGroup, Wanted, WantedGrant},
};
use crate::{
    Account, DirectoryGroup, LoginFacts, Permission, PlanRefusal, RuleId, Source, TeamRef, Unmapped,
    facts::GroupClaim,
    pattern::{NamedGroups, PresentedGroup},
    text::{Shown, folded, is_usable_name},
};

/// A group that came with a login. Its text is compared with both names and ids.
pub(super) fn of_login<'g>(name: &'g str, over: &ConnectionId) -> OwnGroup<'g> {
    OwnGroup::new(PresentedGroup { name, id: Some(name) }, Source::group(over.clone(), name))
}

/// The groups of a login.
pub(super) fn claim<'l>(context: Context<'_>, login: &'l LoginFacts) -> GroupClaim<'l> {
    login.groups(context.policy)
}

/// The SCIM groups of a connection that an account is in.
pub(super) fn pushed<'c>(
    context: Context<'c>,
    account: Option<&Account>,
    over: &ConnectionId,
) -> Vec<&'c DirectoryGroup> {
    let Some(account) = account else { return Vec::new() };
    let groups = context.snapshot.groups.iter();
    groups.filter(|group| group.connection == *over && account.scim_groups.contains(&group.id)).collect()
}

/// `admission.required_groups` and `admission.blocked_groups`. The groups of a person are those that came with the
/// login and those that were pushed by SCIM. A new person must be in a required group, and is refused if some groups are
/// blocked and the identity provider says that there are too many to send, unless SCIM pushes the person's groups. A known
/// person is refused only for what is known: most people with many groups are in no blocked one.
pub(super) fn admit(
    context: Context<'_>,
    login: &LoginFacts,
    claim: &GroupClaim<'_>,
    pushed: &[&DirectoryGroup],
    is_first: bool,
) -> Result<(), PlanRefusal> {
    let admission = &context.policy.admission;
    if !admission.asks_for_groups() {
        return Ok(());
    }
    let (listed, is_listed) = match claim {
        GroupClaim::Listed(groups) => (groups.clone(), true),
        // More than give teams. But a person who can make groups must not get out of a blocked one by having many.
        GroupClaim::TooMany => (login.all_groups(context.policy), true),
        GroupClaim::Overage if is_first && pushed.is_empty() && !admission.blocked_groups.is_empty() => {
            return Err(PlanRefusal::GroupsNotSent { blocked: admission.blocked_groups.clone() });
        }
        GroupClaim::NotAsked | GroupClaim::Absent | GroupClaim::Overage => (Vec::new(), false),
    };
    let names = pushed.iter().map(|group| group.name.as_str());
    let ids = pushed.iter().filter_map(|group| group.external_id.as_deref());
    let shown: HashSet<String> = listed.iter().copied().chain(names).chain(ids).map(folded).collect();
    let shows = |group: &&String| {
        let meant = NamedGroups::of([*group]);
        shown.iter().any(|shown| meant.has(shown))
    };
    if let Some(group) = admission.blocked_groups.iter().find(shows) {
        return Err(PlanRefusal::GroupBlocked { group: group.clone() });
    }
    let must_show_one = !admission.required_groups.is_empty() && (is_first || is_listed);
    match must_show_one && !admission.required_groups.iter().any(|group| shows(&group)) {
        true => Err(PlanRefusal::GroupRequired { required: admission.required_groups.clone() }),
        false => Ok(()),
    }
}

/// Whether there was a list of groups, possibly empty. If not, a note says why.
pub(super) fn say_what_is_no_list(
    context: Context<'_>,
    login: &LoginFacts,
    claim: &GroupClaim<'_>,
    draft: &mut Draft,
) -> bool {
    let attribute = context.policy.attributes.groups.as_deref().unwrap_or_default();
    match claim {
        GroupClaim::Listed(_) => return true,
        GroupClaim::NotAsked => {}
        GroupClaim::Absent => draft.note(
            RuleId::from("attributes.groups"),
            format!(
                "No attribute {} came: the teams stay as they are. {}",
                Shown(attribute),
                what_came(context, login)
            ),
        ),
        GroupClaim::Overage => {
            draft.note(
                RuleId::from("attributes.groups_overage"),
                "The person has more groups than the identity provider sends: the teams stay as they are",
            );
            if !context.policy.admission.blocked_groups.is_empty() {
                draft.note(
                    RuleId::from("admission.blocked_groups"),
                    "Groups that were not sent could not be compared with the blocked ones, those that SCIM pushed were",
                );
            }
        }
        GroupClaim::TooMany => draft.note(
            RuleId::from("attributes.groups"),
            format!(
                "The attribute {} has more than {} groups: the teams stay as they are",
                Shown(attribute),
                LoginFacts::MAX_GROUPS
            ),
        ),
    }
    false
}

/// Lists the names of the attributes that came, without the token's: one of them is probably the attribute of the groups.
fn what_came(context: Context<'_>, login: &LoginFacts) -> String {
    /// The most names in the list.
    const MOST: usize = 20;
    let token = &context.policy.attributes.token;
    let names: Vec<&String> = login.attributes.keys().filter(|name| *name != token).collect();
    let shown: Vec<String> = names.iter().take(MOST).map(|name| Shown(name).to_string()).collect();
    match names.len().saturating_sub(MOST) {
        _ if names.is_empty() => "No other attribute came".to_owned(),
        0 => format!("These came: {}", shown.join(", ")),
        more => format!("These came: {}, and {more} more", shown.join(", ")),
    }
}

/// Adds what a person's groups give, and a note for each group that gives nothing.
pub(super) fn map(
    context: Context<'_>,
    by: &Rules<'_>,
    groups: &[OwnGroup<'_>],
    wanted: &mut Wanted,
    draft: &mut Draft,
) {
    for group in groups {
        map_one(context, by, group, wanted, draft);
    }
}

fn map_one(
    context: Context<'_>,
    by: &Rules<'_>,
    group: &OwnGroup<'_>,
    wanted: &mut Wanted,
    draft: &mut Draft,
) {
    let (rules, name) = (&context.policy.groups, group.presented.name);
    if by.ignore(group) {
        let text = format!("The group {} is ignored", Shown(name));
        return draft.note(RuleId::from("groups.ignore"), text);
    }
    let given = |role: Permission, rule, because| WantedGrant {
        source: group.source.clone(),
        role: role.min(rules.team_role_ceiling),
        rule,
        because,
    };
    let naming = by.teams.naming(group);
    for (place, rule) in &naming {
        let because = format!("the group {} is mapped to it by {}", Shown(name), rule.matches.kind());
        let team = rule.matches.team_for(name, &rule.team);
        want(context, &team, given(rule.role, rules.rule_id(rule, *place), because), wanted, draft);
    }
    if !naming.is_empty() {
        return;
    }
    match rules.unmapped {
        Unmapped::SameName => {
            let because = format!("the group {} has the same name", Shown(name));
            want(context, name, given(rules.role, RuleId::from("groups.unmapped"), because), wanted, draft);
        }
        Unmapped::Ignore => {
            let text = format!("The group {} gives no team: no rule of groups.map names it", Shown(name));
            draft.note(RuleId::from("groups.unmapped"), text);
        }
    }
}

/// The team with that name, a new one, or a note that there is none.
fn want(context: Context<'_>, name: &str, grant: WantedGrant, wanted: &mut Wanted, draft: &mut Draft) {
    let name = name.trim();
    if let Some(team) = context.names.team_named(name) {
        let team = TeamRef::of(team);
        return wanted.add(team, grant);
    }
    let obstacle = if !context.policy.groups.create_teams {
        "there is no such team, and groups.create_teams is off"
    } else if !is_usable_name(name) {
        "a team cannot have such a name"
    } else {
        return wanted.add(TeamRef { id: None, name: name.to_owned() }, grant);
    };
    let because = grant.because;
    draft.note(grant.rule, format!("Does not join the team {}, though {because}: {obstacle}", Shown(name)));
}
