//! Lists of a policy, with a limit of their length.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};

use crate::{
    Policy,
    place::key_path,
    policy_error::{at_key, key_named_in},
};

/// Parses a list of at most [`Policy::MAX_ENTRIES`] entries. The error is at the first entry beyond the limit.
pub(crate) fn at_most<'de, D: Deserializer<'de>, T: Deserialize<'de>>(list: D) -> Result<Vec<T>, D::Error> {
    list.deserialize_seq(Entries { table: None, entries: PhantomData })
}

/// The same for a list whose entries are parsed as a whole: their errors [name a key](at_key), and get the position of
/// the entry.
pub(crate) fn tables<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    table: &'static str,
    list: D,
) -> Result<Vec<T>, D::Error> {
    list.deserialize_seq(Entries { table: Some(table), entries: PhantomData })
}

struct Entries<T> {
    table: Option<&'static str>,
    entries: PhantomData<T>,
}

impl<T> Entries<T> {
    /// The error of the entry at a position.
    fn placed<E: Error>(&self, error: E, place: usize) -> E {
        let told = error.to_string();
        match (self.table, key_named_in(told.trim())) {
            (Some(table), Some((key, message))) => {
                E::custom(at_key(&key_path(&format!("{table}[{place}]"), key), message))
            }
            _ => error,
        }
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
    type Value = Vec<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
        let mut entries = Vec::new();
        while entries.len() < Policy::MAX_ENTRIES {
            let entry = list.next_element().map_err(|error| self.placed(error, entries.len()));
            match entry? {
                Some(entry) => entries.push(entry),
                None => return Ok(entries),
            }
        }
        match list.next_element::<OneTooMany>()? {
            Some(_) => Err(too_many()),
            None => Ok(entries),
        }
    }
}

fn too_many<E: Error>() -> E {
    E::custom(format_args!("more than {} entries", Policy::MAX_ENTRIES))
}

/// An entry beyond the limit. It fails while it is parsed, so that the error has its position.
struct OneTooMany;

impl<'de> Deserialize<'de> for OneTooMany {
    fn deserialize<D: Deserializer<'de>>(entry: D) -> Result<Self, D::Error> {
        entry.deserialize_any(OneTooMany)
    }
}

impl<'de> Visitor<'de> for OneTooMany {
    type Value = Self;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "at most {} entries", Policy::MAX_ENTRIES)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self, E> {
        Err(too_many())
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<Self, A::Error> {
        Err(too_many())
    }
}
