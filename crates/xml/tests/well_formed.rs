//! Accepted texts, and the rule that refuses each of the others: every rule of XML 1.0 (Fifth Edition) and Namespaces
//! in XML 1.0 that a document without DOCTYPE can break.

use vouchsafe_xml::{Document, Limits, NamespaceScope, XmlError};

fn parse(text: impl AsRef<[u8]>) -> Result<Document, XmlError> {
    Document::parse(text.as_ref(), &Limits::default())
}

/// Each row has the text, the code and the offset.
const REFUSED: &[(&str, &str, Option<usize>)] = &[
    // 2.1: one root element, and outside it only comments, instructions and white space.
    ("", "xml.no_root", None),
    (" \r\n\t", "xml.no_root", None),
    ("<!-- -->", "xml.no_root", None),
    ("<?xml version='1.0'?>", "xml.no_root", None),
    ("x", "xml.outside_root", Some(0)),
    ("  x<a/>", "xml.outside_root", Some(2)),
    ("<a/>x", "xml.outside_root", Some(4)),
    ("<a/>\n<b/>", "xml.outside_root", Some(5)),
    ("<a></a><a></a>", "xml.outside_root", Some(7)),
    ("<a/>&#32;", "xml.outside_root", Some(4)),
    ("&#32;<a/>", "xml.outside_root", Some(0)),
    ("<a/><![CDATA[]]>", "xml.outside_root", Some(13)),
    ("<![CDATA[ ]]><a/>", "xml.outside_root", Some(9)),
    ("\u{FEFF}\u{FEFF}<a/>", "xml.outside_root", Some(3)),
    ("\u{A0}<a/>", "xml.outside_root", Some(0)),
    ("<a/>\u{0}", "xml.character", Some(4)),
    // 3: tags nest and match.
    ("<a>", "xml.unclosed", None),
    ("<a><b>", "xml.unclosed", None),
    ("<a><b></a></b>", "xml.end_tag", Some(6)),
    ("</a>", "xml.end_tag", Some(0)),
    ("<a/></a>", "xml.end_tag", Some(4)),
    ("<a></A>", "xml.end_tag", Some(3)),
    ("<a></ a>", "xml.end_tag", Some(3)),
    ("<a></a x='1'>", "xml.end_tag", Some(3)),
    ("<a></a/>", "xml.end_tag", Some(3)),
    ("<a></>", "xml.end_tag", Some(3)),
    ("<p:a xmlns:p='u' xmlns:q='u'></q:a>", "xml.end_tag", Some(29)),
    ("<", "xml.syntax", Some(0)),
    ("<a", "xml.syntax", Some(0)),
    ("<a b='>", "xml.syntax", Some(5)),
    ("<a b=\">", "xml.syntax", Some(5)),
    ("<a><b", "xml.syntax", Some(3)),
    ("<a></a", "xml.syntax", Some(3)),
    // 2.3: names.
    ("<>", "xml.name", Some(1)),
    ("< a/>", "xml.name", Some(1)),
    ("<1a/>", "xml.name", Some(1)),
    ("<-a/>", "xml.name", Some(1)),
    ("<.a/>", "xml.name", Some(1)),
    ("<a,b/>", "xml.name", Some(1)),
    ("<a\"b\"/>", "xml.name", Some(1)),
    ("<a/b/>", "xml.syntax", Some(2)),
    ("<a<b/>", "xml.name", Some(1)),
    ("<a&amp;b/>", "xml.name", Some(1)),
    ("<\u{B7}a/>", "xml.name", Some(1)),
    ("<\u{D7}/>", "xml.name", Some(1)),
    ("<a\u{2028}/>", "xml.name", Some(1)),
    ("<a\u{A0}b='1'/>", "xml.name", Some(1)),
    ("<a 1b=''/>", "xml.name", Some(3)),
    ("<a b,c=''/>", "xml.name", Some(3)),
    ("<a =''/>", "xml.name", Some(3)),
    ("<a 'b'/>", "xml.name", Some(3)),
    ("<a / >", "xml.syntax", Some(3)),
    ("<a /", "xml.syntax", Some(0)),
    ("<a b", "xml.syntax", Some(4)),
    ("<a b=''", "xml.syntax", Some(0)),
    ("<a ", "xml.syntax", Some(0)),
    ("<a></a/", "xml.syntax", Some(3)),
    ("<a></ab>", "xml.end_tag", Some(3)),
    // 3.1: attributes.
    ("<a b/>", "xml.syntax", Some(4)),
    ("<a b c=''/>", "xml.syntax", Some(5)),
    ("<a b=c/>", "xml.syntax", Some(5)),
    ("<a b=/>", "xml.syntax", Some(5)),
    ("<a b=>", "xml.syntax", Some(5)),
    ("<a b='1'c='2'/>", "xml.syntax", Some(8)),
    ("<a b='1''/>", "xml.syntax", Some(8)),
    ("<a b='<'/>", "xml.syntax", Some(6)),
    ("<a b='x<y'/>", "xml.syntax", Some(7)),
    ("<a b='&'/>", "xml.syntax", Some(6)),
    ("<a b='&lt'/>", "xml.syntax", Some(6)),
    ("<a b='&lt;&'/>", "xml.syntax", Some(10)),
    ("<a b='1' b='2'/>", "xml.duplicate_attribute", Some(0)),
    ("<a b='1' c='' b='1'/>", "xml.duplicate_attribute", Some(0)),
    ("<a p:b='1' q:b='2' xmlns:p='u' xmlns:q='u'/>", "xml.duplicate_attribute", Some(0)),
    ("<a xmlns:p='u' xmlns:p='v'/>", "xml.duplicate_attribute", Some(0)),
    ("<a xmlns='u' xmlns='u'/>", "xml.duplicate_attribute", Some(0)),
    (
        "<a xmlns:xml='http://www.w3.org/XML/1998/namespace' xmlns:xml='http://www.w3.org/XML/1998/namespace'/>",
        "xml.duplicate_attribute",
        Some(0),
    ),
    (
        "<a b1='' b2='' b3='' b4='' b5='' b6='' b7='' b8='' b9='' c1='' c2='' c3='' b5=''/>",
        "xml.duplicate_attribute",
        Some(0),
    ),
    // 2.4: text.
    ("<a>]]></a>", "xml.syntax", Some(3)),
    ("<a>x]]]>y</a>", "xml.syntax", Some(5)),
    ("<a>&</a>", "xml.syntax", Some(3)),
    ("<a>x & y</a>", "xml.syntax", Some(5)),
    ("<a>&lt</a>", "xml.syntax", Some(3)),
    ("<a>&amp</a>;", "xml.syntax", Some(3)),
    ("<a>&", "xml.syntax", Some(3)),
    // 2.2: characters.
    ("<a>\u{1}</a>", "xml.character", Some(3)),
    ("<a>\u{B}</a>", "xml.character", Some(3)),
    ("<a>\u{C}</a>", "xml.character", Some(3)),
    ("<a>\u{1F}</a>", "xml.character", Some(3)),
    ("<a>é\u{FFFE}</a>", "xml.character", Some(5)),
    ("<a>\u{FFFF}</a>", "xml.character", Some(3)),
    ("<a b='\u{0}'/>", "xml.character", Some(6)),
    ("<a><!-- \u{8} --></a>", "xml.character", Some(8)),
    ("<a><?p \u{8}?></a>", "xml.character", Some(7)),
    ("<a><![CDATA[\u{7}]]></a>", "xml.character", Some(12)),
    // 4.1: references.
    ("<a>&nbsp;</a>", "xml.reference", Some(3)),
    ("<a>&LT;</a>", "xml.reference", Some(3)),
    ("<a>&;</a>", "xml.reference", Some(3)),
    ("<a>& lt;</a>", "xml.reference", Some(3)),
    ("<a>&lt ;</a>", "xml.reference", Some(3)),
    ("<a>&#;</a>", "xml.reference", Some(3)),
    ("<a>&#x;</a>", "xml.reference", Some(3)),
    ("<a>&#X41;</a>", "xml.reference", Some(3)),
    ("<a>&#+65;</a>", "xml.reference", Some(3)),
    ("<a>&#-65;</a>", "xml.reference", Some(3)),
    ("<a>&#6 5;</a>", "xml.reference", Some(3)),
    ("<a>&#A;</a>", "xml.reference", Some(3)),
    ("<a>&#xG;</a>", "xml.reference", Some(3)),
    ("<a>&#٤;</a>", "xml.reference", Some(3)),
    ("<a b='&other;'/>", "xml.reference", Some(6)),
    ("<a b='&#x1;'/>", "xml.character", Some(6)),
    ("<a>&#0;</a>", "xml.character", Some(3)),
    ("<a>&#8;</a>", "xml.character", Some(3)),
    ("<a>&#xD800;</a>", "xml.character", Some(3)),
    ("<a>&#xDFFF;</a>", "xml.character", Some(3)),
    ("<a>&#xFFFE;</a>", "xml.character", Some(3)),
    ("<a>&#x110000;</a>", "xml.character", Some(3)),
    ("<a>&#4294967361;</a>", "xml.character", Some(3)),
    ("<a>&#99999999999999999999;</a>", "xml.character", Some(3)),
    // 2.5: comments.
    ("<a><!-- -- --></a>", "xml.syntax", Some(3)),
    ("<a><!-- ---></a>", "xml.syntax", Some(3)),
    ("<a><!-----></a>", "xml.syntax", Some(3)),
    ("<a><!--></a>", "xml.syntax", Some(3)),
    ("<a><!---></a>", "xml.syntax", Some(3)),
    ("<a><!-- </a>", "xml.syntax", Some(3)),
    ("<a><!- x --></a>", "xml.syntax", Some(3)),
    ("<a><! ></a>", "xml.syntax", Some(3)),
    ("<a><!></a>", "xml.syntax", Some(3)),
    ("<a><!ELEMENT b ANY></a>", "xml.syntax", Some(3)),
    // 2.6: processing instructions.
    ("<a><??></a>", "xml.name", Some(5)),
    ("<a><? p?></a>", "xml.name", Some(5)),
    ("<a><?1?></a>", "xml.name", Some(5)),
    ("<a><?p:q?></a>", "xml.name", Some(5)),
    ("<a><?p??></a>", "xml.name", Some(5)),
    ("<a><?p</a>", "xml.syntax", Some(3)),
    ("<a><?></a>", "xml.syntax", Some(3)),
    ("<a><?XML x?></a>", "xml.declaration", Some(3)),
    ("<?xMl?><a/>", "xml.declaration", Some(0)),
    // 2.7: CDATA sections.
    ("<a><![CDATA[</a>", "xml.syntax", Some(3)),
    ("<a><![cdata[x]]></a>", "xml.syntax", Some(3)),
    ("<a><![CDATA]]></a>", "xml.syntax", Some(3)),
    ("<a><![CDATA [x]]></a>", "xml.syntax", Some(3)),
    ("<a><![CDATA[x]]>]]></a>", "xml.syntax", Some(16)),
    ("<a><![INCLUDE[x]]></a>", "xml.syntax", Some(3)),
    // 2.8: the XML declaration.
    (" <?xml version='1.0'?><a/>", "xml.declaration", Some(1)),
    ("<!-- --><?xml version='1.0'?><a/>", "xml.declaration", Some(8)),
    ("<a><?xml version='1.0'?></a>", "xml.declaration", Some(3)),
    ("<a/><?xml version='1.0'?>", "xml.declaration", Some(4)),
    ("<?xml version='1.0'?><?xml version='1.0'?><a/>", "xml.declaration", Some(21)),
    ("<?xml?><a/>", "xml.declaration", Some(0)),
    ("<?xml ?><a/>", "xml.declaration", Some(0)),
    ("<?xml encoding='UTF-8'?><a/>", "xml.declaration", Some(0)),
    ("<?xml encoding='UTF-8' version='1.0'?><a/>", "xml.declaration", Some(0)),
    ("<?xml version=1.0?><a/>", "xml.declaration", Some(0)),
    ("<?xml version='1.0\"?><a/>", "xml.declaration", Some(0)),
    ("<?xml version='1.0' ><a/>", "xml.syntax", Some(0)),
    ("<?xml version='1.0'encoding='UTF-8'?><a/>", "xml.declaration", Some(0)),
    ("<?xml version='1.0' standalone='yes' encoding='UTF-8'?><a/>", "xml.declaration", Some(0)),
    ("<?xml version='1.0' standalone='YES'?><a/>", "xml.declaration", Some(0)),
    ("<?xml version='1.0' other='1'?><a/>", "xml.declaration", Some(0)),
    ("<?xml version='1.0' version='1.0'?><a/>", "xml.declaration", Some(0)),
    ("<?xml version='1.0' encoding='UTF-8'x?><a/>", "xml.declaration", Some(0)),
    ("<?xml VERSION='1.0'?><a/>", "xml.declaration", Some(0)),
    ("<?xml version='1.1'?><a/>", "xml.declaration", Some(0)),
    ("<?xml version='1.0 '?><a/>", "xml.declaration", Some(0)),
    ("<?xml version='2.0'?><a/>", "xml.declaration", Some(0)),
    ("<?xml version='1.0' encoding='ISO-8859-1'?><a/>", "xml.encoding", None),
    ("<?xml version='1.0' encoding='UTF-16'?><a/>", "xml.encoding", None),
    ("<?xml version='1.0' encoding=''?><a/>", "xml.encoding", None),
    ("<?xml version='1.0' encoding=' UTF-8'?><a/>", "xml.encoding", None),
    // A DOCTYPE is refused, with any content and in any place.
    ("<!DOCTYPE a><a/>", "xml.doctype", Some(0)),
    ("<!doctype a><a/>", "xml.doctype", Some(0)),
    ("<?xml version='1.0'?>\n<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", "xml.doctype", Some(22)),
    ("<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>", "xml.doctype", Some(0)),
    ("<!DOCTYPE a [<!ENTITY % p SYSTEM 'http://x/'> %p;]><a/>", "xml.doctype", Some(0)),
    ("<!DOCTYPE", "xml.doctype", Some(0)),
    ("<!DOCTYPE>", "xml.doctype", Some(0)),
    ("<!DOCTYPE a [", "xml.doctype", Some(0)),
    ("<a><!DOCTYPE a></a>", "xml.doctype", Some(3)),
    ("<a/><!DOCTYPE a>", "xml.doctype", Some(4)),
    // Namespaces in XML, 3 to 6.
    ("<p:a/>", "xml.prefix", Some(0)),
    ("<a p:b=''/>", "xml.prefix", Some(0)),
    ("<a><b xmlns:p='u'/><p:c/></a>", "xml.prefix", Some(19)),
    ("<a><b xmlns:p='u' p:c=''/><c p:c=''/></a>", "xml.prefix", Some(26)),
    ("<xmlns:a/>", "xml.prefix", Some(0)),
    ("<:a/>", "xml.name", Some(1)),
    ("<a:/>", "xml.name", Some(1)),
    ("<a:b:c xmlns:a='u'/>", "xml.name", Some(1)),
    ("<a:1 xmlns:a='u'/>", "xml.name", Some(1)),
    ("<a xmlns:='u'/>", "xml.name", Some(3)),
    ("<a :b='u'/>", "xml.name", Some(3)),
    ("<a xmlns:p:q='u'/>", "xml.name", Some(3)),
    ("<a xmlns:p=''/>", "xml.namespace", Some(3)),
    ("<a xmlns:p='u'><b xmlns:p=''/></a>", "xml.namespace", Some(18)),
    ("<a xmlns:xmlns='u'/>", "xml.namespace", Some(3)),
    ("<a xmlns:xmlns='http://www.w3.org/2000/xmlns/'/>", "xml.namespace", Some(3)),
    ("<a xmlns:p='http://www.w3.org/2000/xmlns/'/>", "xml.namespace", Some(3)),
    ("<a xmlns='http://www.w3.org/2000/xmlns/'/>", "xml.namespace", Some(3)),
    ("<a xmlns:xml='u'/>", "xml.namespace", Some(3)),
    ("<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>", "xml.namespace", Some(3)),
    ("<a xmlns:p='http://www.w3.org/XML/1998/namespac&#101;'/>", "xml.namespace", Some(3)),
    ("<a xmlns='http://www.w3.org/XML/1998/namespace'/>", "xml.namespace", Some(3)),
];

const ACCEPTED: &[&str] = &[
    "<a/>",
    "<a />",
    "<a\n/>",
    "<a></a\t\r\n>",
    "\u{FEFF}<a/>",
    "\u{FEFF}<?xml version=\"1.0\"?><a/>",
    " \r\n\t<a/> \r\n\t",
    "<?xml version='1.0'?><a/>",
    "<?xml version = \"1.0\" encoding = 'utf-8' standalone\n=\r\n'no' ?>\n<a/>",
    "<?xml version='1.0' standalone='yes'?><a/>",
    "<?xml-stylesheet x?><a/>",
    "<?p?><!----><a/><!-- - -x --><?p  ?>",
    "<a><!-->--><!---> --></a>",
    "<a><?p ?? > <!-- ?></a>",
    "<a b='1' c=\"'\" d='\"' e = '>'/>",
    "<a b='/'/>",
    "<a b=''\tc=''\nd=''/>",
    "<a>></a>",
    "<a>]]&gt;</a>",
    "<a>]]<!-- -->></a>",
    "<a>]]<![CDATA[>]]></a>",
    "<a>]]&#62;]>></a>",
    "<a><![CDATA[]]]]><![CDATA[>]]></a>",
    "<a><![CDATA[<b>&c;]]]></a>",
    "<a>&#x10FFFF;&#xD7FF;&#xE000;&#9;&#0000000000000000000000065;</a>",
    "<a>\u{7F}\u{85}\u{2028}\u{FFFD}</a>",
    "<_a.b-c1/>",
    "<日本語 屬性='值'/>",
    "<a\u{B7}\u{300}\u{203F}/>",
    "<\u{10000}/>",
    "<\u{F900}/>",
    "<日:本 xmlns:日='u'/>",
    "<?日本 x?><a/>",
    "<xml:a xml:b='1'/>",
    "<a xmlns:xml='http://www.w3.org/XML/1998/namespace'/>",
    "<a xmlns='u'><b xmlns=''/></a>",
    "<a xmlns=''/>",
    "<a p:b='1' b='2' xmlns:p='u'/>",
    "<p:a p:b='1' q:b='2' xmlns:q='v' xmlns:p='u'/>",
    "<a xmlns='u' xmlns:p='u' b='' p:b=''/>",
    "<xmlfoo XMLNS='' xmlnsx=''/>",
    "<a><a><a/></a></a>",
];

#[test]
fn refuses_what_breaks_a_rule() {
    let wrong: Vec<String> = REFUSED
        .iter()
        .filter_map(|&(text, code, offset)| match parse(text) {
            Ok(_) => Some(format!("{text:?}: accepted, expected {code}")),
            Err(error) if (error.code(), error.offset()) != (code, offset) => {
                Some(format!("{text:?}: {} {:?}, expected {code} {offset:?}", error.code(), error.offset()))
            }
            Err(error) => {
                assert!(!error.hint().is_empty() && !error.to_string().is_empty());
                None
            }
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn accepts_what_breaks_none() {
    let wrong: Vec<String> = ACCEPTED
        .iter()
        .filter_map(|&text| parse(text).err().map(|error| format!("{text:?}: {error}")))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn refuses_other_encodings() {
    let sixteen =
        |order: fn(u16) -> [u8; 2]| -> Vec<u8> { "\u{FEFF}<a/>".encode_utf16().flat_map(order).collect() };
    for (bytes, code) in [
        (sixteen(u16::to_be_bytes), "xml.encoding"),
        (sixteen(u16::to_le_bytes), "xml.encoding"),
        (sixteen(u16::to_be_bytes).split_off(2), "xml.character"),
        (b"<a>\xE9</a>".to_vec(), "xml.utf8"),
        (b"<a>\xC0\x80</a>".to_vec(), "xml.utf8"),
        (b"<a>\xED\xA0\x80</a>".to_vec(), "xml.utf8"),
        (b"<a>\xF4\x90\x80\x80</a>".to_vec(), "xml.utf8"),
        (b"<a>\xE2\x82</a>".to_vec(), "xml.utf8"),
    ] {
        assert_eq!(parse(&bytes).unwrap_err().code(), code, "{bytes:?}");
    }
}

#[test]
fn offsets_count_the_byte_order_mark() {
    assert_eq!(parse("\u{FEFF}<a>&x;</a>").unwrap_err().offset(), Some(6));
}

#[test]
fn decrypted_content_is_one_element() {
    let scope = NamespaceScope::empty().bind("p", "urn:p").unwrap().bind("", "urn:d").unwrap();
    let parse = |text: &str| Document::parse_in_scope(text.as_bytes(), &scope, &Limits::default());
    for (text, namespace) in [
        ("<p:a/>", "urn:p"),
        (" \n<a/>\t", "urn:d"),
        ("<p:a xmlns:p='urn:q'/>", "urn:q"),
        ("<a xmlns=''><!-- --></a>", ""),
    ] {
        assert_eq!(parse(text).unwrap().root().namespace(), namespace, "{text}");
    }
    for (text, code) in [
        ("<q:a/>", "xml.prefix"),
        ("", "xml.no_root"),
        ("x", "xml.outside_root"),
        ("<a/><a/>", "xml.outside_root"),
        ("<!-- --><a/>", "xml.outside_root"),
        ("<a/><?p?>", "xml.outside_root"),
        ("<?xml version='1.0'?><a/>", "xml.outside_root"),
        ("<!DOCTYPE a><a/>", "xml.doctype"),
        ("</b><a/><b>", "xml.end_tag"),
    ] {
        assert_eq!(parse(text).unwrap_err().code(), code, "{text}");
    }
    for (prefix, name) in [("p", ""), ("xmlns", "u"), ("xml", "u"), ("p q", "u"), ("p:q", "u")] {
        assert_eq!(NamespaceScope::empty().bind(prefix, name).unwrap_err().code(), "xml.namespace");
    }
}

#[test]
fn what_is_repeated_is_named() {
    let many: String = (0..13).map(|number| format!(" a{number}=''")).collect();
    for (text, expected) in [
        (&*format!("<a xmlns:p='u' xmlns:q='u' p:b=''{many} q:b=''/>"), "q:b"),
        (&*format!("<a xmlns:p='u' xmlns:q='u' q:b=''{many} p:b=''/>"), "p:b"),
        ("<a xmlns:p='u' xmlns:q='u' p:b='' q:b=''/>", "q:b"),
        ("<a xmlns:p='u' xmlns:p='v'/>", "xmlns:p"),
        ("<a xmlns:p='u'><b xmlns:q='v' xmlns:p='v' xmlns:p='w'/></a>", "xmlns:p"),
        ("<a xmlns='u' xmlns='v'/>", "xmlns"),
        (
            "<a xmlns:xml='http://www.w3.org/XML/1998/namespace' xmlns:xml='http://www.w3.org/XML/1998/namespace'/>",
            "xmlns:xml",
        ),
    ] {
        match parse(text) {
            Err(XmlError::DuplicateAttribute { name, .. }) => assert_eq!(name, expected, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn limits_hold() {
    let small = Limits::default()
        .with_input_bytes(200)
        .with_depth(3)
        .with_nodes(6)
        .with_attributes_per_element(3)
        .with_namespaces_in_scope(3)
        .with_name_bytes(8)
        .with_value_bytes(20);
    let long = format!("<a>{}</a>", "x".repeat(21));
    let full = format!("<a/>{}", " ".repeat(196));
    let large = format!("<a/>{}", " ".repeat(197));
    for (text, limit) in [
        ("<a><b><c/></b></a>", None),
        ("<a><b><c><d/></c></b></a>", Some("depth")),
        ("<a>1<b/>2<b/>3</a>", None),
        ("<a>1<b/>2<b/>3<b/></a>", Some("nodes")),
        ("<a><?p?><?p?><?p?><?p?><!----><!----></a>", Some("nodes")),
        ("<a b='' c='' d=''/>", None),
        ("<a b='' c='' d='' e=''/>", Some("attributes_per_element")),
        ("<a b='' c='' xmlns='u' xmlns:p='v'/>", Some("attributes_per_element")),
        ("<a xmlns='u' xmlns:p='u'><b xmlns='v'/><b xmlns='v'/></a>", None),
        ("<a xmlns='u' xmlns:p='u'><b xmlns='v'><c xmlns='u'/></b></a>", Some("namespaces_in_scope")),
        ("<a xmlns='u'><b xmlns:p='v' xmlns:q='v'/><b xmlns:p='v' xmlns:q='v'/></a>", None),
        ("<a xmlns='u' xmlns:p='u'><b/><b/><b xmlns='v'><c xmlns='u'/></b></a>", Some("namespaces_in_scope")),
        ("<abcdefgh/>", None),
        ("<abcdefghi/>", Some("name_bytes")),
        ("<a abcdefghi=''/>", Some("name_bytes")),
        ("<a xmlns='abcdefghi'/>", Some("name_bytes")),
        ("<a><?abcdefghi?></a>", Some("name_bytes")),
        ("<a b='123456789012345678901'/>", Some("value_bytes")),
        ("<a><!--123456789012345678901--></a>", Some("value_bytes")),
        ("<a><?p 123456789012345678901?></a>", Some("value_bytes")),
        ("<a>1234567890<![CDATA[1234567890]]>&#65;</a>", Some("value_bytes")),
        (&long, Some("value_bytes")),
        (&full, None),
        (&large, Some("input_bytes")),
    ] {
        let found = match Document::parse(text.as_bytes(), &small) {
            Err(XmlError::Limit { limit, .. }) => Some(limit),
            other => other.map(|_| None).unwrap(),
        };
        assert_eq!(found, limit, "{text}");
    }
}

#[test]
fn metadata_may_be_large_and_nothing_else_of_it() {
    let expected = Limits::default().with_input_bytes(268_435_456).with_nodes(20_000_000);
    let expected = expected.with_canonical_bytes_factor(2);
    assert_eq!(Limits::metadata(), expected);
}
