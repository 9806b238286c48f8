//! Writes our logout messages (SAML Core 3.7), with as few elements as possible, since identity providers process
//! those best.

use chrono::TimeDelta;
use vouchsafe_xml::{Writer, namespace};

use crate::error::BindingError;
use crate::participant::Participant;
use crate::request::{Ends, start_message, write_name_id, written};

/// How long our logout request is valid: as long as we accept one of an identity provider.
const LIFETIME: TimeDelta = TimeDelta::minutes(5);
/// The reason of a logout that the person asked for (3.7.3).
const BY_THE_PERSON: &str = "urn:oasis:names:tc:SAML:2.0:logout:user";
const STATUS: &str = "urn:oasis:names:tc:SAML:2.0:status:";

/// The status that answers a logout request.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum LogoutStatus {
    /// Every session of the request has ended, now or before.
    Success,
    /// Some sessions of the request go on.
    Partial,
    /// No session of the request was ended.
    Failed,
}

impl LogoutStatus {
    /// The status codes, the outer first. A partial logout is reported inside Success, since the request was carried
    /// out.
    pub(crate) fn codes(self) -> &'static [&'static str] {
        match self {
            LogoutStatus::Success => &["Success"],
            LogoutStatus::Partial => &["Success", "PartialLogout"],
            LogoutStatus::Failed => &["Responder"],
        }
    }
}

pub(crate) fn logout_request(ends: &Ends<'_>, participant: &Participant) -> Result<String, BindingError> {
    let mut xml = Writer::new();
    start_message(&mut xml, "saml2p:LogoutRequest", ends);
    if let Some(end) = ends.issued_at.checked_add_signed(LIFETIME) {
        xml.attribute("NotOnOrAfter", &written(end));
    }
    xml.attribute("Reason", BY_THE_PERSON);
    xml.element("saml2:Issuer", ends.issuer);
    write_name_id(&mut xml, &participant.name_id);
    for index in &participant.session_indexes {
        xml.element("saml2p:SessionIndex", index);
    }
    xml.end();
    Ok(xml.finish()?)
}

/// The answer to a request of an identity provider.
#[derive(Clone, Copy)]
pub(crate) struct Reply<'r> {
    pub(crate) element: &'static str,
    pub(crate) in_response_to: &'r str,
    /// The status codes, each nested in the one before it.
    pub(crate) codes: &'static [&'static str],
}

impl Reply<'_> {
    pub(crate) fn write(self, ends: &Ends<'_>) -> Result<String, BindingError> {
        let mut xml = Writer::new();
        start_message(&mut xml, self.element, ends);
        xml.attribute("InResponseTo", self.in_response_to);
        xml.element("saml2:Issuer", ends.issuer);
        write_status(&mut xml, self.codes);
        xml.end();
        Ok(xml.finish()?)
    }
}

/// Writes a Status with these codes, each nested in the one before it.
fn write_status(xml: &mut Writer, codes: &[&str]) {
    xml.start("saml2p:Status");
    for code in codes {
        xml.start("saml2p:StatusCode").attribute("Value", &[STATUS, code].concat());
    }
    for _ in codes {
        xml.end();
    }
    xml.end();
}

/// Writes a SOAP 1.1 envelope around a message (SAML Bindings 3.2).
pub(crate) fn soap_envelope(message: &str) -> String {
    format!("<S:Envelope xmlns:S=\"{}\"><S:Body>{message}</S:Body></S:Envelope>", namespace::SOAP_ENVELOPE)
}

/// Writes the fault that answers a refused message. It does not tell the reason. `S:Client` means that the message
/// should not be sent again without a change, and `S:Server` that it may succeed later (SOAP 1.1, 4.4.1).
pub(crate) fn soap_fault(code: &str, text: &str) -> Result<String, BindingError> {
    let mut xml = Writer::new();
    xml.start("S:Envelope").namespace("S", namespace::SOAP_ENVELOPE);
    xml.start("S:Body").start("S:Fault");
    xml.element("faultcode", code).element("faultstring", text);
    xml.end().end().end();
    Ok(xml.finish()?)
}
