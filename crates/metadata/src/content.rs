//! The content of an entity: everything that it states, without what differs between two documents that state the same.

use vouchsafe_crypto::own_sha256;
use vouchsafe_xml::namespace::{DSIG, SAML_METADATA};
use vouchsafe_xml::{Attribute, Element, Node};

use crate::registration::MDRPI;
use crate::source::is_role;
use crate::values::trimmed;

/// Returns the SHA-256 of everything that an entity states. Two entities with the same digest are the same at a sign-in,
/// except for their times.
///
/// Everything counts that is not left out here on purpose, so an element that this library does not know counts too. These
/// are left out, because publishers write them anew each time and no sign-in reads them:
///
/// * comments, processing instructions, namespace prefixes and declarations, the order of attributes, and white space
///   between elements;
/// * `ID`, `validUntil` and `cacheDuration` of the entity and of its roles;
/// * `ds:Signature` of the entity and of its roles;
/// * `creationInstant` and `publicationId` of `mdrpi:PublicationInfo` and `mdrpi:Publication`.
pub(crate) fn digest(entity: Element<'_>) -> [u8; 32] {
    let mut written = b"vouchsafe entity 1".to_vec();
    write_element(entity, Level::Entity, &mut written);
    own_sha256(&written)
}

/// Where an element is in an entity.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Entity,
    Role,
    Inside,
}

impl Level {
    /// Returns the children of an element that count, with their level.
    pub(crate) fn children<'d>(self, element: Element<'d>) -> impl Iterator<Item = (Element<'d>, Level)> {
        element.elements().filter(move |child| self.counts(*child)).map(move |child| (child, self.of(child)))
    }

    fn of(self, child: Element<'_>) -> Level {
        if self == Level::Entity && is_role(&child) { Level::Role } else { Level::Inside }
    }

    fn counts(self, child: Element<'_>) -> bool {
        self == Level::Inside || !child.is(DSIG, "Signature")
    }

    /// Returns the attributes of an element that count, in the order written.
    pub(crate) fn attributes<'d>(self, element: Element<'d>) -> impl Iterator<Item = Attribute<'d>> {
        let left_out: &[&str] = match self {
            Level::Entity | Level::Role => &["ID", "validUntil", "cacheDuration"],
            Level::Inside if is_publication(element) => &["creationInstant", "publicationId"],
            Level::Inside => &[],
        };
        element
            .attributes()
            .filter(move |one| !(one.namespace.is_empty() && left_out.contains(&one.local_name)))
    }
}

fn is_publication(element: Element<'_>) -> bool {
    element.is(MDRPI, "PublicationInfo") || element.is(MDRPI, "Publication")
}

/// Writes an element so that two elements are written as the same bytes only if they state the same. The depth of
/// elements is limited when they are parsed.
fn write_element(element: Element<'_>, level: Level, written: &mut Vec<u8>) {
    written.push(b'<');
    write_text(element.namespace(), written);
    write_text(element.local_name(), written);
    let mut attributes: Vec<Attribute<'_>> = level.attributes(element).collect();
    attributes.sort_unstable_by_key(|one| (one.namespace, one.local_name));
    for attribute in attributes {
        written.push(b'@');
        write_text(attribute.namespace, written);
        write_text(attribute.local_name, written);
        write_text(attribute.value, written);
    }
    write_content(element, level, written);
    written.push(b'>');
}

/// Writes texts and elements in their order. A comment does not divide a text.
fn write_content(element: Element<'_>, level: Level, written: &mut Vec<u8>) {
    // If elements are in it and nothing but white space is around them, that is the layout.
    let is_layout = element.elements().next().is_some() && trimmed(&element.text()).is_empty();
    let mut text = String::new();
    for child in element.children() {
        match child {
            Node::Text(part) if !is_layout => text.push_str(part),
            Node::Element(inner) if level.counts(inner) => {
                write_whole_text(&mut text, written);
                write_element(inner, level.of(inner), written);
            }
            _ => {}
        }
    }
    write_whole_text(&mut text, written);
}

fn write_whole_text(text: &mut String, written: &mut Vec<u8>) {
    if !text.is_empty() {
        written.push(b'=');
        write_text(text, written);
        text.clear();
    }
}

/// Writes the length first, so that no text can look like what follows it.
fn write_text(text: &str, written: &mut Vec<u8>) {
    written.extend_from_slice(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
    written.extend_from_slice(text.as_bytes());
}

/// Returns whether this is an endpoint of a role.
pub(crate) fn is_endpoint(element: Element<'_>) -> bool {
    element.namespace() == SAML_METADATA && element.attribute("Location").is_some()
}

#[cfg(test)]
mod tests {
    use vouchsafe_xml::{Document, Limits};

    use super::*;

    const HEAD: &str = r#"xmlns="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" xmlns:r="urn:oasis:names:tc:SAML:metadata:rpi""#;

    fn digest_of(xml: &str) -> [u8; 32] {
        digest(Document::parse(xml.replace("HEAD", HEAD).as_bytes(), &Limits::default()).unwrap().root())
    }

    const ENTITY: &str = r#"<EntityDescriptor HEAD entityID="https://a.example" ID="_1" validUntil="2027-01-01T00:00:00Z"><ds:Signature><ds:SignatureValue>AAAA</ds:SignatureValue></ds:Signature><Extensions><r:PublicationInfo publisher="p" creationInstant="2026-01-01T00:00:00Z" publicationId="1"/></Extensions><IDPSSODescriptor cacheDuration="PT1H" WantAuthnRequestsSigned="true" protocolSupportEnumeration="p"><KeyDescriptor use="signing"><ds:KeyInfo><ds:KeyName>one</ds:KeyName></ds:KeyInfo></KeyDescriptor><NameIDFormat>f</NameIDFormat></IDPSSODescriptor></EntityDescriptor>"#;

    #[test]
    fn what_publishers_write_anew_does_not_count() {
        for (what, new) in [
            ("ID=\"_1\"", "ID=\"_2\""),
            (" ID=\"_1\"", ""),
            ("2027-01", "2028-02"),
            (" validUntil=\"2027-01-01T00:00:00Z\"", ""),
            ("PT1H", "PT2H"),
            ("2026-01-01", "2026-01-02"),
            ("publicationId=\"1\"", "publicationId=\"2\""),
            (">AAAA<", ">BBBB<"),
            ("<NameIDFormat>f", "<!-- c --><NameIDFormat><!-- c -->f<?p i?>"),
            ("><NameIDFormat", ">\n  <NameIDFormat"),
            ("use=\"signing\"", "use='signing'"),
            ("xmlns:r=", "xmlns:other=\"urn:x\" xmlns:r="),
            (">f<", "><![CDATA[f]]><"),
            (">f<", ">&#102;<"),
        ] {
            let other = ENTITY.replace("HEAD", HEAD).replacen(what, new, 1);
            assert_ne!(ENTITY.replace("HEAD", HEAD), other, "{what}");
            assert_eq!(digest_of(ENTITY), digest_of(&other), "{what} {new}");
        }
        let (without, begin) = (ENTITY.find("<ds:Signature>").unwrap(), ENTITY.find("<Extensions>").unwrap());
        assert_eq!(
            digest_of(ENTITY),
            digest_of(&[ENTITY.get(..without).unwrap(), ENTITY.get(begin..).unwrap()].concat())
        );
        let renamed = ENTITY.replace("HEAD", HEAD).replace("ds:", "sig:").replace("xmlns:ds", "xmlns:sig");
        assert_eq!(digest_of(ENTITY), digest_of(&renamed));
    }

    #[test]
    fn everything_else_counts() {
        for (what, new) in [
            ("https://a.example", "https://b.example"),
            ("publisher=\"p\"", "publisher=\"q\""),
            (" WantAuthnRequestsSigned=\"true\"", ""),
            ("=\"true\"", "=\"false\""),
            (" use=\"signing\"", ""),
            (">one<", ">two<"),
            (">one<", ">one <"),
            ("ds:KeyName", "ds:Other"),
            ("ds:KeyName", "KeyName"),
            ("<NameIDFormat>f</NameIDFormat>", ""),
            (
                "<NameIDFormat>f</NameIDFormat>",
                "<NameIDFormat>f</NameIDFormat><NameIDFormat>f</NameIDFormat>",
            ),
            ("<NameIDFormat>f</NameIDFormat>", "<NameIDFormat/>f"),
            ("<NameIDFormat>", "<NameIDFormat ID=\"x\">"),
            ("<KeyDescriptor", "<KeyDescriptor validUntil=\"2027-01-01T00:00:00Z\""),
            ("<ds:KeyInfo>", "<ds:KeyInfo><ds:Signature/>"),
            (" protocolSupportEnumeration=\"p\"", " r:protocolSupportEnumeration=\"p\""),
            ("WantAuthnRequestsSigned", "r:ID"),
            ("<Extensions>", "<Extensions creationInstant=\"2026-01-01T00:00:00Z\">"),
        ] {
            let other = ENTITY.replace("HEAD", HEAD).replace(what, new);
            assert_ne!(ENTITY.replace("HEAD", HEAD), other, "{what}");
            assert_ne!(digest_of(ENTITY), digest_of(&other), "{what} {new}");
        }
        // The order counts: of two endpoints with one binding, the first is used.
        let two = |one: &str, other: &str| {
            format!("<EntityDescriptor HEAD entityID='a'><A>{one}</A><A>{other}</A></EntityDescriptor>")
        };
        assert_ne!(digest_of(&two("1", "2")), digest_of(&two("2", "1")));
        // Texts with elements between them.
        let mixed = |content: &str| {
            format!("<EntityDescriptor HEAD entityID='a'><A>{content}</A></EntityDescriptor>")
        };
        let contents =
            ["xy<B/>", "x<B/>y", "<B/>xy", "x <B/>y", "x<B/> y", "x<B> </B>y", "<B/>", "<B> </B>", " ", ""];
        let digests: std::collections::BTreeSet<_> =
            contents.iter().map(|content| digest_of(&mixed(content))).collect();
        assert_eq!(digests.len(), contents.len());
    }
}
