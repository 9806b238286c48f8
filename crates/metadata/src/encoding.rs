//! The encoding of a document. Metadata that was saved on Windows is often UTF-16, which XML allows (XML 1.0, 4.3.3).

use std::borrow::Cow;

/// Returns the document in UTF-8. A document in UTF-16, which its byte order mark or its first bytes show, is
/// converted, without the encoding in its declaration. Any other document is returned unchanged, and the XML parser
/// refuses it if it is not UTF-8.
pub(crate) fn in_utf8(bytes: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    match of_utf16(&bytes) {
        Some(text) => Cow::Owned(without_encoding(text).into_bytes()),
        None => bytes,
    }
}

fn of_utf16(bytes: &[u8]) -> Option<String> {
    let (unit, begin): (fn([u8; 2]) -> u16, usize) = match bytes {
        [0xFF, 0xFE, ..] => (u16::from_le_bytes, 2),
        [0xFE, 0xFF, ..] => (u16::from_be_bytes, 2),
        [b'<', 0, _, 0, ..] => (u16::from_le_bytes, 0),
        [0, b'<', 0, _, ..] => (u16::from_be_bytes, 0),
        _ => return None,
    };
    let (units, []) = bytes.get(begin..)?.as_chunks::<2>() else { return None };
    char::decode_utf16(units.iter().map(|pair| unit(*pair))).collect::<Result<String, _>>().ok()
}

/// Removes the name of the encoding from the XML declaration if it is UTF-16. Another name is a contradiction, and is
/// kept so that the document is refused.
fn without_encoding(text: String) -> String {
    let declaration = text.strip_prefix("<?xml").and_then(|rest| rest.split_once("?>"));
    let Some((attributes, _)) = declaration else { return text };
    let Some((before, after)) = attributes.split_once("encoding") else { return text };
    let quoted = after.trim_start().strip_prefix('=').map(str::trim_start).unwrap_or_default();
    let Some(quote) = quoted.chars().next().filter(|quote| ['"', '\''].contains(quote)) else { return text };
    let Some((name, others)) = quoted.get(1..).unwrap_or_default().split_once(quote) else { return text };
    if !["UTF-16", "UTF-16LE", "UTF-16BE"].iter().any(|known| known.eq_ignore_ascii_case(name)) {
        return text;
    }
    let declaration = format!("<?xml{}{others}?>", before.trim_end());
    let length = "<?xml?>".len().saturating_add(attributes.len());
    [&declaration, text.get(length..).unwrap_or_default()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Vec<u8> {
        in_utf8(Cow::Borrowed(bytes)).into_owned()
    }

    fn encoded(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn both_orders_with_and_without_a_mark() {
        let cases = [
            (r#"<?xml version="1.0" encoding="UTF-16"?><a>é𝄞</a>"#, r#"<?xml version="1.0"?><a>é𝄞</a>"#),
            (
                "<?xml version='1.0' encoding = 'utf-16le' standalone='yes'?><a/>",
                "<?xml version='1.0' standalone='yes'?><a/>",
            ),
            ("<a>encoding</a>", "<a>encoding</a>"),
            (
                r#"<?xml version="1.0" encoding="ISO-8859-1"?><a/>"#,
                r#"<?xml version="1.0" encoding="ISO-8859-1"?><a/>"#,
            ),
        ];
        for (text, expected) in cases {
            for bytes in [encoded(text, u16::to_le_bytes), encoded(text, u16::to_be_bytes)] {
                assert_eq!(read(&bytes), expected.as_bytes());
            }
            for bytes in [
                encoded(&format!("\u{feff}{text}"), u16::to_le_bytes),
                encoded(&format!("\u{feff}{text}"), u16::to_be_bytes),
            ] {
                assert_eq!(read(&bytes), expected.as_bytes());
            }
        }
    }

    #[test]
    fn what_is_no_utf_16_is_refused_or_left() {
        let half = [encoded("\u{feff}<a/>", u16::to_le_bytes), vec![b'<']].concat();
        let lone =
            [encoded("\u{feff}<a>", u16::to_le_bytes), vec![0x00, 0xD8], encoded("</a>", u16::to_le_bytes)]
                .concat();
        for left in [half.as_slice(), &lone, b"<a/>", b"\xEF\xBB\xBF<a/>", b"", b"<", b"<\0\0\0a"] {
            assert_eq!(read(left), left);
        }
    }
}
