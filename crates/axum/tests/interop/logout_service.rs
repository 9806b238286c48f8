//! A service that takes part in single logout, with sessions of its own, and a browser for it.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{FromRef, State};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::{
    Router,
    routing::{get, post},
};
use reqwest::Body;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use tokio::net::TcpListener;
use vouchsafe::provisioning::{Identity, LoggedOut};
use vouchsafe::{
    Builder, Complete, Connection, ConnectionId, ConnectionSettings, Connections, EntityId, IdentityProvider,
    LogoutRequest, ManageNameIdRequest, NameIdOrder, NameIdStatus, Participant, ServiceProvider, SoapCall,
    StatusAnswer,
};
use vouchsafe_axum::{
    AcceptedLogin, EndedSession, EndsSessions, LogoutSessions, Managed, ManagesNames, ReturnPaths,
    SingleSignOn, routes,
};
use vouchsafe_client::Client;
use vouchsafe_store::{Memory, SessionId};
use vouchsafe_testkit::{attacks::CookieJar, keys};

use crate::identity_provider::Carried;

/// The stored data of a sign-in.
struct Session {
    secret: String,
    identity: Identity,
    indexes: Vec<String>,
    participant: Participant,
}

/// All sessions.
#[derive(Default)]
struct Sessions(Mutex<Vec<Session>>);

impl fmt::Debug for Sessions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Sessions")
    }
}

impl LogoutSessions for Sessions {
    fn end<'a>(&'a self, request: &'a LogoutRequest) -> EndsSessions<'a> {
        let logout = LoggedOut::of(request);
        let mut live = self.0.lock().unwrap();
        let before = live.len();
        live.retain(|session| !logout.means(&session.identity, &session.indexes));
        let ended = u64::try_from(before - live.len()).unwrap();
        Box::pin(std::future::ready(Ok(ended)))
    }
}

/// Messages of identity providers about names end sessions, and are recorded.
impl ManagesNames for Sessions {
    // Each identity provider has one connection here, so the change itself ends its sessions.
    fn end_sessions<'a>(&'a self, _: &'a ManageNameIdRequest) -> Managed<'a, ()> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn requested<'a>(&'a self, request: &'a ManageNameIdRequest) -> Managed<'a, NameIdStatus> {
        let person = Identity::of_name_id_request(request);
        let mut live = self.0.lock().unwrap();
        let before = live.len();
        live.retain(|session| session.identity != person);
        let status = match before > live.len() {
            true => NameIdStatus::Success,
            false => NameIdStatus::UnknownPrincipal,
        };
        Box::pin(std::future::ready(Ok(status)))
    }

    fn confirmed<'a>(&'a self, _: &'a StatusAnswer, _: &'a NameIdOrder) -> Managed<'a, ()> {
        Box::pin(std::future::ready(Ok(())))
    }
}

#[derive(Clone)]
struct App {
    sso: SingleSignOn,
    sessions: Arc<Sessions>,
}

impl FromRef<App> for SingleSignOn {
    fn from_ref(app: &App) -> SingleSignOn {
        app.sso.clone()
    }
}

async fn signed_in(State(app): State<App>, AcceptedLogin(accepted): AcceptedLogin) -> Response {
    let id = SessionId::generate(app.sso.service_provider().provider()).unwrap();
    app.sessions.0.lock().unwrap().push(Session {
        secret: id.reveal().to_owned(),
        identity: Identity::of_login(&accepted.login).unwrap(),
        indexes: accepted.login.session_indexes().to_vec(),
        participant: Participant::of_login(&accepted.login).unwrap(),
    });
    let cookie = app.sso.cookies().open_session(id.reveal(), Duration::from_secs(3600)).unwrap();
    accepted.redirect([cookie]).unwrap().into_response()
}

async fn sign_out(State(app): State<App>, headers: HeaderMap) -> Response {
    let held = app.sso.cookies().session(&headers);
    let holds_session = held.is_some();
    let end = async {
        let mut live = app.sessions.0.lock().unwrap();
        let place = live.iter().position(|session| Some(&session.secret) == held.as_ref());
        let participants = place.map(|place| live.remove(place).participant).into_iter().collect();
        Ok(EndedSession { cookies: vec![app.sso.cookies().close_session()?], participants })
    };
    app.sso.sign_out(&headers, holds_session, end).await.into_response()
}

/// Requests from the session's identity provider to change or to end its name.
async fn order_name(State(app): State<App>, request: Parts) -> Response {
    let held = app.sso.cookies().session(&request.headers);
    let participant = {
        let live = app.sessions.0.lock().unwrap();
        live.iter().find(|session| Some(&session.secret) == held.as_ref()).unwrap().participant.clone()
    };
    let new = request.uri.query().and_then(|query| query.strip_prefix("new=")).map(str::to_owned);
    let order = match new {
        Some(new) => NameIdOrder::new_identifier(participant, new),
        None => NameIdOrder::terminate(participant),
    };
    let ordered = app.sso.order_name_id(&request, held.is_some(), order, "/home").await;
    ordered.unwrap_or_else(|error| app.sso.refuse(&request.headers, error)).into_response()
}

async fn home(State(app): State<App>, headers: HeaderMap) -> &'static str {
    let held = app.sso.cookies().session(&headers);
    let live = app.sessions.0.lock().unwrap();
    if live.iter().any(|session| Some(&session.secret) == held.as_ref()) { "somebody" } else { "nobody" }
}

/// The running service, and its address.
pub(crate) struct LogoutService {
    pub(crate) address: String,
    saml: ServiceProvider,
    refusals: Arc<Mutex<Vec<String>>>,
}

impl LogoutService {
    pub(crate) async fn reserve() -> (LogoutService, TcpListener) {
        LogoutService::reserve_as(|builder| builder).await
    }

    /// Reserves a service that also accepts responses by artifact.
    pub(crate) async fn reserve_with_artifacts() -> (LogoutService, TcpListener) {
        LogoutService::reserve_as(Builder::receive_artifacts).await
    }

    /// Reserves a service that also answers enhanced clients.
    pub(crate) async fn reserve_for_enhanced_clients() -> (LogoutService, TcpListener) {
        LogoutService::reserve_as(Builder::receive_from_enhanced_clients).await
    }

    async fn reserve_as(
        configure: impl FnOnce(Builder<Complete>) -> Builder<Complete>,
    ) -> (LogoutService, TcpListener) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let key = keys::service_provider();
        let builder = ServiceProvider::builder(EntityId::new(format!("{address}/saml/metadata")).unwrap())
            .assertion_consumer(&format!("{address}/saml/acs"))
            .unwrap()
            // There is one key for both: samlify's script reads one certificate from our metadata. The connection has
            // it too, since AES-CBC in a logout message is decrypted only with the connection's own keys.
            .decryption_key(key.private_key().clone(), key.certificate().clone())
            .signing_key(key.private_key().clone(), key.certificate().clone())
            .single_logout(&format!("{address}/saml/slo"))
            .unwrap()
            .single_logout_soap(&format!("{address}/saml/slo/soap"))
            .unwrap()
            .name_id_management(&format!("{address}/saml/name-id"))
            .unwrap()
            .name_id_management_soap(&format!("{address}/saml/name-id/soap"))
            .unwrap();
        let saml = configure(builder).build().unwrap();
        (LogoutService { address, saml, refusals: Arc::default() }, listener)
    }

    pub(crate) fn metadata(&self) -> String {
        self.saml.metadata_xml().unwrap()
    }

    pub(crate) fn entity_id(&self) -> String {
        self.saml.entity_id().as_str().to_owned()
    }

    pub(crate) fn listen(
        &self,
        listener: TcpListener,
        trusted: IdentityProvider,
        settings: ConnectionSettings,
    ) {
        let key = keys::service_provider();
        let acme = Connection::new(ConnectionId::new("acme").unwrap(), trusted)
            .with_settings(settings)
            .unwrap()
            .with_decryption_key(key.private_key().clone(), key.certificate().clone())
            .unwrap();
        let connections: Connections = [acme].into_iter().collect();
        let (store, sessions, refusals) =
            (Arc::new(Memory::new()), Arc::<Sessions>::default(), Arc::clone(&self.refusals));
        let client = Client::with_loopback().unwrap();
        let sso = SingleSignOn::new(self.saml.clone(), Arc::new(connections), Arc::clone(&store))
            .return_paths(ReturnPaths::new("/home").unwrap())
            .single_logout_over(store, Arc::clone(&sessions) as Arc<dyn LogoutSessions>)
            .names_managed_by(Arc::clone(&sessions) as Arc<dyn ManagesNames>)
            .back_channel(move |call| {
                let (client, location, body) =
                    (client.clone(), call.location().to_owned(), call.body().to_owned());
                async move { client.post_soap(&location, body, SoapCall::SOAP_ACTION).await }
            })
            .on_refusal(move |record| {
                refusals.lock().unwrap().push(format!("{}: {}", record.code, record.message));
            });
        let router = Router::new()
            .route("/home", get(home))
            .route("/saml/logout", post(sign_out))
            .route("/names", get(order_name))
            .merge(routes(signed_in))
            .with_state(App { sso, sessions });
        tokio::spawn(async move { axum::serve(listener, router).await });
    }

    /// Returns the last refusal, with its reason.
    pub(crate) fn last_refusal(&self) -> String {
        self.refusals.lock().unwrap().last().cloned().unwrap_or_default()
    }
}

/// The answer that a browser received.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) status: u16,
    pub(crate) location: String,
    pub(crate) body: String,
}

impl Shown {
    /// Returns the message that the browser carries next, by redirect or by the form of a page.
    pub(crate) fn carried(&self) -> Carried {
        if self.status == 303 {
            return Carried::Get(self.location.clone());
        }
        let unescaped = |text: &str| {
            let text = text.replace("&#x2b;", "+").replace("&#43;", "+").replace("&#x3d;", "=");
            text.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
        };
        let attribute = |element: &str, name: &str| {
            let rest = element.split_once(&format!(" {name}=\""))?.1;
            Some(unescaped(rest.split_once('"')?.0))
        };
        let form = self.body.split_once("<form").unwrap_or_else(|| panic!("no form: {self:?}")).1;
        let action = attribute(form, "action").unwrap();
        let inputs = form.split("<input").skip(1);
        let fields = inputs.filter_map(|input| Some((attribute(input, "name")?, attribute(input, "value")?)));
        Carried::Post(action, fields.collect())
    }
}

/// A browser at the service.
#[derive(Default)]
pub(crate) struct LogoutBrowser(Mutex<CookieJar>);

impl LogoutBrowser {
    pub(crate) async fn carry(&self, carried: &Carried) -> Shown {
        let policy = reqwest::redirect::Policy::none();
        let client = reqwest::Client::builder().no_proxy().redirect(policy).build().unwrap();
        let request = match carried {
            Carried::Get(url) => client.get(url),
            Carried::Post(action, fields) => client.post(action).form(fields),
        };
        let (client, request) = request.build_split();
        let mut request = request.unwrap();
        let body = request.body().and_then(Body::as_bytes).unwrap_or_default();
        let held = self.0.lock().unwrap().header_with(body);
        request.headers_mut().insert(COOKIE, held.parse().unwrap());
        let response = client.execute(request).await.unwrap();
        for cookie in response.headers().get_all(SET_COOKIE) {
            assert!(self.0.lock().unwrap().keep(cookie.to_str().unwrap()), "{cookie:?} is no cookie");
        }
        let location = response.headers().get(LOCATION).map(|place| place.to_str().unwrap().to_owned());
        Shown {
            status: response.status().as_u16(),
            location: location.unwrap_or_default(),
            body: response.text().await.unwrap(),
        }
    }

    pub(crate) async fn get(&self, url: String) -> Shown {
        self.carry(&Carried::Get(url)).await
    }

    /// Whether the service knows this browser.
    pub(crate) async fn is_signed_in(&self, service: &LogoutService) -> bool {
        self.get(format!("{}/home", service.address)).await.body == "somebody"
    }
}
