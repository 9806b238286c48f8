//! Limits how many sign-ins are started.

use std::net::IpAddr;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use vouchsafe::{ClientNetwork, ConnectionId, RequestLimiter, RequestRate};

use crate::error::HttpError;

/// Limits how many sign-ins are started: from one client address, over one connection, and altogether.
///
/// Anybody may start a sign-in, and each is kept for some minutes in the store of pending requests, possibly on disk.
/// So this limiter counts how many are started in a time, and not how many are in progress, as
/// [`ReceiveLimiter`](crate::ReceiveLimiter) does for responses. A start over the limit is answered with status 429
/// and `Retry-After`, and nothing is stored.
///
/// A sign-in that starts instead of using a response counts too (twice if the browser is redirected to our own address
/// first, since each step is stored), and so do trials, links, and artifacts, each of
/// which sends a request to an identity provider. An address is counted before anything is looked up; only existing
/// connections are counted.
///
/// Clones share it. It remembers about ten thousand addresses and as many connections, and forgets those first that have
/// started least.
///
/// ```
/// use vouchsafe_web::{RequestRate, StartLimiter};
///
/// let limiter = StartLimiter::new(RequestRate { burst: 20_000, per_second: 1_000 })
///     .per_client_address(RequestRate { burst: 300, per_second: 10 })
///     .per_connection(RequestRate { burst: 3_000, per_second: 100 });
/// # let _ = limiter;
/// ```
#[derive(Clone, Debug)]
pub struct StartLimiter(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    all: RequestLimiter<()>,
    addresses: RequestLimiter<ClientNetwork>,
    /// The larger IPv6 networks that one customer may have.
    sites: RequestLimiter<ClientNetwork>,
    connections: RequestLimiter<ConnectionId>,
}

const ALL: RequestRate = RequestRate { burst: 20_000, per_second: 1_000 };
const PER_ADDRESS: RequestRate = RequestRate { burst: 300, per_second: 10 };
/// How many client addresses an IPv6 network of 48 bits counts as.
const ADDRESSES_OF_SITE: u32 = 16;
const PER_CONNECTION: RequestRate = RequestRate { burst: 3_000, per_second: 100 };

impl Default for StartLimiter {
    /// Allows 20,000 at once and then 1,000 per second; for one client address 300 and then 10, which covers a
    /// company behind one address at nine o'clock; over one connection 3,000 and then 100.
    fn default() -> StartLimiter {
        StartLimiter::new(ALL)
    }
}

impl StartLimiter {
    /// Allows this rate altogether, with the default rates for one address and one connection.
    #[must_use]
    pub fn new(all: RequestRate) -> StartLimiter {
        StartLimiter::with(all, PER_ADDRESS, PER_CONNECTION)
    }

    /// Sets the rate for one client address; for an IPv6 address, the first 64 bits count. A network of 48 bits,
    /// which one customer may have, is allowed sixteen times as many. If the [client
    /// address](crate::SingleSignOn::client_address) is not known, this limit does not apply.
    #[must_use]
    pub fn per_client_address(self, rate: RequestRate) -> StartLimiter {
        StartLimiter::with(self.0.all.rate(), rate, self.0.connections.rate())
    }

    /// Sets the rate over one connection. A stranger can use it up. So allow more than all people of a large customer
    /// need at nine o'clock, and configure the client address, so that one stranger cannot use it up alone.
    #[must_use]
    pub fn per_connection(self, rate: RequestRate) -> StartLimiter {
        StartLimiter::with(self.0.all.rate(), self.0.addresses.rate(), rate)
    }

    fn with(all: RequestRate, address: RequestRate, connection: RequestRate) -> StartLimiter {
        StartLimiter(Arc::new(Shared {
            all: RequestLimiter::new(all),
            addresses: RequestLimiter::new(address),
            sites: RequestLimiter::new(RequestRate {
                burst: address.burst.saturating_mul(ADDRESSES_OF_SITE),
                per_second: address.per_second.saturating_mul(ADDRESSES_OF_SITE),
            }),
            connections: RequestLimiter::new(connection),
        }))
    }

    /// Counts a sign-in that a client wants to start, before anything is looked up.
    pub(crate) fn count_client(&self, address: Option<IpAddr>, now: DateTime<Utc>) -> Result<(), HttpError> {
        let Some(client) = address.map(ClientNetwork::of) else { return Ok(()) };
        let Shared { addresses, sites, .. } = &*self.0;
        addresses.take(&client, now).map_err(too_many("from one client address", addresses.rate()))?;
        sites.take(&client.site(), now).map_err(|retry_after| {
            addresses.give_back(&client);
            too_many("from one IPv6 network of 48 bits", sites.rate())(retry_after)
        })
    }

    /// Counts a sign-in that is started over a connection.
    pub(crate) fn count_over(&self, connection: &ConnectionId, now: DateTime<Utc>) -> Result<(), HttpError> {
        let Shared { all, connections, .. } = &*self.0;
        connections.take(connection, now).map_err(too_many("over one connection", connections.rate()))?;
        all.take(&(), now).map_err(|retry_after| {
            connections.give_back(connection);
            too_many("altogether", all.rate())(retry_after)
        })
    }
}

fn too_many(of: &'static str, rate: RequestRate) -> impl FnOnce(u64) -> HttpError {
    move |retry_after| HttpError::TooManyStarts { of, rate, retry_after }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_is_told_apart() {
        let small = RequestRate { burst: 1, per_second: 1 };
        let large = RequestRate { burst: 10, per_second: 10 };
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let now = at("2026-01-15T09:00:00Z");
        let name = |text: &str| ConnectionId::new(text).unwrap();
        let told = |result: Result<(), HttpError>| result.unwrap_err().to_string();
        let limiter = StartLimiter::new(large).per_client_address(small).per_connection(large);
        let address = Some("192.0.2.1".parse().unwrap());
        assert!(limiter.count_client(address, now).is_ok() && limiter.count_client(None, now).is_ok());
        assert!(told(limiter.count_client(address, now)).contains("from one client address"));
        let limiter = StartLimiter::new(large).per_connection(small);
        assert!(
            limiter.count_over(&name("one"), now).is_ok() && limiter.count_over(&name("two"), now).is_ok()
        );
        assert!(told(limiter.count_over(&name("one"), now)).contains("over one connection"));
        let limiter = StartLimiter::new(small);
        assert!(limiter.count_over(&name("one"), now).is_ok());
        let error = limiter.count_over(&name("two"), now).unwrap_err();
        assert_eq!((error.code(), error.status().as_u16()), ("http.too_many_starts", 429));
        assert!(error.to_string().contains("altogether"), "{error}");
        // What is refused altogether took nothing of the connection's.
        let limiter = StartLimiter::new(small).per_connection(RequestRate { burst: 1, per_second: 1 });
        assert!(limiter.count_over(&name("one"), now).is_ok());
        assert!(told(limiter.count_over(&name("two"), now)).contains("altogether"));
        assert!(limiter.count_over(&name("two"), at("2026-01-15T09:00:01Z")).is_ok());
    }

    /// A client that used up its own rate takes nothing from others, however many addresses it has.
    #[test]
    fn many_addresses_keep_no_other_address_out() {
        let now: DateTime<Utc> = "2026-01-15T09:00:00Z".parse().unwrap();
        let limiter = StartLimiter::default().per_client_address(RequestRate { burst: 1, per_second: 1 });
        let address = |number: u32| Some(IpAddr::from(number.to_be_bytes()));
        for number in 0..30_000 {
            assert!(limiter.count_client(address(number), now).is_ok(), "address {number}");
            assert!(limiter.count_client(address(number), now).is_err(), "address {number}");
        }
    }

    /// One customer has many IPv6 networks of 64 bits.
    #[test]
    fn a_customer_with_many_networks_counts_as_one() {
        let now: DateTime<Utc> = "2026-01-15T09:00:00Z".parse().unwrap();
        let limiter = StartLimiter::default().per_client_address(RequestRate { burst: 2, per_second: 1 });
        let counts = |address: String| limiter.count_client(Some(address.parse().unwrap()), now).is_ok();
        assert_eq!((0..256).filter(|net| counts(format!("2001:db8:0:{net:x}::1"))).count(), 32);
        assert!(!counts("2001:db8:0:ffff::1".to_owned()));
        assert!(counts("2001:db8:1::1".to_owned()) && counts("192.0.2.1".to_owned()));
    }
}
