//! The size of the canonical form is limited by the size of the document, and too many bytes are refused before they
//! are written.

#![expect(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "a test may fail in any way")]

use vouchsafe_xml::{
    Canonicalization, Document, Limits, NamespaceScope, Sink, XmlError, canonicalize, canonicalize_document,
    canonicalize_document_without,
};

const METHODS: [Canonicalization; 6] = [
    Canonicalization::EXCLUSIVE,
    Canonicalization::EXCLUSIVE_WITH_COMMENTS,
    Canonicalization::INCLUSIVE,
    Canonicalization::INCLUSIVE_WITH_COMMENTS,
    Canonicalization::INCLUSIVE_11,
    Canonicalization::INCLUSIVE_11_WITH_COMMENTS,
];

/// Counts the bytes and the writes.
#[derive(Default)]
struct Counter {
    bytes: usize,
    writes: usize,
}

impl Sink for Counter {
    fn write(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len();
        self.writes += 1;
    }
}

fn parse(text: &str) -> Document {
    Document::parse(text.as_bytes(), &Limits::default()).unwrap()
}

/// Parses a document whose canonical forms may have `bytes` bytes, whatever its size.
fn parse_allowing(text: &str, bytes: usize) -> Document {
    let limits = Limits::default().with_canonical_bytes_factor(0).with_canonical_bytes_extra(bytes);
    Document::parse(text.as_bytes(), &limits).unwrap()
}

fn is_the_limit(outcome: &Result<(), XmlError>, allowed: usize) -> bool {
    matches!(outcome, Err(XmlError::Limit { limit: "canonical_bytes_factor", allowed: at, .. }) if *at == allowed)
}

/// Makes 1 MiB from which a careless canonicalizer makes 400 MiB: a long name with characters that must be escaped,
/// declared once and used by each of `elements` elements, none of which is inside another that uses it.
fn amplification(elements: usize) -> String {
    let name = "&amp;".repeat(1000);
    format!("<a xmlns:p='{name}'>{}</a>", "<p:b/>".repeat(elements))
}

#[test]
fn what_is_declared_once_and_used_everywhere_is_refused() {
    let text = amplification(80_000);
    let document = parse(&text);
    let mut counter = Counter::default();
    let outcome = canonicalize(document.root(), Canonicalization::EXCLUSIVE, &[], None, &mut counter);
    assert!(is_the_limit(&outcome, 4), "{outcome:?}");
    let most = text.len() * 4 + 64 * 1024;
    assert!(counter.bytes <= most && counter.bytes > most - 5100, "{} of {most}", counter.bytes);
    // Inclusive methods write the declaration once.
    for method in [Canonicalization::INCLUSIVE, Canonicalization::INCLUSIVE_11] {
        canonicalize(document.root(), method, &[], None, &mut Vec::new()).unwrap();
    }
}

#[test]
fn only_what_is_written_anew_on_each_element_is_refused() {
    let many = |text: &str| text.repeat(60_000);
    for (name, text, method, prefixes) in [
        (
            "PrefixList",
            format!("<a xmlns='{}'>{}</a>", "u".repeat(900), many("<b xmlns=''/>")),
            METHODS[0],
            &["#default"][..],
        ),
        (
            "default namespace",
            format!("<p:a xmlns:p='p' xmlns='{}'>{}</p:a>", "u".repeat(900), many("<b/>")),
            METHODS[0],
            &[],
        ),
        (
            "attribute",
            format!("<a xmlns:p='{}'>{}</a>", "&#9;".repeat(900), many("<b p:c=''/>")),
            METHODS[1],
            &[],
        ),
        ("rebinding", format!("<p:a xmlns:p='{}'>{}</p:a>", "u".repeat(900), many("<q/>")), METHODS[0], &[]),
    ] {
        let document = parse(&text);
        let mut counter = Counter::default();
        let outcome = canonicalize(document.root(), method, prefixes, None, &mut counter);
        let refused = is_the_limit(&outcome, 4);
        // The others are declared in the same way and written once: bytes are counted and not guessed.
        assert_eq!(refused, matches!(name, "default namespace" | "attribute"), "{name}: {outcome:?}");
        assert!(counter.bytes <= text.len() * 4 + 64 * 1024, "{name}");
    }
}

#[test]
fn the_limit_is_exact_in_every_method_and_for_every_kind_of_piece() {
    let text = "<?i a?><!--c--><a xmlns:q='&lt;' xmlns='d' b='&#9;&#10;&#13;&quot;' a = \"1\"><q:c>&gt;&#13;x</q:c>\
                <!--d--><?t u?><e/><f\n>text</f ></a><!--z--><?y?>";
    for method in METHODS {
        let mut whole = Vec::new();
        canonicalize_document(&parse(text), method, &["q"], &mut whole).unwrap();
        for bytes in 0..=whole.len() {
            let document = parse_allowing(text, bytes);
            let mut written = Vec::new();
            let outcome = canonicalize_document(&document, method, &["q"], &mut written);
            assert!(whole.starts_with(&written), "what was written is not the beginning");
            assert!(written.len() <= bytes);
            if bytes == whole.len() {
                assert_eq!((outcome, written), (Ok(()), whole.clone()));
            } else {
                assert!(is_the_limit(&outcome, 0), "{bytes} of {}", whole.len());
            }
        }
    }
}

#[test]
fn every_entry_holds_it() {
    let text = "<a><b>text</b><c/></a>";
    let document = parse_allowing(text, 5);
    let (root, b) = (document.root(), document.at("/*/*[1]").unwrap());
    let exclusive = Canonicalization::EXCLUSIVE;
    let mut sink = Vec::new();
    for outcome in [
        canonicalize(root, exclusive, &[], None, &mut sink),
        canonicalize(root, exclusive, &[], Some(b), &mut sink),
        canonicalize_document(&document, exclusive, &[], &mut sink),
        canonicalize_document_without(&document, exclusive, &[], b, &mut sink),
    ] {
        assert!(is_the_limit(&outcome, 0), "{outcome:?}");
    }
    // The offset is that of the element.
    let refusal = canonicalize(b, exclusive, &[], None, &mut sink).unwrap_err();
    assert_eq!((refusal.offset(), refusal.code()), (Some(3), "xml.limit"));
    assert!(refusal.to_string().contains("canonical_bytes_factor"), "{refusal}");
    // Omitted elements are not counted.
    let document = parse_allowing(text, 14);
    let b = document.at("/*/*[1]").unwrap();
    assert_eq!(canonicalize(document.root(), exclusive, &[], Some(b), &mut Vec::new()), Ok(()));
}

#[test]
fn it_is_relative_to_the_document_and_what_is_declared_around_it() {
    let limits = Limits::default().with_canonical_bytes_factor(2).with_canonical_bytes_extra(3);
    let document = Document::parse(b"<a/>", &limits).unwrap();
    assert_eq!(document.allows_canonical_bytes(11), Ok(()));
    assert!(is_the_limit(&document.allows_canonical_bytes(12), 2));
    // A byte order mark is not written, and is not counted.
    let marked = Document::parse("\u{FEFF}<a/>".as_bytes(), &limits).unwrap();
    assert!(is_the_limit(&marked.allows_canonical_bytes(12), 2));
    let scope = NamespaceScope::empty().bind("p", "urn:p").unwrap();
    let inside = Document::parse_in_scope(b"<a/>", &scope, &limits).unwrap();
    assert_eq!(inside.allows_canonical_bytes(2 * (4 + 6) + 3), Ok(()));
    assert!(is_the_limit(&inside.allows_canonical_bytes(2 * (4 + 6) + 4), 2));
    // Two numbers that are too large together do not overflow.
    let limits = limits.with_canonical_bytes_factor(usize::MAX).with_canonical_bytes_extra(usize::MAX);
    assert_eq!(Document::parse(b"<a/>", &limits).unwrap().allows_canonical_bytes(usize::MAX), Ok(()));
}

#[test]
fn the_walk_ends_where_the_limit_is() {
    // 200 declarations of 1,024 bytes on one element, used by 12,000 others: each attempt to write costs 200 KiB.
    let declarations: String = (0..190).map(|n| format!(" xmlns:p{n}='{n}{}'", "u".repeat(1000))).collect();
    let uses: String = (0..190).map(|n| format!(" p{n}:a=''")).collect();
    let text = format!("<a{declarations}>{}</a>", format!("<b{uses}/>").repeat(400));
    let document = parse(&text);
    let mut counter = Counter::default();
    let outcome = canonicalize(document.root(), Canonicalization::EXCLUSIVE, &[], None, &mut counter);
    assert!(is_the_limit(&outcome, 4), "{outcome:?}");
    // No write is attempted for the elements after this.
    assert!(counter.bytes <= text.len() * 4 + 64 * 1024);
    assert!(counter.writes < counter.bytes, "{} writes", counter.writes);
}

#[test]
fn prefixes_of_elsewhere_cost_a_small_element_nothing() {
    // The element is written with few of many prefixes, in both forms of the table of bindings, and the result is the
    // same.
    let others: String = (0..5000).map(|n| format!("<q{n}:x xmlns:q{n}='u'/>")).collect();
    let small = "<p:b xmlns:p='p' xmlns='d'><c xmlns=''><p:d xmlns:p='r'/><p:e/></c></p:b>";
    let crowded = parse(&format!("<a>{others}{small}</a>"));
    let alone = parse(small);
    let last = crowded.root().elements().last().unwrap();
    for method in METHODS {
        for prefixes in [&[][..], &["p", "#default"]] {
            let (mut one, mut other) = (Vec::new(), Vec::new());
            canonicalize(last, method, prefixes, None, &mut one).unwrap();
            canonicalize(alone.root(), method, prefixes, None, &mut other).unwrap();
            assert_eq!(String::from_utf8(one).unwrap(), String::from_utf8(other).unwrap());
        }
    }
}
