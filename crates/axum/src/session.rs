//! Who is signed in.

use axum::extract::{FromRequestParts, OptionalFromRequestParts, OriginalUri};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use axum::response::{IntoResponse, Redirect, Response};
use vouchsafe::{BindingError, ServiceProvider};
use vouchsafe_store::{Session, SessionId};

use crate::cookies::Cookies;
use crate::error::HttpError;
use crate::routes::{refuse, with_query};
use crate::service::Service;

/// The session of the browser that asks, for a handler's arguments. Without one the browser is sent to the
/// [sign-in page](Service::sign_in_page); ask for `Option<SignedIn>` to decide otherwise. Where the session cannot be looked up both answer
/// with [`HttpError`]'s page and status: 503 when the store does not work.
///
/// ```
/// use vouchsafe_axum::SignedIn;
///
/// async fn home(signed_in: SignedIn) -> String {
///     format!("account {}", signed_in.session().account)
/// }
/// ```
#[derive(Debug)]
pub struct SignedIn {
    session: Session,
    hash: String,
}

impl SignedIn {
    /// The session.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// SHA-256 of the session's identifier, as in [`SessionId::hash`].
    pub fn session_hash(&self) -> &str {
        &self.hash
    }

    async fn find<S: Service>(headers: &HeaderMap, service: &S) -> Result<Option<SignedIn>, HttpError> {
        let service_provider = service.service_provider();
        let cookies = Cookies::for_address(service_provider.assertion_consumer());
        let Some(id) = received(cookies, headers, &service_provider)? else { return Ok(None) };
        let session = service.store().find(&id, service.now()).await?;
        Ok(session.map(|session| SignedIn { session, hash: id.hash().to_owned() }))
    }
}

impl<S: Service> FromRequestParts<S> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, service: &S) -> Result<SignedIn, Response> {
        match found(&parts.headers, service).await? {
            Some(signed_in) => Ok(signed_in),
            None => Err(Redirect::to(&sign_in_page(parts, service)).into_response()),
        }
    }
}

impl<S: Service> OptionalFromRequestParts<S> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, service: &S) -> Result<Option<SignedIn>, Response> {
        found(&parts.headers, service).await
    }
}

/// Where somebody without a session is sent, with the way back if what they asked for may be returned to.
fn sign_in_page<S: Service>(parts: &Parts, service: &S) -> String {
    let uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |original| &original.0);
    let asked = uri.path_and_query().map(|asked| asked.as_str()).filter(|_| parts.method == Method::GET);
    match asked {
        Some(asked) if service.return_paths().choose(Some(asked)).as_str() == asked => {
            with_query(service.sign_in_page(), &[("return", asked)])
        }
        _ => service.sign_in_page().to_owned(),
    }
}

/// A store that fails is an outage, never "nobody is signed in": the answer is 503, and the log says why.
async fn found<S: Service>(headers: &HeaderMap, service: &S) -> Result<Option<SignedIn>, Response> {
    SignedIn::find(headers, service).await.map_err(|error| refuse(service, &error))
}

/// The session identifier that the browser sends.
pub(crate) fn received(
    cookies: Cookies,
    headers: &HeaderMap,
    service_provider: &ServiceProvider,
) -> Result<Option<SessionId>, HttpError> {
    let Some(text) = cookies.session(headers) else { return Ok(None) };
    let id = SessionId::received(text, service_provider.provider()).map_err(BindingError::from)?;
    Ok(Some(id))
}

/// Opens a session that no identity provider began, such as that of an owner with a password, and answers the `Set-Cookie` for it.
///
/// # Errors
/// What the store and the provider's random source raise.
pub async fn open_session<S: Service>(
    service: &S,
    session: &Session,
) -> Result<axum::http::HeaderValue, HttpError> {
    let service_provider = service.service_provider();
    let id = SessionId::generate(service_provider.provider()).map_err(BindingError::from)?;
    service.store().create(&id, session).await?;
    session_cookie(service, &id, session)
}

/// The `Set-Cookie` of a session that is kept, such as that of a [`SignedIn`](vouchsafe_store::SignedIn).
///
/// # Errors
/// [`HttpError::Header`], which no identifier of ours leads to.
pub fn session_cookie<S: Service>(
    service: &S,
    id: &SessionId,
    session: &Session,
) -> Result<axum::http::HeaderValue, HttpError> {
    let lifetime = session.expires_at.signed_duration_since(session.created_at).num_seconds();
    Cookies::for_address(service.service_provider().assertion_consumer())
        .open_session(id.reveal(), lifetime)
        .ok_or(HttpError::Header { name: "Set-Cookie" })
}
