//! Requests whose bodies come long after their heads.

#![expect(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "this is a test: it may panic")]

mod common;

use std::cell::Cell;

use chrono::{DateTime, TimeDelta, Utc};
use common::{BASE, World, acme, author, okta, person};
use http::{Request, Response};
use serde_json::{Value, json};
use vouchsafe::Provider;
use vouchsafe::provisioning::{Actor, OrganizationToken};
use vouchsafe_store::{Author, ScimToken};

/// Sends a request whose body comes an hour after its head, and after what happens meanwhile.
async fn send(
    world: &World,
    (method, path): (&str, &str),
    body: &Value,
    meanwhile: impl Future<Output = ()>,
) -> Response<Vec<u8>> {
    let request = Request::builder().method(method).uri(format!("{BASE}{path}"));
    let request = request.header("authorization", format!("Bearer {}", world.token));
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let clock = Cell::new(world.now);
    let read = async |_: usize| {
        meanwhile.await;
        clock.set(later(world));
        Some(body.to_string().into_bytes())
    };
    world.scim.handle(&parts, path, read, || clock.get()).await
}

fn later(world: &World) -> DateTime<Utc> {
    world.now + TimeDelta::hours(1)
}

/// The id of the token of the world.
async fn token_id(world: &World) -> String {
    let tokens = world.store.scim_tokens(&okta()).await.unwrap();
    let is_it =
        |token: &&ScimToken| token.record.hash.matches(&world.token, &Provider::rustcrypto()).unwrap();
    tokens.iter().find(is_it).unwrap().id().to_owned()
}

fn deactivation() -> Value {
    let operation = json!({"op": "replace", "value": {"active": false}});
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation]})
}

/// The holder of a stolen token opens requests, and sends the last byte when the token was revoked.
#[tokio::test]
async fn a_body_that_comes_after_the_token_was_revoked_changes_nothing() {
    let requests = [
        ("POST", "/Users", person("eve", "Eve", "Example")),
        ("POST", "/Groups", json!({"displayName": "Admins"})),
        ("PUT", "/Users/{ada}", person("ada", "Eve", "Example")),
        ("PATCH", "/Users/{ada}", deactivation()),
        ("PUT", "/Groups/{engineering}", json!({"displayName": "Admins"})),
        ("POST", "/Users/.search", json!({"filter": "userName pr"})),
    ];
    for (method, path, body) in requests {
        for mut world in World::on_every_store().await {
            world.given("ada").await;
            world.given("engineering").await;
            let path =
                path.replace("{ada}", &world.id("ada")).replace("{engineering}", &world.id("engineering"));
            let before = world.store.whole(&acme()).await.unwrap();
            let id = token_id(&world).await;
            let revoke = async {
                let author = Author::new(Actor::Operator, world.now);
                assert!(world.store.revoke_scim_token(&okta(), &id, &author).await.unwrap());
            };
            let answer = send(&world, (method, &path), &body, revoke).await;
            assert_eq!(answer.status(), 401, "{method} {path} on {}", world.store_name());
            assert_eq!(answer.headers()["www-authenticate"], "Bearer realm=\"SCIM\"");
            assert_eq!(world.store.whole(&acme()).await.unwrap(), before, "{method} {path}");
            // The refusal is dated after the revocation.
            let audit = world.store.audit(&acme()).await.unwrap();
            let last = audit.last().unwrap();
            assert_eq!((last.rule.as_str(), last.at), ("scim.unauthorized", later(&world)));
            assert!(last.is_refusal() && last.change.contains(&id));
        }
    }
}

#[tokio::test]
async fn a_body_that_comes_after_the_token_has_expired_changes_nothing() {
    for mut world in World::on_every_store().await {
        world.given("ada").await;
        let path = format!("/Users/{}", world.id("ada"));
        // The next token ends it.
        let rotate = async {
            let provider = Provider::rustcrypto();
            let next = OrganizationToken::issue(&provider).unwrap();
            let record = ScimToken::new(next.hash(&provider).unwrap(), acme(), okta(), world.now);
            world.store.add_scim_token(&record, Some(later(&world)), &author()).await.unwrap();
        };
        let answer = send(&world, ("PATCH", &path), &deactivation(), rotate).await;
        assert_eq!(answer.status(), 401, "on {}", world.store_name());
        assert!(world.is_active("ada@acme.example").await);
    }
}

/// What a slow request changes is dated when it is changed.
#[tokio::test]
async fn the_audit_has_the_time_at_which_the_body_was_there() {
    for mut world in World::on_every_store().await {
        world.given("ada").await;
        let path = format!("/Users/{}", world.id("ada"));
        let answer = send(&world, ("PATCH", &path), &deactivation(), std::future::ready(())).await;
        assert_eq!(answer.status(), 200, "on {}", world.store_name());
        let audit = world.store.audit(&acme()).await.unwrap();
        let last = audit.last().unwrap();
        assert_eq!((last.at, last.actor.as_ref()), (later(&world), Some(&Actor::Scim(okta()))));
    }
}
