//! The name of an attribute: `userName`, `name.givenName`, `urn:…:User:department`.

use std::fmt;

use vouchsafe_store::ScimKind;

use crate::{ScimError, schema::Described as _};

/// The name of an attribute, with its schema and sub-attribute if they are given (RFC 7644, 3.10).
///
/// ```
/// use vouchsafe_scim::AttributePath;
///
/// let path = AttributePath::parse("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value")?;
/// assert_eq!((path.attribute(), path.part()), ("manager", Some("value")));
/// assert!(AttributePath::parse("name.").is_err());
/// # Ok::<(), vouchsafe_scim::ScimError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributePath {
    schema: Option<String>,
    attribute: String,
    part: Option<String>,
}

impl AttributePath {
    /// Parses a name.
    ///
    /// # Errors
    /// [`ScimError::InvalidPath`].
    pub fn parse(text: &str) -> Result<AttributePath, ScimError> {
        let wrong = |reason: &str| ScimError::path(text, reason);
        let (schema, rest) = match text.rsplit_once(':') {
            Some((schema, rest)) if is_urn(schema) => (Some(schema.to_owned()), rest),
            Some(_) => return Err(wrong("what is before the last colon is not the URN of a schema")),
            None => (None, text),
        };
        // In `urn:…:enterprise:2.0:User` the last part belongs to the schema's name.
        let (attribute, part) = match rest.split_once('.') {
            Some((attribute, part)) => (attribute, Some(part)),
            None => (rest, None),
        };
        if !is_name(attribute) || part.is_some_and(|part| !is_name(part)) {
            return Err(wrong("a name must begin with a letter, and may have letters, digits, '-' and '_'"));
        }
        Ok(AttributePath { schema, attribute: attribute.to_owned(), part: part.map(str::to_owned) })
    }

    /// The URN of the schema, if it was given.
    #[must_use]
    pub fn schema(&self) -> Option<&str> {
        self.schema.as_deref()
    }

    /// The attribute.
    #[must_use]
    pub fn attribute(&self) -> &str {
        &self.attribute
    }

    /// The sub-attribute, if there is one.
    #[must_use]
    pub fn part(&self) -> Option<&str> {
        self.part.as_deref()
    }

    /// The schema, if it is not the core schema of this kind of resource.
    pub(crate) fn extension(&self, kind: ScimKind) -> Option<&str> {
        self.schema().filter(|schema| !schema.eq_ignore_ascii_case(kind.schema()))
    }

    /// Whether this is this attribute of the core schema, or a part of it.
    pub(crate) fn means(&self, attribute: &str, kind: ScimKind) -> bool {
        self.extension(kind).is_none() && self.attribute.eq_ignore_ascii_case(attribute)
    }

    pub(crate) fn with_part(mut self, part: &str) -> AttributePath {
        self.part = Some(part.to_owned());
        self
    }
}

impl fmt::Display for AttributePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(formatter, "{schema}:")?;
        }
        formatter.write_str(&self.attribute)?;
        self.part.as_ref().map_or(Ok(()), |part| write!(formatter, ".{part}"))
    }
}

/// Whether a text begins like a URN.
pub(crate) fn is_urn(text: &str) -> bool {
    text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:"))
}

/// `ATTRNAME` of RFC 7643, 2.1, and `$ref`.
fn is_name(text: &str) -> bool {
    let mut characters = text.strip_prefix('$').unwrap_or(text).chars();
    characters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && characters.all(|character| character.is_ascii_alphanumeric() || matches!(character, '-' | '_'))
}
