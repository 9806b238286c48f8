//! Placeholders in an entityID, such as `{tenantid}` in the metadata that Entra ID publishes for /common/ and
//! /organizations/.

/// Returns the first placeholder, with its brackets: a name in braces, plain or percent-encoded, or in angle
/// brackets. A GUID in braces is not a placeholder.
pub(crate) fn placeholder(entity_id: &str) -> Option<&str> {
    BRACKETS.iter().find_map(|(open, close)| between(entity_id, open, close))
}

fn between<'t>(text: &'t str, open: &str, close: &str) -> Option<&'t str> {
    let mut rest = text;
    while let Some(begin) = find(rest, open) {
        let found = rest.get(begin..)?;
        let inside = found.get(open.len()..)?;
        let end = find(inside, close)?;
        if inside.get(..end).is_some_and(is_name) {
            return found.get(..open.len().saturating_add(end).saturating_add(close.len()));
        }
        rest = inside;
    }
    None
}

/// Finds a part. The letters of percent-encoding may have either case.
fn find(text: &str, part: &str) -> Option<usize> {
    text.find(part).or_else(|| text.find(&part.to_ascii_lowercase()))
}

fn is_name(inside: &str) -> bool {
    let is_part = |one: char| one.is_alphanumeric() || "_-.: ".contains(one);
    let is_number = |one: char| one.is_ascii_hexdigit() || one == '-';
    inside.chars().any(char::is_alphabetic) && inside.chars().all(is_part) && !inside.chars().all(is_number)
}

const BRACKETS: [(&str, &str); 3] = [("{", "}"), ("%7B", "%7D"), ("<", ">")];

#[cfg(test)]
mod tests {
    use super::placeholder;

    #[test]
    fn names_in_brackets() {
        for (entity_id, found) in [
            ("https://sts.windows.net/{tenantid}/", Some("{tenantid}")),
            ("https://login.microsoftonline.com/{TENANT-ID}/v2.0", Some("{TENANT-ID}")),
            ("https://sts.windows.net/%7Btenantid%7D/", Some("%7Btenantid%7D")),
            ("https://sts.windows.net/%7btenantid%7d/", Some("%7btenantid%7d")),
            ("https://idp.example.com/${realm}", Some("{realm}")),
            ("https://idp.example.com/{{customer}}/saml", Some("{customer}")),
            ("https://<your-domain>/saml", Some("<your-domain>")),
            ("https://sts.windows.net/6ba7b810-9dad-11d1-80b4-00c04fd430c8/", None),
            ("urn:sharepoint:{6ba7b810-9dad-11d1-80b4-00c04fd430c8}", None),
            ("https://idp.example.com/{", None),
            ("https://idp.example.com/}{", None),
            ("https://idp.example.com/{}", None),
            ("https://idp.example.com/{a/b}", None),
            ("é{é}", Some("{é}")),
            ("", None),
        ] {
            assert_eq!(placeholder(entity_id), found, "{entity_id}");
        }
    }
}
