//! A refusal: the error that decides, and everything that was checked.

use std::error::Error;
use std::fmt;

use chrono::{DateTime, Utc};
use vouchsafe_xml::XmlError;

use crate::error::AssertionError;
use crate::ledger::Ledger;

/// A response that is not accepted, and why.
///
/// `Display` and the [`ledger`](Refusal::ledger) are for logs and operators. To the browser goes
/// [`public_message`](Refusal::public_message), which is the same whatever was wrong.
///
/// ```
/// use vouchsafe_assertion::{Envelope, Refusal};
/// use vouchsafe_xml::{Document, Limits};
///
/// let document = Document::parse(b"<Response/>", &Limits::default()).unwrap();
/// let refusal: Refusal = Envelope::read(&document).unwrap_err();
/// assert_eq!(refusal.code(), "assertion.not_a_response");
/// assert!(refusal.hint().contains("Single sign-on URL"));
/// assert_eq!(refusal.public_message(), "The sign-in could not be completed.");
/// ```
pub struct Refusal(Box<Contents>);

struct Contents {
    error: AssertionError,
    ledger: Ledger,
}

impl Refusal {
    /// A refusal on which nothing was checked yet.
    #[must_use]
    pub fn new(error: AssertionError) -> Refusal {
        Refusal::with_ledger(error, Ledger::default())
    }

    /// No trusted identity provider has the name that the response claims (`assertion.unknown_issuer`).
    #[must_use]
    pub fn unknown_issuer(issuer: impl Into<String>) -> Refusal {
        Refusal::new(AssertionError::UnknownIssuer { issuer: issuer.into() })
    }

    /// Another identity provider answers than the one that was asked (`assertion.unexpected_issuer`).
    #[must_use]
    pub fn unexpected_issuer(expected: impl Into<String>, actual: impl Into<String>) -> Refusal {
        Refusal::new(AssertionError::UnexpectedIssuer { expected: expected.into(), actual: actual.into() })
    }

    /// The request is answered too late (`assertion.request_expired`).
    #[must_use]
    pub fn request_expired(expired_at: DateTime<Utc>) -> Refusal {
        Refusal::new(AssertionError::RequestExpired { expired_at })
    }

    pub(crate) fn with_ledger(error: AssertionError, ledger: Ledger) -> Refusal {
        Refusal(Box::new(Contents { error, ledger }))
    }

    /// The stable code, for logs and alerts: `assertion.audience`, or the code of the crate below, such as `signature.digest`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.error.code()
    }

    /// What an operator changes.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        self.0.error.hint()
    }

    /// The one sentence for the browser. It never tells which check failed.
    #[must_use]
    pub fn public_message(&self) -> &'static str {
        "The sign-in could not be completed."
    }

    /// The error that decided, with its operands. When several rules failed it is the first of them in the order of the rules.
    #[must_use]
    pub fn error(&self) -> &AssertionError {
        &self.0.error
    }

    /// Everything that was checked.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.0.ledger
    }
}

impl From<AssertionError> for Refusal {
    fn from(error: AssertionError) -> Refusal {
        Refusal::new(error)
    }
}

impl From<XmlError> for Refusal {
    fn from(error: XmlError) -> Refusal {
        Refusal::new(error.into())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.error, f)
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusal")
            .field("code", &self.code())
            .field("message", &self.to_string())
            .field("ledger", &self.0.ledger)
            .finish()
    }
}

impl Error for Refusal {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.error.source()
    }
}
