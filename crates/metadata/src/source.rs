//! Finding entities in a document: one EntityDescriptor, or EntitiesDescriptors nested to any depth (saml-metadata-2.0-os 2.3).

use chrono::{DateTime, Utc};
use vouchsafe_xml::namespace::{SAML_METADATA, SAML_PROTOCOL};
use vouchsafe_xml::{Document, Element, Quoted};

use crate::bounded::ROLES;
use crate::read::{date_time, trimmed};
use crate::{EntityId, MetadataError};

/// An EntityDescriptor with what it inherits from the EntitiesDescriptors round it.
#[derive(Clone, Copy)]
pub(crate) struct Entity<'d> {
    pub(crate) element: Element<'d>,
    inherited: Inherited<'d>,
}

/// What the EntitiesDescriptors round an entity say of it.
#[derive(Clone, Copy)]
enum Inherited<'d> {
    /// The earliest `validUntil` of them.
    ValidUntil(Option<DateTime<Utc>>),
    /// The `validUntil` of this one is no time, so that nobody knows how long its entities are valid.
    NoTime(Element<'d>),
}

impl<'d> Entity<'d> {
    /// The entityID, empty when there is none.
    pub(crate) fn entity_id(&self) -> &'d str {
        trimmed(self.element.attribute("entityID").unwrap_or_default())
    }

    /// The entityID, if it can be one.
    pub(crate) fn checked_entity_id(&self) -> Result<EntityId, MetadataError> {
        let problem = |problem: String| MetadataError::EntityIdAttribute { problem };
        let Some(value) = self.element.attribute("entityID").map(trimmed) else {
            let misspelt =
                self.element.attributes().find(|one| one.local_name.eq_ignore_ascii_case("entityID"));
            return Err(problem(match misspelt {
                Some(one) if one.local_name == "entityID" => {
                    "is missing: the one there is in a namespace".to_owned()
                }
                Some(one) => format!("is missing: {} is another name", Quoted::new(one.local_name)),
                None => "is missing".to_owned(),
            }));
        };
        EntityId::new(value).map_err(|error| match error {
            MetadataError::EntityId { .. } if value.is_empty() => problem("is empty".to_owned()),
            MetadataError::EntityId { value, reason } => {
                problem(format!("cannot be an entity id: {reason} ({})", Quoted::new(&value)))
            }
            other => other,
        })
    }

    /// The earliest `validUntil` of the entity and the elements round it.
    pub(crate) fn valid_until(&self) -> Result<Option<DateTime<Utc>>, MetadataError> {
        let round_it = match self.inherited {
            Inherited::ValidUntil(time) => time,
            Inherited::NoTime(group) => date_time(group, "validUntil")?,
        };
        Ok(earliest(round_it, date_time(self.element, "validUntil")?))
    }

    /// Why an EntityDescriptor is none: it stands in another namespace.
    pub(crate) fn check_namespace(&self) -> Result<(), MetadataError> {
        if is_entity(self.element) {
            return Ok(());
        }
        let (namespace, name) = (self.element.namespace().to_owned(), self.element.local_name().to_owned());
        Err(MetadataError::Namespace { namespace, name })
    }

    /// Its IDPSSODescriptors, whatever protocol they speak.
    pub(crate) fn identity_provider_roles(&self) -> impl Iterator<Item = Element<'d>> {
        self.element.elements().filter(|child| child.is(SAML_METADATA, "IDPSSODescriptor"))
    }

    /// Names of all its roles, each once, with the prefix that the specification uses.
    pub(crate) fn role_names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for role in self.element.elements().filter(is_role).take(ROLES) {
            let name = format!("md:{}", role.local_name());
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// An element that looks like an identity provider's role, and is none for its namespace.
    fn stray_role(&self) -> Option<String> {
        let mut elements = self.element.elements();
        let stray = elements
            .find(|child| child.local_name() == "IDPSSODescriptor" && child.namespace() != SAML_METADATA)?;
        let namespace = match stray.namespace() {
            "" => "no namespace".to_owned(),
            other => format!("namespace {}", Quoted::new(other)),
        };
        Some(format!("; an element IDPSSODescriptor is in {namespace}, not in {SAML_METADATA}"))
    }

    fn is_identity_provider(&self) -> bool {
        is_entity(self.element) && self.identity_provider_roles().next().is_some()
    }
}

/// Whether `protocolSupportEnumeration` of this role names SAML 2.0 (2.4.1).
pub(crate) fn speaks_saml2(role: Element<'_>) -> bool {
    role.attribute("protocolSupportEnumeration")
        .unwrap_or_default()
        .split_ascii_whitespace()
        .any(|protocol| protocol == SAML_PROTOCOL)
}

/// The only identity provider in a document.
pub(crate) fn only_identity_provider(document: &Document) -> Result<Entity<'_>, MetadataError> {
    let entities = entities(document)?;
    let providers: Vec<Entity<'_>> = entities.iter().copied().filter(Entity::is_identity_provider).collect();
    let usable: Vec<Entity<'_>> = providers
        .iter()
        .copied()
        .filter(|entity| entity.identity_provider_roles().any(speaks_saml2))
        .collect();
    match (usable.as_slice(), providers.as_slice()) {
        ([one], _) | ([], [one]) => Ok(*one),
        ([], []) => Err(no_identity_provider(&entities)),
        ([], several) | (several, _) => Err(MetadataError::SeveralIdentityProviders {
            count: several.len(),
            names: several.iter().take(NAMES_SHOWN).map(|entity| entity.entity_id().to_owned()).collect(),
        }),
    }
}

/// The entity of this name.
pub(crate) fn entity_named<'d>(document: &'d Document, id: &EntityId) -> Result<Entity<'d>, MetadataError> {
    let entities = entities(document)?;
    let (named, strays): (Vec<Entity<'_>>, Vec<Entity<'_>>) = entities
        .iter()
        .filter(|entity| entity.entity_id() == id.as_str())
        .partition(|entity| is_entity(entity.element));
    match named.as_slice() {
        [one] => Ok(*one),
        [] => match strays.as_slice() {
            // Whoever reads it says what is wrong with it.
            [stray, ..] => Ok(*stray),
            [] => Err(MetadataError::UnknownEntity { entity_id: id.to_string(), entities: entities.len() }),
        },
        several => Err(MetadataError::DuplicateEntity { entity_id: id.to_string(), count: several.len() }),
    }
}

/// Every EntityDescriptor in document order. One inside Extensions or anything else is not metadata and is not found; one that stands where
/// an EntityDescriptor may, in another namespace, is found to be told ([`Entity::check_namespace`]).
pub(crate) fn entities(document: &Document) -> Result<Vec<Entity<'_>>, MetadataError> {
    let root = document.root();
    if !is_entity(root) && !is_group(root) {
        return Err(MetadataError::Root {
            namespace: root.namespace().to_owned(),
            name: root.local_name().to_owned(),
        });
    }
    let mut found = Vec::new();
    let mut waiting = vec![Entity { element: root, inherited: Inherited::ValidUntil(None) }];
    while let Some(next) = waiting.pop() {
        if !is_group(next.element) {
            found.push(next);
            continue;
        }
        let inherited = match (next.inherited, date_time(next.element, "validUntil")) {
            (Inherited::ValidUntil(time), Ok(own)) => Inherited::ValidUntil(earliest(time, own)),
            (Inherited::ValidUntil(_), Err(_)) => Inherited::NoTime(next.element),
            (outer @ Inherited::NoTime(_), _) => outer,
        };
        let children = next
            .element
            .elements()
            .filter(|child| ["EntityDescriptor", "EntitiesDescriptor"].contains(&child.local_name()));
        let begin = waiting.len();
        waiting.extend(children.map(|element| Entity { element, inherited }));
        if let Some(added) = waiting.get_mut(begin..) {
            added.reverse(); // the first is taken next
        }
    }
    Ok(found)
}

fn no_identity_provider(entities: &[Entity<'_>]) -> MetadataError {
    let roles = match entities {
        [only] => only.role_names(),
        _ => Vec::new(),
    };
    if let Some(error) = entities.iter().find_map(|entity| entity.check_namespace().err()) {
        return error;
    }
    let stray = entities.iter().find_map(Entity::stray_role);
    MetadataError::NoIdentityProvider { entities: entities.len(), roles, stray }
}

/// The earlier of two limits, where `None` is no limit.
pub(crate) fn earliest(one: Option<DateTime<Utc>>, other: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    one.into_iter().chain(other).min()
}

pub(crate) fn is_entity(element: Element<'_>) -> bool {
    element.is(SAML_METADATA, "EntityDescriptor")
}

/// Whether this child of an EntityDescriptor is a role of it, known or not.
pub(crate) fn is_role(child: &Element<'_>) -> bool {
    child.namespace() == SAML_METADATA
        && (child.attribute("protocolSupportEnumeration").is_some()
            || child.local_name().ends_with("Descriptor"))
}

fn is_group(element: Element<'_>) -> bool {
    element.is(SAML_METADATA, "EntitiesDescriptor")
}

/// How many names an error shows.
const NAMES_SHOWN: usize = 5;
