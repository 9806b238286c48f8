//! Where the keys of a TOML text are.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use crate::policy_error::line_and_column;

/// Line and column of each key and entry, by its path.
pub(crate) struct Places {
    places: BTreeMap<String, (usize, usize)>,
}

impl Places {
    /// Of a text that cannot be read there are none.
    pub(crate) fn of(text: &str) -> Self {
        let mut places = BTreeMap::new();
        if let Ok(document) = DeTable::parse(text) {
            walk_table(text, "", document.get_ref(), &mut places);
        }
        Self { places }
    }

    /// That of the path, or of the nearest table that it is in: what is written nowhere is a default of it.
    pub(crate) fn of_path(&self, path: &str) -> Option<(usize, usize)> {
        let mut path = path;
        loop {
            if let Some(place) = self.places.get(path) {
                return Some(*place);
            }
            path = path.get(..path.rfind(['.', '['])?)?;
        }
    }
}

fn walk_table(text: &str, path: &str, table: &DeTable<'_>, places: &mut BTreeMap<String, (usize, usize)>) {
    for (key, value) in table.iter() {
        let path = match path {
            "" => key.get_ref().to_string(),
            outer => format!("{outer}.{}", key.get_ref()),
        };
        places.insert(path.clone(), place(text, key.span().start));
        walk(text, &path, value.get_ref(), places);
    }
}

fn walk(text: &str, path: &str, value: &DeValue<'_>, places: &mut BTreeMap<String, (usize, usize)>) {
    match value {
        DeValue::Table(table) => walk_table(text, path, table, places),
        DeValue::Array(entries) => {
            for (number, entry) in entries.iter().enumerate() {
                let path = format!("{path}[{number}]");
                places.insert(path.clone(), place(text, entry.span().start));
                walk(text, &path, entry.get_ref(), places);
            }
        }
        _ => {}
    }
}

fn place(text: &str, start: usize) -> (usize, usize) {
    line_and_column(text.get(..start).unwrap_or(text))
}
