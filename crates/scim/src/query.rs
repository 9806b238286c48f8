//! The query of a list: the filter, the order, the page, and the attributes.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::{AttributePath, Filter, Limits, ScimError, names, patch::require_schema, schema::urn};

/// A query, from the URL of a GET or the body of a POST to `/.search`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query {
    pub(crate) filter: Option<Filter>,
    pub(crate) sort_by: Option<AttributePath>,
    pub(crate) is_descending: bool,
    pub(crate) start: Start,
    pub(crate) count: Option<usize>,
    pub(crate) projection: Projection,
}

/// The start of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// At this position, counted from 0.
    Index(usize),
    /// After the cursor of an earlier page (RFC 9865); the empty cursor is the beginning.
    Cursor(String),
}

impl Default for Start {
    fn default() -> Start {
        Start::Index(0)
    }
}

/// The requested attributes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Projection {
    /// These and the ones that are always returned; empty: the default ones.
    pub(crate) only: Vec<String>,
    /// All default ones except these.
    pub(crate) without: Vec<String>,
}

impl Projection {
    /// Each name once, and not very many, since each is looked for in every resource of a page.
    pub(crate) fn bounded(&mut self, limits: &Limits) -> Result<(), ScimError> {
        for (name, listed) in [("attributes", &mut self.only), ("excludedAttributes", &mut self.without)] {
            let mut seen = HashSet::new();
            listed.retain(|name| seen.insert(name.to_ascii_lowercase()));
            if listed.len() > limits.projection {
                let most = limits.projection;
                return Err(ScimError::value(name, format!("more than {most} names are asked for")));
            }
        }
        Ok(())
    }
}

impl Query {
    /// Parses the query of a URL.
    pub(crate) fn of_address(query: Option<&str>, limits: &Limits) -> Result<Query, ScimError> {
        let mut read = Query::default();
        let mut cursor = None;
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            match name.to_ascii_lowercase().as_str() {
                "filter" => read.filter = filter(&value, limits)?,
                "sortby" => read.sort_by = sort_by(&value)?,
                "sortorder" => read.is_descending = is_descending(&value)?,
                "startindex" => read.start = Start::Index(index(number("startIndex", &value)?)),
                "count" => read.count = Some(count(number("count", &value)?)),
                "cursor" => cursor = Some(value.into_owned()),
                "attributes" => read.projection.only = listed(&value),
                "excludedattributes" => read.projection.without = listed(&value),
                _ => {}
            }
        }
        if let Some(cursor) = cursor {
            read.start = Start::Cursor(cursor);
        }
        read.projection.bounded(limits)?;
        Ok(read)
    }

    /// Parses the body of a POST to `/.search` (RFC 7644, 3.4.3).
    pub(crate) fn of_body(body: &Map<String, Value>, limits: &Limits) -> Result<Query, ScimError> {
        require_schema(body, urn::SEARCH)?;
        let mut read = Query::default();
        if let Some(text) = names::text(body, "filter") {
            read.filter = filter(text, limits)?;
        }
        if let Some(text) = names::text(body, "sortBy") {
            read.sort_by = sort_by(text)?;
        }
        if let Some(text) = names::text(body, "sortOrder") {
            read.is_descending = is_descending(text)?;
        }
        let integer = |name: &'static str| match names::get(body, name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => {
                value.as_i64().map(Some).ok_or_else(|| ScimError::value(name, "it is not a whole number"))
            }
        };
        read.start = Start::Index(index(integer("startIndex")?.unwrap_or(1)));
        read.count = integer("count")?.map(count);
        if let Some(cursor) = names::get(body, "cursor").and_then(Value::as_str) {
            read.start = Start::Cursor(cursor.to_owned());
        }
        let attributes = |name: &str| -> Vec<String> {
            let listed = names::get(body, name).and_then(Value::as_array);
            listed.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        read.projection =
            Projection { only: attributes("attributes"), without: attributes("excludedAttributes") };
        read.projection.bounded(limits)?;
        Ok(read)
    }

    /// The number of resources on a page.
    pub(crate) fn page(&self, limits: &Limits) -> usize {
        self.count.map_or(limits.page, |count| count.min(limits.page))
    }
}

fn filter(text: &str, limits: &Limits) -> Result<Option<Filter>, ScimError> {
    match text.trim() {
        "" => Ok(None),
        text => Filter::parse(text, limits).map(Some),
    }
}

fn sort_by(text: &str) -> Result<Option<AttributePath>, ScimError> {
    match text.trim() {
        "" => Ok(None),
        text => AttributePath::parse(text).map(Some),
    }
}

fn is_descending(text: &str) -> Result<bool, ScimError> {
    match text.to_ascii_lowercase().as_str() {
        "ascending" | "" => Ok(false),
        "descending" => Ok(true),
        _ => Err(ScimError::value("sortOrder", "it is ascending or descending")),
    }
}

fn number(name: &'static str, text: &str) -> Result<i64, ScimError> {
    text.trim().parse().map_err(|_| ScimError::value(name, "it is not a whole number"))
}

/// A value below 1 counts as 1 (RFC 7644, 3.4.2.4).
fn index(start: i64) -> usize {
    usize::try_from(start.saturating_sub(1)).unwrap_or(0)
}

/// A negative value counts as 0 (RFC 7644, 3.4.2.4).
fn count(count: i64) -> usize {
    usize::try_from(count).unwrap_or(0)
}

fn listed(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}
