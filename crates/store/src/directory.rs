//! Organizations and their people.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use vouchsafe::{
    ConnectionId,
    provisioning::{
        Account, Domain, EmailAddress, LoginFacts, Organization, OrganizationId, Policy, Project, Snapshot,
        Team,
    },
};

use crate::{
    Answer, Applied, AuditRecord, AuditedRefusal, Author, CompletedSignIn, ConnectionDecision, Decides,
    Decision, OrganizationConnections, SignIn,
};

/// Organizations, their settings, their tokens (as hashes), and their accounts, teams and projects.
///
/// Accounts change by a [`Plan`](vouchsafe::provisioning::Plan) only, which is made inside the transaction that writes it:
/// [`sign_in`](Self::sign_in) for a login, [`decide`](Self::decide) for everything else. There is no version to lose a race on, and
/// nothing to try again.
pub trait Directory: Send + Sync + std::fmt::Debug {
    /// Adds an organization. Its id, its slug (as [`Organization::slug_key`] compares them), its tokens, connections and verified domains must be new: each belongs to one
    /// organization. Like everything else that is added it is audited in the same transaction.
    fn add_organization<'a>(&'a self, organization: &'a Organization, author: &'a Author) -> Answer<'a, ()>;

    /// An organization, and the version that it is at.
    fn organization<'a>(&'a self, id: &'a OrganizationId) -> Answer<'a, Option<Versioned<Organization>>>;

    /// The organization of this slug, as [`Organization::slug_key`] compares them.
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
    /// version it was read at. Answers the next version. A slug, a token, a connection or a verified domain that another
    /// organization has is [`StoreError::Taken`](crate::StoreError::Taken). What differs is
    /// [audited](AuditRecord::of_organization) in the same transaction.
    fn update_organization<'a>(
        &'a self,
        organization: &'a Versioned<Organization>,
        author: &'a Author,
    ) -> Answer<'a, u64>;

    /// The organization's policy; the default one when none was set.
    fn policy<'a>(&'a self, id: &'a OrganizationId) -> Answer<'a, Policy>;

    /// Sets the organization's policy, as TOML, after reading it once, if the organization [may have it](Policy::may_be_set): one that would
    /// lock everybody out is [`StoreError::PolicyRefused`](crate::StoreError::PolicyRefused). It is [audited](AuditRecord::of_policy) in the
    /// same transaction.
    fn set_policy<'a>(&'a self, id: &'a OrganizationId, toml: &'a str, author: &'a Author) -> Answer<'a, ()>;

    /// Adds an account that was not made by a plan, such as an import or the first owner. Its id, its address and its identities must be
    /// new: an account that is there is changed by [`decide`](Self::decide) only.
    fn add_account<'a>(&'a self, account: &'a Account, author: &'a Author) -> Answer<'a, ()>;

    /// Adds a team that was not made by a plan. Its id and its name must be new.
    fn add_team<'a>(&'a self, team: &'a Team, author: &'a Author) -> Answer<'a, ()>;

    /// Adds a project that was not made by a plan. Its id and its name must be new.
    fn add_project<'a>(&'a self, project: &'a Project, author: &'a Author) -> Answer<'a, ()>;

    /// What a login would be decided on now, as [`About::Login`](crate::About::Login) says: for looking at what would happen.
    fn snapshot<'a>(&'a self, login: &'a LoginFacts) -> Answer<'a, Snapshot>;

    /// All of an organization, and nothing of another: for looking at it.
    fn whole<'a>(&'a self, id: &'a OrganizationId) -> Answer<'a, Snapshot>;

    /// The accounts of an organization that are found by a key; nobody where there is no such organization.
    fn accounts_with<'a>(&'a self, id: &'a OrganizationId, key: &'a AccountKey) -> Answer<'a, Vec<Account>>;

    /// Signs somebody in: the replay record, the changes in the directory, the session and the removal of the pending request in one
    /// transaction, in which it is decided too ([`SignIn`] says how).
    fn sign_in(&self, sign_in: SignIn) -> Decides<'_, CompletedSignIn>;

    /// Makes a decision, and writes what comes of it with audit records, in one transaction. Suspension ends the account's sessions.
    fn decide(&self, decision: Decision) -> Decides<'_, Applied>;

    /// Makes a decision over an organization's own record and its connections in the [`ConnectionStore`](crate::ConnectionStore), such as
    /// its conversion, and writes what comes of it in one transaction. Answers both as they are then.
    fn decide_connections(&self, decision: ConnectionDecision) -> Decides<'_, OrganizationConnections>;

    /// Notes in the audit that something was refused, unless it was noted in this hour, or too much was. What [`sign_in`](Self::sign_in) and
    /// [`decide`](Self::decide) refuse they note themselves.
    fn note_refusal<'a>(&'a self, refused: &'a AuditedRefusal) -> Answer<'a, ()>;

    /// What changed in an organization, and what was refused, oldest first.
    fn audit<'a>(&'a self, id: &'a OrganizationId) -> Answer<'a, Vec<AuditRecord>>;
}

/// What accounts are found by without a sign-in. `Debug` shows nothing personal.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccountKey {
    /// It has this e-mail address.
    Email(EmailAddress),
    /// The identity provider of a connection names its person so: by the subject of an identity over it, whatever that is a value of, or by
    /// the `externalId` that it pushed by SCIM. Compared byte by byte.
    #[non_exhaustive]
    Subject {
        /// The connection.
        connection: ConnectionId,
        /// The name.
        subject: String,
    },
}

impl AccountKey {
    /// A name that the identity provider of a connection gave somebody.
    pub fn subject(connection: ConnectionId, subject: impl Into<String>) -> Self {
        Self::Subject { connection, subject: subject.into() }
    }

    /// Whether an account is found by it.
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
/// It is asked for at each sign-in, inside the lock. So the last ones are remembered by their text, which is all that they depend on.
pub(crate) fn parsed_policy(id: &OrganizationId, toml: Option<&str>) -> Result<Policy, crate::StoreError> {
    static PARSED: LazyLock<Mutex<HashMap<String, Policy>>> = LazyLock::new(Mutex::default);
    /// How many, of texts that are short enough.
    const MOST: usize = 256;
    const LONGEST: usize = 16 * 1024;
    let Some(toml) = toml else { return Ok(Policy::default()) };
    let parsed = || PARSED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(policy) = parsed().get(toml) {
        return Ok(policy.clone());
    }
    let read = Policy::from_toml(toml);
    let policy = read.map_err(|source| crate::StoreError::Policy { organization: id.clone(), source })?;
    if toml.len() <= LONGEST {
        let mut parsed = parsed();
        if parsed.len() >= MOST {
            parsed.clear();
        }
        parsed.insert(toml.to_owned(), policy.clone());
    }
    Ok(policy)
}
