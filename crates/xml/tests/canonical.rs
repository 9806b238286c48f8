//! The rules of the canonicalization methods, one by one.

#![expect(clippy::unwrap_used, reason = "a test may fail in any way")]

use vouchsafe_xml::{
    Canonicalization, Document, Limits, canonicalize, canonicalize_document, canonicalize_document_without,
};

const E: Canonicalization = Canonicalization::EXCLUSIVE;
const EC: Canonicalization = Canonicalization::EXCLUSIVE_WITH_COMMENTS;
const I: Canonicalization = Canonicalization::INCLUSIVE;
const IC: Canonicalization = Canonicalization::INCLUSIVE_WITH_COMMENTS;
const I11: Canonicalization = Canonicalization::INCLUSIVE_11;

fn parse(text: &str) -> Document {
    Document::parse(text.as_bytes(), &Limits::default()).unwrap()
}

const TAG: &str = r#"<a b="1" c="2" d="3" e="4" f="5" g="6" h="7"></a>"#;

/// Each row has the method, document, position, prefixes and canonical form.
const SUBTREES: &[(Canonicalization, &str, &str, &[&str], &str)] = &[
    // Characters.
    (E, "<a>&amp;&lt;&gt;\"'&#13;\t\n</a>", "/*", &[], "<a>&amp;&lt;&gt;\"'&#xD;\t\n</a>"),
    (
        E,
        "<a b='&amp;&lt;>&quot;&apos;&#13;&#9;&#10; \t'/>",
        "/*",
        &[],
        "<a b=\"&amp;&lt;>&quot;'&#xD;&#x9;&#xA;  \"></a>",
    ),
    (E, "<a><![CDATA[<&>]]></a>", "/*", &[], "<a>&lt;&amp;&gt;</a>"),
    (E, "<a  b = '1'\n/>", "/*", &[], "<a b=\"1\"></a>"),
    (E, "<a><?p   x?><?q?></a>", "/*", &[], "<a><?p x?><?q?></a>"),
    (E, "<a>x<!-- y -->z</a>", "/*", &[], "<a>xz</a>"),
    (EC, "<a>x<!-- &amp; -->z</a>", "/*", &[], "<a>x<!-- &amp; -->z</a>"),
    // A tag has one spelling, whatever the spelling in the source is.
    (E, "<a b='1' c=\"2\"  d=\"3\"\te=\"4\" f =\"5\" g= \"6\" h=\"7\" ></a >", "/*", &[], TAG),
    (E, "<a b=\"1\" c=\"2\" d=\"3\" e=\"4\" f=\"5\" g=\"6\" h=\"7\"/>", "/*", &[], TAG),
    (E, "<a h=\"7\" g=\"6\" f=\"5\" e=\"4\" d=\"3\" c=\"2\" b=\"1\"></a\n>", "/*", &[], TAG),
    (
        E,
        "<a b='\"' c='&#34;' d=\"'\" e=\"\"/>",
        "/*",
        &[],
        "<a b=\"&quot;\" c=\"&quot;\" d=\"'\" e=\"\"></a>",
    ),
    (E, "<a b=\"x\ty\" c=\"x\r\ny\" d=\"x&lt;\"></a>", "/*", &[], "<a b=\"x y\" c=\"x y\" d=\"x&lt;\"></a>"),
    // Order: no namespace first, then by namespace name, then by local name; declarations by prefix.
    (
        E,
        "<a z:b='1' y:a='2' b='3' a='4' y:B='5' xmlns:z='urn:1' xmlns:y='urn:2' xml:id='i'/>",
        "/*",
        &[],
        "<a xmlns:y=\"urn:2\" xmlns:z=\"urn:1\" a=\"4\" b=\"3\" xml:id=\"i\" z:b=\"1\" y:B=\"5\" y:a=\"2\"></a>",
    ),
    (
        I,
        "<a xmlns:b='1' xmlns='2' xmlns:B='3'/>",
        "/*",
        &[],
        "<a xmlns=\"2\" xmlns:B=\"3\" xmlns:b=\"1\"></a>",
    ),
    // Exclusive methods write the namespaces that are used, where they are used first.
    (
        E,
        "<p:a xmlns:p='u' xmlns:q='v'><q:b/><q:c p:x=''/></p:a>",
        "/*",
        &[],
        "<p:a xmlns:p=\"u\"><q:b xmlns:q=\"v\"></q:b><q:c xmlns:q=\"v\" p:x=\"\"></q:c></p:a>",
    ),
    (
        E,
        "<a xmlns='u'><b xmlns=''><c xmlns='u'/></b></a>",
        "/*",
        &[],
        "<a xmlns=\"u\"><b xmlns=\"\"><c xmlns=\"u\"></c></b></a>",
    ),
    (
        E,
        "<a xmlns='u'><p:b xmlns:p='v' xmlns=''><c/></p:b></a>",
        "/*",
        &[],
        "<a xmlns=\"u\"><p:b xmlns:p=\"v\"><c xmlns=\"\"></c></p:b></a>",
    ),
    (E, "<a xmlns='u'><b xmlns=''/></a>", "/*/*", &[], "<b></b>"),
    (
        E,
        "<p:a xmlns:p='u'><p:b xmlns:p='v'/><p:c/></p:a>",
        "/*",
        &[],
        "<p:a xmlns:p=\"u\"><p:b xmlns:p=\"v\"></p:b><p:c></p:c></p:a>",
    ),
    (E, "<a xmlns='u' xml:lang='en'><b c=''/></a>", "/*/*", &[], "<b xmlns=\"u\" c=\"\"></b>"),
    (E, "<p:a xmlns:p='u' p:b=''/>", "/*", &[], "<p:a xmlns:p=\"u\" p:b=\"\"></p:a>"),
    // Exclusive with a list.
    (
        E,
        "<a xmlns:p='u' xmlns:q='v' xmlns='w'><b xmlns=''><c xmlns:p='x'/></b></a>",
        "/*/*",
        &["p", "missing"],
        "<b xmlns:p=\"u\"><c xmlns:p=\"x\"></c></b>",
    ),
    (
        E,
        "<a xmlns='w'><p:b xmlns:p='u'/></a>",
        "/*/*",
        &["#default"],
        "<p:b xmlns=\"w\" xmlns:p=\"u\"></p:b>",
    ),
    (E, "<a xmlns='w'><p:b xmlns:p='u'/></a>", "/*/*", &["xml"], "<p:b xmlns:p=\"u\"></p:b>"),
    (E, "<a xmlns='w'><p:b xmlns:p='u'/></a>", "/*/*", &[""], "<p:b xmlns=\"w\" xmlns:p=\"u\"></p:b>"),
    (
        E,
        "<p:a xmlns='w' xmlns:p='u'><p:b xmlns=''/></p:a>",
        "/*",
        &["#default"],
        "<p:a xmlns=\"w\" xmlns:p=\"u\"><p:b xmlns=\"\"></p:b></p:a>",
    ),
    (I, "<a xmlns:p='u' xmlns:q='v'><b/></a>", "/*/*", &["p"], "<b xmlns:p=\"u\" xmlns:q=\"v\"></b>"),
    // Inclusive.
    (
        I,
        "<a xmlns='u' xmlns:p='v'><b xmlns='u'><c xmlns='' xmlns:p='w'/></b></a>",
        "/*/*",
        &[],
        "<b xmlns=\"u\" xmlns:p=\"v\"><c xmlns=\"\" xmlns:p=\"w\"></c></b>",
    ),
    (I, "<a xmlns='u'><b xmlns=''/></a>", "/*/*", &[], "<b></b>"),
    (I, "<a xmlns:xml='http://www.w3.org/XML/1998/namespace'/>", "/*", &[], "<a></a>"),
    (IC, "<a><b><!--x--></b></a>", "/*/*", &[], "<b><!--x--></b>"),
    // The attributes that the element inherits from its ancestors.
    (
        I,
        "<a xml:lang='en' xml:id='i' xml:base='x/' xml:other='o'><b xml:lang='de'><c xml:space='default' d=''/></b></a>",
        "/*/*/*",
        &[],
        "<c d=\"\" xml:base=\"x/\" xml:id=\"i\" xml:lang=\"de\" xml:other=\"o\" xml:space=\"default\"></c>",
    ),
    (I, "<a xml:lang='en'><b/></a>", "/*/*", &[], "<b xml:lang=\"en\"></b>"),
    (I, "<a xml:lang='en'><b c=''><d/></b></a>", "/*/*", &[], "<b c=\"\" xml:lang=\"en\"><d></d></b>"),
    (
        I,
        "<a xml:lang='en' xml:space='default'><b xml:lang='de' space='x'/></a>",
        "/*/*",
        &[],
        "<b space=\"x\" xml:lang=\"de\" xml:space=\"default\"></b>",
    ),
    (
        I11,
        "<a xml:lang='en' xml:id='i' xml:base='x/' xml:other='o'><b xml:lang='de'><c xml:space='default' d=''/></b></a>",
        "/*/*/*",
        &[],
        "<c d=\"\" xml:base=\"x/\" xml:lang=\"de\" xml:space=\"default\"></c>",
    ),
    (
        I11,
        "<a xml:base='x/'><b xml:base='y/'><c xml:base='../z'/></b></a>",
        "/*/*/*",
        &[],
        "<c xml:base=\"x/z\"></c>",
    ),
    (
        I11,
        "<a xml:base='x/'><b xml:base='y'/></a>",
        "/*",
        &[],
        "<a xml:base=\"x/\"><b xml:base=\"y\"></b></a>",
    ),
    (I11, "<a><b xml:base='y/../z'/></a>", "/*/*", &[], "<b xml:base=\"y/../z\"></b>"),
    (I11, "<a xml:base='x'><b xml:base=''/></a>", "/*/*", &[], "<b xml:base=\"x\"></b>"),
    (I11, "<a xml:base='x'><b xml:base='.'/></a>", "/*/*", &[], "<b></b>"),
];

#[test]
fn subtrees() {
    for &(method, text, position, prefixes, expected) in SUBTREES {
        let document = parse(text);
        let mut bytes = Vec::new();
        canonicalize(document.at(position).unwrap(), method, prefixes, None, &mut bytes).unwrap();
        assert_eq!(String::from_utf8(bytes).unwrap(), expected, "{} of {text}", method.uri());
    }
}

#[test]
fn documents() {
    for (method, text, expected) in [
        (I, "<?xml version='1.0'?>\n<?p x?>\n<!-- y --> <a/> <!-- z --><?q?>\n", "<?p x?>\n<a></a>\n<?q?>"),
        (IC, "<!-- y --> <a/> <!-- z --><?q?>\n", "<!-- y -->\n<a></a>\n<!-- z -->\n<?q?>"),
        (E, "\u{FEFF}<a/>\n", "<a></a>"),
    ] {
        let mut bytes = Vec::new();
        canonicalize_document(&parse(text), method, &[], &mut bytes).unwrap();
        assert_eq!(String::from_utf8(bytes).unwrap(), expected, "{text}");
    }
}

#[test]
fn one_element_is_left_out_with_everything_in_it() {
    let document = parse("<p:a xmlns:p='u'>1<q:s xmlns:q='v'><p:t/>x</q:s>2<p:b>3<c/></p:b></p:a>");
    let other = parse("<a><b/></a>");
    for (position, expected) in [
        ("/*/*[1]", "<p:a xmlns:p=\"u\">12<p:b>3<c></c></p:b></p:a>"),
        ("/*/*[2]/*[1]", "<p:a xmlns:p=\"u\">1<q:s xmlns:q=\"v\"><p:t></p:t>x</q:s>2<p:b>3</p:b></p:a>"),
        ("/*", ""),
    ] {
        let mut bytes = Vec::new();
        canonicalize(document.root(), E, &[], document.at(position), &mut bytes).unwrap();
        assert_eq!(String::from_utf8(bytes).unwrap(), expected, "{position}");
    }
    let signed = parse("<?p?><a>1<s/></a><!-- x -->");
    let mut bytes = Vec::new();
    canonicalize_document_without(&signed, E, &[], signed.at("/*/*").unwrap(), &mut bytes).unwrap();
    assert_eq!(bytes, b"<?p?>\n<a>1</a>");
    let mut bytes = Vec::new();
    canonicalize(other.root(), E, &[], Some(document.root()), &mut bytes).unwrap();
    assert_eq!(bytes, b"<a><b></b></a>", "an element of another document leaves nothing out");
}

#[test]
fn namespaces_from_outside_count_as_an_ancestors() {
    let outer = parse("<a xmlns:p='u' xmlns:q='v' xmlns='w'/>");
    let inner =
        Document::parse_in_scope(b"<p:b xmlns=''/>", &outer.root().scope(), &Limits::default()).unwrap();
    for (method, prefixes, expected) in [
        (E, &[][..], "<p:b xmlns:p=\"u\"></p:b>"),
        (E, &["q"][..], "<p:b xmlns:p=\"u\" xmlns:q=\"v\"></p:b>"),
        (I, &[][..], "<p:b xmlns:p=\"u\" xmlns:q=\"v\"></p:b>"),
    ] {
        let mut bytes = Vec::new();
        canonicalize(inner.root(), method, prefixes, None, &mut bytes).unwrap();
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    }
}

#[test]
fn methods_are_known_by_their_identifiers() {
    for method in [E, EC, I, IC, I11, Canonicalization::INCLUSIVE_11_WITH_COMMENTS] {
        assert_eq!(Canonicalization::from_uri(method.uri()), Some(method));
        assert!(!method.without_comments().uri().contains("Comments"));
        assert_eq!(method.is_exclusive(), method.uri().contains("exc-c14n"));
    }
    assert_eq!(Canonicalization::from_uri("http://www.w3.org/2001/10/xml-exc-c14n"), None);
    assert_eq!(Canonicalization::from_uri("HTTP://www.w3.org/2001/10/xml-exc-c14n#"), None);
}
