//! Files that the subcommands of `policy` read: policies, states of an organization, recorded facts.

use serde::de::DeserializeOwned;
use vouchsafe::provisioning::{Fact, LoginFacts, Policy, Snapshot};

use crate::failure::Failure;
use crate::input;

pub(crate) fn policy(path: &str) -> Result<Policy, Failure> {
    Policy::from_toml(&input::text(path)?).map_err(|error| Failure::unusable(path, error))
}

/// All of an organization as JSON: the accounts, teams and projects that the store's `whole` gives.
pub(crate) fn state(path: &str) -> Result<Snapshot, Failure> {
    json(path, &input::text(path)?, "a state: JSON of the organization with its accounts, teams and projects")
}

pub(crate) fn login(path: &str) -> Result<LoginFacts, Failure> {
    json(path, &input::text(path)?, "a login: JSON of the facts of a sign-in")
}

/// One JSON object a line: logins, and facts of other kinds by their kind's name.
pub(crate) fn facts(path: &str) -> Result<Vec<Fact>, Failure> {
    let text = input::text(path)?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| match serde_json::from_str::<LoginFacts>(line) {
            Ok(login) => Ok(Fact::from(login)),
            Err(error) => serde_json::from_str::<Fact>(line).map_err(|_| {
                unreadable(&format!("{path}: line {}", number.saturating_add(1)), "a recorded fact", &error)
            }),
        })
        .collect()
}

fn json<T: DeserializeOwned>(path: &str, text: &str, what: &str) -> Result<T, Failure> {
    serde_json::from_str(text).map_err(|error| unreadable(path, what, &error))
}

/// Without the text of the error where it could repeat what is written there.
fn unreadable(path: &str, what: &str, error: &serde_json::Error) -> Failure {
    let place = format!("line {}, column {}", error.line(), error.column());
    Failure::usage(
        "cli.policy_input",
        format!("{path} is not {what} ({:?} error at {place})", error.classify()),
        "Write the value with serde_json, as the store gives it.",
    )
}
