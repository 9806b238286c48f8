//! Filters (RFC 7644, 3.4.2.2).

mod evaluate;
mod parse;
mod token;

use std::fmt;

use serde_json::Value;
use vouchsafe_store::{ScimKey, ScimKind};

use crate::{AttributePath, Limits, ScimError, schema::Described as _};

/// A parsed filter. Parsing never panics and takes time linear in the length.
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
    /// All of them are true.
    All(Vec<Filter>),
    /// One of them is true.
    Any(Vec<Filter>),
    /// It is false.
    Not(Box<Filter>),
    /// The attribute has a value.
    Present(AttributePath),
    /// The attribute compared with a value.
    #[non_exhaustive]
    Compare {
        /// The attribute.
        path: AttributePath,
        /// The operator.
        comparison: Comparison,
        /// The value: a text, a number, a truth value or `null`.
        value: Value,
    },
    /// One element of the attribute matches.
    #[non_exhaustive]
    Element {
        /// The attribute.
        path: AttributePath,
        /// The condition of the element; its names are sub-attributes.
        filter: Box<Filter>,
    },
}

/// A comparison operator.
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
    /// Parses a filter.
    ///
    /// # Errors
    /// [`ScimError::InvalidFilter`].
    pub fn parse(text: &str, limits: &Limits) -> Result<Filter, ScimError> {
        parse::parse(text, limits)
    }

    /// The key by which a store can find all matches, if the filter requires that an attribute equals a value, alone or
    /// together with other conditions. Of several keys, the one that finds fewest.
    pub(crate) fn key(&self, kind: ScimKind) -> Option<ScimKey> {
        match self {
            Self::Compare { path, comparison: Comparison::Equal, value }
                if path.extension(kind).is_none() =>
            {
                key_of(kind, path.attribute(), path.part(), value)
            }
            Self::Element { path, filter } if path.extension(kind).is_none() => {
                let equalities = filter.conjuncts().filter_map(|filter| match filter {
                    Self::Compare { path: part, comparison: Comparison::Equal, value } => {
                        key_of(kind, path.attribute(), Some(part.attribute()), value)
                    }
                    _ => None,
                });
                equalities.min_by_key(rank)
            }
            Self::All(filters) => filters.iter().filter_map(|filter| filter.key(kind)).min_by_key(rank),
            _ => None,
        }
    }

    /// Whether it refers to this attribute of the core schema.
    pub(crate) fn mentions(&self, attribute: &str, kind: ScimKind) -> bool {
        match self {
            Self::All(filters) | Self::Any(filters) => {
                filters.iter().any(|filter| filter.mentions(attribute, kind))
            }
            Self::Not(filter) => filter.mentions(attribute, kind),
            Self::Present(path) | Self::Compare { path, .. } | Self::Element { path, .. } => {
                path.means(attribute, kind)
            }
        }
    }

    /// The conditions that must all be true.
    fn conjuncts(&self) -> impl Iterator<Item = &Filter> {
        let mut waiting = vec![self];
        std::iter::from_fn(move || {
            while let Some(filter) = waiting.pop() {
                match filter {
                    Self::All(filters) => waiting.extend(filters),
                    other => return Some(other),
                }
            }
            None
        })
    }

    /// The sub-attributes that an element must have, if the filter consists of equalities only.
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

/// The key for an attribute that equals a value.
fn key_of(kind: ScimKind, attribute: &str, part: Option<&str>, value: &Value) -> Option<ScimKey> {
    let is = |name: &str| attribute.eq_ignore_ascii_case(name);
    let is_value = part.is_none_or(|part| part.eq_ignore_ascii_case("value"));
    // Truth values are also compared as texts.
    let is_false = || {
        *value == Value::Bool(false) || value.as_str().is_some_and(|text| text.eq_ignore_ascii_case("false"))
    };
    if kind == ScimKind::User && part.is_none() && is("active") {
        return is_false().then_some(ScimKey::Inactive);
    }
    let text = value.as_str()?.to_owned();
    match kind {
        _ if part.is_none() && is("id") => Some(ScimKey::Ids(vec![text])),
        _ if part.is_none() && is(kind.name_attribute()) => Some(ScimKey::Name(text)),
        _ if part.is_none() && is("externalId") => Some(ScimKey::ExternalId(text)),
        ScimKind::User if part.is_none() && is("displayName") => Some(ScimKey::DisplayName(text)),
        ScimKind::User if is_value && is("emails") => Some(ScimKey::Email(text)),
        ScimKind::Group if is_value && is("members") => Some(ScimKey::Member(text)),
        _ => None,
    }
}

/// A rank: the fewer resources a key finds, the lower.
fn rank(key: &ScimKey) -> u8 {
    match key {
        ScimKey::Ids(_) => 0,
        ScimKey::Name(_) => 1,
        ScimKey::ExternalId(_) => 2,
        ScimKey::Email(_) => 3,
        ScimKey::Member(_) => 4,
        ScimKey::DisplayName(_) => 5,
        _ => 6,
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

    /// Whether the operator compares an order.
    fn is_ordering(self) -> bool {
        matches!(self, Self::Greater | Self::GreaterOrEqual | Self::Less | Self::LessOrEqual)
    }
}

/// Writes a filter in a form that parses to the same filter.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_store_can_find_is_left_to_it() {
        let text = || "x".to_owned();
        for (filter, user, group) in [
            (r#"id eq "x""#, Some(ScimKey::id("x")), Some(ScimKey::id("x"))),
            (r#"USERNAME eq "x""#, Some(ScimKey::Name(text())), None),
            (r#"displayName eq "x""#, Some(ScimKey::DisplayName(text())), Some(ScimKey::Name(text()))),
            (
                r#"externalId eq "x" and userName eq "x""#,
                Some(ScimKey::Name(text())),
                Some(ScimKey::ExternalId(text())),
            ),
            (r#"active eq false and (title pr and emails.value eq "x")"#, Some(ScimKey::Email(text())), None),
            (r#"emails eq "x""#, Some(ScimKey::Email(text())), None),
            (r#"emails[type eq "work" and value eq "x"]"#, Some(ScimKey::Email(text())), None),
            (r#"emails[type eq "work"].value eq "x""#, Some(ScimKey::Email(text())), None),
            (r#"active eq false"#, Some(ScimKey::Inactive), None),
            (r#"active eq "False""#, Some(ScimKey::Inactive), None),
            (r#"members[value eq "x"]"#, None, Some(ScimKey::Member(text()))),
            (r#"members eq "x" and displayName co "y""#, None, Some(ScimKey::Member(text()))),
            // These filters are different, or do not require one value.
            (r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:externalId eq "x""#, None, None),
            (r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:active eq false"#, None, None),
            (r#"userName ne "x""#, None, None),
            (r#"userName eq "x" or id eq "x""#, None, None),
            (r#"not (userName eq "x")"#, None, None),
            (r#"active eq true"#, None, None),
            (r#"emails.type eq "x""#, None, None),
            (r#"emails[type eq "x"]"#, None, None),
            (r#"emails[value eq "x" or type eq "x"]"#, None, None),
            (r#"name.id eq "x""#, None, None),
            (r#"id eq null"#, None, None),
        ] {
            let read = Filter::parse(filter, &Limits::default()).unwrap();
            assert_eq!((read.key(ScimKind::User), read.key(ScimKind::Group)), (user, group), "{filter}");
        }
    }
}
