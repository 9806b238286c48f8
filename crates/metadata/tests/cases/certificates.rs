//! Several certificates: in one ds:X509Certificate, in one ds:X509Data, in one KeyDescriptor.

use vouchsafe_crypto::{Certificate, KeyKind, base64_encode};
use vouchsafe_metadata::EntityKey;

use crate::{
    authority, certificate, certificate_over, generate, issued_by, read, refuses, warnings, with_key_info,
    x509_data,
};

fn keys(certificates: &[&Certificate]) -> Vec<EntityKey> {
    certificates.iter().map(|one| EntityKey::from((*one).clone())).collect()
}

fn left_out(certificate: &Certificate, reason: &str) -> String {
    format!(
        "KeyDescriptor 1: the certificate “{}” (SHA-256 {}) is left out: {reason}",
        certificate.subject(),
        certificate.fingerprint_sha256()
    )
}

fn not_trusted(certificate: &Certificate) -> String {
    let told = left_out(certificate, NOT_OF_IT).replacen("is left out", "is not trusted", 1);
    told + "; it may be the next key, because it does not belong to an issuer"
}

const NOT_OF_IT: &str = "one ds:X509Data is about one key, and this is not its certificate";

/// Every way to write two certificates into one element.
fn in_one_element(first: &Certificate, second: &Certificate) -> Vec<(&'static str, String)> {
    let pem = first.to_pem() + &second.to_pem();
    let lines = |certificate: &Certificate| {
        certificate.to_pem().lines().filter(|line| !line.starts_with('-')).collect::<Vec<_>>().join("\n")
    };
    vec![
        ("base64 after base64", first.to_base64() + &second.to_base64()),
        ("in lines", format!("\n{}\n{}\n", lines(first), lines(second))),
        ("with white space between", format!("{}\r\n\t {}", first.to_base64(), second.to_base64())),
        ("PEM", pem.clone()),
        ("PEM with text round it", format!("subject=CN = a\n{pem}\n")),
        ("base64 of PEM", base64_encode(pem.as_bytes())),
        ("DER after DER", base64_encode(&[first.der(), second.der()].concat())),
    ]
}

/// The result is the same for every length, and so for base64 with and without padding.
#[test]
fn a_chain_in_one_element() {
    let mut paddings = [0; 3];
    for length in 0..40 {
        if paddings.iter().all(|count| *count > 0) {
            break;
        }
        let (root, leaf) = (format!("root.{}", "x".repeat(length)), format!("leaf.{}", "x".repeat(length)));
        let (issuer, own) = (authority(&certificate(&root)), issued_by(&root, &leaf));
        paddings[own.to_base64().matches('=').count()] += 1;
        for (first, second) in [(&own, &issuer), (&issuer, &own)] {
            for (form, text) in in_one_element(first, second) {
                let text =
                    format!("<ds:X509Data><ds:X509Certificate>{text}</ds:X509Certificate></ds:X509Data>");
                let found = read(&with_key_info(&text)).unwrap_or_else(|error| panic!("{form}: {error}"));
                assert_eq!(found.signing_keys(), keys(&[&own]), "{form}");
                assert_eq!(
                    warnings(&found),
                    [
                        "KeyDescriptor 1: one ds:X509Certificate holds 2 certificates, where one is allowed; all of them are read",
                        &left_out(&issuer, NOT_OF_IT),
                    ],
                    "{form}"
                );
            }
        }
    }
    assert!(paddings.iter().all(|count| *count > 0), "{paddings:?}");
}

#[test]
fn three_certificates_in_one_element() {
    let (root, issuing, own) = (
        authority(&certificate("root.example")),
        authority(&issued_by("root.example", "ca01.example")),
        issued_by("ca01.example", "leaf.example"),
    );
    let text = [&own, &issuing, &root].map(Certificate::to_base64).concat();
    let text = format!("<ds:X509Data><ds:X509Certificate>{text}</ds:X509Certificate></ds:X509Data>");
    let found = read(&with_key_info(&text)).unwrap();
    assert_eq!(found.signing_keys(), keys(&[&own]));
    assert_eq!(
        warnings(&found),
        [
            "KeyDescriptor 1: one ds:X509Certificate holds 3 certificates, where one is allowed; all of them are read",
            &left_out(&issuing, NOT_OF_IT),
            &left_out(&root, NOT_OF_IT),
        ]
    );
}

/// The bytes after the first certificate are not a certificate.
#[test]
fn half_a_certificate_behind_another_one() {
    let own = certificate("idp.example.com").to_base64();
    let own = own.trim_end_matches('=');
    let text = format!("<ds:X509Data><ds:X509Certificate>{own}==AAAA</ds:X509Certificate></ds:X509Data>");
    let error = read(&with_key_info(&text)).unwrap_err();
    assert_eq!(error.code(), "metadata.no_signing_key");
}

#[test]
fn which_of_several_certificates_are_keys() {
    let root = authority(&certificate("root.example"));
    let issuing = authority(&issued_by("root.example", "ca01.example"));
    let own = issued_by("ca01.example", "leaf.example");
    let (current, next) = (certificate("idp.example"), certificate("idp.example"));
    let attackers = issued_by("idp.example", "bad.example");
    let several =
        "KeyDescriptor 1 holds 2 different keys, where one is allowed; each of them is tried".to_owned();
    let circle = [issued_by("aaaa", "bbbb"), issued_by("bbbb", "aaaa")].map(|one| authority(&one));
    let not_of_it = |certificates: &[&Certificate]| -> Vec<String> {
        certificates.iter().map(|one| left_out(one, NOT_OF_IT)).collect()
    };
    let unreadable = "<ds:X509Data><ds:X509Certificate>AAAA</ds:X509Certificate></ds:X509Data>";
    let unread = "a key is left out: KeyDescriptor 1: the certificate cannot be read: it does not begin as a certificate does (at byte 0)";
    let each = |certificates: &[&Certificate]| -> String {
        certificates.iter().map(|one| x509_data(&[one])).collect()
    };
    let cases: Vec<(&str, String, Vec<&Certificate>, Vec<String>)> = vec![
        ("a chain", x509_data(&[&own, &issuing, &root]), vec![&own], not_of_it(&[&issuing, &root])),
        ("its head first", x509_data(&[&root, &issuing, &own]), vec![&own], not_of_it(&[&root, &issuing])),
        (
            "each link in an X509Data",
            each(&[&root, &issuing, &own]),
            vec![&own],
            not_of_it(&[&root, &issuing]),
        ),
        ("two in one X509Data", x509_data(&[&current, &next]), vec![&current], vec![not_trusted(&next)]),
        ("two in two X509Data", each(&[&current, &next]), vec![&current, &next], vec![several.clone()]),
        ("a stranger beside", each(&[&root, &current]), vec![&root, &current], vec![several]),
        ("the same twice", x509_data(&[&current, &current]), vec![&current], vec![]),
        ("the same in two", each(&[&current, &current]), vec![&current], vec![]),
        ("in a circle", x509_data(&[&circle[0], &circle[1]]), vec![&circle[0]], not_of_it(&[&circle[1]])),
        (
            "one that names the right one as its issuer",
            x509_data(&[&current, &attackers]),
            vec![&current],
            vec![not_trusted(&attackers)],
        ),
        (
            "an unreadable one beside",
            unreadable.to_owned() + &x509_data(&[&current]),
            vec![&current],
            vec![unread.to_owned()],
        ),
    ];
    for (name, key_info, expected, words) in cases {
        let found = read(&with_key_info(&key_info)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(found.signing_keys(), keys(&expected), "{name}");
        assert_eq!(warnings(&found), words, "{name}");
    }
}

/// Two certificates of one key are two names of it, in any place.
#[test]
fn two_certificates_of_one_key() {
    let key = generate(KeyKind::P256);
    let (old, renewed) = (certificate_over(&key, "idp.example"), certificate_over(&key, "idp.example"));
    let found = read(&with_key_info(&(x509_data(&[&old]) + &x509_data(&[&renewed])))).unwrap();
    assert_eq!(found.signing_keys(), keys(&[&old, &renewed]));
    assert_eq!(warnings(&found), Vec::<String>::new());
}

/// There are more than anybody has: the first ones are kept, and no work grows with their square.
#[test]
fn a_thousand_certificates_in_one_key_descriptor() {
    let one = certificate("idp.example");
    let many: Vec<Certificate> = (0..1_000_u32)
        .map(|number| {
            let mut der = one.der().to_vec();
            let place = der.len() - 4;
            der[place..].copy_from_slice(&number.to_be_bytes());
            Certificate::from_der(&der).unwrap()
        })
        .collect();
    let all: Vec<&Certificate> = many.iter().collect();
    let in_one: String = many.iter().map(Certificate::to_base64).collect();
    let in_one = format!("<ds:X509Data><ds:X509Certificate>{in_one}</ds:X509Certificate></ds:X509Data>");
    for (key_info, words) in [
        (
            x509_data(&all),
            "968 certificates of a KeyDescriptor are left out, from number 33 on: at most 32 are kept",
        ),
        (in_one, "968 certificates of a KeyDescriptor are left out, from number 1 on: at most 32 are kept"),
    ] {
        let found = read(&with_key_info(&key_info)).unwrap();
        assert_eq!(found.signing_keys(), keys(&all[..1]));
        assert!(warnings(&found).iter().any(|warning| warning == words), "{:?}", warnings(&found));
    }
}

#[test]
fn nothing_that_is_a_key() {
    for (key_info, reason) in [
        (
            "<ds:KeyName>idp</ds:KeyName>",
            "neither ds:X509Data/ds:X509Certificate nor ds:KeyValue, found “KeyName”",
        ),
        ("", "ds:KeyInfo is empty"),
        (
            "<ds:X509Data><ds:X509SKI>AAAA</ds:X509SKI></ds:X509Data>",
            "neither ds:X509Data/ds:X509Certificate nor ds:KeyValue, found “X509Data”",
        ),
        (
            "<X509Data><X509Certificate/></X509Data>",
            "neither ds:X509Data/ds:X509Certificate nor ds:KeyValue, found “X509Data”",
        ),
    ] {
        refuses(
            with_key_info(key_info).as_bytes(),
            "metadata.no_signing_key",
            &format!(
                "identity provider “https://idp.example.com”: no KeyDescriptor holds a signing key that can be read: KeyDescriptor 1: {reason}"
            ),
            "ds:KeyInfo/ds:X509Data/ds:X509Certificate, or the key in ds:KeyValue",
        );
    }
}
