//! A handle describes its own element and no other one.

#![expect(clippy::unwrap_used, reason = "a test may fail in any way")]

use vouchsafe_xml::{Canonicalization, Document, Limits, canonicalize_document};

fn parse(text: &str) -> Document {
    Document::parse(text.as_bytes(), &Limits::default()).unwrap()
}

#[test]
fn an_element_is_what_both_halves_of_its_name_say() {
    let document = parse("<p:a xmlns:p='u' xmlns:q='v'><q:a/><p:b/><ab/></p:a>");
    let names = [("u", "a"), ("v", "a"), ("u", "b"), ("", "ab")];
    for (position, element) in document.elements().enumerate() {
        for (other, (namespace, local_name)) in names.into_iter().enumerate() {
            assert_eq!(element.is(namespace, local_name), position == other, "{element:?} {local_name}");
        }
        for (namespace, local_name) in [("", "a"), ("u", ""), ("u", "p:a"), ("u", "x"), ("u", "ax")] {
            assert!(!element.is(namespace, local_name), "{element:?} {local_name}");
        }
    }
}

#[test]
fn an_attribute_is_found_by_both_halves_of_its_name() {
    let document = parse("<a xmlns:p='u' p:x='1' y='2' xz='3'/>");
    let root = document.root();
    for (namespace, local_name, value) in [
        ("u", "x", Some("1")),
        ("", "y", Some("2")),
        ("", "xz", Some("3")),
        ("", "x", None),
        ("u", "y", None),
        ("", "z", None),
        ("", "p:x", None),
    ] {
        assert_eq!(root.attribute_in(namespace, local_name), value, "{{{namespace}}}{local_name}");
    }
}

#[test]
fn children_end_with_their_parent() {
    let document = parse("<a><b/><c><d/></c><e/>text</a>");
    let names = |path: &str| -> Vec<&str> {
        document.at(path).unwrap().elements().map(|child| child.local_name()).collect()
    };
    assert_eq!(names("/*"), ["b", "c", "e"]);
    assert_eq!(names("/*/*[2]"), ["d"]);
    for empty in ["/*/*[1]", "/*/*[2]/*", "/*/*[3]"] {
        assert_eq!(document.at(empty).unwrap().children().count(), 0, "{empty}");
    }
}

#[test]
fn attributes_of_all_elements_are_listed_and_found_by_value() {
    let document = parse("<a x='1'><b y='2' z='11'/><c x='1'/></a>");
    let all: Vec<&str> = document.attributes().map(|attribute| attribute.value).collect();
    assert_eq!(all, ["1", "2", "11", "1"]);
    for (value, names) in [("1", &["x", "x"][..]), ("2", &["y"]), ("11", &["z"]), ("12", &[]), ("", &[])] {
        let found: Vec<&str> =
            document.attributes_with_value(value).map(|attribute| attribute.local_name).collect();
        assert_eq!(found, names, "{value}");
    }
}

#[test]
fn a_value_of_one_special_character_is_escaped() {
    for (written, canonical) in [
        ("&amp;", "&amp;"),
        ("&lt;", "&lt;"),
        ("&quot;", "&quot;"),
        ("&#9;", "&#x9;"),
        ("&#10;", "&#xA;"),
        ("&#13;", "&#xD;"),
    ] {
        let mut bytes = Vec::new();
        let document = parse(&format!("<a b=\"{written}\"/>"));
        canonicalize_document(&document, Canonicalization::EXCLUSIVE, &[], &mut bytes).unwrap();
        assert_eq!(String::from_utf8(bytes).unwrap(), format!("<a b=\"{canonical}\"></a>"));
    }
}
