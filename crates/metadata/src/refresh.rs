//! When a source is asked again, and what is done with its answer. No I/O: time and random numbers are arguments.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe_crypto::Provider;

use crate::{MetadataChange, RefreshError, TrustedMetadata, TrustedSource};

/// One source of metadata over time: which document of it is at hand, when it is asked again, and what is done with its answer.
///
/// * The source is asked again after the `cacheDuration` of its document, or after [`usual`](RefreshSchedule::usual), and before the document
///   is no longer valid; a little earlier by chance, so that many sources spread over time. After a failure it is asked sooner, then less and less
///   often.
/// * Trust is never emptied: a document that cannot be used is not taken, and the one at hand is kept, until its own `validUntil`, which whoever
///   uses it checks.
/// * Trust never goes back: a document with an earlier `validUntil`, or an earlier `creationInstant` (SAML V2.0 Metadata Extensions for
///   Registration and Publication Information 2.3), than the one at hand is not taken.
///
/// Whoever fetches goes round: wait until [`due`](Self::due), ask with [`validators`](Self::validators), and hand over what came
/// ([`answered`](Self::answered)) or that nothing did ([`failed`](Self::failed)). `vouchsafe-client` has that.
///
/// ```
/// # let document = vouchsafe_testkit::IdentityProvider::okta().metadata()?;
/// use vouchsafe_crypto::Provider;
/// use vouchsafe_metadata::{EntityId, FetchedMetadata, Refresh, RefreshSchedule, Refreshed, SpeaksFor, TrustedSource, Validators};
///
/// let okta = EntityId::new("http://www.okta.com/exk1vouchsafe0kit0h7")?;
/// let source = TrustedSource::by_transport_alone(SpeaksFor::entity(okta.clone()));
/// let (provider, now) = (Provider::rustcrypto(), "2026-11-24T00:00:00Z".parse()?);
/// let mut refresh = Refresh::new(source, RefreshSchedule::default(), now);
/// assert!(refresh.due() <= now);
///
/// let mut validators = Validators::default();
/// validators.etag = Some("\"1\"".to_owned());
/// let fetched = FetchedMetadata::Document { bytes: document.into_bytes(), validators };
/// let random = 4_711;
/// assert!(matches!(refresh.answered(fetched, &provider, now, random)?, Refreshed::First));
/// assert_eq!(refresh.validators().etag.as_deref(), Some("\"1\""));
/// assert!(refresh.due() > now);
/// let metadata = refresh.metadata().expect("it is at hand");
/// assert!(metadata.find(&okta.into()).is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Refresh {
    source: TrustedSource,
    schedule: RefreshSchedule,
    at_hand: Option<AtHand>,
    failures: u32,
    due: DateTime<Utc>,
}

/// The document at hand.
#[derive(Debug)]
struct AtHand {
    metadata: Arc<TrustedMetadata>,
    validators: Validators,
    /// When it was last fetched, or the source said that nothing has changed.
    confirmed_at: DateTime<Utc>,
}

/// How often a source is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RefreshSchedule {
    /// No sooner than this after an answer. 1 minute by default.
    pub shortest: Duration,
    /// After so long where the document does not say it. 1 hour by default.
    pub usual: Duration,
    /// No later than this after an answer, whatever the document says. 24 hours by default.
    pub longest: Duration,
}

impl Default for RefreshSchedule {
    fn default() -> RefreshSchedule {
        let minutes = |minutes: u64| Duration::from_secs(minutes.saturating_mul(60));
        RefreshSchedule { shortest: minutes(1), usual: minutes(60), longest: minutes(24 * 60) }
    }
}

/// What a source gave with a document, to be shown to it when it is asked again (RFC 9110, 8.8).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Validators {
    /// `ETag`, as it came, for `If-None-Match`.
    pub etag: Option<String>,
    /// `Last-Modified`, as it came, for `If-Modified-Since`.
    pub last_modified: Option<String>,
}

/// What a source answered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum FetchedMetadata {
    /// A document.
    Document {
        /// Its bytes.
        bytes: Vec<u8>,
        /// What came with it.
        validators: Validators,
    },
    /// That nothing has changed (304).
    NotModified,
}

/// What came of an answer that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refreshed {
    /// There was no document at hand, and there is one now.
    First,
    /// Nothing has changed.
    Unchanged,
    /// A newer document has taken the place of the one at hand, with these changes of entities that the source speaks for.
    Changed(Vec<MetadataChange>),
}

/// # Over time
impl Refresh {
    /// A source of which no document is at hand. It is asked at once.
    #[must_use]
    pub fn new(source: TrustedSource, schedule: RefreshSchedule, now: DateTime<Utc>) -> Refresh {
        Refresh { source, schedule, at_hand: None, failures: 0, due: now }
    }

    /// The same source with a copy of a document that was fetched earlier, such as the last one before the process ended. The copy is held
    /// against the source's trust like one that is fetched. The source is asked within the tenth part of the [`usual`](RefreshSchedule::usual)
    /// time, at a moment that `random` chooses.
    ///
    /// # Errors
    /// As [`TrustedSource::accept`]. The source is asked at once then.
    pub fn restore(
        &mut self,
        copy: Vec<u8>,
        fetched_at: DateTime<Utc>,
        provider: &Provider,
        now: DateTime<Utc>,
        random: u64,
    ) -> Result<(), RefreshError> {
        let metadata = Arc::new(self.source.accept(copy, now, provider)?);
        let validators = Validators::default();
        self.at_hand = Some(AtHand { metadata, validators, confirmed_at: fetched_at });
        self.due = later(now, part(tenth(self.schedule.usual), random));
        Ok(())
    }

    /// When the source is to be asked.
    #[must_use]
    pub fn due(&self) -> DateTime<Utc> {
        self.due
    }

    /// What the request is made conditional by. Nothing where no document is at hand.
    #[must_use]
    pub fn validators(&self) -> Validators {
        self.at_hand.as_ref().map(|at_hand| at_hand.validators.clone()).unwrap_or_default()
    }

    /// The document at hand. Whoever reads it goes on reading it when another takes its place.
    #[must_use]
    pub fn metadata(&self) -> Option<&Arc<TrustedMetadata>> {
        self.at_hand.as_ref().map(|at_hand| &at_hand.metadata)
    }

    /// When the document at hand was last fetched, or said to be the same still.
    #[must_use]
    pub fn confirmed_at(&self) -> Option<DateTime<Utc>> {
        self.at_hand.as_ref().map(|at_hand| at_hand.confirmed_at)
    }

    /// How often the source was asked in vain since.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// What the source is trusted for.
    #[must_use]
    pub fn source(&self) -> &TrustedSource {
        &self.source
    }

    /// Takes what the source answered.
    ///
    /// # Errors
    /// Why the document is not taken. The one at hand is kept, and the source is asked again as after a [failure](Self::failed).
    pub fn answered(
        &mut self,
        fetched: FetchedMetadata,
        provider: &Provider,
        now: DateTime<Utc>,
        random: u64,
    ) -> Result<Refreshed, RefreshError> {
        match self.take(fetched, provider, now) {
            Ok(refreshed) => {
                self.failures = 0;
                let interval = self.interval(now);
                let earlier = part(tenth(interval), random);
                self.due = later(now, interval.saturating_sub(earlier));
                Ok(refreshed)
            }
            Err(error) => {
                self.failed(None, now, random);
                Err(error)
            }
        }
    }

    /// The source did not answer, or not with a document; `retry_after` is what it asked for, if it did (RFC 9110, 10.2.3).
    ///
    /// It is asked again after a minute, then after two, four and so on, up to the time after which it would have been asked anyway: each by
    /// chance between half of that and all of it.
    pub fn failed(&mut self, retry_after: Option<Duration>, now: DateTime<Utc>, random: u64) {
        self.failures = self.failures.saturating_add(1);
        let doublings = self.failures.saturating_sub(1).min(16);
        let most = self.schedule.shortest.saturating_mul(1 << doublings).min(self.interval(now));
        let half = most.checked_div(2).unwrap_or_default();
        let wait = half.saturating_add(part(half, random));
        let asked = retry_after.unwrap_or_default().min(self.schedule.longest);
        self.due = later(now, wait.max(asked));
    }

    fn take(
        &mut self,
        fetched: FetchedMetadata,
        provider: &Provider,
        now: DateTime<Utc>,
    ) -> Result<Refreshed, RefreshError> {
        let (bytes, validators) = match (fetched, &mut self.at_hand) {
            (FetchedMetadata::Document { bytes, validators }, _) => (bytes, validators),
            (FetchedMetadata::NotModified, Some(at_hand)) => {
                at_hand.confirmed_at = now;
                return Ok(Refreshed::Unchanged);
            }
            (FetchedMetadata::NotModified, None) => return Err(RefreshError::NothingAtHand),
        };
        let newer = self.source.accept(bytes, now, provider)?;
        let refreshed = match &self.at_hand {
            None => Refreshed::First,
            Some(at_hand) if at_hand.metadata.bytes() == newer.bytes() => Refreshed::Unchanged,
            Some(at_hand) => {
                is_no_older(&at_hand.metadata, &newer)?;
                Refreshed::Changed(changes(&at_hand.metadata, &newer))
            }
        };
        self.at_hand = Some(AtHand { metadata: Arc::new(newer), validators, confirmed_at: now });
        Ok(refreshed)
    }

    /// After how long the source is asked again if all is well: as the document says, and so that there is time for further attempts before
    /// it is no longer valid.
    fn interval(&self, now: DateTime<Utc>) -> Duration {
        let RefreshSchedule { shortest, usual, longest } = self.schedule;
        let aggregate = self.at_hand.as_ref().map(|at_hand| at_hand.metadata.aggregate());
        let said = aggregate.and_then(|aggregate| aggregate.cache_duration()).unwrap_or(usual);
        let valid_until = aggregate.and_then(|aggregate| aggregate.valid_until().ok().flatten());
        let valid_for = valid_until.map(|end| end.signed_duration_since(now).to_std().unwrap_or_default());
        let half = valid_for.and_then(|valid_for| valid_for.checked_div(2)).unwrap_or(Duration::MAX);
        said.min(half).min(longest).max(shortest)
    }
}

/// Rule: no document takes the place of one that was published after it.
fn is_no_older(at_hand: &TrustedMetadata, newer: &TrustedMetadata) -> Result<(), RefreshError> {
    let [old, new] = [at_hand, newer].map(TrustedMetadata::aggregate);
    let created = [old.creation_instant(), new.creation_instant()];
    let valid = [old.valid_until()?, new.valid_until()?];
    for (what, [before, after]) in [("creationInstant", created), ("validUntil", valid)] {
        if let Some(at_hand) = before.filter(|before| after.is_none_or(|after| after < *before)) {
            return Err(RefreshError::RolledBack { what, offered: after, at_hand });
        }
    }
    Ok(())
}

/// What changes for those whom the source speaks for.
fn changes(at_hand: &TrustedMetadata, newer: &TrustedMetadata) -> Vec<MetadataChange> {
    let speaks = |change: &MetadataChange| change.entity_id().is_none_or(|id| newer.speaks_for(id));
    at_hand.aggregate().changes_to(newer.aggregate()).into_iter().filter(speaks).collect()
}

fn tenth(duration: Duration) -> Duration {
    duration.checked_div(10).unwrap_or_default()
}

/// A part of a duration between nothing and all of it, chosen by a random number.
fn part(duration: Duration, random: u64) -> Duration {
    let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).saturating_add(1);
    Duration::from_millis(random.checked_rem(milliseconds).unwrap_or_default())
}

fn later(now: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    let by = TimeDelta::from_std(by).unwrap_or(TimeDelta::MAX);
    now.checked_add_signed(by).unwrap_or(DateTime::<Utc>::MAX_UTC)
}
