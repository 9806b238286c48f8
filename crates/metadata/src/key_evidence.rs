//! The knowledge about an identity provider's signing keys over time: which of them it uses, which it has announced,
//! and which are not used any more.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use crate::time::later;
use crate::{EntityKey, IdentityProvider};

/// The time without a signature by a key, while another key signed, after which it counts as
/// [unused](KeyStanding::SafeToRemove): seven days.
const QUIET: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// The time before the end of a certificate from which the end is mentioned.
const SOON: Duration = Duration::from_secs(30 * 86_400);

/// The observations of one key, which a store keeps for each connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeySighting {
    /// The fingerprint of the key, as in [`EntityKey::fingerprint_sha256`].
    pub fingerprint: String,
    /// The time when it was first seen, in metadata or under a message.
    pub first_seen: DateTime<Utc>,
    /// The time when a signature by it was last verified, if there was one. It may be up to a minute too early.
    pub last_verified: Option<DateTime<Utc>>,
    /// The number of sign-ins whose signature it verified.
    pub verified: u64,
}

impl KeySighting {
    /// Makes the observation of a key without verified signatures.
    pub fn new(fingerprint: impl Into<String>, first_seen: DateTime<Utc>) -> KeySighting {
        KeySighting { fingerprint: fingerprint.into(), first_seen, last_verified: None, verified: 0 }
    }

    /// Adds `sign_ins` verified sign-ins, the last of them at the time `last`.
    #[must_use]
    pub fn and_verified(mut self, sign_ins: u64, last: DateTime<Utc>) -> KeySighting {
        if sign_ins > 0 {
            self.verified = self.verified.saturating_add(sign_ins);
            self.last_verified = self.last_verified.max(Some(last));
        }
        self.first_seen = self.first_seen.min(last);
        self
    }
}

/// The state of a key of an identity provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum KeyStanding {
    /// The identity provider signs with it.
    InUse,
    /// It is in the metadata and loaded, but the identity provider still signs with another one that is there: it is
    /// the next key.
    Announced,
    /// It is in the metadata, but nobody has signed in with this or any other key of the metadata yet.
    Unproven,
    /// The identity provider signs with another key of the metadata, and has not signed with this one for a week. The
    /// key can be removed from the metadata.
    SafeToRemove,
    /// It is not in the metadata any more. It was trusted when it was seen, and is not trusted now.
    Withdrawn,
}

impl KeyStanding {
    /// Returns a code of one or a few words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            KeyStanding::InUse => "in_use",
            KeyStanding::Announced => "announced",
            KeyStanding::Unproven => "unproven",
            KeyStanding::SafeToRemove => "safe_to_remove",
            KeyStanding::Withdrawn => "withdrawn",
        }
    }
}

impl fmt::Display for KeyStanding {
    /// The standing in a few words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            KeyStanding::InUse => "in use",
            KeyStanding::Announced => "announced but unused",
            KeyStanding::Unproven => "not used yet",
            KeyStanding::SafeToRemove => "safe to remove",
            KeyStanding::Withdrawn => "withdrawn",
        })
    }
}

/// One key of an identity provider, with what is known about it. [`KeyEvidence::of`] makes it. Its `Display` is a
/// sentence for the person who maintains the connection.
///
/// ```
/// # let kit = vouchsafe_testkit::IdentityProvider::okta();
/// # let next = vouchsafe_testkit::keys::identity_provider_p256().certificate().clone();
/// # let metadata = kit.with_next_certificate(&next).metadata()?;
/// use vouchsafe_metadata::{IdentityProvider, KeyEvidence, KeySighting, KeyStanding};
///
/// let okta = IdentityProvider::from_metadata(metadata.as_bytes())?;
/// let [current, next] = okta.signing_keys() else { panic!("two keys") };
/// let (monday, tuesday) = ("2026-06-01T09:00:00Z".parse()?, "2026-06-02T09:00:00Z".parse()?);
/// let sightings = [
///     KeySighting::new(current.fingerprint_sha256(), monday).and_verified(120, tuesday),
///     KeySighting::new(next.fingerprint_sha256(), tuesday),
/// ];
/// let evidence = KeyEvidence::of(&okta, &sightings, tuesday);
/// assert_eq!(evidence[0].standing(), KeyStanding::InUse);
/// assert_eq!(evidence[1].standing(), KeyStanding::Announced);
/// assert!(evidence[1].to_string().starts_with("announced but unused since 2026-06-02T09:00:00Z"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct KeyEvidence {
    fingerprint: String,
    key: Option<EntityKey>,
    standing: KeyStanding,
    sighting: Option<KeySighting>,
    /// Whether it is withdrawn, and no key of the metadata has signed since.
    was_last: bool,
    expires: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
}

impl KeyEvidence {
    /// Returns what is known about each signing key: first the keys of the metadata in its order, then the keys that
    /// are not there any more.
    #[must_use]
    pub fn of(
        identity_provider: &IdentityProvider,
        sightings: &[KeySighting],
        now: DateTime<Utc>,
    ) -> Vec<KeyEvidence> {
        let keys = identity_provider.signing_keys();
        let names: Vec<String> = keys.iter().map(EntityKey::fingerprint_sha256).collect();
        // A clock that was ahead must not make all other keys look unused.
        let last = |sighting: &KeySighting| sighting.last_verified.map(|last| last.min(now));
        // A signature by a key that is not in the metadata any more is refused, so it does not replace another key.
        let trusted = sightings.iter().filter(|sighting| names.contains(&sighting.fingerprint));
        let newest = trusted.filter_map(last).max();
        let mut evidence: Vec<KeyEvidence> = Vec::new();
        for (key, fingerprint) in keys.iter().zip(names) {
            let sighting = sightings.iter().find(|sighting| sighting.fingerprint == fingerprint).cloned();
            let standing = standing(sighting.as_ref().and_then(last), newest);
            let end = key.certificate().and_then(vouchsafe_crypto::Certificate::not_after);
            let expires = end.and_then(|end| DateTime::from_timestamp(end, 0));
            evidence.push(KeyEvidence {
                fingerprint,
                key: Some(key.clone()),
                standing,
                sighting,
                was_last: false,
                expires,
                now,
            });
        }
        for sighting in sightings {
            if evidence.iter().all(|known| known.fingerprint != sighting.fingerprint) {
                evidence.push(KeyEvidence {
                    fingerprint: sighting.fingerprint.clone(),
                    key: None,
                    standing: KeyStanding::Withdrawn,
                    sighting: Some(sighting.clone()),
                    was_last: last(sighting).is_some_and(|last| newest.is_none_or(|newest| newest < last)),
                    expires: None,
                    now,
                });
            }
        }
        evidence
    }

    /// Returns the SHA-256 fingerprint, as consoles show it.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Returns the key; `None` if it is not in the metadata any more.
    #[must_use]
    pub fn key(&self) -> Option<&EntityKey> {
        self.key.as_ref()
    }

    /// Returns its state.
    #[must_use]
    pub fn standing(&self) -> KeyStanding {
        self.standing
    }

    /// Returns whether it is withdrawn, and no key of the metadata has signed since. Sign-ins may be failing then.
    #[must_use]
    pub fn was_last_to_sign(&self) -> bool {
        self.was_last
    }

    /// Returns the observations of it; `None` if there are none.
    #[must_use]
    pub fn sighting(&self) -> Option<&KeySighting> {
        self.sighting.as_ref()
    }

    /// Returns when its certificate ends. Trust does not depend on it (SAML metadata interoperability, 2.6.1), but
    /// identity providers replace their keys at this time.
    #[must_use]
    pub fn expires(&self) -> Option<DateTime<Utc>> {
        self.expires
    }

    /// Returns what to do about it, if there is something to do.
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        let ends_by = |time: DateTime<Utc>| self.expires.is_some_and(|end| end <= time);
        match self.standing {
            KeyStanding::SafeToRemove => Some("It can be taken out of the identity provider's metadata."),
            KeyStanding::Withdrawn if self.was_last => Some(
                "If people cannot sign in since it was withdrawn, the identity provider still signs with it. Ask its administrator, and trust the key again only if it was not withdrawn because it was stolen.",
            ),
            KeyStanding::InUse | KeyStanding::Unproven if ends_by(self.now) => Some(
                "Sign-ins go on, because the key counts and not the date. Ask the identity provider's administrator to announce the next key in the metadata.",
            ),
            KeyStanding::InUse | KeyStanding::Unproven if ends_by(later(self.now, SOON)) => Some(
                "Ask the identity provider's administrator to announce the next key in the metadata before this certificate ends.",
            ),
            _ => None,
        }
    }

    /// Returns a sentence if the certificate ends within 30 days or has ended, such as "its certificate expires in 12
    /// days".
    #[must_use]
    pub fn ending(&self) -> Option<String> {
        let left = self.expires?.signed_duration_since(self.now);
        if left <= TimeDelta::zero() {
            return Some("its certificate has ended".to_owned());
        }
        if left.to_std().is_ok_and(|left| left > SOON) {
            return None;
        }
        let (days, hours) = (left.num_days(), left.num_hours());
        Some(match (days, hours) {
            (0, 0) => "its certificate expires within the hour".to_owned(),
            (0, 1) => "its certificate expires in 1 hour".to_owned(),
            (0, hours) => format!("its certificate expires in {hours} hours"),
            (1, _) => "its certificate expires in 1 day".to_owned(),
            (days, _) => format!("its certificate expires in {days} days"),
        })
    }
}

impl fmt::Display for KeyEvidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instant = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
        let since = self.sighting.as_ref().map(|sighting| instant(sighting.first_seen));
        let since = since.map(|since| format!(" since {since}")).unwrap_or_default();
        match self.standing {
            KeyStanding::InUse => f.write_str("in use")?,
            KeyStanding::Announced => write!(f, "announced but unused{since}")?,
            KeyStanding::Unproven => write!(f, "in the metadata{since}, and nobody has signed in by it yet")?,
            KeyStanding::SafeToRemove => f.write_str("safe to remove: another key signs")?,
            KeyStanding::Withdrawn if self.was_last => {
                f.write_str("withdrawn, and not trusted any more; no key of the metadata has signed since")?;
            }
            KeyStanding::Withdrawn => f.write_str("withdrawn, and not trusted any more")?,
        }
        if let Some(sighting) = &self.sighting
            && let Some(last) = sighting.last_verified
        {
            let sign_ins = if sighting.verified == 1 { "sign-in" } else { "sign-ins" };
            write!(f, "; it vouched for {} {sign_ins}, the last at {}", sighting.verified, instant(last))?;
        }
        self.ending().map_or(Ok(()), |ending| write!(f, "; {ending}"))
    }
}

/// Returns the state of a key of the metadata, from the time when it signed last and the time when any key of the metadata
/// signed last.
fn standing(last: Option<DateTime<Utc>>, newest: Option<DateTime<Utc>>) -> KeyStanding {
    match (last, newest) {
        (None, None) => KeyStanding::Unproven,
        (None, Some(_)) => KeyStanding::Announced,
        (Some(last), Some(newest)) if is_quiet(last, newest) => KeyStanding::SafeToRemove,
        (Some(_), _) => KeyStanding::InUse,
    }
}

fn is_quiet(last: DateTime<Utc>, newest: DateTime<Utc>) -> bool {
    newest.signed_duration_since(last).to_std().is_ok_and(|quiet| quiet >= QUIET)
}
