//! The details of a login, and the settings for them: identifiers, scopes, contexts, attributes.

use crate::common::{Receiver, good, okta};
use std::sync::LazyLock;
use std::time::Duration;

use proptest::prelude::*;
use vouchsafe_assertion::{Comparison, Expectations, Login, Outcome, RequestedAuthnContext, Trust};
use vouchsafe_metadata::IdentityProvider;
use vouchsafe_testkit::{Attribute, Part, Place, ResponseBuilder, Signed};

const NOW: &str = "2026-01-01T00:01:00Z";
const SUBJECT_ID: &str = "urn:oasis:names:tc:SAML:attribute:subject-id";
const PAIRWISE_ID: &str = "urn:oasis:names:tc:SAML:attribute:pairwise-id";
const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";

fn login(receiver: &Receiver, change: impl Fn(ResponseBuilder) -> ResponseBuilder) -> Login {
    receiver.receive(change(good(|r| r)).issue().unwrap().xml().as_bytes()).unwrap()
}

fn speaking_for(scopes: &[&str]) -> Receiver {
    let receiver = okta(NOW);
    let metadata = vouchsafe_testkit::IdentityProvider::okta().metadata().unwrap();
    let identity_provider = scopes
        .iter()
        .fold(IdentityProvider::from_metadata(metadata.as_bytes()).unwrap(), |identity_provider, scope| {
            identity_provider.with_scope(*scope)
        });
    Receiver {
        trust: Trust::new(crate::common::connection(), &identity_provider, &receiver.provider).unwrap(),
        ..receiver
    }
}

#[test]
fn subject_identifiers_are_bound_to_the_scopes_of_the_identity_provider() {
    let receiver = speaking_for(&["example.com", "Example.org"]);
    let with = |values: &[&str]| {
        login(&receiver, |r| r.attribute(Attribute::new(SUBJECT_ID, values.iter().copied())))
    };
    let id = with(&["Ada-1815@EXAMPLE.com"]).subject_id().unwrap().unwrap();
    assert_eq!(
        (id.unique_id(), id.scope(), id.to_string().as_str()),
        ("ada-1815", "example.com", "ada-1815@example.com")
    );
    assert_eq!(with(&["a@example.org"]).subject_id().unwrap().unwrap().scope(), "example.org");
    assert_eq!(with(&[]).subject_id().unwrap(), None);
    assert_eq!(login(&receiver, |r| r).subject_id().unwrap(), None);
    assert_eq!(with(&["a@example.com"]).pairwise_id().unwrap(), None);

    let cases = [
        (&["a@evil.example"][..], "assertion.scope"),
        (&["a@sub.example.com"], "assertion.scope"),
        (&["a@example.com", "b@example.com"], "assertion.subject_id"),
        (&["no scope"], "assertion.subject_id"),
        (&[""], "assertion.subject_id"),
    ];
    for (values, code) in cases {
        let login = with(values);
        let error = login.subject_id().unwrap_err();
        assert_eq!(error.code(), code, "{values:?}");
        assert!(!error.hint().is_empty());
        let check = login.ledger().check("attributes.subject_id").unwrap();
        assert_eq!(check.outcome(), Outcome::Skipped);
        assert!(check.actual_text().starts_with("not relied on: "), "{check:?}");
        assert!(!check.actual_text().contains("no scope"));
    }
    let nobody = login(&okta(NOW), |r| r.attribute(Attribute::new(PAIRWISE_ID, ["a@example.com"])));
    assert_eq!(nobody.pairwise_id().unwrap_err().code(), "assertion.scope");
    assert!(!nobody.issuer_speaks_for("example.com"));

    let both = login(&receiver, |r| {
        r.attribute(Attribute::new(SUBJECT_ID, ["a@example.com"]))
            .attribute(Attribute::new(PAIRWISE_ID, ["B=1@example.com"]))
    });
    assert_eq!(both.pairwise_id().unwrap().unwrap().to_string(), "b=1@example.com");
    assert!(both.issuer_speaks_for("EXAMPLE.COM") && !both.issuer_speaks_for("example.net"));
    assert_eq!(both.ledger().check("attributes.pairwise_id").unwrap().outcome(), Outcome::Passed);
}

/// A scope that is a pattern must match the whole scope.
#[test]
fn scopes_that_are_patterns_are_about_the_whole_scope() {
    let receiver = okta(NOW);
    let metadata = vouchsafe_testkit::IdentityProvider::okta().metadata().unwrap().replacen(
        "<md:IDPSSODescriptor",
        r#"<md:Extensions><shibmd:Scope xmlns:shibmd="urn:mace:shibboleth:metadata:1.0" regexp="true">(.+\.)?example\.com</shibmd:Scope></md:Extensions><md:IDPSSODescriptor"#,
        1,
    );
    let identity_provider = IdentityProvider::from_metadata(metadata.as_bytes()).unwrap();
    let trust = Trust::new(crate::common::connection(), &identity_provider, &receiver.provider).unwrap();
    assert!(trust.scopes()[0].is_pattern());
    let receiver = Receiver { trust, ..receiver };
    for (id, believed) in [
        ("a@example.com", true),
        ("a@Staff.Example.com", true),
        ("a@examplexcom", false),
        ("a@example.com.evil.test", false),
        ("a@evil.test", false),
    ] {
        let login = login(&receiver, |r| r.attribute(Attribute::new(SUBJECT_ID, [id])));
        match login.subject_id() {
            Ok(found) => assert!(believed && found.is_some(), "{id}"),
            Err(error) => assert!(!believed && error.code() == "assertion.scope", "{id} {error}"),
        }
    }
}

#[test]
fn the_qualifiers_of_a_persistent_name_have_defaults() {
    let receiver = okta(NOW);
    let bare = login(&receiver, |r| r.name_id("x7").name_id_format(PERSISTENT));
    let name = bare.persistent_name().unwrap();
    assert_eq!(name.value(), "x7");
    assert_eq!(name.name_qualifier(), vouchsafe_testkit::OKTA_ENTITY_ID);
    assert_eq!(name.sp_name_qualifier(), vouchsafe_testkit::SERVICE_PROVIDER);
    let spelled_out = login(&receiver, |r| {
        r.name_id("x7")
            .name_id_format(PERSISTENT)
            .name_qualifier(vouchsafe_testkit::OKTA_ENTITY_ID)
            .sp_name_qualifier(vouchsafe_testkit::SERVICE_PROVIDER)
    });
    assert_eq!(spelled_out.persistent_name(), Some(name));
    let other = login(&receiver, |r| {
        r.name_id("x7").name_id_format(PERSISTENT).name_qualifier("nq").sp_name_qualifier("spnq")
    });
    let other = other.persistent_name().unwrap();
    assert_eq!((other.name_qualifier(), other.sp_name_qualifier()), ("nq", "spnq"));
    let shown = format!("{other:?}");
    assert!(shown.contains("spnq") && !shown.contains("x7"), "{shown}");
    assert_eq!(login(&receiver, |r| r).persistent_name(), None, "an e-mail address is no persistent name");
    assert_eq!(login(&receiver, |r| r.omit(Part::NameId)).persistent_name(), None);
}

/// With more names than are compared one by one, repeated names are still merged.
#[test]
fn attributes_of_one_name_are_one_however_many_there_are() {
    let names: Vec<String> = (0..40).map(|number| format!("name {number}")).collect();
    let login = login(&okta(NOW), |r| {
        let once = names.iter().fold(r, |r, name| r.attribute(Attribute::new(name, ["first"])));
        names.iter().fold(once, |r, name| r.attribute(Attribute::new(name, ["second"])))
    });
    let attributes = login.attributes();
    for name in &names {
        assert_eq!(attributes.get(name).unwrap(), ["first", "second"], "{name}");
        assert_eq!(attributes.iter().filter(|attribute| attribute.name() == name).count(), 1, "{name}");
    }
    assert_eq!((attributes.first("name 39"), attributes.first("name 40")), (Some("first"), None));
    let shown = format!("{:?}", attributes.attribute("name 17").unwrap());
    assert!(shown.contains("name 17") && !shown.contains("second"), "{shown}");
}

#[test]
fn nothing_said_is_nothing_read() {
    let name =
        "<a:NameID xmlns:a=\"urn:oasis:names:tc:SAML:2.0:assertion\" SPProvidedID=\"ours\">x</a:NameID>";
    let login = login(&okta(NOW), |_| {
        let bare =
            vouchsafe_testkit::IdentityProvider::okta().response().in_response_to(crate::common::REQUEST);
        bare.omit(Part::AttributeStatement).omit(Part::NameId).insert(Place::Subject, name)
    });
    assert!(login.attributes().is_empty());
    let name_id = login.name_id().unwrap();
    assert_eq!((name_id.sp_provided_id(), name_id.format(), name_id.value()), (Some("ours"), None, "x"));
}

#[test]
fn authentication_contexts_by_strength() {
    let receiver = okta(NOW);
    let code = |comparison, classes: &[&str], actual: &str| {
        let requested =
            RequestedAuthnContext::compared(comparison, classes.iter().copied(), ["urn:1", "urn:2", "urn:3"])
                .unwrap();
        let expectations = receiver.expectations.clone().with_requested_context(requested);
        let receiver = Receiver { expectations, ..receiver.clone() };
        let issued = good(|r| r).authn_context(actual).issue().unwrap();
        receiver.receive(issued.xml().as_bytes()).map_or_else(
            |refusal| {
                assert!(refusal.to_string().contains(match comparison {
                    Comparison::Exact => "one of “urn:2”",
                    Comparison::Minimum => "at least as strong as one of “urn:2”",
                    Comparison::Maximum => "no stronger than “urn:2”",
                    _ => "stronger than each of “urn:2”",
                }));
                refusal.code()
            },
            |_| "",
        )
    };
    for (comparison, accepted) in [
        (Comparison::Exact, [false, true, false, false]),
        (Comparison::Minimum, [false, true, true, false]),
        (Comparison::Maximum, [true, true, false, false]),
        (Comparison::Better, [false, false, true, false]),
    ] {
        for (actual, accepted) in ["urn:1", "urn:2", "urn:3", "urn:4"].into_iter().zip(accepted) {
            let expected = if accepted { "" } else { "assertion.authn_context" };
            assert_eq!(code(comparison, &["urn:2"], actual), expected, "{comparison} {actual}");
        }
    }
}

#[test]
fn no_more_than_five_minutes_of_skew() {
    let expectations = okta(NOW).expectations;
    let skew = |seconds| expectations.clone().with_clock_skew(Duration::from_secs(seconds));
    assert_eq!(skew(300).unwrap().clock_skew(), Expectations::GREATEST_CLOCK_SKEW);
    assert_eq!(skew(0).unwrap().clock_skew(), Duration::ZERO);
    let error = skew(301).unwrap_err();
    assert_eq!(error.code(), "assertion.clock_skew");
    assert_eq!(error.to_string(), "a clock skew of 301 s is configured; at most 300 s are allowed");
}

#[test]
fn what_may_be_done_with_the_assertion_afterwards() {
    let receiver = okta(NOW);
    let plain = login(&receiver, |r| r);
    assert!(!plain.is_one_time_use() && plain.proxy_restriction().is_none());
    let saml = "xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\"";
    let restricted = login(&receiver, |r| {
        r.insert(Place::Conditions, format!("<saml2:OneTimeUse {saml}/>")).insert(
            Place::Conditions,
            format!(
                "<saml2:ProxyRestriction {saml} Count=\" 2 \"><saml2:Audience> https://next.example\n</saml2:Audience>\
                 </saml2:ProxyRestriction>"
            ),
        )
    });
    assert!(restricted.is_one_time_use());
    let restriction = restricted.proxy_restriction().unwrap();
    assert_eq!(
        (restriction.count(), restriction.audiences()),
        (Some(2), &["https://next.example".to_owned()][..])
    );
}

#[test]
fn a_thousand_values_and_values_of_xml() {
    let receiver = okta(NOW);
    let values: Vec<String> = (0..1000).map(|number| format!("group {number}")).collect();
    let attribute = |inner: &str| {
        format!(
            "<saml2:Attribute xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\" Name=\"xml\" \
             NameFormat=\"urn:x\" FriendlyName=\"f\">{inner}</saml2:Attribute>"
        )
    };
    let nested = "<saml2:AttributeValue>\n <saml2:NameID b=\"2\" a=\"1\">x<!-- c -->7</saml2:NameID>\n</saml2:AttributeValue>";
    let typed = "<saml2:AttributeValue xmlns:t=\"urn:t\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
                 xsi:type=\"t:whatever\"> 7 </saml2:AttributeValue>";
    let login = login(&receiver, |r| {
        r.attribute(Attribute::new("groups", values.clone()))
            .insert(
                Place::AttributeStatement,
                attribute(&format!("<saml2:AttributeValue>plain</saml2:AttributeValue>{nested}")),
            )
            .insert(Place::AttributeStatement, attribute(&format!("{typed}{nested}")))
    });
    assert_eq!(login.attributes().get("groups").unwrap(), values);
    let xml = login.attributes().attribute("xml").unwrap();
    assert_eq!(xml.values(), ["plain", "x7", " 7 ", "x7"]);
    assert_eq!((xml.name(), xml.name_format(), xml.friendly_name()), ("xml", Some("urn:x"), Some("f")));
    let canonical = "<saml2:AttributeValue xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\">\n \
                     <saml2:NameID a=\"1\" b=\"2\">x7</saml2:NameID>\n</saml2:AttributeValue>";
    let markup: Vec<Option<&str>> = (0..5).map(|place| xml.markup(place)).collect();
    assert_eq!(markup, [None, Some(canonical), None, Some(canonical), None]);
    assert_eq!(login.attributes().iter().count(), login.attributes().len());
    assert!(!login.attributes().is_empty());
}

/// Characters of XML, those that are markup or white space among them. A line end that is written as such is one in every form.
fn strings() -> impl Strategy<Value = String> {
    let characters = prop_oneof![
        4 => proptest::char::range(' ', '~'),
        1 => prop::sample::select(vec!['\t', '\n', '\r', '<', '>', '&', '"', '\'', ']', '\u{85}', '\u{a0}', '\u{2028}', '\u{feff}']),
        2 => prop_oneof![
            proptest::char::range('\u{a1}', '\u{d7ff}'),
            proptest::char::range('\u{e000}', '\u{fffd}'),
            proptest::char::range('\u{10000}', '\u{10ffff}'),
        ],
    ];
    prop::collection::vec(characters, 1..=256).prop_map(String::from_iter)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_string_of_256_characters_comes_out_as_it_went_in(name in strings(), attribute in strings(), value in strings()) {
        static OKTA: LazyLock<Receiver> = LazyLock::new(|| okta(NOW));
        prop_assume!(!name.trim().is_empty());
        let login = login(&OKTA, |r| {
            r.sign(Signed::Response).name_id(&name).attribute(Attribute::new(&attribute, [&value]))
        });
        prop_assert_eq!(login.name_id().unwrap().value(), name);
        prop_assert_eq!(login.attributes().get(&attribute).unwrap(), [value]);
    }
}
