//! Two stores on one PostgreSQL, a process that is killed in the middle, a connection that is lost, and everybody at once.

#![cfg(feature = "postgres")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod killed;
mod postgres_server;

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use killed::KILLED;
use postgres_server::{Schema, schema};
use sqlx::{
    Connection as _, PgConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::task::JoinSet;
use vouchsafe::provisioning::{
    Account, AccountId, Actor, Change, Fact, LoggedOut, LoginFacts, Role, Team, TeamId,
};
use vouchsafe_store::{
    About, ConnectionDecision, Decision, Directory, Postgres, ReplayStore, SessionStore, SignInError,
    conformance::{
        self as suite, acme, audit_of_people, author, now,
        scenarios::{sign_in, valid},
    },
};

async fn opened(schema: &Schema) -> Postgres {
    Postgres::connect(schema.address()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_response_posted_to_two_machines_is_accepted_once() {
    let Some(schema) = schema().await else { return };
    let (one, other) = (opened(&schema).await, opened(&schema).await);
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
async fn several_machines_begin_on_an_empty_schema_at_once() {
    let Some(schema) = schema().await else { return };
    let opening = (0..6).map(|_| {
        let address = schema.address().to_owned();
        tokio::spawn(async move { Postgres::connect(&address).await })
    });
    for opened in opening.collect::<Vec<_>>() {
        opened.await.unwrap().unwrap();
    }
}

/// The application's database, with tables of its own that have the names we would have had.
#[tokio::test]
async fn the_tables_stand_beside_those_of_the_application() {
    let Some(schema) = schema().await else { return };
    let pool = PgPoolOptions::new().max_connections(2).connect(schema.address()).await.unwrap();
    for statement in [
        "CREATE TABLE accounts (id BIGINT PRIMARY KEY, name TEXT)",
        "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL,
         installed_on TIMESTAMPTZ NOT NULL DEFAULT now(), success BOOLEAN NOT NULL,
         checksum BYTEA NOT NULL, execution_time BIGINT NOT NULL)",
        "INSERT INTO _sqlx_migrations VALUES (77, 'theirs', '2026-01-01', TRUE, '\\x00', 1)",
    ] {
        sqlx::query(statement).execute(&pool).await.unwrap();
    }
    let store = Postgres::on(pool.clone()).await.unwrap();
    let again = Postgres::on(pool.clone()).await.unwrap();
    let token = suite::with_acme(&store).await;
    suite::provision(&again, suite::login("ada", &token, "id1")).await.unwrap();
    let theirs: Vec<String> = sqlx::query_scalar(
        "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema() AND tablename NOT LIKE 'vouchsafe%' ORDER BY 1",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    assert_eq!(theirs, ["_sqlx_migrations", "accounts"]);
    let migrations: i64 =
        sqlx::query_scalar("SELECT count(*) FROM _sqlx_migrations").fetch_one(&pool).await.unwrap();
    assert_eq!(migrations, 1, "theirs are left alone");
}

/// A process that stops between any two writes of a sign-in leaves nothing of it: here each table refuses in turn.
#[tokio::test]
async fn a_fault_at_any_step_leaves_nothing_behind() {
    let Some(schema) = schema().await else { return };
    let pool = PgPoolOptions::new().max_connections(2).connect(schema.address()).await.unwrap();
    let store = Postgres::on(pool.clone()).await.unwrap();
    let token = suite::with_acme(&store).await;
    let before = store.whole(&acme()).await.unwrap();
    let raise = "CREATE FUNCTION fault() RETURNS trigger AS $$ BEGIN RAISE EXCEPTION 'a fault'; END $$ LANGUAGE plpgsql";
    sqlx::query(raise).execute(&pool).await.unwrap();
    for table in ["replays", "accounts", "identities", "teams", "projects", "audit", "sessions"] {
        let fault = format!(
            "CREATE TRIGGER fault AFTER INSERT ON vouchsafe_{table} FOR EACH ROW EXECUTE FUNCTION fault()"
        );
        sqlx::query(sqlx::AssertSqlSafe(fault)).execute(&pool).await.unwrap();
        let failed = store.sign_in(sign_in(valid("ada", &token, "id1"))).await.unwrap_err();
        let SignInError::Store(failed) = failed else { panic!("{table}: {failed}") };
        assert!(failed.is_outage(), "{table}: {failed}");
        let drop = format!("DROP TRIGGER fault ON vouchsafe_{table}");
        sqlx::query(sqlx::AssertSqlSafe(drop)).execute(&pool).await.unwrap();
        assert_eq!(store.whole(&acme()).await.unwrap(), before, "{table}");
        assert!(audit_of_people(&store).await.is_empty(), "{table}");
    }
    store.sign_in(sign_in(valid("ada", &token, "id1"))).await.unwrap();
}

/// Each statement is a round trip: a first sign-in into teams that exist is written by one.
#[tokio::test]
async fn a_first_sign_in_is_written_by_one_statement() {
    let Some(schema) = schema().await else { return };
    let pool = PgPoolOptions::new().max_connections(4).connect(schema.address()).await.unwrap();
    let store = Postgres::on(pool.clone()).await.unwrap();
    let token = suite::with_acme(&store).await;
    store.sign_in(sign_in(valid("ada", &token, "id1"))).await.unwrap();
    for statement in [
        "CREATE TABLE written (by TEXT)",
        "CREATE FUNCTION note() RETURNS trigger AS $$ BEGIN INSERT INTO written VALUES (current_query()); RETURN NEW; END $$
         LANGUAGE plpgsql",
        "CREATE TRIGGER note AFTER INSERT ON vouchsafe_accounts FOR EACH ROW EXECUTE FUNCTION note()",
        "CREATE TRIGGER note AFTER INSERT ON vouchsafe_sessions FOR EACH ROW EXECUTE FUNCTION note()",
    ] {
        sqlx::query(statement).execute(&pool).await.unwrap();
    }
    store.sign_in(sign_in(valid("bob", &token, "id2"))).await.unwrap();
    let written: Vec<String> = sqlx::query_scalar("SELECT by FROM written").fetch_all(&pool).await.unwrap();
    assert_eq!(written.len(), 2, "an account and a session: {written:?}");
    assert!(written[0] == written[1] && written[0].contains("audited AS"), "{written:?}");
    assert_eq!(store.whole(&acme()).await.unwrap().accounts.len(), 2);
}

/// A connection that the server closes in the middle is an outage for whoever had it, and for nobody after.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_lost_connection_is_an_outage_and_the_next_one_works() {
    let Some(schema) = schema().await else { return };
    let store = opened(&schema).await;
    let token = suite::with_acme(&store).await;
    let mut operator = PgConnection::connect(schema.address()).await.unwrap();
    // Whoever holds this lock keeps the sign-in in the middle of its transaction.
    sqlx::query("BEGIN").execute(&mut operator).await.unwrap();
    sqlx::query("LOCK TABLE vouchsafe_accounts IN ACCESS EXCLUSIVE MODE")
        .execute(&mut operator)
        .await
        .unwrap();
    let (waiting, response) = (store.clone(), sign_in(valid("ada", &token, "id1")));
    let waiting = tokio::spawn(async move { waiting.sign_in(response).await });
    let waits = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%vouchsafe_accounts%'
                 AND pid <> pg_backend_pid() AND pid IN (SELECT pid FROM pg_locks
                 WHERE relation = 'vouchsafe_accounts'::regclass AND NOT granted)";
    // On a connection of its own: inside a transaction the server shows who waits as it was when it was asked first.
    let mut watching = PgConnection::connect(schema.address()).await.unwrap();
    let mut pid = None;
    while pid.is_none() {
        pid = sqlx::query_scalar::<_, i32>(waits).fetch_optional(&mut watching).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    sqlx::query("SELECT pg_terminate_backend($1)").bind(pid).execute(&mut watching).await.unwrap();
    let failed = waiting.await.unwrap().unwrap_err();
    assert_eq!(failed.code(), "store.unavailable", "{failed}");
    sqlx::query("ROLLBACK").execute(&mut operator).await.unwrap();
    store.sign_in(sign_in(valid("ada", &token, "id1"))).await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_outage_that_names_no_password() {
    let failed = Postgres::connect("postgres://ada:hunter2@127.0.0.1:9/nothing").await.unwrap_err();
    assert_eq!(failed.code(), "store.unavailable", "{failed}");
    assert!(!format!("{failed} {failed:?}").contains("hunter2"));
    let failed = Postgres::connect("postgres://ada:hunter2@127.0.0.1:port/nothing").await.unwrap_err();
    assert!(!format!("{failed} {failed:?}").contains("hunter2"));
}

/// Everything that locks something, at the same time at two machines: nobody is told of a deadlock, and every rule holds afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_waits_in_a_circle() {
    const PEOPLE: usize = 12;
    let Some(schema) = schema().await else { return };
    let stores = [opened(&schema).await, opened(&schema).await];
    let token = suite::with_acme(&stores[0]).await;
    for name in ["owner1", "owner2"] {
        let mut owner = Account::new(AccountId::new(name), acme(), format!("{name}@example.com"));
        owner.role = Role::Owner;
        stores[0].add_account(&owner, &author()).await.unwrap();
    }
    let mut tasks: JoinSet<Result<(), String>> = JoinSet::new();
    for number in 0..240 {
        let (store, token) = (stores[number % 2].clone(), token.clone());
        tasks.spawn(async move {
            let person = format!("p{}", number % PEOPLE);
            let owner = AccountId::new(if number % 4 < 2 { "owner1" } else { "owner2" });
            let outcome: Result<(), SignInError> = match number % 8 {
                0..=3 => {
                    let groups = [format!("Group {}", number % 5), format!("Group {}", (number / 5) % 7)];
                    let facts: LoginFacts = suite::login(&person, &token, &format!("id{number}"))
                        .without_attribute("department")
                        .with_attribute("department", groups);
                    suite::provision(&store, facts).await.map(drop)
                }
                // A person of the same name in another format is another person.
                4 => store
                    .sign_in(sign_in(valid(&format!("q{}", number % PEOPLE), &token, &format!("r{number}"))))
                    .await
                    .map(drop),
                5 => {
                    let change = if number % 16 == 5 {
                        Change::SetRole(Role::Admin)
                    } else {
                        Change::SetRole(Role::Owner)
                    };
                    suite::change(&store, &owner, change, Actor::Operator).await.map(drop)
                }
                6 => match number % 3 {
                    0 => store.set_policy(&acme(), suite::POLICY, &author()).await.map_err(SignInError::from),
                    1 => {
                        let nothing = ConnectionDecision::new(acme(), Actor::Operator, now(), |_, _| Ok(()));
                        store.decide_connections(nothing).await.map(drop)
                    }
                    _ => store.revoke_account(&owner).await.map(drop).map_err(SignInError::from),
                },
                _ => {
                    let team =
                        Team::new(TeamId::new(format!("t{number}")), acme(), format!("Group {}", number % 5));
                    match store.add_team(&team, &author()).await {
                        Err(taken) if taken.code() == "store.taken" => Ok(()),
                        other => other.map_err(SignInError::from),
                    }
                }
            };
            match outcome {
                Err(failed) if failed.code() == "provisioning.last_owner" => Ok(()),
                other => other.map_err(|failed| format!("{number}: {} {failed}", failed.code())),
            }
        });
    }
    for outcome in tasks.join_all().await {
        outcome.unwrap();
    }
    let whole = stores[1].whole(&acme()).await.unwrap();
    let signed_in =
        (0..240).filter(|number| number % 8 <= 4).map(|number| (number % 8 == 4, number % PEOPLE));
    assert_eq!(whole.accounts.len(), signed_in.collect::<BTreeSet<_>>().len() + 2);
    let mut names: Vec<String> = whole.teams.iter().map(|team| team.name.to_lowercase()).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), whole.teams.len(), "each team was made once");
    assert!(whole.accounts.iter().any(|account| account.role == Role::Owner));
}

/// A transaction of the application that locks two sessions in the opposite order: the logout that the server chose to
/// fail is carried out again.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_logout_that_was_in_a_deadlock_is_carried_out_again() {
    const LOCK: &str = "SELECT hash FROM vouchsafe_sessions WHERE hash = $1 FOR UPDATE";
    const WAITS: &str = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'
                         AND query LIKE '%vouchsafe_sessions%' AND pid IN
                         (SELECT pid FROM pg_locks WHERE relation = 'vouchsafe_sessions'::regclass)";
    let Some(schema) = schema().await else { return };
    // Long enough for the circle to be there when the logout looks for one.
    let options: PgConnectOptions = schema.address().parse().unwrap();
    let pool =
        PgPoolOptions::new().connect_with(options.options([("deadlock_timeout", "3s")])).await.unwrap();
    let store = Postgres::on(pool).await.unwrap();
    let token = suite::with_acme(&store).await;
    let first = store.sign_in(sign_in(valid("ada", &token, "id1"))).await.unwrap();
    let ada = first.session.identity.clone().unwrap();
    store.sign_in(sign_in(valid("ada", &token, "id2"))).await.unwrap();
    let mut operator = PgConnection::connect(schema.address()).await.unwrap();
    let hashes: Vec<String> = sqlx::query_scalar("SELECT hash FROM vouchsafe_sessions ORDER BY hash")
        .fetch_all(&mut operator)
        .await
        .unwrap();
    assert_eq!(hashes.len(), 2);

    // The logout looks for the circle first, since it waits first, and is the one that fails.
    sqlx::query("SET deadlock_timeout = '30s'").execute(&mut operator).await.unwrap();
    sqlx::query("BEGIN").execute(&mut operator).await.unwrap();
    sqlx::query(LOCK).bind(&hashes[1]).execute(&mut operator).await.unwrap();
    let ending = store.clone();
    let ending = tokio::spawn(async move { ending.revoke_logged_out(&LoggedOut::all_of(ada)).await });
    let mut watching = PgConnection::connect(schema.address()).await.unwrap();
    while sqlx::query_scalar::<_, i64>(WAITS).fetch_one(&mut watching).await.unwrap() == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    sqlx::query(LOCK).bind(&hashes[0]).execute(&mut operator).await.unwrap();
    sqlx::query("COMMIT").execute(&mut operator).await.unwrap();
    assert_eq!(ending.await.unwrap().unwrap(), 2);
}

/// What is killed: signs people in until it dies, and says so after each that was answered.
#[test]
#[ignore = "it is run, and killed, by another test"]
fn signs_people_in_until_it_is_killed() {
    let Some((address, token)) = killed::told() else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = Postgres::connect(&address).await.unwrap();
        killed::sign_people_in(store, &token).await;
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_kill_9_every_response_was_answered_or_can_be_posted_again() {
    let Some(schema) = schema().await else { return };
    let store = opened(&schema).await;
    let token = suite::with_acme(&store).await;
    let answered =
        killed::answered_until_killed("signs_people_in_until_it_is_killed", schema.address(), &token);

    // At the other machine too.
    killed::are_signed_in(&store, &answered).await;
    // Of the others each is wholly there or wholly not. Who was in the middle of it is rolled back when the server notices.
    for number in 0..KILLED {
        let again =
            store.sign_in(sign_in(valid(&format!("p{number}"), &token, &format!("id{number}")))).await;
        if let Err(refused) = again {
            assert_eq!(refused.code(), "assertion.replayed");
        }
    }
    assert_eq!(store.whole(&acme()).await.unwrap().accounts.len(), KILLED);
    assert!(store.insert_once("another", now()).await.unwrap());
}

/// A machine that hangs in the middle of a transaction: whoever waits for it is answered an outage, everybody else is served, and the server ends
/// what hangs.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_machine_that_hangs_holds_up_nobody_for_good() {
    let Some(schema) = schema().await else { return };
    let (hanging, other) = (opened(&schema).await, opened(&schema).await);
    let token = suite::with_acme(&other).await;
    suite::with_globex(&other).await;
    suite::provision(&other, suite::login("ada", &token, "id1")).await.unwrap();
    let begun = Instant::now();
    let (locked, is_locked) = std::sync::mpsc::channel();
    let hangs = tokio::spawn(async move {
        let decision = Decision::new(About::Organization(acme()), move |snapshot, policy| {
            locked.send(()).unwrap();
            // As if it were another machine: the others here go on.
            tokio::task::block_in_place(|| std::thread::sleep(Duration::from_secs(40)));
            policy.plan(Fact::sweep(now()), snapshot)
        });
        hanging.decide(decision).await
    });
    tokio::task::spawn_blocking(move || is_locked.recv().unwrap()).await.unwrap();
    let set = async || other.set_policy(&acme(), suite::POLICY, &author()).await;
    let refused = set().await.unwrap_err();
    assert_eq!((refused.code(), refused.is_outage()), ("store.busy", true), "{refused}");
    assert!(refused.hint().contains("Nothing was changed"));
    assert!(begun.elapsed() < Duration::from_secs(19), "{:?}", begun.elapsed());
    other.set_policy(&suite::globex(), "", &author()).await.unwrap();
    set().await.unwrap();
    assert!(
        begun.elapsed() < Duration::from_secs(35),
        "{:?}: it goes on while the machine hangs",
        begun.elapsed()
    );
    // It wakes up, and has lost its transaction.
    let woken = hangs.await.unwrap().unwrap_err();
    assert_eq!(woken.code(), "store.unavailable", "{woken}");
}
