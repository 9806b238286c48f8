//! What a metadata file holds, for people and tools to look at.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use vouchsafe_crypto::Certificate;
use vouchsafe_xml::namespace::SAML_METADATA;
use vouchsafe_xml::{Document, Element, Limits};

use crate::bounded::{Bounded, ENDPOINTS, EXTENSIONS, PROTOCOLS, ROLES, first};
use crate::read::{children, date_time, display_name, endpoint, name_id_formats};
use crate::source::{Entity, earliest, entities};
use crate::{Endpoint, MetadataError, Warning, keys};

/// One entity as a metadata file describes it: every role, also those this library has no use for.
///
/// For inventories and for looking at what an operator sent; trust comes from
/// [`IdentityProvider`](crate::IdentityProvider) alone, which reads more strictly.
///
/// ```
/// use vouchsafe_metadata::EntityDescription;
///
/// let entities = EntityDescription::read_all(
///     br#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://sp.example.com">
///           <md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
///             <md:AssertionConsumerService index="0" Location="https://sp.example.com/acs"
///                 Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"/>
///           </md:SPSSODescriptor>
///         </md:EntityDescriptor>"#,
/// )?;
/// assert_eq!(entities[0].entity_id(), "https://sp.example.com");
/// assert_eq!(entities[0].roles()[0].name(), "SPSSODescriptor");
/// # Ok::<(), vouchsafe_metadata::MetadataError>(())
/// ```
#[derive(Clone, Debug)]
pub struct EntityDescription {
    entity_id: String,
    display_name: Option<String>,
    valid_until: Option<DateTime<Utc>>,
    extensions: Vec<String>,
    roles: Vec<RoleDescription>,
    warnings: Vec<Warning>,
}

/// One role of an entity, such as `IDPSSODescriptor` (saml-metadata-2.0-os 2.4).
#[derive(Clone, Debug)]
pub struct RoleDescription {
    name: String,
    protocols: Vec<String>,
    signing: Vec<Certificate>,
    encryption: Vec<Certificate>,
    unreadable_keys: Vec<String>,
    endpoints: Vec<(String, Result<Endpoint, String>)>,
    name_id_formats: Vec<String>,
    extensions: Vec<String>,
    warnings: Vec<Warning>,
}

impl EntityDescription {
    /// Describes every entity in `metadata`, in document order.
    ///
    /// # Errors
    /// `xml.*`, `metadata.root`, and `metadata.attribute` when a `validUntil` is not a time.
    pub fn read_all(metadata: &[u8]) -> Result<Vec<EntityDescription>, MetadataError> {
        let document = Document::parse(metadata, &Limits::metadata())?;
        entities(&document)?.into_iter().map(describe).collect()
    }

    /// `entityID`, as written but for white space round it; empty when there is none.
    #[must_use]
    pub fn entity_id(&self) -> &str {
        &self.entity_id
    }

    /// The organization's name for people to read.
    #[must_use]
    pub fn display_name(&self) -> Option<&str> {
        self.display_name.as_deref()
    }

    /// The earliest `validUntil` of the entity and the aggregates round it.
    #[must_use]
    pub fn valid_until(&self) -> Option<DateTime<Utc>> {
        self.valid_until
    }

    /// Its extensions, as `{namespace}name`, each once.
    #[must_use]
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }

    /// Its roles, in document order.
    #[must_use]
    pub fn roles(&self) -> &[RoleDescription] {
        &self.roles
    }

    /// What is left out here, the roles not included: [`Warning::LeftOut`].
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Whether it has an IDPSSODescriptor.
    #[must_use]
    pub fn is_identity_provider(&self) -> bool {
        self.roles.iter().any(|role| role.name == "IDPSSODescriptor")
    }
}

impl RoleDescription {
    /// Local name of its element.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What `protocolSupportEnumeration` names.
    #[must_use]
    pub fn protocols(&self) -> &[String] {
        &self.protocols
    }

    /// Certificates that may sign for it.
    #[must_use]
    pub fn signing_certificates(&self) -> &[Certificate] {
        &self.signing
    }

    /// Certificates to encrypt for it.
    #[must_use]
    pub fn encryption_certificates(&self) -> &[Certificate] {
        &self.encryption
    }

    /// Why each remaining KeyDescriptor gives no certificate.
    #[must_use]
    pub fn unreadable_keys(&self) -> &[String] {
        &self.unreadable_keys
    }

    /// Its endpoints, by local name of the element; the reason, where one cannot be used.
    pub fn endpoints(&self) -> &[(String, Result<Endpoint, String>)] {
        &self.endpoints
    }

    /// The NameID formats it offers.
    #[must_use]
    pub fn name_id_formats(&self) -> &[String] {
        &self.name_id_formats
    }

    /// Its extensions, as `{namespace}name`, each once.
    #[must_use]
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }

    /// What is left out of this role: [`Warning::LeftOut`].
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}

fn describe(entity: Entity<'_>) -> Result<EntityDescription, MetadataError> {
    let element = entity.element;
    let is_role = |child: &Element<'_>| {
        child.namespace() == SAML_METADATA && child.attribute("protocolSupportEnumeration").is_some()
    };
    let mut warnings = Vec::new();
    Ok(EntityDescription {
        entity_id: entity.entity_id().to_owned(),
        display_name: display_name(element)
            .or_else(|| element.elements().filter(is_role).find_map(display_name)),
        valid_until: earliest(entity.valid_until, date_time(element, "validUntil")?),
        extensions: extensions(element, &mut warnings),
        roles: first("roles", ROLES, element.elements().filter(is_role), &mut warnings, describe_role),
        warnings,
    })
}

fn describe_role(role: Element<'_>) -> RoleDescription {
    let keys = keys::read(role);
    let mut warnings = keys.left_out;
    let protocols = role.attribute("protocolSupportEnumeration").unwrap_or_default().split_ascii_whitespace();
    let endpoints = role
        .elements()
        .filter(|child| child.namespace() == SAML_METADATA && child.attribute("Location").is_some());
    let described = |child: Element<'_>| (child.local_name().to_owned(), endpoint(child));
    RoleDescription {
        name: role.local_name().to_owned(),
        protocols: first("protocols", PROTOCOLS, protocols, &mut warnings, str::to_owned),
        signing: keys.signing,
        encryption: keys.encryption,
        unreadable_keys: keys.ignored,
        endpoints: first("endpoints", ENDPOINTS, endpoints, &mut warnings, described),
        name_id_formats: name_id_formats(role, &mut warnings),
        extensions: extensions(role, &mut warnings),
        warnings,
    }
}

fn extensions(holder: Element<'_>, warnings: &mut Vec<Warning>) -> Vec<String> {
    let mut names = Bounded::new("extensions", EXTENSIONS);
    let mut known = BTreeSet::new();
    let elements = children(holder, "Extensions").flat_map(|extensions| extensions.elements());
    for (number, extension) in (1_usize..).zip(elements) {
        let name = (extension.namespace(), extension.local_name());
        if known.contains(&name) {
            continue;
        }
        if names.has_room() {
            known.insert(name);
            names.push(number, format!("{{{}}}{}", name.0, name.1));
        } else {
            names.leave_out(number);
        }
    }
    names.finish(warnings)
}
