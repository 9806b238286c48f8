//! Receives messages other than a Response: finds their connections, and checks them until they are accepted.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use vouchsafe_assertion::{
    ClaimedMessage, ConnectionId, MessageExpectations, MessageId, MessageKind, OutstandingRequest, Refusal,
    Trust, ValidMessage, authenticate_message, choose_for_message, owners_of_message,
};

use crate::connection::{Connection, ConnectionState};
use crate::incoming::{ExpectMessage, IncomingMessage};
use crate::logout_journey::unasked_message;
use crate::service_provider::ServiceProvider;

/// A connection over which a message may have come, with the keys of its identity provider.
type Sender<'c> = (&'c Connection, Arc<Trust>);

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
        let trusts: Vec<&Trust> = senders.iter().map(|(_, trust)| trust.as_ref()).collect();
        let chosen = choose_for_message(&incoming.claimed, &trusts, self.limits())?.connection().clone();
        let sender = senders.into_iter().find(|(connection, _)| *connection.id() == chosen);
        let sender = sender.ok_or_else(|| Refusal::unknown_issuer("", []))?;
        self.judge_message(incoming, &sender, expect, now)
    }

    /// Does the same as [`receive_message`](Self::receive_message) for a request of an identity provider, which may
    /// belong to several connections: they have the identity provider and the key that signed in common. Public keys
    /// are public, so anybody can configure such a connection, and must not thereby prevent that sessions of others
    /// end.
    ///
    /// End the sessions of the request over each of them: it names people of its own connection alone. Change no
    /// account if there are several, and answer it only if all of them have the same address for answers. The
    /// messages have one [`replay_key`](ValidMessage::replay_key).
    ///
    /// The candidates may be any number, and of each one keys of its own are tried
    /// ([`owners_of_message`](vouchsafe_assertion::owners_of_message)), so that no connection hides another one. The
    /// work grows with their number; [`receive_request_among`](Self::receive_request_among) takes them in parts.
    ///
    /// # Errors
    /// The same as for [`receive_message`](Self::receive_message), but it is never ambiguous. If the request is valid
    /// for none of the connections that have the key, this is the refusal of the first one.
    pub fn receive_request(
        &self,
        incoming: IncomingMessage,
        candidates: &[Connection],
        expect: ExpectMessage<'_>,
        now: DateTime<Utc>,
    ) -> Result<Vec<ValidMessage>, Refusal> {
        let senders = self.senders(&incoming, candidates, expect, now)?;
        match senders.as_slice() {
            [only] => Ok(vec![self.judge_message(incoming, only, expect, now)?]),
            several => self.judge_for_each(&incoming, several, expect, now),
        }
    }

    /// Does the same as [`receive_request`](Self::receive_request) for some of the candidates, so that a service with
    /// many connections does not hold all of them in memory. Call it for each part, also after one to which the request
    /// does not belong.
    ///
    /// # Errors
    /// The same as for [`receive_request`](Self::receive_request). The request is refused if all parts refuse it.
    pub fn receive_request_among(
        &self,
        incoming: &IncomingMessage,
        candidates: &[Connection],
        expect: ExpectMessage<'_>,
        now: DateTime<Utc>,
    ) -> Result<Vec<ValidMessage>, Refusal> {
        let senders = self.senders(incoming, candidates, expect, now)?;
        self.judge_for_each(incoming, &senders, expect, now)
    }

    /// Returns the candidates whose key signed the message. A single one is returned without this check.
    fn senders<'c>(
        &self,
        incoming: &IncomingMessage,
        candidates: &'c [Connection],
        expect: ExpectMessage<'_>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Sender<'c>>, Refusal> {
        let mut senders = self.possible_senders(incoming, candidates, expect, now)?;
        let trusts: Vec<&Trust> = senders.iter().map(|(_, trust)| trust.as_ref()).collect();
        let owners = owners_of_message(&incoming.claimed, &trusts, self.limits())?;
        let owners: BTreeSet<ConnectionId> = owners.iter().map(|owner| owner.connection().clone()).collect();
        senders.retain(|(connection, _)| owners.contains(connection.id()));
        Ok(senders)
    }

    /// Returns the candidates that may have sent the message, by all checks that need no key; there is at least one.
    fn possible_senders<'c>(
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
        let mut usable = Vec::new();
        let mut reason = None;
        for connection in candidates {
            match self.may_have_sent(connection, claimed, received_at, expect, now) {
                Ok(Some(trust)) => usable.push((connection, trust)),
                Ok(None) => {}
                Err(refusal) => reason = Some(refusal),
            }
        }
        if usable.is_empty() {
            let name = claimed.issuer().map(|issuer| issuer.as_str()).unwrap_or_default();
            return Err(reason.unwrap_or_else(|| Refusal::unknown_issuer(name, [])));
        }
        Ok(usable)
    }

    /// Authenticates a message by the keys of one connection, and checks it.
    fn judge_message(
        &self,
        incoming: IncomingMessage,
        (connection, trust): &Sender<'_>,
        expect: ExpectMessage<'_>,
        now: DateTime<Utc>,
    ) -> Result<ValidMessage, Refusal> {
        let IncomingMessage { claimed, received_at, .. } = incoming;
        let mut expectations = self.message_expectations(connection, received_at)?;
        if let Some(waiting) = expect.waiting() {
            let request = MessageId::new(waiting.request_id)?;
            expectations = expectations.answering(OutstandingRequest::new(request, waiting.issued_at));
        }
        authenticate_message(claimed, trust, self.limits())?.read()?.validate(&expectations, now)
    }

    /// Checks a message for each of these connections, of which at least one must accept it.
    fn judge_for_each(
        &self,
        incoming: &IncomingMessage,
        senders: &[Sender<'_>],
        expect: ExpectMessage<'_>,
        now: DateTime<Utc>,
    ) -> Result<Vec<ValidMessage>, Refusal> {
        let (mut valid, mut first) = (Vec::new(), None);
        for sender in senders {
            let again = self.open_message(incoming.sent.clone(), &incoming.received_at)?;
            match self.judge_message(again, sender, expect, now) {
                Ok(message) => valid.push(message),
                // A connection that cannot read the request, such as one without its decryption key, has no say.
                Err(refusal) => first = first.or(Some(refusal)),
            }
        }
        match first {
            Some(refusal) if valid.is_empty() => Err(refusal),
            _ => Ok(valid),
        }
    }

    /// Returns `Ok(None)` if the message does not belong to the connection.
    fn may_have_sent(
        &self,
        connection: &Connection,
        claimed: &ClaimedMessage,
        received_at: &str,
        expect: ExpectMessage<'_>,
        now: DateTime<Utc>,
    ) -> Result<Option<Arc<Trust>>, Refusal> {
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
        identity_provider.check_validity(now).map_err(Refusal::metadata)?;
        Ok(Some(connection.trust(self)?))
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
