//! The doctor's findings about one message or file.

use std::fmt;

use serde::Serialize;

use super::complaint::{Complaint, Severity};
use super::service_log::LoggedRefusal;

/// The maximum number of facts of one exhibit, and of characters of a fact, so that a person can read them.
const FACTS: usize = 200;
const CHARACTERS: usize = 500;
/// The maximum number of refusals of a log that are shown.
const REFUSALS: usize = 10;

/// The doctor's findings about one message, one metadata file, or another file.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Exhibit {
    /// The file, and the place in it.
    pub source: String,
    /// The kind of the message or file.
    pub kind: Kind,
    /// The product that made it, as far as it is recognised; for a request, the product for which it was made.
    pub product: Option<RecognisedProduct>,
    /// The visible facts, without names of persons and values of attributes.
    pub facts: Vec<Fact>,
    /// What is wrong or worth knowing, the most severe first.
    pub complaints: Vec<Complaint>,
    /// What was not checked, because the necessary data were not given.
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

/// A recognised product.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct RecognisedProduct {
    /// The name of the product in the catalogue.
    pub name: String,
    /// Whether hardly any other product could have made what was found.
    pub certain: bool,
    /// The signs by which it was recognised.
    pub because: Vec<String>,
    /// The place of its settings.
    pub console: String,
}

/// A visible fact.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Fact {
    /// The name of the fact.
    pub name: &'static str,
    /// The value of the fact.
    pub value: String,
}

/// The kind of a message or file.
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
    /// A SAML artifact, a reference to a message.
    Artifact,
    /// A saml:Assertion on its own.
    Assertion,
    /// A certificate in PEM, whose key can verify the other files.
    Certificate,
    /// The log of a service, with the sign-ins that it refused.
    ServiceLog,
    /// The reference of a refusal: the page of the service that shows it, or its text.
    RefusalReference,
    /// An error page of an identity provider, or text copied from one.
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

    /// Returns the name of the kind.
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
            Kind::RefusalReference => "reference of a refusal",
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

    /// The text of the message without its wrapping, if the doctor [keeps](super::Doctor::keeping_messages) it. The
    /// text is not verified.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.message.as_ref().map(|text| text.0.as_str())
    }

    /// Returns whether nothing is wrong with it, apart from notes, and everything was checked.
    #[must_use]
    pub fn is_good_in_full(&self) -> bool {
        self.not_judged.is_empty() && self.worst().is_none_or(|worst| worst == Severity::Note)
    }

    /// Returns whether it is a message, and not metadata, a certificate or another text.
    pub(super) fn is_message(&self) -> bool {
        !self.kind.is_metadata()
            && !matches!(self.kind, Kind::Certificate | Kind::OtherXml | Kind::Unrecognised)
    }

    /// Returns the worst severity of its complaints.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        self.complaints.iter().map(|complaint| complaint.severity).min()
    }

    /// Lists, in a few words, the checks that complaints report as left out.
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

    /// Adds a fact, cut to a length that fits on a screen. Only the first facts are kept.
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

/// Which refusals of a log are of interest.
pub(super) struct Wanted {
    /// The references that the files name. If there is one, other people's refusals are left out.
    pub(super) references: Vec<String>,
    /// Whether a recording shows which refusal it is.
    pub(super) has_recording: bool,
}

impl Wanted {
    fn includes(&self, refusal: &LoggedRefusal) -> bool {
        match &refusal.reference {
            Some(reference) if !self.references.is_empty() => self.references.contains(reference),
            _ => !self.has_recording,
        }
    }
}

/// Makes the exhibit of a log: the refusals of interest, the last first.
pub(super) fn of_log(source: String, refusals: &[LoggedRefusal], wanted: &Wanted) -> Exhibit {
    let mut exhibit = Exhibit::of(source, Kind::ServiceLog, Vec::new());
    exhibit.fact("refused sign-ins", refusals.len().to_string());
    let told = refusals.iter().rev().filter(|refusal| wanted.includes(refusal)).take(REFUSALS);
    exhibit.complaints.extend(told.map(LoggedRefusal::complaint));
    let count = refusals.iter().filter(|refusal| refusal.reference.is_some()).count();
    if wanted.references.is_empty()
        && count > 1
        && let Some(last) = exhibit.complaints.first_mut()
    {
        last.message = format!(
            "the last of {count} refusals in this log, since no reference was given (--reference, or the saved page of the person): {}",
            last.message
        );
    }
    exhibit
}
