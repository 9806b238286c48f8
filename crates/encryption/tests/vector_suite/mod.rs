//! Ciphertexts of other projects: the interop collections of xmlsec, messages of identity providers and of other
//! projects. Every case that is not decrypted is named here with its code. If such a case is decrypted, the test
//! fails too.
//!
//! The tests run with `crate::provider()`: the results are the same for all backends.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use vouchsafe_crypto::{CryptoError, DigestAlgorithm, PrivateKey, Provider, base64_decode, base64_encode};
use vouchsafe_encryption::{DecryptionContext, EncryptionError, decrypt, decrypt_document};
use vouchsafe_testkit::shared;
use vouchsafe_xml::{Canonicalization, Document, Limits, canonicalize, namespace};

/// The refused cases of `enc/manifest.json` with RSA key transport: the name of the file, and the code.
const REFUSED: [(&str, &str); 9] = [
    // SAML does not need these digests.
    ("enc-aes256-kt-rsa_oaep_md5.xml", "encryption.unknown_algorithm"),
    ("enc-aes256-kt-rsa_oaep_md5_mgf1_sha512.xml", "encryption.unknown_algorithm"),
    ("enc-aes256-kt-rsa_oaep_ripemd160.xml", "encryption.unknown_algorithm"),
    ("enc-aes256-kt-rsa_oaep_sha224.xml", "encryption.unknown_algorithm"),
    ("enc-aes256-kt-rsa_oaep_sha224_mgf1_sha512.xml", "encryption.unknown_algorithm"),
    ("enc-aes256-kt-rsa_oaep_sha3_256.xml", "encryption.unknown_algorithm"),
    ("enc-aes256-kt-rsa_oaep_sha3_384.xml", "encryption.unknown_algorithm"),
    ("enc-aes256-kt-rsa_oaep_sha512_mgf1_sha224.xml", "encryption.unknown_algorithm"),
    // Another encoding than UTF-8.
    ("enc-element-isolatin1.xml", "xml.encoding"),
];

/// Cases of `saml/manifest.json` that are refused.
const REFUSED_SAML: [(&str, &str); 0] = [];

/// Everything that `danger_allow` can allow: these vectors are old.
fn legacy() -> Provider {
    let words = [
        "http://www.w3.org/2001/04/xmlenc#rsa-1_5",
        "http://www.w3.org/2001/04/xmlenc#tripledes-cbc",
        "rsa-1024",
    ];
    words.iter().fold(crate::provider(), |provider, uri| provider.danger_allow(uri).unwrap())
}

#[derive(Deserialize)]
struct Manifest {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    file: String,
    expected: String,
    saml_reach: String,
    checks: Vec<Check>,
    plaintext_file: Option<String>,
}

#[derive(Deserialize)]
struct Check {
    expected: String,
    upstream_decrypt_arguments: Option<String>,
}

#[test]
fn interop_collections_with_rsa_key_transport() {
    let Some(folder) = shared::folder() else { return };
    let folder = folder.join("vectors/enc");
    let manifest: Manifest = serde_json::from_str(&read(&folder.join("manifest.json"))).unwrap();
    let mut outcomes = BTreeMap::new();
    let mut wrong = Vec::new();
    for case in manifest.cases.iter().filter(|case| case.saml_reach == "RSA key transport: in reach") {
        assert_eq!(case.expected, "success", "{}", case.file);
        let text = read(&folder.join(&case.file));
        let text = refused_and_then_without_doctype(&text);
        let plain = read(&folder.join(case.plaintext_file.as_ref().unwrap()));
        for key in keys_for(case, &folder.join("xmlsec")) {
            let outcome = match key.map(|key| decrypted(&text, &[key])) {
                Ok(Ok(text)) if same(&text, &without_doctype(&plain)) => "decrypted",
                Ok(Ok(_)) => "differs",
                Ok(Err(error)) => error.code(),
                Err(error) => error.code(),
            };
            *outcomes.entry(outcome).or_insert(0) += 1;
            check(&case.file, outcome, &REFUSED, &mut wrong);
        }
    }
    println!("interop collections: {outcomes:?}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[derive(Deserialize)]
struct Messages {
    cases: Vec<Message>,
}

#[derive(Deserialize)]
struct Message {
    file: String,
    encoding: Option<String>,
    decrypts_with: Option<String>,
    plaintext_sha256: Option<String>,
}

#[test]
fn messages_of_identity_providers_and_other_projects() {
    let Some(folder) = shared::folder() else { return };
    let folder = folder.join("vectors/saml");
    let manifest: Messages = serde_json::from_str(&read(&folder.join("manifest.json"))).unwrap();
    let provider = legacy();
    let mut outcomes = BTreeMap::new();
    let mut wrong = Vec::new();
    for message in &manifest.cases {
        let Some(key) = &message.decrypts_with else { continue };
        let key = provider.private_key(&read(&folder.join(key)));
        let mut text = std::fs::read(folder.join(&message.file)).unwrap();
        if message.encoding.as_deref() == Some("base64") {
            text = base64_decode(&text).unwrap();
        }
        let outcome = match key.map(|key| first_part(&text, &[key], &provider)) {
            Ok(Ok(bytes)) => {
                let digest = provider.digest(DigestAlgorithm::Sha256, &bytes).unwrap();
                let hex = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
                if Some(&hex) == message.plaintext_sha256.as_ref() { "decrypted" } else { "differs" }
            }
            Ok(Err(error)) => error.code(),
            Err(error) => error.code(),
        };
        *outcomes.entry(outcome).or_insert(0) += 1;
        check(&message.file, outcome, &REFUSED_SAML, &mut wrong);
    }
    println!("messages: {outcomes:?}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn recorded_messages_of_running_identity_providers() {
    let Some(folder) = shared::folder() else { return };
    let folder = folder.join("idps/samples");
    let key = [legacy().private_key(&read(&folder.join("sp/key.pem"))).unwrap()];
    let (mut decrypted_files, mut wrong) = (0, Vec::new());
    for provider in std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
        let Ok(files) = std::fs::read_dir(provider) else { continue };
        for readable in files.map(|entry| entry.unwrap().path()) {
            let Some(stem) = readable.to_str().and_then(|path| path.strip_suffix(".decrypted.xml")) else {
                continue;
            };
            let outcome = decrypted(&read(Path::new(&format!("{stem}.xml"))), &key);
            let outcome = match outcome {
                Ok(text) if same(&text, &read(&readable)) => "decrypted",
                Ok(_) => "differs",
                Err(error) => error.code(),
            };
            check(stem, outcome, &[], &mut wrong);
            decrypted_files += usize::from(outcome == "decrypted");
        }
    }
    println!("recorded: {decrypted_files} decrypted");
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(decrypted_files >= 8, "{decrypted_files}");
}

fn check(file: &str, outcome: &str, refused: &[(&str, &str)], wrong: &mut Vec<String>) {
    let name = Path::new(file).file_name().and_then(|name| name.to_str()).unwrap();
    let expected = refused.iter().find(|(known, _)| *known == name).map_or("decrypted", |(_, code)| *code);
    if outcome != expected {
        wrong.push(format!("{file}: expected {expected}, found {outcome}"));
    }
}

fn decrypted(text: &str, keys: &[PrivateKey]) -> Result<String, EncryptionError> {
    decrypt_document(text, keys, &legacy(), &Limits::default())
}

/// Decrypts the first EncryptedData of a message.
fn first_part(text: &[u8], keys: &[PrivateKey], provider: &Provider) -> Result<Vec<u8>, EncryptionError> {
    let limits = Limits::default();
    let mut context = DecryptionContext::new(keys, provider, &limits);
    let document = Document::parse(text, &limits)?;
    let data = document.elements().find(|element| element.is(namespace::XMLENC, "EncryptedData")).unwrap();
    let Some(parent) = data.parent() else {
        let wrapped = format!("<e>{}</e>", std::str::from_utf8(text).unwrap());
        let document = Document::parse(wrapped.as_bytes(), &limits)?;
        return Ok(decrypt(document.root(), &mut context)?.into_bytes());
    };
    Ok(decrypt(parent, &mut context)?.into_bytes())
}

/// Two XML texts are equal if their canonical forms are equal; other texts are compared unchanged.
fn same(actual: &str, expected: &str) -> bool {
    match (canonical(actual), canonical(expected)) {
        (Some(actual), Some(expected)) => actual == expected,
        _ => actual.trim() == expected.trim(),
    }
}

/// Removes the differences between serialisers: comments, and white space at the end of the document.
fn canonical(text: &str) -> Option<Vec<u8>> {
    let document = Document::parse(text.as_bytes(), &Limits::default()).ok()?;
    let mut bytes = Vec::new();
    canonicalize(document.root(), Canonicalization::EXCLUSIVE, &[], None, &mut bytes).unwrap();
    Some(bytes)
}

/// A document type declaration is refused, so it is removed here to test the ciphertext after it.
fn refused_and_then_without_doctype(text: &str) -> String {
    let without = without_doctype(text);
    if without != text {
        assert_eq!(decrypted(text, &[]).unwrap_err().code(), "xml.doctype");
    }
    without
}

fn without_doctype(text: &str) -> String {
    let around =
        text.split_once("<!DOCTYPE").and_then(|(before, rest)| Some((before, rest.split_once("]>")?.1)));
    around.map_or_else(|| text.to_owned(), |(before, after)| format!("{before}{after}"))
}

/// Returns the keys that the arguments for xmlsec name as .p12 files. They are next to these files as .pem or .der.
fn keys_for(case: &Case, folder: &Path) -> Vec<Result<PrivateKey, CryptoError>> {
    let successes = case.checks.iter().filter(|check| check.expected == "success");
    successes.map(|check| key_for(check.upstream_decrypt_arguments.as_ref().unwrap(), folder)).collect()
}

fn key_for(arguments: &str, folder: &Path) -> Result<PrivateKey, CryptoError> {
    let p12 = arguments.split(' ').find(|word| word.ends_with(".p12")).unwrap();
    let path: PathBuf = folder.join(p12.strip_prefix("tests/").unwrap());
    if let Ok(pem) = std::fs::read_to_string(path.with_extension("pem")) {
        return legacy().private_key(&pem);
    }
    let der = base64_encode(&std::fs::read(path.with_extension("der")).unwrap());
    ["PRIVATE KEY", "RSA PRIVATE KEY"]
        .iter()
        .map(|label| {
            legacy().private_key(&format!("-----BEGIN {label}-----\n{der}\n-----END {label}-----\n"))
        })
        .find(|key| key.as_ref().map_or_else(CryptoError::code, |_| "") != "crypto.key_malformed")
        .unwrap_or_else(|| panic!("no key at {}", path.display()))
}

/// Returns the bytes as text. Bytes that are not UTF-8 are not compared.
fn read(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    String::from_utf8_lossy(&bytes).into_owned()
}
