//! What an identity provider says by SCIM: facts that are planned like a login, and what is kept of them.

use std::{collections::BTreeSet, fmt};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use vouchsafe_assertion::ConnectionId;

use crate::{Account, AccountId, GroupId, OrganizationId, text::folded};

/// A change that the identity provider of a connection asks for by SCIM.
///
/// It says what a resource is to be, not what is to be done with it: a `PATCH` is applied to the resource first, and what comes of it is the
/// fact. So the same fact a second time changes nothing.
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
    /// The connection whose bearer token the request had.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Connection"))]
    pub connection: ConnectionId,
    /// What is to change.
    pub change: ScimChange,
    /// When the request came.
    pub at: DateTime<Utc>,
}

impl ScimFact {
    /// A change over a connection.
    #[must_use]
    pub fn new(connection: ConnectionId, change: ScimChange, at: DateTime<Utc>) -> Self {
        Self { connection, change, at }
    }
}

/// What an identity provider wants by SCIM. The id of a User resource is the account's; the id of a Group resource is a [`GroupId`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ScimChange {
    /// A person is new to the identity provider (`POST /Users`).
    CreateUser(ScimUser),
    /// A person is to be so from now on (`PUT` and `PATCH /Users/{id}`).
    #[non_exhaustive]
    SetUser {
        /// Who.
        account: AccountId,
        /// What the person is to be.
        user: ScimUser,
    },
    /// A person is gone (`DELETE /Users/{id}`): the account is suspended, its data is kept.
    #[non_exhaustive]
    DeleteUser {
        /// Who.
        account: AccountId,
    },
    /// A group is new (`POST /Groups`).
    #[non_exhaustive]
    CreateGroup {
        /// A fresh id, which no group ever had.
        id: GroupId,
        /// What it is to be.
        group: ScimGroup,
        /// Who is in it.
        members: BTreeSet<AccountId>,
    },
    /// A group is to be so from now on (`PUT` and `PATCH /Groups/{id}`).
    #[non_exhaustive]
    SetGroup {
        /// Which group.
        id: GroupId,
        /// What it is to be.
        group: ScimGroup,
        /// Who is in it.
        members: ScimMembers,
    },
    /// A group is gone (`DELETE /Groups/{id}`).
    #[non_exhaustive]
    DeleteGroup {
        /// Which group.
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
}

/// A person as the identity provider describes them. What is `None` was not said, and leaves the account as it is. `Debug` shows nothing
/// personal.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ScimUser {
    /// `userName`.
    pub user_name: String,
    /// `externalId`: the identity provider's own name of the person.
    #[serde(default)]
    pub external_id: Option<String>,
    /// The address of `emails` that is primary, or else the first.
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
    /// A person of this `userName`, of whom nothing else is said.
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
    /// `externalId`. Entra ID: the object id, which `group_id` in a rule is compared with.
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

/// Who is in a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ScimMembers {
    /// These and nobody else.
    All(BTreeSet<AccountId>),
    /// Those who are, but for these changes. Who joins and leaves at once, leaves.
    #[non_exhaustive]
    Changed {
        /// Who joins.
        join: BTreeSet<AccountId>,
        /// Who leaves.
        leave: BTreeSet<AccountId>,
    },
}

impl ScimMembers {
    /// Those who are, with some more, and without some.
    pub fn changed(
        join: impl IntoIterator<Item = AccountId>,
        leave: impl IntoIterator<Item = AccountId>,
    ) -> Self {
        Self::Changed { join: join.into_iter().collect(), leave: leave.into_iter().collect() }
    }

    /// Those who are.
    #[must_use]
    pub fn unchanged() -> Self {
        Self::changed([], [])
    }
}

/// A group that an identity provider pushed by SCIM. Who is in it stands in [`Account::scim_groups`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct DirectoryGroup {
    /// The id of its Group resource, which no other group ever had.
    pub id: GroupId,
    /// The organization that it belongs to.
    pub organization: OrganizationId,
    /// The connection over which it was pushed.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Connection"))]
    pub connection: ConnectionId,
    /// Its name, unique over its connection whatever the case of the letters.
    pub name: String,
    /// The identity provider's own name of it.
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

    /// Whether this is its name, whatever the case of the letters.
    #[must_use]
    pub fn is_named(&self, name: &str) -> bool {
        folded(&self.name) == folded(name)
    }
}

/// What an account is at the identity provider of a connection, as that said by SCIM. `Debug` shows nothing personal.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ScimRecord {
    /// The connection.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Connection"))]
    pub connection: ConnectionId,
    /// `userName`, unique over its connection whatever the case of the letters.
    pub user_name: String,
    /// `externalId`.
    #[serde(default)]
    pub external_id: Option<String>,
    /// Whether the resource was deleted: it is in no answer any more, and the account stays.
    #[serde(default)]
    pub deleted: bool,
}

impl ScimRecord {
    /// The record of a person whom the identity provider of a connection has created.
    pub fn new(connection: ConnectionId, user_name: impl Into<String>) -> Self {
        Self { connection, user_name: user_name.into(), external_id: None, deleted: false }
    }

    /// Texts that are the same for the same person and others for every other, as [`Identity::key`](crate::Identity::key) is: what a store
    /// finds the account by, and keeps unique in an organization.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        let external_id = self.external_id.as_deref();
        let external_id = external_id.map(|id| Self::key_of_external_id(&self.connection, id));
        // The name of a person who was deleted may be given to another one, if they have ids to be told apart by.
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

    /// Whether this is its `userName`, whatever the case of the letters.
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
    /// Whether the identity provider of a connection may change the account by SCIM: it created it, or signs its person in.
    #[must_use]
    pub fn is_managed_over(&self, connection: &ConnectionId) -> bool {
        match self.scim_record(connection) {
            Some(record) => !record.deleted,
            None => self.signs_in_over(connection),
        }
    }

    /// What the identity provider of a connection said by SCIM, also where it deleted the person.
    #[must_use]
    pub fn scim_record(&self, connection: &ConnectionId) -> Option<&ScimRecord> {
        self.scim.iter().find(|record| record.connection == *connection)
    }

    /// Everything that a store finds the account by and keeps unique in its organization, beside the e-mail address: the
    /// [key](crate::Identity::key) of each identity, and the [keys](ScimRecord::keys) of each SCIM record.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        let identities = self.identities.iter().map(crate::Identity::key);
        identities.chain(self.scim.iter().flat_map(ScimRecord::keys)).collect()
    }
}
