//! Positions in a text, and those of the keys of a TOML text.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

/// The start of each key and entry, by its path.
pub(crate) struct Places<'t> {
    text: &'t str,
    starts: BTreeMap<String, usize>,
}

impl<'t> Places<'t> {
    /// Empty for a text that cannot be parsed.
    pub(crate) fn of(text: &'t str) -> Self {
        let mut starts = BTreeMap::new();
        if let Ok(document) = DeTable::parse(text) {
            walk_table("", document.get_ref(), &mut starts);
        }
        Self { text, starts }
    }

    /// Line and column of the path, or of the nearest table that contains it: a key that is not written has a default
    /// of that table.
    pub(crate) fn of_path(&self, path: &str) -> Option<(usize, usize)> {
        Some(line_and_column(self.text.get(..self.start_of(path)?).unwrap_or(self.text)))
    }

    /// Its start in the text.
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

/// Line and column, starting at 1, of the end of a text.
pub(crate) fn line_and_column(before: &str) -> (usize, usize) {
    let line = before.matches('\n').count().saturating_add(1);
    let column = before.rsplit('\n').next().unwrap_or("").chars().count().saturating_add(1);
    (line, column)
}

/// The path of a key in a table, or of the table itself if there is no key.
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
