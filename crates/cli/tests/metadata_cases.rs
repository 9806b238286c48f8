//! Metadata as products publish it: what `metadata show` reports, and how `response check` uses its keys.
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

use metadata::{group, named, okta};
use serde_json::json;
use support::{Folder, check, response, vouchsafe};
use vouchsafe::crypto::{KeyKind, Provider, base64_encode};
use vouchsafe_testkit::{KeyPair, keys};

/// Replaces the ds:X509Data in the metadata.
fn with_key_info(key_info: &str) -> String {
    let xml = okta();
    let (begin, end) = (xml.find("<ds:X509Data>").unwrap(), xml.find("</ds:X509Data>").unwrap());
    format!("{}{key_info}{}", &xml[..begin], &xml[end + "</ds:X509Data>".len()..])
}

const BAD: &str = "entity “https://bad.example”: EntityDescriptor/@validUntil: expected an xs:dateTime, such as 2026-11-24T00:00:00Z, found “2008-10-06 16:19:57”";
const CORRECT: &str = "Have the publisher correct the attribute, and fetch the metadata again.";

#[test]
fn a_bad_entity_is_shown_as_left_out() {
    let folder = Folder::new("metadata-left-out");
    let bad =
        named("https://bad.example").replacen("entityID", "validUntil=\"2008-10-06 16:19:57\" entityID", 1);
    let no_key = named("https://nokey.example").replace("X509Certificate>", "X509CRL>");
    let file = folder.write("a.xml", group("", &[named("https://a.example"), bad, no_key]));
    let shown = vouchsafe(["metadata", "show", &file, "--format", "json"]);
    assert_eq!(shown.status, 0, "{shown:?}");
    let shown = shown.json();
    assert_eq!(
        shown["left_out"],
        json!([{ "place": 2, "entity_id": "https://bad.example", "code": "metadata.attribute", "message": BAD, "hint": CORRECT }])
    );
    let entities = shown["entities"].as_array().unwrap();
    assert_eq!(
        entities.iter().map(|one| &one["entity_id"]).collect::<Vec<_>>(),
        ["https://a.example", "https://nokey.example"]
    );
    assert_eq!(entities[0].get("refused"), None);
    assert_eq!(entities[1]["refused"]["code"], "metadata.no_signing_key");

    let human = vouchsafe(["metadata", "show", &file]).stdout;
    let lines: Vec<&str> = human.lines().collect();
    assert_eq!(lines[..2], ["2 entities", "1 left out"]);
    let place =
        lines.iter().position(|line| *line == "https://bad.example (entity 2 of the document)").unwrap();
    assert_eq!(lines[place + 1], format!("    is left out [metadata.attribute]: {BAD}"));
    assert_eq!(lines[place + 2], format!("      hint: {CORRECT}"));

    // If the entity is requested by its entity ID, it is refused with the same text.
    let asked = vouchsafe(["metadata", "show", &file, "https://bad.example"]);
    assert_eq!(
        (asked.status, asked.stderr.lines().next()),
        (1, Some(&*format!("error[metadata.attribute]: {BAD}")))
    );
    assert_eq!(vouchsafe(["metadata", "show", &file, "https://a.example"]).status, 0);
}

/// Checks the first line of standard error, and whether it mentions a web page that was saved by mistake.
#[test]
fn what_cannot_be_shown() {
    let folder = Folder::new("metadata-refused");
    let lost = okta().replace("<md:", "<").replace("</md:", "</");
    let expected = "expected an md:EntityDescriptor or md:EntitiesDescriptor, found";
    for (name, content, code, words, is_page) in [
        ("lost.xml", lost, "metadata.root", format!("{expected} “EntityDescriptor” in no namespace"), false),
        ("other.xml", "<a/>".to_owned(), "metadata.root", format!("{expected} “a” in no namespace"), false),
        (
            "page.html",
            "<html/>".to_owned(),
            "metadata.root",
            "this is not metadata: it is an HTML page".to_owned(),
            true,
        ),
        (
            "id.xml",
            okta().replacen("entityID", "entityId", 1),
            "metadata.entity_id",
            "EntityDescriptor/@entityID is missing: “entityId” is another name".to_owned(),
            false,
        ),
    ] {
        let file = folder.write(name, content);
        let shown = vouchsafe(["metadata", "show", &file]);
        assert_eq!(shown.status, 2, "{shown:?}");
        assert_eq!(shown.stderr.lines().next(), Some(&*format!("error[{code}]: {file}: {words}")));
        assert_eq!(shown.stderr.contains("sign-in page"), is_page, "{shown:?}");
    }
}

#[test]
fn a_template_cannot_be_trusted() {
    let folder = Folder::new("metadata-template");
    let file = folder.write("common.xml", named("https://sts.windows.net/{tenantid}/"));
    let shown = vouchsafe(["metadata", "show", &file]);
    assert_eq!(shown.status, 0, "{shown:?}");
    assert!(shown.stdout.contains("cannot be trusted as it stands [metadata.template]: EntityDescriptor/@entityID “https://sts.windows.net/{tenantid}/” is a template: “{tenantid}” is a placeholder"), "{shown:?}");
    assert!(
        shown.stdout.contains("https://login.microsoftonline.com/TENANT-ID/federationmetadata/"),
        "{shown:?}"
    );
}

/// Keys without a certificate can verify signatures. They are shown by the fingerprint of the key, and the output
/// states this.
#[test]
fn keys_without_certificates() {
    let folder = Folder::new("metadata-key-values");
    let curve = KeyPair::generate(KeyKind::P256, "idp.example.com").unwrap();
    let bytes = |pair: &KeyPair| pair.private_key().public_key().spki_der().to_vec();
    let (rsa, point) = (bytes(keys::identity_provider()), bytes(&curve));
    let rsa_value = format!(
        "<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>{}</ds:Modulus><ds:Exponent>AQAB</ds:Exponent></ds:RSAKeyValue></ds:KeyValue>",
        base64_encode(&rsa[rsa.len() - 261..rsa.len() - 5])
    );
    let curve_value = format!(
        "<ds:KeyValue><ECKeyValue xmlns=\"http://www.w3.org/2009/xmldsig11#\"><NamedCurve URI=\"urn:oid:1.2.840.10045.3.1.7\"/><PublicKey>{}\
         </PublicKey></ECKeyValue></ds:KeyValue>",
        base64_encode(&point[point.len() - 65..])
    );
    let der = format!(
        "<DEREncodedKeyValue xmlns=\"http://www.w3.org/2009/xmldsig11#\">{}</DEREncodedKeyValue>",
        base64_encode(&point)
    );
    for (key_info, pair) in [(&rsa_value, keys::identity_provider()), (&curve_value, &curve), (&der, &curve)]
    {
        folder.write("idp.xml", with_key_info(key_info));
        let good = folder.write("good.xml", response().key(pair).issue().unwrap().xml());
        let checked = check(&folder, &good, &[]);
        assert_eq!(checked.status, 0, "{checked:?}");
        let forged = folder.write("bad.xml", response().key(keys::attacker()).issue().unwrap().xml());
        assert_eq!(check(&folder, &forged, &[]).status, 1);

        let shown = vouchsafe(["metadata", "show", &folder.path("idp.xml"), "--format", "json"]).json();
        let spki = Provider::rustcrypto().public_key(pair.private_key().public_key().spki_der()).unwrap();
        assert_eq!(
            shown["entities"][0]["roles"][0]["keys"],
            json!([{ "use": "signing", "subject": null, "fingerprint_sha256": spki.fingerprint(), "fingerprint_of": "key", "not_before": null, "not_after": null }])
        );
        let human = vouchsafe(["metadata", "show", &folder.path("idp.xml")]).stdout;
        assert!(human.contains("signing: a key without a certificate"), "{human}");
        assert!(human.contains(&format!("SHA-256 of the key {}", spki.fingerprint())), "{human}");
    }
    let certificate = keys::identity_provider().certificate();
    folder.write("idp.xml", okta());
    let shown = vouchsafe(["metadata", "show", &folder.path("idp.xml"), "--format", "json"]).json();
    let key = &shown["entities"][0]["roles"][0]["keys"][0];
    assert_eq!(
        (&key["fingerprint_of"], &key["fingerprint_sha256"]),
        (&json!("certificate"), &json!(certificate.fingerprint_sha256()))
    );
}

/// The result is always the same: the first certificate has the key, and the other is named in a warning.
#[test]
fn two_certificates_in_one_element() {
    let folder = Folder::new("metadata-two-certificates");
    let (own, other) = (keys::identity_provider().certificate(), keys::attacker().certificate());
    for (name, text) in [
        ("base64", own.to_base64() + &other.to_base64()),
        ("pem", own.to_pem() + &other.to_pem()),
        ("der", base64_encode(&[own.der(), other.der()].concat())),
    ] {
        let key_info = format!("<ds:X509Data><ds:X509Certificate>{text}</ds:X509Certificate></ds:X509Data>");
        folder.write("idp.xml", with_key_info(&key_info));
        let good = folder.write("good.xml", response().issue().unwrap().xml());
        assert_eq!(check(&folder, &good, &[]).status, 0, "{name}");
        let forged = folder.write("bad.xml", response().key(keys::attacker()).issue().unwrap().xml());
        assert_eq!(check(&folder, &forged, &[]).status, 1, "{name}");
        let shown = vouchsafe(["metadata", "show", &folder.path("idp.xml"), "--format", "json"]).json();
        let messages: Vec<&str> = shown["identity_provider"]["warnings"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|one| one["message"].as_str())
            .collect();
        assert_eq!(
            messages,
            [
                "KeyDescriptor 1: one ds:X509Certificate holds 2 certificates, where one is allowed; all of them are read",
                &*format!(
                    "KeyDescriptor 1: the certificate “{}” (SHA-256 {}) is not trusted: one ds:X509Data is about one key, and this is not its certificate; it may be the next key, because it does not belong to an issuer",
                    other.subject(),
                    other.fingerprint_sha256()
                )
            ],
            "{name}"
        );
    }
}

/// Metadata with which no sign-in can start is an error, for CI too.
#[test]
fn metadata_that_starts_no_sign_in_is_an_error_of_lint() {
    let folder = Folder::new("metadata-insecure");
    let insecure = okta().replace("Location=\"https:", "Location=\"http:");
    let run = vouchsafe(["metadata", "lint", &folder.write("http.xml", insecure)]);
    assert!(run.status == 1 && run.stdout.contains("error [metadata.insecure_sign_on]: "), "{run:?}");
    assert_eq!(vouchsafe(["metadata", "lint", &folder.path("idp.xml")]).status, 0);
}
