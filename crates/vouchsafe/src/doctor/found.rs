//! What a file contains: a message, metadata, a certificate or another content, and the kind of a document.

use chrono::{DateTime, Utc};
use vouchsafe_assertion::MessageKind;
use vouchsafe_crypto::Certificate;
use vouchsafe_xml::{Document, Limits, XmlError, namespace};

use super::artifact::Artifact;
use super::complaint::Complaint;
use super::exhibit::{Fact, Kind};
use super::har::Step;
use super::service_log::LoggedRefusal;

/// A message or metadata, without its wrapping.
#[derive(Debug, Default)]
pub(crate) struct Message {
    /// The file, and the place in it.
    pub(crate) source: String,
    pub(crate) bytes: Vec<u8>,
    /// Whether it is the whole of a file that the operator named. Only then does metadata define whom to trust and
    /// who we are.
    pub(crate) whole: bool,
    /// "XML", "base64", "HTTP-Redirect", "HTTP-POST", "SOAP".
    pub(crate) wrapping: &'static str,
    /// The reason why a service refuses the field in which it came.
    pub(crate) refused: Option<Complaint>,
    /// The field in which it came.
    pub(crate) field: Option<&'static str>,
    /// The fields of a form whose signature is a field (HTTP-POST-SimpleSign).
    pub(crate) signed_form: Option<Vec<(String, String)>>,
    /// The SOAP envelope around it.
    pub(crate) envelope: Option<Vec<u8>>,
    /// The address to which it was sent, without its query.
    pub(crate) address: Option<String>,
    /// The query string, unchanged.
    pub(crate) query: Option<String>,
    pub(crate) relay_state: Option<String>,
    /// The time when it was recorded.
    pub(crate) time: Option<DateTime<Utc>>,
    /// Whether SAML-tracer recorded it, which stores no times.
    pub(crate) by_tracer: bool,
    /// The position among the requests of a recording.
    pub(crate) step: Option<usize>,
}

/// The content of a file.
#[derive(Debug)]
pub(crate) enum Found {
    Message(Box<Read>),
    /// A certificate. `whole`: the file contains only certificates.
    Certificate {
        source: String,
        certificate: Certificate,
        whole: bool,
        /// Whether the file also has a private key.
        with_key: bool,
    },
    /// The data of a recording apart from its messages, which come before it.
    Recording {
        source: String,
        steps: Vec<Step>,
    },
    /// The log of a service, with the sign-ins that it refused.
    Log {
        source: String,
        refusals: Vec<LoggedRefusal>,
    },
    /// A SAML artifact, with the address to which it came.
    Artifact {
        source: String,
        artifact: Artifact,
        address: Option<String>,
        step: Option<usize>,
    },
    /// A fingerprint of a certificate, in digits.
    Fingerprint {
        source: String,
        digits: String,
    },
    /// The reference of a refusal, which a person saw.
    Reference {
        source: String,
        reference: String,
    },
    Nothing {
        source: String,
        complaint: Complaint,
        /// The position among the requests of a recording.
        step: Option<usize>,
    },
}

/// A message, and its parsed document.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) message: Message,
    pub(crate) parsed: Result<Document, XmlError>,
}

impl Found {
    /// The refusals of a log.
    pub(crate) fn refusals(&self) -> &[LoggedRefusal] {
        match self {
            Found::Log { refusals, .. } => refusals,
            _ => &[],
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        match self {
            Found::Message(read) => read.message.bytes.len(),
            _ => 0,
        }
    }
}

impl Message {
    pub(crate) fn facts(&self) -> Vec<Fact> {
        let mut facts = vec![Fact { name: "came as", value: self.wrapping.to_owned() }];
        let mut add = |name, value: Option<String>| facts.extend(value.map(|value| Fact { name, value }));
        add("sent to", self.address.clone());
        add("recorded at", self.time.map(|time| time.to_rfc3339()));
        add("RelayState", self.relay_state.as_ref().map(|state| format!("{} bytes", state.len())));
        facts
    }
}

/// Returns the kind of a document.
pub(crate) fn kind(document: &Document) -> Kind {
    let root = document.root();
    let roles = |name: &str| document.elements().any(|element| element.is(namespace::SAML_METADATA, name));
    match (root.namespace(), root.local_name()) {
        (namespace::SAML_PROTOCOL, "Response") => Kind::Response,
        (namespace::SAML_PROTOCOL, "AuthnRequest") => Kind::AuthnRequest,
        (namespace::SAML_PROTOCOL, "LogoutRequest") => Kind::LogoutRequest,
        (namespace::SAML_PROTOCOL, "LogoutResponse") => Kind::LogoutResponse,
        (namespace::SAML_PROTOCOL, "ManageNameIDRequest") => Kind::ManageNameIdRequest,
        (namespace::SAML_PROTOCOL, "ManageNameIDResponse") => Kind::ManageNameIdResponse,
        (namespace::SAML_PROTOCOL, "ArtifactResolve") => Kind::ArtifactResolve,
        (namespace::SAML_PROTOCOL, "ArtifactResponse") => Kind::ArtifactResponse,
        (namespace::SAML_ASSERTION, "Assertion") => Kind::Assertion,
        (namespace::SAML_METADATA, "EntitiesDescriptor") => Kind::MetadataAggregate,
        (namespace::SAML_METADATA, "EntityDescriptor") if roles("IDPSSODescriptor") => {
            Kind::IdentityProviderMetadata
        }
        (namespace::SAML_METADATA, "EntityDescriptor") => Kind::ServiceProviderMetadata,
        _ => Kind::OtherXml,
    }
}

/// Returns the kind that the libraries use for the message.
pub(super) fn message_kind(kind: Kind) -> Option<MessageKind> {
    Some(match kind {
        Kind::LogoutRequest => MessageKind::LogoutRequest,
        Kind::LogoutResponse => MessageKind::LogoutResponse,
        Kind::ManageNameIdRequest => MessageKind::ManageNameIdRequest,
        Kind::ManageNameIdResponse => MessageKind::ManageNameIdResponse,
        Kind::ArtifactResponse => MessageKind::ArtifactResponse,
        _ => return None,
    })
}

pub(super) fn parsed(message: Message, limits: &Limits) -> Found {
    // A metadata file may be large, because the operator chose it.
    let is_metadata = message.whole && message.bytes.len() > limits.input_bytes;
    let parsed = if is_metadata {
        Document::parse(&message.bytes, &Limits::metadata())
    } else {
        Document::parse(&message.bytes, limits)
    };
    Found::Message(Box::new(Read { message, parsed }))
}
