//! docs/CONFORMANCE.md is complete, and every test that it names exists.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "test")]

use std::collections::BTreeSet;
use std::path::Path;

/// The ids of each profile: the prefix with its digits, and their number.
const IDS: &[(&str, usize)] = &[
    ("MODE-", 9),
    ("G", 3),
    ("MD", 12),
    ("SSO", 7),
    ("ALG", 8),
    ("EXT", 1),
    ("SP", 17),
    ("INT-", 39),
    ("PROV-", 33),
];

const STATUS: [&str; 4] = ["held", "partly", "not yet", "elsewhere"];

struct Row<'a> {
    id: &'a str,
    asks_for: &'a str,
    status: &'a str,
    note: &'a str,
    tests: Vec<&'a str>,
}

#[test]
fn every_id_has_a_row_and_every_test_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = std::fs::read_to_string(root.join("docs/CONFORMANCE.md")).unwrap();
    let rows: Vec<Row<'_>> = text.lines().filter_map(row).collect();
    let mut missing: BTreeSet<String> = IDS
        .iter()
        .flat_map(|(prefix, count)| (1..=*count).map(move |number| format!("{prefix}{number:02}")))
        .collect();
    let mut wrong = Vec::new();
    for row in &rows {
        if !missing.remove(row.id) {
            wrong.push(format!("{}: no such id, or a second row", row.id));
        }
        if !STATUS.contains(&row.status) || row.asks_for.is_empty() {
            wrong.push(format!("{}: status {:?}", row.id, row.status));
        }
        if ["held", "partly"].contains(&row.status) && row.tests.is_empty() {
            wrong.push(format!("{}: {} by no test", row.id, row.status));
        }
        if ["partly", "elsewhere"].contains(&row.status) && row.note.is_empty() {
            wrong.push(format!("{}: {} without a reason", row.id, row.status));
        }
        wrong.extend(
            row.tests
                .iter()
                .filter(|test| !exists(&root.join("crates"), test))
                .map(|test| format!("{}: no test {test}", row.id)),
        );
    }
    wrong.extend(missing.iter().map(|id| format!("{id}: no row")));
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(rows.len(), 129);
}

/// `| id | asks for | status | note | tests |`
fn row(line: &str) -> Option<Row<'_>> {
    let cells: Vec<&str> = line.strip_prefix('|')?.strip_suffix('|')?.split('|').map(str::trim).collect();
    let [id, asks_for, status, note, tests] = cells[..] else { return None };
    let is_id = id.ends_with(|last: char| last.is_ascii_digit());
    is_id.then(|| Row {
        id,
        asks_for,
        status,
        note,
        tests: tests.split_whitespace().map(|test| test.trim_matches('`')).collect(),
    })
}

/// Returns whether the file has a test function with that name: an attribute `test` is in one of the lines before it,
/// or it is inside the macro of property tests. The store suite has functions that a macro turns into tests.
fn exists(crates: &Path, test: &str) -> bool {
    let Some((file, name)) = test.split_once("::") else { return false };
    let Ok(text) = std::fs::read_to_string(crates.join(file)) else { return false };
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    if file.starts_with("store/src/conformance/") {
        let suite = std::fs::read_to_string(crates.join("store/src/conformance/mod.rs")).unwrap_or_default();
        let is_run = suite.split(|one: char| !(one.is_alphanumeric() || one == '_')).any(|word| word == name);
        return is_run && lines.iter().any(|line| line.starts_with(&format!("pub async fn {name}(")));
    }
    let declared = format!("fn {name}(");
    lines.iter().enumerate().any(|(place, line)| {
        line.trim_start_matches("async ").starts_with(&declared)
            && lines[place.saturating_sub(4)..place]
                .iter()
                .any(|before| before.starts_with("#[test]") || before.starts_with("#[tokio::test"))
    })
}

#[test]
fn a_test_that_is_not_there_is_noticed() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    assert!(exists(&crates, "vouchsafe/tests/conformance.rs::a_test_that_is_not_there_is_noticed"));
    assert!(exists(&crates, "store/src/conformance/members.rs::the_last_owner_is_safe_at_every_door"));
    for missing in [
        "vouchsafe/tests/conformance.rs::no_such_test",
        "vouchsafe/tests/conformance.rs::exists",
        "vouchsafe/tests/no_such_file.rs::row",
        "vouchsafe/tests/conformance.rs",
        "store/src/conformance/members.rs::no_such_test",
        "store/src/conformance/members.rs::owners",
    ] {
        assert!(!exists(&crates, missing), "{missing}");
    }
}
