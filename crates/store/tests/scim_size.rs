//! What SCIM asks for costs what it is about, and not what the organization is large.
//!
//! How many people and teams are read is held with the tests. How long it takes is measured by command, over SQLite in a file and PostgreSQL:
//! `VOUCHSAFE_SCIM_PEOPLE=20000 cargo test --release -p vouchsafe-store --test scim_size -- --nocapture`.

#![cfg(all(feature = "sqlite", feature = "postgres"))]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot go on must stop"
)]

mod postgres_server;

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use postgres_server::{Schema, schema};
use serde_json::{Map, json};
use vouchsafe::provisioning::{
    Account, AccountId, GroupId, Identity, Project, ProjectId, Role, ScimChange, ScimFact, ScimGroup,
    ScimMembers, ScimUser, Team, TeamId,
};
use vouchsafe_store::{
    About, Decision, Directory, Memory, Postgres, ScimDecision, ScimForm, ScimKey, ScimKind, ScimPage,
    ScimStore, ScimWrite, Sqlite, conformance as suite,
};

async fn postgres() -> Option<(Postgres, Schema)> {
    let schema = schema().await?;
    Some((Postgres::connect(schema.address()).await.unwrap(), schema))
}

/// What of the organization a decision was made on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Read {
    accounts: usize,
    groups: usize,
    teams: usize,
    projects: usize,
}

fn user(name: &str) -> ScimUser {
    let mut user = ScimUser::new(format!("{name}@example.com"));
    (user.external_id, user.active) = (Some(format!("ext-{name}")), Some(true));
    user.email = Some(format!("{name}@example.com"));
    user
}

fn group(name: &str) -> ScimForm {
    ScimForm::new(ScimKind::Group, name.to_owned(), None, Map::new())
}

/// Acme with an owner, so many people who were pushed, teams and projects, a team of everybody's, and a large and a small pushed group.
async fn filled<S: ScimStore + suite::Store>(store: &S, people: usize) {
    suite::scim::with_pushing_acme(store).await;
    let mut owner = Account::new(AccountId::new("owner"), suite::acme(), "owner@example.com");
    owner.role = Role::Owner;
    store.add_account(&owner, &suite::author()).await.unwrap();
    store
        .add_team(&Team::new(TeamId::new("everybody"), suite::acme(), "Everybody"), &suite::author())
        .await
        .unwrap();
    let policy = "[defaults]\nteams = [{ name = 'Everybody', role = 'read_only' }]";
    store.set_policy(&suite::acme(), policy, &suite::author()).await.unwrap();
    for number in 0..people.min(300) {
        store
            .add_team(
                &Team::new(TeamId::new(format!("team-{number}")), suite::acme(), format!("Team {number}")),
                &suite::author(),
            )
            .await
            .unwrap();
        let project = Project::new(
            ProjectId::new(format!("project-{number}")),
            suite::acme(),
            format!("Project {number}"),
        );
        store.add_project(&project, &suite::author()).await.unwrap();
    }
    let mut adding = tokio::task::JoinSet::new();
    for worker in 0..8 {
        let store = store.clone();
        adding.spawn(async move {
            for number in (worker..people).step_by(8) {
                let name = format!("u{number}");
                let mut account =
                    Account::new(AccountId::new(name.as_str()), suite::acme(), format!("{name}@example.com"));
                account.identities.push(Identity::new(suite::connection(), format!("ext-{name}")));
                store.add_account(&account, &suite::author()).await.unwrap();
            }
        });
    }
    adding.join_all().await;
    for (id, name, members) in [("small", "Small", 3), ("large", "Large", people / 2)] {
        let members = (0..members).map(|number| AccountId::new(format!("u{number}")));
        let change = ScimChange::create_group(GroupId::new(id), ScimGroup::new(name), members);
        decide(store, change, ScimWrite::Put(group(name)), None).await;
    }
}

async fn decide<S: ScimStore>(store: &S, change: ScimChange, write: ScimWrite, id: Option<(ScimKind, &str)>) {
    let from = match id {
        Some((kind, id)) => {
            let found =
                store.find_scim(&suite::connection(), kind, &ScimKey::id(id), ScimPage::first(1)).await;
            found.unwrap().first().map(Into::into)
        }
        None => None,
    };
    let fact = ScimFact::new(suite::connection(), change, suite::now());
    let token = suite::scim::request_token().record.hash;
    store.decide_scim(ScimDecision::new(suite::acme(), token, fact, from, write)).await.unwrap();
}

/// The facts that are about few.
fn facts(round: usize) -> Vec<(&'static str, ScimChange)> {
    let small = || ScimGroup::new("Small");
    let member = AccountId::new("u2");
    vec![
        ("a new person", ScimChange::CreateUser(user(&format!("new{round}")))),
        ("a person who signs in already", ScimChange::CreateUser(user(&format!("u{}", 10 + round % 10)))),
        ("a person changes", ScimChange::set_user(AccountId::new("u1"), user("u1"))),
        ("a person is deleted", ScimChange::delete_user(AccountId::new("u1"))),
        (
            "a new group",
            ScimChange::create_group(
                GroupId::new(format!("g{round}")),
                ScimGroup::new(format!("G{round}")),
                [member.clone()],
            ),
        ),
        ("one joins a large group", {
            let members = ScimMembers::changed([AccountId::new("u40")], []);
            ScimChange::set_group(GroupId::new("large"), ScimGroup::new("Large"), members)
        }),
        (
            "one leaves a small group",
            ScimChange::set_group(GroupId::new("small"), small(), ScimMembers::changed([], [member])),
        ),
        (
            "a small group is renamed",
            ScimChange::set_group(GroupId::new("small"), ScimGroup::new("Smaller"), ScimMembers::unchanged()),
        ),
        ("the members of a small group are these", {
            let members = ["u0", "u5"].map(AccountId::new).into();
            ScimChange::set_group(GroupId::new("small"), small(), ScimMembers::All(members))
        }),
        ("a small group ends", ScimChange::delete_group(GroupId::new("small"))),
    ]
}

async fn reads<S: Directory>(store: &S, change: ScimChange) -> Read {
    let fact = Box::new(ScimFact::new(suite::connection(), change, suite::now()));
    let seen = Arc::new(Mutex::new(Read::default()));
    let told = Arc::clone(&seen);
    let about = About::scim(suite::acme(), *fact.clone());
    let decision = Decision::new(about, move |snapshot, policy| {
        *told.lock().unwrap() = Read {
            accounts: snapshot.accounts.len(),
            groups: snapshot.groups.len(),
            teams: snapshot.teams.len(),
            projects: snapshot.projects.len(),
        };
        let plan = policy.plan(*fact, snapshot);
        // Nothing is written: what is decided is that nobody changes.
        plan.and_then(|_| policy.plan(vouchsafe::provisioning::Fact::sweep(suite::now()), snapshot))
    });
    let _ = store.decide(decision).await;
    *seen.lock().unwrap()
}

async fn reads_few<S: ScimStore + suite::Store>(store: S) {
    filled(&store, 60).await;
    for (what, change) in facts(0) {
        let read = reads(&store, change).await;
        assert!(read.accounts > 0 && read.accounts <= 6, "{what}: {read:?}");
        assert!(read.groups <= 3 && read.teams <= 2 && read.projects <= 1, "{what}: {read:?}");
    }
}

#[tokio::test]
async fn a_fact_reads_whom_it_is_about() {
    reads_few(Memory::new()).await;
    reads_few(Sqlite::in_memory().await.unwrap()).await;
    if let Some((store, _server)) = postgres().await {
        reads_few(store).await;
    }
}

/// How long a new person and one member more take, in the middle, in a small and in a large organization.
async fn measured<S: ScimStore + suite::Store>(store: &S, people: usize) -> [Duration; 3] {
    filled(store, people).await;
    let mut took = [Vec::new(), Vec::new(), Vec::new()];
    for round in 0..101 {
        let begun = Instant::now();
        let name = format!("new{round}@example.com");
        let attributes = json!({"emails": [{"value": name}]}).as_object().cloned().unwrap();
        let form = ScimForm::new(ScimKind::User, name, None, attributes);
        decide(store, ScimChange::CreateUser(user(&format!("new{round}"))), ScimWrite::Put(form), None).await;
        took[0].push(begun.elapsed());
        let member = AccountId::new(format!("u{}", people / 2 + 1 + round % 5));
        let members = match (round / 5) % 2 {
            0 => ScimMembers::changed([member], []),
            _ => ScimMembers::changed([], [member]),
        };
        let begun = Instant::now();
        let change = ScimChange::set_group(GroupId::new("large"), ScimGroup::new("Large"), members);
        decide(store, change, ScimWrite::Put(group("Large")), Some((ScimKind::Group, "large"))).await;
        took[1].push(begun.elapsed());
        let begun = Instant::now();
        let by = vouchsafe_store::AccountKey::subject(suite::connection(), format!("ext-u{round}"));
        store.accounts_with(&suite::acme(), &by).await.unwrap();
        took[2].push(begun.elapsed());
    }
    took.map(|mut all| {
        all.sort();
        all[all.len() / 2]
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn it_takes_as_long_in_a_large_organization_as_in_a_small_one() {
    let Some(people) = std::env::var("VOUCHSAFE_SCIM_PEOPLE").ok().and_then(|count| count.parse().ok())
    else {
        return println!("skipped: VOUCHSAFE_SCIM_PEOPLE says how many people the large organization has");
    };
    let folder = std::env::temp_dir().join(format!("vouchsafe-scim-size-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut rows = Vec::new();
    for people in [20, people] {
        let store = Sqlite::open(folder.join(format!("{people}.sqlite"))).await.unwrap();
        rows.push(("SQLite", people, measured(&store, people).await));
    }
    for people in [20, people] {
        if let Some((store, _server)) = postgres().await {
            rows.push(("PostgreSQL", people, measured(&store, people).await));
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
    println!("| store | people | a new person | one member more of a large group | a person of a signal |");
    for (store, people, [new, member, signal]) in &rows {
        println!("| {store} | {people} | {new:.2?} | {member:.2?} | {signal:.2?} |");
    }
    for pair in rows.chunks(2) {
        let [(store, _, small), (_, _, large)] = pair else { continue };
        for (small, large) in small.iter().zip(large) {
            let ratio = large.as_secs_f64() / small.as_secs_f64();
            println!("{store}: {ratio:.2} times as long");
            assert!(ratio < 3.0, "{store}: {small:?} and {large:?}");
        }
    }
}
