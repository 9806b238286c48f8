//! Which foreign crates may be seen in the public items of our libraries: a new major version of such a crate is a breaking change of ours.
//! The items are read from docs/api, which `.ci/run api` compares with the code.

#![expect(
    clippy::unwrap_used,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "this is a test: it may panic"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// A foreign crate, the libraries that show its types, and why.
const ALLOWED: &[(&str, &[&str], &str)] = &[
    ("actix_http", &["vouchsafe-actix"], "the types of requests and answers that actix-web is made of"),
    ("actix_web", &["vouchsafe-actix"], "the framework whose routes and extractors these are"),
    ("axum", &["vouchsafe-axum"], "the framework whose routes and extractors these are"),
    ("axum_core", &["vouchsafe-axum"], "where axum defines its extractors and answers"),
    ("axum_login", &["vouchsafe-axum"], "the backend of the application is one of axum-login (feature)"),
    (
        "chrono",
        &[
            "vouchsafe",
            "vouchsafe-assertion",
            "vouchsafe-axum",
            "vouchsafe-client",
            "vouchsafe-metadata",
            "vouchsafe-provisioning",
            "vouchsafe-scim",
            "vouchsafe-signals",
            "vouchsafe-store",
            "vouchsafe-testkit",
            "vouchsafe-web",
        ],
        "points in time: std has none that can be printed and parsed",
    ),
    ("http", HTTP, "requests, answers and headers, the same in every framework"),
    ("schemars", &["vouchsafe-provisioning"], "the JSON Schema of a policy (feature)"),
    (
        "serde_core",
        &[
            "vouchsafe",
            "vouchsafe-assertion",
            "vouchsafe-axum",
            "vouchsafe-metadata",
            "vouchsafe-provisioning",
        ],
        "what stores keep is written and read by serde",
    ),
    (
        "serde_json",
        &["vouchsafe-provisioning", "vouchsafe-scim", "vouchsafe-signals", "vouchsafe-store"],
        "values of any shape: schemas, resources of SCIM, claims of tokens",
    ),
    ("sqlx_postgres", &["vouchsafe-store"], "the application's own pool"),
    ("sqlx_sqlite", &["vouchsafe-store"], "the application's own pool"),
    ("tower_sessions", &["vouchsafe-axum"], "the session layer of the application (feature)"),
    ("tower_sessions_core", &["vouchsafe-axum"], "the session of a request, and its store (feature)"),
];

const HTTP: &[&str] =
    &["vouchsafe-actix", "vouchsafe-axum", "vouchsafe-scim", "vouchsafe-signals", "vouchsafe-web"];

/// The standard library, of which a version of Rust has one.
const STANDARD: &[&str] = &["alloc", "core", "std"];

#[test]
fn no_other_crate_is_seen_in_public_items() {
    let mut allowed: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (foreign, libraries, reason) in ALLOWED {
        assert!(!reason.is_empty(), "{foreign} needs a reason");
        for library in *libraries {
            allowed.entry(library).or_default().insert(foreign);
        }
    }
    let mut wrong = Vec::new();
    for (library, items) in libraries() {
        let seen = foreign(&items);
        let allowed = allowed.remove(library.as_str()).unwrap_or_default();
        for name in seen.keys().filter(|name| !allowed.contains(name.as_str())) {
            wrong.push(format!("{library} shows a type of {name}: {}", seen[name]));
        }
        let dead = allowed.iter().filter(|name| !seen.contains_key(**name));
        wrong.extend(dead.map(|name| format!("{library} shows no type of {name} any more")));
    }
    wrong.extend(allowed.keys().map(|library| format!("docs/api has no file of {library}")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_scanner_sees_foreign_crates() {
    let items = "pub fn vouchsafe::f(a: &chrono::DateTime<Utc>) -> core::option::Option<<T as http::Body>::Error>\n\
                 impl From<sqlx_core::error::Error> for vouchsafe_store::E";
    let seen: Vec<String> = foreign(items).into_keys().collect();
    assert_eq!(seen, ["chrono", "http", "sqlx_core"]);
    assert!(libraries().len() > 10, "docs/api lacks files");
}

/// The name of each library with its public items, one a line.
fn libraries() -> Vec<(String, String)> {
    let entries = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("api")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .map(|path| {
            (path.file_stem().unwrap().to_string_lossy().into_owned(), fs::read_to_string(path).unwrap())
        })
        .collect()
}

/// The foreign crates that paths begin with, each with the first item that shows it.
fn foreign(items: &str) -> BTreeMap<String, &str> {
    let mut seen = BTreeMap::new();
    for item in items.lines() {
        for (place, _) in item.match_indices("::") {
            let before = &item[..place];
            let start = before.rfind(|one: char| !one.is_alphanumeric() && one != '_').map_or(0, |at| at + 1);
            let name = &before[start..];
            let is_first = !before[..start].ends_with("::");
            let is_crate = name.starts_with(|one: char| one.is_ascii_lowercase());
            if is_first && is_crate && !name.starts_with("vouchsafe") && !STANDARD.contains(&name) {
                seen.entry(name.to_owned()).or_insert(item);
            }
        }
    }
    seen
}
