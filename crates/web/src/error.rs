//! The errors of the browser flows, with stable codes.

use std::fmt;

use http::StatusCode;
use vouchsafe::crypto::CryptoError;
use vouchsafe::xml::{Cut, Quoted};
use vouchsafe::{BindingError, ConnectionId, Explain, Ledger, Refusal, RequestRate};
use vouchsafe_store::StoreError;

/// The reason why a browser flow failed.
///
/// [`SingleSignOn::refuse`](crate::SingleSignOn::refuse) makes the answer from it: the browser receives a reference,
/// and the log everything else.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// The response was refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The form or the configuration is not valid.
    #[error(transparent)]
    Binding(#[from] BindingError),
    /// A store failed, so it is not known who signs in.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The application refuses a valid login, or fails on it.
    #[error("{0}")]
    Application(ApplicationError),
    /// The application knows no person for the login.
    #[error("the application has no account for this login")]
    UnknownPerson,
    /// The login has no name by which its person is found again at the next sign-in.
    #[error("the name identifier is {found}, expected one that is the same at each sign-in")]
    #[non_exhaustive]
    NoLastingName {
        /// `absent` or `transient`.
        found: &'static str,
    },
    /// A store of the application failed, so it is not known who signs in.
    #[error("the store of {what} failed")]
    #[non_exhaustive]
    Unavailable {
        /// The data that the store holds.
        what: &'static str,
        /// The error of the store.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The response answers a request that this browser did not start, or that was already answered or has expired.
    #[error(
        "the response answers {}, and this browser has no such request waiting",
        Quoted::new(in_response_to)
    )]
    #[non_exhaustive]
    NoPendingRequest {
        /// The ID of the request in the response; a long ID is shortened.
        in_response_to: String,
    },
    /// A sign-in was started instead of using an unsolicited response, and its answer is unsolicited again.
    #[error("the identity provider answered a request with a response that answers none")]
    RestartedBefore,
    /// A request that changes something comes from a page of another site.
    #[error("the request comes from a page of another site")]
    CrossSite,
    /// An identity provider has already ended the session that the assertion would start.
    #[error("the assertion was issued before its identity provider ended the session, and came after that")]
    LoggedOut,
    /// This service, or this address of it, accepts no logout messages.
    #[error("this address does not accept logout messages")]
    NoSingleLogout,
    /// An identity provider was asked over SOAP and did not answer.
    #[error("the identity provider did not answer over SOAP")]
    #[non_exhaustive]
    BackChannel {
        /// The error of the back channel.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A response came by artifact, and no back channel is configured to resolve it.
    #[error("an artifact came, and no back channel is configured to resolve it")]
    NoBackChannel,
    /// This service, or this address of it, accepts no messages about names.
    #[error("this address does not accept messages about names")]
    NoNameIdManagement,
    /// Too many responses from one client address are being checked.
    #[error("{limit} responses from one client address are being checked already")]
    #[non_exhaustive]
    TooManyFromAddress {
        /// The limit.
        limit: usize,
    },
    /// Too many responses are being checked, or too many requests carried out.
    #[error("{limit} responses or messages {of} are being worked on already")]
    #[non_exhaustive]
    Busy {
        /// "over one connection", "that claim one issuer", "signed by one key", "in look-ups of connections" or
        /// "altogether".
        of: &'static str,
        /// The limit.
        limit: usize,
    },
    /// Too many sign-ins were started in a short time. Nothing of this one was stored.
    #[error("more sign-ins are started {of} than {} at once and then {} a second", rate.burst, rate.per_second)]
    #[non_exhaustive]
    TooManyStarts {
        /// "from one client address", "over one connection" or "altogether".
        of: &'static str,
        /// The rate that is allowed.
        rate: RequestRate,
        /// The number of seconds after which another sign-in is allowed.
        retry_after: u64,
    },
    /// An identity provider asked to end sessions, or to change names, too often in a short time. Nothing of this request
    /// was carried out or stored, and it can be sent again.
    #[error(
        "more requests of an identity provider come over one connection than {} at once and then {} a second", rate.burst, rate.per_second
    )]
    #[non_exhaustive]
    TooManyRequests {
        /// The rate that is allowed.
        rate: RequestRate,
        /// The number of seconds after which another request is allowed.
        retry_after: u64,
    },
    /// The thread that checked a response ended without a result.
    #[error("the check of a response was interrupted: {source}")]
    #[non_exhaustive]
    Worker {
        /// The error of the thread.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A request to a discovery service, or its answer, does not follow the protocol (sstc-saml-idp-discovery).
    #[error("the discovery of an identity provider cannot go on: {reason}")]
    #[non_exhaustive]
    DiscoveryRequest {
        /// The reason.
        reason: &'static str,
    },
    /// No connection was found for the typed text, or for the name in the address. The text is not repeated, since it
    /// may be a person's e-mail address.
    #[error("no connection is found by what was asked for")]
    UnknownConnection,
    /// An account should be linked, its organization has several connections, and none was chosen.
    #[error("the organization has {} connections over which the account can be linked, and none was chosen", connections.len())]
    #[non_exhaustive]
    SeveralConnections {
        /// The connections that can be chosen.
        connections: Vec<ConnectionId>,
    },
    /// The application gave a request a [context](vouchsafe::LoginOptions::context) that would make the answer link
    /// an account. Nothing was started.
    #[error("the context of the request is one of those that link an account")]
    ReservedContext,
    /// The body of the request is too large, or its transfer was interrupted.
    #[error("the posted form could not be read: {reason}")]
    #[non_exhaustive]
    Body {
        /// The reason, in the words of the HTTP server.
        reason: String,
    },
    /// A header could not be written.
    #[error("the {name} header cannot hold this value")]
    #[non_exhaustive]
    Header {
        /// The name of the header.
        name: &'static str,
    },
}

/// An error of the application, which implements [`Explain`].
#[derive(Debug)]
pub struct ApplicationError {
    error: Box<dyn Explain + Send + Sync>,
    is_outage: bool,
    message: Option<String>,
}

impl fmt::Display for ApplicationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl HttpError {
    /// Makes the error for the application's decision to refuse this person: status 403.
    pub fn refused_by(error: impl Explain + Send + Sync + 'static) -> HttpError {
        HttpError::Application(ApplicationError { error: Box::new(error), is_outage: false, message: None })
    }

    /// Makes the error for the application's decision to refuse this person, and the sentence that the person reads:
    /// status 403. The identity provider vouches for the person already, so the sentence may say why. It is escaped.
    pub fn refused_with(
        message: impl Into<String>,
        error: impl Explain + Send + Sync + 'static,
    ) -> HttpError {
        let message = Some(message.into());
        HttpError::Application(ApplicationError { error: Box::new(error), is_outage: false, message })
    }

    /// Makes the error for a failure of the application, such as of its database: status 503. It tells nothing about
    /// the person.
    pub fn outage(error: impl Explain + Send + Sync + 'static) -> HttpError {
        HttpError::Application(ApplicationError { error: Box::new(error), is_outage: true, message: None })
    }

    /// Makes the error for a failed store of the application, with the store's own error and the data that it holds,
    /// such as "sessions".
    pub fn unavailable(
        what: &'static str,
        error: impl std::error::Error + Send + Sync + 'static,
    ) -> HttpError {
        HttpError::Unavailable { what, source: Box::new(error) }
    }

    /// Makes the error for an identity provider that did not answer over SOAP.
    pub(crate) fn back_channel(error: impl std::error::Error + Send + Sync + 'static) -> HttpError {
        HttpError::BackChannel { source: Box::new(error) }
    }

    /// Makes the error for a body that the HTTP server could not read.
    pub fn body(reason: impl fmt::Display) -> HttpError {
        HttpError::Body { reason: Cut::new(&reason.to_string()).to_string() }
    }

    /// Makes the error for a response whose request is not pending for this browser. A long ID is shortened.
    #[must_use]
    pub fn no_pending_request(in_response_to: &str) -> HttpError {
        HttpError::NoPendingRequest { in_response_to: Cut::new(in_response_to).to_string() }
    }

    /// Returns whether a required part failed temporarily, and the request is not the cause.
    pub(crate) fn is_outage(&self) -> bool {
        match self {
            Self::Store(error) => error.is_outage(),
            Self::Unavailable { .. } => true,
            Self::Application(application) => application.is_outage,
            _ => false,
        }
    }

    /// Returns whether a store is kept busy by one organization: whoever is told so has waited for it already, and it is no
    /// outage for others.
    pub(crate) fn is_busy_store(&self) -> bool {
        matches!(self, Self::Store(StoreError::Busy { .. }))
    }

    /// Returns the stable code: `http.` and a word, or the code of the lower crate.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused(error) => error.code(),
            Self::Binding(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Application(application) => application.error.code(),
            Self::UnknownPerson => "http.unknown_person",
            Self::NoLastingName { .. } => "http.no_lasting_name",
            Self::Unavailable { .. } => "http.unavailable",
            Self::NoPendingRequest { .. } => "http.no_pending_request",
            Self::RestartedBefore => "http.restarted_before",
            Self::CrossSite => "http.cross_site",
            Self::LoggedOut => "http.logged_out",
            Self::NoSingleLogout => "http.no_single_logout",
            Self::BackChannel { .. } => "http.back_channel",
            Self::NoBackChannel => "http.no_back_channel",
            Self::NoNameIdManagement => "http.no_name_id_management",
            Self::TooManyFromAddress { .. } => "http.too_many_from_address",
            Self::Busy { .. } => "http.busy",
            Self::TooManyStarts { .. } => "http.too_many_starts",
            Self::TooManyRequests { .. } => "http.too_many_requests",
            Self::Worker { .. } => "http.worker",
            Self::DiscoveryRequest { .. } => "http.discovery_request",
            Self::UnknownConnection => "http.unknown_connection",
            Self::SeveralConnections { .. } => "http.several_connections",
            Self::ReservedContext => "http.reserved_context",
            Self::Body { .. } => "http.body",
            Self::Header { .. } => "http.header",
        }
    }

    /// Returns what an operator should change.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Refused(error) => error.hint(),
            Self::Binding(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::Application(application) => application.error.hint(),
            Self::UnknownPerson => {
                "Make an account for the person, or assign somebody else to the application at the identity provider."
            }
            Self::NoLastingName { .. } => {
                "In the console of the identity provider, choose another format of the Name ID than transient, or identify people by an attribute."
            }
            Self::Unavailable { .. } => "Look at the source of the error, and at the store.",
            Self::NoPendingRequest { .. } => {
                "The person waited longer than the request lives, posted an answer twice (a reload, the back button), or blocks cookies: let them start again. \
                 If it happens to everybody, the address in the identity provider's console (Okta: \"Single sign-on URL\") has another \
                 host than the one people sign in on, or a proxy removes cookies."
            }
            Self::RestartedBefore => {
                "The identity provider does not answer requests with InResponseTo. Correct that there, or have the connection accept \
                 unsolicited responses."
            }
            Self::CrossSite => {
                "Nobody has to change anything if another site tried it. If people see it on your own pages, either they open \
                 the service under another host name than that of the assertion consumer, or their browser sends neither a \
                 session nor an Origin."
            }
            Self::LoggedOut => {
                "The person signs in again. A response that is used after the logout of its session was kept by a slow browser, or copied."
            }
            Self::NoSingleLogout => {
                "Configure single_logout on the builder and single_logout_over on SingleSignOn, and \
                 ConnectionSettings::single_logout for a connection with its own assertion consumer. Otherwise remove the \
                 address from the identity provider's console."
            }
            Self::BackChannel { .. } => {
                "Look at the source of the error: the identity provider's SOAP address must be reachable from this service. The person starts the \
                 sign-in again, since an artifact is resolved once."
            }
            Self::NoBackChannel => {
                "Configure back_channel on SingleSignOn, with vouchsafe-client for example, or have the identity provider answer by HTTP-POST."
            }
            Self::NoNameIdManagement => {
                "Configure name_id_management on the builder and names_managed_by on SingleSignOn (with a back_channel where the \
                 identity provider uses SOAP only), and ConnectionSettings::name_id_management for a connection with its own \
                 assertion consumer. Otherwise remove the address from the identity provider's console."
            }
            Self::TooManyFromAddress { .. } => {
                "The person tries again. If everybody comes through one proxy, let client_address read the address that the proxy names."
            }
            Self::Busy { .. } => {
                "The person tries again. If it lasts, look for somebody who sends large responses, or raise the limits of ReceiveLimiter."
            }
            Self::TooManyStarts { .. } => {
                "The person tries again; if it lasts, look in the log for a program that starts sign-ins. If \
                 everybody comes through one proxy, let client_address read the address that the proxy \
                 names; if so many people sign in, raise the rates of StartLimiter."
            }
            Self::TooManyRequests { .. } => {
                "Look in the log for the connection, and ask its customer what sends the requests. If so many people are signed \
                 out, raise the rate of SingleSignOn::requests_per_connection."
            }
            Self::Worker { .. } => "This is a defect of the service; report it with the reference.",
            Self::DiscoveryRequest { .. } => {
                "Have the service that asks publish the address for the answer in its metadata (idpdisc:DiscoveryResponse), and ask with that one."
            }
            Self::UnknownConnection => {
                "Compare `organization` in the address with the name of the connection (ConnectionId), or with the slug if a \
                 store keeps organizations. OrganizationDiscovery finds active connections only, no drafts, and an e-mail \
                 address finds an organization by a verified domain only."
            }
            Self::SeveralConnections { .. } => {
                "Let the form that links the account send `connection`, which the person chooses from Provisioned::connections_to_link."
            }
            Self::ReservedContext => {
                "Somebody may be trying to get into the account of another person. Where the context of login_options contains \
                 what a browser sent, begin it with a word of your own."
            }
            Self::Body { .. } => {
                "A response has about 10 KiB: narrow what the identity provider sends (Okta: the filter of the group attribute \
                 statement), or raise the HTTP server's limit for bodies together with the service provider's limits."
            }
            Self::Header { .. } => "This is a defect of the service; report it with the reference.",
        }
    }

    /// Returns the one sentence for the browser.
    pub fn public_message(&self) -> &'static str {
        "The sign-in could not be completed."
    }

    /// Returns the sentence for the browser: that of [`refused_with`](Self::refused_with), or the constant one.
    pub(crate) fn shown_message(&self) -> &str {
        match self {
            Self::Application(ApplicationError { message: Some(message), .. }) => message,
            other => other.public_message(),
        }
    }

    /// Returns every check that was made, if a response was received.
    pub fn ledger(&self) -> Option<&Ledger> {
        match self {
            Self::Refused(refusal) => Some(refusal.ledger()),
            Self::Application(application) => application.error.ledger(),
            _ => None,
        }
    }

    /// Returns the status: 403 for every refusal, also over a connection that cannot be used; 429 if there is too
    /// much from one address, or too many sign-ins are started; 503 if there is too much at a time or a store does
    /// not answer; 500 if the fault is in this service. More would tell which check failed.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Store(failure) if failure.is_outage() => StatusCode::SERVICE_UNAVAILABLE,
            Self::Store(StoreError::ConnectionUnusable { .. }) => StatusCode::FORBIDDEN,
            Self::Store(_) | Self::Header { .. } | Self::Worker { .. } => StatusCode::INTERNAL_SERVER_ERROR,
            Self::TooManyFromAddress { .. } | Self::TooManyStarts { .. } | Self::TooManyRequests { .. } => {
                StatusCode::TOO_MANY_REQUESTS
            }
            Self::Busy { .. } | Self::Unavailable { .. } | Self::BackChannel { .. } => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Application(application) if application.is_outage => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::FORBIDDEN,
        }
    }

    /// Returns the number of seconds after which a retry is useful, if that is known.
    pub(crate) fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TooManyFromAddress { .. } | Self::Busy { .. } => Some(1),
            Self::TooManyStarts { retry_after, .. } | Self::TooManyRequests { retry_after, .. } => {
                Some(*retry_after)
            }
            // The store is there, and another change ends sooner or later.
            Self::Store(StoreError::Busy { .. }) => Some(5),
            _ => None,
        }
    }

    /// Returns the connection that the refusal belongs to, if the error names it: the one that cannot be used, or the
    /// one whose key signed the response.
    pub(crate) fn connection(&self) -> Option<&ConnectionId> {
        match self {
            Self::Refused(refusal) => refusal.connection(),
            Self::Store(StoreError::ConnectionUnusable { connection, .. }) => Some(connection),
            _ => None,
        }
    }

    /// Returns the text of the cause: the source of a store's error, which its own message omits.
    pub(crate) fn cause(&self) -> Option<String> {
        let source = match self {
            Self::Application(application) => application.error.source(),
            other => std::error::Error::source(other),
        };
        source.map(ToString::to_string)
    }
}

impl From<CryptoError> for HttpError {
    fn from(failure: CryptoError) -> HttpError {
        HttpError::Binding(failure.into())
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
