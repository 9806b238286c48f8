//! Our own descriptor: its content, in the order of the schema.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests fail by panicking"
)]

use chrono::{TimeZone, Utc};
use vouchsafe_crypto::{Certificate, ContentCipher, KeyKind, Provider};
use vouchsafe_metadata::{
    Aggregate, AttributeConsumingService, Binding, Contact, ContactKind, EntityAttributes, EntityDescription,
    EntityId, Logo, MetadataDescription, Organization, RequestedAttribute, ServiceInformation,
    ServiceProviderDescriptor, SubjectIdRequirement, UserInterface, name_id_format,
};
use vouchsafe_signature::{Signer, TrustedKey};
use vouchsafe_testkit::shared;

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
    .with_information(
        ServiceInformation::default()
            .with_name_id_format(name_id_format::EMAIL_ADDRESS)
            .with_name_id_format(name_id_format::PERSISTENT),
    )
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
        "<md:Extensions>",
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

/// Makes a descriptor with everything that it can state.
fn whole(provider: &Provider) -> ServiceProviderDescriptor {
    let information = ServiceInformation::default()
        .with_user_interface(
            UserInterface::default()
                .with_display_name("en", "Example <Analytics>")
                .with_display_name("de", "Beispiel & Söhne")
                .with_description("en", "Figures for everybody")
                .with_keywords("en", &["figures", "two words"])
                .with_information_url("en", "https://app.example.com/about")
                .with_privacy_statement_url("en", "https://app.example.com/privacy")
                .with_logo(Logo::new("https://app.example.com/logo.png", 80, 60).in_language("en")),
        )
        .with_entity_attributes(
            EntityAttributes::default()
                .with(EntityAttributes::CATEGORY, ["https://refeds.org/category/personalized"])
                .with_subject_id_requirement(SubjectIdRequirement::Any)
                .with_subject_id_requirement(SubjectIdRequirement::PairwiseId),
        )
        .with_organization(Organization::new("en", "Example Ltd", "Example", "https://example.com"))
        .with_contact(Contact::new(ContactKind::Technical, "saml@example.com").with_given_name("SAML team"))
        .with_contact(Contact::new(ContactKind::Security, "mailto:cert@example.com").with_given_name("CERT"))
        .with_name_id_format(name_id_format::TRANSIENT)
        .with_attribute_consuming_service(
            AttributeConsumingService::new("en", "Example Analytics")
                .with_description("en", "Figures")
                .with_attribute(
                    RequestedAttribute::new("urn:oid:0.9.2342.19200300.100.1.3")
                        .with_friendly_name("mail")
                        .required(),
                )
                .with_attribute(RequestedAttribute::new("urn:oid:2.5.4.42")),
        )
        .with_attribute_consuming_service(
            AttributeConsumingService::new("en", "Another")
                .with_attribute(RequestedAttribute::new("urn:oid:2.5.4.4")),
        )
        .with_attribute_consuming_service(AttributeConsumingService::new("en", "Without attributes"))
        .with_discovery_response("https://app.example.com/saml/discovered")
        .unwrap();
    descriptor(provider)
        .with_information(information)
        .with_cache_duration(std::time::Duration::from_secs(21_600))
        .with_assertion_consumer_of_index(7, Binding::HttpPost, "https://old.example.com/saml/acs")
        .unwrap()
        .with_assertion_consumer(Binding::Paos, "https://app.example.com/saml/paos")
        .unwrap()
        .with_single_logout_and_responses(
            Binding::HttpPost,
            "https://app.example.com/saml/logout",
            "https://app.example.com/saml/logged-out",
        )
        .unwrap()
        .with_artifact_resolution("https://app.example.com/saml/artifacts")
        .unwrap()
}

fn described(xml: &str) -> EntityDescription {
    MetadataDescription::read(xml.as_bytes()).unwrap().into_entities().pop().unwrap()
}

#[test]
fn everything_that_can_be_said_reads_back() {
    let read = described(&whole(&Provider::rustcrypto()).to_xml().unwrap());
    assert!(read.warnings().is_empty() && read.roles()[0].warnings().is_empty(), "{read:?}");
    assert_eq!(read.display_name(), Some("Example <Analytics>"));
    assert_eq!(read.display_name_in(&["de"]), Some("Beispiel & Söhne"));
    assert_eq!(read.entity_attributes().subject_id_requirement(), Some(SubjectIdRequirement::PairwiseId));
    assert_eq!(read.entity_attributes().values(EntityAttributes::SUBJECT_ID_REQUIREMENT).count(), 1);
    assert_eq!(read.cache_duration().map(|duration| duration.as_secs()), Some(21_600));
    let contacts: Vec<_> =
        read.contacts().iter().map(|one| (one.kind(), one.email_addresses()[0].as_str())).collect();
    assert_eq!(
        contacts,
        [
            (&ContactKind::Technical, "mailto:saml@example.com"),
            (&ContactKind::Security, "mailto:cert@example.com")
        ]
    );
    let role = &read.roles()[0];
    assert_eq!(role.user_interface().keywords()[0].value(), "figures two+words");
    assert_eq!(role.name_id_formats(), [name_id_format::TRANSIENT]);
    let services: Vec<_> = role
        .attribute_consuming_services()
        .iter()
        .map(|one| (one.index(), one.is_default(), one.attributes().len()))
        .collect();
    assert_eq!(services, [(Some(0), true, 2), (Some(1), false, 1)], "one without attributes is not valid");
    assert!(role.attribute_consuming_services()[0].attributes()[0].is_required());
    let of = |kind: &str| -> Vec<(Option<u16>, bool, Option<String>)> {
        let endpoints = role.endpoints().iter().filter(|(name, _)| name == kind);
        let read = endpoints.map(|(_, endpoint)| endpoint.as_ref().unwrap());
        read.map(|one| (one.index(), one.is_default(), one.response_location().map(str::to_owned))).collect()
    };
    assert_eq!(
        of("AssertionConsumerService"),
        [(Some(0), true, None), (Some(1), false, None), (Some(7), false, None), (Some(8), false, None)]
    );
    assert_eq!(of("ArtifactResolutionService"), [(Some(0), true, None)]);
    let responses = Some("https://app.example.com/saml/logged-out".to_owned());
    assert_eq!(of("SingleLogoutService"), [(None, false, None), (None, false, responses)]);
    let discovered = role.discovery_responses()[0].clone();
    assert_eq!(discovered.location(), "https://app.example.com/saml/discovered");
    assert_eq!((discovered.index(), discovered.is_default()), (Some(0), true));
    assert!(role.other_extensions().is_empty());
}

#[test]
fn an_index_is_one_endpoints() {
    let twice = descriptor(&Provider::rustcrypto())
        .with_assertion_consumer_of_index(1, Binding::HttpPost, "https://app.example.com/other")
        .unwrap_err();
    assert_eq!(twice.code(), "metadata.index");
    assert_eq!(twice.to_string(), "two endpoints AssertionConsumerService have index 1");
}

#[test]
fn signed_on_demand() {
    let provider = Provider::rustcrypto();
    let key = provider.generate_key(KeyKind::P256).unwrap();
    let certificate =
        Certificate::self_signed(&provider, &key, "app.example.com", 1_600_000_000, 2_000_000_000).unwrap();
    let signer = Signer::new(&key).certificate(&certificate);
    let signed = whole(&provider).to_signed_xml(&signer, &provider).unwrap();
    let trusted = [TrustedKey::of_certificate(&certificate, "ours", &provider).unwrap()];
    let (aggregate, _) = Aggregate::read_signed(signed.clone(), &trusted, &provider).unwrap();
    assert_eq!(aggregate.len(), 1);
    let altered = signed.replace("app.example.com/saml/acs", "app.example.com/saml/abc");
    assert_eq!(
        Aggregate::read_signed(altered, &trusted, &provider).unwrap_err().code(),
        "signature.digest_mismatch"
    );
    let again = whole(&provider).to_signed_xml(&signer, &provider).unwrap();
    let id = |xml: &str| xml.split("ID=\"_").nth(1).unwrap()[..32].to_owned();
    assert_ne!(id(&signed), id(&again));
    is_valid(&[signed]);
}

#[test]
fn valid_by_the_published_schemas() {
    let provider = Provider::rustcrypto();
    let (plain, whole) = (descriptor(&provider).to_xml().unwrap(), whole(&provider).to_xml().unwrap());
    let written_again = described(&whole).to_xml().unwrap();
    is_valid(&[plain, whole.clone(), written_again]);
    // The validator must notice an invalid document.
    if let Some(valid) = validated(&whole.replace("<md:NameIDFormat>", "<md:NameIDFormat a=\"b\">")) {
        assert!(!valid);
    }
}

fn is_valid(documents: &[String]) {
    for xml in documents {
        assert_ne!(validated(xml), Some(false), "{xml}");
    }
}

/// Returns whether xmllint accepts the document; `None` without the schemas or without xmllint, which is a failure if
/// `CI` is set.
fn validated(xml: &str) -> Option<bool> {
    let schemas = shared::folder()?.join("vectors/xsd");
    let mut command = std::process::Command::new("xmllint");
    command.args(["--nonet", "--noout", "--schema"]).arg(schemas.join("all.xsd")).arg("-");
    command.env("XML_CATALOG_FILES", schemas.join("catalog.xml"));
    command.stdin(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let Ok(mut child) = command.spawn() else {
        assert!(std::env::var_os("CI").is_none_or(|value| value.is_empty()), "no xmllint (libxml2-utils)");
        return None;
    };
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), xml.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    if !output.status.success() {
        println!("{}", String::from_utf8_lossy(&output.stderr));
    }
    Some(output.status.success())
}
