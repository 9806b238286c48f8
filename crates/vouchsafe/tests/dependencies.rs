//! The direction of dependencies: a dependency in the wrong direction, or a crate in the wrong place, fails this
//! test.

#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

use std::collections::BTreeSet;
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// The allowed dependencies among our own crates. Each line is a crate and all crates that it may use.
const ARROWS: &[(&str, &[&str])] = &[
    ("vouchsafe-xml", &[]),
    ("vouchsafe-crypto", &[]),
    ("vouchsafe-crypto-aws-lc", &["vouchsafe-crypto"]),
    ("vouchsafe-signature", &["vouchsafe-xml", "vouchsafe-crypto"]),
    ("vouchsafe-encryption", &["vouchsafe-xml", "vouchsafe-crypto", "vouchsafe-signature"]),
    (
        "vouchsafe-metadata",
        &["vouchsafe-xml", "vouchsafe-crypto", "vouchsafe-signature", "vouchsafe-encryption"],
    ),
    (
        "vouchsafe-assertion",
        &[
            "vouchsafe-xml",
            "vouchsafe-crypto",
            "vouchsafe-signature",
            "vouchsafe-encryption",
            "vouchsafe-metadata",
        ],
    ),
    // This crate uses a `Login`, and nothing of a message.
    ("vouchsafe-provisioning", &["vouchsafe-crypto", "vouchsafe-metadata", "vouchsafe-assertion"]),
    (
        "vouchsafe",
        &[
            "vouchsafe-xml",
            "vouchsafe-crypto",
            "vouchsafe-signature",
            "vouchsafe-encryption",
            "vouchsafe-metadata",
            "vouchsafe-assertion",
            "vouchsafe-provisioning",
        ],
    ),
    // The test kit is used only by the conformance suite, which is a feature.
    ("vouchsafe-store", &["vouchsafe", "vouchsafe-testkit"]),
    // The store is used only for stored connections, which is a feature.
    ("vouchsafe-client", &["vouchsafe", "vouchsafe-store"]),
    // The browser flows need stores, but no framework. The crates for frameworks are thin layers over them.
    ("vouchsafe-web", &["vouchsafe", "vouchsafe-store"]),
    // This crate depends on the store, and not on browsers.
    ("vouchsafe-scim", &["vouchsafe", "vouchsafe-store"]),
    ("vouchsafe-signals", &["vouchsafe", "vouchsafe-store"]),
    (
        "vouchsafe-axum",
        &["vouchsafe", "vouchsafe-store", "vouchsafe-scim", "vouchsafe-signals", "vouchsafe-web"],
    ),
    ("vouchsafe-actix", &["vouchsafe-store", "vouchsafe-web"]),
    // The test kit is separate from the other crates: it plays the identity provider.
    (
        "vouchsafe-testkit",
        &["vouchsafe-xml", "vouchsafe-crypto", "vouchsafe-signature", "vouchsafe-encryption"],
    ),
];

/// The allowed dependencies of tests, so that suites run with more than one backend. Every crate may use the test
/// kit.
const ARROWS_OF_TESTS: &[(&str, &[&str])] = &[
    ("vouchsafe-crypto-aws-lc", &["vouchsafe-xml", "vouchsafe-signature", "vouchsafe-encryption"]),
    // The interop tests sign people in at the examples' routers, by identity providers of other makers.
    ("vouchsafe-axum", &["vouchsafe-client", "minimal", "own-database"]),
    ("vouchsafe-actix", &["vouchsafe", "vouchsafe-client"]),
    ("vouchsafe-store", &["vouchsafe-store"]),
    ("vouchsafe-client", &["vouchsafe-client"]),
];

/// The crates that may use a third-party crate. There are one or two: scopes in metadata and rules of a policy may be
/// regular expressions.
const OWNERS: &[(&str, &[&str])] = &[
    ("vouchsafe-xml", &["quick-xml"]),
    (
        "vouchsafe-crypto",
        &[
            "aes",
            "aes-gcm",
            "cbc",
            "des",
            "ed25519-dalek",
            "getrandom",
            "p256",
            "p384",
            "p521",
            "pkcs1",
            "pkcs8",
            "rand",
            "rand_core",
            "ring",
            "rsa",
            "sha1",
            "sha2",
            "signature",
            "subtle",
            "x509-cert",
        ],
    ),
    ("vouchsafe-crypto-aws-lc", &["aws-lc-rs"]),
    ("vouchsafe-metadata", &["regex"]),
    ("vouchsafe-provisioning", &["regex", "schemars"]),
    ("vouchsafe-store", &["sqlx", "redis"]),
    ("vouchsafe-client", &["reqwest"]),
    ("vouchsafe-oracle", &["xmlsec"]),
];

/// The only crate that compares our parser with another one: the fuzz targets, on which no crate depends.
const JUDGE: (&str, &str) = ("vouchsafe-fuzz-properties", "quick-xml");

/// The number of packages that users of the facade build. It may become smaller; a larger one needs a decision. Three
/// of them evaluate the regular expressions of a policy's rules in linear time.
const CEILING: usize = 93;

#[test]
fn every_arrow_points_down_the_chain() {
    let metadata = metadata();
    let ours: BTreeSet<&str> = metadata.packages.iter().map(|package| package.name.as_str()).collect();
    let mut wrong = Vec::new();
    for package in &metadata.packages {
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == package.name.as_str()) else {
            continue; // the command, the examples and the benches stand above everything
        };
        for dependency in &package.dependencies {
            let name = dependency.name.as_str();
            let in_tests = ARROWS_OF_TESTS.iter().find(|(of, _)| *of == package.name.as_str());
            let for_tests = dependency.kind == DependencyKind::Development
                && (name == "vouchsafe-testkit" || in_tests.is_some_and(|(_, known)| known.contains(&name)));
            if ours.contains(name) && !allowed.contains(&name) && !for_tests {
                wrong.push(format!("{} -> {name}", package.name));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that point the wrong way: {wrong:?}");
}

#[test]
fn every_published_crate_is_in_the_table() {
    let metadata = metadata();
    for package in &metadata.packages {
        let in_crates = package.manifest_path.components().any(|part| part.as_str() == "crates");
        let known = ARROWS.iter().any(|(name, _)| *name == package.name.as_str())
            || package.name.as_str() == "vouchsafe-cli";
        assert!(!in_crates || known, "{} has no line in the table of arrows", package.name);
    }
}

#[test]
fn every_foreign_crate_has_its_one_owner() {
    let mut wrong = Vec::new();
    // The benches measure our code against its dependencies, a test of the example plays the browser, and an application
    // has a database of its own.
    let apart = ["vouchsafe-benches", "okta", "own-database"];
    for package in metadata().packages.iter().filter(|package| !apart.contains(&package.name.as_str())) {
        for dependency in package.dependencies.iter().filter(|one| one.kind != DependencyKind::Development) {
            if (package.name.as_str(), dependency.name.as_str()) == JUDGE {
                continue;
            }
            let owners: Vec<&str> = OWNERS
                .iter()
                .filter(|(_, owned)| owned.contains(&dependency.name.as_str()))
                .map(|(owner, _)| *owner)
                .collect();
            if !owners.is_empty() && !owners.contains(&package.name.as_str()) {
                wrong.push(format!("{} -> {}", package.name, dependency.name));
            }
        }
    }
    assert!(wrong.is_empty(), "crates that belong to another's owner: {wrong:?}");
}

#[test]
fn the_facade_stays_small() {
    let tree = normal_tree("vouchsafe", &[]);
    println!("the facade's normal dependencies: {}", tree.len());
    assert!(tree.len() <= CEILING, "{} packages, at most {CEILING}: {tree:?}", tree.len());
    for heavy in ["tokio", "axum", "actix-web", "hyper", "reqwest", "sqlx", "aws-lc-rs", "ring", "openssl"] {
        assert!(!tree.iter().any(|name| name == heavy), "the facade pulls in {heavy}");
    }
}

/// Without the default features, only two digests of RustCrypto remain, also with AWS-LC alone. They are needed for
/// fingerprints and for the key identifier in a certificate.
#[test]
fn rustcrypto_can_be_left_out() {
    for package in ["vouchsafe", "vouchsafe-crypto", "vouchsafe-crypto-aws-lc"] {
        let (whole, bare) = (normal_tree(package, &[]), normal_tree(package, &["--no-default-features"]));
        for name in [
            "aes",
            "aes-gcm",
            "cbc",
            "cipher",
            "crypto-bigint",
            "curve25519-dalek",
            "des",
            "ecdsa",
            "ed25519-dalek",
            "elliptic-curve",
            "p256",
            "p384",
            "p521",
            "rsa",
        ] {
            assert!(whole.contains(name), "{package} has {name} by default");
            assert!(!bare.contains(name), "{package} without default features pulls in {name}");
        }
    }
    let planner = "vouchsafe-provisioning";
    assert!(normal_tree("vouchsafe", &[]).contains(planner));
    assert!(!normal_tree("vouchsafe", &["--no-default-features"]).contains(planner));
}

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .no_deps()
        .exec()
        .unwrap()
}

/// Returns all packages that a user of the package builds on this machine, with these features or the default ones,
/// without the package itself. `cargo metadata` alone would also count features of other members of the workspace.
fn normal_tree(package: &str, features: &[&str]) -> BTreeSet<String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["tree", "--package", package, "--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .args(features)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    let names = lines.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned);
    names.filter(|name| name != package).collect()
}

/// docs.rs builds a crate with its default features alone unless its manifest says otherwise, and then lacks what the
/// guides use.
#[test]
fn the_published_documentation_has_every_feature() {
    let metadata = MetadataCommand::new().no_deps().exec().unwrap();
    for package in metadata.workspace_packages() {
        let is_published = package.publish.as_ref().is_none_or(|registries| !registries.is_empty());
        let has_features = package.features.keys().any(|feature| feature != "default");
        let has_all = &package.metadata["docs"]["rs"]["all-features"];
        if is_published && has_features {
            assert_eq!(has_all, true, "{}: [package.metadata.docs.rs] all-features", package.name);
        }
    }
}
