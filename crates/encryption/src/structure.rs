//! The required structure of EncryptedData and EncryptedKey. It is checked once, strictly, before anything is
//! decrypted.

use vouchsafe_crypto::{ContentCipher, DigestAlgorithm, KeyTransport, base64_decode};
use vouchsafe_xml::{Element, namespace};

use crate::EncryptionError;

/// The `Type` of an EncryptedData that holds one element.
pub(crate) const TYPE_ELEMENT: &str = "http://www.w3.org/2001/04/xmlenc#Element";
/// The `Type` of a RetrievalMethod that refers to an EncryptedKey.
pub(crate) const TYPE_ENCRYPTED_KEY: &str = "http://www.w3.org/2001/04/xmlenc#EncryptedKey";

/// An EncryptedData with a valid structure.
pub(crate) struct EncryptedData<'d> {
    pub(crate) element: Element<'d>,
    pub(crate) cipher: ContentCipher,
    pub(crate) key_info: Option<Element<'d>>,
    value: Element<'d>,
}

impl<'d> EncryptedData<'d> {
    /// Returns the only EncryptedData among the children of an element.
    pub(crate) fn inside(parent: Element<'d>) -> Result<Self, EncryptionError> {
        let mut found = parent.elements().filter(|child| child.is(namespace::XMLENC, "EncryptedData"));
        match (found.next(), found.count()) {
            (Some(element), 0) => Self::read(element),
            (first, more) => Err(EncryptionError::DataCount {
                element: parent.qualified_name().to_string(),
                position: parent.position(),
                found: usize::from(first.is_some()).saturating_add(more),
            }),
        }
    }

    pub(crate) fn read(element: Element<'d>) -> Result<Self, EncryptionError> {
        let (method, value) = method_and_value(element, "EncryptedData")?;
        let cipher = ContentCipher::from_uri(method.attribute("Algorithm").unwrap_or_default())
            .ok_or_else(|| unknown("content encryption", method))?;
        let key_info = at_most_one(element, "EncryptedData", namespace::DSIG, "KeyInfo")?;
        Ok(Self { element, cipher, key_info, value })
    }

    /// Checks the `Type`. SAML encrypts elements, so it is absent or the type of an element.
    pub(crate) fn require_element(&self) -> Result<(), EncryptionError> {
        match self.element.attribute("Type") {
            None | Some(TYPE_ELEMENT) => Ok(()),
            Some(actual) => Err(EncryptionError::NotAnElement {
                position: self.element.position(),
                actual: actual.to_owned(),
            }),
        }
    }

    pub(crate) fn bytes(&self) -> Result<Vec<u8>, EncryptionError> {
        decode(self.value, self.element, "EncryptedData")
    }
}

/// An EncryptedKey with a valid structure.
pub(crate) struct EncryptedKey<'d> {
    pub(crate) element: Element<'d>,
    pub(crate) transport: KeyTransport,
    pub(crate) transport_uri: &'d str,
    /// The label of RSA-OAEP; empty if the message has none.
    pub(crate) label: Vec<u8>,
    pub(crate) bytes: Vec<u8>,
}

impl<'d> EncryptedKey<'d> {
    pub(crate) fn read(element: Element<'d>) -> Result<Self, EncryptionError> {
        let (method, value) = method_and_value(element, "EncryptedKey")?;
        let (transport, label) = key_transport(method)?;
        let transport_uri = method.attribute("Algorithm").unwrap_or_default();
        Ok(Self { element, transport, transport_uri, label, bytes: decode(value, element, "EncryptedKey")? })
    }
}

/// Returns the key transport and the label, which is base64 in the message. The digest and the mask generation
/// function are SHA-1 by default (XML encryption 1.1, section 5.5.2). An MGF is accepted with both identifiers of
/// RSA-OAEP, as in libxmlsec.
fn key_transport(method: Element<'_>) -> Result<(KeyTransport, Vec<u8>), EncryptionError> {
    match method.attribute("Algorithm") {
        Some(KeyTransport::RSA_15_URI) => return Ok((KeyTransport::Rsa15, Vec::new())),
        Some(KeyTransport::RSA_OAEP_URI | KeyTransport::RSA_OAEP_MGF1P_URI) => {}
        _ => return Err(unknown("key transport", method)),
    }
    let label = match at_most_one(method, "EncryptionMethod", namespace::XMLENC, "OAEPparams")? {
        None => Vec::new(),
        Some(parameters) => base64_decode(parameters.text().as_bytes())
            .map_err(|_| EncryptionError::OaepParameters { position: method.position() })?,
    };
    let digest = match at_most_one(method, "EncryptionMethod", namespace::DSIG, "DigestMethod")? {
        None => DigestAlgorithm::Sha1,
        Some(named) => oaep_digest(named.attribute("Algorithm").unwrap_or_default())
            .ok_or_else(|| unknown("OAEP digest", named))?,
    };
    let mgf = match at_most_one(method, "EncryptionMethod", namespace::XMLENC11, "MGF")? {
        None => DigestAlgorithm::Sha1,
        Some(named) => DigestAlgorithm::from_mgf_uri(named.attribute("Algorithm").unwrap_or_default())
            .ok_or_else(|| unknown("mask generation", named))?,
    };
    Ok((KeyTransport::RsaOaep { digest, mgf }, label))
}

/// Reads the digest of RSA-OAEP. XML encryption has an identifier of its own for SHA-384 (1.1, section 5.8.3), in
/// addition to the one of RFC 9231.
fn oaep_digest(uri: &str) -> Option<DigestAlgorithm> {
    match uri {
        "http://www.w3.org/2001/04/xmlenc#sha384" => Some(DigestAlgorithm::Sha384),
        _ => DigestAlgorithm::from_uri(uri),
    }
}

fn method_and_value<'d>(
    element: Element<'d>,
    name: &'static str,
) -> Result<(Element<'d>, Element<'d>), EncryptionError> {
    let method = exactly_one(element, name, namespace::XMLENC, "EncryptionMethod")?;
    let data = exactly_one(element, name, namespace::XMLENC, "CipherData")?;
    if data.elements().any(|child| child.is(namespace::XMLENC, "CipherReference")) {
        return Err(EncryptionError::CipherReference { parent: name, position: element.position() });
    }
    let value = exactly_one(data, "CipherData", namespace::XMLENC, "CipherValue")?;
    Ok((method, value))
}

fn decode(value: Element<'_>, owner: Element<'_>, name: &'static str) -> Result<Vec<u8>, EncryptionError> {
    base64_decode(value.text().as_bytes())
        .map_err(|_| EncryptionError::Base64 { parent: name, position: owner.position() })
}

fn exactly_one<'d>(
    parent: Element<'d>,
    parent_name: &'static str,
    namespace: &str,
    child: &'static str,
) -> Result<Element<'d>, EncryptionError> {
    at_most_one(parent, parent_name, namespace, child)?.ok_or_else(|| EncryptionError::Structure {
        parent: parent_name,
        child,
        position: parent.position(),
        found: 0,
    })
}

fn at_most_one<'d>(
    parent: Element<'d>,
    parent_name: &'static str,
    namespace: &str,
    child: &'static str,
) -> Result<Option<Element<'d>>, EncryptionError> {
    let mut found = parent.elements().filter(|element| element.is(namespace, child));
    let first = found.next();
    match found.count() {
        0 => Ok(first),
        more => Err(EncryptionError::Structure {
            parent: parent_name,
            child,
            position: parent.position(),
            found: more.saturating_add(1),
        }),
    }
}

fn unknown(purpose: &'static str, named: Element<'_>) -> EncryptionError {
    let algorithm = named.attribute("Algorithm").unwrap_or_default().to_owned();
    EncryptionError::UnknownAlgorithm { purpose, algorithm }
}
