//! The values that a response must agree with: those that the operator gave, or otherwise those in the message
//! itself.

use chrono::{DateTime, Utc};
use vouchsafe_assertion::{
    AssertionError, Claimed, Correlation, Expectations, MessageId, OutstandingRequest, Refusal,
};
use vouchsafe_metadata::EntityId;
use vouchsafe_xml::{Element, Quoted, namespace};

use super::complaint::{Complaint, Own, Told};
use super::found::Message;
use super::stated::{has_encrypted_assertion, issued};
use super::surroundings::Surroundings;
use super::{Doctor, Exhibit, Kind};

/// The values that the response must agree with.
#[derive(Clone, Debug)]
pub(super) struct Expected {
    entity_id: Known,
    assertion_consumer: Known,
    correlation: Asked,
    pub(super) now: DateTime<Utc>,
    /// Whether the assertion, and the audience in it, is encrypted and cannot be read.
    encrypted: bool,
}

/// The request that the response must answer.
#[derive(Clone, Debug)]
enum Asked {
    /// A request among the files, with the time when it was issued.
    Beside(String, Option<DateTime<Utc>>),
    /// The request that the response names, which is therefore not checked; `None` if it names none.
    Claimed(Option<String>),
}

/// The origin of a value. A message is compared only with values that the operator gave.
#[derive(Clone, Debug)]
enum Known {
    Told(Told),
    /// The value in the message itself, which is therefore not checked.
    Claimed(String),
}

impl Known {
    fn of(told: Option<Told>, claimed: Option<String>) -> Known {
        told.map_or_else(|| Known::Claimed(claimed.unwrap_or_default()), Known::Told)
    }

    fn told(&self) -> Option<&Told> {
        match self {
            Known::Told(told) => Some(told),
            Known::Claimed(_) => None,
        }
    }

    fn as_str(&self) -> &str {
        match self {
            Known::Told(told) => told.as_str(),
            Known::Claimed(claimed) => claimed,
        }
    }
}

impl Expected {
    pub(super) fn of(
        doctor: &Doctor,
        root: Element<'_>,
        claimed: &Claimed,
        message: &Message,
        surroundings: &Surroundings,
    ) -> Expected {
        let destination = destination(root);
        let named = claimed.in_response_to();
        let is_ours = !surroundings.is_of_another_service(doctor, sent_to(root, message), named);
        let entity_id = surroundings.our_entity_id(doctor).filter(|_| is_ours);
        let told = surroundings.our_assertion_consumer(doctor, destination.as_deref()).filter(|_| is_ours);
        let beside = surroundings.asked(Kind::AuthnRequest, named, message.step.is_some());
        let correlation = match beside {
            Some(request) => Asked::Beside(request.id.clone(), request.issued_at),
            None => Asked::Claimed(named.map(str::to_owned)),
        };
        Expected {
            entity_id: Known::of(entity_id, audiences(root).next()),
            assertion_consumer: Known::of(told, destination.or_else(|| recipient(root))),
            correlation,
            now: doctor.judged_at.or(message.time).or_else(|| issued(root)).unwrap_or(doctor.now),
            encrypted: has_encrypted_assertion(root),
        }
    }

    /// Reports what is not checked because the operator did not give the right values, and where the messages
    /// disagree with each other.
    pub(super) fn tell(
        &self,
        root: Element<'_>,
        message: &Message,
        surroundings: &Surroundings,
        exhibit: &mut Exhibit,
    ) {
        let request = match &self.correlation {
            Asked::Beside(id, _) => surroundings.request(id),
            Asked::Claimed(Some(_)) => {
                exhibit.not_judged.push("which request it answers");
                None
            }
            Asked::Claimed(None) => {
                exhibit.not_judged.push("whether it was asked for");
                None
            }
        };
        let mut not_compared = Vec::new();
        if self.entity_id.told().is_none() {
            not_compared.push("Audience");
            let asked = request.and_then(|request| request.issuer.as_deref());
            let mut audiences = audiences(root).peekable();
            if let (Some(asked), Some(first)) = (asked, audiences.peek().cloned())
                && !audiences.any(|audience| audience == asked)
            {
                exhibit.complaints.push(disagreement("Audience", &first, "Issuer of the request", asked));
            }
        }
        if self.assertion_consumer.told().is_none() {
            not_compared.extend(["Destination", "Recipient"]);
            let asked = request.and_then(|request| request.consumer.as_deref());
            let (destination, recipient) = (destination(root), recipient(root));
            let named = destination.as_deref().map(|text| ("Destination", text));
            let named = named.or(recipient.as_deref().map(|text| ("Recipient", text)));
            for (what, other) in [
                ("Recipient", recipient.as_deref()),
                ("address that it was posted to", message.address.as_deref()),
                ("AssertionConsumerServiceURL of the request", asked),
            ] {
                if let (Some((name, text)), Some(other)) = (named, other)
                    && text != other
                {
                    exhibit.complaints.push(disagreement(name, text, what, other));
                }
            }
        }
        if !not_compared.is_empty() {
            exhibit.complaints.push(Own::NotCompared.about(&not_compared.join(", ")));
        }
    }

    /// Returns whether this is the entity ID of this service, as the operator gave it.
    pub(super) fn is_our_name(&self, name: &str) -> bool {
        self.entity_id.told().is_some_and(|told| told.as_str() == name)
    }

    pub(super) fn is_entity_id_told(&self) -> bool {
        self.entity_id.told().is_some()
    }

    /// Uses the entity ID in the message as ours, so that it is not checked.
    pub(super) fn claim_entity_id(&mut self, claimed: String) {
        self.entity_id = Known::Claimed(claimed);
    }

    /// Returns whether a code is about a value that the operator gave, or that the message lacks.
    pub(super) fn judges(&self, code: &str) -> bool {
        let known = match code {
            "assertion.audience" => &self.entity_id,
            "assertion.recipient" | "assertion.destination" => &self.assertion_consumer,
            _ => return true,
        };
        known.told().is_some() || (known.as_str().is_empty() && !self.encrypted)
    }

    pub(super) fn expectations(&self) -> Result<Expectations, Refusal> {
        let unknown = |id: &str| MessageId::new(id).map(OutstandingRequest::issued_at_unknown_time);
        let correlation = match &self.correlation {
            Asked::Beside(id, Some(issued_at)) => {
                Correlation::Reply(OutstandingRequest::new(MessageId::new(id.as_str())?, *issued_at))
            }
            Asked::Beside(id, None) | Asked::Claimed(Some(id)) => Correlation::Reply(unknown(id)?),
            Asked::Claimed(None) => Correlation::Unsolicited,
        };
        let name = if self.entity_id.as_str().is_empty() { "urn:unknown" } else { self.entity_id.as_str() };
        let entity_id = EntityId::new(name).map_err(AssertionError::from)?;
        Ok(Expectations::new(entity_id, self.assertion_consumer.as_str(), correlation))
    }

    /// Adds to the refusal which values were mixed up, if our own entity ID or address is known.
    pub(super) fn compared(&self, refusal: Refusal) -> Refusal {
        let told = |known: &Known| known.told().map(|told| told.as_str().to_owned()).unwrap_or_default();
        refusal.compared_with_us(&told(&self.entity_id), &told(&self.assertion_consumer))
    }

    /// Returns the value that the setting of an error must have.
    pub(super) fn value(&self, code: &str) -> Option<&Told> {
        match code {
            "assertion.audience" => self.entity_id.told(),
            "assertion.recipient" | "assertion.destination" => self.assertion_consumer.told(),
            _ => None,
        }
    }
}

/// Complains about two values that should be equal. The messages do not show which of them is right.
fn disagreement(one: &str, text: &str, other: &str, other_text: &str) -> Complaint {
    let mut complaint = Own::Disagreement.about("");
    complaint.message =
        format!("the {one} is {}, and the {other} is {}", Quoted::new(text), Quoted::new(other_text));
    complaint
}

fn destination(root: Element<'_>) -> Option<String> {
    root.attribute("Destination").map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Returns the address to which a message should be sent, or to which it was sent.
pub(super) fn sent_to<'a>(root: Element<'a>, message: &'a Message) -> Option<&'a str> {
    root.attribute("Destination")
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .or(message.address.as_deref())
}

fn recipient(root: Element<'_>) -> Option<String> {
    let mut all = root.descendants();
    let data = all.find(|element| element.is(namespace::SAML_ASSERTION, "SubjectConfirmationData"))?;
    data.attribute("Recipient").map(str::to_owned)
}

fn audiences(root: Element<'_>) -> impl Iterator<Item = String> {
    let all = root.descendants().filter(|element| element.is(namespace::SAML_ASSERTION, "Audience"));
    all.map(|element| element.text().trim().to_owned())
}
