//! The attributes of a resource that an answer contains (RFC 7644, 3.9).

use serde_json::{Map, Value};
use vouchsafe_store::ScimKind;

use crate::{
    AttributePath, names,
    query::Projection,
    schema::{Described as _, Returned, urn},
};

impl Projection {
    /// Whether this attribute is left out completely, so that it need not be looked up.
    pub(crate) fn leaves_out(&self, attribute: &str, kind: ScimKind) -> bool {
        let is_it = |name: &String| AttributePath::parse(name).is_ok_and(|path| path.means(attribute, kind));
        let is_whole = |name: &&String| AttributePath::parse(name).is_ok_and(|path| path.part().is_none());
        match self.only.is_empty() {
            true => self.without.iter().filter(is_whole).any(is_it),
            false => !self.only.iter().any(is_it),
        }
    }

    /// The resource with the requested attributes.
    pub(crate) fn of(&self, resource: Map<String, Value>, kind: ScimKind) -> Map<String, Value> {
        match (self.only.is_empty(), self.without.is_empty()) {
            (true, true) => resource,
            (true, false) => self.reduced(resource, kind),
            (false, _) => self.chosen(&resource, kind),
        }
    }

    fn chosen(&self, resource: &Map<String, Value>, kind: ScimKind) -> Map<String, Value> {
        let mut chosen = Map::new();
        for (key, value) in resource {
            if is_always(key, kind) {
                chosen.insert(key.clone(), value.clone());
            }
        }
        for name in &self.only {
            // The URN of an extension stands for all of its attributes.
            if let Some((schema, _)) = kind.extension(name) {
                if let Some(extension) = resource.get(schema) {
                    chosen.insert(schema.to_owned(), extension.clone());
                }
                continue;
            }
            let Ok(path) = AttributePath::parse(name) else { continue };
            match path.extension(kind) {
                None => copy(resource, &mut chosen, &path),
                Some(schema) => {
                    let Some(key) = names::key_of(resource, schema) else { continue };
                    let Some(Value::Object(from)) = resource.get(key) else { continue };
                    let mut to = match chosen.remove(key) {
                        Some(Value::Object(to)) => to,
                        _ => Map::new(),
                    };
                    copy(from, &mut to, &path);
                    if !to.is_empty() {
                        chosen.insert(key.to_owned(), Value::Object(to));
                    }
                }
            }
        }
        chosen
    }

    fn reduced(&self, mut resource: Map<String, Value>, kind: ScimKind) -> Map<String, Value> {
        for name in &self.without {
            if let Some((schema, _)) = kind.extension(name) {
                resource.remove(schema);
                continue;
            }
            let Ok(path) = AttributePath::parse(name) else { continue };
            match path.extension(kind) {
                None if is_always(path.attribute(), kind) => {}
                None => leave_out(&mut resource, &path),
                Some(schema) => {
                    let key = names::key_of(&resource, schema).map(str::to_owned);
                    let extension = key.and_then(|key| resource.get_mut(&key)).and_then(Value::as_object_mut);
                    if let Some(extension) = extension {
                        leave_out(extension, &path);
                    }
                }
            }
        }
        resource
    }
}

/// `id` and `schemas` are in every answer.
fn is_always(name: &str, kind: ScimKind) -> bool {
    name.eq_ignore_ascii_case("schemas")
        || kind.attribute(name).is_some_and(|attribute| attribute.returned == Returned::Always)
}

fn copy(from: &Map<String, Value>, to: &mut Map<String, Value>, path: &AttributePath) {
    let Some(key) = names::key_of(from, path.attribute()) else { return };
    let Some(value) = from.get(key) else { return };
    let Some(part) = path.part() else {
        to.insert(key.to_owned(), value.clone());
        return;
    };
    let chosen = |value: &Value, known: Option<&Value>| {
        let mut parts = known.and_then(Value::as_object).cloned().unwrap_or_default();
        if let Some((key, value)) =
            value.as_object().and_then(|from| Some((names::key_of(from, part)?, from)))
        {
            parts.insert(key.to_owned(), value.get(key).cloned().unwrap_or_default());
        }
        Value::Object(parts)
    };
    let known = to.get(key);
    let made = match value {
        Value::Array(elements) => {
            let known = |place: usize| known.and_then(|known| known.get(place));
            Value::Array(
                elements.iter().enumerate().map(|(place, element)| chosen(element, known(place))).collect(),
            )
        }
        single => chosen(single, known),
    };
    to.insert(key.to_owned(), made);
}

fn leave_out(object: &mut Map<String, Value>, path: &AttributePath) {
    let Some(part) = path.part() else {
        names::remove(object, path.attribute());
        return;
    };
    let key = names::key_of(object, path.attribute()).map(str::to_owned);
    match key.and_then(|key| object.get_mut(&key)) {
        Some(Value::Array(elements)) => {
            for element in elements.iter_mut().filter_map(Value::as_object_mut) {
                names::remove(element, part);
            }
        }
        Some(Value::Object(parts)) => drop(names::remove(parts, part)),
        _ => {}
    }
}

/// The schemas of a resource: its own, and those of the extensions that it has attributes of.
pub(crate) fn schemas_of(attributes: &Map<String, Value>, kind: ScimKind) -> Value {
    let mut schemas = vec![Value::String(kind.schema().to_owned())];
    if kind == ScimKind::User && attributes.contains_key(urn::ENTERPRISE) {
        schemas.push(Value::String(urn::ENTERPRISE.to_owned()));
    }
    let others = attributes.keys().filter(|key| crate::path::is_urn(key) && key.as_str() != urn::ENTERPRISE);
    schemas.extend(others.map(|key| Value::String(key.clone())));
    Value::Array(schemas)
}
