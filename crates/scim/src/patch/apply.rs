//! One operation on a resource.

use std::collections::{BTreeSet, HashMap, hash_map::Entry};

use serde_json::{Map, Value};
use vouchsafe_store::ScimKind;

use super::{Operation, Target, Verb};
use crate::{
    AttributePath, Filter, Limits, ScimError, names, path,
    resource::{is_primary, normal},
    schema::{Attribute, Described as _, Mutability, named},
};

pub(super) fn apply(
    operation: &Operation,
    resource: &mut Map<String, Value>,
    kind: ScimKind,
    limits: &Limits,
) -> Result<(), ScimError> {
    match &operation.target {
        Some(target) => {
            if target.is_read_only(kind) {
                return Err(ScimError::mutability(&target.shown(), "the service sets it"));
            }
            at_target(operation.verb, target, operation.value.as_ref(), resource, kind, limits)
        }
        None => match &operation.value {
            Some(Value::Object(attributes)) => each(operation.verb, attributes, resource, kind, limits),
            _ => Err(ScimError::no_target("")),
        },
    }
}

/// Without a path the value is a set of attributes, of which Entra ID writes each as a path. Those that a client cannot set are ignored, as in a
/// resource: Okta sends a group's `id` along with its name.
fn each(
    verb: Verb,
    attributes: &Map<String, Value>,
    resource: &mut Map<String, Value>,
    kind: ScimKind,
    limits: &Limits,
) -> Result<(), ScimError> {
    for (name, value) in attributes {
        if name.eq_ignore_ascii_case("schemas") {
            continue;
        }
        match Target::parse(name, limits) {
            Ok(target) if target.is_read_only(kind) => {}
            Ok(target) => at_target(verb, &target, Some(value), resource, kind, limits)?,
            // Extensions that are not known here, which stand under their URN.
            Err(_) if path::is_urn(name) && value.is_object() => {
                names::insert(resource, name, value.clone());
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn at_target(
    verb: Verb,
    target: &Target,
    value: Option<&Value>,
    resource: &mut Map<String, Value>,
    kind: ScimKind,
    limits: &Limits,
) -> Result<(), ScimError> {
    let (path, filter) = match target {
        Target::Schema(schema) => return at_schema(verb, schema, value, resource, kind, limits),
        Target::Attribute { path, filter } => (path, filter.as_ref()),
    };
    match path.extension(kind) {
        None => {
            let attribute = kind.attribute(path.attribute());
            at_attribute(verb, path, attribute, filter, value, resource, limits)
        }
        Some(schema) => {
            let (name, known) = kind.extension(schema).unwrap_or((schema, &[]));
            let attribute = named(known, path.attribute());
            let mut extension = match names::remove(resource, name) {
                Some(Value::Object(extension)) => extension,
                _ => Map::new(),
            };
            at_attribute(verb, path, attribute, filter, value, &mut extension, limits)?;
            if !extension.is_empty() {
                resource.insert(name.to_owned(), Value::Object(extension));
            }
            Ok(())
        }
    }
}

/// All of a schema: that of the resource itself, or an extension.
fn at_schema(
    verb: Verb,
    schema: &str,
    value: Option<&Value>,
    resource: &mut Map<String, Value>,
    kind: ScimKind,
    limits: &Limits,
) -> Result<(), ScimError> {
    let is_own = schema.eq_ignore_ascii_case(kind.schema());
    match (verb, value) {
        (Verb::Remove, _) if is_own => Err(ScimError::mutability(schema, "it is the resource's own schema")),
        (Verb::Remove, _) => {
            names::remove(resource, schema);
            Ok(())
        }
        (_, Some(Value::Object(attributes))) if is_own => each(verb, attributes, resource, kind, limits),
        (_, Some(Value::Object(attributes))) => {
            let prefixed = attributes.iter().map(|(name, value)| (format!("{schema}:{name}"), value.clone()));
            each(verb, &prefixed.collect(), resource, kind, limits)
        }
        _ => Err(ScimError::value(schema, "it is not an object of attributes")),
    }
}

fn at_attribute(
    verb: Verb,
    path: &AttributePath,
    attribute: Option<&'static Attribute>,
    filter: Option<&Filter>,
    value: Option<&Value>,
    object: &mut Map<String, Value>,
    limits: &Limits,
) -> Result<(), ScimError> {
    let name = attribute.map_or(path.attribute(), |attribute| attribute.name);
    if attribute.is_some_and(|attribute| attribute.mutability == Mutability::WriteOnly) {
        return Ok(()); // the password: accepted, and not kept
    }
    let is_many = attribute.is_some_and(|attribute| attribute.is_many)
        || matches!(names::get(object, name), Some(Value::Array(_)))
        || filter.is_some();
    match is_many {
        true => {
            let elements = match names::remove(object, name) {
                Some(Value::Array(elements)) => elements,
                None | Some(Value::Null) => Vec::new(),
                Some(single) => vec![single],
            };
            let elements = Many { verb, path, attribute, filter, limits }.done(value, elements)?;
            if !elements.is_empty() {
                object.insert(name.to_owned(), Value::Array(elements));
            }
            Ok(())
        }
        false => one(verb, path, attribute, value, object, name),
    }
}

/// A single-valued attribute.
fn one(
    verb: Verb,
    path: &AttributePath,
    attribute: Option<&'static Attribute>,
    value: Option<&Value>,
    object: &mut Map<String, Value>,
    name: &str,
) -> Result<(), ScimError> {
    let value = value.filter(|value| verb != Verb::Remove && !names::is_unassigned(value));
    let Some(part) = path.part() else {
        return match value {
            None if attribute.is_some_and(|attribute| attribute.is_required) => {
                Err(ScimError::mutability(name, "it is required"))
            }
            None => {
                names::remove(object, name);
                Ok(())
            }
            Some(value) => {
                let value = normal_or_as_is(attribute, value)?;
                let value = match (names::remove(object, name), value) {
                    // Sub-attributes that are not named stay (RFC 7644, 3.5.2.3).
                    (Some(Value::Object(mut known)), Value::Object(parts)) => {
                        parts.into_iter().for_each(|(key, part)| names::insert(&mut known, &key, part));
                        Value::Object(known)
                    }
                    (_, value) => value,
                };
                object.insert(name.to_owned(), value);
                Ok(())
            }
        };
    };
    let mut parts = match names::remove(object, name) {
        Some(Value::Object(parts)) => parts,
        _ => Map::new(),
    };
    set_part(&mut parts, attribute, part, value)?;
    if !parts.is_empty() {
        object.insert(name.to_owned(), Value::Object(parts));
    }
    Ok(())
}

/// An operation on a multi-valued attribute.
struct Many<'o> {
    verb: Verb,
    path: &'o AttributePath,
    attribute: Option<&'static Attribute>,
    filter: Option<&'o Filter>,
    limits: &'o Limits,
}

impl Many<'_> {
    fn done(&self, value: Option<&Value>, mut elements: Vec<Value>) -> Result<Vec<Value>, ScimError> {
        let Many { verb, path, attribute, filter, .. } = *self;
        let value = value.filter(|value| !names::is_unassigned(value));
        match (verb, path.part(), value) {
            // A sub-attribute of those that match, or of all.
            (Verb::Remove, Some(part), _) | (Verb::Replace, Some(part), None) => {
                for element in elements.iter_mut().filter(|element| self.matches(element)) {
                    if let Value::Object(parts) = element {
                        set_part(parts, attribute, part, None)?;
                    }
                }
                elements.retain(|element| element.as_object().is_none_or(|parts| !parts.is_empty()));
            }
            (_, Some(_), None) => {}
            (_, Some(part), Some(value)) => self.change_matching(&mut elements, value, |element| {
                if !element.is_object() {
                    let simple = std::mem::take(element);
                    *element = Value::Object(Map::from_iter([("value".to_owned(), simple)]));
                }
                match element {
                    Value::Object(parts) => set_part(parts, attribute, part, Some(value)),
                    _ => Ok(()),
                }
            })?,
            // Some of the elements: Entra ID names them in the value.
            (Verb::Remove, None, Some(value)) if filter.is_none() => {
                let gone = Gone::of(&listed(normal_or_as_is(attribute, value)?));
                elements.retain(|element| !gone.has(element));
            }
            (Verb::Remove, None, _) | (Verb::Replace, None, None) => {
                elements.retain(|element| !self.matches(element));
            }
            (Verb::Add, None, None) => {}
            (Verb::Replace, None, Some(value)) if filter.is_none() => {
                elements = without_doubles(listed(normal_or_as_is(attribute, value)?));
            }
            (Verb::Add, None, Some(value)) if filter.is_none() => {
                let added = listed(normal_or_as_is(attribute, value)?);
                let before = elements.len();
                elements.extend(added);
                elements = without_doubles(elements);
                let primary =
                    elements.iter().enumerate().skip(before).filter(|(_, element)| is_primary(element));
                let primary = primary.map(|(place, _)| place).next_back();
                keep_one_primary(&mut elements, primary);
            }
            // The elements that match get these sub-attributes.
            (_, None, Some(value)) => {
                let given = match normal_or_as_is(attribute, value)? {
                    Value::Array(mut given) if given.len() == 1 => given.pop().unwrap_or_default(),
                    other => other,
                };
                let Value::Object(named) = &given else {
                    return Err(ScimError::value(path.attribute(), "what replaces an element is an object"));
                };
                self.change_matching(&mut elements, &given, |element| {
                    if let Value::Object(parts) = element {
                        named.iter().for_each(|(key, part)| names::insert(parts, key, part.clone()));
                    }
                    Ok(())
                })?;
            }
        }
        Ok(elements)
    }

    fn matches(&self, element: &Value) -> bool {
        self.filter.is_none_or(|filter| filter.matches_element(element, self.attribute))
    }

    /// Puts a value into the elements that match, of which one is made where there is none.
    fn change_matching(
        &self,
        elements: &mut Vec<Value>,
        value: &Value,
        change: impl Fn(&mut Value) -> Result<(), ScimError>,
    ) -> Result<(), ScimError> {
        self.require_room(value, elements.iter().filter(|element| self.matches(element)).count())?;
        if !elements.iter().any(|element| self.matches(element)) {
            elements.push(made_to_match(self.path, self.filter)?);
        }
        let mut primary = None;
        for (place, element) in elements.iter_mut().enumerate().filter(|(_, element)| self.matches(element)) {
            change(element)?;
            if is_primary(element) {
                primary = Some(place);
            }
        }
        keep_one_primary(elements, primary);
        Ok(())
    }

    /// What is put into several elements is written as often as there are of them: no more of that than a resource may have.
    fn require_room(&self, value: &Value, copies: usize) -> Result<(), ScimError> {
        let bytes = serde_json::to_vec(value).map_or(usize::MAX, |text| text.len());
        match bytes.saturating_mul(copies) > self.limits.resource_bytes {
            true => Err(ScimError::value(self.path.attribute(), "it is too long for so many values")),
            false => Ok(()),
        }
    }
}

/// Sets or removes a sub-attribute.
fn set_part(
    parts: &mut Map<String, Value>,
    attribute: Option<&'static Attribute>,
    part: &str,
    value: Option<&Value>,
) -> Result<(), ScimError> {
    let known = attribute.and_then(|attribute| attribute.part(part));
    if known.is_some_and(Attribute::is_read_only) {
        return Err(ScimError::mutability(part, "the service sets it"));
    }
    match value {
        None => drop(names::remove(parts, part)),
        Some(value) => {
            let value = normal_or_as_is(known, value)?;
            names::insert(parts, known.map_or(part, |known| known.name), value);
        }
    }
    Ok(())
}

/// The element that a filter of equalities describes, where none is there yet: Entra ID adds `addresses[type eq "work"].streetAddress` so.
fn made_to_match(path: &AttributePath, filter: Option<&Filter>) -> Result<Value, ScimError> {
    let Some(filter) = filter else { return Ok(Value::Object(Map::new())) };
    let no_target = || ScimError::no_target(&format!("{path} [{filter}]"));
    let equalities = filter.as_equalities().ok_or_else(no_target)?;
    let parts = equalities.into_iter().map(|(name, value)| (name.to_owned(), value.clone()));
    Ok(Value::Object(parts.collect()))
}

/// At most one value is primary (RFC 7643, 2.4): the one that was made so last.
fn keep_one_primary(elements: &mut [Value], primary: Option<usize>) {
    let Some(primary) = primary else { return };
    for (place, element) in elements.iter_mut().enumerate() {
        if place != primary
            && is_primary(element)
            && let Value::Object(parts) = element
        {
            names::insert(parts, "primary", Value::Bool(false));
        }
    }
}

/// What an element is known by: an element that is there already is not added again (RFC 7644, 3.5.2.1).
///
/// Those that name something, such as members, are known by its identifier; the others by all that they have.
fn key_of(element: &Value) -> String {
    match element.as_object().and_then(|parts| names::text(parts, "value")) {
        Some(value) => {
            let kind = element.as_object().and_then(|parts| names::text(parts, "type")).unwrap_or_default();
            // `User` is what a member is, said or not.
            let kind = if kind.eq_ignore_ascii_case("User") { "" } else { kind };
            format!("{value}\u{0}{}", kind.to_ascii_lowercase())
        }
        None => element.to_string(),
    }
}

/// Elements that go, by what they are known by. One without a type goes whatever its type is.
struct Gone {
    keys: BTreeSet<String>,
    values: BTreeSet<String>,
}

impl Gone {
    fn of(elements: &[Value]) -> Gone {
        let without_type = elements.iter().filter_map(|element| match element {
            Value::Object(parts) if names::text(parts, "type").is_none() => names::text(parts, "value"),
            _ => None,
        });
        Gone {
            keys: elements.iter().map(key_of).collect(),
            values: without_type.map(str::to_owned).collect(),
        }
    }

    fn has(&self, element: &Value) -> bool {
        let value = element.as_object().and_then(|parts| names::text(parts, "value"));
        value.is_some_and(|value| self.values.contains(value)) || self.keys.contains(&key_of(element))
    }
}

/// Each element once: the last one of those that are known by the same, in the place of the first.
fn without_doubles(elements: Vec<Value>) -> Vec<Value> {
    let mut places = HashMap::new();
    let mut kept: Vec<Value> = Vec::new();
    for element in elements {
        match places.entry(key_of(&element)) {
            Entry::Occupied(place) => {
                if let Some(known) = kept.get_mut(*place.get()) {
                    *known = element;
                }
            }
            Entry::Vacant(place) => {
                place.insert(kept.len());
                kept.push(element);
            }
        }
    }
    kept
}

fn listed(value: Value) -> Vec<Value> {
    match value {
        Value::Array(elements) => elements,
        single => vec![single],
    }
}

/// A value in the form of its schema, or as it is where no schema knows it.
fn normal_or_as_is(attribute: Option<&Attribute>, value: &Value) -> Result<Value, ScimError> {
    match attribute {
        Some(attribute) => normal(attribute, value.clone()),
        None => Ok(value.clone()),
    }
}
