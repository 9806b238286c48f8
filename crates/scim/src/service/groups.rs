//! Groups: who is in one, as a fact.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use vouchsafe::crypto::{hexadecimal, system_random};
use vouchsafe::provisioning::{AccountId, GroupId, ScimChange, ScimGroup, ScimMembers};
use vouchsafe_store::{ScimForm, ScimKind, ScimResource, ScimWrite};

use super::{
    ScimService,
    caller::Caller,
    change::{Asked, Change, form_of, keep},
};
use crate::{
    Patch, ScimError, names,
    patch::{MemberChanges, identifiers},
    resource,
};

/// With more members than that a PATCH is answered without the group.
pub(super) const MOST_WRITTEN_OUT: usize = 100;

/// The members that a body has; `None` where it says nothing of them.
pub(super) fn members_of(
    body: &Map<String, Value>,
    kind: ScimKind,
) -> Result<Option<BTreeSet<String>>, ScimError> {
    match names::get(body, "members") {
        Some(members) if kind == ScimKind::Group => Ok(Some(identifiers(members)?.into_iter().collect())),
        _ => Ok(None),
    }
}

impl ScimService {
    pub(super) async fn group_created(
        &self,
        caller: &Caller,
        form: &ScimForm,
        members: BTreeSet<String>,
    ) -> Result<ScimChange, ScimError> {
        self.require_users(caller, &members).await?;
        self.require_room(members.len())?;
        let mut bytes = [0_u8; 16];
        system_random(&mut bytes).map_err(ScimError::Cryptography)?;
        let id = GroupId::new(hexadecimal(&bytes));
        Ok(ScimChange::create_group(id, described(form), accounts(members)))
    }

    /// What is to become of a group.
    pub(super) async fn group_changed(
        &self,
        caller: &Caller,
        group: &ScimResource,
        asked: &Asked<'_>,
    ) -> Result<Change, ScimError> {
        let id = GroupId::new(group.id.as_str());
        let limits = &self.shared.limits;
        let (attributes, members) = match asked {
            Asked::Delete => {
                return Ok(Change { change: ScimChange::delete_group(id), write: ScimWrite::Remove });
            }
            Asked::Replace(body) => {
                let mut attributes = resource::attributes((*body).clone(), ScimKind::Group, limits)?;
                keep(&mut attributes, group, &["externalId"]);
                let members = members_of(body, ScimKind::Group)?;
                // All of them are in the answer.
                let count = self.count_members(std::slice::from_ref(&id)).await?;
                self.takes_turn_for(caller, count.max(members.as_ref().map_or(0, BTreeSet::len)))?;
                let members = match members {
                    Some(members) => self.all(caller, members).await?,
                    // What is not said takes nobody out.
                    None => ScimMembers::unchanged(),
                };
                (attributes, members)
            }
            Asked::Patch(patch) => self.patched(caller, group, &id, patch).await?,
        };
        let form = form_of(without_members(attributes), ScimKind::Group)?;
        let change = ScimChange::set_group(id, described(&form), members);
        Ok(Change { change, write: ScimWrite::Put(form) })
    }

    async fn patched(
        &self,
        caller: &Caller,
        group: &ScimResource,
        id: &GroupId,
        patch: &Patch,
    ) -> Result<(Map<String, Value>, ScimMembers), ScimError> {
        let limits = &self.shared.limits;
        if let Some((MemberChanges { join, leave }, others)) = patch.member_changes()? {
            self.require_users(caller, &join).await?;
            if !join.is_empty() {
                let count = self.count_members(std::slice::from_ref(id)).await?;
                self.require_room(count.saturating_add(join.len()))?;
            }
            let attributes = match others.is_empty() {
                true => group.attributes.clone(),
                false => others.applied_to(&group.attributes, limits)?,
            };
            return Ok((attributes, ScimMembers::changed(accounts(join), accounts(leave))));
        }
        // What is asked for depends on who is in the group.
        self.takes_turn_for(caller, self.count_members(std::slice::from_ref(id)).await?)?;
        let members = self.shared.store.scim_members(std::slice::from_ref(id)).await?;
        let members: Vec<Value> =
            members.iter().map(|(_, account)| json!({"value": account.as_str(), "type": "User"})).collect();
        let mut before = group.attributes.clone();
        before.insert("members".to_owned(), Value::Array(members));
        let after = patch.applied_to(&before, limits)?;
        let members = members_of(&after, ScimKind::Group)?.unwrap_or_default();
        let members = self.all(caller, members).await?;
        Ok((after, members))
    }

    async fn all(&self, caller: &Caller, members: BTreeSet<String>) -> Result<ScimMembers, ScimError> {
        self.require_room(members.len())?;
        self.require_users(caller, &members).await?;
        Ok(ScimMembers::All(accounts(members).collect()))
    }

    /// Whether there is room for a request that many members are read or written out for.
    pub(super) fn takes_turn_for(&self, caller: &Caller, members: usize) -> Result<(), ScimError> {
        if members > MOST_WRITTEN_OUT { caller.takes_much(self) } else { Ok(()) }
    }

    /// How many members all of these groups have.
    pub(super) async fn count_members(&self, groups: &[GroupId]) -> Result<usize, ScimError> {
        let counts = self.shared.store.count_scim_members(groups).await?;
        Ok(counts.into_values().fold(0, usize::saturating_add))
    }

    fn require_room(&self, members: usize) -> Result<(), ScimError> {
        let most = self.shared.limits.members;
        match members > most {
            true => Err(ScimError::value("members", format!("a group may have {most} members"))),
            false => Ok(()),
        }
    }

    /// Whether all of these are people of the connection.
    async fn require_users(&self, caller: &Caller, members: &BTreeSet<String>) -> Result<(), ScimError> {
        if members.is_empty() {
            return Ok(());
        }
        let ids: Vec<String> = members.iter().cloned().collect();
        let known = self.shared.store.scim_names(&caller.connection, ScimKind::User, &ids).await?;
        match members.iter().find(|member| !known.contains_key(member.as_str())) {
            Some(unknown) => {
                let unknown = crate::error::shortened(unknown);
                Err(ScimError::value("members", format!("there is no user {unknown:?} at this connection")))
            }
            None => Ok(()),
        }
    }
}

fn described(form: &ScimForm) -> ScimGroup {
    let group = ScimGroup::new(form.name.as_str());
    match &form.external_id {
        Some(external_id) => group.with_external_id(external_id.as_str()),
        None => group,
    }
}

/// Who is in a group stands with the accounts.
pub(super) fn without_members(mut attributes: Map<String, Value>) -> Map<String, Value> {
    names::remove(&mut attributes, "members");
    attributes
}

fn accounts(members: BTreeSet<String>) -> impl Iterator<Item = AccountId> {
    members.into_iter().map(AccountId::new)
}
