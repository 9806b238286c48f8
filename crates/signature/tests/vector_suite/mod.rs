//! Signatures of other projects: `vectors/dsig`, `vectors/saml` and `vectors/saml/redirect` of the shared material.
//!
//! The manifests contain the right results. Where this crate differs, `tests/data/exceptions.json` has its result and
//! the reason; an exception that is not needed fails the test as well.
//!
//! The tests run with `crate::provider()`: the results are the same for all backends.

#[path = "../common/mod.rs"]
mod common;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use common::{LIMITS, shared};
use serde::Deserialize;
use vouchsafe_crypto::{Certificate, Provider, PublicKey, base64_decode};
use vouchsafe_signature::{TrustedKey, verify, verify_any, verify_query};
use vouchsafe_xml::{Document, Element, Limits, namespace};

const VERIFIED: &str = "verified";

#[test]
fn xml_signatures() {
    let Some(folder) = vectors() else { return };
    let mut outcomes = Outcomes::of("dsig");
    for case in manifest::<DsigCase>(&folder.join("dsig/manifest.json")) {
        let bytes = fs::read(folder.join("dsig").join(&case.file)).unwrap();
        let in_reach = case.saml_scope == "in reach";
        let actual = match Document::parse(&bytes, &LIMITS) {
            Err(error) => error.code().to_owned(),
            Ok(document) => {
                let mut keys = keys_in(document.root());
                keys.extend(
                    case.key_file.iter().flat_map(|file| keys_of_file(&folder.join("dsig").join(file))),
                );
                first_verdict(&document, &keys)
            }
        };
        if !in_reach {
            let by_key = ["no_keys", "no_fitting_key", "not_verified", "digest_mismatch"];
            assert!(
                !by_key.iter().any(|code| actual.ends_with(code)),
                "{}: refused late: {actual}",
                case.file
            );
        }
        let expected_verified = in_reach && case.expected_xmldsig == "valid";
        outcomes.record(&case.file, expected_verified, actual);
    }
    outcomes.finish();
}

#[test]
fn saml_messages() {
    let Some(folder) = vectors() else { return };
    let mut outcomes = Outcomes::of("saml");
    for case in manifest::<SamlCase>(&folder.join("saml/manifest.json")) {
        for signature in &case.signatures {
            // The expected result is unknown for the three verifiers: they have no key, or they disagree.
            let Some(valid) = signature.valid else { continue };
            let name = format!("{}#{}", case.file, signature.index);
            let text = fs::read(folder.join("saml").join(&case.file)).unwrap();
            let bytes = match case.encoding.as_str() {
                "xml" => text,
                "base64" => base64_decode(&text).unwrap(),
                _ => inflate(&base64_decode(&text).unwrap()),
            };
            let limits = Limits::metadata().with_value_bytes(LIMITS.value_bytes);
            let actual = match Document::parse(&bytes, &limits) {
                Err(error) => error.code().to_owned(),
                Ok(document) => {
                    let signatures = document.elements().filter(|e| e.is(namespace::DSIG, "Signature"));
                    let signature_element = signatures.into_iter().nth(signature.index);
                    let keys = match (&signature.certificate_file, signature_element) {
                        (Some(file), _) => keys_of_file(&folder.join("saml").join(file)),
                        (None, Some(element)) => keys_in(element),
                        (None, None) => Vec::new(),
                    };
                    let element = signature_element.and_then(Element::parent);
                    element.map_or("no such signature".to_owned(), |element| {
                        let provider = legacy();
                        let verdict = if case.kind.starts_with("metadata:") {
                            verify_any(&document, Some(element), &keys, &provider, &limits)
                        } else {
                            verify(element, &keys, &provider, &limits)
                        };
                        code(verdict.map_err(|error| error.code()))
                    })
                }
            };
            outcomes.record(&name, valid, actual);
        }
    }
    outcomes.finish();
}

#[test]
fn redirect_queries() {
    let Some(folder) = vectors() else { return };
    let mut outcomes = Outcomes::of("redirect");
    for case in manifest::<RedirectCase>(&folder.join("saml/redirect/manifest.json")) {
        let text = fs::read_to_string(folder.join("saml").join(&case.file)).unwrap();
        let query = if case.file.ends_with(".json") {
            serde_json::from_str::<serde_json::Value>(&text).unwrap()["originalQuery"]
                .as_str()
                .unwrap()
                .to_owned()
        } else {
            text
        };
        let keys = keys_of_file(
            &folder
                .join("saml")
                .join(case.signature_verifies_with.replace("node-saml/test/static", "node-saml")),
        );
        let verdict = verify_query(query.trim(), &keys, &legacy()).map_err(|error| error.code());
        outcomes.record(&case.file, true, code(verdict));
        // These are not accepted by default: all of them use SHA-1.
        assert!(verify_query(query.trim(), &keys, &crate::provider()).is_err(), "{}", case.file);
    }
    outcomes.finish();
}

#[derive(Deserialize)]
struct Manifest<T> {
    cases: Vec<T>,
}

#[derive(Deserialize)]
struct DsigCase {
    file: String,
    saml_scope: String,
    expected_xmldsig: String,
    key_file: Option<String>,
}

#[derive(Deserialize)]
struct SamlCase {
    file: String,
    kind: String,
    encoding: String,
    #[serde(default)]
    signatures: Vec<SamlSignature>,
}

#[derive(Deserialize)]
struct SamlSignature {
    index: usize,
    valid: Option<bool>,
    certificate_file: Option<String>,
}

#[derive(Deserialize)]
struct RedirectCase {
    file: String,
    signature_verifies_with: String,
}

#[derive(Deserialize)]
struct Exception {
    outcome: String,
    reason: String,
}

/// The actual answers, the expected ones, and the exceptions.
struct Outcomes {
    set: &'static str,
    exceptions: BTreeMap<String, Exception>,
    verified: usize,
    refused: usize,
    excepted: usize,
    wrong: String,
}

impl Outcomes {
    fn of(set: &'static str) -> Outcomes {
        let all = include_str!("../data/exceptions.json");
        let mut all: BTreeMap<String, BTreeMap<String, Exception>> = serde_json::from_str(all).unwrap();
        let exceptions = all.remove(set).unwrap();
        Outcomes { set, exceptions, verified: 0, refused: 0, excepted: 0, wrong: String::new() }
    }

    fn record(&mut self, name: &str, expected_verified: bool, actual: String) {
        let right = expected_verified == (actual == VERIFIED);
        match self.exceptions.remove(name) {
            Some(exception) if right => {
                writeln!(self.wrong, "{name}: {actual}, as it should: no exception ({})", exception.reason)
                    .unwrap();
            }
            Some(exception) if exception.outcome == actual => self.excepted += 1,
            Some(exception) => writeln!(self.wrong, "{name}: {actual}, not {}", exception.outcome).unwrap(),
            None if !right => writeln!(self.wrong, "{name}: {actual}").unwrap(),
            None if expected_verified => self.verified += 1,
            None => self.refused += 1,
        }
    }

    fn finish(self) {
        let Outcomes { set, verified, refused, excepted, .. } = self;
        println!("{set}: {verified} verified, {refused} refused, {excepted} exceptions");
        assert!(self.exceptions.is_empty(), "not in the manifest: {:?}", self.exceptions.keys());
        assert!(self.wrong.is_empty(), "{set}:\n{}", self.wrong);
    }
}

fn vectors() -> Option<PathBuf> {
    shared().map(|folder| folder.join("vectors"))
}

fn manifest<T: for<'a> Deserialize<'a>>(path: &Path) -> Vec<T> {
    serde_json::from_str::<Manifest<T>>(&fs::read_to_string(path).unwrap()).unwrap().cases
}

/// Accepts everything that can be allowed at all, because most of this material is old.
fn legacy() -> Provider {
    let sha1 = "http://www.w3.org/2000/09/xmldsig#sha1";
    let rsa_sha1 = "http://www.w3.org/2000/09/xmldsig#rsa-sha1";
    [sha1, rsa_sha1, "rsa-1024"]
        .iter()
        .fold(crate::provider(), |provider, uri| provider.danger_allow(uri).unwrap())
}

/// Returns the result of the first signature that verifies, or else of the first one.
fn first_verdict(document: &Document, keys: &[TrustedKey]) -> String {
    let signatures = document.elements().filter(|e| e.is(namespace::DSIG, "Signature"));
    let mut verdicts = signatures.map(|signature| {
        let at = signature.parent().or(Some(signature));
        code(verify_any(document, at, keys, &legacy(), &LIMITS).map_err(|error| error.code()))
    });
    let first = verdicts.next().unwrap_or_else(|| "no signature".to_owned());
    if verdicts.any(|verdict| verdict == VERIFIED) { VERIFIED.to_owned() } else { first }
}

fn code<T>(verdict: Result<T, &'static str>) -> String {
    verdict.map_or_else(str::to_owned, |_| VERIFIED.to_owned())
}

/// Returns every key in the KeyInfo below an element. A service never reads these.
fn keys_in(element: Element<'_>) -> Vec<TrustedKey> {
    let mut keys = Vec::new();
    for part in element.descendants() {
        let key = if part.is(namespace::DSIG, "X509Certificate") {
            Certificate::from_base64(&part.text()).ok().and_then(|it| it.public_key(&legacy()).ok())
        } else if part.local_name() == "RSAKeyValue" {
            rsa_key(part)
        } else if part.local_name() == "ECKeyValue" || part.local_name() == "ECDSAKeyValue" {
            elliptic_key(part)
        } else {
            None
        };
        keys.extend(key.map(|key| TrustedKey::new(key, "KeyInfo")));
    }
    keys
}

fn keys_of_file(path: &Path) -> Vec<TrustedKey> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let provider = legacy();
    let certificate = Certificate::from_pem(&text).ok().and_then(|it| it.public_key(&provider).ok());
    // For some keys only the private key is there.
    let private = || Some(provider.private_key(&text).ok()?.public_key().clone());
    certificate
        .or_else(private)
        .map(|key| TrustedKey::new(key, path.display().to_string()))
        .into_iter()
        .collect()
}

fn rsa_key(value: Element<'_>) -> Option<PublicKey> {
    let number = |name: &str| {
        let part = value.elements().find(|e| e.local_name() == name)?;
        let mut bytes = base64_decode(part.text().as_bytes()).ok()?;
        while bytes.first() == Some(&0) {
            bytes.remove(0);
        }
        bytes.insert(0, 0);
        Some(der(0x02, &bytes))
    };
    let modulus = number("Modulus")?;
    // A small exponent needs no leading zero.
    let exponent = number("Exponent").map(|it| der(0x02, &it[3..]))?;
    let key = der(0x30, &[modulus, exponent].concat());
    let algorithm = [0x30, 0x0d, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];
    let spki = der(0x30, &[&algorithm[..], &der(0x03, &[&[0], &key[..]].concat())].concat());
    legacy().public_key(&spki).ok()
}

/// `dsig11:ECKeyValue`, or `ECDSAKeyValue` of RFC 4050 with decimal coordinates.
fn elliptic_key(value: Element<'_>) -> Option<PublicKey> {
    let part = |name: &str| value.descendants().find(|e| e.local_name() == name);
    let curve = part("NamedCurve")?;
    let curve = curve.attribute("URI").or(curve.attribute("URN"))?;
    let (oid, length): (&[u8], _) = match curve.rsplit(':').next()? {
        "1.2.840.10045.3.1.7" => (&[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7], 32),
        "1.3.132.0.34" => (&[6, 5, 0x2b, 0x81, 4, 0, 0x22], 48),
        "1.3.132.0.35" => (&[6, 5, 0x2b, 0x81, 4, 0, 0x23], 66),
        _ => return None,
    };
    let point = match (part("X"), part("Y")) {
        (Some(x), Some(y)) => {
            let coordinate = |e: Element<'_>| Some(from_decimal(e.attribute("Value")?, length));
            [vec![4], coordinate(x)?, coordinate(y)?].concat()
        }
        _ => base64_decode(part("PublicKey")?.text().as_bytes()).ok()?,
    };
    let algorithm = der(0x30, &[&[6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1], oid].concat());
    let spki = der(0x30, &[algorithm, der(0x03, &[&[0], &point[..]].concat())].concat());
    legacy().public_key(&spki).ok()
}

fn from_decimal(text: &str, length: usize) -> Vec<u8> {
    let mut bytes = vec![0_u8; length];
    for digit in text.bytes() {
        let mut carry = u16::from(digit - b'0');
        for byte in bytes.iter_mut().rev() {
            carry += u16::from(*byte) * 10;
            *byte = carry as u8;
            carry >>= 8;
        }
    }
    bytes
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut out = vec![tag];
    match length {
        0..=127 => out.push(length as u8),
        128..=255 => out.extend([0x81, length as u8]),
        _ => out.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    out.extend(content);
    out
}

fn inflate(bytes: &[u8]) -> Vec<u8> {
    use std::io::Read as _;
    let mut out = Vec::new();
    flate2::read::DeflateDecoder::new(bytes).read_to_end(&mut out).unwrap();
    out
}
