//! A browser signs in over https at a service whose identity provider is another site. The binding cookie is sent
//! across sites, and the session cookie is not: the session is noted when the sign-in starts. The page of the HTTP-POST
//! binding posts itself under its Content-Security-Policy.

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{FromRef, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{Html, IntoResponse, Response};
use axum::{Router, routing::get};
use chrono::Utc;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use vouchsafe::crypto::KeyKind;
use vouchsafe::{
    Connection, ConnectionId, ConnectionSettings, Connections, EntityId, IdentityProvider, LoginOptions,
    Provider, RequestBinding, ServiceProvider, Unsolicited,
};
use vouchsafe_axum::{AcceptedLogin, ReturnPaths, SingleSignOn, routes};
use vouchsafe_store::{Memory, SessionId};
use vouchsafe_testkit::{self as testkit, AuthnRequest, KeyPair, keys};

use crate::https::Listening;
use crate::identity_provider::shared_folder;

#[derive(Clone)]
struct App {
    sso: SingleSignOn,
    /// What the browser sent with each response that was accepted.
    sent: Arc<Mutex<Vec<HeaderMap>>>,
    /// The session that each of them replaced.
    previous: Arc<Mutex<Vec<Option<String>>>>,
}

impl FromRef<App> for SingleSignOn {
    fn from_ref(app: &App) -> SingleSignOn {
        app.sso.clone()
    }
}

async fn signed_in(
    State(app): State<App>,
    headers: HeaderMap,
    AcceptedLogin(accepted): AcceptedLogin,
) -> Response {
    app.sent.lock().unwrap().push(headers);
    app.previous.lock().unwrap().push(accepted.previous_session.clone());
    let session = app.sso.cookies().open_session("0123456789abcdef", Duration::from_secs(3600)).unwrap();
    accepted.redirect([session]).unwrap().into_response()
}

async fn home(State(app): State<App>, headers: HeaderMap) -> String {
    app.sso.cookies().session(&headers).unwrap_or_default()
}

/// The identity provider: a page that posts the answer automatically.
struct Issuer {
    identity_provider: testkit::IdentityProvider,
    entity_id: String,
    consumer: String,
}

impl Issuer {
    fn answer(&self, request: &AuthnRequest) -> Html<String> {
        let response = self.response(&format!("{}.answer", request.id)).in_response_to(&request.id);
        self.posted(response, request.relay_state.as_deref().unwrap_or_default())
    }

    fn response(&self, assertion: &str) -> testkit::ResponseBuilder {
        let response = self.identity_provider.response().at(Utc::now()).assertion_id(assertion);
        response.service_provider(&self.entity_id, &self.consumer)
    }

    fn posted(&self, response: testkit::ResponseBuilder, relay_state: &str) -> Html<String> {
        let response = response.issue().unwrap();
        Html(format!(
            "<form method=\"post\" action=\"{}\"><input name=\"SAMLResponse\" value=\"{}\"><input name=\"RelayState\" value=\"{}\"></form>\
             <script>document.forms[0].submit()</script>",
            self.consumer,
            response.to_base64(),
            relay_state
        ))
    }
}

async fn by_redirect(State(issuer): State<Arc<Issuer>>, RawQuery(query): RawQuery) -> Html<String> {
    issuer.answer(&AuthnRequest::from_redirect(&query.unwrap_or_default()).unwrap())
}

/// What the icon on the dashboard does: a response that answers no request.
async fn by_icon(State(issuer): State<Arc<Issuer>>) -> Html<String> {
    issuer.posted(issuer.response("_icon"), "")
}

async fn by_post(State(issuer): State<Arc<Issuer>>, body: String) -> Html<String> {
    let field = |name: &str| {
        let found = form_urlencoded::parse(body.as_bytes()).find(|(found, _)| found == name);
        found.map(|(_, value)| value.into_owned())
    };
    let request = AuthnRequest::from_post(&field("SAMLRequest").unwrap(), field("RelayState").as_deref());
    issuer.answer(&request.unwrap())
}

/// Listens on a loopback port with the certificate of this key.
pub(crate) async fn listening(key: &KeyPair) -> Listening {
    let certificate = CertificateDer::from(key.certificate().der().to_vec());
    let private = key.private_key().to_pkcs8_pem();
    Listening::start(certificate, PrivateKeyDer::from_pem_slice(private.as_str().as_bytes()).unwrap()).await
}

/// Opens these addresses in Chromium.
pub(crate) fn browse(shared: &Path, rules: &str, addresses: &[String]) -> serde_json::Value {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/chromium.js");
    let setup = ". \"$0/lib.sh\"; ensure_apt chromium; ensure_npm \"$IDPS_DIR/browser\" browser; \
                 export NODE_PATH=$NPM_DIR/node_modules; exec node \"$@\"";
    let mut command = Command::new("bash");
    command.arg("-c").arg(setup).arg(shared).arg(script).arg(rules).args(addresses);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_signs_in_across_sites() {
    let Some(shared) = shared_folder() else { return };
    let key = KeyPair::generate(KeyKind::Rsa { bits: 2048 }, "app.example.test").unwrap();
    let (service, issuer) = (listening(&key).await, listening(&key).await);
    let address = format!("https://app.example.test:{}", service.port());
    let single_sign_on = format!("https://idp.example.net:{}/sso", issuer.port());
    let identity_provider =
        testkit::IdentityProvider::new("https://idp.example.net", single_sign_on, keys::identity_provider());

    let (entity_id, consumer) = (format!("{address}/saml/metadata"), format!("{address}/saml/acs"));
    let saml = ServiceProvider::builder(EntityId::new(&entity_id).unwrap())
        .assertion_consumer(&consumer)
        .unwrap()
        .build()
        .unwrap();
    let trusted = IdentityProvider::from_metadata(identity_provider.metadata().unwrap().as_bytes()).unwrap();
    let settings = ConnectionSettings::default().unsolicited(Unsolicited::Restart);
    let acme = Connection::new(ConnectionId::new("acme").unwrap(), trusted).with_settings(settings).unwrap();
    let connections: Connections = [acme].into_iter().collect();
    let sso = SingleSignOn::new(saml, Arc::new(connections), Arc::new(Memory::new()))
        .return_paths(ReturnPaths::new("/home").unwrap())
        .login_options(|request, _| match request.uri.query() {
            Some(query) if query.contains("by-post") => LoginOptions::default().binding(RequestBinding::Post),
            _ => LoginOptions::default(),
        });
    let sent = Arc::<Mutex<Vec<HeaderMap>>>::default();
    let previous = Arc::<Mutex<Vec<Option<String>>>>::default();
    let app = App { sso, sent: Arc::clone(&sent), previous: Arc::clone(&previous) };
    service.serve(Router::new().route("/home", get(home)).merge(routes(signed_in)).with_state(app));
    let state = Arc::new(Issuer { identity_provider, entity_id, consumer });
    let pages = Router::new().route("/sso", get(by_redirect).post(by_post)).route("/icon", get(by_icon));
    let icon = format!("https://idp.example.net:{}/icon", issuer.port());
    issuer.serve(pages.with_state(state));

    let rules = "MAP app.example.test 127.0.0.1, MAP idp.example.net 127.0.0.1";
    let login = |how| format!("{address}/saml/login?organization=acme{how}");
    let addresses = [login(""), login("&by-post"), icon];
    let seen = tokio::task::spawn_blocking(move || browse(&shared, rules, &addresses)).await.unwrap();
    println!("chromium: {seen}");
    assert_eq!(seen["shown"], serde_json::json!(vec!["0123456789abcdef"; 3]));
    assert_eq!(seen["complaints"], serde_json::json!([]));

    let sent = sent.lock().unwrap();
    assert_eq!(sent.len(), 3);
    // The session of the start is known nevertheless, also where the response of the icon started it.
    let known = SessionId::received("0123456789abcdef", &Provider::rustcrypto()).unwrap().hash().to_owned();
    assert_eq!(*previous.lock().unwrap(), [None, Some(known.clone()), Some(known)]);
    for headers in sent.iter() {
        let value = |name: &str| headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default();
        assert_eq!(value("sec-fetch-site"), "cross-site");
        // The session cookie of the first sign-in is not sent with the form of the second.
        let cookies = value("cookie");
        assert!(cookies.contains("__Host-vouchsafe-login-") && !cookies.contains("session"), "{cookies}");
    }
    let cookies = seen["cookies"].as_array().unwrap();
    let [session] = cookies.as_slice() else { panic!("the session and nothing else: {cookies:?}") };
    assert_eq!(session["name"], "__Host-vouchsafe-session");
    for (attribute, expected) in
        [("sameSite", "Lax".into()), ("secure", true.into()), ("httpOnly", true.into())]
    {
        let expected: serde_json::Value = expected;
        assert_eq!(session[attribute], expected, "{attribute}");
    }
}
