//! The stable code and the hint of each error.

use chrono::{DateTime, Utc};

use crate::error::AssertionError;
use crate::near_miss::{Missed, Suggests};

impl AssertionError {
    /// Returns the stable code: `assertion.` and a word, or the code of the lower crate that refused.
    ///
    /// `encryption.unauthenticated_cbc` is decided here, since only this crate knows whether a signature covers the
    /// ciphertext.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Xml(error) => error.code(),
            Self::Signature(error) => error.code(),
            Self::Encryption(error) => error.code(),
            Self::Crypto(error) => error.code(),
            Self::Metadata(error) => error.code(),
            Self::Message(error) => error.code(),
            Self::NoUsableKey { .. } => "assertion.no_usable_key",
            Self::ClockSkew { .. } => "assertion.clock_skew",
            Self::ContextOrder { .. } => "assertion.context_order",
            Self::ConnectionId { .. } => "assertion.connection_id",
            Self::ConnectionAmbiguous { .. } => "assertion.connection_ambiguous",
            Self::ConnectionState { .. } => "assertion.connection_state",
            Self::UnsolicitedRefused { .. } => "assertion.unsolicited",
            Self::OtherBrowser { .. } => "assertion.other_browser",
            Self::TrialMismatch { .. } => "assertion.trial",
            Self::MessageId { .. } => "assertion.message_id",
            Self::UnknownIssuer { .. } => "assertion.unknown_issuer",
            Self::UnexpectedIssuer { .. } => "assertion.unexpected_issuer",
            Self::RequestExpired { .. } => "assertion.request_expired",
            Self::NotAResponse { .. } => "assertion.not_a_response",
            Self::Version { .. } => "assertion.version",
            Self::DuplicateId { .. } => "assertion.duplicate_id",
            Self::AssertionCount { .. } => "assertion.assertion_count",
            Self::Unsigned => "assertion.unsigned",
            Self::ResponseUnsigned => "assertion.response_unsigned",
            Self::AssertionUnsigned => "assertion.assertion_unsigned",
            Self::UnauthenticatedCbc { .. } => "encryption.unauthenticated_cbc",
            Self::CbcInMessage { .. } => "encryption.cbc_in_message",
            Self::Schema(_) => "assertion.schema",
            Self::Malformed { .. } => "assertion.malformed",
            Self::Status { .. } => "assertion.status",
            Self::Destination { .. } => "assertion.destination",
            Self::InResponseTo { .. } => "assertion.in_response_to",
            Self::DecryptedSignature { code, .. } => code,
            Self::Issuer { .. } | Self::DecryptedIssuer { .. } => "assertion.issuer",
            Self::IssuerFormat { .. } => "assertion.issuer_format",
            Self::IssueInstant { .. } => "assertion.issue_instant",
            Self::IssuedBeforeRequest { .. } => "assertion.issued_before_request",
            Self::NameId { .. } => "assertion.name_id",
            Self::Name(error) => error.code(),
            Self::NoBearer { .. } => "assertion.bearer",
            Self::Recipient { .. } => "assertion.recipient",
            Self::ConfirmationNotBefore { .. } => "assertion.confirmation_not_before",
            Self::ConfirmationExpired { .. } => "assertion.confirmation_expired",
            Self::NotYetValid { .. } => "assertion.not_yet_valid",
            Self::Expired { .. } => "assertion.expired",
            Self::InvertedWindow { .. } => "assertion.inverted_window",
            Self::Audience { .. } => "assertion.audience",
            Self::UnknownCondition { .. } => "assertion.unknown_condition",
            Self::RepeatedCondition { .. } => "assertion.repeated_condition",
            Self::NoAuthnStatement => "assertion.authn_statement",
            Self::AuthnInstant { .. } => "assertion.authn_instant",
            Self::SessionExpired { .. } => "assertion.session_expired",
            Self::AuthnContext { .. } => "assertion.authn_context",
            Self::Replayed => "assertion.replayed",
            Self::OtherAssertion => "assertion.other_assertion",
        }
    }

    /// Returns what an operator should change, in the words of the identity provider's console if they are known.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Xml(error) => error.hint(),
            Self::Signature(error) => error.hint(),
            Self::Encryption(error) => error.hint(),
            Self::Crypto(error) => error.hint(),
            Self::Metadata(error) => error.hint(),
            Self::Message(error) => error.hint(),
            Self::NoUsableKey { .. } => {
                "Ask the identity provider for a signing key of RSA 2048 bits, P-256 or more, and load its metadata from its console again \
                 (Okta: \"SAML Signing Certificates\")."
            }
            Self::ClockSkew { .. } => {
                "Configure at most five minutes of clock_skew, and synchronise the clocks (NTP) if that is not enough."
            }
            Self::ContextOrder { .. } => {
                "Ask for classes that are in the configured order of strength, and name each class there once, the weakest first."
            }
            Self::ConnectionId { .. } => {
                "Name the connection with 1 to 64 letters and digits of ASCII, `-` and `_`: the name is part of addresses."
            }
            Self::ConnectionAmbiguous { .. } => {
                "Give each connection addresses of its own: an assertion consumer (ConnectionSettings::assertion_consumer), and for logout \
                 messages a logout address (ConnectionSettings::single_logout). Enter them at the identity provider (Okta: \"Single sign-on URL\")."
            }
            Self::ConnectionState { .. } => {
                "Try a sign-in with the connection first, and then activate it; a retired connection stays retired."
            }
            Self::UnsolicitedRefused { .. } => {
                "Let people start at this service, or set the connection's unsolicited responses to Restart, or to Accept if the icon in \
                 the identity provider's dashboard must work without a round trip."
            }
            Self::OtherBrowser { .. } => {
                "Start the sign-in again. If it happens often, check that the binding cookie is set with SameSite=None and Secure and that \
                 no proxy removes it."
            }
            Self::TrialMismatch { .. } => {
                "Try a connection out from the administrator's page, and sign people in from the sign-in page."
            }
            Self::MessageId { .. } => "Pass the ID of the AuthnRequest exactly as it was sent.",
            Self::UnknownIssuer { .. } => {
                "Compare this entity ID letter by letter with the identity provider's console first (Okta: \"Identity Provider \
                 Issuer\"): if it is there, load the metadata from that console; if it is not, anybody may have made this \
                 message. A connection with its own assertion consumer receives responses only there, and logout messages only \
                 at its own logout address (ConnectionSettings::single_logout)."
            }
            Self::UnexpectedIssuer { .. } => {
                "The person was sent to one identity provider and came back from another: let the sign-in start again."
            }
            Self::RequestExpired { .. } => {
                "Let the sign-in start again; the page of the identity provider was open for too long."
            }
            Self::NotAResponse { name, .. } if name == "AuthnRequest" => {
                "This is a request for a sign-in, which is sent from here: it came back. Look for the address of this service in the place of the \
                 identity provider's (its SingleSignOnService), and load the metadata from the identity provider's console again."
            }
            Self::NotAResponse { .. } => {
                "This address receives a samlp:Response by HTTP-POST; logout messages and metadata go elsewhere (Okta: \"Single \
                 sign-on URL\")."
            }
            Self::Version { .. } => {
                "Create the application as SAML 2.0 at the identity provider, not SAML 1.1."
            }
            Self::DuplicateId { .. } => {
                "No identity provider sends this; keep the message and look for an attempt to wrap a signature."
            }
            Self::AssertionCount { .. } => {
                "A login needs exactly one assertion. If there is none, look at the status of the response and at the identity \
                 provider's log; if there are several, have the identity provider send one."
            }
            Self::Unsigned => {
                "Have the identity provider sign (Okta: \"Response\" Signed and \"Assertion Signature\" Signed, under Show Advanced Settings)."
            }
            Self::ResponseUnsigned => {
                "Have the identity provider sign the response (Okta: \"Response\" Signed, under Show Advanced Settings), or do not ask for it."
            }
            Self::AssertionUnsigned => {
                "Have the identity provider sign the assertion (Okta: \"Assertion Signature\" Signed, under Show Advanced Settings), or do \
                 not ask for it."
            }
            Self::UnauthenticatedCbc { .. } => {
                "Have the identity provider sign the response as well (Okta: \"Response\" Signed), or \
                 encrypt with AES-256-GCM (Okta: \"Encryption Algorithm\"). If neither is possible, use \
                 danger_accept_unauthenticated_cbc on this connection."
            }
            Self::CbcInMessage { .. } => {
                "Have the identity provider leave the NameID of logout messages in clear, or encrypt it with AES-GCM; or give this connection \
                 decryption keys of its own."
            }
            Self::Malformed { place: "Assertion/Subject", .. } => {
                "Set what identifies a person at the identity provider (Okta: \"Name ID format\" and \"Application username\"), and make sure that it has a value for this \
                 person."
            }
            Self::Schema(_) | Self::Malformed { .. } => {
                "The message does not follow the SAML schema; give the message to the vendor of the identity provider. An inline \
                 hook that rewrites assertions is another cause."
            }
            Self::Status { codes, .. } => status_hint(codes),
            Self::Destination { actual: Some(actual), .. } if actual.trim().is_empty() => {
                "The Destination is there and empty: fill in the address of the assertion consumer at the identity provider, in each field that \
                 asks for it, one for the recipient too (Okta: \"Single sign-on URL\", and \"Use this for Recipient URL and Destination URL\")."
            }
            Self::Destination { .. } => {
                "Set the address of the assertion consumer at the identity provider to exactly the expected one, with scheme, host and trailing \
                 slash (Okta: \"Single sign-on URL\", and \"Use this for Recipient URL and Destination URL\"). Behind a proxy, configure here the address \
                 that browsers see; never take it from a message."
            }
            Self::InResponseTo { expected: Some(_), actual: None, .. } => {
                "A reply to a request was expected and an unsolicited response came: start the sign-in here, or expect Unsolicited where \
                 logins from the identity provider's dashboard are wanted."
            }
            Self::InResponseTo { actual: Some(actual), .. } if actual.trim().is_empty() => {
                "InResponseTo is there and empty. Have the identity provider leave it out of a response that answers no request, and name the \
                 request in one that does (saml-core-2.0-os 3.2.2)."
            }
            Self::InResponseTo { expected: None, .. } => {
                "No request is outstanding: the browser may have lost its cookie, or the reply came twice. Start the sign-in again."
            }
            Self::InResponseTo { .. } => {
                "The reply belongs to another request, such as one of another browser tab. Start the sign-in again."
            }
            Self::DecryptedSignature { hint, .. } => hint,
            Self::Issuer { .. } | Self::DecryptedIssuer { .. } => {
                "Compare the identity provider's entity ID letter by letter with the metadata loaded here (Okta: \"Identity Provider \
                 Issuer\", and \"SAML Issuer ID\" under Show Advanced Settings)."
            }
            Self::IssuerFormat { .. } => {
                "The identity provider must name itself by its entity ID: without Format, or with that of an entity."
            }
            Self::IssueInstant { .. } => {
                "Synchronise the clocks (NTP) here and at the identity provider; widen clock_skew to at most a few minutes if that cannot be."
            }
            Self::IssuedBeforeRequest { .. } => {
                "An answer that is older than its request was not made for it: start the sign-in again. If it happens each time, the clock of \
                 the identity provider is behind: synchronise both (NTP)."
            }
            Self::NameId { .. } => {
                "Set what identifies a person at the identity provider (Okta: \"Name ID format\" and \"Application username\"), and make \
                 sure that it has a value for this person."
            }
            Self::Name(error) => error.hint(),
            Self::NoBearer { .. } => {
                "Create the application at the identity provider as a web application: browser logins need the bearer method."
            }
            Self::Recipient { .. } => {
                "Set the address of the assertion consumer at the identity provider to exactly the expected one (Okta: \"Single \
                 sign-on URL\", or \"Recipient URL\" if it is set separately). If it is set so already, the message was made for \
                 another service."
            }
            Self::ConfirmationNotBefore { .. } => {
                "The Web Browser SSO profile forbids NotBefore here: have the identity provider drop it. If \
                 it cannot, use tolerate_confirmation_not_before on this connection."
            }
            Self::ConfirmationExpired { not_on_or_after: None, .. } => {
                "Every bearer confirmation must have a NotOnOrAfter (saml-profiles-2.0-os 4.1.4.2): have the identity provider send one."
            }
            Self::ConfirmationExpired { not_on_or_after: Some(end), now, .. }
            | Self::Expired { not_on_or_after: end, now, .. } => hint_of_end(*end, *now),
            Self::NotYetValid { not_before, now, .. } => hint_of_start(*not_before, *now),
            Self::InvertedWindow { .. } => {
                "No clock can be inside this window: correct the assertion lifetime at the identity provider, or the hook that rewrites it."
            }
            Self::Audience { .. } => {
                "Set the audience at the identity provider to the entity ID of this service (Okta: \"Audience URI (SP Entity ID)\"), letter \
                 by letter. If it is set so already, the message was made for another service."
            }
            Self::UnknownCondition { .. } => {
                "Have the identity provider leave this condition out: the service does not understand it."
            }
            Self::RepeatedCondition { .. } => "Have the identity provider send this condition once.",
            Self::NoAuthnStatement => {
                "Have the identity provider send an AuthnStatement: without one nobody signed in."
            }
            Self::AuthnInstant { .. } => {
                "The person signed in too long ago: ask for a fresh sign-in with ForceAuthn (Okta: \"Honor Force Authentication\" Yes)."
            }
            Self::SessionExpired { .. } => {
                "The session at the identity provider had ended already: sign in there again, and compare its session lifetime and clock."
            }
            Self::AuthnContext { .. } => {
                "Set the class at the identity provider (Okta: \"Authentication context class\"), or ask for one that it gives."
            }
            Self::Replayed => {
                "The same response was posted again, because the page was reloaded or somebody copied the response. Start the \
                 sign-in again."
            }
            Self::OtherAssertion => "Pass the Recorded that this assertion's own replay_key gave.",
        }
    }
}

const TIME_ZONE: &str = "One side is off by hours, and no clock_skew is meant for that: set clock and time zone on both sides, synchronise both \
                         (NTP), and have the sender write its times in UTC with a Z at the end.";

/// Returns what to do if the end has passed.
fn hint_of_end(end: DateTime<Utc>, now: DateTime<Utc>) -> &'static str {
    match (Missed { bound: end, now }).suggests() {
        Suggests::TimeZone => TIME_ZONE,
        Suggests::Skew => {
            "The response was used too late, or the clocks differ: synchronise them (NTP), or widen clock_skew to at most a few minutes."
        }
        Suggests::Age => {
            "The response is old, because it was kept or delayed: start the sign-in again. If it happens \
             each time, one clock is wrong: synchronise them (NTP)."
        }
    }
}

/// Returns what to do if the start has not been reached.
fn hint_of_start(start: DateTime<Utc>, now: DateTime<Utc>) -> &'static str {
    match (Missed { bound: start, now }).suggests() {
        Suggests::TimeZone => TIME_ZONE,
        Suggests::Skew => {
            "The clock here is behind the identity provider's: synchronise both (NTP), or widen clock_skew to at most a few minutes."
        }
        Suggests::Age => {
            "The clock here is behind the identity provider's, by more than clock_skew is for: synchronise both (NTP), or correct the NotBefore \
             that the identity provider writes."
        }
    }
}

/// Returns the hint for the innermost known code, which is the most specific (saml-core-2.0-os 3.2.2.2).
fn status_hint(codes: &[String]) -> &'static str {
    let known =
        codes.iter().rev().filter_map(|code| code.strip_prefix("urn:oasis:names:tc:SAML:2.0:status:"));
    for code in known {
        return match code {
            "NoAuthnContext" => {
                "The identity provider cannot meet the RequestedAuthnContext: ask for none (requested_contexts; many identity \
                 providers refuse exact ones), or set the class there (Okta: \"Authentication context class\")."
            }
            "InvalidNameIDPolicy" => {
                "The identity provider cannot give the name that the NameIDPolicy asks for: ask for no Format (leave out allow_create), or set \
                 the format there (Okta: \"Name ID format\")."
            }
            "NoPassive" => {
                "The person has no session at the identity provider and the request forbids to ask (is_passive): let the sign-in start again \
                 without it."
            }
            "AuthnFailed" | "RequestDenied" | "UnknownPrincipal" => {
                "The identity provider turned this person away: assign them to the application (Okta: \"Assignments\") and read \
                 its sign-in log (Okta: Reports, System Log)."
            }
            "VersionMismatch" => "Create the application as SAML 2.0 at the identity provider, not SAML 1.1.",
            "Requester" => {
                "The identity provider rejects the request as invalid: compare there this service's entity \
                 ID and assertion consumer (Okta: \"Audience URI (SP Entity ID)\", \"Single sign-on URL\"), \
                 and whether it wants signed requests (sign_requests)."
            }
            _ => continue,
        };
    }
    "The identity provider refused: its own log says why (Okta: Reports, System Log). Often the person is not assigned to the application, or \
     the request asks for something that is not configured."
}
