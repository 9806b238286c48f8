//! The laws of the planner, on random policies, logins and states.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot be set up must stop")]

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use proptest::{collection::vec, option, prelude::*, sample::select};
use vouchsafe_assertion::ConnectionId;
use vouchsafe_crypto::Provider;
use vouchsafe_metadata::EntityId;
use vouchsafe_provisioning::{
    Account, AccountId, Action, Domain, Identity, LoginFacts, LookUp, Membership, Organization,
    OrganizationId, Origin, Permission, Plan, Policy, Project, ProjectId, Refused, Role, RuleId, Snapshot,
    Status, Team, TeamId,
};

const NAMES: [&str; 8] =
    ["Engineering", " engineering", "Sales", "R&D", "Everyone", "STRASSE", "straße", "Ops\u{7}"];
const PEOPLE: [&str; 4] = ["ada", "bob", "eve", "joe"];
const DOMAINS: [&str; 2] = ["example.com", "other.example"];

/// An organization that is converted, and its token. Made once: the token is random.
static ACME: LazyLock<(Organization, String)> = LazyLock::new(|| {
    let mut acme = Organization::new(OrganizationId::new("acme"), "acme", "Acme");
    acme.entitled = true;
    acme.verified_domains = vec!["Example.com".to_owned()];
    let token =
        acme.convert(okta(), &Provider::rustcrypto(), now()).expect("an entitled organization converts");
    (acme, token.reveal())
});

fn connection() -> ConnectionId {
    ConnectionId::new("acme").unwrap()
}

fn okta() -> EntityId {
    EntityId::new("http://www.okta.com/exk1").unwrap()
}

fn now() -> DateTime<Utc> {
    "2026-01-15T09:00:00Z".parse().unwrap()
}

prop_compose! {
    fn policies()(
        names in vec(select(NAMES.as_slice()), 0..2),
        rules in vec((any::<bool>(), select(NAMES.as_slice()), select(NAMES.as_slice()), roles()), 0..4),
        create in prop::bool::weighted(0.8),
        (create_teams, link, same_name) in any::<(bool, bool, bool)>(),
        follow in select(["every_login", "create_only", "never"].as_slice()),
        domains in vec(select(DOMAINS.as_slice()), 0..2),
    ) -> Policy {
        let teams: Vec<String> = names.iter().map(|name| format!("{{ name = {name:?} }}")).collect();
        let mut toml = format!(
            "[attributes]\ngroups = 'department'\n[identity]\nlink_by_email = {link}\n\
             [admission]\ncreate = {create}\ndomains = {domains:?}\n\
             [profile]\nemail = '{follow}'\nfirst_name = '{follow}'\n\
             [defaults]\nteams = [{}]\nprojects = [{}]\n\
             [groups]\ncreate_teams = {create_teams}\nunmapped = '{}'\n",
            teams.join(","), teams.join(","), if same_name { "same_name" } else { "ignore" },
        );
        for (by_name, group, team, role) in rules {
            let key = if by_name { "group" } else { "group_id" };
            toml += &format!("[[groups.map]]\n{key} = {group:?}\nteam = {team:?}\nrole = '{role}'\n");
        }
        // Rust and TOML write a control character differently.
        Policy::from_toml(&toml.replace("\\u{7}", "\\u0007")).expect("the policy is well-formed")
    }
}

fn roles() -> impl Strategy<Value = &'static str> {
    select(["read_only", "read_write", "admin"].as_slice())
}

prop_compose! {
    fn logins()(
        subject in select(PEOPLE.as_slice()),
        person in option::weighted(0.8, select(PEOPLE.as_slice())),
        domain in select(DOMAINS.as_slice()),
        first_name in vec(select(["Ada", "Bob", " "].as_slice()), 0..3),
        groups in option::of(vec(select(NAMES.as_slice()), 0..5)),
    ) -> LoginFacts {
        let mut login = LoginFacts::new(connection(), okta(), subject, now())
            .with_assertion_id("id1")
            .with_attribute("token", [ACME.1.clone()])
            .with_attribute("user.first_name", first_name);
        if let Some(person) = person {
            login = login.with_attribute("user.email", [format!("{person}@{domain}")]);
        }
        if let Some(groups) = groups {
            login = login.with_attribute("department", groups);
        }
        login
    }
}

prop_compose! {
    fn accounts(teams: usize)(
        person in select(PEOPLE.as_slice()),
        domain in select(DOMAINS.as_slice()),
        identity in option::of(select(PEOPLE.as_slice())),
        (foreign, suspended, has_password, owner) in (
            prop::bool::weighted(0.2), prop::bool::weighted(0.2), any::<bool>(), prop::bool::weighted(0.3)),
        memberships in vec((0..teams, any::<bool>()), 0..3),
    ) -> Account {
        let organization = OrganizationId::new(if foreign { "other" } else { "acme" });
        let id = AccountId::new(format!("account-{person}@{domain}-{foreign}"));
        let mut account = Account::new(id, organization, format!("{person}@{domain}"));
        account.identities.extend(identity.map(|subject| Identity::new(connection(), subject)));
        account.status = if suspended { Status::Suspended } else { Status::Active };
        account.role = if owner { Role::Owner } else { Role::Member };
        account.has_password = has_password;
        for (team, by_hand) in memberships {
            let team = TeamId::new(format!("team-{team}"));
            if account.membership(&team).is_none() {
                let origin = if by_hand { Origin::Hand } else { Origin::Rule(RuleId::new("defaults.teams")) };
                account.memberships.push(Membership::new(team, Permission::ReadOnly, origin));
            }
        }
        account
    }
}

/// An organization; and things of another one in the same snapshot, which no store would put there.
fn snapshots() -> impl Strategy<Value = Snapshot> {
    let named = vec((select(NAMES.as_slice()), prop::bool::weighted(0.2)), 2..10);
    let others = option::weighted(0.2, select(DOMAINS.as_slice()));
    (named.clone(), named, vec(accounts(6), 0..5), option::weighted(0.2, 0_u32..4), others).prop_map(
        |(teams, projects, accounts, seat_limit, others)| {
            let mut snapshot = Snapshot::new(ACME.0.clone());
            snapshot.organization.seat_limit = seat_limit;
            snapshot.domains_of_others.extend(others.map(|domain| Domain::parse(domain).unwrap()));
            let owner = |foreign: bool| OrganizationId::new(if foreign { "other" } else { "acme" });
            for (number, (name, foreign)) in teams.into_iter().enumerate() {
                if foreign || snapshot.team_named(name).is_none() {
                    let id = TeamId::new(format!("team-{number}"));
                    snapshot.teams.push(Team::new(id, owner(foreign), name));
                }
            }
            for (number, (name, foreign)) in projects.into_iter().enumerate() {
                if foreign || snapshot.project_named(name).is_none() {
                    let id = ProjectId::new(format!("project-{number}"));
                    snapshot.projects.push(Project::new(id, owner(foreign), name));
                }
            }
            for account in accounts {
                let clashes = |known: &Account| {
                    known.organization == account.organization
                        && (known.email == account.email
                            || known.identities.iter().any(|identity| account.identities.contains(identity)))
                };
                if !snapshot.accounts.iter().any(clashes) {
                    snapshot.accounts.push(account);
                }
            }
            snapshot
        },
    )
}

/// Whether everything that was made by hand is still there, unchanged.
fn keeps_what_is_made_by_hand(before: &Snapshot, after: &Snapshot) -> bool {
    before.accounts.iter().all(|old| {
        after.accounts.iter().find(|new| new.id == old.id).is_some_and(|new| {
            let mut by_hand = old.memberships.iter().filter(|membership| membership.origin.is_hand());
            new.role == old.role && by_hand.all(|membership| new.memberships.contains(membership))
        })
    }) && before.teams.iter().all(|team| after.teams.contains(team))
        && before.projects.iter().all(|project| after.projects.contains(project))
}

/// The ids of teams and projects in a plan.
fn mentioned(plan: &Plan) -> Vec<String> {
    let mut ids = Vec::new();
    for step in plan.steps() {
        match &step.action {
            Action::LinkProject { team, project, .. } => {
                ids.extend(team.id.as_ref().map(ToString::to_string));
                ids.extend(project.id.as_ref().map(ToString::to_string));
            }
            Action::JoinTeam { team, .. }
            | Action::ChangeTeamRole { team, .. }
            | Action::LeaveTeam { team, .. } => ids.extend(team.id.as_ref().map(ToString::to_string)),
            Action::AssignProject { project, .. } => ids.extend(project.id.as_ref().map(ToString::to_string)),
            _ => {}
        }
    }
    ids
}

fn others_accounts(snapshot: &Snapshot) -> Vec<&Account> {
    let own = &snapshot.organization.id;
    snapshot.accounts.iter().filter(|account| account.organization != *own).collect()
}

fn owners(snapshot: &Snapshot) -> usize {
    snapshot.accounts().filter(|account| account.is_active() && account.role == Role::Owner).count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn planning_again_on_the_result_changes_nothing(
        policy in policies(), login in logins(), state in snapshots(),
    ) {
        if let Ok(plan) = policy.plan(&login, &state) {
            let after = state.after(&plan);
            let again = policy.plan(&login, &after).expect("who was let in is let in again");
            prop_assert!(again.is_empty(), "{plan}\n---\n{again}");
            prop_assert_eq!(after.after(&again), after);
        }
    }

    #[test]
    fn a_plan_never_mentions_another_organization(
        policy in policies(), login in logins(), state in snapshots(),
    ) {
        if let Ok(plan) = policy.plan(&login, &state) {
            let own = &state.organization.id;
            prop_assert_eq!(plan.organization(), own);
            let teams = state.teams.iter().filter(|team| team.organization == *own).map(|team| team.id.to_string());
            let projects = state.projects.iter().filter(|project| project.organization == *own);
            let known: Vec<String> = teams.chain(projects.map(|project| project.id.to_string())).collect();
            prop_assert!(mentioned(&plan).iter().all(|id| known.contains(id)), "{plan}");
            prop_assert!(plan.account().is_none_or(|id| state.account(id).is_some()));
            let after = state.after(&plan);
            prop_assert_eq!(others_accounts(&state), others_accounts(&after));
        }
    }

    #[test]
    fn nothing_made_by_hand_goes_and_no_owner_is_lost(
        policy in policies(), login in logins(), state in snapshots(),
    ) {
        if let Ok(plan) = policy.plan(&login, &state) {
            let after = state.after(&plan);
            prop_assert!(keeps_what_is_made_by_hand(&state, &after), "{plan}");
            prop_assert!(owners(&after) >= owners(&state));
        }
    }

    #[test]
    fn no_plan_gives_an_address_of_another_organizations_domain(
        policy in policies(), login in logins(), state in snapshots(),
    ) {
        if let Ok(plan) = policy.plan(&login, &state) {
            prop_assert!(plan.domains_taken().is_disjoint(&state.domains_of_others), "{plan}");
        }
    }

    #[test]
    fn saying_less_never_takes_anything_away(
        policy in policies(), login in logins(), state in snapshots(),
        absent in select(["department", "user.first_name", "user.email"].as_slice()),
    ) {
        if let Ok(plan) = policy.plan(login.without_attribute(absent), &state) {
            let takes = |action: &Action| matches!(action, Action::LeaveTeam { .. } | Action::Suspend);
            prop_assert!(!plan.steps().iter().any(|step| takes(&step.action)), "{plan}");
            let after = state.after(&plan);
            for old in state.accounts() {
                let new = after.account(&old.id).expect("no account goes");
                prop_assert!(old.memberships.iter().all(|was| new.membership(&was.team).is_some()));
                prop_assert!(old.first_name.is_none() || new.first_name.is_some());
                prop_assert!(!new.email.is_empty());
            }
        }
    }

    #[test]
    fn a_plan_depends_on_its_arguments_only(policy in policies(), login in logins(), state in snapshots()) {
        let first = policy.plan(&login, &state);
        prop_assert_eq!(&first, &policy.clone().plan(login.clone(), &state.clone()));
        let sealed = login.clone().sealed("token", &Provider::rustcrypto()).unwrap();
        prop_assert_eq!(&first, &policy.plan(sealed, &state), "a sealed login is planned the same");
        let restricted = state.restricted_to(&LookUp::of(&login).unwrap(), &policy.names_for(&login));
        prop_assert_eq!(&first, &policy.plan(&login, &restricted), "what a store gives is enough");
    }

    #[test]
    fn only_the_organizations_own_login_is_planned(
        policy in policies(), login in logins(), state in snapshots(),
    ) {
        let mut foreign = login.clone();
        foreign.connection = ConnectionId::new("globex").unwrap();
        let refused = policy.plan(&foreign, &state).unwrap_err();
        prop_assert_eq!(refused.code(), "provisioning.other_connection");
        foreign.issuer = EntityId::new("http://www.okta.com/exk2").unwrap();
        let refused = policy.plan(foreign, &state).unwrap_err();
        prop_assert_eq!(refused.code(), "provisioning.organization_mismatch");
        let mut not_entitled = state.clone();
        not_entitled.organization.entitled = false;
        let refused = policy.plan(&login, &not_entitled).unwrap_err();
        prop_assert_eq!(refused.code(), "provisioning.not_entitled");
        let without = policy.plan(login.without_attribute("token"), &state);
        let is_missing = matches!(without, Err(Refused::TokenMissing { .. }));
        prop_assert!(is_missing);
    }

    #[test]
    fn the_token_is_nowhere(policy in policies(), login in logins(), state in snapshots()) {
        let shown = match policy.plan(&login, &state) {
            Ok(plan) => {
                let after = serde_json::to_string(&state.after(&plan)).unwrap();
                format!("{plan} {plan:?} {after} {}", serde_json::to_string(&plan).unwrap())
            }
            Err(refused) => format!("{refused} {refused:?} {}", refused.hint()),
        };
        prop_assert!(!shown.contains(&ACME.1));
        let inputs = format!("{login:?} {state:?}");
        prop_assert!(!inputs.contains(&ACME.1));
        let sealed = login.sealed("token", &Provider::rustcrypto()).unwrap();
        prop_assert!(!serde_json::to_string(&sealed).unwrap().contains(&ACME.1));
    }

    #[test]
    fn a_policy_survives_writing(policy in policies()) {
        let written = toml::to_string(&policy).unwrap();
        prop_assert_eq!(Policy::from_toml(&written).unwrap(), policy);
    }

    #[test]
    fn a_plan_and_a_snapshot_survive_writing(policy in policies(), login in logins(), state in snapshots()) {
        let text = serde_json::to_string(&state).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Snapshot>(&text).unwrap(), &state);
        if let Ok(plan) = policy.plan(&login, &state) {
            let text = serde_json::to_string(&plan).unwrap();
            prop_assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
        }
    }
}

/// The laws would hold for nothing if the generators made nothing.
#[test]
fn the_generators_reach_every_kind_of_step() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let (mut planned, mut kinds) = (0, std::collections::BTreeSet::new());
    for _ in 0..2000 {
        let tree = (policies(), logins(), snapshots()).new_tree(&mut runner).unwrap();
        let (policy, login, state) = tree.current();
        match policy.plan(&login, &state) {
            Ok(plan) => {
                planned += 1;
                let words = plan.steps().iter().map(|step| format!("{:?}", step.action));
                kinds.extend(words.filter_map(|word| word.split([' ', '{']).next().map(str::to_owned)));
            }
            Err(refused) => {
                kinds.insert(refused.code().to_owned());
            }
        }
    }
    assert!(planned > 500, "only {planned} of 2000 were planned");
    for kind in [
        "CreateAccount",
        "LinkIdentity",
        "SetField",
        "CreateTeam",
        "CreateProject",
        "LinkProject",
        "JoinTeam",
        "ChangeTeamRole",
        "AssignProject",
        "provisioning.account_suspended",
        "provisioning.creation_off",
        "provisioning.domain_not_allowed",
        "provisioning.domain_of_another",
        "provisioning.seat_limit",
        "provisioning.email_taken",
        "provisioning.default_team_missing",
        "provisioning.default_project_missing",
        "provisioning.attribute_missing",
    ] {
        assert!(kinds.contains(kind), "no {kind} in {kinds:?}");
    }
}
