//! The trait that every error of these libraries implements.

use vouchsafe_assertion::{AssertionError, Ledger, MessageError, NameMismatch, Refusal, SubjectIdError};
use vouchsafe_crypto::CryptoError;
use vouchsafe_encryption::EncryptionError;
use vouchsafe_metadata::{MetadataError, RefreshError};
#[cfg(feature = "schema")]
use vouchsafe_provisioning::DocumentError;
#[cfg(feature = "provisioning")]
use vouchsafe_provisioning::{AddressError, PlanRefusal, PolicyError};
use vouchsafe_signature::SignatureError;
use vouchsafe_xml::XmlError;

use crate::error::BindingError;

/// An error with a stable code and a remedy. Every error type of these libraries implements this trait, so an
/// application can log and count all errors in one place.
///
/// An application that refuses a login for its own reasons implements it for its own error; `vouchsafe-web` then
/// treats that refusal like all others.
///
/// ```
/// use std::collections::BTreeMap;
/// use vouchsafe::{BindingError, Explain, RelayState};
///
/// fn count(counters: &mut BTreeMap<&'static str, u64>, error: &dyn Explain) {
///     *counters.entry(error.code()).or_default() += 1;
/// }
///
/// let mut counters = BTreeMap::new();
/// let error: BindingError = RelayState::new("").unwrap_err();
/// count(&mut counters, &error);
/// assert_eq!(counters["binding.relay_state_length"], 1);
/// ```
pub trait Explain: std::error::Error {
    /// Returns a name of the form `crate.word` that stays the same over versions: for logs, metrics and tests.
    /// docs/ERRORS.md lists them all.
    fn code(&self) -> &'static str;

    /// Returns what an operator, or the customer's administrator, should change.
    fn hint(&self) -> &'static str;

    /// Returns the one sentence that a browser may show. It never tells what failed. The pages of `vouchsafe-web` show
    /// their own constant sentence for every error; `HttpError::refused_with` there takes a sentence of yours.
    fn public_message(&self) -> &'static str {
        "The sign-in could not be completed."
    }

    /// Returns every check that was made, if a response was received.
    fn ledger(&self) -> Option<&Ledger> {
        None
    }
}

macro_rules! explain {
    ($($error:ty),* $(,)?) => {
        $(impl Explain for $error {
            fn code(&self) -> &'static str {
                self.code()
            }

            fn hint(&self) -> &'static str {
                self.hint()
            }
        })*
    };
}

explain!(
    XmlError,
    CryptoError,
    SignatureError,
    EncryptionError,
    MetadataError,
    RefreshError,
    AssertionError,
    MessageError,
    NameMismatch,
    SubjectIdError,
    BindingError,
);

#[cfg(feature = "provisioning")]
explain!(AddressError, PolicyError);

#[cfg(feature = "schema")]
explain!(DocumentError);

impl Explain for Refusal {
    fn code(&self) -> &'static str {
        self.code()
    }

    fn hint(&self) -> &'static str {
        self.hint()
    }

    fn public_message(&self) -> &'static str {
        self.public_message()
    }

    fn ledger(&self) -> Option<&Ledger> {
        Some(self.ledger())
    }
}

#[cfg(feature = "provisioning")]
impl Explain for PlanRefusal {
    fn code(&self) -> &'static str {
        self.code()
    }

    fn hint(&self) -> &'static str {
        self.hint()
    }

    fn public_message(&self) -> &'static str {
        self.public_message()
    }
}
