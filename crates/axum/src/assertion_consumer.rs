//! From the POST of an identity provider to a session.

use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::Response;
use vouchsafe::{
    BoundRequest, ClaimedResponse, Expect, PendingRequest, PostedResponse, RelayState, ValidAssertion,
};
use vouchsafe_store::{SessionId, SignIn, SignedIn};

use crate::cookies::Cookies;
use crate::error::HttpError;
use crate::limiter::ReceivePermit;
use crate::return_path::ReturnPath;
use crate::routes::see_other;
use crate::service::Service;
use crate::session::{received, session_cookie};

/// Receives, signs in in one transaction, and sends the browser where it wanted to go.
pub(crate) async fn consume<S: Service>(
    service: &S,
    request: &Parts,
    body: Bytes,
) -> Result<Response, HttpError> {
    let headers = &request.headers;
    let permit = service.receive_limiter().enter(service.client_address(request))?;
    let service_provider = service.service_provider();
    let cookies = Cookies::for_address(service_provider.assertion_consumer());
    let posted = PostedResponse::from_form(&body, service_provider.limits())?;
    drop(body);
    let Checked { valid, relay_state, pending } = check(service, headers, posted, permit).await?;
    let id = SessionId::generate(service_provider.provider()).map_err(vouchsafe::BindingError::from)?;
    let sign_in = SignIn::new(valid, id, service.session_lifetime())
        .answering(pending.as_ref())
        .replacing(received(cookies, headers, &service_provider)?);
    let signed_in = service.store().sign_in(sign_in).await?;
    let SignedIn { login, plan, session, id, .. } = &signed_in;
    tracing::info!(
        issuer = %login.issuer(),
        organization = %session.organization,
        account = %session.account,
        steps = plan.steps().len(),
        "signed in"
    );
    service.signed_in(&signed_in).await;

    let place = destination(service, relay_state.as_ref(), pending.as_ref());
    let opened = session_cookie(service, id, session)?;
    let unbound = pending.as_ref().and_then(|pending| cookies.unbind(headers, pending.handle()));
    see_other(place.as_str(), std::iter::once(opened).chain(unbound))
}

/// What the check of a response gives.
#[derive(Debug)]
#[non_exhaustive]
pub struct Checked {
    /// The assertion that every rule accepts; perhaps not for the first time.
    pub valid: ValidAssertion,
    /// The RelayState that came beside the response; untrusted.
    pub relay_state: Option<RelayState>,
    /// The request that it answers; `None`: it answers none.
    pub pending: Option<PendingRequest>,
}

/// Checks a response as the routes do, for an assertion consumer of one's own: it finds the request that this browser started, and the
/// connections that may be meant, and receives the response on a thread where no other request waits for it, within the bounds of the
/// service's [`ReceiveLimiter`](crate::ReceiveLimiter).
///
/// # Errors
/// [`HttpError::Refused`]; [`HttpError::NoPendingRequest`] if the response answers a request that this browser has not started;
/// [`HttpError::TooManyFromAddress`] and [`HttpError::Busy`] when there is too much at a time, after which the request goes on waiting.
pub async fn receive<S: Service>(
    service: &S,
    request: &Parts,
    posted: PostedResponse,
) -> Result<Checked, HttpError> {
    let permit = service.receive_limiter().enter(service.client_address(request))?;
    check(service, &request.headers, posted, permit).await
}

/// The check only computes, for as long as the message makes it, so it runs where no other request waits for it.
async fn check<S: Service>(
    service: &S,
    headers: &HeaderMap,
    posted: PostedResponse,
    permit: ReceivePermit,
) -> Result<Checked, HttpError> {
    let service_provider = service.service_provider();
    let opening = service_provider.clone();
    let (claimed, permit) = elsewhere(move || Ok((opening.open(posted)?, permit))).await?;
    let relay_state = claimed.relay_state().cloned();
    let pending = pending_request(service, headers, &claimed).await?;
    if let (None, Some(in_response_to)) = (&pending, claimed.in_response_to()) {
        return Err(HttpError::NoPendingRequest { in_response_to: in_response_to.to_owned() });
    }
    let request = pending.as_ref().map(BoundRequest::request);
    let candidates = service.connections().candidates(&claimed, request);
    // A name that nobody configured costs no signature, and may be one that strangers make up.
    let permit = match candidates.first() {
        None => permit,
        Some(connection) => permit.over_connection(connection.id())?,
    };
    let now = service.now();
    let (valid, pending) = elsewhere(move || {
        let _until_it_is_over = permit;
        let expect = pending.as_ref().map_or(Expect::Unsolicited, Expect::Reply);
        let valid = service_provider.receive(claimed, &candidates, expect, now)?;
        Ok((valid, pending))
    })
    .await?;
    Ok(Checked { valid, relay_state, pending: pending.map(BoundRequest::into_request) })
}

/// Runs a computation on a thread that may be kept busy.
async fn elsewhere<T: Send + 'static>(
    compute: impl FnOnce() -> Result<T, HttpError> + Send + 'static,
) -> Result<T, HttpError> {
    tokio::task::spawn_blocking(compute).await.unwrap_or_else(|source| Err(HttpError::Worker { source }))
}

/// The request that this browser started and this response answers, for an assertion consumer of one's own.
///
/// It is found by the RelayState, if the browser holds the cookie that binds it ([`cookies`](crate::cookies)), and goes on waiting until
/// somebody is signed in by the response ([`vouchsafe_store::SignIn::answering`]). `None`: the response may only be one that answers no request, [`Expect::Unsolicited`].
///
/// # Errors
/// [`HttpError::Store`] when the store cannot say, [`HttpError::Refused`] when the cookie is another sign-in's.
pub async fn pending_request<S: Service>(
    service: &S,
    headers: &HeaderMap,
    claimed: &ClaimedResponse,
) -> Result<Option<BoundRequest>, HttpError> {
    let service_provider = service.service_provider();
    let cookies = Cookies::for_address(service_provider.assertion_consumer());
    let Some(handle) = claimed.relay_state().map(|handle| handle.as_str()) else { return Ok(None) };
    let Some(held) = cookies.binding(headers, handle) else { return Ok(None) };
    match service.store().find_pending(handle, service.now()).await? {
        Some(pending) => Ok(Some(pending.bind(Some(&held), service_provider.provider())?)),
        None => Ok(None),
    }
}

/// Where the person wanted to go: kept with the request, or, unasked, what the identity provider was configured to say (Okta: "Default
/// RelayState"). Both from the list of allowed paths.
fn destination<S: Service>(
    service: &S,
    relay_state: Option<&RelayState>,
    pending: Option<&PendingRequest>,
) -> ReturnPath {
    let wanted = match pending {
        Some(pending) => pending.return_to(),
        None => relay_state.map(RelayState::as_str),
    };
    service.return_paths().choose(wanted)
}
