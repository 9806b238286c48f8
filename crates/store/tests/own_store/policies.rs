//! Its policies.

use vouchsafe::provisioning::{OrganizationId, Policy};
use vouchsafe_store::{AuditRecord, Author, StoreError};

use super::State;

impl State {
    pub(super) fn set_policy(
        &mut self,
        id: &OrganizationId,
        toml: &str,
        author: &Author,
    ) -> Result<(), StoreError> {
        let policy = parsed_policy(id, Some(toml))?;
        let held = self.held(id)?;
        policy.may_be_set(&held.whole).map_err(|source| StoreError::policy_refused(id.clone(), source))?;
        let before = held.policy.replace(toml.to_owned());
        held.changed();
        self.audit.extend(AuditRecord::of_policy(id, before.as_deref(), toml, author));
        Ok(())
    }
}

pub(super) fn parsed_policy(id: &OrganizationId, toml: Option<&str>) -> Result<Policy, StoreError> {
    let read = toml.map_or_else(|| Ok(Policy::default()), Policy::from_toml);
    read.map_err(|source| StoreError::policy(id.clone(), source))
}
