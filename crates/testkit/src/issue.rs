use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe_crypto::{DigestAlgorithm, SignatureAlgorithm, base64_encode};
use vouchsafe_xml::Canonicalization;

use crate::logout;
use crate::parts::{Attribute, Encryption, Instant, Part, Place, Signed};
use crate::{IdentityProvider, KeyPair};

/// The entity ID of the service provider that responses are for by default.
pub const SERVICE_PROVIDER: &str = "https://app.example.com/saml/metadata";
/// The assertion consumer service of [`SERVICE_PROVIDER`].
pub const ASSERTION_CONSUMER: &str = "https://app.example.com/saml/acs";
/// The default time of issue of responses: 2026-01-01T00:00:00Z.
pub const ISSUE_INSTANT: DateTime<Utc> = match DateTime::from_timestamp(1_767_225_600, 0) {
    Some(instant) => instant,
    None => DateTime::<Utc>::MIN_UTC,
};
/// The default `ID` of responses.
pub const RESPONSE_ID: &str = "id10373369530520110457987219";
/// The default `ID` of assertions.
pub const ASSERTION_ID: &str = "id10373369530620011361447420";
/// The NameID format that Okta's reference settings use.
pub const EMAIL_ADDRESS: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";

/// Builds a response. Every field has the default value of Okta, and can be changed or left out.
///
/// Times follow [`at`](Self::at): the assertion is valid from five minutes before to five minutes after it. A time
/// that is set separately does not follow it, and can be any text.
///
/// ```
/// # fn main() -> Result<(), vouchsafe_testkit::TestkitError> {
/// use vouchsafe_testkit::{Encryption, IdentityProvider, Signed, keys};
///
/// let issued = IdentityProvider::okta()
///     .response()
///     .in_response_to("_request")
///     .name_id("ada@example.com")
///     .sign(Signed::Both)
///     .encrypt(Encryption::to(keys::service_provider().certificate()))
///     .issue()?;
/// assert!(issued.xml().contains("EncryptedAssertion"));
/// let _form_value = issued.to_base64();
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ResponseBuilder {
    pub(crate) identity_provider: IdentityProvider,
    pub(crate) clock: DateTime<Utc>,
    pub(crate) omitted: Vec<Part>,
    pub(crate) raw: Vec<(Place, String)>,
    // Response
    pub(crate) response_id: String,
    pub(crate) response_version: String,
    pub(crate) response_issue_instant: Option<Instant>,
    pub(crate) response_issuer: Option<String>,
    pub(crate) destination: String,
    pub(crate) in_response_to: Option<String>,
    pub(crate) status: Vec<String>,
    pub(crate) status_message: Option<String>,
    // Assertion
    pub(crate) assertion_id: String,
    pub(crate) assertion_version: String,
    pub(crate) assertion_issue_instant: Option<Instant>,
    pub(crate) assertion_issuer: Option<String>,
    pub(crate) issuer_format: String,
    // Subject
    pub(crate) name_id: String,
    pub(crate) name_id_format: String,
    pub(crate) name_qualifier: Option<String>,
    pub(crate) sp_name_qualifier: Option<String>,
    pub(crate) confirmation_method: String,
    pub(crate) recipient: String,
    pub(crate) subject_in_response_to: Option<String>,
    pub(crate) subject_not_before: Option<Instant>,
    pub(crate) subject_not_on_or_after: Option<Instant>,
    pub(crate) address: Option<String>,
    // Conditions
    pub(crate) not_before: Option<Instant>,
    pub(crate) not_on_or_after: Option<Instant>,
    pub(crate) audience_restrictions: Vec<Vec<String>>,
    // Statements
    pub(crate) authn_instant: Option<Instant>,
    pub(crate) session_index: Option<String>,
    pub(crate) further_session_indexes: Vec<String>,
    pub(crate) session_not_on_or_after: Option<Instant>,
    pub(crate) authn_context: String,
    pub(crate) attributes: Vec<Attribute>,
    // Protection
    pub(crate) signed: Signed,
    pub(crate) response_key: KeyPair,
    pub(crate) assertion_key: KeyPair,
    pub(crate) signature_algorithm: Option<SignatureAlgorithm>,
    pub(crate) digest: DigestAlgorithm,
    pub(crate) canonicalization: Canonicalization,
    pub(crate) encryption: Option<Encryption>,
}

impl ResponseBuilder {
    pub(crate) fn new(identity_provider: IdentityProvider) -> Self {
        let key = identity_provider.key().clone();
        Self {
            identity_provider,
            clock: ISSUE_INSTANT,
            omitted: Vec::new(),
            raw: Vec::new(),
            response_id: RESPONSE_ID.to_owned(),
            response_version: "2.0".to_owned(),
            response_issue_instant: None,
            response_issuer: None,
            destination: ASSERTION_CONSUMER.to_owned(),
            in_response_to: None,
            status: vec!["urn:oasis:names:tc:SAML:2.0:status:Success".to_owned()],
            status_message: None,
            assertion_id: ASSERTION_ID.to_owned(),
            assertion_version: "2.0".to_owned(),
            assertion_issue_instant: None,
            assertion_issuer: None,
            issuer_format: "urn:oasis:names:tc:SAML:2.0:nameid-format:entity".to_owned(),
            name_id: "ada@example.com".to_owned(),
            name_id_format: EMAIL_ADDRESS.to_owned(),
            name_qualifier: None,
            sp_name_qualifier: None,
            confirmation_method: "urn:oasis:names:tc:SAML:2.0:cm:bearer".to_owned(),
            recipient: ASSERTION_CONSUMER.to_owned(),
            subject_in_response_to: None,
            subject_not_before: None,
            subject_not_on_or_after: None,
            address: None,
            not_before: None,
            not_on_or_after: None,
            audience_restrictions: vec![vec![SERVICE_PROVIDER.to_owned()]],
            authn_instant: None,
            session_index: None,
            further_session_indexes: Vec::new(),
            session_not_on_or_after: None,
            authn_context: "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport".to_owned(),
            attributes: Vec::new(),
            signed: Signed::Both,
            response_key: key.clone(),
            assertion_key: key,
            signature_algorithm: None,
            digest: DigestAlgorithm::Sha256,
            canonicalization: Canonicalization::EXCLUSIVE,
            encryption: None,
        }
    }

    /// Leaves a part out.
    pub fn omit(mut self, part: Part) -> Self {
        self.omitted.push(part);
        self
    }

    /// One AuthnStatement more, which differs from the first in its `SessionIndex`.
    pub fn further_session_index(mut self, index: impl Into<String>) -> Self {
        self.further_session_indexes.push(index.into());
        self
    }

    /// Inserts XML at a place. The signatures cover it, like everything around it.
    pub fn insert(mut self, place: Place, xml: impl Into<String>) -> Self {
        self.raw.push((place, xml.into()));
        self
    }

    /// Sets the time of issue. The other times follow from it.
    pub fn at(mut self, now: DateTime<Utc>) -> Self {
        self.clock = now;
        self
    }

    /// Sets the service provider: the audience, the destination and the recipient.
    pub fn service_provider(self, entity_id: impl Into<String>, assertion_consumer: &str) -> Self {
        self.audience(entity_id).destination(assertion_consumer).recipient(assertion_consumer)
    }

    /// Sets the request that is answered, in both places that name it. As in Okta, it becomes the session index too.
    pub fn in_response_to(mut self, request: impl Into<String>) -> Self {
        let request = request.into();
        self.in_response_to = Some(request.clone());
        self.subject_in_response_to = Some(request);
        self
    }

    /// Sets the Issuer of the Response and of the Assertion.
    pub fn issuer(mut self, entity_id: impl Into<String>) -> Self {
        let entity_id = entity_id.into();
        self.response_issuer = Some(entity_id.clone());
        self.assertion_issuer = Some(entity_id);
        self
    }

    /// Sets the only audience.
    pub fn audience(mut self, entity_id: impl Into<String>) -> Self {
        self.audience_restrictions = vec![vec![entity_id.into()]];
        self
    }

    /// Sets the AudienceRestrictions, each with its Audiences.
    pub fn audience_restrictions<R, A>(mut self, restrictions: R) -> Self
    where
        R: IntoIterator<Item = A>,
        A: IntoIterator,
        A::Item: Into<String>,
    {
        self.audience_restrictions = restrictions
            .into_iter()
            .map(|audiences| audiences.into_iter().map(Into::into).collect())
            .collect();
        self
    }

    /// Sets the status code and the nested codes, the outermost first. Okta sends no Assertion with a failure: see
    /// [`omit`](Self::omit).
    pub fn status<C: Into<String>>(mut self, codes: impl IntoIterator<Item = C>) -> Self {
        self.status = codes.into_iter().map(Into::into).collect();
        self
    }

    /// Adds an attribute.
    pub fn attribute(mut self, attribute: Attribute) -> Self {
        self.attributes.push(attribute);
        self
    }

    /// Sets which elements are signed.
    pub fn sign(mut self, signed: Signed) -> Self {
        self.signed = signed;
        self
    }

    /// Signs Response and Assertion with another key.
    pub fn key(mut self, key: &KeyPair) -> Self {
        self.response_key = key.clone();
        self.assertion_key = key.clone();
        self
    }

    /// Signs the Response with another key.
    pub fn response_key(mut self, key: &KeyPair) -> Self {
        self.response_key = key.clone();
        self
    }

    /// Signs the Assertion with another key.
    pub fn assertion_key(mut self, key: &KeyPair) -> Self {
        self.assertion_key = key.clone();
        self
    }

    /// Encrypts the Assertion after it was signed, and before the Response is signed.
    pub fn encrypt(mut self, encryption: Encryption) -> Self {
        self.encryption = Some(encryption);
        self
    }
}

macro_rules! text_setters {
    ($($(#[$doc:meta])* $field:ident;)*) => {
        impl ResponseBuilder {
            $($(#[$doc])* pub fn $field(mut self, value: impl Into<String>) -> Self {
                self.$field = value.into();
                self
            })*
        }
    };
}

macro_rules! optional_setters {
    ($($(#[$doc:meta])* $field:ident: $kind:ty;)*) => {
        impl ResponseBuilder {
            $($(#[$doc])* pub fn $field(mut self, value: impl Into<$kind>) -> Self {
                self.$field = Some(value.into());
                self
            })*
        }
    };
}

text_setters! {
    /// Sets the `ID` of the Response.
    response_id;
    /// Sets the `Version` of the Response.
    response_version;
    /// Sets the `Destination` of the Response.
    destination;
    /// Sets the `ID` of the Assertion.
    assertion_id;
    /// Sets the `Version` of the Assertion.
    assertion_version;
    /// Sets the `Format` of both Issuers.
    issuer_format;
    /// Sets the NameID.
    name_id;
    /// Sets the `Format` of the NameID.
    name_id_format;
    /// Sets the `Method` of the SubjectConfirmation.
    confirmation_method;
    /// Sets the `Recipient` of the SubjectConfirmationData.
    recipient;
    /// Sets the AuthnContextClassRef.
    authn_context;
}

optional_setters! {
    /// Sets the `IssueInstant` of the Response.
    response_issue_instant: Instant;
    /// Sets the Issuer of the Response.
    response_issuer: String;
    /// Sets the StatusMessage of the Response.
    status_message: String;
    /// Sets the `IssueInstant` of the Assertion.
    assertion_issue_instant: Instant;
    /// Sets the Issuer of the Assertion.
    assertion_issuer: String;
    /// Sets the `NameQualifier` of the NameID.
    name_qualifier: String;
    /// Sets the `SPNameQualifier` of the NameID.
    sp_name_qualifier: String;
    /// Sets the `InResponseTo` of the SubjectConfirmationData only.
    subject_in_response_to: String;
    /// Sets the `NotBefore` of the SubjectConfirmationData, which a bearer confirmation must not have.
    subject_not_before: Instant;
    /// Sets the `NotOnOrAfter` of the SubjectConfirmationData.
    subject_not_on_or_after: Instant;
    /// Sets the `Address` of the SubjectConfirmationData.
    address: String;
    /// Sets the `NotBefore` of the Conditions.
    not_before: Instant;
    /// Sets the `NotOnOrAfter` of the Conditions.
    not_on_or_after: Instant;
    /// Sets the `AuthnInstant` of the AuthnStatement.
    authn_instant: Instant;
    /// Sets the `SessionIndex` of the AuthnStatement.
    session_index: String;
    /// Sets the `SessionNotOnOrAfter` of the AuthnStatement.
    session_not_on_or_after: Instant;
    /// Signs with another algorithm than the key's usual one.
    signature_algorithm: SignatureAlgorithm;
}

impl ResponseBuilder {
    /// Sets the `InResponseTo` of the Response only.
    pub fn response_in_response_to(mut self, request: impl Into<String>) -> Self {
        self.in_response_to = Some(request.into());
        self
    }

    /// Digests with another algorithm than SHA-256.
    pub fn digest(mut self, digest: DigestAlgorithm) -> Self {
        self.digest = digest;
        self
    }

    /// Canonicalises with another method than exclusive C14N.
    pub fn canonicalization(mut self, canonicalization: Canonicalization) -> Self {
        self.canonicalization = canonicalization;
        self
    }

    pub(crate) fn has(&self, part: Part) -> bool {
        !self.omitted.contains(&part)
    }

    pub(crate) fn time(&self, set: Option<&Instant>, minutes: i64) -> String {
        let follows =
            || self.clock.checked_add_signed(TimeDelta::minutes(minutes)).unwrap_or(self.clock).into();
        set.cloned().unwrap_or_else(follows).0
    }
}

/// A response as it was issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    xml: String,
}

impl Issued {
    pub(crate) fn of(xml: String) -> Issued {
        Issued { xml }
    }

    /// Returns the document.
    #[must_use]
    pub fn xml(&self) -> &str {
        &self.xml
    }

    /// Returns the Response without the XML declaration, so that it can be put into another document.
    #[must_use]
    pub fn element(&self) -> &str {
        self.xml.split_once("?>").map_or(self.xml.as_str(), |(_, element)| element)
    }

    /// Returns the document without a copy.
    #[must_use]
    pub fn into_xml(self) -> String {
        self.xml
    }

    /// Returns the value of the form field `SAMLResponse` (SAML bindings, section 3.5.4).
    #[must_use]
    pub fn to_base64(&self) -> String {
        base64_encode(self.xml.as_bytes())
    }

    /// Returns the body of the form that a browser posts to an assertion consumer, of the content type
    /// `application/x-www-form-urlencoded`. `relay_state` is the parameter `RelayState` of the request.
    ///
    /// ```
    /// # fn main() -> Result<(), vouchsafe_testkit::TestkitError> {
    /// let response = vouchsafe_testkit::IdentityProvider::okta().response().issue()?;
    /// assert!(response.to_form(Some("state")).starts_with("SAMLResponse="));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn to_form(&self, relay_state: Option<&str>) -> String {
        logout::form("SAMLResponse", &self.xml, relay_state)
    }
}
