//! The person and the kind of name that a request asked for (saml-core-2.0-os 3.4.1, 3.4.1.1).

use std::fmt;

use serde::{Deserialize, Serialize};
use vouchsafe_metadata::name_id_format::{PERSISTENT, UNSPECIFIED};
use vouchsafe_xml::Quoted;

use crate::error_words::or_none;
use crate::name_id::NameId;

/// A name identifier with its qualifiers unchanged, to store and to send: a logout request repeats all of them.
/// `Debug` does not show the person.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SessionNameId {
    /// The value of the identifier.
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
    /// Makes a name identifier without format and qualifiers.
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

/// The requirements of a request for the name in the answer. By default there are none.
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
    /// Requires that the answer is about this person (`Subject` of the request): the same value, Format and
    /// qualifiers (saml-core-2.0-os 3.3.4).
    #[must_use]
    pub fn with_subject(mut self, subject: SessionNameId) -> RequestedName {
        self.subject = Some(subject);
        self
    }

    /// Requires that the name has this Format (`NameIDPolicy`). `unspecified` leaves the choice to the identity
    /// provider, and so does `encrypted`, which is not the format of a name.
    #[must_use]
    pub fn with_format(mut self, format: impl Into<String>) -> RequestedName {
        self.format = Some(format.into()).filter(|format| !is_any(format));
        self
    }

    /// Requires that the name belongs to this service provider or affiliation (`SPNameQualifier` of the
    /// `NameIDPolicy`). A name without the attribute belongs to the requesting service provider.
    #[must_use]
    pub fn with_sp_name_qualifier(mut self, qualifier: impl Into<String>) -> RequestedName {
        self.sp_name_qualifier = Some(qualifier.into());
        self
    }

    /// The requested person.
    #[must_use]
    pub fn subject(&self) -> Option<&SessionNameId> {
        self.subject.as_ref()
    }

    /// The requested Format.
    #[must_use]
    pub fn format(&self) -> Option<&str> {
        self.format.as_deref()
    }

    /// The requested SPNameQualifier.
    #[must_use]
    pub fn sp_name_qualifier(&self) -> Option<&str> {
        self.sp_name_qualifier.as_deref()
    }
}

/// The difference between the name of an answer and the requested one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameMismatch {
    /// The answer is about somebody other than the requested person. The names are not shown.
    #[error("Subject: not the person whom the request asked for: {part}")]
    #[non_exhaustive]
    Subject {
        /// The part that differs.
        part: &'static str,
    },
    /// The Format or the SPNameQualifier differs from that in the NameIDPolicy of the request.
    #[error("NameID/@{attribute}: the NameIDPolicy asked for {}, found {}", Quoted::new(expected), or_none(actual.as_deref()))]
    #[non_exhaustive]
    Policy {
        /// `Format` or `SPNameQualifier`.
        attribute: &'static str,
        /// The requested value.
        expected: String,
        /// The value in the message.
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

    /// Returns what an operator should change.
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

/// Returns the part in which a name differs from the requested one; `None` if both are equal. Missing qualifiers of a
/// persistent name have their defaults, the issuer and the service provider (saml-core-2.0-os 8.3.7).
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

/// Returns the Format; if it is missing or empty, it is unspecified (saml-core-2.0-os 2.2.2).
pub(crate) fn known_format(format: Option<&str>) -> &str {
    format.filter(|format| !format.is_empty()).unwrap_or(UNSPECIFIED)
}

fn is_any(format: &str) -> bool {
    [UNSPECIFIED, "urn:oasis:names:tc:SAML:2.0:nameid-format:unspecified", ENCRYPTED, ""].contains(&format)
}

const ENCRYPTED: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:encrypted";
