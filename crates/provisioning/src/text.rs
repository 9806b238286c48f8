//! How names are compared, and how text from a message is shown.

use std::fmt;

/// The form in which names of groups, teams and projects are compared: without white
/// space around it, in lower case by Unicode's default mapping. No normalisation (NFC) is done.
pub(crate) fn folded(name: &str) -> String {
    #[cfg(test)]
    FOLDED.set(FOLDED.get().saturating_add(1));
    name.trim().to_lowercase()
}

#[cfg(test)]
thread_local! {
    /// How many names were folded in this thread: what a test of cost counts.
    pub(crate) static FOLDED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Whether a text has more characters than that.
pub(crate) fn is_longer_than(text: &str, characters: usize) -> bool {
    text.chars().nth(characters).is_some()
}

/// Whether a group's name may become the name of a team: 1 to 255 characters, none of them a control.
pub(crate) fn is_usable_name(name: &str) -> bool {
    !name.is_empty() && !is_longer_than(name, 255) && !name.chars().any(char::is_control)
}

/// Text that came in a message or from a customer, in quotes, escaped, cut at 200 characters.
pub(crate) struct Shown<'t>(pub(crate) &'t str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("\u{201c}")?;
        for character in self.0.chars().take(200) {
            match character {
                '\u{201c}' | '\u{201d}' => write!(formatter, "{}", character.escape_unicode())?,
                '\'' | '"' => write!(formatter, "{character}")?,
                other => write!(formatter, "{}", other.escape_debug())?,
            }
        }
        if self.0.chars().nth(200).is_some() {
            formatter.write_str("\u{2026}")?;
        }
        formatter.write_str("\u{201d}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_text_is_escaped_and_cut() {
        assert_eq!(Shown("a\nb\u{202e}").to_string(), "\u{201c}a\\nb\\u{202e}\u{201d}");
        assert_eq!(Shown(&"x".repeat(300)).to_string().chars().count(), 203);
    }
}
