//! Metadata is read or refused, and what is read of an identity provider stands in its IDPSSODescriptor.

use std::collections::HashSet;

use vouchsafe::crypto::Certificate;
use vouchsafe::metadata::{
    Aggregate, Binding, EntityDescription, EntityKey, MetadataDescription, ServiceInformation,
    ServiceProviderDescriptor,
};
use vouchsafe::xml::{Document, Element, Limits, namespace};
use vouchsafe::{EntityId, IdentityProvider};

use crate::ample;
use crate::receive_past_signature::NOW;

const METADATA: &str = namespace::SAML_METADATA;

/// The property of the target of that name.
pub fn check(data: &[u8]) {
    let described = MetadataDescription::read(data);
    described.iter().flat_map(MetadataDescription::entities).for_each(comes_back);
    // What is in UTF-16 is read as it was written anew.
    let aggregate = Aggregate::read(data);
    let data = aggregate.as_ref().map_or(data, Aggregate::bytes);
    match IdentityProvider::from_metadata(data) {
        Ok(identity_provider) => {
            let described = described.expect("what is trusted can be described");
            stands_there(data, &identity_provider, &described);
            assert!(
                described
                    .entities()
                    .iter()
                    .any(|one| one.entity_id() == identity_provider.entity_id().as_str())
            );
            let entity_id = identity_provider.entity_id();
            assert!(
                IdentityProvider::from_metadata_entity(data, entity_id).is_ok(),
                "found, but not by its name"
            );
        }
        Err(error) => assert!(!error.to_string().is_empty() && error.code().contains('.')),
    }
    our_own(data);
}

/// What was read of an entity can be written, and is read again.
fn comes_back(entity: &EntityDescription) {
    let written = entity.to_xml().expect("what was read can be written");
    let again = MetadataDescription::read(written.as_bytes()).expect("what we write is metadata");
    let [again] = again.entities() else { panic!("one entity: {written}") };
    assert_eq!(again.entity_id(), entity.entity_id());
    assert_eq!(again.to_xml().expect("the same"), written);
}

fn stands_there(data: &[u8], read: &IdentityProvider, described: &MetadataDescription) {
    let _ = (read.warnings(NOW), read.check_validity(NOW));
    // The depth of an entity is counted by itself.
    let Ok(document) = Document::parse(data, &ample()) else {
        // What stands in an element of another namespace is nobody's to read.
        let mut left_out = described.left_out().iter().map(|one| one.reason().code());
        assert!(left_out.any(|code| code == "metadata.namespace"), "accepted without being XML");
        return;
    };
    let id = read.entity_id().as_str();
    let entities = document.elements().filter(|element| element.is(METADATA, "EntityDescriptor"));
    let entities = entities.filter(|element| element.attribute("entityID").map(trimmed) == Some(id));
    let roles: Vec<Element<'_>> = entities
        .flat_map(|entity| entity.elements())
        .filter(|role| role.is(METADATA, "IDPSSODescriptor"))
        .filter(|role| {
            let protocols = role.attribute("protocolSupportEnumeration").unwrap_or_default();
            protocols.split_ascii_whitespace().any(|protocol| protocol == namespace::SAML_PROTOCOL)
        })
        .collect();
    assert!(!roles.is_empty(), "no such role");

    assert!(!read.signing_keys().is_empty(), "nothing can be verified");
    let signing = certificates(&roles, "encryption");
    assert!(read.signing_keys().iter().all(|one| stands_among(&signing, one)), "another's key");
    let encryption = certificates(&roles, "signing");
    assert!(read.encryption_keys().iter().all(|one| stands_among(&encryption, one)), "another's key");

    let endpoints = read.single_sign_on().iter().chain(read.single_logout());
    for endpoint in endpoints {
        let location = endpoint.location();
        assert!(location.starts_with("https://") || is_http(location), "{location}");
        let mut all = roles.iter().flat_map(|role| role.elements()).filter_map(|e| e.attribute("Location"));
        assert!(all.any(|other| trimmed(other) == location), "an address that stands nowhere");
    }
}

/// Keys as numbers have no bytes to be found again: those are for the reader's own tests.
fn stands_among(certificates: &HashSet<Vec<u8>>, key: &EntityKey) -> bool {
    key.certificate().is_none_or(|certificate| certificates.contains(certificate.der()))
}

/// The certificates of the key descriptors that are not for this use alone.
fn certificates(roles: &[Element<'_>], other_use: &str) -> HashSet<Vec<u8>> {
    let descriptors = roles.iter().flat_map(|role| role.elements());
    descriptors
        .filter(|element| element.is(METADATA, "KeyDescriptor"))
        .filter(|element| element.attribute("use").map(trimmed) != Some(other_use))
        .flat_map(|element| element.descendants())
        .filter(|element| element.is(namespace::DSIG, "X509Certificate"))
        .filter_map(|element| Certificate::all_from_base64(&element.text()).ok())
        .flatten()
        .map(|certificate| certificate.der().to_vec())
        .collect()
}

fn is_http(location: &str) -> bool {
    let scheme: String = location.chars().take(8).collect();
    let scheme = scheme.to_ascii_lowercase();
    scheme.starts_with("http://") || scheme == "https://"
}

/// Whatever an entity is called: our own descriptor is refused, or says it.
fn our_own(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let Ok(entity_id) = EntityId::new(&*text) else { return };
    let descriptor = ServiceProviderDescriptor::builder(entity_id.clone())
        .with_assertion_consumer(Binding::HttpPost, "https://app.example.com/acs")
        .expect("an address")
        .with_information(ServiceInformation::default().with_name_id_format(text.as_ref()));
    let Ok(xml) = descriptor.to_xml() else { return };
    let document = Document::parse(xml.as_bytes(), &Limits::metadata()).expect("our own XML");
    assert_eq!(document.root().attribute("entityID"), Some(entity_id.as_str()));
}

fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n'])
}
