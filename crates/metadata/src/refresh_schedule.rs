//! The intervals at which a source of metadata is requested.

use std::time::Duration;

/// The intervals at which a source is requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RefreshSchedule {
    /// The shortest time after an answer. The default is 1 minute.
    pub shortest: Duration,
    /// The time after an answer if the document does not state one. The default is 1 hour.
    pub usual: Duration,
    /// The longest time after an answer, whatever the document states. The default is 24 hours.
    pub longest: Duration,
}

impl Default for RefreshSchedule {
    fn default() -> RefreshSchedule {
        let minutes = |minutes: u64| Duration::from_secs(minutes.saturating_mul(60));
        RefreshSchedule { shortest: minutes(1), usual: minutes(60), longest: minutes(24 * 60) }
    }
}

/// Returns a tenth of a duration.
pub(crate) fn tenth(duration: Duration) -> Duration {
    duration.checked_div(10).unwrap_or_default()
}

/// Returns a random part of a duration, between nothing and all of it.
pub(crate) fn part(duration: Duration, random: u64) -> Duration {
    let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).saturating_add(1);
    Duration::from_millis(random.checked_rem(milliseconds).unwrap_or_default())
}
