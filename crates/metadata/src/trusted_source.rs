//! The trust in a source of metadata: the entities that it may describe, and the proof that its documents come from
//! it.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe_crypto::{Provider, from_fingerprint};
use vouchsafe_signature::{Evidence, KeyFingerprint, TrustedKey};

use crate::source::{earliest, shortest};
use crate::{
    Aggregate, AggregateEntity, EntityId, EntityName, IdentityProvider, MetadataError, RefreshError,
};

/// The trust in a source of metadata: the entities that it may describe, and the proof that its documents come from
/// it.
///
/// A document that is accepted under this trust is [`TrustedMetadata`]. [`Refresh`](crate::Refresh) applies it to one
/// source over time.
///
/// ```
/// # let document = vouchsafe_testkit::IdentityProvider::okta().metadata()?;
/// use vouchsafe_crypto::Provider;
/// use vouchsafe_metadata::{EntityId, SpeaksFor, TrustedSource};
///
/// let okta = EntityId::new("http://www.okta.com/exk1vouchsafe0kit0h7")?;
/// // Okta signs no metadata: who controls its host controls whom this connection trusts.
/// let source = TrustedSource::danger_by_transport_alone(SpeaksFor::entity(okta.clone()));
/// let now = "2026-11-24T00:00:00Z".parse()?;
/// let metadata = source.accept(document, now, &Provider::rustcrypto())?;
/// assert!(metadata.find(&okta.into()).is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct TrustedSource {
    proof: Proof,
    speaks_for: SpeaksFor,
    /// The longest allowed time until `validUntil`. If it is set, `validUntil` is required.
    longest_validity: Option<Duration>,
}

/// The proof that a document comes from the source.
#[derive(Clone, Debug)]
enum Proof {
    Keys(Vec<TrustedKey>),
    /// The SHA-256 of a certificate whose key is trusted.
    Certificate([u8; 32]),
    Transport,
}

/// The entities that a source may describe.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpeaksFor {
    /// Only these: for the metadata address of one customer, or of a few.
    Entities(BTreeSet<EntityId>),
    /// All entities: for a federation that registers its members.
    Everybody,
}

impl SpeaksFor {
    /// Allows only one entity.
    #[must_use]
    pub fn entity(entity_id: EntityId) -> SpeaksFor {
        SpeaksFor::Entities(BTreeSet::from([entity_id]))
    }

    fn includes(&self, entity_id: &str) -> bool {
        match self {
            SpeaksFor::Entities(all) => all.iter().any(|one| one.as_str() == entity_id),
            SpeaksFor::Everybody => true,
        }
    }
}

/// # Making a value
impl TrustedSource {
    /// Makes a source whose documents are signed at their root by one of these keys.
    ///
    /// A signature does not say whether a document is the present one. If documents state neither a `creationInstant` nor a
    /// `validUntil`, whoever controls the address can serve an earlier one, with a key that was withdrawn since. So
    /// [require an end](Self::requiring_valid_until) where the publisher states one.
    #[must_use]
    pub fn signed_by(keys: impl Into<Vec<TrustedKey>>, speaks_for: SpeaksFor) -> TrustedSource {
        TrustedSource::of(Proof::Keys(keys.into()), speaks_for)
    }

    /// Makes a source whose documents are signed at their root by the key of the certificate with this SHA-256
    /// fingerprint, which federations publish: 64 hexadecimal digits, with or without colons. The certificate is read
    /// from the signature's KeyInfo, and is authenticated by the fingerprint.
    ///
    /// # Errors
    /// `refresh.fingerprint` if it is not such a fingerprint.
    pub fn signed_by_certificate(
        fingerprint: &str,
        speaks_for: SpeaksFor,
    ) -> Result<TrustedSource, RefreshError> {
        Ok(TrustedSource::of(Proof::Certificate(sha256_of(fingerprint)?), speaks_for))
    }

    /// Makes a source whose documents are protected only by the address that they come from (HTTPS), or by the person
    /// who uploads them. The metadata of Okta, Entra ID and Google is of this kind. The party that controls the host
    /// decides which keys are trusted; a signature in the document is not checked.
    #[must_use]
    pub fn danger_by_transport_alone(speaks_for: SpeaksFor) -> TrustedSource {
        TrustedSource::of(Proof::Transport, speaks_for)
    }

    /// Requires that documents state how long they are valid, and for at most this long. Federations specify this. It
    /// limits how long somebody who holds back newer documents can keep a withdrawn key trusted.
    #[must_use]
    pub fn requiring_valid_until(mut self, at_most: Duration) -> TrustedSource {
        self.longest_validity = Some(at_most);
        self
    }

    fn of(proof: Proof, speaks_for: SpeaksFor) -> TrustedSource {
        TrustedSource { proof, speaks_for, longest_validity: None }
    }

    /// Restricts the source to one entity. If it may not describe that entity, it may describe none.
    #[must_use]
    pub fn for_entity(mut self, entity_id: &EntityId) -> TrustedSource {
        let spoken_for = self.speaks_for.includes(entity_id.as_str()).then(|| entity_id.clone());
        self.speaks_for = SpeaksFor::Entities(spoken_for.into_iter().collect());
        self
    }

    /// Returns which entities it may describe.
    #[must_use]
    pub fn speaks_for(&self) -> &SpeaksFor {
        &self.speaks_for
    }

    /// Returns whether the documents need no signature.
    pub(crate) fn is_by_transport_alone(&self) -> bool {
        matches!(self.proof, Proof::Transport)
    }
}

/// # Reading documents
impl TrustedSource {
    /// Reads a document of the source.
    ///
    /// # Errors
    /// The errors of [`Aggregate::read`] and [`Aggregate::read_signed`]; `metadata.expired`;
    /// `refresh.no_valid_until`, `refresh.validity_too_long`. If no usable identity provider in the document is one
    /// that the source may describe, the error of the first of its entities, or `refresh.nobody`.
    pub fn accept(
        &self,
        document: impl Into<Vec<u8>>,
        now: DateTime<Utc>,
        provider: &Provider,
    ) -> Result<TrustedMetadata, RefreshError> {
        let metadata = self.recall(document, provider)?;
        self.check(&metadata, now)?;
        Ok(metadata)
    }

    /// Checks whether a document that was read can be used now.
    pub(crate) fn check(&self, metadata: &TrustedMetadata, now: DateTime<Utc>) -> Result<(), RefreshError> {
        metadata.aggregate.check_validity(now)?;
        self.check_longest_validity(metadata.aggregate.valid_until()?, now)?;
        metadata.has_somebody(now)
    }

    /// Reads a document that was accepted before, such as a stored copy. It may have ended since. It must not be used in that
    /// case, but a newer document is compared with it, so that nothing older takes its place.
    ///
    /// # Errors
    /// The errors of [`Aggregate::read`] and [`Aggregate::read_signed`].
    pub fn recall(
        &self,
        document: impl Into<Vec<u8>>,
        provider: &Provider,
    ) -> Result<TrustedMetadata, RefreshError> {
        let (aggregate, evidence) = self.read(document.into(), provider)?;
        Ok(TrustedMetadata { aggregate, evidence, speaks_for: self.speaks_for.clone() })
    }

    fn read(
        &self,
        document: Vec<u8>,
        provider: &Provider,
    ) -> Result<(Aggregate, Option<Evidence>), RefreshError> {
        let signed = match &self.proof {
            Proof::Transport => return Ok((Aggregate::read(document)?, None)),
            Proof::Keys(keys) => Aggregate::read_signed(document, keys, provider)?,
            Proof::Certificate(sha256) => Aggregate::read_signed_by_certificate(document, sha256, provider)?,
        };
        Ok((signed.0, Some(signed.1)))
    }

    fn check_longest_validity(
        &self,
        valid_until: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<(), RefreshError> {
        let Some(longest) = self.longest_validity else { return Ok(()) };
        let Some(valid_until) = valid_until else { return Err(RefreshError::NoValidUntil { longest }) };
        let latest = TimeDelta::from_std(longest).ok().and_then(|longest| now.checked_add_signed(longest));
        if latest.is_some_and(|latest| valid_until > latest) {
            return Err(RefreshError::ValidityTooLong { valid_until, now, longest });
        }
        Ok(())
    }
}

/// Reads a SHA-256 fingerprint: 64 hexadecimal digits, with or without colons.
fn sha256_of(fingerprint: &str) -> Result<[u8; 32], RefreshError> {
    from_fingerprint(fingerprint).ok_or_else(|| RefreshError::Fingerprint { value: fingerprint.to_owned() })
}

/// A document that a [`TrustedSource`] accepted. Only entities that the source may describe are found in it.
pub struct TrustedMetadata {
    aggregate: Aggregate,
    evidence: Option<Evidence>,
    speaks_for: SpeaksFor,
}

impl TrustedMetadata {
    /// Returns the entity with this name, if the source may describe it.
    #[must_use]
    pub fn find(&self, name: &EntityName) -> Option<AggregateEntity<'_>> {
        self.aggregate.find(name).filter(|found| self.is_spoken_for(*found))
    }

    /// Returns the entities that the source may describe, in document order.
    pub fn entities(&self) -> impl Iterator<Item = AggregateEntity<'_>> {
        self.aggregate.entities().filter(|found| self.is_spoken_for(*found))
    }

    /// Returns the identity provider with this name, for which the document was accepted.
    ///
    /// # Errors
    /// `refresh.nobody` if the source may not describe it, or if the document does not contain it as a readable
    /// identity provider.
    pub fn identity_provider(&self, entity_id: &EntityId) -> Result<&IdentityProvider, RefreshError> {
        let found = self.find(&entity_id.clone().into()).and_then(|found| found.identity_provider().ok());
        found.ok_or_else(|| RefreshError::Nobody { entities: self.aggregate.len() })
    }

    /// Returns the error for a name that no entity has for which the source may speak.
    #[must_use]
    pub fn unknown(&self, name: &EntityName) -> MetadataError {
        self.aggregate.unknown(name)
    }

    /// Returns the document as it was read. For a signed document, these are the signed bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.aggregate.bytes()
    }

    /// Returns who signed it, if the source's documents are signed.
    #[must_use]
    pub fn evidence(&self) -> Option<&Evidence> {
        self.evidence.as_ref()
    }

    /// Checks that its signature was verified with the key of the certificate with this SHA-256 fingerprint, which is
    /// written as for [`TrustedSource::signed_by_certificate`].
    ///
    /// # Errors
    /// `refresh.other_signer` if it was not, and `refresh.fingerprint` if it is not such a fingerprint.
    pub fn require_signer(&self, fingerprint: &str) -> Result<(), RefreshError> {
        let required = sha256_of(fingerprint)?;
        match self.evidence.as_ref().map(Evidence::key_fingerprint) {
            Some(KeyFingerprint::Certificate(actual)) if sha256_of(actual).is_ok_and(|it| it == required) => {
                Ok(())
            }
            _ => Err(RefreshError::OtherSigner { signer: fingerprint.to_owned() }),
        }
    }

    pub(crate) fn aggregate(&self) -> &Aggregate {
        &self.aggregate
    }

    /// Returns the entities that the source may describe; `None` if those are all.
    pub(crate) fn described(&self) -> Option<&BTreeSet<EntityId>> {
        match &self.speaks_for {
            SpeaksFor::Entities(named) => Some(named),
            SpeaksFor::Everybody => None,
        }
    }

    /// Returns the shortest `cacheDuration` and the earliest `validUntil` of the document. If the source speaks for named
    /// entities only, the values of those entities that can be used now, and of their roles, count too.
    pub(crate) fn lifetime(&self, now: DateTime<Utc>) -> (Option<Duration>, Option<DateTime<Utc>>) {
        let document = (self.aggregate.cache_duration(), self.aggregate.valid_until().ok().flatten());
        let SpeaksFor::Entities(named) = &self.speaks_for else { return document };
        let usable = named.iter().filter_map(|id| self.find(&id.clone().into())).filter_map(|found| {
            found.identity_provider().ok().filter(|provider| provider.check_validity(now).is_ok())
        });
        usable.fold(document, |(cache_duration, valid_until), provider| {
            let cache_duration = shortest(cache_duration, provider.cache_duration());
            (cache_duration, earliest(valid_until, provider.valid_until()))
        })
    }

    /// Returns whether this document and an earlier one state the same about each entity that this one's source may
    /// describe.
    pub(crate) fn states_the_same_as(&self, earlier: &TrustedMetadata) -> bool {
        if self.bytes() == earlier.bytes() {
            return true;
        }
        let same = |one: Option<AggregateEntity<'_>>, other: Option<AggregateEntity<'_>>| match (one, other) {
            (Some(one), Some(other)) => one.states_the_same_as(&other),
            (None, None) => true,
            _ => false,
        };
        match &self.speaks_for {
            SpeaksFor::Entities(named) => named.iter().all(|id| {
                let name = id.clone().into();
                same(self.find(&name), earlier.find(&name))
            }),
            SpeaksFor::Everybody => {
                let mut others = earlier.entities();
                self.entities().all(|own| same(Some(own), others.next())) && others.next().is_none()
            }
        }
    }

    /// Returns whether this document has the dates of an earlier one: when it was published, how long it is valid, and
    /// how soon to look for a newer one.
    pub(crate) fn has_dates_of(&self, earlier: &TrustedMetadata) -> bool {
        self.bytes() == earlier.bytes()
            || matches!((self.dates(), earlier.dates()), (Some(own), Some(others)) if own == others)
    }

    /// Returns the dates of the document and of the entities that its source may describe; `None` if that may be all of
    /// many.
    fn dates(&self) -> Option<impl PartialEq> {
        let SpeaksFor::Entities(named) = &self.speaks_for else { return None };
        let of_entity = |id: &EntityId| {
            let provider = self.identity_provider(id).ok()?;
            Some((provider.valid_until(), provider.cache_duration()))
        };
        let whole = (
            self.aggregate.creation_instant(),
            self.aggregate.valid_until().ok(),
            self.aggregate.cache_duration(),
        );
        Some((whole, named.iter().map(of_entity).collect::<Vec<_>>()))
    }

    fn is_spoken_for(&self, entity: AggregateEntity<'_>) -> bool {
        entity.entity_id().is_some_and(|id| self.speaks_for.includes(id))
    }

    /// Checks that the document is still valid and has an identity provider that can be used.
    pub(crate) fn check_usable(&self, now: DateTime<Utc>) -> Result<(), RefreshError> {
        self.aggregate.check_validity(now)?;
        self.has_somebody(now)
    }

    /// Checks that it contains an identity provider whose metadata can be used now.
    fn has_somebody(&self, now: DateTime<Utc>) -> Result<(), RefreshError> {
        let mut first = None;
        for entity in self.entities() {
            match entity.usable(now) {
                Ok(()) => return Ok(()),
                Err(error) => first = first.or(Some(error)),
            }
        }
        let named = match &self.speaks_for {
            SpeaksFor::Entities(all) => all.first().map(|id| self.aggregate.unknown(&id.clone().into())),
            SpeaksFor::Everybody => None,
        };
        match (first, named) {
            (Some(error), _) if matches!(self.speaks_for, SpeaksFor::Entities(_)) => Err(error.into()),
            (None, Some(error)) => Err(error.into()),
            _ => Err(RefreshError::Nobody { entities: self.aggregate.len() }),
        }
    }
}

impl fmt::Debug for TrustedMetadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrustedMetadata")
            .field("aggregate", &self.aggregate)
            .field("evidence", &self.evidence)
            .finish_non_exhaustive()
    }
}
