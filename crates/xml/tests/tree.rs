//! The content of the tree of a text.

#![expect(clippy::unwrap_used, reason = "a test may fail in any way")]

use vouchsafe_xml::{Document, Limits, NamespaceScope, Node, Writer, namespace};

fn parse(text: &str) -> Document {
    Document::parse(text.as_bytes(), &Limits::default()).unwrap()
}

#[test]
fn text_is_what_the_specification_makes_of_it() {
    for (text, expected) in [
        ("<a/>", ""),
        ("<a>x</a>", "x"),
        ("<a>&lt;&gt;&amp;&quot;&apos;&#65;&#x42;</a>", "<>&\"'AB"),
        ("<a>x&#13;&#10;y</a>", "x\r\ny"),
        ("<a>1\r\n2\r3\n4\r\r\n5\r</a>", "1\n2\n3\n4\n\n5\n"),
        ("<a>1\r&#10;2</a>", "1\n\n2"),
        ("<a><![CDATA[<b>&amp;\r\n]]></a>", "<b>&amp;\n"),
        ("<a>x<![CDATA[]]>y<![CDATA[z]]></a>", "xyz"),
        ("<a>admin@example.com<!-- x -->.evil.example</a>", "admin@example.com.evil.example"),
        ("<a>x<?p y?>z</a>", "xz"),
        ("<a>x<b>y</b>z</a>", "xz"),
        ("<a><b>y</b></a>", ""),
    ] {
        assert_eq!(parse(text).root().text(), expected, "{text:?}");
    }
}

#[test]
fn neighbouring_text_is_one_node() {
    let document = parse("<a>x&amp;<![CDATA[y]]>z<b/><![CDATA[]]><c/><![CDATA[u]]>v<!--w--></a>");
    let texts: Vec<&str> = document
        .root()
        .children()
        .filter_map(|node| if let Node::Text(text) = node { Some(text) } else { None })
        .collect();
    assert_eq!(texts, ["x&yz", "uv"]);
}

#[test]
fn attribute_values_are_normalised() {
    for (written, expected) in [
        ("x", "x"),
        ("", ""),
        ("a\tb\nc\rd\r\ne", "a b c d e"),
        ("&#9;&#10;&#13;&#xD;&#xA;", "\t\n\r\r\n"),
        (" a  b ", " a  b "),
        ("&lt;&amp;&#38;lt;", "<&&lt;"),
        ("\r\r\n\n", "   "),
    ] {
        let document = parse(&format!("<a b='{written}'/>"));
        assert_eq!(document.root().attribute("b"), Some(expected), "{written:?}");
    }
}

#[test]
fn line_ends_of_comments_and_instructions_are_normalised() {
    let document = parse("<a><!--1\r\n2\r--><?p 1\r\n2?><?q\r\n?></a>");
    let children: Vec<Node<'_>> = document.root().children().collect();
    assert!(matches!(children.first(), Some(Node::Comment("1\n2\n"))));
    assert!(matches!(children.get(1), Some(Node::ProcessingInstruction { target: "p", data: "1\n2", .. })));
    assert!(matches!(children.get(2), Some(Node::ProcessingInstruction { target: "q", data: "", .. })));
}

#[test]
fn namespaces_follow_their_declarations() {
    let document = parse(
        "<p:a xmlns:p='urn:p' xmlns='urn:d' x='1' p:x='2' xml:lang='en'><b xmlns='' xmlns:p='urn:&#113;'><p:c/></b><d/></p:a>",
    );
    let a = document.root();
    let names: Vec<(&str, &str, &str)> = document
        .elements()
        .map(|element| (element.namespace(), element.prefix(), element.local_name()))
        .collect();
    assert_eq!(names, [("urn:p", "p", "a"), ("", "", "b"), ("urn:q", "p", "c"), ("urn:d", "", "d")]);
    assert_eq!(a.qualified_name(), "p:a");
    assert_eq!((a.attribute("x"), a.attribute_in("urn:p", "x")), (Some("1"), Some("2")));
    assert_eq!(a.attribute_in(namespace::XML, "lang"), Some("en"));
    assert_eq!((a.attribute("lang"), a.attribute("xmlns"), a.attributes().count()), (None, None, 3));
    let c = document.at("/*/*/*[1]").unwrap();
    assert_eq!((c.namespace_of("p"), c.namespace_of(""), c.namespace_of("q")), (Some("urn:q"), None, None));
    assert_eq!(a.namespace_of("xml"), Some(namespace::XML));
    let declared = parse("<a xmlns:xml='http://www.w3.org/XML/1998/namespace' xmlns='urn:d'/>");
    assert_eq!(["xml", ""].map(|p| declared.root().namespace_of(p)), [Some(namespace::XML), Some("urn:d")]);
    assert_eq!(c.scope().bindings().collect::<Vec<_>>(), [("p", "urn:q")]);
    assert_eq!(a.scope().bindings().collect::<Vec<_>>(), [("p", "urn:p"), ("", "urn:d")]);
}

#[test]
fn a_scope_holds_what_was_bound_last() {
    let scope = NamespaceScope::empty().bind("p", "urn:p").unwrap().bind("", "urn:d").unwrap();
    let of = |scope: &NamespaceScope, prefix: &str| scope.namespace_of(prefix).map(str::to_owned);
    assert_eq!(
        ["p", "", "q"].map(|prefix| of(&scope, prefix)),
        [Some("urn:p".to_owned()), Some("urn:d".to_owned()), None]
    );
    let scope = scope.bind("p", "urn:q").unwrap().bind("", "").unwrap().bind("xml", namespace::XML).unwrap();
    assert_eq!(scope.bindings().collect::<Vec<_>>(), [("p", "urn:q")]);
}

#[test]
fn many_prefixes_are_told_apart() {
    let declarations: String = (0..60).map(|n| format!(" xmlns:p{n}='urn:{n}' p{n}:x='{n}'")).collect();
    let document = parse(&format!("<a{declarations}><p59:b/></a>"));
    for n in 0..60 {
        let value = document.root().attribute_in(&format!("urn:{n}"), "x");
        assert_eq!(value, Some(n.to_string().as_str()));
    }
    assert!(document.at("/*/*").unwrap().is("urn:59", "b"));
}

#[test]
fn logs_show_names_and_nothing_of_the_content() {
    let document = parse("<p:ab xmlns:p='u' c='secret'>secret</p:ab>");
    let (element, whole) = (format!("{:?}", document.root()), format!("{document:?}"));
    assert!(element.contains("ab") && whole.contains("p:ab"), "{element} {whole}");
    assert!(!element.contains("secret") && !whole.contains("secret"), "{element} {whole}");
}

/// Prefixes and namespace names that differ in one place or in their length are different, and equal ones are found
/// again.
#[test]
fn names_that_look_alike_are_told_apart() {
    for (one, other) in [
        ("a", "b"),
        ("a", "aa"),
        ("ab", "cb"),
        ("ab", "ac"),
        ("abcde", "xbcde"),
        ("abcdefgh", "xbcdefgh"),
        ("abcdefgh", "aabcdefgh"),
        ("aabcdefgh", "xabcdefgh"),
        ("one-of-abcdefgh", "two-of-abcdefgh"),
        ("abcdefgh-one", "abcdefgh-two"),
    ] {
        let document = parse(&format!(
            "<a xmlns:{one}='1' xmlns:{other}='2' {one}:x='3' {other}:x='4'><{one}:b/><{other}:b/></a>"
        ));
        let root = document.root();
        assert_eq!((root.attribute_in("1", "x"), root.attribute_in("2", "x")), (Some("3"), Some("4")));
        assert_eq!(root.attributes().count(), 2, "{one} {other}");
        let children: Vec<_> = root.elements().map(|child| (child.prefix(), child.namespace())).collect();
        assert_eq!(children, [(one, "1"), (other, "2")]);

        let document = parse(&format!("<a xmlns:p='{one}' xmlns:q='{other}' p:x='3' q:x='4'><q:b/></a>"));
        let root = document.root();
        assert_eq!((root.attribute_in(one, "x"), root.attribute_in(other, "x")), (Some("3"), Some("4")));
        assert!(document.at("/*/*").unwrap().is(other, "b"));
        let twice = format!("<a xmlns:p='{one}' xmlns:o='{other}' xmlns:q='{one}' p:x='' q:x=''/>");
        let refused = Document::parse(twice.as_bytes(), &Limits::default()).unwrap_err();
        assert_eq!(refused.code(), "xml.duplicate_attribute");
    }
}

#[test]
fn positions_lead_back() {
    let document = parse("<a>x<b/><!-- --><b><c/>y<c><d/></c></b></a>");
    for element in document.elements() {
        let position = element.position();
        assert_eq!(document.at(&position), Some(element), "{position}");
    }
    let d = document.at("/*/*[2]/*[2]/*").unwrap();
    assert_eq!((d.local_name(), d.depth(), d.position().as_str()), ("d", 3, "/*/*[2]/*[2]/*[1]"));
    assert_eq!(d.parent().and_then(|c| c.parent()), document.at("/*[1]/*[2]"));
    assert!(document.root().contains(d) && !d.contains(document.root()) && d.contains(d));
    for nothing in ["", "/", "*", "/*/*[3]", "/*[2]", "/*/*[0]", "/*/b", "/*/*[-1]", "/*/*[2]/"] {
        assert_eq!(document.at(nothing), None, "{nothing}");
    }
}

#[test]
fn elements_know_where_they_stand() {
    for mark in ["", "\u{FEFF}"] {
        let text = format!("{mark}<!-- x --><a>é&amp;<b c='>'/><p:d xmlns:p='u'><e></e ></p:d\n>\r\n</a> ");
        let document = parse(&text);
        let found: Vec<&str> =
            document.elements().map(|element| text.get(element.source_range()).unwrap()).collect();
        let a = text.trim_start_matches(mark).trim_start_matches("<!-- x -->").trim_end();
        assert_eq!(found, [a, "<b c='>'/>", "<p:d xmlns:p='u'><e></e ></p:d\n>", "<e></e >"]);
    }
}

#[test]
fn elements_are_the_same_only_in_one_document() {
    let (one, other) = (parse("<a/>"), parse("<a/>"));
    assert_eq!(one.root(), one.root());
    assert_ne!(one.root(), other.root());
}

#[test]
fn documents_can_be_sent_and_shared() {
    const fn assert<T: Send + Sync + 'static>() {}
    assert::<Document>();
}

/// The mistake, and the calls that make it.
type Misuse = (&'static str, fn(&mut Writer));

#[test]
fn the_writer_refuses_what_is_no_document() {
    let refused: &[Misuse] = &[
        ("no element", |_| {}),
        ("left open", |w| _ = w.start("a")),
        ("two roots", |w| _ = w.start("a").end().start("a").end()),
        ("end too many", |w| _ = w.start("a").end().end()),
        ("text outside", |w| _ = w.text("x")),
        ("no name", |w| _ = w.start("a b").end()),
        ("no attribute name", |w| _ = w.start("a").attribute("", "x").end()),
        ("attribute too late", |w| _ = w.start("a").text("x").attribute("b", "x").end()),
        ("declaration too late", |w| _ = w.start("a").text("x").namespace("b", "x").end()),
        ("undeclared prefix", |w| _ = w.start("p:a").end()),
        ("undeclared attribute prefix", |w| _ = w.start("a").attribute("p:b", "").end()),
        ("prefix out of scope", |w| {
            _ = w.start("a").start("b").namespace("p", "u").end().start("p:c").end().end()
        }),
        ("declared twice", |w| _ = w.start("a").namespace("p", "u").namespace("p", "v").end()),
        ("attribute twice", |w| _ = w.start("a").attribute("b", "").attribute("b", "").end()),
        ("attribute twice by its expanded name", |w| {
            let w = w.start("a").namespace("p", "u").namespace("q", "u");
            w.attribute("p:b", "").attribute("q:b", "").end();
        }),
        ("declaration as attribute", |w| _ = w.start("a").attribute("xmlns:p", "u").end()),
        ("default declaration as attribute", |w| _ = w.start("a").attribute("xmlns", "u").end()),
        ("unbinding", |w| _ = w.start("a").namespace("p", "").end()),
        ("illegal character", |w| _ = w.start("a").text("\u{1}").end()),
        ("illegal character in value", |w| _ = w.start("a").attribute("b", "\u{FFFF}").end()),
        ("raw text", |w| _ = w.start("a").raw_element("x").end()),
        ("raw that breaks out", |w| _ = w.start("a").raw_element("</a><a>").end()),
        ("raw with undeclared prefix", |w| _ = w.start("a").raw_element("<p:b/>").end()),
        ("raw second root", |w| _ = w.raw_element("<a/>").raw_element("<a/>")),
    ];
    for (name, write) in refused {
        let mut writer = Writer::new();
        write(&mut writer);
        assert!(writer.finish().is_err(), "{name}");
    }
}

#[test]
fn the_writer_writes_what_it_is_told() {
    let mut writer = Writer::new();
    writer.start("p:a").attribute("p:x", "\t<\"'>&\r\n").namespace("p", "urn:\"p").namespace("", "urn:d");
    writer.optional_attribute("y", None).optional_attribute("z", Some(""));
    writer.element("b", "]]> & \r\n").raw_element("<p:c d='1'/>").start("e").end().end();
    let text = writer.finish().unwrap();
    assert_eq!(
        text,
        "<p:a p:x=\"&#9;&lt;&quot;'&gt;&amp;&#13;&#10;\" xmlns:p=\"urn:&quot;p\" xmlns=\"urn:d\" z=\"\">\
         <b>]]&gt; &amp; &#13;\n</b><p:c d='1'/><e/></p:a>"
    );
    let document = parse(&text);
    assert_eq!(document.root().attribute_in("urn:\"p", "x"), Some("\t<\"'>&\r\n"));
    assert_eq!(document.at("/*/*").unwrap().text(), "]]> & \r\n");

    let scope = document.root().scope();
    let mut writer = Writer::in_scope(&scope);
    writer.start("p:f").end();
    assert_eq!(writer.finish().unwrap(), "<p:f/>");

    let mut writer = Writer::new();
    writer.start("a").attribute("b", "").raw_element("<c/>").end();
    assert_eq!(writer.finish().unwrap(), "<a b=\"\"><c/></a>", "a document without namespaces");
}
