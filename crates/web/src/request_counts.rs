//! Counts the requests of identity providers that are carried out.

use chrono::{DateTime, Utc};
use vouchsafe::{ConnectionId, RequestLimiter, RequestRate};

use crate::error::HttpError;

/// The part of a connection's rate that each of its keys has to itself.
const PART_OF_A_KEY: u32 = 8;

/// Limits how many requests are carried out over each connection.
///
/// Each key of a connection has a part of the rate to itself, and all of its keys share the rest. So whoever has copied
/// a key cannot use up, by a key of their own, what comes by the copied one; and a connection with many keys has not
/// many times the rate.
#[derive(Debug)]
pub(crate) struct RequestCounts {
    rate: RequestRate,
    /// `None` if the rate is too small to be shared.
    shared: Option<RequestLimiter<ConnectionId>>,
    of_keys: RequestLimiter<(ConnectionId, Box<str>)>,
}

impl RequestCounts {
    /// Counts nothing yet. With one key, a connection has this rate.
    pub(crate) fn new(rate: RequestRate) -> RequestCounts {
        let own = |whole: u32| whole.checked_div(PART_OF_A_KEY).unwrap_or_default().max(1);
        let of_a_key = RequestRate { burst: own(rate.burst), per_second: own(rate.per_second) };
        let shared = RequestRate {
            burst: rate.burst.saturating_sub(of_a_key.burst),
            per_second: rate.per_second.saturating_sub(of_a_key.per_second),
        };
        let is_shared = shared.burst > 0 && shared.per_second > 0;
        RequestCounts {
            rate,
            shared: is_shared.then(|| RequestLimiter::new(shared)),
            of_keys: RequestLimiter::new(if is_shared { of_a_key } else { rate }),
        }
    }

    /// Counts a request that the key with this fingerprint signed.
    ///
    /// # Errors
    /// [`HttpError::TooManyRequests`].
    pub(crate) fn take(
        &self,
        connection: &ConnectionId,
        key: &str,
        now: DateTime<Utc>,
    ) -> Result<(), HttpError> {
        let shared = self.shared.as_ref().map(|shared| shared.take(connection, now));
        let wait = match shared {
            Some(Ok(())) => return Ok(()),
            Some(Err(wait)) => wait,
            None => u64::MAX,
        };
        let taken = self.of_keys.take(&(connection.clone(), key.into()), now);
        taken.map_err(|own| HttpError::TooManyRequests { rate: self.rate, retry_after: own.min(wait) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_keys_of_a_connection_have_not_many_times_its_rate() {
        let now: DateTime<Utc> = "2026-01-15T09:00:00Z".parse().unwrap();
        let counts = RequestCounts::new(RequestRate { burst: 80, per_second: 16 });
        let [one, other] = ["one", "other"].map(|id| ConnectionId::new(id).unwrap());
        let at = |seconds: i64, connection: &ConnectionId, key: &str| {
            let now = now + chrono::TimeDelta::seconds(seconds);
            std::iter::repeat_with(|| counts.take(connection, key, now)).take_while(Result::is_ok).count()
        };
        assert_eq!(at(0, &one, "first"), 80, "a key alone has all");
        assert_eq!([at(0, &one, "second"), at(0, &one, "third")], [10, 10], "the others have their part");
        assert_eq!(at(0, &other, "second"), 80);
        assert_eq!(at(1, &one, "first"), 16, "and so it goes on");
        assert_eq!(at(1, &one, "second"), 2);
    }

    #[test]
    fn a_small_rate_is_each_keys_own() {
        let now: DateTime<Utc> = "2026-01-15T09:00:00Z".parse().unwrap();
        let counts = RequestCounts::new(RequestRate { burst: 1, per_second: 1 });
        let one = ConnectionId::new("one").unwrap();
        for key in ["first", "second"] {
            assert!(counts.take(&one, key, now).is_ok());
            let refused = counts.take(&one, key, now).unwrap_err();
            assert_eq!(refused.retry_after(), Some(1));
        }
    }
}
