//! An identity provider of another site signs a person out in an invisible frame, over https in a real browser. None
//! of our cookies is sent, the session is found by its name, and the answer may be shown in the frame of the asking
//! identity provider.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{FromRef, Path, State};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Html, IntoResponse, Response};
use axum::{Router, extract::Request, routing::get};
use chrono::Utc;
use vouchsafe::crypto::KeyKind;
use vouchsafe::{
    Connection, ConnectionId, Connections, EntityId, IdentityProvider, LogoutRequest, ServiceProvider,
};
use vouchsafe_axum::{AcceptedLogin, EndsSessions, LogoutSessions, ReturnPaths, SingleSignOn, routes};
use vouchsafe_store::Memory;
use vouchsafe_testkit::{self as testkit, AuthnRequest, KeyPair, keys};

use crate::chromium::{browse, listening};
use crate::identity_provider::shared_folder;

/// The sessions that have not ended.
#[derive(Debug, Default)]
struct Sessions(Mutex<Vec<String>>);

impl LogoutSessions for Sessions {
    fn end<'a>(&'a self, request: &'a LogoutRequest) -> EndsSessions<'a> {
        assert_eq!(request.name_id().value(), "ada@example.com");
        let ended = self.0.lock().unwrap().drain(..).count();
        Box::pin(std::future::ready(Ok(u64::try_from(ended).unwrap())))
    }
}

#[derive(Clone)]
struct App {
    sso: SingleSignOn,
    sessions: Arc<Sessions>,
    /// The requests that the browser sent to the logout address.
    asked: Arc<Mutex<Vec<HeaderMap>>>,
}

impl FromRef<App> for SingleSignOn {
    fn from_ref(app: &App) -> SingleSignOn {
        app.sso.clone()
    }
}

async fn signed_in(State(app): State<App>, AcceptedLogin(accepted): AcceptedLogin) -> Response {
    let token = accepted.login.assertion_id().trim_start_matches('_').to_owned();
    app.sessions.0.lock().unwrap().push(token.clone());
    let session = app.sso.cookies().open_session(&token, Duration::from_secs(3600)).unwrap();
    accepted.redirect([session]).unwrap().into_response()
}

async fn home(State(app): State<App>, headers: HeaderMap) -> &'static str {
    let held = app.sso.cookies().session(&headers).unwrap_or_default();
    if app.sessions.0.lock().unwrap().contains(&held) { "somebody" } else { "nobody" }
}

async fn noted(State(app): State<App>, request: Request, next: Next) -> Response {
    if request.uri().path() == "/saml/slo" {
        app.asked.lock().unwrap().push(request.headers().clone());
    }
    next.run(request).await
}

/// The identity provider of the other site.
struct Other {
    identity_provider: testkit::IdentityProvider,
    entity_id: String,
    address: String,
    /// The answers that the browser carried.
    answers: Mutex<Vec<String>>,
}

async fn sign_on(State(other): State<Arc<Other>>, request: Parts) -> Html<String> {
    let asked = AuthnRequest::from_redirect(request.uri.query().unwrap_or_default()).unwrap();
    let consumer = format!("{}/saml/acs", other.address);
    let response =
        other.identity_provider.response().at(Utc::now()).service_provider(&other.entity_id, &consumer);
    let response = response.assertion_id(format!("{}.answer", asked.id)).in_response_to(&asked.id);
    let response = response.name_id("ada@example.com").session_index("s1").issue().unwrap();
    Html(posting(
        &consumer,
        &[("SAMLResponse", &response.to_base64()), ("RelayState", asked.relay_state.as_deref().unwrap())],
    ))
}

/// The page that signs out at all services in a frame: by a redirect, or by a form.
async fn everywhere(State(other): State<Arc<Other>>, Path(how): Path<String>) -> Html<String> {
    let address = format!("{}/saml/slo", other.address);
    let request = other.identity_provider.logout_request().at(Utc::now()).id(format!("_{how}"));
    let request = request.destination(Some(&address)).name_id("ada@example.com");
    let frame = match how.as_str() {
        "redirect" => format!("{address}?{}", request.to_query(Some("theirs")).unwrap()),
        _ => "/frame".to_owned(),
    };
    Html(format!(
        "<h1>Signing out</h1><iframe src=\"{}\" style=\"display:none\"></iframe>",
        frame.replace('&', "&amp;")
    ))
}

/// The content of the frame if a form is used.
async fn frame(State(other): State<Arc<Other>>) -> Html<String> {
    let address = format!("{}/saml/slo", other.address);
    let request = other.identity_provider.logout_request().at(Utc::now()).id("_form");
    let request = request.destination(Some(&address)).name_id("ada@example.com");
    let form = request.to_form(Some("theirs")).unwrap();
    let fields: HashMap<String, String> = form_urlencoded::parse(form.as_bytes()).into_owned().collect();
    let fields: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    Html(posting(&address, &fields))
}

/// The page in the frame that receives the service's answer; afterwards the whole page continues.
async fn answered(State(other): State<Arc<Other>>, request: Request) -> Html<String> {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap();
    other.answers.lock().unwrap().push(format!("{query}{}", String::from_utf8_lossy(&body)));
    Html(format!("<script>top.location = '{}/home'</script>", other.address))
}

fn posting(action: &str, fields: &[(&str, &str)]) -> String {
    let fields: String =
        fields.iter().map(|(name, value)| format!("<input name=\"{name}\" value=\"{value}\">")).collect();
    format!(
        "<form method=\"post\" action=\"{action}\">{fields}</form><script>document.forms[0].submit()</script>"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frame_of_another_site_signs_out() {
    let Some(shared) = shared_folder() else { return };
    let key = KeyPair::generate(KeyKind::Rsa { bits: 2048 }, "app.example.test").unwrap();
    let (service, issuer) = (listening(&key).await, listening(&key).await);
    let address = format!("https://app.example.test:{}", service.port());
    let there = format!("https://idp.example.net:{}", issuer.port());
    let identity_provider = testkit::IdentityProvider::new(
        "https://idp.example.net",
        format!("{there}/sso"),
        keys::identity_provider(),
    )
    .with_single_logout(format!("{there}/answered"));
    let (entity_id, ours) = (format!("{address}/saml/metadata"), keys::service_provider());
    let saml = ServiceProvider::builder(EntityId::new(&entity_id).unwrap())
        .assertion_consumer(&format!("{address}/saml/acs"))
        .unwrap()
        .signing_key(ours.private_key().clone(), ours.certificate().clone())
        .single_logout(&format!("{address}/saml/slo"))
        .unwrap()
        .build()
        .unwrap();
    let trusted = IdentityProvider::from_metadata(identity_provider.metadata().unwrap().as_bytes()).unwrap();
    let connections: Connections =
        [Connection::new(ConnectionId::new("acme").unwrap(), trusted)].into_iter().collect();
    let (store, sessions) = (Arc::new(Memory::new()), Arc::<Sessions>::default());
    let sso = SingleSignOn::new(saml, Arc::new(connections), Arc::clone(&store))
        .return_paths(ReturnPaths::new("/home").unwrap())
        .single_logout_over(store, Arc::clone(&sessions) as Arc<dyn LogoutSessions>);
    let asked = Arc::<Mutex<Vec<HeaderMap>>>::default();
    let app = App { sso, sessions, asked: Arc::clone(&asked) };
    let router = Router::new().route("/home", get(home)).merge(routes(signed_in));
    service.serve(router.layer(from_fn_with_state(app.clone(), noted)).with_state(app));
    let other =
        Arc::new(Other { identity_provider, entity_id, address: address.clone(), answers: Mutex::default() });
    let pages = Router::new()
        .route("/sso", get(sign_on))
        .route("/everywhere/{how}", get(everywhere))
        .route("/frame", get(frame))
        .route("/answered", get(answered).post(answered));
    issuer.serve(pages.with_state(Arc::clone(&other)));

    let rules = "MAP app.example.test 127.0.0.1, MAP idp.example.net 127.0.0.1";
    let login = format!("{address}/saml/login?organization=acme");
    let addresses =
        [login.clone(), format!("{there}/everywhere/redirect"), login, format!("{there}/everywhere/form")];
    let seen = tokio::task::spawn_blocking(move || browse(&shared, rules, &addresses)).await.unwrap();
    println!("chromium, in frames: {seen}");
    assert_eq!(seen["shown"], serde_json::json!(["somebody", "nobody", "somebody", "nobody"]));
    assert_eq!(seen["complaints"], serde_json::json!([]));
    let asked = asked.lock().unwrap();
    assert_eq!(asked.len(), 2);
    for headers in asked.iter() {
        let value = |name: &str| headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default();
        assert_eq!((value("sec-fetch-site"), value("sec-fetch-dest")), ("cross-site", "iframe"));
        assert!(!value("cookie").contains("session"), "the session's cookie stays away: {}", value("cookie"));
    }
    let answers = other.answers.lock().unwrap();
    assert_eq!(answers.len(), 2);
    assert!(
        answers.iter().all(|answer| answer.contains("SAMLResponse=") && answer.contains("RelayState=theirs"))
    );
}
