//! Extractors of logins for the application's assertion consumer.

use std::future::Future;
use std::pin::Pin;

use actix_web::web::Bytes;
use actix_web::{Error, FromRequest, HttpRequest, dev, web};
use http::request::Parts;
use vouchsafe_web::{Accepted, Checked, HttpError, SignInOutcome, SingleSignOn};

use crate::convert::{data, read, rejected};

/// The future of an extractor.
pub(crate) type Extracted<T> = Pin<Box<dyn Future<Output = Result<T, Error>>>>;

/// A login that was posted to this handler and accepted once. It consumes the body.
///
/// On a route with the parameter `{connection}` it is a login over that connection, which must have an assertion
/// consumer of its own. If the response is not accepted, the handler is not called. The answer is then the refusal
/// page, JSON for a client that asks for it, or the start of a new sign-in instead of an unsolicited response. The
/// response is checked on a thread for blocking work, and not on the worker's thread.
///
/// ```
/// use actix_web::Responder;
/// use vouchsafe_actix::{AcceptedLogin, Answer};
///
/// async fn signed_in(AcceptedLogin(accepted): AcceptedLogin) -> impl Responder {
///     println!("{} vouches for {:?}", accepted.connection(), accepted.login.name_id());
///     Answer(accepted.redirect([]).unwrap_or_else(|error| accepted.refuse(error)))
/// }
/// ```
#[derive(Debug)]
pub struct AcceptedLogin(pub Accepted);

impl FromRequest for AcceptedLogin {
    type Error = Error;
    type Future = Extracted<AcceptedLogin>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let posted = Posted::read(request, payload);
        Box::pin(async move {
            let posted = posted.await?;
            let accepted = match posted.connection.as_deref() {
                None => posted.sso.accept(&posted.request, &posted.body).await,
                Some(connection) => posted.sso.accept_for(connection, &posted.request, &posted.body).await,
            };
            accepted.map(AcceptedLogin).map_err(|answer| rejected(*answer))
        })
    }
}

/// The result of a sign-in, for a handler that decides itself what follows if the identity provider declines:
/// [`SingleSignOn::outcome`].
///
/// ```
/// use actix_web::Responder;
/// use vouchsafe_actix::{Answer, LoginOutcome, SignInOutcome};
///
/// async fn signed_in(LoginOutcome(outcome): LoginOutcome) -> impl Responder {
///     Answer(match outcome {
///         SignInOutcome::Accepted(accepted) => accepted.redirect([]).unwrap_or_else(|error| accepted.refuse(error)),
///         SignInOutcome::Declined(declined) if declined.is_nobody_there() => declined.sign_in_page(),
///         SignInOutcome::Declined(declined) => declined.refuse(),
///         _ => Default::default(),
///     })
/// }
/// ```
#[derive(Debug)]
pub struct LoginOutcome(pub SignInOutcome);

impl FromRequest for LoginOutcome {
    type Error = Error;
    type Future = Extracted<LoginOutcome>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let posted = Posted::read(request, payload);
        Box::pin(async move {
            let posted = posted.await?;
            let outcome =
                posted.sso.outcome(&posted.request, &posted.body, posted.connection.as_deref()).await;
            outcome.map(LoginOutcome).map_err(|answer| rejected(*answer))
        })
    }
}

/// A checked login that is not recorded as used yet, for a handler that records it in the transaction of its own
/// sign-in: [`SingleSignOn::check`].
#[derive(Debug)]
pub struct CheckedLogin(pub Checked);

impl FromRequest for CheckedLogin {
    type Error = Error;
    type Future = Extracted<CheckedLogin>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let posted = Posted::read(request, payload);
        Box::pin(async move {
            let posted = posted.await?;
            let checked = posted.sso.check(&posted.request, &posted.body, posted.connection.as_deref()).await;
            checked.map(CheckedLogin).map_err(|answer| rejected(*answer))
        })
    }
}

/// A posted message, and the connection in its route.
pub(crate) struct Posted {
    pub(crate) sso: web::Data<SingleSignOn>,
    pub(crate) request: Parts,
    pub(crate) body: Bytes,
    pub(crate) connection: Option<String>,
}

impl Posted {
    /// Reads the body, at most as much as the service provider's limits allow for a form.
    fn read(
        request: &HttpRequest,
        payload: &mut dev::Payload,
    ) -> impl Future<Output = Result<Posted, Error>> + use<> {
        let payload = web::Payload::from_request(request, payload);
        let head = data::<SingleSignOn>(request).and_then(|sso| Ok((read(request, &sso)?, sso)));
        let connection = request.match_info().get("connection").map(str::to_owned);
        async move {
            let (request, sso) = head?;
            let refuse = |error| rejected(sso.refuse(&request.headers, error));
            // Base64 makes four bytes of three, and percent-encoding adds some more.
            let most = sso.service_provider().limits().input_bytes.saturating_mul(2);
            let body = match payload.await?.to_bytes_limited(most).await {
                Ok(Ok(body)) => body,
                Ok(Err(error)) => return Err(refuse(HttpError::body(error))),
                Err(too_long) => return Err(refuse(HttpError::body(too_long))),
            };
            Ok(Posted { sso, request, body, connection })
        }
    }
}

impl FromRequest for Posted {
    type Error = Error;
    type Future = Extracted<Posted>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        Box::pin(Posted::read(request, payload))
    }
}
