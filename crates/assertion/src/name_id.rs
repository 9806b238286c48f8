//! Who the assertion is about.

use std::fmt;

use vouchsafe_metadata::name_id_format;
use vouchsafe_xml::Element;

use crate::error::AssertionError;

/// A name identifier (saml-core-2.0-os 2.2.3), with its qualifiers exactly as they came: a logout request must repeat all of it.
///
/// The value is read whole whatever comments stand in it, and nothing is trimmed. `Debug` does not show it.
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
    /// Reads a `saml:NameID` of authentic octets.
    pub(crate) fn read(element: Element<'_>) -> Result<NameId, AssertionError> {
        if element.elements().next().is_some() {
            return Err(AssertionError::NameId { reason: "it holds elements instead of text" });
        }
        let owned = |name: &str| element.attribute(name).map(str::to_owned);
        Ok(NameId {
            value: element.text().into_owned(),
            format: owned("Format"),
            name_qualifier: owned("NameQualifier"),
            sp_name_qualifier: owned("SPNameQualifier"),
            sp_provided_id: owned("SPProvidedID"),
        })
    }

    /// The identifier itself.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The `Format` as it came, an URI of section 8.3 or any other; absent means unspecified.
    #[must_use]
    pub fn format(&self) -> Option<&str> {
        self.format.as_deref()
    }

    /// The domain that qualifies the name, usually the identity provider.
    #[must_use]
    pub fn name_qualifier(&self) -> Option<&str> {
        self.name_qualifier.as_deref()
    }

    /// The service provider, or the group of them, for which the name was made.
    #[must_use]
    pub fn sp_name_qualifier(&self) -> Option<&str> {
        self.sp_name_qualifier.as_deref()
    }

    /// The name that this service provider gave earlier.
    #[must_use]
    pub fn sp_provided_id(&self) -> Option<&str> {
        self.sp_provided_id.as_deref()
    }

    /// Whether it lasts for one session only (8.3.8): never a key of an account.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.format() == Some(name_id_format::TRANSIENT)
    }

    /// Whether it is opaque and stays the same (8.3.7): compared together with both qualifiers.
    #[must_use]
    pub fn is_persistent(&self) -> bool {
        self.format() == Some(name_id_format::PERSISTENT)
    }

    /// Whether it is an e-mail address (8.3.2).
    #[must_use]
    pub fn is_email(&self) -> bool {
        self.format() == Some(name_id_format::EMAIL_ADDRESS)
    }
}

impl fmt::Debug for NameId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NameId").field("format", &self.format).finish_non_exhaustive()
    }
}
