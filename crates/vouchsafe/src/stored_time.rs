//! The time until which something is stored.

use chrono::{DateTime, Utc};

/// Rounds a time up to a whole second, so that a stored expiry is never too early. The result is at most the last
/// time that can be read back.
pub(crate) fn seconds_rounded_up(time: DateTime<Utc>) -> i64 {
    let rounded = time.timestamp().saturating_add(i64::from(time.timestamp_subsec_nanos() != 0));
    rounded.min(DateTime::<Utc>::MAX_UTC.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_rounded_up() {
        for (time, seconds) in [
            ("1970-01-01T00:00:10Z", 10),
            ("1970-01-01T00:00:10.000000001Z", 11),
            ("1970-01-01T00:00:10.999Z", 11),
            ("1969-12-31T23:59:58.5Z", -1),
        ] {
            assert_eq!(seconds_rounded_up(time.parse().unwrap()), seconds, "{time}");
        }
        let last = seconds_rounded_up(DateTime::<Utc>::MAX_UTC);
        assert!(DateTime::from_timestamp(last, 0).is_some(), "it can be read back");
    }
}
