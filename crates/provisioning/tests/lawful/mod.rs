//! What holds of every fact in every state. Each function answers what is wrong, in words.

use std::collections::BTreeSet;

use vouchsafe_provisioning::{
    Account, Action, Fact, Hold, LoginFacts, LookUp, Membership, Passwords, Permission, Plan, PlanRefusal,
    Policy, Role, ScimChange, ScimLookUp, Snapshot, Source, Status, SyncMode, TeamId,
};

/// All laws, of one fact. The state after it; `None` where the fact is refused.
pub(crate) fn check(policy: &Policy, fact: &Fact, before: &Snapshot) -> Result<Option<Snapshot>, String> {
    let planned = policy.plan(fact, before);
    if planned != policy.plan(fact.clone(), &before.clone()) {
        return Err("the plan depends on something else than its arguments".to_owned());
    }
    a_store_gives_enough(policy, fact, before, &planned)?;
    let plan = match planned {
        Ok(plan) => plan,
        Err(refused) => {
            let is_too_much = matches!(refused, PlanRefusal::TooManyRemovals { .. });
            holds(!is_too_much || !is_end_of_one_person(fact), "the end of one person is refused")?;
            // Everything that is refused says what to do.
            return if refused.hint().is_empty() { Err(refused.to_string()) } else { Ok(None) };
        }
    };
    let after = before.after(&plan);
    let laws = [
        is_idempotent(policy, fact, &plan, &after),
        mentions_no_other_organization(before, &after, &plan),
        keeps_an_owner(before, &after),
        keeps_what_was_suspended(fact, before, &after),
        keeps_what_was_made_by_hand(policy, fact, before, &after),
        takes_nothing_for_what_was_not_said(policy, fact, &plan),
        removes_no_more_than_allowed(policy, fact, before, &after),
        scim_keeps_what_is_not_its_own(policy, fact, before, &after),
        nobody_is_given_what_is_worth_taking(fact, before, &after),
        nobody_takes_over_what_scim_gave_to_another(fact, before, &plan),
        locks_nobody_out(policy, &after),
        is_consistent(&after),
        explains_itself(&plan),
        ends_what_it_ends(fact, &plan, &after),
    ];
    for law in laws {
        law.map_err(|wrong| format!("{wrong}\n{plan}"))?;
    }
    Ok(Some(after))
}

fn holds(is_so: bool, wrong: impl Into<String>) -> Result<(), String> {
    if is_so { Ok(()) } else { Err(wrong.into()) }
}

/// A sign-in is planned the same on what a store looks up for it as on the whole, also one that links an account, and so is what SCIM asks for.
fn a_store_gives_enough(
    policy: &Policy,
    fact: &Fact,
    before: &Snapshot,
    whole: &Result<Plan, PlanRefusal>,
) -> Result<(), String> {
    let of_login = |login: &LoginFacts, linked| {
        let look_up =
            LookUp::of(login).map_err(|error| error.to_string())?.with_takeovers(policy).linking(linked);
        Ok::<_, String>(before.restricted_to(&look_up, &policy.names_for(login)))
    };
    let restricted = match fact {
        Fact::Login(login) => of_login(login, None)?,
        Fact::Link { login, account, .. } => of_login(login, Some(account))?,
        Fact::Scim(fact) => {
            let known = fact.group().and_then(|id| before.group(id));
            let known = known.filter(|known| known.connection == fact.connection);
            before.restricted_to_scim(&ScimLookUp::of(fact, known).with_takeovers(fact, policy), policy)
        }
        _ => return Ok(()),
    };
    let part = policy.plan(fact, &restricted);
    if part == *whole {
        return Ok(());
    }
    Err(format!("a store would plan {part:?}, and not {whole:?}"))
}

/// What is made anew is refused a second time, since it is there; everything else changes nothing.
fn is_idempotent(policy: &Policy, fact: &Fact, plan: &Plan, after: &Snapshot) -> Result<(), String> {
    match policy.plan(fact, after) {
        Ok(again) => holds(
            again.is_empty() && after.after(&again) == *after,
            format!("the same fact changes more: {again}"),
        ),
        Err(refused) => {
            let is_there = [
                "provisioning.scim_user_exists",
                "provisioning.group_name",
                "provisioning.group_unknown",
                "provisioning.scim_not_managed",
            ];
            let is_expected = match fact {
                Fact::Scim(_) => is_there.contains(&refused.code()),
                Fact::Login(_) => {
                    plan.waits_for_approval() && refused.code() == "provisioning.approval_pending"
                }
                _ => false,
            };
            holds(is_expected, format!("the same fact is refused: {refused}"))
        }
    }
}

fn mentions_no_other_organization(before: &Snapshot, after: &Snapshot, plan: &Plan) -> Result<(), String> {
    let own = &before.organization.id;
    let others = |snapshot: &Snapshot| {
        let accounts: Vec<_> =
            snapshot.accounts.iter().filter(|one| one.organization != *own).cloned().collect();
        let groups: Vec<_> = snapshot.groups.iter().filter(|one| one.organization != *own).cloned().collect();
        (accounts, groups)
    };
    holds(plan.organization() == own && others(before) == others(after), "another organization is changed")
}

fn keeps_an_owner(before: &Snapshot, after: &Snapshot) -> Result<(), String> {
    holds(before.owner_count() == 0 || after.owner_count() > 0, "no active owner remains")
}

/// A sign-in ends no suspension; SCIM ends its own alone.
fn keeps_what_was_suspended(fact: &Fact, before: &Snapshot, after: &Snapshot) -> Result<(), String> {
    for old in before.accounts() {
        let ended: Vec<Hold> = old.holds().difference(&holds_of(after, old)).cloned().collect();
        let may_end = |hold: &Hold| match fact {
            Fact::Change { .. } => !matches!(hold, Hold::Scim { .. }),
            Fact::Scim(_) => matches!(hold, Hold::Scim { .. }),
            _ => false,
        };
        holds(ended.iter().all(may_end), format!("a hold of {} ends: {ended:?}", old.id))?;
    }
    Ok(())
}

fn holds_of(snapshot: &Snapshot, account: &Account) -> BTreeSet<Hold> {
    snapshot.account(&account.id).map(Account::holds).unwrap_or_default()
}

/// What a person made stays in the additive and the managed mode, until a person changes it. So does the role that an account has by itself.
fn keeps_what_was_made_by_hand(
    policy: &Policy,
    fact: &Fact,
    before: &Snapshot,
    after: &Snapshot,
) -> Result<(), String> {
    if matches!(fact, Fact::Change { .. }) {
        return Ok(());
    }
    for old in before.accounts() {
        let Some(new) = after.account(&old.id) else { return Err(format!("the account {} is gone", old.id)) };
        holds(
            old.role_of_its_own() == new.role_of_its_own(),
            format!("{} has another role by itself", old.id),
        )?;
        if policy.groups.sync == SyncMode::Exclusive {
            continue;
        }
        let by_hand = |account: &Account| {
            let all = grants(account).into_iter();
            all.filter(|(_, source, _)| matches!(source, Source::Hand | Source::Defaults))
                .collect::<BTreeSet<_>>()
        };
        holds(by_hand(old).is_subset(&by_hand(new)), format!("{} loses what was made by hand", old.id))?;
    }
    Ok(())
}

/// Each source of each membership, with what it gives.
pub(crate) fn grants(account: &Account) -> BTreeSet<(TeamId, Source, Permission)> {
    let of = |team: &TeamId, grant: &vouchsafe_provisioning::Grant| {
        (team.clone(), grant.source.clone(), grant.role)
    };
    let memberships = account.memberships.iter();
    memberships.flat_map(|known| known.grants.iter().map(|grant| of(&known.team, grant))).collect()
}

/// Only a list of groups, be it empty, takes away; and nothing does so in the additive mode but what SCIM says in so many words.
fn takes_nothing_for_what_was_not_said(policy: &Policy, fact: &Fact, plan: &Plan) -> Result<(), String> {
    let Fact::Login(login) = fact else { return Ok(()) };
    let may_take = policy.groups.sync != SyncMode::Additive && login.values("department").is_some();
    let takes = |action: &Action| {
        matches!(
            action,
            Action::LeaveTeam { .. }
                | Action::EndGrant { .. }
                | Action::EndRole { .. }
                | Action::Suspend { .. }
        )
    };
    holds(may_take || !plan.steps().iter().any(|step| takes(&step.action)), "a sign-in takes something away")
}

fn is_end_of_one_person(fact: &Fact) -> bool {
    matches!(fact, Fact::Scim(fact) if matches!(fact.change, ScimChange::DeleteUser { .. }))
}

fn removes_no_more_than_allowed(
    policy: &Policy,
    fact: &Fact,
    before: &Snapshot,
    after: &Snapshot,
) -> Result<(), String> {
    let lowered = |old: &Account| {
        let new = after.account(&old.id);
        let role = |team| new.and_then(|new| new.membership(team)).map(Membership::role);
        old.memberships.iter().filter(|old| role(&old.team) < Some(old.role())).count()
    };
    let teams: usize = before.accounts().map(lowered).sum();
    let is_lower = |old: &&Account| after.account(&old.id).is_some_and(|new| new.role < old.role);
    let roles = before.accounts().filter(is_lower).count();
    let is_exempt = matches!(fact, Fact::Change { .. }) || is_end_of_one_person(fact);
    holds(
        is_exempt || teams + roles <= policy.groups.max_removals as usize,
        format!("{teams} memberships and {roles} roles end or are lowered"),
    )
}

/// SCIM touches nobody whom its connection does not manage, and gives no other address to an account that is worth taking.
fn scim_keeps_what_is_not_its_own(
    policy: &Policy,
    fact: &Fact,
    before: &Snapshot,
    after: &Snapshot,
) -> Result<(), String> {
    let Fact::Scim(fact) = fact else { return Ok(()) };
    let is_new = matches!(fact.change, ScimChange::CreateUser(_));
    for old in before.accounts() {
        let Some(new) = after.account(&old.id) else { return Err(format!("{} is gone", old.id)) };
        let is_theirs = old.is_managed_over(&fact.connection) || !old.scim_groups.is_empty() || is_new;
        holds(is_theirs || old == new, format!("SCIM changes {}", old.id))?;
        let is_worth_taking =
            old.has_password || old.role != Role::Member || policy.enforcement.is_break_glass(old);
        holds(!is_worth_taking || old.email == new.email, format!("SCIM moves the address of {}", old.id))?;
    }
    Ok(())
}

/// SCIM makes no account of a member with more rights, or with a password, known over a connection that its person does not sign in over.
fn nobody_is_given_what_is_worth_taking(
    fact: &Fact,
    before: &Snapshot,
    after: &Snapshot,
) -> Result<(), String> {
    let Fact::Scim(fact) = fact else { return Ok(()) };
    let over = &fact.connection;
    for old in before.accounts() {
        let is_given = old.scim_record(over).is_none()
            && after.account(&old.id).is_some_and(|new| new.scim_record(over).is_some());
        let is_worth_taking = old.has_password || old.role != Role::Member;
        holds(
            !is_given || !is_worth_taking || old.signs_in_over(over),
            format!("SCIM over {over} is given {}", old.id),
        )?;
    }
    Ok(())
}

/// An account that SCIM over a connection gave to a person is taken over, over this connection, by this person only.
fn nobody_takes_over_what_scim_gave_to_another(
    fact: &Fact,
    before: &Snapshot,
    plan: &Plan,
) -> Result<(), String> {
    let Fact::Login(login) = fact else { return Ok(()) };
    for step in plan.steps().iter().filter(|step| step.rule.as_str() == "identity.takeovers") {
        let Action::LinkIdentity { identity, .. } = &step.action else { continue };
        let old = plan.account_of(step).and_then(|id| before.account(id));
        let record = old.and_then(|old| old.scim_record(&login.connection));
        let is_theirs = record.is_none_or(|record| {
            record.external_id.as_deref() == Some(&identity.subject) || record.is_named(&identity.subject)
        });
        holds(is_theirs, "an account that SCIM gave to another is taken over")?;
    }
    Ok(())
}

/// Where no password is good, an owner can sign in otherwise, or a break-glass account has one.
fn locks_nobody_out(policy: &Policy, after: &Snapshot) -> Result<(), String> {
    if policy.passwords_in(after) != Passwords::Required {
        return Ok(());
    }
    holds(
        policy.requirement_is_tested(after).is_ok(),
        "passwords are refused, and nobody could sign in otherwise",
    )
}

fn is_consistent(after: &Snapshot) -> Result<(), String> {
    for account in &after.accounts {
        let groups = account.role_grants.iter().map(|grant| grant.role);
        let highest = groups.fold(account.role_of_its_own(), Role::max);
        holds(account.role == highest, format!("the role of {} is not the highest", account.id))?;
        holds(account.own_role.is_some() != account.role_grants.is_empty(), "a role of its own beside none")?;
        let expected = match account.holds() {
            none if none.is_empty() => Status::Active,
            held if held == [Hold::Approval].into() => Status::PendingApproval,
            _ => Status::Suspended,
        };
        holds(account.status == expected, format!("{} is {:?}", account.id, account.status))?;
        let is_given = account.memberships.iter().all(|known| !known.grants.is_empty());
        holds(is_given, format!("nothing gives a membership of {}", account.id))?;
    }
    let keys: Vec<String> = after.accounts().flat_map(Account::keys).collect();
    let unique: BTreeSet<&String> = keys.iter().collect();
    holds(keys.len() == unique.len(), format!("two accounts have one key: {keys:?}"))?;
    let text = serde_json::to_string(after).map_err(|error| error.to_string())?;
    let read: Snapshot = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    holds(read == *after, "the state is another one when it was written and read")
}

fn explains_itself(plan: &Plan) -> Result<(), String> {
    let lines = plan.explanation();
    let is_full = lines.len() == plan.steps().len().max(1) + plan.notes().len();
    let has_rules =
        plan.steps().iter().all(|step| !step.rule.as_str().is_empty() && !step.because.is_empty());
    holds(is_full && has_rules && lines.iter().all(|line| !line.is_empty()), "a step without a word")
}

/// Whoever SCIM deactivates or deletes, or an administrator suspends, is out at once.
fn ends_what_it_ends(fact: &Fact, plan: &Plan, after: &Snapshot) -> Result<(), String> {
    for step in plan.steps().iter().filter(|step| plan.ends_sessions(step)) {
        let account = plan.account_of(step).cloned().or_else(|| plan.account_in(after));
        let ended = account.and_then(|id| after.account(&id)).and_then(|account| account.ended_at);
        holds(ended >= Some(plan.at()), "sessions from before are not ended")?;
    }
    let out = match fact {
        Fact::Scim(fact) => match &fact.change {
            ScimChange::SetUser { account, user, .. } if user.active == Some(false) => Some(account),
            ScimChange::DeleteUser { account, .. } => Some(account),
            _ => None,
        },
        _ => None,
    };
    let is_out = out.and_then(|id| after.account(id)).is_none_or(|account| !account.is_active());
    holds(is_out, "who is deactivated by SCIM is still active")
}

/// The code of a refusal.
pub(crate) fn code(planned: &Result<Plan, PlanRefusal>) -> &'static str {
    planned.as_ref().map_or_else(PlanRefusal::code, |_| "planned")
}
