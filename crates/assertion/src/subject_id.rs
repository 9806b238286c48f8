//! The general-purpose and the pairwise subject identifier (saml-subject-id-attr-v1.0), checked against the scopes of
//! the identity provider.

use std::borrow::Cow;
use std::fmt;

use vouchsafe_metadata::Scope;
use vouchsafe_xml::Quoted;

use crate::attributes::Attributes;
use crate::error_words::list;
use crate::ledger::{Check, Outcome};

/// One of the two attributes: its name in an assertion and in texts, and its rule.
pub(crate) struct Kind {
    attribute: &'static str,
    name: &'static str,
    rule: &'static str,
    clause: &'static str,
}

/// The subject-id: a person has the same one at every service provider.
pub(crate) const SUBJECT_ID: Kind = Kind {
    attribute: "urn:oasis:names:tc:SAML:attribute:subject-id",
    name: "subject-id",
    rule: "attributes.subject_id",
    clause: "saml-subject-id-attr-v1.0 3.3",
};

/// The pairwise-id: a person has a different one at every service provider.
pub(crate) const PAIRWISE_ID: Kind = Kind {
    attribute: "urn:oasis:names:tc:SAML:attribute:pairwise-id",
    name: "pairwise-id",
    rule: "attributes.pairwise_id",
    clause: "saml-subject-id-attr-v1.0 3.4",
};

/// An identifier of the form `unique-id@scope`, whose scope belongs to the identity provider.
///
/// It is compared without regard to case, so it is kept in lower case: use that form as the key of an account.
/// `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SubjectId {
    unique_id: String,
    scope: String,
}

impl SubjectId {
    /// The part before the `@`.
    #[must_use]
    pub fn unique_id(&self) -> &str {
        &self.unique_id
    }

    /// The part after the `@`: a domain of the identity provider.
    #[must_use]
    pub fn scope(&self) -> &str {
        &self.scope
    }

    /// Parses an identifier. The part before the `@` has letters, digits, `=` and `-`; the part after it has letters,
    /// digits, `-` and `.`. Each has 1 to 127 characters, of which the first is a letter or a digit.
    fn parse(text: &str) -> Option<SubjectId> {
        let (unique_id, scope) = text.split_once('@')?;
        let sound = |part: &str, more: [char; 2]| {
            part.starts_with(|first: char| first.is_ascii_alphanumeric())
                && part.len() <= 127
                && part.chars().all(|other| other.is_ascii_alphanumeric() || more.contains(&other))
        };
        (sound(unique_id, ['=', '-']) && sound(scope, ['-', '.'])).then(|| SubjectId {
            unique_id: unique_id.to_ascii_lowercase(),
            scope: scope.to_ascii_lowercase(),
        })
    }
}

impl fmt::Display for SubjectId {
    /// Writes `unique-id@scope` in lower case.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.unique_id, self.scope)
    }
}

impl fmt::Debug for SubjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubjectId").field("scope", &self.scope).finish_non_exhaustive()
    }
}

/// The reason why a subject-id or a pairwise-id is not reliable. It does not refuse the login, since not every application uses one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubjectIdError {
    /// The value is not valid, or there are several.
    #[error("the attribute {name}: {reason}")]
    #[non_exhaustive]
    Invalid {
        /// `subject-id` or `pairwise-id`.
        name: &'static str,
        /// What is wrong; never the value.
        reason: &'static str,
    },
    /// The scope does not belong to the identity provider.
    #[error(
        "the attribute {name}: expected a scope of the identity provider, {}, found {}",
        list(expected),
        Quoted::new(actual)
    )]
    #[non_exhaustive]
    ForeignScope {
        /// `subject-id` or `pairwise-id`.
        name: &'static str,
        /// The scopes in the identity provider's metadata.
        expected: Vec<String>,
        /// The scope in the message.
        actual: String,
    },
}

impl SubjectIdError {
    /// Returns the stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Invalid { .. } => "assertion.subject_id",
            Self::ForeignScope { .. } => "assertion.scope",
        }
    }

    /// Returns what an operator should change.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Invalid { .. } => {
                "Have the identity provider send one value of the form unique-id@scope, or identify people by the NameID."
            }
            Self::ForeignScope { .. } => {
                "Have the identity provider's metadata declare the scope (shibmd:Scope), or configure it here with with_scope once you know \
                 that it is theirs."
            }
        }
    }
}

/// Returns the identifier of that kind among the attributes; an error if it is not reliable.
pub(crate) fn read(
    kind: &Kind,
    attributes: &Attributes,
    scopes: &[Scope],
) -> Result<Option<SubjectId>, SubjectIdError> {
    let value = match attributes.get(kind.attribute) {
        None | Some([]) => return Ok(None),
        Some([value]) => value,
        Some(_) => {
            return Err(SubjectIdError::Invalid { name: kind.name, reason: "it has more than one value" });
        }
    };
    let id =
        SubjectId::parse(value.trim_matches([' ', '\t', '\r', '\n'])).ok_or(SubjectIdError::Invalid {
            name: kind.name,
            reason: "it is not of the form unique-id@scope",
        })?;
    if speaks_for(scopes, &id.scope) {
        return Ok(Some(id));
    }
    Err(SubjectIdError::ForeignScope {
        name: kind.name,
        expected: scopes.iter().map(|scope| scope.value().to_owned()).collect(),
        actual: id.scope,
    })
}

/// Returns whether a domain is among the scopes, without regard to case.
pub(crate) fn speaks_for(scopes: &[Scope], domain: &str) -> bool {
    scopes.iter().any(|scope| scope.matches(domain))
}

/// Returns the check for the ledger. An unreliable identifier does not refuse the login, since the application need
/// not use it; a call of the login's method for it returns the reason.
pub(crate) fn check(kind: &Kind, attributes: &Attributes, scopes: &[Scope]) -> Check {
    let (outcome, actual): (_, Cow<'static, str>) = match read(kind, attributes, scopes) {
        Ok(None) => (Outcome::Skipped, "none".into()),
        Ok(Some(id)) => (Outcome::Passed, format!("one of scope {}", id.scope).into()),
        Err(error) => (Outcome::Skipped, format!("not relied on: {error}").into()),
    };
    Check::new(kind.rule, kind.clause, outcome)
        .expected("unique-id@scope, the scope one of the identity provider's")
        .actual(actual)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let longest = "a".repeat(127);
        let good = ["a@b", "A1=-@ex-ample.COM", &format!("{longest}@{longest}")];
        for text in good {
            assert_eq!(SubjectId::parse(text).unwrap().to_string(), text.to_ascii_lowercase());
        }
        let bad = [
            "", "@", "a", "a@", "@b", "a@b@c", "-a@b", "=a@b", "a@.b", "a@-b", "a_b@c", "a@b_c", "ä@b",
            "a@ä", "a b@c", "a.b@c", "a@b=c", "a@b ",
        ];
        for text in bad {
            assert!(SubjectId::parse(text).is_none(), "{text:?}");
        }
        for text in [format!("{longest}a@b"), format!("b@{longest}a")] {
            assert!(SubjectId::parse(&text).is_none());
        }
        let shown = format!("{:?}", SubjectId::parse("ada@example.com").unwrap());
        assert!(shown.contains("example.com") && !shown.contains("ada"), "{shown}");
    }
}
