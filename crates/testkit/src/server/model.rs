use std::fmt;

use vouchsafe_crypto::Certificate;
use vouchsafe_xml::{Document, Element, Limits, namespace};

use crate::{KeyPair, TestkitError};

/// A person who can sign in. There is no password.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct User {
    /// The login, which is the user's name at this server.
    pub login: String,
    /// The e-mail address, which is the NameID.
    pub email: String,
    /// The first name.
    pub first_name: String,
    /// The last name.
    pub last_name: String,
    /// The names of the groups.
    pub groups: Vec<String>,
    /// A suspended user cannot sign in.
    pub suspended: bool,
}

impl User {
    /// Makes a user whose login is the e-mail address, in the group 'Everyone', as all users of Okta are.
    pub fn new(
        email: impl Into<String>,
        first_name: impl Into<String>,
        last_name: impl Into<String>,
    ) -> Self {
        let email = email.into();
        Self {
            login: email.clone(),
            email,
            first_name: first_name.into(),
            last_name: last_name.into(),
            groups: vec!["Everyone".to_owned()],
            suspended: false,
        }
    }

    /// Sets another login.
    pub fn with_login(mut self, login: impl Into<String>) -> Self {
        self.login = login.into();
        self
    }

    /// Replaces the groups by these.
    pub fn in_groups<G: Into<String>>(mut self, groups: impl IntoIterator<Item = G>) -> Self {
        self.groups = groups.into_iter().map(Into::into).collect();
        self
    }
}

/// The identifier of an application in addresses: `exk` and 17 characters, as Okta has it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AppId(pub(super) String);

impl AppId {
    /// Returns the identifier as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AppId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// An application: a service provider with the settings that an administrator enters, with Okta's names of the
/// fields.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use]
pub struct App {
    /// The label under the icon.
    pub label: String,
    /// "Audience URI (SP Entity ID)": the entity ID.
    pub entity_id: String,
    /// "Single sign-on URL": the assertion consumer, which is Destination and Recipient too.
    pub single_sign_on_url: String,
    /// "Default RelayState": sent when the user clicks the icon.
    pub default_relay_state: Option<String>,
    /// "Single Logout URL": without one there is no single logout.
    pub single_logout_url: Option<String>,
    /// "Signature Certificate": the certificate that verifies logout messages of the application.
    pub signature_certificate: Option<Certificate>,
    /// "Encryption Certificate": if there is one, assertions are encrypted.
    pub encryption_certificate: Option<Certificate>,
    /// "Group Attribute Statements": the name of the attribute with all groups of the user.
    pub group_attribute: Option<String>,
    /// "Attribute Statements" that are the same for all users, such as `token`, in order.
    pub fixed_attributes: Vec<(String, String)>,
    /// The application's own signing key, which its metadata publishes; without it, the server's key is used.
    pub key: Option<KeyPair>,
    /// The SCIM address and token for users and groups.
    pub provisioning: Option<Provisioning>,
    /// The base address at which the application accepts [signals](super::Signal). Only `http` is supported.
    pub signals_url: Option<String>,
}

impl App {
    /// Makes an application with unencrypted assertions and the groups in the attribute `groups`.
    pub fn new(
        label: impl Into<String>,
        entity_id: impl Into<String>,
        single_sign_on_url: impl Into<String>,
    ) -> Self {
        Self {
            label: label.into(),
            entity_id: entity_id.into(),
            single_sign_on_url: single_sign_on_url.into(),
            default_relay_state: None,
            single_logout_url: None,
            signature_certificate: None,
            encryption_certificate: None,
            group_attribute: Some("groups".to_owned()),
            fixed_attributes: Vec::new(),
            key: None,
            provisioning: None,
            signals_url: None,
        }
    }

    /// Makes an application from the service provider's metadata: the entity ID, the default assertion consumer
    /// service by POST (else the first one), the single logout service by POST, and the certificates if there are
    /// any.
    ///
    /// # Errors
    ///
    /// An error is returned if it is not the metadata of a service provider that receives responses by POST.
    pub fn from_metadata(label: impl Into<String>, metadata: &[u8]) -> Result<Self, TestkitError> {
        let document = Document::parse(metadata, &Limits::default())?;
        let root = document.root();
        let entity_id = root
            .attribute("entityID")
            .filter(|_| root.is(namespace::SAML_METADATA, "EntityDescriptor"))
            .ok_or_else(|| missing("md:EntityDescriptor with an entityID", root))?;
        let role = child(root, namespace::SAML_METADATA, "SPSSODescriptor")
            .ok_or_else(|| missing("md:SPSSODescriptor", root))?;
        let acs =
            assertion_consumer(role).ok_or_else(|| missing("an assertion consumer service by POST", role))?;
        let mut app = Self::new(label, entity_id, acs);
        app.encryption_certificate = certificate(role, "encryption");
        app.signature_certificate = certificate(role, "signing");
        app.single_logout_url = role
            .elements()
            .filter(|child| child.is(namespace::SAML_METADATA, "SingleLogoutService"))
            .find(|service| {
                service.attribute("Binding") == Some("urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST")
            })
            .and_then(|service| service.attribute("Location"))
            .map(str::to_owned);
        Ok(app)
    }

    /// Makes an application whose metadata are at this `http` address, for a service that need not run yet. It offers
    /// single logout, so that the service can load the identity provider's metadata first. Until
    /// [`Okta::load_metadata`](super::Okta::load_metadata) has read the service's metadata, nobody can sign in.
    pub fn to_be_loaded(label: impl Into<String>, address: &str) -> Self {
        let mut app = Self::new(label, address, address);
        app.single_logout_url = Some(address.to_owned());
        app
    }

    /// Sets the default RelayState.
    pub fn with_default_relay_state(mut self, relay_state: impl Into<String>) -> Self {
        self.default_relay_state = Some(relay_state.into());
        self
    }

    /// Encrypts assertions to this certificate.
    pub fn with_encryption_certificate(mut self, certificate: &Certificate) -> Self {
        self.encryption_certificate = Some(certificate.clone());
        self
    }

    /// Sends assertions unencrypted, even if the metadata has an encryption certificate.
    pub fn without_encryption(mut self) -> Self {
        self.encryption_certificate = None;
        self
    }

    /// Sends the groups in an attribute of this name; `None` sends no groups.
    pub fn with_group_attribute(mut self, name: Option<&str>) -> Self {
        self.group_attribute = name.map(str::to_owned);
        self
    }

    /// Sends users and groups by SCIM.
    pub fn with_provisioning(mut self, provisioning: Provisioning) -> Self {
        self.provisioning = Some(provisioning);
        self
    }

    /// Signs with this key instead of the server's.
    pub fn with_key(mut self, key: &KeyPair) -> Self {
        self.key = Some(key.clone());
        self
    }

    /// Adds an attribute that is the same for all users.
    pub fn with_attribute(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.fixed_attributes.push((name.into(), value.into()));
        self
    }
}

/// The address and the token for SCIM: "SCIM connector base URL" and "API Token" of an application's provisioning
/// settings. `Debug` does not show the token.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct Provisioning {
    /// The base address of `/Users` and `/Groups`. Only `http` is supported, because it is for demos and tests on a
    /// loopback address.
    pub base_url: String,
    /// The bearer token.
    pub token: String,
}

impl Provisioning {
    /// Sends to this address with this token.
    pub fn new(base_url: impl Into<String>, token: impl Into<String>) -> Self {
        Self { base_url: base_url.into(), token: token.into() }
    }
}

impl fmt::Debug for Provisioning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Provisioning").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}

fn assertion_consumer(role: Element<'_>) -> Option<&str> {
    let by_post = || {
        role.elements().filter(|child| child.is(namespace::SAML_METADATA, "AssertionConsumerService")).filter(
            |child| child.attribute("Binding") == Some("urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"),
        )
    };
    by_post()
        .find(|service| matches!(service.attribute("isDefault"), Some("true" | "1")))
        .or_else(|| by_post().next())
        .and_then(|service| service.attribute("Location"))
}

/// Returns the certificate for a purpose. A KeyDescriptor without `use` serves both purposes (SAML metadata, section
/// 2.4.1.1).
fn certificate(role: Element<'_>, wanted: &str) -> Option<Certificate> {
    role.elements()
        .filter(|child| child.is(namespace::SAML_METADATA, "KeyDescriptor"))
        .filter(|key| key.attribute("use").is_none_or(|purpose| purpose == wanted))
        .flat_map(|key| key.descendants())
        .filter(|element| element.is(namespace::DSIG, "X509Certificate"))
        .find_map(|certificate| Certificate::from_base64(&certificate.text()).ok())
}

fn child<'d>(parent: Element<'d>, namespace: &str, name: &str) -> Option<Element<'d>> {
    parent.elements().find(|element| element.is(namespace, name))
}

fn missing(expected: &'static str, found: Element<'_>) -> TestkitError {
    TestkitError::message("service provider metadata", expected, found.qualified_name().to_string())
}
