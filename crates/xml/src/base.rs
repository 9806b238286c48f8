//! Joins the values of `xml:base` (Canonical XML 1.1, 2.4 and appendix A; RFC 3986, 5.2).

use std::collections::VecDeque;

/// Joins the values from the innermost to the outermost. Returns `None` if there are no values.
///
/// Each value is split once or twice, so the work is linear in the length of the values.
pub(crate) fn join_all<'t>(mut inner_to_outer: impl Iterator<Item = &'t str>) -> Option<String> {
    let innermost = inner_to_outer.next()?;
    let Some(outer) = inner_to_outer.next() else { return Some(innermost.to_owned()) };
    let mut joined = Reference::of(innermost).within(Reference::of(outer));
    for outer in inner_to_outer {
        if joined.reads_as_absolute() {
            // The outer values cannot change it any more.
            return Some(Reference::of(&joined.written()).within(Reference::of(outer)).written());
        }
        joined = joined.within(Reference::of(outer));
    }
    Some(joined.written())
}

/// A URI reference, split into its five parts (RFC 3986, appendix B).
struct Reference<'t> {
    scheme: Option<&'t str>,
    authority: Option<&'t str>,
    path: Path<'t>,
    query: Option<&'t str>,
    fragment: Option<&'t str>,
}

/// A path, as written and after the steps of RFC 3986, 5.2.4 with the changes of Canonical XML 1.1: leading `..` of a
/// relative path stay, several slashes in a row become one, and a `..` at the end gets a slash.
struct Path<'t> {
    /// The path as written, if no dot segment was removed yet.
    written: Option<&'t str>,
    /// Whether the path as written is empty.
    is_empty: bool,
    is_absolute: bool,
    /// The number of leading `..` segments.
    ups: usize,
    segments: VecDeque<&'t str>,
    /// Whether the path ends with a slash.
    is_directory: bool,
}

impl<'t> Reference<'t> {
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
                let end = following.find('/').unwrap_or(following.len());
                let (authority, path) = following.split_at_checked(end).unwrap_or((following, ""));
                (Some(authority), path)
            }
            None => (None, rest),
        };
        Self { scheme, authority, path: Path::of(path), query, fragment }
    }

    /// Returns the reference resolved against a base, which may be relative itself (RFC 3986, 5.2.2).
    fn within(self, base: Self) -> Self {
        let scheme = self.scheme.or(base.scheme);
        if self.scheme.is_some() || self.authority.is_some() {
            return Self { scheme, path: self.path.without_dot_segments(), ..self };
        }
        let (authority, fragment) = (base.authority, self.fragment);
        if self.path.is_empty {
            return Self { scheme, authority, path: base.path, query: self.query.or(base.query), fragment };
        }
        let path = self.path.within(base.path, authority.is_some());
        Self { scheme, authority, path, query: self.query, fragment }
    }

    /// Returns whether a reader of the [`written`](Self::written) text finds a scheme in it: a first segment with a
    /// colon is read as one.
    fn reads_as_absolute(&self) -> bool {
        let begins_with_path = self.scheme.is_none() && self.authority.is_none();
        begins_with_path && self.path.first_written().find(':').is_some_and(|at| at > 0)
    }

    /// Joins the parts into a text (RFC 3986, 5.3).
    fn written(&self) -> String {
        let mut text = String::new();
        for (before, part, after) in [("", self.scheme, ":"), ("//", self.authority, "")] {
            if let Some(part) = part {
                text.extend([before, part, after]);
            }
        }
        self.path.write(&mut text);
        for (before, part) in [("?", self.query), ("#", self.fragment)] {
            if let Some(part) = part {
                text.extend([before, part]);
            }
        }
        text
    }
}

impl<'t> Path<'t> {
    fn of(text: &'t str) -> Self {
        let mut path = Self {
            written: Some(text),
            is_empty: text.is_empty(),
            is_absolute: text.starts_with('/'),
            ups: 0,
            segments: VecDeque::new(),
            is_directory: false,
        };
        for segment in text.split('/') {
            path.is_directory = matches!(segment, "" | "." | "..");
            match segment {
                "" | "." => {}
                ".." => path.up(1),
                _ => path.segments.push_back(segment),
            }
        }
        path
    }

    /// Returns the path resolved against the last directory of the base (RFC 3986, 5.2.3).
    fn within(mut self, mut base: Self, base_has_authority: bool) -> Self {
        if !self.is_absolute {
            if !base.is_directory {
                base.segments.pop_back();
            }
            base.is_absolute |= base_has_authority && base.is_empty;
            base.up(self.ups);
            (self.is_absolute, self.ups) = (base.is_absolute, base.ups);
            for segment in base.segments.into_iter().rev() {
                self.segments.push_front(segment);
            }
        }
        self.without_dot_segments()
    }

    /// Returns the path without dot segments (RFC 3986, 5.2.4).
    fn without_dot_segments(mut self) -> Self {
        self.written = None;
        self.is_empty = !self.is_absolute && self.ups == 0 && self.segments.is_empty();
        self
    }

    /// Returns the first segment as written.
    fn first_written(&self) -> &'t str {
        match self.written {
            Some(text) => text.split('/').next().unwrap_or_default(),
            None if self.is_absolute || self.ups > 0 => "",
            None => self.segments.front().copied().unwrap_or_default(),
        }
    }

    /// Goes up by `count` segments, at most to the root if the path is absolute.
    fn up(&mut self, count: usize) {
        let there = count.min(self.segments.len());
        self.segments.truncate(self.segments.len().saturating_sub(there));
        if !self.is_absolute {
            self.ups = self.ups.saturating_add(count.saturating_sub(there));
        }
    }

    fn write(&self, text: &mut String) {
        if let Some(written) = self.written {
            return text.push_str(written);
        }
        if self.is_absolute {
            text.push('/');
        }
        for _ in 0..self.ups {
            text.push_str("../");
        }
        for (position, segment) in self.segments.iter().enumerate() {
            if position > 0 {
                text.push('/');
            }
            text.push_str(segment);
        }
        if self.is_directory && !self.segments.is_empty() {
            text.push('/');
        }
    }
}

fn split(text: &str, mark: char) -> (&str, Option<&str>) {
    match text.split_once(mark) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use super::join_all;

    #[test]
    fn joins_as_the_examples_do() {
        for (reference, base, joined) in [
            ("..", "foo/bar", ""),
            ("x", "..", "../x"),
            (".", "foo/bar", "foo/"),
            ("../..", "a/b/c/d", "a/"),
            ("../../..", "a/b", "../../"),
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
            ("x", "a/b:c", "a/x"),
            ("a/b:c", "http://example.org/d", "http://example.org/a/b:c"),
            ("x", "?q", "x"),
            // A reference without a path gets the base's path unchanged (5.2.2).
            ("", "a/../b", "a/../b"),
            ("#f", "http://example.org/a/./b//c/..", "http://example.org/a/./b//c/..#f"),
            ("?q", "../a/..", "../a/..?q"),
            // A reference with a path, or an absolute reference, does not.
            ("b", "a/../c/", "c/b"),
            ("x:a/../b", "c", "x:b"),
            ("//h/a/./b", "c", "//h/a/b"),
        ] {
            let actual = join_all([reference, base].into_iter());
            assert_eq!(actual.as_deref(), Some(joined), "{reference} in {base}");
        }
    }

    #[test]
    fn joins_from_the_inside() {
        assert_eq!(join_all(["x", "..", "..", "foo/bar"].into_iter()).as_deref(), Some("../x"));
        assert_eq!(join_all(["c", "b/", "../../../a/", "x/y/"].into_iter()).as_deref(), Some("../a/b/c"));
        // A joined value that is empty gets the next base unchanged; another one does not.
        assert_eq!(join_all(["..", "a/b", "x/y"].into_iter()).as_deref(), Some("x/y"));
        assert_eq!(join_all(["..", "/a/b", "x/y"].into_iter()).as_deref(), Some("/"));
        assert_eq!(join_all(["..", "a", "x/y"].into_iter()).as_deref(), Some(""));
        assert_eq!(join_all(["a/../b"].into_iter()).as_deref(), Some("a/../b"));
        assert_eq!(join_all(["", "a/../b", "c/d"].into_iter()).as_deref(), Some("c/b"));
        assert_eq!(join_all(["", "", "a/../b"].into_iter()).as_deref(), Some("a/../b"));
        // A first segment with a colon is read as a scheme.
        assert_eq!(join_all(["./x:a/b", "c/../", "//h/d"].into_iter()).as_deref(), Some("x:a/b"));
        assert_eq!(join_all(["", "./x:a", "d"].into_iter()).as_deref(), Some("x:a"));
        assert_eq!(join_all([":a", "b/", "d/"].into_iter()).as_deref(), Some("d/b/:a"));
        assert_eq!(join_all(core::iter::empty()), None);
    }
}
