//! The suite on a store that is written outside of the crate: everything it needs is public.

#[path = "own_store/connections.rs"]
mod connections;
#[path = "own_store/logouts.rs"]
mod logouts;
#[path = "own_store/memoranda.rs"]
mod memoranda;
#[path = "own_store/policies.rs"]
mod policies;
#[path = "own_store/sessions.rs"]
mod sessions;

use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, Utc};
use vouchsafe::{
    ConnectionId, StoredPendingLogout, StoredPendingRequest,
    provisioning::{
        Account, AccountId, Domain, EmailAddress, LoginFacts, LookUp, Organization, OrganizationId, Policy,
        Project, Snapshot, Team,
    },
};
use vouchsafe_store::{
    About, AccountKey, Answer, Applied, AuditRecord, AuditedRefusal, Author, CompletedSignIn,
    ConnectionDecision, ConnectionStore, Decided, Decides, Decision, Directory, NewCustomer, NotedRefusals,
    OrganizationConnections, PendingStore, PreparedCustomer, RememberedLogout, ReplayStore, Session,
    SessionStore, SignIn, SignInContext, SignInError, StoreError, StoredConnection, Versioned,
};

use policies::parsed_policy;

async fn own() -> (Own, ()) {
    (Own::default(), ())
}

vouchsafe_store::conformance!(own);

/// Each trait is an object of its own, and a store need not be all of them.
#[test]
fn the_traits_are_independent_objects() {
    let own = Arc::new(Own::default());
    let replays: Arc<dyn ReplayStore> = own.clone();
    let pending: Arc<dyn PendingStore> = own.clone();
    let sessions: Arc<dyn SessionStore> = own.clone();
    let connections: Arc<dyn ConnectionStore> = own.clone();
    let directory: Arc<dyn Directory> = own.clone();
    assert_eq!(Arc::strong_count(&own), 6);
    drop((replays, pending, sessions, connections, directory));
    assert_eq!(Arc::strong_count(&own), 1);
}

#[derive(Clone, Debug, Default)]
struct Own {
    state: Arc<Mutex<State>>,
}

/// Whom a logout means: the key of a person, and the index of a session.
type Meant = (String, Option<String>);

#[derive(Debug, Default)]
struct State {
    replays: HashMap<String, DateTime<Utc>>,
    pending: HashMap<String, StoredPendingRequest>,
    sessions: HashMap<String, Session>,
    epochs: HashMap<AccountId, u64>,
    logouts: HashMap<String, StoredPendingLogout>,
    remembered: HashMap<Meant, (RememberedLogout, DateTime<Utc>)>,
    connections: BTreeMap<ConnectionId, StoredConnection>,
    organizations: BTreeMap<OrganizationId, Held>,
    audit: Vec<AuditRecord>,
    refusals: NotedRefusals,
}

/// An organization and what belongs to it.
#[derive(Debug)]
struct Held {
    whole: Snapshot,
    policy: Option<String>,
}

impl Own {
    /// Does something with the state, when the answer is awaited, and nothing else at the same time.
    fn with<'a, T: 'a, E: 'a>(
        &'a self,
        action: impl FnOnce(&mut State) -> Result<T, E> + Send + 'a,
    ) -> Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'a>> {
        Box::pin(async move { action(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner)) })
    }
}

/// Takes out what is over; how many.
fn sweep<K: Eq + Hash, V>(map: &mut HashMap<K, V>, is_over: impl Fn(&V) -> bool) -> u64 {
    let before = map.len();
    map.retain(|_, value| !is_over(value));
    u64::try_from(before.saturating_sub(map.len())).unwrap_or(u64::MAX)
}

impl Directory for Own {
    fn add_customer<'a>(
        &'a self,
        customer: &'a NewCustomer,
        author: &'a Author,
    ) -> Decides<'a, OrganizationConnections> {
        self.with(move |state| state.add_customer(customer.prepared(author)?))
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
            let held = state.held(&account.organization)?;
            let email = EmailAddress::key_of(&account.email);
            let accounts = &held.whole.accounts;
            if accounts.iter().any(|other| EmailAddress::key_of(&other.email) == email) {
                return Err(StoreError::taken("the account's e-mail address"));
            }
            let is_linked = |other: &Account| {
                other.identities.iter().any(|identity| account.identities.contains(identity))
            };
            if accounts.iter().any(is_linked) {
                return Err(StoreError::taken("the account's identity"));
            }
            let mut everybody = state.organizations.values().flat_map(|held| &held.whole.accounts);
            if everybody.any(|other| other.id == account.id) {
                return Err(StoreError::taken("the account's id"));
            }
            state.held(&account.organization)?.whole.accounts.push(account.clone());
            state.audit.push(AuditRecord::of_added_account(account, author));
            Ok(())
        })
    }

    fn add_team<'a>(&'a self, team: &'a Team, author: &'a Author) -> Answer<'a, ()> {
        self.with(move |state| {
            let held = state.held(&team.organization)?;
            if held.whole.teams.iter().any(|other| other.id == team.id || other.is_named(&team.name)) {
                return Err(StoreError::taken("the team's id or name"));
            }
            held.whole.teams.push(team.clone());
            state.audit.push(AuditRecord::of_added_team(team, author));
            Ok(())
        })
    }

    fn add_project<'a>(&'a self, project: &'a Project, author: &'a Author) -> Answer<'a, ()> {
        self.with(move |state| {
            let held = state.held(&project.organization)?;
            let mut others = held.whole.projects.iter();
            if others.any(|other| other.id == project.id || other.is_named(&project.name)) {
                return Err(StoreError::taken("the project's id or name"));
            }
            held.whole.projects.push(project.clone());
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
        self.with(move |state| state.tried(id, policy, login))
    }

    fn accounts_with<'a>(&'a self, id: &'a OrganizationId, key: &'a AccountKey) -> Answer<'a, Vec<Account>> {
        Box::pin(async move {
            let whole = self.whole(id).await?;
            Ok(whole.accounts().filter(|account| key.means(account)).cloned().collect())
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
            let decided = decided.inspect_err(|refusal| state.note(asked.refused(&snapshot, refusal)))?;
            state.write(&decided)?;
            Ok(decided.into_applied())
        })
    }

    fn decide_connections(&self, decision: ConnectionDecision) -> Decides<'_, OrganizationConnections> {
        self.with(move |state| state.decide_connections(decision))
    }

    fn note_refusal<'a>(&'a self, refused: &'a AuditedRefusal) -> Answer<'a, ()> {
        self.with(move |state| {
            state.note(Some(refused.clone()));
            Ok(())
        })
    }

    fn audit<'a>(&'a self, id: &'a OrganizationId) -> Answer<'a, Vec<AuditRecord>> {
        self.with(move |state| {
            Ok(state.audit.iter().filter(|record| record.organization == *id).cloned().collect())
        })
    }
}

impl State {
    /// Everything that can fail comes before anything is written.
    fn add_customer(&mut self, customer: PreparedCustomer) -> Result<OrganizationConnections, SignInError> {
        let organization = &customer.organization;
        if self.organizations.contains_key(&organization.id) {
            return Err(StoreError::taken("the organization's id").into());
        }
        self.names_are_free(organization)?;
        self.domains_are_free(organization)?;
        let mut whole = Snapshot::new(organization.clone());
        for team in &customer.teams {
            if whole.teams.iter().any(|other| other.id == team.id || other.is_named(&team.name)) {
                return Err(StoreError::taken("the team's id or name").into());
            }
            whole.teams.push(team.clone());
        }
        for project in &customer.projects {
            if whole.projects.iter().any(|other| other.id == project.id || other.is_named(&project.name)) {
                return Err(StoreError::taken("the project's id or name").into());
            }
            whole.projects.push(project.clone());
        }
        for account in &customer.accounts {
            let email = EmailAddress::key_of(&account.email);
            let everybody = self.organizations.values().flat_map(|held| &held.whole.accounts);
            let has_email = |other: &Account| EmailAddress::key_of(&other.email) == email;
            if whole.accounts.iter().any(has_email)
                || everybody.chain(&whole.accounts).any(|other| other.id == account.id)
            {
                return Err(StoreError::taken("the account's id or e-mail address").into());
            }
            whole.accounts.push(account.clone());
        }
        if customer.connections.iter().any(|one| self.connections.contains_key(&one.id)) {
            return Err(StoreError::taken("the connection's id").into());
        }
        let held = Held { whole, policy: customer.policy.clone() };
        self.organizations.insert(organization.id.clone(), held);
        self.audit.extend(customer.audit.iter().cloned());
        for connection in &customer.connections {
            self.connections.insert(connection.id.clone(), connection.clone());
        }
        Ok(customer.into_answer())
    }

    fn note(&mut self, refused: Option<AuditedRefusal>) {
        self.audit.extend(refused.and_then(|refused| self.refusals.note(&refused)));
    }

    /// Everything that can fail comes before anything is written.
    fn sign_in(&mut self, sign_in: SignIn) -> Result<CompletedSignIn, SignInError> {
        let key = sign_in.replay_key();
        let is_first = !self.replays.contains_key(key.hash());
        let confirmed = sign_in.confirm(key.clone().recorded(is_first))?;
        let (snapshot, policy) = self.about_login(confirmed.facts(), confirmed.links())?;
        let links_from = confirmed.links_from().and_then(|hash| self.sessions.get(hash)).cloned();
        let state = self.connections.get(&confirmed.facts().connection).map(|stored| stored.state);
        let latest = confirmed.logouts_of().and_then(|(person, indexes)| self.latest_logout(person, indexes));
        let facts = confirmed.facts().clone();
        let read = SignInContext::new(&snapshot, &policy, links_from.as_ref(), state, latest);
        let decided = match confirmed.decide(&read) {
            Ok(decided) => decided,
            Err(refusal) => {
                self.note(AuditedRefusal::of_sign_in(&snapshot, &facts, &refusal));
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

    fn about(&mut self, about: &About) -> Result<(Snapshot, Policy), StoreError> {
        let id = match about {
            About::Login(login) => return self.about_login(login, None),
            About::Account { organization, .. }
            | About::Scim { organization, .. }
            | About::Organization(organization) => organization,
            _ => return Err(StoreError::damaged("decision", "its kind is not known to this store")),
        };
        let held = self.held(id)?;
        Ok((held.whole.clone(), parsed_policy(id, held.policy.as_deref())?))
    }

    fn about_login(
        &self,
        login: &LoginFacts,
        links: Option<&AccountId>,
    ) -> Result<(Snapshot, Policy), StoreError> {
        let look_up = LookUp::of(login).map_err(StoreError::backend)?;
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
        if stored.is_some_and(|stored| stored.organization != *id) && has_connection(&held) {
            return Err(StoreError::no_organization_for(&login.connection));
        }
        let policy = parsed_policy(id, held.policy.as_deref())?;
        let look_up = look_up.with_takeovers(&policy).linking(links);
        Ok((self.meant(held, login, look_up, &policy), policy))
    }

    fn write(&mut self, decided: &Decided) -> Result<(), StoreError> {
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
        }
        self.audit.extend(decided.audit.iter().cloned());
        Ok(())
    }

    fn replace_organization(&mut self, organization: Organization) -> Result<u64, StoreError> {
        self.names_are_free(&organization)?;
        self.domains_are_free(&organization)?;
        let held = self.held(&organization.id)?;
        held.whole.organization = organization;
        Ok(held.changed())
    }

    fn held(&mut self, id: &OrganizationId) -> Result<&mut Held, StoreError> {
        self.organizations.get_mut(id).ok_or_else(|| StoreError::organization_unknown(id))
    }

    fn names_are_free(&self, organization: &Organization) -> Result<(), StoreError> {
        let others = || {
            let all = self.organizations.values().map(|held| &held.whole.organization);
            all.filter(|other| other.id != organization.id)
        };
        let key = Organization::slug_key(&organization.slug);
        if others().any(|other| Organization::slug_key(&other.slug) == key) {
            return Err(StoreError::taken("the organization's slug"));
        }
        let has = |other: &Organization| {
            other.tokens.iter().any(|record| organization.tokens.iter().any(|own| own.hash == record.hash))
        };
        if others().any(has) {
            return Err(StoreError::taken("the organization's token"));
        }
        let connections = organization.own_connections();
        if others().any(|other| !other.own_connections().is_disjoint(&connections)) {
            return Err(StoreError::taken("a connection of the organization"));
        }
        Ok(())
    }

    fn domains_are_free(&self, organization: &Organization) -> Result<(), StoreError> {
        let domains = organization
            .domains()
            .map_err(|source| StoreError::domain_invalid(organization.id.clone(), source))?;
        if domains.iter().any(|domain| self.is_of_another(domain, &organization.id)) {
            return Err(StoreError::taken("a verified domain of the organization"));
        }
        Ok(())
    }
}

impl Held {
    fn is_at(&self, expected: u64) -> Result<(), StoreError> {
        if self.whole.version == expected { Ok(()) } else { Err(self.conflict(expected)) }
    }

    fn conflict(&self, expected: u64) -> StoreError {
        let organization = self.whole.organization.id.clone();
        StoreError::conflict(organization, expected, self.whole.version)
    }

    fn changed(&mut self) -> u64 {
        self.whole.version = self.whole.version.saturating_add(1);
        self.whole.version
    }
}

/// Puts each in the place of the one with its id, or at the end.
fn replace<T: Clone, I: PartialEq>(all: &mut Vec<T>, changed: &[T], id: impl Fn(&T) -> &I) {
    for value in changed {
        match all.iter_mut().find(|known| id(known) == id(value)) {
            Some(known) => known.clone_from(value),
            None => all.push(value.clone()),
        }
    }
}

fn versioned(held: &Held) -> Versioned<Organization> {
    Versioned::new(held.whole.organization.clone(), held.whole.version)
}
