//! The fingerprint by which messages and evidence name a key.

use std::fmt;
use std::sync::Arc;

/// The SHA-256 fingerprint by which messages, evidence and the autopsy name a key. It is the fingerprint of the key's
/// certificate, as consoles and `openssl x509 -fingerprint -sha256` show it, or of the key itself if there is no
/// certificate.
///
/// Its text form says which of the two it is. Cloning is cheap.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyFingerprint {
    /// The fingerprint of the certificate, as "AB:CD:..".
    Certificate(Arc<str>),
    /// The fingerprint of the SubjectPublicKeyInfo of a key without a certificate, as "AB:CD:..".
    Key(Arc<str>),
}

impl KeyFingerprint {
    /// Returns the 32 bytes as "AB:CD:..", without the word for the subject.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Certificate(fingerprint) | Self::Key(fingerprint) => fingerprint,
        }
    }

    /// Returns the subject of the fingerprint: `certificate` or `key`.
    #[must_use]
    pub fn subject(&self) -> &'static str {
        match self {
            Self::Certificate(_) => "certificate",
            Self::Key(_) => "key",
        }
    }
}

impl fmt::Display for KeyFingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate(fingerprint) => write!(formatter, "certificate SHA-256 {fingerprint}"),
            Self::Key(fingerprint) => write!(formatter, "key without a certificate, SHA-256 {fingerprint}"),
        }
    }
}
