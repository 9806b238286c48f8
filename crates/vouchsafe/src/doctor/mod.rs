//! Examines a message or metadata: what it is, which product made it, what is wrong with it, and what to change
//! where.
//!
//! This module is for tools and support desks, and not for receiving messages: it examines content without trusting
//! it, and never returns a login. The rules are those of the lower crates. The doctor recognises what it was given,
//! takes the missing data from the other files, and puts the answer into the words of the product's console.
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

mod address;
mod artifact;
mod catalogue;
mod complaint;
mod console_words;
mod dress;
mod exhibit;
mod expected;
mod field;
mod fingerprint;
mod forms;
mod found;
mod har;
mod judge_artifact;
mod judge_certificate;
mod judge_message;
mod judge_metadata;
mod judge_request;
mod judge_response;
mod judge_signature;
mod no_messages;
mod pages;
mod pattern;
mod products;
mod recognise;
mod recorded;
mod refusal_reference;
mod request_rules;
mod service_log;
mod settings;
mod soap;
mod stated;
mod story;
mod story_cookies;
mod story_refusals;
mod story_rules;
mod surroundings;
mod traits;
mod validity;
mod verdict;
mod witnesses;

use vouchsafe_xml::{Document, Element, Quoted};

pub use catalogue::{ErrorPage, Product, Quirk, catalogue};
pub use complaint::{Complaint, Setting, Severity};
pub use exhibit::{Exhibit, Fact, Kind, RecognisedProduct};
pub use products::hint_in_the_words_of_the_console;
pub use service_log::is_reference;
pub use settings::Doctor;
pub use story::{Cause, Event, Story};
pub use verdict::{Answer, Diagnosis, Verdict};

use crate::FieldContent;
use complaint::Own;
use exhibit::{MessageText, Wanted};
use found::{Found, Message, kind, message_kind};
use recorded::{Recorded, Seen};
use service_log::LoggedRefusal;
use stated::issuer;
use surroundings::Surroundings;
use traits::Traits;

/// The maximum number of complaints of one exhibit, so that a person can read them.
const COMPLAINTS: usize = 100;

impl Doctor {
    /// Examines files, each with the name to call it by. It never fails: a file that cannot be read becomes a
    /// complaint.
    #[must_use]
    pub fn examine(&self, files: &[(&str, &[u8])]) -> Diagnosis {
        let found: Vec<Found> = files
            .iter()
            .flat_map(|(name, bytes)| {
                let found = recognise::recognise(name, bytes, &self.limits);
                refusal_reference::instead_of_nothing(bytes, found)
            })
            .collect();
        let surroundings = Surroundings::of(&found);
        // A service logs its hints in the words of Okta's console.
        let product = products::only(&found);
        let found: Vec<Found> = found.into_iter().map(|one| one.in_the_words_of(product)).collect();
        let refusals: Vec<LoggedRefusal> = found.iter().flat_map(Found::refusals).cloned().collect();
        let wanted = Wanted {
            references: refusal_reference::named(&found),
            has_recording: found.iter().any(|one| matches!(one, Found::Recording { .. })),
        };
        let mut diagnosis = Diagnosis::default();
        // The messages of a recording come before it.
        let mut seen: Vec<Seen> = Vec::new();
        let mut places: Vec<usize> = Vec::new();
        for one in found {
            if let Some(message) = Seen::of(&one) {
                seen.push(message);
                places.push(diagnosis.exhibits.len());
            }
            match one {
                Found::Recording { source, steps } => {
                    let exhibits: Vec<&Exhibit> =
                        places.iter().filter_map(|place| diagnosis.exhibits.get(*place)).collect();
                    let recorded = Recorded {
                        steps: &steps,
                        seen: &seen,
                        refusals: &refusals,
                        request_lifetime: self.request_lifetime,
                        consumer: surroundings.our_assertion_consumer(self, None),
                        elsewhere: recorded::elsewhere(&seen, &exhibits),
                    };
                    let story = story::tell(source, &recorded, &exhibits);
                    // A recording without messages and without a cause has no story.
                    if !seen.is_empty() || story.cause.is_some() {
                        diagnosis.stories.push(story);
                    }
                    seen.clear();
                    places.clear();
                }
                Found::Log { source, refusals } => {
                    diagnosis.exhibits.push(exhibit::of_log(source, &refusals, &wanted));
                }
                Found::Reference { source, reference } => {
                    diagnosis.exhibits.push(refusal_reference::judge(source, &reference, &refusals));
                }
                one => diagnosis.exhibits.push(self.exhibit(one, &surroundings)),
            }
        }
        diagnosis.mask();
        diagnosis.verdict = Verdict::of(&diagnosis);
        diagnosis
    }

    fn exhibit(&self, found: Found, surroundings: &Surroundings) -> Exhibit {
        let (message, parsed) = match found {
            Found::Message(read) => (read.message, read.parsed),
            Found::Certificate { source, certificate, whole, with_key } => {
                let mut exhibit = judge_certificate::judge(self, source, &certificate, whole);
                exhibit.complaints.extend(with_key.then(|| Own::PrivateKeyBeside.about("")));
                exhibit.complaints.sort_by_key(|complaint| complaint.severity);
                return exhibit;
            }
            Found::Artifact { source, artifact, address, .. } => {
                return judge_artifact::judge(self, source, &artifact, address.as_deref(), surroundings);
            }
            Found::Fingerprint { source, digits } => {
                return fingerprint::judge(source, &digits, surroundings);
            }
            Found::Recording { source, .. } | Found::Log { source, .. } | Found::Reference { source, .. } => {
                return Exhibit::of(source, Kind::Unrecognised, Vec::new());
            }
            Found::Nothing { source, complaint, .. } => {
                let is_page = complaint.code.starts_with("page.");
                let kind = if is_page { Kind::ErrorPage } else { Kind::Unrecognised };
                return Exhibit::of(source, kind, vec![complaint]);
            }
        };
        let document = match parsed {
            Ok(document) => document,
            Err(error) => {
                let complaint = recognise::broken(&message, &error);
                return Exhibit::of(message.source, Kind::Unrecognised, vec![complaint]);
            }
        };
        self.document(message, document, surroundings)
    }

    fn document(&self, message: Message, document: Document, surroundings: &Surroundings) -> Exhibit {
        let kind = kind(&document);
        let traits = Traits::of(&document, kind, &message);
        let product = products::recognise(&traits);
        let sender = issuer(document.root());
        let mut exhibit = Exhibit {
            source: message.source.clone(),
            kind,
            product: product.as_ref().map(products::Recognition::shown),
            facts: message.facts(),
            complaints: Vec::new(),
            not_judged: Vec::new(),
            message: self
                .keeps_messages
                .then(|| MessageText(String::from_utf8_lossy(&message.bytes).into_owned())),
        };
        if message.by_tracer {
            exhibit.complaints.push(Own::SamlTracer.about(""));
        }
        if exhibit.is_message() {
            exhibit.complaints.extend(who_we_are(self, kind, surroundings));
        }
        exhibit.complaints.extend(message.refused.clone());
        exhibit.complaints.extend(recognise::in_a_wrong_field(kind, &message, &self.limits));
        match kind {
            Kind::Response => judge_response::judge(self, document, &message, surroundings, &mut exhibit),
            Kind::IdentityProviderMetadata | Kind::ServiceProviderMetadata | Kind::MetadataAggregate => {
                judge_metadata::judge(self, &message, surroundings, &mut exhibit);
                judge_signature::of_metadata(self, &document, surroundings, &mut exhibit);
            }
            Kind::OtherXml => {
                let root = document.root();
                exhibit.complaints.push(other_xml(root, &message));
            }
            _ => {
                judge_request::judge(self, &document, &message, surroundings, &mut exhibit);
                match message_kind(kind) {
                    Some(kind) => {
                        judge_message::judge(self, &document, kind, &message, surroundings, &mut exhibit);
                    }
                    None => {
                        judge_signature::of_message(
                            self,
                            &document,
                            sender.as_deref(),
                            surroundings,
                            &mut exhibit,
                        );
                    }
                }
            }
        }
        if let Some(query) = message.query.as_deref().filter(|_| message_kind(kind).is_none()) {
            judge_signature::of_query(self, query, sender.as_deref(), surroundings, &mut exhibit);
        }
        match product {
            Some(product) => product.advise(&traits, &mut exhibit.complaints),
            None => exhibit.complaints.iter_mut().for_each(console_words::in_general_words),
        }
        exhibit.tell_not_judged();
        exhibit.complaints.sort_by_key(|complaint| complaint.severity);
        exhibit.complaints.truncate(COMPLAINTS);
        exhibit
    }
}

/// Complains if the given entity ID of this service is an identity provider's, or if it is unclear which service is ours.
fn who_we_are(doctor: &Doctor, kind: Kind, surroundings: &Surroundings) -> Option<Complaint> {
    if let Some(name) = surroundings.misnamed(doctor) {
        return Some(Own::OurNameIsTheirs.about(name));
    }
    let names = surroundings.several_services(doctor).filter(|_| kind == Kind::Response)?;
    let mut complaint = Own::SeveralServices.about("");
    let quoted: Vec<String> = names.iter().take(4).map(|name| Quoted::new(name).to_string()).collect();
    complaint.message = format!("{}: {}", complaint.message, quoted.join(", "));
    Some(complaint)
}

/// Complains about XML that is neither a message nor metadata.
fn other_xml(root: Element<'_>, message: &Message) -> Complaint {
    if root.namespace().starts_with("urn:oasis:names:tc:SAML:1.") {
        return Own::OlderProtocol.about(root.namespace());
    }
    let is_soap = root.local_name() == "Envelope" && root.namespace().contains("soap");
    let is_trust = root.namespace().contains("/ws/2005/02/trust") || root.namespace().contains("/ws-trust/");
    if is_soap {
        return recognise::looks_like(FieldContent::SoapEnvelope);
    }
    if is_trust {
        return recognise::looks_like(FieldContent::WsFederation);
    }
    judge_metadata::broken(root, message).unwrap_or_else(|| Own::OtherXml.about(root.local_name()))
}
