//! What the receiver knows and the message must agree with.

use std::sync::Arc;

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use vouchsafe_metadata::EntityId;

use crate::authn_context::RequestedAuthnContext;
use crate::error::AssertionError;
use crate::message_id::MessageId;
use crate::requested_name::RequestedName;

/// Whether a request is pending. A reply never counts as unsolicited, and an unsolicited response never counts as a reply.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Correlation {
    /// The response must answer this request, which was sent by this browser.
    Reply(OutstandingRequest),
    /// The response must answer none: the login began at the identity provider.
    Unsolicited,
}

/// A request that was sent and not answered yet: its ID, and when it was issued. No answer is older than its request, in whole seconds: many
/// identity providers write the times of their answers without fractions.
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
    /// The request of that ID, issued at that time.
    #[must_use]
    pub fn new(id: MessageId, issued_at: DateTime<Utc>) -> OutstandingRequest {
        OutstandingRequest { id, issued_at: Some(issued_at) }
    }

    /// A request of which only the ID is known: for tools that look at a recorded response. A service knows when it asked.
    #[must_use]
    pub fn issued_at_unknown_time(id: MessageId) -> OutstandingRequest {
        OutstandingRequest { id, issued_at: None }
    }

    /// Its ID.
    #[must_use]
    pub fn id(&self) -> &MessageId {
        &self.id
    }

    /// When it was issued, if that is known.
    #[must_use]
    pub fn issued_at(&self) -> Option<DateTime<Utc>> {
        self.issued_at
    }

    /// No answer is older than this.
    pub(crate) fn oldest_answer(&self) -> Option<DateTime<Utc>> {
        Some(self.issued_at?.trunc_subsecs(0))
    }
}

/// What a response is compared with.
///
/// ```
/// use chrono::TimeDelta;
/// use vouchsafe_assertion::{Correlation, Expectations, MessageId, OutstandingRequest};
/// use vouchsafe_metadata::EntityId;
///
/// let expectations = Expectations::new(
///     EntityId::new("https://app.example.com/saml/metadata")?,
///     "https://app.example.com/saml/acs",
///     Correlation::Reply(OutstandingRequest::new(MessageId::new("id-1")?, "2026-01-01T00:00:00Z".parse()?)),
/// )
/// .with_clock_skew(TimeDelta::minutes(3))?;
/// assert_eq!(expectations.clock_skew(), TimeDelta::minutes(3));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Expectations {
    entity_id: EntityId,
    assertion_consumer: Arc<str>,
    correlation: Correlation,
    clock_skew: TimeDelta,
    maximum_message_age: Option<TimeDelta>,
    maximum_authentication_age: Option<TimeDelta>,
    requested_context: RequestedAuthnContext,
    requested_name: RequestedName,
}

impl Expectations {
    /// The largest clock skew that can be configured: five minutes (Kantara IIP-G01 asks for three to five).
    pub const GREATEST_CLOCK_SKEW: TimeDelta = TimeDelta::minutes(5);

    /// Who we are, where the response was received (as browsers see the address), and what it may answer.
    ///
    /// The clock skew is 60 seconds; nothing optional is asked for.
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
            clock_skew: TimeDelta::seconds(60),
            maximum_message_age: None,
            maximum_authentication_age: None,
            requested_context: RequestedAuthnContext::default(),
            requested_name: RequestedName::default(),
        }
    }

    /// How far the clocks may differ, granted at both ends of every window. A negative value means zero.
    ///
    /// Three to five minutes are usual where clocks are bad; what is granted here also lengthens how long a response can be replayed,
    /// and how long its [`ReplayKey`](crate::ReplayKey) is kept. More than [`GREATEST_CLOCK_SKEW`](Self::GREATEST_CLOCK_SKEW) is no
    /// difference of clocks but a window left open.
    ///
    /// # Errors
    /// [`AssertionError::ClockSkew`] if it is more than that.
    pub fn with_clock_skew(mut self, skew: TimeDelta) -> Result<Expectations, AssertionError> {
        if skew > Expectations::GREATEST_CLOCK_SKEW {
            return Err(AssertionError::ClockSkew { skew, limit: Expectations::GREATEST_CLOCK_SKEW });
        }
        self.clock_skew = skew.max(TimeDelta::zero());
        Ok(self)
    }

    /// How long ago a response and its assertion may have been issued, whatever their own windows say.
    #[must_use]
    pub fn with_maximum_message_age(mut self, age: TimeDelta) -> Expectations {
        self.maximum_message_age = Some(age.max(TimeDelta::zero()));
        self
    }

    /// How long ago the person may have signed in at the identity provider. Set it after a request with ForceAuthn: nothing else shows
    /// that the identity provider followed it.
    #[must_use]
    pub fn with_maximum_authentication_age(mut self, age: TimeDelta) -> Expectations {
        self.maximum_authentication_age = Some(age.max(TimeDelta::zero()));
        self
    }

    /// The authentication context classes that are accepted, compared exactly. With an empty list any class is accepted, and also an
    /// assertion without one.
    #[must_use]
    pub fn with_authn_contexts<I>(self, classes: I) -> Expectations
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.with_requested_context(RequestedAuthnContext::exact(classes))
    }

    /// The authentication context that was asked for, with any comparison.
    #[must_use]
    pub fn with_requested_context(mut self, requested: RequestedAuthnContext) -> Expectations {
        self.requested_context = requested;
        self
    }

    /// Whom the request asked for, and by which kind of name.
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

    /// What the response may answer.
    #[must_use]
    pub fn correlation(&self) -> &Correlation {
        &self.correlation
    }

    /// How far the clocks may differ.
    #[must_use]
    pub fn clock_skew(&self) -> TimeDelta {
        self.clock_skew
    }

    /// How long ago the message may have been issued.
    #[must_use]
    pub fn maximum_message_age(&self) -> Option<TimeDelta> {
        self.maximum_message_age
    }

    /// How long ago the person may have signed in.
    #[must_use]
    pub fn maximum_authentication_age(&self) -> Option<TimeDelta> {
        self.maximum_authentication_age
    }

    /// The authentication context that was asked for.
    #[must_use]
    pub fn requested_context(&self) -> &RequestedAuthnContext {
        &self.requested_context
    }

    /// Whom the request asked for, and by which kind of name.
    #[must_use]
    pub fn requested_name(&self) -> &RequestedName {
        &self.requested_name
    }

    /// The request that must be answered, if one is outstanding.
    pub(crate) fn request(&self) -> Option<&str> {
        match &self.correlation {
            Correlation::Reply(request) => Some(request.id.as_str()),
            Correlation::Unsolicited => None,
        }
    }

    /// When the request that must be answered was issued.
    pub(crate) fn request_issued_at(&self) -> Option<DateTime<Utc>> {
        match &self.correlation {
            Correlation::Reply(request) => request.issued_at,
            Correlation::Unsolicited => None,
        }
    }

    /// No answer is older than this.
    pub(crate) fn oldest_answer(&self) -> Option<DateTime<Utc>> {
        match &self.correlation {
            Correlation::Reply(request) => request.oldest_answer(),
            Correlation::Unsolicited => None,
        }
    }
}
