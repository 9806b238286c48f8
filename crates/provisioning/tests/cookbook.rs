//! The cookbook of `docs/POLICY.md`: each policy is checked, and what happens is planned as it is written there.

#![expect(dead_code, reason = "what names a scenario, and what is expected of it, stands in the text here")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot be set up must stop"
)]

mod told;

use told::{Scenario, outcomes};
use vouchsafe_provisioning::Policy;

/// A recipe: what stands in its three blocks.
struct Recipe<'t> {
    name: &'t str,
    policy: &'t str,
    facts: &'t str,
    plan: &'t str,
}

fn recipes(text: &str) -> Vec<Recipe<'_>> {
    let (_, book) = text.split_once("\n## Cookbook\n").unwrap();
    let book = book.split("\n## ").next().unwrap();
    let block = |section: &str, kind: &str| -> Option<(usize, usize)> {
        let fence = format!("```{kind}\n");
        let start = section.find(&fence)? + fence.len();
        Some((start, start + section.get(start..)?.find("```")?))
    };
    let sections = book.split("\n### ").skip(1);
    sections
        .map(|section| {
            let of = |kind| {
                let (start, end) = block(section, kind).unwrap_or_else(|| panic!("no {kind} in {section}"));
                section.get(start..end).unwrap()
            };
            Recipe {
                name: section.lines().next().unwrap(),
                policy: of("toml"),
                facts: of("toml facts"),
                plan: of("text"),
            }
        })
        .collect()
}

#[test]
fn every_recipe_comes_out_as_it_is_written() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/POLICY.md");
    let text = std::fs::read_to_string(path).unwrap();
    let recipes = recipes(&text);
    assert!(recipes.len() >= 10, "{} recipes", recipes.len());
    let mut wrong = Vec::new();
    for Recipe { name, policy, facts, plan } in recipes {
        let findings = Policy::check(policy, None).unwrap();
        assert_eq!(findings, [], "{name}");
        let mut scenario: Scenario = toml::from_str(facts).unwrap();
        policy.clone_into(&mut scenario.policy);
        let outcomes = outcomes(&scenario);
        let planned: Vec<String> = outcomes.iter().map(|lines| lines.join("\n")).collect();
        let planned = planned.join("\n\n");
        if planned.trim() != plan.trim() {
            wrong.push(format!("### {name}\n\n```text\n{planned}\n```\n"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
