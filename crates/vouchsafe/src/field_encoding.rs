//! Recognises base64 and its damaged or further encoded forms.

use vouchsafe_crypto::base64_decode;

use crate::field_beginning::{LOOKED_AT, SHORTEST, begins_like_xml, is_text};
use crate::field_content::FieldContent;
use crate::form;

/// Restores base64 of XML in which each `+` became a space. In the damaged form it decodes to something else or not
/// at all.
pub(crate) fn with_plus_signs(text: &str) -> Option<String> {
    let is_line = !text.contains(['\r', '\n', '+']);
    let letters = text.trim();
    if !is_line || !letters.contains(' ') {
        return None;
    }
    let decodes = |text: &str| base64_decode(whole_groups(text).as_bytes()).ok();
    let is_xml = |decoded: Vec<u8>| begins_like_xml(&decoded) && is_text(&decoded);
    if decodes(letters).is_some_and(is_xml) {
        return None;
    }
    let restored = letters.replace(' ', "+");
    decodes(&restored).is_some_and(is_xml).then_some(restored)
}

/// Recognises base64 and similar encodings.
pub(crate) fn of_encoded(text: &str) -> Option<FieldContent> {
    if with_plus_signs(text).is_some() {
        return Some(FieldContent::SpacesForPlus);
    }
    if of_hexadecimal(text) {
        return Some(FieldContent::Hexadecimal);
    }
    if let Ok(decoded) = base64_decode(whole_groups(text).as_bytes()) {
        return of_base64(&decoded);
    }
    let letters: String = text.split_ascii_whitespace().collect();
    if letters.bytes().all(is_of_alphabet) && letters.len() > SHORTEST {
        let whole = letters.get(..letters.len().saturating_sub(letters.len() % 4)).unwrap_or_default();
        let first = letters.split_inclusive("=").next().unwrap_or_default();
        let begins =
            |part: &str| base64_decode(part.as_bytes()).is_ok_and(|decoded| begins_like_xml(&decoded));
        if whole.len() < letters.len() && begins(whole) {
            return Some(FieldContent::TruncatedBase64);
        }
        let padded = letters.strip_prefix(first).is_some_and(|rest| !rest.trim_start_matches('=').is_empty());
        let first = if letters.get(first.len()..).is_some_and(|rest| rest.starts_with('=')) {
            format!("{first}=")
        } else {
            first.to_owned()
        };
        if padded && begins(&first) {
            return Some(FieldContent::SeveralMessages);
        }
    }
    if text.contains('%') {
        let once = form::percent_decoded(text);
        let twice = form::percent_decoded(&once);
        let is_base64 = |text: &str| base64_decode(whole_groups(text).as_bytes()).is_ok();
        return if is_base64(&once) {
            Some(FieldContent::PercentEncoded)
        } else {
            is_base64(&twice).then_some(FieldContent::PercentEncodedTwice)
        };
    }
    if let Some(decoded) = without_references(text) {
        return base64_decode(whole_groups(&decoded).as_bytes())
            .is_ok()
            .then_some(FieldContent::CharacterReferences);
    }
    let alphabet =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '=') || c.is_ascii_whitespace();
    let is_base64_url = text.contains(['-', '_']) && text.chars().all(alphabet);
    is_base64_url.then_some(FieldContent::Base64Url)
}

/// Replaces the character references in base64 that was copied from the source of a page; `None` if it has none.
pub(crate) fn without_references(text: &str) -> Option<String> {
    const SIGNS: [(&str, &str); 12] = [
        ("&#43;", "+"),
        ("&#x2b;", "+"),
        ("&#x2B;", "+"),
        ("&plus;", "+"),
        ("&#47;", "/"),
        ("&#x2f;", "/"),
        ("&#x2F;", "/"),
        ("&#61;", "="),
        ("&#x3d;", "="),
        ("&#x3D;", "="),
        ("&#10;", "\n"),
        ("&#13;", "\r"),
    ];
    let has = SIGNS.iter().any(|(reference, _)| text.contains(reference));
    has.then(|| SIGNS.iter().fold(text.to_owned(), |text, (reference, sign)| text.replace(reference, sign)))
}

/// Returns whether a text is XML in hexadecimal digits: `3C` is `<`.
fn of_hexadecimal(text: &str) -> bool {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    digits.len() >= SHORTEST
        && (digits.starts_with("3c") || digits.starts_with("3C"))
        && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_of_alphabet(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

/// Recognises the content of decoded base64.
pub(crate) fn of_base64(decoded: &[u8]) -> Option<FieldContent> {
    // An artifact has type 4, the index of an endpoint, the SHA-1 of an entity ID, and a handle of 20 bytes.
    if decoded.starts_with(&[0, 4]) && decoded.len() == 44 {
        return Some(FieldContent::Artifact);
    }
    is_base64_of_xml(decoded).then_some(FieldContent::DoubleBase64)
}

fn is_base64_of_xml(bytes: &[u8]) -> bool {
    let decoded = |text: &str| base64_decode(whole_groups(text.trim()).as_bytes());
    std::str::from_utf8(bytes).is_ok_and(|text| decoded(text).is_ok_and(|inner| begins_like_xml(&inner)))
}

/// Removes the incomplete group at the end of base64 that was cut off at the limit of this module.
pub(crate) fn whole_groups(text: &str) -> &str {
    match text.len() < LOOKED_AT.saturating_sub(4) {
        true => text,
        false => text.get(..text.len().saturating_sub(text.len() % 4)).unwrap_or(text),
    }
}
