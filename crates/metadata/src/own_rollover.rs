//! The replacement of one of our own keys: the next step, and why it is the next.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};

use crate::time::later;

/// The use of one of our own keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OwnKeyUse {
    /// Our requests are signed with it.
    Signing,
    /// Assertions are encrypted to it.
    Decryption,
}

/// The progress of the replacement of one of our keys by the next one.
///
/// It is a plain value that the application stores, and [`next_step`](Self::next_step) says what to do. The two uses
/// differ: identity providers must know the next **signing** key before we sign with it, and we must be able to
/// decrypt with the next **decryption** key before identity providers know it.
///
/// ```
/// use std::time::Duration;
/// use vouchsafe_metadata::{OwnKeyUse, OwnRollover, OwnRolloverStep};
///
/// let day = Duration::from_secs(86_400);
/// let mut rollover = OwnRollover::new(OwnKeyUse::Signing, day);
/// let monday = "2026-06-01T09:00:00Z".parse()?;
/// assert_eq!(rollover.next_step(monday).step(), OwnRolloverStep::PublishNext);
///
/// rollover.published_at = Some(monday);
/// let next = rollover.next_step(monday);
/// assert_eq!(next.step(), OwnRolloverStep::SwitchOver);
/// assert_eq!(next.not_before(), Some("2026-06-02T09:00:00Z".parse()?));
/// assert!(next.to_string().contains("identity providers that have not read"));
/// # Ok::<(), chrono::ParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OwnRollover {
    /// The use of the key.
    pub usage: OwnKeyUse,
    /// The time until every identity provider has read our metadata again: the longest `cacheDuration`, or the
    /// longest interval that any of them uses. If an administrator must upload our metadata, this time is unknown:
    /// use [`confirmed_by_all`](Self::confirmed_by_all) instead.
    pub readers: Duration,
    /// The time from which all our processes can decrypt with the next key. It is not used for a signing key. This and
    /// the following times may be planned ones: no step is advised before what it requires has happened, and a
    /// switch-over that is planned is still the next step.
    pub loaded_at: Option<DateTime<Utc>>,
    /// The time from which our metadata contains the next key.
    pub published_at: Option<DateTime<Utc>>,
    /// Whether every identity provider is known to have the next key, whatever `readers` is.
    pub confirmed_by_all: bool,
    /// The time from which we sign with the next key, or from which our metadata contains only the next key for
    /// encryption.
    pub switched_at: Option<DateTime<Utc>>,
    /// The time when a message was last decrypted with the old key.
    pub old_last_used: Option<DateTime<Utc>>,
    /// The time when the old key was removed from our metadata and from our processes.
    pub removed_at: Option<DateTime<Utc>>,
}

/// The next step to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OwnRolloverStep {
    /// Give every process the next decryption key in addition to the old one.
    LoadNext,
    /// Add the certificate of the next key to our metadata. For a decryption key, it replaces the old one, because
    /// identity providers encrypt to any key that they find.
    PublishNext,
    /// Sign with the next key.
    SwitchOver,
    /// Remove the old key from our metadata and from every process.
    RemoveOld,
    /// Nothing is left to do.
    Done,
}

/// The next step, the reason for it, and the earliest time for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnRolloverAdvice {
    step: OwnRolloverStep,
    why: &'static str,
    not_before: Option<DateTime<Utc>>,
}

impl OwnRolloverAdvice {
    /// Returns the step.
    #[must_use]
    pub fn step(&self) -> OwnRolloverStep {
        self.step
    }

    /// Returns why it is the next step, and what would fail if it were taken earlier.
    #[must_use]
    pub fn why(&self) -> &'static str {
        self.why
    }

    /// Returns the earliest time for it; `None` if it can be taken at once.
    #[must_use]
    pub fn not_before(&self) -> Option<DateTime<Utc>> {
        self.not_before
    }
}

impl fmt::Display for OwnRolloverAdvice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let step = match self.step {
            OwnRolloverStep::LoadNext => "load the next key",
            OwnRolloverStep::PublishNext => "publish the next key",
            OwnRolloverStep::SwitchOver => "switch over to the next key",
            OwnRolloverStep::RemoveOld => "remove the old key",
            OwnRolloverStep::Done => "nothing is left to do",
        };
        f.write_str(step)?;
        if let Some(time) = self.not_before {
            write!(f, ", not before {}", time.to_rfc3339_opts(SecondsFormat::Secs, true))?;
        }
        write!(f, ": {}", self.why)
    }
}

impl OwnRollover {
    /// The time that a message signed or encrypted with the old key may still need to arrive. A sign-in takes less.
    const UNDER_WAY: Duration = Duration::from_secs(60 * 60);

    /// Makes a replacement that has not begun.
    #[must_use]
    pub fn new(usage: OwnKeyUse, readers: Duration) -> OwnRollover {
        OwnRollover {
            usage,
            readers,
            loaded_at: None,
            published_at: None,
            confirmed_by_all: false,
            switched_at: None,
            old_last_used: None,
            removed_at: None,
        }
    }

    /// Returns what to do next.
    #[must_use]
    pub fn next_step(&self, now: DateTime<Utc>) -> OwnRolloverAdvice {
        let is_removed = self.removed_at.is_some_and(|time| time <= now);
        let advice = match self.usage {
            _ if is_removed => OwnRolloverAdvice {
                step: OwnRolloverStep::Done,
                why: "the old key is gone",
                not_before: None,
            },
            OwnKeyUse::Signing => self.signing(now),
            OwnKeyUse::Decryption => self.decryption(now),
        };
        OwnRolloverAdvice { not_before: advice.not_before.filter(|time| *time > now), ..advice }
    }

    fn signing(&self, now: DateTime<Utc>) -> OwnRolloverAdvice {
        let step = |step, not_before, why| OwnRolloverAdvice { step, why, not_before };
        match (self.published_at, self.switched_at) {
            (None, None) => step(
                OwnRolloverStep::PublishNext,
                None,
                "identity providers must know the next key before it signs; nothing changes for them meanwhile",
            ),
            (published, Some(switched)) if is_missing_at(switched, published, now) => step(
                OwnRolloverStep::PublishNext,
                None,
                "the next key signs before it is in our metadata, and identity providers refuse what they do not know",
            ),
            // A planned switch-over has not happened yet, and may be planned too early.
            (Some(published), switched) if switched.is_none_or(|switched| switched > now) => step(
                OwnRolloverStep::SwitchOver,
                Some(self.read_by_all(published)).max(switched),
                match self.read_by_all(published) <= now {
                    true => "the switch-over is planned for this time",
                    false => {
                        "identity providers that have not read our metadata since the next key is in it refuse what it signs"
                    }
                },
            ),
            (published, switched) => step(
                OwnRolloverStep::RemoveOld,
                switched
                    .map(|switched| later(switched, Self::UNDER_WAY))
                    .max(published.map(|published| self.read_by_all(published))),
                "requests that were signed with the old key may still be on their way",
            ),
        }
    }

    fn decryption(&self, now: DateTime<Utc>) -> OwnRolloverAdvice {
        let step = |step, not_before, why| OwnRolloverAdvice { step, why, not_before };
        match (self.loaded_at, self.published_at) {
            (loaded, Some(published)) if is_missing_at(published, loaded, now) => step(
                OwnRolloverStep::LoadNext,
                None,
                "the next key is in our metadata before every process can decrypt what identity providers encrypt to it",
            ),
            (None, _) => step(
                OwnRolloverStep::LoadNext,
                None,
                "an identity provider encrypts to the next key as soon as it reads it, and every process must be able to decrypt that",
            ),
            (Some(loaded), None) => step(
                OwnRolloverStep::PublishNext,
                Some(loaded),
                "every process can decrypt with both keys, so that identity providers may take the next one when they will",
            ),
            (Some(loaded), Some(published)) => {
                let used = self.old_last_used.map(|used| later(used, self.readers));
                let under_way = later(self.read_by_all(published), Self::UNDER_WAY);
                step(
                    OwnRolloverStep::RemoveOld,
                    Some(under_way.max(loaded)).max(used),
                    "identity providers that have not read our metadata encrypt to the old key, and what they send could not be decrypted",
                )
            }
        }
    }

    /// Returns the time when all identity providers have read what was published at this time.
    fn read_by_all(&self, published: DateTime<Utc>) -> DateTime<Utc> {
        if self.confirmed_by_all { published } else { later(published, self.readers) }
    }
}

/// Whether what a step requires has not happened yet, and is not planned before the step.
fn is_missing_at(step: DateTime<Utc>, required: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    required.is_none_or(|required| required > now && required > step)
}
