//! Signed queries that are bent with the value of a forged message, for whichever parameter has the message.

use vouchsafe_signature::{Signer, sign};
use vouchsafe_xml::Limits;

use crate::{KeyPair, LogoutBuilder, TestkitError, keys};

/// Bends a genuine query: gets the name of the parameter, the query, and the value of the forged message.
pub(super) type Bend = fn(&str, &str, &str) -> String;

/// The forged message behind the signed one, with a letter of its name escaped.
pub(super) fn escaped_behind(parameter: &str, genuine: &str, forged: &str) -> String {
    format!("{genuine}&{}={forged}", escaped(parameter))
}

/// The forged message before the signed one, with a letter of its name escaped.
pub(super) fn escaped_before(parameter: &str, genuine: &str, forged: &str) -> String {
    format!("{}={forged}&{genuine}", escaped(parameter))
}

/// The forged message behind the signed one.
pub(super) fn repeated_behind(parameter: &str, genuine: &str, forged: &str) -> String {
    format!("{genuine}&{parameter}={forged}")
}

/// The forged message before the signed one.
pub(super) fn repeated_before(parameter: &str, genuine: &str, forged: &str) -> String {
    format!("{parameter}={forged}&{genuine}")
}

/// The forged message as an element of an array, behind the signed one.
pub(super) fn array(parameter: &str, genuine: &str, forged: &str) -> String {
    format!("{genuine}&{parameter}[]={forged}")
}

/// The forged message behind a second question mark.
pub(super) fn question_mark(parameter: &str, genuine: &str, forged: &str) -> String {
    format!("?{parameter}={forged}&{genuine}")
}

/// The forged message in the place of the signed one.
pub(super) fn exchanged(parameter: &str, genuine: &str, forged: &str) -> String {
    let rest = genuine.split_once('&').map(|(_, rest)| rest).unwrap_or_default();
    format!("{parameter}={forged}&{rest}")
}

/// Returns a signed query with an empty signature.
pub(super) fn without_signature(signed: &str) -> String {
    let (before, _) = signed.split_once("&Signature=").unwrap_or((signed, ""));
    format!("{before}&Signature=")
}

/// Escapes the seventh letter of a name: `SAMLRe%71uest`, `SAMLRe%73ponse`.
fn escaped(parameter: &str) -> String {
    let mut letters = parameter.chars();
    let name: String = letters.by_ref().take(6).collect();
    let escaped = letters.next().map(|letter| format!("%{:02x}", u32::from(letter))).unwrap_or_default();
    format!("{name}{escaped}{}", letters.as_str())
}

/// Returns the message with an enveloped signature by this key, and its certificate.
pub(super) fn resigned(message: &LogoutBuilder, key: &KeyPair) -> Result<String, TestkitError> {
    let xml = message.xml()?;
    let id = xml.split_once(" ID=\"").and_then(|(_, rest)| rest.split_once('"')).map(|(id, _)| id);
    let signer = Signer::new(key.private_key()).certificate(key.certificate());
    Ok(sign(&xml, id.unwrap_or_default(), &signer, keys::provider(), &Limits::default())?)
}
