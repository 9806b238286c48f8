//! Reads files that are named on the command line; `-` is standard input.

use std::io::Read;
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use vouchsafe::FieldContent;
use vouchsafe::crypto::{Certificate, PrivateKey, Provider, PublicKey, from_fingerprint};
use vouchsafe::metadata::Aggregate;
use vouchsafe::signature::TrustedKey;
use vouchsafe::xml::{Document, Element, Limits, Quoted};

use crate::failure::Failure;

/// Reads the bytes of a file.
pub(crate) fn bytes(path: &str) -> Result<Vec<u8>, Failure> {
    let read = if path == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        std::fs::read(path)
    };
    let is_address = path.starts_with("https://") || path.starts_with("http://");
    let hint = if is_address {
        "This command reads files. Give - and the content on standard input, such as `curl -sf URL | vouchsafe metadata lint -`."
    } else {
        "Check the path and its permissions; - is standard input."
    };
    read.map_err(|error| Failure::usage("cli.file", format!("{path} cannot be read: {error}"), hint))
}

/// Reads the text of a file.
pub(crate) fn text(path: &str) -> Result<String, Failure> {
    String::from_utf8(bytes(path)?).map_err(|error| {
        let content = FieldContent::of(error.as_bytes());
        let found = content.map(|content| format!("; it looks like {}", content.description()));
        Failure::usage(
            "cli.encoding",
            format!("{path} is not UTF-8: {error}{}", found.unwrap_or_default()),
            "Give a text file, such as PEM or XML in UTF-8.",
        )
    })
}

/// Parses a document that the user chose, so with limits for the metadata of a federation. `path` is for the message.
pub(crate) fn document(path: &str, bytes: &[u8]) -> Result<Document, Failure> {
    Document::parse(bytes, &limits()).map_err(|error| Failure::unusable(path, error))
}

/// Reads metadata with any number of entities.
pub(crate) fn aggregate(path: &str) -> Result<Aggregate, Failure> {
    Aggregate::read(bytes(path)?).map_err(|error| Failure::unusable(path, error))
}

/// Returns the limits for files that the user chose.
pub(crate) fn limits() -> Limits {
    Limits::metadata()
}

/// Returns the element at a positional path.
pub(crate) fn element<'d>(document: &'d Document, position: &str) -> Result<Element<'d>, Failure> {
    document.at(position).ok_or_else(|| {
        Failure::usage(
            "cli.position",
            format!("there is no element at {position}"),
            "Give a positional path such as /*/*[1]/*[2], which counts element children from 1.",
        )
    })
}

/// Reads a certificate in PEM, DER or base64.
pub(crate) fn certificate(path: &str) -> Result<Certificate, Failure> {
    let contents = bytes(path)?;
    Certificate::from_file_contents(&contents).map_err(|error| {
        let failure = Failure::unusable(path, error);
        match FieldContent::of(&contents) {
            None | Some(FieldContent::CertificatePem | FieldContent::CertificateDer) => failure,
            Some(content) => failure.caused_by(
                format_args!("it looks like {}", content.description()),
                "Give the certificate: PEM, DER or base64, as the console of its owner offers it for download.",
            ),
        }
    })
}

/// Reads the SHA-256 fingerprint of a certificate, as `openssl x509 -fingerprint -sha256` and consoles show it.
pub(crate) fn fingerprint(text: &str) -> Result<[u8; 32], Failure> {
    from_fingerprint(text).ok_or_else(|| {
        Failure::usage(
            "refresh.fingerprint",
            format!("{} is not a SHA-256 fingerprint of a certificate", Quoted::new(text)),
            "Give 64 hexadecimal digits, as `openssl x509 -noout -fingerprint -sha256` prints them; a SHA-1 fingerprint has 40.",
        )
    })
}

/// Reads a private key in PEM.
pub(crate) fn private_key(path: &str, provider: &Provider) -> Result<PrivateKey, Failure> {
    provider.private_key(&text(path)?).map_err(|error| Failure::unusable(path, error))
}

/// Reads private keys in PEM.
pub(crate) fn private_keys(paths: &[String], provider: &Provider) -> Result<Vec<PrivateKey>, Failure> {
    paths.iter().map(|path| private_key(path, provider)).collect()
}

/// Reads the keys that verify signatures.
pub(crate) fn trusted_keys(
    certificates: &[String],
    keys: &[String],
    provider: &Provider,
) -> Result<Vec<TrustedKey>, Failure> {
    let mut trusted = Vec::new();
    for path in certificates {
        let key = TrustedKey::of_certificate(&certificate(path)?, path, provider);
        trusted.push(key.map_err(|error| Failure::unusable(path, error))?);
    }
    for path in keys {
        trusted.push(TrustedKey::new(public_key(path, provider)?, path));
    }
    Ok(trusted)
}

/// Reads a public key in PEM: on its own, or from a private key.
fn public_key(path: &str, provider: &Provider) -> Result<PublicKey, Failure> {
    let text = text(path)?;
    if text.contains("PRIVATE KEY-----") {
        return Ok(private_key(path, provider)?.public_key().clone());
    }
    provider.public_key_pem(&text).map_err(|error| Failure::unusable(path, error))
}

/// Returns the current time.
pub(crate) fn now() -> DateTime<Utc> {
    DateTime::from(SystemTime::now())
}
