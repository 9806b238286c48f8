use vouchsafe_crypto::{PrivateKey, Provider};
use vouchsafe_xml::{Document, Element, Limits, Node, Writer, namespace};

use crate::EncryptionError;
use crate::decrypt::open;
use crate::structure::EncryptedData;

/// A document with each `xenc:EncryptedData` replaced by what it held, for people to read.
///
/// This is for tools. Signatures over ciphertext do not hold in what comes out, nothing is checked, comments and
/// processing instructions are left out. What was decrypted is searched for encrypted parts again, of which there may be
/// as many as `limits.encrypted_keys`.
///
/// # Errors
///
/// As [`decrypt`](crate::decrypt), for the first part that cannot be decrypted.
pub fn decrypt_document(
    document: &Document,
    keys: &[PrivateKey],
    provider: &Provider,
    limits: &Limits,
) -> Result<String, EncryptionError> {
    let root = document.root();
    if root.is(namespace::XMLENC, "EncryptedData") {
        let octets = open(&EncryptedData::read(root)?, keys, provider, limits)?.into_octets();
        return String::from_utf8(octets).map_err(|_| EncryptionError::Failed);
    }
    let mut copy = Copy { writer: Writer::new(), keys, provider, limits, left: limits.encrypted_keys };
    copy.element(root)?;
    Ok(copy.writer.finish()?)
}

struct Copy<'a> {
    writer: Writer,
    keys: &'a [PrivateKey],
    provider: &'a Provider,
    limits: &'a Limits,
    /// How many EncryptedData may still be decrypted.
    left: usize,
}

impl Copy<'_> {
    fn element(&mut self, element: Element<'_>) -> Result<(), EncryptionError> {
        if element.is(namespace::XMLENC, "EncryptedData") {
            return self.decrypted(element);
        }
        self.writer.start(element.qualified_name());
        self.declarations(element);
        for attribute in element.attributes() {
            if attribute.prefix.is_empty() {
                self.writer.attribute(attribute.local_name, attribute.value);
            } else {
                let name = format!("{}:{}", attribute.prefix, attribute.local_name);
                self.writer.attribute(&name, attribute.value);
            }
        }
        self.children(element)?;
        self.writer.end();
        Ok(())
    }

    fn children(&mut self, parent: Element<'_>) -> Result<(), EncryptionError> {
        for child in parent.children() {
            match child {
                Node::Element(element) => self.element(element)?,
                Node::Text(text) => {
                    self.writer.text(text);
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn decrypted(&mut self, encrypted: Element<'_>) -> Result<(), EncryptionError> {
        let Some(left) = self.left.checked_sub(1) else {
            let limit = self.limits.encrypted_keys;
            return Err(EncryptionError::TooManyKeys { found: limit.saturating_add(1), limit });
        };
        self.left = left;
        let opened = open(&EncryptedData::read(encrypted)?, self.keys, self.provider, self.limits)?;
        let plain = String::from_utf8(opened.into_octets()).map_err(|_| EncryptionError::Failed)?;
        let content = format!("<content>{}</content>", without_declaration(&plain));
        match Document::parse_in_scope(content.as_bytes(), &encrypted.scope(), self.limits) {
            Ok(inside) => self.children(inside.root())?,
            Err(_) => {
                self.writer.text(&plain);
            }
        }
        Ok(())
    }

    /// The namespaces that are bound here and not around it, and the default namespace if it ends here.
    fn declarations(&mut self, element: Element<'_>) {
        let around = element.parent().map(|parent| parent.scope()).unwrap_or_default();
        let here = element.scope();
        for (prefix, name) in here.bindings() {
            if around.namespace_of(prefix) != Some(name) {
                self.writer.namespace(prefix, name);
            }
        }
        if around.namespace_of("").is_some() && here.namespace_of("").is_none() {
            self.writer.namespace("", "");
        }
    }
}

/// The declaration that stands before an element which was serialised as a document of its own.
fn without_declaration(plain: &str) -> &str {
    let trimmed = plain.trim_start();
    if trimmed.starts_with("<?xml ") {
        trimmed.split_once("?>").map_or(plain, |(_, rest)| rest)
    } else {
        plain
    }
}
