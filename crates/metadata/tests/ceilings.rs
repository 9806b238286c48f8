//! Metadata with more values of each kind than are kept: the first ones are kept, and a warning counts the rest.
//!
//! The work grows linearly with the input, because values are only compared with kept values (`src/bounded.rs` counts
//! the comparisons), and values over a limit are not parsed.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests fail by panicking")]

use std::fmt::Write as _;
use std::sync::LazyLock;

use vouchsafe_crypto::{Certificate, KeyKind, Provider, base64_encode};
use vouchsafe_metadata::{EntityKey, IdentityProvider, MetadataDescription, MetadataError, Warning};

static CERTIFICATE: LazyLock<Certificate> = LazyLock::new(|| {
    let provider = Provider::rustcrypto();
    let key = provider.generate_key(KeyKind::P256).unwrap();
    Certificate::self_signed(&provider, &key, "idp.example.com", 1_600_000_000, 2_000_000_000).unwrap()
});

/// Makes certificates that differ in their last four bytes, which are in the signature. The signature is not checked.
fn certificate(number: u32) -> String {
    let mut der = CERTIFICATE.der().to_vec();
    let place = der.len().checked_sub(4).unwrap();
    der[place..].copy_from_slice(&number.to_be_bytes());
    base64_encode(&der)
}

fn key(usage: &str, certificate: &str) -> String {
    format!(
        "<md:KeyDescriptor {usage}><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
    )
}

fn keys(usage: &str, numbers: std::ops::Range<u32>) -> String {
    let mut all = String::new();
    for number in numbers {
        write!(all, "{}", key(usage, &certificate(number))).unwrap();
    }
    all
}

fn entity(content: &str) -> String {
    format!(
        r#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#"
             xmlns:shibmd="urn:mace:shibboleth:metadata:1.0" entityID="https://idp.example.com"><md:IDPSSODescriptor
             protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">{content}</md:IDPSSODescriptor></md:EntityDescriptor>"#
    )
}

const SIGNING: &str = r#"use="signing""#;
const ENCRYPTION: &str = r#"use="encryption""#;
const SSO: &str = r#"<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://idp.example.com/sso"/>"#;

/// Returns the kind, the limit, the first place and the count.
fn left_out(warnings: &[Warning]) -> Vec<(&'static str, usize, usize, usize)> {
    let each = warnings.iter().filter_map(|warning| match warning {
        Warning::LeftOut { what, limit, first, count, .. } => Some((*what, *limit, *first, *count)),
        _ => None,
    });
    each.collect()
}

fn read(content: &str) -> IdentityProvider {
    IdentityProvider::from_metadata(entity(content).as_bytes()).unwrap()
}

fn warnings(found: &IdentityProvider) -> Vec<Warning> {
    found.warnings(vouchsafe_testkit::ISSUE_INSTANT)
}

fn role_warnings(content: &str) -> Vec<Warning> {
    let metadata = MetadataDescription::read(entity(content).as_bytes()).unwrap();
    let all = metadata.entities();
    all[0].roles()[0].warnings().to_vec()
}

#[test]
fn forty_thousand_certificates() {
    let content = keys(SIGNING, 0..40_000) + SSO;
    let found = read(&content);
    let certificates = found.signing_keys().iter().filter_map(EntityKey::certificate);
    let kept: Vec<String> = certificates.map(Certificate::to_base64).collect();
    assert_eq!(kept, (0..32).map(certificate).collect::<Vec<_>>(), "the first, in document order");
    let expected = [("KeyDescriptors for signing", 32, 33, 39_968)];
    assert_eq!(left_out(&warnings(&found)), expected);
    assert_eq!(left_out(&role_warnings(&content)), expected);
}

/// At the limit nothing is left out.
#[test]
fn thirty_two_keys_of_each_use() {
    let found = read(&(keys(SIGNING, 0..32) + &keys(ENCRYPTION, 32..64) + SSO));
    assert_eq!((found.signing_keys().len(), found.encryption_keys().len()), (32, 32));
    assert_eq!(warnings(&found), []);
}

/// Keys of one use do not take the room of the other use, whatever comes first.
#[test]
fn encryption_keys_do_not_displace_signing_keys() {
    let found = read(&(keys(ENCRYPTION, 0..50) + &keys("", 50..52) + &keys(SIGNING, 52..53) + SSO));
    assert_eq!((found.signing_keys().len(), found.encryption_keys().len()), (3, 32));
    assert_eq!(left_out(&warnings(&found)), [("KeyDescriptors for encryption", 32, 33, 20)]);
}

#[test]
fn the_same_certificate_many_times_is_one() {
    let found = read(&(keys("", 7..8).repeat(5_000) + &keys(SIGNING, 8..9) + SSO));
    assert_eq!((found.signing_keys().len(), found.encryption_keys().len()), (2, 1));
    assert_eq!(warnings(&found), []);
}

/// A key after thousands of unreadable ones is found.
#[test]
fn unreadable_keys_take_no_room() {
    let content = key(SIGNING, "AAAA").repeat(10_000) + &keys(SIGNING, 0..1) + SSO;
    let found = read(&content);
    assert_eq!(found.signing_keys().len(), 1);
    let warnings = warnings(&found);
    assert_eq!(warnings.iter().filter(|warning| warning.code() == "metadata.key_ignored").count(), 32);
    let expected = ("reasons why a KeyDescriptor gives no key", 32, 33, 9_968);
    assert_eq!(left_out(&warnings), [expected]);
    let metadata = MetadataDescription::read(entity(&content).as_bytes()).unwrap();
    let all = metadata.entities();
    assert_eq!(all[0].roles()[0].unreadable_keys().len(), 32);

    let content = key(SIGNING, "AAAA").repeat(10_000);
    match IdentityProvider::from_metadata(entity(&content).as_bytes()).unwrap_err() {
        MetadataError::NoSigningKey { reasons, .. } => assert_eq!(reasons.len(), 32),
        other => panic!("{other}"),
    }
}

#[test]
fn eighty_thousand_names_of_extensions() {
    let mut content = String::from("<md:Extensions>");
    for number in 0..80_000 {
        // Each occurs twice, so that kept names occur again.
        write!(content, "<x{number} xmlns='urn:x'/><x{} xmlns='urn:x'/>", number % 256).unwrap();
    }
    content.push_str("</md:Extensions>");
    let metadata = MetadataDescription::read(entity(&content).as_bytes()).unwrap();
    let all = metadata.entities();
    let role = &all[0].roles()[0];
    let expected: Vec<String> = (0..256).map(|number| format!("{{urn:x}}x{number}")).collect();
    assert_eq!(role.extensions(), expected);
    assert_eq!(role.other_extensions().len(), 64);
    assert_eq!(
        left_out(role.warnings()),
        [("extensions of other kinds", 64, 65, 159_936), ("extensions", 256, 513, 79_744)]
    );
    assert_eq!(all[0].warnings(), []);
}

#[test]
fn endpoints_formats_and_scopes() {
    let scopes = |count: usize| "<shibmd:Scope>example.com</shibmd:Scope>".repeat(count);
    let content = format!(
        "<md:Extensions>{}</md:Extensions>{}{}{}{}",
        scopes(4_100),
        keys(SIGNING, 0..1),
        "<md:SingleLogoutService/>".repeat(50),
        "<md:NameIDFormat>urn:x</md:NameIDFormat>".repeat(100),
        SSO.repeat(2_000),
    );
    let found = read(&content);
    assert_eq!(found.single_sign_on().len(), 1_024);
    assert_eq!(found.name_id_formats().len(), 64);
    assert_eq!(found.scopes().len(), 4_096);
    let expected = [
        ("SingleSignOnService", 1_024, 1_025, 976),
        ("reasons why an endpoint cannot be used", 32, 33, 18),
        ("NameIDFormat", 64, 65, 36),
        ("shibmd:Scope", 4_096, 4_097, 4),
    ];
    let warnings = warnings(&found);
    assert_eq!(left_out(&warnings), expected);
    assert_eq!(warnings.iter().filter(|warning| warning.code() == "metadata.endpoint_ignored").count(), 32);
    let shown: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    let line = "976 SingleSignOnService are left out, from number 1025 on: at most 1024 are kept";
    assert!(shown.iter().any(|warning| warning == line), "{shown:?}");
    assert!(left_out(&role_warnings(&content)).contains(&("endpoints", 1_024, 1_025, 976)));
}

#[test]
fn roles_and_protocols() {
    let role = format!("<md:PDPDescriptor protocolSupportEnumeration='{}'/>", "a ".repeat(70));
    let content = format!("</md:IDPSSODescriptor>{}<md:IDPSSODescriptor>", role.repeat(99));
    let metadata = MetadataDescription::read(entity(&content).as_bytes()).unwrap();
    let all = metadata.entities();
    assert_eq!(all[0].roles().len(), 64);
    assert_eq!(left_out(all[0].warnings()), [("roles", 64, 65, 37)]);
    assert_eq!(all[0].roles()[1].protocols().len(), 64);
    assert_eq!(left_out(all[0].roles()[1].warnings()), [("protocols", 64, 65, 6)]);
}

/// Values given in code are not limited, and the warnings are not quadratic either: each certificate is named once.
#[test]
fn a_certificate_for_both_uses_has_one_warning() {
    let provider = Provider::rustcrypto();
    let private = provider.generate_key(KeyKind::P256).unwrap();
    let old = Certificate::self_signed(&provider, &private, "old", 1_500_000_000, 1_600_000_000).unwrap();
    let found = read(&(key("", &old.to_base64()).repeat(3) + SSO));
    let codes: Vec<&str> = warnings(&found).iter().map(Warning::code).collect();
    assert_eq!(codes, ["metadata.certificate_expired"]);
}

/// A value for which there is no room is not parsed, so it is not an unreadable key either.
#[test]
fn a_key_over_the_limit_is_not_read() {
    let signing = keys(SIGNING, 99..100);
    for (usage, what, rest) in [
        (SIGNING, "KeyDescriptors for signing", ""),
        (ENCRYPTION, "KeyDescriptors for encryption", signing.as_str()),
    ] {
        let found = warnings(&read(&(keys(usage, 0..32) + &key(usage, "AAAA") + rest + SSO)));
        assert_eq!(left_out(&found), [(what, 32, 33, 1)]);
        assert_eq!(found.len(), 1, "{found:?}");
    }
}
