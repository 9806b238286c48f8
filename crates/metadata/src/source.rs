//! Finding entities in a document: one EntityDescriptor, or EntitiesDescriptors nested to any depth (saml-metadata-2.0-os 2.3).

use chrono::{DateTime, Utc};
use vouchsafe_xml::namespace::{SAML_METADATA, SAML_PROTOCOL};
use vouchsafe_xml::{Document, Element};

use crate::read::{date_time, trimmed};
use crate::{EntityId, MetadataError};

/// An EntityDescriptor with what it inherits from the EntitiesDescriptors round it.
#[derive(Clone, Copy)]
pub(crate) struct Entity<'d> {
    pub(crate) element: Element<'d>,
    /// The earliest `validUntil` of the elements round it, itself not included.
    pub(crate) valid_until: Option<DateTime<Utc>>,
}

impl<'d> Entity<'d> {
    pub(crate) fn entity_id(&self) -> &'d str {
        trimmed(self.element.attribute("entityID").unwrap_or_default())
    }

    /// Its IDPSSODescriptors, whatever protocol they speak.
    pub(crate) fn identity_provider_roles(&self) -> impl Iterator<Item = Element<'d>> {
        self.element.elements().filter(|child| child.is(SAML_METADATA, "IDPSSODescriptor"))
    }

    fn is_identity_provider(&self) -> bool {
        self.identity_provider_roles().next().is_some()
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
        ([], []) => Err(MetadataError::NoIdentityProvider { entities: entities.len() }),
        ([], several) | (several, _) => Err(MetadataError::SeveralIdentityProviders {
            count: several.len(),
            names: several.iter().take(NAMES_SHOWN).map(|entity| entity.entity_id().to_owned()).collect(),
        }),
    }
}

/// The entity of this name.
pub(crate) fn entity_named<'d>(document: &'d Document, id: &EntityId) -> Result<Entity<'d>, MetadataError> {
    let entities = entities(document)?;
    let named: Vec<Entity<'_>> =
        entities.iter().copied().filter(|entity| entity.entity_id() == id.as_str()).collect();
    match named.as_slice() {
        [one] => Ok(*one),
        [] => Err(MetadataError::UnknownEntity { entity_id: id.to_string(), entities: entities.len() }),
        several => Err(MetadataError::DuplicateEntity { entity_id: id.to_string(), count: several.len() }),
    }
}

/// Every EntityDescriptor in document order. One inside Extensions or anything else is not metadata and is not found.
pub(crate) fn entities(document: &Document) -> Result<Vec<Entity<'_>>, MetadataError> {
    let root = document.root();
    if !is_entity(root) && !is_group(root) {
        return Err(MetadataError::Root {
            namespace: root.namespace().to_owned(),
            name: root.local_name().to_owned(),
        });
    }
    let mut found = Vec::new();
    let mut waiting = vec![Entity { element: root, valid_until: None }];
    while let Some(next) = waiting.pop() {
        if is_entity(next.element) {
            found.push(next);
            continue;
        }
        let valid_until = earliest(next.valid_until, date_time(next.element, "validUntil")?);
        let children = next.element.elements().filter(|child| is_entity(*child) || is_group(*child));
        let begin = waiting.len();
        waiting.extend(children.map(|element| Entity { element, valid_until }));
        if let Some(added) = waiting.get_mut(begin..) {
            added.reverse(); // the first is taken next
        }
    }
    Ok(found)
}

/// The earlier of two limits, where `None` is no limit.
pub(crate) fn earliest(one: Option<DateTime<Utc>>, other: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    one.into_iter().chain(other).min()
}

fn is_entity(element: Element<'_>) -> bool {
    element.is(SAML_METADATA, "EntityDescriptor")
}

fn is_group(element: Element<'_>) -> bool {
    element.is(SAML_METADATA, "EntitiesDescriptor")
}

/// How many names an error shows.
const NAMES_SHOWN: usize = 5;
