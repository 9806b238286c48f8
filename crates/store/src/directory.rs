//! Organizations and their people.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use vouchsafe::provisioning::{
    Account, AccountId, Domain, LoginFacts, Organization, OrganizationId, Plan, Policy, Project, Snapshot,
    Team,
};

use crate::{Answer, AuditRecord, SignInError};

/// Organizations, their settings, their tokens (as hashes), and their accounts, teams and projects.
///
/// What a login changes comes as a [`Plan`] and is [applied](Self::apply); everything else is made by hand with
/// the other methods. [`SignIn`] is implemented on top of it for every directory.
pub trait Directory: Send + Sync + std::fmt::Debug {
    /// Adds an organization. Its id, slug, tokens and verified domains must be new: a domain belongs to one
    /// organization.
    fn add_organization<'a>(&'a self, organization: &'a Organization) -> Answer<'a, ()>;

    /// An organization, and the version that it is at.
    fn organization<'a>(&'a self, id: &'a OrganizationId) -> Answer<'a, Option<Versioned<Organization>>>;

    /// The organization of this slug.
    fn organization_by_slug<'a>(&'a self, slug: &'a str) -> Answer<'a, Option<Versioned<Organization>>>;

    /// The organization that has verified this domain, converted or not.
    ///
    /// It is where a person with an address of the domain signs in. Accounts are not asked: any identity
    /// provider can assert any address, so that accounts would let one customer attract or block another's
    /// people, and the answer would tell who has one.
    fn organization_by_domain<'a>(
        &'a self,
        domain: &'a Domain,
    ) -> Answer<'a, Option<Versioned<Organization>>>;

    /// All organizations' ids, in order.
    fn organizations(&self) -> Answer<'_, Vec<OrganizationId>>;

    /// Replaces an organization (name, entitlement, conversion, tokens, seats, domains) that is still at the
    /// version it was read at. Answers the next version. A slug, a token or a verified domain that another
    /// organization has is [`StoreError::Taken`](crate::StoreError::Taken).
    fn update_organization<'a>(&'a self, organization: &'a Versioned<Organization>) -> Answer<'a, u64>;

    /// The organization's policy; the default one when none was set.
    fn policy<'a>(&'a self, id: &'a OrganizationId) -> Answer<'a, Policy>;

    /// Sets the organization's policy, as TOML, after reading it once.
    fn set_policy<'a>(&'a self, id: &'a OrganizationId, toml: &'a str) -> Answer<'a, ()>;

    /// The metadata of the organization's identity provider.
    fn metadata<'a>(&'a self, id: &'a OrganizationId) -> Answer<'a, Option<StoredMetadata>>;

    /// Keeps the metadata of the organization's identity provider.
    fn set_metadata<'a>(&'a self, id: &'a OrganizationId, metadata: &'a StoredMetadata) -> Answer<'a, ()>;

    /// Makes or replaces an account, by hand.
    fn put_account<'a>(&'a self, account: &'a Account) -> Answer<'a, ()>;

    /// Makes or replaces a team, by hand.
    fn put_team<'a>(&'a self, team: &'a Team) -> Answer<'a, ()>;

    /// Makes or replaces a project, by hand.
    fn put_project<'a>(&'a self, project: &'a Project) -> Answer<'a, ()>;

    /// What a login is planned on: the organization that has the token that came or else the identity provider,
    /// its teams and projects, those of its accounts that the login could mean, and those of the domains in it
    /// that [another organization has verified](Snapshot::domains_of_others).
    fn snapshot<'a>(&'a self, login: &'a LoginFacts) -> Answer<'a, Snapshot>;

    /// All of an organization, and nothing of another: for looking at it and for changes by hand. A login is
    /// planned on [`snapshot`](Self::snapshot).
    fn whole<'a>(&'a self, id: &'a OrganizationId) -> Answer<'a, Snapshot>;

    /// Applies a plan in one transaction, with audit records, if the organization is still at the version that
    /// was planned on, and no other organization has verified a [domain that it gives](Plan::domains_taken):
    /// [`StoreError::Conflict`](crate::StoreError::Conflict) otherwise. Suspension ends the account's sessions.
    ///
    /// A plan that [repeats](Plan::repeats) one that was applied before, under the same
    /// [key](Plan::idempotency_key), changes nothing and answers the same. One of another person, account or
    /// organization under that key is [`StoreError::AssertionReused`](crate::StoreError::AssertionReused). Keys
    /// are kept as long as replay records, and forgotten by
    /// [`ReplayStore::sweep_replays`](crate::ReplayStore::sweep_replays).
    fn apply<'a>(&'a self, plan: &'a Plan) -> Answer<'a, Applied>;

    /// What changed in an organization, oldest first.
    fn audit<'a>(&'a self, id: &'a OrganizationId) -> Answer<'a, Vec<AuditRecord>>;
}

/// A value and the version of the organization at which it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Versioned<T> {
    /// The value.
    pub value: T,
    /// The version.
    pub version: u64,
}

impl<T> Versioned<T> {
    /// A value at a version.
    #[must_use]
    pub fn new(value: T, version: u64) -> Self {
        Self { value, version }
    }
}

/// Metadata of an identity provider as it was loaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StoredMetadata {
    /// The document.
    pub document: String,
    /// Where it came from, for the next time; `None`: it was uploaded.
    pub source: Option<String>,
    /// When it was loaded.
    pub loaded_at: DateTime<Utc>,
}

impl StoredMetadata {
    /// A document that was just loaded.
    pub fn new(document: impl Into<String>, source: Option<String>, loaded_at: DateTime<Utc>) -> Self {
        Self { document: document.into(), source, loaded_at }
    }
}

/// What came of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Applied {
    /// The organization.
    pub organization: OrganizationId,
    /// The account, with its id if the plan made it.
    pub account: AccountId,
    /// Whether it had been applied before.
    pub repeated: bool,
}

/// How often a sign-in is planned again when others change the organization at the same time.
const ATTEMPTS: usize = 64;

/// The way from a login to an account, for every [`Directory`].
pub trait SignIn: Directory {
    /// [`Directory::snapshot`] for anything that is a login.
    fn snapshot_for(
        &self,
        login: impl Into<LoginFacts>,
    ) -> impl Future<Output = Result<Snapshot, crate::StoreError>> + Send {
        let login = login.into();
        async move { self.snapshot(&login).await }
    }

    /// Snapshot, plan, apply; again from the start when somebody else was faster. Answers the plan that was
    /// applied, for its explanation, and what came of it.
    ///
    /// `policy` is asked for with the organization found: `None` takes the stored one.
    fn sign_in(
        &self,
        policy: Option<&Policy>,
        login: impl Into<LoginFacts>,
    ) -> impl Future<Output = Result<(Plan, Applied), SignInError>> + Send {
        let login = login.into();
        async move {
            let mut attempts = 1..ATTEMPTS;
            loop {
                let snapshot = self.snapshot(&login).await?;
                let plan = match policy {
                    Some(policy) => policy.plan(&login, &snapshot)?,
                    None => self.policy(&snapshot.organization.id).await?.plan(&login, &snapshot)?,
                };
                match self.apply(&plan).await {
                    Err(conflict) if conflict.is_conflict() && attempts.next().is_some() => {}
                    Err(failure) => return Err(failure.into()),
                    Ok(applied) => return Ok((plan, applied)),
                }
            }
        }
    }
}

impl<D: Directory + ?Sized> SignIn for D {}

/// The policy that is stored as this text.
pub(crate) fn parsed_policy(id: &OrganizationId, toml: Option<&str>) -> Result<Policy, crate::StoreError> {
    let read = toml.map_or_else(|| Ok(Policy::default()), Policy::from_toml);
    read.map_err(|source| crate::StoreError::Policy { organization: id.clone(), source })
}
