//! Character references, entity references, and the values of attributes.

use crate::{XmlError, names};

/// Returns the character of a reference (XML 1.0, 4.1 and 4.6). `name` is the text between `&` and `;`.
pub(crate) fn resolve(name: &str, offset: usize) -> Result<char, XmlError> {
    match name {
        "amp" => return Ok('&'),
        "lt" => return Ok('<'),
        "gt" => return Ok('>'),
        "quot" => return Ok('"'),
        "apos" => return Ok('\''),
        _ => {}
    }
    let code_point = match name.strip_prefix('#') {
        Some(number) => match number.strip_prefix('x') {
            Some(digits) => number_of(digits, 16),
            None => number_of(number, 10),
        },
        None => None,
    };
    let Some(code_point) = code_point else {
        return Err(XmlError::Reference { reference: name.into(), offset });
    };
    match char::from_u32(code_point) {
        Some(character) if names::is_character(character) => Ok(character),
        _ => Err(XmlError::Character { code_point, offset }),
    }
}

/// Returns the text after `&` and the byte that ends it: `;`, or `&` or `<` if it is not closed.
pub(crate) fn name(rest: &str) -> Option<(&str, u8)> {
    let end = memchr::memchr3(b';', b'&', b'<', rest.as_bytes())?;
    Some((rest.get(..end)?, *rest.as_bytes().get(end)?))
}

/// Appends the value of `raw`, the text between the quotes: references are resolved, and literal white space becomes
/// spaces (XML 1.0, 2.11 and 3.3.3).
pub(crate) fn attribute_value(raw: &str, offset: usize, target: &mut String) -> Result<(), XmlError> {
    let mut rest = raw;
    let place = |rest: &str| offset.saturating_add(raw.len().saturating_sub(rest.len()));
    loop {
        let Some(at) = rest.bytes().position(|byte| matches!(byte, b'<' | b'&' | b'\t' | b'\n' | b'\r'))
        else {
            target.push_str(rest);
            return Ok(());
        };
        let (before, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
        target.push_str(before);
        if let Some(reference) = from.strip_prefix('&') {
            let Some((name, following)) = reference.split_once(';') else {
                return Err(XmlError::Syntax {
                    problem: "a reference is not closed (\"&\" by itself is written \"&amp;\")",
                    offset: place(from),
                });
            };
            target.push(resolve(name, place(from))?);
            rest = following;
        } else if from.starts_with('<') {
            return Err(XmlError::Syntax {
                problem: "“<” is in an attribute value", offset: place(from)
            });
        } else {
            target.push(' ');
            let following = from.strip_prefix("\r\n").or_else(|| from.get(1..));
            rest = following.unwrap_or_default();
        }
    }
}

/// Returns the number, saturated. Returns `None` if the text has other characters than digits.
fn number_of(digits: &str, radix: u32) -> Option<u32> {
    if digits.is_empty() {
        return None;
    }
    digits.chars().try_fold(0_u32, |number, digit| {
        Some(number.saturating_mul(radix).saturating_add(digit.to_digit(radix)?))
    })
}
