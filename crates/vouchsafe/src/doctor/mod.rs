//! What is this message or metadata, from which product, what is wrong with it, and what to change where.
//!
//! For tools and support desks, not for the place where messages are received: everything here is looked at without being believed, and
//! no login comes out of it. The rules are those of the crates below; the doctor only finds out what it was given, supplies what it can
//! from the other files it was given, and puts the answer into the words of the product's console.
//!
//! ```
//! # use vouchsafe_testkit as testkit;
//! use chrono::{TimeZone, Utc};
//! use vouchsafe::doctor::{Doctor, Kind};
//!
//! # let okta = testkit::IdentityProvider::okta();
//! # let metadata = okta.metadata()?;
//! # let response = okta.response().audience("https://wrong.example.com").issue()?.to_base64();
//! let now = Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 5).unwrap();
//! let doctor = Doctor::new(now).with_entity_id("https://app.example.com/saml/metadata");
//! let diagnosis = doctor.examine(&[("okta.xml", metadata.as_bytes()), ("posted.txt", response.as_bytes())]);
//!
//! let posted = &diagnosis.exhibits[1];
//! assert_eq!(posted.kind, Kind::Response);
//! assert_eq!(posted.product.as_ref().map(|product| product.name.as_str()), Some("Okta"));
//! let complaint = &posted.complaints[0];
//! assert_eq!(complaint.code, "assertion.audience");
//! assert_eq!(complaint.setting.as_ref().map(|setting| setting.name.as_str()), Some("Audience URI (SP Entity ID)"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod complaint;
mod expected;
mod har;
mod judge_metadata;
mod judge_request;
mod judge_response;
mod judge_signature;
mod pattern;
mod products;
mod recognise;
mod request_rules;
mod story;
mod story_rules;
mod surroundings;
mod traits;

use std::fmt;

use chrono::{DateTime, SubsecRound, Utc};
use serde::Serialize;
use vouchsafe_crypto::{PrivateKey, Provider};
use vouchsafe_xml::{Document, Limits};

pub use complaint::{Complaint, Setting, Severity};
pub use products::{Product, Quirk, catalogue, hint_in_the_words_of_the_console};
pub use story::{Cause, Event, Story};

use crate::{CertificateFacts, FieldContent};
use complaint::Own;
use judge_signature::is_signed;
use recognise::{Found, Message};
use story::{Recorded, Seen};
use surroundings::Surroundings;
use traits::Traits;

/// Facts and complaints of one exhibit, and characters of a fact: what somebody can read.
const FACTS: usize = 200;
const COMPLAINTS: usize = 100;
const CHARACTERS: usize = 500;

/// Looks at files together: metadata among them says whom to trust and who we are, certificates among them (PEM) whose keys else.
///
/// Only whole files of metadata and whole certificates do: what is inside a message, a page or a recording is looked at, and tells nothing
/// about whom to trust or who we are. Two different descriptions of one entity are an error, and neither is used. No value to type into a
/// console is taken from a message.
#[derive(Clone, Debug)]
pub struct Doctor {
    pub(crate) now: DateTime<Utc>,
    pub(crate) judged_at: Option<DateTime<Utc>>,
    pub(crate) entity_id: Option<String>,
    pub(crate) assertion_consumer: Option<String>,
    pub(crate) decryption_keys: Vec<PrivateKey>,
    pub(crate) unauthenticated_cbc: bool,
    pub(crate) keeps_messages: bool,
    pub(crate) provider: Provider,
    pub(crate) limits: Limits,
}

/// What the doctor says of all files.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Diagnosis {
    /// In the order of the files; a recording of a browser gives one for each message in it.
    pub exhibits: Vec<Exhibit>,
    /// What each recording tells as a whole.
    pub stories: Vec<Story>,
}

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
    message: Option<MessageText>,
}

/// The text of a message. `Debug` shows its length only.
#[derive(Clone)]
struct MessageText(String);

impl fmt::Debug for MessageText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} octets", self.0.len())
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
    /// A saml:Assertion on its own.
    Assertion,
    /// A certificate in PEM: a key to verify the other files with.
    Certificate,
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
            Kind::Assertion => "SAML Assertion",
            Kind::Certificate => "certificate",
            Kind::OtherXml => "XML that is neither a SAML message nor metadata",
            Kind::Unrecognised => "nothing that can be recognised",
        }
    }
}

impl Doctor {
    /// A doctor who knows what time it is.
    #[must_use]
    pub fn new(now: DateTime<Utc>) -> Doctor {
        Doctor {
            now: now.trunc_subsecs(0),
            judged_at: None,
            entity_id: None,
            assertion_consumer: None,
            decryption_keys: Vec::new(),
            unauthenticated_cbc: false,
            keeps_messages: false,
            provider: Provider::rustcrypto(),
            limits: Limits::default(),
        }
    }

    /// Judges messages as of this time. Without it, a message is judged as of the moment it was recorded or issued, since whoever asks
    /// the doctor asks later.
    #[must_use]
    pub fn judged_at(mut self, time: DateTime<Utc>) -> Doctor {
        self.judged_at = Some(time);
        self
    }

    /// Our entity ID. Without it, it is that of the only service provider whose metadata is among the files; without that, no audience is held
    /// against anything, which is said.
    #[must_use]
    pub fn with_entity_id(mut self, entity_id: impl Into<String>) -> Doctor {
        self.entity_id = Some(entity_id.into());
        self
    }

    /// Our assertion consumer. Without it, it is taken from where the entity ID is taken from, and otherwise not held against anything.
    #[must_use]
    pub fn with_assertion_consumer(mut self, url: impl Into<String>) -> Doctor {
        self.assertion_consumer = Some(url.into());
        self
    }

    /// Private keys that open encrypted assertions.
    #[must_use]
    pub fn with_decryption_keys(mut self, keys: Vec<PrivateKey>) -> Doctor {
        self.decryption_keys = keys;
        self
    }

    /// The cryptography, and with it the policy.
    #[must_use]
    pub fn with_provider(mut self, provider: Provider) -> Doctor {
        self.provider = provider;
        self
    }

    /// Opens AES-CBC that no signature covers. Whoever lets strangers use this doctor lets them ask what a padding is.
    #[must_use]
    pub fn danger_unauthenticated_cbc(mut self) -> Doctor {
        self.unauthenticated_cbc = true;
        self
    }

    /// Keeps the text of each message, to be shown to whoever gave it: [`Exhibit::message`]. It holds personal values.
    #[must_use]
    pub fn keeping_messages(mut self) -> Doctor {
        self.keeps_messages = true;
        self
    }

    /// Looks at files, each with the name to call it by. Never fails: what cannot be read is a complaint.
    #[must_use]
    pub fn examine(&self, files: &[(&str, &[u8])]) -> Diagnosis {
        let found: Vec<Found> = files
            .iter()
            .flat_map(|(name, octets)| recognise::recognise(name, octets, &self.limits))
            .collect();
        let surroundings = Surroundings::of(&found);
        let mut diagnosis = Diagnosis::default();
        // The messages of a recording stand before it.
        let mut seen = Vec::new();
        for one in found {
            match one {
                Found::Recording { source, steps } => {
                    let begin = diagnosis.exhibits.len().saturating_sub(seen.len());
                    let exhibits: Vec<&Exhibit> = diagnosis.exhibits.iter().skip(begin).collect();
                    let recorded = Recorded { steps: &steps, seen: &seen };
                    let story = story::tell(source, &recorded, &exhibits);
                    diagnosis.stories.push(story);
                    seen.clear();
                }
                one => {
                    if let Found::Message(read) = &one {
                        seen.extend(Seen::of(read));
                    }
                    diagnosis.exhibits.push(self.exhibit(one, &surroundings));
                }
            }
        }
        diagnosis
    }

    fn exhibit(&self, found: Found, surroundings: &Surroundings) -> Exhibit {
        let (message, parsed) = match found {
            Found::Message(read) => (read.message, read.parsed),
            Found::Certificate { source, certificate, whole } => {
                let mut exhibit = Exhibit::of(source, Kind::Certificate, Vec::new());
                if !whole {
                    exhibit.complaints.push(Own::CertificateInText.about(""));
                }
                exhibit.fact("certificate", CertificateFacts::of(&certificate).to_string());
                return exhibit;
            }
            Found::Recording { source, .. } => {
                return Exhibit::of(source, Kind::Unrecognised, Vec::new());
            }
            Found::Nothing { source, complaint } => {
                return Exhibit::of(source, Kind::Unrecognised, vec![complaint]);
            }
        };
        let document = match parsed {
            Ok(document) => document,
            Err(error) => {
                let complaint = match FieldContent::in_the_place_of_xml(&message.octets) {
                    Some(content) => recognise::looks_like(content),
                    None => Complaint::error(error.code(), error.to_string(), error.hint()),
                };
                return Exhibit::of(message.source, Kind::Unrecognised, vec![complaint]);
            }
        };
        self.document(message, document, surroundings)
    }

    fn document(&self, message: Message, document: Document, surroundings: &Surroundings) -> Exhibit {
        let kind = recognise::kind(&document);
        let traits = Traits::of(&document, kind, &message);
        let product = products::recognise(&traits);
        let sender = judge_request::issuer(document.root());
        let mut exhibit = Exhibit {
            source: message.source.clone(),
            kind,
            product: product.as_ref().map(products::Recognition::shown),
            facts: message.facts(),
            complaints: Vec::new(),
            not_judged: Vec::new(),
            message: self
                .keeps_messages
                .then(|| MessageText(String::from_utf8_lossy(&message.octets).into_owned())),
        };
        if message.by_tracer {
            exhibit.complaints.push(Own::SamlTracer.about(""));
        }
        match kind {
            Kind::Response => judge_response::judge(self, document, &message, surroundings, &mut exhibit),
            Kind::IdentityProviderMetadata | Kind::ServiceProviderMetadata | Kind::MetadataAggregate => {
                judge_metadata::judge(self, &message, surroundings, &mut exhibit);
                judge_signature::of_metadata(self, &document, surroundings, &mut exhibit);
            }
            Kind::OtherXml => {
                let root = document.root();
                exhibit.complaints.push(if root.namespace().starts_with("urn:oasis:names:tc:SAML:1.") {
                    Own::OlderProtocol.about(root.namespace())
                } else {
                    judge_metadata::broken(root, &message)
                        .unwrap_or_else(|| Own::OtherXml.about(root.local_name()))
                });
            }
            _ => {
                judge_request::judge(self, &document, &message, surroundings, &mut exhibit);
                judge_signature::of_message(self, &document, sender.as_deref(), surroundings, &mut exhibit);
            }
        }
        if let Some(query) = &message.query {
            judge_signature::of_query(self, query, sender.as_deref(), surroundings, &mut exhibit);
        }
        if let Some(product) = product {
            product.advise(&traits, &mut exhibit.complaints);
        }
        exhibit.tell_not_judged();
        exhibit.complaints.sort_by_key(|complaint| complaint.severity);
        exhibit.complaints.truncate(COMPLAINTS);
        exhibit
    }
}

impl Diagnosis {
    /// Whether nothing is wrong; what is merely worth knowing does not count.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        !self
            .exhibits
            .iter()
            .flat_map(|exhibit| &exhibit.complaints)
            .any(|one| one.severity == Severity::Error)
            && self.stories.iter().all(|story| story.cause.is_none())
    }

    /// Whether at least one of the files is SAML at all, or a certificate.
    #[must_use]
    pub fn is_understood(&self) -> bool {
        self.exhibits.iter().any(|exhibit| !matches!(exhibit.kind, Kind::Unrecognised | Kind::OtherXml))
    }
}

impl Exhibit {
    fn of(source: String, kind: Kind, complaints: Vec<Complaint>) -> Exhibit {
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

    /// The text of the message, out of whatever it was wrapped in, if the doctor [keeps](Doctor::keeping_messages) it. Nobody vouches for it.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.message.as_ref().map(|text| text.0.as_str())
    }

    /// Whether nothing is wrong with it, notes left aside, and everything was judged.
    #[must_use]
    pub fn is_good_in_full(&self) -> bool {
        self.not_judged.is_empty() && self.worst().is_none_or(|worst| worst == Severity::Note)
    }

    /// The worst of its complaints.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        self.complaints.iter().map(|complaint| complaint.severity).min()
    }

    /// What complaints say was left out, in a few words.
    fn tell_not_judged(&mut self) {
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
