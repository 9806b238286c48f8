//! The name identifier of the person in an assertion.

use std::fmt;

use vouchsafe_metadata::name_id_format;
use vouchsafe_xml::Element;

/// A name identifier (saml-core-2.0-os 2.2.3), with its qualifiers unchanged: a logout request must repeat all of
/// them.
///
/// The whole value is read, even if it contains comments, and nothing is trimmed. `Debug` does not show the value.
///
/// ```no_run
/// # fn login() -> vouchsafe_assertion::Login { unimplemented!() }
/// let login = login();
/// if let Some(name_id) = login.name_id() {
///     assert!(!name_id.value().is_empty());
///     assert!(name_id.is_email() || name_id.is_persistent() || name_id.is_transient());
/// }
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct NameId {
    value: String,
    format: Option<String>,
    name_qualifier: Option<String>,
    sp_name_qualifier: Option<String>,
    sp_provided_id: Option<String>,
}

impl NameId {
    /// The maximum length of an opaque identifier, in characters (8.3.7, 8.3.8).
    pub(crate) const LONGEST_OPAQUE: usize = 256;
    /// The maximum length, in characters, of an identifier, its Format, its qualifiers and a session index. Each is
    /// stored and looked up, at a sign-in and at a logout.
    pub(crate) const LONGEST_TEXT: usize = 1_024;

    /// Reads a `saml:NameID` of authentic bytes that was checked against the schema, which allows only text in it.
    pub(crate) fn read(element: Element<'_>) -> NameId {
        let owned = |name: &str| element.attribute(name).map(str::to_owned);
        NameId {
            value: element.text().into_owned(),
            format: owned("Format"),
            name_qualifier: owned("NameQualifier"),
            sp_name_qualifier: owned("SPNameQualifier"),
            sp_provided_id: owned("SPProvidedID"),
        }
    }

    /// The value of the identifier.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The `Format` as it was received, a URI of section 8.3 or any other. If it is absent, the format is
    /// unspecified.
    #[must_use]
    pub fn format(&self) -> Option<&str> {
        self.format.as_deref()
    }

    /// The domain that qualifies the name, usually the identity provider.
    #[must_use]
    pub fn name_qualifier(&self) -> Option<&str> {
        self.name_qualifier.as_deref()
    }

    /// The service provider, or the affiliation of them, for which the name was made.
    #[must_use]
    pub fn sp_name_qualifier(&self) -> Option<&str> {
        self.sp_name_qualifier.as_deref()
    }

    /// The name that this service provider set earlier.
    #[must_use]
    pub fn sp_provided_id(&self) -> Option<&str> {
        self.sp_provided_id.as_deref()
    }

    /// Returns whether the name lasts for one session only (8.3.8). Never use such a name as the key of an account.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.format() == Some(name_id_format::TRANSIENT)
    }

    /// Returns whether the name is opaque and permanent (8.3.7). It is compared together with both qualifiers.
    #[must_use]
    pub fn is_persistent(&self) -> bool {
        self.format() == Some(name_id_format::PERSISTENT)
    }

    /// Returns whether the name exceeds the limit of its format, 256 characters (8.3.7, 8.3.8).
    pub(crate) fn is_overlong(&self) -> bool {
        (self.is_persistent() || self.is_transient())
            && self.value.chars().nth(Self::LONGEST_OPAQUE).is_some()
    }

    /// Returns whether the value or one of the attributes [is too long](is_too_long).
    pub(crate) fn has_long_text(&self) -> bool {
        let attributes = [&self.format, &self.name_qualifier, &self.sp_name_qualifier, &self.sp_provided_id];
        let mut all = std::iter::once(&self.value).chain(attributes.into_iter().flatten());
        all.any(|text| is_too_long(text))
    }

    /// Returns whether the name is an e-mail address (8.3.2).
    #[must_use]
    pub fn is_email(&self) -> bool {
        self.format() == Some(name_id_format::EMAIL_ADDRESS)
    }
}

/// Returns whether a text has more characters than [`NameId::LONGEST_TEXT`].
pub(crate) fn is_too_long(text: &str) -> bool {
    text.chars().nth(NameId::LONGEST_TEXT).is_some()
}

/// A persistent identifier with both of its qualifiers, of which the missing ones are filled in (saml-core-2.0-os
/// 8.3.7). It can be the key of an account. [`Login::persistent_name`](crate::Login::persistent_name) returns it.
/// `Debug` does not show the value.
///
/// The identity provider wrote the qualifiers. Store the name together with [`Login::issuer`](crate::Login::issuer):
/// the NameQualifier of another identity provider does not prove that the name comes from it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PersistentName<'l> {
    value: &'l str,
    name_qualifier: &'l str,
    sp_name_qualifier: &'l str,
}

impl<'l> PersistentName<'l> {
    /// Returns the name, if it is persistent, as this issuer gave it to this service provider.
    pub(crate) fn of(name_id: &'l NameId, issuer: &'l str, audience: &'l str) -> Option<PersistentName<'l>> {
        name_id.is_persistent().then(|| PersistentName {
            value: &name_id.value,
            name_qualifier: name_id.name_qualifier().unwrap_or(issuer),
            sp_name_qualifier: name_id.sp_name_qualifier().unwrap_or(audience),
        })
    }

    /// The value of the identifier.
    #[must_use]
    pub fn value(&self) -> &'l str {
        self.value
    }

    /// The `NameQualifier`, or the identity provider if it is missing.
    #[must_use]
    pub fn name_qualifier(&self) -> &'l str {
        self.name_qualifier
    }

    /// The `SPNameQualifier`, or this service provider if it is missing.
    #[must_use]
    pub fn sp_name_qualifier(&self) -> &'l str {
        self.sp_name_qualifier
    }
}

impl fmt::Debug for PersistentName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PersistentName")
            .field("name_qualifier", &self.name_qualifier)
            .field("sp_name_qualifier", &self.sp_name_qualifier)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for NameId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NameId").field("format", &self.format).finish_non_exhaustive()
    }
}
