//! Resources as clients see them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use vouchsafe::provisioning::{Account, AccountId, GroupId, Hold};
use vouchsafe_store::{ScimKey, ScimKind, ScimResource};

use super::{ScimService, answer::version, caller::Caller};
use crate::{ScimError, projection::schemas_of, query::Projection, schema::Described as _};

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
        projection: &Projection,
    ) -> Result<Vec<Map<String, Value>>, ScimError> {
        let surroundings = match kind {
            ScimKind::User => self.around_users(caller, resources, projection).await?,
            _ => self.around_groups(resources, projection).await?,
        };
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
        let resources = std::slice::from_ref(resource);
        let mut documents = self.documents(caller, resource.kind, resources, projection).await?;
        documents.pop().ok_or_else(|| ScimError::not_found(&resource.id))
    }

    async fn around_users(
        &self,
        caller: &Caller,
        resources: &[ScimResource],
        projection: &Projection,
    ) -> Result<Surroundings, ScimError> {
        let store = &self.shared.store;
        let ids: Vec<AccountId> =
            resources.iter().map(|resource| AccountId::new(resource.id.as_str())).collect();
        let accounts = store.scim_accounts(&caller.organization, &ids).await?;
        let mut surroundings = Surroundings::default();
        if !projection.leaves_out("groups", ScimKind::User) {
            let groups: BTreeSet<String> =
                accounts.iter().flat_map(|account| &account.scim_groups).map(ToString::to_string).collect();
            if !groups.is_empty() {
                let key = ScimKey::Ids(groups.into_iter().collect());
                let groups = store.find_scim(&caller.connection, ScimKind::Group, &key).await?;
                surroundings.group_names = groups.into_iter().map(|group| (group.id, group.name)).collect();
            }
        }
        surroundings.accounts =
            accounts.into_iter().map(|account| (account.id.to_string(), account)).collect();
        Ok(surroundings)
    }

    async fn around_groups(
        &self,
        resources: &[ScimResource],
        projection: &Projection,
    ) -> Result<Surroundings, ScimError> {
        let mut surroundings = Surroundings::default();
        if projection.leaves_out("members", ScimKind::Group) {
            return Ok(surroundings);
        }
        let groups: Vec<GroupId> = resources.iter().map(|group| GroupId::new(group.id.as_str())).collect();
        for (group, account) in self.shared.store.scim_members(&groups).await? {
            surroundings.members.entry(group.to_string()).or_default().push(account.to_string());
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
                "version": version(resource),
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
