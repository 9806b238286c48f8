//! Knowing an assertion or another message again.

use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe_crypto::{CryptoError, Provider, hexadecimal};

pub(crate) const FIRST_USE: &str = "assertion.first_use";
pub(crate) const FIRST_USE_CLAUSE: &str = "saml-profiles-2.0-os 4.1.4.5";

/// What a store keeps of an assertion to refuse it the second time (saml-profiles-2.0-os 4.1.4.5).
///
/// ```
/// # fn example(valid: vouchsafe_assertion::ValidAssertion, seen: &mut std::collections::HashSet<String>)
/// # -> Result<vouchsafe_assertion::Login, vouchsafe_assertion::Refusal> {
/// let key = valid.replay_key();
/// // In one step, such as INSERT with a unique key: true for exactly one of two at the same time.
/// let inserted = seen.insert(key.hash().to_owned());
/// valid.confirm(key.recorded(inserted))
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ReplayKey {
    hash: String,
    expires_at: DateTime<Utc>,
}

impl ReplayKey {
    /// How long a record is kept after the assertion is too old, at the least: one day.
    ///
    /// A record that is deleted by a clock that is ahead is missing when the clock is set back, or on a machine whose clock was right
    /// all the time: the assertion would be accepted a second time. A day covers a wrong time zone and a clock that somebody corrects
    /// within a day, and costs some hundred bytes for each sign-in of that day.
    pub const MARGIN: TimeDelta = TimeDelta::days(1);

    pub(crate) fn new(hash: String, expires_at: DateTime<Utc>) -> ReplayKey {
        ReplayKey { hash, expires_at }
    }

    /// SHA-256 over these parts, none of which can hold the zero byte between them, so that no two lists are written alike.
    pub(crate) fn hash_of(parts: &[&str], provider: &Provider) -> Result<String, CryptoError> {
        Ok(hexadecimal(&provider.sha256(parts.join("\0").as_bytes())?))
    }

    /// SHA-256 over the issuer and the assertion's ID, or the issuer, the kind and the ID of another message: 64 hexadecimal digits in lower case.
    ///
    /// The connection is not part of it. Two connections can have one identity provider, and an assertion is accepted once over both. The
    /// cost is small: who claims the entity ID of another can make a replay of an assertion whose ID they guess before it is used.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// From when on the assertion is refused for its age, skew included, by a clock that is right. Keep the record longer, until
    /// [`keep_until`](Self::keep_until): clocks are not.
    #[must_use]
    pub fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at
    }

    /// Until when the record is kept, by the clock of whoever deletes it: [`MARGIN`](Self::MARGIN) beyond
    /// [`expires_at`](Self::expires_at). A store that counts in seconds or milliseconds rounds this up, never down.
    #[must_use]
    pub fn keep_until(&self) -> DateTime<Utc> {
        self.expires_at.checked_add_signed(Self::MARGIN).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// What a store answers after it tried to insert the hash atomically: `true` if it was not there before.
    pub fn recorded(self, inserted: bool) -> Recorded {
        Recorded { hash: self.hash, is_first: inserted }
    }
}

/// A store's answer: this assertion was recorded, for the first time or not. It is bound to the key that it answers, and serves once:
///
/// ```compile_fail,E0451
/// let forged = vouchsafe_assertion::Recorded { hash: String::new(), is_first: true };
/// ```
///
/// ```compile_fail,E0382
/// # use vouchsafe_assertion::ReplayKey;
/// fn twice(key: ReplayKey) {
///     let first = key.recorded(true);
///     let second = key.recorded(true); // error: use of moved value
/// }
/// ```
#[derive(Debug)]
#[must_use = "a login is only made with it: pass it to ValidAssertion::confirm"]
pub struct Recorded {
    hash: String,
    is_first: bool,
}

impl Recorded {
    /// Whether the assertion had not been recorded before.
    #[must_use]
    pub fn is_first(&self) -> bool {
        self.is_first
    }

    pub(crate) fn is_of(&self, key: &ReplayKey) -> bool {
        self.hash == key.hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_kept_a_day_longer_than_the_assertion_is_good() {
        let end: DateTime<Utc> = "2026-01-15T09:05:00.000000001Z".parse().unwrap();
        let key = ReplayKey::new("00".to_owned(), end);
        assert_eq!(key.expires_at(), end);
        assert_eq!(key.keep_until(), "2026-01-16T09:05:00.000000001Z".parse::<DateTime<Utc>>().unwrap());
        let last = ReplayKey::new("00".to_owned(), DateTime::<Utc>::MAX_UTC);
        assert_eq!(last.keep_until(), DateTime::<Utc>::MAX_UTC);
    }
}
