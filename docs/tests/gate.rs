//! docs/GATE.md and the justfile name each lane of `.ci/run`, and no other.

#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[test]
fn the_page_names_every_lane() {
    let (always, all) = lanes();
    let page = read("docs/GATE.md");
    let (first, second) = page.split_once("## Lanes that are run by hand").unwrap();
    assert_eq!(rows(first), always, "the lanes that always run");
    let by_hand: BTreeSet<String> = all.difference(&always).cloned().collect();
    assert_eq!(rows(second), by_hand, "the lanes that are run by hand");
}

#[test]
fn the_justfile_has_a_recipe_for_every_lane() {
    let justfile = read("justfile");
    let heads = justfile.lines().filter(|line| !line.starts_with([' ', '#']) && line.ends_with(':'));
    let recipes: BTreeSet<String> =
        heads.filter_map(|line| line.split([' ', ':']).next()).map(str::to_owned).collect();
    let missing: Vec<String> = lanes().1.difference(&recipes).cloned().collect();
    assert!(missing.is_empty(), "the justfile has no recipe for {missing:?}");
}

/// The lanes of a run without arguments, and all that there are.
fn lanes() -> (BTreeSet<String>, BTreeSet<String>) {
    let script = read(".ci/run");
    let default = script.lines().find_map(|line| line.strip_prefix("[ $# -gt 0 ] || set -- ")).unwrap();
    let (_, cases) = script.split_once("  case $1 in\n").unwrap();
    let (cases, _) = cases.split_once("    *) ").unwrap();
    let names = cases.lines().filter_map(|line| line.strip_prefix("    ")?.split_once(')'));
    let all: BTreeSet<String> =
        names.map(|(name, _)| name).filter(|name| is_name(name)).map(str::to_owned).collect();
    let always: BTreeSet<String> = default.split_whitespace().map(str::to_owned).collect();
    assert!(always.len() > 10 && always.is_subset(&all), "{always:?} of {all:?}");
    (always, all)
}

/// The names in the first column of a table.
fn rows(text: &str) -> BTreeSet<String> {
    let first = text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    first.map(|(name, _)| name.to_owned()).collect()
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase())
}

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(file)).unwrap()
}
