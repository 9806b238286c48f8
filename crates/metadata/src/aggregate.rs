//! Aggregates: documents with many entities, each of which is read when it is requested.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::OnceLock;
use std::time::Duration;

use chrono::{DateTime, Utc};
use vouchsafe_crypto::{Provider, own_sha1, own_sha256};
use vouchsafe_signature::{Evidence, OutlineLimits, TrustedKey, Verified, verify_any, verify_outline};
use vouchsafe_xml::{Document, Element, Limits, Outline};

use crate::encoding::in_utf8;
use crate::index::{self, Index, refused, require_metadata};
use crate::kept::Kept;
use crate::source::is_entity;
use crate::{
    EntityDescription, EntityName, IdentityProvider, LintFinding, MetadataError, content, key_info,
    lint_rules,
};

/// A metadata document with any number of entities: an EntitiesDescriptor, nested or not, or one EntityDescriptor.
///
/// One pass over the bytes finds the place of each entity. An entity is parsed when it is requested, by itself and
/// under limits of its own, and an identity provider that was read is kept. An entity that cannot be read does not
/// affect the others. If several entities have the same name, the first is used.
///
/// The bytes must come from a place that is trusted for all entities in them: [`read`](Self::read) does not verify
/// their signature. [`read_signed`](Self::read_signed) does.
///
/// ```
/// use vouchsafe_metadata::{Aggregate, EntityName};
///
/// let aggregate = Aggregate::read(
///     r#"<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">
///          <md:EntityDescriptor entityID="https://a.example"><md:SPSSODescriptor/></md:EntityDescriptor>
///          <md:EntityDescriptor entityID="https://b.example"><md:SPSSODescriptor>&wrong;</md:SPSSODescriptor></md:EntityDescriptor>
///        </md:EntitiesDescriptor>"#,
/// )?;
/// assert_eq!(aggregate.len(), 2);
///
/// let found = aggregate.find(&"https://a.example".parse()?).expect("it is there");
/// assert_eq!(found.description()?.roles()[0].name(), "SPSSODescriptor");
/// assert_eq!(found.identity_provider().unwrap_err().code(), "metadata.not_an_identity_provider");
///
/// // By the name that an artifact and the metadata query protocol have for it.
/// let name: EntityName = "{sha1}52cf6482dd9cea2beb2546c834918175193a7e8b".parse()?;
/// assert_eq!(aggregate.find(&name).map(|found| found.place()), Some(2));
/// # Ok::<(), vouchsafe_metadata::MetadataError>(())
/// ```
pub struct Aggregate {
    bytes: Vec<u8>,
    index: Index,
    /// The identity provider of each entity, after it was read.
    read: Kept<Result<IdentityProvider, MetadataError>>,
    /// The first entity of each source ID, computed at the first look-up.
    sources: OnceLock<HashMap<[u8; 20], usize>>,
}

/// An entity of an [`Aggregate`].
#[derive(Clone, Copy)]
pub struct AggregateEntity<'a> {
    aggregate: &'a Aggregate,
    /// The index of the entity, from 0.
    place: usize,
}

impl Aggregate {
    /// Finds the entities in a document.
    ///
    /// # Errors
    /// `xml.*` if the part outside of the entities is not XML, or an entity has no end; `metadata.root`. An error
    /// inside an entity is returned when this entity is read. An element of another namespace in the place of an
    /// entity or a group is not read at all.
    pub fn read(metadata: impl Into<Vec<u8>>) -> Result<Aggregate, MetadataError> {
        let bytes = in_utf8(Cow::Owned(metadata.into())).into_owned();
        let index = Index::of(&bytes)?;
        Ok(Aggregate::indexed(bytes, index))
    }

    fn indexed(bytes: Vec<u8>, index: Index) -> Aggregate {
        let read = Kept::with_places(index.len());
        Aggregate { bytes, index, read, sources: OnceLock::new() }
    }

    /// Verifies the signature of the document's root, and finds the entities only in the signed bytes.
    ///
    /// The root's signature refers to the root by its `ID`, or to the whole document by an empty reference, and
    /// covers all of it. A signature of an entity in it does not count. No key is read from the document. The caller
    /// must check how long the document is valid ([`check_validity`](Self::check_validity)).
    ///
    /// The entities are checked and digested one after another, and the signed bytes are written over the document,
    /// so the memory is about that of the document. If one entity is not well-formed, the whole document is refused,
    /// because its signature cannot be verified.
    ///
    /// # Errors
    /// As for [`read`](Self::read), and `signature.*`: `signature.missing` if the root has no signature. `xml.*` if
    /// an entity cannot be parsed.
    pub fn read_signed(
        metadata: impl Into<Vec<u8>>,
        keys: &[TrustedKey],
        provider: &Provider,
    ) -> Result<(Aggregate, Evidence), MetadataError> {
        Aggregate::of_verified(verified(metadata.into(), |_| keys.to_vec(), provider)?)
    }

    /// Verifies the root's signature by the key of a certificate whose SHA-256, over its DER, is known. The
    /// certificate is read from the signature's KeyInfo, and is authenticated by this digest.
    ///
    /// # Errors
    /// As for [`read_signed`](Self::read_signed); `signature.no_keys` if the certificate is not there.
    pub fn read_signed_by_certificate(
        metadata: impl Into<Vec<u8>>,
        sha256: &[u8; 32],
        provider: &Provider,
    ) -> Result<(Aggregate, Evidence), MetadataError> {
        let pinned = |root: Element<'_>| {
            let certificate = key_info::certificates_of_signature(root)
                .find(|certificate| own_sha256(certificate.der()) == *sha256);
            let label = "the certificate with the pinned fingerprint";
            let key = certificate.and_then(|one| TrustedKey::of_certificate(&one, label, provider).ok());
            key.into_iter().collect()
        };
        Aggregate::of_verified(verified(metadata.into(), pinned, provider)?)
    }

    fn of_verified(signed: (Verified, Option<Outline>)) -> Result<(Aggregate, Evidence), MetadataError> {
        let (verified, outline) = signed;
        let (bytes, evidence) = verified.into_parts();
        let index = match outline {
            Some(outline) => Index::of_outline(&outline, &bytes)?,
            None => Index::of(&bytes)?,
        };
        Ok((Aggregate::indexed(bytes, index), evidence))
    }

    /// Returns the number of entities, including those that cannot be read.
    #[must_use]
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Returns whether there are no entities.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns whether the document is an EntityDescriptor, and not an EntitiesDescriptor.
    #[must_use]
    pub fn is_one_entity(&self) -> bool {
        self.index.is_one_entity()
    }

    /// Returns the document. A document in UTF-16 was converted to UTF-8.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns `validUntil` of the document's root.
    ///
    /// # Errors
    /// `metadata.attribute` if it is not a time.
    pub fn valid_until(&self) -> Result<Option<DateTime<Utc>>, MetadataError> {
        self.index.whole().valid_until()
    }

    /// Returns `cacheDuration` of the document's root: how soon to look for a newer document. A month counts 28 days.
    #[must_use]
    pub fn cache_duration(&self) -> Option<Duration> {
        self.index.whole().cache_duration()
    }

    /// Returns `creationInstant` of the document's `mdrpi:PublicationInfo`: when it was published. `None` if it is
    /// missing or not a time.
    #[must_use]
    pub fn creation_instant(&self) -> Option<DateTime<Utc>> {
        self.index.creation_instant(&self.bytes)
    }

    /// Refuses a document that is no longer valid as a whole. No clock skew is allowed.
    ///
    /// # Errors
    /// `metadata.expired` if `now` is [`valid_until`](Self::valid_until) or later; `metadata.attribute`.
    pub fn check_validity(&self, now: DateTime<Utc>) -> Result<(), MetadataError> {
        match self.valid_until()? {
            Some(valid_until) if valid_until <= now => Err(MetadataError::Expired { valid_until, now }),
            Some(_) | None => Ok(()),
        }
    }

    /// Returns all entities, in document order.
    pub fn entities(&self) -> impl ExactSizeIterator<Item = AggregateEntity<'_>> {
        (0..self.len()).map(|place| AggregateEntity { aggregate: self, place })
    }

    /// Returns the entity with this name. If several have it, the first is returned.
    #[must_use]
    pub fn find(&self, name: &EntityName) -> Option<AggregateEntity<'_>> {
        let place = match name {
            EntityName::EntityId(id) => self.index.find(&self.bytes, id.as_str()),
            EntityName::SourceId(id) => self.sources().get(id).copied(),
        };
        place.map(|place| AggregateEntity { aggregate: self, place })
    }

    /// Returns the first entity whose `entityID` is this text, even if it is not a valid entity ID.
    pub(crate) fn named(&self, entity_id: &str) -> Option<AggregateEntity<'_>> {
        self.index.find(&self.bytes, entity_id).map(|place| AggregateEntity { aggregate: self, place })
    }

    /// Returns what a publisher should look at, and what would fail at sign-in: first for the document, then for each
    /// entity, which is read for this purpose. The algorithms that `provider` accepts decide which keys are strong.
    ///
    /// ```
    /// use vouchsafe_crypto::Provider;
    /// use vouchsafe_metadata::{Aggregate, LintSeverity};
    ///
    /// let aggregate = Aggregate::read(
    ///     r#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="service"
    ///          ><md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"/></md:EntityDescriptor>"#,
    /// )?;
    /// let now = "2026-11-24T00:00:00Z".parse().expect("a time");
    /// let findings: Vec<_> = aggregate.lint(now, &Provider::rustcrypto()).collect();
    /// let errors: Vec<_> = findings.iter().filter(|one| one.severity() == LintSeverity::Error).collect();
    /// assert_eq!(errors[0].code(), "metadata.no_assertion_consumer");
    /// # Ok::<(), vouchsafe_metadata::MetadataError>(())
    /// ```
    pub fn lint<'a>(
        &'a self,
        now: DateTime<Utc>,
        provider: &'a Provider,
    ) -> impl Iterator<Item = LintFinding> + 'a {
        let entities = (0..self.len())
            .flat_map(move |place| lint_rules::entity(&self.index, &self.bytes, place, now, provider));
        lint_rules::document(&self.index, now).into_iter().chain(entities)
    }

    /// Returns the error about a name that no entity has.
    #[must_use]
    pub fn unknown(&self, name: &EntityName) -> MetadataError {
        MetadataError::UnknownEntity { entity_id: name.to_string(), entities: self.len() }
    }

    fn sources(&self) -> &HashMap<[u8; 20], usize> {
        self.sources.get_or_init(|| {
            self.index.names(&self.bytes).map(|(name, place)| (own_sha1(name.as_bytes()), place)).collect()
        })
    }
}

/// Verifies the root's signature by the keys that are trusted for this root. The outline is that of the signed bytes,
/// if one was made.
fn verified(
    metadata: Vec<u8>,
    keys: impl Fn(Element<'_>) -> Vec<TrustedKey>,
    provider: &Provider,
) -> Result<(Verified, Option<Outline>), MetadataError> {
    let limits = Limits::metadata();
    let metadata = in_utf8(Cow::Owned(metadata)).into_owned();
    let outline = index::outline(&metadata)?;
    let root = outline.frame().root();
    // A document that is not metadata is refused as such, before its signature is mentioned.
    require_metadata(root)?;
    if is_entity(root) {
        // The signature is in the only piece.
        let document = Document::parse(&metadata, &limits).map_err(|error| refused(&metadata, error))?;
        return Ok((verify_any(&document, None, &keys(document.root()), provider, &limits)?, None));
    }
    // An entity that is too large or too deep to be read does not affect the others, so it must be digested too.
    let entities = Limits::metadata().with_value_bytes(16 * 1024 * 1024).with_depth(1_000);
    let (keys, limits) = (keys(root), OutlineLimits { document: &limits, pieces: &entities });
    let (verified, outline) = verify_outline(outline, metadata, &keys, provider, limits)?;
    Ok((verified, Some(outline)))
}

impl<'a> AggregateEntity<'a> {
    /// Returns its place among the entities of the document, from 1.
    #[must_use]
    pub fn place(&self) -> usize {
        self.place.saturating_add(1)
    }

    /// Returns its entityID without white space around it, if it has one.
    #[must_use]
    pub fn entity_id(&self) -> Option<&'a str> {
        self.aggregate.index.entity_id(&self.aggregate.bytes, self.place)
    }

    /// Returns the earlier entity with the same name, which is used instead of this one.
    #[must_use]
    pub fn first_of_name(&self) -> Option<AggregateEntity<'a>> {
        let place = self.aggregate.index.first_of_name(self.place)?;
        Some(AggregateEntity { aggregate: self.aggregate, place })
    }

    /// Returns its range in the [document](Aggregate::bytes). `None` for an element of another namespace than that of
    /// metadata, which is not an entity.
    #[must_use]
    pub fn range(&self) -> Option<Range<usize>> {
        self.aggregate.index.range(self.place)
    }

    /// Returns the identity provider. It is read at the first call and kept.
    ///
    /// # Errors
    /// As for [`IdentityProvider::from_metadata_entity`]; `metadata.duplicate_entity` if an earlier entity has the
    /// same name.
    pub fn identity_provider(&self) -> Result<&'a IdentityProvider, &'a MetadataError> {
        static NOTHING: MetadataError =
            MetadataError::UnknownEntity { entity_id: String::new(), entities: 0 };
        self.aggregate.read.get_or_init(self.place, || self.read()).map_or(Err(&NOTHING), Result::as_ref)
    }

    /// Returns the identity provider. It is read at each call and not kept, for callers that keep some of very many.
    ///
    /// # Errors
    /// As for [`identity_provider`](Self::identity_provider).
    pub fn read_identity_provider(&self) -> Result<IdentityProvider, MetadataError> {
        self.read()
    }

    /// Checks that it is an identity provider that can be used now.
    pub(crate) fn usable(&self, now: DateTime<Utc>) -> Result<(), MetadataError> {
        match self.identity_provider() {
            Ok(kept) => kept.check_validity(now),
            // The stored error cannot be moved out, so the entity is read again.
            Err(_) => self.read().and_then(|read| read.check_validity(now)),
        }
    }

    fn read(&self) -> Result<IdentityProvider, MetadataError> {
        match (self.first_of_name(), self.entity_id()) {
            (Some(first), Some(entity_id)) => {
                Err(MetadataError::DuplicateEntity { entity_id: entity_id.to_owned(), first: first.place() })
            }
            _ => self.aggregate.index.identity_provider(&self.aggregate.bytes, self.place),
        }
    }

    fn text(&self) -> Option<&'a [u8]> {
        self.aggregate.bytes.get(self.range()?)
    }

    /// Returns whether the other entity has the same bytes, and the same namespaces and dates around it. The validity
    /// of the document as a whole is not compared.
    pub(crate) fn is_same_as(&self, other: &AggregateEntity<'_>) -> bool {
        let (Some(own), Some(others)) = (self.text(), other.text()) else { return false };
        own == others
            && !self.is_alone()
            && !other.is_alone()
            && self.aggregate.index.has_same_surroundings(
                own,
                self.place,
                &other.aggregate.index,
                other.place,
            )
    }

    /// Returns the SHA-256 of everything that the entity states, without what publishers write anew in each document:
    /// comments and layout, its `ID` and its signature, `validUntil` and `cacheDuration`, and when it was published. Two
    /// entities with the same digest are the same at a sign-in, except for how long they are valid.
    ///
    /// ```
    /// use vouchsafe_metadata::Aggregate;
    ///
    /// let digest = |head: &str| {
    ///     let xml = format!(
    ///         r#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" {head} entityID="https://a.example"/>"#
    ///     );
    ///     Aggregate::read(xml)?.entities().next().expect("it is there").content_digest()
    /// };
    /// assert_eq!(digest("ID='_1' validUntil='2027-01-01T00:00:00Z'")?, digest("ID='_2'")?);
    /// assert_ne!(digest("")?, digest("other='1'")?);
    /// # Ok::<(), vouchsafe_metadata::MetadataError>(())
    /// ```
    ///
    /// # Errors
    /// `xml.*`, `metadata.namespace` if it cannot be parsed.
    pub fn content_digest(&self) -> Result<[u8; 32], MetadataError> {
        self.with_element(content::digest)
    }

    /// Returns whether both state the same, perhaps with other dates.
    pub(crate) fn states_the_same_as(&self, other: &AggregateEntity<'_>) -> bool {
        self.entity_id() == other.entity_id()
            && (self.is_same_as(other)
                || matches!((self.content_digest(), other.content_digest()), (Ok(own), Ok(others)) if own == others))
    }

    /// Calls `tell` with the element of the entity, which is parsed for it.
    pub(crate) fn with_element<T>(&self, tell: impl FnOnce(Element<'_>) -> T) -> Result<T, MetadataError> {
        let document = self.aggregate.index.document(&self.aggregate.bytes, self.place)?;
        Ok(tell(document.root()))
    }

    /// Calls `tell` with the identity provider. It is read again, unless it was kept.
    pub(crate) fn with_identity_provider<T>(&self, tell: impl FnOnce(&IdentityProvider) -> T) -> Option<T> {
        match self.aggregate.read.get(self.place) {
            Some(kept) => kept.as_ref().ok().map(tell),
            None => self.read().ok().as_ref().map(tell),
        }
    }

    /// Returns whether the entity is the whole document.
    pub(crate) fn is_alone(&self) -> bool {
        self.aggregate.is_one_entity()
    }

    pub(crate) fn document_valid_until(&self) -> Option<DateTime<Utc>> {
        self.aggregate.valid_until().ok().flatten()
    }

    /// Returns everything that the entity states about itself. It is read at each call.
    ///
    /// # Errors
    /// The reason why it cannot be read: `xml.*`, `metadata.entity_id`, `metadata.namespace`, `metadata.attribute`.
    pub fn description(&self) -> Result<EntityDescription, MetadataError> {
        self.aggregate.index.description(&self.aggregate.bytes, self.place)
    }
}

impl fmt::Debug for Aggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aggregate")
            .field("bytes", &self.bytes.len())
            .field("entities", &self.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for AggregateEntity<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AggregateEntity")
            .field("place", &self.place())
            .field("entity_id", &self.entity_id())
            .finish_non_exhaustive()
    }
}
