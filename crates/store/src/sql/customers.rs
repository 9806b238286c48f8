//! Customers that are added whole, in SQL.

use vouchsafe::provisioning::Organization;

use super::{Batch, connection_writes, index, rows, sources, writes};
use crate::{PreparedCustomer, StoreError};

/// Everything of a new customer. What is not unique ends the batch, and leaves nothing.
pub(super) fn add(customer: &PreparedCustomer) -> Result<Batch, StoreError> {
    const ADD: &str =
        "INSERT INTO vouchsafe_organizations (id, slug, version, policy, record) VALUES (?, ?, 0, ?, ?)";
    let organization = &customer.organization;
    let batch = sources::note(&customer.connections)
        .then(ADD)
        .if_taken("the organization's id or slug")
        .bind(organization.id.as_str())
        .bind(Organization::slug_key(&organization.slug))
        .bind(customer.policy.as_deref())
        .bind(rows::to_json("organization", organization)?);
    let batch = index::put(batch, organization)?;
    let batch = customer.projects.iter().try_fold(batch, writes::add_project)?;
    let batch = customer.teams.iter().try_fold(batch, writes::add_team)?;
    let batch = customer.accounts.iter().try_fold(batch, writes::add_account)?;
    let batch = customer
        .connections
        .iter()
        .try_fold(batch, |batch, connection| connection_writes::write(batch, connection, true))?;
    writes::audit(batch, &customer.audit)
}
