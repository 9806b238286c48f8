//! Errors of the bindings: configuration, form fields, and redirects.

use std::time::Duration;

use vouchsafe_assertion::MessageError;
use vouchsafe_crypto::CryptoError;
use vouchsafe_metadata::MetadataError;
use vouchsafe_signature::SignatureError;
use vouchsafe_xml::{Quoted, XmlError};

use crate::field_content::FieldContent;

/// Reasons why a binding could not be used: the service provider is not configured correctly, or a form or query
/// string is not valid.
///
/// Faults of a *response* are reported by a [`Refusal`](crate::Refusal) instead, which has a ledger.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindingError {
    /// The posted value or body is longer than the limits allow.
    #[error("the posted {what} has {actual} bytes; at most {limit} are read")]
    #[non_exhaustive]
    TooLarge {
        /// The measured part: "form", "SAMLResponse", "message".
        what: &'static str,
        /// The number of bytes that came.
        actual: usize,
        /// The number of bytes that are allowed.
        limit: usize,
    },
    /// A request to an address for messages carries none.
    #[error("the request carries no SAML message")]
    NoMessage,
    /// The form has no field of that name.
    #[error("the request has no field {name}")]
    #[non_exhaustive]
    FieldMissing {
        /// The name of the field.
        name: &'static str,
    },
    /// The configured clock skew is larger than two maintained clocks can differ.
    #[error("a clock skew of {} s is configured; at most {} s are allowed", skew.as_secs(), limit.as_secs())]
    #[non_exhaustive]
    ClockSkew {
        /// The configured skew.
        skew: Duration,
        /// The largest allowed skew.
        limit: Duration,
    },
    /// A field that must occur once occurs several times.
    #[error("the field {name} comes {count} times; exactly one is allowed")]
    #[non_exhaustive]
    FieldRepeated {
        /// The name of the field.
        name: &'static str,
        /// The number of occurrences.
        count: usize,
    },
    /// The field is not base64 (SAML Bindings 3.5.4).
    #[error("the field {name} is not base64{}", found(*content))]
    #[non_exhaustive]
    NotBase64 {
        /// The name of the field.
        name: &'static str,
        /// What the value looks like, if that is recognised.
        content: Option<FieldContent>,
    },
    /// The field is base64, but not of XML (SAML Bindings 3.5.4).
    #[error("the field {name} does not hold XML{}", found(Some(*content)))]
    #[non_exhaustive]
    NotXml {
        /// The name of the field.
        name: &'static str,
        /// What the decoded value looks like.
        content: FieldContent,
    },
    /// The message of a query string cannot be inflated (SAML Bindings 3.4.4.1).
    #[error("the field {name} is not a raw DEFLATE stream{}", found(*content))]
    #[non_exhaustive]
    NotDeflated {
        /// The name of the field.
        name: &'static str,
        /// What the value looks like, if that is recognised.
        content: Option<FieldContent>,
    },
    /// The builder has no provider of cryptography, and this build has no default.
    #[error("no cryptography provider is configured, and this build has no default")]
    ProviderMissing,
    /// The RelayState to send is empty or too long (SAML Bindings 3.4.3).
    #[error("a RelayState of {actual} bytes cannot be sent; it has 1 to {limit}")]
    #[non_exhaustive]
    RelayStateLength {
        /// The number of bytes given.
        actual: usize,
        /// The number of bytes allowed.
        limit: usize,
    },
    /// The element cannot be an extension of a request (SAML Core 3.2.1).
    #[error("an element of the namespace {} cannot be an extension of a request", Quoted::new(namespace))]
    #[non_exhaustive]
    Extension {
        /// The namespace of the element: none, or one of SAML's own.
        namespace: String,
    },
    /// The address cannot be used.
    #[error("{} cannot be used: {reason}", Quoted::new(url))]
    #[non_exhaustive]
    Url {
        /// The address as given.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The connection does not take part in sign-ins at present.
    #[error("the connection {connection} is {state}")]
    #[non_exhaustive]
    ConnectionState {
        /// The connection.
        connection: String,
        /// Its state, such as `draft` or `retired`.
        state: &'static str,
    },
    /// The identity provider's metadata names no endpoint for that binding.
    #[error("the metadata of {} names no SingleSignOnService for {binding}", Quoted::new(entity_id))]
    #[non_exhaustive]
    NoSingleSignOn {
        /// The entity ID of the metadata.
        entity_id: String,
        /// "HTTP-Redirect", "HTTP-POST", "HTTP-POST-SimpleSign" or "SOAP".
        binding: &'static str,
    },
    /// The identity provider's address is neither https nor on a loopback host.
    #[error(
        "{} receives messages at {}, which is neither https nor on a loopback host",
        Quoted::new(entity_id),
        Quoted::new(location)
    )]
    #[non_exhaustive]
    InsecureLocation {
        /// The entity ID of the identity provider.
        entity_id: String,
        /// The address.
        location: String,
    },
    /// A value of one connection was passed together with another connection. The message would name a person to the
    /// identity provider of another customer.
    #[error(
        "a value of the connection {} was passed together with the connection {}",
        Quoted::new(expected),
        Quoted::new(actual)
    )]
    #[non_exhaustive]
    OtherConnection {
        /// The connection that the value belongs to.
        expected: String,
        /// The connection that was passed.
        actual: String,
    },
    /// The service or the identity provider has no address for logout messages.
    #[error("{} has no address for logout messages by a binding of both sides", Quoted::new(entity_id))]
    #[non_exhaustive]
    NoSingleLogout {
        /// The entity ID of that side.
        entity_id: String,
    },
    /// The service or the identity provider has no address for messages about names.
    #[error(
        "{} has no address for the management of names by a binding of both sides",
        Quoted::new(entity_id)
    )]
    #[non_exhaustive]
    NoNameIdManagement {
        /// The entity ID of that side.
        entity_id: String,
    },
    /// Logout messages and messages about names are always signed, and no signing key is configured.
    #[error("logout messages are always signed, and no signing key is configured")]
    LogoutKeyMissing,
    /// Artifacts are resolved by signed requests, and no signing key is configured.
    #[error("artifacts are resolved by signed questions, and no signing key is configured")]
    ArtifactKeyMissing,
    /// This service provider does not accept responses by HTTP-Artifact.
    #[error("this service provider does not receive responses by HTTP-Artifact")]
    ArtifactsNotReceived,
    /// This service provider does not answer enhanced clients.
    #[error("this service provider does not answer enhanced clients (PAOS)")]
    EnhancedClientsNotReceived,
    /// The identity provider's metadata names no service that resolves artifacts.
    #[error("the metadata of {} names no ArtifactResolutionService for SOAP", Quoted::new(entity_id))]
    #[non_exhaustive]
    NoArtifactResolution {
        /// The entity ID of the metadata.
        entity_id: String,
    },
    /// Requests must always be signed, and no signing key is configured.
    #[error("requests are to be signed always, and no signing key is configured")]
    SigningKeyMissing,
    /// The identity provider requires signed requests, and no signing key is configured.
    #[error("{} wants signed requests, and this service provider has no signing key", Quoted::new(entity_id))]
    #[non_exhaustive]
    NoSigningKey {
        /// The entity ID of the identity provider.
        entity_id: String,
    },
    /// The certificate does not match its private key.
    #[error("the {purpose} certificate does not hold the public key of the {purpose} key")]
    #[non_exhaustive]
    CertificateMismatch {
        /// "signing" or "decryption".
        purpose: &'static str,
    },
    /// A stored pending request cannot be read.
    #[error("the stored pending request is damaged: {field}")]
    #[non_exhaustive]
    StoredRequest {
        /// The field that is not valid.
        field: &'static str,
    },
    /// A cryptographic operation failed, or an algorithm was refused.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// Signing a request failed.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// Our own descriptor could not be made.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// The value is not a valid artifact.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// A message could not be written.
    #[error(transparent)]
    Xml(#[from] XmlError),
}

fn found(content: Option<FieldContent>) -> String {
    content.map(|content| format!("; it looks like {}", content.description())).unwrap_or_default()
}

impl BindingError {
    /// Returns the stable code for logs and alerts: `binding.` and a word, or the code of the lower crate.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "binding.too_large",
            Self::NoMessage => "binding.no_message",
            Self::FieldMissing { .. } => "binding.field_missing",
            Self::ClockSkew { .. } => "binding.clock_skew",
            Self::FieldRepeated { .. } => "binding.field_repeated",
            Self::NotBase64 { .. } => "binding.base64",
            Self::NotXml { .. } => "binding.not_xml",
            Self::NotDeflated { .. } => "binding.deflate",
            Self::RelayStateLength { .. } => "binding.relay_state_length",
            Self::Extension { .. } => "binding.extension",
            Self::Url { .. } => "binding.url",
            Self::ConnectionState { .. } => "binding.connection_state",
            Self::NoSingleSignOn { .. } => "binding.no_single_sign_on",
            Self::InsecureLocation { .. } => "binding.insecure_location",
            Self::ProviderMissing => "binding.provider_missing",
            Self::OtherConnection { .. } => "binding.other_connection",
            Self::NoSingleLogout { .. } => "binding.no_single_logout",
            Self::NoNameIdManagement { .. } => "binding.no_name_id_management",
            Self::LogoutKeyMissing => "binding.logout_key_missing",
            Self::ArtifactKeyMissing => "binding.artifact_key_missing",
            Self::ArtifactsNotReceived => "binding.artifacts_not_received",
            Self::EnhancedClientsNotReceived => "binding.enhanced_clients_not_received",
            Self::NoArtifactResolution { .. } => "binding.no_artifact_resolution",
            Self::SigningKeyMissing => "binding.signing_key_missing",
            Self::NoSigningKey { .. } => "binding.no_signing_key",
            Self::CertificateMismatch { .. } => "binding.certificate_mismatch",
            Self::StoredRequest { .. } => "binding.stored_request",
            Self::Crypto(error) => error.code(),
            Self::Signature(error) => error.code(),
            Self::Metadata(error) => error.code(),
            Self::Message(error) => error.code(),
            Self::Xml(error) => error.code(),
        }
    }

    /// Returns what an operator should change.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => {
                "Raise Limits::input_bytes if the identity provider really sends messages of this size."
            }
            Self::NoMessage => {
                "Nobody has to change anything if a person opened this address by hand. Identity providers send their logout \
                 messages, or messages about names, to it (Okta: \"Single Logout URL\"), in the query of a GET or in the form of \
                 a POST."
            }
            Self::FieldMissing { name: "SAMLart" } => {
                "The assertion consumer receives a response by POST, or an artifact in the query. A person who opens it by hand \
                 sees this."
            }
            Self::FieldMissing { .. } => {
                "The assertion consumer receives the form that an identity provider posts. In the identity provider's console \
                 (Okta: \"Single sign-on URL\") name it with the binding HTTP-POST; a person who opens the address by hand sees \
                 this too."
            }
            Self::ClockSkew { .. } => {
                "Configure at most five minutes with clock_skew, and synchronise the clocks (NTP) if that is not enough."
            }
            Self::FieldRepeated { .. } => {
                "No identity provider repeats a field. Look for a proxy that rewrites forms, or an attack."
            }
            Self::NotBase64 { content: Some(content), .. } | Self::NotXml { content, .. } => content.hint(),
            Self::NotBase64 { content: None, .. } => {
                "Look for a proxy that rewrites form fields; a \"+\" that became a space is the usual trace."
            }
            Self::NotDeflated { content: Some(FieldContent::Zlib), .. } => {
                "Have the sender leave the zlib header out: the HTTP-Redirect binding takes raw DEFLATE (SAML Bindings 3.4.4.1)."
            }
            Self::NotDeflated { content: Some(FieldContent::Xml), .. } => {
                "Have the sender compress the message with DEFLATE, or post it: base64 alone is the encoding of HTTP-POST (SAML Bindings 3.4.4.1)."
            }
            Self::NotDeflated { .. } => {
                "The message of the HTTP-Redirect binding is raw DEFLATE, then base64, then percent-encoded."
            }
            Self::RelayStateLength { .. } => {
                "Send a short random handle, and store your own data under that handle."
            }
            Self::Extension { .. } => {
                "Put the element into your own namespace; for what SAML itself defines, use the options of LoginOptions."
            }
            Self::Url { .. } => {
                "Configure an absolute https URL; http works only for localhost and 127.0.0.1."
            }
            Self::ConnectionState { .. } => {
                "Try a draft with LoginOptions::trial, and then activate the connection; a retired connection stays retired."
            }
            Self::NoSingleSignOn { .. } => {
                "Use the other binding, or ask the identity provider for metadata with this endpoint."
            }
            Self::InsecureLocation { .. } => {
                "Ask the identity provider for metadata with https addresses. http is accepted only for loopback hosts."
            }
            Self::ProviderMissing => {
                "Give the builder a provider, such as vouchsafe_crypto_aws_lc::provider_of_aws_lc_alone(), or switch the feature rustcrypto on."
            }
            Self::OtherConnection { .. } => {
                "Look the connection up by the name in the participant or the request, and pass that one."
            }
            Self::NoSingleLogout { .. } => {
                "Configure single_logout on the builder, switch single logout on at the identity provider (Okta: \"Enable Single Logout\") and \
                 load its metadata from its console again. Some identity providers have none: then the session there goes on."
            }
            Self::NoNameIdManagement { .. } => {
                "Configure name_id_management on the builder. Few products have a ManageNameIDService: where the console names one, load the metadata \
                 from the console; where it names none, names are changed in the directory, and the person signs in under the new one."
            }
            Self::LogoutKeyMissing => {
                "Configure signing_key on the builder and give its certificate to the identity provider (Okta: \"Enable Single Logout\", its \"Signature Certificate\")."
            }
            Self::ArtifactKeyMissing => {
                "Configure signing_key on the builder and give our metadata to the identity provider, or leave receive_artifacts out."
            }
            Self::ArtifactsNotReceived => {
                "Configure receive_artifacts on the builder and a back_channel on SingleSignOn, or have the identity provider answer by HTTP-POST."
            }
            Self::EnhancedClientsNotReceived => {
                "Configure receive_from_enhanced_clients on the builder if programs sign in here, and leave it out where only \
                 browsers do."
            }
            Self::NoArtifactResolution { .. } => {
                "Ask the identity provider for metadata with its ArtifactResolutionService, or have it answer by HTTP-POST."
            }
            Self::SigningKeyMissing => {
                "Configure signing_key on the builder, or sign requests only when wanted."
            }
            Self::NoSigningKey { .. } => {
                "Configure signing_key on the builder, or switch request validation off at the identity provider."
            }
            Self::CertificateMismatch { .. } => "Give the key and the certificate of one pair.",
            Self::StoredRequest { .. } => "Discard it; the person starts again.",
            Self::Crypto(error) => error.hint(),
            Self::Signature(error) => error.hint(),
            Self::Metadata(error) => error.hint(),
            Self::Message(error) => error.hint(),
            Self::Xml(error) => error.hint(),
        }
    }

    /// Returns the one sentence for the browser. It never tells what failed.
    pub fn public_message(&self) -> &'static str {
        "The sign-in could not be completed."
    }
}
