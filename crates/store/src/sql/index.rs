//! The values by which an organization is found. Each value belongs to one organization.

use vouchsafe::provisioning::Organization;

use super::Batch;
use crate::StoreError;
/// Writes the values by which an organization is found: tokens, connections and domains. Each belongs to one
/// organization.
pub(super) fn put(batch: Batch, organization: &Organization) -> Result<Batch, StoreError> {
    let domains = organization
        .domains()
        .map_err(|source| StoreError::DomainInvalid { organization: organization.id.clone(), source })?;
    let tokens = organization.tokens.iter().map(|token| token.hash.to_hex());
    let connections = organization.own_connections();
    let connections = connections.iter().map(|connection| connection.as_str().to_owned());
    let domains = domains.iter().map(|domain| domain.as_str().to_owned());
    let batch = TOKENS.put(batch, organization, tokens);
    let batch = CONNECTIONS.put(batch, organization, connections);
    Ok(DOMAINS.put(batch, organization, domains))
}

/// A table of values, each of which belongs to one organization.
struct Table {
    clear: &'static str,
    add: &'static str,
    what: &'static str,
}

const TOKENS: Table = Table {
    clear: "DELETE FROM vouchsafe_tokens WHERE organization = ?",
    add: "INSERT INTO vouchsafe_tokens (hash, organization) VALUES (?, ?)",
    what: "the organization's token",
};

const CONNECTIONS: Table = Table {
    clear: "DELETE FROM vouchsafe_organization_connections WHERE organization = ?",
    add: "INSERT INTO vouchsafe_organization_connections (connection, organization) VALUES (?, ?)",
    what: "a connection of the organization",
};

const DOMAINS: Table = Table {
    clear: "DELETE FROM vouchsafe_domains WHERE organization = ?",
    add: "INSERT INTO vouchsafe_domains (domain, organization) VALUES (?, ?)",
    what: "a verified domain of the organization",
};

impl Table {
    /// Replaces the organization's values by these.
    fn put(&self, batch: Batch, organization: &Organization, values: impl Iterator<Item = String>) -> Batch {
        let id = organization.id.as_str();
        values.fold(batch.then(self.clear).bind(id), |batch, value| {
            batch.then(self.add).if_taken(self.what).bind(value).bind(id)
        })
    }
}
