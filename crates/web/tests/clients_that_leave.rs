//! Clients that close the connection before they have the answer. A server then drops the future of the handler, and what
//! was begun must still be done.

#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use chrono::Utc;
use http::header::COOKIE;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;
use vouchsafe::provisioning::{Account, AccountId, Actor, Organization, OrganizationId, Role};
use vouchsafe::{
    Connection, ConnectionId, Connections, EntityId, IdentityProvider, LogoutRequest, Participant,
    ServiceProvider, SessionNameId,
};
use vouchsafe_store::{Author, Directory, Memory, PendingStore, ReplayStore, Session, Sqlite};
use vouchsafe_testkit::{self as testkit, keys};
use vouchsafe_web::{
    AccountStore, EndedSession, EndsSessions, LogoutSessions, Provisioned, ReceiveGroup, ReceiveLimiter,
    SingleSignOn,
};

const SINGLE_LOGOUT: &str = "https://app.example.com/saml/slo";

/// Polls once, as a server does whose client then closes the connection.
fn begin_and_leave<T>(answer: impl Future<Output = T>) {
    let mut context = Context::from_waker(Waker::noop());
    assert!(matches!(pin!(answer).poll(&mut context), Poll::Pending), "the answer came at once");
}

fn own_page(cookie: &str) -> HeaderMap {
    let mut request: Parts = Request::post("/saml/logout").body(()).unwrap().into_parts().0;
    let headers = [(HeaderName::from_static("sec-fetch-site"), "same-origin"), (COOKIE, cookie)];
    request.headers.extend(headers.map(|(name, value)| (name, HeaderValue::from_str(value).unwrap())));
    request.headers
}

/// A connection whose identity provider accepts logout over SOAP alone.
fn by_soap(name: &str) -> Connection {
    let metadata = testkit::IdentityProvider::okta().metadata().unwrap();
    let soap = format!(
        "<md:SingleLogoutService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:SOAP\" Location=\"https://{name}.example/slo\"/>"
    );
    let at = metadata.find("<md:NameIDFormat").or_else(|| metadata.find("<md:SingleSignOnService")).unwrap();
    let (before, after) = metadata.split_at(at);
    let metadata = [before, &soap, after].concat();
    let trusted = IdentityProvider::from_metadata(metadata.as_bytes()).unwrap();
    Connection::new(ConnectionId::new(name).unwrap(), trusted)
}

fn service(
    connections: impl IntoIterator<Item = Connection>,
    store: Arc<impl AccountStore + ReplayStore + PendingStore + 'static>,
) -> (SingleSignOn, Provisioned) {
    let ours = keys::service_provider();
    let service_provider = ServiceProvider::builder(EntityId::new(testkit::SERVICE_PROVIDER).unwrap())
        .assertion_consumer(testkit::ASSERTION_CONSUMER)
        .unwrap()
        .signing_key(ours.private_key().clone(), ours.certificate().clone())
        .single_logout(SINGLE_LOGOUT)
        .unwrap()
        .build()
        .unwrap();
    let connections: Connections = connections.into_iter().collect();
    Provisioned::over(service_provider, Arc::new(connections), store)
}

/// A person signs out at a shared computer and closes the window at once, while the store is slow.
#[tokio::test]
async fn a_session_ends_although_the_window_is_closed_at_once() {
    let store = Arc::new(Sqlite::in_memory().await.unwrap());
    let author = Author::new(Actor::Operator, Utc::now());
    let acme = Organization::new(OrganizationId::new("acme"), "acme", "Acme");
    store.add_organization(&acme, &author).await.unwrap();
    let mut owner = Account::new(AccountId::new("owner"), acme.id.clone(), "owner@example.com");
    (owner.role, owner.has_password) = (Role::Owner, true);
    store.add_account(&owner, &author).await.unwrap();
    let (sso, provisioned) = service([], store);
    let session = Session::of(acme.id, owner.id, Utc::now()).lasting(Duration::from_secs(3_600), None);
    let (_, cookie) = provisioned.open_session(&sso, &HeaderMap::new(), session).await.unwrap();
    let held = own_page(cookie.to_str().unwrap().split(';').next().unwrap());
    assert!(provisioned.session(&sso, &held).await.unwrap().is_some());

    begin_and_leave(provisioned.logout(&sso, &held));
    let mut looked = 0;
    while provisioned.session(&sso, &held).await.unwrap().is_some() {
        looked += 1;
        assert!(looked < 1_000, "the session goes on");
    }
}

/// Whoever may not sign out, or has no session, is answered at once, and starts no work that goes on without a client.
#[tokio::test]
async fn a_sign_out_that_ends_nothing_starts_no_task() {
    let (sso, provisioned) = service([], Arc::new(Memory::new()));
    let mut foreign = own_page("vouchsafe-session=invented");
    foreign.insert("sec-fetch-site", HeaderValue::from_static("cross-site"));
    for (headers, status) in [(foreign, 403), (own_page("a=1"), 303)] {
        let mut context = Context::from_waker(Waker::noop());
        let Poll::Ready(answer) = pin!(provisioned.logout(&sso, &headers)).poll(&mut context) else {
            panic!("{headers:?} waits for a task")
        };
        assert_eq!(answer.status().as_u16(), status);
    }
}

/// Identity providers that are asked over SOAP are told one after the other, also after the browser is gone.
#[tokio::test(start_paused = true)]
async fn all_identity_providers_are_told_although_the_window_is_closed_at_once() {
    let (asked, mut who) = mpsc::unbounded_channel();
    let answers = Arc::new(Semaphore::new(0));
    let store = Arc::new(Memory::new());
    let (sso, sessions) = service(["a", "b"].map(by_soap), Arc::clone(&store));
    let may_answer = Arc::clone(&answers);
    let sso = sso.single_logout_over(store, Arc::new(sessions)).back_channel(move |call| {
        asked.send(call.connection().to_string()).unwrap();
        let may_answer = Arc::clone(&may_answer);
        async move {
            may_answer.acquire().await.unwrap().forget();
            Ok::<_, std::io::Error>(b"no envelope".to_vec())
        }
    });
    let participants = ["a", "b"]
        .map(|name| Participant::new(ConnectionId::new(name).unwrap(), SessionNameId::new("ada"), None));
    let end = async { Ok(EndedSession { participants: participants.to_vec(), ..EndedSession::default() }) };
    begin_and_leave(sso.sign_out(&own_page("session=1"), true, end));
    answers.add_permits(2);
    for name in ["a", "b"] {
        let told = timeout(Duration::from_secs(60), who.recv()).await;
        assert_eq!(told.ok().flatten().as_deref(), Some(name));
    }
}

/// Sessions that end slowly.
#[derive(Debug)]
struct Slow {
    began: mpsc::UnboundedSender<()>,
    may_end: Semaphore,
    ended: mpsc::UnboundedSender<()>,
}

impl LogoutSessions for Slow {
    fn end<'a>(&'a self, _: &'a LogoutRequest) -> EndsSessions<'a> {
        Box::pin(async move {
            self.began.send(()).unwrap();
            self.may_end.acquire().await.unwrap().forget();
            self.ended.send(()).unwrap();
            Ok(1)
        })
    }
}

/// The frame in which an identity provider asks is removed while its sessions end. The request is carried out, and counts
/// as carried out.
#[tokio::test(start_paused = true)]
async fn a_logout_request_is_carried_out_although_its_frame_is_removed() {
    let minute = Duration::from_secs(60);
    let ((began, mut has_begun), (ended, mut has_ended)) =
        (mpsc::unbounded_channel(), mpsc::unbounded_channel());
    let sessions = Arc::new(Slow { began, may_end: Semaphore::new(0), ended });
    let okta = testkit::IdentityProvider::okta().with_single_logout("https://example.okta.com/slo");
    let trusted = IdentityProvider::from_metadata(okta.metadata().unwrap().as_bytes()).unwrap();
    let connection = Connection::new(ConnectionId::new("okta").unwrap(), trusted);
    let (sso, _) = service([connection], Arc::new(Memory::new()));
    let sso =
        sso.single_logout_over(Arc::new(Memory::new()), Arc::clone(&sessions) as Arc<dyn LogoutSessions>);
    let query = okta.logout_request().at(Utc::now()).to_query(None).unwrap();
    let brought = || Request::get(format!("/saml/slo?{query}")).body(()).unwrap().into_parts().0;
    let first = brought();
    tokio::select! {
        biased;
        answer = sso.single_logout(&first, b"", None) => panic!("the answer came at once: {answer:?}"),
        begun = timeout(minute, has_begun.recv()) => assert!(begun.unwrap().is_some()),
    }
    sessions.may_end.add_permits(1);
    assert!(timeout(minute, has_ended.recv()).await.is_ok(), "the sessions go on");
    // A copy that comes before the request is recorded is carried out again.
    sessions.may_end.add_permits(1_000);
    for copy in 0.. {
        if sso.single_logout(&brought(), b"", None).await.status() == 403 {
            break;
        }
        assert!(copy < 100, "the request was not recorded");
    }
}

/// While a store is slow to end the sessions of one request, other messages are checked, also of the same issuer.
#[tokio::test(start_paused = true)]
async fn sessions_that_end_slowly_keep_no_place_of_the_checks() {
    let ((began, mut has_begun), (ended, mut has_ended)) =
        (mpsc::unbounded_channel(), mpsc::unbounded_channel());
    let sessions = Arc::new(Slow { began, may_end: Semaphore::new(0), ended });
    let okta = testkit::IdentityProvider::okta().with_single_logout("https://example.okta.com/slo");
    let trusted = IdentityProvider::from_metadata(okta.metadata().unwrap().as_bytes()).unwrap();
    let connection = Connection::new(ConnectionId::new("okta").unwrap(), trusted);
    let limiter = ReceiveLimiter::new(1).per_connection(1).queue(0, Duration::ZERO);
    let (sso, _) = service([connection], Arc::new(Memory::new()));
    let sso = sso
        .receive_limiter(limiter.clone())
        .single_logout_over(Arc::new(Memory::new()), Arc::clone(&sessions) as Arc<dyn LogoutSessions>);
    let brought = |id: &str| {
        let query = okta.logout_request().id(id).at(Utc::now()).to_query(None).unwrap();
        Request::get(format!("/saml/slo?{query}")).body(()).unwrap().into_parts().0
    };
    let (slow, first) = (sso.clone(), brought("_first"));
    let waiting = tokio::spawn(async move { slow.single_logout(&first, b"", None).await.status() });
    assert!(timeout(Duration::from_secs(60), has_begun.recv()).await.unwrap().is_some());

    let permit = limiter.enter(None, 1).await.unwrap();
    let issuer = ReceiveGroup::RequestsFrom(EntityId::new(okta.entity_id()).unwrap());
    drop(permit.within(issuer).await.unwrap());
    // The number of those that one key has carried out at a time is limited too.
    assert_eq!(sso.single_logout(&brought("_second"), b"", None).await.status(), 503);
    sessions.may_end.add_permits(1);
    assert!(timeout(Duration::from_secs(60), has_ended.recv()).await.unwrap().is_some());
    assert_eq!(waiting.await.unwrap(), 303);
}
