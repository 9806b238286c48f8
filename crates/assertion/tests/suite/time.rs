//! Times that a setting or a request controls: a NotBefore in the confirmation, and an answer that is older than its
//! request.

use std::time::Duration;

use crate::common::{BEARER, Change, REQUEST, Receiver, at, confirmation, good, okta};
use vouchsafe_assertion::{Correlation, Expectations, MessageId, Outcome, OutstandingRequest};
use vouchsafe_testkit::{Place, Signed};

const NOW: &str = "2026-01-01T00:01:00Z";

fn tolerant() -> Receiver {
    let receiver = okta(NOW);
    let trust = receiver.trust.clone().tolerate_confirmation_not_before();
    assert!(trust.tolerates_confirmation_not_before() && !receiver.trust.tolerates_confirmation_not_before());
    Receiver { trust, ..receiver }
}

fn code(receiver: &Receiver, change: Change) -> &'static str {
    receiver
        .receive(good(change).issue().unwrap().xml().as_bytes())
        .map_or_else(|refusal| refusal.code(), |_| "")
}

#[test]
fn a_start_of_the_confirmation_is_a_window_where_it_is_tolerated() {
    let cases: [(&str, Change, &str); 9] = [
        ("none", |r| r, ""),
        ("one that is past", |r| r.subject_not_before("2025-12-31T23:55:00Z"), ""),
        ("one that the skew reaches", |r| r.subject_not_before("2026-01-01T00:02:00Z"), ""),
        (
            "one that the skew does not reach",
            |r| r.subject_not_before("2026-01-01T00:02:00.000000001Z"),
            "assertion.not_yet_valid",
        ),
        ("no time", |r| r.subject_not_before("soon"), "assertion.malformed"),
        (
            "the end before the start",
            |r| r.subject_not_before("2026-01-01T00:01:20Z").subject_not_on_or_after("2026-01-01T00:01:10Z"),
            "assertion.inverted_window",
        ),
        (
            "the end at the start",
            |r| r.subject_not_before("2026-01-01T00:01:20Z").subject_not_on_or_after("2026-01-01T00:01:20Z"),
            "assertion.inverted_window",
        ),
        (
            "an end that is past",
            |r| r.subject_not_before("2025-12-31T23:00:00Z").subject_not_on_or_after("2025-12-31T23:55:00Z"),
            "assertion.confirmation_expired",
        ),
        (
            "a second confirmation that holds",
            |r| {
                r.subject_not_before("2027-01-01T00:00:00Z")
                    .insert(Place::Subject, confirmation(BEARER, vouchsafe_testkit::ASSERTION_CONSUMER))
            },
            "",
        ),
    ];
    let (tolerant, strict) = (tolerant(), okta(NOW));
    for (name, change, expected) in cases {
        assert_eq!(code(&tolerant, change), expected, "{name}");
        if !["none", "a second confirmation that holds"].contains(&name) {
            assert_eq!(code(&strict, change), "assertion.confirmation_not_before", "{name}");
        }
    }
}

#[test]
fn the_ledger_says_that_a_start_does_not_conform() {
    let issued = good(|r| r.subject_not_before("2025-12-31T23:55:00Z")).issue().unwrap();
    let login = tolerant().receive(issued.xml().as_bytes()).unwrap();
    let check = login.ledger().check("subject.not_before").unwrap();
    assert_eq!((check.outcome(), check.expected_text().as_ref()), (Outcome::Passed, "none"));
    assert!(check.actual_text().starts_with("2025-12-31T23:55:00Z, "), "{check:?}");
    assert!(check.actual_text().contains("the message does not conform"), "{check:?}");
    let refusal = okta(NOW).receive(issued.xml().as_bytes()).unwrap_err();
    assert!(refusal.hint().contains("tolerate_confirmation_not_before"));
    let early = good(|r| r.subject_not_before("2026-01-01T01:00:00Z")).issue().unwrap();
    let refusal = tolerant().receive(early.xml().as_bytes()).unwrap_err();
    assert!(refusal.to_string().starts_with("SubjectConfirmationData/@NotBefore: 2026-01-01T01:00:00Z"));
    assert_eq!(refusal.check().unwrap().rule(), "subject.not_before");
}

/// The request was issued at 00:00:00.7, and the skew is 60 seconds.
#[test]
fn an_answer_is_not_older_than_its_request() {
    let asked = |at: &str, skew: u64| {
        let receiver = okta(NOW);
        let request = OutstandingRequest::new(MessageId::new(REQUEST).unwrap(), crate::common::at(at));
        let expectations = &receiver.expectations;
        let expectations = Expectations::new(
            expectations.entity_id().clone(),
            expectations.assertion_consumer(),
            Correlation::Reply(request),
        )
        .with_clock_skew(Duration::from_secs(skew))
        .unwrap();
        Receiver { expectations, ..receiver }
    };
    let receiver = asked("2026-01-01T00:00:00.7Z", 60);
    let cases: [(Change, &str); 7] = [
        (|r| r, ""),
        (|r| r.response_issue_instant("2025-12-31T23:59:00Z"), ""),
        (|r| r.response_issue_instant("2025-12-31T23:58:59.999Z"), "assertion.issued_before_request"),
        (|r| r.assertion_issue_instant("2025-12-31T23:59:00Z"), ""),
        (|r| r.assertion_issue_instant("2025-12-31T23:58:59.999999999Z"), "assertion.issued_before_request"),
        // A missed bound of validity explains better that the clocks differ, and so does an invalid time.
        (
            |r| r.response_issue_instant("2025-12-31T22:00:00Z").not_on_or_after("2025-12-31T23:00:00Z"),
            "assertion.expired",
        ),
        (|r| r.response_issue_instant("then"), "assertion.malformed"),
    ];
    for (change, expected) in cases {
        for signed in [Signed::Both, Signed::Assertion] {
            let issued = good(change).sign(signed).issue().unwrap();
            let code =
                receiver.receive(issued.xml().as_bytes()).map_or_else(|refusal| refusal.code(), |_| "");
            assert_eq!(code, expected, "{signed:?}");
        }
    }
    // The identity provider answers within the same second and writes whole seconds; there is no skew.
    assert_eq!(code(&asked("2026-01-01T00:00:00.7Z", 0), |r| r), "");
    assert_eq!(code(&asked("2026-01-01T00:00:01Z", 0), |r| r), "assertion.issued_before_request");

    let refusal =
        asked("2026-01-01T00:02:00Z", 60).receive(good(|r| r).issue().unwrap().xml().as_bytes()).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "Response/@IssueInstant: 2026-01-01T00:00:00Z is earlier than the request, 2026-01-01T00:02:00Z, with 60 s of skew"
    );
    assert_eq!(refusal.check().unwrap().rule(), "response.issued_after");
    assert_eq!(
        refusal.check().unwrap().expected_text(),
        "no earlier than the request at 2026-01-01T00:02:00Z - 60 s"
    );
    assert!(refusal.hint().contains("start the sign-in again"));
}

#[test]
fn the_ends_of_the_calendar_are_no_way_round() {
    let receiver = okta(NOW);
    let at_the_end = |issued_at| Receiver {
        expectations: Expectations::new(
            receiver.expectations.entity_id().clone(),
            receiver.expectations.assertion_consumer(),
            Correlation::Reply(OutstandingRequest::new(MessageId::new(REQUEST).unwrap(), issued_at)),
        ),
        ..receiver.clone()
    };
    assert_eq!(code(&at_the_end(chrono::DateTime::<chrono::Utc>::MIN_UTC), |r| r), "");
    assert_eq!(
        code(&at_the_end(chrono::DateTime::<chrono::Utc>::MAX_UTC), |r| r),
        "assertion.issued_before_request"
    );
    assert_eq!(code(&at_the_end(at("2026-01-01T00:00:00Z")), |r| r), "");
}

#[test]
fn what_answers_nothing_is_not_held_against_a_request() {
    let receiver = okta(NOW);
    let unsolicited = Receiver {
        expectations: Expectations::new(
            receiver.expectations.entity_id().clone(),
            receiver.expectations.assertion_consumer(),
            Correlation::Unsolicited,
        ),
        ..receiver
    };
    let issued = vouchsafe_testkit::IdentityProvider::okta().response().issue().unwrap();
    let login = unsolicited.receive(issued.xml().as_bytes()).unwrap();
    for rule in ["response.issued_after", "assertion.issued_after"] {
        assert_eq!(login.ledger().check(rule).unwrap().outcome(), Outcome::Skipped, "{rule}");
    }
}
