//! Why nothing was loaded.

use std::time::Duration;

use chrono::{DateTime, Utc};
use vouchsafe::metadata::MetadataError;

/// Why nothing was loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The client could not be set up.
    #[error("the HTTPS client cannot be set up")]
    #[non_exhaustive]
    Setup {
        /// What the client library says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The address may not be asked.
    #[error("{url:?} is not loaded: {reason}")]
    #[non_exhaustive]
    Forbidden {
        /// The address.
        url: String,
        /// Why not.
        reason: &'static str,
    },
    /// The exchange failed: no connection, no answer in time, a redirect to a forbidden address.
    #[error("{url:?} could not be loaded")]
    #[non_exhaustive]
    Exchange {
        /// The address.
        url: String,
        /// What the client library says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The answer is not a success.
    #[error("{url:?} answers with status {status}")]
    #[non_exhaustive]
    Status {
        /// The address.
        url: String,
        /// The HTTP status.
        status: u16,
        /// After how long the server wants to be asked again (`Retry-After`), where it says so in seconds.
        retry_after: Option<Duration>,
    },
    /// The answer is longer than is read.
    #[error("{url:?} has more than {limit} bytes")]
    #[non_exhaustive]
    TooLarge {
        /// The address.
        url: String,
        /// How many bytes are read.
        limit: usize,
    },
    /// The last question failed, and it is too early for the next one.
    #[error("{url:?} failed before, and is not asked again until {until}")]
    #[non_exhaustive]
    Waiting {
        /// The address.
        url: String,
        /// When it is asked again.
        until: DateTime<Utc>,
    },
    /// The DNS could not be asked.
    #[error("the TXT records of {name:?} could not be asked for: {reason}")]
    #[non_exhaustive]
    Dns {
        /// The name.
        name: String,
        /// What went wrong.
        reason: String,
    },
    /// The address is not valid, or what came is not metadata of the identity provider.
    #[error("{url:?} gives no metadata of the identity provider: {source}")]
    #[non_exhaustive]
    Metadata {
        /// The address.
        url: String,
        /// What is wrong with it.
        source: MetadataError,
    },
}

impl ClientError {
    /// After how long the server wants to be asked again, where it says so.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// The stable code, for logs and alerts.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Setup { .. } => "client.setup",
            Self::Forbidden { .. } => "client.forbidden_address",
            Self::Exchange { .. } => "client.exchange",
            Self::Status { .. } => "client.status",
            Self::TooLarge { .. } => "client.too_large",
            Self::Waiting { .. } => "client.waiting",
            Self::Dns { .. } => "client.dns",
            Self::Metadata { source, .. } => source.code(),
        }
    }

    /// What an operator, or the customer's administrator, changes.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Setup { .. } => "Look at the source of the error: the TLS configuration of this machine.",
            Self::Forbidden { .. } => {
                "Give the https address of the metadata on the public internet (Okta: Sign On, \"Metadata URL\")."
            }
            Self::Exchange { .. } => {
                "Open the address in a browser from outside; a certificate of a private authority, a firewall or a slow server are the usual causes."
            }
            Self::Status { .. } => {
                "Copy the metadata address again from the identity provider's console (Okta: Sign On, \"Metadata URL\")."
            }
            Self::TooLarge { .. } => {
                "Give the metadata of one identity provider, not that of a federation, or raise the client's size limit."
            }
            Self::Waiting { .. } => "Look in the log for why it failed before.",
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
