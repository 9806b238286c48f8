//! A service whose customers are rows of a table, each with an entity ID and an assertion consumer of its own.
//!
//! No row is read before somebody signs in over it, and a bounded number is kept, so memory does not grow with the number of customers.
//! Another process that writes a row is heard at the next sign-in. Customers may share an identity provider's entity ID, as the
//! applications of one tenant do: the address that a response is posted to says whose it is, and the key that signed it has to agree.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{FromRef, State};
use axum::http::{self, HeaderMap};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::{Router, routing::get};
use chrono::Utc;
use vouchsafe::provisioning::{Actor, OrganizationId};
use vouchsafe::{ConnectionId, ConnectionSettings, ConnectionState, EntityId, Explained, ServiceProvider};
use vouchsafe_axum::{
    Accepted, AcceptedLogin, HttpError, ReturnPaths, SingleSignOn, StoredConnections, routes,
};
use vouchsafe_store::{Author, ConnectionMetadata, ConnectionStore, SessionId, Sqlite, StoredConnection};

/// How long a session lasts at most.
const LIFETIME: Duration = Duration::from_secs(3600);

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

/// The service at that address, with the customers of this database; and its single sign-on, to [sweep](SingleSignOn::sweep_every).
///
/// # Errors
/// When the address is not https and not a loopback host's.
pub fn router(address: &str, store: Arc<Sqlite>) -> Result<(Router, SingleSignOn), Explained> {
    let saml = ServiceProvider::builder(EntityId::new(format!("{address}/saml/metadata"))?)
        .assertion_consumer(&format!("{address}/saml/acs"))?
        .build()?;
    let connections = StoredConnections::new(Arc::clone(&store)).at_most(256);
    let sso = SingleSignOn::new(saml, Arc::new(connections), store)
        .return_paths(ReturnPaths::new("/home")?.under("/home")?);
    let app = App { sso: sso.clone(), sessions: Arc::default() };
    let pages = Router::new().route("/", get(front)).route("/home", get(home));
    Ok((pages.merge(routes(signed_in)).with_state(app), sso))
}

/// Adds a customer by the metadata of its identity provider. What it enters there are the addresses in
/// `/saml/NAME/metadata`.
///
/// # Errors
/// When the name is taken or is none, and when the metadata cannot be used.
pub async fn add_customer(
    address: &str,
    store: &dyn ConnectionStore,
    name: &str,
    metadata: ConnectionMetadata,
) -> Result<(), Explained> {
    let organization = OrganizationId::new(name);
    let mut customer = StoredConnection::from_metadata(ConnectionId::new(name)?, organization, metadata)?;
    customer.state = ConnectionState::Active;
    customer.settings.sign_in = ConnectionSettings::default()
        .entity_id(EntityId::new(format!("{address}/saml/{name}/metadata"))?)
        .assertion_consumer(&format!("{address}/saml/{name}/acs"))?;
    customer.to_connection()?;
    store.add_connection(&customer, &Author::new(Actor::Operator, Utc::now())).await?;
    Ok(())
}

async fn front() -> Html<&'static str> {
    Html(
        "<form method=\"post\" action=\"/saml/login\"><label>Customer <input name=\"organization\"></label>\
         <button>Sign in</button></form>",
    )
}

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
    let mut sessions = app.sessions.lock().unwrap_or_else(PoisonError::into_inner);
    let previous = accepted.previous_session.as_ref();
    sessions.retain(|hash, (_, ends)| now < *ends && previous != Some(hash));
    sessions.insert(session.hash().to_owned(), (user, ends));
    drop(sessions);
    accepted.redirect([app.sso.cookies().open_session(session.reveal(), lifetime)?])
}

async fn home(State(app): State<App>, headers: HeaderMap) -> Response {
    let held = app.sso.cookies().session(&headers).unwrap_or_default();
    let session = SessionId::received(held, app.sso.service_provider().provider());
    let sessions = app.sessions.lock().unwrap_or_else(PoisonError::into_inner);
    match session.ok().and_then(|session| sessions.get(session.hash()).cloned()) {
        Some((user, ends)) if Instant::now() < ends => user.into_response(),
        _ => Redirect::to("/").into_response(),
    }
}
