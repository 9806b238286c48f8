//! A sign-out that goes from one identity provider to the next, and the logout request that waits for an answer.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use vouchsafe_assertion::{ConnectionId, LogoutOutcome, MessageError, MessageKind, Refusal};
use vouchsafe_crypto::Provider;

use crate::browser_binding::BindingHash;
use crate::error::BindingError;
use crate::participant::Participant;
use crate::relay_state::RelayState;
use crate::stored_time::seconds_rounded_up;

/// The result of a sign-out at one identity provider.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LogoutAnswer {
    /// The identity provider ended every session that it knows of.
    Complete,
    /// The identity provider could not end some of the sessions that it knows of.
    Partial,
    /// The identity provider answered that the logout failed.
    Failed,
    /// The identity provider has no address for logout, or nothing could be sent to it.
    NotAsked,
    /// The identity provider did not answer in time, or could not be reached.
    Silent,
    /// The answer of the identity provider was refused.
    NotBelieved,
}

impl From<LogoutOutcome> for LogoutAnswer {
    fn from(outcome: LogoutOutcome) -> LogoutAnswer {
        match outcome {
            LogoutOutcome::Complete => LogoutAnswer::Complete,
            LogoutOutcome::Partial => LogoutAnswer::Partial,
            _ => LogoutAnswer::Failed,
        }
    }
}

/// The answer of one identity provider.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ParticipantAnswer {
    /// The connection of the identity provider.
    pub connection: ConnectionId,
    /// Its answer.
    pub answer: LogoutAnswer,
}

/// A sign-out in progress: the identity providers that must still be told, and the answers of those that were told.
/// The session in this service has already ended.
///
/// ```
/// use vouchsafe::{ConnectionId, LogoutAnswer, LogoutJourney, Participant, SessionNameId};
///
/// let acme = ConnectionId::new("acme")?;
/// let mut journey = LogoutJourney::new([Participant::new(acme, SessionNameId::new("ada"), None)]).returning_to("/bye");
/// let next = journey.take_next().ok_or("nobody")?;
/// journey.note(&next.connection, LogoutAnswer::Complete);
/// assert!(journey.take_next().is_none() && journey.is_complete());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct LogoutJourney {
    remaining: VecDeque<Participant>,
    answers: Vec<ParticipantAnswer>,
    return_to: Option<String>,
}

impl LogoutJourney {
    /// Starts a sign-out at these identity providers, in this order.
    #[must_use]
    pub fn new(participants: impl IntoIterator<Item = Participant>) -> LogoutJourney {
        LogoutJourney { remaining: participants.into_iter().collect(), answers: Vec::new(), return_to: None }
    }

    /// Sets where the application goes after the sign-out.
    #[must_use]
    pub fn returning_to(mut self, place: impl Into<String>) -> LogoutJourney {
        self.return_to = Some(place.into());
        self
    }

    /// Removes the next identity provider to be told, and returns it.
    pub fn take_next(&mut self) -> Option<Participant> {
        self.remaining.pop_front()
    }

    /// Records the answer of an identity provider.
    pub fn note(&mut self, connection: &ConnectionId, answer: LogoutAnswer) {
        self.answers.push(ParticipantAnswer { connection: connection.clone(), answer });
    }

    /// The answers so far, in the order in which they came.
    #[must_use]
    pub fn answers(&self) -> &[ParticipantAnswer] {
        &self.answers
    }

    /// Returns whether every identity provider ended every session that it knows of.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.remaining.is_empty() && self.answers.iter().all(|one| one.answer == LogoutAnswer::Complete)
    }

    /// Where the application goes after the sign-out.
    #[must_use]
    pub fn return_to(&self) -> Option<&str> {
        self.return_to.as_deref()
    }
}

/// A logout request that waits for its answer, stored under its [handle](Self::handle).
///
/// Like a [`PendingRequest`](crate::PendingRequest), it is answered once, by the browser that carried the request: an
/// answer is accepted only with a [`BoundLogout`], which [`bind`](Self::bind) makes.
#[derive(Debug)]
pub struct PendingLogout {
    pub(crate) handle: RelayState,
    pub(crate) request_id: String,
    pub(crate) connection: ConnectionId,
    pub(crate) binding: BindingHash,
    pub(crate) issued_at: DateTime<Utc>,
    pub(crate) expires_at: DateTime<Utc>,
    pub(crate) journey: LogoutJourney,
}

/// A pending logout together with the proof that this browser carried the request.
///
/// ```compile_fail,E0451
/// # fn forge(pending: vouchsafe::PendingLogout) -> vouchsafe::BoundLogout {
/// vouchsafe::BoundLogout { pending } // error: the field is private
/// # }
/// ```
#[derive(Debug)]
pub struct BoundLogout {
    pending: PendingLogout,
}

impl BoundLogout {
    /// The pending logout.
    #[must_use]
    pub fn request(&self) -> &PendingLogout {
        &self.pending
    }

    /// Returns the sign-out, to go on with it.
    #[must_use]
    pub fn into_journey(self) -> LogoutJourney {
        self.pending.journey
    }
}

/// The stored form of a [`PendingLogout`]: plain data for a store. Do not build it yourself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StoredPendingLogout {
    /// The RelayState that was sent. It is the key in the store.
    pub handle: String,
    /// The ID of the LogoutRequest.
    pub request_id: String,
    /// The name of the connection whose identity provider was asked.
    pub connection: String,
    /// SHA-256 of the binding cookie's value, in hexadecimal.
    pub binding_hash: String,
    /// When the request was issued, in seconds of Unix time.
    pub issued_at: i64,
    /// The time from which no answer is accepted, in seconds of Unix time, rounded up.
    pub expires_at: i64,
    /// The sign-out that the request is part of.
    pub journey: LogoutJourney,
}

impl PendingLogout {
    /// The RelayState that was sent. It is the key in the store.
    #[must_use]
    pub fn handle(&self) -> &str {
        self.handle.as_str()
    }

    /// The ID of the LogoutRequest, which the answer must name.
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// The connection whose identity provider was asked.
    #[must_use]
    pub fn connection(&self) -> &ConnectionId {
        &self.connection
    }

    /// When the request was issued.
    #[must_use]
    pub fn issued_at(&self) -> DateTime<Utc> {
        self.issued_at
    }

    /// The time from which no answer is accepted.
    #[must_use]
    pub fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at
    }

    /// Returns whether it is too late for an answer.
    #[must_use]
    pub fn is_expired(&self, now: DateTime<Utc>) -> bool {
        now >= self.expires_at
    }

    /// The sign-out that the request is part of.
    #[must_use]
    pub fn journey(&self) -> &LogoutJourney {
        &self.journey
    }

    /// Compares the value of the binding cookie that the browser sent with the stored hash, in constant time.
    ///
    /// # Errors
    /// A [`Refusal`] with `message.unasked` if no cookie came, or its value differs.
    pub fn bind(self, presented: Option<&str>, provider: &Provider) -> Result<BoundLogout, Refusal> {
        let refuse = |reason| unasked_message(MessageKind::LogoutResponse, reason);
        let Some(presented) = presented else { return Err(refuse("no binding cookie came")) };
        match self.binding.is_of(presented, provider) {
            Ok(true) => Ok(BoundLogout { pending: self }),
            Ok(false) | Err(_) => Err(refuse("the binding cookie belongs to another sign-out")),
        }
    }

    /// Returns the plain data for a store.
    #[must_use]
    pub fn to_stored(&self) -> StoredPendingLogout {
        StoredPendingLogout {
            handle: self.handle.as_str().to_owned(),
            request_id: self.request_id.clone(),
            connection: self.connection.as_str().to_owned(),
            binding_hash: self.binding.as_str().to_owned(),
            issued_at: self.issued_at.timestamp(),
            expires_at: seconds_rounded_up(self.expires_at),
            journey: self.journey.clone(),
        }
    }

    /// Reads the stored form. Anybody who can write to the store can make one, so keep it on the server, never in a
    /// cookie or a form.
    ///
    /// # Errors
    /// [`BindingError::StoredRequest`] if a field is not valid.
    pub fn from_stored(stored: StoredPendingLogout) -> Result<PendingLogout, BindingError> {
        let damaged = |field| BindingError::StoredRequest { field };
        let time = |seconds, field| DateTime::from_timestamp(seconds, 0).ok_or(damaged(field));
        if stored.request_id.is_empty() {
            return Err(damaged("request_id"));
        }
        Ok(PendingLogout {
            handle: RelayState::new(&stored.handle).map_err(|_| damaged("handle"))?,
            connection: ConnectionId::new(&stored.connection).map_err(|_| damaged("connection"))?,
            binding: BindingHash::stored(stored.binding_hash).ok_or_else(|| damaged("binding_hash"))?,
            issued_at: time(stored.issued_at, "issued_at")?,
            expires_at: time(stored.expires_at, "expires_at")?,
            request_id: stored.request_id,
            journey: stored.journey,
        })
    }
}

/// The refusal of a message that answers no pending logout. It is for callers that find none in their store.
#[must_use]
pub fn unasked_message(kind: MessageKind, reason: &'static str) -> Refusal {
    Refusal::new(MessageError::unasked(kind, reason).into())
}
