//! Limits how many requests there are in a time, for each connection, client or other key.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};

/// A number of requests at once, and a number of requests a second after that. Each process counts separately.
///
/// The default is for SCIM requests over a connection. Entra ID sends up to 25 requests a second and Okta fewer; the
/// default allows both, and prevents one customer from delaying others.
///
/// ```
/// let rate = vouchsafe::RequestRate { per_second: 20, burst: 100 };
/// # let _ = rate;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestRate {
    /// The requests a second in the long run. 0 counts as 1.
    pub per_second: u32,
    /// The requests at once. 0 counts as 1.
    pub burst: u32,
}

impl Default for RequestRate {
    fn default() -> RequestRate {
        RequestRate { per_second: 50, burst: 250 }
    }
}

/// The remaining requests of each key. About ten thousand keys are remembered; the keys that have used up most are
/// forgotten last.
///
/// ```
/// use vouchsafe::{RequestLimiter, RequestRate};
///
/// let limiter = RequestLimiter::new(RequestRate { per_second: 1, burst: 1 });
/// let now = "2026-01-15T09:00:00Z".parse()?;
/// assert_eq!(limiter.take(&"ada", now), Ok(()));
/// assert_eq!(limiter.take(&"ada", now), Err(1));
/// limiter.give_back(&"ada");
/// assert_eq!(limiter.take(&"ada", now), Ok(()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct RequestLimiter<K> {
    rate: RequestRate,
    buckets: Mutex<HashMap<K, Bucket>>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// In thousandths of a request.
    left: u64,
    at: DateTime<Utc>,
}

/// The number of keys that are remembered. A forgotten key starts with a full burst, so keys that nearly have one are
/// forgotten first.
const MOST: usize = 10_000;

/// The number that is forgotten at once, so that not every new key goes through all of them.
const FORGOTTEN: usize = MOST / 10;

/// One request.
const ONE: u64 = 1_000;

impl Bucket {
    /// The remaining requests at a time.
    fn left_at(&self, now: DateTime<Utc>, per_second: u64, full: u64) -> u64 {
        let elapsed = now.signed_duration_since(self.at).num_milliseconds();
        // Thousandths of a request per millisecond are requests per second.
        let gained = u64::try_from(elapsed).unwrap_or(0).saturating_mul(per_second);
        self.left.saturating_add(gained).min(full)
    }
}

/// Makes room for new keys. The keys that have used up most are forgotten last, however many others come.
fn forget_the_fullest<K: Eq + Hash + Clone>(buckets: &mut HashMap<K, Bucket>, left: impl Fn(&Bucket) -> u64) {
    let mut by_what_is_left: Vec<(u64, K)> =
        buckets.iter().map(|(key, bucket)| (left(bucket), key.clone())).collect();
    by_what_is_left.sort_unstable_by_key(|(left, _)| *left);
    for (_, key) in by_what_is_left.iter().rev().take(FORGOTTEN) {
        buckets.remove(key);
    }
}

impl<K: Eq + Hash + Clone> RequestLimiter<K> {
    /// A limiter with this rate for each key.
    #[must_use]
    pub fn new(rate: RequestRate) -> RequestLimiter<K> {
        RequestLimiter { rate, buckets: Mutex::default() }
    }

    /// The rate.
    #[must_use]
    pub fn rate(&self) -> RequestRate {
        self.rate
    }

    /// Takes one request.
    ///
    /// # Errors
    /// The number of seconds until there is one.
    pub fn take(&self, key: &K, now: DateTime<Utc>) -> Result<(), u64> {
        let (full, per_second) = (self.full(), u64::from(self.rate.per_second.max(1)));
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MOST && !buckets.contains_key(key) {
            forget_the_fullest(&mut buckets, |bucket| bucket.left_at(now, per_second, full));
        }
        let bucket = buckets.entry(key.clone()).or_insert(Bucket { left: full, at: now });
        bucket.left = bucket.left_at(now, per_second, full);
        bucket.at = bucket.at.max(now);
        match bucket.left.checked_sub(ONE) {
            Some(left) => {
                bucket.left = left;
                Ok(())
            }
            None => {
                let missing = ONE.saturating_sub(bucket.left);
                Err(missing.div_ceil(per_second.saturating_mul(1_000)).max(1))
            }
        }
    }

    /// Returns one request that was taken.
    pub fn give_back(&self, key: &K) {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.get_mut(key) {
            bucket.left = bucket.left.saturating_add(ONE).min(self.full());
        }
    }

    fn full(&self) -> u64 {
        u64::from(self.rate.burst.max(1)).saturating_mul(ONE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ConnectionId;

    #[test]
    fn a_burst_is_let_through_and_then_so_many_a_second() {
        let limiter = RequestLimiter::new(RequestRate { per_second: 2, burst: 3 });
        let connection = ConnectionId::new("acme").unwrap();
        let start: DateTime<Utc> = "2026-01-15T09:00:00Z".parse().unwrap();
        let after = |milliseconds| start + chrono::TimeDelta::milliseconds(milliseconds);
        assert!((0..3).all(|_| limiter.take(&connection, start).is_ok()));
        assert_eq!(limiter.take(&connection, start), Err(1));
        assert_eq!(limiter.take(&connection, after(499)), Err(1));
        assert_eq!(limiter.take(&connection, after(500)), Ok(()));
        assert_eq!(limiter.take(&connection, after(500)), Err(1));
        // Another connection has its own; a clock that goes backwards gives nothing.
        assert_eq!(limiter.take(&ConnectionId::new("globex").unwrap(), after(500)), Ok(()));
        assert_eq!(limiter.take(&connection, start), Err(1));
        // Never more than a burst, however long there were no requests.
        let later = after(3_600_000);
        assert_eq!((0..10).filter(|_| limiter.take(&connection, later).is_ok()).count(), 3);
        limiter.give_back(&connection);
        assert_eq!((0..10).filter(|_| limiter.take(&connection, later).is_ok()).count(), 1);
    }

    /// A key that has used up its requests gets none back because many other keys come.
    #[test]
    fn nobody_is_forgotten_who_has_nothing_left() {
        let limiter = RequestLimiter::new(RequestRate { per_second: 1, burst: 3 });
        let now: DateTime<Utc> = "2026-01-15T09:00:00Z".parse().unwrap();
        let greedy = ConnectionId::new("greedy").unwrap();
        while limiter.take(&greedy, now).is_ok() {}
        for number in 0..2 * MOST {
            let other = ConnectionId::new(format!("other-{number}")).unwrap();
            assert_eq!(limiter.take(&other, now), Ok(()));
            assert!(number % 100 > 0 || limiter.take(&greedy, now).is_err(), "after {number} others");
        }
        assert!(limiter.buckets.lock().unwrap().len() <= MOST);
    }
}
