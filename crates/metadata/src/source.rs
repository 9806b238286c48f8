//! An EntityDescriptor, with the values that it inherits from the EntitiesDescriptors around it (saml-metadata-2.0-os
//! 2.3).

use std::time::Duration;

use chrono::{DateTime, Utc};
use vouchsafe_xml::namespace::{SAML_METADATA, SAML_PROTOCOL};
use vouchsafe_xml::{Element, Quoted};

use crate::bounded::ROLES;
use crate::time::{parse_date_time, parse_duration};
use crate::values::{date_time, not_a_date_time, trimmed};
use crate::{EntityId, MetadataError};

/// An EntityDescriptor with the values that it inherits from the EntitiesDescriptors around it.
#[derive(Clone, Copy)]
pub(crate) struct Entity<'d> {
    pub(crate) element: Element<'d>,
    pub(crate) inherited: &'d Inherited,
    /// The number of later entities of the document with the same name.
    pub(crate) duplicates: usize,
}

/// The values that an entity inherits from the EntitiesDescriptors around it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inherited {
    /// Their earliest `validUntil`.
    valid_until: Option<DateTime<Utc>>,
    /// The value of the outermost `validUntil` that is not a time. In this case it is unknown how long the entities
    /// are valid.
    no_time: Option<Box<str>>,
    /// Their shortest `cacheDuration`.
    cache_duration: Option<Duration>,
}

impl Inherited {
    /// The inherited values of an entity that is the whole document.
    pub(crate) const NOTHING: Inherited =
        Inherited { valid_until: None, no_time: None, cache_duration: None };

    /// Returns the values that the entities in this EntitiesDescriptor inherit. `self` has the values that it
    /// inherits itself.
    pub(crate) fn within(&self, group: Element<'_>) -> Inherited {
        let mut inherited = self.clone();
        inherited.cache_duration = shortest(inherited.cache_duration, cache_duration(group));
        if let Some(value) = group.attribute("validUntil") {
            match parse_date_time(value) {
                Some(own) => inherited.valid_until = earliest(inherited.valid_until, Some(own)),
                None => inherited.no_time = inherited.no_time.or_else(|| Some(value.into())),
            }
        }
        inherited
    }

    /// Returns the earliest `validUntil`.
    pub(crate) fn valid_until(&self) -> Result<Option<DateTime<Utc>>, MetadataError> {
        match &self.no_time {
            None => Ok(self.valid_until),
            Some(value) => Err(not_a_date_time(None, "EntitiesDescriptor", "validUntil", value)),
        }
    }

    pub(crate) fn cache_duration(&self) -> Option<Duration> {
        self.cache_duration
    }
}

impl<'d> Entity<'d> {
    /// Returns the entityID, if it is valid.
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
                problem(format!("cannot be an entity ID: {reason} ({})", Quoted::new(&value)))
            }
            other => other,
        })
    }

    /// Returns the earliest `validUntil` of the entity and the elements around it.
    pub(crate) fn valid_until(&self) -> Result<Option<DateTime<Utc>>, MetadataError> {
        Ok(earliest(self.inherited.valid_until()?, date_time(self.element, "validUntil")?))
    }

    /// Returns the shortest `cacheDuration` of the entity and the elements around it. An invalid one is ignored,
    /// because it is only advice.
    pub(crate) fn cache_duration(&self) -> Option<Duration> {
        shortest(self.inherited.cache_duration(), cache_duration(self.element))
    }

    /// Returns its IDPSSODescriptors, for any protocol.
    pub(crate) fn identity_provider_roles(&self) -> impl Iterator<Item = Element<'d>> {
        self.element.elements().filter(|child| child.is(SAML_METADATA, "IDPSSODescriptor"))
    }

    /// Returns the names of all its roles, each once, with the prefix that the specification uses.
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

    /// Returns an element that has the name of an identity provider's role, but another namespace.
    pub(crate) fn stray_role(&self) -> Option<String> {
        let mut elements = self.element.elements();
        let stray = elements
            .find(|child| child.local_name() == "IDPSSODescriptor" && child.namespace() != SAML_METADATA)?;
        let namespace = match stray.namespace() {
            "" => "no namespace".to_owned(),
            other => format!("namespace {}", Quoted::new(other)),
        };
        Some(format!("; an element IDPSSODescriptor is in {namespace}, not in {SAML_METADATA}"))
    }

    pub(crate) fn is_identity_provider(&self) -> bool {
        self.identity_provider_roles().next().is_some()
    }
}

/// Returns whether `protocolSupportEnumeration` of this role contains SAML 2.0 (2.4.1).
pub(crate) fn speaks_saml2(role: Element<'_>) -> bool {
    role.attribute("protocolSupportEnumeration")
        .unwrap_or_default()
        .split_ascii_whitespace()
        .any(|protocol| protocol == SAML_PROTOCOL)
}

/// Returns the earlier of two limits; `None` is no limit.
pub(crate) fn earliest(one: Option<DateTime<Utc>>, other: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    one.into_iter().chain(other).min()
}

/// Returns the shorter of two durations; `None` is no limit.
pub(crate) fn shortest(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    one.into_iter().chain(other).min()
}

/// Returns `cacheDuration` of this element alone.
pub(crate) fn cache_duration(element: Element<'_>) -> Option<Duration> {
    parse_duration(element.attribute("cacheDuration")?)
}

pub(crate) fn is_entity(element: Element<'_>) -> bool {
    element.is(SAML_METADATA, "EntityDescriptor")
}

/// Returns whether this child of an EntityDescriptor is a role, known or not.
pub(crate) fn is_role(child: &Element<'_>) -> bool {
    child.namespace() == SAML_METADATA
        && (child.attribute("protocolSupportEnumeration").is_some()
            || child.local_name().ends_with("Descriptor"))
}

pub(crate) fn is_group(element: Element<'_>) -> bool {
    element.is(SAML_METADATA, "EntitiesDescriptor")
}
