//! `xml:base` in Canonical XML 1.1, compared with a reference implementation: RFC 3986, 5.2, on strings, with the
//! changes of appendix A of Canonical XML 1.1. The library splits each value once and joins the parts; here each step
//! makes a string that the next one reads.

#![expect(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may fail in any way"
)]

use vouchsafe_xml::{Canonicalization, Document, Limits, canonicalize};

/// Scheme, authority, path, query, fragment (RFC 3986, appendix B).
type Parts = (Option<String>, Option<String>, String, Option<String>, Option<String>);

/// `^(([^:/?#]+):)?(//([^/?#]*))?([^?#]*)(\?([^#]*))?(#(.*))?`, group by group.
fn parts(reference: &str) -> Parts {
    let length_until = |text: &str, stops: &str| text.find(|c| stops.contains(c)).unwrap_or(text.len());
    let (mut rest, mut scheme, mut authority) = (reference, None, None);
    let length = length_until(rest, ":/?#");
    if length > 0 && rest[length..].starts_with(':') {
        scheme = Some(rest[..length].to_owned());
        rest = &rest[length + 1..];
    }
    if let Some(after) = rest.strip_prefix("//") {
        let length = length_until(after, "/?#");
        authority = Some(after[..length].to_owned());
        rest = &after[length..];
    }
    let length = length_until(rest, "?#");
    let path = rest[..length].to_owned();
    rest = &rest[length..];
    let mut query = None;
    if let Some(after) = rest.strip_prefix('?') {
        let length = length_until(after, "#");
        query = Some(after[..length].to_owned());
        rest = &after[length..];
    }
    (scheme, authority, path, query, rest.strip_prefix('#').map(str::to_owned))
}

/// Joins the parts (RFC 3986, 5.3).
fn recomposed((scheme, authority, path, query, fragment): Parts) -> String {
    let mut text = String::new();
    scheme.iter().for_each(|scheme| text += &format!("{scheme}:"));
    authority.iter().for_each(|authority| text += &format!("//{authority}"));
    text += &path;
    query.iter().for_each(|query| text += &format!("?{query}"));
    fragment.iter().for_each(|fragment| text += &format!("#{fragment}"));
    text
}

/// Resolves a reference against a base (RFC 3986, 5.2.2).
fn joined(reference: &str, base: &str) -> String {
    let (scheme, authority, path, query, fragment) = parts(reference);
    let (base_scheme, base_authority, base_path, base_query, _) = parts(base);
    recomposed(if scheme.is_some() {
        (scheme, authority, without_dot_segments(&path), query, fragment)
    } else if authority.is_some() {
        (base_scheme, authority, without_dot_segments(&path), query, fragment)
    } else if path.is_empty() {
        (base_scheme, base_authority, base_path, query.or(base_query), fragment)
    } else if path.starts_with('/') {
        (base_scheme, base_authority, without_dot_segments(&path), query, fragment)
    } else {
        let path = without_dot_segments(&merged(&path, &base_path, base_authority.is_some()));
        (base_scheme, base_authority, path, query, fragment)
    })
}

/// Merges two paths (RFC 3986, 5.2.3). A base that ends in `..` is read as `../`, so that it names a directory
/// (Canonical XML 1.1, appendix A).
fn merged(path: &str, base: &str, base_has_authority: bool) -> String {
    if base_has_authority && base.is_empty() {
        return format!("/{path}");
    }
    let base = if base == ".." || base.ends_with("/..") { format!("{base}/") } else { base.to_owned() };
    let directory = base.rfind('/').map_or("", |slash| &base[..=slash]);
    format!("{directory}{path}")
}

/// Removes dot segments (RFC 3986, 5.2.4, with the changes of appendix A of Canonical XML 1.1), by rewriting until
/// nothing changes.
fn without_dot_segments(path: &str) -> String {
    let mut path = path.to_owned();
    if path == ".." || path.ends_with("/..") {
        path.push('/');
    }
    while path.contains("//") {
        path = path.replace("//", "/");
    }
    loop {
        let before = path.clone();
        path = path.replace("/./", "/");
        if let Some(rest) = path.strip_prefix("./") {
            path = rest.to_owned();
        }
        if path == "." || path.ends_with("/.") {
            path.pop();
        }
        if let Some(rest) = path.strip_prefix("/../") {
            path = format!("/{rest}");
        }
        // Find the first segment that is not `..` and is followed by `..`.
        let mut at = 0;
        let mut segments = path.split('/').peekable();
        while let Some(segment) = segments.next() {
            if segments.peek() == Some(&"..") && !["", ".", ".."].contains(&segment) {
                path.replace_range(at..at + segment.len() + 4, "");
                break;
            }
            at += segment.len() + 1;
        }
        if path == before {
            return path;
        }
    }
}

/// Pseudo-random numbers from a fixed seed (Knuth's generator of 64 bits).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % count
    }

    fn one<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[self.below(of.len())]
    }

    /// A URI reference that is likely to have dot segments, empty segments, or nothing at all.
    fn reference(&mut self) -> String {
        let mut text = String::new();
        if self.below(5) == 0 {
            text += self.one(&["http:", "x:", "urn:"]);
        }
        if self.below(4) == 0 {
            text += self.one(&["//h", "//h:1", "//", "//u@h.example"]);
        }
        if self.below(4) != 0 {
            let absolute = text.contains("//") || self.below(3) == 0;
            text += if absolute { "/" } else { "" };
            for number in 0..=self.below(6) {
                text += if number > 0 { "/" } else { "" };
                text += self
                    .one(&["a", "b", "cd", "..", "..", ".", "", "...", ".e", "f..", "g:h", ":", "é", "%2E"]);
            }
        }
        if self.below(4) == 0 {
            text += self.one(&["?", "?q", "?a/../b?", "?x:y"]);
        }
        if self.below(4) == 0 {
            text += self.one(&["#", "#f", "#a/../b", "#?"]);
        }
        text
    }
}

/// Returns the value that the library writes for the innermost of nested elements with these values, the outermost
/// first; `None` if it writes no value.
fn canonical_base(outer_to_inner: &[String]) -> Option<String> {
    let mut text: String = outer_to_inner.iter().map(|base| format!("<a xml:base='{base}'>")).collect();
    text += &"</a>".repeat(outer_to_inner.len());
    let document = Document::parse(text.as_bytes(), &Limits::default()).unwrap();
    let mut canonical = Vec::new();
    let innermost = document.elements().last().unwrap();
    canonicalize(innermost, Canonicalization::INCLUSIVE_11, &[], None, &mut canonical).unwrap();
    let canonical = Document::parse(&canonical, &Limits::default()).unwrap();
    canonical.root().attributes().next().map(|base| base.value.to_owned())
}

#[test]
fn joins_as_the_reference_implementation_does() {
    let mut numbers = Numbers(20_261_128);
    let (mut empty_paths, mut nothing) = (0, 0);
    for number in 0..10_000 {
        let count = 2 + numbers.below(3);
        let bases: Vec<String> = (0..count).map(|_| numbers.reference()).collect();
        let inner_to_outer = bases.iter().rev().cloned();
        let expected = inner_to_outer.reduce(|reference, base| joined(&reference, &base)).unwrap();
        let (_, _, path, ..) = parts(&bases[count - 1]);
        empty_paths += usize::from(path.is_empty());
        nothing += usize::from(expected.is_empty());
        let expected = Some(expected).filter(|expected| !expected.is_empty());
        assert_eq!(canonical_base(&bases), expected, "number {number}: {bases:?}");
    }
    println!("10,000 bases: {empty_paths} references without a path, {nothing} joined to nothing");
    assert!(empty_paths > 1_000 && nothing > 25, "{empty_paths} and {nothing}: too few of what matters");
}

#[test]
fn a_joined_value_is_escaped_and_counted() {
    let text = "<a xml:base='x?a&amp;&lt;&quot;b'><b xml:base='#&#13;&#9;'/></a>";
    let canonical = |limits: &Limits| {
        let document = Document::parse(text.as_bytes(), limits).unwrap();
        let mut canonical = Vec::new();
        canonicalize(document.at("/*/*").unwrap(), Canonicalization::INCLUSIVE_11, &[], None, &mut canonical)
            .map(|()| String::from_utf8(canonical).unwrap())
    };
    let expected = "<b xml:base=\"x?a&amp;&lt;&quot;b#&#xD;&#x9;\"></b>";
    assert_eq!(canonical(&Limits::default()).as_deref(), Ok(expected));
    let exactly = Limits::default().with_canonical_bytes_factor(0);
    assert!(canonical(&exactly.clone().with_canonical_bytes_extra(expected.len())).is_ok());
    assert!(canonical(&exactly.with_canonical_bytes_extra(expected.len() - 1)).is_err());
}

#[test]
fn values_that_grow_with_the_depth_are_bounded() {
    // Each value is long, but its segments cancel out: the joined value is not longer than all of them together.
    let bases: Vec<String> = (0..50).map(|number| format!("{}x{number}/", "a/../".repeat(300))).collect();
    let expected: String = (0..50).map(|number| format!("x{number}/")).collect();
    assert_eq!(canonical_base(&bases), Some(expected));
    let up: Vec<String> = (0..50).map(|_| "../".repeat(100)).collect();
    assert_eq!(canonical_base(&up), Some("../".repeat(5000)));
}

/// Checks the reference implementation with the examples of RFC 3986, 5.4, which Canonical XML does not change.
#[test]
fn the_reference_implementation_is_that_of_the_rfc() {
    for (reference, expected) in [
        ("g:h", "g:h"),
        ("g", "http://a/b/c/g"),
        ("./g", "http://a/b/c/g"),
        ("g/", "http://a/b/c/g/"),
        ("/g", "http://a/g"),
        ("//g", "http://g"),
        ("?y", "http://a/b/c/d;p?y"),
        ("g?y", "http://a/b/c/g?y"),
        ("#s", "http://a/b/c/d;p?q#s"),
        ("g#s", "http://a/b/c/g#s"),
        ("g?y#s", "http://a/b/c/g?y#s"),
        (";x", "http://a/b/c/;x"),
        ("g;x?y#s", "http://a/b/c/g;x?y#s"),
        ("", "http://a/b/c/d;p?q"),
        (".", "http://a/b/c/"),
        ("./", "http://a/b/c/"),
        ("..", "http://a/b/"),
        ("../", "http://a/b/"),
        ("../g", "http://a/b/g"),
        ("../..", "http://a/"),
        ("../../../../g", "http://a/g"),
        ("/./g", "http://a/g"),
        ("/../g", "http://a/g"),
        ("g.", "http://a/b/c/g."),
        ("..g", "http://a/b/c/..g"),
        ("./../g", "http://a/b/g"),
        ("./g/.", "http://a/b/c/g/"),
        ("g/../h", "http://a/b/c/h"),
        ("g;x=1/../y", "http://a/b/c/y"),
        ("g?y/../x", "http://a/b/c/g?y/../x"),
        ("g#s/../x", "http://a/b/c/g#s/../x"),
        ("http:g", "http:g"),
    ] {
        assert_eq!(joined(reference, "http://a/b/c/d;p?q"), expected, "{reference}");
        let bases = ["http://a/b/c/d;p?q".to_owned(), reference.to_owned()];
        assert_eq!(canonical_base(&bases).as_deref(), Some(expected), "{reference}");
    }
}
