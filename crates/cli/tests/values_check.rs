//! `vouchsafe values --check`: a connection, and what its identity provider publishes now.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    unreachable_pub,
    reason = "tests fail by panicking, and use a part of what tests share"
)]

mod support;

use std::io::{Read, Write};
use std::net::TcpListener;

use serde_json::Value;
use support::{Folder, Run, vouchsafe};
use vouchsafe_testkit::{ASSERTION_CONSUMER, IdentityProvider, SERVICE_PROVIDER, keys};

fn check(known: &str, live: &str, more: &[&str]) -> Run {
    let service = ["--entity-id", SERVICE_PROVIDER, "--acs", ASSERTION_CONSUMER];
    let asked = ["values", "--check", live, "--idp-metadata", known];
    vouchsafe(asked.into_iter().chain(service).chain(more.iter().copied()))
}

fn okta() -> String {
    IdentityProvider::okta().metadata().unwrap()
}

#[test]
fn a_connection_is_held_against_what_is_published() {
    let folder = Folder::new("values-check");
    let next = keys::identity_provider_p256();
    let known = folder.write("known.xml", okta());
    let announced = IdentityProvider::okta().with_next_certificate(next.certificate()).metadata().unwrap();
    let rolled = IdentityProvider::okta().with_key(next).metadata().unwrap();
    let ended = okta().replacen("entityID=", "validUntil=\"2026-01-01T00:00:00Z\" entityID=", 1);
    let signed = okta().replace("WantAuthnRequestsSigned=\"false\"", "WantAuthnRequestsSigned=\"true\"");
    assert_ne!(signed, okta());
    // What is published, whether sign-ins go on, and what is said.
    let cases: [(&str, String, i32, &[&str]); 7] = [
        ("same", okta(), 0, &[]),
        ("announced", announced, 0, &["warning connection.key_not_trusted"]),
        (
            "rolled",
            rolled,
            1,
            &[
                "error connection.no_key_in_common",
                "warning connection.key_not_trusted",
                "note connection.key_withdrawn",
            ],
        ),
        (
            "moved",
            okta().replace("/sso/saml", "/elsewhere"),
            0,
            &["warning connection.sign_on_elsewhere", "warning connection.sign_on_elsewhere"],
        ),
        ("ended", ended, 1, &["error connection.metadata_expired"]),
        ("signed", signed.clone(), 1, &["error connection.no_key_to_sign_with"]),
        ("other", IdentityProvider::other().metadata().unwrap(), 1, &["error connection.other_entity"]),
    ];
    for (name, live, status, expected) in cases {
        let live = folder.write(&format!("{name}.xml"), live);
        let human = check(&known, &live, &["--now", "2026-06-01T00:00:00Z"]);
        let run = check(&known, &live, &["--now", "2026-06-01T00:00:00Z", "--format", "json"]);
        assert_eq!((human.status, run.status), (status, status), "{name}: {human:?}");
        let told: Value = run.json();
        let findings = told["findings"].as_array().unwrap();
        let found: Vec<String> = findings
            .iter()
            .map(|one| format!("{} {}", one["severity"].as_str().unwrap(), one["code"].as_str().unwrap()))
            .collect();
        assert_eq!(found, expected, "{name}");
        for finding in findings {
            for said in ["code", "message", "remedy"] {
                assert!(human.stdout.contains(finding[said].as_str().unwrap()), "{name} {said}: {human:?}");
            }
        }
        let agrees = human.stdout.contains("agrees with what is published");
        assert_eq!(agrees, expected.is_empty(), "{name}: {human:?}");
    }
    // What the connection has can stop sign-ins as well, whatever is published.
    let same = folder.path("same.xml");
    for (name, broken, code) in [
        (
            "known-ended",
            okta().replacen("entityID=", "validUntil=\"2026-01-01T00:00:00Z\" entityID=", 1),
            "connection.known_expired",
        ),
        (
            "known-insecure",
            okta().replace("Location=\"https:", "Location=\"http:"),
            "connection.insecure_sign_on",
        ),
    ] {
        let known = folder.write(&format!("{name}.xml"), broken);
        let run = check(&known, &same, &["--now", "2026-06-01T00:00:00Z"]);
        assert_eq!(run.status, 1, "{run:?}");
        assert!(run.stdout.contains(code) && !run.stdout.contains("agrees with"), "{run:?}");
    }
    // With a key to sign with, there is nothing left to say.
    let (key, certificate) = (folder.path("sp.key"), folder.path("sp.crt"));
    let signed = folder.write("signed.xml", signed);
    let run = check(&known, &signed, &["--key", &key, "--certificate", &certificate, "--sign-requests"]);
    assert_eq!(run.status, 0, "{run:?}");
}

/// The identity provider is found in a document of several, and at an address.
#[test]
fn what_is_published_may_be_a_federation_or_an_address() {
    let folder = Folder::new("values-check-live");
    let known = folder.write("known.xml", okta());
    let strip = |text: String| text.split_once("?>").map_or(text.clone(), |(_, rest)| rest.to_owned());
    let both = format!(
        "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\">{}{}</md:EntitiesDescriptor>",
        strip(IdentityProvider::other().metadata().unwrap()),
        strip(okta())
    );
    // Another entity cannot be read, and that is nothing to this connection.
    let broken = both.replacen("urn:oasis:names:tc:SAML:2.0:protocol", "urn:another:protocol", 1);
    let unreadable = both.replacen("<ds:X509Certificate>", "<ds:X509Certificate>&unknown;", 1);
    assert!(broken != both && unreadable != both);
    for (name, document) in [("both", &both), ("broken", &broken), ("unreadable", &unreadable)] {
        let run = check(&known, &folder.write(&format!("{name}.xml"), document), &[]);
        assert_eq!(run.status, 0, "{name}: {run:?}");
    }
    let others = both.replace("exk1vouchsafe0kit0h7", "exk1another");
    let run = check(&known, &folder.write("others.xml", others), &["--format", "json"]);
    assert!(run.status == 1 && run.stdout.contains("metadata.unknown_entity"), "{run:?}");

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/metadata", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut asked = [0; 4096];
        let _ = stream.read(&mut asked).unwrap();
        let document = okta();
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{document}",
            document.len()
        )
        .unwrap();
    });
    let run = check(&known, &address, &[]);
    server.join().unwrap();
    assert_eq!(run.status, 0, "{run:?}");
    let run = check(&known, &address, &["--format", "json"]);
    assert_eq!(run.status, 2, "nobody listens there any more: {run:?}");
}

#[test]
fn wrong_usage_is_told() {
    let folder = Folder::new("values-check-usage");
    let known = folder.write("known.xml", okta());
    let base = ["values", "--entity-id", SERVICE_PROVIDER, "--acs", ASSERTION_CONSUMER];
    for more in [
        &[][..],
        &["--check", &known],
        &["--idp-metadata", &known, "--product", "okta"],
        // What belongs to a check and has no use without it is not passed over.
        &["--certificate", &known, "--product", "okta"],
        &["--key", &known, "--certificate", &known, "--product", "okta"],
        &["--sign-requests", "--product", "okta"],
        &["--now", "2026-06-01T00:00:00Z", "--product", "okta"],
        &["--check", &known, "--idp-metadata", &known, "--product", "okta"],
        &["--check", &known, "--idp-metadata", &known, "--sign-requests"],
        &["--check", "missing.xml", "--idp-metadata", &known],
        &["--check", &known, "--idp-metadata", "missing.xml"],
    ] {
        let run = vouchsafe(base.iter().chain(more));
        assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{more:?}: {run:?}");
    }
}
