//! The laws of the planner, on random policies, logins and states.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot be set up must stop")]

mod random;

use proptest::{collection::vec, prelude::*, sample::select};
use random::{ACME, NAMES, ROLES, logins, now, okta, policies, snapshots, sources};
use vouchsafe_assertion::ConnectionId;
use vouchsafe_crypto::Provider;
use vouchsafe_metadata::EntityId;
use vouchsafe_provisioning::{
    Account, AccountId, Action, Actor, Change, ChangeByHand, Identity, LoginFacts, LookUp, Membership,
    Permission, Plan, PlanRefusal, Policy, Role, Snapshot, Source, Status, SyncMode, TeamId,
};

/// Whether everything that was made by hand is still there, unchanged.
fn keeps_what_is_made_by_hand(before: &Snapshot, after: &Snapshot) -> bool {
    before.accounts.iter().all(|old| {
        after.accounts.iter().find(|new| new.id == old.id).is_some_and(|new| {
            let stay = |source: &Source| matches!(source, Source::Hand | Source::Defaults);
            let granted = grants(old).into_iter().filter(|(_, source, _)| stay(source));
            let after = grants(new);
            new.role == old.role && granted.into_iter().all(|grant| after.contains(&grant))
        })
    }) && before.teams.iter().all(|team| after.teams.contains(team))
        && before.projects.iter().all(|project| after.projects.contains(project))
}

/// Each source of each membership, with what it gives.
fn grants(account: &Account) -> std::collections::BTreeSet<(TeamId, Source, Permission)> {
    let of = |membership: &Membership| {
        let team = membership.team.clone();
        membership.grants.clone().into_iter().map(move |grant| (team.clone(), grant.source, grant.role))
    };
    account.memberships.iter().flat_map(of).collect()
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
            | Action::SetGrant { team, .. }
            | Action::EndGrant { team, .. }
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

/// A change by hand, under a policy without rules of its own.
fn by_hand(state: &Snapshot, account: &AccountId, change: &Change) -> Result<Plan, PlanRefusal> {
    let by_hand = ChangeByHand {
        account: account.clone(),
        change: change.clone(),
        actor: Actor::Operator,
        because: "a test".to_owned(),
        at: now(),
    };
    Policy::default().plan(by_hand, state)
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

    /// What a group does not give any more ends, and nothing else: neither what others gave, nor anything where groups only add.
    #[test]
    fn a_login_ends_only_what_its_own_groups_gave(
        policy in policies(), login in logins(), state in snapshots(),
    ) {
        if let Ok(plan) = policy.plan(&login, &state) {
            let after = state.after(&plan);
            let is_managed = policy.groups.sync == SyncMode::Managed && login.values("department").is_some();
            for old in state.accounts() {
                let new = grants(after.account(&old.id).expect("no account goes"));
                for (team, source, role) in grants(old) {
                    let now = new.iter().find(|(at, by, _)| (at, by) == (&team, &source)).map(|(_, _, role)| *role);
                    let may_end = is_managed && plan.account() == Some(&old.id) && match &source {
                        Source::Group { connection: over, .. } => {
                            *over == login.connection || !state.organization.signs_in_over(over)
                        }
                        _ => false,
                    };
                    prop_assert!(may_end || now >= Some(role), "{team} by {source}\n{plan}");
                }
                prop_assert!(after.accounts().flat_map(|one| &one.memberships).all(|one| !one.grants.is_empty()));
            }
        }
    }

    #[test]
    fn the_end_of_one_source_takes_away_only_what_it_gave(state in snapshots(), team in 0..6, source in sources()) {
        let team = TeamId::new(format!("team-{team}"));
        for account in state.accounts().filter(|_| state.team(&team).is_some()) {
            let ended = Change::EndGrant(team.clone(), source.clone());
            let plan = by_hand(&state, &account.id, &ended).unwrap();
            let after = state.after(&plan);
            let mut expected = grants(account);
            expected.retain(|(at, by, _)| (at, by) != (&team, &source));
            let changed = after.account(&account.id).unwrap();
            prop_assert_eq!(grants(changed), expected);
            let has_another = account.membership(&team).is_some_and(|known| {
                known.grants.iter().any(|grant| grant.source != source)
            });
            prop_assert_eq!(changed.membership(&team).is_some(), has_another);
            let again = by_hand(&after, &account.id, &ended).unwrap();
            prop_assert!(again.is_empty());
        }
    }

    /// By hand means: as asked, until somebody asks for something else, whatever the groups say.
    #[test]
    fn what_is_joined_by_hand_survives_every_login(
        policy in policies(), logins in vec(logins(), 1..4), state in snapshots(), team in 0..6,
        role in select(ROLES.as_slice()),
    ) {
        let team = TeamId::new(format!("team-{team}"));
        let Some(ada) = state.accounts().next().filter(|_| state.team(&team).is_some()) else { return Ok(()) };
        let join = Change::JoinTeam(team.clone(), role);
        let mut state = state.after(&by_hand(&state, &ada.id, &join).unwrap());
        for login in logins {
            if let Ok(plan) = policy.plan(&login, &state) {
                state = state.after(&plan);
            }
            let membership = state.account(&ada.id).unwrap().membership(&team).unwrap();
            prop_assert_eq!(membership.granted_by(&Source::Hand), Some(role));
            prop_assert!(membership.role() >= role);
        }
    }

    /// Two connections say what they say in either order.
    #[test]
    fn the_groups_of_two_connections_commute(
        policy in policies(), groups in (vec(select(NAMES.as_slice()), 0..4), vec(select(NAMES.as_slice()), 0..4)),
        state in snapshots(),
    ) {
        let mut state = state;
        let names = ["acme", "acme-new"].map(|name| ConnectionId::new(name).unwrap());
        state.organization.connections = names.clone().into();
        state.accounts.retain(|account| account.identities.is_empty() && account.email != "zoe@example.com");
        let mut zoe = Account::new(AccountId::new("zoe"), state.organization.id.clone(), "zoe@example.com");
        zoe.identities.extend(names.iter().map(|name| Identity::new(name.clone(), "zoe")));
        state.accounts.push(zoe);
        let [one, other] = [(&names[0], groups.0), (&names[1], groups.1)].map(|(over, groups)| {
            LoginFacts::new(over.clone(), okta(), "zoe", now())
                .with_attribute("token", [ACME.1.clone()])
                .with_attribute("department", groups)
        });
        let after = |first: &LoginFacts, second: &LoginFacts| {
            let state = state.after(&policy.plan(first, &state).unwrap());
            let state = state.after(&policy.plan(second, &state).unwrap());
            let zoe = state.account(&AccountId::new("zoe")).unwrap().clone();
            let name = |id: &TeamId| state.team(id).map(|team| team.name.trim().to_lowercase());
            grants(&zoe).into_iter().map(|(team, source, role)| (name(&team), source, role)).collect::<Vec<_>>()
        };
        let (mut first, mut second) = (after(&one, &other), after(&other, &one));
        first.sort();
        second.sort();
        prop_assert_eq!(first, second);
    }

    #[test]
    fn an_active_owner_survives_every_change(
        state in snapshots(), team in 0..6, source in sources(), role in select([Role::Member, Role::Admin, Role::Owner].as_slice()),
    ) {
        let team = TeamId::new(format!("team-{team}"));
        let changes = [
            Change::Suspend, Change::Reactivate, Change::SetRole(role), Change::LeaveTeam(team.clone()),
            Change::JoinTeam(team.clone(), Permission::Admin), Change::EndGrant(team, source),
        ];
        let mut state = state;
        let ids: Vec<AccountId> = state.accounts().map(|account| account.id.clone()).collect();
        for (id, change) in ids.iter().flat_map(|id| changes.iter().map(move |change| (id, change))) {
            match by_hand(&state, id, change) {
                Ok(plan) => {
                    let after = state.after(&plan);
                    prop_assert!(owners(&state) == 0 || owners(&after) > 0, "{plan}");
                    state = after;
                }
                Err(refused) => prop_assert!(
                    ["provisioning.last_owner", "provisioning.team_unknown", "provisioning.seat_limit"].contains(&refused.code())
                ),
            }
        }
    }

    /// Whatever makes an account active: a sign-in, or somebody who reactivates it.
    #[test]
    fn no_plan_takes_a_seat_that_is_not_there(
        policy in policies(), login in logins(), state in snapshots(), suspended in any::<bool>(), limit in 0..4_u32,
    ) {
        let mut state = state;
        state.organization.seat_limit = Some(limit);
        if suspended {
            for account in &mut state.accounts {
                account.status = Status::Suspended;
            }
        }
        let fits = |after: &Snapshot| after.seats() <= limit || after.seats() <= state.seats();
        let taken = |state: &Snapshot| state.accounts().filter(|account| account.is_active()).count();
        if let Ok(plan) = policy.plan(&login, &state) {
            prop_assert!(fits(&state.after(&plan)), "{plan}");
        }
        let ids: Vec<AccountId> = state.accounts().map(|account| account.id.clone()).collect();
        let mut now_there = state.clone();
        for id in &ids {
            match by_hand(&now_there, id, &Change::Reactivate) {
                Ok(plan) => now_there = now_there.after(&plan),
                Err(refused) => prop_assert_eq!(refused.code(), "provisioning.seat_limit"),
            }
            prop_assert!(fits(&now_there));
            prop_assert_eq!(usize::try_from(now_there.seats()).ok(), Some(taken(&now_there)));
        }
        // Nobody is kept out for whom there is a seat.
        let room = usize::try_from(limit).unwrap_or(usize::MAX);
        prop_assert_eq!(taken(&now_there), ids.len().min(room).max(taken(&state)));
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
        let login = login.without_attribute(absent);
        // A list of groups, where it came, says what is to end.
        let groups_are_managed = policy.groups.sync == SyncMode::Managed && login.values("department").is_some();
        if let Ok(plan) = policy.plan(&login, &state) {
            let takes = |action: &Action| matches!(action, Action::LeaveTeam { .. } | Action::EndGrant { .. } | Action::Suspend { .. });
            prop_assert!(groups_are_managed || !plan.steps().iter().any(|step| takes(&step.action)), "{plan}");
            let after = state.after(&plan);
            for old in state.accounts() {
                let new = after.account(&old.id).expect("no account goes");
                let mut memberships = old.memberships.iter();
                prop_assert!(groups_are_managed || memberships.all(|was| new.membership(&was.team).is_some()));
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
        let look_up = LookUp::of(&login).unwrap().with_takeovers(&policy);
        let restricted = state.restricted_to(&look_up, &policy.names_for(&login));
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
        let is_missing = matches!(without, Err(PlanRefusal::TokenMissing { .. }));
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
        "SetGrant",
        "EndGrant",
        "LeaveTeam",
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
