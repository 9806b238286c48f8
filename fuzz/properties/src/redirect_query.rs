//! A query string is read or refused, in the same way by whoever verifies it and by whoever decodes it.

use vouchsafe::crypto::SignatureAlgorithm;
use vouchsafe::redirect::{decode, decode_unverified, encode};
use vouchsafe::signature::{sign_query, verify_query};
use vouchsafe::{Limits, xml::Document};

use crate::keys;

/// The property of the target of that name.
pub fn check(data: &[u8]) {
    let Ok(query) = str::from_utf8(data) else { return };
    let limits = Limits::default();
    let provider = keys::provider();
    assert!(verify_query(query, keys::untrusted_keys(), provider).is_err(), "an untrusted key accepts");
    assert!(verify_query(query, &[], provider).is_err(), "no key accepts");
    let decoded = decode_unverified(query, &limits);
    if let Ok(decoded) = &decoded {
        assert!(decoded.bytes().len() <= limits.inflated_bytes);
        let _ = Document::parse(decoded.bytes(), &limits);
        if let Ok(text) = str::from_utf8(decoded.bytes()) {
            let again = encode(decoded.field(), text, decoded.relay_state());
            assert_eq!(
                decode_unverified(&again, &limits).ok().as_ref(),
                Some(decoded),
                "it reads differently again"
            );
        }
    }
    if verify_query(query, keys::trusted_keys(), provider).is_ok() {
        is_read_alike(query);
    }
    if let Ok(signed) = sign_query(query, SignatureAlgorithm::Ed25519, keys::trusted(), provider)
        // It signs raw bytes, whether or not their percent-encoding means anything.
        && verify_query(&signed, keys::trusted_keys(), provider).is_ok()
    {
        assert!(signed.starts_with(query));
        is_read_alike(&signed);
    }
}

/// Whoever decodes a query that was verified gets the message that was verified, and whoever decodes it without verifying gets no other.
fn is_read_alike(query: &str) {
    let limits = Limits::default();
    let verified =
        verify_query(query, keys::trusted_keys(), keys::provider()).expect("it was verified before");
    let (decoded, unverified) = (decode(&verified, &limits), decode_unverified(query, &limits));
    assert_eq!(decoded.is_ok(), unverified.is_ok(), "one of the two refuses it");
    let (Ok(decoded), Ok(unverified)) = (decoded, unverified) else { return };
    assert_eq!(decoded.field(), verified.parameter().name());
    assert_eq!(decoded.relay_state().map(|state| state.as_str()), verified.relay_state());
    assert_eq!(decoded.field(), unverified.field());
    assert_eq!(decoded.bytes(), unverified.bytes());
    assert_eq!(decoded.relay_state(), unverified.relay_state());
}
