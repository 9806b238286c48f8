//! libxmlsec1: does a signature verify, and make one.

use libxml::readonly::RoNode;
use libxml::tree::Node;
use vouchsafe_crypto::PublicKey;
use xmlsec::{XmlSecDocumentExt, XmlSecKey, XmlSecKeyFormat, XmlSecSignatureContext};

use crate::Tree;

/// What libxmlsec1 says of one signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A key verifies it and every digest fits.
    Verified,
    /// No key does, or a digest does not fit, or it cannot be processed.
    Refused,
    /// Nothing to judge by: no key, or none that it can load. Nor is a signature judged that would have it open files or connections, or
    /// run a stylesheet.
    None,
}

impl Verdict {
    /// The word for it in `disagreements.toml`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Refused => "refused",
            Self::None => "no verdict",
        }
    }
}

/// Judges the `number`th signature of a document with each of the keys; `ids` are the names of attributes that identify.
///
/// What stands in the KeyInfo plays no part: libxmlsec1 does not look there when it is given a key.
#[must_use]
pub fn verify(bytes: &[u8], number: usize, ids: &[&str], keys: &[PublicKey]) -> Verdict {
    let mut verdict = Verdict::None;
    for key in keys {
        // Afresh for each key: to verify marks the tree.
        let Some(tree) = Tree::read(bytes) else { return Verdict::Refused };
        let _lock = crate::lock();
        if !identified(&tree, ids) {
            return Verdict::Refused;
        }
        let Some(signature) = signatures(&tree).into_iter().nth(number) else { return Verdict::Refused };
        if reaches_out(&signature) {
            return Verdict::None;
        }
        let pem = key.to_pem();
        let Ok(key) = XmlSecKey::from_memory(pem.as_bytes(), XmlSecKeyFormat::Pem, None) else { continue };
        let mut context = XmlSecSignatureContext::new();
        context.insert_key(key);
        verdict = Verdict::Refused;
        if context.verify_node(&signature).unwrap_or(false) {
            return Verdict::Verified;
        }
    }
    verdict
}

/// Fills the only signature of a document, a template whose values are empty, with a private key in PKCS#8.
///
/// # Errors
/// What went wrong, in a few words.
pub fn sign(bytes: &[u8], pkcs8_pem: &str) -> Result<String, String> {
    let tree = Tree::read(bytes).ok_or("libxml2 does not read it")?;
    let _lock = crate::lock();
    if !identified(&tree, &["ID"]) {
        return Err("an identifier occurs twice".to_owned());
    }
    let signature = signatures(&tree).into_iter().next().ok_or("no signature")?;
    let key = XmlSecKey::from_memory(pkcs8_pem.as_bytes(), XmlSecKeyFormat::Pem, None);
    let mut context = XmlSecSignatureContext::new();
    context.insert_key(key.map_err(|error| error.to_string())?);
    context.sign_node(&signature).map_err(|error| error.to_string())?;
    Ok(tree.document.to_string())
}

/// Tells libxml2 which attributes are identifiers; false if one occurs twice.
fn identified(tree: &Tree, ids: &[&str]) -> bool {
    ids.iter().all(|id| {
        let search = format!("//*[@{id}]");
        let none = tree.document.get_root_readonly().is_none_or(|root| !any_has(root, id));
        none || tree.document.specify_idattr(&search, id, None).is_ok()
    })
}

fn any_has(node: RoNode, attribute: &str) -> bool {
    node.has_attribute(attribute)
        || node.get_child_elements().into_iter().any(|child| any_has(child, attribute))
}

/// Whether something is referenced outside the document, or a stylesheet stands in a transform.
fn reaches_out(node: &Node) -> bool {
    let uri = node.get_attribute("URI").unwrap_or_default();
    let names_algorithm = node.get_attribute("Algorithm").unwrap_or_default();
    let outside = !uri.is_empty() && !uri.starts_with('#') && !uri.starts_with("urn:");
    outside
        || names_algorithm == "http://www.w3.org/TR/1999/REC-xslt-19991116"
        || node.get_child_elements().iter().any(reaches_out)
}

/// Every `ds:Signature` in document order.
fn signatures(tree: &Tree) -> Vec<Node> {
    let mut found = Vec::new();
    if let Some(root) = tree.document.get_root_element() {
        collect(root, &mut found);
    }
    found
}

fn collect(node: Node, found: &mut Vec<Node>) {
    let children = node.get_child_elements();
    let namespace = node.get_namespace().map(|namespace| namespace.get_href());
    if node.get_name() == "Signature" && namespace.as_deref() == Some(vouchsafe_xml::namespace::DSIG) {
        found.push(node);
    }
    for child in children {
        collect(child, found);
    }
}
