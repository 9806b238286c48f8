//! The schema's content model: a violation is refused with its path and its type, whoever signed the message.

use crate::common::{AUTHN_BY_REFERENCE, Change, REQUEST, Receiver, good, okta};
use vouchsafe_assertion::{AssertionError, Outcome, Refusal};
use vouchsafe_crypto::ContentCipher;
use vouchsafe_testkit::{Encryption, Part, Place, ResponseBuilder, Signed, keys};

const NOW: &str = "2026-01-01T00:01:00Z";
const SAML: &str = "xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\"";
const SAMLP: &str = "xmlns:saml2p=\"urn:oasis:names:tc:SAML:2.0:protocol\"";

fn element(name: &str, rest: &str) -> String {
    let prefix = if name.starts_with("saml2p:") { SAMLP } else { SAML };
    if rest.contains('<') {
        format!("<{name} {prefix}>{rest}</{name}>")
    } else {
        format!("<{name} {prefix} {rest}/>")
    }
}

fn authn(inner: &str) -> String {
    format!(
        "<saml2:AuthnStatement {SAML} AuthnInstant=\"2026-01-01T00:00:00Z\">{inner}</saml2:AuthnStatement>"
    )
}

/// A change of a good response, and its error: path, type, problem.
const CASES: &[(&str, Change, &str)] = &[
    (
        "a Response without ID",
        |r| r.omit(Part::ResponseId).sign(Signed::Assertion),
        "/Response (samlp:ResponseType): the attribute ID is missing",
    ),
    (
        "a Response with an empty ID",
        |r| r.response_id("").sign(Signed::Assertion),
        "/Response (samlp:ResponseType): the attribute ID: expected an identifier, found “”",
    ),
    (
        "a second Status",
        |r| r.insert(Place::BeforeStatus, status("Success")),
        "/Response (samlp:ResponseType): Status occurs more than once",
    ),
    ("no Status", |r| r.omit(Part::Status), "/Response (samlp:ResponseType): Status is missing"),
    (
        "a Status without a code",
        |r| r.status(Vec::<String>::new()),
        "/Response/Status (samlp:StatusType): StatusCode is missing",
    ),
    (
        "a blank code",
        |r| r.status(["urn:oasis:names:tc:SAML:2.0:status:Success", " "]),
        "/Response/Status/StatusCode/StatusCode (samlp:StatusCodeType): the attribute Value: expected a URI that is not empty",
    ),
    (
        "two codes side by side",
        |r| r.insert(Place::Status, element("saml2p:StatusCode", "Value=\"urn:x\"")),
        "/Response/Status (samlp:StatusType): StatusCode occurs more than once",
    ),
    (
        "an Assertion in the Status",
        |r| r.insert(Place::Status, element("saml2:Assertion", "ID=\"x\"")),
        "/Response/Status (samlp:StatusType): the element “Assertion” of the namespace “urn:oasis:names:tc:SAML:2.0:assertion” is not allowed here",
    ),
    (
        "a second Issuer",
        |r| r.insert(Place::ResponseStart, element("saml2:Issuer", "")),
        "/Response (samlp:ResponseType): Issuer occurs more than once",
    ),
    (
        "a Response in a Response",
        |r| r.insert(Place::ResponseStart, element("saml2p:Response", "ID=\"x\"")),
        "/Response (samlp:ResponseType): the element “Response” of the namespace “urn:oasis:names:tc:SAML:2.0:protocol” is not allowed here",
    ),
    (
        "a foreign element in the Response",
        |r| r.insert(Place::AfterAssertion, "<x xmlns=\"urn:x\"/>"),
        "/Response (samlp:ResponseType): the element “x” of the namespace “urn:x” is not allowed here",
    ),
    (
        "an Issuer that holds elements",
        |r| r.omit(Part::ResponseIssuer).insert(Place::ResponseStart, element("saml2:Issuer", "<x/>")),
        "/Response/Issuer (saml:NameIDType): the element “x” of the namespace “” is not allowed here",
    ),
    (
        "a foreign element in the Assertion",
        |r| r.insert(Place::AssertionEnd, "<x xmlns=\"urn:x\"/>"),
        "/Response/Assertion[1] (saml:AssertionType): the element “x” of the namespace “urn:x” is not allowed here",
    ),
    (
        "a second Subject",
        |r| r.insert(Place::AssertionEnd, element("saml2:Subject", "<saml2:NameID>eve</saml2:NameID>")),
        "/Response/Assertion[1] (saml:AssertionType): Subject occurs more than once",
    ),
    (
        "an Assertion without ID",
        |r| r.omit(Part::AssertionId).sign(Signed::Response),
        "/Response/Assertion[1] (saml:AssertionType): the attribute ID is missing",
    ),
    (
        "a Subject without anything",
        |r| r.omit(Part::NameId).omit(Part::SubjectConfirmation),
        "/Response/Assertion[1]/Subject (saml:SubjectType): BaseID or NameID or EncryptedID or SubjectConfirmation is missing",
    ),
    (
        "a NameID and an EncryptedID",
        |r| r.insert(Place::Subject, encrypted_id()),
        "/Response/Assertion[1]/Subject (saml:SubjectType): BaseID or NameID or EncryptedID occurs more than once",
    ),
    (
        "an EncryptedID without ciphertext",
        |r| r.omit(Part::NameId).insert(Place::Subject, element("saml2:EncryptedID", "")),
        "/Response/Assertion[1]/Subject/EncryptedID (saml:EncryptedElementType): EncryptedData is missing",
    ),
    (
        "a NameID that holds elements",
        |r| r.omit(Part::NameId).insert(Place::Subject, element("saml2:NameID", "ada<x/>")),
        "/Response/Assertion[1]/Subject/NameID (saml:NameIDType): the element “x” of the namespace “” is not allowed here",
    ),
    (
        "a confirmation without Method",
        |r| r.insert(Place::Subject, element("saml2:SubjectConfirmation", "")),
        "/Response/Assertion[1]/Subject/SubjectConfirmation[2] (saml:SubjectConfirmationType): the attribute Method is missing",
    ),
    (
        "an attribute that nobody knows",
        |r| r.omit(Part::NameId).insert(Place::Subject, element("saml2:NameID", "format=\"urn:x\"")),
        "/Response/Assertion[1]/Subject/NameID (saml:NameIDType): the attribute “format” is not allowed here",
    ),
    (
        "nil where nothing may be nil",
        |r| {
            let nil = "xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" i:nil=\"true\"";
            r.omit(Part::NameId).insert(Place::Subject, element("saml2:NameID", nil))
        },
        "the attribute “nil” of the namespace “http://www.w3.org/2001/XMLSchema-instance” is not allowed here",
    ),
    (
        "a restriction without audience",
        |r| r.insert(Place::Conditions, element("saml2:AudienceRestriction", "")),
        "/Response/Assertion[1]/Conditions/AudienceRestriction[2] (saml:AudienceRestrictionType): Audience is missing",
    ),
    (
        "a restriction to an empty audience",
        |r| r.audience(""),
        "/Response/Assertion[1]/Conditions/AudienceRestriction[1]/Audience[1] (xs:anyURI): expected a URI that is not empty, found no text",
    ),
    (
        "an AuthnStatement without AuthnContext",
        |r| r.omit(Part::AuthnContext),
        "/Response/Assertion[1]/AuthnStatement[1] (saml:AuthnStatementType): AuthnContext is missing",
    ),
    (
        "an empty AuthnContext",
        |r| r.insert(Place::AssertionEnd, authn("<saml2:AuthnContext/>")),
        "/Response/Assertion[1]/AuthnStatement[2]/AuthnContext (saml:AuthnContextType): AuthnContextClassRef or AuthnContextDecl or AuthnContextDeclRef is missing",
    ),
    (
        "an empty AuthnContextClassRef",
        |r| r.authn_context(" \n"),
        "/Response/Assertion[1]/AuthnStatement[1]/AuthnContext/AuthnContextClassRef (xs:anyURI): expected a URI that is not empty, found no text",
    ),
    (
        "two classes",
        |r| {
            let class = "<saml2:AuthnContextClassRef>urn:x</saml2:AuthnContextClassRef>";
            r.insert(
                Place::AssertionEnd,
                authn(&format!("<saml2:AuthnContext>{class}{class}</saml2:AuthnContext>")),
            )
        },
        "AuthnContext (saml:AuthnContextType): AuthnContextClassRef occurs more than once",
    ),
    (
        "text among the statements",
        |r| {
            r.insert(
                Place::AssertionEnd,
                authn("<saml2:AuthnContext><saml2:AuthnContextDecl/></saml2:AuthnContext>secret"),
            )
        },
        "/Response/Assertion[1]/AuthnStatement[2] (saml:AuthnStatementType): there is text where only elements are allowed",
    ),
    (
        "an AttributeStatement without Attribute",
        |r| r.insert(Place::AssertionEnd, element("saml2:AttributeStatement", "")),
        "/Response/Assertion[1]/AttributeStatement[2] (saml:AttributeStatementType): Attribute or EncryptedAttribute is missing",
    ),
    (
        "an Attribute without Name",
        |r| r.insert(Place::AttributeStatement, element("saml2:Attribute", "")),
        "/Response/Assertion[1]/AttributeStatement[1]/Attribute[2] (saml:AttributeType): the attribute Name is missing",
    ),
    (
        "an Attribute that holds something else than values",
        |r| {
            r.insert(
                Place::AttributeStatement,
                element("saml2:Attribute", "Name=\"a\"").replace("/>", "><saml2:Value/></saml2:Attribute>"),
            )
        },
        "Attribute[2] (saml:AttributeType): the element “Value” of the namespace “urn:oasis:names:tc:SAML:2.0:assertion” is not allowed here",
    ),
    (
        "a decision that is none",
        |r| {
            let decision = format!(
                "<saml2:AuthzDecisionStatement {SAML} Resource=\"urn:r\" Decision=\"Maybe\"><saml2:Action Namespace=\"urn:n\">a</saml2:Action></saml2:AuthzDecisionStatement>"
            );
            r.insert(Place::AssertionEnd, decision)
        },
        "AuthzDecisionStatement[1] (saml:AuthzDecisionStatementType): the attribute Decision: expected one of the values that the schema lists, found “Maybe”",
    ),
];

#[test]
fn every_departure_is_refused_with_its_path_and_type() {
    let receiver = okta(NOW);
    let mut wrong = Vec::new();
    for (name, change, text) in CASES {
        match receive(&receiver, good(*change)) {
            Ok(()) => wrong.push(format!("{name}: accepted")),
            Err(refusal) => {
                let told = refusal.to_string();
                assert!(!told.contains("secret"), "{name}: {told}");
                if refusal.code() != "assertion.schema" || !told.contains(text) {
                    wrong.push(format!("{name}: [{}] {told}", refusal.code()));
                }
                let check = refusal.check().unwrap();
                assert_eq!(check.outcome(), Outcome::Failed, "{name}");
                assert!(check.rule().ends_with(".structure"), "{name}");
                assert!(!refusal.hint().is_empty());
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The same violations with other signatures, and encrypted.
#[test]
fn whatever_is_signed_and_whatever_is_encrypted() {
    let receiver = okta(NOW);
    let ways: [(&str, Change, &str); 5] = [
        ("the response is signed", |r| r.sign(Signed::Response), "assertion.schema"),
        ("the assertion is signed", |r| r.sign(Signed::Assertion), "assertion.schema"),
        (
            "encrypted, both signed",
            |r| r.encrypt(Encryption::to(keys::service_provider().certificate())),
            "assertion.schema",
        ),
        (
            "encrypted with AES-GCM, the response signed",
            |r| {
                let to = Encryption::to(keys::service_provider().certificate());
                r.sign(Signed::Response).encrypt(to.cipher(ContentCipher::Aes256Gcm))
            },
            "assertion.schema",
        ),
        // No decrypted text is shown, since it may belong to somebody else, changed bit by bit.
        (
            "encrypted with AES-CBC, the response signed",
            |r| {
                let to = Encryption::to(keys::service_provider().certificate());
                r.sign(Signed::Response).encrypt(to.cipher(ContentCipher::Aes256Cbc))
            },
            "encryption.failed",
        ),
    ];
    let mut wrong = Vec::new();
    for (way, on_this_way, expected) in ways {
        assert!(receive(&receiver, on_this_way(good(|r| r))).is_ok(), "{way}");
        for (name, change, text) in CASES {
            if name.contains("without ID") || name.contains("empty ID") {
                continue; // what is signed must have one to be signed at all
            }
            let code = receive(&receiver, on_this_way(good(*change)))
                .map_or_else(|refusal| refusal.code(), |()| "accepted");
            // Violations in the signed Response itself are visible in plain text.
            let is_outside = text.starts_with("/Response") && !text.contains("/Assertion");
            if code != if is_outside { "assertion.schema" } else { expected } {
                wrong.push(format!("{way}: {name}: {code}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Open parts of the schema, and content that may have another order or occur more than once.
#[test]
fn what_is_open_stays_open() {
    let receiver = okta(NOW);
    let anything = "<x xmlns=\"urn:x\" a=\"1\">text<y><z xmlns=\"\"/></y></x>";
    let allowed: [(&str, ResponseBuilder); 9] = [
        ("extensions", good(|r| r).insert(Place::BeforeStatus, element("saml2p:Extensions", anything))),
        ("status detail", good(|r| r).insert(Place::Status, element("saml2p:StatusDetail", anything))),
        ("advice", good(|r| r).insert(Place::AfterConditions, element("saml2:Advice", anything))),
        ("confirmation data", good(|r| r).insert(Place::SubjectConfirmationData, anything)),
        (
            "a value",
            good(|r| r).insert(
                Place::AttributeStatement,
                element("saml2:Attribute", "Name=\"a\" xmlns:o=\"urn:o\" o:origin=\"x\"")
                    .replace("/>", &format!("><saml2:AttributeValue o:any=\"1\">{anything}</saml2:AttributeValue></saml2:Attribute>")),
            ),
        ),
        (
            "a declaration of the context",
            good(|r| r).insert(
                Place::AssertionEnd,
                authn(&format!("<saml2:AuthnContext><saml2:AuthnContextDecl>{anything}</saml2:AuthnContextDecl></saml2:AuthnContext>")),
            ),
        ),
        ("a reference to a declaration", good(|r| r).insert(Place::AssertionEnd, AUTHN_BY_REFERENCE)),
        (
            "the schema's own attributes",
            good(|r| r).omit(Part::NameId).insert(
                Place::Subject,
                element(
                    "saml2:NameID",
                    "xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" i:type=\"saml2:NameIDType\" i:schemaLocation=\"urn:x x.xsd\"",
                )
                .replace("/>", ">ada</saml2:NameID>"),
            ),
        ),
        (
            "a subject after the statements, and a comment and an instruction between",
            good(|r| r).omit(Part::Subject).sign(Signed::Response).insert(
                Place::AssertionEnd,
                element(
                    "saml2:Subject",
                    &format!("<!-- c --><?p i?>{}", crate::common::confirmation(crate::common::BEARER, vouchsafe_testkit::ASSERTION_CONSUMER)),
                ),
            ),
        ),
    ];
    for (name, response) in allowed {
        assert_eq!(receive(&receiver, response).map_err(|refusal| refusal.to_string()), Ok(()), "{name}");
    }
}

/// A status other than Success is the reason, whatever else is wrong.
#[test]
fn the_status_is_told_first() {
    let receiver = okta(NOW);
    for signed in [Signed::Both, Signed::Response, Signed::Assertion] {
        let failed = good(|r| r.status(["urn:oasis:names:tc:SAML:2.0:status:Responder"]))
            .sign(signed)
            .omit(Part::ResponseIssueInstant)
            .insert(Place::AfterAssertion, "<x xmlns=\"urn:x\"/>");
        assert_eq!(receive(&receiver, failed).unwrap_err().code(), "assertion.status");
    }
}

/// The operands can be read without parsing the text.
#[test]
fn the_violation_comes_with_its_operands() {
    let refusal = receive(&okta(NOW), good(|r| r.omit(Part::AuthnContext))).unwrap_err();
    let AssertionError::Schema(violation) = refusal.error() else { panic!("{refusal}") };
    assert_eq!(violation.path(), "/Response/Assertion[1]/AuthnStatement[1]");
    assert_eq!(violation.schema_type(), "saml:AuthnStatementType");
}

/// Names from a message are escaped and shortened.
#[test]
fn hostile_names_are_shown_safely() {
    let namespace = format!("urn:\u{202e}{}", "x".repeat(900));
    let refusal = receive(
        &okta(NOW),
        good(|r| r).insert(Place::AssertionEnd, format!("<x{} xmlns=\"{namespace}\"/>", "y".repeat(200))),
    )
    .unwrap_err();
    let text = refusal.to_string();
    assert_eq!(refusal.code(), "assertion.schema");
    assert!(text.len() < 1000 && !text.contains('\u{202e}'), "{text}");
}

fn receive(receiver: &Receiver, response: ResponseBuilder) -> Result<(), Refusal> {
    let issued = response.in_response_to(REQUEST).issue().unwrap();
    receiver.receive(issued.xml().as_bytes()).map(drop)
}

fn status(code: &str) -> String {
    element(
        "saml2p:Status",
        &format!("<saml2p:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:{code}\"/>"),
    )
}

fn encrypted_id() -> String {
    let key = keys::service_provider().private_key().public_key();
    let name = format!("<saml2:NameID {SAML}>eve</saml2:NameID>");
    let sealed = vouchsafe_encryption::encrypt(
        &name,
        key,
        &vouchsafe_encryption::EncryptOptions::default(),
        keys::provider(),
    )
    .unwrap();
    element("saml2:EncryptedID", &sealed)
}

/// With two issuers, the message has no claimed issuer, and is refused whoever signed it.
#[test]
fn two_issuers_claim_nobody() {
    let second = "<saml2:Issuer xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\">https://evil.example</saml2:Issuer>";
    for place in [Place::ResponseStart, Place::BeforeStatus] {
        let receiver = okta(NOW);
        let issued = good(|r| r).sign(Signed::Assertion).insert(place, second).issue().unwrap();
        let document = vouchsafe_xml::Document::parse(issued.xml().as_bytes(), &receiver.limits).unwrap();
        let claimed = vouchsafe_assertion::Claimed::of(document).unwrap();
        // The issuer of the only Assertion remains.
        assert_eq!(claimed.issuer().unwrap().as_str(), vouchsafe_testkit::OKTA_ENTITY_ID);
        let refusal = receiver.receive(issued.xml().as_bytes()).unwrap_err();
        assert_eq!(refusal.code(), "assertion.schema");
        assert_eq!(refusal.check().unwrap().rule(), "response.structure");
        assert!(refusal.to_string().ends_with("Issuer occurs more than once"), "{refusal}");
    }
}
