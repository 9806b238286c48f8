//! Replacing a key of our own: which step is next, and why it is not the one after.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

/// What a key of ours is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OwnKeyUse {
    /// Our requests are signed with it.
    Signing,
    /// Assertions are encrypted to it.
    Decryption,
}

/// How far the replacement of one of our keys by the next has come.
///
/// It is a plain value that the application keeps, and [`next_step`](Self::next_step) says what to do. The two uses differ: identity providers must
/// know the next **signing** key before we sign with it, and we must be able to decrypt with the next **decryption** key before identity
/// providers know it.
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
    /// What the key is for.
    pub usage: OwnKeyUse,
    /// How long it takes until every identity provider has read our metadata again: the longest `cacheDuration` or habit of all. It is counted
    /// again where an administrator has to upload it by hand: use [`confirmed_by_all`](Self::confirmed_by_all) then.
    pub readers: Duration,
    /// Every process of ours can decrypt with the next key, since this time. Of a signing key it means nothing.
    pub loaded_at: Option<DateTime<Utc>>,
    /// Our metadata has the next key, since this time.
    pub published_at: Option<DateTime<Utc>>,
    /// Every identity provider is known to have the next key, whatever `readers` says.
    pub confirmed_by_all: bool,
    /// We sign with the next key, since this time; or our metadata names the next key alone for encryption.
    pub switched_at: Option<DateTime<Utc>>,
    /// When the old key was last used by somebody: a message was decrypted with it.
    pub old_last_used: Option<DateTime<Utc>>,
    /// The old key is gone, from our metadata and from our processes.
    pub removed_at: Option<DateTime<Utc>>,
}

/// What there is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OwnRolloverStep {
    /// Give every process the next decryption key beside the old one.
    LoadNext,
    /// Add the certificate of the next key to our metadata. Of a decryption key: in the place of the old one, since identity providers encrypt to
    /// whichever they find.
    PublishNext,
    /// Sign with the next key.
    SwitchOver,
    /// Take the old key out of our metadata and of every process.
    RemoveOld,
    /// Nothing.
    Done,
}

/// The next step, why it is that one, and when it may be done at the earliest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnRolloverAdvice {
    step: OwnRolloverStep,
    why: &'static str,
    not_before: Option<DateTime<Utc>>,
}

impl OwnRolloverAdvice {
    /// What is to be done.
    #[must_use]
    pub fn step(&self) -> OwnRolloverStep {
        self.step
    }

    /// Why it is that one, and what would fail if it were done sooner.
    #[must_use]
    pub fn why(&self) -> &'static str {
        self.why
    }

    /// When it may be done at the earliest; none: at once.
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
    /// How long what was signed or encrypted with the old key may still be on its way: a sign-in takes less.
    const UNDER_WAY: Duration = Duration::from_secs(60 * 60);

    /// A replacement that has not begun.
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

    /// What to do next.
    #[must_use]
    pub fn next_step(&self, now: DateTime<Utc>) -> OwnRolloverAdvice {
        let advice = match self.usage {
            OwnKeyUse::Signing => self.signing(),
            OwnKeyUse::Decryption => self.decryption(),
        };
        OwnRolloverAdvice { not_before: advice.not_before.filter(|time| *time > now), ..advice }
    }

    fn signing(&self) -> OwnRolloverAdvice {
        let step = |step, not_before, why| OwnRolloverAdvice { step, why, not_before };
        match (self.published_at, self.switched_at, self.removed_at) {
            (_, _, Some(_)) => step(OwnRolloverStep::Done, None, "the old key is gone"),
            (_, Some(switched), None) => step(
                OwnRolloverStep::RemoveOld,
                Some(later(switched, Self::UNDER_WAY)),
                "requests that were signed with the old key may still be on their way",
            ),
            (Some(published), None, None) => step(
                OwnRolloverStep::SwitchOver,
                self.read_by_all(published),
                "identity providers that have not read our metadata since the next key is in it refuse what it signs",
            ),
            (None, None, None) => step(
                OwnRolloverStep::PublishNext,
                None,
                "identity providers must know the next key before it signs; nothing changes for them meanwhile",
            ),
        }
    }

    fn decryption(&self) -> OwnRolloverAdvice {
        let step = |step, not_before, why| OwnRolloverAdvice { step, why, not_before };
        match (self.loaded_at, self.published_at, self.removed_at) {
            (_, _, Some(_)) => step(OwnRolloverStep::Done, None, "the old key is gone"),
            (None, _, None) => step(
                OwnRolloverStep::LoadNext,
                None,
                "an identity provider encrypts to the next key as soon as it reads it, and every process must be able to decrypt that",
            ),
            (Some(_), None, None) => step(
                OwnRolloverStep::PublishNext,
                None,
                "every process can decrypt with both keys, so that identity providers may take the next one when they will",
            ),
            (Some(_), Some(published), None) => {
                let used = self.old_last_used.map(|used| later(used, self.readers));
                step(
                    OwnRolloverStep::RemoveOld,
                    self.read_by_all(later(published, Self::UNDER_WAY)).max(used),
                    "identity providers that have not read our metadata encrypt to the old key, and what they send could not be decrypted",
                )
            }
        }
    }

    /// When all identity providers have read what was published then.
    fn read_by_all(&self, published: DateTime<Utc>) -> Option<DateTime<Utc>> {
        (!self.confirmed_by_all).then(|| later(published, self.readers))
    }
}

fn later(time: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    let by = TimeDelta::from_std(by).unwrap_or(TimeDelta::MAX);
    time.checked_add_signed(by).unwrap_or(DateTime::<Utc>::MAX_UTC)
}
