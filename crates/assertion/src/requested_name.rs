//! Whom a request asked for, and by which kind of name (saml-core-2.0-os 3.4.1, 3.4.1.1).

use std::fmt;

use serde::{Deserialize, Serialize};
use vouchsafe_metadata::name_id_format::{PERSISTENT, UNSPECIFIED};
use vouchsafe_xml::Quoted;

use crate::error_words::or_none;
use crate::name_id::NameId;

/// A name identifier with its qualifiers exactly as they came, to be kept and sent: a logout request repeats all of it. `Debug` does not
/// show whose.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SessionNameId {
    /// The identifier.
    pub value: String,
    /// Its Format.
    pub format: Option<String>,
    /// Its NameQualifier.
    pub name_qualifier: Option<String>,
    /// Its SPNameQualifier.
    pub sp_name_qualifier: Option<String>,
    /// Its SPProvidedID.
    pub sp_provided_id: Option<String>,
}

impl SessionNameId {
    /// A name identifier without format and qualifiers.
    pub fn new(value: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            format: None,
            name_qualifier: None,
            sp_name_qualifier: None,
            sp_provided_id: None,
        }
    }
}

impl From<&NameId> for SessionNameId {
    fn from(name_id: &NameId) -> Self {
        Self {
            value: name_id.value().to_owned(),
            format: name_id.format().map(str::to_owned),
            name_qualifier: name_id.name_qualifier().map(str::to_owned),
            sp_name_qualifier: name_id.sp_name_qualifier().map(str::to_owned),
            sp_provided_id: name_id.sp_provided_id().map(str::to_owned),
        }
    }
}

impl fmt::Debug for SessionNameId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SessionNameId").field("format", &self.format).finish_non_exhaustive()
    }
}

/// What a request asked of the name in the answer. By default nothing.
///
/// ```
/// use vouchsafe_assertion::{RequestedName, SessionNameId};
///
/// let asked = RequestedName::default().with_subject(SessionNameId::new("ada@example.com"));
/// assert!(asked.subject().is_some() && asked.format().is_none());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestedName {
    subject: Option<SessionNameId>,
    format: Option<String>,
    sp_name_qualifier: Option<String>,
}

impl RequestedName {
    /// The answer is about this person (`Subject` of the request): the same value, Format and qualifiers (saml-core-2.0-os 3.3.4).
    #[must_use]
    pub fn with_subject(mut self, subject: SessionNameId) -> RequestedName {
        self.subject = Some(subject);
        self
    }

    /// The name has this Format (`NameIDPolicy`). `unspecified` leaves the choice to the identity provider, and so does `encrypted`, which
    /// is no format of a name.
    #[must_use]
    pub fn with_format(mut self, format: impl Into<String>) -> RequestedName {
        self.format = Some(format.into()).filter(|format| !is_any(format));
        self
    }

    /// The name belongs to this service provider or affiliation (`SPNameQualifier` of the `NameIDPolicy`). A name without the attribute
    /// belongs to the service provider that asked.
    #[must_use]
    pub fn with_sp_name_qualifier(mut self, qualifier: impl Into<String>) -> RequestedName {
        self.sp_name_qualifier = Some(qualifier.into());
        self
    }

    /// The person who was asked for.
    #[must_use]
    pub fn subject(&self) -> Option<&SessionNameId> {
        self.subject.as_ref()
    }

    /// The Format that was asked for.
    #[must_use]
    pub fn format(&self) -> Option<&str> {
        self.format.as_deref()
    }

    /// The SPNameQualifier that was asked for.
    #[must_use]
    pub fn sp_name_qualifier(&self) -> Option<&str> {
        self.sp_name_qualifier.as_deref()
    }
}

/// In what the name of an answer differs from the one that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameMismatch {
    /// It is about somebody else than the person who was asked for. The names are not told.
    #[error("Subject: not the person whom the request asked for: {part}")]
    #[non_exhaustive]
    Subject {
        /// What differs.
        part: &'static str,
    },
    /// The Format or the SPNameQualifier is another than the NameIDPolicy of the request asked for.
    #[error("NameID/@{attribute}: the NameIDPolicy asked for {}, found {}", Quoted::new(expected), or_none(actual.as_deref()))]
    #[non_exhaustive]
    Policy {
        /// `Format` or `SPNameQualifier`.
        attribute: &'static str,
        /// What was asked for.
        expected: String,
        /// What came.
        actual: Option<String>,
    },
}

impl NameMismatch {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Subject { .. } => "assertion.other_subject",
            Self::Policy { .. } => "assertion.name_id_policy",
        }
    }

    /// What an operator changes.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Subject { .. } => {
                "Another person is signed in at the identity provider than the one who was asked for: have them sign out there, or ask with \
                 force_authn."
            }
            Self::Policy { .. } => {
                "The identity provider gives another kind of name than the NameIDPolicy asks for: set it there (Okta: \"Name ID format\"), or \
                 ask for no format (name_id_policy)."
            }
        }
    }
}

/// In what a name differs from the one that was asked for: `None` if it is the same. Qualifiers that a persistent name leaves out have their
/// defaults, the issuer and the service provider (saml-core-2.0-os 8.3.7).
pub(crate) fn difference(
    asked: &SessionNameId,
    name: Option<&NameId>,
    (issuer, audience): (&str, &str),
) -> Option<&'static str> {
    let Some(name) = name else { return Some("nobody is named") };
    let format = known_format(asked.format.as_deref());
    let qualifier = |of: Option<&str>, default: &str| match (of, format) {
        (None, PERSISTENT) => Some(default.to_owned()),
        (of, _) => of.map(str::to_owned),
    };
    let differs = [
        (asked.value != name.value(), "another value"),
        (format != known_format(name.format()), "another Format"),
        (
            qualifier(asked.name_qualifier.as_deref(), issuer) != qualifier(name.name_qualifier(), issuer),
            "another NameQualifier",
        ),
        (
            qualifier(asked.sp_name_qualifier.as_deref(), audience)
                != qualifier(name.sp_name_qualifier(), audience),
            "another SPNameQualifier",
        ),
    ];
    differs.into_iter().find_map(|(so, part)| so.then_some(part))
}

/// Without a Format, or with an empty one, it is unspecified (saml-core-2.0-os 2.2.2).
pub(crate) fn known_format(format: Option<&str>) -> &str {
    format.filter(|format| !format.is_empty()).unwrap_or(UNSPECIFIED)
}

fn is_any(format: &str) -> bool {
    [UNSPECIFIED, "urn:oasis:names:tc:SAML:2.0:nameid-format:unspecified", ENCRYPTED, ""].contains(&format)
}

const ENCRYPTED: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:encrypted";
