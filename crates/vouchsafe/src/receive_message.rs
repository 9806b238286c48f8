//! Receives messages other than a Response: finds their connections, and checks them until they are accepted.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use vouchsafe_assertion::{
    AuthenticMessage, ClaimedMessage, MessageExpectations, MessageId, MessageKind, OutstandingRequest,
    Refusal, Trust, ValidMessage, authenticate_message, choose_for_message,
};

use crate::connection::{Connection, ConnectionState};
use crate::incoming::{ExpectMessage, IncomingMessage};
use crate::logout_journey::unasked_message;
use crate::service_provider::ServiceProvider;

/// A connection over which a message may have come, with the keys of its identity provider.
pub(crate) struct Sender<'c> {
    pub(crate) connection: &'c Connection,
    pub(crate) trust: Arc<Trust>,
    /// The reason if nothing is accepted over the connection now, because its metadata has ended.
    pub(crate) ended: Option<Refusal>,
}

impl ServiceProvider {
    /// Decides whether to accept a message: finds the connection, authenticates the message, reads what was signed,
    /// and checks it against what is expected.
    ///
    /// `candidates` are the connections that the message may belong to: for an answer, the connection that was asked;
    /// otherwise those of the claimed issuer. The result is valid but may be a replay: record its
    /// [`replay_key`](ValidMessage::replay_key), then [`confirm`](ValidMessage::confirm) it. Like
    /// [`receive`](Self::receive), this method does no I/O.
    ///
    /// # Errors
    /// A [`Refusal`], which carries the first error and the ledger of every rule that was checked.
    pub fn receive_message(
        &self,
        incoming: IncomingMessage,
        candidates: &[Connection],
        expect: ExpectMessage<'_>,
        now: DateTime<Utc>,
    ) -> Result<ValidMessage, Refusal> {
        let senders = self.possible_senders(&incoming, candidates, expect, now)?;
        let trusts: Vec<&Trust> = senders.iter().map(|sender| sender.trust.as_ref()).collect();
        let chosen = choose_for_message(&incoming.claimed, &trusts, self.limits())?.connection().clone();
        let sender = senders.into_iter().find(|sender| *sender.connection.id() == chosen);
        let sender = sender.ok_or_else(|| Refusal::unknown_issuer("", []))?;
        // Only now: a connection whose metadata has ended has its key still, and a copy of it is not the only one.
        if let Some(ended) = sender.ended {
            return Err(ended);
        }
        let IncomingMessage { claimed, received_at, .. } = incoming;
        let authentic = authenticate_message(claimed, &sender.trust, self.limits())?;
        self.judge_message(authentic, (sender.connection, received_at), expect, now)
    }

    /// Returns the candidates that may have sent the message, by all checks that need no key; there is at least one.
    /// Those whose metadata has ended are among them.
    pub(crate) fn possible_senders<'c>(
        &self,
        incoming: &IncomingMessage,
        candidates: &'c [Connection],
        expect: ExpectMessage<'_>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Sender<'c>>, Refusal> {
        let IncomingMessage { claimed, received_at, .. } = incoming;
        claimed.require_kind(expect.kinds())?;
        if let ExpectMessage::NameIdReply(bound) = expect
            && bound.request().name_id_order().is_none()
        {
            return Err(unasked_message(MessageKind::ManageNameIdResponse, "what waits is a sign-in"));
        }
        if let Some(waiting) = expect.waiting().filter(|waiting| now >= waiting.expires_at) {
            return Err(Refusal::request_expired(waiting.expires_at));
        }
        let mut senders = Vec::new();
        let mut reason = None;
        for connection in candidates {
            match self.may_have_sent(connection, claimed, received_at, expect, now) {
                Ok(Some(sender)) => senders.push(sender),
                Ok(None) => {}
                Err(refusal) => reason = Some(refusal),
            }
        }
        if senders.is_empty() {
            let name = claimed.issuer().map(|issuer| issuer.as_str()).unwrap_or_default();
            return Err(reason.unwrap_or_else(|| Refusal::unknown_issuer(name, [])));
        }
        Ok(senders)
    }

    /// Reads a message that is authenticated by the keys of one connection, and checks it.
    pub(crate) fn judge_message(
        &self,
        authentic: AuthenticMessage<'_>,
        (connection, received_at): (&Connection, Arc<str>),
        expect: ExpectMessage<'_>,
        now: DateTime<Utc>,
    ) -> Result<ValidMessage, Refusal> {
        let mut expectations = self.message_expectations(connection, received_at)?;
        if let Some(waiting) = expect.waiting() {
            let request = MessageId::new(waiting.request_id)?;
            expectations = expectations.answering(OutstandingRequest::new(request, waiting.issued_at));
        }
        authentic.read()?.validate(&expectations, now)
    }

    /// Returns `Ok(None)` if the message does not belong to the connection.
    fn may_have_sent<'c>(
        &self,
        connection: &'c Connection,
        claimed: &ClaimedMessage,
        received_at: &str,
        expect: ExpectMessage<'_>,
        now: DateTime<Utc>,
    ) -> Result<Option<Sender<'c>>, Refusal> {
        let ours = self.message_address(Some(connection), claimed.kind(), claimed.carriage());
        if ours != Some(received_at) {
            return Ok(None);
        }
        let identity_provider = connection.identity_provider();
        let is_of_issuer = claimed.issuer() == Some(identity_provider.entity_id());
        match expect.waiting() {
            Some(waiting) if waiting.connection != connection.id() => return Ok(None),
            Some(_) if !is_of_issuer => {
                let actual = claimed.issuer().map(|issuer| issuer.as_str()).unwrap_or_default();
                return Err(Refusal::unexpected_issuer(identity_provider.entity_id().as_str(), actual));
            }
            None if !is_of_issuer => return Ok(None),
            _ => {}
        }
        // A request ends sessions only over an active connection. An answer to a request of ours may still come after
        // the connection's state changed.
        let is_open = match expect.waiting() {
            // It changes nothing but the page, and the person was already sent away.
            Some(_) if matches!(expect, ExpectMessage::LogoutReply(_)) => true,
            Some(_) => connection.state() != ConnectionState::Retired,
            None => connection.state() == ConnectionState::Active,
        };
        if !is_open {
            return Err(Refusal::connection_state(connection.id(), connection.state().name()));
        }
        let ended = identity_provider.check_validity(now).map_err(Refusal::metadata).err();
        match connection.trust(self) {
            Ok(trust) => Ok(Some(Sender { connection, trust, ended })),
            Err(error) => Err(ended.unwrap_or_else(|| error.into())),
        }
    }

    pub(crate) fn message_expectations(
        &self,
        connection: &Connection,
        received_at: impl Into<Arc<str>>,
    ) -> Result<MessageExpectations, Refusal> {
        let expectations = MessageExpectations::new(self.entity_id_for(connection).clone(), received_at);
        let expectations = expectations.with_clock_skew(self.clock_skew_for(connection))?;
        let by_session_index = connection.settings().ends_by_session_index();
        let expectations = expectations.ending_by_session_index(by_session_index);
        Ok(match self.maximum_message_age_for(connection) {
            Some(age) => expectations.with_maximum_age(age.min(MessageExpectations::MAXIMUM_AGE)),
            None => expectations,
        })
    }
}
