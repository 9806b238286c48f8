//! The compression of messages in queries (SAML bindings, section 3.4.4.1).

use std::io::Read as _;

use flate2::Compression;
use flate2::read::{DeflateDecoder, DeflateEncoder};
use vouchsafe_crypto::base64_decode;
use vouchsafe_xml::Limits;

use crate::TestkitError;

pub(crate) fn deflated(text: &str) -> Vec<u8> {
    let mut deflated = Vec::new();
    // Reading from memory does not fail.
    let _ = DeflateEncoder::new(text.as_bytes(), Compression::default()).read_to_end(&mut deflated);
    deflated
}

/// Returns the message in the decoded value of a parameter. `what` is the name of the parameter for errors.
pub(crate) fn inflated(value: &str, what: &'static str) -> Result<Vec<u8>, TestkitError> {
    let deflated = base64_decode(value)?;
    let limit = u64::try_from(Limits::default().inflated_bytes).unwrap_or(u64::MAX);
    let mut xml = Vec::new();
    DeflateDecoder::new(deflated.as_slice())
        .take(limit)
        .read_to_end(&mut xml)
        .map_err(|error| TestkitError::message(what, "DEFLATE", error.to_string()))?;
    Ok(xml)
}
