//! Metadata of the test kit: one entity, and many in a group.

use vouchsafe_testkit::{IdentityProvider, OKTA_ENTITY_ID};

pub fn okta() -> String {
    IdentityProvider::okta().metadata().unwrap()
}

/// An entity with another entity ID, for a group.
pub fn named(entity_id: &str) -> String {
    let xml = okta().replacen(OKTA_ENTITY_ID, entity_id, 1);
    xml[xml.find("<md:EntityDescriptor").unwrap()..].to_owned()
}

/// An EntitiesDescriptor with these attributes.
pub fn group(attributes: &str, entities: &[String]) -> String {
    format!(
        "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" {attributes}>{}</md:EntitiesDescriptor>",
        entities.concat()
    )
}
