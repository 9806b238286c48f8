//! A service that had users and sessions before it had SAML: a table of its own, and `tower-sessions`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{FromRef, State};
use axum::response::{Html, IntoResponse, Response};
use axum::{Router, routing::get};
use tower_sessions::{MemoryStore, Session};
use vouchsafe::provisioning::Identity;
use vouchsafe::{Connections, EntityId, Explain, Login, ServiceProvider};
use vouchsafe_axum::tower_session::{SessionUser, session_layer};
use vouchsafe_axum::{AcceptedLogin, HttpError, LOGIN, ReturnPaths, SingleSignOn, login_url, routes};
use vouchsafe_store::Memory;

/// The application's users, by [`Identity::key`]: the name with its format and qualifiers, and the connection that vouches for it.
#[derive(Clone, Debug, Default)]
pub struct Users(Arc<Mutex<HashMap<String, User>>>);

/// A row of the table.
#[derive(Debug)]
struct User {
    number: usize,
    blocked: bool,
}

/// Why the application lets somebody not in whom the identity provider vouches for.
#[derive(Debug, thiserror::Error)]
#[error("the user is blocked, or has no name")]
struct Unwelcome;

impl Explain for Unwelcome {
    fn code(&self) -> &'static str {
        "app.unwelcome"
    }
    fn hint(&self) -> &'static str {
        "Unblock the user in the list of users."
    }
}

impl Users {
    /// Blocks a user: the next sign-in is refused.
    pub fn block(&self, number: usize) {
        let mut users = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        users.values_mut().filter(|user| user.number == number).for_each(|user| user.blocked = true);
    }

    /// Customer, number and name of the user of that login, who is made at the first one.
    fn sign_in(&self, login: &Login) -> Result<String, Unwelcome> {
        // A transient name is another one at each sign-in: nobody is found again by it.
        let name = login.name_id().filter(|name| !name.is_transient());
        let (identity, name) = Identity::of_login(login).zip(name).ok_or(Unwelcome)?;
        let customer = login.connection();
        let mut users = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new = User { number: users.len(), blocked: false };
        let user = users.entry(identity.key()).or_insert(new);
        if user.blocked { Err(Unwelcome) } else { Ok(format!("{customer} {} {}", user.number, name.value())) }
    }
}

#[derive(Clone)]
struct App {
    sso: SingleSignOn,
    users: Users,
}

impl FromRef<App> for SingleSignOn {
    fn from_ref(app: &App) -> SingleSignOn {
        app.sso.clone()
    }
}

/// The service at that address, with these customers and users. Its routes are nested: `/sso/saml/acs`.
///
/// # Errors
/// When the address is neither https nor a loopback host's.
pub fn router(
    address: &str,
    connections: Arc<Connections>,
    users: Users,
) -> Result<(Router, SingleSignOn), Box<dyn std::error::Error>> {
    let saml = ServiceProvider::builder(EntityId::new(format!("{address}/sso/saml/metadata"))?)
        .assertion_consumer(&format!("{address}/sso/saml/acs"))?
        .build()?;
    let sso =
        SingleSignOn::new(saml, connections, Arc::new(Memory::new())).return_paths(ReturnPaths::new("/home"));
    let (sso, sessions) = session_layer(sso, MemoryStore::default(), Arc::new(Memory::new()));
    let app = App { sso: sso.clone(), users };
    let pages = Router::new().route("/", get(front)).route("/home", get(home));
    Ok((pages.nest("/sso", routes(signed_in)).layer(sessions).with_state(app), sso))
}

async fn front() -> Html<String> {
    let link = login_url(&format!("/sso{LOGIN}"), "acme", "/home");
    Html(format!("<a href=\"{}\">Sign in</a>", link.replace('&', "&amp;")))
}

async fn signed_in(
    State(app): State<App>,
    session: Session,
    AcceptedLogin(accepted): AcceptedLogin,
) -> Response {
    let outcome = async {
        let user = app.users.sign_in(&accepted.login).map_err(HttpError::refused_by)?;
        SessionUser(user).sign_in(&session, &accepted).await?;
        accepted.redirect([])
    };
    outcome.await.unwrap_or_else(|error| accepted.refuse(error)).into_response()
}

/// Whoever is not signed in is sent to the sign-in page.
async fn home(SessionUser(user): SessionUser<String>) -> String {
    user
}
