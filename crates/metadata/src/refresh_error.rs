//! The reasons why a document does not replace the current one.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};

use vouchsafe_xml::Quoted;

use crate::MetadataError;

/// The reason why a document of a source is refused. The current one, if there is one, is kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RefreshError {
    /// The document cannot be read, is not signed as required, or is not valid any more. Code and hint are those of
    /// this error.
    #[error(transparent)]
    Metadata(#[from] MetadataError),

    /// The source's documents must have a validUntil, and this one has none.
    #[error(
        "the document has no validUntil, which this source must give, at most {} in the future",
        days(*longest)
    )]
    #[non_exhaustive]
    NoValidUntil {
        /// The longest allowed time until validUntil.
        longest: Duration,
    },

    /// The document is valid for longer than the source's documents may be.
    #[error(
        "the document is valid until {}, longer than {} from {}",
        instant(*valid_until),
        days(*longest),
        instant(*now)
    )]
    #[non_exhaustive]
    ValidityTooLong {
        /// The `validUntil` of the document.
        valid_until: DateTime<Utc>,
        /// The time of the check.
        now: DateTime<Utc>,
        /// The longest allowed time until validUntil.
        longest: Duration,
    },

    /// The document is older than the current one: somebody sends a copy of a withdrawn document.
    #[error("the document is older than the current one: its {what} is {}, and was {}", time(*offered), instant(*at_hand))]
    #[non_exhaustive]
    RolledBack {
        /// The attribute: `validUntil` or `creationInstant`.
        what: &'static str,
        /// The value in the refused document, if it has one.
        offered: Option<DateTime<Utc>>,
        /// The value in the current document.
        at_hand: DateTime<Utc>,
    },

    /// Nobody could sign in with this document.
    #[error("none of the {entities} entities of the document is an identity provider that can be used")]
    #[non_exhaustive]
    Nobody {
        /// The number of entities.
        entities: usize,
    },

    /// The text is not a fingerprint of a certificate.
    #[error("{} is not a SHA-256 fingerprint of a certificate", Quoted::new(value))]
    #[non_exhaustive]
    Fingerprint {
        /// The given text.
        value: String,
    },

    /// The certificate that must have signed the document did not sign it, or nobody verified that it did.
    #[error("the certificate with the SHA-256 fingerprint {} did not sign the document", Quoted::new(signer))]
    #[non_exhaustive]
    OtherSigner {
        /// The fingerprint of the certificate.
        signer: String,
    },

    /// The source answered that nothing has changed, but there is no current document.
    #[error("the source answered that nothing has changed, and there is no earlier document here")]
    NothingAtHand,
}

impl RefreshError {
    /// Returns the stable code, for logs and alerts. docs/ERRORS.md lists all codes.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            RefreshError::Metadata(error) => error.code(),
            RefreshError::NoValidUntil { .. } => "refresh.no_valid_until",
            RefreshError::ValidityTooLong { .. } => "refresh.validity_too_long",
            RefreshError::RolledBack { .. } => "refresh.rolled_back",
            RefreshError::Nobody { .. } => "refresh.nobody",
            RefreshError::Fingerprint { .. } => "refresh.fingerprint",
            RefreshError::OtherSigner { .. } => "refresh.other_signer",
            RefreshError::NothingAtHand => "refresh.nothing_at_hand",
        }
    }

    /// Returns what an operator should change.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            RefreshError::Metadata(error) => error.hint(),
            RefreshError::NoValidUntil { .. } => {
                "Ask the publisher for documents with validUntil, or stop requiring it of this source."
            }
            RefreshError::ValidityTooLong { .. } => {
                "Compare with what the publisher announces, and require a longer validity of this source if it is right."
            }
            RefreshError::RolledBack { .. } => {
                "A cache or a mirror may serve an old copy: fetch the document from its publisher. If the publisher went back on purpose, load \
                 its document by hand."
            }
            RefreshError::Nobody { .. } => {
                "The publisher's feed is empty or broken, or it is the feed of service providers. Compare the address with the publisher's \
                 documentation."
            }
            RefreshError::Fingerprint { .. } => {
                "Give 64 hexadecimal digits, as `openssl x509 -noout -fingerprint -sha256` prints them; a SHA-1 fingerprint has 40."
            }
            RefreshError::OtherSigner { .. } => {
                "Check the document with StoredConnection::metadata_source, which verifies this signature."
            }
            RefreshError::NothingAtHand => {
                "A proxy answers 304 to a request without conditions. Fetch the document once without it."
            }
        }
    }
}

fn days(duration: Duration) -> String {
    let hours = duration.as_secs().checked_div(3_600).unwrap_or_default();
    match hours.checked_div(24).unwrap_or_default() {
        0 | 1 => format!("{hours} hours"),
        days => format!("{days} days"),
    }
}

fn instant(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

fn time(time: Option<DateTime<Utc>>) -> String {
    time.map_or_else(|| "missing".to_owned(), instant)
}
