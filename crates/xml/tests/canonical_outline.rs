//! The canonical form written from an outline equals the form of the whole tree.
#![expect(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "a test may fail in any way")]

use proptest::prelude::*;
use vouchsafe_xml::{
    CanonicalOutline, Canonicalization, Document, Element, Limits, Outline, OutlineForm, OutlineWatch,
    XmlError, canonicalize, canonicalize_document, canonicalize_document_without,
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

/// Writes the form in pieces: in one pass where possible, or with a tree for each.
fn written(
    text: &str,
    outline: &Outline,
    form: OutlineForm<'_>,
    trees: bool,
) -> Result<CanonicalOutline, XmlError> {
    let (mut seen, mut bytes) = (0, Vec::new());
    let watch = OutlineWatch {
        sought: trees.then_some(""),
        piece: &mut |_| seen += 1,
        bytes: &mut |more| bytes.extend_from_slice(more),
    };
    let written = outline.canonicalize(text.into(), form, &Limits::default(), watch)?;
    if form.omit.is_none() && trees {
        assert_eq!(seen, outline.pieces().len(), "{text}");
    }
    assert_eq!(bytes, written.bytes(), "{text}");
    Ok(written)
}

/// Writes the form in pieces, without the element. The outline of the form equals the one that is read from it.
fn in_pieces(text: &str, outline: &Outline, form: OutlineForm<'_>, trees: bool) -> String {
    let limits = Limits::default();
    let (bytes, of_form) = written(text, outline, form, trees).unwrap().into_outline(&limits).unwrap();
    let read = Outline::read(&bytes, "list", "item", &limits).unwrap();
    assert_eq!(format!("{of_form:?}"), format!("{read:?}"), "{text}");
    String::from_utf8(bytes).unwrap()
}

/// Writes the form of the whole tree, without the element.
fn at_once(root: Element<'_>, form: OutlineForm<'_>, omit: Option<Element<'_>>) -> String {
    let mut bytes = Vec::new();
    let OutlineForm { method, inclusive_prefixes: list, .. } = form;
    match (form.whole, omit) {
        (false, omit) => canonicalize(root, method, list, omit, &mut bytes),
        (true, None) => canonicalize_document(root.document(), method, list, &mut bytes),
        (true, Some(omit)) => canonicalize_document_without(root.document(), method, list, omit, &mut bytes),
    }
    .unwrap();
    String::from_utf8(bytes).unwrap()
}

/// Compares the forms for every method, selection, prefix list, and element of the root that can be left out.
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
                    for trees in [false, true] {
                        assert_eq!(
                            in_pieces(text, &outline, form, trees),
                            at_once(tree.root(), form, same),
                            "{method:?} {inclusive_prefixes:?} {whole} {trees} {text}"
                        );
                    }
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
        // The bindings are: one that the output has, one that it does not have, and one that hides another.
        "<list xmlns:p='u'><item><p:a/></item><item/></list>",
        "<p:list xmlns:p='u'><item xmlns:p='u'><p:a/></item><p:item/></p:list>",
        "<p:list xmlns:p='u'><list xmlns:p='v'><item><p:a/><a xmlns:p='u'><p:b/></a></item></list></p:list>",
        "<list xmlns='u'><list xmlns=''><item><a xmlns='u'/><a/></item></list><item/></list>",
        "<list xmlns='u'><p:list xmlns:p='w' xmlns=''><p:item><a/><a xmlns='u'/></p:item></p:list></list>",
        "<list xmlns:p='u' p:x='1'><list xmlns:q='u' q:x='1'><item p:y='1' q:z='2'/></list></list>",
        "<list xml:lang='de' xml:base='http://a/'><item xml:base='b'><a/></item></list>",
        // There are comments and instructions everywhere, and an element next to the pieces that is left out.
        "<?a b?><!--c--><list><?d?><sig><item/></sig><item><!--e--><?f?></item><!--g--></list><!--h--><?i?>",
        // Some of these pieces are written in one pass, the others need a tree.
        "<list xmlns:p='u'><item xmlns:p=\"v\" p:b=\"1\" a=\"2\"  c=\"3\" ><p:a p:x=\"1\"/>t&amp;&lt;u<b  /></item ></list>",
        "<list xmlns:p='u' xmlns:q='v'><item q:a=\"1\" p:a=\"2\" a=\"é\"><é>ü</é></item><item é=\"1\"/></list>",
        "<p:list xmlns:p='u' xmlns:q='u'><q:item xmlns=\"w\" xmlns:z=\"z\"><z:a><a xmlns=\"\"/></z:a><a/></q:item></p:list>",
        "<list xmlns:p='u&amp;'><item><p:a/></item></list>",
        "<list><item xmlns:xml=\"http://www.w3.org/XML/1998/namespace\" xml:lang=\"de\" b=\"1\"><xml:a/></item></list>",
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
    let error = written(core::str::from_utf8(text).unwrap(), &outline, form, false).unwrap_err();
    assert_eq!((error.code(), error.offset()), ("xml.reference", Some(19)));
}

#[test]
fn the_whole_has_one_budget() {
    let limits = Limits::default().with_canonical_bytes_factor(1).with_canonical_bytes_extra(0);
    let write = |text: &str| {
        let outline = Outline::read(text.as_bytes(), "list", "item", &limits).unwrap();
        let form = OutlineForm { method: METHODS[0], inclusive_prefixes: &[], whole: true, omit: None };
        let result = written(text, &outline, form, false);
        result.map(|form| form.bytes().len()).map_err(|error| error.code())
    };
    let text = format!("<list>{}</list>", "<item>&gt;</item>".repeat(100));
    assert_eq!(write(&text), Ok(text.len()));
    // Each quote becomes six bytes. No piece exceeds the limit by itself.
    let text = format!("<list>{}</list>", "<item a='\"\"\"\"'></item>".repeat(100));
    assert_eq!(write(&text), Err("xml.limit"));
}

/// Makes a list whose content has this depth.
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

    /// However a list is changed: it can be read in pieces if and only if it can be read as a whole, and the
    /// canonical form is the same.
    #[test]
    fn a_spoilt_list_is_refused_like_a_whole(
        text in list(),
        place in any::<prop::sample::Index>(),
        with in prop::sample::select(vec![
            "", "<", ">", "&", "\"", "'", " ", "\t", "\n", "\r", "/", "=", ":", "x", "]]>", "&gt;", "&apos;", "<a b=\"1\"/>",
            " b=\"1\"", " p:a=\"1\" q:a=\"1\"", "\u{0}", "\u{FFFE}", "é", "<!-- -->", " xmlns:r=\"\"", " xmlns=\"w\"",
        ]),
        doubled in any::<bool>(),
    ) {
        let text = if doubled { text.replace('\'', "\"") } else { text };
        let place = place.index(text.len() + 1);
        let (before, after) = text.split_at(text.floor_char_boundary(place));
        let rest: String = after.chars().skip(usize::from(with.is_empty())).collect();
        let text = format!("{before}{with}{rest}");
        let tree = Document::parse(text.as_bytes(), &Limits::default());
        let outline = Outline::read(text.as_bytes(), "list", "item", &Limits::default());
        for method in [METHODS[0], METHODS[2]] {
            let form = OutlineForm { method, inclusive_prefixes: &["p"], whole: true, omit: None };
            let in_pieces = outline.as_ref().map_err(ToString::to_string).and_then(|outline| {
                written(&text, outline, form, false).map_err(|error| error.to_string())
            });
            match &tree {
                Ok(tree) => {
                    let bytes = in_pieces.map(CanonicalOutline::into_bytes);
                    let bytes = bytes.map(|bytes| String::from_utf8(bytes).unwrap());
                    prop_assert_eq!(bytes, Ok(at_once(tree.root(), form, None)), "{}", text);
                }
                Err(error) => prop_assert!(in_pieces.is_err(), "{text}: {error}"),
            }
        }
    }
}
