//! Who waits for a lock of PostgreSQL: how many connections they hold, and what they hold meanwhile.

#![cfg(feature = "postgres")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod postgres_server;

use std::time::Duration;

use chrono::TimeDelta;
use postgres_server::{Schema, schema};
use sqlx::{Connection as _, PgConnection};
use tokio::task::{JoinHandle, JoinSet};
use vouchsafe::provisioning::{Account, Actor, LoggedOut, Role};
use vouchsafe::{ConnectionId, Provider};
use vouchsafe_store::{
    CompletedSignIn, ConnectionDecision, ConnectionStore, Directory, LogoutStore, Postgres, Session,
    SessionId, SessionStore, SetUpLink, SetUpPurpose, SetUpSecret, SetUpStore, SignInError, StoreError,
    conformance::{
        self as suite, acme, author, now,
        scenarios::{sign_in, valid},
    },
};
use vouchsafe_testkit::ISSUE_INSTANT;

/// The number of connections that wait for a lock.
const WAITING: &str = "SELECT count(*) FROM pg_stat_activity
                       WHERE application_name = current_schema() AND wait_event_type = 'Lock'";

async fn opened(schema: &Schema) -> Postgres {
    Postgres::connect(schema.address()).await.unwrap()
}

/// Waits until so many connections wait for a lock.
async fn until_waiting(schema: &Schema, number: i64) -> PgConnection {
    let mut watching = PgConnection::connect(schema.address()).await.unwrap();
    while sqlx::query_scalar::<_, i64>(WAITING).fetch_one(&mut watching).await.unwrap() < number {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    watching
}

/// Whoever waits for the lock of one organization leaves connections to the others, whatever they want to change.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_changes_of_one_organization_leave_connections_to_others() {
    let Some(schema) = schema().await else { return };
    let store = opened(&schema).await;
    suite::with_acme(&store).await;
    let globex = vouchsafe::provisioning::Organization::new("globex-2".into(), "globex-2", "Globex");
    store.add_organization(&globex, &author()).await.unwrap();
    let connection = suite::connections::draft("acme-okta", acme(), suite::okta());
    store.add_connection(&connection, &author()).await.unwrap();
    let secret = SetUpSecret::generate(&Provider::rustcrypto()).unwrap();
    let end = now() + TimeDelta::days(1);
    let link = SetUpLink::new(&secret, acme(), SetUpPurpose::Everything, now(), end);
    store.add_set_up_link(&secret, &link, &author()).await.unwrap();

    // Whoever holds these keeps every change of Acme waiting.
    let mut operator = PgConnection::connect(schema.address()).await.unwrap();
    for statement in [
        "BEGIN",
        "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || 'organization acme', 0))",
        "SELECT 1 FROM vouchsafe_set_up_links FOR UPDATE",
    ] {
        sqlx::query(statement).execute(&mut operator).await.unwrap();
    }
    let nothing = |of: &str| ConnectionDecision::new(of.into(), Actor::Operator, now(), |_, _| Ok(()));
    let mut waiting: JoinSet<Result<(), SignInError>> = JoinSet::new();
    for number in 0..40 {
        let (store, nothing) = (store.clone(), nothing("acme"));
        waiting.spawn(async move {
            let id = ConnectionId::new("acme-okta").unwrap();
            match number % 5 {
                0 => store.decide_connections(nothing).await.map(drop),
                1 => Ok(store.set_policy(&acme(), suite::POLICY, &author()).await?),
                2 => {
                    let known = store.connection(&id).await?.unwrap();
                    Ok(store.update_connection(&known, &author()).await.map(drop)?)
                }
                3 => {
                    let known = store.organization(&acme()).await?.unwrap();
                    Ok(store.update_organization(&known, &author()).await.map(drop)?)
                }
                _ => {
                    let known = store.set_up_links_of(&acme()).await?.remove(0);
                    Ok(store.update_set_up_link(&known, &author()).await.map(drop)?)
                }
            }
        });
    }
    let mut watching = until_waiting(&schema, 8).await;
    store.decide_connections(nothing("globex-2")).await.unwrap();
    store.set_policy(&"globex-2".into(), "", &author()).await.unwrap();
    assert!(waiting.try_join_next().is_none(), "all of them wait still");
    let count: i64 = sqlx::query_scalar(WAITING).fetch_one(&mut watching).await.unwrap();
    assert_eq!(count, 8, "half of the connections");
    sqlx::query("ROLLBACK").execute(&mut operator).await.unwrap();
    let mut written = 0;
    while let Some(done) = waiting.join_next().await {
        match done.unwrap() {
            Ok(()) => written += 1,
            Err(error) => assert!(
                ["store.conflict", "store.connection_conflict", "store.set_up_link_conflict", "store.busy"]
                    .contains(&error.code()),
                "{error}"
            ),
        }
    }
    assert!(written >= 5, "{written}");
}

/// Logouts of a person whose sign-ins take long leave connections to others.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_logouts_of_one_organization_leave_connections_to_others() {
    const LOGOUT: &str =
        "SELECT pg_advisory_xact_lock_shared(hashtextextended(current_schema() || 'logout ' || $1, 0))";
    let Some(schema) = schema().await else { return };
    let store = opened(&schema).await;
    let token = suite::with_acme(&store).await;
    let signed_in = store.sign_in(sign_in(valid("ada", &token, "id1"))).await.unwrap();
    let ada = signed_in.session.identity.unwrap();
    // A sign-in of the person holds both locks until its end.
    let mut operator = PgConnection::connect(schema.address()).await.unwrap();
    sqlx::query("BEGIN").execute(&mut operator).await.unwrap();
    sqlx::query(LOGOUT).bind(ada.value_key()).execute(&mut operator).await.unwrap();
    sqlx::query("SELECT 1 FROM vouchsafe_sessions FOR SHARE").execute(&mut operator).await.unwrap();
    let mut waiting: JoinSet<Result<(), StoreError>> = JoinSet::new();
    for number in 0..40 {
        let (store, logout) = (store.clone(), LoggedOut::all_of(ada.clone()));
        waiting.spawn(async move {
            match number % 2 {
                0 => store.remember_logout(&logout, now(), now()).await,
                _ => store.revoke_logged_out(&logout).await.map(drop),
            }
        });
    }
    let mut watching = until_waiting(&schema, 2).await;
    for number in 2..8 {
        store.sign_in(sign_in(valid("bob", &token, &format!("id{number}")))).await.unwrap();
    }
    assert!(waiting.try_join_next().is_none(), "all of them wait still");
    let count: i64 = sqlx::query_scalar(WAITING).fetch_one(&mut watching).await.unwrap();
    assert_eq!(count, 2, "an eighth of the connections");
    sqlx::query("ROLLBACK").execute(&mut operator).await.unwrap();
    while let Some(done) = waiting.join_next().await {
        done.unwrap().unwrap();
    }
}

/// Sessions of an account whose row is locked leave connections to other organizations.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_new_sessions_of_one_account_leave_connections_to_others() {
    let Some(schema) = schema().await else { return };
    let store = opened(&schema).await;
    suite::with_acme(&store).await;
    suite::with_globex(&store).await;
    let ada = Account::new("ada".into(), acme(), "ada@acme.example");
    store.add_account(&ada, &author()).await.unwrap();
    let mut operator = PgConnection::connect(schema.address()).await.unwrap();
    for statement in ["BEGIN", "SELECT 1 FROM vouchsafe_accounts FOR UPDATE"] {
        sqlx::query(statement).execute(&mut operator).await.unwrap();
    }
    let session = Session::of(acme(), ada.id, now());
    let mut waiting: JoinSet<Result<(), StoreError>> = JoinSet::new();
    for _ in 0..40 {
        let (store, session) = (store.clone(), session.clone());
        waiting.spawn(async move {
            store.create(&SessionId::generate(&Provider::rustcrypto()).unwrap(), &session).await
        });
    }
    let mut watching = until_waiting(&schema, 8).await;
    store.set_policy(&suite::globex(), "", &author()).await.unwrap();
    assert!(waiting.try_join_next().is_none(), "all of them wait still");
    let count: i64 = sqlx::query_scalar(WAITING).fetch_one(&mut watching).await.unwrap();
    assert_eq!(count, 8, "half of the connections");
    sqlx::query("ROLLBACK").execute(&mut operator).await.unwrap();
    while let Some(done) = waiting.join_next().await {
        done.unwrap().unwrap();
    }
}

/// A sign-in that links an account, and that waits for a name which somebody else holds.
struct Linking {
    store: Postgres,
    operator: PgConnection,
    session: SessionId,
    signing_in: JoinHandle<Result<CompletedSignIn, SignInError>>,
}

impl Linking {
    async fn waits(schema: &Schema) -> Linking {
        const NAME: &str = "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || $1, 0))";
        let store = opened(schema).await;
        let token = suite::with_acme(&store).await;
        let mut owner = Account::new("owner".into(), acme(), "owner@example.com");
        (owner.role, owner.has_password) = (Role::Owner, true);
        store.add_account(&owner, &author()).await.unwrap();
        let session = SessionId::generate(&Provider::rustcrypto()).unwrap();
        let begin = ISSUE_INSTANT.checked_sub_signed(TimeDelta::minutes(10)).unwrap();
        let own = Session::of(acme(), owner.id.clone(), begin).lasting(Duration::from_secs(3_600), None);
        store.create(&session, &own).await.unwrap();
        let mut operator = PgConnection::connect(schema.address()).await.unwrap();
        sqlx::query("BEGIN").execute(&mut operator).await.unwrap();
        sqlx::query(NAME).bind("account acme boss@example.com").execute(&mut operator).await.unwrap();
        let linking = sign_in(valid("boss", &token, "id1")).linking(owner.id, session.hash());
        let mut signing_in = tokio::spawn({
            let store = store.clone();
            async move { store.sign_in(linking).await }
        });
        tokio::select! {
            _ = until_waiting(schema, 1) => Linking { store, operator, session, signing_in },
            done = &mut signing_in => panic!("it waits for nothing: {done:?}"),
        }
    }

    async fn goes_on(mut self) -> Result<CompletedSignIn, SignInError> {
        sqlx::query("COMMIT").execute(&mut self.operator).await.unwrap();
        self.signing_in.await.unwrap()
    }
}

/// It takes its locks in the order of all sign-ins: names, and then rows.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_sign_in_that_links_holds_no_row_while_it_waits_for_a_name() {
    let Some(schema) = schema().await else { return };
    let mut linking = Linking::waits(&schema).await;
    for table in ["accounts", "sessions"] {
        let lock = format!("SELECT 1 FROM vouchsafe_{table} FOR UPDATE NOWAIT");
        let lock = sqlx::query(sqlx::AssertSqlSafe(lock));
        assert_eq!(lock.fetch_all(&mut linking.operator).await.unwrap().len(), 1, "{table}");
    }
    assert_eq!(linking.goes_on().await.unwrap().account().as_str(), "owner");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_session_that_ends_while_its_link_waits_links_nothing() {
    let Some(schema) = schema().await else { return };
    let linking = Linking::waits(&schema).await;
    let store = linking.store.clone();
    assert!(store.revoke(&linking.session).await.unwrap());
    assert_eq!(linking.goes_on().await.unwrap_err().code(), "provisioning.link_session_ended");
    assert!(store.whole(&acme()).await.unwrap().accounts[0].identities.is_empty());
}
