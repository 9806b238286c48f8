//! Metadata is kept fresh over a network with all kinds of failures.
#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use vouchsafe::metadata::{RefreshSchedule, SpeaksFor, TrustedSource};
use vouchsafe::signature::{Signer, TrustedKey, sign};
use vouchsafe::{
    Connection, ConnectionId, ConnectionSettings, Connections, EntityId, Explain, IdentityProvider, Limits,
    Provider,
};
use vouchsafe_client::{Client, RefreshEvent, RefreshOutcome, RefreshedConnection, Refresher};
use vouchsafe_testkit::{IdentityProvider as Kit, keys};

/// The answer of the server.
#[derive(Clone)]
enum Answer {
    Document(String),
    Tagged(String, &'static str),
    Status(StatusCode, Option<&'static str>),
    Redirect(&'static str),
    Nothing,
    Drip,
    Cut(String),
    Huge,
}

#[derive(Clone)]
struct Server {
    answer: Arc<Mutex<Answer>>,
    asked: Arc<AtomicUsize>,
    address: String,
}

impl Server {
    async fn start(answer: Answer) -> Server {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/metadata", listener.local_addr().unwrap());
        let answer = Arc::new(Mutex::new(answer));
        let server = Server { answer, asked: Arc::new(AtomicUsize::new(0)), address };
        let router = Router::new().route("/metadata", get(respond)).with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        server
    }

    fn answers(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }
}

async fn respond(State(server): State<Server>, headers: HeaderMap) -> Response {
    server.asked.fetch_add(1, Ordering::Relaxed);
    let answer = server.answer.lock().unwrap().clone();
    match answer {
        Answer::Document(document) => document.into_response(),
        Answer::Tagged(document, tag) => {
            match headers.get("if-none-match").is_some_and(|shown| shown == tag) {
                true => StatusCode::NOT_MODIFIED.into_response(),
                false => ([("etag", tag)], document).into_response(),
            }
        }
        Answer::Status(status, Some(after)) => (status, [("retry-after", after)]).into_response(),
        Answer::Status(status, None) => status.into_response(),
        Answer::Redirect(to) => Redirect::to(to).into_response(),
        Answer::Nothing => std::future::pending().await,
        // A byte is sent from time to time, without an end.
        Answer::Drip => Body::from_stream(futures_util::stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            Some((Ok::<_, std::io::Error>(Bytes::from_static(b"<")), ()))
        }))
        .into_response(),
        Answer::Cut(document) => {
            let half = document.len() / 2;
            let (begin, _) = document.split_at(half);
            let length = document.len().to_string();
            ([("content-length", length)], Body::from_stream(cut(begin.to_owned()))).into_response()
        }
        Answer::Huge => Body::from_stream(futures_util::stream::repeat_with(|| {
            Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 65_536]))
        }))
        .into_response(),
    }
}

/// A part is sent, and then the connection breaks.
fn cut(begin: String) -> impl futures_util::Stream<Item = Result<Bytes, std::io::Error>> {
    let broken = Err(std::io::Error::other("broken"));
    futures_util::stream::iter([Ok(Bytes::from(begin)), broken])
}

fn document() -> String {
    Kit::okta().metadata().unwrap()
}

/// Returns the same identity provider with the next key in addition to the old one.
fn announced() -> String {
    Kit::okta().with_next_certificate(keys::identity_provider_p256().certificate()).metadata().unwrap()
}

fn entity_id() -> EntityId {
    EntityId::new(Kit::okta().entity_id()).unwrap()
}

fn id() -> ConnectionId {
    ConnectionId::new("acme").unwrap()
}

/// Returns a schedule that is always due.
fn always() -> RefreshSchedule {
    let mut schedule = RefreshSchedule::default();
    schedule.shortest = Duration::ZERO;
    schedule.usual = Duration::ZERO;
    schedule.longest = Duration::ZERO;
    schedule
}

fn client() -> Client {
    Client::with_loopback().unwrap().with_time_limit(Duration::from_millis(300))
}

fn refresher(server: &Server) -> Refresher {
    Refresher::new(client(), Provider::rustcrypto()).with_schedule(always()).with(RefreshedConnection::new(
        id(),
        entity_id(),
        &server.address,
    ))
}

/// Returns the outcome for the only connection.
async fn next(refresher: &mut Refresher) -> String {
    let mut events = refresher.refresh_due().await;
    assert_eq!(events.len(), 1, "{events:?}");
    told(&events.remove(0))
}

fn told(event: &RefreshEvent) -> String {
    assert!(event.to_string().starts_with("metadata of acme: "), "{event}");
    match &event.outcome {
        RefreshOutcome::Loaded { .. } => "loaded".to_owned(),
        RefreshOutcome::Unchanged => "unchanged".to_owned(),
        RefreshOutcome::Renewed { .. } => "renewed".to_owned(),
        RefreshOutcome::CopyFailed { .. } => "copy failed".to_owned(),
        RefreshOutcome::Changed { identity_provider, .. } => {
            format!("changed: {} keys", identity_provider.signing_keys().len())
        }
        RefreshOutcome::Kept { reason, confirmed_at, .. } => {
            let is_kept = if confirmed_at.is_some() { "kept" } else { "none" };
            format!("{is_kept}: {}", reason.code())
        }
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn whatever_fails_the_last_good_document_is_kept() {
    let server = Server::start(Answer::Status(StatusCode::NOT_FOUND, None)).await;
    let mut refresher = refresher(&server);
    assert_eq!(next(&mut refresher).await, "none: client.status");
    server.answers(Answer::Document(document()));
    assert_eq!(next(&mut refresher).await, "loaded");
    let expired = document().replacen("entityID=", "validUntil=\"2026-01-01T00:00:00Z\" entityID=", 1);
    let other = Kit::other().metadata().unwrap();
    for (what, answer, expected) in [
        ("500", Answer::Status(StatusCode::INTERNAL_SERVER_ERROR, None), "client.status"),
        ("silence", Answer::Nothing, "client.exchange"),
        ("a slow drip", Answer::Drip, "client.exchange"),
        ("cut off", Answer::Cut(document()), "client.exchange"),
        ("without an end", Answer::Huge, "client.too_large"),
        ("inside", Answer::Redirect("http://10.0.0.1/metadata"), "client.exchange"),
        ("in circles", Answer::Redirect("/metadata"), "client.exchange"),
        ("304 to no question", Answer::Status(StatusCode::NOT_MODIFIED, None), "client.status"),
        ("a page", Answer::Document("<html><body>sign in</body></html>".to_owned()), "metadata.root"),
        ("nothing", Answer::Document(String::new()), "xml.no_root"),
        ("past its time", Answer::Document(expired), "metadata.expired"),
        ("of another", Answer::Document(other), "metadata.unknown_entity"),
    ] {
        server.answers(answer);
        assert_eq!(next(&mut refresher).await, format!("kept: {expected}"), "{what}");
    }
    server.answers(Answer::Document(document()));
    assert_eq!(next(&mut refresher).await, "unchanged");
    server.answers(Answer::Document(announced()));
    assert_eq!(next(&mut refresher).await, "changed: 2 keys");
    server.answers(Answer::Document(document()));
    assert_eq!(next(&mut refresher).await, "changed: 1 keys");
}

#[tokio::test]
async fn a_source_that_has_nothing_new_sends_nothing() {
    let server = Server::start(Answer::Tagged(document(), "\"1\"")).await;
    let mut refresher = refresher(&server);
    assert_eq!(next(&mut refresher).await, "loaded");
    assert_eq!(next(&mut refresher).await, "unchanged", "it has sent the same twice");
    server.answers(Answer::Tagged("<html/>".to_owned(), "\"1\""));
    assert_eq!(next(&mut refresher).await, "unchanged");
    server.answers(Answer::Tagged(announced(), "\"2\""));
    assert_eq!(next(&mut refresher).await, "changed: 2 keys");
}

#[tokio::test]
async fn the_server_says_when_it_wants_to_be_asked_again() {
    let answer = Answer::Status(StatusCode::SERVICE_UNAVAILABLE, Some("3600"));
    let server = Server::start(answer).await;
    let mut schedule = always();
    schedule.longest = Duration::from_secs(86_400);
    let mut refresher = Refresher::new(client(), Provider::rustcrypto())
        .with_schedule(schedule)
        .with(RefreshedConnection::new(id(), entity_id(), &server.address));
    assert_eq!(next(&mut refresher).await, "none: client.status");
    assert!(refresher.refresh_due().await.is_empty(), "it is not asked for an hour");
    assert_eq!(server.asked.load(Ordering::Relaxed), 1);
}

/// A process starts while the identity provider is down, with a copy that is checked against the same trust.
#[tokio::test]
async fn copies_outlive_the_process() {
    let folder = std::env::temp_dir().join(format!("vouchsafe-copies-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    let key = keys::identity_provider().private_key();
    let provider = Provider::rustcrypto();
    let group = format!(
        r#"<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" ID="_all">{}</md:EntitiesDescriptor>"#,
        document().split_once("?>").map_or_else(document, |(_, rest)| rest.to_owned())
    );
    let signed = sign(&group, "_all", &Signer::new(key), &provider, &Limits::metadata()).unwrap();
    let server = Server::start(Answer::Document(signed)).await;
    let federation = TrustedKey::new(key.public_key().clone(), "the federation");
    let source = TrustedSource::signed_by([federation], SpeaksFor::Everybody);
    let start = || {
        let connection =
            RefreshedConnection::new(id(), entity_id(), &server.address).trusting(source.clone());
        Refresher::new(client(), Provider::rustcrypto())
            .with_schedule(always())
            .keeping_copies_in(&folder)
            .with(connection)
    };
    let told_at_start = |events: Vec<RefreshEvent>| events.iter().map(told).collect::<Vec<_>>();
    assert_eq!(told_at_start(start().load().await), ["loaded"]);

    server.answers(Answer::Status(StatusCode::BAD_GATEWAY, None));
    assert_eq!(told_at_start(start().load().await), ["loaded", "kept: client.status"]);

    // A person who can write to the folder is trusted no more than the source.
    let copy = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    let altered = std::fs::read_to_string(&copy).unwrap().replace("/sso/saml", "/evil");
    std::fs::write(&copy, altered).unwrap();
    let events = told_at_start(start().load().await);
    assert_eq!(events, ["none: signature.digest_mismatch", "none: client.status"]);

    // A copy that cannot be written stops nothing.
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::write(&folder, "a file").unwrap();
    let group = sign(&group, "_all", &Signer::new(key), &provider, &Limits::metadata()).unwrap();
    server.answers(Answer::Document(group));
    let events = start().load().await;
    let failed = |event: &RefreshEvent| matches!(event.outcome, RefreshOutcome::CopyFailed { .. });
    assert!(events.iter().any(failed) && events.iter().any(|event| event.identity_provider().is_some()));
    std::fs::remove_file(&folder).unwrap();
}

/// A reader sees the old keys or the new ones, and never none.
#[tokio::test(flavor = "multi_thread")]
async fn readers_never_wait_and_never_see_nothing() {
    let server = Server::start(Answer::Document(document())).await;
    let connections = Arc::new(Connections::new());
    let okta = IdentityProvider::from_metadata(document().as_bytes()).unwrap();
    connections.put(Connection::new(id(), okta));
    let over = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let (connections, over) = (Arc::clone(&connections), Arc::clone(&over));
            std::thread::spawn(move || {
                let mut seen = [0_u64; 3];
                while !over.load(Ordering::Relaxed) {
                    let connection = connections.get("acme").unwrap();
                    let keys = connection.identity_provider().signing_keys().len();
                    *seen.get_mut(keys).unwrap() += 1;
                }
                seen
            })
        })
        .collect();
    let refresher = refresher(&server);
    let changes = Arc::new(AtomicUsize::new(0));
    let (counted, switching) = (Arc::clone(&changes), server.clone());
    let tell = move |event: &RefreshEvent| {
        let RefreshOutcome::Changed { identity_provider, .. } = &event.outcome else { return };
        counted.fetch_add(1, Ordering::Relaxed);
        let has_both = identity_provider.signing_keys().len() == 2;
        switching.answers(Answer::Document(if has_both { document() } else { announced() }));
    };
    let running = tokio::spawn(refresher.run(Arc::clone(&connections), tell));
    server.answers(Answer::Document(document()));
    tokio::time::sleep(Duration::from_millis(300)).await;
    server.answers(Answer::Document(announced()));
    let wait = async {
        while changes.load(Ordering::Relaxed) < 10 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait).await.unwrap();
    running.abort();
    over.store(true, Ordering::Relaxed);
    for reader in readers {
        let [none, one, both] = reader.join().unwrap();
        assert_eq!(none, 0);
        assert!(one > 0 && both > 0, "{one} {both}");
    }
}

/// The same document, written anew each time.
#[tokio::test]
async fn a_document_that_is_written_anew_is_no_change() {
    let written = |attributes: &str| document().replacen("entityID=", &format!("{attributes} entityID="), 1);
    let server = Server::start(Answer::Document(written("ID=\"_0\""))).await;
    let mut refresher = refresher(&server);
    assert_eq!(next(&mut refresher).await, "loaded");
    for number in 1..10 {
        server.answers(Answer::Document(written(&format!("ID=\"_{number}\""))));
        assert_eq!(next(&mut refresher).await, "unchanged");
    }
    for day in 10..20 {
        server.answers(Answer::Document(written(&format!("validUntil=\"2099-01-{day}T00:00:00Z\""))));
        let events = refresher.refresh_due().await;
        let [event] = &events[..] else { panic!("{events:?}") };
        assert_eq!(told(event), "renewed");
        let end = event.identity_provider().unwrap().valid_until().unwrap();
        assert_eq!(end.to_rfc3339(), format!("2099-01-{day}T00:00:00+00:00"));
    }
}

/// A folder of copies, which is removed afterwards.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        Folder(std::env::temp_dir().join(format!("vouchsafe-{name}-{}", std::process::id())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The disk is full when a key is withdrawn. The next start must not trust it again.
#[tokio::test]
async fn a_copy_that_could_not_be_written_is_written_later() {
    let folder = Folder::new("full");
    let server = Server::start(Answer::Tagged(announced(), "\"2\"")).await;
    let mut running = refresher(&server).keeping_copies_in(&folder.0);
    assert_eq!(told(&running.load().await[0]), "loaded");
    // Nothing can be written beside the copy.
    let aside = folder.0.with_extension("aside");
    std::fs::rename(&folder.0, &aside).unwrap();
    std::fs::write(&folder.0, "").unwrap();
    server.answers(Answer::Tagged(document(), "\"1\""));
    let told_of: Vec<String> = running.refresh_due().await.iter().map(told).collect();
    assert_eq!(told_of, ["changed: 1 keys", "copy failed"]);
    assert!(running.status().of(&id()).unwrap().copy_is_behind);
    std::fs::remove_file(&folder.0).unwrap();
    std::fs::rename(&aside, &folder.0).unwrap();
    assert_eq!(next(&mut running).await, "unchanged");
    assert!(!running.status().of(&id()).unwrap().copy_is_behind);
    drop(running);

    server.answers(Answer::Status(StatusCode::SERVICE_UNAVAILABLE, None));
    let mut restarted = refresher(&server).keeping_copies_in(&folder.0);
    let events = restarted.load().await;
    let keys = events[0].identity_provider().unwrap().signing_keys();
    assert_eq!(keys.len(), 1, "the withdrawn key is not trusted again");
}

/// A copy says when its document was confirmed, and an older one of another process does not replace it.
#[tokio::test]
async fn a_copy_is_dated_by_its_last_confirmation() {
    let folder = Folder::new("dated");
    let server = Server::start(Answer::Document(document())).await;
    let mut running = refresher(&server).keeping_copies_in(&folder.0);
    running.load().await;
    let copy = std::fs::read_dir(&folder.0).unwrap().next().unwrap().unwrap().path();
    let hour = Duration::from_secs(3_600);
    for (date, what) in [
        (std::time::SystemTime::now() - 48 * hour, "two days ago"),
        (std::time::SystemTime::now() + 48 * hour, "a clock that was ahead"),
    ] {
        std::fs::File::options().write(true).open(&copy).unwrap().set_modified(date).unwrap();
        assert_eq!(next(&mut running).await, "unchanged");
        let modified = std::fs::metadata(&copy).unwrap().modified().unwrap();
        let age = std::time::SystemTime::now().duration_since(modified).unwrap();
        assert!(age < Duration::from_secs(60), "{what}");
    }
}

/// As the guide has it: a refresher is started, and nothing else is done.
#[tokio::test]
async fn starting_is_enough() {
    let folder = Folder::new("started");
    let server = Server::start(Answer::Document(document())).await;
    for answer in [Answer::Document(document()), Answer::Status(StatusCode::SERVICE_UNAVAILABLE, None)] {
        server.answers(answer);
        let connections = Arc::new(Connections::new());
        let refresher = Refresher::new(client(), Provider::rustcrypto()).keeping_copies_in(&folder.0).with(
            RefreshedConnection::new(id(), entity_id(), &server.address)
                .adding(ConnectionSettings::default()),
        );
        let refreshing = refresher.start(Arc::clone(&connections), |_| ());
        let mut waited = 0;
        while connections.get("acme").is_none() {
            tokio::time::sleep(Duration::from_millis(10)).await;
            waited += 1;
            assert!(waited < 500, "the connection is there, from the address or from its copy");
        }
        refreshing.stop().await;
    }
    // A connection that was removed is not added again.
    let connections = Arc::new(Connections::new());
    server.answers(Answer::Document(document()));
    let mut loaded = refresher(&server);
    loaded.load().await;
    server.answers(Answer::Document(announced()));
    let (told_of, refreshing) = {
        let told_of = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&told_of);
        let count = move |event: &RefreshEvent| {
            if matches!(event.outcome, RefreshOutcome::Changed { .. }) {
                counted.fetch_add(1, Ordering::Relaxed);
            }
        };
        (told_of, loaded.start(Arc::clone(&connections), count))
    };
    while told_of.load(Ordering::Relaxed) == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    refreshing.stop().await;
    assert!(connections.get("acme").is_none());
}

/// One source never answers: the withdrawn key of another takes effect all the same.
#[tokio::test]
async fn a_slow_source_holds_no_other_back() {
    let (quick, slow) =
        (Server::start(Answer::Document(announced())).await, Server::start(Answer::Nothing).await);
    let connections = Arc::new(Connections::new());
    let patient = Client::with_loopback().unwrap().with_time_limit(Duration::from_secs(60 * 60));
    let other = ConnectionId::new("slow").unwrap();
    let refresher = Refresher::new(patient, Provider::rustcrypto())
        .with_schedule(always())
        .with(RefreshedConnection::new(other, entity_id(), &slow.address))
        .with(RefreshedConnection::new(id(), entity_id(), &quick.address));
    let (told, mut events) = tokio::sync::mpsc::unbounded_channel();
    let refreshing = refresher.start(connections, move |event| drop(told.send(event.connection().cloned())));
    assert_eq!(events.recv().await, Some(Some(id())));
    assert_eq!(slow.asked.load(Ordering::Relaxed), 1, "the slow one was asked before, and has not answered");
    drop(refreshing);
}
