//! What a SCIM service provider keeps: the resources that identity providers push, and the tokens that they push with.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vouchsafe::{
    ConnectionId,
    provisioning::{Account, AccountId, GroupId, OrganizationId, Plan, ScimChange, ScimFact, TokenHash},
};

use crate::{Answer, Author, Decided, Decides, Decision, Directory, ScimToken, StoreError};

/// Keeps the SCIM resources of connections beside the [`Directory`], and changes both in one transaction.
///
/// A User resource is an account as the identity provider of one connection sees it; its id is the account's. Nothing of another connection is
/// ever answered.
pub trait ScimStore: Directory {
    /// Of the resources of a connection that are [found so](ScimKey), those from this place on in the order in which they were made, and so many
    /// at most.
    ///
    /// What is made meanwhile stands at the end, and what is changed stays in its place. From [`ScimFrom::After`] it goes on behind a
    /// resource, whatever is removed meanwhile.
    fn find_scim<'a>(
        &'a self,
        connection: &'a ConnectionId,
        kind: ScimKind,
        by: &'a ScimKey,
        from: ScimFrom,
        most: usize,
    ) -> Answer<'a, Vec<ScimResource>>;

    /// How many resources of a connection are found so.
    fn count_scim<'a>(
        &'a self,
        connection: &'a ConnectionId,
        kind: ScimKind,
        by: &'a ScimKey,
    ) -> Answer<'a, usize>;

    /// The names of the resources of a connection with these ids, by id: `userName` or `displayName`. Others have none.
    fn scim_names<'a>(
        &'a self,
        connection: &'a ConnectionId,
        kind: ScimKind,
        ids: &'a [String],
    ) -> Answer<'a, BTreeMap<String, String>>;

    /// The accounts of an organization with these ids.
    fn scim_accounts<'a>(
        &'a self,
        organization: &'a OrganizationId,
        accounts: &'a [AccountId],
    ) -> Answer<'a, Vec<Account>>;

    /// Who is in these groups, each group for itself, and by account.
    fn scim_members<'a>(&'a self, groups: &'a [GroupId]) -> Answer<'a, Vec<(GroupId, AccountId)>>;

    /// How many are in each of these groups. A group without members may be left out.
    fn count_scim_members<'a>(&'a self, groups: &'a [GroupId]) -> Answer<'a, BTreeMap<GroupId, usize>>;

    /// In how many groups each of these accounts is. An account in none may be left out.
    fn count_scim_groups<'a>(&'a self, accounts: &'a [AccountId]) -> Answer<'a, BTreeMap<AccountId, usize>>;

    /// Plans what an identity provider asks for, and writes what comes of it with the resource and audit records, in one transaction.
    /// [`StoreError::ScimConflict`] if the resource is at another revision than it was read at.
    fn decide_scim(&self, decision: ScimDecision) -> Decides<'_, ScimApplied>;

    /// The token with this hash, whatever it is worth.
    fn scim_token<'a>(&'a self, hash: &'a TokenHash) -> Answer<'a, Option<ScimToken>>;

    /// The tokens of a connection, oldest first.
    fn scim_tokens<'a>(&'a self, connection: &'a ConnectionId) -> Answer<'a, Vec<ScimToken>>;

    /// Keeps a new token. Those of its connection that work now go on working until `others_end` at the latest; with `None` as before. It is
    /// audited.
    fn add_scim_token<'a>(
        &'a self,
        token: &'a ScimToken,
        others_end: Option<DateTime<Utc>>,
        author: &'a Author,
    ) -> Answer<'a, ()>;

    /// Revokes the token of a connection with this [id](ScimToken::id) at once; whether there was one that was not revoked. It is audited.
    fn revoke_scim_token<'a>(
        &'a self,
        connection: &'a ConnectionId,
        id: &'a str,
        author: &'a Author,
    ) -> Answer<'a, bool>;

    /// Notes that a token was used.
    fn scim_token_used<'a>(&'a self, hash: &'a TokenHash, at: DateTime<Utc>) -> Answer<'a, ()>;
}

/// What a SCIM resource is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ScimKind {
    /// A person.
    User,
    /// A group of people.
    Group,
}

impl ScimKind {
    /// The name of the resource type: `User` or `Group`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }
}

/// What resources are found by.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScimKey {
    /// All of them.
    All,
    /// They have one of these ids.
    Ids(Vec<String>),
    /// `userName` or `displayName`, whatever the case of the letters.
    Name(String),
    /// `externalId`.
    ExternalId(String),
    /// A user's `displayName`, as [`search_key`](ScimResource::search_key) compares it: others may be found as well.
    DisplayName(String),
    /// One of a user's `emails`, as [`search_key`](ScimResource::search_key) compares it: others may be found as well.
    Email(String),
    /// The groups that the user with this id is in.
    Member(String),
    /// The users whose accounts may not be used.
    Inactive,
}

impl ScimKey {
    /// The one of this id.
    #[must_use]
    pub fn id(id: &str) -> Self {
        Self::Ids(vec![id.to_owned()])
    }
}

impl fmt::Debug for ScimKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::All => "All",
            Self::Ids(_) => "Ids(..)",
            Self::Name(_) => "Name(..)",
            Self::ExternalId(_) => "ExternalId(..)",
            Self::DisplayName(_) => "DisplayName(..)",
            Self::Email(_) => "Email(..)",
            Self::Member(_) => "Member(..)",
            Self::Inactive => "Inactive",
        })
    }
}

/// Where a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScimFrom {
    /// At this place, counted from 0.
    Index(usize),
    /// Behind the resource of this [number](ScimResource::number).
    After(u64),
}

/// A resource as an identity provider pushed it. `Debug` shows nothing personal.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ScimResource {
    /// The connection.
    pub connection: ConnectionId,
    /// What it is.
    pub kind: ScimKind,
    /// The id of its account, or of its group.
    pub id: String,
    /// `userName` or `displayName`: unique at the connection among those of its kind, whatever the case of the letters.
    pub name: String,
    /// `externalId`.
    #[serde(default)]
    pub external_id: Option<String>,
    /// What the identity provider said of it, without members.
    pub attributes: Map<String, Value>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub modified_at: DateTime<Utc>,
    /// How often it was written, from 1 on.
    pub revision: u64,
    /// Its place in the order in which the resources of a store were made.
    #[serde(default)]
    pub number: u64,
}

impl ScimResource {
    /// The form in which names are compared.
    #[must_use]
    pub fn name_key(name: &str) -> String {
        crate::text::folded(name)
    }

    /// The form in which `displayName` and `emails` are searched for: without white space around it, in lower case, and no more than 128
    /// characters of it. What is equal to a text has the same form, and so may something else.
    #[must_use]
    pub fn search_key(text: &str) -> String {
        const LONGEST: usize = 128;
        crate::text::folded(text)
            .chars()
            .take(LONGEST)
            .map(|one| if one == '\0' { '\u{fffd}' } else { one })
            .collect()
    }

    /// A user's `displayName`, as it is [searched for](Self::search_key).
    #[must_use]
    pub fn display_name_key(&self) -> Option<String> {
        let name = self.attributes.get("displayName").filter(|_| self.kind == ScimKind::User);
        name.and_then(Value::as_str).map(Self::search_key)
    }

    /// A user's `emails`, as they are [searched for](Self::search_key).
    #[must_use]
    pub fn email_keys(&self) -> BTreeSet<String> {
        let emails = self.attributes.get("emails").filter(|_| self.kind == ScimKind::User);
        let emails = emails.and_then(Value::as_array).into_iter().flatten();
        let values = emails.filter_map(|email| email.get("value").and_then(Value::as_str));
        values.map(Self::search_key).collect()
    }
}

impl fmt::Debug for ScimResource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ScimResource")
            .field("connection", &self.connection)
            .field("kind", &self.kind)
            .field("id", &self.id)
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}

/// What an identity provider asks for, and what its resource is from then on.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ScimDecision {
    /// The organization of the connection.
    pub organization: OrganizationId,
    /// What is asked for.
    pub fact: ScimFact,
    /// The resource that the fact was made from, and its revision; `None` for one that is made.
    pub from: Option<ScimRevision>,
    /// What is written of it.
    pub write: ScimWrite,
}

impl ScimDecision {
    /// A decision.
    #[must_use]
    pub fn new(
        organization: OrganizationId,
        fact: ScimFact,
        from: Option<ScimRevision>,
        write: ScimWrite,
    ) -> Self {
        Self { organization, fact, from, write }
    }

    /// For stores: the id of the resource that it is about, which may be that of the account that was found or made.
    #[must_use]
    pub fn resource_id<'a>(&'a self, decided: &'a Decided) -> Option<&'a str> {
        match (&self.from, &self.fact.change) {
            (Some(from), _) => Some(&from.id),
            (None, ScimChange::CreateGroup { id, .. }) => Some(id.as_str()),
            _ => decided.account.as_ref().map(AccountId::as_str),
        }
    }

    /// For stores: what the resource is.
    #[must_use]
    pub fn kind(&self) -> ScimKind {
        match &self.fact.change {
            ScimChange::CreateUser(_) | ScimChange::SetUser { .. } | ScimChange::DeleteUser { .. } => {
                ScimKind::User
            }
            _ => ScimKind::Group,
        }
    }

    /// For stores: the decision over the directory.
    #[must_use]
    pub fn decision(&self) -> Decision {
        Decision::scim(self.organization.clone(), self.fact.clone())
    }

    /// For stores: what is written of the resource; `None`: it is removed. `stored` was read in the transaction, by the connection and
    /// [`resource_id`](Self::resource_id).
    ///
    /// # Errors
    /// [`StoreError::ScimConflict`] if the resource is not at the revision that it was read at, or is there where a new one is made.
    pub fn written(
        &self,
        stored: Option<&ScimResource>,
        decided: &Decided,
    ) -> Result<Option<ScimResource>, StoreError> {
        if self.from.as_ref().map(|from| from.revision) != stored.map(|stored| stored.revision) {
            return Err(StoreError::scim_conflict());
        }
        let ScimWrite::Put(form) = &self.write else { return Ok(None) };
        let id = self.resource_id(decided);
        let id = id.ok_or_else(|| StoreError::damaged("plan", "it is about no account"))?;
        let written = ScimResource {
            connection: self.fact.connection.clone(),
            kind: form.kind,
            id: id.to_owned(),
            name: form.name.clone(),
            external_id: form.external_id.clone(),
            attributes: form.attributes.clone(),
            created_at: stored.map_or(self.fact.at, |stored| stored.created_at),
            modified_at: stored.map_or(self.fact.at, |stored| stored.modified_at),
            revision: stored.map_or(0, |stored| stored.revision),
            number: stored.map_or(0, |stored| stored.number),
        };
        match stored == Some(&written) && decided.plan.is_empty() {
            true => Ok(Some(written)),
            false => Ok(Some(ScimResource {
                modified_at: written.modified_at.max(self.fact.at),
                revision: written.revision.saturating_add(1),
                ..written
            })),
        }
    }
}

/// A resource at a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScimRevision {
    /// What it is.
    pub kind: ScimKind,
    /// Its id.
    pub id: String,
    /// Its revision.
    pub revision: u64,
}

impl From<&ScimResource> for ScimRevision {
    fn from(resource: &ScimResource) -> Self {
        Self { kind: resource.kind, id: resource.id.clone(), revision: resource.revision }
    }
}

/// What is written of a resource.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ScimWrite {
    /// It is so from now on.
    Put(ScimForm),
    /// It is gone, and in no answer any more.
    Remove,
}

/// What a resource is from now on. `Debug` shows nothing personal.
#[derive(Clone)]
#[non_exhaustive]
pub struct ScimForm {
    /// What it is.
    pub kind: ScimKind,
    /// Its name.
    pub name: String,
    /// Its `externalId`.
    pub external_id: Option<String>,
    /// Everything that was said of it, without members.
    pub attributes: Map<String, Value>,
}

impl ScimForm {
    /// A form.
    #[must_use]
    pub fn new(
        kind: ScimKind,
        name: String,
        external_id: Option<String>,
        attributes: Map<String, Value>,
    ) -> Self {
        Self { kind, name, external_id, attributes }
    }
}

impl fmt::Debug for ScimForm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ScimForm").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// What came of a decision.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ScimApplied {
    /// The plan.
    pub plan: Plan,
    /// The resource as it is now; `None` once it is gone.
    pub resource: Option<ScimResource>,
}

impl ScimApplied {
    /// For stores: what came of a decision.
    #[must_use]
    pub fn new(plan: Plan, resource: Option<ScimResource>) -> Self {
        Self { plan, resource }
    }
}
