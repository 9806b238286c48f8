//! Knowing an assertion again.

use chrono::{DateTime, Utc};

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
    pub(crate) fn new(hash: String, expires_at: DateTime<Utc>) -> ReplayKey {
        ReplayKey { hash, expires_at }
    }

    /// SHA-256 over the issuer and the assertion's ID: 64 hexadecimal digits in lower case.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// From when on the assertion is refused for its age, skew included. The record must be kept until then.
    #[must_use]
    pub fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at
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
