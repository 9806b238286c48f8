//! The single logout address: answers identity providers, by browser and from their own servers.

use std::time::Duration;

use http::header::RETRY_AFTER;
use http::request::Parts;
use http::{HeaderMap, Response, StatusCode};
use vouchsafe::crypto::hexadecimal;
use vouchsafe::xml::Quoted;
use vouchsafe::{
    BindingError, BoundLogout, Carriage, Connection, ExpectMessage, IncomingMessage, LogoutAnswer,
    LogoutJourney, LogoutRequest, LogoutStatus, Message, MessageKind, Refusal, RelayState, ReplayKey,
    SentMessage, StatusAnswer, provisioning::LoggedOut, unasked_message,
};

use crate::answers::{Context, answer, carried_in_frame};
use crate::believed::Believed;
use crate::check::elsewhere;
use crate::cookies::ANSWERED;
use crate::error::HttpError;
use crate::limiter::ReceivePermit;
use crate::logout::SingleLogout;
use crate::single_sign_on::SingleSignOn;

/// The waiting times before a failed store is tried again.
const AGAIN_AFTER: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(250)];

/// A logout request that was accepted and carried out, for each connection that it belongs to.
struct CarriedOut {
    requests: Vec<(LogoutRequest, Connection)>,
    relay_state: Option<RelayState>,
    status: LogoutStatus,
}

impl SingleSignOn {
    /// Answers a message that a browser carries to the single logout address, in the query of a GET or in the form of
    /// a POST. It is a logout request of an identity provider, which ends sessions and is answered by the same
    /// binding, or the answer to a request of ours. `connection` is the name in the address, if a connection has a
    /// [logout address of its own](vouchsafe::ConnectionSettings::single_logout).
    ///
    /// A refused message changes nothing, and the browser is not told the reason.
    pub async fn single_logout(
        &self,
        request: &Parts,
        body: &[u8],
        connection: Option<&str>,
    ) -> Response<String> {
        let mut context = Context::of_sign_out(&request.headers);
        let outcome = self.logout_message(request, body, connection, &mut context).await;
        outcome.unwrap_or_else(|error| self.refuse_in(&context, &error))
    }

    /// Answers a logout request that an identity provider's server sends to the SOAP address. The answer is an
    /// envelope: with status 200 for a request that was carried out, with a fault (`Client`) and status 403 for a refused
    /// one, and with a fault (`Server`) and status 429 or 503 for one that can be sent again.
    pub async fn single_logout_by_soap(
        &self,
        request: &Parts,
        body: &[u8],
        connection: Option<&str>,
    ) -> Response<String> {
        let mut context = Context::of_sign_out(&request.headers);
        let outcome = async {
            let single_logout = self.inner.single_logout.as_ref().ok_or(HttpError::NoSingleLogout)?;
            let at = self.logout_address(connection, Carriage::Soap).await?;
            let sent = SentMessage::from_soap(body, self.service_provider().limits())?;
            let (incoming, permit) = self.open_message(request, sent, at, body.len()).await?;
            let done = self.carry_out(single_logout, incoming, connection, permit, &mut context).await?;
            let Some((request, connection)) = self.logout_to_answer(&done.requests) else { return Ok(None) };
            let now = self.now();
            let answer =
                self.service_provider().answer_logout_by_soap(connection, request, done.status, now)?;
            Ok(Some(answer))
        };
        match outcome.await {
            Ok(Some(envelope)) => soap(StatusCode::OK, envelope),
            Ok(None) => self.soap_unanswered(),
            Err(error) => self.soap_refused(&context, &error),
        }
    }

    /// Answers a request that was carried out for several connections, so that it is not known who asked.
    pub(crate) fn soap_unanswered(&self) -> Response<String> {
        soap(StatusCode::FORBIDDEN, self.service_provider().soap_fault().unwrap_or_default())
    }

    /// Returns the request to answer, if it is known who asked.
    fn logout_to_answer<'r>(
        &self,
        carried_out: &'r [(LogoutRequest, Connection)],
    ) -> Option<&'r (LogoutRequest, Connection)> {
        self.to_answer(carried_out, |identity_provider, binding| {
            identity_provider.single_logout_at(binding).map(|one| one.location_of_responses().to_owned())
        })
    }

    /// Answers with a fault that does not tell the reason.
    pub(crate) fn soap_refused(&self, context: &Context, error: &HttpError) -> Response<String> {
        let refused = self.refuse_in(context, error);
        let is_for_now = refused.status().is_server_error() || error.retry_after().is_some();
        let service_provider = self.service_provider();
        let fault = match is_for_now {
            true => service_provider.soap_fault_for_now(),
            false => service_provider.soap_fault(),
        };
        let mut response = soap(refused.status(), fault.unwrap_or_default());
        response
            .headers_mut()
            .extend(refused.headers().get(RETRY_AFTER).map(|seconds| (RETRY_AFTER, seconds.clone())));
        *response.extensions_mut() = refused.extensions().clone();
        response
    }

    async fn logout_message(
        &self,
        request: &Parts,
        body: &[u8],
        connection: Option<&str>,
        context: &mut Context,
    ) -> Result<Response<String>, HttpError> {
        let single_logout = self.inner.single_logout.as_ref().ok_or(HttpError::NoSingleLogout)?;
        let at = self.logout_address(connection, Carriage::Redirect).await?;
        let (incoming, permit) = self.open_brought(request, body, at, context).await?;
        if incoming.kind() == MessageKind::LogoutResponse {
            return self.logout_answered(single_logout, &request.headers, incoming, permit).await;
        }
        let done = self.carry_out(single_logout, incoming, connection, permit, context).await?;
        let Some((request, connection)) = self.logout_to_answer(&done.requests) else {
            return self.arrived(&LogoutJourney::default(), []).await;
        };
        let (relay_state, now) = (done.relay_state.as_ref(), self.now());
        let answered =
            self.service_provider().answer_logout(connection, request, relay_state, done.status, now);
        match answered {
            Ok(message) => carried_in_frame(&message, []),
            Err(error) => {
                // The sessions have ended. That the answer cannot be sent is only logged.
                tracing::warn!(connection = %connection.id(), code = error.code(), reason = %error, "a logout request was carried out and cannot be answered");
                self.arrived(&LogoutJourney::default(), []).await
            }
        }
    }

    /// Returns the address as the sender sees it: the service's, or the connection's own.
    async fn logout_address(&self, connection: Option<&str>, by: Carriage) -> Result<String, HttpError> {
        let of = |connection: Option<&Connection>| {
            let service_provider = self.service_provider();
            let address = match (connection, by) {
                (None, Carriage::Soap) => service_provider.single_logout_soap(),
                (None, _) => service_provider.single_logout(),
                (Some(connection), Carriage::Soap) => service_provider.single_logout_soap_for(connection),
                (Some(connection), _) => service_provider.single_logout_for(connection),
            };
            address.map(str::to_owned)
        };
        let Some(id) = connection else { return of(None).ok_or(HttpError::NoSingleLogout) };
        let found = self.find_by_address(id).await?.ok_or(HttpError::UnknownConnection)?;
        let own = of(Some(&found)).filter(|own| of(None).as_ref() != Some(own));
        own.ok_or(HttpError::NoSingleLogout)
    }

    /// Accepts a logout request once, remembers it, ends its sessions, and then records that this was done.
    async fn carry_out(
        &self,
        single_logout: &SingleLogout,
        incoming: IncomingMessage,
        connection: Option<&str>,
        permit: ReceivePermit,
        context: &mut Context,
    ) -> Result<CarriedOut, HttpError> {
        let expect = ExpectMessage::LogoutRequest;
        let believed = self.believe(incoming, connection, expect, permit, context).await?;
        let Believed { messages, too_many, relay_state, replay_key, permit: _permit } = believed;
        let (mut requests, mut failure) = (Vec::new(), too_many);
        for (message, connection) in messages {
            let Message::LogoutRequest(request) = message else { return Err(HttpError::NoSingleLogout) };
            // A connection whose sessions cannot be ended now does not keep those of others.
            match self.end_sessions(single_logout, &request).await {
                Ok(ended) => {
                    tracing::info!(connection = %connection.id(), ended, "an identity provider ended sessions")
                }
                Err(error) => failure = Some(error),
            }
            requests.push((request, connection));
        }
        if let Some(error) = failure {
            return Err(error);
        }
        // This comes last: a request that could not be carried out can be sent again. Two copies at the same time may
        // both be carried out, which ends no further sessions.
        self.inner.replays.insert_once(replay_key.hash(), replay_key.expires_at()).await?;
        Ok(CarriedOut { requests, relay_state, status: LogoutStatus::Success })
    }

    /// Ends the sessions. The identity provider may not send the request again, so a store that fails for a moment is
    /// tried again.
    async fn end_sessions(
        &self,
        single_logout: &SingleLogout,
        request: &LogoutRequest,
    ) -> Result<u64, HttpError> {
        let attempt = async || {
            self.remember(single_logout, request).await?;
            single_logout.sessions.end(request).await
        };
        for wait in AGAIN_AFTER {
            match attempt().await {
                Err(error) if error.is_outage() => {
                    tracing::warn!(connection = %request.connection(), code = error.code(), "a logout request could not be carried out, and is tried again");
                    tokio::time::sleep(wait).await;
                }
                outcome => return outcome,
            }
        }
        attempt().await
    }

    /// The logout is remembered first, then carried out. A sign-in at this moment either sees it, or its session is
    /// among those that end.
    async fn remember(&self, single_logout: &SingleLogout, request: &LogoutRequest) -> Result<(), HttpError> {
        let (logout, issued_at) = (LoggedOut::of(request), request.issued_at());
        single_logout.store.remember_logout(&logout, issued_at, self.now()).await?;
        Ok(())
    }

    /// Processes the answer to a request of ours, from the browser that carried the request: the sign-out continues.
    /// Any other answer changes nothing.
    async fn logout_answered(
        &self,
        single_logout: &SingleLogout,
        headers: &HeaderMap,
        incoming: IncomingMessage,
        permit: ReceivePermit,
    ) -> Result<Response<String>, HttpError> {
        let unasked = |reason| HttpError::Refused(unasked_message(MessageKind::LogoutResponse, reason));
        let Some((handle, secret)) = self.cookies().logout(headers) else {
            return Err(unasked("this browser has no sign-out on its way"));
        };
        // A reload of the page, or the back button, sends the answer again.
        let answered = self.answered_logout(incoming.in_response_to().unwrap_or_default())?;
        if handle == ANSWERED && secret == answered && self.cookies().session(headers).is_none() {
            return self.arrived(&LogoutJourney::default(), []).await;
        }
        let given_back = incoming.relay_state().map(RelayState::as_str).filter(|state| !state.is_empty());
        if given_back.is_some_and(|state| state != handle) {
            return Err(unasked("its RelayState is another sign-out's"));
        }
        let Some(pending) = single_logout.store.find_logout(&handle, self.now()).await? else {
            return Err(unasked("it was answered already, or too late"));
        };
        let bound = pending.bind(Some(&secret), self.service_provider().provider())?;
        let connection = self.inner.connections.find(bound.request().connection()).await?;
        let candidates: Vec<Connection> = connection.into_iter().collect();
        let permit = permit.over_connections(candidates.iter().map(Connection::id)).await?;
        let is_given_back = given_back.is_some();
        let judged = self.judge_answer(incoming, candidates, bound, permit).await;
        let (answer, bound, replay_key) = match judged {
            Err(HttpError::Refused(refusal)) if is_given_back => {
                return self.go_on_without(single_logout, &handle, &secret, refusal).await;
            }
            judged => judged?,
        };
        if !single_logout.store.remove_logout(&handle).await? {
            return Err(unasked("it was answered already"));
        }
        // From here on the request counts as answered: if the answer comes again, it finds no pending request.
        let recorded = self.inner.replays.insert_once(replay_key.hash(), replay_key.expires_at()).await;
        if let Err(failure) = recorded {
            tracing::warn!(code = failure.code(), reason = %failure, "the answer to a logout request could not be recorded");
        }
        let asked = bound.request().connection().clone();
        let mut journey = bound.into_journey();
        journey.note(&asked, answer.logout_outcome().into());
        let answered = self.answered_logout(answer.in_response_to())?;
        let cookies = self.cookies().note_answered_logout(&answered).into_iter().collect();
        self.travel(single_logout, journey, cookies).await
    }

    /// Tells the other identity providers although the answer of one is not believed. Only who received the request knows
    /// the RelayState that came back, so nobody else can shorten a sign-out in this way. If there is no other, the
    /// answer is refused, and a better one may still come.
    async fn go_on_without(
        &self,
        single_logout: &SingleLogout,
        handle: &str,
        secret: &str,
        refusal: Refusal,
    ) -> Result<Response<String>, HttpError> {
        let Some(pending) = single_logout.store.find_logout(handle, self.now()).await? else {
            return Err(refusal.into());
        };
        let bound = pending.bind(Some(secret), self.service_provider().provider())?;
        let asked = bound.request().connection().clone();
        let mut journey = bound.into_journey();
        if journey.clone().take_next().is_none() || !single_logout.store.remove_logout(handle).await? {
            return Err(refusal.into());
        }
        let reason = Quoted::new(&refusal.to_string()).to_string();
        tracing::warn!(connection = %asked, code = refusal.code(), reason, "the answer to a logout request is not believed");
        journey.note(&asked, LogoutAnswer::NotBelieved);
        let cookies = self.cookies().unbind_logout().into_iter().collect();
        self.travel(single_logout, journey, cookies).await
    }

    /// Returns the hash of the ID of a request that was answered.
    fn answered_logout(&self, request_id: &str) -> Result<String, HttpError> {
        let hash = self.service_provider().provider().sha256(request_id.as_bytes());
        Ok(hexadecimal(&hash.map_err(BindingError::from)?))
    }

    async fn judge_answer(
        &self,
        incoming: IncomingMessage,
        candidates: Vec<Connection>,
        bound: BoundLogout,
        permit: ReceivePermit,
    ) -> Result<(StatusAnswer, BoundLogout, ReplayKey), HttpError> {
        let (service_provider, now) = (self.service_provider().clone(), self.now());
        let (valid, bound) = elsewhere(move || {
            let _until_it_is_over = permit;
            let expect = ExpectMessage::LogoutReply(&bound);
            Ok((service_provider.receive_message(incoming, &candidates, expect, now)?, bound))
        })
        .await?;
        let replay_key = valid.replay_key();
        match self.confirm_message(valid).await? {
            Message::LogoutResponse(answer) => Ok((answer, bound, replay_key)),
            _ => Err(HttpError::NoSingleLogout),
        }
    }
}

pub(crate) fn soap(status: StatusCode, envelope: String) -> Response<String> {
    answer(status, "text/xml; charset=utf-8", envelope)
}
