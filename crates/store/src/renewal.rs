//! Renewals: newer copies of a connection's metadata that state the same, and what a refresher remembers.

use crate::{ConnectionMetadata, ConnectionWrite, StoreError, StoredConnection};

/// # Renewals
impl StoredConnection {
    /// Whether this record only renews `before`, so that nobody has to be told and no decision at a sign-in changes: the
    /// metadata, and the staged metadata, state the same ([`ConnectionMetadata::digest`]) and were not fetched earlier; the
    /// metadata is valid for at least as long; everything else is equal, except for
    /// [`older_since`](StoredConnection::older_since).
    #[must_use]
    pub fn is_renewal_of(&self, before: &StoredConnection) -> bool {
        let rest = StoredConnection {
            metadata: before.metadata.clone(),
            staged: before.staged.clone(),
            older_since: before.older_since,
            record_budget: before.record_budget.clone(),
            ..self.clone()
        };
        let staged = match (&self.staged, &before.staged) {
            (Some(own), Some(earlier)) => self.renews(own, earlier),
            (None, None) => true,
            _ => false,
        };
        rest == *before
            && staged
            && self.renews(&self.metadata, &before.metadata)
            && self.lasts_as_long_as(before)
    }

    fn renews(&self, own: &ConnectionMetadata, earlier: &ConnectionMetadata) -> bool {
        own.source == earlier.source
            && own.has_signer_of(earlier)
            && own.fetched_at >= earlier.fetched_at
            && self.states_the_same(own, earlier)
    }

    /// A process that has parsed the metadata reads it again when that ends, and so must not be the last to know that it
    /// ends sooner.
    fn lasts_as_long_as(&self, before: &StoredConnection) -> bool {
        let end = |of: &ConnectionMetadata| of.end(&self.identity_provider);
        self.metadata.document == before.metadata.document
            || match (end(&self.metadata), end(&before.metadata)) {
                (Some(None), Some(_)) => true,
                (Some(Some(own)), Some(Some(earlier))) => own >= earlier,
                _ => false,
            }
    }

    /// For stores: the record to write in place of `before` for a renewal, at the same revision. If another process has
    /// renewed it with a copy that was fetched later, that copy stays.
    ///
    /// # Errors
    /// [`StoreError::ConnectionConflict`] if `before` is not at the revision that was read, and
    /// [`StoreError::ConnectionFixed`] if this record is [more than a renewal](Self::is_renewal_of).
    pub fn renewed_in_place_of(&self, before: &StoredConnection) -> Result<ConnectionWrite, StoreError> {
        if self.revision != before.revision {
            return Err(StoreError::connection_conflict(self.id.clone(), self.revision, before.revision));
        }
        let mut next = self.clone();
        next.keep_later_copies_of(before);
        next.record_budget = before.record_budget.clone();
        match next.is_renewal_of(before) {
            true => Ok(ConnectionWrite::new(next, Vec::new())),
            false => Err(StoreError::connection_fixed(
                self.id.clone(),
                "revision (without which only renewals are written)",
            )),
        }
    }

    /// A renewal keeps the revision, so this record may have been read before one. The later copies stay, and what was
    /// remembered about older documents stays with the metadata that they are older than.
    pub(crate) fn keep_renewals_of(&mut self, before: &StoredConnection) {
        self.keep_later_copies_of(before);
        let is_same = self.metadata.document == before.metadata.document
            && self.metadata.source == before.metadata.source;
        self.older_since = match (self.older_since, before.older_since) {
            // The later one, so that nothing older is followed too soon.
            (Some(own), Some(known)) if is_same => Some(own.max(known)),
            _ => None,
        };
    }

    fn keep_later_copies_of(&mut self, before: &StoredConnection) {
        if self.metadata.fetched_at < before.metadata.fetched_at
            && before.renews(&before.metadata, &self.metadata)
        {
            self.metadata = before.metadata.clone();
        }
        if let (Some(own), Some(known)) = (&self.staged, &before.staged)
            && own.fetched_at < known.fetched_at
            && before.renews(known, own)
        {
            self.staged = before.staged.clone();
        }
    }
}
