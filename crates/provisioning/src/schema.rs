//! JSON Schemas (2020-12) of policies, states and facts, generated from the types. Editors use them to complete and
//! check files.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema, schema_for};
use serde_json::{Map, Value, json};

use crate::{Domain, Fact, LoginFacts, Policy, Snapshot, TokenHash};

/// The JSON Schema of policies, with TOML read as JSON.
#[must_use]
pub fn policy_schema() -> Value {
    titled("Vouchsafe policy", schema_for!(Policy).to_value())
}

/// The JSON Schema of the state of an organization: a [`Snapshot`] as JSON.
#[must_use]
pub fn state_schema() -> Value {
    document("Vouchsafe state of an organization", schema_for!(Snapshot).to_value())
}

/// The JSON Schema of what happened: [`LoginFacts`], as a file or as a line of a file of recorded sign-ins, or another
/// [`Fact`] under the name of its kind.
#[must_use]
pub fn facts_schema() -> Value {
    #[derive(JsonSchema)]
    #[schemars(untagged)]
    #[expect(dead_code, reason = "only its schema is used")]
    enum Line {
        Login(LoginFacts),
        Fact(Fact),
    }
    document("Vouchsafe sign-in or other fact", schema_for!(Line).to_value())
}

/// The JSON Schema of one [`LoginFacts`].
pub(crate) fn login_schema() -> Value {
    document("Vouchsafe sign-in", schema_for!(LoginFacts).to_value())
}

/// The JSON Schema of one [`Fact`].
pub(crate) fn fact_schema() -> Value {
    document("Vouchsafe fact", schema_for!(Fact).to_value())
}

/// Keys that describe the document itself.
pub(crate) const REMARKS: [&str; 2] = ["$schema", "$comment"];

fn titled(title: &str, mut schema: Value) -> Value {
    tidy(&mut schema);
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("title".to_owned(), title.into());
    }
    schema
}

/// The schema of a document that a person may write: unknown keys are refused, except remarks.
fn document(title: &str, mut schema: Value) -> Value {
    close(&mut schema);
    let remarks = |schema: &mut Value| {
        if let Some(keys) = schema.get_mut("properties").and_then(Value::as_object_mut) {
            keys.extend(REMARKS.map(|key| (key.to_owned(), json!({ "type": "string" }))));
        }
    };
    match schema.get_mut("$defs").and_then(|all| all.get_mut("LoginFacts")) {
        Some(login) => remarks(login),
        None => remarks(&mut schema),
    }
    titled(title, schema)
}

/// Objects must have no other keys than those listed.
fn close(schema: &mut Value) {
    each(schema, &mut |schema| {
        if schema.contains_key("properties") && !schema.contains_key("additionalProperties") {
            schema.insert("additionalProperties".to_owned(), false.into());
        }
    });
}

/// Descriptions are the first paragraph of the documentation, without its links.
fn tidy(schema: &mut Value) {
    each(schema, &mut |schema| {
        if let Some(Value::String(description)) = schema.get_mut("description") {
            let first = description.split("\n\n").next().unwrap_or_default();
            *description = without_links(&first.replace('\n', " "));
        }
    });
}

/// Replaces `[text](target)` and `[text]` by `text`.
fn without_links(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, link)) = rest.split_once("[`") {
        plain.push_str(before);
        let Some((name, after)) = link.split_once("`]") else { break };
        plain.extend(["`", name, "`"]);
        rest = match after.strip_prefix('(').and_then(|target| target.split_once(')')) {
            Some((_, after)) => after,
            None => after,
        };
    }
    plain.push_str(rest);
    plain
}

/// Every schema inside a schema.
fn each(schema: &mut Value, change: &mut dyn FnMut(&mut Map<String, Value>)) {
    match schema {
        Value::Object(object) => {
            // The keys of `properties` are names, not keywords.
            let names = ["properties", "$defs"];
            for (keyword, inner) in object.iter_mut() {
                match inner {
                    Value::Object(named) if names.contains(&keyword.as_str()) => {
                        named.values_mut().for_each(|schema| each(schema, change));
                    }
                    Value::Object(_) | Value::Array(_) if keyword != "default" => each(inner, change),
                    _ => {}
                }
            }
            change(object);
        }
        Value::Array(all) => all.iter_mut().for_each(|schema| each(schema, change)),
        _ => {}
    }
}

/// The form of a connection's id.
pub(crate) struct Connection;

impl JsonSchema for Connection {
    fn schema_name() -> Cow<'static, str> {
        "ConnectionId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The name of a connection: 1 to 64 letters, digits, - and _.",
            "type": "string",
            "pattern": "^[A-Za-z0-9_-]{1,64}$"
        })
    }
}

/// The form of an entity ID.
pub(crate) struct Entity;

impl JsonSchema for Entity {
    fn schema_name() -> Cow<'static, str> {
        "EntityId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The entity ID of an identity provider or a service provider, as its metadata has it.",
            "type": "string",
            "minLength": 1,
            "maxLength": 1024
        })
    }
}

impl JsonSchema for TokenHash {
    fn schema_name() -> Cow<'static, str> {
        "TokenHash".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "SHA-256 of an organization's token: 64 hexadecimal digits.",
            "type": "string",
            "pattern": "^[0-9a-fA-F]{64}$"
        })
    }
}

impl JsonSchema for Domain {
    fn schema_name() -> Cow<'static, str> {
        "Domain".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "description": "A domain of e-mail addresses, such as acme.example.", "type": "string" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_has_no_links() {
        let text = "As [`Snapshot`] says, [`after`](Self::after) it, [1] and `x`.";
        assert_eq!(without_links(text), "As `Snapshot` says, `after` it, [1] and `x`.");
    }
}
