//! Whatever is done to signed documents: untrusted keys accept nothing, and the trusted key accepts only bytes that it
//! has signed.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use vouchsafe::signature::{Verified, has_signature, signature_child, verify, verify_any};
use vouchsafe::xml::{Canonicalization, Document, Element, Limits, canonicalize, namespace};
use vouchsafe_testkit::{Attribute, IdentityProvider, KeyPair, Part, Signed};

use crate::{PREFIX_LISTS, keys, script};

/// The property of the target of that name.
pub fn check(data: &[u8]) {
    let _ = accepted(data);
}

/// How many signatures of the document the trusted key accepts.
#[must_use]
pub fn accepted(data: &[u8]) -> usize {
    let mut accepted = 0_usize;
    let limits = Limits::default();
    let text = script::document(data, originals());
    let Ok(document) = Document::parse(&text, &limits) else { return 0 };
    let provider = keys::provider();
    for element in document.elements().filter(|element| has_signature(*element)).take(8) {
        let (trusted, untrusted) = (keys::trusted_keys(), keys::untrusted_keys());
        assert!(verify(element, untrusted, provider, &limits).is_err(), "an untrusted key accepts");
        assert!(verify(element, &[], provider, &limits).is_err(), "no key accepts");
        assert!(verify_any(&document, Some(element), untrusted, provider, &limits).is_err());
        if let Ok(verified) = verify(element, trusted, provider, &limits) {
            is_what_was_signed(element, &verified);
            accepted = accepted.saturating_add(1);
        }
        if let Ok(verified) = verify_any(&document, Some(element), trusted, provider, &limits) {
            is_what_was_signed(element, &verified);
        }
    }
    accepted
}

fn is_what_was_signed(element: Element<'_>, verified: &Verified) {
    assert!(signed().contains(verified.bytes()), "accepted bytes that nobody signed");
    assert!(matches!(signature_child(element), Ok(Some(_))));
    let evidence = verified.evidence();
    assert_eq!(evidence.key_label(), "trusted");
    assert_eq!(evidence.element(), element.local_name());
    let id = evidence.reference_id().expect("the originals have identifiers");
    let same = element.document().elements().filter(|other| other.attribute("ID") == Some(id));
    assert!(same.eq([element]), "the identifier {id} names another element, or several");
}

/// Signed documents: which of Response and Assertion, how canonicalized, and with prefixes in values or not.
pub fn originals() -> &'static [String] {
    static ORIGINALS: LazyLock<Vec<String>> =
        LazyLock::new(|| originals_by(&KeyPair::new(keys::trusted().clone(), keys::certificate().clone())));
    &ORIGINALS
}

/// The same documents, signed with another key.
#[must_use]
pub fn originals_by(key: &KeyPair) -> Vec<String> {
    let mut all = Vec::new();
    for signed in [Signed::Both, Signed::Response, Signed::Assertion] {
        for method in [
            Canonicalization::EXCLUSIVE,
            Canonicalization::INCLUSIVE,
            Canonicalization::INCLUSIVE_11,
            Canonicalization::EXCLUSIVE_WITH_COMMENTS,
        ] {
            let mut response =
                IdentityProvider::okta().response().key(key).sign(signed).canonicalization(method);
            if all.len().is_multiple_of(2) {
                response = response.omit(Part::ValueType);
            }
            let response = response.omit(Part::KeyInfo).in_response_to("_request");
            let issued = response.attribute(Attribute::new("groups", ["admins", "é"])).issue();
            all.push(issued.expect("the kit can issue").into_xml());
        }
    }
    all
}

/// The bytes under the signatures of the originals.
fn signed() -> &'static BTreeSet<Vec<u8>> {
    static SIGNED: LazyLock<BTreeSet<Vec<u8>>> = LazyLock::new(|| {
        let mut all = BTreeSet::new();
        for original in originals() {
            let document = Document::parse(original.as_bytes(), &Limits::default()).expect("well-formed");
            for signature in document.elements().filter(|element| element.is(namespace::DSIG, "Signature")) {
                let element = signature.parent().expect("no root");
                let method = method_of(signature);
                for prefixes in PREFIX_LISTS {
                    let mut bytes = Vec::new();
                    canonicalize(element, method, prefixes, Some(signature), &mut bytes)
                        .expect("no longer than allowed");
                    all.insert(bytes);
                }
            }
        }
        all
    });
    &SIGNED
}

fn method_of(signature: Element<'_>) -> Canonicalization {
    let last = signature.descendants().filter(|element| element.is(namespace::DSIG, "Transform")).last();
    let uri = last.and_then(|transform| transform.attribute("Algorithm")).unwrap_or_default();
    Canonicalization::from_uri(uri).expect("the kit names a canonicalization").without_comments()
}
