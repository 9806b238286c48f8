//! `corpus run`: a manifest of the test, and the shared corpus.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    unreachable_pub,
    dead_code,
    reason = "tests fail by panicking"
)]

mod support;

use serde_json::{Value, json};
use support::{Folder, Run, response, vouchsafe};
use vouchsafe_testkit::{Attribute, shared};

fn lines(run: &Run) -> Vec<Value> {
    run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn manifest(folder: &Folder, cases: &Value) -> String {
    let now = (vouchsafe_testkit::ISSUE_INSTANT + chrono::TimeDelta::seconds(30)).to_rfc3339();
    let manifest = json!({
        "format": 1,
        "defaults": {
            "sp_entity_id": vouchsafe_testkit::SERVICE_PROVIDER,
            "acs_url": vouchsafe_testkit::ASSERTION_CONSUMER,
            "idp_metadata": "idp.xml",
            "expected_in_response_to": "id-1",
            "unsolicited": false,
            "now": now,
            "clock_skew_seconds": 60,
            "sp_decryption_keys": ["sp.key"],
            "binding": "HTTP-POST",
        },
        "cases": cases,
    });
    folder.write("manifest.json", manifest.to_string())
}

#[test]
fn every_way_to_be_wrong_fails() {
    let folder = Folder::new("corpus");
    let good = response().attribute(Attribute::new("groups", ["a", "b"])).issue().unwrap();
    folder.write("good.xml", good.xml());
    folder.write("bad.xml", good.xml().replace("ada@", "eve@"));
    let accept = |more: Value| {
        let mut case = json!({"file": "good.xml", "expect": "accept", "subject": "ada@example.com"});
        case.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        case
    };
    let cases = [
        (accept(json!({})), true),
        (accept(json!({"attributes": {"groups": ["a", "b"]}})), true),
        (accept(json!({"attributes": {"groups": ["b", "a"]}})), false),
        (accept(json!({"attributes": {}})), false),
        (accept(json!({"subject": "eve@example.com"})), false),
        (accept(json!({"subject": null})), false),
        (accept(json!({"expect": "reject"})), false),
        (accept(json!({"expect": "reject", "tolerate": true})), true),
        (accept(json!({"expect": "reject", "tolerate": true, "subject": "eve@example.com"})), false),
        (accept(json!({"file": "bad.xml"})), false),
        (accept(json!({"file": "bad.xml", "tolerate": true})), true),
        (accept(json!({"file": "bad.xml", "expect": "reject"})), true),
        (accept(json!({"settings": {"expected_in_response_to": null, "unsolicited": true}})), false),
        (accept(json!({"settings": {"now": "2020-01-01T00:00:00Z"}})), false),
        (accept(json!({"settings": {"idp_metadata": ["idp.xml"]}})), true),
    ];
    let path = manifest(&folder, &cases.iter().map(|(case, _)| case.clone()).collect());
    let run = vouchsafe(["corpus", "run", &path, "--format", "json"]);
    assert_eq!(run.status, 1, "{run:?}");
    let judged = lines(&run);
    assert_eq!(judged.len(), cases.len());
    for (found, (case, right)) in judged.iter().zip(&cases) {
        assert_eq!(found["passed"], *right, "{case}: {found}");
        assert_eq!((&found["file"], &found["expected"]), (&case["file"], &case["expect"]));
        let accepted = found["verdict"] == "accepted";
        assert_eq!((found["code"].is_null(), found["name_id"].is_null()), (accepted, !accepted), "{found}");
    }
    let failed = cases.iter().filter(|(_, right)| !right).count();
    let human = vouchsafe(["corpus", "run", &path]);
    let text: Vec<&str> = human.stdout.lines().collect();
    assert_eq!(text.len(), failed + 1, "a line a failure and the count: {human:?}");
    assert_eq!(
        text.last().copied(),
        Some(format!("{} passed, {failed} failed", cases.len() - failed).as_str())
    );
}

#[test]
fn a_manifest_that_cannot_be_used_names_the_case() {
    let folder = Folder::new("corpus-bad");
    let cases = [
        (json!([{"file": "gone.xml", "expect": "accept"}]), "cli.file", "gone.xml"),
        (
            json!([{"file": "idp.xml", "expect": "accept", "settings": {"now": "soon"}}]),
            "cli.manifest",
            "idp.xml",
        ),
        (
            json!([{"file": "idp.xml", "expect": "accept", "settings": {"sp_entity_id": ""}}]),
            "metadata.entity_id",
            "idp.xml",
        ),
        (json!([{"file": "idp.xml", "expect": "maybe"}]), "cli.manifest", "maybe"),
        (json!([{"expect": "accept"}]), "cli.manifest", "file"),
    ];
    for (cases, code, names) in cases {
        let run = vouchsafe(["corpus", "run", &manifest(&folder, &cases)]);
        assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{cases}: {run:?}");
        assert!(
            run.stderr.starts_with(&format!("error[{code}]: ")) && run.stderr.contains(names),
            "{cases}: {run:?}"
        );
        assert!(run.stderr.contains("\n  hint: "));
    }
}

/// Every result is right. Sample 035 is ciphertext without authentication: it is refused unless the operator allows
/// it.
#[test]
fn the_shared_corpus() {
    let Some(folder) = shared::folder() else { return };
    let manifest = folder.join("corpus/manifest.json").to_str().unwrap().to_owned();
    for crypto in ["rustcrypto", "aws-lc"] {
        let run = vouchsafe(["corpus", "run", &manifest, "--crypto", crypto, "--danger-unauthenticated-cbc"]);
        assert_eq!((run.status, run.stdout.as_str()), (0, "42 passed, 0 failed\n"), "{run:?}");
    }
    let run = vouchsafe(["corpus", "run", &manifest, "--format", "json"]);
    let wrong: Vec<Value> = lines(&run).into_iter().filter(|found| found["passed"] == false).collect();
    assert_eq!(run.status, 1);
    assert_eq!(run.stderr, "41 passed, 1 failed\n");
    assert_eq!(wrong.len(), 1, "{wrong:?}");
    let only = wrong.first().unwrap();
    assert_eq!(only["file"], "035-encrypted-cbc.xml");
    assert_eq!(only["code"], "encryption.unauthenticated_cbc");
}
