//! Certificates, keys and ciphertexts made by others, where the folder of shared material is present.
//!
//! This crate does not parse XML: texts are found by searching for their tags.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test stops at the first surprise"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use vouchsafe_crypto::{
    Certificate, ContentCipher, DigestAlgorithm, KeyTransport, Provider, WrappedKey, base64_decode,
    base64_encode,
};

fn shared() -> Option<PathBuf> {
    let folder = std::env::var_os("VOUCHSAFE_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    if folder.join("vectors").is_dir() {
        return Some(folder.join("vectors"));
    }
    assert!(std::env::var_os("CI").is_none(), "no shared material at {}", folder.display());
    eprintln!("skipped: no shared material");
    None
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

/// The texts of all elements of this name that hold text only.
fn texts<'t>(document: &'t str, name: &str) -> Vec<&'t str> {
    let pieces: Vec<&str> = document.split(name).collect();
    let found = pieces.windows(2).filter_map(|pieces| {
        let [before, after] = pieces else { return None };
        let (_, content) = after.split_once('>')?;
        let (text, end) = content.split_once('<')?;
        let opened = before.rsplit('<').next().is_some_and(|prefix| !prefix.contains('/'));
        let closed = end.starts_with('/') && !end.contains('>');
        (opened && closed).then_some(text)
    });
    found.collect()
}

/// Every certificate in metadata and messages is read, or is known not to be one.
#[test]
fn certificates_of_the_field() {
    let Some(folder) = shared() else { return };
    let mut paths = Vec::new();
    files(&folder.join("saml"), &mut paths);
    let provider = Provider::rustcrypto().danger_allow("rsa-1024").unwrap();
    let mut refused = BTreeMap::<&str, BTreeSet<String>>::new();
    let (mut read, mut seen) = (0, BTreeSet::new());
    for path in paths {
        let Ok(document) = std::fs::read_to_string(&path) else { continue };
        let name = path.strip_prefix(folder.join("saml")).unwrap().display().to_string();
        let mut found = texts(&document, "X509Certificate");
        if path.extension().is_some_and(|ending| ending == "pem" || ending == "crt")
            && document.contains("BEGIN CERTIFICATE-")
        {
            found.push(&document);
        }
        for text in found {
            // XML resolves these before the text is decoded.
            let text = text.replace("&#13;", "\r").replace("&#xD;", "\r");
            if text.trim().is_empty() || !seen.insert(text.clone()) {
                continue;
            }
            match Certificate::from_base64(&text).and_then(|certificate| {
                assert!(
                    certificate.not_before().is_some() && certificate.not_after().is_some(),
                    "{name}: dates"
                );
                assert!(
                    !certificate.subject().starts_with('#') && !certificate.issuer().starts_with('#'),
                    "{name}"
                );
                assert_eq!(Certificate::from_base64(&certificate.to_base64())?, certificate);
                assert_eq!(Certificate::from_pem(&certificate.to_pem())?, certificate);
                certificate.public_key(&provider)
            }) {
                Ok(key) => {
                    assert_eq!(key.fingerprint().len(), 95);
                    read += 1;
                }
                Err(error) => drop(refused.entry(error.code()).or_default().insert(name.clone())),
            }
        }
    }
    let refused: Vec<(&str, &str)> =
        refused.iter().flat_map(|(code, names)| names.iter().map(|name| (*code, name.as_str()))).collect();
    assert_eq!(refused, REFUSED);
    assert!(read > 450, "{read}");
}

/// The refused certificates. An unexpected success fails the test as well.
const REFUSED: &[(&str, &str)] = &[
    // Line breaks written as text in a Go string, and the word "stuff".
    ("crypto.base64", "crewjam/testdata/TestCanProduceSPMetadata_expected"),
    ("crypto.base64", "samlify/misc/dumpes_issuer_response.xml"),
    // One begins with zeros; one is an RSA private key; one is cut to eight bytes.
    ("crypto.certificate_malformed", "pysaml2/saml_false_signed.xml"),
    ("crypto.certificate_malformed", "pysaml2/xmlsec1-keydata/signed-response-with-hmac.xml"),
    ("crypto.certificate_malformed", "python3-saml/responses/simple_saml_php.xml"),
    // One has 512 bits; one has 1000 bits (a root of 1994).
    ("crypto.key_too_small", "lasso/idp10-512-saml2/certificate.pem"),
    ("crypto.key_too_small", "lasso/idp10-512-saml2/metadata.xml"),
    ("crypto.key_too_small", "lasso/sp10-512-saml2/certificate.pem"),
    ("crypto.key_too_small", "lasso/sp10-512-saml2/metadata.xml"),
    ("crypto.key_too_small", "opensaml/saml2/metadata/ukfederation-metadata.xml"),
    // One is DSA; one has an altered object identifier.
    ("crypto.key_unsupported", "codice/deployment/distribution/src/main/resources/samlconf-sp-metadata.xml"),
    ("crypto.key_unsupported", "lasso/idp12-dsa-saml2/metadata.xml"),
    ("crypto.key_unsupported", "opensaml/security/test1-metadata.xml"),
    ("crypto.key_unsupported", "spring/test-metadata.xml"),
    // The END line is missing.
    ("crypto.pem", "pysaml2/malformed.crt"),
];

/// RSA key transport and AES of XML Encryption's interoperability rounds.
#[test]
fn ciphertexts_of_others() {
    let Some(folder) = shared() else { return };
    let folder = folder.join("enc");
    let manifest = std::fs::read_to_string(folder.join("manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    let provider = [KeyTransport::RSA_15_URI, ContentCipher::TripleDesCbc.uri(), "rsa-1024"]
        .iter()
        .fold(Provider::rustcrypto(), |provider, word| provider.danger_allow(word).unwrap());
    let mut opened = 0;
    for case in manifest["cases"].as_array().unwrap() {
        let name = case["file"].as_str().unwrap();
        let elements = case["elements"].as_array().unwrap();
        let [data, key] = elements.as_slice() else { continue };
        let Some(cipher) = ContentCipher::from_uri(data["method"].as_str().unwrap_or_default()) else {
            continue;
        };
        let Some(transport) = transport(key) else { continue };
        if case["expected"] != "success" {
            continue;
        }
        let arguments = case["checks"][0]["upstream_decrypt_arguments"].as_str().unwrap();
        let store = arguments.split(' ').find_map(|word| word.strip_prefix("tests/")).unwrap();
        let private = std::fs::read(folder.join("xmlsec").join(store).with_extension("der")).unwrap();
        let private = ["PRIVATE KEY", "RSA PRIVATE KEY"].into_iter().find_map(|label| {
            let pem = format!("-----BEGIN {label}-----\n{}\n-----END {label}-----", base64_encode(&private));
            provider.private_key(&pem).ok()
        });
        let private = private.unwrap_or_else(|| panic!("{name}: {store}"));
        let document = std::fs::read_to_string(folder.join(name)).unwrap();
        let values = texts(&document, "CipherValue");
        let [key, content] = values.as_slice() else { panic!("{name}: {} values", values.len()) };
        let bytes = base64_decode(key).unwrap();
        let key = provider
            .decrypt_content_key(&private, &WrappedKey { transport, label: &[], bytes: &bytes, cipher });
        let key = key.unwrap_or_else(|error| panic!("{name}: {error}"));
        let plain = provider.decrypt_content(cipher, key.as_slice(), &base64_decode(content).unwrap());
        let plain =
            String::from_utf8_lossy(&plain.unwrap_or_else(|error| panic!("{name}: {error}"))).into_owned();
        let expected = std::fs::read(folder.join(case["plaintext_file"].as_str().unwrap())).unwrap();
        // One document is in ISO 8859-1.
        let latin = |bytes: Vec<u8>| bytes.into_iter().map(char::from).collect::<String>();
        let expected = String::from_utf8(expected).unwrap_or_else(|error| latin(error.into_bytes()));
        // Serialisers differ in tags, so the encrypted text is compared.
        let packed = |text: &str| {
            let text =
                text.split('<').filter_map(|piece| piece.rsplit('>').next()).collect::<Vec<_>>().join(" ");
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        assert!(packed(&expected).contains(&packed(&plain)), "{name}: {plain}");
        opened += 1;
    }
    assert!(opened >= 20, "{opened}");
}

/// Returns the key transport of a case; `None` if it has a label, or a digest that this crate does not have.
fn transport(key: &serde_json::Value) -> Option<KeyTransport> {
    let digest = |name: &str, otherwise| {
        key[name].as_str().map_or(Some(otherwise), |uri| {
            DigestAlgorithm::from_uri(uri).or_else(|| DigestAlgorithm::from_mgf_uri(uri))
        })
    };
    match key["method"].as_str()? {
        KeyTransport::RSA_15_URI => Some(KeyTransport::Rsa15),
        KeyTransport::RSA_OAEP_MGF1P_URI | KeyTransport::RSA_OAEP_URI if key["oaep_params"].is_null() => {
            let (digest, mgf) =
                (digest("oaep_digest", DigestAlgorithm::Sha1)?, digest("mgf", DigestAlgorithm::Sha1)?);
            Some(KeyTransport::RsaOaep { digest, mgf })
        }
        _ => None,
    }
}
