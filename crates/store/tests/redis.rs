//! The suite on Redis, for real: each test with keys that begin with a text of their own, on the server of `VOUCHSAFE_TEST_REDIS_URL`.

#![cfg(feature = "redis")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use redis::aio::MultiplexedConnection;
use vouchsafe::{
    Provider, ReplayKey,
    provisioning::{AccountId, Identity, LoggedOut},
};
use vouchsafe_store::{
    Announces, CachedSessions, Claim, ClaimStore, EndedSessionStore, FormLimits, FormStore, PendingStore,
    Redis, ReplayStore, Revocation, SealedForm, Session, SessionId, SessionStore,
    conformance::{acme, connection, now},
};

/// Where the address of the server stands.
const ADDRESS: &str = "VOUCHSAFE_TEST_REDIS_URL";

fn address() -> Option<String> {
    let address = std::env::var(ADDRESS).ok();
    if address.is_none() {
        assert!(std::env::var_os("CI").is_none(), "{ADDRESS} is not set");
        #[expect(clippy::print_stderr, reason = "whoever runs the tests is told what was not run")]
        {
            eprintln!("skipped: {ADDRESS} is not set");
        }
    }
    address
}

/// Keys of the test's own, which go with the test.
struct Prefix(String);

impl Prefix {
    fn new() -> Prefix {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Prefix(format!("{{vouchsafe-test-{}-{number}}}:", std::process::id()))
    }
}

impl Drop for Prefix {
    fn drop(&mut self) {
        let Some(mut connection) = address()
            .and_then(|address| redis::Client::open(address).ok())
            .and_then(|client| client.get_connection().ok())
        else {
            return;
        };
        let keys: Vec<String> =
            redis::cmd("KEYS").arg(format!("{}*", self.0)).query(&mut connection).unwrap_or_default();
        for key in keys {
            let _: Result<u64, _> = redis::cmd("DEL").arg(key).query(&mut connection);
        }
    }
}

async fn store() -> Option<(Redis, Prefix)> {
    let (address, prefix) = (address()?, Prefix::new());
    Some((Redis::connect(&address).await.unwrap().with_prefix(&prefix.0), prefix))
}

vouchsafe_store::conformance!(memoranda where available: store);
vouchsafe_store::conformance!(of forms where available: store);
vouchsafe_store::conformance!(of ended_sessions where available: store);

async fn raw() -> MultiplexedConnection {
    let client = redis::Client::open(address().unwrap()).unwrap();
    client.get_multiplexed_async_connection().await.unwrap()
}

fn new_id() -> SessionId {
    SessionId::generate(&Provider::rustcrypto()).unwrap()
}

fn session(account: &str, lasting: Duration) -> Session {
    Session::of(acme(), AccountId::new(account), now()).lasting(lasting, None)
}

/// Nothing stays for good, and a replay record stays for the margin after its assertion is too old.
#[tokio::test]
async fn everything_ends_by_itself() {
    let Some((store, prefix)) = store().await else { return };
    let end = DateTime::<Utc>::from(std::time::SystemTime::now()) + TimeDelta::minutes(5);
    assert!(store.insert_once("current", end).await.unwrap());
    assert!(store.insert_once("old", end - TimeDelta::days(400)).await.unwrap());
    assert!(store.insert_once("without end", DateTime::<Utc>::MAX_UTC).await.unwrap());
    for (hash, end) in [("claimed", end), ("claimed without end", DateTime::<Utc>::MAX_UTC)] {
        assert_eq!(store.claim(hash, "holder", end).await.unwrap(), Claim::First);
    }
    let mut named = session("1", Duration::from_secs(28_800));
    named.identity = Some(Identity::new(connection(), "ada"));
    store.create(&new_id(), &named).await.unwrap();
    store.create(&new_id(), &session("1", Duration::from_secs(3_600))).await.unwrap();
    let form = SealedForm {
        handle: "one".to_owned(),
        binding_hash: "hash".to_owned(),
        sealed: b"sealed".to_vec(),
        expires_at: now() + TimeDelta::minutes(10),
        network: Some("network".to_owned()),
    };
    let limits = FormLimits { forms: 9, bytes: 999, forms_of_network: 9, bytes_of_network: 999 };
    store.keep_form(&form, limits, now()).await.unwrap();
    let shorter = SealedForm { expires_at: now() + TimeDelta::minutes(2), handle: "two".to_owned(), ..form };
    store.keep_form(&shorter, limits, now()).await.unwrap();
    for minutes in [10, 2] {
        store.note_ended("ended", now() + TimeDelta::minutes(minutes), now()).await.unwrap();
    }
    let mut raw = raw().await;
    let keys: Vec<String> =
        redis::cmd("KEYS").arg(format!("{}*", prefix.0)).query_async(&mut raw).await.unwrap();
    assert_eq!(keys.len(), 5 + 2 + 2 + 3 + 1, "{keys:?}");
    let mut lasting = std::collections::BTreeMap::new();
    for key in &keys {
        let left: i64 = redis::cmd("PTTL").arg(key).query_async(&mut raw).await.unwrap();
        assert!(left > 0, "{key} stays for good");
        lasting.insert(key.trim_start_matches(&prefix.0).to_owned(), TimeDelta::milliseconds(left));
    }
    let about = |left: TimeDelta, wanted: TimeDelta| (left - wanted).abs() < TimeDelta::minutes(1);
    assert!(about(lasting["replay:current"], ReplayKey::MARGIN + TimeDelta::minutes(5)), "{lasting:?}");
    assert!(
        about(lasting["replay:old"], ReplayKey::MARGIN),
        "it counts although its time is over: {lasting:?}"
    );
    let margin = ReplayKey::MARGIN + TimeDelta::minutes(5);
    assert!(about(lasting["replay:claimed"], margin), "{lasting:?}");
    for endless in ["replay:without end", "replay:claimed without end"] {
        assert!(lasting[endless] > TimeDelta::days(36_500), "{lasting:?}");
    }
    assert!(
        about(lasting["account:1"], TimeDelta::hours(8)),
        "as the session that lasts longest: {lasting:?}"
    );
    let longest = TimeDelta::minutes(10);
    assert!(about(lasting["forms:by_network_and_end"], longest), "as the longest: {lasting:?}");
    // For a machine whose clock is ahead.
    let margin = TimeDelta::days(7);
    assert!(about(lasting["ended_session:ended"], longest + margin), "as the longest: {lasting:?}");
}

/// A session that ends without use lasts longer when it is used.
#[tokio::test]
async fn a_use_extends_a_session() {
    let Some((store, prefix)) = store().await else { return };
    let (id, minutes) = (new_id(), |minutes: u64| Duration::from_secs(60 * minutes));
    let idle = Session::of(acme(), AccountId::new("1"), now()).lasting(minutes(600), None);
    let idle = idle.ending_without_use(Some(minutes(30)));
    store.create(&id, &idle).await.unwrap();
    let mut raw = raw().await;
    let key = format!("{}session:{}", prefix.0, id.hash());
    let mut shorten = redis::cmd("PEXPIRE");
    let _: bool = shorten.arg(&key).arg(60_000).query_async(&mut raw).await.unwrap();
    assert!(store.find(&id, now() + TimeDelta::minutes(29)).await.unwrap().is_some());
    let left: i64 = redis::cmd("PTTL").arg(&key).query_async(&mut raw).await.unwrap();
    assert!(left > 20 * 60_000, "{left}");
    let used: i64 = redis::cmd("HGET").arg(&key).arg("used").query_async(&mut raw).await.unwrap();
    assert_eq!(used, (now() + TimeDelta::minutes(29)).timestamp_millis());
}

/// What ended by itself does not stay in the sets that sessions are found by.
#[tokio::test]
async fn the_sets_do_not_grow() {
    let Some((store, prefix)) = store().await else { return };
    let mut raw = raw().await;
    // The set stays as long as this one.
    store.create(&new_id(), &session("1", Duration::from_secs(3_600))).await.unwrap();
    for _ in 0..20 {
        store.create(&new_id(), &session("1", Duration::ZERO)).await.unwrap();
    }
    // Each lasts a second more than it is good for.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let last = new_id();
    store.create(&last, &session("1", Duration::from_secs(3_600))).await.unwrap();
    let count: u64 =
        redis::cmd("ZCARD").arg(format!("{}account:1", prefix.0)).query_async(&mut raw).await.unwrap();
    assert_eq!(count, 2);
    assert_eq!(store.revoke_account(&AccountId::new("1")).await.unwrap(), 2);
    assert!(store.find(&last, now()).await.unwrap().is_none());
}

#[tokio::test]
async fn no_identifier_is_given_twice() {
    let Some((store, _prefix)) = store().await else { return };
    let id = new_id();
    store.create(&id, &session("1", Duration::from_secs(3_600))).await.unwrap();
    let taken = store.create(&id, &session("2", Duration::from_secs(3_600))).await.unwrap_err();
    assert_eq!(taken.code(), "store.taken");
    assert_eq!(store.find(&id, now()).await.unwrap().unwrap().account, AccountId::new("1"));
}

/// There is no replica here, so nothing is accepted that one must have.
#[tokio::test]
async fn what_no_replica_has_is_refused() {
    let Some((store, _prefix)) = store().await else { return };
    let careful = store.clone().requiring_replicas(1, Duration::from_millis(50));
    let refused = careful.insert_once("0123", now()).await.unwrap_err();
    assert_eq!(refused.code(), "store.unavailable");
    assert!(refused.is_outage());
    assert!(!store.insert_once("0123", now()).await.unwrap(), "the record is there all the same");
    assert!(
        store
            .clone()
            .requiring_replicas(0, Duration::from_millis(50))
            .insert_once("4567", now())
            .await
            .unwrap()
    );
}

/// Waiting for replicas, which never come here, holds up nobody who asks for something else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_for_replicas_stalls_nobody() {
    let Some((store, _prefix)) = store().await else { return };
    let careful = store.requiring_replicas(1, Duration::from_secs(1));
    let id = new_id();
    careful.create(&id, &session("1", Duration::from_secs(3_600))).await.unwrap();
    let from = Instant::now();
    let waiting: Vec<_> = (0..8)
        .map(|number| {
            let careful = careful.clone();
            tokio::spawn(async move { careful.insert_once(&format!("{number}"), now()).await })
        })
        .collect();
    let mut slowest = Duration::ZERO;
    while from.elapsed() < Duration::from_millis(700) {
        let asked = Instant::now();
        assert!(careful.find(&id, now()).await.unwrap().is_some());
        slowest = slowest.max(asked.elapsed());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(slowest < Duration::from_millis(500), "{slowest:?}");
    for waited in waiting {
        assert!(waited.await.unwrap().unwrap_err().is_outage());
    }
    assert!(from.elapsed() < Duration::from_secs(5), "they wait beside each other: {:?}", from.elapsed());
}

/// What ends nothing tells nothing, and what ends some tells which.
#[tokio::test]
async fn only_what_ended_is_published() {
    let Some((store, _prefix)) = store().await else { return };
    let mut announcements = store.announcements().await.unwrap();
    let name = Identity::new(connection(), "ada");
    assert!(!store.revoke(&new_id()).await.unwrap());
    assert_eq!(store.revoke_logged_out(&LoggedOut::all_of(name.clone())).await.unwrap(), 0);
    assert!(announcements.until_now().await.unwrap().is_empty());
    let ids = [new_id(), new_id()];
    for (id, index) in ids.iter().zip(["s1", "s2"]) {
        let mut told = session("1", Duration::from_secs(3_600));
        (told.identity, told.session_indexes) = (Some(name.clone()), vec![index.to_owned()]);
        store.create(id, &told).await.unwrap();
    }
    assert_eq!(store.revoke_logged_out(&LoggedOut::sessions(name.clone(), Some("s3"))).await.unwrap(), 0);
    assert_eq!(store.revoke_logged_out(&LoggedOut::sessions(name.clone(), Some("s2"))).await.unwrap(), 1);
    let told = announcements.until_now().await.unwrap();
    assert_eq!(told, [Revocation::Session(ids[1].hash().to_owned())]);
    assert!(store.revoke(&ids[0]).await.unwrap());
    let told = announcements.until_now().await.unwrap();
    assert_eq!(told, [Revocation::Session(ids[0].hash().to_owned())]);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_outage_that_names_no_password() {
    for address in ["redis://ada:hunter2@127.0.0.1:9/", "redis://ada:hunter2@127.0.0.1:port/"] {
        let failed = Redis::connect(address).await.unwrap_err();
        assert!(failed.is_outage(), "{failed}");
        assert!(!format!("{failed} {failed:?}").contains("hunter2"));
    }
    let Some((store, _prefix)) = store().await else { return };
    assert!(!format!("{store:?}").contains("127.0.0.1"));
}

/// Passes everything on to the server, until it is told to drop what is open.
async fn door() -> (String, tokio::sync::watch::Sender<u32>) {
    let server = address().unwrap().trim_start_matches("redis://").trim_end_matches('/').to_owned();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = format!("redis://{}", listener.local_addr().unwrap());
    let (drops, dropped) = tokio::sync::watch::channel(0);
    tokio::spawn(async move {
        while let Ok((mut here, _)) = listener.accept().await {
            let (server, mut dropped) = (server.clone(), dropped.clone());
            dropped.mark_unchanged();
            tokio::spawn(async move {
                let mut there = tokio::net::TcpStream::connect(server).await.unwrap();
                tokio::select! {
                    _ = dropped.changed() => {}
                    _ = tokio::io::copy_bidirectional(&mut here, &mut there) => {}
                }
            });
        }
    });
    (own, drops)
}

/// A lost connection is made anew; what was asked meanwhile is an outage at worst, and never an answer that is wrong.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_connection_is_made_anew() {
    let Some((store, prefix)) = store().await else { return };
    let (address, drops) = door().await;
    let behind = Redis::connect(&address).await.unwrap().with_prefix(&prefix.0);
    for round in 1..=5 {
        let name = format!("{round}");
        assert!(store.insert_once(&name, now()).await.unwrap());
        drops.send(round).unwrap();
        let mut failures = 0;
        loop {
            match behind.insert_once(&name, now()).await {
                Ok(inserted) => {
                    assert!(!inserted, "it was recorded before");
                    break;
                }
                Err(failed) => {
                    assert_eq!(failed.code(), "store.unavailable", "{failed}");
                    failures += 1;
                    assert!(failures < 100, "it is not made anew");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
    }
    // The last drop may be noticed as late as here.
    let mut failures = 0;
    let found = loop {
        match behind.find_pending("nothing", now()).await {
            Ok(found) => break found,
            Err(failed) => {
                assert_eq!(failed.code(), "store.unavailable", "{failed}");
                failures += 1;
                assert!(failures < 100, "it is not made anew");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    };
    assert!(found.is_none());
}

async fn live<S>(cached: &CachedSessions<S>) {
    while !cached.is_live() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// At the other machine, by account, by identifier and by name; and while its connections are lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_ended_at_one_machine_is_over_at_the_other() {
    let Some((store, prefix)) = store().await else { return };
    let (address, drops) = door().await;
    let other = Redis::connect(&address).await.unwrap().with_prefix(&prefix.0);
    let cached = CachedSessions::start(other, 1_000);
    let name = Identity::new(connection(), "ada");
    for way in 0..8 {
        live(&cached).await;
        let account = AccountId::new(format!("a{way}"));
        let id = new_id();
        let mut told = session(account.as_str(), Duration::from_secs(28_800));
        told.identity = Some(name.clone());
        told.session_indexes = vec!["s1".to_owned()];
        store.create(&id, &told).await.unwrap();
        while cached.find(&id, now()).await.unwrap_or_default().is_none() {}
        if way >= 4 {
            drops.send(way).unwrap();
        }
        let ended = match way % 4 {
            0 => store.revoke_account(&account).await.unwrap(),
            1 => u64::from(store.revoke(&id).await.unwrap()),
            2 => store.revoke_logged_out(&LoggedOut::sessions(name.clone(), Some("s1"))).await.unwrap(),
            _ => store.revoke_logged_out(&LoggedOut::all_of(name.clone())).await.unwrap(),
        };
        assert_eq!(ended, 1, "way {way}");
        let from = Instant::now();
        // An outage says nothing of the session; nobody is let in by it.
        while !matches!(cached.find(&id, now()).await, Ok(None) | Err(_)) {
            assert!(from.elapsed() < Duration::from_millis(100), "way {way}: {:?}", from.elapsed());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        store.revoke_logged_out(&LoggedOut::all_of(name.clone())).await.unwrap();
    }
}
