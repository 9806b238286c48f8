//! The types of saml-schema-protocol-2.0 that occur in a Response. The sections are those of saml-core-2.0-os.

use vouchsafe_xml::namespace::{DSIG, SAML_ASSERTION as SAML, SAML_PROTOCOL as SAMLP};
use vouchsafe_xml::{AttributeUse, Child, ElementType, SimpleType};

use super::assertion_types::{ASSERTION, BARE_UUIDS, ENCRYPTED_ELEMENT, NAME_ID, SIGNATURE};

/// The `<Response>` element (3.3.3), based on the response type (3.2.2).
pub(super) static RESPONSE: ElementType = ElementType::elements(
    "samlp:ResponseType",
    &[
        Child::optional(SAML, "Issuer", &NAME_ID),
        Child::optional(DSIG, "Signature", &SIGNATURE),
        Child::optional(SAMLP, "Extensions", &EXTENSIONS),
        Child::one(SAMLP, "Status", &STATUS),
        Child::any(SAML, "Assertion", &ASSERTION),
        Child::any(SAML, "EncryptedAssertion", &ENCRYPTED_ELEMENT),
    ],
)
.with_attributes(&[
    AttributeUse::required("ID", SimpleType::NcName).judged_as(SimpleType::Identifier, BARE_UUIDS),
    AttributeUse::optional("InResponseTo", SimpleType::NcName)
        .left_to("response.in_response_to, which compares it with the request's own ID"),
    AttributeUse::required("Version", SimpleType::String),
    AttributeUse::required("IssueInstant", SimpleType::DateTime),
    AttributeUse::optional("Destination", SimpleType::Uri)
        .left_to("response.destination: OneLogin sends it empty until \"Recipient\" is filled in, and its entry in the catalogue of quirks says so"),
    AttributeUse::optional("Consent", SimpleType::Uri),
]);

/// The `<Extensions>` element (3.2.1).
pub(super) static EXTENSIONS: ElementType = ElementType::open("samlp:ExtensionsType");

/// The `<Status>` element (3.2.2.1).
pub(super) static STATUS: ElementType = ElementType::elements(
    "samlp:StatusType",
    &[
        Child::one(SAMLP, "StatusCode", &STATUS_CODE),
        Child::optional(SAMLP, "StatusMessage", &STATUS_MESSAGE),
        Child::optional(SAMLP, "StatusDetail", &STATUS_DETAIL),
    ],
);

/// The `<StatusCode>` element (3.2.2.2).
static STATUS_CODE: ElementType =
    ElementType::elements("samlp:StatusCodeType", &[Child::optional(SAMLP, "StatusCode", &STATUS_CODE)])
        .with_attributes(&[AttributeUse::required("Value", SimpleType::Uri)]);

/// The `<StatusMessage>` element (3.2.2.3).
static STATUS_MESSAGE: ElementType = ElementType::text("xs:string", SimpleType::String);

/// The `<StatusDetail>` element (3.2.2.4).
static STATUS_DETAIL: ElementType = ElementType::open("samlp:StatusDetailType");
