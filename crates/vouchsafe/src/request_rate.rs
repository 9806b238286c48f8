//! Limits how many requests there are in a time, for each connection, client or other key.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

/// A number of requests at once, and a number of requests a second after that. Each process counts separately.
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

/// Limits the requests of each key, such as a connection or a [client address](crate::ClientNetwork), to a rate.
///
/// About ten thousand keys are remembered. If more come, the keys that have used up least are forgotten, and start again
/// with a full burst. So whoever sends requests with many keys neither gets back what one of them has used up, as long as
/// ten thousand others have not used up more, nor takes anything from the others. A key that anybody can choose, such as
/// an address, needs another limit besides: one for all keys together.
///
/// The clock may be corrected while the service runs. A time before the last one gives nothing, and a clock that is set
/// back by more than a minute is counted from its new time.
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

/// Requests take their time before they are counted, so a time may be a little before the last one. If it is further
/// before it, the clock was set back.
const LATE: TimeDelta = TimeDelta::minutes(1);

impl Bucket {
    /// The remaining requests at a time.
    fn left_at(&self, now: DateTime<Utc>, per_second: u64, full: u64) -> u64 {
        let elapsed = now.signed_duration_since(self.at).num_milliseconds();
        // Thousandths of a request per millisecond are requests per second.
        let gained = u64::try_from(elapsed).unwrap_or(0).saturating_mul(per_second);
        self.left.saturating_add(gained).min(full)
    }

    /// The time from which on requests are gained.
    fn gains_from(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let is_late = self.at > now && self.at.signed_duration_since(now) <= LATE;
        if is_late { self.at } else { now }
    }
}

/// Makes room for new keys. The keys that have used up most are forgotten last, however many others come.
fn forget_the_fullest<K: Eq + Hash + Clone>(buckets: &mut HashMap<K, Bucket>, left: impl Fn(&Bucket) -> u64) {
    let mut fullest_first: Vec<(Reverse<u64>, K)> =
        buckets.iter().map(|(key, bucket)| (Reverse(left(bucket)), key.clone())).collect();
    if fullest_first.len() > FORGOTTEN {
        fullest_first.select_nth_unstable_by_key(FORGOTTEN, |(left, _)| *left);
    }
    for (_, key) in fullest_first.iter().take(FORGOTTEN) {
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
        bucket.at = bucket.gains_from(now);
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
        let after = |milliseconds| start + TimeDelta::milliseconds(milliseconds);
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
        // So many that whoever forgot any keys, and not the fullest ones, would forget some of these.
        let greedy: Vec<ConnectionId> =
            (0..200).map(|number| ConnectionId::new(format!("greedy-{number}")).unwrap()).collect();
        greedy.iter().for_each(|one| while limiter.take(one, now).is_ok() {});
        for number in 0..2 * MOST {
            let other = ConnectionId::new(format!("other-{number}")).unwrap();
            assert_eq!(limiter.take(&other, now), Ok(()));
            let is_forgotten = |one: &ConnectionId| limiter.take(one, now).is_ok();
            assert!(number % 1_000 > 0 || !greedy.iter().any(is_forgotten), "after {number} others");
        }
        assert!(limiter.buckets.lock().unwrap().len() <= MOST);
    }

    /// A clock that was ahead, and is corrected, keeps nobody out until it is there again.
    #[test]
    fn a_clock_that_is_set_back_keeps_nobody_out() {
        let limiter = RequestLimiter::new(RequestRate { per_second: 1, burst: 2 });
        let right: DateTime<Utc> = "2026-01-15T09:00:00Z".parse().unwrap();
        let after = |seconds| right + TimeDelta::seconds(seconds);
        let an_hour_ahead = after(3_600);
        while limiter.take(&1, an_hour_ahead).is_ok() {}
        assert_eq!(limiter.take(&1, right), Err(1), "nothing is gained by it");
        assert_eq!(limiter.take(&1, after(1)), Ok(()));
        assert_eq!(limiter.take(&1, after(1)), Err(1));
        // Requests that come in another order than they began gain nothing.
        assert_eq!(limiter.take(&1, after(0)), Err(1));
        assert_eq!(limiter.take(&1, after(1)), Err(1));
        assert_eq!(limiter.take(&1, after(2)), Ok(()));
    }

    /// Whoever has many addresses takes nothing from those who come later.
    #[test]
    fn many_keys_that_are_used_up_keep_no_new_one_out() {
        let limiter = RequestLimiter::new(RequestRate { per_second: 1, burst: 2 });
        let now: DateTime<Utc> = "2026-01-15T09:00:00Z".parse().unwrap();
        for number in 0..3 * MOST {
            while limiter.take(&number, now).is_ok() {}
            assert!(limiter.buckets.lock().unwrap().len() <= MOST);
        }
        assert_eq!((0..10).filter(|_| limiter.take(&(4 * MOST), now).is_ok()).count(), 2);
        assert_eq!((0..10).filter(|_| limiter.take(&(5 * MOST), now).is_ok()).count(), 2);
    }

    #[test]
    fn a_rate_of_nothing_is_one() {
        let limiter = RequestLimiter::new(RequestRate { per_second: 0, burst: 0 });
        let now: DateTime<Utc> = "2026-01-15T09:00:00Z".parse().unwrap();
        assert_eq!((limiter.take(&1, now), limiter.take(&1, now)), (Ok(()), Err(1)));
        assert_eq!(limiter.take(&1, now + TimeDelta::seconds(1)), Ok(()));
    }
}
