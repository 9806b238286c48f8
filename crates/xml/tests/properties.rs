//! Properties that hold for every text.

#![expect(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a test may fail in any way"
)]

use proptest::prelude::*;
use vouchsafe_xml::{Canonicalization, Document, Element, Limits, Node, Writer, canonicalize_document};

const METHODS: [Canonicalization; 3] = [
    Canonicalization::EXCLUSIVE_WITH_COMMENTS,
    Canonicalization::INCLUSIVE_WITH_COMMENTS,
    Canonicalization::INCLUSIVE_11_WITH_COMMENTS,
];

/// An element as a test makes it: to be written, read and compared.
#[derive(Clone, Debug)]
struct Tree {
    prefix: usize,
    rebind: bool,
    attributes: Vec<(usize, String)>,
    children: Vec<Child>,
}

#[derive(Clone, Debug)]
enum Child {
    Text(String),
    Element(Tree),
}

const PREFIXES: [&str; 4] = ["", "p", "q", "é"];

fn tree() -> impl Strategy<Value = Tree> {
    let text = "[ a-z<>&\"'\\]\t\r\n\u{E9}\u{2028}\u{10FFFF}-]{0,12}";
    let leaf = (0..4_usize, any::<bool>(), prop::collection::btree_map(0..4_usize, text, 0..3)).prop_map(
        |(prefix, rebind, attributes)| Tree {
            prefix,
            rebind,
            attributes: attributes.into_iter().collect(),
            children: Vec::new(),
        },
    );
    leaf.clone().prop_recursive(4, 24, 4, move |inner| {
        let child = prop_oneof![text.prop_map(Child::Text), inner.prop_map(Child::Element)];
        (leaf.clone(), prop::collection::vec(child, 0..4))
            .prop_map(|(tree, children)| Tree { children, ..tree })
    })
}

fn name(prefix: usize) -> String {
    let prefix = PREFIXES.get(prefix).unwrap();
    if prefix.is_empty() { "name".into() } else { format!("{prefix}:name") }
}

fn write(tree: &Tree, depth: usize, writer: &mut Writer) {
    writer.start(&name(tree.prefix));
    if depth == 0 || tree.rebind {
        for prefix in PREFIXES {
            writer.namespace(prefix, &format!("urn:{prefix}:{depth}"));
        }
    }
    for (prefix, value) in &tree.attributes {
        writer.attribute(&name(*prefix), value);
    }
    for child in &tree.children {
        match child {
            Child::Text(text) => _ = writer.text(text),
            Child::Element(tree) => write(tree, depth + 1, writer),
        }
    }
    writer.end();
}

/// Writes the same tree as [`write`], in one of the many spellings that XML allows.
fn spell(tree: &Tree, depth: usize, ways: &mut Ways, text: &mut String) {
    let name = name(tree.prefix);
    text.push_str(&format!("<{name}"));
    let mut attributes: Vec<(String, String)> =
        tree.attributes.iter().map(|(prefix, value)| (self::name(*prefix), value.clone())).collect();
    if depth == 0 || tree.rebind {
        attributes.extend(PREFIXES.map(|prefix| {
            let name = if prefix.is_empty() { "xmlns".into() } else { format!("xmlns:{prefix}") };
            (name, format!("urn:{prefix}:{depth}"))
        }));
    }
    if ways.one_of(2) == 0 {
        attributes.reverse();
    }
    for (name, value) in attributes {
        let quote = ['"', '\''][ways.one_of(2)];
        let spaces = [" ", "  ", "\n", "\t "][ways.one_of(4)];
        let equals = ["=", "=", " =", "= "][ways.one_of(4)];
        let value: String = value.chars().map(|c| ways.character(c, |c| c == quote || c < ' ')).collect();
        text.push_str(&format!("{spaces}{name}{equals}{quote}{value}{quote}"));
    }
    let space = ["", "", " ", "\n"][ways.one_of(4)];
    if tree.children.is_empty() && ways.one_of(2) == 0 {
        return text.push_str(&format!("{space}/>"));
    }
    text.push_str(&format!("{space}>"));
    for child in &tree.children {
        match child {
            Child::Element(tree) => spell(tree, depth + 1, ways, text),
            Child::Text(said) if ways.one_of(4) == 0 && !said.contains(['\r', ']']) => {
                text.push_str(&format!("<![CDATA[{said}]]>"));
            }
            Child::Text(said) => {
                text.extend(said.chars().map(|c| ways.character(c, |c| c == '\r' || c == '>')))
            }
        }
    }
    let space = ["", "", " ", "\n"][ways.one_of(4)];
    text.push_str(&format!("</{name}{space}>"));
}

/// The choices between the spellings.
struct Ways(std::vec::IntoIter<usize>);

impl Ways {
    fn one_of(&mut self, count: usize) -> usize {
        self.0.next().unwrap_or_default() % count
    }

    /// Writes the character or a reference to it.
    fn character(&mut self, character: char, must_be_escaped: impl Fn(char) -> bool) -> String {
        let way = self.one_of(8);
        match character {
            '&' => ["&amp;", "&#38;"][way % 2].into(),
            '<' => ["&lt;", "&#x3c;"][way % 2].into(),
            c if way == 0 || must_be_escaped(c) => format!("&#{};", u32::from(c)),
            c => c.into(),
        }
    }
}

fn compare(tree: &Tree, element: Element<'_>, depth: usize, bound: usize) {
    let bound = if tree.rebind { depth } else { bound };
    let prefix = *PREFIXES.get(tree.prefix).unwrap();
    assert!(element.is(&format!("urn:{prefix}:{bound}"), "name"));
    assert_eq!(element.prefix(), prefix);
    let attributes: Vec<(&str, &str)> = element.attributes().map(|a| (a.prefix, a.value)).collect();
    let expected: Vec<(&str, &str)> = tree
        .attributes
        .iter()
        .map(|(prefix, value)| (*PREFIXES.get(*prefix).unwrap(), value.as_str()))
        .collect();
    assert_eq!(attributes, expected);
    let texts: String = tree
        .children
        .iter()
        .filter_map(|child| if let Child::Text(text) = child { Some(text.as_str()) } else { None })
        .collect();
    assert_eq!(element.text(), texts);
    let inner = tree.children.iter().filter_map(|child| match child {
        Child::Element(tree) => Some(tree),
        Child::Text(_) => None,
    });
    assert_eq!(element.elements().count(), inner.clone().count());
    for (tree, element) in inner.zip(element.elements()) {
        compare(tree, element, depth + 1, bound);
    }
}

/// Canonicalizing a canonical form again does not change it.
fn check_canonical(document: &Document) {
    for method in METHODS {
        for prefixes in [&[][..], &["p", "#default"][..]] {
            let (mut once, mut twice) = (Vec::new(), Vec::new());
            canonicalize_document(document, method, prefixes, &mut once).unwrap();
            let again = Document::parse(&once, &Limits::default()).unwrap();
            canonicalize_document(&again, method, prefixes, &mut twice).unwrap();
            assert_eq!(String::from_utf8(once), String::from_utf8(twice));
            assert_eq!(nodes(document.root()), nodes(again.root()));
        }
    }
}

/// Returns the content of a tree, without its spelling.
fn nodes(root: Element<'_>) -> Vec<String> {
    let mut said = Vec::new();
    for element in root.descendants() {
        let mut attributes: Vec<_> =
            element.attributes().map(|a| format!("{}|{}={}", a.namespace, a.local_name, a.value)).collect();
        attributes.sort();
        said.push(format!("{}|{}{attributes:?}", element.namespace(), element.local_name()));
        said.extend(
            element.children().filter(|node| !matches!(node, Node::Element(_))).map(|n| format!("{n:?}")),
        );
    }
    said
}

/// Texts that look like XML, so that more of the parser is reached.
fn almost_xml() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "<",
        ">",
        "/>",
        "</",
        "<a",
        "<p:b",
        "a>",
        "p:b>",
        "<a>",
        "</a>",
        "<p:b>",
        "</p:b>",
        " xmlns='u'",
        " xmlns:p='v'",
        " x='1'",
        " p:x='2'",
        " xml:lang='e'",
        "='",
        "\"",
        "'",
        " ",
        "\n",
        "\r",
        "\t",
        "text",
        "&amp;",
        "&#13;",
        "&#x0;",
        "&",
        ";",
        "<!--",
        "-->",
        "--",
        "<![CDATA[",
        "]]>",
        "<?p ",
        "<?xml version='1.0'?>",
        "?>",
        "<!DOCTYPE a>",
        "é",
        "\u{FEFF}",
        "\u{FFFF}",
        ":",
        "=",
        "]",
        "-",
        "!",
        "?",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Document::parse(&bytes, &Limits::default());
    }

    #[test]
    fn anything_like_xml_is_read_or_refused(inner in almost_xml()) {
        for text in [inner.clone(), format!("<a xmlns:p='w'>{inner}</a>"), format!("<a xmlns:p='w' {inner}/>")] {
            match Document::parse(text.as_bytes(), &Limits::default()) {
                Ok(document) => check_canonical(&document),
                Err(error) => prop_assert!(error.offset().is_none_or(|offset| offset <= text.len())),
            }
        }
    }

    #[test]
    fn how_it_is_spelled_changes_nothing(tree in tree(), ways in prop::collection::vec(0..64_usize, 0..160)) {
        let mut writer = Writer::new();
        write(&tree, 0, &mut writer);
        let mut spelled = String::new();
        spell(&tree, 0, &mut Ways(ways.into_iter()), &mut spelled);
        let [plain, spelled] = [writer.finish().unwrap(), spelled]
            .map(|text| Document::parse(text.as_bytes(), &Limits::default()).unwrap());
        for method in METHODS {
            let [plain, spelled] = [&plain, &spelled].map(|document| {
                let mut bytes = Vec::new();
                canonicalize_document(document, method, &["q"], &mut bytes).unwrap();
                String::from_utf8(bytes).unwrap()
            });
            prop_assert_eq!(&plain, &spelled);
        }
    }

    #[test]
    fn what_is_written_is_read(tree in tree()) {
        let mut writer = Writer::new();
        write(&tree, 0, &mut writer);
        let text = writer.finish().unwrap();
        let document = Document::parse(text.as_bytes(), &Limits::default()).unwrap();
        compare(&tree, document.root(), 0, 0);
        check_canonical(&document);
        for element in document.elements() {
            prop_assert_eq!(document.at(&element.position()), Some(element));
        }
    }
}
