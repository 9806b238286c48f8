//! All output of a command is escaped, in both formats, whatever its source.
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
use support::{Folder, Run, check, response, vouchsafe, with_input};
use vouchsafe::crypto::{Certificate, KeyKind, base64_encode};
use vouchsafe::redirect;
use vouchsafe::xml::is_plain;
use vouchsafe_testkit::{Attribute, Encryption, IdentityProvider, KeyPair, keys};

/// Characters that XML can contain: line breaks, C1, DEL, bidirectional controls, zero width, separators, a soft
/// hyphen, a tag, a filler.
const IN_XML: &str = "x\nFORGED accepted\r\nFORGED\u{9b}2J\u{85}FORGED\u{7f}\u{202e}\u{2066}\u{200b}\u{feff}\u{2028}FORGED\u{2029}\u{ad}\u{e0041}\u{3164}\u{61c}";

/// The same with C0 characters, for input that is not XML.
fn hostile() -> String {
    format!("{IN_XML}\u{1b}[31m\u{1b}]0;t\u{7}\u{8}\u{b}\t")
}

/// The text in a form for attributes and texts of XML.
fn in_xml() -> String {
    IN_XML.replace('\n', "&#10;").replace('\r', "&#13;")
}

/// Checks that each line has plain characters only, and that the command ended it.
fn is_clean(what: &str, text: &str) {
    for line in text.split('\n') {
        assert!(line.chars().all(is_plain), "{what}: {line:?}");
        assert!(!line.starts_with("FORGED"), "{what}: {line:?}");
    }
}

/// Runs the command in both formats. `document` states that its result for people is a document, which is written
/// byte for byte.
fn both(what: &str, document: bool, run: impl Fn(&[&str]) -> Run) -> [Run; 2] {
    let human = run(&[]);
    assert!(!human.stderr.contains("panicked"), "{what}: {human:?}");
    is_clean(what, &human.stderr);
    if !document {
        is_clean(what, &human.stdout);
    }
    let json = run(&["--format", "json"]);
    is_clean(what, &json.stderr);
    is_clean(what, &json.stdout);
    assert_eq!(human.status, json.status, "{what}");
    assert!(!(json.stdout.is_empty() && json.stderr.is_empty()), "{what}");
    [human, json]
}

/// Does the same for a command without input.
fn arguments(document: bool, arguments: &[&str]) -> [Run; 2] {
    both(&format!("{arguments:?}"), document, |more| vouchsafe(arguments.iter().chain(more)))
}

#[test]
fn only_one_module_prints() {
    let mut left = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut looked_at = 0;
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let source = std::fs::read_to_string(&path).unwrap();
        let is_output = path.ends_with("output.rs");
        for forbidden in [
            "stdout()",
            "stderr()",
            "print!",
            "println!",
            "eprint",
            "dbg!",
            "write_all",
            "/dev/",
            ".exit()",
            "process::exit",
        ] {
            assert!(is_output || !source.contains(forbidden), "{}: {forbidden}", path.display());
        }
        looked_at += 1;
    }
    assert!(looked_at >= 30, "{looked_at}");
}

#[test]
fn response_check() {
    let folder = Folder::new("printing-check");
    let person = response()
        .name_id(IN_XML)
        .session_index(IN_XML)
        .attribute(Attribute::new(IN_XML, [IN_XML, "b"]))
        .issue()
        .unwrap()
        .into_xml();
    let file = folder.write("person.xml", person);
    let [human, json] = both("accepted", false, |more| check(&folder, &file, more));
    assert!(human.stdout.contains("attribute") && human.stdout.contains(r"\nFORGED accepted"), "{human:?}");
    // The text is escaped, and has the same meaning.
    assert_eq!((human.status, &json.json()["subject"]["name_id"]), (0, &json!(IN_XML)));
    let refused = [
        response().audience(IN_XML),
        response().destination(IN_XML),
        response().recipient(IN_XML),
        response().issuer(IN_XML),
        response().assertion_issuer(IN_XML),
        response().in_response_to(IN_XML),
        response().status([IN_XML, IN_XML]),
        response().key(&named()),
    ];
    for (place, builder) in refused.into_iter().enumerate() {
        let file = folder.write("refused.xml", builder.issue().unwrap().xml());
        let [human, json] = both(&format!("refused {place}"), false, |more| check(&folder, &file, more));
        assert_eq!((human.status, json.status), (1, 1), "{human:?}");
    }
    for (name, value) in [
        ("--in-response-to", hostile()),
        ("--decryption-key", hostile()),
        ("--danger-allow", hostile()),
        ("--skew", hostile()),
        ("--now", hostile()),
        ("--crypto", hostile()),
        ("--idp-metadata", hostile()),
    ] {
        let [human, _] = both(name, false, |more| check(&folder, &file, &[&[name, &value], more].concat()));
        assert!(human.status > 0, "{human:?}");
    }
    let text = folder.write("text.xml", hostile());
    both("text", false, |more| check(&folder, &text, more));
    both("base64", false, |more| check(&folder, &text, &[&["--base64"], more].concat()));
}

/// A key with a certificate whose subject is hostile.
fn named() -> KeyPair {
    let key = keys::provider().generate_key(KeyKind::P256).unwrap();
    let certificate = Certificate::self_signed(
        keys::provider(),
        &key,
        "x\nFORGED\u{9b}2J\u{7f}\u{202e}\u{200b}\u{2028}FORGED\u{1b}[31m",
        1_600_000_000,
        1_900_000_000,
    )
    .unwrap();
    KeyPair::new(key, certificate)
}

/// Metadata with hostile text at every possible place.
fn metadata() -> String {
    let plain = IdentityProvider::okta().with_key(&named()).metadata().unwrap();
    let more = format!(
        "<md:NameIDFormat>{0}</md:NameIDFormat><md:SingleSignOnService Binding=\"{0}\" Location=\"https://a.example/{0}\"/>\
         <md:SingleSignOnService Binding=\"urn:b\" Location=\"{0}\"/>",
        in_xml()
    );
    let display = format!(
        "<md:Organization><md:OrganizationName xml:lang=\"en\">{0}</md:OrganizationName><md:OrganizationDisplayName xml:lang=\"en\">{0}\
         </md:OrganizationDisplayName><md:OrganizationURL xml:lang=\"en\">{0}</md:OrganizationURL></md:Organization></md:EntityDescriptor>",
        in_xml()
    );
    plain
        .replace("</md:IDPSSODescriptor>", &format!("{more}</md:IDPSSODescriptor>"))
        .replace("</md:EntityDescriptor>", &display)
}

#[test]
fn metadata_commands() {
    let folder = Folder::new("printing-metadata");
    let file = folder.write("metadata.xml", metadata());
    let [human, _] = arguments(false, &["metadata", "show", &file]);
    assert!(human.stdout.contains("FORGED") && human.status == 0, "{human:?}");
    let named = metadata().replacen(vouchsafe_testkit::OKTA_ENTITY_ID, &in_xml(), 1);
    let file = folder.write("named.xml", named);
    arguments(false, &["metadata", "show", &file]);
    arguments(false, &["metadata", "show", &file, &hostile()]);
    let bad = metadata().replacen(vouchsafe_testkit::OKTA_ENTITY_ID, &format!("a {}", in_xml()), 1);
    let bad = bad.split_once("<md:EntityDescriptor").unwrap().1;
    let group =
        "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\"><md:EntityDescriptor";
    let file = folder.write("left-out.xml", format!("{group}{bad}</md:EntitiesDescriptor>"));
    let [human, _] = arguments(false, &["metadata", "show", &file]);
    assert!(human.stdout.contains("1 left out") && human.stdout.contains("FORGED"), "{human:?}");
    arguments(false, &["metadata", "show", &hostile()]);
    let acs = "https://app.example.com/acs";
    arguments(true, &["metadata", "sp", "--entity-id", "urn:a", "--acs", acs, "--name-id-format", IN_XML]);
    for bad in [["--entity-id", &hostile(), "--acs", acs], ["--entity-id", "urn:a", "--acs", &hostile()]] {
        arguments(true, &[&["metadata", "sp"], bad.as_slice()].concat());
        arguments(false, &[&["okta", "values"], bad.as_slice()].concat());
    }
    arguments(false, &["okta", "values", "--entity-id", "urn:a", "--acs", acs, "--slo", &hostile()]);
    arguments(
        true,
        &["metadata", "sp", "--entity-id", "urn:a", "--acs", acs, "--signing-certificate", &hostile()],
    );
}

#[test]
fn documents() {
    let folder = Folder::new("printing-documents");
    let (key, certificate) = (folder.path("idp.key"), folder.path("idp.crt"));
    let xml = folder.write("a.xml", format!("<a ID=\"{0}\" b=\"{0}\">{0}<b ID=\"i\"/></a>", in_xml()));
    let exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#";
    let [human, json] = arguments(true, &["c14n", "--algorithm", exclusive, &xml]);
    assert_eq!(json.json()["canonical"], human.stdout);
    arguments(true, &["c14n", "--algorithm", &hostile(), &xml]);
    arguments(true, &["c14n", "--algorithm", exclusive, "--at", &hostile(), &xml]);
    arguments(true, &["c14n", "--algorithm", exclusive, "--inclusive-prefixes", &hostile(), &xml]);

    arguments(true, &["signature", "sign", "--key", &key, &xml]);
    arguments(true, &["signature", "sign", "--key", &key, "--algorithm", &hostile(), &xml]);
    arguments(false, &["signature", "verify", "--certificate", &certificate, &xml]);
    arguments(false, &["signature", "verify", "--certificate", &certificate, "--at", &hostile(), &xml]);
    let labelled = folder.write(
        &format!("c{}.pem", hostile().replace('/', "")),
        keys::identity_provider().certificate().to_pem(),
    );
    let signed = vouchsafe([
        "signature",
        "sign",
        "--key",
        &key,
        &folder.write("ok.xml", format!("<a ID=\"i\">{}</a>", in_xml())),
    ]);
    let [human, _] = both("label", false, |more| {
        with_input(
            ["signature", "verify", "--certificate", &labelled, "-"].iter().chain(more),
            signed.stdout.as_bytes(),
        )
    });
    assert!(human.status == 0 && human.stdout.contains("FORGED"), "{human:?}");

    let sealed = response()
        .name_id(IN_XML)
        .encrypt(Encryption::to(keys::service_provider().certificate()))
        .issue()
        .unwrap();
    let sealed = folder.write("sealed.xml", sealed.xml());
    arguments(true, &["decrypt", "--key", &folder.path("sp.key"), &sealed]);
    arguments(true, &["decrypt", "--key", &folder.path("evil.key"), &sealed]);
    arguments(true, &["decrypt", "--key", &hostile(), &sealed]);
}

#[test]
fn redirects() {
    let folder = Folder::new("printing-redirect");
    let query = redirect::encode("SAMLRequest", &format!("<a>{IN_XML}</a>\nRelayState\nFORGED"), None);
    let state: String = hostile().bytes().map(|byte| format!("%{byte:02X}")).collect();
    let query = format!("{query}&RelayState={state}");
    let [human, json] = arguments(false, &["redirect", "decode", &query]);
    assert!(human.stdout.contains("FORGED") && human.status == 0, "{human:?}");
    assert_eq!(human.stdout.lines().filter(|line| *line == "RelayState").count(), 1, "{human:?}");
    assert_eq!(json.json()["relay_state"], hostile());
    let key = keys::service_provider().private_key();
    let algorithm = vouchsafe::crypto::SignatureAlgorithm::RsaSha256;
    let signed = vouchsafe::signature::sign_query(&query, algorithm, key, keys::provider()).unwrap();
    let [human, _] =
        arguments(false, &["redirect", "verify", &signed, "--certificate", &folder.path("sp.crt")]);
    assert_eq!(human.status, 0, "{human:?}");
    arguments(false, &["redirect", "verify", &signed, "--certificate", &folder.path("evil.crt")]);
    arguments(false, &["redirect", "decode", &hostile()]);
    arguments(
        false,
        &["redirect", "decode", &format!("https://a.example/?{}=1&SAMLRequest={}", hostile(), hostile())],
    );
    arguments(false, &["redirect", "verify", &hostile(), "--certificate", &hostile()]);
}

#[test]
fn doctor() {
    let folder = Folder::new("printing-doctor");
    let okta = || IdentityProvider::okta().response();
    let request = format!(
        "<samlp:AuthnRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" \
         ID=\"{0}\" Destination=\"http://{0}\" IssueInstant=\"{0}\" AssertionConsumerServiceURL=\"{0}\"><saml:Issuer>{0}</saml:Issuer></samlp:AuthnRequest>",
        in_xml()
    );
    let forged = okta()
        .audience(IN_XML)
        .destination(IN_XML)
        .recipient(IN_XML)
        .issuer(IN_XML)
        .in_response_to(IN_XML)
        .attribute(Attribute::new(IN_XML, [IN_XML]))
        .key(&named())
        .issue()
        .unwrap()
        .into_xml();
    let body = |xml: &str| {
        format!(
            "SAMLResponse={}",
            base64_encode(xml.as_bytes()).replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
        )
    };
    let entry = |url: String, text: String| json!({"startedDateTime": hostile(), "request": {"method": hostile(), "url": url, "postData": {"text": text}}});
    let har = json!({"log": {"entries": [
        entry(format!("https://a.example/{}", hostile()), body(&forged)),
        entry(hostile(), body(&request)),
        entry("https://a.example/".to_owned(), body(&metadata())),
        entry("https://a.example/".to_owned(), body(&format!("<{}", hostile()))),
    ]}})
    .to_string();
    let files = [
        ("forged.xml", forged),
        ("own-name.xml", okta().key(&named()).issue().unwrap().into_xml()),
        ("request.xml", request),
        ("metadata.xml", metadata()),
        ("other.xml", metadata().replace("sso/saml", "sso/other")),
        ("named.pem", named().certificate().to_pem()),
        ("mail.pem", format!("{}\n{}", hostile(), named().certificate().to_pem())),
        ("recording.har", har),
        ("old.xml", format!("<a xmlns=\"urn:oasis:names:tc:SAML:1.{}\"/>", in_xml())),
        ("text", hostile()),
        ("SAML", format!("SAML?{}", hostile())),
        ("json", format!("{{\"a\": {:?}}}", "x")),
        ("page.html", format!("<html>{}<input name=\"SAMLResponse\" value=\"{}\"/>", hostile(), hostile())),
    ];
    let mut paths: Vec<String> = files.iter().map(|(name, text)| folder.write(name, text)).collect();
    for path in &paths {
        arguments(false, &["doctor", path]);
        arguments(false, &["doctor", path, &folder.path("idp.xml")]);
        arguments(false, &["doctor", path, "--entity-id", &hostile(), "--acs", &hostile()]);
    }
    paths.push(folder.write(&hostile().replace('/', ""), hostile()));
    paths.push(format!("https://a.example/{}?{}", hostile(), body("<a/>")));
    let all: Vec<&str> = ["doctor"].into_iter().chain(paths.iter().map(String::as_str)).collect();
    let [human, json] = arguments(false, &all);
    assert!(human.stdout.contains("FORGED") && human.stdout.contains("doctor.two_descriptions"), "{human:?}");
    assert!(json.json()["exhibits"].as_array().unwrap().len() > 12);
    arguments(false, &["doctor", &folder.path(&format!("gone{}", hostile()))]);
}

#[test]
fn corpus_and_usage() {
    let folder = Folder::new("printing-corpus");
    let case = |file: &str, more: serde_json::Value| {
        let mut case = json!({"file": file, "expect": "accept", "subject": hostile(), "attributes": {hostile(): [hostile()]}});
        case.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        case
    };
    let defaults = json!({"sp_entity_id": vouchsafe_testkit::SERVICE_PROVIDER, "acs_url": vouchsafe_testkit::ASSERTION_CONSUMER,
        "idp_metadata": "idp.xml", "unsolicited": true, "now": "2026-01-01T00:00:05Z"});
    let good = IdentityProvider::okta().response().name_id(IN_XML).issue().unwrap().into_xml();
    let name = hostile().replace('/', "");
    folder.write(&name, &good);
    let manifest = |cases: serde_json::Value| {
        folder.write("manifest.json", json!({"defaults": defaults, "cases": cases}).to_string())
    };
    let [human, json] = arguments(
        false,
        &[
            "corpus",
            "run",
            &manifest(json!([case(&name, json!({})), case(&name, json!({"expect": "reject"}))])),
        ],
    );
    assert!(human.status == 1 && human.stdout.contains("0 passed, 2 failed"), "{human:?}");
    assert_eq!(json.stdout.lines().count(), 2);
    for case in [
        case(&hostile(), json!({})),
        case(&name, json!({"settings": {"now": hostile()}})),
        case(&name, json!({"settings": {"sp_entity_id": hostile()}})),
        case(&name, json!({"settings": {"idp_metadata": hostile()}})),
        case(&name, json!({"expect": hostile()})),
    ] {
        arguments(false, &["corpus", "run", &manifest(json!([case]))]);
    }
    arguments(false, &["corpus", "run", &hostile()]);

    for wrong in [
        vec![hostile()],
        vec![format!("--{}", hostile())],
        vec!["doctor".to_owned(), format!("--{}", hostile())],
        vec!["metadata".to_owned(), hostile()],
        vec!["okta".to_owned(), "values".to_owned(), format!("--entity-id={}", hostile()), hostile()],
        vec!["--format".to_owned(), hostile()],
        vec!["help".to_owned(), hostile()],
    ] {
        let run = vouchsafe(&wrong);
        assert_eq!(run.status, 2, "{run:?}");
        is_clean(&format!("usage {wrong:?}"), &run.stderr);
        is_clean("usage", &run.stdout);
    }
    for help in [vec!["--help"], vec!["doctor", "--help"], vec!["--version"]] {
        let run = vouchsafe(&help);
        assert!(run.status == 0 && run.stderr.is_empty(), "{run:?}");
        is_clean("help", &run.stdout);
    }
}
