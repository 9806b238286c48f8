//! Groups that an identity provider pushes by SCIM: their members, and what the members get.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Context,
    draft::Draft,
    groups, roles,
    rules::Rules,
    scim_existing, settle,
    wanted::{OwnGroup, Wanted},
};
use crate::{
    Account, AccountId, Action, DirectoryGroup, GroupId, GroupRef, Plan, PlanRefusal, RuleId, ScimFact,
    ScimGroup, ScimMembers, Source, SyncMode,
    pattern::PresentedGroup,
    text::{Shown, is_usable_name},
};

fn rule() -> RuleId {
    RuleId::from("scim.groups")
}

/// `POST /Groups`.
pub(super) fn create(
    context: Context<'_>,
    fact: &ScimFact,
    id: &GroupId,
    group: &ScimGroup,
    members: &BTreeSet<AccountId>,
) -> Result<Plan, PlanRefusal> {
    if context.snapshot.groups.iter().any(|known| known.id == *id) {
        return Err(name_refused(fact, group, "its id is taken"));
    }
    name_is_free(context, fact, group, None)?;
    let mut draft = Draft::of_scim(context, fact);
    let reference = GroupRef { id: id.clone(), name: group.name.trim().to_owned() };
    let (connection, external_id) = (fact.connection.clone(), group.external_id.clone());
    let create = Action::CreateGroup { connection, group: reference.clone(), external_id };
    draft.step(rule(), create, "the identity provider pushed it");
    let after = after(context, fact, id, group);
    let changes = Changes {
        group: reference,
        after,
        joins: members.clone(),
        leaves: BTreeSet::new(),
        concerns_all: true,
    };
    changes.apply(context, fact, &mut draft)?;
    Ok(draft.finish())
}

/// `PUT` and `PATCH /Groups/{id}`. A new name is handled like a new group, since it may give other teams.
pub(super) fn set(
    context: Context<'_>,
    fact: &ScimFact,
    id: &GroupId,
    group: &ScimGroup,
    members: &ScimMembers,
) -> Result<Plan, PlanRefusal> {
    let known = known(context, fact, id)?;
    name_is_free(context, fact, group, Some(id))?;
    let mut draft = Draft::of_scim(context, fact);
    let after = after(context, fact, id, group);
    let changed = after.iter().find(|after| after.id == *id).filter(|after| *after != known);
    if let Some(changed) = changed {
        let change = Action::ChangeGroup {
            group: GroupRef::of(known),
            name: changed.name.clone(),
            external_id: changed.external_id.clone(),
        };
        draft.step(rule(), change, "the identity provider says so");
    }
    // Members who stay in an unchanged group are not looked at, unless the fact lists the members.
    let concerns_all = !known.is_described_by(group) || matches!(members, ScimMembers::All(_));
    let (joins, leaves) = match members {
        ScimMembers::All(all) => {
            let gone = members_of(context, id).filter(|account| !all.contains(&account.id));
            (all.clone(), gone.map(|account| account.id.clone()).collect())
        }
        ScimMembers::Changed { join, leave } => (join.difference(leave).cloned().collect(), leave.clone()),
    };
    let group = GroupRef { id: id.clone(), name: group.name.trim().to_owned() };
    Changes { group, after, joins, leaves, concerns_all }.apply(context, fact, &mut draft)?;
    Ok(draft.finish())
}

/// `DELETE /Groups/{id}`: all members leave it.
pub(super) fn delete(context: Context<'_>, fact: &ScimFact, id: &GroupId) -> Result<Plan, PlanRefusal> {
    let known = known(context, fact, id)?;
    let mut draft = Draft::of_scim(context, fact);
    let leaves = members_of(context, id).map(|account| account.id.clone()).collect();
    let after = own_groups(context, fact).filter(|group| group.id != *id).cloned().collect();
    let group = GroupRef::of(known);
    Changes { group: group.clone(), after, joins: BTreeSet::new(), leaves, concerns_all: true }
        .apply(context, fact, &mut draft)?;
    draft.step(rule(), Action::DeleteGroup { group }, "the identity provider deleted it");
    Ok(draft.finish())
}

/// A deleted person leaves all groups of the connection and loses what these gave.
pub(super) fn leave_all(context: Context<'_>, fact: &ScimFact, account: &Account, draft: &mut Draft) {
    for group in own_groups(context, fact).filter(|group| account.scim_groups.contains(&group.id)) {
        let group = GroupRef::of(group);
        draft.step(rule(), Action::LeaveGroup { group }, "the identity provider deleted the person");
    }
    let ends = |source: &Source| match source {
        Source::ScimGroup { connection, .. } if *connection == fact.connection => {
            Some("the identity provider deleted the person".to_owned())
        }
        _ => None,
    };
    settle::settle(context, Some(account), &Wanted::default(), &ends, draft);
    roles::settle(context, Some(account), &Wanted::default(), &ends, draft);
}

/// The members that join and leave one group, and the groups of the connection afterwards.
struct Changes {
    group: GroupRef,
    after: Vec<DirectoryGroup>,
    joins: BTreeSet<AccountId>,
    leaves: BTreeSet<AccountId>,
    /// Whether members who stay in the group are looked at too.
    concerns_all: bool,
}

impl Changes {
    /// Account by account: those that join, those that leave and, if the group may give them something else, those that
    /// stay.
    fn apply(&self, context: Context<'_>, fact: &ScimFact, draft: &mut Draft) -> Result<(), PlanRefusal> {
        let mut concerned: BTreeMap<&AccountId, &Account> = BTreeMap::new();
        for id in &self.joins {
            concerned.insert(id, scim_existing::managed(context, fact, id)?);
        }
        // Only members can leave: others keep what other sources gave.
        let members = members_of(context, &self.group.id);
        let members = members.filter(|account| self.concerns_all || self.leaves.contains(&account.id));
        concerned.extend(members.map(|account| (&account.id, account)));
        let rules = Rules::of(&context.policy.groups);
        for account in concerned.into_values() {
            draft.turn_to(account);
            self.apply_to(context, fact, &rules, account, draft);
        }
        draft.turn_away();
        Ok(())
    }

    fn apply_to(
        &self,
        context: Context<'_>,
        fact: &ScimFact,
        rules: &Rules<'_>,
        account: &Account,
        draft: &mut Draft,
    ) {
        let (was_in, joins) =
            (account.scim_groups.contains(&self.group.id), self.joins.contains(&account.id));
        let is_in = (was_in || joins) && !self.leaves.contains(&account.id);
        let group = || self.group.clone();
        match (was_in, is_in) {
            (false, true) => {
                draft.step(rule(), Action::JoinGroup { group: group() }, "the identity provider says so")
            }
            (true, false) => {
                draft.step(rule(), Action::LeaveGroup { group: group() }, "the identity provider says so")
            }
            _ => {}
        }
        let is_of_theirs = |group: &&DirectoryGroup| match group.id == self.group.id {
            true => is_in,
            false => account.scim_groups.contains(&group.id),
        };
        let theirs: Vec<&DirectoryGroup> = self.after.iter().filter(is_of_theirs).collect();
        let own: Vec<OwnGroup<'_>> = theirs.iter().map(|group| of_scim(group)).collect();
        let mut wanted = Wanted::default();
        groups::map(context, rules, &own, &mut wanted, draft);
        roles::map(context, rules, &own, &mut wanted, draft);
        let ends = |source: &Source| reason_to_end(context, fact, &theirs, source);
        settle::settle(context, Some(account), &wanted, &ends, draft);
        roles::settle(context, Some(account), &wanted, &ends, draft);
    }
}

/// Ends what the person's SCIM groups do not give. Leaving a group is explicit, so this applies in each sync mode.
fn reason_to_end(
    context: Context<'_>,
    fact: &ScimFact,
    theirs: &[&DirectoryGroup],
    source: &Source,
) -> Option<String> {
    let is_additive = context.policy.groups.sync == SyncMode::Additive;
    match source {
        Source::ScimGroup { connection, group } if *connection == fact.connection => {
            match theirs.iter().find(|own| own.id == *group) {
                None => Some("the person is not in the SCIM group any more".to_owned()),
                Some(_) if is_additive => None,
                Some(own) => Some(format!("the SCIM group {} does not give it any more", Shown(&own.name))),
            }
        }
        _ if is_additive => None,
        other => settle::reason_to_end_what_others_gave(context, other),
    }
}

fn of_scim(group: &DirectoryGroup) -> OwnGroup<'_> {
    let id = group.external_id.as_deref().unwrap_or(group.id.as_str());
    let source = Source::scim_group(group.connection.clone(), group.id.clone());
    OwnGroup::new(PresentedGroup { name: &group.name, id: Some(id) }, source)
}

/// The groups of the connection with this one changed.
fn after(context: Context<'_>, fact: &ScimFact, id: &GroupId, group: &ScimGroup) -> Vec<DirectoryGroup> {
    let organization = context.snapshot.organization.id.clone();
    let mut changed =
        DirectoryGroup::new(id.clone(), organization, fact.connection.clone(), group.name.trim());
    changed.external_id.clone_from(&group.external_id);
    let mut groups: Vec<DirectoryGroup> = own_groups(context, fact).cloned().collect();
    match groups.iter_mut().find(|known| known.id == *id) {
        Some(known) => {
            changed.external_id = changed.external_id.or_else(|| known.external_id.clone());
            *known = changed;
        }
        None => groups.push(changed),
    }
    groups
}

fn own_groups<'c>(context: Context<'c>, fact: &ScimFact) -> impl Iterator<Item = &'c DirectoryGroup> {
    let (organization, connection) = (&context.snapshot.organization.id, fact.connection.clone());
    let groups = context.snapshot.groups.iter();
    groups.filter(move |group| group.organization == *organization && group.connection == connection)
}

fn known<'c>(context: Context<'c>, fact: &ScimFact, id: &GroupId) -> Result<&'c DirectoryGroup, PlanRefusal> {
    let known = context.snapshot.group(id).filter(|group| group.connection == fact.connection);
    known.ok_or_else(|| PlanRefusal::GroupUnknown {
        connection: fact.connection.clone(),
        group: id.to_string(),
    })
}

fn members_of<'c>(context: Context<'c>, id: &GroupId) -> impl Iterator<Item = &'c Account> {
    let id = id.clone();
    context.snapshot.accounts().filter(move |account| account.scim_groups.contains(&id))
}

fn name_is_free(
    context: Context<'_>,
    fact: &ScimFact,
    group: &ScimGroup,
    own: Option<&GroupId>,
) -> Result<(), PlanRefusal> {
    if !is_usable_name(group.name.trim()) {
        return Err(name_refused(
            fact,
            group,
            "it is empty, longer than 255 characters, or has invisible ones",
        ));
    }
    let mut others = own_groups(context, fact).filter(|known| own != Some(&known.id));
    match others.any(|known| known.is_named(&group.name)) {
        true => Err(name_refused(fact, group, "another one has the name")),
        false => Ok(()),
    }
}

fn name_refused(fact: &ScimFact, group: &ScimGroup, reason: &'static str) -> PlanRefusal {
    PlanRefusal::GroupName { connection: fact.connection.clone(), name: group.name.clone(), reason }
}
