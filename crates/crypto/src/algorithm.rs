//! The algorithms and their identifiers.
//!
//! An algorithm without a name here cannot be requested: MD5, DSA, HMAC and XPath have no variant, so no later check
//! must refuse them. The list of the [`Provider`](crate::Provider) decides which of the named algorithms are
//! accepted.

use crate::backend::padding;
use core::fmt;

/// A message digest (XML Signature 1.1, 6.2; RFC 9231, 2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DigestAlgorithm {
    /// SHA-1. It is accepted only after `danger_allow`, except inside RSA-OAEP, where collisions are harmless.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl DigestAlgorithm {
    /// All digests.
    pub const ALL: [Self; 4] = [Self::Sha1, Self::Sha256, Self::Sha384, Self::Sha512];

    /// Returns its identifier in `ds:DigestMethod`.
    #[must_use]
    pub const fn uri(self) -> &'static str {
        match self {
            Self::Sha1 => "http://www.w3.org/2000/09/xmldsig#sha1",
            Self::Sha256 => "http://www.w3.org/2001/04/xmlenc#sha256",
            Self::Sha384 => "http://www.w3.org/2001/04/xmldsig-more#sha384",
            Self::Sha512 => "http://www.w3.org/2001/04/xmlenc#sha512",
        }
    }

    /// Returns the digest with this identifier.
    #[must_use]
    pub fn from_uri(uri: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.uri() == uri)
    }

    /// Returns its identifier as a mask generation function in `xenc11:MGF` (XML Encryption 1.1, 5.5.2).
    #[must_use]
    pub const fn mgf_uri(self) -> &'static str {
        match self {
            Self::Sha1 => "http://www.w3.org/2009/xmlenc11#mgf1sha1",
            Self::Sha256 => "http://www.w3.org/2009/xmlenc11#mgf1sha256",
            Self::Sha384 => "http://www.w3.org/2009/xmlenc11#mgf1sha384",
            Self::Sha512 => "http://www.w3.org/2009/xmlenc11#mgf1sha512",
        }
    }

    /// Returns the digest of the mask generation function with this identifier.
    #[must_use]
    pub fn from_mgf_uri(uri: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.mgf_uri() == uri)
    }

    /// Returns the length of the digest in bytes.
    #[must_use]
    pub const fn length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

/// A signature algorithm (XML Signature 1.1, 6.4; RFC 9231, 2.3).
///
/// RSA-PSS has the parameters that RFC 9231, 2.3.10 fixes: MGF1 with the same digest, and a salt as long as the
/// digest. ECDSA accepts any of the three curves with any of the three digests. Its value is r || s, each as long as
/// the curve's order (XML Signature 1.1, 6.4.3), and never ASN.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignatureAlgorithm {
    /// RSA PKCS#1 v1.5 with SHA-1. It is accepted only after `danger_allow`.
    RsaSha1,
    /// RSA PKCS#1 v1.5 with SHA-256.
    RsaSha256,
    /// RSA PKCS#1 v1.5 with SHA-384.
    RsaSha384,
    /// RSA PKCS#1 v1.5 with SHA-512.
    RsaSha512,
    /// RSASSA-PSS with SHA-256.
    RsaPssSha256,
    /// RSASSA-PSS with SHA-384.
    RsaPssSha384,
    /// RSASSA-PSS with SHA-512.
    RsaPssSha512,
    /// ECDSA with SHA-256.
    EcdsaSha256,
    /// ECDSA with SHA-384.
    EcdsaSha384,
    /// ECDSA with SHA-512.
    EcdsaSha512,
    /// Ed25519 (RFC 8032, RFC 9231, 2.3.12).
    Ed25519,
}

impl SignatureAlgorithm {
    /// All signature algorithms.
    pub const ALL: [Self; 11] = [
        Self::RsaSha1,
        Self::RsaSha256,
        Self::RsaSha384,
        Self::RsaSha512,
        Self::RsaPssSha256,
        Self::RsaPssSha384,
        Self::RsaPssSha512,
        Self::EcdsaSha256,
        Self::EcdsaSha384,
        Self::EcdsaSha512,
        Self::Ed25519,
    ];

    /// Returns its identifier in `ds:SignatureMethod`, and in `SigAlg` of the HTTP-Redirect binding.
    #[must_use]
    pub const fn uri(self) -> &'static str {
        match self {
            Self::RsaSha1 => "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
            Self::RsaSha256 => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
            Self::RsaSha384 => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
            Self::RsaSha512 => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
            Self::RsaPssSha256 => "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
            Self::RsaPssSha384 => "http://www.w3.org/2007/05/xmldsig-more#sha384-rsa-MGF1",
            Self::RsaPssSha512 => "http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1",
            Self::EcdsaSha256 => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
            Self::EcdsaSha384 => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
            Self::EcdsaSha512 => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512",
            Self::Ed25519 => "http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519",
        }
    }

    /// Returns the algorithm with this identifier.
    #[must_use]
    pub fn from_uri(uri: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.uri() == uri)
    }

    /// Returns the algorithm to sign with: for RSA PKCS#1 v1.5 with SHA-256, which all software verifies; for a
    /// curve, ECDSA with the digest that is as long as the curve's order.
    ///
    /// ```
    /// use vouchsafe_crypto::{KeyKind, SignatureAlgorithm};
    ///
    /// assert_eq!(SignatureAlgorithm::for_key(KeyKind::Rsa { bits: 3072 }), SignatureAlgorithm::RsaSha256);
    /// assert_eq!(SignatureAlgorithm::for_key(KeyKind::P384), SignatureAlgorithm::EcdsaSha384);
    /// ```
    #[must_use]
    pub const fn for_key(key: KeyKind) -> Self {
        match key {
            KeyKind::Rsa { .. } => Self::RsaSha256,
            KeyKind::P256 => Self::EcdsaSha256,
            KeyKind::P384 => Self::EcdsaSha384,
            KeyKind::P521 => Self::EcdsaSha512,
            KeyKind::Ed25519 => Self::Ed25519,
        }
    }

    /// Returns the digest of the message that is signed; `None` for Ed25519, which signs the message itself.
    #[must_use]
    pub const fn digest(self) -> Option<DigestAlgorithm> {
        match self {
            Self::RsaSha1 => Some(DigestAlgorithm::Sha1),
            Self::RsaSha256 | Self::RsaPssSha256 | Self::EcdsaSha256 => Some(DigestAlgorithm::Sha256),
            Self::RsaSha384 | Self::RsaPssSha384 | Self::EcdsaSha384 => Some(DigestAlgorithm::Sha384),
            Self::RsaSha512 | Self::RsaPssSha512 | Self::EcdsaSha512 => Some(DigestAlgorithm::Sha512),
            Self::Ed25519 => None,
        }
    }

    /// Returns whether a key of this kind can make and verify such signatures.
    #[must_use]
    pub const fn fits(self, key: KeyKind) -> bool {
        match self {
            Self::RsaSha1
            | Self::RsaSha256
            | Self::RsaSha384
            | Self::RsaSha512
            | Self::RsaPssSha256
            | Self::RsaPssSha384
            | Self::RsaPssSha512 => matches!(key, KeyKind::Rsa { .. }),
            Self::EcdsaSha256 | Self::EcdsaSha384 | Self::EcdsaSha512 => {
                matches!(key, KeyKind::P256 | KeyKind::P384 | KeyKind::P521)
            }
            Self::Ed25519 => matches!(key, KeyKind::Ed25519),
        }
    }
}

/// An algorithm that encrypts a content key to an RSA key (XML Encryption 1.1, 5.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyTransport {
    /// RSAES-PKCS1-v1_5. It is accepted only after `danger_allow`.
    Rsa15,
    /// RSAES-OAEP. With the identifier `rsa-oaep-mgf1p`, the mask generation function always uses SHA-1; the digest
    /// is the one in `ds:DigestMethod`, by default SHA-1.
    RsaOaep {
        /// The digest of the label, which is empty unless `xenc:OAEPparams` has a value.
        digest: DigestAlgorithm,
        /// The digest inside the mask generation function MGF1.
        mgf: DigestAlgorithm,
    },
}

impl KeyTransport {
    /// The identifier of RSAES-PKCS1-v1_5.
    pub const RSA_15_URI: &'static str = "http://www.w3.org/2001/04/xmlenc#rsa-1_5";
    /// The identifier of RSAES-OAEP whose mask generation function is MGF1 with SHA-1.
    pub const RSA_OAEP_MGF1P_URI: &'static str = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";
    /// The identifier of RSAES-OAEP whose mask generation function is in `xenc11:MGF` (by default MGF1 with SHA-1).
    pub const RSA_OAEP_URI: &'static str = "http://www.w3.org/2009/xmlenc11#rsa-oaep";

    /// Returns the identifier to write, which is also the one that [`Provider::deny`](crate::Provider::deny) accepts.
    /// It is `rsa-oaep-mgf1p`, which all software reads, if the mask generation function uses SHA-1, else
    /// `xmlenc11#rsa-oaep`.
    #[must_use]
    pub const fn uri(self) -> &'static str {
        match self {
            Self::Rsa15 => Self::RSA_15_URI,
            Self::RsaOaep { mgf: DigestAlgorithm::Sha1, .. } => Self::RSA_OAEP_MGF1P_URI,
            Self::RsaOaep { .. } => Self::RSA_OAEP_URI,
        }
    }
}

/// A cipher for content (XML Encryption 1.1, 5.2). The bytes of `xenc:CipherValue` begin with the initialisation vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ContentCipher {
    /// AES-128 in CBC mode: an initialisation vector of 16 bytes, then the ciphertext. It is not authenticated.
    Aes128Cbc,
    /// AES-192 in CBC mode.
    Aes192Cbc,
    /// AES-256 in CBC mode.
    Aes256Cbc,
    /// AES-128 in Galois/counter mode: an initialisation vector of 12 bytes, the ciphertext, and a tag of 16 bytes.
    Aes128Gcm,
    /// AES-192 in Galois/counter mode.
    Aes192Gcm,
    /// AES-256 in Galois/counter mode.
    Aes256Gcm,
    /// Triple DES in CBC mode: an initialisation vector of 8 bytes, then the ciphertext. It is accepted only after
    /// `danger_allow`.
    TripleDesCbc,
}

impl ContentCipher {
    /// All ciphers.
    pub const ALL: [Self; 7] = [
        Self::Aes128Cbc,
        Self::Aes192Cbc,
        Self::Aes256Cbc,
        Self::Aes128Gcm,
        Self::Aes192Gcm,
        Self::Aes256Gcm,
        Self::TripleDesCbc,
    ];

    /// Returns its identifier in `xenc:EncryptionMethod`.
    #[must_use]
    pub const fn uri(self) -> &'static str {
        match self {
            Self::Aes128Cbc => "http://www.w3.org/2001/04/xmlenc#aes128-cbc",
            Self::Aes192Cbc => "http://www.w3.org/2001/04/xmlenc#aes192-cbc",
            Self::Aes256Cbc => "http://www.w3.org/2001/04/xmlenc#aes256-cbc",
            Self::Aes128Gcm => "http://www.w3.org/2009/xmlenc11#aes128-gcm",
            Self::Aes192Gcm => "http://www.w3.org/2009/xmlenc11#aes192-gcm",
            Self::Aes256Gcm => "http://www.w3.org/2009/xmlenc11#aes256-gcm",
            Self::TripleDesCbc => "http://www.w3.org/2001/04/xmlenc#tripledes-cbc",
        }
    }

    /// Returns the cipher with this identifier.
    #[must_use]
    pub fn from_uri(uri: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cipher| cipher.uri() == uri)
    }

    /// Returns the length of its key in bytes.
    #[must_use]
    pub const fn key_length(self) -> usize {
        match self {
            Self::Aes128Cbc | Self::Aes128Gcm => 16,
            Self::Aes192Cbc | Self::Aes192Gcm | Self::TripleDesCbc => 24,
            Self::Aes256Cbc | Self::Aes256Gcm => 32,
        }
    }

    /// Returns the length in bytes of the blocks that padding fills; `None` if the cipher needs no padding.
    pub(crate) const fn padding_block(self) -> Option<usize> {
        match self {
            Self::Aes128Cbc | Self::Aes192Cbc | Self::Aes256Cbc => Some(padding::AES_BLOCK),
            Self::TripleDesCbc => Some(padding::DES_BLOCK),
            Self::Aes128Gcm | Self::Aes192Gcm | Self::Aes256Gcm => None,
        }
    }

    /// Returns whether the cipher itself detects an altered ciphertext.
    #[must_use]
    pub const fn is_authenticated(self) -> bool {
        matches!(self, Self::Aes128Gcm | Self::Aes192Gcm | Self::Aes256Gcm)
    }
}

/// The kind of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyKind {
    /// An RSA key.
    Rsa {
        /// The length of the modulus in bits.
        bits: u32,
    },
    /// A key on the curve P-256 (secp256r1).
    P256,
    /// A key on the curve P-384 (secp384r1).
    P384,
    /// A key on the curve P-521 (secp521r1).
    P521,
    /// An Ed25519 key.
    Ed25519,
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa { bits } => write!(f, "RSA {bits} bits"),
            Self::P256 => f.write_str("P-256"),
            Self::P384 => f.write_str("P-384"),
            Self::P521 => f.write_str("P-521"),
            Self::Ed25519 => f.write_str("Ed25519"),
        }
    }
}
