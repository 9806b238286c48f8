//! What a SCIM PATCH leaves is a resource.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use vouchsafe_scim::{Limits, Patch, ScimKind};

/// The property of the target of that name. The input is `{"before": {...}, "patch": {...}}`.
pub fn check(data: &[u8]) {
    let Ok(Value::Object(input)) = serde_json::from_slice(data) else { return };
    let before = input.get("before").and_then(Value::as_object).cloned().unwrap_or_default();
    // No resource that is kept has one attribute twice, in two cases.
    let names: BTreeSet<String> = before.keys().map(|name| name.to_ascii_lowercase()).collect();
    if names.len() != before.len() {
        return;
    }
    let body = input.get("patch").cloned().unwrap_or_default();
    for kind in [ScimKind::User, ScimKind::Group] {
        let limits = Limits::default();
        let Ok(patch) = Patch::from_json(body.clone(), kind, &limits) else { continue };
        let Ok(after) = patch.applied_to(&before, &limits) else { continue };
        assert_eq!(
            patch.applied_to(&before, &limits).ok().as_ref(),
            Some(&after),
            "it depends on its arguments only"
        );
        let name = if kind == ScimKind::User { "userName" } else { "displayName" };
        let is_named = |resource: &Map<String, Value>| {
            let found = resource.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.and_then(|(_, value)| value.as_str()).is_some_and(|text| !text.trim().is_empty())
        };
        assert!(is_named(&after), "it has no {name} any more");
        for fixed in ["id", "meta", "groups", "password"] {
            let of = |resource: &Map<String, Value>| {
                resource
                    .iter()
                    .filter(|(key, _)| key.eq_ignore_ascii_case(fixed))
                    .map(|(_, value)| value.clone())
                    .collect::<Vec<_>>()
            };
            // Of a group, `groups` and `password` are attributes that nobody knows.
            if kind == ScimKind::User || ["id", "meta"].contains(&fixed) {
                assert_eq!(of(&after), of(&before), "{fixed} was changed");
            }
        }
        for value in after.values().filter_map(Value::as_array) {
            let primary = |element: &&Value| {
                let parts = element.as_object();
                let found =
                    parts.and_then(|parts| parts.iter().find(|(key, _)| key.eq_ignore_ascii_case("primary")));
                found.map(|(_, value)| value) == Some(&Value::Bool(true))
            };
            assert!(value.iter().filter(primary).count() <= 1, "two values are primary");
        }
    }
}

/// What Okta and Entra ID send.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let before = json!({
        "userName": "ada", "displayName": "Ada", "active": true, "name": {"givenName": "Ada"},
        "emails": [{"value": "ada@acme.example", "type": "work", "primary": true}],
        "members": [{"value": "1", "type": "User"}, {"value": "2"}],
    });
    let operations = [
        json!([{"op": "Replace", "path": "active", "value": "False"}]),
        json!([{"op": "replace", "value": {"name.givenName": "Augusta", "active": false, "id": "7"}}]),
        json!([{"op": "Add", "path": "addresses[type eq \"work\"].streetAddress", "value": "1 Main St"}]),
        json!([{"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "a@acme.example"}]),
        json!([{"op": "add", "path": "emails", "value": [{"value": "b@acme.example", "primary": true}]}]),
        json!([{"op": "Remove", "path": "members", "value": [{"value": "1"}]}, {"op": "remove", "path": "members[value eq \"2\"]"}]),
        json!([{"op": "Add", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager", "value": "1"}]),
        json!([{"op": "replace", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", "value": {"department": "R"}},
               {"op": "remove", "path": "displayName"}]),
        json!([{"op": "replace", "path": "emails[value pr].primary", "value": true}, {"op": "replace", "path": "password", "value": "x"}]),
    ];
    let seed = |operations: &Value| {
        let patch =
            json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations});
        json!({"before": before, "patch": patch}).to_string().into_bytes()
    };
    operations.iter().map(seed).collect()
}
