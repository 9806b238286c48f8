//! Text from a message, made fit for a log line or an error.

use core::fmt::{self, Display, Write as _};

/// The most characters of a quoted text that are shown.
const SHOWN: usize = 200;

/// Shows text that somebody else wrote: escaped, cut after 200 characters, between “ and ”.
///
/// Control characters, line ends, and invisible or reordering characters are escaped, so that a message can neither
/// forge a line of a log nor hide what it says.
///
/// ```
/// use vouchsafe_xml::Quoted;
/// assert_eq!(Quoted::new("alice\nroot").to_string(), r"“alice\nroot”");
/// assert_eq!(Quoted::new(&"x".repeat(201)).to_string(), format!("“{}…”", "x".repeat(200)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quoted<'a>(&'a str);

impl<'a> Quoted<'a> {
    /// The text to be shown.
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
                '"' | '\'' => f.write_char(character)?,
                '“' | '”' => write!(f, "{}", character.escape_unicode())?,
                other => write!(f, "{}", other.escape_debug())?,
            }
        }
        f.write_char('”')
    }
}

#[cfg(test)]
mod tests {
    use super::Quoted;

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
        ] {
            assert_eq!(Quoted::new(text).to_string(), shown);
        }
    }
}
