//! Messages other than a Response: read from a query, a form or a SOAP envelope, and checked until they are accepted.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use vouchsafe_assertion::{
    Carriage, ClaimedMessage, ConnectionId, MOST_CANDIDATES, MessageError, MessageExpectations, MessageId,
    MessageKind, OutstandingRequest, Refusal, Trust, ValidMessage, authenticate_message, choose_for_message,
};
use vouchsafe_crypto::base64_decode;
use vouchsafe_metadata::EntityId;
use vouchsafe_signature::MessageParameter;
use vouchsafe_xml::Limits;

use crate::connection::{Connection, ConnectionState};
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
    claimed: ClaimedMessage,
    received_at: Arc<str>,
    relay_state: Option<RelayState>,
    sent: SentMessage,
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
struct Waiting<'p> {
    connection: &'p ConnectionId,
    request_id: &'p str,
    issued_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

impl<'p> ExpectMessage<'p> {
    fn kinds(self) -> &'static [MessageKind] {
        match self {
            ExpectMessage::LogoutRequest => &[MessageKind::LogoutRequest],
            ExpectMessage::NameIdRequest => &[MessageKind::ManageNameIdRequest],
            ExpectMessage::LogoutReply(_) => &[MessageKind::LogoutResponse],
            ExpectMessage::NameIdReply(_) => &[MessageKind::ManageNameIdResponse],
        }
    }

    fn waiting(self) -> Option<Waiting<'p>> {
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

    /// Decides whether to accept a message: finds the connection, authenticates the message, reads what was signed,
    /// and checks it against what is expected.
    ///
    /// `candidates` are the connections that the message may belong to: for an answer, the connection that was asked;
    /// otherwise those of the claimed issuer. The result is valid but may be a replay: record its
    /// [`replay_key`](ValidMessage::replay_key), then [`confirm`](ValidMessage::confirm) it. Like
    /// [`receive`](Self::receive), this method does no I/O.
    ///
    /// # Errors
    /// A [`Refusal`], which carries the first error and the ledger of every rule that was checked.
    pub fn receive_message(
        &self,
        incoming: IncomingMessage,
        candidates: &[Connection],
        expect: ExpectMessage<'_>,
        now: DateTime<Utc>,
    ) -> Result<ValidMessage, Refusal> {
        let IncomingMessage { claimed, received_at, .. } = incoming;
        claimed.require_kind(expect.kinds())?;
        if let ExpectMessage::NameIdReply(bound) = expect
            && bound.request().name_id_order().is_none()
        {
            return Err(unasked_message(MessageKind::ManageNameIdResponse, "what waits is a sign-in"));
        }
        if let Some(waiting) = expect.waiting().filter(|waiting| now >= waiting.expires_at) {
            return Err(Refusal::request_expired(waiting.expires_at));
        }
        let mut usable: Vec<(&Connection, Arc<Trust>)> = Vec::new();
        let mut reason = None;
        for connection in candidates {
            match self.may_have_sent(connection, &claimed, &received_at, expect, now) {
                Ok(Some(trust)) => usable.push((connection, trust)),
                Ok(None) => {}
                Err(refusal) => reason = Some(refusal),
            }
        }
        if usable.is_empty() {
            let name = claimed.issuer().map(|issuer| issuer.as_str()).unwrap_or_default();
            return Err(reason.unwrap_or_else(|| Refusal::unknown_issuer(name, [])));
        }
        let trusts: Vec<&Trust> = usable.iter().map(|(_, trust)| trust.as_ref()).collect();
        let chosen = choose_for_message(&claimed, &trusts, self.limits())?.connection().clone();
        let Some((connection, trust)) = usable.iter().find(|(connection, _)| *connection.id() == chosen)
        else {
            return Err(Refusal::unknown_issuer("", []));
        };
        let mut expectations = self.message_expectations(connection, received_at)?;
        if let Some(waiting) = expect.waiting() {
            let request = MessageId::new(waiting.request_id)?;
            expectations = expectations.answering(OutstandingRequest::new(request, waiting.issued_at));
        }
        authenticate_message(claimed, trust, self.limits())?.read()?.validate(&expectations, now)
    }

    /// Does the same as [`receive_message`](Self::receive_message) for a request of an identity provider, which may
    /// belong to several connections: they have the identity provider and the key that signed in common. Public keys
    /// are public, so anybody can configure such a connection, and must not thereby prevent that sessions of others
    /// end. That holds for up to 16 active connections with one entity ID and one address; give connections of
    /// different customers addresses of their own, and it holds for any number.
    ///
    /// Carry the request out for each of them. It names people of its own connection alone, so that of one customer
    /// reaches nobody of another. Answer it only if all of them have the same address for answers. The messages have
    /// one [`replay_key`](ValidMessage::replay_key).
    ///
    /// # Errors
    /// The same as for [`receive_message`](Self::receive_message). It is ambiguous only if there are more than
    /// [`MOST_CANDIDATES`].
    pub fn receive_request(
        &self,
        incoming: IncomingMessage,
        candidates: &[Connection],
        expect: ExpectMessage<'_>,
        now: DateTime<Utc>,
    ) -> Result<Vec<ValidMessage>, Refusal> {
        let (sent, received_at) = (incoming.sent.clone(), Arc::clone(&incoming.received_at));
        let refusal = match self.receive_message(incoming, candidates, expect, now) {
            Ok(valid) => return Ok(vec![valid]),
            Err(refusal) => refusal,
        };
        // The key that signed was found, and several connections have it.
        let is_shared =
            refusal.code() == "assertion.connection_ambiguous" && candidates.len() <= MOST_CANDIDATES;
        let mut valid = Vec::new();
        for candidate in candidates.iter().filter(|_| is_shared) {
            let incoming = self.open_message(sent.clone(), &received_at)?;
            let alone = std::slice::from_ref(candidate);
            // A connection that cannot read the request, such as one without its decryption key, has no say.
            valid.extend(self.receive_message(incoming, alone, expect, now).ok());
        }
        if valid.is_empty() { Err(refusal) } else { Ok(valid) }
    }

    /// Returns `Ok(None)` if the message does not belong to the connection.
    fn may_have_sent(
        &self,
        connection: &Connection,
        claimed: &ClaimedMessage,
        received_at: &str,
        expect: ExpectMessage<'_>,
        now: DateTime<Utc>,
    ) -> Result<Option<Arc<Trust>>, Refusal> {
        let ours = self.own_address_for(connection, claimed.kind(), claimed.carriage());
        if ours != Some(received_at) {
            return Ok(None);
        }
        let identity_provider = connection.identity_provider();
        let is_of_issuer = claimed.issuer() == Some(identity_provider.entity_id());
        match expect.waiting() {
            Some(waiting) if waiting.connection != connection.id() => return Ok(None),
            Some(_) if !is_of_issuer => {
                let actual = claimed.issuer().map(|issuer| issuer.as_str()).unwrap_or_default();
                return Err(Refusal::unexpected_issuer(identity_provider.entity_id().as_str(), actual));
            }
            None if !is_of_issuer => return Ok(None),
            _ => {}
        }
        // A request ends sessions only over an active connection. An answer to a request of ours may still come after
        // the connection's state changed.
        let is_open = match expect.waiting() {
            // It changes nothing but the page, and the person was already sent away.
            Some(_) if matches!(expect, ExpectMessage::LogoutReply(_)) => true,
            Some(_) => connection.state() != ConnectionState::Retired,
            None => connection.state() == ConnectionState::Active,
        };
        if !is_open {
            return Err(Refusal::connection_state(connection.id(), connection.state().name()));
        }
        identity_provider.check_validity(now).map_err(Refusal::metadata)?;
        Ok(Some(connection.trust(self)?))
    }

    pub(crate) fn message_expectations(
        &self,
        connection: &Connection,
        received_at: impl Into<Arc<str>>,
    ) -> Result<MessageExpectations, Refusal> {
        let expectations = MessageExpectations::new(self.entity_id_for(connection).clone(), received_at);
        let expectations = expectations.with_clock_skew(self.clock_skew_for(connection))?;
        let by_session_index = connection.settings().ends_by_session_index();
        let expectations = expectations.ending_by_session_index(by_session_index);
        Ok(match self.maximum_message_age_for(connection) {
            Some(age) => expectations.with_maximum_age(age.min(MessageExpectations::MAXIMUM_AGE)),
            None => expectations,
        })
    }
}

/// The refusal of a message that answers no pending logout. It is for callers that find none in their store.
#[must_use]
pub fn unasked_message(kind: MessageKind, reason: &'static str) -> Refusal {
    Refusal::new(MessageError::unasked(kind, reason).into())
}
