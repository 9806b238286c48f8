//! Acme with a connection and a SCIM token, over a service on each store.

#![allow(
    dead_code,
    clippy::allow_attributes,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "these are tests, of which each uses a part"
)]

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, Request};
use serde_json::{Value, json};
use vouchsafe::provisioning::{
    Account, AccountId, Actor, Organization, OrganizationId, OrganizationToken, Role,
};
use vouchsafe::{ConnectionId, EntityId, Provider};
use vouchsafe_scim::ScimService;
use vouchsafe_store::{Author, Directory, Memory, ScimStore, ScimToken, SessionStore, Sqlite};

pub(crate) const BASE: &str = "https://app.acme.example/scim/v2";

/// A store that has everything.
pub(crate) trait Store: ScimStore + Directory + SessionStore {}
impl<S: ScimStore + Directory + SessionStore> Store for S {}

pub(crate) struct World {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) scim: ScimService,
    pub(crate) token: String,
    pub(crate) now: DateTime<Utc>,
    name: &'static str,
    saved: BTreeMap<String, String>,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) body: Value,
}

/// Who sets up what there is.
pub(crate) fn author() -> Author {
    Author::new(Actor::Operator, start())
}

pub(crate) fn start() -> DateTime<Utc> {
    "2026-01-15T09:00:00Z".parse().unwrap()
}

pub(crate) fn acme() -> OrganizationId {
    OrganizationId::new("acme")
}

pub(crate) fn okta() -> ConnectionId {
    ConnectionId::new("acme-okta").unwrap()
}

/// The connection that is to replace [`okta`].
pub(crate) fn entra() -> ConnectionId {
    ConnectionId::new("acme-entra").unwrap()
}

impl World {
    pub(crate) async fn on_every_store() -> Vec<World> {
        vec![World::memory().await, World::sqlite().await]
    }

    pub(crate) async fn memory() -> World {
        World::over("memory", Arc::new(Memory::new())).await
    }

    pub(crate) async fn sqlite() -> World {
        World::over("SQLite", Arc::new(Sqlite::in_memory().await.unwrap())).await
    }

    /// Acme, whose owner has a password, and Globex; each with a connection.
    async fn over<S: Store + 'static>(name: &'static str, store: Arc<S>) -> World {
        for (id, connection, domain) in
            [("acme", "acme-okta", "acme.example"), ("globex", "globex-entra", "globex.example")]
        {
            let mut organization = Organization::new(OrganizationId::new(id), id, id);
            organization.entitled = true;
            let entity = EntityId::new(format!("https://idp.{domain}")).unwrap();
            organization.convert(entity, &Provider::rustcrypto(), start()).unwrap();
            organization.connections.insert(ConnectionId::new(connection).unwrap());
            if id == "acme" {
                organization.connections.insert(entra());
            }
            organization.verified_domains.push(domain.to_owned());
            store.add_organization(&organization, &author()).await.unwrap();
            let owner = AccountId::new(format!("owner-of-{id}"));
            let mut owner = Account::new(owner, organization.id.clone(), format!("owner@{domain}"));
            owner.role = Role::Owner;
            owner.has_password = true;
            store.add_account(&owner, &author()).await.unwrap();
        }
        let scim = ScimService::new(store.clone(), BASE, Provider::rustcrypto());
        let token = issue(&*store, acme(), okta(), start()).await;
        World { store, scim, token, now: start(), name, saved: BTreeMap::new() }
    }

    pub(crate) fn store_name(&self) -> &'static str {
        self.name
    }

    /// Somebody or something that a case begins with.
    pub(crate) async fn given(&mut self, name: &str) {
        let (path, body) = match name {
            "engineering" => (
                "/Groups",
                json!({
                    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
                    "displayName": "Engineering", "externalId": "ext-engineering",
                    "members": [{"value": self.filled("{ada}")}],
                }),
            ),
            "ada" => ("/Users", person("ada", "Ada", "Lovelace")),
            "bob" => ("/Users", person("bob", "Bob", "Kahn")),
            other => ("/Users", person(other, other, "Example")),
        };
        let answer = self.send("POST", path, &body.to_string(), &[]).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        self.save(name, answer.body["id"].as_str().unwrap());
    }

    /// Sends a request a second after the last one.
    pub(crate) async fn send(
        &mut self,
        method: &str,
        path: &str,
        body: &str,
        headers: &[(&str, Option<String>)],
    ) -> Answer {
        let token = self.token.clone();
        self.send_with(&token, method, path, body, headers).await
    }

    pub(crate) async fn send_with(
        &mut self,
        token: &str,
        method: &str,
        path: &str,
        body: &str,
        headers: &[(&str, Option<String>)],
    ) -> Answer {
        self.now += TimeDelta::seconds(1);
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{BASE}{path}"))
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/scim+json");
        for (name, value) in headers {
            if let Some(value) = value {
                request
                    .headers_mut()
                    .unwrap()
                    .insert(http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
            }
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let path = path.split('?').next().unwrap();
        let response = self.scim.handle(&parts, path, given(body), || self.now).await;
        let text = String::from_utf8(response.body().clone()).unwrap();
        let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() };
        Answer { status: response.status().as_u16(), headers: response.headers().clone(), text, body }
    }

    pub(crate) fn save(&mut self, name: &str, value: &str) {
        self.saved.insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn id(&self, name: &str) -> String {
        self.saved[name].clone()
    }

    /// A text with what was saved in the place of names in braces.
    pub(crate) fn filled(&self, text: &str) -> String {
        let fill = |text: String, (name, value): (&String, &String)| {
            // In a body what is filled in stands within a JSON string.
            let value = if text.starts_with('{') || text.starts_with('"') {
                value.replace('\\', "\\\\").replace('"', "\\\"")
            } else {
                value.clone()
            };
            text.replace(&format!("{{{name}}}"), &value)
        };
        // A tag alone is no JSON.
        if let Some(value) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'))
            && let Some(value) = self.saved.get(value)
        {
            return value.clone();
        }
        self.saved.iter().fold(text.to_owned(), fill)
    }

    pub(crate) async fn is_active(&self, email: &str) -> bool {
        let whole = self.store.whole(&acme()).await.unwrap();
        whole.account_with_email(email).unwrap_or_else(|| panic!("no account of {email}")).is_active()
    }
}

/// A body that is there already.
pub(crate) fn given(body: &str) -> impl FnOnce(usize) -> std::future::Ready<Option<Vec<u8>>> {
    let body = body.as_bytes().to_vec();
    move |_| std::future::ready(Some(body))
}

/// A token of a connection.
pub(crate) async fn issue(
    store: &dyn Store,
    organization: OrganizationId,
    connection: ConnectionId,
    now: DateTime<Utc>,
) -> String {
    let provider = Provider::rustcrypto();
    let token = OrganizationToken::issue(&provider).unwrap();
    let record = ScimToken::new(token.hash(&provider).unwrap(), organization, connection, now);
    store.add_scim_token(&record, None, &Author::new(Actor::Operator, now)).await.unwrap();
    token.reveal()
}

pub(crate) fn person(name: &str, given: &str, family: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": format!("{name}@acme.example"), "externalId": format!("ext-{name}"),
        "name": {"givenName": given, "familyName": family}, "displayName": format!("{given} {family}"),
        "emails": [{"value": format!("{name}@acme.example"), "type": "work", "primary": true}],
        "active": true,
    })
}
