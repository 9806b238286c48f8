//! The address for messages about names (SAML Profiles 4.5): the requests of identity providers, by browser and from
//! their own servers, and the requests of this service to them.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::request::Parts;
use http::{Response, StatusCode};
use vouchsafe::xml::Quoted;
use vouchsafe::{
    BindingError, BoundRequest, Carriage, Connection, ExpectMessage, IncomingMessage, ManageNameIdRequest,
    Message, MessageKind, NameIdOrder, NameIdStatus, RelayState, SentMessage, StatusAnswer, unasked_message,
};

use crate::answers::{Context, carried, carried_in_frame, see_other, with_query};
use crate::believed::Believed;
use crate::check::elsewhere;
use crate::error::HttpError;
use crate::limiter::ReceivePermit;
use crate::logout::BACK_CHANNEL_TIME;
use crate::single_logout::soap;
use crate::single_sign_on::SingleSignOn;

/// The query parameter of the path to return to, if the identity provider changed the name.
pub const NAME_CHANGED: (&str, &str) = ("name", "changed");
/// The query parameter of the path to return to, if the identity provider did not change the name.
pub const NAME_NOT_CHANGED: (&str, &str) = ("name", "unchanged");

/// The names of an application's people that identity providers manage. [`Provisioned`](crate::Provisioned)
/// implements it.
pub trait ManagesNames: Send + Sync + fmt::Debug {
    /// An identity provider gives a person a new name, or states that the old one is no longer used. Compare the
    /// whole name, over its connection. Carry the change out at once, since the answer states the result.
    ///
    /// If a name ends, end its sessions. If a name changes, its sessions should end too, since single logout finds
    /// them by the name. An assertion that was issued before the request ([`ManageNameIdRequest::issued_at`]) and
    /// arrives after it still has the old name: treat it like one that arrives after a logout.
    fn requested<'a>(&'a self, request: &'a ManageNameIdRequest) -> Managed<'a, NameIdStatus>;

    /// An identity provider confirmed a [request of this service](SingleSignOn::order_name_id).
    fn confirmed<'a>(&'a self, answer: &'a StatusAnswer, order: &'a NameIdOrder) -> Managed<'a, ()>;
}

/// The result of [`ManagesNames`].
pub type Managed<'a, T> = Pin<Box<dyn Future<Output = Result<T, HttpError>> + Send + 'a>>;

/// A request that was accepted and carried out, for each connection that it belongs to, with its result there.
struct CarriedOut {
    requests: Vec<((ManageNameIdRequest, NameIdStatus), Connection)>,
    relay_state: Option<RelayState>,
}

impl SingleSignOn {
    /// Lets identity providers manage the names of their people, if the service provider has an [address for
    /// it](vouchsafe::Builder::name_id_management).
    #[must_use]
    pub fn names_managed_by(self, names: Arc<dyn ManagesNames>) -> SingleSignOn {
        self.changed(|inner| inner.names = Some(names))
    }

    /// Returns whether identity providers manage the names of their people.
    pub(crate) fn has_names_managed(&self) -> bool {
        self.inner.names.is_some()
    }

    /// Requests from the identity provider of an order to change or to end a name. The browser carries the request and
    /// returns to `return_to` (if that is on the list of allowed paths) with [`NAME_CHANGED`] or [`NAME_NOT_CHANGED`]
    /// in the query. SOAP is used if the identity provider accepts nothing else.
    ///
    /// `request` must come from a page of our own or from the person directly, as for [`sign_out`](Self::sign_out);
    /// `holds_session_cookie` has the same meaning as there. Each order counts like the start of a sign-in.
    ///
    /// # Errors
    /// [`HttpError::CrossSite`], [`HttpError::TooManyStarts`], [`HttpError::UnknownConnection`],
    /// [`HttpError::NoNameIdManagement`], [`HttpError::Binding`], [`HttpError::Store`].
    pub async fn order_name_id(
        &self,
        request: &Parts,
        holds_session_cookie: bool,
        order: NameIdOrder,
        return_to: &str,
    ) -> Result<Response<String>, HttpError> {
        self.own_pages_only(&request.headers, holds_session_cookie)?;
        self.count_start(request)?;
        let connection = self.inner.connections.find(order.connection()).await?;
        let connection = &connection.ok_or(HttpError::UnknownConnection)?;
        self.inner.starts.count_over(connection.id(), self.now())?;
        let back = self.inner.return_paths.choose(Some(return_to));
        let (asked, now) = (Some(back.as_str().to_owned()), self.now());
        match self.service_provider().start_name_id_order(connection, order.clone(), asked, now) {
            Ok(started) => {
                let cookie = self.keep_bound(&request.headers, &started.pending, &started.binding).await?;
                carried(&started.request, [cookie])
            }
            Err(BindingError::NoNameIdManagement { .. }) => {
                let answer = self.order_over_soap(connection, &order).await?;
                self.ordered(&order, answer.as_ref(), back.as_str()).await
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Answers a message that a browser carries to the address for names, in the query of a GET or in the form of a
    /// POST: a request of an identity provider, or the answer to one of ours. `connection` is the name in the
    /// address, if a connection has an [address of its own](vouchsafe::ConnectionSettings::name_id_management).
    ///
    /// A refused message changes nothing, and the browser is not told the reason.
    pub async fn name_id(&self, request: &Parts, body: &[u8], connection: Option<&str>) -> Response<String> {
        let mut context = Context::of_name_change(&request.headers);
        let outcome = self.name_id_message(request, body, connection, &mut context).await;
        outcome.unwrap_or_else(|error| self.refuse_in(&context, &error))
    }

    /// Answers a message that an identity provider's server sends to the SOAP address. The answer is an envelope:
    /// with status 200 for an accepted request, and with a fault and status 403 for a refused one.
    pub async fn name_id_by_soap(
        &self,
        request: &Parts,
        body: &[u8],
        connection: Option<&str>,
    ) -> Response<String> {
        let mut context = Context::of_name_change(&request.headers);
        let outcome = async {
            let at = self.name_id_address(connection, Carriage::Soap).await?;
            let sent = SentMessage::from_soap(body, self.service_provider().limits())?;
            let (incoming, permit) = self.open_message(request, sent, at, body.len()).await?;
            let done = self.carry_out_name_id(incoming, connection, permit, &mut context).await?;
            let Some(((request, status), connection)) = self.name_id_to_answer(&done.requests) else {
                return Ok(None);
            };
            let (service_provider, now) = (self.service_provider(), self.now());
            Ok(Some(service_provider.answer_name_id_request_by_soap(connection, request, *status, now)?))
        };
        match outcome.await {
            Ok(Some(envelope)) => soap(StatusCode::OK, envelope),
            Ok(None) => self.soap_unanswered(),
            Err(error) => self.soap_refused(&context, &error),
        }
    }

    async fn name_id_message(
        &self,
        request: &Parts,
        body: &[u8],
        connection: Option<&str>,
        context: &mut Context,
    ) -> Result<Response<String>, HttpError> {
        let at = self.name_id_address(connection, Carriage::Redirect).await?;
        let (incoming, permit) = self.open_brought(request, body, at, context).await?;
        if incoming.kind() == MessageKind::ManageNameIdResponse {
            return self.name_id_answered(request, incoming, permit).await;
        }
        let done = self.carry_out_name_id(incoming, connection, permit, context).await?;
        let Some(((request, status), connection)) = self.name_id_to_answer(&done.requests) else {
            return see_other(&self.inner.sign_in_page, []);
        };
        let (relay_state, now) = (done.relay_state.as_ref(), self.now());
        let service_provider = self.service_provider();
        let answer =
            service_provider.answer_name_id_request(connection, request, relay_state, *status, now)?;
        carried_in_frame(&answer, [])
    }

    /// Returns the request to answer, if it is known who asked.
    fn name_id_to_answer<'r>(
        &self,
        carried_out: &'r [((ManageNameIdRequest, NameIdStatus), Connection)],
    ) -> Option<&'r ((ManageNameIdRequest, NameIdStatus), Connection)> {
        self.to_answer(carried_out, |identity_provider, binding| {
            identity_provider.name_id_management_at(binding).map(|one| one.location_of_responses().to_owned())
        })
    }

    /// Returns the address as the sender sees it: the service's, or the connection's own.
    async fn name_id_address(&self, connection: Option<&str>, by: Carriage) -> Result<String, HttpError> {
        if self.inner.names.is_none() {
            return Err(HttpError::NoNameIdManagement);
        }
        let service_provider = self.service_provider();
        let common = match by {
            Carriage::Soap => service_provider.name_id_management_soap(),
            _ => service_provider.name_id_management(),
        };
        let Some(id) = connection else {
            return common.map(str::to_owned).ok_or(HttpError::NoNameIdManagement);
        };
        let found = self.find_by_address(id).await?.ok_or(HttpError::UnknownConnection)?;
        let own = match by {
            Carriage::Soap => service_provider.name_id_management_soap_for(&found),
            _ => service_provider.name_id_management_for(&found),
        };
        own.filter(|own| common != Some(own)).map(str::to_owned).ok_or(HttpError::NoNameIdManagement)
    }

    /// Accepts a request once, and lets the application carry it out.
    async fn carry_out_name_id(
        &self,
        incoming: IncomingMessage,
        connection: Option<&str>,
        permit: ReceivePermit,
        context: &mut Context,
    ) -> Result<CarriedOut, HttpError> {
        let names = self.inner.names.as_ref().ok_or(HttpError::NoNameIdManagement)?;
        let expect = ExpectMessage::NameIdRequest;
        let believed = self.believe(incoming, connection, expect, permit, context).await?;
        let Believed { messages, too_many, relay_state, replay_key, permit: _permit } = believed;
        let (mut requests, mut failure) = (Vec::new(), too_many);
        for (message, connection) in messages {
            let Message::ManageNameIdRequest(request) = message else {
                return Err(HttpError::NoNameIdManagement);
            };
            match names.requested(&request).await {
                Ok(status) => {
                    tracing::info!(connection = %connection.id(), ?status, change = ?request.change(), "an identity provider manages a name");
                    requests.push(((request, status), connection));
                }
                Err(error) => failure = Some(error),
            }
        }
        if let Some(error) = failure {
            return Err(error);
        }
        // This comes last: a request that could not be carried out can be sent again.
        self.inner.replays.insert_once(replay_key.hash(), replay_key.expires_at()).await?;
        Ok(CarriedOut { requests, relay_state })
    }

    /// Processes the answer to a request of ours, from the browser that carried the request.
    async fn name_id_answered(
        &self,
        request: &Parts,
        incoming: IncomingMessage,
        permit: ReceivePermit,
    ) -> Result<Response<String>, HttpError> {
        let unasked = |reason| HttpError::Refused(unasked_message(MessageKind::ManageNameIdResponse, reason));
        let (relay_state, answers) = (incoming.relay_state(), incoming.in_response_to());
        let Some(bound) = self.awaited(&request.headers, relay_state, answers).await? else {
            return Err(unasked("this browser waits for no answer, or it was answered already, or too late"));
        };
        let handle = bound.request().handle().to_owned();
        let Some(order) = bound.request().name_id_order().cloned() else {
            return Err(unasked("this browser asked for a sign-in"));
        };
        let connection = self.inner.connections.find(bound.request().connection()).await?;
        let connection = connection.ok_or(HttpError::UnknownConnection)?;
        let permit = permit.over_connections([connection.id()]).await?;
        let (answer, bound) = self.judge_name_id_answer(incoming, &connection, bound, permit).await?;
        // The change is carried out first. If it fails, it is carried out when the answer comes again. Two copies at
        // the same time may both be carried out, with the same result.
        let back = self.inner.return_paths.choose(bound.request().return_to());
        let mut answered = self.ordered(&order, Some(&answer), back.as_str()).await?;
        if !self.inner.pending.remove_pending(&handle).await? {
            return Err(unasked("it was answered already"));
        }
        let unbound = self.cookies().unbind(&request.headers, &handle);
        answered.headers_mut().extend(unbound.map(|cookie| (http::header::SET_COOKIE, cookie)));
        Ok(answered)
    }

    async fn judge_name_id_answer(
        &self,
        incoming: IncomingMessage,
        connection: &Connection,
        bound: BoundRequest,
        permit: ReceivePermit,
    ) -> Result<(StatusAnswer, BoundRequest), HttpError> {
        let (service_provider, connection, now) =
            (self.service_provider().clone(), connection.clone(), self.now());
        let (valid, bound) = elsewhere(move || {
            let _until_it_is_over = permit;
            let expect = ExpectMessage::NameIdReply(&bound);
            let candidates = std::slice::from_ref(&connection);
            Ok((service_provider.receive_message(incoming, candidates, expect, now)?, bound))
        })
        .await?;
        match self.confirm_message(valid).await? {
            Message::ManageNameIdResponse(answer) => Ok((answer, bound)),
            _ => Err(HttpError::NoNameIdManagement),
        }
    }

    /// Returns the answer of an identity provider over SOAP; `None` if it does not answer, or if its answer is
    /// refused.
    async fn order_over_soap(
        &self,
        connection: &Connection,
        order: &NameIdOrder,
    ) -> Result<Option<StatusAnswer>, HttpError> {
        let call = self.service_provider().name_id_call(connection, order, self.now())?;
        let Some(send) = &self.inner.back_channel else { return Err(HttpError::NoNameIdManagement) };
        let answered = match tokio::time::timeout(BACK_CHANNEL_TIME, send(&call)).await {
            Ok(Ok(answered)) => answered,
            outcome => {
                let cause = outcome.err().map(|late| late.to_string());
                tracing::warn!(connection = %connection.id(), cause, "an identity provider did not answer a change of a name");
                return Ok(None);
            }
        };
        let (service_provider, now) = (self.service_provider().clone(), self.now());
        let judged =
            elsewhere(move || Ok(service_provider.name_id_call_answered(call, &answered, now))).await?;
        Ok(judged
            .inspect_err(|refusal| {
                let reason = Quoted::new(&refusal.to_string()).to_string();
                tracing::warn!(connection = %connection.id(), code = refusal.code(), reason, "the answer to a change of a name is not believed");
            })
            .ok())
    }

    /// After an answer, carries out a confirmed change, and sends the browser on.
    async fn ordered(
        &self,
        order: &NameIdOrder,
        answer: Option<&StatusAnswer>,
        back: &str,
    ) -> Result<Response<String>, HttpError> {
        let done = answer.filter(|answer| answer.is_success());
        if let (Some(answer), Some(names)) = (done, &self.inner.names) {
            names.confirmed(answer, order).await?;
        }
        let said = if done.is_some() { NAME_CHANGED } else { NAME_NOT_CHANGED };
        see_other(&with_query(back, &[said]), [])
    }
}
