//! The values that a store looks up for a SCIM request.

use std::{
    collections::{BTreeSet, HashSet},
    fmt,
};

use vouchsafe_assertion::ConnectionId;

use crate::{
    Account, AccountId, Anchor, DirectoryGroup, EmailAddress, GroupId, Policy, ScimChange, ScimFact,
    ScimGroup, ScimMembers, ScimRecord, ScimUser, Snapshot, TeamId, text::folded,
};

/// The values that a store looks up to make the [`Snapshot`] for a [`ScimFact`]: the accounts that the fact names, the
/// accounts with the names or the address that it gives to a person, every active owner and, if all members of a group
/// are affected, these. Of the groups: the one that the fact is about, another one with the same name, and those that
/// these accounts are in. Of the teams and projects: those with the [names](Policy::names_for_groups) that these groups
/// give, and the teams that these accounts are in.
///
/// Too much is harmless, since the planner chooses. `Debug` shows nothing personal.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScimLookUp {
    /// The connection.
    pub connection: ConnectionId,
    /// The accounts with these ids.
    pub accounts: BTreeSet<AccountId>,
    /// The accounts with one of these [keys](ScimRecord::keys).
    pub keys: BTreeSet<String>,
    /// The accounts with an identity over one of the [subject connections](Self::subject_connections) that has one of
    /// these [subjects](Account::subjects), of any kind.
    pub subjects: BTreeSet<String>,
    /// The connection, and the connections whose people it [takes over](Self::with_takeovers) by subject.
    pub subject_connections: BTreeSet<ConnectionId>,
    /// The account with this address.
    pub email: Option<EmailAddress>,
    /// The group that the fact is about.
    pub group: Option<GroupId>,
    /// Whether all its members are affected.
    pub with_members: bool,
    /// Another group with this name, in the form in which names are compared.
    pub group_name: Option<String>,
    /// The new name of the group, and its id at the identity provider: a rule of the policy may name a team after
    /// either.
    pub group_texts: BTreeSet<String>,
}

impl fmt::Debug for ScimLookUp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ScimLookUp")
            .field("connection", &self.connection)
            .field("accounts", &self.accounts)
            .field("group", &self.group)
            .field("with_members", &self.with_members)
            .finish_non_exhaustive()
    }
}

impl ScimFact {
    /// The group that the fact is about.
    #[must_use]
    pub fn group(&self) -> Option<&GroupId> {
        match &self.change {
            ScimChange::CreateGroup { id, .. }
            | ScimChange::SetGroup { id, .. }
            | ScimChange::DeleteGroup { id } => Some(id),
            _ => None,
        }
    }
}

impl ScimLookUp {
    /// The values to look up for a fact. `known` is the [group that it is about](ScimFact::group), if the connection
    /// has it.
    #[must_use]
    pub fn of(fact: &ScimFact, known: Option<&DirectoryGroup>) -> ScimLookUp {
        let nobody = ScimLookUp {
            connection: fact.connection.clone(),
            accounts: BTreeSet::new(),
            keys: BTreeSet::new(),
            subjects: BTreeSet::new(),
            subject_connections: [fact.connection.clone()].into(),
            email: None,
            group: fact.group().cloned(),
            with_members: false,
            group_name: None,
            group_texts: BTreeSet::new(),
        };
        match &fact.change {
            ScimChange::CreateUser(user) => nobody.with_user(user),
            ScimChange::SetUser { account, user } => {
                ScimLookUp { accounts: [account.clone()].into(), ..nobody.with_user(user) }
            }
            ScimChange::DeleteUser { account } => ScimLookUp { accounts: [account.clone()].into(), ..nobody },
            ScimChange::CreateGroup { group, members, .. } => {
                ScimLookUp { accounts: members.clone(), ..nobody.with_group(group) }
            }
            ScimChange::SetGroup { group, members: ScimMembers::All(all), .. } => {
                ScimLookUp { accounts: all.clone(), with_members: true, ..nobody.with_group(group) }
            }
            ScimChange::SetGroup { group, members: ScimMembers::Changed { join, leave }, .. } => {
                // Another name may give other teams to all members.
                let with_members = !known.is_some_and(|known| known.is_described_by(group));
                let accounts = join.union(leave).cloned().collect();
                ScimLookUp { accounts, with_members, ..nobody.with_group(group) }
            }
            ScimChange::DeleteGroup { .. } => ScimLookUp { with_members: true, ..nobody },
        }
    }

    /// Adds the accounts that the policy lets a new person take over: accounts of a connection whose people this one
    /// [takes over](crate::Takeover) by subject. The account with the email address is looked up in any case.
    #[must_use]
    pub fn with_takeovers(mut self, fact: &ScimFact, policy: &Policy) -> ScimLookUp {
        let ScimChange::CreateUser(user) = &fact.change else { return self };
        let takeovers = policy.identity.takeovers.iter();
        for takeover in takeovers.filter(|one| one.to == fact.connection && one.by == Anchor::Subject) {
            self.keys.insert(ScimRecord::key_of_user_name(&takeover.from, user.user_name.trim()));
            self.keys
                .extend(user.external_id.iter().map(|id| ScimRecord::key_of_external_id(&takeover.from, id)));
            self.subject_connections.insert(takeover.from.clone());
        }
        self
    }

    fn with_user(mut self, user: &ScimUser) -> ScimLookUp {
        let (over, name) = (&self.connection, user.user_name.trim());
        let external_id = user.external_id.as_deref();
        self.keys = external_id.map(|id| ScimRecord::key_of_external_id(over, id)).into_iter().collect();
        self.keys.insert(ScimRecord::key_of_user_name(over, name));
        self.subjects = external_id.into_iter().chain([name]).map(str::to_owned).collect();
        // A userName that is an address is used if no address is given.
        let email = user.email.as_deref().map(str::trim).filter(|email| !email.is_empty()).unwrap_or(name);
        self.email = EmailAddress::parse(email).ok();
        self
    }

    fn with_group(mut self, group: &ScimGroup) -> ScimLookUp {
        self.group_name = Some(folded(&group.name));
        self.group_texts =
            std::iter::once(group.name.trim().to_owned()).chain(group.external_id.clone()).collect();
        self
    }

    /// Whether the fact may be about an account.
    #[must_use]
    pub fn means(&self, account: &Account) -> bool {
        let is_member = || self.group.as_ref().is_some_and(|group| account.scim_groups.contains(group));
        self.accounts.contains(&account.id)
            || (self.with_members && is_member())
            || account.is_active_owner()
            || (self.email.is_some() && EmailAddress::parse(&account.email).ok() == self.email)
            || (!self.keys.is_empty() && account.keys().iter().any(|key| self.keys.contains(key)))
            || self
                .subject_connections
                .iter()
                .any(|over| account.subjects(over).any(|subject| self.subjects.contains(subject)))
    }

    /// Whether the fact may be about a group; `in_use` are the groups that the accounts are in.
    fn means_group(&self, group: &DirectoryGroup, in_use: &HashSet<&GroupId>) -> bool {
        let is_named = || self.group_name.as_deref() == Some(&folded(&group.name));
        self.group.as_ref() == Some(&group.id)
            || in_use.contains(&group.id)
            || (group.connection == self.connection && is_named())
    }

    /// The names of the teams and projects that these groups could give under a policy, including the names in the fact
    /// itself.
    #[must_use]
    pub fn names(&self, policy: &Policy, groups: &[DirectoryGroup]) -> BTreeSet<String> {
        let own = groups.iter().filter(|group| group.connection == self.connection);
        let texts = own.flat_map(|group| {
            [Some(group.name.as_str()), Some(group.id.as_str()), group.external_id.as_deref()]
        });
        let given = self.group_texts.iter().map(String::as_str);
        policy.names_for_groups(texts.flatten().chain(given).chain(self.group.as_ref().map(GroupId::as_str)))
    }
}

impl DirectoryGroup {
    /// Whether this equals a description. A description without `externalId` leaves it unchanged.
    #[must_use]
    pub fn is_described_by(&self, group: &ScimGroup) -> bool {
        let has_id = group.external_id.is_none() || group.external_id == self.external_id;
        self.name == group.name.trim() && has_id
    }
}

impl Account {
    /// The subjects of its identities over a connection, without surrounding white space.
    pub fn subjects<'a>(
        &'a self,
        connection: &'a vouchsafe_assertion::ConnectionId,
    ) -> impl Iterator<Item = &'a str> {
        let own = self.identities.iter().filter(move |identity| identity.connection == *connection);
        own.map(|identity| identity.subject.trim())
    }
}

impl Snapshot {
    /// The same organization with only what a store [looks up](ScimLookUp) for a SCIM fact. The fact has the same plan
    /// on it as on the whole.
    #[must_use]
    pub fn restricted_to_scim(&self, look_up: &ScimLookUp, policy: &Policy) -> Snapshot {
        let accounts: Vec<Account> =
            self.accounts.iter().filter(|account| look_up.means(account)).cloned().collect();
        let in_use: HashSet<&GroupId> = accounts.iter().flat_map(|account| &account.scim_groups).collect();
        let groups: Vec<DirectoryGroup> =
            self.groups.iter().filter(|group| look_up.means_group(group, &in_use)).cloned().collect();
        let names = look_up.names(policy, &groups);
        let memberships = accounts.iter().flat_map(|account| &account.memberships);
        let teams: HashSet<&TeamId> = memberships.map(|membership| &membership.team).collect();
        let is_meant = |team: &&crate::Team| teams.contains(&team.id) || names.contains(&folded(&team.name));
        Snapshot {
            version: self.version,
            organization: self.organization.clone(),
            teams: self.teams.iter().filter(is_meant).cloned().collect(),
            projects: self
                .projects
                .iter()
                .filter(|project| names.contains(&folded(&project.name)))
                .cloned()
                .collect(),
            accounts,
            groups,
            seats_taken: Some(self.seats()),
            owners: Some(self.owner_count()),
            domains_of_others: self.domains_of_others.clone(),
            token_not_required: self.token_not_required.clone(),
        }
    }
}
