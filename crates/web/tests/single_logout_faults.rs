//! Single logout with failures, or with another customer who would profit.

#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use http::header::{LOCATION, RETRY_AFTER, SET_COOKIE};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Request};
use vouchsafe::crypto::Certificate;
use vouchsafe::provisioning::{Actor, Identity, LoggedOut, OrganizationId};
use vouchsafe::{
    Connection, ConnectionId, ConnectionSettings, ConnectionState, Connections, EntityId, IdentityProvider,
    LogoutRequest, Participant, PendingLogout, ServiceProvider, SessionNameId,
};
use vouchsafe_store::{
    Answer, Author, ConnectionMetadata, ConnectionStore as _, LogoutStore, Memory, MetadataSource,
    RememberedLogout, StoreError, StoredConnection,
};
use vouchsafe_testkit::{self as testkit, KeyPair, SINGLE_LOGOUT, keys};
use vouchsafe_web::{
    ConnectionSource, EndedSession, EndsSessions, LogoutSessions, Reference, RequestRate, SingleSignOn,
    StoredConnections,
};

const THERE: &str = "https://example.okta.com/slo";
const SOAP: &str = "https://app.example.com/saml/slo/soap";

/// A store of sign-outs that fails a number of times.
#[derive(Debug, Default)]
struct Failing {
    kept: Memory,
    fails: AtomicUsize,
}

impl Failing {
    fn failing<T>(&self) -> Option<Answer<'_, T>>
    where
        T: Send + 'static,
    {
        let fails = self.fails.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        fails.is_ok().then(|| {
            Box::pin(std::future::ready(Err(StoreError::unavailable(std::io::Error::other("down")))))
                as Answer<'_, T>
        })
    }
}

impl LogoutStore for Failing {
    fn keep_logout<'a>(&'a self, pending: &'a PendingLogout) -> Answer<'a, ()> {
        self.failing().unwrap_or_else(|| self.kept.keep_logout(pending))
    }

    fn find_logout<'a>(&'a self, handle: &'a str, now: DateTime<Utc>) -> Answer<'a, Option<PendingLogout>> {
        self.kept.find_logout(handle, now)
    }

    fn remove_logout<'a>(&'a self, handle: &'a str) -> Answer<'a, bool> {
        self.kept.remove_logout(handle)
    }

    fn remember_logout<'a>(
        &'a self,
        logout: &'a LoggedOut,
        issued_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Answer<'a, ()> {
        self.failing().unwrap_or_else(|| self.kept.remember_logout(logout, issued_at, now))
    }

    fn latest_logout<'a>(
        &'a self,
        person: &'a Identity,
        session_indexes: &'a [String],
    ) -> Answer<'a, Option<RememberedLogout>> {
        self.kept.latest_logout(person, session_indexes)
    }

    fn sweep_logouts(&self, now: DateTime<Utc>) -> Answer<'_, u64> {
        self.kept.sweep_logouts(now)
    }
}

/// One session, whether it has ended, and over which connections that was asked.
#[derive(Debug, Default)]
struct One(AtomicBool, Mutex<Vec<String>>);

impl LogoutSessions for One {
    fn end<'a>(&'a self, request: &'a LogoutRequest) -> EndsSessions<'a> {
        self.0.store(true, Ordering::SeqCst);
        self.1.lock().unwrap().push(request.connection().to_string());
        Box::pin(std::future::ready(Ok(1)))
    }
}

fn okta() -> testkit::IdentityProvider {
    testkit::IdentityProvider::okta().with_single_logout(THERE)
}

fn over(name: &str, identity_provider: &testkit::IdentityProvider) -> Connection {
    let metadata = identity_provider.metadata().unwrap();
    let trusted = IdentityProvider::from_metadata(metadata.as_bytes()).unwrap();
    Connection::new(ConnectionId::new(name).unwrap(), trusted)
}

fn service(store: &Arc<Failing>, sessions: &Arc<One>) -> SingleSignOn {
    service_over(store, sessions, [over("okta", &okta())])
}

fn service_over(
    store: &Arc<Failing>,
    sessions: &Arc<One>,
    connections: impl IntoIterator<Item = Connection>,
) -> SingleSignOn {
    service_of(store, sessions, connections.into_iter().collect::<Connections>())
}

fn service_of(
    store: &Arc<Failing>,
    sessions: &Arc<One>,
    connections: impl ConnectionSource + 'static,
) -> SingleSignOn {
    let ours = keys::service_provider();
    let service_provider = ServiceProvider::builder(EntityId::new(testkit::SERVICE_PROVIDER).unwrap())
        .assertion_consumer(testkit::ASSERTION_CONSUMER)
        .unwrap()
        .signing_key(ours.private_key().clone(), ours.certificate().clone())
        .single_logout(SINGLE_LOGOUT)
        .unwrap()
        .single_logout_soap(SOAP)
        .unwrap()
        .build()
        .unwrap();
    SingleSignOn::new(service_provider, Arc::new(connections), Arc::new(Memory::new())).single_logout_over(
        Arc::clone(store) as Arc<dyn LogoutStore>,
        Arc::clone(sessions) as Arc<dyn LogoutSessions>,
    )
}

fn request(uri: &str) -> Parts {
    let mut request = Request::get(uri).body(()).unwrap().into_parts().0;
    request
        .headers
        .insert(HeaderName::from_static("sec-fetch-site"), HeaderValue::from_static("same-origin"));
    request
}

/// The session in this service ends first. If it is stored in a cookie, the answer's `Set-Cookie` ends it, so it is
/// part of every answer, also if nobody else can be told.
#[tokio::test]
async fn the_cookies_that_end_a_session_are_in_every_answer() {
    let (store, sessions) = (Arc::new(Failing::default()), Arc::new(One::default()));
    let sso = service(&store, &sessions);
    store.fails.store(usize::MAX, Ordering::SeqCst);
    let participant = Participant::new(ConnectionId::new("okta").unwrap(), SessionNameId::new("ada"), None);
    let end = async {
        let cookies = vec![HeaderValue::from_static("session=; Max-Age=0")];
        let mut ended = EndedSession::default();
        (ended.cookies, ended.participants) = (cookies, vec![participant]);
        Ok(ended)
    };
    let answer = sso.sign_out(&request("/saml/logout").headers, true, end).await;
    let set: Vec<_> = answer.headers().get_all(SET_COOKIE).iter().collect();
    assert!(set.iter().any(|cookie| *cookie == "session=; Max-Age=0"), "status {}: {set:?}", answer.status());
    assert!(answer.body().contains("it cannot be asked to sign you out"), "{}", answer.body());
}

/// A request is accepted only once, so a store that fails for a moment is tried again.
#[tokio::test]
async fn a_request_is_carried_out_by_a_store_that_fails_for_a_moment() {
    for (failures, expected) in [(0, (true, 303)), (2, (true, 303)), (usize::MAX, (false, 503))] {
        let (store, sessions) = (Arc::new(Failing::default()), Arc::new(One::default()));
        let sso = service(&store, &sessions);
        let message = okta().logout_request().at(Utc::now());
        let uri = format!("/saml/slo?{}", message.to_query(None).unwrap());
        store.fails.store(failures, Ordering::SeqCst);
        let answer = sso.single_logout(&request(&uri), b"", None).await;
        let found = (sessions.0.load(Ordering::SeqCst), answer.status().as_u16());
        assert_eq!(found, expected, "{failures} failures");
    }
}

/// A request that failed was not carried out, so a second copy is accepted. After it was carried out, a further copy
/// is a replay.
#[tokio::test]
async fn a_request_that_failed_is_carried_out_when_it_comes_again() {
    let (store, sessions) = (Arc::new(Failing::default()), Arc::new(One::default()));
    let sso = service(&store, &sessions);
    let message = okta().logout_request().at(Utc::now());
    let uri = format!("/saml/slo?{}", message.to_query(None).unwrap());
    let ask = async || sso.single_logout(&request(&uri), b"", None).await.status().as_u16();
    store.fails.store(usize::MAX, Ordering::SeqCst);
    assert_eq!((ask().await, sessions.0.load(Ordering::SeqCst)), (503, false));
    store.fails.store(0, Ordering::SeqCst);
    assert_eq!((ask().await, sessions.0.load(Ordering::SeqCst)), (303, true));
    sessions.0.store(false, Ordering::SeqCst);
    assert_eq!((ask().await, sessions.0.load(Ordering::SeqCst)), (403, false), "a copy");
}

/// The victim's identity provider as another customer configures it: its entity ID and its public key, which stands in
/// its metadata, with another address.
fn impostor() -> testkit::IdentityProvider {
    let pair = keys::identity_provider();
    let mut der = pair.certificate().der().to_vec();
    *der.last_mut().unwrap() ^= 1;
    let theirs = KeyPair::new(pair.private_key().clone(), Certificate::from_der(&der).unwrap());
    testkit::IdentityProvider::okta().with_key(&theirs).with_single_logout("https://mallory.example/")
}

/// Another customer who configures the victim's public key does not prevent that the victim's sessions end, and nobody
/// is sent to that customer's address. The identity provider is not answered, since it is not known which one asked.
#[tokio::test]
async fn nobody_is_sent_to_another_customers_address() {
    let (store, sessions) = (Arc::new(Failing::default()), Arc::new(One::default()));
    let sso = service_over(&store, &sessions, [over("a-mallory", &impostor()), over("okta", &okta())]);
    let message = okta().logout_request().at(Utc::now()).to_query(Some("the victim's state")).unwrap();
    let ask = async || sso.single_logout(&request(&format!("/saml/slo?{message}")), b"", None).await;
    let answer = ask().await;
    assert_eq!((answer.status().as_u16(), answer.headers().get(LOCATION)), (200, None));
    assert_eq!(*sessions.1.lock().unwrap(), ["a-mallory", "okta"], "each ends sessions of its own");
    assert!(!answer.body().contains("mallory"), "{}", answer.body());
    assert_eq!(ask().await.status().as_u16(), 403, "a copy");
    assert_eq!(sessions.1.lock().unwrap().len(), 2);
}

/// Over SOAP the answer goes back to whoever asked, so the identity provider is told that the sessions ended.
#[tokio::test]
async fn a_request_over_soap_of_a_key_of_two_customers_is_carried_out() {
    let (store, sessions) = (Arc::new(Failing::default()), Arc::new(One::default()));
    let sso = service_over(&store, &sessions, [over("a-mallory", &impostor()), over("okta", &okta())]);
    let envelope = okta().logout_request().at(Utc::now()).destination(Some(SOAP)).to_soap().unwrap();
    let answer = sso.single_logout_by_soap(&request("/saml/slo/soap"), envelope.as_bytes(), None).await;
    assert_eq!(*sessions.1.lock().unwrap(), ["a-mallory", "okta"]);
    assert!(answer.status().as_u16() == 200 && answer.body().contains(":Success"), "{}", answer.body());
    assert!(
        !answer.body().contains("mallory") && !answer.body().contains("Destination"),
        "{}",
        answer.body()
    );

    // The answer would be another one if this service had another entity ID for one of them.
    let named = EntityId::new("https://app.example.com/mallory").unwrap();
    let named = ConnectionSettings::default().entity_id(named);
    let mallory = over("a-mallory", &impostor()).with_settings(named).unwrap();
    let sso = service_over(&store, &sessions, [mallory, over("okta", &okta())]);
    let answer = sso.single_logout_by_soap(&request("/saml/slo/soap"), envelope.as_bytes(), None).await;
    assert!(answer.status().as_u16() == 403 && answer.body().contains("Fault"), "{}", answer.body());
    assert_eq!(sessions.1.lock().unwrap().len(), 4);
}

/// Makes a service over a store and sessions.
type Source<'s> = dyn Fn(&Arc<Failing>, &Arc<One>) -> SingleSignOn + 's;

/// A customer with many connections to the victim's identity provider does not keep its messages from being accepted,
/// neither by other keys nor by the same key.
#[tokio::test(start_paused = true)]
async fn a_crowd_of_connections_hides_nobody() {
    let mallory =
        okta().with_key(keys::attacker()).with_next_certificate(keys::service_provider().certificate());
    let strangers = (0..40).map(|number| (format!("a-stranger-{number:02}"), mallory.clone()));
    let twins = (0..20).map(|number| (format!("twin-{number:02}"), impostor()));
    let crowd: Vec<(String, testkit::IdentityProvider)> =
        strangers.chain(twins).chain([("victim".to_owned(), okta())]).collect();
    let stored = Arc::new(Memory::new());
    for (name, identity_provider) in &crowd {
        let metadata = identity_provider.metadata().unwrap();
        let metadata = ConnectionMetadata::new(metadata, MetadataSource::Uploaded, Utc::now());
        let (id, owner) = (ConnectionId::new(name).unwrap(), OrganizationId::new(name.clone()));
        let mut connection = StoredConnection::from_metadata(id, owner, metadata).unwrap();
        connection.state = ConnectionState::Active;
        stored.add_connection(&connection, &Author::new(Actor::Operator, Utc::now())).await.unwrap();
    }
    let sources: [Box<Source<'_>>; 2] = [
        Box::new(|store, sessions| {
            service_over(store, sessions, crowd.iter().map(|(name, one)| over(name, one)))
        }),
        Box::new(|store, sessions| service_of(store, sessions, StoredConnections::new(Arc::clone(&stored)))),
    ];
    for source in sources {
        let (store, sessions) = (Arc::new(Failing::default()), Arc::new(One::default()));
        let sso = source(&store, &sessions);
        let ask = async |message: testkit::LogoutBuilder| {
            let query = message.at(Utc::now()).to_query(None).unwrap();
            let answer = sso.single_logout(&request(&format!("/saml/slo?{query}")), b"", None).await;
            let reference = answer.extensions().get::<Reference>();
            let record = reference.and_then(|reference| sso.refusals().find(reference.as_str()));
            (answer.status().as_u16(), record.map_or("", |record| record.code))
        };
        let forged = okta().logout_request().key(keys::other_identity_provider());
        assert_eq!(ask(forged).await, (403, "signature.not_verified"));
        assert!(sessions.1.lock().unwrap().is_empty());
        assert_eq!(ask(okta().logout_request()).await, (200, ""), "it is not known who asked");
        let ended = std::mem::take(&mut *sessions.1.lock().unwrap());
        assert_eq!((ended.len(), ended.last().map(String::as_str)), (21, Some("victim")));
        assert_eq!(ask(okta().logout_request()).await, (403, "message.replayed"));
        assert!(sessions.1.lock().unwrap().is_empty());
        // A store that is down is not asked again for each of them, and the request can be sent again.
        store.fails.store(1_000, Ordering::SeqCst);
        assert_eq!(ask(okta().logout_request().id("_again")).await.0, 503);
        let attempts = 1_000 - store.fails.swap(0, Ordering::SeqCst);
        assert!((3 * 3..=3 * 6).contains(&attempts), "{attempts}");
        assert_eq!(ask(okta().logout_request().id("_again")).await, (200, ""));
        assert_eq!(sessions.1.lock().unwrap().len(), 21);
    }
}

/// Two connections of one customer to one identity provider are answered, since both have one address.
#[tokio::test]
async fn two_connections_with_one_address_are_answered() {
    let (store, sessions) = (Arc::new(Failing::default()), Arc::new(One::default()));
    let sso = service_over(&store, &sessions, [over("first", &okta()), over("second", &okta())]);
    let message = okta().logout_request().at(Utc::now()).to_query(None).unwrap();
    let answer = sso.single_logout(&request(&format!("/saml/slo?{message}")), b"", None).await;
    assert_eq!(*sessions.1.lock().unwrap(), ["first", "second"]);
    assert!(answer.headers()[LOCATION].to_str().unwrap().starts_with(THERE));
}

/// A request of another kind is refused before the store of replays is used.
#[tokio::test]
async fn a_request_about_a_name_is_refused_for_its_kind() {
    let (store, sessions) = (Arc::new(Failing::default()), Arc::new(One::default()));
    let sso = service(&store, &sessions);
    let samlp = vouchsafe::xml::namespace::SAML_PROTOCOL;
    let other = okta().logout_request().at(Utc::now()).element("ManageNameIDRequest");
    let other = other.raw(format!("<samlp:Terminate xmlns:samlp=\"{samlp}\"/>"));
    let by_redirect = request(&format!("/saml/slo?{}", other.to_query(None).unwrap()));
    assert_eq!(sso.single_logout(&by_redirect, b"", None).await.status().as_u16(), 403);
    let okta_connection = ConnectionId::new("okta").unwrap();
    assert_eq!(sso.refusals().of(&okta_connection).first().map(|record| record.code), Some("message.kind"));
    assert!(!sessions.0.load(Ordering::SeqCst));
}

/// A connection without a logout address of its own takes nothing at an address with its name, and says what is missing.
#[tokio::test]
async fn an_address_with_the_name_of_a_connection_is_its_own_or_nobodys() {
    let (store, sessions) = (Arc::new(Failing::default()), Arc::new(One::default()));
    let sso = service(&store, &sessions);
    let query = okta().logout_request().at(Utc::now()).to_query(None).unwrap();
    let refused = async |connection: &str| {
        let brought = request(&format!("/saml/{connection}/slo?{query}"));
        let answer = sso.single_logout(&brought, b"", Some(connection)).await;
        let reference = answer.extensions().get::<Reference>().unwrap();
        sso.refusals().find(reference.as_str()).unwrap()
    };
    let own = refused("okta").await;
    assert_eq!(own.code, "http.no_single_logout");
    assert!(own.hint.contains("ConnectionSettings::single_logout"), "{}", own.hint);
    let unknown = refused("unknown").await;
    assert_eq!(unknown.code, "http.unknown_connection");
    assert!(unknown.hint.contains("active connections only, no drafts"), "{}", unknown.hint);
    assert!(!sessions.0.load(Ordering::SeqCst));
}

/// A connection with a logout address of its own is looked up by the name in it, and not by the issuer.
#[tokio::test]
async fn a_connection_with_an_address_of_its_own_is_found_by_it() {
    let own = "https://app.example.com/saml/okta/slo";
    let settings = ConnectionSettings::default().assertion_consumer("https://app.example.com/saml/okta/acs");
    let settings = settings.unwrap().single_logout(own).unwrap();
    let connection = over("okta", &okta()).with_settings(settings).unwrap();
    let (store, sessions) = (Arc::new(Failing::default()), Arc::new(One::default()));
    let sso = service_over(&store, &sessions, [connection, over("shared", &okta())]);
    let query = okta().logout_request().at(Utc::now()).destination(Some(own)).to_query(None).unwrap();
    let answer = sso.single_logout(&request(&format!("/saml/okta/slo?{query}")), b"", Some("okta")).await;
    assert_eq!(answer.status().as_u16(), 303);
    assert_eq!(*sessions.1.lock().unwrap(), ["okta"]);
}

/// SOAP 1.1 4.4.1: a request with `Client` is not sent again, one with `Server` may be.
#[tokio::test]
async fn a_fault_says_whether_the_request_can_be_sent_again() {
    let (store, sessions) = (Arc::new(Failing::default()), Arc::new(One::default()));
    let sso = service(&store, &sessions).requests_per_connection(RequestRate { burst: 2, per_second: 1 });
    let ask = async |id: &str| {
        let message = okta().logout_request().id(id).at(Utc::now()).destination(Some(SOAP));
        let envelope = message.to_soap().unwrap();
        sso.single_logout_by_soap(&request("/saml/slo/soap"), envelope.as_bytes(), None).await
    };
    store.fails.store(usize::MAX, Ordering::SeqCst);
    let failed = ask("_1").await;
    assert_eq!(failed.status().as_u16(), 503);
    assert!(failed.body().contains("S:Server"), "{}", failed.body());
    store.fails.store(0, Ordering::SeqCst);
    assert_eq!(ask("_1").await.status().as_u16(), 200);
    let copy = ask("_1").await;
    assert!(copy.status().as_u16() == 403 && copy.body().contains("S:Client"), "{}", copy.body());
    // Each request is remembered for a day, so that they are counted.
    let many = ask("_2").await;
    assert_eq!(many.status().as_u16(), 429);
    assert!(many.body().contains("S:Server") && many.headers().contains_key(RETRY_AFTER), "{many:?}");
    assert_eq!(sso.refusals().of(&ConnectionId::new("okta").unwrap())[0].code, "http.too_many_requests");
}

/// A customer that sends too many requests is kept from sending more, and keeps nobody else.
#[tokio::test]
async fn the_requests_of_another_customer_do_not_count() {
    let (store, sessions) = (Arc::new(Failing::default()), Arc::new(One::default()));
    let other = testkit::IdentityProvider::other().with_single_logout("https://other.example/slo");
    let connections = [over("okta", &okta()), over("other", &other)];
    let sso = service_over(&store, &sessions, connections)
        .requests_per_connection(RequestRate { burst: 3, per_second: 1 });
    let ask = async |from: &testkit::IdentityProvider, id: String| {
        let query = from.logout_request().id(id).at(Utc::now()).to_query(None).unwrap();
        sso.single_logout(&request(&format!("/saml/slo?{query}")), b"", None).await.status().as_u16()
    };
    let mut refused = 0;
    for number in 0..8 {
        refused += usize::from(ask(&other, format!("_other{number}")).await == 429);
    }
    assert!(refused >= 3, "{refused}");
    assert_eq!(ask(&okta(), "_1".to_owned()).await, 303);
}

/// A request is not answered while a connection that it belongs to has too many. Otherwise a customer who configures the
/// victim's key would receive the answer, and the victim's sessions would go on.
#[tokio::test]
async fn a_request_is_answered_after_it_was_carried_out_for_all_its_connections() {
    let (store, sessions) = (Arc::new(Failing::default()), Arc::new(One::default()));
    let next = keys::other_identity_provider();
    let victim = over("okta", &okta().with_next_certificate(next.certificate()));
    let (begin, later) = (Utc::now(), Arc::new(AtomicI64::new(0)));
    let seconds = Arc::clone(&later);
    let sso = service_over(&store, &sessions, [over("a-mallory", &impostor()), victim])
        .requests_per_connection(RequestRate { burst: 1, per_second: 1 })
        .clock(move || begin + TimeDelta::seconds(seconds.load(Ordering::SeqCst)));
    let ask = async |from: testkit::IdentityProvider, id: &str| {
        let query = from.logout_request().id(id).at(begin).to_query(None).unwrap();
        sso.single_logout(&request(&format!("/saml/slo?{query}")), b"", None).await
    };
    ask(okta().with_key(next), "_1").await;
    let asked = async |status: u16, ended: &[&str]| {
        let answer = ask(okta(), "_2").await;
        assert_eq!((answer.status().as_u16(), answer.headers().get(LOCATION)), (status, None));
        assert_eq!(std::mem::take(&mut *sessions.1.lock().unwrap()), ended);
        answer
    };
    assert_eq!(
        std::mem::take(&mut *sessions.1.lock().unwrap()),
        ["okta"],
        "the other key is the victim's alone"
    );
    assert_eq!(ask(okta(), "_first").await.status().as_u16(), 200, "each key has a rate of its own");
    assert_eq!(std::mem::take(&mut *sessions.1.lock().unwrap()), ["a-mallory", "okta"]);
    assert!(asked(429, &[]).await.headers().contains_key(RETRY_AFTER));
    assert!(sso.refusals().of(&ConnectionId::new("a-mallory").unwrap()).is_empty());
    later.store(5, Ordering::SeqCst);
    asked(200, &["a-mallory", "okta"]).await;
    later.store(10, Ordering::SeqCst);
    asked(403, &[]).await;
}
