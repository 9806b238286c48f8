//! The keys that sign sign-ins are recorded: cheaply, and without delaying anybody.

#![expect(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "this is a test: it may panic")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use http::Request;
use vouchsafe::metadata::KeySighting;
use vouchsafe::{
    Connection, ConnectionId, ConnectionSettings, Connections, EntityId, IdentityProvider, ServiceProvider,
    Unsolicited,
};
use vouchsafe_store::{Answer, KeyHistory, Memory, StoreError};
use vouchsafe_testkit::{self as testkit, IdentityProvider as Kit, KeyPair, keys};
use vouchsafe_web::SingleSignOn;

/// A store that counts writes, and may fail.
#[derive(Clone, Debug, Default)]
struct Counting {
    store: Memory,
    writes: Arc<AtomicUsize>,
    fails: Arc<AtomicBool>,
}

impl KeyHistory for Counting {
    fn note_keys<'a>(&'a self, connection: &'a ConnectionId, seen: &'a [KeySighting]) -> Answer<'a, ()> {
        Box::pin(async move {
            if self.fails.load(Ordering::Relaxed) {
                return Err(StoreError::unavailable(std::io::Error::other("down")));
            }
            self.writes.fetch_add(1, Ordering::Relaxed);
            self.store.note_keys(connection, seen).await
        })
    }

    fn key_history<'a>(&'a self, connection: &'a ConnectionId) -> Answer<'a, Vec<KeySighting>> {
        self.store.key_history(connection)
    }
}

struct World {
    sso: SingleSignOn,
    keys: Counting,
    seconds: Arc<AtomicI64>,
    number: AtomicUsize,
}

fn acme() -> ConnectionId {
    ConnectionId::new("acme").unwrap()
}

impl World {
    fn new() -> World {
        let both = Kit::okta().with_next_certificate(keys::identity_provider_p256().certificate());
        let okta = IdentityProvider::from_metadata(both.metadata().unwrap().as_bytes()).unwrap();
        let accepting = ConnectionSettings::default().unsolicited(Unsolicited::Accept);
        let connections = Connections::new();
        connections.put(Connection::new(acme(), okta).with_settings(accepting).unwrap());
        let service = ServiceProvider::builder(EntityId::new(testkit::SERVICE_PROVIDER).unwrap());
        let service = service.assertion_consumer(testkit::ASSERTION_CONSUMER).unwrap().build().unwrap();
        let (keys, seconds) = (Counting::default(), Arc::new(AtomicI64::new(0)));
        let clock = Arc::clone(&seconds);
        let sso = SingleSignOn::new(service, Arc::new(connections), Arc::new(Memory::new()))
            .key_history(Arc::new(keys.clone()))
            .clock(move || at(clock.load(Ordering::Relaxed)));
        World { sso, keys, seconds, number: AtomicUsize::new(0) }
    }

    async fn sign_in(&self, key: &KeyPair, seconds: i64) {
        self.seconds.store(seconds, Ordering::Relaxed);
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let response =
            Kit::okta().with_key(key).response().at(at(seconds)).assertion_id(format!("_{number}"));
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("SAMLResponse", &response.issue().unwrap().to_base64());
        let request = Request::new(()).into_parts().0;
        let accepted = self.sso.accept(&request, form.finish().as_bytes()).await;
        assert!(accepted.is_ok(), "{:?}", accepted.err().map(|answer| answer.status()));
        // The background task writes.
        for _ in 0..8 {
            tokio::task::yield_now().await;
        }
    }

    async fn known(&self) -> Vec<(u64, Option<DateTime<Utc>>)> {
        let known = self.keys.key_history(&acme()).await.unwrap();
        known.iter().map(|key| (key.verified, key.last_verified)).collect()
    }

    fn writes(&self) -> usize {
        self.keys.writes.load(Ordering::Relaxed)
    }
}

fn at(seconds: i64) -> DateTime<Utc> {
    testkit::ISSUE_INSTANT + TimeDelta::seconds(seconds)
}

#[tokio::test]
async fn a_key_is_written_once_a_minute_and_no_sign_in_is_lost() {
    let world = World::new();
    let (old, new) = (keys::identity_provider(), keys::identity_provider_p256());
    for second in 0..60 {
        world.sign_in(old, second).await;
    }
    assert_eq!((world.writes(), world.known().await), (1, vec![(1, Some(at(0)))]));
    world.sign_in(old, 60).await;
    assert_eq!((world.writes(), world.known().await), (2, vec![(61, Some(at(60)))]));
    // Another key has its own minute.
    world.sign_in(new, 61).await;
    world.sign_in(new, 62).await;
    assert_eq!((world.writes(), world.known().await), (3, vec![(61, Some(at(60))), (1, Some(at(61)))]));
    // The waiting counts are written at the end, once.
    world.sso.flush_key_history().await.unwrap();
    assert_eq!(world.known().await, [(61, Some(at(60))), (2, Some(at(62)))]);
    world.sso.flush_key_history().await.unwrap();
    assert_eq!(world.writes(), 4);
    let known = world.keys.key_history(&acme()).await.unwrap();
    let fingerprints: Vec<&str> = known.iter().map(|key| key.fingerprint.as_str()).collect();
    assert_eq!(fingerprints, [old, new].map(|key| key.certificate().fingerprint_sha256()));
}

#[tokio::test]
async fn a_store_that_fails_refuses_nobody_and_loses_nothing() {
    let world = World::new();
    let old = keys::identity_provider();
    world.keys.fails.store(true, Ordering::Relaxed);
    for minute in 0..3 {
        world.sign_in(old, minute * 60).await;
    }
    assert!(world.sso.flush_key_history().await.is_err());
    assert!(world.known().await.is_empty());
    world.keys.fails.store(false, Ordering::Relaxed);
    world.sso.sweep().await.unwrap();
    assert_eq!(world.known().await, [(3, Some(at(120)))]);
}
