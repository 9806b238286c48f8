//! What an organization is found by: each belongs to one.

use sqlx::SqliteConnection;
use vouchsafe::provisioning::Organization;

use super::{OrFailed as _, rows::unique};
use crate::StoreError;

/// Writes what is searched for in an organization: tokens, connections and domains. Each belongs to one organization.
pub(super) async fn put(
    connection: &mut SqliteConnection,
    organization: &Organization,
) -> Result<(), StoreError> {
    let id = organization.id.as_str();
    sqlx::query("DELETE FROM vouchsafe_tokens WHERE organization = ?")
        .bind(id)
        .execute(&mut *connection)
        .await
        .or_failed()?;
    for record in &organization.tokens {
        sqlx::query("INSERT INTO vouchsafe_tokens (hash, organization) VALUES (?, ?)")
            .bind(record.hash.to_hex())
            .bind(id)
            .execute(&mut *connection)
            .await
            .or_failed()
            .map_err(unique("the organization's token"))?;
    }
    sqlx::query("DELETE FROM vouchsafe_organization_connections WHERE organization = ?")
        .bind(id)
        .execute(&mut *connection)
        .await
        .or_failed()?;
    for own in organization.own_connections() {
        sqlx::query(
            "INSERT INTO vouchsafe_organization_connections (connection, organization) VALUES (?, ?)",
        )
        .bind(own.as_str())
        .bind(id)
        .execute(&mut *connection)
        .await
        .or_failed()
        .map_err(unique("a connection of the organization"))?;
    }
    sqlx::query("DELETE FROM vouchsafe_domains WHERE organization = ?")
        .bind(id)
        .execute(&mut *connection)
        .await
        .or_failed()?;
    let domains = organization
        .domains()
        .map_err(|source| StoreError::DomainInvalid { organization: organization.id.clone(), source })?;
    for domain in &domains {
        sqlx::query("INSERT INTO vouchsafe_domains (domain, organization) VALUES (?, ?)")
            .bind(domain.as_str())
            .bind(id)
            .execute(&mut *connection)
            .await
            .or_failed()
            .map_err(unique("a verified domain of the organization"))?;
    }
    Ok(())
}
