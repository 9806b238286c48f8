//! Newer metadata of a connection: what must authenticate it, and what waits until somebody approves it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use vouchsafe::metadata::{KeyChanges, RefreshError, SpeaksFor, TrustedMetadata, TrustedSource};
use vouchsafe::{IdentityProvider, Provider};

use crate::connection_metadata::name_one_certificate;
use crate::{ConnectionMetadata, RefusedMetadata, StoredConnection};

/// What newer metadata from a connection's address has to prove, and how much it may change.
///
/// The default fits Okta, Entra ID and Google, which do not sign their metadata and give no `validUntil`: TLS alone
/// authenticates the address, and new keys are accepted, so that a roll-over locks nobody out. Somebody who takes over
/// the address can then sign in as any person of that organization. [`KeyChanges::Approve`] or a
/// [`signer`](Self::signer) prevents that.
///
/// ```
/// use std::time::Duration;
/// use vouchsafe::metadata::KeyChanges;
/// use vouchsafe_store::MetadataTrust;
///
/// let mut trust = MetadataTrust::default();
/// assert_eq!(serde_json::to_string(&trust)?, "{}");
/// trust.key_changes = KeyChanges::Approve;
/// trust.require_valid_until(Duration::from_secs(14 * 86_400));
/// assert_eq!(
///     serde_json::to_string(&trust)?,
///     r#"{"key_changes":"approve","longest_validity_seconds":1209600}"#
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct MetadataTrust {
    /// How much newer metadata may change keys and addresses before somebody has approved it.
    #[serde(skip_serializing_if = "is_default")]
    pub key_changes: KeyChanges,
    /// The SHA-256 fingerprint of the certificate that must have signed the root of newer metadata; `None`: TLS alone
    /// authenticates it. If the text is not a fingerprint, no newer metadata is accepted. Of signed documents without
    /// dates nobody can tell which one is older: [require an end](Self::require_valid_until) where the publisher states
    /// one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    longest_validity_seconds: Option<u64>,
}

fn is_default(key_changes: &KeyChanges) -> bool {
    *key_changes == KeyChanges::default()
}

impl MetadataTrust {
    /// Newer metadata must have a `validUntil` that is at most this far in the future. By default it need not have one.
    pub fn require_valid_until(&mut self, at_most: Duration) {
        self.longest_validity_seconds = Some(at_most.as_secs());
    }

    /// Newer metadata need not have a `validUntil`.
    pub fn allow_no_valid_until(&mut self) {
        self.longest_validity_seconds = None;
    }

    /// Returns whether newer metadata must prove the same, apart from what it may change.
    #[must_use]
    pub fn wants_same_proof_as(&self, other: &MetadataTrust) -> bool {
        let MetadataTrust { key_changes: _, signer, longest_validity_seconds } = self;
        name_one_certificate(signer.as_deref(), other.signer.as_deref())
            && *longest_validity_seconds == other.longest_validity_seconds
    }

    /// How far in the future `validUntil` may be, if it is required.
    #[must_use]
    pub fn longest_validity(&self) -> Option<Duration> {
        self.longest_validity_seconds.map(Duration::from_secs)
    }
}

/// The result of offering newer metadata to a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OfferedMetadata {
    /// The connection already has this document. A staged document no longer waits, since the source gives the known
    /// document again.
    Known,
    /// The document states the same as the connection's metadata and has taken its place, because its dates are other
    /// ones. A staged document no longer waits.
    Renewed,
    /// The document has replaced the connection's metadata.
    Taken,
    /// The document waits until somebody [approves](crate::OrganizationConnections::approve_metadata) it.
    #[non_exhaustive]
    Staged {
        /// Why it waits.
        reason: &'static str,
    },
    /// Somebody [refused](crate::OrganizationConnections::refuse_metadata) before what this document states. It is neither
    /// used nor staged. A staged document is dropped, because the source no longer gives it.
    RefusedBefore(RefusedMetadata),
}

/// # Newer metadata
impl StoredConnection {
    /// The source that newer metadata must come from: one that may speak for this identity provider only, with the
    /// further conditions of [`StoredSettings::metadata`](crate::StoredSettings::metadata).
    ///
    /// # Errors
    /// `refresh.fingerprint` if [`MetadataTrust::signer`] is not a fingerprint.
    pub fn metadata_source(&self) -> Result<TrustedSource, RefreshError> {
        let trust = &self.settings.metadata;
        let speaks_for = SpeaksFor::entity(self.identity_provider.clone());
        let source = match &trust.signer {
            Some(fingerprint) => TrustedSource::signed_by_certificate(fingerprint, speaks_for)?,
            None => TrustedSource::danger_by_transport_alone(speaks_for),
        };
        Ok(match trust.longest_validity() {
            Some(longest) => source.requiring_valid_until(longest),
            None => source,
        })
    }

    /// Offers newer metadata that the connection's [source](Self::metadata_source) accepted. It replaces the metadata,
    /// or is staged until somebody approves it if it changes more than [`MetadataTrust::key_changes`] allows. What
    /// somebody refused is refused again, whatever [`MetadataTrust::key_changes`] allows now. A document counts by what it
    /// states about the identity provider ([`ConnectionMetadata::digest`]), and not by its bytes: one that was written
    /// anew is neither a change nor something else to approve. The caller then writes the connection, if it
    /// [is more than a renewal](StoredConnection::is_renewal_of) by `update_connection`, otherwise by `renew_connection`.
    ///
    /// # Errors
    /// `refresh.nobody` if the document does not describe the identity provider; `refresh.other_signer` if
    /// [`MetadataTrust::signer`] did not sign it, because another source than [`metadata_source`](Self::metadata_source)
    /// accepted it.
    pub fn offer_metadata(
        &mut self,
        newer: &TrustedMetadata,
        fetched_at: DateTime<Utc>,
    ) -> Result<OfferedMetadata, RefreshError> {
        let offered = newer.identity_provider(&self.identity_provider)?;
        if let Some(signer) = &self.settings.metadata.signer {
            newer.require_signer(signer)?;
        }
        // It was compared with the present document, so it is not an earlier copy, even if a clock was ahead when that one
        // was fetched.
        let fetched_at = fetched_at.max(self.metadata.fetched_at);
        // The verified bytes if the document is signed, otherwise the document as it was received.
        let mut document = ConnectionMetadata::new(newer.bytes(), self.metadata.source.clone(), fetched_at);
        document.signer.clone_from(&self.settings.metadata.signer);
        if self.metadata.document == document.document && self.metadata.has_signer_of(&document) {
            self.staged = None;
            return Ok(OfferedMetadata::Known);
        }
        if self.states_the_same(&self.metadata, &document) {
            (self.metadata, self.staged) = (document, None);
            return Ok(OfferedMetadata::Renewed);
        }
        let objection = self.objection(offered);
        if let Some(refused) = self.refusal_of_metadata(&document).cloned() {
            self.staged = None;
            return Ok(OfferedMetadata::RefusedBefore(refused));
        }
        if let Some(reason) = objection {
            self.stage(document);
            return Ok(OfferedMetadata::Staged { reason });
        }
        (self.metadata, self.staged) = (document, None);
        Ok(OfferedMetadata::Taken)
    }

    /// Stages a document. If one that states the same waits already, it stays, or only its copy is renewed, so that it does
    /// not end while it waits.
    fn stage(&mut self, mut document: ConnectionMetadata) {
        let waits = self.staged.as_ref().filter(|staged| self.states_the_same(staged, &document));
        let end = |of: &ConnectionMetadata| of.end(&self.identity_provider);
        match waits {
            Some(staged) if end(staged) == end(&document) && staged.has_signer_of(&document) => {}
            Some(staged) => {
                document.fetched_at = document.fetched_at.max(staged.fetched_at);
                self.staged = Some(document);
            }
            None => self.staged = Some(document),
        }
    }

    /// The reason why the staged metadata has to wait for approval, as [`OfferedMetadata::Staged`] says it; `None` if nothing
    /// is staged, if it cannot be read, or if [`MetadataTrust::key_changes`] allows it by now.
    #[must_use]
    pub fn reason_to_wait(&self) -> Option<&'static str> {
        let staged = self.staged.as_ref()?;
        self.objection(&staged.described(&self.identity_provider).ok()?)
    }

    /// Whether the dates of the metadata are those of the party that newer metadata must come from. If they were written
    /// before a signer was required, anybody may have written them.
    #[must_use]
    pub fn has_dates_of_its_source(&self) -> bool {
        self.vouches_for_dates_of(&self.metadata)
    }

    fn vouches_for_dates_of(&self, metadata: &ConnectionMetadata) -> bool {
        let signer = &self.settings.metadata.signer;
        signer.is_none() || name_one_certificate(signer.as_deref(), metadata.signer.as_deref())
    }

    /// Reads the metadata again, so that another document can be compared with it. It may have ended. The store is trusted
    /// for its content. If [somebody else](Self::has_dates_of_its_source) may have written its dates, its own bytes must have
    /// the signature that newer metadata must have.
    ///
    /// # Errors
    /// As [`TrustedSource::recall`].
    pub fn recalled_metadata(&self, provider: &Provider) -> Result<TrustedMetadata, RefreshError> {
        self.recalled(&self.metadata, provider)
    }

    fn recalled(
        &self,
        metadata: &ConnectionMetadata,
        provider: &Provider,
    ) -> Result<TrustedMetadata, RefreshError> {
        let source = match self.vouches_for_dates_of(metadata) {
            true => {
                TrustedSource::danger_by_transport_alone(SpeaksFor::entity(self.identity_provider.clone()))
            }
            false => self.metadata_source()?,
        };
        source.recall(&*metadata.document, provider)
    }

    /// Checks that the metadata is not older than that of an earlier connection to the same identity provider, whose people
    /// sign in over this one from now on. It is for metadata that does not come from a refresher, which compares by itself.
    /// Without a [signer](MetadataTrust::signer) it checks nothing, because anybody may have written the dates. Metadata of the
    /// earlier connection that the signer did not sign is not compared.
    ///
    /// # Errors
    /// `refresh.rolled_back`; the errors of [`TrustedSource::recall`] if the signer did not sign the metadata;
    /// `refresh.fingerprint`.
    pub fn require_no_older_than(
        &self,
        earlier: &StoredConnection,
        provider: &Provider,
        now: DateTime<Utc>,
    ) -> Result<(), RefreshError> {
        if self.settings.metadata.signer.is_none() {
            return Ok(());
        }
        let newer = self.recalled_metadata(provider)?;
        match self.recalled(&earlier.metadata, provider) {
            Ok(known) => self.metadata_source()?.require_no_older(&known, &newer, now),
            Err(_) => Ok(()),
        }
    }

    /// The reason why newer metadata has to wait for approval.
    fn objection(&self, newer: &IdentityProvider) -> Option<&'static str> {
        let key_changes = self.settings.metadata.key_changes;
        if key_changes == KeyChanges::Follow {
            return None;
        }
        // Expired metadata still says which keys were known.
        match self.metadata.described(&self.identity_provider) {
            Ok(known) => key_changes.objection(&known, newer),
            Err(_) => Some("what is known cannot be read, so that nothing can be compared with it"),
        }
    }
}
