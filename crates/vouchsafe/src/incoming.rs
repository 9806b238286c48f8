//! Messages other than a Response: read from a query, a form or a SOAP envelope, and what is expected of them.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use vouchsafe_assertion::{Carriage, ClaimedMessage, ConnectionId, MessageKind, Refusal};
use vouchsafe_crypto::base64_decode;
use vouchsafe_metadata::EntityId;
use vouchsafe_signature::MessageParameter;
use vouchsafe_xml::Limits;

use crate::error::BindingError;
use crate::field_content::FieldContent;
use crate::form;
use crate::logout_journey::{BoundLogout, PendingLogout};
use crate::pending::BoundRequest;
use crate::posted::not_xml;
use crate::redirect::{encoded_limit, require_at_most};
use crate::relay_state::RelayState;
use crate::service_provider::ServiceProvider;

/// A message as it was received: bytes of limited size, of which nothing is verified yet. `Debug` does not show the
/// bytes.
///
/// ```
/// use vouchsafe::{Limits, SentMessage};
///
/// let limits = Limits::default();
/// let sent = SentMessage::from_form(b"SAMLRequest=PGEvPg%3D%3D&RelayState=9f2c", &limits)?;
/// assert_eq!(sent.relay_state().map(|state| state.as_str()), Some("9f2c"));
/// assert!(SentMessage::from_form(b"SAMLRequest=PGEvPg&SAMLResponse=PGEvPg", &limits).is_err());
/// # Ok::<(), vouchsafe::BindingError>(())
/// ```
#[derive(Clone)]
pub struct SentMessage {
    shape: Shape,
    relay_state: Option<RelayState>,
}

#[derive(Clone)]
enum Shape {
    Query(String),
    Posted(MessageParameter, Vec<u8>),
    SignedForm(Vec<(String, String)>),
    Soap(Vec<u8>),
}

impl SentMessage {
    /// Reads the raw query string of the requested address (the part after `?`).
    ///
    /// # Errors
    /// [`BindingError::TooLarge`], [`BindingError::NoMessage`].
    pub fn from_query(raw_query: &str, limits: &Limits) -> Result<SentMessage, BindingError> {
        require_at_most("query string", raw_query.len(), encoded_limit(limits))?;
        if raw_query.is_empty() {
            return Err(BindingError::NoMessage);
        }
        Ok(SentMessage { shape: Shape::Query(raw_query.to_owned()), relay_state: None })
    }

    /// Reads the raw body of a POST, `application/x-www-form-urlencoded`: exactly one message and at most one
    /// RelayState. If it has fields named `SigAlg` and `Signature`, the binding is HTTP-POST-SimpleSign.
    ///
    /// # Errors
    /// [`BindingError::NoMessage`], [`BindingError::FieldRepeated`], [`BindingError::TooLarge`], [`BindingError::NotBase64`], [`BindingError::NotXml`].
    pub fn from_form(body: &[u8], limits: &Limits) -> Result<SentMessage, BindingError> {
        // Every byte of the field may be percent-encoded, which makes three bytes of one.
        require_at_most("form", body.len(), encoded_limit(limits).saturating_mul(3))?;
        let parameters = [MessageParameter::Request, MessageParameter::Response];
        let found = parameters.map(|parameter| form::optional(body, parameter.name()));
        let [request, response] = found;
        let (parameter, value) = match (request?, response?) {
            (Some(value), None) => (MessageParameter::Request, value),
            (None, Some(value)) => (MessageParameter::Response, value),
            (None, None) => {
                return Err(BindingError::NoMessage);
            }
            (Some(_), Some(_)) => {
                return Err(BindingError::FieldRepeated { name: MessageParameter::Request.name(), count: 2 });
            }
        };
        let relay_state = form::optional(body, "RelayState")?;
        let bytes = decoded(parameter.name(), &value, limits)?;
        let shape = match form::signed(body, (parameter.name(), &value), relay_state.as_deref())? {
            None => Shape::Posted(parameter, bytes),
            Some(fields) => Shape::SignedForm(fields),
        };
        Ok(SentMessage { shape, relay_state: relay_state.map(RelayState::received) })
    }

    /// Reads the body of a SOAP request, or of the answer to one.
    ///
    /// # Errors
    /// [`BindingError::TooLarge`].
    pub fn from_soap(body: &[u8], limits: &Limits) -> Result<SentMessage, BindingError> {
        require_at_most("SOAP envelope", body.len(), limits.input_bytes)?;
        Ok(SentMessage { shape: Shape::Soap(body.to_owned()), relay_state: None })
    }

    /// The RelayState of a posted message. It is untrusted. [`IncomingMessage::relay_state`] returns that of a query.
    #[must_use]
    pub fn relay_state(&self) -> Option<&RelayState> {
        self.relay_state.as_ref()
    }
}

pub(crate) fn decoded(name: &'static str, value: &str, limits: &Limits) -> Result<Vec<u8>, BindingError> {
    require_at_most(name, value.len(), encoded_limit(limits))?;
    let content = || FieldContent::of(value.as_bytes());
    let bytes = base64_decode(value).map_err(|_| BindingError::NotBase64 { name, content: content() })?;
    require_at_most("message", bytes.len(), limits.input_bytes)?;
    match not_xml(value, &bytes) {
        Some(content) => Err(BindingError::NotXml { name, content }),
        None => Ok(bytes),
    }
}

impl std::fmt::Debug for SentMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SentMessage").finish_non_exhaustive()
    }
}

/// A message that was opened and is not verified yet. It tells only what is needed for look-ups.
#[derive(Debug)]
pub struct IncomingMessage {
    pub(crate) claimed: ClaimedMessage,
    pub(crate) received_at: Arc<str>,
    relay_state: Option<RelayState>,
    /// The message as it was received, to be parsed again for another connection.
    pub(crate) sent: SentMessage,
}

impl IncomingMessage {
    /// The claimed kind of the message.
    #[must_use]
    pub fn kind(&self) -> MessageKind {
        self.claimed.kind()
    }

    /// The binding by which the message came.
    #[must_use]
    pub fn carriage(&self) -> Carriage {
        self.claimed.carriage()
    }

    /// The claimed issuer. Use it only to look up connections.
    #[must_use]
    pub fn issuer(&self) -> Option<&EntityId> {
        self.claimed.issuer()
    }

    /// The ID of the request that the message claims to answer. Use it only to look up that request.
    #[must_use]
    pub fn in_response_to(&self) -> Option<&str> {
        self.claimed.in_response_to()
    }

    /// The RelayState of the message. It is untrusted.
    #[must_use]
    pub fn relay_state(&self) -> Option<&RelayState> {
        self.relay_state.as_ref()
    }

    /// The address at which it was received.
    #[must_use]
    pub fn received_at(&self) -> &str {
        &self.received_at
    }

    /// Returns the message as it was received. It is smaller than the parsed document: keep it alone while something else
    /// is awaited, and [open](ServiceProvider::open_message) it again.
    #[must_use]
    pub fn into_sent(self) -> SentMessage {
        self.sent
    }
}

/// The kind of message that is expected.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum ExpectMessage<'p> {
    /// A request of an identity provider to end sessions.
    LogoutRequest,
    /// A request of an identity provider to change or to end a name.
    NameIdRequest,
    /// The answer to this logout request, over the connection that was asked, by the browser that carried the
    /// request.
    LogoutReply(&'p BoundLogout),
    /// The answer to this [order](crate::NameIdOrder), over the connection that was asked, by the browser that
    /// carried the request.
    NameIdReply(&'p BoundRequest),
}

/// A request of ours that waits for its answer.
#[derive(Clone, Copy)]
pub(crate) struct Waiting<'p> {
    pub(crate) connection: &'p ConnectionId,
    pub(crate) request_id: &'p str,
    pub(crate) issued_at: DateTime<Utc>,
    pub(crate) expires_at: DateTime<Utc>,
}

impl<'p> ExpectMessage<'p> {
    pub(crate) fn kinds(self) -> &'static [MessageKind] {
        match self {
            ExpectMessage::LogoutRequest => &[MessageKind::LogoutRequest],
            ExpectMessage::NameIdRequest => &[MessageKind::ManageNameIdRequest],
            ExpectMessage::LogoutReply(_) => &[MessageKind::LogoutResponse],
            ExpectMessage::NameIdReply(_) => &[MessageKind::ManageNameIdResponse],
        }
    }

    pub(crate) fn waiting(self) -> Option<Waiting<'p>> {
        match self {
            ExpectMessage::LogoutRequest | ExpectMessage::NameIdRequest => None,
            ExpectMessage::LogoutReply(bound) => {
                let pending: &PendingLogout = bound.request();
                Some(Waiting {
                    connection: pending.connection(),
                    request_id: pending.request_id(),
                    issued_at: pending.issued_at(),
                    expires_at: pending.expires_at(),
                })
            }
            ExpectMessage::NameIdReply(bound) => {
                let pending = bound.request();
                Some(Waiting {
                    connection: pending.connection(),
                    request_id: pending.request_id(),
                    issued_at: pending.issued_at(),
                    expires_at: pending.expires_at(),
                })
            }
        }
    }
}

impl ServiceProvider {
    /// Parses a message that was received at an address of ours, as the sender sees that address, and reads its
    /// claimed issuer and request.
    ///
    /// # Errors
    /// A [`Refusal`] if the bytes are not acceptable XML, or not a message that a service provider receives.
    pub fn open_message(&self, sent: SentMessage, received_at: &str) -> Result<IncomingMessage, Refusal> {
        let limits = self.limits();
        let claimed = match &sent.shape {
            Shape::Query(query) => ClaimedMessage::in_query(query, limits)?,
            Shape::Posted(parameter, bytes) => ClaimedMessage::posted(*parameter, bytes, None, limits)?,
            Shape::SignedForm(fields) => ClaimedMessage::in_form(fields.clone(), limits)?,
            Shape::Soap(bytes) => ClaimedMessage::in_soap(bytes, limits)?,
        };
        let relay_state = sent.relay_state.clone();
        let relay_state = relay_state.or_else(|| claimed.relay_state().map(RelayState::received));
        Ok(IncomingMessage { claimed, received_at: received_at.into(), relay_state, sent })
    }
}
