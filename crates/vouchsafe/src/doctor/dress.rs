//! Finds messages inside other text, or as a string or the escaped text of a page.
//!
//! Such a message is examined like one inside a page: it never defines whom to trust or who we are.

use vouchsafe_xml::{Document, Limits};

use super::found::{Found, Message, parsed};
use crate::field_sniffing::embedded;

/// The maximum number of bytes of a text that are searched.
const SEARCHED: usize = 4 * 1024 * 1024;
/// The maximum number of start tags that are tried, and of characters of a name.
const STARTS: usize = 16;
const NAME: usize = 64;

/// Returns the message without the text around it.
pub(crate) fn taken_off(name: &str, text: &str, limits: &Limits) -> Option<Found> {
    if text.len() > SEARCHED {
        return None;
    }
    let found = |wrapping, bytes| {
        let message = Message { source: name.to_owned(), bytes, wrapping, ..Message::default() };
        Some(parsed(message, limits))
    };
    if text.starts_with("&lt;") {
        return found("XML escaped as text", unescaped_markup(text).into_bytes());
    }
    let beginning: String = text.chars().take(512).collect();
    let is_broken = || Document::parse(text.as_bytes(), limits).is_err();
    if text.starts_with("\"<") || (text.starts_with('<') && beginning.contains("=\\\"") && is_broken()) {
        return found("XML as a string", unescaped_string(text.trim_matches('"')).into_bytes());
    }
    if text.starts_with('<') {
        return None;
    }
    if let Some(bytes) = embedded(text) {
        return found("base64 inside another text", bytes);
    }
    if text.contains("=3D\"") {
        return found("XML inside a mail", inside(&without_quoted_printable(text))?.as_bytes().to_vec());
    }
    let inner = inside(text)?;
    // In JSON, the message is an escaped string.
    let is_string = inner.contains("=\\\"") && Document::parse(inner.as_bytes(), limits).is_err();
    let inner = if is_string { unescaped_string(inner) } else { inner.to_owned() };
    found("XML inside another text", inner.into_bytes())
}

/// Finds a message from its start tag to its end tag, in a mail or a log.
fn inside(text: &str) -> Option<&str> {
    let names = ["Response", "AuthnRequest", "LogoutRequest", "LogoutResponse", "EntityDescriptor"];
    let starts = text.match_indices('<').filter_map(|(begin, _)| {
        let rest = text.get(begin..)?;
        let beginning: String = rest.chars().skip(1).take(NAME).collect();
        let name = beginning.split(|c: char| c.is_whitespace() || c == '>').next()?;
        names.contains(&name.rsplit(':').next()?).then(|| (rest, name.to_owned()))
    });
    starts.take(STARTS).find_map(|(rest, name)| {
        let closing = format!("</{name}>");
        let end = rest.rfind(&closing)?.checked_add(closing.len())?;
        rest.get(..end)
    })
}

/// Decodes the encoding of mails (quoted-printable): `=3D` for `=`, and `=` at the end of a continued line.
fn without_quoted_printable(text: &str) -> String {
    let joined = text.replace("=\r\n", "").replace("=\n", "");
    let mut bytes = Vec::with_capacity(joined.len());
    let mut rest = joined.as_str();
    while let Some((before, after)) = rest.split_once('=') {
        bytes.extend_from_slice(before.as_bytes());
        match after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(b'=');
                rest = after;
            }
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Replaces the five named characters of XML, the ampersand last.
fn unescaped_markup(text: &str) -> String {
    [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&apos;", "'"),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (name, character)| text.replace(name, character))
}

/// Removes the backslashes of JSON and of programming languages.
fn unescaped_string(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            plain.push(character);
            continue;
        }
        match characters.next() {
            Some('n') => plain.push('\n'),
            Some('r') => plain.push('\r'),
            Some('t') => plain.push('\t'),
            Some('u') => {
                let digits: String = characters.by_ref().take(4).collect();
                let unit = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
                plain.push(unit.unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            Some(other) => plain.push(other),
            None => {}
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone_once() {
        assert_eq!(unescaped_markup("&lt;a b=&quot;&amp;lt;&quot;/&gt;"), "<a b=\"&lt;\"/>");
        assert_eq!(unescaped_string(r#"<a b=\"c\"/>\n\u003c\\n"#), "<a b=\"c\"/>\n<\\n");
        assert_eq!(without_quoted_printable("a=3D=22=C3=\r\n=A9=22 = b="), "a=\"é\" = b=");
        assert_eq!(
            inside("x <a/> <p:Response b=\"1\">c</p:Response> y"),
            Some("<p:Response b=\"1\">c</p:Response>")
        );
        assert_eq!(inside("<Response> <NotAResponse></NotAResponse>"), None);
        assert_eq!(unescaped_string("\\"), "");
        assert_eq!(unescaped_string(r"\ud800"), "\u{fffd}");
    }
}
