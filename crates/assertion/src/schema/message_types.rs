//! The types of saml-schema-protocol-2.0 for messages other than a Response. The sections are those of
//! saml-core-2.0-os.

use vouchsafe_xml::namespace::{DSIG, SAML_ASSERTION as SAML, SAML_PROTOCOL as SAMLP};
use vouchsafe_xml::{AttributeUse, Child, Choice, ElementType, SimpleType};

use super::assertion_types::{BARE_UUIDS, BASE_ID, ENCRYPTED_ELEMENT, NAME_ID, SIGNATURE};
use super::protocol_types::{EXTENSIONS, RESPONSE, STATUS};

/// The `<LogoutRequest>` element (3.7.1), based on the request type (3.2.1).
pub(super) static LOGOUT_REQUEST: ElementType = ElementType::elements(
    "samlp:LogoutRequestType",
    &[
        Child::optional(SAML, "BaseID", &BASE_ID),
        Child::optional(SAML, "NameID", &NAME_ID),
        Child::optional(SAML, "EncryptedID", &ENCRYPTED_ELEMENT),
        Child::optional(SAML, "Issuer", &NAME_ID),
        Child::optional(DSIG, "Signature", &SIGNATURE),
        Child::optional(SAMLP, "Extensions", &EXTENSIONS),
        Child::any(SAMLP, "SessionIndex", &STRING),
    ],
)
.with_choices(&[Choice::at_most_one(0, 3), Choice::at_least_one(0, 3)])
.with_attributes(&[
    ID,
    VERSION,
    ISSUE_INSTANT,
    DESTINATION,
    CONSENT,
    AttributeUse::optional("Reason", SimpleType::String),
    AttributeUse::optional("NotOnOrAfter", SimpleType::DateTime),
]);

/// The response type (3.2.2). A `<LogoutResponse>` (3.7.2) and a `<ManageNameIDResponse>` (3.6.2) add nothing to it.
pub(super) static STATUS_RESPONSE: ElementType = ElementType::elements(
    "samlp:StatusResponseType",
    &[
        Child::optional(SAML, "Issuer", &NAME_ID),
        Child::optional(DSIG, "Signature", &SIGNATURE),
        Child::optional(SAMLP, "Extensions", &EXTENSIONS),
        Child::one(SAMLP, "Status", &STATUS),
    ],
)
.with_attributes(&[ID, IN_RESPONSE_TO, VERSION, ISSUE_INSTANT, DESTINATION, CONSENT]);

/// The `<ManageNameIDRequest>` element (3.6.1).
pub(super) static MANAGE_NAME_ID_REQUEST: ElementType = ElementType::elements(
    "samlp:ManageNameIDRequestType",
    &[
        Child::optional(SAML, "NameID", &NAME_ID),
        Child::optional(SAML, "EncryptedID", &ENCRYPTED_ELEMENT),
        Child::optional(SAMLP, "NewID", &STRING),
        Child::optional(SAMLP, "NewEncryptedID", &ENCRYPTED_ELEMENT),
        Child::optional(SAMLP, "Terminate", &TERMINATE),
        Child::optional(SAML, "Issuer", &NAME_ID),
        Child::optional(DSIG, "Signature", &SIGNATURE),
        Child::optional(SAMLP, "Extensions", &EXTENSIONS),
    ],
)
.with_choices(&[
    Choice::at_most_one(0, 2),
    Choice::at_least_one(0, 2),
    Choice::at_most_one(2, 3),
    Choice::at_least_one(2, 3),
])
.with_attributes(&[ID, VERSION, ISSUE_INSTANT, DESTINATION, CONSENT]);

/// The decrypted content of a `<NewEncryptedID>` (3.6.1).
pub(super) static NEW_ID: ElementType = ElementType::text("xs:string", SimpleType::String);

static TERMINATE: ElementType = ElementType::elements("samlp:TerminateType", &[]);

/// The `<ArtifactResponse>` element (3.5.2).
pub(super) static ARTIFACT_RESPONSE: ElementType = ElementType::elements(
    "samlp:ArtifactResponseType",
    &[
        Child::optional(SAML, "Issuer", &NAME_ID),
        Child::optional(DSIG, "Signature", &SIGNATURE),
        Child::optional(SAMLP, "Extensions", &EXTENSIONS),
        Child::one(SAMLP, "Status", &STATUS),
        Child::optional(SAMLP, "Response", &RESPONSE),
    ],
)
.deviating("3.5.2 allows any message in it, and the artifacts that are resolved here are those of a Response")
.with_attributes(&[ID, IN_RESPONSE_TO, VERSION, ISSUE_INSTANT, DESTINATION, CONSENT]);

static STRING: ElementType = ElementType::text("xs:string", SimpleType::String);

const ID: AttributeUse =
    AttributeUse::required("ID", SimpleType::NcName).judged_as(SimpleType::Identifier, BARE_UUIDS);
const VERSION: AttributeUse = AttributeUse::required("Version", SimpleType::String);
const ISSUE_INSTANT: AttributeUse = AttributeUse::required("IssueInstant", SimpleType::DateTime);
const CONSENT: AttributeUse = AttributeUse::optional("Consent", SimpleType::Uri);
const DESTINATION: AttributeUse = AttributeUse::optional("Destination", SimpleType::Uri)
    .left_to("message.destination, which compares it letter by letter");
const IN_RESPONSE_TO: AttributeUse = AttributeUse::optional("InResponseTo", SimpleType::NcName)
    .left_to("message.in_response_to, which compares it with the request's own ID");
