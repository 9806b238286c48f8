//! Filters (RFC 7644, 3.4.2.2).

mod evaluate;
mod parse;
mod token;

use std::fmt;

use serde_json::Value;

use crate::{AttributePath, Limits, ScimError};

/// A filter that was read. Reading it never panics, and is linear in its length.
///
/// ```
/// use serde_json::json;
/// use vouchsafe_scim::{Filter, Limits, ScimKind};
///
/// let filter = Filter::parse(r#"userName eq "ADA@example.com" and emails[type eq "work"]"#, &Limits::default())?;
/// let ada = json!({"userName": "ada@example.com", "emails": [{"value": "ada@example.com", "type": "work"}]});
/// assert!(filter.matches(ada.as_object().unwrap(), ScimKind::User));
/// # Ok::<(), vouchsafe_scim::ScimError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Filter {
    /// All of them hold.
    All(Vec<Filter>),
    /// One of them holds.
    Any(Vec<Filter>),
    /// It does not hold.
    Not(Box<Filter>),
    /// The attribute has a value.
    Present(AttributePath),
    /// The attribute compares with a value.
    #[non_exhaustive]
    Compare {
        /// The attribute.
        path: AttributePath,
        /// How.
        comparison: Comparison,
        /// With what: a text, a number, a truth value or `null`.
        value: Value,
    },
    /// One element of the attribute is such.
    #[non_exhaustive]
    Element {
        /// The attribute.
        path: AttributePath,
        /// How the element is; its names are those of sub-attributes.
        filter: Box<Filter>,
    },
}

/// How an attribute compares with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Comparison {
    /// `eq`
    Equal,
    /// `ne`
    NotEqual,
    /// `co`
    Contains,
    /// `sw`
    StartsWith,
    /// `ew`
    EndsWith,
    /// `gt`
    Greater,
    /// `ge`
    GreaterOrEqual,
    /// `lt`
    Less,
    /// `le`
    LessOrEqual,
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// [`ScimError::InvalidFilter`].
    pub fn parse(text: &str, limits: &Limits) -> Result<Filter, ScimError> {
        parse::parse(text, limits)
    }

    /// The value that this attribute must be equal to, where the filter says so of one: alone, or beside others that must hold too.
    pub(crate) fn equal_to(&self, attribute: &str) -> Option<&str> {
        match self {
            Self::Compare { path, comparison: Comparison::Equal, value }
                if path.attribute().eq_ignore_ascii_case(attribute) && path.part().is_none() =>
            {
                value.as_str()
            }
            Self::All(filters) => filters.iter().find_map(|filter| filter.equal_to(attribute)),
            _ => None,
        }
    }

    /// The sub-attributes that an element must have, where the filter is made of equalities alone.
    pub(crate) fn as_equalities(&self) -> Option<Vec<(&str, &Value)>> {
        match self {
            Self::Compare { path, comparison: Comparison::Equal, value } if path.part().is_none() => {
                Some(vec![(path.attribute(), value)])
            }
            Self::All(filters) => {
                let parts: Option<Vec<_>> = filters.iter().map(Self::as_equalities).collect();
                parts.map(|parts| parts.into_iter().flatten().collect())
            }
            _ => None,
        }
    }
}

impl Comparison {
    const ALL: [(&'static str, Comparison); 9] = [
        ("eq", Self::Equal),
        ("ne", Self::NotEqual),
        ("co", Self::Contains),
        ("sw", Self::StartsWith),
        ("ew", Self::EndsWith),
        ("gt", Self::Greater),
        ("ge", Self::GreaterOrEqual),
        ("lt", Self::Less),
        ("le", Self::LessOrEqual),
    ];

    fn named(word: &str) -> Option<Comparison> {
        let found = Self::ALL.iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
        found.map(|(_, comparison)| *comparison)
    }

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, comparison)| *comparison == self).map_or("eq", |(name, _)| name)
    }

    /// Whether it asks which of two values is greater.
    fn is_ordering(self) -> bool {
        matches!(self, Self::Greater | Self::GreaterOrEqual | Self::Less | Self::LessOrEqual)
    }
}

/// Writes a filter that is read as the same one again.
impl fmt::Display for Filter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut joined = |filters: &[Filter], word: &str| {
            for (place, filter) in filters.iter().enumerate() {
                if place > 0 {
                    write!(formatter, " {word} ")?;
                }
                match filter {
                    Self::All(_) | Self::Any(_) => write!(formatter, "({filter})")?,
                    other => write!(formatter, "{other}")?,
                }
            }
            Ok(())
        };
        match self {
            Self::All(filters) => joined(filters, "and"),
            Self::Any(filters) => joined(filters, "or"),
            Self::Not(filter) => write!(formatter, "not ({filter})"),
            Self::Present(path) => write!(formatter, "{path} pr"),
            Self::Compare { path, comparison, value } => {
                write!(formatter, "{path} {} {value}", comparison.name())
            }
            Self::Element { path, filter } => write!(formatter, "{path}[{filter}]"),
        }
    }
}
