//! From the POST of an identity provider to a session.

use axum::http::HeaderMap;
use axum::response::Response;
use vouchsafe::{Expect, PendingRequest, PostedResponse, ServiceProvider};
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
    let pending = pending_request(service, headers, &posted).await?;
    let expect = match &pending {
        Some(pending) => Expect::Reply(pending),
        None => unsolicited(&service_provider, &posted)?,
    };

    let valid = service_provider.receive(&posted, expect, service.now())?;
    let first_seen = service.store().record(valid.replay_key()).await?;
    let login = valid.confirm(first_seen)?;
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
    let place = destination(service, &posted, pending.as_ref());
    let session_cookie = cookies.open_session(id.reveal(), lifetime);
    match &pending {
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
/// [`HttpError::Store`] when the store cannot say.
pub async fn pending_request<S: Service>(
    service: &S,
    headers: &HeaderMap,
    posted: &PostedResponse,
) -> Result<Option<PendingRequest>, HttpError> {
    let cookies = Cookies::for_address(service.service_provider().assertion_consumer());
    match posted.relay_state() {
        Some(handle) if cookies.binds(headers, handle.as_str()) => {
            Ok(service.store().take(handle.as_str(), service.now()).await?)
        }
        _ => Ok(None),
    }
}

/// No request of this browser is waiting: the response may only be one that answers none.
fn unsolicited(
    service_provider: &ServiceProvider,
    posted: &PostedResponse,
) -> Result<Expect<'static>, HttpError> {
    if let Some(in_response_to) = posted.in_response_to(service_provider.limits()) {
        return Err(HttpError::NoPendingRequest { in_response_to });
    }
    if !service_provider.accepts_unsolicited() {
        return Err(HttpError::Unsolicited);
    }
    Ok(Expect::Unsolicited)
}

/// Where the person wanted to go: kept with the request, or, unasked, what the identity provider was configured to say (Okta: "Default
/// RelayState"). Both from the list of allowed paths.
fn destination<S: Service>(
    service: &S,
    posted: &PostedResponse,
    pending: Option<&PendingRequest>,
) -> ReturnPath {
    let wanted = match pending {
        Some(pending) => pending.return_to(),
        None => posted.relay_state().map(|state| state.as_str()),
    };
    service.return_paths().choose(wanted)
}
