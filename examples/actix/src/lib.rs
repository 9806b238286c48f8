//! A service on actix-web that signs people in: a registry of customers, and sessions in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix_web::http::header::ContentType;
use actix_web::web::{self, Data, Redirect, ServiceConfig};
use actix_web::{Either, HttpResponse, Responder};
use vouchsafe::provisioning::Identity;
use vouchsafe::{Connections, EntityId, ServiceProvider};
use vouchsafe_actix::{
    Accepted, AcceptedLogin, Answer, HttpError, LOGIN, RequestParts, ReturnPaths, SingleSignOn, login_url,
    routes,
};
use vouchsafe_store::{Memory, SessionId};

/// How long a session lasts at most, in seconds.
const LIFETIME: i64 = 3600;

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
    pub fn new(address: &str, customers: Connections) -> Result<Service, Box<dyn std::error::Error>> {
        let saml = ServiceProvider::builder(EntityId::new(format!("{address}/sso/saml/metadata"))?)
            .assertion_consumer(&format!("{address}/sso/saml/acs"))?
            .build()?;
        let sso = SingleSignOn::new(saml, Arc::new(customers), Arc::new(Memory::new()))
            .return_paths(ReturnPaths::new("/home"));
        Ok(Service { sso: Data::new(sso), sessions: Data::default() })
    }

    /// Its single sign-on.
    #[must_use]
    pub fn sso(&self) -> SingleSignOn {
        SingleSignOn::clone(&self.sso)
    }

    /// Its pages, and the routes of SAML below `/sso`.
    pub fn configure(&self, config: &mut ServiceConfig) {
        config
            .app_data(Data::clone(&self.sso))
            .app_data(Data::clone(&self.sessions))
            .route("/", web::get().to(front))
            .route("/home", web::get().to(home))
            .service(web::scope("/sso").configure(routes(signed_in)));
    }
}

async fn front() -> impl Responder {
    let link = login_url(&format!("/sso{LOGIN}"), "acme", "/home").replace('&', "&amp;");
    HttpResponse::Ok().content_type(ContentType::html()).body(format!("<a href=\"{link}\">Sign in</a>"))
}

async fn signed_in(
    sso: Data<SingleSignOn>,
    sessions: Data<Sessions>,
    AcceptedLogin(accepted): AcceptedLogin,
) -> impl Responder {
    match user(&accepted) {
        Some(user) => open(&sso, &sessions, &accepted, user),
        None => Answer(accepted.refuse(HttpError::UnknownPerson)),
    }
}

/// Who it is: the customer whose identity provider vouches, and the identity, with the name's format and qualifiers.
fn user(accepted: &Accepted) -> Option<String> {
    // A transient name is another one at each sign-in: nobody is found again by it.
    let name = accepted.login.name_id().filter(|name| !name.is_transient())?;
    let identity = Identity::of_login(&accepted.login)?;
    Some(format!("{}\n{} {}", name.value(), accepted.connection(), identity.key()))
}

fn open(sso: &SingleSignOn, sessions: &Sessions, accepted: &Accepted, user: String) -> Answer {
    let open = || {
        let session = SessionId::generate(sso.service_provider().provider())?;
        // It ends no later than that of the identity provider.
        let seconds = accepted.session_seconds(LIFETIME);
        let now = Instant::now();
        let ends = now.checked_add(Duration::from_secs(seconds.unsigned_abs())).unwrap_or(now);
        let mut sessions = sessions.lock().unwrap_or_else(PoisonError::into_inner);
        // The session that the browser had before is over.
        let previous = accepted.previous_session.as_ref();
        sessions.retain(|hash, (_, ends)| now < *ends && previous != Some(hash));
        sessions.insert(session.hash().to_owned(), (user, ends));
        accepted.redirect([sso.cookies().open_session(session.reveal(), seconds)?])
    };
    Answer(open().unwrap_or_else(|error| accepted.refuse(error)))
}

async fn home(
    sso: Data<SingleSignOn>,
    sessions: Data<Sessions>,
    RequestParts(request): RequestParts,
) -> impl Responder {
    let held = sso.cookies().session(&request.headers).unwrap_or_default();
    let session = SessionId::received(held, sso.service_provider().provider());
    let sessions = sessions.lock().unwrap_or_else(PoisonError::into_inner);
    match session.ok().and_then(|session| sessions.get(session.hash()).cloned()) {
        Some((user, ends)) if Instant::now() < ends => Either::Left(user),
        _ => Either::Right(Redirect::to("/").see_other()),
    }
}
