//! `policy check`, `plan`, `replay` and `schema`.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    unreachable_pub,
    reason = "tests fail by panicking, and use a part of what tests share"
)]

#[path = "support/policy.rs"]
mod policy;
mod support;

use support::{Folder, vouchsafe, with_input};

#[test]
fn a_policy_is_checked_with_line_and_column() {
    let check = |toml: &str| with_input(["policy", "check", "-"], toml.as_bytes());
    let good = check(policy::POLICY);
    assert_eq!((good.status, good.stdout.as_str()), (0, "nothing to look at\n"), "{good:?}");
    let typo = check("[groups]\nsync = 'managed'\ncreate_team = true\n");
    assert_eq!(typo.status, 1);
    assert!(typo.stdout.starts_with("line 3, column 1: unknown field `create_team`"), "{}", typo.stdout);
    assert!(typo.stdout.contains("did you mean `create_teams`?"), "{}", typo.stdout);
    let twice = check(
        "[[groups.map]]\nid = 'a'\ngroup = 'A'\nteam = 'A'\n[[groups.map]]\nid = 'a'\ngroup = 'B'\nteam = 'B'\n",
    );
    assert_eq!(twice.status, 1);
    assert!(twice.stdout.contains("line 6, column 1: error: groups.map[1].id"), "{}", twice.stdout);
}

#[test]
fn a_policy_is_checked_against_the_organization() {
    let folder = Folder::new("policy-check");
    let (state, _) = policy::acme("00u1", &[]);
    let state = folder.write("state.json", serde_json::to_string(&state).unwrap());
    let check = |toml: &str| with_input(["policy", "check", "-", "--state", &state], toml.as_bytes());
    assert_eq!(check(policy::POLICY).status, 0);
    let wrong = check("[defaults]\nteams = [{ name = 'Nobody' }]\n[enforcement]\npasswords = 'required'\n");
    assert_eq!(wrong.status, 1);
    assert!(wrong.stdout.contains("line 2, column 12: error: defaults.teams[0].name"), "{}", wrong.stdout);
    assert!(wrong.stdout.contains("line 4, column 1: error: enforcement.passwords"), "{}", wrong.stdout);
}

#[test]
fn a_plan_says_what_happens_and_why() {
    let folder = Folder::new("policy-plan");
    let run = vouchsafe(policy::plan(&folder, "00u1"));
    assert_eq!(run.status, 0, "{run:?}");
    assert!(
        run.stdout.contains(
            "Joins the team \u{201c}Engineering\u{201d} (read/write): the group \u{201c}Engineers\u{201d} is mapped to it by glob (rule groups.map.engineers)"
        ),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("Does not join the team \u{201c}Sales\u{201d}"), "{}", run.stdout);
    let refused = vouchsafe(policy::plan(&folder, " "));
    assert_eq!(refused.status, 1);
    assert!(refused.stderr.contains("provisioning.subject_missing"), "{refused:?}");
}

#[test]
fn a_replay_lists_who_gains_and_who_loses_what() {
    let folder = Folder::new("policy-replay");
    let alone = vouchsafe(policy::replay(&folder, None));
    assert_eq!(alone.status, 1, "{alone:?}");
    assert!(
        alone.stdout.contains("gains the team \u{201c}Engineering\u{201d}: nothing -> read/write"),
        "{alone:?}"
    );
    let less = policy::POLICY.replace("role = 'read_write'", "");
    let against = vouchsafe(policy::replay(&folder, Some(&less)));
    assert_eq!(against.status, 1);
    assert!(
        against.stdout.contains("\u{201c}ada@example.com\u{201d} loses the team \u{201c}Engineering\u{201d}: read/write -> read only\n1 change\n"),
        "{against:?}"
    );
    let same = vouchsafe(policy::replay(&folder, Some(policy::POLICY)));
    assert_eq!(same.status, 0);
    assert!(same.stdout.contains("nobody gains or loses anything"), "{same:?}");
}

/// `docs/policy.schema.json` is what the types say. `VOUCHSAFE_BLESS=1` writes it.
#[test]
fn the_schema_in_the_documentation_is_that_of_the_types() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/policy.schema.json");
    let schema = vouchsafe(["policy", "schema"]).stdout;
    if std::env::var_os("VOUCHSAFE_BLESS").is_some() {
        std::fs::write(&path, &schema).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(&path).unwrap_or_default(),
        schema,
        "VOUCHSAFE_BLESS=1 writes it anew"
    );
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    for table in [
        "attributes",
        "identity",
        "admission",
        "defaults",
        "profile",
        "groups",
        "enforcement",
        "sessions",
        "offboarding",
    ] {
        assert!(schema["properties"][table].is_object(), "{table}");
    }
    assert_eq!(schema["additionalProperties"], false);
}
