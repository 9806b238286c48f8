//! From the POST of an identity provider to a session.

use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::Response;
use chrono::{DateTime, Utc};
use vouchsafe::{EntityId, Expect, PendingRequest, PostedResponse, ServiceProvider, ValidAssertion};
use vouchsafe_store::{Session, SessionId, SignIn as _};

use crate::cookies::Cookies;
use crate::error::HttpError;
use crate::limiter::ReceivePermit;
use crate::return_path::ReturnPath;
use crate::routes::see_other;
use crate::service::{Service, SignIn};
use crate::session::received;

/// Receives, confirms, provisions, opens the session, and sends the browser where it wanted to go.
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
    let pending = pending_request(service, headers, &posted).await?;
    let check = Check { service_provider: service_provider.clone(), posted, pending, now: service.now() };
    let Checked { valid, posted, pending } = check.run(service, permit).await?;

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
    let opened = cookies.open_session(id.reveal(), lifetime);
    let opened = opened.ok_or(HttpError::Header { name: "Set-Cookie" })?;
    let unbound = pending.as_ref().and_then(|pending| cookies.unbind(headers, pending.handle()));
    see_other(place.as_str(), std::iter::once(opened).chain(unbound))
}

/// Checks a response as the routes do, for an assertion consumer of one's own: on a thread where no other request waits for it, and within
/// the bounds of the service's [`ReceiveLimiter`](crate::ReceiveLimiter). `pending` is what [`pending_request`] found. Without it the
/// response may only be one that answers no request, where such are accepted.
///
/// # Errors
/// [`HttpError::Refused`]; [`HttpError::NoPendingRequest`] and [`HttpError::Unsolicited`] without a pending request;
/// [`HttpError::TooManyFromAddress`] and [`HttpError::Busy`] when there is too much at a time, after which the request goes on waiting.
pub async fn receive<S: Service>(
    service: &S,
    request: &Parts,
    posted: PostedResponse,
    pending: Option<PendingRequest>,
) -> Result<ValidAssertion, HttpError> {
    let permit = match service.receive_limiter().enter(service.client_address(request)) {
        Ok(permit) => permit,
        Err(busy) => return Err(wait_on(service, pending.as_ref(), busy).await),
    };
    let check = Check { service_provider: service.service_provider(), posted, pending, now: service.now() };
    Ok(check.run(service, permit).await?.valid)
}

/// Lets the request go on waiting, so that the person can try again.
async fn wait_on<S: Service>(service: &S, pending: Option<&PendingRequest>, busy: HttpError) -> HttpError {
    let Some(pending) = pending else { return busy };
    match service.store().put(pending).await {
        Ok(()) => busy,
        Err(failure) => failure.into(),
    }
}

/// What is to be checked. The check only computes, for as long as the message makes it, so it runs where no other request waits for it.
struct Check {
    service_provider: ServiceProvider,
    posted: PostedResponse,
    pending: Option<PendingRequest>,
    now: DateTime<Utc>,
}

struct Checked {
    valid: ValidAssertion,
    posted: PostedResponse,
    pending: Option<PendingRequest>,
}

impl Check {
    async fn run<S: Service>(self, service: &S, permit: ReceivePermit) -> Result<Checked, HttpError> {
        let (asked, permit) = match &self.pending {
            Some(pending) => (Some(pending.identity_provider().clone()), permit),
            None => {
                let (posted, service_provider) = (self.posted.clone(), self.service_provider.clone());
                elsewhere(move || Ok((unsolicited(&service_provider, &posted)?, permit))).await?
            }
        };
        // A name that is not trusted costs no signature, and may be one that strangers make up.
        let trusted = asked.filter(|name| self.service_provider.identity_provider(name).is_some());
        let permit = match trusted {
            None => permit,
            Some(name) => match permit.of_identity_provider(&name) {
                Ok(permit) => permit,
                Err(busy) => return Err(wait_on(service, self.pending.as_ref(), busy).await),
            },
        };
        elsewhere(move || {
            let _until_it_is_over = permit;
            let expect = self.pending.as_ref().map_or(Expect::Unsolicited, Expect::Reply);
            let valid = self.service_provider.receive(&self.posted, expect, self.now)?;
            Ok(Checked { valid, posted: self.posted, pending: self.pending })
        })
        .await
    }
}

/// Runs a computation on a thread that may be kept busy.
async fn elsewhere<T: Send + 'static>(
    compute: impl FnOnce() -> Result<T, HttpError> + Send + 'static,
) -> Result<T, HttpError> {
    tokio::task::spawn_blocking(compute).await.unwrap_or_else(|source| Err(HttpError::Worker { source }))
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

/// No request of this browser is waiting: the response may only be one that answers none. Whose it claims to be.
fn unsolicited(
    service_provider: &ServiceProvider,
    posted: &PostedResponse,
) -> Result<Option<EntityId>, HttpError> {
    if let Some(in_response_to) = posted.in_response_to(service_provider.limits()) {
        return Err(HttpError::NoPendingRequest { in_response_to });
    }
    if !service_provider.accepts_unsolicited() {
        return Err(HttpError::Unsolicited);
    }
    Ok(posted.claimed_issuer(service_provider.limits()))
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
