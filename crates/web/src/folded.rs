//! Normalizes text for searching: lower case, without accents.

use unicode_security::skeleton;
use vouchsafe::xml::is_plain;

/// Returns the text in lower case without accents, and with one space for each run of characters that are neither
/// letters nor digits.
pub(crate) fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for character in text.chars().flat_map(char::to_lowercase) {
        match plain(character) {
            Some(plain) => folded.push_str(plain),
            None if is_letter_or_digit(character) => folded.push(character),
            // An accent that combines with its letter, or an invisible character, such as one that sets a direction.
            None if !character.is_whitespace() && !is_plain(character) => {}
            None if folded.ends_with(' ') || folded.is_empty() => {}
            None => folded.push(' '),
        }
    }
    folded.truncate(folded.trim_end().len());
    folded
}

/// Returns a form that is the same for texts that look the same, whatever alphabets their letters are of: the skeleton of
/// Unicode Technical Standard 39, in lower case and without accents.
pub(crate) fn look(text: &str) -> String {
    folded(&skeleton(text).collect::<String>())
}

/// Returns the first characters of a text.
pub(crate) fn first_characters(text: &str, most: usize) -> &str {
    let end = text.char_indices().nth(most).map_or(text.len(), |(end, _)| end);
    text.get(..end).unwrap_or(text)
}

/// Returns the text without the characters that set the direction of the letters after them. With these a name could look
/// like another one. A right-to-left name needs none of them.
pub(crate) fn without_directions(text: &str) -> String {
    let sets_direction = |one: char| matches!(one, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().filter(|one| !sets_direction(*one)).collect()
}

/// Returns whether a text has something to see in it.
pub(crate) fn is_visible(text: &str) -> bool {
    text.chars().any(|character| character != ' ' && (is_plain(character) || is_letter_or_digit(character)))
}

/// The fillers are letters by their category, and invisible.
fn is_letter_or_digit(character: char) -> bool {
    character.is_alphanumeric() && !matches!(character, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}')
}

/// Returns the letters without accents for accented Latin letters, in the order of Unicode.
fn plain(character: char) -> Option<&'static str> {
    Some(match character {
        'à'..='å' | 'ā' | 'ă' | 'ą' | 'ǎ' => "a",
        'æ' => "ae",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => "e",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'ĥ' | 'ħ' => "h",
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' | 'ǐ' => "i",
        'ĵ' => "j",
        'ķ' => "k",
        'ĺ' | 'ļ' | 'ľ' | 'ŀ' | 'ł' => "l",
        'ñ' | 'ń' | 'ņ' | 'ň' => "n",
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' | 'ǒ' => "o",
        'œ' => "oe",
        'ŕ' | 'ŗ' | 'ř' => "r",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => "s",
        'ß' => "ss",
        'ţ' | 'ť' | 'ŧ' | 'ț' => "t",
        'þ' => "th",
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' | 'ǔ' => "u",
        'ŵ' => "w",
        'ý' | 'ÿ' | 'ŷ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{first_characters, folded, look};

    #[test]
    fn what_looks_the_same() {
        for (one, other) in [
            ("University", "Univ\u{435}rsity"),
            ("Norway", "\u{39d}\u{3bf}rway"),
            ("Indiana", "lndiana"),
            ("Kim", "Kirn"),
            ("Zürich", "Zurich"),
            ("Московский", "Mo\u{441}\u{43a}\u{43e}вский"),
        ] {
            assert_eq!(look(one), look(other), "{one} {other}");
        }
        for (one, other) in [("University", "Universities"), ("Москва", "Москвич"), ("東京大学", "京都大学")]
        {
            assert_ne!(look(one), look(other));
        }
    }

    #[test]
    fn the_first_characters() {
        for (text, most, expected) in
            [("äöü", 2, "äö"), ("äöü", 3, "äöü"), ("äöü", 9, "äöü"), ("ä", 0, ""), ("", 1, "")]
        {
            assert_eq!(first_characters(text, most), expected);
        }
    }

    #[test]
    fn as_people_search() {
        for (text, expected) in [
            ("Universität Zürich", "universitat zurich"),
            ("ÉCOLE  Polytechnique (Lausanne)", "ecole polytechnique lausanne"),
            ("Universita\u{300} di Roma", "universita di roma"),
            ("Straße, Łódź & Århus", "strasse lodz arhus"),
            ("Московский Университет", "московский университет"),
            ("東京大学", "東京大学"),
            (" -- ", ""),
            ("Uni\u{200b}versi\u{ad}ty \u{202e}of\u{2066} Zurich", "university of zurich"),
            ("", ""),
        ] {
            assert_eq!(folded(text), expected);
        }
    }
}
