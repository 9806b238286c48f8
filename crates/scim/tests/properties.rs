//! What holds of every filter, every PATCH and every walk over pages.

#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

mod common;

use std::collections::BTreeSet;

use common::{World, person};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use vouchsafe_scim::{Filter, Limits, Patch, ScimKind};

/// Pieces of filters, put together by chance.
fn words() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        prop::sample::select(vec![
            "userName",
            "emails",
            "[",
            "]",
            "(",
            ")",
            "eq",
            "ne",
            "co",
            "pr",
            "gt",
            "and",
            "or",
            "not",
            "\"x\"",
            "true",
            "null",
            "1.5",
            "-",
            ".value",
            "name.givenName",
            "urn:ietf:params:scim:schemas:core:2.0:User:userName",
            "\"",
            "\\",
            "é",
            "\u{0}",
            "type",
            "$ref",
            ":",
            "..",
            "AND",
            "Eq",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,4}",
    ];
    prop::collection::vec(word, 0..24).prop_map(|words| words.join(" "))
}

fn filters() -> impl Strategy<Value = String> {
    let path =
        prop::sample::select(vec!["userName", "name.givenName", "emails", "emails.type", "active", "x-y_1"]);
    let value = prop_oneof![
        "[a-z\"\\\\é ]{0,6}".prop_map(|text| Value::String(text).to_string()),
        any::<i32>().prop_map(|number| number.to_string()),
        any::<bool>().prop_map(|truth| truth.to_string()),
        Just("null".to_owned()),
    ];
    let text = "[a-z\"\\\\é ]{0,6}".prop_map(|text| Value::String(text).to_string());
    let term = prop_oneof![
        (path.clone(), value).prop_map(|(path, value)| format!("{path} eq {value}")),
        (path.clone(), prop::sample::select(vec!["co", "sw", "ew", "gt", "le"]), text)
            .prop_map(|(path, word, text)| format!("{path} {word} {text}")),
        path.prop_map(|path| format!("{path} pr")),
    ];
    term.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(|all| format!("({})", all.join(" and "))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(|all| format!("({})", all.join(" or "))),
            inner.clone().prop_map(|one| format!("not ({one})")),
            "type eq \"[a-z]{1,3}\"".prop_map(|inner| format!("emails[{inner}]")),
        ]
    })
}

fn users() -> impl Strategy<Value = Map<String, Value>> {
    (
        "[a-z]{1,4}",
        prop::option::of("[a-z]{0,3}"),
        prop::collection::vec(("[a-z]{1,3}", "[a-z]{1,2}"), 0..4),
        any::<bool>(),
    )
        .prop_map(|(name, title, emails, active)| {
            let emails: Vec<Value> =
                emails.into_iter().map(|(value, kind)| json!({"value": value, "type": kind})).collect();
            let mut user = json!({"userName": name, "active": active});
            let object = user.as_object_mut().unwrap();
            if let Some(title) = title {
                object.insert("title".to_owned(), json!(title));
            }
            if !emails.is_empty() {
                object.insert("emails".to_owned(), Value::Array(emails));
            }
            object.clone()
        })
}

fn operations() -> impl Strategy<Value = Vec<Value>> {
    let path = prop::sample::select(vec![
        "userName",
        "title",
        "active",
        "name",
        "name.givenName",
        "emails",
        "emails[type eq \"a\"]",
        "emails[type eq \"a\"].value",
        "emails.primary",
        "emails[value co \"a\"].primary",
        "id",
        "nickName",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        "[",
        "unknown.part",
    ]);
    let value = prop_oneof![
        Just(Value::Null),
        Just(json!("a")),
        Just(json!("True")),
        Just(json!(true)),
        Just(json!(7)),
        Just(json!([])),
        Just(json!([{"value": "a", "type": "a"}, {"value": "b", "primary": true}])),
        Just(json!({"value": "c"})),
        Just(json!({"givenName": "G", "familyName": "F"})),
        Just(json!({"name.givenName": "H", "active": false})),
        Just(json!({"department": "D"})),
        Just(json!(["a", "b"])),
    ];
    let verb = prop::sample::select(vec!["add", "Replace", "REMOVE"]);
    let operation =
        (verb, prop::option::of(path), prop::option::of(value)).prop_map(|(verb, path, value)| {
            let mut operation = json!({"op": verb});
            let object = operation.as_object_mut().unwrap();
            if let Some(path) = path {
                object.insert("path".to_owned(), json!(path));
            }
            if let Some(value) = value {
                object.insert("value".to_owned(), value);
            }
            operation
        });
    prop::collection::vec(operation, 1..5)
}

fn patch(operations: &[Value]) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations})
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_text_is_a_filter_or_is_refused(text in prop_oneof![words(), "\\PC*"], user in users()) {
        if let Ok(filter) = Filter::parse(&text, &Limits::default()) {
            let matched = filter.matches(&user, ScimKind::User);
            prop_assert_eq!(Filter::Not(Box::new(filter)).matches(&user, ScimKind::User), !matched);
        }
    }

    #[test]
    fn a_filter_is_read_again_as_it_is_written(text in filters(), user in users()) {
        let limits = Limits::default();
        // The generator may nest deeper, or have more terms, than is allowed.
        if let Ok(filter) = Filter::parse(&text, &limits) {
            let mut limits = limits;
            limits.filter_depth = 64;
            limits.filter_bytes = 16 * 1024;
            let written = filter.to_string();
            let again = Filter::parse(&written, &limits).unwrap();
            prop_assert_eq!(&again, &filter, "{}", written);
            prop_assert_eq!(again.matches(&user, ScimKind::User), filter.matches(&user, ScimKind::User));
        }
    }

    #[test]
    fn what_a_patch_makes_is_a_resource(user in users(), operations in operations()) {
        let limits = Limits::default();
        let Ok(patch) = Patch::from_json(patch(&operations), ScimKind::User, &limits) else { return Ok(()) };
        if let Ok(after) = patch.applied_to(&user, &limits) {
            prop_assert!(after["userName"].as_str().is_some_and(|name| !name.is_empty()));
            prop_assert!(after.get("active").is_none_or(Value::is_boolean));
            prop_assert!(!after.contains_key("id") && !after.contains_key("password"));
            let primaries = after.get("emails").and_then(Value::as_array).into_iter().flatten();
            prop_assert!(primaries.filter(|email| email["primary"] == json!(true)).count() <= 1);
        }
    }

    /// Replacing by a path is idempotent: what it names is what it says.
    #[test]
    fn a_replacement_twice_is_one(user in users(), operation in operations()) {
        let limits = Limits::default();
        let replaces = |one: &Value| one["op"] == json!("Replace") && one.get("path").is_some_and(|path| !path.as_str().unwrap().contains("co"));
        let operations: Vec<Value> = operation.into_iter().filter(replaces).take(1).collect();
        let Ok(patch) = Patch::from_json(patch(&operations), ScimKind::User, &limits) else { return Ok(()) };
        if let Ok(once) = patch.applied_to(&user, &limits) {
            prop_assert_eq!(patch.applied_to(&once, &limits).unwrap(), once);
        }
    }

    /// All operations or none, over the service: a refusal leaves the resource, its version and the account as they were.
    #[test]
    fn a_patch_is_atomic(operations in operations()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut world = World::memory().await;
            world.given("ada").await;
            let path = format!("/Users/{}", world.id("ada"));
            let before = world.send("GET", &path, "", &[]).await.text;
            let answer = world.send("PATCH", &path, &patch(&operations).to_string(), &[]).await;
            let after = world.send("GET", &path, "", &[]).await.text;
            match answer.status {
                200 => prop_assert_eq!(answer.text, after),
                400 | 403 | 409 => prop_assert_eq!(before, after),
                other => prop_assert!(false, "{} for {:?}", other, operations),
            }
            Ok(())
        })?;
    }

    /// Whoever is there all the time is seen once, by index while people are made and changed, by cursor also while they are removed.
    #[test]
    fn a_walk_sees_everybody_once(
        page in 1_usize..5, writes in prop::collection::vec((0_u8..3, 0_usize..12), 12), by_cursor in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut world = World::memory().await;
            let mut there = Vec::new();
            for number in 0..12 {
                let name = format!("p{number}");
                world.given(&name).await;
                there.push(world.id(&name));
            }
            let mut removed = BTreeSet::new();
            let mut seen: Vec<String> = Vec::new();
            let (mut start, mut cursor, mut writes) = (1_usize, Some(String::new()), writes.into_iter());
            loop {
                let query = match &cursor {
                    Some(cursor) if by_cursor => format!("/Users?cursor={cursor}&count={page}"),
                    _ => format!("/Users?startIndex={start}&count={page}"),
                };
                let answer = world.send("GET", &query, "", &[]).await;
                let resources = answer.body["Resources"].as_array().unwrap().clone();
                seen.extend(resources.iter().map(|one| one["id"].as_str().unwrap().to_owned()));
                start = start.saturating_add(resources.len());
                cursor = answer.body.get("nextCursor").map(|next| next.as_str().unwrap().to_owned());
                let is_last = if by_cursor { cursor.is_none() } else { resources.is_empty() };
                if is_last {
                    break;
                }
                // Somebody is made, changed or removed between two pages.
                match writes.next() {
                    Some((0, number)) => {
                        let body = person(&format!("new{number}-{}", seen.len()), "New", "Person");
                        world.send("POST", "/Users", &body.to_string(), &[]).await;
                    }
                    Some((1, number)) => {
                        let change = patch(&[json!({"op": "replace", "value": {"active": number % 2 == 0}})]);
                        world.send("PATCH", &format!("/Users/{}", there[number]), &change.to_string(), &[]).await;
                    }
                    Some((_, number)) if by_cursor => {
                        world.send("DELETE", &format!("/Users/{}", there[number]), "", &[]).await;
                        removed.insert(there[number].clone());
                    }
                    _ => {}
                }
            }
            let distinct: BTreeSet<&String> = seen.iter().collect();
            prop_assert_eq!(distinct.len(), seen.len(), "somebody was seen twice");
            for id in there.iter().filter(|id| !removed.contains(*id)) {
                prop_assert!(distinct.contains(id), "somebody was not seen");
            }
            Ok(())
        })?;
    }
}
