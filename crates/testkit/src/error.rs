use std::borrow::Cow;
use vouchsafe_crypto::CryptoError;
use vouchsafe_encryption::EncryptionError;
use vouchsafe_signature::SignatureError;
use vouchsafe_xml::{Quoted, XmlError};

/// The reason why an operation of the test kit failed.
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
    /// A message from a service provider is not valid.
    #[error("{what}: expected {expected}, found {}", Quoted::new(.actual))]
    #[non_exhaustive]
    Message {
        /// The part that was read.
        what: &'static str,
        /// The expected value.
        expected: Cow<'static, str>,
        /// The actual value.
        actual: String,
    },
    /// The server does not know this user or application.
    #[error("no {what} is known as {}", Quoted::new(.name))]
    #[non_exhaustive]
    Unknown {
        /// The kind of the unknown object.
        what: &'static str,
        /// The name that was not found.
        name: String,
    },
    /// The user exists, but may not use the application.
    #[error("{} may not use {}: {reason}", Quoted::new(.user), Quoted::new(.app))]
    #[non_exhaustive]
    NotAllowed {
        /// The login of the user.
        user: String,
        /// The label of the application.
        app: String,
        /// The reason.
        reason: &'static str,
    },
    /// Nobody answered a request to an application.
    #[error("nobody answered {request}: {reason}")]
    #[non_exhaustive]
    Unanswered {
        /// The method and the path.
        request: String,
        /// The reason, such as a refused connection.
        reason: String,
    },
    /// An application refused a request, for example one of SCIM.
    #[error("the application answered {request} with status {status}: {detail}")]
    #[non_exhaustive]
    Provisioning {
        /// The method and the path.
        request: String,
        /// The HTTP status.
        status: u16,
        /// The text of the answer.
        detail: String,
    },
    /// The server could not start.
    #[error("cannot listen on {address}: {source}")]
    #[non_exhaustive]
    Listen {
        /// The address to listen on.
        address: std::net::SocketAddr,
        /// The error of the operating system.
        source: std::io::Error,
    },
}

impl TestkitError {
    /// Returns the stable code of this kind of error. Errors of lower crates keep their codes.
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
            Self::Unanswered { .. } => "testkit.unanswered",
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
