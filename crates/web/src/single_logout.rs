//! The single logout address: answers identity providers, by browser and from their own servers.

use http::header::RETRY_AFTER;
use http::request::Parts;
use http::{HeaderMap, Response, StatusCode};
use vouchsafe::crypto::hexadecimal;
use vouchsafe::xml::Quoted;
use vouchsafe::{
    BindingError, BoundLogout, ExpectMessage, IncomingMessage, LogoutAnswer, LogoutJourney, LogoutRequest,
    LogoutStatus, Message, MessageKind, Refusal, RelayState, ReplayKey, provisioning::LoggedOut,
    unasked_message,
};

use crate::answers::{Context, answer, carried_in_frame};
use crate::carry_out::{CarriedOut, Effect};
use crate::cookies::ANSWERED;
use crate::error::HttpError;
use crate::limiter::ReceivePermit;
use crate::logout_sessions::SingleLogout;
use crate::single_sign_on::SingleSignOn;
use crate::work::{again_if_down, to_the_end};

/// The effect of a logout request: its sessions end.
struct LogoutEffect {
    sso: SingleSignOn,
    single_logout: SingleLogout,
}

impl Effect for LogoutEffect {
    type Done = LogoutRequest;
    const EXPECT: ExpectMessage<'static> = ExpectMessage::LogoutRequest;

    async fn over(&self, message: Message, _is_alone: bool) -> Result<LogoutRequest, HttpError> {
        let Message::LogoutRequest(request) = message else { return Err(HttpError::NoSingleLogout) };
        let ended = self.sso.end_sessions(&self.single_logout, &request).await?;
        tracing::info!(connection = %request.connection(), ended, "an identity provider ended sessions");
        Ok(request)
    }
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
    /// envelope: with status 200 for a request that was carried out, with a fault (`Client`) and status 403 for a
    /// refused one, and with a fault (`Server`) and status 429 or 503 for one that can be sent again.
    pub async fn single_logout_by_soap(
        &self,
        request: &Parts,
        body: &[u8],
        connection: Option<&str>,
    ) -> Response<String> {
        let mut context = Context::of_sign_out(&request.headers);
        let outcome = async {
            let single_logout = self.inner.single_logout.as_ref().ok_or(HttpError::NoSingleLogout)?;
            let opened = self.open_soap((request, body), MessageKind::LogoutRequest, connection).await?;
            let done = self.end_all(single_logout, opened, connection, &mut context).await?;
            let Some((request, connection)) = self.to_answer_by_soap(&done) else { return Ok(None) };
            let (status, now) = (status_of(&done), self.now());
            Ok(Some(self.service_provider().answer_logout_by_soap(connection, request, status, now)?))
        };
        self.answered_by_soap(outcome.await, &context)
    }

    /// Answers a request over SOAP with its envelope, or with a fault that does not tell the reason. `None`: the
    /// request was carried out, and it is not known who asked.
    pub(crate) fn answered_by_soap(
        &self,
        outcome: Result<Option<String>, HttpError>,
        context: &Context,
    ) -> Response<String> {
        let error = match outcome {
            Ok(Some(envelope)) => return soap(StatusCode::OK, envelope),
            Ok(None) => {
                return soap(StatusCode::FORBIDDEN, self.service_provider().soap_fault().unwrap_or_default());
            }
            Err(error) => error,
        };
        let refused = self.refuse_in(context, &error);
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
        let kind = MessageKind::LogoutRequest;
        let (incoming, permit) = self.open_brought((request, body), kind, connection, context).await?;
        if incoming.kind() == MessageKind::LogoutResponse {
            return self.logout_answered(single_logout, &request.headers, incoming, permit).await;
        }
        let done = self.end_all(single_logout, (incoming, permit), connection, context).await?;
        let to_answer = self.to_answer(&done, |identity_provider, binding| {
            identity_provider.single_logout_at(binding).map(|one| one.location_of_responses().to_owned())
        });
        let Some((request, connection)) = to_answer else {
            return self.arrived(&LogoutJourney::default(), []).await;
        };
        let (relay_state, status, now) = (done.relay_state.as_ref(), status_of(&done), self.now());
        match self.service_provider().answer_logout(connection, request, relay_state, status, now) {
            Ok(message) => carried_in_frame(&message, []),
            Err(error) => {
                // The sessions have ended. That the answer cannot be sent is only logged.
                tracing::warn!(connection = %connection.id(), code = error.code(), reason = %error, "a logout request was carried out and cannot be answered");
                self.arrived(&LogoutJourney::default(), []).await
            }
        }
    }

    /// Accepts a logout request once, remembers it, and ends its sessions.
    async fn end_all(
        &self,
        single_logout: &SingleLogout,
        opened: (IncomingMessage, ReceivePermit),
        connection: Option<&str>,
        context: &mut Context,
    ) -> Result<CarriedOut<LogoutRequest>, HttpError> {
        let effect = LogoutEffect { sso: self.clone(), single_logout: single_logout.clone() };
        self.carry_out(opened, connection, effect, context).await
    }

    /// Ends the sessions. The identity provider may not send the request again, so a store that fails for a moment is
    /// tried again.
    async fn end_sessions(
        &self,
        single_logout: &SingleLogout,
        request: &LogoutRequest,
    ) -> Result<u64, HttpError> {
        again_if_down(request.connection(), || async {
            self.remember(single_logout, request).await?;
            single_logout.sessions.end(request).await
        })
        .await
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
        let look_up = async { Ok(self.inner.connections.find(bound.request().connection()).await?) };
        let (connection, permit) = permit.during(look_up).await?;
        let is_given_back = given_back.is_some();
        let judged = self
            .judge_reply(incoming, connection, bound, |bound| ExpectMessage::LogoutReply(bound), permit)
            .await;
        let (sso, single_logout) = (self.clone(), single_logout.clone());
        // The request is removed before the next identity provider is told, so both are done to the end.
        to_the_end(async move {
            match judged {
                Err(HttpError::Refused(refusal)) if is_given_back => {
                    sso.go_on_without(&single_logout, &handle, &secret, refusal).await
                }
                judged => sso.go_on(&single_logout, &handle, judged?).await,
            }
        })
        .await
    }

    /// Tells the other identity providers after one has answered.
    async fn go_on(
        &self,
        single_logout: &SingleLogout,
        handle: &str,
        (message, bound, replay_key): (Message, BoundLogout, ReplayKey),
    ) -> Result<Response<String>, HttpError> {
        let Message::LogoutResponse(answer) = message else { return Err(HttpError::NoSingleLogout) };
        if !single_logout.store.remove_logout(handle).await? {
            return Err(answered_already());
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

    /// Tells the other identity providers although the answer of one is not believed. Only who received the request
    /// knows the RelayState that came back, so nobody else can shorten a sign-out in this way. If there is no other,
    /// the answer is refused, and a better one may still come.
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
        let reason = refusal.to_string();
        tracing::warn!(connection = %asked, code = refusal.code(), reason = %Quoted::new(&reason), "the answer to a logout request is not believed");
        journey.note(&asked, LogoutAnswer::NotBelieved);
        let cookies = self.cookies().unbind_logout().into_iter().collect();
        self.travel(single_logout, journey, cookies).await
    }

    /// Returns the hash of the ID of a request that was answered.
    fn answered_logout(&self, request_id: &str) -> Result<String, HttpError> {
        let hash = self.service_provider().provider().sha256(request_id.as_bytes());
        Ok(hexadecimal(&hash.map_err(BindingError::from)?))
    }
}

/// Sessions over a connection that has the key and refuses the request go on.
fn status_of(done: &CarriedOut<LogoutRequest>) -> LogoutStatus {
    if done.others.is_empty() { LogoutStatus::Success } else { LogoutStatus::Partial }
}

fn answered_already() -> HttpError {
    HttpError::Refused(unasked_message(MessageKind::LogoutResponse, "it was answered already"))
}

fn soap(status: StatusCode, envelope: String) -> Response<String> {
    answer(status, "text/xml; charset=utf-8", envelope)
}
