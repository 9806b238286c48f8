//! The path of messages other than a Response: bindings, signatures, and every rule.

mod artifacts;
mod paths;
mod recorded;
mod recorded_logout;
mod rules;
mod tampering;

use chrono::{DateTime, Utc};
use vouchsafe_assertion::{
    ClaimedMessage, Message, MessageExpectations, MessageId, OutstandingRequest, Refusal, Trust,
    ValidMessage, authenticate_message,
};
use vouchsafe_metadata::EntityId;
use vouchsafe_signature::MessageParameter;
use vouchsafe_testkit::{LogoutBuilder, SERVICE_PROVIDER, SINGLE_LOGOUT};
use vouchsafe_xml::Limits;

use crate::common::{at, okta};

pub(super) const NOW: &str = "2026-01-01T00:01:00Z";

/// A receiver of messages: the trust of one connection, and the expectations.
pub(super) struct Address {
    pub(super) trust: Trust,
    pub(super) expectations: MessageExpectations,
    pub(super) now: DateTime<Utc>,
    pub(super) limits: Limits,
}

/// The single logout address of the test kit's service provider.
pub(super) fn address() -> Address {
    let receiver = okta(NOW);
    let entity_id = EntityId::new(SERVICE_PROVIDER).unwrap();
    Address {
        trust: receiver.whole_trust(),
        expectations: MessageExpectations::new(entity_id, SINGLE_LOGOUT),
        now: at(NOW),
        limits: Limits::default(),
    }
}

impl Address {
    /// The same with a request that waits for its answer.
    pub(super) fn answering(mut self, request: &str) -> Address {
        let request = OutstandingRequest::new(MessageId::new(request).unwrap(), at("2026-01-01T00:00:00Z"));
        self.expectations = self.expectations.answering(request);
        self
    }

    pub(super) fn valid(&self, claimed: ClaimedMessage) -> Result<ValidMessage, Refusal> {
        authenticate_message(claimed, &self.trust, &self.limits)?
            .read()?
            .validate(&self.expectations, self.now)
    }

    pub(super) fn receive(&self, claimed: Result<ClaimedMessage, Refusal>) -> Result<Message, Refusal> {
        let valid = self.valid(claimed?)?;
        let recorded = valid.replay_key().recorded(true);
        valid.confirm(recorded)
    }

    pub(super) fn posted(&self, xml: &str) -> Result<ClaimedMessage, Refusal> {
        self.posted_in(MessageParameter::Request, xml)
    }

    pub(super) fn posted_in(
        &self,
        parameter: MessageParameter,
        xml: &str,
    ) -> Result<ClaimedMessage, Refusal> {
        ClaimedMessage::posted(parameter, xml.as_bytes(), None, &self.limits)
    }

    pub(super) fn by_post(&self, message: &LogoutBuilder) -> Result<Message, Refusal> {
        let parameter = match message.parameter() {
            "SAMLRequest" => MessageParameter::Request,
            _ => MessageParameter::Response,
        };
        self.receive(self.posted_in(parameter, &message.signed().unwrap()))
    }

    pub(super) fn by_redirect(&self, message: &LogoutBuilder) -> Result<Message, Refusal> {
        self.receive(ClaimedMessage::in_query(&message.to_query(Some("state")).unwrap(), &self.limits))
    }

    pub(super) fn by_soap(&self, message: &LogoutBuilder) -> Result<Message, Refusal> {
        self.receive(ClaimedMessage::in_soap(message.to_soap().unwrap().as_bytes(), &self.limits))
    }
}

pub(super) fn code<T>(outcome: Result<T, Refusal>) -> &'static str {
    outcome.map_or_else(|refusal| refusal.code(), |_| "accepted")
}
