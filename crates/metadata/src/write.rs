//! This module writes an entity as metadata, in the order of the schema (saml-schema-metadata-2.0).

use std::time::Duration;

use chrono::{DateTime, Utc};
use vouchsafe_crypto::base64_encode;
use vouchsafe_xml::Writer;
use vouchsafe_xml::namespace::{DSIG, DSIG11, SAML_ASSERTION, SAML_METADATA};

use crate::role_description::KINDS;
use crate::service_information::write_discovery_response;
use crate::value_writers::{boolean, duration, instant, write_endpoint};
use crate::{
    AlgorithmSupport, Endpoint, EntityAttributes, EntityDescription, EntityKey, Extension, MetadataError,
    Registration, RoleDescription, Scope, UserInterface,
};

impl EntityDescription {
    /// Returns the entity as a document of its own, without a signature. It contains everything that is described
    /// here. It does not contain what the [`warnings`](Self::warnings) name, nor keys that cannot be read.
    ///
    /// ```
    /// use vouchsafe_metadata::MetadataDescription;
    ///
    /// let read = |xml: &str| MetadataDescription::read(xml.as_bytes());
    /// let document = r#"<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://sp.example.com">
    ///     <SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"/>
    /// </EntityDescriptor>"#;
    /// let written = read(document)?.entities()[0].to_xml()?;
    /// assert_eq!(read(&written)?.entities()[0].to_xml()?, written);
    /// # Ok::<(), vouchsafe_metadata::MetadataError>(())
    /// ```
    ///
    /// # Errors
    /// `xml.*` if a value contains a character that XML cannot represent.
    pub fn to_xml(&self) -> Result<String, MetadataError> {
        let mut writer = Writer::new();
        start_entity(&mut writer, self.entity_id(), self.valid_until, self.cache_duration);
        Extensions {
            entity_attributes: Some(&self.entity_attributes),
            registration: self.registration.as_ref(),
            algorithm_support: Some(&self.algorithm_support),
            scopes: &self.scopes,
            others: &self.other_extensions,
            ..Extensions::default()
        }
        .write(&mut writer);
        self.roles.iter().for_each(|role| role.write(&mut writer));
        self.organization.iter().for_each(|organization| organization.write(&mut writer));
        self.contacts.iter().for_each(|contact| contact.write(&mut writer));
        writer.end();
        Ok(writer.finish()?)
    }
}

impl RoleDescription {
    pub(crate) fn write(&self, writer: &mut Writer) {
        if let Some(other) = &self.other {
            return other.write(writer);
        }
        if !KINDS.contains(&self.name.as_str()) {
            return;
        }
        let element = format!("md:{}", self.name);
        writer.start(&element);
        if !self.offered_attributes.is_empty() {
            writer.namespace("saml", SAML_ASSERTION);
        }
        writer.optional_attribute("validUntil", self.valid_until.map(instant).as_deref());
        writer.optional_attribute("cacheDuration", self.cache_duration.map(duration).as_deref());
        if !self.protocols.is_empty() {
            writer.attribute("protocolSupportEnumeration", &self.protocols.join(" "));
        }
        writer.optional_attribute("errorURL", self.error_url.as_deref());
        self.flags.iter().for_each(|(name, value)| _ = writer.attribute(name, boolean(*value)));
        Extensions {
            user_interface: Some(&self.user_interface),
            algorithm_support: Some(&self.algorithm_support),
            scopes: &self.scopes,
            discovery_responses: &self.discovery_responses,
            others: &self.other_extensions,
            ..Extensions::default()
        }
        .write(writer);
        write_keys(writer, &self.signing, &self.encryption, &self.encryption_methods);
        self.organization.iter().for_each(|organization| organization.write(writer));
        self.contacts.iter().for_each(|contact| contact.write(writer));
        let is_single_sign_on = self.name.ends_with("SSODescriptor");
        self.write_services(
            writer,
            &["ArtifactResolutionService", "SingleLogoutService", "ManageNameIDService"],
        );
        if is_single_sign_on {
            self.write_name_id_formats(writer);
        }
        self.write_services(
            writer,
            &[
                "SingleSignOnService",
                "NameIDMappingService",
                "AuthnQueryService",
                "AttributeService",
                "AuthzService",
                "AssertionIDRequestService",
            ],
        );
        if !is_single_sign_on {
            self.write_name_id_formats(writer);
        }
        self.attribute_profiles.iter().for_each(|one| _ = writer.element("md:AttributeProfile", one));
        self.offered_attributes.iter().for_each(|one| one.write(writer, "saml:Attribute"));
        self.write_services(writer, &["AssertionConsumerService"]);
        self.consuming_services.iter().for_each(|service| service.write(writer));
        writer.end();
    }

    fn write_name_id_formats(&self, writer: &mut Writer) {
        self.name_id_formats.iter().for_each(|format| _ = writer.element("md:NameIDFormat", format));
    }

    fn write_services(&self, writer: &mut Writer, names: &[&str]) {
        for wanted in names {
            let of_kind = self.endpoints.iter().filter(|(name, _)| name == wanted);
            for endpoint in of_kind.filter_map(|(_, endpoint)| endpoint.as_ref().ok()) {
                write_endpoint(writer, &format!("md:{wanted}"), endpoint);
            }
        }
    }
}

/// The children of md:Extensions. Each declares its own prefix.
#[derive(Default)]
pub(crate) struct Extensions<'e> {
    pub(crate) entity_attributes: Option<&'e EntityAttributes>,
    pub(crate) registration: Option<&'e Registration>,
    pub(crate) user_interface: Option<&'e UserInterface>,
    pub(crate) algorithm_support: Option<&'e AlgorithmSupport>,
    pub(crate) scopes: &'e [Scope],
    pub(crate) others: &'e [Extension],
    pub(crate) discovery_responses: &'e [Endpoint],
}

impl Extensions<'_> {
    /// Writes the element, unless it would be empty, which is not allowed (2.3.1).
    pub(crate) fn write(&self, writer: &mut Writer) {
        let is_empty = self.entity_attributes.is_none_or(EntityAttributes::is_empty)
            && self.registration.is_none()
            && self.user_interface.is_none_or(UserInterface::is_empty)
            && self.algorithm_support.is_none_or(AlgorithmSupport::is_empty)
            && self.scopes.is_empty()
            && self.others.is_empty()
            && self.discovery_responses.is_empty();
        if is_empty {
            return;
        }
        writer.start("md:Extensions");
        self.registration.iter().for_each(|one| one.write(writer));
        self.entity_attributes.iter().for_each(|one| one.write(writer));
        self.algorithm_support.iter().for_each(|one| one.write(writer));
        self.scopes.iter().for_each(|one| one.write(writer));
        self.user_interface.iter().for_each(|one| one.write(writer));
        self.discovery_responses.iter().for_each(|one| write_discovery_response(writer, one));
        self.others.iter().for_each(|one| one.write(writer));
        writer.end();
    }
}

/// Writes the start of the entity. The element stays open.
pub(crate) fn start_entity(
    writer: &mut Writer,
    entity_id: &str,
    valid_until: Option<DateTime<Utc>>,
    cache_duration: Option<Duration>,
) {
    writer.start("md:EntityDescriptor").namespace("md", SAML_METADATA).attribute("entityID", entity_id);
    writer.optional_attribute("validUntil", valid_until.map(instant).as_deref());
    writer.optional_attribute("cacheDuration", cache_duration.map(duration).as_deref());
}

/// Writes the keys. A key for both uses is written once, without `use`. The algorithms are written with every
/// encryption key.
pub(crate) fn write_keys(
    writer: &mut Writer,
    signing: &[EntityKey],
    encryption: &[EntityKey],
    encryption_methods: &[String],
) {
    for key in signing {
        match encryption.contains(key) {
            true => write_key(writer, None, key, encryption_methods),
            false => write_key(writer, Some("signing"), key, &[]),
        }
    }
    for key in encryption.iter().filter(|key| !signing.contains(key)) {
        write_key(writer, Some("encryption"), key, encryption_methods);
    }
}

fn write_key(writer: &mut Writer, usage: Option<&str>, key: &EntityKey, encryption_methods: &[String]) {
    writer.start("md:KeyDescriptor").optional_attribute("use", usage);
    writer.start("ds:KeyInfo").namespace("ds", DSIG);
    match key.certificate() {
        Some(certificate) => {
            writer.start("ds:X509Data").element("ds:X509Certificate", &certificate.to_base64()).end();
        }
        None => {
            writer.start("dsig11:DEREncodedKeyValue").namespace("dsig11", DSIG11);
            writer.text(&base64_encode(key.spki_der())).end();
        }
    }
    writer.end();
    for algorithm in encryption_methods {
        writer.start("md:EncryptionMethod").attribute("Algorithm", algorithm).end();
    }
    writer.end();
}
