//! The rules of a policy, indexed by the groups that they select: a person may be in many groups.

use std::collections::HashMap;

use super::wanted::OwnGroup;
use crate::{GroupMatch, Groups, MappingRule, RoleRule, pattern::NamedGroups, text::folded};

/// The rules of `[groups]`. They are indexed once for a plan, which may be about many people.
pub(super) struct Rules<'p> {
    ignored: NamedGroups,
    pub(super) teams: ByGroup<'p, MappingRule>,
    pub(super) roles: ByGroup<'p, RoleRule>,
}

impl<'p> Rules<'p> {
    pub(super) fn of(groups: &'p Groups) -> Self {
        Self {
            ignored: NamedGroups::of(&groups.ignore),
            teams: ByGroup::of(groups.rules.iter().map(|rule| (&rule.matches, rule))),
            roles: ByGroup::of(groups.roles.iter().map(|rule| (&rule.matches, rule))),
        }
    }

    /// Whether the group is ignored.
    pub(super) fn ignore(&self, group: &OwnGroup<'_>) -> bool {
        self.ignored.has(&group.folded)
    }
}

/// The rules of one table, indexed by what they select.
pub(super) struct ByGroup<'p, R> {
    by_name: HashMap<String, Vec<PlacedRule<'p, R>>>,
    by_id: HashMap<&'p str, Vec<PlacedRule<'p, R>>>,
    by_pattern: Vec<(&'p GroupMatch, PlacedRule<'p, R>)>,
}

/// A rule and its position in the table.
pub(super) type PlacedRule<'p, R> = (usize, &'p R);

impl<'p, R> ByGroup<'p, R> {
    fn of(rules: impl Iterator<Item = (&'p GroupMatch, &'p R)>) -> Self {
        let mut by = Self { by_name: HashMap::new(), by_id: HashMap::new(), by_pattern: Vec::new() };
        for (place, (matches, rule)) in rules.enumerate() {
            let placed = (place, rule);
            match matches {
                GroupMatch::Name(name) => by.by_name.entry(folded(name)).or_default().push(placed),
                GroupMatch::Id(id) => by.by_id.entry(id).or_default().push(placed),
                GroupMatch::Glob(_) | GroupMatch::Regex(_) => by.by_pattern.push((matches, placed)),
            }
        }
        by
    }

    /// The rules that select a group, in the order of the policy.
    pub(super) fn naming(&self, group: &OwnGroup<'_>) -> Vec<PlacedRule<'p, R>> {
        let by_name = self.by_name.get(&group.folded).into_iter().flatten();
        let by_id = group.presented.id.and_then(|id| self.by_id.get(id)).into_iter().flatten();
        let by_pattern = self.by_pattern.iter().filter(|(matches, _)| matches.meets(group.presented));
        let by_pattern = by_pattern.map(|(_, placed)| placed);
        let mut rules: Vec<_> = by_name.chain(by_id).chain(by_pattern).copied().collect();
        rules.sort_by_key(|(place, _)| *place);
        rules
    }
}
