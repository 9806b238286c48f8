//! The text of a response: it is built, the Assertion is signed and encrypted, and the Response is signed.

use vouchsafe_crypto::Certificate;
use vouchsafe_encryption::encrypt;
use vouchsafe_signature::{Signer, sign};
use vouchsafe_xml::{Limits, Writer, namespace};

use crate::identity_provider::{DECLARATION, in_lines};
use crate::issue::{Issued, ResponseBuilder};
use crate::parts::{Attribute, Encryption, Part, Place};
use crate::{KeyPair, TestkitError, keys};

/// A placeholder for the Assertion while everything around it is written.
const HOLE: &str = "<assertion-goes-here/>";

impl ResponseBuilder {
    /// Issues the response: signs the Assertion, encrypts it, and signs the Response, as configured.
    ///
    /// # Errors
    ///
    /// An error is returned if a value cannot be written in XML, or if a key or algorithm cannot be used.
    pub fn issue(&self) -> Result<Issued, TestkitError> {
        issue(self).map(Issued::of)
    }
}

fn issue(response: &ResponseBuilder) -> Result<String, TestkitError> {
    let around = format!("{DECLARATION}{}", around_assertion(response)?);
    let (before, after) = around
        .split_once(HOLE)
        .ok_or_else(|| TestkitError::message("response", "a place for the assertion", around.clone()))?;
    if !response.has(Part::Assertion) {
        return signed_response(response, format!("{before}{after}"));
    }
    let assertion = signed_assertion(response, before, &assertion(response)?, after)?;
    let assertion = match &response.encryption {
        Some(encryption) => encrypted(&assertion, encryption)?,
        None => assertion,
    };
    signed_response(response, format!("{before}{assertion}{after}"))
}

/// Signs the Assertion in its place, because with inclusive canonicalization its signature covers the namespaces that
/// are declared around it.
fn signed_assertion(
    response: &ResponseBuilder,
    before: &str,
    assertion: &str,
    after: &str,
) -> Result<String, TestkitError> {
    if !response.signed.assertion() {
        return Ok(assertion.to_owned());
    }
    let whole = format!("{before}{assertion}{after}");
    let signed = signed(response, whole, &response.assertion_id, &response.assertion_key)?;
    let inside = signed.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
    inside.map(str::to_owned).ok_or_else(|| {
        TestkitError::message("signed response", "everything round the assertion as it was", signed.clone())
    })
}

fn signed_response(response: &ResponseBuilder, xml: String) -> Result<String, TestkitError> {
    if response.signed.response() {
        signed(response, xml, &response.response_id, &response.response_key)
    } else {
        Ok(xml)
    }
}

fn signed(response: &ResponseBuilder, xml: String, id: &str, key: &KeyPair) -> Result<String, TestkitError> {
    let xs = ["xs"];
    let mut signer =
        Signer::new(key.private_key()).digest(response.digest).canonicalization(response.canonicalization);
    if response.has(Part::KeyInfo) {
        signer = signer.certificate(key.certificate());
    }
    if response.canonicalization.is_exclusive() && response.has(Part::ValueType) {
        signer = signer.inclusive_prefixes(&xs);
    }
    if let Some(algorithm) = response.signature_algorithm {
        signer = signer.algorithm(algorithm);
    }
    let signed = sign(&xml, id, &signer, keys::provider(), &Limits::default())?;
    Ok(with_lines(&signed, key.certificate()))
}

pub(crate) fn encrypted(assertion: &str, encryption: &Encryption) -> Result<String, TestkitError> {
    let key = keys::provider().public_key(encryption.recipient.spki_der())?;
    let sealed = encrypt(assertion, &key, &encryption.options, keys::provider())?;
    let sealed = with_lines(&sealed, &encryption.recipient);
    Ok(format!(
        "<saml2:EncryptedAssertion xmlns:saml2=\"{}\">{sealed}</saml2:EncryptedAssertion>",
        namespace::SAML_ASSERTION
    ))
}

/// Breaks a certificate into lines. The KeyInfo that contains it is inside its own Signature, which that signature
/// does not cover, so nothing that is signed already changes.
fn with_lines(xml: &str, certificate: &Certificate) -> String {
    let lines = in_lines(certificate);
    xml.replace(&lines.replace('\n', ""), &lines)
}

fn around_assertion(response: &ResponseBuilder) -> Result<String, TestkitError> {
    let mut writer = Writer::new();
    writer.start("saml2p:Response").namespace("saml2p", namespace::SAML_PROTOCOL);
    if response.has(Part::ValueType) {
        writer.namespace("xs", namespace::XS);
    }
    attribute(&mut writer, response, Part::Destination, "Destination", Some(&response.destination));
    attribute(&mut writer, response, Part::ResponseId, "ID", Some(&response.response_id));
    let request = response.in_response_to.as_deref();
    attribute(&mut writer, response, Part::ResponseInResponseTo, "InResponseTo", request);
    let instant = response.time(response.response_issue_instant.as_ref(), 0);
    attribute(&mut writer, response, Part::ResponseIssueInstant, "IssueInstant", Some(&instant));
    attribute(&mut writer, response, Part::ResponseVersion, "Version", Some(&response.response_version));

    raw(&mut writer, response, Place::ResponseStart);
    if response.has(Part::ResponseIssuer) {
        writer.start("saml2:Issuer").namespace("saml2", namespace::SAML_ASSERTION);
        issuer(&mut writer, response, response.response_issuer.as_deref());
    }
    raw(&mut writer, response, Place::BeforeStatus);
    if response.has(Part::Status) {
        status(&mut writer, response);
    }
    raw(&mut writer, response, Place::BeforeAssertion);
    writer.raw_element(HOLE);
    raw(&mut writer, response, Place::AfterAssertion);
    writer.end();
    Ok(writer.finish()?)
}

fn status(writer: &mut Writer, response: &ResponseBuilder) {
    writer.start("saml2p:Status");
    for code in &response.status {
        writer.start("saml2p:StatusCode").attribute("Value", code);
    }
    for _ in &response.status {
        writer.end();
    }
    if let Some(message) = &response.status_message {
        writer.start("saml2p:StatusMessage").text(message).end();
    }
    raw(writer, response, Place::Status);
    writer.end();
}

fn assertion(response: &ResponseBuilder) -> Result<String, TestkitError> {
    let mut writer = Writer::new();
    writer.start("saml2:Assertion").namespace("saml2", namespace::SAML_ASSERTION);
    if response.has(Part::ValueType) {
        writer.namespace("xs", namespace::XS);
    }
    attribute(&mut writer, response, Part::AssertionId, "ID", Some(&response.assertion_id));
    let instant = response.time(response.assertion_issue_instant.as_ref(), 0);
    attribute(&mut writer, response, Part::AssertionIssueInstant, "IssueInstant", Some(&instant));
    attribute(&mut writer, response, Part::AssertionVersion, "Version", Some(&response.assertion_version));
    raw(&mut writer, response, Place::AssertionStart);
    if response.has(Part::AssertionIssuer) {
        writer.start("saml2:Issuer");
        issuer(&mut writer, response, response.assertion_issuer.as_deref());
    }
    if response.has(Part::Subject) {
        subject(&mut writer, response);
    }
    if response.has(Part::Conditions) {
        conditions(&mut writer, response);
    }
    raw(&mut writer, response, Place::AfterConditions);
    if response.has(Part::AuthnStatement) {
        authn_statements(&mut writer, response);
    }
    if response.has(Part::AttributeStatement) && !response.attributes.is_empty() {
        writer.start("saml2:AttributeStatement");
        for attribute in &response.attributes {
            attribute_with_values(&mut writer, attribute, response.has(Part::ValueType));
        }
        raw(&mut writer, response, Place::AttributeStatement);
        writer.end();
    }
    raw(&mut writer, response, Place::AssertionEnd);
    writer.end();
    Ok(writer.finish()?)
}

fn issuer(writer: &mut Writer, response: &ResponseBuilder, named: Option<&str>) {
    writer.attribute("Format", &response.issuer_format);
    writer.text(named.unwrap_or_else(|| response.identity_provider.entity_id())).end();
}

fn subject(writer: &mut Writer, response: &ResponseBuilder) {
    writer.start("saml2:Subject");
    if response.has(Part::NameId) {
        writer.start("saml2:NameID");
        attribute(writer, response, Part::NameIdFormat, "Format", Some(&response.name_id_format));
        optional(writer, "NameQualifier", response.name_qualifier.as_deref());
        optional(writer, "SPNameQualifier", response.sp_name_qualifier.as_deref());
        writer.text(&response.name_id).end();
    }
    if response.has(Part::SubjectConfirmation) {
        writer.start("saml2:SubjectConfirmation").attribute("Method", &response.confirmation_method);
        if response.has(Part::SubjectConfirmationData) {
            confirmation_data(writer, response);
        }
        writer.end();
    }
    raw(writer, response, Place::Subject);
    writer.end();
}

fn confirmation_data(writer: &mut Writer, response: &ResponseBuilder) {
    writer.start("saml2:SubjectConfirmationData");
    optional(writer, "Address", response.address.as_deref());
    let request = response.subject_in_response_to.as_deref();
    attribute(writer, response, Part::SubjectInResponseTo, "InResponseTo", request);
    if response.subject_not_before.is_some() {
        writer.attribute("NotBefore", &response.time(response.subject_not_before.as_ref(), 0));
    }
    let end = response.time(response.subject_not_on_or_after.as_ref(), 5);
    attribute(writer, response, Part::SubjectNotOnOrAfter, "NotOnOrAfter", Some(&end));
    attribute(writer, response, Part::Recipient, "Recipient", Some(&response.recipient));
    raw(writer, response, Place::SubjectConfirmationData);
    writer.end();
}

fn conditions(writer: &mut Writer, response: &ResponseBuilder) {
    writer.start("saml2:Conditions");
    let begin = response.time(response.not_before.as_ref(), -5);
    attribute(writer, response, Part::ConditionsNotBefore, "NotBefore", Some(&begin));
    let end = response.time(response.not_on_or_after.as_ref(), 5);
    attribute(writer, response, Part::ConditionsNotOnOrAfter, "NotOnOrAfter", Some(&end));
    if response.has(Part::AudienceRestriction) {
        for audiences in &response.audience_restrictions {
            writer.start("saml2:AudienceRestriction");
            for audience in audiences {
                writer.start("saml2:Audience").text(audience).end();
            }
            writer.end();
        }
    }
    raw(writer, response, Place::Conditions);
    writer.end();
}

/// Writes the AuthnStatement. As in Okta, the session index is the request's identifier, or a new value if there is
/// no request.
fn authn_statements(writer: &mut Writer, response: &ResponseBuilder) {
    let first = response.session_index.as_deref().or(response.in_response_to.as_deref());
    authn_statement(writer, response, first.unwrap_or("id1767225600000.1"));
    for further in &response.further_session_indexes {
        authn_statement(writer, response, further);
    }
}

fn authn_statement(writer: &mut Writer, response: &ResponseBuilder, session_index: &str) {
    writer.start("saml2:AuthnStatement");
    let instant = response.time(response.authn_instant.as_ref(), 0);
    attribute(writer, response, Part::AuthnInstant, "AuthnInstant", Some(&instant));
    attribute(writer, response, Part::SessionIndex, "SessionIndex", Some(session_index));
    if response.session_not_on_or_after.is_some() {
        writer.attribute("SessionNotOnOrAfter", &response.time(response.session_not_on_or_after.as_ref(), 0));
    }
    if response.has(Part::AuthnContext) {
        writer.start("saml2:AuthnContext").start("saml2:AuthnContextClassRef");
        writer.text(&response.authn_context).end().end();
    }
    writer.end();
}

fn attribute_with_values(writer: &mut Writer, attribute: &Attribute, typed: bool) {
    writer.start("saml2:Attribute");
    optional(writer, "FriendlyName", attribute.friendly_name.as_deref());
    writer.attribute("Name", &attribute.name);
    optional(writer, "NameFormat", attribute.name_format.as_deref());
    for value in &attribute.values {
        writer.start("saml2:AttributeValue");
        if typed {
            writer.namespace("xs", namespace::XS).namespace("xsi", namespace::XSI);
            writer.attribute("xsi:type", "xs:string");
        }
        writer.text(value).end();
    }
    writer.end();
}

fn attribute(writer: &mut Writer, response: &ResponseBuilder, part: Part, name: &str, value: Option<&str>) {
    if response.has(part) {
        optional(writer, name, value);
    }
}

fn optional(writer: &mut Writer, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        writer.attribute(name, value);
    }
}

fn raw(writer: &mut Writer, response: &ResponseBuilder, place: Place) {
    for (_, xml) in response.raw.iter().filter(|(wanted, _)| *wanted == place) {
        writer.raw_element(xml);
    }
}
