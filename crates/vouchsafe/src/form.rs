//! Reads the fields of an `application/x-www-form-urlencoded` text; each field may occur once only.

use percent_encoding::percent_decode;

use crate::error::BindingError;

/// Returns every value of the named field, in order. Names are compared exactly, after decoding.
pub(crate) fn values(form: &[u8], name: &str) -> Vec<String> {
    form.split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            (halves.next().unwrap_or_default(), halves.next().unwrap_or_default())
        })
        .filter(|(field, _)| is_named(field, name))
        .map(|(_, value)| decoded(value))
        .collect()
}

/// Returns whether a field has this name, which contains no space. Anybody can send a million fields, so nothing is
/// allocated for those with other names.
fn is_named(field: &[u8], name: &str) -> bool {
    !field.contains(&b'+') && percent_decode(field).eq(name.bytes())
}

/// Decodes a name or a value that a browser encoded (URL Standard, 5.1): `+` is a space, `%` and two digits are a
/// byte, and any other `%` stays. Bytes that are not UTF-8 are replaced.
fn decoded(text: &[u8]) -> String {
    let with_spaces: Vec<u8> = text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    percent_decode(&with_spaces).decode_utf8_lossy().into_owned()
}

/// Decodes the percent-encoding of a text in which `+` is a literal plus sign.
pub(crate) fn percent_decoded(text: &str) -> String {
    percent_decode(text.as_bytes()).decode_utf8_lossy().into_owned()
}

/// Returns the value of a field that may occur at most once.
pub(crate) fn optional(form: &[u8], name: &'static str) -> Result<Option<String>, BindingError> {
    let mut values = values(form, name);
    match values.len() {
        0 | 1 => Ok(values.pop()),
        count => Err(BindingError::FieldRepeated { name, count }),
    }
}

/// Returns the value of a field that must occur exactly once.
pub(crate) fn required(form: &[u8], name: &'static str) -> Result<String, BindingError> {
    optional(form, name)?.ok_or(BindingError::FieldMissing { name })
}

/// Returns the fields that HTTP-POST-SimpleSign signs, if the form has one of the fields that only this binding has:
/// the message (given with its value), the RelayState, the algorithm and the signature.
pub(crate) fn signed(
    form: &[u8],
    message: (&'static str, &str),
    relay_state: Option<&str>,
) -> Result<Option<Vec<(String, String)>>, BindingError> {
    let (algorithm, signature) = (optional(form, "SigAlg")?, optional(form, "Signature")?);
    if algorithm.is_none() && signature.is_none() {
        return Ok(None);
    }
    let state = relay_state.map(|state| ("RelayState", state));
    let rest = [("SigAlg", algorithm.as_deref()), ("Signature", signature.as_deref())];
    let rest = rest.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let all = std::iter::once(message).chain(state).chain(rest);
    Ok(Some(all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()))
}

#[cfg(test)]
mod tests {
    use super::{optional, required, values};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn forms_are_read_as_browsers_read_them(form in "[ab=&+%0-9a-f é\\x00]{0,40}", raw: Vec<u8>) {
            for form in [form.as_bytes(), &raw] {
                for name in ["a", "b", ""] {
                    let theirs = form_urlencoded::parse(form).filter(|(field, _)| field == name);
                    let theirs: Vec<String> = theirs.map(|(_, value)| value.into_owned()).collect();
                    prop_assert_eq!(values(form, name), theirs);
                }
            }
        }
    }

    #[test]
    fn fields_as_browsers_write_them() {
        for (form, expected) in [
            ("a=1&b=2&a=3", &["1", "3"][..]),
            ("a=x+y%2Bz", &["x y+z"]),
            ("a=%e2%82%ac", &["€"]),
            ("a=b=c%3D", &["b=c="]),
            ("&&a&&", &[""]),
            ("%61=1", &["1"]),
            ("A=1&aa=2&a%20=3", &[]),
            ("a=100%&a=%4&a=%zz", &["100%", "%4", "%zz"]),
            ("a=%ff", &["\u{fffd}"]),
            ("a=1;a=2", &["1;a=2"]),
            ("", &[]),
        ] {
            assert_eq!(values(form.as_bytes(), "a"), expected, "{form}");
        }
        assert_eq!(optional(b"a=1&%61=2", "a").unwrap_err().code(), "binding.field_repeated");
        assert_eq!(required(b"b=1", "a").unwrap_err().code(), "binding.field_missing");
    }
}
