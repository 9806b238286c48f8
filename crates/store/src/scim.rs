//! What a SCIM service provider stores: the resources that identity providers push, and the bearer tokens that they
//! use.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vouchsafe::{
    ConnectionId,
    provisioning::{Account, AccountId, GroupId, OrganizationId, TokenHash},
};

use crate::{Answer, Author, Decides, Directory, ScimApplied, ScimDecision, ScimToken};

/// Stores the SCIM resources of connections next to the [`Directory`], and changes both in one transaction.
///
/// A User resource is an account as the identity provider of one connection sees it, and has the account's id. No
/// method answers anything of another connection.
pub trait ScimStore: Directory {
    /// A page of the resources of a connection that a [key](ScimKey) finds, in the order in which they were created.
    ///
    /// A resource that is created meanwhile comes at the end, and one that is changed keeps its position.
    /// [`ScimFrom::After`] continues after a resource, whatever is removed meanwhile.
    fn find_scim<'a>(
        &'a self,
        connection: &'a ConnectionId,
        kind: ScimKind,
        by: &'a ScimKey,
        page: ScimPage,
    ) -> Answer<'a, Vec<ScimResource>>;

    /// The number of resources of a connection that a key finds.
    fn count_scim<'a>(
        &'a self,
        connection: &'a ConnectionId,
        kind: ScimKind,
        by: &'a ScimKey,
    ) -> Answer<'a, usize>;

    /// The names (`userName` or `displayName`) of the resources of a connection with these ids, by id. Unknown ids are
    /// left out.
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

    /// The members of these groups: pairs of group and account.
    fn scim_members<'a>(&'a self, groups: &'a [GroupId]) -> Answer<'a, Vec<(GroupId, AccountId)>>;

    /// The number of members of each of these groups. A group without members may be left out.
    fn count_scim_members<'a>(&'a self, groups: &'a [GroupId]) -> Answer<'a, BTreeMap<GroupId, usize>>;

    /// The number of groups that each of these accounts is in. An account in none may be left out.
    fn count_scim_groups<'a>(&'a self, accounts: &'a [AccountId]) -> Answer<'a, BTreeMap<AccountId, usize>>;

    /// Plans a SCIM request, and writes the result with the resource and the audit records in one transaction. The
    /// error is [`StoreError::ScimConflict`](crate::StoreError::ScimConflict) if the resource is no longer at the revision that was read.
    ///
    /// The transaction reads the token of the request again, so that nothing is written after a revocation was answered,
    /// however long ago the request began ([`ScimDecision::is_still_acceptable`]).
    fn decide_scim(&self, decision: ScimDecision) -> Decides<'_, ScimApplied>;

    /// The token with this hash, even if it has expired or was revoked.
    fn scim_token<'a>(&'a self, hash: &'a TokenHash) -> Answer<'a, Option<ScimToken>>;

    /// The tokens of a connection, oldest first.
    fn scim_tokens<'a>(&'a self, connection: &'a ConnectionId) -> Answer<'a, Vec<ScimToken>>;

    /// Stores a new token of one of the organization's connections ([`ScimToken::may_be_added`]). The connection's other
    /// valid tokens remain valid until `others_end` at the latest; with `None` they are unchanged. It is audited.
    fn add_scim_token<'a>(
        &'a self,
        token: &'a ScimToken,
        others_end: Option<DateTime<Utc>>,
        author: &'a Author,
    ) -> Answer<'a, ()>;

    /// Revokes the token of a connection with this [id](ScimToken::id) at once, and answers whether there was one that
    /// was not revoked. It is audited.
    fn revoke_scim_token<'a>(
        &'a self,
        connection: &'a ConnectionId,
        id: &'a str,
        author: &'a Author,
    ) -> Answer<'a, bool>;

    /// Records that a token was used.
    fn scim_token_used<'a>(&'a self, hash: &'a TokenHash, at: DateTime<Utc>) -> Answer<'a, ()>;
}

/// The kind of a SCIM resource.
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

/// A key that finds resources.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScimKey {
    /// All of them.
    All,
    /// The resources with these ids.
    Ids(Vec<String>),
    /// By `userName` or `displayName`, ignoring case.
    Name(String),
    /// By `externalId`.
    ExternalId(String),
    /// By a user's `displayName`, as [`search_key`](ScimResource::search_key) compares it. Other resources may be found
    /// as well.
    DisplayName(String),
    /// By one of a user's `emails`, as [`search_key`](ScimResource::search_key) compares it. Other resources may be
    /// found as well.
    Email(String),
    /// The groups that the user with this id is in.
    Member(String),
    /// The users whose accounts are not active.
    Inactive,
}

impl ScimKey {
    /// The resource with this id.
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

/// The start of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScimFrom {
    /// At this position, counted from 0.
    Index(usize),
    /// After the resource with this [number](ScimResource::number).
    After(u64),
}

/// A page of resources.
///
/// ```
/// use vouchsafe_store::{ScimFrom, ScimPage};
///
/// let (first, second) = (ScimPage::first(100), ScimPage { from: ScimFrom::Index(100), most: 100 });
/// assert_eq!(first, ScimPage { from: ScimFrom::Index(0), ..second });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScimPage {
    /// Where it starts.
    pub from: ScimFrom,
    /// The largest number of resources on it.
    pub most: usize,
}

impl ScimPage {
    /// The first page, with at most this number of resources.
    #[must_use]
    pub fn first(most: usize) -> Self {
        Self { from: ScimFrom::Index(0), most }
    }
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
    /// `userName` or `displayName`. It is unique among the connection's resources of the same kind, ignoring case.
    pub name: String,
    /// `externalId`.
    #[serde(default)]
    pub external_id: Option<String>,
    /// The attributes that the identity provider sent, without members.
    pub attributes: Map<String, Value>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub modified_at: DateTime<Utc>,
    /// How often it was written, starting at 1.
    pub revision: u64,
    /// Its position in the order in which the store's resources were created.
    #[serde(default)]
    pub number: u64,
}

impl ScimResource {
    /// The form in which names are compared.
    #[must_use]
    pub fn name_key(name: &str) -> String {
        crate::text::folded(name)
    }

    /// The form in which `displayName` and `emails` are searched: without surrounding white space, in lower case, at
    /// most 128 characters. Equal texts have the same form; different texts may have it too.
    #[must_use]
    pub fn search_key(text: &str) -> String {
        const LONGEST: usize = 128;
        crate::text::folded(text)
            .chars()
            .take(LONGEST)
            .map(|one| if one == '\0' { '\u{fffd}' } else { one })
            .collect()
    }

    /// A user's `displayName` in the form that is [searched](Self::search_key).
    #[must_use]
    pub fn display_name_key(&self) -> Option<String> {
        let name = self.attributes.get("displayName").filter(|_| self.kind == ScimKind::User);
        name.and_then(Value::as_str).map(Self::search_key)
    }

    /// A user's `emails` in the form that is [searched](Self::search_key).
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

/// What is written to a resource.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ScimWrite {
    /// The new content of the resource.
    Put(ScimForm),
    /// The resource is removed; no answer contains it any more.
    Remove,
}

/// The content of a resource. `Debug` shows nothing personal.
#[derive(Clone)]
#[non_exhaustive]
pub struct ScimForm {
    /// Its kind.
    pub kind: ScimKind,
    /// Its name.
    pub name: String,
    /// Its `externalId`.
    pub external_id: Option<String>,
    /// All attributes that were sent, without members.
    pub attributes: Map<String, Value>,
}

impl ScimForm {
    /// The content of a resource.
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
