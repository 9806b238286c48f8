//! The names by which entities are looked up.

use std::fmt;
use std::str::FromStr;

use vouchsafe_crypto::{from_hexadecimal, hexadecimal, own_sha1};

use crate::{EntityId, MetadataError};

/// The name of an entity in a look-up.
///
/// ```
/// use vouchsafe_metadata::{EntityId, EntityName};
///
/// let entity_id = EntityId::new("https://idp.example.com")?;
/// let name = EntityName::source_id_of(&entity_id);
/// assert_eq!(name.to_string(), "{sha1}5604f761e269bd5c52b7d446fa01e9b7068f374d");
/// assert_eq!(name.to_string().parse::<EntityName>()?, name);
/// assert_eq!("https://idp.example.com".parse::<EntityName>()?, EntityName::EntityId(entity_id));
/// assert!("{sha1}7ce9".parse::<EntityName>().is_err());
/// # Ok::<(), vouchsafe_metadata::MetadataError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EntityName {
    /// The entityID.
    EntityId(EntityId),
    /// The SHA-1 of the entityID. It is the SourceID of an artifact (saml-bindings-2.0-os 3.6.4), and `{sha1}` with
    /// 40 hexadecimal digits in the metadata query protocol.
    SourceId([u8; 20]),
}

impl EntityName {
    /// Returns the source ID of the entity with this name.
    #[must_use]
    pub fn source_id_of(entity_id: &EntityId) -> EntityName {
        EntityName::SourceId(own_sha1(entity_id.as_str().as_bytes()))
    }
}

impl FromStr for EntityName {
    type Err = MetadataError;

    /// Parses an entity ID, or `{sha1}` and 40 hexadecimal digits.
    fn from_str(text: &str) -> Result<EntityName, MetadataError> {
        let Some(digits) = text.strip_prefix(SHA1) else {
            return Ok(EntityName::EntityId(EntityId::new(text)?));
        };
        from_hexadecimal(digits).map(EntityName::SourceId).ok_or_else(|| MetadataError::EntityId {
            value: text.to_owned(),
            reason: "{sha1} is followed by 40 hexadecimal digits",
        })
    }
}

impl fmt::Display for EntityName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EntityName::EntityId(id) => id.fmt(f),
            EntityName::SourceId(id) => write!(f, "{SHA1}{}", hexadecimal(id)),
        }
    }
}

impl From<EntityId> for EntityName {
    fn from(entity_id: EntityId) -> EntityName {
        EntityName::EntityId(entity_id)
    }
}

const SHA1: &str = "{sha1}";
