//! Identity providers by the source id in artifacts.

use std::collections::BTreeSet;

use vouchsafe::{EntityId, assertion::SourceId, crypto::hexadecimal};

use super::{Batch, Engine, Sql};
use crate::{StoreError, StoredConnection};

/// Inserts rows. Each text is a source ID of 40 hexadecimal digits, followed by the entity ID.
const NOTE: Sql = Sql {
    sqlite: "
        INSERT INTO vouchsafe_sources (source_id, identity_provider)
        SELECT substr(value, 1, 40), substr(value, 41) FROM json_each(?) WHERE TRUE ON CONFLICT DO NOTHING",
    postgres: "
        INSERT INTO vouchsafe_sources (source_id, identity_provider)
        SELECT substr(value, 1, 40), substr(value, 41) FROM unnest($1::text[]) AS value ON CONFLICT DO NOTHING",
};

/// The identity provider with a source id.
pub(super) fn look_up(source: SourceId) -> Batch {
    Batch::of("SELECT identity_provider FROM vouchsafe_sources WHERE source_id = ?").bind(key(source))
}

pub(super) fn identity_provider(text: &str) -> Result<EntityId, StoreError> {
    EntityId::new(text).map_err(|_| StoreError::damaged("source of artifacts", "identity_provider"))
}

/// Records the source ids of identity providers whose connections are about to be written.
pub(super) fn note<'a>(connections: impl IntoIterator<Item = &'a StoredConnection>) -> Batch {
    let all: BTreeSet<String> = connections.into_iter().map(|one| record(&one.identity_provider)).collect();
    if all.is_empty() { Batch::default() } else { note_records(all.into_iter().collect()) }
}

/// Inserts the missing sources: those of connections that an earlier version of this crate stored. It is called
/// whenever a store is opened, since an earlier version may still run on another machine.
pub(crate) async fn note_missing(engine: &impl Engine) -> Result<(), StoreError> {
    const MISSING: &str = "
        SELECT identity_provider FROM vouchsafe_connections EXCEPT SELECT identity_provider FROM vouchsafe_sources";
    /// The number of sources that one statement inserts.
    const TOGETHER: usize = 5_000;
    let mut missing = BTreeSet::new();
    for row in &engine.ask(Batch::of(MISSING)).await?.rows {
        // A damaged one is reported when its connection is read, and does not affect the others.
        missing.extend(EntityId::new(row.text(0)?).ok().as_ref().map(record));
    }
    let missing: Vec<String> = missing.into_iter().collect();
    for some in missing.chunks(TOGETHER) {
        engine.apply(note_records(some.to_vec())).await?;
    }
    Ok(())
}

/// Inserts sources. They are sorted, so that two transactions that insert the same ones do not block each other.
fn note_records(sorted: Vec<String>) -> Batch {
    Batch::of(NOTE).bind(sorted)
}

fn record(identity_provider: &EntityId) -> String {
    format!("{}{identity_provider}", key(SourceId::of(identity_provider)))
}

fn key(source: SourceId) -> String {
    hexadecimal(source.as_bytes())
}
