//! Small things about text.

#[cfg(any(feature = "sqlite", feature = "postgres"))]
use chrono::{DateTime, Utc};
use vouchsafe::crypto::{hexadecimal, system_random};

use crate::StoreError;

/// Names that nothing else has, for what a plan makes: 128 random bits of the operating system each. They are no secret.
pub(crate) fn fresh_ids(count: usize) -> Result<Vec<String>, StoreError> {
    let one = |_| {
        let mut bytes = [0_u8; 16];
        system_random(&mut bytes).map_err(StoreError::cryptography)?;
        Ok(hexadecimal(&bytes))
    };
    (0..count).map(one).collect()
}

/// A time in milliseconds of Unix time, rounded up: what ends at it is not over a moment earlier. Not beyond the last time that can be read
/// back.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) fn milliseconds_rounded_up(time: DateTime<Utc>) -> i64 {
    let is_whole = time.timestamp_subsec_nanos().is_multiple_of(1_000_000);
    let rounded = time.timestamp_millis().saturating_add(i64::from(!is_whole));
    rounded.min(DateTime::<Utc>::MAX_UTC.timestamp_millis())
}

/// The form in which names are compared: the planner's.
pub(crate) use vouchsafe::provisioning::folded_name as folded;

#[cfg(all(test, any(feature = "sqlite", feature = "postgres")))]
mod tests {
    use super::*;

    #[test]
    fn times_are_rounded_up_on_both_sides_of_1970() {
        for (time, milliseconds) in [
            ("2026-01-15T09:00:00Z", 1_768_467_600_000),
            ("2026-01-15T09:00:00.001Z", 1_768_467_600_001),
            ("2026-01-15T09:00:00.000000001Z", 1_768_467_600_001),
            ("2026-01-15T09:00:00.999999999Z", 1_768_467_601_000),
            ("1969-12-31T23:59:59.9985Z", -1),
            ("1969-12-31T23:59:59.998Z", -2),
        ] {
            assert_eq!(milliseconds_rounded_up(time.parse().unwrap()), milliseconds, "{time}");
        }
        let last = milliseconds_rounded_up(DateTime::<Utc>::MAX_UTC);
        assert!(DateTime::from_timestamp_millis(last).is_some(), "it can be read back");
    }
}
