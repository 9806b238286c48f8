//! The bridges to `tower-sessions` and `axum-login`, over HTTP.

#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

mod ending;
mod previous;
mod single_logout;

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::extract::FromRef;
use axum::response::{IntoResponse, Response};
use axum::{Router, routing::get};
use axum_login::{AuthManagerLayerBuilder, AuthSession, AuthUser, AuthnBackend, UserId};
use chrono::{TimeDelta, Utc};
use reqwest::header::{ACCEPT, COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Body, Client, Request};
use tower_sessions::cookie::SameSite;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result as StoreResult};
use tower_sessions::{MemoryStore, Session, SessionManagerLayer, SessionStore};
use vouchsafe::{
    Connection, ConnectionId, ConnectionSettings, Connections, EntityId, IdentityProvider, Login,
    ServiceProvider, Unsolicited,
};
use vouchsafe_axum::tower_session::{EndingStore, SessionUser, session_layer, sign_out};
use vouchsafe_axum::{AcceptedLogin, ReturnPaths, SingleSignOn, axum_login as bridge, routes};
use vouchsafe_store::Memory;
use vouchsafe_testkit::attacks::CookieJar;
use vouchsafe_testkit::{self as testkit, AuthnRequest, ResponseBuilder, keys};

/// Where the identity provider is told of a sign-out.
const THERE: &str = "https://example.okta.com/slo";

/// A listening service, and the last sign-in.
struct Served {
    address: String,
    sso: SingleSignOn,
}

impl Served {
    async fn start(router: impl FnOnce(&SingleSignOn) -> Router) -> Served {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let metadata = testkit::IdentityProvider::okta().with_single_logout(THERE).metadata().unwrap();
        let okta = IdentityProvider::from_metadata(metadata.as_bytes()).unwrap();
        let acme = Connection::new(ConnectionId::new("acme").unwrap(), okta)
            .with_settings(ConnectionSettings::default().unsolicited(Unsolicited::Accept))
            .unwrap();
        let connections: Connections = [acme].into_iter().collect();
        let ours = keys::service_provider();
        let saml = ServiceProvider::builder(EntityId::new(format!("{address}/saml/metadata")).unwrap())
            .assertion_consumer(&format!("{address}/saml/acs"))
            .unwrap()
            .single_logout(&format!("{address}/saml/slo"))
            .unwrap()
            .signing_key(ours.private_key().clone(), ours.certificate().clone())
            .build()
            .unwrap();
        let sso = SingleSignOn::new(saml, Arc::new(connections), Arc::new(Memory::new()))
            .return_paths(ReturnPaths::new("/home").unwrap());
        let router = router(&sso);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Served { address, sso }
    }

    fn response(&self, name: &str, id: &str) -> ResponseBuilder {
        testkit::IdentityProvider::okta()
            .response()
            .at(Utc::now())
            .service_provider(
                self.sso.service_provider().entity_id().as_str(),
                self.sso.service_provider().assertion_consumer(),
            )
            .assertion_id(id)
            .name_id(name)
    }

    fn last_code(&self) -> &'static str {
        self.sso.refusals().of(&ConnectionId::new("acme").unwrap()).remove(0).code
    }
}

struct Browser {
    client: reqwest::Client,
    jar: Mutex<CookieJar>,
}

impl Browser {
    fn new() -> Browser {
        let policy = reqwest::redirect::Policy::none();
        let client = reqwest::Client::builder().no_proxy().redirect(policy).build().unwrap();
        Browser { client, jar: Mutex::default() }
    }

    fn keep(&self, cookie: &str) {
        assert!(self.jar.lock().unwrap().keep(cookie), "{cookie} is no cookie");
    }

    fn held(&self) -> String {
        self.jar.lock().unwrap().header()
    }

    /// Sends what a browser sends: a response comes from the page of the identity provider, which is another site.
    async fn send(&self, request: reqwest::RequestBuilder) -> reqwest::Response {
        let (client, request) = request.build_split();
        let request = request.unwrap();
        let body = request.body().and_then(Body::as_bytes).unwrap_or_default();
        let held = self.jar.lock().unwrap().header_with(body);
        self.send_with(&held, client, request).await
    }

    async fn send_with(&self, held: &str, client: Client, mut request: Request) -> reqwest::Response {
        request.headers_mut().insert(COOKIE, held.parse().unwrap());
        let response = client.execute(request).await.unwrap();
        for cookie in response.headers().get_all(SET_COOKIE) {
            self.keep(cookie.to_str().unwrap());
        }
        response
    }

    async fn get(&self, url: &str) -> (u16, String) {
        let response = self.send(self.client.get(url)).await;
        (response.status().as_u16(), response.text().await.unwrap())
    }

    async fn post(&self, served: &Served, response: ResponseBuilder) -> reqwest::Response {
        let form = [("SAMLResponse", response.issue().unwrap().to_base64())];
        self.send(self.client.post(format!("{}/saml/acs", served.address)).form(&form)).await
    }

    /// Posts from an identity provider of the same site: the browser sends all cookies.
    async fn post_from_same_site(&self, served: &Served, response: ResponseBuilder) -> reqwest::Response {
        let form = [("SAMLResponse", response.issue().unwrap().to_base64())];
        let request = self.client.post(format!("{}/saml/acs", served.address)).form(&form);
        self.send_with(&self.held(), self.client.clone(), request.build().unwrap()).await
    }

    /// Signs in from a link of the service's front page, over an identity provider of another site.
    async fn sign_in(&self, served: &Served, name: &str, id: &str) -> reqwest::Response {
        let started = self.client.get(format!("{}/saml/login?organization=acme", served.address));
        let started = self.send(started).await;
        let asked = AuthnRequest::from_redirect(started.headers()[LOCATION].to_str().unwrap()).unwrap();
        let issued = served.response(name, id).in_response_to(&asked.id).issue().unwrap();
        let form = [("SAMLResponse", issued.to_base64()), ("RelayState", asked.relay_state.unwrap())];
        self.send(self.client.post(format!("{}/saml/acs", served.address)).form(&form)).await
    }
}

async fn signed_in(session: Session, AcceptedLogin(accepted): AcceptedLogin) -> Response {
    let opened = async {
        let name = accepted.login.name_id().map(|name| name.value().to_owned()).unwrap_or_default();
        SessionUser(name).sign_in(&session, &accepted).await?;
        accepted.redirect([])
    };
    opened.await.unwrap_or_else(|error| accepted.refuse(error)).into_response()
}

fn pages<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    SingleSignOn: FromRef<S>,
{
    let home = async |SessionUser(user): SessionUser<String>| user;
    let maybe = async |user: Option<SessionUser<String>>| user.map(|user| user.0).unwrap_or_default();
    let put = async |session: Session| session.insert("cart", 7).await.unwrap();
    let cart = async |session: Session| format!("{:?}", session.get::<u32>("cart").await.unwrap());
    let out = async |session: Session| sign_out(&session).await.unwrap();
    Router::new()
        .route("/home", get(home))
        .route("/maybe", get(maybe))
        .route("/put", get(put))
        .route("/cart", get(cart))
        .route("/out", get(out))
}

fn over(store: impl SessionStore + Clone, sso: &SingleSignOn) -> Router {
    let (sso, sessions) = session_layer(sso.clone(), store, Arc::new(Memory::new()));
    pages().merge(routes(signed_in)).layer(sessions).with_state(sso)
}

#[tokio::test]
async fn a_session_of_tower_sessions() {
    let served = Served::start(|sso| over(MemoryStore::default(), sso)).await;
    let at = |path: &str| format!("{}{path}", served.address);
    let browser = Browser::new();
    let nobody = browser.send(browser.client.get(at("/home"))).await;
    assert_eq!(
        (nobody.status().as_u16(), nobody.headers()[LOCATION].to_str().unwrap()),
        (303, "/?return=%2Fhome")
    );
    let nobody = browser.send(browser.client.get(at("/home")).header(ACCEPT, "application/json")).await;
    assert_eq!(nobody.status(), 401);
    assert_eq!(browser.get(&at("/maybe")).await, (200, String::new()));

    // If the identity provider is of the same site, a visitor's data stay in the session; a party that knew the previous identifier has no access to it.
    browser.get(&at("/put")).await;
    let before = browser.held();
    let answer = browser.post_from_same_site(&served, served.response("ada@example.com", "_1")).await;
    assert_eq!((answer.status().as_u16(), answer.headers()[LOCATION].to_str().unwrap()), (303, "/home"));
    let cookie = answer.headers()[SET_COOKIE].to_str().unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    assert_eq!(browser.get(&at("/home")).await, (200, "ada@example.com".to_owned()));
    assert_eq!(browser.get(&at("/cart")).await.1, "Some(7)");
    let fixed = Browser::new();
    fixed.keep(&before);
    assert_eq!(fixed.get(&at("/maybe")).await.1, "");

    // The same person keeps everything; another person receives none of it.
    browser.post_from_same_site(&served, served.response("ada@example.com", "_2")).await;
    assert_eq!(browser.get(&at("/cart")).await.1, "Some(7)");
    let adas = browser.held();
    browser.post_from_same_site(&served, served.response("eve@example.com", "_3")).await;
    assert_eq!(browser.get(&at("/home")).await.1, "eve@example.com");
    assert_eq!(browser.get(&at("/cart")).await.1, "None");
    assert_ne!(browser.held(), adas);

    let held = browser.held();
    browser.get(&at("/out")).await;
    let copied = Browser::new();
    copied.keep(&held);
    assert_eq!(copied.get(&at("/maybe")).await.1, "", "the session is over, and not only the cookie gone");
}

#[tokio::test]
async fn a_session_ends_when_the_identity_provider_says() {
    let served = Served::start(|sso| over(MemoryStore::default(), sso)).await;
    let soon = Utc::now().checked_add_signed(TimeDelta::minutes(30)).unwrap();
    let response = served.response("ada@example.com", "_1").session_not_on_or_after(soon);
    let answer = Browser::new().post(&served, response).await;
    let cookie = answer.headers()[SET_COOKIE].to_str().unwrap();
    let (_, seconds) = cookie.split_once("Max-Age=").unwrap();
    let seconds: i64 = seconds.split(';').next().unwrap().trim().parse().unwrap();
    assert!((1700..=1800).contains(&seconds), "{cookie}");
}

/// A session lasts eight hours, also if data are added. The default of `tower-sessions` is two weeks.
#[tokio::test]
async fn a_session_has_an_end_of_its_own() {
    let store = MemoryStore::default();
    let kept = store.clone();
    let served = Served::start(|sso| over(kept, sso)).await;
    let browser = Browser::new();
    let answer = browser.post(&served, served.response("ada@example.com", "_1")).await;
    let cookie = answer.headers()[SET_COOKIE].to_str().unwrap().to_owned();
    let seconds: i64 = cookie.split_once("Max-Age=").unwrap().1.split(';').next().unwrap().parse().unwrap();
    assert!((28_700..=28_800).contains(&seconds), "{cookie}");
}

/// Returns the cookies of a browser after the end of its session, which the identity provider set to a few seconds
/// after the sign-in. Meanwhile the application added data to the session, and `page` showed its user.
async fn held_after_its_end(served: &Served, page: &str) -> String {
    let soon = Utc::now().checked_add_signed(TimeDelta::seconds(3)).unwrap();
    let browser = Browser::new();
    let response = served.response("ada@example.com", "_1").session_not_on_or_after(soon);
    browser.post(served, response).await;
    browser.get(&format!("{}/put", served.address)).await;
    let held = browser.held();
    assert_eq!(browser.get(&format!("{}{page}", served.address)).await.1, "ada@example.com");
    tokio::time::sleep(std::time::Duration::from_secs(4)).await;
    held
}

/// A session ends at the identity provider's time, even if the application adds data to it.
#[tokio::test]
async fn a_later_change_makes_a_session_no_longer() {
    let served = Served::start(|sso| over(MemoryStore::default(), sso)).await;
    let at = |path: &str| format!("{}{path}", served.address);
    let held = held_after_its_end(&served, "/maybe").await;
    let copied = Browser::new();
    copied.keep(&held);
    assert_eq!(copied.get(&at("/maybe")).await.1, "");
}

/// The session has a layer of the application: sessions last two weeks, longer with each change, and the store is not
/// aware of sign-ins.
#[tokio::test]
async fn a_session_of_another_layer_ends_too() {
    let served = Served::start(|sso| {
        let layer = SessionManagerLayer::new(MemoryStore::default());
        let layer = layer.with_secure(false).with_same_site(SameSite::Lax);
        pages().merge(routes(signed_in)).layer(layer).with_state(sso.clone())
    })
    .await;
    let at = |path: &str| format!("{}{path}", served.address);
    let held = held_after_its_end(&served, "/maybe").await;
    let copied = Browser::new();
    copied.keep(&held);
    assert_eq!(copied.get(&at("/cart")).await.1, "Some(7)", "the store has the session still");
    assert_eq!(copied.get(&at("/maybe")).await.1, "");
    let copied = Browser::new();
    copied.keep(&held);
    assert_eq!(copied.get(&at("/cart")).await.1, "None", "the session is removed");
}

/// `axum-login` reads the session directly, so the store must enforce the end.
#[tokio::test]
async fn a_session_of_axum_login_ends_when_the_identity_provider_says() {
    let served = Served::start(|sso| {
        let layer =
            SessionManagerLayer::new(EndingStore::new(sso, MemoryStore::default(), Arc::new(Memory::new())));
        of_axum_login(sso.clone(), layer.with_secure(false).with_same_site(SameSite::Lax))
    })
    .await;
    let at = |path: &str| format!("{}{path}", served.address);
    let held = held_after_its_end(&served, "/who").await;
    let copied = Browser::new();
    copied.keep(&held);
    assert_eq!(copied.get(&at("/who")).await.1, "");
}

/// The cookie for https.
#[tokio::test]
async fn the_cookie_is_for_this_host_alone_over_https() {
    let saml = ServiceProvider::builder(EntityId::new("https://app.example.com/saml/metadata").unwrap())
        .assertion_consumer("https://app.example.com/saml/acs")
        .unwrap()
        .build()
        .unwrap();
    let sso = SingleSignOn::new(saml, Arc::new(Connections::new()), Arc::new(Memory::new()));
    let served = Served::start(|_| over(MemoryStore::default(), &sso)).await;
    let put = Browser::new();
    let answer = put.send(put.client.get(format!("{}/put", served.address))).await;
    let cookie = answer.headers()[SET_COOKIE].to_str().unwrap();
    assert!(cookie.starts_with("__Host-session="), "{cookie}");
    for attribute in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
}

/// A session store that is down.
#[derive(Clone, Debug)]
struct Down;

impl Down {
    fn error<T>() -> StoreResult<T> {
        Err(Error::Backend("down".to_owned()))
    }
}

#[async_trait]
impl SessionStore for Down {
    async fn create(&self, _: &mut Record) -> StoreResult<()> {
        Down::error()
    }

    async fn save(&self, _: &Record) -> StoreResult<()> {
        Down::error()
    }

    async fn load(&self, _: &Id) -> StoreResult<Option<Record>> {
        Down::error()
    }

    async fn delete(&self, _: &Id) -> StoreResult<()> {
        Down::error()
    }
}

#[tokio::test]
async fn a_store_of_sessions_that_is_down_is_an_outage() {
    let served = Served::start(|sso| over(Down, sso)).await;
    let browser = Browser::new();
    browser.keep("session=AAAAAAAAAAAAAAAAAAAAAA");
    for path in ["/home", "/maybe"] {
        assert_eq!(browser.get(&format!("{}{path}", served.address)).await.0, 503, "{path}");
    }
    let answer = Browser::new().post(&served, served.response("ada@example.com", "_1")).await;
    assert_eq!((answer.status().as_u16(), served.last_code()), (503, "http.unavailable"));
}

#[derive(Clone, Debug)]
struct User {
    name: String,
    hash: Vec<u8>,
}

impl AuthUser for User {
    type Id = String;

    fn id(&self) -> String {
        self.name.clone()
    }

    fn session_auth_hash(&self) -> &[u8] {
        &self.hash
    }
}

/// Knows everybody but mallory.
#[derive(Clone)]
struct Users;

impl Users {
    fn find(name: &str) -> Option<User> {
        let known = !name.starts_with("mallory");
        known.then(|| User { name: name.to_owned(), hash: b"1".to_vec() })
    }
}

impl AuthnBackend for Users {
    type User = User;
    type Credentials = Login;
    type Error = Infallible;

    async fn authenticate(&self, login: Login) -> Result<Option<User>, Infallible> {
        Ok(login.name_id().and_then(|name| Users::find(name.value())))
    }

    async fn get_user(&self, id: &UserId<Users>) -> Result<Option<User>, Infallible> {
        Ok(Users::find(id))
    }
}

/// The pages with a user of `axum-login`.
fn of_axum_login<S>(sso: SingleSignOn, sessions: SessionManagerLayer<S>) -> Router
where
    S: SessionStore + Clone,
{
    let layer = AuthManagerLayerBuilder::new(Users, sessions).build();
    let who = async |auth: AuthSession<Users>| auth.user.map(|user| user.name).unwrap_or_default();
    let pages = pages().route("/who", get(who)).merge(routes(bridge::signed_in::<Users>));
    pages.layer(layer).with_state(sso)
}

#[tokio::test]
async fn a_user_of_axum_login() {
    let served = Served::start(|sso| {
        let (sso, sessions) = session_layer(sso.clone(), MemoryStore::default(), Arc::new(Memory::new()));
        of_axum_login(sso, sessions)
    })
    .await;
    let at = |path: &str| format!("{}{path}", served.address);
    let browser = Browser::new();
    browser.get(&at("/put")).await;
    let visitor = browser.held();
    let answer = browser.post_from_same_site(&served, served.response("ada@example.com", "_1")).await;
    assert_eq!((answer.status().as_u16(), answer.headers()[LOCATION].to_str().unwrap()), (303, "/home"));
    assert_eq!(browser.get(&at("/who")).await.1, "ada@example.com");
    assert_eq!(browser.get(&at("/cart")).await.1, "Some(7)");
    let adas = browser.held();
    assert_ne!(visitor, adas);

    let answer = browser.post_from_same_site(&served, served.response("mallory@example.com", "_2")).await;
    assert_eq!((answer.status().as_u16(), served.last_code()), (403, "http.unknown_person"));
    assert_eq!(browser.get(&at("/who")).await.1, "ada@example.com", "the session goes on");

    // Another user in the same browser receives no data of the previous session, and another identifier.
    let answer = browser.post_from_same_site(&served, served.response("eve@example.com", "_3")).await;
    assert_eq!(answer.status(), 303);
    assert_eq!(browser.get(&at("/who")).await.1, "eve@example.com");
    assert_eq!(browser.get(&at("/cart")).await.1, "None");
    for held in [visitor, adas] {
        let copied = Browser::new();
        copied.keep(&held);
        assert_eq!(copied.get(&at("/who")).await.1, "", "an identifier of before");
    }
}

/// A session that an earlier release wrote for another type is that of nobody, and not an outage of eight hours.
#[tokio::test]
async fn a_user_of_another_form_signs_in_again() {
    let store = Arc::new(MemoryStore::default());
    let earlier = Session::new(None, Arc::clone(&store), None);
    earlier.insert("vouchsafe.user", "ada").await.unwrap();
    earlier.save().await.unwrap();
    let session = Session::new(earlier.id(), store, None);
    assert_eq!(SessionUser::<u32>::of(&session).await.unwrap(), None);
    assert!(session.is_empty().await);
}
