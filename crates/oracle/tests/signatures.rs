//! The same signatures, judged by us and by libxmlsec1; what one makes, the other verifies.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use vouchsafe_crypto::{DigestAlgorithm, Provider, PublicKey, SignatureAlgorithm};
use vouchsafe_fuzz_properties::generator::{self, Choices, ROOT_ID};
use vouchsafe_fuzz_properties::{METHODS, script, seeds, signature_locate};
use vouchsafe_oracle::{
    Comparison, Message, Verdict, keys_beside, keys_of_file, messages, shared, sign as sign_by_xmlsec,
    signed_files, verify as verify_by_xmlsec,
};
use vouchsafe_signature::{Place, Signer, TrustedKey, sign, verify, verify_any};
use vouchsafe_testkit::{KeyPair, keys};
use vouchsafe_xml::{Canonicalization, Document, Element, Limits, namespace};

#[test]
fn signatures_of_xml_dsig() {
    let Some(shared) = shared() else { return };
    let ids = ["Id", "ID", "id"];
    judged("dsig", signed_files(&shared), &ids);
}

#[test]
fn signatures_of_saml_messages() {
    let Some(shared) = shared() else { return };
    judged("saml", messages(&shared), &["ID"]);
}

fn judged(set: &'static str, messages: Vec<Message>, ids: &[&str]) {
    let (provider, mut comparison) = (legacy(), Comparison::of(set));
    for message in messages {
        let document = Document::parse(&message.bytes, &Limits::metadata());
        for (number, file) in &message.signatures {
            let case = format!("{}#{number}", message.name);
            let signature = document.as_ref().ok().and_then(|it| signatures(it).nth(*number));
            let mut keys: Vec<PublicKey> =
                file.iter().flat_map(|file| keys_of_file(file, &provider)).collect();
            if keys.is_empty() || set == "dsig" {
                keys.extend(signature.into_iter().flat_map(|signature| keys_beside(signature, &provider)));
            }
            let theirs = verify_by_xmlsec(&message.bytes, *number, ids, &keys);
            let ours = match (&document, signature) {
                (Err(error), _) => error.code(),
                (Ok(_), None) => "no signature",
                (Ok(document), Some(signature)) => {
                    our_verdict(document, signature, &keys, &provider, message.is_metadata)
                }
            };
            let accepts = (ours == "verified", theirs == Verdict::Verified);
            comparison.record(&case, accepts, ours, theirs.word());
        }
    }
    comparison.finish();
}

/// Scripts as the fuzz target `signature_locate` takes them, over documents signed with a key that libxmlsec1 knows: those that it
/// begins with, and some that are drawn.
#[test]
fn rearranged_documents() {
    let mut comparison = Comparison::of("rearranged");
    let originals = signature_locate::originals_by(keys::identity_provider_p256());
    let public = keys::identity_provider_p256().private_key().public_key().clone();
    for (number, original) in originals.iter().enumerate() {
        rearranged(&format!("original {number}"), original.as_bytes(), &public, &mut comparison);
    }
    for (number, seed) in seeds::scripts().chain(drawn(1500)).enumerate() {
        let text = script::document(&seed, &originals);
        rearranged(&format!("script {number}"), &text, &public, &mut comparison);
    }
    comparison.finish();
}

/// Scripts of up to four steps, the same ones each time.
fn drawn(count: usize) -> impl Iterator<Item = Vec<u8>> {
    let mut runner = TestRunner::deterministic();
    let steps = (any::<u8>(), prop::collection::vec(any::<[u8; 4]>(), 1..5));
    (0..count).map(move |_| {
        let (number, steps) = steps.new_tree(&mut runner).unwrap().current();
        [&[script::MARK, number][..], &steps.concat()].concat()
    })
}

fn rearranged(name: &str, text: &[u8], key: &PublicKey, comparison: &mut Comparison) {
    let document = Document::parse(text, &Limits::default()).expect("scripts leave it well-formed");
    for (number, signature) in signatures(&document).enumerate() {
        let keys = std::slice::from_ref(key);
        let theirs = verify_by_xmlsec(text, number, &["ID"], keys);
        let ours = our_verdict(&document, signature, keys, &Provider::rustcrypto(), false);
        let accepts = (ours == "verified", theirs == Verdict::Verified);
        if accepts.0 != accepts.1 {
            let element = signature.parent().unwrap();
            let verdict = verify(element, &[], &Provider::rustcrypto(), &Limits::default());
            println!("{name}#{number}: {}", verdict.unwrap_err());
        }
        comparison.record(&format!("{name}#{number}"), accepts, ours, theirs.word());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// What we sign, libxmlsec1 verifies, and no longer when a character of it changes.
    #[test]
    fn what_we_sign_it_verifies(
        bytes in prop::collection::vec(any::<u8>(), 0..120),
        settings in settings(),
        broken in any::<prop::sample::Index>(),
    ) {
        let text = generator::document(&mut Choices::new(&bytes));
        prop_assume!(is_read_alike(&text));
        let key = settings.key();
        let signer = Signer::new(key.private_key())
            .canonicalization(settings.method)
            .digest(settings.digest)
            .algorithm(settings.algorithm)
            .inclusive_prefixes(settings.prefixes())
            .place(settings.place);
        let signed = sign(&text, ROOT_ID, &signer, &Provider::rustcrypto(), &Limits::default()).unwrap();
        let keys = [key.private_key().public_key().clone()];
        let verdict = verify_by_xmlsec(signed.as_bytes(), 0, &["ID"], &keys);
        prop_assert_eq!(verdict, Verdict::Verified, "{}", signed);
        let other = [keys::attacker_p256(), keys::attacker()].map(|key| key.private_key().public_key().clone());
        prop_assert_eq!(verify_by_xmlsec(signed.as_bytes(), 0, &["ID"], &other), Verdict::Refused);

        // One character of a text or value becomes another: both judges say the same.
        let letters: Vec<usize> = signed.match_indices('x').map(|(at, _)| at).collect();
        if !letters.is_empty() {
            let at = letters[broken.index(letters.len())];
            let broken = format!("{}y{}", &signed[..at], &signed[at + 1..]);
            same_verdict(&broken, &keys)?;
        }
    }

    /// What libxmlsec1 signs, we verify.
    #[test]
    fn what_it_signs_we_verify(bytes in prop::collection::vec(any::<u8>(), 0..120), settings in settings()) {
        let text = generator::document(&mut Choices::new(&bytes));
        prop_assume!(is_read_alike(&text));
        let key = settings.key();
        let signer = Signer::new(key.private_key())
            .canonicalization(settings.method)
            .digest(settings.digest)
            .algorithm(settings.algorithm)
            .inclusive_prefixes(settings.prefixes())
            .place(settings.place);
        let ours = sign(&text, ROOT_ID, &signer, &Provider::rustcrypto(), &Limits::default()).unwrap();
        let template = emptied(&emptied(&ours, "DigestValue"), "SignatureValue");
        let signed = sign_by_xmlsec(template.as_bytes(), key.private_key().to_pkcs8_pem().as_str()).unwrap();
        let document = Document::parse(signed.as_bytes(), &Limits::default()).unwrap();
        let trusted = [TrustedKey::new(key.private_key().public_key().clone(), "xmlsec1")];
        let verdict = verify(document.root(), &trusted, &Provider::rustcrypto(), &Limits::default());
        prop_assert!(verdict.is_ok(), "{:?} for {}", verdict, signed);
    }
}

/// libxml2 changes an ampersand in a namespace name: see `disagreements.toml`, "canonical of generated".
fn is_read_alike(text: &str) -> bool {
    !text.contains("a&amp;b") && Document::parse(text.as_bytes(), &Limits::default()).is_ok()
}

fn same_verdict(text: &str, keys: &[PublicKey]) -> Result<(), TestCaseError> {
    let Ok(document) = Document::parse(text.as_bytes(), &Limits::default()) else { return Ok(()) };
    let Some(signature) = signatures(&document).next() else { return Ok(()) };
    let ours = our_verdict(&document, signature, keys, &Provider::rustcrypto(), false);
    let theirs = verify_by_xmlsec(text.as_bytes(), 0, &["ID"], keys);
    prop_assert_eq!(ours == "verified", theirs == Verdict::Verified, "{}: {}", ours, text);
    Ok(())
}

#[derive(Clone, Debug)]
struct Settings {
    method: Canonicalization,
    digest: DigestAlgorithm,
    algorithm: SignatureAlgorithm,
    with_prefixes: bool,
    place: Place,
}

impl Settings {
    fn key(&self) -> &'static KeyPair {
        match self.algorithm {
            SignatureAlgorithm::EcdsaSha256
            | SignatureAlgorithm::EcdsaSha384
            | SignatureAlgorithm::EcdsaSha512 => keys::identity_provider_p256(),
            _ => keys::identity_provider(),
        }
    }

    fn prefixes(&self) -> &'static [&'static str] {
        if self.with_prefixes && self.method.is_exclusive() {
            &["xs", "#default", "p", "missing"]
        } else {
            &[]
        }
    }
}

fn settings() -> impl Strategy<Value = Settings> {
    let digests = vec![DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha512];
    let algorithms = vec![
        SignatureAlgorithm::EcdsaSha256,
        SignatureAlgorithm::EcdsaSha384,
        SignatureAlgorithm::EcdsaSha512,
        SignatureAlgorithm::RsaSha256,
        SignatureAlgorithm::RsaSha384,
        SignatureAlgorithm::RsaSha512,
    ];
    let parts = (
        prop::sample::select(METHODS.to_vec()),
        prop::sample::select(digests),
        prop::sample::select(algorithms),
        any::<bool>(),
        prop::sample::select(vec![Place::First, Place::AfterIssuer]),
    );
    parts.prop_map(|(method, digest, algorithm, with_prefixes, place)| Settings {
        method,
        digest,
        algorithm,
        with_prefixes,
        place,
    })
}

fn our_verdict(
    document: &Document,
    signature: Element<'_>,
    keys: &[PublicKey],
    provider: &Provider,
    wide: bool,
) -> &'static str {
    let trusted: Vec<TrustedKey> = keys.iter().map(|key| TrustedKey::new(key.clone(), "oracle")).collect();
    let limits = Limits::metadata();
    let Some(element) = signature.parent() else { return "signature.missing" };
    let verdict = if wide {
        verify_any(document, Some(element), &trusted, provider, &limits)
    } else {
        verify(element, &trusted, provider, &limits)
    };
    verdict.map_or_else(|error| error.code(), |_| "verified")
}

fn signatures(document: &Document) -> impl Iterator<Item = Element<'_>> {
    document.elements().filter(|element| element.is(namespace::DSIG, "Signature"))
}

/// A signature whose value is to be filled in.
fn emptied(text: &str, name: &str) -> String {
    let (open, close) = (format!("<ds:{name}>"), format!("</ds:{name}>"));
    let (before, rest) = text.split_once(&open).unwrap();
    let (_, after) = rest.split_once(&close).unwrap();
    format!("{before}{open}{close}{after}")
}

/// Accepts what can be allowed at all: most of the material is old.
fn legacy() -> Provider {
    let sha1 = "http://www.w3.org/2000/09/xmldsig#sha1";
    let rsa_sha1 = "http://www.w3.org/2000/09/xmldsig#rsa-sha1";
    [sha1, rsa_sha1, "rsa-1024"]
        .iter()
        .fold(Provider::rustcrypto(), |provider, uri| provider.danger_allow(uri).unwrap())
}
