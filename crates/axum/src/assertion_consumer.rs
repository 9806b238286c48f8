//! From the POST of an identity provider to a session.

use axum::http::HeaderMap;
use axum::response::Response;
use vouchsafe::{BoundRequest, ClaimedResponse, Expect, PendingRequest, PostedResponse, RelayState};
use vouchsafe_store::{Session, SessionId, SignIn as _};

use crate::cookies::Cookies;
use crate::error::HttpError;
use crate::return_path::ReturnPath;
use crate::routes::see_other;
use crate::service::{Service, SignIn};
use crate::session::received;

/// Receives, confirms, provisions, opens the session, and sends the browser where it wanted to go.
pub(crate) async fn consume<S: Service>(
    service: &S,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Response, HttpError> {
    let service_provider = service.service_provider();
    let cookies = Cookies::for_address(service_provider.assertion_consumer());
    let posted = PostedResponse::from_form(body, service_provider.limits())?;
    let claimed = service_provider.open(posted)?;
    let relay_state = claimed.relay_state().cloned();
    let pending = pending_request(service, headers, &claimed).await?;
    if let (None, Some(in_response_to)) = (&pending, claimed.in_response_to()) {
        return Err(HttpError::NoPendingRequest { in_response_to: in_response_to.to_owned() });
    }
    let candidates = service.connections().candidates(&claimed, pending.as_ref().map(BoundRequest::request));
    let expect = pending.as_ref().map_or(Expect::Unsolicited, Expect::Reply);
    let valid = service_provider.receive(claimed, &candidates, expect, service.now())?;
    let recorded = service.store().record(valid.replay_key()).await?;
    let login = valid.confirm(recorded)?;
    let (plan, applied) = service.store().sign_in(None, &login).await?;

    let session = Session::new(
        &login,
        applied.organization.clone(),
        applied.account.clone(),
        service.session_lifetime(),
    );
    let id = SessionId::generate(service_provider.provider()).map_err(vouchsafe::BindingError::from)?;
    if let Some(before) = received(cookies, headers, &service_provider)? {
        service.store().revoke(&before).await?;
    }
    service.store().create(&id, &session).await?;
    tracing::info!(
        issuer = %login.issuer(),
        organization = %applied.organization,
        account = %applied.account,
        steps = plan.steps().len(),
        "signed in"
    );
    let sign_in =
        SignIn { login: &login, plan: &plan, applied: &applied, session: &session, session_hash: id.hash() };
    service.signed_in(&sign_in).await;

    let lifetime = session.expires_at.signed_duration_since(session.created_at).num_seconds();
    let pending = pending.as_ref().map(BoundRequest::request);
    let place = destination(service, relay_state.as_ref(), pending);
    let session_cookie = cookies.open_session(id.reveal(), lifetime);
    match pending {
        Some(pending) => see_other(place.as_str(), [session_cookie, cookies.unbind(pending.handle())]),
        None => see_other(place.as_str(), [session_cookie]),
    }
}

/// The request that this browser started and this response answers, for an assertion consumer of one's own.
///
/// It is found by the RelayState, if the browser holds the cookie that binds it ([`cookies`](crate::cookies)), and taken out, whatever becomes
/// of the response. `None`: the response may only be one that answers no request, [`Expect::Unsolicited`].
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
    match service.store().take(handle, service.now()).await? {
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
