//! Databases that an earlier version wrote: their tables are brought up to date, and what is looked up in another way
//! since then is found. And databases that a newer version has migrated already, while this one still runs.

#![cfg(all(feature = "sqlite", feature = "postgres"))]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod postgres_server;

use std::time::Duration;

use chrono::TimeDelta;
use postgres_server::schema;
use sqlx::{AssertSqlSafe, PgPool, SqlitePool, sqlite::SqliteConnectOptions};
use vouchsafe::{
    ConnectionId, EntityId, Provider,
    assertion::SourceId,
    provisioning::{AccountId, Identity, LoggedOut},
};
use vouchsafe_store::{
    ConnectionStore, Postgres, Session, SessionId, SessionStore, Sqlite,
    conformance::{acme, now},
};

const IDENTITY_PROVIDERS: [&str; 2] = ["http://www.okta.com/exkEarlier", "https://idp.example.com/ünïcode"];

/// The last migrations before sources of artifacts were kept.
const BEFORE_SOURCES: (i64, i64) = (11, 12);

/// The last migrations at which a session had at most one index.
const BEFORE_SESSION_INDEXES: (i64, i64) = (14, 15);

/// An empty database in SQLite as it was after this migration.
async fn sqlite_as_of(version: i64) -> SqlitePool {
    let pool = sqlx::sqlite::SqlitePoolOptions::new().max_connections(1).idle_timeout(None);
    let pool = pool.connect_with(SqliteConnectOptions::new().in_memory(true)).await.unwrap();
    let mut migrations = sqlx::migrate!("migrations/sqlite");
    migrations.dangerous_set_table_name("vouchsafe_migrations");
    migrations.run_to(version, &pool).await.unwrap();
    pool
}

/// The same in PostgreSQL.
async fn postgres_as_of(version: i64, address: &str) -> PgPool {
    let pool = PgPool::connect(address).await.unwrap();
    let mut migrations = sqlx::migrate!("migrations/postgres");
    migrations.dangerous_set_table_name("vouchsafe_migrations");
    migrations.run_to(version, &pool).await.unwrap();
    pool
}

/// What writes two connections to each identity provider, and one whose entity ID is none. `metadata` is an expression for the bytes of metadata.
fn connections(metadata: &str) -> Vec<String> {
    let row = |id: String, identity_provider: &str| {
        format!(
            "INSERT INTO vouchsafe_connections (id, organization, state, is_inactive, identity_provider,
                assertion_consumer, token_required, metadata, source, fetched_at, settings, revision)
             VALUES ('{id}', 'acme', 'draft', 1, '{identity_provider}', '', 1, {metadata}, '\"Uploaded\"', 0, '{{}}', 1)"
        )
    };
    let numbered = IDENTITY_PROVIDERS.iter().enumerate();
    let good = numbered.flat_map(|(place, one)| ["a", "b"].map(|name| row(format!("{name}{place}"), one)));
    good.chain([row("damaged".to_owned(), "")]).collect()
}

async fn each_is_found_by_its_source(store: impl ConnectionStore) {
    for identity_provider in IDENTITY_PROVIDERS {
        let identity_provider = EntityId::new(identity_provider).unwrap();
        let source = SourceId::of(&identity_provider);
        let found = store.identity_provider_of_source(source).await.unwrap();
        assert_eq!(found, Some(identity_provider));
    }
    let unknown = SourceId::of(&EntityId::new("https://idp.example.com/unknown").unwrap());
    assert_eq!(store.identity_provider_of_source(unknown).await.unwrap(), None);
}

#[tokio::test]
async fn connections_of_before_sources_are_found_by_them_in_sqlite() {
    let pool = sqlite_as_of(BEFORE_SOURCES.0).await;
    for statement in connections("CAST('<md/>' AS BLOB)") {
        sqlx::query(AssertSqlSafe(statement)).execute(&pool).await.unwrap();
    }
    each_is_found_by_its_source(Sqlite::on(pool.clone()).await.unwrap()).await;

    // What a machine of the earlier version wrote meanwhile is found from when the store is opened next.
    sqlx::query("DELETE FROM vouchsafe_sources").execute(&pool).await.unwrap();
    each_is_found_by_its_source(Sqlite::on(pool).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn connections_of_before_sources_are_found_by_them_in_postgres() {
    let Some(schema) = schema().await else { return };
    let pool = postgres_as_of(BEFORE_SOURCES.1, schema.address()).await;
    for statement in connections("convert_to('<md/>', 'UTF8')") {
        sqlx::query(AssertSqlSafe(statement)).execute(&pool).await.unwrap();
    }
    // Several machines begin with the new version at the same moment.
    let opening = (0..4).map(|_| {
        let address = schema.address().to_owned();
        tokio::spawn(async move { Postgres::connect(&address).await })
    });
    for opened in opening.collect::<Vec<_>>() {
        each_is_found_by_its_source(opened.await.unwrap().unwrap()).await;
    }
}

fn person() -> Identity {
    Identity::new(ConnectionId::new("acme").unwrap(), "ada")
}

fn session_id(index: Option<&str>) -> SessionId {
    SessionId::received(format!("the session {index:?}"), &Provider::rustcrypto()).unwrap()
}

/// What writes three sessions as the earlier version did: with an index each, and without one.
fn sessions() -> Vec<String> {
    let row = |index: Option<&str>| {
        let mut session =
            Session::of(acme(), AccountId::new("a1"), now()).lasting(Duration::from_secs(28_800), None);
        session.identity = Some(person());
        let mut record = serde_json::to_value(session).unwrap();
        let record = record.as_object_mut().unwrap();
        assert!(record.remove("session_indexes").is_some());
        record.insert("session_index".to_owned(), index.into());
        format!(
            "INSERT INTO vouchsafe_sessions (hash, account, identity, session_index, record, expires_at)
             VALUES ('{}', 'a1', '{}', {}, '{}', {})",
            session_id(index).hash(),
            person().key(),
            index.map_or_else(|| "NULL".to_owned(), |index| format!("'{index}'")),
            serde_json::to_string(record).unwrap(),
            now().checked_add_signed(TimeDelta::hours(8)).unwrap().timestamp_millis(),
        )
    };
    [Some("s1"), Some("s2"), None].map(row).to_vec()
}

async fn each_ends_by_its_index(store: impl SessionStore) {
    for (index, expected) in [(Some("s1"), &["s1"][..]), (Some("s2"), &["s2"]), (None, &[])] {
        let found = store.find(&session_id(index), now()).await.unwrap().unwrap();
        assert_eq!(found.session_indexes, expected);
    }
    assert_eq!(store.revoke_logged_out(&LoggedOut::sessions(person(), Some("s1"))).await.unwrap(), 2);
    assert!(store.find(&session_id(Some("s2")), now()).await.unwrap().is_some());
    assert_eq!(store.revoke_logged_out(&LoggedOut::sessions(person(), Some("s2"))).await.unwrap(), 1);
}

#[tokio::test]
async fn sessions_of_one_index_are_ended_by_it_in_sqlite() {
    let pool = sqlite_as_of(BEFORE_SESSION_INDEXES.0).await;
    for statement in sessions() {
        sqlx::query(AssertSqlSafe(statement)).execute(&pool).await.unwrap();
    }
    each_ends_by_its_index(Sqlite::on(pool).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sessions_of_one_index_are_ended_by_it_in_postgres() {
    let Some(schema) = schema().await else { return };
    let pool = postgres_as_of(BEFORE_SESSION_INDEXES.1, schema.address()).await;
    for statement in sessions() {
        sqlx::query(AssertSqlSafe(statement)).execute(&pool).await.unwrap();
    }
    each_ends_by_its_index(Postgres::on(pool).await.unwrap()).await;
}

/// What a newer version may do to the tables, and how it is recorded.
const NEWER: [&str; 3] = [
    "ALTER TABLE vouchsafe_sessions ADD COLUMN newer TEXT NOT NULL DEFAULT ''",
    "CREATE TABLE vouchsafe_newer (id TEXT PRIMARY KEY)",
    "INSERT INTO vouchsafe_migrations (version, description, success, checksum, execution_time)
     VALUES (9000, 'newer', TRUE, '', 0)",
];

/// During a rolling deployment, a machine may start with the earlier version after the newer one has migrated.
async fn keeps_a_session(store: impl SessionStore) {
    let (id, account) = (session_id(Some("s1")), AccountId::new("a1"));
    let mut session = Session::of(acme(), account, now()).lasting(Duration::from_secs(28_800), None);
    session.identity = Some(person());
    session.session_indexes = vec!["s1".to_owned()];
    store.create(&id, &session).await.unwrap();
    assert_eq!(store.find(&id, now()).await.unwrap().unwrap().session_indexes, ["s1"]);
    assert_eq!(store.revoke_logged_out(&LoggedOut::sessions(person(), Some("s1"))).await.unwrap(), 1);
}

#[tokio::test]
async fn a_newer_version_may_have_migrated_in_sqlite() {
    let pool = sqlite_as_of(BEFORE_SESSION_INDEXES.0).await;
    drop(Sqlite::on(pool.clone()).await.unwrap());
    for statement in NEWER {
        sqlx::query(AssertSqlSafe(statement)).execute(&pool).await.unwrap();
    }
    keeps_a_session(Sqlite::on(pool).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_newer_version_may_have_migrated_in_postgres() {
    let Some(schema) = schema().await else { return };
    let pool = postgres_as_of(BEFORE_SESSION_INDEXES.1, schema.address()).await;
    drop(Postgres::on(pool.clone()).await.unwrap());
    for statement in NEWER {
        sqlx::query(AssertSqlSafe(statement)).execute(&pool).await.unwrap();
    }
    keeps_a_session(Postgres::on(pool).await.unwrap()).await;
}
