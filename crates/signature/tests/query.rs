//! HTTP-Redirect queries: the signature covers raw bytes, and each parameter occurs once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    reason = "a test: a panic is its failure, and it prints what it counted"
)]

mod common;

use common::{KEY, OTHER_KEY, PROVIDER, RSA_KEY, trusted, with_every_algorithm};
use proptest::prelude::*;
use vouchsafe_crypto::SignatureAlgorithm;
use vouchsafe_signature::{MessageParameter, UnverifiedQuery, sign_query, verify_query};

const ECDSA: SignatureAlgorithm = SignatureAlgorithm::EcdsaSha256;

#[test]
fn every_algorithm() {
    let query = "SAMLResponse=fZJb%2B%2f%3D&RelayState=%2fa%20b";
    with_every_algorithm(|algorithm, key| {
        let signed = sign_query(query, algorithm, key, &PROVIDER).unwrap();
        let verified = verify_query(&signed, &[trusted(key)], &PROVIDER).unwrap();
        assert_eq!(verified.parameter(), MessageParameter::Response);
        assert_eq!(verified.message(), "fZJb+/=");
        assert_eq!(verified.relay_state(), Some("/a b"));
        assert_eq!(verified.evidence().algorithm(), algorithm);
        assert_eq!(verified.evidence().element(), "SAMLResponse");
        let shown = format!("{verified:?}");
        assert!(shown.contains("the key of the test") && !shown.contains("fZJb"), "{shown}");
    });
}

#[test]
fn the_order_in_the_url_does_not_matter_and_the_bytes_do() {
    let signed = sign_query("SAMLRequest=a%2bb&RelayState=s%2Ft", ECDSA, &KEY, &PROVIDER).unwrap();
    let keys = [trusted(&KEY)];
    let mut parts: Vec<&str> = signed.split('&').collect();
    parts.reverse();
    let reversed = format!("other=1&{}&&last", parts.join("&"));
    let verified = verify_query(&reversed, &keys, &PROVIDER).unwrap();
    assert_eq!((verified.message(), verified.relay_state()), ("a+b", Some("s/t")));
    for (from, to) in
        [("a%2bb", "a%2Bb"), ("s%2Ft", "s%2ft"), ("s%2Ft", "s/t"), ("SigAlg=http%3A", "SigAlg=http:")]
    {
        assert!(signed.contains(from), "{signed}");
        let error = verify_query(&signed.replace(from, to), &keys, &PROVIDER).unwrap_err();
        assert_eq!(error.code(), "signature.not_verified", "{from}: {error}");
    }
}

/// In base64 a plus sign is itself; in other values it is a space, as in forms.
#[test]
fn a_plus_is_a_space_where_it_can_be() {
    let signed = sign_query("SAMLRequest=a+b%2b&RelayState=s+t%2b", ECDSA, &KEY, &PROVIDER).unwrap();
    let verified = verify_query(&signed, &[trusted(&KEY)], &PROVIDER).unwrap();
    assert_eq!((verified.message(), verified.relay_state()), ("a+b+", Some("s t+")));
}

/// `??RelayState=...` was once decoded but not verified. All readers of a query use the same rules, and a parameter
/// that no signature covers is never returned.
#[test]
fn no_name_passes_for_another() {
    let signed = sign_query("SAMLRequest=aa", ECDSA, &KEY, &PROVIDER).unwrap();
    let keys = [trusted(&KEY)];
    for name in [
        "?RelayState",
        "??RelayState",
        "relaystate",
        "RELAYSTATE",
        "Relay%53tate",
        "Relay%2553tate",
        "%52elayState",
        "RelayState[]",
        "RelayState%5B%5D",
        "RelayState[0]",
        "RelayState%00",
        "RelayState%00x",
        "+RelayState",
        "RelayState+",
        "%20RelayState",
        "Relay.State",
        "Relay_State",
        "RelayState;",
        "SAMLRe%71uest",
        "samlrequest",
        "?SAMLResponse",
        "SAMLResponse[]",
        "sigalg",
        "Signature%20",
        "%3FSignature",
        "SAML%45ncoding",
    ] {
        for query in
            [format!("{name}=evil&{signed}"), format!("{signed}&{name}=evil"), format!("{signed}&{name}")]
        {
            let verified = verify_query(&query, &keys, &PROVIDER).map(|_| ()).unwrap_err();
            assert_eq!(verified.code(), "signature.query", "{query}");
            let unverified = UnverifiedQuery::read(&query).map(|_| ()).unwrap_err();
            assert_eq!(unverified.code(), "signature.query", "{query}");
            assert_eq!(
                sign_query(&format!("SAMLRequest=aa&{name}=evil"), ECDSA, &KEY, &PROVIDER)
                    .unwrap_err()
                    .code(),
                "signature.query"
            );
        }
    }
}

/// A parameter of another name belongs to somebody else, since an endpoint may have a query of its own. It is not
/// signed, and no function returns it.
#[test]
fn parameters_of_other_names_are_not_read() {
    let signed = sign_query("SAMLRequest=aa&RelayState=bb", ECDSA, &KEY, &PROVIDER).unwrap();
    for other in
        ["x=y", "RelayStates=evil", "MyRelayState=evil", "=", "=evil", "x", "SAMLart=evil", "State=evil"]
    {
        let query = format!("{other}&{signed}&{other}");
        let verified = verify_query(&query, &[trusted(&KEY)], &PROVIDER).unwrap();
        assert_eq!((verified.message(), verified.relay_state()), ("aa", Some("bb")), "{other}");
        let unverified = UnverifiedQuery::read(&query).unwrap();
        assert_eq!(
            (unverified.message(), unverified.relay_state()),
            (verified.message(), Some("bb")),
            "{other}"
        );
    }
}

/// An equals sign in a value is a part of it, for the signature and for the reader alike.
#[test]
fn the_first_equals_sign_ends_the_name() {
    let signed = sign_query("SAMLRequest=aa==&RelayState==b=", ECDSA, &KEY, &PROVIDER).unwrap();
    let verified = verify_query(&signed, &[trusted(&KEY)], &PROVIDER).unwrap();
    assert_eq!((verified.message(), verified.relay_state()), ("aa==", Some("=b=")));
    let altered = signed.replace("RelayState==b=", "RelayState=b=");
    assert_eq!(
        verify_query(&altered, &[trusted(&KEY)], &PROVIDER).unwrap_err().code(),
        "signature.not_verified"
    );
}

/// Decoders disagree about these.
#[test]
fn a_value_has_one_reading() {
    for value in ["%", "%2", "%zz", "%u0041", "a%", "%ff", "%c3", "%ED%A0%80"] {
        let signed =
            sign_query(&format!("SAMLRequest=aa&RelayState={value}"), ECDSA, &KEY, &PROVIDER).unwrap();
        let error = verify_query(&signed, &[trusted(&KEY)], &PROVIDER).unwrap_err();
        assert_eq!(error.code(), "signature.query", "{value}");
    }
    for byte in [" ", "\t", "\n", "\0", "#", "é", "\u{200b}"] {
        let query = format!("SAMLRequest=aa&RelayState=b{byte}");
        assert_eq!(
            UnverifiedQuery::read(&query).map(|_| ()).unwrap_err().code(),
            "signature.query",
            "{byte:?}"
        );
    }
}

/// Each row has a change of the signed query and the code of the refusal.
#[test]
fn what_is_refused() {
    let signed = sign_query("SAMLRequest=aa&RelayState=bb", ECDSA, &KEY, &PROVIDER).unwrap();
    let without =
        |name: &str| signed.split('&').filter(|pair| !pair.starts_with(name)).collect::<Vec<_>>().join("&");
    let signature = signed.split("&Signature=").nth(1).unwrap();
    for (name, query, code) in [
        ("no message", without("SAMLRequest"), "signature.query"),
        ("no algorithm", without("SigAlg"), "signature.query"),
        ("no signature", without("Signature"), "signature.query"),
        ("relay state dropped", without("RelayState"), "signature.not_verified"),
        ("message twice", format!("{signed}&SAMLRequest=aa"), "signature.query"),
        ("the other message too", format!("{signed}&SAMLResponse=aa"), "signature.query"),
        ("relay state twice", format!("RelayState=cc&{signed}"), "signature.query"),
        ("algorithm twice", format!("{signed}&SigAlg="), "signature.query"),
        ("signature twice", format!("{signed}&Signature={signature}"), "signature.query"),
        ("an escaped name", format!("{signed}&SAML%52equest=cc"), "signature.query"),
        ("an escaped name alone", signed.replace("RelayState=", "Relay%53tate="), "signature.query"),
        ("a name without value", format!("{}&RelayState", without("RelayState")), "signature.query"),
        ("another message", signed.replace("=aa", "=ab"), "signature.not_verified"),
        ("the other parameter", signed.replace("SAMLRequest", "SAMLResponse"), "signature.not_verified"),
        ("another relay state", signed.replace("=bb", "=bc"), "signature.not_verified"),
        ("another algorithm", signed.replace("ecdsa-sha256", "ecdsa-sha512"), "signature.not_verified"),
        ("another kind of key", signed.replace("ecdsa-sha256", "rsa-sha256"), "signature.no_fitting_key"),
        ("HMAC", signed.replace("ecdsa-sha256", "hmac-sha256"), "signature.algorithm"),
        ("the URI of parameterised PSS", signed.replace("ecdsa-sha256", "rsa-pss"), "signature.algorithm"),
        ("no base64", signed.replace("&Signature=", "&Signature=*"), "signature.base64"),
        ("not UTF-8", signed.replace("SigAlg=http", "SigAlg=%ff"), "signature.query"),
        ("another encoding", format!("{signed}&SAMLEncoding=urn%3Ax"), "signature.query"),
        ("empty", String::new(), "signature.query"),
        ("a URL", format!("https://sp.example.com/slo?{signed}"), "signature.query"),
    ] {
        let error = verify_query(&query, &[trusted(&KEY)], &PROVIDER).expect_err(name);
        assert_eq!(error.code(), code, "{name}: {error}");
    }
    for (keys, code) in [(vec![], "signature.no_keys"), (vec![trusted(&OTHER_KEY)], "signature.not_verified")]
    {
        assert_eq!(verify_query(&signed, &keys, &PROVIDER).unwrap_err().code(), code);
    }
    let encoding = "&SAMLEncoding=urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE";
    verify_query(&format!("{signed}{encoding}"), &[trusted(&KEY)], &PROVIDER).unwrap();
}

#[test]
fn an_algorithm_that_is_never_used_is_refused_with_the_reason() {
    let signed = sign_query("SAMLRequest=aa", ECDSA, &KEY, &PROVIDER).unwrap();
    let used = "http%3A%2F%2Fwww.w3.org%2F2001%2F04%2Fxmldsig-more%23ecdsa-sha256";
    assert!(signed.contains(used));
    for (name, reason) in [
        ("hmac-sha256", "HMAC needs a shared secret"),
        ("dsa-sha256", "DSA is not used for messages"),
        ("rsa-md5", "its digest is broken"),
        ("rsa-ripemd160", "its digest is broken"),
        ("rsa-md2", "its digest is broken"),
        ("rsa-pss", "its parameters have no place here"),
        ("ecdsa-sha1", "ECDSA with SHA-1 is not implemented"),
        ("rsa-sha256x", "not a signature algorithm known here"),
    ] {
        let query = signed.replace(used, &format!("urn:x%23{name}"));
        let error = verify_query(&query, &[trusted(&KEY)], &PROVIDER).unwrap_err();
        assert_eq!(error.code(), "signature.algorithm", "{name}");
        assert!(error.to_string().contains(reason), "{name}: {error}");
    }
}

#[test]
fn only_a_bare_query_is_signed() {
    for query in [
        "",
        "RelayState=a",
        "SAMLRequest=a&SAMLResponse=b",
        "RelayState=b&SAMLRequest=a",
        "SAMLRequest=a&x=y",
        "SAMLRequest=a&",
        "SAMLRequest=a&SigAlg=b",
        "SAMLRequest=a&Signature=b",
        "SAMLRequest=a&SAMLRequest=a",
    ] {
        let error = sign_query(query, ECDSA, &KEY, &PROVIDER).expect_err(query);
        assert_eq!(error.code(), "signature.query", "{query}");
    }
    let error = sign_query("SAMLRequest=a", SignatureAlgorithm::RsaSha1, &RSA_KEY, &PROVIDER).unwrap_err();
    assert_eq!(error.code(), "signature.algorithm");
}

proptest! {
    /// Whatever byte of a signed query changes, it verifies only if what is read from it is what was signed.
    #[test]
    fn a_changed_byte_is_noticed(at in 0_usize..400, byte in 0x20_u8..0x7f) {
        static SIGNED: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
            sign_query("SAMLRequest=fZJ%2b&RelayState=home", ECDSA, &KEY, &PROVIDER).unwrap()
        });
        let mut changed = SIGNED.clone().into_bytes();
        let at = at % changed.len();
        changed[at] = byte;
        let changed = String::from_utf8(changed).unwrap();
        if let Ok(verified) = verify_query(&changed, &[trusted(&KEY)], &PROVIDER) {
            prop_assert_eq!(verified.message(), "fZJ+");
            prop_assert_eq!(verified.relay_state(), Some("home"));
        }
    }
}
