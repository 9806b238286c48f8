//! A message that was parsed once and is not verified yet.

use std::fmt;

use vouchsafe_crypto::base64_decode;
use vouchsafe_metadata::EntityId;
use vouchsafe_signature::{MessageParameter, NotInflated, UnverifiedQuery, inflate};
use vouchsafe_xml::{Document, Element, Limits};

use crate::envelope::Issuer;
use crate::error::AssertionError;
use crate::ledger::{Check, Ledger, Outcome};
use crate::message::{MessageError, MessageKind, soap};
use crate::refusal::Refusal;

/// The binding by which a message came.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Carriage {
    /// A form (saml-bindings-2.0-os 3.5). The message has an enveloped signature.
    Post,
    /// A query (3.4). The query is signed.
    Redirect,
    /// A form whose fields are signed (HTTP-POST-SimpleSign).
    SimpleSign,
    /// A SOAP envelope (3.2). The message has an enveloped signature.
    Soap,
}

impl Carriage {
    /// Returns whether a browser carried the message.
    #[must_use]
    pub fn is_front_channel(self) -> bool {
        self != Carriage::Soap
    }
}

/// The bytes that the signature covers.
pub(super) enum Signed {
    /// The message's element has the signature.
    Enveloped,
    /// The query, unchanged from the address.
    Query(String),
    /// Nothing: the query has no signature. One in the message does not count, since it does not cover the RelayState.
    Nothing,
    /// The fields of the form, decoded.
    Form(Vec<(String, String)>),
}

/// A protocol message that was parsed once and is not verified yet.
///
/// It tells its claimed kind, its claimed sender and the request that it claims to answer. Use them only to *look up*
/// a connection and a pending request, and to *refuse*; all of them are compared with the authentic bytes afterwards.
/// [`authenticate_message`](crate::authenticate_message) consumes the value, which gives access to nothing else:
///
/// ```compile_fail,E0599
/// # use vouchsafe_assertion::ClaimedMessage;
/// fn who(claimed: &ClaimedMessage) -> String {
///     claimed.name_id().value().to_owned() // error: no such method
/// }
/// ```
///
/// ```compile_fail,E0277
/// # use vouchsafe_assertion::{AuthenticMessage, ClaimedMessage};
/// fn forge(claimed: ClaimedMessage) -> AuthenticMessage<'static> {
///     claimed.into() // error: nothing becomes authentic by conversion
/// }
/// ```
pub struct ClaimedMessage {
    pub(super) document: Document,
    pub(super) signed: Signed,
    pub(super) ledger: Ledger,
    carriage: Carriage,
    kind: MessageKind,
    issuer: Option<EntityId>,
    in_response_to: Option<String>,
    relay_state: Option<String>,
}

impl ClaimedMessage {
    /// Reads a message that was posted in this field of a form, decoded from base64. The RelayState of the form is
    /// not signed.
    ///
    /// # Errors
    /// A [`Refusal`] if the bytes are not acceptable XML (`xml.*`), not a message of a [`MessageKind`]
    /// (`message.not_a_message`), or in the wrong field (`message.parameter`).
    pub fn posted(
        parameter: MessageParameter,
        message: &[u8],
        relay_state: Option<String>,
        limits: &Limits,
    ) -> Result<ClaimedMessage, Refusal> {
        let document = Document::parse(message, limits)?;
        ClaimedMessage::of(document, Carriage::Post, Signed::Enveloped, Some(parameter), relay_state)
    }

    /// Reads a message from the raw query string of an address (the part after `?`), which must be unchanged.
    ///
    /// # Errors
    /// The same as for [`posted`](Self::posted); `signature.query` if a parameter is missing, repeated or disguised;
    /// `message.encoding` if the message is not DEFLATE in base64.
    pub fn in_query(raw_query: &str, limits: &Limits) -> Result<ClaimedMessage, Refusal> {
        let query = UnverifiedQuery::read(raw_query).map_err(AssertionError::from)?;
        let document = Document::parse(&inflated(query.message(), limits)?, limits)?;
        let relay_state = query.relay_state().map(str::to_owned);
        let signed = match query.claims_signature() {
            true => Signed::Query(raw_query.to_owned()),
            false => Signed::Nothing,
        };
        ClaimedMessage::of(document, Carriage::Redirect, signed, Some(query.parameter()), relay_state)
    }

    /// Reads a message from a signed form (HTTP-POST-SimpleSign). `fields` are all fields of the form, decoded.
    ///
    /// # Errors
    /// The same as for [`posted`](Self::posted); `message.encoding` if the form does not contain exactly one message,
    /// or if it is not base64.
    pub fn in_form(fields: Vec<(String, String)>, limits: &Limits) -> Result<ClaimedMessage, Refusal> {
        let named = |name: &'static str| {
            fields.iter().filter(move |(field, _)| field == name).map(|(_, value)| value)
        };
        let messages = [MessageParameter::Request, MessageParameter::Response]
            .map(|parameter| named(parameter.name()).map(move |value| (parameter, value)));
        let mut messages = messages.into_iter().flatten();
        let (Some((parameter, message)), None) = (messages.next(), messages.next()) else {
            return Err(encoding("the form holds no message, or several"));
        };
        let message = base64_decode(message).map_err(|_| encoding("it is not base64"))?;
        let relay_state = named("RelayState").next().cloned();
        let document = Document::parse(&message, limits)?;
        drop(messages);
        ClaimedMessage::of(document, Carriage::SimpleSign, Signed::Form(fields), Some(parameter), relay_state)
    }

    /// Reads a message from the Body of a SOAP 1.1 envelope.
    ///
    /// # Errors
    /// The same as for [`posted`](Self::posted); `message.soap` if the envelope is not valid, `message.soap_fault` if
    /// it contains a fault.
    pub fn in_soap(envelope: &[u8], limits: &Limits) -> Result<ClaimedMessage, Refusal> {
        let document = Document::parse(envelope, limits)?;
        ClaimedMessage::of(document, Carriage::Soap, Signed::Enveloped, None, None)
    }

    fn of(
        document: Document,
        carriage: Carriage,
        signed: Signed,
        parameter: Option<MessageParameter>,
        relay_state: Option<String>,
    ) -> Result<ClaimedMessage, Refusal> {
        let message = element(&document, carriage).map_err(|error| failed(error, "no message"))?;
        let Some(kind) = MessageKind::of(message) else {
            let (namespace, name) = (message.namespace().to_owned(), message.local_name().to_owned());
            let actual = name.clone();
            return Err(failed(MessageError::NotAMessage { namespace, name }, actual));
        };
        if let Some(parameter) = parameter.filter(|parameter| *parameter != kind.parameter()) {
            return Err(failed(
                MessageError::Parameter { parameter: parameter.name(), actual: kind },
                kind.name(),
            ));
        }
        let mut ledger = Ledger::default();
        ledger.record(Check::new(ROOT, CLAUSE, Outcome::Passed).expected(kind.name()).same());
        let issuer = Issuer::read(message).and_then(|issuer| EntityId::new(issuer.value).ok());
        let in_response_to = message.attribute("InResponseTo").map(str::to_owned);
        Ok(ClaimedMessage { document, signed, ledger, carriage, kind, issuer, in_response_to, relay_state })
    }

    /// The claimed kind of the message.
    #[must_use]
    pub fn kind(&self) -> MessageKind {
        self.kind
    }

    /// The binding by which the message came.
    #[must_use]
    pub fn carriage(&self) -> Carriage {
        self.carriage
    }

    /// The claimed sender; `None` if the message names none. Use it only to find the connections whose keys to try.
    #[must_use]
    pub fn issuer(&self) -> Option<&EntityId> {
        self.issuer.as_ref()
    }

    /// The ID of the request that the message claims to answer. Use it only to find that request.
    #[must_use]
    pub fn in_response_to(&self) -> Option<&str> {
        self.in_response_to.as_deref()
    }

    /// The RelayState of the message. It is untrusted.
    #[must_use]
    pub fn relay_state(&self) -> Option<&str> {
        self.relay_state.as_deref()
    }

    /// Returns whether the message's element has a signature. This proves nothing; use it only to choose how to
    /// process the message.
    #[must_use]
    pub fn carries_signature(&self) -> bool {
        element(&self.document, self.carriage).is_ok_and(vouchsafe_signature::has_signature)
    }

    /// Refuses a message whose kind is not one of these.
    ///
    /// # Errors
    /// `message.kind`.
    pub fn require_kind(&self, expected: &[MessageKind]) -> Result<(), Refusal> {
        if expected.contains(&self.kind) {
            return Ok(());
        }
        let expected = expected.iter().map(ToString::to_string).collect();
        Err(failed(MessageError::Kind { expected, actual: self.kind }, self.kind.name()))
    }
}

/// The element of the message in its document.
pub(super) fn element(document: &Document, carriage: Carriage) -> Result<Element<'_>, MessageError> {
    match carriage {
        Carriage::Soap => soap::content(document.root()),
        Carriage::Post | Carriage::Redirect | Carriage::SimpleSign => Ok(document.root()),
    }
}

const ROOT: &str = "message.root";
const CLAUSE: &str = "saml-core-2.0-os 3.2";

fn failed(error: MessageError, actual: impl Into<crate::ledger_text::Text>) -> Refusal {
    let check =
        Check::new(ROOT, CLAUSE, Outcome::Failed).expected("a message that is taken here").actual(actual);
    Refusal::by(error.into(), check)
}

fn encoding(reason: &'static str) -> Refusal {
    failed(MessageError::Encoding { reason }, reason)
}

/// Inflates the message of a query: base64 of a DEFLATE stream.
fn inflated(message: &str, limits: &Limits) -> Result<Vec<u8>, Refusal> {
    let deflated = base64_decode(message).map_err(|_| encoding("it is not base64"))?;
    inflate(&deflated, limits.inflated_bytes).map_err(|error| match error {
        NotInflated::TooLarge => encoding("it is larger than is read here"),
        _ => encoding("it is not a raw DEFLATE stream"),
    })
}

impl fmt::Debug for ClaimedMessage {
    /// Shows the data that may be shown, and no content of the message.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClaimedMessage")
            .field("kind", &self.kind)
            .field("carriage", &self.carriage)
            .field("issuer", &self.issuer)
            .field("in_response_to", &self.in_response_to)
            .finish_non_exhaustive()
    }
}
