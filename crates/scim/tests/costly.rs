//! What one request of a customer's may cost all others.
#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

mod common;

use common::{World, person};
use serde_json::{Map, Value, json};
use vouchsafe_scim::{Limits, Patch, ScimKind};

/// The core schema's attributes may stand under its URN, as in a PATCH.
#[tokio::test]
async fn a_deactivation_under_the_urn_of_the_core_schema_is_one() {
    let mut world = World::memory().await;
    world.given("ada").await;
    let mut body = person("ada", "Ada", "Lovelace");
    body.as_object_mut().unwrap().remove("active");
    body["urn:ietf:params:scim:schemas:core:2.0:User"] = json!({"active": false});
    let answer = world.send("PUT", &format!("/Users/{}", world.id("ada")), &body.to_string(), &[]).await;
    assert!(
        answer.status != 200 || !world.is_active("ada@acme.example").await,
        "200, and she is in: {}",
        answer.text
    );
}

fn peak_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// A text that is put into each of very many values.
#[test]
fn a_patch_takes_no_more_memory_than_its_body_is_long() {
    let elements: Vec<Value> = (0..2_000).map(|number| json!({"a": number})).collect();
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [
            {"op": "add", "path": "emails", "value": elements},
            {"op": "replace", "path": "emails.display", "value": "x".repeat(100_000)},
        ],
    });
    let length = body.to_string().len();
    let before = peak_kib();
    let read = Patch::from_json(body, ScimKind::User, &Limits::default()).unwrap();
    let user = json!({"userName": "ada"});
    let applied = read.applied_to(user.as_object().unwrap(), &Limits::default());
    let grown = peak_kib() - before;
    assert!(applied.is_err());
    assert!(grown < 16 * 1024, "a body of {length} bytes took {grown} KiB");
}

/// Names are compared one by one, so an object has not very many of them, in whatever place.
#[tokio::test]
async fn an_object_has_not_very_many_attributes() {
    let limits = Limits::default();
    let many: Map<String, Value> =
        (0..=limits.attributes).map(|number| (format!("a{number}"), json!(1))).collect();
    let patch = |value: Value| {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "add", "path": "name", "value": {"a": value.clone()}}, {"op": "add", "value": value}],
        });
        Patch::from_json(body, ScimKind::User, &limits)
    };
    assert!(patch(json!({"title": "x"})).is_ok());
    assert!(patch(Value::Object(many.clone())).is_err());
    // Nor does one that grows with each operation.
    let operations: Vec<Value> =
        (0..600).map(|number| json!({"op": "add", "value": {format!("a{number}"): 1}})).collect();
    let body =
        json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations});
    let growing = Patch::from_json(body, ScimKind::User, &limits).unwrap();
    assert!(growing.applied_to(json!({"userName": "ada"}).as_object().unwrap(), &limits).is_err());

    let mut world = World::memory().await;
    let mut body = person("ada", "Ada", "Lovelace");
    body["urn:example:extension"] = Value::Object(many);
    assert_eq!(world.send("POST", "/Users", &body.to_string(), &[]).await.status, 400);
}

/// Each name of an attribute is looked for in each element of each resource.
#[tokio::test]
async fn a_search_asks_for_so_many_attributes_and_no_more() {
    let mut world = World::memory().await;
    let mut ada = person("ada", "Ada", "Lovelace");
    ada["emails"] = (0..100).map(|number| json!({"value": format!("a{number}@acme.example")})).collect();
    assert_eq!(world.send("POST", "/Users", &ada.to_string(), &[]).await.status, 201);
    let names: Vec<String> = (0..5_000).map(|number| format!("emails.a{number}")).collect();
    let body =
        json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "attributes": names});
    let answer = world.send("POST", "/Users/.search", &body.to_string(), &[]).await;
    assert_eq!(answer.status, 400);
}

/// Each operation that is about some of the members goes through all of them.
#[test]
fn the_operations_of_a_patch_do_not_go_through_a_large_group_again_and_again() {
    let limits = Limits::default();
    let members = |count: usize| -> Vec<Value> {
        (0..count).map(|number| json!({"value": format!("{number:032x}"), "type": "User"})).collect()
    };
    let patch = |operations: usize| {
        let one = |number: usize| {
            let path = format!("members[type eq \"User\" and value eq \"{number:032x}\"]");
            json!({"op": "remove", "path": path})
        };
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": (0..operations).map(one).collect::<Vec<_>>(),
        });
        Patch::from_json(body, ScimKind::Group, &limits).unwrap()
    };
    let group = |count: usize| json!({"displayName": "All", "members": members(count)});
    for (count, operations, is_done) in [(100, 99, true), (20_000, 5, true), (20_000, 1_000, false)] {
        let begun = std::time::Instant::now();
        let applied = patch(operations).applied_to(group(count).as_object().unwrap(), &limits);
        assert_eq!(applied.is_ok(), is_done, "{count} members, {operations} operations");
        if let Ok(applied) = applied {
            assert_eq!(applied["members"].as_array().unwrap().len(), count - operations);
        }
        assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{:?}", begun.elapsed());
    }
}
