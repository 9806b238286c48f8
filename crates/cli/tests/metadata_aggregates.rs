//! Metadata on the command line: `metadata find`, `metadata verify`, `metadata lint`, `metadata diff`.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    unreachable_pub,
    reason = "tests fail by panicking, and use a part of what tests share"
)]

#[path = "support/metadata.rs"]
mod metadata;
mod support;

use metadata::{group, named};
use support::{Folder, Run, vouchsafe};

/// Returns the status and the code of a refusal or of unusable input.
fn code(run: &Run) -> (i32, String) {
    let first = run.stderr.lines().next().unwrap_or_default();
    let code = first.strip_prefix("error[").and_then(|rest| rest.split(']').next()).unwrap_or_default();
    (run.status, code.to_owned())
}

#[test]
fn one_entity_is_found() {
    let folder = Folder::new("metadata-find");
    let broken =
        named("https://broken.example").replace("<md:IDPSSODescriptor", "&nothing;<md:IDPSSODescriptor");
    let all = [named("https://a.example"), broken, named("https://b.example"), named("https://a.example")];
    let file = folder.write("all.xml", group("", &all));
    let find = |name: &str| vouchsafe(["metadata", "find", &file, name]);

    // The SHA-1 of https://b.example.
    for name in ["https://b.example", "{sha1}52cf6482dd9cea2beb2546c834918175193a7e8b"] {
        let json = vouchsafe(["metadata", "find", &file, name, "--format", "json"]).json();
        assert_eq!((&json["place"], &json["entities"]), (&3.into(), &4.into()), "{name}");
        assert_eq!(json["entity"]["entity_id"], "https://b.example");
        assert_eq!(json["identity_provider"]["usable"], true);
        assert_eq!(json["entity_bytes"], all[2].len());
        let human = find(name);
        assert_eq!(human.status, 0, "{human:?}");
        let lines: Vec<&str> = human.stdout.lines().collect();
        assert_eq!(lines[0], "https://b.example");
        assert!(lines.contains(&"can be trusted as it stands"), "{lines:?}");
        let place = format!("entity 3 of 4: {} bytes of {}", all[2].len(), group("", &all).len());
        assert_eq!(lines[lines.len() - 2], place);
        assert!(
            lines[lines.len() - 1].starts_with("index ") && lines[lines.len() - 1].contains(" µs, find ")
        );
    }
    // The first entity with a name is used, with a warning about the other.
    let twice = find("https://a.example").stdout;
    assert!(
        twice.contains("entity 1 of 4") && twice.contains("warning [metadata.duplicate_entity]"),
        "{twice}"
    );

    for (name, status, expected) in [
        ("https://none.example", 1, "metadata.unknown_entity"),
        ("{sha1}0123456789012345678901234567890123456789", 1, "metadata.unknown_entity"),
        ("https://broken.example", 1, "xml.reference"),
        ("{sha1}01", 2, "metadata.entity_id"),
        ("two words", 2, "metadata.entity_id"),
    ] {
        assert_eq!(code(&find(name)), (status, expected.to_owned()), "{name}");
    }
    // A part of a name, or another spelling: the names that contain it are told.
    for similar in ["B.example", "https://b.example/", "B"] {
        let run = find(similar);
        assert_eq!(code(&run), (1, "metadata.unknown_entity".to_owned()), "{run:?}");
        assert!(run.stderr.contains("similar: ") && run.stderr.contains("“https://b.example”"), "{run:?}");
    }
    assert!(!find("https://none.example").stderr.contains("similar"));
    // A document that is cut off contains no entities, whatever comes before the cut.
    let cut = group("", &all).replace("</md:EntitiesDescriptor>", "");
    let cut = folder.write("cut.xml", cut);
    let run = vouchsafe(["metadata", "find", &cut, "https://b.example"]);
    assert_eq!(code(&run), (2, "xml.unclosed".to_owned()));
}

#[test]
fn the_root_is_verified() {
    let folder = Folder::new("metadata-verify");
    let (crt, key) = (folder.path("idp.crt"), folder.path("idp.key"));
    let sign = |name: &str, xml: &str| {
        let file = folder.write(&format!("{name}-unsigned.xml"), xml);
        let signed = vouchsafe(["signature", "sign", "--key", &key, &file]);
        assert_eq!(signed.status, 0, "{signed:?}");
        folder.write(&format!("{name}.xml"), signed.stdout)
    };
    let all = [named("https://a.example"), named("https://b.example")];
    let valid = "ID=\"_all\" validUntil=\"2030-01-01T00:00:00Z\" cacheDuration=\"PT6H\"";
    let good = sign("good", &group(valid, &all));
    let verify = |file: &str, more: &[&str]| {
        let mut arguments = vec!["metadata", "verify", file, "--certificate", &crt];
        arguments.extend(more);
        vouchsafe(arguments)
    };
    let json = verify(&good, &["--format", "json", "--now", "2026-01-01T00:00:00Z"]).json();
    assert_eq!((&json["verdict"], &json["entities"]), (&"accepted".into(), &2.into()));
    assert_eq!(
        (&json["valid_until"], &json["cache_seconds"]),
        (&"2030-01-01T00:00:00Z".into(), &21_600.into())
    );
    assert_eq!(json["reference"], "_all");
    let human = verify(&good, &["--now", "2026-01-01T00:00:00Z"]);
    assert_eq!(human.status, 0);
    assert!(human.stdout.starts_with("accepted EntitiesDescriptor #_all\n"), "{human:?}");

    let fingerprint = |of: &str| {
        let pem = std::fs::read(folder.path(of)).unwrap();
        vouchsafe::crypto::Certificate::from_file_contents(&pem).unwrap().fingerprint_sha256()
    };
    let by_fingerprint = |file: &str, fingerprint: &str| {
        let now = ["--now", "2026-01-01T00:00:00Z"];
        vouchsafe([&["metadata", "verify", file, "--fingerprint", fingerprint], &now[..]].concat())
    };
    // The command signs without a certificate in the signature, so that a fingerprint finds none.
    let own = fingerprint("idp.crt");
    assert_eq!(code(&by_fingerprint(&good, &own)), (1, "signature.no_keys".to_owned()));
    let with_certificate = {
        let file = folder.path("good-unsigned.xml");
        let signed = vouchsafe(["signature", "sign", "--key", &key, "--certificate", &crt, &file]);
        assert_eq!(signed.status, 0, "{signed:?}");
        folder.write("with-certificate.xml", signed.stdout)
    };
    for own in [own.clone(), own.replace(':', "").to_lowercase()] {
        assert_eq!(by_fingerprint(&with_certificate, &own).status, 0);
    }
    let other = fingerprint("evil.crt");
    assert_eq!(code(&by_fingerprint(&with_certificate, &other)), (1, "signature.no_keys".to_owned()));
    assert_eq!(code(&by_fingerprint(&with_certificate, &own[..59])), (2, "refresh.fingerprint".to_owned()));
    let neither = vouchsafe(["metadata", "verify", &good]);
    assert_eq!(neither.status, 2);

    let text = std::fs::read_to_string(&good).unwrap();
    let changed = folder.write("changed.xml", text.replace("https://b.example", "https://c.example"));
    let inner = folder.write("inner.xml", group("", &[text[text.find("<md:Ent").unwrap()..].to_owned()]));
    let unsigned = folder.path("good-unsigned.xml");
    let expired = ["--now", "2030-01-01T00:00:00Z"];
    for (run, status, expected) in [
        (verify(&good, &expired), 1, "metadata.expired"),
        (verify(&changed, &[]), 1, "signature.digest_mismatch"),
        (verify(&inner, &[]), 1, "signature.missing"),
        (verify(&unsigned, &[]), 1, "signature.missing"),
        (
            vouchsafe(["metadata", "verify", &good, "--certificate", &folder.path("evil.crt")]),
            1,
            "signature.not_verified",
        ),
        (verify(&folder.write("page.html", "<html/>"), &[]), 2, "metadata.root"),
        (verify(&folder.write("cut.xml", &text[..text.len() - 9]), &[]), 2, "xml.syntax"),
        (verify(&folder.path("none.xml"), &[]), 2, "cli.file"),
    ] {
        assert_eq!(code(&run), (status, expected.to_owned()), "{run:?}");
    }
}

#[test]
fn findings_in_three_formats() {
    let folder = Folder::new("metadata-lint");
    let now = ["--now", "2026-01-01T00:00:00Z"];
    let lint = |file: &str, more: &[&str]| vouchsafe([&["metadata", "lint", file], &now[..], more].concat());
    let no_key = named("https://nokey.example").replace("X509Certificate>", "X509CRL>");
    let xml = group("", &[named("https://a.example"), format!("\n\n{no_key}")]);
    let begin = xml.rfind("<md:EntityDescriptor").unwrap();
    let line = 1 + xml[..begin].matches('\n').count();
    let file = folder.write("two entities.xml", xml);
    let human = lint(&file, &[]);
    assert_eq!(human.status, 1, "{human:?}");
    let lines: Vec<&str> = human.stdout.lines().collect();
    let place = lines.iter().position(|one| *one == format!("https://nokey.example (line {line})")).unwrap();
    assert!(
        lines[place + 1].starts_with("  error [metadata.no_signing_key]: identity provider"),
        "{lines:#?}"
    );
    assert!(lines.last().unwrap().starts_with("2 entities: 1 error, "), "{lines:#?}");

    let json = lint(&file, &["--format", "json"]);
    assert_eq!((json.status, &json.json()["errors"]), (1, &1.into()));
    let sarif = lint(&file, &["--format", "sarif"]);
    assert_eq!(sarif.status, 1, "{sarif:?}");
    let sarif = sarif.json();
    assert_eq!(sarif["version"], "2.1.0");
    let run = &sarif["runs"][0];
    assert_eq!(run["tool"]["driver"]["name"], "vouchsafe");
    let results = run["results"].as_array().unwrap();
    let error = results.iter().find(|one| one["level"] == "error").unwrap();
    assert_eq!(error["ruleId"], "metadata.no_signing_key");
    let location = &error["locations"][0];
    assert_eq!(location["physicalLocation"]["region"]["startLine"], line);
    assert!(
        location["physicalLocation"]["artifactLocation"]["uri"]
            .as_str()
            .unwrap()
            .ends_with("/two%20entities.xml")
    );
    assert_eq!(location["logicalLocations"][0]["fullyQualifiedName"], "https://nokey.example");
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert!(results.iter().all(|one| rules.iter().any(|rule| rule["id"] == one["ruleId"])));

    // If there is no error, the answer is yes.
    let good = lint(&folder.path("idp.xml"), &[]);
    assert_eq!(good.status, 0, "{good:?}");
    assert!(good.stdout.contains("note [metadata.no_valid_until]"), "{good:?}");
    let page = folder.write("page.html", "<html/>");
    assert_eq!(code(&lint(&page, &[])), (2, "metadata.root".to_owned()));
    let elsewhere = vouchsafe(["metadata", "show", &file, "--format", "sarif"]);
    assert_eq!(code(&elsewhere), (2, "cli.format".to_owned()));
}

#[test]
fn what_a_refresh_changes() {
    let folder = Folder::new("metadata-diff");
    let old = group("", &[named("https://a.example"), named("https://b.example")]);
    let new = old.replacen("HTTP-POST", "HTTP-Artifact", 1);
    let (old, new) = (folder.write("old.xml", old), folder.write("new.xml", new));
    let same = vouchsafe(["metadata", "diff", &old, &old]);
    assert_eq!((same.status, same.stdout.as_str()), (0, "nothing changes\n"));
    let changed = vouchsafe(["metadata", "diff", &old, &new]);
    assert_eq!(changed.status, 1);
    let lines: Vec<&str> = changed.stdout.lines().collect();
    assert_eq!(lines[0], "https://a.example");
    assert!(
        lines[1].starts_with(
            "  endpoint removed: SingleSignOnService urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST "
        ),
        "{lines:#?}"
    );
    assert_eq!(lines[lines.len() - 1], "2 changes");
    let json = vouchsafe(["metadata", "diff", &old, &new, "--format", "json"]).json();
    assert_eq!(json["changes"][0]["subject"], "endpoint");
    assert_eq!(json["changes"][1]["before"], serde_json::Value::Null);
    assert_eq!(
        code(&vouchsafe(["metadata", "diff", &old, &folder.path("none.xml")])),
        (2, "cli.file".to_owned())
    );
}

/// Old federations: SHA-1, an empty reference, canonical forms with comments.
#[test]
fn federations_are_verified() {
    let Some(shared) = vouchsafe_testkit::shared::folder() else { return };
    let folder = Folder::new("metadata-federations");
    let file = shared.join("vectors/saml/opensaml/saml2/metadata/provider/metadata.aaitest_signed.xml");
    let certificate = shared.join("vectors/saml/_certs/20c3a4d18fe8fc7e.pem");
    let [file, certificate] = [&file, &certificate].map(|path| path.to_str().unwrap());
    let base = ["metadata", "verify", file, "--certificate", certificate];
    let sha1 = [
        "--danger-allow",
        "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
        "--danger-allow",
        "http://www.w3.org/2000/09/xmldsig#sha1",
        "--danger-allow",
        "rsa-1024",
    ];
    let strict = vouchsafe(base);
    assert_eq!(strict.status, 2, "the certificate's key is too short: {strict:?}");
    let run = |more: &[&str]| vouchsafe(base.iter().chain(&sha1).chain(more));
    let allowed = run(&["--now", "2008-01-01T00:00:00Z"]);
    println!("{allowed:?}");
    assert!(allowed.status == 0 || code(&allowed).1 == "metadata.expired", "{allowed:?}");
    assert!(!folder.path("x").is_empty());
}
