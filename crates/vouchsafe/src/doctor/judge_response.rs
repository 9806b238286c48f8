//! Checks responses by the libraries' own rules, with all data from the other files. A refusal becomes a complaint.

use vouchsafe_assertion::{Check, Claimed, Login, Refusal, Trust, authenticate};
use vouchsafe_crypto::Certificate;
use vouchsafe_metadata::{EntityId, IdentityProvider};
use vouchsafe_xml::{Document, Element, Quoted, namespace};

use super::address::is_open;
use super::complaint::{Complaint, Own};
use super::expected::{self, Expected};
use super::found::Message;
use super::judge_metadata::two_descriptions;
use super::judge_request::relay_state;
use super::stated::{certificates, has_encrypted_assertion};
use super::surroundings::Surroundings;
use super::{Doctor, Exhibit, Kind, validity, witnesses};
use crate::PostMortem;

/// The maximum number of failed checks after the first that become complaints.
const FURTHER: usize = 8;
/// The maximum length of a value that may be a placeholder, in characters.
const PLACEHOLDER: usize = 100;

pub(crate) fn judge(
    doctor: &Doctor,
    document: Document,
    message: &Message,
    surroundings: &Surroundings,
    exhibit: &mut Exhibit,
) {
    facts(document.root(), exhibit);
    relay_state(message, exhibit);
    let claimed = match Claimed::parse(&message.bytes, &doctor.limits) {
        Ok(claimed) => claimed,
        Err(refusal) => return exhibit.complaints.push(complaint(&refusal, None)),
    };
    if let Err(refusal) = claimed.require_success() {
        return exhibit.complaints.push(complaint(&refusal, None));
    }
    if message.query.is_some() {
        exhibit.complaints.push(Own::ResponseByRedirect.about(""));
    }
    let expected = Expected::of(doctor, document.root(), &claimed, message, surroundings);
    let sent_to = expected::sent_to(document.root(), message);
    if surroundings.is_of_another_service(doctor, sent_to, claimed.in_response_to()) {
        let asked = claimed.in_response_to().and_then(|id| surroundings.request(id)?.issuer.clone());
        return exhibit.complaints.push(Own::AnotherService.about(&asked.unwrap_or_default()));
    }
    exhibit.complaints.extend(answered_by_another(&claimed, message, surroundings));
    let Some(identity_provider) =
        whom_to_believe(claimed.issuer(), &document, &expected, surroundings, exhibit)
    else {
        return;
    };
    validity::tell(&identity_provider, expected.now, doctor, exhibit);
    expected.tell(document.root(), message, surroundings, exhibit);
    if doctor.judged_at.is_none() && message.time.is_none() && !message.by_tracer {
        exhibit.not_judged.push("the times");
    }
    let case = Case { doctor, message, surroundings, expected, identity_provider };
    case.run(document, exhibit);
}

/// Complains that the request went to one identity provider and another one answered.
fn answered_by_another(
    claimed: &Claimed,
    message: &Message,
    surroundings: &Surroundings,
) -> Option<Complaint> {
    let request = surroundings.asked(Kind::AuthnRequest, claimed.in_response_to(), message.step.is_some())?;
    let asked = surroundings.identity_providers_at(request.destination.as_deref()?);
    let answers = claimed.issuer().filter(|issuer| surroundings.identity_provider(issuer).is_some())?;
    let expected = asked.first().filter(|_| !asked.contains(&answers.as_str()))?;
    Some(complaint(&Refusal::unexpected_issuer(*expected, answers.as_str()), None))
}

/// A response with the data that it is compared with.
struct Case<'a> {
    doctor: &'a Doctor,
    message: &'a Message,
    surroundings: &'a Surroundings,
    expected: Expected,
    identity_provider: IdentityProvider,
}

impl Case<'_> {
    fn run(mut self, document: Document, exhibit: &mut Exhibit) {
        let trust = match witnesses::trust(&self.identity_provider, self.doctor) {
            Ok(trust) => trust,
            Err(error) => return exhibit.complaints.push(complaint(&Refusal::from(error), None)),
        };
        if has_encrypted_assertion(document.root()) && self.doctor.decryption_keys.is_empty() {
            exhibit.complaints.push(Own::CannotOpen.about(""));
            let found = self.post_mortem(&trust, exhibit);
            tell_signatures(&found, self.surroundings, exhibit);
            return;
        }
        let is_encrypted = has_encrypted_assertion(document.root());
        let decided = self.decide(document, &trust).or_else(|refusal| self.learned_audience(refusal, &trust));
        if let (Ok(login), true) = (&decided, is_encrypted) {
            for attribute in login.attributes().iter() {
                let (name, values) = (attribute.name(), attribute.values().len());
                exhibit.fact("decrypted attribute", counted_values(name, values));
            }
        }
        if decided.as_ref().is_ok_and(|login| login.name_id().is_none()) {
            exhibit.complaints.push(Own::NoNameId.about(""));
        }
        if let Err(refusal) = decided {
            let about_signatures =
                ["signature.", "crypto."].iter().any(|crate_| refusal.code().starts_with(crate_));
            let found = if about_signatures { self.post_mortem(&trust, exhibit) } else { Vec::new() };
            let refusal = witnesses::with_cause(refusal, &found, self.surroundings);
            let decided = refusal.check();
            let further = refusal.ledger().failed().filter(|check| Some(*check) != decided).take(FURTHER);
            let all = std::iter::once(complaint(&refusal, Some(&self.expected)))
                .chain(further.map(|check| also_failed(check, &self.expected)));
            // By redirect, the signature is in the query.
            let is_about_the_query = |complaint: &Complaint| {
                self.message.query.is_some() && complaint.code == "assertion.unsigned"
            };
            exhibit
                .complaints
                .extend(all.filter(|found| self.expected.judges(&found.code) && !is_about_the_query(found)));
            tell_signatures(&found, self.surroundings, exhibit);
        }
    }

    /// Checks the response. Of a login, the doctor reports no more than the names of its attributes.
    fn decide(&self, document: Document, trust: &Trust) -> Result<Login, Refusal> {
        let authentic = authenticate(Claimed::of(document)?, trust, &self.doctor.limits)?;
        let valid = authentic.read()?.validate(&self.expected.expectations()?, self.expected.now)?;
        // Each message is examined on its own, so it counts as new.
        let recorded = valid.replay_key().recorded(true);
        valid.confirm(recorded)
    }

    /// Checks an encrypted Assertion again with its own audience. The audience is known only after decryption, and
    /// the operator gave no entity ID to compare it with.
    fn learned_audience(&mut self, refusal: Refusal, trust: &Trust) -> Result<Login, Refusal> {
        let told = refusal.ledger().check("conditions.audience").map(Check::actual_text).unwrap_or_default();
        if self.expected.is_entity_id_told() || EntityId::new(told.as_ref()).is_err() {
            return Err(refusal);
        }
        self.expected.claim_entity_id(told.into_owned());
        let document = Document::parse(&self.message.bytes, &self.doctor.limits)?;
        self.decide(document, trust)
    }

    /// Finds out why signatures fail.
    fn post_mortem(&self, trust: &Trust, exhibit: &mut Exhibit) -> Vec<PostMortem> {
        if !self.surroundings.one_more_autopsy() {
            exhibit.complaints.push(Own::NotLookedInto.about(""));
            return Vec::new();
        }
        let sender = (&self.identity_provider, trust);
        witnesses::post_mortem(self.doctor, self.surroundings, sender, &self.message.bytes)
    }
}

/// Reports every finding about each signature.
fn tell_signatures(found: &[PostMortem], surroundings: &Surroundings, exhibit: &mut Exhibit) {
    for one in found {
        let told = one.findings.iter().filter(|finding| {
            finding.code().starts_with("autopsy.") && !witnesses::is_given(finding, surroundings)
        });
        for finding in told {
            let message = format!("the signature of the {}: {finding}", one.element);
            exhibit.complaints.push(Complaint::error(finding.code(), message, finding.hint()));
        }
    }
}

/// Returns the keys to use: those in metadata among the files, otherwise those of certificates among them, otherwise
/// those in the message itself, which prove nothing about its sender.
fn whom_to_believe(
    claimed: Option<&EntityId>,
    document: &Document,
    expected: &Expected,
    surroundings: &Surroundings,
    exhibit: &mut Exhibit,
) -> Option<IdentityProvider> {
    let name = claimed.map(EntityId::as_str).unwrap_or_default();
    if let Some(sources) = surroundings.conflict(name) {
        exhibit.complaints.push(two_descriptions(name, &sources));
        return None;
    }
    match claimed.and_then(|claimed| surroundings.identity_provider(claimed)) {
        Some(Ok(known)) => return Some(known.clone()),
        // If the issuer of the response is our own entity ID, our metadata is not the cause.
        Some(Err(_)) if expected.is_our_name(name) => {}
        Some(Err(error)) => {
            exhibit.complaints.push(Complaint::error(error.code(), error.to_string(), error.hint()));
            return None;
        }
        None => {}
    }
    if surroundings.identity_providers().next().is_some() {
        let unknown = Refusal::unknown_issuer(name, surroundings.identity_providers());
        // It is not known which of the two names is right, so no value for the console is given.
        exhibit.complaints.push(complaint(&expected.compared(unknown), None));
    }
    let with_keys =
        |certificates: Vec<Certificate>| witnesses::with_certificates(claimed, certificates.into_iter());
    let handed_over = surroundings.certificates().iter().map(|(_, certificate)| certificate.clone());
    if let Some(trusted) = with_keys(handed_over.collect()) {
        return Some(trusted);
    }
    let brought = with_keys(certificates(document));
    exhibit.complaints.push(match &brought {
        Some(_) => Own::UnverifiedSender.about(name),
        None if has_encrypted_assertion(document.root()) => Own::CannotOpen.about(name),
        None => Own::NothingToVerifyWith.about(name),
    });
    brought
}

fn complaint(refusal: &Refusal, expected: Option<&Expected>) -> Complaint {
    let value = expected.and_then(|expected| expected.value(refusal.code()));
    let remedy = remedy_of_schema(refusal).unwrap_or_else(|| refusal.hint());
    Complaint::error(refusal.code(), refusal.to_string(), remedy).with_value(value)
}

/// Returns what to fill in if the schema check fails for an empty or missing value. This is more useful than the
/// advice to contact the vendor.
fn remedy_of_schema(refusal: &Refusal) -> Option<&'static str> {
    let message = match refusal.code() {
        "assertion.schema" => refusal.to_string(),
        _ => return None,
    };
    let is_at = |place: &str| message.contains(place);
    if is_at("/Audience[") {
        return Some(
            "The audience is empty: set it at the identity provider to the entity ID of this service (Okta: \"Audience URI (SP Entity ID)\").",
        );
    }
    if is_at("/NameID[") {
        return Some(
            "Set what identifies a person at the identity provider (Okta: \"Name ID format\" and \"Application username\"), and make sure that it has a \
             value for this person.",
        );
    }
    is_at("/AttributeStatement").then_some(
        "An attribute statement at the identity provider has no attribute in it: give it one, or remove it.",
    )
}

/// Complains about a value that is an unfilled template of the identity provider's console.
fn placeholder(what: &str, element: Element<'_>, exhibit: &mut Exhibit) {
    let text = element.text();
    let text = text.trim();
    let is_between =
        |begin: &str, end: &str| text.split_once(begin).is_some_and(|(_, rest)| rest.contains(end));
    let is_name = |name: &str| {
        let letters = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
        name.len() < PLACEHOLDER && name.split('.').all(letters) && name.contains('.')
    };
    let begins = ["user.", "appuser.", "source.", "org."];
    let is_expression = begins.iter().any(|begin| text.starts_with(begin)) && is_name(text);
    if text.len() < PLACEHOLDER && (is_between("${", "}") || is_between("{{", "}}") || is_expression) {
        let mut complaint = Own::Placeholder.about("");
        complaint.message = format!(
            "{what} is {}, a placeholder that the identity provider did not fill in",
            Quoted::new(text)
        );
        exhibit.complaints.push(complaint);
    }
}

/// Complains about a failed check other than the one that decided.
fn also_failed(check: &Check, expected: &Expected) -> Complaint {
    let code = check.code().unwrap_or(Own::AlsoFailed.code());
    let (wanted, found) = (check.expected_text(), check.actual_text());
    let (wanted, found) = (Quoted::new(&wanted), Quoted::new(&found));
    let message = format!("{} failed too: expected {wanted}, found {found}", check.rule());
    let remedy = check.hint().map_or_else(|| format!("See {}.", check.clause()), str::to_owned);
    Complaint::error(code, message, remedy).with_value(expected.value(code))
}

fn facts(root: Element<'_>, exhibit: &mut Exhibit) {
    for (name, attribute) in [
        ("ID", "ID"),
        ("issued", "IssueInstant"),
        ("destination", "Destination"),
        ("in response to", "InResponseTo"),
    ] {
        if let Some(value) = root.attribute(attribute) {
            exhibit.fact(name, value);
        }
    }
    let children = |parent: Element<'_>, name: &'static str| -> Vec<String> {
        let found = parent.descendants().filter(|element| element.is(namespace::SAML_ASSERTION, name));
        found.take(32).map(|element| element.text().trim().to_owned()).collect()
    };
    if let Some(issuer) = children(root, "Issuer").into_iter().next() {
        exhibit.fact("issuer", issuer);
    }
    for code in
        root.descendants().filter(|element| element.is(namespace::SAML_PROTOCOL, "StatusCode")).take(4)
    {
        exhibit.fact("status", code.attribute("Value").unwrap_or_default());
    }
    for audience in children(root, "Audience") {
        exhibit.fact("audience", audience);
    }
    for element in root.descendants().take(10_000) {
        match (element.namespace(), element.local_name()) {
            (namespace::SAML_ASSERTION, "SubjectConfirmationData") => {
                if let Some(recipient) = element.attribute("Recipient") {
                    exhibit.fact("recipient", recipient);
                }
            }
            (namespace::SAML_ASSERTION, "NameID") => {
                white_space("the NameID", element, exhibit);
                placeholder("the NameID", element, exhibit);
                exhibit.fact("NameID format", element.attribute("Format").unwrap_or("none"));
            }
            (namespace::SAML_ASSERTION, "Attribute") => {
                let values = element.elements().count();
                let name = element.attribute("Name").unwrap_or_default();
                exhibit.fact("attribute", counted_values(name, values));
                if name.trim() != name {
                    exhibit
                        .complaints
                        .push(padded(&format!("the name of the attribute {}", Quoted::new(name))));
                }
                for value in element.elements() {
                    let what = format!("a value of the attribute {}", Quoted::new(name));
                    white_space(&what, value, exhibit);
                    placeholder(&what, value, exhibit);
                }
            }
            (namespace::SAML_ASSERTION, "EncryptedAssertion") => exhibit.fact("assertion", "encrypted"),
            (namespace::DSIG, "SignatureMethod") => {
                let of =
                    element.parent().and_then(|info| info.parent()).and_then(|signature| signature.parent());
                let of = of.map(|signed| signed.local_name()).unwrap_or_default();
                exhibit.fact(
                    "signature",
                    format!("{of}, {}", element.attribute("Algorithm").unwrap_or_default()),
                );
            }
            (namespace::XMLENC, "EncryptionMethod") => {
                exhibit.fact("encryption", element.attribute("Algorithm").unwrap_or_default());
            }
            _ => {}
        }
    }
    if let Some(destination) = root.attribute("Destination").filter(|url| is_open(url)) {
        exhibit.complaints.push(Own::Unencrypted.about(destination));
    }
}

fn counted_values(name: &str, values: usize) -> String {
    format!("{name} ({values} {})", if values == 1 { "value" } else { "values" })
}

/// Complains about white space around an identifier. It belongs to the value, which is seldom intended.
fn white_space(what: &str, element: Element<'_>, exhibit: &mut Exhibit) {
    let has_elements = element.elements().next().is_some();
    let text = element.text();
    if !has_elements && text.trim() != text && exhibit.complaints.len() < FURTHER {
        exhibit.complaints.push(padded(what));
    }
}

/// `what` is already quoted if it comes from the message.
fn padded(what: &str) -> Complaint {
    let mut complaint = Own::WhiteSpace.about("");
    complaint.message = format!("{what} begins or ends with white space, which is part of it");
    complaint
}
