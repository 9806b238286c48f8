//! The directory in memory: one snapshot for each organization.

use std::{collections::HashMap, hash::Hash};

use vouchsafe::provisioning::{
    Account, AccountId, Domain, EmailAddress, LoginFacts, LookUp, Organization, OrganizationId, Policy,
    Project, ScimFact, ScimLookUp, Snapshot, Team,
};

use super::{Held, Memory, State};
use crate::{
    About, AccountKey, Answer, Applied, AuditCursor, AuditEntry, AuditFeed, AuditRecord, AuditedRefusal,
    Author, CompletedSignIn, ConnectionDecision, Decided, Decides, Decision, Directory, NewCustomer,
    OrganizationConnections, PreparedCustomer, SignIn, SignInContext, SignInError, StoreError, Versioned,
    directory::parsed_policy, keys_in_metadata,
};

impl Directory for Memory {
    fn add_customer<'a>(
        &'a self,
        customer: &'a NewCustomer,
        author: &'a Author,
    ) -> Decides<'a, OrganizationConnections> {
        Box::pin(async move {
            let prepared = customer.prepared(author)?;
            self.with(move |state| state.add_customer(prepared)).await
        })
    }

    fn organization<'a>(&'a self, id: &'a OrganizationId) -> Answer<'a, Option<Versioned<Organization>>> {
        self.with(move |state| Ok(state.organizations.get(id).map(versioned)))
    }

    fn organization_by_slug<'a>(&'a self, slug: &'a str) -> Answer<'a, Option<Versioned<Organization>>> {
        self.with(move |state| {
            let key = Organization::slug_key(slug);
            let has_it = |held: &&Held| Organization::slug_key(&held.whole.organization.slug) == key;
            let found = state.organizations.values().find(has_it);
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

    fn update_organization<'a>(
        &'a self,
        organization: &'a Versioned<Organization>,
        author: &'a Author,
    ) -> Answer<'a, u64> {
        self.with(move |state| {
            state.require_open_link(author)?;
            let held = state.held(&organization.value.id)?;
            held.is_at(organization.version)?;
            let records = AuditRecord::of_organization(&held.whole.organization, &organization.value, author);
            let version = state.replace_organization(organization.value.clone())?;
            state.audit.extend(records);
            Ok(version)
        })
    }

    fn policy<'a>(&'a self, id: &'a OrganizationId) -> Answer<'a, Policy> {
        self.with(move |state| parsed_policy(id, state.held(id)?.policy.as_deref()))
    }

    fn policy_text<'a>(&'a self, id: &'a OrganizationId) -> Answer<'a, Option<String>> {
        self.with(move |state| Ok(state.held(id)?.policy.clone()))
    }

    fn replace_policy<'a>(
        &'a self,
        id: &'a OrganizationId,
        before: Option<&'a str>,
        toml: &'a str,
        author: &'a Author,
    ) -> Answer<'a, ()> {
        self.with(move |state| {
            if state.held(id)?.policy.as_deref() != before {
                return Err(StoreError::policy_conflict(id.clone()));
            }
            state.set_policy(id, toml, author)
        })
    }

    fn set_policy<'a>(&'a self, id: &'a OrganizationId, toml: &'a str, author: &'a Author) -> Answer<'a, ()> {
        self.with(move |state| state.set_policy(id, toml, author))
    }

    fn add_account<'a>(&'a self, account: &'a Account, author: &'a Author) -> Answer<'a, ()> {
        self.with(move |state| {
            state.held(&account.organization)?;
            state.account_is_new(account)?;
            state.held(&account.organization)?.add_account(account)?;
            state.audit.push(AuditRecord::of_added_account(account, author));
            Ok(())
        })
    }

    fn add_team<'a>(&'a self, team: &'a Team, author: &'a Author) -> Answer<'a, ()> {
        self.with(move |state| {
            state.held(&team.organization)?.add_team(team)?;
            state.audit.push(AuditRecord::of_added_team(team, author));
            Ok(())
        })
    }

    fn add_project<'a>(&'a self, project: &'a Project, author: &'a Author) -> Answer<'a, ()> {
        self.with(move |state| {
            state.held(&project.organization)?.add_project(project)?;
            state.audit.push(AuditRecord::of_added_project(project, author));
            Ok(())
        })
    }

    fn snapshot<'a>(&'a self, login: &'a LoginFacts) -> Answer<'a, Snapshot> {
        self.with(move |state| Ok(state.about_login(login, None)?.0))
    }

    fn snapshot_of_trial<'a>(
        &'a self,
        id: &'a OrganizationId,
        policy: &'a Policy,
        login: &'a LoginFacts,
    ) -> Answer<'a, Snapshot> {
        self.with(move |state| {
            let look_up = LookUp::of(login).map_err(StoreError::cryptography)?;
            let held = state.organizations.get(id).ok_or_else(|| StoreError::organization_unknown(id))?;
            Ok(state.meant(held, login, look_up.with_takeovers(policy), policy))
        })
    }

    fn accounts_with<'a>(&'a self, id: &'a OrganizationId, key: &'a AccountKey) -> Answer<'a, Vec<Account>> {
        self.with(move |state| {
            let held = state.organizations.get(id);
            let accounts = held.into_iter().flat_map(|held| held.whole.accounts());
            Ok(accounts.filter(|account| key.means(account)).cloned().collect())
        })
    }

    fn whole<'a>(&'a self, id: &'a OrganizationId) -> Answer<'a, Snapshot> {
        self.with(move |state| Ok(state.held(id)?.whole.clone()))
    }

    fn sign_in(&self, sign_in: SignIn) -> Decides<'_, CompletedSignIn> {
        self.with(move |state| state.sign_in(sign_in))
    }

    fn decide(&self, decision: Decision) -> Decides<'_, Applied> {
        self.with(move |state| {
            let (snapshot, policy) = state.about(decision.about())?;
            let asked = decision.asked();
            let decided = decision.decide(&snapshot, &policy);
            let decided =
                decided.inspect_err(|refusal| state.note_refused(asked.refused(&snapshot, refusal)))?;
            state.write(&decided)?;
            Ok(decided.into_applied())
        })
    }

    fn decide_connections(&self, decision: ConnectionDecision) -> Decides<'_, OrganizationConnections> {
        Box::pin(self.decide_about_connections(decision))
    }

    fn note_refusal<'a>(&'a self, refused: &'a AuditedRefusal) -> Answer<'a, ()> {
        self.with(move |state| {
            state.held(refused.organization())?;
            state.note_refused(Some(refused.clone()));
            Ok(())
        })
    }

    fn audit<'a>(&'a self, id: &'a OrganizationId) -> Answer<'a, Vec<AuditRecord>> {
        self.with(move |state| {
            Ok(state.audit.iter().filter(|record| record.organization == *id).cloned().collect())
        })
    }
}

impl AuditFeed for Memory {
    fn audit_after<'a>(
        &'a self,
        organization: Option<&'a OrganizationId>,
        after: AuditCursor,
        most: usize,
    ) -> Answer<'a, Vec<AuditEntry>> {
        self.with(move |state| {
            let places = (1..).map(AuditCursor::new).zip(&state.audit);
            let behind = places.filter(|(place, _)| *place > after);
            let wanted =
                behind.filter(|(_, record)| organization.is_none_or(|id| record.organization == *id));
            Ok(wanted.take(most).map(|(place, record)| AuditEntry::new(place, record.clone())).collect())
        })
    }

    fn audit_delivered<'a>(&'a self, receiver: &'a str) -> Answer<'a, AuditCursor> {
        self.with(move |state| Ok(state.delivered.get(receiver).copied().unwrap_or_default()))
    }

    fn keep_audit_delivered<'a>(&'a self, receiver: &'a str, until: AuditCursor) -> Answer<'a, ()> {
        self.with(move |state| {
            let kept = state.delivered.entry(receiver.to_owned()).or_default();
            *kept = until.max(*kept);
            Ok(())
        })
    }
}

impl State {
    fn set_policy(&mut self, id: &OrganizationId, toml: &str, author: &Author) -> Result<(), StoreError> {
        self.require_open_link(author)?;
        let policy = parsed_policy(id, Some(toml))?;
        let held = self.held(id)?;
        policy.may_be_set(&held.whole).map_err(|source| StoreError::policy_refused(id.clone(), source))?;
        let before = held.policy.replace(toml.to_owned());
        held.changed();
        self.audit.extend(AuditRecord::of_policy(id, before.as_deref(), toml, author));
        Ok(())
    }

    /// Every step that can fail comes before the first write.
    fn sign_in(&mut self, sign_in: SignIn) -> Result<CompletedSignIn, SignInError> {
        let key = sign_in.replay_key();
        let is_first = !self.replays.contains_key(key.hash());
        let confirmed = sign_in.confirm(key.clone().recorded(is_first))?;
        let (snapshot, policy) = self.about_login(confirmed.facts(), confirmed.links())?;
        let links_from = confirmed.links_from().and_then(|hash| self.sessions.get(hash)).cloned();
        let state = self.connections.get(&confirmed.facts().connection).map(|stored| stored.state);
        let latest = confirmed.logouts_of().and_then(|(person, index)| self.latest_logout(person, index));
        let facts = confirmed.facts().clone();
        let read = SignInContext::new(&snapshot, &policy, links_from.as_ref(), state, latest);
        let decided = match confirmed.decide(&read) {
            Ok(decided) => decided,
            Err(refusal) => {
                self.note_refused(AuditedRefusal::of_sign_in(&snapshot, &facts, &refusal));
                return Err(refusal);
            }
        };
        self.write(decided.decided())?;
        self.replays.insert(key.hash().to_owned(), key.expires_at());
        if let Some(handle) = decided.answers() {
            self.pending.remove(handle);
        }
        if let Some(before) = decided.replaces() {
            self.sessions.remove(before);
        }
        if let Some((id, session)) = decided.session() {
            self.sessions.insert(id.hash().to_owned(), session.clone());
        }
        decided.into_signed_in()
    }

    /// Writes a refusal to the audit, unless it was written in this hour or there were too many.
    pub(super) fn note_refused(&mut self, refused: Option<AuditedRefusal>) {
        self.audit.extend(refused.and_then(|refused| self.refusals.note(&refused)));
    }

    pub(super) fn about(&mut self, about: &About) -> Result<(Snapshot, Policy), StoreError> {
        let id = match about {
            About::Login(login) => return self.about_login(login, None),
            About::Scim { organization, fact } => return self.about_scim(organization, fact),
            About::Account { organization, .. } | About::Organization(organization) => organization,
        };
        let held = self.held(id)?;
        Ok((held.whole.clone(), parsed_policy(id, held.policy.as_deref())?))
    }

    fn about_scim(&mut self, id: &OrganizationId, fact: &ScimFact) -> Result<(Snapshot, Policy), StoreError> {
        let held = self.held(id)?;
        let policy = parsed_policy(id, held.policy.as_deref())?;
        let known = fact.group().and_then(|group| held.whole.group(group));
        let known = known.filter(|known| known.connection == fact.connection);
        let look_up = ScimLookUp::of(fact, known).with_takeovers(fact, &policy);
        Ok((held.whole.restricted_to_scim(&look_up, &policy), policy))
    }

    fn about_login(
        &self,
        login: &LoginFacts,
        links: Option<&AccountId>,
    ) -> Result<(Snapshot, Policy), StoreError> {
        let look_up = LookUp::of(login).map_err(StoreError::cryptography)?;
        let all = || self.organizations.values();
        let has_token = |held: &&Held| {
            let mut tokens = held.whole.organization.tokens.iter();
            tokens.any(|record| look_up.token_hashes.contains(&record.hash))
        };
        let has_connection = |held: &&Held| held.whole.organization.signs_in_over(&login.connection);
        let found = all().find(has_token).or_else(|| all().find(has_connection));
        let held = found.ok_or_else(|| StoreError::no_organization_for(&login.connection))?;
        let id = &held.whole.organization.id;
        let stored = self.connections.get(&login.connection);
        // An account that only has the name which this organization would sign in over.
        if stored.is_some_and(|stored| stored.organization != *id) && has_connection(&held) {
            return Err(StoreError::no_organization_for(&login.connection));
        }
        let policy = parsed_policy(id, held.policy.as_deref())?;
        let look_up = look_up.with_takeovers(&policy).linking(links);
        Ok((self.meant(held, login, look_up, &policy), policy))
    }

    /// The part of an organization that a login means.
    fn meant(&self, held: &Held, login: &LoginFacts, look_up: LookUp, policy: &Policy) -> Snapshot {
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

    /// Everything that can fail comes before anything is written.
    fn add_customer(&mut self, customer: PreparedCustomer) -> Result<OrganizationConnections, SignInError> {
        let organization = &customer.organization;
        if self.organizations.contains_key(&organization.id) {
            return Err(StoreError::taken("the organization's id").into());
        }
        self.names_are_free(organization)?;
        self.domains_are_free(organization)?;
        let mut held = Held { whole: Snapshot::new(organization.clone()), policy: customer.policy.clone() };
        customer.projects.iter().try_for_each(|project| held.add_project(project))?;
        customer.teams.iter().try_for_each(|team| held.add_team(team))?;
        for account in &customer.accounts {
            self.account_is_new(account)?;
            held.add_account(account)?;
        }
        for connection in &customer.connections {
            self.require_unused(connection)?;
        }
        self.organizations.insert(organization.id.clone(), held);
        self.audit.extend(customer.audit.iter().cloned());
        for connection in &customer.connections {
            self.keep(connection.clone(), &keys_in_metadata(connection));
        }
        Ok(customer.into_answer())
    }

    /// Whether nobody in any organization has the account's id.
    fn account_is_new(&self, account: &Account) -> Result<(), StoreError> {
        let mut everybody = self.organizations.values().flat_map(|held| &held.whole.accounts);
        match everybody.any(|other| other.id == account.id) {
            true => Err(StoreError::taken("the account's id")),
            false => Ok(()),
        }
    }

    pub(super) fn write(&mut self, decided: &Decided) -> Result<(), StoreError> {
        let organization = decided.plan.organization();
        if decided.plan.domains_taken().iter().any(|domain| self.is_of_another(domain, organization)) {
            return Err(StoreError::taken("the domain of the account's e-mail address"));
        }
        let whole = &mut self.held(organization)?.whole;
        replace(&mut whole.accounts, &decided.accounts, |account| &account.id);
        replace(&mut whole.teams, &decided.teams, |team| &team.id);
        replace(&mut whole.projects, &decided.projects, |project| &project.id);
        replace(&mut whole.groups, &decided.groups, |group| &group.id);
        whole.groups.retain(|group| !decided.removed_groups.contains(&group.id));
        for account in &decided.ended_accounts {
            self.end_sessions_of(account);
            self.api_tokens.retain(|_, token| token.account != *account);
        }
        self.forget_sign_ins_of_deleted(&decided.accounts);
        self.audit.extend(decided.audit.iter().cloned());
        Ok(())
    }

    pub(super) fn replace_organization(&mut self, organization: Organization) -> Result<u64, StoreError> {
        self.names_are_free(&organization)?;
        self.domains_are_free(&organization)?;
        let held = self.held(&organization.id)?;
        held.whole.organization = organization;
        Ok(held.changed())
    }

    pub(super) fn held(&mut self, id: &OrganizationId) -> Result<&mut Held, StoreError> {
        self.organizations
            .get_mut(id)
            .ok_or_else(|| StoreError::OrganizationUnknown { organization: id.clone() })
    }

    fn names_are_free(&self, organization: &Organization) -> Result<(), StoreError> {
        let others = || {
            let all = self.organizations.values().map(|held| &held.whole.organization);
            all.filter(|other| other.id != organization.id)
        };
        let key = Organization::slug_key(&organization.slug);
        if others().any(|other| Organization::slug_key(&other.slug) == key) {
            return Err(StoreError::Taken { what: "the organization's slug" });
        }
        let has = |other: &Organization| {
            other.tokens.iter().any(|record| organization.tokens.iter().any(|own| own.hash == record.hash))
        };
        if others().any(has) {
            return Err(StoreError::Taken { what: "the organization's token" });
        }
        let connections = organization.own_connections();
        if others().any(|other| !other.own_connections().is_disjoint(&connections)) {
            return Err(StoreError::Taken { what: "a connection of the organization" });
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
    fn add_account(&mut self, account: &Account) -> Result<(), StoreError> {
        let (email, keys) = (EmailAddress::key_of(&account.email), account.keys());
        let accounts = &mut self.whole.accounts;
        if accounts.iter().any(|other| EmailAddress::key_of(&other.email) == email) {
            return Err(StoreError::taken("the account's e-mail address"));
        }
        let is_linked = |other: &Account| other.keys().iter().any(|key| keys.contains(key));
        if accounts.iter().any(is_linked) {
            return Err(StoreError::taken("the account's identity"));
        }
        if accounts.iter().any(|other| other.id == account.id) {
            return Err(StoreError::taken("the account's id"));
        }
        accounts.push(account.clone());
        Ok(())
    }

    fn add_team(&mut self, team: &Team) -> Result<(), StoreError> {
        if self.whole.teams.iter().any(|other| other.id == team.id || other.is_named(&team.name)) {
            return Err(StoreError::taken("the team's id or name"));
        }
        self.whole.teams.push(team.clone());
        Ok(())
    }

    fn add_project(&mut self, project: &Project) -> Result<(), StoreError> {
        let mut others = self.whole.projects.iter();
        if others.any(|other| other.id == project.id || other.is_named(&project.name)) {
            return Err(StoreError::taken("the project's id or name"));
        }
        self.whole.projects.push(project.clone());
        Ok(())
    }

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

/// Replaces the item with the same id, or adds the item at the end.
fn replace<T: Clone, I: Clone + Eq + Hash>(all: &mut Vec<T>, changed: &[T], id: impl Fn(&T) -> &I) {
    if changed.is_empty() {
        return;
    }
    let places: HashMap<I, usize> =
        all.iter().enumerate().map(|(place, known)| (id(known).clone(), place)).collect();
    for value in changed {
        match places.get(id(value)).and_then(|place| all.get_mut(*place)) {
            Some(known) => known.clone_from(value),
            None => all.push(value.clone()),
        }
    }
}

fn versioned(held: &Held) -> Versioned<Organization> {
    Versioned::new(held.whole.organization.clone(), held.whole.version)
}
