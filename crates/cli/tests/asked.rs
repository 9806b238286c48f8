//! `response check --asked`: if several identity providers are trusted, only the asked one may answer.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    unreachable_pub,
    dead_code,
    reason = "tests fail by panicking"
)]

mod support;

use support::{Folder, check, response};
use vouchsafe_testkit::IdentityProvider;

#[test]
fn nobody_answers_what_another_was_asked() {
    let folder = Folder::new("asked");
    let okta = IdentityProvider::okta();
    let other = IdentityProvider::other();
    let genuine = folder.write("genuine.xml", response().issue().unwrap().xml());
    let others = other.response().in_response_to("id-1").name_id("ada@example.com").issue().unwrap();
    let others = folder.write("others.xml", others.xml());
    let second = folder.write("other.xml", other.metadata().unwrap());
    let both = ["--idp-metadata", second.as_str()];
    let stranger = "https://stranger.example";
    let cases = [
        ("one is trusted", &genuine, vec![], 0, ""),
        ("one is trusted, and named", &genuine, vec!["--asked", okta.entity_id()], 0, ""),
        ("two are trusted, and none is named", &genuine, both.to_vec(), 2, "cli.asked"),
        ("the one that was asked", &genuine, [&both[..], &["--asked", okta.entity_id()]].concat(), 0, ""),
        (
            "the other one",
            &others,
            [&both[..], &["--asked", okta.entity_id()]].concat(),
            1,
            "assertion.issuer",
        ),
        (
            "the first one, where the other was asked",
            &genuine,
            [&both[..], &["--asked", other.entity_id()]].concat(),
            1,
            "assertion.issuer",
        ),
        ("one that is not trusted", &genuine, vec!["--asked", stranger], 2, "assertion.unknown_issuer"),
        ("no request at all", &genuine, vec!["--unsolicited", "--asked", stranger], 2, "cli.usage"),
    ];
    for (what, file, mut arguments, status, code) in cases {
        arguments.extend(["--format", "json"]);
        let run = check(&folder, file, &arguments);
        assert_eq!(run.status, status, "{what}: {run:?}");
        if status > 0 {
            // Unusable input is reported on standard error.
            let said = if status == 1 { &run.stdout } else { &run.stderr };
            let said: serde_json::Value = serde_json::from_str(said).unwrap();
            assert_eq!(said["code"], code, "{what}: {run:?}");
            let is_told = said["message"].as_str().unwrap().ends_with("is trusted too, and was not asked");
            assert_eq!(is_told, code == "assertion.issuer", "{what}: {run:?}");
        }
    }
}
