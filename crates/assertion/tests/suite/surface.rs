//! The public data of each value, and the data that it hides.

use std::error::Error as _;
use std::time::Duration;

use vouchsafe_assertion::{
    AssertionError, Claimed, Correlation, Expectations, MessageId, Outcome, OutstandingRequest, Refusal,
    SignaturePolicy, authenticate,
};
use vouchsafe_metadata::EntityId;
use vouchsafe_testkit::{OKTA_ENTITY_ID, Part, Place, SERVICE_PROVIDER, Signed};
use vouchsafe_xml::{Document, Limits};

use crate::common::{REQUEST, at, good, okta};

const NOW: &str = "2026-01-01T00:01:00Z";

/// At each step, the issuer and the keys are visible, and the person is not.
#[test]
fn every_step_tells_who_signed_and_nothing_of_the_person() {
    let receiver = okta(NOW);
    let issued = good(|r| r).issue().unwrap();
    let claimed = Claimed::parse(issued.xml().as_bytes(), &receiver.limits).unwrap();
    assert_eq!(claimed.issuer().unwrap().as_str(), OKTA_ENTITY_ID);
    assert_eq!(claimed.in_response_to(), Some(REQUEST));
    let shown = format!("{claimed:?}");
    assert!(shown.contains(OKTA_ENTITY_ID) && !shown.contains("ada@"), "{shown}");

    let trust = receiver.whole_trust();
    let authentic = authenticate(claimed, &trust, &receiver.limits).unwrap();
    assert_eq!(authentic.connection().as_str(), "acme");
    let signed: Vec<_> = authentic.evidence().iter().map(|evidence| evidence.element().to_owned()).collect();
    assert_eq!(signed, ["Response", "Assertion"]);
    let mut texts = vec![format!("{authentic:?}")];
    let assertion = authentic.read().unwrap();
    texts.push(format!("{assertion:?}"));
    let valid = assertion.validate(&receiver.expectations, receiver.now).unwrap();
    assert_eq!(valid.issuer().as_str(), OKTA_ENTITY_ID);
    assert_eq!(valid.evidence().len(), 2);
    assert!(valid.ledger().checks().len() > 30);
    assert!(valid.ledger().check("assertion.first_use").is_none());
    texts.push(format!("{valid:?}"));
    assert!(texts[2].contains(valid.replay_key().hash()));
    let recorded = valid.replay_key().recorded(true);
    assert!(format!("{recorded:?}").contains("is_first: true"));
    let login = valid.confirm(recorded).unwrap();
    assert_eq!(login.connection().as_str(), "acme");
    texts.push(format!("{login:?}"));
    for text in texts {
        assert!(text.contains(OKTA_ENTITY_ID) && !text.contains("ada@"), "{text}");
    }
}

/// The claimed issuer is the Response's own, or that of the only plain Assertion; never one of two.
#[test]
fn the_claimed_issuer_is_that_of_the_response_or_of_the_only_assertion() {
    type Change = fn(vouchsafe_testkit::ResponseBuilder) -> vouchsafe_testkit::ResponseBuilder;
    let other = "https://other.example";
    let cases: [(Change, Option<&str>); 5] = [
        (|r| r.assertion_issuer("https://other.example"), Some(OKTA_ENTITY_ID)),
        (|r| r.response_issuer("https://other.example"), Some(other)),
        (|r| r.omit(Part::ResponseIssuer), Some(OKTA_ENTITY_ID)),
        (|r| r.omit(Part::ResponseIssuer).omit(Part::AssertionIssuer), None),
        (
            |r| {
                let second = "<a:Assertion xmlns:a=\"urn:oasis:names:tc:SAML:2.0:assertion\"/>";
                r.omit(Part::ResponseIssuer).insert(vouchsafe_testkit::Place::AfterAssertion, second)
            },
            None,
        ),
    ];
    for (change, expected) in cases {
        let issued = good(change).issue().unwrap();
        let claimed = Claimed::parse(issued.xml().as_bytes(), &Limits::default()).unwrap();
        assert_eq!(claimed.issuer().map(|id| id.as_str()), expected);
    }
}

/// Another element is refused, even if it contains a good assertion.
#[test]
fn another_element_than_a_response_is_refused_at_each_door() {
    let xml = good(|r| r.sign(Signed::Assertion)).issue().unwrap().into_xml();
    let receiver = okta(NOW);
    receiver.receive(xml.as_bytes()).unwrap();
    for other in [
        xml.replace("p:Response", "p:ArtifactResponse"),
        xml.replace("urn:oasis:names:tc:SAML:2.0:protocol", "urn:oasis:names:tc:SAML:1.0:protocol"),
    ] {
        assert_ne!(other, xml);
        let refusal = Claimed::parse(other.as_bytes(), &receiver.limits).unwrap_err();
        assert_eq!(refusal.code(), "assertion.not_a_response");
        assert_eq!(receiver.receive(other.as_bytes()).unwrap_err().code(), "assertion.not_a_response");
    }
}

#[test]
fn a_login_gives_back_what_came() {
    let login = okta(NOW).receive(good(|r| r).issue().unwrap().xml().as_bytes()).unwrap();
    assert_eq!(login.issuer().as_str(), OKTA_ENTITY_ID);
    assert_eq!(login.assertion_id(), vouchsafe_testkit::ASSERTION_ID);
    assert_eq!(
        login.authn_context(),
        Some("urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport")
    );
    assert_eq!(login.session_not_on_or_after(), None);
    let name_id = login.name_id().unwrap();
    assert_eq!(name_id.format(), Some("urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"));
    assert!(name_id.is_email() && !name_id.is_persistent() && !name_id.is_transient());
    assert_eq!(
        (name_id.name_qualifier(), name_id.sp_name_qualifier(), name_id.sp_provided_id()),
        (None, None, None)
    );
    assert!(format!("{name_id:?}").contains("emailAddress"));

    let transient = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";
    let issued = good(|r| r).name_id_format(transient).omit(Part::SessionIndex).omit(Part::AuthnContext);
    // An AuthnContext is required; its class is not.
    let issued = issued
        .omit(Part::AuthnStatement)
        .insert(Place::AssertionEnd, crate::common::AUTHN_BY_REFERENCE)
        .issue();
    let login = okta(NOW).receive(issued.unwrap().xml().as_bytes()).unwrap();
    assert!(login.name_id().unwrap().is_transient() && !login.name_id().unwrap().is_email());
    assert_eq!((login.session_indexes(), login.authn_context()), (&[][..], None));
}

#[test]
fn what_is_expected_can_be_read_back() {
    let asked = at("2026-01-01T00:00:00.75Z");
    let request = OutstandingRequest::new(MessageId::new("_1").unwrap(), asked);
    assert_eq!((request.id().as_str(), request.issued_at()), ("_1", Some(asked)));
    let undated = OutstandingRequest::issued_at_unknown_time(MessageId::new("_1").unwrap());
    assert_eq!((undated.id(), undated.issued_at()), (request.id(), None));
    let expectations = Expectations::new(
        EntityId::new(SERVICE_PROVIDER).unwrap(),
        "https://app.example.com/acs",
        Correlation::Reply(request.clone()),
    );
    assert_eq!(expectations.entity_id().as_str(), SERVICE_PROVIDER);
    assert_eq!(expectations.assertion_consumer(), "https://app.example.com/acs");
    assert_eq!(expectations.correlation(), &Correlation::Reply(request));
    assert_eq!(expectations.clock_skew(), Duration::from_secs(60));
    assert_eq!((expectations.maximum_message_age(), expectations.maximum_authentication_age()), (None, None));
    assert!(expectations.requested_context().is_any());
    let set = expectations
        .with_maximum_message_age(Duration::ZERO)
        .with_maximum_authentication_age(Duration::from_secs(7))
        .with_authn_contexts(["urn:a"]);
    assert_eq!(set.maximum_message_age(), Some(Duration::ZERO));
    assert_eq!(set.maximum_authentication_age(), Some(Duration::from_secs(7)));
    assert_eq!(set.requested_context().classes(), ["urn:a"]);
    assert!(!set.requested_context().is_any() && set.requested_context().order().is_empty());

    let policy = SignaturePolicy::default();
    assert!(!policy.requires_signed_response() && !policy.requires_signed_assertion());
    let policy = policy.require_signed_assertion();
    assert!(!policy.requires_signed_response() && policy.requires_signed_assertion());
}

#[test]
fn identifiers_of_requests() {
    for good in ["_", "id-1", &"x".repeat(1024)] {
        let id = MessageId::new(good).unwrap();
        assert_eq!((id.as_str(), id.to_string().as_str()), (good, good));
    }
    for bad in ["", " ", "a b", "a\n", "\u{7f}", &"x".repeat(1025)] {
        let error = MessageId::new(bad).unwrap_err();
        assert_eq!(error.code(), "assertion.message_id");
        assert!(error.hint().contains("AuthnRequest"));
    }
}

#[test]
fn whom_to_believe_can_be_read_back() {
    let receiver = okta(NOW);
    assert_eq!(receiver.trust.entity_id().as_str(), OKTA_ENTITY_ID);
    assert_eq!(receiver.trust.keys().len(), 1);
    assert!(receiver.trust.unusable_keys().is_empty() && receiver.trust.scopes().is_empty());
}

#[test]
fn a_refusal_keeps_its_cause() {
    let xml: Refusal = Document::parse(b"<a", &Limits::default()).unwrap_err().into();
    assert!(xml.code().starts_with("xml.") && !xml.hint().is_empty());
    assert!(matches!(xml.error(), AssertionError::Xml(_)));
    let text = format!("{xml:?}");
    assert!(text.contains(xml.code()) && text.contains("document.xml"), "{text}");

    let weak =
        vouchsafe_testkit::KeyPair::generate(vouchsafe_crypto::KeyKind::Rsa { bits: 1024 }, "weak").unwrap();
    let metadata = vouchsafe_testkit::IdentityProvider::okta().with_key(&weak).metadata().unwrap();
    let identity_provider = vouchsafe_metadata::IdentityProvider::from_metadata(metadata.as_bytes()).unwrap();
    let error = vouchsafe_assertion::Trust::new(
        crate::common::connection(),
        &identity_provider,
        &vouchsafe_crypto::Provider::rustcrypto(),
    )
    .unwrap_err();
    let refusal = Refusal::new(error);
    assert_eq!(refusal.source().unwrap().to_string(), {
        let AssertionError::NoUsableKey { source: Some(source), count: 1, .. } = refusal.error() else {
            panic!("{refusal:?}")
        };
        source.to_string()
    });
    assert!(refusal.check().is_none() && refusal.ledger().checks().is_empty());
}

#[test]
fn every_check_names_its_clause() {
    let login = okta(NOW).receive(good(|r| r).issue().unwrap().xml().as_bytes()).unwrap();
    for check in login.ledger().checks() {
        assert!(check.clause().starts_with("saml-") || check.clause().starts_with("xmlenc-"), "{check:?}");
        assert!(check.rule().contains('.') && !check.expected_text().is_empty(), "{check:?}");
        assert!(!check.actual_text().is_empty(), "{check:?}");
    }
    let name = login.ledger().check("subject.name_id").unwrap();
    assert_eq!((name.outcome(), name.actual_text().as_ref()), (Outcome::Passed, "(redacted)"));
    assert!(format!("{name:?}").contains("subject.name_id"));
    let text = login.ledger().to_string();
    assert!(text.contains("passed  subject.name_id (saml-core-2.0-os 2.4.1): expected "), "{text}");
    assert!(text.contains("skipped authn.context ("), "{text}");
    assert_eq!(text.lines().count(), login.ledger().checks().len());
}

#[test]
fn lists_in_errors_are_short_and_say_when_they_are_empty() {
    let code = |change: fn(vouchsafe_testkit::ResponseBuilder) -> vouchsafe_testkit::ResponseBuilder| {
        okta(NOW).receive(good(change).issue().unwrap().xml().as_bytes()).unwrap_err().to_string()
    };
    let many = code(|r| {
        r.audience_restrictions([(0..20).map(|number| format!("urn:{number}")).collect::<Vec<_>>()])
    });
    assert!(many.contains("found “urn:0”, “urn:1”") && many.ends_with("“urn:7”"), "{many}");
    let more =
        good(|r| r.status(["urn:oasis:names:tc:SAML:2.0:status:Success", "urn:more"])).issue().unwrap();
    let login = okta(NOW).receive(more.xml().as_bytes()).unwrap();
    let status = login.ledger().check("response.status").unwrap();
    assert_eq!(status.actual_text(), "urn:oasis:names:tc:SAML:2.0:status:Success / urn:more");
    let nested = code(|r| r.status(["urn:a", "urn:b"]).status_message("because"));
    assert_eq!(nested, "the identity provider answered “urn:a” / “urn:b”: “because”");
}

/// The ledger contains the bounds as they are compared, with the skew and the allowance.
#[test]
fn the_ledger_says_within_which_bounds_a_time_must_lie() {
    let receiver = okta(NOW);
    let expectations = receiver
        .expectations
        .clone()
        .with_maximum_message_age(Duration::from_secs(90))
        .with_maximum_authentication_age(Duration::from_secs(7_200));
    let limited = crate::common::Receiver { expectations, ..receiver.clone() };
    let issued = good(|r| r).session_not_on_or_after("2026-01-01T08:00:00Z").issue().unwrap();
    let texts = |receiver: &crate::common::Receiver| {
        let login = receiver.receive(issued.xml().as_bytes()).unwrap();
        let text = |rule| login.ledger().check(rule).unwrap().expected_text().into_owned();
        [
            "conditions.not_before",
            "conditions.not_on_or_after",
            "subject.not_on_or_after",
            "authn.session_not_on_or_after",
            "assertion.issue_instant",
            "authn.instant",
        ]
        .map(text)
    };
    let end = "later than 2026-01-01T00:01:00Z - 60 s";
    let start = "not later than 2026-01-01T00:01:00Z + 60 s";
    let done = "not later than 2026-01-01T00:01:00Z + 60 s + 300 s";
    assert_eq!(texts(&receiver), [start, end, end, end, done, "an xs:dateTime"]);
    let (recent, fresh) =
        (format!("{done}, and at most 90 s ago"), format!("{done}, and at most 7200 s ago"));
    assert_eq!(texts(&limited), [start, end, end, end, recent.as_str(), fresh.as_str()]);
}

/// A sign-in accepts no name and no session index that a logout request could not contain: its session would outlive
/// the logout.
#[test]
fn what_no_logout_can_name_begins_no_session() {
    type Change = fn(vouchsafe_testkit::ResponseBuilder, String) -> vouchsafe_testkit::ResponseBuilder;
    let cases: [(Change, &str); 3] = [
        (|r, text| r.name_id(text), "assertion.name_id"),
        (|r, text| r.name_qualifier(text), "assertion.name_id"),
        (|r, text| r.session_index(text), "assertion.malformed"),
    ];
    for (change, code) in cases {
        let receive = |length: usize| {
            // The limit counts characters, not bytes.
            let issued = good(|r| change(r, "é".repeat(length))).issue().unwrap();
            okta(NOW).receive(issued.xml().as_bytes()).map_err(|refusal| refusal.code())
        };
        assert!(receive(1_024).is_ok(), "{code}");
        assert_eq!(receive(1_025).unwrap_err(), code);
    }
}

#[test]
fn what_is_malformed_is_named_by_its_place() {
    type Change = fn(vouchsafe_testkit::ResponseBuilder) -> vouchsafe_testkit::ResponseBuilder;
    let cases: [(&str, Change); 7] = [
        ("Response/@IssueInstant: expected an xs:dateTime, found “x”", |r| r.response_issue_instant("x")),
        ("Assertion/@IssueInstant: expected an xs:dateTime, found “x”", |r| {
            r.assertion_issue_instant("x")
        }),
        ("Conditions/@NotBefore: expected an xs:dateTime, found “x”", |r| r.not_before("x")),
        ("Conditions/@NotOnOrAfter: expected an xs:dateTime, found “x”", |r| r.not_on_or_after("x")),
        ("SubjectConfirmationData/@NotOnOrAfter: expected an xs:dateTime, found “x”", |r| {
            r.subject_not_on_or_after("x")
        }),
        ("AuthnStatement/@AuthnInstant: expected an xs:dateTime, found “x”", |r| r.authn_instant("x")),
        ("AuthnStatement/@SessionNotOnOrAfter: expected an xs:dateTime, found “x”", |r| {
            r.session_not_on_or_after("x")
        }),
    ];
    for (text, change) in cases {
        let refusal = okta(NOW).receive(good(change).issue().unwrap().xml().as_bytes()).unwrap_err();
        assert_eq!(refusal.to_string(), text);
        assert_eq!(refusal.check().unwrap().outcome(), Outcome::Failed);
    }
}
