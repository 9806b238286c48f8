//! Where a tree departs from its content model.

use core::fmt;

use crate::Quoted;

/// An element that is not as its type says: where it is, which type, and what is wrong.
///
/// Its text quotes names from the message escaped and cut, and never shows text between tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaViolation {
    pub(crate) path: String,
    pub(crate) schema_type: &'static str,
    pub(crate) problem: SchemaProblem,
}

/// What is wrong with an element.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SchemaProblem {
    /// A child that the type does not name.
    #[non_exhaustive]
    UnexpectedElement {
        /// Its namespace name, as it came.
        namespace: String,
        /// Its local name, as it came.
        name: String,
    },
    /// A child, or one of several, that occurs more often than the type allows.
    #[non_exhaustive]
    RepeatedElement {
        /// The local name, or several joined by "or".
        names: String,
        /// How many are allowed.
        at_most: u32,
    },
    /// A child, or one of several, that must be there.
    #[non_exhaustive]
    MissingElement {
        /// The local name, or several joined by "or".
        names: String,
    },
    /// An attribute that the type does not name.
    #[non_exhaustive]
    UnexpectedAttribute {
        /// Its namespace name, as it came; empty for none.
        namespace: String,
        /// Its local name, as it came.
        name: String,
    },
    /// An attribute that must be there.
    #[non_exhaustive]
    MissingAttribute {
        /// Its name.
        name: &'static str,
    },
    /// Text where only elements may stand.
    UnexpectedText,
    /// An attribute's value that is not of its type.
    #[non_exhaustive]
    AttributeValue {
        /// The name of the attribute.
        name: &'static str,
        /// What the type asks for.
        expected: &'static str,
        /// What came.
        actual: String,
    },
    /// Text that is not of its type.
    #[non_exhaustive]
    TextValue {
        /// What the type asks for.
        expected: &'static str,
        /// Whether there was no text at all, or white space only.
        is_blank: bool,
    },
}

impl SchemaViolation {
    /// The path of the element from where the check began, such as `/Response/Assertion[1]/Subject`. The steps are local names of the
    /// table; a number counts the children of that name from 1, and stands where there may be several, or are.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The name of the element's type in the schema, such as `saml:SubjectType`.
    #[must_use]
    pub fn schema_type(&self) -> &'static str {
        self.schema_type
    }

    /// What is wrong with it.
    #[must_use]
    pub fn problem(&self) -> &SchemaProblem {
        &self.problem
    }
}

impl fmt::Display for SchemaViolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.path, self.schema_type, self.problem)
    }
}

impl fmt::Display for SchemaProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnexpectedElement { namespace, name } => write!(
                f,
                "the element {} of the namespace {} is not allowed here",
                Quoted::new(name),
                Quoted::new(namespace)
            ),
            Self::RepeatedElement { names, at_most: 1 } => write!(f, "{names} occurs more than once"),
            Self::RepeatedElement { names, at_most } => {
                write!(f, "{names} occurs more than {at_most} times")
            }
            Self::MissingElement { names } => write!(f, "{names} is missing"),
            Self::UnexpectedAttribute { namespace, name } if namespace.is_empty() => {
                write!(f, "the attribute {} is not allowed here", Quoted::new(name))
            }
            Self::UnexpectedAttribute { namespace, name } => write!(
                f,
                "the attribute {} of the namespace {} is not allowed here",
                Quoted::new(name),
                Quoted::new(namespace)
            ),
            Self::MissingAttribute { name } => write!(f, "the attribute {name} is missing"),
            Self::UnexpectedText => f.write_str("text stands where only elements may"),
            Self::AttributeValue { name, expected, actual } => {
                write!(f, "the attribute {name}: expected {expected}, found {}", Quoted::new(actual))
            }
            Self::TextValue { expected, is_blank: true } => write!(f, "expected {expected}, found no text"),
            Self::TextValue { expected, is_blank: false } => {
                write!(f, "expected {expected}, found other text")
            }
        }
    }
}
