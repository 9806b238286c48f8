//! A refusal: the error that decided, and every check that was made.

use std::error::Error;
use std::fmt;

use chrono::{DateTime, Utc};
use vouchsafe_metadata::MetadataError;
use vouchsafe_xml::XmlError;

use crate::connection_id::ConnectionId;
use crate::error::AssertionError;
use crate::instant::Shown;
use crate::ledger::{Check, Ledger, Outcome};
use crate::near_miss::closest;

const PROFILE: &str = "saml-profiles-2.0-os 4.1.4.2";

/// A refused response, with the reason.
///
/// `Display` and the [`ledger`](Refusal::ledger) are for logs and operators. Show the browser only
/// [`public_message`](Refusal::public_message), which is the same for every reason.
///
/// ```
/// use vouchsafe_assertion::{Claimed, Refusal};
/// use vouchsafe_xml::Limits;
///
/// let refusal: Refusal = Claimed::parse(b"<Response/>", &Limits::default()).unwrap_err();
/// assert_eq!(refusal.code(), "assertion.not_a_response");
/// assert!(refusal.hint().contains("Single sign-on URL"));
/// assert_eq!(refusal.public_message(), "The sign-in could not be completed.");
/// ```
pub struct Refusal(Box<RefusalDetails>);

struct RefusalDetails {
    error: AssertionError,
    ledger: Ledger,
    /// The position in the ledger of the check that decided.
    decided_by: Option<usize>,
    connection: Option<ConnectionId>,
    cause: Option<Cause>,
}

/// The cause of the error, if it was found, and what to change.
struct Cause {
    message: String,
    hint: &'static str,
}

impl Refusal {
    /// Makes a refusal without any checks.
    #[must_use]
    pub fn new(error: AssertionError) -> Refusal {
        Refusal::with_ledger(error, Ledger::default())
    }

    /// No trusted identity provider has the issuer that the response claims (`assertion.unknown_issuer`). The refusal
    /// names the most similar trusted entity IDs.
    #[must_use]
    pub fn unknown_issuer<'t>(
        issuer: impl Into<String>,
        trusted: impl IntoIterator<Item = &'t str>,
    ) -> Refusal {
        let issuer = issuer.into();
        let closest = closest(&issuer, trusted);
        let shown = if issuer.is_empty() { "none".to_owned() } else { issuer.clone() };
        let check = Check::new("response.trusted_issuer", PROFILE, Outcome::Failed)
            .expected("a trusted identity provider")
            .actual(shown);
        Refusal::by(AssertionError::UnknownIssuer { issuer, closest }, check)
    }

    /// An identity provider other than the one that was asked answers (`assertion.unexpected_issuer`).
    #[must_use]
    pub fn unexpected_issuer(expected: impl Into<String>, actual: impl Into<String>) -> Refusal {
        let (expected, actual) = (expected.into(), actual.into());
        let check = Check::new("response.asked_issuer", PROFILE, Outcome::Failed)
            .expected(expected.clone())
            .actual(actual.clone());
        Refusal::by(AssertionError::UnexpectedIssuer { expected, actual }, check)
    }

    /// The request was answered too late (`assertion.request_expired`).
    #[must_use]
    pub fn request_expired(expired_at: DateTime<Utc>) -> Refusal {
        let check = Check::new("request.lifetime", "saml-core-2.0-os 3.4.1", Outcome::Failed)
            .expected(format!("an answer before {}", Shown(expired_at)))
            .actual("a later one");
        Refusal::by(AssertionError::RequestExpired { expired_at }, check)
    }

    /// The connection signs nobody in at present (`assertion.connection_state`).
    #[must_use]
    pub fn connection_state(connection: &ConnectionId, state: &'static str) -> Refusal {
        let check = Check::new("connection.state", PROFILE, Outcome::Failed).expected("active").actual(state);
        Refusal::by(AssertionError::ConnectionState { connection: connection.to_string(), state }, check)
    }

    /// The connection does not accept unsolicited responses (`assertion.unsolicited`).
    #[must_use]
    pub fn unsolicited(connection: &ConnectionId) -> Refusal {
        let check = Check::new("connection.unsolicited", "saml-profiles-2.0-os 4.1.5", Outcome::Failed)
            .expected("the answer to a request")
            .actual("an unsolicited response");
        Refusal::by(AssertionError::UnsolicitedRefused { connection: connection.to_string() }, check)
    }

    /// There is no proof that the browser started the sign-in (`assertion.other_browser`).
    #[must_use]
    pub fn other_browser(reason: &'static str) -> Refusal {
        let check = Check::new("request.browser", PROFILE, Outcome::Failed)
            .expected("the browser that started the sign-in")
            .actual(reason);
        Refusal::by(AssertionError::OtherBrowser { reason }, check)
    }

    /// The answer to a trial came to a sign-in, or the other way round (`assertion.trial`).
    #[must_use]
    pub fn trial(asked_as_trial: bool) -> Refusal {
        let named = |so| if so { "a trial" } else { "a sign-in" };
        let check = Check::new("request.trial", PROFILE, Outcome::Failed)
            .expected(named(asked_as_trial))
            .actual(named(!asked_as_trial));
        Refusal::by(AssertionError::TrialMismatch { asked_as_trial }, check)
    }

    /// The identity provider's metadata is not valid now (`metadata.*`).
    #[must_use]
    pub fn metadata(error: MetadataError) -> Refusal {
        let check = Check::new("metadata.validity", "saml-metadata-2.0-os 2.3.2", Outcome::Failed)
            .expected("metadata that is valid now")
            .actual(error.to_string());
        Refusal::by(error.into(), check)
    }

    /// Makes a refusal with the error of the last check that failed.
    pub(crate) fn with_ledger(error: AssertionError, ledger: Ledger) -> Refusal {
        let decided_by = ledger.checks().iter().rposition(|check| check.outcome() == Outcome::Failed);
        Refusal::decided_by(error, ledger, decided_by)
    }

    /// Makes a refusal with the error of the check at that position.
    pub(crate) fn decided_by(error: AssertionError, ledger: Ledger, decided_by: Option<usize>) -> Refusal {
        let error = error.cut();
        Refusal(Box::new(RefusalDetails { error, ledger, decided_by, connection: None, cause: None }))
    }

    /// Marks the refusal as that of a response that a key of this connection signed.
    pub(crate) fn over(mut self, connection: &ConnectionId) -> Refusal {
        self.0.connection = Some(connection.clone());
        self
    }

    /// Makes a refusal with the error of the only check that was made.
    pub(crate) fn by(error: AssertionError, check: Check) -> Refusal {
        let mut ledger = Ledger::default();
        ledger.record(check);
        Refusal::with_ledger(error, ledger)
    }

    /// Returns the stable code for logs and alerts: `assertion.audience`, or the code of the lower crate, such as
    /// `signature.digest`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.error.code()
    }

    /// Adds the cause of the error, if it was found. The message then ends with the cause, and its hint replaces that
    /// of the error. The code stays the same.
    ///
    /// ```
    /// use vouchsafe_assertion::Refusal;
    ///
    /// let refusal = Refusal::unexpected_issuer("https://idp.example.com", "https://other.example")
    ///     .caused_by("the test system answered", "Start the sign-in again.");
    /// assert!(refusal.to_string().ends_with("answers; the test system answered"));
    /// assert_eq!((refusal.code(), refusal.hint()), ("assertion.unexpected_issuer", "Start the sign-in again."));
    /// ```
    #[must_use]
    pub fn caused_by(mut self, cause: impl fmt::Display, hint: &'static str) -> Refusal {
        self.0.cause = Some(Cause { message: cause.to_string(), hint });
        self
    }

    /// The cause, if it was searched and found.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        self.0.cause.as_ref().map(|cause| cause.message.as_str())
    }

    /// Returns what an operator should change.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        self.0.cause.as_ref().map_or_else(|| self.0.error.hint(), |cause| cause.hint)
    }

    /// Returns the one sentence for the browser. It never tells which check failed.
    #[must_use]
    pub fn public_message(&self) -> &'static str {
        "The sign-in could not be completed."
    }

    /// The error that decided, with its operands. If several rules failed, it is the first of them in the order of
    /// the rules.
    #[must_use]
    pub fn error(&self) -> &AssertionError {
        &self.0.error
    }

    /// The check that decided, that is, the one that caused the [`error`](Refusal::error). `None` if no check was
    /// made.
    #[must_use]
    pub fn check(&self) -> Option<&Check> {
        self.0.ledger.checks().get(self.0.decided_by?)
    }

    /// The connection whose key signed the response, or a part of it. `None` does not tell anything about the sender.
    #[must_use]
    pub fn connection(&self) -> Option<&ConnectionId> {
        self.0.connection.as_ref()
    }

    /// Every check that was made.
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
        let check = Check::new("document.xml", "saml-core-2.0-os 1.1, xml 1.0", Outcome::Failed)
            .expected("well-formed XML without a document type, within the limits")
            .actual(error.to_string());
        Refusal::by(error.into(), check)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.error, f)?;
        match self.cause() {
            Some(cause) => write!(f, "; {cause}"),
            None => Ok(()),
        }
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
