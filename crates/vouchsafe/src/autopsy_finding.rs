//! What a post-mortem finds: a code, a text with what to compare, and what an operator changes.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::ser::{Serialize, SerializeStruct, Serializer};
use vouchsafe_crypto::Certificate;
use vouchsafe_metadata::EntityKey;
use vouchsafe_signature::Explanation;
use vouchsafe_xml::Quoted;

/// One thing that a post-mortem found. Serialises as its code, its text and its hint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignatureFinding {
    /// The signature has not the shape that SAML prescribes, so there is nothing to look into.
    #[non_exhaustive]
    Shape {
        /// Code of the error.
        code: &'static str,
        /// Its text.
        text: String,
        /// Its hint.
        hint: &'static str,
    },
    /// Another trusted identity provider's key made it.
    #[non_exhaustive]
    OtherIdentityProvider {
        /// Whose key: the identity provider and the number of its key.
        key: String,
        /// SHA-256 over the key.
        fingerprint: String,
    },
    /// A key that the metadata of this identity provider has for another purpose made it.
    #[non_exhaustive]
    OtherUse {
        /// What the metadata has it for: `encryption key of IDPSSODescriptor`.
        key: String,
        /// SHA-256 over its certificate.
        fingerprint: String,
    },
    /// A trusted key made it, over another `ds:SignedInfo` than the one that came.
    #[non_exhaustive]
    SignedInfoChanged {
        /// Which key.
        key: String,
        /// SHA-256 over its certificate.
        fingerprint: String,
    },
    /// The policy refuses the algorithm, and nothing else is wrong: a trusted key made it, and the content is what was signed.
    #[non_exhaustive]
    OnlyAlgorithm {
        /// URI of the algorithm.
        uri: &'static str,
    },
    /// The key of a certificate that came along made it, and the certificate says that it is newer than all that the metadata has. It may
    /// be that of a roll-over; anybody can make one with any dates.
    #[non_exhaustive]
    NewerCertificate {
        /// The certificate in the message.
        sent: CertificateFacts,
        /// Those in the metadata.
        trusted: Vec<CertificateFacts>,
    },
    /// The key of a certificate that came along made it, and the certificate says that it is older than all that the metadata has.
    #[non_exhaustive]
    OlderCertificate {
        /// The certificate in the message.
        sent: CertificateFacts,
        /// Those in the metadata.
        trusted: Vec<CertificateFacts>,
    },
    /// The key of a certificate that came along made it, and nobody here knows that certificate.
    #[non_exhaustive]
    UnknownCertificate {
        /// The certificate in the message.
        sent: CertificateFacts,
        /// Those in the metadata.
        trusted: Vec<CertificateFacts>,
    },
    /// No key at hand made it: the value or what it covers was altered, or the key was not sent along and is unknown.
    #[non_exhaustive]
    NobodysKey {
        /// The certificate in the message, if there is one.
        sent: Option<CertificateFacts>,
        /// Those in the metadata.
        trusted: Vec<CertificateFacts>,
    },
    /// An accident explains it.
    #[non_exhaustive]
    Explained {
        /// What it happened to: `the content` or `SignedInfo`.
        what: &'static str,
        /// The accident.
        explanation: Explanation,
    },
    /// The response was signed before its assertion was encrypted: it holds again with the assertion in the clear.
    SignedBeforeEncryption,
    /// The content changed, and holds an encrypted assertion that stays closed, so that nobody can tell whether it was signed before it was
    /// encrypted.
    AssertionClosed,
    /// The signature is inside what was decrypted, and no key of the claimed identity provider made it. Nothing more is told: the
    /// ciphertext may be another customer's, captured and sent again.
    DecryptedNotShown,
    /// The content is not what was signed, and no accident explains it.
    #[non_exhaustive]
    ContentChanged {
        /// The digest that was signed and the digest of what came, base64; `None` for what was decrypted, since they would let others
        /// confirm a guess of it.
        digests: Option<(String, String)>,
    },
    /// Characters were replaced by U+FFFD, so what was signed is lost.
    #[non_exhaustive]
    LostCharacters {
        /// How many.
        count: usize,
    },
    /// The digest cannot be computed here.
    #[non_exhaustive]
    Undecided {
        /// Why.
        reason: String,
    },
    /// The post-mortem stopped before everything was tried.
    #[non_exhaustive]
    Stopped {
        /// Why.
        reason: String,
    },
}

/// What is to be compared of a certificate, or of a key that metadata has no certificate for.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct CertificateFacts {
    /// Its subject; none of a key without a certificate.
    pub subject: Option<String>,
    /// SHA-256 over the certificate, as consoles show it; over the key only where there is no certificate.
    pub fingerprint: String,
    /// Its first second.
    pub not_before: Option<DateTime<Utc>>,
    /// Its last second.
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
    /// The stable code: `autopsy.` and a word, or that of the error about the signature's shape.
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

    /// Whether it says more than that the signature fails: a search that stopped, or a content that changed nobody knows how, does not.
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

    /// What an operator looks at or changes.
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
                "The key is the right one, and the signature was edited after it was made. Find what edits messages between the identity provider \
                 and this service. If nothing does, treat it as an attack."
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
                    "the key of a certificate that the message brings along made it, and nobody here knows that certificate, which begins later \
                     than any in the metadata: {sent}; {}",
                    Listed(trusted)
                )
            }
            Self::OlderCertificate { sent, trusted } => {
                write!(
                    f,
                    "the key of a certificate that the message brings along made it, and nobody here knows that certificate, which begins \
                     earlier than any in the metadata: {sent}; {}",
                    Listed(trusted)
                )
            }
            Self::UnknownCertificate { sent, trusted } => {
                write!(
                    f,
                    "the key of a certificate that the message brings along made it, and nobody here knows that certificate: {sent}; {}",
                    Listed(trusted)
                )
            }
            Self::NobodysKey { sent: Some(sent), trusted } => {
                write!(f, "no key at hand made it, that of the certificate sent along neither: {sent}; {}", Listed(trusted))
            }
            Self::NobodysKey { sent: None, trusted } => {
                write!(f, "no key at hand made it, and no certificate was sent along; {}", Listed(trusted))
            }
            Self::Explained { what, explanation } => write!(f, "{what}: {explanation}"),
            Self::SignedBeforeEncryption => {
                f.write_str("it was made before the Assertion was encrypted, and holds only with the Assertion in the clear")
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

/// The certificates of the metadata, the first few.
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

/// How many certificates a text names.
const SHOWN: usize = 4;
