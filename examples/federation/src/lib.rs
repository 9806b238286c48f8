//! A service in a federation: one document describes thousands of identity providers, and a person chooses one of them.
//!
//! No identity provider is read before somebody signs in with it. The list to choose from is made when the document comes, and searched for each
//! key that is pressed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{FromRef, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use chrono::Utc;
use vouchsafe::metadata::{Aggregate, MetadataError, ServiceInformation, TrustedSource, UserInterface};
use vouchsafe::provisioning::Identity;
use vouchsafe::{EntityId, Provider, ServiceProvider};
use vouchsafe_axum::{
    AcceptedLogin, CHOOSER, Chooser, Federation, HttpError, IdentityProviderList, Paths, ReturnPaths,
    SingleSignOn, chooser_routes, routes,
};
use vouchsafe_store::{Memory, SessionId};

#[derive(Clone)]
struct App {
    sso: SingleSignOn,
    chooser: Chooser,
    /// Who is signed in, by the hash of the session's secret.
    sessions: Arc<Mutex<HashMap<String, String>>>,
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

/// The service at that address, for the people of those whom the source of the document speaks for; and its single sign-on, to
/// [sweep](SingleSignOn::sweep_every). A real service fetches the document again: vouchsafe-client does.
///
/// # Errors
/// When the address is not https and not a loopback host's, and when the document is not what the source is trusted for.
pub fn router(
    address: &str,
    source: &TrustedSource,
    document: Vec<u8>,
) -> Result<(Router, SingleSignOn), Box<dyn std::error::Error>> {
    let information = ServiceInformation::default()
        .with_user_interface(UserInterface::default().with_display_name("en", NAME))
        .with_discovery_response(&format!("{address}/saml/discovered"))?;
    let saml = ServiceProvider::builder(EntityId::new(format!("{address}/saml/metadata"))?)
        .assertion_consumer(&format!("{address}/saml/acs"))?
        .information(information)
        .build()?;
    let trusted = source.accept(document, Utc::now(), &Provider::rustcrypto())?;
    // The bytes that were signed, and nothing else.
    let chooser = Chooser::new(list(trusted.bytes())?).name(NAME);
    let federation = Arc::new(Federation::new(trusted));
    let sso = SingleSignOn::new(saml, Arc::clone(&federation), Arc::new(Memory::new()))
        .discovery(federation)
        .sign_in_page(CHOOSER)
        .return_paths(ReturnPaths::new("/home").under("/projects"));
    let app = App { sso: sso.clone(), chooser, sessions: Arc::default() };
    let pages = Router::new().route("/", get(async || Redirect::to(CHOOSER))).route("/home", get(home));
    Ok((pages.merge(routes(signed_in)).merge(chooser_routes(&Paths::default())).with_state(app), sso))
}

const NAME: &str = "Example Analytics";

/// Those whom people may choose.
///
/// # Errors
/// When it is no metadata.
pub fn list(document: &[u8]) -> Result<IdentityProviderList, MetadataError> {
    Ok(IdentityProviderList::of_aggregate(&Aggregate::read(document)?))
}

async fn signed_in(State(app): State<App>, AcceptedLogin(accepted): AcceptedLogin) -> Response {
    let Some(identity) = Identity::of_login(&accepted.login) else {
        return accepted.refuse(HttpError::UnknownPerson).into_response();
    };
    let Ok(session) = SessionId::generate(app.sso.service_provider().provider()) else {
        return Redirect::to("/").into_response();
    };
    let user = identity.key().to_owned();
    app.sessions.lock().unwrap_or_else(PoisonError::into_inner).insert(session.hash().to_owned(), user);
    let cookie = app.sso.cookies().open_session(session.reveal(), 3600);
    let answer = cookie.and_then(|cookie| accepted.redirect([cookie]));
    answer.unwrap_or_else(|error| accepted.refuse(error)).into_response()
}

async fn home(State(app): State<App>, headers: HeaderMap) -> Response {
    let held = app.sso.cookies().session(&headers).unwrap_or_default();
    let session = SessionId::received(held, app.sso.service_provider().provider());
    let sessions = app.sessions.lock().unwrap_or_else(PoisonError::into_inner);
    match session.ok().and_then(|session| sessions.get(session.hash()).cloned()) {
        Some(user) => user.into_response(),
        None => Redirect::to(CHOOSER).into_response(),
    }
}

/// The guide is compiled with this example.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/METADATA.md")]
struct Guide;
