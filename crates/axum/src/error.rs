//! What can go wrong in the routes, in one enum with stable codes.

use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use vouchsafe::metadata::MetadataError;
use vouchsafe::provisioning::Refused;
use vouchsafe::xml::Quoted;
use vouchsafe::{BindingError, Explain, Ledger, Refusal};
use vouchsafe_store::{SignInError, StoreError};

/// Why a route could not do what was asked.
///
/// Returned from a handler it becomes the constant page of [`refusal`](crate::refusal): the browser learns a reference, the log
/// everything else.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// The response is not believed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// An organization may not do this.
    #[error(transparent)]
    Provisioning(Box<Refused>),
    /// The login could not be turned into an account and its memberships.
    #[error(transparent)]
    SignIn(#[from] SignInError),
    /// The form or the configuration is wrong.
    #[error(transparent)]
    Binding(#[from] BindingError),
    /// What must be remembered could not be.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was loaded is not metadata of an identity provider.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// A response answers a request that this browser did not start, or that is answered or too old.
    #[error(
        "the response answers {}, and this browser has no such request waiting",
        Quoted::new(in_response_to)
    )]
    #[non_exhaustive]
    NoPendingRequest {
        /// What the response says it answers.
        in_response_to: String,
    },
    /// A request that changes something comes from a page of another site.
    #[error("the request comes from a page of another site")]
    CrossSite,
    /// More responses from one client address are being checked than one may have.
    #[error("{limit} responses from one client address are being checked already")]
    #[non_exhaustive]
    TooManyFromAddress {
        /// How many may be.
        limit: usize,
    },
    /// More responses are being checked than may be at a time.
    #[error("{limit} responses {of} are being checked already")]
    #[non_exhaustive]
    Busy {
        /// "over one connection" or "altogether".
        of: &'static str,
        /// How many may be.
        limit: usize,
    },
    /// The thread that checked a response ended without an answer.
    #[error("the check of a response broke off: {source}")]
    #[non_exhaustive]
    Worker {
        /// Why.
        source: tokio::task::JoinError,
    },
    /// No organization that is converted to SAML has the slug, or has verified the domain of the e-mail address. What was typed is not
    /// repeated: it is an address of a person.
    #[error("no organization with SAML SSO is found by what was typed")]
    UnknownOrganization,
    /// The body of the request is too large, or broke off.
    #[error("the posted form could not be read: {source}")]
    #[non_exhaustive]
    Body {
        /// Why not.
        source: BytesRejection,
    },
    /// A header could not be written.
    #[error("the {name} header cannot hold this value")]
    #[non_exhaustive]
    Header {
        /// Which header.
        name: &'static str,
    },
}

impl HttpError {
    /// The stable code: `http.` and a word, or the code of the crate below.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused(error) => error.code(),
            Self::Provisioning(error) => error.code(),
            Self::SignIn(error) => error.code(),
            Self::Binding(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Metadata(error) => error.code(),
            Self::NoPendingRequest { .. } => "http.no_pending_request",
            Self::CrossSite => "http.cross_site",
            Self::TooManyFromAddress { .. } => "http.too_many_from_address",
            Self::Busy { .. } => "http.busy",
            Self::Worker { .. } => "http.worker",
            Self::UnknownOrganization => "http.unknown_organization",
            Self::Body { .. } => "http.body",
            Self::Header { .. } => "http.header",
        }
    }

    /// What an operator changes.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Refused(error) => error.hint(),
            Self::Provisioning(error) => error.hint(),
            Self::SignIn(error) => error.hint(),
            Self::Binding(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::Metadata(error) => error.hint(),
            Self::NoPendingRequest { .. } => {
                "The person waited longer than the request lives, went back in the browser, or blocks cookies: let them start again. \
                 If it happens to everybody, the address in the identity provider's console (Okta: \"Single sign-on URL\") has another \
                 host than the one people sign in on, or a proxy removes cookies."
            }
            Self::CrossSite => {
                "Nobody has to change anything if another site tried it. If people see it on your own pages, they open the service under \
                 another host name than the one of the assertion consumer's address."
            }
            Self::TooManyFromAddress { .. } => {
                "The person tries again. If everybody comes through one proxy, let client_address read the address that the proxy names."
            }
            Self::Busy { .. } => {
                "The person tries again. If it lasts, look for somebody who sends large responses, or raise the limits."
            }
            Self::Worker { .. } => "This is a defect of the service; report it with the reference.",
            Self::UnknownOrganization => {
                "Compare the organization's slug, or have the domain of its people's e-mail addresses verified."
            }
            Self::Body { .. } => {
                "A response is some 10 KiB. Narrow what the identity provider sends (Okta: the filter of the group attribute statement), \
                 or raise axum's DefaultBodyLimit together with the service provider's limits."
            }
            Self::Header { .. } => "This is a defect of the service; report it with the reference.",
        }
    }

    /// The one sentence for the browser.
    pub fn public_message(&self) -> &'static str {
        "The sign-in could not be completed."
    }

    /// Everything that was checked, if a response came so far.
    pub fn ledger(&self) -> Option<&Ledger> {
        match self {
            Self::Refused(refusal) => Some(refusal.ledger()),
            _ => None,
        }
    }

    /// 403 whatever was refused, 500 when the fault is here, 429 and 503 when there is too much at a time. More would tell which check
    /// failed.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Store(failure) | Self::SignIn(SignInError::Store(failure))
                if !is_about_the_person(failure) =>
            {
                StatusCode::INTERNAL_SERVER_ERROR
            }
            Self::Header { .. } | Self::Worker { .. } => StatusCode::INTERNAL_SERVER_ERROR,
            Self::TooManyFromAddress { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy { .. } => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::FORBIDDEN,
        }
    }
}

/// Whether a store's answer says something about who signs in, and not that the store is broken.
fn is_about_the_person(failure: &StoreError) -> bool {
    matches!(
        failure,
        StoreError::NoOrganizationFor { .. }
            | StoreError::AssertionReused { .. }
            | StoreError::AccountSuspended { .. }
    )
}

impl From<Refused> for HttpError {
    fn from(refused: Refused) -> HttpError {
        HttpError::Provisioning(Box::new(refused))
    }
}

impl Explain for HttpError {
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
        self.ledger()
    }
}
