//! Requests of an identity provider whose public key a stranger has configured at a connection of their own.

#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::Utc;
use http::header::LOCATION;
use http::{Request, Response};
use tokio::sync::{Semaphore, SemaphorePermit};
use vouchsafe::{
    Connection, ConnectionId, ConnectionSettings, ConnectionState, Connections, EntityId, IdentityProvider,
    Limits, ManageNameIdRequest, NameIdOrder, NameIdStatus, ServiceProvider, StatusAnswer, Unsolicited,
    provisioning::{Actor, OrganizationId},
    redirect,
};
use vouchsafe_store::{
    Author, ConnectionMetadata, ConnectionStore, Memory, MetadataSource, StoreError, StoredConnection,
};
use vouchsafe_testkit::{self as testkit, Encryption, Signed, keys};
use vouchsafe_web::{
    CandidatePage, ConnectionSource, HttpError, Managed, ManagesNames, RequestRate, SingleSignOn,
    StoredConnections,
};

const HERE: &str = "https://app.example.com/saml/name-id";

/// What was asked of the application, with the connection.
#[derive(Debug, Default)]
struct Names(Mutex<Vec<(&'static str, String)>>);

impl Names {
    fn note(&self, what: &'static str, request: &ManageNameIdRequest) {
        self.0.lock().unwrap().push((what, request.connection().to_string()));
    }

    fn take(&self) -> Vec<(&'static str, String)> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl ManagesNames for Names {
    fn end_sessions<'a>(&'a self, request: &'a ManageNameIdRequest) -> Managed<'a, ()> {
        self.note("sessions", request);
        Box::pin(std::future::ready(Ok(())))
    }

    fn requested<'a>(&'a self, request: &'a ManageNameIdRequest) -> Managed<'a, NameIdStatus> {
        self.note("name", request);
        Box::pin(std::future::ready(Ok(NameIdStatus::Success)))
    }

    fn confirmed<'a>(&'a self, _: &'a StatusAnswer, _: &'a NameIdOrder) -> Managed<'a, ()> {
        Box::pin(std::future::ready(Ok(())))
    }
}

fn okta() -> testkit::IdentityProvider {
    testkit::IdentityProvider::okta().with_name_id_management("https://example.okta.com/nim")
}

fn connection(name: &str, identity_provider: &testkit::IdentityProvider) -> Connection {
    let metadata = identity_provider.metadata().unwrap();
    let trusted = IdentityProvider::from_metadata(metadata.as_bytes()).unwrap();
    Connection::new(ConnectionId::new(name).unwrap(), trusted)
}

/// The victim's identity provider as a stranger configures it: with the same public key beside a key of their own.
fn copy() -> testkit::IdentityProvider {
    okta().with_key(keys::attacker()).with_next_certificate(okta().key().certificate())
}

/// The victim's connection, whose metadata has ended.
fn ended_victim() -> Connection {
    let metadata = okta().metadata().unwrap();
    let ended = metadata.replacen("entityID=", "validUntil=\"2020-01-01T00:00:00Z\" entityID=", 1);
    let trusted = IdentityProvider::from_metadata(ended.as_bytes()).unwrap();
    Connection::new(ConnectionId::new("victim").unwrap(), trusted)
}

fn both() -> [Connection; 2] {
    [connection("stranger", &copy()), connection("victim", &okta())]
}

fn service<N: ManagesNames + 'static>(
    connections: impl IntoIterator<Item = Connection>,
    names: &Arc<N>,
) -> SingleSignOn {
    service_over(connections.into_iter().collect::<Connections>(), names)
}

fn service_over<N: ManagesNames + 'static>(
    connections: impl ConnectionSource + 'static,
    names: &Arc<N>,
) -> SingleSignOn {
    let ours = keys::service_provider();
    let service_provider = ServiceProvider::builder(EntityId::new(testkit::SERVICE_PROVIDER).unwrap())
        .assertion_consumer(testkit::ASSERTION_CONSUMER)
        .unwrap()
        .signing_key(ours.private_key().clone(), ours.certificate().clone())
        .decryption_key(ours.private_key().clone(), ours.certificate().clone())
        .name_id_management(HERE)
        .unwrap()
        .build()
        .unwrap();
    SingleSignOn::new(service_provider, Arc::new(connections), Arc::new(Memory::new()))
        .names_managed_by(Arc::clone(names) as Arc<dyn ManagesNames>)
}

/// A connection that takes no response without a request has its key all the same: nobody is signed in over the connection
/// of a stranger who copied it, and no sign-in starts there.
#[tokio::test]
async fn a_connection_that_takes_nothing_unasked_has_its_key() {
    let cases = [
        (copy(), Unsolicited::Accept, "assertion.connection_ambiguous"),
        (copy(), Unsolicited::Restart, "assertion.connection_ambiguous"),
        (okta().with_key(keys::attacker()), Unsolicited::Accept, "assertion.unsolicited"),
        (okta().with_key(keys::attacker()), Unsolicited::Restart, "assertion.unsolicited"),
    ];
    for (stranger, unsolicited, expected) in cases {
        let settings = ConnectionSettings::default().unsolicited(unsolicited);
        let stranger = connection("stranger", &stranger).with_settings(settings).unwrap();
        let codes = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&codes);
        let sso = service([stranger, connection("victim", &okta())], &Arc::<Names>::default())
            .on_refusal(move |record| kept.lock().unwrap().push(record.code));
        let form = okta().response().at(Utc::now()).issue().unwrap().to_form(None);
        let request = Request::post("/saml/acs").body(()).unwrap().into_parts().0;
        let answer = sso.accept(&request, form.as_bytes()).await.unwrap_err();
        assert!(!answer.headers().contains_key(LOCATION), "{unsolicited:?}: {answer:?}");
        assert_eq!(*codes.lock().unwrap(), [expected], "{unsolicited:?}");
    }
}

/// A response whose only signature is encrypted with the assertion tells no connection before it is decrypted. It is not
/// accepted over the connection of a stranger who copied the key, however many of theirs stand before the one it is for.
#[tokio::test]
async fn among_many_connections_a_response_that_no_key_decides_is_refused() {
    let over = |name: String, identity_provider: &testkit::IdentityProvider, unsolicited| {
        let settings = ConnectionSettings::default().unsolicited(unsolicited);
        connection(&name, identity_provider).with_settings(settings).unwrap()
    };
    let strangers = (0..16).map(|number| {
        let unsolicited = if number == 0 { Unsolicited::Accept } else { Unsolicited::Refuse };
        over(format!("s{number:02}"), &copy(), unsolicited)
    });
    let victim = over("victim".to_owned(), &okta(), Unsolicited::Accept);
    let codes = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&codes);
    let sso = service(strangers.chain([victim]), &Arc::<Names>::default())
        .on_refusal(move |record| kept.lock().unwrap().push(record.code));
    let encryption = Encryption::to(keys::service_provider().certificate());
    for (id, sealed) in [("_open", false), ("_sealed", true)] {
        let response = okta().response().at(Utc::now()).assertion_id(id).sign(Signed::Assertion);
        let response = if sealed { response.encrypt(encryption.clone()) } else { response };
        let form = response.issue().unwrap().to_form(None);
        let request = Request::post("/saml/acs").body(()).unwrap().into_parts().0;
        assert!(
            sso.accept(&request, form.as_bytes()).await.is_err(),
            "{id}: the key is that of two customers"
        );
    }
    assert_eq!(*codes.lock().unwrap(), ["assertion.connection_ambiguous"; 2]);
}

/// Brings a request that ends a name, signed with this key.
async fn end_name(sso: &SingleSignOn, key: &testkit::KeyPair) -> Response<String> {
    let terminate =
        format!("<samlp:Terminate xmlns:samlp=\"{}\"/>", vouchsafe::xml::namespace::SAML_PROTOCOL);
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let id = format!("_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let asked =
        okta().logout_request().id(id).key(key).element("ManageNameIDRequest").at(Utc::now()).raw(terminate);
    let query = asked.destination(Some(HERE)).to_query(None).unwrap();
    let request = Request::get(format!("/saml/name-id?{query}")).body(()).unwrap().into_parts().0;
    sso.name_id(&request, b"", None).await
}

/// Returns the answer of the service, in XML.
fn answer(response: &Response<String>) -> String {
    let location = response.headers().get(LOCATION).unwrap().to_str().unwrap();
    let (_, query) = location.split_once('?').unwrap();
    let sent = redirect::decode_unverified(query, &Limits::default()).unwrap();
    String::from_utf8(sent.bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn a_name_changes_only_if_no_other_connection_has_the_key() {
    let names = Arc::new(Names::default());
    let over = |what, name: &str| (what, name.to_owned());
    let told = answer(&end_name(&service([connection("victim", &okta())], &names), okta().key()).await);
    assert!(told.contains("status:Success\""), "{told}");
    assert_eq!(names.take(), [over("sessions", "victim"), over("name", "victim")]);

    let told = answer(&end_name(&service(both(), &names), okta().key()).await);
    assert!(told.contains("status:RequestDenied\""), "the identity provider keeps the name: {told}");
    assert_eq!(names.take(), [over("sessions", "stranger"), over("sessions", "victim")]);
}

/// A connection that accepts nothing at present is that of the key nevertheless: a stranger who has copied the key of a
/// customer learns no new name while the customer's metadata has ended, and receives no answer.
#[tokio::test]
async fn a_connection_whose_metadata_has_ended_counts() {
    let names = Arc::new(Names::default());
    let [stranger, _] = both();
    let told = end_name(&service([stranger.clone(), ended_victim()], &names), okta().key()).await;
    assert!(answer(&told).contains("status:RequestDenied\""), "both have the same address for answers");
    assert_eq!(names.take(), [("sessions", "stranger".to_owned())]);

    let elsewhere = copy().with_name_id_management("https://stranger.example/nim");
    let sso = service([connection("stranger", &elsewhere), ended_victim()], &names);
    let told = end_name(&sso, okta().key()).await;
    assert_eq!(told.headers()[LOCATION], "/", "nobody is answered");
    assert_eq!(names.take(), [("sessions", "stranger".to_owned())]);
    // A connection without the key does not count.
    let own = end_name(&service([stranger, ended_victim()], &names), keys::attacker()).await;
    assert!(answer(&own).contains("status:Success\""));
}

/// It counts also if it is on the page of connections after that of the stranger's.
#[tokio::test]
async fn a_connection_whose_metadata_has_ended_counts_on_the_last_page() {
    let names = Arc::new(Names::default());
    let other = okta().with_key(keys::other_identity_provider());
    let others = (0..CandidatePage::PAGE).map(|number| connection(&format!("b-{number:02}"), &other));
    let all = others.chain([connection("a-stranger", &copy()), ended_victim()]);
    let told = end_name(&service(all, &names), okta().key()).await;
    assert!(answer(&told).contains("status:RequestDenied\""));
    assert_eq!(names.take(), [("sessions", "a-stranger".to_owned())]);
}

/// If the only connection that has the key refuses the request, that is the refusal.
#[tokio::test]
async fn what_the_only_connection_with_the_key_refuses_is_refused() {
    let other = connection("other", &okta().with_key(keys::other_identity_provider()));
    for connections in [vec![ended_victim()], vec![other, ended_victim()]] {
        let (names, codes) = (Arc::new(Names::default()), Arc::new(Mutex::new(Vec::new())));
        let kept = Arc::clone(&codes);
        let sso =
            service(connections, &names).on_refusal(move |record| kept.lock().unwrap().push(record.code));
        end_name(&sso, okta().key()).await;
        assert_eq!(*codes.lock().unwrap(), ["metadata.expired"]);
        assert_eq!(names.take(), []);
    }
}

/// It is not known which keys a stored connection has that cannot be used.
#[tokio::test]
async fn a_connection_that_cannot_be_used_counts() {
    let names = Arc::new(Names::default());
    let stored = Memory::new();
    for connection in both() {
        let identity_provider = if connection.id().as_str() == "victim" { okta() } else { copy() };
        let metadata = identity_provider.metadata().unwrap();
        let metadata = ConnectionMetadata::new(metadata, MetadataSource::Uploaded, Utc::now());
        let owner = OrganizationId::new(connection.id().as_str());
        let mut one = StoredConnection::from_metadata(connection.id().clone(), owner, metadata).unwrap();
        one.state = ConnectionState::Active;
        stored.add_connection(&one, &Author::new(Actor::Operator, Utc::now())).await.unwrap();
    }
    let connections =
        StoredConnections::new(Arc::new(stored)).prepared_by(|stored, connection| match stored.id.as_str() {
            "victim" => Err(ConnectionSettings::default().assertion_consumer("no address").unwrap_err()),
            _ => Ok(connection),
        });
    let told = end_name(&service_over(connections, &names), okta().key()).await;
    assert!(answer(&told).contains("status:RequestDenied\""));
    assert_eq!(names.take(), [("sessions", "stranger".to_owned())]);
}

/// A stranger who sends as many requests as their connection may, by their own key, does not thereby stop those that the
/// copied key signs.
#[tokio::test]
async fn the_rate_of_a_connection_counts_for_each_key() {
    let names = Arc::new(Names::default());
    let rate = RequestRate { burst: 1, per_second: 1 };
    let now = Utc::now();
    let sso = service(both(), &names).requests_per_connection(rate).clock(move || now);
    let statuses = [end_name(&sso, keys::attacker()).await, end_name(&sso, keys::attacker()).await];
    assert_eq!(statuses.map(|one| one.status().as_u16()), [303, 429]);
    assert_eq!(end_name(&sso, okta().key()).await.status().as_u16(), 303);
    assert_eq!(end_name(&sso, okta().key()).await.status().as_u16(), 429, "by the same key");
}

/// An application that ends the sessions over one connection for each permit. If there are no more permits, it fails.
#[derive(Debug)]
struct Slow {
    begun: AtomicUsize,
    may_end: Semaphore,
    failure: fn() -> HttpError,
}

impl Slow {
    fn new(failure: fn() -> HttpError) -> Arc<Slow> {
        Arc::new(Slow { begun: AtomicUsize::new(0), may_end: Semaphore::new(0), failure })
    }
}

impl ManagesNames for Slow {
    fn end_sessions<'a>(&'a self, _: &'a ManageNameIdRequest) -> Managed<'a, ()> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        Box::pin(async {
            let permit = self.may_end.acquire().await;
            permit.map(SemaphorePermit::forget).map_err(|_| (self.failure)())
        })
    }

    fn requested<'a>(&'a self, _: &'a ManageNameIdRequest) -> Managed<'a, NameIdStatus> {
        Box::pin(std::future::ready(Ok(NameIdStatus::Success)))
    }

    fn confirmed<'a>(&'a self, _: &'a StatusAnswer, _: &'a NameIdOrder) -> Managed<'a, ()> {
        Box::pin(std::future::ready(Ok(())))
    }
}

fn many(number: usize) -> impl Iterator<Item = Connection> {
    (0..number).map(|number| connection(&format!("twin-{number:02}"), &okta()))
}

fn unavailable() -> HttpError {
    HttpError::Store(StoreError::unavailable(std::io::Error::other("down")))
}

/// A database that is down is not asked for each of many connections that have the key. Any other failure is that of one
/// connection, and keeps no other one from being tried.
#[tokio::test]
async fn after_three_outages_the_rest_is_not_tried() {
    let busy = || HttpError::Store(StoreError::busy(std::io::Error::other("locked")));
    for (failure, tried) in
        [(unavailable as fn() -> HttpError, 3), (busy, 10), (|| HttpError::UnknownPerson, 10)]
    {
        let failing = Slow::new(failure);
        failing.may_end.close();
        let answer = end_name(&service(many(10), &failing), okta().key()).await;
        assert!(!answer.status().is_redirection(), "it is not answered: {}", answer.status());
        assert_eq!(failing.begun.load(Ordering::SeqCst), tried, "{}", failure());
    }
}

/// An application that is slow over some connections has work of one request for a limited number at a time. The rest is
/// done after it.
#[tokio::test(start_paused = true)]
async fn a_request_is_carried_out_over_a_limited_number_of_connections_at_a_time() {
    let slow = Slow::new(unavailable);
    let sso = service(many(70), &slow);
    let answered = tokio::spawn(async move { end_name(&sso, okta().key()).await });
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(slow.begun.load(Ordering::SeqCst), 64);
    slow.may_end.add_permits(1);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(slow.begun.load(Ordering::SeqCst), 65, "the next one does not wait for all of them");
    slow.may_end.add_permits(70);
    assert_eq!(answered.await.unwrap().status().as_u16(), 303);
    assert_eq!(slow.begun.load(Ordering::SeqCst), 70);
}
