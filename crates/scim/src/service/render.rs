//! Resources as clients see them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use vouchsafe::provisioning::{Account, AccountId, GroupId, Hold};
use vouchsafe_store::{ScimKind, ScimResource};

use super::{ScimService, answer::version, caller::Caller};
use crate::{
    AttributePath, Filter, ScimError, projection::schemas_of, query::Projection, schema::Described as _,
};

/// What else is looked up of resources, beside what their client said of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Needs {
    accounts: bool,
    group_names: bool,
    members: bool,
}

impl Needs {
    /// For an answer with the attributes that are asked for.
    pub(super) fn of_projection(projection: &Projection, kind: ScimKind) -> Needs {
        Needs::of(kind, |attribute| !projection.leaves_out(attribute, kind))
    }

    /// For what a filter and an order look at.
    pub(super) fn of_query(
        filter: Option<&Filter>,
        sort_by: Option<&AttributePath>,
        kind: ScimKind,
    ) -> Needs {
        Needs::of(kind, |attribute| {
            filter.is_some_and(|filter| filter.mentions(attribute, kind))
                || sort_by.is_some_and(|path| path.means(attribute, kind))
        })
    }

    fn of(kind: ScimKind, has: impl Fn(&str) -> bool) -> Needs {
        let is_user = kind == ScimKind::User;
        let group_names = is_user && has("groups");
        Needs {
            accounts: group_names || (is_user && has("active")),
            group_names,
            members: !is_user && has("members"),
        }
    }

    /// Whether members of groups, or groups of people, are looked up, of which one resource may have very many.
    pub(super) fn many(self) -> bool {
        self.members || self.group_names
    }
}

/// What else an answer has of resources, looked up for all of a page together.
#[derive(Debug, Default)]
struct Surroundings {
    accounts: BTreeMap<String, Account>,
    group_names: BTreeMap<String, String>,
    members: BTreeMap<String, Vec<String>>,
}

impl ScimService {
    /// Resources as they are answered, with the attributes that are asked for.
    pub(super) async fn documents(
        &self,
        caller: &Caller,
        kind: ScimKind,
        resources: &[ScimResource],
        needs: Needs,
        projection: &Projection,
    ) -> Result<Vec<Map<String, Value>>, ScimError> {
        let surroundings = self.around(caller, resources, needs).await?;
        let document = |resource| projection.of(self.document(caller, resource, &surroundings), kind);
        Ok(resources.iter().map(document).collect())
    }

    /// One resource.
    pub(super) async fn one_document(
        &self,
        caller: &Caller,
        resource: &ScimResource,
        projection: &Projection,
    ) -> Result<Map<String, Value>, ScimError> {
        let (kind, resources) = (resource.kind, std::slice::from_ref(resource));
        let needs = Needs::of_projection(projection, kind);
        let mut documents = self.documents(caller, kind, resources, needs, projection).await?;
        documents.pop().ok_or_else(|| ScimError::not_found(&resource.id))
    }

    async fn around(
        &self,
        caller: &Caller,
        resources: &[ScimResource],
        needs: Needs,
    ) -> Result<Surroundings, ScimError> {
        let store = &self.shared.store;
        let mut surroundings = Surroundings::default();
        if needs.accounts {
            let ids: Vec<AccountId> = resources.iter().map(|user| AccountId::new(user.id.as_str())).collect();
            let accounts = store.scim_accounts(&caller.organization, &ids).await?;
            let groups = accounts.iter().flat_map(|account| &account.scim_groups);
            let groups: BTreeSet<String> = groups.map(ToString::to_string).collect();
            if needs.group_names && !groups.is_empty() {
                let groups: Vec<String> = groups.into_iter().collect();
                surroundings.group_names =
                    store.scim_names(&caller.connection, ScimKind::Group, &groups).await?;
            }
            let by_id = accounts.into_iter().map(|account| (account.id.to_string(), account));
            surroundings.accounts = by_id.collect();
        }
        if needs.members {
            let groups: Vec<GroupId> =
                resources.iter().map(|group| GroupId::new(group.id.as_str())).collect();
            for (group, account) in store.scim_members(&groups).await? {
                surroundings.members.entry(group.to_string()).or_default().push(account.to_string());
            }
        }
        Ok(surroundings)
    }

    fn document(
        &self,
        caller: &Caller,
        resource: &ScimResource,
        around: &Surroundings,
    ) -> Map<String, Value> {
        let kind = resource.kind;
        let mut document = resource.attributes.clone();
        document.insert("schemas".to_owned(), schemas_of(&resource.attributes, kind));
        document.insert("id".to_owned(), json!(resource.id));
        document.insert(kind.name_attribute().to_owned(), json!(resource.name));
        if let Some(external_id) = &resource.external_id {
            document.insert("externalId".to_owned(), json!(external_id));
        }
        document.insert(
            "meta".to_owned(),
            json!({
                "resourceType": kind.name(),
                "created": timestamp(resource.created_at),
                "lastModified": timestamp(resource.modified_at),
                "location": self.location(kind, &resource.id),
                "version": version(resource).as_str(),
            }),
        );
        if let Some(account) = around.accounts.get(&resource.id) {
            // What the client itself said: an account that an administrator suspended is none of its business.
            let is_active = !account.holds().contains(&Hold::scim(caller.connection.clone()));
            // One that the client removed is absent, and changes nothing of the account.
            if document.contains_key("active") {
                document.insert("active".to_owned(), json!(is_active));
            }
            let groups: Vec<Value> = account
                .scim_groups
                .iter()
                .filter_map(|group| self.group_of(group.as_str(), around))
                .collect();
            if !groups.is_empty() {
                document.insert("groups".to_owned(), Value::Array(groups));
            }
        }
        if let Some(members) = around.members.get(&resource.id) {
            let members: Vec<Value> = members.iter().map(|member| self.member(member)).collect();
            document.insert("members".to_owned(), Value::Array(members));
        }
        document
    }

    /// A group that a person is in, if it is one of the connection's.
    fn group_of(&self, id: &str, around: &Surroundings) -> Option<Value> {
        let name = around.group_names.get(id)?;
        let location = self.location(ScimKind::Group, id);
        Some(json!({"value": id, "$ref": location, "display": name, "type": "direct"}))
    }

    fn member(&self, id: &str) -> Value {
        json!({"value": id, "$ref": self.location(ScimKind::User, id), "type": "User"})
    }
}

fn timestamp(time: chrono::DateTime<chrono::Utc>) -> String {
    time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}
