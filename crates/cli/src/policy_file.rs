//! Reads the files of the subcommands of `policy`: policies, states of an organization, recorded facts.

use vouchsafe::provisioning::{Fact, LoginFacts, Policy, Snapshot};

use crate::failure::Failure;
use crate::input;

pub(crate) fn policy(path: &str) -> Result<Policy, Failure> {
    Policy::from_toml(&input::text(path)?).map_err(|error| Failure::unusable(path, error))
}

/// Reads a whole organization as JSON: the accounts, teams and projects that the store's `whole` returns.
pub(crate) fn state(path: &str) -> Result<Snapshot, Failure> {
    Snapshot::from_json(&input::text(path)?).map_err(|error| Failure::unusable(path, error))
}

/// Reads the facts of a sign-in as JSON.
pub(crate) fn login(path: &str) -> Result<LoginFacts, Failure> {
    LoginFacts::from_json(&input::text(path)?).map_err(|error| Failure::unusable(path, error))
}

/// Reads one JSON object per line: logins, and facts of other kinds by the name of their kind.
pub(crate) fn facts(path: &str) -> Result<Vec<Fact>, Failure> {
    let text = input::text(path)?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            let entry = format_args!("{path}, entry in line {}", number.saturating_add(1)).to_string();
            Fact::from_json(line).map_err(|error| Failure::unusable(entry, error))
        })
        .collect()
}
