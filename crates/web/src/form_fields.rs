//! Reads the fields of a form as browsers post it.

use serde::{Deserialize, Serialize};

/// The encoding of a posted form.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum FormKind {
    Urlencoded,
    Multipart,
}

impl FormKind {
    pub(crate) fn enctype(self) -> &'static str {
        match self {
            FormKind::Urlencoded => "application/x-www-form-urlencoded",
            FormKind::Multipart => "multipart/form-data",
        }
    }
}

/// The maximum number of fields, more than usual forms have.
const MOST_FIELDS: usize = 1_000;

/// One part of a form.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct FormPart {
    pub(crate) name: String,
    pub(crate) is_file: bool,
    pub(crate) value: Vec<u8>,
}

/// Reads the fields of a body with this content type; `None` if it is not a form, contains a file, is not UTF-8, or
/// has too many fields.
pub(crate) fn fields_of(content_type: &str, body: &[u8]) -> Option<(FormKind, Vec<(String, String)>)> {
    let (kind, parts) = parts_of(content_type, body)?;
    let text = |part: FormPart| {
        let value = String::from_utf8(part.value).ok()?;
        (!part.is_file).then_some((part.name, value))
    };
    Some((kind, parts.into_iter().map(text).collect::<Option<_>>()?))
}

/// Reads the parts of a body with this content type, including files; `None` if it is not a form, or has too many
/// parts.
pub(crate) fn parts_of(content_type: &str, body: &[u8]) -> Option<(FormKind, Vec<FormPart>)> {
    let (kind, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    let (kind, parts) = match kind.trim().to_ascii_lowercase().as_str() {
        "application/x-www-form-urlencoded" => (FormKind::Urlencoded, urlencoded(body)?),
        "multipart/form-data" => (FormKind::Multipart, multipart(boundary(parameters)?, body)?),
        _ => return None,
    };
    (parts.len() <= MOST_FIELDS).then_some((kind, parts))
}

fn urlencoded(body: &[u8]) -> Option<Vec<FormPart>> {
    // The parser replaces bytes that are not UTF-8, so such a form would not be posted again unchanged.
    let fields: Vec<_> =
        form_urlencoded::parse(body).into_owned().take(MOST_FIELDS.saturating_add(1)).collect();
    let is_whole =
        !fields.iter().any(|(name, value)| name.contains('\u{fffd}') || value.contains('\u{fffd}'));
    let part = |(name, value): (String, String)| FormPart { name, is_file: false, value: value.into_bytes() };
    is_whole.then(|| fields.into_iter().map(part).collect())
}

/// The parameter `boundary` of the content type (RFC 2046, 5.1.1).
fn boundary(parameters: &str) -> Option<&str> {
    let value = parameters.split(';').find_map(|one| {
        let (name, value) = one.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"'))
    })?;
    ((1..=70).contains(&value.len())).then_some(value)
}

/// The parts of a `multipart/form-data` (RFC 7578).
fn multipart(boundary: &str, body: &[u8]) -> Option<Vec<FormPart>> {
    let delimiter = format!("--{boundary}");
    let separator = format!("\r\n--{boundary}");
    let mut rest = body.strip_prefix(delimiter.as_bytes())?;
    let mut parts = Vec::new();
    loop {
        if rest.strip_suffix(b"\r\n").unwrap_or(rest) == b"--" {
            return Some(parts);
        }
        let (part, following) = split_once(rest.strip_prefix(b"\r\n")?, separator.as_bytes())?;
        let (head, value) = split_once(part, b"\r\n\r\n")?;
        if parts.len() > MOST_FIELDS {
            return None;
        }
        let (name, is_file) = described(std::str::from_utf8(head).ok()?)?;
        parts.push(FormPart { name, is_file, value: value.to_owned() });
        rest = following;
    }
}

/// Returns the bytes before the first separator, and the bytes after it.
fn split_once<'b>(bytes: &'b [u8], separator: &[u8]) -> Option<(&'b [u8], &'b [u8])> {
    let place = bytes.windows(separator.len()).position(|window| window == separator)?;
    let (before, rest) = bytes.split_at_checked(place)?;
    Some((before, rest.strip_prefix(separator)?))
}

/// Returns the name in the Content-Disposition of a part, and whether it is a file.
fn described(head: &str) -> Option<(String, bool)> {
    let (mut found, mut is_text) = (None, true);
    for line in head.split("\r\n") {
        let (name, value) = line.split_once(':')?;
        match name.trim().to_ascii_lowercase().as_str() {
            "content-disposition" => found = Some(value.trim()),
            // The charset of a text part is always UTF-8 here.
            "content-type" => is_text = value.trim().to_ascii_lowercase().starts_with("text/plain"),
            _ => return None,
        }
    }
    // Browsers percent-encode quotation marks and line ends in names, so a quotation mark ends the name.
    let (name, rest) = found?.strip_prefix("form-data; name=\"")?.split_once('"')?;
    let is_file = match rest {
        "" if is_text => false,
        "" => return None,
        rest => rest.strip_prefix("; filename=\"")?.strip_suffix('"').map(|_| true)?,
    };
    Some((name.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n"), is_file))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: &str, body: &str) -> Option<Vec<(String, String)>> {
        fields_of(kind, body.as_bytes()).map(|(_, fields)| fields)
    }

    fn pairs(fields: &[(&str, &str)]) -> Option<Vec<(String, String)>> {
        Some(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    const MULTIPART: &str = "multipart/form-data; boundary=----x";

    #[test]
    fn forms_as_browsers_post_them() {
        let plain = "application/x-www-form-urlencoded";
        assert_eq!(read(plain, "a=1+2&b=%C3%A9&a="), pairs(&[("a", "1 2"), ("b", "é"), ("a", "")]));
        assert_eq!(read("Application/X-WWW-Form-Urlencoded; charset=UTF-8", ""), pairs(&[]));
        let body = "------x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nline\r\nline\r\n\
                    ------x\r\nContent-Disposition: form-data; name=\"%22b\"\r\n\r\n\r\n------x--\r\n";
        assert_eq!(read(MULTIPART, body), pairs(&[("a", "line\r\nline"), ("\"b", "")]));
        assert_eq!(
            read("multipart/form-data; charset=utf-8; boundary=\"----x\"", "------x--\r\n"),
            pairs(&[])
        );
    }

    #[test]
    fn a_file_is_read_where_one_is_expected() {
        let body = b"------x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n------x\r\n\
                     Content-Disposition: form-data; name=\"file\"; filename=\"idp \"1\".xml\"\r\nContent-Type: text/xml\r\n\r\n\
                     \xff\xfe<\x00\r\n------x--\r\n";
        let (kind, parts) = parts_of(MULTIPART, body).unwrap();
        let part = |name: &str, is_file, value: &[u8]| FormPart {
            name: name.to_owned(),
            is_file,
            value: value.to_owned(),
        };
        assert_eq!(kind, FormKind::Multipart);
        assert_eq!(parts, [part("a", false, b"b"), part("file", true, b"\xff\xfe<\x00")]);
        assert_eq!(fields_of(MULTIPART, body), None);
    }

    #[test]
    fn what_is_no_form_is_not_read() {
        let part = |head: &str| format!("------x\r\n{head}\r\n\r\nvalue\r\n------x--\r\n");
        for (kind, body) in [
            ("text/plain", "a=1".to_owned()),
            ("application/json", "{}".to_owned()),
            ("", String::new()),
            ("application/x-www-form-urlencoded", "a=%ff".to_owned()),
            ("application/x-www-form-urlencoded", "a=1&".repeat(1_001)),
            ("multipart/form-data", part("Content-Disposition: form-data; name=\"a\"")),
            (MULTIPART, part("Content-Disposition: form-data; name=\"a\"; filename=\"b\"")),
            (MULTIPART, part("Content-Disposition: form-data; name=\"a\"\r\nContent-Type: image/png")),
            (MULTIPART, part("Content-Disposition: attachment")),
            (MULTIPART, part("nothing")),
            (MULTIPART, "------x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nno end".to_owned()),
            (MULTIPART, "------x".to_owned()),
            (MULTIPART, String::new()),
        ] {
            assert_eq!(read(kind, &body), None, "{kind} {body:.80}");
        }
        assert!(
            fields_of(
                MULTIPART,
                b"------x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\xff\r\n------x--"
            )
            .is_none()
        );
    }
}
