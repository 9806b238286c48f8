//! Joining the values of `xml:base` (Canonical XML 1.1, 2.4 and appendix A; RFC 3986, 5.2).

/// Joins the values from the innermost to the outermost. `None` if there are none.
///
/// Each step makes at most as much text as both values have, so the last ones are copied as often as there are
/// values: elements nested to the depth limit, and no more.
pub(crate) fn join_all<'t>(inner_to_outer: impl Iterator<Item = &'t str>) -> Option<String> {
    inner_to_outer.fold(None, |inner, outer| {
        Some(match inner {
            Some(inner) => join(&inner, outer),
            None => outer.to_owned(),
        })
    })
}

/// The reference resolved against a base that may be relative itself.
fn join(reference: &str, base: &str) -> String {
    let reference = Parts::of(reference);
    let base = Parts::of(base);
    let mut joined = Parts { fragment: reference.fragment, ..reference };
    let path = if reference.scheme.is_some() || reference.authority.is_some() {
        joined.scheme = reference.scheme.or(base.scheme);
        remove_dot_segments(reference.path)
    } else {
        (joined.scheme, joined.authority) = (base.scheme, base.authority);
        if reference.path.is_empty() {
            joined.query = reference.query.or(base.query);
            remove_dot_segments(base.path)
        } else if reference.path.starts_with('/') {
            remove_dot_segments(reference.path)
        } else {
            remove_dot_segments(&merge(reference.path, &base))
        }
    };
    joined.written(&path)
}

/// A URI reference in its five parts (RFC 3986, appendix B).
#[derive(Clone, Copy)]
struct Parts<'t> {
    scheme: Option<&'t str>,
    authority: Option<&'t str>,
    path: &'t str,
    query: Option<&'t str>,
    fragment: Option<&'t str>,
}

impl<'t> Parts<'t> {
    fn of(text: &'t str) -> Self {
        let (rest, fragment) = split(text, '#');
        let (rest, query) = split(rest, '?');
        let (scheme, rest) = match rest.split_once(':') {
            Some((scheme, following)) if !scheme.is_empty() && !scheme.contains('/') => {
                (Some(scheme), following)
            }
            _ => (None, rest),
        };
        let (authority, path) = match rest.strip_prefix("//") {
            Some(following) => {
                let (authority, path) = following
                    .split_at_checked(following.find('/').unwrap_or(following.len()))
                    .unwrap_or((following, ""));
                (Some(authority), path)
            }
            None => (None, rest),
        };
        Self { scheme, authority, path, query, fragment }
    }

    /// The parts put together, with another path (RFC 3986, 5.3).
    fn written(&self, path: &str) -> String {
        let mut text = String::new();
        for (before, part, after) in [("", self.scheme, ":"), ("//", self.authority, "")] {
            if let Some(part) = part {
                text.extend([before, part, after]);
            }
        }
        text.push_str(path);
        for (before, part) in [("?", self.query), ("#", self.fragment)] {
            if let Some(part) = part {
                text.extend([before, part]);
            }
        }
        text
    }
}

fn split(text: &str, mark: char) -> (&str, Option<&str>) {
    match text.split_once(mark) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

/// The path behind everything of the base up to its last `/` (RFC 3986, 5.2.3). A last segment `..` of the base counts
/// as `../` (Canonical XML 1.1, 2.4).
fn merge(path: &str, base: &Parts<'_>) -> String {
    if base.authority.is_some() && base.path.is_empty() {
        return format!("/{path}");
    }
    let kept = match base.path.rsplit_once('/') {
        Some((directory, "..")) => format!("{directory}/../"),
        Some((directory, _)) => format!("{directory}/"),
        None if base.path == ".." => "../".into(),
        None => String::new(),
    };
    kept + path
}

/// RFC 3986, 5.2.4, as Canonical XML 1.1 changes it: leading `..` of a relative path stay, slashes in a row are one,
/// and a `..` at the end gets its slash.
fn remove_dot_segments(path: &str) -> String {
    let absolute = path.starts_with('/');
    let mut kept: Vec<&str> = Vec::new();
    let mut directory = false;
    let mut segments = path.split('/').peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        directory = false;
        match segment {
            "" => directory = is_last,
            "." => directory = is_last,
            ".." => {
                directory = true;
                if kept.last().is_some_and(|&last| last != "..") {
                    kept.pop();
                } else if !absolute {
                    kept.push("..");
                }
            }
            _ => kept.push(segment),
        }
    }
    let mut result = String::from(if absolute { "/" } else { "" });
    result.push_str(&kept.join("/"));
    if directory && !kept.is_empty() {
        result.push('/');
    }
    result
}

#[cfg(test)]
mod tests {
    use super::{join, join_all};

    #[test]
    fn joins_as_the_examples_do() {
        for (reference, base, joined) in [
            ("..", "foo/bar", ""),
            ("x", "..", "../x"),
            ("..", "..", "../../"),
            ("../x", "..", "../../x"),
            ("bar/", "something/else", "something/bar/"),
            ("foo", "bar/", "bar/foo"),
            ("", "foo/bar", "foo/bar"),
            ("", "http://example.org/a/b?q#f", "http://example.org/a/b?q"),
            ("#g", "http://example.org/a/b?q#f", "http://example.org/a/b?q#g"),
            ("?r", "http://example.org/a/b?q", "http://example.org/a/b?r"),
            ("/xmlbase1/", "http://xmlbase.example.org/xmlbase0/", "http://xmlbase.example.org/xmlbase1/"),
            ("x", "http://example.org", "http://example.org/x"),
            ("../../../x", "http://example.org/a/b", "http://example.org/x"),
            ("//other/y", "http://example.org/a", "http://other/y"),
            ("https://other/./y", "http://example.org/a", "https://other/y"),
            ("a//b", "c///d", "c/a/b"),
            ("./a/./b", "c/", "c/a/b"),
            ("/a/b/..", "c", "/a/"),
        ] {
            assert_eq!(join(reference, base), joined, "{reference} in {base}");
        }
    }

    #[test]
    fn joins_from_the_inside() {
        assert_eq!(join_all(["x", "..", "..", "foo/bar"].into_iter()).as_deref(), Some("../x"));
        assert_eq!(join_all(core::iter::empty()), None);
    }
}
