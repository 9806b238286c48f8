//! The fields of a form as browsers post it, without files.

use serde::{Deserialize, Serialize};

/// How a form is posted.
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

/// More than any form of people's has.
const MOST_FIELDS: usize = 1_000;

/// The fields of a body of this content type: `None` if it is no form, holds a file, is not UTF-8, or has too many fields.
pub(crate) fn fields_of(content_type: &str, body: &[u8]) -> Option<(FormKind, Vec<(String, String)>)> {
    let (kind, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    let (kind, fields) = match kind.trim().to_ascii_lowercase().as_str() {
        "application/x-www-form-urlencoded" => (FormKind::Urlencoded, urlencoded(body)?),
        "multipart/form-data" => (FormKind::Multipart, multipart(boundary(parameters)?, body)?),
        _ => return None,
    };
    (fields.len() <= MOST_FIELDS).then_some((kind, fields))
}

fn urlencoded(body: &[u8]) -> Option<Vec<(String, String)>> {
    // The parser replaces what is not UTF-8; such a form would come back another.
    let fields: Vec<_> =
        form_urlencoded::parse(body).into_owned().take(MOST_FIELDS.saturating_add(1)).collect();
    let is_whole =
        !fields.iter().any(|(name, value)| name.contains('\u{fffd}') || value.contains('\u{fffd}'));
    is_whole.then_some(fields)
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
fn multipart(boundary: &str, body: &[u8]) -> Option<Vec<(String, String)>> {
    let text = std::str::from_utf8(body).ok()?;
    let delimiter = format!("--{boundary}");
    let separator = format!("\r\n--{boundary}");
    let mut rest = text.strip_prefix(&delimiter)?;
    let mut fields = Vec::new();
    loop {
        if rest.trim_end_matches("\r\n") == "--" {
            return Some(fields);
        }
        let (part, following) = rest.strip_prefix("\r\n")?.split_once(&separator)?;
        let (head, value) = part.split_once("\r\n\r\n")?;
        if fields.len() > MOST_FIELDS {
            return None;
        }
        fields.push((field_name(head)?, value.to_owned()));
        rest = following;
    }
}

/// The name in the Content-Disposition of a part; `None` for a file.
fn field_name(head: &str) -> Option<String> {
    let mut found = None;
    for line in head.split("\r\n") {
        let (name, value) = line.split_once(':')?;
        match name.trim().to_ascii_lowercase().as_str() {
            "content-disposition" => found = Some(value.trim()),
            // The charset of a part of text is UTF-8 here.
            "content-type" if value.trim().to_ascii_lowercase().starts_with("text/plain") => {}
            _ => return None,
        }
    }
    // Quotation marks and line ends in names are percent-encoded by browsers, so that a quotation mark ends the name.
    let name = found?.strip_prefix("form-data; name=\"")?.strip_suffix('"')?;
    let is_one = !name.contains('"');
    is_one.then(|| name.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n"))
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
