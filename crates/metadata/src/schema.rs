//! The schema's content model (saml-schema-metadata-2.0) for the elements of an identity provider that are read, as
//! one table of data.
//!
//! Metadata is trusted because of its source, and much of it is written by people. So a deviation from the schema is
//! only a warning if it is not ambiguous; a child that may occur once and occurs twice is an error. Elements that are
//! not read (contacts, other roles) are not checked, and extensions may have any content.

#[cfg(test)]
mod drift;

use std::ops::ControlFlow;

use vouchsafe_xml::namespace::{DSIG, SAML_ASSERTION as SAML, SAML_METADATA as MD, XML};
use vouchsafe_xml::{
    AttributeUse, Child, Choice, Element, ElementType, OtherAttributes, SchemaProblem, SchemaViolation,
    SimpleType, for_each_violation,
};

use crate::{MetadataError, Warning};

/// Checks an EntityDescriptor with its IDPSSODescriptors against the schema.
///
/// # Errors
/// [`MetadataError::Schema`] for a child that may occur once and occurs twice.
pub(crate) fn check_entity(entity: Element<'_>) -> Result<Vec<Warning>, MetadataError> {
    let (mut warnings, mut repeated) = (Vec::new(), None);
    for_each_violation(entity, &ENTITY_DESCRIPTOR, &mut |violation| {
        if matches!(violation.problem(), SchemaProblem::RepeatedElement { .. })
            && violation.schema_type() != "md:KeyDescriptorType"
        {
            repeated = Some(violation);
            return ControlFlow::Break(());
        }
        if warnings.len() < MOST && !is_told_otherwise(&violation) {
            warnings.push(Warning::Schema(violation));
        }
        ControlFlow::Continue(())
    });
    repeated.map_or(Ok(warnings), |violation| Err(MetadataError::Schema(violation)))
}

/// The largest number of deviations that are reported for one entity.
const MOST: usize = 32;

/// Returns whether another warning or error reports the part that is left out because of the violation, with the
/// reason.
fn is_told_otherwise(violation: &SchemaViolation) -> bool {
    match violation.schema_type() {
        "md:EndpointType" | "md:IndexedEndpointType" => !matches!(
            violation.problem(),
            SchemaProblem::UnexpectedAttribute { .. }
                | SchemaProblem::MissingAttribute { name: "index", .. }
                | SchemaProblem::AttributeValue { name: "isDefault", .. }
        ),
        "md:KeyDescriptorType" => true,
        "md:IDPSSODescriptorType" => matches!(
            violation.problem(),
            SchemaProblem::MissingElement { .. }
                | SchemaProblem::AttributeValue { name: "WantAuthnRequestsSigned", .. }
        ),
        _ => false,
    }
}

/// The type of `md:EntityDescriptor` (saml-metadata-2.0-os 2.3.2).
static ENTITY_DESCRIPTOR: ElementType = ElementType::elements(
    "md:EntityDescriptorType",
    &[
        Child::optional(DSIG, "Signature", &FOREIGN),
        Child::optional(MD, "Extensions", &EXTENSIONS),
        Child::any(MD, "RoleDescriptor", &ROLE_DESCRIPTOR),
        Child::any(MD, "IDPSSODescriptor", &IDP_SSO_DESCRIPTOR),
        Child::any(MD, "SPSSODescriptor", &SP_SSO_DESCRIPTOR),
        Child::any(MD, "AuthnAuthorityDescriptor", &AUTHN_AUTHORITY_DESCRIPTOR),
        Child::any(MD, "AttributeAuthorityDescriptor", &ATTRIBUTE_AUTHORITY_DESCRIPTOR),
        Child::any(MD, "PDPDescriptor", &PDP_DESCRIPTOR),
        Child::optional(MD, "AffiliationDescriptor", &AFFILIATION_DESCRIPTOR),
        Child::optional(MD, "Organization", &ORGANIZATION),
        Child::any(MD, "ContactPerson", &CONTACT),
        Child::any(MD, "AdditionalMetadataLocation", &ADDITIONAL_METADATA_LOCATION),
    ],
)
.with_choices(&[Choice::at_least_one(2, 7)])
.with_attributes(&[
    AttributeUse::required("entityID", SimpleType::Uri),
    AttributeUse::optional("validUntil", SimpleType::DateTime),
    AttributeUse::optional("cacheDuration", SimpleType::Duration),
    AttributeUse::optional("ID", SimpleType::NcName),
])
.with_other_attributes(OtherAttributes::OfOtherNamespaces(MD))
.deviating(
    "the schema excludes an AffiliationDescriptor beside roles; it is not read, and excludes nothing here",
);

/// The type of `md:IDPSSODescriptor` (saml-metadata-2.0-os 2.4.1, 2.4.2, 2.4.3).
static IDP_SSO_DESCRIPTOR: ElementType = ElementType::elements(
    "md:IDPSSODescriptorType",
    &[
        Child::optional(DSIG, "Signature", &FOREIGN),
        Child::optional(MD, "Extensions", &EXTENSIONS),
        Child::any(MD, "KeyDescriptor", &KEY_DESCRIPTOR),
        Child::optional(MD, "Organization", &ORGANIZATION),
        Child::any(MD, "ContactPerson", &CONTACT),
        Child::any(MD, "ArtifactResolutionService", &INDEXED_ENDPOINT),
        Child::any(MD, "SingleLogoutService", &ENDPOINT),
        Child::any(MD, "ManageNameIDService", &ENDPOINT),
        Child::any(MD, "NameIDFormat", &URI),
        Child::some(MD, "SingleSignOnService", &ENDPOINT),
        Child::any(MD, "NameIDMappingService", &ENDPOINT),
        Child::any(MD, "AssertionIDRequestService", &ENDPOINT),
        Child::any(MD, "AttributeProfile", &URI),
        Child::any(SAML, "Attribute", &ATTRIBUTE),
    ],
)
.with_attributes(&[
    AttributeUse::optional("ID", SimpleType::NcName),
    AttributeUse::optional("validUntil", SimpleType::DateTime),
    AttributeUse::optional("cacheDuration", SimpleType::Duration),
    AttributeUse::required("protocolSupportEnumeration", SimpleType::Uris),
    AttributeUse::optional("errorURL", SimpleType::Uri),
    AttributeUse::optional("WantAuthnRequestsSigned", SimpleType::Boolean),
])
.with_other_attributes(OtherAttributes::OfOtherNamespaces(MD));

/// The type of `md:KeyDescriptor` (saml-metadata-2.0-os 2.4.1.1).
static KEY_DESCRIPTOR: ElementType = ElementType::elements(
    "md:KeyDescriptorType",
    &[Child::one(DSIG, "KeyInfo", &FOREIGN), Child::any(MD, "EncryptionMethod", &ENCRYPTION_METHOD)],
)
.with_attributes(&[AttributeUse::optional("use", SimpleType::OneOf(&["encryption", "signing"]))]);

static ENCRYPTION_METHOD: ElementType =
    ElementType::open("xenc:EncryptionMethodType").with_other_attributes(OtherAttributes::Any);

/// The type of an endpoint (saml-metadata-2.0-os 2.2.2).
static ENDPOINT: ElementType = ElementType::open("md:EndpointType")
    .with_attributes(&[BINDING, LOCATION, RESPONSE_LOCATION])
    .with_other_attributes(OtherAttributes::OfOtherNamespaces(MD));

/// The type of an indexed endpoint (saml-metadata-2.0-os 2.2.3).
static INDEXED_ENDPOINT: ElementType = ElementType::open("md:IndexedEndpointType")
    .with_attributes(&[
        BINDING,
        LOCATION,
        RESPONSE_LOCATION,
        AttributeUse::required("index", SimpleType::UnsignedShort),
        AttributeUse::optional("isDefault", SimpleType::Boolean),
    ])
    .with_other_attributes(OtherAttributes::OfOtherNamespaces(MD));

const BINDING: AttributeUse = AttributeUse::required("Binding", SimpleType::Uri);
const LOCATION: AttributeUse = AttributeUse::required("Location", SimpleType::Uri);
const RESPONSE_LOCATION: AttributeUse = AttributeUse::optional("ResponseLocation", SimpleType::Uri);

/// The type of `md:Organization` (saml-metadata-2.0-os 2.3.2.1).
static ORGANIZATION: ElementType = ElementType::elements(
    "md:OrganizationType",
    &[
        Child::optional(MD, "Extensions", &EXTENSIONS),
        Child::some(MD, "OrganizationName", &LOCALIZED_NAME),
        Child::some(MD, "OrganizationDisplayName", &LOCALIZED_NAME),
        Child::some(MD, "OrganizationURL", &LOCALIZED_URI),
    ],
)
.with_other_attributes(OtherAttributes::OfOtherNamespaces(MD));

/// The type of a name in a language (saml-metadata-2.0-os 2.2.4).
static LOCALIZED_NAME: ElementType =
    ElementType::text("md:localizedNameType", SimpleType::String).with_attributes(&[LANGUAGE]);

/// The type of a URI in a language (saml-metadata-2.0-os 2.2.5).
static LOCALIZED_URI: ElementType =
    ElementType::text("md:localizedURIType", SimpleType::Uri).with_attributes(&[LANGUAGE]);

const LANGUAGE: AttributeUse = AttributeUse::required("lang", SimpleType::String).in_namespace(XML);

/// The type of `md:Extensions` (saml-metadata-2.0-os 2.3.1).
static EXTENSIONS: ElementType = ElementType::open("md:ExtensionsType");

/// The type of `md:RoleDescriptor`. It is abstract, and the additions of its `xsi:type` are not known here.
static ROLE_DESCRIPTOR: ElementType =
    ElementType::open("md:RoleDescriptorType").with_other_attributes(OtherAttributes::Any);

/// Makes the type of an element that is not read: its name is listed, and its content is not checked.
const fn unread(name: &'static str) -> ElementType {
    ElementType::open(name).with_other_attributes(OtherAttributes::Any).deviating("it is not read")
}

static SP_SSO_DESCRIPTOR: ElementType = unread("md:SPSSODescriptorType");
static AUTHN_AUTHORITY_DESCRIPTOR: ElementType = unread("md:AuthnAuthorityDescriptorType");
static ATTRIBUTE_AUTHORITY_DESCRIPTOR: ElementType = unread("md:AttributeAuthorityDescriptorType");
static PDP_DESCRIPTOR: ElementType = unread("md:PDPDescriptorType");
static AFFILIATION_DESCRIPTOR: ElementType = unread("md:AffiliationDescriptorType");
static CONTACT: ElementType = unread("md:ContactType");
static ADDITIONAL_METADATA_LOCATION: ElementType = unread("md:AdditionalMetadataLocationType");
static ATTRIBUTE: ElementType = unread("saml:AttributeType");

/// The type of Signature and KeyInfo, which are checked by the code that reads them.
static FOREIGN: ElementType =
    ElementType::open("ds:KeyInfoType, ds:SignatureType").with_other_attributes(OtherAttributes::Any);

static URI: ElementType = ElementType::text("xs:anyURI", SimpleType::Uri);
