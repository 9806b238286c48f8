//! The reasons why a SCIM request is refused, and the answer that clients read.

use http::StatusCode;
use serde_json::{Map, Value, json};
use vouchsafe::{Explain, provisioning::PlanRefusal};
use vouchsafe_store::{SignInError, StoreError};

use crate::schema::urn;

/// The reason why a request was refused. [`to_json`](Self::to_json) is the body of the answer (RFC 7644, 3.12).
///
/// ```
/// use vouchsafe_scim::{Filter, Limits, ScimError};
///
/// let error = Filter::parse("userName eq", &Limits::default()).unwrap_err();
/// assert_eq!(error.status().as_u16(), 400);
/// assert_eq!(error.scim_type(), Some("invalidFilter"));
/// assert_eq!(error.to_json()["status"], "400");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScimError {
    /// The filter cannot be parsed, or compares values that cannot be compared.
    #[error("the filter is invalid at byte {offset}: {reason}")]
    #[non_exhaustive]
    InvalidFilter {
        /// The position in the filter.
        offset: usize,
        /// The reason.
        reason: String,
    },
    /// The path of a PATCH operation, or the name of an attribute, cannot be parsed.
    #[error("the path {path:?} is invalid: {reason}")]
    #[non_exhaustive]
    InvalidPath {
        /// The path, shortened if it is long.
        path: String,
        /// The reason.
        reason: String,
    },
    /// The body is not a JSON object of the expected form.
    #[error("the request body is invalid: {reason}")]
    #[non_exhaustive]
    InvalidSyntax {
        /// The reason.
        reason: String,
    },
    /// A value is missing or not valid.
    #[error("the value of {attribute} is invalid: {reason}")]
    #[non_exhaustive]
    InvalidValue {
        /// The attribute.
        attribute: String,
        /// The reason.
        reason: String,
    },
    /// The target of a PATCH operation does not exist.
    #[error("the path {path:?} has no target")]
    #[non_exhaustive]
    NoTarget {
        /// The path.
        path: String,
    },
    /// A client cannot change or remove this attribute.
    #[error("the attribute {attribute} cannot be changed in this way: {reason}")]
    #[non_exhaustive]
    Mutability {
        /// The attribute.
        attribute: String,
        /// The reason.
        reason: &'static str,
    },
    /// Another resource already has that value.
    #[error("{what} is taken already")]
    #[non_exhaustive]
    Uniqueness {
        /// The attribute that must be unique.
        what: String,
    },
    /// An account of the organization that is not one of this connection has the value. The client finds no resource to
    /// match, and creating it again does not help.
    #[error("an account of the organization that this connection does not manage has the {what}")]
    #[non_exhaustive]
    AccountOfAnother {
        /// "e-mail address", or "userName or externalId".
        what: &'static str,
    },
    /// A filter that is not a look-up would have to search more resources than the limit.
    #[error("the query would search more than {most} resources one by one")]
    #[non_exhaustive]
    TooMany {
        /// The limit.
        most: usize,
    },
    /// The cursor was not issued by this service.
    #[error("the cursor is not one that this service gave out")]
    InvalidCursor,
    /// The connection has no such resource.
    #[error("there is no resource {id:?}")]
    #[non_exhaustive]
    NotFound {
        /// Its identifier, shortened if it is long.
        id: String,
    },
    /// The path does not exist.
    #[error("there is no such endpoint")]
    NoEndpoint,
    /// The endpoint does not support the method.
    #[error("the method {method} is not supported here")]
    #[non_exhaustive]
    MethodNotAllowed {
        /// The method.
        method: String,
    },
    /// An optional feature of RFC 7644 that this service does not support, as its configuration document says.
    #[error("{what} is not supported")]
    #[non_exhaustive]
    NotImplemented {
        /// The feature.
        what: &'static str,
    },
    /// The token is missing, unknown, expired or revoked.
    #[error("the request has no valid bearer token")]
    Unauthorized,
    /// The body is too long.
    #[error("the request body has more than {most} bytes")]
    #[non_exhaustive]
    TooLarge {
        /// The most bytes of a body.
        most: usize,
    },
    /// The content type of the body is not JSON.
    #[error("the content type is not application/scim+json or application/json")]
    UnsupportedMediaType,
    /// A filter was given for a resource that cannot be filtered (RFC 7644, 4).
    #[error("this endpoint does not accept a filter")]
    FilterNotTaken,
    /// There were too many requests over one connection.
    #[error("too many requests over this connection; try again in {retry_after} seconds")]
    #[non_exhaustive]
    TooManyRequests {
        /// The number of seconds until there is room.
        retry_after: u64,
    },
    /// There were too many costly requests at a time: searches, pages of a list, or large groups.
    #[error("too many searches and lists at a time; try again in {retry_after} seconds")]
    #[non_exhaustive]
    TooManySearches {
        /// The number of seconds until there may be room.
        retry_after: u64,
    },
    /// There were too many invalid tokens from one client address.
    #[error(
        "too many requests from this address with tokens that are not valid; try again in {retry_after} seconds"
    )]
    #[non_exhaustive]
    TooManyGuesses {
        /// The number of seconds until there is room.
        retry_after: u64,
    },
    /// The resource is no longer at the version in `If-Match`.
    #[error("the version of the resource is not the one that the request expects")]
    PreconditionFailed,
    /// The policy or a rule of the organization refuses it.
    #[error("the organization's rules refuse this: {0}")]
    Refused(PlanRefusal),
    /// A store failed. Nothing was changed.
    #[error("the store failed")]
    Store(#[source] StoreError),
    /// The cryptography provider failed. Nothing was changed.
    #[error("an identifier could not be made or hashed")]
    Cryptography(#[source] vouchsafe::crypto::CryptoError),
}

impl ScimError {
    pub(crate) fn syntax(reason: impl Into<String>) -> ScimError {
        ScimError::InvalidSyntax { reason: reason.into() }
    }

    pub(crate) fn value(attribute: impl Into<String>, reason: impl Into<String>) -> ScimError {
        ScimError::InvalidValue { attribute: shortened(&attribute.into()), reason: reason.into() }
    }

    pub(crate) fn path(path: &str, reason: impl Into<String>) -> ScimError {
        ScimError::InvalidPath { path: shortened(path), reason: reason.into() }
    }

    pub(crate) fn no_target(path: &str) -> ScimError {
        ScimError::NoTarget { path: shortened(path) }
    }

    pub(crate) fn mutability(attribute: &str, reason: &'static str) -> ScimError {
        ScimError::Mutability { attribute: shortened(attribute), reason }
    }

    pub(crate) fn not_found(id: &str) -> ScimError {
        ScimError::NotFound { id: shortened(id) }
    }

    /// The status of the answer.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::InvalidFilter { .. }
            | Self::InvalidPath { .. }
            | Self::InvalidSyntax { .. }
            | Self::InvalidValue { .. }
            | Self::NoTarget { .. }
            | Self::Mutability { .. }
            | Self::TooMany { .. }
            | Self::InvalidCursor => StatusCode::BAD_REQUEST,
            Self::Uniqueness { .. } | Self::AccountOfAnother { .. } => StatusCode::CONFLICT,
            Self::NotFound { .. } | Self::NoEndpoint => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotImplemented { .. } => StatusCode::NOT_IMPLEMENTED,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooManyRequests { .. } | Self::TooManySearches { .. } | Self::TooManyGuesses { .. } => {
                StatusCode::TOO_MANY_REQUESTS
            }
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::Refused(_) | Self::FilterNotTaken => StatusCode::FORBIDDEN,
            Self::Store(_) | Self::Cryptography(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The detail error keyword (RFC 7644, table 9), if there is one.
    #[must_use]
    pub fn scim_type(&self) -> Option<&'static str> {
        match self {
            Self::InvalidFilter { .. } => Some("invalidFilter"),
            Self::InvalidPath { .. } => Some("invalidPath"),
            Self::InvalidSyntax { .. } => Some("invalidSyntax"),
            Self::InvalidValue { .. } => Some("invalidValue"),
            Self::NoTarget { .. } => Some("noTarget"),
            Self::Mutability { .. } => Some("mutability"),
            Self::Uniqueness { .. } | Self::AccountOfAnother { .. } => Some("uniqueness"),
            Self::TooMany { .. } => Some("tooMany"),
            // RFC 9865, 2.1.
            Self::InvalidCursor => Some("invalidCursor"),
            _ => None,
        }
    }

    /// The body of the answer. It contains no details of a store's failure.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut body = Map::new();
        body.insert("schemas".to_owned(), json!([urn::ERROR]));
        body.insert("status".to_owned(), json!(self.status().as_str()));
        if let Some(scim_type) = self.scim_type() {
            body.insert("scimType".to_owned(), json!(scim_type));
        }
        body.insert("detail".to_owned(), json!(self.detail()));
        Value::Object(body)
    }

    /// The sentence for the client, which is the customer's identity provider.
    #[must_use]
    pub fn detail(&self) -> String {
        match self {
            Self::Store(_) | Self::Cryptography(_) => {
                "The service is not available at the moment. Nothing was changed.".to_owned()
            }
            other => other.to_string(),
        }
    }
}

impl Explain for ScimError {
    fn code(&self) -> &'static str {
        match self {
            Self::InvalidFilter { .. } => "scim.invalid_filter",
            Self::InvalidPath { .. } => "scim.invalid_path",
            Self::InvalidSyntax { .. } => "scim.invalid_syntax",
            Self::InvalidValue { .. } => "scim.invalid_value",
            Self::NoTarget { .. } => "scim.no_target",
            Self::Mutability { .. } => "scim.mutability",
            Self::Uniqueness { .. } => "scim.uniqueness",
            Self::AccountOfAnother { .. } => "scim.account_of_another",
            Self::TooMany { .. } => "scim.too_many",
            Self::InvalidCursor => "scim.invalid_cursor",
            Self::NotFound { .. } => "scim.not_found",
            Self::NoEndpoint => "scim.no_endpoint",
            Self::MethodNotAllowed { .. } => "scim.method_not_allowed",
            Self::NotImplemented { .. } => "scim.not_implemented",
            Self::Unauthorized => "scim.unauthorized",
            Self::TooLarge { .. } => "scim.too_large",
            Self::UnsupportedMediaType => "scim.unsupported_media_type",
            Self::FilterNotTaken => "scim.filter_not_taken",
            Self::TooManyRequests { .. } => "scim.too_many_requests",
            Self::TooManySearches { .. } => "scim.too_many_searches",
            Self::TooManyGuesses { .. } => "scim.too_many_guesses",
            Self::PreconditionFailed => "scim.precondition_failed",
            Self::Refused(refusal) => refusal.code(),
            Self::Store(failure) => failure.code(),
            Self::Cryptography(_) => "scim.cryptography",
        }
    }

    fn hint(&self) -> &'static str {
        match self {
            Self::InvalidFilter { .. } | Self::TooMany { .. } => {
                "Filter by userName, externalId, displayName, emails or id; docs/SCIM.md lists what can be asked for."
            }
            Self::InvalidPath { .. } | Self::NoTarget { .. } => {
                "Look at the attribute mapping of the provisioning settings at the identity provider."
            }
            Self::InvalidSyntax { .. } | Self::UnsupportedMediaType => {
                "Set the connector to SCIM 2.0 with JSON bodies (application/scim+json)."
            }
            Self::InvalidValue { .. } | Self::Mutability { .. } => {
                "Correct the mapping of this attribute in the provisioning settings at the identity provider."
            }
            Self::Uniqueness { .. } => {
                "Another person or group of this connection has the name. Match it at the identity provider instead of creating it again."
            }
            Self::AccountOfAnother { .. } => {
                "Let the person sign in over this connection or link the account there, then push them again. The organization's audit says what is in the way, \
                 such as a password or a role."
            }
            Self::InvalidCursor => "Begin the list again without a cursor.",
            Self::NotFound { .. } | Self::NoEndpoint | Self::MethodNotAllowed { .. } => {
                "Check the SCIM base URL at the identity provider against the one on the SCIM page; restart provisioning if the resource was deleted."
            }
            Self::NotImplemented { .. } => {
                "Switch the feature off at the identity provider; /ServiceProviderConfig lists what is supported."
            }
            Self::Unauthorized => {
                "Issue a SCIM token on the SCIM page and paste it into the provisioning settings (Okta: API Token; Entra ID: Secret Token)."
            }
            Self::FilterNotTaken => "Read the whole document.",
            Self::TooLarge { .. } => "Push fewer members in one request.",
            Self::TooManyRequests { .. } | Self::TooManySearches { .. } => {
                "Nothing has to be changed: the identity provider tries again."
            }
            Self::TooManyGuesses { .. } => {
                "Paste the SCIM token again at the identity provider; if everybody comes through one proxy, let with_client_address read the address that the proxy names."
            }
            Self::PreconditionFailed => "Read the resource again and repeat the change.",
            Self::Refused(refusal) => refusal.hint(),
            Self::Store(failure) => failure.hint(),
            Self::Cryptography(_) => {
                "Look at the cryptography provider and the operating system's random source."
            }
        }
    }
}

impl From<StoreError> for ScimError {
    fn from(failure: StoreError) -> ScimError {
        match failure {
            StoreError::Taken { what, .. } => ScimError::Uniqueness { what: what.to_owned() },
            // It ended while the request was under way.
            StoreError::ScimTokenInvalid { .. } => ScimError::Unauthorized,
            other => ScimError::Store(other),
        }
    }
}

impl From<PlanRefusal> for ScimError {
    fn from(refusal: PlanRefusal) -> ScimError {
        match refusal {
            // The address belongs to an account that the connection may not link.
            PlanRefusal::EmailTaken { .. } => ScimError::AccountOfAnother { what: "e-mail address" },
            PlanRefusal::ScimUserExists { .. } | PlanRefusal::ScimTakeoverRefused { .. } => {
                ScimError::AccountOfAnother { what: "userName or externalId" }
            }
            PlanRefusal::EmailInvalid { source, .. } => ScimError::value("emails", source.to_string()),
            PlanRefusal::AttributeMissing { attribute, .. } => ScimError::value(attribute, "it is required"),
            other => ScimError::Refused(other),
        }
    }
}

impl From<SignInError> for ScimError {
    fn from(error: SignInError) -> ScimError {
        match error {
            SignInError::PlanRefusal(refusal) => ScimError::from(refusal),
            SignInError::Store(failure) => ScimError::from(failure),
            other => ScimError::Store(StoreError::backend(other)),
        }
    }
}

/// A text of the client, shortened if it is long.
pub(crate) fn shortened(text: &str) -> String {
    const MOST: usize = 200;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}\u{2026}", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
