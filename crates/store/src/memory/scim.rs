//! SCIM resources and tokens in memory.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use vouchsafe::{
    ConnectionId,
    provisioning::{Account, AccountId, GroupId, OrganizationId, TokenHash},
};

use super::{Memory, State};
use crate::{
    Answer, AuditRecord, Author, Decides, ScimApplied, ScimDecision, ScimFrom, ScimKey, ScimKind, ScimPage,
    ScimResource, ScimStore, ScimToken, SignInError, StoreError,
};

/// Resources in the order in which they were created, and tokens by their hash.
#[derive(Debug, Default)]
pub(super) struct ScimState {
    resources: BTreeMap<u64, ScimResource>,
    last_number: u64,
    tokens: BTreeMap<String, ScimToken>,
}

impl ScimState {
    fn of<'s>(
        &'s self,
        connection: &'s ConnectionId,
        kind: ScimKind,
    ) -> impl Iterator<Item = &'s ScimResource> {
        self.resources.values().filter(move |one| one.connection == *connection && one.kind == kind)
    }

    fn find<'s>(
        &'s self,
        connection: &'s ConnectionId,
        kind: ScimKind,
        id: &str,
    ) -> Option<&'s ScimResource> {
        self.of(connection, kind).find(|one| one.id == id)
    }

    fn name_is_free(&self, written: &ScimResource) -> Result<(), StoreError> {
        let key = ScimResource::name_key(&written.name);
        let mut others = self.of(&written.connection, written.kind).filter(|one| one.id != written.id);
        match others.any(|other| ScimResource::name_key(&other.name) == key) {
            true => Err(StoreError::taken("the name of the SCIM resource")),
            false => Ok(()),
        }
    }

    fn put(&mut self, mut written: ScimResource) -> ScimResource {
        if written.number == 0 {
            self.last_number = self.last_number.saturating_add(1);
            written.number = self.last_number;
        }
        self.resources.insert(written.number, written.clone());
        written
    }
}

impl ScimStore for Memory {
    fn find_scim<'a>(
        &'a self,
        connection: &'a ConnectionId,
        kind: ScimKind,
        by: &'a ScimKey,
        page: ScimPage,
    ) -> Answer<'a, Vec<ScimResource>> {
        self.with(move |state| {
            let found = state.found_by(connection, kind, by);
            let ScimPage { from, most } = page;
            Ok(match from {
                ScimFrom::Index(index) => found.skip(index).take(most).cloned().collect(),
                ScimFrom::After(number) => {
                    found.filter(|one| one.number > number).take(most).cloned().collect()
                }
            })
        })
    }

    fn count_scim<'a>(
        &'a self,
        connection: &'a ConnectionId,
        kind: ScimKind,
        by: &'a ScimKey,
    ) -> Answer<'a, usize> {
        self.with(move |state| Ok(state.found_by(connection, kind, by).count()))
    }

    fn scim_names<'a>(
        &'a self,
        connection: &'a ConnectionId,
        kind: ScimKind,
        ids: &'a [String],
    ) -> Answer<'a, BTreeMap<String, String>> {
        self.with(move |state| {
            let by = ScimKey::Ids(ids.to_vec());
            let found = state.found_by(connection, kind, &by);
            Ok(found.map(|one| (one.id.clone(), one.name.clone())).collect())
        })
    }

    fn scim_accounts<'a>(
        &'a self,
        organization: &'a OrganizationId,
        accounts: &'a [AccountId],
    ) -> Answer<'a, Vec<Account>> {
        self.with(move |state| {
            let whole = &state.held(organization)?.whole;
            Ok(accounts.iter().filter_map(|id| whole.account(id)).cloned().collect())
        })
    }

    fn scim_members<'a>(&'a self, groups: &'a [GroupId]) -> Answer<'a, Vec<(GroupId, AccountId)>> {
        self.with(move |state| Ok(state.scim_members(groups)))
    }

    fn count_scim_members<'a>(&'a self, groups: &'a [GroupId]) -> Answer<'a, BTreeMap<GroupId, usize>> {
        self.with(move |state| {
            let mut counts = BTreeMap::new();
            for (group, _) in state.scim_members(groups) {
                let count: &mut usize = counts.entry(group).or_default();
                *count = count.saturating_add(1);
            }
            Ok(counts)
        })
    }

    fn count_scim_groups<'a>(&'a self, accounts: &'a [AccountId]) -> Answer<'a, BTreeMap<AccountId, usize>> {
        self.with(move |state| {
            let asked: HashSet<&AccountId> = accounts.iter().collect();
            let all = state.organizations.values().flat_map(|held| &held.whole.accounts);
            let found = all.filter(|account| asked.contains(&account.id));
            Ok(found.map(|account| (account.id.clone(), account.scim_groups.len())).collect())
        })
    }

    fn decide_scim(&self, decision: ScimDecision) -> Decides<'_, ScimApplied> {
        self.with(move |state| state.decide_scim(&decision))
    }

    fn scim_token<'a>(&'a self, hash: &'a TokenHash) -> Answer<'a, Option<ScimToken>> {
        self.with(move |state| Ok(state.scim.tokens.get(&hash.to_hex()).cloned()))
    }

    fn scim_tokens<'a>(&'a self, connection: &'a ConnectionId) -> Answer<'a, Vec<ScimToken>> {
        self.with(move |state| {
            let mut tokens: Vec<ScimToken> =
                state.scim.tokens.values().filter(|token| token.connection == *connection).cloned().collect();
            ScimToken::sort(&mut tokens);
            Ok(tokens)
        })
    }

    fn add_scim_token<'a>(
        &'a self,
        token: &'a ScimToken,
        others_end: Option<DateTime<Utc>>,
        author: &'a Author,
    ) -> Answer<'a, ()> {
        self.with(move |state| {
            let key = token.record.hash.to_hex();
            let stored = state.connections.get(&token.connection).map(|one| (&one.organization, one.state));
            let held = state.organizations.get(&token.organization);
            let held = held.ok_or_else(|| StoreError::organization_unknown(&token.organization))?;
            token.may_be_added(&held.whole.organization, stored)?;
            if state.scim.tokens.contains_key(&key) {
                return Err(StoreError::taken("the SCIM token"));
            }
            if let Some(end) = others_end {
                let others = state.scim.tokens.values_mut();
                others
                    .filter(|other| other.connection == token.connection)
                    .for_each(|other| other.end_by(end));
            }
            state.scim.tokens.insert(key, token.clone());
            state.audit.extend(AuditRecord::of_scim_token(token, author));
            Ok(())
        })
    }

    fn revoke_scim_token<'a>(
        &'a self,
        connection: &'a ConnectionId,
        id: &'a str,
        author: &'a Author,
    ) -> Answer<'a, bool> {
        self.with(move |state| {
            let is_meant = |token: &&mut ScimToken| {
                token.connection == *connection && token.id() == id && token.record.revoked_at.is_none()
            };
            let Some(token) = state.scim.tokens.values_mut().find(is_meant) else { return Ok(false) };
            token.revoke(author.at);
            state.audit.extend(AuditRecord::of_revoked_scim_token(token, author));
            Ok(true)
        })
    }

    fn scim_token_used<'a>(&'a self, hash: &'a TokenHash, at: DateTime<Utc>) -> Answer<'a, ()> {
        self.with(move |state| {
            if let Some(token) = state.scim.tokens.get_mut(&hash.to_hex()) {
                token.last_used_at = token.last_used_at.max(Some(at));
            }
            Ok(())
        })
    }
}

impl State {
    /// Every step that can fail comes before the first write.
    fn decide_scim(&mut self, decision: &ScimDecision) -> Result<ScimApplied, SignInError> {
        let over_directory = decision.decision();
        let (snapshot, policy) = self.about(over_directory.about())?;
        let token = self.scim.tokens.get(&decision.token.to_hex()).cloned();
        let state = self.connections.get(&decision.fact.connection).map(|stored| stored.state);
        let decided = decision
            .is_still_acceptable(token.as_ref(), state)
            .and_then(|()| over_directory.decide(&snapshot, &policy))
            .inspect_err(|refusal| self.note_refused(decision.refused(&snapshot, token.as_ref(), refusal)))?;
        let id = decision.resource_id(&decided);
        let (connection, kind) = (&decision.fact.connection, decision.kind());
        let stored = id.and_then(|id| self.scim.find(connection, kind, id)).cloned();
        let written = decision.written(stored.as_ref(), &decided)?;
        if let Some(written) = &written {
            self.scim.name_is_free(written)?;
        }
        self.write(&decided)?;
        let resource = match (written, stored) {
            (Some(written), _) => Some(self.scim.put(written)),
            (None, Some(stored)) => {
                self.scim.resources.remove(&stored.number);
                None
            }
            (None, None) => None,
        };
        Ok(ScimApplied::new(decided.plan, resource))
    }

    fn found_by<'s>(
        &'s self,
        connection: &'s ConnectionId,
        kind: ScimKind,
        by: &ScimKey,
    ) -> impl Iterator<Item = &'s ScimResource> {
        let is_found = self.finds(by);
        self.scim.of(connection, kind).filter(move |one| is_found(one))
    }

    /// Whether a key finds a resource.
    fn finds(&self, by: &ScimKey) -> Box<dyn Fn(&ScimResource) -> bool> {
        let accounts = || self.organizations.values().flat_map(|held| &held.whole.accounts);
        match by.clone() {
            ScimKey::All => Box::new(|_| true),
            ScimKey::Ids(ids) => {
                let ids: HashSet<String> = ids.into_iter().collect();
                Box::new(move |one| ids.contains(&one.id))
            }
            ScimKey::Name(name) => {
                let name = ScimResource::name_key(&name);
                Box::new(move |one| ScimResource::name_key(&one.name) == name)
            }
            ScimKey::ExternalId(id) => Box::new(move |one| one.external_id.as_ref() == Some(&id)),
            ScimKey::DisplayName(name) => {
                let name = Some(ScimResource::search_key(&name));
                Box::new(move |one| one.display_name_key() == name)
            }
            ScimKey::Email(email) => {
                let email = ScimResource::search_key(&email);
                Box::new(move |one| one.email_keys().contains(&email))
            }
            ScimKey::Member(id) => {
                let member = accounts().find(|account| account.id.as_str() == id);
                let groups = member.map(|account| account.scim_groups.clone()).unwrap_or_default();
                Box::new(move |one| {
                    one.kind == ScimKind::Group && groups.contains(&GroupId::new(one.id.as_str()))
                })
            }
            ScimKey::Inactive => {
                let inactive = accounts().filter(|account| !account.is_active());
                let ids: HashSet<String> = inactive.map(|account| account.id.to_string()).collect();
                Box::new(move |one| one.kind == ScimKind::User && ids.contains(&one.id))
            }
        }
    }

    /// SCIM tokens end with their connections.
    pub(super) fn end_scim_tokens(&mut self, connections: &[ConnectionId], author: &Author) {
        for token in self.scim.tokens.values_mut().filter(|token| connections.contains(&token.connection)) {
            if token.revoke(author.at) {
                self.audit.extend(AuditRecord::of_revoked_scim_token(token, author));
            }
        }
    }

    fn scim_members(&self, groups: &[GroupId]) -> Vec<(GroupId, AccountId)> {
        let accounts = || self.organizations.values().flat_map(|held| &held.whole.accounts);
        let of_group = |group: &GroupId| {
            let members = accounts().filter(|account| account.scim_groups.contains(group));
            let mut members: Vec<_> = members.map(|account| (group.clone(), account.id.clone())).collect();
            members.sort();
            members
        };
        groups.iter().flat_map(of_group).collect()
    }
}
