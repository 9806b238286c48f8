//! Why a sign-in, or another decision, was refused or failed.

use vouchsafe::{Explain, Refusal, provisioning::PlanRefusal};

use crate::StoreError;

/// Why a sign-in or a decision was refused or failed. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignInError {
    /// The assertion was used before, or is not the one that was recorded.
    #[error(transparent)]
    NotBelieved(#[from] Box<Refusal>),
    /// The policy refused it.
    #[error(transparent)]
    PlanRefusal(#[from] PlanRefusal),
    /// The identity provider has ended the session that the assertion would begin.
    #[error("the assertion was issued before its identity provider ended the session, and came after that")]
    #[non_exhaustive]
    LoggedOut {},
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SignInError {
    /// The stable code of the refusal or failure.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotBelieved(refusal) => refusal.code(),
            Self::PlanRefusal(refused) => refused.code(),
            Self::LoggedOut {} => "store.logged_out",
            Self::Store(failure) => failure.code(),
        }
    }

    /// What the operator should change.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotBelieved(refusal) => refusal.hint(),
            Self::PlanRefusal(refused) => refused.hint(),
            Self::LoggedOut {} => {
                "The person signs in again. A response that is used after the logout of its session was kept by a slow browser, or copied."
            }
            Self::Store(failure) => failure.hint(),
        }
    }

    /// A constant sentence that the person at the browser may see.
    #[must_use]
    pub fn public_message(&self) -> &'static str {
        "You could not be signed in. Please ask your administrator."
    }
}

impl Explain for SignInError {
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
