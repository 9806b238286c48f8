//! `policy check`, `plan`, `replay`, `example` and `schema`.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
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
    assert_eq!((good.status, good.stdout.as_str()), (0, "no findings\n"), "{good:?}");
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
    let glass = check("[enforcement]\nbreak_glass = ['nobody@example.com']\n");
    let message = "line 2, column 16: error: enforcement.break_glass[0]: the organization has no account with this address";
    assert!(glass.status == 1 && glass.stdout.contains(message), "{}", glass.stdout);
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

/// The example files that the command prints.
fn examples(folder: &Folder) -> [String; 4] {
    [("policy", "acme.toml"), ("state", "acme.json"), ("login", "login.json"), ("logins", "logins.jsonl")]
        .map(|(what, name)| {
            let run = vouchsafe(["policy", "example", what]);
            assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{what}");
            folder.write(name, run.stdout)
        })
}

#[test]
fn the_examples_work_together() {
    let folder = Folder::new("policy-example");
    let [policy, state, login, logins] = examples(&folder);
    let check = vouchsafe(["policy", "check", &policy, "--state", &state]);
    assert_eq!((check.status, check.stdout.as_str()), (0, "no findings\n"), "{check:?}");
    let plan = vouchsafe(["policy", "plan", &policy, "--login", &login, "--state", &state]);
    assert_eq!(plan.status, 0, "{plan:?}");
    for line in [
        "Creates an account for \u{201c}ada@acme.example\u{201d} as member",
        "Joins the team \u{201c}Everyone at Acme\u{201d} (read only)",
        "Joins the team \u{201c}Engineering\u{201d} (read/write)",
        "Creates the team \u{201c}Perf\u{201d}",
        "The group \u{201c}Everyone\u{201d} is ignored (rule groups.ignore)",
    ] {
        assert!(plan.stdout.contains(line), "{line}: {}", plan.stdout);
    }
    let replay = vouchsafe(["policy", "replay", &policy, "--logins", &logins, "--state", &state]);
    assert_eq!(replay.status, 1, "{replay:?}");
    for line in [
        "  3 sign-ins planned\n",
        "  sign-in 3 refused: ",
        "\u{201c}bob@acme.example\u{201d} loses the team \u{201c}Engineering\u{201d}",
    ] {
        assert!(replay.stdout.contains(line), "{line}: {}", replay.stdout);
    }
    assert!(
        !replay.stdout.contains("\u{201c}bob@acme.example\u{201d} loses the team \u{201c}Research\u{201d}")
    );
}

/// The schemas know every key of the examples, so an editor reports nothing.
#[test]
fn the_examples_fit_the_schemas() {
    let folder = Folder::new("policy-example-schemas");
    let [_, state, login, logins] = examples(&folder).map(|path| std::fs::read_to_string(path).unwrap());
    for (schema, document) in [("state", state), ("facts", login)]
        .into_iter()
        .chain(logins.lines().map(|line| ("facts", line.to_owned())))
    {
        let schema: serde_json::Value =
            serde_json::from_str(&vouchsafe(["policy", "schema", schema]).stdout).unwrap();
        let value: serde_json::Value = serde_json::from_str(&document).unwrap();
        let defined = |name: &str| schema.pointer(&format!("/$defs/{name}")).unwrap_or(&schema).clone();
        let top = if value.get("organization").is_some() { schema.clone() } else { defined("LoginFacts") };
        for key in value.as_object().unwrap().keys().filter(|key| *key != "sweep") {
            assert!(top["properties"][key].is_object(), "{key}");
        }
        assert!(value.get("sweep").is_some() || top["additionalProperties"] == false);
    }
}

/// Each mistake is reported with its key, its line, and the probable key. The value is not repeated.
#[test]
fn what_is_wrong_in_a_state_or_a_login_is_told_with_key_and_line() {
    let folder = Folder::new("policy-example-wrong");
    let [policy, state, login, logins] = examples(&folder);
    let [state_text, login_text, logins_text] =
        [&state, &login, &logins].map(|path| std::fs::read_to_string(path).unwrap());
    let line_of = |text: &str, part: &str| 1 + text[..text.find(part).unwrap()].matches('\n').count();
    let states = [
        (
            "\"entitled\"",
            "\"entitelt\"",
            "organization.entitelt: this key is not known; did you mean `entitled`?",
        ),
        (
            "\"has_password\": true",
            "\"has_password\": \"yes\"",
            "accounts[0].has_password: expected true or false",
        ),
        (
            "\"role\": \"owner\"",
            "\"role\": \"ownr\"",
            "accounts[0].role: expected one of `member`, `admin`, `owner`; did you mean `owner`?",
        ),
        (
            "\"source\": \"hand\"",
            "\"source\": \"hnad\"",
            "accounts[1].memberships[1].grants[0].source: expected one of",
        ),
        (
            "\"name_id\"",
            "\"nameid\"",
            "accounts[1].identities[0].source.nameid: this key is not known; did you mean `name_id`?",
        ),
        (
            "\"2026-01-05T09:00:00Z\"",
            "\"5 January\"",
            "accounts[1].created_at: expected a time such as 2026-01-15T09:00:00Z",
        ),
        ("\"slug\": \"acme\"", "\"slug\": 7", "organization.slug: expected a text"),
        (
            "[\"acme-okta\"]",
            "[\"acme okta\"]",
            "organization.connections[0]: expected: The name of a connection",
        ),
        ("\"seat_limit\": 50", "\"seat_limit\": -50", "organization.seat_limit: expected a whole number"),
        ("[\"acme.example\"]", "\"acme.example\"", "organization.verified_domains: expected a list"),
    ];
    for (right, wrong, message) in states {
        let path = folder.write("wrong.json", state_text.replace(right, wrong));
        let run = vouchsafe(["policy", "plan", &policy, "--login", &login, "--state", &path]);
        let place =
            format!("error[provisioning.document]: {path}: line {}, column ", line_of(&state_text, right));
        assert_eq!(run.status, 2, "{wrong}: {run:?}");
        assert!(run.stderr.starts_with(&place) && run.stderr.contains(message), "{wrong}: {}", run.stderr);
        assert!(run.stderr.contains("hint: ") && !run.stderr.contains("5 January"), "{}", run.stderr);
    }
    let missing =
        folder.write("wrong.json", state_text.replace("      \"email\": \"bob@acme.example\",\n", ""));
    let run = vouchsafe(["policy", "plan", &policy, "--login", &login, "--state", &missing]);
    assert!(run.stderr.contains("accounts[1]: the key `email` is missing"), "{}", run.stderr);
    let logins_wrong = [
        (
            "\"token_hash\": \"c6",
            "\"token_hash\": \"g6",
            "token_hash: expected: SHA-256 of an organization's token",
        ),
        ("\"attributes\"", "\"attribute\"", "this key is not known; did you mean `attributes`?"),
        ("\"attributes\"", "\"attributes\": [], \"more\"", "attributes: expected an object"),
    ];
    for (right, wrong, message) in logins_wrong {
        let path = folder.write("wrong-login.json", login_text.replace(right, wrong));
        let run = vouchsafe(["policy", "plan", &policy, "--login", &path, "--state", &state]);
        assert_eq!(run.status, 2);
        assert!(run.stderr.contains(message), "{wrong}: {}", run.stderr);
    }
    let path = folder.write("wrong.jsonl", logins_text.replace("\"sweep\": {\"at\"", "\"sweep\": {\"when\""));
    let run = vouchsafe(["policy", "replay", &policy, "--logins", &path, "--state", &state]);
    assert_eq!(run.status, 2);
    assert!(
        run.stderr.contains(&format!("{path}, entry in line 4: line 1, column 12: sweep.when: ")),
        "{}",
        run.stderr
    );
    for (text, message) in [
        ("", "the JSON ends too early"),
        ("{", "the JSON ends too early"),
        ("version = 1", "this is not JSON"),
    ] {
        let path = folder.write("no.json", text);
        let run = vouchsafe(["policy", "plan", &policy, "--login", &login, "--state", &path]);
        assert!(run.status == 2 && run.stderr.contains(message), "{text}: {}", run.stderr);
    }
}

/// The schemas in the documentation equal those of the types. `VOUCHSAFE_BLESS=1` writes them.
#[test]
fn the_schemas_in_the_documentation_are_those_of_the_types() {
    for what in ["policy", "state", "facts"] {
        let path =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../docs/{what}.schema.json"));
        let schema = vouchsafe(["policy", "schema", what]).stdout;
        assert_eq!(
            schema,
            vouchsafe(["--format", "json", "policy", "schema", what]).stdout,
            "it is JSON anyway"
        );
        if std::env::var_os("VOUCHSAFE_BLESS").is_some() {
            std::fs::write(&path, &schema).unwrap();
        }
        assert_eq!(
            std::fs::read_to_string(&path).unwrap_or_default(),
            schema,
            "VOUCHSAFE_BLESS=1 writes it anew"
        );
    }
    let schema: serde_json::Value = serde_json::from_str(&vouchsafe(["policy", "schema"]).stdout).unwrap();
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
