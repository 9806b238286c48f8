//! The rules when a source is requested again, and what is done with its answer. There is no I/O: time, random
//! numbers and the current document are arguments.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe_crypto::{Provider, own_sha256};

use crate::publication_order::{EndedMetadata, Published, Restored, is_no_older};
use crate::refresh_schedule::{RefreshSchedule, part, tenth};
use crate::time::later;
use crate::{Aggregate, MetadataChange, MetadataError, RefreshError, TrustedMetadata, TrustedSource};

/// One source of metadata over time: when it is requested again, and what is done with its answer.
///
/// It is small and does not contain the current document. The caller keeps that in memory, in a file or in a
/// database.
///
/// * The source is requested again after the `cacheDuration` of its document, or after
///   [`usual`](RefreshSchedule::usual), and before the document expires; after a change, of its dates too, not sooner than
///   in 15 minutes, or after half of the time for which it is still valid if only its dates changed. A random part makes it a little earlier, so that many sources spread over time. After a failure it is
///   requested sooner, then less and less often.
/// * Trust is never removed by a bad answer: an unusable document is refused, and the current one is kept until its
///   own `validUntil`, which the user of the metadata checks.
/// * Requests have the validators of the current document, but not always ([`validators`](Self::validators)): the
///   whole document is asked for at least once a day.
/// * Trust never goes back to an older document. The `creationInstant` (SAML V2.0 Metadata Extensions for Registration and
///   Publication Information 2.3) decides which document is older. If it does not decide, the earlier `validUntil` does.
///   A `creationInstant` in the future is ignored, and so is a `validUntil` of an unsigned document that is more than
///   400 days away. If only the transport vouches for a source, an older document is
///   refused for one day. A source that gives only older documents for a day has gone back on purpose, or somebody who
///   controlled its address for a moment wrote dates that the genuine documents will not reach.
///
/// A program that fetches repeats these steps: wait until [`due`](Self::due), send a request with
/// [`validators`](Self::validators), and pass the answer to [`answered`](Self::answered), or call
/// [`failed`](Self::failed) if there was none. `vouchsafe-client` does this.
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
/// assert!(refresh.due() > now);
/// // Later: nothing has changed.
/// let fetched = FetchedMetadata::NotModified;
/// assert!(matches!(refresh.answered(fetched, Some(&metadata), &provider, now, random)?, Refreshed::Unchanged));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Refresh {
    source: TrustedSource,
    schedule: RefreshSchedule,
    validators: Validators,
    /// The SHA-256 of the document that they were received with.
    validators_of: Option<[u8; 32]>,
    /// The time when a whole document was last accepted.
    whole_at: Option<DateTime<Utc>>,
    /// The time when the current document was last fetched, or when the source said that it has not changed.
    confirmed_at: Option<DateTime<Utc>>,
    /// The `cacheDuration` of that document; the next field has its `validUntil`.
    cache_duration: Option<Duration>,
    valid_until: Option<DateTime<Utc>>,
    /// The time since which the source has given only documents that are older than the current one.
    older_since: Option<DateTime<Utc>>,
    failures: u32,
    due: DateTime<Utc>,
}

/// The time for which older documents are refused if only the transport vouches for the source.
const GIVES_IN_AFTER: TimeDelta = TimeDelta::days(1);
/// The time after which a source is asked for the whole document, whatever validators it has given.
const WHOLE_AFTER: TimeDelta = TimeDelta::days(1);
/// The shortest time after a document that has changed something, whatever the document asks for.
const SHORTEST_AFTER_CHANGE: Duration = Duration::from_secs(15 * 60);

/// The number of listed changes after which further entities of a document are only counted, because a list takes memory.
const MOST_CHANGES: usize = 2_000;

/// The validators of a document, which are sent to the source with the next request (RFC 9110, 8.8).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Validators {
    /// The value of `ETag`, unchanged, for `If-None-Match`.
    pub etag: Option<String>,
    /// The value of `Last-Modified`, unchanged, for `If-Modified-Since`.
    pub last_modified: Option<String>,
}

/// The answer of a source.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum FetchedMetadata {
    /// A document.
    Document {
        /// Its bytes.
        bytes: Vec<u8>,
        /// The validators that were sent with it.
        validators: Validators,
    },
    /// Nothing has changed (status 304).
    NotModified,
}

/// The result of an accepted answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum Refreshed {
    /// There was no document before, and this is the first one.
    First(TrustedMetadata),
    /// Nothing has changed. If the source has sent a document, it states the same, with the same dates.
    Unchanged,
    /// A newer document replaces the current one. It [states the same](crate::AggregateEntity::content_digest) about each
    /// entity that the source may describe, with other dates, so nobody has to be told.
    Renewed(TrustedMetadata),
    /// A newer document replaces the current one.
    #[non_exhaustive]
    Changed {
        /// The document.
        metadata: TrustedMetadata,
        /// The changes of the entities that the source may describe. If that is everybody, entities are not listed any more
        /// when there are 2,000 changes, further entities are counted by the last one.
        changes: Vec<MetadataChange>,
    },
}

/// # Over time
impl Refresh {
    /// Makes a refresh of a source without a document. It is requested at once.
    #[must_use]
    pub fn new(source: TrustedSource, schedule: RefreshSchedule, now: DateTime<Utc>) -> Refresh {
        Refresh {
            source,
            schedule,
            validators: Validators::default(),
            validators_of: None,
            whole_at: None,
            confirmed_at: None,
            cache_duration: None,
            valid_until: None,
            older_since: None,
            failures: 0,
            due: now,
        }
    }

    /// Reads a copy of a document that was fetched earlier, such as the last one before the process ended. It is
    /// checked against the source's trust like a fetched document. The source is requested within one tenth of the
    /// [`usual`](RefreshSchedule::usual) time, at a moment that `random` chooses.
    ///
    /// A copy that has ended is no error. The source is then requested at once.
    ///
    /// # Errors
    /// As for [`TrustedSource::accept`]. In this case too the source is requested at once.
    pub fn restore(
        &mut self,
        copy: impl Into<Vec<u8>>,
        fetched_at: DateTime<Utc>,
        provider: &Provider,
        now: DateTime<Utc>,
        random: u64,
    ) -> Result<Restored, RefreshError> {
        let metadata = self.source.recall(copy, provider)?;
        match self.source.check(&metadata, now) {
            Ok(()) => {
                self.keep(&metadata, Validators::default(), fetched_at, now);
                self.due = later(now, part(tenth(self.schedule.usual), random));
                Ok(Restored::Usable(metadata))
            }
            // What is refused for another reason says nothing about newer documents.
            Err(reason @ RefreshError::Metadata(MetadataError::Expired { .. })) => {
                Ok(Restored::Ended { metadata, reason })
            }
            Err(reason) => Err(reason),
        }
    }

    /// Makes the first request within the [`usual`](RefreshSchedule::usual) time, at a moment that `random` chooses.
    /// It is for very many sources that have a document already, so that not all of them are requested when a process
    /// starts.
    #[must_use]
    pub fn spread(mut self, now: DateTime<Utc>, random: u64) -> Refresh {
        self.due = later(now, part(self.schedule.usual, random));
        self
    }

    /// Makes the next request now.
    pub fn hasten(&mut self, now: DateTime<Utc>) {
        self.due = now;
    }

    /// Returns when to request the source.
    #[must_use]
    pub fn due(&self) -> DateTime<Utc> {
        self.due
    }

    /// Returns whether the source is to be asked now. This is so at [`due`](Self::due) and later. It is also so if that
    /// time is later than any time that the schedule can give, because then the clock was ahead and was set back.
    #[must_use]
    pub fn is_due(&self, now: DateTime<Utc>) -> bool {
        let RefreshSchedule { shortest, usual, longest } = self.schedule;
        self.due <= now || self.due > later(now, shortest.max(usual).max(longest))
    }

    /// Returns the validators for the request, if they belong to the current document, which has these
    /// [bytes](TrustedMetadata::bytes). They are empty if there is
    /// another document, or none, because the answer "not modified" would be about a document that is not there.
    ///
    /// The answer "not modified" confirms a document only by validators that came with it. Somebody who controlled the
    /// address for a moment could choose them so that the genuine source gives this answer from then on. So they are also
    /// empty once a day, and while the source gives older documents; and if only the transport vouches for the source,
    /// until it has given the same document twice.
    #[must_use]
    pub fn validators(&self, at_hand: Option<&[u8]>, now: DateTime<Utc>) -> Validators {
        let is_theirs = at_hand.is_some_and(|bytes| Some(own_sha256(bytes)) == self.validators_of);
        let age = self.whole_at.map(|at| now.signed_duration_since(at));
        let is_recent = age.is_some_and(|age| age >= TimeDelta::zero() && age < WHOLE_AFTER);
        match is_theirs && is_recent && self.older_since.is_none() {
            true => self.validators.clone(),
            false => Validators::default(),
        }
    }

    /// Returns when the current document was last fetched or confirmed.
    #[must_use]
    pub fn confirmed_at(&self) -> Option<DateTime<Utc>> {
        self.confirmed_at
    }

    /// Returns the number of failed requests since then.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Returns the time since which the source has given only documents that are older than the current one; `None` if
    /// its last document was not older.
    #[must_use]
    pub fn older_since(&self) -> Option<DateTime<Utc>> {
        self.older_since
    }

    /// Sets the time since which the source has given only older documents, as another process or an earlier one has
    /// recorded it. A time in the future counts as now.
    pub fn set_older_since(&mut self, since: Option<DateTime<Utc>>) {
        self.older_since = since;
    }

    /// Returns what the source is trusted for.
    #[must_use]
    pub fn source(&self) -> &TrustedSource {
        &self.source
    }

    /// Handles the answer of the source. `at_hand` is the current document.
    ///
    /// # Errors
    /// The reason why the answer is refused. The caller must keep the current document, and the source is requested
    /// again as after a [failure](Self::failed).
    pub fn answered(
        &mut self,
        fetched: FetchedMetadata,
        at_hand: Option<&TrustedMetadata>,
        provider: &Provider,
        now: DateTime<Utc>,
        random: u64,
    ) -> Result<Refreshed, RefreshError> {
        let taken = self.take(fetched, at_hand, provider, now);
        self.scheduled(taken, now, random)
    }

    /// Handles the answer of the source where there is no current document, and `ended` is an earlier one that is not used
    /// because it has ended, or had when it was read. As [`answered`](Self::answered), but what is accepted is always
    /// [`Refreshed::First`], even if it is the same document. The earlier document only keeps older ones out.
    ///
    /// # Errors
    /// As for [`answered`](Self::answered).
    pub fn answered_after_end(
        &mut self,
        fetched: FetchedMetadata,
        ended: &EndedMetadata,
        provider: &Provider,
        now: DateTime<Utc>,
        random: u64,
    ) -> Result<Refreshed, RefreshError> {
        let taken = self.take_after_end(fetched, ended, provider, now);
        self.scheduled(taken, now, random)
    }

    fn scheduled(
        &mut self,
        taken: Result<Refreshed, RefreshError>,
        now: DateTime<Utc>,
        random: u64,
    ) -> Result<Refreshed, RefreshError> {
        match taken {
            Ok(refreshed) => {
                self.failures = 0;
                let least = match refreshed {
                    Refreshed::Changed { .. } => self.after_change(now),
                    // The dates alone may change with each document, and it must not end meanwhile.
                    Refreshed::Renewed(_) => {
                        self.after_change(now).min(later(now, self.half_of_validity(now)))
                    }
                    _ => now,
                };
                self.due = self.next(now, random).max(least);
                Ok(refreshed)
            }
            Err(error) => {
                self.failed(None, now, random);
                Err(error)
            }
        }
    }

    /// Records that the source did not answer, or not with a document. `retry_after` is the time that it stated, if
    /// it did (RFC 9110, 10.2.3).
    ///
    /// It is requested again after one minute, then after two, four and so on, up to its normal interval, or to the
    /// [`usual`](RefreshSchedule::usual) one if its document states a shorter `cacheDuration`. Each wait is a random time between half of that and all of it. The time that the source asks for is limited to 24 hours
    /// ([`longest`](RefreshSchedule::longest)), and to half of the time for which the current document is still valid.
    pub fn failed(&mut self, retry_after: Option<Duration>, now: DateTime<Utc>, random: u64) {
        self.failures = self.failures.saturating_add(1);
        let doublings = self.failures.saturating_sub(1).min(16);
        let normal = self.cache_duration.unwrap_or_default().max(self.schedule.usual);
        let most = self.schedule.shortest.saturating_mul(1 << doublings).min(self.limited(normal, now));
        let half = most.checked_div(2).unwrap_or_default();
        let wait = half.saturating_add(part(half, random));
        let longest = self.schedule.longest.min(self.half_of_validity(now)).max(self.schedule.shortest);
        let asked = retry_after.unwrap_or_default().min(longest);
        self.due = later(now, wait.max(asked));
    }

    /// Records that the caller does not use the document that was accepted last, for example because it waits for approval.
    /// `before` is this refresh before the answer. What is known about the current document stays: the source has not
    /// confirmed it, and it is asked for again early enough before it ends.
    pub fn set_aside(&mut self, before: &Refresh, now: DateTime<Utc>, random: u64) {
        let (failures, older_since) = (self.failures, self.older_since);
        *self = Refresh { failures, older_since, ..before.clone() };
        let half = self.half_of_validity(now);
        // A document at hand that has ended already cannot be helped by asking sooner.
        let before_its_end = if half.is_zero() { self.after_change(now) } else { later(now, half) };
        self.due = self.next(now, random).max(self.after_change(now).min(before_its_end));
    }

    /// Returns the time before which a source that has changed something is not asked again. A document may not ask to be
    /// replaced by another one each minute, each time with records of it.
    fn after_change(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        later(now, SHORTEST_AFTER_CHANGE.min(self.schedule.usual))
    }

    fn next(&self, now: DateTime<Utc>, random: u64) -> DateTime<Utc> {
        let interval = self.interval(now);
        later(now, interval.saturating_sub(part(tenth(interval), random)))
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
            (FetchedMetadata::NotModified, Some(at_hand)) => {
                // If the document is not valid any more, the next request is unconditional.
                at_hand.check_usable(now).inspect_err(|_| self.validators = Validators::default())?;
                (self.confirmed_at, self.older_since) = (Some(now), None);
                return Ok(Refreshed::Unchanged);
            }
            (FetchedMetadata::NotModified, None) => {
                self.validators = Validators::default();
                return Err(RefreshError::NothingAtHand);
            }
        };
        let newer = self.source.accept(bytes, now, provider)?;
        let at_first = self.at_first(validators.clone());
        let Some(at_hand) = at_hand else {
            self.keep(&newer, at_first, now, now);
            return Ok(Refreshed::First(newer));
        };
        self.require_no_older(at_hand, &newer, now)?;
        let states_the_same = newer.states_the_same_as(at_hand);
        if states_the_same && newer.has_dates_of(at_hand) {
            // The caller keeps the document at hand.
            self.keep(at_hand, validators, now, now);
            return Ok(Refreshed::Unchanged);
        }
        self.keep(&newer, at_first, now, now);
        if states_the_same {
            return Ok(Refreshed::Renewed(newer));
        }
        let changes = changes(at_hand, &newer);
        Ok(Refreshed::Changed { metadata: newer, changes })
    }

    fn take_after_end(
        &mut self,
        fetched: FetchedMetadata,
        ended: &EndedMetadata,
        provider: &Provider,
        now: DateTime<Utc>,
    ) -> Result<Refreshed, RefreshError> {
        let FetchedMetadata::Document { bytes, validators } = fetched else {
            return Err(RefreshError::NothingAtHand);
        };
        let newer = self.source.accept(bytes, now, provider)?;
        self.require_no_older(ended, &newer, now)?;
        let validators = self.at_first(validators);
        self.keep(&newer, validators, now, now);
        Ok(Refreshed::First(newer))
    }

    /// Returns the validators that are kept of a document that the source has given for the first time.
    fn at_first(&self, validators: Validators) -> Validators {
        if self.source.is_by_transport_alone() { Validators::default() } else { validators }
    }

    fn require_no_older(
        &mut self,
        known: &impl Published,
        newer: &TrustedMetadata,
        now: DateTime<Utc>,
    ) -> Result<(), RefreshError> {
        let is_signed = !self.source.is_by_transport_alone();
        is_no_older(known, newer, is_signed, now).or_else(|older| self.give_in(older, now))
    }

    /// Accepts an older document from a source for which only the transport vouches, if the source has given only older
    /// documents for a day.
    fn give_in(&mut self, older: RefreshError, now: DateTime<Utc>) -> Result<(), RefreshError> {
        let since = self.older_since.map_or(now, |since| since.min(now));
        self.older_since = Some(since);
        let is_over = now.signed_duration_since(since) >= GIVES_IN_AFTER;
        if is_over && self.source.is_by_transport_alone() { Ok(()) } else { Err(older) }
    }

    fn keep(
        &mut self,
        metadata: &TrustedMetadata,
        validators: Validators,
        fetched_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) {
        self.validators = validators;
        (self.validators_of, self.whole_at) = (Some(own_sha256(metadata.bytes())), Some(now));
        (self.confirmed_at, self.older_since) = (Some(fetched_at), None);
        (self.cache_duration, self.valid_until) = metadata.lifetime(now);
    }

    /// Returns the time until the next request if nothing fails: as the document states, but short enough that there
    /// is time for further attempts before the document expires.
    fn interval(&self, now: DateTime<Utc>) -> Duration {
        self.limited(self.cache_duration.unwrap_or(self.schedule.usual), now)
    }

    fn limited(&self, wanted: Duration, now: DateTime<Utc>) -> Duration {
        let RefreshSchedule { shortest, longest, .. } = self.schedule;
        wanted.min(self.half_of_validity(now)).min(longest).max(shortest)
    }

    /// Half of the time for which the document at hand is still valid.
    fn half_of_validity(&self, now: DateTime<Utc>) -> Duration {
        let valid_for =
            self.valid_until.map(|end| end.signed_duration_since(now).to_std().unwrap_or_default());
        valid_for.and_then(|valid_for| valid_for.checked_div(2)).unwrap_or(Duration::MAX)
    }
}

/// Returns the changes of the entities that the source may describe. Others are not looked at.
fn changes(at_hand: &TrustedMetadata, newer: &TrustedMetadata) -> Vec<MetadataChange> {
    let [before, after] = [at_hand, newer].map(TrustedMetadata::aggregate);
    match newer.described() {
        None => before.first_changes_to(after, MOST_CHANGES),
        Some(named) => {
            let mut changes: Vec<MetadataChange> =
                named.iter().flat_map(|id| Aggregate::changes_of(id, Some(before), after)).collect();
            // A change of the document is found with each entity.
            let mut is_told = false;
            changes.retain(|one| one.entity_id().is_some() || !std::mem::replace(&mut is_told, true));
            changes
        }
    }
}
