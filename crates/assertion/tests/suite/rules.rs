//! Every rule in both directions: a table of responses that differ from a good one in one thing, with their results.

use crate::common::{AUTHN_BY_REFERENCE, BEARER, Change, Receiver, at, confirmation, good, okta};
use vouchsafe_testkit::{Part, Place, ResponseBuilder, Signed, keys};

/// The clock of most cases: the response was issued at 00:00:00, and is valid for five minutes before and after.
const NOW: &str = "2026-01-01T00:01:00Z";
const ACS: &str = vouchsafe_testkit::ASSERTION_CONSUMER;
const SP: &str = vouchsafe_testkit::SERVICE_PROVIDER;
const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";

/// Name, difference, clock, and the code of the refusal (empty: accepted).
const CASES: &[(&str, Change, &str, &str)] = &[
    ("the good one", |r| r, NOW, ""),
    // Response: status, version, issue instant, issuer
    (
        "status responder, nested and with a message",
        |r| {
            r.status([
                "urn:oasis:names:tc:SAML:2.0:status:Responder",
                "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed",
            ])
            .status_message("no")
        },
        NOW,
        "assertion.status",
    ),
    (
        "a failure with an assertion all the same",
        |r| r.status(["urn:oasis:names:tc:SAML:2.0:status:Responder"]),
        NOW,
        "assertion.status",
    ),
    (
        "a success nested in a failure",
        |r| {
            r.status([
                "urn:oasis:names:tc:SAML:2.0:status:Responder",
                "urn:oasis:names:tc:SAML:2.0:status:Success",
            ])
        },
        NOW,
        "assertion.status",
    ),
    (
        "a success with a code nested in it",
        |r| r.status(["urn:oasis:names:tc:SAML:2.0:status:Success", "urn:example:more"]),
        NOW,
        "",
    ),
    (
        "failure without an assertion",
        |r| r.status(["urn:oasis:names:tc:SAML:2.0:status:Requester"]).omit(Part::Assertion),
        NOW,
        "assertion.status",
    ),
    ("success without an assertion", |r| r.omit(Part::Assertion), NOW, "assertion.assertion_count"),
    ("no status", |r| r.omit(Part::Status), NOW, "assertion.schema"),
    ("response version 1.1", |r| r.response_version("1.1"), NOW, "assertion.version"),
    ("response version 2.1", |r| r.response_version("2.1"), NOW, "assertion.version"),
    ("response without version", |r| r.omit(Part::ResponseVersion), NOW, "assertion.schema"),
    ("response issued just now", |r| r.response_issue_instant("2026-01-01T00:07:00Z"), NOW, ""),
    (
        "response issued in the future",
        |r| r.response_issue_instant("2026-01-01T00:07:00.000000001Z"),
        NOW,
        "assertion.issue_instant",
    ),
    (
        "response issued at no time",
        |r| r.response_issue_instant("2026-13-01T00:00:00Z"),
        NOW,
        "assertion.malformed",
    ),
    ("response without issue instant", |r| r.omit(Part::ResponseIssueInstant), NOW, "assertion.schema"),
    (
        "response of another issuer",
        |r| r.response_issuer("http://www.okta.com/exkEVIL"),
        NOW,
        "assertion.issuer",
    ),
    (
        "issuer with white space round it",
        |r| r.issuer("\n http://www.okta.com/exk1vouchsafe0kit0h7 \n"),
        NOW,
        "",
    ),
    ("signed response without issuer", |r| r.omit(Part::ResponseIssuer), NOW, "assertion.issuer"),
    ("unsigned response without issuer", |r| r.omit(Part::ResponseIssuer).sign(Signed::Assertion), NOW, ""),
    (
        "issuer that is no entity",
        |r| r.issuer_format("urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"),
        NOW,
        "assertion.issuer_format",
    ),
    // Destination
    (
        "another destination",
        |r| r.destination("https://app.example.com/saml/acs/"),
        NOW,
        "assertion.destination",
    ),
    (
        "another destination, unsigned",
        |r| r.destination("https://app.example.com/other").sign(Signed::Assertion),
        NOW,
        "assertion.destination",
    ),
    ("signed without destination", |r| r.omit(Part::Destination), NOW, "assertion.destination"),
    ("unsigned without destination", |r| r.omit(Part::Destination).sign(Signed::Assertion), NOW, ""),
    ("empty destination", |r| r.destination("").sign(Signed::Assertion), NOW, "assertion.destination"),
    // InResponseTo
    ("response to another request", |r| r.response_in_response_to("_other"), NOW, "assertion.in_response_to"),
    ("response to no request", |r| r.omit(Part::ResponseInResponseTo), NOW, "assertion.in_response_to"),
    (
        "confirmation of another request",
        |r| r.subject_in_response_to("_other"),
        NOW,
        "assertion.in_response_to",
    ),
    ("confirmation of no request", |r| r.omit(Part::SubjectInResponseTo), NOW, "assertion.in_response_to"),
    // Assertion
    ("assertion version 1.1", |r| r.assertion_version("1.1"), NOW, "assertion.version"),
    ("assertion without version", |r| r.omit(Part::AssertionVersion), NOW, "assertion.schema"),
    (
        "assertion issued in the future",
        |r| r.assertion_issue_instant("2026-01-01T00:07:00.000000001Z"),
        NOW,
        "assertion.issue_instant",
    ),
    ("assertion without issue instant", |r| r.omit(Part::AssertionIssueInstant), NOW, "assertion.schema"),
    (
        "assertion of another issuer",
        |r| r.assertion_issuer("http://www.okta.com/exkEVIL"),
        NOW,
        "assertion.issuer",
    ),
    ("assertion without issuer", |r| r.omit(Part::AssertionIssuer), NOW, "assertion.schema"),
    // Subject
    ("no subject", |r| r.omit(Part::Subject), NOW, "assertion.malformed"),
    ("no name", |r| r.omit(Part::NameId), NOW, ""),
    ("empty name", |r| r.name_id(""), NOW, "assertion.name_id"),
    ("blank name", |r| r.name_id(" \n"), NOW, "assertion.name_id"),
    ("any format of the name", |r| r.name_id_format("urn:example:format"), NOW, ""),
    ("no format of the name", |r| r.omit(Part::NameIdFormat), NOW, ""),
    (
        "a persistent name of 256 characters",
        |r| r.name_id("ä".repeat(256)).name_id_format(PERSISTENT),
        NOW,
        "",
    ),
    (
        "a persistent name of 257 characters",
        |r| r.name_id("ä".repeat(257)).name_id_format(PERSISTENT),
        NOW,
        "assertion.name_id",
    ),
    (
        "a transient name of 257 characters",
        |r| r.name_id("t".repeat(257)).name_id_format("urn:oasis:names:tc:SAML:2.0:nameid-format:transient"),
        NOW,
        "assertion.name_id",
    ),
    ("any other name of 257 characters", |r| r.name_id("n".repeat(257)), NOW, ""),
    ("a second name", |r| r.insert(Place::Subject, name("eve@example.com")), NOW, "assertion.schema"),
    (
        "a base identifier",
        |r| r.omit(Part::NameId).insert(Place::Subject, saml("BaseID", "")),
        NOW,
        "assertion.name_id",
    ),
    // Confirmation
    ("no confirmation", |r| r.omit(Part::SubjectConfirmation), NOW, "assertion.bearer"),
    (
        "holder of key alone",
        |r| r.confirmation_method("urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"),
        NOW,
        "assertion.bearer",
    ),
    ("no confirmation data", |r| r.omit(Part::SubjectConfirmationData), NOW, "assertion.recipient"),
    ("another recipient", |r| r.recipient("https://app.example.com/saml/ACS"), NOW, "assertion.recipient"),
    ("no recipient", |r| r.omit(Part::Recipient), NOW, "assertion.recipient"),
    (
        "confirmation with a start",
        |r| r.subject_not_before("2025-01-01T00:00:00Z"),
        NOW,
        "assertion.confirmation_not_before",
    ),
    (
        "confirmation without end",
        |r| r.omit(Part::SubjectNotOnOrAfter),
        NOW,
        "assertion.confirmation_expired",
    ),
    ("confirmation with no time as end", |r| r.subject_not_on_or_after("soon"), NOW, "assertion.malformed"),
    ("any address", |r| r.address("203.0.113.9"), NOW, ""),
    (
        "a second confirmation that holds",
        |r| r.recipient("https://elsewhere.example/").insert(Place::Subject, confirmation(BEARER, ACS)),
        NOW,
        "",
    ),
    (
        "two confirmations that hold together but neither alone",
        |r| {
            r.subject_not_on_or_after("2020-01-01T00:00:00Z")
                .insert(Place::Subject, confirmation(BEARER, "https://elsewhere.example/"))
        },
        NOW,
        "assertion.confirmation_expired",
    ),
    (
        "another method that would hold",
        |r| {
            r.recipient("https://elsewhere.example/")
                .insert(Place::Subject, confirmation("urn:oasis:names:tc:SAML:2.0:cm:sender-vouches", ACS))
        },
        NOW,
        "assertion.recipient",
    ),
    // Conditions
    ("no conditions", |r| r.omit(Part::Conditions), NOW, "assertion.audience"),
    ("no audience restriction", |r| r.omit(Part::AudienceRestriction), NOW, "assertion.audience"),
    ("another audience", |r| r.audience("https://app.example.com/saml"), NOW, "assertion.audience"),
    ("ours among the audiences", |r| r.audience_restrictions([vec!["https://other.example", SP]]), NOW, ""),
    (
        "two restrictions that name us",
        |r| r.audience_restrictions([vec![SP], vec!["https://other.example", SP]]),
        NOW,
        "",
    ),
    (
        "two restrictions, one of which does not",
        |r| r.audience_restrictions([vec![SP], vec!["https://other.example"]]),
        NOW,
        "assertion.audience",
    ),
    (
        "a restriction to nobody",
        |r| r.insert(Place::Conditions, saml("AudienceRestriction", "")),
        NOW,
        "assertion.schema",
    ),
    ("without a start", |r| r.omit(Part::ConditionsNotBefore), NOW, ""),
    ("without an end", |r| r.omit(Part::ConditionsNotOnOrAfter), NOW, ""),
    ("with no time as start", |r| r.not_before("yesterday"), NOW, "assertion.malformed"),
    ("with no time as end", |r| r.not_on_or_after("2026-01-01T23:59:60Z"), NOW, "assertion.malformed"),
    ("one time use", |r| r.insert(Place::Conditions, saml("OneTimeUse", "")), NOW, ""),
    (
        "one time use twice",
        |r| {
            r.insert(Place::Conditions, saml("OneTimeUse", ""))
                .insert(Place::Conditions, saml("OneTimeUse", ""))
        },
        NOW,
        "assertion.repeated_condition",
    ),
    (
        "a window that ends before it begins",
        |r| r.not_before("2026-01-01T00:01:20Z").not_on_or_after("2026-01-01T00:01:10Z"),
        NOW,
        "assertion.inverted_window",
    ),
    (
        "a window that ends when it begins",
        |r| r.not_before("2026-01-01T00:01:20Z").not_on_or_after("2026-01-01T01:01:20+01:00"),
        NOW,
        "assertion.inverted_window",
    ),
    (
        "a window of a nanosecond",
        |r| r.not_before("2026-01-01T00:01:20Z").not_on_or_after("2026-01-01T00:01:20.000000001Z"),
        NOW,
        "",
    ),
    (
        "proxy restriction with a count and an audience",
        |r| {
            let audience = "<saml2:Audience>https://next.example</saml2:Audience>";
            r.insert(Place::Conditions, saml_with("ProxyRestriction", " Count=\"0\"", audience))
        },
        NOW,
        "",
    ),
    (
        "proxy restriction with a count that is none",
        |r| r.insert(Place::Conditions, saml("ProxyRestriction", " Count=\"-1\"")),
        NOW,
        "assertion.schema",
    ),
    (
        "proxy restriction twice",
        |r| {
            r.insert(Place::Conditions, saml("ProxyRestriction", " Count=\"1\""))
                .insert(Place::Conditions, saml("ProxyRestriction", ""))
        },
        NOW,
        "assertion.repeated_condition",
    ),
    ("proxy restriction", |r| r.insert(Place::Conditions, saml("ProxyRestriction", "")), NOW, ""),
    (
        "a condition that nobody knows",
        |r| r.insert(Place::Conditions, saml("Condition", "")),
        NOW,
        "assertion.unknown_condition",
    ),
    (
        "a known condition in another namespace",
        |r| r.insert(Place::Conditions, "<OneTimeUse xmlns=\"urn:example\"/>"),
        NOW,
        "assertion.schema",
    ),
    (
        "conditions twice",
        |r| r.insert(Place::AfterConditions, saml("Conditions", "")),
        NOW,
        "assertion.schema",
    ),
    // AuthnStatement
    ("no authentication", |r| r.omit(Part::AuthnStatement), NOW, "assertion.authn_statement"),
    ("authentication without a time", |r| r.omit(Part::AuthnInstant), NOW, "assertion.schema"),
    ("authentication at no time", |r| r.authn_instant("yesterday"), NOW, "assertion.malformed"),
    ("authentication long ago", |r| r.authn_instant("2025-12-01T00:00:00Z"), NOW, ""),
    ("without context", |r| r.omit(Part::AuthnContext), NOW, "assertion.schema"),
    (
        "a context without a class",
        |r| r.omit(Part::AuthnStatement).insert(Place::AssertionEnd, AUTHN_BY_REFERENCE),
        NOW,
        "",
    ),
    ("without session index", |r| r.omit(Part::SessionIndex), NOW, ""),
    ("a hundred statements", |r| sessions(r, 100), NOW, ""),
    ("more statements than a logout request may name", |r| sessions(r, 101), NOW, "assertion.malformed"),
    ("session that lasts", |r| r.session_not_on_or_after("2026-01-01T00:00:00.001Z"), NOW, ""),
    (
        "session that has ended",
        |r| r.session_not_on_or_after("2026-01-01T00:00:00Z"),
        NOW,
        "assertion.session_expired",
    ),
    // Content that is ignored
    ("advice with an assertion", |r| r.insert(Place::AfterConditions, advice()), NOW, ""),
    ("extensions", |r| r.insert(Place::BeforeStatus, extensions("<x xmlns=\"urn:example\">y</x>")), NOW, ""),
    ("without key info", |r| r.omit(Part::KeyInfo), NOW, ""),
    ("attribute values without a type", |r| r.omit(Part::ValueType), NOW, ""),
    ("no attributes", |r| r.omit(Part::AttributeStatement), NOW, ""),
    // Signatures
    ("response signed alone", |r| r.sign(Signed::Response), NOW, ""),
    ("assertion signed alone", |r| r.sign(Signed::Assertion), NOW, ""),
    ("nothing signed", |r| r.sign(Signed::Neither), NOW, "assertion.unsigned"),
    ("another's key on both", |r| r.key(keys::attacker()), NOW, "signature.not_verified"),
    ("another's key on the response", |r| r.response_key(keys::attacker()), NOW, "signature.not_verified"),
    ("another's key on the assertion", |r| r.assertion_key(keys::attacker()), NOW, "signature.not_verified"),
    (
        "one identifier for both",
        |r| r.response_id(vouchsafe_testkit::ASSERTION_ID).sign(Signed::Neither),
        NOW,
        "assertion.duplicate_id",
    ),
    (
        "an identifier twice, far from what is signed",
        |r| {
            r.insert(
                Place::BeforeStatus,
                extensions("<x xmlns=\"urn:x\" ID=\"a\"/><x xmlns=\"urn:x\" ID=\"a\"/>"),
            )
        },
        NOW,
        "assertion.duplicate_id",
    ),
    (
        "a second assertion, unsigned",
        |r| r.insert(Place::AfterAssertion, saml("Assertion", " ID=\"_eve\" Version=\"2.0\"")),
        NOW,
        "assertion.assertion_count",
    ),
    (
        "a second assertion, encrypted",
        |r| r.insert(Place::BeforeAssertion, saml("EncryptedAssertion", "")),
        NOW,
        "assertion.assertion_count",
    ),
    (
        "a forged assertion in the extensions",
        |r| r.sign(Signed::Assertion).insert(Place::BeforeStatus, extensions(&forged())),
        NOW,
        "",
    ),
    // Windows, exact: `now - skew < NotOnOrAfter`, `now + skew >= NotBefore`, with 60 seconds of skew
    ("at the start", |r| r, "2025-12-31T23:54:00Z", ""),
    ("before the start", |r| r, "2025-12-31T23:53:59.999999999Z", "assertion.not_yet_valid"),
    ("before the end", |r| r, "2026-01-01T00:05:59.999999999Z", ""),
    ("at the end", |r| r, "2026-01-01T00:06:00Z", "assertion.confirmation_expired"),
    (
        "at the end of the conditions",
        |r| r.subject_not_on_or_after("2027-01-01T00:00:00Z"),
        "2026-01-01T00:06:00Z",
        "assertion.expired",
    ),
    (
        "at the end of the confirmation",
        |r| r.not_on_or_after("2027-01-01T00:00:00Z"),
        "2026-01-01T00:06:00Z",
        "assertion.confirmation_expired",
    ),
    (
        "at an end with an offset",
        |r| r.not_on_or_after("2026-01-01T02:05:00+02:00").subject_not_on_or_after("2027-01-01T00:00:00Z"),
        "2026-01-01T00:06:00Z",
        "assertion.expired",
    ),
    (
        "at the end of a day that is written 24:00:00",
        |r| r.not_on_or_after("2026-01-01T24:00:00Z").subject_not_on_or_after("2027-01-01T00:00:00Z"),
        "2026-01-02T00:00:59.999Z",
        "",
    ),
];

#[test]
fn every_rule_both_ways() {
    let receiver = okta(NOW);
    let mut wrong = Vec::new();
    for (name, change, now, expected) in CASES {
        let receiver = Receiver { now: at(now), ..receiver.clone() };
        let actual = match receiver.receive(good(*change).issue().unwrap().xml().as_bytes()) {
            Ok(login) => {
                assert!(login.ledger().failed().next().is_none(), "{name}");
                ""
            }
            Err(refusal) => {
                assert!(!refusal.hint().is_empty() && !refusal.ledger().checks().is_empty(), "{name}");
                assert_eq!(refusal.public_message(), "The sign-in could not be completed.");
                refusal.code()
            }
        };
        if actual != *expected {
            wrong.push(format!("{name}: expected {expected:?}, got {actual:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn saml(name: &str, attributes: &str) -> String {
    format!("<saml2:{name} xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\"{attributes}/>")
}

fn saml_with(name: &str, attributes: &str, inner: &str) -> String {
    format!(
        "<saml2:{name} xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\"{attributes}>{inner}</saml2:{name}>"
    )
}

fn name(value: &str) -> String {
    format!("<saml2:NameID xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\">{value}</saml2:NameID>")
}

fn extensions(inner: &str) -> String {
    format!(
        "<saml2p:Extensions xmlns:saml2p=\"urn:oasis:names:tc:SAML:2.0:protocol\">{inner}</saml2p:Extensions>"
    )
}

fn forged() -> String {
    format!(
        "<saml2:Assertion xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"_forged\" Version=\"2.0\">\
         <saml2:Subject>{}</saml2:Subject></saml2:Assertion>",
        name("eve@example.com")
    )
}

/// So many statements, each of a session of its own.
fn sessions(response: ResponseBuilder, count: usize) -> ResponseBuilder {
    (1..count).fold(response, |response, number| response.further_session_index(number.to_string()))
}

fn advice() -> String {
    format!("<saml2:Advice xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\">{}</saml2:Advice>", forged())
}
