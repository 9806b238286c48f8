//! Lint and differences, as tables of cases.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::sync::LazyLock;

use chrono::{DateTime, TimeZone, Utc};
use vouchsafe_crypto::{Certificate, KeyKind, PrivateKey, Provider};
use vouchsafe_metadata::{Aggregate, LintFinding, LintSeverity};
use vouchsafe_testkit::shared;

static KEY: LazyLock<PrivateKey> =
    LazyLock::new(|| Provider::rustcrypto().generate_key(KeyKind::P256).unwrap());

static CERTIFICATE: LazyLock<String> = LazyLock::new(|| certificate(1_600_000_000, 2_000_000_000));

fn certificate(not_before: i64, not_after: i64) -> String {
    let provider = Provider::rustcrypto();
    Certificate::self_signed(&provider, &KEY, "idp.example.org", not_before, not_after).unwrap().to_base64()
}

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 24, 0, 1, 0).unwrap()
}

fn key(certificate: &str) -> String {
    format!(
        r#"<md:KeyDescriptor><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"#
    )
}

const REDIRECT: &str = r#"<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example.org/sso"/>"#;
const CONSUMER: &str = r#"<md:AssertionConsumerService index="0" Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://sp.example.org/acs"/>"#;
const MD: &str =
    r#"xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#""#;
const PEOPLE: &str = r#"<md:Organization><md:OrganizationName xml:lang="en">E</md:OrganizationName><md:OrganizationDisplayName xml:lang="en">Example</md:OrganizationDisplayName><md:OrganizationURL xml:lang="en">https://example.org</md:OrganizationURL></md:Organization><md:ContactPerson contactType="technical"><md:EmailAddress>mailto:help@example.org</md:EmailAddress></md:ContactPerson>"#;
const SAML2: &str = r#"protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol""#;

fn entity(id: &str, role: &str) -> String {
    format!(
        r#"<md:EntityDescriptor {MD} entityID="{id}" validUntil="2026-12-24T00:00:00Z">{role}{PEOPLE}</md:EntityDescriptor>"#
    )
}

fn idp(content: &str) -> String {
    entity(
        "https://idp.example.org",
        &format!("<md:IDPSSODescriptor {SAML2}>{content}</md:IDPSSODescriptor>"),
    )
}

fn good() -> String {
    idp(&(key(&CERTIFICATE) + REDIRECT))
}

fn sp(attributes: &str, content: &str) -> String {
    entity(
        "https://sp.example.org",
        &format!("<md:SPSSODescriptor {SAML2} {attributes}>{content}</md:SPSSODescriptor>"),
    )
}

fn group(attributes: &str, content: &str) -> String {
    format!("<md:EntitiesDescriptor {MD} {attributes}>{content}</md:EntitiesDescriptor>")
}

fn lint(xml: &str) -> Vec<LintFinding> {
    Aggregate::read(xml).unwrap().lint(now(), &Provider::rustcrypto()).collect()
}

const VALID: &str = "validUntil='2026-12-24T00:00:00Z'";

/// A document, and its findings: severity and code, in order.
#[test]
fn every_rule_finds_what_it_is_for() {
    let post = REDIRECT.replace("HTTP-Redirect", "HTTP-POST");
    let mdui = |content: &str| {
        let extensions = format!(
            "<md:Extensions><u:UIInfo xmlns:u='urn:oasis:names:tc:SAML:metadata:ui'>{content}</u:UIInfo></md:Extensions>"
        );
        idp(&(extensions + &key(&CERTIFICATE) + REDIRECT))
    };
    let required = |values: &[&str]| {
        let values: String =
            values.iter().map(|value| format!("<s:AttributeValue>{value}</s:AttributeValue>")).collect();
        sp("", CONSUMER).replacen("<md:SPSSODescriptor", &format!("<md:Extensions><a:EntityAttributes xmlns:a='urn:oasis:names:tc:SAML:metadata:attribute' xmlns:s='urn:oasis:names:tc:SAML:2.0:assertion'><s:Attribute Name='urn:oasis:names:tc:SAML:profiles:subject-id:req'>{values}</s:Attribute></a:EntityAttributes></md:Extensions><md:SPSSODescriptor"), 1)
    };
    let scoped = |pattern: &str| {
        good().replacen("<md:IDPSSODescriptor", &format!("<md:Extensions><s:Scope xmlns:s='urn:mace:shibboleth:metadata:1.0' regexp='true'>{pattern}</s:Scope></md:Extensions><md:IDPSSODescriptor"), 1)
    };
    let cases: Vec<(&str, String, &[&str])> = vec![
        ("nothing", good(), &[]),
        ("nothing of a service", sp("", CONSUMER), &[]),
        ("nothing of a group", group(VALID, &(good() + &sp("", CONSUMER))), &[]),
        ("no validUntil", good().replacen("validUntil", "x:validUntil", 1).replacen("entityID", "xmlns:x='urn:x' entityID", 1), &["note metadata.no_valid_until"]),
        ("validUntil past", good().replace("2026-12", "2025-12"), &["error metadata.expired"]),
        ("validUntil of an entity past", group(VALID, &good().replace("2026-12", "2025-12")), &["error metadata.expired"]),
        ("validUntil of a group past", group("validUntil='2025-01-01T00:00:00Z'", &good()), &["error metadata.expired"]),
        ("validUntil of a role past", good().replace(SAML2, &format!("{SAML2} validUntil='2025-01-01T00:00:00Z'")), &["error metadata.expired"]),
        ("no time at all", group(VALID, &good().replace("2026-12-24T", "2026-12-24 ")), &["error metadata.attribute"]),
        ("a cacheDuration that is none", good().replacen("entityID", "cacheDuration='6h' entityID", 1), &["warning metadata.cache_duration"]),
        ("no URI", good().replace("https://idp.example.org\"", "idp\""), &["warning metadata.entity_id_form"]),
        ("white space", good().replace("\"https://idp.example.org\"", "\" https://idp.example.org\""), &["warning metadata.entity_id_form"]),
        ("no entityID", good().replacen("entityID", "entityId", 1), &["error metadata.entity_id"]),
        ("a template", good().replacen("idp.example.org\"", "{tenant}\"", 1), &["error metadata.template"]),
        ("a placeholder", good().replace("idp.example.org/sso", "YOUR-DOMAIN.example/sso"), &["warning metadata.placeholder"]),
        ("brackets", good().replace("idp.example.org/sso", "idp.example.org/{tenant}/sso"), &["warning metadata.endpoint_ignored", "error metadata.no_single_sign_on", "warning metadata.placeholder"]),
        ("twice", group(VALID, &good().repeat(2)), &["warning metadata.duplicate_entity", "warning metadata.duplicate_entity"]),
        ("an expired certificate", idp(&(key(&certificate(1_500_000_000, 1_600_000_000)) + REDIRECT)), &["warning metadata.certificate_expired"]),
        ("a certificate that expires soon", idp(&(key(&certificate(1_500_000_000, 1_796_000_000)) + REDIRECT)), &["note metadata.certificate_expires_soon"]),
        ("a certificate that begins later", idp(&(key(&CERTIFICATE) + &key(&certificate(1_900_000_000, 2_000_000_000)) + REDIRECT)), &["note metadata.certificate_not_yet_valid"]),
        ("no key", idp(REDIRECT), &["error metadata.no_signing_key"]),
        ("a key that cannot be read", idp(&(key("AAAA") + &key(&CERTIFICATE) + REDIRECT)), &["warning metadata.key_ignored"]),
        ("no sign-on", idp(&key(&CERTIFICATE)), &["error metadata.no_single_sign_on"]),
        ("sign-on by POST only", idp(&(key(&CERTIFICATE) + &post)), &["warning metadata.post_only"]),
        ("sign-on by POST too", idp(&(key(&CERTIFICATE) + &post + REDIRECT)), &[]),
        ("http", good().replace("Location=\"https:", "Location=\"http:"), &["error metadata.insecure_sign_on", "warning metadata.endpoint_insecure"]),
        ("http beside https", idp(&(key(&CERTIFICATE) + REDIRECT + &post.replace("https:", "http:"))), &["warning metadata.endpoint_insecure"]),
        ("http on this machine", good().replace("https://idp.example.org/sso", "http://localhost:8080/sso"), &[]),
        ("a relative address", idp(&(key(&CERTIFICATE) + REDIRECT + &post.replace("https://idp.example.org", ""))), &["warning metadata.endpoint_ignored"]),
        ("no assertion consumer", sp("", ""), &["error metadata.no_assertion_consumer"]),
        ("signed requests without a key", sp("AuthnRequestsSigned='true'", CONSUMER), &["error metadata.signs_without_key"]),
        ("signed requests", sp("AuthnRequestsSigned='true'", &(key(&CERTIFICATE) + CONSUMER)), &[]),
        ("one index twice", sp("", &CONSUMER.repeat(2)), &["warning metadata.repeated_index"]),
        ("two defaults", sp("", &(CONSUMER.replace("index=\"0\"", "index=\"0\" isDefault=\"true\"") + &CONSUMER.replace("index=\"0\"", "index=\"1\" isDefault=\"true\""))), &["warning metadata.several_defaults"]),
        ("two roles", good().replace("<md:IDPSSODescriptor", &format!("<md:IDPSSODescriptor {SAML2}>{}</md:IDPSSODescriptor><md:IDPSSODescriptor", key(&CERTIFICATE))), &["error metadata.several_roles"]),
        ("no protocol", sp("", CONSUMER).replace(SAML2, ""), &["warning metadata.role_without_protocol"]),
        ("nobody to ask", good().replace("technical", "billing"), &["note metadata.no_contact"]),
        ("no name", good().replace("OrganizationDisplayName", "OrganizationURL"), &["warning metadata.schema", "note metadata.no_display_name"]),
        ("a logo without TLS", mdui("<u:Logo height='1' width='1'> http://example.org/logo.png</u:Logo>"), &["note metadata.logo_insecure"]),
        ("a logo with it", mdui("<u:Logo height='1' width='1'>https://example.org/logo.png</u:Logo>"), &[]),
        ("a logo without a size", mdui("<u:Logo>https://example.org/logo.png</u:Logo>"), &["warning metadata.extension_ignored"]),
        ("a consumer by redirect", sp("", &(CONSUMER.to_owned() + &CONSUMER.replace("HTTP-POST", "HTTP-Redirect").replace("index=\"0\"", "index=\"1\""))), &["error metadata.consumer_binding"]),
        ("SAML 1.1 only", sp("", CONSUMER).replace("SAML:2.0:protocol", "SAML:1.1:protocol"), &["warning metadata.foreign_protocol"]),
        ("SAML 1.1 only of an identity provider", good().replace("SAML:2.0:protocol", "SAML:1.1:protocol"), &["error metadata.protocol"]),
        ("sign-on of SAML 1.1 only", good().replace("urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect", "urn:mace:shibboleth:1.0:profiles:AuthnRequest"), &["error metadata.foreign_bindings"]),
        ("an affiliation", good().replace("<md:Organization>", "<md:AffiliationDescriptor affiliationOwnerID='https://a.example'><md:AffiliateMember>https://b.example</md:AffiliateMember></md:AffiliationDescriptor><md:Organization>"), &["note metadata.affiliation"]),
        ("two subject identifiers", required(&["any", "subject-id"]), &["warning metadata.subject_id_requirement"]),
        ("a subject identifier that is none", required(&["name"]), &["warning metadata.subject_id_requirement"]),
        ("a subject identifier", required(&["any"]), &[]),
        ("a scope of all", scoped(r".+\.[a-z]+"), &["warning metadata.broad_scope"]),
        ("a scope of all universities", scoped(r"^(.+\.)?edu$"), &["warning metadata.broad_scope"]),
        ("a scope of a country", scoped(r".+\.ac\.uk"), &["warning metadata.broad_scope"]),
        ("a scope of its own", scoped(r"^(.+\.)?example\.org$"), &[]),
        ("broken", group(VALID, &good().replace(PEOPLE, "&nothing;")), &["error xml.reference"]),
        ("another namespace", group(VALID, &good().replace("SAML:2.0:metadata", "SAML:1.0:metadata")), &["error metadata.namespace"]),
        ("the scope's regexp", good().replacen("<md:IDPSSODescriptor", "<md:Extensions><s:Scope xmlns:s='urn:mace:shibboleth:metadata:1.0' regexp='no'>a</s:Scope></md:Extensions><md:IDPSSODescriptor", 1), &["warning metadata.scope_ignored"]),
    ];
    let mut wrong = Vec::new();
    for (name, xml, expected) in cases {
        let findings = lint(&xml);
        let mut found: Vec<String> =
            findings.iter().map(|one| format!("{} {}", one.severity().as_str(), one.code())).collect();
        let mut expected = expected.to_vec();
        found.sort();
        expected.sort_unstable();
        if found != expected {
            wrong.push(format!("{name}: {found:?}, expected {expected:?}"));
        }
        for finding in findings {
            assert!(!finding.message().is_empty() && !finding.clause().is_empty(), "{finding:?}");
            assert!(finding.remedy().ends_with('.'), "{finding:?}");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// RSA keys of 1024 bits are refused by the provider by default.
#[test]
fn weak_keys() {
    let Some(folder) = shared::folder() else { return };
    let pem = std::fs::read(folder.join("vectors/saml/_certs/20c3a4d18fe8fc7e.pem")).unwrap();
    let weak = Certificate::from_file_contents(&pem).unwrap().to_base64();
    let xml = idp(&(key(&weak) + REDIRECT));
    let codes = |provider: &Provider| {
        let aggregate = Aggregate::read(xml.as_bytes()).unwrap();
        let all = aggregate.lint(now(), provider).map(|one| one.code()).collect::<Vec<_>>();
        all.into_iter().filter(|code| *code == "metadata.weak_key").count()
    };
    assert_eq!(codes(&Provider::rustcrypto()), 1);
    assert_eq!(codes(&Provider::rustcrypto().danger_allow("rsa-1024").unwrap()), 0);
}

/// Of a thousand mistakes a hundred are reported, with the number of the others.
#[test]
fn findings_of_one_entity_are_bounded() {
    let many: String = (0..1_000)
        .map(|number| {
            CONSUMER
                .replace("https:", "http:")
                .replace("index=\"0\"", &format!("index=\"{number}\""))
                .replace("/acs", &format!("/acs/{number}"))
        })
        .collect();
    let findings = lint(&sp("", &many));
    assert_eq!(findings.len(), 101);
    let last = findings.last().unwrap();
    assert_eq!(last.code(), "metadata.left_out");
    assert_eq!(last.message(), "900 findings are left out, from number 101 on: at most 100 are kept");
}

/// More warnings than are told stand before an error: the errors are told all the same.
#[test]
fn no_number_of_warnings_hides_an_error() {
    let insecure: String = (0..150)
        .map(|number| REDIRECT.replace("https:", "http:").replace("/sso", &format!("/{number}")))
        .collect();
    let consumer = |number: usize| {
        let by_redirect = CONSUMER.replace("HTTP-POST", "HTTP-Redirect");
        by_redirect
            .replace("index=\"0\"", &format!("index=\"{number}\""))
            .replace("/acs", &format!("/{number}"))
    };
    let consumers: String = (0..150).map(consumer).collect();
    let role = format!(
        "<md:IDPSSODescriptor {SAML2}>{}{insecure}</md:IDPSSODescriptor><md:SPSSODescriptor {SAML2}>{consumers}</md:SPSSODescriptor>",
        key(&CERTIFICATE)
    );
    let past = entity("https://idp.example.org", &role).replace("2026-12-24", "2026-11-23");
    let findings = lint(&group(VALID, &past));
    let of = |code: &str| findings.iter().filter(|finding| finding.code() == code).count();
    assert_eq!((of("metadata.expired"), of("metadata.left_out")), (1, 1), "{findings:#?}");
    assert!((2..=100).contains(&of("metadata.consumer_binding")), "errors are bounded too");
    assert!(findings.len() <= 201);
}

/// A finding states where the entity is.
#[test]
fn findings_have_a_place() {
    let xml = group(VALID, &(good() + "\n" + &sp("", "")));
    let findings = lint(&xml);
    let [finding] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!((finding.place(), finding.entity_id()), (Some(2), Some("https://sp.example.org")));
    assert_eq!(finding.severity(), LintSeverity::Error);
    assert_eq!(finding.range().map(|range| range.start), xml.rfind("<md:EntityDescriptor"));
}

/// A newer document, and its changes.
#[test]
fn what_a_refresh_changes() {
    let other = certificate(1_600_000_000, 1_900_000_000);
    let [old_key, new_key] = [&*CERTIFICATE, &other].map(|base64| {
        let fingerprint = Certificate::from_base64(base64).unwrap().fingerprint_sha256();
        format!(
            "key {{}}: IDPSSODescriptor {{use}}: the certificate “CN=idp.example.org” (SHA-256 {fingerprint})"
        )
    });
    let words = |key: &str, change: &str, usage: &str| key.replace("{}", change).replace("{use}", usage);
    let old = group(VALID, &(good() + &sp("", CONSUMER)));
    let cases: Vec<(&str, String, Vec<String>)> = vec![
        ("nothing", old.clone(), vec![]),
        ("another order and white space", group(VALID, &(sp("", CONSUMER) + "\n" + &good())), vec![]),
        (
            "a key more",
            old.replacen("<md:KeyDescriptor", &(key(&other) + "<md:KeyDescriptor"), 1),
            vec![words(&new_key, "added", "encryption"), words(&new_key, "added", "signing")],
        ),
        (
            "another key",
            old.replace(&*CERTIFICATE, &other),
            vec![
                words(&old_key, "removed", "encryption"),
                words(&old_key, "removed", "signing"),
                words(&new_key, "added", "encryption"),
                words(&new_key, "added", "signing"),
            ],
        ),
        (
            "an address",
            old.replace("/sso", "/sso2"),
            vec![
                "endpoint removed: SingleSignOnService urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect https://idp.example.org/sso".to_owned(),
                "endpoint added: SingleSignOnService urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect https://idp.example.org/sso2".to_owned(),
            ],
        ),
        (
            "the document's time",
            old.replace(VALID, "validUntil='2026-12-25T00:00:00Z'"),
            vec!["valid_until changed: 2026-12-24T00:00:00Z becomes 2026-12-25T00:00:00Z".to_owned()],
        ),
        (
            "an entity's time",
            old.replacen("entityID=\"https://idp.example.org\" validUntil=\"2026-12-24", "entityID=\"https://idp.example.org\" validUntil=\"2026-12-01", 1),
            vec!["valid_until changed: 2026-12-24T00:00:00Z becomes 2026-12-01T00:00:00Z".to_owned()],
        ),
        (
            "a scope",
            old.replacen("<md:KeyDescriptor", "<md:Extensions><s:Scope xmlns:s='urn:mace:shibboleth:metadata:1.0'>example.org</s:Scope></md:Extensions><md:KeyDescriptor", 1),
            vec!["scope added: “example.org”".to_owned()],
        ),
        ("one gone", group(VALID, &good()), vec!["entity removed: it can be read".to_owned()]),
        ("one more", group(VALID, &(good() + &sp("", CONSUMER) + &sp("", CONSUMER).replace("https://sp.", "https://sp2."))), vec![
            "entity added: it can be read".to_owned(),
            "endpoint added: AssertionConsumerService urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST https://sp2.example.org/acs, index 0".to_owned(),
            "statement added: SPSSODescriptor protocolSupportEnumeration: “urn:oasis:names:tc:SAML:2.0:protocol”".to_owned(),
            "statement added: the entity: ContactPerson/EmailAddress: “mailto:help@example.org”".to_owned(),
            "statement added: the entity: EntityDescriptor/ContactPerson contactType: “technical”".to_owned(),
            "statement added: the entity: Organization/OrganizationDisplayName in “en”: “Example”".to_owned(),
            "statement added: the entity: Organization/OrganizationName in “en”: “E”".to_owned(),
            "statement added: the entity: Organization/OrganizationURL in “en”: “https://example.org”".to_owned(),
        ]),
    ];
    for (name, new, expected) in cases {
        let [before, after] = [&old, &new].map(|xml| Aggregate::read(xml.as_str()).unwrap());
        let changes = before.changes_to(&after);
        let shown: Vec<String> = changes.iter().map(ToString::to_string).collect();
        assert_eq!(shown, expected, "{name}");
        if !name.starts_with("one ") {
            assert_eq!(after.changes_to(&before).len(), shown.len(), "{name}: back again");
        }
    }
    // An entity that cannot be read any more.
    let broken =
        Aggregate::read(old.replacen("<md:KeyDescriptor>", "<md:KeyDescriptor>&nothing;", 1)).unwrap();
    let changes = Aggregate::read(old).unwrap().changes_to(&broken);
    let [change] = changes.as_slice() else { panic!("{changes:?}") };
    assert_eq!(
        (change.entity_id(), change.before()),
        (Some("https://idp.example.org"), Some("it can be read"))
    );
    assert!(change.after().unwrap().starts_with("it cannot be read: "), "{change}");
}
