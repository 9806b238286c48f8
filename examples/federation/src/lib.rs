//! A service in a federation: one document describes thousands of identity providers, and a person chooses one of them.
//!
//! No identity provider is read before somebody signs in with it. The list to choose from is made when the document comes, and searched for each
//! key that is pressed. A newer document takes the place of the one at hand while the service runs.

mod sessions;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{FromRef, State};
use axum::http::{self, HeaderMap};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use vouchsafe::metadata::{ServiceInformation, TrustedMetadata, UserInterface};
use vouchsafe::{EntityId, Explained, ServiceProvider};
use vouchsafe_axum::{
    Accepted, AcceptedLogin, CHOOSER, Chooser, Discovery, Federation, HttpError, IdentityProviderList, Paths,
    ReturnPaths, SingleSignOn, chooser_routes, routes,
};
use vouchsafe_store::{Memory, SessionId};

use sessions::Sessions;

#[derive(Clone)]
struct App {
    sso: SingleSignOn,
    chooser: Chooser,
    sessions: Arc<Mutex<Sessions>>,
}

impl FromRef<App> for SingleSignOn {
    fn from_ref(app: &App) -> SingleSignOn {
        app.sso.clone()
    }
}

impl FromRef<App> for Chooser {
    fn from_ref(app: &App) -> Chooser {
        app.chooser.clone()
    }
}

/// The service, and what takes a newer document over.
#[derive(Clone)]
pub struct Service {
    /// Its routes.
    pub router: Router,
    /// Its single sign-on, to [sweep](SingleSignOn::sweep_every).
    pub sso: SingleSignOn,
    federation: Arc<Federation>,
    chooser: Chooser,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").finish_non_exhaustive()
    }
}

impl Service {
    /// The service at that address, for the people of those whom the source of the document speaks for.
    ///
    /// # Errors
    /// When the address is not https and not a loopback host's.
    pub fn new(address: &str, metadata: &Arc<TrustedMetadata>) -> Result<Service, Explained> {
        let information = ServiceInformation::default()
            .with_user_interface(UserInterface::default().with_display_name("en", NAME))
            .with_discovery_response(&format!("{address}/saml/discovered"))?;
        let saml = ServiceProvider::builder(EntityId::new(format!("{address}/saml/metadata"))?)
            .assertion_consumer(&format!("{address}/saml/acs"))?
            .information(information)
            .build()?;
        let chooser = Chooser::new(IdentityProviderList::of_trusted(metadata)).name(NAME);
        let federation = Arc::new(Federation::new(Arc::clone(metadata)));
        let discovery: Arc<dyn Discovery> = Arc::<Federation>::clone(&federation);
        let sso = SingleSignOn::new(saml, Arc::clone(&federation), Arc::new(Memory::new()))
            .discovery(discovery)
            .sign_in_page(CHOOSER)
            .return_paths(ReturnPaths::new("/home")?.under("/projects")?);
        let app = App { sso: sso.clone(), chooser: chooser.clone(), sessions: Arc::default() };
        let pages = Router::new().route("/", get(async || Redirect::to(CHOOSER))).route("/home", get(home));
        let router = pages.merge(routes(signed_in)).merge(chooser_routes(&Paths::default())).with_state(app);
        Ok(Service { router, sso, federation, chooser })
    }

    /// Takes a newer document over: for sign-ins from now on, and for the list to choose from.
    pub fn replace(&self, newer: &Arc<TrustedMetadata>) {
        self.federation.replace(Arc::clone(newer));
        self.chooser.replace(IdentityProviderList::of_trusted(newer));
    }
}

const NAME: &str = "Example Analytics";

async fn signed_in(State(app): State<App>, AcceptedLogin(accepted): AcceptedLogin) -> Response {
    open(&app, &accepted).unwrap_or_else(|error| accepted.refuse(error)).into_response()
}

/// Opens the session of the login, in place of the one that the browser had before.
fn open(app: &App, accepted: &Accepted) -> Result<http::Response<String>, HttpError> {
    let identity = accepted.identity()?;
    let session = SessionId::generate(accepted.login.provider())?;
    // It ends no later than that of the identity provider.
    let lifetime = accepted.session_lifetime(Sessions::LIFETIME);
    let mut sessions = app.sessions.lock().unwrap_or_else(PoisonError::into_inner);
    let previous = accepted.previous_session.as_deref();
    sessions.open((session.hash(), &identity.key()), previous, lifetime, app.sso.now());
    drop(sessions);
    accepted.redirect([app.sso.cookies().open_session(session.reveal(), lifetime)?])
}

async fn home(State(app): State<App>, headers: HeaderMap) -> Response {
    let held = app.sso.cookies().session(&headers).unwrap_or_default();
    let session = SessionId::received(held, app.sso.service_provider().provider());
    let sessions = app.sessions.lock().unwrap_or_else(PoisonError::into_inner);
    let user =
        session.ok().and_then(|session| sessions.user(session.hash(), app.sso.now()).map(str::to_owned));
    match user {
        Some(user) => user.into_response(),
        None => Redirect::to(CHOOSER).into_response(),
    }
}
