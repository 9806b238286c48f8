//! Checks a message against the expectations. A valid message may still be a replay.

use std::fmt;

use chrono::{DateTime, Utc};
use vouchsafe_metadata::EntityId;
use vouchsafe_signature::Evidence;

use crate::connection_id::ConnectionId;
use crate::instant::{Clock, Moment, delta};
use crate::ledger::{Check, Ledger, Outcome};
use crate::message::accepted::{Accepted, Message};
use crate::message::facts::{Body, MessageFacts};
use crate::message::rules::{MessageCase, examine};
use crate::message::{MessageError, MessageExpectations, MessageKind, ReadMessage};
use crate::refusal::Refusal;
use crate::replay::{Recorded, ReplayKey};
use crate::rules::Examination;

const FIRST_USE: &str = "message.first_use";
const FIRST_USE_CLAUSE: &str = "saml-bindings-2.0-os 3.4.5.1, 3.5.5.1";

impl ReadMessage {
    /// Runs every rule, even if one fails, and accepts the message if all passed.
    ///
    /// # Errors
    /// A [`Refusal`] with the first rule that failed, in the order of the specification, and the ledger of all of them.
    pub fn validate(
        self,
        expectations: &MessageExpectations,
        now: DateTime<Utc>,
    ) -> Result<ValidMessage, Refusal> {
        let ReadMessage { facts, carriage, connection, issuer, evidence, ledger, replay } = self;
        let clock = Clock::new(now, expectations.clock_skew());
        let case = MessageCase { issuer: &issuer, carriage, expectations, clock };
        let mut examination = Examination::new(ledger);
        examine(&case, &facts, &mut examination);
        let Examination { ledger, error, decided_by } = examination;
        if let Some(error) = error {
            return Err(Refusal::decided_by(error, ledger, decided_by).over(&connection));
        }
        let replay = ReplayKey::new(replay, latest_acceptance(&facts, expectations, now));
        let audience = expectations.entity_id().clone();
        // A rule has already checked that this is a time.
        let issued_at = facts.issue_instant.at().unwrap_or(now);
        let accepted = Accepted {
            connection,
            issuer,
            audience,
            carriage,
            evidence,
            ledger,
            issued_at,
            accepted_at: now,
        };
        match Message::of(accepted, facts, expectations) {
            Ok(message) => Ok(ValidMessage { message, replay }),
            Err((accepted, error)) => {
                Err(Refusal::with_ledger(error.into(), accepted.ledger).over(&accepted.connection))
            }
        }
    }
}

/// Returns the time from which this message can no longer be accepted, under the same skew.
fn latest_acceptance(
    facts: &MessageFacts,
    expectations: &MessageExpectations,
    now: DateTime<Utc>,
) -> DateTime<Utc> {
    let latest = |instant: DateTime<Utc>, more| {
        instant.checked_add_signed(delta(more)).unwrap_or(DateTime::<Utc>::MAX_UTC)
    };
    let by_age = latest(facts.issue_instant.at().unwrap_or(now), expectations.maximum_age());
    let end = match &facts.body {
        Body::Logout(logout) => logout.not_on_or_after.as_ref().and_then(Moment::at),
        Body::NameId(_) | Body::Answer(_) => None,
    };
    latest(end.map_or(by_age, |end| end.min(by_age)), expectations.clock_skew())
}

/// A message that every rule accepts. It may still be a replay, so its content cannot be read yet:
///
/// ```compile_fail,E0599
/// # use vouchsafe_assertion::ValidMessage;
/// fn who(valid: &ValidMessage) -> String {
///     valid.name_id().value().to_owned() // error: only a LogoutRequest has it
/// }
/// ```
///
/// [`confirm`](ValidMessage::confirm) is the only way to a [`Message`], and it can be called once:
///
/// ```compile_fail,E0382
/// # use vouchsafe_assertion::{Recorded, ValidMessage};
/// fn twice(valid: ValidMessage, first: Recorded, second: Recorded) {
///     let message = valid.confirm(first);
///     let again = valid.confirm(second); // error: use of moved value
/// }
/// ```
pub struct ValidMessage {
    message: Message,
    replay: ReplayKey,
}

impl ValidMessage {
    /// The key that a store records, so that the message is accepted only once.
    #[must_use]
    pub fn replay_key(&self) -> ReplayKey {
        self.replay.clone()
    }

    /// The kind of the message.
    #[must_use]
    pub fn kind(&self) -> MessageKind {
        self.message.kind()
    }

    /// The connection whose key made the signature.
    #[must_use]
    pub fn connection(&self) -> &ConnectionId {
        self.message.connection()
    }

    /// The entity ID of the identity provider.
    #[must_use]
    pub fn issuer(&self) -> &EntityId {
        self.message.issuer()
    }

    /// The evidence for the signature: its key and what it covers.
    #[must_use]
    pub fn evidence(&self) -> &Evidence {
        &self.message.accepted().evidence
    }

    /// Every check that was made.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        self.message.ledger()
    }

    /// Turns it into a message, if `recorded` states that a store recorded it for the first time.
    ///
    /// # Errors
    /// `message.replayed` if it was recorded before, `message.other_message` if the record belongs to another
    /// message; both with the whole ledger.
    pub fn confirm(self, recorded: Recorded) -> Result<Message, Refusal> {
        let ValidMessage { mut message, replay } = self;
        let check = |outcome| Check::new(FIRST_USE, FIRST_USE_CLAUSE, outcome);
        let (check, error) = if !recorded.is_of(&replay) {
            let check =
                check(Outcome::Failed).expected("the record of this message").actual("that of another");
            (check, MessageError::OtherMessage)
        } else if !recorded.is_first() {
            (check(Outcome::Failed).expected("not seen before").actual("seen before"), MessageError::Replayed)
        } else {
            message.accepted_mut().ledger.record(check(Outcome::Passed).expected("not seen before").same());
            return Ok(message);
        };
        let Accepted { mut ledger, connection, .. } = message.into_accepted();
        ledger.record(check);
        Err(Refusal::with_ledger(error.into(), ledger).over(&connection))
    }
}

impl fmt::Debug for ValidMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ValidMessage")
            .field("kind", &self.kind())
            .field("issuer", self.issuer())
            .field("replay_key", &self.replay)
            .finish_non_exhaustive()
    }
}
