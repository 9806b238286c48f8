use chrono::{DateTime, SecondsFormat, Utc};
use vouchsafe_crypto::CryptoError;
use vouchsafe_signature::SignatureError;
use vouchsafe_xml::namespace::SAML_METADATA;
use vouchsafe_xml::{Quoted, SchemaViolation, XmlError};

use crate::foreign::Foreign;

/// The reason why metadata was refused, or could not be written.
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
    /// The bytes are not XML that this library accepts. The code is that of the XML library.
    #[error("the metadata cannot be read as XML: {0}")]
    Xml(#[from] XmlError),

    /// The signature of the document's root is not valid, or is missing. The code is that of the signature library.
    #[error("the metadata's signature: {0}")]
    Signature(Box<SignatureError>),

    /// The bytes are in another format than XML. The code is that of the XML library.
    #[error("this is not metadata: it is {} ({error})", found.described())]
    #[non_exhaustive]
    NotXml {
        /// The format.
        found: Foreign,
        /// The error of the XML library.
        error: Box<XmlError>,
    },

    /// Two endpoints of one kind have the same index, by which messages refer to them (saml-metadata-2.0-os 2.2.3).
    #[error("two endpoints {element} have index {index}")]
    #[non_exhaustive]
    Index {
        /// The local name of their element.
        element: &'static str,
        /// The index.
        index: u16,
    },

    /// The document element is neither an EntityDescriptor nor an EntitiesDescriptor (saml-metadata-2.0-os 2.3).
    #[error("{}", not_metadata(namespace, name))]
    #[non_exhaustive]
    Root {
        /// The namespace of the document element.
        namespace: String,
        /// The local name of the document element.
        name: String,
    },

    /// The value is not a valid entity ID (2.2.1).
    #[error("{} cannot be an entity ID: {reason}", Quoted::new(value))]
    #[non_exhaustive]
    EntityId {
        /// The given value.
        value: String,
        /// The reason.
        reason: &'static str,
    },

    /// The entityID of an EntityDescriptor is missing, or is not valid (2.3.2).
    #[error("EntityDescriptor/@entityID {problem}")]
    #[non_exhaustive]
    EntityIdAttribute {
        /// The problem with it.
        problem: String,
    },

    /// The entityID contains a placeholder: the metadata is a template, and describes no entity.
    #[error(
        "EntityDescriptor/@entityID {} is a template: {} is a placeholder for the name of a customer",
        Quoted::new(entity_id),
        Quoted::new(placeholder)
    )]
    #[non_exhaustive]
    Template {
        /// The entityID.
        entity_id: String,
        /// The placeholder, with its braces.
        placeholder: String,
    },

    /// No entity in the document has an IDPSSODescriptor (2.4.3).
    #[error("{}{}", no_identity_provider(*entities, roles), stray.as_deref().unwrap_or_default())]
    #[non_exhaustive]
    NoIdentityProvider {
        /// The number of EntityDescriptors.
        entities: usize,
        /// The roles of the entity, if there is only one.
        roles: Vec<String>,
        /// An element that is similar to the missing one.
        stray: Option<String>,
    },

    /// An element of metadata is in another namespace, or in none, so it is not metadata.
    #[error("expected md:{name} in namespace {SAML_METADATA}, found {}", in_namespace(namespace, name))]
    #[non_exhaustive]
    Namespace {
        /// The namespace of the element.
        namespace: String,
        /// The local name of the element.
        name: String,
    },

    /// The document is an aggregate with several identity providers, and one must be selected by name.
    #[error("this metadata holds {count} identity providers; one has to be named: {}", listed(names, *count))]
    #[non_exhaustive]
    SeveralIdentityProviders {
        /// The number of identity providers.
        count: usize,
        /// The entity IDs of the first few.
        names: Vec<String>,
    },

    /// The requested entity is not in this metadata.
    #[error("no entity {} among the {entities} in this metadata", Quoted::new(entity_id))]
    #[non_exhaustive]
    UnknownEntity {
        /// The requested entity.
        entity_id: String,
        /// The number of EntityDescriptors.
        entities: usize,
    },

    /// The requested entity has only other roles (2.4.3).
    #[error("entity {} is not an identity provider: it has {}", Quoted::new(entity_id), other_roles(roles))]
    #[non_exhaustive]
    NotAnIdentityProvider {
        /// The requested entity.
        entity_id: String,
        /// The roles that it has.
        roles: Vec<String>,
    },

    /// An earlier entity of the document has the same name, and is used.
    #[error(
        "the entity ID {} is that of entity {first} of this document too, and the first of them is used",
        Quoted::new(entity_id)
    )]
    #[non_exhaustive]
    DuplicateEntity {
        /// The name of both.
        entity_id: String,
        /// The place of the first one among the entities of the document, from 1.
        first: usize,
    },

    /// The identity provider does not support SAML 2.0 (2.4.1, protocolSupportEnumeration).
    #[error(
        "identity provider {}: IDPSSODescriptor/@protocolSupportEnumeration must name urn:oasis:names:tc:SAML:2.0:protocol, {}",
        Quoted::new(entity_id),
        found_protocols(protocols)
    )]
    #[non_exhaustive]
    Protocol {
        /// The identity provider.
        entity_id: String,
        /// The protocols that its roles support.
        protocols: String,
    },

    /// The entity has several IDPSSODescriptors for SAML 2.0, and nothing determines which one to use.
    #[error(
        "identity provider {}: {count} IDPSSODescriptors for SAML 2.0 are in its EntityDescriptor, and nothing says which of them to use",
        Quoted::new(entity_id)
    )]
    #[non_exhaustive]
    SeveralRoles {
        /// The identity provider.
        entity_id: String,
        /// The number of roles.
        count: usize,
    },

    /// There is no key that could verify a signature. Without one, no message of this identity provider can be
    /// trusted.
    #[error(
        "identity provider {}: no KeyDescriptor holds a signing key that can be read{}",
        Quoted::new(entity_id),
        because(reasons)
    )]
    #[non_exhaustive]
    NoSigningKey {
        /// The identity provider.
        entity_id: String,
        /// The reasons why the KeyDescriptors contain no signing key.
        reasons: Vec<String>,
    },

    /// A certificate given in code or on the command line cannot be read.
    #[error("the {usage} certificate cannot be read: {source}")]
    #[non_exhaustive]
    Certificate {
        /// `signing` or `encryption`.
        usage: &'static str,
        /// The error of the certificate parser.
        source: CryptoError,
    },

    /// The address of an endpoint is not an absolute http or https URL.
    #[error("{element}: {} cannot be used: {reason}", Quoted::new(location))]
    #[non_exhaustive]
    Location {
        /// The element of the endpoint.
        element: &'static str,
        /// The given address.
        location: String,
        /// The reason.
        reason: &'static str,
    },

    /// The metadata is about another entity than the one to be refreshed.
    #[error("expected metadata of {}, found metadata of {}", Quoted::new(expected), Quoted::new(actual))]
    #[non_exhaustive]
    OtherEntity {
        /// The expected entity.
        expected: String,
        /// The entity in the metadata.
        actual: String,
    },

    /// The address is not one that a browser or a client may be sent to.
    #[error("{} cannot be used: {reason}", Quoted::new(address))]
    #[non_exhaustive]
    WebAddress {
        /// The given address.
        address: String,
        /// The reason.
        reason: &'static str,
    },

    /// The value of an attribute does not have the right type.
    #[error("{}{element}/@{attribute}: expected {expected}, found {}", of_entity(entity_id.as_deref()), Quoted::new(value))]
    #[non_exhaustive]
    Attribute {
        /// The entity that contains it, if there is one.
        entity_id: Option<Box<str>>,
        /// The local name of the element.
        element: Box<str>,
        /// The name of the attribute.
        attribute: &'static str,
        /// The actual value.
        value: Box<str>,
        /// A description of the type.
        expected: &'static str,
    },

    /// A child that may occur once occurs twice, and nothing determines which of them to read.
    #[error("{0}")]
    Schema(SchemaViolation),

    /// The metadata is no longer valid (2.3.2, validUntil).
    #[error("the metadata was valid until {}; now is {}", instant(valid_until), instant(now))]
    #[non_exhaustive]
    Expired {
        /// The earliest `validUntil` around the identity provider.
        valid_until: DateTime<Utc>,
        /// The time of the check.
        now: DateTime<Utc>,
    },
}

impl MetadataError {
    /// Returns a stable code of this kind of error: `metadata.` and a word, or the code of the XML or signature
    /// library.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            MetadataError::Xml(error) => error.code(),
            MetadataError::Signature(error) => error.code(),
            MetadataError::NotXml { error, .. } => error.code(),
            MetadataError::Index { .. } => "metadata.index",
            MetadataError::Root { .. } => "metadata.root",
            MetadataError::EntityId { .. } | MetadataError::EntityIdAttribute { .. } => "metadata.entity_id",
            MetadataError::Template { .. } => "metadata.template",
            MetadataError::Namespace { .. } => "metadata.namespace",
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

    /// Returns what an operator should change, in the words of the console if they are known.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            MetadataError::Xml(_) => {
                "Give the file behind the \"Identity Provider metadata\" link, as downloaded (Okta: the application's Sign On tab, \
                 \"Metadata URL\"), not a copy that an editor or a browser wrote."
            }
            MetadataError::Signature(error) => signature_hint(error),
            MetadataError::NotXml { found, .. } => found.hint(),
            MetadataError::Index { .. } => "Give each endpoint of the kind a number of its own.",
            MetadataError::Root { namespace, name } => root_hint(namespace, name),
            MetadataError::Namespace { .. } | MetadataError::NoIdentityProvider { stray: Some(_), .. } => {
                LOST_NAMESPACE
            }
            MetadataError::EntityIdAttribute { .. } => {
                "Have the publisher write the identity provider's name there, which is the Issuer of its messages (Okta: \"Identity Provider \
                 Issuer\"), and fetch the metadata again."
            }
            MetadataError::Template { entity_id, .. } => template_hint(entity_id),
            MetadataError::EntityId { .. } => {
                "Use the identifier exactly as the other side shows it, without spaces (Okta: \"Identity Provider Issuer\"; for us \
                 \"Audience URI (SP Entity ID)\")."
            }
            MetadataError::NoIdentityProvider { .. } | MetadataError::NotAnIdentityProvider { .. } => {
                "This is the metadata of a service provider or of other services; fetch the one of the identity provider (Okta: the \
                 application's Sign On tab, \"Metadata URL\")."
            }
            MetadataError::SeveralIdentityProviders { .. } => {
                "Name the identity provider to trust by its entity ID, or give a file that has only this one."
            }
            MetadataError::UnknownEntity { .. } => {
                "Compare the entity ID letter by letter, with its trailing slash, with entityID in the file (Okta: \"Identity Provider \
                 Issuer\")."
            }
            MetadataError::DuplicateEntity { .. } => {
                "Remove the outdated descriptor from the file, or ask its publisher to."
            }
            MetadataError::Protocol { .. } => {
                "The identity provider must offer SAML 2.0: create the application as SAML 2.0 and fetch its metadata again."
            }
            MetadataError::SeveralRoles { .. } => {
                "Have the publisher leave one of them, with the keys and endpoints of both in it, and fetch the metadata again."
            }
            MetadataError::NoSigningKey { .. } => {
                "The metadata must carry the signing certificate in ds:KeyInfo/ds:X509Data/ds:X509Certificate, or the key in ds:KeyValue \
                 (Okta: \"SAML Signing Certificates\", an active one); fetch the metadata again."
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

impl From<SignatureError> for MetadataError {
    fn from(error: SignatureError) -> MetadataError {
        MetadataError::Signature(Box::new(error))
    }
}

/// Returns a hint about metadata, because the hints of the signature library are about messages.
fn signature_hint(error: &SignatureError) -> &'static str {
    match error {
        SignatureError::Missing { .. } => {
            "Metadata of this source must be signed at its root. Fetch the signed document of the federation or publisher, not a part of it."
        }
        SignatureError::NotVerified { .. } | SignatureError::NoFittingKey { .. } => {
            "Compare the certificate with the one that the publisher of the metadata announces: it may have changed its key."
        }
        SignatureError::DigestMismatch { .. } => {
            "The document was changed after it was signed, by an editor, a formatter or a proxy. Fetch it again, and keep it as it comes."
        }
        other => other.hint(),
    }
}

/// Returns the name of an element with its namespace, or with words if it has none.
fn in_namespace(namespace: &str, name: &str) -> String {
    let name = Quoted::new(name);
    match namespace {
        "" => format!("{name} in no namespace"),
        _ => format!("{name} in namespace {}", Quoted::new(namespace)),
    }
}

fn not_metadata(namespace: &str, name: &str) -> String {
    if name.eq_ignore_ascii_case("html") {
        return format!("this is not metadata: it is {}", Foreign::Html.described());
    }
    format!(
        "expected an md:EntityDescriptor or md:EntitiesDescriptor, found {}",
        in_namespace(namespace, name)
    )
}

fn root_hint(namespace: &str, name: &str) -> &'static str {
    if name.eq_ignore_ascii_case("html") {
        return Foreign::Html.hint();
    }
    match name {
        "EntityDescriptor" | "EntitiesDescriptor" => LOST_NAMESPACE,
        _ if namespace == SAML_METADATA => {
            "This is a part of metadata. Give the whole document, whose root is the md:EntityDescriptor around it."
        }
        "Response" | "Assertion" | "AuthnRequest" | "LogoutRequest" | "LogoutResponse" => {
            "This is a message. Give the metadata of the identity provider that sends it (Okta: the application's Sign On tab, \
             \"Metadata URL\")."
        }
        _ => {
            "Give the file behind the \"Identity Provider metadata\" link, as downloaded (Okta: the application's Sign On tab, \
             \"Metadata URL\")."
        }
    }
}

const LOST_NAMESPACE: &str = "Every element of metadata is in the namespace urn:oasis:names:tc:SAML:2.0:metadata, whose declaration (xmlns) \
     was lost or altered when the file was edited or copied. Fetch the metadata again, and keep it as it comes.";

fn template_hint(entity_id: &str) -> &'static str {
    let is_entra = ["sts.windows.net", "login.microsoftonline", "login.windows.net"];
    if is_entra.iter().any(|host| entity_id.contains(host)) {
        "This is the metadata of /common/ or /organizations/, which belongs to no tenant. Fetch that of the tenant: \
         https://login.microsoftonline.com/TENANT-ID/federationmetadata/2007-06/federationmetadata.xml?appid=APPLICATION-ID (Entra ID: the \
         application's Single sign-on page, \"App Federation Metadata Url\")."
    } else {
        "Fetch the metadata that the identity provider publishes for this customer: messages name the customer's own entity ID, which a \
         template never equals."
    }
}

fn no_identity_provider(entities: usize, roles: &[String]) -> String {
    match entities {
        0 => "this metadata holds no entity at all".to_owned(),
        1 => {
            format!("the entity in this metadata is not an identity provider: it has {}", other_roles(roles))
        }
        _ => format!(
            "none of the {entities} entities in this metadata is an identity provider (has an md:IDPSSODescriptor)"
        ),
    }
}

fn other_roles(roles: &[String]) -> String {
    match roles {
        [] => "no md:IDPSSODescriptor, and no other role either".to_owned(),
        _ => format!("no md:IDPSSODescriptor, but {}", roles.join(", ")),
    }
}

fn found_protocols(protocols: &str) -> String {
    if protocols.is_empty() {
        "and is missing or empty".to_owned()
    } else {
        format!("found {}", Quoted::new(protocols))
    }
}

fn of_entity(entity_id: Option<&str>) -> String {
    entity_id.map(|id| format!("entity {}: ", Quoted::new(id))).unwrap_or_default()
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
