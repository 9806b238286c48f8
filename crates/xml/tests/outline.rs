//! Documents cut into pieces: the pieces found, the documents refused, and the agreement of pieces and whole.
#![expect(clippy::unwrap_used, clippy::string_slice, clippy::panic, reason = "a test may fail in any way")]

use proptest::prelude::*;
use vouchsafe_xml::{Canonicalization, Document, Element, Limits, Outline, XmlError, canonicalize};

fn read(text: &str) -> Result<Outline, XmlError> {
    Outline::read(text.as_bytes(), "list", "item", &Limits::default())
}

/// The texts of the pieces.
fn pieces(text: &str) -> Vec<&str> {
    read(text).unwrap().pieces().map(|piece| &text[piece.range()]).collect()
}

#[test]
fn what_is_a_piece() {
    let cases: &[(&str, &[&str])] = &[
        ("<item/>", &["<item/>"]),
        ("<item>x</item>", &["<item>x</item>"]),
        ("<list/>", &[]),
        ("<other><item/></other>", &[]),
        ("<list><item a='>'/><list><item></item ></list></list>", &["<item a='>'/>", "<item></item >"]),
        ("<list><other><item/></other><item><item/></item></list>", &["<item><item/></item>"]),
        ("<list><other/><item/><other><list><item/></list></other></list>", &["<item/>"]),
        (
            "<p:list xmlns:p='u'><p:item/><q:item xmlns:q='v'/></p:list>",
            &["<p:item/>", "<q:item xmlns:q='v'/>"],
        ),
        ("<list><!-- <item> --><![CDATA[<item>]]><?x <item>?><item/></list>", &["<item/>"]),
        (
            "<list><item><!-- </item> --><![CDATA[</item>]]><?x </item>?><a b='</item>'/></item></list>",
            &["<item><!-- </item> --><![CDATA[</item>]]><?x </item>?><a b='</item>'/></item>"],
        ),
        (
            "\u{feff}<?xml version='1.0'?><list><item>é</item>\n<item/></list>\n",
            &["<item>é</item>", "<item/>"],
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(pieces(text), *expected, "{text}");
    }
}

/// Each is refused at the place where the parser refuses it.
#[test]
fn what_is_no_outline() {
    let cases = [
        ("", "xml.no_root", None),
        ("<list><item></list>", "xml.end_tag", Some(12)),
        ("<list><item><a></b></item></list>", "xml.end_tag", Some(15)),
        ("<list><item>", "xml.unclosed", None),
        ("<list><item/>", "xml.unclosed", None),
        ("<list><item><!-- </item></list>", "xml.syntax", Some(12)),
        ("<list><item><![CDATA[</item></list>", "xml.syntax", Some(12)),
        ("<list><item><?p </item></list>", "xml.syntax", Some(12)),
        ("<list><item><!x></item></list>", "xml.syntax", Some(12)),
        ("<list><item><!DOCTYPE a></item></list>", "xml.doctype", Some(12)),
        ("<!DOCTYPE list><list/>", "xml.doctype", Some(0)),
        ("<list><item>long</item>&nothing;</list>", "xml.reference", Some(23)),
        ("\u{feff}<list><item>long</item><item/>&nothing;</list>", "xml.reference", Some(33)),
        ("<list><item>long</item><p:other/></list>", "xml.prefix", Some(23)),
        ("<list><item/></list><list/>", "xml.outside_root", Some(20)),
        ("<list><item>long</item>\u{1}</list>", "xml.character", Some(23)),
        ("<?xml version='1.0' encoding='ISO-8859-1'?><list/>", "xml.encoding", None),
        ("<list><item><a", "xml.syntax", Some(12)),
        ("<list><item></item", "xml.syntax", Some(12)),
    ];
    for (text, code, offset) in cases {
        let error = read(text).unwrap_err();
        assert_eq!((error.code(), error.offset()), (code, offset), "{text}: {error}");
        assert_eq!(Document::parse(text.as_bytes(), &Limits::default()).unwrap_err().code(), code, "{text}");
    }
    let utf16 = [0xff, 0xfe, b'<', 0];
    assert_eq!(Outline::read(&utf16, "list", "item", &Limits::default()).unwrap_err().code(), "xml.encoding");
}

/// An error inside a piece affects only that piece, and has the offset in the input.
#[test]
fn a_bad_piece_spoils_no_other() {
    let limits = Limits::default().with_depth(5).with_value_bytes(20);
    for (head, code) in
        [("a='1' a='2'", "xml.duplicate_attribute"), ("p:a=''", "xml.prefix"), ("a='&n;'", "xml.reference")]
    {
        let text = format!("<list><item/><item {head}>text</item><list/></list>");
        let outline = Outline::read(text.as_bytes(), "list", "item", &limits).unwrap();
        let codes =
            outline.pieces().map(|piece| piece.parse(text.as_bytes(), &limits).err().map(|e| e.code()));
        assert_eq!(codes.collect::<Vec<_>>(), [None, Some(code)], "{head}");
    }
    for (content, code, place) in [
        ("&nothing;", "xml.reference", Some(0)),
        ("<a b='1' b='2'/>", "xml.duplicate_attribute", Some(0)),
        ("<p:a/>", "xml.prefix", Some(0)),
        ("a very long text indeed", "xml.limit", Some(0)),
        ("<a><a><a><a><a><a><a>deep</wrong></a></a></a></a></a></a>", "xml.limit", Some(12)),
        ("\u{ffff}", "xml.character", Some(0)),
        ("<!-- -- -->", "xml.syntax", Some(0)),
    ] {
        let text = format!("\u{feff}<list><item>fine</item><item>{content}</item><item>fine</item></list>");
        let outline = Outline::read(text.as_bytes(), "list", "item", &limits).unwrap();
        let parsed: Vec<_> = outline.pieces().map(|piece| piece.parse(text.as_bytes(), &limits)).collect();
        assert!(parsed[0].is_ok() && parsed[2].is_ok(), "{content}");
        let error = parsed[1].as_ref().unwrap_err();
        let expected = place.map(|place: usize| text.find(content).unwrap().saturating_add(place));
        assert_eq!((error.code(), error.offset()), (code, expected), "{content}");
    }
    let mut text = b"<list><item>fine</item><item>\xff</item></list>".to_vec();
    let outline = Outline::read(&text, "list", "item", &limits).unwrap();
    let bad = outline.pieces().nth(1).unwrap();
    assert_eq!(bad.parse(&text, &limits).unwrap_err().offset(), Some(29));
    // Outside of the pieces, an error affects all of them.
    text.splice(6..6, [0xff]);
    assert_eq!(Outline::read(&text, "list", "item", &limits).unwrap_err().code(), "xml.utf8");
}

#[test]
fn limits_of_the_whole() {
    let limits = Limits::default().with_input_bytes(20).with_nodes(3);
    let code = |text: &str| Outline::read(text.as_bytes(), "list", "item", &limits).map_err(|e| e.code());
    assert!(code("<list><item/></list>").is_ok());
    assert_eq!(code("<list><item/></list> ").unwrap_err(), "xml.limit");
    assert_eq!(code("<item><a/><b/></item").unwrap_err(), "xml.syntax");
    assert_eq!(code("<list><a/><b/><c/>").unwrap_err(), "xml.limit");
}

/// Makes a text that is similar to a list.
fn almost_a_list() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "<list>",
        "</list>",
        "<item>",
        "</item>",
        "<item/>",
        "<p:item>",
        "</p:item>",
        "<item",
        "<a>",
        "</a>",
        "<a/>",
        "<p:list xmlns:p='v'>",
        "</p:list>",
        " xmlns='u'",
        " x='1'",
        " x=\">\"",
        " p:x='<'",
        "='",
        "\"",
        "'",
        " ",
        ">",
        "/>",
        "/",
        "</",
        "<",
        "text",
        "&amp;",
        "&",
        "<!--",
        "-->",
        "--",
        "-",
        "<!-",
        "<![CDATA[",
        "]]>",
        "]",
        "<?p ",
        "<?",
        "?>",
        "?",
        "<?xml version='1.0'?>",
        "<!DOCTYPE a>",
        "<!",
        "é",
        "\u{FEFF}",
        "\u{FFFF}",
        ":",
        "=",
        "\r\n",
    ]);
    prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

fn canonical(element: Element<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    canonicalize(element, Canonicalization::EXCLUSIVE_WITH_COMMENTS, &[], None, &mut bytes).unwrap();
    bytes
}

fn collect<'d>(element: Element<'d>, found: &mut Vec<Element<'d>>) {
    match element.local_name() {
        "item" => found.push(element),
        "list" => element.elements().for_each(|child| collect(child, found)),
        _ => {}
    }
}

fn bindings(element: Element<'_>) -> Vec<(String, String)> {
    let mut all: Vec<_> =
        element.scope().bindings().map(|(prefix, name)| (prefix.to_owned(), name.to_owned())).collect();
    all.sort();
    all
}

/// Checks that the outline and its pieces have the same content as the tree of the whole, and that either both are
/// accepted or none.
fn agree(text: &str) {
    let limits = Limits::default();
    let outline = read(text);
    let Ok(whole) = Document::parse(text.as_bytes(), &limits) else {
        let all_parse = outline
            .is_ok_and(|outline| outline.pieces().all(|piece| piece.parse(text.as_bytes(), &limits).is_ok()));
        assert!(!all_parse, "only in pieces: {text:?}");
        return;
    };
    let outline = outline.unwrap_or_else(|error| panic!("only as a whole: {text:?}: {error}"));
    let mut expected = Vec::new();
    collect(whole.root(), &mut expected);
    assert_eq!(outline.pieces().len(), expected.len(), "{text:?}");
    for (piece, element) in outline.pieces().zip(expected) {
        assert_eq!(piece.range(), element.source_range(), "{text:?}");
        let parsed = piece.parse(text.as_bytes(), &limits).unwrap();
        assert_eq!(canonical(parsed.root()), canonical(element), "{text:?}");
        let mut head = Vec::new();
        piece.write_head(text.as_bytes(), &mut head);
        let scope = element.parent().map(Element::scope).unwrap_or_default();
        let head = Document::parse_in_scope(&head, &scope, &limits).unwrap();
        for same in [parsed.root(), head.root()] {
            assert_eq!(bindings(same), bindings(element), "{text:?}");
            assert_eq!(same.namespace(), element.namespace());
            assert!(same.attributes().eq(element.attributes()), "{text:?}");
        }
        let stub = piece.stub();
        assert_eq!((stub.local_name(), stub.children().count()), ("item", 0), "{text:?}");
        assert_eq!(stub.position(), element.position());
        assert!(stub.parent().is_some() || stub.attributes().eq(element.attributes()), "{text:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_048, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pieces_and_whole_agree(inner in almost_a_list()) {
        for text in [
            inner.clone(),
            format!("<list xmlns:p='w'>{inner}</list>"),
            format!("<list xmlns:p='w'><item>{inner}</item><item x='2'>t</item></list>"),
            format!("<list xmlns:p='w'><item {inner}/></list>"),
            format!("<list xmlns:p='w'><item>1</item><a>{inner}</a><item/></list>"),
        ] {
            agree(&text);
        }
    }
}
