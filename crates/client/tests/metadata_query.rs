//! A federation's server that answers for one entity at a time.
#![expect(clippy::unwrap_used, clippy::panic, clippy::string_slice, reason = "this is a test: it may panic")]

#[path = "metadata_query/copies.rs"]
mod copies;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use vouchsafe::metadata::{EntityName, SpeaksFor, TrustedSource};
use vouchsafe::signature::{Signer, TrustedKey, sign};
use vouchsafe::{EntityId, Explain, Limits, Provider};
use vouchsafe_client::{Client, MetadataQuery};
use vouchsafe_testkit::{IdentityProvider as Kit, KeyPair, keys};

#[derive(Clone, Default)]
struct Server {
    /// The documents by the name that is requested.
    documents: Arc<Mutex<HashMap<String, String>>>,
    is_down: Arc<Mutex<bool>>,
    asked: Arc<AtomicUsize>,
    not_modified: Arc<AtomicUsize>,
    /// The time that the server takes to say that it does not know an entity.
    takes: Arc<Mutex<Duration>>,
    address: String,
}

impl Server {
    async fn start() -> Server {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        let server = Server { address, ..Server::default() };
        let router = Router::new().route("/entities/{name}", get(respond)).with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        server
    }

    fn publish(&self, name: &str, document: String) {
        self.documents.lock().unwrap().insert(name.to_owned(), document);
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    fn query(&self) -> MetadataQuery {
        self.query_of(self.source())
    }

    fn query_of(&self, source: TrustedSource) -> MetadataQuery {
        let client = Client::with_loopback().unwrap();
        MetadataQuery::new(client, Provider::rustcrypto(), &self.address, source)
    }

    fn source(&self) -> TrustedSource {
        let key = keys::identity_provider().private_key().public_key().clone();
        TrustedSource::signed_by([TrustedKey::new(key, "federation")], SpeaksFor::Everybody)
    }
}

async fn respond(State(server): State<Server>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    server.asked.fetch_add(1, Ordering::Relaxed);
    if *server.is_down.lock().unwrap() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let Some(document) = server.documents.lock().unwrap().get(&name).cloned() else {
        let takes = *server.takes.lock().unwrap();
        tokio::time::sleep(takes).await;
        return StatusCode::NOT_FOUND.into_response();
    };
    let tag = format!("\"{}\"", document.len());
    if headers.get("if-none-match").is_some_and(|shown| *shown == tag) {
        server.not_modified.fetch_add(1, Ordering::Relaxed);
        return StatusCode::NOT_MODIFIED.into_response();
    }
    // The request takes some time, so that other requests find it running.
    tokio::time::sleep(Duration::from_millis(50)).await;
    ([("etag", tag)], document).into_response()
}

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 24, 0, 0, 0).unwrap()
}

fn university() -> EntityId {
    EntityId::new("https://idp.university.example/shibboleth?a=b&c+d%20/é").unwrap()
}

/// Returns the federation's document about an entity, valid for five days.
fn document(entity_id: &EntityId, signer: &KeyPair) -> String {
    let xml =
        Kit::new(entity_id.as_str(), "https://idp.university.example/sso", keys::identity_provider_p256())
            .metadata()
            .unwrap();
    let attributes = r#"ID="_one" validUntil="2026-11-29T00:00:00Z" cacheDuration="PT6H" entityID="#;
    let xml = xml.replacen("entityID=", attributes, 1);
    sign(&xml, "_one", &Signer::new(signer.private_key()), &Provider::rustcrypto(), &Limits::metadata())
        .unwrap()
}

/// Waits until this number of requests was sent in the background.
async fn until_asked(server: &Server, times: usize) {
    let wait = async {
        while server.asked() < times {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), wait).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
}

#[tokio::test]
async fn an_entity_is_found_and_kept() {
    let server = Server::start().await;
    let name = university();
    server.publish(name.as_str(), document(&name, keys::identity_provider()));
    let query = Arc::new(server.query());
    // Fifty look-ups at once send one request.
    let all: Vec<_> = (0..50)
        .map(|_| {
            let (query, name) = (Arc::clone(&query), name.clone());
            tokio::spawn(async move { query.find(&name, now()).await })
        })
        .collect();
    for one in all {
        assert_eq!(one.await.unwrap().unwrap().unwrap().entity_id(), &name);
    }
    assert_eq!(server.asked(), 1);
    // Within its cacheDuration nothing is requested; afterwards one request is sent in the background, and nothing
    // has changed.
    let later = |hours| now() + TimeDelta::hours(hours);
    assert!(query.find(&name, later(5)).await.unwrap().is_some());
    assert_eq!(server.asked(), 1);
    assert!(query.find(&name, later(7)).await.unwrap().is_some());
    until_asked(&server, 2).await;
    assert_eq!(server.not_modified.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_day_without_the_server() {
    let server = Server::start().await;
    let name = university();
    server.publish(name.as_str(), document(&name, keys::identity_provider()));
    let query = Arc::new(server.query());
    assert!(query.find(&name, now()).await.unwrap().is_some());
    *server.is_down.lock().unwrap() = true;
    for minute in 0..24 * 60 {
        let found = query.find(&name, now() + TimeDelta::minutes(minute)).await;
        assert!(found.unwrap().is_some(), "after {minute} minutes");
        // Let the requests in the background run.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // It is requested several times, but not at each look-up.
    let asked = server.asked();
    assert!((2..200).contains(&asked), "{asked}");
    // A name that is not known must wait.
    let other = EntityId::new("https://other.example").unwrap();
    assert_eq!(query.find(&other, now()).await.unwrap_err().code(), "client.status");
    assert_eq!(query.find(&other, now()).await.unwrap_err().code(), "client.waiting");
    // The known metadata ends with its own validUntil.
    let late = now() + TimeDelta::days(5);
    assert!(query.find(&name, late).await.is_err());
}

#[tokio::test]
async fn what_the_server_does_not_know_is_asked_once() {
    let server = Server::start().await;
    let name = university();
    let query = Arc::new(server.query());
    for _ in 0..5 {
        assert!(query.find(&name, now()).await.unwrap().is_none());
    }
    assert_eq!(server.asked(), 1);
    server.publish(name.as_str(), document(&name, keys::identity_provider()));
    assert!(query.find(&name, now() + TimeDelta::minutes(9)).await.unwrap().is_none());
    assert!(query.find(&name, now() + TimeDelta::minutes(10)).await.unwrap().is_some());
}

#[tokio::test]
async fn the_server_is_believed_no_more_than_the_federation() {
    let server = Server::start().await;
    let name = university();
    let other = EntityId::new("https://other.example").unwrap();
    let plain = Kit::new(name.as_str(), "https://idp.university.example/sso", keys::identity_provider())
        .metadata()
        .unwrap();
    for (what, document, code) in [
        ("signed by itself", document(&name, keys::attacker()), "signature.not_verified"),
        ("unsigned", plain, "signature.missing"),
        ("of another", document(&other, keys::identity_provider()), "metadata.unknown_entity"),
        ("a page", "<html></html>".to_owned(), "metadata.root"),
    ] {
        server.publish(name.as_str(), document);
        let query = Arc::new(server.query());
        match query.find(&name, now()).await {
            Err(error) => assert_eq!(error.code(), code, "{what}"),
            Ok(found) => panic!("{what}: {}", found.is_some()),
        }
    }
}

#[tokio::test]
async fn asking_by_digest() {
    let server = Server::start().await;
    let name = university();
    let digest = EntityName::source_id_of(&name).to_string();
    assert!(digest.starts_with("{sha1}"));
    server.publish(&digest, document(&name, keys::identity_provider()));
    let query = Arc::new(server.query().asking_by_sha1());
    assert!(query.find(&name, now()).await.unwrap().is_some());
}

/// An entity without validUntil, which the server does not know any more.
#[tokio::test]
async fn a_copy_without_an_end_has_one() {
    let server = Server::start().await;
    let name = university();
    let endless = document(&name, keys::identity_provider());
    let kit = Kit::new(name.as_str(), "https://idp.university.example/sso", keys::identity_provider_p256());
    let unsigned = kit.metadata().unwrap().replacen("entityID=", "ID=\"_one\" entityID=", 1);
    let signer = Signer::new(keys::identity_provider().private_key());
    let signed = sign(&unsigned, "_one", &signer, &Provider::rustcrypto(), &Limits::metadata()).unwrap();
    assert!(endless.contains("validUntil") && !signed.contains("validUntil"));
    server.publish(name.as_str(), signed);
    let query = Arc::new(server.query().using_unconfirmed_for(Duration::from_secs(2 * 24 * 3_600)));
    assert!(query.find(&name, now()).await.unwrap().is_some());

    server.documents.lock().unwrap().clear();
    let day_and_a_half = now() + TimeDelta::hours(36);
    assert!(query.find(&name, day_and_a_half).await.unwrap().is_some(), "a slip of the server is outlived");
    until_asked(&server, 2).await;
    let three_days = now() + TimeDelta::days(3);
    assert!(query.find(&name, three_days).await.unwrap().is_none(), "it is not trusted for ever");
    let asked = server.asked();
    assert!(query.find(&name, three_days + TimeDelta::minutes(5)).await.unwrap().is_none());
    assert_eq!(server.asked(), asked, "that it is unknown is believed for a while");

    // While the server is down the answer is unknown: this is an outage, not an unknown entity.
    let other = Arc::new(server.query());
    server.publish(name.as_str(), document(&name, keys::identity_provider()));
    assert!(other.find(&name, now()).await.unwrap().is_some());
    *server.is_down.lock().unwrap() = true;
    assert!(other.find(&name, now() + TimeDelta::days(4)).await.unwrap().is_some());
    assert!(other.find(&name, now() + TimeDelta::days(6)).await.is_err());
}

/// Somebody posts responses in the name of an entity that nobody knows, for hours; then it joins the federation.
#[tokio::test]
async fn that_an_entity_is_unknown_is_never_believed_for_longer() {
    let server = Server::start().await;
    let name = university();
    let query = Arc::new(server.query());
    let at = |minutes: i64| now() + TimeDelta::minutes(minutes);
    for question in 0..12 {
        for minutes in [0, 5, 9] {
            let found = query.find(&name, at(question * 10 + minutes)).await.unwrap();
            assert!(found.is_none(), "it is unknown, and nothing has failed");
        }
        assert_eq!(i64::try_from(server.asked()).unwrap(), question + 1);
    }
    server.publish(name.as_str(), document(&name, keys::identity_provider()));
    assert!(query.find(&name, at(120)).await.unwrap().is_some());
    // A clock that was ahead, and was set back.
    let query = Arc::new(server.query());
    server.documents.lock().unwrap().clear();
    assert!(query.find(&name, now() + TimeDelta::days(400)).await.unwrap().is_none());
    server.publish(name.as_str(), document(&name, keys::identity_provider()));
    assert!(query.find(&name, now()).await.unwrap().is_some());
}

/// The server says that nothing has changed since a document whose time is over.
#[tokio::test]
async fn what_is_over_is_not_confirmed() {
    let server = Server::start().await;
    let name = university();
    server.publish(name.as_str(), document(&name, keys::identity_provider()));
    let query = Arc::new(server.query());
    // It ends five days later.
    let begin = now() + TimeDelta::days(5) - TimeDelta::hours(1);
    assert!(query.find(&name, begin).await.unwrap().is_some());
    let late = begin + TimeDelta::hours(2);
    assert_eq!(query.find(&name, late).await.unwrap_err().code(), "metadata.expired");
    assert_eq!(server.not_modified.load(Ordering::Relaxed), 1);
    // The next question is for the document itself.
    let later = late + TimeDelta::hours(1);
    assert_eq!(query.find(&name, later).await.unwrap_err().code(), "metadata.expired");
    assert_eq!((server.asked(), server.not_modified.load(Ordering::Relaxed)), (3, 1));
}

/// Who posts a response chooses the name that is asked for. Of these a path is made shorter: the server would be asked for everybody.
#[tokio::test]
async fn names_that_cannot_stand_in_an_address_are_asked_for_by_digest() {
    let long = "é".repeat(1_000);
    for name in [".", "..", long.as_str()] {
        let server = Server::start().await;
        let name = EntityId::new(name).unwrap();
        let digest = EntityName::source_id_of(&name).to_string();
        server.publish(&digest, document(&name, keys::identity_provider()));
        let query = Arc::new(server.query());
        assert!(query.find(&name, now()).await.unwrap().is_some(), "{name:.10}");
        assert_eq!(server.asked(), 1);
    }
    // What only looks so is a name as others are, and the digest of another is no name of it.
    let server = Server::start().await;
    let query = Arc::new(server.query());
    let university = document(&university(), keys::identity_provider());
    for name in ["%2e%2e", "../..", "a/../b", "...", "{sha1}9c1185a5c5e9fc54612808977ee8f548b2258d31"] {
        let entity = EntityId::new(name).unwrap();
        server.publish(name, university.clone());
        assert_eq!(query.find(&entity, now()).await.unwrap_err().code(), "metadata.unknown_entity", "{name}");
    }
    assert_eq!(server.asked(), 5);
}

/// A connection names its identity provider by the digest of the entityID alone.
#[tokio::test]
async fn an_entity_is_found_by_its_digest_alone() {
    let server = Server::start().await;
    let (name, other) = (university(), EntityId::new("https://other.example").unwrap());
    let [digest, of_other] = [&name, &other].map(EntityName::source_id_of);
    for asked in [&digest, &of_other] {
        server.publish(&asked.to_string(), document(&name, keys::identity_provider()));
    }
    let query = Arc::new(server.query());
    for _ in 0..2 {
        let found = query.find_named(&digest, now()).await.unwrap().unwrap();
        assert_eq!(found.entity_id(), &name);
    }
    assert_eq!(server.asked(), 1, "it is kept");
    // An answer that is about another, signed by the federation as it is.
    assert_eq!(query.find_named(&of_other, now()).await.unwrap_err().code(), "metadata.unknown_entity");
    assert_eq!(query.find_named(&of_other, now()).await.unwrap_err().code(), "client.waiting");
    assert_eq!(server.asked(), 2, "a server that gives it is not asked each time");
    // One that the federation does not know.
    let unknown = EntityName::source_id_of(&EntityId::new("https://unknown.example").unwrap());
    for _ in 0..2 {
        assert!(query.find_named(&unknown, now()).await.unwrap().is_none());
    }
    assert_eq!(server.asked(), 3);
}

/// A person who signs in at the university has its entityID in the start, and its SHA-1 in the connection afterwards. Not all
/// servers know the SHA-1.
#[tokio::test]
async fn an_entity_that_is_known_is_found_by_its_digest_too() {
    let server = Server::start().await;
    let name = university();
    server.publish(name.as_str(), document(&name, keys::identity_provider()));
    let query = Arc::new(server.query());
    let digest = EntityName::source_id_of(&name);
    // A stranger comes first with the digest.
    assert!(query.find_named(&digest, now()).await.unwrap().is_none());
    assert!(query.find(&name, now()).await.unwrap().is_some());
    assert_eq!(query.find_named(&digest, now()).await.unwrap().unwrap().entity_id(), &name);
    assert_eq!(server.asked(), 2);
}

/// Somebody posts responses with two hundred invented issuers, and the server is slow.
#[tokio::test]
async fn invented_names_keep_nobody_from_an_entity_that_is_known() {
    let server = Server::start().await;
    let name = university();
    server.publish(name.as_str(), document(&name, keys::identity_provider()));
    let query = Arc::new(server.query());
    assert!(query.find(&name, now()).await.unwrap().is_some());
    *server.takes.lock().unwrap() = Duration::from_secs(3);
    let invented: Vec<_> = (0..200)
        .map(|number| {
            let query = Arc::clone(&query);
            let name = EntityId::new(format!("https://invented.example/{number}")).unwrap();
            tokio::spawn(async move { query.find(&name, now()).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(server.asked(), 1 + 8, "so many are asked for at once");

    let started = std::time::Instant::now();
    for asked in [EntityName::EntityId(name.clone()), EntityName::source_id_of(&name)] {
        assert!(query.find_named(&asked, now()).await.unwrap().is_some());
    }
    // It is kept fresh meanwhile, and what has expired is asked for at once.
    let later = now() + TimeDelta::hours(7);
    assert!(query.find(&name, later).await.unwrap().is_some());
    until_asked(&server, 1 + 8 + 1).await;
    assert_eq!(server.not_modified.load(Ordering::Relaxed), 1);
    assert_eq!(query.find(&name, now() + TimeDelta::days(6)).await.unwrap_err().code(), "metadata.expired");
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());

    let mut busy = 0;
    for one in invented {
        match one.await.unwrap() {
            Ok(found) => assert!(found.is_none()),
            Err(error) => {
                assert_eq!(error.code(), "client.busy");
                busy += 1;
            }
        }
    }
    // Eight at a time, in two turns, before all others have waited for five seconds.
    assert_eq!((server.asked(), busy), (1 + 2 + 16, 200 - 16));
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
}

/// A fast server is not asked for each invented name either.
#[tokio::test]
async fn invented_names_are_asked_for_at_a_rate() {
    let server = Server::start().await;
    let query = Arc::new(server.query());
    let mut busy = 0;
    for number in 0..500_u16 {
        let digest = [number.to_be_bytes(), [7; 2]].concat().repeat(5);
        let name = EntityName::SourceId(digest.try_into().unwrap());
        let at = if number < 250 { now() } else { now() + TimeDelta::seconds(2) };
        match query.find_named(&name, at).await {
            Ok(found) => assert!(found.is_none()),
            Err(error) => {
                assert_eq!(error.code(), "client.busy");
                busy += 1;
            }
        }
    }
    assert_eq!((server.asked(), busy), (60 + 10, 500 - 70));
}
