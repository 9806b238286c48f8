//! What is signed verifies, and its bytes are those of the document before.

use vouchsafe::crypto::DigestAlgorithm;
use vouchsafe::signature::{Place, Signer, sign, verify};
use vouchsafe::xml::{Canonicalization, Document, Element, Limits, canonicalize};

use crate::generator::{self, Choices, INNER_ID, ROOT_ID};
use crate::{METHODS, PREFIX_LISTS, keys};

/// The property of the target of that name.
pub fn check(data: &[u8]) {
    let mut choices = Choices::new(data);
    let settings = Settings::chosen(&mut choices);
    let text = match str::from_utf8(choices.rest()) {
        Ok(own) if own.trim_start().starts_with('<') => own.to_owned(),
        _ => generator::document(&mut choices),
    };
    let Ok(document) = Document::parse(text.as_bytes(), &Limits::default()) else { return };
    // An inner element first: to sign it afterwards would change what the outer signature covers.
    let inner = find(&document, INNER_ID).is_some();
    let signed = if inner { round_trip(&text, INNER_ID, &settings) } else { Some(text) };
    let Some(signed) = signed else { return };
    let outer = round_trip(&signed, ROOT_ID, &settings);
    if let Some(outer) = outer
        && inner
        && settings.method.is_exclusive()
    {
        let document = Document::parse(outer.as_bytes(), &Limits::default()).expect("it was read before");
        let element = find(&document, INNER_ID).expect("it was there before");
        let verdict = verify(element, keys::trusted_keys(), keys::provider(), &Limits::default());
        assert!(verdict.is_ok(), "the outer signature broke the inner one: {verdict:?}");
    }
}

struct Settings {
    method: Canonicalization,
    prefixes: &'static [&'static str],
    digest: DigestAlgorithm,
    place: Place,
}

impl Settings {
    fn chosen(choices: &mut Choices<'_>) -> Self {
        let method = choices.one_of(&METHODS);
        let prefixes = choices.one_of(&PREFIX_LISTS);
        // A PrefixList is a list of names: the empty one is written #default.
        let prefixes = if method.is_exclusive() && !prefixes.contains(&"") { prefixes } else { &[] };
        let digest =
            choices.one_of(&[DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha512]);
        let place = choices.one_of(&[Place::AfterIssuer, Place::First]);
        Self { method, prefixes, digest, place }
    }
}

/// The signed text, if the element can be signed at all.
fn round_trip(text: &str, id: &str, settings: &Settings) -> Option<String> {
    let (limits, provider) = (Limits::default(), keys::provider());
    let before = Document::parse(text.as_bytes(), &limits).ok()?;
    let mut expected = Vec::new();
    let method = settings.method.without_comments();
    canonicalize(find(&before, id)?, method, settings.prefixes, None, &mut expected).ok()?;

    let signer = Signer::new(keys::trusted()).canonicalization(settings.method).digest(settings.digest);
    let signer = signer.inclusive_prefixes(settings.prefixes).place(settings.place);
    let signed = match sign(text, id, &signer, provider, &limits) {
        Ok(signed) => signed,
        Err(error) => {
            let code = error.code();
            let known = ["signature.already_signed", "signature.id_repeated", "signature.count", "xml.limit"];
            assert!(known.contains(&code), "refused to sign: {error}");
            return None;
        }
    };
    let document = Document::parse(signed.as_bytes(), &limits).expect("a signed document is well-formed");
    let element = find(&document, id).expect("the element is still there");
    let verified =
        verify(element, keys::trusted_keys(), provider, &limits).expect("our own signature verifies");
    assert_eq!(
        String::from_utf8_lossy(verified.bytes()),
        String::from_utf8_lossy(&expected),
        "the bytes are not those of the document before"
    );
    assert!(verify(element, keys::untrusted_keys(), provider, &limits).is_err());
    Some(signed)
}

fn find<'d>(document: &'d Document, id: &str) -> Option<Element<'d>> {
    document.elements().find(|element| element.attribute("ID") == Some(id))
}
