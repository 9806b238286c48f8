//! Deviations from the schema: which of them are reported, and which are refused.

use vouchsafe_metadata::Warning;

use crate::{SAML2, SSO, entity, now, read, role, signing_key};

/// Deviations from the schema that are not ambiguous are reported, and the metadata is accepted.
#[test]
fn departures_from_the_schema_are_warnings() {
    let cases = [
        (
            named("", &role(SAML2, &(signing_key() + SSO + "<x xmlns='urn:x'/>"))),
            "/EntityDescriptor/IDPSSODescriptor[1] (md:IDPSSODescriptorType): the element “x” of the namespace “urn:x” is not allowed here",
        ),
        (
            named(" WantAssertionsSigned='true'", &role(SAML2, &(signing_key() + SSO))),
            "/EntityDescriptor (md:EntityDescriptorType): the attribute “WantAssertionsSigned” is not allowed here",
        ),
        (
            named(
                "",
                &format!(
                    "{}<md:Organization><md:OrganizationName xml:lang='en'>A</md:OrganizationName></md:Organization>",
                    role(SAML2, &(signing_key() + SSO))
                ),
            ),
            "/EntityDescriptor/Organization (md:OrganizationType): OrganizationDisplayName is missing",
        ),
        (
            named("", &format!("stray{}", role(SAML2, &(signing_key() + SSO)))),
            "/EntityDescriptor (md:EntityDescriptorType): there is text where only elements are allowed",
        ),
    ];
    for (xml, text) in cases {
        let found = read(&xml).unwrap();
        let warnings = found.warnings(now());
        assert!(
            warnings
                .iter()
                .any(|warning| warning.code() == "metadata.schema" && warning.to_string().contains(text)),
            "{text}: {warnings:?}"
        );
    }
    // The content of extensions, contacts and other roles is not checked.
    let others = "<md:Extensions><x xmlns='urn:x'>text<md:EntityDescriptor/></x></md:Extensions>";
    let unread = "<md:ContactPerson><nobody/></md:ContactPerson><md:SPSSODescriptor surprise='1' protocolSupportEnumeration='urn:oasis:names:tc:SAML:2.0:protocol'/>";
    let found = read(&named(
        " xmlns:x='urn:x' x:any='1'",
        &format!("{others}{}{unread}", role(SAML2, &(signing_key() + SSO))),
    ))
    .unwrap();
    assert_eq!(found.warnings(now()), []);
}

/// A key whose KeyInfo occurs twice is left out; another one is used.
#[test]
fn two_key_infos_leave_a_key_out() {
    let twice = signing_key().replace(
        "</ds:KeyInfo>",
        "</ds:KeyInfo><ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"/>",
    );
    assert_ne!(twice, signing_key());
    let found = read(&named("", &role(SAML2, &(twice + &signing_key() + SSO)))).unwrap();
    let codes: Vec<&str> = found.warnings(now()).iter().map(Warning::code).collect();
    assert_eq!(codes, ["metadata.key_ignored"]);
}

/// A part that may occur once occurs twice: nothing determines which of the two is meant.
#[test]
fn a_part_that_stands_twice_is_refused() {
    let extensions = "<md:Extensions><x xmlns='urn:x'/></md:Extensions>";
    for (xml, path) in [
        (
            named("", &format!("{extensions}{extensions}{}", role(SAML2, &(signing_key() + SSO)))),
            "/EntityDescriptor ",
        ),
        (
            named("", &role(SAML2, &format!("{extensions}{extensions}{}{SSO}", signing_key()))),
            "/EntityDescriptor/IDPSSODescriptor[1] ",
        ),
    ] {
        let error = read(&xml).unwrap_err();
        assert_eq!(error.code(), "metadata.schema");
        assert!(
            error.to_string().starts_with(path)
                && error.to_string().ends_with("Extensions occurs more than once"),
            "{error}"
        );
        assert!(!error.hint().is_empty());
    }
}

fn named(attributes: &str, content: &str) -> String {
    entity(&format!("entityID='https://idp.example.com'{attributes}"), content)
}

/// Of a hundred thousand deviations only some are reported, in linear time.
#[test]
fn departures_are_told_up_to_a_limit() {
    let many = "<x xmlns='urn:x'/>".repeat(20_000);
    let found = read(&named("", &role(SAML2, &(signing_key() + SSO + &many)))).unwrap();
    assert_eq!(found.warnings(now()).len(), 32);
    // An error after them is found too.
    let twice = "<md:Organization/><md:Organization/>";
    assert_eq!(
        read(&named("", &role(SAML2, &(signing_key() + SSO + &many + twice)))).unwrap_err().code(),
        "metadata.schema"
    );
}
