//! What a metadata file holds, for people and tools to look at.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use vouchsafe_xml::Element;
use vouchsafe_xml::namespace::SAML_METADATA;

use crate::bounded::{Bounded, ENDPOINTS, EXTENSIONS, PROTOCOLS, ROLES, first as first_few};
use crate::index::Index;
use crate::read::{children, display_name, endpoint, identity_provider, name_id_formats, trimmed};
use crate::source::{Entity, is_role};
use crate::{Endpoint, EntityKey, MetadataError, Warning, keys};

/// What a metadata file holds: its entities, and those that are left out because they cannot be read.
///
/// ```
/// use vouchsafe_metadata::MetadataDescription;
///
/// let metadata = MetadataDescription::read(
///     br#"<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">
///           <md:EntityDescriptor entityID="https://a.example" validUntil="yesterday"><md:SPSSODescriptor/></md:EntityDescriptor>
///           <md:EntityDescriptor entityID="https://b.example"><md:SPSSODescriptor/></md:EntityDescriptor>
///         </md:EntitiesDescriptor>"#,
/// )?;
/// assert_eq!(metadata.entities()[0].entity_id(), "https://b.example");
/// assert_eq!(metadata.left_out()[0].entity_id(), Some("https://a.example"));
/// assert_eq!(metadata.left_out()[0].reason().code(), "metadata.attribute");
/// # Ok::<(), vouchsafe_metadata::MetadataError>(())
/// ```
#[derive(Debug)]
pub struct MetadataDescription {
    entities: Vec<EntityDescription>,
    left_out: Vec<LeftOutEntity>,
}

/// An entity that cannot be read. It takes no other one with it.
#[derive(Debug)]
pub struct LeftOutEntity {
    place: usize,
    entity_id: Option<String>,
    reason: MetadataError,
}

impl MetadataDescription {
    /// Describes every entity in `metadata`, in document order.
    ///
    /// # Errors
    /// `xml.*` and `metadata.root`; and when the document is one entity, what is wrong with it: `metadata.entity_id`,
    /// `metadata.attribute` when a `validUntil` is not a time.
    pub fn read(metadata: &[u8]) -> Result<MetadataDescription, MetadataError> {
        let index = Index::of(metadata)?;
        let mut description = MetadataDescription { entities: Vec::new(), left_out: Vec::new() };
        for place in 0..index.len() {
            match index.description(metadata, place) {
                Ok(described) => description.entities.push(described),
                Err(reason) if index.is_one_entity() => return Err(reason),
                Err(reason) => description.left_out.push(LeftOutEntity {
                    place: place.saturating_add(1),
                    entity_id: index.entity_id(place).map(str::to_owned),
                    reason,
                }),
            }
        }
        Ok(description)
    }

    /// The entities that can be read.
    #[must_use]
    pub fn entities(&self) -> &[EntityDescription] {
        &self.entities
    }

    /// The entities that cannot.
    #[must_use]
    pub fn left_out(&self) -> &[LeftOutEntity] {
        &self.left_out
    }
}

impl LeftOutEntity {
    /// Its place among the entities of the document, from 1.
    #[must_use]
    pub fn place(&self) -> usize {
        self.place
    }

    /// Its entityID, if it has one.
    #[must_use]
    pub fn entity_id(&self) -> Option<&str> {
        self.entity_id.as_deref()
    }

    /// What is wrong with it.
    #[must_use]
    pub fn reason(&self) -> &MetadataError {
        &self.reason
    }
}

/// One entity as a metadata file describes it: every role, also those this library has no use for.
///
/// For inventories and for looking at what an operator sent; trust comes from
/// [`IdentityProvider`](crate::IdentityProvider) alone, which reads more strictly.
///
/// ```
/// use vouchsafe_metadata::MetadataDescription;
///
/// let metadata = MetadataDescription::read(
///     br#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://sp.example.com">
///           <md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
///             <md:AssertionConsumerService index="0" Location="https://sp.example.com/acs"
///                 Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"/>
///           </md:SPSSODescriptor>
///         </md:EntityDescriptor>"#,
/// )?;
/// let [entity] = metadata.entities() else { panic!("one entity is there") };
/// assert_eq!(entity.entity_id(), "https://sp.example.com");
/// assert_eq!(entity.roles()[0].name(), "SPSSODescriptor");
/// # Ok::<(), vouchsafe_metadata::MetadataError>(())
/// ```
#[derive(Debug)]
pub struct EntityDescription {
    entity_id: String,
    display_name: Option<String>,
    valid_until: Option<DateTime<Utc>>,
    cache_duration: Option<Duration>,
    extensions: Vec<String>,
    roles: Vec<RoleDescription>,
    warnings: Vec<Warning>,
    refusal: Option<MetadataError>,
}

/// One role of an entity, such as `IDPSSODescriptor` (saml-metadata-2.0-os 2.4).
#[derive(Clone, Debug)]
pub struct RoleDescription {
    name: String,
    protocols: Vec<String>,
    signing: Vec<EntityKey>,
    encryption: Vec<EntityKey>,
    unreadable_keys: Vec<String>,
    endpoints: Vec<(String, Result<Endpoint, String>)>,
    name_id_formats: Vec<String>,
    extensions: Vec<String>,
    warnings: Vec<Warning>,
}

impl EntityDescription {
    /// `entityID`, as written but for white space round it.
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

    /// The shortest `cacheDuration` of the entity and the aggregates round it. A month counts 28 days.
    #[must_use]
    pub fn cache_duration(&self) -> Option<Duration> {
        self.cache_duration
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

    /// Why it cannot be trusted as an identity provider, where it has that role: what
    /// [`from_metadata_entity`](crate::IdentityProvider::from_metadata_entity) says of it. Time plays no part in it.
    #[must_use]
    pub fn refusal(&self) -> Option<&MetadataError> {
        self.refusal.as_ref()
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

    /// Keys that may sign for it.
    #[must_use]
    pub fn signing_keys(&self) -> &[EntityKey] {
        &self.signing
    }

    /// Keys to encrypt for it.
    #[must_use]
    pub fn encryption_keys(&self) -> &[EntityKey] {
        &self.encryption
    }

    /// Why each remaining KeyDescriptor gives no key.
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

    /// What there is to say about its keys, and what is left out of it.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}

/// `first` is the place of an earlier entity of its name, from 1.
pub(crate) fn describe(entity: Entity<'_>, first: Option<usize>) -> Result<EntityDescription, MetadataError> {
    let element = entity.element;
    let entity_id = entity.checked_entity_id()?.to_string();
    let mut warnings = Vec::new();
    Ok(EntityDescription {
        display_name: display_name(element)
            .or_else(|| element.elements().filter(is_role).find_map(display_name)),
        valid_until: entity.valid_until()?,
        cache_duration: entity.cache_duration(),
        extensions: extensions(element, &mut warnings),
        roles: first_few("roles", ROLES, element.elements().filter(is_role), &mut warnings, describe_role),
        warnings,
        refusal: refusal(entity, &entity_id, first),
        entity_id,
    })
}

fn refusal(entity: Entity<'_>, entity_id: &str, first: Option<usize>) -> Option<MetadataError> {
    entity.identity_provider_roles().next()?;
    match first {
        Some(first) => Some(MetadataError::DuplicateEntity { entity_id: entity_id.to_owned(), first }),
        None => identity_provider(entity).err(),
    }
}

fn describe_role(role: Element<'_>) -> RoleDescription {
    let keys = keys::read(role);
    let mut warnings = keys.remarks;
    let enumeration = role.attribute("protocolSupportEnumeration").unwrap_or_default();
    if trimmed(enumeration).is_empty() && role.local_name() != "AffiliationDescriptor" {
        warnings.push(Warning::RoleWithoutProtocol { role: role.local_name().to_owned() });
    }
    let protocols = enumeration.split_ascii_whitespace();
    let endpoints = role
        .elements()
        .filter(|child| child.namespace() == SAML_METADATA && child.attribute("Location").is_some());
    let described = |child: Element<'_>| (child.local_name().to_owned(), endpoint(child));
    RoleDescription {
        name: role.local_name().to_owned(),
        protocols: first_few("protocols", PROTOCOLS, protocols, &mut warnings, str::to_owned),
        signing: keys.signing,
        encryption: keys.encryption,
        unreadable_keys: keys.ignored,
        endpoints: first_few("endpoints", ENDPOINTS, endpoints, &mut warnings, described),
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
