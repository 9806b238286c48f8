//! The fields of an `application/x-www-form-urlencoded` text, of which there must be one each.

use crate::error::BindingError;

/// Every value of the named field, in order. Names are compared exactly, after decoding.
pub(crate) fn values(form: &[u8], name: &str) -> Vec<String> {
    form_urlencoded::parse(form)
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
