//! An organization that lost its entitlement: nobody gets in any more by SCIM, and everybody gets out. And no end of one person is stopped by the
//! breaker.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up must stop")]

use chrono::{DateTime, Utc};
use vouchsafe_assertion::ConnectionId;
use vouchsafe_crypto::Provider;
use vouchsafe_metadata::EntityId;
use vouchsafe_provisioning::{
    AccountId, GroupId, Organization, OrganizationId, Plan, PlanRefusal, Policy, Role, ScimChange, ScimFact,
    ScimGroup, ScimMembers, ScimUser, Snapshot, Team, TeamId,
};

fn now() -> DateTime<Utc> {
    "2026-01-15T09:00:00Z".parse().unwrap()
}

fn plan(policy: &Policy, state: &Snapshot, change: ScimChange) -> Result<Plan, PlanRefusal> {
    policy.plan(ScimFact::new(ConnectionId::new("acme").unwrap(), change, now()), state)
}

/// Acme with Ada, who is in the SCIM groups Red and Blue, and in the teams of their names.
fn acme(policy: &Policy) -> (Snapshot, AccountId) {
    let mut acme = Organization::new(OrganizationId::new("acme"), "acme", "Acme");
    acme.entitled = true;
    acme.verified_domains = vec!["example.com".to_owned()];
    acme.convert(EntityId::new("http://www.okta.com/exk1").unwrap(), &Provider::rustcrypto(), now()).unwrap();
    let mut state = Snapshot::new(acme);
    for name in ["Red", "Blue"] {
        state.teams.push(Team::new(TeamId::new(name), OrganizationId::new("acme"), name));
    }
    let made = plan(policy, &state, ScimChange::CreateUser(user(true))).unwrap();
    state = state.after(&made);
    let ada = state.accounts().next().unwrap().id.clone();
    for name in ["Red", "Blue"] {
        let group = ScimChange::create_group(GroupId::new(name), ScimGroup::new(name), [ada.clone()]);
        state = state.after(&plan(policy, &state, group).unwrap());
    }
    assert_eq!(state.account(&ada).unwrap().memberships.len(), 2);
    (state, ada)
}

fn user(is_active: bool) -> ScimUser {
    let mut user = ScimUser::new("ada@example.com");
    user.email = Some("ada@example.com".to_owned());
    user.active = Some(is_active);
    user
}

#[test]
fn without_entitlement_scim_lets_nobody_in_and_everybody_out() {
    let policy = Policy::default();
    let (mut state, ada) = acme(&policy);
    state.organization.entitled = false;
    let group = || GroupId::new("Red");
    let into = [
        ScimChange::CreateUser(ScimUser::new("eve@example.com")),
        ScimChange::set_user(ada.clone(), user(true)),
        ScimChange::set_user(ada.clone(), ScimUser::new("ada@example.com")),
        ScimChange::create_group(GroupId::new("Green"), ScimGroup::new("Green"), [ada.clone()]),
        ScimChange::set_group(group(), ScimGroup::new("Red"), ScimMembers::unchanged()),
    ];
    for change in into {
        let refused = plan(&policy, &state, change).unwrap_err();
        assert_eq!(refused.code(), "provisioning.not_entitled");
    }
    let suspended =
        state.after(&plan(&policy, &state, ScimChange::set_user(ada.clone(), user(false))).unwrap());
    assert!(!suspended.account(&ada).unwrap().is_active());
    let emptied = state.after(&plan(&policy, &state, ScimChange::delete_group(group())).unwrap());
    assert!(emptied.group(&group()).is_none());
    let deleted = state.after(&plan(&policy, &state, ScimChange::delete_user(ada.clone())).unwrap());
    assert!(!deleted.account(&ada).unwrap().is_active() && deleted.account(&ada).unwrap().is_deleted());
}

#[test]
fn the_breaker_stops_a_group_and_not_the_end_of_one_person() {
    let policy = Policy::from_toml("[groups]\nmax_removals = 1").unwrap();
    let (state, ada) = acme(&policy);
    let after = state.after(&plan(&policy, &state, ScimChange::delete_user(ada.clone())).unwrap());
    assert!(after.account(&ada).unwrap().memberships.is_empty(), "both at once");
    // Two people in one group are more than one.
    let eve = ScimChange::CreateUser(ScimUser::new("eve@example.com"));
    let state = state.after(&plan(&policy, &state, eve).unwrap());
    let eve = state.account_with_email("eve@example.com").unwrap().id.clone();
    let both = ScimMembers::All([ada, eve].into());
    let state = state.after(
        &plan(&policy, &state, ScimChange::set_group(GroupId::new("Red"), ScimGroup::new("Red"), both))
            .unwrap(),
    );
    let refused = plan(&policy, &state, ScimChange::delete_group(GroupId::new("Red"))).unwrap_err();
    assert_eq!(refused.code(), "provisioning.too_many_removals");
}

/// Whose role a plan lowers is counted, and nobody else: not whose role it raises, and not who is not in it.
#[test]
fn the_breaker_counts_roles_that_are_lowered() {
    let policy = Policy::from_toml(
        "[groups]\nunmapped = 'ignore'\nmax_removals = 1\n[[groups.roles]]\ngroup = 'Admins'\nrole = 'admin'",
    )
    .unwrap();
    let (mut state, ada) = acme(&Policy::default());
    for name in ["eve", "bob", "joe"] {
        let user = ScimChange::CreateUser(ScimUser::new(format!("{name}@example.com")));
        state = state.after(&plan(&policy, &state, user).unwrap());
    }
    let eve = state.account_with_email("eve@example.com").unwrap().id.clone();
    let id = || GroupId::new("Admins");
    let push = ScimChange::create_group(id(), ScimGroup::new("Admins"), [ada.clone(), eve.clone()]);
    let raised = state.after(&plan(&policy, &state, push).unwrap());
    let admins = |state: &Snapshot| state.accounts().filter(|account| account.role == Role::Admin).count();
    assert_eq!(admins(&raised), 2, "two at once");
    let refused = plan(&policy, &raised, ScimChange::delete_group(id())).unwrap_err();
    assert_eq!(refused.code(), "provisioning.too_many_removals");
    let only_eve = ScimMembers::changed([], [ada]);
    let one = ScimChange::set_group(id(), ScimGroup::new("Admins"), only_eve);
    let lowered = raised.after(&plan(&policy, &raised, one).unwrap());
    assert_eq!(admins(&lowered), 1);
    let last = lowered.after(&plan(&policy, &lowered, ScimChange::delete_group(id())).unwrap());
    assert_eq!(admins(&last), 0);
}
