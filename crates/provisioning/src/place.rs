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
        let mut path = path;
        loop {
            if let Some(start) = self.starts.get(path) {
                return Some(line_and_column(self.text.get(..*start).unwrap_or(self.text)));
            }
            path = path.get(..path.rfind(['.', '['])?)?;
        }
    }
}

fn walk_table(path: &str, table: &DeTable<'_>, starts: &mut BTreeMap<String, usize>) {
    for (key, value) in table.iter() {
        let path = match path {
            "" => key.get_ref().to_string(),
            outer => format!("{outer}.{}", key.get_ref()),
        };
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
