//! Messages that were accepted, once.

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
use crate::message::{Carriage, MessageError, MessageKind, ResolvedResponse};
use crate::name_id::NameId;
use crate::refusal::Refusal;

/// What every accepted message has.
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

/// A message that was accepted, once. Only [`ValidMessage::confirm`](crate::ValidMessage::confirm) makes one.
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
    /// What an artifact stood for.
    ArtifactResponse(ResolvedArtifact),
}

macro_rules! what_every_message_has {
    ($message:ty) => {
        impl $message {
            /// The connection whose key signed.
            #[must_use]
            pub fn connection(&self) -> &ConnectionId {
                &self.accepted.connection
            }

            /// The identity provider.
            #[must_use]
            pub fn issuer(&self) -> &EntityId {
                &self.accepted.issuer
            }

            /// The service provider that it was accepted for.
            #[must_use]
            pub fn audience(&self) -> &EntityId {
                &self.accepted.audience
            }

            /// How it came.
            #[must_use]
            pub fn carriage(&self) -> Carriage {
                self.accepted.carriage
            }

            /// When it was issued, by the identity provider's clock.
            #[must_use]
            pub fn issued_at(&self) -> DateTime<Utc> {
                self.accepted.issued_at
            }

            /// When it was accepted.
            #[must_use]
            pub fn accepted_at(&self) -> DateTime<Utc> {
                self.accepted.accepted_at
            }

            /// Which key signed it.
            #[must_use]
            pub fn evidence(&self) -> &Evidence {
                &self.accepted.evidence
            }

            /// Everything that was checked.
            #[must_use]
            pub fn ledger(&self) -> &Ledger {
                &self.accepted.ledger
            }
        }
    };
}

/// The identity provider asks to end sessions of a person (saml-core-2.0-os 3.7.1). `Debug` does not show whom.
///
/// An assertion that was issued when it was, or before, and arrives later begins no session: [`issued_at`](Self::issued_at).
pub struct LogoutRequest {
    accepted: Accepted,
    id: String,
    name_id: NameId,
    session_indexes: Vec<String>,
    not_on_or_after: Option<DateTime<Utc>>,
    reason: Option<String>,
}

what_every_message_has!(LogoutRequest);

impl LogoutRequest {
    /// Its ID, which the answer repeats.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whose sessions end. It is compared whole: value, Format and both qualifiers.
    #[must_use]
    pub fn name_id(&self) -> &NameId {
        &self.name_id
    }

    /// Which sessions end; empty: all of that name over the connection.
    #[must_use]
    pub fn session_indexes(&self) -> &[String] {
        &self.session_indexes
    }

    /// Whether it means a session of this index, of its name: one of the indexes that it names, or any where it names none. A session whose
    /// assertion had no index is always meant, since nobody can tell that it is another one.
    #[must_use]
    pub fn means(&self, session_index: Option<&str>) -> bool {
        let Some(own) = session_index else { return true };
        self.session_indexes.is_empty() || self.session_indexes.iter().any(|index| index == own)
    }

    /// Until when it counts, if it says so.
    #[must_use]
    pub fn not_on_or_after(&self) -> Option<DateTime<Utc>> {
        self.not_on_or_after
    }

    /// Why, as a URI of section 3.7.3 or of the identity provider's own.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }
}

/// The identity provider changes or ends the name of a person (saml-core-2.0-os 3.6.1). `Debug` does not show whose.
pub struct ManageNameIdRequest {
    accepted: Accepted,
    id: String,
    name_id: NameId,
    change: NameIdChange,
}

/// What becomes of a name. `Debug` does not show the new one.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameIdChange {
    /// From now on the person has this name.
    New(String),
    /// The name is used no longer.
    Terminate,
}

what_every_message_has!(ManageNameIdRequest);

impl ManageNameIdRequest {
    /// Its ID, which the answer repeats.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The name as it was.
    #[must_use]
    pub fn name_id(&self) -> &NameId {
        &self.name_id
    }

    /// What becomes of it.
    #[must_use]
    pub fn change(&self) -> &NameIdChange {
        &self.change
    }
}

/// What the identity provider answers to a request of ours (saml-core-2.0-os 3.2.2).
pub struct StatusAnswer {
    accepted: Accepted,
    in_response_to: String,
    status: Status,
}

/// What became of a logout at the identity provider.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum LogoutOutcome {
    /// Every session that it knows of ended.
    Complete,
    /// Some of the sessions that it knows of did not end (PartialLogout).
    Partial,
    /// It did not do it.
    Failed,
}

what_every_message_has!(StatusAnswer);

impl StatusAnswer {
    /// The request that it answers.
    #[must_use]
    pub fn in_response_to(&self) -> &str {
        &self.in_response_to
    }

    /// The status codes, from the outermost to the innermost.
    pub fn codes(&self) -> impl Iterator<Item = &str> {
        self.status.codes.iter().map(AsRef::as_ref)
    }

    /// What the identity provider says beside them.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.status.message.as_deref()
    }

    /// Whether the top-level status is Success.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.codes().next() == Some(SUCCESS)
    }

    /// What became of the logout. A partial one is a status of its own, whatever stands above it (saml-core-2.0-os 3.7.3.2).
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

/// What an artifact stood for (saml-core-2.0-os 3.5.2): a Response, which is then judged as one that was posted.
pub struct ResolvedArtifact {
    accepted: Accepted,
    response: Vec<u8>,
}

what_every_message_has!(ResolvedArtifact);

impl ResolvedArtifact {
    /// The Response, parsed as a document of its own. Nothing of it is believed: it goes the way of a posted one, and its own signature, or
    /// that of its Assertion, must show that the identity provider made it. The signature of the ArtifactResponse around it does not. Its
    /// ledger begins with everything that was checked so far.
    ///
    /// # Errors
    /// As [`Claimed::parse`].
    pub fn into_response(self, limits: &Limits) -> Result<ResolvedResponse, Refusal> {
        let Accepted { ledger, connection, .. } = self.accepted;
        Claimed::of_artifact(self.response, ledger, limits).map_err(|refusal| refusal.over(&connection))
    }
}

impl Message {
    /// Every rule has passed, so that nothing of what is looked for here is missing; if it were, the message is refused all the same.
    pub(super) fn of(
        accepted: Accepted,
        facts: MessageFacts,
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

    /// What it is.
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

    /// The connection whose key signed.
    #[must_use]
    pub fn connection(&self) -> &ConnectionId {
        &self.accepted().connection
    }

    /// The identity provider.
    #[must_use]
    pub fn issuer(&self) -> &EntityId {
        &self.accepted().issuer
    }

    /// Everything that was checked.
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
