//! Character classes of XML 1.0 (Fifth Edition) and Namespaces in XML 1.0.

/// The text is not a valid name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotAName;

/// Returns the lengths of the QName at the beginning of the bytes, and of its prefix (0 if it has none). It finds
/// only names in ASCII that end where a name in a tag may end. These are nearly all names; for others, call
/// [`prefix_length`].
#[inline]
pub(crate) fn leading_name(bytes: &[u8]) -> Option<(usize, usize)> {
    let first = leading_ncname(bytes)?;
    let (length, prefix) = match bytes.get(first..)?.strip_prefix(b":") {
        Some(local_part) => (first.saturating_add(1).saturating_add(leading_ncname(local_part)?), first),
        None => (first, 0),
    };
    bytes.get(length).is_none_or(|&byte| ends_name(byte)).then_some((length, prefix))
}

/// Returns the length of the NCName in ASCII at the beginning of the bytes.
#[inline]
fn leading_ncname(bytes: &[u8]) -> Option<usize> {
    let length = bytes.iter().position(|&byte| !is(byte, PART)).unwrap_or(bytes.len());
    bytes.first().is_some_and(|&byte| is(byte, START)).then_some(length)
}

/// Returns whether a name in a tag ends before this byte.
#[inline]
pub(crate) fn ends_name(byte: u8) -> bool {
    is(byte, END)
}

#[inline]
fn is(byte: u8, class: u8) -> bool {
    CLASSES.get(usize::from(byte)).is_some_and(|classes| classes & class != 0)
}

/// The class of bytes that begin an NCName in ASCII.
const START: u8 = 1;
/// The class of bytes that continue an NCName in ASCII.
const PART: u8 = 2;
/// The class of bytes that follow a name in a tag.
const END: u8 = 4;

/// The classes of each byte. A table is used because most bytes of a message are in names.
#[expect(clippy::indexing_slicing, reason = "worked out when compiling, where a panic is an error")]
static CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 128_u8 {
        classes[byte as usize] = match byte {
            b'A'..=b'Z' | b'_' | b'a'..=b'z' => START | PART,
            b'-' | b'.' | b'0'..=b'9' => PART,
            b'=' | b'>' | b'/' => END,
            _ if is_white_space(byte) => END,
            _ => 0,
        };
        byte += 1;
    }
    classes
};

/// Returns the length in bytes of the prefix of a QName, 0 if it has none (Namespaces in XML, production 7).
pub(crate) fn prefix_length(name: &str) -> Result<usize, NotAName> {
    let mut prefix = None;
    let mut at_start = true;
    for (position, character) in name.char_indices() {
        if character == ':' {
            if at_start || prefix.is_some() {
                return Err(NotAName);
            }
            prefix = Some(position);
            at_start = true;
        } else if at_start {
            if !is_name_start(character) {
                return Err(NotAName);
            }
            at_start = false;
        } else if !is_name_character(character) {
            return Err(NotAName);
        }
    }
    if at_start { Err(NotAName) } else { Ok(prefix.unwrap_or(0)) }
}

/// Returns whether the text is an NCName: a Name without colons (Namespaces in XML, production 4).
pub(crate) fn is_ncname(name: &str) -> bool {
    leading_ncname(name.as_bytes()) == Some(name.len()) || prefix_length(name) == Ok(0)
}

/// Returns whether an XML document may contain the character (XML 1.0, production 2).
pub(crate) const fn is_character(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..='\u{10FFFF}')
}

/// Returns whether the byte is white space (XML 1.0, production 3).
pub(crate) const fn is_white_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Returns the first place from `at` on that is not white space, or the end.
pub(crate) fn skip_white_space(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    let length = rest.iter().position(|&byte| !is_white_space(byte));
    length.map_or(bytes.len(), |length| at.saturating_add(length))
}

/// Returns the offset of the first character of `text` that production 2 does not allow.
///
/// The whole input is checked once, so that later steps need not check it. UTF-8 can contain only three kinds of
/// illegal characters: the C0 controls, and U+FFFE and U+FFFF.
pub(crate) fn first_illegal(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    // There is no early exit, so that the compiler can use vector instructions. Few messages have another control
    // than LF.
    let controls = bytes.iter().fold(false, |found, &byte| found | (byte < b' ') & (byte != b'\n'));
    if controls && let Some(position) = bytes.iter().position(|&byte| is_illegal_control(byte)) {
        return Some(position);
    }
    memchr::memchr_iter(0xEF, bytes).find(|&position| {
        let rest = bytes.get(position..).unwrap_or_default();
        matches!(rest, [0xEF, 0xBF, 0xBE | 0xBF, ..])
    })
}

const fn is_illegal_control(byte: u8) -> bool {
    (byte < 0x20) & (byte != b'\t') & (byte != b'\n') & (byte != b'\r')
}

/// Returns whether the character is a NameStartChar other than the colon (XML 1.0 Fifth Edition, production 4).
const fn is_name_start(character: char) -> bool {
    matches!(character,
        'A'..='Z' | '_' | 'a'..='z'
        | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}' | '\u{370}'..='\u{37D}'
        | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}' | '\u{2C00}'..='\u{2FEF}'
        | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}' | '\u{10000}'..='\u{EFFFF}')
}

/// Returns whether the character is a NameChar other than the colon (production 4a).
const fn is_name_character(character: char) -> bool {
    is_name_start(character)
        || matches!(character, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}
