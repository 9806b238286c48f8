//! The values that a customer's administrator enters into the console of their identity provider, or gives to
//! Terraform.
//!
//! The attribute names are those that the service looks for: of a product's preset of `[attributes]`, or of an
//! organization's policy.
//!
//! ```
//! use vouchsafe::EntityId;
//! use vouchsafe::console::{Console, ServiceDetails};
//! use vouchsafe::provisioning::AttributeMapping;
//!
//! let service = ServiceDetails::new(
//!     EntityId::new("https://app.example.com/saml/metadata")?,
//!     "https://app.example.com/saml/acs",
//! )?;
//! let okta = Console::from_id("okta").ok_or("unknown")?;
//! let values = okta.values(&service, &AttributeMapping::preset(okta.preset()));
//! assert_eq!(values.fields[0].field, "Single sign-on URL");
//! assert_eq!(values.fields[0].value, "https://app.example.com/saml/acs");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod microsoft;
mod okta;
mod others;
mod service_details;
mod terraform;

use serde::Serialize;
use vouchsafe_metadata::OwnKeyUse;
use vouchsafe_provisioning::{AttributeMapping, Preset};

use crate::doctor::{Product, catalogue};

pub use service_details::ServiceDetails;

/// The console of a product whose fields and field names are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Console {
    /// Okta.
    Okta,
    /// Microsoft Entra ID.
    Entra,
    /// Google Workspace.
    Google,
    /// Microsoft AD FS.
    Adfs,
    /// Keycloak.
    Keycloak,
    /// OneLogin.
    Onelogin,
    /// PingOne.
    Pingone,
    /// JumpCloud.
    Jumpcloud,
}

impl Console {
    /// All consoles.
    pub const ALL: &[Console] = &[
        Console::Okta,
        Console::Entra,
        Console::Google,
        Console::Adfs,
        Console::Keycloak,
        Console::Onelogin,
        Console::Pingone,
        Console::Jumpcloud,
    ];

    /// Returns the console with this short name.
    #[must_use]
    pub fn from_id(id: &str) -> Option<Console> {
        Console::ALL.iter().copied().find(|console| console.id() == id)
    }

    /// Returns the short name, as in the [catalogue] of products.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Console::Okta => "okta",
            Console::Entra => "entra",
            Console::Google => "google",
            Console::Adfs => "adfs",
            Console::Keycloak => "keycloak",
            Console::Onelogin => "onelogin",
            Console::Pingone => "pingone",
            Console::Jumpcloud => "jumpcloud",
        }
    }

    /// Returns the product's preset of `[attributes]`.
    #[must_use]
    pub fn preset(self) -> Preset {
        match self {
            Console::Okta => Preset::Okta,
            Console::Entra => Preset::Entra,
            Console::Google => Preset::Google,
            Console::Adfs => Preset::Adfs,
            Console::Keycloak => Preset::Keycloak,
            Console::Onelogin => Preset::Onelogin,
            Console::Pingone => Preset::Pingone,
            Console::Jumpcloud => Preset::Jumpcloud,
        }
    }

    /// Returns the name of the product.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.product().map_or(self.id(), |product| product.name.as_str())
    }

    /// Returns the place in the console where the settings of an application are.
    #[must_use]
    pub fn place(self) -> &'static str {
        self.product().map_or("", |product| product.console.as_str())
    }

    /// Returns the place where the product shows the metadata of the identity provider.
    #[must_use]
    pub fn metadata_place(self) -> &'static str {
        self.product().map_or("", |product| product.metadata.as_str())
    }

    /// Returns the hint of an error in the words of this console: the name of the setting, and its place.
    ///
    /// ```
    /// use vouchsafe::console::Console;
    ///
    /// let hint = "Set the audience (Okta: \"Audience URI (SP Entity ID)\"), letter by letter.";
    /// assert_eq!(
    ///     Console::Entra.hint("assertion.audience", hint),
    ///     "Set the audience (Microsoft Entra ID: Basic SAML Configuration > Identifier (Entity ID)), letter by letter."
    /// );
    /// ```
    #[must_use]
    pub fn hint(self, code: &str, hint: &str) -> String {
        self.product().map_or_else(|| hint.to_owned(), |product| product.in_its_words(code, hint))
    }

    /// Returns the values to enter, for a service that looks for attributes by these names.
    #[must_use]
    pub fn values(self, service: &ServiceDetails, names: &AttributeMapping) -> ConsoleValues {
        let (fields, attributes) = match self {
            Console::Okta => (okta::fields(service), okta::attributes(names)),
            Console::Entra => (microsoft::entra_fields(service), microsoft::entra_attributes(names)),
            Console::Adfs => (microsoft::adfs_fields(service), microsoft::adfs_attributes(names)),
            Console::Google => (others::google_fields(service), others::google_attributes(names)),
            Console::Keycloak => (others::keycloak_fields(service), others::keycloak_attributes(names)),
            Console::Onelogin => (others::onelogin_fields(service), others::onelogin_attributes(names)),
            Console::Pingone => (others::pingone_fields(service), others::pingone_attributes(names)),
            Console::Jumpcloud => (others::jumpcloud_fields(service), others::jumpcloud_attributes(names)),
        };
        let is_wanted = |attribute: &ConsoleAttribute| {
            !attribute.name.is_empty() && (service.has_token || attribute.name != names.token)
        };
        let attributes = attributes.into_iter().filter(is_wanted).collect();
        ConsoleValues { product: self.name(), console: self.place(), fields, attributes }
    }

    /// Returns the fields of the console that hold a certificate of the service, which must be replaced together with its
    /// key. The list is empty if the product holds no certificate for that use.
    ///
    /// ```
    /// use vouchsafe::EntityId;
    /// use vouchsafe::console::{Console, ServiceDetails};
    /// use vouchsafe::metadata::OwnKeyUse;
    ///
    /// let id = EntityId::new("https://app.example.com/saml/metadata")?;
    /// let service = ServiceDetails::new(id, "https://app.example.com/saml/acs")?.encrypted();
    /// let fields = Console::Okta.certificate_fields(&service, OwnKeyUse::Decryption);
    /// assert_eq!(fields[0].field, "Encryption Certificate");
    /// assert!(Console::Google.certificate_fields(&service, OwnKeyUse::Decryption).is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn certificate_fields(self, service: &ServiceDetails, usage: OwnKeyUse) -> Vec<ConsoleField> {
        let certificate = match usage {
            OwnKeyUse::Decryption => "encryption certificate",
            _ => "signing certificate",
        };
        let values = self.values(service, &AttributeMapping::preset(self.preset()));
        let mut fields = values.fields;
        fields.retain(|field| field.value.contains(certificate) || field.note.contains(certificate));
        fields
    }

    /// Returns the arguments of the product's Terraform resource, if one is known: `okta_app_saml` for Okta,
    /// `azuread_application` for Entra ID.
    #[must_use]
    pub fn terraform(self, service: &ServiceDetails, names: &AttributeMapping) -> Option<String> {
        terraform::of(self, service, names)
    }

    fn product(self) -> Option<&'static Product> {
        catalogue().iter().find(|one| one.id == self.id())
    }
}

/// The values to enter into a console. It is serialized as the command `vouchsafe values --json` prints it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ConsoleValues {
    /// The name of the product.
    pub product: &'static str,
    /// The place in the console where the settings are.
    pub console: &'static str,
    /// The fields, in the order of the console.
    pub fields: Vec<ConsoleField>,
    /// The attributes of the assertion.
    pub attributes: Vec<ConsoleAttribute>,
}

/// One field of a console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ConsoleField {
    /// The page or the group of fields.
    pub section: &'static str,
    /// The name of the field.
    pub field: &'static str,
    /// The value to enter; empty if the field stays empty.
    pub value: String,
    /// A further note about the field.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub note: &'static str,
}

/// One attribute of the assertion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ConsoleAttribute {
    /// The page or the group of fields.
    pub section: &'static str,
    /// The name of the attribute in the assertion.
    pub name: String,
    /// The source of the value at the identity provider, in the words of its console.
    pub value: &'static str,
    /// A further note about the attribute.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub note: &'static str,
}

/// Makes the fields of one section of a console.
fn section<const COUNT: usize>(
    section: &'static str,
    rows: [(&'static str, &str, &'static str); COUNT],
) -> Vec<ConsoleField> {
    rows.into_iter()
        .map(|(field, value, note)| ConsoleField { section, field, value: value.to_owned(), note })
        .collect()
}

/// Makes the attributes of one section of a console: the name, the value, a note.
fn attributes<const COUNT: usize>(
    section: &'static str,
    rows: [(&str, &'static str, &'static str); COUNT],
) -> Vec<ConsoleAttribute> {
    rows.into_iter()
        .map(|(name, value, note)| ConsoleAttribute { section, name: name.to_owned(), value, note })
        .collect()
}

/// The note for a value that must match exactly.
const EXACTLY: &str = "exactly as shown: do not add or remove a slash at the end";
/// The notes for the certificates of our metadata.
const ENCRYPTION_CERTIFICATE: &str = "the encryption certificate of our metadata";
const SIGNING_CERTIFICATE: &str = "the signing certificate of our metadata";
/// The value of the attribute that identifies the organization.
const TOKEN: &str = "the organization's token";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EntityId;

    fn service() -> ServiceDetails {
        let id = EntityId::new("https://app.example.com/saml/metadata").unwrap();
        ServiceDetails::new(id, "https://app.example.com/saml/acs").unwrap()
    }

    #[test]
    fn every_console_is_in_the_catalogue_and_has_both_addresses() {
        for console in Console::ALL.iter().copied() {
            assert_eq!(Console::from_id(console.id()), Some(console));
            assert!(console.product().is_some(), "{console:?}");
            assert!(!console.place().is_empty() && !console.metadata_place().is_empty(), "{console:?}");
            let values = console.values(&service(), &AttributeMapping::preset(console.preset()));
            for wanted in ["https://app.example.com/saml/metadata", "https://app.example.com/saml/acs"] {
                assert!(values.fields.iter().any(|field| field.value == wanted), "{console:?}: {wanted}");
            }
            assert!(values.attributes.iter().any(|attribute| attribute.name == "token"), "{console:?}");
        }
    }

    /// Each console that asks for a certificate of the service has a field for it.
    #[test]
    fn where_a_certificate_of_ours_is_kept_is_told() {
        let with_logout =
            service().encrypted().with_single_logout("https://app.example.com/saml/slo").unwrap();
        let kept = |service: &ServiceDetails, usage| {
            let keeps = |console: &&Console| !console.certificate_fields(service, usage).is_empty();
            Console::ALL.iter().filter(keeps).map(|console| console.id()).collect::<Vec<_>>()
        };
        assert_eq!(
            kept(&with_logout, OwnKeyUse::Decryption),
            ["okta", "entra", "adfs", "keycloak", "onelogin", "pingone", "jumpcloud"]
        );
        assert_eq!(kept(&with_logout, OwnKeyUse::Signing), ["okta", "adfs", "keycloak", "pingone"]);
        // Where nothing is encrypted, there is no certificate for it.
        assert!(kept(&service(), OwnKeyUse::Decryption).is_empty());
    }

    #[test]
    fn a_token_that_is_not_wanted_and_groups_that_are_not_read_are_not_asked_for() {
        for console in Console::ALL.iter().copied() {
            let mut names = AttributeMapping::preset(console.preset());
            let groups = names.groups.take().unwrap();
            let values = console.values(&service().without_token(), &names);
            let asked = values.attributes.iter().map(|attribute| attribute.name.as_str());
            assert!(asked.clone().any(|name| name == names.email), "{console:?}");
            for unwanted in ["token", "", groups.as_str()] {
                assert!(!asked.clone().any(|name| name == unwanted), "{console:?}: {unwanted:?}");
            }
        }
    }
}
