//! The places that requests of identity providers take while their connections are found and checked.

#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::Utc;
use http::Request;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use vouchsafe::{
    ClaimedResponse, Connection, ConnectionId, ConnectionSettings, Connections, EntityId, IdentityProvider,
    LogoutRequest, ServiceProvider,
};
use vouchsafe_store::{Answer, LogoutStore, Memory};
use vouchsafe_testkit::{self as testkit, LogoutBuilder, SINGLE_LOGOUT, keys};
use vouchsafe_web::{
    CandidatePage, ConnectionSource, EndsSessions, LogoutSessions, ReceiveGroup, ReceiveLimiter, Reference,
    SingleSignOn,
};

const THERE: &str = "https://example.okta.com/slo";
const OWN: &str = "https://app.example.com/saml/own/slo";

/// Sessions that have all ended already.
#[derive(Debug)]
struct NoSessions;

impl LogoutSessions for NoSessions {
    fn end<'a>(&'a self, _: &'a LogoutRequest) -> EndsSessions<'a> {
        Box::pin(std::future::ready(Ok(0)))
    }
}

/// Connections, and how many pages of them were looked up.
#[derive(Debug, Default)]
struct Counted {
    connections: Connections,
    pages: AtomicUsize,
    /// Each look-up waits for a permit, if there is this.
    may_answer: Option<Semaphore>,
    /// Each page says that further ones begin after this name.
    next: Option<ConnectionId>,
}

impl ConnectionSource for Counted {
    fn find<'a>(&'a self, id: &'a ConnectionId) -> Answer<'a, Option<Connection>> {
        self.connections.find(id)
    }

    fn candidates<'a>(&'a self, claimed: &'a ClaimedResponse) -> Answer<'a, Vec<Connection>> {
        ConnectionSource::candidates(&self.connections, claimed)
    }

    fn candidates_by_issuer<'a>(
        &'a self,
        issuer: &'a EntityId,
        after: Option<&'a ConnectionId>,
    ) -> Answer<'a, CandidatePage> {
        let pages = self.pages.fetch_add(1, Ordering::Relaxed);
        assert!(self.next.is_none() || pages < 10, "it is asked for ever");
        Box::pin(async move {
            if let Some(may_answer) = &self.may_answer {
                may_answer.acquire().await.unwrap().forget();
            }
            let page = ConnectionSource::candidates_by_issuer(&self.connections, issuer, after).await?;
            let next = self.next.clone().or(page.next.clone());
            Ok(page.followed_after(next))
        })
    }
}

fn okta() -> testkit::IdentityProvider {
    testkit::IdentityProvider::okta().with_single_logout(THERE)
}

fn connection(name: &str) -> Connection {
    let metadata = okta().metadata().unwrap();
    let trusted = IdentityProvider::from_metadata(metadata.as_bytes()).unwrap();
    Connection::new(ConnectionId::new(name).unwrap(), trusted)
}

fn service(connections: &Arc<Counted>, limiter: &ReceiveLimiter) -> SingleSignOn {
    let ours = keys::service_provider();
    let service_provider = ServiceProvider::builder(EntityId::new(testkit::SERVICE_PROVIDER).unwrap())
        .assertion_consumer(testkit::ASSERTION_CONSUMER)
        .unwrap()
        .signing_key(ours.private_key().clone(), ours.certificate().clone())
        .single_logout(SINGLE_LOGOUT)
        .unwrap()
        .build()
        .unwrap();
    SingleSignOn::new(service_provider, Arc::clone(connections), Arc::new(Memory::new()))
        .single_logout_over(Arc::new(Memory::new()) as Arc<dyn LogoutStore>, Arc::new(NoSessions))
        .receive_limiter(limiter.clone())
}

fn over(names: impl IntoIterator<Item = String>) -> Arc<Counted> {
    let connections = names.into_iter().map(|name| connection(&name)).collect();
    Arc::new(Counted { connections, ..Counted::default() })
}

fn asked() -> LogoutBuilder {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    okta().logout_request().id(format!("_{}", NUMBER.fetch_add(1, Ordering::Relaxed))).at(Utc::now())
}

/// Brings a request to the service's address, or to that of a connection. Returns the code of the refusal, if any.
async fn bring(sso: &SingleSignOn, query: &str, own: Option<&str>) -> &'static str {
    let path = own.map_or("/saml/slo", |_| "/saml/own/slo");
    let request = Request::get(format!("{path}?{query}")).body(()).unwrap().into_parts().0;
    let answer = sso.single_logout(&request, b"", own).await;
    let reference = answer.extensions().get::<Reference>();
    reference.map_or("", |reference| sso.refusals().find(reference.as_str()).unwrap().code)
}

/// At the address of all, the requests that claim one issuer share places, and those of one connection at its own.
#[tokio::test]
async fn requests_are_checked_within_the_places_of_their_group() {
    let settings = ConnectionSettings::default().assertion_consumer("https://app.example.com/saml/own/acs");
    let own = connection("own").with_settings(settings.unwrap().single_logout(OWN).unwrap()).unwrap();
    let connections = [connection("shared"), own].into_iter().collect();
    let limiter = ReceiveLimiter::new(4).per_connection(1).queue(0, Duration::ZERO);
    let sso = service(&Arc::new(Counted { connections, ..Counted::default() }), &limiter);
    let codes = async || {
        let unknown = asked().issuer(Some("https://unknown.example")).to_query(None).unwrap();
        let at_own = asked().destination(Some(OWN)).to_query(None).unwrap();
        [
            bring(&sso, &asked().to_query(None).unwrap(), None).await,
            bring(&sso, &at_own, Some("own")).await,
            bring(&sso, &unknown, None).await,
        ]
    };
    let entity = |name: &str| EntityId::new(name).unwrap();
    let unknown = "assertion.unknown_issuer";
    for (held, expected) in [
        (ReceiveGroup::RequestsFrom(entity(okta().entity_id())), ["http.busy", "", unknown]),
        (ReceiveGroup::RequestsAt(ConnectionId::new("own").unwrap()), ["", "http.busy", unknown]),
        // An issuer that no connection has takes no place.
        (ReceiveGroup::RequestsFrom(entity("https://unknown.example")), ["", "", unknown]),
        (ReceiveGroup::UnaskedFrom(entity(okta().entity_id())), ["", "", unknown]),
    ] {
        let place = limiter.enter(None, 1).await.unwrap().within(held.clone()).await.unwrap();
        assert_eq!(codes().await, expected, "{held:?}");
        drop(place);
        assert_eq!(codes().await, ["", "", unknown], "after {held:?}");
    }
}

/// What every connection refuses is not looked up on further pages. What another key signed may belong to any of them.
#[tokio::test]
async fn what_every_connection_refuses_is_looked_up_once() {
    let connections = over((0..=2 * CandidatePage::PAGE).map(|number| format!("okta-{number:02}")));
    let sso = service(&connections, &ReceiveLimiter::default());
    let terminate =
        format!("<samlp:Terminate xmlns:samlp=\"{}\"/>", vouchsafe::xml::namespace::SAML_PROTOCOL);
    let of_another_kind = asked().element("ManageNameIDRequest").raw(terminate);
    for (query, refusal, pages) in [
        (of_another_kind.to_query(None), "message.kind", 1),
        (asked().to_unsigned_query(None), "message.unsigned", 1),
        (asked().key(keys::attacker()).to_query(None), "signature.not_verified", 3),
    ] {
        assert_eq!(bring(&sso, &query.unwrap(), None).await, refusal);
        assert_eq!(connections.pages.swap(0, Ordering::Relaxed), pages, "{refusal}");
    }
}

/// A source of connections that names the same page again and again is not asked for ever.
#[tokio::test]
async fn a_source_that_does_not_go_on_is_asked_twice() {
    let connections = [connection("okta")].into_iter().collect();
    let next = Some(ConnectionId::new("okta").unwrap());
    let stuck = Arc::new(Counted { connections, next, ..Counted::default() });
    let query = asked().key(keys::attacker()).to_query(None).unwrap();
    assert_eq!(
        bring(&service(&stuck, &ReceiveLimiter::default()), &query, None).await,
        "signature.not_verified"
    );
    assert_eq!(stuck.pages.load(Ordering::Relaxed), 2);
}

/// A message in a query counts with the bytes of the query, so that many of them do not wait in more memory than the
/// queue may use.
#[tokio::test(start_paused = true)]
async fn a_message_in_a_query_waits_with_its_bytes() {
    let limiter = ReceiveLimiter::new(1).queue(8, Duration::from_secs(60)).queue_bytes(200);
    let sso = service(&over(["okta".to_owned()]), &limiter);
    let place = limiter.enter(None, 1).await.unwrap();
    let before = Instant::now();
    let query = asked().to_query(None).unwrap();
    assert_eq!(bring(&sso, &query, None).await, "http.busy");
    assert_eq!(before.elapsed(), Duration::ZERO, "it did not wait");
    drop(place);
    assert_eq!(bring(&sso, &query, None).await, "");
}

/// After a slow look-up, in which it held no place, it waits with the same bytes.
#[tokio::test(start_paused = true)]
async fn a_message_waits_with_its_bytes_after_a_slow_look_up() {
    let connections = [connection("okta")].into_iter().collect();
    let may_answer = Some(Semaphore::new(0));
    let source = Arc::new(Counted { connections, may_answer, ..Counted::default() });
    let limiter = ReceiveLimiter::new(1).queue(8, Duration::from_secs(60)).queue_bytes(200);
    let sso = service(&source, &limiter);
    let query = asked().to_query(None).unwrap();
    let brought = tokio::spawn(async move { bring(&sso, &query, None).await });
    while source.pages.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    let place = limiter.enter(None, 1).await.unwrap();
    let before = Instant::now();
    source.may_answer.as_ref().unwrap().add_permits(1);
    assert_eq!(brought.await.unwrap(), "http.busy");
    assert_eq!(before.elapsed(), Duration::ZERO, "it did not wait");
    drop(place);
}
