use vouchsafe_crypto::CryptoError;
use vouchsafe_xml::{Quoted, XmlError};

/// The reason why something could not be decrypted or encrypted.
///
/// Only [`Failed`](EncryptionError::Failed) depends on secrets. It has no source and no operands, so neither a log
/// nor a response shows whether the key, the padding, the authentication tag or the decrypted XML was wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncryptionError {
    /// The element does not hold exactly one `xenc:EncryptedData` (SAML core, section 2.2.4 and 2.3.4).
    #[error("{} at {position} holds {found} EncryptedData elements, and must hold exactly one", Quoted::new(.element))]
    #[non_exhaustive]
    DataCount {
        /// The name of the element that was to be decrypted.
        element: String,
        /// The position of the element, as a path.
        position: String,
        /// How many there are.
        found: usize,
    },
    /// A part of an `EncryptedData` or `EncryptedKey` is missing or repeated (XML encryption, sections 3.1 to 3.5).
    #[error("{parent} at {position} holds {found} {child} elements, and must hold exactly one")]
    #[non_exhaustive]
    Structure {
        /// The name of the element that should hold the part.
        parent: &'static str,
        /// The name of the part.
        child: &'static str,
        /// The position of the parent, as a path.
        position: String,
        /// How many there are.
        found: usize,
    },
    /// The message refers to ciphertext in another place. This crate never fetches anything.
    #[error(
        "{parent} at {position} refers to ciphertext elsewhere (CipherReference), which is never fetched"
    )]
    #[non_exhaustive]
    CipherReference {
        /// The name of the element with the reference.
        parent: &'static str,
        /// The position of the element, as a path.
        position: String,
    },
    /// The `Type` of the `EncryptedData` is not an element (SAML core, section 6).
    #[error("EncryptedData at {position} has Type {}, expected http://www.w3.org/2001/04/xmlenc#Element", Quoted::new(.actual))]
    #[non_exhaustive]
    NotAnElement {
        /// The position of the `EncryptedData`, as a path.
        position: String,
        /// The actual `Type`.
        actual: String,
    },
    /// A value is not base64.
    #[error("the CipherValue of {parent} at {position} is not base64")]
    #[non_exhaustive]
    Base64 {
        /// The name of the element with the value.
        parent: &'static str,
        /// The position of the element, as a path.
        position: String,
    },
    /// This library does not know the algorithm.
    #[error("unknown {purpose} algorithm {}", Quoted::new(.algorithm))]
    #[non_exhaustive]
    UnknownAlgorithm {
        /// The purpose of the algorithm: "content encryption", "key transport", "OAEP digest", "mask generation".
        purpose: &'static str,
        /// The identifier of the algorithm in the message.
        algorithm: String,
    },
    /// The provider does not accept the algorithm.
    #[error("the {purpose} algorithm {algorithm} is not accepted")]
    #[non_exhaustive]
    RefusedAlgorithm {
        /// The purpose of the algorithm: "content encryption", "key transport".
        purpose: &'static str,
        /// The identifier of the algorithm in the message.
        algorithm: String,
    },
    /// The label of RSA-OAEP (`xenc:OAEPparams`) is not base64 (XML encryption, section 5.5.2).
    #[error("the OAEPparams of the EncryptionMethod at {position} are not base64")]
    #[non_exhaustive]
    OaepParameters {
        /// The position of the `EncryptionMethod`, as a path.
        position: String,
    },
    /// There is no `xenc:EncryptedKey` for the `EncryptedData`.
    #[error("no EncryptedKey goes with the EncryptedData at {position}")]
    #[non_exhaustive]
    NoEncryptedKey {
        /// The position of the `EncryptedData`, as a path.
        position: String,
    },
    /// There are more `xenc:EncryptedKey` elements than the limit.
    #[error("{found} EncryptedKey elements go with one EncryptedData, and at most {limit} are looked at")]
    #[non_exhaustive]
    TooManyKeys {
        /// How many there are.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// Decrypting the whole message needs more private-key operations than one message may cause.
    #[error("the encrypted parts of the message take more than {limit} private-key operations")]
    #[non_exhaustive]
    TooManyOperations {
        /// The limit.
        limit: usize,
    },
    /// The message is encrypted, but no private key is configured.
    #[error("the message is encrypted, and no decryption key is configured")]
    NoDecryptionKey,
    /// Decryption failed. The error gives no reason, so that it reveals nothing about a secret.
    #[error("decryption failed")]
    Failed,
    /// XML could not be written, or a decrypted document could not be parsed.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// The provider's backend does not implement an algorithm of the message, whatever the key is.
    #[error(transparent)]
    Backend(CryptoError),
    /// Encryption failed.
    #[error("cannot encrypt: {0}")]
    Encrypt(#[source] CryptoError),
}

impl EncryptionError {
    /// Returns the stable name of this kind of error, for example `encryption.failed`. Errors of lower crates keep
    /// their codes.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::DataCount { .. } => "encryption.data_count",
            Self::Structure { .. } => "encryption.structure",
            Self::CipherReference { .. } => "encryption.cipher_reference",
            Self::NotAnElement { .. } => "encryption.type",
            Self::Base64 { .. } => "encryption.base64",
            Self::UnknownAlgorithm { .. } => "encryption.unknown_algorithm",
            Self::RefusedAlgorithm { .. } => "encryption.refused_algorithm",
            Self::OaepParameters { .. } => "encryption.oaep_parameters",
            Self::NoEncryptedKey { .. } => "encryption.no_encrypted_key",
            Self::TooManyKeys { .. } => "encryption.too_many_keys",
            Self::TooManyOperations { .. } => "encryption.too_many_operations",
            Self::NoDecryptionKey => "encryption.no_decryption_key",
            Self::Failed => "encryption.failed",
            Self::Xml(error) => error.code(),
            Self::Backend(error) | Self::Encrypt(error) => error.code(),
        }
    }

    /// Returns what an operator can change so that it works.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::DataCount { .. }
            | Self::Structure { .. }
            | Self::CipherReference { .. }
            | Self::NotAnElement { .. }
            | Self::OaepParameters { .. }
            | Self::Base64 { .. } => {
                "The message is not what an identity provider sends: ask its operator, with the response as it was posted."
            }
            Self::UnknownAlgorithm { .. } => {
                "Choose AES256-GCM (Okta: \"Encryption Algorithm\") and RSA-OAEP (Okta: \"Key Transport Algorithm\") at the identity provider."
            }
            Self::RefusedAlgorithm { .. } => {
                "Choose AES256-GCM (Okta: \"Encryption Algorithm\") and RSA-OAEP (Okta: \"Key Transport Algorithm\") at the identity provider; \
                 only where it can do no better, allow the algorithm with the provider's danger_allow."
            }
            Self::NoEncryptedKey { .. } => {
                "The identity provider must send the content key with the message; a key agreed beforehand is not supported."
            }
            Self::TooManyKeys { .. } => {
                "Raise encrypted_keys in Limits if this identity provider encrypts to that many recipients."
            }
            Self::TooManyOperations { .. } => {
                "Raise private_key_operations in Limits if this identity provider encrypts that many parts, and remove decryption \
                 keys that nobody encrypts to any more."
            }
            Self::NoDecryptionKey => {
                "Configure the private key whose certificate the identity provider encrypts to, or switch encryption off there (Okta: \
                 \"Assertion Encryption\": Unencrypted)."
            }
            Self::Failed => {
                "Most often the identity provider encrypts to an old certificate: upload the current one (Okta: \"Encryption \
                 Certificate\"), or configure the old private key beside the new one until it has changed. If the key is right, ask \
                 its operator whether what it encrypts is one element of XML that declares the prefixes it uses."
            }
            Self::Xml(error) => error.hint(),
            Self::Backend(error) | Self::Encrypt(error) => error.hint(),
        }
    }
}
