//! Limits the attempts of clients who have not shown yet that they may send requests.

use std::hash::Hash;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use crate::{ClientNetwork, RecentlyUsed, RequestLimiter, RequestRate};

/// Limits for each client address how many requests are looked into that turn out to be invalid, such as requests with a
/// token that nobody issued.
///
/// Each attempt has a key, such as the hash of its token. Attempts that succeed are not counted in the end, and the keys
/// of those that succeeded are remembered: with them, further attempts are not counted at all. So nobody who shares an
/// address with a customer, such as the address of a proxy, blocks that customer.
///
/// If the client address is not known, nothing is counted: with one limit for all strangers, any of them could block all
/// others.
///
/// ```
/// use vouchsafe::{AttemptLimiter, RequestRate};
///
/// let limiter = AttemptLimiter::new(RequestRate { per_second: 1, burst: 1 });
/// let (address, now) = (Some("192.0.2.1".parse()?), "2026-01-15T09:00:00Z".parse()?);
/// if let Ok(attempt) = limiter.begin(address, |_| "a valid token", now) {
///     attempt.succeeded();
/// }
/// if let Ok(attempt) = limiter.begin(address, |_| "a guess", now) {
///     attempt.failed();
/// }
/// assert_eq!(limiter.begin(address, |_| "another guess", now).err(), Some(1), "seconds to wait");
/// assert!(limiter.begin(address, |_| "a valid token", now).is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct AttemptLimiter<K> {
    clients: RequestLimiter<ClientNetwork>,
    proven: Mutex<RecentlyUsed<K>>,
    /// Whether it was asked about an attempt from an unknown address.
    was_asked: AtomicBool,
}

/// An attempt in progress. If it is dropped, it stays counted, and its key stays remembered.
#[derive(Debug)]
#[must_use = "an attempt that is dropped counts as one that failed"]
pub struct Attempt<'l, K> {
    limiter: &'l AttemptLimiter<K>,
    /// `None` if the client address is not known.
    known: Option<Known<K>>,
}

/// An attempt whose client address is known.
#[derive(Debug)]
struct Known<K> {
    client: ClientNetwork,
    key: K,
    is_proven: bool,
}

impl<K: Eq + Hash> AttemptLimiter<K> {
    /// Makes a limiter that allows this rate of attempts that fail from each client address.
    #[must_use]
    pub fn new(rate: RequestRate) -> AttemptLimiter<K> {
        AttemptLimiter {
            clients: RequestLimiter::new(rate),
            proven: Mutex::default(),
            was_asked: AtomicBool::new(false),
        }
    }

    /// The rate.
    #[must_use]
    pub fn rate(&self) -> RequestRate {
        self.clients.rate()
    }

    /// Begins an attempt from an address. `key` makes the key; it gets the network that counts as the client.
    ///
    /// # Errors
    /// The number of seconds until an attempt is allowed.
    pub fn begin(
        &self,
        from: Option<IpAddr>,
        key: impl FnOnce(ClientNetwork) -> K,
        now: DateTime<Utc>,
    ) -> Result<Attempt<'_, K>, u64> {
        let Some(client) = from.map(ClientNetwork::of) else {
            return Ok(Attempt { limiter: self, known: None });
        };
        let key = key(client);
        let is_proven = self.proven().knows(&key);
        if !is_proven {
            self.clients.take(&client, now)?;
        }
        Ok(Attempt { limiter: self, known: Some(Known { client, key, is_proven }) })
    }

    fn proven(&self) -> MutexGuard<'_, RecentlyUsed<K>> {
        self.proven.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash> Attempt<'_, K> {
    /// The key, if an attempt with it succeeded before.
    #[must_use]
    pub fn proven_key(&self) -> Option<&K> {
        self.known.as_ref().filter(|known| known.is_proven).map(|known| &known.key)
    }

    /// Whether this is the first attempt that is asked this and whose client address is not known. The caller then logs
    /// that such attempts are not limited.
    #[must_use]
    pub fn is_first_from_unknown_address(&self) -> bool {
        self.known.is_none() && !self.limiter.was_asked.swap(true, Ordering::Relaxed)
    }

    /// Ends an attempt that succeeded: it is not counted, and its key is remembered.
    pub fn succeeded(self) {
        self.give_back();
        if let Some(known) = self.known.filter(|known| !known.is_proven) {
            self.limiter.proven().add(known.key);
        }
    }

    /// Ends an attempt that failed: it stays counted, and its key is forgotten if it was remembered.
    pub fn failed(self) {
        if let Some(key) = self.proven_key() {
            self.limiter.proven().forget(key);
        }
    }

    /// Ends an attempt that had no result, because a store failed for example: it is not counted.
    pub fn given_up(self) {
        self.give_back();
    }

    fn give_back(&self) {
        if let Some(known) = self.known.as_ref().filter(|known| !known.is_proven) {
            self.limiter.clients.give_back(&known.client);
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

    fn two() -> AttemptLimiter<u32> {
        AttemptLimiter::new(RequestRate { per_second: 1, burst: 2 })
    }

    #[test]
    fn a_key_that_succeeded_is_not_kept_out_by_others_of_its_address() {
        let (limiter, here) = (two(), address("2001:db8::1"));
        for _ in 0..5 {
            limiter.begin(here, |_| 1, at()).unwrap().succeeded();
        }
        let mut bad =
            (2..5).map(|key| limiter.begin(address("2001:db8::2"), |_| key, at()).map(Attempt::failed));
        assert!(bad.next().unwrap().is_ok() && bad.next().unwrap().is_ok());
        assert_eq!(bad.next().unwrap(), Err(1));
        assert!(limiter.begin(address("192.0.2.1"), |_| 6, at()).is_ok(), "another address");
        // One that fails is as any other from then on; what is dropped forgets nothing.
        drop(limiter.begin(here, |_| 1, at()).unwrap());
        let attempt = limiter.begin(here, |_| 1, at()).unwrap();
        assert_eq!(attempt.proven_key(), Some(&1));
        attempt.failed();
        assert_eq!(limiter.begin(here, |_| 1, at()).map(drop), Err(1));
    }

    #[test]
    fn what_had_no_result_is_not_counted() {
        let limiter = two();
        for key in 0..5 {
            limiter.begin(address("192.0.2.2"), |_| key, at()).unwrap().given_up();
        }
        let dropped = (0..5).filter(|key| limiter.begin(address("192.0.2.2"), |_| *key, at()).is_ok());
        assert_eq!(dropped.count(), 2, "what is dropped is counted");
    }

    /// With one number for all of them, any stranger could use it up.
    #[test]
    fn nobody_whose_address_is_not_known_is_counted_together_with_others() {
        let limiter = two();
        let mut first = Vec::new();
        for key in 0..100 {
            let attempt = limiter.begin(None, |_| key, at()).unwrap();
            first.push(attempt.is_first_from_unknown_address());
            attempt.failed();
        }
        assert_eq!(first.iter().filter(|is_first| **is_first).count(), 1);
        assert!(first[0]);
        limiter.begin(None, |_| 1, at()).unwrap().succeeded();
        assert!(limiter.begin(address("192.0.2.1"), |_| 1, at()).unwrap().proven_key().is_none());
        assert!(!limiter.begin(address("192.0.2.1"), |_| 2, at()).unwrap().is_first_from_unknown_address());
    }
}
