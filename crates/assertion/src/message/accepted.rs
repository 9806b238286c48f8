//! Messages that were accepted once.

use std::fmt;

use chrono::{DateTime, Utc};
use vouchsafe_metadata::EntityId;
use vouchsafe_signature::Evidence;
use vouchsafe_xml::Limits;

use crate::claimed::Claimed;
use crate::connection_id::ConnectionId;
use crate::envelope::{SUCCESS, Status};
use crate::instant::Moment;
use crate::ledger::Ledger;
use crate::message::facts::{AnswerFacts, Body, MessageFacts};
use crate::message::{Carriage, MessageError, MessageExpectations, MessageKind, ResolvedResponse};
use crate::name_id::NameId;
use crate::refusal::Refusal;

/// The data that every accepted message has.
pub(super) struct Accepted {
    pub(super) connection: ConnectionId,
    pub(super) issuer: EntityId,
    pub(super) audience: EntityId,
    pub(super) carriage: Carriage,
    pub(super) evidence: Evidence,
    pub(super) ledger: Ledger,
    pub(super) issued_at: DateTime<Utc>,
    pub(super) accepted_at: DateTime<Utc>,
}

/// A message that was accepted once. Only [`ValidMessage::confirm`](crate::ValidMessage::confirm) makes one.
#[derive(Debug)]
#[non_exhaustive]
pub enum Message {
    /// The identity provider asks to end sessions.
    LogoutRequest(LogoutRequest),
    /// The identity provider answers a logout request.
    LogoutResponse(StatusAnswer),
    /// The identity provider changes or ends a name.
    ManageNameIdRequest(ManageNameIdRequest),
    /// The identity provider answers such a request.
    ManageNameIdResponse(StatusAnswer),
    /// The message that an artifact was resolved to.
    ArtifactResponse(ResolvedArtifact),
}

macro_rules! what_every_message_has {
    ($message:ty) => {
        impl $message {
            /// The connection whose key made the signature.
            #[must_use]
            pub fn connection(&self) -> &ConnectionId {
                &self.accepted.connection
            }

            /// The entity ID of the identity provider.
            #[must_use]
            pub fn issuer(&self) -> &EntityId {
                &self.accepted.issuer
            }

            /// The service provider for which the message was accepted.
            #[must_use]
            pub fn audience(&self) -> &EntityId {
                &self.accepted.audience
            }

            /// The binding by which the message came.
            #[must_use]
            pub fn carriage(&self) -> Carriage {
                self.accepted.carriage
            }

            /// When the message was issued, by the identity provider's clock.
            #[must_use]
            pub fn issued_at(&self) -> DateTime<Utc> {
                self.accepted.issued_at
            }

            /// When the message was accepted.
            #[must_use]
            pub fn accepted_at(&self) -> DateTime<Utc> {
                self.accepted.accepted_at
            }

            /// The evidence for the signature: its key and what it covers.
            #[must_use]
            pub fn evidence(&self) -> &Evidence {
                &self.accepted.evidence
            }

            /// Every check that was made.
            #[must_use]
            pub fn ledger(&self) -> &Ledger {
                &self.accepted.ledger
            }
        }
    };
}

/// A request of the identity provider to end sessions of a person (saml-core-2.0-os 3.7.1). `Debug` does not show the
/// person.
///
/// An assertion that was issued no later than this request and arrives after it must not start a session: see
/// [`issued_at`](Self::issued_at).
pub struct LogoutRequest {
    accepted: Accepted,
    id: String,
    name_id: NameId,
    session_indexes: Vec<String>,
    by_session_index: bool,
    not_on_or_after: Option<DateTime<Utc>>,
    reason: Option<String>,
}

what_every_message_has!(LogoutRequest);

impl LogoutRequest {
    /// The ID of the request, which the answer repeats.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The person whose sessions end: value, Format and both qualifiers. Identity providers omit some of them, so
    /// `vouchsafe_provisioning::LoggedOut` compares it.
    #[must_use]
    pub fn name_id(&self) -> &NameId {
        &self.name_id
    }

    /// The sessions that end, without white space around them; if it is empty, all sessions of that name over the
    /// connection.
    #[must_use]
    pub fn session_indexes(&self) -> &[String] {
        &self.session_indexes
    }

    /// Whether the request ends every session over the connection that has one of its indexes, whatever name it has
    /// ([`MessageExpectations::ending_by_session_index`](crate::MessageExpectations::ending_by_session_index)).
    #[must_use]
    pub fn ends_by_session_index(&self) -> bool {
        self.by_session_index
    }

    /// The time until which the request is valid, if it states one.
    #[must_use]
    pub fn not_on_or_after(&self) -> Option<DateTime<Utc>> {
        self.not_on_or_after
    }

    /// The reason: a URI of section 3.7.3 or one of the identity provider's own. `None` if it has more than 1,024 bytes.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }
}

/// A request of the identity provider to change or to end the name of a person (saml-core-2.0-os 3.6.1). `Debug` does
/// not show the person.
pub struct ManageNameIdRequest {
    accepted: Accepted,
    id: String,
    name_id: NameId,
    change: NameIdChange,
}

/// The change of a name. `Debug` does not show the new name.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameIdChange {
    /// The person has this name from now on.
    New(String),
    /// The name is no longer used.
    Terminate,
}

what_every_message_has!(ManageNameIdRequest);

impl ManageNameIdRequest {
    /// The ID of the request, which the answer repeats.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The name before the change.
    #[must_use]
    pub fn name_id(&self) -> &NameId {
        &self.name_id
    }

    /// The change of the name.
    #[must_use]
    pub fn change(&self) -> &NameIdChange {
        &self.change
    }
}

/// The answer of the identity provider to a request of ours (saml-core-2.0-os 3.2.2).
pub struct StatusAnswer {
    accepted: Accepted,
    in_response_to: String,
    status: Status,
}

/// The result of a logout at the identity provider.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum LogoutOutcome {
    /// Every session that the identity provider knows of ended.
    Complete,
    /// Some of the sessions that the identity provider knows of did not end (PartialLogout).
    Partial,
    /// The logout failed.
    Failed,
}

what_every_message_has!(StatusAnswer);

impl StatusAnswer {
    /// The ID of the request that this message answers.
    #[must_use]
    pub fn in_response_to(&self) -> &str {
        &self.in_response_to
    }

    /// The status codes, from the outermost to the innermost.
    pub fn codes(&self) -> impl Iterator<Item = &str> {
        self.status.codes.iter().map(AsRef::as_ref)
    }

    /// The status message, if there is one.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.status.message.as_deref()
    }

    /// Returns whether the top-level status is Success.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.codes().next() == Some(SUCCESS)
    }

    /// Returns the result of the logout. PartialLogout counts as partial below any top-level status (saml-core-2.0-os
    /// 3.7.3.2).
    #[must_use]
    pub fn logout_outcome(&self) -> LogoutOutcome {
        if self.codes().any(|code| code == PARTIAL_LOGOUT) {
            LogoutOutcome::Partial
        } else if self.is_success() {
            LogoutOutcome::Complete
        } else {
            LogoutOutcome::Failed
        }
    }
}

const PARTIAL_LOGOUT: &str = "urn:oasis:names:tc:SAML:2.0:status:PartialLogout";

/// The Response that an artifact was resolved to (saml-core-2.0-os 3.5.2). It is checked like a posted one.
pub struct ResolvedArtifact {
    accepted: Accepted,
    response: Vec<u8>,
}

what_every_message_has!(ResolvedArtifact);

impl ResolvedArtifact {
    /// Parses the Response as a document of its own. It is not verified yet and is processed like a posted one: its
    /// own signature, or that of its Assertion, must prove that the identity provider made it. The signature of the
    /// ArtifactResponse around it does not prove that. Its ledger begins with the checks that were already made.
    ///
    /// # Errors
    /// The same as for [`Claimed::parse`].
    pub fn into_response(self, limits: &Limits) -> Result<ResolvedResponse, Refusal> {
        let Accepted { ledger, connection, .. } = self.accepted;
        Claimed::of_artifact(self.response, ledger, limits).map_err(|refusal| refusal.over(&connection))
    }
}

impl Message {
    /// Makes the message. Every rule has passed, so no required part is missing; if one were, the message would be
    /// refused.
    pub(super) fn of(
        accepted: Accepted,
        facts: MessageFacts,
        expectations: &MessageExpectations,
    ) -> Result<Message, (Box<Accepted>, MessageError)> {
        let MessageFacts { kind, id, body, .. } = facts;
        let nobody = MessageError::NameId { kind, reason: "it names nobody" };
        match body {
            Body::Logout(logout) => {
                let Some(name_id) = logout.name_id else { return Err((Box::new(accepted), nobody)) };
                Ok(Message::LogoutRequest(LogoutRequest {
                    accepted,
                    id,
                    name_id,
                    session_indexes: logout.session_indexes,
                    by_session_index: expectations.ends_by_session_index(),
                    not_on_or_after: logout.not_on_or_after.as_ref().and_then(Moment::at),
                    reason: logout.reason,
                }))
            }
            Body::NameId(facts) => {
                let Some(name_id) = facts.name_id else { return Err((Box::new(accepted), nobody)) };
                let change = facts.new_id.map_or(NameIdChange::Terminate, NameIdChange::New);
                Ok(Message::ManageNameIdRequest(ManageNameIdRequest { accepted, id, name_id, change }))
            }
            Body::Answer(AnswerFacts { in_response_to, status, response }) => {
                let answer = |accepted| StatusAnswer {
                    accepted,
                    in_response_to: in_response_to.unwrap_or_default(),
                    status,
                };
                match (kind, response) {
                    (MessageKind::ArtifactResponse, Some(response)) => {
                        Ok(Message::ArtifactResponse(ResolvedArtifact { accepted, response }))
                    }
                    (MessageKind::ArtifactResponse, None) => {
                        Err((Box::new(accepted), MessageError::NoResponse))
                    }
                    (MessageKind::ManageNameIdResponse, _) => {
                        Ok(Message::ManageNameIdResponse(answer(accepted)))
                    }
                    _ => Ok(Message::LogoutResponse(answer(accepted))),
                }
            }
        }
    }

    /// The kind of the message.
    #[must_use]
    pub fn kind(&self) -> MessageKind {
        match self {
            Message::LogoutRequest(_) => MessageKind::LogoutRequest,
            Message::ManageNameIdRequest(_) => MessageKind::ManageNameIdRequest,
            Message::ArtifactResponse(_) => MessageKind::ArtifactResponse,
            Message::LogoutResponse(_) => MessageKind::LogoutResponse,
            Message::ManageNameIdResponse(_) => MessageKind::ManageNameIdResponse,
        }
    }

    /// The connection whose key made the signature.
    #[must_use]
    pub fn connection(&self) -> &ConnectionId {
        &self.accepted().connection
    }

    /// The entity ID of the identity provider.
    #[must_use]
    pub fn issuer(&self) -> &EntityId {
        &self.accepted().issuer
    }

    /// Every check that was made.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.accepted().ledger
    }

    pub(super) fn accepted(&self) -> &Accepted {
        match self {
            Message::LogoutRequest(message) => &message.accepted,
            Message::ManageNameIdRequest(message) => &message.accepted,
            Message::ArtifactResponse(message) => &message.accepted,
            Message::LogoutResponse(message) | Message::ManageNameIdResponse(message) => &message.accepted,
        }
    }

    pub(super) fn accepted_mut(&mut self) -> &mut Accepted {
        match self {
            Message::LogoutRequest(message) => &mut message.accepted,
            Message::ManageNameIdRequest(message) => &mut message.accepted,
            Message::ArtifactResponse(message) => &mut message.accepted,
            Message::LogoutResponse(message) | Message::ManageNameIdResponse(message) => {
                &mut message.accepted
            }
        }
    }

    pub(super) fn into_accepted(self) -> Accepted {
        match self {
            Message::LogoutRequest(message) => message.accepted,
            Message::ManageNameIdRequest(message) => message.accepted,
            Message::ArtifactResponse(message) => message.accepted,
            Message::LogoutResponse(message) | Message::ManageNameIdResponse(message) => message.accepted,
        }
    }
}

macro_rules! shown_without_content {
    ($($message:ident),*) => {
        $(impl fmt::Debug for $message {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($message))
                    .field("connection", self.connection())
                    .field("issuer", self.issuer())
                    .finish_non_exhaustive()
            }
        })*
    };
}

shown_without_content!(LogoutRequest, ManageNameIdRequest, StatusAnswer, ResolvedArtifact);

impl fmt::Debug for NameIdChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NameIdChange::New(_) => "New(…)",
            NameIdChange::Terminate => "Terminate",
        })
    }
}
