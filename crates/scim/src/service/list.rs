//! Lists: look-ups, pages and searches.

use std::cmp::Ordering;

use serde_json::{Map, Value};
use vouchsafe_store::{ScimFrom, ScimKey, ScimKind, ScimResource};

use super::{
    ScimService,
    answer::{Answered, Next},
    caller::Caller,
};
use crate::{
    AttributePath, Filter, ScimError, names,
    query::{Projection, Query, Start},
    resource::is_primary,
    schema::Described as _,
};

/// How many resources a search reads at a time.
const AT_A_TIME: usize = 500;

/// A resource and its document.
type Found = (ScimResource, Map<String, Value>);

impl ScimService {
    /// Answers a query of one kind.
    pub(super) async fn list(
        &self,
        caller: &Caller,
        kind: ScimKind,
        query: &Query,
    ) -> Result<Answered, ScimError> {
        match (&query.filter, &query.sort_by) {
            (None, None) => self.page(caller, kind, query).await,
            (filter, _) => {
                let found = match filter.as_ref().and_then(|filter| key_of(filter, kind)) {
                    Some(key) => self.looked_up(caller, kind, &key, filter.as_ref()).await?,
                    None => self.searched(caller, kind, filter.as_ref()).await?,
                };
                self.part_of(found, kind, query)
            }
        }
    }

    /// A part of all resources of the connection.
    async fn page(&self, caller: &Caller, kind: ScimKind, query: &Query) -> Result<Answered, ScimError> {
        let (from, start_index) = match &query.start {
            Start::Index(index) => (ScimFrom::Index(*index), index.saturating_add(1)),
            Start::Cursor(cursor) if cursor.is_empty() => (ScimFrom::Index(0), 1),
            Start::Cursor(cursor) => (ScimFrom::After(Cursor::read(cursor)?.number()?), 1),
        };
        let most = query.page(&self.shared.limits);
        let page = self.shared.store.scim_page(&caller.connection, kind, from, most).await?;
        let next = matches!(query.start, Start::Cursor(_)).then(|| match page.resources.last() {
            Some(last) if page.resources.len() == most => Next::Cursor(Cursor::Number(last.number).written()),
            _ => Next::End,
        });
        let documents = self.documents(caller, kind, &page.resources, &query.projection).await?;
        let documents = documents.into_iter().map(Value::Object).collect();
        Ok(Answered::page(documents, Some(page.total), start_index, next))
    }

    async fn looked_up(
        &self,
        caller: &Caller,
        kind: ScimKind,
        key: &ScimKey,
        filter: Option<&Filter>,
    ) -> Result<Vec<Found>, ScimError> {
        let resources = self.shared.store.find_scim(&caller.connection, kind, key).await?;
        self.matching(caller, kind, resources, filter).await
    }

    /// All resources of the connection that match, one by one: so many at most.
    async fn searched(
        &self,
        caller: &Caller,
        kind: ScimKind,
        filter: Option<&Filter>,
    ) -> Result<Vec<Found>, ScimError> {
        let most = self.shared.limits.search;
        let (mut found, mut from) = (Vec::new(), ScimFrom::Index(0));
        loop {
            let page = self.shared.store.scim_page(&caller.connection, kind, from, AT_A_TIME).await?;
            if page.total > most {
                return Err(ScimError::TooMany { most });
            }
            let is_last = page.resources.len() < AT_A_TIME;
            if let Some(last) = page.resources.last() {
                from = ScimFrom::After(last.number);
            }
            found.extend(self.matching(caller, kind, page.resources, filter).await?);
            if is_last {
                return Ok(found);
            }
        }
    }

    async fn matching(
        &self,
        caller: &Caller,
        kind: ScimKind,
        resources: Vec<ScimResource>,
        filter: Option<&Filter>,
    ) -> Result<Vec<Found>, ScimError> {
        let documents = self.documents(caller, kind, &resources, &Projection::default()).await?;
        let matches = |(_, document): &Found| filter.is_none_or(|filter| filter.matches(document, kind));
        Ok(resources.into_iter().zip(documents).filter(matches).collect())
    }

    /// A part of what was found, in the order that is asked for.
    fn part_of(&self, mut found: Vec<Found>, kind: ScimKind, query: &Query) -> Result<Answered, ScimError> {
        if let Some(path) = &query.sort_by {
            sort(&mut found, path, kind, query.is_descending);
        }
        let total = found.len();
        let is_sorted = query.sort_by.is_some();
        let (skipped, start_index) = match &query.start {
            Start::Index(index) => (*index, index.saturating_add(1)),
            Start::Cursor(cursor) if cursor.is_empty() => (0, 1),
            Start::Cursor(cursor) => match Cursor::read(cursor)? {
                Cursor::Place(place) if is_sorted => (place, 1),
                Cursor::Number(number) if !is_sorted => {
                    (found.iter().take_while(|(resource, _)| resource.number <= number).count(), 1)
                }
                _ => return Err(ScimError::InvalidCursor),
            },
        };
        let most = query.page(&self.shared.limits);
        let part: Vec<Found> = found.into_iter().skip(skipped).take(most).collect();
        let end = skipped.saturating_add(part.len());
        let next = matches!(query.start, Start::Cursor(_)).then(|| match part.last() {
            Some((last, _)) if end < total => Next::Cursor(
                if is_sorted { Cursor::Place(end) } else { Cursor::Number(last.number) }.written(),
            ),
            _ => Next::End,
        });
        let projected = |(_, document)| Value::Object(query.projection.of(document, kind));
        Ok(Answered::page(part.into_iter().map(projected).collect(), Some(total), start_index, next))
    }
}

/// What a store finds by itself, where a filter asks for one such value.
fn key_of(filter: &Filter, kind: ScimKind) -> Option<ScimKey> {
    let equal_to = |attribute: &str| filter.equal_to(attribute).map(str::to_owned);
    equal_to("id")
        .map(|id| ScimKey::Ids(vec![id]))
        .or_else(|| equal_to(kind.name_attribute()).map(ScimKey::Name))
        .or_else(|| equal_to("externalId").map(ScimKey::ExternalId))
}

/// Where a page goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cursor {
    /// Behind the resource of this number.
    Number(u64),
    /// At this place of an order that is asked for.
    Place(usize),
}

impl Cursor {
    fn read(text: &str) -> Result<Cursor, ScimError> {
        let number = text.strip_prefix('n').and_then(|number| number.parse().ok()).map(Cursor::Number);
        let place = || text.strip_prefix('p').and_then(|place| place.parse().ok()).map(Cursor::Place);
        number.or_else(place).ok_or(ScimError::InvalidCursor)
    }

    fn written(self) -> String {
        match self {
            Self::Number(number) => format!("n{number}"),
            Self::Place(place) => format!("p{place}"),
        }
    }

    fn number(self) -> Result<u64, ScimError> {
        match self {
            Self::Number(number) => Ok(number),
            Self::Place(_) => Err(ScimError::InvalidCursor),
        }
    }
}

/// Sorts by an attribute (RFC 7644, 3.4.2.3); those that have no value are last, or first if the order is descending.
fn sort(found: &mut [Found], path: &AttributePath, kind: ScimKind, is_descending: bool) {
    found.sort_by_cached_key(|(resource, document)| {
        let key = SortKey::of(document, path, kind);
        (if is_descending { Directed::Down(key) } else { Directed::Up(key) }, resource.number)
    });
}

#[derive(Debug, PartialEq, Eq)]
enum Directed {
    Up(SortKey),
    Down(SortKey),
}

impl Ord for Directed {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Up(one), Self::Up(two)) => one.cmp(two),
            (Self::Down(one), Self::Down(two)) => two.cmp(one),
            (Self::Up(_), Self::Down(_)) => Ordering::Less,
            (Self::Down(_), Self::Up(_)) => Ordering::Greater,
        }
    }
}

impl PartialOrd for Directed {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum SortKey {
    Truth(bool),
    Text(String),
    Nothing,
}

impl SortKey {
    fn of(document: &Map<String, Value>, path: &AttributePath, kind: ScimKind) -> SortKey {
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
                SortKey::Text(text.clone())
            }
            Some(Value::String(text)) => SortKey::Text(text.to_lowercase()),
            Some(Value::Number(number)) => SortKey::Text(number.to_string()),
            _ => SortKey::Nothing,
        }
    }
}
