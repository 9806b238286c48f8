//! Our own descriptor: what is in it, and in which order the schema wants it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests fail by panicking")]

use chrono::{TimeZone, Utc};
use vouchsafe_crypto::{Certificate, ContentCipher, KeyKind, Provider};
use vouchsafe_metadata::{Binding, EntityId, MetadataDescription, ServiceProviderDescriptor, name_id_format};

fn descriptor(provider: &Provider) -> ServiceProviderDescriptor {
    let certificate = |name: &str| {
        let key = provider.generate_key(KeyKind::P256).unwrap();
        Certificate::self_signed(provider, &key, name, 1_600_000_000, 2_000_000_000).unwrap()
    };
    ServiceProviderDescriptor::builder(
        EntityId::new("https://app.example.com/saml/metadata?a=1&b=2").unwrap(),
    )
    .with_assertion_consumer(Binding::HttpPost, "https://app.example.com/saml/acs")
    .unwrap()
    .with_assertion_consumer(Binding::HttpArtifact, "https://app.example.com/saml/artifact")
    .unwrap()
    .with_single_logout(Binding::HttpRedirect, "https://app.example.com/saml/logout")
    .unwrap()
    .with_signing_certificate(certificate("signing"))
    .with_encryption_certificate(certificate("encryption now"))
    .with_encryption_certificate(certificate("encryption next"))
    .with_name_id_format(name_id_format::EMAIL_ADDRESS)
    .with_name_id_format(name_id_format::PERSISTENT)
    .with_authn_requests_signed(true)
    .with_algorithms_of(provider)
    .with_valid_until(Utc.with_ymd_and_hms(2027, 1, 1, 0, 0, 0).unwrap())
}

#[test]
fn reads_back() {
    let xml = descriptor(&Provider::rustcrypto()).to_xml().unwrap();
    let metadata = MetadataDescription::read(xml.as_bytes()).unwrap();
    let entity = &metadata.entities()[0];
    assert_eq!(entity.entity_id(), "https://app.example.com/saml/metadata?a=1&b=2");
    assert_eq!(entity.valid_until(), Some(Utc.with_ymd_and_hms(2027, 1, 1, 0, 0, 0).unwrap()));
    let role = &entity.roles()[0];
    assert_eq!(role.name(), "SPSSODescriptor");
    assert_eq!(role.signing_keys().len(), 1);
    assert_eq!(role.encryption_keys().len(), 2);
    assert_eq!(role.name_id_formats(), [name_id_format::EMAIL_ADDRESS, name_id_format::PERSISTENT]);
    let consumers: Vec<(Option<u16>, bool)> = role
        .endpoints()
        .iter()
        .filter(|(name, _)| name == "AssertionConsumerService")
        .map(|(_, endpoint)| endpoint.as_ref().unwrap())
        .map(|endpoint| (endpoint.index(), endpoint.is_default()))
        .collect();
    assert_eq!(consumers, [(Some(0), true), (Some(1), false)]);
}

#[test]
fn stands_in_the_order_of_the_schema() {
    let xml = descriptor(&Provider::rustcrypto()).to_xml().unwrap();
    let order = [
        "<md:EntityDescriptor ",
        "<md:SPSSODescriptor ",
        "<md:Extensions ",
        "<alg:DigestMethod ",
        "<alg:SigningMethod ",
        "use=\"signing\"",
        "use=\"encryption\"",
        "<md:EncryptionMethod ",
        "<md:SingleLogoutService ",
        "<md:NameIDFormat>",
        "<md:AssertionConsumerService ",
    ];
    let places: Vec<usize> =
        order.iter().map(|part| xml.find(part).unwrap_or_else(|| panic!("{part} in {xml}"))).collect();
    assert!(places.is_sorted(), "{places:?} {xml}");
}

#[test]
fn publishes_what_the_provider_accepts_and_nothing_else() {
    let legacy = "http://www.w3.org/2000/09/xmldsig#rsa-sha1";
    let xml = descriptor(&Provider::rustcrypto()).to_xml().unwrap();
    assert!(!xml.contains(legacy) && !xml.contains("rsa-1_5") && !xml.contains("tripledes"));
    let gcm = xml.find(ContentCipher::Aes256Gcm.uri()).unwrap();
    assert!(gcm < xml.find(ContentCipher::Aes256Cbc.uri()).unwrap(), "authenticated ciphers come first");

    let without_cbc = Provider::rustcrypto().deny(ContentCipher::Aes256Cbc.uri()).unwrap();
    assert!(!descriptor(&without_cbc).to_xml().unwrap().contains(ContentCipher::Aes256Cbc.uri()));
    let weakened = Provider::rustcrypto().danger_allow(legacy).unwrap();
    assert!(descriptor(&weakened).to_xml().unwrap().contains(legacy));
}

#[test]
fn addresses_are_checked() {
    let builder = || ServiceProviderDescriptor::builder(EntityId::new("https://app.example.com").unwrap());
    for bad in ["", "/saml/acs", "javascript:alert(1)", "app.example.com/acs"] {
        let error = builder().with_assertion_consumer(Binding::HttpPost, bad).unwrap_err();
        assert_eq!(error.code(), "metadata.location", "{bad}");
        assert!(error.to_string().contains("AssertionConsumerService"), "{error}");
    }
}
