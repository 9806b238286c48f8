//! Messages that try to cost more than they should.

use std::fmt::Write as _;

use vouchsafe::Limits;
use vouchsafe::crypto::base64_encode;

use crate::{Failure, Message};

/// A way to make a response large in one direction.
#[derive(Clone, Copy, Debug)]
pub struct Hostile {
    /// A few words for the table.
    pub name: &'static str,
    /// How many of them the target speaks of.
    pub count: usize,
    grow: fn(&str, usize) -> Option<String>,
}

/// The shapes. All but the last break the signed content or the profile; the certificates stand where no signature reaches.
pub const SHAPES: [Hostile; 5] = [
    Hostile { name: "references in one signature", count: 1_200, grow: references },
    Hostile { name: "transforms of one reference", count: 2_000, grow: transforms },
    Hostile { name: "attributes of one element", count: 100_000, grow: attributes },
    Hostile { name: "nested elements, a prefix each", count: 10_000, grow: prefixes },
    Hostile { name: "certificates in KeyInfo", count: 10_000, grow: certificates },
];

impl Hostile {
    /// The message with so many of them, as base64.
    ///
    /// # Errors
    /// When the message has no place for it.
    pub fn grown(&self, message: &Message, count: usize) -> Result<String, Failure> {
        let grown = (self.grow)(message.xml(), count).ok_or("the message has no place for it")?;
        Ok(base64_encode(grown.as_bytes()))
    }

    /// Limits so wide that the work itself shows, and not the refusal.
    #[must_use]
    pub fn no_limits() -> Limits {
        const MANY: usize = 100_000_000;
        Limits::default()
            .with_input_bytes(MANY)
            .with_depth(MANY)
            .with_nodes(MANY)
            .with_attributes_per_element(MANY)
            .with_namespaces_in_scope(MANY)
            .with_value_bytes(MANY)
            .with_references(MANY)
            .with_transforms(MANY)
    }
}

fn references(xml: &str, count: usize) -> Option<String> {
    repeated(xml, "<ds:Reference", "</ds:Reference>", count)
}

fn transforms(xml: &str, count: usize) -> Option<String> {
    let transform = r#"<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"></ds:Transform>"#;
    Some(xml.replacen("</ds:Transforms>", &format!("{}</ds:Transforms>", transform.repeat(count)), 1))
}

/// In Extensions, whose content is anybody's.
fn attributes(xml: &str, count: usize) -> Option<String> {
    let mut element = String::from("<saml2p:Extensions");
    for number in 0..count {
        let _ = write!(element, " a{number}=\"\"");
    }
    element.push_str("/>");
    before_status(xml, &element)
}

fn prefixes(xml: &str, count: usize) -> Option<String> {
    let mut elements = String::new();
    for number in 0..count {
        let _ = write!(elements, "<p{number}:e xmlns:p{number}=\"urn:{number}\">");
    }
    for number in (0..count).rev() {
        let _ = write!(elements, "</p{number}:e>");
    }
    before_status(xml, &elements)
}

/// Short ones, so that as many as possible fit.
fn certificates(xml: &str, count: usize) -> Option<String> {
    let certificate = "<ds:X509Certificate>MIIB</ds:X509Certificate>".repeat(count);
    Some(xml.replacen("</ds:X509Data>", &format!("{certificate}</ds:X509Data>"), 1))
}

fn before_status(xml: &str, text: &str) -> Option<String> {
    let (before, after) = xml.split_at_checked(xml.find("<saml2p:Status>")?)?;
    Some([before, text, after].concat())
}

fn repeated(xml: &str, start: &str, end: &str, count: usize) -> Option<String> {
    let from = xml.find(start)?;
    let to = xml.get(from..)?.find(end)?.checked_add(from)?.checked_add(end.len())?;
    Some([xml.get(..from)?, &xml.get(from..to)?.repeat(count), xml.get(to..)?].concat())
}
