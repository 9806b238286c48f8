//! What the identity provider does wrong on purpose.

use chrono::TimeDelta;

use crate::KeyPair;

/// What the identity provider does wrong on purpose at one application, so that a service, its refusals and its support can be tried.
///
/// ```
/// use chrono::TimeDelta;
/// use vouchsafe_testkit::server::Faults;
///
/// let ahead = Faults::default().clock_ahead(TimeDelta::hours(1));
/// assert_eq!(ahead.clock, TimeDelta::hours(1));
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
#[must_use]
pub struct Faults {
    /// The audience that responses name in the place of the application's entity ID.
    pub audience: Option<String>,
    /// How far the clock is ahead; behind if it is negative.
    pub clock: TimeDelta,
    /// A key that signs in the place of the one that is published.
    pub signs_with: Option<KeyPair>,
}

impl Faults {
    /// Names another audience.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// Sets the clock ahead, or behind by a negative time.
    pub fn clock_ahead(mut self, by: TimeDelta) -> Self {
        self.clock = by;
        self
    }

    /// Signs with a key that is not the published one.
    pub fn signs_with(mut self, key: &KeyPair) -> Self {
        self.signs_with = Some(key.clone());
        self
    }
}
