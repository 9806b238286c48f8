//! Deliberate faults of the identity provider.

use chrono::TimeDelta;

use crate::KeyPair;

/// The deliberate faults of the identity provider at one application, to test a service, its refusals and its
/// support.
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
    /// The audience of responses, instead of the application's entity ID.
    pub audience: Option<String>,
    /// The time by which the clock is ahead; it is behind if the time is negative.
    pub clock: TimeDelta,
    /// The key that signs, instead of the published one.
    pub signs_with: Option<KeyPair>,
}

impl Faults {
    /// Sets another audience.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// Sets the clock ahead by this time, or behind if it is negative.
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
