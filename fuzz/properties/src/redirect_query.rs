//! A query string is read or refused, in the same way by whoever verifies it and by whoever decodes it.

use vouchsafe::crypto::{SignatureAlgorithm, base64_decode};
use vouchsafe::redirect::{decode, encode};
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
    let decoded = decode(query, &limits);
    if let Ok(decoded) = &decoded {
        assert!(decoded.octets().len() <= limits.inflated_bytes);
        let _ = Document::parse(decoded.octets(), &limits);
        if let Ok(text) = str::from_utf8(decoded.octets()) {
            let again =
                encode(decoded.field(), text, decoded.relay_state()).expect("any text can be encoded");
            assert_eq!(decode(&again, &limits).ok().as_ref(), Some(decoded), "it reads differently again");
        }
    }
    if verify_query(query, keys::trusted_keys(), provider).is_ok() {
        is_read_alike(query);
    }
    if let Ok(signed) = sign_query(query, SignatureAlgorithm::Ed25519, keys::trusted(), provider)
        // It signs raw octets, whether or not their percent-encoding means anything.
        && verify_query(&signed, keys::trusted_keys(), provider).is_ok()
    {
        assert!(signed.starts_with(query));
        is_read_alike(&signed);
    }
}

/// Whoever decodes a query that was verified gets the message that was verified, or nothing.
fn is_read_alike(query: &str) {
    let verified =
        verify_query(query, keys::trusted_keys(), keys::provider()).expect("it was verified before");
    let Ok(decoded) = decode(query, &Limits::default()) else { return };
    assert_eq!(decoded.field(), verified.parameter().name());
    assert_eq!(decoded.relay_state().map(|state| state.as_str()), verified.relay_state());
    let raw = base64_decode(verified.message()).expect("what was decoded is base64");
    let other = format!("{}={}", decoded.field(), percent_encoded(&raw));
    let again = decode(&other, &Limits::default()).expect("the verified message is what was decoded");
    assert_eq!(decoded.octets(), again.octets(), "another message was verified than was decoded");
}

fn percent_encoded(octets: &[u8]) -> String {
    let base64 = vouchsafe::crypto::base64_encode(octets);
    base64.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
}
