//! Lists: pages, look-ups and searches.
//!
//! A search holds so many resources at a time, and of those that match what is answered of them: the page that is asked for. Of an order it holds
//! what is compared, and reads the resources of the page when it is known. A page ends before the resource with which it would have too many bytes
//! or members.

use serde_json::{Map, Value};
use vouchsafe::provisioning::{AccountId, GroupId};
use vouchsafe_store::{ScimFrom, ScimKey, ScimKind, ScimPage, ScimResource};

use super::{
    ScimService,
    answer::{Answered, Next},
    caller::Caller,
    groups::MOST_WRITTEN_OUT,
    order::SortKey,
    page::Page,
    render::Needs,
};
use crate::{
    AttributePath, ScimError,
    query::{Projection, Query, Start},
};

/// How many resources a search holds at a time.
const AT_A_TIME: usize = 100;

/// The part of a list that is answered.
struct Part {
    page: Page,
    /// How many there are in all.
    total: usize,
    /// Whether there are some behind it.
    has_more: bool,
}

impl ScimService {
    /// Answers a query of one kind.
    pub(super) async fn list(
        &self,
        caller: &Caller,
        kind: ScimKind,
        query: &Query,
    ) -> Result<Answered, ScimError> {
        let start = From::of(query)?;
        let Part { page, total, has_more } = match (&query.filter, &query.sort_by) {
            (None, None) => self.page(caller, kind, query, start).await?,
            (_, None) => self.matching(caller, kind, query, start).await?,
            (_, Some(path)) => self.in_order(caller, kind, query, path, start).await?,
        };
        let next = matches!(query.start, Start::Cursor(_)).then(|| match page.last {
            Some(last) if has_more => Next::Cursor(start.behind(page.documents.len(), last).written()),
            _ => Next::End,
        });
        let start_index = if next.is_some() { 1 } else { start.skipped().saturating_add(1) };
        let documents = page.documents.into_iter().map(Value::Object).collect();
        Ok(Answered::page(documents, Some(total), start_index, next))
    }

    /// A part of all resources of the connection.
    async fn page(
        &self,
        caller: &Caller,
        kind: ScimKind,
        query: &Query,
        start: From,
    ) -> Result<Part, ScimError> {
        caller.takes_much(self)?;
        let mut from = Some(match start {
            From::Index(index) => ScimFrom::Index(index),
            From::Behind(number) => ScimFrom::After(number),
            From::Place(_) => return Err(ScimError::InvalidCursor),
        });
        let (store, over) = (&self.shared.store, &caller.connection);
        let mut page = Page::of(query, &self.shared.limits);
        while let Some(next) = from.filter(|_| page.room() > 0) {
            let most = page.room().min(AT_A_TIME);
            let found = store.find_scim(over, kind, &ScimKey::All, ScimPage { from: next, most }).await?;
            let last = found.last().filter(|_| found.len() == most);
            from = last.map(|last| ScimFrom::After(last.number));
            self.write(caller, kind, query, found, &mut page).await?;
        }
        let total = store.count_scim(over, kind, &ScimKey::All).await?;
        let has_more = page.is_cut || from.is_some();
        Ok(Part { page, total, has_more })
    }

    /// A part of those that match, in the order in which they were made.
    async fn matching(
        &self,
        caller: &Caller,
        kind: ScimKind,
        query: &Query,
        start: From,
    ) -> Result<Part, ScimError> {
        let mut page = Page::of(query, &self.shared.limits);
        let (mut total, mut behind) = (0_usize, 0_usize);
        let mut search = Search::of(query, kind);
        while let Some(found) = search.next(self, caller).await? {
            let mut of_page = Vec::new();
            for resource in found {
                let is_before = match start {
                    From::Index(index) => total < index,
                    From::Behind(number) => resource.number <= number,
                    From::Place(_) => return Err(ScimError::InvalidCursor),
                };
                total = total.saturating_add(1);
                if !is_before {
                    behind = behind.saturating_add(1);
                    if of_page.len() < page.room() {
                        of_page.push(resource);
                    }
                }
            }
            self.write(caller, kind, query, of_page, &mut page).await?;
        }
        let has_more = behind > page.documents.len();
        Ok(Part { page, total, has_more })
    }

    /// A part of those that match, in an order that is asked for.
    async fn in_order(
        &self,
        caller: &Caller,
        kind: ScimKind,
        query: &Query,
        path: &AttributePath,
        start: From,
    ) -> Result<Part, ScimError> {
        let skipped = match start {
            From::Index(index) | From::Place(index) => index,
            From::Behind(_) => return Err(ScimError::InvalidCursor),
        };
        let mut order = Vec::new();
        let mut search = Search::of(query, kind);
        while let Some(found) = search.next_keys(self, caller, path).await? {
            order.extend(found);
        }
        order.sort_by(|(one, number, _), (other, other_number, _)| {
            let by_key = if query.is_descending { other.cmp(one) } else { one.cmp(other) };
            by_key.then(number.cmp(other_number))
        });
        let total = order.len();
        let mut page = Page::of(query, &self.shared.limits);
        let ids: Vec<String> =
            order.into_iter().skip(skipped).take(page.room()).map(|(_, _, id)| id).collect();
        for some in ids.chunks(AT_A_TIME) {
            if page.room() == 0 {
                break;
            }
            let by = ScimKey::Ids(some.to_vec());
            let store = &self.shared.store;
            let mut found =
                store.find_scim(&caller.connection, kind, &by, ScimPage::first(some.len())).await?;
            found.sort_by_cached_key(|resource| some.iter().position(|id| *id == resource.id));
            self.write(caller, kind, query, found, &mut page).await?;
        }
        let has_more = skipped.saturating_add(page.documents.len()) < total;
        Ok(Part { page, total, has_more })
    }

    /// Writes more resources on a page, as far as there is room for them.
    async fn write(
        &self,
        caller: &Caller,
        kind: ScimKind,
        query: &Query,
        mut resources: Vec<ScimResource>,
        page: &mut Page,
    ) -> Result<(), ScimError> {
        resources.truncate(page.room());
        if resources.is_empty() {
            return Ok(());
        }
        let needs = Needs::of_projection(&query.projection, kind);
        let mut is_cut = false;
        if needs.many() {
            let (first, members) = self.first_with_few(kind, &resources, page.members).await?;
            if members > MOST_WRITTEN_OUT {
                caller.takes_much(self)?;
            }
            page.members = Some(members);
            is_cut = first < resources.len();
            resources.truncate(first);
        }
        let documents = self.documents(caller, kind, &resources, needs, &query.projection).await?;
        for (resource, document) in resources.iter().zip(documents) {
            page.add(resource.number, document);
        }
        page.is_cut |= is_cut;
        Ok(())
    }

    /// How many of these resources, from the first on, have together with those of before no more members, or groups that they are in, than a
    /// page may have; the first of all in any case. And how many these all have.
    async fn first_with_few(
        &self,
        kind: ScimKind,
        resources: &[ScimResource],
        before: Option<usize>,
    ) -> Result<(usize, usize), ScimError> {
        let mut members = before.unwrap_or_default();
        for (place, count) in self.count_each(kind, resources).await?.into_iter().enumerate() {
            let more = members.saturating_add(count);
            let is_first = before.is_none() && place == 0;
            if !is_first && more > self.shared.limits.page_members {
                return Ok((place, members));
            }
            members = more;
        }
        Ok((resources.len(), members))
    }

    /// How many members each group has, or in how many groups each person is.
    async fn count_each(&self, kind: ScimKind, resources: &[ScimResource]) -> Result<Vec<usize>, ScimError> {
        let ids = || resources.iter().map(|resource| resource.id.as_str());
        let store = &self.shared.store;
        Ok(match kind {
            ScimKind::User => {
                let ids: Vec<AccountId> = ids().map(AccountId::new).collect();
                let counts = store.count_scim_groups(&ids).await?;
                ids.iter().map(|id| counts.get(id).copied().unwrap_or_default()).collect()
            }
            _ => {
                let ids: Vec<GroupId> = ids().map(GroupId::new).collect();
                let counts = store.count_scim_members(&ids).await?;
                ids.iter().map(|id| counts.get(id).copied().unwrap_or_default()).collect()
            }
        })
    }
}

/// A walk over the resources that match, a few at a time.
struct Search<'q> {
    query: &'q Query,
    kind: ScimKind,
    by: ScimKey,
    from: Option<ScimFrom>,
    /// Read, and not looked at yet.
    waiting: Vec<ScimResource>,
}

impl<'q> Search<'q> {
    fn of(query: &'q Query, kind: ScimKind) -> Search<'q> {
        let by = query.filter.as_ref().and_then(|filter| filter.key(kind)).unwrap_or(ScimKey::All);
        Search { query, kind, by, from: Some(ScimFrom::Index(0)), waiting: Vec::new() }
    }

    /// Those that match of the next few; `None` at the end.
    async fn next(
        &mut self,
        service: &ScimService,
        caller: &Caller,
    ) -> Result<Option<Vec<ScimResource>>, ScimError> {
        let found = self.look_at(service, caller, None, |resource, _| resource).await?;
        Ok(found)
    }

    /// What is compared of those, with their numbers and their ids.
    async fn next_keys(
        &mut self,
        service: &ScimService,
        caller: &Caller,
        path: &AttributePath,
    ) -> Result<Option<Vec<(SortKey, u64, String)>>, ScimError> {
        let kind = self.kind;
        let key = |resource: ScimResource, document: &_| {
            (SortKey::of(document, path, kind), resource.number, resource.id)
        };
        self.look_at(service, caller, Some(path), key).await
    }

    async fn look_at<T>(
        &mut self,
        service: &ScimService,
        caller: &Caller,
        sort_by: Option<&AttributePath>,
        take: impl Fn(ScimResource, &Map<String, Value>) -> T,
    ) -> Result<Option<Vec<T>>, ScimError> {
        let (filter, kind) = (self.query.filter.as_ref(), self.kind);
        let needs = Needs::of_query(filter, sort_by, kind);
        let Some(resources) = self.read(service, caller, needs).await? else { return Ok(None) };
        let whole = Projection::default();
        let documents = service.documents(caller, kind, &resources, needs, &whole).await?;
        let both = resources.into_iter().zip(documents);
        let matching =
            both.filter(|(_, document)| filter.is_none_or(|filter| filter.matches(document, kind)));
        Ok(Some(matching.map(|(resource, document)| take(resource, &document)).collect()))
    }

    /// The next few, with as many members, or groups, as a page may have where these are looked at.
    async fn read(
        &mut self,
        service: &ScimService,
        caller: &Caller,
        needs: Needs,
    ) -> Result<Option<Vec<ScimResource>>, ScimError> {
        if self.waiting.is_empty() {
            self.waiting = self.read_on(service, caller).await?;
        }
        if self.waiting.is_empty() {
            return Ok(None);
        }
        if !needs.many() {
            return Ok(Some(std::mem::take(&mut self.waiting)));
        }
        let (first, members) = service.first_with_few(self.kind, &self.waiting, None).await?;
        if members > MOST_WRITTEN_OUT {
            caller.takes_much(service)?;
        }
        let rest = self.waiting.split_off(first);
        Ok(Some(std::mem::replace(&mut self.waiting, rest)))
    }

    /// A search that is done with one reading is a look-up. Everything else costs much, and is done over so many resources and no more.
    async fn read_on(
        &mut self,
        service: &ScimService,
        caller: &Caller,
    ) -> Result<Vec<ScimResource>, ScimError> {
        let Some(from) = self.from.take() else { return Ok(Vec::new()) };
        let (store, over) = (&service.shared.store, &caller.connection);
        if self.by == ScimKey::All && from == ScimFrom::Index(0) {
            self.require_few(service, caller).await?;
        }
        let found = store.find_scim(over, self.kind, &self.by, ScimPage { from, most: AT_A_TIME }).await?;
        if let Some(last) = found.last().filter(|_| found.len() == AT_A_TIME) {
            if from == ScimFrom::Index(0) && self.by != ScimKey::All {
                self.require_few(service, caller).await?;
            }
            self.from = Some(ScimFrom::After(last.number));
        }
        Ok(found)
    }

    async fn require_few(&self, service: &ScimService, caller: &Caller) -> Result<(), ScimError> {
        caller.takes_much(service)?;
        let most = service.shared.limits.search;
        let count = service.shared.store.count_scim(&caller.connection, self.kind, &self.by).await?;
        if count > most { Err(ScimError::TooMany { most }) } else { Ok(()) }
    }
}

/// Where a part begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    /// At this place, counted from 0.
    Index(usize),
    /// Behind the resource of this number.
    Behind(u64),
    /// At this place of an order that is asked for.
    Place(usize),
}

impl From {
    fn of(query: &Query) -> Result<From, ScimError> {
        let is_sorted = query.sort_by.is_some();
        match &query.start {
            Start::Index(index) => Ok(From::Index(*index)),
            Start::Cursor(cursor) if cursor.is_empty() && is_sorted => Ok(From::Place(0)),
            Start::Cursor(cursor) if cursor.is_empty() => Ok(From::Behind(0)),
            Start::Cursor(cursor) => match (From::read(cursor), is_sorted) {
                (Some(place @ From::Place(_)), true) => Ok(place),
                (Some(number @ From::Behind(_)), false) => Ok(number),
                _ => Err(ScimError::InvalidCursor),
            },
        }
    }

    /// How many resources stand before it.
    fn skipped(self) -> usize {
        match self {
            Self::Index(index) | Self::Place(index) => index,
            Self::Behind(_) => 0,
        }
    }

    /// Where the part behind so many resources begins, of which the last has this number.
    fn behind(self, count: usize, last: u64) -> From {
        match self {
            Self::Place(place) => Self::Place(place.saturating_add(count)),
            Self::Index(_) | Self::Behind(_) => Self::Behind(last),
        }
    }

    fn read(cursor: &str) -> Option<From> {
        let number = cursor.strip_prefix('n').and_then(|number| number.parse().ok()).map(From::Behind);
        number.or_else(|| cursor.strip_prefix('p').and_then(|place| place.parse().ok()).map(From::Place))
    }

    fn written(self) -> String {
        match self {
            Self::Behind(number) => format!("n{number}"),
            Self::Index(place) | Self::Place(place) => format!("p{place}"),
        }
    }
}
