//! The laws of the planner over histories: facts of every kind, one after the other, each on what those before it made.
//!
//! A few hundred histories run with the tests. `VOUCHSAFE_LAW_CASES=10000` runs ten thousand; a million take some minutes:
//! `VOUCHSAFE_LAW_CASES=1000000 cargo test --release -p vouchsafe-provisioning --test histories`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot be set up must stop"
)]
#![expect(dead_code, reason = "the random policies of one sign-in are used by another test")]

mod lawful;
mod random;
mod world;

use std::collections::{BTreeMap, BTreeSet};

use proptest::{collection::vec, prelude::*, sample::select, strategy::ValueTree, test_runner::TestRunner};
use random::{ACME, connection, now, okta};
use vouchsafe_provisioning::{
    Fact, GroupId, LoginFacts, Permission, Policy, ScimChange, ScimFact, ScimGroup, Snapshot, Source,
};
use world::{user, wishes, world, world_policies};

fn cases() -> ProptestConfig {
    let count = std::env::var("VOUCHSAFE_LAW_CASES").ok();
    let count = count.map_or(300, |count| count.parse().expect("VOUCHSAFE_LAW_CASES is a number"));
    ProptestConfig {
        cases: count,
        max_shrink_iters: 20_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn every_fact_of_a_history_keeps_the_laws(
        policy in world_policies(), history in vec(wishes(), 1..12), limit in prop::option::weighted(0.3, 1_u32..4),
    ) {
        let mut state = world();
        state.organization.seat_limit = limit;
        for wish in history {
            let Some(fact) = wish.fact(&state) else { continue };
            match lawful::check(&policy, &fact, &state) {
                Ok(Some(after)) => state = after,
                Ok(None) => {}
                Err(wrong) => return Err(TestCaseError::fail(format!("{wish:?}: {wrong}"))),
            }
        }
    }

    /// The same groups give the same memberships, whether the person signs in first or the identity provider pushes first.
    #[test]
    fn a_login_and_scim_commute(
        policy in world_policies(),
        history in vec(wishes(), 0..4),
        claimed in prop::option::of(vec(select(["Engineering", "Sales", "perf-team"].as_slice()), 0..3)),
        pushed in vec(select(["Engineering", "Sales", "perf-team"].as_slice()), 0..3),
    ) {
        let mut state = world();
        for wish in history {
            let plan = wish.fact(&state).and_then(|fact| policy.plan(&fact, &state).ok());
            state = plan.map_or(state.clone(), |plan| state.after(&plan));
        }
        state.groups.retain(|group| group.organization != state.organization.id);
        for account in &mut state.accounts {
            account.scim_groups.clear();
        }
        let login = LoginFacts::new(connection(), okta(), "zoe", now())
            .with_attribute("user.email", ["zoe@example.com"])
            .with_attribute("token", [ACME.1.clone()]);
        let login = match &claimed {
            Some(groups) => login.with_attribute("department", groups.clone()),
            None => login,
        };
        let pushed: BTreeSet<&str> = pushed.into_iter().collect();
        let first = scim_of(&policy, sign_in(&policy, Some(state.clone()), &login), &pushed);
        let second = sign_in(&policy, scim_of(&policy, Some(state), &pushed), &login);
        // Whoever is refused in one order is refused, or made by the other fact, in the other: compared where both go through.
        if let (Some(first), Some(second)) = (first, second) {
            prop_assert_eq!(grants_of_zoe(&first), grants_of_zoe(&second));
        }
    }
}

fn sign_in(policy: &Policy, state: Option<Snapshot>, login: &LoginFacts) -> Option<Snapshot> {
    let state = state?;
    let plan = policy.plan(login, &state).ok()?;
    Some(state.after(&plan))
}

/// The person and each group, as an identity provider pushes them.
fn scim_of(policy: &Policy, state: Option<Snapshot>, groups: &BTreeSet<&str>) -> Option<Snapshot> {
    let mut state = state?;
    let fact = |change| Fact::from(ScimFact::new(connection(), change, now()));
    let create = fact(ScimChange::CreateUser(user("zoe", Some(true))));
    state = state.after(&policy.plan(create, &state).ok()?);
    let zoe = state.account_with_email("zoe@example.com")?.id.clone();
    for name in groups {
        let (id, group) = (GroupId::new(format!("pushed-{name}")), ScimGroup::new(*name));
        let create = fact(ScimChange::create_group(id, group, [zoe.clone()]));
        state = state.after(&policy.plan(create, &state).ok()?);
    }
    Some(state)
}

fn grants_of_zoe(state: &Snapshot) -> BTreeSet<(String, Source, Permission)> {
    let zoe = state.account_with_email("zoe@example.com").expect("she has an account");
    let name = |team: &vouchsafe_provisioning::TeamId| {
        state.team(team).map(|team| team.name.to_lowercase()).unwrap_or_default()
    };
    lawful::grants(zoe).into_iter().map(|(team, source, role)| (name(&team), source, role)).collect()
}

/// The laws would hold for nothing if the histories reached nothing.
#[test]
fn the_histories_reach_every_kind_of_step_and_refusal() {
    let mut runner = TestRunner::deterministic();
    let mut reached: BTreeMap<String, usize> = BTreeMap::new();
    let mut commuted = 0;
    for _ in 0..1_500 {
        let tree = (world_policies(), vec(wishes(), 1..12)).new_tree(&mut runner).unwrap();
        let (policy, history) = tree.current();
        let mut state = world();
        for wish in history {
            let Some(fact) = wish.fact(&state) else { continue };
            let planned = policy.plan(&fact, &state);
            *reached.entry(lawful::code(&planned).to_owned()).or_default() += 1;
            let Ok(plan) = planned else { continue };
            for step in plan.steps() {
                let word = format!("{:?}", step.action);
                *reached.entry(word.split([' ', '{']).next().unwrap().to_owned()).or_default() += 1;
            }
            state = state.after(&plan);
        }
        commuted += usize::from(
            sign_in(&policy, scim_of(&policy, Some(world()), &["Sales"].into()), &zoe()).is_some(),
        );
    }
    assert!(commuted > 300, "only {commuted} of 1500 policies let her sign in after SCIM");
    for kind in [
        "CreateAccount",
        "LinkIdentity",
        "CreateTeam",
        "CreateProject",
        "LinkProject",
        "JoinTeam",
        "SetGrant",
        "EndGrant",
        "LeaveTeam",
        "Suspend",
        "Reactivate",
        "EndSessions",
        "SetRole",
        "GrantRole",
        "EndRole",
        "SetScimRecord",
        "CreateGroup",
        "ChangeGroup",
        "DeleteGroup",
        "JoinGroup",
        "LeaveGroup",
        "SetField",
        "provisioning.last_owner",
        "provisioning.too_many_removals",
        "provisioning.approval_pending",
        "provisioning.account_suspended",
        "provisioning.scim_only",
        "provisioning.creation_off",
        "provisioning.scim_user_exists",
        "provisioning.scim_takeover_refused",
        "provisioning.scim_not_managed",
        "provisioning.group_name",
        "provisioning.group_blocked",
        "provisioning.email_taken",
    ] {
        assert!(reached.get(kind).copied().unwrap_or_default() >= 3, "{kind}: {reached:#?}");
    }
}

fn zoe() -> LoginFacts {
    LoginFacts::new(connection(), okta(), "zoe", now())
        .with_attribute("user.email", ["zoe@example.com"])
        .with_attribute("token", [ACME.1.clone()])
}
