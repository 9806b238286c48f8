//! States and facts as JSON that a person may have written, with errors that give the key, line and column.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{
    Fact, LoginFacts, Snapshot,
    json_places::nodes,
    nearest::nearest,
    place::key_path,
    place::line_and_column,
    schema::{REMARKS, fact_schema, login_schema, state_schema},
};

/// A state or a fact cannot be parsed: the problem, with its key, line and column. The value itself is not repeated,
/// since it may be personal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {}{message}", place(path))]
#[non_exhaustive]
pub struct DocumentError {
    path: String,
    line: usize,
    column: usize,
    message: String,
}

fn place(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!("{path}: ") }
}

impl DocumentError {
    fn at(text: &str, path: &str, message: String) -> Self {
        let start = nodes(text).into_iter().find(|node| node.path == path).map_or(0, |node| node.start);
        let (line, column) = line_and_column(text.get(..start).unwrap_or(text));
        Self { path: path.to_owned(), line, column, message }
    }

    /// The text is not valid JSON.
    fn syntax(error: &serde_json::Error) -> Self {
        let message = match error.classify() {
            serde_json::error::Category::Eof => "the JSON ends too early",
            _ => "this is not JSON",
        };
        Self { path: String::new(), line: error.line(), column: error.column(), message: message.to_owned() }
    }

    /// A value of the right type that is not valid, such as a domain with a space.
    fn value(text: &str, error: &serde_json::Error) -> Self {
        let lines: usize =
            text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
        let offset = lines.saturating_add(error.column().saturating_sub(1));
        // Inner values come before the values that contain them.
        let nodes = nodes(text);
        let node = nodes.iter().find(|node| node.start <= offset && offset <= node.end);
        let path = node.map_or("", |node| node.path.as_str());
        Self::at(text, path, "the value cannot be used here".to_owned())
    }

    /// The path of the key: `accounts[0].role`; empty: the whole document.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The line, starting at 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// The column in characters, starting at 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.column
    }

    /// The problem in words.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Always `provisioning.document`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "provisioning.document"
    }

    /// What the author should change.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        "Correct the file at that place. `vouchsafe policy example state` and `vouchsafe policy example login` print files to start from, and \
         `vouchsafe policy schema state` a schema for editors."
    }
}

impl Snapshot {
    /// Parses the state of an organization that a person may have written. An unknown key is an error. A store's own
    /// JSON is parsed with serde.
    ///
    /// # Errors
    ///
    /// The problem, with its key, line and column.
    ///
    /// ```
    /// use vouchsafe_provisioning::Snapshot;
    ///
    /// let text = r#"{
    ///     "organization": { "id": "acme", "slug": "acme", "name": "Acme", "entitelt": true }
    /// }"#;
    /// let error = Snapshot::from_json(text).unwrap_err();
    /// assert_eq!((error.path(), error.line(), error.column()), ("organization.entitelt", 2, 69));
    /// assert_eq!(error.message(), "this key is not known; did you mean `entitled`?");
    /// ```
    pub fn from_json(text: &str) -> Result<Snapshot, DocumentError> {
        read(text, &parsed(text)?, &state_schema())
    }
}

impl LoginFacts {
    /// Parses a sign-in that a person may have written. An unknown key is an error.
    ///
    /// # Errors
    ///
    /// The problem, with its key, line and column.
    pub fn from_json(text: &str) -> Result<LoginFacts, DocumentError> {
        read(text, &parsed(text)?, &login_schema())
    }
}

impl Fact {
    /// Parses a line of a file of recorded facts: [`LoginFacts`], or another fact under the name of its kind (`link`,
    /// `change`, `scim`, `sweep`).
    ///
    /// # Errors
    ///
    /// The problem, with its key, line and column.
    pub fn from_json(text: &str) -> Result<Fact, DocumentError> {
        let value = parsed(text)?;
        let schema = fact_schema();
        let is_named =
            |key: &String| alternatives(&schema).iter().any(|one| names(one).contains(&key.as_str()));
        match value.as_object().is_some_and(|object| object.keys().any(is_named)) {
            true => read(text, &value, &schema),
            false => read::<LoginFacts>(text, &value, &login_schema()).map(Fact::from),
        }
    }
}

fn parsed(text: &str) -> Result<Value, DocumentError> {
    serde_json::from_str(text).map_err(|error| DocumentError::syntax(&error))
}

fn read<T: DeserializeOwned>(text: &str, value: &Value, schema: &Value) -> Result<T, DocumentError> {
    Look { root: schema }
        .at(schema, value, "")
        .map_err(|(path, message)| DocumentError::at(text, &path, message))?;
    serde_json::from_str(text).map_err(|error| DocumentError::value(text, &error))
}

/// A path and the problem there.
type Misfit = (String, String);

/// Compares values with a schema that was generated from types. What the schema does not cover is left to serde.
struct Look<'s> {
    root: &'s Value,
}

impl<'s> Look<'s> {
    fn at(&self, schema: &'s Value, value: &Value, path: &str) -> Result<(), Misfit> {
        let schema = self.resolved(schema);
        if has_alternatives(schema) {
            return self.one_of(schema, value, path);
        }
        let known = constants(schema);
        if !known.is_empty() {
            return among(&known, value, path);
        }
        let kinds = kinds(schema);
        if !kinds.is_empty() && !kinds.iter().any(|kind| is_of_kind(kind, value)) {
            return Err((
                path.to_owned(),
                format!(
                    "expected {}",
                    kinds.iter().map(|kind| in_words(kind)).collect::<Vec<_>>().join(" or ")
                ),
            ));
        }
        match value {
            Value::Object(object) => self.object(schema, object, path),
            Value::Array(entries) => {
                let Some(items) = schema.get("items") else { return Ok(()) };
                let mut numbered = entries.iter().enumerate();
                numbered.try_for_each(|(number, entry)| self.at(items, entry, &format!("{path}[{number}]")))
            }
            Value::String(text) => is_written_so(schema, text, path),
            _ => Ok(()),
        }
    }

    fn resolved(&self, schema: &'s Value) -> &'s Value {
        let name = schema.get("$ref").and_then(Value::as_str).and_then(|name| name.strip_prefix("#/$defs/"));
        let named = name.and_then(|name| self.root.get("$defs")?.get(name));
        named.map_or(schema, |schema| self.resolved(schema))
    }

    fn object(&self, schema: &'s Value, object: &Map<String, Value>, path: &str) -> Result<(), Misfit> {
        let properties = schema.get("properties").and_then(Value::as_object);
        for (key, value) in object {
            let path = key_path(path, key);
            match (properties.and_then(|known| known.get(key)), schema.get("additionalProperties")) {
                (Some(schema), _) => self.at(schema, value, &path)?,
                (None, Some(Value::Bool(false))) => {
                    let known = properties.into_iter().flat_map(Map::keys).map(String::as_str);
                    return Err(unknown("key", key, known.filter(|key| !REMARKS.contains(key)), path));
                }
                (None, Some(schema)) => self.at(schema, value, &path)?,
                (None, None) => {}
            }
        }
        let required =
            schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        match required.into_iter().find(|key| !object.contains_key(*key)) {
            Some(key) => Err((path.to_owned(), format!("the key `{key}` is missing"))),
            None => Ok(()),
        }
    }

    /// A value that has one of several forms: null, a word, or an object whose only key names its content.
    fn one_of(&self, schema: &'s Value, value: &Value, path: &str) -> Result<(), Misfit> {
        let all: Vec<&Value> = alternatives(schema).into_iter().map(|one| self.resolved(one)).collect();
        let flat: Vec<&Value> = all
            .iter()
            .flat_map(|one| if has_alternatives(one) { alternatives(one) } else { vec![*one] })
            .collect();
        let flat: Vec<&Value> = flat.into_iter().map(|one| self.resolved(one)).collect();
        let mut fitting = flat.iter().filter(|one| self.at(one, value, path).is_ok());
        if fitting.next().is_some() {
            return Ok(());
        }
        // An optional value that is present.
        if let [only] = flat.iter().filter(|one| kinds(one) != ["null"]).collect::<Vec<_>>().as_slice() {
            return self.at(only, value, path);
        }
        let words: Vec<&str> = flat.iter().flat_map(|one| constants(one)).collect();
        let named: Vec<&str> = flat.iter().flat_map(|one| names(one)).collect();
        match value {
            Value::String(_) if !words.is_empty() => among(&words, value, path),
            Value::Object(object) => {
                let with = |key: &String| flat.iter().find(|one| names(one).contains(&key.as_str()));
                match object.keys().find_map(with) {
                    Some(one) => self.at(one, value, path),
                    None => match object.keys().next() {
                        Some(key) => Err(unknown("key", key, named.into_iter(), key_path(path, key))),
                        None => Err((path.to_owned(), format!("expected one of {}", listed(&named)))),
                    },
                }
            }
            _ => {
                let kinds = flat.iter().flat_map(|one| kinds(one)).filter(|kind| *kind != "null");
                let mut kinds: Vec<&str> = kinds.map(in_words).collect();
                kinds.dedup();
                let known = [words, named].concat();
                let expected =
                    if known.is_empty() { kinds.join(" or ") } else { format!("one of {}", listed(&known)) };
                Err((path.to_owned(), format!("expected {expected}")))
            }
        }
    }
}

fn has_alternatives(schema: &Value) -> bool {
    schema.get("oneOf").or_else(|| schema.get("anyOf")).is_some()
}

fn alternatives(schema: &Value) -> Vec<&Value> {
    let all = schema.get("oneOf").or_else(|| schema.get("anyOf"));
    all.and_then(Value::as_array).into_iter().flatten().collect()
}

/// The allowed words of a value, if there is a fixed set.
fn constants(schema: &Value) -> Vec<&str> {
    let several = schema.get("enum").and_then(Value::as_array).into_iter().flatten();
    several.chain(schema.get("const")).filter_map(Value::as_str).collect()
}

/// The keys of an object.
fn names(schema: &Value) -> Vec<&str> {
    let keys = schema.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::keys);
    keys.map(String::as_str).collect()
}

fn kinds(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(kind)) => vec![kind.as_str()],
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn is_of_kind(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64(),
        "null" => value.is_null(),
        _ => true,
    }
}

fn in_words(kind: &str) -> &str {
    match kind {
        "object" => "an object",
        "array" => "a list",
        "string" => "a text",
        "boolean" => "true or false",
        "integer" => "a whole number",
        "null" => "null",
        other => other,
    }
}

/// The schema's description of a text, where serde's own error would be less clear.
fn is_written_so(schema: &Value, text: &str, path: &str) -> Result<(), Misfit> {
    let is_time = schema.get("format").and_then(Value::as_str) == Some("date-time");
    if is_time && chrono::DateTime::parse_from_rfc3339(text).is_err() {
        return Err((path.to_owned(), "expected a time such as 2026-01-15T09:00:00Z".to_owned()));
    }
    let pattern =
        schema.get("pattern").and_then(Value::as_str).and_then(|pattern| regex::Regex::new(pattern).ok());
    if pattern.is_some_and(|pattern| !pattern.is_match(text)) {
        let what =
            schema.get("description").and_then(Value::as_str).unwrap_or("another text").trim_end_matches('.');
        return Err((path.to_owned(), format!("expected: {what}")));
    }
    Ok(())
}

fn among(known: &[&str], value: &Value, path: &str) -> Result<(), Misfit> {
    match value.as_str() {
        Some(word) if known.contains(&word) => Ok(()),
        Some(word) => {
            let meant = nearest(word, known.iter().copied());
            let meant = meant.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
            Err((path.to_owned(), format!("expected one of {}{meant}", listed(known))))
        }
        None => Err((path.to_owned(), format!("expected one of {}", listed(known)))),
    }
}

fn unknown<'k>(what: &str, written: &str, known: impl Iterator<Item = &'k str>, path: String) -> Misfit {
    let known: Vec<&str> = known.collect();
    let meant = match nearest(written, known.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("known are {}", listed(&known)),
    };
    (path, format!("this {what} is not known; {meant}"))
}

fn listed(known: &[&str]) -> String {
    known.iter().map(|one| format!("`{one}`")).collect::<Vec<_>>().join(", ")
}
