//! The single logout address: what identity providers send there, by browser and from their own servers.

use std::time::Duration;

use http::request::Parts;
use http::{HeaderMap, Response, StatusCode};
use vouchsafe::{
    BoundLogout, Carriage, Connection, ExpectMessage, IncomingMessage, LogoutRequest, LogoutStatus, Message,
    MessageKind, RelayState, ReplayKey, SentMessage, StatusAnswer, provisioning::Identity, unasked_message,
};

use crate::answers::{Context, answer, carried_in_frame};
use crate::believed::Believed;
use crate::check::elsewhere;
use crate::error::HttpError;
use crate::limiter::ReceivePermit;
use crate::logout::{SingleLogout, meant_by};
use crate::single_sign_on::SingleSignOn;

/// After how long a store that fails is asked again.
const AGAIN_AFTER: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(250)];

/// A logout request that was accepted and carried out.
struct CarriedOut {
    request: LogoutRequest,
    connection: Connection,
    relay_state: Option<RelayState>,
    status: LogoutStatus,
}

impl SingleSignOn {
    /// Answers what a browser brings to the single logout address, in the query of a GET or in the form of a POST: a logout request of an
    /// identity provider's, which ends sessions and is answered by the way it came, or the answer to one of ours. `connection` is the name in the
    /// address, where a connection has a [logout address of its own](vouchsafe::ConnectionSettings::single_logout).
    ///
    /// What is not believed changes nothing, and no reason is told to the browser.
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

    /// Answers what an identity provider's own server sends to the SOAP address: a logout request. The answer is an envelope, with status 200
    /// for a request that was carried out, and with a fault and status 403 for one that was not believed.
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
            let now = self.now();
            Ok(self.service_provider().answer_logout_by_soap(
                &done.connection,
                &done.request,
                done.status,
                now,
            )?)
        };
        match outcome.await {
            Ok(envelope) => soap(StatusCode::OK, envelope),
            Err(error) => self.soap_refused(&context, &error),
        }
    }

    /// A fault that does not tell why.
    pub(crate) fn soap_refused(&self, context: &Context, error: &HttpError) -> Response<String> {
        let refused = self.refuse_in(context, error);
        let fault = self.service_provider().soap_fault().unwrap_or_default();
        let mut response = soap(refused.status(), fault);
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
        let (relay_state, now) = (done.relay_state.as_ref(), self.now());
        let answered = self.service_provider().answer_logout(
            &done.connection,
            &done.request,
            relay_state,
            done.status,
            now,
        );
        match answered {
            Ok(message) => carried_in_frame(&message, []),
            Err(error) => {
                // The sessions are over. That nobody can be told so is the log's.
                tracing::warn!(connection = %done.connection.id(), code = error.code(), reason = %error, "a logout request was carried out and cannot be answered");
                self.arrived(&vouchsafe::LogoutJourney::default(), []).await
            }
        }
    }

    /// The address as the sender sees it: the service's, or the connection's own.
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
        let found = self.find_connection(id).await?.ok_or(HttpError::UnknownConnection)?;
        let own = of(Some(&found)).filter(|own| of(None).as_ref() != Some(own));
        own.ok_or(HttpError::UnknownConnection)
    }

    /// Believes a logout request once, remembers it, ends the sessions that it means, and then records that it did.
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
        let Believed { message, connection, relay_state, replay_key, permit: _permit } = believed;
        let Message::LogoutRequest(request) = message else { return Err(HttpError::NoSingleLogout) };
        let ended = self.end_sessions(single_logout, &request).await?;
        // Last: a request that could not be carried out is taken again. Of two copies at the same time both may be, which ends no more.
        self.inner.replays.insert_once(replay_key.hash(), replay_key.expires_at()).await?;
        tracing::info!(connection = %connection.id(), ended, "an identity provider ended sessions");
        Ok(CarriedOut { request, connection, relay_state, status: LogoutStatus::Success })
    }

    /// The identity provider may not ask again, so a store that fails for a moment is asked again.
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

    /// First remembered, then carried out: a sign-in that is being made at this moment either sees it, or its session is among those that end.
    async fn remember(&self, single_logout: &SingleLogout, request: &LogoutRequest) -> Result<(), HttpError> {
        let person = Identity::of_logout_request(request);
        let (issued_at, now) = (request.issued_at(), self.now());
        for session_index in meant_by(request) {
            single_logout.store.remember_logout(&person, session_index, issued_at, now).await?;
        }
        Ok(())
    }

    /// The answer to a request of ours, from the browser that was sent: the sign-out goes on. Any other answer changes nothing.
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
        let (answer, bound, replay_key) = self.judge_answer(incoming, candidates, bound, permit).await?;
        if !single_logout.store.remove_logout(&handle).await? {
            return Err(unasked("it was answered already"));
        }
        // That it was answered is what counts from here on: the answer finds no request when it comes again.
        let recorded = self.inner.replays.insert_once(replay_key.hash(), replay_key.expires_at()).await;
        if let Err(failure) = recorded {
            tracing::warn!(code = failure.code(), reason = %failure, "the answer to a logout request could not be recorded");
        }
        let asked = bound.request().connection().clone();
        let mut journey = bound.into_journey();
        journey.note(&asked, answer.logout_outcome().into());
        let cookies = self.cookies().unbind_logout().into_iter().collect();
        self.travel(single_logout, journey, cookies).await
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
