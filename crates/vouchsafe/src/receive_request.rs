//! Receives requests of identity providers about sessions and names, each of which may belong to several connections.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use vouchsafe_assertion::{
    ConnectionId, Refusal, Trust, ValidMessage, authenticate_message, owners_of_message,
};

use crate::connection::Connection;
use crate::incoming::{ExpectMessage, IncomingMessage};
use crate::receive_message::Sender;
use crate::service_provider::ServiceProvider;

/// A request of an identity provider, as it is for each connection that has the key that signed it.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct ReceivedRequest {
    /// The request, for each connection over which it is valid. All have one
    /// [`replay_key`](ValidMessage::replay_key).
    pub valid: Vec<ValidMessage>,
    /// The other active connections that have the key. The request is refused over them, for example because the
    /// metadata of the connection has ended, or because the connection cannot decrypt the name.
    pub others: Vec<ConnectionId>,
    /// The first of these refusals.
    pub refusal: Option<Refusal>,
}

impl ReceivedRequest {
    /// Returns whether one connection alone has the key. Otherwise a stranger may have configured one of them with a
    /// copy of the public key: change no account.
    #[must_use]
    pub fn is_of_one(&self) -> bool {
        self.valid.len() == 1 && self.others.is_empty()
    }

    fn take(&mut self, connection: &Connection, outcome: Result<ValidMessage, Refusal>) {
        match outcome {
            Ok(valid) => self.valid.push(valid),
            Err(refusal) => {
                self.others.push(connection.id().clone());
                self.refusal.get_or_insert(refusal);
            }
        }
    }
}

impl ServiceProvider {
    /// Does the same as [`receive_message`](Self::receive_message) for a request of an identity provider, which may
    /// belong to several connections: they have the identity provider and the key that signed in common. Public keys
    /// are public, so anybody can configure such a connection, and must not thereby prevent that sessions of others
    /// end.
    ///
    /// End the sessions of the request over each connection for which it is [valid](ReceivedRequest::valid): it names
    /// people of that connection alone. Change an account only if the key is [that of one
    /// connection](ReceivedRequest::is_of_one). Answer the request only if all of them, including the
    /// [others](ReceivedRequest::others), have the same address for answers.
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
    ) -> Result<ReceivedRequest, Refusal> {
        let mut senders = self.senders(&incoming, candidates, expect, now)?;
        let mut received = match senders.pop() {
            Some(only) if senders.is_empty() => {
                let (connection, mut received) = (only.connection, ReceivedRequest::default());
                received.take(connection, self.judge_request(incoming, only, expect, now)?);
                received
            }
            last => {
                senders.extend(last);
                self.judge_for_each(&incoming, senders, expect, now)?
            }
        };
        match received.refusal.take_if(|_| received.valid.is_empty()) {
            Some(refusal) => Err(refusal),
            None => Ok(received),
        }
    }

    /// Does the same as [`receive_request`](Self::receive_request) for some of the candidates, so that a service with
    /// many connections does not hold all of them in memory. Call it for each part, also after one to which the request
    /// does not belong, and join the results.
    ///
    /// # Errors
    /// The same as for [`receive_request`](Self::receive_request), if no connection of this part has the key. If those
    /// that have it refuse the request, this is no error, and [`valid`](ReceivedRequest::valid) is empty: the
    /// connections count when it is decided whether the key is that of one connection. The request is refused if it is
    /// valid in no part.
    pub fn receive_request_among(
        &self,
        incoming: &IncomingMessage,
        candidates: &[Connection],
        expect: ExpectMessage<'_>,
        now: DateTime<Utc>,
    ) -> Result<ReceivedRequest, Refusal> {
        let senders = self.senders(incoming, candidates, expect, now)?;
        self.judge_for_each(incoming, senders, expect, now)
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
        let trusts: Vec<&Trust> = senders.iter().map(|sender| sender.trust.as_ref()).collect();
        let owners = owners_of_message(&incoming.claimed, &trusts, self.limits())?;
        let owners: BTreeSet<ConnectionId> = owners.iter().map(|owner| owner.connection().clone()).collect();
        senders.retain(|sender| owners.contains(sender.connection.id()));
        Ok(senders)
    }

    /// Checks a request for each of these connections, of which at least one must have the key.
    fn judge_for_each(
        &self,
        incoming: &IncomingMessage,
        senders: Vec<Sender<'_>>,
        expect: ExpectMessage<'_>,
        now: DateTime<Utc>,
    ) -> Result<ReceivedRequest, Refusal> {
        let (mut received, are_several) = (ReceivedRequest::default(), senders.len() > 1);
        for sender in senders {
            let again = self.open_message(incoming.sent.clone(), &incoming.received_at)?;
            let connection = sender.connection;
            let outcome = match self.judge_request(again, sender, expect, now) {
                // It has the key, as one of several.
                Err(refusal) if are_several => Err(refusal),
                outcome => outcome?,
            };
            received.take(connection, outcome);
        }
        Ok(received)
    }

    /// Checks a request for one connection.
    ///
    /// # Errors
    /// The refusal if no key of the connection authenticates it. The inner result tells what the connection does with
    /// an authentic one.
    fn judge_request(
        &self,
        incoming: IncomingMessage,
        sender: Sender<'_>,
        expect: ExpectMessage<'_>,
        now: DateTime<Utc>,
    ) -> Result<Result<ValidMessage, Refusal>, Refusal> {
        let IncomingMessage { claimed, received_at, .. } = incoming;
        let authentic = authenticate_message(claimed, &sender.trust, self.limits())?;
        Ok(match sender.ended {
            Some(refusal) => Err(refusal),
            None => self.judge_message(authentic, (sender.connection, received_at), expect, now),
        })
    }
}
