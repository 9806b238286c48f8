//! Logins with many groups: what is too much, and that finding things by maps decides what searching did.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot be set up must stop")]

mod random;
mod searching;

use proptest::prelude::*;
use random::{ACME, logins, now, okta, policies, snapshots};
use vouchsafe_assertion::ConnectionId;
use vouchsafe_provisioning::{
    Action, LoginFacts, Organization, Policy, Project, ProjectId, Snapshot, Source, Team, TeamId,
};

fn login(groups: impl IntoIterator<Item = String>) -> LoginFacts {
    LoginFacts::new(ConnectionId::new("acme").unwrap(), okta(), "ada", now())
        .with_attribute("token", [ACME.1.clone()])
        .with_attribute("user.email", ["ada@example.com"])
        .with_attribute("department", groups)
}

fn numbered(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|number| format!("Group {number}"))
}

fn acme() -> Snapshot {
    let acme: Organization = ACME.0.clone();
    Snapshot::new(acme)
}

#[test]
fn more_groups_than_the_ceiling_give_nothing_and_take_nothing() {
    let policy = Policy::from_toml(
        "[attributes]\ngroups = 'department'\n[groups]\ncreate_teams = true\nsync = 'managed'",
    )
    .unwrap();
    let most = LoginFacts::MAX_GROUPS;
    let plan = policy.plan(login(numbered(most)), &acme()).unwrap();
    assert_eq!(
        plan.steps().iter().filter(|step| matches!(step.action, Action::JoinTeam { .. })).count(),
        most
    );
    let known = acme().after(&plan);
    // One more, none of them known: nothing is joined, made or left.
    let others = (0..=most).map(|number| format!("Other {number}"));
    let plan = policy.plan(login(others.clone()), &known).unwrap();
    assert!(plan.is_empty(), "{plan}");
    assert_eq!(plan.notes().len(), 1, "{plan}");
    assert!(plan.to_string().contains("more than 1000 groups"), "{plan}");
    assert!(policy.names_for(&login(others)).is_empty(), "a store looks up none of them");
    // A new person is let in, and gets what new people get.
    let plan = policy.plan(login(numbered(most + 1)), &acme()).unwrap();
    assert!(matches!(plan.steps()[0].action, Action::CreateAccount { .. }), "{plan}");
    assert_eq!(plan.steps().len(), 2, "{plan}");
    // One group in many spellings, and blanks, are one.
    let same = (0..3 * most).map(|number| [" Ops", "ops ", "OPS", ""][number % 4].to_owned());
    let plan = policy.plan(login(same), &acme()).unwrap();
    assert!(plan.notes().is_empty(), "{plan}");
}

#[test]
fn a_thousand_groups_are_decided_as_by_searching() {
    let mut toml =
        "[attributes]\ngroups = 'department'\n[groups]\ncreate_teams = true\nignore = ['GROUP 7']\n"
            .to_owned();
    for number in 0..90 {
        let (key, team) = (if number % 3 == 0 { "group_id" } else { "group" }, number % 20);
        toml += &format!("[[groups.map]]\n{key} = 'Group {}'\nteam = 'team {team}'\n", number % 60);
    }
    let policy = Policy::from_toml(&toml).unwrap();
    let mut snapshot = acme();
    for number in 0..500 {
        let organization = snapshot.organization.id.clone();
        let name = if number % 2 == 0 { format!("Team {number}") } else { format!("GROUP {number}") };
        snapshot.teams.push(Team::new(TeamId::new(number.to_string()), organization.clone(), &name));
        snapshot.projects.push(Project::new(ProjectId::new(number.to_string()), organization, name));
    }
    let login = login(numbered(1_000));
    let plan = policy.plan(&login, &snapshot).unwrap();
    assert_eq!(joined(&plan), searching::wanted(&policy, &login, &snapshot));
    assert_eq!(snapshot.after(&plan), searching::after(&snapshot, &plan));
}

/// An id is exact: a group of the same name in another case, before it or after it, does not stand for it.
#[test]
fn groups_that_differ_in_case_alone_are_each_looked_at() {
    let toml = "[attributes]\ngroups = 'department'\n[groups]\nunmapped = 'ignore'\n[[groups.map]]\ngroup_id = 'Engineering'\nteam = 'Everyone'\n";
    let policy = Policy::from_toml(toml).unwrap();
    let mut snapshot = acme();
    let everyone = Team::new(TeamId::new("t"), snapshot.organization.id.clone(), "Everyone");
    snapshot.teams.push(everyone);
    for groups in [["ENGINEERING", "Engineering"], ["Engineering", "ENGINEERING"], ["Engineering"; 2]] {
        let login = login(groups.map(str::to_owned).to_vec());
        let plan = policy.plan(&login, &snapshot).unwrap();
        assert_eq!(joined(&plan).len(), 1, "{groups:?}: {plan}");
        assert_eq!(joined(&plan), searching::wanted(&policy, &login, &snapshot));
    }
}

/// The teams by name, with what gives them.
fn joined(plan: &vouchsafe_provisioning::Plan) -> searching::Wanted {
    let of = |action: &Action| match action {
        Action::JoinTeam { team, source, .. } | Action::SetGrant { team, source, .. } => {
            Some((team.name.trim().to_lowercase(), source.clone()))
        }
        _ => None,
    };
    plan.steps().iter().filter_map(|step| of(&step.action)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn every_plan_is_decided_and_applied_as_by_searching(
        policy in policies(), login in logins(), state in snapshots(),
    ) {
        if let Ok(plan) = policy.plan(&login, &state) {
            prop_assert_eq!(state.after(&plan), searching::after(&state, &plan));
            if plan.account().is_none() {
                let mut joined = joined(&plan);
                joined.retain(|(_, source)| *source != Source::Defaults);
                prop_assert_eq!(joined, searching::wanted(&policy, &login, &state));
            }
        }
    }
}
