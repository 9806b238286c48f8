//! Metadata that cannot be used, or only by some receivers: the exact first complaint, and what to change.

use vouchsafe::doctor::Severity;
use vouchsafe_testkit as testkit;

use crate::{codes, errors, examine, fact};

fn okta() -> String {
    testkit::IdentityProvider::okta().metadata().unwrap()
}

fn named(entity_id: &str) -> String {
    okta().replacen(testkit::OKTA_ENTITY_ID, entity_id, 1)
}

fn aggregate(entities: &[&str]) -> String {
    let entity =
        |xml: &&str| format!("<md:EntityDescriptor{}", xml.split_once("<md:EntityDescriptor").unwrap().1);
    let entities: String = entities.iter().map(entity).collect();
    format!(
        "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\">{entities}</md:EntitiesDescriptor>"
    )
}

#[test]
fn the_first_complaint_names_the_cause() {
    let without = |what: &str| okta().replacen(what, "", 1);
    let id = format!(" entityID=\"{}\"", testkit::OKTA_ENTITY_ID);
    let lost = okta().replace("<md:", "<").replace("</md:", "</");
    for (xml, code, message, remedy) in [
        (
            without(&id),
            "metadata.entity_id",
            "EntityDescriptor/@entityID is missing",
            "Have the publisher write the identity provider's name there",
        ),
        (
            okta().replacen("entityID", "entityid", 1),
            "metadata.entity_id",
            "EntityDescriptor/@entityID is missing: “entityid” is another name",
            "Have the publisher write the identity provider's name there",
        ),
        (
            named("https://sts.windows.net/{tenantid}/"),
            "metadata.template",
            "EntityDescriptor/@entityID “https://sts.windows.net/{tenantid}/” is a template: “{tenantid}” is a placeholder for the name of a customer",
            "https://login.microsoftonline.com/TENANT-ID/federationmetadata/2007-06/federationmetadata.xml",
        ),
        (
            named("https://idp.example.com/realms/{realm}"),
            "metadata.template",
            "EntityDescriptor/@entityID “https://idp.example.com/realms/{realm}” is a template: “{realm}” is a placeholder for the name of a customer",
            "Fetch the metadata that the identity provider publishes for this customer",
        ),
        (
            lost,
            "metadata.root",
            "expected an md:EntityDescriptor or md:EntitiesDescriptor, found “EntityDescriptor” in no namespace",
            "Fetch the metadata again, and keep it as it comes.",
        ),
        (
            okta().replace("md:IDPSSODescriptor", "IDPSSODescriptor"),
            "metadata.no_identity_provider",
            "the entity in this metadata is not an identity provider: it has no md:IDPSSODescriptor, and no other role either; an element IDPSSODescriptor is in no namespace, not in urn:oasis:names:tc:SAML:2.0:metadata",
            "Fetch the metadata again, and keep it as it comes.",
        ),
        (
            okta().replacen(
                "<md:IDPSSODescriptor",
                "<md:IDPSSODescriptor validUntil=\"2027-13-01T00:00:00Z\"",
                1,
            ),
            "metadata.attribute",
            &format!(
                "entity “{}”: IDPSSODescriptor/@validUntil: expected an xs:dateTime, such as 2026-11-24T00:00:00Z, found “2027-13-01T00:00:00Z”",
                testkit::OKTA_ENTITY_ID
            ),
            "Have the publisher correct the attribute",
        ),
    ] {
        let exhibit = examine(xml);
        let first = exhibit.complaints.first().unwrap_or_else(|| panic!("{message}: no complaint"));
        assert_eq!((&*first.code, &*first.message, first.severity), (code, message, Severity::Error));
        assert!(first.remedy.contains(remedy), "{message}: {}", first.remedy);
        assert_eq!(errors(&exhibit), [code]);
    }
}

/// A fault of one entity of an aggregate is a warning, since the other entities can be used.
#[test]
fn a_bad_entity_of_an_aggregate_is_named() {
    let bad = |xml: &str| aggregate(&[&named("https://a.example"), xml, &named("https://b.example")]);
    for (xml, code, message) in [
        (
            bad(&named("https://bad.example").replacen(
                "entityID",
                "validUntil=\"2008-10-06 16:19:57\" entityID",
                1,
            )),
            "metadata.attribute",
            "entity 2 “https://bad.example” is left out: entity “https://bad.example”: EntityDescriptor/@validUntil: expected an xs:dateTime, such as 2026-11-24T00:00:00Z, found “2008-10-06 16:19:57”",
        ),
        (
            bad(&named("https://bad.example").replacen(" entityID=\"https://bad.example\"", "", 1)),
            "metadata.entity_id",
            "entity 2 is left out: EntityDescriptor/@entityID is missing",
        ),
        (
            bad(&named("two words")),
            "metadata.entity_id",
            "entity 2 “two words” is left out: EntityDescriptor/@entityID cannot be an entity ID: it holds white space or control characters (“two words”)",
        ),
        (
            bad(&named("https://sts.windows.net/{tenantid}/")),
            "metadata.template",
            "EntityDescriptor/@entityID “https://sts.windows.net/{tenantid}/” is a template: “{tenantid}” is a placeholder for the name of a customer",
        ),
        (
            bad(&named("https://bad.example").replace("X509Certificate>", "X509CRL>")),
            "metadata.no_signing_key",
            "identity provider “https://bad.example”: no KeyDescriptor holds a signing key that can be read: KeyDescriptor 1: neither ds:X509Data/ds:X509Certificate nor ds:KeyValue, found “X509Data”",
        ),
    ] {
        let exhibit = examine(xml);
        let first = exhibit.complaints.first().unwrap_or_else(|| panic!("{message}: no complaint"));
        assert_eq!((&*first.code, &*first.message, first.severity), (code, message, Severity::Warning));
        assert_eq!(codes(&exhibit), [code]);
        let left_out = if message.contains("is left out") { ["2", "1"] } else { ["3", ""] };
        assert_eq!(fact(&exhibit, "entities"), Some(left_out[0]));
        assert_eq!(fact(&exhibit, "left out").unwrap_or_default(), left_out[1]);
    }
}
