//! Why a command did not do what was asked.

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
use vouchsafe_web::HttpError;

/// A refusal by the libraries, or input that cannot be used: a code, a message and what to change.
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
    /// What was asked about is refused.
    pub(crate) fn refused(error: impl Into<Explained>) -> Failure {
        error.into().into_failure(Kind::Refused)
    }

    /// `what`, which the question needs, cannot be used.
    pub(crate) fn unusable(what: impl Display, error: impl Into<Explained>) -> Failure {
        let failure = error.into().into_failure(Kind::Unusable);
        Failure { message: format!("{what}: {}", failure.message), ..failure }
    }

    /// Wrong usage that the parser of arguments cannot know.
    pub(crate) fn usage(code: &str, message: impl Into<String>, hint: &str) -> Failure {
        Failure {
            kind: Kind::Unusable,
            code: code.to_owned(),
            message: message.into(),
            hint: hint.to_owned(),
        }
    }

    /// The same as an answer: what was asked about is refused for it.
    pub(crate) fn into_refusal(self) -> Failure {
        Failure { kind: Kind::Refused, ..self }
    }

    /// The same as wrong usage: what the question needs cannot be used.
    pub(crate) fn into_usage(self) -> Failure {
        Failure { kind: Kind::Unusable, ..self }
    }

    /// The same, with what was found to be the cause.
    pub(crate) fn caused_by(self, cause: impl Display, hint: &str) -> Failure {
        Failure { message: format!("{}; {cause}", self.message), hint: hint.to_owned(), ..self }
    }

    /// The same, about one case of a manifest.
    pub(crate) fn in_case(self, file: &str) -> Failure {
        Failure { message: format!("{file}: {}", self.message), ..self }
    }

    pub(crate) fn is_refusal(&self) -> bool {
        self.kind == Kind::Refused
    }
}

/// An error of a library, reduced to what all of them have.
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
