//! Organizations and their people.

use std::sync::{LazyLock, Mutex, PoisonError};

use vouchsafe::{
    ConnectionId, RecentlyUsed,
    provisioning::{
        Account, Domain, EmailAddress, LoginFacts, Organization, OrganizationId, Policy, Project, Snapshot,
        Team,
    },
};

use crate::{
    Answer, Applied, AuditRecord, AuditedRefusal, Author, CompletedSignIn, ConnectionDecision, Decides,
    Decision, NewCustomer, OrganizationConnections, SignIn, SignInError, StoreError,
};

/// Organizations, their settings, their tokens (as hashes), and their accounts, teams and projects.
///
/// Accounts change only by a [`Plan`](vouchsafe::provisioning::Plan), which is made inside the transaction that writes
/// it: [`sign_in`](Self::sign_in) for a login, [`decide`](Self::decide) for everything else. There is no version to
/// conflict on and nothing to retry.
pub trait Directory: Send + Sync + std::fmt::Debug {
    /// Adds a whole customer in one transaction: an organization with everything that its policy needs, the policy, and the
    /// connection over which its people sign in. The organization's id, its slug (as [`Organization::slug_key`] compares
    /// slugs), its tokens, connections and verified domains must be new, since each belongs to one organization. Every
    /// addition is audited in the same transaction.
    fn add_customer<'a>(
        &'a self,
        customer: &'a NewCustomer,
        author: &'a Author,
    ) -> Decides<'a, OrganizationConnections>;

    /// Adds an organization alone: a [customer](Self::add_customer) without anything else.
    fn add_organization<'a>(&'a self, organization: &'a Organization, author: &'a Author) -> Answer<'a, ()> {
        let customer = NewCustomer::new(organization.clone());
        Box::pin(async move {
            match self.add_customer(&customer, author).await {
                Ok(_) => Ok(()),
                Err(SignInError::Store(failure)) => Err(failure),
                Err(refused) => Err(StoreError::backend(refused)),
            }
        })
    }

    /// An organization and its current version.
    fn organization<'a>(&'a self, id: &'a OrganizationId) -> Answer<'a, Option<Versioned<Organization>>>;

    /// The organization with this slug, as [`Organization::slug_key`] compares slugs.
    fn organization_by_slug<'a>(&'a self, slug: &'a str) -> Answer<'a, Option<Versioned<Organization>>>;

    /// The organization that has verified this domain, converted or not.
    ///
    /// A person with an address of the domain signs in there. Accounts are deliberately not searched: any identity
    /// provider can assert any address, so one customer could attract or block another customer's people, and the
    /// answer would tell who has an account.
    fn organization_by_domain<'a>(
        &'a self,
        domain: &'a Domain,
    ) -> Answer<'a, Option<Versioned<Organization>>>;

    /// The ids of all organizations, sorted.
    fn organizations(&self) -> Answer<'_, Vec<OrganizationId>>;

    /// Replaces an organization (name, entitlement, conversion, tokens, seats, domains) if it is still at the version
    /// that was read, and answers the next version. The error is [`StoreError::Taken`](crate::StoreError::Taken) if
    /// another organization has the slug, a token, a connection or a verified domain. The differences are
    /// [audited](AuditRecord::of_organization) in the same transaction.
    fn update_organization<'a>(
        &'a self,
        organization: &'a Versioned<Organization>,
        author: &'a Author,
    ) -> Answer<'a, u64>;

    /// The organization's policy, or the default policy if none was set.
    fn policy<'a>(&'a self, id: &'a OrganizationId) -> Answer<'a, Policy>;

    /// The text of the organization's policy, as it was set; `None` if none was set.
    fn policy_text<'a>(&'a self, id: &'a OrganizationId) -> Answer<'a, Option<String>>;

    /// Sets the organization's policy if the stored text is still `before`, which [`policy_text`](Self::policy_text)
    /// answered; otherwise [`StoreError::PolicyConflict`](crate::StoreError::PolicyConflict). Use it for a policy that a
    /// person has edited, so that of two people at the same time neither loses the change of the other.
    fn replace_policy<'a>(
        &'a self,
        id: &'a OrganizationId,
        before: Option<&'a str>,
        toml: &'a str,
        author: &'a Author,
    ) -> Answer<'a, ()>;

    /// Sets the organization's policy from TOML, whatever it was before. The text is parsed first, and the organization [must be allowed to
    /// have it](Policy::may_be_set): a policy that would lock everybody out is
    /// [`StoreError::PolicyRefused`](crate::StoreError::PolicyRefused). The change is [audited](AuditRecord::of_policy)
    /// in the same transaction.
    fn set_policy<'a>(&'a self, id: &'a OrganizationId, toml: &'a str, author: &'a Author) -> Answer<'a, ()>;

    /// Adds an account without a plan, such as an imported one or the first owner. Its id, its address and its
    /// identities must be new. An existing account is changed only by [`decide`](Self::decide).
    fn add_account<'a>(&'a self, account: &'a Account, author: &'a Author) -> Answer<'a, ()>;

    /// Adds a team without a plan. Its id and its name must be new.
    fn add_team<'a>(&'a self, team: &'a Team, author: &'a Author) -> Answer<'a, ()>;

    /// Adds a project without a plan. Its id and its name must be new.
    fn add_project<'a>(&'a self, project: &'a Project, author: &'a Author) -> Answer<'a, ()>;

    /// The snapshot that a login would be decided on now, as [`About::Login`](crate::About::Login) says. Use it to show
    /// what would happen.
    fn snapshot<'a>(&'a self, login: &'a LoginFacts) -> Answer<'a, Snapshot>;

    /// The snapshot of one organization on which a login would be decided with this policy, if its connection belonged to
    /// the organization: for the trial of a draft. It contains what [`snapshot`](Self::snapshot) reads, and not all people.
    /// The login's tokens are not looked up, so those of other organizations mean nothing.
    fn snapshot_of_trial<'a>(
        &'a self,
        id: &'a OrganizationId,
        policy: &'a Policy,
        login: &'a LoginFacts,
    ) -> Answer<'a, Snapshot>;

    /// All of one organization, and nothing of any other, for display.
    fn whole<'a>(&'a self, id: &'a OrganizationId) -> Answer<'a, Snapshot>;

    /// The accounts of an organization that a key finds; empty if the organization does not exist.
    fn accounts_with<'a>(&'a self, id: &'a OrganizationId, key: &'a AccountKey) -> Answer<'a, Vec<Account>>;

    /// Signs a person in. The decision, the replay record, the changes in the directory, the session and the removal of
    /// the pending request are one transaction ([`SignIn`] describes it).
    fn sign_in(&self, sign_in: SignIn) -> Decides<'_, CompletedSignIn>;

    /// Makes a decision and writes the result with its audit records in one transaction. A suspension ends the
    /// account's sessions.
    fn decide(&self, decision: Decision) -> Decides<'_, Applied>;

    /// Makes a decision over an organization's own record and its connections in the
    /// [`ConnectionStore`](crate::ConnectionStore), such as its conversion, and writes the result in one transaction.
    /// Answers both as they are afterwards.
    fn decide_connections(&self, decision: ConnectionDecision) -> Decides<'_, OrganizationConnections>;

    /// Writes a refusal to the audit, unless it was written in this hour or there were too many.
    /// [`sign_in`](Self::sign_in) and [`decide`](Self::decide) do this themselves for what they refuse.
    fn note_refusal<'a>(&'a self, refused: &'a AuditedRefusal) -> Answer<'a, ()>;

    /// The changes and refusals in an organization, oldest first.
    fn audit<'a>(&'a self, id: &'a OrganizationId) -> Answer<'a, Vec<AuditRecord>>;
}

/// A key that finds accounts without a sign-in. `Debug` shows nothing personal.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccountKey {
    /// The accounts with this e-mail address.
    Email(EmailAddress),
    /// The accounts whose person the identity provider of a connection knows by this name: the subject of an identity
    /// over the connection, whatever attribute that is a value of, or the `externalId` that was pushed by SCIM.
    /// Compared byte by byte.
    #[non_exhaustive]
    Subject {
        /// The connection.
        connection: ConnectionId,
        /// The name.
        subject: String,
    },
}

impl AccountKey {
    /// A name that the identity provider of a connection gave to a person.
    pub fn subject(connection: ConnectionId, subject: impl Into<String>) -> Self {
        Self::Subject { connection, subject: subject.into() }
    }

    /// Whether the key finds this account.
    #[must_use]
    pub fn means(&self, account: &Account) -> bool {
        match self {
            Self::Email(email) => EmailAddress::parse(&account.email).as_ref() == Ok(email),
            Self::Subject { connection, subject } => {
                let mut own = account.identities.iter().filter(|identity| identity.connection == *connection);
                let record = account.scim_record(connection);
                own.any(|identity| identity.subject == *subject)
                    || record.is_some_and(|record| record.external_id.as_ref() == Some(subject))
            }
        }
    }
}

impl std::fmt::Debug for AccountKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Email(_) => "Email(..)",
            Self::Subject { .. } => "Subject { .. }",
        })
    }
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

/// The policy that is stored as this text.
///
/// It is needed at each sign-in, inside the lock, so the last ones are cached by their text. The result depends on
/// nothing else.
pub(crate) fn parsed_policy(id: &OrganizationId, toml: Option<&str>) -> Result<Policy, crate::StoreError> {
    /// The least number of cached policies, if their texts are short enough.
    const LEAST: usize = 128;
    const LONGEST: usize = 16 * 1024;
    static PARSED: LazyLock<Mutex<RecentlyUsed<String, Policy>>> =
        LazyLock::new(|| Mutex::new(RecentlyUsed::at_least(LEAST)));
    let Some(toml) = toml else { return Ok(Policy::default()) };
    let parsed = || PARSED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(policy) = parsed().get(toml) {
        return Ok(policy.clone());
    }
    let read = Policy::from_toml(toml);
    let policy = read.map_err(|source| crate::StoreError::Policy { organization: id.clone(), source })?;
    if toml.len() <= LONGEST {
        parsed().insert(toml.to_owned(), policy.clone());
    }
    Ok(policy)
}
