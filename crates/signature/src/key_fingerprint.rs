//! How messages and evidence name a key.

use std::fmt;
use std::sync::Arc;

/// The SHA-256 fingerprint by which messages, evidence and the autopsy name a key: that of its certificate, as consoles and
/// `openssl x509 -fingerprint -sha256` show it, or that of the key itself where there is no certificate.
///
/// It is written with the words that say which of the two it is. Cloning is cheap.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyFingerprint {
    /// Over the certificate, as "AB:CD:..".
    Certificate(Arc<str>),
    /// Over the SubjectPublicKeyInfo of a key that came without a certificate, as "AB:CD:..".
    Key(Arc<str>),
}

impl KeyFingerprint {
    /// The 32 bytes as "AB:CD:..", without saying of what.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Certificate(fingerprint) | Self::Key(fingerprint) => fingerprint,
        }
    }

    /// `certificate` or `key`.
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
