//! Limits how many sign-ins are started.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use vouchsafe::{ClientNetwork, ConnectionId};

use crate::error::HttpError;

/// A number that is allowed at once, and a number per second after that. 0 counts as 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    at_once: u32,
    per_second: u32,
}

impl Rate {
    /// Makes a rate of a number that is allowed at once, and a number per second after that.
    #[must_use]
    pub const fn new(at_once: u32, per_second: u32) -> Rate {
        let at_once = if at_once == 0 { 1 } else { at_once };
        let per_second = if per_second == 0 { 1 } else { per_second };
        Rate { at_once, per_second }
    }

    /// Returns the time between two events at the steady rate.
    fn one(self) -> Duration {
        Duration::from_secs(1).checked_div(self.per_second).unwrap_or(Duration::from_secs(1))
    }

    /// Returns how far the assigned time may be ahead of the clock.
    fn ahead(self) -> Duration {
        self.one().saturating_mul(self.at_once)
    }
}

/// Limits how many sign-ins are started: from one client address, over one connection, and altogether.
///
/// Anybody may start a sign-in, and each is kept for some minutes in the store of pending requests, possibly on disk.
/// So this limiter counts how many are started in a time, and not how many are in progress, as
/// [`ReceiveLimiter`](crate::ReceiveLimiter) does for responses. A start over the limit is answered with status 429
/// and `Retry-After`, and nothing is stored.
///
/// A sign-in that starts instead of using a response counts too, and so do trials, links, and artifacts, each of
/// which sends a request to an identity provider. An address is counted before anything is looked up; only existing
/// connections are counted.
///
/// Clones share it. It remembers about ten thousand addresses and as many connections; beyond that, new ones count
/// together as one.
///
/// ```
/// use vouchsafe_web::{Rate, StartLimiter};
///
/// let limiter = StartLimiter::new(Rate::new(20_000, 1_000))
///     .per_client_address(Rate::new(300, 10))
///     .per_connection(Rate::new(3_000, 100));
/// # let _ = limiter;
/// ```
#[derive(Clone, Debug)]
pub struct StartLimiter(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    all: Counted<()>,
    addresses: Counted<ClientNetwork>,
    connections: Counted<ConnectionId>,
}

impl Default for StartLimiter {
    /// Allows 20,000 at once and then 1,000 per second; for one client address 300 and then 10, which covers a
    /// company behind one address at nine o'clock; over one connection 3,000 and then 100.
    fn default() -> StartLimiter {
        StartLimiter::new(Rate::new(20_000, 1_000))
    }
}

impl StartLimiter {
    /// Allows this rate altogether, with the default rates for one address and one connection.
    #[must_use]
    pub fn new(all: Rate) -> StartLimiter {
        StartLimiter::with(all, Rate::new(300, 10), Rate::new(3_000, 100))
    }

    /// Sets the rate for one client address; for an IPv6 address, the first 64 bits count. If the [client
    /// address](crate::SingleSignOn::client_address) is not known, this limit does not apply.
    #[must_use]
    pub fn per_client_address(self, rate: Rate) -> StartLimiter {
        StartLimiter::with(self.0.all.rate, rate, self.0.connections.rate)
    }

    /// Sets the rate over one connection. A stranger can use it up. So allow more than all people of a large customer
    /// need at nine o'clock, and configure the client address, so that one stranger cannot use it up alone.
    #[must_use]
    pub fn per_connection(self, rate: Rate) -> StartLimiter {
        StartLimiter::with(self.0.all.rate, self.0.addresses.rate, rate)
    }

    fn with(all: Rate, address: Rate, connection: Rate) -> StartLimiter {
        StartLimiter(Arc::new(Shared {
            all: Counted::new(all),
            addresses: Counted::new(address),
            connections: Counted::new(connection),
        }))
    }

    /// Counts a sign-in that a client wants to start, before anything is looked up.
    pub(crate) fn count_client(&self, address: Option<IpAddr>) -> Result<(), HttpError> {
        match address {
            Some(address) => self.0.addresses.count(&ClientNetwork::of(address), "from one client address"),
            None => Ok(()),
        }
    }

    /// Counts a sign-in that is started over a connection.
    pub(crate) fn count_over(&self, connection: &ConnectionId) -> Result<(), HttpError> {
        self.0.connections.count(connection, "over one connection")?;
        self.0.all.count(&(), "altogether")
    }
}

/// Counts by key. Each key has an assigned time, which moves ahead of the clock with each event.
#[derive(Debug)]
pub(crate) struct Counted<K> {
    rate: Rate,
    given: Mutex<Given<K>>,
}

#[derive(Debug)]
struct Given<K> {
    /// The assigned times. `None` is the common key of new ones if too many are remembered.
    until: HashMap<Option<K>, Instant>,
    /// When expired keys were removed.
    swept: Option<Instant>,
}

/// The maximum number of remembered keys.
const MOST: usize = 10_000;

impl<K: Eq + Hash + Clone> Counted<K> {
    pub(crate) fn new(rate: Rate) -> Counted<K> {
        Counted { rate, given: Mutex::new(Given { until: HashMap::new(), swept: None }) }
    }

    fn count(&self, key: &K, of: &'static str) -> Result<(), HttpError> {
        self.count_at(key, Instant::now()).map_err(|wait| {
            let Rate { at_once, per_second } = self.rate;
            // The time is in whole seconds, rounded up.
            let retry_after = wait.as_secs().saturating_add(1);
            HttpError::TooManyStarts { of, at_once, per_second, retry_after }
        })
    }

    /// Counts one event, or returns how long to wait.
    pub(crate) fn count_at(&self, key: &K, now: Instant) -> Result<(), Duration> {
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        given.sweep(now);
        let own = Some(key.clone());
        let is_counted_apart = given.until.len() < MOST || given.until.contains_key(&own);
        let key = own.filter(|_| is_counted_apart);
        let until = given.until.get(&key).copied().unwrap_or(now).max(now);
        let ahead = until.saturating_duration_since(now).saturating_add(self.rate.one());
        match ahead.checked_sub(self.rate.ahead()) {
            Some(wait) if !wait.is_zero() => Err(wait),
            _ => {
                given.until.insert(key, now.checked_add(ahead).unwrap_or(until));
                Ok(())
            }
        }
    }
}

impl<K: Eq + Hash> Given<K> {
    /// Removes expired keys, at most once a second if many are remembered.
    fn sweep(&mut self, now: Instant) {
        let is_time = self.swept.is_none_or(|swept| now.saturating_duration_since(swept).as_secs() >= 1);
        if self.until.len() >= MOST && is_time {
            self.until.retain(|_, until| *until > now);
            self.swept = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_at_once_and_then_so_many_a_second() {
        let counted = Counted::new(Rate::new(3, 2));
        let start = Instant::now();
        let after = |milliseconds| start + Duration::from_millis(milliseconds);
        for _ in 0..3 {
            assert_eq!(counted.count_at(&1, start), Ok(()));
        }
        assert_eq!(counted.count_at(&1, start), Err(Duration::from_millis(500)));
        assert_eq!(counted.count_at(&2, start), Ok(()), "another is counted apart");
        assert_eq!(counted.count_at(&1, after(400)), Err(Duration::from_millis(100)));
        assert_eq!(counted.count_at(&1, after(500)), Ok(()), "what was refused took nothing");
        assert!(counted.count_at(&1, after(500)).is_err());
        let later = after(60_000);
        assert_eq!((0..9).filter(|_| counted.count_at(&1, later).is_ok()).count(), 3, "no more is saved up");
    }

    #[test]
    fn memory_is_bounded_whoever_comes() {
        let counted = Counted::new(Rate::new(2, 1));
        let start = Instant::now();
        let admitted = (0..30_000).filter(|number| counted.count_at(number, start).is_ok()).count();
        assert_eq!(admitted, MOST + 2, "those that are new count as one");
        assert_eq!(counted.given.lock().unwrap().until.len(), MOST + 1);
        let later = start + Duration::from_secs(10);
        assert_eq!(counted.count_at(&29_999, later), Ok(()));
        assert_eq!(counted.given.lock().unwrap().until.len(), 1, "what is over is forgotten");
    }

    #[test]
    fn a_rate_of_nothing_is_one() {
        let counted = Counted::new(Rate::new(0, 0));
        let start = Instant::now();
        assert_eq!(counted.count_at(&1, start), Ok(()));
        assert_eq!(counted.count_at(&1, start), Err(Duration::from_secs(1)));
    }

    #[test]
    fn each_limit_is_told_apart() {
        let small = Rate::new(1, 1);
        let large = Rate::new(10, 10);
        let name = |text: &str| ConnectionId::new(text).unwrap();
        let told = |result: Result<(), HttpError>| result.unwrap_err().to_string();
        let limiter = StartLimiter::new(large).per_client_address(small).per_connection(large);
        let address = Some("192.0.2.1".parse().unwrap());
        assert!(limiter.count_client(address).is_ok() && limiter.count_client(None).is_ok());
        assert!(told(limiter.count_client(address)).contains("from one client address"));
        let limiter = StartLimiter::new(large).per_connection(small);
        assert!(limiter.count_over(&name("one")).is_ok() && limiter.count_over(&name("two")).is_ok());
        assert!(told(limiter.count_over(&name("one"))).contains("over one connection"));
        let limiter = StartLimiter::new(small);
        assert!(limiter.count_over(&name("one")).is_ok());
        let error = limiter.count_over(&name("two")).unwrap_err();
        assert_eq!((error.code(), error.status().as_u16()), ("http.too_many_starts", 429));
        assert!(error.to_string().contains("altogether"), "{error}");
    }
}
