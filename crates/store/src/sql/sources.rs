//! Identity providers by what artifacts name them.

use std::collections::BTreeSet;

use vouchsafe::{EntityId, assertion::SourceId, crypto::hexadecimal};

use super::Batch;
use crate::{StoreError, StoredConnection};

/// The identity provider of a source.
pub(super) fn look_up(source: SourceId) -> Batch {
    Batch::of("SELECT identity_provider FROM vouchsafe_sources WHERE source_id = ?").bind(key(source))
}

pub(super) fn identity_provider(text: &str) -> Result<EntityId, StoreError> {
    EntityId::new(text).map_err(|_| StoreError::damaged("source of artifacts", "identity_provider"))
}

/// Notes the identity providers of connections that are about to be written. In one order, so that of two who note the same ones at the same time
/// neither waits for the other.
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
