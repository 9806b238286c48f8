//! The messages of the shared test material.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use vouchsafe_crypto::base64_decode;

/// The folder of shared material: `VOUCHSAFE_SHARED`, or `shared` beside the workspace.
///
/// # Panics
/// When `CI` is set and it is absent.
#[must_use]
pub fn shared() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let folder = std::env::var_os("VOUCHSAFE_SHARED").map_or(beside, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    let in_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
    assert!(!in_ci, "no shared material at {}: set VOUCHSAFE_SHARED", folder.display());
    println!("skipped: no shared material");
    None
}

/// A file with signatures.
#[derive(Debug)]
#[non_exhaustive]
pub struct Message {
    /// Its path below the folder of its set.
    pub name: String,
    /// As XML.
    pub bytes: Vec<u8>,
    /// For each signature that has a verdict of others: its number, and the file of its key.
    pub signatures: Vec<(usize, Option<PathBuf>)>,
    /// Whether it is metadata, whose root may be referenced by an empty URI.
    pub is_metadata: bool,
}

/// The SAML messages and metadata of `vectors/saml`.
///
/// # Panics
/// When the material is not as its manifest says.
#[must_use]
pub fn messages(shared: &Path) -> Vec<Message> {
    let folder = shared.join("vectors/saml");
    let message = |case: SamlCase| {
        let text = std::fs::read(folder.join(&case.file)).expect("a file of the manifest");
        let bytes = match case.encoding.as_str() {
            "xml" => text,
            "base64" => base64_decode(&text).expect("base64"),
            _ => inflated(&base64_decode(&text).expect("base64")),
        };
        let judged = case.signatures.into_iter().filter(|signature| signature.valid.is_some());
        let signatures =
            judged.map(|one| (one.index, one.certificate_file.map(|file| folder.join(file)))).collect();
        Message { name: case.file, bytes, signatures, is_metadata: case.kind.starts_with("metadata:") }
    };
    cases::<SamlCase>(&folder).into_iter().map(message).collect()
}

/// The files of `vectors/dsig`, each with its first signature.
///
/// # Panics
/// When the material is not as its manifest says.
#[must_use]
pub fn signed_files(shared: &Path) -> Vec<Message> {
    let folder = shared.join("vectors/dsig");
    let message = |case: DsigCase| Message {
        bytes: std::fs::read(folder.join(&case.file)).expect("a file of the manifest"),
        signatures: vec![(0, case.key_file.map(|file| folder.join(file)))],
        name: case.file,
        is_metadata: true,
    };
    cases::<DsigCase>(&folder).into_iter().map(message).collect()
}

#[derive(Deserialize)]
struct Manifest<T> {
    cases: Vec<T>,
}

#[derive(Deserialize)]
struct DsigCase {
    file: String,
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

fn cases<T: DeserializeOwned>(folder: &Path) -> Vec<T> {
    let text = std::fs::read_to_string(folder.join("manifest.json")).expect("a manifest");
    serde_json::from_str::<Manifest<T>>(&text).expect("a manifest of cases").cases
}

fn inflated(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    flate2::read::DeflateDecoder::new(bytes).read_to_end(&mut out).expect("a DEFLATE stream");
    out
}
