use chrono::{DateTime, SecondsFormat, Utc};
use vouchsafe_crypto::CryptoError;
use vouchsafe_xml::{Quoted, SchemaViolation, XmlError};

/// Why metadata was refused, or could not be written.
///
/// ```
/// use vouchsafe_metadata::{EntityId, MetadataError};
///
/// let error = EntityId::new("").unwrap_err();
/// assert_eq!(error.code(), "metadata.entity_id");
/// assert!(matches!(error, MetadataError::EntityId { .. }));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// The octets are not XML that this library reads. The code is the one of the XML library.
    #[error("the metadata cannot be read as XML: {0}")]
    Xml(#[from] XmlError),

    /// The document element is neither an EntityDescriptor nor an EntitiesDescriptor (saml-metadata-2.0-os 2.3).
    #[error(
        "expected an md:EntityDescriptor or md:EntitiesDescriptor, found {} in namespace {}",
        Quoted::new(name),
        Quoted::new(namespace)
    )]
    #[non_exhaustive]
    Root {
        /// Namespace of the document element.
        namespace: String,
        /// Local name of the document element.
        name: String,
    },

    /// An entity id that cannot be one (2.2.1).
    #[error("{} cannot be an entity id: {reason}", Quoted::new(value))]
    #[non_exhaustive]
    EntityId {
        /// What was given.
        value: String,
        /// What is wrong with it.
        reason: &'static str,
    },

    /// No entity here has an IDPSSODescriptor (2.4.3).
    #[error(
        "none of the {entities} entities in this metadata is an identity provider (has an md:IDPSSODescriptor)"
    )]
    #[non_exhaustive]
    NoIdentityProvider {
        /// How many EntityDescriptors there are.
        entities: usize,
    },

    /// An aggregate: somebody has to say which one is meant.
    #[error("this metadata holds {count} identity providers; one has to be named: {}", listed(names, *count))]
    #[non_exhaustive]
    SeveralIdentityProviders {
        /// How many identity providers there are.
        count: usize,
        /// The entity ids of the first few.
        names: Vec<String>,
    },

    /// The entity asked for is not in this metadata.
    #[error("no entity {} among the {entities} in this metadata", Quoted::new(entity_id))]
    #[non_exhaustive]
    UnknownEntity {
        /// Which entity was asked for.
        entity_id: String,
        /// How many EntityDescriptors there are.
        entities: usize,
    },

    /// The entity asked for has other roles only (2.4.3).
    #[error("entity {} is no identity provider: it has no md:IDPSSODescriptor", Quoted::new(entity_id))]
    #[non_exhaustive]
    NotAnIdentityProvider {
        /// Which entity was asked for.
        entity_id: String,
    },

    /// Two descriptors of one name: nothing says which of them to believe.
    #[error("{count} EntityDescriptors have the entity id {}", Quoted::new(entity_id))]
    #[non_exhaustive]
    DuplicateEntity {
        /// Which entity was asked for.
        entity_id: String,
        /// How many descriptors have its name.
        count: usize,
    },

    /// The identity provider does not speak SAML 2.0 (2.4.1, protocolSupportEnumeration).
    #[error(
        "identity provider {}: protocolSupportEnumeration must name urn:oasis:names:tc:SAML:2.0:protocol, found {}",
        Quoted::new(entity_id),
        Quoted::new(protocols)
    )]
    #[non_exhaustive]
    Protocol {
        /// The identity provider.
        entity_id: String,
        /// What its roles support.
        protocols: String,
    },

    /// Several IDPSSODescriptors for SAML 2.0 in one entity: nothing says which of them to use.
    #[error(
        "identity provider {}: expected one IDPSSODescriptor for SAML 2.0, found {count}",
        Quoted::new(entity_id)
    )]
    #[non_exhaustive]
    SeveralRoles {
        /// The identity provider.
        entity_id: String,
        /// How many roles there are.
        count: usize,
    },

    /// No key that could verify a signature: without one nothing this identity provider sends can be believed.
    #[error(
        "identity provider {}: no KeyDescriptor holds a signing certificate that can be read{}",
        Quoted::new(entity_id),
        because(reasons)
    )]
    #[non_exhaustive]
    NoSigningKey {
        /// The identity provider.
        entity_id: String,
        /// Why each KeyDescriptor that might have been one was not.
        reasons: Vec<String>,
    },

    /// A certificate given in code or on the command line that cannot be read.
    #[error("the {usage} certificate cannot be read: {source}")]
    #[non_exhaustive]
    Certificate {
        /// `signing` or `encryption`.
        usage: &'static str,
        /// What the reader of certificates says.
        source: CryptoError,
    },

    /// An address that is not an absolute http or https URL.
    #[error("{element}: {} cannot be used: {reason}", Quoted::new(location))]
    #[non_exhaustive]
    Location {
        /// Which endpoint.
        element: &'static str,
        /// What was given.
        location: String,
        /// What is wrong with it.
        reason: &'static str,
    },

    /// The metadata of another entity than the one whose newer metadata was expected.
    #[error("expected metadata of {}, found metadata of {}", Quoted::new(expected), Quoted::new(actual))]
    #[non_exhaustive]
    OtherEntity {
        /// Whose metadata was expected.
        expected: String,
        /// Whose metadata came.
        actual: String,
    },

    /// An address that is not one that a browser or a client may be sent to.
    #[error("{} cannot be used: {reason}", Quoted::new(address))]
    #[non_exhaustive]
    WebAddress {
        /// What was given.
        address: String,
        /// What is wrong with it.
        reason: &'static str,
    },

    /// An attribute whose value is not of its type.
    #[error("{element}/@{attribute}: expected {expected}, found {}", Quoted::new(value))]
    #[non_exhaustive]
    Attribute {
        /// Local name of the element.
        element: String,
        /// Name of the attribute.
        attribute: &'static str,
        /// What was found.
        value: String,
        /// What its type is.
        expected: &'static str,
    },

    /// A child that may occur once and occurs twice, so that nothing says which of them to read.
    #[error("{0}")]
    Schema(SchemaViolation),

    /// The metadata is no longer valid (2.3.2, validUntil).
    #[error("the metadata was valid until {}; now is {}", instant(valid_until), instant(now))]
    #[non_exhaustive]
    Expired {
        /// The earliest `validUntil` round the identity provider.
        valid_until: DateTime<Utc>,
        /// The time given.
        now: DateTime<Utc>,
    },
}

impl MetadataError {
    /// A stable identifier of the kind of refusal: `metadata.` and a word, or the code of the XML library.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            MetadataError::Xml(error) => error.code(),
            MetadataError::Root { .. } => "metadata.root",
            MetadataError::EntityId { .. } => "metadata.entity_id",
            MetadataError::NoIdentityProvider { .. } => "metadata.no_identity_provider",
            MetadataError::SeveralIdentityProviders { .. } => "metadata.several_identity_providers",
            MetadataError::UnknownEntity { .. } => "metadata.unknown_entity",
            MetadataError::NotAnIdentityProvider { .. } => "metadata.not_an_identity_provider",
            MetadataError::DuplicateEntity { .. } => "metadata.duplicate_entity",
            MetadataError::Protocol { .. } => "metadata.protocol",
            MetadataError::SeveralRoles { .. } => "metadata.several_roles",
            MetadataError::NoSigningKey { .. } => "metadata.no_signing_key",
            MetadataError::Certificate { .. } => "metadata.certificate",
            MetadataError::Location { .. } => "metadata.location",
            MetadataError::OtherEntity { .. } => "metadata.other_entity",
            MetadataError::WebAddress { .. } => "metadata.web_address",
            MetadataError::Attribute { .. } => "metadata.attribute",
            MetadataError::Schema(_) => "metadata.schema",
            MetadataError::Expired { .. } => "metadata.expired",
        }
    }

    /// What an operator changes, in the words of the console where they are known.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            MetadataError::Xml(_) | MetadataError::Root { .. } => {
                "Give the file behind the \"Identity Provider metadata\" link, as downloaded (Okta: the application's Sign On tab, \
                 \"Metadata URL\"); a sign-in page or an error page saved by mistake is the usual cause."
            }
            MetadataError::EntityId { .. } => {
                "Use the identifier exactly as the other side shows it, without spaces (Okta: \"Identity Provider Issuer\"; for us \
                 \"Audience URI (SP Entity ID)\")."
            }
            MetadataError::NoIdentityProvider { .. } | MetadataError::NotAnIdentityProvider { .. } => {
                "This is the metadata of a service provider or of other services; fetch the one of the identity provider (Okta: the \
                 application's Sign On tab, \"Metadata URL\")."
            }
            MetadataError::SeveralIdentityProviders { .. } => {
                "Name the identity provider to trust by its entity id, or give a file that holds it alone."
            }
            MetadataError::UnknownEntity { .. } => {
                "Compare the entity id letter by letter, with its trailing slash, with entityID in the file (Okta: \"Identity Provider \
                 Issuer\")."
            }
            MetadataError::DuplicateEntity { .. } => {
                "Remove the outdated descriptor from the file, or ask its publisher to."
            }
            MetadataError::Protocol { .. } => {
                "The identity provider must offer SAML 2.0: create the application as SAML 2.0 and fetch its metadata again."
            }
            MetadataError::SeveralRoles { .. } => "Leave one IDPSSODescriptor for SAML 2.0 in the entity.",
            MetadataError::NoSigningKey { .. } => {
                "The metadata must carry the signing certificate in ds:KeyInfo/ds:X509Data/ds:X509Certificate (Okta: \"SAML Signing \
                 Certificates\", an active one); fetch the metadata again."
            }
            MetadataError::Certificate { .. } => {
                "Give the certificate as PEM, with its BEGIN and END lines (Okta: \"SAML Signing Certificates\", Actions, \"Download \
                 certificate\")."
            }
            MetadataError::OtherEntity { .. } => {
                "Compare the metadata URL with the one in the identity provider's console. A customer who moved to another identity \
                 provider adds it as a new one."
            }
            MetadataError::Location { .. } | MetadataError::WebAddress { .. } => {
                "Write the whole address with https:// (Okta: \"Single Sign-On URL\")."
            }
            MetadataError::Schema(_) => "Have the publisher leave one of them, and fetch the metadata again.",
            MetadataError::Attribute { .. } => {
                "Have the publisher correct the attribute, and fetch the metadata again."
            }
            MetadataError::Expired { .. } => {
                "Fetch the metadata again from where it is published; if the published copy is expired too, tell the identity provider's \
                 operator."
            }
        }
    }
}

fn listed(names: &[String], count: usize) -> String {
    let shown: Vec<String> = names.iter().map(|name| Quoted::new(name).to_string()).collect();
    let more = if names.len() < count { ", ..." } else { "" };
    format!("{}{more}", shown.join(", "))
}

fn because(reasons: &[String]) -> String {
    if reasons.is_empty() { String::new() } else { format!(": {}", reasons.join("; ")) }
}

fn instant(time: &DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
