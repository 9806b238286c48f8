//! What is compared where an order is asked for (RFC 7644, 3.4.2.3).

use serde_json::{Map, Value};
use vouchsafe_store::ScimKind;

use crate::{AttributePath, names, resource::is_primary, schema::Described as _};

/// How many characters of a text are compared: so many of each are held.
const LONGEST: usize = 256;

/// What is compared of a resource. One that has no value is last, or first if the order is descending.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SortKey {
    Truth(bool),
    Text(String),
    Nothing,
}

impl SortKey {
    pub(super) fn of(document: &Map<String, Value>, path: &AttributePath, kind: ScimKind) -> SortKey {
        let (object, known) = match path.extension(kind) {
            Some(schema) => (names::get(document, schema).and_then(Value::as_object), None),
            None => (Some(document), kind.attribute(path.attribute())),
        };
        let mut value = object.and_then(|object| names::get(object, path.attribute()));
        if let Some(Value::Array(elements)) = value {
            value = elements.iter().find(|element| is_primary(element)).or_else(|| elements.first());
        }
        if let Some(Value::Object(parts)) = value {
            value = names::get(parts, path.part().unwrap_or("value"));
        }
        match value {
            Some(Value::Bool(truth)) => SortKey::Truth(*truth),
            Some(Value::String(text)) if known.is_some_and(|known| known.is_case_exact) => {
                SortKey::Text(text.chars().take(LONGEST).collect())
            }
            Some(Value::String(text)) => {
                SortKey::Text(text.chars().take(LONGEST).flat_map(char::to_lowercase).collect())
            }
            Some(Value::Number(number)) => SortKey::Text(number.to_string()),
            _ => SortKey::Nothing,
        }
    }
}
