//! Limits how many tokens are looked into, and how many are carried out.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use vouchsafe::{Attempt, AttemptLimiter, ClientNetwork, ConnectionId, RequestLimiter, RequestRate};

/// How many tokens that are not valid may come from one client over one connection: 100 at once and one a second.
pub(crate) const PER_CLIENT: RequestRate = RequestRate { per_second: 1, burst: 100 };

/// How many may come over one connection: 5,000 at once and 1,000 a second. Each costs the verification of one signature
/// and no read, so this is far more than a few clients send.
pub(crate) const PER_CONNECTION: RequestRate = RequestRate { per_second: 1_000, burst: 5_000 };

/// How many may come from one network over all connections: 1,000 at once and 50 a second.
const PER_NETWORK: RequestRate = RequestRate { per_second: 50, burst: 1_000 };

/// How many tokens of any kind may come over one connection from a client whose tokens are valid: 500 at once and 50 a
/// second. Each may be a transaction.
pub(crate) const VALID: RequestRate = RequestRate { per_second: 50, burst: 500 };

/// Limits the tokens of each client address and each connection.
///
/// A token counts until it was found valid. A client that has sent a valid token over a connection is counted apart from
/// all others there, so that strangers use up nothing of the transmitter's.
#[derive(Debug)]
pub(crate) struct Strangers {
    clients: AttemptLimiter<Known, Known>,
    networks: RequestLimiter<ClientNetwork>,
    connections: RequestLimiter<ConnectionId>,
    /// The tokens of clients whose tokens are valid. `None`: those whose address is not known.
    transmitters: RequestLimiter<(ConnectionId, Option<ClientNetwork>)>,
}

/// A client over a connection.
type Known = (ConnectionId, ClientNetwork);

/// A token that was not verified yet. If it is dropped, it stays counted.
#[derive(Debug)]
pub(crate) struct Unverified<'s> {
    strangers: &'s Strangers,
    connection: &'s ConnectionId,
    client: Option<ClientNetwork>,
    attempt: Attempt<'s, Known, Known>,
}

impl Strangers {
    pub(crate) fn new(per_client: RequestRate, per_connection: RequestRate, valid: RequestRate) -> Strangers {
        Strangers {
            clients: AttemptLimiter::new(per_client),
            networks: RequestLimiter::new(PER_NETWORK),
            connections: RequestLimiter::new(per_connection),
            transmitters: RequestLimiter::new(valid),
        }
    }

    /// The rates of new limiters that are the same but for one.
    pub(crate) fn rates(&self) -> [RequestRate; 3] {
        [self.clients.rate(), self.connections.rate(), self.transmitters.rate()]
    }

    /// Counts a token, or returns after how many seconds one is allowed.
    pub(crate) fn begin<'s>(
        &'s self,
        connection: &'s ConnectionId,
        from: Option<IpAddr>,
        now: DateTime<Utc>,
    ) -> Result<Unverified<'s>, u64> {
        let client = from.map(ClientNetwork::of);
        let known = || client.map(|client| (connection.clone(), client));
        let attempt = self.clients.begin(known().zip(known()), now)?;
        let counted = match attempt.proven_key() {
            Some(_) => self.transmitters.take(&(connection.clone(), client), now),
            None => self.count_stranger(connection, client, now),
        };
        match counted {
            Ok(()) => Ok(Unverified { strangers: self, connection, client, attempt }),
            Err(seconds) => {
                if attempt.is_first_from_unknown_address() {
                    tracing::warn!(
                        "too many signals that are not valid came over a connection, and the transmitter is counted together \
                         with all others: with_client_address was not called, or found no address"
                    );
                }
                attempt.given_up();
                Err(seconds)
            }
        }
    }

    fn count_stranger(
        &self,
        connection: &ConnectionId,
        client: Option<ClientNetwork>,
        now: DateTime<Utc>,
    ) -> Result<(), u64> {
        let network = client.map(ClientNetwork::site);
        if let Some(network) = &network {
            self.networks.take(network, now)?;
        }
        self.connections.take(connection, now).inspect_err(|_| {
            if let Some(network) = &network {
                self.networks.give_back(network);
            }
        })
    }
}

impl Unverified<'_> {
    /// Ends the attempt: the token is valid. It counts among the valid ones from now on; if there are too many of them,
    /// this returns after how many seconds one is allowed.
    pub(crate) fn valid(self, now: DateTime<Utc>) -> Result<(), u64> {
        let counted = match self.attempt.proven_key() {
            Some(_) => Ok(()),
            None => {
                self.give_back_as_stranger();
                self.strangers.transmitters.take(&(self.connection.clone(), self.client), now)
            }
        };
        self.attempt.succeeded();
        counted
    }

    /// Ends the attempt without a result, because the store failed.
    pub(crate) fn given_up(self) {
        match self.attempt.proven_key() {
            Some(_) => self.strangers.transmitters.give_back(&(self.connection.clone(), self.client)),
            None => self.give_back_as_stranger(),
        }
        self.attempt.given_up();
    }

    fn give_back_as_stranger(&self) {
        if let Some(client) = self.client {
            self.strangers.networks.give_back(&client.site());
        }
        self.strangers.connections.give_back(self.connection);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> DateTime<Utc> {
        "2026-01-15T09:00:00Z".parse().unwrap()
    }

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    fn few() -> Strangers {
        let rate = |burst| RequestRate { per_second: 1, burst };
        Strangers::new(rate(2), rate(5), rate(25))
    }

    #[test]
    fn a_client_has_few_and_a_connection_more() {
        let (strangers, acme) = (few(), ConnectionId::new("acme").unwrap());
        let from = |text: &str| strangers.begin(&acme, address(text), at()).map(drop);
        assert_eq!([from("192.0.2.1"), from("192.0.2.1"), from("192.0.2.1")], [Ok(()), Ok(()), Err(1)]);
        assert_eq!([from("192.0.2.2"), from("192.0.2.2"), from("192.0.2.3")], [Ok(()); 3]);
        assert_eq!(from("192.0.2.4"), Err(1), "the connection has no more");
        let other = ConnectionId::new("globex").unwrap();
        for client in ["192.0.2.4", "192.0.2.1"] {
            for _ in 0..2 {
                assert!(
                    strangers.begin(&other, address(client), at()).is_ok(),
                    "and {client} lost nothing by it"
                );
            }
        }
    }

    /// A transmitter with common addresses, such as Okta, is not kept out by what another customer has it send.
    #[test]
    fn what_a_client_sends_over_one_connection_counts_for_that_connection() {
        let strangers = Strangers::new(PER_CLIENT, PER_CONNECTION, VALID);
        let [mallory, acme] = ["mallory", "acme"].map(|name| ConnectionId::new(name).unwrap());
        let okta = address("198.51.100.1");
        let sent = (0..500).filter(|_| strangers.begin(&mallory, okta, at()).is_ok()).count();
        assert_eq!(sent, 100);
        assert!(strangers.begin(&acme, okta, at()).unwrap().valid(at()).is_ok());
    }

    /// The first signal after a start comes from a client that nobody knows yet.
    #[test]
    fn one_line_with_many_networks_does_not_keep_the_first_signal_out() {
        let strangers = Strangers::new(PER_CLIENT, PER_CONNECTION, VALID);
        let acme = ConnectionId::new("acme").unwrap();
        for second in 0..60 {
            let now = at() + chrono::TimeDelta::seconds(second);
            for network in 0..256 {
                let _ = strangers.begin(&acme, address(&format!("2001:db8:0:{network:x}::1")), now);
            }
            let transmitter = address(&format!("198.51.100.{}", second + 1));
            assert!(strangers.begin(&acme, transmitter, now).unwrap().valid(now).is_ok(), "second {second}");
        }
        // All networks of one line count together, over all connections.
        let now = at() + chrono::TimeDelta::seconds(59);
        let sent = (0..2_000).filter(|number| {
            let name = ConnectionId::new(format!("c{number}")).unwrap();
            strangers.begin(&name, address("2001:db8:0:ffff::1"), now).is_ok()
        });
        assert!(sent.count() <= 1_000);
    }

    #[test]
    fn whoever_has_sent_a_valid_one_is_not_kept_out_by_strangers() {
        let (strangers, acme) = (few(), ConnectionId::new("acme").unwrap());
        let transmitter = address("198.51.100.1");
        for _ in 0..10 {
            strangers.begin(&acme, transmitter, at()).unwrap().valid(at()).unwrap();
        }
        for last in 1..=20 {
            drop(strangers.begin(&acme, address(&format!("192.0.2.{last}")), at()));
        }
        assert!(strangers.begin(&acme, address("203.0.113.1"), at()).is_err());
        for _ in 0..10 {
            strangers.begin(&acme, transmitter, at()).unwrap().valid(at()).unwrap();
        }
        // Whatever comes from its network is counted.
        let more = (0..10).filter(|_| strangers.begin(&acme, transmitter, at()).is_ok()).count();
        assert_eq!(more, 5);
    }

    #[test]
    fn valid_ones_are_limited_too() {
        for from in [address("198.51.100.1"), None] {
            let (strangers, acme) = (few(), ConnectionId::new("acme").unwrap());
            let sent = (0..100).filter(|_| {
                strangers.begin(&acme, from, at()).is_ok_and(|unverified| unverified.valid(at()).is_ok())
            });
            assert_eq!(sent.count(), 25, "{from:?}");
        }
    }

    #[test]
    fn without_an_address_the_connection_alone_counts() {
        let (strangers, acme) = (few(), ConnectionId::new("acme").unwrap());
        for _ in 0..20 {
            strangers.begin(&acme, None, at()).unwrap().valid(at()).unwrap();
            strangers.begin(&acme, None, at()).unwrap().given_up();
        }
        assert_eq!((0..10).filter(|_| strangers.begin(&acme, None, at()).is_ok()).count(), 5);
    }
}
