//! Requests to an identity provider over SOAP (SAML Bindings 3.2), such as a logout request.

use std::fmt;

use chrono::{DateTime, Utc};
use vouchsafe_assertion::{
    Carriage, ClaimedMessage, ConnectionId, Message, MessageError, MessageExpectations, MessageId,
    MessageKind, OutstandingRequest, Refusal, StatusAnswer, Trust, authenticate_message,
};
use vouchsafe_metadata::Endpoint;

use crate::connection::Connection;
use crate::error::BindingError;
use crate::logout_message::soap_envelope;
use crate::message_route::{require_same, require_secure};
use crate::request::{Ends, message_id};
use crate::service_provider::ServiceProvider;

/// A request to send over SOAP: by HTTP POST to [`location`](Self::location), with the body as `text/xml` and the
/// header [`SOAPAction`](Self::SOAP_ACTION). The sender must limit the size of the answer and the time to wait for
/// it, and must not follow redirects, since the body names a person or holds an artifact. `Debug` does not show the
/// body.
#[must_use = "send it, and hand its answer to the service provider"]
pub struct SoapCall {
    location: String,
    body: String,
    pub(crate) connection: Connection,
    pub(crate) request: OutstandingRequest,
    /// The kind of message that answers it.
    answered_by: MessageKind,
}

impl fmt::Debug for SoapCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SoapCall")
            .field("location", &self.location)
            .field("connection", self.connection.id())
            .finish_non_exhaustive()
    }
}

impl SoapCall {
    /// The value of the header `SOAPAction` (SAML Bindings 3.2.2.1).
    pub const SOAP_ACTION: &str = "\"http://www.oasis-open.org/committees/security\"";

    /// The address to send it to.
    #[must_use]
    pub fn location(&self) -> &str {
        &self.location
    }

    /// The SOAP envelope.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.body
    }

    /// The connection whose identity provider is asked.
    #[must_use]
    pub fn connection(&self) -> &ConnectionId {
        self.connection.id()
    }
}

impl ServiceProvider {
    /// Makes a signed request for an endpoint of an identity provider, which a message of this kind answers.
    pub(crate) fn soap_call(
        &self,
        connection: &Connection,
        endpoint: &Endpoint,
        answered_by: MessageKind,
        now: DateTime<Utc>,
        write: impl FnOnce(&Ends<'_>) -> Result<String, BindingError>,
    ) -> Result<SoapCall, BindingError> {
        require_secure(connection, endpoint.address())?;
        let id = message_id(self.provider())?;
        let ends = Ends {
            id: &id,
            issuer: self.entity_id_for(connection).as_str(),
            destination: Some(endpoint.location()),
            issued_at: now,
        };
        let signed = self.enveloped(&write(&ends)?, &id, self.logout_signing(connection)?)?;
        let request = MessageId::new(id).map_err(|_| BindingError::StoredRequest { field: "request_id" })?;
        Ok(SoapCall {
            location: endpoint.location().to_owned(),
            body: soap_envelope(&signed),
            connection: connection.clone(),
            request: OutstandingRequest::new(request, now),
            answered_by,
        })
    }

    /// Makes the signed answer to a request that came over SOAP and belongs to this connection.
    pub(crate) fn soap_answer(
        &self,
        of: &ConnectionId,
        connection: &Connection,
        now: DateTime<Utc>,
        write: impl FnOnce(&Ends<'_>) -> Result<String, BindingError>,
    ) -> Result<String, BindingError> {
        require_same(of, connection)?;
        let signing = self.logout_signing(connection)?;
        let id = message_id(self.provider())?;
        let issuer = self.entity_id_for(connection).as_str();
        let answer = write(&Ends { id: &id, issuer, destination: None, issued_at: now })?;
        Ok(soap_envelope(&self.enveloped(&answer, &id, signing)?))
    }

    /// Checks the answer of the identity provider to a [logout](Self::logout_call) or to the change of a
    /// [name](Self::name_id_call), over the connection of the call. The answer must be signed: a TLS connection proves
    /// the owner of a host, and not the identity provider. The call is consumed, so it can be answered only once.
    ///
    /// # Errors
    /// A [`Refusal`] with the ledger of every rule.
    pub fn call_answered(
        &self,
        call: SoapCall,
        answer: &[u8],
        now: DateTime<Utc>,
    ) -> Result<StatusAnswer, Refusal> {
        let SoapCall { connection, request, answered_by, .. } = call;
        let address =
            self.message_address(Some(&connection), answered_by, Carriage::Soap).unwrap_or_default();
        let expectations = self.message_expectations(&connection, address)?.answering(request);
        let claimed = ClaimedMessage::in_soap(answer, self.limits())?;
        claimed.require_kind(&[answered_by])?;
        match self.answer_to_call(claimed, &*connection.trust(self)?, &expectations, now)? {
            Message::LogoutResponse(answer) | Message::ManageNameIdResponse(answer) => Ok(answer),
            other => Err(another_kind(answered_by, &other)),
        }
    }

    /// Checks a signed answer to a request of ours. The answer was read from the connection on which the request went
    /// out, and it names the request, so it cannot be a replay.
    pub(crate) fn answer_to_call(
        &self,
        claimed: ClaimedMessage,
        trust: &Trust,
        expectations: &MessageExpectations,
        now: DateTime<Utc>,
    ) -> Result<Message, Refusal> {
        let valid =
            authenticate_message(claimed, trust, self.limits())?.read()?.validate(expectations, now)?;
        let recorded = valid.replay_key().recorded(true);
        valid.confirm(recorded)
    }
}

/// The refusal of an answer whose kind is not the expected one.
pub(crate) fn another_kind(expected: MessageKind, found: &Message) -> Refusal {
    Refusal::new(MessageError::kind(vec![expected.to_string()], found.kind()).into())
}
