//! The findings of a post-mortem: each has a code, a text with the values to compare, and a hint for the operator.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::ser::{Serialize, SerializeStruct, Serializer};
use vouchsafe_crypto::Certificate;
use vouchsafe_metadata::EntityKey;
use vouchsafe_signature::Explanation;
use vouchsafe_xml::Quoted;

/// The findings of a post-mortem about one signature.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct PostMortem {
    /// Local name of the element that carries the signature: `Response` or `Assertion`.
    pub element: String,
    /// The findings; empty if the signature is valid.
    pub findings: Vec<SignatureFinding>,
}

/// One finding of a post-mortem. It is serialized as its code, its text and its hint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignatureFinding {
    /// The signature does not have the shape that SAML prescribes, so it cannot be examined.
    #[non_exhaustive]
    Shape {
        /// Code of the error.
        code: &'static str,
        /// The text of the error.
        text: String,
        /// The hint of the error.
        hint: &'static str,
    },
    /// The key of another trusted identity provider made the signature.
    #[non_exhaustive]
    OtherIdentityProvider {
        /// The owner of the key: the identity provider and the number of its key.
        key: String,
        /// SHA-256 over the key.
        fingerprint: String,
    },
    /// A key that this identity provider's metadata publishes for another purpose made the signature.
    #[non_exhaustive]
    OtherUse {
        /// The purpose in the metadata: `encryption key of IDPSSODescriptor`.
        key: String,
        /// SHA-256 over the certificate of the key.
        fingerprint: String,
    },
    /// A trusted key made the signature, but over a `ds:SignedInfo` other than the one that came.
    #[non_exhaustive]
    SignedInfoChanged {
        /// The trusted key.
        key: String,
        /// SHA-256 over the certificate of the key.
        fingerprint: String,
    },
    /// The policy refuses the algorithm, and nothing else is wrong: a trusted key made the signature, and the content
    /// is what was signed.
    #[non_exhaustive]
    OnlyAlgorithm {
        /// URI of the algorithm.
        uri: &'static str,
    },
    /// The key of a certificate in the message made the signature, and the certificate states later dates than all
    /// certificates in the metadata. It may belong to a key roll-over, but anybody can make a certificate with any
    /// dates.
    #[non_exhaustive]
    NewerCertificate {
        /// The certificate in the message.
        sent: CertificateFacts,
        /// The certificates in the metadata.
        trusted: Vec<CertificateFacts>,
    },
    /// The key of a certificate in the message made the signature, and the certificate states earlier dates than all
    /// certificates in the metadata.
    #[non_exhaustive]
    OlderCertificate {
        /// The certificate in the message.
        sent: CertificateFacts,
        /// The certificates in the metadata.
        trusted: Vec<CertificateFacts>,
    },
    /// The key of a certificate in the message made the signature, and no connection of this service has that
    /// certificate.
    #[non_exhaustive]
    UnknownCertificate {
        /// The certificate in the message.
        sent: CertificateFacts,
        /// The certificates in the metadata.
        trusted: Vec<CertificateFacts>,
    },
    /// None of the known keys made the signature: its value or what it covers was altered, or the key is unknown and
    /// was not sent in the message.
    #[non_exhaustive]
    NobodysKey {
        /// The certificate in the message, if there is one.
        sent: Option<CertificateFacts>,
        /// The certificates in the metadata.
        trusted: Vec<CertificateFacts>,
    },
    /// A known accidental change explains the failure.
    #[non_exhaustive]
    Explained {
        /// The part that was changed: `the content` or `SignedInfo`.
        what: &'static str,
        /// The change.
        explanation: Explanation,
    },
    /// The response was signed before its assertion was encrypted: the signature is valid over the response with the
    /// decrypted assertion.
    SignedBeforeEncryption,
    /// The content changed, and it holds an encrypted assertion that could not be decrypted. It is therefore unknown
    /// whether the response was signed before it was encrypted.
    AssertionClosed,
    /// The signature is inside decrypted content, and no key of the claimed identity provider made it. No details are
    /// shown: the ciphertext may belong to another customer, captured and sent again.
    DecryptedNotShown,
    /// The content is not what was signed, and no known accidental change explains it.
    #[non_exhaustive]
    ContentChanged {
        /// The digest that was signed and the digest of the content that came, in base64. `None` for decrypted
        /// content, since the digests would let others confirm a guess of it.
        digests: Option<(String, String)>,
    },
    /// Characters were replaced by U+FFFD, so what was signed is lost.
    #[non_exhaustive]
    LostCharacters {
        /// The number of replaced characters.
        count: usize,
    },
    /// The digest cannot be computed by this implementation.
    #[non_exhaustive]
    Undecided {
        /// The reason.
        reason: String,
    },
    /// The post-mortem stopped before it had tried everything.
    #[non_exhaustive]
    Stopped {
        /// The reason.
        reason: String,
    },
}

/// The facts of a certificate that people compare, or of a key that has no certificate in the metadata.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct CertificateFacts {
    /// The subject of the certificate; `None` for a key without a certificate.
    pub subject: Option<String>,
    /// SHA-256 over the certificate, as consoles show it, or over the key if there is no certificate.
    pub fingerprint: String,
    /// The start of the validity.
    pub not_before: Option<DateTime<Utc>>,
    /// The end of the validity.
    pub not_after: Option<DateTime<Utc>>,
}

impl CertificateFacts {
    /// The facts of a certificate.
    #[must_use]
    pub fn of(certificate: &Certificate) -> CertificateFacts {
        let date = |seconds: Option<i64>| DateTime::from_timestamp(seconds?, 0);
        CertificateFacts {
            subject: Some(certificate.subject().to_owned()),
            fingerprint: certificate.fingerprint_sha256(),
            not_before: date(certificate.not_before()),
            not_after: date(certificate.not_after()),
        }
    }

    /// The facts of a key in metadata.
    #[must_use]
    pub fn of_key(key: &EntityKey) -> CertificateFacts {
        key.certificate().map_or_else(
            || CertificateFacts {
                subject: None,
                fingerprint: key.fingerprint_sha256(),
                not_before: None,
                not_after: None,
            },
            CertificateFacts::of,
        )
    }
}

impl SignatureFinding {
    /// Returns the stable code: `autopsy.` and a word, or the code of the error about the shape of the signature.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Shape { code, .. } => code,
            Self::OtherIdentityProvider { .. } => "autopsy.other_identity_provider",
            Self::OtherUse { .. } => "autopsy.other_use",
            Self::SignedInfoChanged { .. } => "autopsy.signed_info_changed",
            Self::OnlyAlgorithm { .. } => "autopsy.only_algorithm",
            Self::NewerCertificate { .. } => "autopsy.newer_certificate",
            Self::OlderCertificate { .. } => "autopsy.older_certificate",
            Self::UnknownCertificate { .. } => "autopsy.unknown_certificate",
            Self::NobodysKey { .. } => "autopsy.nobodys_key",
            Self::Explained { explanation, .. } => explanation.code(),
            Self::SignedBeforeEncryption => "autopsy.signed_before_encryption",
            Self::AssertionClosed => "autopsy.assertion_closed",
            Self::DecryptedNotShown => "autopsy.decrypted_not_shown",
            Self::ContentChanged { .. } => "autopsy.content_changed",
            Self::LostCharacters { .. } => "autopsy.lost_characters",
            Self::Undecided { .. } => "autopsy.undecided",
            Self::Stopped { .. } => "autopsy.stopped",
        }
    }

    /// Returns whether the finding names a cause. A search that stopped and a change without an explanation name
    /// none.
    pub(crate) fn names_a_cause(&self) -> bool {
        !matches!(
            self,
            Self::Shape { .. }
                | Self::ContentChanged { .. }
                | Self::AssertionClosed
                | Self::DecryptedNotShown
                | Self::Undecided { .. }
                | Self::Stopped { .. }
        )
    }

    /// Returns what an operator should look at or change.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Shape { hint, .. } => hint,
            Self::OtherIdentityProvider { .. } => {
                "Either the metadata of the two identity providers was mixed up, or one of them signs in the name of the other: compare the \
                 entity IDs and fingerprints with both consoles first. If both are right here, treat it as an attempt to sign in across tenants."
            }
            Self::OtherUse { .. } => {
                "Have the identity provider sign with the key that its metadata has for signing, or publish this key there for signing; then \
                 load the metadata from its console again."
            }
            Self::SignedInfoChanged { .. } => {
                "The key is the right one, but the signature was edited after it was made: find what edits messages between the \
                 identity provider and this service. If nothing does, treat it as an attack."
            }
            Self::OnlyAlgorithm { .. } => {
                "Choose RSA-SHA256 as Signature Algorithm and SHA256 as Digest Algorithm in the identity provider's console; nothing else has to \
                 change. SHA-1 can be accepted only by a danger_ setting."
            }
            Self::NewerCertificate { .. }
            | Self::OlderCertificate { .. }
            | Self::UnknownCertificate { .. } => {
                "Compare the fingerprint with the identity provider's console first (Okta: Sign On > SAML Signing Certificates); if it is not \
                 there, anybody may have made this message and its certificate. If it is there, load the metadata from the console again."
            }
            Self::NobodysKey { .. } => {
                "Compare the fingerprints of the metadata with the identity provider's console first. If the active certificate is among them, \
                 the message was altered or anybody made it; if not, load the metadata from the console again."
            }
            Self::Explained { explanation, .. } => explanation.hint(),
            Self::SignedBeforeEncryption => {
                "The signer signs the Response and encrypts the Assertion afterwards, so its signature cannot hold. Have the identity provider \
                 encrypt first and sign then (samlify: messageSigningOrder \"encrypt-then-sign\"), or sign the Assertion only."
            }
            Self::AssertionClosed => {
                "See whether the identity provider signs before it encrypts (samlify: messageSigningOrder). To find out here, give the private \
                 key; AES-CBC is opened only by a danger_ setting."
            }
            Self::DecryptedNotShown => {
                "Compare the signing certificate in the identity provider's console with the one trusted here first, and load the metadata \
                 again if it has changed. If it has not, somebody may have sent ciphertext that was captured from another identity provider."
            }
            Self::ContentChanged { .. } => {
                "Something between the identity provider and this service edits messages. If nothing does, treat it as an attack."
            }
            Self::LostCharacters { .. } => {
                "Something decoded the message in a wrong encoding and wrote replacement characters. Give the bytes to the parser unchanged."
            }
            Self::Undecided { .. } => {
                "The digest algorithm is not accepted here: choose SHA-256 at the identity provider (Okta: \"Digest Algorithm\")."
            }
            Self::Stopped { .. } => {
                "What was not tried is not excluded. No identity provider sends messages that cost so much: look at the message itself, and \
                 treat it as an attack if it cannot be explained."
            }
        }
    }
}

impl fmt::Display for SignatureFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shape { text, .. } => f.write_str(text),
            Self::OtherIdentityProvider { key, fingerprint } => {
                write!(f, "another identity provider's key made it: {} ({fingerprint})", Quoted::new(key))
            }
            Self::OtherUse { key, fingerprint } => {
                write!(
                    f,
                    "a key that the metadata of this identity provider has for another purpose made it: {} ({fingerprint})",
                    Quoted::new(key)
                )
            }
            Self::SignedInfoChanged { key, fingerprint } => {
                write!(
                    f,
                    "the trusted key {} ({fingerprint}) made it, over another ds:SignedInfo than the one that came",
                    Quoted::new(key)
                )
            }
            Self::OnlyAlgorithm { uri } => {
                write!(f, "only the algorithm {uri} is refused: a trusted key made it, and the content is what was signed")
            }
            Self::NewerCertificate { sent, trusted } => {
                write!(
                    f,
                    "the key of a certificate in the message made it, and that certificate is not known here, which begins later \
                     than any in the metadata: {sent}; {}",
                    Listed(trusted)
                )
            }
            Self::OlderCertificate { sent, trusted } => {
                write!(
                    f,
                    "the key of a certificate in the message made it, and that certificate is not known here, which begins \
                     earlier than any in the metadata: {sent}; {}",
                    Listed(trusted)
                )
            }
            Self::UnknownCertificate { sent, trusted } => {
                write!(
                    f,
                    "the key of a certificate in the message made it, and that certificate is not known here: {sent}; {}",
                    Listed(trusted)
                )
            }
            Self::NobodysKey { sent: Some(sent), trusted } => {
                write!(f, "no known key made it, and neither did the key of the certificate in the message: {sent}; {}", Listed(trusted))
            }
            Self::NobodysKey { sent: None, trusted } => {
                write!(f, "no known key made it, and the message has no certificate; {}", Listed(trusted))
            }
            Self::Explained { what, explanation } => write!(f, "{what}: {explanation}"),
            Self::SignedBeforeEncryption => {
                f.write_str("it was made before the Assertion was encrypted, and is valid only if the Assertion is not encrypted")
            }
            Self::AssertionClosed => f.write_str(
                "its encrypted Assertion was not opened: perhaps the Response was signed before the Assertion was encrypted",
            ),
            Self::DecryptedNotShown => f.write_str(
                "it is inside what was decrypted, no key of this identity provider made it, and so what it says is not shown",
            ),
            Self::ContentChanged { digests: Some((expected, actual)) } => {
                write!(f, "the content is not what was signed: digest expected {expected}, actual {actual}")
            }
            Self::ContentChanged { digests: None } => f.write_str("the decrypted content is not what was signed"),
            Self::LostCharacters { count } => {
                let were = if *count == 1 { "character was" } else { "characters were" };
                write!(f, "{count} {were} replaced by U+FFFD, so what was signed is lost")
            }
            Self::Undecided { reason } => write!(f, "the digest cannot be computed: {reason}"),
            Self::Stopped { reason } => write!(f, "the search for the reason stopped early: {reason}"),
        }
    }
}

impl Serialize for SignatureFinding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("SignatureFinding", 3)?;
        fields.serialize_field("code", self.code())?;
        fields.serialize_field("message", &self.to_string())?;
        fields.serialize_field("hint", self.hint())?;
        fields.end()
    }
}

impl fmt::Display for CertificateFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = |time: Option<DateTime<Utc>>| {
            time.map_or_else(|| "?".to_owned(), |time| time.to_rfc3339_opts(SecondsFormat::Secs, true))
        };
        let (begin, end) = (date(self.not_before), date(self.not_after));
        let fingerprint = &self.fingerprint;
        match &self.subject {
            Some(subject) => {
                write!(f, "{} (SHA-256 {fingerprint}), valid from {begin} to {end}", Quoted::new(subject))
            }
            None => write!(f, "a key without a certificate (SHA-256 of the key {fingerprint})"),
        }
    }
}

/// Displays the first few certificates of the metadata.
struct Listed<'a>(&'a [CertificateFacts]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("no metadata is loaded for its sender");
        }
        f.write_str("in the metadata: ")?;
        for (place, certificate) in self.0.iter().take(SHOWN).enumerate() {
            if place > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{certificate}")?;
        }
        Ok(())
    }
}

/// The number of certificates that a text names.
const SHOWN: usize = 4;
