//! Invalid input to every command: exit status, code, message and hint, and nothing on standard output.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    unreachable_pub,
    dead_code,
    reason = "tests fail by panicking"
)]

mod support;

use support::{Folder, Run, check, response, vouchsafe, with_input};

/// Checks status 2, the code (or a family, `xml.`), the names in the message, and a hint. Standard output is empty.
fn unusable(run: &Run, code: &str, names: &str) {
    assert_eq!(run.status, 2, "{run:?}");
    assert_eq!(run.stdout, "", "{run:?}");
    let first = run.stderr.lines().next().unwrap_or_default();
    let end = if code.ends_with('.') { "" } else { "]: " };
    let told = first.starts_with(&format!("error[{code}{end}")) && first.contains(names);
    assert!(told, "{code} {names}: {run:?}");
    assert!(
        run.stderr.lines().any(|line| line.trim_start().starts_with("hint: ") && line.len() > 20),
        "{run:?}"
    );
    assert!(!run.stderr.contains("panicked"), "{run:?}");
}

const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";

/// Input that should be XML and is something else is named, with the option or the command that reads it.
#[test]
fn what_is_given_as_xml_and_is_something_else() {
    let folder = Folder::new("not-xml");
    let posted = response().issue().unwrap().to_base64();
    let percent = posted.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    for (content, message, hint) in [
        (posted.clone(), "the form field SAMLResponse as it was posted, in base64", "Give --base64."),
        (format!("SAMLResponse={percent}&RelayState=x"), "a whole query string or form", "with --base64"),
        (percent, "base64 that is still percent-encoded", "Decode the percent-encoding"),
        (
            "{\"log\":{\"entries\":[]}}".to_owned(),
            "JSON, such as a recording of a browser (HAR)",
            "`vouchsafe doctor` reads recordings",
        ),
        (
            "<!DOCTYPE html><html><body>Sign in</body></html>".to_owned(),
            "a web page (HTML)",
            "an error page or a sign-in page",
        ),
    ] {
        let file = folder.write("posted.txt", content);
        let run = check(&folder, &file, &[]);
        let first = format!("refused [cli.not_xml]: {file} is not XML; it looks like {message}");
        assert_eq!((run.status, run.stdout.lines().next()), (1, Some(first.as_str())), "{run:?}");
        assert!(run.stdout.lines().nth(1).is_some_and(|line| line.contains(hint)), "{run:?}");
    }
    let file = folder.write("posted.txt", posted);
    assert_eq!(check(&folder, &file, &["--base64"]).status, 0);
}

#[test]
fn usage() {
    let cases: &[&[&str]] = &[
        &[],
        &["nonsense"],
        &["response", "check", "x.xml"],
        &["response", "check", "x", "--idp-metadata", "m", "--entity-id", "e", "--acs", "a"],
        &[
            "response",
            "check",
            "x",
            "--idp-metadata",
            "m",
            "--entity-id",
            "e",
            "--acs",
            "a",
            "--unsolicited",
            "--in-response-to",
            "i",
        ],
        &[
            "response",
            "check",
            "x",
            "--idp-metadata",
            "m",
            "--entity-id",
            "e",
            "--acs",
            "a",
            "--unsolicited",
            "--now",
            "today",
        ],
        &[
            "response",
            "check",
            "x",
            "--idp-metadata",
            "m",
            "--entity-id",
            "e",
            "--acs",
            "a",
            "--unsolicited",
            "--skew",
            "-1",
        ],
        &[
            "response",
            "check",
            "x",
            "--idp-metadata",
            "m",
            "--entity-id",
            "e",
            "--acs",
            "a",
            "--unsolicited",
            "--crypto",
            "openssl",
        ],
        &["c14n", "x.xml"],
        &["signature", "verify", "x.xml"],
        &["signature", "sign", "x.xml"],
        &["redirect", "verify", "a=b"],
        &["decrypt", "x.xml"],
        &["metadata", "sp", "--entity-id", "https://a.example"],
        &["okta", "values"],
        &["metadata", "show", "x.xml", "--format", "yaml"],
    ];
    for arguments in cases {
        let run = vouchsafe(arguments.iter());
        assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{arguments:?}: {run:?}");
        assert!(run.stderr.contains("Usage") || run.stderr.contains("error:"), "{arguments:?}: {run:?}");
    }
    assert_eq!(vouchsafe(["--help"]).status, 0);
    assert_eq!(vouchsafe(["--version"]).status, 0);
}

#[test]
fn files_that_are_not_there() {
    let folder = Folder::new("missing");
    let (gone, key, certificate, idp) =
        (folder.path("gone"), folder.path("sp.key"), folder.path("sp.crt"), folder.path("idp.xml"));
    let cases: &[&[&str]] = &[
        &["c14n", "--algorithm", EXCLUSIVE, &gone],
        &["signature", "verify", "--certificate", &gone, &idp],
        &["signature", "verify", "--certificate", &certificate, &gone],
        &["signature", "sign", "--key", &gone, &idp],
        &["signature", "sign", "--key", &key, "--certificate", &gone, &idp],
        &["decrypt", "--key", &gone, &idp],
        &["decrypt", "--key", &key, &gone],
        &["redirect", "verify", "a=b", "--certificate", &gone],
        &["metadata", "show", &gone],
        &[
            "metadata",
            "sp",
            "--entity-id",
            "https://a.example",
            "--acs",
            "https://a.example/acs",
            "--signing-certificate",
            &gone,
        ],
        &["corpus", "run", &gone],
    ];
    for arguments in cases {
        unusable(&vouchsafe(arguments.iter()), "cli.file", "gone");
    }
    unusable(&check(&folder, &gone, &[]), "cli.file", "gone");
    unusable(&check(&folder, &gone, &["--decryption-key", &gone]), "cli.file", "gone");
}

#[test]
fn values_that_cannot_be_used() {
    let folder = Folder::new("values");
    let (key, certificate, idp) = (folder.path("sp.key"), folder.path("sp.crt"), folder.path("idp.xml"));
    let junk = folder.write("junk", "junk");
    let binary = folder.write("binary", [0xff, 0xfe, 0x00]);
    let no_id = folder.write("no-id.xml", "<a/>");
    let cases: &[(&[&str], &str, &str)] = &[
        (&["c14n", "--algorithm", "urn:none", &idp], "cli.algorithm", "urn:none"),
        (&["c14n", "--algorithm", EXCLUSIVE, "--at", "/*/*[99]", &idp], "cli.position", "/*/*[99]"),
        (&["c14n", "--algorithm", EXCLUSIVE, &junk], "xml.", "junk"),
        (&["signature", "verify", "--certificate", &junk, &idp], "crypto.", "junk"),
        (&["signature", "verify", "--key", &junk, &idp], "crypto.", "junk"),
        (
            &["signature", "verify", "--certificate", &certificate, "--danger-allow", "urn:md5", &idp],
            "crypto.",
            "--danger-allow",
        ),
        (&["signature", "sign", "--key", &certificate, &idp], "crypto.", "sp.crt"),
        (&["signature", "sign", "--key", &key, "--algorithm", "urn:none", &idp], "cli.algorithm", "urn:none"),
        (&["signature", "sign", "--key", &key, &no_id], "cli.no_id", "ID"),
        (&["signature", "sign", "--key", &key, &binary], "cli.encoding", "binary"),
        (&["decrypt", "--key", &junk, &idp], "crypto.", "junk"),
        (&["decrypt", "--key", &key, &junk], "xml.", "junk"),
        (&["redirect", "decode", "a=b"], "signature.query", "SAMLRequest"),
        (&["redirect", "decode", "SAMLRequest=!"], "binding.base64", "SAMLRequest"),
        (&["redirect", "decode", "SAMLRequest=AAAA"], "binding.deflate", "SAMLRequest"),
        (&["metadata", "show", &junk], "xml.", "junk"),
        (&["metadata", "show", &no_id], "metadata.root", "no-id.xml"),
        (&["metadata", "show", &idp, "two words"], "metadata.entity_id", "two words"),
        (
            &["metadata", "sp", "--entity-id", "", "--acs", "https://a.example/acs"],
            "metadata.entity_id",
            "--entity-id",
        ),
        (
            &["metadata", "sp", "--entity-id", "urn:a", "--acs", "javascript:alert(1)"],
            "metadata.location",
            "--acs",
        ),
        (
            &["metadata", "sp", "--entity-id", "urn:a", "--acs", "https://a.example", "--slo", "/slo"],
            "metadata.location",
            "--slo",
        ),
        (
            &[
                "metadata",
                "sp",
                "--entity-id",
                "urn:a",
                "--acs",
                "https://a.example",
                "--encryption-certificate",
                &junk,
            ],
            "crypto.",
            "junk",
        ),
        (&["okta", "values", "--entity-id", "urn:a", "--acs", "/acs"], "binding.url", "--acs"),
        (
            &["okta", "values", "--entity-id", "a b", "--acs", "https://a.example"],
            "metadata.entity_id",
            "--entity-id",
        ),
        (&["corpus", "run", &junk], "cli.manifest", "junk"),
    ];
    for (arguments, code, names) in cases {
        unusable(&vouchsafe(arguments.iter()), code, names);
    }
}

#[test]
fn settings_of_response_check() {
    let folder = Folder::new("check");
    let good = folder.write("good.xml", response().issue().unwrap().xml());
    let junk = folder.write("junk", "junk");
    let idp = folder.path("idp.xml");
    unusable(&check(&folder, &good, &["--idp-metadata", &junk]), "xml.", "junk");
    unusable(
        &check(&folder, &good, &["--idp-metadata", &idp, "--asked", vouchsafe_testkit::OKTA_ENTITY_ID]),
        "cli.idp_metadata",
        "2 of the metadata files",
    );
    unusable(&check(&folder, &good, &["--decryption-key", &folder.path("sp.crt")]), "crypto.", "sp.crt");
    unusable(&check(&folder, &good, &["--danger-allow", "urn:x"]), "crypto.", "urn:x");
    unusable(&check(&folder, &good, &["--in-response-to", ""]), "assertion.message_id", "--in-response-to");
}

/// An unreadable message is refused: 1, not 2.
#[test]
fn messages_that_cannot_be_read_are_refused() {
    let folder = Folder::new("unreadable");
    let cases = [
        ("empty", "", "xml."),
        ("text", "hello", "xml."),
        ("doctype", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "xml.doctype"),
        ("other", "<a/>", "assertion.not_a_response"),
    ];
    for (name, content, code) in cases {
        let file = folder.write(name, content);
        let run = check(&folder, &file, &["--format", "json"]);
        assert_eq!(run.status, 1, "{name}: {run:?}");
        let found = run.json();
        assert_eq!(found["verdict"], "refused");
        assert!(found["code"].as_str().unwrap().starts_with(code), "{name}: {run:?}");
        assert!(!found["hint"].as_str().unwrap().is_empty() && found["ledger"].is_array());
    }
    let file = folder.write("bad.b64", "!!!");
    let run = check(&folder, &file, &["--base64", "--format", "json"]);
    assert_eq!((run.status, run.json()["code"].as_str()), (1, Some("binding.base64")), "{run:?}");

    let certificate = folder.path("idp.crt");
    let run =
        with_input(["signature", "verify", "--certificate", &certificate, "--format", "json", "-"], b"<a");
    assert_eq!((run.status, run.json()["verdict"].as_str()), (1, Some("refused")), "{run:?}");
}

#[test]
fn an_entity_that_is_not_there_is_a_no() {
    let folder = Folder::new("entity");
    let run =
        vouchsafe(["metadata", "show", &folder.path("idp.xml"), "https://none.example", "--format", "json"]);
    assert_eq!((run.status, run.json()["code"].as_str()), (1, Some("metadata.unknown_entity")), "{run:?}");
}

/// An address in the place of a file.
#[test]
fn an_address_is_no_file() {
    for address in ["https://idp.example.com/metadata", "http://localhost:8080/saml/metadata"] {
        let run = vouchsafe(["metadata", "lint", address]);
        unusable(&run, "cli.file", address);
        assert!(
            run.stderr.contains("This command reads files.")
                && run.stderr.contains("| vouchsafe metadata lint -"),
            "{run:?}"
        );
    }
}
