use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::MetadataError;

/// The name of an identity provider or a service provider: `entityID` in metadata, `Issuer` and `Audience` in
/// messages.
///
/// It is an opaque string of 1 to 1024 characters (saml-core-2.0-os 8.3.6, saml-metadata-2.0-os 2.2.1), compared byte by byte: a
/// trailing slash or another letter case makes another entity. Cloning is cheap.
///
/// ```
/// use vouchsafe_metadata::EntityId;
///
/// let okta = EntityId::new("http://www.okta.com/exk1abcdefGHIJKLM0h8")?;
/// assert_ne!(okta, EntityId::new("http://www.okta.com/exk1abcdefGHIJKLM0h8/")?);
/// assert!(EntityId::new("two words").is_err());
/// # Ok::<(), vouchsafe_metadata::MetadataError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntityId(Arc<str>);

/// The largest length in characters (saml-metadata-2.0-os 2.2.1, entityIDType: maxLength 1024).
const LONGEST: usize = 1024;

impl EntityId {
    /// Makes an entity ID of `value`, unchanged.
    ///
    /// # Errors
    /// `metadata.entity_id` if it is empty, longer than 1024 characters, or contains white space or control
    /// characters.
    pub fn new(value: impl AsRef<str>) -> Result<EntityId, MetadataError> {
        let value = value.as_ref();
        match fault(value) {
            None => Ok(EntityId(value.into())),
            Some(reason) => Err(MetadataError::EntityId { value: value.to_owned(), reason }),
        }
    }

    /// Returns the identifier as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Returns why the value is not an entity ID.
fn fault(value: &str) -> Option<&'static str> {
    // Nearly all entity IDs pass this test.
    if (1..=LONGEST).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_graphic()) {
        None
    } else if value.is_empty() {
        Some("it is empty")
    } else if value.chars().count() > LONGEST {
        Some("it is longer than 1024 characters")
    } else if value.chars().any(|c| c.is_whitespace() || c.is_control()) {
        Some("it holds white space or control characters")
    } else {
        None
    }
}

impl fmt::Display for EntityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<EntityId> for Arc<str> {
    fn from(entity: EntityId) -> Arc<str> {
        entity.0
    }
}

impl AsRef<str> for EntityId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl FromStr for EntityId {
    type Err = MetadataError;

    fn from_str(value: &str) -> Result<EntityId, MetadataError> {
        EntityId::new(value)
    }
}

impl Serialize for EntityId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for EntityId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<EntityId, D::Error> {
        EntityId::new(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_characters() {
        let cases = [
            ("a".to_owned(), true),
            ("a".repeat(1024), true),
            ("a".repeat(1025), false),
            ("é".repeat(1024), true),
            (String::new(), false),
            (" https://a.example".to_owned(), false),
            ("https://a.example\n".to_owned(), false),
            ("https://a.example\u{7f}".to_owned(), false),
            ("https://a.example\u{a0}".to_owned(), false),
            ("urn:example:1".to_owned(), true),
        ];
        for (value, accepted) in cases {
            assert_eq!(EntityId::new(value.clone()).is_ok(), accepted, "{value:?}");
        }
    }

    #[test]
    fn serialises_as_a_string_and_is_checked_on_the_way_in() {
        let id = EntityId::new("https://a.example").unwrap();
        assert_eq!(serde_json::to_string(&id).unwrap(), "\"https://a.example\"");
        assert_eq!(serde_json::from_str::<EntityId>("\"https://a.example\"").unwrap(), id);
        assert!(serde_json::from_str::<EntityId>("\"a b\"").is_err());
    }

    #[test]
    fn is_shown_and_handed_on_as_it_is() {
        let id = EntityId::new("https://a.example").unwrap();
        let shared: Arc<str> = id.clone().into();
        for text in [id.to_string().as_str(), id.as_ref(), id.as_str(), &shared] {
            assert_eq!(text, "https://a.example");
        }
    }
}
