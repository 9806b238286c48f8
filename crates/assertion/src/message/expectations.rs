//! The values that the receiver knows and that a message must agree with.

use std::sync::Arc;
use std::time::Duration;

use vouchsafe_metadata::EntityId;

use crate::error::AssertionError;
use crate::expectations::{Expectations, OutstandingRequest};

/// The values that a message is compared with.
///
/// ```
/// use vouchsafe_assertion::MessageExpectations;
/// use vouchsafe_metadata::EntityId;
///
/// let service = EntityId::new("https://app.example.com/saml/metadata")?;
/// let expectations = MessageExpectations::new(service, "https://app.example.com/saml/slo");
/// assert!(expectations.answers().is_none(), "requests are taken, and answers to nothing are not");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct MessageExpectations {
    entity_id: EntityId,
    received_at: Arc<str>,
    answers: Option<OutstandingRequest>,
    clock_skew: Duration,
    maximum_age: Duration,
    by_session_index: bool,
}

impl MessageExpectations {
    /// The default maximum age of a message: five minutes, which covers the time that a browser needs to carry it.
    pub const MAXIMUM_AGE: Duration = Duration::from_secs(300);

    /// Makes expectations of our entity ID and of the address at which the message was received, as the sender sees
    /// it. The clock skew is 60 seconds.
    #[must_use]
    pub fn new(entity_id: EntityId, received_at: impl Into<Arc<str>>) -> MessageExpectations {
        MessageExpectations {
            entity_id,
            received_at: received_at.into(),
            answers: None,
            clock_skew: Duration::from_secs(60),
            maximum_age: Self::MAXIMUM_AGE,
            by_session_index: false,
        }
    }

    /// Sets the request that an answer must name. Without one, every answer is refused.
    #[must_use]
    pub fn answering(mut self, request: OutstandingRequest) -> MessageExpectations {
        self.answers = Some(request);
        self
    }

    /// Sets how far the clocks may differ.
    ///
    /// # Errors
    /// [`AssertionError::ClockSkew`] if it is more than [`Expectations::GREATEST_CLOCK_SKEW`].
    pub fn with_clock_skew(mut self, skew: Duration) -> Result<MessageExpectations, AssertionError> {
        if skew > Expectations::GREATEST_CLOCK_SKEW {
            return Err(AssertionError::ClockSkew { skew, limit: Expectations::GREATEST_CLOCK_SKEW });
        }
        self.clock_skew = skew;
        Ok(self)
    }

    /// Sets the maximum age of a message. A message is also remembered for that time, so that it is accepted only
    /// once.
    #[must_use]
    pub fn with_maximum_age(mut self, age: Duration) -> MessageExpectations {
        self.maximum_age = age;
        self
    }

    /// Ends, by a logout request with session indexes, the sessions with these indexes whatever name they have. Use it
    /// for an identity provider whose indexes are unique and whose logout requests have another name than its
    /// assertions, as Entra ID if the NameID is customized. SAML allows indexes that many people have in common, so
    /// this is off by default.
    #[must_use]
    pub fn ending_by_session_index(mut self, alone: bool) -> MessageExpectations {
        self.by_session_index = alone;
        self
    }

    /// Whether a session index alone selects sessions.
    #[must_use]
    pub fn ends_by_session_index(&self) -> bool {
        self.by_session_index
    }

    /// The service provider's entity ID.
    #[must_use]
    pub fn entity_id(&self) -> &EntityId {
        &self.entity_id
    }

    /// The address at which the message was received.
    #[must_use]
    pub fn received_at(&self) -> &str {
        &self.received_at
    }

    pub(super) fn shared_received_at(&self) -> Arc<str> {
        Arc::clone(&self.received_at)
    }

    /// The request that waits for its answer, if there is one.
    #[must_use]
    pub fn answers(&self) -> Option<&OutstandingRequest> {
        self.answers.as_ref()
    }

    /// The allowed difference of the clocks.
    #[must_use]
    pub fn clock_skew(&self) -> Duration {
        self.clock_skew
    }

    /// The maximum age of a message.
    #[must_use]
    pub fn maximum_age(&self) -> Duration {
        self.maximum_age
    }
}
