//! Metadata is kept fresh from an HTTPS server with all kinds of faults.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "this is a test: it may panic"
)]

mod attacks;
mod documents;
#[path = "../../../axum/tests/interop/https.rs"]
mod https;
mod roll_over;
mod server;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use server::{Answer, Server, compressed};
use vouchsafe::metadata::{RefreshSchedule, SpeaksFor, TrustedSource};
use vouchsafe::signature::{Signer, TrustedKey, sign};
use vouchsafe::{Connection, ConnectionId, Connections, EntityId, Explain, Limits, Provider};
use vouchsafe_client::{
    Client, ClientError, RefreshEvent, RefreshFailure, RefreshOutcome, RefreshedConnection, Refresher,
};
use vouchsafe_testkit::{IdentityProvider as Kit, keys};

fn id() -> ConnectionId {
    ConnectionId::new("acme").unwrap()
}

fn entity_id() -> EntityId {
    EntityId::new(Kit::okta().entity_id()).unwrap()
}

/// Returns the document of a federation, created at one time and valid until another.
fn federation(created: &str, valid_until: &str, has_both_keys: bool) -> String {
    let next = keys::identity_provider_p256().certificate();
    let kit = if has_both_keys { Kit::okta().with_next_certificate(next) } else { Kit::okta() };
    let entity = kit.metadata().unwrap();
    let entity = entity.split_once("?>").map_or(entity.as_str(), |(_, rest)| rest);
    let group = format!(
        r#"<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" ID="_all" validUntil="{valid_until}"><md:Extensions><mdrpi:PublicationInfo xmlns:mdrpi="urn:oasis:names:tc:SAML:metadata:rpi" publisher="https://federation.example" creationInstant="{created}"/></md:Extensions>{entity}</md:EntitiesDescriptor>"#
    );
    let pair = keys::identity_provider();
    let signer = Signer::new(pair.private_key()).certificate(pair.certificate());
    sign(&group, "_all", &signer, &Provider::rustcrypto(), &Limits::metadata()).unwrap()
}

fn always() -> RefreshSchedule {
    let mut schedule = RefreshSchedule::default();
    schedule.shortest = Duration::ZERO;
    schedule.usual = Duration::ZERO;
    schedule.longest = Duration::ZERO;
    schedule
}

fn client(server: &Server) -> Client {
    let client = Client::with_loopback().unwrap().with_time_limit(Duration::from_millis(1_000));
    client.trusting_authority(&server.certificate).unwrap()
}

fn refresher(server: &Server) -> Refresher {
    let key = TrustedKey::new(keys::identity_provider().private_key().public_key().clone(), "the federation");
    let source = TrustedSource::signed_by([key], SpeaksFor::Everybody);
    let connection = RefreshedConnection::new(id(), entity_id(), server.address()).trusting(source);
    Refresher::new(client(server), Provider::rustcrypto()).with_schedule(always()).with(connection)
}

async fn next(refresher: &mut Refresher) -> String {
    let events = refresher.refresh_due().await;
    let [event] = &events[..] else { panic!("{events:?}") };
    match &event.outcome {
        RefreshOutcome::Loaded { .. } => "loaded".to_owned(),
        RefreshOutcome::Unchanged => "unchanged".to_owned(),
        RefreshOutcome::Changed { identity_provider, .. } => {
            format!("{} keys", identity_provider.signing_keys().len())
        }
        RefreshOutcome::Kept { reason, confirmed_at: Some(_), .. } => format!("kept: {}", reason.code()),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn no_fault_of_the_server_takes_trust_away() {
    let (day, later) = ("2026-02-01T00:00:00Z", "2036-02-01T00:00:00Z");
    let good = federation(day, later, false);
    let server = Server::start(Answer::Document(good.clone())).await;
    let mut refresher = refresher(&server);
    let status = refresher.status();
    assert_eq!(status.of(&id()), None);
    assert_eq!(next(&mut refresher).await, "loaded");
    assert_eq!(status.failing(), 0);
    let fresh = status.of(&id()).unwrap();
    assert!(fresh.confirmed_at.is_some() && fresh.last_error.is_none());

    let altered = good.replace("/sso/saml", "/evil");
    assert_ne!(altered, good);
    let by_another = {
        let unsigned = Kit::okta().metadata().unwrap();
        let unsigned = unsigned.split_once("?>").map_or(unsigned.clone(), |(_, rest)| rest.to_owned());
        let group = format!(
            r#"<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" ID="_all">{unsigned}</md:EntitiesDescriptor>"#
        );
        let key = keys::identity_provider_p256().private_key();
        sign(&group, "_all", &Signer::new(key), &Provider::rustcrypto(), &Limits::metadata()).unwrap()
    };
    let mut failures = 0;
    for (what, answer, expected) in [
        ("500", Answer::Status(500), "client.status"),
        ("silence", Answer::Nothing, "client.exchange"),
        ("a slow drip", Answer::Drip, "client.exchange"),
        ("truncated", Answer::Cut(good.clone()), "client.exchange"),
        ("200 MB", Answer::Megabytes(200), "client.too_large"),
        ("200 MB of nothing, compressed", Answer::Compressed(compressed(200_000_000)), "client.too_large"),
        ("a wrong digest", Answer::Document(altered), "signature.digest_mismatch"),
        ("a wrong key", Answer::Document(by_another), "signature.no_fitting_key"),
        ("unsigned", Answer::Document(Kit::okta().metadata().unwrap()), "signature.missing"),
        (
            "past validUntil",
            Answer::Document(federation(day, "2026-01-01T00:00:00Z", true)),
            "metadata.expired",
        ),
        (
            "published before",
            Answer::Document(federation("2026-01-31T23:59:59Z", later, true)),
            "refresh.rolled_back",
        ),
        (
            "valid for a shorter time",
            Answer::Document(federation(day, "2036-01-31T23:59:59Z", true)),
            "refresh.rolled_back",
        ),
        ("304 to no question", Answer::Status(304), "client.status"),
        ("a private address", Answer::Redirect("https://10.0.0.1/metadata".to_owned()), "client.exchange"),
        (
            "the cloud's metadata",
            Answer::Redirect("https://169.254.169.254/latest".to_owned()),
            "client.exchange",
        ),
        ("in clear", Answer::Redirect("http://example.com/metadata".to_owned()), "client.exchange"),
        ("a name inside", Answer::Redirect("https://user:secret@localhost/".to_owned()), "client.exchange"),
    ] {
        server.answers(answer);
        assert_eq!(next(&mut refresher).await, format!("kept: {expected}"), "{what}");
        failures += 1;
        let stale = status.of(&id()).unwrap();
        assert_eq!((stale.failures, stale.confirmed_at), (failures, fresh.confirmed_at), "{what}");
        assert_eq!(stale.last_error.unwrap().code, expected);
        assert_eq!(status.failing(), 1);
    }
    server.answers(Answer::Tagged(federation("2026-02-02T00:00:00Z", later, true), "\"2\""));
    assert_eq!(next(&mut refresher).await, "2 keys");
    assert_eq!(next(&mut refresher).await, "unchanged", "304");
    assert_eq!((status.failing(), status.of(&id()).unwrap().failures), (0, 0));
    server.answers(Answer::Document(good));
    assert_eq!(next(&mut refresher).await, "kept: refresh.rolled_back");
}

/// The certificate of the server is trusted only by a client that was told to.
#[tokio::test]
async fn a_server_that_proves_nothing_is_not_asked() {
    let server =
        Server::start(Answer::Document(federation("2026-02-01T00:00:00Z", "2036-01-01T00:00:00Z", false)))
            .await;
    let trusting = client(&server);
    assert!(trusting.load(&server.address()).await.is_ok());
    let strict = Client::with_loopback().unwrap();
    assert!(matches!(strict.load(&server.address()).await, Err(ClientError::Exchange { .. })));
    // The certificate is for localhost, and the address is another name.
    let by_address = server.address().replace("localhost", "127.0.0.1");
    assert!(matches!(trusting.load(&by_address).await, Err(ClientError::Exchange { .. })));
    // In production no address of this machine is requested, whatever certificate it has.
    let production = Client::new().unwrap().trusting_authority(&server.certificate).unwrap();
    assert!(matches!(production.load(&server.address()).await, Err(ClientError::Forbidden { .. })));
}

/// A thousand readers read while a thousand refreshes change the keys.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_readers_see_the_old_trust_or_the_new() {
    const TIMES: usize = 1_000;
    let [one, both] = [false, true].map(|has_both| {
        let next = keys::identity_provider_p256().certificate();
        let kit = if has_both { Kit::okta().with_next_certificate(next) } else { Kit::okta() };
        kit.metadata().unwrap()
    });
    let server = Server::start(Answer::Document(one.clone())).await;
    let connection = RefreshedConnection::new(id(), entity_id(), server.address());
    let mut refresher =
        Refresher::new(client(&server), Provider::rustcrypto()).with_schedule(always()).with(connection);
    let connections = Arc::new(Connections::new());
    for event in refresher.load().await {
        connections.put(Connection::new(id(), event.identity_provider().unwrap().clone()));
    }
    let (over, reads) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let readers: Vec<_> = (0..TIMES)
        .map(|_| {
            let (connections, over, reads) =
                (Arc::clone(&connections), Arc::clone(&over), Arc::clone(&reads));
            tokio::spawn(async move {
                let mut seen = [false; 3];
                loop {
                    let connection = connections.get("acme").expect("it is always there");
                    let keys = connection.identity_provider().signing_keys().len();
                    *seen.get_mut(keys).expect("one or two") = true;
                    reads.fetch_add(1, Ordering::Relaxed);
                    if over.load(Ordering::Relaxed) {
                        return seen;
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            })
        })
        .collect();
    for time in 0..TIMES {
        let (answer, keys) = if time % 2 == 0 { (&both, 2) } else { (&one, 1) };
        server.answers(Answer::Document(answer.clone()));
        let events = refresher.refresh_due().await;
        let [event] = &events[..] else { panic!("{events:?}") };
        let newer = event.identity_provider().unwrap_or_else(|| panic!("{event}"));
        assert_eq!(newer.signing_keys().len(), keys);
        connections.refresh("acme", newer.clone()).unwrap();
    }
    over.store(true, Ordering::Relaxed);
    let mut all = [false; 3];
    for reader in readers {
        for (all, seen) in all.iter_mut().zip(reader.await.unwrap()) {
            *all |= seen;
        }
    }
    assert_eq!(all, [false, true, true], "never none, and both");
    assert!(reads.load(Ordering::Relaxed) >= TIMES * 2);
}

/// The refresher runs in the background, reports its state, and ends when it is told to.
#[tokio::test]
async fn a_task_is_started_watched_and_ended() {
    let server = Server::start(Answer::Status(503)).await;
    let connection = RefreshedConnection::new(id(), entity_id(), server.address());
    let mut schedule = always();
    schedule.shortest = Duration::from_secs(60);
    schedule.usual = Duration::from_secs(60);
    schedule.longest = Duration::from_secs(60);
    let refresher =
        Refresher::new(client(&server), Provider::rustcrypto()).with_schedule(schedule).with(connection);
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let task = refresher.start(Arc::new(Connections::new()), move |event: &RefreshEvent| {
        let kept = matches!(&event.outcome, RefreshOutcome::Kept { reason: RefreshFailure::Client(_), .. });
        tell.send(kept).unwrap();
    });
    assert_eq!(tokio::time::timeout(Duration::from_secs(30), told.recv()).await.unwrap(), Some(true));
    let [source] = &task.sources()[..] else { panic!("one source") };
    let error = source.last_error.as_ref().unwrap();
    assert_eq!(
        (error.code, source.confirmed_at, source.age(chrono::Utc::now())),
        ("client.status", None, None)
    );
    assert!(!error.hint.is_empty() && error.message.contains("503") && task.is_running());
    tokio::time::timeout(Duration::from_secs(30), task.stop()).await.unwrap();
    assert_eq!(told.recv().await, None, "nothing is told afterwards");
}
