//! The rules for requests and logout messages (saml-core-2.0-os 3.2.1, saml-bindings-2.0-os 3.4 and 3.5), one
//! function for each rule.

use chrono::DateTime;
use vouchsafe_assertion::only_difference;
use vouchsafe_metadata::{Binding, Endpoint, EntityId, IdentityProvider};
use vouchsafe_signature::has_signature;
use vouchsafe_xml::{Element, Quoted, namespace};

use super::address::{host, without_query};
use super::complaint::{Complaint, Own, Severity, Told};
use super::found::Message;
use super::judge_signature::is_signed;
use super::stated::issuer;
use super::surroundings::Surroundings;
use super::{Doctor, Exhibit, Kind};

const HTTP_POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
const HTTP_REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";

/// A message, with the data known from the other files.
pub(super) struct Case<'a> {
    pub(super) root: Element<'a>,
    pub(super) kind: Kind,
    pub(super) message: &'a Message,
    pub(super) surroundings: &'a Surroundings,
    pub(super) doctor: &'a Doctor,
}

impl Case<'_> {
    fn is_sign_in(&self) -> bool {
        self.kind == Kind::AuthnRequest
    }

    fn attribute(&self, name: &str) -> Option<&str> {
        self.root.attribute(name).map(str::trim)
    }

    /// Returns our assertion consumer, if the operator gave it and the request is ours.
    fn our_consumer(&self) -> Option<Told> {
        let ours = self.surroundings.our_entity_id(self.doctor)?;
        (issuer(self.root).as_deref() == Some(ours.as_str())).then_some(())?;
        let asked = self.attribute("AssertionConsumerServiceURL");
        self.surroundings.our_assertion_consumer(self.doctor, asked)
    }

    /// Returns whether it is a recorded request of another service: its answer goes to another host than ours.
    fn is_of_another_service(&self) -> bool {
        let asked = self.attribute("AssertionConsumerServiceURL");
        let ours = self.surroundings.our_assertion_consumer(self.doctor, asked);
        let is_elsewhere = asked.zip(ours).is_some_and(|(asked, ours)| host(asked) != host(ours.as_str()));
        self.message.step.is_some() && is_elsewhere
    }

    fn is_signed(&self) -> bool {
        has_signature(self.root)
            || self.message.signed_form.is_some()
            || self.message.query.as_deref().is_some_and(is_signed)
    }

    /// Returns the binding by which it came, if that is known.
    fn binding(&self) -> Option<Binding> {
        match self.message.wrapping {
            "HTTP-Redirect" => Some(Binding::HttpRedirect),
            "HTTP-POST" => Some(Binding::HttpPost),
            "SOAP" => Some(Binding::Soap),
            _ => None,
        }
    }
}

/// A fault of a request or a logout message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Id,
    Version,
    Time,
    Destination,
    Binding,
    SignaturePlace,
    Consumer,
    Issuer,
    SingleSignOn,
    Unsigned,
    NameIdFormat,
    OtherAddress,
    NoLogout,
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
            Self::Issuer => "doctor.request_issuer",
            Self::SingleSignOn => "doctor.request_destination",
            Self::Unsigned => "doctor.request_unsigned",
            Self::NameIdFormat => "doctor.request_name_id_format",
            Self::OtherAddress => "doctor.request_sent_elsewhere",
            Self::NoLogout => "doctor.logout_not_offered",
        }
    }

    fn told(self, message: impl Into<String>, remedy: impl Into<String>) -> Complaint {
        let severity = match self {
            Self::Destination | Self::NameIdFormat | Self::NoLogout => Severity::Warning,
            _ => Severity::Error,
        };
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
    issuer_is_there,
    issuer_is_ours,
    destination_is_theirs,
    it_went_where_it_was_meant_to_go,
    logout_is_offered,
    it_is_signed_where_that_is_wanted,
    name_id_format_is_offered,
    consumer_is_ours,
    consumer_is_named_once,
];

/// The rules of the bindings that a receiver does not enforce.
const OF_BINDINGS: &[Rule] =
    &[signed_message_has_a_destination, signature_stands_in_the_query, logout_is_offered];

/// Checks a message by the rules of the bindings, after the rules of its receiver were applied.
pub(super) fn judge_binding(case: &Case<'_>, exhibit: &mut Exhibit) {
    exhibit.complaints.extend(OF_BINDINGS.iter().filter_map(|rule| rule(case)));
}

/// Checks a message by every rule.
pub(super) fn judge(case: &Case<'_>, exhibit: &mut Exhibit) {
    exhibit.complaints.extend(RULES.iter().filter_map(|rule| rule(case)));
}

/// The ID must be an xs:ID, which is an NCName: it begins with a letter or an underscore (saml-core-2.0-os 1.3.4).
fn id_is_a_name(case: &Case<'_>) -> Option<Complaint> {
    let id = case.root.attribute("ID").unwrap_or_default();
    let begins = id.starts_with(|first: char| first.is_alphabetic() || first == '_');
    let is_allowed = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.');
    let wrong = id.chars().find(|letter| !is_allowed(*letter));
    let name = Quoted::new(id);
    let message = match wrong {
        _ if id.is_empty() => "the ID is missing or empty".to_owned(),
        Some(letter) => {
            format!("the ID {name} is not an NCName: {} must not be in it", Quoted::new(&letter.to_string()))
        }
        None if !begins => {
            format!("the ID {name} is not an NCName: it must begin with a letter or an underscore")
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

/// The IssueInstant must be an xs:dateTime in UTC (saml-core-2.0-os 1.3.3).
fn issue_instant_is_a_time_in_utc(case: &Case<'_>) -> Option<Complaint> {
    let text = case.root.attribute("IssueInstant").unwrap_or_default();
    let is_utc = DateTime::parse_from_rfc3339(text).is_ok() && text.ends_with('Z');
    (!is_utc).then(|| {
        Fault::Time.told(
            format!("the IssueInstant {} is not an xs:dateTime in UTC, which ends with Z", Quoted::new(text)),
            "Have the sender write the time in UTC, with two digits each and a Z at the end, such as 2026-01-01T00:00:00Z.",
        )
    })
}

/// A signed message that a browser carries must have a Destination (saml-bindings-2.0-os 3.4.5.2 and 3.5.5.2).
fn signed_message_has_a_destination(case: &Case<'_>) -> Option<Complaint> {
    let by_browser = case.message.envelope.is_none();
    (by_browser && case.is_signed() && case.root.attribute("Destination").is_none()).then(|| {
        Fault::Destination.told(
            "a signed message without Destination",
            "Have the sender name the address in Destination: a signed message must have it (SAML Bindings 3.4.5.2).",
        )
    })
}

/// A Response must not travel by redirect (saml-profiles-2.0-os 4.1.2).
fn answer_comes_by_post(case: &Case<'_>) -> Option<Complaint> {
    let binding = case.root.attribute("ProtocolBinding").filter(|_| case.kind == Kind::AuthnRequest)?;
    (binding == HTTP_REDIRECT || !binding.starts_with("urn:oasis:names:tc:SAML:2.0:bindings:")).then(|| {
        Fault::Binding.told(
            format!("the answer is asked for by {}", Quoted::new(binding)),
            format!("Ask for the answer by {HTTP_POST}: HTTP-Redirect must not carry a Response (SAML Profiles 4.1.2)."),
        )
    })
}

/// The signature of a message that goes by redirect must be in the query (saml-bindings-2.0-os 3.4.4.1).
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
    let ours = case.our_consumer()?;
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

/// The assertion consumer is named by an address or by an index, not by both (saml-core-2.0-os 3.4.1).
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

/// A request must have an Issuer (saml-profiles-2.0-os 4.1.4.1).
fn issuer_is_there(case: &Case<'_>) -> Option<Complaint> {
    let is_there = issuer(case.root).is_some_and(|issuer| !issuer.is_empty());
    (case.is_sign_in() && !is_there).then(|| {
        Fault::Issuer.told(
            "the request has no Issuer, so that nobody knows which service asks",
            "Have the sender name its entity ID in Issuer (SAML Profiles 4.1.4.1).",
        )
    })
}

/// The Issuer must be our entity ID, by which the identity provider knows us.
fn issuer_is_ours(case: &Case<'_>) -> Option<Complaint> {
    let ours = case.surroundings.our_entity_id(case.doctor)?;
    let found = issuer(case.root).filter(|found| case.is_sign_in() && found != ours.as_str())?;
    if case.is_of_another_service() {
        return Some(Own::AnotherService.about(&found));
    }
    Some(Fault::Issuer.told(
        format!(
            "the request has the Issuer {}; the entity ID of this service is {}{}",
            Quoted::new(&found),
            Quoted::new(ours.as_str()),
            difference(ours.as_str(), &found)
        ),
        "Configure one entity ID: the same here, in our metadata, and at the identity provider, letter by letter. The identity provider answers a request \
         of an unknown Issuer with an error page.",
    ))
}

/// The Destination, and the address to which the request was sent, must be a sign-in address of a known identity
/// provider.
fn destination_is_theirs(case: &Case<'_>) -> Option<Complaint> {
    const SERVICE: &str = "SingleSignOnService";
    const DESTINATION: &str = "the Destination is";
    if !case.is_sign_in() || case.is_of_another_service() {
        return None;
    }
    let known: Vec<(&str, &Endpoint)> = case.surroundings.endpoints_of_identity_providers(SERVICE).collect();
    let first = known.first()?;
    let remedy = "Send the request to the SingleSignOnService of the identity provider's metadata, with that address as Destination; load the metadata from \
                  its console again if the address changed.";
    let same = |endpoint: &Endpoint, address: &str| {
        endpoint.location() == address || without_query(endpoint.location()) == address
    };
    for (what, address) in
        [(DESTINATION, case.attribute("Destination")), ("it was sent to", case.message.address.as_deref())]
    {
        let Some(address) = address else { continue };
        let there: Vec<_> = known.iter().filter(|(_, endpoint)| same(endpoint, address)).collect();
        if there.is_empty() {
            let near = known.iter().find_map(|(_, endpoint)| {
                Some((endpoint.location(), only_difference(endpoint.location(), address)?))
            });
            let (nearest, difference) = near
                .map_or((first.1.location(), String::new()), |(location, what)| {
                    (location, format!("; they differ only in {what}"))
                });
            let message = format!(
                "{what} {}, which is not an address for requests in the metadata; expected {}{difference}",
                Quoted::new(address),
                Quoted::new(nearest)
            );
            // An address that differs from the Destination may be that of a proxy in front of it.
            let is_recorded = what != DESTINATION && case.message.step.is_some();
            let complaint = Fault::SingleSignOn.told(message, remedy);
            let severity = if is_recorded { Severity::Warning } else { complaint.severity };
            return Some(Complaint { severity, ..complaint });
        }
        if let Some(binding) = case.binding()
            && !there.iter().any(|(_, endpoint)| *endpoint.binding() == binding)
            && let Some((_, other)) = there.first()
        {
            let name = |binding: &Binding| binding.uri().rsplit(':').next().unwrap_or_default().to_owned();
            let message = format!(
                "{what} {}, which takes requests by {}; this one came by {}",
                Quoted::new(address),
                name(other.binding()),
                name(&binding)
            );
            return Some(Fault::SingleSignOn.told(message, remedy));
        }
    }
    None
}

/// A request must be sent to the identity provider in its Destination; another identity provider refuses it.
fn it_went_where_it_was_meant_to_go(case: &Case<'_>) -> Option<Complaint> {
    let meant = case.attribute("Destination").filter(|_| case.is_sign_in())?;
    let went = case.message.address.as_deref()?;
    let all = || case.surroundings.endpoints_of_identity_providers("SingleSignOnService");
    let named = |address: &str| {
        all().find(|(_, endpoint)| without_query(endpoint.location()) == without_query(address))
    };
    let ((meant_name, _), (went_name, _)) = (named(meant)?, named(went)?);
    (meant_name != went_name).then(|| {
        Fault::OtherAddress.told(
            format!(
                "the request was sent to {}, and its Destination is {}, which is the address of {}",
                Quoted::new(went_name),
                Quoted::new(meant),
                Quoted::new(meant_name)
            ),
            "Send the request to the address in its Destination: an identity provider refuses a request that is meant for another one. Look for two \
             connections whose addresses were mixed up.",
        )
    })
}

/// A logout request of ours needs a SingleLogoutService of the identity provider.
fn logout_is_offered(case: &Case<'_>) -> Option<Complaint> {
    let ours = case.surroundings.our_entity_id(case.doctor)?;
    let is_ours = case.kind == Kind::LogoutRequest && issuer(case.root).as_deref() == Some(ours.as_str());
    let name = case.surroundings.only_identity_provider().filter(|_| is_ours)?;
    let is_offered =
        case.surroundings.endpoints_of_identity_providers("SingleLogoutService").next().is_some();
    (!is_offered).then(|| {
        Fault::NoLogout.told(
            format!("the metadata of {} has no SingleLogoutService: it offers no single logout", Quoted::new(name.as_str())),
            "Switch single logout on for this application at the identity provider, and load its metadata from its console again; without it the session \
             there goes on after a sign-out here.",
        )
    })
}

/// A request must be signed if the metadata has WantAuthnRequestsSigned (saml-metadata-2.0-os 2.4.3).
fn it_is_signed_where_that_is_wanted(case: &Case<'_>) -> Option<Complaint> {
    if !case.is_sign_in() || case.is_signed() {
        return None;
    }
    let (name, known) = asked(case)?;
    if !known.wants_authn_requests_signed() {
        return None;
    }
    let message = format!(
        "the request is not signed, and the metadata of {} wants signed requests",
        Quoted::new(&name)
    );
    let remedy = "Configure a signing key here (signing_key) and give the identity provider its certificate; or switch the demand off there.";
    if case.binding().is_some() {
        return Some(Fault::Unsigned.told(message, remedy));
    }
    // The XML of a request alone does not show whether its query was signed.
    let message = format!("{message}; whether it was signed in the query is not seen");
    let remedy = "If it went by HTTP-Redirect, give the whole address, which contains its signature. Otherwise configure a signing key here (signing_key) and \
                  give the identity provider its certificate; or switch the demand off there.";
    Some(Complaint { severity: Severity::Warning, ..Fault::Unsigned.told(message, remedy) })
}

/// The requested NameID format must be in the metadata. An identity provider answers another format with
/// InvalidNameIDPolicy.
fn name_id_format_is_offered(case: &Case<'_>) -> Option<Complaint> {
    const UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified";
    let policy = case.root.elements().find(|child| child.is(namespace::SAML_PROTOCOL, "NameIDPolicy"))?;
    let format = policy.attribute("Format").map(str::trim).filter(|format| *format != UNSPECIFIED)?;
    let (name, known) = asked(case)?;
    let offered = known.name_id_formats();
    (!offered.is_empty() && !offered.iter().any(|one| one == format || one == UNSPECIFIED)).then(|| {
        Fault::NameIdFormat.told(
            format!(
                "the request asks for the NameID format {}, which the metadata of {} does not offer",
                Quoted::new(format),
                Quoted::new(&name)
            ),
            "Ask for a format that the metadata names, or for none.",
        )
    })
}

/// Returns the identity provider that a request is for: the one with its address, or the only one.
fn asked<'c>(case: &'c Case<'_>) -> Option<(String, &'c IdentityProvider)> {
    let address = case.attribute("Destination").or(case.message.address.as_deref());
    let all = || case.surroundings.endpoints_of_identity_providers("SingleSignOnService");
    let named =
        all().find(|(_, endpoint)| Some(endpoint.location()) == address).map(|(name, _)| name.to_owned());
    let name = named.or_else(|| Some(case.surroundings.only_identity_provider()?.as_str().to_owned()))?;
    let known = case.surroundings.identity_provider(&EntityId::new(name.as_str()).ok()?)?.ok()?;
    Some((name, known))
}

fn difference(expected: &str, actual: &str) -> String {
    only_difference(expected, actual).map(|what| format!("; they differ only in {what}")).unwrap_or_default()
}
