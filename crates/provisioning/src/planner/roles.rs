//! `[[groups.roles]]`: the roles in the organization that groups give.

use super::{
    Context,
    draft::Draft,
    rules::{PlacedRule, Rules},
    wanted::{OwnGroup, Wanted, WantedRole},
};
use crate::{
    Account, Action, Role, RoleChoice, RoleGrant, RoleRule, RuleId, Source, SyncMode, membership, text::Shown,
};

/// Adds the roles that a person's groups give: by each rule that selects one, or only by the first rule.
pub(super) fn map(
    context: Context<'_>,
    by: &Rules<'_>,
    groups: &[OwnGroup<'_>],
    wanted: &mut Wanted,
    draft: &mut Draft,
) {
    let mut named = Vec::new();
    for group in groups.iter().filter(|group| !by.ignore(group)) {
        named.extend(by.roles.naming(group).into_iter().map(|rule| (rule, group)));
    }
    // Rule by rule; for one rule, in the order of the groups.
    named.sort_by_key(|((place, _), _)| *place);
    if context.policy.groups.role_choice == RoleChoice::First {
        named.truncate(1);
    }
    for (rule, group) in named {
        want(context, rule, group, wanted, draft);
    }
}

fn want(
    context: Context<'_>,
    (place, rule): PlacedRule<'_, RoleRule>,
    group: &OwnGroup<'_>,
    wanted: &mut Wanted,
    draft: &mut Draft,
) {
    let rules = &context.policy.groups;
    let id = rules.role_rule_id(rule, place);
    let role = rule.role.min(rules.role_ceiling);
    let name = Shown(group.presented.name);
    if role < rule.role {
        let text = format!(
            "The group {name} gives {} instead of {}: groups.role_ceiling",
            role.name(),
            rule.role.name()
        );
        draft.note(id.clone(), text);
    }
    // Everybody has this role anyway.
    if role == Role::Member {
        return;
    }
    let because = format!("the group {name} gives it by {}", rule.matches.kind());
    match wanted.roles.iter_mut().find(|known| known.source == group.source) {
        Some(known) if known.role >= role => {}
        Some(known) => (known.role, known.rule, known.because) = (role, id, because),
        None => wanted.roles.push(WantedRole { source: group.source.clone(), role, rule: id, because }),
    }
}

/// Adds the wanted grants and ends the others, as with teams. The last active owner remains an owner.
pub(super) fn settle(
    context: Context<'_>,
    account: Option<&Account>,
    wanted: &Wanted,
    ends: &dyn Fn(&Source) -> Option<String>,
    draft: &mut Draft,
) {
    let mut state = State::of(context, account);
    for WantedRole { source, role, rule, because } in &wanted.roles {
        let given = state.grants.iter().find(|grant| grant.source == *source).map(|grant| grant.role);
        let is_additive = context.policy.groups.sync == SyncMode::Additive;
        if given.is_some_and(|given| given == *role || (given > *role && is_additive)) {
            continue;
        }
        let before = state.role();
        let Some(after) = state.try_to(
            |grants| {
                grants.retain(|grant| grant.source != *source);
                grants.push(RoleGrant::new(source.clone(), *role));
            },
            rule,
            draft,
        ) else {
            continue;
        };
        let grant = Action::GrantRole { source: source.clone(), role: *role, before, after };
        draft.step(rule.clone(), grant, because.clone());
    }
    for RoleGrant { source, .. } in account.into_iter().flat_map(|account| &account.role_grants) {
        let is_wanted = wanted.roles.iter().any(|role| role.source == *source);
        let Some(because) = ends(source).filter(|_| !is_wanted) else { continue };
        let (rule, before) = (RuleId::from("groups.sync"), state.role());
        let end = |grants: &mut Vec<RoleGrant>| grants.retain(|grant| grant.source != *source);
        let Some(after) = state.try_to(end, &rule, draft) else { continue };
        draft.step(rule, Action::EndRole { source: source.clone(), before, after }, because);
    }
}

/// The roles of an account while the steps are made.
struct State {
    own: Role,
    grants: Vec<RoleGrant>,
    is_last_owner: bool,
}

impl State {
    fn of(context: Context<'_>, account: Option<&Account>) -> Self {
        let is_owner = account.is_some_and(Account::is_active_owner);
        Self {
            own: account.map_or(context.policy.defaults.role.into(), Account::role_of_its_own),
            grants: account.map(|account| account.role_grants.clone()).unwrap_or_default(),
            is_last_owner: is_owner && context.snapshot.owner_count() <= 1,
        }
    }

    fn role(&self) -> Role {
        membership::highest_role(self.own, &self.grants)
    }

    /// The role after a change; `None` and a note if no owner would remain.
    fn try_to(
        &mut self,
        change: impl FnOnce(&mut Vec<RoleGrant>),
        rule: &RuleId,
        draft: &mut Draft,
    ) -> Option<Role> {
        let before = self.grants.clone();
        change(&mut self.grants);
        if self.is_last_owner && self.role() < Role::Owner {
            self.grants = before;
            let text = "Stays owner, though no group gives it any more: no other active owner is known";
            draft.note(rule.clone(), text);
            return None;
        }
        Some(self.role())
    }
}
