//! Identity provider metadata, as a table: what is read, and what is refused with which code.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests fail by panicking")]

mod departures;

use std::sync::LazyLock;

use chrono::{DateTime, TimeZone, Utc};
use vouchsafe_crypto::{Certificate, KeyKind, Provider};
use vouchsafe_metadata::{
    Binding, EntityId, EntityKey, IdentityProvider, MetadataDescription, MetadataError, Warning, WebAddress,
};

/// The certificate is valid from 2020-09-13 to 2033-05-18.
static CERTIFICATE: LazyLock<Certificate> =
    LazyLock::new(|| certificate("idp.example.com", 1_600_000_000, 2_000_000_000));

fn certificate(name: &str, not_before: i64, not_after: i64) -> Certificate {
    let provider = Provider::rustcrypto();
    let key = provider.generate_key(KeyKind::P256).unwrap();
    Certificate::self_signed(&provider, &key, name, not_before, not_after).unwrap()
}

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 24, 0, 1, 0).unwrap()
}

fn key(usage: &str, certificate: &str) -> String {
    format!(
        r#"<md:KeyDescriptor{usage}><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"#
    )
}

fn signing_key() -> String {
    key(r#" use="signing""#, &CERTIFICATE.to_base64())
}

const SSO: &str = r#"<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://idp.example.com/sso"/>"#;
const SAML2: &str = r#"protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol""#;
const MD: &str =
    r#"xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:shibmd="urn:mace:shibboleth:metadata:1.0""#;

fn role(attributes: &str, content: &str) -> String {
    format!("<md:IDPSSODescriptor {attributes}>{content}</md:IDPSSODescriptor>")
}

fn entity(attributes: &str, content: &str) -> String {
    format!("<md:EntityDescriptor {MD} {attributes}>{content}</md:EntityDescriptor>")
}

fn okta(content: &str) -> String {
    entity(r#"entityID="http://www.okta.com/exk1""#, &role(SAML2, content))
}

fn idp(id: &str) -> String {
    entity(&format!(r#"entityID="{id}""#), &role(SAML2, &(signing_key() + SSO)))
}

fn sp(id: &str) -> String {
    entity(&format!(r#"entityID="{id}""#), &format!("<md:SPSSODescriptor {SAML2}/>"))
}

fn group(attributes: &str, content: &str) -> String {
    format!("<md:EntitiesDescriptor {MD} {attributes}>{content}</md:EntitiesDescriptor>")
}

fn read(xml: &str) -> Result<IdentityProvider, MetadataError> {
    IdentityProvider::from_metadata(xml.as_bytes())
}

#[test]
fn okta_with_white_space_everywhere() {
    let certificate = CERTIFICATE.to_base64();
    let (first, rest) = certificate.split_at(64);
    let xml = entity(
        "entityID=\" http://www.okta.com/exk1\n\"",
        &role(
            &format!(r#"WantAuthnRequestsSigned=" false " errorURL=" https://help.example.com/ " {SAML2}"#),
            &(key(" use=\" signing \"", &format!("\n  {first}\n\t{rest}\r\n  "))
                + "<md:NameIDFormat>\n urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress <!-- e-mail -->\n</md:NameIDFormat>"
                + "<md:NameIDFormat> </md:NameIDFormat>"
                + "<md:SingleSignOnService Binding=' urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect ' Location='\n https://example.okta.com/app/x/exk1/sso/saml\n'/>"
                + SSO),
        ),
    );
    let okta = read(&xml).unwrap();
    assert_eq!(okta.entity_id().as_str(), "http://www.okta.com/exk1");
    assert_eq!(okta.signing_keys(), [EntityKey::from(CERTIFICATE.clone())]);
    assert!(okta.encryption_keys().is_empty());
    assert_eq!(okta.name_id_formats(), [vouchsafe_metadata::name_id_format::EMAIL_ADDRESS]);
    assert_eq!(
        okta.single_sign_on_at(&Binding::HttpRedirect).map(WebAddress::as_str),
        Some("https://example.okta.com/app/x/exk1/sso/saml")
    );
    assert_eq!(
        okta.single_sign_on_at(&Binding::HttpPost).map(WebAddress::as_str),
        Some("https://idp.example.com/sso")
    );
    assert!(!okta.wants_authn_requests_signed());
    assert_eq!(okta.error_url(), Some("https://help.example.com/"));
    assert_eq!(okta.valid_until(), None);
    okta.check_validity(now()).unwrap();
    let [warning] = &okta.warnings(now())[..] else { panic!("{:?}", okta.warnings(now())) };
    assert!(warning.to_string().contains("IDPSSODescriptor[1]/NameIDFormat[2] (xs:anyURI)"), "{warning}");
}

#[test]
fn keys_by_use() {
    let other = certificate("other.example.com", 1_600_000_000, 2_000_000_000);
    let base64 = CERTIFICATE.to_base64();
    let of_pem = vouchsafe_crypto::base64_encode(CERTIFICATE.to_pem().as_bytes());
    let cases = [
        ("signing", key(r#" use="signing""#, &base64), 1, 0),
        ("both", key("", &base64), 1, 1),
        ("the same twice", signing_key() + &signing_key(), 1, 0),
        ("a rollover", signing_key() + &key(r#" use="signing""#, &other.to_base64()), 2, 0),
        ("ADFS: base64 of PEM", key(r#" use="signing""#, &of_pem), 1, 0),
        ("one of each", signing_key() + &key(r#" use="encryption""#, &other.to_base64()), 1, 1),
        ("an unreadable one beside", key(r#" use="signing""#, "AAAA") + &signing_key(), 1, 0),
    ];
    for (name, keys, signing, encryption) in cases {
        let found = read(&okta(&(keys + SSO))).unwrap();
        assert_eq!(found.signing_keys().len(), signing, "{name}");
        assert_eq!(found.encryption_keys().len(), encryption, "{name}");
    }
}

#[test]
fn refusals() {
    let several =
        group("", &(idp("https://a.example") + &idp("https://b.example") + &sp("https://c.example")));
    let cases = [
        ("not XML", "{}".to_owned(), "xml."),
        ("a DOCTYPE", format!("<!DOCTYPE x>{}", idp("https://a.example")), "xml."),
        ("another root", "<html/>".to_owned(), "metadata.root"),
        (
            "another namespace",
            idp("https://a.example").replace("SAML:2.0:metadata", "SAML:1.0:metadata"),
            "metadata.root",
        ),
        ("no entityID", entity("", &role(SAML2, &(signing_key() + SSO))), "metadata.entity_id"),
        ("empty entityID", idp(" "), "metadata.entity_id"),
        ("a service provider", sp("https://a.example"), "metadata.no_identity_provider"),
        ("an empty aggregate", group("", ""), "metadata.no_identity_provider"),
        (
            "an aggregate of service providers",
            group("", &sp("https://a.example")),
            "metadata.no_identity_provider",
        ),
        ("several", several, "metadata.several_identity_providers"),
        (
            "SAML 1.1",
            idp("https://a.example").replace("SAML:2.0:protocol", "SAML:1.1:protocol"),
            "metadata.protocol",
        ),
        ("no protocol", idp("https://a.example").replace(SAML2, ""), "metadata.protocol"),
        ("no key", okta(SSO), "metadata.no_signing_key"),
        (
            "an encryption key only",
            okta(&(key(r#" use="encryption""#, &CERTIFICATE.to_base64()) + SSO)),
            "metadata.no_signing_key",
        ),
        ("an unreadable key", okta(&(key(r#" use="signing""#, "AAAA") + SSO)), "metadata.no_signing_key"),
        (
            "a key in the wrong namespace",
            okta(&(signing_key().replace("2000/09/xmldsig#", "2001/09/xmldsig#") + SSO)),
            "metadata.no_signing_key",
        ),
        (
            "another use",
            okta(&(key(r#" use="sign""#, &CERTIFICATE.to_base64()) + SSO)),
            "metadata.no_signing_key",
        ),
        (
            "a certificate in a comment",
            okta(&(key(r#" use="signing""#, &format!("<!--{}-->", CERTIFICATE.to_base64())) + SSO)),
            "metadata.no_signing_key",
        ),
        (
            "two roles",
            entity(r#"entityID="https://a.example""#, &role(SAML2, &signing_key()).repeat(2)),
            "metadata.several_roles",
        ),
        (
            "a boolean that is none",
            idp("https://a.example").replace(SAML2, &format!("{SAML2} WantAuthnRequestsSigned='yes'")),
            "metadata.attribute",
        ),
        (
            "a time that is none",
            idp("https://a.example").replace("entityID", "validUntil='soon' entityID"),
            "metadata.attribute",
        ),
    ];
    for (name, xml, code) in cases {
        let error = read(&xml).map(|found| found.entity_id().to_string()).expect_err(name);
        assert!(error.code().starts_with(code), "{name}: {} {error}", error.code());
        assert!(error.hint().ends_with('.'), "{name}");
    }
}

#[test]
fn messages_name_what_was_found() {
    let names: String = (0..7).map(|n| idp(&format!("https://{n}.example"))).collect();
    let error = read(&group("", &names)).unwrap_err().to_string();
    assert!(
        error.contains("7 identity providers")
            && error.contains("https://0.example")
            && error.contains("..."),
        "{error}"
    );

    let error = read(&okta(&(key(r#" use="signing""#, "AAAA") + &key(r#" use="sign""#, "") + SSO)))
        .unwrap_err()
        .to_string();
    assert!(error.contains("KeyDescriptor 1") && error.contains("KeyDescriptor 2: use=“sign”"), "{error}");
}

#[test]
fn aggregates() {
    let inner = group(r#"validUntil="2027-01-01T00:00:00Z""#, &idp("https://a.example"));
    let xml = group(r#"validUntil="2028-01-01T00:00:00Z""#, &(sp("https://sp.example") + &inner));
    let only = read(&xml).unwrap();
    assert_eq!(only.entity_id().as_str(), "https://a.example");
    assert_eq!(only.valid_until(), Some(Utc.with_ymd_and_hms(2027, 1, 1, 0, 0, 0).unwrap()));

    let named =
        |id: &str| IdentityProvider::from_metadata_entity(xml.as_bytes(), &EntityId::new(id).unwrap());
    assert_eq!(named("https://a.example").unwrap().entity_id().as_str(), "https://a.example");
    assert_eq!(named("https://a.example/").unwrap_err().code(), "metadata.unknown_entity");
    assert_eq!(named("https://sp.example").unwrap_err().code(), "metadata.not_an_identity_provider");

    let twice = group("", &idp("https://a.example").repeat(2));
    let first = IdentityProvider::from_metadata_entity(
        twice.as_bytes(),
        &EntityId::new("https://a.example").unwrap(),
    );
    let codes: Vec<&str> = first.unwrap().warnings(now()).iter().map(Warning::code).collect();
    assert_eq!(codes, ["metadata.duplicate_entity"]);

    let hidden = entity(
        r#"entityID="https://sp.example""#,
        &format!(
            "<md:Extensions>{}</md:Extensions><md:SPSSODescriptor {SAML2}/>",
            idp("https://evil.example")
        ),
    );
    assert_eq!(read(&hidden).unwrap_err().code(), "metadata.no_identity_provider");

    // A SAML 1.1 provider next to the only usable one does not make a choice necessary.
    let old = idp("https://old.example").replace("SAML:2.0:protocol", "SAML:1.1:protocol");
    assert_eq!(
        read(&group("", &(old + &idp("https://new.example")))).unwrap().entity_id().as_str(),
        "https://new.example"
    );
}

#[test]
fn the_earliest_valid_until_counts_and_now_decides() {
    let cases = [
        ("", "", None),
        ("2027-01-01T00:00:00Z", "", Some(2027)),
        ("", "2028-01-01T00:00:00.5Z", Some(2028)),
        ("2029-01-01T00:00:00Z", "2026-01-01T00:00:00Z", Some(2026)),
    ];
    for (of_entity, of_role, year) in cases {
        let attribute =
            |value: &str| if value.is_empty() { String::new() } else { format!("validUntil='{value}'") };
        let xml = entity(
            &format!("entityID='https://a.example' {}", attribute(of_entity)),
            &role(&format!("{SAML2} {}", attribute(of_role)), &(signing_key() + SSO)),
        );
        let found = read(&xml).unwrap();
        assert_eq!(
            found.valid_until().map(|time| time.format("%Y").to_string()),
            year.map(|year: i32| year.to_string())
        );
        let expired = year.is_some_and(|year| year <= 2026);
        assert_eq!(found.check_validity(now()).is_err(), expired);
        assert_eq!(found.warnings(now()).iter().any(|w| w.code() == "metadata.expired"), expired);
    }
    let xml = idp("https://a.example").replace("entityID", "validUntil='2026-11-24T00:01:00Z' entityID");
    let error = read(&xml).unwrap().check_validity(now()).unwrap_err();
    assert_eq!(error.code(), "metadata.expired");
    assert_eq!(
        error.to_string(),
        "the metadata was valid until 2026-11-24T00:01:00Z; now is 2026-11-24T00:01:00Z"
    );
}

#[test]
fn warnings_do_not_refuse() {
    let expired = certificate("old.example.com", 1_500_000_000, 1_600_000_000);
    let future = certificate("next.example.com", 1_900_000_000, 2_000_000_000);
    let both = key("", &expired.to_base64()) + &key(r#" use="signing""#, &future.to_base64());
    let odd = r#"<md:SingleLogoutService Binding="urn:x" Location="javascript:alert(1)"/>
                 <md:SingleLogoutService Location="https://idp.example.com/slo"/>
                 <md:SingleLogoutService Binding="urn:x" Location="https://idp.example.com/slo" ResponseLocation="/slo"/>
                 <md:ArtifactResolutionService Binding="urn:x" Location="https://idp.example.com/a" index="70000"/>"#;
    let found = read(&okta(&(both + &key(r#" use="signing""#, "AAAA") + odd))).unwrap();
    assert_eq!(found.signing_keys().len(), 2);
    assert!(found.single_logout().is_empty() && found.artifact_resolution().is_empty());
    let codes: Vec<&str> = found.warnings(now()).iter().map(Warning::code).collect();
    assert_eq!(
        codes,
        [
            "metadata.certificate_expired",
            "metadata.certificate_not_yet_valid",
            "metadata.key_ignored",
            "metadata.no_single_sign_on",
            "metadata.endpoint_ignored",
            "metadata.endpoint_ignored",
            "metadata.endpoint_ignored",
            "metadata.endpoint_ignored",
        ]
    );
    assert!(found.warnings(now()).iter().all(|warning| !warning.to_string().is_empty()));
}

#[test]
fn endpoints_scopes_and_names() {
    let content = r#"<md:Extensions><shibmd:Scope regexp="false"> example.com </shibmd:Scope><shibmd:Scope regexp="1">^.+\.example\.org$</shibmd:Scope></md:Extensions>"#.to_owned()
        + &signing_key()
        + r#"<md:ArtifactResolutionService index="3" isDefault="true" Binding="urn:oasis:names:tc:SAML:2.0:bindings:SOAP" Location="https://idp.example.com/artifact"/>
             <md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://idp.example.com/slo" ResponseLocation="https://idp.example.com/slo/callback"/>"#
        + SSO;
    let organization = r#"<md:Organization><md:OrganizationDisplayName xml:lang="de">Beispiel</md:OrganizationDisplayName><md:OrganizationDisplayName xml:lang="en-GB">Example</md:OrganizationDisplayName></md:Organization>"#;
    let found =
        read(&entity(r#"entityID="https://a.example""#, &(role(SAML2, &content) + organization))).unwrap();
    let scopes: Vec<(&str, bool)> =
        found.scopes().iter().map(|scope| (scope.value(), scope.is_pattern())).collect();
    assert_eq!(scopes, [("example.com", false), (r"^.+\.example\.org$", true)]);
    assert_eq!(found.display_name(), Some("Example"));
    let artifact = &found.artifact_resolution()[0];
    assert_eq!(
        (artifact.index(), artifact.is_default(), artifact.binding()),
        (Some(3), true, &Binding::Soap)
    );
    let logout = found.single_logout_at(&Binding::HttpPost).unwrap();
    assert_eq!(logout.location_of_responses(), "https://idp.example.com/slo/callback");
    assert_eq!(artifact.location_of_responses(), artifact.location());
}

#[test]
fn written_in_code() {
    let id = EntityId::new("http://www.okta.com/exk1").unwrap();
    let bad = IdentityProvider::new(id.clone()).with_signing_certificate_pem("MIIB").unwrap_err();
    assert_eq!(bad.code(), "metadata.certificate");
    let base = IdentityProvider::new(id).with_signing_certificate_pem(&CERTIFICATE.to_pem()).unwrap();
    let bad = base.clone().with_single_sign_on(Binding::HttpPost, "javascript:alert(1)").unwrap_err();
    assert_eq!(bad.code(), "metadata.location");
}

#[test]
fn descriptions_hold_every_role() {
    let xml =
        group(r#"validUntil="2027-01-01T00:00:00Z""#, &(idp("https://a.example") + &sp("https://b.example")));
    let metadata = MetadataDescription::read(xml.as_bytes()).unwrap();
    let all = metadata.entities();
    let ids: Vec<(&str, bool)> =
        all.iter().map(|entity| (entity.entity_id(), entity.is_identity_provider())).collect();
    assert_eq!(ids, [("https://a.example", true), ("https://b.example", false)]);
    let role = &all[0].roles()[0];
    assert_eq!(role.signing_keys(), [EntityKey::from(CERTIFICATE.clone())]);
    assert_eq!(role.endpoints()[0].0, "SingleSignOnService");
    assert!(all.iter().all(|entity| entity.valid_until().is_some()));
}

#[test]
fn an_address_without_tls_is_a_warning_and_one_on_this_machine_is_none() {
    let service = |name: &str, location: &str| {
        let index = if name == "ArtifactResolutionService" { r#" index="0""# } else { "" };
        format!(
            r#"<md:{name}{index} Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{location}"/>"#
        )
    };
    for name in ["ArtifactResolutionService", "SingleLogoutService", "SingleSignOnService"] {
        let insecure = |location: &str| {
            let own = service(name, location);
            let sign_on = if name == "SingleSignOnService" { "" } else { SSO };
            let found = read(&okta(&[signing_key().as_str(), &own, sign_on].concat())).unwrap();
            let warnings = found.warnings(now());
            let shown: Vec<_> =
                warnings.iter().map(|warning| (warning.code(), warning.to_string())).collect();
            assert!(
                shown.iter().all(|(code, text)| *code == "metadata.endpoint_insecure" && text.contains(name))
            );
            shown.len()
        };
        assert_eq!(insecure("http://idp.example.com/x"), 1, "{name}");
        assert_eq!(insecure("https://idp.example.com/x"), 0, "{name}");
        assert_eq!(insecure("http://127.0.0.1:7080/x"), 0, "{name}");
    }
}

#[test]
fn another_entity_does_not_take_the_place_of_the_one_that_was_expected() {
    let found = read(&okta(&(signing_key() + SSO))).unwrap();
    let id = found.entity_id().clone();
    assert_eq!(found.clone().expected_to_be(&id).unwrap().entity_id(), &id);
    let other = EntityId::new("http://www.okta.com/exk2").unwrap();
    assert_eq!(found.expected_to_be(&other).unwrap_err().code(), "metadata.other_entity");
}

/// The first address to which a browser would be sent counts; the other ones are for messages between machines.
#[test]
fn a_sign_on_without_tls_is_named() {
    let at = |binding: &str, location: &str| {
        let binding = format!("urn:oasis:names:tc:SAML:2.0:bindings:{binding}");
        format!(r#"<md:SingleSignOnService Binding="{binding}" Location="{location}"/>"#)
    };
    let (plain, loopback) = ("http://idp.example.com/sso", "http://127.0.0.1:7080/sso");
    for (services, expected) in [
        (SSO.to_owned(), None),
        (SSO.to_owned() + &at("HTTP-Redirect", plain), Some(plain)),
        (SSO.to_owned() + &at("HTTP-POST", plain), Some(plain)),
        (SSO.to_owned() + &at("SOAP", plain), None),
        (SSO.to_owned() + &at("HTTP-Redirect", loopback), None),
    ] {
        let found = read(&okta(&(signing_key() + &services))).unwrap();
        assert_eq!(found.insecure_single_sign_on().map(WebAddress::as_str), expected, "{services}");
    }
}
