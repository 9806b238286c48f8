//! Which connections a refresher adds to those of the service, and which copies keep older metadata out.
#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use vouchsafe::metadata::RefreshSchedule;
use vouchsafe::{
    Connection, ConnectionId, ConnectionSettings, Connections, EntityId, Explain as _, IdentityProvider,
    Provider, Unsolicited,
};
use vouchsafe_client::{Client, RefreshEvent, RefreshOutcome, RefreshTask, RefreshedConnection, Refresher};
use vouchsafe_testkit::IdentityProvider as Kit;

/// What the source gives; nothing is an error of the server.
type Document = Arc<Mutex<Option<String>>>;

async fn source() -> (Document, String) {
    let document = Document::default();
    let given = Arc::clone(&document);
    let respond = get(async move || given.lock().unwrap().clone().ok_or(StatusCode::BAD_GATEWAY));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/metadata", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/metadata", respond)).await });
    (document, address)
}

fn id() -> ConnectionId {
    ConnectionId::new("acme").unwrap()
}

fn okta(address: &str) -> RefreshedConnection {
    RefreshedConnection::new(id(), EntityId::new(Kit::okta().entity_id()).unwrap(), address)
}

/// A connection as the application would put it.
fn put(connections: &Connections) {
    let okta = IdentityProvider::from_metadata(Kit::okta().metadata().unwrap().as_bytes()).unwrap();
    connections.put(Connection::new(id(), okta));
}

fn refresher(connection: RefreshedConnection) -> Refresher {
    let mut schedule = RefreshSchedule::default();
    (schedule.shortest, schedule.usual) = (Duration::ZERO, Duration::ZERO);
    schedule.longest = Duration::ZERO;
    Refresher::new(Client::with_loopback().unwrap(), Provider::rustcrypto())
        .with_schedule(schedule)
        .with(connection)
}

/// Starts a refresher, and returns the names of its outcomes as they come.
fn start(
    refresher: Refresher,
    connections: &Arc<Connections>,
) -> (RefreshTask, UnboundedReceiver<&'static str>) {
    let (told, events) = unbounded_channel();
    let tell = move |event: &RefreshEvent| {
        let _ = told.send(match &event.outcome {
            RefreshOutcome::Loaded { .. } => "loaded",
            RefreshOutcome::NotConfigured { reason: None, .. } => "not configured",
            RefreshOutcome::NotConfigured { reason: Some(_), .. } => "not its metadata",
            RefreshOutcome::Kept { .. } => "kept",
            _ => "other",
        });
    };
    (refresher.start(Arc::clone(connections), tell), events)
}

async fn until(events: &mut UnboundedReceiver<&'static str>, what: &str) {
    let wait = async { while events.recv().await.unwrap() != what {} };
    tokio::time::timeout(Duration::from_secs(60), wait).await.unwrap();
}

#[tokio::test]
async fn nothing_is_added_that_nobody_asked_for() {
    let (document, address) = source().await;
    *document.lock().unwrap() = Some(Kit::okta().metadata().unwrap());
    let connections = Arc::new(Connections::new());
    let (task, mut events) = start(refresher(okta(&address)), &connections);
    assert_eq!(events.recv().await, Some("loaded"));
    assert_eq!(events.recv().await, Some("not configured"));
    assert_eq!(events.recv().await, Some("other"), "it is told once");
    assert!(connections.is_empty());
    task.stop().await;
}

#[tokio::test]
async fn a_connection_is_added_with_its_settings() {
    let (document, address) = source().await;
    *document.lock().unwrap() = Some(Kit::okta().metadata().unwrap());
    let connections = Arc::new(Connections::new());
    let settings = ConnectionSettings::default().unsolicited(Unsolicited::Restart);
    let (task, mut events) = start(refresher(okta(&address).adding(settings.clone())), &connections);
    until(&mut events, "loaded").await;
    assert_eq!(connections.get("acme").unwrap().settings(), &settings);
    assert_eq!(events.recv().await, Some("other"));
    connections.remove("acme");
    assert_eq!(events.recv().await, Some("other"));
    assert_eq!(events.recv().await, Some("other"));
    assert!(connections.is_empty());
    task.stop().await;
}

/// A process that loads the metadata before it starts the refresher gets the same.
#[tokio::test]
async fn a_connection_that_was_loaded_before_the_start_is_added() {
    let (document, address) = source().await;
    *document.lock().unwrap() = Some(Kit::okta().metadata().unwrap());
    let connections = Arc::new(Connections::new());
    let mut loaded = refresher(okta(&address).adding(ConnectionSettings::default()));
    loaded.load().await;
    let (task, mut events) = start(loaded, &connections);
    assert_eq!(events.recv().await, Some("other"));
    assert!(connections.get("acme").is_some());
    connections.remove("acme");
    until(&mut events, "other").await;
    until(&mut events, "other").await;
    assert!(connections.is_empty());
    task.stop().await;
}

/// The source fails when the service starts, the operator removes the customer, and then the source answers.
#[tokio::test]
async fn a_removed_connection_does_not_come_back() {
    for adding in [None, Some(ConnectionSettings::default())] {
        let (document, address) = source().await;
        let connections = Arc::new(Connections::new());
        put(&connections);
        let refreshed = match adding {
            Some(settings) => okta(&address).adding(settings),
            None => okta(&address),
        };
        let (task, mut events) = start(refresher(refreshed), &connections);
        until(&mut events, "kept").await;
        connections.remove("acme");
        *document.lock().unwrap() = Some(Kit::okta().metadata().unwrap());
        until(&mut events, "not configured").await;
        assert!(connections.is_empty());
        task.stop().await;
    }
}

/// A copy that has ended is not used and is compared with, and one that was refused for another reason is not.
#[tokio::test]
async fn an_ended_copy_keeps_older_documents_out() {
    let published = |attributes: &str, created: &str| {
        let xml = Kit::okta().metadata().unwrap();
        let root = xml.get(xml.find("<md:EntityDescriptor").unwrap()..).unwrap();
        let (head, rest) = root.split_once('>').unwrap();
        format!(
            r#"{head} {attributes}><md:Extensions><r:PublicationInfo xmlns:r="urn:oasis:names:tc:SAML:metadata:rpi" publisher="p" creationInstant="{created}"/></md:Extensions>{rest}"#
        )
    };
    let ended = published(r#"validUntil="2026-01-03T00:00:00Z""#, "2026-01-02T00:00:00Z");
    let other =
        published("", "2026-01-02T00:00:00Z").replace(Kit::okta().entity_id(), "https://other.example");
    let (older, newer) = (published("", "2026-01-01T00:00:00Z"), published("", "2026-01-02T00:00:00Z"));
    let folder = std::env::temp_dir().join(format!("vouchsafe-ended-{}", std::process::id()));
    let (document, address) = source().await;
    let restarted = || refresher(okta(&address)).keeping_copies_in(&folder);
    *document.lock().unwrap() = Some(older.clone());
    restarted().load().await;
    let copy = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    let loads = async |of: &str, at_hand: &str| {
        std::fs::write(&copy, at_hand).unwrap();
        *document.lock().unwrap() = Some(of.to_owned());
        let events = restarted().load().await;
        let codes = events.iter().map(|event| match &event.outcome {
            RefreshOutcome::Kept { reason, .. } => reason.code(),
            RefreshOutcome::Loaded { .. } => "loaded",
            _ => "other",
        });
        codes.collect::<Vec<_>>()
    };
    assert_eq!(loads(&older, &ended).await, ["metadata.expired", "refresh.rolled_back"]);
    assert_eq!(loads(&newer, &ended).await, ["metadata.expired", "loaded"]);
    let [refused, taken] = loads(&older, &other).await.try_into().unwrap();
    assert!(refused != "metadata.expired" && taken == "loaded", "{refused} {taken}");
    std::fs::remove_dir_all(&folder).unwrap();
}

/// The application reads its configuration again, with the file of last year, or adds the connection later: the source
/// answers that nothing has changed, and yet the connection must not keep keys that were withdrawn.
#[tokio::test]
async fn metadata_that_the_application_puts_back_is_replaced_by_the_next_answer() {
    let (document, address) = source().await;
    *document.lock().unwrap() = Some(Kit::okta().metadata().unwrap());
    let connections = Arc::new(Connections::new());
    let withdrawn = Kit::okta().with_key(vouchsafe_testkit::keys::attacker());
    let withdrawn = IdentityProvider::from_metadata(withdrawn.metadata().unwrap().as_bytes()).unwrap();
    let (task, mut events) = start(refresher(okta(&address)), &connections);
    until(&mut events, "not configured").await;
    let genuine = IdentityProvider::from_metadata(Kit::okta().metadata().unwrap().as_bytes()).unwrap();
    let key = |of: &IdentityProvider| of.signing_keys().first().unwrap().spki_der().to_vec();
    for _ in 0..2 {
        connections.put(Connection::new(id(), withdrawn.clone()));
        // The first answer may have been under way.
        for _ in 0..2 {
            until(&mut events, "other").await;
        }
        let present = connections.get("acme").unwrap();
        assert_eq!(key(present.identity_provider()), key(&genuine));
    }
    // A connection to another entity is left as it is, and that is told.
    let other = IdentityProvider::from_metadata(Kit::other().metadata().unwrap().as_bytes()).unwrap();
    connections.put(Connection::new(id(), other.clone()));
    until(&mut events, "not its metadata").await;
    assert_eq!(connections.get("acme").unwrap().identity_provider().entity_id(), other.entity_id());
    task.stop().await;
}
