//! The metadata of connections in a store is kept fresh.
#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

#[path = "stored_refreshing/outages.rs"]
mod outages;

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
        RefreshOutcome::Renewed { .. } => "renewed".to_owned(),
        RefreshOutcome::Staged { reason, changes, .. } => {
            format!("staged with {} changes: {reason}", changes.len())
        }
        RefreshOutcome::RefusedBefore { .. } => "refused before".to_owned(),
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
    assert_eq!(events, ["acme renewed"]);
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

/// Entra ID and others write an ID and a signature anew at each request, federations also the dates: nothing is written
/// that anybody would read, and what is refused stays refused.
#[tokio::test]
async fn a_document_that_is_written_anew_is_neither_a_revision_nor_a_record() {
    use vouchsafe::metadata::KeyChanges;
    use vouchsafe_store::{ConnectionDecision, Directory};

    let written = |kit: &Kit, attributes: &str| {
        kit.metadata().unwrap().replacen("entityID=", &format!("{attributes} entityID="), 1)
    };
    let next = keys::identity_provider_p256().certificate();
    let (known, adding) = (Kit::okta(), Kit::okta().with_next_certificate(next));
    let (served, address) = serve(written(&known, "ID=\"_0\" validUntil=\"2099-01-01T00:00:00Z\"")).await;
    let store = Memory::new();
    let mut acme = connection(
        "acme",
        &written(&known, "ID=\"_0\" validUntil=\"2099-01-01T00:00:00Z\""),
        MetadataSource::Url(address),
        ConnectionState::Draft,
    );
    acme.settings.metadata.key_changes = KeyChanges::Approve;
    let mut organization =
        vouchsafe::provisioning::Organization::new(acme.organization.clone(), "acme", "Acme");
    organization.entitled = true;
    store.add_organization(&organization, &author()).await.unwrap();
    let (id, whose) = (acme.id.clone(), acme.organization.clone());
    let convert =
        ConnectionDecision::new(whose.clone(), Actor::Operator, chrono::Utc::now(), move |it, now| {
            it.convert(acme.clone(), None, now)
        });
    store.decide_connections(convert).await.unwrap();
    let mut refreshing = refresher(&store);
    assert!(refreshing.look_for_connections().await.is_none());
    let written_so_far =
        async || (store.connection_revision(&id).await.unwrap(), store.audit(&whose).await.unwrap().len());
    let stored = async || store.connection(&id).await.unwrap().unwrap();

    let before = written_so_far().await;
    for number in 1..5 {
        *served.lock().unwrap() =
            Some(written(&known, &format!("ID=\"_{number}\" validUntil=\"2099-01-01T00:00:00Z\"")));
        assert_eq!(refreshing.refresh_due().await.iter().map(told).collect::<Vec<_>>(), ["acme unchanged"]);
    }
    assert_eq!(
        &*stored().await.metadata.document,
        written(&known, "ID=\"_0\" validUntil=\"2099-01-01T00:00:00Z\"").as_bytes()
    );
    for day in 10..15 {
        let end = format!("validUntil=\"2099-01-{day}T00:00:00Z\"");
        *served.lock().unwrap() = Some(written(&known, &end));
        assert_eq!(refreshing.refresh_due().await.iter().map(told).collect::<Vec<_>>(), ["acme renewed"]);
        assert_eq!(&*stored().await.metadata.document, written(&known, &end).as_bytes());
    }
    assert_eq!(written_so_far().await, before);

    // What must be approved is staged once.
    for number in 1..5 {
        let end = format!("ID=\"_{number}\" validUntil=\"2099-02-1{number}T00:00:00Z\"");
        *served.lock().unwrap() = Some(written(&adding, &end));
        let events = refreshing.refresh_due().await;
        assert!(told(&events[0]).starts_with("acme staged with "), "{events:?}");
        assert_eq!(&*stored().await.staged.unwrap().document, written(&adding, &end).as_bytes());
    }
    assert_eq!(written_so_far().await, (before.0.map(|revision| revision + 1), before.1 + 1));
    assert_eq!(
        refreshing.status().of(&id).unwrap().confirmed_at.map(|at| at < chrono::Utc::now()),
        Some(true)
    );

    // A refusal is of what it says.
    let staged = stored().await;
    let (digest, refused) = (staged.digest(staged.staged.as_ref().unwrap()), id.clone());
    let refuse =
        ConnectionDecision::new(whose.clone(), Actor::Operator, chrono::Utc::now(), move |it, now| {
            it.refuse_metadata(&refused, &digest, Actor::Operator, now)
        });
    store.decide_connections(refuse).await.unwrap();
    let before = written_so_far().await;
    for number in 1..5 {
        *served.lock().unwrap() = Some(written(&adding, &format!("ID=\"_{number}\"")));
        let events = refreshing.refresh_due().await;
        assert_eq!(events.iter().map(told).collect::<Vec<_>>(), ["acme refused before"]);
    }
    assert_eq!((written_so_far().await, stored().await.staged), (before, None));
    // One thing more is something else.
    *served.lock().unwrap() = Some(written(&adding, "ID=\"_1\"").replace("/sso/saml", "/sso/other"));
    let events = refreshing.refresh_due().await;
    assert!(told(&events[0]).starts_with("acme staged with "), "{events:?}");
}

/// The day after which an unsigned source that has gone back is followed: restarts and other instances know when it began.
#[tokio::test]
async fn the_day_of_older_documents_goes_on_after_a_restart() {
    let written = |end: &str| {
        Kit::okta().metadata().unwrap().replacen("entityID=", &format!("validUntil=\"{end}\" entityID="), 1)
    };
    let year = chrono::Utc::now() + chrono::TimeDelta::days(300);
    let at =
        |days: i64| (year + chrono::TimeDelta::days(days)).to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let (newer, older) = (written(&at(1)), written(&at(0)));
    let (served, address) = serve(older.clone()).await;
    let store = Memory::new();
    let acme = connection("acme", &newer, MetadataSource::Url(address), ConnectionState::Active);
    store.add_connection(&acme, &author()).await.unwrap();
    let since = async || store.connection(&acme.id).await.unwrap().unwrap().older_since;
    let next = async || {
        // Each time another instance, which has just started.
        let mut refreshing = refresher(&store);
        assert!(refreshing.look_for_connections().await.is_none());
        refreshing.refresh_due().await.iter().map(told).collect::<Vec<_>>()
    };
    assert_eq!(next().await, ["acme kept: refresh.rolled_back"]);
    let begin = since().await.unwrap();
    for _ in 0..3 {
        assert_eq!(next().await, ["acme kept: refresh.rolled_back"]);
        assert_eq!(since().await, Some(begin));
    }
    // A newer one between them begins the day anew.
    *served.lock().unwrap() = Some(newer);
    assert_eq!(next().await, ["acme unchanged"]);
    assert_eq!(since().await, None);
    *served.lock().unwrap() = Some(older.clone());
    assert_eq!(next().await, ["acme kept: refresh.rolled_back"]);
    assert!(since().await.unwrap() > begin);

    // A day later.
    let mut stored = store.connection(&acme.id).await.unwrap().unwrap();
    stored.older_since = stored.older_since.map(|since| since - chrono::TimeDelta::hours(23));
    store.renew_connection(&stored).await.unwrap();
    assert_eq!(next().await, ["acme kept: refresh.rolled_back"]);
    stored.older_since = stored.older_since.map(|since| since - chrono::TimeDelta::hours(2));
    store.renew_connection(&stored).await.unwrap();
    assert_eq!(next().await, ["acme renewed"]);
    let stored = store.connection(&acme.id).await.unwrap().unwrap();
    assert_eq!((&*stored.metadata.document, stored.older_since), (older.as_bytes(), None));
    assert_eq!(stored.revision, 2, "its end is sooner, which all processes must see");
}

/// Somebody has the address for a moment, and sends a modification time of now. The genuine server, which has an older
/// document, would then answer that nothing has changed.
#[tokio::test]
async fn a_moment_at_the_address_does_not_silence_the_genuine_server() {
    use axum::http::{HeaderMap, header};
    type Modified = Arc<Mutex<(String, &'static str)>>;
    async fn respond(State(served): State<Modified>, headers: HeaderMap) -> Response {
        let (document, modified) = served.lock().unwrap().clone();
        let time = |text: &str| chrono::DateTime::parse_from_rfc2822(text).unwrap();
        let known = headers.get(header::IF_MODIFIED_SINCE).map(|since| time(since.to_str().unwrap()));
        match known {
            Some(since) if time(modified) <= since => StatusCode::NOT_MODIFIED.into_response(),
            _ => ([(header::LAST_MODIFIED, modified)], document).into_response(),
        }
    }
    let genuine = (Kit::okta().metadata().unwrap(), "Mon, 02 Nov 2026 00:00:00 GMT");
    let evil = Kit::new(Kit::okta().entity_id(), "https://evil.example/sso", keys::attacker());
    let served: Modified = Arc::new(Mutex::new(genuine.clone()));
    let router = Router::new().route("/metadata", get(respond)).with_state(Arc::clone(&served));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/metadata", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let store = Memory::new();
    let acme = connection("acme", &genuine.0, MetadataSource::Url(address), ConnectionState::Active);
    store.add_connection(&acme, &author()).await.unwrap();
    let mut refreshing = refresher(&store);
    assert!(refreshing.look_for_connections().await.is_none());
    let mut next = async || {
        tokio::time::sleep(Duration::from_millis(2)).await;
        refreshing.refresh_due().await.iter().map(told).collect::<Vec<_>>().concat()
    };
    assert_eq!((next().await, next().await), ("acme unchanged".to_owned(), "acme unchanged".to_owned()));
    *served.lock().unwrap() = (evil.metadata().unwrap(), "Sun, 29 Nov 2026 16:00:00 GMT");
    assert!(next().await.ends_with(" changes"));
    *served.lock().unwrap() = genuine.clone();
    assert!(next().await.ends_with(" changes"));
    let stored = store.connection(&acme.id).await.unwrap().unwrap();
    assert_eq!(&*stored.metadata.document, genuine.0.as_bytes());
}

/// The service starts again after its whole cluster was down: the sources of most connections are asked at random moments
/// of the next hour, but nobody can sign in over those whose metadata has ended.
#[tokio::test]
async fn metadata_that_has_ended_is_asked_for_at_once_after_a_start() {
    let good = Kit::okta().metadata().unwrap();
    let until = |end: chrono::DateTime<chrono::Utc>| {
        let end = end.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        good.replacen("entityID=", &format!("validUntil=\"{end}\" entityID="), 1)
    };
    let now = chrono::Utc::now();
    let (_served, address) = serve(good.clone()).await;
    let store = Memory::new();
    for (name, end) in [("ended", -60), ("soon", 30), ("later", 60 * 24 * 30)] {
        let document = until(now + chrono::TimeDelta::minutes(end));
        for number in 0..40 {
            let url = MetadataSource::Url(address.clone());
            let one = connection(&format!("{name}-{number}"), &document, url, ConnectionState::Active);
            store.add_connection(&one, &author()).await.unwrap();
        }
    }
    let client = Client::with_loopback().unwrap();
    let mut refresher = StoredRefresher::new(client, Provider::rustcrypto(), Arc::new(store.clone()));
    assert!(refresher.look_for_connections().await.is_none());
    let mut asked = Vec::new();
    // The metadata of 64 connections is read at a time.
    for _ in 0..2 {
        let events = refresher.refresh_due().await;
        asked.extend(events.iter().map(|event| event.connection().unwrap().as_str().to_owned()));
    }
    let of = |name: &str| asked.iter().filter(|asked| asked.starts_with(name)).count();
    assert_eq!((of("ended"), of("soon")), (40, 40));
    assert!(of("later") < 20, "{}", of("later"));
}

/// A person requests the metadata of a draft, and another one saves the draft meanwhile.
#[tokio::test]
async fn a_draft_that_somebody_saves_meanwhile_is_told_as_a_conflict() {
    let new =
        Kit::okta().with_next_certificate(keys::identity_provider_p256().certificate()).metadata().unwrap();
    let (store, served) = (Memory::new(), new.clone());
    let meddled = store.clone();
    let respond = get(async move || {
        let mut current = meddled.connection(&ConnectionId::new("acme").unwrap()).await.unwrap().unwrap();
        current.settings.token_required = !current.settings.token_required;
        meddled.update_connection(&current, &author()).await.unwrap();
        served
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/metadata", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/metadata", respond)).await });
    let old = Kit::okta().metadata().unwrap();
    let acme = connection("acme", &old, MetadataSource::Url(address), ConnectionState::Draft);
    store.add_connection(&acme, &author()).await.unwrap();
    let (client, provider) = (Client::with_loopback().unwrap(), Provider::rustcrypto());
    let event = vouchsafe_client::refresh_stored(&client, &provider, &store, &acme.id, Actor::Operator).await;
    assert_eq!(event.as_ref().map(told).as_deref(), Some("acme store: store.connection_conflict"));
}

/// The known metadata of a connection, whose address gives another key, which must be approved. Nothing was asked yet.
async fn to_be_approved(known: &str) -> (Served, Memory, StoredConnection, StoredRefresher) {
    let next = keys::identity_provider_p256().certificate();
    let (served, address) = serve(Kit::okta().with_next_certificate(next).metadata().unwrap()).await;
    let store = Memory::new();
    let mut acme = connection("acme", known, MetadataSource::Url(address), ConnectionState::Active);
    acme.settings.metadata.key_changes = vouchsafe::metadata::KeyChanges::Approve;
    store.add_connection(&acme, &author()).await.unwrap();
    let mut refresher = refresher(&store);
    assert!(refresher.look_for_connections().await.is_none());
    (served, store, acme, refresher)
}

/// An outage of the address says nothing about the document that waits.
#[tokio::test]
async fn a_document_that_waits_for_approval_is_not_forgotten_when_its_source_fails() {
    let known = Kit::okta().metadata().unwrap();
    let (served, _, acme, mut refresher) = to_be_approved(&known).await;
    for (answer, waits) in [(None, true), (Some(known), false)] {
        refresher.refresh_due().await;
        assert!(refresher.status().of(&acme.id).unwrap().waits_for_approval);
        *served.lock().unwrap() = answer;
        refresher.refresh_due().await;
        assert_eq!(refresher.status().of(&acme.id).unwrap().waits_for_approval, waits);
    }
}
