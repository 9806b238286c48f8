//! The store that is chosen by its address: the suite over the parts that belong together.

#![cfg(all(feature = "sqlite", feature = "postgres", feature = "redis"))]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod postgres_server;

use postgres_server::{Schema, schema};
use vouchsafe_store::{PendingStore, Redis, Store};

/// PostgreSQL with its sessions in memory, and pending requests in Redis: as several machines have it.
async fn divided() -> Option<(Store, Schema)> {
    let schema = schema().await?;
    let Ok(redis) = std::env::var("VOUCHSAFE_TEST_REDIS_URL") else {
        assert!(std::env::var_os("CI").is_none(), "VOUCHSAFE_TEST_REDIS_URL is not set");
        return None;
    };
    let store = Store::connect(schema.address()).await.unwrap();
    Some((store.with_pending_at(&redis).await.unwrap().caching_sessions(1_000), schema))
}

/// Those of the suite that sweep pending requests do not hold where they end by themselves.
mod suite {
    use super::divided;
    use vouchsafe_store::conformance::{configuration, connecting, memoranda, scenarios, sign_in};

    macro_rules! each {
        ($($module:ident::$name:ident),*) => {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $name() {
                    if let Some((store, _kept)) = divided().await {
                        $module::$name(store).await;
                    }
                }
            )*
        };
    }

    each!(
        memoranda::an_assertion_is_confirmed_once,
        memoranda::a_pending_request_is_found_until_it_is_removed,
        memoranda::a_session_lasts_until_its_end_and_no_longer,
        memoranda::sessions_end_by_id_by_name_and_by_account,
        memoranda::a_suspended_account_gets_no_session,
        configuration::sessions_end_with_the_connection_they_began_over,
        connecting::a_conversion_is_one_decision,
        scenarios::one_response_is_accepted_once,
        scenarios::a_sign_in_answers_its_request_and_replaces_a_session,
        sign_in::suspension_ends_sessions_and_is_recorded
    );
}

#[tokio::test]
async fn each_address_is_a_store_or_an_error_that_says_why() {
    let folder = std::env::temp_dir().join(format!("vouchsafe-address-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for file in [format!("sqlite://{}/a.db", folder.display()), format!("sqlite:{}/b.db", folder.display())] {
        Store::connect(&file).await.unwrap();
    }
    assert!(folder.join("a.db").exists() && folder.join("b.db").exists());
    std::fs::remove_dir_all(&folder).unwrap();
    for address in ["memory", "sqlite::memory:"] {
        let _cached = Store::connect(address).await.unwrap().caching_sessions(10);
    }
    for address in
        ["redis://ada:hunter2@127.0.0.1", "mysql://ada:hunter2@db", "", "sqlite://", "/var/lib/file"]
    {
        let failed = Store::connect(address).await.unwrap_err();
        assert_eq!(failed.code(), "store.address", "{address}");
        assert!(!format!("{failed} {failed:?}").contains("hunter2"));
    }
    let memory = Store::connect("memory").await.unwrap();
    let failed = memory.with_pending_at("postgres://db").await.unwrap_err();
    assert_eq!(failed.code(), "store.address");
}

/// Nothing of a request is in the database, and nothing is left of it in Redis when it was answered.
#[tokio::test]
async fn requests_are_where_they_belong() {
    let Some((store, schema)) = divided().await else { return };
    let redis = Redis::connect(&std::env::var("VOUCHSAFE_TEST_REDIS_URL").unwrap()).await.unwrap();
    let database = Store::connect(schema.address()).await.unwrap();
    let pending = vouchsafe_store::conformance::memoranda::pending();
    let handle = pending.handle().to_owned();
    store.put(&pending).await.unwrap();
    let now = vouchsafe_store::conformance::now();
    assert!(redis.find_pending(&handle, now).await.unwrap().is_some());
    assert!(database.find_pending(&handle, now).await.unwrap().is_none());
    assert!(store.remove_pending(&handle).await.unwrap());
    assert!(redis.find_pending(&handle, now).await.unwrap().is_none());
}
