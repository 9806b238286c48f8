//! Two processes on one file, a process that is killed, and what else goes wrong under SQLite.

use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use vouchsafe::provisioning::{AccountId, Actor, Change, Organization, OrganizationId, OrganizationToken};
use vouchsafe_store::{
    About, ConnectionDecision, ConnectionStore, Decision, Directory, ReplayStore, Session, SessionId,
    SessionStore, SignInError, Sqlite, recheck_domains,
};
use vouchsafe_testkit::ISSUE_INSTANT;

use vouchsafe_store::conformance::{
    self as suite, acme, audit_of_people, globex_idp, now,
    scenarios::{sign_in, valid},
};

use crate::{
    Folder,
    killed::{self, KILLED},
};

async fn two_on_one_file(folder: &Folder) -> (Sqlite, Sqlite) {
    let one = Sqlite::open(folder.file()).await.unwrap();
    (one, Sqlite::open(folder.file()).await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_response_posted_to_two_processes_is_accepted_once() {
    let folder = Folder::new();
    let (one, other) = two_on_one_file(&folder).await;
    let token = suite::with_acme(&one).await;
    for round in 0..10 {
        let response = || sign_in(valid("ada", &token, &format!("id{round}")));
        let (first, second) = tokio::join!(one.sign_in(response()), other.sign_in(response()));
        let codes: Vec<_> = [&first, &second].into_iter().filter_map(|one| one.as_ref().err()).collect();
        assert_eq!(codes.len(), 1, "{first:?} {second:?}");
        assert_eq!(codes[0].code(), "assertion.replayed");
    }
    assert_eq!(one.whole(&acme()).await.unwrap().accounts.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_conversion_in_one_process_is_known_to_the_other_at_once() {
    let folder = Folder::new();
    let (one, other) = two_on_one_file(&folder).await;
    let mut late = Organization::new(OrganizationId::new("late"), "late", "Late");
    late.entitled = true;
    one.add_organization(&late, &suite::author()).await.unwrap();
    assert_eq!(other.organization(&late.id).await.unwrap().unwrap().value.identity_provider(), None);
    let connection = suite::connections::draft("late-okta", late.id.clone(), globex_idp());
    let provider = vouchsafe::Provider::rustcrypto();
    let token = OrganizationToken::issue(&provider).unwrap();
    let (hash, kept) = (token.hash(&provider).unwrap(), connection.clone());
    let conversion = ConnectionDecision::new(late.id.clone(), Actor::Operator, now(), move |late, now| {
        late.convert(kept.clone(), Some(hash.clone()), now)
    });
    one.decide_connections(conversion).await.unwrap();

    let found = other.organization_by_slug("late").await.unwrap().unwrap();
    assert_eq!(found.value.identity_provider(), Some(&globex_idp()));
    let known = other.connection(&connection.id).await.unwrap().unwrap();
    assert_eq!(known.metadata, connection.metadata);
    assert_eq!(other.connections_to(&globex_idp(), None, 2).await.unwrap().len(), 1);
    one.set_policy(&late.id, "[admission]\ndomains = 'any'", &suite::author()).await.unwrap();
    let facts = suite::connecting::login_over("late-okta", globex_idp(), &token.reveal(), "id1");
    suite::provision(&other, &facts).await.unwrap();
    assert_eq!(one.whole(&late.id).await.unwrap().accounts.len(), 1);
}

/// The application's database, with a table and a table of migrations of its own that have the names we would have had.
#[tokio::test]
async fn the_tables_stand_beside_those_of_the_application() {
    let folder = Folder::new();
    let options = SqliteConnectOptions::new().filename(folder.file()).create_if_missing(true);
    let pool = SqlitePoolOptions::new().max_connections(2).connect_with(options).await.unwrap();
    for statement in [
        "CREATE TABLE accounts (id INTEGER PRIMARY KEY, name TEXT)",
        "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL,
         installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL,
         checksum BLOB NOT NULL, execution_time BIGINT NOT NULL)",
        "INSERT INTO _sqlx_migrations VALUES (77, 'theirs', '2026-01-01', 1, x'00', 1)",
    ] {
        sqlx::query(statement).execute(&pool).await.unwrap();
    }
    let store = Sqlite::on(pool.clone()).await.unwrap();
    let again = Sqlite::on(pool.clone()).await.unwrap();
    let token = suite::with_acme(&store).await;
    suite::provision(&again, suite::login("ada", &token, "id1")).await.unwrap();
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    let theirs: Vec<_> = tables.iter().filter(|name| !name.starts_with("vouchsafe_")).collect();
    assert_eq!(theirs, ["_sqlx_migrations", "accounts"]);
    let migrations: i64 =
        sqlx::query_scalar("SELECT count(*) FROM _sqlx_migrations").fetch_one(&pool).await.unwrap();
    assert_eq!(migrations, 1, "theirs are left alone");
}

/// All writes of SQLite wait for each other: who waits too long is told that another one holds the lock, and nothing is lost.
#[tokio::test]
async fn a_lock_that_is_held_for_too_long_is_told() {
    let folder = Folder::new();
    let options = SqliteConnectOptions::new().filename(folder.file()).create_if_missing(true);
    let options = options.busy_timeout(Duration::from_millis(50));
    let pool = SqlitePoolOptions::new().max_connections(2).connect_with(options.clone()).await.unwrap();
    let store = Sqlite::on(pool).await.unwrap();
    let token = suite::with_acme(&store).await;
    let mut other = options.connect().await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let refused = suite::provision(&store, suite::login("ada", &token, "id1")).await.unwrap_err();
    assert_eq!(refused.code(), "store.busy", "{refused}");
    assert_eq!(store.insert_once("0123", suite::now()).await.unwrap_err().code(), "store.busy");
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    suite::provision(&store, suite::login("ada", &token, "id1")).await.unwrap();
    assert_eq!(store.whole(&suite::acme()).await.unwrap().accounts.len(), 1);
}

/// A process that stops between any two writes of a sign-in leaves nothing of it: here each table refuses in turn.
#[tokio::test]
async fn a_fault_at_any_step_leaves_nothing_behind() {
    let folder = Folder::new();
    let options = SqliteConnectOptions::new().filename(folder.file()).create_if_missing(true);
    let pool = SqlitePoolOptions::new().max_connections(2).connect_with(options).await.unwrap();
    let store = Sqlite::on(pool.clone()).await.unwrap();
    let token = suite::with_acme(&store).await;
    let before = store.whole(&acme()).await.unwrap();
    for table in ["replays", "accounts", "identities", "teams", "projects", "audit", "sessions"] {
        let fault = format!(
            "CREATE TRIGGER fault AFTER INSERT ON vouchsafe_{table} BEGIN SELECT RAISE(ABORT, 'a fault'); END"
        );
        sqlx::query(sqlx::AssertSqlSafe(fault)).execute(&pool).await.unwrap();
        let failed = store.sign_in(sign_in(valid("ada", &token, "id1"))).await.unwrap_err();
        let SignInError::Store(failed) = failed else { panic!("{table}: {failed}") };
        assert!(failed.is_outage(), "{table}: {failed}");
        sqlx::query("DROP TRIGGER fault").execute(&pool).await.unwrap();
        assert_eq!(store.whole(&acme()).await.unwrap(), before, "{table}");
        assert!(audit_of_people(&store).await.is_empty(), "{table}");
    }
    store.sign_in(sign_in(valid("ada", &token, "id1"))).await.unwrap();
}

/// Three decisions share one commit, and the third breaks it: the second was refused as a replay of the first, which is not there.
#[tokio::test]
async fn nobody_is_refused_for_what_was_not_written() {
    let folder = Folder::new();
    let options = SqliteConnectOptions::new().filename(folder.file()).create_if_missing(true);
    let pool = SqlitePoolOptions::new().max_connections(2).connect_with(options).await.unwrap();
    let store = Sqlite::on(pool.clone()).await.unwrap();
    let token = suite::with_acme(&store).await;
    let fault = "CREATE TRIGGER fault AFTER INSERT ON vouchsafe_replays WHEN NEW.hash = 'broken'
                 BEGIN SELECT RAISE(ABORT, 'a fault'); END";
    sqlx::query(fault).execute(&pool).await.unwrap();
    let response = || sign_in(valid("ada", &token, "id1"));
    // The writer is a task of this thread: it begins when all three wait for it.
    let (first, second, third) = tokio::join!(
        store.sign_in(response()),
        store.sign_in(response()),
        store.insert_once("broken", now())
    );
    assert!(third.unwrap_err().is_outage());
    for answer in [first, second] {
        let failed = answer.unwrap_err();
        assert!(matches!(&failed, SignInError::Store(failed) if failed.is_outage()), "{failed}");
    }
    store.sign_in(response()).await.unwrap();
}

/// What a decision writes goes to the database with the first statements of the next one. That it cannot be written is its own affair.
#[tokio::test]
async fn of_a_group_each_is_written_or_refused_by_itself() {
    let store = Sqlite::in_memory().await.unwrap();
    let token = suite::with_acme(&store).await;
    let ada = suite::provision(&store, suite::login("ada", &token, "id1")).await.unwrap().account;
    let bob = suite::provision(&store, suite::login("bob", &token, "id2")).await.unwrap().account;
    suite::change(&store, &ada, Change::Suspend, Actor::Operator).await.unwrap();
    let id = || SessionId::generate(&vouchsafe::Provider::rustcrypto()).unwrap();
    let session = |account: &AccountId| {
        Session::of(acme(), account.clone(), now()).lasting(Duration::from_secs(3_600), None)
    };
    let (first, suspended, last) = (id(), id(), id());
    let (bobs, adas) = (session(&bob), session(&ada));
    let outcomes = tokio::join!(
        store.create(&first, &bobs),
        store.create(&suspended, &adas),
        store.sign_in(sign_in(valid("carol", &token, "id3"))),
        store.create(&suspended, &adas),
        store.create(&first, &bobs),
        store.sign_in(sign_in(valid("carol", &token, "id3"))),
        store.create(&last, &bobs),
        store.create(&suspended, &adas),
    );
    outcomes.0.unwrap();
    for refused in [outcomes.1, outcomes.3, outcomes.7] {
        assert_eq!(refused.unwrap_err().code(), "store.account_suspended");
    }
    let carols = outcomes.2.unwrap();
    assert_eq!(outcomes.4.unwrap_err().code(), "store.taken", "the identifier is another session's");
    assert_eq!(outcomes.5.unwrap_err().code(), "assertion.replayed");
    outcomes.6.unwrap();
    for there in [&first, &last] {
        assert_eq!(store.find(there, now()).await.unwrap(), Some(bobs.clone()));
    }
    assert!(store.find(&carols.id, ISSUE_INSTANT).await.unwrap().is_some());
    assert_eq!(store.find(&suspended, now()).await.unwrap(), None);
}

/// A record that cannot be read stops its own person and nobody else of the group.
#[tokio::test]
async fn a_damaged_record_stops_its_own_person() {
    let folder = Folder::new();
    let options = SqliteConnectOptions::new().filename(folder.file()).create_if_missing(true);
    let pool = SqlitePoolOptions::new().max_connections(2).connect_with(options).await.unwrap();
    let store = Sqlite::on(pool.clone()).await.unwrap();
    let token = suite::with_acme(&store).await;
    suite::provision(&store, suite::login("ada", &token, "id1")).await.unwrap();
    for (number, damage) in ["", "{", "[]", r#"{"memberships": 7}"#].into_iter().enumerate() {
        sqlx::query("UPDATE vouchsafe_accounts SET record = ?").bind(damage).execute(&pool).await.unwrap();
        let (ada, bob) = tokio::join!(
            store.sign_in(sign_in(valid("ada", &token, "id2"))),
            store.sign_in(sign_in(valid(&format!("bob{number}"), &token, &format!("bobs{number}"))))
        );
        assert_eq!(ada.unwrap_err().code(), "store.damaged", "{damage}");
        bob.unwrap();
    }
}

/// A process that stops between any two writes of a conversion leaves nothing of it: here each table refuses in turn.
#[tokio::test]
async fn a_fault_at_any_step_of_a_conversion_leaves_nothing_behind() {
    let folder = Folder::new();
    let options = SqliteConnectOptions::new().filename(folder.file()).create_if_missing(true);
    let pool = SqlitePoolOptions::new().max_connections(2).connect_with(options).await.unwrap();
    let store = Sqlite::on(pool.clone()).await.unwrap();
    suite::connecting::with_entitled_acme(&store).await;
    let before = store.organization(&acme()).await.unwrap();
    let connection = || suite::connections::draft("acme-okta", acme(), suite::okta());
    for (event, table) in [
        ("INSERT", "connections"),
        ("UPDATE", "organizations"),
        ("INSERT", "tokens"),
        ("INSERT", "organization_connections"),
        ("INSERT", "domains"),
        ("INSERT", "audit"),
    ] {
        let fault = format!(
            "CREATE TRIGGER fault AFTER {event} ON vouchsafe_{table} BEGIN SELECT RAISE(ABORT, 'a fault'); END"
        );
        sqlx::query(sqlx::AssertSqlSafe(fault)).execute(&pool).await.unwrap();
        suite::connecting::convert(&store, connection()).await.unwrap_err();
        sqlx::query("DROP TRIGGER fault").execute(&pool).await.unwrap();
        assert_eq!(store.organization(&acme()).await.unwrap(), before, "{table}");
        assert_eq!(store.connection(&connection().id).await.unwrap(), None, "{table}");
    }
    let token = suite::connecting::convert(&store, connection()).await.unwrap();
    let facts = suite::connecting::login_over("acme-okta", suite::okta(), &token, "id1");
    suite::provision(&store, facts).await.unwrap();
}

/// The same of a customer that is added whole.
#[tokio::test]
async fn a_fault_at_any_step_of_a_new_customer_leaves_nothing_behind() {
    let folder = Folder::new();
    let options = SqliteConnectOptions::new().filename(folder.file()).create_if_missing(true);
    let pool = SqlitePoolOptions::new().max_connections(2).connect_with(options).await.unwrap();
    let store = Sqlite::on(pool.clone()).await.unwrap();
    let (customer, token) = suite::customers::whole_customer();
    for table in [
        "organizations",
        "tokens",
        "organization_connections",
        "domains",
        "projects",
        "teams",
        "accounts",
        "connections",
        "audit",
    ] {
        let fault = format!(
            "CREATE TRIGGER fault AFTER INSERT ON vouchsafe_{table} BEGIN SELECT RAISE(ABORT, 'a fault'); END"
        );
        sqlx::query(sqlx::AssertSqlSafe(fault)).execute(&pool).await.unwrap();
        store.add_customer(&customer, &suite::author()).await.unwrap_err();
        sqlx::query("DROP TRIGGER fault").execute(&pool).await.unwrap();
        suite::customers::is_not_there(&store, table).await;
    }
    store.add_customer(&customer, &suite::author()).await.unwrap();
    let facts = suite::connecting::login_over("acme-okta", suite::okta(), &token, "id1");
    suite::provision(&store, facts).await.unwrap();
}

/// A decision that panics, and one that nobody waits for, stop nobody else.
#[tokio::test]
async fn a_decision_that_panics_stops_nobody_else() {
    let store = Sqlite::in_memory().await.unwrap();
    let token = suite::with_acme(&store).await;
    let faulty = Decision::new(About::Organization(acme()), |_, _| panic!("a fault of the application"));
    let failed = store.decide(faulty).await.unwrap_err();
    assert_eq!(failed.code(), "store.unavailable");
    let ada = suite::provision(&store, suite::login("ada", &token, "id1")).await.unwrap().account;
    let actor = vouchsafe::provisioning::Actor::Operator;
    drop(suite::change(&store, &ada, Change::Suspend, actor));
    assert!(store.whole(&acme()).await.unwrap().account(&ada).unwrap().is_active(), "it was never begun");
}

/// What is killed: signs people in until it dies, and says so after each that was answered.
#[test]
#[ignore = "it is run, and killed, by another test"]
fn signs_people_in_until_it_is_killed() {
    let Some((address, token)) = killed::told() else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = Sqlite::open(address).await.unwrap();
        killed::sign_people_in(store, &token).await;
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_kill_9_every_response_was_answered_or_can_be_posted_again() {
    let folder = Folder::new();
    let store = Sqlite::open(folder.file()).await.unwrap();
    let token = suite::with_acme(&store).await;
    let answered = killed::answered_until_killed(
        "faults::signs_people_in_until_it_is_killed",
        &folder.file().display().to_string(),
        &token,
    );

    // On the disk.
    killed::are_signed_in(&store, &answered).await;
    // Of the others each is wholly there or wholly not.
    let whole = store.whole(&acme()).await.unwrap();
    let mut again = 0;
    for number in 0..KILLED {
        let known = whole.account_with_email(&format!("p{number}@example.com")).is_some();
        match store.sign_in(sign_in(valid(&format!("p{number}"), &token, &format!("id{number}")))).await {
            Ok(_) => {
                assert!(!known, "p{number} has an account and no replay record");
                again += 1;
            }
            Err(refused) => {
                assert!(known, "p{number} has a replay record and no account: {refused}");
                assert_eq!(refused.code(), "assertion.replayed");
            }
        }
    }
    assert_eq!(store.whole(&acme()).await.unwrap().accounts.len(), KILLED);
    assert_eq!(again + whole.accounts.len(), KILLED);
}

/// The domains of an organization that cannot be read are not checked, and the operator is told whose and why.
#[tokio::test]
async fn an_organization_whose_domains_cannot_be_checked_is_named() {
    let folder = Folder::new();
    let options = SqliteConnectOptions::new().filename(folder.file()).create_if_missing(true);
    let pool = SqlitePoolOptions::new().max_connections(2).connect_with(options).await.unwrap();
    let store = Sqlite::on(pool.clone()).await.unwrap();
    suite::with_acme(&store).await;
    let other = Organization::new(OrganizationId::new("other"), "other", "Other");
    store.add_organization(&other, &suite::author()).await.unwrap();
    let damage = "UPDATE vouchsafe_organizations SET record = '{' WHERE id = ?";
    sqlx::query(damage).bind(acme().as_str()).execute(&pool).await.unwrap();
    let resolve = |_name: String| async { Ok::<Vec<String>, std::io::Error>(Vec::new()) };
    let rechecked = recheck_domains(&store, resolve, now()).await.unwrap();
    let failed: Vec<_> = rechecked.failed.iter().map(|(whose, error)| (whose, error.code())).collect();
    assert_eq!(failed, [(&acme(), "store.damaged")]);
}
