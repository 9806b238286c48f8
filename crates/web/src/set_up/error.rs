//! The errors of the set-up portal.

use http::StatusCode;
use vouchsafe::console::Console;
use vouchsafe::crypto::CryptoError;
use vouchsafe::metadata::MetadataError;
use vouchsafe::provisioning::{AddressError, PlanRefusal};
use vouchsafe::xml::Quoted;
use vouchsafe::{BindingError, ConnectionId, Explain};
use vouchsafe_store::{SetUpLinkState, SignInError, StoreError};

use super::holder_hints::hint_to_holder;
use crate::error::HttpError;

/// The reason why a step of the set-up portal was refused. Unlike the reason of a refused sign-in, it is shown to the
/// person who sets the connection up, in the words of the chosen product.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetUpError {
    /// There is no such link, or this browser has not opened one.
    #[error("there is no such set-up link")]
    LinkUnknown,
    /// The link no longer works.
    #[error("the set-up link {}", over(state))]
    #[non_exhaustive]
    LinkOver {
        /// The state of the link.
        state: SetUpLinkState,
    },
    /// The link was not issued for this step.
    #[error("the set-up link was not issued for this step")]
    Purpose,
    /// The form does not come from a page that was made for this browser.
    #[error("the form is not of a page that was opened with this link")]
    FormToken,
    /// There is no such page.
    #[error("there is no such step")]
    StepUnknown,
    /// The portal's routes are not at the portal's path, so its links lead nowhere.
    #[error(
        "the routes of the set-up portal are at {}, and its links lead to {}",
        Quoted::new(routed),
        Quoted::new(path)
    )]
    #[non_exhaustive]
    Misplaced {
        /// The path of the routes.
        routed: String,
        /// The path that was given to [`SetUp::new`](crate::SetUp::new).
        path: String,
    },
    /// The form could not be read.
    #[error("the form cannot be read")]
    Form,
    /// The HTTP server could not read the form, usually because it is too large.
    #[error("{0}")]
    Unread(String),
    /// A part of the service does not answer.
    #[error("the service cannot answer at the moment")]
    Unavailable,
    /// No product was chosen yet.
    #[error("no product is chosen")]
    NoProduct,
    /// No metadata was given.
    #[error("neither an address, a file nor a text was given")]
    NoMetadata,
    /// More than one source of metadata was given.
    #[error("more than one of address, file and text was given")]
    SeveralSources,
    /// This service does not load metadata from addresses.
    #[error("the service loads no metadata from addresses")]
    NoClient,
    /// This service does not verify domains in the DNS.
    #[error("the service does not verify domains")]
    NoResolver,
    /// The link was used for too many such actions in a short time.
    #[error("too much was asked for in a short time")]
    #[non_exhaustive]
    TooOften {
        /// The number of seconds after which a retry is useful.
        retry_after: u64,
    },
    /// The metadata or a DNS record could not be loaded.
    #[error("{0}")]
    NotLoaded(Box<dyn Explain + Send + Sync>),
    /// The metadata cannot be used.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// The connection cannot be used with the service.
    #[error(transparent)]
    Binding(#[from] BindingError),
    /// Sign-ins over the connection would fail.
    #[error("{text}")]
    #[non_exhaustive]
    Unusable {
        /// The code of the finding.
        code: &'static str,
        /// The text of the finding.
        text: String,
        /// What to change.
        remedy: &'static str,
    },
    /// There is no draft to continue with.
    #[error("there is no connection that waits to be tried out")]
    NoDraft,
    /// No trial of the connection succeeded since it was last changed.
    #[error("the connection was not tried out with success since it was last changed")]
    NotTried,
    /// The connection to replace is not an active one of the organization.
    #[error("the connection that is to be replaced is not one that people sign in over")]
    NotReplaceable,
    /// There are several active connections to the identity provider of the draft.
    #[error(
        "people sign in over several connections to this identity provider ({}), and the metadata may be for any of them",
        names(connections)
    )]
    #[non_exhaustive]
    SeveralToRenew {
        /// The connections.
        connections: Vec<ConnectionId>,
    },
    /// The metadata was given before the active connection, which it would renew, got other requirements of its metadata.
    #[error("the active connection requires something else of its metadata now")]
    OtherProof,
    /// The draft has settings of a connection that has other ones now, or over which nobody signs in any more.
    #[error(
        "the settings with which the connection was prepared are no longer those with which people would sign in"
    )]
    OtherSettings,
    /// The typed text is not a domain.
    #[error(transparent)]
    Domain(#[from] AddressError),
    /// The organization's rules refuse the step.
    #[error(transparent)]
    Refused(#[from] PlanRefusal),
    /// The directory refused the step, or failed.
    #[error(transparent)]
    Directory(#[from] SignInError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A cryptographic operation failed.
    #[error(transparent)]
    Cryptography(#[from] CryptoError),
    /// A sign-in could not be started.
    #[error(transparent)]
    Http(#[from] HttpError),
}

fn names(connections: &[ConnectionId]) -> String {
    connections.iter().map(ConnectionId::as_str).collect::<Vec<_>>().join(", ")
}

fn over(state: &SetUpLinkState) -> &'static str {
    match state {
        SetUpLinkState::Expired => "has expired",
        SetUpLinkState::Revoked => "was revoked",
        _ => "was used",
    }
}

impl SetUpError {
    /// Returns the stable code: `set_up.` and a word, or the code of the lower crate.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::LinkUnknown => "set_up.link_unknown",
            Self::LinkOver { state: SetUpLinkState::Expired } => "set_up.link_expired",
            Self::LinkOver { state: SetUpLinkState::Revoked } => "set_up.link_revoked",
            Self::LinkOver { .. } => "set_up.link_used",
            Self::Purpose => "set_up.purpose",
            Self::FormToken => "set_up.form_token",
            Self::StepUnknown => "set_up.step_unknown",
            Self::Misplaced { .. } => "set_up.misplaced",
            Self::Form => "set_up.form",
            Self::Unread(_) => "set_up.unread",
            Self::Unavailable => "set_up.unavailable",
            Self::NoProduct => "set_up.no_product",
            Self::NoMetadata => "set_up.no_metadata",
            Self::SeveralSources => "set_up.several_sources",
            Self::NoClient => "set_up.no_client",
            Self::NoResolver => "set_up.no_resolver",
            Self::TooOften { .. } => "set_up.too_often",
            Self::NotLoaded(error) => error.code(),
            Self::Metadata(error) => error.code(),
            Self::Binding(error) => error.code(),
            Self::Unusable { code, .. } => code,
            Self::NoDraft => "set_up.no_draft",
            Self::NotTried => "set_up.not_tried",
            Self::NotReplaceable => "set_up.not_replaceable",
            Self::SeveralToRenew { .. } => "set_up.several_to_renew",
            Self::OtherProof => "set_up.other_proof",
            Self::OtherSettings => "set_up.other_settings",
            Self::Domain(error) => error.code(),
            Self::Refused(error) => error.code(),
            Self::Directory(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Cryptography(error) => error.code(),
            Self::Http(error) => error.code(),
        }
    }

    /// Returns what to change.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::LinkUnknown => {
                "Open the whole link again, as it was sent. Browsers that block cookies cannot be used."
            }
            Self::LinkOver { .. } => "Ask whoever sent the link for another one.",
            Self::Purpose => "Ask whoever sent the link for one that allows it.",
            Self::FormToken => "Open the page again, and send the form from there.",
            Self::StepUnknown => "Go back to the overview.",
            Self::Misplaced { .. } => {
                "Merge the routes into the outermost router (set_up_routes), or give SetUp::new the path at which browsers reach them."
            }
            Self::Form => "Send the form of the page as it is.",
            Self::Unread(_) => {
                "The file may be too large: give the address of the metadata, or a file with your identity provider alone."
            }
            Self::Unavailable => "Open the overview to see what was done, and try again in a few minutes.",
            Self::NoProduct => "Choose your identity provider first.",
            Self::NoMetadata => {
                "Give the address of the metadata, choose its file, or paste its text (Okta: Sign On, \"Metadata URL\")."
            }
            Self::SeveralSources => "Give one of them, and leave the others empty.",
            Self::NoClient => "Choose the file of the metadata, or paste its text.",
            Self::NoResolver => "Ask the service to verify the domain.",
            Self::TooOften { .. } => "Wait a moment, and try again.",
            Self::NotLoaded(error) => error.hint(),
            Self::Metadata(error) => error.hint(),
            Self::Binding(error) => error.hint(),
            Self::Unusable { remedy, .. } => remedy,
            Self::NoDraft => "Give the metadata of your identity provider first.",
            Self::NotTried => "Try a sign-in, and correct what it shows.",
            Self::NotReplaceable => {
                "Open the page again: somebody else has changed the connections meanwhile."
            }
            Self::SeveralToRenew { .. } => {
                "Ask the service to give the metadata to the right connection, or to retire the others."
            }
            Self::OtherProof => {
                "Give the metadata again, with the signature and the validUntil that the service requires of it."
            }
            Self::OtherSettings => {
                "Give the metadata again, compare the values with those in your console, and try a sign-in."
            }
            Self::Domain(error) => error.hint(),
            Self::Refused(error) => error.hint(),
            Self::Directory(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::Cryptography(error) => error.hint(),
            Self::Http(error) => error.hint(),
        }
    }

    /// Returns what the holder of a link can change, in the words of the chosen product.
    #[must_use]
    pub fn hint_for(&self, console: Option<Console>) -> String {
        hint_to_holder(console, self.code(), self.hint())
    }

    /// Returns the outage, if a required part failed. The person is told no details of it.
    pub(super) fn outage(&self) -> Option<&StoreError> {
        match self {
            Self::Store(error)
            | Self::Directory(SignInError::Store(error))
            | Self::Http(HttpError::Store(error)) => Some(error).filter(|error| error.is_outage()),
            _ => None,
        }
    }

    /// Returns the status: 404 for a missing link or step, 403 for a forbidden action, 410 for a link that has ended,
    /// 429 for too many actions, 500 for routes at the wrong path, and 422 for invalid input.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::LinkUnknown | Self::StepUnknown => StatusCode::NOT_FOUND,
            Self::LinkOver { .. } => StatusCode::GONE,
            Self::Purpose | Self::FormToken => StatusCode::FORBIDDEN,
            Self::TooOften { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Unread(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Misplaced { .. } => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Store(error) | Self::Directory(SignInError::Store(error)) if error.is_conflict() => {
                StatusCode::CONFLICT
            }
            Self::Http(error) => error.status(),
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }
}

impl Explain for SetUpError {
    fn code(&self) -> &'static str {
        self.code()
    }

    fn hint(&self) -> &'static str {
        self.hint()
    }

    fn public_message(&self) -> &'static str {
        "The set-up could not go on."
    }
}
