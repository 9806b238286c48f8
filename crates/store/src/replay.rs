//! Records that ensure that an assertion is accepted once.

use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe::{Recorded, ReplayKey};

use crate::Answer;

/// Remembers which assertions were accepted until they would be refused for their age anyway, and a
/// [margin](ReplayKey::MARGIN) longer.
///
/// The margin protects against wrong clocks. If a clock that is ahead made a store delete a record, the record would be
/// missing once that clock is corrected, or on another machine, and the assertion would be accepted a second time. A
/// record is therefore deleted only when two things show that it expired more than the margin ago: the clock, and a
/// record that is newer by as much. [`forgotten_until`] implements this rule. No clock alone, however far ahead, makes
/// a store forget an assertion that came within the margin of the newest one.
///
/// ```
/// use vouchsafe_store::{Memory, ReplayStore};
///
/// # async fn example(store: Memory, valid: vouchsafe::ValidAssertion) -> Result<(), Box<dyn std::error::Error>> {
/// let recorded = store.record(valid.replay_key()).await?;
/// let login = valid.confirm(recorded)?;
/// # Ok(())
/// # }
/// ```
pub trait ReplayStore: Send + Sync + std::fmt::Debug {
    /// Records a hash if it is not recorded yet, in one atomic step: of many calls at the same time exactly one is
    /// answered `true`. An expired record still counts until it is swept. A store whose unit of time is coarser than a
    /// nanosecond rounds `expires_at` up.
    fn insert_once<'a>(&'a self, hash: &'a str, expires_at: DateTime<Utc>) -> Answer<'a, bool>;

    /// Whether a hash is recorded. This writes nothing.
    fn is_recorded<'a>(&'a self, hash: &'a str) -> Answer<'a, bool>;

    /// Deletes the records that expired more than the margin ago and answers how many there were.
    fn sweep_replays(&self, now: DateTime<Utc>) -> Answer<'_, u64>;

    /// Records an assertion, and answers whether it was the first time.
    fn record(&self, key: ReplayKey) -> Answer<'_, Recorded> {
        Box::pin(async move {
            let inserted = self.insert_once(key.hash(), key.expires_at()).await?;
            Ok(key.recorded(inserted))
        })
    }

    /// Answers whether a message would be the first, and records nothing. Use it for a message that is carried out
    /// before it is recorded, so that the message can be sent again if carrying it out failed. Of two at the same time
    /// both may be the first; use it only for effects that may happen twice, such as ending sessions.
    fn look_up(&self, key: ReplayKey) -> Answer<'_, Recorded> {
        Box::pin(async move {
            let is_recorded = self.is_recorded(key.hash()).await?;
            Ok(key.recorded(!is_recorded))
        })
    }
}

/// A configured margin, and not less than [`ReplayKey::MARGIN`].
pub(crate) fn at_least_the_margin(margin: std::time::Duration) -> TimeDelta {
    TimeDelta::from_std(margin).unwrap_or(TimeDelta::MAX).max(ReplayKey::MARGIN)
}

/// A replay record may be deleted if it expired at or before this time: `margin` before `now` and before `latest`, the
/// latest expiry of any record in the store. `None`: nothing may be deleted.
///
/// For stores of your own. A store that expires records by itself, by a time to live, keeps each record for `margin`
/// longer ([`ReplayKey::keep_until`]).
///
/// ```
/// use chrono::{DateTime, TimeDelta, Utc};
/// use vouchsafe_store::forgotten_until;
///
/// let now: DateTime<Utc> = "2026-01-15T09:00:00Z".parse()?;
/// let (day, newest) = (TimeDelta::days(1), now + TimeDelta::minutes(5));
/// assert_eq!(forgotten_until(now, Some(newest), day), Some(now - day));
/// // A clock that is a year ahead forgets no more than what the newest record allows.
/// assert_eq!(forgotten_until(now + TimeDelta::days(365), Some(newest), day), Some(newest - day));
/// assert_eq!(forgotten_until(now, None, day), None);
/// # Ok::<(), chrono::ParseError>(())
/// ```
#[must_use]
pub fn forgotten_until(
    now: DateTime<Utc>,
    latest: Option<DateTime<Utc>>,
    margin: TimeDelta,
) -> Option<DateTime<Utc>> {
    now.min(latest?).checked_sub_signed(margin)
}
