//! A sign-out that goes from one identity provider to the next, and what waits for the answer of one.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use vouchsafe_assertion::{ConnectionId, LogoutOutcome, MessageKind, Refusal};
use vouchsafe_crypto::Provider;

use crate::browser_binding::BindingHash;
use crate::error::BindingError;
use crate::incoming::unasked_message;
use crate::participant::Participant;
use crate::pending::seconds_rounded_up;
use crate::relay_state::RelayState;

/// What became of a sign-out at one identity provider.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LogoutAnswer {
    /// It ended every session that it knows of.
    Complete,
    /// It could not end some of the sessions that it knows of.
    Partial,
    /// It says that it did not do it.
    Failed,
    /// It has no address for logout, or nothing could be sent to it.
    NotAsked,
    /// It did not answer in time, or could not be reached.
    Silent,
    /// Its answer is not believed.
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

/// What one identity provider answered.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ParticipantAnswer {
    /// The connection.
    pub connection: ConnectionId,
    /// What it answered.
    pub answer: LogoutAnswer,
}

/// A sign-out on its way: whom is still to be told, and what those who were told answered. The session here has ended before.
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
    /// To these identity providers, in this order.
    #[must_use]
    pub fn new(participants: impl IntoIterator<Item = Participant>) -> LogoutJourney {
        LogoutJourney { remaining: participants.into_iter().collect(), answers: Vec::new(), return_to: None }
    }

    /// Where the application wants to go in the end.
    #[must_use]
    pub fn returning_to(mut self, place: impl Into<String>) -> LogoutJourney {
        self.return_to = Some(place.into());
        self
    }

    /// Takes out whom is told next.
    pub fn take_next(&mut self) -> Option<Participant> {
        self.remaining.pop_front()
    }

    /// Notes what an identity provider answered.
    pub fn note(&mut self, connection: &ConnectionId, answer: LogoutAnswer) {
        self.answers.push(ParticipantAnswer { connection: connection.clone(), answer });
    }

    /// What those who were told answered, in their order.
    #[must_use]
    pub fn answers(&self) -> &[ParticipantAnswer] {
        &self.answers
    }

    /// Whether every identity provider ended every session that it knows of.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.remaining.is_empty() && self.answers.iter().all(|one| one.answer == LogoutAnswer::Complete)
    }

    /// Where the application wants to go in the end.
    #[must_use]
    pub fn return_to(&self) -> Option<&str> {
        self.return_to.as_deref()
    }
}

/// A logout request that waits for its answer, kept under its [handle](Self::handle).
///
/// As a [`PendingRequest`](crate::PendingRequest), it is answered once, by the browser that was sent: an answer is expected only with a
/// [`BoundLogout`], which [`bind`](Self::bind) makes.
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

/// A pending logout together with the proof that the browser is the one that was sent.
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
    /// The request.
    #[must_use]
    pub fn request(&self) -> &PendingLogout {
        &self.pending
    }

    /// The sign-out that goes on.
    #[must_use]
    pub fn into_journey(self) -> LogoutJourney {
        self.pending.journey
    }
}

/// The stored form of a [`PendingLogout`]: plain data, for a store to keep and for nobody to build by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StoredPendingLogout {
    /// The RelayState that was sent; the key under which this is kept.
    pub handle: String,
    /// The ID of the LogoutRequest.
    pub request_id: String,
    /// The name of the connection that was asked.
    pub connection: String,
    /// SHA-256 of what the browser was given, in hexadecimal.
    pub binding_hash: String,
    /// When it was issued, in seconds of Unix time.
    pub issued_at: i64,
    /// From when on no answer is accepted, in seconds of Unix time, rounded up.
    pub expires_at: i64,
    /// Whom is still to be told, and who answered.
    pub journey: LogoutJourney,
}

impl PendingLogout {
    /// The RelayState that was sent, and the key of the store.
    #[must_use]
    pub fn handle(&self) -> &str {
        self.handle.as_str()
    }

    /// The ID of the LogoutRequest, which the answer must name.
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// The connection that was asked.
    #[must_use]
    pub fn connection(&self) -> &ConnectionId {
        &self.connection
    }

    /// When it was issued.
    #[must_use]
    pub fn issued_at(&self) -> DateTime<Utc> {
        self.issued_at
    }

    /// From when on no answer is accepted.
    #[must_use]
    pub fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at
    }

    /// Whether it is too late for an answer.
    #[must_use]
    pub fn is_expired(&self, now: DateTime<Utc>) -> bool {
        now >= self.expires_at
    }

    /// The sign-out that it is part of.
    #[must_use]
    pub fn journey(&self) -> &LogoutJourney {
        &self.journey
    }

    /// Holds the request against what the browser sent back: the value of the binding cookie, compared in constant time.
    ///
    /// # Errors
    /// A [`Refusal`] with `message.unasked` if nothing came, or another value.
    pub fn bind(self, presented: Option<&str>, provider: &Provider) -> Result<BoundLogout, Refusal> {
        let refuse = |reason| unasked_message(MessageKind::LogoutResponse, reason);
        let Some(presented) = presented else { return Err(refuse("no binding cookie came")) };
        match self.binding.is_of(presented, provider) {
            Ok(true) => Ok(BoundLogout { pending: self }),
            Ok(false) | Err(_) => Err(refuse("the binding cookie is another sign-out's")),
        }
    }

    /// As plain data, for a store.
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

    /// Out of the stored form. Whoever can write to the store can make one: it belongs on the server, never into a cookie or a form.
    ///
    /// # Errors
    /// [`BindingError::StoredRequest`] when a field makes no sense.
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
