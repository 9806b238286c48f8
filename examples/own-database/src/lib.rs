//! A service that had users and sessions before it had SAML: tables in its own SQLite database, and `tower-sessions`.

mod users;

use std::sync::Arc;

use axum::extract::{FromRef, State};
use axum::response::{Html, IntoResponse, Response};
use axum::{Router, routing::get};
use tower_sessions::{MemoryStore, Session};
use vouchsafe::{Connections, EntityId, ServiceProvider};
use vouchsafe_axum::tower_session::{SessionUser, session_layer};
use vouchsafe_axum::{AcceptedLogin, LOGIN, ReturnPaths, SingleSignOn, login_url, routes};
use vouchsafe_store::Memory;

pub use users::{Unwelcome, Users};

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
    let sso = SingleSignOn::new(saml, connections, Arc::new(Memory::new()))
        .return_paths(ReturnPaths::new("/home")?.under("/home")?);
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
        let id = app.users.sign_in(&accepted).await?;
        // What the pages need of the user. The name is for this example's test, and a page needs no more than the id.
        let name = accepted.login.name_id().map(|name| name.value().to_owned()).unwrap_or_default();
        SessionUser(format!("{} {id} {name}", accepted.connection())).sign_in(&session, &accepted).await?;
        accepted.redirect([])
    };
    outcome.await.unwrap_or_else(|error| accepted.refuse(error)).into_response()
}

/// Whoever is not signed in is sent to the sign-in page.
async fn home(SessionUser(user): SessionUser<String>) -> String {
    user
}
