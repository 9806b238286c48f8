//! The changes that a weak service makes to a message before it reads it.

use vouchsafe_crypto::{PrivateKey, Provider};
use vouchsafe_encryption::{DecryptionContext, decrypt};
use vouchsafe_testkit::keys;
use vouchsafe_xml::{Document, Limits};

/// Replaces every encrypted part by its decrypted content.
pub(crate) fn decrypted(text: &str) -> String {
    let own: PrivateKey = keys::service_provider().private_key().clone();
    let Ok(document) = Document::parse(text.as_bytes(), &Limits::default()) else { return text.to_owned() };
    let mut result = text.to_owned();
    let sealed: Vec<_> =
        document.elements().filter(|found| found.local_name() == "EncryptedAssertion").collect();
    for element in sealed.iter().rev() {
        let provider: &Provider = keys::provider();
        let limits = Limits::default();
        let mut context = DecryptionContext::new(std::slice::from_ref(&own), provider, &limits);
        if let Ok(opened) = decrypt(*element, &mut context) {
            let inside = String::from_utf8(opened.into_bytes()).unwrap();
            result.replace_range(element.source_range(), &inside);
        }
    }
    if result == text { result } else { decrypted(&result) }
}

/// Returns the text of a parser that stops after the first root, or of one that starts again with each root.
pub(crate) fn one_root(text: &str, first: Option<bool>) -> String {
    let end = "</saml2p:Response>";
    match (first, text.match_indices(end).count()) {
        (Some(true), 2) => text.split_inclusive(end).next().unwrap().to_owned(),
        (Some(false), 2) => text.split_inclusive(end).nth(1).unwrap().to_owned(),
        _ => text.to_owned(),
    }
}

/// Removes the DOCTYPE, and expands or drops internal entities.
pub(crate) fn without_doctype(text: &str, expand: bool) -> String {
    let Some((before, rest)) = text.split_once("<!DOCTYPE") else { return text.to_owned() };
    let (doctype, body) = match rest.split_once("]>") {
        Some((doctype, body)) => (doctype, body),
        None => rest.split_once('>').unwrap(),
    };
    let mut body = body.to_owned();
    for declaration in doctype.split("<!ENTITY ").skip(1) {
        let name = declaration.split_whitespace().next().unwrap();
        let value = declaration.split('"').nth(1).unwrap_or_default();
        let external = declaration.contains("SYSTEM");
        body = body.replace(&format!("&{name};"), if expand && !external { value } else { "" });
    }
    [before, &body].concat()
}
