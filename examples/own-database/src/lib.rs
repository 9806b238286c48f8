//! A service that had users and sessions before it had SAML: tables in its own SQLite database.

mod sessions;
mod users;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{FromRef, OriginalUri, Query, State};
use axum::http::{HeaderMap, Method};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use vouchsafe::crypto::{Certificate, PrivateKey};
use vouchsafe::{Connections, EntityId, Explained, ServiceProvider};
use vouchsafe_axum::{
    AcceptedLogin, EndedSession, HttpError, LOGIN, ReturnPaths, SingleSignOn, login_url, routes,
};
use vouchsafe_store::{Memory, SessionId};

use sessions::Sessions;
pub use users::{Unwelcome, Users};

/// How long a session lasts at most.
const LIFETIME: Duration = Duration::from_secs(8 * 3600);

/// The service's key, which signs logout messages, and its certificate.
pub type SigningKey = (PrivateKey, Certificate);

#[derive(Clone)]
struct App {
    sso: SingleSignOn,
    users: Users,
    sessions: Sessions,
}

impl FromRef<App> for SingleSignOn {
    fn from_ref(app: &App) -> SingleSignOn {
        app.sso.clone()
    }
}

impl App {
    /// The session that the browser names, which may be over.
    fn session_of(&self, headers: &HeaderMap) -> Option<SessionId> {
        let shown = self.sso.cookies().session(headers)?;
        SessionId::received(shown, self.sso.service_provider().provider()).ok()
    }

    /// What the pages show of whoever is signed in: the customer, the number of the user, and the name of the login.
    async fn signed_in(&self, headers: &HeaderMap) -> Result<Option<String>, HttpError> {
        let Some(session) = self.session_of(headers) else { return Ok(None) };
        let found = self.sessions.find(session.hash()).await?;
        Ok(found.map(|(id, identity)| format!("{} {id} {}", identity.connection, identity.subject)))
    }
}

/// The service at that address, with these customers and users. Its routes are nested: `/sso/saml/acs`. With a key it
/// takes part in single logout.
///
/// # Errors
/// When the address is neither https nor a loopback host's.
pub fn router(
    address: &str,
    connections: Arc<Connections>,
    users: Users,
    key: Option<SigningKey>,
) -> Result<(Router, SingleSignOn), Explained> {
    let saml = ServiceProvider::builder(EntityId::new(format!("{address}/sso/saml/metadata"))?)
        .assertion_consumer(&format!("{address}/sso/saml/acs"))?;
    let has_logout = key.is_some();
    let saml = match key {
        Some((key, certificate)) => {
            saml.signing_key(key, certificate).single_logout(&format!("{address}/sso/saml/slo"))?
        }
        None => saml,
    };
    let (store, sessions) = (Arc::new(Memory::new()), users.sessions());
    let sso = SingleSignOn::new(saml.build()?, connections, Arc::clone(&store))
        .return_paths(ReturnPaths::new("/home")?.under("/home")?);
    let sso = match has_logout {
        true => sso.single_logout_over(store, Arc::new(sessions.clone())),
        false => sso,
    };
    let app = App { sso: sso.clone(), users, sessions };
    let pages =
        Router::new().route("/", get(front)).route("/home", get(home)).route("/logout", post(sign_out));
    Ok((pages.nest("/sso", routes(signed_in)).with_state(app), sso))
}

/// The sign-in page. It passes `return` on, so that the person comes back to the page that they asked for.
async fn front(Query(query): Query<HashMap<String, String>>) -> Html<String> {
    let back = query.get("return").map_or("/home", String::as_str);
    let link = login_url(&format!("/sso{LOGIN}"), "acme", back);
    Html(format!("<a href=\"{}\">Sign in</a>", link.replace('&', "&amp;")))
}

async fn signed_in(State(app): State<App>, AcceptedLogin(accepted): AcceptedLogin) -> Response {
    let opened = async {
        let user = app.users.sign_in(&accepted).await?;
        let session = SessionId::generate(accepted.login.provider())?;
        // It ends no later than that of the identity provider.
        let lifetime = accepted.session_lifetime(LIFETIME);
        app.sessions.begin(&session, user, &accepted, lifetime).await?;
        // A logout may have come since the login was accepted.
        if let Err(logged_out) = accepted.not_logged_out().await {
            app.sessions.remove(session.hash()).await?;
            return Err(logged_out);
        }
        // The browser's session before this one ends only now, since a refused login ends none.
        if let Some(previous) = &accepted.previous_session {
            app.sessions.remove(previous).await?;
        }
        accepted.redirect([app.sso.cookies().open_session(session.reveal(), lifetime)?])
    };
    opened.await.unwrap_or_else(|error| accepted.refuse(error)).into_response()
}

/// A page that needs a session.
async fn home(
    State(app): State<App>,
    method: Method,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    match app.signed_in(&headers).await {
        Ok(Some(user)) => user.into_response(),
        Ok(None) => app.sso.sign_in_needed(&method, &uri, &headers).into_response(),
        Err(error) => app.sso.refuse(&headers, error).into_response(),
    }
}

/// Signs out here, and then at the identity provider. A form of another site is refused.
async fn sign_out(State(app): State<App>, headers: HeaderMap) -> Response {
    let session = app.session_of(&headers);
    let holds_cookie = session.is_some();
    let end = async {
        let mut ended =
            EndedSession { cookies: vec![app.sso.cookies().close_session()?], ..Default::default() };
        if let Some(session) = session {
            ended.participants.extend(app.sessions.remove(session.hash()).await?);
        }
        Ok(ended)
    };
    app.sso.sign_out(&headers, holds_cookie, end).await.into_response()
}
