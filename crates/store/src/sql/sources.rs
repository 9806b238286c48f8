//! Identity providers by the source id in artifacts.

use std::collections::BTreeSet;

use vouchsafe::{EntityId, assertion::SourceId, crypto::hexadecimal};

use super::Batch;
use crate::{StoreError, StoredConnection};

/// The identity provider with a source id.
pub(super) fn look_up(source: SourceId) -> Batch {
    Batch::of("SELECT identity_provider FROM vouchsafe_sources WHERE source_id = ?").bind(key(source))
}

pub(super) fn identity_provider(text: &str) -> Result<EntityId, StoreError> {
    EntityId::new(text).map_err(|_| StoreError::damaged("source of artifacts", "identity_provider"))
}

/// Records the source ids of identity providers whose connections are about to be written. They are written in one
/// order to avoid deadlocks.
pub(super) fn note<'a>(connections: impl IntoIterator<Item = &'a StoredConnection>) -> Batch {
    const NOTE: &str = "
        INSERT INTO vouchsafe_sources (source_id, identity_provider) VALUES (?, ?) ON CONFLICT DO NOTHING";
    let all: BTreeSet<(String, &str)> = connections
        .into_iter()
        .map(|one| (key(SourceId::of(&one.identity_provider)), one.identity_provider.as_str()))
        .collect();
    all.into_iter().fold(Batch::default(), |batch, (source, identity_provider)| {
        batch.then(NOTE).bind(source).bind(identity_provider)
    })
}

fn key(source: SourceId) -> String {
    hexadecimal(source.as_bytes())
}
