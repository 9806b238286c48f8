//! The browser flows without a framework: parts and bytes as input, answers as output.

#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

mod declined;
mod kept_forms;
mod logged;
mod own_metadata;
mod people;
mod refusals;
mod restarts;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, COOKIE, LOCATION, ORIGIN, RETRY_AFTER, SET_COOKIE,
};
use http::request::Parts;
use http::{HeaderValue, Request, Response};
use vouchsafe::{
    Connection, ConnectionId, ConnectionSettings, ConnectionState, Connections, EntityId, Explain,
    IdentityProvider, LoginOptions, PendingRequest, RequestBinding, ServiceProvider, Unsolicited,
};
use vouchsafe_store::{Answer, Memory, PendingStore, ReplayStore, StoreError};
use vouchsafe_testkit::{self as testkit, AuthnRequest};
use vouchsafe_web::{HttpError, ReturnPaths, SingleSignOn, login_url};

const ENTITY_ID: &str = "https://app.example.com/saml/metadata";
const CONSUMER: &str = "https://app.example.com/saml/acs";
const OWN: &str = "https://app.example.com/saml/own/acs";

fn connection(id: &str, settings: ConnectionSettings) -> Connection {
    let metadata = testkit::IdentityProvider::okta().metadata().unwrap();
    let okta = IdentityProvider::from_metadata(metadata.as_bytes()).unwrap();
    Connection::new(ConnectionId::new(id).unwrap(), okta).with_settings(settings).unwrap()
}

fn service_provider() -> ServiceProvider {
    let builder = ServiceProvider::builder(EntityId::new(ENTITY_ID).unwrap());
    builder.assertion_consumer(CONSUMER).unwrap().build().unwrap()
}

fn over(connections: impl IntoIterator<Item = Connection>) -> SingleSignOn {
    let connections: Connections = connections.into_iter().collect();
    SingleSignOn::new(service_provider(), Arc::new(connections), Arc::new(Memory::new()))
        .return_paths(ReturnPaths::new("/home").unwrap().under("/projects").unwrap())
}

fn request(headers: &[(http::HeaderName, &str)]) -> Parts {
    let mut request = Request::new(()).into_parts().0;
    for (name, value) in headers {
        request.headers.append(name, HeaderValue::from_str(value).unwrap());
    }
    request
}

/// Returns the cookies that a browser sends after this answer.
fn cookies(answer: &Response<String>) -> String {
    let set = answer.headers().get_all(SET_COOKIE).iter();
    let pairs: Vec<&str> = set.filter_map(|one| one.to_str().unwrap().split(';').next()).collect();
    pairs.join("; ")
}

fn location(answer: &Response<String>) -> &str {
    answer.headers().get(LOCATION).unwrap().to_str().unwrap()
}

struct Posted<'a> {
    id: &'a str,
    consumer: &'a str,
    reply_to: Option<&'a AuthnRequest>,
    relay_state: &'a str,
}

impl Posted<'_> {
    fn body(&self) -> Vec<u8> {
        let mut response = testkit::IdentityProvider::okta()
            .response()
            .at(Utc::now())
            .service_provider(ENTITY_ID, self.consumer)
            .assertion_id(self.id)
            .name_id("ada@example.com");
        let mut relay_state = self.relay_state;
        if let Some(request) = self.reply_to {
            response = response.in_response_to(&request.id);
            relay_state = request.relay_state.as_deref().unwrap();
        }
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("SAMLResponse", &response.issue().unwrap().to_base64());
        form.append_pair("RelayState", relay_state);
        form.finish().into_bytes()
    }
}

fn unasked(id: &str) -> Posted<'_> {
    Posted { id, consumer: CONSUMER, reply_to: None, relay_state: "/projects/7" }
}

#[tokio::test]
async fn a_sign_in_with_options_of_the_application() {
    let acme = connection("acme", ConnectionSettings::default());
    let sso = over([acme.clone()]);
    let options = LoginOptions::default().force_authn().context("invitation-7").return_to("/projects/7");
    let started = sso.start(&request(&[]), &acme, options).await.unwrap();
    let asked = AuthnRequest::from_redirect(location(&started)).unwrap();
    let held = cookies(&started);
    let body = Posted { reply_to: Some(&asked), ..unasked("_1") }.body();

    // Another browser cannot use the answer: it starts a new sign-in.
    let restarted = sso.accept(&request(&[]), &body).await.unwrap_err();
    assert_ne!(AuthnRequest::from_redirect(location(&restarted)).unwrap().id, asked.id);
    let accepted = sso.accept(&request(&[(COOKIE, &held)]), &body).await.unwrap();
    assert_eq!(accepted.connection().as_str(), "acme");
    assert_eq!(accepted.login.name_id().unwrap().value(), "ada@example.com");
    assert_eq!(accepted.context.as_deref(), Some("invitation-7"));
    let answer = accepted.redirect([HeaderValue::from_static("session=1")]).unwrap();
    assert_eq!((answer.status().as_u16(), location(&answer)), (303, "/projects/7"));
    let set: Vec<_> = answer.headers().get_all(SET_COOKIE).iter().collect();
    assert_eq!(set.len(), 2, "the binding ends, the session begins: {set:?}");
    // A path that is not on the list leads to the default path.
    let started = sso.start(&request(&[]), &acme, LoginOptions::default().return_to("//evil.example")).await;
    let started = started.unwrap();
    let asked = AuthnRequest::from_redirect(location(&started)).unwrap();
    let body = Posted { reply_to: Some(&asked), ..unasked("_2") }.body();
    let accepted = sso.accept(&request(&[(COOKIE, &cookies(&started))]), &body).await.unwrap();
    assert_eq!(accepted.answer.return_to.as_str(), "/home");
}

/// Some identity providers return no RelayState. Then the request is the one that the answer names, among those of
/// this browser.
#[tokio::test]
async fn an_answer_without_relay_state_is_found_by_the_request_that_it_names() {
    let sso = over([connection("acme", ConnectionSettings::default())]);
    let (mut asked, mut held) = (Vec::new(), String::new());
    for place in ["/projects/1", "/projects/2"] {
        let fields = format!("organization=acme&return={place}");
        let started = sso.login(&request(&[(COOKIE, &held)]), fields.as_bytes()).await;
        asked.push(AuthnRequest::from_redirect(location(&started)).unwrap());
        held = format!("{held}; {}", cookies(&started));
    }
    let body = |id: &str, request: &str, relay_state: &str| {
        let response = testkit::IdentityProvider::okta().response().at(Utc::now());
        let response =
            response.service_provider(ENTITY_ID, CONSUMER).assertion_id(id).in_response_to(request);
        let encoded = response.issue().unwrap().to_base64();
        let form =
            form_urlencoded::Serializer::new(String::new()).append_pair("SAMLResponse", &encoded).finish();
        format!("{form}{relay_state}").into_bytes()
    };
    let (first, second) = (&asked[0].id, &asked[1].id);
    for (headers, body) in [
        (request(&[]), body("_1", first, "")),
        (request(&[(COOKIE, &held)]), body("_2", "_other", "")),
        (request(&[(COOKIE, &held)]), body("_3", first, "&RelayState=elsewhere")),
    ] {
        let refused = sso.accept(&headers, &body).await.unwrap_err();
        assert_eq!((refused.status().as_u16(), refused.headers().get(LOCATION)), (403, None));
    }
    for (id, request_id, relay_state, place) in
        [("_4", second, "", "/projects/2"), ("_5", first, "&RelayState=", "/projects/1")]
    {
        let browser = request(&[(COOKIE, &held)]);
        let accepted = sso.accept(&browser, &body(id, request_id, relay_state)).await.unwrap();
        assert_eq!(accepted.answer.return_to.as_str(), place);
        assert_eq!(accepted.login.in_response_to(), Some(request_id.as_str()));
        let again = sso.accept(&browser, &body("_6", request_id, relay_state)).await.unwrap_err();
        assert_eq!((again.status().as_u16(), again.headers().get(LOCATION)), (403, None), "answered once");
    }
}

#[tokio::test]
async fn a_request_by_post_is_a_page_with_a_form() {
    let acme = connection("acme", ConnectionSettings::default());
    let sso = over([acme]).login_options(|request, _| {
        if request.headers.contains_key("x-post") {
            LoginOptions::default().binding(RequestBinding::Post)
        } else {
            LoginOptions::default()
        }
    });
    let mut by_post = request(&[]);
    by_post.headers.insert("x-post", HeaderValue::from_static("1"));
    let page = sso.login(&by_post, b"organization=acme").await;
    assert_eq!(page.status(), 200, "{}", page.body());
    assert!(page.body().contains("name=\"SAMLRequest\"") && page.headers().contains_key(SET_COOKIE));
    // Only the page's own script runs.
    let policy = page.headers().get(CONTENT_SECURITY_POLICY).unwrap().to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'sha256-"), "{policy}");
    assert!(!policy.contains("unsafe") && policy.contains("form-action https:;"), "{policy}");
    assert_eq!(page.body().matches("<script>").count(), 1);
    assert_eq!(page.headers().get(CACHE_CONTROL).unwrap(), "no-store");
    assert_eq!(sso.login(&request(&[]), b"organization=acme").await.status(), 303);
    // A link has its fields in the query.
    let mut link = request(&[]);
    link.uri = "/saml/login?organization=acme&return=%2F".parse().unwrap();
    assert!(location(&sso.login(&link, b"").await).contains("SAMLRequest="));
    assert_eq!(login_url("/in", "a b", "/"), "/in?organization=a+b&return=%2F");
}

/// Returns the cookies that a browser sends with a form of another site's page: only those with `SameSite=None` and
/// `Secure`.
fn sent_across_sites(set_cookies: &[String]) -> String {
    let attributes = |cookie: &str| cookie.split(';').skip(1).map(|one| one.trim().to_owned()).collect();
    let crosses = |cookie: &&String| {
        let attributes: Vec<String> = attributes(cookie);
        ["SameSite=None", "Secure"].iter().all(|one| attributes.iter().any(|held| held == one))
    };
    let pairs = set_cookies.iter().filter(crosses).filter_map(|cookie| cookie.split(';').next());
    pairs.collect::<Vec<_>>().join("; ")
}

/// The identity provider's page posts the response from its own site, to a service that is reached over https.
#[tokio::test]
async fn the_binding_crosses_sites_over_https_and_the_session_does_not() {
    let acme = connection("acme", ConnectionSettings::default());
    let sso = over([acme.clone()]);
    let started = sso.start(&request(&[]), &acme, LoginOptions::default()).await.unwrap();
    let asked = AuthnRequest::from_redirect(location(&started)).unwrap();
    let held = started.headers().get_all(SET_COOKIE).iter();
    let mut held: Vec<String> = held.map(|cookie| cookie.to_str().unwrap().to_owned()).collect();
    let [binding] = held.as_slice() else { panic!("one cookie: {held:?}") };
    assert!(binding.starts_with("__Host-vouchsafe-login-0="), "{binding}");
    assert!(binding.ends_with("; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=None"), "{binding}");
    assert!(!binding.contains("Domain"), "{binding}");

    let session = sso.cookies().open_session("0123456789abcdef", Duration::from_secs(3600)).unwrap();
    held.push(session.to_str().unwrap().to_owned());
    let sent = sent_across_sites(&held);
    assert!(sent.contains("vouchsafe-login-0=") && !sent.contains("vouchsafe-session"), "{sent}");
    let site = http::HeaderName::from_static("sec-fetch-site");
    let posted = request(&[(COOKIE, &sent), (site, "cross-site"), (ORIGIN, "https://idp.example.net")]);
    let body = Posted { reply_to: Some(&asked), ..unasked("_1") }.body();
    let accepted = sso.accept(&posted, &body).await.unwrap();
    assert_eq!(accepted.login.name_id().unwrap().value(), "ada@example.com");
    let answer = accepted.redirect([]).unwrap();
    let gone = answer.headers().get(SET_COOKIE).unwrap().to_str().unwrap();
    assert_eq!(gone, "__Host-vouchsafe-login-0=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=None");
}

/// A draft is checked and shown. Nobody is signed in, nothing is recorded, and a reload shows the same.
#[tokio::test]
async fn a_draft_is_tried_out_in_the_browser() {
    let draft = connection("acme", ConnectionSettings::default()).with_state(ConnectionState::Draft);
    let sso = over([draft.clone()]);
    let normal = sso.start(&request(&[]), &draft, LoginOptions::default()).await;
    assert!(normal.is_err(), "a draft signs nobody in");
    let started = sso.start_trial(&request(&[]), &draft, "/projects/settings").await;
    let asked = AuthnRequest::from_redirect(location(&started)).unwrap();
    let held = cookies(&started);
    let body = Posted { reply_to: Some(&asked), ..unasked("_1") }.body();
    for _ in 0..2 {
        let page = sso.accept(&request(&[(COOKIE, &held)]), &body).await.unwrap_err();
        assert_eq!(page.status(), 200);
        assert!(page.body().contains("The sign-in would be accepted"), "{}", page.body());
        assert!(page.body().contains("ada@example.com") && page.body().contains("/projects/settings"));
        assert!(!page.headers().contains_key(SET_COOKIE));
    }
    // Another browser sees nothing of it, and this browser sees the reason of a refusal.
    let other = sso.accept(&request(&[]), &body).await.unwrap_err();
    assert!(other.status() == 403 && !other.body().contains("ada@example.com"));
    let elsewhere = Posted { reply_to: Some(&asked), consumer: OWN, ..unasked("_2") }.body();
    let page = sso.accept(&request(&[(COOKIE, &held)]), &elsewhere).await.unwrap_err();
    assert!(
        page.body().contains("would be refused") && page.body().contains("assertion."),
        "{}",
        page.body()
    );
    // With a page of the application, and over an active connection, nobody is signed in either.
    let sso = over([draft.clone().with_state(ConnectionState::Active)])
        .trial_page(|tried| async move { format!("{} {}", tried.connection, tried.outcome.is_ok()) });
    let started = sso.start_trial(&request(&[]), &draft, "/").await;
    let asked = AuthnRequest::from_redirect(location(&started)).unwrap();
    let body = Posted { reply_to: Some(&asked), ..unasked("_3") }.body();
    let page = sso.accept(&request(&[(COOKIE, &cookies(&started))]), &body).await.unwrap_err();
    assert_eq!(page.body(), "acme true");
}

#[tokio::test]
async fn a_connection_with_an_assertion_consumer_of_its_own() {
    let settings = ConnectionSettings::default().unsolicited(Unsolicited::Accept);
    let own = connection("own", settings.clone().assertion_consumer(OWN).unwrap());
    let sso = over([own, connection("shared", settings)]);
    let at_own = |id| Posted { consumer: OWN, ..unasked(id) }.body();
    let accepted = sso.accept_for("own", &request(&[]), &at_own("_1")).await.unwrap();
    assert_eq!(accepted.connection().as_str(), "own");
    for (consumer, body) in [
        (Some("own"), unasked("_2").body()),
        (None, at_own("_3")),
        (Some("shared"), unasked("_4").body()),
        (Some("nobody"), at_own("_5")),
        (Some(""), at_own("_6")),
    ] {
        let posted = match consumer {
            Some(id) => sso.accept_for(id, &request(&[]), &body).await,
            None => sso.accept(&request(&[]), &body).await,
        };
        assert_eq!(posted.unwrap_err().status(), 403, "{consumer:?}");
    }
    let headers = request(&[]).headers;
    assert!(sso.metadata_for(&headers, "own").await.body().contains(OWN));
    assert!(!sso.metadata(&headers).body().contains(OWN));
    assert_eq!(sso.metadata_for(&headers, "nobody").await.status(), 404);
}

/// A store that does not answer.
#[derive(Debug)]
struct Down(fn(std::io::Error) -> StoreError);

impl Down {
    fn fails<T: Send + 'static>(&self) -> Answer<'_, T> {
        let failure = (self.0)(std::io::Error::other("no answer"));
        Box::pin(async { Err(failure) })
    }
}

impl ReplayStore for Down {
    fn insert_once<'a>(&'a self, _: &'a str, _: DateTime<Utc>) -> Answer<'a, bool> {
        self.fails()
    }

    fn is_recorded<'a>(&'a self, _: &'a str) -> Answer<'a, bool> {
        self.fails()
    }

    fn sweep_replays(&self, _: DateTime<Utc>) -> Answer<'_, u64> {
        self.fails()
    }
}

impl PendingStore for Down {
    fn put<'a>(&'a self, _: &'a PendingRequest) -> Answer<'a, ()> {
        self.fails()
    }

    fn find_pending<'a>(&'a self, _: &'a str, _: DateTime<Utc>) -> Answer<'a, Option<PendingRequest>> {
        self.fails()
    }

    fn remove_pending<'a>(&'a self, _: &'a str) -> Answer<'a, bool> {
        self.fails()
    }

    fn sweep_pending(&self, _: DateTime<Utc>) -> Answer<'_, u64> {
        self.fails()
    }
}

#[tokio::test]
async fn a_store_that_fails_is_an_outage() {
    // When a store can be reached again nobody knows. Another change ends sooner or later.
    let unavailable: fn(std::io::Error) -> StoreError = StoreError::unavailable;
    let stores = [(unavailable, None), (StoreError::busy, Some("5"))];
    for (failure, retry_after) in stores {
        let acme = connection("acme", ConnectionSettings::default().unsolicited(Unsolicited::Accept));
        let connections: Connections = [acme].into_iter().collect();
        let sso = SingleSignOn::new(service_provider(), Arc::new(connections), Arc::new(Down(failure)));
        let started = sso.login(&request(&[]), b"organization=acme").await;
        let accepted = sso.accept(&request(&[]), &unasked("_1").body()).await.unwrap_err();
        for answer in [started.map(|_| ()), accepted.map(|_| ())] {
            assert_eq!(answer.status(), 503);
            let told = answer.headers().get(RETRY_AFTER).map(|seconds| seconds.to_str().unwrap());
            assert_eq!(told, retry_after);
        }
    }
}

/// The person passed every check, so the application may say why it refuses them. Nothing else may.
#[tokio::test]
async fn the_application_tells_its_own_reason_and_no_other_is_told() {
    #[derive(Debug, thiserror::Error)]
    #[error("the account is closed")]
    struct Closed;

    impl Explain for Closed {
        fn code(&self) -> &'static str {
            "app.closed"
        }

        fn hint(&self) -> &'static str {
            "Open the account again."
        }
    }

    let sso = over([]);
    let headers = request(&[]).headers;
    let told = sso.refuse(&headers, HttpError::refused_with("Your <b>account</b> is closed.", Closed));
    assert_eq!(told.status(), 403);
    assert!(told.body().contains("Your &lt;b&gt;account&lt;/b&gt; is closed."), "{}", told.body());
    let json = request(&[(http::header::ACCEPT, "application/json")]).headers;
    let told = sso.refuse(&json, HttpError::refused_with("Your account is closed.", Closed));
    assert!(told.body().contains("\"Your account is closed.\""), "{}", told.body());
    for error in [HttpError::refused_by(Closed), HttpError::outage(Closed), HttpError::UnknownPerson] {
        let page = sso.refuse(&headers, error);
        assert!(page.body().contains("The sign-in could not be completed."), "{}", page.body());
    }
}

#[tokio::test]
async fn a_logout_from_another_site_ends_nothing() {
    let sso = over([]);
    let ended = Mutex::new(0);
    let end = async || {
        *ended.lock().unwrap() += 1;
        Ok(vec![HeaderValue::from_static("session=; Max-Age=0")])
    };
    let site = http::HeaderName::from_static("sec-fetch-site");
    let cross = request(&[(site.clone(), "cross-site")]).headers;
    assert_eq!(sso.local_logout(&cross, true, end()).await.status(), 403);
    assert_eq!(sso.local_logout(&request(&[]).headers, false, end()).await.status(), 403);
    assert_eq!(*ended.lock().unwrap(), 0);
    let own = request(&[(site, "same-origin")]).headers;
    let answer = sso.local_logout(&own, false, end()).await;
    assert_eq!((answer.status().as_u16(), cookies(&answer).as_str()), (303, "session="));
    assert_eq!(*ended.lock().unwrap(), 1);
}

#[tokio::test]
async fn what_is_over_is_swept() {
    let acme = connection("acme", ConnectionSettings::default().unsolicited(Unsolicited::Accept));
    let connections: Connections = [acme.clone()].into_iter().collect();
    let later = Arc::new(Mutex::new(Utc::now()));
    let clock = Arc::clone(&later);
    let sso = SingleSignOn::new(service_provider(), Arc::new(connections), Arc::new(Memory::new()))
        .clock(move || *clock.lock().unwrap());
    for _ in 0..2 {
        sso.start(&request(&[]), &acme, LoginOptions::default()).await.unwrap();
    }
    sso.accept(&request(&[]), &unasked("_1").body()).await.unwrap();
    assert_eq!(sso.sweep().await.unwrap(), (0, 0));
    *later.lock().unwrap() += TimeDelta::days(30);
    // A replay record is removed only after a newer record also shows that its time has passed.
    assert_eq!(sso.sweep().await.unwrap(), (0, 2));
}

#[tokio::test]
async fn a_task_sweeps_what_is_over() {
    let acme = connection("acme", ConnectionSettings::default());
    let connections: Connections = [acme.clone()].into_iter().collect();
    let later = Arc::new(Mutex::new(Utc::now()));
    let clock = Arc::clone(&later);
    let sso = SingleSignOn::new(service_provider(), Arc::new(connections), Arc::new(Memory::new()))
        .clock(move || *clock.lock().unwrap());
    sso.start(&request(&[]), &acme, LoginOptions::default()).await.unwrap();
    *later.lock().unwrap() += TimeDelta::days(1);
    let task = tokio::spawn(sso.clone().sweep_every(Duration::ZERO));
    tokio::task::yield_now().await;
    assert_eq!(sso.sweep().await.unwrap(), (0, 0), "the task has swept already");
    task.abort();
}
