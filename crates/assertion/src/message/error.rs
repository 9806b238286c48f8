//! The errors that refuse a message other than a Response.

use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe_xml::Quoted;

use crate::error_words::{list, missed, near, or_none};
use crate::instant::Shown;
use crate::message::MessageKind;

/// The reason why a logout message, a message about a name identifier or the answer to an artifact was refused.
///
/// It is part of a [`Refusal`](crate::Refusal), as [`AssertionError::Message`](crate::AssertionError::Message).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// The element is not a message that a service provider receives.
    #[error(
        "expected a logout message or another message of a service provider's, found {} in namespace {}",
        Quoted::new(name),
        Quoted::new(namespace)
    )]
    #[non_exhaustive]
    NotAMessage {
        /// The namespace of the element.
        namespace: String,
        /// The local name of the element.
        name: String,
    },
    /// This address does not accept messages of this kind.
    #[error("expected {}, found a {actual}", list(expected))]
    #[non_exhaustive]
    Kind {
        /// The accepted kinds.
        expected: Vec<String>,
        /// The kind of the message.
        actual: MessageKind,
    },
    /// A request came as a response, or the other way round.
    #[error("the parameter {parameter} holds a {actual}")]
    #[non_exhaustive]
    Parameter {
        /// `SAMLRequest` or `SAMLResponse`.
        parameter: &'static str,
        /// The kind of the message in it.
        actual: MessageKind,
    },
    /// The message of a query is not encoded correctly.
    #[error("the message of the query: {reason}")]
    #[non_exhaustive]
    Encoding {
        /// What is wrong.
        reason: &'static str,
    },
    /// The SOAP envelope around the message is not valid.
    #[error("the SOAP envelope: {reason}")]
    #[non_exhaustive]
    Soap {
        /// What is wrong.
        reason: &'static str,
    },
    /// The other side answered with a SOAP fault.
    #[error("the other side answered with a SOAP fault, {}{}", Quoted::new(code), fault_text(text))]
    #[non_exhaustive]
    Fault {
        /// The code of the fault.
        code: String,
        /// The text of the fault.
        text: String,
    },
    /// The message has no signature of its own.
    #[error("the {kind} carries no signature of its own")]
    #[non_exhaustive]
    Unsigned {
        /// The kind of the message.
        kind: MessageKind,
    },
    /// The version of SAML is not 2.0.
    #[error("{kind}: expected Version \"2.0\", found {}", Quoted::new(actual))]
    #[non_exhaustive]
    Version {
        /// The kind of the message.
        kind: MessageKind,
        /// The version in the message.
        actual: String,
    },
    /// The message comes from another identity provider, or names no issuer.
    #[error("{kind}/Issuer: expected {}, found {}{}", Quoted::new(expected), or_none(actual.as_deref()), near(expected, actual.as_deref()))]
    #[non_exhaustive]
    Issuer {
        /// The kind of the message.
        kind: MessageKind,
        /// The entity ID of the identity provider.
        expected: String,
        /// The issuer in the message.
        actual: Option<String>,
    },
    /// The Issuer's Format is not that of an entity.
    #[error("{kind}/Issuer/@Format: expected none or that of an entity, found {}", Quoted::new(actual))]
    #[non_exhaustive]
    IssuerFormat {
        /// The kind of the message.
        kind: MessageKind,
        /// The Format in the message.
        actual: String,
    },
    /// The message was issued too long ago, or in the future.
    #[error("{kind}/@IssueInstant: {} is not within the last {} s; the time here is {}, with {} s of skew", Shown(*instant), maximum_age.num_seconds(), Shown(*now), skew.num_seconds())]
    #[non_exhaustive]
    IssueInstant {
        /// The kind of the message.
        kind: MessageKind,
        /// When the message was issued.
        instant: DateTime<Utc>,
        /// The time at the receiver.
        now: DateTime<Utc>,
        /// The allowed difference of the clocks.
        skew: TimeDelta,
        /// The maximum age.
        maximum_age: TimeDelta,
    },
    /// The answer is older than its request.
    #[error("{kind}/@IssueInstant: {} is earlier than the request, {}, with {} s of skew", Shown(*instant), Shown(*issued_at), skew.num_seconds())]
    #[non_exhaustive]
    IssuedBeforeRequest {
        /// The kind of the message.
        kind: MessageKind,
        /// When the message was issued.
        instant: DateTime<Utc>,
        /// When the request was issued.
        issued_at: DateTime<Utc>,
        /// The allowed difference of the clocks.
        skew: TimeDelta,
    },
    /// The message is for another address.
    #[error("{kind}/@Destination: expected {}, found {}{}", Quoted::new(expected), or_none(actual.as_deref()), near(expected, actual.as_deref()))]
    #[non_exhaustive]
    Destination {
        /// The kind of the message.
        kind: MessageKind,
        /// The address at which it was received.
        expected: String,
        /// The address in the message.
        actual: Option<String>,
    },
    /// The message answers another request, or none.
    #[error("{kind}/@InResponseTo: expected {}, found {}", or_none(expected.as_deref()), or_none(actual.as_deref()))]
    #[non_exhaustive]
    InResponseTo {
        /// The kind of the message.
        kind: MessageKind,
        /// The ID of the request that waits for its answer.
        expected: Option<String>,
        /// The ID in the message.
        actual: Option<String>,
    },
    /// The request has expired.
    #[error("{kind}/@NotOnOrAfter: {}; the time here is {}, with {} s of skew{}", Shown(*not_on_or_after), Shown(*now), skew.num_seconds(), missed(Some(*not_on_or_after), *now))]
    #[non_exhaustive]
    Expired {
        /// The kind of the message.
        kind: MessageKind,
        /// The value in the message.
        not_on_or_after: DateTime<Utc>,
        /// The time at the receiver.
        now: DateTime<Utc>,
        /// The allowed difference of the clocks.
        skew: TimeDelta,
    },
    /// The message does not name a person.
    #[error("{kind}: {reason}")]
    #[non_exhaustive]
    NameId {
        /// The kind of the message.
        kind: MessageKind,
        /// What is wrong.
        reason: &'static str,
    },
    /// The request names more sessions than one person has, or a name is longer than a sign-in allows.
    #[error("{kind}: more than 100 SessionIndexes, or one of more than 1,024 characters")]
    #[non_exhaustive]
    SessionIndexes {
        /// The kind of the message.
        kind: MessageKind,
    },
    /// The value is not a valid artifact.
    #[error("the artifact: {reason}")]
    #[non_exhaustive]
    Artifact {
        /// What is wrong.
        reason: &'static str,
    },
    /// The artifact belongs to another identity provider.
    #[error(
        "the artifact does not come from {}: its SourceID is not the SHA-1 of that entity ID",
        Quoted::new(expected)
    )]
    #[non_exhaustive]
    ArtifactSource {
        /// The entity ID of the identity provider that was asked, or whose connection received it.
        expected: String,
    },
    /// No identity provider of an active connection has the SourceID of the artifact.
    #[error("no identity provider that is known here has the SourceID of the artifact")]
    ArtifactSourceUnknown,
    /// The artifact names a resolution service that the metadata does not have.
    #[error(
        "the artifact names the resolution service {index} of {}; its metadata has {}",
        Quoted::new(entity_id),
        indexes(known)
    )]
    #[non_exhaustive]
    ArtifactIndex {
        /// The index in the artifact.
        index: u16,
        /// The entity ID of the identity provider.
        entity_id: String,
        /// The indexes of the services for SOAP in its metadata.
        known: Vec<u16>,
    },
    /// Several connections have the identity provider that the artifact names.
    #[error("the artifact could belong to any of {count} connections to one identity provider")]
    #[non_exhaustive]
    ArtifactAmbiguous {
        /// The number of connections.
        count: usize,
    },
    /// The artifact was already resolved.
    #[error("this artifact has been resolved already")]
    ArtifactUsed,
    /// The identity provider answered that it does not resolve the artifact.
    #[error("the identity provider does not resolve the artifact: {}{}", list(codes), message.as_deref().map(|text| format!(", {}", Quoted::new(text))).unwrap_or_default())]
    #[non_exhaustive]
    Status {
        /// The status codes, from the outermost to the innermost.
        codes: Vec<String>,
        /// The status message.
        message: Option<String>,
    },
    /// The identity provider has no message for the artifact, or the artifact was resolved before.
    #[error("the identity provider has no response for the artifact")]
    NoResponse,
    /// The message was already accepted once.
    #[error("this message has been used already")]
    Replayed,
    /// The record of first use belongs to another message.
    #[error("the record of first use is that of another message")]
    OtherMessage,
    /// The message answers no request of this browser.
    #[error("a {kind} came that answers no request of this browser: {reason}")]
    #[non_exhaustive]
    Unasked {
        /// The kind of the message.
        kind: MessageKind,
        /// The reason.
        reason: &'static str,
    },
}

fn indexes(known: &[u16]) -> String {
    if known.is_empty() {
        return "none".to_owned();
    }
    known.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")
}

fn fault_text(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(": {}", Quoted::new(text)) }
}

impl MessageError {
    /// The error of a message that answers no request of this browser.
    #[must_use]
    pub fn unasked(kind: MessageKind, reason: &'static str) -> MessageError {
        MessageError::Unasked { kind, reason }
    }

    /// The error of a message without a signature of its own.
    #[must_use]
    pub fn unsigned(kind: MessageKind) -> MessageError {
        MessageError::Unsigned { kind }
    }

    /// The error of a message whose kind is not accepted.
    #[must_use]
    pub fn kind(expected: Vec<String>, actual: MessageKind) -> MessageError {
        MessageError::Kind { expected, actual }
    }

    /// The error of an artifact that belongs to an identity provider other than this one.
    #[must_use]
    pub fn artifact_source(expected: impl Into<String>) -> MessageError {
        MessageError::ArtifactSource { expected: expected.into() }
    }

    /// The error of an artifact that may belong to several connections.
    #[must_use]
    pub fn artifact_ambiguous(count: usize) -> MessageError {
        MessageError::ArtifactAmbiguous { count }
    }

    /// The error of an artifact with an index that the metadata of this identity provider does not have.
    #[must_use]
    pub fn artifact_index(index: u16, entity_id: impl Into<String>, known: Vec<u16>) -> MessageError {
        MessageError::ArtifactIndex { index, entity_id: entity_id.into(), known }
    }

    /// Returns the stable code: `message.` and a word.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAMessage { .. } => "message.not_a_message",
            Self::Kind { .. } => "message.kind",
            Self::Parameter { .. } => "message.parameter",
            Self::Encoding { .. } => "message.encoding",
            Self::Soap { .. } => "message.soap",
            Self::Fault { .. } => "message.soap_fault",
            Self::Unsigned { .. } => "message.unsigned",
            Self::Version { .. } => "message.version",
            Self::Issuer { .. } => "message.issuer",
            Self::IssuerFormat { .. } => "message.issuer_format",
            Self::IssueInstant { .. } => "message.issue_instant",
            Self::IssuedBeforeRequest { .. } => "message.issued_before_request",
            Self::Destination { .. } => "message.destination",
            Self::InResponseTo { .. } => "message.in_response_to",
            Self::Expired { .. } => "message.expired",
            Self::NameId { .. } => "message.name_id",
            Self::SessionIndexes { .. } => "message.session_indexes",
            Self::Artifact { .. } => "message.artifact",
            Self::ArtifactSource { .. } => "message.artifact_source",
            Self::ArtifactSourceUnknown => "message.artifact_source_unknown",
            Self::ArtifactIndex { .. } => "message.artifact_index",
            Self::ArtifactAmbiguous { .. } => "message.artifact_ambiguous",
            Self::ArtifactUsed => "message.artifact_used",
            Self::Status { .. } => "message.status",
            Self::NoResponse => "message.no_response",
            Self::Replayed => "message.replayed",
            Self::OtherMessage => "message.other_message",
            Self::Unasked { .. } => "message.unasked",
        }
    }

    /// Returns what an operator should change, in the words of the identity provider's console if they are known.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotAMessage { .. } | Self::Kind { .. } => {
                "Enter each address of this service in the field that it is for: the single logout address takes LogoutRequest and \
                 LogoutResponse (Okta: \"Single Logout URL\"), the assertion consumer takes Response."
            }
            Self::Parameter { .. } => {
                "A request travels as SAMLRequest and an answer as SAMLResponse: give the message to the identity provider's vendor."
            }
            Self::Encoding { .. } => {
                "The message of the HTTP-Redirect binding is raw DEFLATE, then base64, then percent-encoded."
            }
            Self::Soap { .. } => {
                "The address receives one SAML message in the Body of a SOAP 1.1 envelope (saml-bindings-2.0-os 3.2)."
            }
            Self::Fault { .. } => {
                "The identity provider could not process the request: its own log says why."
            }
            Self::Unsigned { .. } => {
                "Have the identity provider sign its logout messages (Okta: \"Enable Single Logout\" with a Signature \
                 Certificate). Over HTTP-Redirect the signature is in the query; an ArtifactResponse must be signed too, also \
                 over TLS."
            }
            Self::Version { .. } => {
                "Create the application as SAML 2.0 at the identity provider, not SAML 1.1."
            }
            Self::Issuer { .. } => {
                "Compare the identity provider's entity ID letter by letter with the metadata loaded here (Okta: \"Identity Provider \
                 Issuer\")."
            }
            Self::IssuerFormat { .. } => {
                "The identity provider must name itself by its entity ID: without Format, or with that of an entity."
            }
            Self::IssueInstant { .. } | Self::Expired { .. } => {
                "The message came too late, or the clocks differ: synchronise them (NTP), or widen clock_skew to at most a few minutes."
            }
            Self::IssuedBeforeRequest { .. } => {
                "The clock of the identity provider is behind: synchronise both (NTP)."
            }
            Self::Destination { .. } => {
                "Set the single logout address at the identity provider to exactly the expected one, with scheme, host and trailing slash \
                 (Okta: \"Single Logout URL\"). Behind a proxy, configure here the \
                 address that browsers see."
            }
            Self::InResponseTo { .. } | Self::Unasked { .. } => {
                "The answer belongs to another sign-out, or came twice or too late. The person is signed out here already."
            }
            Self::NameId { .. } => {
                "Have the identity provider send the NameID of the assertion in its logout requests, whole, with Format and qualifiers."
            }
            Self::SessionIndexes { .. } => {
                "A request without SessionIndex ends all sessions of the person: have the identity provider leave them out."
            }
            Self::Artifact { .. } => {
                "The parameter SAMLart holds an artifact of type 4 (saml-bindings-2.0-os 3.6.4). Look for a proxy that cuts long addresses; a \"+\" \
                 that became a space is another trace."
            }
            Self::ArtifactSource { .. } | Self::ArtifactSourceUnknown => {
                "Compare the identity provider's entity ID letter by letter with the metadata loaded here: \
                 an artifact names it by its SHA-1. Only the identity provider that was asked may answer."
            }
            Self::ArtifactIndex { .. } => {
                "Load the identity provider's metadata from its console again: the ArtifactResolutionService \
                 with this index and the SOAP binding is missing here. This service does not ask at another \
                 address."
            }
            Self::ArtifactAmbiguous { .. } => {
                "Give each of these connections an assertion consumer of its own, and have people start the sign-in here."
            }
            Self::ArtifactUsed => {
                "The page was reloaded, or somebody copied the address: start the sign-in again."
            }
            Self::Status { .. } => {
                "The identity provider could not resolve the artifact; its own log says why. Often it does not accept the signature of the \
                 ArtifactResolve: give it this service's metadata again."
            }
            Self::NoResponse => {
                "An artifact can be resolved only once, and only for a short time: start the sign-in again. If it happens each \
                 time, look whether something else fetches the addresses that people are sent to."
            }
            Self::Replayed => {
                "The same message came again, because the page was reloaded or somebody copied the message."
            }
            Self::OtherMessage => "Pass the Recorded that this message's own replay_key gave.",
        }
    }
}
