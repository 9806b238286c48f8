//! Whether a resource is such.

use std::cmp::Ordering;

use chrono::DateTime;
use serde_json::{Map, Value};
use vouchsafe::provisioning::case_folded;
use vouchsafe_store::ScimKind;

use super::{Comparison, Filter};
use crate::{
    AttributePath, names,
    schema::{Attribute, Described as _, Kind, named},
};

impl Filter {
    /// Whether a resource matches.
    ///
    /// A multi-valued attribute matches if one of its values does; one of complex values is compared by their sub-attribute `value`. Texts are
    /// compared whatever the case of the letters, unless the schema says otherwise.
    #[must_use]
    pub fn matches(&self, resource: &Map<String, Value>, kind: ScimKind) -> bool {
        matches(self, resource, &Place::Resource(kind))
    }

    /// Whether an element of a multi-valued attribute matches.
    pub(crate) fn matches_element(&self, element: &Value, attribute: Option<&'static Attribute>) -> bool {
        match element {
            Value::Object(parts) => matches(self, parts, &Place::Element(attribute)),
            simple => {
                // A simple value is found as `value`.
                let parts = Map::from_iter([("value".to_owned(), simple.clone())]);
                matches(self, &parts, &Place::Element(attribute))
            }
        }
    }
}

/// Where the names of a filter are looked up.
enum Place {
    Resource(ScimKind),
    Element(Option<&'static Attribute>),
}

/// What stands at a path: the values, and what the schema says of them.
struct At<'r> {
    values: Vec<&'r Value>,
    attribute: Option<&'static Attribute>,
}

fn matches(filter: &Filter, object: &Map<String, Value>, place: &Place) -> bool {
    match filter {
        Filter::All(filters) => filters.iter().all(|filter| matches(filter, object, place)),
        Filter::Any(filters) => filters.iter().any(|filter| matches(filter, object, place)),
        Filter::Not(filter) => !matches(filter, object, place),
        Filter::Present(path) => at(path, object, place).values.iter().any(|value| is_something(value)),
        Filter::Compare { path, comparison, value } => {
            let at = at(path, object, place);
            match comparison {
                Comparison::NotEqual => !is_any(&at, Comparison::Equal, value),
                other => is_any(&at, *other, value),
            }
        }
        Filter::Element { path, filter } => {
            let at = at(path, object, place);
            at.values.iter().any(|element| filter.matches_element(element, at.attribute))
        }
    }
}

fn at<'r>(path: &AttributePath, object: &'r Map<String, Value>, place: &Place) -> At<'r> {
    let (object, attribute) = match place {
        Place::Element(outer) => (Some(object), outer.and_then(|outer| outer.part(path.attribute()))),
        Place::Resource(kind) => match path.extension(*kind) {
            Some(schema) => {
                let known = kind.extension(schema).map(|(_, attributes)| attributes).unwrap_or_default();
                (names::get(object, schema).and_then(Value::as_object), named(known, path.attribute()))
            }
            None => (Some(object), kind.attribute(path.attribute())),
        },
    };
    let found = object.and_then(|object| names::get(object, path.attribute()));
    let values: Vec<&Value> = match found {
        Some(Value::Array(elements)) => elements.iter().collect(),
        Some(value) => vec![value],
        None => Vec::new(),
    };
    match path.part() {
        None => At { values, attribute },
        Some(part) => {
            let parts = values.into_iter().filter_map(Value::as_object);
            let values = parts.filter_map(|parts| names::get(parts, part)).collect();
            At { values, attribute: attribute.and_then(|attribute| attribute.part(part)) }
        }
    }
}

fn is_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(elements) => !elements.is_empty(),
        Value::Object(parts) => parts.values().any(is_something),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

fn is_any(at: &At<'_>, comparison: Comparison, wanted: &Value) -> bool {
    if wanted.is_null() {
        return !at.values.iter().any(|value| is_something(value));
    }
    let is_one = |value: &&Value| match value {
        // A complex value is compared by its sub-attribute `value`.
        Value::Object(parts) => {
            let part = at.attribute.and_then(|attribute| attribute.part("value"));
            names::get(parts, "value").is_some_and(|value| compares(value, part, comparison, wanted))
        }
        simple => compares(simple, at.attribute, comparison, wanted),
    };
    at.values.iter().any(is_one)
}

fn compares(value: &Value, attribute: Option<&Attribute>, comparison: Comparison, wanted: &Value) -> bool {
    match (value, wanted) {
        (Value::String(value), Value::String(wanted)) => {
            if comparison.is_ordering() && attribute.is_some_and(|attribute| attribute.kind == Kind::DateTime)
            {
                return compares_times(value, wanted, comparison);
            }
            match attribute.is_some_and(|attribute| attribute.is_case_exact) {
                true => compares_texts(value, wanted, comparison),
                false => compares_texts(&case_folded(value), &case_folded(wanted), comparison),
            }
        }
        (Value::Number(value), Value::Number(wanted)) => {
            let order = value.as_f64().zip(wanted.as_f64()).and_then(|(one, other)| one.partial_cmp(&other));
            order.is_some_and(|order| is_in_order(order, comparison))
        }
        // Entra ID compares truth values as texts, too.
        (Value::Bool(value), Value::String(wanted)) => {
            comparison == Comparison::Equal
                && wanted.eq_ignore_ascii_case(if *value { "true" } else { "false" })
        }
        (Value::Bool(value), Value::Bool(wanted)) => comparison == Comparison::Equal && value == wanted,
        _ => false,
    }
}

fn compares_texts(value: &str, wanted: &str, comparison: Comparison) -> bool {
    match comparison {
        Comparison::Contains => value.contains(wanted),
        Comparison::StartsWith => value.starts_with(wanted),
        Comparison::EndsWith => value.ends_with(wanted),
        other => is_in_order(value.cmp(wanted), other),
    }
}

fn compares_times(value: &str, wanted: &str, comparison: Comparison) -> bool {
    let times = DateTime::parse_from_rfc3339(value).ok().zip(DateTime::parse_from_rfc3339(wanted).ok());
    times.is_some_and(|(value, wanted)| is_in_order(value.cmp(&wanted), comparison))
}

fn is_in_order(order: Ordering, comparison: Comparison) -> bool {
    match comparison {
        Comparison::Equal => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Contains | Comparison::StartsWith | Comparison::EndsWith => false,
    }
}
