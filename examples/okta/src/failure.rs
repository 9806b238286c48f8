//! Why the program, or a step of the journey, does not go on.

use vouchsafe::provisioning::{AddressError, PlanRefusal, PolicyError};
use vouchsafe::{
    BindingError, Explain, assertion::AssertionError, crypto::CryptoError, metadata::MetadataError,
};
use vouchsafe_axum::{HttpError, ReturnPathError};
use vouchsafe_client::ClientError;
use vouchsafe_store::{SignInError, StoreError};
use vouchsafe_testkit::TestkitError;

/// Whatever went wrong, in words.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn new(text: impl Into<String>) -> Failure {
        Failure(text.into())
    }

    /// An error of the libraries, of whichever kind: it has a code and a hint, and both are said.
    pub(crate) fn explained(error: &dyn Explain) -> Failure {
        Failure(format!("{error} ({}). {}", error.code(), error.hint()))
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Errors of the libraries have a code and a hint; both are said.
macro_rules! coded {
    ($($error:ty),*) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Failure {
                Failure::explained(&error)
            }
        })*
    };
}

macro_rules! plain {
    ($($error:ty),*) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Failure {
                Failure(error.to_string())
            }
        })*
    };
}

coded!(
    AddressError,
    AssertionError,
    BindingError,
    ClientError,
    CryptoError,
    MetadataError,
    HttpError,
    PlanRefusal,
    PolicyError,
    ReturnPathError,
    SignInError,
    StoreError
);
plain!(TestkitError, std::io::Error, reqwest::Error);

impl axum::response::IntoResponse for Failure {
    fn into_response(self) -> axum::response::Response {
        tracing::warn!(failure = %self, "a page could not be shown");
        let page = crate::html::Page::new("Not possible")
            .heading("Not possible")
            .problem("This page cannot be shown.");
        (axum::http::StatusCode::FORBIDDEN, page).into_response()
    }
}
