//! The canonical form that is written from an outline is the one of the whole tree.
#![expect(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "a test may fail in any way")]

use proptest::prelude::*;
use vouchsafe_xml::{
    Canonicalization, Document, Element, Limits, Outline, OutlineForm, canonicalize, canonicalize_document,
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

fn outline(text: &str) -> Outline {
    Outline::read(text.as_bytes(), "list", "item", &Limits::default()).unwrap()
}

/// In pieces, without the element.
fn in_pieces(text: &str, outline: &Outline, form: OutlineForm<'_>) -> String {
    let mut seen = 0;
    let octets = outline.canonicalize(text.into(), form, &Limits::default(), &mut |_| seen += 1).unwrap();
    if form.omit.is_none() {
        assert_eq!(seen, outline.pieces().len(), "{text}");
    }
    String::from_utf8(octets).unwrap()
}

/// Of the whole tree, without the element.
fn at_once(root: Element<'_>, form: OutlineForm<'_>, omit: Option<Element<'_>>) -> String {
    let mut octets = Vec::new();
    let OutlineForm { method, inclusive_prefixes: list, .. } = form;
    match (form.whole, omit) {
        (false, omit) => canonicalize(root, method, list, omit, &mut octets),
        (true, None) => canonicalize_document(root.document(), method, list, &mut octets),
        (true, Some(omit)) => canonicalize_document_without(root.document(), method, list, omit, &mut octets),
    }
    .unwrap();
    String::from_utf8(octets).unwrap()
}

/// Every method, selection, prefix list, and element of the root that can be left out.
fn agree(text: &str) {
    let outline = outline(text);
    let tree = Document::parse(text.as_bytes(), &Limits::default()).unwrap();
    let frame = outline.frame().root();
    let children = frame.elements().zip(tree.root().elements());
    let omissions = children.filter(|(child, _)| !["list", "item"].contains(&child.local_name()));
    let omissions: Vec<_> =
        std::iter::once((None, None)).chain(omissions.map(|(a, b)| (Some(a), Some(b)))).collect();
    for method in METHODS {
        for inclusive_prefixes in [&[][..], &["p"], &["#default", "q"], &["p", "q", "", "z"]] {
            for whole in [false, true] {
                for &(omit, same) in &omissions {
                    let form = OutlineForm { method, inclusive_prefixes, whole, omit };
                    assert_eq!(
                        in_pieces(text, &outline, form),
                        at_once(tree.root(), form, same),
                        "{method:?} {inclusive_prefixes:?} {whole} {text}"
                    );
                }
            }
        }
    }
}

#[test]
fn what_is_round_a_piece_counts() {
    for text in [
        "<list/>",
        "<item xmlns='u' a='1'><b/></item>",
        // A binding that the output has, one that it has not, and one that hides another.
        "<list xmlns:p='u'><item><p:a/></item><item/></list>",
        "<p:list xmlns:p='u'><item xmlns:p='u'><p:a/></item><p:item/></p:list>",
        "<p:list xmlns:p='u'><list xmlns:p='v'><item><p:a/><a xmlns:p='u'><p:b/></a></item></list></p:list>",
        "<list xmlns='u'><list xmlns=''><item><a xmlns='u'/><a/></item></list><item/></list>",
        "<list xmlns='u'><p:list xmlns:p='w' xmlns=''><p:item><a/><a xmlns='u'/></p:item></p:list></list>",
        "<list xmlns:p='u' p:x='1'><list xmlns:q='u' q:x='1'><item p:y='1' q:z='2'/></list></list>",
        "<list xml:lang='de' xml:base='http://a/'><item xml:base='b'><a/></item></list>",
        // Comments and instructions everywhere, and an element beside that is left out.
        "<?a b?><!--c--><list><?d?><sig><item/></sig><item><!--e--><?f?></item><!--g--></list><!--h--><?i?>",
        "\u{feff}<?xml version='1.0'?>\r\n<list>\r\n<item a='\r\n&#13;&lt;'>\r\n&gt;&amp;</item>\r</list>",
    ] {
        agree(text);
    }
}

#[test]
fn a_piece_that_does_not_parse_is_told_by_its_place() {
    let text = b"<list><item/><item>&no;</item></list>";
    let limits = Limits::default();
    let outline = Outline::read(text, "list", "item", &limits).unwrap();
    let form = OutlineForm { method: METHODS[0], inclusive_prefixes: &[], whole: true, omit: None };
    let error = outline.canonicalize(text.to_vec(), form, &limits, &mut |_| {}).unwrap_err();
    assert_eq!((error.code(), error.offset()), ("xml.reference", Some(19)));
}

#[test]
fn the_whole_has_one_budget() {
    let limits = Limits::default().with_canonical_bytes_factor(1).with_canonical_bytes_extra(0);
    let write = |text: &str| {
        let outline = Outline::read(text.as_bytes(), "list", "item", &limits).unwrap();
        let form = OutlineForm { method: METHODS[0], inclusive_prefixes: &[], whole: true, omit: None };
        let pieces = Limits::default();
        let result = outline.canonicalize(text.into(), form, &pieces, &mut |_| {});
        result.map(|octets| octets.len()).map_err(|error| error.code())
    };
    let text = format!("<list>{}</list>", "<item>&gt;</item>".repeat(100));
    assert_eq!(write(&text), Ok(text.len()));
    // Each quote becomes six bytes. No piece has too many of them by itself.
    let text = format!("<list>{}</list>", "<item a='\"\"\"\"'></item>".repeat(100));
    assert_eq!(write(&text), Err("xml.limit"));
}

/// A list, its content of this depth.
fn list() -> impl Strategy<Value = String> {
    let declarations = || {
        prop::collection::btree_set(
            prop::sample::select(vec![
                ("p", " xmlns:p='u'"),
                ("p", " xmlns:p='v'"),
                ("q", " xmlns:q='u'"),
                ("q", " xmlns:q='w&amp;'"),
                ("", " xmlns='u'"),
                ("", " xmlns=''"),
                ("", " xmlns='d'"),
                ("a", " a='1'"),
                ("l", " xml:lang='de'"),
                ("b", " xml:base='x/'"),
                ("x", " p:x='2'"),
            ]),
            0..4,
        )
        .prop_map(|chosen| {
            let mut names = std::collections::BTreeSet::new();
            chosen
                .into_iter()
                .filter(|(name, _)| names.insert(*name))
                .map(|(_, text)| text)
                .collect::<String>()
        })
    };
    let prefix = || prop::sample::select(vec!["", "p:", "q:"]);
    let leaf = prop::sample::select(vec!["", "t", "<!--c-->", "<?i d?>", "&lt;", "<![CDATA[x]]>"])
        .prop_map(str::to_owned);
    let content = leaf.prop_recursive(5, 40, 5, move |inner| {
        let name = prop::sample::select(vec!["item", "list", "list", "item", "other"]);
        (prefix(), name, declarations(), prop::collection::vec(inner, 0..5)).prop_map(
            |(prefix, name, declarations, content)| {
                format!("<{prefix}{name}{declarations}>{}</{prefix}{name}>", content.concat())
            },
        )
    });
    (prefix(), declarations(), prop::collection::vec(content, 0..5)).prop_map(
        |(prefix, declarations, content)| {
            let round = if declarations.contains("xmlns:p") { "" } else { " xmlns:p='r'" };
            let other = if declarations.contains("xmlns:q") { "" } else { " xmlns:q='s'" };
            format!("<{prefix}list{round}{other}{declarations}>{}</{prefix}list>", content.concat())
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pieces_and_whole_have_one_form(text in list()) {
        agree(&text);
    }
}
