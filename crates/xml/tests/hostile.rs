//! Shapes that make careless readers slow or overflow their stack. The benchmarks print how the time grows (`hostile`
//! in the table). Here, a test with a wrong dependence on the size would not end.

#![expect(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "a test may fail in any way")]

use std::fmt::Write as _;

use vouchsafe_xml::{Canonicalization, Document, Limits, canonicalize};

/// Returns limits that stop none of these shapes.
fn unlimited() -> Limits {
    Limits::default()
        .with_input_bytes(usize::MAX)
        .with_depth(usize::MAX)
        .with_nodes(usize::MAX)
        .with_attributes_per_element(usize::MAX)
        .with_namespaces_in_scope(usize::MAX)
        .with_name_bytes(usize::MAX)
        .with_value_bytes(usize::MAX)
}

/// Joins `count` pieces, each made from its number.
fn pieces(count: usize, piece: impl Fn(&mut String, usize)) -> String {
    let mut text = String::new();
    for number in 0..count {
        piece(&mut text, number);
    }
    text
}

fn nested(count: usize, start: impl Fn(&mut String, usize), end: &str) -> String {
    pieces(count, start) + &end.repeat(count)
}

/// The name of a shape, and the function that makes it in a size.
type Shape = (&'static str, fn(usize) -> String);

const SHAPES: &[Shape] = &[
    ("attributes", |n| format!("<a{}/>", pieces(n, |t, i| write!(t, " a{i}=''").unwrap()))),
    ("attributes with prefixes", |n| {
        format!("<a{}/>", pieces(n, |t, i| write!(t, " xmlns:p{i}='u{i}' p{i}:a=''").unwrap()))
    }),
    ("attributes of two long namespaces", |n| {
        let long = "u".repeat(n * 4);
        let attributes = pieces(n, |t, i| write!(t, " p:a{i}='' q:a{i}=''").unwrap());
        format!("<a xmlns:p='{long}1' xmlns:q='{long}2'{attributes}/>")
    }),
    ("nested prefixes", |n| nested(n, |t, i| write!(t, "<a xmlns:p{i}='u' p0:b=''>").unwrap(), "</a>")),
    ("nested prefixes, used", |n| {
        nested(n, |t, i| write!(t, "<a xmlns:p{i}='u' p{i}:b=''>").unwrap(), "</a>")
    }),
    ("nested rebinding", |n| nested(n, |t, i| write!(t, "<p:a xmlns:p='u{}'>", i % 2).unwrap(), "</p:a>")),
    ("declarations and siblings", |n| {
        let declarations = pieces(n, |t, i| write!(t, " xmlns:p{i}='u{i}'").unwrap());
        format!("<a{declarations}>{}</a>", pieces(n, |t, i| write!(t, "<p{i}:b/>").unwrap()))
    }),
    ("depth", |n| nested(n, |t, _| t.push_str("<a>"), "</a>")),
    ("siblings", |n| format!("<a>{}</a>", "<b/>".repeat(n))),
    ("references", |n| format!("<a b='{0}'>{0}</a>", "&#65;&lt;".repeat(n))),
    ("line ends", |n| format!("<a b='{0}'>{0}</a>", "\r\n\r".repeat(n))),
    ("sections", |n| format!("<a>{}</a>", "x<![CDATA[]]>]]".repeat(n))),
    ("brackets", |n| format!("<a>{}</a>", "]]".repeat(n * 4))),
    ("comments", |n| format!("<a>{}</a>", "<!-- - -->x".repeat(n))),
    ("instructions", |n| format!("<a>{}</a>", "<?p ? > ?>".repeat(n))),
    ("unclosed comment", |n| format!("<a>{}", "<!--->".repeat(n))),
    ("unclosed values", |n| format!("<a {}", "b='> ".repeat(n))),
    ("unclosed DOCTYPE", |n| format!("<!DOCTYPE a [{}", "<!ENTITY a '<!--'>".repeat(n))),
    ("digits", |n| format!("<a>&#{}65;</a>", "0".repeat(n * 8))),
    ("inherited attributes", |n| {
        nested(n, |t, i| write!(t, "<a xml:base='b{i}/../' xml:lang='x' xml:l{i}=''>").unwrap(), "</a>")
    }),
    ("own and inherited attributes", |n| {
        let attributes = pieces(n, |t, i| write!(t, " xml:l{i}=''").unwrap());
        format!("<a{attributes}><b{attributes}/></a>")
    }),
    ("inherited bases", |n| nested(n, |t, i| write!(t, "<a xml:base='b/b{i}/'>").unwrap(), "</a>")),
];

/// Parses the text, and canonicalizes the document and its innermost element by every method. Returns the number of
/// bytes.
fn work(text: &str) -> usize {
    let Ok(document) = Document::parse(text.as_bytes(), &unlimited()) else { return 0 };
    let innermost = document.elements().last().unwrap();
    let mut written = 0;
    for method in [Canonicalization::EXCLUSIVE, Canonicalization::INCLUSIVE, Canonicalization::INCLUSIVE_11] {
        for element in [document.root(), innermost] {
            let mut bytes = Vec::new();
            canonicalize(element, method, &["p0", "p1", "#default"], None, &mut bytes).unwrap();
            written += bytes.len();
        }
    }
    let _ = (innermost.scope(), innermost.depth(), innermost.text());
    written
}

#[test]
fn large_ones_come_to_an_end() {
    for (name, shape) in SHAPES {
        let (small, large) = (work(&shape(100)), work(&shape(10_000)));
        let refused = name.starts_with("unclosed");
        assert_eq!((small == 0, large == 0), (refused, refused), "{name}");
        // The base of a nested element grows with its depth, and is written once.
        assert!(large <= small.saturating_mul(200), "{name}: {small} bytes became {large}");
    }
}

#[test]
fn the_limits_stop_all_of_them() {
    for (name, shape) in SHAPES {
        let text = shape(400_000);
        let refusal = Document::parse(text.as_bytes(), &Limits::default());
        assert!(refusal.is_err(), "{name}");
    }
}

#[test]
fn depth_needs_no_stack() {
    let text = nested(300_000, |t, _| t.push_str("<a>"), "</a>");
    let worker = std::thread::Builder::new().stack_size(256 * 1024);
    let worker = worker.spawn(move || {
        let document = Document::parse(text.as_bytes(), &unlimited()).unwrap();
        let mut bytes = Vec::new();
        canonicalize(document.root(), Canonicalization::INCLUSIVE, &[], None, &mut bytes).unwrap();
        drop(document);
        bytes == text.as_bytes()
    });
    assert!(worker.unwrap().join().unwrap());
}
