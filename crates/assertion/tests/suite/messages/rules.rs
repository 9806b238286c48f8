//! Every rule, with the last value that it accepts and values that it refuses.

use std::time::Duration;

use vouchsafe_assertion::{MessageExpectations, Outcome};
use vouchsafe_metadata::EntityId;
use vouchsafe_testkit::{IdentityProvider, LogoutBuilder, SERVICE_PROVIDER, SINGLE_LOGOUT};

use super::{Address, address, code};
use crate::common::at;

type Change = fn(LogoutBuilder) -> LogoutBuilder;

const LONG: &str = "https://an.entity.of/its/own";

/// The code for a request with one fault, over a browser binding and over SOAP.
#[test]
fn each_rule_refuses_what_it_is_about() {
    let cases: &[(Change, &str, &str)] = &[
        (|m| m, "accepted", "accepted"),
        (|m| m.version("1.1"), "message.version", "message.version"),
        (|m| m.version("2.0 "), "message.version", "message.version"),
        // The allowed issue time: five minutes of age and one of skew before, six minutes after.
        (|m| m.at(at("2025-12-31T23:55:00Z")), "accepted", "accepted"),
        (|m| m.at(at("2025-12-31T23:54:59Z")), "message.issue_instant", "message.issue_instant"),
        (|m| m.at(at("2026-01-01T00:07:00Z")), "accepted", "accepted"),
        (|m| m.at(at("2026-01-01T00:07:01Z")), "message.issue_instant", "message.issue_instant"),
        (|m| m.issue_instant("yesterday"), "assertion.malformed", "assertion.malformed"),
        // The end of a request.
        (|m| m.not_on_or_after("2026-01-01T00:00:01Z"), "accepted", "accepted"),
        (|m| m.not_on_or_after("2026-01-01T00:00:00Z"), "message.expired", "message.expired"),
        (|m| m.not_on_or_after("2020-01-01T00:00:00Z"), "message.expired", "message.expired"),
        (|m| m.not_on_or_after("never"), "assertion.malformed", "assertion.malformed"),
        // The address.
        (|m| m.destination(None), "message.destination", "message.destination"),
        (|m| m.destination(Some("")), "message.destination", "message.destination"),
        (
            |m| m.destination(Some("https://app.example.com/saml/slo/")),
            "message.destination",
            "message.destination",
        ),
        (
            |m| m.destination(Some("https://app.example.com/saml/slo?x")),
            "message.destination",
            "message.destination",
        ),
        (
            |m| m.destination(Some("https://APP.example.com/saml/slo")),
            "message.destination",
            "message.destination",
        ),
        (
            |m| m.destination(Some("https://app.example.com/saml")),
            "message.destination",
            "message.destination",
        ),
        // The sender.
        (|m| m.issuer(None), "message.issuer", "message.issuer"),
        (|m| m.issuer(Some(LONG)), "message.issuer", "message.issuer"),
        (
            |m| m.issuer_format("urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"),
            "message.issuer_format",
            "message.issuer_format",
        ),
        (|m| m.issuer_format("urn:oasis:names:tc:SAML:2.0:nameid-format:entity"), "accepted", "accepted"),
        // The person.
        (|m| m.name_id(""), "message.name_id", "message.name_id"),
        (|m| m.without_name_id(), "assertion.schema", "assertion.schema"),
        (
            |m| {
                m.without_name_id().raw("<saml:BaseID xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"/>")
            },
            "message.name_id",
            "message.name_id",
        ),
        (
            |m| {
                m.name_id("x".repeat(257))
                    .name_id_format(Some("urn:oasis:names:tc:SAML:2.0:nameid-format:transient"))
            },
            "message.name_id",
            "message.name_id",
        ),
        (|m| m.name_id("x".repeat(257)), "accepted", "accepted"),
        (|m| m.name_id("ä".repeat(1_024)), "accepted", "accepted"),
        (|m| m.name_id("ä".repeat(1_025)), "message.name_id", "message.name_id"),
        (|m| m.qualifiers(Some(&"x".repeat(1_025)), None), "message.name_id", "message.name_id"),
        (|m| m.qualifiers(None, Some(&"x".repeat(1_025))), "message.name_id", "message.name_id"),
        // The sessions.
        (|m| (0..100).fold(m, |m, index| m.session_index(index.to_string())), "accepted", "accepted"),
        (
            |m| (0..101).fold(m, |m, index| m.session_index(index.to_string())),
            "message.session_indexes",
            "message.session_indexes",
        ),
        (|m| m.session_index("ä".repeat(1_024)), "accepted", "accepted"),
        (
            |m| m.session_index("s1").session_index("ä".repeat(1_025)),
            "message.session_indexes",
            "message.session_indexes",
        ),
        (|m| m.extensions("<x:any xmlns:x=\"urn:x\"/>"), "accepted", "accepted"),
        (|m| m.raw("<x:any xmlns:x=\"urn:x\"/>"), "assertion.schema", "assertion.schema"),
        (|m| m.in_response_to(Some("_1")), "assertion.schema", "assertion.schema"),
    ];
    let address = address();
    for (change, front, back) in cases {
        let message = change(IdentityProvider::okta().logout_request());
        let shown = message.xml().unwrap();
        assert_eq!(code(address.by_redirect(&message)), *front, "redirect: {shown}");
        assert_eq!(code(address.by_post(&message)), *front, "post: {shown}");
        assert_eq!(code(address.by_soap(&message)), *back, "soap: {shown}");
    }
}

/// An answer could not repeat this ID.
#[test]
fn an_identifier_is_one() {
    let address = address();
    for (id, expected) in [
        ("_1", "accepted"),
        ("white space", "assertion.schema"),
        ("", "assertion.schema"),
        (&"x".repeat(1025), "assertion.message_id"),
    ] {
        assert_eq!(
            code(address.by_redirect(&IdentityProvider::okta().logout_request().id(id))),
            expected,
            "{id}"
        );
    }
}

#[test]
fn an_answer_names_the_request_that_waits() {
    let answer = |id: &str| IdentityProvider::okta().logout_response(id);
    let waiting = || address().answering("_request");
    assert_eq!(code(waiting().by_post(&answer("_request"))), "accepted");
    for wrong in ["_other", "", " _request", "_REQUEST"] {
        assert_eq!(code(waiting().by_post(&answer(wrong))), "message.in_response_to", "{wrong}");
    }
    let none = answer("_request").in_response_to(None);
    assert_eq!(code(waiting().by_post(&none)), "message.in_response_to");
    assert_eq!(code(address().by_post(&answer("_request"))), "message.in_response_to", "nobody asked");
    assert_eq!(code(address().by_post(&none)), "message.in_response_to", "nothing answers nothing");
}

/// The request was issued at midnight, and the skew is one minute.
#[test]
fn an_answer_is_not_older_than_its_request() {
    let answer = |time| IdentityProvider::okta().logout_response("_request").at(at(time));
    let waiting = || address().answering("_request");
    assert_eq!(code(waiting().by_post(&answer("2025-12-31T23:59:00Z"))), "accepted");
    assert_eq!(code(waiting().by_post(&answer("2025-12-31T23:58:59Z"))), "message.issued_before_request");
}

/// A longer skew moves every bound; more than five minutes are not allowed.
#[test]
fn the_skew_moves_the_bounds() {
    let entity_id = EntityId::new(SERVICE_PROVIDER).unwrap();
    let with = |expectations: MessageExpectations| Address { expectations, ..address() };
    let expectations = || MessageExpectations::new(entity_id.clone(), SINGLE_LOGOUT);
    let request = |time| IdentityProvider::okta().logout_request().at(at(time));
    let wide = with(expectations().with_clock_skew(Duration::from_secs(300)).unwrap());
    assert_eq!(code(wide.by_post(&request("2025-12-31T23:51:00Z"))), "accepted");
    assert_eq!(code(wide.by_post(&request("2025-12-31T23:50:59Z"))), "message.issue_instant");
    let ended = IdentityProvider::okta().logout_request().not_on_or_after("2025-12-31T23:56:01Z");
    assert_eq!(code(wide.by_post(&ended)), "accepted");
    let short = with(expectations().with_maximum_age(Duration::from_secs(30)));
    assert_eq!(code(short.by_post(&request("2025-12-31T23:59:30Z"))), "accepted");
    assert_eq!(code(short.by_post(&request("2025-12-31T23:59:29Z"))), "message.issue_instant");
    assert_eq!(
        expectations().with_clock_skew(Duration::from_secs(301)).unwrap_err().code(),
        "assertion.clock_skew"
    );
    let none = expectations().with_clock_skew(Duration::ZERO).unwrap();
    assert_eq!(none.clock_skew(), Duration::ZERO);
    assert_eq!(none.with_maximum_age(Duration::ZERO).maximum_age(), Duration::ZERO);
}

/// A record is kept at least as long as the message could be accepted.
#[test]
fn a_replay_is_known_for_as_long_as_it_could_be_accepted() {
    let address = address();
    let key = |message: &LogoutBuilder| {
        let claimed = address.posted(&message.signed().unwrap()).unwrap();
        address.valid(claimed).unwrap().replay_key()
    };
    let request = IdentityProvider::okta().logout_request();
    assert_eq!(key(&request).expires_at(), at("2026-01-01T00:06:00Z"));
    let shorter = key(&request.clone().not_on_or_after("2026-01-01T00:03:00Z"));
    assert_eq!(shorter.expires_at(), at("2026-01-01T00:04:00Z"));
    let longer = key(&request.clone().not_on_or_after("2036-01-01T00:03:00Z"));
    assert_eq!(longer.expires_at(), at("2026-01-01T00:06:00Z"));
    assert_eq!(shorter.hash(), longer.hash(), "it is the ID that counts");
    assert_ne!(key(&request.clone().id("_2")).hash(), shorter.hash());
    assert_eq!(shorter.hash().len(), 64);
}

#[test]
fn a_message_is_confirmed_once_and_with_its_own_record() {
    let address = address();
    let valid = |id: &str| {
        let request = IdentityProvider::okta().logout_request().id(id);
        address.valid(address.posted(&request.signed().unwrap()).unwrap()).unwrap()
    };
    let (first, again, other) = (valid("_1"), valid("_1"), valid("_2"));
    let recorded = first.replay_key().recorded(true);
    assert!(first.confirm(recorded).is_ok());
    let recorded = again.replay_key().recorded(false);
    let refusal = again.confirm(recorded).unwrap_err();
    assert_eq!(refusal.code(), "message.replayed");
    assert_eq!(refusal.check().unwrap().rule(), "message.first_use");
    assert!(refusal.ledger().checks().len() > 10);
    let recorded = valid("_1").replay_key().recorded(true);
    assert_eq!(code(other.confirm(recorded)), "message.other_message");
}

/// Every rule is in the ledger, even if one fails, and the first failed rule gives the code.
#[test]
fn the_ledger_is_whole_on_failure() {
    let wrong = IdentityProvider::okta()
        .logout_request()
        .version("1.1")
        .destination(Some("https://other.example/"))
        .not_on_or_after("2020-01-01T00:00:00Z");
    let refusal = address().by_post(&wrong).unwrap_err();
    assert_eq!(refusal.code(), "message.version");
    let failed: Vec<_> = refusal.ledger().failed().map(|check| check.rule()).collect();
    assert_eq!(failed, ["message.version", "message.destination", "message.not_on_or_after"]);
    assert_eq!(refusal.ledger().check("message.issuer").unwrap().outcome(), Outcome::Passed);
    assert_eq!(refusal.connection().map(|id| id.as_str()), Some("acme"));
    assert!(!refusal.hint().is_empty() && !refusal.explain().contains("ada@"));
}
