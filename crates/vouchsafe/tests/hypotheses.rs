//! `docs/HYPOTHESES.md` names tests that exist: each row has at least one, by file and by function.

#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

use std::path::{Path, PathBuf};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The names between back quotes in the last cell of a row.
fn tests_of(row: &str) -> Vec<&str> {
    let cell = row.trim().trim_end_matches('|').rsplit('|').next().unwrap_or_default();
    cell.split('`').skip(1).step_by(2).filter(|name| name.contains(".rs::")).collect()
}

fn exists(test: &str) -> bool {
    let Some((file, path)) = test.split_once("::") else { return false };
    let function = path.rsplit("::").next().unwrap_or(path);
    let places = ["crates", "", "fuzz"].map(|place| workspace().join(place).join(file));
    let Some(place) = places.into_iter().find(|place| place.is_file()) else { return false };
    let source = std::fs::read_to_string(place).unwrap();
    source.contains(&format!("fn {function}(")) || source.contains(&format!("fn {function}<"))
}

#[test]
fn every_row_names_a_test_that_exists() {
    let text = std::fs::read_to_string(workspace().join("docs/HYPOTHESES.md")).unwrap();
    let rows: Vec<&str> = text
        .lines()
        .filter(|line| {
            line.starts_with("| ") && !line.starts_with("| hypothesis") && !line.starts_with("|--")
        })
        .collect();
    assert!(rows.len() >= 200, "{} rows", rows.len());
    let mut wrong = Vec::new();
    for row in rows {
        let tests = tests_of(row);
        let verdict = row.split(" | ").nth(1).unwrap_or_default();
        if !["refuted", "confirmed"].iter().any(|word| verdict.starts_with(word)) {
            wrong.push(format!("no verdict: {row}"));
        }
        if tests.is_empty() {
            wrong.push(format!("no test: {row}"));
        }
        wrong.extend(
            tests.into_iter().filter(|test| !exists(test)).map(|test| format!("no such test: {test}")),
        );
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_test_that_is_not_there_is_noticed() {
    assert!(exists("vouchsafe/tests/hypotheses.rs::every_row_names_a_test_that_exists"));
    assert!(!exists("vouchsafe/tests/hypotheses.rs::nothing_of_the_kind"));
    assert!(!exists("vouchsafe/tests/nothing.rs::every_row_names_a_test_that_exists"));
    assert_eq!(tests_of("| a `b.rs::no` | refuted | `c/d.rs::e` and `f` |"), ["c/d.rs::e"]);
}
