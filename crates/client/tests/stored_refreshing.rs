//! The metadata of connections in a store is kept fresh.
#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use vouchsafe::metadata::RefreshSchedule;
use vouchsafe::provisioning::{Actor, OrganizationId};
use vouchsafe::{ConnectionId, ConnectionState, Explain, Provider};
use vouchsafe_client::{Client, RefreshEvent, RefreshOutcome, StoredRefresher};
use vouchsafe_store::{
    Author, ConnectionMetadata, ConnectionStore, Memory, MetadataSource, StoredConnection,
};
use vouchsafe_testkit::{IdentityProvider as Kit, keys};

type Served = Arc<Mutex<Option<String>>>;

async fn serve(document: String) -> (Served, String) {
    async fn respond(State(served): State<Served>) -> Response {
        match served.lock().unwrap().clone() {
            Some(document) => document.into_response(),
            None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        }
    }
    let served: Served = Arc::new(Mutex::new(Some(document)));
    let router = Router::new().route("/metadata", get(respond)).with_state(Arc::clone(&served));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/metadata", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (served, address)
}

fn author() -> Author {
    Author::new(Actor::Operator, chrono::Utc::now())
}

fn connection(
    name: &str,
    document: &str,
    source: MetadataSource,
    state: ConnectionState,
) -> StoredConnection {
    let metadata = ConnectionMetadata::new(document, source, chrono::Utc::now());
    let organization = OrganizationId::new(format!("customer-{name}"));
    let id = ConnectionId::new(name).unwrap();
    let mut connection = StoredConnection::from_metadata(id, organization, metadata).unwrap();
    connection.state = state;
    connection
}

fn refresher(store: &Memory) -> StoredRefresher {
    let mut always = RefreshSchedule::default();
    always.shortest = Duration::ZERO;
    always.usual = Duration::ZERO;
    always.longest = Duration::ZERO;
    let client = Client::with_loopback().unwrap();
    StoredRefresher::new(client, Provider::rustcrypto(), Arc::new(store.clone())).with_schedule(always)
}

fn told(event: &RefreshEvent) -> String {
    let id = event.connection().map_or("all", ConnectionId::as_str);
    assert!(event.to_string().contains(id), "{event}");
    let outcome = match &event.outcome {
        RefreshOutcome::Loaded { .. } => "loaded".to_owned(),
        RefreshOutcome::Unchanged => "unchanged".to_owned(),
        RefreshOutcome::Changed { changes, .. } => format!("{} changes", changes.len()),
        RefreshOutcome::Kept { reason, confirmed_at: Some(_), .. } => format!("kept: {}", reason.code()),
        RefreshOutcome::StoreFailed { reason, .. } => format!("store: {}", reason.code()),
        other => format!("{other:?}"),
    };
    format!("{id} {outcome}")
}

#[tokio::test]
async fn a_new_key_reaches_the_store() {
    let old = Kit::okta().metadata().unwrap();
    let new =
        Kit::okta().with_next_certificate(keys::identity_provider_p256().certificate()).metadata().unwrap();
    let (served, address) = serve(old.clone()).await;
    let (store, url) = (Memory::new(), MetadataSource::Url(address));
    for (name, source, state) in [
        ("acme", url.clone(), ConnectionState::Active),
        ("draft", url.clone(), ConnectionState::Draft),
        ("uploaded", MetadataSource::Uploaded, ConnectionState::Active),
    ] {
        store.add_connection(&connection(name, &old, source, state), &author()).await.unwrap();
    }
    let mut refresher = refresher(&store);
    assert!(refresher.look_for_connections().await.is_none());
    let mut next = async || {
        let events = refresher.refresh_due().await;
        events.iter().map(told).collect::<Vec<_>>()
    };
    assert_eq!(next().await, ["acme unchanged"]);
    let acme = ConnectionId::new("acme").unwrap();
    assert_eq!(store.connection_revision(&acme).await.unwrap(), Some(1), "nothing was written");

    *served.lock().unwrap() = None;
    assert_eq!(next().await, ["acme kept: client.status"]);
    *served.lock().unwrap() = Some("<html/>".to_owned());
    assert_eq!(next().await, ["acme kept: metadata.root"]);
    *served.lock().unwrap() = Some(new.clone());
    assert_eq!(next().await, ["acme 1 changes"]);
    let stored = store.connection(&acme).await.unwrap().unwrap();
    assert_eq!((&*stored.metadata.document, stored.revision), (new.as_bytes(), 2));
    assert_eq!(stored.to_connection().unwrap().identity_provider().signing_keys().len(), 2);
    assert_eq!(next().await, ["acme unchanged"]);

    // The metadata of another identity provider is refused.
    *served.lock().unwrap() = Some(Kit::other().metadata().unwrap());
    assert_eq!(next().await, ["acme kept: metadata.unknown_entity"]);

    // The source of a retired connection is not requested any more.
    let mut retired = store.connection(&acme).await.unwrap().unwrap();
    retired.state = ConnectionState::Retired;
    store.update_connection(&retired, &author()).await.unwrap();
    assert!(next().await.is_empty());
}

#[tokio::test]
async fn metadata_that_has_ended_is_replaced() {
    let good = Kit::okta().metadata().unwrap();
    let ended = good.replacen("entityID=", "validUntil=\"2026-01-01T00:00:00Z\" entityID=", 1);
    let (_served, address) = serve(good.clone()).await;
    let store = Memory::new();
    let acme = connection("acme", &ended, MetadataSource::Url(address), ConnectionState::Active);
    store.add_connection(&acme, &author()).await.unwrap();
    let mut refresher = refresher(&store);
    assert!(refresher.look_for_connections().await.is_none());
    let events: Vec<_> = refresher.refresh_due().await.iter().map(told).collect();
    assert_eq!(events, ["acme loaded"]);
    let stored = store.connection(&acme.id).await.unwrap().unwrap();
    assert_eq!(&*stored.metadata.document, good.as_bytes());
}

/// A new document could not be written, because somebody changed the connection at the same time. It is accepted the
/// next time, from a server that answers `If-None-Match` with 304.
#[tokio::test]
async fn what_was_not_written_is_asked_for_again() {
    use axum::http::{HeaderMap, header};
    type Shared = Arc<Mutex<(String, Option<(Memory, StoredConnection)>)>>;
    async fn respond(State(shared): State<Shared>, headers: HeaderMap) -> Response {
        let (document, meddler) = {
            let mut shared = shared.lock().unwrap();
            (shared.0.clone(), shared.1.take())
        };
        // An administrator saves the connection while the document is being sent.
        if let Some((store, mut connection)) = meddler {
            let mut current = store.connection(&connection.id).await.unwrap().unwrap();
            connection.revision = current.revision;
            current.settings.token_required = !current.settings.token_required;
            store.update_connection(&current, &author()).await.unwrap();
        }
        let tag = format!("\"{}\"", document.len());
        if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known == tag.as_str()) {
            return StatusCode::NOT_MODIFIED.into_response();
        }
        ([(header::ETAG, tag)], document).into_response()
    }
    let old = Kit::okta().metadata().unwrap();
    let new =
        Kit::okta().with_next_certificate(keys::identity_provider_p256().certificate()).metadata().unwrap();
    let shared: Shared = Arc::new(Mutex::new((old.clone(), None)));
    let router = Router::new().route("/metadata", get(respond)).with_state(Arc::clone(&shared));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/metadata", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let store = Memory::new();
    let acme = connection("acme", &old, MetadataSource::Url(address), ConnectionState::Active);
    store.add_connection(&acme, &author()).await.unwrap();
    let mut refresher = refresher(&store);
    assert!(refresher.look_for_connections().await.is_none());
    *shared.lock().unwrap() = (new.clone(), Some((store.clone(), acme.clone())));
    let mut all = Vec::new();
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        all.extend(refresher.refresh_due().await.iter().map(told));
    }
    let stored = store.connection(&acme.id).await.unwrap().unwrap();
    assert_eq!(&*stored.metadata.document, new.as_bytes(), "{all:?}");
}
