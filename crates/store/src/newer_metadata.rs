//! Newer metadata of a connection: what has to vouch for it, and what waits until somebody approves it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use vouchsafe::IdentityProvider;
use vouchsafe::metadata::{KeyChanges, RefreshError, SpeaksFor, TrustedMetadata, TrustedSource};

use crate::{ConnectionMetadata, StoredConnection};

/// What newer metadata from a connection's address has to prove, and how far it may change whom the connection trusts.
///
/// The default fits Okta, Entra ID and Google, who sign no metadata and say no `validUntil`: TLS alone vouches for the address, and new keys are
/// taken, so that a roll-over locks nobody out. Whoever takes over the address can then sign in as anybody of that organization.
/// [`KeyChanges::Approve`] or a [`signer`](Self::signer) prevents that.
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
    /// How far newer metadata may change keys and addresses before somebody has approved it.
    #[serde(skip_serializing_if = "is_default")]
    pub key_changes: KeyChanges,
    /// The SHA-256 fingerprint of the certificate that newer metadata must be signed with at its root; `None`: TLS alone vouches for it. A text
    /// that is no fingerprint lets no newer metadata in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    longest_validity_seconds: Option<u64>,
}

fn is_default(key_changes: &KeyChanges) -> bool {
    *key_changes == KeyChanges::default()
}

impl MetadataTrust {
    /// Newer metadata must say `validUntil`, and one that is no further in the future than this. By default it need not say any.
    pub fn require_valid_until(&mut self, at_most: Duration) {
        self.longest_validity_seconds = Some(at_most.as_secs());
    }

    /// Newer metadata need not say `validUntil`.
    pub fn allow_no_valid_until(&mut self) {
        self.longest_validity_seconds = None;
    }

    /// How far in the future `validUntil` may be, where it is required.
    #[must_use]
    pub fn longest_validity(&self) -> Option<Duration> {
        self.longest_validity_seconds.map(Duration::from_secs)
    }
}

/// What became of newer metadata that was offered to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OfferedMetadata {
    /// It is what the connection has. What waited for approval waits no longer: the source gives the known document again.
    Known,
    /// It has taken the place of what the connection had.
    Taken,
    /// It waits until somebody [approves](crate::OrganizationConnections::approve_metadata) it.
    #[non_exhaustive]
    Staged {
        /// Why it waits.
        reason: &'static str,
    },
}

/// # Newer metadata
impl StoredConnection {
    /// What newer metadata from the connection's address has to prove: that it speaks for this identity provider, and what
    /// [`StoredSettings::metadata`](crate::StoredSettings::metadata) wants beyond that.
    ///
    /// # Errors
    /// `refresh.fingerprint` where [`MetadataTrust::signer`] is no fingerprint.
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

    /// Offers newer metadata, which the connection's [source](Self::metadata_source) accepted. It is taken, or kept until somebody approves it where it
    /// changes more than [`MetadataTrust::key_changes`] allows. The connection is then to be written.
    ///
    /// # Errors
    /// `refresh.nobody` where the document does not describe the identity provider.
    pub fn offer_metadata(
        &mut self,
        newer: &TrustedMetadata,
        fetched_at: DateTime<Utc>,
    ) -> Result<OfferedMetadata, RefreshError> {
        let offered = newer.identity_provider(&self.identity_provider)?;
        if *self.metadata.document == *newer.bytes() {
            self.staged = None;
            return Ok(OfferedMetadata::Known);
        }
        let objection = self.objection(offered);
        // What was verified, where somebody signed it, and else the document as it came.
        let document = ConnectionMetadata::new(newer.bytes(), self.metadata.source.clone(), fetched_at);
        if let Some(reason) = objection {
            // The time of the first one stays.
            let waits = self.staged.as_ref().is_some_and(|staged| staged.document == document.document);
            if !waits {
                self.staged = Some(document);
            }
            return Ok(OfferedMetadata::Staged { reason });
        }
        (self.metadata, self.staged) = (document, None);
        Ok(OfferedMetadata::Taken)
    }

    /// Why newer metadata has to wait for approval.
    fn objection(&self, newer: &IdentityProvider) -> Option<&'static str> {
        let key_changes = self.settings.metadata.key_changes;
        if key_changes == KeyChanges::Follow {
            return None;
        }
        // Metadata that has ended says as well which keys were known.
        match IdentityProvider::from_metadata_entity(&self.metadata.document, &self.identity_provider) {
            Ok(known) => key_changes.objection(&known, newer),
            Err(_) => Some("what is known cannot be read, so that nothing can be compared with it"),
        }
    }
}
