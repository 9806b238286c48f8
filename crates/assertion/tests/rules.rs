//! Every rule both ways: a table of responses that differ from a good one in one thing, and how each is judged.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test")]

mod common;

use chrono::TimeDelta;
use common::{REQUEST, Receiver, at, okta};
use vouchsafe_assertion::{Correlation, Expectations, Outcome};
use vouchsafe_testkit::{Attribute, IdentityProvider, Part, Place, ResponseBuilder, Signed, keys};

/// The clock of most cases: the response was issued at 00:00:00, and is valid five minutes to either side.
const NOW: &str = "2026-01-01T00:01:00Z";
const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
const ACS: &str = vouchsafe_testkit::ASSERTION_CONSUMER;
const SP: &str = vouchsafe_testkit::SERVICE_PROVIDER;

type Change = fn(ResponseBuilder) -> ResponseBuilder;

/// Name, what is different, the clock, and the code of the refusal (empty: accepted).
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
    ("no status", |r| r.omit(Part::Status), NOW, "assertion.status"),
    ("response version 1.1", |r| r.response_version("1.1"), NOW, "assertion.version"),
    ("response version 2.1", |r| r.response_version("2.1"), NOW, "assertion.version"),
    ("response without version", |r| r.omit(Part::ResponseVersion), NOW, "assertion.version"),
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
    ("response without issue instant", |r| r.omit(Part::ResponseIssueInstant), NOW, "assertion.malformed"),
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
    ("assertion without version", |r| r.omit(Part::AssertionVersion), NOW, "assertion.version"),
    (
        "assertion issued in the future",
        |r| r.assertion_issue_instant("2026-01-01T00:07:00.000000001Z"),
        NOW,
        "assertion.issue_instant",
    ),
    ("assertion without issue instant", |r| r.omit(Part::AssertionIssueInstant), NOW, "assertion.malformed"),
    (
        "assertion of another issuer",
        |r| r.assertion_issuer("http://www.okta.com/exkEVIL"),
        NOW,
        "assertion.issuer",
    ),
    ("assertion without issuer", |r| r.omit(Part::AssertionIssuer), NOW, "assertion.issuer"),
    // Subject
    ("no subject", |r| r.omit(Part::Subject), NOW, "assertion.malformed"),
    ("no name", |r| r.omit(Part::NameId), NOW, ""),
    ("empty name", |r| r.name_id(""), NOW, "assertion.name_id"),
    ("blank name", |r| r.name_id(" \n"), NOW, "assertion.name_id"),
    ("any format of the name", |r| r.name_id_format("urn:example:format"), NOW, ""),
    ("no format of the name", |r| r.omit(Part::NameIdFormat), NOW, ""),
    ("a second name", |r| r.insert(Place::Subject, name("eve@example.com")), NOW, "assertion.malformed"),
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
        "assertion.audience",
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
        "assertion.unknown_condition",
    ),
    (
        "conditions twice",
        |r| r.insert(Place::AfterConditions, saml("Conditions", "")),
        NOW,
        "assertion.malformed",
    ),
    // AuthnStatement
    ("no authentication", |r| r.omit(Part::AuthnStatement), NOW, "assertion.authn_statement"),
    ("authentication at no time", |r| r.omit(Part::AuthnInstant), NOW, "assertion.malformed"),
    ("authentication long ago", |r| r.authn_instant("2025-12-01T00:00:00Z"), NOW, ""),
    ("without context", |r| r.omit(Part::AuthnContext), NOW, ""),
    ("without session index", |r| r.omit(Part::SessionIndex), NOW, ""),
    ("session that lasts", |r| r.session_not_on_or_after("2026-01-01T00:00:00.001Z"), NOW, ""),
    (
        "session that has ended",
        |r| r.session_not_on_or_after("2026-01-01T00:00:00Z"),
        NOW,
        "assertion.session_expired",
    ),
    // What is ignored
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

#[test]
fn unsolicited_and_replies_are_two_things() {
    let unsolicited = |r: Receiver| Receiver {
        expectations: Expectations::new(r.expectations.entity_id().clone(), ACS, Correlation::Unsolicited),
        ..r
    };
    let receiver = unsolicited(okta(NOW));
    let response = IdentityProvider::okta().response();
    let unasked = response.clone().issue().unwrap();
    assert_eq!(receiver.receive(unasked.xml().as_bytes()).unwrap().in_response_to(), None);
    for reply in [
        response.clone().in_response_to(REQUEST),
        response.clone().response_in_response_to(REQUEST),
        response.clone().subject_in_response_to(REQUEST),
        response.clone().response_in_response_to(""),
        response.subject_in_response_to(""),
    ] {
        let refusal = receiver.receive(reply.issue().unwrap().xml().as_bytes()).unwrap_err();
        assert_eq!(refusal.code(), "assertion.in_response_to");
    }
    let refusal = okta(NOW).receive(unasked.xml().as_bytes()).unwrap_err();
    assert!(refusal.hint().contains("Unsolicited"));
}

#[test]
fn ages_and_contexts_that_were_asked_for() {
    let receiver = okta(NOW);
    let with = |change: fn(Expectations) -> Expectations| Receiver {
        expectations: change(receiver.expectations.clone()),
        ..receiver.clone()
    };
    let outcome = |receiver: &Receiver, change: Change| {
        receiver.receive(good(change).issue().unwrap().xml().as_bytes()).map_or_else(|r| r.code(), |_| "")
    };
    // now - skew is 00:00:00, so an age of 30 s ends at 23:59:30
    let fresh = with(|e| e.with_maximum_authentication_age(TimeDelta::seconds(30)));
    assert_eq!(outcome(&fresh, |r| r.authn_instant("2025-12-31T23:59:30Z")), "");
    assert_eq!(
        outcome(&fresh, |r| r.authn_instant("2025-12-31T23:59:29.999999999Z")),
        "assertion.authn_instant"
    );
    assert_eq!(outcome(&fresh, |r| r.authn_instant("2026-01-01T00:07:00Z")), "");
    assert_eq!(outcome(&fresh, |r| r.authn_instant("2026-01-01T00:07:00.001Z")), "assertion.authn_instant");
    let recent = with(|e| e.with_maximum_message_age(TimeDelta::seconds(30)));
    assert_eq!(outcome(&recent, |r| r.assertion_issue_instant("2025-12-31T23:59:30Z")), "");
    assert_eq!(
        outcome(&recent, |r| r.assertion_issue_instant("2025-12-31T23:59:29.999Z")),
        "assertion.issue_instant"
    );
    let strong = with(|e| e.with_authn_contexts(["urn:example:strong", "urn:example:stronger"]));
    assert_eq!(outcome(&strong, |r| r.authn_context("urn:example:stronger")), "");
    assert_eq!(outcome(&strong, |r| r), "assertion.authn_context");
    assert_eq!(outcome(&strong, |r| r.omit(Part::AuthnContext)), "assertion.authn_context");
    let exact = with(|e| e.with_clock_skew(TimeDelta::zero()));
    assert_eq!(outcome(&exact, |r| r.subject_not_on_or_after(NOW)), "assertion.confirmation_expired");
    assert_eq!(outcome(&exact, |r| r.subject_not_on_or_after("2026-01-01T00:01:00.000000001Z")), "");
}

#[test]
fn what_must_be_signed() {
    let receiver = okta(NOW);
    let outcome = |receiver: &Receiver, signed: Signed| {
        let issued = good(|r| r).sign(signed).issue().unwrap();
        receiver.receive(issued.xml().as_bytes()).map_or_else(|r| r.code(), |_| "")
    };
    let response = Receiver { policy: receiver.policy.require_signed_response(), ..receiver.clone() };
    let assertion = Receiver { policy: receiver.policy.require_signed_assertion(), ..receiver };
    assert_eq!(outcome(&response, Signed::Assertion), "assertion.response_unsigned");
    assert_eq!(outcome(&response, Signed::Response), "");
    assert_eq!(outcome(&assertion, Signed::Response), "assertion.assertion_unsigned");
    assert_eq!(outcome(&assertion, Signed::Assertion), "");
    assert_eq!(outcome(&assertion, Signed::Both), "");
}

#[test]
fn a_login_says_what_came() {
    let values = |text: &str| {
        format!("<saml2:AttributeValue xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\"{text}")
    };
    let attribute = |name: &str, inner: &str| {
        format!(
            "<saml2:Attribute xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\" Name=\"{name}\">{inner}</saml2:Attribute>"
        )
    };
    let nil = values(" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:nil=\"true\"/>");
    let nested = values("> <saml2:NameID>pair<!-- x -->wise</saml2:NameID> </saml2:AttributeValue>");
    let issued = good(|r| r)
        .name_id("ada&<ada@example.com")
        .name_qualifier("nq")
        .sp_name_qualifier("spnq")
        .session_not_on_or_after("2026-01-01T08:00:00Z")
        .attribute(Attribute::new("roles", ["a"]))
        .attribute(Attribute::new("empty", [""]))
        .attribute(Attribute::new("roles", ["b", "a"]).with_name_format(None))
        .insert(Place::AttributeStatement, attribute("none", ""))
        .insert(Place::AttributeStatement, attribute("nil", &nil))
        .insert(Place::AttributeStatement, attribute("nested", &nested))
        .issue()
        .unwrap();
    let login = okta(NOW).receive(issued.xml().as_bytes()).unwrap();
    let name_id = login.name_id().unwrap();
    assert_eq!(name_id.value(), "ada&<ada@example.com");
    assert_eq!((name_id.name_qualifier(), name_id.sp_name_qualifier()), (Some("nq"), Some("spnq")));
    assert!(name_id.is_email());
    let attributes = login.attributes();
    assert_eq!(attributes.get("roles").unwrap(), ["a", "b", "a"]);
    assert_eq!(attributes.get("empty").unwrap(), [""]);
    assert!(attributes.get("none").unwrap().is_empty());
    assert!(attributes.get("nil").unwrap().is_empty());
    assert_eq!(attributes.get("nested").unwrap(), ["pairwise"]);
    assert_eq!(attributes.get("absent"), None);
    assert_eq!(login.session_index(), Some(REQUEST));
    assert_eq!(login.session_not_on_or_after(), Some(at("2026-01-01T08:00:00Z")));
    assert_eq!(login.authn_instant(), Some(at("2026-01-01T00:00:00Z")));
    assert_eq!(login.in_response_to(), Some(REQUEST));
    assert_eq!(login.accepted_at(), at(NOW));
    assert_eq!(login.evidence().len(), 2);
    let debugged = format!("{login:?} {attributes:?} {name_id:?}");
    assert!(!debugged.contains("ada") && !debugged.contains("pairwise"), "{debugged}");
}

#[test]
fn the_ledger_is_complete_whatever_fails() {
    let receiver = okta(NOW);
    let rules = |ledger: &vouchsafe_assertion::Ledger| -> Vec<&'static str> {
        ledger.checks().iter().map(|check| check.rule()).collect()
    };
    let login = receiver.receive(good(|r| r).issue().unwrap().xml().as_bytes()).unwrap();
    let mut all = rules(login.ledger());
    assert_eq!(all.pop(), Some("assertion.first_use"));

    let everything_wrong = good(|r| r)
        .destination("https://x.example/")
        .recipient("https://x.example/")
        .audience("https://x.example/")
        .not_on_or_after("2020-01-01T00:00:00Z")
        .response_in_response_to("_x")
        .issue()
        .unwrap();
    let refusal = receiver.receive(everything_wrong.xml().as_bytes()).unwrap_err();
    assert_eq!(refusal.code(), "assertion.destination");
    assert_eq!(rules(refusal.ledger()), all);
    let failed: Vec<_> = refusal.ledger().failed().map(|check| check.rule()).collect();
    let expected = [
        "response.destination",
        "response.in_response_to",
        "subject.recipient",
        "conditions.not_on_or_after",
        "conditions.audience",
    ];
    assert_eq!(failed, expected);

    let audience = refusal.ledger().check("conditions.audience").unwrap();
    assert_eq!((audience.outcome(), audience.expected_text()), (Outcome::Failed, SP));
    assert_eq!(audience.actual_text(), "https://x.example/");
    let json = serde_json::to_string(refusal.ledger()).unwrap();
    assert!(!json.contains("ada@example.com"), "{json}");
    assert!(
        serde_json::to_string(&refusal.ledger().with_personal_values()).unwrap().contains("ada@example.com")
    );
}

#[test]
fn a_replay_is_refused_and_a_proof_is_for_one_assertion() {
    let receiver = okta(NOW);
    let valid =
        |id: &str| receiver.validate(good(|r| r).assertion_id(id).issue().unwrap().xml().as_bytes()).unwrap();
    let (one, same, other) = (valid("_1"), valid("_1"), valid("_2"));
    assert_eq!(one.replay_key(), same.replay_key());
    assert_ne!(one.replay_key(), other.replay_key());
    assert_eq!(one.replay_key().hash().len(), 64);
    // The end of the window and the skew: the first instant at which it is refused for its age.
    assert_eq!(one.replay_key().expires_at(), at("2026-01-01T00:06:00Z"));
    assert_eq!(same.replay_key().recorded(false).unwrap_err().code(), "assertion.replayed");
    let proof = other.replay_key().recorded(true).unwrap();
    assert_eq!(one.confirm(proof).unwrap_err().code(), "assertion.other_assertion");
}

#[test]
fn a_key_is_kept_for_as_long_as_any_confirmation_could_be_met() {
    let later = confirmation(BEARER, ACS).replace("2026-01-01T00:05:00Z", "2026-01-01T00:04:30Z");
    let issued = good(|r| r)
        .subject_not_on_or_after("2026-01-01T00:02:00Z")
        .insert(Place::Subject, later)
        .issue()
        .unwrap();
    let valid = okta(NOW).validate(issued.xml().as_bytes()).unwrap();
    assert_eq!(valid.replay_key().expires_at(), at("2026-01-01T00:05:30Z"));
}

#[test]
fn one_customer_cannot_speak_for_another() {
    // The other identity provider's key is trusted, for itself.
    let receiver = okta(NOW);
    let claims_to_be_okta = IdentityProvider::other()
        .response()
        .in_response_to(REQUEST)
        .issuer(vouchsafe_testkit::OKTA_ENTITY_ID)
        .issue()
        .unwrap();
    let refusal = receiver.receive(claims_to_be_okta.xml().as_bytes()).unwrap_err();
    assert_eq!(refusal.code(), "signature.not_verified");
    // Signed by the right key under another's name.
    for signed in [Signed::Both, Signed::Response, Signed::Assertion] {
        for change in [
            (|r: ResponseBuilder| r.issuer("http://www.okta.com/exk2other0000other0h7")) as Change,
            |r| r.assertion_issuer("http://www.okta.com/exk2other0000other0h7"),
            |r| r.response_issuer("http://www.okta.com/exk2other0000other0h7"),
        ] {
            let issued = good(change).sign(signed).issue().unwrap();
            assert_eq!(receiver.receive(issued.xml().as_bytes()).unwrap_err().code(), "assertion.issuer");
        }
    }
}

fn good(change: Change) -> ResponseBuilder {
    let response = IdentityProvider::okta().response().in_response_to(REQUEST);
    change(response.attribute(Attribute::new("user.email", ["ada@example.com"])))
}

fn saml(name: &str, attributes: &str) -> String {
    format!("<saml2:{name} xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\"{attributes}/>")
}

fn name(value: &str) -> String {
    format!("<saml2:NameID xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\">{value}</saml2:NameID>")
}

fn confirmation(method: &str, recipient: &str) -> String {
    format!(
        "<saml2:SubjectConfirmation xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\" Method=\"{method}\">\
         <saml2:SubjectConfirmationData InResponseTo=\"{REQUEST}\" NotOnOrAfter=\"2026-01-01T00:05:00Z\" \
         Recipient=\"{recipient}\"/></saml2:SubjectConfirmation>"
    )
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

fn advice() -> String {
    format!("<saml2:Advice xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\">{}</saml2:Advice>", forged())
}
