//! The assertion consumer: from the POST of an identity provider to a login.

use http::request::Parts;
use http::{HeaderMap, HeaderValue, Response};
use vouchsafe::{
    BoundRequest, ClaimedResponse, Connection, ConnectionId, ConnectionState, Expect, Login, LoginOptions,
    PendingRequest, PostedResponse, RelayState, Unsolicited, ValidAssertion,
};

use crate::answers::{Context, see_other};
use crate::error::HttpError;
use crate::limiter::ReceivePermit;
use crate::return_path::ReturnPath;
use crate::single_sign_on::SingleSignOn;
use crate::stores;

/// A login that was accepted, once. What it leads to is the application's: look the person up, open a session, and
/// [send the browser on](Self::redirect).
#[derive(Debug)]
#[non_exhaustive]
pub struct Accepted {
    /// What the identity provider said, with the evidence and the ledger.
    pub login: Login,
    /// What the application kept with the request: [`LoginOptions::context`]. `None` also where the login answers no request.
    pub context: Option<String>,
    /// How the browser is answered.
    pub answer: SignInAnswer,
}

impl Accepted {
    /// The connection over which it came: which customer's person this is. Names and attributes mean something together with it only.
    #[must_use]
    pub fn connection(&self) -> &ConnectionId {
        self.login.connection()
    }

    /// As [`SignInAnswer::redirect`].
    ///
    /// # Errors
    /// As there.
    pub fn redirect(
        &self,
        more: impl IntoIterator<Item = HeaderValue>,
    ) -> Result<Response<String>, HttpError> {
        self.answer.redirect(more)
    }

    /// As [`SignInAnswer::refuse`].
    #[must_use]
    pub fn refuse(&self, error: impl Into<HttpError>) -> Response<String> {
        self.answer.refuse(error)
    }
}

/// A response that every rule accepts; perhaps not for the first time. For a service that records the replay in the transaction of its
/// own sign-in; [`SingleSignOn::accept`] does it by itself.
#[derive(Debug)]
#[non_exhaustive]
pub struct Checked {
    /// The assertion.
    pub valid: ValidAssertion,
    /// The request that it answers, which goes on waiting until it is removed; `None`: it answers none.
    pub pending: Option<PendingRequest>,
    /// How the browser is answered.
    pub answer: SignInAnswer,
}

/// How a browser is answered after its response was checked.
#[derive(Debug)]
#[non_exhaustive]
pub struct SignInAnswer {
    /// Where the person wanted to go: a path from the list of allowed ones.
    pub return_to: ReturnPath,
    /// `Set-Cookie` headers that the answer to an accepted login must carry.
    pub cookies: Vec<HeaderValue>,
    sso: SingleSignOn,
    known: Context,
}

impl SignInAnswer {
    /// Sends the browser where the person wanted to go, with these cookies and [`cookies`](Self::cookies).
    ///
    /// # Errors
    /// None with paths that [`ReturnPaths`](crate::ReturnPaths) chose; the type is what handlers return.
    pub fn redirect(
        &self,
        more: impl IntoIterator<Item = HeaderValue>,
    ) -> Result<Response<String>, HttpError> {
        see_other(self.return_to.as_str(), self.cookies.iter().cloned().chain(more))
    }

    /// The answer where the application does not let this person in, or fails: logged and kept like every refusal. See
    /// [`HttpError::refused_by`] and [`HttpError::outage`].
    #[must_use]
    pub fn refuse(&self, error: impl Into<HttpError>) -> Response<String> {
        self.sso.refuse_in(&self.known, &error.into())
    }
}

/// What became of a response.
enum Step {
    Checked(Box<Checked>),
    /// It is not used: the sign-in begins anew at this connection.
    Restart(Connection, Option<RelayState>),
}

impl SingleSignOn {
    /// Accepts what was posted to the service's assertion consumer: finds the request that this browser started and the connections that may
    /// be meant, checks the response on a thread where no other request waits for it, and records that it was used.
    ///
    /// # Errors
    /// The answer for the browser: a refusal, logged and kept; or, over a connection with [`Unsolicited::Restart`], the start of a sign-in in the
    /// place of a response that answers no request.
    pub async fn accept(&self, request: &Parts, body: &[u8]) -> Result<Accepted, Box<Response<String>>> {
        self.accepted(request, body, None).await
    }

    /// The same for what was posted to a connection's [own assertion consumer](vouchsafe::ConnectionSettings::assertion_consumer). A connection
    /// that has none is not found.
    ///
    /// # Errors
    /// As [`accept`](Self::accept).
    pub async fn accept_for(
        &self,
        connection: &str,
        request: &Parts,
        body: &[u8],
    ) -> Result<Accepted, Box<Response<String>>> {
        self.accepted(request, body, Some(connection)).await
    }

    /// As [`accept`](Self::accept) or [`accept_for`](Self::accept_for), without the record of the replay: the caller must record
    /// [`ValidAssertion::replay_key`], [confirm](ValidAssertion::confirm), and then remove the request that was answered.
    ///
    /// # Errors
    /// As [`accept`](Self::accept).
    pub async fn check(
        &self,
        request: &Parts,
        body: &[u8],
        connection: Option<&str>,
    ) -> Result<Checked, Box<Response<String>>> {
        self.checked(request, body, connection).await
    }

    async fn accepted(
        &self,
        request: &Parts,
        body: &[u8],
        at: Option<&str>,
    ) -> Result<Accepted, Box<Response<String>>> {
        let Checked { valid, pending, answer } = self.checked(request, body, at).await?;
        let (replays, requests) = (self.inner.replays.as_ref(), self.inner.pending.as_ref());
        let confirmed = stores::confirm(replays, requests, valid, pending.as_ref()).await;
        let login = confirmed.map_err(|error| Box::new(answer.refuse(error)))?;
        let context = pending.and_then(|pending| pending.context().map(str::to_owned));
        Ok(Accepted { login, context, answer })
    }

    async fn checked(
        &self,
        request: &Parts,
        body: &[u8],
        at: Option<&str>,
    ) -> Result<Checked, Box<Response<String>>> {
        let mut context = Context::of(&request.headers);
        match self.step(request, body, at, &mut context).await {
            Ok(Step::Checked(checked)) => Ok(*checked),
            Ok(Step::Restart(connection, relay_state)) => {
                let restarted = self.restart(request, &connection, relay_state.as_ref()).await;
                Err(Box::new(restarted.unwrap_or_else(|error| self.refuse_in(&context, &error))))
            }
            Err(error) => Err(Box::new(self.refuse_in(&context, &error))),
        }
    }

    /// The check only computes, for as long as the message makes it, so it runs where no other request waits for it.
    async fn step(
        &self,
        request: &Parts,
        body: &[u8],
        at: Option<&str>,
        context: &mut Context,
    ) -> Result<Step, HttpError> {
        let headers = &request.headers;
        let service_provider = self.service_provider().clone();
        let permit = self.inner.limiter.enter(self.inner.address_of(request))?;
        let received_at = self.received_at(at).await?;
        let posted = PostedResponse::from_form(body, service_provider.limits())?;
        let opening = service_provider.clone();
        let (claimed, permit) =
            elsewhere(move || Ok((opening.open_at(posted, &received_at)?, permit))).await?;
        context.issuer = claimed.issuer().map(|issuer| issuer.as_str().to_owned());
        let relay_state = claimed.relay_state().cloned();

        let pending = self.pending_request(headers, &claimed).await?;
        let asked = pending.as_ref().map(BoundRequest::request);
        context.return_to = asked.and_then(PendingRequest::return_to).map(str::to_owned);
        let candidates = self.candidates(&claimed, asked).await?;
        if let [only] = candidates.as_slice() {
            context.connection = Some(only.id().clone());
        }
        if pending.is_none() {
            if let Some(in_response_to) = claimed.in_response_to() {
                return Err(HttpError::NoPendingRequest { in_response_to: in_response_to.to_owned() });
            }
            if let Some(connection) = self.to_restart(&claimed, &candidates) {
                return Ok(Step::Restart(connection, relay_state));
            }
        }
        let permit = over_first(permit, &candidates)?;
        let now = self.now();
        let (valid, pending) = elsewhere(move || {
            let _until_it_is_over = permit;
            let expect = pending.as_ref().map_or(Expect::Unsolicited, Expect::Reply);
            let valid = service_provider.receive(claimed, &candidates, expect, now)?;
            Ok((valid, pending.map(BoundRequest::into_request)))
        })
        .await?;
        let cookies = self.cookies();
        let unbound = pending.as_ref().and_then(|pending| cookies.unbind(headers, pending.handle()));
        let cookies = unbound.into_iter().chain(cookies.unmark_restart(headers)).collect();
        let return_to = self.destination(relay_state.as_ref(), pending.as_ref());
        let known = Context {
            connection: Some(valid.connection().clone()),
            issuer: Some(valid.issuer().as_str().to_owned()),
            ..context.clone()
        };
        let answer = SignInAnswer { return_to, cookies, sso: self.clone(), known };
        Ok(Step::Checked(Box::new(Checked { valid, pending, answer })))
    }

    /// The address that browsers posted to: the service's, or the connection's own.
    async fn received_at(&self, connection: Option<&str>) -> Result<String, HttpError> {
        let ours = self.service_provider().assertion_consumer();
        let Some(id) = connection else { return Ok(ours.to_owned()) };
        let connection = self.find_connection(id).await?.ok_or(HttpError::UnknownConnection)?;
        match self.service_provider().assertion_consumer_for(&connection) {
            own if own != ours => Ok(own.to_owned()),
            _ => Err(HttpError::UnknownConnection),
        }
    }

    /// The request that this browser started and this response answers. It is found by the RelayState, if the browser holds the cookie that
    /// binds it ([`cookies`](crate::cookies)). `None`: the response may only be one that answers no request.
    async fn pending_request(
        &self,
        headers: &HeaderMap,
        claimed: &ClaimedResponse,
    ) -> Result<Option<BoundRequest>, HttpError> {
        let Some(handle) = claimed.relay_state().map(RelayState::as_str) else { return Ok(None) };
        let Some(held) = self.cookies().binding(headers, handle) else { return Ok(None) };
        let provider = self.service_provider().provider();
        stores::find(self.inner.pending.as_ref(), handle, &held, provider, self.now()).await
    }

    /// The connection that was asked, else those that may have sent it unasked.
    async fn candidates(
        &self,
        claimed: &ClaimedResponse,
        asked: Option<&PendingRequest>,
    ) -> Result<Vec<Connection>, HttpError> {
        let connections = &self.inner.connections;
        Ok(match asked {
            Some(pending) => connections.find(pending.connection()).await?.into_iter().collect(),
            None => connections.candidates(claimed).await?,
        })
    }

    /// The one connection at which a sign-in starts in the place of an unsolicited response. None while one of the candidates accepts it, and
    /// none where several would start: nothing says which is meant before a key was used.
    fn to_restart(&self, claimed: &ClaimedResponse, candidates: &[Connection]) -> Option<Connection> {
        let could_be = candidates.iter().filter(|connection| {
            connection.state() == ConnectionState::Active
                && claimed.issuer() == Some(connection.identity_provider().entity_id())
                && self.service_provider().assertion_consumer_for(connection) == claimed.received_at()
        });
        let (mut restart, mut others) = (None, 0_usize);
        for connection in could_be {
            match connection.settings().on_unsolicited() {
                Unsolicited::Accept => return None,
                Unsolicited::Restart => {
                    restart = Some(connection);
                    others = others.saturating_add(1);
                }
                _ => {}
            }
        }
        restart.filter(|_| others == 1).cloned()
    }

    /// Starts a sign-in in the place of an unsolicited response, of which only the place to go is used, if it is an allowed one. Once: an
    /// identity provider that does not answer the request would otherwise send the browser round and round.
    async fn restart(
        &self,
        request: &Parts,
        connection: &Connection,
        relay_state: Option<&RelayState>,
    ) -> Result<Response<String>, HttpError> {
        let headers = &request.headers;
        let cookies = self.cookies();
        if cookies.is_restarted(headers) {
            return Err(HttpError::RestartedBefore);
        }
        let return_to = self.destination(relay_state, None);
        let options: LoginOptions = self.inner.options_for(request, connection).return_to(return_to.as_str());
        self.start_with(headers, connection, options, cookies.mark_restart()).await
    }

    /// Where the person wanted to go: kept with the request, or, unasked, what the identity provider was configured to say (Okta: "Default
    /// RelayState"). Both from the list of allowed paths.
    fn destination(&self, relay_state: Option<&RelayState>, pending: Option<&PendingRequest>) -> ReturnPath {
        let wanted = match pending {
            Some(pending) => pending.return_to(),
            None => relay_state.map(RelayState::as_str),
        };
        self.inner.return_paths.choose(wanted)
    }
}

/// A place over the connection that may be meant. A name that nobody configured costs no signature, and may be one that strangers make up.
fn over_first(permit: ReceivePermit, candidates: &[Connection]) -> Result<ReceivePermit, HttpError> {
    match candidates.first() {
        Some(connection) => permit.over_connection(connection.id()),
        None => Ok(permit),
    }
}

/// Runs a computation on a thread that may be kept busy.
async fn elsewhere<T: Send + 'static>(
    compute: impl FnOnce() -> Result<T, HttpError> + Send + 'static,
) -> Result<T, HttpError> {
    tokio::task::spawn_blocking(compute).await.unwrap_or_else(|source| Err(HttpError::Worker { source }))
}
