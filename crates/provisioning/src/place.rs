//! Where the keys of a TOML text are.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use crate::policy_error::line_and_column;

/// Where each key and entry begins, by its path.
pub(crate) struct Places<'t> {
    text: &'t str,
    starts: BTreeMap<String, usize>,
}

impl<'t> Places<'t> {
    /// Of a text that cannot be read there are none.
    pub(crate) fn of(text: &'t str) -> Self {
        let mut starts = BTreeMap::new();
        if let Ok(document) = DeTable::parse(text) {
            walk_table("", document.get_ref(), &mut starts);
        }
        Self { text, starts }
    }

    /// Line and column of the path, or of the nearest table that it is in: what is written nowhere is a default of it.
    pub(crate) fn of_path(&self, path: &str) -> Option<(usize, usize)> {
        Some(line_and_column(self.text.get(..self.start_of(path)?).unwrap_or(self.text)))
    }

    /// Where it begins in the text.
    pub(crate) fn start_of(&self, path: &str) -> Option<usize> {
        let mut path = path;
        loop {
            if let Some(start) = self.starts.get(path) {
                return Some(*start);
            }
            path = path.get(..path.rfind(['.', '['])?)?;
        }
    }
}

/// The path of a key in a table; of the table itself, where there is no key.
pub(crate) fn key_path(table: &str, key: &str) -> String {
    match (table, key) {
        ("", one) | (one, "") => one.to_owned(),
        (table, key) => format!("{table}.{key}"),
    }
}

fn walk_table(path: &str, table: &DeTable<'_>, starts: &mut BTreeMap<String, usize>) {
    for (key, value) in table.iter() {
        let path = key_path(path, key.get_ref());
        walk(&path, value.get_ref(), starts);
        starts.insert(path, key.span().start);
    }
}

fn walk(path: &str, value: &DeValue<'_>, starts: &mut BTreeMap<String, usize>) {
    match value {
        DeValue::Table(table) => walk_table(path, table, starts),
        DeValue::Array(entries) => {
            for (number, entry) in entries.iter().enumerate() {
                let path = format!("{path}[{number}]");
                walk(&path, entry.get_ref(), starts);
                starts.insert(path, entry.span().start);
            }
        }
        _ => {}
    }
}
