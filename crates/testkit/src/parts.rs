use chrono::{DateTime, Utc};
use vouchsafe_crypto::{Certificate, ContentCipher, DigestAlgorithm, KeyTransport};
use vouchsafe_encryption::{EncryptOptions, KeyLayout};

/// The elements that are signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signed {
    /// Response and Assertion, which is Okta's default.
    #[default]
    Both,
    /// Only the Response.
    Response,
    /// Only the Assertion.
    Assertion,
    /// Neither of them.
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

/// A place where XML can be inserted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// The start of the Response, before the Issuer.
    ResponseStart,
    /// Before the Status of the Response, which is the place of `saml2p:Extensions`.
    BeforeStatus,
    /// In the Status, after the StatusCode.
    Status,
    /// Between Status and Assertion.
    BeforeAssertion,
    /// The end of the Response.
    AfterAssertion,
    /// The start of the Assertion, before the Issuer.
    AssertionStart,
    /// The end of the Subject.
    Subject,
    /// Inside the SubjectConfirmationData.
    SubjectConfirmationData,
    /// The end of the Conditions.
    Conditions,
    /// After the Conditions, which is the place of `saml2:Advice`.
    AfterConditions,
    /// The end of the AttributeStatement.
    AttributeStatement,
    /// The end of the Assertion.
    AssertionEnd,
}

/// A point in time in a message. The kit writes the text unchanged, even if it is not a time.
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
    /// Makes an attribute with any number of values, and the NameFormat `basic`.
    pub fn new<V: Into<String>>(name: impl Into<String>, values: impl IntoIterator<Item = V>) -> Self {
        Self {
            name: name.into(),
            name_format: Some("urn:oasis:names:tc:SAML:2.0:attrname-format:basic".to_owned()),
            friendly_name: None,
            values: values.into_iter().map(Into::into).collect(),
        }
    }

    /// Sets another NameFormat, or none.
    pub fn with_name_format(mut self, name_format: Option<&str>) -> Self {
        self.name_format = name_format.map(str::to_owned);
        self
    }

    /// Sets a FriendlyName.
    pub fn with_friendly_name(mut self, friendly_name: impl Into<String>) -> Self {
        self.friendly_name = Some(friendly_name.into());
        self
    }
}

/// The encryption of an assertion. The default is that of Okta: AES-256-CBC, RSA-OAEP with SHA-1, and the key with
/// the certificate in a sibling that a RetrievalMethod refers to.
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

    /// Sets another cipher.
    pub fn cipher(mut self, cipher: ContentCipher) -> Self {
        self.options = self.options.cipher(cipher);
        self
    }

    /// Sets another key transport.
    pub fn key_transport(mut self, key_transport: KeyTransport) -> Self {
        self.options = self.options.key_transport(key_transport);
        self
    }

    /// Sets another place for the key.
    pub fn layout(mut self, layout: KeyLayout) -> Self {
        self.options = self.options.layout(layout);
        self
    }
}
