//! Limits how many tokens are looked into that no transmitter signed.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use vouchsafe::{Attempt, AttemptLimiter, ClientNetwork, ConnectionId, RequestLimiter, RequestRate};

/// How many tokens without a transmitter's signature may come from one client address: 100 at once and one a second.
pub(crate) const PER_CLIENT: RequestRate = RequestRate { per_second: 1, burst: 100 };

/// How many may come over one connection: 500 at once and 50 a second.
pub(crate) const PER_CONNECTION: RequestRate = RequestRate { per_second: 50, burst: 500 };

/// Limits the tokens that are not signed by the transmitter, for each client address and each connection. A token counts
/// until its signature was found to be the transmitter's.
///
/// A client that has sent a signed token over a connection is counted apart from all others there, so that strangers use up
/// nothing of the transmitter's.
#[derive(Debug)]
pub(crate) struct Strangers {
    clients: AttemptLimiter<Known>,
    connections: RequestLimiter<ConnectionId>,
    transmitters: RequestLimiter<Known>,
}

/// A client over a connection.
type Known = (ConnectionId, ClientNetwork);

/// A token whose signature was not verified yet. If it is dropped, it stays counted.
#[derive(Debug)]
pub(crate) struct Unverified<'s> {
    strangers: &'s Strangers,
    connection: &'s ConnectionId,
    attempt: Attempt<'s, Known>,
}

impl Strangers {
    pub(crate) fn new(per_client: RequestRate, per_connection: RequestRate) -> Strangers {
        Strangers {
            clients: AttemptLimiter::new(per_client),
            connections: RequestLimiter::new(per_connection),
            transmitters: RequestLimiter::new(per_connection),
        }
    }

    /// Counts a token, or returns after how many seconds one is allowed.
    pub(crate) fn begin<'s>(
        &'s self,
        connection: &'s ConnectionId,
        from: Option<IpAddr>,
        now: DateTime<Utc>,
    ) -> Result<Unverified<'s>, u64> {
        let attempt = self.clients.begin(from, |client| (connection.clone(), client), now)?;
        let counted = match attempt.proven_key() {
            Some(known) => self.transmitters.take(known, now),
            None => self.connections.take(connection, now),
        };
        match counted {
            Ok(()) => Ok(Unverified { strangers: self, connection, attempt }),
            Err(seconds) => {
                if attempt.is_first_from_unknown_address() {
                    tracing::warn!(
                        "too many unsigned signals came over a connection, and the transmitter is counted together with all \
                         others: with_client_address was not called, or found no address"
                    );
                }
                attempt.given_up();
                Err(seconds)
            }
        }
    }
}

impl Unverified<'_> {
    /// Ends the attempt: the transmitter signed the token.
    pub(crate) fn signed(self) {
        self.give_back();
        self.attempt.succeeded();
    }

    /// Ends the attempt without a result, because the store failed.
    pub(crate) fn given_up(self) {
        self.give_back();
        self.attempt.given_up();
    }

    fn give_back(&self) {
        match self.attempt.proven_key() {
            Some(known) => self.strangers.transmitters.give_back(known),
            None => self.strangers.connections.give_back(self.connection),
        }
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
        Strangers::new(rate(2), rate(5))
    }

    #[test]
    fn a_client_has_few_and_a_connection_more() {
        let (strangers, acme) = (few(), ConnectionId::new("acme").unwrap());
        let from = |text: &str| strangers.begin(&acme, address(text), at()).map(drop);
        assert_eq!([from("192.0.2.1"), from("192.0.2.1"), from("192.0.2.1")], [Ok(()), Ok(()), Err(1)]);
        assert_eq!([from("192.0.2.2"), from("192.0.2.2"), from("192.0.2.3")], [Ok(()); 3]);
        assert_eq!(from("192.0.2.4"), Err(1), "the connection has no more");
        let other = ConnectionId::new("globex").unwrap();
        assert!(
            strangers.begin(&other, address("192.0.2.4"), at()).is_ok(),
            "and the client lost nothing by it"
        );
        assert!(strangers.begin(&other, address("192.0.2.4"), at()).is_ok());
    }

    #[test]
    fn whoever_has_signed_is_not_kept_out_by_strangers() {
        let (strangers, acme) = (few(), ConnectionId::new("acme").unwrap());
        let transmitter = address("198.51.100.1");
        for _ in 0..20 {
            strangers.begin(&acme, transmitter, at()).unwrap().signed();
        }
        for last in 1..=20 {
            drop(strangers.begin(&acme, address(&format!("192.0.2.{last}")), at()));
        }
        assert!(strangers.begin(&acme, address("203.0.113.1"), at()).is_err());
        for _ in 0..20 {
            strangers.begin(&acme, transmitter, at()).unwrap().signed();
        }
        // What comes from its network unsigned is counted as well.
        let unsigned = (0..10).filter(|_| strangers.begin(&acme, transmitter, at()).is_ok()).count();
        assert_eq!(unsigned, 5);
    }

    #[test]
    fn without_an_address_the_connection_alone_counts() {
        let (strangers, acme) = (few(), ConnectionId::new("acme").unwrap());
        for _ in 0..20 {
            strangers.begin(&acme, None, at()).unwrap().signed();
            strangers.begin(&acme, None, at()).unwrap().given_up();
        }
        assert_eq!((0..10).filter(|_| strangers.begin(&acme, None, at()).is_ok()).count(), 5);
    }
}
