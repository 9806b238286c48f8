//! Tests of the cost of a login with many groups and of a group with many members: the work per item must not depend on
//! the number of items.

use chrono::{DateTime, Utc};
use vouchsafe_assertion::ConnectionId;
use vouchsafe_crypto::Provider;
use vouchsafe_metadata::EntityId;

use crate::{
    Account, AccountId, GroupId, Identity, LoginFacts, LookUp, Organization, OrganizationId, Policy, Project,
    ProjectId, ScimChange, ScimFact, ScimGroup, Snapshot, Team, TeamId, snapshot::WALKS, text::FOLDED,
};

fn now() -> DateTime<Utc> {
    "2026-01-15T09:00:00Z".parse().unwrap()
}

fn login(groups: usize) -> (Snapshot, LoginFacts) {
    let okta = EntityId::new("http://www.okta.com/exk1").unwrap();
    let mut acme = Organization::new(OrganizationId::new("acme"), "acme", "Acme");
    acme.entitled = true;
    acme.verified_domains = vec!["example.com".to_owned()];
    let token = acme.convert(okta.clone(), &Provider::rustcrypto(), now()).unwrap().reveal();
    let login = LoginFacts::new(ConnectionId::new("acme").unwrap(), okta, "ada", now())
        .with_attribute("user.email", ["ada@example.com"])
        .with_attribute("token", [token])
        .with_attribute("department", (0..groups).map(|number| format!("Group {number}")));
    (Snapshot::new(acme), login)
}

fn rules(count: usize) -> String {
    let mut toml = "[attributes]\ngroups = 'department'\n[groups]\ncreate_teams = true\n".to_owned();
    for number in 0..count {
        toml += &format!("[[groups.map]]\ngroup = 'group {number}'\nteam = 'Team {number}'\n");
        toml += &format!("[[groups.roles]]\ngroup = 'group {number}'\nrole = 'member'\n");
    }
    toml
}

/// How many names are folded by an operation.
fn folds<T>(what: impl FnOnce() -> T) -> (usize, T) {
    FOLDED.set(0);
    let done = what();
    (FOLDED.get(), done)
}

#[test]
fn names_are_folded_once_for_each_group_rule_team_and_step() {
    let policy = Policy::from_toml(&rules(100)).unwrap();
    let mut costs = Vec::new();
    for groups in [500, 1_000] {
        let (mut snapshot, login) = login(groups);
        for number in 0..groups {
            let (id, organization) = (format!("{number}"), snapshot.organization.id.clone());
            let name = format!("Old {number}");
            snapshot.teams.push(Team::new(TeamId::new(&id), organization.clone(), &name));
            snapshot.projects.push(Project::new(ProjectId::new(&id), organization, &name));
        }
        let (planning, plan) = folds(|| policy.plan(&login, &snapshot).unwrap());
        let (applying, after) = folds(|| snapshot.after(&plan));
        let (again, second) = folds(|| policy.plan(&login, &after).unwrap());
        assert!(second.is_empty(), "{second}");
        let (restricting, _) =
            folds(|| after.restricted_to(&LookUp::of(&login).unwrap(), &policy.names_for(&login)));
        // A constant number for each of the groups, rules, teams and projects, and for the steps, of which there are
        // four for each group.
        for cost in [planning, applying, again, restricting] {
            assert!(
                cost <= 10 * groups + 1_000,
                "{groups} groups: {planning} {applying} {again} {restricting}"
            );
        }
        costs.push(planning + applying + again + restricting);
    }
    assert!(costs[1] <= costs[0] * 22 / 10, "{costs:?}");
}

#[test]
fn the_accounts_are_gone_through_as_often_for_a_thousand_members_as_for_ten() {
    let policy = Policy::from_toml(&rules(100)).unwrap();
    let mut costs = Vec::new();
    for members in [10, 1_000] {
        let (mut snapshot, login) = login(0);
        let connection = login.connection.clone();
        for number in 0..members {
            let id = AccountId::new(format!("a{number}"));
            let email = format!("a{number}@example.com");
            let mut account = Account::new(id, snapshot.organization.id.clone(), &email);
            account.identities.push(Identity::new(connection.clone(), email));
            snapshot.accounts.push(account);
        }
        snapshot.organization.connections.insert(connection.clone());
        let all: Vec<AccountId> = snapshot.accounts.iter().map(|account| account.id.clone()).collect();
        let change = ScimChange::create_group(GroupId::new("g"), ScimGroup::new("All"), all);
        WALKS.set(0);
        let fact = ScimFact::new(connection, change, now());
        let (folded, plan) = folds(|| policy.plan(fact, &snapshot).unwrap());
        costs.push(WALKS.get());
        assert!(folded <= 10 * members + 1_000, "{members} members: {folded}");
        let after = snapshot.after(&plan);
        assert!(after.accounts.iter().all(|account| account.scim_groups.contains(&GroupId::new("g"))));
    }
    assert_eq!(costs[0], costs[1]);
}
