//! `vouchsafe doctor`: its output in both formats, and its exit status.
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

use serde_json::json;
use support::{Folder, response, vouchsafe, with_input};
use vouchsafe::redirect;
use vouchsafe_testkit::{Encryption, Signed, keys};

#[test]
fn a_wrong_audience_is_told_in_the_words_of_the_console() {
    let folder = Folder::new("doctor-audience");
    let issued = response().audience("https://app.example.com").issue().unwrap();
    let file = folder.write("posted.txt", issued.to_base64());
    let files =
        ["doctor", &folder.path("idp.xml"), &file, "--entity-id", vouchsafe_testkit::SERVICE_PROVIDER];
    let human = vouchsafe(files);
    assert_eq!((human.status, human.stderr.as_str()), (1, ""));
    for part in [
        "posted.txt: SAML Response\n",
        "product: Okta (",
        "error[assertion.audience]: ",
        "change: Audience URI (SP Entity ID) = https://app.example.com/saml/metadata\n",
        "where: Admin Console > Applications",
    ] {
        assert!(human.stdout.contains(part), "no {part:?} in {}", human.stdout);
    }
    assert!(!human.stdout.contains("ada@"), "no value of a person: {}", human.stdout);

    let run = vouchsafe(files.iter().copied().chain(["--format", "json"]));
    let found = run.json();
    assert_eq!((run.status, run.stderr.as_str()), (1, ""));
    let posted = &found["exhibits"][1];
    assert_eq!((&posted["kind"], &posted["product"]["name"]), (&json!("response"), &json!("Okta")));
    let complaint = &posted["complaints"][0];
    assert_eq!((&complaint["severity"], &complaint["code"]), (&json!("error"), &json!("assertion.audience")));
    assert_eq!(complaint["setting"]["value"], vouchsafe_testkit::SERVICE_PROVIDER);
}

#[test]
fn a_good_response_is_healthy_from_standard_input_too() {
    let folder = Folder::new("doctor-healthy");
    let sealed = response().encrypt(Encryption::to(keys::service_provider().certificate())).issue().unwrap();
    let arguments = ["doctor", &folder.path("idp.xml"), "-", "--decryption-key", &folder.path("sp.key")];
    let run = with_input(arguments, sealed.xml().as_bytes());
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{run:?}");
    let late = with_input(
        arguments.iter().copied().chain(["--now", "2026-02-01T00:00:00Z"]),
        sealed.xml().as_bytes(),
    );
    assert_eq!(late.status, 1, "{late:?}");
    assert!(late.stdout.contains("error[assertion.expired]"), "{late:?}");
}

#[test]
fn a_certificate_among_the_files_verifies_metadata_and_queries() {
    let folder = Folder::new("doctor-signatures");
    let metadata = std::fs::read_to_string(folder.path("idp.xml")).unwrap();
    let metadata = folder.write("federation.xml", metadata.replacen("entityID=", "ID=\"_d\" entityID=", 1));
    let signed = vouchsafe(["signature", "sign", "--key", &folder.path("evil.key"), &metadata]);
    let signed = folder.write("signed.xml", &signed.stdout);
    let run = vouchsafe(["doctor", &signed]);
    assert_eq!(run.status, 0, "{run:?}");
    assert!(run.stdout.contains("  verified: not tried: no certificate among the files"), "{run:?}");
    let run = vouchsafe(["doctor", &signed, &folder.path("evil.crt")]);
    assert_eq!(run.status, 0, "{run:?}");
    assert!(run.stdout.contains("  signed: in the document\n  verified: by "), "{run:?}");
    let run = vouchsafe(["doctor", &signed, &folder.path("idp.crt")]);
    assert!(run.stdout.contains("warning[signature.not_verified]: the signature of the document"), "{run:?}");
}

#[test]
fn an_address_and_what_is_nothing() {
    let request = "<samlp:AuthnRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"_1\" Version=\"2.0\" \
                   IssueInstant=\"2026-01-01T00:00:00Z\"><saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">urn:sp</saml:Issuer>\
                   </samlp:AuthnRequest>";
    let query = redirect::encode(redirect::SAML_REQUEST, request, None);
    let run = vouchsafe(["doctor", &format!("{}?{query}", vouchsafe_testkit::OKTA_SINGLE_SIGN_ON)]);
    assert_eq!(run.status, 0, "{run:?}");
    assert!(run.stdout.contains("SAML AuthnRequest") && run.stdout.contains("product: Okta"), "{run:?}");

    let folder = Folder::new("doctor-nothing");
    let run = vouchsafe(["doctor", &folder.write("text", "hello there!")]);
    assert_eq!(run.status, 2);
    assert!(run.stdout.contains("error[doctor.unrecognised]"), "{run:?}");
    assert_eq!(vouchsafe(["doctor"]).status, 2);
    let run = vouchsafe(["doctor", &folder.path("absent")]);
    assert!(run.status == 2 && run.stderr.contains("error[cli.file]"), "{run:?}");
}

/// The answer, the cause and what to change come first, and fit on one screen.
#[test]
fn the_first_screen_holds_the_answer_the_cause_and_what_to_change() {
    let folder = Folder::new("doctor-screen");
    let long = format!("https://app.example.com/{}", "a-long-path/".repeat(60));
    let cases = [
        (
            response().audience("https://app.example.com").issue().unwrap().to_base64(),
            "something is wrong: [assertion.audience]: ",
        ),
        (
            response().audience(&long).issue().unwrap().to_base64(),
            "something is wrong: [assertion.audience]: ",
        ),
        (response().issue().unwrap().to_base64(), "nothing is wrong with what was judged"),
        ("hello there!".to_owned(), "something is wrong: [doctor.unrecognised]: "),
    ];
    for (text, begins) in cases {
        let file = folder.write("posted.txt", text);
        let run = vouchsafe([
            "doctor",
            &folder.path("idp.xml"),
            &file,
            "--entity-id",
            vouchsafe_testkit::SERVICE_PROVIDER,
        ]);
        assert!(run.stdout.starts_with(begins), "{}", run.stdout);
        let screen: Vec<&str> = run.stdout.lines().take_while(|line| !line.is_empty()).collect();
        let rows: usize = screen.iter().map(|line| line.chars().count().div_ceil(80).max(1)).sum();
        assert!(rows <= 24, "{rows} rows: {screen:#?}");
        let place = |name: &str| screen.iter().position(|line| line.starts_with(name));
        if begins.contains("assertion.audience") {
            assert!(
                place("change: ") < place("where: ") && place("where: ") < place("remedy: "),
                "{screen:#?}"
            );
            assert!(place("change: ").is_some() && place("about: ").is_some(), "{screen:#?}");
        }
    }
    // For a roll-over, both fingerprints are shown, to compare them with the console.
    let rolled = response().key(keys::attacker()).issue().unwrap();
    let run = vouchsafe(["doctor", &folder.path("idp.xml"), &folder.write("rolled.xml", rolled.xml())]);
    let screen: Vec<&str> = run.stdout.lines().take_while(|line| !line.is_empty()).collect();
    let rows: usize = screen.iter().map(|line| line.chars().count().div_ceil(80).max(1)).sum();
    assert!(rows <= 24, "{rows} rows: {screen:#?}");
    for pair in [keys::identity_provider(), keys::attacker()] {
        let fingerprint = pair.certificate().fingerprint_sha256();
        assert!(screen.iter().any(|line| line.contains(&fingerprint)), "{screen:#?}");
    }
    let run = vouchsafe(["doctor", &folder.write("text", "hello there!")]);
    assert!(run.stdout.starts_with("there is no SAML in this: [doctor.unrecognised]: "), "{}", run.stdout);
    // Without a recognised product, settings have general names.
    let other = response().sign(Signed::Neither).issue().unwrap();
    let xml = other
        .xml()
        .replace("saml2p:", "p:")
        .replace(":saml2p", ":p")
        .replace("http://www.okta.com/", "https://idp.example.net/");
    let metadata = vouchsafe_testkit::IdentityProvider::okta().metadata().unwrap();
    let metadata = metadata.replace("http://www.okta.com/", "https://idp.example.net/");
    let metadata = metadata.replace("https://example.okta.com/app/", "https://idp.example.net/sign-in/");
    let metadata = folder.write("other-idp.xml", metadata);
    let run = vouchsafe(["doctor", &metadata, &folder.write("other.xml", xml), "--entity-id", "urn:us"]);
    assert!(run.stdout.contains("where: the SAML settings of this application"), "{}", run.stdout);
}

/// A person names the reference, or sends the page: the log has the refusals of others too.
#[test]
fn a_reference_picks_the_refusal_of_the_person() {
    let folder = Folder::new("doctor-reference");
    let line = |reference: &str, code: &str| {
        format!(
            "2026-01-01T00:00:04Z  WARN vouchsafe_web::answers: sign-in refused reference=\"{reference}\" code=\"{code}\" reason=x hint=\"Do this.\"\n"
        )
    };
    let lines = line("22d2c91e-7320571f", "assertion.not_yet_valid")
        + &line("1631f7ca-0d0ecb44", "signature.not_verified");
    let log = folder.write("service.log", lines);
    let page =
        "<!doctype html><html><title>x</title><p><code id=\"reference\">22d2c91e-7320571f</code></p></html>";
    let page = folder.write("page.html", page);
    for files in [
        vec!["doctor", &log, &page],
        vec!["doctor", &log, "--reference", "22d2c91e-7320571f"],
        vec!["doctor", &log, "--reference", " 22D2C91E-7320571F"],
    ] {
        let run = vouchsafe(&files);
        assert!(run.stdout.starts_with("something is wrong: [assertion.not_yet_valid]: "), "{run:?}");
        assert!(run.status == 1 && !run.stdout.contains("1631f7ca"), "{run:?}");
        assert!(!run.stdout.contains("nothing is wrong"), "{run:?}");
        let found = vouchsafe(files.iter().copied().chain(["--format", "json"])).json();
        assert_eq!(found["exhibits"][1]["kind"], "refusal_reference");
    }
    let run = vouchsafe(["doctor", &log]);
    assert!(
        run.stdout.starts_with("something is wrong: [signature.not_verified]: the last of 2 refusals"),
        "{run:?}"
    );
    for (more, code) in
        [(vec![log.as_str()], "the log has no refusal"), (vec![], "no log with a refusal is among the files")]
    {
        let run = vouchsafe(["doctor", "--reference", "5eb79d3f-6f1c9dc8"].into_iter().chain(more));
        let first = run.stdout.split("\n\n").next().unwrap_or_default().replace("\n  ", " ");
        assert!(first.starts_with("something is wrong: [doctor.unknown_reference]: "), "{run:?}");
        assert!(run.status == 1 && first.contains(code), "{run:?}");
    }
    let run = vouchsafe(["doctor", &log, "--reference", "22d2c91e"]);
    assert!(run.status == 2 && run.stderr.contains("8 hexadecimal digits"), "{run:?}");
}
