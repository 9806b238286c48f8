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
//! * [`Certificate`] carries a key, names and dates. Nothing here validates chains or dates: trust in SAML comes from
//!   configured metadata (SAML V2.0 Metadata Interoperability Profile, 2.6.1).
//! * This crate knows no XML: identifiers are plain text.

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
