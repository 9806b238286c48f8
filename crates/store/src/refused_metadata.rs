//! Newer metadata that somebody refused.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use vouchsafe::provisioning::Actor;

use crate::{StoreError, StoredConnection};

/// The largest number of refusals of one connection. Each is a decision of a person, so there are few. One more drops
/// the oldest: its document would be staged again.
const MOST_REFUSED: usize = 64;

/// The refusal of a document. The document is neither used nor staged, however often the source gives it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RefusedMetadata {
    /// The [digest](crate::ConnectionMetadata::digest) of the document.
    pub digest: String,
    /// The actor who refused it.
    pub by: Actor,
    /// The time of the refusal.
    pub at: DateTime<Utc>,
}

/// # Refused metadata
impl StoredConnection {
    /// Returns the refusal of the document with this [digest](crate::ConnectionMetadata::digest), if there is one.
    #[must_use]
    pub fn refusal_of(&self, digest: &str) -> Option<&RefusedMetadata> {
        self.refused.iter().find(|refused| refused.digest == digest)
    }

    /// Refuses the [staged](Self::staged) document, if it has this digest.
    pub(crate) fn refuse(&mut self, digest: &str, by: Actor, at: DateTime<Utc>) -> Result<(), StoreError> {
        let staged = self.staged.take_if(|staged| staged.digest() == digest);
        staged.ok_or_else(|| StoreError::not_staged(self.id.clone()))?;
        self.refused.retain(|refused| refused.digest != digest);
        self.refused.push(RefusedMetadata { digest: digest.to_owned(), by, at });
        let too_many = self.refused.len().saturating_sub(MOST_REFUSED);
        self.refused.drain(..too_many);
        Ok(())
    }

    /// Ends the refusal of the document with this digest.
    pub(crate) fn end_refusal(&mut self, digest: &str) -> Result<(), StoreError> {
        let before = self.refused.len();
        self.refused.retain(|refused| refused.digest != digest);
        match self.refused.len() < before {
            true => Ok(()),
            false => Err(StoreError::not_refused(self.id.clone())),
        }
    }
}
