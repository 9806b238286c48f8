//! The fields of an `application/x-www-form-urlencoded` text, of which there must be one each.

use std::borrow::Cow;

use crate::error::BindingError;

/// Every value of the named field, in order. Names are compared exactly, after decoding.
pub(crate) fn values(form: &[u8], name: &str) -> Vec<String> {
    url::form_urlencoded::parse(form)
        .filter(|(field, _)| field == name)
        .map(|(_, value)| value.into_owned())
        .collect()
}

/// The value of a field that may come at most once.
pub(crate) fn optional(form: &[u8], name: &'static str) -> Result<Option<String>, BindingError> {
    let mut values = values(form, name);
    match values.len() {
        0 | 1 => Ok(values.pop()),
        count => Err(BindingError::FieldRepeated { name, count }),
    }
}

/// The value of a field that must come exactly once.
pub(crate) fn required(form: &[u8], name: &'static str) -> Result<String, BindingError> {
    optional(form, name)?.ok_or(BindingError::FieldMissing { name })
}

/// The form for reading base64: some senders do not escape its plus signs, and base64 has no spaces that they could stand for.
pub(crate) fn with_plus_as_itself(form: &[u8]) -> Cow<'_, [u8]> {
    if !form.contains(&b'+') {
        return Cow::Borrowed(form);
    }
    let pieces: Vec<&[u8]> = form.split(|&octet| octet == b'+').collect();
    Cow::Owned(pieces.join(&b"%2B"[..]))
}
