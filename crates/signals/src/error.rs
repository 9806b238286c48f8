//! The reasons why a signal is refused or fails.

use http::StatusCode;
use vouchsafe::{Explain, crypto::CryptoError};
use vouchsafe_store::{SignInError, StoreError};

/// The reason why a signal was refused or failed. No variant contains the token or personal data.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignalError {
    /// The request does not have the expected form.
    #[error("the request is not of the expected form: {reason}")]
    #[non_exhaustive]
    Malformed {
        /// The reason.
        reason: &'static str,
    },
    /// Too many tokens came that the transmitter did not sign, from one client address or over one connection.
    #[error("too many tokens came that the transmitter did not sign")]
    #[non_exhaustive]
    TooMany {
        /// The number of seconds until one more is looked into.
        retry_after: u64,
    },
    /// No transmitter is configured for the connection.
    #[error("the connection does not receive signals")]
    UnknownConnection,
    /// The algorithm of the signature is not accepted.
    #[error("the token is not signed by an accepted algorithm")]
    Algorithm,
    /// The token has another type.
    #[error("the token's type is {actual:?}, expected {expected:?}")]
    #[non_exhaustive]
    Type {
        /// The type of the token.
        actual: String,
        /// The expected type.
        expected: &'static str,
    },
    /// The transmitter's keys do not include one with that id, even after they were fetched again.
    #[error("the transmitter has no key named {kid:?}")]
    #[non_exhaustive]
    UnknownKey {
        /// The key id in the token.
        kid: String,
    },
    /// The keys could not be fetched or are not valid.
    #[error("the transmitter's keys could not be loaded: {reason}")]
    #[non_exhaustive]
    Keys {
        /// The reason.
        reason: String,
    },
    /// The signature does not verify.
    #[error("the signature is not valid")]
    Signature(#[source] CryptoError),
    /// The token has another issuer.
    #[error("the token's issuer is {actual:?}, expected {expected:?}")]
    #[non_exhaustive]
    Issuer {
        /// The issuer of the token.
        actual: String,
        /// The configured issuer.
        expected: String,
    },
    /// The token is for another audience.
    #[error("the token's audience is {actual:?}, expected one of {expected:?}")]
    #[non_exhaustive]
    Audience {
        /// The audiences of the token.
        actual: Vec<String>,
        /// The configured audiences.
        expected: Vec<String>,
    },
    /// The token is too old, not valid yet, or has no time of issue.
    #[error("the token's times are not acceptable: {reason}")]
    #[non_exhaustive]
    Time {
        /// The reason.
        reason: &'static str,
    },
    /// The token was used before with another subject. It is valid for one subject only.
    #[error("the token came before with another subject")]
    OtherSubject,
    /// No account of the connection matches the subject.
    #[error("the connection does not know the subject")]
    UnknownSubject,
    /// The cryptography provider failed.
    #[error("the cryptography provider failed")]
    Cryptography(#[source] CryptoError),
    /// The store failed. The transmitter sends the signal again.
    #[error("the store failed")]
    Store(#[source] StoreError),
    /// The sessions could not be ended.
    #[error("the sessions could not be ended: {0}")]
    Refused(SignInError),
}

impl SignalError {
    /// The status of the answer to a Global Token Revocation request.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Malformed { .. } => StatusCode::BAD_REQUEST,
            Self::UnknownConnection | Self::UnknownSubject => StatusCode::NOT_FOUND,
            Self::Store(_) | Self::Keys { .. } | Self::Cryptography(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Refused(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            _ => StatusCode::UNAUTHORIZED,
        }
    }

    /// The error code (RFC 8935, 2.4) for a refused security event; `None`: the receiver failed, or takes no
    /// more at the moment.
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
            Self::Store(_) | Self::Keys { .. } | Self::Cryptography(_) | Self::TooMany { .. } => None,
        }
    }
}

impl SignalError {
    /// Whether a rule refused the signal, for the customer's audit. Failures of this service, and signals for unknown
    /// connections, are not written there; what a plan refuses is written already.
    pub(crate) fn is_of_a_rule(&self) -> bool {
        !matches!(
            self,
            Self::Store(_)
                | Self::Keys { .. }
                | Self::Cryptography(_)
                | Self::UnknownConnection
                | Self::TooMany { .. }
                | Self::Refused(_)
        )
    }
}

impl Explain for SignalError {
    fn code(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "signal.malformed",
            Self::TooMany { .. } => "signal.too_many",
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
            Self::TooMany { .. } => {
                "The transmitter sends it again. If all clients come through one proxy, let with_client_address read the address that the proxy names."
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
            Self::Cryptography(_) => "Look at the cryptography provider.",
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
