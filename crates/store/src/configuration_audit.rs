//! What changed of how an organization signs in, when, and who asked for it.

use chrono::{DateTime, Utc};
use vouchsafe::{
    provisioning::{Actor, Organization, OrganizationId, RuleId, TokenRecord},
    xml::Quoted,
};

use crate::{AuditRecord, OrganizationConnections, StoreError, StoredConnection};

/// A change of the configuration, before it is known who asked for it.
struct Entry {
    rule: &'static str,
    change: String,
    before: Option<String>,
    after: Option<String>,
}

impl Entry {
    fn new(rule: &'static str, change: impl Into<String>) -> Entry {
        Entry { rule, change: change.into(), before: None, after: None }
    }

    fn values(self, before: Option<&str>, after: Option<&str>) -> Entry {
        Entry { before: before.map(str::to_owned), after: after.map(str::to_owned), ..self }
    }
}

/// The records of everything that differs. Of tokens they have the names that people know them by, which are no secret.
pub(crate) fn records(
    before: &OrganizationConnections,
    after: &OrganizationConnections,
    actor: &Actor,
    at: DateTime<Utc>,
) -> Result<Vec<AuditRecord>, StoreError> {
    let mut entries = conversion(&before.organization, &after.organization);
    entries.extend(tokens(&before.organization, &after.organization));
    for connection in &after.connections {
        match before.connection(&connection.id) {
            Some(earlier) => entries.extend(changed(earlier, connection)?),
            None => entries.push(added(connection)),
        }
    }
    let organization = &after.organization.id;
    Ok(entries.into_iter().map(|entry| record(organization, entry, actor, at)).collect())
}

fn record(organization: &OrganizationId, entry: Entry, actor: &Actor, at: DateTime<Utc>) -> AuditRecord {
    AuditRecord {
        organization: organization.clone(),
        account: None,
        actor: Some(actor.clone()),
        at,
        rule: RuleId::from(entry.rule),
        change: entry.change,
        before: entry.before,
        after: entry.after,
        assertion_hash: None,
    }
}

fn conversion(before: &Organization, after: &Organization) -> Vec<Entry> {
    let entry = match (before.identity_provider(), after.identity_provider()) {
        (None, Some(now)) => {
            let entry = Entry::new("organization.converted", "Converts the organization to SAML.");
            Some(entry.values(None, Some(now.as_str())))
        }
        (Some(was), None) => {
            let entry = Entry::new("organization.disconnected", "Disconnects the organization from SAML.");
            Some(entry.values(Some(was.as_str()), None))
        }
        _ => None,
    };
    entry.into_iter().collect()
}

fn tokens(before: &Organization, after: &Organization) -> Vec<Entry> {
    let earlier = |token: &TokenRecord| before.tokens.iter().find(|earlier| earlier.hash == token.hash);
    let entry = |token: &TokenRecord| match earlier(token) {
        None => Some(Entry::new("token.issued", format!("Issues the token {}.", token.id))),
        Some(earlier) if earlier.revoked_at != token.revoked_at => {
            Some(Entry::new("token.revoked", format!("Revokes the token {}.", token.id)))
        }
        Some(earlier) if earlier.expires_at != token.expires_at => {
            let end = token.expires_at.map(|end| end.to_rfc3339());
            let entry = Entry::new("token.rotated", format!("Lets the token {} end.", token.id));
            Some(entry.values(None, end.as_deref()))
        }
        Some(_) => None,
    };
    after.tokens.iter().filter_map(entry).collect()
}

fn added(connection: &StoredConnection) -> Entry {
    let StoredConnection { id, identity_provider, .. } = connection;
    let change = format!("Adds the connection {id} to {}.", Quoted::new(identity_provider.as_str()));
    Entry::new("connection.added", change).values(None, Some(connection.state.name()))
}

fn changed(before: &StoredConnection, after: &StoredConnection) -> Result<Vec<Entry>, StoreError> {
    let id = &after.id;
    let mut entries = Vec::new();
    if before.state != after.state {
        let entry = Entry::new("connection.state", format!("Makes the connection {id} {}.", after.state));
        entries.push(entry.values(Some(before.state.name()), Some(after.state.name())));
    }
    if before.metadata.document != after.metadata.document {
        let entry = Entry::new("connection.metadata", format!("Gives the connection {id} other metadata."));
        entries.push(entry.values(before.metadata.source.url(), after.metadata.source.url()));
    }
    if before.settings != after.settings {
        let json = |settings| {
            serde_json::to_string(settings).map_err(|_| StoreError::damaged("settings", "they have no form"))
        };
        let entry = Entry::new("connection.settings", format!("Gives the connection {id} other settings."));
        entries.push(entry.values(Some(&json(&before.settings)?), Some(&json(&after.settings)?)));
    }
    Ok(entries)
}
