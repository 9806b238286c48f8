//! What decryption costs, counted in operations: the budget of a message, and that failures which depend on secrets cost the same.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::{PLAIN, around, public};
use vouchsafe_crypto::{
    Certificate, ContentCipher, KeyTransport, PrivateKey, Provider, base64_decode, base64_encode,
};
use vouchsafe_encryption::{
    DecryptionContext, EncryptOptions, EncryptionError, Opened, Recipient, decrypt, decrypt_document,
    decrypt_element, encrypt, encrypt_for,
};
use vouchsafe_testkit::counting::Counted;
use vouchsafe_testkit::{KeyPair, keys};
use vouchsafe_xml::{Document, Limits, NamespaceScope};

const CBC: ContentCipher = ContentCipher::Aes128Cbc;
const GCM: ContentCipher = ContentCipher::Aes128Gcm;

fn all() -> [&'static KeyPair; 3] {
    [keys::old_service_provider(), keys::service_provider(), keys::attacker()]
}

fn parsed(counted: &Counted, pairs: &[&KeyPair]) -> Vec<PrivateKey> {
    pairs.iter().map(|pair| counted.private_key(pair.private_key()).unwrap()).collect()
}

fn sealed_to(pair: &KeyPair, plain: &str, options: &EncryptOptions) -> String {
    around(&encrypt(plain, &public(pair), options, keys::provider()).unwrap())
}

/// Decrypts an element in the empty scope.
fn element(
    xml: &str,
    keys: &[PrivateKey],
    provider: &Provider,
    limits: &Limits,
) -> Result<Opened, EncryptionError> {
    let document = Document::parse(xml.as_bytes(), limits).unwrap();
    let mut context = DecryptionContext::new(keys, provider, limits);
    decrypt_element(document.root(), &NamespaceScope::empty(), &mut context).map(|(opened, _)| opened)
}

/// Whatever is wrong with the content, the keys after the one that fits are not tried.
#[test]
fn a_key_that_yields_a_content_key_is_final() {
    let counted = Counted::new();
    let (provider, limits) = (counted.provider(), Limits::default());
    let own = parsed(&counted, &all());
    for cipher in [GCM, CBC] {
        for (place, pair) in (1..).zip(all()) {
            let good = sealed_to(pair, PLAIN, &EncryptOptions::default().cipher(cipher));
            let no_xml = sealed_to(pair, "no element", &EncryptOptions::default().cipher(cipher));
            let cases = [
                (good.clone(), true),
                (no_xml, false),
                (changed(&good, |bytes| bytes.len().saturating_sub(17)), false),
                (changed(&good, |_| 0), false),
                (changed(&good, |_| 20), false),
            ];
            for (xml, opens) in cases {
                let _ = counted.take();
                let found = element(&xml, &own, &provider, &limits);
                let (private, _, contents) = counted.take();
                assert_eq!((private, contents), (place, 1), "{cipher:?} {found:?}");
                match found {
                    Ok(opened) => assert!(opens && opened.bytes() == PLAIN.as_bytes(), "{cipher:?}"),
                    Err(error) => assert!(!opens && format!("{error:?}") == "Failed", "{cipher:?}: {error}"),
                }
            }
        }
    }
}

/// There are two encrypted keys, and ours is the second. The first yields a key that somebody else chose, and is
/// final all the same.
#[test]
fn a_key_of_the_senders_choice_does_not_lead_to_another() {
    let counted = Counted::new();
    let (provider, limits) = (counted.provider(), Limits::default());
    let own = parsed(&counted, &[keys::service_provider()]);
    let options = EncryptOptions::default().cipher(CBC);
    let chosen = sealed_to(keys::service_provider(), "<a/>", &options);
    let captured = sealed_to(keys::service_provider(), PLAIN, &options);
    let (open, close) = ("<xenc:EncryptedKey", "</xenc:EncryptedKey>");
    let key = |xml: &str| {
        let (_, rest) = xml.split_once(open).unwrap();
        let (key, _) = rest.split_once(close).unwrap();
        [open, key, close].concat()
    };
    let (chosen, own_key) = (key(&chosen), key(&captured));
    for (keys_of_message, opens, operations) in
        [([&*own_key, &*chosen].concat(), true, 1), ([&*chosen, &*own_key].concat(), false, 1)]
    {
        let xml = captured.replacen(&own_key, &keys_of_message, 1);
        let _ = counted.take();
        assert_eq!(element(&xml, &own, &provider, &limits).is_ok(), opens);
        assert_eq!(counted.take(), (operations, 0, 1));
    }
}

/// RSA 1.5 never shows that its padding is wrong, so every pair is tried and every content is read, whatever the
/// result is.
#[test]
fn rsa_15_makes_a_constant_number_of_attempts() {
    let counted = Counted::new();
    let provider = counted.provider().danger_allow(KeyTransport::RSA_15_URI).unwrap();
    let limits = Limits::default();
    let own = parsed(&counted, &all());
    for cipher in [CBC, GCM] {
        let options = EncryptOptions::default().cipher(cipher).key_transport(KeyTransport::Rsa15);
        for pair in all().into_iter().chain([keys::identity_provider()]) {
            let good = sealed_to(pair, PLAIN, &options);
            let ours = all().iter().any(|own| std::ptr::eq(*own, pair));
            for (xml, opens) in [
                (good.clone(), ours),
                (sealed_to(pair, "no element", &options), false),
                (changed(&good, |_| 0), false),
                (changed(&good, |bytes| bytes.len().saturating_sub(17)), false),
                (changed_key(&good), false),
            ] {
                let _ = counted.take();
                let found = element(&xml, &own, &provider, &limits);
                assert_eq!(counted.take(), (3, 0, 3), "{cipher:?}");
                assert_eq!(found.is_ok(), opens, "{cipher:?} {found:?}");
            }
        }
    }
}

/// The budget is one for all elements that are decrypted with the same context.
#[test]
fn a_context_is_the_budget_of_a_message() {
    let counted = Counted::new();
    let (provider, limits) = (counted.provider(), Limits::default().with_private_key_operations(3));
    let own = parsed(&counted, &[keys::service_provider()]);
    let xml = sealed_to(keys::service_provider(), PLAIN, &EncryptOptions::default());
    let document = Document::parse(xml.as_bytes(), &limits).unwrap();
    let mut context = DecryptionContext::new(&own, &provider, &limits);
    for left in [2, 1, 0] {
        assert!(decrypt(document.root(), &mut context).is_ok());
        assert_eq!(context.operations_left(), left);
    }
    let error = decrypt(document.root(), &mut context).unwrap_err();
    assert_eq!(error.code(), "encryption.too_many_operations");
    assert!(error.to_string().contains("more than 3"), "{error}");
    assert_eq!(counted.private_key_operations(), 3);
    assert!(format!("{context:?}").contains("operations_left: 0"));
}

/// Eight encrypted keys and eight private keys make 64 pairs.
#[test]
fn one_element_cannot_take_more_than_the_budget() {
    let counted = Counted::new();
    let (provider, limits) = (counted.provider(), Limits::default());
    let own: Vec<_> = all().iter().cycle().take(8).map(|pair| parsed(&counted, &[pair]).remove(0)).collect();
    let other = public(keys::identity_provider());
    let recipients: Vec<_> = (0..8).map(|_| Recipient::new(&other)).collect();
    for transport in [None, Some(KeyTransport::Rsa15)] {
        let provider = provider.clone().danger_allow(KeyTransport::RSA_15_URI).unwrap();
        let options =
            transport.map_or(EncryptOptions::default(), |one| EncryptOptions::default().key_transport(one));
        let xml = around(&encrypt_for(PLAIN, &recipients, &options, keys::provider()).unwrap());
        let _ = counted.take();
        assert_eq!(element(&xml, &own, &provider, &limits).unwrap_err().code(), "encryption.failed");
        assert_eq!(counted.take().0, limits.private_key_operations);
    }
}

#[test]
fn a_document_for_people_has_one_budget_too() {
    let counted = Counted::new();
    let provider = counted.provider();
    let own = parsed(&counted, &[keys::attacker(), keys::service_provider()]);
    let part = || {
        encrypt("<b/>", &public(keys::service_provider()), &EncryptOptions::default(), keys::provider())
            .unwrap()
    };
    let xml = format!("<a>{}{}{}</a>", part(), part(), part());
    // The first part tries both keys, the other parts only the key that opened it.
    for (budget, code) in [(4, ""), (3, "encryption.too_many_operations")] {
        let limits = Limits::default().with_private_key_operations(budget);
        let _ = counted.take();
        let found = decrypt_document(&xml, &own, &provider, &limits);
        assert_eq!(found.map_or_else(|error| error.code(), |_| ""), code);
        assert_eq!(counted.take().0, budget);
    }
}

/// A certificate orders the attempts only by its key: its names are not read, even if they are malformed.
#[test]
fn the_key_of_a_certificate_counts_and_its_names_do_not() {
    let counted = Counted::new();
    let (provider, limits) = (counted.provider(), Limits::default());
    let own = parsed(&counted, &all());
    let certificate = keys::attacker().certificate();
    let subject = certificate.subject().strip_prefix("CN=").unwrap().as_bytes().to_vec();
    let mut der = certificate.der().to_vec();
    for at in 0..der.len().saturating_sub(subject.len()) {
        if der[at..].starts_with(&subject) {
            der[at..][..subject.len()].fill(0xff);
        }
    }
    let unreadable = Certificate::from_der(&der).unwrap();
    assert!(unreadable.subject().contains("ffffff"), "{}", unreadable.subject());
    let options = EncryptOptions::default().certificate(unreadable);
    let xml = sealed_to(keys::attacker(), PLAIN, &options);
    let _ = counted.take();
    assert!(element(&xml, &own, &provider, &limits).is_ok());
    assert_eq!(counted.take().0, 1, "the third key went first");
}

/// The content has wrong UTF-8 after texts of several lengths, or from its first byte.
#[test]
fn what_is_no_text_is_no_element() {
    let counted = Counted::new();
    let (provider, limits) = (counted.provider(), Limits::default());
    let own = parsed(&counted, &[keys::service_provider()]);
    let options = EncryptOptions::default().cipher(CBC);
    // In CBC a changed byte of one block changes the byte at its place in the next, and its own block to noise.
    let plain = format!("<a>{}</a>", "x".repeat(60));
    let good = sealed_to(keys::service_provider(), &plain, &options);
    assert!(element(&good, &own, &provider, &limits).is_ok());
    let document = Document::parse(changed(&good, |_| 3).as_bytes(), &limits).unwrap();
    let mut context = DecryptionContext::new(&own, &provider, &limits);
    assert_eq!(decrypt(document.root(), &mut context).unwrap_err().code(), "encryption.failed");
}

/// Flips the high bit of one byte of the content.
fn changed(xml: &str, place: fn(&[u8]) -> usize) -> String {
    changed_value(xml, 1, |bytes| {
        let at = place(bytes);
        bytes[at] ^= 0x80;
    })
}

fn changed_key(xml: &str) -> String {
    changed_value(xml, 0, |bytes| bytes[100] ^= 0x80)
}

fn changed_value(xml: &str, which: usize, change: impl Fn(&mut Vec<u8>)) -> String {
    let (open, close) = ("<xenc:CipherValue>", "</xenc:CipherValue>");
    let mut parts: Vec<String> = xml.split(open).map(str::to_owned).collect();
    let part = parts.iter_mut().skip(1).nth(which).unwrap();
    let (value, rest) = part.split_once(close).unwrap();
    let mut bytes = base64_decode(value.as_bytes()).unwrap();
    change(&mut bytes);
    *part = format!("{}{close}{rest}", base64_encode(&bytes));
    parts.join(open)
}
