//! What requests and logout messages must have (saml-core-2.0-os 3.2.1, saml-bindings-2.0-os 3.4 and 3.5): one function a rule.

use chrono::DateTime;
use vouchsafe_signature::has_signature;
use vouchsafe_xml::{Element, Quoted};

use super::complaint::{Complaint, Severity};
use super::recognise::Message;
use super::surroundings::Told;
use super::{Exhibit, Kind};

const HTTP_POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
const HTTP_REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";

/// A message, and what is known around it.
pub(super) struct Case<'a> {
    pub(super) root: Element<'a>,
    pub(super) kind: Kind,
    pub(super) message: &'a Message,
    /// Our assertion consumer, if the operator told it and the request is ours.
    pub(super) assertion_consumer: Option<Told>,
}

/// What is wrong with a request or a logout message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Id,
    Version,
    Time,
    Destination,
    Binding,
    SignaturePlace,
    Consumer,
}

impl Fault {
    fn code(self) -> &'static str {
        match self {
            Self::Id => "doctor.message_id",
            Self::Version => "doctor.message_version",
            Self::Time => "doctor.message_time",
            Self::Destination => "doctor.message_destination",
            Self::Binding => "doctor.request_binding",
            Self::SignaturePlace => "doctor.signature_place",
            Self::Consumer => "doctor.request_consumer",
        }
    }

    fn told(self, message: impl Into<String>, remedy: impl Into<String>) -> Complaint {
        let severity = if self == Self::Destination { Severity::Warning } else { Severity::Error };
        Complaint::new(severity, self.code(), message, remedy)
    }
}

type Rule = fn(&Case<'_>) -> Option<Complaint>;

const RULES: &[Rule] = &[
    id_is_a_name,
    version_is_2,
    issue_instant_is_a_time_in_utc,
    signed_message_has_a_destination,
    answer_comes_by_post,
    signature_stands_in_the_query,
    consumer_is_ours,
    consumer_is_named_once,
];

/// Holds a message against every rule.
pub(super) fn judge(case: &Case<'_>, exhibit: &mut Exhibit) {
    exhibit.complaints.extend(RULES.iter().filter_map(|rule| rule(case)));
}

/// An xs:ID, which is an NCName: it begins with a letter or an underscore (saml-core-2.0-os 1.3.4).
fn id_is_a_name(case: &Case<'_>) -> Option<Complaint> {
    let id = case.root.attribute("ID").unwrap_or_default();
    let begins = id.starts_with(|first: char| first.is_alphabetic() || first == '_');
    let is_allowed = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.');
    let wrong = id.chars().find(|letter| !is_allowed(*letter));
    let name = Quoted::new(id);
    let message = match wrong {
        _ if id.is_empty() => "the ID is missing or empty".to_owned(),
        Some(letter) => {
            format!("the ID {name} is no NCName: {} must not be in it", Quoted::new(&letter.to_string()))
        }
        None if !begins => {
            format!("the ID {name} is no NCName: it must begin with a letter or an underscore")
        }
        None => return None,
    };
    let remedy = "Have the sender make the ID of letters, digits, \"_\", \"-\" and \".\", and begin it with an underscore or a letter. Entra ID and \
                  pysaml2 refuse others.";
    Some(Fault::Id.told(message, remedy))
}

fn version_is_2(case: &Case<'_>) -> Option<Complaint> {
    let version = case.root.attribute("Version").unwrap_or_default();
    (version != "2.0").then(|| {
        Fault::Version.told(
            format!("the Version is {}; expected “2.0”", Quoted::new(version)),
            "Have the sender write Version=\"2.0\".",
        )
    })
}

/// An xs:dateTime in UTC (saml-core-2.0-os 1.3.3).
fn issue_instant_is_a_time_in_utc(case: &Case<'_>) -> Option<Complaint> {
    let text = case.root.attribute("IssueInstant").unwrap_or_default();
    let is_utc = DateTime::parse_from_rfc3339(text).is_ok() && text.ends_with('Z');
    (!is_utc).then(|| {
        Fault::Time.told(
            format!("the IssueInstant {} is no xs:dateTime in UTC, which ends with Z", Quoted::new(text)),
            "Have the sender write the time in UTC, with two digits each and a Z at the end, such as 2026-01-01T00:00:00Z.",
        )
    })
}

/// saml-bindings-2.0-os 3.4.5.2 and 3.5.5.2.
fn signed_message_has_a_destination(case: &Case<'_>) -> Option<Complaint> {
    let signed = has_signature(case.root) || case.message.query.as_deref().is_some_and(super::is_signed);
    (signed && case.root.attribute("Destination").is_none()).then(|| {
        Fault::Destination.told(
            "a signed message without Destination",
            "Have the sender name the address in Destination: a signed message must have it (SAML Bindings 3.4.5.2).",
        )
    })
}

/// saml-profiles-2.0-os 4.1.2: a Response never comes by redirect.
fn answer_comes_by_post(case: &Case<'_>) -> Option<Complaint> {
    let binding = case.root.attribute("ProtocolBinding").filter(|_| case.kind == Kind::AuthnRequest)?;
    (binding == HTTP_REDIRECT || !binding.starts_with("urn:oasis:names:tc:SAML:2.0:bindings:")).then(|| {
        Fault::Binding.told(
            format!("the answer is asked for by {}", Quoted::new(binding)),
            format!("Ask for the answer by {HTTP_POST}: HTTP-Redirect must not carry a Response (SAML Profiles 4.1.2)."),
        )
    })
}

/// saml-bindings-2.0-os 3.4.4.1: the signature of a message that goes by redirect stands in the query.
fn signature_stands_in_the_query(case: &Case<'_>) -> Option<Complaint> {
    let by_redirect = case.message.query.is_some();
    (by_redirect && has_signature(case.root)).then(|| {
        Fault::SignaturePlace.told(
            "the message came by HTTP-Redirect and has its signature in the XML",
            "Have the sender remove the signature from the XML and sign the query (SAML Bindings 3.4.4.1).",
        )
    })
}

fn consumer_is_ours(case: &Case<'_>) -> Option<Complaint> {
    let ours = case.assertion_consumer.as_ref()?;
    let asked =
        case.root.attribute("AssertionConsumerServiceURL").filter(|_| case.kind == Kind::AuthnRequest)?;
    (asked != ours.as_str()).then(|| {
        Fault::Consumer.told(
            format!(
                "the request asks for the answer at {}; our assertion consumer is {}",
                Quoted::new(asked),
                Quoted::new(ours.as_str())
            ),
            "Configure the same address here and at the identity provider, which refuses addresses that it does not know.",
        )
    })
}

/// saml-core-2.0-os 3.4.1: an address or an index.
fn consumer_is_named_once(case: &Case<'_>) -> Option<Complaint> {
    let has = |name| case.root.attribute(name).is_some();
    let by_address = has("AssertionConsumerServiceURL") || has("ProtocolBinding");
    (by_address && has("AssertionConsumerServiceIndex")).then(|| {
        Fault::Consumer.told(
            "the request names its assertion consumer by an address or binding and by an index as well",
            "Have the sender name it in one way (SAML Core 3.4.1).",
        )
    })
}
