//! Attribute names, which are compared ignoring case (RFC 7643, 2.1).

use serde_json::{Map, Value};

use crate::{Limits, ScimError};

/// The key of an attribute in an object.
pub(crate) fn key_of<'m>(object: &'m Map<String, Value>, name: &str) -> Option<&'m str> {
    if let Some((key, _)) = object.get_key_value(name) {
        return Some(key.as_str());
    }
    object.keys().find(|key| key.eq_ignore_ascii_case(name)).map(String::as_str)
}

/// The value of an attribute.
pub(crate) fn get<'m>(object: &'m Map<String, Value>, name: &str) -> Option<&'m Value> {
    key_of(object, name).and_then(|key| object.get(key))
}

/// The value of an attribute, if it is a text and not blank.
pub(crate) fn text<'m>(object: &'m Map<String, Value>, name: &str) -> Option<&'m str> {
    get(object, name).and_then(Value::as_str).filter(|text| !text.trim().is_empty())
}

/// Removes an attribute from an object.
pub(crate) fn remove(object: &mut Map<String, Value>, name: &str) -> Option<Value> {
    let key = key_of(object, name)?.to_owned();
    object.remove(&key)
}

/// Sets an attribute of an object, under the key that it already has.
pub(crate) fn insert(object: &mut Map<String, Value>, name: &str, value: Value) {
    let key = key_of(object, name).unwrap_or(name).to_owned();
    object.insert(key, value);
}

/// Whether a value is absent: `null` or an empty list (RFC 7643, 2.5).
pub(crate) fn is_unassigned(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(elements) => elements.is_empty(),
        _ => false,
    }
}

/// Refuses objects with very many attributes at any level, since names are compared one by one.
pub(crate) fn require_narrow(value: &Value, limits: &Limits) -> Result<(), ScimError> {
    let mut waiting = vec![value];
    while let Some(value) = waiting.pop() {
        match value {
            Value::Object(object) if object.len() > limits.attributes => {
                let most = limits.attributes;
                return Err(ScimError::syntax(format!("an object may have {most} attributes")));
            }
            Value::Object(object) => waiting.extend(object.values()),
            Value::Array(elements) => waiting.extend(elements),
            _ => {}
        }
    }
    Ok(())
}
