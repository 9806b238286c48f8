//! What a document states about itself. Nothing of it is verified.

use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe_crypto::Certificate;
use vouchsafe_xml::{Document, Element, namespace};

use super::exhibit::Kind;

/// The maximum number of certificates of a message that are used if there is no metadata.
const CERTIFICATES: usize = 4;

/// The data of a request that its answer is compared with.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) kind: Kind,
    pub(crate) id: String,
    pub(crate) issuer: Option<String>,
    pub(crate) consumer: Option<String>,
    /// The Destination of the request.
    pub(crate) destination: Option<String>,
    /// When the request was issued, by its sender's clock.
    pub(crate) issued_at: Option<DateTime<Utc>>,
    /// Whether the request is part of a recording, which itself shows the sequence of requests and answers.
    pub(crate) is_recorded: bool,
}

/// Returns the data of a request that its answer is compared with.
pub(crate) fn request(document: &Document, kind: Kind) -> Option<Request> {
    let root = document.root();
    let time = root.attribute("IssueInstant").and_then(|text| DateTime::parse_from_rfc3339(text.trim()).ok());
    Some(Request {
        kind,
        id: root.attribute("ID")?.to_owned(),
        issuer: issuer(root),
        consumer: root.attribute("AssertionConsumerServiceURL").map(str::to_owned),
        destination: root.attribute("Destination").map(|address| address.trim().to_owned()),
        issued_at: time.map(|time| time.with_timezone(&Utc)),
        is_recorded: false,
    })
}

pub(crate) fn issuer(root: Element<'_>) -> Option<String> {
    let issuer = root.elements().find(|child| child.is(namespace::SAML_ASSERTION, "Issuer"))?;
    Some(issuer.text().trim().to_owned())
}

/// Returns the second after the time when it was issued, by the clock of its sender.
pub(super) fn issued(root: Element<'_>) -> Option<DateTime<Utc>> {
    let time = DateTime::parse_from_rfc3339(root.attribute("IssueInstant")?.trim()).ok()?;
    time.with_timezone(&Utc).checked_add_signed(TimeDelta::seconds(1))
}

pub(super) fn has_encrypted_assertion(root: Element<'_>) -> bool {
    root.elements().any(|child| child.is(namespace::SAML_ASSERTION, "EncryptedAssertion"))
}

/// Returns the certificates in the signatures of the Response and its Assertion.
pub(super) fn certificates(document: &Document) -> Vec<Certificate> {
    let root = document.root();
    let assertions = root.elements().filter(|child| child.is(namespace::SAML_ASSERTION, "Assertion"));
    let signatures = std::iter::once(root).chain(assertions).flat_map(|element| element.elements());
    let signatures = signatures.filter(|child| child.is(namespace::DSIG, "Signature"));
    let values = signatures.flat_map(|signature| signature.descendants());
    values
        .filter(|element| element.is(namespace::DSIG, "X509Certificate"))
        .take(CERTIFICATES)
        .filter_map(|element| Certificate::from_base64(&element.text()).ok())
        .collect()
}
