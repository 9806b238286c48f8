//! What can go wrong in a store.

use vouchsafe::{
    crypto::CryptoError,
    provisioning::{AccountId, AddressError, OrganizationId, PolicyError, Refused},
};

/// What went wrong in a store. No variant has a secret in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Somebody else changed the organization between the snapshot and now, or made the same thing first.
    #[error(
        "the organization {organization} was changed meanwhile: version {expected} was planned on, it is now {actual}"
    )]
    #[non_exhaustive]
    Conflict {
        /// The organization.
        organization: OrganizationId,
        /// Version of the snapshot.
        expected: u64,
        /// Version in the store.
        actual: u64,
    },
    /// No organization has the login's token or its identity provider.
    #[error("no organization signs in through {issuer}, and none has the token that came")]
    #[non_exhaustive]
    NoOrganizationFor {
        /// entityID of the identity provider.
        issuer: String,
    },
    /// There is no such organization.
    #[error("there is no organization {organization}")]
    #[non_exhaustive]
    OrganizationUnknown {
        /// Its id.
        organization: OrganizationId,
    },
    /// A name that must be unique is taken.
    #[error("{what} is taken already")]
    #[non_exhaustive]
    Taken {
        /// What is unique.
        what: &'static str,
    },
    /// The assertion was applied before, and not for this person and account: its ID proves nothing.
    #[error(
        "the assertion was applied before, for another person or to another account of {organization} or elsewhere"
    )]
    #[non_exhaustive]
    AssertionReused {
        /// The organization for which it came this time.
        organization: OrganizationId,
    },
    /// A verified domain of an organization is no domain.
    #[error("a verified domain of the organization {organization} cannot be used: {source}")]
    #[non_exhaustive]
    DomainInvalid {
        /// The organization.
        organization: OrganizationId,
        /// Why not.
        source: AddressError,
    },
    /// A session is wanted for an account that is suspended.
    #[error("the account {account} is suspended")]
    #[non_exhaustive]
    AccountSuspended {
        /// Its id.
        account: AccountId,
    },
    /// The stored policy cannot be read any more.
    #[error("the policy of the organization {organization} cannot be read: {source}")]
    #[non_exhaustive]
    Policy {
        /// The organization.
        organization: OrganizationId,
        /// What is wrong, and where.
        source: PolicyError,
    },
    /// What is stored cannot be read any more.
    #[error("the stored {what} cannot be read: {reason}")]
    #[non_exhaustive]
    Damaged {
        /// What was being read.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The provider of cryptography failed.
    #[error("an identifier could not be made or hashed")]
    #[non_exhaustive]
    Cryptography {
        /// What it answered.
        source: CryptoError,
    },
    /// The database answered with an error.
    #[cfg(feature = "sqlite")]
    #[error("the database failed")]
    #[non_exhaustive]
    Database {
        /// What it answered.
        source: sqlx::Error,
    },
    /// The database's tables could not be made.
    #[cfg(feature = "sqlite")]
    #[error("the database's tables could not be made or brought up to date")]
    #[non_exhaustive]
    Migration {
        /// What went wrong.
        source: sqlx::migrate::MigrateError,
    },
}

impl StoreError {
    /// A word that stays the same over versions, for logs, metrics and tests.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Conflict { .. } => "store.conflict",
            Self::NoOrganizationFor { .. } => "store.no_organization",
            Self::OrganizationUnknown { .. } => "store.organization_unknown",
            Self::Taken { .. } => "store.taken",
            Self::AssertionReused { .. } => "store.assertion_reused",
            Self::DomainInvalid { source, .. } => source.code(),
            Self::AccountSuspended { .. } => "store.account_suspended",
            Self::Policy { .. } => "store.policy",
            Self::Damaged { .. } => "store.damaged",
            Self::Cryptography { source } => source.code(),
            #[cfg(feature = "sqlite")]
            Self::Database { .. } => "store.database",
            #[cfg(feature = "sqlite")]
            Self::Migration { .. } => "store.migration",
        }
    }

    /// What an operator changes.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Conflict { .. } => "Take a new snapshot, plan again, apply again; sign_in does that.",
            Self::NoOrganizationFor { .. } => {
                "Convert the organization to SAML with this identity provider, and paste its token into the app's \
                 Advanced Sign-on Settings: token."
            }
            Self::OrganizationUnknown { .. } => "Add the organization first.",
            Self::Taken { .. } => "Choose another, or change the one that has it.",
            Self::AssertionReused { .. } => {
                "Look at the identity provider's log: it gave one ID to two assertions, or somebody sends an old one again."
            }
            Self::DomainInvalid { source, .. } => source.hint(),
            Self::AccountSuspended { .. } => "Reactivate the account in the organization's members.",
            Self::Policy { .. } => "Correct the stored policy at that place.",
            Self::Damaged { .. } => {
                "Something else wrote to the database, or an older version of this software reads it."
            }
            Self::Cryptography { source } => source.hint(),
            #[cfg(feature = "sqlite")]
            Self::Database { .. } => {
                "Look at the source of the error: disk space, permissions, another process's lock."
            }
            #[cfg(feature = "sqlite")]
            Self::Migration { .. } => "Is this a database of Vouchsafe, and of this version or an older one?",
        }
    }

    /// What the person at the browser may see: one constant sentence.
    #[must_use]
    pub fn public_message(&self) -> &'static str {
        "You could not be signed in. Please ask your administrator."
    }

    /// Whether doing the whole thing again, from the snapshot on, can succeed.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict { .. })
    }

    pub(crate) fn damaged(what: &'static str, reason: impl ToString) -> Self {
        Self::Damaged { what, reason: reason.to_string() }
    }

    pub(crate) fn cryptography(source: CryptoError) -> Self {
        Self::Cryptography { source }
    }
}

#[cfg(feature = "sqlite")]
impl From<sqlx::Error> for StoreError {
    fn from(source: sqlx::Error) -> Self {
        Self::Database { source }
    }
}

/// Why a sign-in came to nothing: the policy refused it, or the store failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignInError {
    /// The policy refused it.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SignInError {
    /// The code of the refusal or of the failure.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused(refused) => refused.code(),
            Self::Store(failure) => failure.code(),
        }
    }

    /// What an operator changes.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Refused(refused) => refused.hint(),
            Self::Store(failure) => failure.hint(),
        }
    }

    /// What the person at the browser may see: one constant sentence.
    #[must_use]
    pub fn public_message(&self) -> &'static str {
        "You could not be signed in. Please ask your administrator."
    }
}

impl vouchsafe::Explain for StoreError {
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

impl vouchsafe::Explain for SignInError {
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
