//! Requests as Okta and Entra ID send them, and others that the RFC describes, each with the answer that is expected.
//!
//! A case is data: people and groups that are there, then requests, each with a status, values at JSON pointers, and what must not be there.

#![expect(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "this is a test: it may panic")]

mod common;

use std::collections::BTreeMap;

use common::World;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    given: Vec<String>,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    /// `METHOD /path?query`.
    #[serde(default)]
    request: Option<String>,
    #[serde(default)]
    body: Option<Value>,
    /// A body that is no JSON.
    #[serde(default)]
    text: Option<String>,
    /// The content type, where it is another one.
    #[serde(default, rename = "type")]
    content_type: Option<String>,
    #[serde(default)]
    if_match: Option<String>,
    #[serde(default)]
    if_none_match: Option<String>,
    #[serde(default)]
    status: u16,
    /// Values at JSON pointers.
    #[serde(default)]
    expect: BTreeMap<String, Value>,
    #[serde(default)]
    has: Vec<String>,
    #[serde(default)]
    absent: Vec<String>,
    #[serde(default)]
    headers: Vec<String>,
    /// Who is in the group of the answer, in whatever order.
    #[serde(default)]
    members: Option<Vec<String>>,
    /// What later steps name in braces.
    #[serde(default)]
    save: BTreeMap<String, String>,
    /// Instead of a request: the account with this e-mail address is active or not.
    #[serde(default)]
    account: Option<String>,
    #[serde(default)]
    active: bool,
}

#[tokio::test]
async fn every_request_has_the_answer_that_is_expected() {
    let (mut requests, mut names) = (0, std::collections::BTreeSet::new());
    for text in [
        include_str!("vectors/entra.json"),
        include_str!("vectors/okta.json"),
        include_str!("vectors/common.json"),
    ] {
        for case in serde_json::from_str::<Vec<Case>>(text).unwrap() {
            assert!(names.insert(case.name.clone()), "two cases are named {}", case.name);
            for world in World::on_every_store().await {
                requests += run(&case, world).await;
            }
        }
    }
    println!("{} cases, {requests} requests", names.len());
    assert!(names.len() >= 100 && requests >= 170);
}

async fn run(case: &Case, mut world: World) -> usize {
    let mut requests = 0;
    for name in &case.given {
        world.given(name).await;
    }
    for (place, step) in case.steps.iter().enumerate() {
        let shown = format!("{} of {}, step {}", case.name, world.store_name(), place + 1);
        if let Some(email) = &step.account {
            assert_eq!(world.is_active(email).await, step.active, "{shown}: {email}");
            continue;
        }
        let request = world.filled(step.request.as_deref().unwrap());
        let (method, path) = request.split_once(' ').unwrap();
        let body = match (&step.body, &step.text) {
            (Some(body), _) => world.filled(&body.to_string()),
            (None, Some(text)) => text.clone(),
            (None, None) => String::new(),
        };
        let filled = |text: &Option<String>| text.as_ref().map(|text| world.filled(text));
        let headers = [
            ("content-type", step.content_type.clone()),
            ("if-match", filled(&step.if_match)),
            ("if-none-match", filled(&step.if_none_match)),
        ];
        let answer = world.send(method, path, &body, &headers).await;
        requests += 1;
        let shown = format!("{shown}: {request}\n{}", answer.text);
        assert_eq!(answer.status, step.status, "{shown}");
        for (pointer, expected) in &step.expect {
            let expected: Value = serde_json::from_str(&world.filled(&expected.to_string())).unwrap();
            assert_eq!(answer.body.pointer(pointer), Some(&expected), "{shown}: {pointer}");
        }
        for pointer in &step.has {
            assert!(answer.body.pointer(pointer).is_some(), "{shown}: {pointer} is missing");
        }
        for pointer in &step.absent {
            assert!(answer.body.pointer(pointer).is_none(), "{shown}: {pointer} is there");
        }
        for header in &step.headers {
            assert!(answer.headers.contains_key(header.as_str()), "{shown}: {header} is missing");
        }
        if let Some(members) = &step.members {
            let mut expected: Vec<String> =
                members.iter().map(|name| world.filled(&format!("{{{name}}}"))).collect();
            expected.sort();
            assert_eq!(members_of(&answer.body), expected, "{shown}");
        }
        for (name, pointer) in &step.save {
            world.save(name, answer.body.pointer(pointer).unwrap().as_str().unwrap());
        }
    }
    requests
}

fn members_of(group: &Value) -> Vec<String> {
    let members = group.get("members").and_then(Value::as_array);
    let mut members: Vec<String> =
        members.into_iter().flatten().map(|member| member["value"].as_str().unwrap().to_owned()).collect();
    members.sort();
    members
}
