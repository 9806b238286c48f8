//! The order in which documents of one source were published.

use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe_crypto::own_sha256;

use crate::{MetadataError, RefreshError, TrustedMetadata, TrustedSource};

/// The longest validity of an unsigned document that counts. Metadata is valid for days or weeks, seldom for a year.
const LONGEST_PLAUSIBLE: TimeDelta = TimeDelta::days(400);

/// Rule: a document does not replace one that was published after it. The publication times decide. If they do not, the
/// ends of validity do. A publisher may shorten the validity of its documents.
///
/// Without a signature, somebody who controlled the address for a moment could have written times that no genuine
/// document reaches. A publication time in the future and a very late end of validity are then ignored. The times in a
/// signed document are the publisher's, whose clock may be ahead. An end that is past says nothing about a document
/// with an end, because one that is valid now ends later. A signed document without an end is older than one with an end,
/// also after that: its publisher stated no ends at first.
pub(crate) fn is_no_older(
    known: &impl Published,
    newer: &TrustedMetadata,
    is_signed: bool,
    now: DateTime<Utc>,
) -> Result<(), RefreshError> {
    if known.has_bytes(newer.bytes()) {
        return Ok(());
    }
    let created = [known.created().filter(|created| is_signed || *created <= now), newer.created()];
    if matches!(created, [Some(before), Some(after)] if before < after) {
        return Ok(());
    }
    let after = newer.end()?;
    let is_plausible = |end: &DateTime<Utc>| match is_signed {
        true => *end > now || after.is_none(),
        false => *end > now && end.signed_duration_since(now) <= LONGEST_PLAUSIBLE,
    };
    let valid = [known.end()?.filter(is_plausible), after];
    for (what, [before, after]) in [("creationInstant", created), ("validUntil", valid)] {
        if let Some(at_hand) = before.filter(|before| after.is_none_or(|after| after < *before)) {
            return Err(RefreshError::RolledBack { what, offered: after, at_hand });
        }
    }
    Ok(())
}

/// # Order
impl TrustedSource {
    /// Checks that a document of this source is not older than one that was accepted before, by the rule of
    /// [`Refresh`](crate::Refresh). It is for documents that come by another way than a refresh, for example those that
    /// somebody uploads. Both may be copies that were [recalled](Self::recall), and the earlier one may have ended.
    ///
    /// ```
    /// # let document = vouchsafe_testkit::IdentityProvider::okta().metadata()?;
    /// use vouchsafe_crypto::Provider;
    /// use vouchsafe_metadata::{SpeaksFor, TrustedSource};
    ///
    /// let valid_until = |end: &str| document.replacen("entityID=", &format!("validUntil=\"{end}\" entityID="), 1);
    /// let (source, provider) =
    ///     (TrustedSource::danger_by_transport_alone(SpeaksFor::Everybody), Provider::rustcrypto());
    /// let present = source.recall(valid_until("2026-12-20T00:00:00Z"), &provider)?;
    /// let earlier = source.recall(valid_until("2026-12-01T00:00:00Z"), &provider)?;
    /// let now = "2026-11-24T00:00:00Z".parse()?;
    /// source.require_no_older(&earlier, &present, now)?;
    /// let refused = source.require_no_older(&present, &earlier, now).unwrap_err();
    /// assert_eq!(refused.code(), "refresh.rolled_back");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// `refresh.rolled_back`.
    pub fn require_no_older(
        &self,
        known: &TrustedMetadata,
        newer: &TrustedMetadata,
        now: DateTime<Utc>,
    ) -> Result<(), RefreshError> {
        is_no_older(known, newer, !self.is_by_transport_alone(), now)
    }
}

/// A document that was accepted before, as far as newer ones are compared with it.
pub(crate) trait Published {
    /// Whether it has these bytes.
    fn has_bytes(&self, bytes: &[u8]) -> bool;

    /// When it was published, if it says so.
    fn created(&self) -> Option<DateTime<Utc>>;

    /// Until when it is valid.
    fn end(&self) -> Result<Option<DateTime<Utc>>, MetadataError>;
}

impl Published for TrustedMetadata {
    fn has_bytes(&self, bytes: &[u8]) -> bool {
        self.bytes() == bytes
    }

    fn created(&self) -> Option<DateTime<Utc>> {
        self.aggregate().creation_instant()
    }

    fn end(&self) -> Result<Option<DateTime<Utc>>, MetadataError> {
        self.aggregate().valid_until()
    }
}

/// What is remembered of a document that has ended: its digest and its dates. Nothing in it can be used, but nothing that
/// was published before it takes its place.
///
/// ```
/// # let document = vouchsafe_testkit::IdentityProvider::okta().metadata()?;
/// use vouchsafe_crypto::Provider;
/// use vouchsafe_metadata::{EndedMetadata, SpeaksFor, TrustedSource};
///
/// let source = TrustedSource::danger_by_transport_alone(SpeaksFor::Everybody);
/// let ended = EndedMetadata::of(&source.recall(document, &Provider::rustcrypto())?);
/// # let _ = ended;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedMetadata {
    sha256: [u8; 32],
    created: Option<DateTime<Utc>>,
    end: Option<DateTime<Utc>>,
}

impl EndedMetadata {
    /// Remembers a document. An end that cannot be read is none.
    #[must_use]
    pub fn of(metadata: &TrustedMetadata) -> EndedMetadata {
        EndedMetadata {
            sha256: own_sha256(metadata.bytes()),
            created: metadata.created(),
            end: metadata.end().ok().flatten(),
        }
    }
}

impl Published for EndedMetadata {
    fn has_bytes(&self, bytes: &[u8]) -> bool {
        own_sha256(bytes) == self.sha256
    }

    fn created(&self) -> Option<DateTime<Utc>> {
        self.created
    }

    fn end(&self) -> Result<Option<DateTime<Utc>>, MetadataError> {
        Ok(self.end)
    }
}

/// A copy of a document that was read by [`Refresh::restore`](crate::Refresh::restore).
#[derive(Debug)]
#[non_exhaustive]
pub enum Restored {
    /// It can be used.
    Usable(TrustedMetadata),
    /// It has ended, or the clock is wrong. It must not be used, and newer documents are compared with it
    /// ([`Refresh::answered_after_end`](crate::Refresh::answered_after_end)).
    #[non_exhaustive]
    Ended {
        /// The document.
        metadata: TrustedMetadata,
        /// The end that is past.
        reason: RefreshError,
    },
}
