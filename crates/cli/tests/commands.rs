//! The answers of each subcommand to valid input, in both formats.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    unreachable_pub,
    reason = "tests fail by panicking"
)]

mod support;

use serde_json::{Value, json};
use support::{Folder, check, response, vouchsafe, with_input};
use vouchsafe::crypto::{ContentCipher, KeyTransport, Provider};
use vouchsafe::encryption::{EncryptOptions, encrypt};
use vouchsafe_testkit::{Attribute, Encryption, Signed, keys};

#[test]
fn response_check_tells_who_signed_in() {
    let folder = Folder::new("accepted");
    let issued = response()
        .session_index("s-1")
        .attribute(Attribute::new("groups", ["Everyone", "perf-team"]))
        .attribute(Attribute::new("user.email", ["ada@example.com"]))
        .issue()
        .unwrap();
    let file = folder.write("response.xml", issued.xml());
    let human = check(&folder, &file, &[]);
    assert_eq!(human.status, 0, "{human:?}");
    assert!(human.stdout.starts_with("accepted\n") && human.stdout.contains("ada@example.com"));
    assert!(!human.stdout.contains('\u{1b}'), "no colour in a pipe");

    let run = check(&folder, &file, &["--format", "json"]);
    let found = run.json();
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    assert_eq!(found["verdict"], "accepted");
    assert_eq!(found["issuer"], vouchsafe_testkit::OKTA_ENTITY_ID);
    assert_eq!(
        found["subject"],
        json!({"name_id": "ada@example.com", "format": vouchsafe_testkit::EMAIL_ADDRESS})
    );
    assert_eq!(found["session_index"], "s-1");
    assert_eq!(found.get("session_indexes"), None);
    assert_eq!(found["session_not_on_or_after"], Value::Null);
    assert!(found["authn_context"].as_str().unwrap().starts_with("urn:oasis:names:tc:SAML:2.0:ac:classes:"));
    let attributes = json!({"groups": ["Everyone", "perf-team"], "user.email": ["ada@example.com"]});
    assert_eq!(found["attributes"], attributes);
    for entry in found["ledger"].as_array().unwrap() {
        let keys: Vec<&String> = entry.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["actual", "clause", "expected", "outcome", "rule"]);
        assert!(["passed", "skipped"].contains(&entry["outcome"].as_str().unwrap()));
    }

    let base64 = folder.write("response.b64", issued.to_base64());
    for crypto in ["rustcrypto", "aws-lc"] {
        let run = check(&folder, &base64, &["--base64", "--crypto", crypto, "--require-signed-response"]);
        assert_eq!(run.status, 0, "{run:?}");
    }
    let run = check(&folder, "-", &[]);
    assert_eq!(run.status, 1, "an empty standard input is a bad response: {run:?}");
}

#[test]
fn response_check_tells_why_not() {
    let folder = Folder::new("refused");
    let file =
        folder.write("audience.xml", response().audience("https://other.example").issue().unwrap().xml());
    let run = check(&folder, &file, &["--format", "json"]);
    let found = run.json();
    assert_eq!((run.status, run.stderr.as_str()), (1, ""));
    assert_eq!((&found["verdict"], &found["code"]), (&json!("refused"), &json!("assertion.audience")));
    assert!(found["message"].as_str().unwrap().contains("https://other.example"));
    assert!(found["hint"].as_str().unwrap().contains("Audience URI (SP Entity ID)"));
    let failed: Vec<&Value> =
        found["ledger"].as_array().unwrap().iter().filter(|entry| entry["outcome"] == "failed").collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0]["actual"], "https://other.example");

    let human = check(&folder, &file, &[]);
    assert_eq!(human.status, 1);
    assert!(human.stdout.starts_with("refused [assertion.audience]: "), "{human:?}");
    assert!(human.stdout.contains("\n  hint: ") && human.stdout.contains("\n  failed  conditions.audience "));
}

#[test]
fn response_check_settings() {
    let folder = Folder::new("settings");
    let plain = folder.write("plain.xml", response().issue().unwrap().xml());
    let unsolicited = folder.write(
        "unsolicited.xml",
        vouchsafe_testkit::IdentityProvider::okta()
            .response()
            .name_id("ada@example.com")
            .issue()
            .unwrap()
            .xml(),
    );
    let to_us = || Encryption::to(keys::service_provider().certificate());
    let issue = |signed, encryption| response().sign(signed).encrypt(encryption).issue().unwrap().into_xml();
    let gcm = folder.write("gcm.xml", issue(Signed::Assertion, to_us().cipher(ContentCipher::Aes256Gcm)));
    let cbc = folder.write("cbc.xml", issue(Signed::Assertion, to_us()));
    let cbc_signed = folder.write("cbc-signed.xml", issue(Signed::Both, to_us()));
    let rsa15 = folder.write(
        "rsa15.xml",
        issue(Signed::Both, to_us().key_transport(KeyTransport::Rsa15).cipher(ContentCipher::Aes256Gcm)),
    );
    let (key, wrong) = (folder.path("sp.key"), folder.path("evil.key"));
    let both = ["--decryption-key", &wrong, "--decryption-key", &key];
    let with = |more: &[&'static str]| -> Vec<String> {
        both.iter().map(ToString::to_string).chain(more.iter().map(ToString::to_string)).collect()
    };
    let none = |more: &[&str]| -> Vec<String> { more.iter().map(ToString::to_string).collect() };
    let cases = [
        (&plain, none(&[]), 0, ""),
        (&plain, none(&["--unsolicited"]), 1, "assertion.in_response_to"),
        (&plain, none(&["--in-response-to", "id-2"]), 1, "assertion.in_response_to"),
        (&plain, none(&["--skew", "0"]), 0, ""),
        (&unsolicited, none(&["--unsolicited"]), 0, ""),
        (&unsolicited, none(&[]), 1, "assertion.in_response_to"),
        (&gcm, with(&[]), 0, ""),
        (&gcm, with(&["--require-signed-response"]), 1, "assertion.response_unsigned"),
        (&gcm, none(&["--decryption-key", &wrong]), 1, "encryption.failed"),
        (&cbc, with(&[]), 1, "encryption.unauthenticated_cbc"),
        (&cbc, with(&["--danger-unauthenticated-cbc"]), 0, ""),
        (&cbc_signed, with(&[]), 0, ""),
        (&rsa15, with(&[]), 1, "encryption.refused_algorithm"),
        (&rsa15, with(&["--danger-allow", KeyTransport::RSA_15_URI]), 0, ""),
    ];
    for (file, more, status, code) in cases {
        let mut arguments: Vec<&str> = more.iter().map(String::as_str).collect();
        arguments.extend(["--format", "json"]);
        let run = check(&folder, file, &arguments);
        assert_eq!(run.status, status, "{file} {more:?}: {run:?}");
        if status == 1 {
            assert_eq!(run.json()["code"], code, "{file} {more:?}");
        }
    }
}

#[test]
fn c14n_writes_the_bytes_and_nothing_else() {
    let xml = b"<?xml version='1.0'?><!-- c --><a  b='1' a=\"2\"><c xmlns='urn:x'/><d>&#13;</d></a>\n";
    let exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#";
    let run = with_input(["c14n", "--algorithm", exclusive, "-"], xml);
    assert_eq!(run.stdout, "<a a=\"2\" b=\"1\"><c xmlns=\"urn:x\"></c><d>&#xD;</d></a>");
    let run = with_input(["c14n", "--algorithm", exclusive, "--at", "/*/*[2]", "-"], xml);
    assert_eq!((run.status, run.stdout.as_str(), run.stderr.as_str()), (0, "<d>&#xD;</d>", ""));
    let run = with_input(
        ["c14n", "--algorithm", &format!("{exclusive}WithComments"), "--format", "json", "-"],
        xml,
    );
    assert!(run.json()["canonical"].as_str().unwrap().starts_with("<!-- c -->\n<a "));
    let prefixed = b"<a xmlns:xs='urn:xs'><b/></a>";
    let run = with_input(
        ["c14n", "--algorithm", exclusive, "--inclusive-prefixes", "xs", "--at", "/*/*[1]", "-"],
        prefixed,
    );
    assert_eq!(run.stdout, "<b xmlns:xs=\"urn:xs\"></b>");
}

#[test]
fn what_is_signed_verifies_and_what_is_changed_does_not() {
    let folder = Folder::new("signature");
    let (key, certificate) = (folder.path("idp.key"), folder.path("idp.crt"));
    let xml =
        folder.write("plain.xml", r#"<a:Note xmlns:a="urn:a" ID="n1"><a:Text>pay 10</a:Text></a:Note>"#);
    let signed = vouchsafe(["signature", "sign", "--key", &key, "--certificate", &certificate, &xml]);
    assert_eq!(signed.status, 0, "{signed:?}");

    let public = folder.write("public.pem", keys::identity_provider().private_key().public_key().to_pem());
    for trusted in [["--certificate", &certificate], ["--key", &key], ["--key", &public]] {
        let arguments = ["signature", "verify", trusted[0], trusted[1], "--format", "json", "-"];
        let run = with_input(arguments, signed.stdout.as_bytes());
        assert_eq!(run.status, 0, "{run:?}");
        let found = run.json();
        assert_eq!((&found["verdict"], &found["reference"]), (&json!("accepted"), &json!("n1")));
        assert_eq!((&found["element"], &found["position"]), (&json!("Note"), &json!("/*")));

        let changed = signed.stdout.replace("pay 10", "pay 99");
        let run = with_input(arguments, changed.as_bytes());
        assert_eq!((run.status, &run.json()["code"]), (1, &json!("signature.digest_mismatch")));
    }
    let evil = folder.path("evil.crt");
    let run = with_input(["signature", "verify", "--certificate", &evil, "-"], signed.stdout.as_bytes());
    assert_eq!(run.status, 1);
    assert!(
        run.stderr.starts_with("error[signature.not_verified]: ") && run.stderr.contains("\n  hint: "),
        "{run:?}"
    );

    let run = with_input(["signature", "verify", "--certificate", &certificate, "-"], b"<a ID='x'/>");
    assert_eq!(run.status, 1, "no signature is no yes: {run:?}");
    let wrapped = format!("<w>{}</w>", signed.stdout);
    let arguments = ["signature", "verify", "--certificate", &certificate, "-"];
    assert_eq!(
        with_input(arguments, wrapped.as_bytes()).status,
        0,
        "the first signature, wherever it stands"
    );
    let arguments = ["signature", "verify", "--certificate", &certificate, "--at", "/*/*[1]/*[1]", "-"];
    assert_eq!(with_input(arguments, wrapped.as_bytes()).status, 0, "the signature's own position");
}

#[test]
fn redirects_are_decoded_and_verified() {
    let folder = Folder::new("redirect");
    let query = vouchsafe::redirect::encode(
        "SAMLRequest",
        "<a>é</a>",
        Some(&vouchsafe::RelayState::received("/x y")),
    );
    let run = vouchsafe(["redirect", "decode", "--format", "json", &query]);
    assert_eq!(run.json(), json!({"parameter": "SAMLRequest", "relay_state": "/x y", "message": "<a>é</a>"}));
    let address = format!("https://idp.example.com/sso?{query}");
    assert_eq!(with_input(["redirect", "decode", "-"], format!("{address}\n").as_bytes()).status, 0);

    let signed = vouchsafe::signature::sign_query(
        &query,
        vouchsafe::crypto::SignatureAlgorithm::RsaSha256,
        keys::service_provider().private_key(),
        keys::provider(),
    )
    .unwrap();
    let verify = |query: &str, certificate: &str| {
        vouchsafe([
            "redirect",
            "verify",
            query,
            "--certificate",
            &folder.path(certificate),
            "--format",
            "json",
        ])
    };
    let run = verify(&signed, "sp.crt");
    assert_eq!((run.status, &run.json()["message"]), (0, &json!("<a>é</a>")), "{run:?}");
    assert_eq!(verify(&signed, "evil.crt").json()["code"], "signature.not_verified");
    let replaced = signed.replace("RelayState=%2Fx%20y", "RelayState=%2Fevil");
    assert_ne!(replaced, signed);
    assert_eq!(verify(&replaced, "sp.crt").status, 1);
    assert_eq!(verify(&query, "sp.crt").json()["code"], "signature.query");
}

#[test]
fn decrypt_replaces_what_is_encrypted() {
    let folder = Folder::new("decrypt");
    let encryption = Encryption::to(keys::service_provider().certificate());
    let file = folder.write("encrypted.xml", response().encrypt(encryption).issue().unwrap().xml());
    let (key, wrong) = (folder.path("sp.key"), folder.path("evil.key"));
    let run = vouchsafe(["decrypt", "--key", &wrong, "--key", &key, &file]);
    assert_eq!(run.status, 0, "{run:?}");
    assert!(run.stdout.contains("ada@example.com") && !run.stdout.contains("EncryptedData"));
    let run = vouchsafe(["decrypt", "--key", &wrong, &file, "--format", "json"]);
    assert_eq!((run.status, &run.json()["code"]), (1, &json!("encryption.failed")));

    // All other content stays unchanged, however many parts there are. Triple DES must be allowed explicitly.
    let triple_des = ContentCipher::TripleDesCbc;
    let provider = Provider::rustcrypto().danger_allow(triple_des.uri()).unwrap();
    let seal = |plain: &str, cipher| {
        let options = EncryptOptions::default().cipher(cipher);
        let recipient = keys::service_provider().private_key().public_key().clone();
        encrypt(plain, &recipient, &options, &provider).unwrap()
    };
    let (one, two) = (seal("<b/>", ContentCipher::Aes256Gcm), seal("<c>é</c>", triple_des));
    let document = format!("<?xml version='1.0'?><!-- 1 -->\n<a>{one}<!-- 2 --><?p i?>{two}</a>\n");
    let file = folder.write("two.xml", &document);
    for crypto in ["rustcrypto", "aws-lc"] {
        let arguments =
            ["decrypt", "--crypto", crypto, "--key", &key, &file, "--danger-allow", triple_des.uri()];
        let run = vouchsafe(arguments);
        let expected = "<?xml version='1.0'?><!-- 1 -->\n<a><b/><!-- 2 --><?p i?><c>é</c></a>\n";
        assert_eq!((run.status, run.stdout.as_str()), (0, expected), "{run:?}");
    }
    let run = vouchsafe(["decrypt", "--key", &key, &file, "--format", "json"]);
    assert_eq!((run.status, &run.json()["code"]), (1, &json!("encryption.refused_algorithm")));
    assert_eq!(with_input(["decrypt", "--key", &key, "-"], b"<a>").status, 2);
}

#[test]
fn metadata_is_shown_and_written() {
    let folder = Folder::new("metadata");
    let shown = vouchsafe(["metadata", "show", &folder.path("idp.xml"), "--format", "json"]).json();
    assert_eq!(shown["entities"][0]["entity_id"], vouchsafe_testkit::OKTA_ENTITY_ID);
    let role = &shown["entities"][0]["roles"][0];
    assert_eq!((&role["role"], &role["keys"][0]["use"]), (&json!("IDPSSODescriptor"), &json!("signing")));
    let fingerprint = keys::identity_provider().certificate().fingerprint_sha256();
    assert_eq!(role["keys"][0]["fingerprint_sha256"], fingerprint.to_string());
    assert_eq!(shown["identity_provider"]["usable"], true);

    let (certificate, entity) = (folder.path("sp.crt"), "https://app.example.com/saml/metadata");
    let mut arguments =
        vec!["metadata", "sp", "--entity-id", entity, "--acs", "https://app.example.com/saml/acs"];
    arguments.extend([
        "--acs",
        "https://app.example.com/saml/acs2",
        "--slo",
        "https://app.example.com/saml/logout",
    ]);
    arguments.extend(["--signing-certificate", &certificate, "--encryption-certificate", &certificate]);
    let written = vouchsafe(arguments);
    assert_eq!(written.status, 0, "{written:?}");
    let run = with_input(["metadata", "show", "-", entity, "--format", "json"], written.stdout.as_bytes());
    let role = &run.json()["entities"][0]["roles"][0];
    assert_eq!(role["role"], "SPSSODescriptor");
    assert_eq!(role["keys"][0]["use"], "signing and encryption");
    assert_eq!(role["endpoints"].as_array().unwrap().len(), 4);
}

#[test]
fn okta_values_are_the_fields_of_the_console() {
    let acs = "https://app.example.com/saml/acs/";
    let run = vouchsafe([
        "okta",
        "values",
        "--entity-id",
        "https://app.example.com",
        "--acs",
        acs,
        "--format",
        "json",
    ]);
    let found = run.json();
    let value = |name: &str| {
        let fields = found["fields"].as_array().unwrap();
        fields
            .iter()
            .find(|field| field["field"] == name)
            .map(|field| field["value"].as_str().unwrap().to_owned())
    };
    assert_eq!(value("Single sign-on URL").as_deref(), Some(acs));
    assert_eq!(value("Audience URI (SP Entity ID)").as_deref(), Some("https://app.example.com"));
    assert_eq!(value("Assertion Encryption").as_deref(), Some("Unencrypted"));
    assert_eq!(value("Single Logout URL"), None);
    assert_eq!(
        found["attributes"][1],
        json!({
            "section": "Attribute Statements (name, value)", "name": "user.username", "value": "user.login",
            "note": "Name format: Basic"
        })
    );
}

/// The first line names the cause of a failed signature: another provider's key, an accidental change, a query.
#[test]
fn the_first_line_names_the_cause_of_a_bad_signature() {
    let folder = Folder::new("causes");
    let other = folder.write("other.xml", vouchsafe_testkit::IdentityProvider::other().metadata().unwrap());
    let good = response().issue().unwrap().into_xml();
    let by_other = response().key(keys::other_identity_provider()).issue().unwrap().into_xml();
    for (name, xml, more, cause) in [
        (
            "other",
            by_other.as_str(),
            vec!["--idp-metadata", &other, "--asked", vouchsafe_testkit::OKTA_ENTITY_ID],
            "; another identity provider's key made it: “",
        ),
        ("unknown", &by_other, vec![], "; the key of a certificate in the message made it"),
        (
            "indented",
            &good.replace("<saml2:Conditions", "\n<saml2:Conditions"),
            vec![],
            "; the content: white space was added between elements after signing (pretty-printing)",
        ),
    ] {
        let file = folder.write(&format!("{name}.response.xml"), xml);
        let run = check(&folder, &file, &more);
        let first = run.stdout.lines().next().unwrap_or_default();
        assert!(run.status == 1 && first.contains(cause), "{run:?}");
    }
}

/// The hint of a Response that answers a request names the option for it.
#[test]
fn a_response_that_answers_a_request_is_told_with_the_option_for_it() {
    let folder = Folder::new("correlation");
    let file = folder.write("plain.xml", response().issue().unwrap().xml());
    let run = check(&folder, &file, &["--unsolicited"]);
    let hint = "\n  hint: The Response answers the request id-1: give `--in-response-to id-1` in the place of `--unsolicited`.\n";
    assert!(run.status == 1 && run.stdout.contains(hint), "{run:?}");
    // An ID that a shell would read is not put into a command.
    let other = vouchsafe_testkit::IdentityProvider::okta()
        .response()
        .in_response_to("_$(id)")
        .name_id("ada@example.com");
    let run = check(&folder, &folder.write("other.xml", other.issue().unwrap().xml()), &["--unsolicited"]);
    assert!(run.status == 1 && !run.stdout.contains("--in-response-to"), "{run:?}");
}
