//! Requests of this service about names, with failures.

#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::Utc;
use http::header::{COOKIE, LOCATION, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request};
use vouchsafe::{
    Connection, ConnectionId, Connections, EntityId, IdentityProvider, Limits, ManageNameIdRequest,
    NameIdOrder, NameIdStatus, Participant, ServiceProvider, SessionNameId, StatusAnswer, redirect,
};
use vouchsafe_store::{Memory, StoreError};
use vouchsafe_testkit::{self as testkit, keys};
use vouchsafe_web::{
    HttpError, Managed, ManagesNames, ReceiveGroup, ReceiveLimiter, Reference, RequestRate, ReturnPaths,
    SingleSignOn, StartLimiter,
};

const THERE: &str = "https://example.okta.com/nim";
const HERE: &str = "https://app.example.com/saml/name-id";

/// A store of names that fails a number of times.
#[derive(Debug, Default)]
struct Failing {
    fails: AtomicUsize,
    confirmed: AtomicUsize,
}

impl ManagesNames for Failing {
    fn end_sessions<'a>(&'a self, _: &'a ManageNameIdRequest) -> Managed<'a, ()> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn requested<'a>(&'a self, _: &'a ManageNameIdRequest) -> Managed<'a, NameIdStatus> {
        Box::pin(std::future::ready(Ok(NameIdStatus::Denied)))
    }

    fn confirmed<'a>(&'a self, _: &'a StatusAnswer, _: &'a NameIdOrder) -> Managed<'a, ()> {
        let fails = self.fails.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if fails.is_err() {
            self.confirmed.fetch_add(1, Ordering::SeqCst);
            return Box::pin(std::future::ready(Ok(())));
        }
        let down = StoreError::unavailable(std::io::Error::other("down"));
        Box::pin(std::future::ready(Err(HttpError::Store(down))))
    }
}

fn okta() -> testkit::IdentityProvider {
    testkit::IdentityProvider::okta().with_name_id_management(THERE)
}

fn connection(name: &str) -> Connection {
    let metadata = okta().metadata().unwrap();
    let trusted = IdentityProvider::from_metadata(metadata.as_bytes()).unwrap();
    Connection::new(ConnectionId::new(name).unwrap(), trusted)
}

fn service(names: &Arc<Failing>) -> SingleSignOn {
    service_over([connection("okta")], Arc::clone(names) as Arc<dyn ManagesNames>)
}

fn service_over(
    connections: impl IntoIterator<Item = Connection>,
    names: Arc<dyn ManagesNames>,
) -> SingleSignOn {
    let ours = keys::service_provider();
    let service_provider = ServiceProvider::builder(EntityId::new(testkit::SERVICE_PROVIDER).unwrap())
        .assertion_consumer(testkit::ASSERTION_CONSUMER)
        .unwrap()
        .signing_key(ours.private_key().clone(), ours.certificate().clone())
        .name_id_management(HERE)
        .unwrap()
        .build()
        .unwrap();
    let connections: Connections = connections.into_iter().collect();
    SingleSignOn::new(service_provider, Arc::new(connections), Arc::new(Memory::new()))
        .return_paths(ReturnPaths::new("/").unwrap().under("/account").unwrap())
        .names_managed_by(names)
}

fn order_over(connection: &str) -> NameIdOrder {
    let connection = ConnectionId::new(connection).unwrap();
    NameIdOrder::terminate(Participant::new(connection, SessionNameId::new("ada"), []))
}

fn request(uri: &str, cookie: &str) -> Parts {
    let mut request = Request::get(uri).body(()).unwrap().into_parts().0;
    request.headers.insert(COOKIE, HeaderValue::from_str(cookie).unwrap());
    request
}

fn text<'h>(headers: &'h HeaderMap, name: &http::HeaderName) -> &'h str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

/// A confirmed change that could not be carried out here is carried out when the answer comes again, and only once.
#[tokio::test]
async fn a_confirmation_that_fails_is_carried_out_when_it_comes_again() {
    let names = Arc::new(Failing::default());
    let sso = service(&names);
    let request_of_ours = request("/account", "a=1");
    let started = sso.order_name_id(&request_of_ours, true, order_over("okta"), "/account").await.unwrap();
    let cookie = text(started.headers(), &SET_COOKIE).split(';').next().unwrap().to_owned();
    let query = text(started.headers(), &LOCATION).split_once('?').unwrap().1.to_owned();
    let sent = redirect::decode_unverified(&query, &Limits::default()).unwrap();
    let xml = String::from_utf8(sent.bytes().to_vec()).unwrap();
    let id = xml.split_once(" ID=\"").unwrap().1.split_once('"').unwrap().0.to_owned();
    let state = sent.relay_state().unwrap().as_str().to_owned();

    let answer = okta().logout_response(&id).element("ManageNameIDResponse").at(Utc::now());
    let answer = answer.destination(Some(HERE)).to_query(Some(&state)).unwrap();
    let brought = async || {
        let brought = request(&format!("/saml/name-id?{answer}"), &cookie);
        let answered = sso.name_id(&brought, b"", None).await;
        (answered.status().as_u16(), text(answered.headers(), &LOCATION).to_owned())
    };
    names.fails.store(1, Ordering::SeqCst);
    assert_eq!(brought().await, (503, String::new()));
    assert_eq!(brought().await, (303, "/account?name=changed".to_owned()));
    assert_eq!(names.confirmed.load(Ordering::SeqCst), 1);
    assert_eq!(brought().await.0, 403, "it was answered");
    assert_eq!(names.confirmed.load(Ordering::SeqCst), 1);
}

/// A page of another site starts no change of a name, and only the identity provider of the name can be asked.
#[tokio::test]
async fn an_order_needs_a_page_of_our_own_and_a_known_connection() {
    let sso = service(&Arc::new(Failing::default()));
    let ordered = async |headers: &[(&'static str, &'static str)], holds_session: bool, order| {
        let mut request = request("/account", "a=1");
        for (name, value) in headers {
            request.headers.insert(*name, HeaderValue::from_static(value));
        }
        let outcome = sso.order_name_id(&request, holds_session, order, "/account").await;
        outcome.map_or_else(|error| error.code(), |_| "asked")
    };
    let foreign = [("sec-fetch-site", "cross-site")];
    assert_eq!(ordered(&foreign, true, order_over("okta")).await, "http.cross_site");
    assert_eq!(
        ordered(&[("origin", "https://evil.example")], true, order_over("okta")).await,
        "http.cross_site"
    );
    assert_eq!(
        ordered(&[], false, order_over("okta")).await,
        "http.cross_site",
        "an old browser without a session"
    );
    assert_eq!(ordered(&[("sec-fetch-site", "same-origin")], false, order_over("okta")).await, "asked");
    assert_eq!(ordered(&[], true, order_over("okta")).await, "asked");
    assert_eq!(ordered(&[], true, order_over("globex")).await, "http.unknown_connection");
}

/// Each order is kept and asks an identity provider, like the start of a sign-in.
#[tokio::test]
async fn an_order_counts_as_a_start() {
    let one = RequestRate { burst: 1, per_second: 1 };
    let now = "2026-01-15T09:00:00Z".parse().unwrap();
    let sso = service(&Arc::new(Failing::default())).clock(move || now);
    let ordered = async |sso: &SingleSignOn| {
        let outcome = sso.order_name_id(&request("/account", "a=1"), true, order_over("okta"), "/").await;
        outcome.map_or_else(|error| error.code(), |_| "asked")
    };
    let over_one = sso.clone().start_limiter(StartLimiter::default().per_connection(one));
    assert_eq!([ordered(&over_one).await, ordered(&over_one).await], ["asked", "http.too_many_starts"]);
    let of_one_client = sso
        .client_address(|_| Some("192.0.2.1".parse().unwrap()))
        .start_limiter(StartLimiter::default().per_client_address(one));
    assert_eq!(
        [ordered(&of_one_client).await, ordered(&of_one_client).await],
        ["asked", "http.too_many_starts"]
    );
}

/// A connection without an address of its own takes nothing at an address with its name, and says what is missing.
#[tokio::test]
async fn an_address_with_the_name_of_a_connection_is_its_own_or_nobodys() {
    let sso = service(&Arc::new(Failing::default()));
    let terminate =
        format!("<samlp:Terminate xmlns:samlp=\"{}\"/>", vouchsafe::xml::namespace::SAML_PROTOCOL);
    let asked = okta().logout_request().element("ManageNameIDRequest").at(Utc::now()).raw(terminate);
    let query = asked.destination(Some(HERE)).to_query(None).unwrap();
    let refused = async |connection: &str| {
        let brought = request(&format!("/saml/{connection}/name-id?{query}"), "a=1");
        let answer = sso.name_id(&brought, b"", Some(connection)).await;
        let reference = answer.extensions().get::<Reference>().unwrap();
        sso.refusals().find(reference.as_str()).unwrap().code
    };
    assert_eq!(refused("okta").await, "http.no_name_id_management");
    assert_eq!(refused("unknown").await, "http.unknown_connection");
    let here = request(&format!("/saml/name-id?{query}"), "a=1");
    assert_eq!(sso.name_id(&here, b"", None).await.status().as_u16(), 303);
}

#[cfg(target_os = "linux")]
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse::<usize>().unwrap().saturating_mul(4_096)
}

/// Short queries that unpack to large messages wait for a place over their connection. While they wait, their documents
/// are not in memory.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn messages_that_wait_keep_no_document_in_memory() {
    const MANY: usize = 100;
    let limiter = ReceiveLimiter::new(2).per_connection(1).queue(1_024, Duration::from_secs(3_600));
    let sso = service(&Arc::new(Failing::default())).receive_limiter(limiter.clone());
    let group = ReceiveGroup::RequestsFrom(EntityId::new(okta().entity_id()).unwrap());
    let held = limiter.clone().enter(None, 1).await.unwrap().within(group).await.unwrap();
    let namespaces = "xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"";
    let large = format!(
        "<samlp:ManageNameIDRequest {namespaces} ID=\"_1\" Version=\"2.0\"><saml:Issuer>{}</saml:Issuer>{}</samlp:ManageNameIDRequest>",
        okta().entity_id(),
        "<a/>".repeat(60_000)
    );
    let large = redirect::encode(redirect::SAML_REQUEST, &large, None);
    let terminate =
        format!("<samlp:Terminate xmlns:samlp=\"{}\"/>", vouchsafe::xml::namespace::SAML_PROTOCOL);
    let good = okta().logout_request().element("ManageNameIDRequest").at(Utc::now()).raw(terminate);
    let good = good.destination(Some(HERE)).to_query(None).unwrap();
    let before = resident();
    let queries = std::iter::repeat_n(large, MANY).chain([good]);
    let waiting: Vec<_> = queries
        .map(|query| {
            let sso = sso.clone();
            let asked = request(&format!("/saml/name-id?{query}"), "a=1");
            tokio::spawn(async move { sso.name_id(&asked, b"", None).await.status().as_u16() })
        })
        .collect();
    // The place that all of them need is given in the order of asking, so the others wait for the connection now.
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    let last = limiter.enter(None, 1).await.unwrap();
    let each = resident().saturating_sub(before) / MANY;
    assert!(each < 500_000, "{each} bytes of memory for each");
    drop((last, held));
    let mut statuses = Vec::new();
    for one in waiting {
        statuses.push(one.await.unwrap());
    }
    assert_eq!(statuses.pop(), Some(303), "what waited is read again");
    assert!(statuses.iter().all(|status| *status == 403), "{statuses:?}");
}

/// An identity provider that is asked over SOAP confirms once. A store that fails for a moment is tried again, so that the
/// name does not stay linked here.
#[tokio::test(start_paused = true)]
async fn a_confirmation_over_soap_is_carried_out_by_a_store_that_fails_for_a_moment() {
    let soap = format!(
        "<md:ManageNameIDService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:SOAP\" Location=\"{THERE}\"/><md:NameIDFormat>"
    );
    let metadata = testkit::IdentityProvider::okta().metadata().unwrap();
    let metadata = metadata.replacen("<md:NameIDFormat>", &soap, 1);
    let trusted = IdentityProvider::from_metadata(metadata.as_bytes()).unwrap();
    let by_soap = Connection::new(ConnectionId::new("okta").unwrap(), trusted);
    for (failures, expected) in [(0, Ok(1)), (2, Ok(1)), (3, Err("store.unavailable"))] {
        let names = Arc::new(Failing::default());
        let managed = Arc::clone(&names) as Arc<dyn ManagesNames>;
        let sso = service_over([by_soap.clone()], managed).back_channel(|call| {
            let id = call.body().split_once(" ID=\"").unwrap().1.split_once('"').unwrap().0;
            let answer = okta().logout_response(id).element("ManageNameIDResponse").at(Utc::now());
            std::future::ready(Ok::<_, std::io::Error>(answer.to_soap().unwrap().into_bytes()))
        });
        names.fails.store(failures, Ordering::SeqCst);
        let ordered =
            sso.order_name_id(&request("/account", "a=1"), true, order_over("okta"), "/account").await;
        let outcome = ordered.map(|_| names.confirmed.load(Ordering::SeqCst)).map_err(|error| error.code());
        assert_eq!(outcome, expected, "{failures} failures");
    }
}
