//! How names are compared, and how text from a message is shown.

use std::fmt;

/// The form in which names of groups, teams, projects and SCIM users are compared: without surrounding white space, and
/// [`case_folded`]. Unicode normalisation (NFC) is not applied.
///
/// ```
/// use vouchsafe_provisioning::folded_name;
///
/// assert_eq!(folded_name(" K6 Admins "), folded_name("k6 admins"));
/// assert_ne!(folded_name("\u{212a}6 Admins"), folded_name("k6 admins"));
/// ```
#[must_use]
pub fn folded_name(name: &str) -> String {
    #[cfg(test)]
    FOLDED.set(FOLDED.get().saturating_add(1));
    case_folded(name.trim())
}

/// A text in lower case by Unicode's default mapping, except that a non-ASCII character never becomes an ASCII one: the
/// Kelvin sign, whose lower case is `k`, is kept. Otherwise a group or a user of another name would be mistaken for one
/// with a plain name.
#[must_use]
pub fn case_folded(text: &str) -> String {
    const KELVIN_SIGN: &str = "\u{212a}";
    match text.contains(KELVIN_SIGN) {
        false => text.to_lowercase(),
        true => text.split(KELVIN_SIGN).map(str::to_lowercase).collect::<Vec<_>>().join(KELVIN_SIGN),
    }
}

pub(crate) use folded_name as folded;

#[cfg(test)]
thread_local! {
    /// Counts how many names were folded in this thread, for a test of the cost.
    pub(crate) static FOLDED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Whether a text has more characters than this.
pub(crate) fn is_longer_than(text: &str, characters: usize) -> bool {
    text.chars().nth(characters).is_some()
}

/// Whether the name of a group may become the name of a team: 1 to 255 characters, without control or invisible
/// characters, which would make two teams that look the same.
pub(crate) fn is_usable_name(name: &str) -> bool {
    let is_usable = |character: char| !character.is_control() && !is_invisible(character);
    !name.is_empty() && !is_longer_than(name, 255) && name.chars().all(is_usable)
}

/// Characters without a visible form: those with the Unicode property `Default_Ignorable_Code_Point` (zero-width and
/// bidirectional characters, the byte order mark, variation selectors, fillers, tags), line and paragraph separators,
/// interlinear annotations, and the blank Braille pattern. Combining marks, which many scripts use, are not among them.
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Text from a message or from a customer, in quotes, escaped, and cut after 200 characters.
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
    fn names_are_made_of_what_is_seen() {
        let marks = "\u{e9} e\u{301} \u{939}\u{93f}\u{928}\u{94d}\u{926}\u{940} \u{e01}\u{e33} \u{6771}\u{4eac} R&D, 100 %";
        assert!(is_usable_name(marks) && is_usable_name(&"x".repeat(255)));
        assert!(!is_usable_name("") && !is_usable_name(&"x".repeat(256)));
        let unseen = "\n\u{7f}\u{85}\u{ad}\u{61c}\u{180e}\u{200b}\u{200c}\u{200d}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202e}\u{2060}\u{2066}\
                      \u{2069}\u{2800}\u{3164}\u{fe0f}\u{feff}\u{fff9}\u{e0041}";
        for character in unseen.chars() {
            assert!(!is_usable_name(&format!("Op{character}s")), "{character:?}");
        }
    }

    /// Only ASCII characters fold to ASCII.
    #[test]
    fn what_is_not_ascii_does_not_become_ascii() {
        for character in '\u{80}'..=char::MAX {
            let folded = folded_name(&character.to_string());
            assert!(folded.is_empty() || !folded.is_ascii(), "{character:?} becomes {folded:?}");
        }
        assert_eq!(folded_name(" \u{212a}6-ADMINS\u{212a} "), "\u{212a}6-admins\u{212a}");
        assert_eq!(folded_name("\u{c4}RGER"), "\u{e4}rger");
    }

    #[test]
    fn shown_text_is_escaped_and_cut() {
        assert_eq!(Shown("a\nb\u{202e}").to_string(), "\u{201c}a\\nb\\u{202e}\u{201d}");
        assert_eq!(Shown(&"x".repeat(300)).to_string().chars().count(), 203);
    }
}
