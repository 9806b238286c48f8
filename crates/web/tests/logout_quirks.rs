//! The behaviour of identity providers at logout: one scenario for each, with the result here.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "this is a test: it may panic"
)]

#[path = "logout_quirks/answers.rs"]
mod answers;
#[path = "logout_quirks/outages.rs"]
mod outages;

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use http::header::{CONTENT_SECURITY_POLICY, COOKIE, LOCATION, SET_COOKIE};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Response};
use vouchsafe::provisioning::{Identity, LoggedOut};
use vouchsafe::signature::{TrustedKey, verify_query};
use vouchsafe::{
    Connection, ConnectionId, ConnectionSettings, Connections, EntityId, IdentityProvider, Limits,
    LogoutRequest, Participant, ServiceProvider, SessionNameId, redirect,
};
use vouchsafe_store::Memory;
use vouchsafe_testkit::{self as testkit, LogoutBuilder, SINGLE_LOGOUT, keys};
use vouchsafe_web::{EndedSession, EndsSessions, LogoutSessions, SingleSignOn};

const THERE: &str = "https://example.okta.com/slo";
const SOAP: &str = "https://app.example.com/saml/slo/soap";

/// The sessions of one person, by their indexes.
#[derive(Debug, Default)]
struct Sessions(Mutex<Vec<String>>);

impl LogoutSessions for Sessions {
    fn end<'a>(&'a self, request: &'a LogoutRequest) -> EndsSessions<'a> {
        let logout = LoggedOut::of(request);
        let mut open = self.0.lock().unwrap();
        let before = open.len();
        let ada = Identity::new(request.connection().clone(), "ada@example.com");
        let ada = ada.with_format(testkit::EMAIL_ADDRESS);
        open.retain(|index| !logout.means(&ada, &[index]));
        let ended = u64::try_from(before - open.len()).unwrap();
        Box::pin(std::future::ready(Ok(ended)))
    }
}

/// A service with three sessions of ada, and identity providers.
struct Scene {
    sso: SingleSignOn,
    sessions: Arc<Sessions>,
    saml: ServiceProvider,
    ahead: Arc<AtomicI64>,
}

/// The participant of a session over this connection.
fn ada(connection: &str) -> Participant {
    let mut name = SessionNameId::new("ada@example.com");
    name.format = Some(testkit::EMAIL_ADDRESS.to_owned());
    name.name_qualifier = Some("https://idp.example/nq".to_owned());
    name.sp_name_qualifier = Some("https://app.example/spnq".to_owned());
    Participant::new(ConnectionId::new(connection).unwrap(), name, Some("s1".to_owned()))
}

fn okta() -> testkit::IdentityProvider {
    testkit::IdentityProvider::okta().with_single_logout(THERE)
}

fn connection(name: &str, metadata: &str) -> Connection {
    let trusted = IdentityProvider::from_metadata(metadata.as_bytes()).unwrap();
    Connection::new(ConnectionId::new(name).unwrap(), trusted)
}

impl Scene {
    fn new() -> Scene {
        Scene::over([connection("okta", &okta().metadata().unwrap())])
    }

    fn over(connections: impl IntoIterator<Item = Connection>) -> Scene {
        let ours = keys::service_provider();
        let saml = ServiceProvider::builder(EntityId::new(testkit::SERVICE_PROVIDER).unwrap())
            .assertion_consumer(testkit::ASSERTION_CONSUMER)
            .unwrap()
            .signing_key(ours.private_key().clone(), ours.certificate().clone())
            .single_logout(SINGLE_LOGOUT)
            .unwrap()
            .single_logout_soap(SOAP)
            .unwrap()
            .build()
            .unwrap();
        let connections: Connections = connections.into_iter().collect();
        let sessions = Arc::new(Sessions(Mutex::new(["s1", "s2", "s3"].map(str::to_owned).to_vec())));
        let (store, ahead) = (Arc::new(Memory::new()), Arc::<AtomicI64>::default());
        let clock = Arc::clone(&ahead);
        let sso = SingleSignOn::new(saml.clone(), Arc::new(connections), Arc::clone(&store))
            .single_logout_over(store, Arc::clone(&sessions) as Arc<dyn LogoutSessions>)
            .clock(move || Utc::now() + TimeDelta::seconds(clock.load(Ordering::SeqCst)));
        Scene { sso, sessions, saml, ahead }
    }

    fn open(&self) -> String {
        self.sessions.0.lock().unwrap().join(" ")
    }

    fn now(&self) -> DateTime<Utc> {
        self.sso.now()
    }

    /// Makes a request of the identity provider to end these sessions.
    fn asks(&self, id: &str, indexes: &[&str]) -> LogoutBuilder {
        let request = okta().logout_request().id(id).at(self.now()).destination(Some(SINGLE_LOGOUT));
        let request = request.name_id("ada@example.com").name_id_format(Some(testkit::EMAIL_ADDRESS));
        indexes.iter().fold(request, |request, index| request.session_index(*index))
    }

    fn answers(&self, to: &str, codes: &[&str]) -> LogoutBuilder {
        let codes = codes.iter().map(|code| format!("urn:oasis:names:tc:SAML:2.0:status:{code}"));
        let answer = okta().logout_response(to).id(format!("_to{to}")).at(self.now());
        answer.destination(Some(SINGLE_LOGOUT)).status(codes)
    }

    /// A browser with these cookies carries a message in the query.
    async fn by_redirect(
        &self,
        message: &LogoutBuilder,
        state: Option<&str>,
        held: &str,
    ) -> Response<String> {
        let query = message.to_query(state).unwrap();
        self.sso.single_logout(&request(Method::GET, &format!("/saml/slo?{query}"), held), b"", None).await
    }

    async fn by_form(&self, message: &LogoutBuilder, state: Option<&str>, held: &str) -> Response<String> {
        let form = message.to_form(state).unwrap();
        self.sso.single_logout(&request(Method::POST, "/saml/slo", held), form.as_bytes(), None).await
    }

    /// The person signs out here, and the identity providers of the session are told.
    async fn signs_out(&self, participants: Vec<Participant>) -> Response<String> {
        let headers = request(Method::POST, "/saml/logout", "session=1").headers;
        let sessions = Arc::clone(&self.sessions);
        let end = async move {
            sessions.0.lock().unwrap().retain(|index| index != "s1");
            Ok(EndedSession { participants, ..EndedSession::default() })
        };
        self.sso.sign_out(&headers, true, end).await
    }

    /// Returns the address, the XML and the RelayState of a message of ours in a query.
    fn sent(&self, answer: &Response<String>) -> Sent {
        let url = location(answer);
        let (to, query) = url.split_once('?').unwrap();
        let ours = keys::service_provider().private_key().public_key().clone();
        let verified = verify_query(query, &[TrustedKey::new(ours, "ours")], self.saml.provider()).unwrap();
        let message = redirect::decode(&verified, &Limits::default()).unwrap().bytes().to_vec();
        let xml = String::from_utf8(message).unwrap();
        let id = xml.split_once(" ID=\"").unwrap().1.split_once('"').unwrap().0.to_owned();
        let state = verified.relay_state().map(str::to_owned);
        Sent { to: to.to_owned(), id, xml, state }
    }
}

struct Sent {
    to: String,
    id: String,
    xml: String,
    state: Option<String>,
}

impl Sent {
    fn is_success(&self) -> bool {
        self.xml.contains("LogoutResponse")
            && self.xml.contains("\"urn:oasis:names:tc:SAML:2.0:status:Success\"")
    }
}

fn request(method: Method, uri: &str, cookies: &str) -> Parts {
    let mut request = Request::builder().method(method).uri(uri).body(()).unwrap().into_parts().0;
    request
        .headers
        .insert(HeaderName::from_static("sec-fetch-site"), HeaderValue::from_static("same-origin"));
    if !cookies.is_empty() {
        request.headers.insert(COOKIE, HeaderValue::from_str(cookies).unwrap());
    }
    request
}

fn location(answer: &Response<String>) -> &str {
    answer
        .headers()
        .get(LOCATION)
        .map(|value| value.to_str().unwrap())
        .unwrap_or_else(|| panic!("{answer:?}"))
}

/// Returns the cookies that a browser sends after this answer.
fn held(answer: &Response<String>) -> String {
    let set = answer.headers().get_all(SET_COOKIE).iter();
    let pairs: Vec<&str> = set.filter_map(|one| one.to_str().unwrap().split(';').next()).collect();
    pairs.join("; ")
}

type Run = fn() -> Pin<Box<dyn Future<Output = ()>>>;

macro_rules! quirks {
    ($($name:ident: $says:literal;)*) => {
        const QUIRKS: &[(&str, &str, Run)] = &[$((stringify!($name), $says, || Box::pin($name()))),*];
    };
}

quirks! {
    a_frame_without_cookies: "the logout address is called in an invisible frame: sessions are found without a cookie, and its page may be framed by the one who asked";
    a_server_asks: "the identity provider's own server asks over SOAP: answered in an envelope";
    a_name_is_repeated_whole: "AD FS compares the NameID byte for byte, with Format and both qualifiers: it is repeated so, and ours is always signed (MSIS7084)";
    nothing_unsigned: "a message without a signature is refused, and ends nothing";
    a_session_that_is_over: "the session here is over already: Success";
    a_relay_state_comes_back: "RelayState is given back as it came, also one longer than 80 bytes";
    one_index_several_or_none: "one session index ends one session, several end those, none ends all of that name";
    a_name_without_its_format: "Entra ID repeats the value of the NameID without its Format: the session index shows whose it is, and without one nobody is meant";
    a_name_of_another_value: "Entra ID, where the NameID is customised, names another value: the index alone ends the session, if the connection says so";
    an_index_on_its_own_line: "white space around a session index, or an empty one, is layout";
    a_partial_logout: "PartialLogout is a status and no failure: the page says so";
    an_answer_by_another_binding: "saml-idp and Okta answer by POST whatever the request came by: taken";
    another_response_location: "ResponseLocation differs from Location: answers go there, requests to Location";
    no_logout_at_all: "Google has no single logout: the person is signed out here, and the page says that the session there goes on";
    success_is_believed: "Zitadel answers Success without ending its session: what it says is what the page says, and no more";
    a_failure_changes_nothing_here: "the identity provider fails or refuses: the session here ended first all the same";
    an_answer_that_comes_too_late: "the person stays at the identity provider for longer than ten minutes: the answer is refused, and the page says what holds here";
}

#[tokio::test]
async fn every_quirk_comes_to_what_is_written() {
    assert!(QUIRKS.len() >= 12);
    for (name, says, run) in QUIRKS {
        println!("{name}: {says}");
        run().await;
    }
}

async fn a_frame_without_cookies() {
    let scene = Scene::new();
    let answer = scene.by_form(&scene.asks("_1", &["s2"]), None, "").await;
    assert_eq!((answer.status().as_u16(), scene.open().as_str()), (200, "s1 s3"));
    let policy = answer.headers().get(CONTENT_SECURITY_POLICY).unwrap().to_str().unwrap();
    assert!(policy.contains("frame-ancestors https://example.okta.com"), "{policy}");
    assert!(answer.headers().get(SET_COOKIE).is_none());
}

async fn a_server_asks() {
    let scene = Scene::new();
    let envelope = scene.asks("_1", &["s2"]).destination(Some(SOAP)).to_soap().unwrap();
    let parts = request(Method::POST, "/saml/slo/soap", "");
    let answer = scene.sso.single_logout_by_soap(&parts, envelope.as_bytes(), None).await;
    assert_eq!((answer.status().as_u16(), scene.open().as_str()), (200, "s1 s3"));
    assert!(answer.body().contains("Envelope") && answer.body().contains("status:Success"));
}

async fn a_name_is_repeated_whole() {
    let scene = Scene::new();
    let sent = scene.sent(&scene.signs_out(vec![ada("okta")]).await);
    let name = format!(
        "<saml2:NameID NameQualifier=\"https://idp.example/nq\" SPNameQualifier=\"https://app.example/spnq\" \
         Format=\"{}\">ada@example.com</saml2:NameID><saml2p:SessionIndex>s1</saml2p:SessionIndex>",
        testkit::EMAIL_ADDRESS
    );
    assert!(sent.xml.contains(&name), "{}", sent.xml);
}

async fn nothing_unsigned() {
    let scene = Scene::new();
    let query = scene.asks("_1", &[]).to_unsigned_query(None).unwrap();
    let parts = request(Method::GET, &format!("/saml/slo?{query}"), "");
    assert_eq!(scene.sso.single_logout(&parts, b"", None).await.status().as_u16(), 403);
    assert_eq!(scene.open(), "s1 s2 s3");
}

async fn a_session_that_is_over() {
    let scene = Scene::new();
    let answer = scene.by_redirect(&scene.asks("_1", &["unheard of"]), None, "").await;
    assert!(scene.sent(&answer).is_success());
    assert_eq!(scene.open(), "s1 s2 s3");
}

async fn a_relay_state_comes_back() {
    let scene = Scene::new();
    for (place, state) in ["a b&c=d", &"x".repeat(300)].into_iter().enumerate() {
        let answer = scene.by_redirect(&scene.asks(&format!("_{place}"), &["s2"]), Some(state), "").await;
        assert_eq!(scene.sent(&answer).state.as_deref(), Some(state));
    }
    let answer = scene.by_redirect(&scene.asks("_none", &["s2"]), None, "").await;
    assert_eq!(scene.sent(&answer).state, None);
}

async fn one_index_several_or_none() {
    for (indexes, left) in [(&["s2"][..], "s1 s3"), (&["s1", "s3"], "s2"), (&[], "")] {
        let scene = Scene::new();
        let answer = scene.by_redirect(&scene.asks("_1", indexes), None, "").await;
        assert!(scene.sent(&answer).is_success());
        assert_eq!(scene.open(), left, "{indexes:?}");
    }
}

/// The shape of requests of `https://sts.windows.net/`: no Format, one index.
async fn a_name_without_its_format() {
    for (value, indexes, left) in [
        ("ada@example.com", &["s2"][..], "s1 s3"),
        ("ada@example.com", &[], "s1 s2 s3"),
        ("ada@example.com", &["other"], "s1 s2 s3"),
        ("bob@example.com", &["s2"], "s1 s2 s3"),
    ] {
        let scene = Scene::new();
        let request = scene.asks("_1", indexes).name_id(value).name_id_format(None);
        assert!(scene.sent(&scene.by_redirect(&request, None, "").await).is_success());
        assert_eq!(scene.open(), left, "{value} {indexes:?}");
    }
}

async fn a_name_of_another_value() {
    let settings = ConnectionSettings::default().logout_by_session_index();
    let by_index = connection("okta", &okta().metadata().unwrap()).with_settings(settings).unwrap();
    for (scene, left) in [(Scene::over([by_index]), "s1 s3"), (Scene::new(), "s1 s2 s3")] {
        let request = scene.asks("_1", &["s2"]).name_id("H0EPlI1hHuuvn5N6-8Xw").name_id_format(None);
        assert!(scene.sent(&scene.by_redirect(&request, None, "").await).is_success());
        assert_eq!(scene.open(), left);
        let of_all = scene.asks("_2", &[]).name_id("H0EPlI1hHuuvn5N6-8Xw").name_id_format(None);
        scene.by_redirect(&of_all, None, "").await;
        assert_eq!(scene.open(), left, "no index names a session");
    }
}

async fn an_index_on_its_own_line() {
    for (index, left) in [("\n    s2\n  ", "s1 s3"), ("", "")] {
        let scene = Scene::new();
        let answer = scene.by_redirect(&scene.asks("_1", &[index]), None, "").await;
        assert!(scene.sent(&answer).is_success());
        assert_eq!(scene.open(), left, "{index:?}");
    }
}

async fn a_partial_logout() {
    let scene = Scene::new();
    let asked = scene.signs_out(vec![ada("okta")]).await;
    let sent = scene.sent(&asked);
    let answer = scene.answers(&sent.id, &["Success", "PartialLogout"]);
    let page = scene.by_redirect(&answer, sent.state.as_deref(), &held(&asked)).await;
    assert_eq!(page.status().as_u16(), 200);
    assert!(page.body().contains("You are signed out"));
    assert!(page.body().contains("it could not sign you out of every service"), "{}", page.body());
}

async fn an_answer_by_another_binding() {
    let scene = Scene::new();
    let asked = scene.signs_out(vec![ada("okta")]).await;
    let sent = scene.sent(&asked);
    let page =
        scene.by_form(&scene.answers(&sent.id, &["Success"]), sent.state.as_deref(), &held(&asked)).await;
    assert!(page.body().contains("has ended its session too"), "{}", page.body());
}

async fn another_response_location() {
    let metadata = okta().metadata().unwrap();
    let (plain, other) =
        (format!("Location=\"{THERE}\""), format!("Location=\"{THERE}\" ResponseLocation=\"{THERE}/done\""));
    let scene = Scene::over([connection("okta", &metadata.replace(&plain, &other))]);
    let answer = scene.by_redirect(&scene.asks("_1", &["s2"]), None, "").await;
    assert_eq!(scene.sent(&answer).to, format!("{THERE}/done"));
    assert_eq!(scene.sent(&scene.signs_out(vec![ada("okta")]).await).to, THERE);
}

async fn no_logout_at_all() {
    let google = testkit::IdentityProvider::okta().metadata().unwrap();
    let scene = Scene::over([connection("google", &google)]);
    let page = scene.signs_out(vec![ada("google")]).await;
    assert_eq!((page.status().as_u16(), scene.open().as_str()), (200, "s2 s3"));
    assert!(
        page.body().contains("it cannot be asked to sign you out: your session there goes on"),
        "{}",
        page.body()
    );
}

async fn success_is_believed() {
    let scene = Scene::new();
    let asked = scene.signs_out(vec![ada("okta")]).await;
    let sent = scene.sent(&asked);
    let answer = scene.answers(&sent.id, &["Success"]);
    let page = scene.by_redirect(&answer, sent.state.as_deref(), &held(&asked)).await;
    assert!(page.body().contains("Your identity provider has ended its session too."));
}

async fn a_failure_changes_nothing_here() {
    for codes in [&["Responder"][..], &["Requester", "RequestDenied"]] {
        let scene = Scene::new();
        let asked = scene.signs_out(vec![ada("okta")]).await;
        assert_eq!(scene.open(), "s2 s3", "before anybody else is told");
        let sent = scene.sent(&asked);
        let answer = scene.answers(&sent.id, codes);
        let page = scene.by_redirect(&answer, sent.state.as_deref(), &held(&asked)).await;
        assert_eq!(page.status().as_u16(), 200);
        assert!(page.body().contains("it did not confirm that its session is over"), "{}", page.body());
    }
}

async fn an_answer_that_comes_too_late() {
    let scene = Scene::new();
    let asked = scene.signs_out(vec![ada("okta")]).await;
    let sent = scene.sent(&asked);
    scene.ahead.store(601, Ordering::SeqCst);
    let page =
        scene.by_redirect(&scene.answers(&sent.id, &["Success"]), sent.state.as_deref(), &held(&asked)).await;
    assert_eq!(page.status().as_u16(), 403);
    assert!(
        page.body().contains("If you signed out here, you are signed out of this service."),
        "{}",
        page.body()
    );
    assert_eq!(scene.open(), "s2 s3");
}

/// Several identity providers are told, one after the other, and the page shows the answer of each.
#[tokio::test]
async fn several_participants_are_told_one_after_the_other() {
    let other = testkit::IdentityProvider::other();
    let other_there = "https://other.example/slo";
    let metadata = other.clone().with_single_logout(other_there).metadata().unwrap();
    let google = testkit::IdentityProvider::new(
        "https://google.example",
        "https://google.example/sso",
        keys::attacker(),
    );
    let scene = Scene::over([
        connection("okta", &okta().metadata().unwrap()),
        connection("google", &google.metadata().unwrap()),
        connection("other", &metadata),
    ]);
    let first = scene.signs_out(vec![ada("okta"), ada("gone"), ada("google"), ada("other")]).await;
    let sent = scene.sent(&first);
    assert_eq!(sent.to, THERE);
    let answer = scene.answers(&sent.id, &["Success", "PartialLogout"]);
    let second = scene.by_redirect(&answer, sent.state.as_deref(), &held(&first)).await;
    // After the answer of the first, the next one is told, and the page is not shown yet.
    let next = scene.sent(&second);
    assert_eq!(next.to, other_there);
    // The first cannot answer for the next.
    let wrong = scene.answers(&next.id, &["Success"]).id("_wrong");
    let refused = scene.by_redirect(&wrong, next.state.as_deref(), &held(&second)).await;
    assert_eq!(refused.status().as_u16(), 403);
    let answer = other.logout_response(&next.id).at(scene.now()).destination(Some(SINGLE_LOGOUT));
    let answer = answer.status(["urn:oasis:names:tc:SAML:2.0:status:Success"]);
    let page = scene.by_redirect(&answer, next.state.as_deref(), &held(&second)).await;
    assert_eq!(page.status().as_u16(), 200, "{}", page.body());
    for (name, words) in [
        ("okta", "it could not sign you out of every service"),
        ("gone", "it cannot be asked to sign you out"),
        ("google", "it cannot be asked to sign you out"),
        ("other", "the session is over"),
    ] {
        assert!(page.body().contains(&format!("<dt>{name}</dt><dd>{words}")), "{name}: {}", page.body());
    }
}

/// Identity providers that do not answer over SOAP delay a person by at most ten seconds together.
#[tokio::test(start_paused = true)]
async fn those_who_do_not_answer_take_ten_seconds_together() {
    let by_soap = |name: &str| {
        let provider = testkit::IdentityProvider::new(
            format!("https://{name}.example"),
            format!("https://{name}.example/sso"),
            keys::attacker(),
        );
        let metadata = provider.with_single_logout(format!("https://{name}.example/slo")).metadata().unwrap();
        let post = "<md:SingleLogoutService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\"";
        let soap = post.replace("HTTP-POST", "SOAP");
        let metadata = metadata.replace(post, &soap);
        let redirect = post.replace("HTTP-POST", "HTTP-Redirect");
        let start = metadata.find(&redirect).unwrap();
        let end = start + metadata.get(start..).unwrap().find("/>").unwrap() + 2;
        let metadata = [metadata.get(..start).unwrap(), metadata.get(end..).unwrap()].concat();
        connection(name, &metadata)
    };
    let names = ["a", "b", "c", "d"];
    let scene = Scene::over(names.map(by_soap));
    let sso = scene.sso.clone().back_channel(|_| std::future::pending::<Result<Vec<u8>, std::io::Error>>());
    let scene = Scene { sso, ..scene };
    let began = tokio::time::Instant::now();
    let page = scene.signs_out(names.map(ada).to_vec()).await;
    assert!(began.elapsed() <= std::time::Duration::from_secs(11), "{:?}", began.elapsed());
    assert_eq!(page.body().matches("it did not answer").count(), 4, "{}", page.body());
    // Each of them takes five at most.
    let began = tokio::time::Instant::now();
    scene.signs_out(vec![ada("a")]).await;
    assert!(began.elapsed() <= std::time::Duration::from_secs(6), "{:?}", began.elapsed());
}
