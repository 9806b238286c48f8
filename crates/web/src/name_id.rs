//! The address for messages about names (SAML Profiles 4.5): the requests of identity providers, by browser and from
//! their own servers, and the requests of this service to them.

use std::sync::Arc;

use http::Response;
use http::request::Parts;
use vouchsafe::{
    BindingError, Connection, ExpectMessage, IncomingMessage, ManageNameIdRequest, Message, MessageKind,
    NameIdOrder, NameIdStatus, StatusAnswer, unasked_message,
};

use crate::answers::{Context, carried, carried_in_frame, see_other, with_query};
use crate::carry_out::{CarriedOut, Effect};
use crate::error::HttpError;
use crate::limiter::ReceivePermit;
use crate::logout::BACK_CHANNEL_TIME;
use crate::manages_names::ManagesNames;
use crate::replies::SoapReply;
use crate::single_sign_on::SingleSignOn;
use crate::work::{again_if_down, to_the_end};

/// The query parameter of the path to return to, if the identity provider changed the name.
pub const NAME_CHANGED: (&str, &str) = ("name", "changed");
/// The query parameter of the path to return to, if the identity provider did not change the name.
pub const NAME_NOT_CHANGED: (&str, &str) = ("name", "unchanged");

/// A request, with its result over one connection.
type Changed = (ManageNameIdRequest, NameIdStatus);

const SEVERAL: &str = "Several connections have the key that signed the request, or one of those to its identity provider cannot be used, so that its keys are not known. Give each of them an address of its own: ConnectionSettings::name_id_management";

/// The effect of a request about a name: the sessions under the old name end. An account is changed only if nobody
/// else can have configured the key: otherwise a stranger's connection would learn the new name.
struct NameEffect(Arc<dyn ManagesNames>);

impl Effect for NameEffect {
    type Done = Changed;
    const EXPECT: ExpectMessage<'static> = ExpectMessage::NameIdRequest;

    async fn over(&self, message: Message, is_alone: bool) -> Result<Changed, HttpError> {
        let Message::ManageNameIdRequest(request) = message else {
            return Err(HttpError::NoNameIdManagement);
        };
        self.0.end_sessions(&request).await?;
        let status = match is_alone {
            true => self.0.requested(&request).await?,
            false => NameIdStatus::Denied,
        };
        tracing::info!(connection = %request.connection(), ?status, change = ?request.change(), "an identity provider manages a name");
        Ok((request, status))
    }
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
                let (sso, connection) = (self.clone(), connection.clone());
                // What the identity provider confirms is carried out here, also after the browser is gone.
                to_the_end(async move {
                    let answer = sso.order_over_soap(&connection, &order).await?;
                    // The answer does not come again.
                    let carried_out = || sso.ordered(&order, answer.as_ref(), back.as_str());
                    again_if_down(connection.id(), carried_out).await
                })
                .await
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
            let names = self.inner.names.as_ref().ok_or(HttpError::NoNameIdManagement)?;
            let opened =
                self.open_soap((request, body), MessageKind::ManageNameIdRequest, connection).await?;
            let done = self.change_all(names, opened, connection, &mut context).await?;
            let Some(((request, status), connection)) = self.to_answer_by_soap(&done) else {
                return Ok(None);
            };
            let (service_provider, now) = (self.service_provider(), self.now());
            Ok(Some(service_provider.answer_name_id_request_by_soap(connection, request, *status, now)?))
        };
        self.answered_by_soap(outcome.await, &context)
    }

    async fn name_id_message(
        &self,
        request: &Parts,
        body: &[u8],
        connection: Option<&str>,
        context: &mut Context,
    ) -> Result<Response<String>, HttpError> {
        let names = self.inner.names.as_ref().ok_or(HttpError::NoNameIdManagement)?;
        let kind = MessageKind::ManageNameIdRequest;
        let (incoming, permit) = self.open_brought((request, body), kind, connection, context).await?;
        if incoming.kind() == MessageKind::ManageNameIdResponse {
            return self.name_id_answered(request, incoming, permit).await;
        }
        let done = self.change_all(names, (incoming, permit), connection, context).await?;
        let to_answer = self.to_answer(&done, |identity_provider, binding| {
            identity_provider.name_id_management_at(binding).map(|one| one.location_of_responses().to_owned())
        });
        let Some(((request, status), connection)) = to_answer else {
            return see_other(&self.inner.sign_in_page, []);
        };
        let (relay_state, now) = (done.relay_state.as_ref(), self.now());
        let service_provider = self.service_provider();
        let answer =
            service_provider.answer_name_id_request(connection, request, relay_state, *status, now)?;
        carried_in_frame(&answer, [])
    }

    /// Accepts a request once, and lets the application carry it out.
    async fn change_all(
        &self,
        names: &Arc<dyn ManagesNames>,
        opened: (IncomingMessage, ReceivePermit),
        connection: Option<&str>,
        context: &mut Context,
    ) -> Result<CarriedOut<Changed>, HttpError> {
        let done = self.carry_out(opened, connection, NameEffect(Arc::clone(names)), context).await?;
        if !done.is_alone {
            tracing::warn!(hint = SEVERAL, "a name is not changed");
        }
        Ok(done)
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
        let look_up = async { Ok(self.inner.connections.find(bound.request().connection()).await?) };
        let (connection, permit) = permit.during(look_up).await?;
        let connection = connection.ok_or(HttpError::UnknownConnection)?;
        let (message, bound, _) = self
            .judge_reply(incoming, Some(connection), bound, |bound| ExpectMessage::NameIdReply(bound), permit)
            .await?;
        let Message::ManageNameIdResponse(answer) = message else {
            return Err(HttpError::NoNameIdManagement);
        };
        // The change is carried out first. If it fails, it is carried out when the answer comes again. Two copies at
        // the same time may both be carried out, with the same result.
        let back = self.inner.return_paths.choose(bound.request().return_to());
        let (sso, removed) = (self.clone(), handle.clone());
        let mut answered = to_the_end(async move {
            let answered = sso.ordered(&order, Some(&answer), back.as_str()).await?;
            match sso.inner.pending.remove_pending(&removed).await? {
                true => Ok(answered),
                false => Err(unasked("it was answered already")),
            }
        })
        .await?;
        let unbound = self.cookies().unbind(&request.headers, &handle);
        answered.headers_mut().extend(unbound.map(|cookie| (http::header::SET_COOKIE, cookie)));
        Ok(answered)
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
        Ok(match self.ask_over_soap(send, call, "the change of a name", BACK_CHANNEL_TIME).await {
            SoapReply::Accepted(answer) => Some(*answer),
            SoapReply::Refused | SoapReply::Silent => None,
        })
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
