//! The values that a store looks up for a login, before it knows the policy.

use std::{
    collections::{BTreeSet, HashSet},
    fmt,
};

use vouchsafe_crypto::CryptoError;

use crate::{
    AccountId, Anchor, Domain, EmailAddress, GroupId, GroupMatch, Identity, LoginFacts, MappingRule, Policy,
    ScimRecord, Snapshot, SubjectSource, TeamId, TokenHash, facts::GroupClaim, text::folded,
};

/// The values that a store looks up to make the [`Snapshot`] of a login: the organization by one of the token hashes or
/// else by the connection, and its accounts with one of the identities or e-mail addresses.
///
/// The policy says which attribute holds the token, the subject or the address; but the policy belongs to the
/// organization, which is still to be found. Everything that any policy could refer to is therefore looked up: the
/// values of all attributes that have one value. Too much is harmless, since the planner chooses.
///
/// `Debug` shows only the domains of the addresses.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LookUp {
    /// Hashes of all values that could be the token.
    pub token_hashes: Vec<TokenHash>,
    /// The persons that the login could be about.
    pub identities: Vec<Identity>,
    /// [Keys](ScimRecord::keys) of the persons that the login could be about according to SCIM.
    pub scim_keys: BTreeSet<String>,
    /// The e-mail addresses that the login could refer to.
    pub emails: Vec<EmailAddress>,
    /// The account that the person is signed in to by other means and wants to link.
    pub linked: Option<AccountId>,
}

impl fmt::Debug for LookUp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("LookUp")
            .field("token_hashes", &self.token_hashes)
            .field("identities", &self.identities)
            .field("emails", &self.emails)
            .field("linked", &self.linked)
            .finish_non_exhaustive()
    }
}

impl LookUp {
    /// The values to look up for a login.
    ///
    /// # Errors
    ///
    /// The error of the cryptography provider if it has no SHA-256.
    pub fn of(login: &LoginFacts) -> Result<LookUp, CryptoError> {
        let names = || login.attributes.keys();
        let mut values: Vec<&str> = names().filter_map(|name| login.single(name).value()).collect();
        let mut token_hashes: Vec<TokenHash> = login.token_hash.iter().cloned().collect();
        for value in &values {
            token_hashes.push(TokenHash::hashed_by(&login.hashing, value)?);
        }
        values.extend(login.subject.as_deref().map(str::trim));
        let identities: Vec<Identity> = names()
            .filter_map(|name| login.named_by(name))
            .chain(login.named())
            .chain(login.new_name.clone())
            .collect();
        let keys = |identity: &Identity| {
            let (over, subject) = (&identity.connection, identity.subject.trim());
            [ScimRecord::key_of_user_name(over, subject), ScimRecord::key_of_external_id(over, subject)]
        };
        let scim_keys = identities.iter().flat_map(keys).collect();
        let emails = values.iter().filter_map(|value| EmailAddress::parse(value).ok()).collect();
        Ok(LookUp { token_hashes, identities, scim_keys, emails, linked: None })
    }

    /// The same with this account, to which the person is signed in by other means.
    #[must_use]
    pub fn linking(mut self, account: Option<&AccountId>) -> LookUp {
        self.linked = account.cloned();
        self
    }

    /// The same with the persons of connections that the login's connection [takes over](crate::Takeover), for the
    /// organization with this policy.
    #[must_use]
    pub fn with_takeovers(mut self, policy: &Policy) -> LookUp {
        let subject = policy.identity.subject_attribute.as_deref();
        // The person that this policy finds, not those that any other policy could find.
        let is_meant = |identity: &&Identity| match &identity.source {
            SubjectSource::NameId { .. } => subject.is_none(),
            SubjectSource::Attribute { name } => subject == Some(name),
        };
        let meant: Vec<&Identity> = self.identities.iter().filter(is_meant).collect();
        let mut taken_over = Vec::new();
        for takeover in policy.identity.takeovers.iter().filter(|takeover| takeover.by == Anchor::Subject) {
            let own = meant.iter().filter(|identity| identity.connection == takeover.to);
            taken_over.extend(own.map(|identity| identity.over(takeover.from.clone())));
        }
        self.identities.extend(taken_over);
        self
    }

    /// The domains of the addresses. The store says which of them [another organization has
    /// verified](Snapshot::domains_of_others).
    #[must_use]
    pub fn domains(&self) -> BTreeSet<&Domain> {
        self.emails.iter().map(EmailAddress::domain).collect()
    }

    /// Whether the login could be about an account.
    #[must_use]
    pub fn means(&self, account: &crate::Account) -> bool {
        self.linked.as_ref() == Some(&account.id)
            || EmailAddress::parse(&account.email).is_ok_and(|email| self.emails.contains(&email))
            || account.identities.iter().any(|identity| self.identities.contains(identity))
            || account.scim.iter().flat_map(ScimRecord::keys).any(|key| self.scim_keys.contains(&key))
    }

    /// What a store finds the accounts by in addition to the e-mail address: one of their [keys](crate::Account::keys).
    #[must_use]
    pub fn account_keys(&self) -> BTreeSet<String> {
        self.identities.iter().map(Identity::key).chain(self.scim_keys.iter().cloned()).collect()
    }
}

impl Policy {
    /// The names of the teams and projects that a login could refer to under this policy, in the form in which names
    /// are compared: trimmed and in lower case. A store loads only those.
    #[must_use]
    pub fn names_for(&self, login: &LoginFacts) -> BTreeSet<String> {
        match login.groups(self) {
            GroupClaim::Listed(groups) => self.names_for_groups(groups),
            _ => self.names_for_groups([]),
        }
    }

    /// The same for a person who is in these groups.
    #[must_use]
    pub fn names_for_groups<'g>(&self, groups: impl IntoIterator<Item = &'g str>) -> BTreeSet<String> {
        let groups: Vec<&str> = groups.into_iter().collect();
        let is_pattern = |rule: &&MappingRule| matches!(rule.matches, GroupMatch::Regex(_));
        let mapped = self.groups.rules.iter().filter(|rule| !is_pattern(rule));
        let mapped = mapped.map(|rule| rule.team.as_str());
        let patterns: Vec<&MappingRule> = self.groups.rules.iter().filter(is_pattern).collect();
        let captured: Vec<String> = groups
            .iter()
            .flat_map(|group| patterns.iter().map(|rule| rule.matches.team_for(group, &rule.team)))
            .collect();
        let teams = self.defaults.teams.iter().map(|default| default.name.as_str());
        let projects = self.defaults.projects.iter().map(|default| default.name.as_str());
        let captured = captured.iter().map(String::as_str);
        groups
            .iter()
            .copied()
            .chain(mapped)
            .chain(captured)
            .chain(teams)
            .chain(projects)
            .map(folded)
            .collect()
    }
}

impl Snapshot {
    /// The same organization with only the accounts that a login could be about, the teams and SCIM groups that they
    /// are in, and the teams and projects with these [names](Policy::names_for), as a store gives it. A login has the
    /// same plan on it as on the whole.
    #[must_use]
    pub fn restricted_to(&self, look_up: &LookUp, names: &BTreeSet<String>) -> Snapshot {
        let accounts: Vec<_> =
            self.accounts.iter().filter(|account| look_up.means(account)).cloned().collect();
        let memberships = accounts.iter().flat_map(|account| &account.memberships);
        let in_use: HashSet<&TeamId> = memberships.map(|membership| &membership.team).collect();
        let pushed: HashSet<&GroupId> = accounts.iter().flat_map(|account| &account.scim_groups).collect();
        let groups = self.groups.iter().filter(|group| pushed.contains(&group.id)).cloned().collect();
        let is_meant = |team: &&crate::Team| names.contains(&folded(&team.name)) || in_use.contains(&team.id);
        let teams = self.teams.iter().filter(is_meant).cloned().collect();
        Snapshot {
            version: self.version,
            organization: self.organization.clone(),
            teams,
            accounts,
            projects: self
                .projects
                .iter()
                .filter(|project| names.contains(&folded(&project.name)))
                .cloned()
                .collect(),
            groups,
            seats_taken: Some(self.seats()),
            owners: Some(self.owner_count()),
            domains_of_others: self.domains_of_others.clone(),
            token_not_required: self.token_not_required.clone(),
        }
    }
}
