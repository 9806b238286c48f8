//! The signature that an autopsy examines, and what it can find out about the value and about the content.

use std::sync::Arc;

use vouchsafe_xml::Element;

use crate::autopsy_explanation::Explanation;
use crate::{KeyFingerprint, TrustedKey};

/// A signature that is not valid, with the keys that may have made it.
#[derive(Clone, Copy, Debug)]
pub struct FailedSignature<'a> {
    /// The element that carries the signature.
    pub element: Element<'a>,
    /// The text that the element's document was parsed from.
    pub source: &'a str,
    /// The keys that verification used.
    pub trusted: &'a [TrustedKey],
    /// Other keys that the caller can name, such as those of other tenants' identity providers.
    pub known: &'a [TrustedKey],
}

/// The party that made the value over `ds:SignedInfo`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Maker {
    /// A key made it that is trusted for this signer.
    #[non_exhaustive]
    Trusted {
        /// The label that says where the key came from.
        label: Arc<str>,
        /// The fingerprint by which messages name the key.
        fingerprint: KeyFingerprint,
    },
    /// A key that is trusted for this signer made it, but over another `ds:SignedInfo` than the received one, and no
    /// accident explains the difference. This can be found out for RSA PKCS#1 v1.5 only.
    #[non_exhaustive]
    TrustedOverOther {
        /// The label that says where the key came from.
        label: Arc<str>,
        /// The fingerprint by which messages name the key.
        fingerprint: KeyFingerprint,
    },
    /// A key made it that is known, but not trusted for this signer.
    #[non_exhaustive]
    Known {
        /// The label that says where the key came from.
        label: Arc<str>,
        /// The fingerprint by which messages name the key.
        fingerprint: KeyFingerprint,
    },
    /// The key of a certificate in the message made it, and nobody here knows this key. Anybody can make such a
    /// certificate.
    #[non_exhaustive]
    Embedded {
        /// The index of the certificate in [`Autopsy::certificates`](crate::Autopsy::certificates).
        certificate: usize,
    },
    /// None of these keys made it: the key is unknown and its certificate was not sent, or the value or
    /// `ds:SignedInfo` was altered.
    Nobody,
    /// It was not found out, because the [`AutopsyBudget`](crate::AutopsyBudget) was spent before all keys were tried.
    Undecided,
}

/// What happened to the content after its digest was computed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DigestedContent {
    /// The content has the digest that `ds:SignedInfo` names.
    AsDigested,
    /// The content has that digest when this accident is undone.
    Explained(Explanation),
    /// The content has another digest, and no hypothesis explains it.
    #[non_exhaustive]
    Changed {
        /// The digest in `ds:SignedInfo`, base64.
        expected: String,
        /// The digest of the received content, base64.
        actual: String,
    },
    /// The digest was not compared: the policy refuses its algorithm, the value in `ds:DigestValue` is not valid, or
    /// the [`AutopsyBudget`](crate::AutopsyBudget) was spent.
    #[non_exhaustive]
    Undecided {
        /// The reason, as a text.
        reason: String,
    },
}
