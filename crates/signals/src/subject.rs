//! Whom a signal is about (RFC 9493).

use serde_json::Value;
use vouchsafe::ConnectionId;
use vouchsafe::provisioning::{Account, EmailAddress};

use crate::SignalError;

/// Whom a signal is about. `Debug` shows nothing personal.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Subject {
    /// `email`: an e-mail address.
    Email(String),
    /// `iss_sub`: the transmitter's own identifier of the person.
    #[non_exhaustive]
    IssuerAndSubject {
        /// Whose identifier it is.
        issuer: String,
        /// The identifier.
        subject: String,
    },
}

impl Subject {
    /// Reads a subject identifier: `{"format": "email", "email": ...}`, `{"format": "iss_sub", "iss": ..., "sub": ...}`, or a complex one that has
    /// one of them as its `user`.
    ///
    /// # Errors
    /// [`SignalError::Malformed`].
    pub fn from_json(value: &Value) -> Result<Subject, SignalError> {
        let malformed = SignalError::Malformed { reason: "the subject is neither email nor iss_sub" };
        let text = |name: &str| {
            let text = value.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
            text.filter(|text| text.len() <= 1_024).map(str::to_owned)
        };
        // Early drafts named the format differently.
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

    /// Whether an account is meant: one of those whom the connection signs in or has pushed.
    pub(crate) fn means(&self, account: &Account, connection: &ConnectionId) -> bool {
        if !account.is_managed_over(connection) && !signs_in_over(account, connection) {
            return false;
        }
        match self {
            Self::Email(address) => {
                match (EmailAddress::parse(address.trim()), EmailAddress::parse(&account.email)) {
                    (Ok(asked), Ok(own)) => asked == own,
                    _ => false,
                }
            }
            Self::IssuerAndSubject { subject, .. } => {
                let mut identities = account.identities.iter();
                identities.any(|one| one.connection == *connection && one.subject == *subject)
                    || account
                        .scim_record(connection)
                        .is_some_and(|record| record.external_id.as_ref() == Some(subject))
            }
        }
    }
}

fn signs_in_over(account: &Account, connection: &ConnectionId) -> bool {
    account.identities.iter().any(|identity| identity.connection == *connection)
}

impl std::fmt::Debug for Subject {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Email(_) => "Email(..)",
            Self::IssuerAndSubject { .. } => "IssuerAndSubject { .. }",
        })
    }
}
