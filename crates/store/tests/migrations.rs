//! Migrations only add: while a new version is deployed, machines with the earlier version read and write the same tables.
//! What the earlier version still uses is dropped one release later.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Statements that an earlier version could not run beside. There was none: they came before the first release.
const BEFORE_THE_FIRST_RELEASE: [(&str, &str); 2] = [
    ("postgres/0016_session_indexes.sql", "ALTER TABLE vouchsafe_sessions DROP COLUMN session_index"),
    ("sqlite/0015_session_indexes.sql", "ALTER TABLE vouchsafe_sessions DROP COLUMN session_index"),
];

/// The statements of a file without comments and line breaks. No text in a migration has a semicolon or two hyphens.
fn statements(text: &str) -> Vec<String> {
    let lines = text.lines().map(|line| line.split("--").next().unwrap_or_default());
    let text = lines.collect::<Vec<_>>().join(" ");
    let statements = text.split(';').map(|one| one.split_whitespace().collect::<Vec<_>>().join(" "));
    statements.filter(|one| !one.is_empty()).collect()
}

/// Whether machines with the earlier version can go on after this statement. `made` are the tables that the migration
/// has made, which the earlier version does not know.
fn only_adds(statement: &str, made: &BTreeSet<String>) -> bool {
    let upper = statement.to_uppercase();
    let words: Vec<&str> = upper.split_whitespace().collect();
    match words.as_slice() {
        ["CREATE", "TABLE" | "INDEX", ..] | ["INSERT", "INTO" | "OR", ..] | ["UPDATE", ..] => true,
        ["WITH", ..] => {
            ["INSERT INTO", "UPDATE"].iter().any(|one| upper.contains(one)) && !upper.contains("DELETE")
        }
        // The earlier version may write what the index does not allow.
        ["CREATE", "UNIQUE", "INDEX", _, "ON", table, ..] => made.contains(*table),
        ["ALTER", "TABLE", table, "ADD", "COLUMN", _, of @ ..] => {
            // The earlier version inserts rows without the column.
            made.contains(*table) || !of.contains(&"NOT") || of.contains(&"DEFAULT")
        }
        _ => false,
    }
}

fn made_by(statement: &str) -> Option<String> {
    let upper = statement.to_uppercase();
    upper.strip_prefix("CREATE TABLE ")?.split_whitespace().next().map(str::to_owned)
}

/// The statements of a migration that the earlier version could not run beside.
fn breaking(text: &str) -> Vec<String> {
    let mut made = BTreeSet::new();
    let mut found = Vec::new();
    for statement in statements(text) {
        made.extend(made_by(&statement));
        if !only_adds(&statement, &made) {
            found.push(statement);
        }
    }
    found
}

#[test]
fn a_migration_only_adds() {
    let mut found = Vec::new();
    for engine in ["postgres", "sqlite"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(engine);
        let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
        files.sort();
        assert!(files.len() >= 17, "{engine}: {files:?}");
        for file in files {
            let name = format!("{engine}/{}", file.file_name().unwrap().to_str().unwrap());
            let statements = breaking(&fs::read_to_string(&file).unwrap());
            found.extend(statements.into_iter().map(|statement| (name.clone(), statement)));
        }
    }
    let expected = BEFORE_THE_FIRST_RELEASE.map(|(file, statement)| (file.to_owned(), statement.to_owned()));
    assert_eq!(found, expected, "an earlier version must be able to go on; see CONTRIBUTING.md");
}

#[test]
fn what_breaks_an_earlier_version_is_found() {
    for statement in [
        "ALTER TABLE vouchsafe_sessions DROP COLUMN record",
        "ALTER TABLE vouchsafe_sessions RENAME COLUMN record TO data",
        "ALTER TABLE vouchsafe_sessions RENAME TO vouchsafe_open_sessions",
        "ALTER TABLE vouchsafe_sessions ADD COLUMN kind TEXT NOT NULL",
        "ALTER TABLE vouchsafe_sessions ALTER COLUMN connection SET NOT NULL",
        "ALTER TABLE vouchsafe_sessions ADD CONSTRAINT one CHECK (epoch > 0)",
        "DROP TABLE vouchsafe_sessions",
        "DROP INDEX vouchsafe_sessions_by_end",
        "CREATE UNIQUE INDEX one ON vouchsafe_sessions (account)",
        "DELETE FROM vouchsafe_sessions",
        "WITH gone AS (DELETE FROM vouchsafe_sessions RETURNING *) INSERT INTO vouchsafe_kept SELECT * FROM gone",
    ] {
        assert_eq!(breaking(&format!("-- What it does.\n{statement};\n")), [statement]);
    }
    for statement in [
        "ALTER TABLE vouchsafe_sessions ADD COLUMN kind TEXT",
        "ALTER TABLE vouchsafe_sessions ADD COLUMN kind TEXT NOT NULL DEFAULT ''",
        "CREATE TABLE new (id TEXT); CREATE UNIQUE INDEX one ON new (id)",
        "CREATE INDEX one ON vouchsafe_sessions (account)",
        "UPDATE vouchsafe_sessions SET epoch = 0",
    ] {
        assert!(breaking(statement).is_empty(), "{statement}");
    }
}
