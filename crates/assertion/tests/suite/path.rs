//! The inputs and the results of the path: correlation, ages, logins, the ledger, replays, customers.

use std::time::Duration;

use crate::common::{AUTHN_BY_REFERENCE, BEARER, Change, REQUEST, Receiver, at, confirmation, good, okta};
use vouchsafe_assertion::{Correlation, Expectations, Outcome};
use vouchsafe_testkit::{Attribute, IdentityProvider, Part, Place, ResponseBuilder, Signed, keys};

const NOW: &str = "2026-01-01T00:01:00Z";
const ACS: &str = vouchsafe_testkit::ASSERTION_CONSUMER;
const SP: &str = vouchsafe_testkit::SERVICE_PROVIDER;

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
    let fresh = with(|e| e.with_maximum_authentication_age(Duration::from_secs(30)));
    assert_eq!(outcome(&fresh, |r| r.authn_instant("2025-12-31T23:59:30Z")), "");
    assert_eq!(
        outcome(&fresh, |r| r.authn_instant("2025-12-31T23:59:29.999999999Z")),
        "assertion.authn_instant"
    );
    assert_eq!(outcome(&fresh, |r| r.authn_instant("2026-01-01T00:07:00Z")), "");
    assert_eq!(outcome(&fresh, |r| r.authn_instant("2026-01-01T00:07:00.001Z")), "assertion.authn_instant");
    let recent = with(|e| e.with_maximum_message_age(Duration::from_secs(30)));
    assert_eq!(outcome(&recent, |r| r.assertion_issue_instant("2025-12-31T23:59:30Z")), "");
    assert_eq!(
        outcome(&recent, |r| r.assertion_issue_instant("2025-12-31T23:59:29.999Z")),
        "assertion.issue_instant"
    );
    let strong = with(|e| e.with_authn_contexts(["urn:example:strong", "urn:example:stronger"]));
    assert_eq!(outcome(&strong, |r| r.authn_context("urn:example:stronger")), "");
    assert_eq!(outcome(&strong, |r| r), "assertion.authn_context");
    assert_eq!(
        outcome(&strong, |r| r.omit(Part::AuthnStatement).insert(Place::AssertionEnd, AUTHN_BY_REFERENCE)),
        "assertion.authn_context"
    );
    let exact = with(|e| e.with_clock_skew(Duration::ZERO).unwrap());
    assert_eq!(outcome(&exact, |r| r.subject_not_on_or_after(NOW)), "assertion.confirmation_expired");
    assert_eq!(outcome(&exact, |r| r.subject_not_on_or_after("2026-01-01T00:01:00.000000001Z")), "");
}

/// A logout request may name any of them (saml-core-2.0-os 2.7.2, 3.7.1), whichever of the statements is the one that was asked for.
#[test]
fn the_sessions_of_all_statements_are_told() {
    let receiver = okta(NOW);
    let indexes = |receiver: &Receiver, change: Change| {
        let issued = good(change).issue().unwrap();
        let login = receiver.receive(issued.xml().as_bytes()).unwrap();
        login.session_indexes().to_vec()
    };
    assert_eq!(
        indexes(&receiver, |r| r.session_index("s2").further_session_index("s1").further_session_index("s2")),
        ["s2", "s1"]
    );
    assert_eq!(indexes(&receiver, |r| r.omit(Part::SessionIndex)), [""; 0]);
    // One that a logout request cannot name.
    let long = |r: ResponseBuilder| r.session_index("s1").further_session_index("s".repeat(1_025));
    assert_eq!(indexes(&receiver, long), ["s1"]);
    let strong = receiver
        .expectations
        .clone()
        .with_authn_contexts(["urn:oasis:names:tc:SAML:2.0:ac:classes:Password"]);
    let strong = Receiver { expectations: strong, ..receiver };
    let both = |r: ResponseBuilder| {
        let context = "urn:oasis:names:tc:SAML:2.0:ac:classes:Password";
        r.session_index("weak").authn_context("urn:example:weak").insert(
            Place::AssertionEnd,
            format!(
                "<saml2:AuthnStatement xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\" AuthnInstant=\"2026-01-01T00:00:00Z\" SessionIndex=\"strong\">\
                 <saml2:AuthnContext><saml2:AuthnContextClassRef>{context}</saml2:AuthnContextClassRef></saml2:AuthnContext></saml2:AuthnStatement>"
            ),
        )
    };
    assert_eq!(indexes(&strong, both), ["weak", "strong"]);
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
    assert_eq!(login.session_indexes(), [REQUEST]);
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
        "conditions.window",
        "conditions.audience",
    ];
    assert_eq!(failed, expected);

    let audience = refusal.ledger().check("conditions.audience").unwrap();
    assert_eq!((audience.outcome(), audience.expected_text().as_ref()), (Outcome::Failed, SP));
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
    // The end of validity plus the skew is the first instant at which it is refused for its age.
    assert_eq!(one.replay_key().expires_at(), at("2026-01-01T00:06:00Z"));
    let again = same.replay_key().recorded(false);
    assert!(!again.is_first());
    let replayed = same.confirm(again).unwrap_err();
    assert_eq!(replayed.code(), "assertion.replayed");
    assert_eq!(replayed.check().unwrap().rule(), "assertion.first_use");
    assert!(replayed.ledger().checks().len() > 30, "the whole ledger comes with it");
    let of_another = other.replay_key().recorded(true);
    assert_eq!(one.confirm(of_another).unwrap_err().code(), "assertion.other_assertion");
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
    // The other identity provider's key is trusted only for itself.
    let receiver = okta(NOW);
    let claims_to_be_okta = IdentityProvider::other()
        .response()
        .in_response_to(REQUEST)
        .issuer(vouchsafe_testkit::OKTA_ENTITY_ID)
        .issue()
        .unwrap();
    let refusal = receiver.receive(claims_to_be_okta.xml().as_bytes()).unwrap_err();
    assert_eq!(refusal.code(), "signature.not_verified");
    // A claimed issuer other than the owner of these keys is refused before any key is used.
    let foreign = good(|r| r).issuer("http://www.okta.com/exk2other0000other0h7").issue().unwrap();
    let refusal = receiver.receive(foreign.xml().as_bytes()).unwrap_err();
    assert_eq!(refusal.check().unwrap().rule(), "response.claimed_issuer");
    assert!(refusal.ledger().check("response.signature").is_none());
    // The right key signed under another issuer.
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

#[test]
fn keys_that_change_and_keys_that_are_too_weak() {
    let receiver = okta(NOW);
    let metadata = IdentityProvider::okta()
        .with_next_certificate(keys::identity_provider_p256().certificate())
        .metadata()
        .unwrap();
    let both = vouchsafe_metadata::IdentityProvider::from_metadata(metadata.as_bytes()).unwrap();
    let rollover = Receiver {
        trust: vouchsafe_assertion::Trust::new(crate::common::connection(), &both, &receiver.provider)
            .unwrap(),
        ..receiver.clone()
    };
    let next = good(|r| r.key(keys::identity_provider_p256())).issue().unwrap();
    assert_eq!(receiver.receive(next.xml().as_bytes()).unwrap_err().code(), "signature.no_fitting_key");
    assert!(rollover.receive(next.xml().as_bytes()).is_ok());
    assert!(rollover.receive(good(|r| r).issue().unwrap().xml().as_bytes()).is_ok());

    let weak =
        vouchsafe_testkit::KeyPair::generate(vouchsafe_crypto::KeyKind::Rsa { bits: 1024 }, "weak").unwrap();
    let metadata = IdentityProvider::okta().with_key(&weak).metadata().unwrap();
    let only_weak = vouchsafe_metadata::IdentityProvider::from_metadata(metadata.as_bytes()).unwrap();
    let error = vouchsafe_assertion::Trust::new(crate::common::connection(), &only_weak, &receiver.provider)
        .unwrap_err();
    assert_eq!(error.code(), "assertion.no_usable_key");
    let mixed = only_weak.with_signing_certificate(keys::identity_provider().certificate().clone());
    let trust =
        vouchsafe_assertion::Trust::new(crate::common::connection(), &mixed, &receiver.provider).unwrap();
    assert_eq!((trust.keys().len(), trust.unusable_keys().len()), (1, 1));
}

#[test]
fn everything_can_cross_threads() {
    fn crosses<T: Send + Sync>() {}
    crosses::<vouchsafe_assertion::Refusal>();
    crosses::<vouchsafe_assertion::Trust>();
    crosses::<vouchsafe_assertion::ValidAssertion>();
    crosses::<vouchsafe_assertion::Claimed>();
    crosses::<vouchsafe_assertion::Recorded>();
    crosses::<vouchsafe_assertion::Login>();
}
