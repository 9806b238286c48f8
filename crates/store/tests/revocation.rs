//! Sessions in the memory of two machines: what is ended at one is over at the other.

#![cfg(all(feature = "sqlite", feature = "postgres"))]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod postgres_server;

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use postgres_server::schema;
use sqlx::{Connection as _, PgConnection};
use vouchsafe::{
    ConnectionState, Provider,
    provisioning::{Account, AccountId, Actor, Change, Identity, LoggedOut},
};
use vouchsafe_store::{
    Announces, CachedSessions, ConnectionStore, Directory, Postgres, Revocation, Session, SessionId,
    SessionStore, Sqlite,
    conformance::{self as suite, acme, change, connections::draft, now},
};

/// The promise: so long after it was ended a session is dead everywhere.
const PROMISED: Duration = Duration::from_millis(100);

fn new_id() -> SessionId {
    SessionId::generate(&Provider::rustcrypto()).unwrap()
}

fn session(account: &AccountId) -> Session {
    Session::of(acme(), account.clone(), now()).lasting(Duration::from_secs(28_800), None)
}

async fn live<S>(cached: &CachedSessions<S>) {
    while !cached.is_live() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// How long the session is still found.
async fn dies_within<S: SessionStore>(cached: &CachedSessions<S>, id: &SessionId) -> Duration {
    let from = Instant::now();
    while cached.find(id, now()).await.unwrap().is_some() {
        assert!(from.elapsed() < Duration::from_secs(10), "it goes on");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    from.elapsed()
}

/// In turn by suspension, by its account, by itself, and by the identity provider's name. `ends` is the machine that ends it.
async fn each_way_to_end_a_session_is_heard<S: Directory + SessionStore + Announces + Clone + 'static>(
    ends: S,
    other: CachedSessions<S>,
    add: impl AsyncFn(&Account),
) {
    live(&other).await;
    for way in 0..4 {
        let account = AccountId::new(format!("a{way}"));
        add(&Account::new(account.clone(), acme(), format!("a{way}@example.com"))).await;
        let (id, kept) = (new_id(), new_id());
        let mut told = session(&account);
        let name = vouchsafe::provisioning::Identity::new(suite::connection(), "ada");
        told.identity = Some(name.clone());
        ends.create(&id, &told).await.unwrap();
        ends.create(&kept, &session(&AccountId::new("somebody else"))).await.unwrap();
        for _ in 0..3 {
            assert!(other.find(&id, now()).await.unwrap().is_some());
            assert!(other.find(&kept, now()).await.unwrap().is_some());
        }
        let ended = Instant::now();
        match way {
            0 => drop(ends.decide(suspension(&account)).await.unwrap()),
            1 => assert_eq!(ends.revoke_account(&account).await.unwrap(), 1),
            2 => assert!(ends.revoke(&id).await.unwrap()),
            _ => assert_eq!(ends.revoke_logged_out(&LoggedOut::all_of(name.clone())).await.unwrap(), 1),
        }
        let after = dies_within(&other, &id).await;
        assert!(after < PROMISED, "way {way}: {after:?} after the answer, {:?} in all", ended.elapsed());
        assert!(other.find(&kept, now()).await.unwrap().is_some());
    }
}

fn suspension(account: &AccountId) -> vouchsafe_store::Decision {
    let suspend = suite::by_hand(account, Change::Suspend, Actor::Operator, "a test");
    vouchsafe_store::Decision::change(acme(), suspend)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_postgres_it_is_heard_at_the_other_machine() {
    let Some(schema) = schema().await else { return };
    let one = Postgres::connect(schema.address()).await.unwrap();
    suite::with_acme(&one).await;
    let other = Postgres::connect(schema.address()).await.unwrap();
    let add = async |account: &Account| one.add_account(account, &suite::author()).await.unwrap();
    each_way_to_end_a_session_is_heard(one.clone(), CachedSessions::start(other, 1_000), add).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_sqlite_it_is_heard_within_the_process() {
    let store = Sqlite::in_memory().await.unwrap();
    suite::with_acme(&store).await;
    let add = async |account: &Account| store.add_account(account, &suite::author()).await.unwrap();
    each_way_to_end_a_session_is_heard(store.clone(), CachedSessions::start(store.clone(), 1_000), add).await;
}

/// A look-up that is answered from memory asks the database nothing: here it cannot be asked.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_page_costs_the_database_nothing() {
    let Some(schema) = schema().await else { return };
    let store = Postgres::connect(schema.address()).await.unwrap();
    let cached = CachedSessions::start(store.clone(), 1_000);
    live(&cached).await;
    let (id, account) = (new_id(), AccountId::new("1"));
    store.create(&id, &session(&account)).await.unwrap();
    assert!(cached.find(&id, now()).await.unwrap().is_some());
    let mut operator = PgConnection::connect(schema.address()).await.unwrap();
    sqlx::query("BEGIN").execute(&mut operator).await.unwrap();
    sqlx::query("LOCK TABLE vouchsafe_sessions IN ACCESS EXCLUSIVE MODE")
        .execute(&mut operator)
        .await
        .unwrap();
    for _ in 0..1_000 {
        let found = tokio::time::timeout(Duration::from_secs(5), cached.find(&id, now())).await;
        // While the machine is too busy to be sure, the database is asked after all.
        if found.is_err() {
            assert!(!cached.is_live());
        }
    }
    sqlx::query("ROLLBACK").execute(&mut operator).await.unwrap();
    assert!(cached.find(&id, now() + TimeDelta::hours(8)).await.unwrap().is_none(), "its time is over");
}

/// Whoever cannot hear asks the store; nothing that was ended meanwhile is believed when it is heard again.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_machine_that_hears_nothing_believes_nothing() {
    let Some(schema) = schema().await else { return };
    let one = Postgres::connect(schema.address()).await.unwrap();
    let other = Postgres::connect(schema.address()).await.unwrap();
    let cached = CachedSessions::start(other, 1_000);
    let mut operator = PgConnection::connect(schema.address()).await.unwrap();
    for round in 0..3 {
        live(&cached).await;
        let (id, account) = (new_id(), AccountId::new(format!("{round}")));
        one.create(&id, &session(&account)).await.unwrap();
        assert!(cached.find(&id, now()).await.unwrap().is_some());
        // The connection that listens is closed by the server, and at once the session is ended.
        let closed: Vec<bool> = sqlx::query_scalar(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE query IN ('SELECT 1') AND pid <> pg_backend_pid() AND application_name = current_setting('application_name')",
        )
        .fetch_all(&mut operator)
        .await
        .unwrap();
        assert!(!closed.is_empty(), "nobody listened");
        one.revoke_account(&account).await.unwrap();
        let after = dies_within(&cached, &id).await;
        assert!(after < PROMISED, "{after:?}");
    }
    live(&cached).await;
}

/// It is read before it is ended and remembered after: what was heard in between is not forgotten.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_read_while_it_is_ended_is_not_remembered() {
    let Some(schema) = schema().await else { return };
    let one = Postgres::connect(schema.address()).await.unwrap();
    let other = Postgres::connect(schema.address()).await.unwrap();
    let cached = CachedSessions::start(other, 1_000);
    live(&cached).await;
    for round in 0..40 {
        let (id, account) = (new_id(), AccountId::new(format!("{round}")));
        one.create(&id, &session(&account)).await.unwrap();
        let readers: Vec<_> = (0..8)
            .map(|_| {
                let (cached, id) =
                    (cached.clone(), SessionId::received(id.reveal(), &Provider::rustcrypto()).unwrap());
                tokio::spawn(async move { cached.find(&id, now()).await.unwrap().is_some() })
            })
            .collect();
        one.revoke_account(&account).await.unwrap();
        for reader in readers {
            reader.await.unwrap();
        }
        let after = dies_within(&cached, &id).await;
        assert!(after < PROMISED, "round {round}: {after:?}");
    }
}

/// No more is remembered than was asked for, and what was forgotten is found all the same.
#[tokio::test]
async fn so_many_are_remembered_at_most() {
    let store = Sqlite::in_memory().await.unwrap();
    let cached = CachedSessions::start(store.clone(), 3);
    live(&cached).await;
    let ids: Vec<SessionId> = (0..10).map(|_| new_id()).collect();
    for (number, id) in ids.iter().enumerate() {
        store.create(id, &session(&AccountId::new(format!("{}", number % 2)))).await.unwrap();
    }
    for _ in 0..3 {
        for id in &ids {
            assert!(cached.find(id, now()).await.unwrap().is_some());
        }
    }
    store.revoke_account(&AccountId::new("0")).await.unwrap();
    tokio::time::sleep(PROMISED).await;
    let mut left = 0;
    for id in &ids {
        left += usize::from(cached.find(id, now()).await.unwrap().is_some());
    }
    assert_eq!(left, 5);
}

/// A session of an epoch that is over is over, even where its row is there: it was written by somebody who read the epoch before.
#[tokio::test]
async fn a_session_of_an_earlier_epoch_is_over() {
    let Some(schema) = schema().await else { return };
    let store = Postgres::connect(schema.address()).await.unwrap();
    let account = AccountId::new("1");
    store.revoke_account(&account).await.unwrap();
    let (early, late) = (new_id(), new_id());
    for id in [&early, &late] {
        store.create(id, &session(&account)).await.unwrap();
        assert!(store.find(id, now()).await.unwrap().is_some());
    }
    let mut operator = PgConnection::connect(schema.address()).await.unwrap();
    sqlx::query("UPDATE vouchsafe_sessions SET epoch = 0 WHERE hash = $1")
        .bind(early.hash())
        .execute(&mut operator)
        .await
        .unwrap();
    assert!(store.find(&early, now()).await.unwrap().is_none());
    assert!(store.find(&late, now()).await.unwrap().is_some());
    let nobody = change(&store, &account, Change::Suspend, Actor::Operator).await;
    assert!(nobody.is_err(), "there is no such organization");
}

/// What ends nothing tells nothing, and what ends something tells what.
async fn only_what_ended_is_announced<S: Directory + SessionStore + ConnectionStore + Announces>(store: &S) {
    let mut announcements = store.announcements().await.unwrap();
    let name = Identity::new(suite::connection(), "ada");
    let mut connection = draft("retiring", acme(), suite::okta());
    connection.state = ConnectionState::Active;
    connection.revision = store.add_connection(&connection, &suite::author()).await.unwrap();
    connection.metadata.fetched_at = now();
    connection.revision = store.update_connection(&connection, &suite::author()).await.unwrap();
    let mut empty = draft("empty", acme(), suite::okta());
    empty.revision = store.add_connection(&empty, &suite::author()).await.unwrap();
    empty.state = ConnectionState::Retired;
    store.update_connection(&empty, &suite::author()).await.unwrap();
    assert!(!store.revoke(&new_id()).await.unwrap());
    assert_eq!(store.revoke_logged_out(&LoggedOut::all_of(name.clone())).await.unwrap(), 0);
    assert_eq!(announcements.until_now().await.unwrap(), []);

    let (named, over) = (new_id(), new_id());
    let mut session = session(&AccountId::new("1"));
    session.identity = Some(name.clone());
    store.create(&named, &session).await.unwrap();
    (session.identity, session.connection) = (None, Some(connection.id.clone()));
    store.create(&over, &session).await.unwrap();
    assert_eq!(store.revoke_logged_out(&LoggedOut::all_of(name.clone())).await.unwrap(), 1);
    let told = announcements.until_now().await.unwrap();
    assert_eq!(told, [Revocation::Session(named.hash().to_owned())]);
    connection.state = ConnectionState::Retired;
    store.update_connection(&connection, &suite::author()).await.unwrap();
    let told = announcements.until_now().await.unwrap();
    assert_eq!(told, [Revocation::Connection(connection.id.clone())]);
    assert!(store.find(&over, now()).await.unwrap().is_none());
}

#[tokio::test]
async fn sqlite_announces_what_ended() {
    let store = Sqlite::in_memory().await.unwrap();
    suite::with_acme(&store).await;
    only_what_ended_is_announced(&store).await;
}

#[tokio::test]
async fn postgres_announces_what_ended() {
    let Some(schema) = schema().await else { return };
    let store = Postgres::connect(schema.address()).await.unwrap();
    suite::with_acme(&store).await;
    only_what_ended_is_announced(&store).await;
}

/// A session that ends without use goes on while it is used, at whichever machine: what is remembered is looked up when its use is to be noted.
#[tokio::test]
async fn a_remembered_session_ends_without_use() {
    let store = Sqlite::in_memory().await.unwrap();
    let machines = [CachedSessions::start(store.clone(), 10), CachedSessions::start(store.clone(), 10)];
    for machine in &machines {
        live(machine).await;
    }
    let [one, other] = &machines;
    let after = |seconds| now() + TimeDelta::seconds(seconds);
    let id = new_id();
    let session = session(&AccountId::new("1")).ending_without_use(Some(Duration::from_secs(600)));
    store.create(&id, &session).await.unwrap();
    for seconds in [0, 59] {
        for machine in &machines {
            let found = machine.find(&id, after(seconds)).await.unwrap().unwrap();
            assert_eq!(found.last_used_at, now(), "{seconds}");
        }
    }
    for seconds in [300, 599] {
        assert!(one.find(&id, after(seconds)).await.unwrap().is_some());
    }
    // It was read here at the beginning, and used there since.
    let found = other.find(&id, after(1_198)).await.unwrap().unwrap();
    assert_eq!(found.last_used_at, after(1_198));
    for machine in &machines {
        assert_eq!(machine.find(&id, after(1_798)).await.unwrap(), None);
    }
}
