//! Checks logout messages, messages about names, and answers to artifacts by the libraries' own rules, in either
//! direction. A refusal becomes a complaint.

use chrono::{DateTime, Utc};
use vouchsafe_assertion::{
    ClaimedMessage, ConnectionId, Message as Accepted, MessageError, MessageExpectations, MessageId,
    MessageKind, OutstandingRequest, Refusal, Trust, authenticate_message,
};
use vouchsafe_metadata::{Binding, Endpoint, EntityId, IdentityProvider};
use vouchsafe_signature::{MessageParameter, explain_query, has_signature};
use vouchsafe_xml::{Document, Element, Quoted, namespace};

use super::complaint::{Complaint, Own, Told};
use super::found::Message;
use super::judge_metadata::two_descriptions;
use super::judge_signature::is_signed;
use super::request_rules::{self, Case as RuleCase};
use super::stated::{Request, issued, issuer};
use super::surroundings::Surroundings;
use super::{Doctor, Exhibit, Kind, validity, witnesses};

/// The maximum number of failed checks after the first that become complaints.
const FURTHER: usize = 8;
const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
const PARTIAL: &str = "urn:oasis:names:tc:SAML:2.0:status:PartialLogout";

pub(super) fn judge(
    doctor: &Doctor,
    document: &Document,
    kind: MessageKind,
    message: &Message,
    surroundings: &Surroundings,
    exhibit: &mut Exhibit,
) {
    let root = document.root();
    let name = issuer(root).unwrap_or_default();
    let is_ours = surroundings.our_entity_id(doctor).is_some_and(|ours| ours.as_str() == name);
    let case = Case { doctor, root, kind, message, surroundings, name, is_ours };
    case.tell_status(exhibit);
    let rules = RuleCase { root, kind: exhibit.kind, message, surroundings, doctor };
    if case.run(exhibit) {
        // The bindings have further requirements, which receivers do not enforce.
        request_rules::judge_binding(&rules, exhibit);
    } else {
        request_rules::judge(&rules, exhibit);
    }
}

/// A message with the data that it is compared with.
struct Case<'a> {
    doctor: &'a Doctor,
    root: Element<'a>,
    kind: MessageKind,
    message: &'a Message,
    surroundings: &'a Surroundings,
    /// The claimed issuer.
    name: String,
    /// Whether the issuer is this service.
    is_ours: bool,
}

impl Case<'_> {
    /// Checks the message. Returns whether every rule was applied.
    fn run(&self, exhibit: &mut Exhibit) -> bool {
        if let Some(sources) = self.surroundings.conflict(&self.name) {
            exhibit.complaints.push(two_descriptions(&self.name, &sources));
            exhibit.fact("verified", "no");
            return false;
        }
        let claimed = match self.claimed() {
            Ok(claimed) => claimed,
            Err(refusal) => {
                exhibit.complaints.push(self.complaint(&refusal));
                return false;
            }
        };
        let Some(sender) = self.sender(exhibit) else { return false };
        let connection = ConnectionId::new("doctor");
        let trust = connection.and_then(|connection| Trust::new(connection, &sender, &self.doctor.provider));
        let trust = match trust {
            Ok(trust) => trust.with_decryption_keys(self.doctor.decryption_keys.clone()),
            Err(error) => {
                exhibit.complaints.push(self.complaint(&Refusal::from(error)));
                return false;
            }
        };
        let destination = self.destination();
        self.tell_not_judged(destination.as_ref(), exhibit);
        let expectations = match self.expectations(destination.as_ref()) {
            Ok(expectations) => expectations,
            Err(refusal) => {
                exhibit.complaints.push(self.complaint(&refusal));
                return false;
            }
        };
        match self.decide(claimed, &trust, &expectations) {
            Ok(accepted) => {
                exhibit.fact("verified", format!("by {}", signer(&accepted)));
                true
            }
            Err(refusal) => self.refused(refusal, (&sender, &trust), destination.is_some(), exhibit),
        }
    }

    fn decide(
        &self,
        claimed: ClaimedMessage,
        trust: &Trust,
        expectations: &MessageExpectations,
    ) -> Result<Accepted, Refusal> {
        let authentic = authenticate_message(claimed, trust, &self.doctor.limits)?;
        let valid = authentic.read()?.validate(expectations, self.now())?;
        // Each message is examined on its own, so it counts as new.
        let recorded = valid.replay_key().recorded(true);
        valid.confirm(recorded)
    }

    /// Reports a refusal. Returns whether every rule was applied before it.
    fn refused(
        &self,
        refusal: Refusal,
        (sender, trust): (&IdentityProvider, &Trust),
        is_destination_told: bool,
        exhibit: &mut Exhibit,
    ) -> bool {
        let refusal = self.compared(self.looked_into(refusal, sender, trust));
        let is_about_signature =
            ["signature.", "crypto.", "message.unsigned"].iter().any(|part| refusal.code().starts_with(part));
        exhibit.fact("verified", if is_about_signature { "no" } else { "yes" });
        let is_closed = refusal.code() == "encryption.no_decryption_key";
        if is_closed {
            exhibit.complaints.push(Own::CannotOpen.about(""));
            return false;
        }
        let judges = |code: &str| code != "message.destination" || is_destination_told;
        let decided = refusal.check();
        let further =
            refusal.ledger().failed().filter(|check| Some(*check) != decided).take(FURTHER).map(|check| {
                let (wanted, found) = (check.expected_text(), check.actual_text());
                let message = format!(
                    "{} failed too: expected {}, found {}",
                    check.rule(),
                    Quoted::new(&wanted),
                    Quoted::new(&found)
                );
                let code = check.code().unwrap_or(Own::AlsoFailed.code());
                Complaint::error(
                    code,
                    message,
                    self.remedy(code, check.hint().unwrap_or("Look at the rule's clause.")),
                )
            });
        let all = std::iter::once(self.complaint(&refusal)).chain(further);
        exhibit.complaints.extend(all.filter(|complaint| judges(&complaint.code)));
        refusal.ledger().check("message.destination").is_some()
    }

    /// Adds the cause of a failed signature, if it is found.
    fn looked_into(&self, refusal: Refusal, sender: &IdentityProvider, trust: &Trust) -> Refusal {
        if !refusal.code().starts_with("signature.") {
            return refusal;
        }
        if let Some(query) = self.message.query.as_deref().filter(|query| !is_signed(query)) {
            let has_algorithm = !crate::form::values(query.as_bytes(), "SigAlg").is_empty();
            let found = if has_algorithm {
                "it has SigAlg and no Signature"
            } else {
                "it has Signature and no SigAlg"
            };
            let hint = "Have the sender sign the query (Okta: \"Enable Single Logout\" with a Signature Certificate): logout messages by HTTP-Redirect are always \
                        signed. If it was, give the address with its whole query.";
            return refusal.caused_by(format!("the query is not signed: {found}"), hint);
        }
        if let Some(query) = &self.message.query {
            return match explain_query(query, trust.keys(), &self.doctor.provider) {
                Some(found) => refusal
                    .caused_by(format!("the signature of the query {}", found.description()), found.hint()),
                None => refusal,
            };
        }
        if !self.surroundings.one_more_autopsy() {
            return refusal;
        }
        let found =
            witnesses::post_mortem(self.doctor, self.surroundings, (sender, trust), &self.message.bytes);
        witnesses::with_cause(refusal, &found, self.surroundings)
    }

    fn claimed(&self) -> Result<ClaimedMessage, Refusal> {
        let Message { envelope, query, signed_form, bytes, field, .. } = self.message;
        let limits = &self.doctor.limits;
        if let Some(envelope) = envelope {
            return ClaimedMessage::in_soap(envelope, limits);
        }
        if let Some(query) = query {
            return ClaimedMessage::in_query(query, limits);
        }
        if let Some(fields) = signed_form {
            return ClaimedMessage::in_form(fields.clone(), limits);
        }
        let parameter = match field {
            Some(name) if *name == MessageParameter::Request.name() => MessageParameter::Request,
            Some(name) if self.message.wrapping != "base64" && *name == MessageParameter::Response.name() => {
                MessageParameter::Response
            }
            _ => self.kind.parameter(),
        };
        ClaimedMessage::posted(parameter, bytes, None, limits)
    }

    /// Returns the sender with its keys: from metadata among the files, otherwise from certificates among them. If
    /// there are none, this is reported, or that nothing is signed.
    fn sender(&self, exhibit: &mut Exhibit) -> Option<IdentityProvider> {
        let entity_id = EntityId::new(self.name.as_str()).ok();
        if self.name.is_empty() {
            let message = format!("{}/Issuer: expected the sender's entity ID, found none", self.kind);
            let remedy = "Have the sender name itself by its entity ID in Issuer: without one nobody knows whose key to use.";
            exhibit.complaints.push(Complaint::error("message.issuer", message, remedy));
            return None;
        }
        match entity_id.as_ref().and_then(|id| self.surroundings.identity_provider(id)) {
            Some(Ok(known)) => {
                validity::tell(known, self.now(), self.doctor, exhibit);
                return Some(known.clone());
            }
            Some(Err(error)) if !self.is_ours => {
                exhibit.complaints.push(Complaint::error(error.code(), error.to_string(), error.hint()));
                return None;
            }
            _ => {}
        }
        let own =
            self.surroundings.signing_keys(&self.name).iter().filter_map(|key| key.certificate().cloned());
        let handed_over = self.surroundings.certificates().iter().map(|(_, certificate)| certificate.clone());
        let keys: Vec<_> = own.collect();
        let is_described = !keys.is_empty();
        let known = witnesses::with_certificates(entity_id.as_ref(), keys.into_iter().chain(handed_over));
        if known.is_none() && !self.is_signed() {
            exhibit.complaints.push(self.complaint(&Refusal::new(MessageError::unsigned(self.kind).into())));
        }
        let is_unknown =
            !is_described && !self.is_ours && self.surroundings.identity_providers().next().is_some();
        if is_unknown {
            let unknown = Refusal::unknown_issuer(self.name.as_str(), self.surroundings.identity_providers());
            exhibit.complaints.push(self.complaint(&unknown));
        }
        if known.is_none() && self.is_signed() {
            let name = Quoted::new(&self.name);
            exhibit.fact(
                "verified",
                format!("not tried: neither a usable key of {name} nor a certificate among the files"),
            );
        }
        known
    }

    fn is_signed(&self) -> bool {
        has_signature(self.root)
            || self.message.signed_form.is_some()
            || self.message.query.as_deref().is_some_and(is_signed)
    }

    fn expectations(&self, destination: Option<&Told>) -> Result<MessageExpectations, Refusal> {
        let claimed = self.root.attribute("Destination").map(str::trim).unwrap_or_default();
        let received_at = destination.map_or(claimed, Told::as_str);
        let us = EntityId::new("urn:unknown").map_err(vouchsafe_assertion::AssertionError::from)?;
        let expectations = MessageExpectations::new(us, received_at);
        let Some(asked) = self.asked() else { return Ok(expectations) };
        Ok(expectations.answering(asked?))
    }

    /// Returns the request among the files that an answer must name.
    fn beside(&self) -> Option<&Request> {
        let kind = match self.kind {
            MessageKind::LogoutResponse => Kind::LogoutRequest,
            MessageKind::ManageNameIdResponse => Kind::ManageNameIdRequest,
            MessageKind::ArtifactResponse => Kind::ArtifactResolve,
            _ => return None,
        };
        let named = self.root.attribute("InResponseTo");
        self.surroundings.asked(kind, named, self.message.step.is_some())
    }

    /// Returns the request that an answer must name. If it is not among the files, the request that the answer names
    /// is used, and is therefore not checked.
    fn asked(&self) -> Option<Result<OutstandingRequest, Refusal>> {
        if self.kind.is_request() {
            return None;
        }
        let named = self.root.attribute("InResponseTo").unwrap_or("none");
        let (id, issued_at) = match self.beside() {
            Some(request) => (request.id.as_str(), request.issued_at),
            None => (named, None),
        };
        let id = MessageId::new(id).map_err(Refusal::from);
        Some(id.map(|id| match issued_at {
            Some(issued_at) => OutstandingRequest::new(id, issued_at),
            None => OutstandingRequest::issued_at_unknown_time(id),
        }))
    }

    fn tell_not_judged(&self, destination: Option<&Told>, exhibit: &mut Exhibit) {
        if destination.is_none() && self.kind != MessageKind::ArtifactResponse {
            exhibit.complaints.push(Own::NotCompared.about("Destination"));
        }
        if self.doctor.judged_at.is_none() && self.message.time.is_none() {
            exhibit.not_judged.push("the times");
        }
        if !self.kind.is_request() && self.beside().is_none() {
            exhibit.not_judged.push("which request it answers");
        }
    }

    /// Returns the address to which the message must be sent, by the metadata of its receiver.
    fn destination(&self) -> Option<Told> {
        let element = match self.kind {
            MessageKind::LogoutRequest | MessageKind::LogoutResponse => "SingleLogoutService",
            MessageKind::ManageNameIdRequest | MessageKind::ManageNameIdResponse => "ManageNameIDService",
            _ => return None,
        };
        if let Some(told) = self.doctor.single_logout.as_ref().filter(|_| !self.is_ours) {
            return Some(Told::new(told));
        }
        let address = |endpoint: &Endpoint| {
            let address =
                if self.kind.is_request() { endpoint.location() } else { endpoint.location_of_responses() };
            address.to_owned()
        };
        let destination = self.root.attribute("Destination").map(str::trim);
        let endpoints: Vec<&Endpoint> = if self.is_ours {
            let only = self.surroundings.only_identity_provider();
            let all: Vec<_> = self.surroundings.endpoints_of_identity_providers(element).collect();
            let is_meant = |name: &str| only.as_ref().is_some_and(|only| only.as_str() == name);
            let named = all.iter().find(|(_, endpoint)| Some(address(endpoint).as_str()) == destination);
            let name = named.map(|(name, _)| *name);
            all.iter()
                .filter(|(one, _)| name.map_or_else(|| is_meant(one), |name| name == *one))
                .map(|(_, endpoint)| *endpoint)
                .collect()
        } else {
            self.surroundings.our_endpoints(self.doctor, element)
        };
        let of_binding = |endpoint: &&&Endpoint| *endpoint.binding() == self.binding();
        let named = endpoints.iter().find(|endpoint| Some(address(endpoint).as_str()) == destination);
        let meant = named.or_else(|| endpoints.iter().find(of_binding)).or(endpoints.first())?;
        Some(Told::new(address(meant)))
    }

    fn binding(&self) -> Binding {
        match (&self.message.envelope, &self.message.query) {
            (Some(_), _) => Binding::Soap,
            (_, Some(_)) => Binding::HttpRedirect,
            _ => Binding::HttpPost,
        }
    }

    fn now(&self) -> DateTime<Utc> {
        let Doctor { judged_at, now, .. } = self.doctor;
        judged_at.or(self.message.time).or_else(|| issued(self.root)).unwrap_or(*now)
    }

    /// Reports the status of an answer. A status is no reason to refuse the answer.
    fn tell_status(&self, exhibit: &mut Exhibit) {
        let codes: Vec<&str> = self
            .root
            .elements()
            .filter(|child| child.is(namespace::SAML_PROTOCOL, "Status"))
            .flat_map(Element::descendants)
            .filter(|element| element.is(namespace::SAML_PROTOCOL, "StatusCode"))
            .filter_map(|code| code.attribute("Value"))
            .take(4)
            .collect();
        for code in &codes {
            exhibit.fact("status", *code);
        }
        let Some(first) = codes.first() else { return };
        let who = if self.is_ours { "this service" } else { "the identity provider" };
        if codes.contains(&PARTIAL) {
            let mut complaint = Own::PartialLogout.about("");
            complaint.message = format!("a partial logout: {who} could not end all sessions of the person");
            exhibit.complaints.push(complaint);
        } else if *first != SUCCESS {
            let shown: Vec<String> = codes.iter().map(|code| Quoted::new(code).to_string()).collect();
            let message = format!("{who} answered {}{}", shown.join(" / "), status_message(self.root));
            exhibit.complaints.push(Complaint::error(
                Own::AnsweredNo.code(),
                message,
                remedy_of_status(&codes),
            ));
        }
    }

    fn complaint(&self, refusal: &Refusal) -> Complaint {
        Complaint::error(refusal.code(), refusal.to_string(), self.remedy(refusal.code(), refusal.hint()))
    }

    /// Adds to the refusal which values were mixed up, if our own addresses are known.
    fn compared(&self, refusal: Refusal) -> Refusal {
        if self.is_ours {
            return refusal;
        }
        let ours = self.surroundings.our_entity_id(self.doctor);
        let consumer =
            self.surroundings.our_assertion_consumer(self.doctor, self.root.attribute("Destination"));
        let text =
            |told: &Option<Told>| told.as_ref().map(|told| told.as_str().to_owned()).unwrap_or_default();
        refusal.compared_with_us(&text(&ours), &text(&consumer))
    }

    /// Returns what to change if the message is ours. The hints of the libraries are about messages of others.
    fn remedy(&self, code: &str, hint: &'static str) -> &'static str {
        if code == "message.unsigned" && self.message.wrapping == "XML" {
            return "If it came by HTTP-Redirect, its signature is in the query: give the whole address. Otherwise have its sender sign it (Okta: \
                    \"Enable Single Logout\" with a Signature Certificate): logout messages are always signed.";
        }
        if !self.is_ours {
            return hint;
        }
        match code {
            "message.unsigned" => {
                "Configure a signing key here (signing_key): identity providers refuse logout messages without a signature."
            }
            "message.destination" => {
                "Send it to the address that the identity provider's metadata has for it; load that metadata again if the address changed."
            }
            "message.name_id" => {
                "Send the NameID of the assertion whole, byte for byte, with its Format and qualifiers."
            }
            "message.issue_instant" | "message.expired" => {
                "Synchronise the clock of this service (NTP), and send a message soon after it is made."
            }
            "signature.not_verified" | "signature.no_fitting_key" => {
                "Another key signs than the one in our metadata: give the identity provider the certificate of the key that signs here."
            }
            _ => hint,
        }
    }
}

fn signer(accepted: &Accepted) -> &str {
    match accepted {
        Accepted::LogoutRequest(message) => message.evidence().key_label(),
        Accepted::LogoutResponse(answer) | Accepted::ManageNameIdResponse(answer) => {
            answer.evidence().key_label()
        }
        Accepted::ManageNameIdRequest(message) => message.evidence().key_label(),
        Accepted::ArtifactResponse(answer) => answer.evidence().key_label(),
        _ => "a trusted key",
    }
}

fn status_message(root: Element<'_>) -> String {
    let text = root.descendants().find(|element| element.is(namespace::SAML_PROTOCOL, "StatusMessage"));
    text.map(|text| format!(": {}", Quoted::new(text.text().trim()))).unwrap_or_default()
}

/// Returns the remedy of the innermost known code, which is the most specific.
fn remedy_of_status(codes: &[&str]) -> &'static str {
    let known =
        codes.iter().rev().filter_map(|code| code.strip_prefix("urn:oasis:names:tc:SAML:2.0:status:"));
    for code in known {
        return match code {
            "UnknownPrincipal" => {
                "The receiver knows no session of that NameID: send the NameID of the assertion whole, with Format and qualifiers, and the SessionIndex as \
                 it came."
            }
            "RequestDenied" | "Requester" => {
                "The receiver rejects the request as invalid: compare there this service's entity ID, its single logout address and the certificate that its \
                 messages are verified with (Okta: \"Single Logout\", its \"SP Issuer\" and \"Signature Certificate\")."
            }
            "RequestUnsupported" | "UnsupportedBinding" => {
                "The receiver does not take this message: look whether single logout is switched on there, and by which binding."
            }
            "VersionMismatch" => "Create the application as SAML 2.0 at the identity provider, not SAML 1.1.",
            _ => continue,
        };
    }
    "The session there may go on; the receiver's own log says why (Okta: Reports, System Log). The person is signed out here all the same."
}
