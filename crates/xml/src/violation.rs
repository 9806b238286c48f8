//! The differences between a tree and its content model.

use core::fmt;

use crate::Quoted;

/// An element that does not conform to its type: its path, the type, and the problem.
///
/// Its text form shows names from the message escaped and cut, and never shows text between tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaViolation {
    pub(crate) path: String,
    pub(crate) schema_type: &'static str,
    pub(crate) problem: SchemaProblem,
}

/// The problem of an element.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SchemaProblem {
    /// The type does not allow this child.
    #[non_exhaustive]
    UnexpectedElement {
        /// The namespace name in the message.
        namespace: String,
        /// The local name in the message.
        name: String,
    },
    /// A child, or one of several, occurs more often than the type allows.
    #[non_exhaustive]
    RepeatedElement {
        /// The local name, or several joined by "or".
        names: String,
        /// The largest allowed number.
        at_most: u32,
    },
    /// A required child, or one of several, is missing.
    #[non_exhaustive]
    MissingElement {
        /// The local name, or several joined by "or".
        names: String,
    },
    /// The type does not allow this attribute.
    #[non_exhaustive]
    UnexpectedAttribute {
        /// The namespace name in the message; empty if it has none.
        namespace: String,
        /// The local name in the message.
        name: String,
    },
    /// A required attribute is missing.
    #[non_exhaustive]
    MissingAttribute {
        /// The name of the attribute.
        name: &'static str,
    },
    /// There is text where only elements are allowed.
    UnexpectedText,
    /// The value of an attribute is not of its type.
    #[non_exhaustive]
    AttributeValue {
        /// The name of the attribute.
        name: &'static str,
        /// A description of the required type.
        expected: &'static str,
        /// The actual value.
        actual: String,
    },
    /// The text is not of its type.
    #[non_exhaustive]
    TextValue {
        /// A description of the required type.
        expected: &'static str,
        /// Whether there was no text, or only white space.
        is_blank: bool,
    },
}

impl SchemaViolation {
    /// Returns the path of the element from where the check began, such as `/Response/Assertion[1]/Subject`. The
    /// steps are local names of the table. A number counts the children of that name from 1; it is written if there
    /// may be several or are several.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the name of the element's type in the schema, such as `saml:SubjectType`.
    #[must_use]
    pub fn schema_type(&self) -> &'static str {
        self.schema_type
    }

    /// Returns the problem of the element.
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
            Self::UnexpectedText => f.write_str("there is text where only elements are allowed"),
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
