//! The smallest service that signs people in: a registry of customers, and sessions in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{FromRef, OriginalUri, Query, State};
use axum::http::{self, HeaderMap, Method};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use vouchsafe::{Connections, EntityId, Explained, ServiceProvider};
use vouchsafe_axum::{
    Accepted, AcceptedLogin, HttpError, LOGIN, ReturnPaths, SingleSignOn, login_url, routes,
};
use vouchsafe_store::{Memory, SessionId};

/// How long a session lasts at most.
const LIFETIME: Duration = Duration::from_secs(3600);

#[derive(Clone)]
struct App {
    sso: SingleSignOn,
    /// Who is signed in and until when, by the hash of the session's secret.
    sessions: Arc<Mutex<HashMap<String, (String, Instant)>>>,
}

impl App {
    fn sessions(&self) -> MutexGuard<'_, HashMap<String, (String, Instant)>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session that the browser names, which may be over.
    fn session_of(&self, headers: &HeaderMap) -> Option<SessionId> {
        let shown = self.sso.cookies().session(headers)?;
        SessionId::received(shown, self.sso.service_provider().provider()).ok()
    }
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
pub fn router(address: &str, customers: Connections) -> Result<(Router, SingleSignOn), Explained> {
    let saml = ServiceProvider::builder(EntityId::new(format!("{address}/saml/metadata"))?)
        .assertion_consumer(&format!("{address}/saml/acs"))?
        .build()?;
    let sso = SingleSignOn::new(saml, Arc::new(customers), Arc::new(Memory::new()))
        .return_paths(ReturnPaths::new("/home")?.under("/home")?);
    let app = App { sso: sso.clone(), sessions: Arc::default() };
    let pages =
        Router::new().route("/", get(front)).route("/home", get(home)).route("/logout", post(sign_out));
    Ok((pages.merge(routes(signed_in)).with_state(app), sso))
}

/// The sign-in page. It passes `return` on, so that the person comes back to the page that they asked for.
async fn front(Query(query): Query<HashMap<String, String>>) -> Html<String> {
    let back = query.get("return").map_or("/home", String::as_str);
    Html(format!("<a href=\"{}\">Sign in</a>", login_url(LOGIN, "acme", back).replace('&', "&amp;")))
}

/// Called only for a login that was accepted.
async fn signed_in(State(app): State<App>, AcceptedLogin(accepted): AcceptedLogin) -> Response {
    open(&app, &accepted).unwrap_or_else(|error| accepted.refuse(error)).into_response()
}

/// Opens the session of the login, in place of the one that the browser had before.
fn open(app: &App, accepted: &Accepted) -> Result<http::Response<String>, HttpError> {
    // The customer whose identity provider vouches, and the name with its format and qualifiers.
    let identity = accepted.identity()?;
    let name = accepted.login.name_id().map(|name| name.value()).unwrap_or_default();
    let user = format!("{name}\n{} {}", accepted.connection(), identity.key());
    let session = SessionId::generate(accepted.login.provider())?;
    // It ends no later than that of the identity provider.
    let lifetime = accepted.session_lifetime(LIFETIME);
    let now = Instant::now();
    let ends = now.checked_add(lifetime).unwrap_or(now);
    let mut sessions = app.sessions();
    let previous = accepted.previous_session.as_ref();
    sessions.retain(|hash, (_, ends)| now < *ends && previous != Some(hash));
    sessions.insert(session.hash().to_owned(), (user, ends));
    drop(sessions);
    accepted.redirect([app.sso.cookies().open_session(session.reveal(), lifetime)?])
}

/// A page that needs a session.
async fn home(
    State(app): State<App>,
    method: Method,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    let session = app.session_of(&headers);
    let found = session.and_then(|session| app.sessions().get(session.hash()).cloned());
    match found {
        Some((name, ends)) if Instant::now() < ends => name.into_response(),
        // To the sign-in page, with this page as `return`.
        _ => app.sso.sign_in_needed(&method, &uri, &headers).into_response(),
    }
}

/// Signs out here. docs/LOGOUT.md adds the sign-out at the identity provider.
async fn sign_out(State(app): State<App>, headers: HeaderMap) -> Response {
    let session = app.session_of(&headers);
    let holds_cookie = session.is_some();
    let end = async {
        if let Some(session) = session {
            app.sessions().remove(session.hash());
        }
        Ok(vec![app.sso.cookies().close_session()?])
    };
    // A form of another site is refused.
    app.sso.local_logout(&headers, holds_cookie, end).await.into_response()
}

/// The handler of the workspace's README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
