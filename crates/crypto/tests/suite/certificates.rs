//! Certificates: issued, and parsed in the forms that occur in practice.

use super::fixtures::{KEYS, P256, RSA_2048, spki, tlv};
use proptest::prelude::*;
use vouchsafe_crypto::{Certificate, base64_encode};

const BEGIN: i64 = 1_700_000_000;
const END: i64 = 2_600_000_000; // after 2049: GeneralizedTime

fn issued() -> Certificate {
    Certificate::self_signed(&crate::provider(), P256.ours(), "sp.example.com", BEGIN, END).unwrap()
}

#[test]
fn issued_over_every_kind_of_key() {
    for pem in KEYS {
        let key = pem.ours();
        let certificate =
            Certificate::self_signed(&crate::provider(), key, "sp.example.com", BEGIN, END).unwrap();
        assert_eq!(certificate.subject(), "CN=sp.example.com");
        assert_eq!(certificate.issuer(), "CN=sp.example.com");
        assert_eq!((certificate.not_before(), certificate.not_after()), (Some(BEGIN), Some(END)));
        assert_eq!(certificate.spki_der(), key.public_key().spki_der());
        assert_eq!(certificate.public_key(&crate::provider()).unwrap().kind(), key.kind());
        assert_eq!(certificate.serial().len(), 16 * 3 - 1);
        assert_eq!(certificate.fingerprint_sha256().len(), 32 * 3 - 1);
        assert_ne!(certificate.serial(), issued().serial());
    }
}

#[test]
fn names_are_written_as_they_are() {
    for name in ["a", "Müller, Söhne & Co.", "CN=x,O=y", "#30", " spaced ", "\u{1F600}", &"x".repeat(64)] {
        let certificate =
            Certificate::self_signed(&crate::provider(), P256.ours(), name, BEGIN, END).unwrap();
        assert!(certificate.subject().starts_with("CN="), "{}", certificate.subject());
    }
    for (name, begin, end) in [
        ("", BEGIN, END),
        (&*"x".repeat(65), BEGIN, END),
        ("x", END, BEGIN),
        ("x", -1, END),
        ("x", 0, i64::MAX),
    ] {
        let error = Certificate::self_signed(&crate::provider(), P256.ours(), name, begin, end).unwrap_err();
        assert_eq!(error.code(), "crypto.certificate_not_issued", "{name} {begin} {end}");
    }
}

#[test]
fn all_forms_give_the_same_certificate() {
    let certificate = issued();
    let base64 = certificate.to_base64();
    let wrapped: String =
        base64.as_bytes().chunks(64).flat_map(|line| ["\n\t  ", str::from_utf8(line).unwrap()]).collect();
    let same = |text: &str| assert_eq!(Certificate::from_base64(text).unwrap(), certificate, "{text}");
    same(&base64);
    same(&wrapped);
    same(&wrapped.replace('\n', "\r\n"));
    same(&certificate.to_pem());
    same(&format!("\n{}\n", certificate.to_pem()));
    same(&base64_encode(certificate.to_pem().as_bytes()));
    same(&base64_encode(certificate.to_pem().replace('\n', "\r\n").as_bytes()));
    let bundle =
        format!("Bag Attributes\n{}{}", RSA_2048.ours().to_pkcs8_pem().as_str(), certificate.to_pem());
    assert_eq!(Certificate::from_pem(&bundle).unwrap(), certificate);
    assert_eq!(Certificate::from_der(certificate.der()).unwrap(), certificate);
}

/// For every form, length and padding, all of several certificates are read, and the first is the one of
/// `from_base64`.
#[test]
fn several_certificates_in_one_text() {
    for length in 1..10 {
        let name = "x".repeat(length);
        let own = |name: &str| Certificate::self_signed(&crate::provider(), P256.ours(), name, 0, 1).unwrap();
        let (first, second) = (own(&name), own("second"));
        let pem = first.to_pem() + &second.to_pem();
        for text in [
            first.to_base64() + &second.to_base64(),
            format!("{}\n {}\n", first.to_base64(), second.to_base64()),
            base64_encode(&[first.der(), second.der()].concat()),
            base64_encode(pem.as_bytes()),
            pem,
        ] {
            let all = Certificate::all_from_base64(&text).unwrap();
            assert_eq!(all, [first.clone(), second.clone()], "{text}");
            assert_eq!(Certificate::from_base64(&text).unwrap(), first);
        }
        assert_eq!(Certificate::all_from_base64(&first.to_base64()).unwrap(), std::slice::from_ref(&first));
        let padded = base64_encode(&[first.der(), b"\n"].concat());
        assert_eq!(Certificate::all_from_base64(&padded).unwrap(), std::slice::from_ref(&first));
    }
    let padding = "MAA=MAA=!";
    let error = Certificate::all_from_base64(padding).unwrap_err();
    assert!(error.to_string().contains("(at character 8)"), "{error}: its place in the whole text");
    assert_eq!(Certificate::all_from_base64("").unwrap_err().code(), "crypto.certificate_malformed");
}

/// Builds a certificate from its parts, so that the parts can be unusual.
fn odd(version: &[u8], serial: &[u8], name: &[u8], times: &[u8], extensions: &[u8], tail: &[u8]) -> Vec<u8> {
    let algorithm = tlv(0x30, &[6, 1, 0x2a]);
    let spki = P256.ours().public_key().spki_der().to_vec();
    let name = tlv(0x30, name);
    let tbs =
        [version, &tlv(2, serial), &algorithm, &name, &tlv(0x30, times), &name, &spki, extensions].concat();
    [tlv(0x30, &[tlv(0x30, &tbs), algorithm.clone(), tlv(3, &[0])].concat()), tail.to_vec()].concat()
}

#[test]
fn who_issued_and_who_is_named_are_two_names() {
    let named = |text: &str| {
        let attribute = tlv(0x30, &[&[6, 3, 0x55, 4, 3][..], &tlv(0x0c, text.as_bytes())].concat());
        tlv(0x30, &tlv(0x31, &attribute))
    };
    let times = tlv(0x30, &[tlv(0x17, b"200101000000Z"), tlv(0x17, b"300101000000Z")].concat());
    let (algorithm, spki) = (tlv(0x30, &[6, 1, 0x2a]), P256.ours().public_key().spki_der().to_vec());
    let shown = |issuer: &str, subject: &str| {
        let (issuer, subject) = (named(issuer), named(subject));
        let tbs = [tlv(2, &[1]), algorithm.clone(), issuer, times.clone(), subject, spki.clone()].concat();
        let der = tlv(0x30, &[tlv(0x30, &tbs), algorithm.clone(), tlv(3, &[0])].concat());
        let certificate = Certificate::from_der(&der).unwrap();
        (certificate.issuer().to_owned(), certificate.subject().to_owned())
    };
    assert_eq!(shown("authority", "idp"), ("CN=authority".to_owned(), "CN=idp".to_owned()));
    assert_eq!(shown("idp", "idp"), ("CN=idp".to_owned(), "CN=idp".to_owned()));
}

#[test]
fn names_that_must_not_collide_are_drawn_anew() {
    let mut drawn = [[0; 16]; 2];
    drawn.iter_mut().for_each(|name| vouchsafe_crypto::system_random(name).unwrap());
    assert!(drawn[0] != drawn[1] && !drawn.contains(&[0; 16]));
}

#[test]
fn odd_certificates_still_give_their_key() {
    let version = tlv(0xa0, &[2, 1, 2]);
    let times = [tlv(0x17, b"200101000000Z"), tlv(0x18, b"20501231235959Z")].concat();
    for (what, der) in [
        ("version 1", odd(&[], &[1], &[], &times, &[], &[])),
        ("version 9", odd(&tlv(0xa0, &[2, 1, 9]), &[1], &[], &times, &[], &[])),
        ("a negative serial number", odd(&version, &[0x80], &[], &times, &[], &[])),
        ("a serial number of 40 bytes", odd(&version, &[7; 40], &[], &times, &[], &[])),
        ("no serial number", odd(&version, &[], &[], &times, &[], &[])),
        ("a name that is none", odd(&version, &[1], &[0xff, 0xff, 1], &times, &[], &[])),
        ("no times", odd(&version, &[1], &[], &[], &[], &[])),
        ("times in words", odd(&version, &[1], &[], &tlv(0x17, b"yesterday"), &[], &[])),
        ("extensions that are none", odd(&version, &[1], &[], &times, &[0xa3, 3, 1, 2, 3], &[])),
        ("half an extension", odd(&version, &[1], &[], &times, &[0xa3, 99, 1], &[])),
        ("a line feed behind it", odd(&version, &[1], &[], &times, &[], b"\n")),
    ] {
        let certificate = Certificate::from_der(&der).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(certificate.spki_der(), P256.ours().public_key().spki_der(), "{what}");
        assert!(certificate.public_key(&crate::provider()).is_ok(), "{what}");
        assert!(certificate.der().ends_with(&[3, 1, 0]), "{what}: only the certificate is kept");
        let _ = (certificate.subject(), certificate.serial(), certificate.fingerprint_sha256());
    }
}

/// A certificate may have the key in another form than the key itself.
#[test]
fn a_certificate_is_compared_with_a_key_by_their_normal_forms() {
    let key = P256.ours().public_key();
    let (algorithm, point) = (&key.spki_der()[4..23], &key.spki_der()[26..]);
    let compressed = [&[2 | point[64] & 1], &point[1..33]].concat();
    let outline = |spki: &[u8]| {
        let (empty, serial) = (tlv(0x30, &[]), tlv(2, &[1]));
        let tbs = [&serial, &empty, &empty, &empty, &empty, spki].concat();
        Certificate::from_der(&tlv(0x30, &[tlv(0x30, &tbs), empty, tlv(3, &[0])].concat())).unwrap()
    };
    let certificate = outline(&spki(algorithm, &compressed));
    assert_ne!(certificate.spki_der(), key.spki_der());
    assert!(certificate.certifies(key));
    assert_eq!(certificate.public_key(&crate::provider()).unwrap().fingerprint(), key.fingerprint());
    assert!(!certificate.certifies(RSA_2048.ours().public_key()));
    assert!(!outline(&spki(algorithm, &point[..64])).certifies(key));
    assert!(issued().certifies(key));
}

#[test]
fn what_is_no_certificate() {
    for (text, code) in [
        ("", "crypto.certificate_malformed"),
        ("AAAA", "crypto.certificate_malformed"),
        ("MAA=", "crypto.certificate_malformed"),
        ("not base64!", "crypto.base64"),
        ("MIIBnTCCAUOg", "crypto.certificate_malformed"),
        ("-----BEGIN CERTIFICATE-----\nMAA=\n", "crypto.pem"),
        ("-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----", "crypto.pem"),
    ] {
        assert_eq!(Certificate::from_base64(text).unwrap_err().code(), code, "{text}");
    }
    let der = issued().der().to_vec();
    for length in 0..der.len() {
        assert_eq!(Certificate::from_der(&der[..length]).unwrap_err().code(), "crypto.certificate_malformed");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_a_certificate_or_an_error(bytes: Vec<u8>, place: prop::sample::Index, byte: u8) {
        let _ = Certificate::from_der(&bytes);
        let mut altered = issued().der().to_vec();
        let place = place.index(altered.len());
        altered[place] = byte;
        if let Ok(certificate) = Certificate::from_der(&altered) {
            let _ = certificate.public_key(&crate::provider());
            let _ = certificate.subject();
        }
    }

    #[test]
    fn base64_leads_back(bytes: Vec<u8>, text: String) {
        let encoded = base64_encode(&bytes);
        prop_assert_eq!(vouchsafe_crypto::base64_decode(&encoded).unwrap(), bytes);
        if let Ok(bytes) = vouchsafe_crypto::base64_decode(&text) {
            let packed: String = text.split_ascii_whitespace().collect();
            prop_assert_eq!(base64_encode(&bytes), packed);
        }
    }
}

/// The key of a certificate can be read without its names, from every accepted form, and is the same as the key of
/// the parsed certificate.
#[test]
fn the_key_is_found_without_the_names() {
    let certificate = issued();
    let pem = certificate.to_pem();
    for text in [certificate.to_base64(), pem.clone(), base64_encode(pem.as_bytes())] {
        assert_eq!(Certificate::spki_of_base64(&text).as_deref(), Some(certificate.spki_der()));
    }
    // Names have any shape: nested very deeply, or not of their type.
    for name in [vec![0x31; 10_000], tlv(0x30, &[0xff; 300]), Vec::new()] {
        let der = odd(&[], &[1], &name, &[], &[], &[]);
        let read = Certificate::from_der(&der).ok().map(|read| read.spki_der().to_vec());
        assert_eq!(Certificate::spki_of_base64(&base64_encode(&der)), read);
        assert!(read.is_some());
    }
    for text in ["", "AAAA", "*", "-----BEGIN CERTIFICATE-----"] {
        assert_eq!(Certificate::spki_of_base64(text), None, "{text}");
    }
}
