//! The content of a resource in the form in which it is stored: known attributes under the names of their schema, truth
//! values as booleans, no attribute that a client cannot set, and everything else as it was sent.

use serde_json::{Map, Value};
use vouchsafe_store::ScimKind;

use crate::{
    Limits, ScimError, names, path,
    schema::{Attribute, Described as _, Kind, Mutability, named},
};

/// The attributes of a body that creates or replaces a resource.
///
/// Read-only attributes are left out (RFC 7644, 3.5.1: the client's value is ignored), and so is the password, which is
/// never stored.
pub(crate) fn attributes(
    body: Map<String, Value>,
    kind: ScimKind,
    limits: &Limits,
) -> Result<Map<String, Value>, ScimError> {
    let body = Value::Object(body);
    names::require_narrow(&body, limits)?;
    let Value::Object(body) = body else { return Ok(Map::new()) };
    let mut kept = Map::new();
    for (key, value) in body {
        if key.eq_ignore_ascii_case("schemas") {
            continue;
        }
        if path::is_urn(&key) {
            take_schema(&mut kept, &key, value, kind)?;
            continue;
        }
        take(&mut kept, kind.attribute(&key), key, value)?;
    }
    check(&kept, kind, limits)?;
    Ok(kept)
}

/// Attributes of the core schema may be under its URN as well; those of an extension are under its URN.
fn take_schema(
    kept: &mut Map<String, Value>,
    schema: &str,
    value: Value,
    kind: ScimKind,
) -> Result<(), ScimError> {
    let Value::Object(parts) = value else {
        // `null` means that the extension has no values. Anything else is not valid.
        return if names::is_unassigned(&value) {
            Ok(())
        } else {
            Err(ScimError::value(schema, "it is not an object"))
        };
    };
    if schema.eq_ignore_ascii_case(kind.schema()) {
        for (key, value) in parts {
            take(kept, kind.attribute(&key), key, value)?;
        }
        return Ok(());
    }
    let (name, known) = kind.extension(schema).unwrap_or((schema, &[]));
    let mut object = Map::new();
    for (key, value) in parts {
        take(&mut object, named(known, &key), key, value)?;
    }
    if !object.is_empty() {
        kept.insert(name.to_owned(), Value::Object(object));
    }
    Ok(())
}

/// Under the name of its schema. An attribute that no schema knows is stored as it was sent.
fn take(
    kept: &mut Map<String, Value>,
    attribute: Option<&Attribute>,
    key: String,
    value: Value,
) -> Result<(), ScimError> {
    let Some(attribute) = attribute else {
        kept.insert(key, value);
        return Ok(());
    };
    if attribute.is_read_only()
        || attribute.mutability == Mutability::WriteOnly
        || names::is_unassigned(&value)
    {
        return Ok(());
    }
    let value = normal(attribute, value)?;
    kept.insert(attribute.name.to_owned(), value);
    Ok(())
}

/// A value in the form that its schema gives.
pub(crate) fn normal(attribute: &Attribute, value: Value) -> Result<Value, ScimError> {
    match (attribute.is_many, value) {
        (true, Value::Array(elements)) => {
            let elements: Result<Vec<Value>, ScimError> =
                elements.into_iter().map(|element| single(attribute, element)).collect();
            Ok(Value::Array(elements?))
        }
        // One value where several are allowed.
        (true, value) => Ok(Value::Array(vec![single(attribute, value)?])),
        // A list with one value where one is allowed, as some attribute mappings write it.
        (false, Value::Array(mut elements)) if elements.len() == 1 && attribute.kind != Kind::Complex => {
            single(attribute, elements.pop().unwrap_or_default())
        }
        (false, value) => single(attribute, value),
    }
}

fn single(attribute: &Attribute, value: Value) -> Result<Value, ScimError> {
    let wrong = |reason: &str| Err(ScimError::value(attribute.name, reason));
    match (attribute.kind, value) {
        (Kind::Complex, Value::Object(parts)) => {
            let mut object = Map::new();
            for (key, value) in parts {
                match attribute.part(&key) {
                    Some(part) if part.is_read_only() => {}
                    Some(_) if names::is_unassigned(&value) => {}
                    Some(part) => drop(object.insert(part.name.to_owned(), normal(part, value)?)),
                    None => drop(object.insert(key, value)),
                }
            }
            Ok(Value::Object(object))
        }
        // Entra ID sends the manager as its identifier only, and some clients send members like this.
        (Kind::Complex, Value::String(text)) if attribute.part("value").is_some() => {
            Ok(Value::Object(Map::from_iter([("value".to_owned(), Value::String(text))])))
        }
        (Kind::Complex, _) => wrong("it is not an object"),
        (Kind::Boolean, value) => {
            truth(&value).map(Value::Bool).map_or_else(|| wrong("it is not a boolean"), Ok)
        }
        (_, Value::String(text)) => Ok(Value::String(text)),
        (Kind::String, Value::Number(number)) => Ok(Value::String(number.to_string())),
        (Kind::String, Value::Bool(truth)) => Ok(Value::String(truth.to_string())),
        _ => wrong("it is not text"),
    }
}

/// A truth value. Entra ID writes it as a text: "True", "False".
fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// The conditions for every resource, however it was written.
pub(crate) fn check(resource: &Map<String, Value>, kind: ScimKind, limits: &Limits) -> Result<(), ScimError> {
    let name = kind.name_attribute();
    if names::text(resource, name).is_none() {
        return Err(ScimError::value(name, "it is required"));
    }
    /// The length limit of the parts of an identity.
    const LONGEST_NAME: usize = 255;
    for attribute in [name, "externalId"] {
        if names::text(resource, attribute).is_some_and(|text| text.chars().nth(LONGEST_NAME).is_some()) {
            return Err(ScimError::value(attribute, format!("it has more than {LONGEST_NAME} characters")));
        }
        if names::text(resource, attribute).is_some_and(|text| text.chars().any(char::is_control)) {
            return Err(ScimError::value(attribute, "it has control characters"));
        }
    }
    for (key, value) in resource {
        let Value::Array(elements) = value else { continue };
        if elements.iter().filter(|element| is_primary(element)).count() > 1 {
            return Err(ScimError::value(key.as_str(), "more than one value is primary"));
        }
    }
    check_size(resource, kind, limits)
}

/// Checks that a resource is not larger than the limit.
pub(crate) fn check_size(
    resource: &Map<String, Value>,
    kind: ScimKind,
    limits: &Limits,
) -> Result<(), ScimError> {
    if resource.len() > limits.attributes {
        let most = limits.attributes;
        return Err(ScimError::value(kind.name(), format!("it has more than {most} attributes")));
    }
    for (key, value) in resource {
        let is_members = kind == ScimKind::Group && key == "members";
        let most = if is_members { limits.members } else { limits.values };
        if value.as_array().is_some_and(|elements| elements.len() > most) {
            return Err(ScimError::value(key.as_str(), format!("it has more than {most} values")));
        }
        names::require_narrow(value, limits)?;
    }
    let bytes = written_bytes(resource, kind);
    if bytes > limits.resource_bytes {
        return Err(ScimError::value(
            kind.name(),
            format!("its attributes have more than {} bytes", limits.resource_bytes),
        ));
    }
    Ok(())
}

pub(crate) fn is_primary(element: &Value) -> bool {
    element.as_object().and_then(|parts| names::get(parts, "primary")) == Some(&Value::Bool(true))
}

/// Its number of bytes as JSON, without the members of a group, which have a limit of their own.
fn written_bytes(resource: &Map<String, Value>, kind: ScimKind) -> usize {
    let is_counted = |key: &str| kind != ScimKind::Group || key != "members";
    let bytes = |(key, value): (&String, &Value)| {
        key.len().saturating_add(serde_json::to_vec(value).map_or(usize::MAX, |text| text.len()))
    };
    resource.iter().filter(|(key, _)| is_counted(key)).map(bytes).fold(0, usize::saturating_add)
}
