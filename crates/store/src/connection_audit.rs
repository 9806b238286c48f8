//! Audit records of changes of a connection.

use chrono::{DateTime, Utc};
use vouchsafe::xml::Quoted;

use crate::audit_entry::Entry;
use crate::{RecordBudget, StoreError, StoredConnection, metadata_audit};

/// Returns the entry of a connection that is added.
pub(crate) fn added(connection: &StoredConnection) -> Entry {
    let StoredConnection { id, identity_provider, .. } = connection;
    let change = format!("Adds the connection {id} to {}.", Quoted::new(identity_provider.as_str()));
    Entry::new("connection.added", change).values(None, Some(connection.state.name()))
}

/// Returns the entries of everything that differs between two states of a connection.
pub(crate) fn changed(
    before: &StoredConnection,
    after: &StoredConnection,
    budget: &mut RecordBudget,
    at: DateTime<Utc>,
) -> Result<Vec<Entry>, StoreError> {
    let id = &after.id;
    let mut entries = Vec::new();
    if before.state != after.state {
        let entry = Entry::new("connection.state", format!("Makes the connection {id} {}.", after.state));
        entries.push(entry.values(Some(before.state.name()), Some(after.state.name())));
    }
    let states_the_same = after.states_the_same(&before.metadata, &after.metadata);
    // The end comes first, so that many other changes do not use up its place.
    let earlier_end = metadata_audit::earlier_end(before, after, budget, at);
    if !(states_the_same || after.is_discarded()) {
        entries.extend(metadata_audit::changed(before, after, budget, at));
    }
    entries.extend(earlier_end);
    if let Some(waiting) = &after.staged
        && before.staged.as_ref().is_none_or(|waited| !after.states_the_same(waited, waiting))
    {
        let change = format!("Keeps newer metadata of the connection {id} until somebody approves it.");
        let told = metadata_audit::listed(after, &after.metadata, waiting);
        entries.push(Entry::new("connection.metadata_staged", change).values(None, Some(&told)));
    }
    if let Some(waited) = &before.staged
        && after.staged.is_none()
        && states_the_same
        && after.refusal_of_metadata(waited).is_none()
    {
        let change = format!("Drops newer metadata of the connection {id} that waited for approval.");
        entries.push(Entry::new("connection.metadata_unstaged", change));
    }
    entries.extend(refusals(before, after));
    if before.settings != after.settings {
        let json = |settings| {
            serde_json::to_string(settings).map_err(|_| StoreError::damaged("settings", "they have no form"))
        };
        let entry = Entry::new("connection.settings", format!("Gives the connection {id} other settings."));
        entries.push(entry.values(Some(&json(&before.settings)?), Some(&json(&after.settings)?)));
    }
    if !entries.is_empty() {
        entries.extend(metadata_audit::untold(after, budget, at));
    }
    Ok(entries)
}

/// Returns the entries for documents that were refused, with the changes that they would have made, and for refusals
/// that ended.
fn refusals(before: &StoredConnection, after: &StoredConnection) -> Vec<Entry> {
    let id = &after.id;
    let refused = after.refused.iter().filter(|refused| before.refusal_of(&refused.digest).is_none());
    let refused = refused.map(|refused| {
        let document = before.staged.as_ref().filter(|staged| after.digest(staged) == refused.digest);
        let told = document.map(|staged| metadata_audit::listed(after, &before.metadata, staged));
        let change =
            format!("Refuses newer metadata of the connection {id}, with the digest {}.", refused.digest);
        Entry::new("connection.metadata_refused", change).values(None, Some(&told.unwrap_or_default()))
    });
    let ended = before.refused.iter().filter(|refused| after.refusal_of(&refused.digest).is_none());
    let ended = ended.map(|refused| {
        let change = format!(
            "Ends the refusal of metadata of the connection {id}, with the digest {}.",
            refused.digest
        );
        Entry::new("connection.metadata_refusal_ended", change)
    });
    refused.chain(ended).collect()
}
