//! The places of the entities in a document and their names, in a few bytes for each entity.
//!
//! A document can have ten thousand entities, and during a refresh two indexes are in memory. So offsets are `u32` (a document has at
//! most 1 GiB), and a name is not copied: it is read from the document.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::ops::Range;

use vouchsafe_xml::Element;

use crate::MetadataError;
use crate::values::trimmed;

/// The entities of a document, in document order. Functions with the argument `metadata` are called with that document.
#[derive(Debug, Default)]
pub(crate) struct Places {
    all: Vec<Place>,
    /// The names that are not in the document in this spelling.
    spelt: HashMap<u32, Box<str>>,
    /// The elements of other namespaces in the place of an entity.
    foreign: HashMap<u32, Foreign>,
    /// The first entity with each name.
    names: Numbers,
    /// The entities with the name of an earlier one, and that one.
    first: HashMap<u32, u32>,
    /// The number of later entities with the same name, if there are any.
    later: HashMap<u32, u32>,
}

/// The place of an entity. The ranges are those in the document; an empty one stands for none.
#[derive(Debug)]
struct Place {
    start: u32,
    end: u32,
    /// The range of the name, without white space around it.
    name_start: u32,
    name_end: u32,
    /// The EntitiesDescriptor around it.
    group: u32,
}

/// An element in another namespace, which is not metadata.
#[derive(Debug)]
struct Foreign {
    namespace: Box<str>,
    name: Box<str>,
}

/// # Making a value
impl Places {
    pub(crate) fn with_capacity(count: usize) -> Places {
        Places { all: Vec::with_capacity(count), names: Numbers::with_capacity(count), ..Places::default() }
    }

    /// Adds an entity with this range. `head` has its start tag.
    pub(crate) fn add(&mut self, metadata: &[u8], range: Range<usize>, head: Element<'_>, group: usize) {
        let place = self.all.len();
        let name_range = name_range(head, range.start);
        let name = self.push(range, name_range, head, group);
        if name.is_empty() {
            return;
        }
        let is_it = |other: u32| self.has_name(metadata, other, name);
        match self.names.find(name.as_bytes(), is_it) {
            Some(first) => {
                self.first.insert(number(place), first);
                let later = self.later.entry(first).or_default();
                *later = later.saturating_add(1);
            }
            None => self.names.add(name.as_bytes(), number(place)),
        }
    }

    /// Adds an element of another namespace.
    pub(crate) fn add_foreign(&mut self, element: Element<'_>, group: usize) {
        let (namespace, name) = (element.namespace().into(), element.local_name().into());
        self.foreign.insert(number(self.all.len()), Foreign { namespace, name });
        self.push(0..0, None, element, group);
    }

    /// Adds a place, and returns the name that is there.
    fn push<'e>(
        &mut self,
        range: Range<usize>,
        known: Option<Range<usize>>,
        element: Element<'e>,
        group: usize,
    ) -> &'e str {
        let name = trimmed(element.attribute("entityID").unwrap_or_default());
        if known.is_none() && !name.is_empty() {
            self.spelt.insert(number(self.all.len()), name.into());
        }
        let known = known.unwrap_or_default();
        self.all.push(Place {
            start: number(range.start),
            end: number(range.end),
            name_start: number(known.start),
            name_end: number(known.end),
            group: number(group),
        });
        name
    }
}

/// # Content
impl Places {
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// Returns the entityID without white space around it, if there is one.
    pub(crate) fn entity_id<'a>(&'a self, metadata: &'a [u8], place: usize) -> Option<&'a str> {
        let found = self.all.get(place)?;
        if found.name_start < found.name_end {
            let name = metadata.get(found.name_start as usize..found.name_end as usize)?;
            return std::str::from_utf8(name).ok();
        }
        self.spelt.get(&number(place)).map(|name| &**name)
    }

    /// Returns whether [`entity_id`](Self::entity_id) is this name, which is not empty. The name in the document is compared
    /// as bytes.
    fn has_name(&self, metadata: &[u8], place: u32, name: &str) -> bool {
        let found = self.all.get(place as usize);
        match found.map(|found| found.name_start as usize..found.name_end as usize) {
            Some(range) if !range.is_empty() => metadata.get(range) == Some(name.as_bytes()),
            Some(_) => self.spelt.get(&place).is_some_and(|spelt| **spelt == *name),
            None => false,
        }
    }

    /// Returns the range of its bytes. `None` for an element of another namespace.
    pub(crate) fn range(&self, place: usize) -> Option<Range<usize>> {
        let found = self.all.get(place)?;
        (found.start < found.end).then_some(found.start as usize..found.end as usize)
    }

    /// Returns the EntitiesDescriptor around it.
    pub(crate) fn group(&self, place: usize) -> Option<usize> {
        self.all.get(place).map(|found| found.group as usize)
    }

    /// Returns the earlier entity with the same name.
    pub(crate) fn first_of_name(&self, place: usize) -> Option<usize> {
        self.first.get(&number(place)).map(|first| *first as usize)
    }

    /// Returns the number of later entities with the same name.
    pub(crate) fn duplicates(&self, place: usize) -> usize {
        self.later.get(&number(place)).map_or(0, |count| *count as usize)
    }

    /// Returns the first entity with this name.
    pub(crate) fn find(&self, metadata: &[u8], entity_id: &str) -> Option<usize> {
        let is_it = |place: u32| self.has_name(metadata, place, entity_id);
        self.names.find(entity_id.as_bytes(), is_it).map(|place| place as usize)
    }

    /// Returns the names of the entities, with the first entity of each.
    pub(crate) fn names<'a>(&'a self, metadata: &'a [u8]) -> impl Iterator<Item = (&'a str, usize)> {
        self.names.all().filter_map(|place| {
            let place = place as usize;
            Some((self.entity_id(metadata, place)?, place))
        })
    }

    /// Returns why there is no entity at this place.
    pub(crate) fn refusal(&self, place: usize) -> MetadataError {
        match self.foreign.get(&number(place)) {
            Some(Foreign { namespace, name }) => {
                MetadataError::Namespace { namespace: namespace.to_string(), name: name.to_string() }
            }
            None => MetadataError::UnknownEntity { entity_id: String::new(), entities: self.len() },
        }
    }
}

/// Returns where the document has the entityID without white space around it, if it has it in this spelling. The start tag
/// is at this offset.
fn name_range(head: Element<'_>, offset: usize) -> Option<Range<usize>> {
    let (value, range) = (head.attribute("entityID")?, head.attribute_range("entityID")?);
    let name = trimmed(value);
    let in_value = value.find(name)?; // it does not begin with white space
    let in_tag = range.start.checked_sub(head.source_range().start)?.saturating_add(in_value);
    let start = offset.saturating_add(in_tag);
    Some(start..start.saturating_add(name.len()))
}

/// A set of numbers that are found by keys, which are stored elsewhere: a hash table with a free place after each run.
///
/// The hash depends on a random number of the table, because anybody may choose keys.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    /// At least a quarter of them is free. The number of them is a power of two, or 0.
    slots: Vec<u32>,
    state: RandomState,
}

/// A free slot. It is no number of an entity, because each entity has several bytes.
const FREE: u32 = u32::MAX;

impl Numbers {
    /// Makes a set that has room for this many numbers.
    pub(crate) fn with_capacity(count: usize) -> Numbers {
        let slots = count.saturating_add(count.div_ceil(3)).saturating_add(1).next_power_of_two();
        Numbers { slots: vec![FREE; slots], state: RandomState::new() }
    }

    /// Returns the number with this key. `is_it` says whether a number has the key.
    pub(crate) fn find(&self, key: &[u8], is_it: impl Fn(u32) -> bool) -> Option<u32> {
        self.run(key)
            .map(|(_, number)| number)
            .take_while(|number| *number != FREE)
            .find(|found| is_it(*found))
    }

    /// Adds a number, whose key is new, if there is room for it.
    pub(crate) fn add(&mut self, key: &[u8], number: u32) {
        let free = self.run(key).find(|(_, number)| *number == FREE);
        if let Some(slot) = free.and_then(|(slot, _)| self.slots.get_mut(slot)) {
            *slot = number;
        }
    }

    /// Returns all numbers, in any order.
    pub(crate) fn all(&self) -> impl Iterator<Item = u32> {
        self.slots.iter().copied().filter(|number| *number != FREE)
    }

    /// Returns the slots in which the number with this key is sought, with their contents.
    fn run(&self, key: &[u8]) -> impl Iterator<Item = (usize, u32)> {
        let mask = u64::try_from(self.slots.len().saturating_sub(1)).unwrap_or_default();
        let first = usize::try_from(self.state.hash_one(key) & mask).unwrap_or_default();
        let (before, from) = self.slots.split_at(first.min(self.slots.len()));
        (first..).zip(from.iter().copied()).chain((0..).zip(before.iter().copied()))
    }
}

/// Returns an offset, or the number of a place. A document has at most 1 GiB, so that both fit.
fn number(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_by_keys_that_are_elsewhere() {
        for count in [0, 1, 2, 3, 4, 100, 3_000] {
            let keys: Vec<String> = (0..count).map(|number| format!("https://{number}.example")).collect();
            let mut numbers = Numbers::with_capacity(count);
            let find = |numbers: &Numbers, key: &str| {
                numbers
                    .find(key.as_bytes(), |found| keys.get(found as usize).is_some_and(|known| known == key))
            };
            for (place, key) in keys.iter().enumerate() {
                assert_eq!(find(&numbers, key), None);
                numbers.add(key.as_bytes(), number(place));
            }
            for (place, key) in keys.iter().enumerate() {
                assert_eq!(find(&numbers, key), Some(number(place)));
            }
            assert_eq!(find(&numbers, "https://other.example"), None);
            assert_eq!(numbers.all().count(), count);
            assert!(numbers.slots.iter().filter(|slot| **slot == FREE).count() * 4 >= numbers.slots.len());
        }
        assert_eq!(Numbers::default().find(b"", |_| true), None);
    }
}
