//! The directory in memory: one whole snapshot an organization.

use vouchsafe::provisioning::{
    Account, Action, Cause, Domain, EmailAddress, LoginFacts, LookUp, Organization, OrganizationId, Plan,
    Policy, Project, Snapshot, Team,
};

use super::{AppliedBefore, Held, Memory, State};
use crate::{
    Answer, Applied, AuditRecord, Directory, StoreError, StoredMetadata, Versioned, audit,
    directory::parsed_policy, text::fresh_ids,
};

impl Directory for Memory {
    fn add_organization<'a>(&'a self, organization: &'a Organization) -> Answer<'a, ()> {
        self.with(move |state| {
            if state.organizations.contains_key(&organization.id) {
                return Err(StoreError::Taken { what: "the organization's id" });
            }
            state.names_are_free(organization)?;
            state.domains_are_free(organization)?;
            let held = Held { whole: Snapshot::new(organization.clone()), policy: None, metadata: None };
            state.organizations.insert(organization.id.clone(), held);
            Ok(())
        })
    }

    fn organization<'a>(&'a self, id: &'a OrganizationId) -> Answer<'a, Option<Versioned<Organization>>> {
        self.with(move |state| Ok(state.organizations.get(id).map(versioned)))
    }

    fn organization_by_slug<'a>(&'a self, slug: &'a str) -> Answer<'a, Option<Versioned<Organization>>> {
        self.with(move |state| {
            let found = state.organizations.values().find(|held| held.whole.organization.slug == slug);
            Ok(found.map(versioned))
        })
    }

    fn organization_by_domain<'a>(
        &'a self,
        domain: &'a Domain,
    ) -> Answer<'a, Option<Versioned<Organization>>> {
        self.with(move |state| {
            let found = state.organizations.values().find(|held| held.whole.organization.owns(domain));
            Ok(found.map(versioned))
        })
    }

    fn organizations(&self) -> Answer<'_, Vec<OrganizationId>> {
        self.with(|state| Ok(state.organizations.keys().cloned().collect()))
    }

    fn update_organization<'a>(&'a self, organization: &'a Versioned<Organization>) -> Answer<'a, u64> {
        self.with(move |state| {
            state.names_are_free(&organization.value)?;
            state.domains_are_free(&organization.value)?;
            let held = state.held(&organization.value.id)?;
            held.is_at(organization.version)?;
            held.whole.organization = organization.value.clone();
            Ok(held.changed())
        })
    }

    fn policy<'a>(&'a self, id: &'a OrganizationId) -> Answer<'a, Policy> {
        self.with(move |state| parsed_policy(id, state.held(id)?.policy.as_deref()))
    }

    fn set_policy<'a>(&'a self, id: &'a OrganizationId, toml: &'a str) -> Answer<'a, ()> {
        self.with(move |state| {
            parsed_policy(id, Some(toml))?;
            let held = state.held(id)?;
            held.policy = Some(toml.to_owned());
            held.changed();
            Ok(())
        })
    }

    fn metadata<'a>(&'a self, id: &'a OrganizationId) -> Answer<'a, Option<StoredMetadata>> {
        self.with(move |state| Ok(state.held(id)?.metadata.clone()))
    }

    fn set_metadata<'a>(&'a self, id: &'a OrganizationId, metadata: &'a StoredMetadata) -> Answer<'a, ()> {
        self.with(move |state| {
            state.held(id)?.metadata = Some(metadata.clone());
            Ok(())
        })
    }

    fn put_account<'a>(&'a self, account: &'a Account) -> Answer<'a, ()> {
        self.with(move |state| {
            let held = state.held(&account.organization)?;
            let others = || held.whole.accounts.iter().filter(|other| other.id != account.id);
            let email = EmailAddress::key_of(&account.email);
            if others().any(|other| EmailAddress::key_of(&other.email) == email) {
                return Err(StoreError::Taken { what: "the account's e-mail address" });
            }
            if others()
                .any(|other| other.identities.iter().any(|identity| account.identities.contains(identity)))
            {
                return Err(StoreError::Taken { what: "the account's identity" });
            }
            held.whole.accounts.retain(|other| other.id != account.id);
            held.whole.accounts.push(account.clone());
            held.changed();
            if !account.is_active() {
                state.sessions.retain(|_, session| session.account != account.id);
            }
            Ok(())
        })
    }

    fn put_team<'a>(&'a self, team: &'a Team) -> Answer<'a, ()> {
        self.with(move |state| {
            let held = state.held(&team.organization)?;
            if held.whole.teams.iter().any(|other| other.id != team.id && other.is_named(&team.name)) {
                return Err(StoreError::Taken { what: "the team's name" });
            }
            held.whole.teams.retain(|other| other.id != team.id);
            held.whole.teams.push(team.clone());
            held.changed();
            Ok(())
        })
    }

    fn put_project<'a>(&'a self, project: &'a Project) -> Answer<'a, ()> {
        self.with(move |state| {
            let held = state.held(&project.organization)?;
            if held.whole.projects.iter().any(|other| other.id != project.id && other.is_named(&project.name))
            {
                return Err(StoreError::Taken { what: "the project's name" });
            }
            held.whole.projects.retain(|other| other.id != project.id);
            held.whole.projects.push(project.clone());
            held.changed();
            Ok(())
        })
    }

    fn snapshot<'a>(&'a self, login: &'a LoginFacts) -> Answer<'a, Snapshot> {
        self.with(move |state| {
            let look_up = LookUp::of(login).map_err(StoreError::cryptography)?;
            let organizations = || state.organizations.values().map(|held| &held.whole);
            let has_token = |whole: &&Snapshot| {
                whole.organization.tokens.iter().any(|record| look_up.token_hashes.contains(&record.hash))
            };
            let is_signer = |whole: &&Snapshot| whole.organization.identity_provider() == Some(&login.issuer);
            let found = organizations().find(has_token).or_else(|| organizations().find(is_signer));
            let whole =
                found.ok_or_else(|| StoreError::NoOrganizationFor { issuer: login.issuer.to_string() })?;
            let mut snapshot = whole.restricted_to(&look_up);
            let id = &snapshot.organization.id;
            let of_others = look_up.domains().into_iter().filter(|domain| state.is_of_another(domain, id));
            snapshot.domains_of_others = of_others.cloned().collect();
            Ok(snapshot)
        })
    }

    fn whole<'a>(&'a self, id: &'a OrganizationId) -> Answer<'a, Snapshot> {
        self.with(move |state| Ok(state.held(id)?.whole.clone()))
    }

    fn apply<'a>(&'a self, plan: &'a Plan) -> Answer<'a, Applied> {
        self.with(move |state| {
            if let Some(before) = plan.idempotency_key().and_then(|key| state.applied.get(key)) {
                let AppliedBefore { applied, identity, .. } = before;
                return if plan.repeats(&applied.organization, identity, &applied.account) {
                    Ok(Applied { repeated: true, ..applied.clone() })
                } else {
                    Err(StoreError::AssertionReused { organization: plan.organization().clone() })
                };
            }
            let is_of_another = |domain: &Domain| state.is_of_another(domain, plan.organization());
            let has_domain_of_another = plan.domains_taken().iter().any(is_of_another);
            let held = state.held(plan.organization())?;
            held.is_at(plan.version())?;
            if has_domain_of_another {
                return Err(held.conflict(plan.version()));
            }
            let mut ids = fresh_ids(plan.steps().len())?;
            let made = held.whole.after_with(plan, &mut || ids.pop().unwrap_or_default());
            let account = audit::account_of(plan, &made)?;
            held.whole = made;
            if plan.steps().iter().any(|step| matches!(step.action, Action::Suspend)) {
                state.sessions.retain(|_, session| session.account != account);
            }
            state.audit.extend(audit::records(plan, &account));
            let applied = Applied { organization: plan.organization().clone(), account, repeated: false };
            if let (Cause::SignIn { identity, .. }, Some(assertion)) = (plan.cause(), plan.assertion()) {
                let before = AppliedBefore {
                    applied: applied.clone(),
                    identity: identity.clone(),
                    expires_at: assertion.expires_at,
                };
                state.applied.insert(assertion.hash.clone(), before);
            }
            Ok(applied)
        })
    }

    fn audit<'a>(&'a self, id: &'a OrganizationId) -> Answer<'a, Vec<AuditRecord>> {
        self.with(move |state| {
            Ok(state.audit.iter().filter(|record| record.organization == *id).cloned().collect())
        })
    }
}

impl State {
    fn held(&mut self, id: &OrganizationId) -> Result<&mut Held, StoreError> {
        self.organizations
            .get_mut(id)
            .ok_or_else(|| StoreError::OrganizationUnknown { organization: id.clone() })
    }

    fn names_are_free(&self, organization: &Organization) -> Result<(), StoreError> {
        let others = || {
            let all = self.organizations.values().map(|held| &held.whole.organization);
            all.filter(|other| other.id != organization.id)
        };
        if others().any(|other| other.slug == organization.slug) {
            return Err(StoreError::Taken { what: "the organization's slug" });
        }
        let has = |other: &Organization| {
            other.tokens.iter().any(|record| organization.tokens.iter().any(|own| own.hash == record.hash))
        };
        if others().any(has) {
            return Err(StoreError::Taken { what: "the organization's token" });
        }
        Ok(())
    }

    fn domains_are_free(&self, organization: &Organization) -> Result<(), StoreError> {
        let domains = organization
            .domains()
            .map_err(|source| StoreError::DomainInvalid { organization: organization.id.clone(), source })?;
        if domains.iter().any(|domain| self.is_of_another(domain, &organization.id)) {
            return Err(StoreError::Taken { what: "a verified domain of the organization" });
        }
        Ok(())
    }

    /// Whether another organization than this one has verified the domain.
    fn is_of_another(&self, domain: &Domain, id: &OrganizationId) -> bool {
        let mut all = self.organizations.values().map(|held| &held.whole.organization);
        all.any(|organization| organization.id != *id && organization.owns(domain))
    }
}

impl Held {
    fn is_at(&self, expected: u64) -> Result<(), StoreError> {
        if self.whole.version == expected { Ok(()) } else { Err(self.conflict(expected)) }
    }

    fn conflict(&self, expected: u64) -> StoreError {
        let organization = self.whole.organization.id.clone();
        StoreError::Conflict { organization, expected, actual: self.whole.version }
    }

    fn changed(&mut self) -> u64 {
        self.whole.version = self.whole.version.saturating_add(1);
        self.whole.version
    }
}

fn versioned(held: &Held) -> Versioned<Organization> {
    Versioned::new(held.whole.organization.clone(), held.whole.version)
}
