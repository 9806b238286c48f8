//! The types of saml-schema-assertion-2.0: everything that an Assertion can contain. The sections are those of
//! saml-core-2.0-os.

use vouchsafe_xml::namespace::{DSIG, SAML_ASSERTION as SAML, XMLENC};
use vouchsafe_xml::{AttributeUse, Child, Choice, ElementType, OtherAttributes, SimpleType};

/// The `<Assertion>` element (2.3.3).
pub(super) static ASSERTION: ElementType = ElementType::elements(
    "saml:AssertionType",
    &[
        Child::one(SAML, "Issuer", &NAME_ID),
        Child::optional(DSIG, "Signature", &SIGNATURE),
        Child::optional(SAML, "Subject", &SUBJECT),
        Child::optional(SAML, "Conditions", &CONDITIONS),
        Child::optional(SAML, "Advice", &ADVICE),
        Child::any(SAML, "Statement", &STATEMENT),
        Child::any(SAML, "AuthnStatement", &AUTHN_STATEMENT),
        Child::any(SAML, "AuthzDecisionStatement", &AUTHZ_DECISION_STATEMENT),
        Child::any(SAML, "AttributeStatement", &ATTRIBUTE_STATEMENT),
    ],
)
.with_attributes(&[
    AttributeUse::required("Version", SimpleType::String),
    AttributeUse::required("ID", SimpleType::NcName).judged_as(SimpleType::Identifier, BARE_UUIDS),
    AttributeUse::required("IssueInstant", SimpleType::DateTime),
]);

/// The reason why an `ID` need not be an `xs:NCName`. Both backends and every reader here compare it as text.
pub(super) const BARE_UUIDS: &str = "products write UUIDs without a letter before them, as the identity provider behind crewjam's \
                                     TestSPRealWorldAssertionSignedNotResponse does";

/// The `<ds:Signature>` element (5.4). The crate that verifies signatures checks it.
pub(super) static SIGNATURE: ElementType =
    ElementType::open("ds:SignatureType").with_other_attributes(OtherAttributes::Any);

/// The name identifier type of `<NameID>` (2.2.2, 2.2.3) and `<Issuer>` (2.2.5).
pub(super) static NAME_ID: ElementType = ElementType::text("saml:NameIDType", SimpleType::String)
    .with_attributes(&[
        NAME_QUALIFIER,
        SP_NAME_QUALIFIER,
        AttributeUse::optional("Format", SimpleType::Uri).left_to(
            "the rules about issuers, and whoever reads a name: crewjam's identity provider writes it empty, which says nothing",
        ),
        AttributeUse::optional("SPProvidedID", SimpleType::String),
    ]);

const NAME_QUALIFIER: AttributeUse = AttributeUse::optional("NameQualifier", SimpleType::String);
const SP_NAME_QUALIFIER: AttributeUse = AttributeUse::optional("SPNameQualifier", SimpleType::String);

/// The `<BaseID>` element (2.2.1). It is abstract: the meaning of its `xsi:type` is not known here, and the rule
/// `subject.name_id` refuses it.
pub(super) static BASE_ID: ElementType =
    ElementType::open("saml:BaseIDAbstractType").with_other_attributes(OtherAttributes::Any);

/// The encrypted elements: EncryptedID (2.2.4), EncryptedAssertion (2.3.4), EncryptedAttribute (2.7.3.2).
pub(super) static ENCRYPTED_ELEMENT: ElementType = ElementType::elements(
    "saml:EncryptedElementType",
    &[Child::one(XMLENC, "EncryptedData", &ENCRYPTED), Child::any(XMLENC, "EncryptedKey", &ENCRYPTED)],
);

/// The content of XML Encryption. The crate that decrypts it checks it.
static ENCRYPTED: ElementType =
    ElementType::open("xenc:EncryptedType").with_other_attributes(OtherAttributes::Any);

/// The `<Subject>` element (2.4.1): a name and any number of confirmations, or confirmations alone.
static SUBJECT: ElementType = ElementType::elements(
    "saml:SubjectType",
    &[
        Child::optional(SAML, "BaseID", &BASE_ID),
        Child::optional(SAML, "NameID", &NAME_ID),
        Child::optional(SAML, "EncryptedID", &ENCRYPTED_ELEMENT),
        Child::any(SAML, "SubjectConfirmation", &SUBJECT_CONFIRMATION),
    ],
)
.with_choices(&[Choice::at_most_one(0, 3), Choice::at_least_one(0, 4)]);

/// The `<SubjectConfirmation>` element (2.4.1.1).
static SUBJECT_CONFIRMATION: ElementType = ElementType::elements(
    "saml:SubjectConfirmationType",
    &[
        Child::optional(SAML, "BaseID", &BASE_ID),
        Child::optional(SAML, "NameID", &NAME_ID),
        Child::optional(SAML, "EncryptedID", &ENCRYPTED_ELEMENT),
        Child::optional(SAML, "SubjectConfirmationData", &SUBJECT_CONFIRMATION_DATA),
    ],
)
.with_choices(&[Choice::at_most_one(0, 3)])
.with_attributes(&[AttributeUse::required("Method", SimpleType::Uri)]);

/// The `<SubjectConfirmationData>` element (2.4.1.2).
static SUBJECT_CONFIRMATION_DATA: ElementType = ElementType::open("saml:SubjectConfirmationDataType")
    .with_attributes(&[
        AttributeUse::optional("NotBefore", SimpleType::DateTime),
        AttributeUse::optional("NotOnOrAfter", SimpleType::DateTime),
        AttributeUse::optional("Recipient", SimpleType::Uri)
            .left_to("subject.recipient, which compares it letter by letter"),
        AttributeUse::optional("InResponseTo", SimpleType::NcName)
            .left_to("subject.in_response_to, which compares it with the request's own ID"),
        AttributeUse::optional("Address", SimpleType::String),
    ])
    .with_other_attributes(OtherAttributes::OfOtherNamespaces(SAML));

/// The `<Conditions>` element (2.5.1).
static CONDITIONS: ElementType = ElementType::elements(
    "saml:ConditionsType",
    &[
        Child::any(SAML, "Condition", &CONDITION),
        Child::any(SAML, "AudienceRestriction", &AUDIENCE_RESTRICTION),
        Child::any(SAML, "OneTimeUse", &ONE_TIME_USE),
        Child::any(SAML, "ProxyRestriction", &PROXY_RESTRICTION),
    ],
)
.with_attributes(&[
    AttributeUse::optional("NotBefore", SimpleType::DateTime),
    AttributeUse::optional("NotOnOrAfter", SimpleType::DateTime),
]);

/// The `<Condition>` element (2.5.1.3). It is abstract, and the rule `conditions.understood` refuses it.
static CONDITION: ElementType =
    ElementType::open("saml:ConditionAbstractType").with_other_attributes(OtherAttributes::Any);

/// The `<AudienceRestriction>` element (2.5.1.4).
static AUDIENCE_RESTRICTION: ElementType =
    ElementType::elements("saml:AudienceRestrictionType", &[Child::some(SAML, "Audience", &URI)]);

/// The `<OneTimeUse>` element (2.5.1.5).
static ONE_TIME_USE: ElementType = ElementType::elements("saml:OneTimeUseType", &[]);

/// The `<ProxyRestriction>` element (2.5.1.6).
static PROXY_RESTRICTION: ElementType =
    ElementType::elements("saml:ProxyRestrictionType", &[Child::any(SAML, "Audience", &URI)])
        .with_attributes(&[AttributeUse::optional("Count", SimpleType::NonNegativeInteger)]);

/// The `<Advice>` element (2.6.1).
static ADVICE: ElementType = ElementType::open("saml:AdviceType");

/// The `<Statement>` element (2.7.1). It is abstract: the meaning of its `xsi:type` is not known here, and it is not
/// read.
static STATEMENT: ElementType =
    ElementType::open("saml:StatementAbstractType").with_other_attributes(OtherAttributes::Any);

/// The `<AuthnStatement>` element (2.7.2).
static AUTHN_STATEMENT: ElementType = ElementType::elements(
    "saml:AuthnStatementType",
    &[
        Child::optional(SAML, "SubjectLocality", &SUBJECT_LOCALITY),
        Child::one(SAML, "AuthnContext", &AUTHN_CONTEXT),
    ],
)
.with_attributes(&[
    AttributeUse::required("AuthnInstant", SimpleType::DateTime),
    AttributeUse::optional("SessionIndex", SimpleType::String),
    AttributeUse::optional("SessionNotOnOrAfter", SimpleType::DateTime),
]);

/// The `<SubjectLocality>` element (2.7.2.1).
static SUBJECT_LOCALITY: ElementType = ElementType::elements("saml:SubjectLocalityType", &[])
    .with_attributes(&[
        AttributeUse::optional("Address", SimpleType::String),
        AttributeUse::optional("DNSName", SimpleType::String),
    ]);

/// The `<AuthnContext>` element (2.7.2.2): a class, a declaration, or both; a declaration is contained or referred
/// to.
static AUTHN_CONTEXT: ElementType = ElementType::elements(
    "saml:AuthnContextType",
    &[
        Child::optional(SAML, "AuthnContextClassRef", &URI),
        Child::optional(SAML, "AuthnContextDecl", &ANYTHING),
        Child::optional(SAML, "AuthnContextDeclRef", &URI),
        Child::any(SAML, "AuthenticatingAuthority", &URI),
    ],
)
.with_choices(&[Choice::at_least_one(0, 3), Choice::at_most_one(1, 2)]);

/// The `<AuthzDecisionStatement>` element (2.7.4).
static AUTHZ_DECISION_STATEMENT: ElementType = ElementType::elements(
    "saml:AuthzDecisionStatementType",
    &[Child::some(SAML, "Action", &ACTION), Child::optional(SAML, "Evidence", &EVIDENCE)],
)
.with_attributes(&[
    AttributeUse::required("Resource", SimpleType::Uri)
        .left_to("nobody: 2.7.4 gives the empty URI a meaning, and the statement is not read"),
    AttributeUse::required("Decision", SimpleType::OneOf(&["Permit", "Deny", "Indeterminate"])),
]);

/// The `<Action>` element (2.7.4.2).
static ACTION: ElementType = ElementType::text("saml:ActionType", SimpleType::String)
    .with_attributes(&[AttributeUse::required("Namespace", SimpleType::Uri)]);

/// The `<Evidence>` element (2.7.4.3).
static EVIDENCE: ElementType = ElementType::elements(
    "saml:EvidenceType",
    &[
        Child::any(SAML, "AssertionIDRef", &NC_NAME),
        Child::any(SAML, "AssertionURIRef", &URI),
        Child::any(SAML, "Assertion", &ASSERTION),
        Child::any(SAML, "EncryptedAssertion", &ENCRYPTED_ELEMENT),
    ],
)
.with_choices(&[Choice::at_least_one(0, 4)]);

/// The `<AttributeStatement>` element (2.7.3).
static ATTRIBUTE_STATEMENT: ElementType = ElementType::elements(
    "saml:AttributeStatementType",
    &[Child::any(SAML, "Attribute", &ATTRIBUTE), Child::any(SAML, "EncryptedAttribute", &ENCRYPTED_ELEMENT)],
)
.with_choices(&[Choice::at_least_one(0, 2)]);

/// The `<Attribute>` element (2.7.3.1).
pub(super) static ATTRIBUTE: ElementType =
    ElementType::elements("saml:AttributeType", &[Child::any(SAML, "AttributeValue", &ANYTHING)])
        .with_attributes(&[
            AttributeUse::required("Name", SimpleType::String),
            AttributeUse::optional("NameFormat", SimpleType::Uri).left_to(
                "nobody: products write it empty, as in pyXMLSecurity's SAML_assertion_sha256, and nothing is decided by it",
            ),
            AttributeUse::optional("FriendlyName", SimpleType::String),
        ])
        .with_other_attributes(OtherAttributes::OfOtherNamespaces(SAML));

/// The `<AttributeValue>` element (2.7.3.1.1) and the `<AuthnContextDecl>` element, which may contain anything.
static ANYTHING: ElementType = ElementType::open("xs:anyType").with_other_attributes(OtherAttributes::Any);

static URI: ElementType = ElementType::text("xs:anyURI", SimpleType::Uri);

static NC_NAME: ElementType = ElementType::text("xs:NCName", SimpleType::NcName);
