//! Limits the attempts of clients who have not shown yet that they may send requests.

use std::hash::Hash;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use crate::{ClientNetwork, RecentlyUsed, RequestLimiter, RequestRate};

/// Limits for each client how many requests are looked into that turn out to be invalid, such as requests with a token that
/// nobody issued.
///
/// Each attempt is counted as one of a client, usually its [address](ClientNetwork), and has a key, such as the hash of its token. Attempts that succeed are not counted in the end, and the keys
/// of those that succeeded are remembered: with them, further attempts are not counted at all. So nobody who shares an
/// address with a customer, such as the address of a proxy, blocks that customer.
///
/// If the client address is not known, nothing is counted: with one limit for all strangers, any of them could block all
/// others.
///
/// ```
/// use vouchsafe::{AttemptLimiter, ClientNetwork, RequestRate};
///
/// let limiter = AttemptLimiter::new(RequestRate { per_second: 1, burst: 1 });
/// let (client, now) = (ClientNetwork::of("192.0.2.1".parse()?), "2026-01-15T09:00:00Z".parse()?);
/// if let Ok(attempt) = limiter.begin(Some((client, "a valid token")), now) {
///     attempt.succeeded();
/// }
/// if let Ok(attempt) = limiter.begin(Some((client, "a guess")), now) {
///     attempt.failed();
/// }
/// assert_eq!(limiter.begin(Some((client, "another guess")), now).err(), Some(1), "seconds to wait");
/// assert!(limiter.begin(Some((client, "a valid token")), now).is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct AttemptLimiter<K, C = ClientNetwork> {
    clients: RequestLimiter<C>,
    /// For attempts of clients that have used up their own.
    beyond: Option<RequestLimiter<()>>,
    proven: Mutex<RecentlyUsed<K>>,
    /// Whether it was asked about an attempt from an unknown address.
    was_asked: AtomicBool,
}

/// An attempt in progress. If it is dropped, it stays counted, and its key stays remembered.
#[derive(Debug)]
#[must_use = "an attempt that is dropped counts as one that failed"]
pub struct Attempt<'l, K, C = ClientNetwork> {
    limiter: &'l AttemptLimiter<K, C>,
    /// `None` if the client is not known.
    known: Option<Known<K, C>>,
}

/// An attempt whose client is known.
#[derive(Debug)]
struct Known<K, C> {
    client: C,
    key: K,
    counted: Counted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counted {
    /// An attempt with the key succeeded before.
    Not,
    OfClient,
    Beyond,
}

/// The least number of keys that are remembered.
const REMEMBERED: usize = 20_000;

impl<K: Eq + Hash, C: Eq + Hash + Clone> AttemptLimiter<K, C> {
    /// Makes a limiter that allows this rate of attempts that fail from each client.
    #[must_use]
    pub fn new(rate: RequestRate) -> AttemptLimiter<K, C> {
        AttemptLimiter {
            clients: RequestLimiter::new(rate),
            beyond: None,
            proven: Mutex::new(RecentlyUsed::at_least(REMEMBERED)),
            was_asked: AtomicBool::new(false),
        }
    }

    /// Also allows this rate of attempts of clients that have used up their own, all together. So a client that shares an
    /// address with somebody who tries many keys is not blocked, as long as that one does not use up this rate too.
    #[must_use]
    pub fn and_beyond(mut self, rate: RequestRate) -> AttemptLimiter<K, C> {
        self.beyond = Some(RequestLimiter::new(rate));
        self
    }

    /// Makes a new limiter with the same rates.
    #[must_use]
    pub fn renewed(&self) -> AttemptLimiter<K, C> {
        let beyond = self.beyond.as_ref().map(RequestLimiter::rate);
        AttemptLimiter { beyond: beyond.map(RequestLimiter::new), ..AttemptLimiter::new(self.rate()) }
    }

    /// The rate of one client.
    #[must_use]
    pub fn rate(&self) -> RequestRate {
        self.clients.rate()
    }

    /// Begins an attempt of a client, with its key; or one whose client is not known.
    ///
    /// # Errors
    /// The number of seconds until an attempt is allowed.
    pub fn begin(&self, of: Option<(C, K)>, now: DateTime<Utc>) -> Result<Attempt<'_, K, C>, u64> {
        let Some((client, key)) = of else { return Ok(Attempt { limiter: self, known: None }) };
        let counted = match self.proven().get(&key).is_some() {
            true => Counted::Not,
            false => self.count(&client, now)?,
        };
        Ok(Attempt { limiter: self, known: Some(Known { client, key, counted }) })
    }

    fn count(&self, client: &C, now: DateTime<Utc>) -> Result<Counted, u64> {
        match (self.clients.take(client, now), &self.beyond) {
            (Ok(()), _) => Ok(Counted::OfClient),
            (Err(seconds), None) => Err(seconds),
            (Err(seconds), Some(beyond)) => {
                beyond.take(&(), now).map(|()| Counted::Beyond).map_err(|_| seconds)
            }
        }
    }

    fn proven(&self) -> MutexGuard<'_, RecentlyUsed<K>> {
        self.proven.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash, C: Eq + Hash + Clone> Attempt<'_, K, C> {
    /// The key, if an attempt with it succeeded before.
    #[must_use]
    pub fn proven_key(&self) -> Option<&K> {
        self.known.as_ref().filter(|known| known.counted == Counted::Not).map(|known| &known.key)
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
        if let Some(known) = self.known.filter(|known| known.counted != Counted::Not) {
            self.limiter.proven().insert(known.key, ());
        }
    }

    /// Ends an attempt that failed: it stays counted, and its key is forgotten if it was remembered.
    pub fn failed(self) {
        if let Some(key) = self.proven_key() {
            self.limiter.proven().remove(key);
        }
    }

    /// Ends an attempt that had no result, because a store failed for example: it is not counted.
    pub fn given_up(self) {
        self.give_back();
    }

    fn give_back(&self) {
        let Some(known) = &self.known else { return };
        match (known.counted, &self.limiter.beyond) {
            (Counted::OfClient, _) => self.limiter.clients.give_back(&known.client),
            (Counted::Beyond, Some(beyond)) => beyond.give_back(&()),
            (Counted::Not, _) | (Counted::Beyond, None) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> DateTime<Utc> {
        "2026-01-15T09:00:00Z".parse().unwrap()
    }

    fn two() -> AttemptLimiter<u32> {
        AttemptLimiter::new(RequestRate { per_second: 1, burst: 2 })
    }

    fn of(address: &str, key: u32) -> Option<(ClientNetwork, u32)> {
        Some((ClientNetwork::of(address.parse().unwrap()), key))
    }

    #[test]
    fn a_key_that_succeeded_is_not_kept_out_by_others_of_its_address() {
        let (limiter, here) = (two(), "2001:db8::1");
        for _ in 0..5 {
            limiter.begin(of(here, 1), at()).unwrap().succeeded();
        }
        let mut bad = (2..5).map(|key| limiter.begin(of("2001:db8::2", key), at()).map(Attempt::failed));
        assert!(bad.next().unwrap().is_ok() && bad.next().unwrap().is_ok());
        assert_eq!(bad.next().unwrap(), Err(1));
        assert!(limiter.begin(of("192.0.2.1", 6), at()).is_ok(), "another address");
        // One that fails is as any other from then on; what is dropped forgets nothing.
        drop(limiter.begin(of(here, 1), at()).unwrap());
        let attempt = limiter.begin(of(here, 1), at()).unwrap();
        assert_eq!(attempt.proven_key(), Some(&1));
        attempt.failed();
        assert_eq!(limiter.begin(of(here, 1), at()).map(drop), Err(1));
    }

    #[test]
    fn what_had_no_result_is_not_counted() {
        let limiter = two();
        for key in 0..5 {
            limiter.begin(of("192.0.2.2", key), at()).unwrap().given_up();
        }
        let dropped = (0..5).filter(|key| limiter.begin(of("192.0.2.2", *key), at()).is_ok());
        assert_eq!(dropped.count(), 2, "what is dropped is counted");
    }

    /// After a start, the valid token of a customer is as unknown as those that somebody behind the same proxy tries.
    #[test]
    fn a_client_that_has_used_up_its_own_has_a_part_of_what_is_for_all() {
        let limiter = two().and_beyond(RequestRate { per_second: 1, burst: 3 });
        let failed = (0..10).filter(|key| limiter.begin(of("192.0.2.1", *key), at()).is_ok());
        assert_eq!(failed.count(), 5);
        assert!(limiter.begin(of("192.0.2.2", 1), at()).is_ok(), "others have their own");
        let later = at() + chrono::TimeDelta::milliseconds(1_000);
        assert!(limiter.begin(of("192.0.2.1", 11), later).is_ok());
        limiter.begin(of("192.0.2.1", 12), later).unwrap().succeeded();
        for _ in 0..10 {
            limiter.begin(of("192.0.2.1", 12), later).unwrap().succeeded();
        }
        limiter.begin(of("192.0.2.1", 13), later).unwrap().given_up();
        assert!(limiter.begin(of("192.0.2.1", 14), later).is_ok(), "what succeeded is given back");
        assert!(limiter.begin(of("192.0.2.1", 15), later).is_err());
        assert_eq!(limiter.renewed().rate(), limiter.rate());
        let again = limiter.renewed();
        assert_eq!((0..10).filter(|key| again.begin(of("192.0.2.1", *key), at()).is_ok()).count(), 5);
    }

    /// With one number for all of them, any stranger could use it up.
    #[test]
    fn nobody_whose_address_is_not_known_is_counted_together_with_others() {
        let limiter = two();
        let mut first = Vec::new();
        for _ in 0..100 {
            let attempt = limiter.begin(None, at()).unwrap();
            first.push(attempt.is_first_from_unknown_address());
            attempt.failed();
        }
        assert_eq!(first.iter().filter(|is_first| **is_first).count(), 1);
        assert!(first[0]);
        limiter.begin(None, at()).unwrap().succeeded();
        assert!(limiter.begin(of("192.0.2.1", 1), at()).unwrap().proven_key().is_none());
        assert!(!limiter.begin(of("192.0.2.1", 2), at()).unwrap().is_first_from_unknown_address());
    }
}
