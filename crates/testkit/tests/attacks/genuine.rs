//! Wrapping without a genuine signature would prove nothing. So each of these messages still contains a signature
//! that is valid for the moved element, checked with the verifier of the libraries.

use vouchsafe_crypto::Provider;
use vouchsafe_encryption::{DecryptionContext, decrypt};
use vouchsafe_signature::{TrustedKey, verify};
use vouchsafe_testkit::attacks::{self, Kind, Target};
use vouchsafe_testkit::keys;
use vouchsafe_xml::{Document, Element, Limits, namespace};

#[test]
fn wrapped_messages_hold_a_right_signature_over_the_genuine_element() {
    let target = Target::default().certificate(keys::service_provider().certificate());
    let mut count = 0;
    for kind in [Kind::Wrapping, Kind::DuplicateId] {
        for attack in attacks::of(kind).iter() {
            let forms = attack.forms(&target, None).unwrap();
            let xml = forms[0].xml();
            // This is not XML, so there is nothing to check.
            if attack.name() == "duplicate-id/attribute-twice" {
                continue;
            }
            let covered = texts(&xml).iter().filter_map(|text| genuine(text)).next();
            let covered =
                covered.unwrap_or_else(|| panic!("{}: no genuine signature in {xml}", attack.name()));
            assert!(covered.contains(attacks::ATTACKER), "{}: {covered}", attack.name());
            assert!(!covered.contains(attacks::VICTIM), "{}: {covered}", attack.name());
            let everything = texts(&xml).concat();
            assert!(everything.contains(attacks::VICTIM), "{}: nothing is forged", attack.name());
            count += 1;
        }
    }
    assert!(count > 70, "{count}");
}

/// Returns the message, and its encrypted parts.
fn texts(xml: &str) -> Vec<String> {
    let document = Document::parse(xml.as_bytes(), &Limits::default()).unwrap();
    let own = [keys::service_provider().private_key().clone()];
    let sealed = document.elements().filter(|element| element.local_name() == "EncryptedAssertion");
    let opened = sealed.map(|element| {
        let limits = Limits::default();
        let mut context = DecryptionContext::new(&own, keys::provider(), &limits);
        let opened = decrypt(element, &mut context).unwrap();
        let inside = String::from_utf8(opened.into_bytes()).unwrap();
        format!("<decrypted>{inside}</decrypted>")
    });
    std::iter::once(xml.to_owned()).chain(opened).collect()
}

/// Returns the bytes that a genuine signature in the text covers. Every signature and every element that it names is
/// tried.
fn genuine(text: &str) -> Option<String> {
    let document = Document::parse(text.as_bytes(), &Limits::default()).unwrap();
    let signatures = || document.elements().filter(|element| element.is(namespace::DSIG, "Signature"));
    signatures().find_map(|signature| {
        let reference = signature.descendants().find(|element| element.is(namespace::DSIG, "Reference"))?;
        let id = reference.attribute("URI")?.strip_prefix('#')?;
        let mut named = document.elements().filter(|element| element.attribute("ID") == Some(id));
        named.find_map(|element| verified(text, element, signature))
    })
}

/// Verifies the element alone, with the signature put back into its place.
fn verified(text: &str, element: Element<'_>, signature: Element<'_>) -> Option<String> {
    let mut whole = text[element.source_range()].to_owned();
    let start = element.source_range().start;
    // The original or the forged part may be inside the signature: neither belongs to it.
    let value: String = signature
        .elements()
        .filter(|child| child.namespace() == namespace::DSIG && child.local_name() != "Object")
        .map(|child| {
            let mut part = text[child.source_range()].to_owned();
            let foreign = child.descendants().find(|inner| inner.namespace().starts_with("urn:oasis:"));
            if let Some(foreign) = foreign {
                part = part.replace(&text[foreign.source_range()], "");
            }
            part
        })
        .collect();
    let rebuilt = format!("<ds:Signature xmlns:ds=\"{}\">{value}</ds:Signature>", namespace::DSIG);
    if element.contains(signature) {
        let range = signature.source_range();
        whole.replace_range(range.start - start..range.end - start, &rebuilt);
    } else {
        let issuer = element.elements().next()?.source_range();
        whole.insert_str(issuer.end - start, &rebuilt);
    }
    let document = Document::parse(whole.as_bytes(), &Limits::default()).ok()?;
    let key = keys::identity_provider().private_key().public_key().clone();
    let trusted = [TrustedKey::new(key, "the identity provider's")];
    let verified = verify(document.root(), &trusted, &Provider::rustcrypto(), &Limits::default()).ok()?;
    Some(String::from_utf8(verified.into_bytes()).unwrap())
}
