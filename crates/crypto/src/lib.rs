//! Algorithms, keys and certificates for SAML, behind a provider whose list of algorithms is the policy.
//!
//! ```
//! use vouchsafe_crypto::{Certificate, KeyKind, Provider, SignatureAlgorithm};
//!
//! let provider = Provider::rustcrypto();
//! let private = provider.generate_key(KeyKind::P256)?;
//! let certificate = Certificate::self_signed(&provider, &private, "sp.example.com", 1_700_000_000, 2_000_000_000)?;
//!
//! // What trusts a certificate trusts the key in it, parsed once.
//! let key = certificate.public_key(&provider)?;
//! let signature = provider.sign(SignatureAlgorithm::EcdsaSha256, &private, b"octets")?;
//! provider.verify(SignatureAlgorithm::EcdsaSha256, &key, b"octets", &signature)?;
//! # Ok::<(), vouchsafe_crypto::CryptoError>(())
//! ```
//!
//! * [`Provider`] is what services hold: a [`backend`] (RustCrypto here, AWS-LC in `vouchsafe-crypto-aws-lc`) and the
//!   list of accepted algorithms. A weakening is a method that begins with `danger_`.
//! * Dangers are allowed one by one, see [below](#what-danger_allow-accepts).
//! * [`Certificate`] carries a key, names and dates. Nothing here validates chains or dates: trust in SAML comes from
//!   configured metadata (SAML V2.0 Metadata Interoperability Profile, 2.6.1).
//! * This crate knows no XML: identifiers are plain text.
//!
//! # What `danger_allow` accepts
//!
//! Everything that [`Provider::danger_allow`] can add to the default list, by the word to give it:
//!
//! | word | what | why it is not accepted by default |
//! | --- | --- | --- |
//! | `http://www.w3.org/2000/09/xmldsig#rsa-sha1` | RSA PKCS#1 v1.5 signatures with SHA-1 | whoever has a say in what is signed can find a collision |
//! | `http://www.w3.org/2000/09/xmldsig#sha1` | the digest SHA-1 in references | the same; SHA-1 signatures of XML need both words, those of queries the first |
//! | `http://www.w3.org/2001/04/xmlenc#rsa-1_5` | RSA PKCS#1 v1.5 key transport | an answer that tells its padding apart decrypts (Bleichenbacher, 1998) |
//! | `http://www.w3.org/2001/04/xmlenc#tripledes-cbc` | Triple DES in CBC mode | blocks of 64 bits repeat, and nothing authenticates them (NIST SP 800-131A) |
//! | `rsa-1024` | RSA keys from 1024 to 2047 bits | factoring them is within reach of states (NIST SP 800-131A) |
//!
//! Words that can be given to [`Provider::deny`] can be given to `danger_allow` as well, which takes the denial back.
//! Nothing else can be allowed: MD5, DSA, ECDSA with SHA-1 and HMAC have no implementation here.

mod algorithm;
pub mod backend;
mod certificate;
mod encoding;
mod error;
mod key;
mod key_format;
mod pem;
mod policy;
mod provider;
mod pss_key;
mod rustcrypto;
mod secret;
mod tlv;

pub use algorithm::{ContentCipher, DigestAlgorithm, KeyKind, KeyTransport, SignatureAlgorithm};
pub use backend::{Backend, DigestContext, DigestValue};
pub use certificate::Certificate;
pub use encoding::{base64_decode, base64_encode};
pub use error::CryptoError;
pub use key::{PrivateKey, PublicKey};
pub use provider::Provider;
pub use secret::{SecretBytes, SecretString, constant_time_eq};
