//! Text from a message in a form that is safe for a log line, an error or a terminal.
//!
//! The function [`is_plain`] decides which characters are shown unchanged; all code that shows foreign text uses it.

use core::fmt::{self, Display, Write as _};

/// The largest number of characters of a quoted text that are shown.
const SHOWN: usize = 200;

/// Returns whether a character can be shown unchanged in one line, without an effect on the text around it.
///
/// These characters are not plain: control characters (C0, DEL, C1), line and paragraph separators, every space
/// except U+0020, format characters (bidirectional controls, zero-width characters, tags, the byte order mark),
/// characters without a glyph (Hangul fillers, the blank Braille pattern), marks that combine with the character
/// before them, and private and unassigned characters.
///
/// ```
/// use vouchsafe_xml::is_plain;
/// assert!("Zoë, 東京; \\ \" “”".chars().all(is_plain));
/// assert!("\n\u{1b}\u{7f}\u{9b}\u{202e}\u{2028}\u{200b}\u{feff}\u{e0041}".chars().all(|character| !is_plain(character)));
/// ```
#[must_use]
pub fn is_plain(character: char) -> bool {
    match character {
        ' '..='~' => true,
        // These are letters and symbols by their category, but they are invisible.
        '\u{115F}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{FFA0}' => false,
        other => other.escape_debug().len() == 1,
    }
}

/// Writes a character that is not plain as an escape: `\n`, `\u{202e}`.
fn write_escape(character: char, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let short = character.escape_debug();
    if short.len() == 1 { write!(f, "{}", character.escape_unicode()) } else { write!(f, "{short}") }
}

/// Shows foreign text: escaped, cut after 200 characters, between “ and ”.
///
/// Characters that are not plain (see [`is_plain`]) are escaped, so that a message can neither forge a line of a log
/// nor hide its content.
///
/// ```
/// use vouchsafe_xml::Quoted;
/// assert_eq!(Quoted::new("alice\nroot").to_string(), r"“alice\nroot”");
/// assert_eq!(Quoted::new(&"x".repeat(201)).to_string(), format!("“{}…”", "x".repeat(200)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quoted<'a>(&'a str);

impl<'a> Quoted<'a> {
    /// Wraps the text to show.
    pub const fn new(text: &'a str) -> Self {
        Self(text)
    }
}

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('“')?;
        for (count, character) in self.0.chars().enumerate() {
            if count == SHOWN {
                f.write_char('…')?;
                break;
            }
            match character {
                '“' | '”' => write!(f, "{}", character.escape_unicode())?,
                '\\' => f.write_str(r"\\")?,
                plain if is_plain(plain) => f.write_char(plain)?,
                other => write_escape(other, f)?,
            }
        }
        f.write_char('”')
    }
}

/// The first 1024 characters of a foreign text, for an error that stores it. This is more than a real value has, and
/// enough that [`Quoted`] shows the same as for the whole text. So the sender of a message does not decide how many
/// bytes an error stores.
///
/// ```
/// use vouchsafe_xml::{Cut, Quoted};
/// let long = "x".repeat(1_000_000);
/// let kept = Cut::new(&long).to_string();
/// assert_eq!(Quoted::new(&kept).to_string(), Quoted::new(&long).to_string());
/// assert_eq!((kept.len(), Cut::new("short").to_string()), (1024, "short".to_owned()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut<'a>(&'a str);

/// The number of characters that are kept.
const KEPT: usize = 1024;

impl<'a> Cut<'a> {
    /// Wraps the text whose beginning is kept.
    pub const fn new(text: &'a str) -> Self {
        Self(text)
    }
}

impl Display for Cut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = self.0.char_indices().nth(KEPT).map_or(self.0.len(), |(end, _)| end);
        f.write_str(self.0.get(..end).unwrap_or_default())
    }
}

/// Shows a whole text in one line, with the characters that are not plain (see [`is_plain`]) escaped. It is for lines
/// that programs write to a terminal or a log.
///
/// Backslashes stay unchanged, so that a text that contains a [`Quoted`] is not escaped a second time.
///
/// ```
/// use vouchsafe_xml::{Escaped, Quoted};
/// assert_eq!(Escaped::new("it's\u{1b}[31m\nfine").to_string(), r"it's\u{1b}[31m\nfine");
/// let quoted = Quoted::new("a\nb").to_string();
/// assert_eq!(Escaped::new(&quoted).to_string(), quoted);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Escaped<'a>(&'a str);

impl<'a> Escaped<'a> {
    /// Wraps the text to show.
    pub const fn new(text: &'a str) -> Self {
        Self(text)
    }
}

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| match is_plain(character) {
            true => f.write_char(character),
            false => write_escape(character, f),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Escaped, Quoted, is_plain};

    #[test]
    fn escapes_what_could_deceive() {
        for (text, shown) in [
            ("", "“”"),
            ("it's \"fine\"", "“it's \"fine\"”"),
            ("a\\b", r"“a\\b”"),
            ("\u{202E}gnp", r"“\u{202e}gnp”"),
            ("\u{200B}\u{FEFF}", r"“\u{200b}\u{feff}”"),
            ("\u{1b}[31m", r"“\u{1b}[31m”"),
            ("”, trusted “", r"“\u{201d}, trusted \u{201c}”"),
            ("Zoë", "“Zoë”"),
            ("a\u{3164}b\u{2800}", r"“a\u{3164}b\u{2800}”"),
        ] {
            assert_eq!(Quoted::new(text).to_string(), shown);
        }
    }

    /// The characters of the categories Cc, Cf, Zl, Zp and with Default_Ignorable_Code_Point (Unicode 16).
    const DECEPTIVE: [(u32, u32); 35] = [
        (0x00, 0x1F),
        (0x7F, 0x9F),
        (0xAD, 0xAD),
        (0x34F, 0x34F),
        (0x600, 0x605),
        (0x61C, 0x61C),
        (0x6DD, 0x6DD),
        (0x70F, 0x70F),
        (0x890, 0x891),
        (0x8E2, 0x8E2),
        (0x115F, 0x1160),
        (0x17B4, 0x17B5),
        (0x180B, 0x180F),
        (0x200B, 0x200F),
        (0x2028, 0x202E),
        (0x2060, 0x206F),
        (0x3164, 0x3164),
        (0xFE00, 0xFE0F),
        (0xFEFF, 0xFEFF),
        (0xFFA0, 0xFFA0),
        (0xFFF0, 0xFFFB),
        (0x110BD, 0x110BD),
        (0x110CD, 0x110CD),
        (0x13430, 0x1343F),
        (0x1BCA0, 0x1BCA3),
        (0x1D173, 0x1D17A),
        (0xE0000, 0xE0FFF),
        // Spaces other than U+0020, and private use characters.
        (0xA0, 0xA0),
        (0x1680, 0x1680),
        (0x2000, 0x200A),
        (0x202F, 0x202F),
        (0x205F, 0x205F),
        (0x3000, 0x3000),
        (0xE000, 0xF8FF),
        (0x10FFFE, 0x10FFFF),
    ];

    #[test]
    fn no_control_or_invisible_character_is_plain() {
        for code in DECEPTIVE.iter().flat_map(|(first, last)| *first..=*last) {
            let character = char::from_u32(code).unwrap();
            assert!(!is_plain(character), "U+{code:04X}");
            let text = character.to_string();
            for shown in [Quoted::new(&text).to_string(), Escaped::new(&text).to_string()] {
                assert!(shown.contains('\\') && shown.chars().all(is_plain), "U+{code:04X}: {shown}");
            }
        }
    }

    #[test]
    fn letters_of_the_world_are_plain() {
        for text in
            ["Zoë", "Ελληνικά", "Кириллица", "עברית", "العربية", "東京", "한국어", "ไทย", "€ ½ – — … “”"]
        {
            let marks = text.chars().filter(|character| !is_plain(*character)).count();
            assert!(marks == 0 || text == "ไทย", "{text}: {marks}");
        }
    }

    #[test]
    fn what_is_escaped_is_escaped_once() {
        for text in ["a\u{202e}\\n\n\u{9b}", "“\\u{202e}”", "\u{E0041}\u{2066}"] {
            let once = Escaped::new(text).to_string();
            assert_eq!(Escaped::new(&once).to_string(), once);
            assert!(once.chars().all(is_plain), "{once}");
        }
    }
}
