//! Keys as numbers, without a certificate (Metadata Interoperability Profile 2.5.1).

use vouchsafe_crypto::{KeyKind, KeyValue, PrivateKey, Provider, base64_encode};
use vouchsafe_metadata::EntityKey;

use crate::{certificate, certificate_over, generate, read, refuses, warnings, with_key_info, x509_data};

/// Returns modulus and exponent: the two INTEGERs at the end of SubjectPublicKeyInfo, of 256 and 3 bytes.
fn rsa_numbers(key: &PrivateKey) -> (Vec<u8>, Vec<u8>) {
    let spki = key.public_key().spki_der();
    let exponent = spki[spki.len() - 3..].to_vec();
    let modulus = spki[spki.len() - 5 - 256..spki.len() - 5].to_vec();
    (modulus, exponent)
}

fn rsa(modulus: &[u8], exponent: &[u8]) -> String {
    format!(
        "<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>{}</ds:Modulus><ds:Exponent>{}</ds:Exponent></ds:RSAKeyValue></ds:KeyValue>",
        base64_encode(modulus),
        base64_encode(exponent)
    )
}

fn point(key: &PrivateKey, bytes: usize) -> Vec<u8> {
    let spki = key.public_key().spki_der();
    spki[spki.len() - bytes..].to_vec()
}

fn ec(curve: &str, point: &[u8]) -> String {
    format!(
        "<ds:KeyValue><dsig11:ECKeyValue><dsig11:NamedCurve URI='{curve}'/><dsig11:PublicKey>{}</dsig11:PublicKey></dsig11:ECKeyValue></ds:KeyValue>",
        base64_encode(point)
    )
}

const P256: &str = "urn:oid:1.2.840.10045.3.1.7";

#[test]
fn every_kind_of_key_reads() {
    let rsa_key = generate(KeyKind::Rsa { bits: 2048 });
    let (modulus, exponent) = rsa_numbers(&rsa_key);
    let keys = [KeyKind::P256, KeyKind::P384, KeyKind::P521, KeyKind::Ed25519].map(generate);
    let [p256, p384, p521, ed25519] = &keys;
    let whole = point(p256, 65);
    let compressed = [&[2 | whole[64] & 1], &whole[1..33]].concat();
    let der = |key: &PrivateKey| {
        format!(
            "<dsig11:DEREncodedKeyValue>{}</dsig11:DEREncodedKeyValue>",
            base64_encode(key.public_key().spki_der())
        )
    };
    let cases = [
        ("RSA", rsa(&modulus, &exponent), &rsa_key),
        ("RSA with a zero in front", rsa(&[&[0], &*modulus].concat(), &exponent), &rsa_key),
        ("RSA with an exponent of four bytes", rsa(&modulus, &[0, 1, 0, 1]), &rsa_key),
        (
            "RSA in lines",
            rsa(&modulus, &exponent).replace("<ds:Exp", "\n  <ds:Exp").replace("AQAB", "\n AQ AB\n"),
            &rsa_key,
        ),
        ("P-256", ec(P256, &whole), p256),
        ("P-256, compressed", ec(P256, &compressed), p256),
        ("P-384", ec("urn:oid:1.3.132.0.34", &point(p384, 97)), p384),
        ("P-521", ec("urn:oid:1.3.132.0.35", &point(p521, 133)), p521),
        ("Ed25519 in DER", der(ed25519), ed25519),
        ("RSA in DER", der(&rsa_key), &rsa_key),
        ("the same in two forms", rsa(&modulus, &exponent) + &der(&rsa_key), &rsa_key),
        ("with a name", format!("<ds:KeyName>k</ds:KeyName>{}", der(p256)), p256),
    ];
    for (name, key_info, key) in cases {
        let found = read(&with_key_info(&key_info)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let [one] = found.signing_keys() else { panic!("{name}: {:?}", found.signing_keys()) };
        assert!(one.certificate().is_none(), "{name}");
        assert_eq!(one.spki_der(), key.public_key().spki_der(), "{name}: in its normal form");
        assert_eq!(one.fingerprint_sha256(), key.public_key().fingerprint(), "{name}");
        let expected = format!(
            "the key without a certificate, {} (SHA-256 of the key {})",
            key.public_key().kind(),
            key.public_key().fingerprint()
        );
        assert_eq!(one.to_string(), expected, "{name}");
        assert_eq!(warnings(&found), Vec::<String>::new(), "{name}");
    }
}

/// A certificate next to it names the key; certificates of other keys are left out.
#[test]
fn beside_certificates() {
    let key = generate(KeyKind::P256);
    let own = certificate_over(&key, "idp.example");
    let other = certificate("other.example");
    let value = ec(P256, &point(&key, 65));
    let fingerprint = other.fingerprint_sha256();
    let left_out = format!(
        "KeyDescriptor 1: the certificate “CN=other.example” (SHA-256 {fingerprint}) is not trusted: ds:KeyValue holds another key; it may be the next key, because it does not belong to an issuer"
    );
    let unreadable = "a key is left out: KeyDescriptor 1: ds:KeyValue: “DSAKeyValue” is not read; ds:RSAKeyValue and dsig11:ECKeyValue are";
    for (name, key_info, words) in [
        ("behind", format!("{value}{}", x509_data(&[&own])), vec![]),
        ("before", format!("{}{value}", x509_data(&[&own])), vec![]),
        ("one of two", format!("{value}{}", x509_data(&[&other, &own])), vec![&*left_out]),
        (
            "which is not read",
            format!("<ds:KeyValue><ds:DSAKeyValue/></ds:KeyValue>{}", x509_data(&[&own])),
            vec![unreadable],
        ),
    ] {
        let found = read(&with_key_info(&key_info)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(found.signing_keys(), [EntityKey::from(own.clone())], "{name}");
        assert_eq!(warnings(&found), words, "{name}");
    }
}

#[test]
fn what_is_no_key() {
    let (key, rsa_key) = (generate(KeyKind::P256), generate(KeyKind::Rsa { bits: 2048 }));
    let (modulus, exponent) = rsa_numbers(&rsa_key);
    let (whole, other) = (point(&key, 65), certificate("other.example"));
    let mut even = modulus.clone();
    even[255] &= 0xfe;
    let mut off = whole.clone();
    off[64] ^= 1;
    let parameters =
        ec(P256, &whole).replace(&format!("<dsig11:NamedCurve URI='{P256}'/>"), "<dsig11:ECParameters/>");
    let another = format!(
        "ds:KeyValue holds another key than the certificate “CN=other.example” (SHA-256 {})",
        other.fingerprint_sha256()
    );
    let cases = [
        (
            "an even modulus",
            rsa(&even, &exponent),
            "RSAKeyValue: the key cannot be read as SubjectPublicKeyInfo: the modulus is even",
        ),
        (
            "an exponent of 1",
            rsa(&modulus, &[1]),
            "RSAKeyValue: the key cannot be read as SubjectPublicKeyInfo: the exponent must be odd, 3 at least and below 2^33",
        ),
        ("no modulus", rsa(&modulus, &exponent).replace("ds:Modulus", "ds:P"), "RSAKeyValue has no Modulus"),
        (
            "no base64",
            rsa(&modulus, &exponent).replace("AQAB", "65537!"),
            "Exponent: the text is not base64: a character outside the alphabet (at character 5)",
        ),
        (
            "explicit parameters",
            parameters,
            "ECKeyValue: explicit ECParameters are not read; the curve must be named by NamedCurve",
        ),
        (
            "secp256k1",
            ec("urn:oid:1.3.132.0.10", &whole),
            "ECKeyValue: keys of the algorithm ECDSA on the curve 1.3.132.0.10 are not supported",
        ),
        (
            "a curve by a name of its own",
            ec("secp256r1", &whole),
            "ECKeyValue: NamedCurve must have a URI that begins with urn:oid:, found “secp256r1”",
        ),
        (
            "a point off the curve",
            ec(P256, &off),
            "ECKeyValue: the key cannot be read as SubjectPublicKeyInfo: not a point on the curve, compressed or uncompressed",
        ),
        (
            "the form of RFC 4050",
            "<ds:KeyValue><ECDSAKeyValue xmlns='http://www.w3.org/2001/04/xmldsig-more#'/></ds:KeyValue>"
                .to_owned(),
            "ds:KeyValue: “ECDSAKeyValue” is not read; ds:RSAKeyValue and dsig11:ECKeyValue are",
        ),
        (
            "DSA",
            "<ds:KeyValue><ds:DSAKeyValue/></ds:KeyValue>".to_owned(),
            "ds:KeyValue: “DSAKeyValue” is not read; ds:RSAKeyValue and dsig11:ECKeyValue are",
        ),
        (
            "another namespace",
            rsa(&modulus, &exponent).replace("ds:RSAKeyValue", "RSAKeyValue"),
            "ds:KeyValue: “RSAKeyValue” in namespace “” is not read",
        ),
        ("nothing", "<ds:KeyValue/>".to_owned(), "expected one element in ds:KeyValue, found 0"),
        ("two keys", rsa(&modulus, &exponent) + &ec(P256, &whole), "two ds:KeyValue hold two different keys"),
        (
            "another key than the certificate",
            format!("{}{}", rsa(&modulus, &exponent), x509_data(&[&other])),
            &another,
        ),
    ];
    for (name, key_info, reason) in cases {
        println!("{name}");
        refuses(
            with_key_info(&key_info).as_bytes(),
            "metadata.no_signing_key",
            &format!(
                "identity provider “https://idp.example.com”: no KeyDescriptor holds a signing key that can be read: KeyDescriptor 1: {reason}"
            ),
            "ds:KeyValue",
        );
    }
}

/// The provider's policy applies to a bare key as to a certificate's.
#[test]
fn a_short_key_is_read_and_refused_by_the_policy() {
    let allowed = Provider::rustcrypto().danger_allow("rsa-1024").unwrap();
    let key = allowed.generate_key(KeyKind::Rsa { bits: 1024 }).unwrap();
    let value = KeyValue::from_spki_der(key.public_key().spki_der()).unwrap();
    let text =
        format!("<dsig11:DEREncodedKeyValue>{}</dsig11:DEREncodedKeyValue>", base64_encode(value.spki_der()));
    let found = read(&with_key_info(&text)).unwrap();
    let spki = found.signing_keys()[0].spki_der();
    assert_eq!(Provider::rustcrypto().public_key(spki).unwrap_err().code(), "crypto.key_too_small");
    assert!(allowed.public_key(spki).is_ok());
}
