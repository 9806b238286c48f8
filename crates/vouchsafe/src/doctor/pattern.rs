//! Patterns of the catalogue: text with `*` for anything, `{hex}` and `{digits}` for one or more of these, `{guid}` for a GUID.

/// Returns whether the whole text matches the pattern. The time is linear in the text for each `*`; the patterns are
/// our own.
pub(crate) fn fits(pattern: &str, text: &str) -> bool {
    if let Some(rest) = pattern.strip_prefix('*') {
        return std::iter::once(text.len())
            .chain(text.char_indices().map(|(at, _)| at))
            .filter_map(|at| text.get(at..))
            .any(|text| fits(rest, text));
    }
    if let Some(rest) = pattern.strip_prefix("{hex}") {
        return run(rest, text, |byte| byte.is_ascii_hexdigit());
    }
    if let Some(rest) = pattern.strip_prefix("{digits}") {
        return run(rest, text, |byte| byte.is_ascii_digit());
    }
    if let Some(rest) = pattern.strip_prefix("{guid}") {
        return text.split_at_checked(36).is_some_and(|(guid, text)| is_guid(guid) && fits(rest, text));
    }
    match (pattern.chars().next(), text.chars().next()) {
        (None, None) => true,
        (Some(wanted), Some(found)) if wanted == found => fits(
            pattern.get(wanted.len_utf8()..).unwrap_or_default(),
            text.get(found.len_utf8()..).unwrap_or_default(),
        ),
        _ => false,
    }
}

/// Matches one or more bytes of a kind, as many as there are.
fn run(pattern: &str, text: &str, kind: impl Fn(u8) -> bool) -> bool {
    let length = text.bytes().take_while(|byte| kind(*byte)).count();
    length > 0 && text.get(length..).is_some_and(|text| fits(pattern, text))
}

fn is_guid(text: &str) -> bool {
    text.bytes().enumerate().all(|(place, byte)| match place {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    })
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("*", "", true),
            ("http://www.okta.com/exk*", "http://www.okta.com/exk1", true),
            ("http://www.okta.com/exk*", "http://www.okta.com/", false),
            ("*/adfs/*", "https://fs.example/adfs/ls/", true),
            ("id{digits}", "id12433943337943699538801121", true),
            ("id{digits}", "id", false),
            ("id{digits}", "id12x", false),
            ("_{guid}", "_b9d3ea70-2a0c-42b6-b8f7-657adeb2bb09", true),
            ("_{guid}", "_b9d3ea70-2a0c-42b6-b8f7-657adeb2bb0", false),
            ("{hex}.x", "0aF.x", true),
            ("é*ü", "éaü", true),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }
}
