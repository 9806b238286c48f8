//! Normalizes text for searching: lower case, without accents.

/// Returns the text in lower case without accents, and with one space for each run of characters that are neither
/// letters nor digits.
pub(crate) fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for character in text.chars().flat_map(char::to_lowercase) {
        match plain(character) {
            Some(plain) => folded.push_str(plain),
            None if character.is_alphanumeric() => folded.push(character),
            // A combining accent follows its letter.
            None if ('\u{300}'..='\u{36f}').contains(&character) => {}
            None if folded.ends_with(' ') || folded.is_empty() => {}
            None => folded.push(' '),
        }
    }
    folded.truncate(folded.trim_end().len());
    folded
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
    use super::folded;

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
            ("", ""),
        ] {
            assert_eq!(folded(text), expected);
        }
    }
}
