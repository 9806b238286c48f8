//! The error of a command.

use std::fmt::Display;

use vouchsafe::BindingError;
use vouchsafe::assertion::{AssertionError, Refusal};
use vouchsafe::crypto::CryptoError;
use vouchsafe::encryption::EncryptionError;
use vouchsafe::metadata::MetadataError;
use vouchsafe::provisioning::{PlanRefusal, PolicyError};
use vouchsafe::signature::SignatureError;
use vouchsafe::xml::XmlError;
use vouchsafe_client::ClientError;
use vouchsafe_provisioning::DocumentError;
use vouchsafe_web::{HttpError, ReturnPathError};

/// A refusal by the libraries, or unusable input: a code, a message and what to change.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: Kind,
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) hint: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The answer is no: exit status 1.
    Refused,
    /// Wrong usage or unreadable input: exit status 2.
    Unusable,
}

impl Failure {
    /// Makes the failure of a command whose answer is a refusal.
    pub(crate) fn refused(error: impl Into<Explained>) -> Failure {
        error.into().into_failure(Kind::Refused)
    }

    /// Makes the failure of a command whose input `what` cannot be used.
    pub(crate) fn unusable(what: impl Display, error: impl Into<Explained>) -> Failure {
        let failure = error.into().into_failure(Kind::Unusable);
        Failure { message: format!("{what}: {}", failure.message), ..failure }
    }

    /// Makes a usage error that the parser of arguments cannot detect.
    pub(crate) fn usage(code: &str, message: impl Into<String>, hint: &str) -> Failure {
        Failure {
            kind: Kind::Unusable,
            code: code.to_owned(),
            message: message.into(),
            hint: hint.to_owned(),
        }
    }

    /// Turns the failure into a refusal.
    pub(crate) fn into_refusal(self) -> Failure {
        Failure { kind: Kind::Refused, ..self }
    }

    /// Turns the failure into unusable input.
    pub(crate) fn into_usage(self) -> Failure {
        Failure { kind: Kind::Unusable, ..self }
    }

    /// Adds the cause that was found.
    pub(crate) fn caused_by(self, cause: impl Display, hint: &str) -> Failure {
        Failure { message: format!("{}; {cause}", self.message), hint: hint.to_owned(), ..self }
    }

    /// Adds the name of a manifest's case.
    pub(crate) fn in_case(self, file: &str) -> Failure {
        Failure { message: format!("{file}: {}", self.message), ..self }
    }

    pub(crate) fn is_refusal(&self) -> bool {
        self.kind == Kind::Refused
    }
}

/// An error of a library, reduced to its code, text and hint.
#[derive(Debug)]
pub(crate) struct Explained {
    code: String,
    message: String,
    hint: String,
}

impl Explained {
    fn into_failure(self, kind: Kind) -> Failure {
        Failure { kind, code: self.code, message: self.message, hint: self.hint }
    }
}

macro_rules! explained {
    ($($error:ty),* $(,)?) => {$(
        impl From<$error> for Explained {
            fn from(error: $error) -> Explained {
                Explained { code: error.code().to_string(), hint: error.hint().to_string(), message: error.to_string() }
            }
        }
    )*};
}

explained!(
    AssertionError,
    BindingError,
    Refusal,
    ReturnPathError,
    XmlError,
    CryptoError,
    SignatureError,
    EncryptionError,
    MetadataError,
    PlanRefusal,
    PolicyError,
    DocumentError,
    ClientError,
    HttpError
);
