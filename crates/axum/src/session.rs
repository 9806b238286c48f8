//! The session of the browser, if sessions are those of [`Provisioned`].

use axum::body::{Body, to_bytes};
use axum::extract::{FromRef, FromRequestParts, OptionalFromRequestParts, OriginalUri, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use vouchsafe_store::Session;
use vouchsafe_web::{KeptForms, OpenedSession, Provisioned, SingleSignOn};

/// The session of the requesting browser, as an argument of a handler. A browser without a session is redirected to
/// the [sign-in page](SingleSignOn::sign_in_page), and a client that asks for JSON receives status 401; use
/// `Option<SignedIn>` to decide yourself. If the store does not answer, the status is 503 in both cases.
///
/// ```
/// use vouchsafe_axum::SignedIn;
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

impl<S> FromRequestParts<S> for SignedIn
where
    S: Send + Sync,
    SingleSignOn: FromRef<S>,
    Provisioned: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<SignedIn, Response> {
        match found(&parts.headers, state).await? {
            Some(signed_in) => Ok(signed_in),
            None => Err(nobody(parts, &SingleSignOn::from_ref(state))),
        }
    }
}

impl<S> OptionalFromRequestParts<S> for SignedIn
where
    S: Send + Sync,
    SingleSignOn: FromRef<S>,
    Provisioned: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<SignedIn>, Response> {
        found(&parts.headers, state).await
    }
}

/// A layer for routes that need a session, for services whose sessions [`Provisioned`] keeps. With sessions of your own,
/// call [`SingleSignOn::sign_in_needed`] in your handler or your layer. A browser without one is answered like by [`SignedIn`], and the routes
/// find the session among the extensions of the request. A form that is posted without a session is kept if
/// [`SingleSignOn::keep_forms`] is set.
///
/// ```
/// # use axum::{Router, extract::FromRef, middleware::from_fn_with_state, routing::get};
/// # use vouchsafe_axum::{Provisioned, SingleSignOn, require_signed_in};
/// # fn example<App: Clone + Send + Sync + 'static>(app: App) -> Router<App>
/// # where SingleSignOn: FromRef<App>, Provisioned: FromRef<App> {
/// Router::new()
///     .route("/projects", get(|| async { "yours" }))
///     .route_layer(from_fn_with_state(app, require_signed_in::<App>))
/// # }
/// ```
pub async fn require_signed_in<S>(State(state): State<S>, request: Request, next: Next) -> Response
where
    S: Clone + Send + Sync + 'static,
    SingleSignOn: FromRef<S>,
    Provisioned: FromRef<S>,
{
    let (mut parts, body) = request.into_parts();
    match found(&parts.headers, &state).await {
        Ok(Some(signed_in)) => {
            parts.extensions.insert(signed_in);
            next.run(Request::from_parts(parts, body)).await
        }
        Ok(None) => nobody_posted(parts, body, &SingleSignOn::from_ref(&state)).await,
        Err(answer) => answer,
    }
}

/// Answers like [`nobody`], and keeps a posted form if this is configured.
async fn nobody_posted(mut parts: Parts, body: Body, sso: &SingleSignOn) -> Response {
    let longest = sso.kept_forms().filter(|_| parts.method == Method::POST).map(KeptForms::longest);
    let read = match longest {
        Some(longest) => to_bytes(body, longest).await.ok(),
        None => None,
    };
    let Some(body) = read else { return nobody(&parts, sso) };
    if let Some(OriginalUri(asked)) = parts.extensions.get::<OriginalUri>() {
        parts.uri = asked.clone();
    }
    sso.sign_in_needed_for(&parts, &body).await.into_response()
}

async fn found<S>(headers: &HeaderMap, state: &S) -> Result<Option<SignedIn>, Response>
where
    SingleSignOn: FromRef<S>,
    Provisioned: FromRef<S>,
{
    let sso = SingleSignOn::from_ref(state);
    match Provisioned::from_ref(state).session(&sso, headers).await {
        Ok(found) => Ok(found.map(SignedIn)),
        Err(error) => Err(sso.refuse(headers, error).into_response()),
    }
}

pub(crate) fn nobody(parts: &Parts, sso: &SingleSignOn) -> Response {
    let uri: &Uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |original| &original.0);
    sso.sign_in_needed(&parts.method, uri, &parts.headers).into_response()
}
