//! When a source is asked again, and what is done with its answer. No I/O: time, random numbers and the document at hand are arguments.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe_crypto::{Provider, own_sha256};

use crate::{MetadataChange, RefreshError, TrustedMetadata, TrustedSource};

/// One source of metadata over time: when it is asked again, and what is done with its answer.
///
/// It is small and does not hold the document at hand: that is the caller's, who may have it in memory, in a file or in a database.
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
/// let source = TrustedSource::danger_by_transport_alone(SpeaksFor::entity(okta.clone()));
/// let (provider, now) = (Provider::rustcrypto(), "2026-11-24T00:00:00Z".parse()?);
/// let mut refresh = Refresh::new(source, RefreshSchedule::default(), now);
/// assert!(refresh.due() <= now);
///
/// let mut validators = Validators::default();
/// validators.etag = Some("\"1\"".to_owned());
/// let fetched = FetchedMetadata::Document { bytes: document.into_bytes(), validators };
/// let random = 4_711;
/// let Refreshed::First(metadata) = refresh.answered(fetched, None, &provider, now, random)? else { panic!() };
/// assert!(metadata.find(&okta.into()).is_some());
/// assert_eq!(refresh.validators(Some(&metadata)).etag.as_deref(), Some("\"1\""));
/// assert!(refresh.due() > now);
/// // Later: nothing has changed.
/// let fetched = FetchedMetadata::NotModified;
/// assert!(matches!(refresh.answered(fetched, Some(&metadata), &provider, now, random)?, Refreshed::Unchanged));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Refresh {
    source: TrustedSource,
    schedule: RefreshSchedule,
    validators: Validators,
    /// SHA-256 over the document that they came with, as it was read.
    validators_of: Option<[u8; 32]>,
    /// When the document at hand was last fetched, or the source said that nothing has changed.
    confirmed_at: Option<DateTime<Utc>>,
    /// What that document says of how long it is good.
    cache_duration: Option<Duration>,
    valid_until: Option<DateTime<Utc>>,
    failures: u32,
    due: DateTime<Utc>,
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
#[derive(Debug)]
#[non_exhaustive]
pub enum Refreshed {
    /// There was no document at hand, and this is one.
    First(TrustedMetadata),
    /// Nothing has changed.
    Unchanged,
    /// A newer document, which takes the place of the one at hand.
    #[non_exhaustive]
    Changed {
        /// The document.
        metadata: TrustedMetadata,
        /// What changes of entities that the source speaks for. Nothing, where the documents differ in other things.
        changes: Vec<MetadataChange>,
    },
}

/// # Over time
impl Refresh {
    /// A source of which no document is at hand. It is asked at once.
    #[must_use]
    pub fn new(source: TrustedSource, schedule: RefreshSchedule, now: DateTime<Utc>) -> Refresh {
        Refresh {
            source,
            schedule,
            validators: Validators::default(),
            validators_of: None,
            confirmed_at: None,
            cache_duration: None,
            valid_until: None,
            failures: 0,
            due: now,
        }
    }

    /// Reads a copy of a document that was fetched earlier, such as the last one before the process ended. It is held against the source's
    /// trust like one that is fetched. The source is asked within the tenth part of the [`usual`](RefreshSchedule::usual) time, at a moment
    /// that `random` chooses.
    ///
    /// # Errors
    /// As [`TrustedSource::accept`]. The source is asked at once then.
    pub fn restore(
        &mut self,
        copy: impl Into<Vec<u8>>,
        fetched_at: DateTime<Utc>,
        provider: &Provider,
        now: DateTime<Utc>,
        random: u64,
    ) -> Result<TrustedMetadata, RefreshError> {
        let metadata = self.source.accept(copy, now, provider)?;
        self.keep(&metadata, Validators::default(), fetched_at);
        self.due = later(now, part(tenth(self.schedule.usual), random));
        Ok(metadata)
    }

    /// The same source that is asked first within the [`usual`](RefreshSchedule::usual) time, at a moment that `random` chooses: for one of very
    /// many whose document is at hand, so that not all are asked when a process starts.
    #[must_use]
    pub fn spread(mut self, now: DateTime<Utc>, random: u64) -> Refresh {
        self.due = later(now, part(self.schedule.usual, random));
        self
    }

    /// When the source is to be asked.
    #[must_use]
    pub fn due(&self) -> DateTime<Utc> {
        self.due
    }

    /// What the request is made conditional by, where this document is at hand: what came with it. Nothing where another one is at hand, or none:
    /// the answer that nothing has changed would be about a document that is not there.
    #[must_use]
    pub fn validators(&self, at_hand: Option<&TrustedMetadata>) -> Validators {
        let is_theirs = at_hand.is_some() && at_hand.map(digest_of) == self.validators_of;
        if is_theirs { self.validators.clone() } else { Validators::default() }
    }

    /// When the document at hand was last fetched, or said to be the same still.
    #[must_use]
    pub fn confirmed_at(&self) -> Option<DateTime<Utc>> {
        self.confirmed_at
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

    /// Takes what the source answered, where this document of it is at hand.
    ///
    /// # Errors
    /// Why the answer is not taken. The document at hand is to be kept, and the source is asked again as after a [failure](Self::failed).
    pub fn answered(
        &mut self,
        fetched: FetchedMetadata,
        at_hand: Option<&TrustedMetadata>,
        provider: &Provider,
        now: DateTime<Utc>,
        random: u64,
    ) -> Result<Refreshed, RefreshError> {
        match self.take(fetched, at_hand, provider, now) {
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
        at_hand: Option<&TrustedMetadata>,
        provider: &Provider,
        now: DateTime<Utc>,
    ) -> Result<Refreshed, RefreshError> {
        let (bytes, validators) = match (fetched, at_hand) {
            (FetchedMetadata::Document { bytes, validators }, _) => (bytes, validators),
            (FetchedMetadata::NotModified, Some(_)) => {
                self.confirmed_at = Some(now);
                return Ok(Refreshed::Unchanged);
            }
            (FetchedMetadata::NotModified, None) => return Err(RefreshError::NothingAtHand),
        };
        let newer = self.source.accept(bytes, now, provider)?;
        let is_same = at_hand.is_some_and(|at_hand| at_hand.bytes() == newer.bytes());
        let changes = match at_hand.filter(|_| !is_same) {
            Some(at_hand) => {
                is_no_older(at_hand, &newer)?;
                changes(at_hand, &newer)
            }
            None => Vec::new(),
        };
        self.keep(&newer, validators, now);
        Ok(match at_hand {
            None => Refreshed::First(newer),
            Some(_) if is_same => Refreshed::Unchanged,
            Some(_) => Refreshed::Changed { metadata: newer, changes },
        })
    }

    fn keep(&mut self, metadata: &TrustedMetadata, validators: Validators, at: DateTime<Utc>) {
        self.validators = validators;
        self.validators_of = Some(digest_of(metadata));
        self.confirmed_at = Some(at);
        self.cache_duration = metadata.aggregate().cache_duration();
        self.valid_until = metadata.aggregate().valid_until().ok().flatten();
    }

    /// After how long the source is asked again if all is well: as the document says, and so that there is time for further attempts before
    /// it is no longer valid.
    fn interval(&self, now: DateTime<Utc>) -> Duration {
        let RefreshSchedule { shortest, usual, longest } = self.schedule;
        let said = self.cache_duration.unwrap_or(usual);
        let valid_for =
            self.valid_until.map(|end| end.signed_duration_since(now).to_std().unwrap_or_default());
        let half = valid_for.and_then(|valid_for| valid_for.checked_div(2)).unwrap_or(Duration::MAX);
        said.min(half).min(longest).max(shortest)
    }
}

fn digest_of(metadata: &TrustedMetadata) -> [u8; 32] {
    own_sha256(metadata.bytes())
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
