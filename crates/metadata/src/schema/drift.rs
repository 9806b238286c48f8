//! The comparison of the table with the published schema.
#![allow(clippy::unwrap_used, reason = "tests")]

use vouchsafe_testkit::{Xsd, shared};
use vouchsafe_xml::namespace::SAML_METADATA;
use vouchsafe_xml::{ElementType, SimpleType};

use super::{ENTITY_DESCRIPTOR, IDP_SSO_DESCRIPTOR};

fn schemas() -> Option<Xsd> {
    let folder = shared::folder()?.join("vectors/xsd");
    Some(Xsd::read(&folder, &["saml-schema-metadata-2.0.xsd", "saml-schema-assertion-2.0.xsd"]).unwrap())
}

#[test]
fn the_table_says_what_the_schema_says() {
    let Some(schemas) = schemas() else { return };
    for (name, element_type) in
        [("EntityDescriptor", &ENTITY_DESCRIPTOR), ("IDPSSODescriptor", &IDP_SSO_DESCRIPTOR)]
    {
        let differences = schemas.differences(SAML_METADATA, name, element_type);
        assert!(differences.is_empty(), "{differences:#?}");
    }
}

#[test]
fn a_difference_is_noticed() {
    static NAME: ElementType = ElementType::text("md:localizedNameType", SimpleType::Uri);
    static URI: ElementType = ElementType::text("xs:anyURI", SimpleType::Uri).deviating("in nothing");
    let Some(schemas) = schemas() else { return };
    let of = |name, element_type| schemas.differences(SAML_METADATA, name, element_type);
    assert_eq!(of("OrganizationName", &NAME).len(), 2, "{:?}", of("OrganizationName", &NAME));
    assert_eq!(of("NameIDFormat", &URI), ["xs:anyURI: deviates in nothing"]);
}
