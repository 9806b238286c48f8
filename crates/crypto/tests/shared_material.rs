//! Certificates and keys from the field, where the folder of shared material is present.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test stops at the first surprise"
)]

use std::path::{Path, PathBuf};
use vouchsafe_crypto::{Certificate, Provider};

fn shared() -> Option<PathBuf> {
    let folder = std::env::var_os("VOUCHSAFE_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    if folder.join("vectors").is_dir() {
        return Some(folder);
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

/// The text between `X509Certificate>` and the next `<`. This crate knows no XML.
fn certificates_in(text: &str) -> impl Iterator<Item = &str> {
    text.split("X509Certificate>").skip(1).step_by(2).filter_map(|rest| rest.split('<').next())
}

#[test]
fn explore() {
    let Some(shared) = shared() else { return };
    let mut paths = Vec::new();
    files(&shared, &mut paths);
    let provider = Provider::rustcrypto().danger_allow("rsa-1024").unwrap();
    let mut seen = std::collections::BTreeMap::new();
    for path in paths {
        let Ok(octets) = std::fs::read(&path) else { continue };
        let text = String::from_utf8_lossy(&octets);
        for certificate in certificates_in(&text) {
            seen.entry(certificate.to_owned()).or_insert(path.clone());
        }
        if text.contains("BEGIN CERT") {
            seen.entry(text.into_owned()).or_insert(path.clone());
        }
    }
    let mut kinds = std::collections::BTreeMap::<String, usize>::new();
    for (text, path) in &seen {
        match Certificate::from_base64(text) {
            Err(error) => {
                println!("{} {error} {:?}", path.display(), text.chars().take(80).collect::<String>())
            }
            Ok(certificate) => {
                if certificate.not_before().is_none()
                    || certificate.not_after().is_none()
                    || certificate.subject().starts_with('#')
                    || certificate.issuer().starts_with('#')
                {
                    println!(
                        "odd {} {certificate:?} {:?} {:?} {}",
                        path.display(),
                        certificate.not_before(),
                        certificate.not_after(),
                        certificate.issuer()
                    );
                }
                let kind = match certificate.public_key(&provider) {
                    Ok(key) => key.kind().to_string(),
                    Err(error) => {
                        println!("key {} {error} {certificate:?}", path.display());
                        error.to_string()
                    }
                };
                *kinds.entry(kind).or_default() += 1;
            }
        }
    }
    println!("{} {kinds:#?}", seen.len());
}
