//! The key that opens encrypted assertions, made at the first start.

use std::fs;
use std::io::Write;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe::Provider;
use vouchsafe::crypto::{Certificate, KeyKind, PrivateKey};

use crate::failure::Failure;

/// Who computes.
#[cfg(feature = "aws-lc")]
pub(crate) const PROVIDER: &str = "AWS-LC";
#[cfg(not(feature = "aws-lc"))]
pub(crate) const PROVIDER: &str = "RustCrypto";

#[cfg(feature = "aws-lc")]
pub(crate) fn provider() -> Provider {
    vouchsafe_crypto_aws_lc::provider()
}

#[cfg(not(feature = "aws-lc"))]
pub(crate) fn provider() -> Provider {
    Provider::rustcrypto()
}

/// The key and the certificate that goes to the identity provider: out of the folder, or new (and put there).
pub(crate) fn load_or_make(
    folder: Option<&Path>,
    provider: &Provider,
    now: DateTime<Utc>,
) -> Result<(PrivateKey, Certificate), Failure> {
    let Some(folder) = folder else { return make(provider, now) };
    let (key_file, certificate_file) =
        (folder.join("decryption-key.pem"), folder.join("encryption-certificate.pem"));
    if key_file.exists() {
        let key = provider.private_key(&fs::read_to_string(key_file)?)?;
        return Ok((key, Certificate::from_pem(&fs::read_to_string(certificate_file)?)?));
    }
    let (key, certificate) = make(provider, now)?;
    fs::write(certificate_file, certificate.to_pem())?;
    write_secret(&key_file, key.to_pkcs8_pem().as_str())?;
    Ok((key, certificate))
}

fn make(provider: &Provider, now: DateTime<Utc>) -> Result<(PrivateKey, Certificate), Failure> {
    let key = provider.generate_key(KeyKind::Rsa { bits: 2048 })?;
    let end = now.checked_add_signed(TimeDelta::days(3650)).unwrap_or(now);
    let certificate =
        Certificate::self_signed(provider, &key, "Loadbench", now.timestamp(), end.timestamp())?;
    Ok((key, certificate))
}

/// A file that nobody else can read.
fn write_secret(file: &Path, text: &str) -> Result<(), Failure> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)?.write_all(text.as_bytes())?;
    Ok(())
}
