//! The output of every subcommand follows the schemas of `docs/schemas`, also refusals and errors. `tests/serve`
//! checks `serve`.
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

use std::collections::BTreeSet;

use serde_json::{Value, json};
use support::{Folder, Run, check, response, schema, vouchsafe, with_input};
use vouchsafe_testkit::{ASSERTION_CONSUMER, Encryption, OKTA_ENTITY_ID, Part, SERVICE_PROVIDER, keys};

fn json_of<I: AsRef<str>>(arguments: impl IntoIterator<Item = I>, input: &[u8]) -> Run {
    let arguments = arguments.into_iter().map(|one| one.as_ref().to_owned());
    with_input(["--format".to_owned(), "json".to_owned()].into_iter().chain(arguments), input)
}

/// Returns answers with their schemas and exit statuses.
fn cases(folder: &Folder) -> Vec<(&'static str, i32, Run)> {
    let good = response().issue().unwrap().into_xml();
    let good_file = folder.write("good.xml", &good);
    let bare = response().omit(Part::AuthnContext).session_not_on_or_after("2026-01-01T08:00:00Z");
    let bare_file = folder.write("bare.xml", bare.issue().unwrap().xml());
    let sealed = response().encrypt(Encryption::to(keys::service_provider().certificate())).issue().unwrap();
    let sealed_file = folder.write("sealed.xml", sealed.xml());
    let unsigned = folder.write("unsigned.xml", "<a xmlns=\"urn:a\" ID=\"_1\"/>");
    let (idp, crt, key) = (folder.path("idp.xml"), folder.path("idp.crt"), folder.path("idp.key"));
    let signed = vouchsafe(["signature", "sign", "--key", &key, &unsigned]).stdout;
    let signed_file = folder.write("signed.xml", &signed);
    let other = vouchsafe_testkit::IdentityProvider::other().metadata().unwrap();
    let strip = |text: &str| text.split_once("?>").map_or(text.to_owned(), |(_, rest)| rest.to_owned());
    let okta = vouchsafe_testkit::IdentityProvider::okta().metadata().unwrap();
    let aggregate = format!(
        "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\">{}{}</md:EntitiesDescriptor>",
        strip(&okta),
        strip(&other).replace("entityID=", "validUntil=\"yesterday\" entityID=")
    );
    let aggregate = folder.write("aggregate.xml", aggregate);
    let rolled = vouchsafe_testkit::IdentityProvider::okta().with_key(keys::identity_provider_p256());
    let rolled = folder.write("rolled.xml", rolled.metadata().unwrap());
    let others = format!(
        "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\">{}{}</md:EntitiesDescriptor>",
        strip(&other),
        strip(&other).replacen("entityID=\"", "entityID=\"https://third.example/", 1)
    );
    let others = folder.write("others.xml", others);
    let with_id = folder.write("with-id.xml", okta.replacen("entityID=", "ID=\"_md\" entityID=", 1));
    let signed_metadata = vouchsafe(["signature", "sign", "--key", &key, &with_id]).stdout;
    let signed_metadata = folder.write("signed-metadata.xml", signed_metadata);
    let service = vouchsafe(["metadata", "sp", "--entity-id", SERVICE_PROVIDER, "--acs", ASSERTION_CONSUMER]);
    let service = folder.write("sp.xml", service.stdout);
    let keyless = folder.write("keyless.xml", okta.replace("X509Certificate>", "X509CRL>"));
    let query = vouchsafe::redirect::encode("SAMLRequest", "<a/>", None);
    let signed_query = {
        let private = keys::identity_provider().private_key();
        vouchsafe::signature::sign_query(&query, private.signature_algorithm(), private, keys::provider())
            .unwrap()
    };
    let form = |name: &str, value: &str| json!({"name": name, "value": value});
    let har = json!({"log": {"entries": [
        {"startedDateTime": "2026-01-01T00:00:00Z", "request": {"method": "GET", "url": format!("https://idp.example/sso?{query}")}, "response": {"status": 200}},
        {"request": {"method": "POST", "url": ASSERTION_CONSUMER, "postData": {"params": [form("SAMLResponse", &response().issue().unwrap().to_base64())]}}},
    ]}});
    let har = folder.write("sign-in.har", har.to_string());
    let json_check = |file: &str, more: &[&str]| {
        let mut arguments = more.to_vec();
        arguments.extend(["--format", "json"]);
        check(folder, file, &arguments)
    };
    let exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#";
    vec![
        ("response-check.json", 0, json_check(&good_file, &[])),
        ("response-check.json", 1, json_check(&good_file, &["--unsolicited"])),
        ("response-check.json", 1, json_check(&bare_file, &[])),
        ("response-check.json", 1, json_check(&unsigned, &[])),
        ("error.json", 2, json_check("missing.xml", &[])),
        (
            "response-check.json",
            1,
            json_check(&folder.write("posted.txt", response().issue().unwrap().to_base64()), &[]),
        ),
        ("c14n.json", 0, json_of(["c14n", "--algorithm", exclusive, "-"], b"<a/>")),
        ("error.json", 2, json_of(["c14n", "--algorithm", "urn:x", "-"], b"<a/>")),
        ("error.json", 2, json_of(["c14n", "--algorithm", exclusive, "-"], b"<a")),
        (
            "signature-verify.json",
            0,
            json_of(["signature", "verify", "--certificate", &crt, &signed_file], b""),
        ),
        (
            "refused.json",
            1,
            json_of(["signature", "verify", "--certificate", &folder.path("evil.crt"), &signed_file], b""),
        ),
        ("error.json", 2, json_of(["signature", "verify", "--certificate", &good_file, &signed_file], b"")),
        ("signature-sign.json", 0, json_of(["signature", "sign", "--key", &key, &unsigned], b"")),
        ("redirect-decode.json", 0, json_of(["redirect", "decode", &query], b"")),
        ("error.json", 2, json_of(["redirect", "decode", "x=1"], b"")),
        (
            "redirect-verify.json",
            0,
            json_of(["redirect", "verify", "--certificate", &crt, &signed_query], b""),
        ),
        ("refused.json", 1, json_of(["redirect", "verify", "--certificate", &crt, &query], b"")),
        ("decrypt.json", 0, json_of(["decrypt", "--key", &folder.path("sp.key"), &sealed_file], b"")),
        ("refused.json", 1, json_of(["decrypt", "--key", &key, &sealed_file], b"")),
        ("metadata-show.json", 0, json_of(["metadata", "show", &idp], b"")),
        ("metadata-show.json", 0, json_of(["metadata", "show", &aggregate], b"")),
        ("metadata-show.json", 0, json_of(["metadata", "show", &service], b"")),
        ("metadata-show.json", 0, json_of(["metadata", "show", &keyless], b"")),
        ("refused.json", 1, json_of(["metadata", "show", &idp, "https://none.example"], b"")),
        ("error.json", 2, json_of(["metadata", "show", &good_file], b"")),
        ("metadata-find.json", 0, json_of(["metadata", "find", &aggregate, OKTA_ENTITY_ID], b"")),
        ("metadata-find.json", 0, json_of(["metadata", "find", &service, SERVICE_PROVIDER], b"")),
        ("refused.json", 1, json_of(["metadata", "find", &aggregate, "https://none.example"], b"")),
        ("error.json", 2, json_of(["metadata", "find", &aggregate, "{sha1}00"], b"")),
        ("metadata-lint.json", 0, json_of(["metadata", "lint", &idp], b"")),
        ("metadata-lint.json", 1, json_of(["metadata", "lint", &aggregate], b"")),
        ("error.json", 2, json_of(["metadata", "lint", &good_file], b"")),
        ("metadata-diff.json", 0, json_of(["metadata", "diff", &idp, &with_id], b"")),
        ("metadata-diff.json", 1, json_of(["metadata", "diff", &idp, &aggregate], b"")),
        ("error.json", 2, json_of(["metadata", "diff", &idp, &good_file], b"")),
        (
            "metadata-verify.json",
            0,
            json_of(["metadata", "verify", "--certificate", &crt, &signed_metadata], b""),
        ),
        ("refused.json", 1, json_of(["metadata", "verify", "--certificate", &crt, &aggregate], b"")),
        ("error.json", 2, json_of(["metadata", "verify", "--certificate", &crt, &good_file], b"")),
        (
            "metadata-sp.json",
            0,
            json_of(["metadata", "sp", "--entity-id", SERVICE_PROVIDER, "--acs", ASSERTION_CONSUMER], b""),
        ),
        (
            "values.json",
            0,
            json_of(["okta", "values", "--entity-id", SERVICE_PROVIDER, "--acs", ASSERTION_CONSUMER], b""),
        ),
        ("values-check.json", 0, json_of(held_against(&idp, &idp), b"")),
        ("values-check.json", 1, json_of(held_against(&idp, &rolled), b"")),
        ("refused.json", 1, json_of(held_against(&idp, &others), b"")),
        ("error.json", 2, json_of(held_against(&idp, &good_file), b"")),
        ("policy-check.json", 0, json_of(["policy", "check", "-"], b"[groups]\nsync = 'managed'")),
        ("policy-check.json", 1, json_of(["policy", "check", "-"], b"[groups]\nsink = 'managed'")),
        (
            "policy-check.json",
            0,
            json_of(["policy", "check", "-"], b"[[groups.map]]\ngroup = 'a'\nteam = 'b'"),
        ),
        ("error.json", 2, json_of(["policy", "check", "missing.toml"], b"")),
        ("policy-plan.json", 0, json_of(policy::plan(folder, "00u1"), b"")),
        ("refused.json", 1, json_of(policy::plan(folder, " "), b"")),
        (
            "error.json",
            2,
            json_of(["policy", "plan", "-", "--login", &good_file, "--state", &good_file], b""),
        ),
        ("policy-replay.json", 1, json_of(policy::replay(folder, None), b"")),
        (
            "policy-replay.json",
            1,
            json_of(policy::replay(folder, Some("[admission]\ncreate = 'never'")), b""),
        ),
        (
            "error.json",
            2,
            json_of(["policy", "replay", "-", "--logins", &good_file, "--state", &good_file], b""),
        ),
        ("policy-schema.json", 0, json_of(["policy", "schema"], b"")),
        ("policy-schema.json", 0, json_of(["policy", "schema", "facts"], b"")),
        ("policy-example.json", 0, json_of(["policy", "example", "state"], b"")),
        ("doctor.json", 0, json_of(["doctor", &good_file, &idp, &service, &crt], b"")),
        (
            "doctor.json",
            1,
            json_of(["doctor", &idp, &good_file, "--entity-id", "https://other.example"], b""),
        ),
        ("doctor.json", 1, json_of(["doctor", &har, &aggregate], b"")),
        ("doctor.json", 2, json_of(["doctor", "-"], b"nothing")),
        ("rollover.json", 0, json_of(["rollover", "--use", "signing"], b"")),
        (
            "rollover.json",
            1,
            json_of(["rollover", "--use", "signing", "--published", "2126-01-01T00:00:00Z"], b""),
        ),
    ]
}

/// A connection's metadata, and what is published now.
fn held_against<'a>(known: &'a str, live: &'a str) -> [&'a str; 9] {
    let [id, acs] = [SERVICE_PROVIDER, ASSERTION_CONSUMER];
    ["values", "--check", live, "--idp-metadata", known, "--entity-id", id, "--acs", acs]
}

#[test]
fn every_output_fits_its_schema() {
    let folder = Folder::new("schemas");
    let mut used = BTreeSet::new();
    for (name, status, run) in cases(&folder) {
        assert_eq!(run.status, status, "{name}: {run:?}");
        // An error is a diagnostic on standard error; all other output is the answer.
        let (answer, nothing) =
            if name == "error.json" { (&run.stderr, &run.stdout) } else { (&run.stdout, &run.stderr) };
        assert_eq!(nothing, "", "{name}: {run:?}");
        let value: Value =
            serde_json::from_str(answer).unwrap_or_else(|error| panic!("{name} {error}: {run:?}"));
        let misfits = schema::misfits(name, &value);
        assert!(misfits.is_empty(), "{name}: {misfits:#?}");
        used.insert(name.to_owned());
    }
    let elsewhere = ["corpus-run.json", "serve.json", "serve-session.json"].map(str::to_owned);
    used.extend(elsewhere);
    let files = std::fs::read_dir(schema::folder())
        .unwrap()
        .map(|one| one.unwrap().file_name().into_string().unwrap());
    let all: BTreeSet<String> = files.filter(|name| name.ends_with(".json")).collect();
    assert_eq!(used, all);
}

/// Invalid arguments of every subcommand.
#[test]
fn wrong_usage_fits_its_schema_too() {
    let commands = [
        &[][..],
        &["response", "check"],
        &["corpus", "run"],
        &["c14n"],
        &["signature", "verify"],
        &["signature", "sign"],
        &["redirect", "decode"],
        &["redirect", "verify"],
        &["decrypt"],
        &["metadata", "show"],
        &["metadata", "find"],
        &["metadata", "verify"],
        &["metadata", "lint"],
        &["metadata", "diff"],
        &["metadata", "sp"],
        &["policy", "check"],
        &["policy", "plan"],
        &["policy", "replay"],
        &["policy", "schema"],
        &["policy", "example"],
        &["doctor"],
        &["values"],
        &["okta", "values"],
        &["rollover"],
        &["serve"],
    ];
    for command in commands {
        for wrong in [&["--no-such-option"][..], &["--format=yaml", "--format=json"]] {
            let run = json_of(command.iter().chain(wrong), b"");
            assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{command:?} {wrong:?}");
            let value: Value =
                serde_json::from_str(&run.stderr).unwrap_or_else(|error| panic!("{error}: {run:?}"));
            let misfits = schema::misfits("error.json", &value);
            assert!(misfits.is_empty(), "{command:?}: {misfits:#?}");
            assert_eq!(value["code"], "cli.usage");
            assert!(value["hint"].as_str().unwrap().contains("--help"), "{value}");
        }
    }
    let run = json_of(["response", "check", "x"], b"");
    let value: Value = serde_json::from_str(&run.stderr).unwrap();
    let message = value["message"].as_str().unwrap();
    assert!(message.starts_with("the following required arguments were not provided: --"), "{message}");
    // Help is not an error, and is text for people.
    let run = json_of(["doctor", "--help"], b"");
    assert!(run.status == 0 && run.stdout.contains("Usage:"), "{run:?}");
}

/// Each case of the shared corpus gives one line, if the corpus is available.
#[test]
fn the_lines_of_a_corpus_fit_their_schema() {
    let Some(shared) = vouchsafe_testkit::shared::folder() else { return };
    let manifest = shared.join("corpus/manifest.json");
    let run = json_of(["corpus", "run", manifest.to_str().unwrap()], b"");
    let lines: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!lines.is_empty(), "{}", run.stderr);
    for line in lines {
        let misfits = schema::misfits("corpus-run.json", &line);
        assert!(misfits.is_empty(), "{misfits:#?}");
    }
}

/// A check that accepts everything would be useless, so it must notice violations.
#[test]
fn what_does_not_fit_is_noticed() {
    let good = json!({"verdict": "refused", "code": "a.b", "message": "m", "hint": "h"});
    assert!(schema::misfits("refused.json", &good).is_empty());
    for wrong in [
        json!([]),
        json!({"verdict": "refused", "code": "a.b", "message": "m"}),
        json!({"verdict": "accepted", "code": "a.b", "message": "m", "hint": "h"}),
        json!({"verdict": "refused", "code": 1, "message": "m", "hint": "h"}),
        json!({"verdict": "refused", "code": "a.b", "message": "m", "hint": "h", "more": 1}),
    ] {
        assert!(!schema::misfits("refused.json", &wrong).is_empty(), "{wrong}");
    }
    let ledger = json!([{"rule": "r", "clause": "c", "outcome": "perhaps", "expected": "", "actual": ""}]);
    let checked = json!({"verdict": "refused", "code": "a.b", "message": "m", "hint": "h", "ledger": ledger});
    assert!(!schema::misfits("response-check.json", &checked).is_empty());
}
