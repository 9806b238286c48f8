//! SCIM requests of identity providers: facts that are planned in the same way as a login, and the data that is kept of
//! them.

use std::{collections::BTreeSet, fmt};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use vouchsafe_assertion::ConnectionId;

use crate::{Account, AccountId, GroupId, OrganizationId, text::folded};

/// A change that the identity provider of a connection asks for by SCIM.
///
/// It contains the resource as it should be, not the operation: a `PATCH` is applied to the resource first, and the
/// result is the fact. The same fact a second time therefore changes nothing.
///
/// ```
/// use vouchsafe_assertion::ConnectionId;
/// use vouchsafe_provisioning::{ScimChange, ScimFact, ScimUser};
///
/// let now = "2026-01-15T09:00:00Z".parse()?;
/// let mut ada = ScimUser::new("ada@example.com");
/// ada.external_id = Some("00u1".to_owned());
/// ada.active = Some(true);
/// let fact = ScimFact::new(ConnectionId::new("acme-okta")?, ScimChange::CreateUser(ada), now);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ScimFact {
    /// The connection whose bearer token the request carried.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Connection"))]
    pub connection: ConnectionId,
    /// The change.
    pub change: ScimChange,
    /// When the request was received.
    pub at: DateTime<Utc>,
}

impl ScimFact {
    /// A change over a connection.
    #[must_use]
    pub fn new(connection: ConnectionId, change: ScimChange, at: DateTime<Utc>) -> Self {
        Self { connection, change, at }
    }
}

/// A change by SCIM. The id of a User resource is the account's; the id of a Group resource is a [`GroupId`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ScimChange {
    /// Creates a person (`POST /Users`).
    CreateUser(ScimUser),
    /// Replaces the data of a person (`PUT` and `PATCH /Users/{id}`).
    #[non_exhaustive]
    SetUser {
        /// The account of the person.
        account: AccountId,
        /// The new data.
        user: ScimUser,
    },
    /// Deletes a person (`DELETE /Users/{id}`): the account is suspended and its data is kept.
    #[non_exhaustive]
    DeleteUser {
        /// The account of the person.
        account: AccountId,
    },
    /// Creates a group (`POST /Groups`).
    #[non_exhaustive]
    CreateGroup {
        /// A new id, which no group has ever had.
        id: GroupId,
        /// The data of the group.
        group: ScimGroup,
        /// The members.
        members: BTreeSet<AccountId>,
    },
    /// Replaces the data of a group (`PUT` and `PATCH /Groups/{id}`).
    #[non_exhaustive]
    SetGroup {
        /// The group.
        id: GroupId,
        /// The new data.
        group: ScimGroup,
        /// The members.
        members: ScimMembers,
    },
    /// Deletes a group (`DELETE /Groups/{id}`).
    #[non_exhaustive]
    DeleteGroup {
        /// The group.
        id: GroupId,
    },
}

impl ScimChange {
    /// `PUT` or `PATCH /Users/{id}`.
    #[must_use]
    pub fn set_user(account: AccountId, user: ScimUser) -> Self {
        Self::SetUser { account, user }
    }

    /// `DELETE /Users/{id}`.
    #[must_use]
    pub fn delete_user(account: AccountId) -> Self {
        Self::DeleteUser { account }
    }

    /// `POST /Groups`.
    pub fn create_group(id: GroupId, group: ScimGroup, members: impl IntoIterator<Item = AccountId>) -> Self {
        Self::CreateGroup { id, group, members: members.into_iter().collect() }
    }

    /// `PUT` or `PATCH /Groups/{id}`.
    #[must_use]
    pub fn set_group(id: GroupId, group: ScimGroup, members: ScimMembers) -> Self {
        Self::SetGroup { id, group, members }
    }

    /// `DELETE /Groups/{id}`.
    #[must_use]
    pub fn delete_group(id: GroupId) -> Self {
        Self::DeleteGroup { id }
    }

    /// Whether the change only takes access away: a person is deactivated or deleted, or a group is deleted. Such a
    /// change is also accepted while the organization is not entitled, and while the connection signs nobody in.
    ///
    /// ```
    /// use vouchsafe_provisioning::{ScimChange, ScimUser};
    ///
    /// let mut ada = ScimUser::new("ada@example.com");
    /// ada.active = Some(false);
    /// assert!(ScimChange::set_user("7".into(), ada.clone()).ends_access());
    /// assert!(ScimChange::delete_user("7".into()).ends_access());
    /// assert!(!ScimChange::CreateUser(ada).ends_access());
    /// ```
    #[must_use]
    pub fn ends_access(&self) -> bool {
        match self {
            Self::SetUser { user, .. } => user.active == Some(false),
            Self::DeleteUser { .. } | Self::DeleteGroup { .. } => true,
            Self::CreateUser(_) | Self::CreateGroup { .. } | Self::SetGroup { .. } => false,
        }
    }
}

/// A person as the identity provider describes them. A value that is `None` was not sent and leaves the account
/// unchanged. `Debug` shows nothing personal.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ScimUser {
    /// `userName`.
    pub user_name: String,
    /// `externalId`: the identity provider's own id of the person.
    #[serde(default)]
    pub external_id: Option<String>,
    /// The address of `emails` that is marked as primary, or else the first.
    #[serde(default)]
    pub email: Option<String>,
    /// `name.givenName`.
    #[serde(default)]
    pub first_name: Option<String>,
    /// `name.familyName`.
    #[serde(default)]
    pub last_name: Option<String>,
    /// `active`.
    #[serde(default)]
    pub active: Option<bool>,
}

impl ScimUser {
    /// A person with this `userName` and no other data.
    pub fn new(user_name: impl Into<String>) -> Self {
        Self {
            user_name: user_name.into(),
            external_id: None,
            email: None,
            first_name: None,
            last_name: None,
            active: None,
        }
    }
}

impl fmt::Debug for ScimUser {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ScimUser").field("active", &self.active).finish_non_exhaustive()
    }
}

/// A group as the identity provider describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ScimGroup {
    /// `displayName`.
    pub name: String,
    /// `externalId`. For Entra ID it is the object id, which `group_id` in a rule is compared with.
    #[serde(default)]
    pub external_id: Option<String>,
}

impl ScimGroup {
    /// A group of this `displayName`.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), external_id: None }
    }

    /// The same with this `externalId`.
    #[must_use]
    pub fn with_external_id(mut self, external_id: impl Into<String>) -> Self {
        self.external_id = Some(external_id.into());
        self
    }
}

/// The members of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ScimMembers {
    /// Exactly these.
    All(BTreeSet<AccountId>),
    /// The present members with these changes. A person who both joins and leaves, leaves.
    #[non_exhaustive]
    Changed {
        /// The people who join.
        join: BTreeSet<AccountId>,
        /// The people who leave.
        leave: BTreeSet<AccountId>,
    },
}

impl ScimMembers {
    /// The present members, with some added and some removed.
    pub fn changed(
        join: impl IntoIterator<Item = AccountId>,
        leave: impl IntoIterator<Item = AccountId>,
    ) -> Self {
        Self::Changed { join: join.into_iter().collect(), leave: leave.into_iter().collect() }
    }

    /// The present members.
    #[must_use]
    pub fn unchanged() -> Self {
        Self::changed([], [])
    }
}

/// A group that an identity provider pushed by SCIM. Its members are in [`Account::scim_groups`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct DirectoryGroup {
    /// The id of its Group resource, which no other group has ever had.
    pub id: GroupId,
    /// The organization that it belongs to.
    pub organization: OrganizationId,
    /// The connection over which it was pushed.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Connection"))]
    pub connection: ConnectionId,
    /// Its name, unique over its connection, ignoring case.
    pub name: String,
    /// The identity provider's own id of it.
    #[serde(default)]
    pub external_id: Option<String>,
}

impl DirectoryGroup {
    /// A group of a connection.
    pub fn new(
        id: GroupId,
        organization: OrganizationId,
        connection: ConnectionId,
        name: impl Into<String>,
    ) -> Self {
        Self { id, organization, connection, name: name.into(), external_id: None }
    }

    /// Whether this is its name, ignoring case.
    #[must_use]
    pub fn is_named(&self, name: &str) -> bool {
        folded(&self.name) == folded(name)
    }
}

/// The data of an account that the identity provider of a connection sent by SCIM. `Debug` shows nothing personal.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ScimRecord {
    /// The connection.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Connection"))]
    pub connection: ConnectionId,
    /// `userName`, unique over its connection, ignoring case.
    pub user_name: String,
    /// `externalId`.
    #[serde(default)]
    pub external_id: Option<String>,
    /// Whether the resource was deleted. It is then in no answer any more, and the account is kept.
    #[serde(default)]
    pub deleted: bool,
}

impl ScimRecord {
    /// The record of a person whom the identity provider of a connection created.
    pub fn new(connection: ConnectionId, user_name: impl Into<String>) -> Self {
        Self { connection, user_name: user_name.into(), external_id: None, deleted: false }
    }

    /// Texts that are equal for equal persons and different for different ones, as
    /// [`Identity::key`](crate::Identity::key) is. A store finds the account by them and keeps them unique in an
    /// organization.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        let external_id = self.external_id.as_deref();
        let external_id = external_id.map(|id| Self::key_of_external_id(&self.connection, id));
        // The name of a deleted person may be given to another person, if ids distinguish them.
        let has_name = !self.deleted || external_id.is_none();
        let name = has_name.then(|| Self::key_of_user_name(&self.connection, &self.user_name));
        name.into_iter().chain(external_id).collect()
    }

    /// The key of a `userName` over a connection.
    #[must_use]
    pub fn key_of_user_name(connection: &ConnectionId, user_name: &str) -> String {
        format!("scim-user-name {}:{connection} {}", connection.as_str().len(), folded(user_name))
    }

    /// The key of an `externalId` over a connection.
    #[must_use]
    pub fn key_of_external_id(connection: &ConnectionId, external_id: &str) -> String {
        format!("scim-external-id {}:{connection} {external_id}", connection.as_str().len())
    }

    /// Whether this is its `externalId`, compared byte by byte.
    pub(crate) fn has_external_id(&self, external_id: &str) -> bool {
        self.external_id.as_deref() == Some(external_id)
    }

    /// Whether this is its `userName`, ignoring case.
    #[must_use]
    pub fn is_named(&self, user_name: &str) -> bool {
        folded(&self.user_name) == folded(user_name)
    }
}

impl fmt::Debug for ScimRecord {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ScimRecord")
            .field("connection", &self.connection)
            .field("deleted", &self.deleted)
            .finish_non_exhaustive()
    }
}

impl Account {
    /// Whether the identity provider of a connection may change the account by SCIM: it created the account, or signs
    /// its person in.
    #[must_use]
    pub fn is_managed_over(&self, connection: &ConnectionId) -> bool {
        match self.scim_record(connection) {
            Some(record) => !record.deleted,
            None => self.signs_in_over(connection),
        }
    }

    /// The data that the identity provider of a connection sent by SCIM, even if it deleted the person.
    #[must_use]
    pub fn scim_record(&self, connection: &ConnectionId) -> Option<&ScimRecord> {
        self.scim.iter().find(|record| record.connection == *connection)
    }

    /// Everything, except the e-mail address, that a store finds the account by and keeps unique in its organization:
    /// the [key](crate::Identity::key) of each identity, and the [keys](ScimRecord::keys) of each SCIM record.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        let identities = self.identities.iter().map(crate::Identity::key);
        identities.chain(self.scim.iter().flat_map(ScimRecord::keys)).collect()
    }
}
