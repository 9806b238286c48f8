//! Why a signal is not believed or not done.

use http::StatusCode;
use vouchsafe::{Explain, crypto::CryptoError};
use vouchsafe_store::{SignInError, StoreError};

/// Why a signal is not believed or not done. No variant has the token or a person in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignalError {
    /// The request is not of the form that is expected.
    #[error("the request is not of the expected form: {reason}")]
    #[non_exhaustive]
    Malformed {
        /// Why.
        reason: &'static str,
    },
    /// Nobody's signals are taken for that connection.
    #[error("no signals are taken for this connection")]
    UnknownConnection,
    /// The algorithm of the signature is none that is accepted.
    #[error("the token is not signed by an accepted algorithm")]
    Algorithm,
    /// The token is one of another kind.
    #[error("the token's type is {actual:?}, expected {expected:?}")]
    #[non_exhaustive]
    Type {
        /// The type that it has.
        actual: String,
        /// The type that is expected.
        expected: &'static str,
    },
    /// The transmitter's keys have none of that name, also after they were asked for again.
    #[error("the transmitter has no key named {kid:?}")]
    #[non_exhaustive]
    UnknownKey {
        /// The name in the token.
        kid: String,
    },
    /// The keys could not be fetched, or are none.
    #[error("the transmitter's keys could not be had: {reason}")]
    #[non_exhaustive]
    Keys {
        /// Why.
        reason: String,
    },
    /// The signature does not verify.
    #[error("the signature does not verify")]
    Signature(#[source] CryptoError),
    /// The token is of another issuer.
    #[error("the token's issuer is {actual:?}, expected {expected:?}")]
    #[non_exhaustive]
    Issuer {
        /// The issuer that it has.
        actual: String,
        /// The issuer that is configured.
        expected: String,
    },
    /// The token is for somebody else.
    #[error("the token's audience is {actual:?}, expected one of {expected:?}")]
    #[non_exhaustive]
    Audience {
        /// The audiences that it has.
        actual: Vec<String>,
        /// The audiences that are configured.
        expected: Vec<String>,
    },
    /// The token is too old, not valid yet, or has no time.
    #[error("the token's times are not acceptable: {reason}")]
    #[non_exhaustive]
    Time {
        /// Why.
        reason: &'static str,
    },
    /// The token came before, with another subject: it is good for one.
    #[error("the token came before with another subject")]
    OtherSubject,
    /// The subject is nobody of the connection.
    #[error("the subject is nobody of this connection")]
    UnknownSubject,
    /// The provider of cryptography failed.
    #[error("the provider of cryptography failed")]
    Cryptography(#[source] CryptoError),
    /// The store failed. The transmitter sends the signal again.
    #[error("the store failed")]
    Store(#[source] StoreError),
    /// The sessions could not be ended.
    #[error("the sessions could not be ended: {0}")]
    Refused(SignInError),
}

impl SignalError {
    /// The status of the answer to a Global Token Revocation.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Malformed { .. } => StatusCode::BAD_REQUEST,
            Self::UnknownConnection | Self::UnknownSubject => StatusCode::NOT_FOUND,
            Self::Store(_) | Self::Keys { .. } | Self::Cryptography(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Refused(_) => StatusCode::UNPROCESSABLE_ENTITY,
            _ => StatusCode::UNAUTHORIZED,
        }
    }

    /// The error code of RFC 8935, 2.4, for a security event that is refused; `None`: the receiver failed.
    #[must_use]
    pub fn event_code(&self) -> Option<&'static str> {
        match self {
            Self::Malformed { .. } | Self::Type { .. } | Self::Time { .. } => Some("invalid_request"),
            Self::Algorithm | Self::UnknownKey { .. } => Some("invalid_key"),
            Self::Signature(_) | Self::UnknownConnection | Self::OtherSubject => {
                Some("authentication_failed")
            }
            Self::Issuer { .. } => Some("invalid_issuer"),
            Self::Audience { .. } => Some("invalid_audience"),
            Self::UnknownSubject | Self::Refused(_) => Some("access_denied"),
            Self::Store(_) | Self::Keys { .. } | Self::Cryptography(_) => None,
        }
    }
}

impl SignalError {
    /// Whether a rule refused the signal: for the audit of the customer. What failed here, and a door that is not there, are nothing of theirs, and
    /// what a plan refuses stands in the audit already.
    pub(crate) fn is_of_a_rule(&self) -> bool {
        !matches!(
            self,
            Self::Store(_)
                | Self::Keys { .. }
                | Self::Cryptography(_)
                | Self::UnknownConnection
                | Self::Refused(_)
        )
    }
}

impl Explain for SignalError {
    fn code(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "signal.malformed",
            Self::UnknownConnection => "signal.unknown_connection",
            Self::Algorithm => "signal.algorithm",
            Self::Type { .. } => "signal.type",
            Self::UnknownKey { .. } => "signal.unknown_key",
            Self::Keys { .. } => "signal.keys",
            Self::Signature(_) => "signal.signature",
            Self::Issuer { .. } => "signal.issuer",
            Self::Audience { .. } => "signal.audience",
            Self::Time { .. } => "signal.time",
            Self::OtherSubject => "signal.other_subject",
            Self::UnknownSubject => "signal.unknown_subject",
            Self::Cryptography(_) => "signal.cryptography",
            Self::Store(failure) => failure.code(),
            Self::Refused(refusal) => refusal.code(),
        }
    }

    fn hint(&self) -> &'static str {
        match self {
            Self::Malformed { .. } | Self::Type { .. } => {
                "Check that the address is that of this kind of signal, and that the subject is an e-mail address or issuer and subject."
            }
            Self::UnknownConnection => {
                "Configure the transmitter of the connection, or correct the address at the identity provider."
            }
            Self::Algorithm => "Set the transmitter to sign with RS256, PS256 or ES256.",
            Self::UnknownKey { .. } | Self::Signature(_) | Self::Keys { .. } => {
                "Compare the configured address of the keys (JWKS) with that of the transmitter."
            }
            Self::Issuer { .. } => {
                "Enter the issuer exactly as the transmitter writes it (Okta: the address of the org, without a slash at the end)."
            }
            Self::Audience { .. } => {
                "Enter the audience that the transmitter writes (Okta: the address of this endpoint)."
            }
            Self::Time { .. } => {
                "Compare the clocks; a token that waited too long is sent again by the transmitter with a new time."
            }
            Self::OtherSubject => {
                "Send each revocation with a token of its own. If the transmitter does, somebody else has used one of its tokens."
            }
            Self::UnknownSubject => {
                "The person has never signed in over the connection, and was not pushed over it."
            }
            Self::Cryptography(_) => "Look at the provider of cryptography.",
            Self::Store(failure) => failure.hint(),
            Self::Refused(refusal) => refusal.hint(),
        }
    }
}

impl From<StoreError> for SignalError {
    fn from(failure: StoreError) -> SignalError {
        SignalError::Store(failure)
    }
}

impl From<SignInError> for SignalError {
    fn from(error: SignInError) -> SignalError {
        match error {
            SignInError::Store(failure) => SignalError::Store(failure),
            other => SignalError::Refused(other),
        }
    }
}
