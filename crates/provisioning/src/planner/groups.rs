//! `[groups]`: from a person's groups to teams.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Case, draft::Draft};
use crate::{
    GroupMatch, Groups, LoginFacts, MappingRule, Permission, RuleId, Source, TeamRef, Unmapped,
    facts::GroupClaim,
    text::{Shown, folded, is_usable_name},
};

/// The teams that a person is to be in, by folded name, and what gives each; of one source the widest role.
#[derive(Default)]
pub(super) struct Wanted {
    pub(super) teams: BTreeMap<String, WantedTeam>,
}

pub(super) struct WantedTeam {
    pub(super) team: TeamRef,
    pub(super) grants: Vec<WantedGrant>,
}

#[derive(Clone)]
pub(super) struct WantedGrant {
    pub(super) source: Source,
    pub(super) role: Permission,
    pub(super) rule: RuleId,
    pub(super) because: String,
}

impl Wanted {
    pub(super) fn add(&mut self, team: TeamRef, grant: WantedGrant) {
        let wanted =
            self.teams.entry(folded(&team.name)).or_insert_with(|| WantedTeam { team, grants: Vec::new() });
        match wanted.grants.iter_mut().find(|known| known.source == grant.source) {
            Some(known) if known.role >= grant.role => {}
            Some(known) => *known = grant,
            None => wanted.grants.push(grant),
        }
    }
}

/// Adds what the login's groups ask for, and says what they do not. Whether there was a list of groups, be it empty.
pub(super) fn map(case: Case<'_>, wanted: &mut Wanted, draft: &mut Draft) -> bool {
    let Some(attribute) = &case.policy.attributes.groups else { return false };
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
        GroupClaim::TooMany => draft.note(
            RuleId::from("attributes.groups"),
            format!(
                "The attribute {} has more than {} groups: the teams stay as they are",
                Shown(attribute),
                LoginFacts::MAX_GROUPS
            ),
        ),
        GroupClaim::Listed(groups) => {
            let rules = Rules::of(&case.policy.groups);
            for group in groups {
                map_one(case, &rules, group, wanted, draft);
            }
            return true;
        }
    }
    false
}

/// The rules by what they name.
struct Rules<'p> {
    ignored: HashSet<String>,
    by_name: HashMap<String, Vec<PlacedRule<'p>>>,
    by_id: HashMap<&'p str, Vec<PlacedRule<'p>>>,
}

/// A rule, and its place in the policy.
type PlacedRule<'p> = (usize, &'p MappingRule);

impl<'p> Rules<'p> {
    fn of(groups: &'p Groups) -> Self {
        let ignored = groups.ignore.iter().map(|name| folded(name)).collect();
        let mut rules = Self { ignored, by_name: HashMap::new(), by_id: HashMap::new() };
        for (place, rule) in groups.rules.iter().enumerate() {
            match &rule.matches {
                GroupMatch::Name(name) => rules.by_name.entry(folded(name)).or_default(),
                GroupMatch::Id(id) => rules.by_id.entry(id).or_default(),
            }
            .push((place, rule));
        }
        rules
    }

    /// Those that name a group, in the order of the policy.
    fn naming(&self, group: &str) -> Vec<PlacedRule<'p>> {
        let by_name = self.by_name.get(&folded(group)).into_iter();
        let mut rules: Vec<_> = by_name.chain(self.by_id.get(group)).flatten().copied().collect();
        rules.sort_by_key(|(place, _)| *place);
        rules
    }
}

fn map_one(case: Case<'_>, by: &Rules<'_>, group: &str, wanted: &mut Wanted, draft: &mut Draft) {
    let rules = &case.policy.groups;
    if by.ignored.contains(&folded(group)) {
        let text = format!("The group {} is ignored", Shown(group));
        return draft.note(RuleId::from("groups.ignore"), text);
    }
    let source = Source::group(case.login.connection.clone(), group);
    let given = |role, rule, because| WantedGrant { source: source.clone(), role, rule, because };
    let mut is_named = false;
    for (place, rule) in by.naming(group) {
        is_named = true;
        let because = format!("the group {} is mapped to it by {}", Shown(group), rule.matches.kind());
        want(case, &rule.team, given(rule.role, rules.rule_id(rule, place), because), wanted, draft);
    }
    if is_named {
        return;
    }
    match rules.unmapped {
        Unmapped::SameName => {
            let because = format!("the group {} has the same name", Shown(group));
            want(case, group, given(rules.role, RuleId::from("groups.unmapped"), because), wanted, draft);
        }
        Unmapped::Ignore => {
            let text = format!("The group {} is ignored: no rule names it", Shown(group));
            draft.note(RuleId::from("groups.unmapped"), text);
        }
    }
}

/// The team of that name, or a new one, or a note that there is none.
fn want(case: Case<'_>, name: &str, grant: WantedGrant, wanted: &mut Wanted, draft: &mut Draft) {
    let name = name.trim();
    if let Some(team) = case.names.team_named(name) {
        let team = TeamRef { id: Some(team.id.clone()), name: team.name.clone() };
        return wanted.add(team, grant);
    }
    let obstacle = if !case.policy.groups.create_teams {
        "there is no such team, and groups.create_teams is off"
    } else if !is_usable_name(name) {
        "a team cannot have such a name"
    } else {
        return wanted.add(TeamRef { id: None, name: name.to_owned() }, grant);
    };
    let because = grant.because;
    draft.note(grant.rule, format!("Does not join the team {}, though {because}: {obstacle}", Shown(name)));
}
