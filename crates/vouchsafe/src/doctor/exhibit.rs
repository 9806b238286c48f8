//! What the doctor says of one message or file.

use std::fmt;

use serde::Serialize;

use super::complaint::{Complaint, Severity};
use super::service_log::LoggedRefusal;

/// Facts of one exhibit, and characters of a fact: what somebody can read.
const FACTS: usize = 200;
const CHARACTERS: usize = 500;
/// Refusals of a log that are told.
const REFUSALS: usize = 10;

/// What the doctor says of one message, metadata file, or file that is neither.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Exhibit {
    /// The file, and the place in it.
    pub source: String,
    /// What it is.
    pub kind: Kind,
    /// Which product made it, as far as can be told; for a request, which product it was made for.
    pub product: Option<RecognisedProduct>,
    /// What there is to see, without names of persons and values of attributes.
    pub facts: Vec<Fact>,
    /// What is wrong or worth knowing, the worst first.
    pub complaints: Vec<Complaint>,
    /// What was not judged, since nobody gave what it takes.
    pub not_judged: Vec<&'static str>,
    #[serde(skip)]
    pub(super) message: Option<MessageText>,
}

/// The text of a message. `Debug` shows its length only.
#[derive(Clone)]
pub(super) struct MessageText(pub(super) String);

impl fmt::Debug for MessageText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

/// A product as it was recognised.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct RecognisedProduct {
    /// Its name in the catalogue.
    pub name: String,
    /// Whether what was found could hardly come from another product.
    pub certain: bool,
    /// What it was recognised by.
    pub because: Vec<String>,
    /// Where its settings are.
    pub console: String,
}

/// Something to see.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Fact {
    /// What it is.
    pub name: &'static str,
    /// Its value.
    pub value: String,
}

/// What an exhibit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// Metadata of an identity provider.
    IdentityProviderMetadata,
    /// Metadata of a service provider.
    ServiceProviderMetadata,
    /// Metadata of several entities.
    MetadataAggregate,
    /// A samlp:Response.
    Response,
    /// A samlp:AuthnRequest.
    AuthnRequest,
    /// A samlp:LogoutRequest.
    LogoutRequest,
    /// A samlp:LogoutResponse.
    LogoutResponse,
    /// A samlp:ManageNameIDRequest.
    ManageNameIdRequest,
    /// A samlp:ManageNameIDResponse.
    ManageNameIdResponse,
    /// A samlp:ArtifactResolve.
    ArtifactResolve,
    /// A samlp:ArtifactResponse.
    ArtifactResponse,
    /// A SAML artifact, which stands for a message.
    Artifact,
    /// A saml:Assertion on its own.
    Assertion,
    /// A certificate in PEM: a key to verify the other files with.
    Certificate,
    /// The log of a service, with the sign-ins that it refused.
    ServiceLog,
    /// An error page of an identity provider, or the words of one.
    ErrorPage,
    /// Another XML document.
    OtherXml,
    /// None of these.
    Unrecognised,
}

impl Kind {
    pub(crate) fn is_metadata(self) -> bool {
        matches!(
            self,
            Kind::IdentityProviderMetadata | Kind::ServiceProviderMetadata | Kind::MetadataAggregate
        )
    }

    /// The kind in words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::IdentityProviderMetadata => "identity provider metadata",
            Kind::ServiceProviderMetadata => "service provider metadata",
            Kind::MetadataAggregate => "metadata of several entities",
            Kind::Response => "SAML Response",
            Kind::AuthnRequest => "SAML AuthnRequest",
            Kind::LogoutRequest => "SAML LogoutRequest",
            Kind::LogoutResponse => "SAML LogoutResponse",
            Kind::ManageNameIdRequest => "SAML ManageNameIDRequest",
            Kind::ManageNameIdResponse => "SAML ManageNameIDResponse",
            Kind::ArtifactResolve => "SAML ArtifactResolve",
            Kind::ArtifactResponse => "SAML ArtifactResponse",
            Kind::Artifact => "SAML artifact",
            Kind::Assertion => "SAML Assertion",
            Kind::Certificate => "certificate",
            Kind::ServiceLog => "log of a service",
            Kind::ErrorPage => "error page of an identity provider",
            Kind::OtherXml => "XML that is neither a SAML message nor metadata",
            Kind::Unrecognised => "nothing that can be recognised",
        }
    }
}

impl Exhibit {
    pub(super) fn of(source: String, kind: Kind, complaints: Vec<Complaint>) -> Exhibit {
        Exhibit {
            source,
            kind,
            product: None,
            facts: Vec::new(),
            complaints,
            not_judged: Vec::new(),
            message: None,
        }
    }

    /// The text of the message, out of whatever it was wrapped in, if the doctor [keeps](super::Doctor::keeping_messages) it. Nobody vouches for it.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.message.as_ref().map(|text| text.0.as_str())
    }

    /// Whether nothing is wrong with it, notes left aside, and everything was judged.
    #[must_use]
    pub fn is_good_in_full(&self) -> bool {
        self.not_judged.is_empty() && self.worst().is_none_or(|worst| worst == Severity::Note)
    }

    /// Whether it is a message, and no metadata, certificate or text.
    pub(super) fn is_message(&self) -> bool {
        !self.kind.is_metadata()
            && !matches!(self.kind, Kind::Certificate | Kind::OtherXml | Kind::Unrecognised)
    }

    /// The worst of its complaints.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        self.complaints.iter().map(|complaint| complaint.severity).min()
    }

    /// What complaints say was left out, in a few words.
    pub(super) fn tell_not_judged(&mut self) {
        for complaint in &self.complaints {
            let what: &[&'static str] = match complaint.code.as_str() {
                "doctor.not_compared" => &["for whom it is"],
                "doctor.unverified_sender" | "doctor.nothing_to_verify_with" => &["who sent it"],
                "doctor.cannot_open" => &["what is encrypted"],
                "doctor.saml_tracer" => &["the times"],
                _ => &[],
            };
            self.not_judged
                .extend(what.iter().filter(|one| !self.not_judged.contains(one)).collect::<Vec<_>>());
        }
        let not_tried = |fact: &Fact| fact.name == "verified" && fact.value.starts_with("not tried");
        if self.facts.iter().any(not_tried) {
            self.not_judged.push("the signature");
        }
    }

    /// Adds a fact, cut to what fits on a screen; the first of many.
    pub(crate) fn fact(&mut self, name: &'static str, value: impl Into<String>) {
        let mut value = value.into();
        if let Some((end, _)) = value.char_indices().nth(CHARACTERS) {
            value.truncate(end);
            value.push('…');
        }
        if self.facts.len() < FACTS {
            self.facts.push(Fact { name, value });
        }
    }
}

/// A log: the refusals in it, the last first, unless a recording beside it says which of them is meant.
pub(super) fn of_log(source: String, refusals: &[LoggedRefusal], has_recording: bool) -> Exhibit {
    let mut exhibit = Exhibit::of(source, Kind::ServiceLog, Vec::new());
    exhibit.fact("refused sign-ins", refusals.len().to_string());
    if !has_recording {
        let told = refusals.iter().rev().take(REFUSALS);
        exhibit.complaints.extend(told.map(LoggedRefusal::complaint));
    }
    exhibit
}
