//! Trees against content models: each limit by itself, and random trees compared with a slower check of the same
//! table.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

use core::ops::ControlFlow;

use proptest::prelude::*;
use vouchsafe_xml::{
    AttributeUse, Child, Choice, Content, Document, Element, ElementType, Limits, Node, OtherAttributes,
    SchemaProblem, SchemaViolation, SimpleType, check, for_each_violation,
};

const N: &str = "urn:n";

static TEXT: ElementType = ElementType::text("TextType", SimpleType::String);
static URI: ElementType = ElementType::text("UriType", SimpleType::Uri);
static OPEN: ElementType = ElementType::open("OpenType");
static ANY: ElementType = ElementType::open("AnyType").with_other_attributes(OtherAttributes::Any);
static NODE: ElementType = ElementType::elements(
    "NodeType",
    &[
        Child::optional(N, "a", &TEXT),
        Child::optional(N, "b", &URI),
        Child::any(N, "node", &NODE),
        Child::optional(N, "open", &OPEN),
        Child::any(N, "any", &ANY),
    ],
)
.with_choices(&[Choice::at_most_one(0, 2)])
.with_attributes(&[
    AttributeUse::required("id", SimpleType::NcName),
    AttributeUse::optional("flag", SimpleType::Boolean),
    AttributeUse::optional("lang", SimpleType::String).in_namespace("http://www.w3.org/XML/1998/namespace"),
    AttributeUse::optional("left", SimpleType::Boolean).left_to("somebody else"),
])
.with_other_attributes(OtherAttributes::OfOtherNamespaces(N));

static PAIR: ElementType = ElementType::elements(
    "PairType",
    &[
        Child::one(N, "a", &TEXT),
        Child::some(N, "b", &URI),
        Child::any(N, "c", &OPEN),
        Child::any(N, "d", &OPEN),
    ],
)
.with_choices(&[Choice::one(2, 2)]);

fn parsed(xml: &str) -> Document {
    Document::parse(xml.as_bytes(), &Limits::default()).unwrap()
}

fn first(xml: &str, element_type: &'static ElementType) -> String {
    check(parsed(xml).root(), element_type).map_or_else(|violation| violation.to_string(), |()| String::new())
}

fn all(element: Element<'_>, element_type: &'static ElementType) -> Vec<SchemaViolation> {
    let mut found = Vec::new();
    for_each_violation(element, element_type, &mut |violation| {
        found.push(violation);
        ControlFlow::Continue(())
    });
    found
}

#[test]
fn each_bound_by_itself() {
    let node = |inner: &str| format!("<node xmlns='{N}' id='x'>{inner}</node>");
    let cases: [(String, &str); 27] = [
        (node(""), ""),
        (node(" \n\t<a/> "), ""),
        (node("<!-- c --><?p i?><b>urn:x</b>"), ""),
        (node("text"), "/node (NodeType): there is text where only elements are allowed"),
        (node("<![CDATA[t]]>"), "/node (NodeType): there is text where only elements are allowed"),
        (node("&#160;"), "/node (NodeType): there is text where only elements are allowed"),
        (node("<a/><a/>"), "/node (NodeType): a occurs more than once"),
        (node("<a/><b>x</b>"), "/node (NodeType): a or b occurs more than once"),
        (node("<b/>"), "/node/b (UriType): expected a URI that is not empty, found no text"),
        (node("<b> <!-- x --> </b>"), "/node/b (UriType): expected a URI that is not empty, found no text"),
        (node("<b> <!-- x -->y</b>"), ""),
        (
            node("<a>t<x/></a>"),
            "/node/a (TextType): the element “x” of the namespace “urn:n” is not allowed here",
        ),
        (node("<a z='1'/>"), "/node/a (TextType): the attribute “z” is not allowed here"),
        (
            node("<node id='1y'/>"),
            "/node/node[1] (NodeType): the attribute id: expected an identifier (xs:NCName), found “1y”",
        ),
        (
            node("<node id='y'/><node id='z'><node/></node>"),
            "/node/node[2]/node[1] (NodeType): the attribute id is missing",
        ),
        (
            node("<x:a xmlns:x='urn:other'/>"),
            "/node (NodeType): the element “a” of the namespace “urn:other” is not allowed here",
        ),
        (node("<a xmlns=''/>"), "/node (NodeType): the element “a” of the namespace “” is not allowed here"),
        (node("<A/>"), "/node (NodeType): the element “A” of the namespace “urn:n” is not allowed here"),
        (node("<open>text<x/><node/></open>"), ""),
        (node("<open x='1'/>"), "/node/open (OpenType): the attribute “x” is not allowed here"),
        (node("<open/><open/>"), "/node (NodeType): open occurs more than once"),
        (node("<any x='1' y:z='2' xmlns:y='urn:y'/><any/>"), ""),
        (node("").replace("id=", "xml:lang='en' flag='1' left='perhaps' o:any='x' xmlns:o='urn:o' id="), ""),
        (
            node("").replace("id=", "flag='yes' id="),
            "/node (NodeType): the attribute flag: expected true or false, found “yes”",
        ),
        (
            node("").replace("id=", "lang='en' id="),
            "/node (NodeType): the attribute “lang” is not allowed here",
        ),
        (
            node("").replace("id=", "n:own='x' xmlns:n='urn:n' id="),
            "/node (NodeType): the attribute “own” of the namespace “urn:n” is not allowed here",
        ),
        (
            node("").replace("id=", "o:id='x' xmlns:o='urn:o' x="),
            "/node (NodeType): the attribute “x” is not allowed here",
        ),
    ];
    for (xml, expected) in cases {
        assert_eq!(first(&xml, &NODE), expected, "{xml}");
    }
}

#[test]
fn lower_bounds_are_told_where_the_element_ends() {
    let pair = |inner: &str| format!("<p xmlns='{N}'>{inner}</p>");
    let cases = [
        (pair("<d/><b>x</b><a/>"), ""),
        (pair("<a/><b>x</b><b>y</b><c/>"), ""),
        (pair("<b>x</b><c/>"), "/p (PairType): a is missing"),
        (pair("<a/><c/>"), "/p (PairType): b is missing"),
        (pair("<a/><b>x</b>"), "/p (PairType): c or d is missing"),
        (pair("<a/><b>x</b><c/><d/>"), "/p (PairType): c or d occurs more than once"),
        (pair("<a/><b>x</b><d/><d/>"), "/p (PairType): c or d occurs more than once"),
        (pair("<x/>"), "/p (PairType): the element “x” of the namespace “urn:n” is not allowed here"),
        (pair("<a/><b>x</b><b/><c/>"), "/p/b[2] (UriType): expected a URI that is not empty, found no text"),
    ];
    for (xml, expected) in cases {
        assert_eq!(first(&xml, &PAIR), expected, "{xml}");
    }
    assert!(PAIR.allows(&[1, 1, 0, 1]) && PAIR.allows(&[1, 9, 1, 0]));
    for wrong in [[0, 1, 1, 0], [1, 0, 1, 0], [1, 1, 0, 0], [1, 1, 1, 1], [2, 1, 1, 0]] {
        assert!(!PAIR.allows(&wrong), "{wrong:?}");
    }
    assert!(!PAIR.allows(&[]));
}

#[test]
fn the_check_begins_and_ends_at_the_element() {
    let document =
        parsed(&format!("<x><node xmlns='{N}' id='a'><node id='b'><a/></node></node><a/>text</x>"));
    let inner = document.at("/*/*[1]/*[1]").unwrap();
    assert_eq!(all(inner, &NODE), []);
    assert_eq!(all(document.at("/*/*[1]").unwrap(), &NODE), []);
    let paths: Vec<String> = all(document.root(), &NODE).iter().map(|one| one.path().to_owned()).collect();
    assert_eq!(paths, ["/x", "/x", "/x"], "an id, a child of no namespace and a text");
}

#[test]
fn what_is_not_allowed_is_not_looked_into() {
    let document = parsed(&format!("<node xmlns='{N}' id='a'><x><node/><a/><a/>text</x><node/></node>"));
    let found = all(document.root(), &NODE);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(matches!(found[0].problem(), SchemaProblem::UnexpectedElement { name, .. } if name == "x"));
    assert!(matches!(found[1].problem(), SchemaProblem::MissingAttribute { name: "id", .. }));
    assert_eq!((found[1].path(), found[1].schema_type()), ("/node/node[1]", "NodeType"));
}

#[test]
fn a_repeated_child_is_told_once() {
    let many = "<open/>".repeat(1000);
    let found = all(parsed(&format!("<node xmlns='{N}' id='a'>{many}</node>")).root(), &NODE);
    assert_eq!(found.len(), 1, "{}", found.len());
}

/// The document has the largest depth: no function recurses.
#[test]
fn depth_costs_no_stack() {
    let depth = 200_000;
    let xml = format!(
        "<node xmlns='{N}' id='a'>{}{}</node>",
        "<node id='a'>".repeat(depth),
        "</node>".repeat(depth)
    );
    let limits = Limits::default().with_depth(depth + 2).with_nodes(10_000_000).with_input_bytes(xml.len());
    let document = Document::parse(xml.as_bytes(), &limits).unwrap();
    assert_eq!(check(document.root(), &NODE), Ok(()));
}

/// Names from a message are quoted and cut.
#[test]
fn nothing_is_shown_as_it_came() {
    let xml = format!("<node xmlns='{N}' id='a'><a xmlns='urn:\u{202e}{}'/></node>", "x".repeat(900));
    let text = first(&xml, &NODE);
    assert!(!text.contains('\u{202e}') && text.len() < 700, "{text}");
}

/// Counts the violations with a slower check of the same table, recursive and child by child.
fn count(element: Element<'_>, of: &'static ElementType) -> usize {
    let mut found = 0;
    for attribute in element.attributes() {
        let known = of
            .attributes()
            .iter()
            .find(|known| known.name() == attribute.local_name && known.namespace() == attribute.namespace);
        let fits = match known {
            Some(known) => known.deviation().is_some() || known.simple_type().accepts(attribute.value),
            None => match of.other_attributes() {
                OtherAttributes::Any => true,
                OtherAttributes::OfOtherNamespaces(own) => !["", own].contains(&attribute.namespace),
                _ => false,
            },
        };
        found += usize::from(!fits);
    }
    let required = of.attributes().iter().filter(|known| known.is_required());
    found += required.filter(|known| element.attribute_in(known.namespace(), known.name()).is_none()).count();
    if matches!(of.content(), Content::Open) {
        return found;
    }
    if let Content::Text(simple) = of.content() {
        found += usize::from(!simple.accepts(&element.text()));
    }
    let mut counts = vec![0_u32; of.children().len()];
    for child in element.children() {
        match child {
            Node::Text(text) => {
                found += usize::from(
                    !matches!(of.content(), Content::Text(_)) && !text.trim_matches([' ', '\n']).is_empty(),
                );
            }
            Node::Element(child) => {
                match of.children().iter().position(|known| child.is(known.namespace(), known.name())) {
                    Some(place) => {
                        counts[place] += 1;
                        found += count(child, of.children()[place].element_type());
                    }
                    None => found += 1,
                }
            }
            _ => {}
        }
    }
    // The limits of NODE, the only type here with children: a, b and open at most once, a and b not together.
    if !of.allows(&counts) {
        let (a, b, open) = (counts[0], counts[1], counts[3]);
        found += usize::from(a > 1) + usize::from(b > 1) + usize::from(open > 1) + usize::from(a + b > 1);
    }
    found
}

/// Makes elements and attributes of the table and others, some of them in an allowed place.
fn tree() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        4 => Just("node"), 1 => Just("a"), 1 => Just("b"), 1 => Just("open"), 1 => Just("any"), 1 => Just("o:node"), 1 => Just("x"),
    ];
    let attributes = prop_oneof![
        6 => Just(" id='i'"), 1 => Just(""), 1 => Just(" id='1'"), 1 => Just(" id='i' flag='true' o:x=''"), 1 => Just(" id='i' x=''"),
    ];
    let text = prop_oneof![4 => Just(""), 1 => Just("t"), 2 => Just(" \n"), 1 => Just("<!--c-->"), 1 => Just("<?p?>")];
    let leaf = (name.clone(), attributes.clone(), text.clone())
        .prop_map(|(name, attributes, text)| format!("<{name}{attributes}>{text}</{name}>"));
    leaf.prop_recursive(5, 40, 6, move |inner| {
        (name.clone(), attributes.clone(), text.clone(), prop::collection::vec(inner, 0..6)).prop_map(
            |(name, attributes, text, children)| {
                format!("<{name}{attributes}>{text}{}</{name}>", children.concat())
            },
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_pass_finds_what_a_slower_reading_finds(inner in prop::collection::vec(tree(), 0..5)) {
        let document = parsed(&format!("<node xmlns='{N}' xmlns:o='urn:o' id='r'>{}</node>", inner.concat()));
        let found = all(document.root(), &NODE);
        prop_assert_eq!(found.len(), count(document.root(), &NODE), "{:?}", found);
        prop_assert_eq!(check(document.root(), &NODE).err(), found.into_iter().next());
    }
}

#[test]
fn a_path_counts_what_is_there_twice() {
    let document = parsed(r#"<node xmlns="urn:n" id="a"><b>urn:x</b><b/></node>"#);
    let paths: Vec<String> = all(document.root(), &NODE).iter().map(|one| one.path().to_owned()).collect();
    assert_eq!(paths, ["/node", "/node/b[2]", "/node"], "one too many, its own text, and a choice");
    let document = parsed(r#"<node xmlns="urn:n" id="a"><b/></node>"#);
    assert_eq!(check(document.root(), &NODE).unwrap_err().path(), "/node/b");
    let left = AttributeUse::optional("left", SimpleType::Boolean).left_to("somebody else");
    assert_eq!(left.deviation(), Some("somebody else"));
}
