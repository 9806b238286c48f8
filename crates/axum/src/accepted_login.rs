//! Extractors of logins for the application's assertion consumer.

use axum::body::Bytes;
use axum::extract::{FromRef, FromRequest, FromRequestParts, RawPathParams, Request};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use vouchsafe_web::{Accepted, Checked, HttpError, SignInOutcome, SingleSignOn};

/// A login that was posted to this handler and accepted once. It consumes the body, so it must be the last argument.
///
/// On a route with the parameter `{connection}` it is a login over that connection, which must have an assertion
/// consumer of its own. If the response is not accepted, the handler is not called. The answer is then the refusal
/// page, JSON for a client that asks for it, or the start of a new sign-in instead of an unsolicited response.
///
/// ```
/// use axum::response::{IntoResponse, Response};
/// use vouchsafe_axum::AcceptedLogin;
///
/// async fn signed_in(AcceptedLogin(accepted): AcceptedLogin) -> Response {
///     println!("{} vouches for {:?}", accepted.connection(), accepted.login.name_id());
///     accepted.redirect([]).unwrap_or_else(|error| accepted.refuse(error)).into_response()
/// }
/// ```
#[derive(Debug)]
pub struct AcceptedLogin(pub Accepted);

impl<S> FromRequest<S> for AcceptedLogin
where
    S: Send + Sync,
    SingleSignOn: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<AcceptedLogin, Response> {
        let posted = Posted::from_request(request, state).await?;
        let accepted = match posted.connection.as_deref() {
            None => posted.sso.accept(&posted.request, &posted.body).await,
            Some(connection) => posted.sso.accept_for(connection, &posted.request, &posted.body).await,
        };
        accepted.map(AcceptedLogin).map_err(|answer| (*answer).into_response())
    }
}

/// The result of a sign-in, for a handler that decides itself what follows if the identity provider declines:
/// [`SingleSignOn::outcome`].
///
/// ```
/// use axum::response::{IntoResponse, Response};
/// use vouchsafe_axum::{LoginOutcome, SignInOutcome};
///
/// async fn signed_in(LoginOutcome(outcome): LoginOutcome) -> Response {
///     match outcome {
///         SignInOutcome::Accepted(accepted) => {
///             accepted.redirect([]).unwrap_or_else(|error| accepted.refuse(error)).into_response()
///         }
///         SignInOutcome::Declined(declined) if declined.is_nobody_there() => declined.sign_in_page().into_response(),
///         SignInOutcome::Declined(declined) => declined.refuse().into_response(),
///         _ => ().into_response(),
///     }
/// }
/// ```
#[derive(Debug)]
pub struct LoginOutcome(pub SignInOutcome);

impl<S> FromRequest<S> for LoginOutcome
where
    S: Send + Sync,
    SingleSignOn: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<LoginOutcome, Response> {
        let posted = Posted::from_request(request, state).await?;
        let outcome = posted.sso.outcome(&posted.request, &posted.body, posted.connection.as_deref()).await;
        outcome.map(LoginOutcome).map_err(|answer| (*answer).into_response())
    }
}

/// A checked login that is not recorded as used yet, for a handler that records it in the transaction of its own
/// sign-in: [`SingleSignOn::check`].
#[derive(Debug)]
pub struct CheckedLogin(pub Checked);

impl<S> FromRequest<S> for CheckedLogin
where
    S: Send + Sync,
    SingleSignOn: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<CheckedLogin, Response> {
        let posted = Posted::from_request(request, state).await?;
        let checked = posted.sso.check(&posted.request, &posted.body, posted.connection.as_deref()).await;
        checked.map(CheckedLogin).map_err(|answer| (*answer).into_response())
    }
}

/// A posted message, and the connection in its route.
pub(crate) struct Posted {
    pub(crate) sso: SingleSignOn,
    pub(crate) request: Parts,
    pub(crate) body: Bytes,
    pub(crate) connection: Option<String>,
}

impl<S> FromRequest<S> for Posted
where
    S: Send + Sync,
    SingleSignOn: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Posted, Response> {
        let sso = SingleSignOn::from_ref(state);
        let (mut parts, body) = request.into_parts();
        let connection = connection_of(&mut parts, state).await;
        let read = Bytes::from_request(Request::from_parts(parts.clone(), body), state).await;
        let body =
            read.map_err(|error| sso.refuse(&parts.headers, HttpError::body(error)).into_response())?;
        Ok(Posted { sso, request: parts, body, connection })
    }
}

/// Returns the parameter `{connection}` of the route.
async fn connection_of<S: Send + Sync>(parts: &mut Parts, state: &S) -> Option<String> {
    let parameters = RawPathParams::from_request_parts(parts, state).await.ok()?;
    let found = parameters.iter().find(|(name, _)| *name == "connection");
    found.map(|(_, value)| value.to_owned())
}
