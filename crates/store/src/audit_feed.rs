//! The audit as a feed: read on from a cursor, exported, delivered elsewhere.

use std::{fmt, num::ParseIntError, str::FromStr};

use serde::{Deserialize, Serialize};
use vouchsafe::provisioning::OrganizationId;

use crate::{Answer, AuditRecord, StoreError};

/// The audit records in the order in which they were committed.
///
/// ```
/// use vouchsafe_store::{AuditCursor, AuditFeed, Memory, export_audit};
///
/// # async fn example(store: Memory) -> Result<(), Box<dyn std::error::Error>> {
/// // Where the last export ended; the beginning: `AuditCursor::default()`.
/// let kept: AuditCursor = "0".parse()?;
/// let (lines, next) = export_audit(&store, None, kept, 1_000).await?;
/// println!("{lines}");
/// let kept = next.to_string();
/// # Ok(())
/// # }
/// ```
pub trait AuditFeed: Send + Sync + fmt::Debug {
    /// The records after a cursor, of one organization or of all, at most `most`.
    ///
    /// A record that is committed later comes after every record that was answered before, however long its transaction
    /// took. A reader that continues from its last cursor misses no record and gets none twice.
    fn audit_after<'a>(
        &'a self,
        organization: Option<&'a OrganizationId>,
        after: AuditCursor,
        most: usize,
    ) -> Answer<'a, Vec<AuditEntry>>;

    /// How far the audit was delivered to the receiver of this name:
    /// [`keep_audit_delivered`](Self::keep_audit_delivered). A new receiver begins at the first record.
    fn audit_delivered<'a>(&'a self, receiver: &'a str) -> Answer<'a, AuditCursor>;

    /// Stores how far the audit was delivered to a receiver. If several processes report, the furthest position counts.
    fn keep_audit_delivered<'a>(&'a self, receiver: &'a str, until: AuditCursor) -> Answer<'a, ()>;
}

/// A position in the audit. Its text form can be stored anywhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AuditCursor(u64);

impl AuditCursor {
    /// For stores: the position after that many records.
    #[must_use]
    pub fn new(place: u64) -> Self {
        Self(place)
    }

    /// For stores: the position as a number; 0 is the beginning.
    #[must_use]
    pub fn place(self) -> u64 {
        self.0
    }
}

impl fmt::Display for AuditCursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl FromStr for AuditCursor {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        text.parse().map(Self)
    }
}

/// A record with its position.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AuditEntry {
    /// The position of the record. A reader continues from here.
    pub cursor: AuditCursor,
    /// The record.
    #[serde(flatten)]
    pub record: AuditRecord,
}

impl AuditEntry {
    /// For stores: a record at its place.
    #[must_use]
    pub fn new(cursor: AuditCursor, record: AuditRecord) -> Self {
        Self { cursor, record }
    }
}

/// The records after a cursor as JSON, one per line, and the cursor to continue from. They contain names and addresses
/// of people.
///
/// # Errors
/// The error of the store.
pub async fn export_audit(
    store: &dyn AuditFeed,
    organization: Option<&OrganizationId>,
    after: AuditCursor,
    most: usize,
) -> Result<(String, AuditCursor), StoreError> {
    let entries = store.audit_after(organization, after, most).await?;
    let mut lines = String::new();
    for entry in &entries {
        let line = serde_json::to_string(entry);
        lines.push_str(&line.map_err(|_| StoreError::damaged("audit record", "it has no form"))?);
        lines.push('\n');
    }
    Ok((lines, entries.last().map_or(after, |entry| entry.cursor)))
}
