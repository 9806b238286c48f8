//! Its policies.

use vouchsafe::provisioning::{Domain, LoginFacts, LookUp, OrganizationId, Policy, Snapshot};
use vouchsafe_store::{AuditRecord, Author, StoreError};

use super::{Held, State};

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

impl State {
    /// The part of an organization that a login means.
    pub(super) fn meant(
        &self,
        held: &Held,
        login: &LoginFacts,
        look_up: LookUp,
        policy: &Policy,
    ) -> Snapshot {
        let id = &held.whole.organization.id;
        let mut snapshot = held.whole.restricted_to(&look_up, &policy.names_for(login));
        let stored = self.connections.get(&login.connection);
        let is_exempt =
            stored.is_some_and(|stored| stored.organization == *id && !stored.settings.token_required);
        snapshot.token_not_required.extend(is_exempt.then(|| login.connection.clone()));
        let of_others = look_up.domains().into_iter().filter(|domain| self.is_of_another(domain, id));
        snapshot.domains_of_others = of_others.cloned().collect();
        snapshot
    }

    /// What a login would refer to if its connection belonged to this organization.
    pub(super) fn tried(
        &self,
        id: &OrganizationId,
        policy: &Policy,
        login: &LoginFacts,
    ) -> Result<Snapshot, StoreError> {
        let look_up = LookUp::of(login).map_err(StoreError::backend)?;
        let held = self.organizations.get(id).ok_or_else(|| StoreError::organization_unknown(id))?;
        Ok(self.meant(held, login, look_up.with_takeovers(policy), policy))
    }

    /// Whether another organization than this one has verified the domain.
    pub(super) fn is_of_another(&self, domain: &Domain, id: &OrganizationId) -> bool {
        let mut all = self.organizations.values().map(|held| &held.whole.organization);
        all.any(|organization| organization.id != *id && organization.owns(domain))
    }
}
