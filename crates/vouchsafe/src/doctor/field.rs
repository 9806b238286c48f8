//! Reads a field as a service does. If a service would refuse the field, the doctor reports the refusal, reads the
//! field leniently, and examines the message.

use vouchsafe_crypto::base64_decode;
use vouchsafe_xml::{Document, Limits};

use super::complaint::Complaint;
use crate::error::BindingError;
use crate::field_beginning::{begins_like_utf16, begins_like_xml};
use crate::field_encoding::{with_plus_signs, without_references};
use crate::form;
use crate::incoming::decoded;
use crate::redirect::{self, SAML_REQUEST, SAML_RESPONSE};

/// The content of a field.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) bytes: Vec<u8>,
    /// The reason why a service refuses the field.
    pub(super) refused: Option<Complaint>,
}

/// Reads the value of a posted field, already decoded from its form.
pub(super) fn posted(name: &'static str, value: &str, limits: &Limits) -> Result<Field, Box<Complaint>> {
    or_leniently(decoded(name, value, limits), value, limits)
}

/// Reads the message of a query string.
pub(super) fn in_query(query: &str, value: &str, limits: &Limits) -> Result<Field, Box<Complaint>> {
    let read = redirect::decode_unverified(query, limits).map(|message| message.bytes().to_vec());
    or_leniently(read, value, limits)
}

/// Reads a value that is neither XML nor base64 of it, if it is a known variation of them.
pub(super) fn by_itself(value: &str, limits: &Limits) -> Option<Field> {
    posted(SAML_RESPONSE, value, limits).ok()
}

/// Returns the reason why a service refuses a value.
pub(super) fn refusal(value: &str, limits: &Limits) -> Option<Complaint> {
    let error = decoded(SAML_RESPONSE, value, limits).err()?;
    Some(Complaint::error(error.code(), error.to_string(), error.hint()))
}

/// Returns the first message in a form or a query: the name of its field and its decoded value.
pub(super) fn of_form(form: &str) -> Option<(&'static str, String)> {
    [SAML_RESPONSE, SAML_REQUEST].into_iter().find_map(|name| {
        let value = form::values(form.as_bytes(), name).into_iter().next()?;
        Some((name, value))
    })
}

fn or_leniently(
    read: Result<Vec<u8>, BindingError>,
    value: &str,
    limits: &Limits,
) -> Result<Field, Box<Complaint>> {
    let error = match read {
        Ok(bytes) => return Ok(Field { bytes, refused: None }),
        Err(error) => error,
    };
    let refused = Complaint::error(error.code(), error.to_string(), error.hint());
    match leniently(value, limits) {
        Some(bytes) => Ok(Field { bytes, refused: Some(refused) }),
        None => Err(Box::new(refused)),
    }
}

/// Finds a SAML message in a value that a service refuses.
fn leniently(value: &str, limits: &Limits) -> Option<Vec<u8>> {
    let value = value.trim();
    let percent_decoded = form::percent_decoded(value);
    let of_url = |text: &str| text.replace('-', "+").replace('_', "/").trim_end_matches('=').to_owned();
    let texts = [
        Some(value.to_owned()),
        with_plus_signs(value),
        Some(form::percent_decoded(&percent_decoded)),
        Some(percent_decoded),
        Some(padded(of_url(value))),
        without_references(value),
    ];
    texts.into_iter().flatten().find_map(|text| {
        let bytes = base64_decode(text.as_bytes()).ok()?;
        message_in(bytes, limits)
    })
}

fn padded(mut text: String) -> String {
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    text
}

/// Finds the message in decoded bytes: unchanged, compressed, in base64 once more, or in UTF-16.
fn message_in(bytes: Vec<u8>, limits: &Limits) -> Option<Vec<u8>> {
    if is_message(&bytes, limits) {
        return Some(bytes);
    }
    let inflated = |bytes: &[u8]| {
        redirect::inflate(bytes, SAML_RESPONSE, limits.inflated_bytes)
            .ok()
            .filter(|inflated| is_message(inflated, limits))
    };
    let again = || {
        let inner = base64_decode(std::str::from_utf8(&bytes).ok()?.trim()).ok()?;
        if is_message(&inner, limits) { Some(inner) } else { inflated(&inner) }
    };
    let of_utf16 =
        || begins_like_utf16(&bytes).then(|| utf16(&bytes)).filter(|text| is_message(text, limits));
    // The compressed data may follow a zlib header of two bytes.
    inflated(&bytes).or_else(|| inflated(bytes.get(2..)?)).or_else(again).or_else(of_utf16)
}

fn utf16(bytes: &[u8]) -> Vec<u8> {
    let is_little = matches!(bytes, [0xFF, 0xFE, ..] | [b'<', 0, ..]);
    let unit = |pair: &[u8]| match pair {
        [one, other] if is_little => u16::from_le_bytes([*one, *other]),
        [one, other] => u16::from_be_bytes([*one, *other]),
        _ => 0,
    };
    let units = bytes.chunks_exact(2).map(unit);
    let text: String =
        char::decode_utf16(units).map(|one| one.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    let text = text.trim_start_matches('\u{FEFF}');
    // The declaration names the old encoding, so it is removed.
    let without = text.split_once("?>").filter(|_| text.starts_with("<?xml")).map_or(text, |(_, rest)| rest);
    without.as_bytes().to_vec()
}

/// Returns whether bytes are well-formed XML of SAML 2.0.
fn is_message(bytes: &[u8], limits: &Limits) -> bool {
    const SAML: &[u8] = b"urn:oasis:names:tc:SAML:2.0:";
    begins_like_xml(bytes)
        && bytes.windows(SAML.len()).take(64 * 1024).any(|window| window == SAML)
        && Document::parse(bytes, limits).is_ok()
}
