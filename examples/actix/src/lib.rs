//! A service on actix-web that signs people in: a registry of customers, and sessions in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix_web::http::header::ContentType;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{Either, HttpResponse, Responder};
use vouchsafe::{Connections, EntityId, Explained, ServiceProvider};
use vouchsafe_actix::{
    Accepted, AcceptedLogin, Answer, HeaderMap, HttpError, LOGIN, RequestParts, ReturnPaths, SingleSignOn,
    login_url, routes,
};
use vouchsafe_store::{Memory, SessionId};

/// How long a session lasts at most.
const LIFETIME: Duration = Duration::from_secs(3600);

/// Who is signed in and until when, by the hash of the session's secret.
type Sessions = Mutex<HashMap<String, (String, Instant)>>;

/// What the workers share.
#[derive(Clone, Debug)]
pub struct Service {
    sso: Data<SingleSignOn>,
    sessions: Data<Sessions>,
}

impl Service {
    /// The service at that address, with these customers.
    ///
    /// # Errors
    /// When the address is not https and not a loopback host's.
    pub fn new(address: &str, customers: Connections) -> Result<Service, Explained> {
        let saml = ServiceProvider::builder(EntityId::new(format!("{address}/saml/metadata"))?)
            .assertion_consumer(&format!("{address}/saml/acs"))?
            .build()?;
        let sso = SingleSignOn::new(saml, Arc::new(customers), Arc::new(Memory::new()))
            .return_paths(ReturnPaths::new("/home")?.under("/home")?);
        Ok(Service { sso: Data::new(sso), sessions: Data::default() })
    }

    /// Its single sign-on.
    #[must_use]
    pub fn sso(&self) -> SingleSignOn {
        SingleSignOn::clone(&self.sso)
    }

    /// Its pages, and the routes of SAML.
    pub fn configure(&self, config: &mut ServiceConfig) {
        config
            .app_data(Data::clone(&self.sso))
            .app_data(Data::clone(&self.sessions))
            .route("/", web::get().to(front))
            .route("/home", web::get().to(home))
            .route("/logout", web::post().to(sign_out))
            .configure(routes(signed_in));
    }
}

/// The sign-in page. It passes `return` on, so that the person comes back to the page that they asked for.
async fn front(query: web::Query<HashMap<String, String>>) -> impl Responder {
    let back = query.get("return").map_or("/home", String::as_str);
    let link = login_url(LOGIN, "acme", back).replace('&', "&amp;");
    HttpResponse::Ok().content_type(ContentType::html()).body(format!("<a href=\"{link}\">Sign in</a>"))
}

/// Called only for a login that was accepted.
async fn signed_in(
    sso: Data<SingleSignOn>,
    sessions: Data<Sessions>,
    AcceptedLogin(accepted): AcceptedLogin,
) -> Answer {
    open(&sso, &sessions, &accepted).unwrap_or_else(|error| Answer(accepted.refuse(error)))
}

/// Opens the session of the login, in place of the one that the browser had before.
fn open(sso: &SingleSignOn, sessions: &Sessions, accepted: &Accepted) -> Result<Answer, HttpError> {
    // The customer whose identity provider vouches, and the name with its format and qualifiers.
    let identity = accepted.identity()?;
    let name = accepted.login.name_id().map(|name| name.value()).unwrap_or_default();
    let user = format!("{name}\n{} {}", accepted.connection(), identity.key());
    let session = SessionId::generate(accepted.login.provider())?;
    // It ends no later than that of the identity provider.
    let lifetime = accepted.session_lifetime(LIFETIME);
    let now = Instant::now();
    let ends = now.checked_add(lifetime).unwrap_or(now);
    let mut sessions = sessions.lock().unwrap_or_else(PoisonError::into_inner);
    let previous = accepted.previous_session.as_ref();
    sessions.retain(|hash, (_, ends)| now < *ends && previous != Some(hash));
    sessions.insert(session.hash().to_owned(), (user, ends));
    drop(sessions);
    Ok(Answer(accepted.redirect([sso.cookies().open_session(session.reveal(), lifetime)?])?))
}

/// A page that needs a session.
async fn home(
    sso: Data<SingleSignOn>,
    sessions: Data<Sessions>,
    RequestParts(request): RequestParts,
) -> impl Responder {
    let session = session_of(&sso, &request.headers);
    let sessions = sessions.lock().unwrap_or_else(PoisonError::into_inner);
    match session.and_then(|session| sessions.get(session.hash()).cloned()) {
        Some((user, ends)) if Instant::now() < ends => Either::Left(user),
        // To the sign-in page, with this page as `return`.
        _ => Either::Right(Answer(sso.sign_in_needed(&request.method, &request.uri, &request.headers))),
    }
}

/// Signs out here. docs/LOGOUT.md adds the sign-out at the identity provider.
async fn sign_out(
    sso: Data<SingleSignOn>,
    sessions: Data<Sessions>,
    RequestParts(request): RequestParts,
) -> Answer {
    let session = session_of(&sso, &request.headers);
    let holds_cookie = session.is_some();
    let end = async {
        if let Some(session) = session {
            sessions.lock().unwrap_or_else(PoisonError::into_inner).remove(session.hash());
        }
        Ok(vec![sso.cookies().close_session()?])
    };
    // A form of another site is refused.
    Answer(sso.local_logout(&request.headers, holds_cookie, end).await)
}

/// The session that the browser names, which may be over.
fn session_of(sso: &SingleSignOn, headers: &HeaderMap) -> Option<SessionId> {
    let shown = sso.cookies().session(headers)?;
    SessionId::received(shown, sso.service_provider().provider()).ok()
}
