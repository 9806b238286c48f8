use vouchsafe_crypto::Certificate;
use vouchsafe_xml::{Writer, namespace};

use crate::{KeyPair, ResponseBuilder, TestkitError, keys};

/// The entity ID of [`IdentityProvider::okta`].
pub const OKTA_ENTITY_ID: &str = "http://www.okta.com/exk1vouchsafe0kit0h7";
/// The address where [`IdentityProvider::okta`] receives requests.
pub const OKTA_SINGLE_SIGN_ON: &str =
    "https://example.okta.com/app/example_vouchsafe_1/exk1vouchsafe0kit0h7/sso/saml";

/// An identity provider with its entity ID, addresses and key.
#[derive(Clone, Debug)]
#[must_use]
pub struct IdentityProvider {
    entity_id: String,
    single_sign_on: String,
    single_logout: Option<String>,
    artifact_resolution: Vec<(u16, String)>,
    name_id_management: Option<String>,
    soap_single_sign_on: Option<String>,
    key: KeyPair,
    published: Vec<Certificate>,
}

impl IdentityProvider {
    /// Returns the identity provider of most tests, with the key [`keys::identity_provider`].
    pub fn okta() -> Self {
        Self::new(OKTA_ENTITY_ID, OKTA_SINGLE_SIGN_ON, keys::identity_provider())
    }

    /// Returns another identity provider, with another entity ID and the key [`keys::other_identity_provider`].
    pub fn other() -> Self {
        Self::new(
            "http://www.okta.com/exk2other0000other0h7",
            "https://other.okta.com/app/other_vouchsafe_1/exk2other0000other0h7/sso/saml",
            keys::other_identity_provider(),
        )
    }

    /// Makes an identity provider with these values.
    pub fn new(entity_id: impl Into<String>, single_sign_on: impl Into<String>, key: &KeyPair) -> Self {
        Self {
            entity_id: entity_id.into(),
            single_sign_on: single_sign_on.into(),
            single_logout: None,
            artifact_resolution: Vec::new(),
            name_id_management: None,
            soap_single_sign_on: None,
            key: key.clone(),
            published: vec![key.certificate().clone()],
        }
    }

    /// Signs with another key. The metadata publishes the certificate of that key only.
    pub fn with_key(mut self, key: &KeyPair) -> Self {
        self.key = key.clone();
        self.published = vec![key.certificate().clone()];
        self
    }

    /// Publishes one more signing certificate in the metadata, as before a change of keys.
    pub fn with_next_certificate(mut self, certificate: &Certificate) -> Self {
        self.published.push(certificate.clone());
        self
    }

    /// Offers single logout at an address.
    pub fn with_single_logout(mut self, location: impl Into<String>) -> Self {
        self.single_logout = Some(location.into());
        self
    }

    /// Resolves artifacts over SOAP at an address, which its metadata lists under this index.
    pub fn with_artifact_resolution(mut self, index: u16, location: impl Into<String>) -> Self {
        self.artifact_resolution.push((index, location.into()));
        self
    }

    /// Offers name identifier management at an address.
    pub fn with_name_id_management(mut self, location: impl Into<String>) -> Self {
        self.name_id_management = Some(location.into());
        self
    }

    /// Accepts requests of enhanced clients over SOAP at an address.
    pub fn with_soap_single_sign_on(mut self, location: impl Into<String>) -> Self {
        self.soap_single_sign_on = Some(location.into());
        self
    }

    /// Returns the entity ID.
    #[must_use]
    pub fn entity_id(&self) -> &str {
        &self.entity_id
    }

    /// Returns the address that receives requests, by redirect and by POST.
    #[must_use]
    pub fn single_sign_on(&self) -> &str {
        &self.single_sign_on
    }

    /// Returns the key that it signs with.
    #[must_use]
    pub fn key(&self) -> &KeyPair {
        &self.key
    }

    /// Starts a response to the service provider [`SERVICE_PROVIDER`](crate::SERVICE_PROVIDER).
    pub fn response(&self) -> ResponseBuilder {
        ResponseBuilder::new(self.clone())
    }

    /// Returns the metadata, in the form that Okta publishes: no signature, no validUntil, one role.
    ///
    /// # Errors
    ///
    /// An error is returned if a value given to this identity provider cannot be written in XML.
    pub fn metadata(&self) -> Result<String, TestkitError> {
        let mut writer = Writer::new();
        writer.start("md:EntityDescriptor").namespace("md", namespace::SAML_METADATA);
        writer.attribute("entityID", &self.entity_id);
        writer.start("md:IDPSSODescriptor").attribute("WantAuthnRequestsSigned", "false");
        writer.attribute("protocolSupportEnumeration", namespace::SAML_PROTOCOL);
        for certificate in &self.published {
            writer.start("md:KeyDescriptor").attribute("use", "signing");
            writer.start("ds:KeyInfo").namespace("ds", namespace::DSIG);
            writer.start("ds:X509Data").start("ds:X509Certificate").text(&in_lines(certificate));
            writer.end().end().end().end();
        }
        for (index, location) in &self.artifact_resolution {
            writer.start("md:ArtifactResolutionService");
            writer.attribute("Binding", "urn:oasis:names:tc:SAML:2.0:bindings:SOAP");
            writer.attribute("Location", location).attribute("index", &index.to_string()).end();
        }
        if let Some(location) = &self.single_logout {
            for binding in ["HTTP-POST", "HTTP-Redirect"] {
                endpoint(&mut writer, "md:SingleLogoutService", binding, location);
            }
        }
        if let Some(location) = &self.name_id_management {
            for binding in ["HTTP-POST", "HTTP-Redirect"] {
                endpoint(&mut writer, "md:ManageNameIDService", binding, location);
            }
        }
        for format in ["unspecified", "emailAddress"] {
            let format = format!("urn:oasis:names:tc:SAML:1.1:nameid-format:{format}");
            writer.start("md:NameIDFormat").text(&format).end();
        }
        for binding in ["HTTP-POST", "HTTP-Redirect"] {
            endpoint(&mut writer, "md:SingleSignOnService", binding, &self.single_sign_on);
        }
        if let Some(location) = &self.soap_single_sign_on {
            endpoint(&mut writer, "md:SingleSignOnService", "SOAP", location);
        }
        writer.end().end();
        Ok(format!("{DECLARATION}{}", writer.finish()?))
    }
}

/// The declaration at the beginning of all documents of Okta.
pub(crate) const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";

/// Returns a certificate as Okta writes it: base64 in lines of 76 characters.
pub(crate) fn in_lines(certificate: &Certificate) -> String {
    let text: Vec<char> =
        certificate.to_base64().chars().filter(|character| !character.is_whitespace()).collect();
    let lines: Vec<String> = text.chunks(76).map(|line| line.iter().collect()).collect();
    lines.join("\n")
}

fn endpoint(writer: &mut Writer, name: &str, binding: &str, location: &str) {
    let binding = format!("urn:oasis:names:tc:SAML:2.0:bindings:{binding}");
    writer.start(name).attribute("Binding", &binding).attribute("Location", location).end();
}
