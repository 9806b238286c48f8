//! Users and groups pushed to an application by SCIM, as Okta does it: an assigned user is searched, then created or
//! updated; a user who is no longer assigned is deactivated; groups are pushed with their members.

use serde_json::{Value, json};

use super::directory::Okta;
use super::model::{AppId, Provisioning, User};
use super::outgoing::Outgoing;
use crate::TestkitError;

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

impl Okta {
    /// Pushes a user to an application. The user is created or updated if the application is assigned and the user is
    /// not suspended, and deactivated otherwise. Does nothing if the application has no provisioning.
    ///
    /// # Errors
    ///
    /// An error is returned if there is no such user or application, or if the application answers with an error.
    pub async fn push_user(&self, app: &AppId, login: &str) -> Result<(), TestkitError> {
        let Some(scim) = self.app(app)?.provisioning else { return Ok(()) };
        let user = self.user(login)?;
        let is_active = self.is_assigned(app, login) && !user.suspended;
        let known = scim.find("Users", "userName", &user.login).await?;
        match (known, is_active) {
            (None, false) => Ok(()),
            (None, true) => scim.ask("POST", "/Users", Some(&profile(&user))).await.map(drop),
            (Some(id), true) => {
                scim.ask("PUT", &format!("/Users/{id}"), Some(&profile(&user))).await.map(drop)
            }
            (Some(id), false) => {
                let body = patch(&json!([{"op": "replace", "value": {"active": false}}]));
                scim.ask("PATCH", &format!("/Users/{id}"), Some(&body)).await.map(drop)
            }
        }
    }

    /// Pushes a group to an application, with the members to whom the application is assigned.
    ///
    /// # Errors
    ///
    /// An error is returned if there is no such application, or if the application answers with an error.
    pub async fn push_group(&self, app: &AppId, group: &str) -> Result<(), TestkitError> {
        let Some(scim) = self.app(app)?.provisioning else { return Ok(()) };
        let mut members = Vec::new();
        for user in self.users().iter().filter(|user| user.groups.iter().any(|own| own == group)) {
            if self.is_assigned(app, &user.login)
                && let Some(id) = scim.find("Users", "userName", &user.login).await?
            {
                members.push(json!({"value": id, "display": user.login}));
            }
        }
        match scim.find("Groups", "displayName", group).await? {
            Some(id) => {
                let body = patch(&json!([{"op": "replace", "path": "members", "value": members}]));
                scim.ask("PATCH", &format!("/Groups/{id}"), Some(&body)).await.map(drop)
            }
            None => {
                let body = json!({"schemas": [GROUP], "displayName": group, "members": members});
                let made = scim.ask("POST", "/Groups", Some(&body)).await?;
                let id = made.get("id").and_then(Value::as_str).unwrap_or_default();
                // Okta sends this right after the creation.
                let body = patch(&json!([{"op": "replace", "value": {"id": id, "displayName": group}}]));
                scim.ask("PATCH", &format!("/Groups/{id}"), Some(&body)).await.map(drop)
            }
        }
    }

    /// Removes a pushed group from an application.
    ///
    /// # Errors
    ///
    /// An error is returned if there is no such application, or if the application answers with an error.
    pub async fn remove_pushed_group(&self, app: &AppId, group: &str) -> Result<(), TestkitError> {
        let Some(scim) = self.app(app)?.provisioning else { return Ok(()) };
        match scim.find("Groups", "displayName", group).await? {
            Some(id) => scim.ask("DELETE", &format!("/Groups/{id}"), None).await.map(drop),
            None => Ok(()),
        }
    }
}

/// Returns a user in the form of Okta's profile mapping.
fn profile(user: &User) -> Value {
    json!({
        "schemas": [USER],
        "userName": user.login,
        "externalId": format!("00u-{}", user.login),
        "name": {"givenName": user.first_name, "familyName": user.last_name},
        "emails": [{"primary": true, "value": user.email, "type": "work"}],
        "displayName": format!("{} {}", user.first_name, user.last_name),
        "active": true,
    })
}

fn patch(operations: &Value) -> Value {
    json!({"schemas": [PATCH], "Operations": operations})
}

impl Provisioning {
    /// Returns the identifier of the resource with this name.
    async fn find(
        &self,
        endpoint: &str,
        attribute: &str,
        name: &str,
    ) -> Result<Option<String>, TestkitError> {
        let filter = format!("{attribute} eq {}", Value::String(name.to_owned()));
        let filter = percent_encoding::utf8_percent_encode(&filter, percent_encoding::NON_ALPHANUMERIC);
        let found =
            self.ask("GET", &format!("/{endpoint}?filter={filter}&startIndex=1&count=100"), None).await?;
        let id = found.pointer("/Resources/0/id").and_then(Value::as_str);
        Ok(id.map(str::to_owned))
    }

    async fn ask(
        &self,
        method: &'static str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, TestkitError> {
        let address = format!("{}{path}", self.base_url.trim_end_matches('/'));
        Outgoing::new(method, address, body.map(ToString::to_string).unwrap_or_default())
            .header("Authorization", format!("Bearer {}", self.token))
            .header("Accept", "application/scim+json")
            .header("Content-Type", "application/scim+json")
            .send()
            .await
    }
}
