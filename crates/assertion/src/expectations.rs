//! The values that the receiver knows and that the message must agree with.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SubsecRound as _, Utc};
use vouchsafe_metadata::EntityId;

use crate::authn_context::RequestedAuthnContext;
use crate::error::AssertionError;
use crate::message_id::MessageId;
use crate::requested_name::RequestedName;

/// States whether a request is pending. A reply never counts as unsolicited, and an unsolicited response never counts
/// as a reply.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Correlation {
    /// The response must answer this request, which this browser started.
    Reply(OutstandingRequest),
    /// The response must not answer a request: the login began at the identity provider.
    Unsolicited,
}

/// A request that was sent and is not answered yet: its ID, and when it was issued. An answer must not be older than
/// its request. This is compared in whole seconds, because many identity providers write times without fractions.
///
/// ```
/// use chrono::{DateTime, Utc};
/// use vouchsafe_assertion::{MessageId, OutstandingRequest};
///
/// let issued_at: DateTime<Utc> = "2026-01-01T00:00:00.9Z".parse()?;
/// let request = OutstandingRequest::new(MessageId::new("id-1")?, issued_at);
/// assert_eq!(request.issued_at().map(|at| at.to_rfc3339()).as_deref(), Some("2026-01-01T00:00:00.900+00:00"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OutstandingRequest {
    id: MessageId,
    issued_at: Option<DateTime<Utc>>,
}

impl OutstandingRequest {
    /// Makes the request with that ID and issue time.
    #[must_use]
    pub fn new(id: MessageId, issued_at: DateTime<Utc>) -> OutstandingRequest {
        OutstandingRequest { id, issued_at: Some(issued_at) }
    }

    /// Makes a request with an unknown issue time, for tools that examine a recorded response. A service knows the
    /// time.
    #[must_use]
    pub fn issued_at_unknown_time(id: MessageId) -> OutstandingRequest {
        OutstandingRequest { id, issued_at: None }
    }

    /// The ID of the request.
    #[must_use]
    pub fn id(&self) -> &MessageId {
        &self.id
    }

    /// When the request was issued, if that is known.
    #[must_use]
    pub fn issued_at(&self) -> Option<DateTime<Utc>> {
        self.issued_at
    }

    /// The earliest issue time that an answer may have.
    pub(crate) fn oldest_answer(&self) -> Option<DateTime<Utc>> {
        Some(self.issued_at?.trunc_subsecs(0))
    }
}

/// The values that a response is compared with.
///
/// ```
/// use std::time::Duration;
/// use vouchsafe_assertion::{Correlation, Expectations, MessageId, OutstandingRequest};
/// use vouchsafe_metadata::EntityId;
///
/// let expectations = Expectations::new(
///     EntityId::new("https://app.example.com/saml/metadata")?,
///     "https://app.example.com/saml/acs",
///     Correlation::Reply(OutstandingRequest::new(MessageId::new("id-1")?, "2026-01-01T00:00:00Z".parse()?)),
/// )
/// .with_clock_skew(Duration::from_secs(180))?;
/// assert_eq!(expectations.clock_skew(), Duration::from_secs(180));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Expectations {
    entity_id: EntityId,
    assertion_consumer: Arc<str>,
    correlation: Correlation,
    clock_skew: Duration,
    maximum_message_age: Option<Duration>,
    maximum_authentication_age: Option<Duration>,
    requested_context: RequestedAuthnContext,
    requested_name: RequestedName,
}

impl Expectations {
    /// The largest clock skew that can be configured: five minutes (Kantara IIP-G01 requires three to five).
    pub const GREATEST_CLOCK_SKEW: Duration = Duration::from_secs(300);

    /// Makes expectations of our entity ID, the address at which the response was received (as browsers see it), and
    /// the request that it may answer.
    ///
    /// The clock skew is 60 seconds, and no optional requirement is set.
    #[must_use]
    pub fn new(
        entity_id: EntityId,
        assertion_consumer: impl Into<Arc<str>>,
        correlation: Correlation,
    ) -> Expectations {
        Expectations {
            entity_id,
            assertion_consumer: assertion_consumer.into(),
            correlation,
            clock_skew: Duration::from_secs(60),
            maximum_message_age: None,
            maximum_authentication_age: None,
            requested_context: RequestedAuthnContext::default(),
            requested_name: RequestedName::default(),
        }
    }

    /// Sets how far the clocks may differ, allowed at both ends of every time of validity.
    ///
    /// Three to five minutes are usual if clocks are inaccurate. The skew also lengthens the time in which a response
    /// can be replayed, and how long its [`ReplayKey`](crate::ReplayKey) is kept. Maintained clocks do not differ by
    /// more than [`GREATEST_CLOCK_SKEW`](Self::GREATEST_CLOCK_SKEW).
    ///
    /// # Errors
    /// [`AssertionError::ClockSkew`] if it is larger than that.
    pub fn with_clock_skew(mut self, skew: Duration) -> Result<Expectations, AssertionError> {
        if skew > Expectations::GREATEST_CLOCK_SKEW {
            return Err(AssertionError::ClockSkew { skew, limit: Expectations::GREATEST_CLOCK_SKEW });
        }
        self.clock_skew = skew;
        Ok(self)
    }

    /// Sets the maximum age of a response and its assertion since they were issued, in addition to the times that
    /// they state.
    #[must_use]
    pub fn with_maximum_message_age(mut self, age: Duration) -> Expectations {
        self.maximum_message_age = Some(age);
        self
    }

    /// Sets how long ago the person may have signed in at the identity provider. Set it after a request with
    /// ForceAuthn: nothing else shows that the identity provider obeyed it.
    #[must_use]
    pub fn with_maximum_authentication_age(mut self, age: Duration) -> Expectations {
        self.maximum_authentication_age = Some(age);
        self
    }

    /// Sets the accepted authentication context classes, compared exactly. With an empty list any class is accepted,
    /// and also an assertion without one.
    #[must_use]
    pub fn with_authn_contexts<I>(self, classes: I) -> Expectations
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.with_requested_context(RequestedAuthnContext::exact(classes))
    }

    /// Sets the requested authentication context, with any comparison.
    #[must_use]
    pub fn with_requested_context(mut self, requested: RequestedAuthnContext) -> Expectations {
        self.requested_context = requested;
        self
    }

    /// Sets the person and the kind of name that the request asked for.
    #[must_use]
    pub fn with_requested_name(mut self, requested: RequestedName) -> Expectations {
        self.requested_name = requested;
        self
    }

    /// The service provider's entity ID, which must be the audience.
    #[must_use]
    pub fn entity_id(&self) -> &EntityId {
        &self.entity_id
    }

    /// The address at which the response was received: its Destination and Recipient.
    #[must_use]
    pub fn assertion_consumer(&self) -> &str {
        &self.assertion_consumer
    }

    pub(crate) fn shared_assertion_consumer(&self) -> Arc<str> {
        Arc::clone(&self.assertion_consumer)
    }

    /// The kind of response that is expected.
    #[must_use]
    pub fn correlation(&self) -> &Correlation {
        &self.correlation
    }

    /// The allowed difference of the clocks.
    #[must_use]
    pub fn clock_skew(&self) -> Duration {
        self.clock_skew
    }

    /// The maximum age of the message, if there is one.
    #[must_use]
    pub fn maximum_message_age(&self) -> Option<Duration> {
        self.maximum_message_age
    }

    /// The maximum age of the authentication, if there is one.
    #[must_use]
    pub fn maximum_authentication_age(&self) -> Option<Duration> {
        self.maximum_authentication_age
    }

    /// The requested authentication context.
    #[must_use]
    pub fn requested_context(&self) -> &RequestedAuthnContext {
        &self.requested_context
    }

    /// The person and the kind of name that the request asked for.
    #[must_use]
    pub fn requested_name(&self) -> &RequestedName {
        &self.requested_name
    }

    /// Returns the ID of the request that must be answered, if there is one.
    pub(crate) fn request(&self) -> Option<&str> {
        match &self.correlation {
            Correlation::Reply(request) => Some(request.id.as_str()),
            Correlation::Unsolicited => None,
        }
    }

    /// Returns when the request that must be answered was issued.
    pub(crate) fn request_issued_at(&self) -> Option<DateTime<Utc>> {
        match &self.correlation {
            Correlation::Reply(request) => request.issued_at,
            Correlation::Unsolicited => None,
        }
    }

    /// Returns the earliest issue time that an answer may have.
    pub(crate) fn oldest_answer(&self) -> Option<DateTime<Utc>> {
        match &self.correlation {
            Correlation::Reply(request) => request.oldest_answer(),
            Correlation::Unsolicited => None,
        }
    }
}
