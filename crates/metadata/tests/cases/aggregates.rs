//! One bad entity in an aggregate: it is left out with the reason, and does not affect the others.

use vouchsafe_metadata::{EntityId, IdentityProvider, MetadataDescription};

use crate::{SAML2, certificate, good, group, metadata, read, signing_key, x509_data};

/// The place, entityID, code and text of an entity that is left out.
type LeftOut = (usize, Option<&'static str>, &'static str, &'static str);

const BAD_TIME: &str = "entity “https://bad.example”: EntityDescriptor/@validUntil: expected an xs:dateTime, such as 2026-11-24T00:00:00Z, found “2008-10-06 16:19:57”";

#[test]
fn what_cannot_be_read_is_left_out() {
    let bad = good("https://bad.example");
    let cases: [(&str, String, LeftOut); 8] = [
        (
            "a malformed time",
            bad.replacen("entityID", "validUntil='2008-10-06 16:19:57' entityID", 1),
            (2, Some("https://bad.example"), "metadata.attribute", BAD_TIME),
        ),
        (
            "a day that is none",
            bad.replacen("entityID", "validUntil='2026-02-30T00:00:00Z' entityID", 1),
            (
                2,
                Some("https://bad.example"),
                "metadata.attribute",
                "entity “https://bad.example”: EntityDescriptor/@validUntil: expected an xs:dateTime, such as 2026-11-24T00:00:00Z, found “2026-02-30T00:00:00Z”",
            ),
        ),
        (
            "no entityID",
            bad.replacen("entityID='https://bad.example'", "", 1),
            (2, None, "metadata.entity_id", "EntityDescriptor/@entityID is missing"),
        ),
        (
            "an entityID that is none",
            bad.replacen("https://bad.example", "two words", 1),
            (
                2,
                Some("two words"),
                "metadata.entity_id",
                "EntityDescriptor/@entityID cannot be an entity ID: it holds white space or control characters (“two words”)",
            ),
        ),
        (
            "no namespace",
            bad.replace("md:EntityDescriptor", "EntityDescriptor"),
            (
                2,
                Some("https://bad.example"),
                "metadata.namespace",
                "expected md:EntityDescriptor in namespace urn:oasis:names:tc:SAML:2.0:metadata, found “EntityDescriptor” in no namespace",
            ),
        ),
        (
            "another namespace",
            bad.replace("SAML:2.0:metadata", "SAML:1.0:metadata"),
            (
                2,
                Some("https://bad.example"),
                "metadata.namespace",
                "expected md:EntityDescriptor in namespace urn:oasis:names:tc:SAML:2.0:metadata, found “EntityDescriptor” in namespace “urn:oasis:names:tc:SAML:1.0:metadata”",
            ),
        ),
        (
            "a group with a malformed time",
            group("validUntil='soon'", &bad),
            (
                2,
                Some("https://bad.example"),
                "metadata.attribute",
                "EntitiesDescriptor/@validUntil: expected an xs:dateTime, such as 2026-11-24T00:00:00Z, found “soon”",
            ),
        ),
        (
            "a group in a group with a malformed time",
            group("validUntil='soon'", &group("", &bad)),
            (
                2,
                Some("https://bad.example"),
                "metadata.attribute",
                "EntitiesDescriptor/@validUntil: expected an xs:dateTime, such as 2026-11-24T00:00:00Z, found “soon”",
            ),
        ),
    ];
    for (name, bad, expected) in cases {
        let (first, last) = (good("https://first.example"), good("https://last.example"));
        let xml = group("", &format!("{first}{bad}{last}"));
        let described =
            MetadataDescription::read(xml.as_bytes()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let names: Vec<&str> = described.entities().iter().map(|one| one.entity_id()).collect();
        assert_eq!(names, ["https://first.example", "https://last.example"], "{name}");
        assert!(described.entities().iter().all(|one| one.refusal().is_none()), "{name}");
        let [left_out] = described.left_out() else { panic!("{name}: {:?}", described.left_out()) };
        let (reason, words) = (left_out.reason(), left_out.reason().to_string());
        assert_eq!((left_out.place(), left_out.entity_id(), reason.code(), &*words), expected, "{name}");

        // The others are trusted as if it were not there.
        let named =
            |id: &str| IdentityProvider::from_metadata_entity(xml.as_bytes(), &EntityId::new(id).unwrap());
        assert!(named("https://first.example").is_ok() && named("https://last.example").is_ok(), "{name}");
        assert!(named("https://bad.example").is_err(), "{name}");

        // An entity with the role of an identity provider is one of several; no other one is chosen.
        let beside = read(&group("", &(first + &bad)));
        let outcome = beside.map(|one| one.entity_id().to_string()).map_err(|error| error.code());
        match name.ends_with("namespace") {
            true => assert_eq!(outcome.as_deref(), Ok("https://first.example"), "{name}"),
            false => assert_eq!(outcome, Err("metadata.several_identity_providers"), "{name}"),
        }
    }
}

/// An entity that can be read but not be trusted is described, with the reason.
#[test]
fn what_cannot_be_trusted_says_so() {
    let key = signing_key(&x509_data(&[&certificate("idp.example.com")]));
    let bad = "entityID='https://bad.example'";
    let cases = [
        (
            "no key",
            metadata(bad, SAML2, ""),
            "identity provider “https://bad.example”: no KeyDescriptor holds a signing key that can be read",
        ),
        (
            "a malformed time of its role",
            metadata(bad, &format!("{SAML2} validUntil='2008-10-06'"), &key),
            "entity “https://bad.example”: IDPSSODescriptor/@validUntil: expected an xs:dateTime, such as 2026-11-24T00:00:00Z, found “2008-10-06”",
        ),
        (
            "a boolean that is none",
            metadata(bad, &format!("{SAML2} WantAuthnRequestsSigned='ja'"), &key),
            "entity “https://bad.example”: IDPSSODescriptor/@WantAuthnRequestsSigned: expected true or false, found “ja”",
        ),
        (
            "no protocol",
            metadata(bad, "", &key),
            "identity provider “https://bad.example”: IDPSSODescriptor/@protocolSupportEnumeration must name urn:oasis:names:tc:SAML:2.0:protocol, and is missing or empty",
        ),
        (
            "a template",
            metadata("entityID='https://sts.windows.net/{tenantid}/'", SAML2, &key),
            "EntityDescriptor/@entityID “https://sts.windows.net/{tenantid}/” is a template: “{tenantid}” is a placeholder for the name of a customer",
        ),
    ];
    for (name, bad, words) in cases {
        let xml = group("", &format!("{}{bad}", good("https://first.example")));
        let described =
            MetadataDescription::read(xml.as_bytes()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(described.left_out().is_empty(), "{name}");
        let (first, others) = described.entities().split_first().unwrap();
        assert!(first.refusal().is_none() && !others.is_empty(), "{name}");
        for other in others {
            assert_eq!(other.refusal().unwrap().to_string(), words, "{name}");
        }
        let first = EntityId::new("https://first.example").unwrap();
        assert!(IdentityProvider::from_metadata_entity(xml.as_bytes(), &first).is_ok(), "{name}");
    }
}

/// Of several entities with the same name the first is used, with a warning; the others are described with the reason
/// why they are not used.
#[test]
fn the_first_of_a_name_serves() {
    let first =
        good("https://twice.example").replacen("entityID", "validUntil='2030-01-01T00:00:00Z' entityID", 1);
    let xml = group("", &format!("{first}{}", group("", &good("https://twice.example").repeat(2))));
    let described = MetadataDescription::read(xml.as_bytes()).unwrap();
    let refusals: Vec<Option<String>> =
        described.entities().iter().map(|one| one.refusal().map(ToString::to_string)).collect();
    let later = "the entity ID “https://twice.example” is that of entity 1 of this document too, and the first of them is used";
    assert_eq!(refusals, [None, Some(later.to_owned()), Some(later.to_owned())]);
    assert!(described.left_out().is_empty());

    let named = EntityId::new("https://twice.example").unwrap();
    for found in [IdentityProvider::from_metadata_entity(xml.as_bytes(), &named), read(&xml)] {
        let found = found.unwrap();
        assert!(found.valid_until().is_some());
        let warnings: Vec<String> =
            found.warnings(vouchsafe_testkit::ISSUE_INSTANT).iter().map(ToString::to_string).collect();
        assert_eq!(
            warnings,
            ["2 later EntityDescriptors of this document have the same entity ID, and are left out"]
        );
    }
}

/// The shortest duration of all levels counts; an invalid one is ignored.
#[test]
fn the_shortest_cache_duration_counts() {
    for (outer, inner, own, role, seconds) in [
        ("", "", "", "", None),
        ("PT6H", "", "", "", Some(21_600)),
        ("PT6H", "PT1H", "P1D", "", Some(3_600)),
        ("", "", "P1D", "PT30M", Some(1_800)),
        ("six hours", "", "", "", None),
        ("six hours", "", "-PT1H", "PT5M", Some(300)),
    ] {
        let attribute =
            |value: &str| if value.is_empty() { String::new() } else { format!("cacheDuration='{value}'") };
        let entity = good("https://a.example")
            .replacen("entityID", &format!("{} entityID", attribute(own)), 1)
            .replacen("protocolSupport", &format!("{} protocolSupport", attribute(role)), 1);
        let xml = group(&attribute(outer), &group(&attribute(inner), &entity));
        let found = read(&xml).unwrap().cache_duration();
        assert_eq!(found.map(|duration| duration.as_secs()), seconds, "{outer} {inner} {own} {role}");
    }
}

/// A declaration of a group applies in it, and a declaration of an inner group applies only there.
#[test]
fn namespaces_of_the_groups_round_an_entity() {
    let role = "IDPSSODescriptor protocolSupportEnumeration='urn:oasis:names:tc:SAML:2.0:protocol'";
    let entity = |id: &str, prefix: &str| {
        format!("<{prefix}EntityDescriptor entityID='{id}'><{prefix}{role}/></{prefix}EntityDescriptor>")
    };
    let (md, other) = ("urn:oasis:names:tc:SAML:2.0:metadata", "urn:x");
    let xml = format!(
        "<EntitiesDescriptor xmlns='{md}' xmlns:p='{other}'>{}<p:EntitiesDescriptor xmlns:p='{md}' xmlns='{other}'>{}{}</p:EntitiesDescriptor>{}<q:EntitiesDescriptor xmlns:q='{md}' xmlns=''>{}</q:EntitiesDescriptor></EntitiesDescriptor>",
        entity("urn:1", ""),
        entity("urn:2", "p:"),
        entity("urn:3", ""),
        entity("urn:4", ""),
        entity("urn:5", "q:"),
    );
    let described = MetadataDescription::read(xml.as_bytes()).unwrap();
    let names: Vec<&str> = described.entities().iter().map(|one| one.entity_id()).collect();
    assert_eq!(names, ["urn:1", "urn:2", "urn:4", "urn:5"]);
    assert!(described.entities().iter().all(|one| one.is_identity_provider()));
    let [left_out] = described.left_out() else { panic!("{:?}", described.left_out()) };
    assert_eq!((left_out.entity_id(), left_out.reason().code()), (Some("urn:3"), "metadata.namespace"));
}

/// If an entity cannot be read, no other one is chosen, because it may be the one that is meant. Selecting an entity
/// by name is possible.
#[test]
fn an_entity_that_cannot_be_read_is_not_passed_over() {
    let broken = good("https://broken.example").replacen(
        "</md:IDPSSODescriptor>",
        "&nothing;</md:IDPSSODescriptor>",
        1,
    );
    let xml = group("", &format!("{}{broken}", good("https://a.example")));
    assert_eq!(read(&xml).unwrap_err().code(), "xml.reference");
    let named =
        IdentityProvider::from_metadata_entity(xml.as_bytes(), &EntityId::new("https://a.example").unwrap());
    assert!(named.is_ok());
    let described = MetadataDescription::read(xml.as_bytes()).unwrap();
    let [left_out] = described.left_out() else { panic!("{:?}", described.left_out()) };
    assert_eq!((left_out.place(), left_out.reason().code()), (2, "xml.reference"));
}

/// If the only entity of a document cannot be read, the document is refused.
#[test]
fn the_only_entity_is_refused() {
    let bad =
        good("https://bad.example").replacen("entityID", "validUntil='2008-10-06 16:19:57' entityID", 1);
    let error = MetadataDescription::read(bad.as_bytes()).unwrap_err();
    assert_eq!((error.code(), &*error.to_string()), ("metadata.attribute", BAD_TIME));
    assert_eq!(read(&bad).unwrap_err().to_string(), BAD_TIME);
}

/// A role without protocols is described with a warning.
#[test]
fn a_role_without_protocols_does_not_vanish() {
    let service =
        metadata("entityID='https://sp.example'", "", "").replace("IDPSSODescriptor", "SPSSODescriptor");
    let described = MetadataDescription::read(service.as_bytes()).unwrap();
    let [role] = described.entities()[0].roles() else { panic!("{described:?}") };
    let words: Vec<String> = role.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(words, ["SPSSODescriptor has no protocolSupportEnumeration, so that nobody can use it"]);
}
