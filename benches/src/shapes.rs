//! The shapes of hostile messages: each is large in one direction, and as large as the limits let it be.

use std::fmt::{self, Write as _};
use std::sync::LazyLock;

use vouchsafe::crypto::Certificate;
use vouchsafe::xml::Canonicalization;
use vouchsafe_testkit::keys;

use crate::{Hostile, Seal};

use Seal::{Altered, AlteredAround, Encrypted};

const SIGNED: Seal = Seal::Signed(Canonicalization::EXCLUSIVE);
const INCLUSIVE: Seal = Seal::Signed(Canonicalization::INCLUSIVE);
const INCLUSIVE_11: Seal = Seal::Signed(Canonicalization::INCLUSIVE_11);

const fn shape(
    name: &'static str,
    count: usize,
    seal: Seal,
    grow: fn(&str, usize) -> Option<String>,
) -> Hostile {
    Hostile { name, count, seal, grow }
}

/// The shapes, by what they try: the signature, the canonical form, the tree, what is read out of it, what is encrypted.
pub const SHAPES: [Hostile; 40] = [
    shape("references in one signature", 1_200, Altered, references),
    shape("transforms of one reference", 11_500, Altered, transforms),
    shape("certificates in KeyInfo", 21_000, Altered, certificates),
    shape("signatures of the Response", 300, Altered, |xml, n| signatures(xml, n, before_status)),
    shape("signatures in Extensions", 300, Altered, |xml, n| signatures(xml, n, in_extensions)),
    shape("escaped name, used by each element", 99_000, Altered, escaped_name),
    shape("escaped name, refused", 1_000, SIGNED, padded_escaped_name),
    shape("escaped name, just allowed", 610, SIGNED, padded_escaped_name),
    shape("names inherited inclusively", 180, INCLUSIVE, |xml, n| inherited(xml, n, "&amp;")),
    shape("names inherited inclusively, grown", 180, INCLUSIVE, |xml, n| inherited(xml, n, "\"")),
    shape("values of xml:base", 500_000, INCLUSIVE_11, base),
    shape("> in text", 1_030_000, SIGNED, |xml, n| value(xml, &">".repeat(n))),
    shape("CR in text", 170_000, SIGNED, |xml, n| value(xml, &"&#13;".repeat(n))),
    shape("references in text", 200_000, SIGNED, |xml, n| value(xml, &"&#65;".repeat(n))),
    shape("quotes in an attribute", 1_030_000, SIGNED, |xml, n| {
        in_extensions(xml, &format!("<x:e a='{}'/>", "\"".repeat(n)))
    }),
    shape("references in attributes", 5_000, SIGNED, |xml, n| {
        elements(xml, 40, |text, _| write!(text, "<x:e a='{}'/>", "&#9;&lt;".repeat(n / 2)))
    }),
    shape("small elements", 99_000, SIGNED, |xml, n| elements(xml, n, |text, _| text.write_str("<x:e/>"))),
    shape("nested elements, a prefix each", 20_000, Altered, nested_prefixes),
    shape("deep scopes", 190, INCLUSIVE, deep_scopes),
    shape("attributes of one element", 98_000, Altered, |xml, n| {
        in_extensions(xml, &format!("<x:e{}/>", attributes(n)))
    }),
    shape("attributes of each element", 750, SIGNED, |xml, n| {
        let element = format!("<x:e{}/>", attributes(190));
        elements(xml, n, |text, _| text.write_str(&element))
    }),
    shape("attributes in namespaces", 600, SIGNED, attributes_in_namespaces),
    shape("a namespace for each element", 46_000, SIGNED, |xml, n| {
        elements(xml, n, |text, number| write!(text, "<e xmlns='u{number}'/>"))
    }),
    shape("comments", 99_000, SIGNED, |xml, n| in_extensions(xml, &"<!---->".repeat(n))),
    shape("instructions", 99_000, SIGNED, |xml, n| in_extensions(xml, &"<?p?>".repeat(n))),
    shape("CDATA sections", 78_000, SIGNED, |xml, n| value(xml, &"<![CDATA[>]]>".repeat(n))),
    shape("identifiers", 52_000, SIGNED, |xml, n| {
        elements(xml, n, |text, number| write!(text, "<x:e ID='i{number}'/>"))
    }),
    shape("group values", 29_000, SIGNED, |xml, n| attribute(xml, "", &value_element("1").repeat(n))),
    shape("empty group values", 58_000, SIGNED, |xml, n| attribute(xml, "", &"<AttributeValue/>".repeat(n))),
    shape("attribute names", 37_000, SIGNED, attribute_names),
    shape("values with markup in an escaped name", 26_000, SIGNED, |xml, n| {
        let declaration = format!(" xmlns:p='{}' p:a=''", escaped(1000));
        attribute(xml, &declaration, &value_element("<p:b/>").repeat(n))
    }),
    shape("values with markup among many prefixes", 17_000, SIGNED, markup_among_prefixes),
    shape("audiences", 27_000, SIGNED, audiences),
    shape("repeated statements", 2_900, SIGNED, statements),
    shape("certificates in EncryptedKey", 2_000, AlteredAround, key_certificates),
    shape("references in EncryptedKey", 20_000, AlteredAround, key_references),
    shape("names in scope of EncryptedAssertion", 180, AlteredAround, |xml, n| inherited(xml, n, "&amp;")),
    shape("small elements, encrypted", 99_000, Encrypted, |xml, n| in_advice(xml, &"<x:e/>".repeat(n))),
    shape("everything at once", 90_000, SIGNED, |xml, n| in_extensions(xml, &everything(n))),
    shape("everything at once, encrypted", 60_000, Encrypted, |xml, n| in_advice(xml, &everything(n))),
];

fn references(xml: &str, count: usize) -> Option<String> {
    repeated(xml, "<ds:Reference", "</ds:Reference>", count)
}

fn transforms(xml: &str, count: usize) -> Option<String> {
    let transform = r#"<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"></ds:Transform>"#;
    before(xml, "</ds:Transforms>", &transform.repeat(count))
}

/// Short ones, so that as many as possible fit. No signature reaches them.
fn certificates(xml: &str, count: usize) -> Option<String> {
    before(xml, "</ds:X509Data>", &"<ds:X509Certificate>MIIB</ds:X509Certificate>".repeat(count))
}

fn signatures(xml: &str, count: usize, place: fn(&str, &str) -> Option<String>) -> Option<String> {
    let (_, signature) = between(xml, "<ds:Signature ", "</ds:Signature>")?;
    place(xml, &signature.repeat(count))
}

/// One name, declared once, that exclusive canonicalization writes anew on each element.
fn escaped_name(xml: &str, count: usize) -> Option<String> {
    escaped_name_beside(xml, count, "")
}

/// The same in a message that is as long as it may be, so that the multiple of its length is.
fn padded_escaped_name(xml: &str, count: usize) -> Option<String> {
    escaped_name_beside(xml, count, &format!("<!--{}-->", "x".repeat(1_000_000)))
}

fn escaped_name_beside(xml: &str, count: usize, text: &str) -> Option<String> {
    let declared = in_root(xml, &format!(" xmlns:p='{}'", escaped(1000)))?;
    in_extensions(&declared, &(text.to_owned() + &"<p:e/>".repeat(count)))
}

/// Long names that each signed element inherits, of a character that is escaped.
fn inherited(xml: &str, count: usize, character: &str) -> Option<String> {
    let mut declarations = String::new();
    for number in 0..count {
        let _ = write!(declarations, " xmlns:p{number}='{number}{}'", character.repeat(1000));
    }
    in_root(xml, &declarations)
}

fn base(xml: &str, count: usize) -> Option<String> {
    let declared = in_root(xml, &format!(" xml:base='{}'", "a/".repeat(count / 2)))?;
    let assertion = format!("<saml2:Assertion xml:base='{}'", "b/".repeat(count / 2));
    Some(declared.replacen("<saml2:Assertion", &assertion, 1))
}

fn nested_prefixes(xml: &str, count: usize) -> Option<String> {
    let mut text = String::new();
    for number in 0..count {
        let _ = write!(text, "<p{number}:e xmlns:p{number}='urn:{number}'>");
    }
    for number in (0..count).rev() {
        let _ = write!(text, "</p{number}:e>");
    }
    in_extensions(xml, &text)
}

/// So many towers of elements, each as deep as may be, with two declarations on each floor.
fn deep_scopes(xml: &str, count: usize) -> Option<String> {
    let mut tower = String::new();
    for number in 0..90 {
        let _ = write!(tower, "<x:e xmlns:p{number}='u{number}' xmlns:q{number}='v'>");
    }
    tower.push_str(&"</x:e>".repeat(90));
    in_extensions(xml, &tower.repeat(count))
}

fn attributes_in_namespaces(xml: &str, count: usize) -> Option<String> {
    let (mut declarations, mut attributes) = (String::new(), String::new());
    for number in 0_u32..180 {
        // Their order is not that of the prefixes.
        let _ = write!(declarations, " xmlns:p{number}='u{}'", number.reverse_bits());
        let _ = write!(attributes, " p{number}:a=''");
    }
    let elements = format!("<x:e{attributes}/>").repeat(count / 2);
    in_extensions(xml, &format!("<x:f{declarations}>{elements}</x:f>"))
}

fn attribute_names(xml: &str, count: usize) -> Option<String> {
    let mut text = String::new();
    for number in 0..count {
        let _ = write!(text, "<b:Attribute Name='{number}'/>");
    }
    let declared = in_root(xml, " xmlns:b='urn:oasis:names:tc:SAML:2.0:assertion'")?;
    before(&declared, "</saml2:AttributeStatement>", &text)
}

/// Each value with markup is canonicalized by itself, in a document with as many prefixes.
fn markup_among_prefixes(xml: &str, count: usize) -> Option<String> {
    let half = count / 2;
    let prefixes = elements(xml, count, |text, number| write!(text, "<p{number}:e xmlns:p{number}='u'/>"))?;
    attribute(&prefixes, "", &value_element("<b/>").repeat(half))
}

fn audiences(xml: &str, count: usize) -> Option<String> {
    before(xml, "</saml2:AudienceRestriction>", &"<saml2:Audience>a</saml2:Audience>".repeat(count))
}

fn statements(xml: &str, count: usize) -> Option<String> {
    repeated(xml, "<saml2:AuthnStatement", "</saml2:AuthnStatement>", count)
}

/// Certificates of others, with long names: what a receiver looks for its own among.
fn key_certificates(xml: &str, count: usize) -> Option<String> {
    static OTHER: LazyLock<Option<String>> = LazyLock::new(|| {
        let key = keys::other_identity_provider().private_key();
        let name = "n".repeat(60);
        Certificate::self_signed(keys::provider(), key, &name, 1_577_836_800, 4_733_510_400)
            .ok()
            .map(|certificate| certificate.to_base64())
    });
    let element = format!("<ds:X509Certificate>{}</ds:X509Certificate>", OTHER.as_deref()?);
    let fitting = (1_030_000_usize).checked_div(element.len())?.min(count);
    before(xml, "</ds:X509Data>", &element.repeat(fitting))
}

fn key_references(xml: &str, count: usize) -> Option<String> {
    let reference = "<xenc:DataReference URI=\"#missing\"/>".repeat(count);
    let (start, _) = between(xml, "</xenc:EncryptedKey>", "")?;
    let (before, after) = xml.split_at_checked(start)?;
    Some([before, "<xenc:ReferenceList>", &reference, "</xenc:ReferenceList>", after].concat())
}

/// As many elements as may be, with attributes and declarations, of which the canonical form is as long as it may be.
fn everything(count: usize) -> String {
    format!("<x:f xmlns:p='&amp;'>{}</x:f>", "<p:e a=''/>".repeat(count))
}

fn escaped(count: usize) -> String {
    "&amp;".repeat(count)
}

/// Names of one or two letters and digits, so that as many as possible fit.
fn attributes(count: usize) -> String {
    let mut text = String::new();
    for number in 0..count {
        let _ = match u8::try_from(number).ok().filter(|letter| *letter < 26) {
            Some(letter) => write!(text, " {}=''", char::from(b'a'.saturating_add(letter))),
            None => write!(text, " a{number}=''"),
        };
    }
    text
}

/// In the first value of the groups.
fn value(xml: &str, text: &str) -> Option<String> {
    before(xml, "team-0000</saml2:AttributeValue>", text)
}

fn value_element(content: &str) -> String {
    format!("<AttributeValue>{content}</AttributeValue>")
}

/// An Attribute of its own, in the default namespace.
fn attribute(xml: &str, declarations: &str, content: &str) -> Option<String> {
    let saml = "urn:oasis:names:tc:SAML:2.0:assertion";
    let text = format!("<Attribute xmlns='{saml}' Name='a'{declarations}>{content}</Attribute>");
    before(xml, "</saml2:AttributeStatement>", &text)
}

/// So many elements in Extensions, made from their numbers.
fn elements(xml: &str, count: usize, element: impl Fn(&mut String, usize) -> fmt::Result) -> Option<String> {
    let mut text = String::new();
    for number in 0..count {
        element(&mut text, number).ok()?;
    }
    in_extensions(xml, &text)
}

/// In Extensions of the Response, whose content is anybody's.
fn in_extensions(xml: &str, text: &str) -> Option<String> {
    before_status(xml, &format!("<saml2p:Extensions><x:r xmlns:x='urn:x'>{text}</x:r></saml2p:Extensions>"))
}

/// In Advice of the Assertion, likewise.
fn in_advice(xml: &str, text: &str) -> Option<String> {
    let advice = format!("<saml2:Advice><x:r xmlns:x='urn:x'>{text}</x:r></saml2:Advice>");
    before(xml, "<saml2:AuthnStatement", &advice)
}

fn before_status(xml: &str, text: &str) -> Option<String> {
    before(xml, "<saml2p:Status>", text)
}

fn in_root(xml: &str, attributes: &str) -> Option<String> {
    let after_name = xml.find("<saml2p:Response")?.checked_add("<saml2p:Response".len())?;
    let (before, after) = xml.split_at_checked(after_name)?;
    Some([before, attributes, after].concat())
}

/// The text, put before the first place of another.
fn before(xml: &str, place: &str, text: &str) -> Option<String> {
    let (before, after) = xml.split_at_checked(xml.find(place)?)?;
    Some([before, text, after].concat())
}

/// Where something begins, and it, from `start` to behind `end`.
fn between<'x>(xml: &'x str, start: &str, end: &str) -> Option<(usize, &'x str)> {
    let from = xml.find(start)?;
    let to = xml.get(from..)?.find(end)?.checked_add(from)?.checked_add(end.len())?;
    Some((from, xml.get(from..to)?))
}

fn repeated(xml: &str, start: &str, end: &str, count: usize) -> Option<String> {
    let (from, piece) = between(xml, start, end)?;
    let after = xml.get(from.checked_add(piece.len())?..)?;
    Some([xml.get(..from)?, &piece.repeat(count), after].concat())
}
