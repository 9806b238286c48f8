//! Recognises an assertion or another message that was already used.

use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe_crypto::{CryptoError, Provider, hexadecimal};

pub(crate) const FIRST_USE: &str = "assertion.first_use";
pub(crate) const FIRST_USE_CLAUSE: &str = "saml-profiles-2.0-os 4.1.4.5";

/// The record by which a store refuses an assertion that was already used (saml-profiles-2.0-os 4.1.4.5).
///
/// ```
/// # fn example(valid: vouchsafe_assertion::ValidAssertion, seen: &mut std::collections::HashSet<String>)
/// # -> Result<vouchsafe_assertion::Login, vouchsafe_assertion::Refusal> {
/// let key = valid.replay_key();
/// // The insert must be one step, such as INSERT with a unique key: of two at the same time, only one returns true.
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
    /// The minimum time for which a record is kept after the assertion has expired: one day.
    ///
    /// If a clock that is ahead deletes a record too early, the record is missing when the clock is corrected, or on
    /// a machine with a correct clock: the assertion would be accepted a second time. A day covers a wrong time zone
    /// and a clock that somebody corrects within a day. It costs a few hundred bytes for each sign-in of that day.
    pub const MARGIN: TimeDelta = TimeDelta::days(1);

    pub(crate) fn new(hash: String, expires_at: DateTime<Utc>) -> ReplayKey {
        ReplayKey { hash, expires_at }
    }

    /// Computes SHA-256 over these parts. They are separated by a zero byte, which none of them can contain, so
    /// different lists have different hashes.
    pub(crate) fn hash_of(parts: &[&str], provider: &Provider) -> Result<String, CryptoError> {
        Ok(hexadecimal(&provider.sha256(parts.join("\0").as_bytes())?))
    }

    /// The SHA-256 over the issuer and the assertion's ID, or over the issuer, the kind and the ID of another
    /// message: 64 hexadecimal digits in lower case.
    ///
    /// The connection is not part of it: two connections can have one identity provider, and an assertion is accepted
    /// once over both. The risk is small: a party that claims the entity ID of another could block an assertion only
    /// by guessing its ID before it is used.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The time from which the assertion is refused for its age, including the skew, by a correct clock. Keep the
    /// record longer, until [`keep_until`](Self::keep_until), since clocks are not always correct.
    #[must_use]
    pub fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at
    }

    /// The time until which the record is kept, by the clock of the machine that deletes it: [`MARGIN`](Self::MARGIN)
    /// after [`expires_at`](Self::expires_at). A store that counts in seconds or milliseconds rounds this up, never
    /// down.
    #[must_use]
    pub fn keep_until(&self) -> DateTime<Utc> {
        self.expires_at.checked_add_signed(Self::MARGIN).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// Makes the answer of a store that tried to insert the hash atomically: `true` if it was not there before.
    pub fn recorded(self, inserted: bool) -> Recorded {
        Recorded { hash: self.hash, is_first: inserted }
    }
}

/// A store's answer: whether this assertion was recorded for the first time. It is bound to its key and can be used
/// once:
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
    /// Returns whether the assertion had not been recorded before.
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
