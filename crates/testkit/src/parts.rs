use chrono::{DateTime, Utc};
use vouchsafe_crypto::{Certificate, ContentCipher, DigestAlgorithm, KeyTransport};
use vouchsafe_encryption::{EncryptOptions, KeyLayout};

/// What carries a signature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signed {
    /// Response and Assertion: Okta's default.
    #[default]
    Both,
    /// The Response only.
    Response,
    /// The Assertion only.
    Assertion,
    /// Nothing.
    Neither,
}

impl Signed {
    pub(crate) fn assertion(self) -> bool {
        matches!(self, Self::Both | Self::Assertion)
    }

    pub(crate) fn response(self) -> bool {
        matches!(self, Self::Both | Self::Response)
    }
}

/// A part of a response that can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each is named for the element or attribute that is left out")]
pub enum Part {
    ResponseId,
    ResponseVersion,
    ResponseIssueInstant,
    ResponseIssuer,
    Destination,
    ResponseInResponseTo,
    Status,
    Assertion,
    AssertionId,
    AssertionVersion,
    AssertionIssueInstant,
    AssertionIssuer,
    Subject,
    NameId,
    NameIdFormat,
    SubjectConfirmation,
    SubjectConfirmationData,
    SubjectInResponseTo,
    Recipient,
    SubjectNotOnOrAfter,
    Conditions,
    ConditionsNotBefore,
    ConditionsNotOnOrAfter,
    AudienceRestriction,
    AuthnStatement,
    AuthnInstant,
    SessionIndex,
    AuthnContext,
    AttributeStatement,
    /// The `xsi:type` of attribute values, and the namespace declarations that it needs.
    ValueType,
    /// The `ds:KeyInfo` of signatures.
    KeyInfo,
}

/// A place for XML of one's own, given as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// First in the Response, before the Issuer.
    ResponseStart,
    /// Before the Status of the Response: the place of `saml2p:Extensions`.
    BeforeStatus,
    /// In the Status, after the StatusCode.
    Status,
    /// Between Status and Assertion.
    BeforeAssertion,
    /// Last in the Response.
    AfterAssertion,
    /// First in the Assertion, before the Issuer.
    AssertionStart,
    /// Last in the Subject.
    Subject,
    /// Inside the SubjectConfirmationData.
    SubjectConfirmationData,
    /// Last in the Conditions.
    Conditions,
    /// After the Conditions: the place of `saml2:Advice`.
    AfterConditions,
    /// Last in the AttributeStatement.
    AttributeStatement,
    /// Last in the Assertion.
    AssertionEnd,
}

/// A point in time as it stands in a message: the kit writes what it is given, be it a time or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instant(pub(crate) String);

impl From<DateTime<Utc>> for Instant {
    fn from(time: DateTime<Utc>) -> Self {
        Self(time.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
    }
}

impl From<&str> for Instant {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// An attribute of the subject.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Attribute {
    pub(crate) name: String,
    pub(crate) name_format: Option<String>,
    pub(crate) friendly_name: Option<String>,
    pub(crate) values: Vec<String>,
}

impl Attribute {
    /// An attribute with any number of values, and the NameFormat `basic`.
    pub fn new<V: Into<String>>(name: impl Into<String>, values: impl IntoIterator<Item = V>) -> Self {
        Self {
            name: name.into(),
            name_format: Some("urn:oasis:names:tc:SAML:2.0:attrname-format:basic".to_owned()),
            friendly_name: None,
            values: values.into_iter().map(Into::into).collect(),
        }
    }

    /// Another NameFormat, or none.
    pub fn with_name_format(mut self, name_format: Option<&str>) -> Self {
        self.name_format = name_format.map(str::to_owned);
        self
    }

    /// A FriendlyName.
    pub fn with_friendly_name(mut self, friendly_name: impl Into<String>) -> Self {
        self.friendly_name = Some(friendly_name.into());
        self
    }
}

/// How an assertion is encrypted. The default is what Okta does: AES-256-CBC, RSA-OAEP with SHA-1, the key a sibling that
/// a RetrievalMethod names, with the certificate.
#[derive(Clone, Debug)]
#[must_use]
pub struct Encryption {
    pub(crate) recipient: Certificate,
    pub(crate) options: EncryptOptions,
}

impl Encryption {
    /// Encrypts to the key of a certificate.
    pub fn to(recipient: &Certificate) -> Self {
        let options = EncryptOptions::default()
            .cipher(ContentCipher::Aes256Cbc)
            .key_transport(KeyTransport::RsaOaep {
                digest: DigestAlgorithm::Sha1,
                mgf: DigestAlgorithm::Sha1,
            })
            .layout(KeyLayout::Sibling)
            .certificate(recipient.clone());
        Self { recipient: recipient.clone(), options }
    }

    /// Another cipher.
    pub fn cipher(mut self, cipher: ContentCipher) -> Self {
        self.options = self.options.cipher(cipher);
        self
    }

    /// Another key transport.
    pub fn key_transport(mut self, key_transport: KeyTransport) -> Self {
        self.options = self.options.key_transport(key_transport);
        self
    }

    /// Another place for the key.
    pub fn layout(mut self, layout: KeyLayout) -> Self {
        self.options = self.options.layout(layout);
        self
    }
}
