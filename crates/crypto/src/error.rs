//! The errors of this crate, each with a hint for the operator.

use crate::{DigestAlgorithm, KeyKind};

/// The reason why an algorithm, a key, a certificate or a value was refused.
///
/// Every variant has a stable [`code`](CryptoError::code) and a [`hint`](CryptoError::hint). No variant contains key
/// material, plaintext or anything that depends on them: all failures of decryption are the same error,
/// [`CryptoError::DecryptionFailed`].
///
/// ```
/// use vouchsafe_crypto::{DigestAlgorithm, Provider};
///
/// let refused = Provider::rustcrypto().digest(DigestAlgorithm::Sha1, b"bytes").unwrap_err();
/// assert_eq!(refused.code(), "crypto.digest_refused");
/// assert!(refused.hint().contains("SHA-256"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CryptoError {
    /// The signature algorithm, key transport or cipher is not on the provider's list.
    #[error("the algorithm {uri} is not accepted")]
    #[non_exhaustive]
    AlgorithmRefused {
        /// The identifier of the algorithm.
        uri: &'static str,
    },
    /// The digest is not on the provider's list.
    #[error("the digest {} is not accepted", algorithm.uri())]
    #[non_exhaustive]
    DigestRefused {
        /// The requested digest.
        algorithm: DigestAlgorithm,
    },
    /// The word given to [`Provider::danger_allow`](crate::Provider::danger_allow) or
    /// [`Provider::deny`](crate::Provider::deny) is not the name of an algorithm that this crate knows.
    #[error("“{uri}” is not an algorithm that is known here")]
    #[non_exhaustive]
    AlgorithmUnknown {
        /// The word, escaped and shortened.
        uri: String,
    },
    /// The algorithm is on the list, but the backend does not implement it.
    #[error("the backend {backend} does not implement {algorithm}")]
    #[non_exhaustive]
    AlgorithmUnsupported {
        /// The name of the backend.
        backend: &'static str,
        /// The algorithm, or the feature of it that is missing.
        algorithm: &'static str,
    },
    /// The algorithm needs a key of another kind.
    #[error("the algorithm {uri} cannot be used with a key of kind {key}")]
    #[non_exhaustive]
    KeyMismatch {
        /// The identifier of the algorithm.
        uri: &'static str,
        /// The kind of the key.
        key: KeyKind,
    },
    /// The key is restricted to RSASSA-PSS, possibly with one digest (RFC 4055, 1.2 and 3.1).
    #[error("the key is restricted to RSASSA-PSS and cannot be used with {uri}")]
    #[non_exhaustive]
    KeyRestricted {
        /// The identifier of the algorithm.
        uri: &'static str,
    },
    /// The RSA modulus is shorter than the accepted length.
    #[error("the RSA key has {bits} bits; at least {minimum} are needed")]
    #[non_exhaustive]
    KeyTooSmall {
        /// The length of the modulus in bits.
        bits: u32,
        /// The smallest accepted length in bits.
        minimum: u32,
    },
    /// The RSA modulus is so long that one verification would take too much processor time.
    #[error("the RSA key has {bits} bits; at most {maximum} are accepted")]
    #[non_exhaustive]
    KeyTooLarge {
        /// The length of the modulus in bits.
        bits: u32,
        /// The largest accepted length in bits.
        maximum: u32,
    },
    /// The bytes are not a key of the expected format.
    #[error("the key cannot be read as {form}: {detail}")]
    #[non_exhaustive]
    KeyMalformed {
        /// The format, such as "SubjectPublicKeyInfo" or "PKCS#8".
        form: &'static str,
        /// What is wrong with it.
        detail: &'static str,
    },
    /// The algorithm or curve of the key is not supported (DSA, explicit curve parameters, secp256k1, ...).
    #[error("keys of the algorithm {algorithm} are not supported")]
    #[non_exhaustive]
    KeyUnsupported {
        /// The object identifier in dotted form, or a name.
        algorithm: String,
    },
    /// The private key is encrypted with a password.
    #[error("the private key is encrypted")]
    #[non_exhaustive]
    KeyEncrypted {},
    /// There is no PEM block with a known label, or the block is damaged.
    #[error("no PEM block that holds {expected}: {detail}")]
    #[non_exhaustive]
    Pem {
        /// The expected content, such as "a private key".
        expected: &'static str,
        /// What was found instead.
        detail: String,
    },
    /// The bytes are not an X.509 certificate that contains a key.
    #[error("the certificate cannot be read: {detail} (at byte {offset})")]
    #[non_exhaustive]
    CertificateMalformed {
        /// What was expected at this offset.
        detail: &'static str,
        /// The offset in the DER bytes.
        offset: usize,
    },
    /// A certificate cannot be issued with these values.
    #[error("the certificate cannot be issued: {detail}")]
    #[non_exhaustive]
    CertificateNotIssued {
        /// The value that is not accepted, and the reason.
        detail: &'static str,
    },
    /// The text is not `base64Binary`.
    #[error("the text is not base64: {detail} (at character {offset})")]
    #[non_exhaustive]
    Base64 {
        /// The mistake in the text.
        detail: &'static str,
        /// The offset in the text, in bytes.
        offset: usize,
    },
    /// The signature does not have the length that the algorithm and the key require.
    #[error("a signature of {expected} bytes was expected, but it has {actual}")]
    #[non_exhaustive]
    SignatureLength {
        /// The required length in bytes.
        expected: usize,
        /// The actual length in bytes.
        actual: usize,
    },
    /// This key did not make the signature over these bytes.
    #[error("the signature does not verify with this key")]
    #[non_exhaustive]
    SignatureInvalid {},
    /// The private key could not sign.
    #[error("signing with {uri} failed")]
    #[non_exhaustive]
    SigningFailed {
        /// The identifier of the algorithm.
        uri: &'static str,
    },
    /// The symmetric key for encryption does not have the length that the cipher requires.
    #[error("the cipher {uri} needs a key of {expected} bytes, but {actual} were given")]
    #[non_exhaustive]
    KeyLength {
        /// The identifier of the cipher.
        uri: &'static str,
        /// The required length of the key in bytes.
        expected: usize,
        /// The actual length in bytes.
        actual: usize,
    },
    /// Encryption failed, for example because the message is too long for the RSA key.
    #[error("encryption with {uri} failed: {detail}")]
    #[non_exhaustive]
    EncryptionFailed {
        /// The identifier of the algorithm.
        uri: &'static str,
        /// The reason.
        detail: &'static str,
    },
    /// Decryption failed. The error deliberately gives no reason: an attacker who can distinguish wrong padding, a
    /// wrong key and a wrong tag can decrypt.
    #[error("decryption failed")]
    #[non_exhaustive]
    DecryptionFailed {},
    /// A key of this kind cannot be made.
    #[error("a key of kind {kind} cannot be made")]
    #[non_exhaustive]
    KeyGeneration {
        /// The requested kind.
        kind: KeyKind,
    },
    /// The operating system did not return random bytes.
    #[error("the operating system gave no random bytes")]
    #[non_exhaustive]
    Random {},
}

impl CryptoError {
    /// Returns a word that does not change between versions, for logs, metrics and tests.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::AlgorithmRefused { .. } => "crypto.algorithm_refused",
            Self::DigestRefused { .. } => "crypto.digest_refused",
            Self::AlgorithmUnknown { .. } => "crypto.algorithm_unknown",
            Self::AlgorithmUnsupported { .. } => "crypto.algorithm_unsupported",
            Self::KeyMismatch { .. } => "crypto.key_mismatch",
            Self::KeyRestricted { .. } => "crypto.key_restricted",
            Self::KeyTooSmall { .. } => "crypto.key_too_small",
            Self::KeyTooLarge { .. } => "crypto.key_too_large",
            Self::KeyMalformed { .. } => "crypto.key_malformed",
            Self::KeyUnsupported { .. } => "crypto.key_unsupported",
            Self::KeyEncrypted { .. } => "crypto.key_encrypted",
            Self::Pem { .. } => "crypto.pem",
            Self::CertificateMalformed { .. } => "crypto.certificate_malformed",
            Self::CertificateNotIssued { .. } => "crypto.certificate_not_issued",
            Self::Base64 { .. } => "crypto.base64",
            Self::SignatureLength { .. } => "crypto.signature_length",
            Self::SignatureInvalid { .. } => "crypto.signature_invalid",
            Self::SigningFailed { .. } => "crypto.signing_failed",
            Self::KeyLength { .. } => "crypto.key_length",
            Self::EncryptionFailed { .. } => "crypto.encryption_failed",
            Self::DecryptionFailed { .. } => "crypto.decryption_failed",
            Self::KeyGeneration { .. } => "crypto.key_generation",
            Self::Random { .. } => "crypto.random",
        }
    }

    /// Returns what an operator should change.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::AlgorithmRefused { .. } => {
                "Have the identity provider use RSA-SHA256 signatures (Okta: Signature Algorithm), and AES-GCM with \
                 RSA-OAEP for encryption. If it cannot, the provider's danger_allow accepts the old algorithm."
            }
            Self::DigestRefused { .. } => {
                "Have the identity provider use the digest SHA-256 (Okta: Digest Algorithm). If it cannot, the \
                 provider's danger_allow accepts the old digest."
            }
            Self::AlgorithmUnknown { .. } => {
                "Give the identifier of an algorithm as it is in the message, or the word rsa-1024. What is unknown here (MD5 and \
                 DSA among it) is refused in any case and cannot be allowed."
            }
            Self::AlgorithmUnsupported { .. } => {
                "Use the default provider (with AWS-LC: provider instead of provider_of_aws_lc_alone), or another algorithm."
            }
            Self::KeyMismatch { .. } => {
                "Compare the certificate that is configured with the active one in the identity provider's console: the \
                 key is of another kind than the algorithm in the message."
            }
            Self::KeyRestricted { .. } => {
                "Have the identity provider sign with RSASSA-PSS and the digest that its certificate names, or give it a \
                 certificate over a plain RSA key."
            }
            Self::KeyTooSmall { .. } => {
                "Have the identity provider make a new signing certificate of 2048 bits or more. If it cannot, the \
                 provider's danger_allow(\"rsa-1024\") accepts keys from 1024 bits."
            }
            Self::KeyTooLarge { .. } => "Use an RSA key of at most 8192 bits; 3072 is plenty.",
            Self::KeyMalformed { .. } => {
                "Export the key again: private keys as PEM (PKCS#8, PKCS#1 or SEC1), public keys as a certificate."
            }
            Self::KeyUnsupported { .. } => "Use an RSA key, a key on P-256, P-384 or P-521, or Ed25519.",
            Self::KeyEncrypted { .. } => {
                "Remove the password (openssl pkcs8 -topk8 -nocrypt) and keep the file in a secret store."
            }
            Self::Pem { .. } => "Give the whole block, from -----BEGIN to -----END, with its line breaks.",
            Self::CertificateMalformed { .. } => {
                "Download the certificate or the metadata from the identity provider's console again (Okta: SAML Signing Certificates)."
            }
            Self::CertificateNotIssued { .. } => "Change the named value.",
            Self::Base64 { .. } => {
                "Give the value as it came, without cutting, quoting or URL-decoding it again."
            }
            Self::SignatureLength { .. } | Self::SignatureInvalid { .. } => {
                "Compare the certificate's fingerprint with the identity provider's console first (Okta: SAML Signing \
                 Certificates, the one that is active); if it is the same, the message was changed on its way, or anybody made it."
            }
            Self::SigningFailed { .. } | Self::KeyGeneration { .. } => {
                "Use an RSA key of 2048 bits or more, or a key on P-256, P-384 or P-521."
            }
            Self::KeyLength { .. } | Self::EncryptionFailed { .. } => {
                "Use a key of the cipher's length, and an RSA key of 2048 bits or more."
            }
            Self::DecryptionFailed { .. } => {
                "Compare the encryption certificate at the identity provider with the one in our metadata (Okta: \
                 Encryption Certificate)."
            }
            Self::Random { .. } => "Look at the system: getrandom failed.",
        }
    }
}
