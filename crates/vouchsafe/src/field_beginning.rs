//! The beginning of a value: how much of it is examined, and whether its bytes look like XML or like text.

/// The number of bytes that are examined. The kind of a value shows at its beginning.
pub(crate) const LOOKED_AT: usize = 64 * 1024;

/// The minimum length, in characters, of a word that may be base64 of a message.
pub(crate) const SHORTEST: usize = 40;

/// Returns whether bytes begin with a byte order mark, or with `<` in two bytes. It is called for every message, so
/// it looks only at the beginning.
pub(crate) fn begins_like_utf16(bytes: &[u8]) -> bool {
    matches!(bytes, [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] | [b'<', 0, ..] | [0, b'<', ..])
}

/// Returns whether bytes begin like XML, possibly after white space or a byte order mark.
pub(crate) fn begins_like_xml(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(b"<") || bytes.starts_with(b"\xEF\xBB\xBF<")
}

/// Returns whether bytes are UTF-8, possibly cut off inside a character.
pub(crate) fn is_text(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).map_or_else(|error| error.error_len().is_none(), |_| true)
}
