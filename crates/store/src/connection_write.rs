//! What a store writes for a change of a connection.

use crate::{AuditRecord, Author, StoreError, StoredConnection};

/// For stores: the record to write in place of another one, and what the audit says about it.
///
/// Both documents were read and compared for it, which takes time if they are large. So make it before the transaction in
/// which it is written, with a record that was read before, and write it only if the stored record is still that one.
/// Otherwise begin again with the current record.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionWrite {
    /// The record to write.
    pub connection: StoredConnection,
    /// The audit records to add in the same transaction. A renewal has none.
    pub records: Vec<AuditRecord>,
}

impl ConnectionWrite {
    pub(crate) fn new(connection: StoredConnection, records: Vec<AuditRecord>) -> ConnectionWrite {
        ConnectionWrite { connection, records }
    }
}

impl StoredConnection {
    /// The record to write in place of `before`: a renewal if there is no author.
    pub(crate) fn replacing(
        &self,
        before: &StoredConnection,
        author: Option<&Author>,
    ) -> Result<ConnectionWrite, StoreError> {
        match author {
            Some(author) => self.in_place_of(before, author),
            None => self.renewed_in_place_of(before),
        }
    }
}

/// How often a store begins a write because somebody else has written the same record meanwhile.
pub(crate) const ATTEMPTS: usize = 16;

/// The error of a write that was begun so often.
pub(crate) fn changed_meanwhile() -> StoreError {
    StoreError::busy(ChangedMeanwhile)
}

#[derive(Debug, thiserror::Error)]
#[error("other processes change the same record again and again")]
struct ChangedMeanwhile;
