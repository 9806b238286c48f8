//! The metadata of a connection, and how two documents differ.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use vouchsafe::{
    EntityId, IdentityProvider,
    crypto::{from_fingerprint, hexadecimal, own_sha256},
    metadata::{Aggregate, MetadataChange, MetadataError},
};

/// The metadata document of an identity provider as it was fetched.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionMetadata {
    /// The document. Copies of a connection share it.
    pub document: Arc<[u8]>,
    /// Where it came from.
    pub source: MetadataSource,
    /// When it was fetched or uploaded.
    pub fetched_at: DateTime<Utc>,
    /// The fingerprint of the certificate by which its signature was verified when it was fetched, as
    /// [`MetadataTrust::signer`](crate::MetadataTrust::signer) names it; `None` if nothing but its address vouched for it. Its
    /// dates count as those of the signer only if that is still the same.
    pub signer: Option<String>,
}

/// Where metadata came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MetadataSource {
    /// It was fetched from this address and can be fetched again.
    Url(String),
    /// Somebody uploaded it.
    Uploaded,
}

/// The changes that newer metadata makes to an identity provider.
#[derive(Debug)]
#[non_exhaustive]
pub struct MetadataComparison {
    /// The changes. If the present metadata cannot be read, everything that the newer metadata states is listed as added.
    pub changes: Vec<MetadataChange>,
    /// The reason why the present metadata cannot be read, if it cannot.
    pub unreadable: Option<MetadataError>,
}

impl ConnectionMetadata {
    /// A document that was fetched or uploaded at this time.
    pub fn new(document: impl Into<Vec<u8>>, source: MetadataSource, fetched_at: DateTime<Utc>) -> Self {
        Self { document: document.into().into(), source, fetched_at, signer: None }
    }

    /// The SHA-256 digest, in hexadecimal digits, of what the document states about this identity provider
    /// ([`AggregateEntity::content_digest`](vouchsafe::metadata::AggregateEntity::content_digest)). An approval names it.
    /// Publishers write dates, identifiers and signatures anew in each document; they do not count. If the document cannot
    /// be read, all of its bytes count.
    #[must_use]
    pub fn digest(&self, identity_provider: &EntityId) -> String {
        let unreadable = || own_sha256(&[b"unreadable metadata\0", &*self.document].concat());
        hexadecimal(&self.content_digest(identity_provider).unwrap_or_else(unreadable))
    }

    /// Returns whether both documents state the same about this identity provider.
    pub(crate) fn states_the_same_as(&self, other: &Self, identity_provider: &EntityId) -> bool {
        let digests = || [self, other].map(|one| one.content_digest(identity_provider));
        self.document == other.document || matches!(digests(), [Some(own), Some(others)] if own == others)
    }

    /// Whether the same certificate signed both documents, or none of them was signed.
    pub(crate) fn has_signer_of(&self, other: &Self) -> bool {
        name_one_certificate(self.signer.as_deref(), other.signer.as_deref())
    }

    /// Reads the identity provider. This function and the next one are the only ones of this crate that read metadata.
    pub(crate) fn described(&self, identity_provider: &EntityId) -> Result<IdentityProvider, MetadataError> {
        #[cfg(test)]
        crate::work::count_document();
        IdentityProvider::from_metadata_entity(&self.document, identity_provider)
    }

    fn read(&self) -> Result<Aggregate, MetadataError> {
        #[cfg(test)]
        crate::work::count_document();
        Aggregate::read(&*self.document)
    }

    fn content_digest(&self, identity_provider: &EntityId) -> Option<[u8; 32]> {
        let aggregate = self.read().ok()?;
        let entity = aggregate.find(&identity_provider.clone().into())?;
        // What cannot be trusted may differ in ways that nobody has thought of.
        entity.identity_provider().ok()?;
        entity.content_digest().ok()
    }

    /// Returns the time until which the metadata of this identity provider is valid; `None` in it if it has no end.
    pub(crate) fn end(&self, identity_provider: &EntityId) -> Option<Option<DateTime<Utc>>> {
        self.described(identity_provider).ok().map(|read| read.valid_until())
    }

    /// Compares newer metadata of this identity provider: keys, endpoints, scopes, dates and all other statements.
    ///
    /// # Errors
    /// [`MetadataError`] if the newer document cannot be read.
    pub fn comparison_with(
        &self,
        newer: &ConnectionMetadata,
        identity_provider: &EntityId,
    ) -> Result<MetadataComparison, MetadataError> {
        let newer = newer.read()?;
        let (present, unreadable) = match self.read() {
            Ok(present) => (Some(present), None),
            Err(reason) => (None, Some(reason)),
        };
        let changes = Aggregate::changes_of(identity_provider, present.as_ref(), &newer);
        Ok(MetadataComparison { changes, unreadable })
    }
}

impl MetadataSource {
    /// The address from which it can be fetched again.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        match self {
            Self::Url(url) => Some(url),
            Self::Uploaded => None,
        }
    }
}

/// Returns whether two settings name the same certificate, however its fingerprint is written. Texts that are not
/// fingerprints name the same only if they are equal.
pub(crate) fn name_one_certificate(one: Option<&str>, other: Option<&str>) -> bool {
    fn read(text: &str) -> Result<[u8; 32], &str> {
        from_fingerprint(text).ok_or(text)
    }
    one.map(read) == other.map(read)
}

impl fmt::Debug for ConnectionMetadata {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ConnectionMetadata")
            .field("bytes", &self.document.len())
            .field("source", &self.source)
            .field("fetched_at", &self.fetched_at)
            .field("signer", &self.signer)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::name_one_certificate;

    #[test]
    fn a_certificate_has_one_name_however_it_is_written() {
        let (bare, other) = ("0a".repeat(32), "0b".repeat(32));
        let colons = bare
            .to_uppercase()
            .as_bytes()
            .chunks(2)
            .map(|pair| String::from_utf8_lossy(pair))
            .collect::<Vec<_>>()
            .join(":");
        let cases = [
            (Some(bare.as_str()), Some(colons.as_str()), true),
            (Some(&bare), Some(&other), false),
            (Some(&bare), None, false),
            (None, None, true),
            (Some("no fingerprint"), Some("no fingerprint"), true),
            (Some("no fingerprint"), Some("another"), false),
            (Some("AB:CD"), None, false),
        ];
        for (one, another, is_same) in cases {
            assert_eq!(name_one_certificate(one, another), is_same, "{one:?} {another:?}");
            assert_eq!(name_one_certificate(another, one), is_same, "{another:?} {one:?}");
        }
    }
}
