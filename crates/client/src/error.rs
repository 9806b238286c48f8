//! The reasons why a document was not loaded.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::Url;
use vouchsafe::metadata::MetadataError;

use crate::address::is_local;

/// The reason why a document or a record was not loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The client could not be set up.
    #[error("the HTTPS client cannot be set up")]
    #[non_exhaustive]
    Setup {
        /// The error of the client library.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The address may not be requested.
    #[error("{url:?} is not loaded: {reason}")]
    #[non_exhaustive]
    Forbidden {
        /// The address.
        url: String,
        /// The reason.
        reason: &'static str,
    },
    /// The exchange failed: there was no connection, no answer in time, or a redirect to a forbidden address.
    #[error("{url:?} could not be loaded")]
    #[non_exhaustive]
    Exchange {
        /// The address.
        url: String,
        /// The error of the client library.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The status of the answer is not a success.
    #[error("{url:?} answers with status {status}")]
    #[non_exhaustive]
    Status {
        /// The address.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The time after which the server wants the next request (`Retry-After`), if it states one.
        retry_after: Option<Duration>,
    },
    /// The answer is longer than the size limit.
    #[error("{url:?} has more than {limit} bytes")]
    #[non_exhaustive]
    TooLarge {
        /// The address.
        url: String,
        /// The size limit in bytes.
        limit: usize,
    },
    /// The last request failed, and it is too early for the next one.
    #[error("{url:?} failed before, and is not asked again until {until}")]
    #[non_exhaustive]
    Waiting {
        /// The address.
        url: String,
        /// The time of the next request.
        until: DateTime<Utc>,
    },
    /// Too many requests to the server are running or waiting, or too many names that are not known were asked for in a
    /// short time. No request was sent.
    #[error("{url:?} is not asked now: too many other names are being asked for")]
    #[non_exhaustive]
    Busy {
        /// The address.
        url: String,
    },
    /// The DNS query failed.
    #[error("the TXT records of {name:?} could not be asked for: {reason}")]
    #[non_exhaustive]
    Dns {
        /// The name.
        name: String,
        /// The reason.
        reason: String,
    },
    /// The address is not valid, or the document is not metadata of the identity provider.
    #[error("{url:?} gives no metadata of the identity provider: {source}")]
    #[non_exhaustive]
    Metadata {
        /// The address.
        url: String,
        /// The error of the metadata.
        source: MetadataError,
    },
}

impl ClientError {
    /// Returns the time after which the server wants the next request, if it states one.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Returns the stable code, for logs and alerts.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Setup { .. } => "client.setup",
            Self::Forbidden { .. } => "client.forbidden_address",
            Self::Exchange { .. } => "client.exchange",
            Self::Status { .. } => "client.status",
            Self::TooLarge { .. } => "client.too_large",
            Self::Waiting { .. } => "client.waiting",
            Self::Busy { .. } => "client.busy",
            Self::Dns { .. } => "client.dns",
            Self::Metadata { source, .. } => source.code(),
        }
    }

    /// Returns what an operator, or the customer's administrator, should change.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Setup { .. } => "Look at the source of the error: the TLS configuration of this machine.",
            Self::Forbidden { url, .. } if !Url::parse(url).is_ok_and(|url| url.has_host()) => {
                "Write the address with its beginning, https://. Metadata in a file is read by IdentityProvider::from_metadata."
            }
            Self::Forbidden { .. } => {
                "Give the https address of the metadata on the public internet (Okta: Sign On, \"Metadata URL\")."
            }
            Self::Exchange { url, .. } if Url::parse(url).is_ok_and(|url| is_local(&url)) => {
                "Start the server on this machine first, and compare the port. If it does not speak TLS, the address begins with http://."
            }
            Self::Exchange { .. } => {
                "Open the address in a browser from outside; a certificate of a private authority, a firewall or a slow server are the usual causes."
            }
            Self::Status { .. } => {
                "Copy the metadata address again from the identity provider's console (Okta: Sign On, \"Metadata URL\")."
            }
            Self::TooLarge { .. } => {
                "Give the metadata of one identity provider, not that of a federation; for that of a federation take Client::for_federations, or raise the client's size limit."
            }
            Self::Waiting { .. } => "Look in the log for why it failed before.",
            Self::Busy { .. } => {
                "Try again in a few seconds; identity providers that are known already still sign in. If it lasts, look in the \
                 log for somebody who posts responses with invented issuers, and whether the server answers slowly."
            }
            Self::Dns { .. } => {
                "Try again in a minute. If it goes on: look at the resolvers of this machine, and with a tool such as dig at the servers of the domain."
            }
            Self::Metadata { source, .. } => source.hint(),
        }
    }
}

impl vouchsafe::Explain for ClientError {
    fn code(&self) -> &'static str {
        self.code()
    }

    fn hint(&self) -> &'static str {
        self.hint()
    }

    fn public_message(&self) -> &'static str {
        "The identity provider's metadata could not be loaded."
    }
}
