use std::borrow::Cow;
use vouchsafe_crypto::CryptoError;
use vouchsafe_encryption::EncryptionError;
use vouchsafe_signature::SignatureError;
use vouchsafe_xml::{Quoted, XmlError};

/// Why the kit could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TestkitError {
    /// The XML could not be written or read.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// A key could not be used.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// A message could not be signed.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// An assertion could not be encrypted.
    #[error(transparent)]
    Encryption(#[from] EncryptionError),
    /// A message that came from a service provider is not what it should be.
    #[error("{what}: expected {expected}, found {}", Quoted::new(.actual))]
    #[non_exhaustive]
    Message {
        /// What was read.
        what: &'static str,
        /// What should be there.
        expected: Cow<'static, str>,
        /// What is there.
        actual: String,
    },
    /// Something that the server does not know: a user, an application.
    #[error("no {what} is known as {}", Quoted::new(.name))]
    #[non_exhaustive]
    Unknown {
        /// What kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// The user exists and may not use the application.
    #[error("{} may not use {}: {reason}", Quoted::new(.user), Quoted::new(.app))]
    #[non_exhaustive]
    NotAllowed {
        /// Login of the user.
        user: String,
        /// Label of the application.
        app: String,
        /// Why not.
        reason: &'static str,
    },
    /// An application refused what was pushed to it by SCIM, or did not answer.
    #[error("the application answered {request} with status {status}: {detail}")]
    #[non_exhaustive]
    Provisioning {
        /// Method and path.
        request: String,
        /// The status; 0: there was no answer.
        status: u16,
        /// What it said.
        detail: String,
    },
    /// The server could not start.
    #[error("cannot listen on {address}: {source}")]
    #[non_exhaustive]
    Listen {
        /// Where it should have listened.
        address: std::net::SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
}

impl TestkitError {
    /// The stable name of this kind of error. Errors of the crates below keep theirs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Xml(error) => error.code(),
            Self::Crypto(error) => error.code(),
            Self::Signature(error) => error.code(),
            Self::Encryption(error) => error.code(),
            Self::Message { .. } => "testkit.message",
            Self::Unknown { .. } => "testkit.unknown",
            Self::NotAllowed { .. } => "testkit.not_allowed",
            Self::Provisioning { .. } => "testkit.provisioning",
            Self::Listen { .. } => "testkit.listen",
        }
    }

    pub(crate) fn message(
        what: &'static str,
        expected: impl Into<Cow<'static, str>>,
        actual: impl Into<String>,
    ) -> Self {
        Self::Message { what, expected: expected.into(), actual: actual.into() }
    }
}
