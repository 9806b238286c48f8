//! `docs/ERRORS.md` has an entry for every code in the sources of every crate, and none for anything else.
//!
//! A code is a text of the form `crate.word` inside a function `code`, or an argument of the command's
//! `Failure::usage`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "this is a test: it may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn every_code_has_an_entry_and_every_entry_a_code() {
    let codes = codes_of_the_sources();
    let entries = entries(&read(&workspace().join("docs/ERRORS.md")));
    let missing: Vec<_> = codes.iter().filter(|(code, _)| !entries.contains_key(*code)).collect();
    assert!(
        missing.is_empty(),
        "codes without an entry in docs/ERRORS.md, and where they stand: {missing:#?}"
    );
    let dead: Vec<_> = entries.keys().filter(|code| !codes.contains_key(*code)).collect();
    assert!(dead.is_empty(), "entries of docs/ERRORS.md that are no code any more: {dead:#?}");
    for (code, cells) in &entries {
        let [meaning, cause, remedy] = cells.as_slice() else { panic!("{code}: an entry has four columns") };
        assert!(!meaning.is_empty() && !cause.is_empty() && !remedy.is_empty(), "{code}: an empty column");
    }
}

/// The scanner must find codes, since a scanner that finds nothing would always pass.
#[test]
fn the_scanner_sees_every_crate() {
    let codes = codes_of_the_sources();
    let prefixes: BTreeSet<&str> = codes.keys().filter_map(|code| code.split('.').next()).collect();
    let expected = [
        "assertion",
        "autopsy",
        "binding",
        "cli",
        "client",
        "crypto",
        "doctor",
        "encryption",
        "http",
        "message",
        "metadata",
        "provisioning",
        "signature",
        "store",
        "testkit",
        "xml",
    ];
    for prefix in expected {
        assert!(prefixes.contains(prefix), "no code begins with {prefix}");
    }
    let source = r#"fn code(&self) { match self { A { .. } => "a.b", B => if x { "c.d2" } else { "no code" } } } fn other() { "e.f"; }
                    Failure::usage(
                        "cli.g_h", "no.code here")"#;
    assert_eq!(codes_in(source), ["a.b", "c.d2", "cli.g_h"]);
}

#[test]
fn the_guide_to_okta_names_codes_that_exist() {
    let codes = codes_of_the_sources();
    let guide = read(&workspace().join("docs/OKTA.md"));
    let named: Vec<&str> = guide
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split(" | ").next())
        .flat_map(|cell| cell.split('`'))
        .filter(|text| {
            is_code(text) && codes.keys().any(|code| code.split('.').next() == text.split('.').next())
        })
        .collect();
    assert!(named.len() >= 8, "{named:?}");
    let wrong: Vec<_> = named.into_iter().filter(|code| !codes.contains_key(*code)).collect();
    assert!(wrong.is_empty(), "codes in docs/OKTA.md that do not exist: {wrong:?}");
}

/// Returns each code, and the first file that contains it.
fn codes_of_the_sources() -> BTreeMap<String, PathBuf> {
    let mut codes = BTreeMap::new();
    let crates = std::fs::read_dir(workspace().join("crates")).unwrap();
    let mut waiting: Vec<PathBuf> = crates.map(|one| one.unwrap().path().join("src")).collect();
    while let Some(folder) = waiting.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                for code in codes_in(&read(&path)) {
                    codes.entry(code).or_insert_with(|| path.clone());
                }
            }
        }
    }
    codes
}

fn codes_in(source: &str) -> Vec<String> {
    let bodies = source.split("fn code(").skip(1).map(body);
    let arguments =
        source.split("Failure::usage(").skip(1).map(|rest| rest.split(',').next().unwrap_or_default());
    let texts = bodies.chain(arguments).flat_map(|text| text.split('"').skip(1).step_by(2));
    texts.filter(|text| is_code(text)).map(str::to_owned).collect()
}

/// The text between the first brace and the one that closes it.
fn body(rest: &str) -> &str {
    let mut depth = 0_usize;
    for (at, byte) in rest.bytes().enumerate() {
        match byte {
            b'{' => depth = depth.saturating_add(1),
            b'}' => depth = depth.saturating_sub(1),
            b';' if depth == 0 => return "", // declared only
            _ => continue,
        }
        if depth == 0 {
            return rest.get(..at).unwrap_or_default();
        }
    }
    rest
}

fn is_code(text: &str) -> bool {
    let word = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
    };
    text.split_once('.').is_some_and(|(prefix, rest)| word(prefix) && word(rest))
}

/// Rows `| code | meaning | usual cause | remedy |`; a code has one.
fn entries(catalogue: &str) -> BTreeMap<String, Vec<String>> {
    let mut entries = BTreeMap::new();
    for line in catalogue.lines().filter(|line| line.starts_with("| `")) {
        let mut cells = line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned());
        let code = cells.next().unwrap_or_default().trim_matches('`').to_owned();
        let before = entries.insert(code.clone(), cells.collect());
        assert!(before.is_none(), "{code} has two entries");
    }
    entries
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
