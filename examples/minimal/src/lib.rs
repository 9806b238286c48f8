//! The smallest service that signs people in: a registry of customers, and sessions in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{FromRef, State};
use axum::http::HeaderMap;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::{Router, routing::get};
use vouchsafe::provisioning::Identity;
use vouchsafe::{Connections, EntityId, ServiceProvider};
use vouchsafe_axum::{AcceptedLogin, HttpError, LOGIN, ReturnPaths, SingleSignOn, login_url, routes};
use vouchsafe_store::{Memory, SessionId};

/// How long a session lasts at most, in seconds.
const LIFETIME: i64 = 3600;

#[derive(Clone)]
struct App {
    sso: SingleSignOn,
    /// Who is signed in and until when, by the hash of the session's secret.
    sessions: Arc<Mutex<HashMap<String, (String, Instant)>>>,
}

impl FromRef<App> for SingleSignOn {
    fn from_ref(app: &App) -> SingleSignOn {
        app.sso.clone()
    }
}

/// The service at that address, with these customers; and its single sign-on, to [sweep](SingleSignOn::sweep_every).
///
/// # Errors
/// When the address is not https and not a loopback host's.
pub fn router(
    address: &str,
    customers: Connections,
) -> Result<(Router, SingleSignOn), Box<dyn std::error::Error>> {
    let saml = ServiceProvider::builder(EntityId::new(format!("{address}/saml/metadata"))?)
        .assertion_consumer(&format!("{address}/saml/acs"))?
        .build()?;
    let sso = SingleSignOn::new(saml, Arc::new(customers), Arc::new(Memory::new()))
        .return_paths(ReturnPaths::new("/home"));
    let app = App { sso: sso.clone(), sessions: Arc::default() };
    let pages = Router::new().route("/", get(front)).route("/home", get(home));
    Ok((pages.merge(routes(signed_in)).with_state(app), sso))
}

async fn front() -> Html<String> {
    Html(format!("<a href=\"{}\">Sign in</a>", login_url(LOGIN, "acme", "/home").replace('&', "&amp;")))
}

async fn signed_in(State(app): State<App>, AcceptedLogin(accepted): AcceptedLogin) -> Response {
    // Who it is: the customer whose identity provider vouches, and the identity, with the name's format and qualifiers.
    let (Some(identity), Some(name)) = (Identity::of_login(&accepted.login), accepted.login.name_id()) else {
        return accepted.refuse(HttpError::UnknownPerson).into_response();
    };
    let user = format!("{}\n{} {}", name.value(), accepted.connection(), identity.key());
    let Ok(session) = SessionId::generate(app.sso.service_provider().provider()) else {
        return Redirect::to("/").into_response();
    };
    // It ends no later than that of the identity provider.
    let seconds = accepted.session_seconds(LIFETIME);
    let now = Instant::now();
    let ends = now.checked_add(Duration::from_secs(seconds.unsigned_abs())).unwrap_or(now);
    let mut sessions = app.sessions.lock().unwrap_or_else(PoisonError::into_inner);
    // The session that the browser had before is over.
    let previous = accepted.previous_session.as_ref();
    sessions.retain(|hash, (_, ends)| now < *ends && previous != Some(hash));
    sessions.insert(session.hash().to_owned(), (user, ends));
    drop(sessions);
    let cookie = app.sso.cookies().open_session(session.reveal(), seconds);
    let answer = cookie.and_then(|cookie| accepted.redirect([cookie]));
    answer.unwrap_or_else(|error| accepted.refuse(error)).into_response()
}

async fn home(State(app): State<App>, headers: HeaderMap) -> Response {
    let held = app.sso.cookies().session(&headers).unwrap_or_default();
    let session = SessionId::received(held, app.sso.service_provider().provider());
    let sessions = app.sessions.lock().unwrap_or_else(PoisonError::into_inner);
    match session.ok().and_then(|session| sessions.get(session.hash()).cloned()) {
        Some((name, ends)) if Instant::now() < ends => name.into_response(),
        _ => Redirect::to("/").into_response(),
    }
}

/// The handler of the workspace's README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
