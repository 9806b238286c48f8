//! The subject of a signal (RFC 9493).

use serde_json::Value;
use vouchsafe::ConnectionId;
use vouchsafe::provisioning::{Account, EmailAddress};
use vouchsafe_store::AccountKey;

use crate::SignalError;

/// The subject of a signal. `Debug` shows nothing personal.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Subject {
    /// `email`: an e-mail address.
    Email(String),
    /// `iss_sub`: the transmitter's own identifier of the person.
    #[non_exhaustive]
    IssuerAndSubject {
        /// The issuer of the identifier.
        issuer: String,
        /// The identifier.
        subject: String,
    },
}

impl Subject {
    /// Parses a subject identifier: `{"format": "email", "email": ...}`, `{"format": "iss_sub", "iss": ..., "sub":
    /// ...}`, or a complex one that has one of them as its `user`.
    ///
    /// # Errors
    /// [`SignalError::Malformed`].
    pub fn from_json(value: &Value) -> Result<Subject, SignalError> {
        let malformed = SignalError::Malformed { reason: "the subject is neither email nor iss_sub" };
        let text = |name: &str| {
            let text = value.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
            text.filter(|text| text.len() <= 1_024).map(str::to_owned)
        };
        // Early drafts had another name for the format.
        let format = text("format").or_else(|| text("subject_type"));
        match (format.as_deref(), value.get("user")) {
            (Some("email"), _) => text("email").map(Subject::Email).ok_or(malformed),
            (Some("iss_sub" | "iss-sub"), _) => match (text("iss"), text("sub")) {
                (Some(issuer), Some(subject)) => Ok(Subject::IssuerAndSubject { issuer, subject }),
                _ => Err(malformed),
            },
            (None | Some("complex"), Some(user)) if user.get("user").is_none() => Subject::from_json(user),
            _ => Err(malformed),
        }
    }

    /// A text that is equal for equal subjects and different for different ones.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Email(address) => format!("email {}", EmailAddress::key_of(address.trim())),
            Self::IssuerAndSubject { issuer, subject } => {
                format!("iss_sub {}:{issuer} {subject}", issuer.len())
            }
        }
    }

    /// The key that finds the account; `None` if no account can have such a name.
    pub(crate) fn key(&self, connection: &ConnectionId) -> Option<AccountKey> {
        match self {
            Self::Email(address) => EmailAddress::parse(address.trim()).ok().map(AccountKey::Email),
            Self::IssuerAndSubject { subject, .. } => {
                Some(AccountKey::subject(connection.clone(), subject.as_str()))
            }
        }
    }
}

/// Whether the connection signs the account's person in, or has pushed the account.
pub(crate) fn is_theirs(account: &Account, connection: &ConnectionId) -> bool {
    account.is_managed_over(connection) || account.signs_in_over(connection)
}

impl std::fmt::Debug for Subject {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Email(_) => "Email(..)",
            Self::IssuerAndSubject { .. } => "IssuerAndSubject { .. }",
        })
    }
}
