//! Tags by which clients say which content they have.

use std::fmt;

/// The entity tag of an answer over HTTP (RFC 9110, 8.8.3): a client that has this content need not load it again, and one
/// that has older content must not overwrite it. The "entity" is one of HTTP, and not an entity of SAML.
///
/// ```
/// use vouchsafe::ETag;
///
/// let tag = ETag::weak("7");
/// assert_eq!(tag.as_str(), "W/\"7\"");
/// // The values of If-None-Match or If-Match.
/// assert!(tag.is_among(["\"6\", \"7\""]) && tag.is_among(["*"]));
/// assert!(!tag.is_among(["\"6\""]));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ETag(String);

impl ETag {
    /// The tag of content that has the same bytes wherever it is made. Characters that a tag cannot have are left out.
    #[must_use]
    pub fn strong(text: &str) -> ETag {
        ETag(quoted(text))
    }

    /// The tag of content that means the same wherever it is made, and may have other bytes.
    #[must_use]
    pub fn weak(text: &str) -> ETag {
        ETag(format!("W/{}", quoted(text)))
    }

    /// The tag as a header has it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the values of a header (`If-None-Match`, `If-Match`) have this tag, or `*`. Tags are compared without their
    /// strength (RFC 9110, 8.8.3.2).
    pub fn is_among<'v>(&self, values: impl IntoIterator<Item = &'v str>) -> bool {
        let mut tags = values.into_iter().flat_map(|value| value.split(',')).map(str::trim);
        tags.any(|tag| tag == "*" || opaque(tag) == opaque(&self.0))
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A comma is left out too, because it separates tags.
fn quoted(text: &str) -> String {
    let allowed = |one: &char| one.is_ascii_graphic() && !matches!(one, '"' | ',');
    format!("\"{}\"", text.chars().filter(allowed).collect::<String>())
}

fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

#[cfg(test)]
mod tests {
    use super::ETag;

    #[test]
    fn a_tag_is_found_in_any_strength_among_others() {
        let (strong, weak) = (ETag::strong("a"), ETag::weak("a"));
        for values in [&["\"a\""][..], &["W/\"a\""], &["\"b\" ,W/\"a\""], &["\"b\"", " \"a\" "], &["*"]] {
            assert!(
                strong.is_among(values.iter().copied()) && weak.is_among(values.iter().copied()),
                "{values:?}"
            );
        }
        for values in [&[][..], &[""], &["\"A\""], &["a"], &["\"ab\""], &["W/W/\"a\""], &["w/\"a\""]] {
            assert!(
                !strong.is_among(values.iter().copied()) && !weak.is_among(values.iter().copied()),
                "{values:?}"
            );
        }
    }

    #[test]
    fn a_tag_has_only_what_a_tag_can_have() {
        assert_eq!(ETag::strong("a \"b\",\r\nc: ü").to_string(), "\"abc:\"");
    }
}
