//! HTTP-POST-SimpleSign forms: the signature covers the message itself, and each field occurs once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test: a panic is its failure"
)]

mod common;

use common::{KEY, OTHER_KEY, PROVIDER, RSA_KEY, trusted, with_every_algorithm};
use proptest::prelude::*;
use vouchsafe_crypto::{SignatureAlgorithm, base64_encode};
use vouchsafe_signature::{MessageParameter, UnsignedForm, sign_form, verify_form};

const ECDSA: SignatureAlgorithm = SignatureAlgorithm::EcdsaSha256;
const MESSAGE: &str = "<Response ID=\"a\">Grüße &amp; mehr</Response>\n";

type Fields = Vec<(&'static str, String)>;

fn signed(relay_state: Option<&str>) -> Fields {
    let form = sign_form(&response(MESSAGE, relay_state), ECDSA, &KEY, &PROVIDER);
    form.unwrap().fields().to_vec()
}

fn response<'m>(message: &'m str, relay_state: Option<&'m str>) -> UnsignedForm<'m> {
    UnsignedForm { parameter: MessageParameter::Response, message, relay_state }
}

/// Returns the same fields with another value in one of them.
fn with(fields: &Fields, name: &str, value: &str) -> Fields {
    let changed = |(other, old): &(&'static str, String)| {
        (*other, if *other == name { value.to_owned() } else { old.clone() })
    };
    fields.iter().map(changed).collect()
}

#[test]
fn every_algorithm() {
    with_every_algorithm(|algorithm, key| {
        let request =
            UnsignedForm { parameter: MessageParameter::Request, ..response(MESSAGE, Some("/a b")) };
        let form = sign_form(&request, algorithm, key, &PROVIDER).unwrap();
        let shown = format!("{request:?}");
        assert!(shown.contains("Request") && !shown.contains("mehr") && !shown.contains("/a b"), "{shown}");
        let verified = verify_form(form.fields(), &[trusted(key)], &PROVIDER).unwrap();
        assert_eq!(verified.parameter(), MessageParameter::Request);
        assert_eq!(verified.message(), MESSAGE.as_bytes());
        assert_eq!(verified.relay_state(), Some("/a b"));
        assert_eq!(verified.evidence().algorithm(), algorithm);
        assert_eq!((verified.evidence().element(), verified.evidence().digest()), ("SAMLRequest", None));
        let shown = format!("{verified:?}");
        assert!(shown.contains("the key of the test") && !shown.contains("mehr"), "{shown}");
        assert_eq!(format!("{form:?}"), r#"["SAMLRequest", "RelayState", "SigAlg", "Signature"]"#);
    });
}

/// Builds the bytes of the binding: the order is fixed, nothing is percent-encoded, and RelayState is there only if
/// there is one.
#[test]
fn the_bytes_are_those_of_the_binding() {
    let algorithm = SignatureAlgorithm::RsaSha256;
    for (relay_state, bytes) in [
        (None, format!("SAMLResponse={MESSAGE}&SigAlg={}", algorithm.uri())),
        (Some("a b&c=ü"), format!("SAMLResponse={MESSAGE}&RelayState=a b&c=ü&SigAlg={}", algorithm.uri())),
        (Some(""), format!("SAMLResponse={MESSAGE}&RelayState=&SigAlg={}", algorithm.uri())),
    ] {
        let signature = base64_encode(&PROVIDER.sign(algorithm, &RSA_KEY, bytes.as_bytes()).unwrap());
        let form = sign_form(&response(MESSAGE, relay_state), algorithm, &RSA_KEY, &PROVIDER).unwrap();
        let mut expected = vec![("SAMLResponse", base64_encode(MESSAGE.as_bytes()))];
        expected.extend(relay_state.map(|state| ("RelayState", state.to_owned())));
        expected.extend([("SigAlg", algorithm.uri().to_owned()), ("Signature", signature)]);
        assert_eq!(form.fields(), expected);
        expected.reverse();
        expected.push(("KeyInfo", "whatever".to_owned()));
        let verified = verify_form(&expected, &[trusted(&RSA_KEY)], &PROVIDER).unwrap();
        assert_eq!(verified.relay_state(), relay_state);
    }
}

#[test]
fn base64_may_have_line_breaks() {
    let fields = signed(None);
    let mut wrapped = fields[0].1.clone();
    wrapped.insert_str(8, "\r\n");
    assert!(verify_form(&with(&fields, "SAMLResponse", &wrapped), &[trusted(&KEY)], &PROVIDER).is_ok());
}

#[test]
fn what_is_refused() {
    let fields = signed(Some("bb"));
    let without = |name: &str| fields.iter().filter(|(other, _)| *other != name).cloned().collect::<Fields>();
    let again = |name: &'static str, value: &str| [fields.clone(), vec![(name, value.to_owned())]].concat();
    let other_name = [vec![("SAMLRequest", fields[0].1.clone())], without("SAMLResponse")].concat();
    for (name, fields, code) in [
        ("no message", without("SAMLResponse"), "signature.form"),
        ("no algorithm", without("SigAlg"), "signature.form"),
        ("no signature", without("Signature"), "signature.form"),
        ("two kinds of message", again("SAMLRequest", "aa"), "signature.form"),
        ("the message twice", again("SAMLResponse", &fields[0].1), "signature.form"),
        ("the relay state twice", again("RelayState", "bb"), "signature.form"),
        ("the algorithm twice", again("SigAlg", ECDSA.uri()), "signature.form"),
        ("the signature twice", again("Signature", ""), "signature.form"),
        ("no relay state", without("RelayState"), "signature.not_verified"),
        ("another relay state", with(&fields, "RelayState", "bc"), "signature.not_verified"),
        ("a request", other_name, "signature.not_verified"),
        ("another message", with(&fields, "SAMLResponse", &base64_encode(b"<a/>")), "signature.not_verified"),
        (
            "another algorithm",
            with(&fields, "SigAlg", SignatureAlgorithm::EcdsaSha512.uri()),
            "signature.not_verified",
        ),
        (
            "another kind of key",
            with(&fields, "SigAlg", SignatureAlgorithm::RsaSha256.uri()),
            "signature.no_fitting_key",
        ),
        ("SHA-1", with(&fields, "SigAlg", SignatureAlgorithm::RsaSha1.uri()), "signature.algorithm"),
        (
            "HMAC",
            with(&fields, "SigAlg", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"),
            "signature.algorithm",
        ),
        ("white space", with(&fields, "SigAlg", &format!("{} ", ECDSA.uri())), "signature.algorithm"),
        ("the signature is no base64", with(&fields, "Signature", "*"), "signature.base64"),
        ("the message is no base64", with(&fields, "SAMLResponse", "<Response/>"), "signature.base64"),
        ("nothing", Fields::new(), "signature.form"),
    ] {
        let error = verify_form(&fields, &[trusted(&KEY)], &PROVIDER).expect_err(name);
        assert_eq!(error.code(), code, "{name}: {error}");
        assert!(!error.hint().is_empty());
    }
    for (keys, code) in [(vec![], "signature.no_keys"), (vec![trusted(&OTHER_KEY)], "signature.not_verified")]
    {
        assert_eq!(verify_form(&fields, &keys, &PROVIDER).unwrap_err().code(), code);
    }
}

/// Nothing is percent-encoded, so one signed field must not be read as two, nor two as one.
#[test]
fn fields_do_not_flow_into_each_other() {
    let fields = signed(Some("bb"));
    let shifted = base64_encode(format!("{MESSAGE}&RelayState=bb").as_bytes());
    let shifted: Fields = with(&fields, "SAMLResponse", &shifted)
        .into_iter()
        .filter(|(name, _)| *name != "RelayState")
        .collect();
    assert_eq!(verify_form(&shifted, &[trusted(&KEY)], &PROVIDER).unwrap_err().code(), "signature.form");

    for (message, relay_state) in [
        ("<a><!-- &RelayState= --></a>", None),
        ("<a><![CDATA[&SigAlg=]]></a>", Some("b")),
        (MESSAGE, Some("b&SigAlg=c")),
        (MESSAGE, Some("b&RelayState=c")),
    ] {
        let error = sign_form(&response(message, relay_state), ECDSA, &KEY, &PROVIDER).unwrap_err();
        assert_eq!(error.code(), "signature.form", "{message} {relay_state:?}");
    }
    let error = sign_form(&response(MESSAGE, None), SignatureAlgorithm::RsaSha1, &RSA_KEY, &PROVIDER);
    assert_eq!(error.unwrap_err().code(), "signature.algorithm");
}

proptest! {
    /// If any character of a signed form changes, it verifies only if the same content is read from it that was
    /// signed.
    #[test]
    fn a_changed_character_is_noticed(which in 0_usize..4, at in any::<prop::sample::Index>(), byte in 0x20_u8..0x7f) {
        static SIGNED: std::sync::LazyLock<Fields> = std::sync::LazyLock::new(|| signed(Some("home")));
        let mut changed = SIGNED.clone();
        let mut value = changed[which].1.clone().into_bytes();
        let at = at.index(value.len());
        value[at] = byte;
        changed[which].1 = String::from_utf8(value).unwrap();
        if let Ok(verified) = verify_form(&changed, &[trusted(&KEY)], &PROVIDER) {
            prop_assert_eq!(verified.message(), MESSAGE.as_bytes());
            prop_assert_eq!(verified.relay_state(), Some("home"));
        }
    }
}
