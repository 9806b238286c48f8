//! Named scenarios of `scenarios.toml`: what went wrong elsewhere, and what is to come of it here, fact by fact.

#![expect(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot be set up must stop"
)]

mod told;

use std::collections::BTreeMap;

use serde::Deserialize;
use told::{Scenario, outcomes};

#[derive(Deserialize)]
struct Scenarios {
    scenario: Vec<Scenario>,
}

#[test]
fn every_scenario_goes_as_written() {
    let scenarios: Scenarios = toml::from_str(include_str!("scenarios.toml")).unwrap();
    let names: BTreeMap<&str, ()> = scenarios.scenario.iter().map(|one| (one.name.as_str(), ())).collect();
    assert_eq!(names.len(), scenarios.scenario.len(), "each has a name of its own");
    let all: BTreeMap<&str, Vec<Vec<String>>> =
        scenarios.scenario.iter().map(|one| (one.name.as_str(), outcomes(one))).collect();
    if let Some(path) = std::env::var_os("VOUCHSAFE_SCENARIOS_TO") {
        std::fs::write(path, serde_json::to_string(&all).unwrap()).unwrap();
    }
    let differs = |one: &&Scenario| all.get(one.name.as_str()) != Some(&one.expected);
    let wrong: Vec<String> = scenarios
        .scenario
        .iter()
        .filter(differs)
        .map(|one| format!("{}: {:#?}", one.name, all.get(one.name.as_str())))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
