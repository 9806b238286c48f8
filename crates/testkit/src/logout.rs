//! Logout messages in the form of an identity provider: by POST, by redirect, and over SOAP.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use vouchsafe_crypto::{SignatureAlgorithm, base64_encode};
use vouchsafe_encryption::encrypt;
use vouchsafe_signature::{MessageParameter, Signer, UnsignedForm, sign, sign_form, sign_query};
use vouchsafe_xml::{Limits, Writer, namespace};

use crate::deflate::deflated;
use crate::parts::Encryption;
use crate::{IdentityProvider, KeyPair, TestkitError, keys};

/// The address where [`SERVICE_PROVIDER`](crate::SERVICE_PROVIDER) receives logout messages.
pub const SINGLE_LOGOUT: &str = "https://app.example.com/saml/slo";
/// The default `ID` of logout messages.
pub const LOGOUT_ID: &str = "id10373369530720110457987219";
/// The top-level status code of success.
const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";

/// Builds a logout message. Every field has a default, and can be changed or left out.
///
/// ```
/// # fn main() -> Result<(), vouchsafe_testkit::TestkitError> {
/// use vouchsafe_testkit::IdentityProvider;
///
/// let okta = IdentityProvider::okta();
/// let request = okta.logout_request().name_id("ada@example.com").session_index("_session");
/// assert!(request.signed()?.contains("SignatureValue"));
/// assert!(request.to_query(Some("state"))?.starts_with("SAMLRequest="));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct LogoutBuilder {
    element: String,
    id: String,
    version: String,
    issue_instant: String,
    destination: Option<String>,
    issuer: Option<String>,
    issuer_format: Option<String>,
    name_id: Option<String>,
    name_id_format: Option<String>,
    name_qualifier: Option<String>,
    sp_name_qualifier: Option<String>,
    encryption: Option<Encryption>,
    session_indexes: Vec<String>,
    not_on_or_after: Option<String>,
    reason: Option<String>,
    in_response_to: Option<String>,
    status: Vec<String>,
    extensions: Option<String>,
    raw: Vec<String>,
    key: KeyPair,
    algorithm: Option<SignatureAlgorithm>,
}

impl IdentityProvider {
    /// Starts a logout request to the service provider [`SERVICE_PROVIDER`](crate::SERVICE_PROVIDER).
    pub fn logout_request(&self) -> LogoutBuilder {
        let mut builder = LogoutBuilder::new(self, "LogoutRequest");
        builder.name_id = Some("ada@example.com".to_owned());
        builder.name_id_format = Some(crate::EMAIL_ADDRESS.to_owned());
        builder
    }

    /// Starts the answer to a logout request of the service provider.
    pub fn logout_response(&self, in_response_to: impl Into<String>) -> LogoutBuilder {
        let mut builder = LogoutBuilder::new(self, "LogoutResponse");
        builder.in_response_to = Some(in_response_to.into());
        builder.status = vec![SUCCESS.to_owned()];
        builder
    }
}

impl LogoutBuilder {
    fn new(identity_provider: &IdentityProvider, element: &str) -> Self {
        Self {
            element: element.to_owned(),
            id: LOGOUT_ID.to_owned(),
            version: "2.0".to_owned(),
            issue_instant: written(crate::ISSUE_INSTANT),
            destination: Some(SINGLE_LOGOUT.to_owned()),
            issuer: Some(identity_provider.entity_id().to_owned()),
            issuer_format: None,
            name_id: None,
            name_id_format: None,
            name_qualifier: None,
            sp_name_qualifier: None,
            encryption: None,
            session_indexes: Vec::new(),
            not_on_or_after: None,
            reason: None,
            in_response_to: None,
            status: Vec::new(),
            extensions: None,
            raw: Vec::new(),
            key: identity_provider.key().clone(),
            algorithm: None,
        }
    }

    /// Sets the time of issue.
    pub fn at(mut self, at: DateTime<Utc>) -> Self {
        self.issue_instant = written(at);
        self
    }

    /// Sets `IssueInstant` to any text.
    pub fn issue_instant(mut self, text: impl Into<String>) -> Self {
        self.issue_instant = text.into();
        self
    }

    /// Sets `NotOnOrAfter` to `lifetime` after the time `at`.
    pub fn lasting(mut self, at: DateTime<Utc>, lifetime: TimeDelta) -> Self {
        self.not_on_or_after = at.checked_add_signed(lifetime).map(written);
        self
    }

    /// Sets `NotOnOrAfter` to any text.
    pub fn not_on_or_after(mut self, text: impl Into<String>) -> Self {
        self.not_on_or_after = Some(text.into());
        self
    }

    /// Sets the reason of a logout request.
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// Sets `ID`.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = id.into();
        self
    }

    /// Changes the local name of the element.
    pub fn element(mut self, name: impl Into<String>) -> Self {
        self.element = name.into();
        self
    }

    /// Sets `Version`.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = version.into();
        self
    }

    /// Sets `Destination`, or leaves it out.
    pub fn destination(mut self, destination: Option<&str>) -> Self {
        self.destination = destination.map(str::to_owned);
        self
    }

    /// Sets the Issuer, or leaves it out.
    pub fn issuer(mut self, issuer: Option<&str>) -> Self {
        self.issuer = issuer.map(str::to_owned);
        self
    }

    /// Sets the Issuer's `Format`.
    pub fn issuer_format(mut self, format: impl Into<String>) -> Self {
        self.issuer_format = Some(format.into());
        self
    }

    /// Sets the NameID.
    pub fn name_id(mut self, name_id: impl Into<String>) -> Self {
        self.name_id = Some(name_id.into());
        self
    }

    /// Leaves the NameID out.
    pub fn without_name_id(mut self) -> Self {
        self.name_id = None;
        self
    }

    /// Sets the NameID's `Format`, or leaves it out.
    pub fn name_id_format(mut self, format: Option<&str>) -> Self {
        self.name_id_format = format.map(str::to_owned);
        self
    }

    /// Sets the NameID's qualifiers.
    pub fn qualifiers(mut self, name: Option<&str>, service_provider: Option<&str>) -> Self {
        self.name_qualifier = name.map(str::to_owned);
        self.sp_name_qualifier = service_provider.map(str::to_owned);
        self
    }

    /// Encrypts the NameID.
    pub fn encrypt(mut self, encryption: Encryption) -> Self {
        self.encryption = Some(encryption);
        self
    }

    /// Adds a SessionIndex.
    pub fn session_index(mut self, index: impl Into<String>) -> Self {
        self.session_indexes.push(index.into());
        self
    }

    /// Leaves out every SessionIndex.
    pub fn without_session_index(mut self) -> Self {
        self.session_indexes.clear();
        self
    }

    /// Sets `InResponseTo`, or leaves it out.
    pub fn in_response_to(mut self, id: Option<&str>) -> Self {
        self.in_response_to = id.map(str::to_owned);
        self
    }

    /// Sets the status codes, from the outermost to the innermost.
    pub fn status<S: Into<String>>(mut self, codes: impl IntoIterator<Item = S>) -> Self {
        self.status = codes.into_iter().map(Into::into).collect();
        self
    }

    /// Puts XML into an Extensions element.
    pub fn extensions(mut self, xml: impl Into<String>) -> Self {
        self.extensions = Some(xml.into());
        self
    }

    /// Puts an element at the end of the message, instead of those that were put there before.
    pub fn raw(mut self, xml: impl Into<String>) -> Self {
        self.raw.clear();
        self.with_raw(xml)
    }

    /// Puts one more element at the end of the message.
    pub fn with_raw(mut self, xml: impl Into<String>) -> Self {
        self.raw.push(xml.into());
        self
    }

    /// Signs with another key.
    pub fn key(mut self, key: &KeyPair) -> Self {
        self.key = key.clone();
        self
    }

    /// Signs with this algorithm.
    pub fn algorithm(mut self, algorithm: SignatureAlgorithm) -> Self {
        self.algorithm = Some(algorithm);
        self
    }

    /// Returns the message without a signature.
    ///
    /// # Errors
    /// An error is returned if a value cannot be written in XML.
    pub fn xml(&self) -> Result<String, TestkitError> {
        let mut xml = Writer::new();
        let element = format!("samlp:{}", self.element);
        xml.start(&element).namespace("samlp", namespace::SAML_PROTOCOL);
        xml.namespace("saml", namespace::SAML_ASSERTION);
        xml.attribute("ID", &self.id).attribute("Version", &self.version);
        xml.attribute("IssueInstant", &self.issue_instant);
        xml.optional_attribute("Destination", self.destination.as_deref());
        xml.optional_attribute("NotOnOrAfter", self.not_on_or_after.as_deref());
        xml.optional_attribute("Reason", self.reason.as_deref());
        xml.optional_attribute("InResponseTo", self.in_response_to.as_deref());
        if let Some(issuer) = &self.issuer {
            xml.start("saml:Issuer").optional_attribute("Format", self.issuer_format.as_deref());
            xml.text(issuer).end();
        }
        if let Some(extensions) = &self.extensions {
            xml.start("samlp:Extensions").raw_element(extensions).end();
        }
        self.write_status(&mut xml);
        if self.name_id.is_some() {
            xml.raw_element(&self.written_name_id()?);
        }
        for index in &self.session_indexes {
            xml.element("samlp:SessionIndex", index);
        }
        for element in self.raw.iter().filter(|element| !element.is_empty()) {
            xml.raw_element(element);
        }
        xml.end();
        Ok(xml.finish()?)
    }

    fn write_status(&self, xml: &mut Writer) {
        if self.status.is_empty() {
            return;
        }
        xml.start("samlp:Status");
        for code in &self.status {
            xml.start("samlp:StatusCode").attribute("Value", code);
        }
        for _ in &self.status {
            xml.end();
        }
        xml.end();
    }

    fn written_name_id(&self) -> Result<String, TestkitError> {
        let mut xml = Writer::new();
        xml.start("saml:NameID").namespace("saml", namespace::SAML_ASSERTION);
        xml.optional_attribute("NameQualifier", self.name_qualifier.as_deref());
        xml.optional_attribute("SPNameQualifier", self.sp_name_qualifier.as_deref());
        xml.optional_attribute("Format", self.name_id_format.as_deref());
        xml.text(self.name_id.as_deref().unwrap_or_default()).end();
        let plain = xml.finish()?;
        let Some(encryption) = &self.encryption else { return Ok(plain) };
        let key = keys::provider().public_key(encryption.recipient.spki_der())?;
        let sealed = encrypt(&plain, &key, &encryption.options, keys::provider())?;
        let saml = namespace::SAML_ASSERTION;
        Ok(format!("<saml:EncryptedID xmlns:saml=\"{saml}\">{sealed}</saml:EncryptedID>"))
    }

    /// Returns the message with a signature of its own.
    ///
    /// # Errors
    /// An error is returned if it cannot be written or signed.
    pub fn signed(&self) -> Result<String, TestkitError> {
        let mut signer = Signer::new(self.key.private_key()).certificate(self.key.certificate());
        if let Some(algorithm) = self.algorithm {
            signer = signer.algorithm(algorithm);
        }
        Ok(sign(&self.xml()?, &self.id, &signer, keys::provider(), &Limits::default())?)
    }

    /// Returns the local name of the message's element.
    pub(crate) fn element_name(&self) -> &str {
        &self.element
    }

    /// Returns the NameID's value.
    pub(crate) fn name(&self) -> &str {
        self.name_id.as_deref().unwrap_or_default()
    }

    /// Returns the name of the field or parameter for the message.
    #[must_use]
    pub fn parameter(&self) -> &'static str {
        if self.element.ends_with("Request") { "SAMLRequest" } else { "SAMLResponse" }
    }

    /// Returns the body of the form that a browser posts, with a signed message.
    ///
    /// # Errors
    /// As for [`signed`](Self::signed).
    pub fn to_form(&self, relay_state: Option<&str>) -> Result<String, TestkitError> {
        Ok(form(self.parameter(), &self.signed()?, relay_state))
    }

    /// Returns the body of a form whose fields are signed (HTTP-POST-SimpleSign).
    ///
    /// # Errors
    /// As for [`signed`](Self::signed).
    pub fn to_signed_form(&self, relay_state: Option<&str>) -> Result<String, TestkitError> {
        signed_form(self.parameter(), &self.xml()?, relay_state, &self.key)
    }

    /// Returns the signed query that is sent through a browser.
    ///
    /// # Errors
    /// As for [`signed`](Self::signed).
    pub fn to_query(&self, relay_state: Option<&str>) -> Result<String, TestkitError> {
        let key = self.key.private_key();
        let algorithm = self.algorithm.unwrap_or_else(|| Signer::algorithm_for(key));
        Ok(sign_query(&self.to_unsigned_query(relay_state)?, algorithm, key, keys::provider())?)
    }

    /// Returns the query without a signature.
    ///
    /// # Errors
    /// As for [`xml`](Self::xml).
    pub fn to_unsigned_query(&self, relay_state: Option<&str>) -> Result<String, TestkitError> {
        Ok(query(self.parameter(), &self.xml()?, relay_state))
    }

    /// Returns a SOAP envelope with the signed message.
    ///
    /// # Errors
    /// As for [`signed`](Self::signed).
    pub fn to_soap(&self) -> Result<String, TestkitError> {
        Ok(soap(&self.signed()?))
    }
}

/// Returns the body of a form with a message in base64.
#[must_use]
pub fn form(parameter: &str, xml: &str, relay_state: Option<&str>) -> String {
    let message = base64_encode(xml.as_bytes());
    with_relay_state(format!("{parameter}={}", utf8_percent_encode(&message, NON_ALPHANUMERIC)), relay_state)
}

/// Returns the body of a form with a message in `SAMLRequest` or `SAMLResponse`. This key signs the fields
/// (HTTP-POST-SimpleSign).
///
/// # Errors
/// An error is returned if the message or the RelayState cannot be signed in this way.
pub fn signed_form(
    parameter: &str,
    xml: &str,
    relay_state: Option<&str>,
    key: &KeyPair,
) -> Result<String, TestkitError> {
    let parameter = match parameter {
        "SAMLRequest" => MessageParameter::Request,
        _ => MessageParameter::Response,
    };
    let key = key.private_key();
    let algorithm = Signer::algorithm_for(key);
    let form = UnsignedForm { parameter, message: xml, relay_state };
    let form = sign_form(&form, algorithm, key, keys::provider())?;
    let pairs: Vec<String> = form
        .fields()
        .iter()
        .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)))
        .collect();
    Ok(pairs.join("&"))
}

/// Returns a query with a deflated message, without a signature.
#[must_use]
pub fn query(parameter: &str, xml: &str, relay_state: Option<&str>) -> String {
    let message = base64_encode(&deflated(xml));
    with_relay_state(format!("{parameter}={}", utf8_percent_encode(&message, NON_ALPHANUMERIC)), relay_state)
}

fn with_relay_state(mut text: String, relay_state: Option<&str>) -> String {
    if let Some(relay_state) = relay_state {
        text.push_str("&RelayState=");
        text.extend(utf8_percent_encode(relay_state, NON_ALPHANUMERIC));
    }
    text
}

/// Returns a SOAP 1.1 envelope around an element.
#[must_use]
pub fn soap(element: &str) -> String {
    format!("<S:Envelope xmlns:S=\"{}\"><S:Body>{element}</S:Body></S:Envelope>", namespace::SOAP_ENVELOPE)
}

fn written(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
