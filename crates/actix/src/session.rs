//! The session of the browser, if sessions are those of [`Provisioned`].

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, dev, web};
use vouchsafe_store::Session;
use vouchsafe_web::{OpenedSession, Provisioned, SingleSignOn};

use crate::accepted_login::Extracted;
use crate::convert::{data, read, rejected};

/// The session of the requesting browser, as an argument of a handler. A browser without a session is redirected to
/// the [sign-in page](SingleSignOn::sign_in_page), and a client that asks for JSON receives status 401. If the store
/// does not answer, the status is 503.
///
/// To decide yourself, use [`MaybeSignedIn`] and not `Option<SignedIn>`: actix-web turns every rejection of the
/// latter into `None`, so nobody would be signed in while the store is down.
///
/// ```
/// use vouchsafe_actix::SignedIn;
///
/// async fn home(signed_in: SignedIn) -> String {
///     format!("account {}", signed_in.session().account)
/// }
/// ```
#[derive(Clone, Debug)]
pub struct SignedIn(OpenedSession);

impl SignedIn {
    /// The session.
    pub fn session(&self) -> &Session {
        &self.0.session
    }

    /// SHA-256 of the session's identifier, as in [`SessionId::hash`](vouchsafe_store::SessionId::hash).
    pub fn session_hash(&self) -> &str {
        &self.0.hash
    }
}

impl FromRequest for SignedIn {
    type Error = Error;
    type Future = Extracted<SignedIn>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            match found(&request).await? {
                Some(signed_in) => Ok(signed_in),
                None => Err(nobody(&request)?),
            }
        })
    }
}

/// The session of the requesting browser, if it has one. If the store does not answer, the status is 503.
#[derive(Clone, Debug)]
pub struct MaybeSignedIn(pub Option<SignedIn>);

impl FromRequest for MaybeSignedIn {
    type Error = Error;
    type Future = Extracted<MaybeSignedIn>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { found(&request).await.map(MaybeSignedIn) })
    }
}

/// A middleware for routes that need a session, for services whose sessions [`Provisioned`] keeps. With sessions of
/// your own, call [`SingleSignOn::sign_in_needed`] in your handler. A browser without one is answered like by [`SignedIn`], and the
/// routes find the session as [`ReqData`](actix_web::web::ReqData). A form that is posted without a session is kept
/// if [`SingleSignOn::keep_forms`] is set.
///
/// ```
/// use actix_web::middleware::from_fn;
/// use actix_web::web::{self, ReqData};
/// use vouchsafe_actix::{SignedIn, require_signed_in};
///
/// let projects = web::scope("/projects").wrap(from_fn(require_signed_in)).route(
///     "/mine",
///     web::get().to(async |who: ReqData<SignedIn>| who.session().account.to_string()),
/// );
/// # let _: actix_web::Scope<_> = projects;
/// ```
///
/// # Errors
/// The errors of the inner services.
pub async fn require_signed_in(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    match found(request.request()).await {
        Ok(Some(signed_in)) => {
            request.extensions_mut().insert(signed_in);
            next.call(request).await.map(ServiceResponse::map_into_left_body)
        }
        Ok(None) => {
            let answered = nobody_posted(&mut request).await;
            Ok(request.error_response(answered).map_into_right_body())
        }
        Err(error) => Ok(request.error_response(error).map_into_right_body()),
    }
}

/// Answers like [`nobody`], and keeps a posted form if this is configured.
async fn nobody_posted(request: &mut ServiceRequest) -> Error {
    kept(request).await.unwrap_or_else(|| nobody(request.request()).unwrap_or_else(|error| error))
}

async fn kept(request: &mut ServiceRequest) -> Option<Error> {
    let sso = data::<SingleSignOn>(request.request()).ok()?;
    let longest = sso.kept_forms().filter(|_| request.method() == Method::POST)?.longest();
    let mut payload = request.take_payload();
    let payload = web::Payload::from_request(request.request(), &mut payload).await.ok()?;
    let body = payload.to_bytes_limited(longest).await.ok()?.ok()?;
    let parts = read(request.request(), &sso).ok()?;
    Some(rejected(sso.sign_in_needed_for(&parts, &body).await))
}

async fn found(request: &HttpRequest) -> Result<Option<SignedIn>, Error> {
    let (sso, provisioned) = (data::<SingleSignOn>(request)?, data::<Provisioned>(request)?);
    let headers = read(request, &sso)?.headers;
    match provisioned.session(&sso, &headers).await {
        Ok(found) => Ok(found.map(SignedIn)),
        Err(error) => Err(rejected(sso.refuse(&headers, error))),
    }
}

/// Makes the answer for a browser without a session, with the path to return to if that is allowed.
fn nobody(request: &HttpRequest) -> Result<Error, Error> {
    let sso = data::<SingleSignOn>(request)?;
    let parts = read(request, &sso)?;
    Ok(rejected(sso.sign_in_needed(&parts.method, &parts.uri, &parts.headers)))
}
