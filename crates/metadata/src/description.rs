//! The content of a metadata file, for people and tools.

use std::borrow::Cow;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::bounded::{ROLES, first as first_few};
use crate::encoding::in_utf8;
use crate::index::Index;
use crate::read::identity_provider;
use crate::source::{Entity, is_role};
use crate::values::extensions;
use crate::{
    AlgorithmSupport, Contact, EntityAttributes, Extension, LocalizedText, MetadataError, Organization,
    Registration, RoleDescription, Scope, Warning, extension, scope,
};

/// The content of a metadata file: its entities, and those that are left out because they cannot be read.
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

/// An entity that cannot be read. It does not affect the others.
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
    /// `xml.*` and `metadata.root`; if the document is one entity, also the errors of this entity:
    /// `metadata.entity_id`, and `metadata.attribute` if a `validUntil` is not a time.
    pub fn read(metadata: &[u8]) -> Result<MetadataDescription, MetadataError> {
        let metadata = &*in_utf8(Cow::Borrowed(metadata));
        let index = Index::of(metadata)?;
        let mut description = MetadataDescription { entities: Vec::new(), left_out: Vec::new() };
        for place in 0..index.len() {
            match index.description(metadata, place) {
                Ok(described) => description.entities.push(described),
                Err(reason) if index.is_one_entity() => return Err(reason),
                Err(reason) => description.left_out.push(LeftOutEntity {
                    place: place.saturating_add(1),
                    entity_id: index.entity_id(metadata, place).map(str::to_owned),
                    reason,
                }),
            }
        }
        Ok(description)
    }

    /// Returns the entities that can be read.
    #[must_use]
    pub fn entities(&self) -> &[EntityDescription] {
        &self.entities
    }

    /// Returns the entities that can be read, without a copy.
    #[must_use]
    pub fn into_entities(self) -> Vec<EntityDescription> {
        self.entities
    }

    /// Returns the entities that cannot be read.
    #[must_use]
    pub fn left_out(&self) -> &[LeftOutEntity] {
        &self.left_out
    }
}

impl LeftOutEntity {
    /// Returns its place among the entities of the document, from 1.
    #[must_use]
    pub fn place(&self) -> usize {
        self.place
    }

    /// Returns its entityID, if it has one.
    #[must_use]
    pub fn entity_id(&self) -> Option<&str> {
        self.entity_id.as_deref()
    }

    /// Returns the reason why it cannot be read.
    #[must_use]
    pub fn reason(&self) -> &MetadataError {
        &self.reason
    }
}

/// One entity as a metadata file describes it, with all roles, including those that this library does not use.
///
/// It is for inventories, and to inspect a file that an operator sent. Trust comes only from
/// [`IdentityProvider`](crate::IdentityProvider), which is read more strictly.
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
    pub(crate) valid_until: Option<DateTime<Utc>>,
    pub(crate) cache_duration: Option<Duration>,
    pub(crate) entity_attributes: EntityAttributes,
    pub(crate) registration: Option<Registration>,
    pub(crate) algorithm_support: AlgorithmSupport,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) other_extensions: Vec<Extension>,
    extensions: Vec<String>,
    pub(crate) roles: Vec<RoleDescription>,
    pub(crate) organization: Option<Organization>,
    pub(crate) contacts: Vec<Contact>,
    warnings: Vec<Warning>,
    refusal: Option<MetadataError>,
}

impl EntityDescription {
    /// Returns `entityID`, without white space around it.
    #[must_use]
    pub fn entity_id(&self) -> &str {
        &self.entity_id
    }

    /// Returns its name for display: the English one, or the first.
    #[must_use]
    pub fn display_name(&self) -> Option<&str> {
        self.display_name_in(&[])
    }

    /// Returns its name in the best of these languages ([`LocalizedText::best_of`]): the name of a role's
    /// `mdui:UIInfo`, or else the organization's.
    #[must_use]
    pub fn display_name_in(&self, languages: &[&str]) -> Option<&str> {
        let by_role = self.roles.iter().find_map(|role| role.user_interface().display_name(languages));
        let organizations = self.roles.iter().filter_map(RoleDescription::organization);
        let mut organizations = organizations.chain(self.organization.as_ref());
        by_role
            .or_else(|| organizations.find_map(|one| LocalizedText::best_of(one.display_names(), languages)))
    }

    /// Returns what a federation states about it: categories, assurance, the subject identifier that it needs.
    #[must_use]
    pub fn entity_attributes(&self) -> &EntityAttributes {
        &self.entity_attributes
    }

    /// Returns who registered it.
    #[must_use]
    pub fn registration(&self) -> Option<&Registration> {
        self.registration.as_ref()
    }

    /// Returns the algorithms that all its roles can verify, unless a role states its own.
    #[must_use]
    pub fn algorithm_support(&self) -> &AlgorithmSupport {
        &self.algorithm_support
    }

    /// Returns the scopes of all its roles.
    #[must_use]
    pub fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    /// Returns the organization that runs it.
    #[must_use]
    pub fn organization(&self) -> Option<&Organization> {
        self.organization.as_ref()
    }

    /// Returns its contacts, without those of the roles.
    #[must_use]
    pub fn contacts(&self) -> &[Contact] {
        &self.contacts
    }

    /// Returns its extensions that this library does not interpret.
    #[must_use]
    pub fn other_extensions(&self) -> &[Extension] {
        &self.other_extensions
    }

    /// Returns the earliest `validUntil` of the entity and the aggregates around it.
    #[must_use]
    pub fn valid_until(&self) -> Option<DateTime<Utc>> {
        self.valid_until
    }

    /// Returns the shortest `cacheDuration` of the entity and the aggregates around it. A month counts 28 days.
    #[must_use]
    pub fn cache_duration(&self) -> Option<Duration> {
        self.cache_duration
    }

    /// Returns the names of its extensions, as `{namespace}name`, each once.
    #[must_use]
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }

    /// Returns its roles, in document order.
    #[must_use]
    pub fn roles(&self) -> &[RoleDescription] {
        &self.roles
    }

    /// Returns what is left out here or cannot be read, without the warnings of the roles.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Returns why it cannot be trusted as an identity provider, if it has that role: the error of
    /// [`from_metadata_entity`](crate::IdentityProvider::from_metadata_entity). The time is not checked.
    #[must_use]
    pub fn refusal(&self) -> Option<&MetadataError> {
        self.refusal.as_ref()
    }

    /// Returns whether it has an IDPSSODescriptor.
    #[must_use]
    pub fn is_identity_provider(&self) -> bool {
        self.roles.iter().any(|role| role.name == "IDPSSODescriptor")
    }
}

impl Index {
    /// Describes the entity at this place.
    pub(crate) fn description(
        &self,
        metadata: &[u8],
        place: usize,
    ) -> Result<EntityDescription, MetadataError> {
        let first = self.first_of_name(place).map(|first| first.saturating_add(1));
        describe(self.entity(&self.document(metadata, place)?, place), first)
    }
}

/// Describes an entity. `first` is the place of an earlier entity with the same name, from 1.
pub(crate) fn describe(entity: Entity<'_>, first: Option<usize>) -> Result<EntityDescription, MetadataError> {
    let element = entity.element;
    let entity_id = entity.checked_entity_id()?.to_string();
    let mut warnings = Vec::new();
    let own = || extensions(element);
    Ok(EntityDescription {
        valid_until: entity.valid_until()?,
        cache_duration: entity.cache_duration(),
        entity_attributes: EntityAttributes::read(own(), &mut warnings),
        registration: Registration::read(own(), &mut warnings),
        algorithm_support: AlgorithmSupport::read(own(), &mut warnings),
        scopes: scope::read(&[element], &mut warnings),
        other_extensions: extension::others(element, &mut warnings),
        extensions: extension::names(element, &mut warnings),
        roles: first_few(
            "roles",
            ROLES,
            element.elements().filter(is_role),
            &mut warnings,
            RoleDescription::read,
        ),
        organization: Organization::read(element, &mut warnings),
        contacts: Contact::read_all(element, &mut warnings),
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
